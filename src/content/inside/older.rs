//! What bundles of a Jackrabbit before 2.2 are read with, in a backup: the numbers of namespaces and of local names.
//!
//! Names are read when the first such bundle of a workspace turns up: in most there is none.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::tables::RowTrouble;
use crate::content::backed_up::BackedUpFiles;
use crate::content::postgres::rows::{Splitter, field};
use crate::content::postgres::tables::{Holds, Table};
use crate::content::postgres::walk::ROWS_NAME;
use crate::content::restoring::RestoreError;
use crate::domain::environment::HOME;
use crate::jcr::bundle::{self, BundleError, Numbers};
use crate::jcr::{Node, NodeId, registry};

/// Local names by their numbers.
type LocalNames = Arc<HashMap<u32, String>>;

/// See the module.
pub(super) struct Older {
    namespaces: BTreeMap<u32, String>,
    /// The tables of names.
    tables: Vec<Table>,
    /// What was read of them, by workspace.
    names: Mutex<HashMap<String, LocalNames>>,
}

impl Older {
    /// Those of a backup with these tables.
    pub(super) fn new(files: &dyn BackedUpFiles, tables: &[Table]) -> Result<Self, RestoreError> {
        let registered = files.read(&Path::new(HOME).join(registry::NUMBERS))?;
        let of_names = tables.iter().filter(|table| table.holds == Holds::Names);
        Ok(Self {
            namespaces: registered.map_or_else(BTreeMap::new, |file| registry::numbers(&file)),
            tables: of_names.cloned().collect(),
            names: Mutex::default(),
        })
    }

    /// Reads a bundle of an older form.
    pub(super) fn read(
        &self,
        files: &dyn BackedUpFiles,
        workspace: &str,
        id: NodeId,
        bytes: &[u8],
    ) -> Result<Node, BundleError> {
        let names = self.names_of(files, workspace);
        let numbers = Numbers {
            namespaces: &self.namespaces,
            names: &names,
        };
        bundle::read_older(id, bytes, numbers)
    }

    /// A table that cannot be read has no names, and then no such bundle of its workspace can be.
    fn names_of(&self, files: &dyn BackedUpFiles, workspace: &str) -> LocalNames {
        let mut known = self.names.lock();
        let names = known
            .entry(workspace.to_owned())
            .or_insert_with(|| Arc::new(self.read_names(files, workspace).unwrap_or_default()));
        Arc::clone(names)
    }

    fn read_names(
        &self,
        files: &dyn BackedUpFiles,
        workspace: &str,
    ) -> Result<HashMap<u32, String>, RestoreError> {
        let mut names = HashMap::new();
        for table in self.tables.iter().filter(|table| table.workspace == workspace) {
            let places = table.place_of("id").zip(table.place_of("name"));
            let Some((id, name)) = places else { continue };
            let rows = files.below(&table.folder().join(ROWS_NAME))?;
            let mut splitter = Splitter::within();
            files.pour_all(&rows, &mut |piece| {
                splitter.push::<RowTrouble>(piece, &mut |row| {
                    names.extend(number(field(row, id)).zip(text(field(row, name))));
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        Ok(names)
    }
}

/// The number in a column of a whole number, however wide that is.
fn number(field: Option<&[u8]>) -> Option<u32> {
    let field = field?;
    if field.len() > 8 {
        return None;
    }
    let number = field
        .iter()
        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    u32::try_from(number).ok()
}

fn text(field: Option<&[u8]>) -> Option<String> {
    String::from_utf8(field?.to_vec()).ok()
}
