//! A data store in a table: which of its rows are records.

use postgres::Transaction;
use postgres::fallible_iterator::FallibleIterator;

use super::digest::Naming;
use crate::content::postgres::names;
use crate::content::postgres::tables::Table;

/// What Jackrabbit calls a record while it writes it.
const TEMPORARY: &str = "TEMP_";

/// Takes the rows out of a staged data store that are no records: those whose data is not what their id says, and those
/// that were never written to the end. `live` is the table that they would be added to, if there is one. Gives their ids.
///
/// # Errors
/// What the server says.
pub fn leave_out(
    transaction: &mut Transaction<'_>,
    table: &Table,
    staged: &str,
    live: Option<&str>,
) -> Result<Vec<String>, postgres::Error> {
    let named = |column: &str| {
        let column = table.place_of(column).and_then(|place| table.columns.get(place));
        column.map(|column| names::quoted(&column.name))
    };
    let (Some(id), Some(data)) = (named("id"), named("data")) else {
        return Ok(Vec::new());
    };
    // What Live has by the same id and of the same size stays what it is.
    let condition = live.map_or_else(String::new, |live| {
        format!(
            " WHERE NOT EXISTS (SELECT FROM {live} live WHERE live.{id} = staged.{id} \
             AND octet_length(live.{data}) = octet_length(staged.{data}))"
        )
    });
    let mut wrong = Vec::new();
    let none: [&str; 0] = [];
    // One row after the other: all of them would not fit into memory.
    let mut rows = transaction.query_raw(
        &format!("SELECT staged.{id}::text, staged.{data} FROM {staged} staged{condition}"),
        none,
    )?;
    while let Some(row) = rows.next()? {
        let (name, content): (&str, Option<&[u8]>) = (row.get(0), row.get(1));
        if !is_record(name, content.unwrap_or_default()) {
            wrong.push(name.to_owned());
        }
    }
    drop(rows);
    if !wrong.is_empty() {
        transaction.execute(
            &format!("DELETE FROM {staged} WHERE {id}::text = ANY($1)"),
            &[&wrong],
        )?;
    }
    wrong.sort_unstable();
    Ok(wrong)
}

/// Whether a row is a record. An id that is no digest that is known says nothing of the data.
fn is_record(id: &str, data: &[u8]) -> bool {
    if id.starts_with(TEMPORARY) {
        return false;
    }
    let is_digest = id.bytes().all(|byte| byte.is_ascii_hexdigit());
    match Naming::of(id.as_bytes()) {
        Some(mut naming) if is_digest => {
            naming.update(data);
            naming.name().eq_ignore_ascii_case(id)
        }
        _ => true,
    }
}
