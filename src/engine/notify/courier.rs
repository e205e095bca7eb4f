//! Delivers what is in the queue: whoever keeps the schedule, on a thread of its own; a verb that is about to end, for a
//! moment.
//!
//! Of several Lifeboats one has a receiver in its hands at a time. What a receiver does not take stays, and is tried again
//! later and later; what it has not taken for too long is given up, and that is told.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

use super::reach::{Ready, Refused};
use super::{Mailroom, Notifier};
use crate::catalog::{Bag, CatalogError, Fate, Waiting};
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::notify::{Message, Parcel, Receiver, ReceiverKind, Told, Topic, portions, retry_after};
use crate::domain::os_error::in_words;
use crate::domain::principal::Principal;

/// How often at least the queue is looked at: others may put something in.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often at most.
const REST: Duration = Duration::from_millis(500);
/// How long nothing is looked at where there are no receivers.
const NOBODY_TO_TELL: Duration = Duration::from_hours(24);
/// A message that a receiver refuses is given up after so many attempts.
const TRIES: u64 = 3;
/// More than this is handed over as a digest.
const ONE_BY_ONE: usize = 5;
/// So many failures in a row are told.
const TOLD_AFTER: u64 = 3;

/// Delivers for as long as this is there.
pub struct Courier(Arc<Mailroom>);

impl Drop for Courier {
    fn drop(&mut self) {
        self.0.ring(|bell| bell.has_ended = true);
    }
}

/// What is handed over at once, with what it is made of.
struct Load<'b> {
    rows: Vec<&'b Waiting>,
    parcel: Parcel,
}

