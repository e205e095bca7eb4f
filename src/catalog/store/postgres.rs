//! The tables in a PostgreSQL database, for several Lifeboats on several machines.
//!
//! A few connections are kept and given to whoever calls. One that turns out to be lost is replaced, and what was asked
//! on it is asked once more, unless its end may have been written. All limits of time are the server's, so that a machine
//! that is stopped in the middle of something does not hold up the others.

use std::collections::HashMap;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant as Monotonic};

use bytes::BytesMut;
use parking_lot::{Condvar, Mutex};
use postgres::types::{FromSql, IsNull, ToSql, Type};
use postgres::{Client, Statement};

use super::{Row, Session, Value};
use crate::catalog::error::{CatalogError, Fault};
use crate::catalog::schema;
use crate::content::postgres::Connector;

/// Connections at the same time. Whoever needs one more waits.
const CONNECTIONS: usize = 6;

/// A server that took this long to say nothing is not waited for by everybody in turn,
const SILENCE: Duration = Duration::from_secs(1);
/// but called out of reach for so long without asking it again.
const SILENT_FOR: Duration = Duration::from_secs(3);

/// How often something is tried that another session was in the way of.
const ATTEMPTS: u32 = 5;

/// What every connection begins with. A transaction that its Lifeboat does not go on with is ended by the server.
const SETTINGS: &str = "SET search_path = lifeboat; SET statement_timeout = '30s'; SET lock_timeout = '15s'; \
                        SET idle_in_transaction_session_timeout = '10s'; SET client_min_messages = warning";

/// The oldest server that knows what the catalog asks: the numbers of transactions as a type of their own (`xid8`).
const OLDEST: u32 = 13;

/// The first part of the version of a server that is too old, of its version number: 12 of 120022.
fn too_old(number: i32) -> Option<u32> {
    let major = u32::try_from(number).unwrap_or(0) / 10_000;
    (major < OLDEST).then_some(major)
}

/// The advisory lock that migrations are made under: "lifeboat" in eight bytes.
const MIGRATION_LOCK: i64 = 0x6c69_6665_626f_6174;

/// The database.
pub(in crate::catalog) struct Postgres {
    connector: Connector,
    place: String,
    writer: u64,
    links: Mutex<Links>,
    freed: Condvar,
}

/// The connections.
#[derive(Default)]
struct Links {
    idle: Vec<Link>,
    open: usize,
    /// When a server last said nothing, and what is told of it.
    silent: Option<(Monotonic, String)>,
}

/// One connection, with the statements that the server has made ready for it.
pub(in crate::catalog) struct Link {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Postgres {
    /// For the database that `connector` reaches, whose tables are ready. What is written is marked with `writer`, so that
    /// other Lifeboats can tell it from their own. Connects when it is first asked.
    pub(in crate::catalog) fn new(connector: Connector, writer: u64) -> Self {
        Self {
            place: connector.place(),
            connector,
            writer,
            links: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    pub(in crate::catalog) fn place(&self) -> String {
        self.place.clone()
    }

    pub(super) fn read<T: Send>(
        &self,
        work: impl Fn(&mut Session<'_>) -> Result<T, Fault> + Sync,
    ) -> Result<T, CatalogError> {
        self.attempt(|link| work(&mut Session::Postgres(link)).map_err(Stopped::InTheMiddle))
    }

    pub(super) fn write<T: Send>(
        &self,
        work: impl Fn(&mut Session<'_>) -> Result<T, Fault> + Sync,
    ) -> Result<T, CatalogError> {
        self.attempt(|link| {
            let begun = |link: &mut Link| {
                link.client.batch_execute("BEGIN")?;
                work(&mut Session::Postgres(link))
            };
            match begun(link) {
                Ok(result) => {
                    let ended = link.client.batch_execute("COMMIT");
                    ended.map_err(|error| Stopped::AtTheEnd(error.into()))?;
                    Ok(result)
                }
                Err(fault) => {
                    // A connection on which this fails as well is not used again.
                    let _ = link.client.batch_execute("ROLLBACK");
                    Err(Stopped::InTheMiddle(fault))
                }
            }
        })
    }

    /// Does something on a connection. Waiting for an answer is not allowed on a thread that drives a runtime, where hooks
    /// tell what they print; there it is done on a thread of its own.
    fn attempt<T: Send>(
        &self,
        work: impl Fn(&mut Link) -> Result<T, Stopped> + Sync,
    ) -> Result<T, CatalogError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return self.attempt_here(work);
        }
        let lost = || CatalogError::OutOfReach {
            why: "no thread could be started to ask it: look whether this machine has room for more"
                .to_owned(),
        };
        thread::scope(|scope| {
            thread::Builder::new()
                .spawn_scoped(scope, || self.attempt_here(&work))
                .map_err(|_| lost())?
                .join()
                .unwrap_or_else(|_| Err(lost()))
        })
    }

    /// Does something on a connection, and once more where it was stopped by something that passes.
    fn attempt_here<T>(&self, work: impl Fn(&mut Link) -> Result<T, Stopped>) -> Result<T, CatalogError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let mut link = self.take()?;
            let stopped = match work(&mut link) {
                Ok(result) => {
                    self.give_back(Some(link));
                    return Ok(result);
                }
                Err(stopped) => stopped,
            };
            let is_lost = link.client.is_closed() || stopped.fault().is_lost_connection();
            self.give_back((!is_lost).then_some(link));
            if is_lost {
                // The others were lost with it, most likely.
                self.drop_idle();
            }
            let passes = is_lost || stopped.fault().is_in_the_way();
            match stopped {
                Stopped::InTheMiddle(_) if passes && attempt < ATTEMPTS => {}
                stopped => return Err(stopped.into_fault().on(&self.place)),
            }
        }
    }

