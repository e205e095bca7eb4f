package lifeboat;

import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import javax.jcr.Node;
import javax.jcr.PropertyType;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.jcr.Value;
import javax.jcr.ValueFactory;
import javax.jcr.version.Version;
import javax.jcr.version.VersionManager;
import org.apache.jackrabbit.commons.cnd.CndImporter;

/**
 * Fills a repository with what a Magnolia keeps in it. The same seed and scale give the same content; only node ids
 * and the times that Jackrabbit itself writes differ from one run to the next.
 */
final class Fill {
    static final List<String> WORKSPACES = List.of(
            "config", "users", "userroles", "usergroups", "website", "dam", "category", "marketing-tags",
            "mgnlVersion");

    /** Nodes between two saves: few transactions, and no change log that holds everything. */
    private static final int SAVE_EVERY = 400;

    private final Live live;
    private final long seed;
    private final int scale;
    private int nodes;
    private int unsaved;

    private Fill(Live live, long seed, int scale) {
        this.live = live;
        this.seed = seed;
        this.scale = scale;
    }

    static String run(Options options) throws Exception {
        long seed = options.number("seed", 1);
        int scale = Math.toIntExact(options.number("scale", 1));
        Live.makeSchema(options);
        try (Live live = Live.open(options)) {
            Fill fill = new Fill(live, seed, scale);
            fill.prepare();
            fill.config();
            fill.people();
            fill.categories();
            List<String> assets = fill.assets();
            fill.website(assets);
            int versions = fill.versions("website", 120 * scale);
            fill.copies();
            versions += fill.versions("mgnlVersion", 40 * scale);
            return fill.nodes + " nodes and " + versions + " versions in " + WORKSPACES.size() + " workspaces";
        }
    }

    private void prepare() throws Exception {
        Session session = live.login("default");
        try {
            CndImporter.registerNodeTypes(new StringReader(Live.resource("lifeboat.cnd")), session);
            List<String> there = Arrays.asList(session.getWorkspace().getAccessibleWorkspaceNames());
            for (String workspace : WORKSPACES) {
                if (!there.contains(workspace)) {
                    session.getWorkspace().createWorkspace(workspace);
                }
            }
        } finally {
            session.logout();
        }
    }

    private void config() throws RepositoryException {
        Session session = live.login("config");
        Words words = words("config");
        Node modules = add(session.getRootNode(), "modules", "mgnl:content", words);
        for (int m = 0; m < 30; m++) {
            Node module = add(modules, "module-" + m, "mgnl:content", words);
            module.setProperty("version", "6.3." + m);
            for (int c = 0; c < 20 * scale; c++) {
                Node entry = add(module, "entry-" + c, "mgnl:contentNode", words);
                entry.setProperty("class", "info.magnolia.module." + words.word() + "." + words.word());
                entry.setProperty("enabled", words.random.nextBoolean());
                entry.setProperty("order", words.random.nextLong());
                // Names that Jackrabbit has no short form for, and more namespaces than one.
                entry.setProperty("mgnl:type", session.getValueFactory().createValue("mgnl:page", PropertyType.NAME));
                entry.setProperty("at", session.getValueFactory().createValue(module.getPath(), PropertyType.PATH));
                saveSome(session);
            }
        }
        finish(session);
    }

    private void people() throws RepositoryException {
        Session session = live.login("users");
        Words words = words("users");
        for (String realm : List.of("system", "admin", "public")) {
            Node folder = add(session.getRootNode(), realm, "mgnl:folder", words);
            for (int u = 0; u < 60 * scale; u++) {
                Node user = add(folder, words.name() + "-" + u, "mgnl:user", words);
                user.setProperty("name", user.getName());
                user.setProperty("pswd", "$2a$12$" + words.letters(53));
                user.setProperty("email", user.getName() + "@example.com");
                user.setProperty("enabled", true);
                user.setProperty("language", words.random.nextBoolean() ? "de" : "en");
                Node roles = add(user, "roles", "mgnl:contentNode", words);
                for (int r = 0; r < 1 + words.random.nextInt(3); r++) {
                    roles.setProperty(Integer.toString(r), "role-" + words.random.nextInt(20 * scale));
                }
                saveSome(session);
            }
        }
        finish(session);

        session = live.login("userroles");
        words = words("userroles");
        for (int r = 0; r < 20 * scale; r++) {
            Node role = add(session.getRootNode(), "role-" + r, "mgnl:role", words);
            Node list = add(role, "acl_website", "mgnl:contentNode", words);
            for (int a = 0; a < 4; a++) {
                Node entry = add(list, Integer.toString(a), "mgnl:contentNode", words);
                entry.setProperty("path", "/section-" + a + "/*");
                entry.setProperty("permissions", 8L * a);
            }
            saveSome(session);
        }
        finish(session);

        session = live.login("usergroups");
        words = words("usergroups");
        for (int g = 0; g < 12 * scale; g++) {
            Node group = add(session.getRootNode(), words.name() + "-" + g, "mgnl:group", words);
            group.setProperty("roles", new String[] {"role-1", "role-" + g});
        }
        finish(session);
    }

