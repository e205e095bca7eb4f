//! Reads tables as they are at one moment, over several connections, as groups of rows in the order of their places.
//!
//! A table is read in extents: stretches of its blocks, which several connections read side by side. What they read comes
//! out in order, and only so much is read ahead as fits into some dozen megabytes.

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvError, SyncSender, sync_channel};
use std::thread;

use futures_util::StreamExt;
use parking_lot::Mutex;
use tokio::runtime;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::connect::Connector;
use super::moment;
use super::names;
use super::rows::{Group, Grouper, RowDigest, Splitter};
use super::tables::Table;
use crate::concurrency::byte_budget::{ByteBudget, Permit};
use crate::content::ContentError;

/// About how many bytes an extent has.
const EXTENT: u64 = 8 * 1024 * 1024;
/// Groups are handed on when they have this many bytes together: to wake whoever takes them costs more than a group is
/// worth.
const BATCH_BYTES: usize = 256 * 1024;
/// How many batches of one extent may wait to be taken.
const WAITING: usize = 64;
/// How many bytes of one extent may wait to be taken: one whole extent of rows that are not very long, which has up to
/// twice as many bytes as it should. Its statement is then over, whatever limit it has, before anybody takes the rows.
const WAITING_BYTES: usize = 16 * 1024 * 1024;

/// A stretch of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Which of the tables.
    pub table: usize,
    /// Which stretch of it, counted from 0.
    pub number: u64,
    first: u64,
    /// The block after its last one; `None`: to the table's end.
    end: Option<u64>,
    is_whole_table: bool,
}

/// The extents of all tables, in order.
#[must_use]
pub fn extents(tables: &[Table], by_place: bool) -> Vec<Extent> {
    let mut extents = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let blocks = table.found.blocks.max(1);
        let per_block = (table.found.bytes / blocks).max(1);
        // A power of two, so that a table that grows a little is cut in the same places.
        let step = (EXTENT / per_block).max(1).next_power_of_two();
        let count = if by_place && !table.found.is_read_whole {
            blocks.div_ceil(step)
        } else {
            1
        };
        for number in 0..count {
            extents.push(Extent {
                table: index,
                number,
                first: number * step,
                end: (number + 1 < count).then_some((number + 1) * step),
                is_whole_table: count == 1,
            });
        }
    }
    extents
}

impl Extent {
    /// Whether it goes on to the end of its table, however far that is.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.end.is_none()
    }
}

/// What comes out of reading.
pub enum Piece {
    /// The next group of an extent.
    Rows(Group),
    /// The extent is over.
    End,
    /// Reading failed. Nothing comes after it.
    Failed(ContentError),
}

/// An extent that is being read.
pub struct Reading {
    /// Which one.
    pub extent: Extent,
    /// What was read of it.
    pub pieces: Pieces,
}

/// What was read of an extent, in order.
pub struct Pieces {
    receiver: Receiver<Batch>,
    budget: Arc<ByteBudget>,
    batch: Batch,
}

/// Pieces that are handed on together, and the bytes of the budget that they take.
#[derive(Default)]
struct Batch {
    pieces: VecDeque<Piece>,
    bytes: usize,
    permit: Option<Permit>,
}

