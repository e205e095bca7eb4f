//! The tables of a workspace of which only some nodes come back: the same in the backup and in Live, and of nothing but what
//! Jackrabbit made.

use crate::content::postgres::tables::{Found, Holds, Table};
use crate::domain::plan::Selection;

/// The tables of one workspace, as Live has them.
#[derive(Debug, Clone)]
pub(in crate::content::postgres::restore) struct PartTables {
    /// The nodes.
    pub(super) bundles: Table,
    /// Which properties refer to a node.
    pub(super) references: Option<Table>,
    /// Binaries.
    pub(super) binaries: Option<Table>,
}

impl PartTables {
    /// Finds them.
    ///
    /// # Errors
    /// Why nodes of the workspace cannot come back alone, as a sentence.
    pub(in crate::content::postgres::restore) fn find(
        workspace: &str,
        described: &[Table],
        live: &[Table],
    ) -> Result<Self, String> {
        let wrong =
            |why: &str| format!("nodes of {workspace} cannot come back alone: {why}. Restore the workspace");
        let of = |tables: &[Table], holds: Holds| -> Result<Option<Table>, String> {
            let mut found = tables
                .iter()
                .filter(|table| table.workspace == workspace && table.holds == holds);
            let first = found.next().cloned();
            match found.next() {
                Some(_) => Err(wrong("there are several tables of it, of several repositories")),
                None => Ok(first),
            }
        };
        let both = |holds: Holds, columns: &[&str]| -> Result<Option<Table>, String> {
            let (now, then) = match (of(live, holds)?, of(described, holds)?) {
                (None, None) => return Ok(None),
                (Some(now), Some(then)) => (now, then),
                (Some(table), None) | (None, Some(table)) => {
                    return Err(wrong(&format!(
                        "the table {} is not in both the backup and Live",
                        table.name
                    )));
                }
            };
            let are_same = now.name == then.name
                && now.columns.len() == then.columns.len()
                && now
                    .columns
                    .iter()
                    .zip(&then.columns)
                    .all(|(now, then)| (&now.name, &now.data_type) == (&then.name, &then.data_type));
            if !are_same {
                return Err(wrong(&format!(
                    "the table {} had other columns, or another name, when the backup was taken",
                    now.name
                )));
            }
            let is_known = now.columns.len() == columns.len()
                && now.generated.is_empty()
                && columns.iter().all(|column| now.place_of(column).is_some());
            if !is_known {
                return Err(wrong(&format!(
                    "the table {} has other columns than Jackrabbit's",
                    now.name
                )));
            }
            Ok(Some(now))
        };
        let bundles = both(Holds::Bundles, &["node_id_hi", "node_id_lo", "bundle_data"])?;
        Ok(Self {
            bundles: bundles.ok_or_else(|| wrong("there is no table with its nodes"))?,
            references: both(Holds::References, &["node_id_hi", "node_id_lo", "refs_data"])?,
            binaries: both(Holds::Binaries, &["binval_id", "binval_data"])?,
        })
    }

    /// All of them.
    pub(in crate::content::postgres::restore) fn all(&self) -> impl Iterator<Item = &Table> {
        std::iter::once(&self.bundles)
            .chain(&self.references)
            .chain(&self.binaries)
    }
}

/// The tables that are made for a restore of nodes, out of those that it stages: as Live's are where these are exchanged, since
/// most of what is in them is Live's.
///
/// # Errors
/// Why nodes of a workspace cannot come back alone.
pub(in crate::content::postgres::restore) fn to_make(
    selection: &Selection,
    described: Vec<Table>,
    live: &[Table],
) -> Result<Vec<Table>, String> {
    let mut tables = Vec::new();
    for workspace in &selection.workspaces {
        let found = PartTables::find(workspace, &described, live)?;
        tables.extend(found.all().map(|table| Table {
            // What Live's have in the database is not what these have.
            found: Found::default(),
            ..table.clone()
        }));
    }
    let is_shared = |table: &Table| !selection.workspaces.contains(&table.workspace);
    tables.extend(described.into_iter().filter(is_shared));
    Ok(tables)
}

/// A column of a table, as SQL takes it, in whatever case it is written.
pub(super) fn column(table: &Table, name: &str) -> String {
    let place = table.place_of(name);
    let found = place.and_then(|place| table.columns.get(place));
    crate::content::postgres::names::quoted(found.map_or(name, |column| column.name.as_str()))
}
