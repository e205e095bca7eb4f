//! `lifeboat token`: makes, lists, renews and ends the tokens that the service lets in. Works on this machine's catalog,
//! so whoever may do it already has everything that a token could give.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::backend::embedded::Embedded;
use crate::backend::serves::Serves as _;
use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError};
use crate::domain::activity::Severity;
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;
use crate::domain::principal::Principal;
use crate::domain::token::{Role, TokenRecord};
use crate::server::tokens;

/// What `lifeboat token --help` says first.
pub const LONG_ABOUT: &str = "\
Make, list, renew and end the tokens that `lifeboat serve` lets in.

A token's text is printed once, when it is made or rotated, and kept nowhere: only its hash is. Whoever has the text may \
do what its role allows: a viewer looks; an operator also backs up, verifies and drills; an owner also restores, undoes, \
protects and deletes.";

/// What `lifeboat token` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TokenArguments {
    /// What to do.
    #[command(subcommand)]
    pub what: TokenVerb,
}

/// What can be done with tokens.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum TokenVerb {
    /// Make a token and print its text, once
    Create(CreateArguments),
    /// List the tokens, without their texts
    List,
    /// Give a token a new text; a service that runs lets in the one before for 2 seconds more
    Rotate(NamedToken),
    /// End a token for good; a service that runs has learned it after 2 seconds
    Revoke(NamedToken),
}

/// What `lifeboat token create` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CreateArguments {
    /// Its name, which the activity log shows as who
    #[arg(value_name = "NAME", value_parser = name)]
    pub name: String,
    /// What it allows: viewer, operator or owner
    #[arg(long, value_name = "ROLE")]
    pub role: Role,
    /// The person that it is for, where restores need a second one
    #[arg(long, value_name = "PERSON", value_parser = name)]
    pub account: Option<String>,
    /// Limit it to this project; may be given several times
    #[arg(long = "project", value_name = "PROJECT")]
    pub projects: Vec<String>,
    /// When it ends by itself: a number and h or d, for example 30d
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    pub expires: Option<TimeDelta>,
}

/// A token by its name.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NamedToken {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
}

