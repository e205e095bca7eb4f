//! The schema's definition, written down by Lifeboat for whoever recovers without it, where `pg_dump` must not be used:
//! what that sets before its own transaction stays behind for others in a pool, and it may not get it itself.
//!
//! These are the statements that a restore makes the tables with. What they cannot make is in it as a comment.

use std::collections::BTreeSet;

use postgres::GenericClient;

use super::blueprint::{Blueprint, Blueprints, Part};
use super::connect::Connector;
use super::layout::Layout;
use super::names::{in_schema, literal, quoted};
use super::rehearsal::Facts;
use super::schema;
use super::stage::Owner;
use crate::content::ContentError;

/// The schema as SQL, from its layout. `counters` come after it.
///
/// # Errors
/// [`ContentError::Database`].
pub fn write(
    connector: &Connector,
    client: &mut impl GenericClient,
    layout: &Layout,
    counters: &[String],
) -> Result<Vec<u8>, ContentError> {
    let schema = &connector.settings().schema;
    let owner = Owner {
        role: layout.tables.first().map(|table| table.owner.clone()),
    };
    let facts = Facts::find(connector, client, &owner, &layout.tables, &layout.tables)?;
    let drawn = Blueprints::draw(&layout.tables, &facts, schema);
    let mut text = Text::default();
    text.comment(&format!(
        "The tables of Jackrabbit in the schema {schema}, written down by Lifeboat"
    ));
    for missing in drawn.obstacles.iter().chain(&drawn.left_out) {
        text.comment(missing);
    }
    // As the definitions were read.
    text.statement("SET client_encoding = 'UTF8'");
    text.statement("SET standard_conforming_strings = on");
    text.statement(&format!(
        "SELECT pg_catalog.set_config('search_path', {}, false)",
        literal(&quoted(schema))
    ));
    text.parts(&drawn.sequences);
    let stages: [fn(&Blueprint) -> &Vec<Part>; 3] = [
        |table| &table.create,
        |table| &table.complete,
        |table| &table.finish,
    ];
    for stage in stages {
        for table in &drawn.tables {
            text.parts(stage(table));
        }
    }
    let mut given = BTreeSet::new();
    for table in &layout.tables {
        let owner = quoted(&table.owner);
        text.statement(&format!(
            "ALTER TABLE {} OWNER TO {owner}",
            in_schema(schema, &table.name)
        ));
        for sequence in table.sequences.iter().filter(|sequence| !sequence.owned) {
            if given.insert(&sequence.name) {
                text.statement(&format!(
                    "ALTER SEQUENCE {} OWNER TO {owner}",
                    in_schema(schema, &sequence.name)
                ));
            }
        }
        for grant in schema::grants(table, table, schema, &|_| true) {
            text.statement(&grant);
        }
    }
    for table in &drawn.tables {
        text.parts(&table.close);
    }
    for counter in counters {
        text.line(counter);
    }
    Ok(text.0.into_bytes())
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// In one line, whatever stands in it.
    fn comment(&mut self, text: &str) {
        let text = text.replace(char::is_control, " ");
        self.line(&format!("-- {text}"));
    }

    fn statement(&mut self, statement: &str) {
        self.line(&format!("{statement};"));
    }

    fn parts(&mut self, parts: &[Part]) {
        for part in parts {
            self.statement(&part.statement);
        }
    }
}
