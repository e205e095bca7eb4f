//! The tables in one SQLite file, for one machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, TransactionBehavior, params_from_iter};

use super::{Row, Session, Value};
use crate::catalog::error::{CatalogError, Fault};
use crate::catalog::schema;

/// How long a call waits for another Lifeboat's transaction before it gives up. All of them are short.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The file, open.
#[derive(Debug)]
pub(in crate::catalog) struct Sqlite {
    connection: Mutex<Connection>,
    path: PathBuf,
}

impl Sqlite {
    /// Opens the file, makes it if it is not there, and brings its tables to the newest form.
    pub(in crate::catalog) fn open(path: &Path) -> Result<Self, CatalogError> {
        let located = |fault: Fault| fault.at(path);
        let mut connection = Connection::open(path).map_err(|error| located(error.into()))?;
        prepare(&mut connection).map_err(located)?;
        Ok(Self {
            connection: Mutex::new(connection),
            path: path.to_owned(),
        })
    }

    pub(in crate::catalog) fn place(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn read<T>(
        &self,
        work: impl Fn(&mut Session<'_>) -> Result<T, Fault>,
    ) -> Result<T, CatalogError> {
        let connection = self.connection.lock();
        work(&mut Session::Sqlite(&connection)).map_err(|fault| fault.at(&self.path))
    }

    /// The transaction is IMMEDIATE: what `work` reads cannot be changed by another Lifeboat before it writes.
    pub(super) fn write<T>(
        &self,
        work: impl Fn(&mut Session<'_>) -> Result<T, Fault>,
    ) -> Result<T, CatalogError> {
        let mut connection = self.connection.lock();
        let run = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&mut Session::Sqlite(&transaction))?;
            transaction.commit()?;
            Ok(result)
        };
        run(&mut connection).map_err(|fault: Fault| fault.at(&self.path))
    }

    /// A number that differs from its earlier answer when another Lifeboat has written since. Reads nothing from the disk
    /// but the head of the log.
    pub(in crate::catalog) fn changes(&self) -> Result<u64, CatalogError> {
        let row = self.read(|session| session.row("PRAGMA data_version", &[]))?;
        row.map_or(Ok(0), |row| row.count(0))
            .map_err(|fault| fault.at(&self.path))
    }
}

/// Makes a fresh connection ready: settings, then the migrations that the file has not had.
fn prepare(connection: &mut Connection) -> Result<(), Fault> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // WAL: readers and the one writer do not wait for each other. NORMAL: a power cut may take the last moments, and
    // never leaves a damaged file.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    migrate(connection, schema::SQLITE)
}

/// Brings the file to the newest form, whole or not at all. SQLite's `user_version` says how many migrations it has had.
pub(in crate::catalog) fn migrate(
    connection: &mut Connection,
    migrations: &[schema::Migration],
) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let reached = schema::migrate(&mut Session::Sqlite(&transaction), migrations, found)?;
    if reached != found {
        transaction.pragma_update(None, "user_version", reached)?;
    }
    transaction.commit()?;
    Ok(())
}

pub(super) fn execute(connection: &Connection, sql: &str, values: &[Value]) -> Result<u64, Fault> {
    let changed = connection.prepare(sql)?.execute(params_from_iter(values))?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

pub(super) fn rows(connection: &Connection, sql: &str, values: &[Value]) -> Result<Vec<Row>, Fault> {
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let mut found = statement.query(params_from_iter(values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut read = Vec::with_capacity(columns);
        for column in 0..columns {
            read.push(match row.get_ref(column)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Number(number),
                ValueRef::Text(text) => Value::Text(
                    String::from_utf8(text.to_owned())
                        .map_err(|_| Fault::Unreadable("a text is not UTF-8".to_owned()))?,
                ),
                ValueRef::Blob(bytes) => Value::Bytes(bytes.to_owned()),
                ValueRef::Real(_) => {
                    return Err(Fault::Unreadable(format!("column {column} has a fraction")));
                }
            });
        }
        rows.push(Row(read));
    }
    Ok(rows)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
