//! What tables are made of, piece by piece, and how Live's differ in it from those that a restore would make. Rows are
//! compared elsewhere (`restore::nodes`).
//!
//! A piece counts where Live has it neither as the backup says nor as it would be made here: another server writes a
//! definition down in another way, and what cannot come back is no reason to restore.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::Index;
use super::dress::{CommentOn, Dress};
use super::tables::{Holds, Table};
use crate::domain::environment::{InstanceName, VERSIONS};
use crate::domain::measure;
use crate::domain::plan::Selection;

/// How many pieces of one table, and how many tables, are named.
const NAMED: usize = 8;

/// What a piece is and what it is called, as in `the index` and `i`.
type Piece = (&'static str, String);

/// What a table is made of: each piece, and what it says. Rights are not among it: Live's stay.
fn pieces(table: &Table) -> BTreeMap<Piece, String> {
    let mut pieces = BTreeMap::new();
    let mut put = |kind, name: &str, text: String| {
        pieces.insert((kind, name.to_owned()), text);
    };
    let columns = table.all_columns();
    let names: Vec<_> = columns.iter().map(|(column, _)| column.name.as_str()).collect();
    put("the order of the columns", "", names.join(", "));
    for (column, generated) in columns {
        let how = generated.map(|generated| generated.is_virtual);
        put(
            "the column",
            &column.name,
            format!("{} {:?} {how:?}", column.data_type, column.collation),
        );
        if let Some(default) = &column.default {
            put("the default of the column", &column.name, default.clone());
        }
        if let Some(identity) = column.identity {
            put(
                "the counting of the column",
                &column.name,
                format!("{identity:?}"),
            );
        }
        if column.not_null {
            put("NOT NULL of the column", &column.name, String::new());
        }
        put("the storage of the column", &column.name, column.storage.clone());
    }
    for (name, text) in &table.constraints {
        put("the constraint", name, text.clone());
    }
    for text in &table.indexes {
        let read = Index::read(text);
        put(
            "the index",
            read.as_ref().map_or(text, |index| &index.name),
            text.clone(),
        );
    }
    for sequence in &table.sequences {
        put(
            "the sequence",
            &sequence.name,
            format!(
                "{} {} {} {:?}",
                sequence.column, sequence.data_type, sequence.owned, sequence.counting
            ),
        );
        if let Some(comment) = &sequence.comment {
            put("the comment on the sequence", &sequence.name, comment.clone());
        }
    }
    if let Some(dress) = &table.dress {
        dressed(dress, &mut put);
    }
    pieces
}

fn dressed(dress: &Dress, put: &mut impl FnMut(&'static str, &str, String)) {
    let flags = [
        ("that its rows are lost in a crash (UNLOGGED)", dress.unlogged),
        ("row-level security", dress.row_security),
        ("forced row-level security", dress.forced_row_security),
    ];
    for (kind, is_set) in flags {
        if is_set {
            put(kind, "", String::new());
        }
    }
    for (prefix, options) in [("", &dress.options), ("toast.", &dress.toast_options)] {
        for (name, value) in options {
            put("the storage parameter", &format!("{prefix}{name}"), value.clone());
        }
    }
    let singles = [
        ("the tablespace", dress.tablespace.clone()),
        (
            "the replica identity",
            dress
                .replica_identity
                .as_ref()
                .map(|identity| format!("{identity:?}")),
        ),
        ("the order by the index", dress.clustered_on.clone()),
    ];
    for (kind, value) in singles {
        if let Some(value) = value {
            put(kind, "", value);
        }
    }
    for column in &dress.columns {
        put("what is set on the column", &column.name, format!("{column:?}"));
    }
    for index in &dress.indexes {
        put("what is set on the index", &index.name, format!("{index:?}"));
    }
    for policy in &dress.policies {
        put("the policy", &policy.name, format!("{policy:?}"));
    }
    for one in &dress.statistics {
        put("the statistics", &one.name, format!("{one:?}"));
    }
    for (name, text) in &dress.foreign_keys {
        put("the foreign key", name, text.clone());
    }
    for comment in &dress.comments {
        let kind = match comment.on {
            CommentOn::Table => "the comment",
            CommentOn::Column => "the comment on the column",
            CommentOn::Index => "the comment on the index",
            CommentOn::Constraint => "the comment on the constraint",
        };
        put(kind, &comment.name, comment.text.clone());
    }
}

/// How the tables of Live differ from those of a backup, where a restore exchanges them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// What Live lacks, as sentences. It comes back.
    pub missing: Vec<String>,
    /// What Live has otherwise, as sentences. It comes back as it was, and what was added goes.
    pub changed: Vec<String>,
}

impl Differences {
    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.missing.is_empty() && self.changed.is_empty()
    }
}

/// Whether a restore of a selection exchanges a table: of one that Live has, whether it goes, and of one that it has not,
/// whether it comes.
fn is_exchanged(selection: &Selection, table: &Table, is_live: bool) -> bool {
    (table.holds != Holds::DataStore || !is_live)
        && (selection.workspaces.is_empty() || table.workspace != VERSIONS)
}

/// The names of the tables that a restore of a selection brings.
#[must_use]
pub fn coming(selection: &Selection, staged: &[Table], live: &[Table]) -> BTreeSet<String> {
    let comes = |table: &&Table| {
        let is_live = live.iter().any(|live| live.name == table.name);
        is_exchanged(selection, table, is_live)
    };
    staged
        .iter()
        .filter(comes)
        .map(|table| table.name.clone())
        .collect()
}

