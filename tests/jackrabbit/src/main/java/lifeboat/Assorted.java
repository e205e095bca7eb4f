package lifeboat;

import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import javax.jcr.NamespaceRegistry;
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
 * Fills a repository with everything that JCR allows, in an order that chance makes: every type of property, lists of any
 * length, names in many namespaces, siblings of the same name, shared nodes, versions.
 */
final class Assorted {
    private static final String WORKSPACE = "website";
    private static final int[] SIZES = {0, 1, 100, 1023, 1024, 1025, 4095, 4096, 4097, 16_384, 16_385, 70_000, 300_000};
    private static final int[] LENGTHS = {0, 1, 2, 13, 14, 15, 16, 127, 128, 141, 142, 143, 300};
    private static final String[] MIXINS = {
        "mix:referenceable", "mix:title", "mix:created", "mix:lastModified", "mix:language", "mix:mimeType",
        "mix:lockable", "mix:etag", "odd:mixin", "mix:versionable",
    };
    private static final String[] LOCALS = {
        "a", "title", "Über uns", "a name with spaces", "море", "灯台", "🛟", "exactly16letters", "fifteen letters",
        "a-name-that-is-longer-than-sixteen-bytes", "x'y\"z", "a&b<c>", "%41", "dot.dot", "{}", "-", "_x0020_",
    };
    private static final String[] DATES = {
        "2010-01-01T00:00:00.000Z", "2026-11-29T23:30:00.000+01:00", "1970-01-01T12:34:56.789-12:45",
        "-9999-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "0000-02-29T01:02:03.004Z",
        "-0001-12-31T23:59:00.000+14:00", "1582-10-04T23:59:59.999Z", "1582-10-15T00:00:00.001Z",
        "1500-02-29T10:00:00.000Z", "1498-01-01T00:00:00.001+05:30", "2521-12-31T23:59:59.999-09:30",
        "2522-01-01T12:34:00.000+05:45", "2000-02-29T05:00:00.000-08:00", "2012-12-31T00:00:00.000+13:00",
        "1497-12-31T00:01:00.000+00:01", "2026-03-29T02:30:00.000-00:30", "3000-01-01T01:01:01.001+03:00",
        "2026-07-01T00:00:00.000-16:00", "2026-07-01T00:00:00.000+15:00", "2026-07-01T00:00:00.000-16:59",
    };
    private static final long[] LONGS = {0, 1, -1, 63, 64, -64, -65, 1 << 20, Long.MAX_VALUE, Long.MIN_VALUE};
    private static final double[] DOUBLES = {
        0.0, -0.0, 1.5, -1e300, Double.MIN_VALUE, Double.MAX_VALUE, Double.NaN, Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY,
    };

    private final Session session;
    private final ValueFactory values;
    private final Random random;
    private final Words words;
    private final List<Node> nodes = new ArrayList<>();

    private Assorted(Session session, long seed) throws RepositoryException {
        this.session = session;
        this.values = session.getValueFactory();
        this.random = new Random(seed);
        this.words = new Words(random);
    }

    static String run(Options options) throws Exception {
        try (Live live = Live.open(options)) {
            Session first = live.login("default");
            CndImporter.registerNodeTypes(new StringReader(Live.resource("lifeboat.cnd")), first);
            CndImporter.registerNodeTypes(new StringReader("<odd = 'urn:odd:0'>\n[odd:mixin] mixin\n- odd:size (long)\n"),
                    first);
            NamespaceRegistry namespaces = first.getWorkspace().getNamespaceRegistry();
            for (int n = 1; n < 10; n++) {
                namespaces.registerNamespace("odd" + n, "urn:odd:" + n + "/Ü=1:2 3\\" + n);
            }
            first.getWorkspace().createWorkspace(WORKSPACE);
            first.getWorkspace().createWorkspace("dam");
            first.logout();
            Session session = live.login(WORKSPACE);
            Assorted assorted = new Assorted(session, options.number("seed", 1));
            assorted.fill(Math.toIntExact(options.number("count", 1000)));
            int shared = assorted.share();
            int versions = assorted.versions();
            assorted.save();
            session.logout();
            return assorted.nodes.size() + " nodes, " + shared + " shares, " + versions + " versions";
        }
    }

