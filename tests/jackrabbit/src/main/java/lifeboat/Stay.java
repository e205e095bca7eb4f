package lifeboat;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Does one command after the other: to start Java and to make its code quick is most of what a short command costs.
 *
 * <p>A command is a line of standard input, its arguments with tabs between them. The answer is a line with the exit code
 * and how many bytes follow of what it printed and of what it complained about. After a command that did not end with 0 this
 * ends too: a repository that could not be opened may have left connections behind.
 */
final class Stay {
    private Stay() {}

    static void run(InputStream in, OutputStream out) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        PrintStream complaints = System.err;
        int code = 0;
        while (code == 0) {
            String line = lines.readLine();
            if (line == null) {
                return;
            }
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            ByteArrayOutputStream complained = new ByteArrayOutputStream();
            System.setErr(new PrintStream(complained, true, StandardCharsets.UTF_8));
            try {
                code = Main.code(line.split("\t", -1), new PrintStream(printed, false, StandardCharsets.UTF_8));
            } finally {
                System.setErr(complaints);
            }
            String head = code + " " + printed.size() + " " + complained.size() + "\n";
            out.write(head.getBytes(StandardCharsets.UTF_8));
            printed.writeTo(out);
            complained.writeTo(out);
            out.flush();
        }
    }
}
