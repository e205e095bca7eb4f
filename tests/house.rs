//! How the house is cut: which room may know which, what `domain` may not do, and what every file has.
//!
//! It reads the source as text. What a room may know stands here once, with the reason for each exception.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "house/kinds.rs"]
mod kinds;
#[path = "house/manual.rs"]
mod manual;
#[path = "house/words.rs"]
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the bottom up, and which others each may know. A room may always know itself.
const ROOMS: &[(&str, &[&str])] = &[
    // The vocabulary and the world outside.
    ("domain", &[]),
    ("concurrency", &[]),
    ("clock", &["domain"]),
    ("random", &[]),
    ("watch", &["domain"]),
    ("secret", &["domain"]),
    ("certificates", &["domain"]),
    ("disk", &[]),
    ("jcr", &["domain"]),
    ("config", &["domain"]),
    // What an instance holds.
    (
        "content",
        &[
            "domain",
            "concurrency",
            "watch",
            "random",
            "certificates",
            "secret",
            "disk",
            "jcr",
        ],
    ),
    // What is remembered, and what is kept. Neither knows the other.
    ("catalog", &["domain", "content"]),
    (
        "repository",
        &[
            "domain",
            "concurrency",
            "clock",
            "watch",
            "certificates",
            "secret",
            "disk",
            "content",
        ],
    ),
    // What is done.
    (
        "engine",
        &[
            "domain",
            "concurrency",
            "clock",
            "random",
            "watch",
            "certificates",
            "secret",
            "disk",
            "jcr",
            "content",
            "catalog",
            "repository",
        ],
    ),
    // Who answers: the engine in this process, or a service elsewhere.
    (
        "backend",
        &[
            "domain",
            "clock",
            "random",
            "watch",
            "certificates",
            "secret",
            "catalog",
            "engine",
        ],
    ),
    // Who asks.
    ("tui", &["domain", "backend"]),
    ("server", &["domain", "clock", "backend"]),
    // It makes a past, for which it needs the engine itself, and nodes in rows, whose form is known in one place.
    (
        "demo",
        &["domain", "clock", "random", "jcr", "content", "backend", "engine"],
    ),
    (
        "cli",
        &[
            "domain", "clock", "random", "config", "backend", "tui", "server", "demo",
        ],
    ),
];

/// What the repository is made of, from the bottom up, and which others each part may know. `mod.rs` binds them.
const REPOSITORY: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("format", &[]),
    ("key", &["error"]),
    ("storage", &["error"]),
    ("library", &["error", "storage"]),
    ("guard", &["error", "format", "storage", "library"]),
    ("lock", &["error", "format", "storage", "guard"]),
    ("holders", &["error", "storage", "guard", "lock"]),
    ("read", &["error", "format", "library", "guard"]),
    // Whatever is written is read back.
    (
        "write",
        &["error", "format", "storage", "library", "guard", "read"],
    ),
];

/// What only tests know from below: they start a database server as the demo does.
const ONLY_TESTS: &[(&str, &str)] = &[("catalog", "demo"), ("engine", "demo")];

/// What has no place in rules: whoever does it reads the world outside.
const NOT_IN_DOMAIN: &[&str] = &[
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "ToSocketAddrs",
    "std::env",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "SystemTime::now",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "tokio::",
    "reqwest::",
];

/// The longest that a file may be, in lines.
const LONGEST: usize = 500;

/// Files that are longer, and wait to be cut. None is added, and one that was cut is taken out.
const LONGER: &[&str] = &[];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file of the source: its path below `src`, and its text.
fn files() -> BTreeMap<String, String> {
    let found = files_below("src");
    assert!(found.len() > 300, "{} files were found", found.len());
    found
}

/// Every file of Rust below a folder: its path there, and its text.
fn files_below(folder: &str) -> BTreeMap<String, String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// The room of a file, by its path below `src`.
fn room(name: &str) -> &str {
    let first = name.split('/').next().unwrap_or(name);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// A file without its comments, and, where it has tests at its end, those by themselves.
fn code(text: &str) -> (String, String) {
    let plain: Vec<_> = text
        .lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .collect();
    let tests = plain
        .iter()
        .position(|line| line.trim_start().starts_with("#[cfg(test)]"))
        .unwrap_or(plain.len());
    // What is only declared there is a line of its own; the code goes on behind it.
    let tests = match plain.get(tests + 1) {
        Some(next) if next.trim_end().ends_with(';') => plain.len(),
        _ => tests,
    };
    (plain[..tests].join("\n"), plain[tests..].join("\n"))
}

/// The rooms that a piece of code names: `crate::room`, and those of `crate::{room, room}`.
fn named(code: &str) -> BTreeSet<String> {
    named_below("crate::", code)
}

/// What a piece of code names behind a path.
fn named_below(path: &str, code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(path) {
        let rest = &code[at + path.len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split('}').next().unwrap_or_default();
                found.extend(list.split(',').map(|name| word(name.trim())));
            }
            None => {
                found.insert(word(rest));
            }
        }
    }
    found.remove("");
    found
}

