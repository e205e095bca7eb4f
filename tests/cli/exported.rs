//! `lifeboat export`: the file that it writes, and that nothing else is left where it does not.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::tempdir;

use crate::harness::{Ended, alike, lifeboat};
use crate::made_up::inside::{EXPORTED, Inside};
use crate::made_up::one_project::usual;
use crate::program::{answer, configured, program, text};
use crate::service::{Fault, Service, TOKEN};

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

#[test]
fn nothing_is_exported_into_live_the_repository_or_the_state() {
    let home = tempdir().unwrap();
    let at = |path: &str| home.path().join(path);
    fs::create_dir_all(at("author/website")).unwrap();
    fs::write(at("author/website/home.yaml"), "title: Welcome").unwrap();
    configured(home.path());
    answer(home.path(), &["backup", "acme/live"]);
    let state = PathBuf::from(answer(home.path(), &["info"])["state"].as_str().unwrap());
    fs::create_dir(at("mine")).unwrap();
    symlink(at("author/website"), at("mine/link")).unwrap();
    let before = names(&at("author/website"));
    let export = |source: &str, form: &str, to: &Path| {
        let to = to.to_str().unwrap();
        program(
            home.path(),
            &[
                "export",
                "acme/live",
                source,
                "author:/website",
                "--as",
                form,
                "--to",
                to,
            ],
        )
    };
    for (to, whose) in [
        (at("author"), "the content of author of acme/live"),
        (at("author/website"), "the content of author of acme/live"),
        (at("mine/link"), "the content of author of acme/live"),
        (at("mine/../author/website"), "the content of author of acme/live"),
        (state, "Lifeboat's state"),
    ] {
        for (source, form) in [("live", "files"), ("manual", "tar")] {
            let ended = export(source, form, &to);
            assert_eq!(ended.status.code(), Some(2), "{}", to.display());
            // However its lines are broken.
            let said = text(&ended.stderr).replace('\n', " ");
            assert!(said.contains(whose), "{said}");
            assert!(said.contains("Name a folder that is nobody's"), "{said}");
        }
    }
    // The name of a file leads there just as well.
    let ended = export("manual", "tar", &at("mine/link/all.tar"));
    assert_eq!(ended.status.code(), Some(2), "{}", text(&ended.stderr));
    assert_eq!(names(&at("author/website")), before);
    assert_eq!(export("live", "files", &at("mine")).status.code(), Some(0));
    assert_eq!(export("manual", "tar", home.path()).status.code(), Some(0));
}

/// A service, and what the program needs to reach it from a house of its own.
async fn elsewhere(house: &Path) -> Service {
    let service = Service::over(Arc::new(usual()) as _).await;
    let token = house.join("prod.token");
    fs::write(&token, TOKEN).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let config = format!(
        "[contexts.prod]\nbackend = \"{}\"\ntoken_file = \"prod.token\"\n",
        service.address
    );
    fs::write(house.join("lifeboat.toml"), config).unwrap();
    fs::create_dir(house.join("to")).unwrap();
    service
}

/// The program, while it exports.
struct Exporting(Child);

impl Exporting {
    fn begin(house: &Path, form: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
        command
            .args(["export", "acme/live", "daily", "author:/website/home/news"])
            .args(["--as", form, "--to"])
            .arg(house.join("to"))
            .env_clear()
            .env("HOME", house)
            .env("LIFEBOAT_CONFIG", house.join("lifeboat.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Waits until what is not whole yet is there, beside what was `left` before.
    async fn writes(&mut self, house: &Path, left: &[String]) {
        while names(&house.join("to")).iter().all(|name| left.contains(name)) {
            assert_eq!(self.0.try_wait().unwrap(), None, "it has ended");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until it has ended: how, and what it said.
    async fn ends(self) -> (Option<i32>, String) {
        let ended = tokio::task::spawn_blocking(move || self.0.wait_with_output().unwrap());
        let ended = ended.await.unwrap();
        (ended.status.code(), text(&ended.stderr).replace('\n', " "))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_killed_or_cut_off_has_no_name_and_can_be_done_again() {
    for (form, document, name) in [
        ("xml", "export.xml", "website.home.news.xml"),
        ("files", "export-files.tar", "website.home.news"),
    ] {
        let house = tempdir().unwrap();
        let to = house.path().join("to");
        let service = elsewhere(house.path()).await;
        // All of it has come, and nobody has said so yet.
        service.fail_next(document, Fault::Endless);
        let mut exporting = Exporting::begin(house.path(), form);
        exporting.writes(house.path(), &[]).await;
        exporting.0.kill().unwrap();
        exporting.ends().await;
        assert!(!to.join(name).exists());
        let left = names(&to);
        assert!(left.iter().all(|left| left.starts_with(".lifeboat-export-")));

        // The next one takes away what is left, and is cut off itself.
        service.fail_next(document, Fault::Endless);
        let mut exporting = Exporting::begin(house.path(), form);
        exporting.writes(house.path(), &left).await;
        service.pass(false);
        let (code, said) = exporting.ends().await;
        assert_eq!(code, Some(4), "{said}");
        assert!(said.contains("its log says why"), "{said}");
        assert_eq!(names(&to), [""; 0]);

        service.pass(true);
        let (code, said) = Exporting::begin(house.path(), form).ends().await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(names(&to), [name]);
    }
}
