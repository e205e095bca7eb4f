//! `lifeboat init`: what it asks, what it refuses, and that what it writes works.

mod buckets;
mod databases;
mod homes;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use lifeboat::config::Config;
use lifeboat::domain::settings::SecretSource;
use lifeboat::repository::{Key, Repository};
use tempfile::TempDir;

use crate::harness::{Ended, lifeboat};

/// A folder with content for an author and a public.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for folder in [
            "author/config",
            "author/website",
            "author/dam",
            "public-1/website",
        ] {
            fs::create_dir_all(place.path(folder)).unwrap();
        }
        fs::write(place.path("author/loose.txt"), "not a workspace").unwrap();
        fs::write(place.path("RELEASE"), "v12\n").unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The folder's own name differs in each run.
    fn stable(&self, text: &str) -> String {
        text.replace(&self.0.path().display().to_string(), "/PLACE")
    }

    /// Everything answered by arguments.
    fn scripted(&self, more: &[&str]) -> Ended {
        let arguments = [
            "init".to_owned(),
            "--yes".to_owned(),
            "--project=acme".to_owned(),
            format!("--instance=author={}", self.text("author")),
            format!("--instance=public-1={}", self.text("public-1")),
            format!("--release-version=@{}", self.text("RELEASE")),
            "--magnolia-version=6.3.4".to_owned(),
            "--uat=uat".to_owned(),
            format!("--config={}", self.text("etc/lifeboat.toml")),
        ];
        let arguments: Vec<&str> = arguments
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .collect();
        lifeboat(&arguments).ends()
    }

    fn repository_flag(&self) -> String {
        format!("--repository={}", self.text("repository"))
    }
}

/// What was asked and said, wherever its lines break: that depends on how long the names of places are.
fn flowing(text: &str) -> String {
    text.replace('\n', " ")
}