#[test]
fn arrows_between_rooms_point_down() {
    let rooms: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, text) in files() {
        let from = room(&name);
        if matches!(from, "lib" | "main") {
            continue;
        }
        let Some(allowed) = rooms.get(from) else {
            wrong.push(format!("{name}: the room \"{from}\" is not in the list"));
            continue;
        };
        let is_test = name.contains("/tests") || name.ends_with("tests.rs");
        let (work, tests) = code(&text);
        let (work, tests) = if is_test {
            (String::new(), text)
        } else {
            (work, tests)
        };
        for to in named(&work) {
            if rooms.contains_key(to.as_str()) && to != from && !allowed.contains(&to.as_str()) {
                wrong.push(format!("{name} knows {to}"));
            }
        }
        for to in named(&code(&tests).0) {
            let may = allowed.contains(&to.as_str()) || ONLY_TESTS.contains(&(from, to.as_str()));
            if is_test && rooms.contains_key(to.as_str()) && to != from && !may {
                wrong.push(format!("the tests in {name} know {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_room_knows_only_rooms_below_it() {
    for rooms in [ROOMS, REPOSITORY] {
        let mut below = BTreeSet::new();
        for (room, knows) in rooms {
            for known in *knows {
                assert!(
                    below.contains(known),
                    "{room} knows {known}, which is not below it"
                );
            }
            assert!(below.insert(*room), "{room} stands twice");
        }
    }
}

#[test]
fn arrows_between_the_parts_of_the_repository_point_down() {
    let parts: BTreeMap<_, _> = REPOSITORY.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, text) in files() {
        let Some(below) = name
            .strip_prefix("repository/")
            .filter(|below| *below != "mod.rs")
        else {
            continue;
        };
        let from = room(below);
        let Some(allowed) = parts.get(from) else {
            wrong.push(format!("{name}: the part \"{from}\" is not in the list"));
            continue;
        };
        let (work, _) = code(&text);
        let above = if below.contains('/') && !below.ends_with("/mod.rs") {
            "super::super::"
        } else {
            "super::"
        };
        let mut known = named_below("crate::repository::", &work);
        known.extend(named_below(above, &work));
        known.retain(|to| parts.contains_key(to.as_str()) && to != from && !allowed.contains(&to.as_str()));
        wrong.extend(known.iter().map(|to| format!("{name} knows {to}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_rules_read_nothing_of_the_world_outside() {
    let mut wrong = Vec::new();
    for (name, text) in files() {
        if room(&name) == "domain" {
            let (work, _) = code(&text);
            let found = NOT_IN_DOMAIN.iter().filter(|what| work.contains(**what));
            wrong.extend(found.map(|what| format!("{name} uses {what}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_first_what_it_is_for() {
    for (name, text) in files() {
        assert!(
            text.starts_with("//! "),
            "{name} does not open with what it is for"
        );
    }
}

#[test]
fn no_file_is_longer_than_one_subject_takes() {
    let mut wrong = Vec::new();
    let tests = files_below("tests");
    assert!(tests.len() > 200, "{} tests were found", tests.len());
    // A test is read as often as what it holds, and has subjects as well.
    let tests = tests
        .into_iter()
        .map(|(name, text)| (format!("tests/{name}"), text));
    for (name, text) in files().into_iter().chain(tests) {
        let lines = text.lines().count();
        let may = LONGER.contains(&name.as_str());
        if lines > LONGEST && !may {
            wrong.push(format!("{name} has {lines} lines"));
        }
        if lines <= LONGEST && may {
            wrong.push(format!("{name} was cut: take it out of the list"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_engine_only_opens_things_and_hands_out_handles() {
    let mut wrong = Vec::new();
    for (name, text) in files() {
        if name != "engine/mod.rs" && text.lines().any(|line| line.starts_with("impl Engine ")) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "these add actions to Engine: {wrong:?}");
}

#[test]
fn nobody_is_taken_for_the_schedule_or_for_lifeboat_by_a_word() {
    for (name, text) in files() {
        let (work, _) = code(&text);
        if matches!(room(&name), "engine" | "catalog" | "server" | "backend") {
            for word in [
                "== \"schedule\"",
                "== \"lifeboat\"",
                "by: \"schedule\"",
                "by: \"lifeboat\"",
            ] {
                assert!(!work.contains(word), "{name} decides by {word}");
            }
        }
    }
}

#[test]
fn nobody_has_to_think_of_a_mutex_that_is_poisoned() {
    let mut wrong = Vec::new();
    for (name, text) in files() {
        let (work, tests) = code(&text);
        let all = format!("{work}\n{tests}");
        let of_the_standard_library = all.lines().any(|line| {
            let is_imported = line.contains("std::sync::") && !line.contains("mpsc");
            is_imported
                && ["Mutex", "Condvar", "RwLock"]
                    .iter()
                    .any(|what| line.contains(what))
        });
        if of_the_standard_library || all.contains("PoisonError") {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "these lock without parking_lot: {wrong:?}");
}
