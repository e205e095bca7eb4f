//! What the version before has left is taken over: its state folder, its repository, and a restore that it died in.
//!
//! `tests/fixtures/interrupted` is what that version left when it was killed in the `before_restore` hook of its second
//! restore. Its journal names a folder and which one that is; both are of the machine that the test runs on.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::UNIX_EPOCH;

use chrono::{DateTime, Utc};

use super::house::{House, backups, undo};
use crate::domain::deed::{Deed, Deeds};
use crate::domain::job::{JobId, JobState, Phase};

/// The house that was left, with what Live held when Lifeboat died.
fn as_it_was_left() -> House {
    let mut house = House::new();
    house.instances = vec!["author"];
    let later: DateTime<Utc> = "2026-11-29T23:30:00Z".parse().unwrap();
    house.clock.set(later);
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/interrupted");
    copy(&fixture, house.folder.path());
    fs::create_dir_all(house.path("repository/acme/live/locks")).unwrap();
    fs::remove_dir_all(house.root("author")).unwrap();
    house.write("author", "config/c.yaml", "x\n");
    house.write("author", "website/home/a.xml", "<page/>\n");
    house.write("author", "website/home/b.xml", "two\n");
    house.write("author", "website/home/n.xml", "third\n");
    let staged = house.path("author/.content.lifeboat-3");
    fs::create_dir_all(staged.join("content/website")).unwrap();
    let about = fs::metadata(&staged).unwrap();
    let born = about
        .created()
        .map(|born| born.duration_since(UNIX_EPOCH).unwrap());
    let born = born.map_or("null".to_owned(), |born| {
        format!("[{}, {}]", born.as_secs(), born.subsec_nanos())
    });
    let journal = house.path("state/journal/acme+live.json");
    let text = fs::read_to_string(&journal).unwrap();
    let text = text
        .replace("FOLDER", &house.folder.path().display().to_string())
        .replace("\"INODE\"", &about.ino().to_string())
        .replace("\"BORN\"", &born);
    fs::write(&journal, text).unwrap();
    house
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn a_restore_that_the_version_before_died_in_is_settled_and_its_restore_before_can_be_undone() {
    let mut house = as_it_was_left();
    let (tell, told) = mpsc::channel();
    house.deeds = Deeds::told_to(move |deed| {
        // Once it is settled nobody listens any more.
        let _ = tell.send(deed);
    });
    let page = |name: &str| fs::read_to_string(house.root("author").join("website/home").join(name));
    let engine = house.engine();
    let settled: Vec<_> = told.try_iter().collect();
    let settling = Deed::Settling {
        environment: "acme/live".parse().unwrap(),
        step: Phase::Switching,
    };
    assert!(
        settled.contains(&settling),
        "whoever waits is told for what: {settled:?}"
    );
    let job = engine.jobs().job(JobId(3)).unwrap();
    assert!(matches!(job.state, JobState::Failed { .. }), "{job:?}");
    assert_eq!(page("n.xml").unwrap(), "third\n", "Live is what it was");
    assert!(!house.path("author/.content.lifeboat-3").exists());
    assert!(!house.path("state/journal/acme+live.json").exists());
    // The backup, and the safety backup of the restore that was done; the other one has saved nothing.
    assert_eq!(backups(&engine).len(), 2);

    undo(&engine);
    assert_eq!(page("b.xml").unwrap(), "changed\n");
    assert_eq!(page("n.xml").unwrap(), "more\n");

    let checked = Command::new("restic")
        .args(["check", "--read-data", "--no-cache", "-r"])
        .arg(house.path("repository/acme/live"))
        .env("RESTIC_PASSWORD", "secret")
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
}
