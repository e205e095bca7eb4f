//! Whether the nodes in a backup of tables fit together: each workspace is read once and given to the check
//! (`jcr::integrity`), after the version storage and the names of the data store's records.
//!
//! Records and binaries that are rows of a table are not looked for: their names stand beside all of their bytes, and to read
//! those would cost as much again as the backup. Neither are workspaces with too many nodes for the memory of a machine that
//! has other things to do.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::tables::TablesInBackup;
use super::{Inside as _, WorkspaceInside};
use crate::content::ItemKind;
use crate::content::backed_up::{BackedUp, BackedUpFiles};
use crate::content::restoring::RestoreError;
use crate::domain::environment::{DATA_STORE, InstanceName, VERSIONS, workspace_label};
use crate::domain::integrity::{Integrity, WorkspaceIntegrity};
use crate::domain::measure;
use crate::jcr::NodeId;
use crate::jcr::integrity::{Beside, Check, Whose};
use crate::jcr::values::record_path;
use crate::watch::Watch;

/// A workspace with more nodes is not looked at: of each some hundred bytes are kept until all have been read.
const MOST_NODES: u64 = 2_000_000;
/// So many faults of each kind are kept of a workspace.
const KEPT: usize = 5;
/// So many bytes are kept of a path, and of what there is to say about it.
const LONGEST: usize = 500;

/// An instance of a backup that is to be looked at.
pub(crate) struct Fitting {
    instance: InstanceName,
    inside: TablesInBackup,
    files: Arc<dyn BackedUpFiles>,
    has_data_store: bool,
    workspaces: Vec<WorkspaceInside>,
    left_out: Vec<String>,
}

/// What was found in an instance.
pub(crate) struct Fitted {
    /// Each workspace that was looked at.
    pub(crate) workspaces: Vec<WorkspaceIntegrity>,
    /// What was not, as sentences.
    pub(crate) left_out: Vec<String>,
}

/// What nodes may refer to, as far as it is known.
struct Known {
    /// The ids in the version storage, sorted.
    versions: Option<Vec<NodeId>>,
    /// How the names of records begin, sorted.
    records: Option<Vec<u128>>,
}

impl Beside for Known {
    fn has_version(&self, id: &NodeId) -> bool {
        let versions = self.versions.as_ref();
        versions.is_none_or(|versions| versions.binary_search(id).is_ok())
    }

    fn has_record(&self, id: &str) -> bool {
        let records = self.records.as_ref();
        records.is_none_or(|records| beginning(id).is_some_and(|id| records.binary_search(&id).is_ok()))
    }

    fn has_binary(&self, _: &str) -> bool {
        true
    }
}

/// How the name of a record begins, as a number: enough to know it by. `None` for what is no name of a record.
fn beginning(id: &str) -> Option<u128> {
    record_path(id)?;
    u128::from_str_radix(id.get(..32).unwrap_or(id), 16).ok()
}

/// Passes on whether to stop, and how many bytes are done.
struct Bytes<'w>(&'w dyn Watch);

