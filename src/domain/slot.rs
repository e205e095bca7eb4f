//! The four places a backup can be kept in, and how many each keeps.
//!
//! Which backup holds a slot is not stored anywhere: [`super::retention`] derives it from the list of backups.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the four slots (rule 4). The order is the one people know from the service: monthly first.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// Filled on the configured day of each month.
    Monthly,
    /// Filled on the configured weekday.
    Weekly,
    /// Filled every UTC day.
    Daily,
    /// Filled by hand.
    Manual,
}

impl Slot {
    /// All four, in the order they are shown in.
    pub const ALL: [Self; 4] = [Self::Monthly, Self::Weekly, Self::Daily, Self::Manual];
    /// The three that the schedule fills.
    pub const AUTOMATIC: [Self; 3] = [Self::Monthly, Self::Weekly, Self::Daily];

    /// The word for it, on screens, in tags and on the command line.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Monthly => "monthly",
            Self::Weekly => "weekly",
            Self::Daily => "daily",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// The text is not the name of a slot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a slot: the slots are monthly, weekly, daily and manual")]
pub struct NotASlot(String);

impl FromStr for Slot {
    type Err = NotASlot;

    fn from_str(text: &str) -> Result<Self, NotASlot> {
        Self::ALL
            .into_iter()
            .find(|slot| slot.label() == text)
            .ok_or_else(|| NotASlot(text.to_owned()))
    }
}

/// How many backups each slot keeps. The service keeps one of each.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keep {
    /// Monthly backups kept.
    pub monthly: u16,
    /// Weekly backups kept.
    pub weekly: u16,
    /// Daily backups kept.
    pub daily: u16,
    /// Manual backups kept.
    pub manual: u16,
    /// Backups between the daily ones kept, outside the slots ([`super::recent`]). Told in another place than this: a cockpit
    /// that is older than the service refuses what it does not know here.
    #[serde(skip_serializing)]
    #[cfg_attr(feature = "engine", schemars(skip))]
    pub recent: u16,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            monthly: 1,
            weekly: 1,
            daily: 1,
            manual: 1,
            recent: Self::RECENT,
        }
    }
}

impl Keep {
    /// So many recent backups are kept where nothing else is said.
    pub const RECENT: u16 = 24;

    /// How many recent backups are kept. Never less than one.
    #[must_use]
    pub fn recent(&self) -> usize {
        usize::from(self.recent).max(1)
    }

    /// How many backups the slot keeps. Never less than one: a slot that keeps nothing would drop each backup as soon
    /// as it is complete.
    #[must_use]
    pub fn of(&self, slot: Slot) -> usize {
        let configured = match slot {
            Slot::Monthly => self.monthly,
            Slot::Weekly => self.weekly,
            Slot::Daily => self.daily,
            Slot::Manual => self.manual,
        };
        usize::from(configured).max(1)
    }
}
