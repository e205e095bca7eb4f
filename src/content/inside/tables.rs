//! A backup of tables, to be looked into: rows are read from its files, side by side on all cores.

use std::collections::VecDeque;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use super::blobs::Blobs;
use super::found::Room;
use super::older::Older;
use super::table::Columns;
use super::{
    At, Beginning, Bytes, Chunk, Found, Inside, NodeRead, Nodes, StoredFile, Take, WorkspaceInside,
    is_not_there,
};
use crate::concurrency::machine::cores;
use crate::concurrency::workers;
use crate::content::backed_up::{BackedUpFile, BackedUpFiles};
use crate::content::postgres::rows::Splitter;
use crate::content::postgres::tables::{Holds, Table};
use crate::content::postgres::walk::ROWS_NAME;
use crate::content::restoring::RestoreError;
use crate::content::{FileTime, Item, ItemKind};
use crate::domain::backup::InstanceCopy;
use crate::domain::environment::{DATA_STORE, HOME, SCHEMA, VERSIONS};
use crate::domain::os_error::in_words;
use crate::jcr::bundle::BundleError;
use crate::jcr::namespaces::Namespaces;
use crate::jcr::values::{self, Place, record_path};
use crate::jcr::{Binary, Node, NodeId, ids, registry};
use crate::watch::Watch;

/// How many files are read together by one worker.
pub(super) const TOGETHER: usize = 128;
/// So many bytes of files are held by whoever reads many nodes.
const HELD: usize = 32 << 20;

/// A backup of tables.
pub(crate) struct TablesInBackup {
    files: Arc<dyn BackedUpFiles>,
    copy: InstanceCopy,
    tables: Vec<Table>,
    namespaces: Arc<Namespaces>,
    older: Older,
    /// Binaries and records that are rows.
    blobs: Vec<Arc<Blobs>>,
    /// Whether the records of the data store are rows, and not files.
    pub(super) has_record_table: bool,
}

impl TablesInBackup {
    pub(crate) fn new(files: Arc<dyn BackedUpFiles>, copy: InstanceCopy) -> Result<Self, RestoreError> {
        let path = Path::new(SCHEMA).join("tables.json");
        let described = files.read(&path)?.unwrap_or_default();
        let mut tables: Vec<Table> = serde_json::from_slice(&described).map_err(|error| {
            RestoreError::Failed(format!(
                "the description of the tables of {} in the backup makes no sense to this version of Lifeboat ({error})",
                copy.name
            ))
        })?;
        let has_record_table = tables.iter().any(|table| table.holds == Holds::DataStore);
        let older = Older::new(&*files, &tables)?;
        let blobs = tables.iter().filter_map(|table| {
            let known = copy.tables.iter().find(|known| known.name == table.name);
            Blobs::of(&files, table, known.map_or(0, |known| known.bytes))
        });
        let blobs = blobs.collect();
        tables.retain(|table| table.holds == Holds::Bundles);
        let registered = files.read(&Path::new(HOME).join(registry::PREFIXES))?;
        let namespaces = registered.map_or_else(Namespaces::default, |file| registry::namespaces(&file));
        Ok(Self {
            files,
            copy,
            tables,
            namespaces: Arc::new(namespaces),
            older,
            blobs,
            has_record_table,
        })
    }

    /// The table of a workspace, and where in its rows nodes are.
    pub(super) fn table(&self, workspace: &str) -> Result<(&Table, Columns), RestoreError> {
        let table = self.tables.iter().find(|table| table.workspace == workspace);
        table
            .and_then(|table| Some((table, Columns::of(table)?)))
            .ok_or_else(|| is_not_there(workspace))
    }

    /// Reads a bundle, of whatever form it is.
    pub(super) fn read_bundle(
        &self,
        workspace: &str,
        id: NodeId,
        bundle: &[u8],
    ) -> Result<Node, BundleError> {
        match super::table::read(id, bundle) {
            Err(BundleError::Older(_)) => self.older.read(&*self.files, workspace, id, bundle),
            read => read,
        }
    }

