//! Whether what was staged takes what Jackrabbit adds, and what is done to it last.

use postgres::error::SqlState;

use super::blueprint::Blueprints;
use super::connect::sentence;
use super::names::{in_schema, quoted};
use super::rehearsal::run;
use super::schema::own_rights;
use super::stage::Stage;
use super::tables::{Holds, Table};
use crate::content::ContentError;

impl Stage {
    /// What comes when everything was read back: from then on the owner may see only a part of its own tables.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub fn close(&self, tables: &[Table], drawn: &Blueprints, live: &[Table]) -> Result<(), ContentError> {
        let model = |table: &Table| live.iter().find(|live| live.name == table.name).cloned();
        let models: Vec<_> = tables
            .iter()
            .map(|table| (table, model(table).unwrap_or_else(|| table.clone())))
            .collect();
        let is_open = models.iter().all(|(_, model)| model.own_rights.is_none());
        if is_open && drawn.tables.iter().all(|table| table.close.is_empty()) {
            return Ok(());
        }
        let failed = self.connector.failed("completing what is staged");
        let mut session = self.connector.connect()?;
        let mut transaction = session.begin().map_err(&failed)?;
        self.owner.act(&self.connector, &mut transaction)?;
        for table in &drawn.tables {
            self.run(&mut transaction, &table.close)?;
        }
        let owner: String = transaction
            .query_one("SELECT current_user::text", &[])
            .map_err(&failed)?
            .get(0);
        for (table, model) in &models {
            for statement in own_rights(table, model, &self.fresh, &owner) {
                run(&mut transaction, &statement).map_err(&failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    /// Does what Jackrabbit does first of all: it adds a name and a node to each workspace, as the owner of the tables, and
    /// takes that back. Gives what cannot be added, as the beginning of a sentence.
    ///
    /// # Errors
    /// [`ContentError::Database`] when it cannot be tried.
    pub fn accepts(&self, tables: &[Table], drawn: &Blueprints) -> Result<Option<String>, ContentError> {
        let failed = self.connector.failed("adding to what is staged");
        let mut session = self.connector.connect()?;
        let mut refused = None;
        for table in tables {
            let Some((columns, values)) = sample(table) else {
                continue;
            };
            let mut transaction = session.begin().map_err(&failed)?;
            self.owner.act(&self.connector, &mut transaction)?;
            let added = run(
                &mut transaction,
                &format!(
                    "INSERT INTO {} ({columns}) VALUES ({values})",
                    in_schema(&self.fresh, &table.name)
                ),
            );
            transaction.rollback().map_err(&failed)?;
            // What a rule of somebody's says of a row that only looks like one of Jackrabbit's is no matter, nor that a sequence
            // has come to its end: it was there when the backup was taken.
            let is_ruled_out = |error: &postgres::Error| {
                matches!(
                    error.code(),
                    Some(
                        &SqlState::CHECK_VIOLATION
                            | &SqlState::FOREIGN_KEY_VIOLATION
                            | &SqlState::SEQUENCE_GENERATOR_LIMIT_EXCEEDED
                    )
                )
            };
            match added {
                Ok(()) => {}
                Err(error) if is_ruled_out(&error) => {}
                Err(error) if error.as_db_error().is_some() => {
                    refused = Some(format!(
                        "nothing can be added to the table {}, as Jackrabbit would: {}",
                        table.name,
                        sentence(&error)
                    ));
                    break;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        // A sequence does not go back by itself.
        let mut transaction = session.begin().map_err(&failed)?;
        self.owner.act(&self.connector, &mut transaction)?;
        self.count(&mut transaction, drawn)?;
        transaction.commit().map_err(failed)?;
        Ok(refused)
    }
}

/// What Jackrabbit would add to a table: columns and values. `None` where only it knows.
fn sample(table: &Table) -> Option<(String, &'static str)> {
    let (columns, values): (&[&str], _) = match table.holds {
        Holds::Names => (&["name"], "'lifeboat: a name that was never used'"),
        Holds::Bundles => (
            &["node_id_hi", "node_id_lo", "bundle_data"],
            "-7766279631452241920, 4611686018427387903, '\\x00'",
        ),
        Holds::References => (
            &["node_id_hi", "node_id_lo", "refs_data"],
            "-7766279631452241920, 4611686018427387903, '\\x00'",
        ),
        Holds::Binaries | Holds::DataStore | Holds::FileSystem => return None,
    };
    let names: Option<Vec<String>> = columns
        .iter()
        .map(|name| Some(quoted(&table.columns.get(table.place_of(name)?)?.name)))
        .collect();
    Some((names?.join(", "), values))
}
