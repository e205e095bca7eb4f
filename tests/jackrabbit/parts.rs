//! Pages that come back into a repository of Jackrabbit's without the rest of their workspace: what Jackrabbit says of it
//! afterwards is Live with exactly these pages as they were.

use std::collections::{BTreeMap, BTreeSet};

use lifeboat::domain::plan::Selection;
use lifeboat::domain::request::RestoreRequest;
use lifeboat::watch::Unwatched;

use crate::house::{House, back_up, done, request, undo};
use crate::magnolia::{DataStore, Magnolia, part, parts};

/// One node of a dump: its path, its id, and what is said of it.
#[derive(Debug, Clone, PartialEq)]
struct Said<'d> {
    path: &'d str,
    id: &'d str,
    /// Without the references to it, which are looked at by themselves.
    lines: Vec<&'d str>,
    referred_by: BTreeSet<&'d str>,
}

/// The nodes of a workspace, in their order.
fn nodes(workspace: &str) -> Vec<Said<'_>> {
    let mut nodes: Vec<Said<'_>> = Vec::new();
    for line in workspace.lines() {
        if let Some(from) = line.strip_prefix("  < ") {
            nodes.last_mut().unwrap().referred_by.insert(from);
        } else if line.starts_with('/') {
            let (path, rest) = line.split_once(" [").unwrap();
            let (_, id) = rest.rsplit_once(' ').unwrap();
            nodes.push(Said {
                path,
                id,
                lines: vec![line],
                referred_by: BTreeSet::new(),
            });
        } else if line.starts_with("  ") {
            nodes.last_mut().unwrap().lines.push(line);
        }
    }
    nodes
}

fn is_in(path: &str, top: &str) -> bool {
    path.strip_prefix(top)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// That what refers to each node is what Jackrabbit's table of references says, and that searches find what is there.
fn fits_together(workspace: &str) {
    let nodes = nodes(workspace);
    let mut refers: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for node in &nodes {
        for line in &node.lines {
            let Some((name, values)) = line
                .strip_prefix("  - ")
                .and_then(|line| line.split_once(" Reference "))
            else {
                continue;
            };
            for target in values.split('"').filter(|text| text.len() == 36) {
                let from = format!("{}/{name}", node.path.trim_end_matches('/'));
                refers.entry(target).or_default().insert(from);
            }
        }
    }
    let mut count = 0;
    for node in &nodes {
        let expected = refers.remove(node.id).unwrap_or_default();
        let found: BTreeSet<String> = node.referred_by.iter().map(|from| (*from).to_owned()).collect();
        count += found.len();
        assert_eq!(found, expected, "{}", node.path);
    }
    assert!(count > 20, "{count} references");
    let mut searches = 0;
    for line in workspace.lines() {
        let Some((title, paths)) = line
            .strip_prefix("found by title ")
            .and_then(|line| line.split_once(": "))
        else {
            continue;
        };
        let has_title = |node: &&Said<'_>| {
            node.lines
                .iter()
                .any(|line| *line == format!("  - title String \"{title}\""))
        };
        let mut expected: Vec<&str> = nodes.iter().filter(has_title).map(|node| node.path).collect();
        expected.sort_unstable();
        // Frozen nodes of versions are found as well, and are not told node by node.
        let found: Vec<&str> = paths
            .trim_start_matches('/')
            .split(" /")
            .filter(|path| !path.starts_with("jcr:system/"))
            .collect();
        let found: Vec<String> = found.iter().map(|path| format!("/{path}")).collect();
        assert_eq!(found, expected, "{title}");
        searches += 1;
    }
    assert!(searches > 10, "{searches} searches");
}

/// The topics of the sections: pages with others below them.
fn topics<'d>(nodes: &[Said<'d>]) -> Vec<&'d str> {
    let is_topic = |node: &&Said<'_>| {
        node.path.starts_with("/section-")
            && node.path.matches('/').count() == 2
            && node.lines[0].contains("[mgnl:page")
    };
    nodes.iter().filter(is_topic).map(|node| node.path).collect()
}

/// Histories of these pages are as they were, all others as they are in Live.
fn histories_are_right(before: &str, damaged: &str, after: &str, tops: &[&str]) {
    let ids: BTreeSet<&str> = nodes(part(before, "website"))
        .iter()
        .filter(|node| tops.iter().any(|top| is_in(node.path, top)))
        .map(|node| node.id)
        .collect();
    let (of_then, of_live) = (parts(before), parts(damaged));
    let mut histories = 0;
    for (head, text) in parts(after) {
        let Some(rest) = head.strip_prefix("history of ") else {
            continue;
        };
        let comes = ids.contains(rest.split(' ').next().unwrap());
        histories += usize::from(comes);
        let expected = if comes {
            of_then.get(head)
        } else {
            of_live.get(head)
        };
        assert_eq!(Some(&text), expected, "{head}, which {comes}");
    }
    assert!(histories > 0, "none of the pages has versions");
}