    /// The table that a binary is a row of, and its id there.
    fn row<'b>(&self, workspace: &str, binary: &'b Binary) -> Option<(&Arc<Blobs>, &'b str)> {
        let (of, id) = match values::place(binary) {
            Place::Record { id, .. } => (DATA_STORE, id),
            Place::Row(id) => (workspace, id),
            Place::Held(_) | Place::File(_) | Place::Nowhere => return None,
        };
        let table = self.blobs.iter().find(|table| table.workspace() == of)?;
        Some((table, id))
    }

    /// The file of a record of the data store.
    fn record_file(&self, id: &str) -> Result<Option<BackedUpFile>, RestoreError> {
        let Some(path) = record_path(id) else {
            return Ok(None);
        };
        let path = Path::new(DATA_STORE).join(path);
        let Some(folder) = path.parent() else {
            return Ok(None);
        };
        let name = path.file_name().unwrap_or_default();
        let mut files = self.files.below(folder)?.into_iter();
        Ok(files.find(|file| file.item.path.as_os_str() == name))
    }

    /// Reads files with rows, on all cores, and tells what `keep` makes of those of some files.
    fn read_rows(
        &self,
        workspace: &str,
        keep: &Keep<'_>,
        take: &Take<'_>,
        watch: &dyn Watch,
    ) -> Result<(), RestoreError> {
        let (table, columns) = self.table(workspace)?;
        let files = self.files.below(&table.folder().join(ROWS_NAME))?;
        let bytes = files.iter().map(BackedUpFile::size).sum();
        watch.total(files.len() as u64, bytes);
        let chunks: Vec<_> = files.chunks(TOGETHER).collect();
        workers::each(cores(), &chunks, |queue| {
            let mut room = Room::default();
            for files in queue {
                if watch.is_cancelled() {
                    return Err(RestoreError::Cancelled);
                }
                let mut chunk = Chunk {
                    files: files.iter().map(stored).collect(),
                    ..Chunk::default()
                };
                self.each_row(files, &mut |row, at| {
                    if let Some((id, bundle)) = columns.parts(row) {
                        keep(&mut chunk, (id, bundle), at, &mut room);
                    }
                })?;
                take(chunk)?;
                watch.advance(files.len() as u64, files.iter().map(BackedUpFile::size).sum());
            }
            Ok(())
        })
        .map(drop)
    }

    /// Reads some files, and tells every row with its place.
    fn each_row(&self, files: &[BackedUpFile], each: &mut dyn FnMut(&[u8], At)) -> Result<(), RestoreError> {
        let mut lengths = files.iter().map(|file| file.pieces.len()).enumerate();
        let mut current = lengths.next();
        let mut place = At::default();
        let mut splitter = Splitter::within();
        self.files.pour_all(files, &mut |piece| {
            // The file that the piece is of: the first that has any left.
            while let Some((_, 0)) = current {
                current = lengths.next();
                if !splitter.is_even() {
                    return Err(cut_off());
                }
                place = At {
                    file: place.file + 1,
                    offset: 0,
                };
            }
            if let Some((_, left)) = &mut current {
                *left -= 1;
            }
            splitter.push::<RowTrouble>(piece, &mut |row| {
                each(row, place);
                place.offset = place
                    .offset
                    .saturating_add(u32::try_from(row.len()).unwrap_or(u32::MAX));
                Ok(())
            })?;
            Ok(())
        })?;
        if !splitter.is_even() {
            return Err(cut_off());
        }
        Ok(())
    }

    /// The node of a row.
    fn node_read(&self, workspace: &str, (id, bundle): (NodeId, &[u8]), at: At) -> NodeRead {
        NodeRead {
            id,
            own: Some(id),
            node: self.read_bundle(workspace, id, bundle),
            size: bundle.len() as u64,
            at,
        }
    }
}

/// Puts what is to be kept of a row, by its id and its bundle, into a chunk.
type Keep<'k> = dyn Fn(&mut Chunk, (NodeId, &[u8]), At, &mut Room) + Sync + 'k;

/// A group of rows has no row that goes on in the next.
pub(super) fn cut_off() -> RestoreError {
    RestoreError::Failed(
        "a file of rows in the backup ends in the middle of a row: verify the backup".to_owned(),
    )
}

/// What rows cannot be read by.
pub(super) struct RowTrouble(RestoreError);

impl From<io::Error> for RowTrouble {
    fn from(error: io::Error) -> Self {
        Self(RestoreError::Failed(format!(
            "the rows in the backup make no sense: {error}"
        )))
    }
}

