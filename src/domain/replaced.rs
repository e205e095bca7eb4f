//! What a safety backup tells of the restore that it was taken for: where that replaced only a part of Live, nothing else of the
//! backup is needed to take it back, and all the rest would set aside what was changed since. Of a database that part is of whole
//! workspaces, also where the restore brought back only paths of them.

use super::backup::Manifest;
use super::limited;
use super::plan::Selection;

impl Manifest {
    /// Of a safety backup: the part of Live that the restore replaced which it was taken for. `None` where that was everything,
    /// and where it is not known.
    #[must_use]
    pub fn replaced_part(&self) -> Option<&Selection> {
        self.replaced.as_ref().filter(|part| !part.is_everything())
    }

    /// That no more than a part takes back the restore which it was taken for, as a sentence without its end.
    #[must_use]
    pub fn replaced_in_words(&self) -> Option<String> {
        let part = limited::part(self.replaced_part()?);
        Some(format!(
            "To take back the restore that this safety backup was taken for, {part} is enough"
        ))
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::backup::Trigger;
    use crate::domain::histories::backup;
    use crate::domain::plan::Selection;

    #[test]
    fn a_safety_backup_says_which_part_the_restore_replaced_that_it_was_taken_for() {
        let taken = serde_json::from_value(serde_json::json!("2026-12-01T05:00:00Z")).unwrap();
        let said = |replaced: Option<Selection>| {
            let mut manifest = backup(1, taken, Trigger::Restore, &[], Vec::new()).manifest;
            manifest.replaced = replaced;
            assert_eq!(
                manifest.replaced_part().is_some(),
                manifest.replaced_in_words().is_some()
            );
            manifest.replaced_in_words()
        };
        // Of everything, and of what is not known, there is nothing to say.
        assert_eq!(said(None), None);
        assert_eq!(said(Some(Selection::default())), None);
        let author = || vec!["author".parse().unwrap()];
        let website = || vec!["website".to_owned()];
        for (instances, workspaces, paths, part) in [
            (author(), website(), vec![], "website on author"),
            (author(), vec![], vec![], "what is on author"),
            (vec![], website(), vec![], "website"),
            (
                author(),
                website(),
                vec!["/website/home".parse().unwrap()],
                "/website/home on author",
            ),
        ] {
            let selection = Selection {
                instances,
                workspaces,
                paths,
            };
            assert_eq!(
                said(Some(selection)).unwrap(),
                format!("To take back the restore that this safety backup was taken for, {part} is enough")
            );
        }
    }
}
