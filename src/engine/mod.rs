//! The engine does the work.

pub mod catalog;
