//! What Lifeboat writes for itself is its owner's alone, while it works and afterwards.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::house::{House, OfHouse, back_up, done, everything, restore, undo};
use super::notify::receiver;
use crate::domain::notify::ReceiverKind;
use crate::domain::request::HoldKind;

/// What others may do something with, of a folder and all that is below it.
fn open_to_others(folder: &Path, found: &mut Vec<(PathBuf, u32)>) {
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    if mode(folder) & 0o077 != 0 {
        found.push((folder.to_owned(), mode(folder)));
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            open_to_others(&path, found);
        } else if !path.is_symlink() && mode(&path) & 0o077 != 0 {
            found.push((path.clone(), mode(&path)));
        }
    }
}

#[test]
fn what_is_written_is_the_owners_alone() {
    let mut house = House::new();
    let seen = house.path("seen");
    // While a job is at work, too.
    let look = format!(
        "find '{}' '{}' '{}' -perm /077 ! -type l >> '{}'",
        house.path("state").display(),
        house.path("repository").display(),
        house.path("cache").display(),
        seen.display()
    );
    let look = vec!["sh".to_owned(), "-c".to_owned(), look];
    house.hooks.before_backup = look.clone();
    house.hooks.after_backup = look.clone();
    house.hooks.before_restore = look.clone();
    house.hooks.after_restore = look;
    let cache = house.path("cache");
    fs::create_dir(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o700)).unwrap();
    house.cache = Some(cache.clone());
    house.receivers = vec![receiver("ops", ReceiverKind::Command, |it| {
        it.command = vec!["false".to_owned()];
    })];
    let engine = house.engine();
    back_up(&engine);
    super::rules::hold(&engine, HoldKind::Maintenance, true);
    super::rules::hold(&engine, HoldKind::Maintenance, false);
    house.write("author", "website/page-0.xml", "spoilt");
    let drill = engine.of_house().start_drill(None).unwrap();
    done(&engine, drill);
    restore(&engine, "manual", everything());
    undo(&engine);
    let verify = engine.of_house().start_verify(None).unwrap();
    done(&engine, verify);
    // Looking inside makes indexes.
    assert!(!super::inside::find(&engine, "page-0").finds.is_empty());
    engine.notifier().deliver_due();
    let mut found = Vec::new();
    for folder in [house.path("state"), house.path("repository"), cache] {
        open_to_others(&folder, &mut found);
    }
    assert_eq!(found, []);
    assert_eq!(fs::read_to_string(seen).unwrap(), "", "while a job was at work");
}
