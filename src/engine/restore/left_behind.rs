//! What a restore has left in a database because it could not be dropped then: somebody held it, or nothing could be
//! changed. It harms nobody, so no job waits for it or fails because of it. It is written down, shown, and tried again
//! before the next job.

use serde::{Deserialize, Serialize};

use super::journal::{InstanceRecord, Journal};
use crate::domain::activity::Severity;
use crate::domain::environment::InstanceName;
use crate::domain::principal::Principal;
use crate::engine::jobs::papers::name_of;
use crate::engine::{EngineError, Live};

/// What the records are called.
const LEFT_BEHIND: &str = "left-behind";

/// A schema that nobody needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LeftBehind {
    instance: InstanceName,
    schema: String,
}

impl Live {
    /// Drops schemas of a restore that nobody needs any more. Those that cannot be dropped are written down; gives
    /// sentences about them.
    ///
    /// # Errors
    /// That they cannot be written down: nobody would know of them.
    pub(super) fn drop_or_leave_behind(
        &self,
        instance: &InstanceName,
        schemas: &[&str],
    ) -> Result<Vec<String>, EngineError> {
        let mut left = Vec::new();
        let mut sentences = Vec::new();
        for schema in schemas {
            if let Err(error) = self.drop_schema_of(instance, schema) {
                sentences.push(format!(
                    "the schema {schema} in the database of {instance} is still there and harms nobody; it is tried again \
                     before the next job: {error}"
                ));
                left.push(LeftBehind {
                    instance: instance.clone(),
                    schema: (*schema).to_owned(),
                });
            }
        }
        if !left.is_empty() {
            let mut all = self.left_behind()?;
            left.retain(|one| !all.contains(one));
            all.extend(left);
            self.write_left_behind(&all)?;
        }
        Ok(sentences)
    }

    /// Drops what a restore has staged in databases, of every instance of its journal that has one.
    pub(super) fn drop_schemas(&self, journal: &Journal) -> Result<Vec<String>, EngineError> {
        let mut left = Vec::new();
        for InstanceRecord { instance, beside } in &journal.instances {
            left.extend(self.drop_or_leave_behind(instance, &beside.made())?);
        }
        Ok(left)
    }

    /// Tries once more to drop what earlier restores could not. The caller holds the environment; what is still there stays
    /// for the next time.
    pub(in crate::engine) fn drop_left_behind(&self) {
        let Ok(all) = self.left_behind() else { return };
        if all.is_empty() {
            return;
        }
        let count = all.len();
        let still: Vec<_> = all
            .into_iter()
            .filter(|one| self.drop_schema_of(&one.instance, &one.schema).is_err())
            .collect();
        if still.len() < count {
            // What is written down twice is looked for once more, and found to be gone.
            let _ = self.write_left_behind(&still);
            self.remember(
                &Principal::Lifeboat,
                "what an earlier restore had left in a database is dropped",
                None,
                Severity::Information,
            );
        }
    }

    fn drop_schema_of(&self, instance: &InstanceName, schema: &str) -> Result<(), EngineError> {
        let place = self
            .place_of(instance)
            .ok_or_else(|| self.is_not_configured(instance))?;
        Ok(place.drop_made(schema)?)
    }

    fn left_behind(&self) -> Result<Vec<LeftBehind>, EngineError> {
        let name = self.name();
        let noted = self.papers().read(LEFT_BEHIND, &name_of(name));
        Ok(noted
            .map_err(self.paper_failed("reading", LEFT_BEHIND))?
            .unwrap_or_default())
    }

    fn write_left_behind(&self, all: &[LeftBehind]) -> Result<(), EngineError> {
        let name = self.name();
        let (papers, file) = (self.papers(), name_of(name));
        let written = if all.is_empty() {
            papers.remove(LEFT_BEHIND, &file)
        } else {
            papers.write(LEFT_BEHIND, &file, &all)
        };
        written.map_err(self.paper_failed("writing to", LEFT_BEHIND))
    }
}
