//! The vocabulary and the rules of Lifeboat, as plain types and pure functions.
//!
//! Nothing in here reads a file, a clock or the environment: time is an argument, and so is every fact about the
//! world. That makes the rules (which backup holds a slot, what is due, what may be dropped, what is refused) easy to
//! test over thousands of made-up histories, and the same in the cockpit, on the command line and in the service.
//!
//! Not in here: how a backup is made or restored (`engine`), and how anything looks (`tui`, `cli`).

pub mod activity;
pub mod address;
pub mod ahead;
pub mod answer;
pub mod approval;
mod as_text;
pub mod backup;
pub mod caller;
pub mod check;
pub mod choice;
pub mod columns;
pub mod copies;
pub mod deed;
pub mod earlier;
pub mod elsewhere;
pub mod environment;
pub mod event;
pub mod examples;
pub mod explore;
pub mod free_text;
pub mod integrity;
pub mod job;
pub mod job_state;
pub mod lifeboat_node;
pub mod limit;
pub mod limited;
pub mod measure;
pub mod milestone;
pub mod nearest;
pub mod newer;
pub mod notify;
pub mod os_error;
pub mod pin;
pub mod plan;
pub mod principal;
pub mod printable;
pub mod proof;
pub mod reading_turns;
pub mod recent;
pub mod recovery;
pub mod refusal;
pub mod replaced;
pub mod report;
pub mod request;
pub mod retention;
pub mod schedule;
#[cfg(feature = "engine")]
mod schema;
pub mod selection;
pub mod settings;
pub mod shell;
pub mod shrinking;
pub mod slot;
pub mod staleness;
pub mod state;
pub mod stop;
pub mod stopping;
pub mod storage;
pub mod target;
pub mod token;
pub mod undo_left;
pub mod undoing;
pub mod version;
pub mod waiting_line;
mod workspace_change;

#[cfg(test)]
pub(crate) mod histories;

/// The one notion of time in Lifeboat: an instant in UTC. The service's windows, periods and records are all in UTC.
pub type Instant = chrono::DateTime<chrono::Utc>;
