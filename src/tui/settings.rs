//! What a cockpit is started with. All of it comes from the caller: nothing in here reads a file, the environment or a
//! clock.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::action::Keymap;
use super::beyond::Beyond;
use super::clipboard::Clipboard;
use super::model::looks::LastView;
use super::terminal_call::Calling;
use super::theme::{Accent, Background, ThemeChoice};
use crate::backend::Backend;
use crate::domain::Instant;
use crate::domain::os_error::in_words;
use crate::domain::state::EnvironmentSummary;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// How a cockpit looks and what it may do.
#[derive(Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as the configuration and the command line have it"
)]
pub struct CockpitSettings {
    /// The name of the context it works on, shown in the header.
    pub context: String,
    /// Whether every action that changes something is refused.
    pub read_only: bool,
    /// The colour of the context's name.
    pub accent: Option<Accent>,
    /// Which colours. The caller chooses [`ThemeChoice::Monochrome`] where `NO_COLOR` is set.
    pub theme: ThemeChoice,
    /// What the terminal is taken to write on, until it has said so itself.
    pub background: Background,
    /// Whether the terminal can be asked what it writes on: one that does not know the question must not show it.
    pub asks_background: bool,
    /// Whether to draw with ASCII symbols only, for terminals that are not in UTF-8.
    pub ascii: bool,
    /// Whether to take clicks and the wheel. The terminal then no longer selects text by itself.
    pub mouse: bool,
    /// Whether this is the sandbox of `lifeboat demo`, said in the header before the backend has answered.
    pub demo: bool,
    /// The contexts that can be gone over to, this one among them. Empty where there is no choice.
    pub contexts: Vec<ContextChoice>,
    /// What can be asked of the other contexts while this one is open.
    pub elsewhere: Option<Arc<dyn Elsewhere>>,
    /// After how long without a key everything is hidden. `None`: never.
    pub idle_lock: Option<Duration>,
    /// Something to say at once, such as why another context could not be opened.
    pub notice: Option<String>,
    /// The keys of all actions.
    pub keys: Arc<Keymap>,
    /// What leads a command from a shell to this configuration and context: options, as words.
    pub command: Vec<String>,
    /// How somebody is called when a job that they began ends while they look at another window.
    pub calling: Calling,
    /// What was on the screen when the cockpit was last left.
    pub last_view: Option<LastView>,
    /// What is beyond the screen.
    pub beyond: Beyond,
    /// How it is shown to others.
    pub showing: Showing,
    /// What puts text on the clipboard.
    pub clipboard: Clipboard,
    /// What makes an answer count.
    pub care: Care,
    /// Tells the time.
    pub clock: Clock,
}

/// How a cockpit is shown to others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Showing {
    /// The new file that what is shown is recorded in.
    pub record: Option<PathBuf>,
    /// Whether names are hidden.
    pub mask: bool,
    /// How long the tour waits between two presses, where one is given.
    pub tour: Option<Duration>,
    /// Whether what the tour goes through is kept when it ends.
    pub is_kept: bool,
}

/// What makes an answer count: that it was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Care {
    /// How long something has been on the screen before an answer to it counts.
    pub shown_for: Duration,
    /// How long nothing may have come before the answer to a question.
    pub quiet_before: Duration,
    /// How long nothing may have come before Enter that leads on from a plan, or where something is typed and keys came in one go.
    pub quiet_before_enter: Duration,
    /// The same before Enter where text came in one go that nobody typed.
    pub quiet_after_text: Duration,
    /// One of a few pauses in a row is this long where somebody types. Keys that keep closer together come from a line or a
    /// program.
    pub typed_no_faster: Duration,
    /// How long nothing may come after an answer for it to count.
    pub alone_for: Duration,
    /// The same for an answer after which something is lost for good.
    pub alone_for_good: Duration,
    /// How long the selection has to rest on an environment before the right side follows: moving through the list then
    /// draws the list only.
    pub selection_rests: Duration,
    /// How long what is typed into a search has to rest before it is looked for.
    pub typing_rests: Duration,
}

