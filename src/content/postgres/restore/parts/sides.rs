//! Both sides of a workspace as trees: out of the rows of Live, of what is staged, and of a backup that nobody has staged.

use std::path::Path;

use crate::content::backed_up::BackedUpFiles;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::restore::each_row::{Seen, each_node, node};
use crate::content::postgres::rows::Splitter;
use crate::content::postgres::tables::Table;
use crate::content::restoring::RestoreError;
use crate::domain::environment::HOME;
use crate::jcr::bundle::BundleError;
use crate::jcr::namespaces::Namespaces;
use crate::jcr::registry;
use crate::jcr::tree::{Names, Tree};
use crate::jcr::{NodeId, ids};
use crate::watch::Watch;

/// The prefixes of the home in a backup; without one those that every repository has.
pub(in crate::content::postgres::restore) fn namespaces(
    files: &dyn BackedUpFiles,
) -> Result<Namespaces, RestoreError> {
    let registry = files.read(&Path::new(HOME).join(registry::PREFIXES))?;
    Ok(registry.map_or_else(Namespaces::default, |bytes| registry::namespaces(&bytes)))
}

/// On which side a node cannot be read.
#[derive(Clone, Copy)]
enum Side {
    Live,
    Backup,
}

fn unreadable(table: &Table, side: Side, id: &NodeId, why: &BundleError) -> RestoreError {
    let side = match side {
        Side::Live => "Live",
        Side::Backup => "the backup",
    };
    RestoreError::Unreadable(format!(
        "nodes of {} cannot come back alone, since the node {} in the table {} of {side} cannot be read: {why}. Restore the \
         workspace",
        table.workspace,
        ids::show(id),
        table.name
    ))
}

/// The nodes of a table in the database.
pub(super) fn of_table(
    connector: &Connector,
    schema: &str,
    table: &Table,
    seen: Seen<'_>,
    names: &mut Names,
) -> Result<Tree, RestoreError> {
    let side = match seen {
        Seen::Staged => Side::Backup,
        Seen::Live | Seen::AtOneMoment(_) => Side::Live,
    };
    let mut tree = Tree::default();
    each_node(
        connector,
        schema,
        vec![table.clone()],
        seen,
        &mut |table, id, bytes| {
            let added = tree.add(names, id, bytes);
            added.map_err(|why| unreadable(table, side, &id, &why))
        },
    )?;
    Ok(tree)
}

/// The nodes of a table in a backup.
pub(super) fn of_backup(
    files: &dyn BackedUpFiles,
    described: &[Table],
    table: &Table,
    names: &mut Names,
    watch: &dyn Watch,
) -> Result<Tree, RestoreError> {
    /// What stops a look at rows.
    struct Stopped(RestoreError);
    impl From<std::io::Error> for Stopped {
        fn from(error: std::io::Error) -> Self {
            Self(RestoreError::Failed(format!(
                "a row in the backup cannot be read: {error}"
            )))
        }
    }
    let table = described
        .iter()
        .find(|described| described.name == table.name)
        .unwrap_or(table);
    let mut tree = Tree::default();
    let mut splitter = Splitter::within();
    let groups = files.below(&table.folder().join("1.rows"))?;
    files.pour_all(&groups, &mut |piece| {
        if watch.is_cancelled() {
            return Err(RestoreError::Cancelled);
        }
        let pushed = splitter.push::<Stopped>(piece, &mut |row| match node(table, row) {
            Some((id, bytes)) => {
                let added = tree.add(names, id, bytes);
                added.map_err(|why| Stopped(unreadable(table, Side::Backup, &id, &why)))
            }
            None => Ok(()),
        });
        pushed.map_err(|stopped| stopped.0)
    })?;
    if !splitter.is_even() {
        return Err(RestoreError::Failed(format!(
            "the rows of the table {} in the backup end in the middle of one",
            table.name
        )));
    }
    Ok(tree)
}
