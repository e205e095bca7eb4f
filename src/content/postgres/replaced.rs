//! The schemas that restores have left in a database: replaced tables that stay for a while as an undo that takes a
//! moment, and what an interrupted restore has left behind.

use postgres::GenericClient;
use postgres::error::SqlState;

use super::connect::Connector;
use super::holders;
use super::names::quoted;
use super::session::Session;
use super::switch;
use crate::content::ContentError;
use crate::content::left::{Left, Note};
use crate::domain::environment::{EnvironmentName, InstanceName};

/// What every schema of Lifeboat's begins with.
pub const PREFIX: &str = "lifeboat_";

/// How long dropping waits for each lock, and how long it may take in all.
const DROP_WAIT: &str = "5s";
const DROP_LIMIT: &str = "5min";

/// The schemas that restores of an instance have left, the newest first. Those without a note of Lifeboat's are somebody
/// else's.
///
/// # Errors
/// [`ContentError::Database`] when the database cannot be asked.
pub fn find(
    connector: &Connector,
    environment: &EnvironmentName,
    instance: &InstanceName,
) -> Result<Vec<Left>, ContentError> {
    let failed = connector.failed("looking for what restores have left");
    let mut session = connector.connect()?;
    let mut transaction = session.begin().map_err(&failed)?;
    let rows = transaction
        .query(
            "SELECT n.nspname::text, \
             ARRAY(SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r' \
                   ORDER BY c.relname::text COLLATE \"C\"), \
             coalesce((SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c \
                       WHERE c.relnamespace = n.oid AND c.relkind = 'r'), 0)::bigint \
             FROM pg_namespace n WHERE starts_with(n.nspname, $1)",
            &[&PREFIX],
        )
        .map_err(&failed)?;
    let mut left = Vec::new();
    for row in rows {
        let schema: String = row.get(0);
        let Some(note) = switch::note(&mut transaction, &schema).map_err(&failed)? else {
            continue;
        };
        let is_ours = note.lifeboat <= Note::FORM
            && note.environment == environment.to_string()
            && note.instance == instance.to_string();
        if is_ours {
            left.push(Left {
                takes_replaced: takes_replaced(&schema),
                place: schema,
                note,
                tables: row.get(1),
                bytes: u64::try_from(row.get::<_, i64>(2)).unwrap_or(0),
            });
        }
    }
    left.sort_by_key(|left| std::cmp::Reverse((left.note.at, left.note.job)));
    Ok(left)
}

/// Whether a schema is for the tables that a restore replaces.
fn takes_replaced(schema: &str) -> bool {
    schema
        .strip_prefix(PREFIX)
        .is_some_and(|rest| rest.starts_with("old_"))
}

/// Drops replaced tables and their schema, and nothing that somebody else has hung on them: a view that shows one, or a
/// foreign key that refers to it, keeps it. A schema that is gone is no error.
///
/// # Errors
/// [`ContentError::Database`] with what hangs on a table.
pub fn drop_replaced(connector: &Connector, schema: &str) -> Result<(), ContentError> {
    let mut session = connector.connect()?;
    let failed = connector.failed("dropping replaced tables");
    let mut transaction = session.begin().map_err(&failed)?;
    transaction
        .batch_execute(&format!(
            "SET LOCAL lock_timeout = '{DROP_WAIT}'; SET LOCAL statement_timeout = '{DROP_LIMIT}'"
        ))
        .map_err(&failed)?;
    if let Err(error) = drop_content(&mut transaction, schema) {
        let is_tied = error.code() == Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST);
        return Err(match failed(error) {
            ContentError::Database { place, doing, why } if is_tied => ContentError::Database {
                place,
                doing,
                why: format!(
                    "{why}. Nothing of somebody else's is dropped with them: make each of these anew with the table of that name \
                     in the schema {}, or drop it (`DROP VIEW …`, `DROP FUNCTION …`, `ALTER TABLE … DROP COLUMN …`), and try \
                     again",
                    connector.settings().schema
                ),
            },
            other => other,
        });
    }
    transaction
        .batch_execute(&format!("DROP SCHEMA IF EXISTS {} RESTRICT", quoted(schema)))
        .map_err(&failed)?;
    transaction.commit().map_err(failed)
}

/// Drops the tables and sequences of a schema, and nothing that somebody else has hung on them.
///
/// # Errors
/// What the server says.
pub(super) fn drop_content(
    transaction: &mut impl GenericClient,
    schema: &str,
) -> Result<(), postgres::Error> {
    let tables: Vec<String> = transaction
        .query(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'",
            &[&schema],
        )?
        .iter()
        .map(|row| row.get(0))
        .collect();
    if !tables.is_empty() {
        transaction.batch_execute(&format!("DROP TABLE {} RESTRICT", tables.join(", ")))?;
    }
    // Those that no column owned have come along with their tables.
    let sequences: Vec<String> = transaction
        .query(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'S'",
            &[&schema],
        )?
        .iter()
        .map(|row| row.get(0))
        .collect();
    if !sequences.is_empty() {
        transaction.batch_execute(&format!("DROP SEQUENCE {} RESTRICT", sequences.join(", ")))?;
    }
    Ok(())
}

/// Drops a schema that a restore or a drill has made and everything in it. One that is gone is no error. Whoever reads in
/// it is waited for, but not for long: a session that nobody ends would hold everything up.
///
/// # Errors
/// [`ContentError::Database`], also when it is in use: with who uses it.
pub fn drop_schema(connector: &Connector, schema: &str) -> Result<(), ContentError> {
    let mut session = connector.connect()?;
    let failed = connector.failed("removing a schema that a restore or a drill has left");
    let dropped = drop_within(&mut session, schema);
    let Err(error) = dropped else { return Ok(()) };
    let (ContentError::Database { place, doing, why } | ContentError::Locked { place, doing, why }) =
        failed(error)
    else {
        return Ok(());
    };
    let holders = session
        .begin()
        .and_then(|mut transaction| holders::holders_of_schema(&mut transaction, schema))
        .unwrap_or_default();
    Err(ContentError::Database {
        place,
        doing,
        why: format!("{why}{holders}"),
    })
}

fn drop_within(session: &mut Session, schema: &str) -> Result<(), postgres::Error> {
    let mut transaction = session.begin()?;
    // Looked for first: where nothing can be changed, nothing need be changed either.
    let is_there: bool = transaction
        .query_one(
            "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)",
            &[&schema],
        )?
        .get(0);
    if !is_there {
        return Ok(());
    }
    transaction.batch_execute(&format!(
        "SET LOCAL lock_timeout = '{DROP_WAIT}'; SET LOCAL statement_timeout = '{DROP_LIMIT}'; \
         DROP SCHEMA IF EXISTS {} CASCADE",
        quoted(schema)
    ))?;
    transaction.commit()
}
