//! The cockpit: a full-screen terminal program over any [`Backend`].
//!
//! One direction, and no lock that drawing shares with anything:
//!
//! ```text
//! bytes → decode → presses → key::Input → action (the one table) → update → Effect → Backend, in a task
//!                                                                  ↑                  │
//!                                  paint ← view ← model ←──────────┴──── Message ←────┘
//! ```
//!
//! - `model` is what is shown; `update` is the only thing that changes it, `view` the only thing that draws it, and
//!   both are pure.
//! - [`action`] is the one table of what can be done, with which keys and in which words.
//! - [`theme`] is the one file that names colours.
//! - `question` is what is asked about what is inside a backup: what is on the screen and not here yet.
//! - [`tour`] is the path of `lifeboat demo --tour`.
//! - `effects` runs calls to the backend; `run` is the loop; [`display`], [`paint`] and `terminal` are the way to the
//!   screen.

pub mod action;
pub mod beyond;
pub mod clipboard;
mod collecting;
mod command;
pub mod decode;
pub mod display;
mod effects;
mod exporting;
pub mod key;
mod mask;
mod message;
mod model;
pub mod paint;
pub mod presses;
mod question;
mod recording;
mod run;
mod settings;
mod terminal;
pub mod terminal_call;
pub mod theme;
pub mod tour;
mod update;
mod view;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc::unbounded_channel;

pub use self::model::looks::LastView;
use self::recording::Recorded;
pub use self::run::{Carried, Left, run_among, run_on};
pub use self::settings::{
    Care, Clock, CockpitError, CockpitSettings, ContextChoice, Contexts, Elsewhere, Ended, OneContext,
    Showing,
};
use self::terminal::{PanicGuard, Terminal};
use crate::backend::Backend;

/// Runs the cockpit in the terminal of this process until its user quits or a signal ends it. The terminal is as it
/// was afterwards, whatever happened. `contexts` opens those that its user goes over to.
pub async fn run(
    backend: Arc<dyn Backend>,
    settings: CockpitSettings,
    contexts: &mut dyn Contexts,
) -> Result<(), CockpitError> {
    let (sender, inputs) = unbounded_channel();
    let _guard = PanicGuard::new(sender.clone());
    let asks = settings.asks_background && settings.theme.follows_the_background();
    // A file that cannot be written is told before the terminal is taken.
    let cast = match &settings.showing.record {
        Some(file) => Some((
            file.clone(),
            recording::create(file).map_err(told(file, "cannot be begun"))?,
        )),
        None => None,
    };
    let mut terminal = Terminal::take(settings.mouse, asks, &sender)?;
    terminal::listen(&sender)?;
    let Some((path, cast)) = cast else {
        return run_among(&mut terminal, inputs, backend, settings, contexts).await;
    };
    let mut recorded = Recorded::begin(terminal, cast, Arc::clone(&settings.clock))
        .map_err(told(&path, "cannot be begun"))?;
    let left = run_among(&mut recorded, inputs, backend, settings, contexts).await;
    let ended = recorded.end().map_err(told(&path, "has ended early"));
    left.and(ended)
}

/// Whether a recording can be begun in a file: for whoever has long work to do before the cockpit opens. The file is not there
/// afterwards either.
///
/// # Errors
/// [`CockpitError::Recording`] where it is there already, or cannot be written.
pub fn can_record(file: &Path) -> Result<(), CockpitError> {
    recording::create(file)
        .and_then(|_| std::fs::remove_file(file))
        .map_err(told(file, "cannot be begun"))
}

/// The error of a recording.
fn told(file: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> CockpitError {
    let file = file.to_owned();
    move |error| CockpitError::Recording { file, what, error }
}
