//! Live in a real PostgreSQL: a cluster that each test starts for itself, tables as Jackrabbit makes them, a data store in
//! a folder, and an engine that backs them up and brings them back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "postgres/check.rs"]
mod check;
#[path = "postgres/house.rs"]
mod house;
#[path = "postgres/round_trip.rs"]
mod round_trip;
