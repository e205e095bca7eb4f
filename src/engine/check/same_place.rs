//! Whether two instances are one and the same database by two names: by socket and by network, by two addresses, in two
//! environments. Each restore would then meet what the other one's has made.

use super::Report;
use crate::domain::check::{Finding, Verdict};
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::engine::{Engine, EngineError};

/// Looks at the databases of an environment, or of all.
pub(super) fn databases(
    engine: &Engine,
    only: Option<&EnvironmentName>,
    report: &mut Report,
) -> Result<(), EngineError> {
    let mut configured = Vec::new();
    for (name, settings) in engine.environments() {
        if !settings.kind.is_recoverable() || only.is_some_and(|only| only != name) {
            continue;
        }
        let live = engine.live(name)?;
        for instance in &settings.instances {
            let place = live.place(instance);
            // Of those that have no other name nothing has to be asked.
            if place.keeps_what_it_replaces() {
                configured.push((name, &instance.name, place));
            }
        }
    }
    if configured.len() < 2 {
        return Ok(());
    }
    let mut met: Vec<(String, &EnvironmentName, &InstanceName)> = Vec::new();
    for (name, instance, place) in configured {
        // One that is out of reach has been told.
        let Ok(Some(identity)) = place.identity() else {
            continue;
        };
        if let Some((_, other, twin)) = met.iter().find(|(known, _, _)| *known == identity) {
            report.findings.push(Finding {
                environment: Some(name.clone()),
                instance: Some(instance.clone()),
                about: "database".to_owned(),
                verdict: Verdict::Failed,
                detail: format!(
                    "it is the same schema of the same database as {twin} of {other} has, by another name: a restore of one \
                     would replace the other. Take one of the two out of the configuration"
                ),
            });
        }
        met.push((identity, name, instance));
    }
    Ok(())
}
