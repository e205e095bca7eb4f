//! The command line from outside: every verb on made-up data, text and JSON; errors and exit codes; the program itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod answers;
mod asked;
#[path = "../changes/mod.rs"]
mod changes;
mod checked;
mod chosen;
mod deleting;
mod errors;
mod exported;
mod following;
mod harness;
mod help;
mod init;
mod looked_into;
#[path = "../made_up/mod.rs"]
mod made_up;
mod next_steps;
#[allow(dead_code, reason = "the tests of the repository use the rest of it")]
#[path = "../repository/object_storage.rs"]
mod object_storage;
mod plain;
mod plain_said;
mod program;
mod replaced;
#[path = "../service/mod.rs"]
mod service;
mod taking;
