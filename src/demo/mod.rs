//! `lifeboat demo`: a sandbox with real content, real repositories, a real engine and a past.
//!
//! Not in here: anything that the real thing does otherwise. The demo makes content and time; every backup and restore
//! is the engine's.

mod abandoned;
pub mod cluster;
pub mod content;
#[cfg(test)]
pub(crate) mod databases;
mod live;
mod making;
mod past;
mod sandbox;
mod story;
mod window;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant as Monotonic;

use chrono::Utc;
use tokio::sync::broadcast;

use crate::backend::BackendError;
use crate::backend::embedded::{Embedded, EmbeddedOptions};
use crate::clock::{Clock, SystemClock};
use crate::domain::environment::{EnvironmentName, NameError};
use crate::domain::os_error::in_words;
use crate::domain::stop::StopReason;
use crate::engine::{EngineError, Surroundings};
use abandoned::InUse;
use cluster::Cluster;
use content::DemoContentError;

pub use making::Making;
pub use sandbox::{Sandbox, Whereabouts};
pub use story::Report;

/// Why the demo stopped.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder is not the demo's to use.
    #[error("{} holds other files: give --at a folder that is empty or does not exist yet, or an earlier demo's", .0.display())]
    NotEmpty(PathBuf),
    /// The sandbox keeps its content in another way than was asked for.
    #[error("the demo in {} keeps its content in folders: leave out --postgres, or give --at another folder", .0.display())]
    InFolders(PathBuf),
    /// The operating system said no.
    #[error("the demo's sandbox could not be made, {}: {}", path.display(), in_words(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The story could not be printed.
    #[error("the demo's story could not be printed: {}", in_words(.0))]
    Output(io::Error),
    /// Somebody asked for it.
    #[error("the demo was interrupted")]
    Interrupted,
    /// A job did not end as it has to.
    #[error("the demo stops here: {0}")]
    Past(String),
    /// The throw-away database could not be made or started.
    #[error("the demo's PostgreSQL could not be started: {0}")]
    Cluster(String),
    /// Content could not be written or read.
    #[error(transparent)]
    Content(#[from] DemoContentError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A name in the demo is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Something that cannot be missing is.
    #[error("the demo is at fault: something is missing that it has made itself")]
    Text,
}

/// A demo that is ready: its sandbox and an open backend on it.
pub struct Demo {
    backend: Arc<Embedded>,
    millis: u64,
    // Dropped after the backend.
    end: AtTheEnd,
}

/// Settings of the databases' server: enough for three small databases.
const CLUSTER: [&str; 3] = [
    "max_connections = 60",
    "shared_buffers = 64MB",
    "max_wal_size = 256MB",
];

/// How often the removal of a sandbox is tried.
const TRIES: u32 = 50;

/// What happens when this is dropped, whatever ends the demo: the server stops, even where somebody still holds the
/// sandbox, and a sandbox that is not to be kept goes.
struct AtTheEnd {
    sandbox: Sandbox,
    is_kept: bool,
    // Dropped last: until then no other demo takes the sandbox for an abandoned one.
    _in_use: Option<InUse>,
}

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        // A server that has stopped is what this is for, and a sandbox that cannot be removed is left in the system's
        // folder for temporary files.
        if let Some(cluster) = self.sandbox.cluster() {
            let _ = cluster.stop();
        }
        if !self.is_kept {
            // Whoever still reads a backup for somebody who has left may write a file between the listing and the removal.
            let emptied = |_: &u32| {
                let removed = std::fs::remove_dir_all(self.sandbox.root());
                !matches!(removed, Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty)
            };
            let _ = (0..TRIES).find(emptied);
        }
    }
}

