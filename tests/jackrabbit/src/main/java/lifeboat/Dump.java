package lifeboat;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.jcr.Binary;
import javax.jcr.Node;
import javax.jcr.Property;
import javax.jcr.PropertyType;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.jcr.Value;
import javax.jcr.nodetype.NodeType;
import javax.jcr.query.Query;
import javax.jcr.version.Version;
import javax.jcr.version.VersionHistory;

/**
 * Writes everything that a repository holds as lines of text, so that two of them can be compared with {@code diff}:
 * equal texts are equal repositories. Nodes stand in their own order, because that order is content; everything that
 * has none is sorted.
 */
final class Dump {
    private static final int BUFFER = 64 * 1024;
    /** So many titles of a workspace are searched for. */
    private static final int SEARCHES = 40;

    private final Live live;
    private final BufferedWriter out;
    private final MessageDigest digest;
    private final byte[] buffer = new byte[BUFFER];
    private int nodes;
    private int versions;

    private Dump(Live live, BufferedWriter out) throws NoSuchAlgorithmException {
        this.live = live;
        this.out = out;
        this.digest = MessageDigest.getInstance("SHA-256");
    }

    static String run(Options options) throws Exception {
        try (Live live = Live.open(options)) {
            return write(live, Path.of(options.text("out")));
        }
    }

