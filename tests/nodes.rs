//! Several Lifeboats on one PostgreSQL catalog: processes of their own, killed and stopped at random, as machines are.
//!
//! `window`: 10,000 Live environments that are due in one window, under a clock that runs faster. `takeover`: real
//! engines and real backups, in a folder and in a bucket. `LIFEBOAT_NODES_SEED` plays the same accidents again; `LIFEBOAT_NODES_ENVIRONMENTS` and
//! `LIFEBOAT_NODES_SECONDS` set how many environments there are and how long the window really takes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod changes;
#[allow(dead_code, reason = "the tests of the repository use the rest of it")]
#[path = "repository/object_storage.rs"]
mod object_storage;
#[path = "nodes/process.rs"]
mod process;
#[path = "nodes/takeover.rs"]
mod takeover;
#[path = "nodes/window.rs"]
mod window;