impl Demo {
    /// Makes the sandbox with its past, or opens one that an earlier demo has kept in `at`. Without `at`, it is made
    /// in `temporary` (the system's folder for temporary files) and goes when the demo ends. `databases`: whether the
    /// star's content is in PostgreSQL, in a cluster that runs while the demo is open. `keep_schedule`: whether
    /// due backups are made while it is open. `making` hears of each step, and is how to give up: it ends at the next step
    /// of the past, and only then does the temporary folder go, since nothing writes to it any more. What demos that were
    /// killed have left in `temporary` goes first.
    ///
    /// # Errors
    /// [`DemoError`].
    pub async fn open(
        at: Option<&Path>,
        temporary: &Path,
        user: &str,
        databases: bool,
        keep_schedule: bool,
        making: &Arc<Making>,
    ) -> Result<Self, DemoError> {
        let began = Monotonic::now();
        let now = SystemClock.now();
        let root = if let Some(at) = at {
            std::path::absolute(at).map_err(|source| DemoError::Io {
                path: at.to_owned(),
                source,
            })?
        } else {
            for cleared in abandoned::clear(temporary) {
                making.tell(format!(
                    "removed what a demo that was killed has left: {}",
                    cleared.display()
                ));
            }
            temporary.join(format!(
                "{}{}-{}",
                abandoned::PREFIX,
                std::process::id(),
                now.timestamp_millis()
            ))
        };
        let in_use = match at {
            None => Some(abandoned::make(&root)?),
            Some(_) => None,
        };
        let mut end = AtTheEnd {
            sandbox: Sandbox::new(root.clone(), now),
            is_kept: at.is_some(),
            _in_use: in_use,
        };
        let kept_marker = root.join("demo.kept");
        let folder = end.sandbox.cluster_folder();
        if kept_marker.exists() {
            if Cluster::exists(&folder) {
                end.sandbox = end.sandbox.clone().with_databases(Cluster::open(&folder)?);
            } else if databases {
                return Err(DemoError::InFolders(root));
            }
        } else {
            if end.is_kept {
                refuse_other_files(&root)?;
            }
            if databases {
                making.tell("a PostgreSQL of its own".to_owned());
                let mut cluster = Cluster::start(&folder, 0, &CLUSTER)?;
                if at.is_some() {
                    cluster.keep();
                }
                end.sandbox = end.sandbox.clone().with_databases(cluster);
            }
            let runtime = tokio::runtime::Handle::current();
            let (made, making) = (end.sandbox.clone(), Arc::clone(making));
            tokio::task::spawn_blocking(move || past::play(&made, now, &runtime, &making))
                .await
                .map_err(|error| DemoError::Past(error.to_string()))??;
            std::fs::write(&kept_marker, "lifeboat demo\n").map_err(|source| DemoError::Io {
                path: kept_marker.clone(),
                source,
            })?;
        }
        let backend = Arc::new(backend(&end.sandbox, user, keep_schedule)?);
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Self { backend, millis, end })
    }

    /// The backend on the sandbox.
    #[must_use]
    pub fn backend(&self) -> Arc<Embedded> {
        Arc::clone(&self.backend)
    }

    /// Where everything is.
    ///
    /// # Errors
    /// None in practice.
    pub fn whereabouts(&self) -> Result<Whereabouts, DemoError> {
        self.end.sandbox.whereabouts()
    }

    /// The sandbox's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.end.sandbox.root()
    }

    /// Whether the sandbox stays when the demo ends.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.end.is_kept
    }

    /// Whether a server belongs to the sandbox, which stops when the demo ends.
    #[must_use]
    pub fn has_databases(&self) -> bool {
        self.end.sandbox.cluster().is_some()
    }

    /// Plays the whole story in plain text.
    ///
    /// # Errors
    /// [`DemoError`]; content that is not identical is told by the report.
    pub async fn play_story(&self, out: &mut (dyn Write + Send)) -> Result<Report, DemoError> {
        story::play(
            &self.end.sandbox,
            &*self.backend,
            self.millis,
            self.is_kept(),
            out,
        )
        .await
    }

    /// Ends the demo: running jobs stop at their next safe point, for this reason. The sandbox goes when this is dropped,
    /// unless it is kept.
    pub async fn close(&self, why: StopReason) {
        self.backend.close(why).await;
    }
}

fn refuse_other_files(root: &Path) -> Result<(), DemoError> {
    match std::fs::read_dir(root).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(DemoError::NotEmpty(root.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(DemoError::Io {
            path: root.to_owned(),
            source,
        }),
    }
}

fn backend(sandbox: &Sandbox, user: &str, keep_schedule: bool) -> Result<Embedded, DemoError> {
    let surroundings = Surroundings {
        clock: Arc::new(SystemClock),
        runtime: tokio::runtime::Handle::current(),
        events: broadcast::channel(1024).0,
        variables: Arc::new(|_| None),
        random: crate::random::system(),
    };
    let broken = sandbox.clone();
    let options = EmbeddedOptions {
        user: user.to_owned(),
        keep_schedule,
        break_live: Some(Arc::new(move |live: &EnvironmentName| {
            let (instances, site) = (broken.instances(live.project()), Sandbox::site(live.project()));
            if instances.iter().any(|instance| !instance.has_content()) {
                return Err(format!(
                    "{live} has no content in this sandbox that could be broken"
                ));
            }
            live::break_live(&instances, &site, Utc::now())
                .map(|broken| broken.what)
                .map_err(|error| error.to_string())
        })),
    };
    Ok(Embedded::start(sandbox.engine_settings()?, surroundings, options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_interrupted_sandbox_is_removed_when_nothing_writes_to_it_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let making = Arc::new(Making::new().0);
        making.give_up();
        let opened = Demo::open(None, folder.path(), "kim", false, false, &making).await;
        assert!(matches!(opened, Err(DemoError::Interrupted)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
