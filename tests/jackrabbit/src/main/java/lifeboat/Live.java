package lifeboat;

import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.jcr.SimpleCredentials;
import org.apache.jackrabbit.core.RepositoryImpl;
import org.apache.jackrabbit.core.config.RepositoryConfig;

/** The opened repository of one Magnolia instance. Closing it ends every session and releases its lock. */
final class Live implements AutoCloseable {
    private static final String FILE_STORE = """
              <DataStore class="org.apache.jackrabbit.core.data.FileDataStore">
                <param name="path" value="${rep.home}/repository/datastore"/>
                <param name="minRecordLength" value="1024"/>
              </DataStore>""";

    private final RepositoryImpl repository;

    private Live(RepositoryImpl repository) {
        this.repository = repository;
    }

    /** Opens the repository in the home directory, and makes it where there is none yet. */
    static Live open(Options options) throws Options.Wrong, IOException, RepositoryException {
        Path home = Path.of(options.text("home")).toAbsolutePath();
        Files.createDirectories(home);
        Path file = home.resolve("repository.xml");
        Files.deleteIfExists(file);
        // The password stands in this file.
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(file, configuration(options));
        return new Live(RepositoryImpl.create(RepositoryConfig.create(file.toString(), home.toString())));
    }

    /** Makes the schema that the tables are to be in. Jackrabbit makes tables, never a schema. */
    static void makeSchema(Options options) throws Options.Wrong, IOException, SQLException {
        if (!options.has("schema")) {
            return;
        }
        String url = options.text("url");
        try (Connection connection = DriverManager.getConnection(url, options.text("user"), options.password());
                Statement statement = connection.createStatement()) {
            statement.execute("create schema if not exists " + quoted(options.text("schema")));
        }
    }

    RepositoryImpl repository() {
        return repository;
    }

    Session login(String workspace) throws RepositoryException {
        return repository.login(new SimpleCredentials("admin", "admin".toCharArray()), workspace);
    }

    List<String> workspaces() throws RepositoryException {
        Session session = login("default");
        try {
            String[] names = session.getWorkspace().getAccessibleWorkspaceNames();
            Arrays.sort(names);
            return List.of(names);
        } finally {
            session.logout();
        }
    }

    @Override
    public void close() {
        repository.shutdown();
    }

    /** A text of this program that is kept beside its classes. */
    static String resource(String name) throws IOException {
        try (InputStream in = Live.class.getResourceAsStream("/" + name)) {
            if (in == null) {
                throw new IOException(name + " is missing from the class path; build tests/jackrabbit again");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String configuration(Options options) throws Options.Wrong, IOException {
        if (options.has("files")) {
            return files(options.text("files"));
        }
        String url = options.text("url");
        if (options.has("schema")) {
            String path = URLEncoder.encode(quoted(options.text("schema")), StandardCharsets.UTF_8);
            url += (url.contains("?") ? "&" : "?") + "currentSchema=" + path;
        }
        String kind = options.text("datastore", "file");
        String store = switch (kind) {
            case "file" -> FILE_STORE;
            case "db" -> """
                      <DataStore class="org.apache.jackrabbit.core.data.db.DbDataStore">
                        <param name="dataSourceName" value="magnolia"/>
                        <param name="databaseType" value="postgresql"/>
                        <param name="schemaObjectPrefix" value="ds_"/>
                        <param name="minRecordLength" value="1024"/>
                      </DataStore>""";
            case "none" -> "";
            default -> throw new Options.Wrong("--datastore is file, db or none, not " + kind);
        };
        String cluster = !options.has("cluster") ? "" : """
                  <Cluster id="%s" syncDelay="2000">
                    <Journal class="org.apache.jackrabbit.core.journal.DatabaseJournal">
                      <param name="dataSourceName" value="magnolia"/>
                      <param name="databaseType" value="postgresql"/>
                      <param name="schemaObjectPrefix" value="%s"/>
                      <param name="revision" value="${rep.home}/revision.log"/>
                    </Journal>
                  </Cluster>""".formatted(
                        attribute(options.text("cluster")), attribute(options.text("journal", "")));
        return resource("repository.xml")
                .replace("@URL@", attribute(url))
                .replace("@USER@", attribute(options.text("user")))
                .replace("@PASSWORD@", attribute(options.password()))
                .replace("@DATASTORE@", store)
                .replace("@CLUSTER@", cluster);
    }

    /** All of it in files of the home, as a download of Magnolia has it. */
    private static String files(String kind) throws Options.Wrong, IOException {
        String manager = switch (kind) {
            case "h2" -> "H2PersistenceManager";
            case "derby" -> "DerbyPersistenceManager";
            default -> throw new Options.Wrong("--files is h2 or derby, not " + kind);
        };
        String text = resource("repository.xml")
                .replaceFirst("(?s) *<DataSources>.*</DataSources>\n", "")
                .replaceAll("(?s)PostgreSQLPersistenceManager\">\\s*<param name=\"dataSourceName\" value=\"magnolia\"/>",
                        manager + "\">")
                .replace("@DATASTORE@", FILE_STORE)
                .replace("@CLUSTER@", "");
        if (text.contains("magnolia\"/>")) {
            throw new IOException("repository.xml still names a database");
        }
        return text;
    }

    private static String quoted(String identifier) {
        return '"' + identifier.replace("\"", "\"\"") + '"';
    }

    private static String attribute(String value) {
        return value.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
    }
}
