//! A restore elsewhere into a schema that is new or empty: how that is claimed, and how it is given to whoever asked for it.
//!
//! While it is filled the schema carries a note, by which the next one knows what it is. The note goes when everything in it
//! has been read back.
//!
//! Not in here: what is loaded (`staging`), and whether the schema is somebody's content (`engine::restore::elsewhere`).

use postgres::GenericClient;

use crate::content::ContentError;
use crate::content::left::{EmptySchema, Note, NoteState};
use crate::content::postgres::connect::Connector;
use crate::content::postgres::names::{literal, quoted};
use crate::content::postgres::stage::Stage;
use crate::content::postgres::tables::Table;
use crate::content::postgres::{bare, note, replaced, switch};
use crate::content::restoring::About;
use crate::domain::environment::WorkspaceKind;
use crate::domain::plan::Selection;

/// Whether a table comes along when a selection is restored elsewhere: those of the chosen workspaces, and all that
/// workspaces share, without which there is no repository.
pub(in crate::content::postgres) fn is_taken(selection: &Selection, table: &Table) -> bool {
    WorkspaceKind::of(&table.workspace) == WorkspaceKind::Shared || selection.has_workspace(&table.workspace)
}

/// Why the schema of a connector cannot be filled, as sentences.
///
/// # Errors
/// [`ContentError::Database`] when it cannot be asked.
pub(in crate::content::postgres) fn why_not_free(
    connector: &Connector,
    client: &mut impl GenericClient,
) -> Result<Vec<String>, ContentError> {
    let failed = connector.failed("looking whether the schema is empty");
    let schema = &connector.settings().schema;
    let row = client
        .query_one(
            "SELECT current_user::text, current_database()::text, \
             has_database_privilege(current_database(), 'CREATE'), \
             (SELECT has_schema_privilege(oid, 'CREATE') AND pg_has_role(nspowner, 'USAGE') \
              FROM pg_namespace WHERE nspname = $1)",
            &[schema],
        )
        .map_err(&failed)?;
    let (user, database, may_create): (String, String, bool) = (row.get(0), row.get(1), row.get(2));
    let may_fill: Option<bool> = row.get(3);
    let mut why = Vec::new();
    if !may_create {
        why.push(format!(
            "{user} may not make a schema in {}: GRANT CREATE ON DATABASE {} TO {}",
            connector.place(),
            quoted(&database),
            quoted(&user)
        ));
    }
    if may_fill == Some(false) {
        why.push(format!(
            "the schema {schema} in {} belongs to somebody else than {user}: name one that is not there yet, and it is made",
            connector.place()
        ));
    }
    if let Some(note) = switch::note(client, schema).map_err(&failed)? {
        why.push(format!(
            "the schema {schema} in {} holds what job {} has begun to restore there{} and did not finish: DROP SCHEMA {} \
             CASCADE, or name another schema",
            connector.place(),
            note.job,
            note.backup.map(|backup| format!(" from backup {backup}")).unwrap_or_default(),
            quoted(schema)
        ));
        return Ok(why);
    }
    // Whatever is in a schema depends on it.
    let held: Option<String> = client
        .query_opt(
            "SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d \
             JOIN pg_namespace n ON n.oid = d.refobjid \
             WHERE d.refclassid = 'pg_namespace'::regclass AND n.nspname = $1 \
             AND d.classid <> 'pg_default_acl'::regclass ORDER BY 1 LIMIT 1",
            &[schema],
        )
        .map_err(&failed)?
        .map(|row| row.get(0));
    if let Some(held) = held {
        why.push(format!(
            "the schema {schema} in {} is not empty, it holds {held}, and nothing that is there is ever overwritten: name one \
             that is not there yet, and it is made",
            connector.place()
        ));
    }
    Ok(why)
}

/// What is done when a schema is claimed.
const DOING: &str = "taking the schema";

/// Takes the schema for a job: makes it, or notes in the empty one that stands there what becomes of it.
///
/// # Errors
/// [`ContentError::Database`]: also when it is not free any more.
pub(super) fn claim(stage: &Stage, note: &Note) -> Result<(), ContentError> {
    let (connector, schema) = (&stage.connector, &stage.fresh);
    let failed = connector.failed(DOING);
    let mut session = connector.connect()?;
    let mut transaction = session.begin().map_err(&failed)?;
    // Of two that come at the same time one waits here, and finds what the other has noted.
    transaction
        .execute(
            "SELECT pg_advisory_xact_lock(hashtext('lifeboat extract'), hashtext($1))",
            &[schema],
        )
        .map_err(&failed)?;
    if let Some(why) = why_not_free(connector, &mut transaction)?.into_iter().next() {
        return Err(connector.wrong(DOING, why));
    }
    let stands = transaction
        .query_opt(
            "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1",
            &[schema],
        )
        .map_err(&failed)?;
    let stood = stands.map(|row| EmptySchema { comment: row.get(0) });
    if stood.is_none() {
        let make = format!("CREATE SCHEMA {}", quoted(schema));
        transaction.batch_execute(&make).map_err(&failed)?;
        bare::strip_schema(&mut transaction, schema).map_err(&failed)?;
    }
    let note = Note {
        stood,
        ..note.clone()
    };
    let statement = note::statement(&note, connector, schema)?;
    transaction.batch_execute(&statement).map_err(&failed)?;
    transaction.commit().map_err(failed)
}

/// Gives the schema to whoever asked for it: it is whole, and says nothing of Lifeboat any more.
///
/// # Errors
/// [`ContentError::Database`].
pub(super) fn release(stage: &Stage) -> Result<(), ContentError> {
    let (connector, schema) = (&stage.connector, &stage.fresh);
    let failed = connector.failed("giving the schema away");
    let mut session = connector.connect()?;
    let mut transaction = session.begin().map_err(&failed)?;
    let note = switch::note(&mut transaction, schema).map_err(&failed)?;
    let stood = note.and_then(|note| note.stood);
    let statement = comment(schema, stood.and_then(|stood| stood.comment).as_deref());
    transaction.batch_execute(&statement).map_err(&failed)?;
    transaction.commit().map_err(failed)
}

/// Removes what a job has restored into a schema without finishing it. The schema itself goes if the job has made it. That
/// of another job, and one that is whole, stay.
///
/// # Errors
/// [`ContentError::Database`].
pub(in crate::content::postgres) fn drop_unsettled(
    connector: &Connector,
    about: &About<'_>,
) -> Result<(), ContentError> {
    let schema = &connector.settings().schema;
    let failed = connector.failed("removing what was restored there");
    let mut session = connector.connect()?;
    let mut transaction = session.begin().map_err(&failed)?;
    let note = switch::note(&mut transaction, schema).map_err(&failed)?;
    let is_ours = |note: &Note| {
        note.state == NoteState::Extract
            && (note.job, note.at) == (about.job.0, about.now)
            && note.environment == about.environment.to_string()
            && note.instance == about.instance.to_string()
    };
    let Some(note) = note.filter(is_ours) else {
        return Ok(());
    };
    let Some(stood) = note.stood else {
        drop(transaction);
        return replaced::drop_schema(connector, schema);
    };
    replaced::drop_content(&mut transaction, schema).map_err(&failed)?;
    let statement = comment(schema, stood.comment.as_deref());
    transaction.batch_execute(&statement).map_err(&failed)?;
    transaction.commit().map_err(failed)
}

/// The statement that gives a schema a comment, or none.
fn comment(schema: &str, text: Option<&str>) -> String {
    let text = text.map_or_else(|| "NULL".to_owned(), literal);
    format!("COMMENT ON SCHEMA {} IS {text}", quoted(schema))
}
