package lifeboat;

import java.io.PrintStream;
import java.io.StringReader;
import javax.jcr.Node;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.jcr.query.Query;
import org.apache.jackrabbit.commons.cnd.CndImporter;

/**
 * Node types that are registered while the repository runs, as Magnolia's modules and editors of content types do it: the
 * home directory alone knows them.
 */
final class Types {
    private static final String DEFINITION = """
            <shop = 'http://shop.example/1.0'>
            [shop:priced] mixin
            - shop:price (long) mandatory
            [shop:product] > mgnl:content, shop:priced
            """;

    private Types() {}

    /** Registers a namespace, a type and a mixin, and adds a page of them. */
    static String register(Options options) throws Exception {
        try (Live live = Live.open(options)) {
            Session session = live.login("website");
            CndImporter.registerNodeTypes(new StringReader(DEFINITION), session);
            Node product = session.getRootNode().addNode("product", "shop:product");
            product.setProperty("shop:price", 3);
            session.save();
            session.logout();
            return "1 type";
        }
    }

    /** Looks whether nodes of that type are what they were, are found, and can be changed, saved and added. */
    static int use(Options options, PrintStream out) throws Exception {
        int findings = 0;
        try (Live live = Live.open(options)) {
            Session session = live.login("website");
            Node product = session.getNode("/product");
            String type = product.getPrimaryNodeType().getName();
            if (!type.equals("shop:product")) {
                out.println("/product is of type " + type);
                findings++;
            }
            String address = session.getNamespaceURI("shop");
            if (!address.equals("http://shop.example/1.0")) {
                out.println("shop: is " + address);
                findings++;
            }
            long found = found(session);
            if (found != 1) {
                out.println(found + " products are found");
                findings++;
            }
            product.setProperty("shop:price", 4);
            product.addNode("part", "shop:product").setProperty("shop:price", 1);
            session.save();
            if (found(session) != 2) {
                out.println("the product that was added is not found");
                findings++;
            }
            product.getNode("part").remove();
            product.setProperty("shop:price", 3);
            session.save();
            session.logout();
        } catch (RepositoryException error) {
            out.println("the product cannot be used: " + error);
            findings++;
        }
        return findings;
    }

    private static long found(Session session) throws RepositoryException {
        Query query = session.getWorkspace().getQueryManager()
                .createQuery("select * from [shop:priced] where [shop:price] > 0", Query.JCR_SQL2);
        long count = 0;
        for (var nodes = query.execute().getNodes(); nodes.hasNext(); nodes.nextNode()) {
            count++;
        }
        return count;
    }
}
