package lifeboat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.jcr.Node;
import javax.jcr.RepositoryException;
import javax.jcr.Session;

/**
 * Saves one change after the other while something else reads the database. Each change is one transaction that sets
 * the same number on {@code /edit/left} and {@code /edit/right} in the website and adds {@code /edit/change-N}, so a
 * copy that shows two numbers, or a number without its node, is not of one point in time.
 */
final class Edit {
    private Edit() {}

    static String run(Options options, PrintStream out) throws Exception {
        long count = options.number("count", 1);
        try (Live live = Live.open(options)) {
            Session session = live.login("website");
            Node edit = child(session.getRootNode(), "edit");
            Node left = child(edit, "left");
            Node right = child(edit, "right");
            long number = left.hasProperty("number") ? left.getProperty("number").getLong() : 0;
            long done = 0;
            AtomicBoolean ended = new AtomicBoolean();
            if (count == 0) {
                watch(ended);
            }
            while (count > 0 ? done < count : !ended.get()) {
                number++;
                done++;
                change(edit, left, right, number);
                session.save();
                out.println("edit " + number);
                out.flush();
            }
            return done + " changes";
        }
    }

    private static void change(Node edit, Node left, Node right, long number) throws RepositoryException {
        left.setProperty("number", number);
        right.setProperty("number", number);
        Node change = edit.addNode("change-" + number, "mgnl:contentNode");
        byte[] bytes = new byte[2048];
        new Random(number).nextBytes(bytes);
        change.setProperty("number", number);
        change.setProperty("bytes", change.getSession().getValueFactory()
                .createBinary(new ByteArrayInputStream(bytes)));
    }

    private static Node child(Node parent, String name) throws RepositoryException {
        return parent.hasNode(name) ? parent.getNode(name) : parent.addNode(name, "mgnl:contentNode");
    }

    /** Says when standard input has ended, because whoever started this has had enough. */
    private static void watch(AtomicBoolean ended) {
        Thread watcher = new Thread(() -> {
            try {
                System.in.transferTo(OutputStream.nullOutputStream());
            } catch (IOException broken) {
                // A broken pipe is an end as well.
            }
            ended.set(true);
        });
        watcher.setDaemon(true);
        watcher.start();
    }
}
