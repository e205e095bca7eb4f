package lifeboat;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.jcr.ImportUUIDBehavior;
import javax.jcr.Node;
import javax.jcr.Session;

/** Imports files below the root of a workspace as Magnolia's console does: ids are kept, and what has them is replaced. */
final class Import {
    private Import() {}

    static String run(Options options) throws Exception {
        try (Live live = Live.open(options)) {
            Session session = live.login(options.text("workspace"));
            if (options.has("empty")) {
                for (var children = session.getRootNode().getNodes(); children.hasNext();) {
                    Node child = children.nextNode();
                    if (!child.getName().equals("jcr:system") && !child.getDefinition().isProtected()) {
                        child.remove();
                    }
                }
                session.save();
            }
            List<Path> files;
            try (var all = Files.list(Path.of(options.text("folder")))) {
                files = all.sorted().toList();
            }
            for (Path file : files) {
                try (InputStream in = Files.newInputStream(file)) {
                    session.importXML("/", in, ImportUUIDBehavior.IMPORT_UUID_COLLISION_REPLACE_EXISTING);
                }
            }
            session.save();
            session.logout();
            return files.size() + " files";
        }
    }
}
