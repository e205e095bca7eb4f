//! Whether a restore plan still says what is so: what it was made from, and what has changed since.
//!
//! A person reads a plan and types a name under it. If the ground has moved meanwhile, the plan is refused rather than
//! followed (rule 12). Not in here: finding out how things stand (`engine`), and the backup itself, which has rules of
//! its own.

use std::collections::BTreeMap;

use chrono::Duration;
use serde::{Deserialize, Serialize};

use super::Instant;
use super::ahead::is_ahead;
use super::backup::BackupId;
use super::environment::InstanceName;
use super::job::{JobId, JobKind};
use super::measure;

/// How long a plan may be followed.
pub const PLAN_LIFE: Duration = Duration::hours(1);

/// The newest job that has changed Live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastChange {
    /// Its number.
    pub job: JobId,
    /// What it did.
    pub kind: JobKind,
}

/// What a plan is made from, beside the backup and the items of Live: all of it can be looked up again in a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Basis {
    /// The newest restore or undo of the environment that had ended.
    pub last_change: Option<LastChange>,
    /// A digest of the environment's configuration.
    pub settings: String,
    /// The holds on the environment, in words.
    pub holds: String,
    /// Per instance, which content it has: the folders or tables themselves, not what is in them. An instance whose
    /// content could not be looked at is missing.
    pub content: BTreeMap<InstanceName, String>,
}

/// Why a plan is not followed.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "stale", rename_all = "snake_case")]
pub enum Stale {
    /// There is no such plan.
    #[error("it is not known here: plans are kept for a day, and each is known by its whole id")]
    Unknown,
    /// It is too old.
    #[error("it was made at {}, and a plan is good for an hour", measure::moment(*made))]
    TooOld {
        /// When it was made.
        made: Instant,
    },
    /// Live was restored since.
    #[error("job {job} ({}) has changed Live since it was made", kind.label())]
    Changed {
        /// The job.
        job: JobId,
        /// What it did.
        kind: JobKind,
    },
    /// The backup was dropped since.
    #[error("backup {} is gone", backup.short())]
    BackupGone {
        /// The backup.
        backup: BackupId,
    },
    /// The configuration was changed since.
    #[error("the configuration of the environment has changed since it was made")]
    Settings,
    /// Maintenance mode or protection was set or lifted since.
    #[error("maintenance mode or protection was set or lifted since it was made")]
    Holds,
    /// The content is another one.
    #[error(
        "the content of {instance} is not the one that it looked at: folders or tables were exchanged since"
    )]
    Content {
        /// The instance.
        instance: InstanceName,
    },
}

impl Basis {
    /// What has changed between this, which a plan was made from, and how things stand `now`. The first thing that is
    /// found, the gravest first.
    #[must_use]
    pub fn changed(&self, now: &Self) -> Option<Stale> {
        // The jobs of long ago are dropped from the catalog: none is not newer than any.
        if let Some(change) = now
            .last_change
            .filter(|change| self.last_change.is_none_or(|before| before.job < change.job))
        {
            return Some(Stale::Changed {
                job: change.job,
                kind: change.kind,
            });
        }
        if self.settings != now.settings {
            return Some(Stale::Settings);
        }
        if self.holds != now.holds {
            return Some(Stale::Holds);
        }
        self.content
            .iter()
            .find(|(instance, content)| now.content.get(*instance).is_some_and(|other| other != *content))
            .map(|(instance, _)| Stale::Content {
                instance: instance.clone(),
            })
    }
}

/// Whether a plan made at `made` is too old at `now`. One from the future is: nobody can say how old it is.
#[must_use]
pub fn too_old(made: Instant, now: Instant) -> Option<Stale> {
    (now - made > PLAN_LIFE || is_ahead(made, now)).then_some(Stale::TooOld { made })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis() -> Basis {
        Basis {
            last_change: Some(LastChange {
                job: JobId(7),
                kind: JobKind::Restore,
            }),
            settings: "a".to_owned(),
            holds: "none".to_owned(),
            content: BTreeMap::from([("author".parse().unwrap(), "1".to_owned())]),
        }
    }

    #[test]
    fn a_plan_is_followed_as_long_as_nothing_under_it_has_changed() {
        assert_eq!(basis().changed(&basis()), None);
        let mut now = basis();
        now.last_change = None;
        assert_eq!(basis().changed(&now), None, "old jobs are dropped");
        now.content.clear();
        assert_eq!(
            basis().changed(&now),
            None,
            "what cannot be looked at is not known to differ"
        );
    }

    #[test]
    fn whatever_changed_is_named() {
        let changed = |change: &dyn Fn(&mut Basis)| {
            let mut now = basis();
            change(&mut now);
            basis().changed(&now)
        };
        let undone = LastChange {
            job: JobId(9),
            kind: JobKind::Undo,
        };
        assert_eq!(
            changed(&|now| now.last_change = Some(undone)),
            Some(Stale::Changed {
                job: JobId(9),
                kind: JobKind::Undo
            })
        );
        assert_eq!(changed(&|now| now.settings.push('b')), Some(Stale::Settings));
        assert_eq!(changed(&|now| now.holds.push('b')), Some(Stale::Holds));
        let other = changed(&|now| now.content.values_mut().for_each(|content| content.push('2')));
        assert!(matches!(other, Some(Stale::Content { .. })));
    }

    #[test]
    fn a_plan_is_good_for_an_hour() {
        let made: Instant = "2026-11-23T03:12:00Z".parse().unwrap();
        assert_eq!(too_old(made, made + Duration::minutes(60)), None);
        assert_eq!(
            too_old(made, made + Duration::minutes(61)),
            Some(Stale::TooOld { made })
        );
        assert_eq!(too_old(made, made - Duration::minutes(15)), None, "clocks differ");
        assert_eq!(
            too_old(made, made - Duration::days(365)),
            Some(Stale::TooOld { made }),
            "a plan from the future would be good for a year"
        );
    }
}
