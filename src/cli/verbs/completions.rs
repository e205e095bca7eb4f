//! `lifeboat completions SHELL`: the completion script of a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use crate::cli::{Arguments, Call, CliError};

/// What `lifeboat completions --help` says last.
pub const AFTER: &str = "\
For bash: lifeboat completions bash > ~/.local/share/bash-completion/completions/lifeboat";

/// What `lifeboat completions` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

pub(super) fn run(arguments: &CompletionsArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "lifeboat", &mut script);
    if call.globals.json {
        let script = String::from_utf8_lossy(&script);
        return call.json(&json!({ "shell": arguments.shell.to_string(), "script": script }));
    }
    call.outside.out.write_all(&script)?;
    Ok(())
}
