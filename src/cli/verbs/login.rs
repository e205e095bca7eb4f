//! `lifeboat login CONTEXT`: asks for the token of a service, tries it, and stores it for its owner's eyes only.
//!
//! The token comes from a terminal without being shown, or from standard input; never from the command line.

mod write;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::left_off::LeavesAtOnce;
use crate::cli::plain::asking::Question;
use crate::cli::{Call, CliError};
use crate::config::{BackendAddress, Config, ConfigError, Context, NamedContext};
use crate::domain::os_error::in_words;

/// What `lifeboat login --help` says first.
pub const LONG_ABOUT: &str = "\
Asks for the token of a service without showing it, or reads it from standard input where that is no terminal; tries \
it on the service; and stores it in a file that only its owner can read. Give a context of the configuration, or the \
address of a service, which becomes a context.";

/// What `lifeboat login` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct LoginArguments {
    /// A context of the configuration, or the address of a service
    #[arg(value_name = "CONTEXT|ADDRESS")]
    pub target: String,
    /// The name of the new context for an address [default: the first part of the host's name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Make the new context one through which nothing can be changed
    #[arg(long)]
    pub read_only: bool,
    /// The certificate of the authority that the new context's service is signed by, in PEM form, where that is a private
    /// one
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Send the token of the new context to an address with http:// on another machine, because the way there is protected
    /// otherwise, by a tunnel for example
    #[arg(long)]
    pub plain_http: bool,
}

pub(super) async fn run(arguments: &LoginArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let file = call.house.config_file(&call.globals)?;
    let config = match Config::load(&file) {
        Ok(config) => Some(config),
        Err(ConfigError::Missing { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let (context, is_new) = target(arguments, config.as_ref())?;
    let token_file = write::token_file(&context, &file)?;
    let leaves = LeavesAtOnce::saying("left off: nothing was stored", call);
    let token = ask(&context, call).await?;
    let info = call.house.try_token(&context, &token).await?;
    drop(leaves);
    write::token(&token_file, &token)?;
    // The configuration names the token only once there is one that works.
    write::config(&file, config.as_ref(), &context, is_new)?;
    if call.globals.json {
        return call.json(&json!({
            "context": context.name,
            "is_new": is_new,
            "token_file": token_file,
            "backend": info,
        }));
    }
    call.tell(&format!(
        "The token is good for {} (Lifeboat {}) and is stored in {}.",
        info.kind,
        info.version,
        token_file.display()
    ))?;
    call.globals.context = Some(context.name.clone());
    let cockpit = call.command("");
    call.say(&format!("to go there: {cockpit}"))
}

/// The context that is meant, and whether it is a new one.
fn target(arguments: &LoginArguments, config: Option<&Config>) -> Result<(NamedContext, bool), CliError> {
    let target = &arguments.target;
    if !target.starts_with("https://") && !target.starts_with("http://") {
        let Some(config) = config else {
            return Err(CliError::usage(format!(
                "there is no configuration, and so no context \"{target}\": give the address of the service, for example https://backups.example.com"
            )));
        };
        let LoginArguments {
            target: _,
            name,
            read_only,
            ca_file,
            plain_http,
        } = arguments;
        if name.is_some() || *read_only || ca_file.is_some() || *plain_http {
            return Err(CliError::usage(
                "--name, --read-only, --ca-file and --plain-http are for a new context: give the address of a service, or \
                 write them into the configuration",
            ));
        }
        return Ok((config.context(Some(target))?, false));
    }
    let address = target.trim_end_matches('/');
    let contexts = config.iter().flat_map(|config| &config.contexts);
    let mut known = contexts.filter(|(_, context)| match &context.backend {
        BackendAddress::Remote(other) => other.trim_end_matches('/') == address,
        BackendAddress::Embedded => false,
    });
    let is_told_more = arguments.name.is_some() || arguments.ca_file.is_some() || arguments.plain_http;
    if let Some((name, context)) = known.next()
        && !is_told_more
    {
        return Ok((
            NamedContext {
                name: name.clone(),
                context: context.clone(),
            },
            false,
        ));
    }
    let name = arguments.name.clone().unwrap_or_else(|| name_of(address));
    if !is_name(&name) {
        return Err(CliError::usage(format!(
            "\"{name}\" is no name for a context: use letters, digits, - and _, for example --name prod"
        )));
    }
    if config.is_some_and(|config| config.contexts.contains_key(&name)) {
        return Err(CliError::usage(format!(
            "there is a context \"{name}\" already, and it leads elsewhere: give the new one another name with --name"
        )));
    }
    let context = Context {
        backend: BackendAddress::Remote(address.to_owned()),
        read_only: arguments.read_only,
        ca_file: arguments.ca_file.as_deref().map(in_full).transpose()?,
        plain_http: arguments.plain_http,
        ..Context::default()
    };
    Ok((NamedContext { name, context }, true))
}

/// The file in full, since the configuration's folder is another one.
fn in_full(file: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(file).map_err(|error| {
        CliError::usage(format!(
            "--ca-file {} cannot be used: {error}",
            file.display(),
            error = in_words(&error)
        ))
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The first part of the host's name.
fn name_of(address: &str) -> String {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    if host.parse::<std::net::IpAddr>().is_ok() {
        return "remote".to_owned();
    }
    host.split('.').next().unwrap_or_default().to_owned()
}

/// What is said to whoever types `help` where the token is asked for.
const HELP: &str = "The token is what `lifeboat token create` printed on the service, once. It is tried there before it is stored, and what \
    is typed is not shown. Enter alone leaves it, and nothing is stored.";

/// Asks for the token.
async fn ask(context: &NamedContext, call: &mut Call<'_>) -> Result<String, CliError> {
    let on_terminal = call.outside.input_is_terminal;
    let text = if on_terminal || call.in_lines.is_some() {
        format!("Token for {}: ", context.name)
    } else {
        String::new()
    };
    if on_terminal {
        (call.outside.echo)(false)?;
    }
    let read = call.ask(&Question::open(&text, HELP)).await;
    if on_terminal {
        // The line end that was typed was not shown either.
        (call.outside.echo)(true)?;
        writeln!(call.outside.err)?;
    }
    let line = read?.unwrap_or_default();
    let token = line.trim();
    if token.is_empty() {
        return Err(CliError::usage(
            "no token was given, and nothing was stored: `lifeboat token create` on the service makes one",
        ));
    }
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(CliError::usage(
            "what was given is no token, and nothing was stored: a token has no blanks and no special characters in it",
        ));
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_a_context_its_name() {
        for (address, name) in [
            ("https://backups.example.com", "backups"),
            ("https://backups.example.com:8700/below", "backups"),
            ("http://127.0.0.1:8700", "remote"),
            ("http://localhost:8700", "localhost"),
        ] {
            assert_eq!(name_of(address), name);
        }
        assert!(is_name("prod-2_a") && !is_name("a.b") && !is_name(""));
    }
}
