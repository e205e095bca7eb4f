//! The staged tables of a workspace become Live's with a part of them replaced.
//!
//! What was staged is all of the workspace in the backup, loaded and read back. Of its rows those that come stay, and Live's
//! take the place of all others. That is done while Live is held still, in one transaction, and read back: every row has to
//! be the one that was expected, and no other may be there. In the exchange Live is looked at once more (`at_rest`).
//!
//! Not in here: the statements that make the tables (`rows`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::at_rest::AtRest;
use super::sides;
use super::tables::{PartTables, column};
use crate::content::postgres::names::in_schema;
use crate::content::postgres::restore::each_row::{Seen, each_node, each_row};
use crate::content::postgres::restore::version_statements::{Merge, halves};
use crate::content::postgres::restore::versions::{self, Exchanged};
use crate::content::postgres::rows;
use crate::content::postgres::stage::Stage;
use crate::content::postgres::tables::{Holds, Table};
use crate::content::restoring::RestoreError;
use crate::domain::environment::VERSIONS;
use crate::domain::plan::Selection;
use crate::jcr::graft::{self, Graft, Sides};
use crate::jcr::namespaces::Namespaces;
use crate::jcr::references::{self, Rows};
use crate::jcr::tree::{Entry, Mark, Names, Tree, mark};
use crate::jcr::{Child, Node, NodeId, bundle};

/// Statements for the transaction of the exchange.
pub(in crate::content::postgres::restore) struct Composed {
    /// They make sure that Live is what it was when this was worked out.
    pub(in crate::content::postgres::restore) guards: Vec<String>,
    /// What is done to the version storage, if anything.
    pub(in crate::content::postgres::restore) merge: Option<Merge>,
}

/// What the composing of several workspaces has in common.
pub(super) struct Composing<'c> {
    pub(super) stage: &'c Stage,
    namespaces: &'c Namespaces,
    pub(super) at_rest: AtRest,
}

/// Makes Live's tables with the chosen nodes replaced out of what is staged, for each of the chosen workspaces.
///
/// # Errors
/// [`RestoreError`] when the nodes cannot come back alone, somebody writes to Live, or what was made is not what it should be.
/// Live is untouched in any case.
pub(in crate::content::postgres::restore) fn compose(
    stage: &Stage,
    namespaces: &Namespaces,
    staged: &[Table],
    live: &[Table],
    selection: &Selection,
) -> Result<Composed, RestoreError> {
    let connector = &stage.connector;
    let mut parts = Vec::new();
    for workspace in &selection.workspaces {
        let tables = PartTables::find(workspace, staged, live).map_err(RestoreError::Failed)?;
        parts.push((workspace, tables));
    }
    let versions = live.iter().filter(|table| {
        table.workspace == VERSIONS && matches!(table.holds, Holds::Bundles | Holds::References)
    });
    let all = parts.iter().flat_map(|(_, tables)| tables.all()).chain(versions);
    let at_rest = {
        let mut session = connector.connect()?;
        let failed = connector.failed("looking whether Live is at rest");
        let mut transaction = session.begin().map_err(failed)?;
        AtRest::look(connector, &mut transaction, all)?
    };
    let composing = Composing {
        stage,
        namespaces,
        at_rest,
    };
    let mut grafts = BTreeMap::new();
    let mut all_rows = Vec::new();
    for (workspace, tables) in &parts {
        let paths: Vec<_> = selection.paths_in(workspace).collect();
        let (graft, rows) = composing.work_out(tables, &paths)?;
        grafts.insert((*workspace).clone(), graft);
        all_rows.push((tables, rows));
    }
    // Before the staged tables change: it reads the nodes that come out of them.
    let exchanged = Exchanged {
        selection,
        parts: Some(&grafts),
    };
    let merge = versions::merge(stage, staged, live, &exchanged)?;
    composing.write(&all_rows)?;
    for (tables, rows) in &all_rows {
        composing.read_back(tables, rows)?;
    }
    Ok(Composed {
        guards: composing.at_rest.guards(),
        merge,
    })
}

/// What one workspace's tables are made of.
pub(super) struct PartRows {
    /// Nodes of Live that are left out.
    pub(super) leaves: BTreeSet<NodeId>,
    /// Nodes of the backup that come as they are.
    pub(super) comes: BTreeSet<NodeId>,
    /// Nodes that are neither as in the one nor as in the other.
    pub(super) patched: BTreeMap<NodeId, Vec<u8>>,
    /// What every node has to be afterwards.
    pub(super) expected: HashMap<NodeId, Mark>,
    /// All rows of references afterwards, and which of them are not Live's.
    pub(super) references: Rows,
    pub(super) changed_references: BTreeSet<NodeId>,
    /// Binaries of Live that are left out, those of the backup that come, and what every one has to be afterwards.
    pub(super) binaries_leave: BTreeSet<String>,
    pub(super) binaries_come: BTreeSet<String>,
    pub(super) binaries: BTreeMap<String, Mark>,
}

