//! What a restore of chosen workspaces does to the version storage, which all workspaces share.
//!
//! A versionable node and its history belong together: a node whose base version is missing cannot be checked in any more.
//! So the histories of the nodes that come back come back with them, as they were; all other histories stay as they are in
//! Live. The folders that histories are sorted into are merged. A history that a workspace which stays uses as well comes
//! back only if it has everything that this workspace needs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::each_row::{Seen, each_node};
use super::version_statements::{Merge, Prepared};
use crate::content::postgres::connect::Connector;
use crate::content::postgres::stage::Stage;
use crate::content::postgres::tables::{Holds, Table};
use crate::content::restoring::RestoreError;
use crate::domain::environment::{VERSIONS, WorkspaceKind};
use crate::domain::plan::Selection;
use crate::jcr::bundle::{self, BorrowedName, BundleError, Outline};
use crate::jcr::graft::Graft;
use crate::jcr::namespaces::{JCR, REP};
use crate::jcr::{Node, NodeId};

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

/// Which nodes are exchanged.
pub(super) struct Exchanged<'e> {
    /// What is restored.
    pub(super) selection: &'e Selection,
    /// Of which workspaces only a part is, and which.
    pub(super) parts: Option<&'e BTreeMap<String, Graft>>,
}

impl Exchanged<'_> {
    /// Whether a node of a staged table comes.
    fn comes(&self, table: &Table, id: &NodeId) -> bool {
        let Some(parts) = self.parts else { return true };
        let part = parts.get(&table.workspace);
        part.is_some_and(|graft| graft.comes.contains(id))
    }

    /// Whether a node of a table in Live stays as it is.
    fn stays(&self, table: &Table, id: &NodeId) -> bool {
        let part = self.parts.and_then(|parts| parts.get(&table.workspace));
        part.is_none_or(|graft| !graft.comes.contains(id) && !graft.goes.contains(id))
    }
}

/// Works out what has to be done to the live version storage, and puts what that needs into the staged schema. `None` when
/// no node that comes back has a history.
///
/// # Errors
/// [`RestoreError`] when something cannot be read, or a history is shared with a workspace that needs it as it is.
pub(super) fn merge(
    stage: &Stage,
    staged: &[Table],
    live: &[Table],
    exchanged: &Exchanged<'_>,
) -> Result<Option<Merge>, RestoreError> {
    let connector = &stage.connector;
    let selection = exchanged.selection;
    let is_chosen = |table: &&Table| {
        table.holds == Holds::Bundles
            && WorkspaceKind::of(&table.workspace) != WorkspaceKind::Shared
            && selection.has_workspace(&table.workspace)
    };
    let coming: Vec<Table> = staged.iter().filter(is_chosen).cloned().collect();
    let mut needs = Needs::new();
    each_bundle(
        connector,
        &stage.fresh,
        coming,
        Seen::Staged,
        &mut |table, bundle, (id, _)| {
            if exchanged.comes(table, &id) {
                gather(&mut needs, bundle);
            }
        },
    )?;
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
    let then = read_storage(connector, &stage.fresh, &backup_table, Seen::Staged)?;
    let live_schema = &connector.settings().schema;
    let now = read_storage(connector, live_schema, &live_table, Seen::Live)?;

    let staying: Vec<Table> = live
        .iter()
        .filter(|table| {
            table.holds == Holds::Bundles
                && WorkspaceKind::of(&table.workspace) != WorkspaceKind::Shared
                && (exchanged.parts.is_some() || !selection.has_workspace(&table.workspace))
        })
        .cloned()
        .collect();
    let histories: BTreeSet<NodeId> = needs.keys().filter(|id| then.has(id)).copied().collect();
    let coming_nodes = then.below(&histories);
    let mut shared = BTreeSet::new();
    let mut in_the_way = BTreeSet::new();
    each_bundle(
        connector,
        live_schema,
        staying,
        Seen::Live,
        &mut |table, bundle, (id, _)| {
            if !exchanged.stays(table, &id) {
                return;
            }
            for history in histories_of(bundle).filter(|id| histories.contains(id)) {
                shared.insert(history);
                if versions_of(bundle).any(|version| !coming_nodes.contains(&version)) {
                    in_the_way.insert(table.workspace.clone());
                }
            }
        },
    )?;
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
    seen: Seen<'_>,
) -> Result<Storage, RestoreError> {
    let mut storage = Storage::default();
    let tables = vec![table.clone()];
    each_bundle(connector, schema, tables, seen, &mut |_, bundle, (id, bytes)| {
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
    tables: Vec<Table>,
    seen: Seen<'_>,
    each: &mut EachBundle<'_>,
) -> Result<(), RestoreError> {
    each_node(connector, schema, tables, seen, &mut |table, id, bytes| {
        let bundle = bundle::outline(bytes).map_err(|why| {
            RestoreError::Failed(format!(
                "the chosen workspaces cannot be restored without the others: a node in table {} cannot be read: {why}. \
                 Restore everything",
                table.name
            ))
        })?;
        each(table, &bundle, (id, bytes));
        Ok(())
    })
}
