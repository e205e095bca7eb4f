//! Whether two instances are one and the same database by two names: by socket and by network, by two addresses, in two
//! environments. Each restore would then meet what the other one's has made.

use super::Report;
use crate::content::ContentError;
use crate::content::postgres::connect::Connector;
use crate::domain::check::{Finding, Verdict};
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::engine::{Engine, EngineError};

/// What tells a schema of a database from every other: servers do not start in the same microsecond, and this one everybody
/// may ask, unlike the number that a server is given when it is made.
type Identity = (String, String, String);

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
        let databases = engine.live(name)?.databases().into_iter();
        configured.extend(databases.map(|(instance, connector)| (name, instance, connector)));
    }
    if configured.len() < 2 {
        return Ok(());
    }
    let mut met: Vec<(Identity, &EnvironmentName, InstanceName)> = Vec::new();
    for (name, instance, connector) in configured {
        // One that is out of reach has been told.
        let Ok(identity) = identity(&connector) else {
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

fn identity(connector: &Connector) -> Result<Identity, ContentError> {
    let (mut session, connector) = connector.connect_to_one()?;
    let failed = connector.failed("asking which database it is");
    let mut transaction = session.begin().map_err(&failed)?;
    let row = transaction
        .query_one(
            "SELECT pg_postmaster_start_time()::text || ' ' || current_setting('port'), current_database()::text",
            &[],
        )
        .map_err(&failed)?;
    Ok((row.get(0), row.get(1), connector.settings().schema.clone()))
}
