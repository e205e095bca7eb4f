package lifeboat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import javax.jcr.Node;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.jcr.query.Query;
import javax.jcr.version.VersionManager;
import org.apache.jackrabbit.core.Insides;
import org.apache.jackrabbit.core.cluster.ClusterNode;

/**
 * A node of a cluster that stays open, as a Magnolia does, and does what each line of standard input says. It says when it
 * is open, answers each line with one, and ends when there are no more: whoever sends them decides what happens before what.
 *
 * <pre>
 * add WORKSPACE PATH TITLE      a page that has a version
 * title WORKSPACE PATH TITLE    changes its title
 * remove WORKSPACE PATH
 * read WORKSPACE PATH           gives the title, and has the page in the caches from here on
 * find WORKSPACE TITLE          gives how many pages a search for that title finds
 * sync                          takes over what other nodes of the cluster have done
 * end                           closes the repository
 * </pre>
 */
final class Serve {
    private final Live live;
    private final Map<String, Session> sessions = new HashMap<>();

    private Serve(Live live) {
        this.live = live;
    }

    static String run(Options options, PrintStream out) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        int done = 0;
        try (Live live = Live.open(options)) {
            Serve serve = new Serve(live);
            say(out, "open");
            for (String line = lines.readLine(); line != null && !line.equals("end"); line = lines.readLine()) {
                say(out, serve.answer(line.split(" ")));
                done++;
            }
        }
        return done + " lines";
    }

    private static void say(PrintStream out, String answer) {
        out.println(answer.replace('\n', ' '));
        out.flush();
    }

    private String answer(String[] words) {
        try {
            return obey(words);
        } catch (Exception error) {
            return "failed: " + error;
        }
    }

    private String obey(String[] words) throws Exception {
        if (words[0].equals("sync")) {
            sync();
            return "done";
        }
        Session session = session(words[1]);
        switch (words[0]) {
            case "add" -> add(session, words[2], words[3]);
            case "title" -> title(session, words[2], words[3]);
            case "remove" -> {
                session.getNode(words[2]).remove();
                session.save();
            }
            case "read" -> {
                return session.getNode(words[2]).getProperty("title").getString();
            }
            case "find" -> {
                return Long.toString(find(session, words[2]));
            }
            default -> throw new Options.Wrong("there is no line " + words[0]);
        }
        return "done";
    }

    private Session session(String workspace) throws RepositoryException {
        Session session = sessions.get(workspace);
        if (session == null) {
            session = live.login(workspace);
            sessions.put(workspace, session);
        }
        session.refresh(false);
        return session;
    }

    private void sync() throws Exception {
        ClusterNode cluster = Insides.cluster(live.repository());
        if (cluster != null) {
            cluster.sync();
        }
    }

    private static void add(Session session, String path, String title) throws RepositoryException {
        int slash = path.lastIndexOf('/');
        Node parent = slash == 0 ? session.getRootNode() : session.getNode(path.substring(0, slash));
        Node page = parent.addNode(path.substring(slash + 1), "mgnl:page");
        page.addMixin("mix:versionable");
        page.setProperty("title", title);
        session.save();
        VersionManager manager = session.getWorkspace().getVersionManager();
        manager.checkin(path);
        manager.checkout(path);
    }

    private static void title(Session session, String path, String title) throws RepositoryException {
        session.getNode(path).setProperty("title", title);
        session.save();
        VersionManager manager = session.getWorkspace().getVersionManager();
        manager.checkin(path);
        manager.checkout(path);
    }

    private static long find(Session session, String title) throws RepositoryException {
        Query query = session.getWorkspace().getQueryManager()
                .createQuery("select * from [mgnl:page] where [title] = $title", Query.JCR_SQL2);
        query.bindValue("title", session.getValueFactory().createValue(title));
        return query.execute().getNodes().getSize();
    }
}
