//! Small records by kind and name, for what has to be found again by any Lifeboat that has the catalog: journals of
//! restores, hooks that are owed, plans.
//!
//! Not in here: what is in them.

use super::records::instant_to_sql;
use super::store::values;
use super::{Catalog, CatalogError};
use crate::domain::Instant;

impl Catalog {
    /// The note of this kind and name, if there is one.
    pub fn note(&self, kind: &str, name: &str) -> Result<Option<String>, CatalogError> {
        self.read(|session| {
            session
                .row(
                    "SELECT record FROM notes WHERE kind = ?1 AND name = ?2",
                    values![kind, name],
                )?
                .map(|row| row.text(0))
                .transpose()
        })
    }

    /// Writes a note in the place of the one before.
    pub fn set_note(&self, kind: &str, name: &str, record: &str, now: Instant) -> Result<(), CatalogError> {
        self.write(|session| {
            session.execute(
                "INSERT INTO notes (kind, name, at, record) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at, record = excluded.record",
                values![kind, name, instant_to_sql(now), record],
            )?;
            Ok(())
        })
    }

    /// Writes a note unless it says the same already. Gives whether it has changed: of several Lifeboats that write the same at
    /// once, one has changed it.
    pub fn note_change(
        &self,
        kind: &str,
        name: &str,
        record: &str,
        now: Instant,
    ) -> Result<bool, CatalogError> {
        self.write(|session| {
            let written = session.execute(
                "INSERT INTO notes (kind, name, at, record) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at, record = excluded.record
                 WHERE notes.record <> excluded.record",
                values![kind, name, instant_to_sql(now), record],
            )?;
            Ok(written == 1)
        })
    }

    /// Drops a note. One that is not there is no error.
    pub fn drop_note(&self, kind: &str, name: &str) -> Result<(), CatalogError> {
        self.write(|session| {
            session.execute(
                "DELETE FROM notes WHERE kind = ?1 AND name = ?2",
                values![kind, name],
            )?;
            Ok(())
        })
    }

    /// Drops the notes of a kind that were written before a time.
    pub fn drop_notes_before(&self, kind: &str, time: Instant) -> Result<(), CatalogError> {
        self.write(|session| {
            session.execute(
                "DELETE FROM notes WHERE kind = ?1 AND at < ?2",
                values![kind, instant_to_sql(time)],
            )?;
            Ok(())
        })
    }

    /// The names of the notes of a kind, in order.
    pub fn notes(&self, kind: &str) -> Result<Vec<String>, CatalogError> {
        self.read(|session| {
            session
                .rows(
                    "SELECT name FROM notes WHERE kind = ?1 ORDER BY name",
                    values![kind],
                )?
                .iter()
                .map(|row| row.text(0))
                .collect()
        })
    }
}
