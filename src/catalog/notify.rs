//! The queue of what receivers are to be told, and how each receiver stands.
//!
//! Whoever does something puts it in, once for each receiver that wants it; one Lifeboat at a time has a receiver in its
//! hands and takes it out again. What it had when it died is free for the others. What was taken and not yet written down
//! as taken is told once more, in the same parcel ([`super::begun`]).
//!
//! Not in here: who wants what (`domain::notify`), and reaching anybody (`engine::notify`).

mod clock;
mod folding;

use chrono::Duration;

use super::begun::{self, Begun};
use super::error::Fault;
use super::records::{instant_from_sql, instant_to_sql};
use super::store::{Row, Session, values};
use super::{Catalog, CatalogError};
use crate::domain::Instant;
use crate::domain::ahead::SKEW;

use folding::Folded;

/// How long what was taken or given up is kept: repeats are told from it.
const ENDED_KEPT: Duration = Duration::days(7);
/// How long it is known that something was told once.
const ONCE_KEPT: Duration = Duration::days(400);
/// The most that waits for one receiver. What comes then is dropped: it has taken nothing for long.
const MOST_WAITING: u64 = 10_000;
/// The most that is taken out for one receiver at once.
const BAG: u32 = 50;

/// Something for one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The receiver's name.
    pub receiver: String,
    /// What repeats of it have in common.
    pub folds: String,
    /// When it happened.
    pub happened: Instant,
    /// When it may be told.
    pub not_before: Instant,
    /// Whether that is later because of quiet hours.
    pub held: bool,
    /// Within which time the same is told once; zero where each counts.
    pub fold: Duration,
    /// When it is given up.
    pub gives_up: Instant,
    /// The message, as JSON.
    pub record: String,
}

/// Something that is taken out of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its number, which no other has.
    pub number: u64,
    /// For how many occurrences it stands.
    pub times: u64,
    /// Whether one like it was told before.
    pub follows: bool,
    /// Whether quiet hours held it back.
    pub held: bool,
    /// When it is given up.
    pub gives_up: Instant,
    /// How often it was tried.
    pub tries: u64,
    /// When it happened; of a repeat, when what it repeats was told.
    pub happened: Instant,
    /// The message, as JSON.
    pub record: String,
}

/// What is in this Lifeboat's hands for one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bag {
    /// The receiver's name.
    pub receiver: String,
    /// How often it has failed in a row.
    pub failures: u64,
    /// The oldest that wait, in order.
    pub waiting: Vec<Waiting>,
    /// What was begun to be handed over, and may have been taken: it goes first, as it was.
    pub begun: Option<Begun>,
    process: u64,
}

/// What became of something that was taken out of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The receiver has it.
    Taken,
    /// It was tried and not taken, and stays.
    Tried,
    /// It was tried and stays, and nobody knows whether the receiver has it: it is told again in the same parcel.
    Unknown,
    /// Nobody tries any more.
    GivenUp,
}

/// How a receiver stands in the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiverRow {
    /// Its name.
    pub name: String,
    /// Since when it takes nothing.
    pub since: Option<Instant>,
    /// When it is tried again.
    pub not_before: Option<Instant>,
    /// When it took something last.
    pub taken: Option<Instant>,
    /// Why it took nothing.
    pub why: Option<String>,
    /// How many wait.
    pub waiting: u64,
    /// How many of them quiet hours have held back.
    pub held: u64,
    /// When the oldest of them happened.
    pub oldest: Option<Instant>,
}

impl Catalog {
    /// Puts messages into the queue. One that repeats another that waits is counted there; one that repeats another that
    /// was taken within its time to fold waits until that is over.
    pub fn post(&self, outgoing: &[Outgoing]) -> Result<(), CatalogError> {
        self.write(|session| outgoing.iter().try_for_each(|one| put_in(session, one)))
    }

    /// The same, unless this was told before, by whichever Lifeboat. Returns whether it was put in.
    pub fn post_once(&self, name: &str, now: Instant, outgoing: &[Outgoing]) -> Result<bool, CatalogError> {
        self.write(|session| {
            clock::forget_what_is_ahead(session, now)?;
            let is_first = session.execute(
                "INSERT INTO told_once (name, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                values![name, instant_to_sql(now)],
            )? == 1;
            if is_first {
                outgoing.iter().try_for_each(|one| put_in(session, one))?;
            }
            Ok(is_first)
        })
    }

