//! Pins: keeps a backup on purpose, for ever or until a date, and lets it go again.
//!
//! The pin is written into the backup's record (`domain::pin`), so its id changes with it, as with an extension. What retention
//! makes of a pin stands in `domain::retention`.

use crate::domain::activity::Severity;
use crate::domain::backup::BackupId;
use crate::domain::free_text;
use crate::domain::measure;
use crate::domain::pin::{Pin, end_at, how_long};
use crate::domain::refusal::Refusal;
use crate::domain::request::PinRequest;
use crate::engine::{EngineError, Live};

impl Live {
    /// Pins a backup of the first repository, or changes how long and why it is pinned. Gives the id that it has then.
    ///
    /// # Errors
    /// A refusal while a job works on the environment, and for a time that has passed or that nobody could write; a repository out
    /// of reach.
    pub fn pin(&self, request: &PinRequest) -> Result<BackupId, EngineError> {
        if let Some(until) = request.until.filter(|until| *until <= self.now()) {
            return Err(Refusal::NotNeeded(format!(
                "nothing was pinned: {} has passed. Give a later day, or none to keep the backup for ever",
                measure::moment(until)
            ))
            .into());
        }
        let until = request.until.map(end_at).transpose();
        let until = until.map_err(|error| Refusal::NotNeeded(format!("nothing was pinned: {error}")))?;
        let note = free_text::if_any(request.note.as_deref())?;
        let pin = Pin {
            by: self.who().clone(),
            at: self.now(),
            until,
            note: note.clone(),
        };
        let why = note.map(|note| format!(": {note}")).unwrap_or_default();
        let told = format!("pinned {}{why}", how_long(until));
        self.set_pin(&request.backup, Some(&pin), &told)
    }

    /// Takes a pin away. From then on the backup is kept as long as a slot or an expiry keeps it. Gives the id that it has then.
    ///
    /// # Errors
    /// A refusal while a job works on the environment, and for a backup that is not pinned; a repository out of reach.
    pub fn unpin(&self, id: &BackupId) -> Result<BackupId, EngineError> {
        if self.find_backup(id)?.manifest.pin.is_none() {
            return Err(Refusal::NotNeeded(format!("backup {id} is not pinned")).into());
        }
        self.set_pin(id, None, "no longer pinned")
    }

    fn set_pin(&self, id: &BackupId, pin: Option<&Pin>, told: &str) -> Result<BackupId, EngineError> {
        let name = self.name();
        self.refuse_while_busy()?;
        let backup = self.find_backup(id)?;
        // It may have another id by now than the one that it was called by.
        let id = &backup.id;
        let changed = self.repository_holding(id)?.set_pin(id, pin)?;
        self.catalog().is_called(name, id, &changed)?;
        self.changed();
        let text = format!(
            "the {} backup of {} is {told}; its id is {changed} now",
            backup.manifest.called(),
            measure::moment(backup.manifest.taken)
        );
        self.remember(self.who(), &text, None, Severity::Information);
        Ok(changed)
    }
}
