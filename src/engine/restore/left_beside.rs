//! What an earlier restore has left beside a content folder: what it replaced and the safety backup does not hold, or what
//! could not be removed then, an immutable file in it, say. Only a person can tell whether it is needed.

use crate::domain::settings::InstanceSettings;
use crate::engine::Live;

impl Live {
    /// Sentences about folders that restores have left beside an instance's content. While a job is at work, or a switch is
    /// not settled, they are its business.
    pub(in crate::engine) fn left_beside(&self, instance: &InstanceSettings) -> Vec<String> {
        let is_settled = self.half_switched().is_none()
            && self.catalog().running(self.name()).is_ok_and(|job| job.is_none());
        if !is_settled {
            return Vec::new();
        }
        let left = self.place(instance).left_over();
        let being_cleared = self.cleared_or_why_not();
        left.iter()
            .filter_map(|path| match being_cleared(path) {
                Some(why_not) => why_not,
                None => Some(format!(
                    "{} was left beside the content of {} by an earlier restore: it may hold the only copy of what was changed \
                     after the safety backup, or it could not be removed (`lsattr -R` shows immutable files). The outcome of \
                     that job says which: do not remove it before you have looked",
                    path.display(),
                    instance.name
                )),
            })
            .collect()
    }
}
