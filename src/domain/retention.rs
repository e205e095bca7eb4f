//! Which backup holds which slot, and which backups may be dropped.
//!
//! Both are derived, not stored: pure functions over the list of backups. What may be dropped is what no slot, no
//! running job and no expiry still holds, and only once something good stands in its place.

use std::collections::BTreeSet;

use chrono::Duration;

use super::Instant;
use super::ahead::is_ahead;
use super::backup::{Backup, BackupId, InstanceCopy, Manifest, Trigger, Verification};
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

/// Whether the later backup holds less than half the items of the earlier one, for some instance of it. Then it may well
/// be a copy of a broken Live: an empty folder where a disk should be mounted, a website deleted by mistake.
#[must_use]
pub fn shrank(earlier: &Manifest, later: &Manifest) -> bool {
    let items = |copy: &InstanceCopy| {
        copy.workspaces
            .iter()
            .map(|workspace| workspace.items)
            .sum::<u64>()
    };
    earlier.instances.iter().any(|copy| {
        let after = later
            .instances
            .iter()
            .find(|after| after.name == copy.name)
            .map_or(0, items);
        after < items(copy) / 2
    })
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

/// The backups that may be dropped at `now`, oldest first. `in_use` are those that a running job reads.
///
/// A backup stays while any of these holds:
/// - it holds a slot;
/// - its expiry is still to come;
/// - a running job reads it;
/// - it is damaged or unverified, and for one of its slots there is no newer good backup: as long as nothing better
///   has come, even a doubtful copy may be the only one of those days;
/// - it is the only backup left that is good;
/// - it says that it was taken after `now`: a clock was wrong, and nobody can say how old it is. Only a person deletes it;
/// - damage was found in any of them less than a day ago: somebody has to look at the repository as it is, and a disk
///   that has lost one thing may lose more;
/// - what took its place in a slot holds less than half as much of some instance: the newer ones may be copies of a
///   broken Live. It then stays until a newer one is its equal, or somebody deletes it.
#[must_use]
pub fn droppable<'a>(
    backups: &'a [Backup],
    keep: &Keep,
    in_use: &BTreeSet<BackupId>,
    now: Instant,
) -> Vec<&'a Backup> {
    if backups.iter().any(|backup| was_just_found_damaged(backup, now)) {
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
        .map(|backup| &backup.id)
        .collect();
    let newest_good = past
        .iter()
        .filter(|backup| backup.is_good())
        .max_by_key(|backup| (backup.manifest.taken, &backup.id));
    let succeeded = |backup: &Backup| {
        backup.manifest.slots.iter().all(|slot| {
            past.iter().any(|other| {
                other.is_good()
                    && other.is_for(*slot)
                    && newest_first(other, backup).is_lt()
                    && (!backup.is_good() || !shrank(&backup.manifest, &other.manifest))
            })
        })
    };
    let mut droppable: Vec<_> = backups
        .iter()
        .filter(|backup| {
            !held.contains(&backup.id)
                && !backup.is_held_by_expiry(now)
                && !in_use.contains(&backup.id)
                && newest_good.is_none_or(|newest| newest.id != backup.id)
                && backup.manifest.taken <= now
                && succeeded(backup)
        })
        .collect();
    droppable.sort_by(|a, b| newest_first(b, a));
    droppable
}
