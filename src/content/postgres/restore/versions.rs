//! What a restore of chosen workspaces does to the version storage, which all workspaces share.
//!
//! A versionable node and its history belong together: a node whose base version is missing cannot be checked in any more.
//! So the histories of the nodes that come back come back with them, as they were; all other histories stay as they are in
//! Live. The folders that histories are sorted into are merged. A history that a workspace which stays uses as well comes
//! back only if it has everything that this workspace needs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::version_statements::{Merge, Prepared};
use crate::content::jcr::bundle::{self, BorrowedName, BundleError, Outline};
use crate::content::jcr::namespaces::{JCR, REP};
use crate::content::jcr::{Node, NodeId};
use crate::content::postgres::connect::Connector;
use crate::content::postgres::read::{Piece, Reader, extents};
use crate::content::postgres::rows::{self, RowDigest, Splitter};
use crate::content::postgres::stage::Stage;
use crate::content::postgres::tables::{Found, Holds, Table};
use crate::content::restoring::RestoreError;
use crate::domain::environment::{VERSIONS, WorkspaceKind};
use crate::domain::plan::Selection;

/// The type of the folders that histories are sorted into.
const VERSION_FOLDER: BorrowedName<'_> = BorrowedName {
    namespace: REP,
    local: "versionStorage",
};

/// The version storage of one side.
#[derive(Default)]
struct Storage {
    parents: HashMap<NodeId, NodeId>,
    children: HashMap<NodeId, Vec<NodeId>>,
    /// The folders that histories are sorted into, with their bytes.
    folders: HashMap<NodeId, Vec<u8>>,
}

impl Storage {
    fn has(&self, id: &NodeId) -> bool {
        self.parents.contains_key(id)
    }

    /// These nodes, where they are here, and everything below them.
    fn below(&self, tops: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        let mut all = BTreeSet::new();
        let mut open: Vec<NodeId> = tops.iter().filter(|id| self.has(id)).copied().collect();
        while let Some(id) = open.pop() {
            if all.insert(id) {
                open.extend(self.children.get(&id).into_iter().flatten());
            }
        }
        all
    }
}

/// What the nodes of a workspace need of the version storage, by history.
type Needs = BTreeMap<NodeId, BTreeSet<NodeId>>;

