//! What backups have read and found not to be what it says that it is. A check reads none of it again.

use crate::domain::backup::Backup;
use crate::domain::environment::InstanceName;

/// What the newest backup that has any doubt of an instance has found, as a sentence.
pub(super) fn about(backups: &[Backup], instance: &InstanceName) -> Option<String> {
    let copies = backups
        .iter()
        .filter(|backup| !backup.dated_ahead)
        .flat_map(|backup| backup.manifest.instances.iter().map(move |copy| (backup, copy)));
    let (backup, copy) = copies
        .filter(|(_, copy)| copy.name == *instance)
        .find(|(_, copy)| !copy.doubts.is_empty())?;
    let first = copy.doubts.first()?;
    let more = match copy.doubts.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    Some(format!("backup {} has found {first}{more}", backup.id))
}