impl Pieces {
    /// The next piece.
    ///
    /// # Errors
    /// Whoever reads has stopped without a word.
    pub fn recv(&mut self) -> Result<Piece, RecvError> {
        loop {
            if let Some(piece) = self.batch.pieces.pop_front() {
                return Ok(piece);
            }
            self.batch.permit = None;
            self.batch = self.receiver.recv()?;
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.budget.close();
    }
}

/// Where what is read of an extent goes.
struct Sender {
    channel: SyncSender<Batch>,
    budget: Arc<ByteBudget>,
    batch: Batch,
}

impl Sender {
    fn send(&mut self, piece: Piece) -> Result<(), Stop> {
        let is_last = match &piece {
            Piece::Rows(group) => {
                self.batch.bytes += group.bytes.len();
                false
            }
            Piece::End | Piece::Failed(_) => true,
        };
        self.batch.pieces.push_back(piece);
        if !is_last && self.batch.bytes < BATCH_BYTES {
            return Ok(());
        }
        let mut batch = std::mem::take(&mut self.batch);
        batch.permit = Some(self.budget.take(batch.bytes).ok_or(Stop::Unheard)?);
        self.channel.send(batch).map_err(|_| Stop::Unheard)
    }
}

/// Reads the extents in order. Ends its connections when it is dropped.
pub struct Reader {
    readings: Option<Receiver<Reading>>,
    stopped: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

/// What the reading threads share.
struct Shared {
    connector: Connector,
    schema: String,
    moment: Option<String>,
    tables: Arc<Vec<Table>>,
    extents: Vec<Extent>,
    digest: RowDigest,
    // Taken in order: whoever takes the next extent also announces it.
    next: Mutex<(usize, SyncSender<Reading>)>,
    stopped: Arc<AtomicBool>,
}

impl Reader {
    /// Begins to read. `moment` is shared by all connections; without one, each sees a stretch of a table as it is when it
    /// begins with that. Rows are added up by `digest`.
    ///
    /// # Errors
    /// A sentence when no thread can be started.
    pub fn start(
        connector: &Connector,
        schema: &str,
        moment: Option<String>,
        tables: Arc<Vec<Table>>,
        extents: Vec<Extent>,
        digest: RowDigest,
    ) -> Result<Self, ContentError> {
        let count = connector.at_a_time(extents.len())?;
        // One waits for each connection, and each has one that it reads: what is read while a repository is opened, which
        // takes 128 MiB meanwhile, and both together are to stay below 250.
        let (announce, readings) = sync_channel(count);
        let stopped = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Shared {
            connector: connector.clone(),
            schema: schema.to_owned(),
            moment,
            tables,
            extents,
            digest,
            next: Mutex::new((0, announce)),
            stopped: Arc::clone(&stopped),
        });
        let mut threads = Vec::new();
        for number in 0..count {
            let shared = Arc::clone(&shared);
            let thread = thread::Builder::new()
                .name(format!("rows-{number}"))
                .spawn(move || shared.read())
                .map_err(|error| connector.wrong("starting to read", error.to_string()))?;
            threads.push(thread);
        }
        Ok(Self {
            readings: Some(readings),
            stopped,
            threads,
        })
    }

    /// The next extent, or `None` when all were read or reading has failed.
    #[must_use]
    pub fn next(&self) -> Option<Reading> {
        self.readings.as_ref()?.recv().ok()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Whoever waits to announce an extent learns by this that nobody listens any more.
        self.readings = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has told so on standard error.
            let _ = thread.join();
        }
    }
}

/// Why a reading thread stops.
enum Stop {
    Failed(ContentError),
    /// What was being done, and what the server or the connection says to that.
    Server(String, postgres::Error),
    /// Nobody listens any more.
    Unheard,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(ContentError::Io {
            action: "reading",
            path: "rows".into(),
            source: error,
        })
    }
}

impl Shared {
    /// Takes the next extent and announces it.
    fn take(&self) -> Option<(Extent, Sender)> {
        let mut next = self.next.lock();
        let extent = *self.extents.get(next.0)?;
        next.0 += 1;
        let (channel, receiver) = sync_channel(WAITING);
        let budget = ByteBudget::new(WAITING_BYTES);
        let pieces = Pieces {
            receiver,
            budget: Arc::clone(&budget),
            batch: Batch::default(),
        };
        next.1.send(Reading { extent, pieces }).ok()?;
        let sender = Sender {
            channel,
            budget,
            batch: Batch::default(),
        };
        Some((extent, sender))
    }

