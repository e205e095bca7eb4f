//! What may stand at the cursor of a shell: environments, backups and contexts. `lifeboat completions` prints a script that
//! knows verbs and options by itself, and asks for these here with [`MARK`].
//!
//! Prints one name a line, or nothing: whatever is wrong, somebody is typing and is not to be disturbed.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::{Arg, Command, CommandFactory as _};

use super::known::{ENVIRONMENT, Wanted, globals_of};
use super::{Arguments, House, Outside};
use crate::domain::printable;
use crate::domain::slot::Slot;

/// The word behind the program's name with which a script asks; behind it come the words of the line up to the one at the
/// cursor, the program's name first. It is no verb: nobody types it.
pub(super) const MARK: &str = "--complete-line";

/// How long a service may take to answer while somebody waits at the Tab key.
const PATIENCE: Duration = Duration::from_millis(500);
/// What else is written in the place of a backup.
const NEWEST_OF: [&str; 4] = ["recent", "latest", "upgrade", "safety"];
/// Where a backup or Live can be named.
const LIVE: &str = "live";

/// What is asked for at the cursor.
#[derive(Debug, PartialEq, Eq)]
enum AtCursor {
    /// A name of the context, and words that are always there.
    Name(Wanted),
    /// A backup; without an environment before it only words can be told.
    Backup { of: Option<Wanted>, or_live: bool },
}

/// Answers a script.
pub(super) async fn run(words: &[OsString], outside: &mut Outside, house: &dyn House) {
    let Some((asked, begun)) = at_cursor(words) else {
        return;
    };
    let globals = globals_of(words);
    let known = async |wanted: &Wanted| {
        let names = tokio::time::timeout(PATIENCE, house.known(&globals, wanted)).await;
        names.unwrap_or_default()
    };
    let names = match asked {
        AtCursor::Name(wanted) => known(&wanted).await,
        AtCursor::Backup { of, or_live } => {
            let words = Slot::ALL.into_iter().map(Slot::label).chain(NEWEST_OF);
            let words = words.chain(or_live.then_some(LIVE));
            let mut names: Vec<String> = words.map(str::to_owned).collect();
            if let Some(wanted) = of {
                names.extend(known(&wanted).await);
            }
            names
        }
    };
    for name in names.iter().filter(|name| name.starts_with(begun.word)) {
        let line = printable::line(name);
        // Whoever asked may have gone.
        let _ = writeln!(outside.out, "{}{line}", begun.before);
    }
    let _ = outside.out.flush();
}

/// The word at the cursor.
#[derive(Debug, PartialEq, Eq)]
struct Begun<'a> {
    /// What stands in the same word before the value: `--context=`.
    before: &'a str,
    /// As much as there is of the value.
    word: &'a str,
}

/// Which value is typed last in these words, and how much of it is there.
fn at_cursor(words: &[OsString]) -> Option<(AtCursor, Begun<'_>)> {
    let (last, before) = words.get(1..)?.split_last()?;
    let last = last.to_str()?;
    let mut root = Arguments::command();
    root.build();
    let mut command = &root;
    let mut waits_for_value: Option<&Arg> = None;
    let mut positional = 1;
    let mut environment = None;
    let mut is_escaped = false;
    for word in before.iter().map(|word| word.to_string_lossy()) {
        if word == "=" {
            // A shell took option and value apart there.
        } else if waits_for_value.take().is_some() {
            // Read.
        } else if word == "--" && !is_escaped {
            is_escaped = true;
        } else if let Some(option) = word.strip_prefix("--").filter(|_| !is_escaped) {
            waits_for_value = option_with_value(command, option);
        } else if let Some(verb) = command.find_subcommand(OsStr::new(&*word)) {
            command = verb;
            positional = 1;
        } else if !word.starts_with('-') || is_escaped {
            if position(command, positional).is_some_and(|argument| is_called(argument, ENVIRONMENT)) {
                environment = word.parse().ok();
            }
            positional += 1;
        }
    }
    let whole = |word| Begun { before: "", word };
    let (argument, begun) = match (waits_for_value, last.split_once('=')) {
        // The sign alone, where a shell takes it for a word.
        (Some(argument), _) => (argument, whole(last.strip_prefix('=').unwrap_or(last))),
        (None, Some((option, word))) if option.starts_with("--") && !is_escaped => (
            option_with_value(command, &option[2..])?,
            Begun {
                before: &last[..=option.len()],
                word,
            },
        ),
        (None, _) if last.starts_with('-') && !is_escaped => return None,
        (None, _) => (position(command, positional)?, whole(last)),
    };
    let asked = if argument.get_id() == "context" {
        AtCursor::Name(Wanted::Contexts)
    } else if is_called(argument, ENVIRONMENT) {
        AtCursor::Name(Wanted::Environments)
    } else {
        let or_live = ["SOURCE", "OLDER", "NEWER"]
            .iter()
            .any(|name| is_called(argument, name));
        if !or_live && !is_called(argument, "BACKUP") {
            return None;
        }
        AtCursor::Backup {
            of: environment.map(Wanted::Backups),
            or_live,
        }
    };
    Some((asked, begun))
}