    private void fill(int count) throws RepositoryException {
        nodes.add(session.getRootNode());
        Node lists = session.getRootNode().addNode("lists", "nt:unstructured");
        for (int type = PropertyType.STRING; type <= PropertyType.DECIMAL; type++) {
            for (int length : LENGTHS) {
                if (type != PropertyType.BINARY || length < 20) {
                    lists.setProperty(PropertyType.nameFromValue(type) + " " + length, list(type, length), type);
                }
            }
        }
        lists.setProperty("of no type", new Value[0]);
        for (String date : DATES) {
            lists.setProperty(date.replace(":", "."), values.createValue(date, PropertyType.DATE));
        }
        for (int size : SIZES) {
            lists.setProperty("binary " + size, binary(size));
        }
        while (nodes.size() < count) {
            Node parent = nodes.get(random.nextInt(nodes.size()));
            boolean isPage = random.nextInt(4) == 0;
            Node node = parent.addNode(name(), isPage ? "mgnl:page" : "nt:unstructured");
            for (int m = random.nextInt(4); m > 0; m--) {
                String mixin = MIXINS[random.nextInt(MIXINS.length)];
                if (node.canAddMixin(mixin)) {
                    node.addMixin(mixin);
                }
            }
            for (int p = random.nextInt(random.nextInt(12) + 1); p > 0; p--) {
                property(node);
            }
            nodes.add(node);
            if (nodes.size() % 50 == 0) {
                save();
                reorder(parent);
            }
        }
        save();
    }

    /** Saved more than once, so that something is counted. */
    private void save() throws RepositoryException {
        session.save();
        for (int n = 0; n < 5; n++) {
            Node node = nodes.get(random.nextInt(nodes.size()));
            if (node.isCheckedOut()) {
                node.setProperty("touched", random.nextLong());
            }
        }
        session.save();
    }

    private void reorder(Node parent) throws RepositoryException {
        List<String> names = new ArrayList<>();
        for (var children = parent.getNodes(); children.hasNext();) {
            String path = children.nextNode().getPath();
            names.add(path.substring(path.lastIndexOf('/') + 1));
        }
        names.remove("jcr:system");
        if (names.size() > 1 && parent.getPrimaryNodeType().hasOrderableChildNodes()) {
            parent.orderBefore(names.get(names.size() - 1), names.get(0));
            session.save();
        }
    }

    private String name() {
        String local = LOCALS[random.nextInt(LOCALS.length)];
        // Otherwise it would be taken for an address.
        if (local.startsWith("{")) {
            local = "x" + local;
        }
        return switch (random.nextInt(5)) {
            case 0 -> "odd" + (1 + random.nextInt(9)) + ":" + local;
            case 1 -> "mgnl:" + local;
            case 2 -> local + random.nextInt(1000);
            default -> local;
        };
    }

    private void property(Node node) throws RepositoryException {
        int type = 1 + random.nextInt(PropertyType.DECIMAL);
        String name = name() + (random.nextBoolean() ? "" : "-p");
        if (node.hasProperty(name)) {
            return;
        }
        if (random.nextInt(3) == 0) {
            node.setProperty(name, list(type, random.nextInt(6)), type);
        } else {
            node.setProperty(name, value(type), type);
        }
    }

    private Value[] list(int type, int length) throws RepositoryException {
        Value[] list = new Value[length];
        for (int at = 0; at < length; at++) {
            list[at] = value(type);
        }
        return list;
    }

