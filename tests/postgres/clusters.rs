//! Clusters for the tests, each a copy of one that is made once: to make one takes seconds of a busy machine.

use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use lifeboat::demo::cluster::Cluster;

/// The cluster that is copied and never started. It is there as long as any test has a copy.
pub struct Original(#[allow(dead_code, reason = "it is gone when it is dropped")] Cluster);

/// Starts a cluster of its own in a folder that does not exist yet. The original has to be kept with it.
pub fn start(folder: &Path, port: u16, settings: &[&str]) -> (Cluster, Arc<Original>) {
    let original = original();
    let cluster = Cluster::start_copy(&original.0, folder, port, settings).unwrap();
    (cluster, original)
}

fn original() -> Arc<Original> {
    static MADE: Mutex<Weak<Original>> = Mutex::new(Weak::new());
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let mut standing = MADE.lock().unwrap();
    standing.upgrade().unwrap_or_else(|| {
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = format!("lifeboat-pg-{}-original-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        // The programs of another PostgreSQL than the one that is installed.
        let made = match std::env::var_os("LIFEBOAT_TEST_POSTGRES") {
            Some(binaries) => Cluster::make_with(binaries.into(), &folder, 0).unwrap(),
            None => Cluster::make(&folder, 0).unwrap(),
        };
        let made = Arc::new(Original(made));
        *standing = Arc::downgrade(&made);
        made
    })
}
