package lifeboat;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * A Jackrabbit repository as Magnolia configures it, driven from a shell: filled, written out, checked and damaged.
 * It knows nothing of Lifeboat, so that what it says of a restored repository is Jackrabbit's word alone.
 */
public final class Main {
    private static final String USAGE = """
            usage: run COMMAND --url jdbc:postgresql://HOST:PORT/DATABASE --user USER --home DIR [OPTION]...
                   run COMMAND --files h2|derby --home DIR [OPTION]...

            commands:
              fill     makes a repository and fills it        [--scale N] [--seed N]
              dump     writes everything in it, to compare    --out FILE
              check    runs Jackrabbit's consistency checks; exit code 1 and a line for each finding;
                       [--out FILE] writes everything in it as well
              assorted makes a repository with everything that JCR allows, in any order  [--count N] [--seed N]
              nodes    writes every node as a line of JSON    --out FILE
              import   imports each file of a folder below the root of a workspace  --workspace NAME --folder DIR
                       [--empty yes] removes everything there before; what is there with the same id is replaced
              export   writes each node below the root of a workspace as a file, once  --workspace NAME --folder DIR
              register registers a node type while the repository runs, and adds a node of it
              use      finds, changes and adds nodes of that type; exit code 1 and a line for what does not work
              damage   deletes, changes and adds              [--seed N]
              move     moves a page of the website, and makes one below it  --from PATH --to PATH
              edit     saves one change after the other, each in one transaction  [--count N]
                       N changes, or for ever until standard input ends; prints a line after each
              serve    stays open and does what each line of standard input says, see Serve.java
              stay     does one command after the other, see Stay.java; without options of its own

            options for every command:
              --password-file FILE    the password is its first line; without it there is none
              --schema NAME           the schema that the tables are in; made by fill
              --datastore file|db     a folder below the home directory, or the table ds_datastore (default: file);
                                      none: large binaries are rows of the workspace's table
              --cluster ID            joins a cluster through the tables journal, global_revision, local_revisions
              --journal PREFIX        what the names of those begin with (default: nothing)

            exit codes: 0 done, 1 check found something, 2 wrong usage, 3 failed, 77 no Java or Maven here
            """;

    private Main() {}

    /** Runs the command that the first argument names. */
    public static void main(String[] arguments) throws IOException {
        int code = 0;
        if (arguments.length == 1 && arguments[0].equals("stay")) {
            Stay.run(System.in, System.out);
        } else {
            code = code(arguments, new PrintStream(System.out, false, StandardCharsets.UTF_8));
        }
        // Jackrabbit's pools leave threads behind that would keep the process alive for a while.
        System.exit(code);
    }

    /** Runs a command and says what went wrong, if anything did. */
    static int code(String[] arguments, PrintStream out) {
        int code;
        try {
            code = run(arguments, out);
        } catch (Options.Wrong wrong) {
            System.err.println("jackrabbit: " + wrong.getMessage() + "\n\n" + USAGE);
            code = 2;
        } catch (Exception error) {
            error.printStackTrace();
            code = 3;
        }
        out.flush();
        return code;
    }

    private static int run(String[] arguments, PrintStream out) throws Exception {
        if (arguments.length == 0) {
            throw new Options.Wrong("which command?");
        }
        Options options = Options.read(arguments);
        long began = System.nanoTime();
        int code = 0;
        String did;
        switch (arguments[0]) {
            case "fill" -> did = Fill.run(options);
            case "dump" -> did = Dump.run(options);
            case "check" -> {
                int findings = Check.run(options, out);
                did = findings + " findings";
                code = findings == 0 ? 0 : 1;
            }
            case "assorted" -> did = Assorted.run(options);
            case "nodes" -> did = Nodes.run(options);
            case "import" -> did = Import.run(options);
            case "export" -> did = Export.run(options);
            case "register" -> did = Types.register(options);
            case "use" -> {
                int findings = Types.use(options, out);
                did = findings + " findings";
                code = findings == 0 ? 0 : 1;
            }
            case "damage" -> did = Damage.run(options);
            case "move" -> did = Move.run(options);
            case "edit" -> did = Edit.run(options, out);
            case "serve" -> did = Serve.run(options, out);
            default -> throw new Options.Wrong("there is no command " + arguments[0]);
        }
        out.printf("%s: %s, %.1f s%n", arguments[0], did, (System.nanoTime() - began) / 1e9);
        return code;
    }
}
