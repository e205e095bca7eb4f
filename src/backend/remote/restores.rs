//! Restores on a service: those that follow a plan, and those that wait for another owner.
//!
//! Not in here: making a plan, and all that is asked for otherwise ([`super`]).

use serde_json::json;

use super::bodies::{NewPlan, Started};
use super::call::Call;
use super::{Remote, below};
use crate::backend::BackendError;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobId;
use crate::domain::plan::{PlanId, RestorePlan};
use crate::domain::refusal::Refusal;
use crate::domain::request::RestoreRequest;

impl Remote {
    /// Has a plan made, and remembers of which environment it is.
    pub(super) async fn plan(&self, request: RestoreRequest) -> Result<RestorePlan, BackendError> {
        let body = NewPlan {
            backup: &request.backup,
            selection: &request.selection,
            without_safety: request.without_safety,
            even_if_unchanged: request.even_if_unchanged,
            from: request.from,
        };
        let call = Call::post(&below(&request.environment, &["plans"]))
            .body(&body)?
            .takes_long()
            .harmless();
        let plan: RestorePlan = self.shared.ask(call).await?;
        let mut plans = self.shared.plans.lock();
        plans.insert(plan.id.clone(), request.environment);
        Ok(plan)
    }

    /// Starts the restore of a plan; with a reason although nobody else has agreed.
    pub(super) async fn restore(
        &self,
        plan: PlanId,
        confirm: String,
        alone: Option<String>,
    ) -> Result<JobId, BackendError> {
        let planned = {
            let plans = self.shared.plans.lock();
            plans.get(&plan).cloned()
        };
        // A plan that was made elsewhere is of the environment whose name was typed, or not to be started.
        let environment = planned
            .or_else(|| confirm.parse().ok())
            .ok_or_else(|| Refusal::Obstacle(format!("there is no plan {plan} of \"{confirm}\"")))?;
        let mut body = json!({ "plan": plan, "confirm": confirm });
        // A service that is older than this does not know the word.
        if let Some(reason) = alone {
            body["break_glass"] = json!(reason);
        }
        self.start(&environment, "restores", &body).await
    }

    /// Agrees to the restore that waits. The service looks at Live once more before it begins.
    pub(super) async fn approve(
        &self,
        environment: &EnvironmentName,
        plan: PlanId,
        confirm: String,
    ) -> Result<JobId, BackendError> {
        let body = json!({ "plan": plan, "confirm": confirm });
        let call = Call::post(&below(environment, &["approvals"]))
            .body(&body)?
            .takes_long()
            .key(self.key()?);
        let started: Started = self.shared.ask(call).await?;
        Ok(started.job)
    }

    /// Ends the wait of a restore.
    pub(super) async fn reject(
        &self,
        environment: &EnvironmentName,
        plan: &PlanId,
        reason: Option<String>,
    ) -> Result<(), BackendError> {
        let body = json!({ "plan": plan, "reason": reason });
        let call = Call::post(&below(environment, &["rejections"])).body(&body)?;
        self.shared.tell(call).await
    }
}
