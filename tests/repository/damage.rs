//! What is broken, missing or something else is told, and nothing is overwritten.

use std::fs;
use std::path::{Path, PathBuf};

use lifeboat::repository::{Key, Repository, RepositoryError};
use lifeboat::watch::Unwatched;

use crate::support::{Sandbox, below, key};

/// Flips a bit in the middle of the biggest pack: content, and no folder. Gives the pack.
pub fn flip_a_bit_of_content(sandbox: &Sandbox) -> PathBuf {
    let packs = sandbox.files("data");
    let pack = packs
        .iter()
        .max_by_key(|pack| fs::metadata(pack).unwrap().len())
        .unwrap();
    flip_a_bit(pack);
    pack.clone()
}

fn flip_a_bit(file: &Path) {
    crate::support::set_mode(file, 0o600);
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn a_flipped_bit_is_named_with_its_pack_and_the_files_that_need_it() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    let pack = flip_a_bit_of_content(&sandbox);
    let error = sandbox.repository.verify(&id, &Unwatched).unwrap_err();
    assert!(matches!(error, RepositoryError::Damaged { .. }), "{error:?}");
    let told = error.to_string();
    assert!(told.contains(&file_name(&pack)), "{told}");
    assert!(
        told.contains("(needed by author/dam/picture.jpg)") || told.contains("(needed by public-1/dam/"),
        "{told}"
    );
    assert!(told.contains("restic -r "), "{told}");
}

#[test]
fn a_bit_that_flipped_in_what_is_there_already_is_found_before_a_backup_that_needs_it_is_recorded() {
    let sandbox = Sandbox::new();
    drop(sandbox.copy().unwrap());
    flip_a_bit_of_content(&sandbox);
    let copy = sandbox.copy().unwrap();
    let error = sandbox.repository.read_back(&copy, &Unwatched).unwrap_err();
    assert!(matches!(error, RepositoryError::Damaged { .. }), "{error:?}");
    assert!(sandbox.repository.list().unwrap().is_empty());
}

#[test]
fn a_missing_pack_is_named() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    for pack in sandbox.files("data") {
        let bytes = fs::read(&pack).unwrap();
        fs::remove_file(&pack).unwrap();
        let told = sandbox
            .reopened()
            .verify(&id, &Unwatched)
            .unwrap_err()
            .to_string();
        assert!(
            told.contains(&file_name(&pack)) && told.contains("the file is missing"),
            "{told}"
        );
        fs::write(&pack, bytes).unwrap();
    }
    sandbox.reopened().verify(&id, &Unwatched).unwrap();
}

#[test]
fn a_truncated_pack_is_named() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    for pack in sandbox.files("data") {
        let bytes = fs::read(&pack).unwrap();
        crate::support::set_mode(&pack, 0o600);
        fs::write(&pack, &bytes[..10]).unwrap();
        let told = sandbox
            .reopened()
            .verify(&id, &Unwatched)
            .unwrap_err()
            .to_string();
        assert!(
            told.contains(&file_name(&pack)) && told.contains("the file is too short"),
            "{told}"
        );
        fs::write(&pack, bytes).unwrap();
    }
}

#[test]
fn a_truncated_or_missing_index_is_told() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    let index = &sandbox.files("index")[0];
    let bytes = fs::read(index).unwrap();
    crate::support::set_mode(index, 0o600);
    fs::write(index, &bytes[..bytes.len() / 2]).unwrap();
    let error = sandbox.reopened().verify(&id, &Unwatched).unwrap_err();
    assert!(matches!(error, RepositoryError::Damaged { .. }), "{error:?}");
    assert!(
        error.to_string().contains(&format!("index/{}", file_name(index))),
        "{error}"
    );
    // What is there can still be listed.
    assert!(sandbox.reopened().list().unwrap()[0].manifest.is_ok());

    fs::remove_file(index).unwrap();
    let error = sandbox.reopened().verify(&id, &Unwatched).unwrap_err();
    assert!(error.to_string().contains("is not in the index"), "{error}");
}

#[test]
fn a_damaged_record_hides_none_of_the_others() {
    let sandbox = Sandbox::new();
    let first = sandbox.back_up();
    let second = sandbox.back_up();
    flip_a_bit(&sandbox.place().join("snapshots").join(&first.0));
    let listed = sandbox.repository.list().unwrap();
    assert_eq!(listed.len(), 2);
    let damaged = listed.iter().find(|backup| backup.id == first).unwrap();
    assert!(damaged.manifest.as_ref().unwrap_err().contains(&first.0));
    assert!(
        listed
            .iter()
            .any(|backup| backup.id == second && backup.manifest.is_ok())
    );
    // Nobody can know what the damaged one needs.
    assert!(sandbox.repository.prune(&Unwatched).is_err());
}

#[test]
fn a_wrong_key_opens_nothing_and_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.back_up();
    let before = below(sandbox.place());
    for open in [Repository::open, Repository::open_or_create] {
        let error = open(sandbox.place(), &Key::new("wrong".to_owned())).unwrap_err();
        assert!(matches!(error, RepositoryError::WrongKey { .. }), "{error:?}");
    }
    assert_eq!(below(sandbox.place()), before);
}

#[test]
fn a_damaged_key_file_is_not_taken_for_a_wrong_key() {
    let sandbox = Sandbox::new();
    for file in sandbox.files("keys") {
        crate::support::set_mode(&file, 0o600);
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    }
    let error = Repository::open(sandbox.place(), &key()).unwrap_err();
    assert!(matches!(error, RepositoryError::Damaged { .. }), "{error:?}");
}

