//! Rows of a table of Jackrabbit's that are nodes: which columns are the id and the bundle.

use super::{At, NodeRead};
use crate::content::postgres::rows::field;
use crate::content::postgres::tables::Table;
use crate::jcr::bundle;
use crate::jcr::{Node, NodeId, bundle::BundleError};

/// Where in a row its parts are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    id: Id,
    bundle: usize,
}

/// How a table keeps ids.
#[derive(Debug, Clone, Copy)]
enum Id {
    /// In one column, as bytes.
    Whole(usize),
    /// In two, as numbers.
    Halves(usize, usize),
}

impl Columns {
    /// Those of a table of bundles; `None` for one that is made otherwise.
    pub(crate) fn of(table: &Table) -> Option<Self> {
        let halves = table.place_of("node_id_hi").zip(table.place_of("node_id_lo"));
        let id = match halves {
            Some((high, low)) => Id::Halves(high, low),
            None => Id::Whole(table.place_of("node_id")?),
        };
        Some(Self {
            id,
            bundle: table.place_of("bundle_data")?,
        })
    }

    /// The id and the bundle of a row, which begins where `row` does.
    pub(crate) fn parts<'r>(&self, row: &'r [u8]) -> Option<(NodeId, &'r [u8])> {
        let id = match self.id {
            Id::Whole(place) => field(row, place)?.try_into().ok()?,
            Id::Halves(high, low) => {
                let halves = [field(row, high)?, field(row, low)?].concat();
                halves.try_into().ok()?
            }
        };
        Some((id, field(row, self.bundle)?))
    }

    /// The node of a row.
    pub(crate) fn read(&self, row: &[u8], at: At) -> Option<NodeRead> {
        let (id, bundle) = self.parts(row)?;
        Some(NodeRead {
            id,
            own: Some(id),
            node: read(id, bundle),
            size: bundle.len() as u64,
            at,
        })
    }

    /// What is asked of a database for the bundle of an id, and whether ids are in two columns.
    pub(crate) fn question(&self, table: &Table, name: &str) -> Option<(String, bool)> {
        let quoted = |place: usize| {
            let column = table.columns.get(place)?;
            Some(crate::content::postgres::names::quoted(&column.name))
        };
        let bundle = quoted(self.bundle)?;
        Some(match self.id {
            Id::Whole(id) => (
                format!("SELECT {bundle} FROM ONLY {name} WHERE {} = $1", quoted(id)?),
                false,
            ),
            Id::Halves(high, low) => (
                format!(
                    "SELECT {bundle} FROM ONLY {name} WHERE {} = $1 AND {} = $2",
                    quoted(high)?,
                    quoted(low)?
                ),
                true,
            ),
        })
    }
}

/// Reads a bundle.
pub(crate) fn read(id: NodeId, bundle: &[u8]) -> Result<Node, BundleError> {
    bundle::read(id, bundle)
}