impl From<RowTrouble> for RestoreError {
    fn from(trouble: RowTrouble) -> Self {
        trouble.0
    }
}

/// What an index keeps of a file.
pub(super) fn stored(file: &BackedUpFile) -> StoredFile {
    StoredFile {
        pieces: file.pieces.concat(),
        size: file.size(),
        place: String::new(),
    }
}

/// A file out of what an index has kept of it.
pub(crate) fn backed_up(file: &StoredFile) -> BackedUpFile {
    BackedUpFile {
        item: Item {
            path: "kept".into(),
            kind: ItemKind::File { size: file.size },
            mode: 0,
            owner: (0, 0),
            modified: FileTime::default(),
            changed: FileTime::default(),
            inode: 0,
            held: None,
            rare: None,
        },
        pieces: file.pieces.as_chunks::<32>().0.to_vec(),
    }
}

impl Inside for TablesInBackup {
    fn workspaces(&self) -> Result<Vec<WorkspaceInside>, RestoreError> {
        let mut found: Vec<WorkspaceInside> = Vec::new();
        for table in &self.tables {
            let mut copies = self.copy.tables.iter();
            let copy = copies.find(|copy| copy.name == table.name);
            found.push(WorkspaceInside {
                name: table.workspace.clone(),
                items: copy.map_or(0, |copy| copy.rows),
                bytes: copy.map_or(0, |copy| copy.bytes),
                root: root_of(&table.workspace),
            });
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found.dedup_by(|one, other| one.name == other.name);
        Ok(found)
    }

    fn namespaces(&self) -> Arc<Namespaces> {
        Arc::clone(&self.namespaces)
    }

    fn read(&self, workspace: &str, take: &Take<'_>, watch: &dyn Watch) -> Result<(), RestoreError> {
        let keep = |chunk: &mut Chunk, row: (NodeId, &[u8]), at: At, _: &mut Room| {
            chunk.nodes.push(self.node_read(workspace, row, at));
        };
        self.read_rows(workspace, &keep, take, watch)
    }

    fn survey(&self, workspace: &str, take: &Take<'_>, watch: &dyn Watch) -> Result<(), RestoreError> {
        let names = &self.namespaces;
        let keep = |chunk: &mut Chunk, row: (NodeId, &[u8]), at: At, room: &mut Room| {
            let found = Found::of_bundle(row.0, row.1, at, names, room);
            // Those of older forms are rare, and so are those that cannot be read.
            chunk
                .items
                .push(found.unwrap_or_else(|_| Found::of(&self.node_read(workspace, row, at), names)));
        };
        self.read_rows(workspace, &keep, take, watch)
    }

    fn node(
        &self,
        workspace: &str,
        id: &NodeId,
        file: &StoredFile,
        offset: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError> {
        self.nodes(workspace)?.node(id, file, offset)
    }

    fn nodes(&self, workspace: &str) -> Result<Box<dyn Nodes + '_>, RestoreError> {
        let (_, columns) = self.table(workspace)?;
        Ok(Box::new(NodesInBackup {
            of: self,
            workspace: workspace.to_owned(),
            columns,
            held: VecDeque::new(),
        }))
    }

    fn file(
        &self,
        _: &str,
        _: &[String],
        _: &StoredFile,
        _: usize,
    ) -> Result<Option<Beginning>, RestoreError> {
        Ok(None)
    }

    fn record(&self, id: &str, most: usize) -> Result<Option<Beginning>, RestoreError> {
        let found = self.record_file(id)?;
        found.map(|file| beginning(&*self.files, &file, most)).transpose()
    }

    fn open_record(&self, id: &str) -> Result<Option<Box<dyn Read + '_>>, RestoreError> {
        let found = self.record_file(id)?;
        Ok(found.map(|file| -> Box<dyn Read + '_> {
            Box::new(FileInBackup {
                files: &*self.files,
                pieces: file.pieces.into(),
                piece: Cursor::default(),
            })
        }))
    }

    fn open_binary(&self, workspace: &str, binary: &Binary) -> Result<Option<Bytes<'_>>, RestoreError> {
        if let Some((table, id)) = self.row(workspace, binary) {
            return table.open(id);
        }
        match binary {
            Binary::Held(bytes) => Ok(Some(Bytes {
                size: bytes.len() as u64,
                bytes: Box::new(Cursor::new(bytes.clone())),
            })),
            Binary::Record(id) => Ok(self.record_file(id)?.map(|file| Bytes {
                size: file.size(),
                bytes: Box::new(FileInBackup {
                    files: &*self.files,
                    pieces: file.pieces.into(),
                    piece: Cursor::default(),
                }),
            })),
            // A file of the home beside its tables, which no backup of tables holds.
            Binary::Beside(_) => Ok(None),
        }
    }

    fn is_at_hand(&self, workspace: &str, binary: &Binary) -> bool {
        let row = self.row(workspace, binary);
        row.is_none_or(|(table, _)| table.is_at_hand())
    }
}