impl Notifier<'_> {
    /// Delivers on a thread of its own until the returned [`Courier`] is dropped.
    #[must_use]
    pub fn keep(&self) -> Courier {
        let room = Arc::clone(self.room());
        let (weak, mine) = (self.0.downgrade(), Arc::clone(&room));
        let delivering = move || {
            let mut pause = Duration::ZERO;
            while mine.wait(pause) {
                let Some(engine) = weak.upgrade() else { return };
                engine
                    .activity()
                    .whatever_happens("delivering notifications", || {
                        engine.notifier().deliver_due();
                        pause = engine.notifier().rest();
                    });
                pause = pause.max(REST);
            }
        };
        let started = std::thread::Builder::new()
            .name("courier".to_owned())
            .spawn(delivering);
        if let Err(error) = started {
            let text = format!(
                "nobody is notified, no thread could be started: {error}",
                error = in_words(&error)
            );
            self.0.activity().remember_once(None, &text);
        }
        Courier(room)
    }

    /// How long there is nothing to do, as far as this process knows.
    fn rest(&self) -> Duration {
        if !self.is_used() {
            // Whoever configures one rings the bell.
            return NOBODY_TO_TELL;
        }
        let Ok(Some(next)) = self.0.catalog().next_mail(&self.queued()) else {
            return LOOK_EVERY;
        };
        (next - self.now()).to_std().unwrap_or(REST).min(LOOK_EVERY)
    }

    /// Delivers what this process has put into the queue, and what else is due, before it ends: for so long at most. What
    /// is left then is delivered by whoever keeps the schedule.
    pub fn send_before_the_end(&self, at_most: Duration) {
        let has_posted = self.room().bell.lock().has_posted;
        if !self.is_used() || !has_posted {
            return;
        }
        let end = Monotonic::now() + at_most;
        let (sent, heard) = std::sync::mpsc::channel();
        let engine = self.0.clone();
        // A receiver that hangs would be waited for, and whoever ends waits no longer than this.
        std::thread::spawn(move || {
            while Monotonic::now() < end && engine.notifier().deliver_due() > 0 {}
            let _ = sent.send(());
        });
        let _ = heard.recv_timeout(at_most);
    }

    /// Delivers what is due now. Returns how much was taken.
    pub(in crate::engine) fn deliver_due(&self) -> usize {
        let room = Arc::clone(self.room());
        let _one_at_a_time = room.delivering.lock();
        match self.deliver() {
            Ok(taken) => taken,
            // That the catalog is away is told by everybody who needs it.
            Err(CatalogError::OutOfReach { .. } | CatalogError::TakenForDead) => 0,
            Err(error) => {
                self.0.activity().report_catalog(&error);
                0
            }
        }
    }

    fn deliver(&self) -> Result<usize, CatalogError> {
        let bags = self.0.catalog().take_bags(&self.queued(), self.now())?;
        let mut loads = Vec::new();
        let mut tried = Vec::new();
        for bag in &bags {
            let Some(receiver) = self.receiver(&bag.receiver) else {
                continue;
            };
            let packed = packed(receiver, bag, self.now());
            tried.push((receiver, packed.iter().map(|load| load.parcel.clone()).collect()));
            loads.push((bag, packed));
        }
        let answers = self.hand_over(&tried);
        let mut taken = 0;
        let is_news = !loads.is_empty();
        for ((bag, packed), answers) in loads.into_iter().zip(answers) {
            taken += self.settle(bag, &packed, answers)?;
        }
        if is_news {
            self.look_again();
        }
        Ok(taken)
    }

    /// Hands parcels over, to all receivers at the same time and to each one after the other, up to the first that it does
    /// not take. Gives the answers, in the order of the receivers.
    pub(super) fn hand_over(&self, to: &[(&Receiver, Vec<Parcel>)]) -> Vec<Vec<Result<String, Refused>>> {
        let mut answers: Vec<Vec<Result<String, Refused>>> = to.iter().map(|_| Vec::new()).collect();
        let ready: Vec<_> = to
            .iter()
            .map(|(receiver, _)| Ready::of(receiver, self.0).map_err(Refused::now))
            .collect();
        let handing = async {
            let mut under_way = tokio::task::JoinSet::new();
            for (index, (ready, (_, parcels))) in ready.into_iter().zip(to).enumerate() {
                let parcels = parcels.clone();
                under_way.spawn(async move {
                    let mut answers = Vec::new();
                    for parcel in &parcels {
                        let answer = match &ready {
                            Ok(ready) => ready.hand_over(parcel).await,
                            Err(refused) => Err(refused.clone()),
                        };
                        let is_refused = answer.is_err();
                        answers.push(answer);
                        if is_refused {
                            break;
                        }
                    }
                    (index, answers)
                });
            }
            let mut all = Vec::new();
            while let Some(done) = under_way.join_next().await {
                all.extend(done.ok());
            }
            all
        };
        for (index, answer) in self.0.runtime().block_on(handing) {
            if let Some(place) = answers.get_mut(index) {
                *place = answer;
            }
        }
        answers
    }

    /// Writes down what became of a bag. Returns how much of it was taken.
    fn settle(
        &self,
        bag: &Bag,
        packed: &[Load<'_>],
        answers: Vec<Result<String, Refused>>,
    ) -> Result<usize, CatalogError> {
        let now = self.now();
        let mut fates = Vec::new();
        let mut refused = None;
        let mut answers = answers.into_iter();
        for load in packed {
            let answer = match &refused {
                // The rest was not tried.
                Some(_) => None,
                None => Some(answers.next().unwrap_or_else(|| Err(Refused::lost()))),
            };
            match answer {
                Some(Ok(_)) => fates.extend(load.rows.iter().map(|row| (*row, Fate::Taken))),
                Some(Err(why)) => {
                    fates.extend(load.rows.iter().map(|row| {
                        let is_hopeless = why.is_about_message && row.tries + 1 >= TRIES;
                        let fate = if is_hopeless || row.gives_up <= now {
                            Fate::GivenUp
                        } else {
                            Fate::Tried
                        };
                        (*row, fate)
                    }));
                    refused = Some(why);
                }
                None => {
                    let late = load.rows.iter().filter(|row| row.gives_up <= now);
                    fates.extend(late.map(|row| (*row, Fate::GivenUp)));
                }
            }
        }
        let count = |fate: Fate| fates.iter().filter(|(_, became)| *became == fate).count();
        let (taken, given_up) = (count(Fate::Taken), count(Fate::GivenUp));
        let next = now + retry_after(u32::try_from(bag.failures + 1).unwrap_or(u32::MAX), self.chance());
        let fold = self
            .receiver(&bag.receiver)
            .map(Receiver::fold)
            .unwrap_or_default();
        let told = refused.as_ref().map(|refused| (refused.why.as_str(), next));
        self.0.catalog().settle_bag(bag, &fates, told, now + fold, now)?;
        if let Some(refused) = refused {
            self.tell_of_failure(bag, given_up, taken > 0, &refused.why);
        }
        Ok(taken)
    }

    /// Tells of a receiver that takes nothing: here, and whoever else is told of what happens.
    fn tell_of_failure(&self, bag: &Bag, given_up: usize, has_taken: bool, why: &str) {
        let receiver = &bag.receiver;
        let text = match given_up {
            0 if bag.failures + 1 == TOLD_AFTER && !has_taken => format!(
                "the receiver \"{receiver}\" takes nothing, {TOLD_AFTER} attempts have failed: {why}. What is for it waits; \
                 `lifeboat notify test {receiver}` tries it"
            ),
            0 => return,
            1 => format!(
                "gave up telling the receiver \"{receiver}\" of 1 event: {why}. The activity log has it"
            ),
            many => format!(
                "gave up telling the receiver \"{receiver}\" of {many} events: {why}. The activity log has them"
            ),
        };
        let activity = self.0.activity();
        activity.note(&Principal::Lifeboat, None, &text, None, Severity::Warning);
        let message = self.message(Topic::Undelivered, Severity::Warning, None, &text, None);
        self.post(&message, Some(receiver));
    }

    fn chance(&self) -> u8 {
        let mut byte = [0];
        // Without it all come back at the same moment, which is no harm to one.
        let _ = self.0.fill_at_random(&mut byte);
        byte[0]
    }
}

