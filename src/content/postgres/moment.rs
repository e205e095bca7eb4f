//! Holds a database still: one transaction whose view of the data every reader shares, however long reading takes.
//!
//! The tables are locked against being dropped or rebuilt, as `pg_dump` does it; reading and writing them goes on.

use std::sync::Arc;
use std::thread::JoinHandle;

use postgres::Client;

use super::connect::Connector;
use super::holders;
use super::layout::Layout;
use super::names;
use super::read::{Reader, extents};
use super::rows::RowDigest;
use super::session::{Between, LOCAL};
use super::tables::Table;
use super::written;
use crate::content::ContentError;

/// A moment of a database, held until this is dropped.
pub struct Moment {
    /// Goes before the connection that holds what it reads.
    ahead: Option<Reading>,
    client: Client,
    /// Leads to the server that has it, and to no other.
    pub connector: Connector,
    /// What other connections call it.
    pub id: String,
    /// The tables at that moment.
    pub layout: Layout,
    ddl: Ddl,
}

/// Tables that are being read.
pub(super) struct Reading {
    pub(super) tables: Arc<Vec<Table>>,
    pub(super) reader: Reader,
}

/// The schema as SQL.
enum Ddl {
    /// Nobody has asked for it.
    Left,
    /// It is there.
    Written(Vec<u8>),
    /// `pg_dump` is writing it down.
    Coming(JoinHandle<Result<Vec<u8>, ContentError>>),
    /// It was handed on.
    Taken,
}

impl std::fmt::Debug for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Moment")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A reader may wait for whoever takes what it has read. It does not wait for a lock behind somebody who waits for another
/// of its connections: the server would see no circle in that.
///
/// Rows that a policy hides are an error, not a silence. And where texts are bytes of any kind, they come as they are.
const PATIENCE: &str = "SET LOCAL lock_timeout = '10s'; \
     SELECT set_config('client_encoding', 'SQL_ASCII', true) WHERE current_setting('server_encoding') = 'SQL_ASCII'";

impl Moment {
    /// Takes hold of the database as it is now. `with_ddl`: the schema is written down as well, while other things go on.
    ///
    /// # Errors
    /// [`ContentError::Database`]: out of reach, a right is missing, or there is nothing of Jackrabbit's.
    pub fn take(connector: &Connector, with_ddl: bool) -> Result<Self, ContentError> {
        let (session, connector) = connector.connect_to_one()?;
        Self::hold(session.into_client(), &connector, with_ddl).map_err(|error| named(&connector, error))
    }

