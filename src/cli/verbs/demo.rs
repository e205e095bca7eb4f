//! `lifeboat demo`: a sandbox to try things out in.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{Call, CliError};

/// What `lifeboat demo --help` says first.
pub const LONG_ABOUT: &str = "\
Makes a sandbox with two projects, real content and a past of backups taken by the real engine, and opens \
the cockpit on it. Nothing outside the sandbox is touched, and it goes when the demo ends, unless --at keeps \
it.";

/// What `lifeboat demo` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DemoArguments {
    /// Play the whole story without a screen: back up, break Live, find what is gone and bring it back alone, restore,
    /// undo, compare. Exit code 0 only if the recovered content is identical
    #[arg(long)]
    pub headless: bool,
    /// Show it, step by step, inside the cockpit: Space does the next step for real and says why, Backspace goes back, and at any
    /// moment the cockpit is yours. It takes five minutes, and the sandbox 10 to 30 seconds before
    #[arg(long, conflicts_with = "headless")]
    pub tour: bool,
    /// Keep the content of acme/live in databases: starts a throw-away cluster from the PostgreSQL that is installed, which
    /// stops when the demo ends
    #[arg(long)]
    pub postgres: bool,
    /// Make the sandbox in this folder and keep it; says where its configuration, repository, key and content are
    #[arg(long, value_name = "DIR")]
    pub at: Option<PathBuf>,
}

pub(super) async fn run(arguments: &DemoArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let on_a_terminal = call.outside.out_is_terminal && call.outside.input_is_terminal;
    if arguments.tour && (call.globals.plain || call.globals.json || !on_a_terminal) {
        return Err(CliError::usage(
            "the tour goes through the cockpit, which needs a terminal and is not there with --plain or --json: --headless shows the same story in lines",
        ));
    }
    if !arguments.headless && arguments.at.is_none() && !on_a_terminal && !call.globals.plain {
        return Err(CliError::usage(
            "the demo opens the cockpit, which needs a terminal: add --plain for the cockpit in lines, or --headless to see it played",
        ));
    }
    call.house.demo(arguments, &call.globals, call.outside).await
}