    private void categories() throws RepositoryException {
        for (String workspace : List.of("category", "marketing-tags")) {
            Session session = live.login(workspace);
            Words words = words(workspace);
            for (int c = 0; c < 40 * scale; c++) {
                Node parent = add(session.getRootNode(), words.name() + "-" + c, "mgnl:category", words);
                for (int d = 0; d < 3; d++) {
                    add(parent, words.name() + "-" + d, "mgnl:category", words)
                            .setProperty("displayName", words.sentence(3));
                }
                saveSome(session);
            }
            finish(session);
        }
    }

    /** Binaries on both sides of the data store's threshold of 1 KiB, a few of them large. Gives the assets' ids. */
    private List<String> assets() throws RepositoryException {
        Session session = live.login("dam");
        ValueFactory values = session.getValueFactory();
        Words words = words("dam");
        List<String> ids = new ArrayList<>();
        int[] edges = {0, 1, 100, 1023, 1024, 1025, 4096, 16_384, 16_385, 70_000};
        for (int f = 0; f < 8 * scale; f++) {
            Node folder = add(session.getRootNode(), "Ordner-Ü" + f, "mgnl:folder", words);
            for (int a = 0; a < 40; a++) {
                Node asset = add(folder, words.name() + "-" + a + ".jpg", "mgnl:asset", words);
                ids.add(asset.getIdentifier());
                Node content = asset.addNode("jcr:content", "mgnl:resource");
                int size = a < edges.length ? edges[a] : words.random.nextInt(60_000);
                if (a == 39) {
                    size = (1 << 20) + words.random.nextInt(2 << 20);
                }
                byte[] bytes = new byte[size];
                words.random.nextBytes(bytes);
                content.setProperty("jcr:data", values.createBinary(new ByteArrayInputStream(bytes)));
                content.setProperty("jcr:mimeType", "image/jpeg");
                content.setProperty("jcr:lastModified", words.date(values));
                content.setProperty("fileName", asset.getName());
                content.setProperty("size", size);
                nodes++;
                saveSome(session);
            }
        }
        finish(session);
        return ids;
    }

    private void website(List<String> assets) throws RepositoryException {
        Session session = live.login("website");
        ValueFactory values = session.getValueFactory();
        Words words = words("website");
        List<Node> pages = new ArrayList<>();
        for (int s = 0; s < 10 * scale; s++) {
            Node section = page(session.getRootNode(), "section-" + s, values, words, pages, assets);
            for (int t = 0; t < 9; t++) {
                Node topic = page(section, words.name() + "-" + t, values, words, pages, assets);
                for (int p = 0; p < 12; p++) {
                    page(topic, words.name() + "-" + p, values, words, pages, assets);
                    saveSome(session);
                }
            }
        }
        finish(session);
    }

