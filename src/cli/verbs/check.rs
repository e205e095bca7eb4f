//! `lifeboat check [ENV]`: goes through the configuration and says what works and what does not.

use clap::Args;
use serde_json::json;

use crate::backend::BackendError;
use crate::cli::{Call, CliError, ErrorKind};
use crate::domain::check::{CONFIGURATION, Finding, Report, Verdict};
use crate::domain::environment::EnvironmentName;

/// What `lifeboat check --help` says first.
pub const LONG_ABOUT: &str = "\
Goes through the configuration and says what works and what does not: the keys and colours of the cockpit, and for \
every environment and instance the repository and its key, the database and the rights in it, the data store, room for a restore, search indexes, \
hooks, health. Nothing is changed. Ends with exit code 0 when all of it works, warnings or not, and with 1 when \
something does not.";

/// What `lifeboat check` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CheckArguments {
    /// Only this environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: Option<EnvironmentName>,
}

pub(super) async fn run(arguments: CheckArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let answer = match call.backend().await {
        // A configuration that cannot be read is what was looked for.
        Err(error) if error.kind == ErrorKind::Usage => Ok(unusable(error.message)),
        Err(error) => return Err(error),
        Ok(backend) => backend.check(arguments.environment).await,
    };
    let mut report = match answer {
        // The engine does not begin on one that does not hold together.
        Err(BackendError::Failed(why)) => unusable(why),
        answer => answer?,
    };
    // They stand with the configuration, before what is about an environment.
    let problems = call
        .house
        .why_no_cockpit(&call.globals)
        .into_iter()
        .map(no_cockpit);
    let first = report.findings.len().min(1);
    drop(report.findings.splice(first..first, problems));
    if call.globals.json {
        call.json(&json!({ "findings": report.findings, "works": report.works() }))?;
    } else {
        print(&report, call)?;
    }
    if report.works() {
        return Ok(());
    }
    Err(CliError::failed(report.summary()))
}

/// The finding about what keeps the cockpit from opening.
fn no_cockpit(why: String) -> Finding {
    Finding {
        environment: None,
        instance: None,
        about: "cockpit".to_owned(),
        verdict: Verdict::Failed,
        detail: why,
    }
}

/// The report about a configuration that cannot be used at all.
fn unusable(why: String) -> Report {
    Report {
        findings: vec![Finding {
            environment: None,
            instance: None,
            about: CONFIGURATION.to_owned(),
            verdict: Verdict::Failed,
            detail: why,
        }],
    }
}

fn print(report: &Report, call: &mut Call<'_>) -> Result<(), CliError> {
    let mut above = None;
    for finding in &report.findings {
        if finding.environment.is_some() && above != finding.environment.as_ref() {
            above = finding.environment.as_ref();
            if let Some(name) = above {
                call.say("")?;
                call.say(&name.to_string())?;
            }
        }
        let word = match finding.verdict {
            Verdict::Failed => "FAILED",
            verdict => verdict.label(),
        };
        let place = finding
            .instance
            .as_ref()
            .map(|instance| format!("{instance}: "))
            .unwrap_or_default();
        call.tell(&format!(
            "{word:<7}  {place}{}: {}",
            finding.about, finding.detail
        ))?;
    }
    call.say("")?;
    if report.works() {
        call.tell(&format!("{}.", report.summary()))?;
    }
    Ok(())
}
