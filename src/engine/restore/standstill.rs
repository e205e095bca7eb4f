//! Nobody else is connected while content is exchanged: a Magnolia that is goes on writing what it has cached, into content
//! that is not what it has read.
//!
//! It is looked at after `before_restore`, which is there to stop Magnolia, and before the switch begins, so that a restore
//! that finds somebody ends with Live untouched. A switch that has begun is finished whoever is connected by then: half of
//! one would be worse.
//!
//! Not in here: who is connected (`content::connected`), and whom the settings let stay.

use std::time::{Duration, Instant as Stopwatch};

use super::journal::Journal;
use crate::content::connected::{BEHIND_A_POOLER, sessions};
use crate::domain::activity::Severity;
use crate::domain::environment::InstanceName;
use crate::domain::measure::{listed, so_many};
use crate::domain::settings::{HookPoint, InstanceSettings};
use crate::engine::{EngineError, Live, Work};

/// How long it is waited from one look to the next.
const AGAIN: Duration = Duration::from_millis(250);

/// What to do about those who are connected.
const STOP_THEM: &str = "stop Magnolia first (a before_restore hook does that by itself), close what a pool such as PgBouncer \
                         keeps open (PAUSE, or a short server_idle_timeout), end a session with pg_terminate_backend(PROCESS), \
                         or name who may stay as sessions of its content";

impl Live {
    /// Waits until nobody but Lifeboat is connected to the content of any instance of the journal, for as long as the
    /// settings say.
    ///
    /// # Errors
    /// Who still is. Live has not been touched.
    pub(super) fn wait_until_nobody_is_connected(
        &self,
        work: &Work,
        journal: &Journal,
    ) -> Result<(), EngineError> {
        let began = Stopwatch::now();
        let mut is_told = false;
        loop {
            if work.is_cancelled_now() {
                return Err(EngineError::Cancelled);
            }
            let found = self.in_the_way_of(journal)?;
            if found.who.is_empty() {
                for stays in &found.stay {
                    work.log(Severity::Warning, stays);
                }
                return Ok(());
            }
            if began.elapsed() >= found.wait {
                return Err(EngineError::Failed(format!(
                    "others are connected, and would go on writing what they have cached: {}. Live was not touched. So \
                     {STOP_THEM}",
                    found.who.join("; ")
                )));
            }
            if !is_told {
                is_told = true;
                let seconds = found.wait.as_secs();
                work.log(
                    Severity::Information,
                    &format!(
                        "others are connected, and are waited for {}: {}",
                        so_many(seconds, "second", "seconds"),
                        found.who.join("; ")
                    ),
                );
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Those who are connected to any instance of a journal now.
    fn in_the_way_of(&self, journal: &Journal) -> Result<InTheWay, EngineError> {
        let mut found = InTheWay::default();
        for record in &journal.instances {
            let instance = &record.instance;
            let place = self.place_of(instance);
            let place = place.ok_or_else(|| self.is_not_configured(instance))?;
            let connected = place
                .connected()
                .map_err(|error| cannot_be_told(instance, &error))?;
            let Some(connected) = connected else {
                continue;
            };
            if !connected.in_the_way.is_empty() {
                found.wait = found.wait.max(connected.wait);
                found.who.push(format!(
                    "to {instance} {}{}",
                    connected.who_is_in_the_way(),
                    connected.what_is_hidden()
                ));
            }
            if !connected.allowed.is_empty() {
                found.stay.push(format!(
                    "{instance}: {} may stay connected while content is exchanged, as sessions says: {}",
                    sessions(connected.allowed.len()),
                    connected.who_may_stay()
                ));
            }
        }
        Ok(found)
    }

    /// Those who are connected right after the switch: whoever came while it waited for a lock has cached what is not live any
    /// more. Warnings.
    pub(super) fn connected_meanwhile(&self, journal: &Journal, say: &dyn Fn(Severity, &str)) -> Vec<String> {
        let came = match self.in_the_way_of(journal) {
            Ok(found) if found.who.is_empty() => return Vec::new(),
            Ok(found) => format!(
                "others have connected while content was exchanged, and what they have cached may be of before: {}. Start them \
                 anew before they save anything",
                found.who.join("; ")
            ),
            Err(_) => "whether anybody has connected while content was exchanged cannot be told: the database cannot be asked"
                .to_owned(),
        };
        say(Severity::Warning, &came);
        vec![came]
    }

    /// What a plan says of those who are connected now: those who may stay, and those whom nothing stops before the switch.
    pub(super) fn connected_now(&self, instance: &InstanceSettings) -> Result<Vec<String>, EngineError> {
        let Some(connected) = self.place(instance).connected()? else {
            return Ok(Vec::new());
        };
        let name = &instance.name;
        let mut warnings = Vec::new();
        if !connected.allowed.is_empty() {
            warnings.push(format!(
                "{} may stay connected to {name} while content is exchanged, as sessions says, and what they have cached is \
                 old afterwards: {}",
                sessions(connected.allowed.len()),
                connected.who_may_stay()
            ));
        }
        let is_stopped = instance.has_hook(HookPoint::BeforeRestore);
        if connected.is_behind_a_pooler && !is_stopped {
            warnings.push(format!("{name}: {BEHIND_A_POOLER}"));
        }
        let unstopped = instance.unstopped();
        let are_all_stopped = is_stopped && unstopped.is_empty();
        if !connected.in_the_way.is_empty() && !are_all_stopped {
            let whom = if unstopped.is_empty() {
                "them".to_owned()
            } else {
                listed(&unstopped)
            };
            warnings.push(format!(
                "others are connected to {name}, no before_restore hook is configured that stops {whom}, and with them there \
                 the restore stops before it touches Live: {}{}. So {STOP_THEM}",
                connected.who_is_in_the_way(),
                connected.what_is_hidden()
            ));
        }
        Ok(warnings)
    }
}

/// Who is connected to all instances of a restore.
#[derive(Default)]
struct InTheWay {
    who: Vec<String>,
    stay: Vec<String>,
    wait: Duration,
}

fn cannot_be_told(instance: &InstanceName, error: &dyn std::fmt::Display) -> EngineError {
    EngineError::Failed(format!(
        "whether anybody is connected to {instance} cannot be told: {error}. Live was not touched"
    ))
}
