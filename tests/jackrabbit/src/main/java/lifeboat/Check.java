package lifeboat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import javax.jcr.Node;
import javax.jcr.Property;
import javax.jcr.PropertyType;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.jcr.Value;
import javax.jcr.version.Version;
import javax.jcr.version.VersionHistory;
import javax.jcr.version.VersionManager;
import org.apache.jackrabbit.core.Insides;
import org.apache.jackrabbit.core.persistence.PersistenceManager;
import org.apache.jackrabbit.core.persistence.check.ConsistencyChecker;
import org.apache.jackrabbit.core.persistence.check.ReportItem;
import org.apache.jackrabbit.core.query.QueryHandler;
import org.apache.jackrabbit.core.query.lucene.ConsistencyCheckError;
import org.apache.jackrabbit.core.query.lucene.SearchIndex;

/**
 * Runs every consistency check that Jackrabbit has, and repairs nothing. Those checks follow parents and children
 * only, so references, versions and binaries are followed through the content itself after them.
 */
final class Check {
    private final Live live;
    private final PrintStream out;
    private int findings;

    private Check(Live live, PrintStream out) {
        this.live = live;
        this.out = out;
    }

    static int run(Options options, PrintStream out) throws Exception {
        try (Live live = Live.open(options)) {
            Check check = new Check(live, out);
            check.tables("version storage", Insides.versions(live.repository()));
            check.index("version storage", Insides.systemIndex(live.repository(), "default"));
            List<String> there = live.workspaces();
            for (String workspace : there) {
                check.workspace(workspace);
            }
            // Jackrabbit knows a workspace by a file in the home directory, and passes over tables without one.
            for (String workspace : Fill.WORKSPACES) {
                if (!there.contains(workspace)) {
                    check.found(workspace, "is not there", null);
                }
            }
            if (options.has("out")) {
                Dump.write(live, Path.of(options.text("out")));
            }
            return check.findings;
        }
    }

    private void workspace(String name) throws IOException {
        Session session;
        try {
            session = live.login(name);
        } catch (RepositoryException error) {
            found(name, "cannot be opened", error);
            return;
        }
        try {
            tables(name, Insides.workspace(live.repository(), name));
            index(name, Insides.index(live.repository(), name));
            walk(name, session.getRootNode());
        } catch (RepositoryException error) {
            found(name, "cannot be read", error);
        } finally {
            session.logout();
        }
    }

    private void tables(String name, PersistenceManager manager) throws RepositoryException {
        if (!(manager instanceof ConsistencyChecker checker)) {
            found(name, manager + " has no consistency check", null);
            return;
        }
        for (ReportItem item : checker.check(null, true, false, null, null).getItems()) {
            found(name, item.toString(), null);
        }
    }

    private void index(String name, QueryHandler handler) throws IOException {
        if (!(handler instanceof SearchIndex index)) {
            found(name, handler + " has no consistency check", null);
            return;
        }
        for (ConsistencyCheckError error : index.runConsistencyCheck().getErrors()) {
            found(name, "search index: " + error, null);
        }
    }

    private void walk(String workspace, Node node) {
        try {
            if (node.getPath().equals("/jcr:system")) {
                return;
            }
            if (node.isNodeType("mix:versionable")) {
                versions(workspace, node);
            }
            for (var properties = node.getProperties(); properties.hasNext();) {
                property(workspace, properties.nextProperty());
            }
            for (var children = node.getNodes(); children.hasNext();) {
                walk(workspace, children.nextNode());
            }
        } catch (RepositoryException error) {
            found(workspace, node.toString(), error);
        }
    }

    /** Follows a node to its base version and from there to every other one. */
    private void versions(String workspace, Node node) {
        try {
            VersionManager manager = node.getSession().getWorkspace().getVersionManager();
            VersionHistory history = manager.getVersionHistory(node.getPath());
            for (var all = history.getAllVersions(); all.hasNext();) {
                Version version = all.nextVersion();
                version.getFrozenNode();
                version.getPredecessors();
            }
            manager.getBaseVersion(node.getPath()).getFrozenNode();
        } catch (RepositoryException | RuntimeException error) {
            // Jackrabbit answers with InconsistentVersioningState when the history is missing, and with a
            // NullPointerException when the base version is; neither is a RepositoryException.
            found(workspace, "versions of " + node, error);
        }
    }

    private void property(String workspace, Property property) {
        try {
            Value[] values = property.isMultiple() ? property.getValues() : new Value[] {property.getValue()};
            for (Value value : values) {
                if (value.getType() == PropertyType.REFERENCE) {
                    property.getSession().getNodeByIdentifier(value.getString());
                } else if (value.getType() == PropertyType.BINARY) {
                    long length = value.getBinary().getSize();
                    try (InputStream in = value.getBinary().getStream()) {
                        long read = in.transferTo(OutputStream.nullOutputStream());
                        if (read != length) {
                            found(workspace, property.getPath() + ": " + read + " of " + length + " bytes", null);
                        }
                    }
                }
            }
        } catch (RepositoryException | IOException error) {
            found(workspace, property.toString(), error);
        }
    }

    private void found(String where, String what, Exception why) {
        findings++;
        out.println(where + ": " + what + (why == null ? "" : ": " + why));
    }
}
