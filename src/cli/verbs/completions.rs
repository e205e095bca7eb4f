//! `lifeboat completions SHELL`: the completion script of a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use crate::cli::complete::MARK;
use crate::cli::{Arguments, Call, CliError};

/// What `lifeboat completions --help` says last.
pub const AFTER: &str = "\
For bash: lifeboat completions bash > ~/.local/share/bash-completion/completions/lifeboat

In bash, zsh and fish the script also asks `lifeboat` for names: the environments and contexts of the configuration, \
and the ids of backups that are in folders. It opens no repository, asks nobody for a password, and asks the \
service of a context only for half a second. Where something is wrong it offers nothing.";

/// What `lifeboat completions` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// What a shell's own script is called that knows verbs and options, once something stands before it.
const OWN: &str = "\n_lifeboat() {";
const OWN_NOW: &str = "\n_lifeboat_verbs() {";

/// In bash: names first, then what its own script knows. Works with bash 3.2 as well.
const BASH: &str = r#"
_lifeboat() {
    local line known program="${COMP_WORDS[0]/#\~/$HOME}"
    known=$("$program" MARK "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null </dev/null)
    if [[ -z $known ]]; then
        _lifeboat_verbs "$@"
        return
    fi
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$(printf '%q' "$line")")
    done <<< "$known"
}
"#;

/// The same in zsh.
const ZSH: &str = r#"
_lifeboat() {
    local -a known
    known=(${(f)"$("${(Q)words[1]/#\~/$HOME}" MARK "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)"})
    if (( $#known )); then
        compadd -- "${known[@]}"
    else
        _lifeboat_verbs "$@"
    fi
}
"#;

/// The same in fish, beside what its own script knows.
const FISH: &str = r#"
function __fish_lifeboat_known
    set -l words (commandline -opc)
    command $words[1] MARK $words (commandline -ct) 2>/dev/null </dev/null
end
complete -c lifeboat -l context -r -f -a "(__fish_lifeboat_known)"
complete -c lifeboat -n "count (__fish_lifeboat_known) >/dev/null" -f -a "(__fish_lifeboat_known)"
"#;

pub(super) fn run(arguments: &CompletionsArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let script = script(arguments.shell);
    if call.globals.json {
        return call.json(&json!({ "shell": arguments.shell.to_string(), "script": script }));
    }
    call.outside.out.write_all(script.as_bytes())?;
    Ok(())
}

/// The script of a shell. In those that most people use it asks this program for the names that it knows.
fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "lifeboat", &mut script);
    let script = format!("\n{}", String::from_utf8_lossy(&script));
    // The function that the shell calls stands behind the one that it called so far, and before what registers it.
    let (with_names, registered_with) = match shell {
        Shell::Bash => (BASH, "\nif [[ \"${BASH_VERSINFO"),
        Shell::Zsh => (ZSH, "\nif [ \"$funcstack[1]\""),
        Shell::Fish => (FISH, ""),
        _ => return script.trim_start().to_owned(),
    };
    let with_names = with_names.replace("MARK", MARK);
    let script = script.replace(OWN, OWN_NOW);
    let at = script.rfind(registered_with).unwrap_or(script.len());
    let (before, behind) = script.split_at(at);
    format!("{before}{with_names}{behind}").trim_start().to_owned()
}
