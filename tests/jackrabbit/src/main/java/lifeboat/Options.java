package lifeboat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** What was typed after the command: pairs of {@code --name value}. */
final class Options {
    private static final Set<String> KNOWN = Set.of(
            "url", "user", "password-file", "home", "schema", "scale", "seed", "datastore", "cluster", "journal",
            "out", "count", "files", "workspace", "folder", "empty", "from", "to");

    private final Map<String, String> given = new HashMap<>();

    private Options() {}

    /** An argument that cannot be understood, with the reason for the person who typed it. */
    static final class Wrong extends Exception {
        private static final long serialVersionUID = 1L;

        Wrong(String reason) {
            super(reason);
        }
    }

    static Options read(String[] arguments) throws Wrong {
        Options options = new Options();
        for (int at = 1; at < arguments.length; at += 2) {
            String argument = arguments[at];
            String name = argument.startsWith("--") ? argument.substring(2) : "";
            if (!KNOWN.contains(name)) {
                throw new Wrong("there is no option " + argument);
            }
            if (at + 1 == arguments.length) {
                throw new Wrong(argument + " needs a value");
            }
            options.given.put(name, arguments[at + 1]);
        }
        return options;
    }

    boolean has(String name) {
        return given.containsKey(name);
    }

    String text(String name) throws Wrong {
        String value = given.get(name);
        if (value == null) {
            throw new Wrong("--" + name + " is missing");
        }
        return value;
    }

    String text(String name, String otherwise) {
        return given.getOrDefault(name, otherwise);
    }

    long number(String name, long otherwise) throws Wrong {
        String value = given.get(name);
        try {
            return value == null ? otherwise : Long.parseLong(value);
        } catch (NumberFormatException error) {
            throw new Wrong("--" + name + " needs a number, not " + value);
        }
    }

    /** The password, which never stands on a command line where every user of the machine could read it. */
    String password() throws Wrong, IOException {
        if (!has("password-file")) {
            return "";
        }
        return Files.readString(Path.of(text("password-file"))).lines().findFirst().orElse("");
    }
}
