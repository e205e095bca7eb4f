//! Which backup holds which slot, and which backups may be dropped.
//!
//! Both are derived, not stored: pure functions over the list of backups. What may be dropped is what no slot, no place
//! among the recent ones, no running job and no expiry still holds, and only once something good stands in its place.

use std::collections::BTreeSet;

use chrono::Duration;

use super::Instant;
use super::ahead::{Look, is_ahead};
use super::backup::{Backup, BackupId, Trigger, Verification};
use super::environment::EnvironmentName;
use super::measure;
use super::recent;
use super::shrinking::{self, Shrunk, shrunk};
use super::slot::{Keep, Slot};

/// The holders of a slot, newest first: the newest good backups taken for it, as many as the slot keeps. Damaged and
/// unverified backups, and those that are dated ahead of the clock, hold nothing.
#[must_use]
pub fn holders<'a>(backups: &'a [Backup], keep: &Keep, slot: Slot) -> Vec<&'a Backup> {
    let mut good: Vec<_> = backups
        .iter()
        .filter(|backup| backup.is_good() && backup.is_for(slot))
        .collect();
    good.sort_by(|a, b| newest_first(a, b));
    good.truncate(keep.of(slot));
    good
}

fn newest_first(a: &Backup, b: &Backup) -> std::cmp::Ordering {
    (b.manifest.taken, &b.id).cmp(&(a.manifest.taken, &a.id))
}

/// The backup that a new one for the slot would push out, once it is complete and verified: the oldest holder of a
/// full slot. It goes only if nothing else holds it.
#[must_use]
pub fn replaced_by_next<'a>(backups: &'a [Backup], keep: &Keep, slot: Slot) -> Option<&'a Backup> {
    let holders = holders(backups, keep, slot);
    (holders.len() >= keep.of(slot))
        .then(|| holders.last().copied())
        .flatten()
}

/// The newest safety backup: what undo goes back to.
#[must_use]
pub fn undo_target(backups: &[Backup]) -> Option<&Backup> {
    backups
        .iter()
        .filter(|backup| backup.manifest.trigger == Trigger::Restore && backup.is_good())
        .max_by_key(|backup| backup.manifest.taken)
}

/// The upgrade backup that stands at `now`, if there is one. While it stands, no further upgrade is accepted (rule 6).
#[must_use]
pub fn standing_upgrade(backups: &[Backup], now: Instant) -> Option<&Backup> {
    backups
        .iter()
        .filter(|backup| {
            matches!(backup.manifest.trigger, Trigger::Upgrade { .. })
                && backup.is_held_by_expiry(now)
                && !backup.dated_ahead
        })
        .max_by_key(|backup| backup.manifest.taken)
}

/// How long nothing is dropped after damage was found.
const TIME_TO_LOOK: Duration = Duration::hours(24);

fn was_just_found_damaged(backup: &Backup, now: Instant) -> bool {
    matches!(
        backup.verification,
        Verification::Damaged { at, .. } if now - at < TIME_TO_LOOK && !is_ahead(at, now)
    )
}

/// The backups that may be dropped at a look, oldest first. `in_use` are those that a running job reads.
///
/// A backup stays while any of these holds:
/// - it holds a slot, or one of the places between the daily ones ([`recent::kept`]);
/// - somebody has pinned it, for ever or until a time that is still to come by what can be believed of the clock, or that has
///   come less than five days ago: so far a clock may be ahead without being found out;
/// - its expiry is still to come, or was by what can be believed of the clock ([`Look`]);
/// - a running job reads it;
/// - it is damaged or unverified, and for one of its slots there is no newer good backup (for one between the daily ones:
///   no newer good backup of Live at all): as long as nothing better has come, even a doubtful copy may be the only one
///   of those days;
/// - it is the only backup left that is good;
/// - it says that it was taken after the look: a clock was wrong, and nobody can say how old it is. Only a person deletes
///   it;
/// - what took its place came after a jump of the clock that is not believed yet ([`Look`]);
/// - damage was found in any of them less than a day ago: somebody has to look at the repository as it is, and a disk
///   that has lost one thing may lose more;
/// - what took its place holds less than half as much of some part ([`shrunk`]): the newer ones may be copies of
///   a broken Live. It then stays until a newer one is its equal, or somebody deletes it.
#[must_use]
pub fn droppable<'a>(
    backups: &'a [Backup],
    keep: &Keep,
    in_use: &BTreeSet<BackupId>,
    look: &Look,
) -> Vec<&'a Backup> {
    may_go(backups, keep, in_use, look, &|earlier, later| {
        earlier.is_good() && !shrunk(&earlier.manifest, &later.manifest).is_empty()
    })
}

