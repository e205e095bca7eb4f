//! The list of all environments, as screens ask for it: at once, from what was seen last.
//!
//! What needs a repository takes long: opening one takes a good part of a second and up to 128 MiB, and there may be ten
//! thousand. So an environment is looked at in full beside, by few threads, and what was seen of it is kept until
//! something changes there. Whoever asks for the list waits a moment for what is not known yet; what is still missing then
//! is marked so, and told by an event when it has come. Holds and jobs at work are always those of now.
//!
//! Not in here: what is seen of one environment (`overview`).

use std::collections::{BTreeSet, HashMap};
use std::thread;
use std::time::{Duration, Instant as Monotonic};

use parking_lot::{Condvar, Mutex};

use crate::concurrency::turnstile::{Pace, go_at};
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::settings::EnvironmentSettings;
use crate::domain::state::EnvironmentSummary;
use crate::engine::overview::summary;
use crate::engine::{Engine, EngineError};

/// How many environments are looked at side by side.
const LOOKERS: usize = 2;
/// How long whoever asks waits for what is not known, where there are few environments and where there are many.
const PATIENCE: Duration = Duration::from_secs(5);
const PATIENCE_WITH_MANY: Duration = Duration::from_millis(300);
const MANY: usize = 50;
/// After how long an environment is looked at again in which nothing was heard to change: a slot falls due. The more there
/// are, the longer that is.
const KEPT: Duration = Duration::from_mins(1);
const KEPT_FOR_EACH: Duration = Duration::from_millis(30);

/// What was seen of each environment.
#[derive(Default)]
pub(in crate::engine) struct Glances {
    state: Mutex<State>,
    /// With which environment the next round of looking at targets begins.
    pub(in crate::engine) targets_from: Mutex<usize>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    seen: HashMap<EnvironmentName, Seen>,
    /// Those that are to be looked at: first those that nothing is known of.
    unknown: BTreeSet<EnvironmentName>,
    outdated: BTreeSet<EnvironmentName>,
    /// Those that are being looked at.
    under_way: BTreeSet<EnvironmentName>,
    lookers: usize,
    /// Up to where the activity log was read for what other processes did, at the last look and at the one before it.
    read_up_to: [u64; 2],
}

struct Seen {
    summary: EnvironmentSummary,
    at: Monotonic,
    has_changed: bool,
}

impl State {
    /// Whether something of these is neither known nor at hand.
    fn lacks(&self, names: &BTreeSet<EnvironmentName>) -> bool {
        names.iter().any(|name| {
            self.unknown.contains(name) || self.outdated.contains(name) || self.under_way.contains(name)
        })
    }
}

/// Every environment at a glance, by name, without waiting for repositories. What is not known yet is `unread`.
///
/// # Errors
/// A catalog that cannot be read.
pub fn glances(engine: &Engine) -> Result<Vec<EnvironmentSummary>, EngineError> {
    let is_many = engine.2.environments.len() > MANY;
    glances_within(engine, if is_many { PATIENCE_WITH_MANY } else { PATIENCE })
}

/// As [`glances`], with so much time for what is not known.
pub(in crate::engine) fn glances_within(
    engine: &Engine,
    patience: Duration,
) -> Result<Vec<EnvironmentSummary>, EngineError> {
    let awaited = have_looked_at(engine);
    if !awaited.is_empty() {
        wait_for_looks(engine, &awaited, Monotonic::now() + patience);
    }
    let mut holds = engine.catalog().all_holds()?;
    let mut running = engine.catalog().all_running()?;
    let state = engine.0.glances.state.lock();
    let glance = |(name, settings): (&EnvironmentName, &EnvironmentSettings)| {
        let mut summary = match state.seen.get(name) {
            Some(seen) => seen.summary.clone(),
            None => EnvironmentSummary::unread(name.clone(), settings.kind),
        };
        let holds = holds.remove(name).unwrap_or_default();
        summary.maintenance = holds.maintenance;
        summary.protection = holds.protection;
        summary.job = running.remove(name);
        summary
    };
    Ok(engine.environments().map(glance).collect())
}