impl Default for Care {
    /// As a person at a keyboard needs it.
    fn default() -> Self {
        Self {
            shown_for: Duration::from_millis(200),
            quiet_before: Duration::from_millis(500),
            quiet_before_enter: Duration::from_millis(180),
            quiet_after_text: Duration::from_millis(700),
            typed_no_faster: Duration::from_millis(100),
            alone_for: Duration::from_millis(100),
            alone_for_good: Duration::from_millis(250),
            selection_rests: Duration::from_millis(120),
            typing_rests: Duration::from_millis(250),
        }
    }
}

impl Care {
    /// Every answer counts once the question is on the screen, for those that answer as quickly as they can.
    pub const LEAST: Self = Self {
        shown_for: Duration::ZERO,
        quiet_before: Duration::ZERO,
        quiet_before_enter: Duration::ZERO,
        quiet_after_text: Duration::ZERO,
        typed_no_faster: Duration::ZERO,
        alone_for: Duration::ZERO,
        alone_for_good: Duration::ZERO,
        selection_rests: Duration::from_millis(120),
        typing_rests: Duration::from_millis(250),
    };
}

/// A context that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextChoice {
    /// Its name.
    pub name: String,
    /// Where it leads to, in words.
    pub leads_to: String,
    /// Whether it leads to a service, which can be asked while another context is open.
    pub is_a_service: bool,
    /// Whether nothing can be changed through it.
    pub read_only: bool,
    /// The colour of its name.
    pub accent: Option<Accent>,
}

impl CockpitSettings {
    /// Whether the active context leads to a service, which has a configuration of its own.
    #[must_use]
    pub fn leads_to_a_service(&self) -> bool {
        let active = self.contexts.get(self.place_among_contexts());
        active.is_some_and(|active| active.is_a_service)
    }

    /// The number of the active context among those that can be chosen.
    #[must_use]
    pub fn place_among_contexts(&self) -> usize {
        let is_this = |choice: &ContextChoice| choice.name == self.context;
        self.contexts.iter().position(is_this).unwrap_or(0)
    }
}

/// Opens other contexts while the cockpit runs.
#[async_trait]
pub trait Contexts: Send {
    /// Closes the context that is open and opens another one.
    ///
    /// # Errors
    /// A sentence that says why it cannot be opened; the one that was open stays so.
    async fn change(&mut self, name: &str) -> Result<(Arc<dyn Backend>, CockpitSettings), String>;
}

/// Asks other contexts while one is open.
#[async_trait]
pub trait Elsewhere: Send + Sync {
    /// The environments of a context.
    ///
    /// # Errors
    /// A sentence that says why it cannot be reached.
    async fn environments(&self, context: &str) -> Result<Vec<EnvironmentSummary>, String>;
}

/// There is no other context.
#[derive(Debug)]
pub struct OneContext;

#[async_trait]
impl Contexts for OneContext {
    async fn change(&mut self, name: &str) -> Result<(Arc<dyn Backend>, CockpitSettings), String> {
        Err(format!("there is no context \"{name}\" here"))
    }
}

impl fmt::Debug for CockpitSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CockpitSettings")
            .field("context", &self.context)
            .field("read_only", &self.read_only)
            .field("theme", &self.theme)
            .field("demo", &self.demo)
            .finish_non_exhaustive()
    }
}

/// Why a cockpit ended other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum CockpitError {
    /// The terminal could not be read from or written to.
    #[error(
        "the terminal cannot be used ({}): start the cockpit in a terminal, or use the commands of `lifeboat --help`",
        in_words(.0)
    )]
    Terminal(#[from] std::io::Error),
    /// What is shown cannot be recorded, or not to the end.
    #[error("the recording {} {what}: {}", .file.display(), in_words(error))]
    Recording {
        /// Where it was to be.
        file: PathBuf,
        /// What became of it.
        what: &'static str,
        /// Why.
        error: std::io::Error,
    },
    /// Nobody chose to leave it. The terminal has been given back, where there still is one.
    #[error("{0}")]
    Ended(Ended),
}

/// What ended a cockpit that nobody chose to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A signal asked the process to end.
    Asked,
    /// The terminal went away: the line to it was cut, or it was closed.
    TerminalGone,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "ended by a signal",
            Self::TerminalGone => "the terminal went away",
        })
    }
}
