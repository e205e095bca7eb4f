//! Restores elsewhere, of folders: what is made, what is refused, and what stays when one is not finished.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::house::{House, OfHouse, back_up, done, ended, everything, only};
use crate::domain::backup::BackupId;
use crate::domain::elsewhere::Elsewhere;
use crate::domain::job::{JobId, JobState};
use crate::domain::plan::Selection;
use crate::domain::request::ExtractRequest;
use crate::domain::settings::RepositoryChoice;
use crate::engine::{Engine, EngineError};

fn request(backup: &BackupId, folder: &Path, selection: Selection) -> ExtractRequest {
    ExtractRequest {
        environment: House::live(),
        backup: backup.0.clone(),
        selection,
        from: RepositoryChoice::First,
        into: Elsewhere {
            folder: Some(folder.to_owned()),
            ..Elsewhere::default()
        },
    }
}

fn start(engine: &Engine, backup: &BackupId, folder: &Path) -> Result<JobId, EngineError> {
    engine
        .of_house()
        .start_extract(&request(backup, folder, everything()))
}

fn refused(engine: &Engine, backup: &BackupId, folder: &Path) -> String {
    match start(engine, backup, folder) {
        Err(EngineError::Refused(refusal)) => refusal.to_string(),
        other => panic!("{} was not refused: {other:?}", folder.display()),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn everything_comes_into_a_new_folder_and_nothing_of_live_is_touched() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine);
    let saved = house.content();
    // What happened to Live since is not in the copy, and the copy does not happen to Live.
    house.remove("author", "website");
    house.write("public-1", "dam/later.xml", "later");
    let live = house.content();
    let folder = house.path("look");
    let job = done(&engine, start(&engine, &backup, &folder).unwrap());
    assert_eq!(house.content(), live);
    assert!(house.beside("author").is_empty());
    for (path, text) in &saved {
        let copy = folder.join(path);
        if text == "folder" {
            assert!(copy.is_dir(), "{path:?}");
        } else {
            assert_eq!(&fs::read_to_string(copy).unwrap(), text, "{path:?}");
        }
    }
    assert_eq!(names(&folder), ["author", "public-1"], "the mark is gone");
    assert_eq!(
        names(&folder.join("author/content")),
        ["config", "dam", "website"]
    );
    let mode = fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "it is content, and nobody else's to read");
    let told = job.outcome.unwrap().summary;
    assert!(
        told.contains("look") && told.contains("Live was not touched"),
        "{told}"
    );
}

#[test]
fn a_part_of_a_backup_comes_into_an_empty_folder() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine);
    let folder = house.path("look");
    fs::create_dir(&folder).unwrap();
    let request = request(&backup, &folder, only(&["public-1"], &["website"]));
    done(&engine, engine.of_house().start_extract(&request).unwrap());
    assert_eq!(names(&folder), ["public-1"]);
    assert_eq!(names(&folder.join("public-1/content")), ["website"]);
    assert_eq!(names(&folder.join("public-1/content/website")).len(), 4);
}

#[test]
fn what_is_there_is_never_overwritten() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine);
    let folder = house.path("look");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine"), "mine").unwrap();
    let why = refused(&engine, &backup, &folder);
    assert!(why.contains("is not empty"), "{why}");
    let why = refused(&engine, &backup, &folder.join("mine"));
    assert!(why.contains("cannot be read"), "{why}");
    let why = refused(&engine, &backup, &house.path("no/look"));
    assert!(why.contains("make it first"), "{why}");
    assert_eq!(names(&folder), ["mine"]);
    assert_eq!(fs::read_to_string(folder.join("mine")).unwrap(), "mine");
}

