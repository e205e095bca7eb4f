//! What is seen by looking at the time alone: that the schedule is kept, told to dead man's switches, and that a backup is
//! late.
//!
//! The calls after each round do not go through the queue: one that comes late says something that is not so.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::Duration;
use parking_lot::Mutex;

use super::Notifier;
use super::reach::{self, Had};
use crate::domain::activity::Severity;
use crate::domain::job::JobKind;
use crate::domain::measure;
use crate::domain::notify::{Parcel, Told, Topic};
use crate::engine::schedule::turns::BACKUP;
use crate::engine::{EngineError, WeakEngine};

/// Windows are at most a day long, so what became due before is late whatever the window.
const LOOK_BACK: Duration = Duration::days(7);

/// The calls that say that the schedule is kept.
#[derive(Default)]
pub(super) struct Rounds {
    /// The receivers to which the call of an earlier round is still under way.
    called: Arc<Mutex<HashSet<String>>>,
    /// What went wrong in this round.
    wrong: Mutex<Option<String>>,
    /// The late backups that this process knows to be told of: the catalog is not asked again for each of many.
    late: Mutex<HashSet<String>>,
    /// How each call went last, so that only what changes is written down.
    last: Arc<Mutex<BTreeMap<String, Option<String>>>>,
}

/// A call that is under way, until this is dropped.
struct Call {
    called: Arc<Mutex<HashSet<String>>>,
    name: String,
}

impl Drop for Call {
    fn drop(&mut self) {
        self.called.lock().remove(&self.name);
    }
}

impl Call {
    /// Makes the call, and writes down how it went where that has changed.
    async fn make(
        self,
        engine: WeakEngine,
        parcel: Parcel,
        last: Arc<Mutex<BTreeMap<String, Option<String>>>>,
    ) {
        let name = self.name.clone();
        let answer = reach::attempt(engine.clone(), name.clone(), parcel, Had::default()).await;
        let why = answer.err().map(|refused| refused.why);
        if last.lock().insert(name.clone(), why.clone()).as_ref() == Some(&why) {
            return;
        }
        // Writing it down blocks.
        let writing = move || {
            let Some(engine) = engine.upgrade() else { return };
            let stands = engine
                .catalog()
                .receiver_stands(&name, why.as_deref(), engine.now());
            if let Err(error) = stands {
                engine.activity().report_catalog(&error);
            }
            engine.notifier().look_again();
        };
        let _ = tokio::task::spawn_blocking(writing).await;
    }
}

impl Notifier<'_> {
    /// Something went wrong in this round of the schedule.
    pub(in crate::engine) fn round_went_wrong(&self, why: &str) {
        *self.room().rounds.wrong.lock() = Some(why.to_owned());
    }

    /// A round of the schedule has ended: calls whoever waits for that, in the background.
    pub(in crate::engine) fn round_ended(&self) {
        let rounds = &self.room().rounds;
        let wrong = rounds.wrong.lock().take();
        let mut names: Vec<_> = self
            .receivers()
            .iter()
            .filter(|receiver| receiver.rounds)
            .map(|receiver| receiver.name().to_owned())
            .collect();
        names.retain(|name| rounds.called.lock().insert(name.clone()));
        if names.is_empty() {
            return;
        }
        let (topic, severity, text) = match wrong {
            None => (
                Topic::News,
                Severity::Information,
                "the schedule is kept".to_owned(),
            ),
            Some(why) => (Topic::Attention, Severity::Critical, why),
        };
        let parcel = Parcel {
            id: format!("round-{}", self.now().timestamp()),
            sent: self.now(),
            told: vec![Told::once(self.message(topic, severity, None, &text, None))],
        };
        for name in names {
            let call = Call {
                called: Arc::clone(&rounds.called),
                name,
            };
            let calling = call.make(self.0.downgrade(), parcel.clone(), Arc::clone(&rounds.last));
            self.0.runtime().spawn(calling);
        }
    }

    /// Tells once of each scheduled backup whose window has closed and that nobody has begun.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub(in crate::engine) fn tell_of_late_backups(&self) -> Result<(), EngineError> {
        if !self.receivers().iter().any(|receiver| !receiver.rounds) {
            return Ok(());
        }
        let (catalog, now) = (self.0.catalog(), self.now());
        for due in catalog.unserved(BACKUP, now)? {
            let Ok(live) = self.0.live(&due.environment) else {
                continue;
            };
            let schedule = &live.settings().schedule;
            let closes = schedule.window_closes(live.name(), due.period);
            if !schedule.enabled || now < closes || now - due.period > LOOK_BACK {
                continue;
            }
            let name = format!("late|{}|{}", live.name(), due.period.timestamp());
            if self.room().rounds.late.lock().contains(&name) {
                continue;
            }
            if due.period < catalog.met(live.name(), now)? {
                continue;
            }
            let running = catalog.running(live.name())?;
            if running.as_ref().is_some_and(|job| job.kind == JobKind::Backup) {
                continue;
            }
            let why = match (running, catalog.holds(live.name())?.maintenance) {
                (Some(job), _) => format!("job {} ({}) is at work", job.id, job.title),
                (None, Some(_)) => "maintenance mode is on".to_owned(),
                (None, None) => "see `lifeboat jobs` and `lifeboat check`".to_owned(),
            };
            let text = format!(
                "the scheduled backup is late: it was due at {}, its window closed at {}, and it has not been taken; {why}",
                measure::moment(due.period),
                measure::moment(closes)
            );
            let message = self.message(
                Topic::BackupLate,
                Severity::Warning,
                Some(live.name()),
                &text,
                None,
            );
            if catalog.post_once(&name, now, &self.outgoing(&message, None))? {
                self.room().ring(|bell| bell.has_posted = true);
            }
            self.room().rounds.late.lock().insert(name);
        }
        Ok(())
    }
}
