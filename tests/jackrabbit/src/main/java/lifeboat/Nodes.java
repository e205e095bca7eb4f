package lifeboat;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import javax.jcr.Binary;
import javax.jcr.Node;
import javax.jcr.Property;
import javax.jcr.PropertyType;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.jcr.Value;
import javax.jcr.nodetype.NodeType;

/**
 * Writes every node of every workspace and of the version storage as a line of JSON: path, id, types and properties, as the
 * API of JCR tells them, for a program that reads them elsewhere.
 */
final class Nodes {
    private final BufferedWriter out;
    private final MessageDigest digest;
    private int nodes;

    private Nodes(BufferedWriter out) throws Exception {
        this.out = out;
        this.digest = MessageDigest.getInstance("SHA-256");
    }

    static String run(Options options) throws Exception {
        try (Live live = Live.open(options);
                BufferedWriter out = Files.newBufferedWriter(Path.of(options.text("out")))) {
            Nodes nodes = new Nodes(out);
            for (String workspace : live.workspaces()) {
                Session session = live.login(workspace);
                nodes.node(workspace, session.getRootNode(), "");
                session.logout();
            }
            Session session = live.login("default");
            nodes.node("version", session.getNode("/jcr:system/jcr:versionStorage"), "/jcr:system/jcr:versionStorage");
            session.logout();
            return nodes.nodes + " nodes";
        }
    }

    /** The path is the way to it: what is below a node that is shared has several, of which the API tells one. */
    private void node(String workspace, Node node, String path) throws RepositoryException, IOException {
        // What is below it is not of this workspace.
        if (path.equals("/jcr:system")) {
            return;
        }
        nodes++;
        List<String> properties = new ArrayList<>();
        for (var all = node.getProperties(); all.hasNext();) {
            Property property = all.nextProperty();
            properties.add(text(property.getName()) + ":" + property(property));
        }
        List<String> mixins = new ArrayList<>();
        for (NodeType mixin : node.getMixinNodeTypes()) {
            mixins.add(text(mixin.getName()));
        }
        out.write("{\"workspace\":" + text(workspace) + ",\"path\":" + text(path.isEmpty() ? "/" : path) + ",\"id\":"
                + text(node.getIdentifier()) + ",\"type\":" + text(node.getPrimaryNodeType().getName()) + ",\"mixins\":["
                + String.join(",", mixins) + "],\"properties\":{" + String.join(",", properties) + "}}\n");
        for (var children = node.getNodes(); children.hasNext();) {
            Node child = children.nextNode();
            String index = child.getIndex() > 1 ? "[" + child.getIndex() + "]" : "";
            node(workspace, child, path + "/" + child.getName() + index);
        }
    }

    private String property(Property property) throws RepositoryException, IOException {
        List<String> texts = new ArrayList<>();
        for (Value value : property.isMultiple() ? property.getValues() : new Value[] {property.getValue()}) {
            texts.add(value(value));
        }
        return "{\"type\":" + property.getType() + ",\"multiple\":" + property.isMultiple() + ",\"values\":["
                + String.join(",", texts) + "]}";
    }

    private String value(Value value) throws RepositoryException, IOException {
        return switch (value.getType()) {
            case PropertyType.DOUBLE -> text("%016x".formatted(Double.doubleToLongBits(value.getDouble())));
            case PropertyType.BINARY -> {
                Binary binary = value.getBinary();
                try (InputStream in = binary.getStream()) {
                    yield text(HexFormat.of().formatHex(digest.digest(in.readAllBytes())));
                } finally {
                    binary.dispose();
                }
            }
            default -> text(value.getString());
        };
    }

    private static String text(String value) {
        StringBuilder text = new StringBuilder("\"");
        for (char letter : value.toCharArray()) {
            if (letter == '"' || letter == '\\') {
                text.append('\\').append(letter);
            } else if (letter < ' ') {
                text.append("\\u%04x".formatted((int) letter));
            } else {
                text.append(letter);
            }
        }
        return text.append('"').toString();
    }
}
