//! What the server, a pooler or the connection to them says, as sentences that tell what to do.

use std::io::ErrorKind;

use postgres::error::SqlState;

use super::session;
use crate::domain::os_error::in_words;

/// What the server said, in one sentence: its message, its detail and its hint.
#[must_use]
pub fn sentence(error: &postgres::Error) -> String {
    let Some(told) = error.as_db_error() else {
        // Its last words may be lost with the connection.
        return if was_lost(error) {
            "the server ended the connection: look at its log, and whether it still runs".to_owned()
        } else {
            causes(error)
        };
    };
    let mut text = told.message().to_owned();
    // What hangs on something may be Live's, or somebody's: that it could all be dropped as well is no advice.
    let hint = told
        .hint()
        .filter(|_| told.code() != &SqlState::DEPENDENT_OBJECTS_STILL_EXIST);
    for more in [told.detail(), hint].into_iter().flatten() {
        text = format!("{text}; {}", more.trim_end_matches('.'));
    }
    match told.code().code() {
        "57014" if text.contains("statement timeout") => format!(
            "{text}: the server ends statements of this user too soon, so raise statement_timeout for it"
        ),
        "53300" => format!(
            "{text}: Lifeboat opens several connections at a time; `lifeboat check` says how many, so raise the limit of the \
             user, the database or the server, or lower connections"
        ),
        "25006" => format!(
            "{text}: the database takes no changes now; look at default_transaction_read_only of the user and the database, and \
             whether the server is the one that takes writes"
        ),
        "40001" => format!(
            "{text}: if the server is a standby it ends what hinders it from following; name the server that takes writes, or \
             raise max_standby_streaming_delay"
        ),
        "57P05" | "25P03" | "25P04" => format!("{text}: the server ends sessions of this user too soon"),
        "08P01" => format!(
            "{text}: that is what a pooler such as PgBouncer says. Its pool may have no room (pool_size, query_wait_timeout), it may \
             end what takes long (query_timeout, idle_transaction_timeout), or connect has options, which it does not take"
        ),
        "26000" | "42P05" => format!("{text}: {}", session::MIXED),
        "42501" => format!("{text}: the user of Lifeboat lacks a right; `lifeboat check` names it"),
        "23505" if text.contains("could not create unique index") => format!(
            "{text}: the index was corrupt when these rows were backed up, as happens when the C library of the database's \
             machine was updated. Take an older backup, or keep one of these rows in Live, type REINDEX TABLE, and back up anew"
        ),
        "53100" => format!("{text}: the database's disk is full"),
        _ => text,
    }
}

/// Whether there was a connection, and the other side has ended it.
pub(super) fn was_lost(error: &postgres::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    match system_error(error) {
        Some(kind) => matches!(kind, BrokenPipe | ConnectionReset | UnexpectedEof),
        None => error.is_closed(),
    }
}

/// What the operating system said, if the error is one of its.
pub(super) fn system_error(error: &postgres::Error) -> Option<ErrorKind> {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(system) = inner.downcast_ref::<std::io::Error>() {
            return Some(system.kind());
        }
        cause = inner.source();
    }
    None
}

/// An error with its causes: the library's own text often leaves out why.
pub(super) fn causes(error: &postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        if let Some(system) = inner.downcast_ref() {
            text = text.replace(&more, &in_words(system));
        }
        cause = inner.source();
    }
    text
}
