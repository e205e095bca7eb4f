//! The manual and the service speak of the same metrics: an alarm on one that there is not never fires, and one that no
//! page names is never watched.
//!
//! What the service answers for each of them is looked at in the tests of the server.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The names of metrics in a text. What ends in an underscore is how the name of a schema begins.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '_');
    words
        .filter(|word| word.starts_with("lifeboat_") && !word.ends_with('_'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_on_the_service_names_every_metric_that_there_is_and_no_other() {
    let there_are = metrics(&text("src/server/metrics.rs"));
    assert!(there_are.len() > 20, "{there_are:?}");
    assert_eq!(metrics(&text("assets/manual/service.md")), there_are);
}

#[test]
fn every_metric_that_other_pages_name_is_there() {
    let there_are = metrics(&text("src/server/metrics.rs"));
    let named = metrics(&text("assets/manual/proof.md"));
    assert!(!named.is_empty() && named.is_subset(&there_are), "{named:?}");
}

/// An age of what has never been is absent, and a comparison with what is absent never fires.
#[test]
fn an_alarm_on_an_age_fires_where_there_is_no_age_as_well() {
    let page = text("assets/manual/service.md");
    let (_, watched) = page.split_once("\n## What to watch\n").unwrap();
    let (watched, _) = watched.split_once("\n## ").unwrap();
    let rows = watched.lines().filter(|line| line.starts_with("| `"));
    let ages: Vec<String> = rows
        .flat_map(metrics)
        .filter(|name| name.ends_with("_age_seconds"))
        .collect();
    assert!(ages.len() >= 3, "{ages:?}");
    for age in ages {
        let absent = format!("unless on (project, environment) {age}");
        assert!(watched.contains(&absent), "{age}");
    }
}
