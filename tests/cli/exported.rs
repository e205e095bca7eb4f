//! `lifeboat export`: the file that it writes, and that nothing else is left where it does not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::tempdir;

use crate::harness::{Ended, alike, lifeboat};
use crate::made_up::inside::{EXPORTED, Inside};
use crate::made_up::one_project::usual;

fn export(inside: Inside, folder: &Path) -> Ended {
    let backend = usual();
    backend.state().inside = inside;
    let folder = folder.to_str().unwrap();
    let arguments = [
        "export",
        "acme/live",
        "daily",
        "author:/website/home/news",
        "--to",
        folder,
    ];
    lifeboat(&arguments).on(backend).ends()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

alike!(an_export_is_a_file_that_is_named_as_magnolia_names_it);
fn an_export_is_a_file_that_is_named_as_magnolia_names_it() {
    let folder = tempdir().unwrap();
    let inside = Inside {
        remarks: vec!["/home/news/\u{1b}[2J cannot be read".to_owned()],
        ..Inside::default()
    };
    let ended = export(inside, folder.path());
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("website.home.news.xml"), "{}", ended.out);
    assert!(ended.out.contains("left out: /home/news/") && !ended.out.contains('\u{1b}'));
    assert_eq!(names(folder.path()), ["website.home.news.xml"]);
    let file = folder.path().join("website.home.news.xml");
    assert_eq!(fs::read(&file).unwrap(), EXPORTED);
    // It is content, which is not for everybody on this machine.
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    // What is there is somebody's.
    fs::write(&file, "mine").unwrap();
    let ended = export(Inside::default(), folder.path());
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("is there already"), "{}", ended.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(names(folder.path()), ["website.home.news.xml"]);
}

#[test]
fn files_become_a_folder_and_a_tar_a_file_or_standard_output() {
    let folder = tempdir().unwrap();
    let into = folder.path().to_str().unwrap();
    let run = |more: &[&str]| {
        lifeboat(&[&["export", "acme/live", "daily"][..], more].concat())
            .on(usual())
            .ends()
    };
    let ended = run(&["author:/website/home", "--as", "files", "--to", into]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let file = folder.path().join("website.home/properties.json");
    assert_eq!(fs::read(file).unwrap(), b"{}");
    let ended = run(&["author:/website/home", "--as", "yaml", "--to", into]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(folder.path().join("website.home.yaml").exists());
    let tar = folder.path().join("daily.tar");
    let ended = run(&["--as", "tar", "--to", tar.to_str().unwrap()]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(fs::read(&tar).unwrap(), EXPORTED);
    let ended = run(&["author:website", "--as", "tar", "--to", "-"]);
    assert_eq!((ended.code, ended.out.as_bytes()), (0, EXPORTED));
    for (arguments, why) in [
        (
            &["author:/website/home", "--as", "files", "--to", "-"][..],
            "cannot be written to standard output",
        ),
        (&["--to", into], "what to export is missing"),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, 2);
        assert!(ended.err.contains(why), "{}", ended.err);
    }
}

alike!(an_export_that_breaks_off_leaves_nothing);
fn an_export_that_breaks_off_leaves_nothing() {
    let folder = tempdir().unwrap();
    let inside = Inside {
        exports_break_off: true,
        ..Inside::default()
    };
    let ended = export(inside, folder.path());
    assert_ne!(ended.code, 0, "{}", ended.out);
    assert!(
        ["has no file abc", "its log says why", "broke"]
            .iter()
            .any(|why| ended.err.contains(why)),
        "{}",
        ended.err
    );
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let folder = tempdir().unwrap();
    let missing = folder.path().join("missing");
    let ended = export(Inside::default(), &missing);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("there is no folder"), "{}", ended.err);
    assert!(!missing.exists());
}