fn key(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn what_it_writes_works_at_once() {
    let place = Place::new();
    let ended = place.scripted(&[&place.repository_flag()]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("init_scripted", place.stable(&ended.transcript()));

    let file = place.path("etc/lifeboat.toml");
    insta::assert_snapshot!("init_config", place.stable(&fs::read_to_string(&file).unwrap()));
    let config = Config::load(&file).unwrap();
    assert_eq!(config.context(None).unwrap().name, "local");
    assert_eq!(config.environments.len(), 2);
    assert_eq!(
        config.repository.unwrap().root.folder(),
        Some(&*place.path("repository"))
    );

    let key_file = place.path("etc/repository.key");
    assert_eq!(key(&key_file), "a5".repeat(32) + "\n");
    assert_eq!(
        fs::metadata(&key_file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

/// The service may not look into home folders: whoever copies the configuration and its key to where it may must not have written a
/// configuration that goes on with the key in the home folder.
#[test]
fn what_it_writes_works_wherever_it_is_copied_with_its_key() {
    let place = Place::new();
    let ended = place.scripted(&[&place.repository_flag()]);
    assert_eq!(ended.code, 0, "{}", ended.err);

    fs::rename(place.path("etc"), place.path("elsewhere")).unwrap();
    let config = Config::load(&place.path("elsewhere/lifeboat.toml")).unwrap();
    assert_eq!(
        config.repository.unwrap().key,
        SecretSource::PasswordFile(place.path("elsewhere/repository.key"))
    );
}

#[test]
fn nothing_that_exists_is_overwritten() {
    let place = Place::new();
    fs::create_dir(place.path("etc")).unwrap();
    fs::write(place.path("etc/repository.key"), "an older key\n").unwrap();
    let ended = place.scripted(&[&place.repository_flag()]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(key(&place.path("etc/repository.key")), "an older key\n");
    assert!(ended.out.contains("was there before, and is used"));

    let before = fs::read_to_string(place.path("etc/lifeboat.toml")).unwrap();
    let again = place.scripted(&[&place.repository_flag()]);
    assert_eq!(again.code, 2);
    assert!(
        again.err.replace('\n', " ").contains("is not overwritten"),
        "{}",
        again.err
    );
    assert_eq!(
        fs::read_to_string(place.path("etc/lifeboat.toml")).unwrap(),
        before
    );
}

#[test]
fn an_empty_file_is_no_key() {
    let place = Place::new();
    fs::create_dir(place.path("etc")).unwrap();
    fs::write(place.path("etc/repository.key"), "").unwrap();
    let ended = place.scripted(&[&place.repository_flag()]);
    assert_eq!(ended.code, 2);
    assert!(!place.path("etc/lifeboat.toml").exists());
}

#[test]
fn backups_that_are_there_already_want_their_own_key() {
    let place = Place::new();
    let there = place.path("repository/acme/live");
    fs::create_dir_all(there.parent().unwrap()).unwrap();
    Repository::open_or_create(&there, &Key::new("theirs".to_owned())).unwrap();
    fs::create_dir(place.path("keys")).unwrap();
    fs::write(place.path("keys/theirs"), "theirs\n").unwrap();
    fs::write(place.path("keys/another"), "another\n").unwrap();
    let [theirs, another] = ["theirs", "another"].map(|name| place.text(&format!("keys/{name}")));

    // The key that would be made, and one that is another's.
    for (flags, told) in [
        (vec![place.repository_flag()], "a new key opens none of them"),
        (
            vec![place.repository_flag(), format!("--key={another}")],
            "the key does not open the repository",
        ),
    ] {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let ended = place.scripted(&flags);
        let said = flowing(&ended.err);
        assert_eq!(ended.code, 2, "{said}");
        assert!(
            said.contains("backups of acme/live are in") && said.contains(told) && said.contains("--key"),
            "{said}"
        );
        assert!(!place.path("etc").exists(), "something was written");
    }
    let ended = place.scripted(&[&place.repository_flag(), &format!("--key={theirs}")]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        flowing(&ended.out).contains("are there already, and the key opens them"),
        "{}",
        ended.out
    );

    // Whoever is asked is asked once more.
    fs::remove_dir_all(place.path("etc")).unwrap();
    let answers = format!(
        "acme\n\n{author}\n\nv12\n6.3.4\n{repository}\n\n{another}\n{theirs}\n\n\n",
        author = place.text("author"),
        repository = place.text("repository"),
    );
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["init", &config]).typing(&answers).ends();
    let said = flowing(&ended.err);
    assert_eq!(ended.code, 0, "{said}");
    assert_eq!(
        said.matches("File for the key of the backups").count(),
        3,
        "{said}"
    );
}

#[test]
fn places_inside_one_another_are_refused_before_anything_is_written() {
    let place = Place::new();
    let flags = [
        format!("--repository={}", place.text("author/backups")),
        format!("--repository={}", place.text("")),
        format!("--repository={}", place.text("etc")),
        format!("--key={}", place.text("author/key")),
        format!("--instance=public-2={}", place.text("missing")),
        format!("--instance=public-2={}", place.text("author/dam")),
    ];
    for flag in flags {
        let ended = place.scripted(&[&flag]);
        assert_eq!(ended.code, 2, "{flag}: {}", ended.err);
        assert!(!place.path("etc").exists(), "{flag}");
    }
}

#[test]
fn without_a_terminal_missing_answers_are_named() {
    let ended = lifeboat(&["init", "--yes"]).ends();
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("--project is missing"), "{}", ended.err);
    let ended = lifeboat(&["init", "--project=acme", "--instance=author"]).ends();
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("NAME=DIR"), "{}", ended.err);
}

#[test]
fn on_a_terminal_it_asks() {
    let place = Place::new();
    let answers = format!(
        "acme\n\n{missing}\n{author}\n{public}\n\nv12\n6.3.4\n{repository}\n\nuat\n\n",
        missing = place.text("missing"),
        author = place.text("author"),
        public = place.text("public-1"),
        repository = place.text("repository"),
    );
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["init", &config]).typing(&answers).ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("init_asked", place.stable(&flowing(&ended.err)));
    assert!(
        place
            .stable(&ended.out)
            .contains("3 workspaces: config, dam, website"),
        "{}",
        ended.out
    );
    let config = Config::load(&place.path("etc/lifeboat.toml")).unwrap();
    let names: Vec<_> = config
        .environments
        .iter()
        .map(|environment| environment.name.as_str())
        .collect();
    assert_eq!(names, ["live", "uat"]);
}

#[test]
fn an_answer_that_cannot_be_used_is_asked_for_again() {
    let place = Place::new();
    let answers = format!(
        "\nac me\nacme\nli/ve\n\n\n{author}\n\n@{missing}\nv12\n\n6.3.4\n{inside}\n{repository}\n{locked}\n\nlive\nuat\n\n",
        author = place.text("author"),
        missing = place.text("missing"),
        inside = place.text("author/backups"),
        repository = place.text("repository"),
        locked = place.text("repository/key"),
    );
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["init", &config]).typing(&answers).ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("init_asked_again", place.stable(&flowing(&ended.err)));
}

#[test]
fn answers_that_end_too_early_write_nothing() {
    let place = Place::new();
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["init", &config]).typing("acme\n").ends();
    assert_eq!(ended.code, 1);
    assert!(!place.path("etc").exists());
}

