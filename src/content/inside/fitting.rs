//! Whether the nodes in a backup of tables fit together: each row is read once and given to the check (`jcr::integrity`).
//!
//! Whoever reads the backup back anyway shows it the pieces that come by ([`SeesPieces`]): of a group of rows, which is one
//! piece, nothing has to be read again then. What was not shown is read at the end.
//!
//! Records and binaries that are rows of a table are not looked for: their names stand beside all of their bytes, and to read
//! those would cost as much again as the backup. Neither are workspaces with too many nodes for the memory of a machine that
//! has other things to do.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::table::Columns;
use super::tables::{RowTrouble, TOGETHER, TablesInBackup, cut_off};
use super::{Inside as _, WorkspaceInside};
use crate::concurrency::machine::cores;
use crate::concurrency::workers;
use crate::content::ItemKind;
use crate::content::backed_up::{BackedUp, BackedUpFile, BackedUpFiles, SeesPieces};
use crate::content::postgres::rows::Splitter;
use crate::content::postgres::walk::ROWS_NAME;
use crate::content::restoring::RestoreError;
use crate::domain::environment::{DATA_STORE, InstanceName, VERSIONS, workspace_label};
use crate::domain::integrity::{Integrity, WorkspaceIntegrity};
use crate::domain::measure;
use crate::jcr::NodeId;
use crate::jcr::bundle::{self, BundleError};
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

/// A [`Fitting`] that has begun: it is shown pieces, and reads the rest.
pub(crate) struct Looking {
    of: Fitting,
    known: Arc<Known>,
    /// The workspaces that are looked at, with their groups of rows.
    parts: Vec<Part>,
    /// The groups of one piece that have not been seen, by the names of their pieces: the workspaces that they are in.
    waiting: Mutex<HashMap<[u8; 32], Vec<usize>>>,
    /// Why a group that was shown could not be read.
    failed: Mutex<Option<RestoreError>>,
}

/// A workspace.
struct Part {
    inside: WorkspaceInside,
    columns: Columns,
    files: Vec<BackedUpFile>,
    check: Mutex<Check<Arc<Known>>>,
}

/// What nodes may refer to, as far as it is known.
struct Known {
    /// The ids in the version storage, sorted: known once all of it has been seen.
    versions: OnceLock<Vec<NodeId>>,
    /// How the names of records begin, sorted.
    records: Option<Vec<u128>>,
}

