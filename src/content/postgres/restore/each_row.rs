//! Every row of some tables, in Live or staged beside it, one after the other.
//!
//! Without a moment each stretch is seen as it is when it is come to: who reads Live so has to make sure that it is at rest.

use std::sync::Arc;

use crate::content::postgres::connect::Connector;
use crate::content::postgres::read::{Piece, Reader, extents};
use crate::content::postgres::rows::{self, RowDigest, Splitter};
use crate::content::postgres::tables::{Found, Table};
use crate::content::restoring::RestoreError;
use crate::jcr::NodeId;

/// Told every row with its table.
pub(super) type EachRow<'a> = dyn FnMut(&Table, &[u8]) -> Result<(), RestoreError> + 'a;
/// Told every node with its table: its id and its bytes.
pub(super) type EachNode<'a> = dyn FnMut(&Table, NodeId, &[u8]) -> Result<(), RestoreError> + 'a;

/// Which tables are read, and how.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seen<'m> {
    /// Those of Live, each stretch as it is when it is come to.
    Live,
    /// Those of Live at a moment that is held.
    AtOneMoment(&'m str),
    /// What is staged.
    Staged,
}

/// Tells `each` every row of some tables.
///
/// # Errors
/// What `each` says; [`RestoreError`] when a table cannot be read.
pub(super) fn each_row(
    connector: &Connector,
    schema: &str,
    mut tables: Vec<Table>,
    seen: Seen<'_>,
    each: &mut EachRow<'_>,
) -> Result<(), RestoreError> {
    if tables.is_empty() {
        return Ok(());
    }
    let is_staged = matches!(seen, Seen::Staged);
    if is_staged {
        // What the description in the backup says of their size is not what they have here.
        for table in &mut tables {
            table.found = Found::default();
        }
    }
    let moment = match seen {
        Seen::AtOneMoment(moment) => Some(moment.to_owned()),
        Seen::Live | Seen::Staged => None,
    };
    let tables = Arc::new(tables);
    let cut = extents(&tables, !is_staged);
    let count = cut.len();
    let reader = Reader::start(
        connector,
        schema,
        moment,
        Arc::clone(&tables),
        cut,
        RowDigest::default(),
    )?;
    let mut read = 0;
    while let Some(mut reading) = reader.next() {
        let Some(table) = tables.get(reading.extent.table) else {
            continue;
        };
        loop {
            match reading.pieces.recv() {
                Ok(Piece::Rows(group)) => {
                    Splitter::within()
                        .push::<RowTrouble>(&group.bytes, &mut |row| each(table, row).map_err(RowTrouble))?;
                }
                Ok(Piece::End) => break,
                Ok(Piece::Failed(error)) => return Err(error.into()),
                Err(_) => return Err(stopped(connector)),
            }
        }
        read += 1;
    }
    if read < count {
        return Err(stopped(connector));
    }
    Ok(())
}

/// Tells `each` every node of some tables of bundles, or every target of some tables of references.
///
/// # Errors
/// As [`each_row`].
pub(super) fn each_node(
    connector: &Connector,
    schema: &str,
    tables: Vec<Table>,
    seen: Seen<'_>,
    each: &mut EachNode<'_>,
) -> Result<(), RestoreError> {
    each_row(
        connector,
        schema,
        tables,
        seen,
        &mut |table, row| match node(table, row) {
            Some((id, bytes)) => each(table, id, bytes),
            None => Ok(()),
        },
    )
}

/// The id and the bytes of a row of bundles or references. `None` where the table has other columns.
pub(super) fn node<'r>(table: &Table, row: &'r [u8]) -> Option<(NodeId, &'r [u8])> {
    let of = |name: &str| rows::field(row, table.place_of(name)?);
    let data = of("bundle_data").or_else(|| of("refs_data"))?;
    let id: NodeId = [of("node_id_hi")?, of("node_id_lo")?].concat().try_into().ok()?;
    Some((id, data))
}

fn stopped(connector: &Connector) -> RestoreError {
    connector
        .wrong("reading", "whoever read the tables has stopped")
        .into()
}

/// Why a row cannot be read.
struct RowTrouble(RestoreError);

impl From<std::io::Error> for RowTrouble {
    fn from(error: std::io::Error) -> Self {
        Self(RestoreError::Failed(format!("a row cannot be read: {error}")))
    }
}

impl From<RowTrouble> for RestoreError {
    fn from(trouble: RowTrouble) -> Self {
        trouble.0
    }
}