/// Works out what has to be done to the live version storage, and puts what that needs into the staged schema. `None` when
/// no node that comes back has a history.
///
/// # Errors
/// [`RestoreError`] when something cannot be read, or a history is shared with a workspace that needs it as it is.
pub(super) fn merge(
    stage: &Stage,
    staged: &[Table],
    live: &[Table],
    selection: &Selection,
) -> Result<Option<Merge>, RestoreError> {
    let connector = &stage.connector;
    let is_chosen = |table: &&Table| {
        table.holds == Holds::Bundles
            && WorkspaceKind::of(&table.workspace) != WorkspaceKind::Shared
            && selection.has_workspace(&table.workspace)
    };
    let coming: Vec<Table> = staged.iter().filter(is_chosen).cloned().collect();
    let mut needs = Needs::new();
    each_bundle(connector, &stage.fresh, coming, true, &mut |_, bundle, _| {
        gather(&mut needs, bundle);
    })?;
    if needs.is_empty() {
        return Ok(None);
    }
    let storage_of = |tables: &[Table]| {
        tables
            .iter()
            .find(|table| table.workspace == VERSIONS && table.holds == Holds::Bundles)
            .cloned()
    };
    let (Some(backup_table), Some(live_table)) = (storage_of(staged), storage_of(live)) else {
        return Err(RestoreError::Failed(
            "the chosen workspaces have versions, and the version storage is missing in the backup or in Live: restore \
             everything"
                .to_owned(),
        ));
    };
    let then = read_storage(connector, &stage.fresh, &backup_table, true)?;
    let live_schema = &connector.settings().schema;
    let now = read_storage(connector, live_schema, &live_table, false)?;

    let staying: Vec<Table> = live
        .iter()
        .filter(|table| {
            table.holds == Holds::Bundles
                && WorkspaceKind::of(&table.workspace) != WorkspaceKind::Shared
                && !selection.has_workspace(&table.workspace)
        })
        .cloned()
        .collect();
    let histories: BTreeSet<NodeId> = needs.keys().filter(|id| then.has(id)).copied().collect();
    let coming_nodes = then.below(&histories);
    let mut shared = BTreeSet::new();
    let mut in_the_way = BTreeSet::new();
    each_bundle(connector, live_schema, staying, false, &mut |table, bundle, _| {
        for history in histories_of(bundle).filter(|id| histories.contains(id)) {
            shared.insert(history);
            if versions_of(bundle).any(|version| !coming_nodes.contains(&version)) {
                in_the_way.insert(table.workspace.clone());
            }
        }
    })?;
    if !in_the_way.is_empty() {
        let names: Vec<_> = in_the_way.into_iter().collect();
        return Err(RestoreError::Failed(format!(
            "nodes in {} share their version history with nodes that would come back, and have newer versions in it: \
             restore {} as well, or everything",
            names.join(", "),
            if names.len() == 1 { "it" } else { "them" }
        )));
    }
    let leaving = now.below(&histories);
    let folders = merged_folders(&then, &now, &histories)?;
    let prepared = Prepared {
        stage,
        live_schema,
        bundles: &live_table,
        references: live
            .iter()
            .find(|table| table.workspace == VERSIONS && table.holds == Holds::References),
        staged_references: staged
            .iter()
            .any(|table| table.workspace == VERSIONS && table.holds == Holds::References),
        live_rows: now.parents.len(),
    };
    let keep_references: BTreeSet<NodeId> = then.below(&shared);
    prepared.write(&leaving, &coming_nodes, &folders, &keep_references)?;
    Ok(Some(prepared.statements()))
}

fn gather(needs: &mut Needs, bundle: &Outline<'_>) {
    for history in histories_of(bundle) {
        needs.entry(history).or_default().extend(versions_of(bundle));
    }
}

/// The version histories that a node refers to.
fn histories_of(bundle: &Outline<'_>) -> impl Iterator<Item = NodeId> {
    targets(bundle, &["versionHistory"])
}

/// The versions that a node refers to as its base or as predecessors.
fn versions_of(bundle: &Outline<'_>) -> impl Iterator<Item = NodeId> {
    targets(bundle, &["baseVersion", "predecessors"])
}

fn targets(bundle: &Outline<'_>, properties: &'static [&'static str]) -> impl Iterator<Item = NodeId> {
    let references = bundle.references.iter();
    references
        .filter(|reference| {
            reference.property.namespace == JCR && properties.contains(&reference.property.local)
        })
        .map(|reference| reference.target)
}

/// The folders above histories that come back, with every child that they need: Live's where Live has them.
fn merged_folders(
    then: &Storage,
    now: &Storage,
    histories: &BTreeSet<NodeId>,
) -> Result<BTreeMap<NodeId, Vec<u8>>, RestoreError> {
    let wrong = |why: BundleError| RestoreError::Failed(format!("a folder of the version storage: {why}"));
    let mut folders: BTreeMap<NodeId, Vec<u8>> = BTreeMap::new();
    let mut seen: HashSet<(NodeId, NodeId)> = HashSet::new();
    for history in histories {
        let mut child = *history;
        while let Some(parent) = then.parents.get(&child) {
            let Some(bytes) = then.folders.get(parent) else {
                break;
            };
            if seen.insert((*parent, child)) {
                let in_backup = bundle::read(*parent, bytes).map_err(wrong)?;
                let entry = in_backup.children.iter().find(|entry| entry.id == child).cloned();
                let mut folder = match folders.get(parent).or_else(|| now.folders.get(parent)) {
                    Some(bytes) => bundle::read(*parent, bytes).map_err(wrong)?,
                    None => Node {
                        children: Vec::new(),
                        ..in_backup
                    },
                };
                let missing = entry.filter(|entry| folder.children.iter().all(|child| child.id != entry.id));
                if missing.is_some() || !(folders.contains_key(parent) || now.folders.contains_key(parent)) {
                    folder.children.extend(missing);
                    folders.insert(*parent, bundle::write(&folder).map_err(wrong)?);
                }
            }
            child = *parent;
        }
    }
    Ok(folders)
}

fn read_storage(
    connector: &Connector,
    schema: &str,
    table: &Table,
    by_place: bool,
) -> Result<Storage, RestoreError> {
    let mut storage = Storage::default();
    each_bundle(connector, schema, vec![table.clone()], by_place, &mut |_,
                                                                        bundle,
                                                                        (
        id,
        bytes,
    )| {
        let parent = bundle.parent.unwrap_or_default();
        storage.parents.insert(id, parent);
        storage.children.entry(parent).or_default().push(id);
        if bundle.primary_type == VERSION_FOLDER {
            storage.folders.insert(id, bytes.to_vec());
        }
    })?;
    Ok(storage)
}

/// Told every node: its table, what it refers to, its id and its bytes.
type EachBundle<'a> = dyn FnMut(&Table, &Outline<'_>, (NodeId, &[u8])) + 'a;