/// Has those looked at that are not known, have changed or were seen long ago. Gives those to wait for: what has
/// changed, and what is not known unless that is so much that it does not come in a moment.
fn have_looked_at(engine: &Engine) -> BTreeSet<EnvironmentName> {
    let many = u32::try_from(engine.2.environments.len()).unwrap_or(u32::MAX);
    let kept = KEPT + KEPT_FOR_EACH.saturating_mul(many);
    let mut awaited = BTreeSet::new();
    let mut state = engine.0.glances.state.lock();
    for (name, settings) in engine.environments() {
        if !settings.kind.is_recoverable() {
            continue;
        }
        let (is_known, has_changed, is_old) = match state.seen.get(name) {
            Some(seen) => (true, seen.has_changed, seen.at.elapsed() >= kept),
            None => (false, true, false),
        };
        if has_changed {
            awaited.insert(name.clone());
        }
        if (has_changed || is_old) && !state.under_way.contains(name) {
            if is_known {
                state.outdated.insert(name.clone());
            } else {
                state.unknown.insert(name.clone());
            }
        }
    }
    if state.unknown.len() > MANY {
        awaited.retain(|name| !state.unknown.contains(name));
    }
    let left = state.unknown.len() + state.outdated.len();
    while state.lookers < LOOKERS.min(left) {
        let engine = engine.clone();
        let begun = thread::Builder::new()
            .name("look".to_owned())
            .spawn(move || look_at_environments(&engine));
        if begun.is_err() {
            // Whoever asks next tries it again.
            break;
        }
        state.lookers += 1;
    }
    awaited
}

fn wait_for_looks(engine: &Engine, awaited: &BTreeSet<EnvironmentName>, until: Monotonic) {
    let mut state = engine.0.glances.state.lock();
    while state.lookers > 0 && state.lacks(awaited) {
        let rest = until.saturating_duration_since(Monotonic::now());
        if rest.is_zero() {
            return;
        }
        engine.0.glances.changed.wait_for(&mut state, rest);
    }
}

fn look_at_environments(engine: &Engine) {
    go_at(Pace::Beside);
    loop {
        // What is looked at may be new in the configuration.
        let engine = &engine.current();
        let (name, before) = {
            let mut state = engine.0.glances.state.lock();
            let next = match state.unknown.pop_first() {
                Some(name) => Some(name),
                None => state.outdated.pop_first(),
            };
            let Some(name) = next else {
                state.lookers -= 1;
                engine.0.glances.changed.notify_all();
                return;
            };
            state.under_way.insert(name.clone());
            let before = state.seen.get(&name).map(|seen| seen.summary.clone());
            (name, before)
        };
        engine
            .activity()
            .whatever_happens("looking at an environment", || {
                // A catalog that is away is told to whoever asks it; the environment is looked at again then.
                if let Ok(summary) = summary(engine, &name)
                    && before.as_ref() != Some(&summary)
                {
                    engine.tell(Event::Summary(Box::new(summary)));
                }
            });
        engine.0.glances.state.lock().under_way.remove(&name);
        engine.0.glances.changed.notify_all();
    }
}

/// An environment is about to be looked at: what changes from here on counts as changed since.
pub(in crate::engine) fn begins_to_look(engine: &Engine, name: &EnvironmentName) {
    if let Some(seen) = engine.0.glances.state.lock().seen.get_mut(name) {
        seen.has_changed = false;
    }
}

/// Keeps what was seen of an environment.
pub(in crate::engine) fn has_seen(engine: &Engine, summary: &EnvironmentSummary) {
    let mut state = engine.0.glances.state.lock();
    let has_changed = state.seen.get(&summary.name).is_some_and(|seen| seen.has_changed);
    state.seen.insert(
        summary.name.clone(),
        Seen {
            summary: summary.clone(),
            at: Monotonic::now(),
            has_changed,
        },
    );
}

/// Whether an environment was looked at since the start.
#[must_use]
pub fn has_been_seen(engine: &Engine, name: &EnvironmentName) -> bool {
    engine.0.glances.state.lock().seen.contains_key(name)
}

/// Something has changed in an environment; without a name, it may be anywhere.
pub(in crate::engine) fn look_again_at(engine: &Engine, name: Option<&EnvironmentName>) {
    let mut state = engine.0.glances.state.lock();
    match name {
        Some(name) => {
            if let Some(seen) = state.seen.get_mut(name) {
                seen.has_changed = true;
            }
        }
        None => state.seen.values_mut().for_each(|seen| seen.has_changed = true),
    }
}

/// Another process on this machine has changed something: looks again at the environments that the activity log names
/// since the look before the last one. What is written last of a change may come after its entry there.
pub(in crate::engine) fn look_at_what_others_touched(engine: &Engine) {
    let since = engine.0.glances.state.lock().read_up_to[0];
    let Ok((touched, up_to)) = engine.catalog().touched_since(since) else {
        return engine.refresh();
    };
    {
        let mut state = engine.0.glances.state.lock();
        state.read_up_to = [state.read_up_to[1], up_to];
    }
    for name in &touched {
        if let Ok(known) = engine.known_as(name) {
            known.forget_listed();
        }
        look_again_at(engine, Some(name));
    }
    engine.tell(Event::Missed);
}

/// What stands in the activity log by now was done before anything was seen.
pub(in crate::engine) fn has_seen_activity(engine: &Engine) {
    if let Ok((_, up_to)) = engine.catalog().touched_since(u64::MAX) {
        engine.0.glances.state.lock().read_up_to = [up_to; 2];
    }
}
