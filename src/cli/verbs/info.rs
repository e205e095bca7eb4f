//! `lifeboat info`: every file and folder that Lifeboat uses, and what it is connected to.
//!
//! It answers on a broken configuration as well, and says what is broken: that is when it is asked.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError, cockpit};
use crate::config::{BackendAddress, Config, Context};
use crate::tui::action::{Keymap, TABLE};

/// What stands behind a path of this machine, where others are on that of a service.
const HERE: &str = " (on this machine)";
/// The backend's word for its state folder.
const STATE: &str = "state";

/// What `lifeboat info` takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct InfoArguments {
    /// Print the actions of the cockpit with their names and keys instead, for `[keys]` of the configuration
    #[arg(long)]
    pub keys: bool,
}

pub(super) async fn run(arguments: &InfoArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    if arguments.keys {
        return keys(call);
    }
    let config = call.house.config_file(&call.globals);
    let state = call.house.state_folder(&call.globals);
    let cache = call.house.places().cache.clone();
    let contexts = config
        .as_ref()
        .ok()
        .and_then(|file| Config::load(file).ok())
        .map(|config| config.contexts)
        .unwrap_or_default();
    let connection = call.house.connect(&call.globals).await;
    let context = connection
        .as_ref()
        .ok()
        .map(|connection| connection.context.clone());
    let (backend, troubles) = match connection {
        Ok(mut connection) => {
            call.is_opened(&mut connection).await;
            match connection.backend.info().await {
                Ok(info) => (Ok(info), troubles(connection.backend.as_ref()).await),
                // Its environments would say the same once more.
                Err(error) => (Err(CliError::from(error)), Vec::new()),
            }
        }
        Err(error) => (Err(error), Vec::new()),
    };
    let is_remote = context
        .as_ref()
        .is_some_and(|context| context.context.backend != BackendAddress::Embedded);
    // The backend in this process knows which folder it uses; without one, it is the folder that would be used. A service
    // has one on its own machine.
    let used = backend.as_ref().ok().filter(|_| !is_remote).and_then(|backend| {
        let state = backend.places.iter().find(|(word, _)| word == STATE);
        state.map(|(_, path)| PathBuf::from(path))
    });
    let state = used.or(state.ok());
    if call.globals.json {
        return call.json(&json!({
            "version": env!("CARGO_PKG_VERSION"),
            "config": config.ok(),
            "state": state,
            "cache": cache,
            "contexts": contexts.iter().map(described).collect::<Vec<_>>(),
            "context": context.as_ref().map(|context| &context.name),
            "read_only": context.as_ref().map(|context| context.context.read_only),
            "backend": backend.as_ref().ok(),
            "problem": problem(backend.as_ref().err(), &troubles),
        }));
    }
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
    let mut fact = |word: &str, value: String| table.row([word.to_owned(), value]);
    let folder = |folder: Option<&Path>| {
        folder.map_or_else(|| "none".to_owned(), |folder| folder.display().to_string())
    };
    fact("version", env!("CARGO_PKG_VERSION").to_owned());
    // What is said of the other side says so as well.
    let here = if is_remote { HERE } else { "" };
    fact("configuration", folder(config.ok().as_deref()) + here);
    fact(STATE, folder(state.as_deref()) + here);
    fact("cache", folder(cache.as_deref()) + here);
    if let Some(context) = &context {
        let read_only = if context.context.read_only {
            " (read-only)"
        } else {
            ""
        };
        fact("context", format!("{}{read_only}", context.name));
    }
    for (name, other) in contexts.iter().filter(|_| contexts.len() > 1) {
        let is_active = context.as_ref().is_some_and(|context| context.name == *name);
        let active = if is_active { " (this one)" } else { "" };
        let read_only = if other.read_only { ", read-only" } else { "" };
        fact("", format!("{name}: {}{read_only}{active}", other.backend));
    }
    if let Ok(backend) = &backend {
        fact("backend", format!("{} {}", backend.kind, backend.version));
        for (word, value) in &backend.places {
            if is_remote {
                fact(word, format!("{value} (on the service's machine)"));
            } else if word != STATE {
                fact(word, value.clone());
            }
        }
    }
    call.table(&table)?;
    if let Err(error) = backend {
        call.say("")?;
        call.tell(&format!("Not connected: {}", error.message))?;
    }
    if !troubles.is_empty() {
        call.say("")?;
    }
    for trouble in troubles {
        call.tell(&format!("Needs you: {trouble}"))?;
    }
    Ok(())
}

/// Prints the actions of the cockpit and their keys. Where those of the configuration cannot be used, the usual ones, and why.
fn keys(call: &mut Call<'_>) -> Result<(), CliError> {
    let config = call
        .house
        .config_file(&call.globals)
        .and_then(|file| Ok(Config::load(&file)?));
    let own = match config {
        Ok(config) => cockpit::keys(&config),
        // Without a configuration the usual keys are the keys.
        Err(_) => Ok(Keymap::default()),
    };
    let problem = own.as_ref().err().map(|error| error.message.clone());
    let keys = own.unwrap_or_default();
    if call.globals.json {
        let rows: Vec<Value> = TABLE
            .iter()
            .map(|row| {
                let labels: Vec<String> = keys.keys(row.action).iter().map(|key| key.label()).collect();
                let usual: Vec<String> = row.keys.iter().map(|key| key.label()).collect();
                json!({
                    "action": row.action.name(),
                    "keys": labels,
                    "usual": usual,
                    "own": keys.is_own(row.action),
                    "changes": row.changes,
                    "help": row.help,
                })
            })
            .collect();
        return call.json(&json!({ "keys": rows, "problem": problem }));
    }
    let mut table = Table::new(&[
        ("Action", Side::Left),
        ("Keys", Side::Left),
        ("What it does", Side::Left),
    ]);
    for row in TABLE {
        let mark = if keys.is_own(row.action) { " (own)" } else { "" };
        table.row([
            row.action.name().to_owned(),
            format!("{}{mark}", keys.all(row.action)),
            row.help.to_owned(),
        ]);
    }
    call.table(&table)?;
    if let Some(problem) = problem {
        call.say("")?;
        call.tell(&problem)?;
    }
    Ok(())
}

/// A context, for programs.
fn described((name, context): (&String, &Context)) -> Value {
    json!({
        "name": name,
        "backend": context.backend.to_string(),
        "read_only": context.read_only,
    })
}

/// What needs somebody, by environment: a repository that is gone, a key that does not open it.
async fn troubles(backend: &dyn Backend) -> Vec<String> {
    match super::environments::all(backend).await {
        Ok(environments) => environments
            .into_iter()
            .filter_map(|environment| Some(format!("{}: {}", environment.name, environment.trouble?)))
            .collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// What is wrong, in one text for programs.
fn problem(error: Option<&CliError>, troubles: &[String]) -> Option<String> {
    let is_wrong = error.is_some() || !troubles.is_empty();
    is_wrong.then(|| error.map_or_else(|| troubles.join("; "), |error| error.message.clone()))
}