#[test]
fn a_word_leaves_its_questions_and_nothing_is_written() {
    for answers in ["back\n", "acme\nQuit\n", "acme\nlive\nquit\n"] {
        let place = Place::new();
        let config = format!("--config={}", place.text("etc/lifeboat.toml"));
        let ended = lifeboat(&["init", &config]).typing(answers).ends();
        assert_eq!(ended.code, 1, "{answers}: {}", ended.err);
        assert!(
            ended.err.contains("left: nothing was written"),
            "{answers}: {}",
            ended.err
        );
        assert!(!place.path("etc").exists());
    }
    // In lines the question alone is left.
    let place = Place::new();
    let init = format!("init --config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["--plain"])
        .typing(&format!("{init}\nacme\nquit\nquit\n"))
        .ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.err.contains("left: nothing was written"), "{}", ended.err);
    assert!(!place.path("etc").exists());
}

#[test]
fn what_was_pasted_answers_one_of_its_questions() {
    let place = Place::new();
    let answers = format!("acme\nlive\n{}\n", place.text("author"));
    // In a shell the terminal throws it away before each question.
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let shell = lifeboat(&["init", &config]).typing(&answers).ends();
    let questions = shell.err.matches(": ").count();
    assert!(
        shell.flushes >= 4,
        "{} of {questions}: {}",
        shell.flushes,
        shell.err
    );
    // In lines it is said how much of it was not taken.
    let ended = lifeboat(&["--plain"])
        .pasting(&[&format!("init {config}\n{answers}"), "quit\n", "quit\n"])
        .ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        flowing(&ended.err).contains("3 lines were typed before this was asked, and not taken"),
        "{}",
        ended.err
    );
    assert!(
        !ended.err.contains("Name of the Live environment"),
        "{}",
        ended.err
    );
    assert!(!place.path("etc").exists());
}

#[test]
fn programs_get_what_was_written() {
    let place = Place::new();
    let ended = place.scripted(&[&place.repository_flag(), "--json"]);
    let value: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(value["config"], place.text("etc/lifeboat.toml"));
    assert_eq!(value["password_file"], place.text("etc/repository.key"));
    assert_eq!(value["environments"][0], "acme/live");
    assert_eq!(value["instances"][1]["workspaces"][0], "website");
}

#[test]
fn the_sample_is_printed_and_nothing_is_written() {
    let ended = lifeboat(&["init", "--sample"]).ends();
    assert_eq!(ended.out, lifeboat::config::SAMPLE);
}