/// The lines of the nodes at some paths.
fn lines(nodes: Vec<Said<'_>>, takes: &dyn Fn(&str) -> bool) -> Vec<Vec<String>> {
    let chosen = nodes.into_iter().filter(|node| takes(node.path));
    chosen
        .map(|node| node.lines.into_iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn pages_come_back_alone_and_jackrabbit_finds_nothing_wrong() {
    let Some(magnolia) = Magnolia::filled(DataStore::Folder) else {
        return;
    };
    let before = magnolia.dump();
    let engine = magnolia.house.engine();
    let backup = back_up(&engine).0;
    magnolia.run("damage", &[]);
    let then = nodes(part(&before, "website"));
    let damaged = magnolia.dump();
    let now = nodes(part(&damaged, "website"));
    let in_both: Vec<&str> = topics(&now)
        .into_iter()
        .filter(|topic| topics(&then).contains(topic))
        .collect();
    // The largest of those that are gone, and whose parents are not.
    let is_there = |path: &str| now.iter().any(|node| node.path == path);
    let is_gone = |node: &&Said<'_>| {
        let (parent, _) = node.path.rsplit_once('/').unwrap();
        !is_there(node.path) && is_there(parent)
    };
    let below = |top: &str| then.iter().filter(|node| is_in(node.path, top)).count();
    let deleted = then
        .iter()
        .filter(is_gone)
        .map(|node| node.path)
        .max_by_key(|path| below(path))
        .unwrap();
    let is_movable = |topic: &&&str| !is_in(deleted, topic);
    let moved = (*in_both.iter().find(is_movable).unwrap()).to_owned();
    let changed = (*in_both.iter().rev().find(is_movable).unwrap()).to_owned();
    println!(
        "deleted {deleted} ({}), moved {moved} ({}), changed {changed}",
        below(deleted),
        below(&moved)
    );
    assert_ne!(moved, changed);
    magnolia.run("move", &["--from", &moved, "--to", "/section-0/moved-away"]);
    let damaged = magnolia.dump();
    fits_together(part(&damaged, "website"));

    magnolia.house.pass(chrono::Duration::minutes(1));
    let tops = [deleted, moved.as_str(), changed.as_str()];
    let paths = tops.map(|path| format!("author:/website{path}").parse().unwrap());
    let wanted = RestoreRequest {
        selection: Selection::of_paths(Vec::new(), paths.to_vec()).unwrap(),
        ..request(&backup, &[])
    };
    let live = engine.live(&House::live()).unwrap();
    let plan = live.plan_restore(&wanted, &Unwatched).unwrap();
    assert_eq!(plan.obstacles, Vec::<String>::new());
    assert!(
        plan.warnings
            .iter()
            .any(|told| told.contains("is at /section-0/moved-away in Live")),
        "{:#?}",
        plan.warnings
    );
    done(
        &engine,
        lifeboat::engine::start_restore(&engine, &plan.id, "acme/live").unwrap(),
    );

    let after = magnolia.dump_when_sound();
    fits_together(part(&after, "website"));
    let website = || nodes(part(&after, "website"));
    for top in tops {
        let wanted = lines(nodes(part(&before, "website")), &|path| is_in(path, top));
        assert!(!wanted.is_empty(), "{top}");
        assert_eq!(lines(website(), &|path| is_in(path, top)), wanted, "{top}");
    }
    let is_outside =
        |path: &str| !tops.iter().any(|top| is_in(path, top)) && !is_in(path, "/section-0/moved-away");
    assert_eq!(
        lines(website(), &is_outside),
        lines(nodes(part(&damaged, "website")), &is_outside)
    );
    assert!(
        website()
            .iter()
            .all(|node| !is_in(node.path, "/section-0/moved-away"))
    );
    for left in ["dam", "users", "config", "category", "mgnlVersion"] {
        assert!(
            part(&after, left) == part(&damaged, left),
            "{left} is as it was in Live"
        );
    }
    histories_are_right(&before, &damaged, &after, &tops);
    // What was brought back can be edited, checked in and moved.
    magnolia.run("move", &["--from", deleted, "--to", "/section-0/and-away"]);
    magnolia.is_sound();
    magnolia.run("move", &["--from", "/section-0/and-away", "--to", deleted]);

    magnolia.house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    let undone = magnolia.dump_when_sound();
    assert!(
        part(&undone, "website") == part(&damaged, "website"),
        "{}",
        magnolia.differences()
    );
}