/// What is handed over to a receiver: what quiet hours held back, or much at once, as a digest; else one by one.
fn packed<'b>(receiver: &Receiver, bag: &'b Bag, now: Instant) -> Vec<Load<'b>> {
    let load = |rows: Vec<&'b Waiting>| {
        let first = rows.first()?;
        let id = format!("{}-{}", first.number, rows.len());
        let told: Vec<_> = rows.iter().map(|row| told(row, now)).collect();
        let at = told.first()?.message.at.timestamp();
        let parcel = Parcel {
            id: format!("{at:x}-{id}"),
            sent: now,
            told,
        };
        Some(Load { rows, parcel })
    };
    let kind = receiver.settings.kind;
    let is_digest = kind != ReceiverKind::Alive && bag.waiting.len() > ONE_BY_ONE;
    let (digest, single): (Vec<_>, Vec<_>) = bag.waiting.iter().partition(|row| is_digest || row.held);
    let all: Vec<_> = digest.iter().map(|row| told(row, now)).collect();
    let parts = portions(kind, &all).into_iter().filter_map(|part| {
        let rows = part.into_iter().filter_map(|place| digest.get(place).copied());
        load(rows.collect())
    });
    let single = single.into_iter().filter_map(|row| load(vec![row]));
    let mut loads: Vec<_> = parts.chain(single).collect();
    if !digest.is_empty() {
        // What was held back does not keep what is critical.
        loads.sort_by_key(|load| Reverse(load.parcel.severity() == Severity::Critical));
    }
    loads
}

/// A message out of the queue. One that a newer Lifeboat has put in may not be understood here; that much is told.
fn told(row: &Waiting, now: Instant) -> Told {
    let unknown = || {
        Message {
        topic: Topic::Attention,
        severity: Severity::Warning,
        at: now,
        environment: None,
        job: None,
        text: "something that a newer Lifeboat has written down, and that this one does not understand: bring all to \
               the same version"
            .to_owned(),
    }
    };
    Told {
        message: serde_json::from_str(&row.record).unwrap_or_else(|_| unknown()),
        times: row.times,
        follows: row.follows,
    }
}
