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
use super::limit::TimeLimit;
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
    /// How often backups are made between the daily ones, outside the slots ([`super::recent`]). Told in another place than
    /// this: a cockpit that is older than the service refuses what it does not know here.
    #[serde(skip_serializing)]
    #[cfg_attr(feature = "engine", schemars(skip))]
    pub every: Option<TimeLimit>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            window: Window::default(),
            weekly_on: Weekday::Sun,
            monthly_on: 1,
            enabled: true,
            every: None,
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

    /// The beginning of the step that `now` falls in: `every` counted from the moment at which the daily slot became due.
    /// While the window is open there is no step but that one: it belongs to the slots. `None` where nothing is made
    /// between the daily ones.
    #[must_use]
    pub fn step_of(&self, environment: &EnvironmentName, now: Instant) -> Option<Instant> {
        let every = Duration::from_std(self.every?.duration()).ok()?;
        let daily = self.period_of(environment, Slot::Daily, now)?;
        let opens = self.opens_again(environment, daily);
        let until = now.min(opens - Duration::milliseconds(1));
        let steps = i32::try_from((until - daily).num_seconds() / every.num_seconds().max(1)).ok()?;
        let step = daily + every * steps;
        Some(if step < self.window_closes(environment, daily) {
            daily
        } else {
            step
        })
    }

    /// The next moment after `now` at which a step begins. `None` where nothing is made between the daily ones, and when the
    /// schedule is off.
    #[must_use]
    pub fn next_step(&self, environment: &EnvironmentName, now: Instant) -> Option<Instant> {
        if !self.enabled {
            return None;
        }
        let every = Duration::from_std(self.every?.duration()).ok()?;
        let daily = self.period_of(environment, Slot::Daily, now)?;
        let (closes, opens) = (
            self.window_closes(environment, daily),
            self.opens_again(environment, daily),
        );
        let first = (now.max(closes) - daily).num_seconds() / every.num_seconds().max(1);
        (first..=first + 1)
            .filter_map(|steps| Some(daily + every * i32::try_from(steps).ok()?))
            .find(|step| *step > now && *step >= closes && *step < opens)
            .or_else(|| self.next_due(environment, Slot::Daily, now))
    }

    /// When the window opens after the one in which the daily slot became due at this moment.
    fn opens_again(&self, environment: &EnvironmentName, daily: Instant) -> Instant {
        daily + Duration::days(1) - Duration::minutes(i64::from(self.minute_in_window(environment)))
    }

    /// What is due at `now`: slots, as [`Schedule::due`] says, or else a backup between the daily ones.
    ///
    /// Such a one is due while no backup of Live counts for the current step: a good one that was begun in it, or was still at
    /// work in it. What was missed in earlier steps is not made up for: one is made, and it holds what Live holds now.
    #[must_use]
    pub fn due_now(
        &self,
        environment: &EnvironmentName,
        backups: &[Backup],
        known_since: Instant,
        now: Instant,
    ) -> Due {
        let serves = self.due(environment, backups, known_since, now);
        if !serves.is_empty() {
            return Due::Slots(serves);
        }
        let step = self.step_of(environment, now).filter(|_| self.enabled);
        let counts = |step: Instant| {
            backups
                .iter()
                .any(|backup| backup.is_good_of_live() && backup.manifest.ended() >= step)
        };
        match step {
            Some(step) if !counts(step) => Due::Recent(step),
            _ => Due::Nothing,
        }
    }
}

/// What the schedule asks for at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// A backup for these slots.
    Slots(Vec<Served>),
    /// A backup between the daily ones, since this moment.
    Recent(Instant),
}

impl Due {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }
}
