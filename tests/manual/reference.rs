//! `assets/manual/reference.md`: every verb with its options, exit codes, and the words that programs get.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};
use lifeboat::cli::{Arguments, ErrorKind};
use lifeboat::domain::refusal::Refusal;
use serde_json::Value;

use crate::settings;

#[test]
fn the_stored_reference_is_the_one_that_the_program_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/manual/reference.md");
    let made = reference();
    if fs::read_to_string(&path).unwrap_or_default() != made {
        let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reference.md");
        fs::write(&new, made).unwrap();
        panic!(
            "verbs, settings or words have changed: look at the difference and store it with cp {} {}",
            new.display(),
            path.display()
        );
    }
}

fn reference() -> String {
    let mut command = Arguments::command();
    command.build();
    let mut page = String::from(
        "# Reference\n\nMade from the program's own texts, and compared with them by a test. [The verbs](verbs.md) says what comes out of \
         each, [Settings](settings.md) what each setting means.\n",
    );
    page.push_str("\n## Exit codes, words and variables\n\n```\n");
    page.push_str(&command.get_after_long_help().unwrap().to_string());
    page.push_str(
        "\n```\n\n## Exit codes and `kind`\n\n| code | `kind` in the error's object |\n| --- | --- |\n",
    );
    for kind in [
        ErrorKind::Failed,
        ErrorKind::Usage,
        ErrorKind::Refused,
        ErrorKind::OutOfReach,
    ] {
        let word = serde_json::to_value(kind).unwrap();
        line(
            &mut page,
            &[kind.exit_code().to_string(), code(word.as_str().unwrap())],
        );
    }
    page.push_str("\n## Words of refusals\n\nIn `rule` of the error's object, and in `kind` of the service's problems, which give the rule's number in `rule`.\n\n");
    page.push_str("| word | when |\n| --- | --- |\n");
    for (word, when) in refusals() {
        line(&mut page, &[code(&word), when]);
    }
    page.push_str("\n## Words of the service's other problems\n\n| `kind` | status |\n| --- | --- |\n");
    for (word, status) in problems() {
        line(&mut page, &[code(&word), status]);
    }
    page.push_str("\n## Options of every verb\n");
    options(&mut page, &command, true);
    page.push_str("\n## Verbs\n");
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        tell(&mut page, verb, "lifeboat");
    }
    page.push_str("\n## Settings\n\n| table | its keys |\n| --- | --- |\n");
    for (table, keys) in settings::all() {
        let keys: Vec<_> = keys.iter().map(|key| code(key)).collect();
        line(&mut page, &[code(table), keys.join(" ")]);
    }
    page
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn line(page: &mut String, cells: &[String]) {
    let cells: Vec<_> = cells
        .iter()
        .map(|cell| cell.replace('\n', " ").replace('|', "\\|"))
        .collect();
    writeln!(page, "| {} |", cells.join(" | ")).unwrap();
}

/// A verb, and the verbs below it.
fn tell(page: &mut String, verb: &Command, before: &str) {
    let name = format!("{before} {}", verb.get_name());
    write!(page, "\n### {name}\n\n").unwrap();
    let about = verb.get_long_about().or(verb.get_about()).unwrap().to_string();
    writeln!(page, "{}", about.trim()).unwrap();
    let usage = verb.clone().render_usage().to_string();
    let usage = usage.trim().strip_prefix("Usage: ").unwrap_or(usage.trim());
    let usage: Vec<_> = usage.split_whitespace().collect();
    write!(page, "\n```\n{}\n```\n", usage.join(" ")).unwrap();
    options(page, verb, false);
    for below in verb.get_subcommands().filter(|below| !below.is_hide_set()) {
        tell(page, below, &name);
    }
}

/// The table of what a verb takes: what every verb takes, or what it alone does.
fn options(page: &mut String, verb: &Command, of_every_verb: bool) {
    let arguments: Vec<_> = verb
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && argument.is_global_set() == of_every_verb)
        .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
        .collect();
    if arguments.is_empty() {
        return;
    }
    page.push_str("\n| option | |\n| --- | --- |\n");
    for argument in arguments {
        let help = argument.get_help().unwrap().to_string();
        line(page, &[code(&spelled(argument)), help + &choices(argument)]);
    }
}

/// An option or argument as it is typed.
fn spelled(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let value: Vec<_> = names.iter().map(ToString::to_string).collect();
    let value = if argument.get_action().takes_values() {
        value.join(" ")
    } else {
        String::new()
    };
    let short = argument.get_short().map(|short| format!("-{short}, "));
    match argument.get_long() {
        Some(long) => format!("{}--{long} {value}", short.unwrap_or_default())
            .trim_end()
            .to_owned(),
        None => value,
    }
}

fn choices(argument: &Arg) -> String {
    let values: Vec<_> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| code(value.get_name()))
        .collect();
    let mut told = String::new();
    if !values.is_empty() && argument.get_action().takes_values() {
        write!(told, " (one of {})", values.join(", ")).unwrap();
    }
    let usual: Vec<_> = argument
        .get_default_values()
        .iter()
        .map(|value| value.display().to_string())
        .collect();
    if !usual.is_empty() && argument.get_action().takes_values() {
        write!(told, " (default: {})", usual.join(", ")).unwrap();
    }
    told
}

/// The words of refusals, and when each comes, as the code says it.
fn refusals() -> Vec<(String, String)> {
    let schema = schemars::schema_for!(Refusal);
    let variants = schema.as_value()["oneOf"].as_array().unwrap();
    let found: Vec<_> = variants
        .iter()
        .map(|variant| {
            let word = variant["properties"]["rule"]["const"].as_str().unwrap();
            let when = variant["description"].as_str().unwrap();
            (word.to_owned(), when.to_owned())
        })
        .collect();
    assert!(found.len() > 10, "{found:?}");
    found
}

/// The words of problems that are no refusals, with the status of each, as the service's source makes them.
fn problems() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server")) {
        let text = fs::read_to_string(file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for piece in text.split("StatusCode::").skip(1) {
            let name = piece
                .split(|c: char| !(c.is_ascii_uppercase() || c == '_'))
                .next()
                .unwrap();
            let rest = piece[name.len()..].trim_start_matches([',', ' ', '\n']);
            let Some((word, _)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) else {
                continue;
            };
            let status = name.to_ascii_uppercase();
            let status = reqwest::StatusCode::from_bytes(number(&status).as_bytes()).unwrap();
            found.push((word.to_owned(), status.as_u16().to_string()));
        }
    }
    found.sort();
    found.dedup();
    assert!(found.len() > 15, "{found:?}");
    found
}

/// The number of a status by its name.
fn number(name: &str) -> String {
    let all = 400..600_u16;
    let found = all
        .filter_map(|number| reqwest::StatusCode::from_u16(number).ok())
        .find(|status| {
            let reason = status.canonical_reason().unwrap_or_default();
            reason.to_ascii_uppercase().replace([' ', '-'], "_") == name
        });
    found
        .unwrap_or_else(|| panic!("{name} is no status"))
        .as_u16()
        .to_string()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Whether every word of a refusal is one that the interface's description has.
#[test]
fn the_interface_describes_every_refusal() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/openapi.json");
    let document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let text = document.to_string();
    for (word, _) in refusals() {
        assert!(text.contains(&format!("\"{word}\"")), "{word}");
    }
}