    private Value value(int type) throws RepositoryException {
        return switch (type) {
            case PropertyType.STRING -> values.createValue(words.sentence(random.nextInt(40)));
            case PropertyType.BINARY -> binary(SIZES[random.nextInt(8)]);
            case PropertyType.LONG -> values.createValue(
                    random.nextBoolean() ? LONGS[random.nextInt(LONGS.length)] : random.nextLong());
            case PropertyType.DOUBLE -> values.createValue(
                    random.nextBoolean() ? DOUBLES[random.nextInt(DOUBLES.length)] : random.nextGaussian());
            case PropertyType.DATE -> random.nextBoolean()
                    ? values.createValue(DATES[random.nextInt(DATES.length)], PropertyType.DATE) : words.date(values);
            case PropertyType.BOOLEAN -> values.createValue(random.nextBoolean());
            case PropertyType.NAME -> values.createValue(name(), PropertyType.NAME);
            case PropertyType.PATH -> values.createValue(path(), PropertyType.PATH);
            case PropertyType.REFERENCE -> values.createValue(target());
            case PropertyType.WEAKREFERENCE -> random.nextInt(4) == 0
                    ? values.createValue("00000000-0000-4000-8000-" + "%012d".formatted(random.nextInt(1000)),
                            PropertyType.WEAKREFERENCE)
                    : values.createValue(target(), true);
            case PropertyType.URI -> values.createValue("https://example.com/" + words.letters(8) + "?a=b#c",
                    PropertyType.URI);
            case PropertyType.DECIMAL -> values.createValue(
                    new BigDecimal(new BigInteger(random.nextInt(200), random), random.nextInt(60) - 20));
            default -> throw new IllegalArgumentException("no type " + type);
        };
    }

    private Value binary(int size) throws RepositoryException {
        byte[] bytes = new byte[size];
        random.nextBytes(bytes);
        return values.createValue(values.createBinary(new ByteArrayInputStream(bytes)));
    }

    private String path() {
        return switch (random.nextInt(6)) {
            case 0 -> "/";
            case 1 -> "../" + name() + "[3]";
            case 2 -> "/" + name() + "[2]/" + name();
            case 3 -> ".";
            case 4 -> name();
            default -> "/jcr:system/" + name();
        };
    }

    /** Something to refer to. */
    private Node target() throws RepositoryException {
        for (int tries = 0; tries < 50; tries++) {
            Node node = nodes.get(random.nextInt(nodes.size()));
            if (node.isNodeType("mix:referenceable") && !node.isNew()) {
                return node;
            }
        }
        Node node = session.getRootNode().addNode("target", "nt:unstructured");
        node.addMixin("mix:referenceable");
        session.save();
        nodes.add(node);
        return node;
    }

    /** Nodes that stand in several places at once. */
    private int share() throws RepositoryException {
        int shares = 0;
        for (int n = 0; n < 6; n++) {
            Node node = session.getRootNode().addNode("shared " + n, "nt:unstructured");
            node.addMixin("mix:shareable");
            node.addNode("below", "nt:unstructured").setProperty("n", n);
            session.save();
            for (int more = 0; more < n; more++) {
                // By the same name: Jackrabbit tells one name of a node, wherever it stands.
                Node place = session.getRootNode().addNode("place", "nt:unstructured");
                session.save();
                session.getWorkspace().clone(WORKSPACE, node.getPath(), place.getPath() + "/shared " + n, false);
                shares++;
            }
        }
        return shares;
    }

    private int versions() throws RepositoryException {
        VersionManager manager = session.getWorkspace().getVersionManager();
        int made = 0;
        for (Node node : nodes) {
            if (!node.isNodeType("mix:versionable")) {
                continue;
            }
            for (int v = random.nextInt(3); v > 0; v--) {
                manager.checkout(node.getPath());
                node.setProperty("seen", v);
                session.save();
                Version version = manager.checkin(node.getPath());
                manager.getVersionHistory(node.getPath()).addVersionLabel(version.getName(), "label " + v, true);
                made++;
            }
            if (random.nextBoolean()) {
                manager.checkout(node.getPath());
            }
        }
        return made;
    }
}
