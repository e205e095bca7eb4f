//! The texts that `--help`, `man` and the completions are made of, so that none changes unseen.

use crate::harness::lifeboat;

const VERBS: [&str; 39] = [
    "demo",
    "init",
    "check",
    "environments",
    "backups",
    "schedule",
    "jobs",
    "activity",
    "nodes",
    "notify",
    "report",
    "info",
    "login",
    "browse",
    "find",
    "history",
    "diff",
    "export",
    "backup",
    "plan",
    "restore",
    "approve",
    "reject",
    "undo",
    "confirm",
    "verify",
    "drill",
    "cancel",
    "protect",
    "maintenance",
    "extend",
    "pin",
    "unpin",
    "delete",
    "relocate",
    "serve",
    "token",
    "completions",
    "man",
];

#[test]
fn help_of_the_whole() {
    insta::assert_snapshot!("help_short", lifeboat(&["-h"]).ends().transcript());
    insta::assert_snapshot!("help", lifeboat(&["--help"]).ends().transcript());
}

#[test]
fn help_of_every_verb() {
    for verb in VERBS {
        let ended = lifeboat(&[verb, "--help"]).ends();
        assert_eq!(ended.code, 0);
        for line in ended.out.lines() {
            assert!(line.chars().count() <= 80, "{verb}: {line}");
        }
        insta::assert_snapshot!(format!("help_{verb}"), ended.out);
    }
}

#[test]
fn there_is_no_verb_without_a_snapshot_of_its_help() {
    let help = lifeboat(&["-h"]).ends().out;
    let verbs = help
        .split("Verbs:\n")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    let listed: Vec<_> = verbs
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(listed, VERBS);
}

/// The service prints no object.
#[test]
fn the_fields_of_every_verb_are_listed() {
    let help = lifeboat(&["--help"]).ends().out;
    let fields = help
        .split("Fields of the object that --json prints:\n")
        .nth(1)
        .unwrap();
    let fields = fields.split("\n\n").next().unwrap();
    let mut listed: Vec<_> = fields
        .lines()
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let mut verbs = VERBS.to_vec();
    verbs.retain(|verb| *verb != "serve");
    listed.sort_unstable();
    verbs.sort_unstable();
    assert_eq!(listed, verbs);
}

#[test]
fn the_manual_has_every_verb() {
    let page = lifeboat(&["man"]).ends().out;
    for verb in VERBS {
        assert!(
            page.contains(&format!("\n.SH {}\n", verb.to_uppercase())),
            "{verb}"
        );
    }
    insta::assert_snapshot!("man", page);
}

#[test]
fn every_shell_gets_a_completion_script() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = lifeboat(&["completions", shell]).ends();
        assert_eq!(ended.code, 0);
        for verb in VERBS {
            assert!(ended.out.contains(verb), "{shell}: {verb}");
        }
        assert!(
            !ended.out.contains("in-background"),
            "{shell} offers what is only for Lifeboat itself"
        );
    }
    let json = lifeboat(&["completions", "fish", "--json"]).ends().out;
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["shell"], "fish");
}
