//! Where the catalog's tables are, and how they are asked: one set of statements for every store.
//!
//! Statements are written once, in the SQL that SQLite and PostgreSQL share: arguments are `?1`, `?2`, …; numbers are 64
//! bits wide and signed; truth is 0 or 1; times are microseconds since 1970, in UTC. What a store has of its own (its
//! migrations, how it tells who lives) is in a file of its own.
//!
//! Not in here: what is asked.

mod postgres;
mod sqlite;
mod value;

use rusqlite::Connection;

use super::error::{CatalogError, Fault};

pub(super) use postgres::{Link, Postgres};
pub(super) use sqlite::Sqlite;
#[cfg(test)]
pub(super) use sqlite::migrate;
pub(super) use value::{Row, Value};

/// Arguments of a statement, in the order of their numbers.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::catalog::store::Value::from($value)),*] };
}
pub(super) use values;

/// The tables.
#[derive(Debug)]
pub(super) enum Store {
    /// One file on this machine.
    Sqlite(Sqlite),
    /// A database that several machines have in common.
    Postgres(Postgres),
}

impl Store {
    /// Where they are, for people.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Sqlite(store) => store.place(),
            Self::Postgres(store) => store.place(),
        }
    }

    /// Runs something that only reads. It may run twice, when a connection turns out to be lost.
    pub(super) fn read<T: Send>(
        &self,
        work: impl Fn(&mut Session<'_>) -> Result<T, Fault> + Sync,
    ) -> Result<T, CatalogError> {
        match self {
            Self::Sqlite(store) => store.read(work),
            Self::Postgres(store) => store.read(work),
        }
    }

    /// Runs something that writes, whole or not at all. It may run twice, when a connection turns out to be lost before
    /// the end; then nothing of the first time is left.
    pub(super) fn write<T: Send>(
        &self,
        work: impl Fn(&mut Session<'_>) -> Result<T, Fault> + Sync,
    ) -> Result<T, CatalogError> {
        match self {
            Self::Sqlite(store) => store.write(work),
            Self::Postgres(store) => store.write(work),
        }
    }
}

/// A connection, in a transaction where something is written.
pub(super) enum Session<'s> {
    /// To a file.
    Sqlite(&'s Connection),
    /// To a server.
    Postgres(&'s mut Link),
}

impl Session<'_> {
    /// Runs a statement and gives how many rows it changed.
    pub(super) fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Fault> {
        match self {
            Self::Sqlite(connection) => sqlite::execute(connection, sql, values),
            Self::Postgres(link) => link.execute(sql, values),
        }
    }

    /// Runs a statement and gives its rows.
    pub(super) fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Fault> {
        match self {
            Self::Sqlite(connection) => sqlite::rows(connection, sql, values),
            Self::Postgres(link) => link.rows(sql, values),
        }
    }

    /// Runs a statement and gives its first row, if it has one.
    pub(super) fn row(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>, Fault> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    /// What makes a selection pass over rows that another session has claimed and not yet committed. SQLite has one writer
    /// at a time and needs nothing.
    pub(super) fn passing_over_locked_rows(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// What makes a selection wait for rows that another session has changed and not yet committed, and keep them.
    pub(super) fn waiting_for_locked_rows(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR UPDATE",
        }
    }

    /// Runs several statements that take no arguments.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), Fault> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Self::Postgres(link) => link.run(sql),
        }
    }
}