    private Node page(Node parent, String name, ValueFactory values, Words words, List<Node> pages, List<String> assets)
            throws RepositoryException {
        Node page = add(parent, name, "mgnl:page", words);
        page.setProperty("title", words.sentence(4));
        page.setProperty("description", words.sentence(20));
        page.setProperty("hideInNav", words.random.nextBoolean());
        page.setProperty("weight", words.random.nextGaussian());
        page.setProperty("price", values.createValue(BigDecimal.valueOf(words.random.nextInt(100_000), 2)));
        page.setProperty("visits", words.random.nextInt(5000) - 100L);
        page.setProperty("publishAt", words.date(values));
        page.setProperty("link", values.createValue("https://example.com/" + words.letters(8), PropertyType.URI));
        page.setProperty("mgnl:template", "travel-demo:pages/" + words.word());
        String[] tags = new String[words.random.nextInt(20)];
        Arrays.setAll(tags, tag -> words.word());
        page.setProperty("tags", tags);
        page.setProperty("empty", "");
        if (!pages.isEmpty() && words.random.nextInt(3) == 0) {
            Node other = pages.get(words.random.nextInt(pages.size()));
            page.setProperty("related", other);
            page.setProperty("seeAlso", new Value[] {values.createValue(other, true), values.createValue(page, true)});
        }
        pages.add(page);

        Node area = add(page, "main", "mgnl:area", words);
        for (int c = 0; c < 1 + words.random.nextInt(2); c++) {
            // The same name twice, as Jackrabbit allows it.
            Node component = add(area, "text", "mgnl:component", words);
            component.setProperty("text", words.sentence(30 + words.random.nextInt(60)));
            component.setProperty("image", "jcr:" + assets.get(words.random.nextInt(assets.size())));
            if (words.random.nextInt(10) == 0) {
                byte[] bytes = new byte[200 + words.random.nextInt(4000)];
                words.random.nextBytes(bytes);
                component.setProperty("preview", values.createBinary(new ByteArrayInputStream(bytes)));
            }
        }
        return page;
    }

    /** Makes pages versionable, and gives each of them a few versions. */
    private int versions(String workspace, int count) throws RepositoryException {
        Session session = live.login(workspace);
        VersionManager manager = session.getWorkspace().getVersionManager();
        Words words = words("versions of " + workspace);
        List<Node> leaves = new ArrayList<>();
        collectLeaves(session.getRootNode(), leaves);
        Collections.shuffle(leaves, words.random);
        List<Node> chosen = leaves.subList(0, Math.min(count, leaves.size()));
        for (Node page : chosen) {
            page.addMixin("mix:versionable");
        }
        session.save();
        int made = 0;
        for (Node page : chosen) {
            int versions = 1 + words.random.nextInt(4);
            for (int v = 0; v < versions; v++) {
                manager.checkout(page.getPath());
                page.setProperty("title", words.sentence(5));
                session.save();
                Version version = manager.checkin(page.getPath());
                if (v == 0) {
                    manager.getVersionHistory(page.getPath()).addVersionLabel(version.getName(), "published", false);
                }
                made++;
            }
            if (words.random.nextBoolean()) {
                manager.checkout(page.getPath());
            }
        }
        session.logout();
        return made;
    }

    /** Magnolia versions a page by copying it into a workspace of its own, and lets Jackrabbit version the copy. */
    private void copies() throws RepositoryException {
        Session session = live.login("mgnlVersion");
        Words words = words("mgnlVersion");
        for (int f = 0; f < 10; f++) {
            Node folder = add(session.getRootNode(), words.letters(2) + "-" + f, "mgnl:folder", words);
            for (int c = 0; c < 5 * scale; c++) {
                add(folder, words.letters(30), "mgnl:page", words).setProperty("title", words.sentence(4));
            }
        }
        finish(session);
    }

    /** Every page that has no page below it, in document order. */
    static void collectLeaves(Node node, List<Node> leaves) throws RepositoryException {
        boolean leaf = true;
        for (var children = node.getNodes(); children.hasNext();) {
            Node child = children.nextNode();
            if (!child.getName().startsWith("jcr:") && isPage(child)) {
                leaf = false;
                collectLeaves(child, leaves);
            } else if (child.isNodeType("mgnl:folder")) {
                leaf = false;
                collectLeaves(child, leaves);
            }
        }
        if (leaf && isPage(node)) {
            leaves.add(node);
        }
    }

    static boolean isPage(Node node) throws RepositoryException {
        return node.getPrimaryNodeType().getName().equals("mgnl:page");
    }

    private Node add(Node parent, String name, String type, Words words) throws RepositoryException {
        Node node = parent.addNode(name, type);
        node.setProperty("mgnl:created", words.date(parent.getSession().getValueFactory()));
        node.setProperty("mgnl:createdBy", "superuser");
        nodes++;
        unsaved++;
        return node;
    }

    private void saveSome(Session session) throws RepositoryException {
        if (unsaved >= SAVE_EVERY) {
            session.save();
            unsaved = 0;
        }
    }

    private void finish(Session session) throws RepositoryException {
        session.save();
        unsaved = 0;
        session.logout();
    }

    /** Words of their own for each workspace, so that a change to one leaves the others as they were. */
    private Words words(String of) {
        return new Words(new Random(seed * 1_000_003 + of.hashCode()));
    }
}