impl Watch for Bytes<'_> {
    fn total(&self, _: u64, _: u64) {}

    fn instance(&self, _: &InstanceName) {}

    fn advance(&self, _: u64, bytes: u64) {
        self.0.advance(0, bytes);
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl Fitting {
    /// An instance of a backup; `None` for one whose nodes are not in tables.
    ///
    /// # Errors
    /// [`RestoreError`] when the backup cannot be read.
    pub(crate) fn of(backup: &dyn BackedUp) -> Result<Option<Self>, RestoreError> {
        let copy = backup.copy().clone();
        if copy.tables.is_empty() {
            return Ok(None);
        }
        let instance = copy.name.clone();
        let has_folder = copy.workspaces.iter().any(|known| known.name == DATA_STORE);
        let files: Arc<dyn BackedUpFiles> = Arc::from(backup.files()?);
        let inside = TablesInBackup::new(Arc::clone(&files), copy)?;
        let mut left_out = Vec::new();
        let mut workspaces = inside.workspaces()?;
        workspaces.retain(|workspace| {
            let label = workspace_label(&workspace.name);
            let why = if workspace.items > MOST_NODES {
                format!("it has {} nodes", measure::count(workspace.items))
            } else if inside.table(&workspace.name).is_err() {
                "its table is made otherwise than Jackrabbit's are".to_owned()
            } else {
                return true;
            };
            left_out.push(format!(
                "whether the nodes of {instance} {label} fit together was not looked at: {why}"
            ));
            false
        });
        // Workspaces refer to versions.
        workspaces.sort_by_key(|workspace| workspace.name != VERSIONS);
        Ok(Some(Self {
            has_data_store: has_folder && !inside.has_record_table,
            instance,
            inside,
            files,
            workspaces,
            left_out,
        }))
    }

    /// How many nodes it has, and bytes of them.
    pub(crate) fn size(&self) -> (u64, u64) {
        let sizes = self.workspaces.iter();
        sizes.fold((0, 0), |(nodes, bytes), workspace| {
            (nodes + workspace.items, bytes + workspace.bytes)
        })
    }

    /// Reads all its nodes, and tells what is wrong.
    ///
    /// # Errors
    /// [`RestoreError`] when they cannot be read, or it was cancelled.
    pub(crate) fn look(self, watch: &dyn Watch) -> Result<Fitted, RestoreError> {
        watch.instance(&self.instance);
        let mut known = Known {
            versions: None,
            records: self.records()?,
        };
        let mut found = Vec::new();
        for workspace in &self.workspaces {
            let is_versions = workspace.name == VERSIONS;
            watch.part(workspace_label(&workspace.name));
            let (integrity, ids) = self.look_at(workspace, &known, watch)?;
            if is_versions {
                known.versions = ids;
            }
            found.push(WorkspaceIntegrity {
                instance: self.instance.clone(),
                workspace: workspace.name.clone(),
                found: cut(integrity),
            });
        }
        Ok(Fitted {
            workspaces: found,
            left_out: self.left_out,
        })
    }

    /// What is wrong in a workspace; of the version storage also what is in it.
    fn look_at(
        &self,
        workspace: &WorkspaceInside,
        known: &Known,
        watch: &dyn Watch,
    ) -> Result<(Integrity, Option<Vec<NodeId>>), RestoreError> {
        let is_versions = workspace.name == VERSIONS;
        let whose = if is_versions {
            Whose::Versions
        } else {
            Whose::Workspace
        };
        let check = Mutex::new(Check::new(whose, known));
        let take = |chunk: super::Chunk| {
            let mut check = check.lock();
            for read in &chunk.nodes {
                match &read.node {
                    Ok(node) => check.node(read.id, &node.outline()),
                    Err(why) => check.unreadable(read.id, why.clone()),
                }
            }
            watch.advance(chunk.nodes.len() as u64, 0);
            Ok(())
        };
        self.inside.read(&workspace.name, &take, &Bytes(watch))?;
        let check = check.into_inner();
        let ids = is_versions.then(|| check.ids());
        Ok((check.finish(&self.inside.namespaces()), ids))
    }

    /// How the names of all records begin; `None` where they are no files of the backup.
    fn records(&self) -> Result<Option<Vec<u128>>, RestoreError> {
        if !self.has_data_store {
            return Ok(None);
        }
        let mut records = Vec::new();
        self.files.walk(Path::new(DATA_STORE), &mut |file| {
            if let ItemKind::File { .. } = file.item.kind {
                let name = file.item.path.file_name().and_then(|name| name.to_str());
                records.extend(name.and_then(beginning));
            }
            Ok(())
        })?;
        records.sort_unstable();
        Ok(Some(records))
    }
}

/// What is kept of what is wrong: all counts, and the first ones by path.
fn cut(mut found: Integrity) -> Integrity {
    let mut kept = std::collections::BTreeMap::new();
    found.first.retain_mut(|fault| {
        let count = kept.entry(fault.kind).or_insert(0_usize);
        *count += 1;
        fault.path = end_of(&fault.path);
        fault.about = end_of(&fault.about);
        *count <= KEPT
    });
    found
}

/// The end of a text that is too long.
fn end_of(text: &str) -> String {
    let from = text.len().saturating_sub(LONGEST);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at));
    text.get(from.unwrap_or_default()..)
        .unwrap_or_default()
        .to_owned()
}
