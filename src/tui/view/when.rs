//! Moments in the zone that is chosen. Every one of them says its zone, or stands under a head that does.

use std::borrow::Cow;

use chrono::{DateTime, FixedOffset};

use crate::domain::Instant;
use crate::tui::beyond::Offset;
use crate::tui::model::Model;

/// The zone that times are shown in.
#[derive(Clone, Copy)]
pub struct When<'a> {
    /// The machine's own; `None` for UTC.
    local: Option<&'a Offset>,
}

impl Model {
    /// The zone that times are shown in.
    #[must_use]
    pub fn when(&self) -> When<'_> {
        When {
            local: self.looks.local.then_some(&self.settings.beyond.offset),
        }
    }
}

/// The zone behind a moment.
fn zone(at: &DateTime<FixedOffset>) -> String {
    let minutes = at.offset().local_minus_utc() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    match (minutes.abs() / 60, minutes.abs() % 60) {
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, rest) => format!("UTC{sign}{hours}:{rest:02}"),
    }
}

impl When<'_> {
    /// The moment in the zone.
    fn there(self, at: Instant) -> DateTime<FixedOffset> {
        match self.local {
            Some(offset) => at.with_timezone(&offset(at)),
            None => at.fixed_offset(),
        }
    }

    fn with_zone(self, at: Instant, form: &str) -> String {
        let there = self.there(at);
        match self.local {
            Some(_) => format!("{} {}", there.format(form), zone(&there)),
            None => format!("{} UTC", there.format(form)),
        }
    }

    /// A moment in this form, without its zone.
    #[must_use]
    pub fn form(self, at: Instant, form: &str) -> String {
        self.there(at).format(form).to_string()
    }

    /// A moment to the minute: `2026-11-23 00:17 UTC`.
    #[must_use]
    pub fn moment(self, at: Instant) -> String {
        self.with_zone(at, "%Y-%m-%d %H:%M")
    }

    /// A moment to the second: `2026-11-23 00:17:05 UTC`.
    #[must_use]
    pub fn moment_exact(self, at: Instant) -> String {
        self.with_zone(at, "%Y-%m-%d %H:%M:%S")
    }

    /// The time of day to the second.
    #[must_use]
    pub fn second(self, at: Instant) -> String {
        self.with_zone(at, "%H:%M:%S")
    }

    /// A moment to the minute for a column whose head says the zone: `2026-11-23 00:17`.
    #[must_use]
    pub fn in_column(self, at: Instant) -> String {
        self.form(at, "%Y-%m-%d %H:%M")
    }

    /// The same in few columns: `11-23 00:17`.
    #[must_use]
    pub fn in_narrow_column(self, at: Instant) -> String {
        self.form(at, "%m-%d %H:%M")
    }

    /// The same where no head says the zone: `11-23 00:17 UTC`.
    #[must_use]
    pub fn narrow(self, at: Instant) -> String {
        self.with_zone(at, "%m-%d %H:%M")
    }

    /// A moment to the minute, its day only where that is not the day of `now`: `00:17 UTC`.
    #[must_use]
    pub fn time(self, at: Instant, now: Instant) -> String {
        if self.there(at).date_naive() == self.there(now).date_naive() {
            self.with_zone(at, "%H:%M")
        } else {
            self.moment(at)
        }
    }

    /// The same in few columns: where it is not of the day of `now`, without its year.
    #[must_use]
    pub fn short_time(self, at: Instant, now: Instant) -> String {
        if self.there(at).date_naive() == self.there(now).date_naive() {
            self.with_zone(at, "%H:%M")
        } else {
            self.narrow(at)
        }
    }

    /// A moment to the minute, without its year where it would take more than so many columns: its zone is never cut off.
    #[must_use]
    pub fn moment_within(self, at: Instant, width: usize) -> String {
        let whole = self.moment(at);
        if whole.len() <= width {
            return whole;
        }
        self.narrow(at)
    }

    /// The head of a column of moments: `Taken (UTC)`.
    #[must_use]
    pub fn head(self, word: &str) -> String {
        match self.local {
            Some(_) => format!("{word} local"),
            None => format!("{word} (UTC)"),
        }
    }

    /// The zone as it is at a moment, in words.
    #[must_use]
    pub fn zone(self, at: Instant) -> Cow<'static, str> {
        match self.local {
            Some(_) => Cow::Owned(format!("local time, now {}", zone(&self.there(at)))),
            None => Cow::Borrowed("UTC"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_moment_says_its_zone() {
        let offset: Offset = Arc::new(|at: Instant| {
            // As in a zone whose clocks go back in autumn.
            let hours = if at < "2026-10-25T01:00:00Z".parse::<Instant>().unwrap() {
                2
            } else {
                1
            };
            FixedOffset::east_opt(hours * 3600).unwrap()
        });
        let local = When { local: Some(&offset) };
        let summer: Instant = "2026-10-24T23:59:05Z".parse().unwrap();
        let winter: Instant = "2026-10-26T23:59:05Z".parse().unwrap();
        assert_eq!(local.moment(summer), "2026-10-25 01:59 UTC+2");
        assert_eq!(local.moment(winter), "2026-10-27 00:59 UTC+1");
        assert_eq!(local.time(winter, winter), "00:59 UTC+1");
        assert_eq!(local.short_time(winter, winter), "00:59 UTC+1");
        assert_eq!(local.short_time(summer, winter), "10-25 01:59 UTC+2");
        assert_eq!(local.moment_within(winter, 22), "2026-10-27 00:59 UTC+1");
        assert_eq!(local.moment_within(winter, 21), "10-27 00:59 UTC+1");
        assert_eq!(local.zone(winter), "local time, now UTC+1");
        let utc = When { local: None };
        assert_eq!(utc.moment_exact(winter), "2026-10-26 23:59:05 UTC");
        assert_eq!(utc.head("Taken"), "Taken (UTC)");
        let india: Offset = Arc::new(|_| FixedOffset::east_opt(19_800).unwrap());
        assert_eq!(When { local: Some(&india) }.second(winter), "05:29:05 UTC+5:30");
    }
}
