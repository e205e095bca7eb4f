//! What should be known of a backup that was taken: what it does not hold, what in it is not what it says that it is, and
//! that it may be a copy of a Live that is broken.

use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, Manifest, Trigger};
use crate::domain::measure;
use crate::domain::shrinking::{self, shrunk};
use crate::engine::Work;

/// So many records that are not what they say are named one by one.
const NAMED_DOUBTS: usize = 10;

/// Tells what is not in the copies, and what in them is not what it says that it is.
pub(super) fn tell_of_copies(work: &Work, manifest: &Manifest, warnings: &mut Vec<String>) {
    for instance in &manifest.instances {
        for what in &instance.left_alone {
            work.log(Severity::Information, &format!("{}: {what}", instance.name));
        }
        for what in &instance.left_out {
            work.log(Severity::Warning, &format!("{}: {what}", instance.name));
        }
        let doubts = instance.doubts.iter().take(NAMED_DOUBTS);
        warnings.extend(doubts.map(|doubt| format!("{}: {doubt}", instance.name)));
        if let Some(more) = instance.doubts.len().checked_sub(NAMED_DOUBTS + 1) {
            let more = measure::so_many(more as u64 + 1, "more such record", "more such records");
            warnings.push(format!("{}: and {more}", instance.name));
        }
    }
}

/// A warning for a backup that may well be a copy of a broken Live. It is kept, since that is what Live holds, and so
/// are the older ones that hold more: see `domain::retention`.
pub(super) fn doubt(before: &[Backup], manifest: &Manifest) -> Option<String> {
    // Whoever restores knows that Live is not what it was.
    if manifest.trigger == Trigger::Restore {
        return None;
    }
    let previous = before
        .iter()
        .find(|backup| backup.is_good() && backup.manifest.is_in_line())?;
    let lost = shrunk(&previous.manifest, manifest);
    (!lost.is_empty()).then(|| {
        format!(
            "Live holds much less than in backup {} ({}): look whether it is whole. Older backups that hold more are kept \
             until you delete them",
            previous.id,
            shrinking::in_words(&lost)
        )
    })
}
