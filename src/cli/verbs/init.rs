//! `lifeboat init`: asks a few questions and writes a configuration that works at once, and a key.
//!
//! Every question can be answered by an argument, so that it can be scripted. Nothing that exists is overwritten.

mod answers;
mod checks;
mod databases;
mod homes;
mod storage;
mod write;

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use self::answers::{Answers, NamedFolder};
use self::databases::Named;
use crate::cli::left_off::LeavesAtOnce;
use crate::cli::{Call, CliError};
use crate::config::{Config, SAMPLE};

/// What `lifeboat init --help` says first.
pub const LONG_ABOUT: &str = "\
Asks a few questions and writes a configuration that works at once, and a random key for the repository. \
Nothing that exists is overwritten. Every question can be answered by an argument; with --yes, or without a \
terminal, nothing is asked and the defaults count for the rest.";

/// What `lifeboat init` takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct InitArguments {
    /// The project: the customer's installation that the environments belong to
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// The name of the Live environment in the project [default: live]
    #[arg(long, value_name = "NAME")]
    pub live: Option<String>,
    /// The name of a UAT environment, listed and never backed up; may be given several times
    #[arg(long, value_name = "NAME")]
    pub uat: Vec<String>,
    /// The name of an Integration environment, listed and never backed up; may be given several times
    #[arg(long, value_name = "NAME")]
    pub integration: Vec<String>,
    /// An instance of Live and the folder with its workspaces, or the home of its repository; "author" is the author, every
    /// other one is a public. May be given several times
    #[arg(long = "instance", value_name = "NAME=DIR")]
    pub instances: Vec<NamedFolder>,
    /// An instance of Live whose content is in a PostgreSQL database, and how that is reached, without a password. May be
    /// given several times
    #[arg(long, value_name = "NAME=CONNECT")]
    pub postgres: Vec<Named>,
    /// The schema that holds the tables of an instance [default: public]
    #[arg(long = "schema", value_name = "NAME=SCHEMA")]
    pub schemas: Vec<Named>,
    /// The file whose first line is the password of an instance's database
    #[arg(long = "password-file", value_name = "NAME=FILE")]
    pub password_files: Vec<Named>,
    /// The certificates that vouch for the server of an instance's database; with them the connection is encrypted
    #[arg(long = "database-ca-file", value_name = "NAME=FILE")]
    pub database_ca_files: Vec<Named>,
    /// The folder of an instance's data store, when its binaries are in one
    #[arg(long = "data-store", value_name = "NAME=DIR")]
    pub data_stores: Vec<Named>,
    /// The home of an instance's repository, the folder with repository and workspaces in it, when it is on this machine
    #[arg(long = "home", value_name = "NAME=DIR")]
    pub homes: Vec<Named>,
    /// A folder of an instance's search indexes, which a restore removes; {workspace} stands for each workspace's name. May
    /// be given several times
    #[arg(long = "search-index", value_name = "NAME=PATTERN")]
    pub search_indexes: Vec<Named>,
    /// The command that stops the server of an instance whose folder is the home of a repository on H2 or Derby, for its
    /// hooks
    #[arg(long = "stop", value_name = "NAME=COMMAND")]
    pub stops: Vec<Named>,
    /// The command that starts it again
    #[arg(long = "start", value_name = "NAME=COMMAND")]
    pub starts: Vec<Named>,
    /// The deployed release of Live, or @FILE for a file whose first line says it
    #[arg(long, value_name = "TEXT|@FILE")]
    pub release_version: Option<String>,
    /// The version of Magnolia in Live, or @FILE for a file whose first line says it
    #[arg(long, value_name = "TEXT|@FILE")]
    pub magnolia_version: Option<String>,
    /// The folder that the backups are kept in, or a part of a bucket in object storage, which is tried first
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX")]
    pub repository: Option<String>,
    /// The address of the object storage [default: Amazon's own]
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// The region that the bucket is in [default: us-east-1]
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
    /// The certificates of a private authority that vouch for the object storage [default: those of the system]
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The file whose first line is the id of the access key.
    #[arg(
        long,
        value_name = "FILE",
        help = "The file whose first line is the id of the access key [default: the variable AWS_ACCESS_KEY_ID]"
    )]
    pub access_key_id_file: Option<PathBuf>,
    /// The file whose first line is the secret access key.
    #[arg(
        long,
        value_name = "FILE",
        help = "The file whose first line is the secret access key [default: the variable AWS_SECRET_ACCESS_KEY]"
    )]
    pub secret_access_key_file: Option<PathBuf>,
    /// Find the keys as Amazon's tools do: a profile, a web identity, the machine's role
    #[arg(long, conflicts_with_all = ["access_key_id_file", "secret_access_key_file"])]
    pub aws_keys: bool,
    /// The file for the repository's key; one that exists is used as it is
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Ask nothing
    #[arg(long, short)]
    pub yes: bool,
    /// Print a configuration with every setting explained, and write nothing
    #[arg(long)]
    pub sample: bool,
}

