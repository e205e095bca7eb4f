//! What opening an engine takes: its catalog, and where the configured paths really are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::EngineError;
use crate::catalog::{Catalog, Lease};
use crate::content::postgres::Connector;
use crate::domain::settings::{CatalogSettings, Variables};

/// Opens the catalog: in the state folder, or the one that several machines share.
pub(super) fn open_catalog(
    state: &Path,
    shared: Option<&CatalogSettings>,
    variables: &Variables,
) -> Result<Catalog, EngineError> {
    let Some(database) = shared else {
        return Catalog::open(state).map_err(|error| error.of_state(state).into());
    };
    let connector = Connector::new(&database.connection(), state.to_owned(), Arc::clone(variables));
    let node = database.node.as_deref().unwrap_or("a machine without a name");
    Ok(Catalog::share(connector, node, Lease::default())?)
}

/// Where a path really is, as far as it is there: links in it are followed.
pub(super) fn real(path: &Path) -> PathBuf {
    path.ancestors()
        .find_map(|above| {
            let there = std::fs::canonicalize(above).ok()?;
            let below = path.strip_prefix(above).ok()?;
            Some(if below.as_os_str().is_empty() {
                there
            } else {
                there.join(below)
            })
        })
        .unwrap_or_else(|| path.to_owned())
}
