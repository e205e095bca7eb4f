//! Live's tables, to be looked into: all nodes as they are at one moment, and single ones as they are now.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::binaries;
use super::connect::Connector;
use super::layout;
use super::moment::Moment;
use super::names;
use super::read::{Piece, Reader, extents};
use super::rows::{RowDigest, Splitter};
use super::session::Session;
use super::tables::{Holds, Table};
use crate::content::ContentError;
use crate::content::inside::table::{self, Columns};
use crate::content::inside::tables::root_of;
use crate::content::inside::{
    At, Beginning, Bytes, Chunk, Inside, Nodes, StoredFile, Take, WorkspaceInside, is_not_there,
};
use crate::content::restoring::RestoreError;
use crate::domain::environment::DATA_STORE;
use crate::jcr::bundle::BundleError;
use crate::jcr::namespaces::Namespaces;
use crate::jcr::values::{self, Place, record_path};
use crate::jcr::{Binary, Node, NodeId, registry};
use crate::watch::Watch;

/// So many nodes are handed on together.
const TOGETHER: usize = 2_000;

/// Live's tables.
pub(crate) struct LiveTables {
    connector: Connector,
    tables: Vec<Table>,
    /// Tables of binaries and records.
    blobs: Vec<Table>,
    namespaces: Arc<Namespaces>,
}

impl LiveTables {
    /// Looks which tables there are.
    pub(crate) fn look(connector: &Connector) -> Result<Self, RestoreError> {
        let (layout, ..) = layout::look(connector)?;
        let mut tables = layout.tables;
        let of_bytes = |table: &&Table| matches!(table.holds, Holds::Binaries | Holds::DataStore);
        let blobs = tables.iter().filter(of_bytes).cloned().collect();
        tables.retain(|table| table.holds == Holds::Bundles);
        let registered = connector.settings().home.as_ref().and_then(|home| {
            // A home whose registry cannot be read has names with addresses instead of prefixes.
            std::fs::read(home.join(registry::PREFIXES)).ok()
        });
        let namespaces = registered.map_or_else(Namespaces::default, |file| registry::namespaces(&file));
        Ok(Self {
            connector: connector.clone(),
            tables,
            blobs,
            namespaces: Arc::new(namespaces),
        })
    }

    fn table(&self, workspace: &str) -> Result<(&Table, Columns), RestoreError> {
        let table = self.tables.iter().find(|table| table.workspace == workspace);
        table
            .and_then(|table| Some((table, Columns::of(table)?)))
            .ok_or_else(|| is_not_there(workspace))
    }

    /// The file of a record of the data store, open, and where it is.
    fn record_file(&self, id: &str) -> Option<(File, PathBuf)> {
        let path = self
            .connector
            .settings()
            .data_store
            .as_ref()?
            .join(record_path(id)?);
        Some((File::open(&path).ok()?, path))
    }
}

impl Inside for LiveTables {
    fn workspaces(&self) -> Result<Vec<WorkspaceInside>, RestoreError> {
        let mut found: Vec<_> = self
            .tables
            .iter()
            .map(|table| WorkspaceInside {
                name: table.workspace.clone(),
                items: table.found.rows,
                bytes: table.found.bytes,
                root: root_of(&table.workspace),
            })
            .collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found.dedup_by(|one, other| one.name == other.name);
        Ok(found)
    }

    fn namespaces(&self) -> Arc<Namespaces> {
        Arc::clone(&self.namespaces)
    }

    fn read(&self, workspace: &str, take: &Take<'_>, watch: &dyn Watch) -> Result<(), RestoreError> {
        let (wanted, _) = self.table(workspace)?;
        let moment = Moment::take(&self.connector, false)?;
        let of_moment = moment.layout.tables.iter();
        let tables: Vec<Table> = of_moment
            .filter(|table| table.name == wanted.name)
            .cloned()
            .collect();
        let table = tables.first().ok_or_else(|| is_not_there(workspace))?;
        let columns = Columns::of(table).ok_or_else(|| is_not_there(workspace))?;
        watch.total(table.found.rows, table.found.bytes);
        let tables = Arc::new(tables);
        let cut = extents(&tables, true);
        let count = cut.len();
        let reader = Reader::start(
            &moment.connector,
            &moment.connector.settings().schema,
            Some(moment.id.clone()),
            Arc::clone(&tables),
            cut,
            RowDigest::default(),
        )?;
        let mut read = 0;
        let mut chunk = Chunk::default();
        while let Some(mut reading) = reader.next() {
            loop {
                if watch.is_cancelled() {
                    return Err(RestoreError::Cancelled);
                }
                match reading.pieces.recv() {
                    Ok(Piece::Rows(group)) => {
                        Splitter::within()
                            .push::<std::io::Error>(&group.bytes, &mut |row| {
                                chunk.nodes.extend(columns.read(row, At::default()));
                                Ok(())
                            })
                            .map_err(|error| self.connector.wrong("reading", error.to_string()))?;
                        if chunk.nodes.len() >= TOGETHER {
                            take(std::mem::take(&mut chunk))?;
                        }
                        watch.advance(group.sum.rows, group.sum.bytes);
                    }
                    Ok(Piece::End) => break,
                    Ok(Piece::Failed(error)) => return Err(error.into()),
                    Err(_) => return Err(stopped(&self.connector).into()),
                }
            }
            read += 1;
        }
        if read < count {
            return Err(stopped(&self.connector).into());
        }
        take(chunk)
    }

