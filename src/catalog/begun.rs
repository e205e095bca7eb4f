//! What was begun to be handed over to a receiver, for as long as nobody knows whether the receiver has it: a Lifeboat that
//! died in the middle may have been heard. Whoever tries again hands the same over under the same name.
//!
//! It is a note for each receiver, since one parcel at a time is handed over to it.

use serde::{Deserialize, Serialize};

use super::error::Fault;
use super::notify::{Bag, Waiting, read_waiting};
use super::records::instant_to_sql;
use super::store::{Session, values};
use super::{Catalog, CatalogError};
use crate::domain::Instant;

/// The kind of these notes.
const KIND: &str = "parcel";

/// A parcel that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// What tells it from every other one.
    pub id: String,
    /// What is in it, each for as many occurrences as when it was begun.
    pub waiting: Vec<Waiting>,
    /// Which of several recipients have it for certain.
    pub had: Vec<String>,
}

/// As it is written down.
#[derive(Serialize, Deserialize)]
struct Record {
    id: String,
    /// The numbers of what is in it, and for how many occurrences each stands.
    rows: Vec<(u64, u64)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    had: Vec<String>,
}

impl Catalog {
    /// Notes a parcel before it is handed over, or who has it by now.
    pub fn begin_parcel(&self, bag: &Bag, begun: &Begun, now: Instant) -> Result<(), CatalogError> {
        let record = Record {
            id: begun.id.clone(),
            rows: begun.waiting.iter().map(|one| (one.number, one.times)).collect(),
            had: begun.had.clone(),
        };
        self.write(|session| {
            self.presence.check(session)?;
            let record = serde_json::to_string(&record)?;
            session.execute(
                "INSERT INTO notes (kind, name, at, record) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at, record = excluded.record",
                values![KIND, bag.receiver.as_str(), instant_to_sql(now), record.as_str()],
            )?;
            Ok(())
        })
    }
}

/// The parcel that was begun for a receiver, with what is left of it. One that cannot be understood was begun by a newer
/// Lifeboat: what is in it is packed anew.
pub(super) fn of(session: &mut Session<'_>, receiver: &str) -> Result<Option<Begun>, Fault> {
    let note = session.row(
        "SELECT record FROM notes WHERE kind = ?1 AND name = ?2",
        values![KIND, receiver],
    )?;
    let Some(note) = note else { return Ok(None) };
    let Ok(record) = serde_json::from_str::<Record>(&note.text(0)?) else {
        return Ok(None);
    };
    let mut waiting = Vec::new();
    for (number, times) in record.rows {
        let row = session.row(
            "SELECT number, times, follows, held, gives_up, tries, happened, record FROM outbox
             WHERE number = ?1 AND receiver = ?2 AND ended IS NULL",
            values![number, receiver],
        )?;
        if let Some(row) = row {
            let row = read_waiting(&row)?;
            // A part of it may have been settled without the rest, or by one that does not know of this note.
            let times = times.min(row.times);
            waiting.push(Waiting { times, ..row });
        }
    }
    Ok((!waiting.is_empty()).then_some(Begun {
        id: record.id,
        waiting,
        had: record.had,
    }))
}

/// It is known what became of it.
pub(super) fn forget(session: &mut Session<'_>, receiver: &str) -> Result<(), Fault> {
    session.execute(
        "DELETE FROM notes WHERE kind = ?1 AND name = ?2",
        values![KIND, receiver],
    )?;
    Ok(())
}

/// Drops those of receivers that are no more.
pub(super) fn prune(session: &mut Session<'_>, before: Instant) -> Result<(), Fault> {
    session.execute(
        "DELETE FROM notes WHERE kind = ?1 AND at < ?2",
        values![KIND, instant_to_sql(before)],
    )?;
    Ok(())
}
