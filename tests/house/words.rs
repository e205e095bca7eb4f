//! That one thing is said as one: `1 item`, and never `1 items`.

use std::fs;
use std::path::Path;

/// What is counted on screens and in sentences.
const COUNTED: &[&str] = &[
    "backups",
    "characters",
    "copies",
    "days",
    "differences",
    "entries",
    "environments",
    "events",
    "files",
    "folders",
    "hours",
    "instances",
    "items",
    "jobs",
    "lines",
    "minutes",
    "nodes",
    "objects",
    "packs",
    "pages",
    "paths",
    "properties",
    "receivers",
    "records",
    "seconds",
    "sessions",
    "sources",
    "tables",
    "values",
    "warnings",
    "workspaces",
];

/// Where a text has one of many: `1 items`, `1 more items`.
fn one_of_many(text: &str) -> Vec<String> {
    text.lines().flat_map(in_line).collect()
}

fn in_line(line: &str) -> Vec<String> {
    // Two blanks stand between columns, and behind the number of a choice.
    let words: Vec<&str> = line.split(' ').collect();
    let is_counted = |word: &str| COUNTED.contains(&word.trim_matches(|c: char| !c.is_alphanumeric()));
    let found = words.windows(3).filter(|three| {
        let adjective = ["more", "other", "further"].contains(&three[1]);
        three[0].trim_start_matches('(') == "1"
            && (is_counted(three[1]) || (adjective && is_counted(three[2])))
    });
    found.map(|three| three.join(" ")).collect()
}

/// All stored screens and outputs below a folder.
fn stored(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            stored(&path, into);
        } else if path.extension().is_some_and(|end| end == "snap") {
            into.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn one_thing_is_said_as_one_on_every_stored_screen() {
    assert_eq!(one_of_many("with 1 items, 11 items and (1 more paths)").len(), 2);
    let mut all = Vec::new();
    stored(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut all);
    assert!(all.len() > 100, "{}", all.len());
    let found: Vec<_> = all
        .iter()
        .flat_map(|(path, text)| {
            one_of_many(text)
                .into_iter()
                .map(move |words| format!("{path}: {words}"))
        })
        .collect();
    assert_eq!(found, [""; 0]);
}
