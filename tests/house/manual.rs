//! That the operator's manual has every verb and every action, and that its links lead somewhere.

use std::fs;
use std::path::Path;

use lifeboat::tui::action::TABLE;

use super::source;

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