#[test]
fn a_place_that_is_somebodys_is_refused_by_whatever_name_it_goes() {
    let mut house = House::new();
    house.others = vec!["other"];
    let engine = house.engine();
    let backup = back_up(&engine);
    let live = house.content();
    // The content of the author is gone, and its folder is empty: all the same it is the author's.
    fs::remove_dir_all(house.root("author")).unwrap();
    fs::create_dir(house.root("author")).unwrap();
    symlink(house.root("author"), house.path("link")).unwrap();
    fs::create_dir(house.path("empty")).unwrap();
    symlink(house.path("empty"), house.path("other-link")).unwrap();
    for somebodys in [
        house.root("author"),
        house.root("author").join("look"),
        house.path("link"),
        house.path("link/look"),
        house.root("other").join("look"),
        house.path("repository/look"),
        house.path("repository/acme/live/look"),
        house.path("state/look"),
    ] {
        let why = refused(&engine, &backup, &somebodys);
        assert!(why.contains("nobody's"), "{}: {why}", somebodys.display());
    }
    assert!(names(&house.root("author")).is_empty());
    // Where Live's content would come back to, though it is not there.
    fs::remove_dir_all(house.path("author")).unwrap();
    let why = refused(&engine, &backup, &house.path("author"));
    assert!(why.contains("nobody's"), "{why}");
    assert!(!house.path("author").exists());
    // A link is as good as what it leads to.
    done(
        &engine,
        start(&engine, &backup, &house.path("other-link")).unwrap(),
    );
    assert_eq!(names(&house.path("empty")), ["author", "public-1"]);
    let kept = live.keys().filter(|path| path.starts_with("public-1")).count();
    assert_eq!(house.content().len(), kept);
}

#[test]
fn what_cannot_be_finished_is_removed_again() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine);
    let mut folders = vec![house.path("repository/acme/live/data")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = fs::read(&path).unwrap();
            bytes[10] ^= 1;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            fs::write(&path, bytes).unwrap();
        }
    }
    let (new, empty) = (house.path("new"), house.path("empty"));
    fs::create_dir(&empty).unwrap();
    for folder in [&new, &empty] {
        let job = start(&engine, &backup, folder).unwrap();
        let state = ended(&engine, job).state;
        assert!(matches!(state, JobState::Failed { .. }), "{state:?}");
    }
    assert!(!new.exists(), "it was made by the job");
    assert!(names(&empty).is_empty(), "it was not");
}

#[test]
fn what_may_be_deleted_at_any_time_is_no_place_to_restore_into() {
    let mut house = House::new();
    house.cache = Some(house.path("cache"));
    let engine = house.engine();
    let backup = back_up(&engine);
    for folder in ["cache", "cache/explore/look"] {
        fs::create_dir_all(house.path(folder).parent().unwrap()).unwrap();
        let why = refused(&engine, &backup, &house.path(folder));
        assert!(why.contains("cache"), "{why}");
    }
}

#[test]
fn what_a_killed_one_has_left_says_what_it_is() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine);
    let folder = house.path("look");
    fs::create_dir_all(folder.join("author/content/website")).unwrap();
    fs::write(
        folder.join(".lifeboat-unfinished"),
        format!(
            "{{\"environment\":\"acme/live\",\"backup\":\"{backup}\",\"job\":7,\"began\":\"2026-11-23T12:00:00Z\"}}"
        ),
    )
    .unwrap();
    let why = refused(&engine, &backup, &folder);
    assert!(why.contains("job 7") && why.contains("remove it"), "{why}");
    assert!(folder.join("author/content/website").exists());
}

#[test]
fn a_home_comes_as_a_whole() {
    let mut house = House::new();
    house.homes = true;
    house.instances = vec!["author"];
    for path in [
        "repository/meta/rep.properties",
        "workspaces/website/db/db.h2.db",
        "version/db/db.h2.db",
    ] {
        house.write("author", path, "text");
    }
    house.write(
        "author",
        "workspaces/website/workspace.xml",
        "<Workspace><PersistenceManager class=\"org.apache.jackrabbit.core.persistence.pool.H2PersistenceManager\">\
         <param name=\"url\" value=\"jdbc:h2:${wsp.home}/db/db\"/></PersistenceManager></Workspace>",
    );
    let engine = house.engine();
    let backup = back_up(&engine);
    let folder = house.path("look");
    let part = request(&backup, &folder, only(&[], &["website"]));
    let why = engine.of_house().start_extract(&part).unwrap_err().to_string();
    assert!(why.contains("take the whole instance"), "{why}");
    assert!(!folder.exists());
    done(&engine, start(&engine, &backup, &folder).unwrap());
    let home = folder.join("author/content");
    for path in [
        "repository/meta/rep.properties",
        "workspaces/website/db/db.h2.db",
        "version/db/db.h2.db",
    ] {
        assert_eq!(fs::read_to_string(home.join(path)).unwrap(), "text");
    }
}
