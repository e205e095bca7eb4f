//! What a restore of chosen workspaces does to the version storage, as statements for the transaction of the switch.
//!
//! Not in here: which histories come and which go (`versions`).

use std::collections::{BTreeMap, BTreeSet};

use crate::content::ContentError;
use crate::content::postgres::names::{in_schema, literal, quoted};
use crate::content::postgres::stage::Stage;
use crate::content::postgres::tables::{Holds, Table};
use crate::jcr::NodeId;

/// Statements that belong into the transaction of the switch.
#[derive(Debug, Default)]
pub(super) struct Merge {
    /// Before the tables are exchanged.
    pub forward: Vec<String>,
    /// Before they are exchanged back.
    pub back: Vec<String>,
}

/// Names of the tables that this needs in the two schemas of the restore.
const LEAVING: &str = "lifeboat_leaving";
const COMING: &str = "lifeboat_coming";
const FOLDERS: &str = "lifeboat_folders";
const SHARED: &str = "lifeboat_shared";
const SAVED_BUNDLES: &str = "lifeboat_saved_bundles";
const SAVED_REFERENCES: &str = "lifeboat_saved_references";

/// Everything that the statements speak of.
pub(super) struct Prepared<'a> {
    pub(super) stage: &'a Stage,
    pub(super) live_schema: &'a str,
    pub(super) bundles: &'a Table,
    pub(super) references: Option<&'a Table>,
    pub(super) staged_references: bool,
    pub(super) live_rows: usize,
}

