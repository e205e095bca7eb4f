//! Records of a data store in a table, on their way back: they are added to Live's table, which is never exchanged.

use super::staging::TableStaging;
use crate::content::postgres::tables::Holds;
use crate::content::postgres::{data_store, names};
use crate::content::restoring::RestoreError;

impl TableStaging {
    /// Adds the records of a data store in a table that the live one lacks, once what was staged has been found right.
    /// Nothing is ever removed from it. Rows that are no records do not come back.
    pub(super) fn add_rows(&self) -> Result<Vec<String>, RestoreError> {
        let connector = &self.stage.connector;
        let mut left_out = Vec::new();
        for table in self.tables.iter().filter(|table| table.holds == Holds::DataStore) {
            let failed = connector.failed("adding to the data store");
            let mut session = connector.connect()?;
            let mut transaction = session.begin().map_err(&failed)?;
            self.stage.owner.act(connector, &mut transaction)?;
            let staged = names::in_schema(&self.stage.fresh, &table.name);
            let live = names::in_schema(&connector.settings().schema, &table.name);
            let is_live = self.scratch.is_none() && self.live.iter().any(|live| live.name == table.name);
            let wrong =
                data_store::leave_out(&mut transaction, table, &staged, is_live.then_some(live.as_str()))
                    .map_err(&failed)?;
            left_out.extend(wrong.into_iter().map(|id| {
                format!(
                    "{id} of the table {} does not come back: its data in the backup is not what its name says, or was never \
                     written to the end",
                    table.name
                )
            }));
            if !is_live {
                transaction.commit().map_err(&failed)?;
                continue;
            }
            let named = |column: &str| {
                let place = table.place_of(column);
                let column = place.and_then(|place| table.columns.get(place));
                column.map(|column| names::quoted(&column.name))
            };
            if let ([key], Some(data)) = (table.key.as_slice(), named("data")) {
                let key = names::quoted(key);
                let other = transaction
                    .query_opt(
                        &format!(
                            "SELECT live.{key}::text FROM {live} live JOIN {staged} staged ON staged.{key} = live.{key} \
                             WHERE octet_length(live.{data}) <> octet_length(staged.{data}) LIMIT 1"
                        ),
                        &[],
                    )
                    .map_err(&failed)?
                    .map(|row| row.get::<_, String>(0));
                if let Some(id) = other {
                    return Err(RestoreError::Failed(format!(
                        "{id} stands in the table {}, and is not the record that its name tells: look at the database's \
                         disk, and delete that row",
                        table.name
                    )));
                }
            }
            // A garbage collection that is under way takes what is old and not yet referred to: what is added, and what
            // stands already, counts as used just now.
            let modified = named("last_modified");
            let columns: Vec<_> = table
                .columns
                .iter()
                .map(|column| names::quoted(&column.name))
                .collect();
            let values: Vec<_> = columns
                .iter()
                .map(|column| match &modified {
                    Some(modified) if modified == column => "(extract(epoch FROM now()) * 1000)::bigint",
                    _ => column.as_str(),
                })
                .collect();
            let conflict = match (table.key.as_slice(), &modified) {
                ([key], Some(column)) => format!(
                    "({}) DO UPDATE SET {column} = excluded.{column}",
                    names::quoted(key)
                ),
                _ => "DO NOTHING".to_owned(),
            };
            transaction
                .batch_execute(&format!(
                    "INSERT INTO {live} ({}) SELECT {} FROM {staged} ON CONFLICT {conflict}",
                    columns.join(", "),
                    values.join(", ")
                ))
                .map_err(&failed)?;
            transaction.commit().map_err(&failed)?;
        }
        Ok(left_out)
    }
}
