//! What the cockpit needs from beyond the screen and its backend: the machine's zone, a place for what is saved, and the
//! configuration as it is now. All of it comes from the caller; a cockpit that is given nothing shows UTC and saves nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{FixedOffset, Offset as _, Utc};

use super::action::Keymap;
use super::model::looks::LastView;
use super::settings::ContextChoice;
use super::terminal_call::Calling;
use super::theme::{Accent, ThemeChoice};
use crate::domain::Instant;

/// Tells how far the machine's own time is from UTC at a moment.
pub type Offset = Arc<dyn Fn(Instant) -> FixedOffset + Send + Sync>;
/// Keeps what is on the screen for the next start.
pub type Keep = Arc<dyn Fn(&LastView) + Send + Sync>;
/// Writes a file of this name with this text; gives where it is, or the sentence that says why not. Never replaces a file.
pub type Save = Arc<dyn Fn(&str, &str) -> Result<String, String> + Send + Sync>;
/// Looks what has become of the configuration since it was last looked at.
pub type Reread = Arc<dyn Fn(Look) -> Found + Send + Sync>;

/// What is beyond.
#[derive(Clone)]
pub struct Beyond {
    /// The machine's zone.
    pub offset: Offset,
    /// For the next start.
    pub keep: Keep,
    /// For lists, logs and pages.
    pub save: Save,
    /// The folder that a file goes into whose name has none, where there is one.
    pub folder: Option<String>,
    /// The configuration.
    pub reread: Reread,
    /// Its file, where there is one.
    pub configuration: Option<ConfigurationFile>,
    /// How long it is from one look at the configuration to the next, where there is one.
    pub look_every: Option<Duration>,
}

impl Default for Beyond {
    fn default() -> Self {
        Self {
            offset: Arc::new(|_| Utc.fix()),
            keep: Arc::new(|_| ()),
            save: Arc::new(|_, _| Err("there is no place for files here".to_owned())),
            folder: None,
            reread: Arc::new(|_| Found::Same),
            configuration: None,
            look_every: None,
        }
    }
}

impl fmt::Debug for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beyond").finish_non_exhaustive()
    }
}

/// The file of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationFile {
    /// Where it is.
    pub path: String,
    /// When it was last read; `None`: when the cockpit began.
    pub read: Option<Instant>,
}

/// How the configuration is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Read it if its file has changed, and has stayed the same for a look: whoever writes it may not be done.
    OnceSettled,
    /// Read it as it is now: somebody wants to know.
    Now,
}

/// What has become of the configuration.
#[derive(Debug)]
pub enum Found {
    /// It is as it was, and can be used.
    Same,
    /// It has changed.
    Changed(Box<Changed>),
    /// It cannot be used as it is now: the sentence says why. What was read before stays in use.
    Wrong(String),
}

/// What is new in the configuration, as far as a cockpit that runs takes it over.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Which colours.
    pub theme: ThemeChoice,
    /// The colour of the context's name.
    pub accent: Option<Accent>,
    /// The keys of all actions.
    pub keys: Arc<Keymap>,
    /// The contexts that can be gone over to.
    pub contexts: Vec<ContextChoice>,
    /// After how long without a key everything is hidden.
    pub idle_lock: Option<Duration>,
    /// How somebody is called.
    pub calling: Calling,
    /// What has changed that needs the context to be opened anew, in a few words each.
    pub waits: Vec<String>,
}
