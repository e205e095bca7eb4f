//! Pins: what somebody keeps on purpose, for ever or until a date, whatever retention says.
//!
//! A pin stands in the backup's record, so that it is there for whoever finds the repository. Not in here: the holds of an
//! environment, which keep jobs or restores from beginning ([`super::state::Hold`]).

use chrono::{Datelike as _, Duration, NaiveDate, NaiveTime, SecondsFormat, TimeZone as _, Utc};
use serde::{Deserialize, Serialize};

use super::Instant;
use super::measure;
use super::principal::Principal;

/// A pin on a backup.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Who set it.
    pub by: Principal,
    /// When.
    pub at: Instant,
    /// Until when it holds. `None`: for ever, until somebody takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// Why, in the words of whoever set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Pin {
    /// Whether it holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    /// How long it holds, in words: `for ever`, `until 24 December 2026, 00:00 UTC`.
    #[must_use]
    pub fn how_long(&self) -> String {
        how_long(self.until)
    }

    /// All of it in a line: how long, by whom, and why.
    #[must_use]
    pub fn in_words(&self) -> String {
        let why = self.note.as_ref().map(|note| format!(": {note}"));
        format!(
            "{}, by {} on {}{}",
            self.how_long(),
            self.by,
            measure::moment(self.at),
            why.unwrap_or_default()
        )
    }
}

/// How long something holds, in words.
#[must_use]
pub fn how_long(until: Option<Instant>) -> String {
    until.map_or_else(
        || "for ever".to_owned(),
        |until| format!("until {}", measure::moment(until)),
    )
}

/// A text is no date that a pin can hold until.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no date to keep a backup until: write one such as 2027-03-31 (UTC, that day included; 9999-12-30 is the last one), or \"ever\""
)]
pub struct NotAnEnd(String);

/// Until when a pin holds, as people write it: the last day, in UTC, or `ever`.
///
/// # Errors
/// [`NotAnEnd`] for anything else.
pub fn end_of(text: &str) -> Result<Option<Instant>, NotAnEnd> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("ever") {
        return Ok(None);
    }
    let after = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .and_then(after)
        .ok_or_else(|| NotAnEnd(text.to_owned()))?;
    Ok(Some(Utc.from_utc_datetime(&after.and_time(NaiveTime::MIN))))
}

/// Until when a pin holds, where programs write it as a moment: no later than people can.
///
/// # Errors
/// [`NotAnEnd`] where it is later.
pub fn end_at(until: Instant) -> Result<Instant, NotAnEnd> {
    let last = until.checked_sub_signed(Duration::nanoseconds(1));
    match last.and_then(|last| after(last.date_naive())) {
        Some(_) => Ok(until),
        None => Err(NotAnEnd(until.to_rfc3339_opts(SecondsFormat::AutoSi, true))),
    }
}

/// The day after a last day. A year of five digits is written with a sign, which is no date to people, and not to every program.
fn after(last: NaiveDate) -> Option<NaiveDate> {
    last.succ_opt()
        .filter(|after| (0..=9_999).contains(&after.year()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_holds_to_the_end_of_its_last_day() {
        let until = end_of("2027-03-31").unwrap().unwrap();
        let pin = Pin {
            by: Principal::account("ann"),
            at: until,
            until: Some(until),
            note: None,
        };
        assert!(pin.holds(until - chrono::Duration::seconds(1)));
        assert!(!pin.holds(until));
        let ever = Pin { until: None, ..pin };
        assert!(ever.holds(until + chrono::Duration::days(100_000)));
        assert_eq!(end_of("ever"), Ok(None));
        assert_eq!(
            how_long(end_of("9999-12-30").unwrap()),
            "until 9999-12-31 00:00 UTC"
        );
    }

    #[test]
    fn a_moment_has_the_same_end_as_a_day() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        for good in ["2027-03-31T10:00:00Z", "9999-12-31T00:00:00Z"] {
            assert_eq!(end_at(at(good)), Ok(at(good)));
        }
        for late in [
            "9999-12-31T00:00:00.000000001Z",
            "9999-12-31T10:00:00Z",
            "+10000-01-01T00:00:00Z",
            "+200000-01-01T00:00:00Z",
        ] {
            let why = end_at(at(late)).unwrap_err().to_string();
            assert!(
                why.contains(late) && why.contains("9999-12-30 is the last one"),
                "{why}"
            );
        }
    }

    #[test]
    fn what_is_no_date_is_named() {
        for text in [
            "",
            "tomorrow",
            "2027-02-30",
            "31.3.2027",
            "2027-03-31T10:00",
            "9999-12-31",
            "+10000-01-01",
        ] {
            let why = end_of(text).unwrap_err().to_string();
            assert!(why.contains("2027-03-31"), "{why}");
        }
    }
}
