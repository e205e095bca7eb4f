//! The schema's definition, written down by `pg_dump` for whoever recovers without Lifeboat; and the rights that others
//! get on what a restore makes.

use std::io::Read;
use std::process::{Command, Stdio};

use postgres::GenericClient;

use super::address::MISLEADING;
use super::connect::Connector;
use super::layout::Layout;
use super::names::{in_schema, literal, quoted};
use super::sequences;
use super::tables::{Sequence, SpecialGrant, Table};
use crate::content::ContentError;
use crate::domain::os_error::in_words;

/// Statements that bring the sequences of a schema behind the numbers that its tables have. Whoever loads the tables has
/// to be able to add to them.
///
/// # Errors
/// [`ContentError::Database`].
pub fn counters(
    connector: &Connector,
    client: &mut impl GenericClient,
    layout: &Layout,
) -> Result<Vec<String>, ContentError> {
    let schema = &connector.settings().schema;
    let mut statements = Vec::new();
    for position in sequences::positions(&layout.tables, schema) {
        let row = client
            .query_one(&*position.select, &[])
            .map_err(connector.failed("looking how far the sequences are"))?;
        let (number, is_given): (i64, bool) = (row.get(0), row.get(1));
        statements.push(format!(
            "SELECT pg_catalog.setval({}, {number}, {is_given});",
            literal(&in_schema(schema, &position.name))
        ));
    }
    Ok(statements)
}

fn sequences(layout: &Layout) -> impl Iterator<Item = (&Table, &Sequence)> {
    let all = layout.tables.iter();
    all.flat_map(|table| table.sequences.iter().map(move |sequence| (table, sequence)))
}

/// The schema as SQL, as it is at a moment. `counters` come after it.
///
/// # Errors
/// [`ContentError::Database`] when `pg_dump` is missing, too old for the server, or fails.
pub fn dump(
    connector: &Connector,
    moment: &str,
    layout: &Layout,
    counters: &[String],
) -> Result<Vec<u8>, ContentError> {
    let settings = connector.settings();
    let program = settings.pg_dump.display().to_string();
    let failed = |why: String| connector.wrong("writing down the schema", why);
    let pattern = |name: &str| format!("{}.{}", quoted(&settings.schema), quoted(name));
    let mut command = Command::new(&settings.pg_dump);
    for name in MISLEADING {
        command.env_remove(name);
    }
    command
        .args([
            "--schema-only",
            "--no-password",
            "--lock-wait-timeout=10000",
            "--snapshot",
            moment,
        ])
        .args(
            layout
                .tables
                .iter()
                .map(|table| format!("--table={}", pattern(&table.name))),
        )
        .args(
            sequences(layout)
                .filter(|(_, sequence)| !sequence.owned)
                .map(|(_, sequence)| format!("--table={}", pattern(&sequence.name))),
        )
        .envs(connector.variables_for_programs()?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        failed(format!(
            "{program}: {error}. It comes with PostgreSQL's client programs (Debian: postgresql-client); pg_dump names \
             another path",
            error = in_words(&error),
        ))
    })?;
    let mut said = child.stderr.take();
    let listening = std::thread::spawn(move || {
        let mut text = String::new();
        // What cannot be read counts as not said; how the program ended is told anyway.
        let _ = said.as_mut().map(|said| said.read_to_string(&mut text));
        text
    });
    let mut printed = Vec::new();
    let read = match child.stdout.take() {
        Some(mut out) => out.read_to_end(&mut printed).map(drop),
        None => Ok(()),
    };
    let status = child
        .wait()
        .map_err(|error| failed(format!("{program}: {error}", error = in_words(&error))))?;
    let said = listening.join().unwrap_or_default();
    read.map_err(|error| failed(format!("{program}: {error}", error = in_words(&error))))?;
    if !status.success() {
        return Err(failed(format!("{program} ended with {status}: {}", said.trim())));
    }
    // Two lines hold a random number in newer versions; they would make every backup's schema another one.
    let mut kept: Vec<&[u8]> = printed
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(b"\\restrict ") && !line.starts_with(b"\\unrestrict "))
        .collect();
    while kept.last().is_some_and(|line| line.is_empty()) {
        kept.pop();
    }
    kept.push(b"");
    kept.extend(counters.iter().map(String::as_bytes));
    if !counters.is_empty() {
        kept.push(b"");
    }
    Ok(kept.join(&b'\n'))
}

/// The rights that there are on tables and sequences. What a backup says has to be one of them.
const RIGHTS: [&str; 9] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "MAINTAIN",
    "USAGE",
];

/// Statements that take those rights from the owner of a table that it has not on another one, the model.
#[must_use]
pub fn own_rights(table: &Table, model: &Table, schema: &str, owner: &str) -> Vec<String> {
    let Some(rights) = &model.own_rights else {
        return Vec::new();
    };
    let object = in_schema(schema, &table.name);
    let owner = quoted(owner);
    let mut statements = vec![format!("REVOKE ALL ON {object} FROM {owner}")];
    let known = RIGHTS
        .iter()
        .filter(|known| rights.iter().any(|right| right == **known));
    statements.extend(known.map(|right| format!("GRANT {right} ON {object} TO {owner}")));
    statements
}

/// Statements that give others the rights on a table and its sequences that they have on another one, the model. Roles
/// that do not exist here are left out by `exists`.
#[must_use]
pub fn grants(table: &Table, model: &Table, schema: &str, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut statements = Vec::new();
    let mut grant = |object: &str, grants: &[(String, String)], special: &[SpecialGrant]| {
        let mut give = |role: &str, right: &str, column: &str, and: &str| {
            let Some(right) = RIGHTS.iter().find(|known| **known == right) else {
                return;
            };
            let right = format!("{right}{column}");
            if role == "PUBLIC" {
                statements.push(format!("GRANT {right} ON {object} TO PUBLIC"));
            } else if exists(role) {
                statements.push(format!("GRANT {right} ON {object} TO {}{and}", quoted(role)));
            }
        };
        for (role, right) in grants {
            give(role, right, "", "");
        }
        for grant in special {
            let and = if grant.grantable { " WITH GRANT OPTION" } else { "" };
            match &grant.column {
                None => give(&grant.role, &grant.right, "", and),
                // Live may have a column that the backup has not.
                Some(column) if table.columns.iter().any(|known| known.name == *column) => {
                    give(&grant.role, &grant.right, &format!(" ({})", quoted(column)), and);
                }
                Some(_) => {}
            }
        }
    };
    grant(
        &in_schema(schema, &table.name),
        &model.grants,
        &model.special_grants,
    );
    for sequence in &table.sequences {
        // It may have been called otherwise when the backup was taken: the column tells which is which.
        let known = model
            .sequences
            .iter()
            .find(|known| known.column == sequence.column);
        let object = format!("SEQUENCE {}", in_schema(schema, &sequence.name));
        let known = known.unwrap_or(sequence);
        grant(&object, &known.grants, &known.special_grants);
    }
    statements
}
