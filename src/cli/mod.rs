//! The command line: the same actions as the cockpit's, for scripts and for runbooks.
//!
//! [`run`] takes everything from outside as arguments: what was typed ([`Outside`] holds the streams, the clock, the
//! signals) and what a context leads to ([`House`]). Tests run the verbs with streams in memory and a backend of their
//! own; `main` runs them on the real ones.
//!
//! Every verb is one file in [`verbs`], prints a table for people or, with `--json`, one object for programs, and knows
//! nothing of the engine: it asks a [`crate::backend::Backend`]. Exit codes and the form of errors are in
//! [`error::CliError`].

mod arguments;
mod call;
mod clearing;
mod cockpit;
mod cockpit_beyond;
mod complete;
mod connect;
mod detach;
mod error;
mod follow;
mod house;
mod known;
mod left_off;
mod opening;
mod outside;
mod plain;
mod table;
mod trouble;
pub mod verbs;
mod wrap;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};
use serde_json::json;

use crate::domain::printable;

pub use arguments::{Arguments, Globals};
pub use call::Call;
use call::heard;
pub use connect::ThisMachine;
#[cfg(feature = "engine")]
pub use connect::look_on_a_thread;
pub use error::{CliError, ErrorKind};
pub use house::{Connection, House, Survey};
pub use known::Wanted;
pub use opening::Opening;
pub use outside::{Interrupt, Interrupts, Outside};
pub use plain::{Closing, Follows, Stay, Why};

/// Runs one command line, the program's name first, and returns the exit code.
pub async fn run(mut arguments: Vec<OsString>, outside: &mut Outside, house: &dyn House) -> u8 {
    if arguments.get(1).is_some_and(|word| word == complete::MARK) {
        complete::run(&arguments[2..], outside, house).await;
        return 0;
    }
    let in_background = detach::take_mark(&mut arguments);
    // As a verb too, since that is how it is asked for elsewhere: of everything, or of the verb behind it.
    if arguments.get(1).is_some_and(|verb| verb == "help") {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let mut left = clearing::Left::default();
    let result = match parse(&arguments, wants_json, outside) {
        Ok(Some(parsed)) => {
            let mut call = Call {
                outside: &mut *outside,
                house,
                globals: parsed.globals,
                arguments,
                in_background,
                left: clearing::Left::default(),
                in_lines: None,
            };
            let result = verbs::run(parsed.verb, &mut call).await;
            left = call.left;
            result
        }
        Ok(None) => Ok(()),
        Err(error) => Err(known::with_what_was_meant(error, &arguments, house).await),
    };
    let result = result.and_then(|()| outside.out.flush().map_err(CliError::from));
    let code = match result {
        Ok(()) => 0,
        Err(error) => {
            // What was printed before the error belongs before it; if that is impossible there is nobody to tell.
            let _ = outside.out.flush();
            let _ = error.print(outside, wants_json);
            error.kind.exit_code()
        }
    };
    left.wait_until_cleared(outside, wants_json).await;
    code
}

/// Reads the arguments. `None` when they asked for help or the version, which is printed then.
fn parse(
    arguments: &[OsString],
    wants_json: bool,
    outside: &mut Outside,
) -> Result<Option<Arguments>, CliError> {
    let command = Arguments::command().term_width(outside.error_width());
    let matches = match command.try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) if error.use_stderr() => return Err(CliError::usage_of(error)),
        Err(help) if wants_json => {
            let object = match help.kind() {
                clap::error::ErrorKind::DisplayVersion => json!({ "version": env!("CARGO_PKG_VERSION") }),
                _ => json!({ "help": help.render().to_string() }),
            };
            let text = serde_json::to_string_pretty(&object).map_err(std::io::Error::from)?;
            writeln!(outside.out, "{}", printable::json(text))?;
            return Ok(None);
        }
        Err(help) => {
            write!(outside.out, "{}", help.render())?;
            return Ok(None);
        }
    };
    Arguments::from_arg_matches(&matches)
        .map(Some)
        .map_err(CliError::usage_of)
}