    /// A connection for one call.
    fn take(&self) -> Result<Link, CatalogError> {
        let mut links = self.links.lock();
        loop {
            if let Some(link) = links.idle.pop() {
                return Ok(link);
            }
            if let Some((since, why)) = &links.silent
                && since.elapsed() < SILENT_FOR
            {
                return Err(CatalogError::OutOfReach { why: why.clone() });
            }
            if links.open < CONNECTIONS {
                break;
            }
            self.freed.wait(&mut links);
        }
        links.open += 1;
        drop(links);
        let asked = Monotonic::now();
        Link::open(&self.connector, self.writer).inspect_err(|error| {
            if let CatalogError::OutOfReach { why } = error
                && asked.elapsed() >= SILENCE
            {
                let mut links = self.links.lock();
                links.silent = Some((Monotonic::now(), why.clone()));
            }
            self.give_back(None);
        })
    }

    /// Ends a call's use of its connection; `None` when that is not to be used again.
    fn give_back(&self, link: Option<Link>) {
        let mut links = self.links.lock();
        match link {
            Some(link) => links.idle.push(link),
            None => links.open = links.open.saturating_sub(1),
        }
        self.freed.notify_one();
    }

    fn drop_idle(&self) {
        let idle = {
            let mut links = self.links.lock();
            let idle = std::mem::take(&mut links.idle);
            links.open = links.open.saturating_sub(idle.len());
            idle
        };
        drop(idle);
        self.freed.notify_all();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let idle = std::mem::take(&mut self.links.get_mut().idle);
        // A connection waits for its server when it ends, which is not allowed on the threads of a runtime.
        if let Ok(ending) = thread::Builder::new().spawn(move || drop(idle)) {
            let _ = ending.join();
        }
    }
}

/// What stopped a piece of work, and whether it may have been done all the same.
enum Stopped {
    InTheMiddle(Fault),
    AtTheEnd(Fault),
}

impl Stopped {
    fn fault(&self) -> &Fault {
        match self {
            Self::InTheMiddle(fault) | Self::AtTheEnd(fault) => fault,
        }
    }

    fn into_fault(self) -> Fault {
        match self {
            Self::InTheMiddle(fault) | Self::AtTheEnd(fault) => fault,
        }
    }
}

impl Link {
    /// Connects. `writer` is what is written is marked with.
    pub(in crate::catalog) fn open(connector: &Connector, writer: u64) -> Result<Self, CatalogError> {
        let mut client = connector
            .connect_lasting()
            .map_err(|error| CatalogError::OutOfReach {
                why: error.to_string(),
            })?;
        let settings = format!("{SETTINGS}; SET lifeboat.writer = '{writer}'");
        let failed = |error| Fault::from(error).on(&connector.place());
        client.batch_execute(&settings).map_err(failed)?;
        let told = client
            .query_one("SELECT current_setting('server_version_num')::integer", &[])
            .map_err(failed)?;
        if let Some(found) = too_old(told.get(0)) {
            return Err(CatalogError::DatabaseOld {
                place: connector.place(),
                found,
                oldest: OLDEST,
            });
        }
        Ok(Self {
            client,
            statements: HashMap::new(),
        })
    }

