//! The tables of the catalog, as numbered migrations. SQLite's `user_version` says how many of them a file has had.
//!
//! A migration that has been released is never changed; a new one is added below it.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::error::Fault;

/// In order; the first makes version 1 out of an empty file.
///
/// Columns are what the catalog asks for; `record` holds the whole as JSON. Times are microseconds since 1970, in UTC.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE processes (
        last INTEGER NOT NULL                 -- the highest number given so far
    ) STRICT;
    INSERT INTO processes (last) VALUES (0);

    CREATE TABLE jobs (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        environment  TEXT NOT NULL,
        kind         TEXT NOT NULL,
        asked_by     TEXT NOT NULL,
        state        TEXT NOT NULL,
        ended        INTEGER,                 -- when; none while it has not
        process      INTEGER NOT NULL,        -- the one that it belongs to
        cancel_asked INTEGER NOT NULL DEFAULT 0,
        millis       INTEGER,                 -- how long it took, once it has ended
        bytes        INTEGER NOT NULL DEFAULT 0, -- the most that any of its phases went through
        record       TEXT NOT NULL
    ) STRICT;
    -- One job at a time on an environment, whatever the code above does.
    CREATE UNIQUE INDEX jobs_one_at_a_time ON jobs (environment) WHERE ended IS NULL;
    CREATE INDEX jobs_by_environment ON jobs (environment, id);

    CREATE TABLE log (
        job      INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        number   INTEGER NOT NULL,
        at       INTEGER NOT NULL,
        severity TEXT NOT NULL,
        text     TEXT NOT NULL,
        PRIMARY KEY (job, number)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE activity (
        number      INTEGER PRIMARY KEY AUTOINCREMENT,
        at          INTEGER NOT NULL,
        asked_by    TEXT NOT NULL,
        environment TEXT,
        what        TEXT NOT NULL,
        job         INTEGER,                  -- may outlive the job's row
        severity    TEXT NOT NULL
    ) STRICT;

    CREATE TABLE notifications (
        number      INTEGER PRIMARY KEY AUTOINCREMENT,
        at          INTEGER NOT NULL,
        severity    TEXT NOT NULL,
        environment TEXT,
        text        TEXT NOT NULL,
        job         INTEGER,                  -- may outlive the job's row
        seen        INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    CREATE TABLE holds (
        environment TEXT NOT NULL,
        kind        TEXT NOT NULL,
        record      TEXT NOT NULL,
        PRIMARY KEY (environment, kind)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE verifications (
        environment TEXT NOT NULL,
        backup      TEXT NOT NULL,
        record      TEXT NOT NULL,
        PRIMARY KEY (environment, backup)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE environments (
        name TEXT PRIMARY KEY,
        met  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE plans (
        id     TEXT PRIMARY KEY,
        made   INTEGER NOT NULL,
        record TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
",
];

/// Makes a fresh connection ready: settings, then the migrations that the file has not had.
pub(super) fn prepare(connection: &mut Connection, busy_timeout: Duration) -> Result<(), Fault> {
    connection.busy_timeout(busy_timeout)?;
    // WAL: readers and the one writer do not wait for each other. NORMAL: a power cut may take the last moments, and
    // never leaves a damaged file.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    migrate(connection, &MIGRATIONS)
}

/// Brings the file to the newest form, whole or not at all.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    let Some(missing) = usize::try_from(found).ok().and_then(|had| migrations.get(had..)) else {
        return Err(Fault::Newer { found, known });
    };
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    if found != known {
        transaction.pragma_update(None, "user_version", known)?;
    }
    transaction.commit()?;
    Ok(())
}

/// A process number that no process has had before in this catalog.
pub(super) fn next_process(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("UPDATE processes SET last = last + 1 RETURNING last", [], |row| {
        Ok(super::from_sql(row.get(0)?))
    })
}