/// The tables of Live that a restore exchanges and that are not made of what the backup says.
#[must_use]
pub fn suspects(selection: &Selection, wanted: &[Table], live: &[Table]) -> BTreeSet<String> {
    let differs = |table: &&Table| {
        let now = live.iter().find(|live| live.name == table.name);
        now.is_some_and(|now| is_exchanged(selection, table, true) && pieces(now) != pieces(table))
    };
    wanted
        .iter()
        .filter(differs)
        .map(|table| table.name.clone())
        .collect()
}

/// How Live's tables differ from `wanted`, those of a backup. `made` tells of the suspects how they would be made; one that
/// could not be made is taken as the backup says. `live` has no others than those that the restore is about.
#[must_use]
pub fn differences(
    instance: &InstanceName,
    selection: &Selection,
    (wanted, live): (&[Table], &[Table]),
    made: &[Table],
) -> Differences {
    let mut differences = Differences::default();
    let has = |tables: &[Table], name: &str| tables.iter().any(|table| table.name == name);
    let only = |tables: &[Table], others: &[Table], is_live: bool| -> Vec<String> {
        let tables = tables
            .iter()
            .filter(|table| !has(others, &table.name) && is_exchanged(selection, table, is_live));
        let mut names: Vec<_> = tables.map(|table| table.name.clone()).collect();
        names.sort();
        names
    };
    let absent = only(wanted, live, false);
    if !absent.is_empty() {
        let (tables, are, come) = plural(&absent, "comes", "come");
        differences.missing.push(format!(
            "{tables} {are} missing in the database of {instance}, and {come} back"
        ));
    }
    let added = only(live, wanted, true);
    // What a data store has is added to, and never taken away.
    let added: Vec<_> = added
        .into_iter()
        .filter(|name| {
            live.iter()
                .any(|table| table.name == *name && table.holds != Holds::DataStore)
        })
        .collect();
    if !added.is_empty() {
        let (tables, are, go) = plural(&added, "goes", "go");
        differences.changed.push(format!(
            "{tables} {are} in the database of {instance} and not in the backup, and {go} with what is replaced"
        ));
    }
    let mut more = 0;
    for table in wanted {
        let Some(now) = live.iter().find(|live| live.name == table.name) else {
            continue;
        };
        if !is_exchanged(selection, table, true) {
            continue;
        }
        let made = made.iter().find(|made| made.name == table.name).unwrap_or(table);
        let (told, has_more) = told(&pieces(table), &pieces(made), &pieces(now));
        if told.is_empty() {
            continue;
        }
        let sentences = if has_more {
            &mut differences.changed
        } else {
            &mut differences.missing
        };
        if sentences.len() > NAMED {
            more += 1;
            continue;
        }
        sentences.push(format!(
            "the table {} was changed since the backup was taken, and comes back as it was then: {}",
            table.name,
            shortened(told)
        ));
    }
    if more > 0 {
        differences.changed.push(format!(
            "{} of {instance} were changed since the backup was taken, and come back as they were then",
            measure::so_many(more, "more table", "more tables")
        ));
    }
    differences
}

/// What differs, in words, and whether something of it is in Live and goes.
fn told(
    wanted: &BTreeMap<Piece, String>,
    made: &BTreeMap<Piece, String>,
    live: &BTreeMap<Piece, String>,
) -> (Vec<String>, bool) {
    let mut told = Vec::new();
    let mut has_more = false;
    let all: BTreeSet<&Piece> = made.keys().chain(live.keys()).collect();
    for piece in all {
        let (kind, name) = piece;
        let (then, here, now) = (wanted.get(piece), made.get(piece), live.get(piece));
        if now == then || now == here {
            continue;
        }
        // Of a column that is missing or new, the rest is no news.
        let column = ("the column", name.clone());
        let is_rest = *kind != "the column" && kind.ends_with(" the column");
        if is_rest && made.contains_key(&column) != live.contains_key(&column) {
            continue;
        }
        let what = if name.is_empty() {
            (*kind).to_owned()
        } else {
            format!("{kind} {name}")
        };
        has_more |= now.is_some();
        told.push(match (here, now) {
            (_, None) => format!("{what} is missing"),
            (None, Some(text)) if matches!(*kind, "the constraint" | "the index" | "the foreign key") => {
                format!("{what} was added ({text})")
            }
            (None, Some(_)) => format!("{what} was added"),
            (Some(_), Some(_)) => format!("{what} is another one"),
        });
    }
    (told, has_more)
}

fn shortened(mut told: Vec<String>) -> String {
    let rest = told.len().saturating_sub(NAMED);
    told.truncate(NAMED);
    if rest > 0 {
        told.push(format!("and {rest} more"));
    }
    told.join("; ")
}

/// Tables as the beginning of a sentence, and the verbs that go with them.
fn plural(names: &[String], one: &'static str, many: &'static str) -> (String, &'static str, &'static str) {
    match names {
        [name] => (format!("the table {name}"), "is", one),
        names => {
            let rest = names.len().saturating_sub(NAMED);
            let mut some: Vec<String> = names.iter().take(NAMED).cloned().collect();
            if rest > 0 {
                some.push(format!("{rest} more"));
            }
            (format!("the tables {}", measure::listed(&some)), "are", many)
        }
    }
}
