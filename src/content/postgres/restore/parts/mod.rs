//! Nodes that come back without the rest of their workspace: Live's tables with a part of them replaced, made in the staged
//! schema, read back, and exchanged for Live's as any staged tables are.
//!
//! - `tables`: whether the tables are such that their rows can be told apart; `sides`: both sides as trees.
//! - `plan`: what such a restore would do; `compose` and `rows`: the staged tables become Live's with the part
//!   replaced.
//! - `at_rest`: that nobody writes to Live between the first look and the exchange.
//!
//! Which nodes come and go is decided in `jcr::graft`, for the plan and for the restore alike.

mod at_rest;
pub(super) mod compose;
pub(super) mod plan;
mod rows;
pub(super) mod sides;
pub(super) mod tables;