/// As [`droppable`], where a backup does not take the place of those of which it `is_doubtful`.
fn may_go<'a>(
    backups: &'a [Backup],
    keep: &Keep,
    in_use: &BTreeSet<BackupId>,
    look: &Look,
    is_doubtful: &dyn Fn(&Backup, &Backup) -> bool,
) -> Vec<&'a Backup> {
    let now = look.settled;
    if backups
        .iter()
        .any(|backup| was_just_found_damaged(backup, look.now))
    {
        return Vec::new();
    }
    let past: Vec<Backup> = backups
        .iter()
        .filter(|backup| backup.manifest.taken <= now)
        .cloned()
        .collect();
    let held: BTreeSet<&BackupId> = Slot::ALL
        .into_iter()
        .flat_map(|slot| holders(&past, keep, slot))
        .chain(recent::kept(&past, keep, now))
        .map(|backup| &backup.id)
        .collect();
    let newest_good = past
        .iter()
        .filter(|backup| backup.is_good())
        .max_by_key(|backup| (backup.manifest.taken, &backup.id));
    let has_successor = |backup: &Backup, fits: &dyn Fn(&Backup) -> bool| {
        past.iter().any(|other| {
            other.is_good_of_live()
                && fits(other)
                && newest_first(other, backup).is_lt()
                && !is_doubtful(backup, other)
        })
    };
    let succeeded = |backup: &Backup| {
        let mut slots = backup.manifest.slots.iter();
        slots.all(|slot| has_successor(backup, &|other| other.is_for(*slot)))
            && (!backup.is_recent() || has_successor(backup, &|_| true))
    };
    let mut droppable: Vec<_> = backups
        .iter()
        .filter(|backup| {
            !held.contains(&backup.id)
                && !backup.is_held_by_expiry(now)
                && !backup.is_left_for_its_pin(now)
                && !in_use.contains(&backup.id)
                && newest_good.is_none_or(|newest| newest.id != backup.id)
                && backup.manifest.taken <= now
                && succeeded(backup)
        })
        .collect();
    droppable.sort_by(|a, b| newest_first(b, a));
    droppable
}

/// The newest good backup for a slot, or between the daily ones, before `backup`, and of what `backup` holds less than half as much, if anything.
fn lost_since<'a>(backups: &'a [Backup], backup: &Backup) -> Option<(&'a Backup, Vec<Shrunk>)> {
    let before = backups
        .iter()
        .filter(|other| other.is_good() && other.manifest.is_in_line() && newest_first(backup, other).is_lt())
        .min_by(|a, b| newest_first(a, b))?;
    let lost = shrunk(&before.manifest, &backup.manifest);
    (!lost.is_empty()).then_some((before, lost))
}

/// The backups taken for a slot that stay only because what came after them holds much less. They go, with the one that leaves the
/// slot, once a newer one for it holds about as much.
#[must_use]
pub fn kept_for_holding_more<'a>(
    backups: &'a [Backup],
    keep: &Keep,
    slot: Slot,
    look: &Look,
) -> Vec<&'a Backup> {
    let none = BTreeSet::new();
    let goes = droppable(backups, keep, &none, look);
    let mut kept = may_go(backups, keep, &none, look, &|_, _| false);
    kept.retain(|backup| backup.is_good() && backup.is_for(slot) && !goes.contains(backup));
    kept
}

/// What to know about backups that hold much less than those before them, as a sentence: the newest one, and those that
/// stay only because what took their place is such a one. `None` when there are none.
#[must_use]
pub fn doubt(environment: &EnvironmentName, backups: &[Backup], keep: &Keep, look: &Look) -> Option<String> {
    let none = BTreeSet::new();
    let would_go = may_go(backups, keep, &none, look, &|_, _| false);
    let goes = droppable(backups, keep, &none, look);
    let newest = backups
        .iter()
        .filter(|backup| backup.is_good() && backup.manifest.is_in_line())
        .min_by(|a, b| newest_first(a, b))?;
    let kept = would_go
        .into_iter()
        .rev()
        .find(|backup| backup.is_good() && !goes.contains(backup));
    if let Some(kept) = kept {
        let after = backups.iter().filter(|other| {
            other.is_good()
                && newest_first(other, kept).is_lt()
                && (kept.is_recent() || kept.manifest.slots.iter().any(|slot| other.is_for(*slot)))
        });
        let lost = after
            .map(|other| shrunk(&kept.manifest, &other.manifest))
            .find(|lost| !lost.is_empty())
            .unwrap_or_default();
        return Some(format!(
            "backup {} of {} is kept because what came after it holds much less ({}): look whether Live is whole. If it is not, \
             this is the one to restore. It goes once a newer one holds about as much, or is deleted where the loss was meant \
             (`lifeboat delete {environment} {}`)",
            kept.id,
            measure::moment(kept.manifest.taken),
            shrinking::in_words(&lost),
            kept.id,
        ));
    }
    let (before, lost) = lost_since(backups, newest)?;
    Some(format!(
        "backup {} holds much less than {} before it ({}): look whether Live is whole",
        newest.id,
        before.id,
        shrinking::in_words(&lost),
    ))
}
