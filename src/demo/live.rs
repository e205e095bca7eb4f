//! The instances of a Live environment as the demo works on them, whatever they keep their content in.

use std::fs;
use std::path::PathBuf;

use postgres::{Client, NoTls};

use super::DemoError;
use super::cluster::{Cluster, SUPERUSER};
use super::content::{self, Breakage, Database, DemoContentError, Edits, Place, Site};
use crate::domain::Instant;

/// One instance. With a database, the place is where its content lies as folders for those who work on it.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub place: Place,
    pub database: Option<Database>,
}

impl Instance {
    /// Fills it for the first time.
    pub(super) fn write(&self, site: &Site, until: Instant) -> Result<(), DemoError> {
        content::write(&self.place, site, until)?;
        if let Some(database) = &self.database {
            database.make(&self.place.root)?;
            database.import(&self.place.root)?;
        }
        Ok(())
    }

    /// Whether there is something in it that could be worked on.
    pub(super) fn has_content(&self) -> bool {
        self.database.is_some() || self.place.root.is_dir()
    }

    /// A text that is the same for two states exactly if they are.
    pub(super) fn fingerprint(&self) -> Result<String, DemoError> {
        Ok(match &self.database {
            Some(database) => database.fingerprint()?,
            None => content::fingerprint(&self.place.root)?,
        })
    }

    /// The same without the times of folders.
    pub(super) fn fingerprint_without_times_of_folders(&self) -> Result<String, DemoError> {
        Ok(match &self.database {
            Some(database) => database.fingerprint()?,
            None => content::fingerprint_without_times_of_folders(&self.place.root)?,
        })
    }
}

/// Lets editors work on a Live environment for a while.
pub(super) fn evolve(
    instances: &[Instance],
    site: &Site,
    step: u32,
    now: Instant,
) -> Result<Edits, DemoError> {
    work(instances, |places| content::evolve(places, site, step, now))
}

/// Breaks a Live environment.
pub(super) fn break_live(instances: &[Instance], site: &Site, now: Instant) -> Result<Breakage, DemoError> {
    work(instances, |places| content::break_live(places, site, now))
}

/// Works on the content of all instances as folders.
fn work<T>(
    instances: &[Instance],
    work: impl FnOnce(&[Place]) -> Result<T, DemoContentError>,
) -> Result<T, DemoError> {
    let places: Vec<Place> = instances.iter().map(|instance| instance.place.clone()).collect();
    let in_databases = || {
        instances
            .iter()
            .filter_map(|instance| Some((instance, instance.database.as_ref()?)))
    };
    for (instance, database) in in_databases() {
        database.export(&instance.place.root)?;
    }
    let done = work(&places)?;
    for (instance, database) in in_databases() {
        database.import(&instance.place.root)?;
    }
    Ok(done)
}

/// Does something while an instance's content cannot be reached.
pub(super) fn without<T>(
    instance: &Instance,
    cluster: Option<&Cluster>,
    work: impl FnOnce() -> T,
) -> Result<T, DemoError> {
    if let (Some(cluster), Some(name)) = (cluster, instance.database.as_ref().map(|database| &database.name))
    {
        let allow = |allowed: bool| -> Result<(), DemoError> {
            let told = |error: postgres::Error| DemoError::Cluster(error.to_string());
            Client::connect(&cluster.connect("postgres", SUPERUSER), NoTls)
                .map_err(told)?
                .batch_execute(&format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS {allowed}"))
                .map_err(told)
        };
        allow(false)?;
        let done = work();
        allow(true)?;
        return Ok(done);
    }
    let root = &instance.place.root;
    let away: PathBuf = root.with_extension("unmounted");
    let failed = |source| DemoError::Io {
        path: root.clone(),
        source,
    };
    fs::rename(root, &away).map_err(failed)?;
    let done = work();
    fs::rename(&away, root).map_err(failed)?;
    Ok(done)
}
