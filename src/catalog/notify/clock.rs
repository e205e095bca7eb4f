//! What a clock that was ahead has left in the queue: until its time comes, nothing would be told.
//!
//! What waits is dated now, and whoever is tried again is tried now.

use super::super::error::Fault;
use super::super::records::instant_to_sql;
use super::super::store::{Session, values};
use crate::domain::Instant;
use crate::domain::ahead::SKEW;
use crate::domain::notify::LONGEST_PAUSE;

/// Dates what waits and is dated ahead of `now` as of now: it may be told at once, and is given up as late after that as it
/// would have been. Nobody is waited for longer than the longest pause, nor fails since a time that is yet to come.
pub(super) fn set_right(session: &mut Session<'_>, now: Instant) -> Result<(), Fault> {
    let (at, sound) = (instant_to_sql(now), instant_to_sql(now + SKEW));
    session.execute(
        "UPDATE outbox SET happened = ?1, not_before = ?1, gives_up = gives_up - (happened - ?1)
         WHERE ended IS NULL AND happened > ?2",
        values![at, sound],
    )?;
    session.execute(
        "UPDATE receivers SET not_before = 0 WHERE not_before > ?1",
        values![instant_to_sql(now + LONGEST_PAUSE)],
    )?;
    session.execute(
        "UPDATE receivers SET since = ?1 WHERE since > ?2",
        values![at, sound],
    )?;
    Ok(())
}

/// What was told once by a clock that was ahead, of a time that has not come, is told again when it comes.
pub(super) fn forget_what_is_ahead(session: &mut Session<'_>, now: Instant) -> Result<(), Fault> {
    session.execute(
        "DELETE FROM told_once WHERE at > ?1",
        values![instant_to_sql(now + SKEW)],
    )?;
    Ok(())
}
