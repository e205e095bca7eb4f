//! Lifeboat backs up and recovers the Live environment of a Magnolia CMS, and shows it in a terminal cockpit.
//!
//! The rooms, from the bottom up; arrows point down only:
//!
//! - [`domain`]: the vocabulary and the rules, pure.
//! - [`engine`]: does the work.
//! - [`backend`]: the trait that cockpits and commands ask.
//! - [`server`]: the engine as a service, for cockpits on other machines.
//! - `certificates`: what is wrong with the certificate of whoever is connected to, in words.
//! - `secret`: reads a key or a token from where somebody keeps it.
//! - [`config`]: finds and reads the configuration file.
//! - [`tui`]: the cockpit.
//! - [`cli`]: the verbs.
//! - [`demo`]: the sandbox of `lifeboat demo`.
//!
//! Without the feature `engine` there is neither [`engine`] nor [`demo`]: what is left is a cockpit, and verbs, for
//! services elsewhere.

pub mod backend;
mod certificates;
pub mod cli;
pub mod config;
#[cfg(feature = "engine")]
pub mod demo;
pub mod domain;
#[cfg(feature = "engine")]
pub mod engine;
mod secret;
#[cfg(feature = "engine")]
pub mod server;
pub mod tui;
