//! Statements that make the sequences of a table, and set what they count to.

use std::collections::BTreeMap;

use postgres::Transaction;

use super::names::{in_schema, literal, quoted};
use super::tables::{Sequence, Table};

pub(super) fn create(sequence: &Sequence, schema: &str) -> String {
    let data_type = match sequence.data_type.as_str() {
        "smallint" => "smallint",
        "integer" => "integer",
        _ => "bigint",
    };
    format!(
        "CREATE SEQUENCE {} AS {data_type}{}",
        in_schema(schema, &sequence.name),
        counting(sequence)
    )
}

pub(super) fn counting(sequence: &Sequence) -> String {
    sequence.counting.map_or_else(String::new, |counting| {
        format!(
            " INCREMENT BY {} MINVALUE {} MAXVALUE {} START WITH {} CACHE {} {}CYCLE",
            counting.step,
            counting.least,
            counting.most,
            counting.start,
            counting.cache,
            if counting.cycles { "" } else { "NO " }
        )
    })
}

/// Where a sequence that a column counts with has to go on: behind the furthest number that the column has, which may be
/// behind the last one that the sequence gives.
fn next(table: &Table, sequence: &Sequence, schema: &str) -> String {
    let (step, start) = sequence
        .counting
        .map_or((1, 1), |counting| (counting.step, counting.start));
    let (last, further) = if step < 0 {
        ("min", "least")
    } else {
        ("max", "greatest")
    };
    // Of nothing and a number, the number is the further one.
    format!(
        "{further}((SELECT {last}({})::numeric + {step} FROM {}), {start})",
        quoted(&sequence.column),
        in_schema(schema, &table.name),
    )
}

/// The last number that a sequence gives.
fn end(sequence: &Sequence) -> i64 {
    let largest = match sequence.data_type.as_str() {
        "smallint" => i64::from(i16::MAX),
        "integer" => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    sequence.counting.map_or(largest, |counting| {
        if counting.step < 0 {
            counting.least
        } else {
            counting.most
        }
    })
}

/// Where a sequence has to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    /// The sequence.
    pub(super) name: String,
    /// What the server works the number out with, and whether that was given already.
    pub(super) select: String,
}

/// Where every sequence has to stand that the columns of some tables count with.
pub(super) fn positions(tables: &[Table], schema: &str) -> Vec<Position> {
    let mut columns: BTreeMap<&str, (&Sequence, Vec<String>)> = BTreeMap::new();
    for table in tables {
        for sequence in &table.sequences {
            let entry = columns
                .entry(&sequence.name)
                .or_insert_with(|| (sequence, Vec::new()));
            entry.1.push(next(table, sequence, schema));
        }
    }
    let position = |(name, (sequence, nexts)): (&str, (&Sequence, Vec<String>))| {
        let is_backwards = sequence.counting.is_some_and(|counting| counting.step < 0);
        let (further, nearer, beyond) = if is_backwards {
            ("least", "greatest", "<")
        } else {
            ("greatest", "least", ">")
        };
        let end = end(sequence);
        Position {
            name: name.to_owned(),
            select: format!(
                "SELECT {nearer}(n, {end})::bigint AS number, n {beyond} {end} AS given \
                 FROM (SELECT {further}({}) AS n) AS wanted",
                nexts.join(", ")
            ),
        }
    };
    columns.into_iter().map(position).collect()
}

/// Brings every sequence where its columns are.
pub(super) fn counters(tables: &[Table], schema: &str) -> Vec<String> {
    let positions = positions(tables, schema).into_iter();
    let set = positions.map(|position| {
        format!(
            "SELECT pg_catalog.setval({}::regclass, number, given) FROM ({}) AS position",
            literal(&in_schema(schema, &position.name)),
            position.select
        )
    });
    set.collect()
}

/// The sequences of tables that would give a number next which a column has already, or has gone beyond, as sentences. Looked at as
/// the owner of the tables.
///
/// # Errors
/// What the server says.
pub(super) fn behind(
    transaction: &mut Transaction<'_>,
    tables: &[Table],
    schema: &str,
) -> Result<Vec<String>, postgres::Error> {
    let mut told = Vec::new();
    for table in tables {
        for sequence in &table.sequences {
            let (step, cycles) = sequence
                .counting
                .map_or((1, false), |counting| (counting.step, counting.cycles));
            if cycles {
                // It may be anywhere.
                continue;
            }
            let (nearer, before) = if step < 0 {
                ("greatest", ">")
            } else {
                ("least", "<")
            };
            let statement = format!(
                "SELECT gives::text, n::text FROM (SELECT CASE WHEN is_called THEN last_value::numeric + {step} ELSE last_value END AS gives \
                 FROM {}) AS now, (SELECT {nearer}({}, {}::numeric + {step}) AS n) AS wanted WHERE gives {before} n",
                in_schema(schema, &sequence.name),
                next(table, sequence, schema),
                end(sequence)
            );
            // A sequence of somebody else's may not be looked at, and is told as that (`ties`).
            let mut savepoint = transaction.transaction()?;
            match savepoint.query_opt(&*statement, &[]) {
                Ok(Some(row)) => told.push(format!(
                    "the sequence {} of the table {} would give {} next, and comes back at {}: the numbers before it are taken",
                    sequence.name,
                    table.name,
                    row.get::<_, &str>(0),
                    row.get::<_, &str>(1)
                )),
                Ok(None) => {}
                Err(error) if error.as_db_error().is_some() => savepoint.rollback()?,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(told)
}