    /// Whether the server has gone.
    pub(in crate::catalog) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Makes the tables or brings them to the newest form, whole or not at all, one Lifeboat at a time.
    pub(in crate::catalog) fn migrate(&mut self) -> Result<(), Fault> {
        self.client.batch_execute("BEGIN")?;
        let migrated = self.migrate_in_transaction();
        let end = if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" };
        self.client.batch_execute(end)?;
        migrated
    }

    fn migrate_in_transaction(&mut self) -> Result<(), Fault> {
        self.client
            .execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK])?;
        // Whoever is in a database that is ready needs no right to make anything in it.
        let stands = self
            .client
            .query_opt(
                "SELECT 1 FROM pg_tables WHERE schemaname = 'lifeboat' AND tablename = 'form'",
                &[],
            )?
            .is_some();
        if !stands {
            self.client.batch_execute(
                "CREATE SCHEMA IF NOT EXISTS lifeboat;
                 CREATE TABLE lifeboat.form (version BIGINT NOT NULL);
                 INSERT INTO lifeboat.form VALUES (0)",
            )?;
        }
        let found: i64 = self
            .client
            .query_one("SELECT version FROM form", &[])?
            .try_get(0)?;
        let reached = schema::migrate(&mut Session::Postgres(self), schema::POSTGRES, found)?;
        if reached != found {
            self.client.execute("UPDATE form SET version = $1", &[&reached])?;
        }
        Ok(())
    }

    fn statement(&mut self, sql: &str) -> Result<Statement, Fault> {
        if let Some(ready) = self.statements.get(sql) {
            return Ok(ready.clone());
        }
        let statement = self.client.prepare(&sql.replace('?', "$"))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(super) fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Fault> {
        let statement = self.statement(sql)?;
        Ok(self.client.execute(&statement, &arguments(values))?)
    }

    pub(super) fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Fault> {
        let statement = self.statement(sql)?;
        let found = self.client.query(&statement, &arguments(values))?;
        found
            .iter()
            .map(|row| {
                let columns = (0..row.len()).map(|column| Ok(row.try_get::<_, Column>(column)?.0));
                Ok(Row(columns.collect::<Result<_, Fault>>()?))
            })
            .collect()
    }

    pub(super) fn run(&mut self, sql: &str) -> Result<(), Fault> {
        Ok(self.client.batch_execute(sql)?)
    }
}

fn arguments(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

type Wrong = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Wrong> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Number(number) if *kind == Type::INT4 => i32::try_from(*number)?.to_sql(kind, out),
            Self::Number(number) => number.to_sql(kind, out),
            // PostgreSQL has no place for a zero byte in a text.
            Self::Text(text) if text.contains('\0') => text.replace('\0', "\u{FFFD}").to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(
            *kind,
            Type::INT4 | Type::INT8 | Type::TEXT | Type::VARCHAR | Type::BYTEA
        )
    }

    postgres::types::to_sql_checked!();
}

/// A column as it comes.
struct Column(Value);

impl<'a> FromSql<'a> for Column {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        Ok(Self(match *kind {
            Type::INT4 => Value::Number(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Value::Number(i64::from_sql(kind, raw)?),
            Type::BOOL => Value::Number(bool::from_sql(kind, raw)?.into()),
            Type::BYTEA => Value::Bytes(raw.to_owned()),
            _ => Value::Text(String::from_sql(kind, raw)?),
        }))
    }

    fn from_sql_null(_kind: &Type) -> Result<Self, Wrong> {
        Ok(Self(Value::Null))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(
            *kind,
            Type::INT4 | Type::INT8 | Type::BOOL | Type::TEXT | Type::VARCHAR | Type::BYTEA
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_do_not_know_the_types_of_the_catalog_are_too_old() {
        assert_eq!(too_old(120_022), Some(12));
        assert_eq!(too_old(110_022), Some(11));
        assert_eq!(too_old(130_000), None);
        assert_eq!(too_old(180_001), None);
        let told = CatalogError::DatabaseOld {
            place: "db".to_owned(),
            found: 12,
            oldest: OLDEST,
        };
        assert!(
            told.to_string()
                .contains("needs PostgreSQL 13 or newer, and its server is 12")
        );
    }
}