/// Tells `each` every node of some tables: its table, what it refers to, its id and its bytes.
fn each_bundle(
    connector: &Connector,
    schema: &str,
    mut tables: Vec<Table>,
    is_staged: bool,
    each: &mut EachBundle<'_>,
) -> Result<(), RestoreError> {
    if tables.is_empty() {
        return Ok(());
    }
    if is_staged {
        // What the description in the backup says of their size is not what they have here.
        for table in &mut tables {
            table.found = Found::default();
        }
    }
    let tables = Arc::new(tables);
    let cut = extents(&tables, !is_staged);
    let count = cut.len();
    let reader = Reader::start(
        connector,
        schema,
        None,
        Arc::clone(&tables),
        cut,
        RowDigest::default(),
    )?;
    let mut read = 0;
    while let Some(mut reading) = reader.next() {
        let Some(table) = tables.get(reading.extent.table) else {
            continue;
        };
        let places = [
            table.place_of("node_id_hi"),
            table.place_of("node_id_lo"),
            table.place_of("bundle_data"),
        ];
        let [Some(high), Some(low), Some(data)] = places else {
            continue;
        };
        loop {
            match reading.pieces.recv() {
                Ok(Piece::Rows(group)) => {
                    Splitter::within().push::<RowTrouble>(&group.bytes, &mut |row| {
                        let (Some(high), Some(low), Some(bytes)) = (
                            rows::field(row, high),
                            rows::field(row, low),
                            rows::field(row, data),
                        ) else {
                            return Ok(());
                        };
                        let id: NodeId = [high, low].concat().try_into().unwrap_or_default();
                        let bundle = bundle::outline(bytes).map_err(|why| {
                            RowTrouble(format!(
                                "a node in table {} cannot be read: {why}. Restore everything",
                                table.name
                            ))
                        })?;
                        each(table, &bundle, (id, bytes));
                        Ok(())
                    })?;
                }
                Ok(Piece::End) => break,
                Ok(Piece::Failed(error)) => return Err(error.into()),
                Err(_) => return Err(stopped(connector)),
            }
        }
        read += 1;
    }
    if read < count {
        return Err(stopped(connector));
    }
    Ok(())
}

fn stopped(connector: &Connector) -> RestoreError {
    connector
        .wrong("reading", "whoever read the tables has stopped")
        .into()
}

/// Why a row cannot be read.
struct RowTrouble(String);

impl From<std::io::Error> for RowTrouble {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<RowTrouble> for RestoreError {
    fn from(trouble: RowTrouble) -> Self {
        Self::Failed(format!(
            "the chosen workspaces cannot be restored without the others: {}",
            trouble.0
        ))
    }
}
