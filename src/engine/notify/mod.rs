//! Tells receivers of what happens while nobody looks: puts what they want into the queue, and says how they stand.
//!
//! Nothing of a job waits for a receiver: what happens is written into the catalog's queue, in the step in which it is
//! told to everybody else, and whoever keeps the schedule delivers it ([`courier`]).
//!
//! Not in here: who wants what, and how it reads (`domain::notify`); the queue itself (`catalog`).

mod command;
mod courier;
mod http;
mod mail;
mod quoted;
mod reach;
mod rounds;
mod sign;
mod under_way;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::Engine;
use crate::catalog::Outgoing;
use crate::domain::activity::Severity;
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::job::{Job, JobId};
use crate::domain::nearest::{Missing, nearest, question};
use crate::domain::notify::{
    Folding, LONGEST_PAUSE, Message, Parcel, Receiver, ReceiverKind, ReceiverStanding, ReceiverTest, Told,
    Topic, ends_folding_of, folds_of, folds_with,
};
use crate::domain::{Instant, printable};
use crate::engine::EngineError;
use crate::engine::overview::glance;

pub use courier::Courier;

/// A receiver that has taken nothing for so long is trouble, and not only late.
const TROUBLE_AFTER: chrono::Duration = chrono::Duration::minutes(5);

/// What one process knows of receivers.
#[derive(Default)]
pub(super) struct Mailroom {
    /// Held by whoever sets off to receivers: one in this process at a time.
    setting_off: Mutex<()>,
    under_way: under_way::UnderWay,
    /// Whether there is something new to deliver, or to end for.
    bell: Mutex<Bell>,
    rung: Condvar,
    /// Whether others are told that this process delivers.
    sign: Mutex<sign::Sign>,
    /// The receivers that took nothing when they were looked at last.
    failing: Mutex<Vec<ReceiverStanding>>,
    /// Those of them that are shown as trouble.
    shown: Mutex<Vec<String>>,
    /// The calls that say that the schedule is kept.
    rounds: rounds::Rounds,
}

#[derive(Default)]
struct Bell {
    is_rung: bool,
    /// Whether this process has put something into the queue.
    has_posted: bool,
    has_ended: bool,
}

impl Mailroom {
    fn ring(&self, change: impl FnOnce(&mut Bell)) {
        let mut bell = self.bell.lock();
        change(&mut bell);
        bell.is_rung = true;
        self.rung.notify_all();
    }

    /// Waits until the bell is rung, or for so long. Gives whether it is to go on.
    fn wait(&self, at_most: Duration) -> bool {
        let mut bell = self.bell.lock();
        if !bell.is_rung && !bell.has_ended {
            self.rung.wait_for(&mut bell, at_most);
        }
        bell.is_rung = false;
        !bell.has_ended
    }
}

/// Who is told of what happens, for one engine.
#[derive(Clone, Copy)]
pub struct Notifier<'e>(pub(super) &'e Engine);

impl<'e> Notifier<'e> {
    /// The environment variables that hold secrets of receivers.
    pub(super) fn secret_variables(&self) -> impl Iterator<Item = &'e String> {
        let receivers = self.0.2.receivers.iter();
        receivers.flat_map(|receiver| receiver.settings.variables())
    }

    /// Whoever delivers looks at the receivers that are configured by now.
    pub(super) fn receivers_have_changed(&self) {
        self.look_again();
        self.room().ring(|_| ());
    }
}

