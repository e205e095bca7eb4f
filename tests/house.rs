//! How the house is cut: which room may know which, what `domain` may not do, and what every file has.
//!
//! It reads the source as text. What a room may know stands here once, with the reason for each exception.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use lifeboat::tui::action::TABLE;

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

/// How the kind of an instance's content is asked for.
const KINDS: &[&str] = &[
    "ContentSettings::Files",
    "ContentSettings::Home",
    "ContentSettings::Postgres",
    "Beside::Folder",
    "Beside::Schema",
];

/// Where it has to be known, from the bottom up. A new kind of content is a folder in `content`, which may name its own
/// kind, and a line in these.
const ASK_FOR_KINDS: &[&str] = &[
    // What is configured.
    "config/file.rs",
    "domain/settings.rs",
    "domain/settings/apart.rs",
    // Content is made from settings, and a journal's record is of the same kind.
    "content/kinds.rs",
    // The demo makes both, and `init` asks which it is.
    "demo/sandbox.rs",
    "cli/verbs/init/answers.rs",
    "cli/verbs/init/checks.rs",
    "cli/verbs/init/homes.rs",
    "cli/verbs/init/write.rs",
];

/// The folders of the kinds, which nobody outside of `content` names.
const KIND_ROOMS: &[(&str, &str)] = &[
    ("content::files", "content/files/"),
    ("content::home", "content/home/"),
    ("content::postgres", "content/postgres/"),
];

/// Who does, and what for.
const NAME_A_KIND: &[(&str, &str)] = &[
    // A catalog that machines share is in a database, and connects as content does.
    ("catalog/mod.rs", "content::postgres"),
    ("catalog/error.rs", "content::postgres"),
    ("catalog/presence/node.rs", "content::postgres"),
    ("catalog/store/postgres.rs", "content::postgres"),
    ("engine/opening.rs", "content::postgres"),
    // What `init` asks before there is an instance.
    ("engine/check.rs", "content::postgres"),
    ("engine/check.rs", "content::home"),
    // A home is a folder with a layout of its own, and a plain folder must not be one.
    ("content/home/chosen.rs", "content::files"),
    ("content/home/repository.rs", "content::files"),
    ("content/home/persistence.rs", "content::files"),
    ("content/home/place.rs", "content::files"),
    ("content/home/pointed.rs", "content::files"),
    ("content/home/rest.rs", "content::files"),
    // The small files of a home beside tables are files.
    ("content/postgres/home/mod.rs", "content::files"),
    ("content/postgres/home/place.rs", "content::files"),
    ("content/postgres/home/staging.rs", "content::files"),
    ("content/files/beside.rs", "content::home"),
    ("content/files/place.rs", "content::home"),
    // Which attributes of files are kept in a backup.
    ("repository/format/node.rs", "content::files"),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file of the source: its path below `src`, and its text.
fn files() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(source()).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(found.len() > 300, "{} files were found", found.len());
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
    for (name, text) in files() {
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
fn the_kind_of_content_is_asked_for_only_where_it_has_to_be_known() {
    let mut wrong = Vec::new();
    for (name, text) in files() {
        let (work, _) = code(&text);
        let is_test = name.contains("/tests") || name.ends_with("tests.rs");
        // A kind's own folder may name its own.
        let is_own = KIND_ROOMS.iter().any(|(_, own)| name.starts_with(own));
        let asks = !is_own && KINDS.iter().any(|kind| work.contains(kind));
        if asks && !is_test && !ASK_FOR_KINDS.contains(&name.as_str()) {
            wrong.push(format!("{name} asks what kind of content there is"));
        }
        if !asks && ASK_FOR_KINDS.contains(&name.as_str()) {
            wrong.push(format!(
                "{name} does not ask for it any more: take it out of the list"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_kind_of_content_is_named_outside_of_its_room() {
    let mut wrong = Vec::new();
    let mut named = BTreeSet::new();
    for (name, text) in files() {
        let (work, _) = code(&text);
        let is_test = name.contains("/tests") || name.ends_with("tests.rs");
        if is_test || room(&name) == "content" && !KIND_ROOMS.iter().any(|(_, own)| name.starts_with(own)) {
            continue;
        }
        for (kind, own) in KIND_ROOMS {
            if work.contains(kind) && !name.starts_with(own) {
                named.insert((name.clone(), *kind));
            }
        }
    }
    for (name, kind) in &named {
        if !NAME_A_KIND.contains(&(name.as_str(), kind)) {
            wrong.push(format!("{name} names {kind}"));
        }
    }
    for (name, kind) in NAME_A_KIND {
        if !named.contains(&((*name).to_owned(), *kind)) {
            wrong.push(format!(
                "{name} does not name {kind} any more: take it out of the list"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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

/// A page of the operator's manual.
fn page(name: &str) -> String {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/manual");
    fs::read_to_string(manual.join(name)).unwrap()
}

/// The verbs of the command line, as they are typed, by where the source declares them.
fn verbs() -> Vec<String> {
    let text = fs::read_to_string(source().join("cli/verbs/mod.rs")).unwrap();
    let (_, declared) = text.split_once("pub enum Verb {").unwrap();
    let (declared, _) = declared.split_once("\n}").unwrap();
    declared
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| {
            let end = line.find(['(', ',']).unwrap();
            line[..end].to_ascii_lowercase()
        })
        .collect()
}

#[test]
fn every_verb_has_a_section_in_the_manual() {
    let page = page("verbs.md");
    let verbs = verbs();
    assert!(verbs.len() > 20, "{verbs:?}");
    let missing: Vec<_> = verbs
        .iter()
        .filter(|verb| !page.lines().any(|line| line == format!("## lifeboat {verb}")))
        .collect();
    assert!(missing.is_empty(), "verbs.md says nothing of {missing:?}");
    let stale: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("## lifeboat "))
        .filter(|verb| !verbs.iter().any(|known| known == verb))
        .collect();
    assert!(
        stale.is_empty(),
        "verbs.md tells of {stale:?}, which there are not"
    );
}

#[test]
fn every_action_is_in_the_manual_with_its_keys() {
    let page = page("cockpit.md");
    let rows = TABLE.iter().map(|row| {
        let keys: Vec<_> = row.keys.iter().map(|key| format!("`{}`", key.label())).collect();
        format!("| {} | {} |", keys.join(" "), row.label)
    });
    let missing: Vec<_> = rows
        .filter(|row| !page.lines().any(|line| line.starts_with(row.as_str())))
        .collect();
    assert!(missing.is_empty(), "cockpit.md has no row for {missing:#?}");
}

#[test]
fn every_link_in_the_manual_leads_somewhere() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/manual");
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&manual).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if !target.contains("://") && !file.is_empty() && !manual.join(file).exists() {
                wrong.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
