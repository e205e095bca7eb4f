//! How a session with the server is set up, whatever an administrator has set for the user: nothing ends it while it is at
//! work, nothing is hidden from it, and texts are written as they are read here.
//!
//! A pooler between the two may give the server's session to others after every transaction. So nothing is done outside of
//! one, and each sets what it needs for itself alone: nothing of Lifeboat's stays behind for others, and nothing that others
//! have left behind matters.

use postgres::error::SqlState;
use postgres::{Client, IsolationLevel, SimpleQueryMessage, Transaction};
use tokio_postgres::Config;

/// What a session with the server itself begins with: name and value, as the server's options take them. Only what every
/// user may set. The last one means nothing to the server, and tells that it has heard of the others.
const SETTINGS: &str = "-c statement_timeout=0 -c lock_timeout=60s -c idle_in_transaction_session_timeout=0 \
     -c idle_session_timeout=0 -c row_security=off -c default_transaction_isolation=read\\ committed \
     -c default_transaction_deferrable=off -c synchronous_commit=local -c standard_conforming_strings=on \
     -c quote_all_identifiers=off -c lifeboat.heard=yes";

/// What a transaction begins with, for itself alone. Not every server knows the last two.
pub(super) const LOCAL: &str = "SET LOCAL role TO DEFAULT; SET LOCAL search_path TO DEFAULT; \
     SET LOCAL default_tablespace = ''; \
     SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = 0; \
     SET LOCAL row_security = off; SET LOCAL synchronous_commit = local; SET LOCAL standard_conforming_strings = on; \
     SET LOCAL quote_all_identifiers = off; \
     SELECT set_config('transaction_timeout', '0', true) WHERE current_setting('transaction_timeout', true) IS NOT NULL; \
     SELECT set_config(name, reset_val, true) FROM pg_settings WHERE name = 'default_table_access_method'";

/// What a session is set up with that lasts, where that cannot be asked for at the beginning.
pub(super) const BY_HAND: &str = "SET statement_timeout = 0; SET lock_timeout = '60s'; \
     SET idle_in_transaction_session_timeout = 0; SET row_security = off; \
     SELECT set_config('idle_session_timeout', '0', false) WHERE current_setting('idle_session_timeout', true) IS NOT NULL; \
     SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off; \
     SET synchronous_commit = local; SET standard_conforming_strings = on; SET quote_all_identifiers = off";

/// Asks whether the settings were heard, and for one that only newer servers have.
const LOOK: &str = "SELECT coalesce(current_setting('lifeboat.heard', true), ''), \
     coalesce(current_setting('transaction_timeout', true), '0')";

/// What to do about a pooler where a session has to last.
pub(super) const POOLED: &str = "between Lifeboat and the server stands a pooler such as PgBouncer, which gives the session to \
     others between two transactions, and this session has to last. Name the server itself, or a pool with pool_mode = session";

/// What to look at where a connection through a pooler is lost: it may have said why, and nobody has heard it.
pub(super) const CUT: &str = "a pooler such as PgBouncer stands in between, so look at its log as well, and at \
     idle_transaction_timeout and query_timeout in its settings";

/// What to do where statements of others are met.
pub(super) const MIXED: &str = "somebody else has left a prepared statement in the session, as happens behind a pooler such as \
     PgBouncer. Give Lifeboat a pool of its own (a user or an entry in [databases] that nobody else has)";

/// What to do about a pooler that takes no transaction.
pub(super) const BY_STATEMENT: &str = "between Lifeboat and the server stands a pooler such as PgBouncer that takes no \
     transactions (pool_mode = statement), and nothing can be held still without one. Name the server itself, or a pool with \
     pool_mode = transaction";

/// What is between Lifeboat and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// Nothing, or nothing that matters: what a session is asked for with holds until it ends.
    Nothing,
    /// Nothing, and the server is older than 14: it refuses sessions that ask for what it does not know.
    OlderServer,
    /// A pooler: nothing holds for longer than a transaction.
    Pooler,
}

/// A connection on which nothing is done outside of a transaction.
pub struct Session {
    client: Client,
}

impl Session {
    pub(super) fn on(client: Client) -> Self {
        Self { client }
    }

    /// Begins a transaction that has its settings to itself. It is taken back unless it is committed.
    ///
    /// # Errors
    /// What the server says.
    pub fn begin(&mut self) -> Result<Transaction<'_>, postgres::Error> {
        let mut transaction = self
            .client
            .build_transaction()
            .isolation_level(IsolationLevel::ReadCommitted)
            .deferrable(false)
            .start()?;
        transaction.batch_execute(LOCAL)?;
        Ok(transaction)
    }

    /// The connection, for whoever begins a transaction by hand.
    pub(super) fn into_client(self) -> Client {
        self.client
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// How a session is asked for that has the settings.
pub(super) fn asked_for(config: &Config) -> Config {
    with(config, SETTINGS)
}

/// How another program asks for one. `pg_dump` sets the others by itself, and the limit of a statement only with its second.
pub(super) fn kept_open(config: &Config, between: Option<Between>) -> Config {
    match between {
        Some(Between::Nothing) => with(config, "-c statement_timeout=0 -c idle_session_timeout=0"),
        Some(Between::OlderServer) => with(config, "-c statement_timeout=0"),
        Some(Between::Pooler) | None => config.clone(),
    }
}

fn with(config: &Config, settings: &str) -> Config {
    let mut asked = config.clone();
    let options = match config.get_options() {
        Some(options) => format!("{options} {settings}"),
        None => settings.to_owned(),
    };
    asked.options(options);
    asked
}

/// Who refused a session because of the settings: a pooler, which knows no such options, or a server that is too old for
/// one of them. `None`: the reason is another one.
pub(super) fn refused_by(error: &postgres::Error) -> Option<Between> {
    match error.code() {
        Some(&SqlState::PROTOCOL_VIOLATION) => Some(Between::Pooler),
        Some(&SqlState::UNDEFINED_OBJECT) => Some(Between::OlderServer),
        _ => None,
    }
}

/// Finds out whether the settings were heard. Somebody in between may have kept them to himself.
pub(super) fn heard(client: &mut Client) -> Result<Between, postgres::Error> {
    let told = client.simple_query(LOOK)?;
    match first(&told) {
        Some((Some("yes"), Some("0"))) => Ok(Between::Nothing),
        Some((Some("yes"), _)) => {
            client.batch_execute("SET transaction_timeout = 0")?;
            Ok(Between::Nothing)
        }
        _ => Ok(Between::Pooler),
    }
}

fn first(told: &[SimpleQueryMessage]) -> Option<(Option<&str>, Option<&str>)> {
    told.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.get(0), (row.len() > 1).then(|| row.get(1)).flatten())),
        _ => None,
    })
}

/// Whether a pooler takes transactions. One that does not ends the connection, though it has just taken a statement.
pub(super) fn takes_transactions(client: &mut Client) -> Result<bool, postgres::Error> {
    client.simple_query("SELECT 1")?;
    let taken = client
        .simple_query("BEGIN")
        .and_then(|_| client.simple_query("ROLLBACK"));
    match taken {
        Ok(_) => Ok(true),
        Err(error) if client.is_closed() || error.code() == Some(&SqlState::PROTOCOL_VIOLATION) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The number of the server's process that answers.
pub(super) fn id(client: &mut Client) -> Result<Option<String>, postgres::Error> {
    let told = client.simple_query("SELECT pg_backend_pid()")?;
    Ok(first(&told).and_then(|(id, _)| id).map(str::to_owned))
}
