//! Every setting that the program understands has a row in the manual, and the sample, and none else has.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lifeboat::config::{Config, SAMPLE};

/// A key that no table has.
const NONE: &str = "no_such_setting";

/// The tables of the file, each with a file in which it has a key that there is not, and where the manual has its rows.
const TABLES: &[(&str, &str, &str)] = &[
    ("top level", "no_such_setting = 1", "Top level"),
    (
        "catalog",
        "catalog = { connect = \"host=db\", no_such_setting = 1 }",
        "Top level",
    ),
    (
        "[contexts.NAME]",
        "[contexts.a]\nno_such_setting = 1",
        "[contexts.NAME]",
    ),
    (
        "[repository]",
        "[repository]\nno_such_setting = 1",
        "[repository]",
    ),
    (
        "[repository.options]",
        "[repository.options]\nno_such_setting = 1",
        "[repository.options]",
    ),
    (
        "[repository.options.deletions]",
        "[repository.options.deletions]\nno_such_setting = 1",
        "[repository.options]",
    ),
    (
        "[repository.copy]",
        "[repository.copy]\nno_such_setting = 1",
        "[repository.copy]",
    ),
    ("[engine]", "[engine]\nno_such_setting = 1", "[engine]"),
    (
        "[[environment]]",
        "[[environment]]\nno_such_setting = 1",
        "[[environment]]",
    ),
    (
        "schedule",
        "[[environment]]\nschedule = { no_such_setting = 1 }",
        "[[environment]]",
    ),
    (
        "keep",
        "[[environment]]\nkeep = { no_such_setting = 1 }",
        "[[environment]]",
    ),
    (
        "verify",
        "[[environment]]\nverify = { no_such_setting = 1 }",
        "[[environment]]",
    ),
    (
        "drill",
        "[[environment]]\ndrill = { no_such_setting = 1 }",
        "[[environment]]",
    ),
    (
        "[[environment.instance]]",
        "[[environment]]\n[[environment.instance]]\nno_such_setting = 1",
        "[[environment.instance]]",
    ),
    (
        "hooks",
        "[[environment]]\n[[environment.instance]]\nhooks = { no_such_setting = 1 }",
        "[[environment.instance]]",
    ),
    (
        "[[environment.instance.node]]",
        "[[environment]]\n[[environment.instance]]\n[[environment.instance.node]]\nno_such_setting = 1",
        "[[environment.instance.node]]",
    ),
    (
        "content, type = \"postgres\"",
        "[[environment]]\n[[environment.instance]]\ncontent = { type = \"postgres\", no_such_setting = 1 }",
        "content, type = \"postgres\"",
    ),
    ("[server]", "[server]\nno_such_setting = 1", "[server]"),
    ("[[notify]]", "[[notify]]\nno_such_setting = 1", "[[notify]]"),
    ("[[alive]]", "[[alive]]\nno_such_setting = 1", "[[alive]]"),
    ("tls", "[server]\ntls = { no_such_setting = 1 }", "[server]"),
    ("limits", "[server]\nlimits = { no_such_setting = 1 }", "[server]"),
];

/// The keys that the program understands in each table, by what it says of one that there is not.
pub fn all() -> Vec<(&'static str, Vec<String>)> {
    TABLES
        .iter()
        .map(|(table, text, _)| (*table, keys(table, text)))
        .collect()
}

fn keys(table: &str, text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lifeboat.toml");
    fs::write(&file, text).unwrap();
    let said = Config::load(&file).unwrap_err().to_string();
    let (_, expected) = said
        .split_once("expected ")
        .filter(|_| said.contains(NONE))
        .unwrap_or_else(|| panic!("{table}: {said}"));
    let mut found: Vec<_> = expected
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    found.sort();
    found
}

/// What a section of the page says.
fn section(page: &str, heading: &str) -> String {
    let is_it = |line: &str| line.trim_start_matches('#').trim() == heading && line.starts_with('#');
    let mut lines = page.lines().skip_while(|line| !is_it(line));
    assert!(lines.next().is_some(), "settings.md has no section {heading}");
    let found: Vec<_> = lines.take_while(|line| !line.starts_with('#')).collect();
    found.join("\n")
}

#[test]
fn every_setting_has_its_place_in_the_manual() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/manual/settings.md");
    let page = fs::read_to_string(page).unwrap();
    let mut missing = Vec::new();
    for (table, text, heading) in TABLES {
        let section = section(&page, heading);
        let words: BTreeSet<_> = section
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .collect();
        let keys = keys(table, text);
        assert!(!keys.is_empty(), "{table}");
        let unknown = keys.into_iter().filter(|key| !words.contains(key.as_str()));
        missing.extend(unknown.map(|key| format!("{key} of {table}, below {heading}")));
    }
    assert!(missing.is_empty(), "settings.md says nothing of {missing:#?}");
}

#[test]
fn every_setting_is_in_the_sample() {
    let words: BTreeSet<_> = SAMPLE
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .collect();
    for (table, keys) in all() {
        let missing: Vec<_> = keys.iter().filter(|key| !words.contains(key.as_str())).collect();
        assert!(
            missing.is_empty(),
            "the sample says nothing of {missing:?} of {table}"
        );
    }
}
