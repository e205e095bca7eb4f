//! What may be typed: the arguments that every verb takes. Those of each verb are in its own file.

use std::path::PathBuf;

use clap::{Args, Parser};

use super::verbs::Verb;

const ABOUT: &str = "Backs up and recovers the Live environment of a Magnolia CMS";

const LONG_ABOUT: &str = "\
Backs up and recovers the Live environment of a Magnolia CMS.

Without a verb it opens the cockpit: a full-screen terminal program that shows the backups of each Live environment, \
takes one by hand, and brings Live back from one. The verbs do the same for scripts and runbooks.";

/// Printed below `lifeboat --help` and in the manual.
const AFTER: &str = "\
Words:
  ENV      an environment, written PROJECT/ENVIRONMENT: acme/live
  BACKUP   an id, a unique beginning of one, a slot's name (monthly, weekly,
           daily, manual), \"upgrade\", \"safety\" or \"recent\" for the newest of
           those, or \"latest\" for the newest good one but safety backups

Verbs that start a job follow it to its end: with a progress bar on a
terminal, with plain lines elsewhere. Ctrl-C asks the job to stop at its next
safe point; pressed again, it leaves at once. With --detach the job goes on in
the background and its number is printed.

Exit codes:
  0   done
  1   failed
  2   wrong usage, or something wrong in the configuration
  3   refused by a rule; nothing was started. For plan: it cannot be done
  4   the backend is out of reach

Results go to standard output; progress, questions and errors go to standard
error. With --json a result is one object, and the last line of an error is
{\"error\": {\"kind\", \"message\", \"rule\", \"did_you_mean\"}}. --help and --version
print help and version; with --detach a job has its id alone.

Fields of the object that --json prints:
  check          findings works
  environments   environments
  backups        environment slots recent backups copies
                 second_repository_only instances replaced undo_way
                 last_verified last_drill last_proven trouble
  schedule       environment schedule begins_at slots recent
                 last_scheduled next_verify next_drill trouble
  jobs           jobs; for one job: job log
  activity       activity; with --verify: entries broken
  nodes          nodes
  notify         receivers; of test also works
  report         of a restore: form made job took_millis live_after_millis
                 phases backup safety work warnings activity;
                 of proof: form made since environments
  info           version config state cache contexts context read_only backend
                 problem; with --keys: keys problem
  login          context is_new token_file backend
  browse         node children versions
  find           found
  history        history
  diff           diff nodes
  export         export file bytes
  backup         job
  restore        job
  approve        job
  reject         environment rejected
  undo           job
  confirm        job
  verify         job
  drill          job
  cancel         job
  plan           plan can_be_done
  protect        environment hold on reason
  maintenance    environment hold on reason
  extend         environment backup trouble
  pin            environment backup trouble
  unpin          environment backup trouble
  delete         environment deleted trouble
  relocate       environment repository
  token          create and rotate: token text; list: tokens;
                 revoke: revoked
  completions    shell script
  man            man
  demo           with --headless: config repository password_file content
                 databases environments kept identical items bytes
                 undo_exchanges, and the _millis of each step
  init           config state repository password_file key_is_new
                 environments instances; with --sample: sample

Environment variables:
  LIFEBOAT_CONFIG   the configuration file, unless --config names one
  LIFEBOAT_STATE    the folder for jobs, activity and locks
  NO_COLOR          no colours in the cockpit";

/// The whole command line.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "lifeboat",
    version,
    about = ABOUT,
    long_about = LONG_ABOUT,
    after_long_help = AFTER,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    disable_help_subcommand = true
)]
pub struct Arguments {
    /// What every verb takes.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do; the cockpit when there is none.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// The arguments that every verb takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Globals {
    /// Print one JSON object instead of text
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Lines instead of pictures, for screen readers and plain terminals: without a verb, the cockpit with numbered choices
    #[arg(long, global = true, help_heading = "Global options")]
    pub plain: bool,
    /// Record what the cockpit shows in this new file, which `asciinema play` plays
    #[arg(long, value_name = "FILE", help_heading = "Options of the cockpit")]
    pub record: Option<PathBuf>,
    /// Hide projects, people, notes, addresses and folders, for showing it to others
    #[arg(long, help_heading = "Options of the cockpit")]
    pub mask: bool,
    /// The context of the configuration to work in, instead of its default
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub context: Option<String>,
    /// The configuration file to use; for `init`, the one to write
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub config: Option<PathBuf>,
}
