//! Lifeboat backs up and recovers the Live environment of a Magnolia CMS, and shows it in a terminal cockpit.
//!
//! The rooms, from the bottom up; arrows point down only:
//!
//! - [`domain`]: the vocabulary and the rules, pure.
//! - [`engine`]: does the work.
//! - [`backend`]: the trait that cockpits and commands ask.
//! - [`server`]: the engine as a service, for cockpits on other machines.
//! - [`config`]: finds and reads the configuration file.
//! - [`tui`]: the cockpit.
//! - [`cli`]: the verbs.
//! - [`demo`]: the sandbox of `lifeboat demo`.

pub mod backend;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod engine;
#[cfg(feature = "engine")]
pub mod server;
pub mod tui;
