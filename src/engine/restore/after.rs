//! What follows a switch: the instances' hooks, and asking them whether they are up.
//!
//! Live has its restored content by then, so nothing here makes a restore fail: what goes wrong is a warning that says
//! what to look at.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::journal::Journal;
use crate::domain::activity::Severity;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::InstanceHealth;
use crate::domain::settings::{EnvironmentSettings, InstanceSettings};
use crate::engine::Engine;

/// A hook is ended after this long.
const HOOK_LIMIT: Duration = Duration::from_mins(5);
/// Output that is still on its way when a hook has ended is waited for this long.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// An instance is asked again and again for this long: Magnolia takes minutes to start on a large repository.
const HEALTH_LIMIT: Duration = Duration::from_mins(3);
const HEALTH_PAUSE: Duration = Duration::from_secs(2);
const HEALTH_ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Told every line that a hook prints.
pub(super) type Say<'a> = dyn Fn(Severity, &str) + Send + Sync + 'a;

impl Engine {
    /// Runs the `after_restore` hook of every instance of the journal, one after the other. Returns warnings.
    pub(super) fn run_hooks(&self, journal: &Journal, say: &Say<'_>) -> Vec<String> {
        let Ok(settings) = self.live_settings(&journal.environment) else {
            return Vec::new();
        };
        switched_instances(settings, journal)
            .filter(|instance| !instance.hooks.after_restore.is_empty())
            .filter_map(|instance| self.0.runtime.block_on(run_hook(journal, instance, say)).err())
            .collect()
    }

    /// Asks every instance of the journal that has a health address whether it is up.
    pub(super) fn check_health(&self, journal: &Journal, say: &Say<'_>) -> Vec<InstanceHealth> {
        let Ok(settings) = self.live_settings(&journal.environment) else {
            return Vec::new();
        };
        switched_instances(settings, journal)
            .filter_map(|instance| {
                let address = instance.health.as_deref()?;
                let (up, detail) = self.0.runtime.block_on(ask_until_up(address));
                let severity = if up {
                    Severity::Information
                } else {
                    Severity::Warning
                };
                say(severity, &format!("{}: {detail}", instance.name));
                Some(InstanceHealth {
                    instance: instance.name.clone(),
                    up,
                    detail,
                })
            })
            .collect()
    }
}

impl Engine {
    /// Asks an instance once whether it is up, and tells what it answered, or why it did not.
    pub(in crate::engine) fn ask_once(&self, address: &str) -> Result<String, String> {
        // Only the first call does something; a provider that somebody else has installed is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(HEALTH_ANSWER_LIMIT)
            .build()
            .map_err(|error| format!("it could not be asked: {error}"))?;
        self.0.runtime.block_on(ask(&client, address))
    }
}

fn switched_instances<'a>(
    settings: &'a EnvironmentSettings,
    journal: &'a Journal,
) -> impl Iterator<Item = &'a InstanceSettings> {
    settings.instances.iter().filter(|instance| {
        journal
            .instances
            .iter()
            .any(|record| record.instance == instance.name)
    })
}

async fn run_hook(journal: &Journal, instance: &InstanceSettings, say: &Say<'_>) -> Result<(), String> {
    let Some((program, arguments)) = instance.hooks.after_restore.split_first() else {
        return Ok(());
    };
    let name = &instance.name;
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .envs(facts(&journal.environment, journal, instance))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            format!("the after_restore hook of {name}, {program}, could not be started: {error}")
        })?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let run = async {
        let mut telling = std::pin::pin!(async {
            tokio::join!(tell_lines(out, name, say), tell_lines(err, name, say));
        });
        tokio::select! {
            status = child.wait() => {
                // What the hook has started, a Magnolia for example, may keep its output open for as long as it lives.
                let _ = tokio::time::timeout(LAST_WORDS, telling).await;
                status
            }
            () = &mut telling => child.wait().await,
        }
    };
    match tokio::time::timeout(HOOK_LIMIT, run).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!(
            "the after_restore hook of {name}, {program}, ended with {status}: its output is in the job's log"
        )),
        Ok(Err(error)) => Err(format!(
            "the after_restore hook of {name}, {program}, was lost: {error}"
        )),
        Err(_) => Err(format!(
            "the after_restore hook of {name}, {program}, was ended after {} minutes",
            HOOK_LIMIT.as_secs() / 60
        )),
    }
}

fn facts(
    environment: &EnvironmentName,
    journal: &Journal,
    instance: &InstanceSettings,
) -> [(&'static str, String); 5] {
    [
        ("LIFEBOAT_ENVIRONMENT", environment.to_string()),
        ("LIFEBOAT_INSTANCE", instance.name.to_string()),
        ("LIFEBOAT_ROLE", instance.role.label().to_owned()),
        ("LIFEBOAT_BACKUP", journal.backup.0.clone()),
        ("LIFEBOAT_JOB", journal.job.to_string()),
    ]
}

async fn tell_lines(
    stream: Option<impl AsyncRead + Unpin>,
    instance: &crate::domain::environment::InstanceName,
    say: &Say<'_>,
) {
    let Some(stream) = stream else { return };
    let mut lines = BufReader::new(stream).split(b'\n');
    // Output that cannot be read ends with the hook; how the hook ended is told anyway.
    while let Ok(Some(line)) = lines.next_segment().await {
        say(
            Severity::Information,
            &format!("{instance}: {}", String::from_utf8_lossy(&line)),
        );
    }
}

async fn ask_until_up(address: &str) -> (bool, String) {
    // Only the first call does something; a provider that somebody else has installed is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = match reqwest::Client::builder().timeout(HEALTH_ANSWER_LIMIT).build() {
        Ok(client) => client,
        Err(error) => return (false, format!("it could not be asked: {error}")),
    };
    let mut last = String::from("it was not asked");
    let asking = async {
        loop {
            match ask(&client, address).await {
                Ok(answer) => return answer,
                Err(why) => last = why,
            }
            tokio::time::sleep(HEALTH_PAUSE).await;
        }
    };
    match tokio::time::timeout(HEALTH_LIMIT, asking).await {
        Ok(answer) => (true, answer),
        Err(_) => (
            false,
            format!(
                "not up after {} minutes, {address} says: {last}",
                HEALTH_LIMIT.as_secs() / 60
            ),
        ),
    }
}

/// Magnolia's `/.rest/health` answers 200 with `"status":"UP"`. An address that answers 200 with something that is no
/// such JSON counts as up: not every installation has the health module.
async fn ask(client: &reqwest::Client, address: &str) -> Result<String, String> {
    let answer = client
        .get(address)
        .send()
        .await
        .map_err(|error| sentence(&error))?;
    let status = answer.status();
    if status != reqwest::StatusCode::OK {
        return Err(format!("status {status}"));
    }
    let body = answer.text().await.map_err(|error| sentence(&error))?;
    let told = serde_json::from_str::<serde_json::Value>(&body)
        .ok()
        .and_then(|json| {
            json.get("status")
                .and_then(|status| status.as_str().map(str::to_owned))
        });
    match told {
        Some(told) if told != "UP" => Err(format!("status {told}")),
        _ => Ok("up".to_owned()),
    }
}

/// An error with its causes: reqwest's own text leaves out why.
fn sentence(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