fn option_with_value<'c>(command: &'c Command, option: &str) -> Option<&'c Arg> {
    let mut options = command
        .get_arguments()
        .filter(|argument| !argument.is_positional());
    options.find(|argument| argument.get_long() == Some(option) && argument.get_action().takes_values())
}

/// The argument in a position, counted from 1. The last one may take several.
fn position(command: &Command, position: usize) -> Option<&Arg> {
    let mut arguments = command.get_positionals();
    arguments.find(|argument| argument.get_index() == Some(position))
}

fn is_called(argument: &Arg, name: &str) -> bool {
    let names = argument.get_value_names().unwrap_or_default();
    names
        .iter()
        .any(|called| called.split('|').any(|one| one == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &[&str]) -> Option<AtCursor> {
        let words: Vec<OsString> = std::iter::once("lifeboat")
            .chain(line.iter().copied())
            .map(OsString::from)
            .collect();
        at_cursor(&words).map(|(asked, _)| asked)
    }

    #[test]
    fn the_value_at_the_cursor_is_known_by_its_place() {
        let environments = || Some(AtCursor::Name(Wanted::Environments));
        let contexts = || Some(AtCursor::Name(Wanted::Contexts));
        let backups = |or_live| {
            Some(AtCursor::Backup {
                of: Some(Wanted::Backups("acme/live".parse().unwrap())),
                or_live,
            })
        };
        assert_eq!(asked(&["backup", ""]), environments());
        assert_eq!(asked(&["--json", "backup", "--detach", "ac"]), environments());
        assert_eq!(asked(&["jobs", "--environment", "ac"]), environments());
        assert_eq!(asked(&["jobs", "ac"]), environments());
        assert_eq!(asked(&["restore", "acme/live", ""]), backups(false));
        assert_eq!(
            asked(&["--context", "prod", "restore", "acme/live", "we"]),
            backups(false)
        );
        assert_eq!(asked(&["browse", "acme/live", "li"]), backups(true));
        assert_eq!(
            asked(&["restore", "acme/live", "weekly", "--confirm", ""]),
            environments()
        );
        assert_eq!(asked(&["--context", ""]), contexts());
        assert_eq!(asked(&["backup", "--context", "=", "st"]), contexts());
        assert_eq!(asked(&["backup", "--context", "="]), contexts());
        assert_eq!(asked(&["backup", "--context=st"]), contexts());
        for nothing in [
            &[""][..],
            &["rest"],
            &["backup", "--de"],
            &["backup", "--note", ""],
            &[],
        ] {
            assert_eq!(asked(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn what_stands_before_a_value_in_the_same_word_stays() {
        let words = ["lifeboat", "backup", "--context=st"].map(OsString::from);
        let (_, begun) = at_cursor(&words).unwrap();
        assert_eq!((begun.before, begun.word), ("--context=", "st"));
        let words = ["lifeboat", "backup", "--context", "="].map(OsString::from);
        let (_, begun) = at_cursor(&words).unwrap();
        assert_eq!((begun.before, begun.word), ("", ""));
    }
}
