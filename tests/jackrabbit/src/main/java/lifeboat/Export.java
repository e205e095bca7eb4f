package lifeboat;

import java.io.BufferedOutputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import javax.jcr.Node;
import javax.jcr.Session;

/**
 * Exports each node below the root of a workspace into a file, as Jackrabbit itself does. Further places of shared nodes are
 * removed before: what it writes for them, it does not import.
 */
final class Export {
    private Export() {}

    static String run(Options options) throws Exception {
        Path folder = Path.of(options.text("folder"));
        try (Live live = Live.open(options)) {
            Session session = live.login(options.text("workspace"));
            removeShares(session.getRootNode(), new HashSet<>());
            session.save();
            int count = 0;
            for (var children = session.getRootNode().getNodes(); children.hasNext();) {
                Node child = children.nextNode();
                if (child.getName().equals("jcr:system") || child.getDefinition().isProtected()) {
                    continue;
                }
                Path file = folder.resolve(String.format("%04d.xml", count++));
                try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
                    session.exportSystemView(child.getPath(), out, false, false);
                }
            }
            session.logout();
            return count + " files";
        }
    }

    private static void removeShares(Node node, Set<String> seen) throws Exception {
        for (var children = node.getNodes(); children.hasNext();) {
            Node child = children.nextNode();
            if (child.getName().equals("jcr:system")) {
                continue;
            }
            if (seen.add(child.getIdentifier())) {
                removeShares(child, seen);
            } else {
                child.removeShare();
            }
        }
    }
}
