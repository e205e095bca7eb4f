//! What a restore would change in a database, node by node, without loading anything.
//!
//! Both sides are rows in groups. A group that both have is the same on both, and its rows are only counted. What is left
//! is compared row by row: by its key it is added, changed or removed. Tables of names, references and binaries are compared
//! in the same way.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::records::item_of;
use crate::content::ContentError;
use crate::content::backed_up::{BackedUpFile, BackedUpFiles};
use crate::content::postgres::connect::Connector;
use crate::content::postgres::data_store::{self, Standing};
use crate::content::postgres::moment::Moment;
use crate::content::postgres::read::{Piece, Reader, extents};
use crate::content::postgres::rows::{self, RowDigest, Splitter};
use crate::content::postgres::tables::{Holds, Table};
use crate::content::restoring::RestoreError;
use crate::domain::backup::InstanceCopy;
use crate::domain::environment::{DATA_STORE, InstanceName, WorkspaceKind};
use crate::domain::examples::{self, Example, Examples};
use crate::domain::plan::{ItemChange, Selection, WorkspaceChange};
use crate::watch::Watch;

/// How many nodes are named per workspace.
const EXAMPLES: usize = 5;

/// What tells a node from every other: the bytes of its key, or the beginning of their digest if they are longer.
type Key = [u8; 16];
/// Enough of a row's digest to tell whether it is the same.
type Mark = [u8; 16];

/// Compares a database with a backup of it.
///
/// # Errors
/// [`RestoreError`] when either cannot be read, or it was cancelled.
pub(super) fn compare(
    connector: &Connector,
    files: &dyn BackedUpFiles,
    described: &[Table],
    copy: &InstanceCopy,
    selection: &Selection,
    watch: &dyn Watch,
) -> Result<Vec<WorkspaceChange>, RestoreError> {
    let moment = Moment::take(connector, false)?;
    let connector = &moment.connector;
    let chosen = |table: &&Table| is_compared(selection, &table.workspace);
    let live: Arc<Vec<Table>> = Arc::new(moment.layout.tables.iter().filter(chosen).cloned().collect());
    let stored: Vec<&Table> = described.iter().filter(chosen).collect();
    let mut found = Vec::new();
    let is_stored = |name: &str| stored.iter().any(|table| table.name == name);
    let copied = || copy.tables.iter().filter(|copied| is_stored(&copied.name));
    watch.total(
        copied().map(|table| table.rows).sum(),
        copied().map(|table| table.bytes).sum(),
    );
    watch.instance(&copy.name);

    let mut sides = Vec::new();
    for table in live.iter() {
        let stored = stored.iter().find(|stored| stored.name == table.name);
        sides.push(Side::new(files, table, stored.copied())?);
    }
    let reader = Reader::start(
        connector,
        &connector.settings().schema,
        Some(moment.id.clone()),
        Arc::clone(&live),
        extents(&live, true),
        // Cut as the backup was, so that what has not changed is met as a whole.
        RowDigest::of_record(&copy.tables),
    )?;
    let mut read = 0;
    while let Some(mut reading) = reader.next() {
        let Some(side) = sides.get_mut(reading.extent.table) else {
            continue;
        };
        watch.part(&side.table.name);
        loop {
            if watch.is_cancelled() {
                return Err(RestoreError::Cancelled);
            }
            match reading.pieces.recv() {
                Ok(Piece::Rows(group)) => {
                    watch.advance(group.sum.rows, group.sum.bytes);
                    side.meet(&group.bytes, group.sum.rows)?;
                }
                Ok(Piece::End) => break,
                Ok(Piece::Failed(error)) => return Err(error.into()),
                Err(_) => return Err(stopped(connector)),
            }
        }
        read += 1;
    }
    if read < extents(&live, true).len() {
        return Err(stopped(connector));
    }
    for side in sides {
        let bytes = bytes_of(copy, &side.table.workspace);
        let table = side.table.clone();
        found.push((table, side.into_change(files, &copy.name, bytes)?));
    }
    // What is not in Live at all comes back whole.
    for table in stored {
        if !live.iter().any(|live| live.name == table.name) {
            let change = WorkspaceChange {
                added: rows_of(copy, &table.name),
                ..unchanged(&copy.name, &table.workspace, bytes_of(copy, &table.workspace))
            };
            found.push((table.clone(), change));
        }
    }
    let mut changes = by_workspace(found);
    changes.extend(compare_data_store(connector, files, copy)?);
    changes.sort_by(|a, b| a.workspace.cmp(&b.workspace));
    Ok(changes)
}