    static String write(Live live, Path file) throws Exception {
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            Dump dump = new Dump(live, out);
            dump.registries();
            for (String workspace : live.workspaces()) {
                dump.workspace(workspace);
            }
            dump.histories();
            return dump.nodes + " nodes and " + dump.versions + " versions";
        }
    }

    private void registries() throws RepositoryException, IOException {
        Session session = live.login("default");
        try {
            var namespaces = session.getWorkspace().getNamespaceRegistry();
            String[] prefixes = namespaces.getPrefixes();
            Arrays.sort(prefixes);
            for (String prefix : prefixes) {
                line("namespace " + prefix + " " + namespaces.getURI(prefix));
            }
            List<String> types = new ArrayList<>();
            var all = session.getWorkspace().getNodeTypeManager().getAllNodeTypes();
            while (all.hasNext()) {
                NodeType type = all.nextNodeType();
                types.add("type " + type.getName() + " < " + String.join(" ", type.getDeclaredSupertypeNames()));
            }
            types.sort(null);
            for (String type : types) {
                line(type);
            }
        } finally {
            session.logout();
        }
    }

    private void workspace(String name) throws RepositoryException, IOException {
        Session session = live.login(name);
        try {
            line("");
            line("workspace " + name);
            node(session.getRootNode(), "");
            // The index has to find what the tables hold; it was built anew if its folder was missing.
            Query query = session.getWorkspace().getQueryManager()
                    .createQuery("select * from [mgnl:contentNode]", Query.JCR_SQL2);
            line("found by query " + query.execute().getNodes().getSize());
            searches(session);
        } finally {
            session.logout();
        }
    }

    /**
     * What searches find by title. An index that has not seen a change still finds by what was there before it, so that
     * the same number of nodes is not enough.
     */
    private void searches(Session session) throws RepositoryException, IOException {
        TreeSet<String> titles = new TreeSet<>();
        titles(session.getRootNode(), titles);
        int done = 0;
        for (String title : titles) {
            if (done++ == SEARCHES) {
                break;
            }
            Query query = session.getWorkspace().getQueryManager()
                    .createQuery("select * from [nt:base] where [title] = $title", Query.JCR_SQL2);
            query.bindValue("title", session.getValueFactory().createValue(title));
            List<String> paths = new ArrayList<>();
            for (var found = query.execute().getNodes(); found.hasNext();) {
                paths.add(text(found.nextNode().getPath()));
            }
            paths.sort(null);
            line("found by title " + text(title) + ": " + String.join(" ", paths));
        }
    }

    private static void titles(Node node, Set<String> titles) throws RepositoryException {
        if (node.getPath().equals("/jcr:system")) {
            return;
        }
        if (node.hasProperty("title")) {
            titles.add(node.getProperty("title").getString());
        }
        for (var children = node.getNodes(); children.hasNext();) {
            titles(children.nextNode(), titles);
        }
    }

    /** Every version history, also of nodes that are no longer there, by the id of the node. */
    private void histories() throws RepositoryException, IOException {
        Session session = live.login("default");
        try {
            List<VersionHistory> found = new ArrayList<>();
            collect(session.getNode("/jcr:system/jcr:versionStorage"), found);
            List<Entry> sorted = new ArrayList<>();
            for (VersionHistory history : found) {
                sorted.add(new Entry(history.getVersionableIdentifier(), history));
            }
            sorted.sort(Comparator.comparing(Entry::versionable));
            for (Entry entry : sorted) {
                history(entry.versionable(), entry.history());
            }
        } finally {
            session.logout();
        }
    }

    private record Entry(String versionable, VersionHistory history) {}

    private static void collect(Node node, List<VersionHistory> found) throws RepositoryException {
        for (var children = node.getNodes(); children.hasNext();) {
            Node child = children.nextNode();
            if (child instanceof VersionHistory history) {
                found.add(history);
            } else {
                collect(child, found);
            }
        }
    }

    private void history(String versionable, VersionHistory history) throws RepositoryException, IOException {
        line("");
        line("history of " + versionable + " " + history.getIdentifier());
        String[] labels = history.getVersionLabels();
        Arrays.sort(labels);
        for (String label : labels) {
            line("  label " + text(label) + " " + text(history.getVersionByLabel(label).getName()));
        }
        for (var all = history.getAllVersions(); all.hasNext();) {
            Version version = all.nextVersion();
            versions++;
            line("  version " + text(version.getName()) + " " + version.getIdentifier());
            properties(version, "    ");
            node(version.getFrozenNode(), "    ");
        }
    }

    private void node(Node node, String indent) throws RepositoryException, IOException {
        if (node.getPath().equals("/jcr:system")) {
            return;
        }
        nodes++;
        StringBuilder head = new StringBuilder(indent).append(text(node.getPath()));
        head.append(" [").append(node.getPrimaryNodeType().getName());
        Arrays.stream(node.getMixinNodeTypes()).map(NodeType::getName).sorted()
                .forEach(mixin -> head.append(' ').append(mixin));
        line(head.append("] ").append(node.getIdentifier()).toString());
        properties(node, indent + "  ");
        if (indent.isEmpty() && node.isNodeType(NodeType.MIX_REFERENCEABLE)) {
            List<String> from = new ArrayList<>();
            for (var references = node.getReferences(); references.hasNext();) {
                from.add(text(references.nextProperty().getPath()));
            }
            from.sort(null);
            for (String path : from) {
                line(indent + "  < " + path);
            }
        }
        for (var children = node.getNodes(); children.hasNext();) {
            node(children.nextNode(), indent);
        }
    }

    private void properties(Node node, String indent) throws RepositoryException, IOException {
        List<Property> sorted = new ArrayList<>();
        for (var properties = node.getProperties(); properties.hasNext();) {
            sorted.add(properties.nextProperty());
        }
        List<String> lines = new ArrayList<>();
        for (Property property : sorted) {
            String kind = PropertyType.nameFromValue(property.getType());
            StringBuilder text = new StringBuilder(indent).append("- ").append(text(property.getName()));
            text.append(' ').append(kind);
            if (property.isMultiple()) {
                text.append(" [");
                for (Value value : property.getValues()) {
                    text.append(' ').append(value(value));
                }
                text.append(" ]");
            } else {
                text.append(' ').append(value(property.getValue()));
            }
            lines.add(text.toString());
        }
        lines.sort(null);
        for (String each : lines) {
            line(each);
        }
    }

    private String value(Value value) throws RepositoryException, IOException {
        if (value.getType() != PropertyType.BINARY) {
            return '"' + text(value.getString()) + '"';
        }
        Binary binary = value.getBinary();
        long length = 0;
        try (InputStream in = binary.getStream()) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
                length += read;
            }
        } finally {
            binary.dispose();
        }
        return length + " bytes sha256 " + HexFormat.of().formatHex(digest.digest());
    }

    /** One value stays on one line, and two different ones never look the same. */
    private static String text(String value) {
        return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\"", "\\\"");
    }

    private void line(String line) throws IOException {
        out.write(line);
        out.write('\n');
    }
}