    fn hold(mut client: Client, connector: &Connector, with_ddl: bool) -> Result<Self, ContentError> {
        let failed = connector.failed("holding the database still");
        // Held by hand: a transaction that borrows the client could not be kept beside it.
        client
            .batch_execute(&format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {LOCAL}; {PATIENCE}"
            ))
            .map_err(&failed)?;
        let id: String = client
            .query_one("SELECT pg_export_snapshot()", &[])
            .map_err(&failed)?
            .get(0);
        let schema = &connector.settings().schema;
        let layout = Layout::read(connector, &mut client)?;
        // What a workspace lacks, a restore brings back: only a backup cannot do without it.
        let lacking = layout.lacking.iter().filter(|_| with_ddl);
        let missing: Vec<_> = layout
            .unreadable
            .iter()
            .chain(lacking)
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            return Err(connector.wrong("looking at the tables", missing.join("; ")));
        }
        if layout.tables.is_empty() {
            return Err(connector.wrong(
                "looking at the tables",
                format!(
                    "the schema {schema} has no table of Jackrabbit's that begins with {} or {}: look at schema, \
                     workspace_prefix and version_prefix",
                    connector.settings().workspace_prefix,
                    connector.settings().version_prefix
                ),
            ));
        }
        let list: Vec<_> = layout
            .tables
            .iter()
            .map(|table| format!("ONLY {}", names::in_schema(schema, &table.name)))
            .collect();
        client
            .batch_execute(&format!("LOCK TABLE {} IN ACCESS SHARE MODE", list.join(", ")))
            .map_err(&failed)?;
        let ddl = if with_ddl {
            let counters = super::schema::counters(connector, &mut client, &layout)?;
            if connector.between() == Some(Between::Pooler) {
                Ddl::Written(written::write(connector, &mut client, &layout, &counters)?)
            } else {
                let (connector, id, layout) = (connector.clone(), id.clone(), layout.clone());
                Ddl::Coming(std::thread::spawn(move || {
                    super::schema::dump(&connector, &id, &layout, &counters)
                }))
            }
        } else {
            Ddl::Left
        };
        Ok(Self {
            ahead: None,
            client,
            connector: connector.clone(),
            id,
            layout,
            ddl,
        })
    }

    /// Begins to read the tables, unless that has begun: whoever asks for them finds the first already there.
    ///
    /// # Errors
    /// [`ContentError::Database`] when reading cannot begin.
    pub(super) fn read_ahead(&mut self) -> Result<(), ContentError> {
        if self.ahead.is_none() {
            self.ahead = Some(self.begin_reading()?);
        }
        Ok(())
    }

    /// The tables, as they are read.
    ///
    /// # Errors
    /// [`ContentError::Database`] when reading cannot begin.
    pub(super) fn reading(&mut self) -> Result<Reading, ContentError> {
        match self.ahead.take() {
            Some(reading) => Ok(reading),
            None => self.begin_reading(),
        }
    }

    fn begin_reading(&self) -> Result<Reading, ContentError> {
        let tables = Arc::new(self.layout.tables.clone());
        let reader = Reader::start(
            &self.connector,
            &self.connector.settings().schema,
            Some(self.id.clone()),
            Arc::clone(&tables),
            extents(&tables, true),
            RowDigest::default(),
        )?;
        Ok(Reading { tables, reader })
    }

    /// The schema, written down as SQL. Waits until it is, and can be asked for once.
    ///
    /// # Errors
    /// [`ContentError::Database`] when it was not to be written down, or `pg_dump` is missing, too old for the server, or
    /// fails.
    pub fn ddl(&mut self) -> Result<Vec<u8>, ContentError> {
        match std::mem::replace(&mut self.ddl, Ddl::Taken) {
            Ddl::Coming(dumping) => dumping.join().unwrap_or_else(|_| {
                Err(self.connector.wrong(
                    "writing down the schema",
                    "whoever did it has stopped; its message is on standard error",
                ))
            }),
            Ddl::Written(text) => Ok(text),
            Ddl::Left => Err(self
                .connector
                .wrong("writing down the schema", "nobody was to do it")),
            Ddl::Taken => Err(self
                .connector
                .wrong("writing down the schema", "it was asked for twice")),
        }
    }

    /// Whether the connection that holds it is still there.
    pub fn check(&mut self) -> Result<(), ContentError> {
        self.client
            .simple_query("SELECT 1")
            .map(drop)
            .map_err(self.connector.failed("holding the database still"))
    }
}

impl Drop for Moment {
    /// What reads it ends first. The transaction is taken back and not only left: a pooler would throw the server's session
    /// away.
    fn drop(&mut self) {
        self.ahead = None;
        // Where there is no connection any more, nothing is held.
        let _ = self.client.batch_execute("ROLLBACK");
    }
}

/// The error with who has locked what was to be looked at. The connection that waited for it is of no use any more.
fn named(connector: &Connector, error: ContentError) -> ContentError {
    let ContentError::Locked { place, doing, why } = error else {
        return error;
    };
    let who = connector.connect().ok().and_then(|mut session| {
        let mut transaction = session.begin().ok()?;
        holders::locked_by(&mut transaction, &connector.settings().schema).ok()?
    });
    let why = who.map_or(why.clone(), |who| format!("{why}; {who}"));
    ContentError::Locked { place, doing, why }
}

/// Begins a transaction on another connection: one that sees the same moment, or, without one, with each statement
/// whatever is there then.
pub(super) fn begin(moment: Option<&str>) -> String {
    match moment {
        Some(moment) => format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}; SET LOCAL synchronize_seqscans \
             = off; {LOCAL}; {PATIENCE}",
            names::literal(moment)
        ),
        None => format!("BEGIN ISOLATION LEVEL READ COMMITTED; {LOCAL}; {PATIENCE}"),
    }
}
