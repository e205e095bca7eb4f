//! Statements that make the sequences of a table, and set what they count to.

use std::collections::BTreeMap;

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

/// Where a sequence that a column counts with has to go on: behind the largest number that the column has.
#[must_use]
pub fn next(table: &Table, sequence: &Sequence, schema: &str) -> String {
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
        "{further}((SELECT {last}({}) + {step} FROM {}), {start})",
        quoted(&sequence.column),
        in_schema(schema, &table.name),
    )
}

/// Brings every sequence where its columns are.
pub(super) fn counters(tables: &[Table], schema: &str) -> Vec<String> {
    let mut columns: BTreeMap<&str, (bool, Vec<String>)> = BTreeMap::new();
    for table in tables {
        for sequence in &table.sequences {
            let entry = columns.entry(&sequence.name).or_default();
            entry.0 = sequence.counting.is_some_and(|counting| counting.step < 0);
            entry.1.push(next(table, sequence, schema));
        }
    }
    let set = columns.into_iter().map(|(name, (is_backwards, nexts))| {
        let further = if is_backwards { "least" } else { "greatest" };
        format!(
            "SELECT pg_catalog.setval({}::regclass, {further}({}), false)",
            literal(&in_schema(schema, name)),
            nexts.join(", ")
        )
    });
    set.collect()
}
