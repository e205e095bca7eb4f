//! The verbs, one file each: their arguments, what they ask of the backend, and how they print the answer.

pub mod activity;
pub mod approve;
pub mod backup;
pub mod backups;
pub mod browse;
pub mod cancel;
pub mod check;
pub mod completions;
pub mod confirm;
pub mod delete;
pub mod demo;
pub mod diff;
pub mod drill;
pub mod environments;
pub mod export;
pub mod extend;
pub mod find;
pub mod history;
pub mod hold;
pub mod info;
pub mod init;
pub mod jobs;
pub mod login;
mod looking;
pub mod man;
pub mod nodes;
pub mod notify;
pub mod pin;
pub mod plan;
#[cfg(feature = "engine")]
pub mod relocate;
pub mod report;
pub mod restore;
pub mod schedule;
#[cfg(feature = "engine")]
pub mod serve;
#[cfg(feature = "engine")]
pub mod token;
pub mod undo;
pub mod verify;

use clap::{CommandFactory, Subcommand};

use super::known::ENVIRONMENT;
use super::{Arguments, Call, CliError, plain};
use crate::domain::request::HoldKind;

/// Everything that can be asked for.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Try Lifeboat out in a sandbox with real content, a real engine and a past
    #[command(long_about = demo::LONG_ABOUT)]
    Demo(demo::DemoArguments),
    /// Ask a few questions and write a configuration and a repository key
    #[command(long_about = init::LONG_ABOUT)]
    Init(Box<init::InitArguments>),
    /// Say what works and what does not: repository, databases, rights, room, hooks, health
    #[command(long_about = check::LONG_ABOUT)]
    Check(check::CheckArguments),
    /// List the environments and how they stand
    Environments,
    /// List the backups of an environment: the four slots first
    Backups(backups::BackupsArguments),
    /// Show when automatic backups of an environment are due
    Schedule(schedule::ScheduleArguments),
    /// List jobs, or show one
    Jobs(jobs::JobsArguments),
    /// Show who did what, when, and how it ended
    Activity(activity::ActivityArguments),
    /// List the Lifeboats that share the catalog, their leases, and what each works on
    #[command(long_about = nodes::LONG_ABOUT)]
    Nodes,
    /// Show who is told while nobody looks and what waits for them, or send them a test message
    #[command(long_about = notify::LONG_ABOUT)]
    Notify(notify::NotifyArguments),
    /// Write down what happened in a restore, or that backups are taken, read back and drilled
    #[command(long_about = report::LONG_ABOUT)]
    Report(report::ReportArguments),
    /// Print which files and folders Lifeboat uses, its contexts, and what it is connected to; or the cockpit's keys
    Info(info::InfoArguments),
    /// Store the token for a service, after trying it
    #[command(long_about = login::LONG_ABOUT)]
    Login(login::LoginArguments),
    /// Show what is in a backup or in Live: instances, workspaces, nodes and their properties
    #[command(long_about = browse::LONG_ABOUT)]
    Browse(browse::BrowseArguments),
    /// Find nodes by name, path, id or text, in backups or in Live
    #[command(long_about = find::LONG_ABOUT)]
    Find(find::FindArguments),
    /// Show what happened to a node over all backups and Live
    #[command(long_about = history::LONG_ABOUT)]
    History(history::HistoryArguments),
    /// Show how two backups, or a backup and Live, differ
    #[command(long_about = diff::LONG_ABOUT)]
    Diff(diff::DiffArguments),
    /// Write a node and all below it into a file that Magnolia imports while it runs
    #[command(long_about = export::LONG_ABOUT)]
    Export(export::ExportArguments),
    /// Take a backup of Live by hand, or before an upgrade
    #[command(long_about = backup::LONG_ABOUT)]
    Backup(backup::BackupArguments),
    /// Work out what a restore would do, without touching Live
    #[command(long_about = plan::LONG_ABOUT)]
    Plan(plan::PlanArguments),
    /// Put a backup's content back into Live, after a safety backup of what is there
    #[command(long_about = restore::LONG_ABOUT)]
    Restore(restore::RestoreArguments),
    /// Agree to a restore that waits for another owner, and start it
    #[command(long_about = approve::LONG_ABOUT)]
    Approve(approve::ApproveArguments),
    /// End the wait of a restore for another owner: it is not done
    Reject(approve::RejectArguments),
    /// Go back to what Live was before the last restore
    #[command(long_about = undo::LONG_ABOUT)]
    Undo(undo::UndoArguments),
    /// Drop the tables that restores have replaced in the databases
    #[command(long_about = confirm::LONG_ABOUT)]
    Confirm(confirm::ConfirmArguments),
    /// Read backups back and compare every digest
    Verify(verify::VerifyArguments),
    /// Prove that a backup can be restored: restore it into a scratch place and compare it there
    #[command(long_about = drill::LONG_ABOUT)]
    Drill(drill::DrillArguments),
    /// Ask a running job to stop at its next safe point
    #[command(long_about = cancel::LONG_ABOUT)]
    Cancel(cancel::CancelArguments),
    /// Refuse restores of an environment until the protection is lifted
    Protect(hold::HoldArguments),
    /// Make the jobs of an environment wait until maintenance is over
    Maintenance(hold::HoldArguments),
    /// Keep an upgrade or safety backup for another 48 hours
    Extend(extend::ExtendArguments),
    /// Keep a backup on purpose, for ever or until a day
    #[command(long_about = pin::LONG_ABOUT)]
    Pin(pin::PinArguments),
    /// Let a pinned backup go again
    Unpin(pin::UnpinArguments),
    /// Delete an upgrade or safety backup before it expires
    #[command(long_about = delete::LONG_ABOUT)]
    Delete(delete::DeleteArguments),
    /// Let the next backup begin a new repository, since the one before is left behind or lost
    #[cfg(feature = "engine")]
    #[command(long_about = relocate::LONG_ABOUT)]
    Relocate(relocate::RelocateArguments),
    /// Keep the schedule, and serve this machine's engine to cockpits and programs elsewhere
    #[cfg(feature = "engine")]
    #[command(long_about = serve::LONG_ABOUT)]
    Serve,
    /// Make, list, renew and end the tokens that the service lets in
    #[cfg(feature = "engine")]
    #[command(long_about = token::LONG_ABOUT)]
    Token(token::TokenArguments),
    /// Print the completion script of a shell
    #[command(after_long_help = completions::AFTER)]
    Completions(completions::CompletionsArguments),
    /// Print the manual page, with every verb in it
    Man,
}