    /// Takes out what is due for these receivers, of each what was begun and the oldest, and has those receivers in this Lifeboat's hands until
    /// [`Catalog::settle_bag`]. Receivers that another one has are passed over.
    pub fn take_bags(&self, receivers: &[&str], now: Instant) -> Result<Vec<Bag>, CatalogError> {
        if !self.has_mail(receivers, now)? {
            return Ok(Vec::new());
        }
        self.write(|session| {
            self.presence.check(session)?;
            let process = self.presence.number();
            self.free_of_the_gone(session)?;
            clock::set_right(session, now)?;
            let mut bags = Vec::new();
            for receiver in receivers {
                if waiting(session, receiver, now, 1)?.is_empty() {
                    continue;
                }
                session.execute(
                    "INSERT INTO receivers (name) VALUES (?1) ON CONFLICT DO NOTHING",
                    values![*receiver],
                )?;
                let mine = session.row(
                    "UPDATE receivers SET process = ?2
                     WHERE name = ?1 AND not_before <= ?3 AND (process IS NULL OR process = ?2)
                     RETURNING failures",
                    values![*receiver, process, instant_to_sql(now)],
                )?;
                if let Some(mine) = mine {
                    bags.push(Bag {
                        receiver: (*receiver).to_owned(),
                        failures: mine.count(0)?,
                        waiting: waiting(session, receiver, now, BAG)?,
                        begun: begun::of(session, receiver)?,
                        process,
                    });
                }
            }
            Ok(bags)
        })
    }

    fn has_mail(&self, receivers: &[&str], now: Instant) -> Result<bool, CatalogError> {
        let due = self.read(|session| {
            session.rows(
                "SELECT DISTINCT receiver FROM outbox WHERE ended IS NULL AND (not_before <= ?1 OR happened > ?2)",
                values![instant_to_sql(now), instant_to_sql(now + SKEW)],
            )
        })?;
        Ok(due
            .iter()
            .any(|row| row.text(0).is_ok_and(|name| receivers.contains(&name.as_str()))))
    }

    /// What Lifeboats had in their hands that are gone is free again.
    fn free_of_the_gone(&self, session: &mut Session<'_>) -> Result<(), Fault> {
        let holders = session.rows(
            "SELECT DISTINCT process FROM receivers WHERE process IS NOT NULL",
            &[],
        )?;
        for holder in holders {
            let process = holder.count(0)?;
            if process != self.presence.number() && self.presence.declare_gone(session, process)? {
                session.execute(
                    "UPDATE receivers SET process = NULL WHERE process = ?1",
                    values![process],
                )?;
            }
        }
        Ok(())
    }

    /// Writes down what became of a bag, and lets go of its receiver. `refused` is why the receiver took nothing, and when
    /// it is tried again; `None` when it did.
    pub fn settle_bag(
        &self,
        bag: &Bag,
        fates: &[(&Waiting, Fate)],
        refused: Option<(&str, Instant)>,
        again: Instant,
        now: Instant,
    ) -> Result<(), CatalogError> {
        self.write(|session| {
            let at = instant_to_sql(now);
            for (one, fate) in fates {
                match fate {
                    Fate::Tried | Fate::Unknown => {
                        session.execute(
                            "UPDATE outbox SET tries = tries + 1 WHERE number = ?1",
                            values![one.number],
                        )?;
                    }
                    Fate::Taken | Fate::GivenUp => {
                        end(session, one, *fate == Fate::Taken, now, again)?;
                    }
                }
            }
            let is_unknown = |(_, fate): &(_, Fate)| *fate == Fate::Unknown;
            if !fates.is_empty() && !fates.iter().any(is_unknown) {
                begun::forget(session, &bag.receiver)?;
            }
            let has_taken = fates.iter().any(|(_, fate)| *fate == Fate::Taken);
            if has_taken {
                session.execute(
                    "UPDATE receivers SET failures = 0, since = NULL, why = NULL, not_before = 0, taken = ?2
                     WHERE name = ?1 AND process = ?3",
                    values![bag.receiver.as_str(), at, bag.process],
                )?;
            }
            if let Some((why, next)) = refused {
                session.execute(
                    "UPDATE receivers SET failures = failures + 1, since = coalesce(since, ?2), why = ?3, not_before = ?4
                     WHERE name = ?1 AND process = ?5",
                    values![bag.receiver.as_str(), at, why, instant_to_sql(next), bag.process],
                )?;
            }
            session.execute(
                "UPDATE receivers SET process = NULL WHERE name = ?1 AND process = ?2",
                values![bag.receiver.as_str(), bag.process],
            )?;
            Ok(())
        })
    }