#[test]
fn no_repository_is_created_unless_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("deep/down");
    for place in [&nowhere, &folder.path().to_owned()] {
        let error = Repository::open(place, &key()).unwrap_err();
        assert!(matches!(error, RepositoryError::Missing { .. }), "{error:?}");
    }
    assert!(below(folder.path()).is_empty());
    assert!(!Repository::exists(&nowhere).unwrap());
    Repository::open_or_create(&nowhere, &key()).unwrap();
    assert!(Repository::exists(&nowhere).unwrap());
    Repository::open(&nowhere, &key()).unwrap();
}

#[test]
fn no_repository_is_created_over_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    fs::write(&file, "mine").unwrap();
    for place in [folder.path(), &file] {
        for open in [Repository::open, Repository::open_or_create] {
            let error = open(place, &key()).unwrap_err();
            assert!(
                matches!(error, RepositoryError::NotARepository { .. }),
                "{error:?}"
            );
        }
    }
    assert_eq!(below(folder.path()).len(), 1);
}

#[test]
fn no_repository_is_created_over_the_remains_of_one() {
    let sandbox = Sandbox::new();
    fs::remove_file(sandbox.place().join("config")).unwrap();
    let before = below(sandbox.place());
    let error = Repository::open_or_create(sandbox.place(), &key()).unwrap_err();
    assert!(error.to_string().contains("\"config\" is missing"), "{error}");
    assert_eq!(below(sandbox.place()), before);
}

#[test]
fn a_creation_that_was_interrupted_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let half = folder.path().join(".live.creating");
    fs::create_dir_all(half.join("keys")).unwrap();
    fs::write(half.join("keys/half"), "{").unwrap();
    Repository::open_or_create(&folder.path().join("live"), &key()).unwrap();
    assert!(!half.exists());
}

/// Names the folder for the part of the next test that runs where a small disk is mounted.
const SMALL_DISK: &str = "LIFEBOAT_TEST_SMALL_DISK";

#[test]
fn a_full_disk_under_the_repository_fails_the_copy_and_leaves_the_rest_sound() {
    let folder = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    // In a namespace of its own anybody may mount something, where the system allows that at all.
    let mounted =
        "mount -t tmpfs -o size=12m small \"$0\" && exec \"$1\" --exact damage::on_a_small_disk --ignored";
    let output = std::process::Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", mounted])
        .args([folder.path(), &this])
        .env(SMALL_DISK, folder.path())
        .output();
    let said = output.as_ref().map_or_else(ToString::to_string, |output| {
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    });
    if !said.contains("running 1 test") {
        println!("skipped: no small disk can be mounted here ({})", said.trim());
        return;
    }
    assert!(output.unwrap().status.success(), "{said}");
}

#[test]
#[ignore = "runs inside the test before it, on a small disk"]
fn on_a_small_disk() {
    let disk = std::env::var_os(SMALL_DISK).unwrap();
    let sandbox = Sandbox::in_folder(&Path::new(&disk).join("repository"));
    let first = sandbox.back_up();
    let more = sandbox.content("author").join("dam/more");
    fs::write(&more, crate::support::noise(4, 16_000_000)).unwrap();
    let error = sandbox.copy().unwrap_err();
    assert!(matches!(error, RepositoryError::NoRoom { .. }), "{error:?}");
    sandbox.reopened().verify(&first, &Unwatched).unwrap();
    assert_eq!(sandbox.files("snapshots").len(), 1);
    // The failed copy has taken its packs away again: what is smaller fits.
    fs::write(&more, crate::support::noise(4, 100_000)).unwrap();
    sandbox.back_up();
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn a_repository_that_cannot_be_written_fails_the_copy() {
    let sandbox = Sandbox::new();
    let data = sandbox.place().join("data");
    fs::remove_dir_all(&data).unwrap();
    fs::write(&data, "a file where a folder belongs").unwrap();
    let error = sandbox.copy().unwrap_err();
    assert!(matches!(error, RepositoryError::Io { .. }), "{error:?}");
    assert!(error.to_string().contains("writing to data"), "{error}");
    assert!(sandbox.files("snapshots").is_empty());
}

#[test]
fn what_is_no_key_is_not_told_as_a_wrong_password() {
    let sandbox = Sandbox::new();
    sandbox.back_up();
    let keys = sandbox.files("keys");
    let opening = || {
        let error = Repository::open(sandbox.place(), &key()).unwrap_err();
        assert!(matches!(error, RepositoryError::Damaged { .. }), "{error:?}");
        error.to_string()
    };
    let whole = fs::read(&keys[0]).unwrap();
    crate::support::set_mode(&keys[0], 0o600);
    fs::write(&keys[0], "<html>Please sign in</html>").unwrap();
    let told = opening();
    assert!(told.contains("keys"), "{told}");
    fs::remove_file(&keys[0]).unwrap();
    let told = opening();
    assert!(
        told.contains("keys is empty") && told.contains("password is not what is wrong"),
        "{told}"
    );
    fs::write(&keys[0], whole).unwrap();
    let config = sandbox.place().join("config");
    flip_a_bit(&config);
    let told = opening();
    assert!(
        told.contains("config") && told.contains("cannot be decrypted") && !told.contains("aead"),
        "{told}"
    );
    let wrong = Repository::open(sandbox.place(), &Key::new("other".to_owned())).unwrap_err();
    assert!(matches!(wrong, RepositoryError::WrongKey { .. }), "{wrong}");
}
