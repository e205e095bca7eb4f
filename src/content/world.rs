//! What a place needs of the world outside, beside its settings.

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::settings::Variables;

/// A part of a name that nobody can guess, and that no other process comes by; or why there is none.
pub type Token = Arc<dyn Fn() -> Result<String, String> + Send + Sync>;

/// What a place needs of the world outside.
#[derive(Clone)]
pub struct World {
    /// Lifeboat's state folder: where commands of the configuration run, and where notes lie.
    pub state: PathBuf,
    /// The environment's variables.
    pub variables: Variables,
    /// Names for what is tried.
    pub token: Token,
}
