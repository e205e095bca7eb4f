package lifeboat;

import javax.jcr.Node;
import javax.jcr.Session;
import javax.jcr.version.VersionManager;

/** Moves a page of the website, as an editor does, and makes another one below it. */
final class Move {
    private Move() {}

    static String run(Options options) throws Exception {
        try (Live live = Live.open(options)) {
            Session session = live.login("website");
            String from = options.text("from");
            String to = options.text("to");
            VersionManager manager = session.getWorkspace().getVersionManager();
            for (Node node : new Node[] {
                    session.getNode(from), session.getNode(from).getParent(),
                    session.getNode(to.substring(0, to.lastIndexOf('/')))}) {
                if (!node.isCheckedOut()) {
                    manager.checkout(node.getPath());
                }
            }
            session.move(from, to);
            Node added = session.getNode(to).addNode("made-there", "mgnl:page");
            added.setProperty("title", "made where it was moved to");
            session.save();
            return from + " is " + to;
        }
    }
}
