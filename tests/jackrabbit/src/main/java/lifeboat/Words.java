package lifeboat;

import java.util.Calendar;
import java.util.GregorianCalendar;
import java.util.Random;
import java.util.TimeZone;
import javax.jcr.Value;
import javax.jcr.ValueFactory;

/** Words, names and dates out of a seeded source of random numbers, some of them outside ASCII. */
final class Words {
    private static final String[] WORDS = {
        "harbour", "pilot", "Ölzeug", "Größe", "naïve", "café", "anchor", "灯台", "море", "σωσίβιο", "lantern", "tide",
        "Åland", "smörgås", "buoy", "rope's", "\"quoted\"", "a<b&c", "⚓", "🛟", "starboard", "port", "wharf", "ñandú",
    };
    private static final String[] NAMES = {
        "anna", "béatrice", "jürgen", "søren", "李雷", "Ольга", "about-us", "Über-uns", "products", "news", "team",
    };
    private static final String[] ZONES = {"GMT", "GMT+02:00", "GMT-05:00", "GMT+05:45", "GMT+01:00"};
    private static final String LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    final Random random;

    Words(Random random) {
        this.random = random;
    }

    String word() {
        return WORDS[random.nextInt(WORDS.length)];
    }

    String name() {
        return NAMES[random.nextInt(NAMES.length)];
    }

    String sentence(int length) {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < length; at++) {
            text.append(at == 0 ? "" : at % 9 == 8 ? "\n" : " ").append(word());
        }
        return text.toString();
    }

    String letters(int length) {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < length; at++) {
            text.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
        }
        return text.toString();
    }

    /** A time between 2010 and 2026: to the millisecond or at midnight, in one of several time zones. */
    Value date(ValueFactory values) {
        Calendar date = new GregorianCalendar(TimeZone.getTimeZone(ZONES[random.nextInt(ZONES.length)]));
        date.setTimeInMillis(1_262_304_000_000L + (long) (random.nextDouble() * 16 * 365.25 * 86_400_000));
        if (random.nextInt(4) == 0) {
            date.set(Calendar.HOUR_OF_DAY, 0);
            date.set(Calendar.MINUTE, 0);
            date.set(Calendar.SECOND, 0);
            date.set(Calendar.MILLISECOND, 0);
        }
        return values.createValue(date);
    }
}