impl Verb {
    /// Whether it can run inside the cockpit in lines: it takes neither the whole terminal nor for ever.
    pub(super) fn works_in_lines(&self) -> bool {
        match self {
            Self::Demo(_) => false,
            #[cfg(feature = "engine")]
            Self::Serve => false,
            _ => true,
        }
    }
}

/// Whether there is a verb of this name.
pub(super) fn is_one(name: &str) -> bool {
    Arguments::command().find_subcommand(name).is_some()
}

/// Whether the verb of this name wants an environment before anything else.
pub(super) fn wants_environment(name: &str) -> bool {
    let command = Arguments::command();
    let first = command
        .find_subcommand(name)
        .and_then(|verb| verb.get_positionals().next());
    first.is_some_and(|first| {
        let names = first.get_value_names().unwrap_or_default();
        first.is_required_set() && names.iter().any(|name| name.as_str() == ENVIRONMENT)
    })
}

/// Whether these words, the verb first, are a command line.
pub(super) fn can_be_read(words: &[String]) -> bool {
    let line = std::iter::once("lifeboat").chain(words.iter().map(String::as_str));
    match Arguments::command().try_get_matches_from(line) {
        Ok(_) => true,
        // Help is asked for, or the version.
        Err(error) => !error.use_stderr(),
    }
}

