//! `lifeboat demo --postgres`: the whole story on real tables, and a sandbox that is opened again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A folder that the server's account can reach, which goes when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let place = std::env::temp_dir().join(format!("lifeboat-test-{name}-{}", std::process::id()));
        fs::create_dir(&place).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        Self(place)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn demo(arguments: &[&str], temporary: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_lifeboat"))
        .args(["demo", "--json"])
        .args(arguments)
        .env("TMPDIR", temporary)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whether a server holds the cluster of a sandbox.
fn is_running(sandbox: &Path) -> bool {
    sandbox.join("cluster/data/postmaster.pid").exists()
}

#[test]
fn the_story_is_played_on_tables_and_nothing_of_it_is_left() {
    let folder = Folder::new("story");
    let report = demo(&["--postgres", "--headless"], &folder.0);
    assert_eq!(report["identical"], true, "{report:#}");
    assert_eq!(report["databases"].as_object().unwrap().len(), 3);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn a_sandbox_with_databases_is_kept_and_opened_again() {
    let folder = Folder::new("kept");
    let sandbox = folder.0.join("sandbox");
    let at = sandbox.to_str().unwrap();
    demo(&["--postgres", "--at", at], &folder.0);
    assert!(sandbox.join("cluster/data/PG_VERSION").is_file());
    assert!(!is_running(&sandbox));
    // Without being told: it knows what it is.
    let report = demo(&["--headless", "--at", at], &folder.0);
    assert_eq!(report["identical"], true, "{report:#}");
    assert!(!is_running(&sandbox));
}