    fn node(
        &self,
        workspace: &str,
        id: &NodeId,
        _: &StoredFile,
        _: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError> {
        self.nodes(workspace)?.node(id, &StoredFile::default(), 0)
    }

    fn nodes(&self, workspace: &str) -> Result<Box<dyn Nodes + '_>, RestoreError> {
        let (of_workspace, columns) = self.table(workspace)?;
        let (session, connector) = self.connector.connect_to_one()?;
        let name = names::in_schema(&connector.settings().schema, &of_workspace.name);
        let (question, in_halves) = columns
            .question(of_workspace, &name)
            .ok_or_else(|| is_not_there(workspace))?;
        Ok(Box::new(NodesInLive {
            session,
            connector,
            question,
            in_halves,
            action: format!("reading a node of {workspace}"),
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
        let Some((file, path)) = self.record_file(id) else {
            return Ok(None);
        };
        let about = file.metadata().map_err(RestoreError::io("reading", &path))?;
        let mut bytes = Vec::new();
        let reading = file.take(most as u64).read_to_end(&mut bytes);
        reading.map_err(RestoreError::io("reading", &path))?;
        Ok(Some(Beginning {
            size: about.len(),
            bytes,
        }))
    }

    fn open_record(&self, id: &str) -> Result<Option<Box<dyn Read + '_>>, RestoreError> {
        let found = self.record_file(id);
        Ok(found.map(|(file, _)| -> Box<dyn Read> { Box::new(file) }))
    }

    fn open_binary(&self, workspace: &str, binary: &Binary) -> Result<Option<Bytes<'_>>, RestoreError> {
        let table = |of: &str| self.blobs.iter().find(|table| table.workspace == of);
        match values::place(binary) {
            Place::Held(bytes) => Ok(Some(Bytes {
                size: bytes.len() as u64,
                bytes: Box::new(Cursor::new(bytes.clone())),
            })),
            Place::Record { id, .. } => match table(DATA_STORE) {
                Some(table) => binaries::open(&self.connector, table, id),
                None => match self.record_file(id) {
                    Some((file, path)) => {
                        let about = file.metadata().map_err(RestoreError::io("reading", &path))?;
                        Ok(Some(Bytes {
                            size: about.len(),
                            bytes: Box::new(file),
                        }))
                    }
                    None => Ok(None),
                },
            },
            Place::Row(id) => match table(workspace) {
                Some(table) => binaries::open(&self.connector, table, id),
                None => Ok(None),
            },
            Place::File(path) => match &self.connector.settings().home {
                Some(home) => binaries::file(home, workspace, path),
                None => Ok(None),
            },
            Place::Nowhere => Ok(None),
        }
    }
}

/// Nodes of Live as they are when each is read. Between two of them nothing is held in the database, so that a reader who is
/// slow is in nobody's way.
struct NodesInLive {
    session: Session,
    connector: Connector,
    question: String,
    in_halves: bool,
    action: String,
}

impl Nodes for NodesInLive {
    fn node(
        &mut self,
        id: &NodeId,
        _: &StoredFile,
        _: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError> {
        let failed = self.connector.failed(&self.action);
        let mut transaction = self.session.begin().map_err(&failed)?;
        let row = if self.in_halves {
            let (high, low) = id.split_at(8);
            let half = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().unwrap_or_default());
            transaction.query_opt(&self.question, &[&half(high), &half(low)])
        } else {
            transaction.query_opt(&self.question, &[&id.as_slice()])
        };
        let bundle: Option<Vec<u8>> = row.map_err(&failed)?.and_then(|row| row.get(0));
        Ok(bundle.map(|bundle| table::read(*id, &bundle)))
    }
}

fn stopped(connector: &Connector) -> ContentError {
    connector.wrong(
        "reading the tables",
        "whoever read them has stopped; its message is on standard error",
    )
}
