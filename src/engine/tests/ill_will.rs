//! The account that Live belongs to may rename, link and swap whatever lies beside Live, at any moment, while Lifeboat runs
//! as root: nothing of anybody else's is touched, and nothing becomes live but what was verified.
//!
//! Swaps in the middle of staging and of the removal of a search index are in `content::files::staging`, `content::search_indexes`
//! and `disk::held`; here those that a hook or a crash gives time for.

use std::fs;
use std::path::PathBuf;

use super::house::{House, back_up, done, ended, everything, only, request, start_restore};
use super::recovery::{interrupted, texts};
use crate::domain::job::JobState;
use crate::engine::restore::journal::{Journal, Stage};

/// What the account runs beside the content of `author`: its own folder takes the place of what was staged, with an empty
/// content, and a link in it that leads to a file of somebody else's.
fn swap(house: &House) -> (String, PathBuf) {
    let other = house.path("other");
    fs::create_dir_all(other.join("content")).unwrap();
    let file = other.join("file");
    fs::write(&file, "kept").unwrap();
    let script = format!(
        "cd {} && d=$(echo .content.lifeboat-*) && mv $d away && mkdir $d $d/content && ln -s {} $d/journal.json",
        house.path("author").display(),
        file.display()
    );
    (script, file)
}

#[test]
fn what_is_swapped_between_the_verification_and_the_switch_does_not_become_live() {
    for workspaces in [&[][..], &["website"]] {
        let mut house = House::new();
        let (script, file) = swap(&house);
        house.hooks.before_restore = vec!["/bin/sh".to_owned(), "-c".to_owned(), script];
        house.instances = vec!["author"];
        let engine = house.engine();
        back_up(&engine);
        house.write("author", "website/page-0.xml", "edited");
        let before = house.content();
        let job = start_restore(&engine, &request("manual", only(&[], workspaces))).unwrap();
        let JobState::Failed { why } = ended(&engine, job).state else {
            panic!("it did not fail");
        };
        assert!(why.contains("something else has taken its place"), "{why}");
        assert_eq!(house.content(), before, "Live is untouched");
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
        assert_eq!(
            Journal::read(&house.path("state"), &House::live()).unwrap(),
            None,
            "and no later job is stopped by it"
        );
        assert!(
            house
                .path("author")
                .join("away/content/website/page-0.xml")
                .exists(),
            "what was staged stays where it was moved to"
        );
        assert_eq!(house.beside("author").len(), 2);
        for left in house.beside("author") {
            fs::remove_dir_all(left).unwrap();
        }
        drop(engine);
        house.hooks.before_restore = Vec::new();
        let engine = house.engine();
        let job = start_restore(&engine, &request("manual", everything())).unwrap();
        done(&engine, job);
    }
}

#[test]
fn after_a_crash_a_stranger_in_the_place_of_what_was_staged_is_left_alone() {
    for stage in [Stage::Staging, Stage::Switching] {
        let house = House::new();
        interrupted(&house, stage, 0);
        let (script, file) = swap(&house);
        let swapped = std::process::Command::new("/bin/sh")
            .args(["-c", &script])
            .status();
        assert!(swapped.unwrap().success());
        let engine = house.engine();
        assert_eq!(texts(&house), ["author 0", "public-1 0"], "{stage:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
        assert!(
            house
                .path("author")
                .join(".content.lifeboat-100/journal.json")
                .is_symlink()
        );
        assert!(house.beside("public-1").is_empty());
        let told = engine.catalog().notifications(1).unwrap().remove(0);
        assert!(
            told.text.contains("something else has taken its place"),
            "{}",
            told.text
        );
        back_up(&engine);
    }
}

#[test]
fn a_journal_that_another_account_has_planted_beside_live_is_not_believed() {
    // Only root can play another account.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let house = House::new();
    let journal = interrupted(&house, Stage::Switching, 1);
    let text = serde_json::to_vec(&journal).unwrap();
    drop(house);
    let house = House::new();
    let planted = house.path("author").join(".content.lifeboat-9");
    fs::create_dir(&planted).unwrap();
    fs::write(planted.join("journal.json"), text).unwrap();
    for path in [planted.join("journal.json"), planted] {
        std::os::unix::fs::chown(path, Some(65_534), None).unwrap();
    }
    back_up(&house.engine());
}
