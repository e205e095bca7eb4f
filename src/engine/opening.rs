//! What opening an engine takes: its settings, what it needs from the world, its catalog, and where the configured paths
//! really are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::broadcast;

use super::EngineError;
use crate::catalog::{Catalog, Lease};
use crate::clock::Clock;
use crate::content::postgres::Connector;
use crate::domain::deed::Deeds;
use crate::domain::event::Event;
use crate::domain::notify::Receiver;
use crate::domain::settings::{CatalogSettings, EnvironmentSettings, RepositorySettings, Variables};
use crate::domain::waiting_line::EngineLimits;
use crate::random::Random;

/// What the engine is told at its start.
pub struct EngineSettings {
    /// Where jobs, activity, notifications and journals are kept, unless `catalog` says so.
    pub state: PathBuf,
    /// Where indexes of what is inside of backups are kept, which may be deleted at any time; below `state` without it.
    pub cache: Option<PathBuf>,
    /// The database where they are kept instead, for several Lifeboats on several machines.
    pub catalog: Option<CatalogSettings>,
    /// Where backups are kept. `None` when nothing is configured yet.
    pub repository: Option<RepositorySettings>,
    /// The environments.
    pub environments: Vec<EnvironmentSettings>,
    /// How much is done at the same time.
    pub limits: EngineLimits,
    /// Who is told of what happens.
    pub receivers: Vec<Receiver>,
}

/// What the engine needs from the world around it.
pub struct Surroundings {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where hooks and health checks run.
    pub runtime: tokio::runtime::Handle,
    /// Where events are sent.
    pub events: broadcast::Sender<Event>,
    /// Environment variables, for keys that are kept in one.
    pub variables: Variables,
    /// Random numbers, for ids that nobody can guess.
    pub random: Random,
}

/// Opens the catalog: in the state folder, or the one that several machines share.
pub(super) fn open_catalog(
    state: &Path,
    shared: Option<&CatalogSettings>,
    variables: &Variables,
    deeds: &Deeds,
) -> Result<Catalog, EngineError> {
    let Some(database) = shared else {
        return Catalog::open(state).map_err(|error| error.of_state(state).into());
    };
    let connector = Connector::new(&database.connection(), state.to_owned(), Arc::clone(variables));
    let node = database.node.as_deref().unwrap_or("a machine without a name");
    Ok(Catalog::share_telling(
        connector,
        node,
        Lease::default(),
        deeds.clone(),
    )?)
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
