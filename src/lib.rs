//! Lifeboat backs up and recovers the Live environment of a Magnolia CMS, and shows it in a terminal cockpit.
//!
//! The rooms, from the bottom up; arrows point down only:
//!
//! - [`domain`]: the vocabulary and the rules, pure.
//! - `concurrency`, `disk`, [`clock`], [`random`], [`watch`]: how work is shared out, what is asked of a file system, and
//!   the world outside, which tests replace.
//! - `certificates`: what is wrong with the certificate of whoever is connected to, in words.
//! - `secret`: reads a key or a token from where somebody keeps it.
//! - [`config`]: finds and reads the configuration file.
//! - [`jcr`]: what a node of a content repository is, whatever keeps it: Jackrabbit's bundles, XML, what holds between nodes.
//! - [`content`]: what an instance holds, and how it is read and staged: one folder a kind.
//! - [`repository`]: what is kept, in restic's format. [`catalog`]: what is remembered of jobs. Neither knows the other.
//! - [`engine`]: does the work. Where a restore switches is `engine/restore/switching.rs`.
//! - [`backend`]: the trait that cockpits and commands ask.
//! - [`server`]: the engine as a service, for cockpits on other machines.
//! - [`tui`]: the cockpit.
//! - [`cli`]: the verbs.
//! - [`demo`]: the sandbox of `lifeboat demo`.
//!
//! Without the feature `engine` there is neither [`engine`], what it is made of, nor [`demo`]: what is left is a cockpit, and verbs, for
//! services elsewhere.

pub mod backend;
#[cfg(feature = "engine")]
pub mod catalog;
mod certificates;
pub mod cli;
#[cfg(feature = "engine")]
pub mod clock;
#[cfg(feature = "engine")]
mod concurrency;
pub mod config;
#[cfg(feature = "engine")]
pub mod content;
#[cfg(feature = "engine")]
pub mod demo;
#[cfg(feature = "engine")]
mod disk;
pub mod domain;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "engine")]
pub mod jcr;
#[cfg(feature = "engine")]
pub mod random;
#[cfg(feature = "engine")]
pub mod repository;
mod secret;
#[cfg(feature = "engine")]
pub mod server;
pub mod tui;
#[cfg(feature = "engine")]
pub mod watch;
