//! Breaking Live of a demo, so that there is something to restore.

use super::asking::Wanted;
use crate::backend::Backend;
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::refusal::Refusal;

/// Breaks Live once its name is typed.
pub(super) async fn run(
    name: &EnvironmentName,
    backend: &dyn Backend,
    call: &mut Call<'_>,
) -> Result<(), CliError> {
    let summary = backend.environment(name).await?.summary;
    if let Some(job) = summary.job.filter(|job| !job.state.has_ended()) {
        let busy = Refusal::Busy {
            environment: name.clone(),
            job: job.id,
            kind: job.kind,
        };
        return Err(CliError::failed(busy.to_string()));
    }
    call.tell(&format!(
        "This deletes and changes content of {name} for real, in the demo's sandbox only. A restore of a backup brings it back."
    ))?;
    call.ask_for(Wanted::Name(name), &format!("To break Live, type {name}: "))
        .await?;
    let what = backend.break_live(name.clone()).await?;
    call.tell(&format!("Live is broken now: {what}"))
}
