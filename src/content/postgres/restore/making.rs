//! The part of a restore plan that is about how tables are made: whether that can be done here, what Live's are made of
//! otherwise, and what stands in the way of the exchange.

use super::plan::moved;
use super::staging::is_staged;
use crate::content::postgres::blueprint::Blueprints;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::rehearsal::{Tried, rehearse};
use crate::content::postgres::session::Session;
use crate::content::postgres::stage::Owner;
use crate::content::postgres::tables::Table;
use crate::content::postgres::{sequences, structure, taken, ties};
use crate::content::restoring::{Found, RestoreError};
use crate::domain::backup::InstanceCopy;
use crate::domain::plan::Selection;

/// Looks at the tables that a restore would stage, and at Live's. Without an owner nothing can be tried, and why has been
/// told.
pub(super) fn look(
    found: &mut Found,
    connector: &Connector,
    session: &mut Session,
    owner: Option<&Owner>,
    (copy, selection): (&InstanceCopy, &Selection),
    (staged, live): (&[Table], &[Table]),
) -> Result<(), RestoreError> {
    let failed = connector.failed("looking at the database");
    let schema = &connector.settings().schema;
    let moved = moved(live, selection);
    let mut made = Vec::new();
    // Each has a transaction of its own: one that cannot be done leaves the others as they are.
    if let Some(owner) = owner {
        let tried = Tried {
            tables: staged,
            live,
            schema,
            suspects: &structure::suspects(selection, staged, live),
            is_apart: false,
        };
        let mut transaction = session.begin().map_err(&failed)?;
        let drawn = try_to_make(found, connector, &mut transaction, owner, tried);
        drop(transaction);
        made = drawn.made;
        let mut transaction = session.begin().map_err(&failed)?;
        let ties = ties::find(connector, &mut transaction, owner, &moved)?;
        found.obstacles.extend(ties);
        let comes = structure::coming(selection, staged, live);
        let arriving = (drawn.arrivals.as_slice(), &comes);
        let taken = taken::find(connector, &mut transaction, owner, arriving, &moved)?;
        found.obstacles.extend(taken.obstacles);
        found.beforehand.extend(taken.leftovers);
    }
    // Tables of which only some nodes come back are made as Live's are.
    if live.is_empty() || selection.has_paths() {
        return Ok(());
    }
    look_at_structure(found, copy, selection, (staged, live), &made);
    if let Some(owner) = owner {
        let mut live = live.to_vec();
        live.retain(|table| moved.contains(&table.found.oid));
        let mut transaction = session.begin().map_err(&failed)?;
        owner.act(connector, &mut transaction)?;
        let behind = sequences::behind(&mut transaction, &live, schema).map_err(&failed)?;
        found.changes_more |= !behind.is_empty();
        found.beforehand.extend(behind);
    }
    Ok(())
}

/// Finds out what Live's tables are made of otherwise than those of the backup.
fn look_at_structure(
    found: &mut Found,
    copy: &InstanceCopy,
    selection: &Selection,
    (staged, live): (&[Table], &[Table]),
    made: &[Table],
) {
    let live: Vec<Table> = live
        .iter()
        .filter(|table| is_staged(selection, table))
        .cloned()
        .collect();
    let differences = structure::differences(&copy.name, selection, (staged, &live), made);
    found.changes_more |= !differences.is_none();
    found.beforehand.extend(differences.missing);
    found.warnings.extend(differences.changed);
}

/// Whether the tables can be made as they were. Gives how, without what is told.
fn try_to_make(
    found: &mut Found,
    connector: &Connector,
    client: &mut postgres::Transaction<'_>,
    owner: &Owner,
    tried: Tried<'_>,
) -> Blueprints {
    match rehearse(connector, client, owner, tried) {
        Ok(mut drawn) => {
            found.warnings.append(&mut drawn.left_out);
            found.obstacles.append(&mut drawn.obstacles);
            drawn
        }
        Err(error) => {
            found.obstacles.push(error.to_string());
            Blueprints::default()
        }
    }
}
