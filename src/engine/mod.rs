//! The engine does the work.

pub mod catalog;
pub mod clock;
pub mod content;
pub mod watch;
