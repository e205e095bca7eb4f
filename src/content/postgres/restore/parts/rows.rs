//! The statements that make the tables of a workspace out of Live's rows and of those that come.
//!
//! Not in here: which rows these are (`compose`).

use std::collections::BTreeSet;

use postgres::Transaction;

use super::compose::{Composing, PartRows};
use super::tables::{PartTables, column};
use crate::content::postgres::names::in_schema;
use crate::content::postgres::restore::version_statements::halves;
use crate::content::postgres::tables::Table;
use crate::content::restoring::RestoreError;
use crate::jcr::NodeId;

/// Tables that this needs in the staged schema for a moment.
const LEAVES: &str = "lifeboat_leaves";
const COMES: &str = "lifeboat_comes";
const KEPT: &str = "lifeboat_kept";

impl Composing<'_> {
    /// Makes the tables, all together.
    pub(super) fn write(&self, parts: &[(&PartTables, PartRows)]) -> Result<(), RestoreError> {
        let connector = &self.stage.connector;
        let failed = connector.failed("putting together what is staged");
        let mut session = connector.connect()?;
        let mut transaction = session.begin().map_err(&failed)?;
        self.stage.owner.act(connector, &mut transaction)?;
        self.at_rest.hold(connector, &mut transaction)?;
        for (tables, rows) in parts {
            self.nodes(&mut transaction, &tables.bundles, rows)
                .map_err(&failed)?;
            if let Some(table) = &tables.references {
                self.write_references(&mut transaction, table, rows)
                    .map_err(&failed)?;
            }
            if let Some(table) = &tables.binaries {
                self.binaries(&mut transaction, table, rows).map_err(&failed)?;
            }
            for table in tables.all() {
                let analyze = format!("ANALYZE {}", in_schema(&self.stage.fresh, &table.name));
                transaction.batch_execute(&analyze).map_err(&failed)?;
            }
        }
        Ok(transaction.commit().map_err(failed)?)
    }

    fn nodes(
        &self,
        transaction: &mut Transaction<'_>,
        table: &Table,
        rows: &PartRows,
    ) -> Result<(), postgres::Error> {
        let same = format!(
            "t.{} = i.hi AND t.{} = i.lo",
            column(table, "node_id_hi"),
            column(table, "node_id_lo")
        );
        self.list(transaction, LEAVES, &rows.leaves)?;
        self.list(transaction, COMES, &rows.comes)?;
        let (staged, kept) = (
            in_schema(&self.stage.fresh, &table.name),
            in_schema(&self.stage.fresh, KEPT),
        );
        let (comes, columns) = (in_schema(&self.stage.fresh, COMES), table.column_list());
        transaction.batch_execute(&format!(
            "CREATE TABLE {kept} AS SELECT t.* FROM {staged} t JOIN {comes} i ON {same}"
        ))?;
        self.refill(
            transaction,
            table,
            &format!(
                "NOT EXISTS (SELECT FROM {} i WHERE {same})",
                in_schema(&self.stage.fresh, LEAVES)
            ),
        )?;
        transaction.batch_execute(&format!(
            "INSERT INTO {staged} ({columns}) SELECT {columns} FROM {kept}; DROP TABLE {kept}, {comes}, {}",
            in_schema(&self.stage.fresh, LEAVES)
        ))?;
        self.insert(transaction, table, "bundle_data", &mut rows.patched.iter())
    }

    fn write_references(
        &self,
        transaction: &mut Transaction<'_>,
        table: &Table,
        rows: &PartRows,
    ) -> Result<(), postgres::Error> {
        self.list(transaction, LEAVES, &rows.changed_references)?;
        let leaves = in_schema(&self.stage.fresh, LEAVES);
        self.refill(
            transaction,
            table,
            &format!(
                "NOT EXISTS (SELECT FROM {leaves} i WHERE t.{} = i.hi AND t.{} = i.lo)",
                column(table, "node_id_hi"),
                column(table, "node_id_lo")
            ),
        )?;
        transaction.batch_execute(&format!("DROP TABLE {leaves}"))?;
        let mut changed = rows
            .references
            .iter()
            .filter(|(id, _)| rows.changed_references.contains(*id));
        self.insert(transaction, table, "refs_data", &mut changed)
    }

    fn binaries(
        &self,
        transaction: &mut Transaction<'_>,
        table: &Table,
        rows: &PartRows,
    ) -> Result<(), postgres::Error> {
        let id = column(table, "binval_id");
        let columns = table.column_list();
        let (staged, kept) = (
            in_schema(&self.stage.fresh, &table.name),
            in_schema(&self.stage.fresh, KEPT),
        );
        for (name, ids) in [(LEAVES, &rows.binaries_leave), (COMES, &rows.binaries_come)] {
            let list = in_schema(&self.stage.fresh, name);
            let ids: Vec<&String> = ids.iter().collect();
            transaction.batch_execute(&format!("CREATE TABLE {list} (id text)"))?;
            transaction.execute(&format!("INSERT INTO {list} SELECT unnest($1::text[])"), &[&ids])?;
        }
        let (leaves, comes) = (
            in_schema(&self.stage.fresh, LEAVES),
            in_schema(&self.stage.fresh, COMES),
        );
        transaction.batch_execute(&format!(
            "CREATE TABLE {kept} AS SELECT t.* FROM {staged} t JOIN {comes} i ON t.{id} = i.id"
        ))?;
        self.refill(
            transaction,
            table,
            &format!("NOT EXISTS (SELECT FROM {leaves} i WHERE t.{id} = i.id)"),
        )?;
        transaction.batch_execute(&format!(
            "INSERT INTO {staged} ({columns}) SELECT {columns} FROM {kept}; DROP TABLE {kept}, {comes}, {leaves}"
        ))
    }

    /// Writes ids into a table of its own in the staged schema.
    fn list(
        &self,
        transaction: &mut Transaction<'_>,
        name: &str,
        ids: &BTreeSet<NodeId>,
    ) -> Result<(), postgres::Error> {
        let list = in_schema(&self.stage.fresh, name);
        transaction.batch_execute(&format!("CREATE TABLE {list} (hi bigint, lo bigint)"))?;
        let (high, low) = halves(ids.iter());
        transaction.execute(
            &format!("INSERT INTO {list} SELECT * FROM unnest($1::bigint[], $2::bigint[])"),
            &[&high, &low],
        )?;
        transaction.batch_execute(&format!("ANALYZE {list}"))
    }

    /// Empties a staged table and fills it with those rows `t` of Live's for which a condition holds.
    fn refill(
        &self,
        transaction: &mut Transaction<'_>,
        table: &Table,
        condition: &str,
    ) -> Result<(), postgres::Error> {
        let staged = in_schema(&self.stage.fresh, &table.name);
        let columns = table.column_list();
        transaction.batch_execute(&format!(
            "TRUNCATE {staged}; INSERT INTO {staged} ({columns}) SELECT {columns} FROM {} t WHERE {condition}",
            in_schema(self.live_schema(), &table.name)
        ))
    }

    fn insert(
        &self,
        transaction: &mut Transaction<'_>,
        table: &Table,
        data: &str,
        rows: &mut dyn Iterator<Item = (&NodeId, &Vec<u8>)>,
    ) -> Result<(), postgres::Error> {
        let statement = transaction.prepare(&format!(
            "INSERT INTO {} ({}, {}, {}) VALUES ($1, $2, $3)",
            in_schema(&self.stage.fresh, &table.name),
            column(table, "node_id_hi"),
            column(table, "node_id_lo"),
            column(table, data)
        ))?;
        for (id, bytes) in rows {
            let (high, low) = halves(std::iter::once(id));
            transaction.execute(&statement, &[&high.first(), &low.first(), bytes])?;
        }
        Ok(())
    }
}
