//! The service from outside: a real server on loopback, a real engine in a temporary folder, and plain HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod access;
mod document;
mod events;
mod house;
mod limits;
mod nonsense;
mod program;
mod routes;
mod stopping;