impl Prepared<'_> {
    /// Writes the lists of nodes into the staged schema.
    pub(super) fn write(
        &self,
        leaving: &BTreeSet<NodeId>,
        coming: &BTreeSet<NodeId>,
        folders: &BTreeMap<NodeId, Vec<u8>>,
        shared: &BTreeSet<NodeId>,
    ) -> Result<(), ContentError> {
        let connector = &self.stage.connector;
        let failed = connector.failed("preparing the version storage");
        let mut session = connector.connect()?;
        let mut transaction = session.begin().map_err(&failed)?;
        self.stage.owner.act(connector, &mut transaction)?;
        for (name, ids) in [(LEAVING, leaving), (COMING, coming), (SHARED, shared)] {
            let table = in_schema(&self.stage.fresh, name);
            transaction
                .batch_execute(&format!(
                    "DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (hi bigint, lo bigint)"
                ))
                .map_err(&failed)?;
            let (high, low) = halves(ids.iter());
            transaction
                .execute(
                    &format!("INSERT INTO {table} SELECT * FROM unnest($1::bigint[], $2::bigint[])"),
                    &[&high, &low],
                )
                .map_err(&failed)?;
        }
        let table = in_schema(&self.stage.fresh, FOLDERS);
        transaction
            .batch_execute(&format!(
                "DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (hi bigint, lo bigint, data bytea)"
            ))
            .map_err(&failed)?;
        let (high, low) = halves(folders.keys());
        let data: Vec<&[u8]> = folders.values().map(Vec::as_slice).collect();
        transaction
            .execute(
                &format!("INSERT INTO {table} SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])"),
                &[&high, &low, &data],
            )
            .map_err(&failed)?;
        transaction.commit().map_err(failed)
    }

    pub(super) fn statements(&self) -> Merge {
        let fresh = |name: &str| in_schema(&self.stage.fresh, name);
        let saved = |name: &str| in_schema(&self.stage.replaced, name);
        let mut merge = Merge::default();
        let live = in_schema(self.live_schema, &self.bundles.name);
        let same = matching(self.bundles);
        merge
            .forward
            .push(format!("LOCK TABLE {live} IN SHARE ROW EXCLUSIVE MODE"));
        // Versions that were made since the lists were worked out would be torn apart.
        merge.forward.push(format!(
            "DO $lifeboat$ BEGIN IF (SELECT count(*) FROM {live}) <> {} THEN RAISE EXCEPTION {}; END IF; END $lifeboat$",
            self.live_rows,
            literal("versions were made while the restore was prepared: stop Magnolia, or restore again")
        ));
        merge.forward.push(format!(
            "CREATE TABLE {} AS SELECT t.* FROM {live} t WHERE EXISTS (SELECT FROM {} i WHERE {same}) \
             OR EXISTS (SELECT FROM {} i WHERE {same})",
            saved(SAVED_BUNDLES),
            fresh(LEAVING),
            fresh(FOLDERS)
        ));
        merge.forward.push(format!(
            "DELETE FROM {live} t USING {} i WHERE {same}",
            fresh(LEAVING)
        ));
        let columns = self.bundles.column_list();
        merge.forward.push(format!(
            "INSERT INTO {live} ({columns}) SELECT {} FROM {} t JOIN {} i ON {same}",
            self.bundles
                .columns
                .iter()
                .map(|column| format!("t.{}", quoted(&column.name)))
                .collect::<Vec<_>>()
                .join(", "),
            fresh(&self.bundles.name),
            fresh(COMING)
        ));
        let (high, low, data) = key_and_data(self.bundles);
        merge.forward.push(format!(
            "INSERT INTO {live} ({high}, {low}, {data}) SELECT hi, lo, data FROM {} \
             ON CONFLICT ({high}, {low}) DO UPDATE SET {data} = excluded.{data}",
            fresh(FOLDERS)
        ));
        for list in [COMING, FOLDERS] {
            merge.back.push(format!(
                "DELETE FROM {live} t USING {} i WHERE {same}",
                fresh(list)
            ));
        }
        merge.back.push(format!(
            "INSERT INTO {live} ({columns}) SELECT {columns} FROM {}",
            saved(SAVED_BUNDLES)
        ));
        merge.back.push(format!("DROP TABLE {}", saved(SAVED_BUNDLES)));
        if let Some(references) = self.references.filter(|_| self.staged_references) {
            self.references(references, &mut merge);
        }
        merge
    }

    /// Which properties refer to versions is kept with the versions.
    fn references(&self, table: &Table, merge: &mut Merge) {
        let fresh = |name: &str| in_schema(&self.stage.fresh, name);
        let saved = in_schema(&self.stage.replaced, SAVED_REFERENCES);
        let live = in_schema(self.live_schema, &table.name);
        let same = matching(table);
        let columns = table.column_list();
        let (high, low, _) = key_and_data(table);
        let listed = format!(
            "(EXISTS (SELECT FROM {} i WHERE {same}) OR EXISTS (SELECT FROM {} i WHERE {same})) \
             AND NOT EXISTS (SELECT FROM {} i WHERE {same})",
            fresh(LEAVING),
            fresh(COMING),
            fresh(SHARED)
        );
        merge.forward.push(format!(
            "CREATE TABLE {saved} AS SELECT t.* FROM {live} t WHERE {listed}"
        ));
        merge.forward.push(format!("DELETE FROM {live} t WHERE {listed}"));
        // What a workspace that stays refers to is kept as Live has it.
        merge.forward.push(format!(
            "INSERT INTO {live} ({columns}) SELECT {columns} FROM {} t \
             WHERE EXISTS (SELECT FROM {} i WHERE {same}) ON CONFLICT ({high}, {low}) DO NOTHING",
            fresh(&table.name),
            fresh(COMING)
        ));
        merge.back.push(format!("DELETE FROM {live} t WHERE {listed}"));
        merge.back.push(format!(
            "INSERT INTO {live} ({columns}) SELECT {columns} FROM {saved}"
        ));
        merge.back.push(format!("DROP TABLE {saved}"));
    }
}

/// The columns of a node's id and the one beside them, as SQL takes them.
fn key_and_data(table: &Table) -> (String, String, String) {
    let named = |name: &str| {
        let place = table.place_of(name);
        quoted(
            place
                .and_then(|place| table.columns.get(place))
                .map_or(name, |column| column.name.as_str()),
        )
    };
    let data = if table.holds == Holds::References {
        "refs_data"
    } else {
        "bundle_data"
    };
    (named("node_id_hi"), named("node_id_lo"), named(data))
}

/// The condition that a row `t` is the one of a list's entry `i`.
fn matching(table: &Table) -> String {
    let (high, low, _) = key_and_data(table);
    format!("t.{high} = i.hi AND t.{low} = i.lo")
}

/// The halves of ids, as the columns of a key have them.
pub(super) fn halves<'a>(ids: impl Iterator<Item = &'a NodeId>) -> (Vec<i64>, Vec<i64>) {
    ids.map(|id| {
        let half = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().unwrap_or_default());
        (half(&id[..8]), half(&id[8..]))
    })
    .unzip()
}
