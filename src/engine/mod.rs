//! The engine does the work.

pub mod catalog;
pub mod clock;
mod command;
pub mod content;
pub mod repository;
pub mod watch;
