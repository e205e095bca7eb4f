//! The command line from outside: every verb on made-up data, text and JSON; errors and exit codes; the program itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod answers;
mod data;
mod errors;
mod fixture;
mod following;
mod harness;
mod help;
mod init;
mod program;
#[path = "../service/mod.rs"]
mod service;
