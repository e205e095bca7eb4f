//! Sizes, durations and moments as people read them. One place, so that every screen and table says them alike.

use super::Instant;

/// Bytes in binary units with at most four digits: `0 B`, `812 B`, `1.2 KiB`, `34 MiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut tenths = u128::from(count) * 10;
    let mut unit = 0;
    loop {
        tenths = (tenths + 512) / 1024;
        if tenths < 10_240 || unit + 1 == UNITS.len() {
            break;
        }
        unit += 1;
    }
    let unit = UNITS[unit];
    if tenths < 100 {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", (tenths + 5) / 10)
    }
}

/// A count with thousands separated by commas: `12,345`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something: `1 item`, `12,345 items`.
#[must_use]
pub fn so_many(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// So many items.
#[must_use]
pub fn items(number: u64) -> String {
    so_many(number, "item", "items")
}

/// So many nodes.
#[must_use]
pub fn nodes(number: u64) -> String {
    so_many(number, "node", "nodes")
}

/// Names as a sentence has them: `a, b and c`.
#[must_use]
pub fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// A duration in its two largest units: `850 ms`, `12 s`, `3 min 12 s`, `5 h 02 min`, `12 d 4 h`.
#[must_use]
pub fn millis(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis} ms"),
        1..=9 => format!("{}.{} s", seconds, millis % 1000 / 100),
        10..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// The time from `earlier` to `later` without seconds once it is over a minute: `12 s`, `4 min`, `5 h 02 min`,
/// `3 d 4 h`. For ages and countdowns, which then change once a minute. Zero if `later` is not later.
#[must_use]
pub fn between(earlier: Instant, later: Instant) -> String {
    let seconds = u64::try_from((later - earlier).num_seconds()).unwrap_or(0);
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min", seconds / 60),
        _ => millis(seconds * 1000),
    }
}

/// A moment to the minute: `2026-11-23 00:17 UTC`.
#[must_use]
pub fn moment(at: Instant) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A moment to the second: `2026-11-23 00:17:05 UTC`.
#[must_use]
pub fn moment_exact(at: Instant) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A moment to the minute for a column of which the head says that it is in UTC: `2026-11-23 00:17`.
#[must_use]
pub fn in_column(at: Instant) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// The same in few columns: `11-23 00:17`.
#[must_use]
pub fn in_narrow_column(at: Instant) -> String {
    at.format("%m-%d %H:%M").to_string()
}

/// A moment to the minute, its day only where that is not the day of `now`: `00:17 UTC`.
#[must_use]
pub fn time(at: Instant, now: Instant) -> String {
    if at.date_naive() == now.date_naive() {
        at.format("%H:%M UTC").to_string()
    } else {
        moment(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_at_most_four_digits_and_round() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (10_240, "10 KiB"),
            (1_048_575, "1.0 MiB"),
            (1 << 30, "1.0 GiB"),
            (u64::MAX, "16 EiB"),
        ];
        for (count, text) in cases {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn durations_use_two_units() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (59_999, "59 s"),
            (192_000, "3 min 12 s"),
            (18_120_000, "5 h 02 min"),
            (1_051_200_000, "12 d 4 h"),
        ];
        for (given, text) in cases {
            assert_eq!(millis(given), text);
        }
    }

    #[test]
    fn a_moment_says_its_zone_and_its_day_where_that_is_not_clear() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let (at, later) = (at("2026-11-23T23:59:05Z"), at("2026-11-24T00:01:00Z"));
        assert_eq!(moment(at), "2026-11-23 23:59 UTC");
        assert_eq!(moment_exact(at), "2026-11-23 23:59:05 UTC");
        assert_eq!(time(at, at), "23:59 UTC");
        assert_eq!(time(at, later), "2026-11-23 23:59 UTC");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
    }
}