fn name(text: &str) -> Result<String, String> {
    if Principal::is_taken(text) {
        return Err(format!(
            "\"{text}\" is what Lifeboat's own entries in the activity log are put down to; use another name"
        ));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    if (1..=63).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(is_plain)
    {
        Ok(text.to_owned())
    } else {
        Err(
            "use 1 to 63 letters, digits, '-', '_', '.' or '@', and start with a letter or a digit"
                .to_owned(),
        )
    }
}

fn lifetime(text: &str) -> Result<TimeDelta, String> {
    let wrong = || "write a number and h or d, from 1h to 3650d, for example 30d".to_owned();
    let (number, hours) = text
        .strip_suffix('h')
        .map(|number| (number, 1))
        .or_else(|| text.strip_suffix('d').map(|number| (number, 24)))
        .ok_or_else(wrong)?;
    let number: i64 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(hours)
        .filter(|hours| (1..=3650 * 24).contains(hours))
        .map(TimeDelta::hours)
        .ok_or_else(wrong)
}

pub(super) async fn run(arguments: TokenArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let engine = call.engine_here().await?;
    match arguments.what {
        TokenVerb::Create(arguments) => create(arguments, &engine, call).await,
        TokenVerb::List => list(&engine, call).await,
        TokenVerb::Rotate(named) => rotate(named.name, &engine, call).await,
        TokenVerb::Revoke(named) => revoke(named.name, &engine, call).await,
    }
}

/// Makes sure that a token is limited to projects that there are: it would let somebody in who sees nothing.
async fn are_known(projects: &[String], engine: &Embedded) -> Result<(), CliError> {
    if projects.is_empty() {
        return Ok(());
    }
    let names = engine.environment_names().await?;
    let known: BTreeSet<&str> = names.iter().map(EnvironmentName::project).collect();
    let Some(unknown) = projects.iter().find(|project| !known.contains(project.as_str())) else {
        return Ok(());
    };
    let known: Vec<_> = known.into_iter().collect();
    let known = if known.is_empty() {
        "none yet".to_owned()
    } else {
        known.join(", ")
    };
    Err(CliError::usage(format!(
        "there is no project \"{unknown}\", and no token was made: the configuration has {known}"
    )))
}

async fn create(arguments: CreateArguments, engine: &Embedded, call: &mut Call<'_>) -> Result<(), CliError> {
    are_known(&arguments.projects, engine).await?;
    let (text, hash) = new_text(call)?;
    let record = TokenRecord {
        name: arguments.name,
        account: arguments.account,
        role: arguments.role,
        projects: arguments.projects,
        created: call.now(),
        created_by: call.house.user().to_owned(),
        expires: arguments.expires.map(|lifetime| call.now() + lifetime),
        revoked: None,
        last_used: None,
    };
    engine.records().await?.add_token(record.clone(), hash).await?;
    let limited = match record.projects.as_slice() {
        [] => String::new(),
        projects => format!(", limited to {}", projects.join(", ")),
    };
    let what = format!("made the token \"{}\" ({}{limited})", record.name, record.role);
    engine.write_down(None, what, Severity::Information).await?;
    print(&record, &text, call)
}

async fn rotate(name: String, engine: &Embedded, call: &mut Call<'_>) -> Result<(), CliError> {
    let (text, hash) = new_text(call)?;
    let rotated = engine
        .rotate_token(name.clone(), hash, call.house.user().to_owned(), call.now())
        .await?;
    let Some(record) = rotated else {
        return Err(no_token(&name));
    };
    let what = format!("gave the token \"{name}\" a new text");
    engine.write_down(None, what, Severity::Information).await?;
    print(&record, &text, call)
}

async fn revoke(name: String, engine: &Embedded, call: &mut Call<'_>) -> Result<(), CliError> {
    if !engine.revoke_token(name.clone(), call.now()).await? {
        return Err(no_token(&name));
    }
    let what = format!("revoked the token \"{name}\"");
    engine.write_down(None, what, Severity::Information).await?;
    if call.globals.json {
        return call.json(&json!({ "revoked": name }));
    }
    call.tell(&format!(
        "The token \"{name}\" is revoked: after 2 seconds a service that runs lets nobody in with it any more, and ends its event streams."
    ))
}

async fn list(engine: &Embedded, call: &mut Call<'_>) -> Result<(), CliError> {
    let all = engine.tokens().await?;
    if call.globals.json {
        return call.json(&json!({ "tokens": all }));
    }
    if all.is_empty() {
        return call.say("There are no tokens yet: `lifeboat token create NAME --role ROLE` makes one.");
    }
    let now = call.now();
    let mut table = Table::new(&[
        ("name", Side::Left),
        ("role", Side::Left),
        ("projects", Side::Left),
        ("state", Side::Left),
        ("made (UTC)", Side::Left),
        ("by", Side::Left),
        ("last used (UTC)", Side::Left),
    ]);
    for token in &all {
        table.row([
            token.name.clone(),
            token.role.to_string(),
            match token.projects.as_slice() {
                [] => "all".to_owned(),
                projects => projects.join(", "),
            },
            match (token.revoked, token.expires) {
                (Some(at), _) => format!("revoked {}", measure::moment(at)),
                (None, Some(at)) if at <= now => format!("expired {}", measure::moment(at)),
                (None, Some(at)) => format!("until {}", measure::moment(at)),
                (None, None) => "valid".to_owned(),
            },
            measure::in_column(token.created),
            token.created_by.clone(),
            token
                .last_used
                .map_or_else(|| "never".to_owned(), measure::in_column),
        ]);
    }
    call.table(&table)
}

fn new_text(call: &Call<'_>) -> Result<(String, tokens::Hash), CliError> {
    let text = tokens::new_text(call.outside.random)
        .map_err(|error| CliError::failed(format!("the system gave no random bytes for a token: {error}")))?;
    let hash = tokens::hash_of(&text);
    Ok((text, hash))
}

/// The text goes to standard output alone, so that it can be put into a file at once.
fn print(record: &TokenRecord, text: &str, call: &mut Call<'_>) -> Result<(), CliError> {
    if call.globals.json {
        return call.json(&json!({ "token": record, "text": text }));
    }
    call.say(text)?;
    call.remark(&format!(
        "This is the token \"{}\". It is shown this once: keep it where only its owner can read it.",
        record.name
    ))
}

fn no_token(name: &str) -> CliError {
    CliError::usage(format!(
        "there is no token \"{name}\" that is not revoked yet: `lifeboat token list` shows all of them"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_called_what_lifeboat_calls_itself() {
        for taken in ["schedule", "lifeboat", "LifeBoat"] {
            assert!(name(taken).unwrap_err().contains("use another name"), "{taken}");
        }
        assert_eq!(name("scheduler"), Ok("scheduler".to_owned()));
    }

    #[test]
    fn a_lifetime_is_hours_or_days() {
        assert_eq!(lifetime("30d"), Ok(TimeDelta::days(30)));
        assert_eq!(lifetime("1h"), Ok(TimeDelta::hours(1)));
        for wrong in ["", "0d", "30", "-1d", "5m", "99999d", "9223372036854775807d", "d"] {
            assert!(lifetime(wrong).is_err(), "{wrong}");
        }
    }
}
