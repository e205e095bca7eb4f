//! Where the engine gets randomness from: ids that nobody can guess are made of it. Tests may give it numbers of their
//! own.

use std::sync::Arc;

/// Fills a buffer with random bytes, or says why it cannot.
pub type Random = Arc<dyn Fn(&mut [u8]) -> Result<(), String> + Send + Sync>;

/// The operating system's random numbers.
#[must_use]
pub fn system() -> Random {
    Arc::new(|bytes| {
        getrandom::fill(bytes).map_err(|error| format!("the system gave no random numbers: {error}"))
    })
}