impl Beside for Known {
    fn has_version(&self, id: &NodeId) -> bool {
        let versions = self.versions.get();
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

    /// Whether there are few enough nodes for all workspaces to be looked at side by side.
    pub(crate) fn is_small(&self) -> bool {
        self.size().0 <= MOST_NODES
    }

    /// Begins: nothing of the rows is read yet.
    ///
    /// # Errors
    /// [`RestoreError`] when the backup cannot be read.
    pub(crate) fn begin(mut self) -> Result<Looking, RestoreError> {
        let known = Arc::new(Known {
            versions: OnceLock::new(),
            records: self.records()?,
        });
        let mut parts = Vec::new();
        let mut waiting: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
        for (number, inside) in std::mem::take(&mut self.workspaces).into_iter().enumerate() {
            let (table, columns) = self.inside.table(&inside.name)?;
            let files = self.files.below(&table.folder().join(ROWS_NAME))?;
            for piece in files.iter().filter_map(BackedUpFile::digest) {
                waiting.entry(piece).or_default().push(number);
            }
            let whose = if inside.name == VERSIONS {
                Whose::Versions
            } else {
                Whose::Workspace
            };
            parts.push(Part {
                inside,
                columns,
                files,
                check: Mutex::new(Check::new(whose, Arc::clone(&known))),
            });
        }
        Ok(Looking {
            of: self,
            known,
            parts,
            waiting: Mutex::new(waiting),
            failed: Mutex::new(None),
        })
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

impl SeesPieces for Looking {
    fn piece(&self, name: [u8; 32], bytes: &[u8]) {
        let Some(parts) = self.waiting.lock().remove(&name) else {
            return;
        };
        for part in parts.into_iter().filter_map(|number| self.parts.get(number)) {
            let mut splitter = Splitter::within();
            if let Err(error) = self
                .rows(part, &mut splitter, bytes)
                .and_then(|()| even(&splitter))
            {
                self.failed.lock().get_or_insert(error);
            }
        }
    }
}

impl Looking {
    /// How much it has to read itself: files, and bytes of them.
    pub(crate) fn left(&self) -> (u64, u64) {
        let waiting = self.waiting.lock();
        let left = self.parts.iter().flat_map(|part| left(part, &waiting));
        left.fold((0, 0), |(files, bytes), file| (files + 1, bytes + file.size()))
    }

    /// Reads what it was not shown, and tells what is wrong.
    ///
    /// # Errors
    /// [`RestoreError`] when something cannot be read, or it was cancelled.
    pub(crate) fn finish(self, watch: &dyn Watch) -> Result<Fitted, RestoreError> {
        watch.instance(&self.of.instance);
        let waiting = std::mem::take(&mut *self.waiting.lock());
        let names = self.of.inside.namespaces();
        for part in &self.parts {
            watch.part(workspace_label(&part.inside.name));
            let left: Vec<BackedUpFile> = left(part, &waiting).cloned().collect();
            self.read(part, &left, watch)?;
            if part.inside.name == VERSIONS {
                // Nobody else sets it.
                let _ = self.known.versions.set(part.check.lock().ids());
            }
        }
        if let Some(error) = self.failed.into_inner() {
            return Err(error);
        }
        let parts = self.parts.into_iter();
        let workspaces = parts.map(|part| WorkspaceIntegrity {
            instance: self.of.instance.clone(),
            workspace: part.inside.name,
            found: cut(part.check.into_inner().finish(&names)),
        });
        Ok(Fitted {
            workspaces: workspaces.collect(),
            left_out: self.of.left_out,
        })
    }

    /// Reads groups of rows, on all cores.
    fn read(&self, part: &Part, files: &[BackedUpFile], watch: &dyn Watch) -> Result<(), RestoreError> {
        let chunks: Vec<_> = files.chunks(TOGETHER).collect();
        workers::each(cores(), &chunks, |queue| {
            for files in queue {
                if watch.is_cancelled() {
                    return Err(RestoreError::Cancelled);
                }
                let mut splitter = Splitter::within();
                let each = &mut |piece: &[u8]| self.rows(part, &mut splitter, piece);
                self.of.files.pour_all(files, each)?;
                even(&splitter)?;
                let bytes = files.iter().map(BackedUpFile::size).sum();
                watch.advance(files.len() as u64, bytes);
            }
            Ok(())
        })
        .map(drop)
    }

    /// Gives the rows of a piece to the check.
    fn rows(&self, part: &Part, splitter: &mut Splitter, piece: &[u8]) -> Result<(), RestoreError> {
        splitter.push::<RowTrouble>(piece, &mut |row| {
            let Some((id, bundle)) = part.columns.parts(row) else {
                return Ok(());
            };
            // What takes time happens before the others are kept waiting.
            match bundle::outline(bundle) {
                Ok(outline) => part.check.lock().node(id, &outline),
                Err(BundleError::Older(_)) => {
                    match self.of.inside.read_bundle(&part.inside.name, id, bundle) {
                        Ok(node) => part.check.lock().node(id, &node.outline()),
                        Err(why) => part.check.lock().unreadable(id, why),
                    }
                }
                Err(why) => part.check.lock().unreadable(id, why),
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// The files of a workspace that were not shown.
fn left<'p>(
    part: &'p Part,
    waiting: &'p HashMap<[u8; 32], Vec<usize>>,
) -> impl Iterator<Item = &'p BackedUpFile> {
    let is_left = |file: &&BackedUpFile| file.digest().is_none_or(|piece| waiting.contains_key(&piece));
    part.files.iter().filter(is_left)
}

/// A group of rows has no row that goes on in the next.
fn even(splitter: &Splitter) -> Result<(), RestoreError> {
    if splitter.is_even() {
        return Ok(());
    }
    Err(cut_off())
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
