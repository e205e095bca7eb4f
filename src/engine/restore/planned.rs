//! Plans that a restore may follow: what they were made from, and whether that is still so.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::Way;
use crate::catalog::StoredPlan;
use crate::domain::backup::{Backup, ChoiceError};
use crate::domain::environment::InstanceName;
use crate::domain::plan::{PlanId, RestorePlan};
use crate::domain::refusal::Refusal;
use crate::domain::staleness::{Basis, Stale, too_old};
use crate::engine::{Engine, EngineError, Live};

impl Way {
    /// How the restore of a plan is done.
    pub(super) fn of(plan: &RestorePlan) -> Self {
        Self {
            selection: plan.selection.clone(),
            without_safety: plan.without_safety,
            even_if_unchanged: plan.even_if_unchanged,
            from: plan.from,
            ..Self::default()
        }
    }
}

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
        let mut bytes = [0; 16];
        self.engine().fill_at_random(&mut bytes)?;
        Ok(PlanId::of_random(bytes))
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
            Err(EngineError::UnknownBackup(ChoiceError::Unknown { .. })) => Err(stale(Stale::BackupGone {
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
            // Editors go on working between a plan and its restore, so what is in them does not count.
            .filter_map(|instance| Some((instance.name.clone(), self.place(instance).which()?)))
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
}
