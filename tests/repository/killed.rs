//! Lifeboat is killed (`kill -9`) while it backs up into a bucket: nothing of that backup is seen, `restic` finds the
//! repository sound, and the next backup works.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::object_storage::Store;

const LIVE: &str = "acme/live";
/// A test that waits longer has failed.
const LIMIT: Duration = Duration::from_mins(1);

/// Files that no compression makes smaller, and more of them than go into one pack.
fn fill(folder: &Path, seed: u64) {
    fs::create_dir_all(folder).unwrap();
    let mut state = seed;
    for number in 0..24 {
        let mut bytes = Vec::with_capacity(2 << 20);
        while bytes.len() < 2 << 20 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend(state.to_le_bytes());
        }
        fs::write(folder.join(format!("{seed}-{number}")), bytes).unwrap();
    }
}

fn with_keys(mut command: Command) -> Command {
    command
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("RESTIC_PASSWORD", "secret")
        .stdin(Stdio::null());
    command
}

fn well(output: &Output) -> Value {
    assert!(
        output.status.success(),
        "{}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[test]
fn a_backup_into_a_bucket_that_is_killed_is_not_seen_and_the_next_one_works() {
    let store = Store::new();
    let folder = tempfile::tempdir().unwrap();
    let website = folder.path().join("author/website");
    fill(&website, 1);
    let config = folder.path().join("lifeboat.toml");
    fs::write(folder.path().join("key"), "secret\n").unwrap();
    fs::write(
        &config,
        format!(
            "state = \"state\"\n[repository]\nroot = \"{}\"\npassword_file = \"key\"\n\
             [repository.options]\nendpoint = \"http://127.0.0.1:{}\"\n\
             [[environment]]\nproject = \"acme\"\nname = \"live\"\nkind = \"live\"\n\
             release_version = \"v12\"\nmagnolia_version = \"6.3.4\"\n\
             [[environment.instance]]\nname = \"author\"\nrole = \"author\"\n\
             content = {{ type = \"files\", path = \"{}\" }}\n",
            store.address("lifeboat"),
            store.port,
            folder.path().join("author").display()
        ),
    )
    .unwrap();
    let lifeboat = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
        command.arg("--config").arg(&config).args(arguments);
        with_keys(command)
    };
    let run = |arguments: &[&str]| well(&lifeboat(arguments).output().unwrap());
    let check = |arguments: &[&str]| {
        let mut restic = Command::new("restic");
        restic.args(["--no-cache", "-r"]).arg(format!(
            "s3:http://127.0.0.1:{}/{}/lifeboat/{LIVE}",
            store.port, store.bucket
        ));
        well(&with_keys(restic).arg("check").args(arguments).output().unwrap());
    };
    run(&["backup", LIVE]);
    let listed = || run(&["backups", LIVE, "--json"])["backups"].clone();
    let first = listed();
    assert_eq!(first.as_array().map(Vec::len), Some(1));

    let packs = || store.objects(&format!("lifeboat/{LIVE}/data/")).len();
    for round in 0..2 {
        fill(&website, 100 + round);
        let before = packs();
        let mut child = lifeboat(&["backup", LIVE]);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while packs() <= before {
            assert!(began.elapsed() < LIMIT, "no pack came");
        }
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), None, "it was in the middle");
        let live = run(&["environments", "--json"])["environments"][0].clone();
        assert_eq!((&live["trouble"], &live["job"]), (&Value::Null, &Value::Null));
        assert_eq!(listed(), first, "round {round}");
        check(&["--no-lock"]);
    }
    run(&["backup", LIVE]);
    run(&["verify", LIVE]);
    check(&["--read-data"]);
    fs::remove_dir_all(&website).unwrap();
    run(&["restore", LIVE, "manual", "--confirm", LIVE]);
    assert_eq!(fs::read_dir(&website).unwrap().count(), 72);
}