impl Notifier<'_> {
    fn room(&self) -> &Arc<Mailroom> {
        &self.0.0.mailroom
    }

    fn receivers(&self) -> &[Receiver] {
        &self.0.2.receivers
    }

    fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers().iter().find(|receiver| receiver.name() == name)
    }

    /// Those that are told through the queue.
    fn queued(&self) -> Vec<&str> {
        let queued = self.receivers().iter().filter(|receiver| !receiver.rounds);
        queued.map(Receiver::name).collect()
    }

    /// Tells whoever wants to know.
    pub(super) fn announce(
        &self,
        topic: Topic,
        severity: Severity,
        environment: Option<&EnvironmentName>,
        text: &str,
        job: Option<JobId>,
    ) {
        let message = self.message(topic, severity, environment, text, job);
        self.post(&message, None);
    }

    /// The same, of something that is told each time, however like one before it is.
    pub(super) fn announce_each(
        &self,
        severity: Severity,
        environment: &EnvironmentName,
        text: &str,
        job: Option<JobId>,
    ) {
        let message = self.message(Topic::other(severity), severity, Some(environment), text, job);
        self.put_in(&message, &self.outgoing_as(&message, None, Folding::Never));
    }

    /// Tells of the beginning of a job whoever wants to know.
    pub(super) fn begun(&self, job: &Job) {
        let Some(topic) = Topic::of_beginning(job.kind) else {
            return;
        };
        // That Live is about to be changed is not for those alone who want to hear of everything.
        let severity = match topic {
            Topic::RestoreBegun => Severity::Warning,
            _ => Severity::Information,
        };
        let text = format!("{} has begun, asked for by {}", job.title, job.by);
        self.announce(topic, severity, Some(&job.environment), &text, Some(job.id));
    }

    /// Tells whoever wants to know that a job of a Lifeboat that is gone was taken over.
    pub(super) fn took_over(&self, job: &Job, from: Option<&str>) {
        let from = from.unwrap_or("a process that is gone");
        let text = format!(
            "job {} ({}) was taken over from {from}, to be settled",
            job.id, job.title
        );
        let name = Some(&job.environment);
        self.announce(Topic::TookOver, Severity::Warning, name, &text, Some(job.id));
    }

    fn message(
        &self,
        topic: Topic,
        severity: Severity,
        environment: Option<&EnvironmentName>,
        text: &str,
        job: Option<JobId>,
    ) -> Message {
        Message {
            topic,
            severity,
            at: self.0.now(),
            environment: environment.cloned(),
            job,
            text: printable::line(text).into_owned(),
        }
    }

    /// Puts a message into the queue for each receiver that wants it, but for `except`.
    fn post(&self, message: &Message, except: Option<&str>) {
        self.put_in(message, &self.outgoing(message, except));
    }

    fn put_in(&self, message: &Message, outgoing: &[Outgoing]) {
        if self.receivers().is_empty() {
            return;
        }
        // Also where nobody wants to hear of this: what comes to fail again after a success is no repeat.
        let ended = ends_folding_of(message.topic);
        let ended: Vec<_> = ended
            .iter()
            .map(|topic| folds_of(*topic, message.environment.as_ref()))
            .collect();
        let catalog = self.0.catalog();
        let posted = catalog.end_folding(&ended, message.at).and_then(|()| {
            if outgoing.is_empty() {
                return Ok(false);
            }
            catalog.post(outgoing).map(|()| true)
        });
        match posted {
            Ok(true) => self.room().ring(|bell| bell.has_posted = true),
            Ok(false) => (),
            Err(error) => self.0.activity().report_catalog(&error),
        }
    }

    fn outgoing(&self, message: &Message, except: Option<&str>) -> Vec<Outgoing> {
        self.outgoing_as(message, except, Folding::of(message.topic))
    }

    fn outgoing_as(&self, message: &Message, except: Option<&str>, folding: Folding) -> Vec<Outgoing> {
        let wanted = self
            .receivers()
            .iter()
            .filter(|receiver| Some(receiver.name()) != except && receiver.wants(message));
        let Ok(record) = serde_json::to_string(message) else {
            return Vec::new();
        };
        let folds = folds_with(message);
        let outgoing = wanted.map(|receiver| {
            let held = receiver
                .quiet()
                .and_then(|quiet| quiet.holds_until(message.severity, message.at));
            Outgoing {
                receiver: receiver.name().to_owned(),
                folds: folds.clone(),
                happened: message.at,
                not_before: held.unwrap_or(message.at),
                held: held.is_some(),
                fold: match folding {
                    Folding::Repeats => receiver.fold(),
                    Folding::Never => chrono::Duration::zero(),
                },
                gives_up: message.at + receiver.gives_up_after(),
                record: record.clone(),
            }
        });
        outgoing.collect()
    }

    /// How every receiver stands, in the order of the configuration.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn standings(&self) -> Result<Vec<ReceiverStanding>, EngineError> {
        let names: Vec<_> = self.receivers().iter().map(Receiver::name).collect();
        let rows = self.0.catalog().receivers(&names)?;
        let now = self.now();
        let all = self.receivers().iter().zip(rows);
        Ok(all
            .map(|(receiver, row)| ReceiverStanding {
                name: row.name,
                kind: receiver.settings.kind.word().to_owned(),
                place: reach::place(receiver),
                events: receiver.settings.events.clone(),
                environments: receiver
                    .settings
                    .environments
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                severity: receiver.least(),
                waiting: row.waiting,
                oldest: row.oldest,
                quiet_until: receiver
                    .quiet()
                    .filter(|_| row.held > 0)
                    .and_then(|quiet| quiet.holds_until(Severity::Warning, now)),
                delivered: row.taken,
                failing_since: row.since,
                // One that a clock which was ahead has set is no time that is waited for.
                next_try: row
                    .not_before
                    .filter(|_| row.waiting > 0)
                    .map(|next| if next > now + LONGEST_PAUSE { now } else { next }),
                why: row.why,
            })
            .collect())
    }

    /// Looks again which receivers take nothing.
    pub(super) fn look_again(&self) {
        if self.receivers().is_empty() {
            return;
        }
        let Ok(standings) = self.standings() else {
            return;
        };
        let is_failing = |standing: &ReceiverStanding| standing.failing_since.is_some();
        let failing: Vec<_> = standings.into_iter().filter(is_failing).collect();
        let troubles = failing.iter().filter(|standing| self.is_trouble(standing));
        let shown: Vec<_> = troubles.map(|standing| standing.name.clone()).collect();
        *self.room().failing.lock() = failing;
        let mut before = self.room().shown.lock();
        if *before != shown {
            *before = shown;
            glance::look_again_at(self.0, None);
            self.0.tell(Event::Missed);
        }
    }

    /// Whether a receiver has taken nothing for long enough to be shown.
    fn is_trouble(&self, standing: &ReceiverStanding) -> bool {
        let now = self.now();
        standing
            .failing_since
            .is_some_and(|since| since + TROUBLE_AFTER <= now)
    }

    /// What a person should know of receivers that are told of this environment: that they take nothing, for a while now.
    pub(super) fn troubles_of(&self, environment: &EnvironmentName) -> Vec<String> {
        let failing = self.room().failing.lock();
        failing
            .iter()
            .filter(|standing| {
                let is_told = self
                    .receiver(&standing.name)
                    .is_some_and(|receiver| receiver.rounds || receiver.covers(Some(environment)));
                is_told && self.is_trouble(standing)
            })
            .filter_map(ReceiverStanding::trouble)
            .collect()
    }

    /// Sends a test message to one receiver, or to all, at once and beside the queue.
    ///
    /// # Errors
    /// [`EngineError::Failed`] when there is no such receiver.
    pub fn test(&self, only: Option<&str>) -> Result<Vec<ReceiverTest>, EngineError> {
        if let Some(name) = only
            && self.receiver(name).is_none()
        {
            let known: Vec<_> = self.receivers().iter().map(|it| it.name().to_owned()).collect();
            let has = if known.is_empty() {
                "none, each would be a [[notify]] or an [[alive]]".to_owned()
            } else {
                known.join(", ")
            };
            let near = nearest(name, known.iter().map(String::as_str));
            let sentence = format!("there is no receiver \"{name}\": the configuration has {has}");
            return Err(EngineError::NotThere(Missing { sentence, near }));
        }
        let by = self.0.who();
        let text = format!("a test of Lifeboat, asked for by {by}: nothing has happened");
        let id = format!("test-{}", self.0.now().timestamp_micros());
        let parcel = |receiver: &Receiver| {
            // The address of a dead man's switch may have the environment's name in it.
            let mut names = self.0.environments().map(|(name, _)| name);
            let of_one = receiver.settings.kind == ReceiverKind::Alive && !receiver.rounds;
            let environment = names.find(|name| of_one && receiver.covers(Some(name)));
            let message = self.message(Topic::Test, Severity::Information, environment, &text, None);
            Parcel {
                id: id.clone(),
                sent: self.0.now(),
                told: vec![Told::once(message)],
            }
        };
        let chosen = self
            .receivers()
            .iter()
            .filter(|receiver| only.is_none_or(|name| name == receiver.name()));
        let chosen: Vec<_> = chosen.collect();
        let parcels = chosen.iter().map(|receiver| (*receiver, parcel(receiver)));
        let answers = self.try_all(parcels.collect());
        let tests = chosen.iter().zip(answers).map(|(receiver, answer)| ReceiverTest {
            name: receiver.name().to_owned(),
            kind: receiver.settings.kind.word().to_owned(),
            delivered: answer.is_ok(),
            detail: answer.unwrap_or_else(|refused| refused.why),
        });
        Ok(tests.collect())
    }

    /// Whether something that this receiver would be told of can be told: its secrets can be read, and whoever it names is
    /// there. Nothing is sent.
    pub(super) fn look_at(&self) -> Vec<(String, Result<String, String>)> {
        let standings = self.standings().unwrap_or_default();
        let looks = self.receivers().iter().map(|receiver| {
            let name = receiver.name();
            let failing = standings
                .iter()
                .find(|standing| standing.name == name)
                .and_then(ReceiverStanding::trouble);
            let ready = reach::Ready::of(receiver, self.0).map(|_| reach::place(receiver));
            let told = match (ready, failing) {
                (Err(why), _) | (Ok(_), Some(why)) => Err(why),
                (Ok(place), None) if receiver.settings.kind == ReceiverKind::Command => {
                    reach::find_command(receiver, self.0).map(|()| place)
                }
                (Ok(place), None) => Ok(place),
            };
            (name.to_owned(), told)
        });
        looks.collect()
    }

    /// The receivers that name environments of which this configuration has none that anything happens to, with a sentence about
    /// that. One may be configured later.
    pub(super) fn names_nothing(&self) -> Vec<(String, String)> {
        let environments: Vec<_> = self.0.environments().collect();
        let known: Vec<_> = environments.iter().map(|(name, _)| name.to_string()).collect();
        let said = self.receivers().iter().filter_map(|receiver| {
            let mut wrong = Vec::new();
            for pattern in &receiver.settings.environments {
                let mut named = environments
                    .iter()
                    .filter(|(name, _)| pattern.names(name))
                    .peekable();
                if named.peek().is_none() {
                    let near = question(&nearest(&pattern.to_string(), known.iter().map(String::as_str)));
                    wrong.push(format!(
                        "no environment of this configuration fits \"{pattern}\"{near}"
                    ));
                } else if !named.any(|(_, settings)| settings.kind.is_recoverable()) {
                    wrong.push(format!(
                        "\"{pattern}\" names what is never backed up: only Live is"
                    ));
                }
            }
            let of = if wrong.len() == receiver.settings.environments.len() {
                "it is told of no environment"
            } else {
                "it is not told of all that it names"
            };
            (!wrong.is_empty()).then(|| (receiver.name().to_owned(), format!("{of}: {}", wrong.join("; "))))
        });
        said.collect()
    }

    /// Whether a receiver was written into the configuration at all.
    #[must_use]
    pub fn is_used(&self) -> bool {
        !self.receivers().is_empty()
    }

    /// The moment, for whoever waits by the clock.
    fn now(&self) -> Instant {
        self.0.now()
    }
}
