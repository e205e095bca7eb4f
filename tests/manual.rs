//! The manual and the program say the same: the reference is made from the program's own texts and compared, every setting
//! has its row, every metric its name, and every link leads to a place that there is.
//!
//! Verbs and actions in the manual's other pages are looked at in `house.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "manual/links.rs"]
mod links;
#[path = "manual/metrics.rs"]
mod metrics;
#[path = "manual/reference.rs"]
mod reference;
#[path = "manual/settings.rs"]
mod settings;