/// The changes of workspaces out of those of their tables. A workspace has as many items as nodes; what else belongs to
/// them is named by its table where it differs, and counted where no node does.
fn by_workspace(found: Vec<(Table, WorkspaceChange)>) -> Vec<WorkspaceChange> {
    let is_counted =
        |table: &Table| matches!(table.holds, Holds::Bundles | Holds::DataStore | Holds::FileSystem);
    let (counted, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|(table, _)| is_counted(table));
    let mut changes: Vec<WorkspaceChange> = Vec::new();
    for (_, change) in counted {
        match changes
            .iter_mut()
            .find(|known| known.workspace == change.workspace)
        {
            None => changes.push(change),
            Some(known) => {
                add(known, &change);
                known.examples.extend(change.examples);
                known.example_changes.extend(change.example_changes);
                known.example_below.extend(change.example_below);
            }
        }
    }
    let different: BTreeSet<String> = changes
        .iter()
        .filter(|change| !change.is_unchanged())
        .map(|change| change.workspace.clone())
        .collect();
    for (table, mut change) in others {
        let differs = !change.is_unchanged();
        change.unchanged = 0;
        change.examples = Vec::new();
        change.example_changes = Vec::new();
        change.example_below = Vec::new();
        let at = changes
            .iter()
            .position(|known| known.workspace == change.workspace);
        let at = at.unwrap_or(changes.len());
        if at == changes.len() {
            changes.push(unchanged(&change.instance, &change.workspace, change.bytes));
        }
        if let Some(known) = changes.get_mut(at).filter(|_| differs) {
            if !different.contains(&known.workspace) {
                add(known, &change);
            }
            known.examples.push(format!("the table {}", table.name));
            known.example_changes.push(ItemChange::Changed);
            known.example_below.push(0);
        }
    }
    for change in &mut changes {
        examples::cut(change, EXAMPLES);
    }
    changes
}

fn add(known: &mut WorkspaceChange, change: &WorkspaceChange) {
    known.added += change.added;
    known.changed += change.changed;
    known.removed += change.removed;
    known.unchanged += change.unchanged;
}

/// Whether a part of an instance takes part in a restore of a selection.
pub(super) fn is_compared(selection: &Selection, workspace: &str) -> bool {
    match WorkspaceKind::of(workspace) {
        WorkspaceKind::Shared => selection.workspaces.is_empty() || workspace == DATA_STORE,
        _ => selection.has_workspace(workspace),
    }
}

fn stopped(connector: &Connector) -> RestoreError {
    connector
        .wrong("reading", "whoever read the tables has stopped")
        .into()
}

fn rows_of(copy: &InstanceCopy, table: &str) -> u64 {
    copy.tables
        .iter()
        .find(|copied| copied.name == table)
        .map_or(0, |copied| copied.rows)
}

fn bytes_of(copy: &InstanceCopy, workspace: &str) -> u64 {
    let copied = copy.workspaces.iter().find(|copied| copied.name == workspace);
    copied.map_or(0, |copied| copied.bytes)
}

fn unchanged(instance: &InstanceName, workspace: &str, bytes: u64) -> WorkspaceChange {
    WorkspaceChange {
        instance: instance.clone(),
        kind: WorkspaceKind::of(workspace),
        workspace: workspace.to_owned(),
        added: 0,
        changed: 0,
        removed: 0,
        unchanged: 0,
        bytes,
        examples: Vec::new(),
        example_changes: Vec::new(),
        example_below: Vec::new(),
    }
}

/// Records that a data store in a folder lacks, and those in whose place another file is. What it has beyond the backup stays.
pub(super) fn compare_data_store(
    connector: &Connector,
    files: &dyn BackedUpFiles,
    copy: &InstanceCopy,
) -> Result<Option<WorkspaceChange>, RestoreError> {
    let Some(root) = &connector.settings().data_store else {
        return Ok(None);
    };
    let folder = std::path::Path::new(DATA_STORE);
    let mut change = unchanged(&copy.name, DATA_STORE, bytes_of(copy, DATA_STORE));
    let (mut any, mut examples) = (false, Examples::new(EXAMPLES));
    for file in files.below(folder)? {
        any = true;
        let standing = match data_store::standing(root, &item_of(&file)) {
            // What stands in its place and is no file is told as an obstacle.
            Err(ContentError::NotAllowed { .. }) => Standing::Other,
            standing => standing?,
        };
        match standing {
            Standing::There => {
                change.unchanged += 1;
                continue;
            }
            Standing::Missing => change.added += 1,
            Standing::Other => change.changed += 1,
        }
        examples.add_whole(Example {
            change: match standing {
                Standing::Missing => ItemChange::Added,
                _ => ItemChange::Changed,
            },
            path: file.item.path.display().to_string(),
            below: 0,
        });
    }
    examples.give(&mut change);
    Ok(any.then_some(change))
}