    /// A receiver that is reached without the queue took something, or did not, for this reason. Only what changes is
    /// written.
    pub fn receiver_stands(&self, name: &str, why: Option<&str>, now: Instant) -> Result<(), CatalogError> {
        let at = instant_to_sql(now);
        self.write(|session| {
            session.execute(
                "INSERT INTO receivers (name) VALUES (?1) ON CONFLICT DO NOTHING",
                values![name],
            )?;
            match why {
                None => session.execute(
                    "UPDATE receivers SET failures = 0, since = NULL, why = NULL, not_before = 0, taken = ?2 WHERE name = ?1",
                    values![name, at],
                ),
                Some(why) => session.execute(
                    "UPDATE receivers SET failures = failures + 1, why = ?3,
                            since = CASE WHEN since <= ?4 THEN since ELSE ?2 END
                     WHERE name = ?1",
                    values![name, at, why, instant_to_sql(now + SKEW)],
                ),
            }?;
            Ok(())
        })
    }

    /// How the receivers of these names stand, in their order.
    pub fn receivers(&self, names: &[&str]) -> Result<Vec<ReceiverRow>, CatalogError> {
        self.read(|session| {
            let rows = session.rows("SELECT name, since, not_before, taken, why FROM receivers", &[])?;
            let queues = session.rows(
                "SELECT receiver, count(*), min(happened), CAST(sum(held) AS BIGINT) FROM outbox
                 WHERE ended IS NULL GROUP BY receiver",
                &[],
            )?;
            names
                .iter()
                .map(|name| {
                    let mut row = ReceiverRow {
                        name: (*name).to_owned(),
                        ..ReceiverRow::default()
                    };
                    for known in &rows {
                        if known.text(0)? == *name {
                            row.since = instant(known, 1)?;
                            row.not_before = instant(known, 2)?.filter(|_| row.since.is_some());
                            row.taken = instant(known, 3)?;
                            row.why = known.some_text(4)?;
                        }
                    }
                    for queue in &queues {
                        if queue.text(0)? == *name {
                            row.waiting = queue.count(1)?;
                            row.oldest = instant(queue, 2)?;
                            row.held = queue.count(3)?;
                        }
                    }
                    Ok(row)
                })
                .collect()
        })
    }

    /// When the next of what waits for these receivers may be told, and they are tried.
    pub fn next_mail(&self, receivers: &[&str]) -> Result<Option<Instant>, CatalogError> {
        self.read(|session| {
            let rows = session.rows(
                "SELECT outbox.receiver, min(outbox.not_before), max(coalesce(receivers.not_before, 0))
                 FROM outbox LEFT JOIN receivers ON receivers.name = outbox.receiver
                 WHERE outbox.ended IS NULL GROUP BY outbox.receiver",
                &[],
            )?;
            let mut next: Option<i64> = None;
            for row in rows {
                if receivers.contains(&row.text(0)?.as_str()) {
                    let at = row.number(1)?.max(row.number(2)?);
                    next = Some(next.map_or(at, |before| before.min(at)));
                }
            }
            next.map(instant_from_sql).transpose()
        })
    }

