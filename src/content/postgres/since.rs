//! How many nodes were written to restored tables since they were made live.
//!
//! Every row knows the transaction that wrote it, and so does the note that changed in the switch. What came was written
//! before that. A node that was removed has no row any more, but its parent has another one: its list of children changed.

use super::connect::Connector;
use super::layout;
use super::names::in_schema;
use super::tables::Holds;
use crate::content::ContentError;
use crate::content::left::Left;

/// The age that the server says of a transaction of which it only knows that it was long ago.
const LONG_AGO: i32 = i32::MAX;

/// How many nodes were added or changed since the switch that left these tables; `None` when that cannot be told any more.
///
/// # Errors
/// [`ContentError::Database`] when the database cannot be asked.
pub fn written(connector: &Connector, left: &Left) -> Result<Option<u64>, ContentError> {
    let tables = layout::look(connector)?.0.tables;
    let failed = connector.failed("counting what was written since the restore");
    let mut session = connector.connect()?;
    let mut transaction = session.begin().map_err(&failed)?;
    let switched = transaction
        .query_opt(
            "SELECT age(d.xmin) FROM pg_description d JOIN pg_namespace n ON n.oid = d.objoid \
             WHERE d.classoid = 'pg_namespace'::regclass AND d.objsubid = 0 AND n.nspname = $1",
            &[&left.place],
        )
        .map_err(&failed)?;
    let age: Option<i32> = switched.map(|row| row.get(0));
    let Some(age) = age.filter(|age| *age < LONG_AGO) else {
        return Ok(None);
    };
    let mut written = 0;
    for table in &tables {
        if table.holds != Holds::Bundles || !left.note.came.contains(&table.name) {
            continue;
        }
        let counted = transaction
            .query_one(
                &format!(
                    "SELECT count(*) FROM {} WHERE age(xmin) < $1",
                    in_schema(&connector.settings().schema, &table.name)
                ),
                &[&age],
            )
            .map_err(&failed)?;
        written += u64::try_from(counted.get::<_, i64>(0)).unwrap_or(0);
    }
    Ok(Some(written))
}