/// One table while it is compared.
struct Side {
    table: Table,
    key: Vec<usize>,
    /// Where the key stands in the backup's rows: the columns may have had another order then.
    stored_key: Vec<usize>,
    /// Groups of the backup that have not been met in Live, by the digest of what is in them.
    waiting: HashMap<[u8; 32], BackedUpFile>,
    /// Groups that have no digest of their own, and are compared row by row.
    others: Vec<BackedUpFile>,
    unchanged: u64,
    rows: HashMap<Key, Mark>,
}

impl Side {
    fn new(files: &dyn BackedUpFiles, table: &Table, stored: Option<&Table>) -> Result<Self, RestoreError> {
        let mut waiting = HashMap::new();
        let mut others = Vec::new();
        if let Some(stored) = stored {
            for file in files.below(&stored.folder().join("1.rows"))? {
                match file.digest() {
                    Some(digest) => drop(waiting.insert(digest, file)),
                    None => others.push(file),
                }
            }
        }
        Ok(Self {
            key: table.key_places(),
            stored_key: stored.unwrap_or(table).key_places(),
            table: table.clone(),
            waiting,
            others,
            unchanged: 0,
            rows: HashMap::new(),
        })
    }

    /// Takes a group of Live's.
    fn meet(&mut self, group: &[u8], rows: u64) -> Result<(), RestoreError> {
        if self.waiting.remove(&rows::digest(group)).is_some() {
            self.unchanged += rows;
            return Ok(());
        }
        let key = &self.key;
        let met = &mut self.rows;
        each_row(group, &mut |row| {
            met.insert(key_of(row, key), mark(row));
        })
    }

    fn into_change(
        mut self,
        files: &dyn BackedUpFiles,
        instance: &InstanceName,
        bytes: u64,
    ) -> Result<WorkspaceChange, RestoreError> {
        let mut change = unchanged(instance, &self.table.workspace, bytes);
        let mut examples = Examples::new(EXAMPLES);
        let mut name = |key: &Key, change: ItemChange| {
            examples.add_whole(Example {
                change,
                path: node_id(key),
                below: 0,
            });
        };
        change.unchanged = self.unchanged;
        for file in self.waiting.values().chain(&self.others) {
            let mut bytes = Vec::new();
            files.pour(file, &mut |piece| {
                bytes.extend_from_slice(piece);
                Ok(())
            })?;
            let key = &self.stored_key;
            let live = &mut self.rows;
            each_row(&bytes, &mut |row| {
                let id = key_of(row, key);
                match live.remove(&id) {
                    Some(met) if met == mark(row) => change.unchanged += 1,
                    Some(_) => {
                        change.changed += 1;
                        name(&id, ItemChange::Changed);
                    }
                    None => {
                        change.added += 1;
                        name(&id, ItemChange::Added);
                    }
                }
            })?;
        }
        let left = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        if self.table.holds == Holds::DataStore {
            // Other rows may refer to it: a restore adds to a data store and removes nothing.
            change.unchanged += left;
        } else {
            change.removed = left;
            self.rows.keys().for_each(|key| name(key, ItemChange::Removed));
        }
        examples.give(&mut change);
        Ok(change)
    }
}

fn each_row(group: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), RestoreError> {
    let mut splitter = Splitter::within();
    let split = splitter.push::<std::io::Error>(group, &mut |row| {
        each(row);
        Ok(())
    });
    let whole = split.and_then(|()| {
        if splitter.is_even() {
            Ok(())
        } else {
            Err(std::io::Error::other("a row is cut off"))
        }
    });
    whole.map_err(|source| {
        RestoreError::Content(ContentError::Io {
            action: "reading",
            path: "rows".into(),
            source,
        })
    })
}

fn key_of(row: &[u8], places: &[usize]) -> Key {
    let bytes: Vec<u8> = if places.is_empty() {
        row.to_vec()
    } else {
        places
            .iter()
            .filter_map(|place| rows::field(row, *place))
            .flatten()
            .copied()
            .collect()
    };
    match bytes.as_slice().try_into() {
        Ok(key) => key,
        Err(_) => first_half(&rows::digest(&bytes)),
    }
}

fn mark(row: &[u8]) -> Mark {
    first_half(&rows::digest(row))
}

fn first_half(digest: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

/// A node's id as Jackrabbit writes it.
fn node_id(key: &Key) -> String {
    let number = u128::from_be_bytes(*key);
    let hex = format!("{number:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
