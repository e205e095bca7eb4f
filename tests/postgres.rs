//! Live in a real PostgreSQL: a cluster that each test starts for itself, tables as Jackrabbit makes them, a data store in
//! a folder, and an engine that backs them up and brings them back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "postgres/access.rs"]
mod access;
#[path = "postgres/administered.rs"]
mod administered;
#[path = "postgres/changes.rs"]
mod changes;
#[path = "postgres/check.rs"]
mod check;
#[path = "postgres/clinging.rs"]
mod clinging;
#[path = "postgres/cluster_hindered.rs"]
mod cluster_hindered;
#[path = "postgres/clustered.rs"]
mod clustered;
#[path = "postgres/clusters.rs"]
mod clusters;
#[path = "postgres/counting.rs"]
mod counting;
#[path = "postgres/demo.rs"]
mod demo;
#[path = "postgres/drills.rs"]
mod drills;
#[path = "postgres/elsewhere.rs"]
mod elsewhere;
#[path = "postgres/exports.rs"]
mod exports;
#[path = "postgres/failures.rs"]
mod failures;
#[path = "postgres/fitting.rs"]
mod fitting;
#[path = "postgres/gate.rs"]
mod gate;
#[path = "postgres/hardened.rs"]
mod hardened;
#[path = "postgres/home_files.rs"]
mod home_files;
#[path = "postgres/home_switch.rs"]
mod home_switch;
#[path = "postgres/house.rs"]
mod house;
#[path = "postgres/indexing.rs"]
mod indexing;
#[path = "postgres/inside.rs"]
mod inside;
#[path = "postgres/interrupted.rs"]
mod interrupted;
#[path = "postgres/killed.rs"]
mod killed;
#[path = "postgres/left_behind.rs"]
mod left_behind;
#[path = "postgres/locked.rs"]
mod locked;
#[path = "postgres/made_like.rs"]
mod made_like;
#[path = "postgres/made_once.rs"]
mod made_once;
#[path = "postgres/off_the_path.rs"]
mod off_the_path;
#[path = "postgres/pages.rs"]
mod pages;
#[path = "postgres/parts.rs"]
mod parts;
#[path = "postgres/parts_killed.rs"]
mod parts_killed;
#[path = "postgres/parts_undone.rs"]
mod parts_undone;
#[path = "postgres/pool.rs"]
mod pool;
#[path = "postgres/pooler.rs"]
mod pooler;
#[path = "postgres/readers.rs"]
mod readers;
#[path = "postgres/records.rs"]
mod records;
#[path = "postgres/rights.rs"]
mod rights;
#[path = "postgres/room.rs"]
mod room;
#[path = "postgres/round_trip.rs"]
mod round_trip;
#[path = "postgres/row_digests.rs"]
mod row_digests;
#[path = "postgres/scene.rs"]
mod scene;
#[path = "postgres/sessions.rs"]
mod sessions;
#[path = "postgres/shared.rs"]
mod shared;
#[path = "postgres/sizes.rs"]
mod sizes;
#[path = "postgres/structure.rs"]
mod structure;
#[path = "postgres/taken.rs"]
mod taken;
#[path = "postgres/whole.rs"]
mod whole;
#[path = "postgres/without_lifeboat.rs"]
mod without_lifeboat;
#[path = "postgres/writers.rs"]
mod writers;
