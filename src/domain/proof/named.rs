//! Which backup a proof is of, beside the one that Live would be brought back to: a proof says nothing of another one.

use super::{Drill, until_live};
use crate::domain::Instant;
use crate::domain::backup::Backup;
use crate::domain::state::{EnvironmentDetails, EnvironmentSummary};
use crate::domain::target::to_go_back_to;

/// Which backup was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofOf<'a> {
    /// The one that Live would be brought back to, which mostly is the newest good one.
    Meant,
    /// Another one.
    Another(&'a Backup),
    /// One that is not there any more.
    Gone,
}

impl ProofOf<'_> {
    /// What the backup is called and the day it was taken on, in this form: `daily of 11-29`. `None` for the one that Live would be brought back to.
    #[must_use]
    pub fn called(&self, day: impl Fn(Instant) -> String) -> Option<String> {
        match self {
            Self::Meant => None,
            Self::Another(backup) => Some(format!("{} of {}", kept_as(backup), day(backup.manifest.taken))),
            Self::Gone => Some("dropped backup".to_owned()),
        }
    }

    /// The same in a word or two, without the day.
    #[must_use]
    pub fn in_short(&self) -> Option<&'static str> {
        match self {
            Self::Meant => None,
            Self::Another(backup) => Some(kept_as(backup)),
            Self::Gone => Some("another"),
        }
    }
}

/// What a backup is kept as: the first of its slots, or what made it.
fn kept_as(backup: &Backup) -> &'static str {
    match backup.manifest.slots.first() {
        Some(slot) => slot.label(),
        None if backup.is_recent() => "recent",
        None => backup.manifest.trigger.names(),
    }
}

/// Which of the backups a drill has proven.
#[must_use]
pub fn proof_of<'a>(drill: &Drill, backups: &'a [Backup]) -> ProofOf<'a> {
    let proven = backups.iter().find(|backup| backup.answers_to(&drill.backup));
    match (proven, to_go_back_to(backups)) {
        (Some(proven), Some(meant)) if proven.id == meant.id => ProofOf::Meant,
        (Some(proven), _) => ProofOf::Another(proven),
        (None, _) => ProofOf::Gone,
    }
}

impl EnvironmentDetails {
    /// The backup that Live is brought back to unless somebody names another one. While the first repository cannot be listed,
    /// nobody knows.
    #[must_use]
    pub fn to_go_back_to(&self) -> Option<&Backup> {
        to_go_back_to(&self.backups)
    }

    /// The last drill that brought everything back, and which backup that was.
    #[must_use]
    pub fn last_proof(&self) -> Option<(&Drill, ProofOf<'_>)> {
        let drill = self.summary.last_proven.as_ref()?;
        let of = match proof_of(drill, &self.backups) {
            // What the first repository has dropped may still be in the second.
            ProofOf::Gone => {
                let mut copies = self.copies.iter().flat_map(|copies| &copies.backups);
                let copy =
                    copies.find(|copy| copy.of == drill.backup || copy.backup.answers_to(&drill.backup));
                copy.map_or(ProofOf::Gone, |copy| ProofOf::Another(&copy.backup))
            }
            of => of,
        };
        Some((drill, of))
    }
}

impl EnvironmentDetails {
    /// How long it takes until Live has the newest content that it can be brought back to, if a restore began now, with its
    /// safety backup, in milliseconds. `None` as long as no drill has measured it.
    #[must_use]
    pub fn until_live(&self) -> Option<u64> {
        let drill = self.summary.last_proven.as_ref()?;
        let bytes = to_go_back_to(&self.backups).map_or(drill.bytes, |backup| backup.manifest.bytes());
        Some(until_live(drill, bytes, &self.backups))
    }
}

impl EnvironmentSummary {
    /// Whether what was proven last is the backup that Live would be brought back to, as far as a glance tells: it was the
    /// newest then, and none was taken since.
    #[must_use]
    pub fn has_proven_the_newest(&self) -> bool {
        let drill = self.last_proven.as_ref();
        drill.is_some_and(|drill| drill.newest && self.newest.is_some_and(|newest| newest <= drill.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::backup::{BackupId, Trigger};
    use crate::domain::environment::EnvironmentKind;
    use crate::domain::histories::backup;
    use crate::domain::proof::DrillOutcome;
    use crate::domain::slot::Slot;
    use crate::domain::version::MagnoliaVersion;

    fn at(day: u32, hour: u32) -> Instant {
        format!("2026-11-{day:02}T{hour:02}:00:00Z").parse().unwrap()
    }

    fn drill(backup: &Backup, at: Instant, newest: bool) -> Drill {
        Drill {
            at,
            backup: backup.id.clone(),
            millis: 2_300,
            bytes: 1,
            newest,
            outcome: DrillOutcome::Proven,
        }
    }

    fn day(at: Instant) -> String {
        at.format("%m-%d").to_string()
    }

    #[test]
    fn a_proof_of_another_backup_names_that_one() {
        let daily = backup(1, at(29, 0), Trigger::Schedule, &[Slot::Daily], Vec::new());
        let to = MagnoliaVersion("6.3.5".to_owned());
        let upgrade = backup(2, at(29, 1), Trigger::Upgrade { to }, &[], Vec::new());
        let proven = drill(&daily, at(29, 0), true);
        let alone = std::slice::from_ref(&daily);
        assert_eq!(proof_of(&proven, alone), ProofOf::Meant);
        assert_eq!(proof_of(&proven, alone).called(day), None);
        let both = [daily.clone(), upgrade.clone()];
        let of = proof_of(&proven, &both);
        assert_eq!(of, ProofOf::Another(&daily));
        assert_eq!(of.called(day).as_deref(), Some("daily of 11-29"));
        assert_eq!(of.in_short(), Some("daily"));
        let other = [upgrade];
        let of = proof_of(&proven, &other);
        assert_eq!((of, of.in_short()), (ProofOf::Gone, Some("another")));
    }

    #[test]
    fn a_backup_that_was_pinned_since_stays_the_one_that_was_proven() {
        let mut daily = backup(1, at(29, 0), Trigger::Schedule, &[Slot::Daily], Vec::new());
        let proven = drill(&daily, at(29, 0), true);
        daily.manifest.was_called(daily.id.clone());
        daily.id = BackupId("f".repeat(64));
        assert_eq!(proof_of(&proven, &[daily]), ProofOf::Meant);
    }

    #[test]
    fn a_glance_takes_no_older_proof_for_one_of_the_newest() {
        let daily = backup(1, at(29, 0), Trigger::Schedule, &[Slot::Daily], Vec::new());
        let glance = |newest, drilled, was_newest| {
            let mut summary = EnvironmentSummary::unread("acme/live".parse().unwrap(), EnvironmentKind::Live);
            summary.newest = newest;
            summary.last_proven = Some(drill(&daily, drilled, was_newest));
            summary.has_proven_the_newest()
        };
        assert!(glance(Some(at(29, 0)), at(29, 2), true));
        assert!(
            !glance(Some(at(29, 3)), at(29, 2), true),
            "a newer one was taken since"
        );
        assert!(!glance(Some(at(29, 0)), at(29, 2), false), "it was an older one");
        assert!(!glance(None, at(29, 2), true));
    }
}
