//! Plans that a restore may follow: what they were made from, and whether that is still so.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::catalog::StoredPlan;
use crate::content::postgres::layout::look;
use crate::domain::backup::{Backup, ChoiceError};
use crate::domain::environment::InstanceName;
use crate::domain::plan::{PlanId, RestorePlan};
use crate::domain::refusal::Refusal;
use crate::domain::settings::{ContentSettings, InstanceSettings};
use crate::domain::staleness::{Basis, Stale, too_old};
use crate::engine::{Engine, EngineError, Live};

/// A plan that was made here and is young enough.
pub(super) fn known_plan(engine: &Engine, id: &PlanId) -> Result<StoredPlan, EngineError> {
    let stale = |why| Refusal::StalePlan {
        plan: id.clone(),
        why,
    };
    let now = engine.now();
    let stored = engine
        .catalog()
        .plan(id, now)?
        .ok_or_else(|| stale(Stale::Unknown))?;
    match too_old(stored.plan.made, now) {
        Some(why) => Err(stale(why).into()),
        None => Ok(stored),
    }
}

impl Live {
    /// An id for a new plan.
    pub(super) fn new_plan_id(&self) -> Result<PlanId, EngineError> {
        Ok(PlanId::of_random(self.random_bytes()?))
    }

    /// A part of a name that nobody can guess, and that no other process comes by.
    pub(super) fn new_token(&self) -> Result<String, EngineError> {
        let bytes = self.random_bytes::<8>()?;
        Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
    }

    fn random_bytes<const LENGTH: usize>(&self) -> Result<[u8; LENGTH], EngineError> {
        let mut bytes = [0; LENGTH];
        self.engine().fill_at_random(&mut bytes)?;
        Ok(bytes)
    }

    /// Gives the backup of a plan as it is now, if what the plan was made from is still so.
    pub(super) fn still_holds(&self, plan: &RestorePlan, basis: &Basis) -> Result<Backup, EngineError> {
        let stale = |why| {
            EngineError::from(Refusal::StalePlan {
                plan: plan.id.clone(),
                why,
            })
        };
        if let Some(why) = basis.changed(&self.basis()?) {
            return Err(stale(why));
        }
        let backup = &plan.backup.id;
        match self.choose_from(plan.from, &backup.0) {
            Err(EngineError::UnknownBackup(ChoiceError::Unknown(_))) => Err(stale(Stale::BackupGone {
                backup: backup.clone(),
            })),
            found => found,
        }
    }

    /// What a plan of the environment is made from now.
    pub(super) fn basis(&self) -> Result<Basis, EngineError> {
        let name = self.name();
        let settings = self.settings();
        let written = serde_json::to_vec(settings).map_err(|error| {
            EngineError::Failed(format!("the settings of {name} cannot be written down: {error}"))
        })?;
        let digest = Sha256::digest(&written);
        let holds = self.catalog().holds(name)?;
        let held = |hold: Option<crate::domain::state::Hold>| {
            hold.map_or("off".to_owned(), |hold| format!("since {}", hold.since))
        };
        let content: BTreeMap<InstanceName, String> = settings
            .instances
            .iter()
            .filter_map(|instance| Some((instance.name.clone(), self.which_content(instance)?)))
            .collect();
        Ok(Basis {
            last_change: self.catalog().last_change(name)?,
            settings: digest.iter().fold(String::new(), |mut text, byte| {
                // Writing to a text cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            }),
            holds: format!(
                "maintenance {}, protection {}",
                held(holds.maintenance),
                held(holds.protection)
            ),
            content,
        })
    }

    /// Which folders or tables an instance has. Editors go on working between a plan and its restore, so what is in them
    /// does not count. `None` when that cannot be told.
    fn which_content(&self, instance: &InstanceSettings) -> Option<String> {
        match &instance.content {
            ContentSettings::Files { path } => folders(path),
            ContentSettings::Postgres(database) => {
                let (layout, ..) = look(&self.connector(database)).ok()?;
                let mut tables: Vec<_> = layout
                    .tables
                    .iter()
                    .map(|table| format!("{} {}", table.name, table.found.oid))
                    .collect();
                tables.sort();
                Some(tables.join(", "))
            }
        }
    }
}

/// The content folder by its number in the file system.
fn folders(content: &Path) -> Option<String> {
    match fs::metadata(content) {
        Ok(metadata) => Some(format!("{}:{}", metadata.dev(), metadata.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some("none".to_owned()),
        Err(_) => None,
    }
}