    /// The backups of the schedule that are noted as due since before `closed`, and that nobody has begun: with the
    /// environment and the period.
    pub fn unserved(&self, kind: &str, closed: Instant) -> Result<Vec<super::Due>, CatalogError> {
        self.read(|session| {
            let rows = session.rows(
                "SELECT environment, max(period) FROM due
                 WHERE kind = ?1 AND served IS NULL AND job IS NULL AND period < ?2 GROUP BY environment",
                values![kind, instant_to_sql(closed)],
            )?;
            rows.iter()
                .map(|row| {
                    Ok(super::Due {
                        environment: row
                            .text(0)?
                            .parse()
                            .map_err(|error| Fault::Unreadable(format!("{error}")))?,
                        period: instant_from_sql(row.number(1)?)?,
                    })
                })
                .collect()
        })
    }
}

fn instant(row: &Row, column: usize) -> Result<Option<Instant>, Fault> {
    row.some_number(column)?.map(instant_from_sql).transpose()
}

/// Puts one message into the queue.
fn put_in(session: &mut Session<'_>, one: &Outgoing) -> Result<(), Fault> {
    let receiver = one.receiver.as_str();
    let (follows, not_before) = match folding::of(session, one)? {
        Folded::Counted => return Ok(()),
        Folded::Until(over) => (true, one.not_before.max(over)),
        Folded::News => (false, one.not_before),
    };
    let waiting = session
        .row(
            "SELECT count(*) FROM outbox WHERE receiver = ?1 AND ended IS NULL",
            values![receiver],
        )?
        .map_or(Ok(0), |row| row.count(0))?;
    if waiting >= MOST_WAITING {
        return Ok(());
    }
    session.execute(
        "INSERT INTO outbox (receiver, folds, happened, follows, held, not_before, gives_up, record)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        values![
            receiver,
            one.folds.as_str(),
            instant_to_sql(one.happened),
            follows,
            one.held,
            instant_to_sql(not_before),
            // What waits on purpose is not given up while it does.
            instant_to_sql(one.gives_up + (not_before - one.happened)),
            one.record.as_str()
        ],
    )?;
    Ok(())
}

/// The oldest that wait for a receiver and may be told now.
fn waiting(
    session: &mut Session<'_>,
    receiver: &str,
    now: Instant,
    most: u32,
) -> Result<Vec<Waiting>, Fault> {
    let rows = session.rows(
        "SELECT number, times, follows, held, gives_up, tries, happened, record FROM outbox
         WHERE receiver = ?1 AND ended IS NULL AND not_before <= ?2 ORDER BY number LIMIT ?3",
        values![receiver, instant_to_sql(now), most],
    )?;
    rows.iter().map(read_waiting).collect()
}

pub(super) fn read_waiting(row: &Row) -> Result<Waiting, Fault> {
    Ok(Waiting {
        number: row.count(0)?,
        times: row.count(1)?,
        follows: row.truth(2)?,
        held: row.truth(3)?,
        gives_up: instant_from_sql(row.number(4)?)?,
        tries: row.count(5)?,
        happened: instant_from_sql(row.number(6)?)?,
        record: row.text(7)?,
    })
}

/// Ends one message. What repeated it while it was told waits on, as a repeat, until `again`.
fn end(
    session: &mut Session<'_>,
    one: &Waiting,
    is_taken: bool,
    now: Instant,
    again: Instant,
) -> Result<(), Fault> {
    let ended = session.execute(
        "UPDATE outbox SET ended = ?2, taken = ?3 WHERE number = ?1 AND times = ?4",
        values![one.number, instant_to_sql(now), is_taken, one.times],
    )?;
    if ended == 0 {
        folding::told_meanwhile(session, one, now, again)?;
    }
    Ok(())
}

/// Drops what ended long ago.
pub(super) fn prune(session: &mut Session<'_>, now: Instant) -> Result<(), Fault> {
    session.execute(
        "DELETE FROM outbox WHERE ended < ?1",
        values![instant_to_sql(now - ENDED_KEPT)],
    )?;
    begun::prune(session, now - ENDED_KEPT)?;
    clock::forget_what_is_ahead(session, now)?;
    session.execute(
        "DELETE FROM told_once WHERE at < ?1",
        values![instant_to_sql(now - ONCE_KEPT)],
    )?;
    Ok(())
}