    fn read(&self) {
        let Some((extent, mut send)) = self.take() else {
            return;
        };
        // Rows come by the hundred thousand: the connection is driven in the thread that takes them, and goes on where it
        // was, instead of being begun anew with each of them.
        match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(self.read_extents(extent, send)),
            Err(error) => {
                let error = self.connector.wrong("starting to read", error.to_string());
                // Unheard by nobody: whoever reads has gone.
                let _ = send.send(Piece::Failed(error));
            }
        }
    }

    async fn read_extents(&self, mut extent: Extent, mut send: Sender) {
        let (client, mut driving) = match self.begin().await {
            Ok(begun) => begun,
            Err(error) => {
                let _ = send.send(Piece::Failed(error));
                return;
            }
        };
        let failure = loop {
            match self.read_extent(&client, extent, &mut send).await {
                Ok(()) => {}
                Err(Stop::Unheard) => break None,
                Err(Stop::Failed(error)) => break Some(error),
                Err(Stop::Server(doing, error)) => {
                    let error = reason(error, &mut driving).await;
                    break Some(self.connector.failed(&doing)(error));
                }
            }
            if send.send(Piece::End).is_err() {
                break None;
            }
            match self.take() {
                Some(next) => (extent, send) = next,
                None => break None,
            }
        };
        if let Some(error) = failure {
            let _ = send.send(Piece::Failed(error));
        }
        // Whoever ends the reader may be about to drop or to switch these tables: their locks go first, and then the server
        // is told that this is the end. What goes wrong in that loses nothing.
        let _ = client.batch_execute("ROLLBACK").await;
        drop(client);
        if !driving.is_finished() {
            let _ = driving.await;
        }
    }

    /// Connects, and begins a transaction.
    async fn begin(&self) -> Result<(Client, JoinHandle<Result<(), postgres::Error>>), ContentError> {
        let (client, driving) = self.connector.connect_within().await?;
        let mut driving = tokio::spawn(driving);
        let begun = client.batch_execute(&moment::begin(self.moment.as_deref())).await;
        match begun {
            Ok(()) => Ok((client, driving)),
            Err(error) => {
                let error = reason(error, &mut driving).await;
                Err(self.connector.failed("reading")(error))
            }
        }
    }

    async fn read_extent(&self, client: &Client, extent: Extent, send: &mut Sender) -> Result<(), Stop> {
        let Some(table) = self.tables.get(extent.table) else {
            return Ok(());
        };
        let doing = format!("reading the table {}", table.name);
        let failed = |error| Stop::Server(doing.clone(), error);
        let rows = client.copy_out(&self.statement(table, extent)).await;
        let mut rows = pin!(rows.map_err(failed)?);
        let mut splitter = Splitter::default();
        let mut grouper = Grouper::new(self.digest);
        while let Some(bytes) = rows.next().await {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(Stop::Unheard);
            }
            let bytes = bytes.map_err(failed)?;
            splitter.push::<Stop>(&bytes, &mut |row| match grouper.add(row) {
                Some(group) => send.send(Piece::Rows(group)),
                None => Ok(()),
            })?;
        }
        if !splitter.is_whole() {
            return Err(Stop::Failed(
                self.connector
                    .wrong(&doing, "the server stopped in the middle of a row"),
            ));
        }
        match grouper.end() {
            Some(group) => send.send(Piece::Rows(group)),
            None => Ok(()),
        }
    }

    fn statement(&self, table: &Table, extent: Extent) -> String {
        let name = names::in_schema(&self.schema, &table.name);
        let columns = table.column_list();
        if extent.is_whole_table {
            return format!("COPY {name} ({columns}) TO STDOUT (FORMAT binary)");
        }
        let first = format!("ctid >= '({},0)'", extent.first);
        let end = extent
            .end
            .map(|end| format!(" AND ctid < '({end},0)'"))
            .unwrap_or_default();
        format!("COPY (SELECT {columns} FROM ONLY {name} WHERE {first}{end}) TO STDOUT (FORMAT binary)")
    }
}

/// Why something has failed: where there is no connection any more, whoever drove it knows.
async fn reason(
    error: postgres::Error,
    driving: &mut JoinHandle<Result<(), postgres::Error>>,
) -> postgres::Error {
    if error.is_closed()
        && let Ok(Err(why)) = driving.await
    {
        return why;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::postgres::tables::{Found, Holds};

    fn table(blocks: u64, bytes: u64) -> Table {
        Table {
            name: "t".into(),
            workspace: "website".into(),
            holds: Holds::Bundles,
            columns: Vec::new(),
            generated: Vec::new(),
            key: Vec::new(),
            constraints: Vec::new(),
            indexes: Vec::new(),
            sequences: Vec::new(),
            owner: "magnolia".into(),
            grants: Vec::new(),
            own_rights: None,
            special_grants: Vec::new(),
            dress: None,
            any_bytes: false,
            found: Found {
                blocks,
                bytes,
                ..Found::default()
            },
        }
    }

    #[test]
    fn extents_cover_a_table_without_gaps_and_the_last_one_is_open() {
        let cut = extents(&[table(0, 0), table(5_000, 5_000 * 8192)], true);
        assert_eq!(cut[0].table, 0);
        assert!(cut[0].is_whole_table);
        let second: Vec<_> = cut.iter().filter(|extent| extent.table == 1).collect();
        assert_eq!(second.len(), 5);
        for (before, after) in second.iter().zip(&second[1..]) {
            assert_eq!(before.end, Some(after.first));
        }
        assert_eq!(second[4].end, None);
        assert!(extents(&[table(5_000, 5_000 * 8192)], false)[0].is_whole_table);
        let mut old = table(5_000, 5_000 * 8192);
        old.found.is_read_whole = true;
        let cut = extents(&[old], true);
        assert!(cut.len() == 1 && cut[0].is_whole_table && cut[0].is_open());
    }
}
