//! The repository and files as content, from outside: against real folders, and against `restic` itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "repository/bucket_locks.rs"]
mod bucket_locks;
#[path = "repository/buckets.rs"]
mod buckets;
#[path = "repository/compare.rs"]
mod compare;
#[path = "repository/content.rs"]
mod content;
#[path = "repository/damage.rs"]
mod damage;
#[path = "repository/donated.rs"]
mod donated;
#[path = "repository/encrypted.rs"]
mod encrypted;
#[path = "repository/engine.rs"]
mod engine;
#[path = "repository/held.rs"]
mod held;
#[path = "repository/immutable.rs"]
mod immutable;
#[path = "repository/immutable_looks.rs"]
mod immutable_looks;
#[path = "repository/interop.rs"]
mod interop;
#[path = "repository/kept.rs"]
mod kept;
#[path = "repository/killed.rs"]
mod killed;
#[path = "repository/meddling.rs"]
mod meddling;
#[path = "repository/moving.rs"]
mod moving;
#[path = "repository/object_storage.rs"]
mod object_storage;
#[path = "repository/older.rs"]
mod older;
#[path = "repository/records.rs"]
mod records;
#[path = "repository/round_trip.rs"]
mod round_trip;
#[path = "repository/support.rs"]
mod support;
#[path = "repository/traffic.rs"]
mod traffic;
#[path = "repository/traps.rs"]
mod traps;