/// Nodes out of the files of a backup, of which the last ones are held: nodes of one file are seldom read one after the other.
struct NodesInBackup<'b> {
    of: &'b TablesInBackup,
    workspace: String,
    columns: Columns,
    held: VecDeque<(StoredFile, Vec<u8>)>,
}

impl NodesInBackup<'_> {
    /// What is in a file.
    fn bytes(&mut self, file: &StoredFile) -> Result<&[u8], RestoreError> {
        let found = match self.held.iter().position(|(held, _)| held == file) {
            Some(place) => self.held.remove(place),
            None => None,
        };
        let (of, bytes) = if let Some(found) = found {
            found
        } else {
            let mut bytes = Vec::new();
            self.of.files.pour(&backed_up(file), &mut |piece| {
                bytes.extend_from_slice(piece);
                Ok(())
            })?;
            (file.clone(), bytes)
        };
        let mut room = HELD.saturating_sub(bytes.len());
        let fit = self.held.iter().rev().take_while(|(_, bytes)| {
            let fits = bytes.len() <= room;
            room = room.saturating_sub(bytes.len());
            fits
        });
        let fit = fit.count();
        self.held.drain(..self.held.len() - fit);
        self.held.push_back((of, bytes));
        Ok(self.held.back().map_or(&[], |(_, bytes)| bytes))
    }
}

impl Nodes for NodesInBackup<'_> {
    fn node(
        &mut self,
        id: &NodeId,
        file: &StoredFile,
        offset: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError> {
        let (columns, of, workspace) = (self.columns, self.of, self.workspace.clone());
        let bytes = self.bytes(file)?;
        let row = usize::try_from(offset)
            .ok()
            .and_then(|offset| bytes.get(offset..));
        let parts = row.and_then(|row| columns.parts(row));
        Ok(parts
            .filter(|(found, _)| found == id)
            .map(|(found, bundle)| of.read_bundle(&workspace, found, bundle)))
    }
}

/// A file in a backup as a stream that has all that it needs: piece by piece.
struct FileInBackup<'b> {
    files: &'b dyn BackedUpFiles,
    /// Those that are still to be read.
    pieces: VecDeque<[u8; 32]>,
    piece: Cursor<Vec<u8>>,
}

impl Read for FileInBackup<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            let Some(piece) = self.pieces.pop_front() else {
                return Ok(0);
            };
            let mut bytes = Vec::new();
            let only = StoredFile {
                pieces: piece.to_vec(),
                ..StoredFile::default()
            };
            self.files
                .pour(&backed_up(&only), &mut |piece| {
                    bytes.extend_from_slice(piece);
                    Ok(())
                })
                .map_err(io::Error::other)?;
            self.piece = Cursor::new(bytes);
        }
    }
}

/// The beginning of a file in a backup.
pub(super) fn beginning(
    files: &dyn BackedUpFiles,
    file: &BackedUpFile,
    most: usize,
) -> Result<Beginning, RestoreError> {
    let mut bytes = Vec::new();
    let reading = files.reader(file).take(most as u64).read_to_end(&mut bytes);
    reading.map_err(|error| {
        RestoreError::Failed(format!(
            "a file in the backup cannot be read: {error}",
            error = in_words(&error)
        ))
    })?;
    Ok(Beginning {
        size: file.size(),
        bytes,
    })
}

/// The root of a workspace.
pub(crate) fn root_of(workspace: &str) -> NodeId {
    if workspace == VERSIONS {
        ids::VERSION_STORAGE
    } else {
        ids::ROOT
    }
}