/// Runs a verb, or the cockpit when there is none.
pub(super) async fn run(verb: Option<Verb>, call: &mut Call<'_>) -> Result<(), CliError> {
    let is_shown = matches!(verb, None | Some(Verb::Demo(_))) && !call.globals.plain;
    if (call.globals.record.is_some() || call.globals.mask) && !is_shown {
        return Err(CliError::usage(
            "--record and --mask are of the cockpit's pictures: leave the verb and --plain away, or use `lifeboat demo`",
        ));
    }
    match verb {
        // It runs verbs in its turn.
        None if call.globals.plain => Box::pin(plain::run(call)).await,
        None => cockpit(call).await,
        Some(Verb::Demo(arguments)) => demo::run(&arguments, call).await,
        Some(Verb::Init(arguments)) => init::run(&arguments, call).await,
        Some(Verb::Check(arguments)) => check::run(arguments, call).await,
        Some(Verb::Environments) => environments::run(call).await,
        Some(Verb::Backups(arguments)) => backups::run(&arguments, call).await,
        Some(Verb::Schedule(arguments)) => schedule::run(&arguments, call).await,
        Some(Verb::Jobs(arguments)) => jobs::run(arguments, call).await,
        Some(Verb::Activity(arguments)) => activity::run(&arguments, call).await,
        Some(Verb::Nodes) => nodes::run(call).await,
        Some(Verb::Notify(arguments)) => notify::run(arguments, call).await,
        Some(Verb::Report(arguments)) => report::run(arguments, call).await,
        Some(Verb::Info(arguments)) => info::run(&arguments, call).await,
        Some(Verb::Login(arguments)) => login::run(&arguments, call).await,
        Some(Verb::Browse(arguments)) => browse::run(arguments, call).await,
        Some(Verb::Find(arguments)) => find::run(arguments, call).await,
        Some(Verb::History(arguments)) => history::run(arguments, call).await,
        Some(Verb::Diff(arguments)) => diff::run(arguments, call).await,
        Some(Verb::Export(arguments)) => export::run(arguments, call).await,
        Some(Verb::Backup(arguments)) => backup::run(arguments, call).await,
        Some(Verb::Plan(arguments)) => plan::run(arguments, call).await,
        Some(Verb::Restore(arguments)) => restore::run(arguments, call).await,
        Some(Verb::Approve(arguments)) => approve::approve(arguments, call).await,
        Some(Verb::Reject(arguments)) => approve::reject(arguments, call).await,
        Some(Verb::Undo(arguments)) => undo::run(arguments, call).await,
        Some(Verb::Confirm(arguments)) => confirm::run(arguments, call).await,
        Some(Verb::Verify(arguments)) => verify::run(arguments, call).await,
        Some(Verb::Drill(arguments)) => drill::run(arguments, call).await,
        Some(Verb::Cancel(arguments)) => cancel::run(&arguments, call).await,
        Some(Verb::Protect(arguments)) => hold::run(arguments, HoldKind::Protection, call).await,
        Some(Verb::Maintenance(arguments)) => hold::run(arguments, HoldKind::Maintenance, call).await,
        Some(Verb::Extend(arguments)) => extend::run(&arguments, call).await,
        Some(Verb::Pin(arguments)) => pin::pin(arguments, call).await,
        Some(Verb::Unpin(arguments)) => pin::unpin(arguments, call).await,
        Some(Verb::Delete(arguments)) => delete::run(&arguments, call).await,
        #[cfg(feature = "engine")]
        Some(Verb::Relocate(arguments)) => relocate::run(arguments, call).await,
        #[cfg(feature = "engine")]
        Some(Verb::Serve) => serve::run(call).await,
        #[cfg(feature = "engine")]
        Some(Verb::Token(arguments)) => token::run(arguments, call).await,
        Some(Verb::Completions(arguments)) => completions::run(&arguments, call),
        Some(Verb::Man) => man::run(call),
    }
}

/// Opens the cockpit on a terminal.
async fn cockpit(call: &mut Call<'_>) -> Result<(), CliError> {
    if call.globals.json {
        return Err(CliError::usage(
            "the cockpit prints no JSON: add a verb, for example `lifeboat environments --json`",
        ));
    }
    if !call.outside.out_is_terminal || !call.outside.input_is_terminal {
        return Err(CliError::usage(
            "the cockpit needs a terminal for its screen and its keys: run it in one, or use a verb, for example `lifeboat environments`",
        ));
    }
    call.house.cockpit(&call.globals, call.outside).await
}