impl Composing<'_> {
    pub(super) fn live_schema(&self) -> &str {
        &self.stage.connector.settings().schema
    }

    fn work_out(
        &self,
        tables: &PartTables,
        paths: &[&[crate::domain::explore::Step]],
    ) -> Result<(Graft, PartRows), RestoreError> {
        let (connector, fresh) = (&self.stage.connector, self.stage.fresh.as_str());
        let mut names = Names::default();
        let live = sides::of_table(
            connector,
            self.live_schema(),
            &tables.bundles,
            Seen::Live,
            &mut names,
        )?;
        let backup = sides::of_table(connector, fresh, &tables.bundles, Seen::Staged, &mut names)?;
        let sides = Sides {
            backup: &backup,
            live: &live,
            names: &names,
            namespaces: self.namespaces,
        };
        let graft = graft::graft(&sides, paths).map_err(|why| RestoreError::Failed(why.join("; ")))?;
        let patched = self.patched(tables, &graft, &names)?;
        let is_exchanged = |id: &NodeId| graft.goes.contains(id) || graft.comes.contains(id);
        let (references, changed_references) = self.references(tables, &graft)?;
        let binaries = |tree: &Tree, takes: &dyn Fn(&NodeId) -> bool| -> BTreeSet<String> {
            let nodes = tree.nodes.iter().filter(|(id, _)| takes(id));
            nodes
                .flat_map(|(_, node)| node.binaries.iter().cloned())
                .collect()
        };
        let stay = binaries(&live, &|id| !is_exchanged(id));
        let come = binaries(&backup, &|id| graft.comes.contains(id));
        if let Some(both) = come.intersection(&stay).next() {
            return Err(RestoreError::Failed(format!(
                "nodes cannot come back alone: the binary {both} belongs to one that comes back and to another one that stays. \
                 Restore the workspace"
            )));
        }
        let leave = binaries(&live, &is_exchanged);
        let binaries_leave = leave.difference(&stay).chain(&come).cloned().collect();
        let binaries = self.expected_binaries(tables, &binaries_leave, &come)?;
        let mut expected: HashMap<NodeId, Mark> = HashMap::new();
        expected.extend(
            live.nodes
                .iter()
                .filter(|(id, _)| !is_exchanged(id))
                .map(|(id, node)| (*id, node.mark)),
        );
        let coming = graft
            .comes
            .iter()
            .filter_map(|id| Some((*id, backup.nodes.get(id)?.mark)));
        expected.extend(coming);
        expected.extend(patched.iter().map(|(id, bytes)| (*id, mark(bytes))));
        let rows = PartRows {
            leaves: graft
                .goes
                .iter()
                .chain(&graft.comes)
                .chain(graft.lists.keys())
                .copied()
                .collect(),
            comes: graft
                .comes
                .iter()
                .filter(|id| !graft.parents.contains_key(*id))
                .copied()
                .collect(),
            patched,
            expected,
            references,
            changed_references,
            binaries_leave,
            binaries_come: come,
            binaries,
        };
        Ok((graft, rows))
    }

    /// The bundles of the nodes whose list or parent changes.
    fn patched(
        &self,
        tables: &PartTables,
        graft: &Graft,
        names: &Names,
    ) -> Result<BTreeMap<NodeId, Vec<u8>>, RestoreError> {
        let mut patched = BTreeMap::new();
        for (id, list) in &graft.lists {
            let mut node = self.node(self.live_schema(), &tables.bundles, *id)?;
            node.children = children(list, names).ok_or_else(|| unlike(*id))?;
            patched.insert(*id, written(&node)?);
        }
        for (id, parent) in &graft.parents {
            let mut node = self.node(&self.stage.fresh, &tables.bundles, *id)?;
            node.parent = Some(*parent);
            patched.insert(*id, written(&node)?);
        }
        Ok(patched)
    }

    /// One node, whole.
    fn node(&self, schema: &str, table: &Table, id: NodeId) -> Result<Node, RestoreError> {
        let connector = &self.stage.connector;
        let failed = connector.failed("reading a node");
        let mut session = connector.connect()?;
        let mut transaction = session.begin().map_err(&failed)?;
        let (high, low) = halves(std::iter::once(&id));
        let statement = format!(
            "SELECT {} FROM {} WHERE {} = $1 AND {} = $2",
            column(table, "bundle_data"),
            in_schema(schema, &table.name),
            column(table, "node_id_hi"),
            column(table, "node_id_lo")
        );
        let row = transaction
            .query_one(&statement, &[&high.first(), &low.first()])
            .map_err(&failed)?;
        let bytes: &[u8] = row.try_get(0).map_err(failed)?;
        bundle::read(id, bytes).map_err(|why| {
            RestoreError::Failed(format!(
                "a node in the table {} cannot be read: {why}",
                table.name
            ))
        })
    }

    /// The rows of references as they will be, and those that are not Live's.
    fn references(
        &self,
        tables: &PartTables,
        graft: &Graft,
    ) -> Result<(Rows, BTreeSet<NodeId>), RestoreError> {
        let Some(table) = &tables.references else {
            return Ok((Rows::new(), BTreeSet::new()));
        };
        let live = self.reference_rows(self.live_schema(), table, Seen::Live)?;
        let backup = self.reference_rows(&self.stage.fresh, table, Seen::Staged)?;
        let leaves = |id: &NodeId| graft.goes.contains(id) || graft.comes.contains(id);
        let comes = |id: &NodeId| graft.comes.contains(id);
        let rows = references::exchanged(&live, &backup, &leaves, &comes).map_err(|(target, why)| {
            RestoreError::Failed(format!(
                "nodes cannot come back alone: what refers to {} in the table {} cannot be read, {why}. Restore the workspace",
                crate::jcr::ids::show(&target),
                table.name
            ))
        })?;
        let targets: BTreeSet<NodeId> = live.keys().chain(rows.keys()).copied().collect();
        let changed = targets
            .into_iter()
            .filter(|id| live.get(id) != rows.get(id))
            .collect();
        Ok((rows, changed))
    }

    fn reference_rows(&self, schema: &str, table: &Table, seen: Seen<'_>) -> Result<Rows, RestoreError> {
        let mut rows = Rows::new();
        let connector = &self.stage.connector;
        each_node(
            connector,
            schema,
            vec![table.clone()],
            seen,
            &mut |_, id, bytes| {
                rows.insert(id, bytes.to_vec());
                Ok(())
            },
        )?;
        Ok(rows)
    }

    /// Makes sure that the tables have exactly the rows that they should.
    fn read_back(&self, tables: &PartTables, rows: &PartRows) -> Result<(), RestoreError> {
        let (connector, fresh) = (&self.stage.connector, self.stage.fresh.as_str());
        let wrong = |table: &Table| {
            RestoreError::Failed(format!(
                "what was put together in the table {} is not what it should be. Live was not touched; look at the disk and the \
                 memory of the database's machine",
                table.name
            ))
        };
        let mut open = rows.expected.len();
        let mut is_right = true;
        each_node(
            connector,
            fresh,
            vec![tables.bundles.clone()],
            Seen::Staged,
            &mut |_, id, bytes| {
                is_right &= rows.expected.get(&id) == Some(&mark(bytes));
                open = open.wrapping_sub(1);
                Ok(())
            },
        )?;
        if !is_right || open != 0 {
            return Err(wrong(&tables.bundles));
        }
        if let Some(table) = &tables.references
            && self.reference_rows(fresh, table, Seen::Staged)? != rows.references
        {
            return Err(wrong(table));
        }
        if let Some(table) = &tables.binaries
            && self.binary_marks(fresh, table, Seen::Staged)? != rows.binaries
        {
            return Err(wrong(table));
        }
        Ok(())
    }

    /// What every binary has to be afterwards.
    fn expected_binaries(
        &self,
        tables: &PartTables,
        leave: &BTreeSet<String>,
        come: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Mark>, RestoreError> {
        let (mut live, mut staged) = (BTreeMap::new(), BTreeMap::new());
        if let Some(table) = &tables.binaries {
            live = self.binary_marks(self.live_schema(), table, Seen::Live)?;
            staged = self.binary_marks(&self.stage.fresh, table, Seen::Staged)?;
        }
        if let Some(missing) = come.iter().find(|id| !staged.contains_key(*id)) {
            return Err(RestoreError::Failed(format!(
                "what comes back is not whole in the backup: the binary {missing} has no row. Restore the workspace, or choose \
                 another backup"
            )));
        }
        live.retain(|id, _| !leave.contains(id));
        live.extend(staged.into_iter().filter(|(id, _)| come.contains(id)));
        Ok(live)
    }

    fn binary_marks(
        &self,
        schema: &str,
        table: &Table,
        seen: Seen<'_>,
    ) -> Result<BTreeMap<String, Mark>, RestoreError> {
        let mut marks = BTreeMap::new();
        let place = |name: &str| table.place_of(name);
        let (id, data) = (place("binval_id"), place("binval_data"));
        each_row(
            &self.stage.connector,
            schema,
            vec![table.clone()],
            seen,
            &mut |_, row| {
                let field = |place: Option<usize>| rows::field(row, place?);
                let id = String::from_utf8_lossy(field(id).unwrap_or_default()).into_owned();
                marks.insert(id, mark(field(data).unwrap_or_default()));
                Ok(())
            },
        )?;
        Ok(marks)
    }
}

fn children(list: &[Entry], names: &Names) -> Option<Vec<Child>> {
    list.iter()
        .map(|entry| {
            Some(Child {
                name: names.get(entry.name)?.clone(),
                id: entry.id,
            })
        })
        .collect()
}

fn unlike(id: NodeId) -> RestoreError {
    RestoreError::Failed(format!(
        "the node {} would not be what it should be: restore its workspace",
        crate::jcr::ids::show(&id)
    ))
}

/// The bundle of a node, which is read again to be the same node.
fn written(node: &Node) -> Result<Vec<u8>, RestoreError> {
    let bytes = bundle::write(node).map_err(|why| {
        RestoreError::Failed(format!(
            "the node {} cannot be written: {why}. Restore its workspace",
            crate::jcr::ids::show(&node.id)
        ))
    })?;
    match bundle::read(node.id, &bytes) {
        Ok(again) if again == *node => Ok(bytes),
        _ => Err(unlike(node.id)),
    }
}
