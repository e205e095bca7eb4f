//! Delivers what is in the queue: whoever keeps the schedule, on a thread of its own; a verb that is about to end, for a
//! moment.
//!
//! Of several Lifeboats one has a receiver in its hands at a time, and of several receivers none waits for another. What
//! became of a parcel is written down as soon as it is known. What a receiver does not take stays, and is tried again later
//! and later; what it has not taken for too long is given up, and that is told.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::reach::{self, Had, Refused};
use super::under_way::Trip;
use super::{Mailroom, Notifier};
use crate::catalog::{Bag, Begun, CatalogError, Fate, Waiting};
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::notify::{Message, Parcel, Receiver, ReceiverKind, Told, Topic, portions, retry_after};
use crate::domain::os_error::in_words;
use crate::domain::principal::Principal;
use crate::engine::WeakEngine;

/// How often at least the queue is looked at: others may put something in.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often at most.
const REST: Duration = Duration::from_millis(500);
/// How long nothing is looked at where there are no receivers.
const NOBODY_TO_TELL: Duration = Duration::from_hours(24);
/// How long a process that ends waits for what it has broken off to be written down.
const WRITTEN_WITHIN: Duration = Duration::from_secs(2);
/// A message that a receiver refuses is given up after so many attempts.
const TRIES: u64 = 3;
/// One that some of several recipients have is given up for the others after so many: about eight minutes, which is longer than a
/// server asks to wait that does not know a sender, and all that came since waits behind it.
const TRIES_FOR_THE_OTHERS: u64 = 6;
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
struct Load {
    begun: Begun,
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
                        engine.notifier().put_out_sign();
                        engine.notifier().set_off();
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
        let Ok(Some(next)) = self.0.catalog().next_mail(&self.at_rest()) else {
            return LOOK_EVERY;
        };
        (next - self.now()).to_std().unwrap_or(REST).min(LOOK_EVERY)
    }

    /// Delivers what this process has put into the queue, what was left to it, and what else is due, before it ends: for so
    /// long at most. What has not taken anything by then is written down as that, and left to whoever keeps the schedule. What
    /// another Lifeboat delivers is left to it at once.
    pub fn send_before_the_end(&self, at_most: Duration) {
        let has_posted = self.room().bell.lock().has_posted;
        // Also where no receiver is left in the configuration: others have left something for those that there were.
        let has_sign_out = self.may_have_sign_out();
        let is_begun = has_posted || self.room().under_way.is_to_anybody();
        if !(has_sign_out || self.is_used() && is_begun) {
            return;
        }
        let end = Monotonic::now() + at_most;
        let (sent, heard) = std::sync::mpsc::channel();
        let engine = self.0.clone();
        // A catalog that hangs would be waited for, and whoever ends waits no longer than this.
        std::thread::spawn(move || {
            let (notifier, room) = (engine.notifier(), engine.notifier().room().clone());
            // In this order: what somebody has put in before this one's sign was gone is still delivered by this one.
            notifier.take_in_sign();
            let others = notifier.told_by_others();
            while notifier.deliver_until(&others, Some(end)) > 0 && Monotonic::now() < end {}
            room.under_way.break_off(at_most);
            room.under_way.wait(Some(Monotonic::now() + WRITTEN_WITHIN));
            let _ = sent.send(());
        });
        let _ = heard.recv_timeout(at_most + WRITTEN_WITHIN);
    }

    /// Delivers what is due now. Returns how much was taken.
    #[cfg(test)]
    pub(in crate::engine) fn deliver_due(&self) -> usize {
        self.deliver_until(&[], None)
    }

    /// Delivers what is due now, but to those whom others tell, and waits for it until then at most. Returns how much was
    /// taken.
    fn deliver_until(&self, others: &[String], end: Option<Monotonic>) -> usize {
        let under_way = &self.room().under_way;
        let before = under_way.taken();
        self.set_off_but_to(others);
        under_way.wait(end);
        under_way.taken() - before
    }

    /// Sets off to each receiver for which something is due, and waits for none of them.
    pub(in crate::engine) fn set_off(&self) {
        self.set_off_but_to(&[]);
    }

    fn set_off_but_to(&self, others: &[String]) {
        let room = self.room();
        let _one_at_a_time = room.setting_off.lock();
        let mut names = self.at_rest();
        names.retain(|name| !others.iter().any(|other| other == name));
        let bags = self.0.catalog().take_bags(&names, self.now());
        for bag in self.or_report(bags).unwrap_or_default() {
            let trip = Trip::begin(room, &bag.receiver);
            self.0.runtime().spawn(travel(self.0.downgrade(), bag, trip));
        }
    }

    /// Those that are told through the queue, and to whom nobody of this process is under way.
    fn at_rest(&self) -> Vec<&str> {
        let mut names = self.queued();
        names.retain(|name| !self.room().under_way.is_to(name));
        names
    }

    pub(super) fn or_report<T>(&self, result: Result<T, CatalogError>) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            // That the catalog is away is told by everybody who needs it.
            Err(CatalogError::OutOfReach { .. } | CatalogError::TakenForDead) => None,
            Err(error) => {
                self.0.activity().report_catalog(&error);
                None
            }
        }
    }

    /// Hands one parcel to each of these, to all at the same time. Gives the answers in their order.
    pub(super) fn try_all(&self, to: Vec<(&Receiver, Parcel)>) -> Vec<Result<String, Refused>> {
        let mut answers: Vec<_> = to.iter().map(|_| Err(Refused::lost())).collect();
        let handing = async {
            let mut under_way = JoinSet::new();
            for (index, (receiver, parcel)) in to.into_iter().enumerate() {
                let name = receiver.name().to_owned();
                let attempt = reach::attempt(self.0.downgrade(), name, parcel, Had::default());
                under_way.spawn(async move { (index, attempt.await) });
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

    /// Packs the next parcel of a bag, and writes down that it is handed over. `None` where there is nothing to hand over.
    fn begin(&self, bag: Bag) -> Result<Option<(Bag, Load)>, CatalogError> {
        let now = self.now();
        let load = self
            .receiver(&bag.receiver)
            .and_then(|receiver| packed(receiver, &bag, now));
        let Some(load) = load else {
            // It is not configured any more.
            self.0.catalog().settle_bag(&bag, &[], None, now, now)?;
            return Ok(None);
        };
        if bag.begun.as_ref() != Some(&load.begun) {
            self.0.catalog().begin_parcel(&bag, &load.begun, now)?;
        }
        Ok(Some((bag, load)))
    }

    /// Writes down what became of a parcel. Gives whether it was taken.
    fn settle(
        &self,
        bag: &Bag,
        load: &Load,
        answer: Result<String, Refused>,
        had: Vec<String>,
    ) -> Result<bool, CatalogError> {
        let (catalog, now) = (self.0.catalog(), self.now());
        let fold = self
            .receiver(&bag.receiver)
            .map(Receiver::fold)
            .unwrap_or_default();
        let rows = &load.begun.waiting;
        let Err(refused) = answer else {
            let fates: Vec<_> = rows.iter().map(|row| (row, Fate::Taken)).collect();
            catalog.settle_bag(bag, &fates, None, now + fold, now)?;
            self.room().under_way.took(rows.len());
            return Ok(true);
        };
        // Some of those it is for have it. For the others it would be refused again, or was for so long that those who have it have
        // waited enough for what comes next.
        let is_enough = || rows.iter().all(|row| row.tries + 1 >= TRIES_FOR_THE_OTHERS);
        let is_refused = refused.is_about_message || (!refused.may_have_it && is_enough());
        let is_partly_taken = is_refused && !had.is_empty();
        let mut fates: Vec<_> = rows
            .iter()
            .map(|row| {
                let is_hopeless = refused.is_about_message && row.tries + 1 >= TRIES;
                let fate = if is_partly_taken {
                    Fate::Taken
                } else if is_hopeless || row.gives_up <= now {
                    Fate::GivenUp
                } else if refused.may_have_it || !had.is_empty() {
                    Fate::Unknown
                } else {
                    Fate::Tried
                };
                (row, fate)
            })
            .collect();
        let is_in_it = |row: &Waiting| rows.iter().any(|one| one.number == row.number);
        // The rest was not tried, and where somebody has this one, may be taken.
        let late = bag
            .waiting
            .iter()
            .filter(|_| load.begun.had.is_empty() && had.is_empty());
        let late = late.filter(|row| row.gives_up <= now && !is_in_it(row));
        fates.extend(late.map(|row| (row, Fate::GivenUp)));
        let is_lost = |fate: Fate| fate == Fate::GivenUp || (is_partly_taken && fate == Fate::Taken);
        let given_up = fates.iter().filter(|(_, fate)| is_lost(*fate)).count();
        if had != load.begun.had {
            let begun = Begun {
                had,
                ..load.begun.clone()
            };
            catalog.begin_parcel(bag, &begun, now)?;
        }
        let failures = if is_partly_taken { 1 } else { bag.failures + 1 };
        let next = now + retry_after(u32::try_from(failures).unwrap_or(u32::MAX), self.chance());
        let told = Some((refused.why.as_str(), next));
        catalog.settle_bag(bag, &fates, told, now + fold, now)?;
        self.tell_of_failure(bag, given_up, &refused.why);
        Ok(false)
    }

    /// Tells of a receiver that takes nothing: here, and whoever else is told of what happens.
    fn tell_of_failure(&self, bag: &Bag, given_up: usize, why: &str) {
        let receiver = &bag.receiver;
        let text = match given_up {
            0 if bag.failures + 1 == TOLD_AFTER => format!(
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

/// Hands a receiver what waits for it, one parcel after the other, until nothing is left or one is not taken. Each answer
/// is written down when it comes. The engine is not kept open for a receiver that takes its time.
async fn travel(engine: WeakEngine, mut bag: Bag, mut trip: Trip) {
    loop {
        let begun = blocking(&engine, move |notifier| notifier.begin(bag)).await;
        let Some((taken_out, load)) = begun else {
            return;
        };
        let had: Had = Arc::new(Mutex::new(load.begun.had.clone()));
        let (parcel, receiver) = (load.parcel.clone(), trip.receiver().to_owned());
        let attempt = reach::attempt(engine.clone(), receiver, parcel, Arc::clone(&had));
        let (answer, goes_on) = tokio::select! {
            biased;
            answer = attempt => (answer, !trip.is_over()),
            waited = trip.is_broken_off() => (Err(Refused::broken_off(waited)), false),
        };
        let had = had.lock().clone();
        let settled = blocking(&engine, move |notifier| {
            let goes_on = notifier.settle(&taken_out, &load, answer, had)? && goes_on;
            let next = if goes_on {
                let receiver = taken_out.receiver.as_str();
                notifier.0.catalog().take_bags(&[receiver], notifier.now())?.pop()
            } else {
                None
            };
            if next.is_none() {
                notifier.look_again();
            }
            Ok(Some(next))
        });
        match settled.await {
            Some(Some(next)) => bag = next,
            Some(None) => return trip.end(),
            None => return,
        }
    }
}

/// Does something with the engine where it may block. `None` where the engine is gone, or that failed, which is told.
async fn blocking<T, F>(engine: &WeakEngine, step: F) -> Option<T>
where
    T: Send + 'static,
    F: FnOnce(Notifier<'_>) -> Result<Option<T>, CatalogError> + Send + 'static,
{
    let engine = engine.clone();
    let doing = move || {
        let engine = engine.upgrade()?;
        let (notifier, mut done) = (engine.notifier(), None);
        engine
            .activity()
            .whatever_happens("delivering notifications", || {
                done = notifier.or_report(step(notifier)).flatten();
            });
        done
    };
    tokio::task::spawn_blocking(doing).await.ok().flatten()
}

/// What is handed over to a receiver next: what was begun, as it was; else the first of what there is.
fn packed(receiver: &Receiver, bag: &Bag, now: Instant) -> Option<Load> {
    let begun = bag.begun.clone().or_else(|| {
        let waiting: Vec<_> = first_of(receiver, bag, now)?.into_iter().cloned().collect();
        let first = waiting.first()?;
        Some(Begun {
            id: id(first, waiting.len()),
            waiting,
            had: Vec::new(),
        })
    })?;
    let parcel = Parcel {
        id: begun.id.clone(),
        sent: now,
        told: begun.waiting.iter().map(|row| told(row, now)).collect(),
    };
    Some(Load { begun, parcel })
}

/// What goes first: what quiet hours held back, or much at once, as a digest, in as many portions as it takes; else one by one.
fn first_of<'b>(receiver: &Receiver, bag: &'b Bag, now: Instant) -> Option<Vec<&'b Waiting>> {
    let kind = receiver.settings.kind;
    let is_digest = kind != ReceiverKind::Alive && bag.waiting.len() > ONE_BY_ONE;
    let (digest, single): (Vec<_>, Vec<_>) = bag.waiting.iter().partition(|row| is_digest || row.held);
    let all: Vec<_> = digest.iter().map(|row| told(row, now)).collect();
    let parts = portions(kind, &all).into_iter().map(|part| -> Vec<&Waiting> {
        part.into_iter()
            .filter_map(|place| digest.get(place).copied())
            .collect()
    });
    let mut loads: Vec<_> = parts
        .chain(single.into_iter().map(|row| vec![row]))
        .filter(|rows| !rows.is_empty())
        .collect();
    if !digest.is_empty() {
        // What was held back does not keep what is critical.
        let is_critical = |rows: &[&Waiting]| {
            rows.iter()
                .any(|row| told(row, now).message.severity == Severity::Critical)
        };
        loads.sort_by_key(|rows| Reverse(is_critical(rows)));
    }
    loads.into_iter().next()
}

/// What tells so many, of which this is the first, from every other parcel.
/// A repeat waits in the place of what it repeats, and is told by when it came to be one.
fn id(first: &Waiting, count: usize) -> String {
    format!("{:x}-{}-{count}", first.happened.timestamp(), first.number)
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
    let message = serde_json::from_str(&row.record).unwrap_or_else(|_| unknown());
    Told {
        id: Some(id(row, 1)),
        message,
        times: row.times,
        follows: row.follows,
    }
}
