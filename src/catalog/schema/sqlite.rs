//! The tables in SQLite.

use super::{LINK, Migration};

/// In order; the first makes form 1 out of an empty file.
///
/// Columns are what the catalog asks for; `record` holds the whole as JSON. Times are microseconds since 1970, in UTC.
pub(in crate::catalog) const MIGRATIONS: &[Migration] = &[
    Migration::of(FIRST),
    Migration {
        sql: SECOND,
        then: Some(LINK),
    },
    Migration::of(THIRD),
    Migration::of(OUTBOX),
];

/// What waits for receivers, and how they stand.
const OUTBOX: &str = "
    CREATE TABLE outbox (
        number     INTEGER PRIMARY KEY AUTOINCREMENT,
        receiver   TEXT NOT NULL,             -- its name in the configuration
        folds      TEXT NOT NULL,             -- what repeats have in common
        happened   INTEGER NOT NULL,          -- when, the first time
        times      INTEGER NOT NULL DEFAULT 1,
        follows    INTEGER NOT NULL DEFAULT 0, -- whether one like it was delivered before
        held       INTEGER NOT NULL,          -- by quiet hours
        not_before INTEGER NOT NULL,
        gives_up   INTEGER NOT NULL,
        tries      INTEGER NOT NULL DEFAULT 0,
        ended      INTEGER,                   -- when it was taken, or given up
        taken      INTEGER NOT NULL DEFAULT 0,
        record     TEXT NOT NULL
    ) STRICT;
    CREATE INDEX outbox_open ON outbox (receiver, not_before) WHERE ended IS NULL;
    CREATE INDEX outbox_repeats ON outbox (receiver, folds);
    CREATE TABLE receivers (
        name       TEXT PRIMARY KEY,
        process    INTEGER,                   -- the one that is delivering to it
        failures   INTEGER NOT NULL DEFAULT 0, -- in a row
        since      INTEGER,                   -- since when it takes nothing
        not_before INTEGER NOT NULL DEFAULT 0, -- when it is tried again
        taken      INTEGER,                   -- when it took something last
        why        TEXT                       -- why it took nothing
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE told_once (
        name TEXT PRIMARY KEY,                -- of what whoever sees it first tells
        at   INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

const THIRD: &str = "
    ALTER TABLE answers ADD COLUMN job INTEGER; -- the one that was started under the key
";

const FIRST: &str = "
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
";

/// The activity log as a chain, with where actions came from; tokens; answers that are given again; claims with a fence;
/// what is due; notes.
const SECOND: &str = "
    ALTER TABLE jobs ADD COLUMN fence INTEGER NOT NULL DEFAULT 1;     -- grows each time that the job is claimed
    ALTER TABLE jobs ADD COLUMN log_lines INTEGER NOT NULL DEFAULT 0; -- the number of its log's last line
    UPDATE jobs SET log_lines = coalesce((SELECT max(number) FROM log WHERE job = jobs.id), 0);

    ALTER TABLE activity ADD COLUMN came_from TEXT;
    ALTER TABLE activity ADD COLUMN request TEXT;
    ALTER TABLE activity ADD COLUMN hash BLOB;
    CREATE TABLE chain (
        head        INTEGER NOT NULL,         -- the number of the last entry
        hash        BLOB NOT NULL,            -- and its hash
        anchor      INTEGER NOT NULL,         -- the number of the last entry that was dropped
        anchor_hash BLOB NOT NULL             -- and its hash
    ) STRICT;
    INSERT INTO chain SELECT
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'activity'), 0), zeroblob(32),
        coalesce((SELECT min(number) - 1 FROM activity),
                 (SELECT seq FROM sqlite_sequence WHERE name = 'activity'), 0), zeroblob(32);

    CREATE TABLE tokens (
        name       TEXT PRIMARY KEY,
        hash       BLOB NOT NULL UNIQUE,      -- SHA-256 of its text
        role       TEXT NOT NULL,
        projects   TEXT NOT NULL,             -- a JSON list
        created    INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        expires    INTEGER,
        revoked    INTEGER,
        last_used  INTEGER
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE answers (
        who      TEXT NOT NULL,
        key      TEXT NOT NULL,
        digest   BLOB NOT NULL,               -- SHA-256 of what was asked
        at       INTEGER NOT NULL,
        process  INTEGER NOT NULL,            -- the one that works the answer out
        status   INTEGER,                     -- none until there is an answer
        body     TEXT,
        location TEXT,
        PRIMARY KEY (who, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX answers_by_age ON answers (at);

    CREATE TABLE due (
        environment TEXT NOT NULL,
        kind        TEXT NOT NULL,
        period      INTEGER NOT NULL,         -- when it became due
        not_before  INTEGER NOT NULL,         -- when it is tried
        process     INTEGER,                  -- the one that has claimed it
        fence       INTEGER NOT NULL DEFAULT 0, -- grows each time that it is claimed
        job         INTEGER,                  -- the job that serves it
        served      INTEGER,                  -- when; none while it has not been
        PRIMARY KEY (environment, kind, period)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX due_open ON due (kind, not_before) WHERE served IS NULL AND process IS NULL;
    CREATE INDEX due_claimed ON due (process) WHERE served IS NULL AND process IS NOT NULL;
    CREATE INDEX due_by_job ON due (job) WHERE job IS NOT NULL;

    CREATE TABLE notes (
        kind   TEXT NOT NULL,
        name   TEXT NOT NULL,
        at     INTEGER NOT NULL,
        record TEXT NOT NULL,
        PRIMARY KEY (kind, name)
    ) STRICT, WITHOUT ROWID;
";
