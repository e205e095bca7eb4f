//! Databases for the library's tests, all of them in one server, which is there as long as any test has a database in it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::cluster::{Cluster, SUPERUSER};

/// An empty database of its own.
pub(crate) struct Database {
    name: String,
    server: Arc<Cluster>,
}

impl Database {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self::within(
            shared(),
            format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed)),
        )
    }

    /// In a server of its own, which may be stopped.
    pub(crate) fn alone() -> Self {
        Self::within(Arc::new(start()), "test".to_owned())
    }

    fn within(server: Arc<Cluster>, name: String) -> Self {
        server.create(&name).unwrap();
        Self { name, server }
    }

    /// The server that it is in.
    pub(crate) fn server(&self) -> Arc<Cluster> {
        Arc::clone(&self.server)
    }

    /// How to connect to it, in libpq's words.
    pub(crate) fn connect(&self) -> String {
        self.server.connect(&self.name, SUPERUSER)
    }
}

/// The server of all tests that run now. Whoever comes first starts it, and it stops with the last of them.
fn shared() -> Arc<Cluster> {
    static SERVER: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut standing = SERVER.lock();
    standing.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start());
        *standing = Arc::downgrade(&started);
        started
    })
}

/// Starts a server in a folder that no other has had.
fn start() -> Cluster {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("lifeboat-tests-{}-{number}", std::process::id()));
    Cluster::start(&folder, 0, &["max_connections = 200"]).unwrap()
}