pub(super) async fn run(arguments: &InitArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    if arguments.sample {
        if call.globals.json {
            return call.json(&json!({ "sample": SAMPLE }));
        }
        call.outside.out.write_all(SAMPLE.as_bytes())?;
        return Ok(());
    }
    call.house.engine_for("`lifeboat init`")?;
    let config = call.house.config_file(&call.globals)?;
    if config.exists() {
        return Err(CliError::usage(format!(
            "{} exists already and is not overwritten: edit it, move it away, or name another file with --config",
            config.display()
        )));
    }
    let leaves = LeavesAtOnce::saying("left off: nothing was written", call);
    let answers = Answers::gather(arguments, &config, call).await?;
    let found = checks::look(&answers, call)?;
    let mut text = write::config_text(&answers, &config, None)?;
    // What is written has to work: it is read back by the same rules as ever before anything is created.
    let parsed = Config::parse(&text, &config)?;
    let owner = call.house.state_of_another(&parsed)?;
    let state = owner.as_ref().map(|_| config.with_extension("state"));
    if let Some(state) = &state {
        text = write::config_text(&answers, &config, Some(state))?;
        let parsed = Config::parse(&text, &config)?;
        if let Some(owner) = call.house.state_of_another(&parsed)? {
            return Err(CliError::usage(format!(
                "the state folder {} has the jobs of the configuration {}: name another file with --config",
                state.display(),
                owner.display()
            )));
        }
    }
    drop(leaves);
    let key_is_new = write::key(&answers.key, call.outside.random)?;
    write::config(&config, &text)?;

    if call.globals.json {
        return call.json(&json!({
            "config": config,
            "state": state,
            "repository": answers.root.address,
            "password_file": answers.key,
            "key_is_new": key_is_new,
            "environments": answers.environment_names(),
            "instances": found,
        }));
    }
    call.say("")?;
    call.say(&format!("configuration  {}", config.display()))?;
    let backups_remark = if answers.root.has_backups {
        " (backups of Live are there already, and the key opens them)"
    } else {
        ""
    };
    call.say(&format!(
        "repository     {}{backups_remark}",
        answers.root.address
    ))?;
    let key_remark = if key_is_new {
        "new"
    } else {
        "was there before, and is used"
    };
    call.say(&format!(
        "key            {} ({key_remark})",
        answers.key.display()
    ))?;
    if let (Some(state), Some(owner)) = (&state, &owner) {
        call.tell(&format!(
            "state          {} (the usual folder has the jobs of {})",
            state.display(),
            owner.display()
        ))?;
    }
    call.say("")?;
    call.tell("Next:")?;
    call.tell(&format!(
        "  1. Copy {} to a safe place that is not this machine. Without the key no backup can be read.",
        answers.key.display()
    ))?;
    let name = answers.live_name();
    let check = call.command("check");
    call.say(&format!("  2. {check}"))?;
    let backup = call.command(&format!("backup {name}"));
    call.say(&format!("  3. {backup}"))?;
    let cockpit = call.command("");
    call.say(&format!("  4. {cockpit}"))?;
    call.outside.out.flush()?;
    Ok(())
}
