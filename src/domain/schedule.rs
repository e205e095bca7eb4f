//! When automatic backups are due.
//!
//! A *period* of a slot begins at the moment the slot becomes due and ends when it becomes due again: for the daily
//! slot of an environment whose minute is 00:17, from 00:17 UTC of one day to 00:17 UTC of the next. Periods by due
//! moment rather than by calendar date let a window cross midnight, and let a run that was missed and made up at
//! 00:05 serve yesterday's period without using up today's.
//!
//! Everything here is a pure function of the schedule, the environment's name, the list of backups and the time.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, Duration, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Instant;
use super::as_text::as_text;
use super::backup::{Backup, Served};
use super::environment::EnvironmentName;
use super::slot::Slot;

const MINUTES_A_DAY: u16 = 24 * 60;

/// The part of the UTC day in which automatic backups begin, written `00:00-01:00`. The end is exclusive; a window
/// may cross midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    start: u16,
    length: u16,
}

impl Default for Window {
    /// 00:00 to 01:00 UTC, as the service has it.
    fn default() -> Self {
        Self { start: 0, length: 60 }
    }
}

impl Window {
    /// The minute of the UTC day at which it opens.
    #[must_use]
    pub fn start_minute(self) -> u16 {
        self.start
    }

    /// How many minutes it is open, 1 to 1,440.
    #[must_use]
    pub fn length_minutes(self) -> u16 {
        self.length
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = (self.start + self.length) % MINUTES_A_DAY;
        f.pad(&format!(
            "{:02}:{:02}-{:02}:{:02}",
            self.start / 60,
            self.start % 60,
            end / 60,
            end % 60
        ))
    }
}

/// The text is not a window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a window: write two UTC times, for example 00:00-01:00")]
pub struct NotAWindow(String);

impl FromStr for Window {
    type Err = NotAWindow;

    fn from_str(text: &str) -> Result<Self, NotAWindow> {
        let minute = |part: &str| {
            let (hours, minutes) = part.trim().split_once(':')?;
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
        };
        text.split_once('-')
            .and_then(|(from, to)| Some((minute(from)?, minute(to)?)))
            .filter(|(from, to)| from != to)
            .map(|(from, to)| Self {
                start: from,
                length: (to + MINUTES_A_DAY - from) % MINUTES_A_DAY,
            })
            .ok_or_else(|| NotAWindow(text.to_owned()))
    }
}

as_text!(Window);

/// When the automatic slots of an environment are due.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// When backups may begin.
    pub window: Window,
    /// The day of the weekly backup.
    #[serde(with = "weekday_name")]
    #[cfg_attr(feature = "engine", schemars(schema_with = "super::schema::weekday"))]
    pub weekly_on: Weekday,
    /// The day of the monthly backup, 1 to 31. In shorter months it is the last day.
    pub monthly_on: u8,
    /// Whether backups are made by schedule at all.
    pub enabled: bool,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            window: Window::default(),
            weekly_on: Weekday::Sun,
            monthly_on: 1,
            enabled: true,
        }
    }
}

mod weekday_name {
    //! Weekdays by their full English names in configuration files.

    use chrono::Weekday;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(day: &Weekday, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(super::weekday_label(*day))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Weekday, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            serde::de::Error::custom(format!(
                "\"{text}\" is not a weekday: write monday, tuesday, … sunday"
            ))
        })
    }
}

/// The weekday's full name in lower case.
#[must_use]
pub fn weekday_label(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "monday",
        Weekday::Tue => "tuesday",
        Weekday::Wed => "wednesday",
        Weekday::Thu => "thursday",
        Weekday::Fri => "friday",
        Weekday::Sat => "saturday",
        Weekday::Sun => "sunday",
    }
}

impl Schedule {
    /// The environment's minute inside the window, counted from its start: a hash of the name, so that it is the same
    /// on every machine and in every version, and thousands of environments spread over the window.
    #[must_use]
    pub fn minute_in_window(&self, environment: &EnvironmentName) -> u16 {
        let digest = Sha256::digest(environment.to_string().as_bytes());
        let hash = digest
            .iter()
            .take(8)
            .fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
        // The remainder is below the window's length, which is a u16.
        u16::try_from(hash % u64::from(self.window.length.max(1))).unwrap_or(0)
    }

