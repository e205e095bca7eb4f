package lifeboat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import javax.jcr.Node;
import javax.jcr.NodeIterator;
import javax.jcr.ReferentialIntegrityException;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.jcr.version.Version;
import javax.jcr.version.VersionHistory;
import javax.jcr.version.VersionManager;

/** Does to Live what people regret at three in the morning. Everything goes through JCR, so Live stays consistent. */
final class Damage {
    private final Live live;
    private final Words words;
    private int deleted;
    private int changed;
    private int added;

    private Damage(Live live, long seed) {
        this.live = live;
        this.words = new Words(new Random(seed * 7_919 + 13));
    }

    static String run(Options options) throws Exception {
        try (Live live = Live.open(options)) {
            Damage damage = new Damage(live, options.number("seed", 1));
            int versions = damage.versions();
            damage.website();
            damage.assets();
            damage.users();
            return damage.deleted + " subtrees deleted, " + damage.changed + " nodes changed, " + damage.added
                    + " nodes added, " + versions + " versions added or removed";
        }
    }

    private int versions() throws RepositoryException {
        Session session = live.login("website");
        VersionManager manager = session.getWorkspace().getVersionManager();
        List<Node> pages = new ArrayList<>();
        Fill.collectLeaves(session.getRootNode(), pages);
        pages.removeIf(page -> {
            try {
                return !page.isNodeType("mix:versionable");
            } catch (RepositoryException gone) {
                return true;
            }
        });
        Collections.shuffle(pages, words.random);
        int done = 0;
        for (Node page : pages.subList(0, Math.min(12, pages.size()))) {
            manager.checkout(page.getPath());
            page.setProperty("title", "damaged " + words.sentence(2));
            session.save();
            manager.checkin(page.getPath());
            manager.checkout(page.getPath());
            done++;
            done += removeOneVersion(manager.getVersionHistory(page.getPath()), manager.getBaseVersion(page.getPath()));
        }
        session.logout();
        return done;
    }

    /** Removes the oldest version that nothing but its history refers to. */
    private static int removeOneVersion(VersionHistory history, Version base) throws RepositoryException {
        for (var all = history.getAllVersions(); all.hasNext();) {
            Version version = all.nextVersion();
            if (!version.isSame(history.getRootVersion()) && !version.isSame(base)) {
                history.removeVersion(version.getName());
                return 1;
            }
        }
        return 0;
    }

    private void website() throws RepositoryException {
        Session session = live.login("website");
        List<Node> pages = new ArrayList<>();
        Fill.collectLeaves(session.getRootNode(), pages);
        Collections.shuffle(pages, words.random);
        int at = 0;
        for (; at < 60 && at < pages.size(); at++) {
            remove(session, pages.get(at));
        }
        for (int end = at + 60; at < end && at < pages.size(); at++) {
            Node page = pages.get(at);
            if (!page.isCheckedOut()) {
                continue;
            }
            page.setProperty("title", "damaged " + words.sentence(3));
            page.setProperty("description", (String) null);
            page.setProperty("damaged", words.random.nextLong());
            changed++;
        }
        session.save();
        for (int end = at + 20; at < end && at < pages.size(); at++) {
            Node page = pages.get(at).getParent().addNode("new-" + words.letters(6), "mgnl:page");
            page.setProperty("title", words.sentence(3));
            added++;
        }
        session.save();
        // A whole part of the site with everything below it.
        NodeIterator sections = session.getRootNode().getNodes("section-*");
        while (sections.hasNext()) {
            NodeIterator topics = sections.nextNode().getNodes();
            topics.skip(1);
            if (topics.hasNext()) {
                remove(session, topics.nextNode());
            }
        }
        session.logout();
    }

    private void assets() throws RepositoryException {
        Session session = live.login("dam");
        NodeIterator folders = session.getRootNode().getNodes("Ordner*");
        if (folders.hasNext()) {
            remove(session, folders.nextNode());
        }
        session.logout();
    }

    private void users() throws RepositoryException {
        Session session = live.login("users");
        List<Node> users = new ArrayList<>();
        session.getNode("/public").getNodes().forEachRemaining(user -> users.add((Node) user));
        for (int at = 0; at < users.size(); at++) {
            Node user = users.get(at);
            if (at % 3 == 0 && user.isNodeType("mgnl:user")) {
                remove(session, user);
            } else if (at % 3 == 1 && user.hasProperty("pswd")) {
                user.setProperty("pswd", "$2a$12$" + words.letters(53));
                session.save();
                changed++;
            }
        }
        session.logout();
    }

    /** Deletes a subtree, unless something outside it refers to it, which Jackrabbit refuses. */
    private void remove(Session session, Node node) throws RepositoryException {
        try {
            node.remove();
            session.save();
            deleted++;
        } catch (ReferentialIntegrityException referred) {
            session.refresh(false);
        }
    }
}
