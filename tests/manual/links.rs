//! Links in the front page, the manual and the pages for those who work on Lifeboat lead to files and headings that there
//! are, and the front page stays one.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page that somebody reads.
fn pages() -> Vec<PathBuf> {
    let mut found = [
        "README.md",
        "CHANGELOG.md",
        "src/README.md",
        ".github/CONTRIBUTING.md",
        ".github/SECURITY.md",
    ]
    .map(|page| root().join(page))
    .to_vec();
    let manual = fs::read_dir(root().join("assets/manual")).unwrap();
    let manual = manual.map(|entry| entry.unwrap().path());
    found.extend(manual.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    assert!(found.len() > 20, "{found:?}");
    found
}

/// The names that the headings of a page have in links.
fn anchors(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            let kept: String = heading.chars().filter(kept).collect();
            kept.replace(' ', "-")
        })
        .collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_there_are() {
    let mut wrong = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap_or_default();
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(file)
            };
            let is_there =
                file.exists() && (anchor.is_empty() || anchors(&file).iter().any(|known| known == anchor));
            if !is_there {
                wrong.push(format!(
                    "{}: {target}",
                    page.strip_prefix(root()).unwrap().display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_front_page_stays_one() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(text.lines().count() <= 150, "move what is more into the manual");
}

#[test]
fn every_page_of_the_manual_is_in_its_list_and_on_the_front_page() {
    let list = fs::read_to_string(root().join("assets/manual/README.md")).unwrap();
    let front = fs::read_to_string(root().join("README.md")).unwrap();
    for page in pages() {
        let name = page.file_name().unwrap().to_str().unwrap();
        if page.starts_with(root().join("assets/manual")) && name != "README.md" {
            assert!(list.contains(&format!("({name}")), "the manual's list: {name}");
            assert!(
                front.contains(&format!("(assets/manual/{name}")),
                "the front page: {name}"
            );
        }
    }
}

/// Two sections of one name say two things of one matter, and only the first can be linked.
#[test]
fn no_page_of_the_manual_has_two_headings_of_one_name() {
    let manual = pages()
        .into_iter()
        .filter(|page| page.starts_with(root().join("assets/manual")));
    for page in manual {
        let mut anchors = anchors(&page);
        anchors.sort();
        for pair in anchors.windows(2) {
            assert_ne!(pair[0], pair[1], "{}", page.display());
        }
    }
}
