//! The schema's definition: written down by `pg_dump` for whoever recovers without Lifeboat, and made anew from the
//! descriptions of tables for a restore.

use std::io::Read;
use std::process::{Command, Stdio};

use super::connect::Connector;
use super::names::{in_schema, literal, quoted};
use super::tables::{Layout, SpecialGrant, Table};
use crate::engine::content::ContentError;

/// The schema as SQL, as it is at a moment.
///
/// # Errors
/// [`ContentError::Database`] when `pg_dump` is missing, too old for the server, or fails.
pub fn dump(connector: &Connector, moment: &str, layout: &Layout) -> Result<Vec<u8>, ContentError> {
    let settings = connector.settings();
    let program = settings.pg_dump.display().to_string();
    let failed = |why: String| connector.wrong("writing down the schema", why);
    let pattern = |name: &str| format!("{}.{}", quoted(&settings.schema), quoted(name));
    let mut command = Command::new(&settings.pg_dump);
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
        .envs(connector.variables_for_programs()?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        failed(format!(
            "{program}: {error}. It comes with PostgreSQL's client programs (Debian: postgresql-client); pg_dump names \
             another path"
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
        .map_err(|error| failed(format!("{program}: {error}")))?;
    let said = listening.join().unwrap_or_default();
    read.map_err(|error| failed(format!("{program}: {error}")))?;
    if !status.success() {
        return Err(failed(format!("{program} ended with {status}: {}", said.trim())));
    }
    // Two lines hold a random number in newer versions; they would make every backup's schema another one.
    let text = String::from_utf8_lossy(&printed);
    let kept: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with("\\restrict ") && !line.starts_with("\\unrestrict "))
        .collect();
    Ok(format!("{}\n", kept.join("\n")).into_bytes())
}

/// Statements that make a table in a schema, without constraints and indexes: those come when the rows are in.
#[must_use]
pub fn create(table: &Table, schema: &str) -> String {
    let name = in_schema(schema, &table.name);
    let mut statements = Vec::new();
    for sequence in &table.sequences {
        statements.push(format!(
            "CREATE SEQUENCE {} AS {}",
            in_schema(schema, &sequence.name),
            sequence.data_type
        ));
    }
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| {
            let not_null = if column.not_null { " NOT NULL" } else { "" };
            // Found by the search path, which is the schema: a default that counts finds the sequence made above.
            let default = column
                .default
                .as_ref()
                .map(|text| format!(" DEFAULT {text}"))
                .unwrap_or_default();
            format!("{} {}{default}{not_null}", quoted(&column.name), column.data_type)
        })
        .collect();
    statements.push(format!("CREATE TABLE {name} ({})", columns.join(", ")));
    for column in &table.columns {
        let storage = match column.storage.as_str() {
            "e" => "EXTERNAL",
            "m" => "MAIN",
            "x" => "EXTENDED",
            _ => continue,
        };
        statements.push(format!(
            "ALTER TABLE {name} ALTER COLUMN {} SET STORAGE {storage}",
            quoted(&column.name)
        ));
    }
    for sequence in &table.sequences {
        statements.push(format!(
            "ALTER SEQUENCE {} OWNED BY {name}.{}",
            in_schema(schema, &sequence.name),
            quoted(&sequence.column)
        ));
    }
    statements.join(";\n")
}

/// Statements that give a table with all its rows what it was created without. The search path has to be the schema.
#[must_use]
pub fn complete(table: &Table, schema: &str) -> Vec<String> {
    let name = in_schema(schema, &table.name);
    let mut statements: Vec<_> = table
        .constraints
        .iter()
        .map(|(constraint, definition)| {
            format!(
                "ALTER TABLE {name} ADD CONSTRAINT {} {definition}",
                quoted(constraint)
            )
        })
        .collect();
    statements.extend(table.indexes.iter().cloned());
    for sequence in &table.sequences {
        statements.push(format!(
            "SELECT setval({}::regclass, coalesce(max({}), 0) + 1, false) FROM {name}",
            literal(&in_schema(schema, &sequence.name)),
            quoted(&sequence.column)
        ));
    }
    statements
}

/// Statements that give others the rights on a table and its sequences that they have on another one, the model. Roles
/// that do not exist here are left out by `exists`.
#[must_use]
pub fn grants(table: &Table, model: &Table, schema: &str, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut statements = Vec::new();
    let mut grant = |object: &str, grants: &[(String, String)], special: &[SpecialGrant]| {
        let mut give = |role: &str, right: &str, and: &str| {
            if role == "PUBLIC" {
                statements.push(format!("GRANT {right} ON {object} TO PUBLIC"));
            } else if exists(role) {
                statements.push(format!("GRANT {right} ON {object} TO {}{and}", quoted(role)));
            }
        };
        for (role, right) in grants {
            give(role, right, "");
        }
        for grant in special {
            let and = if grant.grantable { " WITH GRANT OPTION" } else { "" };
            match &grant.column {
                None => give(&grant.role, &grant.right, and),
                // Live may have a column that the backup has not.
                Some(column) if table.columns.iter().any(|known| known.name == *column) => {
                    give(&grant.role, &format!("{} ({})", grant.right, quoted(column)), and);
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
