//! Which Lifeboats deliver to which receivers: what one that lives will deliver, another that is about to end leaves to it.
//!
//! Whoever delivers has a note that says to whom, under the number of its process, and takes it back when it ends. The note
//! of one that died, or that was stopped, says nothing: its lock is gone or it has not said for a while that it moves, or its
//! lease has run out. The next one that delivers clears it away.
//!
//! Not in here: the queue (`notify`), and how a Lifeboat shows that it lives (`presence`).

use chrono::Duration;

use super::error::Fault;
use super::records::instant_to_sql;
use super::store::{Session, values};
use super::{Catalog, CatalogError};
use crate::domain::Instant;

/// The kind of these notes.
const KIND: &str = "courier";
/// What has been due for so long, to a receiver that is in nobody's hands, is not delivered by whoever says so: it moves, and
/// does not come to that.
const LIES_AT_MOST: Duration = Duration::minutes(1);

impl Catalog {
    /// This Lifeboat delivers to these receivers from now on, and to no other. Only what changes is written into the catalog.
    /// It counts for 20 seconds, and is to be said again before they are over.
    ///
    /// # Errors
    /// A catalog that cannot be read, or written.
    pub fn delivers_to(&self, receivers: &[&str], now: Instant) -> Result<(), CatalogError> {
        if !receivers.is_empty() {
            self.presence.moves(now);
        }
        let record = serde_json::json!(receivers).to_string();
        let own = || self.presence.number().to_string();
        let said = self.note(KIND, &own())?;
        if said.as_ref() == Some(&record) || (said.is_none() && receivers.is_empty()) {
            return Ok(());
        }
        self.write(|session| {
            for row in session.rows("SELECT name FROM notes WHERE kind = ?1", values![KIND])? {
                let name = row.text(0)?;
                if !self.is_of_the_living(session, &name, now)? {
                    session.execute(
                        "DELETE FROM notes WHERE kind = ?1 AND name = ?2",
                        values![KIND, name.as_str()],
                    )?;
                }
            }
            session.execute(
                "INSERT INTO notes (kind, name, at, record) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at, record = excluded.record",
                values![KIND, own().as_str(), instant_to_sql(now), record.as_str()],
            )?;
            Ok(())
        })
    }

    /// This Lifeboat delivers no more: nothing is left to it from here on.
    ///
    /// # Errors
    /// A catalog that cannot be written.
    pub fn delivers_no_more(&self) -> Result<(), CatalogError> {
        self.drop_note(KIND, &self.presence.number().to_string())
    }

    /// Those of these receivers to which another Lifeboat delivers that lives and does not stand still, as far as can be told.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub fn delivered_by_another(
        &self,
        receivers: &[&str],
        now: Instant,
    ) -> Result<Vec<String>, CatalogError> {
        let own = self.presence.number().to_string();
        self.read(|session| {
            let notes = session.rows("SELECT name, record FROM notes WHERE kind = ?1", values![KIND])?;
            let mut served: Vec<String> = Vec::new();
            for note in notes {
                let name = note.text(0)?;
                if name != own && self.is_of_the_living(session, &name, now)? {
                    // One that a newer Lifeboat has written and that is not understood says nothing.
                    served.extend(serde_json::from_str::<Vec<String>>(&note.text(1)?).unwrap_or_default());
                }
            }
            let mut left = Vec::new();
            for receiver in receivers {
                let is_served = served.iter().any(|one| one == receiver);
                if is_served && !lies(session, receiver, now)? {
                    left.push((*receiver).to_owned());
                }
            }
            Ok(left)
        })
    }

    fn is_of_the_living(&self, session: &mut Session<'_>, name: &str, now: Instant) -> Result<bool, Fault> {
        name.parse().map_or(Ok(false), |number| {
            self.presence.is_heard_of(session, number, now)
        })
    }
}

/// Whether something for this receiver lies about that whoever delivers would have taken.
fn lies(session: &mut Session<'_>, receiver: &str, now: Instant) -> Result<bool, Fault> {
    let lying = session.row(
        "SELECT 1 FROM outbox LEFT JOIN receivers ON receivers.name = outbox.receiver
         WHERE outbox.receiver = ?1 AND outbox.ended IS NULL AND outbox.not_before <= ?2
           AND receivers.process IS NULL AND coalesce(receivers.not_before, 0) <= ?2
         LIMIT 1",
        values![receiver, instant_to_sql(now - LIES_AT_MOST)],
    )?;
    Ok(lying.is_some())
}
