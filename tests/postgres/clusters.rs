//! Clusters for the tests, each a copy of one that is made once: to make one takes seconds of a busy machine.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lifeboat::demo::cluster::Cluster;

use crate::made_once::MadeOnce;

/// The cluster that is copied and never started. It is there as long as any test has a copy.
pub struct Original(#[allow(dead_code, reason = "it is gone when it is dropped")] Cluster);

/// Starts a cluster of its own in a folder that does not exist yet. The original has to be kept with it.
pub fn start(folder: &Path, port: u16, settings: &[&str]) -> (Cluster, Arc<Original>) {
    let original = original();
    let cluster = Cluster::start_copy(&original.0, folder, port, settings).unwrap();
    (cluster, original)
}

fn original() -> Arc<Original> {
    static MADE: MadeOnce<Original> = MadeOnce::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let make = || {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("lifeboat-pg-{}-original-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        // The programs of another PostgreSQL than the one that is installed.
        let made = match std::env::var_os("LIFEBOAT_TEST_POSTGRES") {
            Some(binaries) => Cluster::make_with(binaries.into(), &folder, 0),
            None => Cluster::make(&folder, 0),
        };
        Some(Original(made.unwrap()))
    };
    MADE.get(make).unwrap()
}
