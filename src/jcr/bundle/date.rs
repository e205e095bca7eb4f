//! Dates as one number, as short as they are exact: Jackrabbit's form of a moment with its time zone, and the text that
//! `ISO8601` makes of it.
//!
//! From the lowest bit: the time zone (UTC, whole hours or minutes), how exact the time of day is (none, hours, minutes,
//! milliseconds) and the time itself, the day in the year from 1, and the year from 2010. Days are counted as Java's
//! `GregorianCalendar` does: in the Julian calendar up to 4 October 1582, and in the Gregorian one from the day after, the 15th.

/// The year that years are counted from.
const YEAR: i64 = 2010;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 15 October 1582, in days from 1970.
const GREGORIAN: i64 = -141_427;
/// The year of that day, whose first day was still a Julian one.
const LAST_JULIAN: i64 = 1582;

/// The text of a date.
pub(super) fn read(number: i64) -> String {
    let (zone, rest) = if number & 1 == 0 {
        (0, number >> 1)
    } else if number & 2 == 0 {
        (lowest(number >> 2, 5) * 60, number >> 7)
    } else {
        (lowest(number >> 2, 11), number >> 13)
    };
    let (time, rest) = match (rest & 3, rest >> 2) {
        (3, rest) => (rest & 0x3fff_ffff, rest >> 30),
        (2, rest) => ((rest & 0x07ff) * MINUTE, rest >> 11),
        (1, rest) => ((rest & 0x1f) * HOUR, rest >> 5),
        (_, rest) => (0, rest),
    };
    // What is beyond the day or the year goes on in the next one, as in Java.
    let first = days_before(YEAR + (rest >> 9), 1, 1);
    let (year, month, day) = date_of(first + (rest & 0x01ff) - 1 + time / DAY);
    let time = time % DAY;
    let (hours, minutes) = (time / HOUR, time / MINUTE % 60);
    let (seconds, milliseconds) = (time / 1000 % 60, time % 1000);
    let sign = if year < 0 { "-" } else { "" };
    let zone = match zone {
        0 => "Z".to_owned(),
        zone => {
            let sign = if zone < 0 { '-' } else { '+' };
            format!("{sign}{:02}:{:02}", zone.abs() / 60, zone.abs() % 60)
        }
    };
    format!(
        "{sign}{:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}{zone}",
        year.abs()
    )
}

/// The number of a date. `None` for a text in another form, a day that never was, and a time zone that has no room. As in
/// Jackrabbit, seconds are left out where year and time zone leave no room for them.
pub(super) fn write(text: &str) -> Option<i64> {
    let (is_before, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let part = |from: usize, length: usize| {
        let digits = text.get(from..from + length)?;
        let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        are_digits.then(|| digits.parse::<i64>().ok()).flatten()
    };
    let marks = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, ".")];
    if marks.iter().any(|(at, mark)| text.get(*at..at + 1) != Some(mark)) {
        return None;
    }
    let year = part(0, 4).map(|year| if is_before { -year } else { year })?;
    let (month, day) = (part(5, 2)?, part(8, 2)?);
    let (hours, minutes, seconds) = (part(11, 2)?, part(14, 2)?, part(17, 2)?);
    let milliseconds = part(20, 3)?;
    let zone = zone(text.get(23..)?)?;
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let days = days_before(year, month, day);
    if date_of(days) != (year, month, day) {
        return None;
    }
    let years = year - YEAR;
    let stamp = years << 9 | (days - days_before(year, 1, 1) + 1);
    let has_room = (-512..512).contains(&years) || zone % 60 == 0;
    let stamp = if (seconds != 0 || milliseconds != 0) && has_room {
        let time = ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
        (stamp << 30 | time) << 2 | 3
    } else if minutes != 0 {
        (stamp << 11 | (hours * 60 + minutes)) << 2 | 2
    } else if hours != 0 {
        (stamp << 5 | hours) << 2 | 1
    } else {
        stamp << 2
    };
    match zone {
        0 => Some(stamp << 1),
        zone if zone % 60 == 0 => {
            let hours = zone / 60;
            (-16..16)
                .contains(&hours)
                .then_some((stamp << 5 | (hours & 0x1f)) << 2 | 1)
        }
        zone => (-1024..1024)
            .contains(&zone)
            .then_some((stamp << 11 | (zone & 0x07ff)) << 2 | 3),
    }
}

/// Minutes from UTC.
fn zone(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, text) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(rest), _) => (1, rest),
        (_, Some(rest)) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str| {
        let are_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        are_two.then(|| digits.parse::<i64>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// The lowest bits of a number as one that has a sign.
fn lowest(number: i64, bits: u32) -> i64 {
    number << (64 - bits) >> (64 - bits)
}

/// How many days there are between 1 January 1970 and a date.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March here, so that a leap day is the last one.
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let shifted = year - i64::from(month <= 2);
    let julian = shifted * 365 + shifted.div_euclid(4) + of_year - 719_470;
    let gregorian =
        shifted * 365 + shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400) + of_year
            - 719_468;
    if year > LAST_JULIAN || (year == LAST_JULIAN && gregorian >= GREGORIAN) {
        gregorian
    } else {
        julian
    }
}

/// Year, month and day of what [`days_before`] counts.
fn date_of(days: i64) -> (i64, i64, i64) {
    let (shifted, of_year) = if days >= GREGORIAN {
        let days = days + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        (era * 400 + year, of_era - (365 * year + year / 4 - year / 100))
    } else {
        let days = days + 719_470;
        let (era, of_era) = (days.div_euclid(1461), days.rem_euclid(1461));
        let year = (of_era - of_era / 1460) / 365;
        (era * 4 + year, of_era - 365 * year)
    };
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    (shifted + i64::from(month <= 2), month, day)
}
