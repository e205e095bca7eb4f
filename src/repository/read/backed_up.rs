//! One instance's content in a backup, behind the trait by which restores read it.

use crate::content::backed_up::{BackedUp, BackedUpFiles, Comparison, Depth, Donor, Extracted};
use crate::content::restoring::RestoreError;
use crate::content::{Content, Sink};
use crate::domain::backup::{BackupId, InstanceCopy};
use crate::domain::plan::Selection;
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::watch::Watch;

/// An instance's content in a backup.
#[derive(Debug, Clone, Copy)]
pub struct InstanceBackup<'r> {
    repository: &'r Repository,
    backup: &'r BackupId,
    copy: &'r InstanceCopy,
}

impl Repository {
    /// An instance's content in a backup, whose record says this of it. Reads nothing yet.
    #[must_use]
    pub fn instance<'r>(&'r self, backup: &'r BackupId, copy: &'r InstanceCopy) -> InstanceBackup<'r> {
        InstanceBackup {
            repository: self,
            backup,
            copy,
        }
    }
}

impl BackedUp for InstanceBackup<'_> {
    fn copy(&self) -> &InstanceCopy {
        self.copy
    }

    fn extract(
        &self,
        selection: &Selection,
        sink: &dyn Sink,
        donor: Option<&dyn Donor>,
        watch: &dyn Watch,
    ) -> Result<Extracted, RestoreError> {
        let (repository, name) = (self.repository, &self.copy.name);
        // In a folder, what is packed is read as fast as what is not, and there is less of it.
        let donor = donor.filter(|_| repository.place().folder().is_none());
        Ok(repository.extract_with(self.backup, name, selection, sink, donor, watch)?)
    }

    fn compare(
        &self,
        selection: &Selection,
        content: &dyn Content,
        depth: Depth,
        watch: &dyn Watch,
    ) -> Result<Comparison, RestoreError> {
        let compared =
            self.repository
                .compare(self.backup, &self.copy.name, selection, content, depth, watch);
        Ok(compared?)
    }

    fn files(&self) -> Result<Box<dyn BackedUpFiles>, RestoreError> {
        Ok(Box::new(self.repository.files(self.backup, &self.copy.name)?))
    }
}

impl From<RepositoryError> for RestoreError {
    fn from(error: RepositoryError) -> Self {
        Self::Backup(Box::new(error))
    }
}
