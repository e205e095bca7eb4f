//! How a session with the server is set up, whatever an administrator has set for the user: nothing ends it while it is at
//! work, nothing is hidden from it, and texts are written as they are read here. And whether the session is one at all:
//! a pooler may give it to others between two transactions.

use postgres::error::SqlState;
use postgres::{Client, SimpleQueryMessage};
use tokio_postgres::Config;

/// What a session begins with: name and value, as the server's options take them. Only what every user may set.
const SETTINGS: &str = "-c statement_timeout=0 -c lock_timeout=60s -c idle_in_transaction_session_timeout=0 \
     -c idle_session_timeout=0 -c row_security=off -c default_transaction_isolation=read\\ committed \
     -c default_transaction_deferrable=off -c synchronous_commit=local -c standard_conforming_strings=on -c quote_all_identifiers=off";

/// The same, where they cannot be asked for at the beginning.
pub(super) const BY_HAND: &str = "SET statement_timeout = 0; SET lock_timeout = '60s'; \
     SET idle_in_transaction_session_timeout = 0; SET idle_session_timeout = 0; SET row_security = off; \
     SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off; \
     SET synchronous_commit = local; SET standard_conforming_strings = on; SET quote_all_identifiers = off";

/// Asks whether the settings were heard, and for one that only newer servers have.
pub(super) const LOOK: &str =
    "SELECT current_setting('row_security'), coalesce(current_setting('transaction_timeout', true), '0')";

/// What to do about a pooler that gives sessions to others.
pub(super) const POOLED: &str = "between Lifeboat and the server stands a pooler such as PgBouncer, which gives the session to \
     others between two transactions: they would meet Lifeboat's settings, and Lifeboat theirs. Name the server itself, or a \
     pool with pool_mode = session";

/// How a session is asked for that has the settings.
pub(super) fn asked_for(config: &Config) -> Config {
    with(config, SETTINGS)
}

/// How another program asks for one. `pg_dump` sets the others by itself, and the limit of a statement only with its second.
pub(super) fn kept_open(config: &Config) -> Config {
    with(config, "-c statement_timeout=0 -c idle_session_timeout=0")
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

/// Whether a session was refused because of the settings: by a pooler, which knows no such options, or by a server that is
/// too old for one of them.
pub(super) fn is_refused(error: &postgres::Error) -> bool {
    is_pooler(error) || error.code() == Some(&SqlState::UNDEFINED_OBJECT)
}

/// Whether it was a pooler that refused it.
pub(super) fn is_pooler(error: &postgres::Error) -> bool {
    error.code() == Some(&SqlState::PROTOCOL_VIOLATION)
}

/// What has come of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// They hold.
    Settled,
    /// They hold, and this is to be said as well.
    Then(&'static str),
    /// Somebody in between has kept them to himself.
    Unheard,
}

/// Reads the answer to [`LOOK`].
pub(super) fn answer(told: &[SimpleQueryMessage]) -> Answer {
    let row = told.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    match row.map(|row| (row.get(0), row.get(1))) {
        Some((Some("off"), Some("0"))) => Answer::Settled,
        Some((Some("off"), _)) => Answer::Then("SET transaction_timeout = 0"),
        _ => Answer::Unheard,
    }
}

/// The number of the server's process that answers.
pub(super) fn id(client: &mut Client) -> Result<Option<String>, postgres::Error> {
    let told = client.simple_query("SELECT pg_backend_pid()")?;
    Ok(told.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}
