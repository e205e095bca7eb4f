//! What an embedded backend is told beside the engine's settings.

use std::sync::Arc;

use crate::domain::environment::EnvironmentName;

/// Breaks Live for real, in the sandbox of the demo, and says what it broke.
pub type BreakLive = dyn Fn(&EnvironmentName) -> Result<String, String> + Send + Sync;

/// What an embedded backend is told beside the engine's settings.
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// Who is at the keyboard, for the activity log.
    pub user: String,
    /// Whether to keep the schedule while this backend is open.
    pub keep_schedule: bool,
    /// In the demo: how Live is broken.
    pub break_live: Option<Arc<BreakLive>>,
}
