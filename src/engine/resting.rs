//! Content that can be copied and exchanged only while nobody else is at work on it: the home of a repository on H2, whose
//! server has to stand still. Hooks stop it; here is waited until it has ended, and made sure that none came meanwhile.
//!
//! Not in here: how it is seen that somebody is at work (`content`), and running hooks (`hooks`).

use std::thread;
use std::time::{Duration, Instant as Stopwatch};

use super::{EngineError, Live, Work};
use crate::domain::environment::InstanceName;
use crate::domain::plan::Selection;
use crate::domain::settings::{HookPoint, InstanceSettings};

/// How often it is looked whether a server that was told to end has ended.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What tells of instances that were found at rest whether they have been so ever since.
pub(super) struct Rest(Vec<(InstanceName, String)>);

/// What an error says of what was not done.
fn not_done(point: HookPoint) -> &'static str {
    match point {
        HookPoint::BeforeBackup | HookPoint::AfterBackup => "No backup was recorded",
        HookPoint::BeforeRestore | HookPoint::AfterRestore => "Live was not touched",
    }
}

impl Live {
    /// Whether an instance can be copied and exchanged only at rest.
    pub(super) fn has_to_rest(&self, instance: &InstanceSettings) -> bool {
        self.place(instance).has_to_rest()
    }

    /// Makes sure that nobody is at work on those of the instances that have to rest. A server that the hook at `point` has
    /// told to end may take a while for it, as long as a hook may take.
    ///
    /// # Errors
    /// Who is at work on which; cancellation.
    pub(super) fn come_to_rest(
        &self,
        instances: &[&InstanceSettings],
        point: HookPoint,
        work: &Work,
    ) -> Result<Rest, EngineError> {
        let mut rest = Rest(Vec::new());
        for instance in instances {
            let place = self.place(instance);
            if !place.has_to_rest() {
                continue;
            }
            let began = Stopwatch::now();
            let has_hook = !instance.hooks.at(point).is_empty();
            let found = loop {
                match place.at_rest() {
                    Ok(found) => break found,
                    Err(_) if work.is_cancelled_now() => return Err(EngineError::Cancelled),
                    Err(_) if has_hook && began.elapsed() < instance.hooks.limit.duration() => {
                        thread::sleep(LOOK_EVERY);
                    }
                    Err(who) => {
                        let told = still_at_work(instance, point, &who);
                        return Err(EngineError::Failed(format!("{told}. {}", not_done(point))));
                    }
                }
            };
            rest.0.push((instance.name.clone(), found));
        }
        Ok(rest)
    }

    /// Who is at work on what a restore has to find at rest, where no hook stops it. Sentences.
    pub(super) fn nobody_stops(&self, selection: &Selection) -> Vec<String> {
        let is_asked = |instance: &&InstanceSettings| {
            selection.has_instance(&instance.name) && instance.hooks.at(HookPoint::BeforeRestore).is_empty()
        };
        let instances = self.settings().instances.iter().filter(is_asked);
        instances
            .filter_map(|instance| {
                let who = self.place(instance).at_rest().err()?;
                Some(still_at_work(instance, HookPoint::BeforeRestore, &who))
            })
            .collect()
    }

    /// Makes sure that nobody has been at work since.
    ///
    /// # Errors
    /// Where somebody is or was.
    pub(super) fn is_still_at_rest(&self, rest: &Rest, point: HookPoint) -> Result<(), EngineError> {
        for (name, before) in &rest.0 {
            let Some(place) = self.place_of(name) else {
                continue;
            };
            let who = match place.at_rest() {
                Ok(now) if now == *before => continue,
                Ok(_) => {
                    "something was put into it or taken away, as by a server that starts or ends".to_owned()
                }
                Err(who) => who,
            };
            return Err(EngineError::Failed(format!(
                "{name} has not stood still while it was copied: {who}. {}",
                not_done(point)
            )));
        }
        Ok(())
    }
}

fn still_at_work(instance: &InstanceSettings, point: HookPoint, who: &str) -> String {
    let (name, before) = (&instance.name, point.label());
    let after = match point {
        HookPoint::BeforeBackup | HookPoint::AfterBackup => HookPoint::AfterBackup,
        HookPoint::BeforeRestore | HookPoint::AfterRestore => HookPoint::AfterRestore,
    };
    let what = if instance.hooks.at(point).is_empty() {
        format!(
            "let a {before} hook of {name} stop it and an {} hook start it again, or stop it by hand",
            after.label()
        )
    } else {
        format!("the {before} hook of {name} has not stopped it")
    };
    format!("{who}, and it has to stand still: {what}")
}
