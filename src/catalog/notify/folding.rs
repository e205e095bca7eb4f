//! Which messages are repeats of another one, and when that ends.

use chrono::Duration;

use super::super::Catalog;
use super::super::error::{CatalogError, Fault};
use super::super::records::instant_to_sql;
use super::super::store::{Session, values};
use super::{Outgoing, Waiting, instant};
use crate::domain::Instant;

/// What stands before the common part of those that are no longer repeated.
const ENDED: &str = "!";

/// What a message is to those before it.
pub(super) enum Folded {
    /// Nothing like it was told lately.
    News,
    /// One like it waits, and counts it now.
    Counted,
    /// One like it was told lately, and it waits until then.
    Until(Instant),
}

/// What a message that comes into the queue is to those that are in it.
pub(super) fn of(session: &mut Session<'_>, one: &Outgoing) -> Result<Folded, Fault> {
    if one.fold <= Duration::zero() {
        return Ok(Folded::News);
    }
    let receiver = one.receiver.as_str();
    let counted = session.execute(
        "UPDATE outbox SET times = times + 1
         WHERE number = (SELECT max(number) FROM outbox WHERE receiver = ?1 AND folds = ?2 AND ended IS NULL)",
        values![receiver, one.folds.as_str()],
    )?;
    if counted > 0 {
        return Ok(Folded::Counted);
    }
    // What a clock that was ahead has told says nothing of now, and hides nothing that was told before.
    let told = session.row(
        "SELECT max(ended) FROM outbox WHERE receiver = ?1 AND folds = ?2 AND taken = 1 AND ended <= ?3",
        values![receiver, one.folds.as_str(), instant_to_sql(one.happened)],
    )?;
    let told = told.map_or(Ok(None), |row| instant(&row, 0))?;
    Ok(match told.map(|told| told + one.fold) {
        Some(over) if one.happened < over => Folded::Until(over),
        _ => Folded::News,
    })
}

/// What has repeated a message while that was told waits on, as a repeat, until `again`; where repeats have ended meanwhile, it
/// is told at once.
pub(super) fn told_meanwhile(
    session: &mut Session<'_>,
    one: &Waiting,
    now: Instant,
    again: Instant,
) -> Result<(), Fault> {
    session.execute(
        "UPDATE outbox SET times = times - ?2, follows = 1, happened = ?3, tries = 0,
                not_before = CASE WHEN substr(folds, 1, 1) = ?5
                                  THEN CAST(?3 AS BIGINT) ELSE CAST(?4 AS BIGINT) END
         WHERE number = ?1",
        values![
            one.number,
            one.times,
            instant_to_sql(now),
            instant_to_sql(again),
            ENDED
        ],
    )?;
    Ok(())
}

impl Catalog {
    /// From now on nothing is a repeat of what begins with one of these. Repeats of it that wait are told now, and so before
    /// what has ended them.
    pub fn end_folding(&self, of: &[String], now: Instant) -> Result<(), CatalogError> {
        if of.is_empty() {
            return Ok(());
        }
        self.write(|session| {
            for begins in of {
                let length = u32::try_from(begins.chars().count()).unwrap_or(u32::MAX);
                session.execute(
                    "UPDATE outbox SET folds = ?4 || folds,
                            not_before = CASE WHEN ended IS NULL AND held = 0 AND not_before > ?3
                                              THEN CAST(?3 AS BIGINT) ELSE not_before END
                     WHERE substr(folds, 1, ?2) = ?1",
                    values![begins.as_str(), length, instant_to_sql(now), ENDED],
                )?;
            }
            Ok(())
        })
    }
}
