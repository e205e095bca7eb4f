//! How work is shared out among threads: how much may be under way, and what is done side by side.
//!
//! It knows nothing of what is worked on.

pub(crate) mod byte_budget;
pub(crate) mod machine;
pub(crate) mod turnstile;
pub(crate) mod workers;

mod beside;

pub(crate) use beside::{beside, beside_while};