    /// The moment at which the slot becomes due on `date`'s window (which may fall on the next date when the window
    /// crosses midnight).
    fn due_on(&self, environment: &EnvironmentName, date: NaiveDate) -> Instant {
        let midnight = Utc.from_utc_datetime(&date.and_time(NaiveTime::MIN));
        midnight
            + Duration::minutes(i64::from(self.window.start))
            + Duration::minutes(i64::from(self.minute_in_window(environment)))
    }

    /// Whether the slot is filled in the window that opens on `date`.
    fn falls_on(&self, slot: Slot, date: NaiveDate) -> bool {
        match slot {
            Slot::Daily => true,
            Slot::Weekly => date.weekday() == self.weekly_on,
            Slot::Monthly => date.day() == self.monthly_day(date),
            Slot::Manual => false,
        }
    }

    fn monthly_day(&self, date: NaiveDate) -> u32 {
        let last = u32::from(date.num_days_in_month());
        u32::from(self.monthly_on).clamp(1, last)
    }

    /// The beginning of the period that `now` falls in. `None` for the manual slot.
    #[must_use]
    pub fn period_of(&self, environment: &EnvironmentName, slot: Slot, now: Instant) -> Option<Instant> {
        self.walk(environment, slot, now, |date| date.checked_sub_days(Days::new(1)))
            .find(|due| *due <= now)
    }

    /// The next moment after `now` at which the slot becomes due. `None` for the manual slot, and when the schedule
    /// is off.
    #[must_use]
    pub fn next_due(&self, environment: &EnvironmentName, slot: Slot, now: Instant) -> Option<Instant> {
        if !self.enabled {
            return None;
        }
        let yesterday = |date: NaiveDate| date.checked_add_days(Days::new(1));
        self.walk(environment, slot, now - Duration::days(2), yesterday)
            .find(|due| *due > now)
    }

    /// The due moments of a slot, day by day from the date of `from`, in the direction of `step`. A year's worth is
    /// enough for any slot.
    fn walk(
        &self,
        environment: &EnvironmentName,
        slot: Slot,
        from: Instant,
        step: impl Fn(NaiveDate) -> Option<NaiveDate>,
    ) -> impl Iterator<Item = Instant> {
        std::iter::successors(Some(from.date_naive()), move |date| step(*date))
            .take(400)
            .filter(move |date| self.falls_on(slot, *date))
            .map(move |date| self.due_on(environment, date))
    }

    /// When the window that holds the due moment closes. A backup begun after that is late.
    #[must_use]
    pub fn window_closes(&self, environment: &EnvironmentName, due: Instant) -> Instant {
        let left = self.window.length - self.minute_in_window(environment);
        due + Duration::minutes(i64::from(left))
    }

    /// The automatic slots that are due at `now`, with the periods they are due for: those whose current period no
    /// backup in `backups` serves. One backup serves them all.
    ///
    /// Only the current period counts: a slot keeps the newest, so older periods that were missed are not made up one
    /// by one. `known_since` is when Lifeboat first met the environment: what was due before that is taken at once,
    /// and is not late.
    ///
    /// Every backup in a repository is complete; one that was found damaged serves nothing.
    #[must_use]
    pub fn due(
        &self,
        environment: &EnvironmentName,
        backups: &[Backup],
        known_since: Instant,
        now: Instant,
    ) -> Vec<Served> {
        if !self.enabled {
            return Vec::new();
        }
        Slot::AUTOMATIC
            .into_iter()
            .filter_map(|slot| {
                let due = self.period_of(environment, slot, now)?;
                let served = backups.iter().filter(|backup| backup.is_good()).any(|backup| {
                    backup
                        .manifest
                        .serves
                        .iter()
                        // A period in the future was served by a clock that was wrong.
                        .any(|served| served.slot == slot && served.due >= due && served.due <= now)
                        || (backup.is_for(slot)
                            && backup.manifest.serves.is_empty()
                            && backup.manifest.taken >= due)
                });
                (!served).then(|| Served {
                    slot,
                    due,
                    late: due >= known_since && now >= self.window_closes(environment, due),
                })
            })
            .collect()
    }
}
