//! What backups have read and found not to be what it says that it is. A check reads none of it again.

use super::Findings;
use crate::domain::settings::InstanceSettings;
use crate::engine::Live;

impl Live {
    /// What the newest backup that has any doubt has read and found not to be what it says. Nothing of it is read again here.
    pub(super) fn doubtful_content(&self, instance: &InstanceSettings, findings: &mut Findings<'_>) {
        let backups = self.backups().unwrap_or_default();
        let copies = backups
            .iter()
            .filter(|backup| !backup.dated_ahead)
            .flat_map(|backup| backup.manifest.instances.iter().map(move |copy| (backup, copy)));
        let doubtful = copies
            .filter(|(_, copy)| copy.name == instance.name)
            .find(|(_, copy)| !copy.doubts.is_empty());
        if let Some((backup, copy)) = doubtful {
            let first = copy.doubts.first().map_or("", String::as_str);
            let more = match copy.doubts.len() {
                1 => String::new(),
                count => format!(" (and {} more)", count - 1),
            };
            findings.warning(
                "data store",
                format!("backup {} has found {first}{more}", backup.id),
            );
        }
    }
}
