//! Nodes that are configured: their search indexes go where they are reached, and who is not reached or not known is named.

use lifeboat::domain::check::Verdict;
use lifeboat::domain::settings::{Hooks, NodeSettings};
use lifeboat::engine::check;

use crate::clustered::{change, findings, house};
use crate::house::{House, back_up, plan, restore};

#[test]
fn search_indexes_of_nodes_go_where_they_are_reached_and_are_named_where_they_are_not() {
    let mut house = house();
    let reached = house.path("one/workspaces");
    let index = reached.join("website/index");
    std::fs::create_dir_all(&index).unwrap();
    std::fs::write(index.join("indexes_2"), "").unwrap();
    let node = |name: &str| NodeSettings {
        name: name.parse().unwrap(),
        cluster_id: None,
        health: None,
        hooks: Hooks::default(),
        search_indexes: Vec::new(),
    };
    let (mut one, mut two, mut three) = (node("node-1"), node("two"), node("three"));
    one.search_indexes = vec![reached.join("{workspace}/index")];
    two.cluster_id = Some("node-2".to_owned());
    three.hooks.after_restore = vec!["true".to_owned()];
    let engine = house.engine();
    let backup = back_up(&engine).0;
    change(&house);
    let mut client = house.client("author");
    client
        .batch_execute("INSERT INTO local_revisions VALUES ('ghost', 3)")
        .unwrap();

    // Nobody has named the nodes.
    let told = plan(&engine, &backup, &[]).warnings.join("\n");
    assert!(
        told.contains("each node of author (ghost, node-1 and node-2) has search indexes"),
        "{told}"
    );
    drop(engine);

    house.nodes = vec![one, two, three];
    let engine = house.engine();
    let told = plan(&engine, &backup, &[]).warnings.join("\n");
    assert!(
        told.contains("the search indexes of two, three and ghost of author are not reached"),
        "{told}"
    );
    assert!(
        told.contains("the cluster of author knows ghost and no node is configured"),
        "{told}"
    );
    let report = check(&engine, Some(&House::live())).unwrap();
    let found: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.about == "search indexes")
        .map(|finding| format!("{}: {}", finding.verdict.label(), finding.detail))
        .collect();
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(
        found[0].starts_with("warning: two: no folder is configured"),
        "{found:#?}"
    );
    assert!(found[2].starts_with("ok: node-1: 1 folder fits"), "{found:#?}");

    let job = restore(&engine, &backup, &[]);
    assert!(!index.exists());
    let warnings = job.outcome.unwrap().warnings;
    let has = |one: &str, other: &str| {
        let mut all = warnings.iter();
        all.any(|warning| warning.contains(one) && warning.contains(other))
    };
    assert!(
        has(
            "the search indexes of two and ghost of author",
            "the machine of each"
        ),
        "{warnings:#?}"
    );
    // The third may have removed them in its hook, or not.
    assert!(
        has("the search indexes of three of author", "hooks of the node"),
        "{warnings:#?}"
    );
}

#[test]
fn nodes_without_a_cluster_are_told_what_that_means() {
    let mut house = House::new();
    house.nodes = ["one", "two"]
        .map(|name| NodeSettings {
            name: name.parse().unwrap(),
            cluster_id: None,
            health: None,
            hooks: Hooks::default(),
            search_indexes: Vec::new(),
        })
        .to_vec();
    let found = findings(&house.engine());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].1.contains("has no journal of a cluster"), "{found:#?}");
}

#[test]
fn a_hook_of_one_node_stops_none_of_the_others() {
    let mut house = house();
    let mut nodes = ["node-1", "node-2"].map(|name| NodeSettings {
        name: name.parse().unwrap(),
        cluster_id: None,
        health: None,
        hooks: Hooks::default(),
        search_indexes: Vec::new(),
    });
    let stops = vec!["true".to_owned()];
    nodes[0].hooks.before_restore.clone_from(&stops);
    house.nodes = nodes.to_vec();
    let _connected = house.client_called("magnolia", "author");
    let sessions = |engine: &lifeboat::engine::Engine| {
        let report = check(engine, Some(&House::live())).unwrap();
        let mut found = report
            .findings
            .into_iter()
            .filter(|found| found.about == "sessions");
        let found = found.next().unwrap();
        (found.verdict, found.detail)
    };
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let (verdict, told) = sessions(&engine);
    assert_eq!(verdict, Verdict::Warning, "{told}");
    assert!(told.contains("that ends those of node-2"), "{told}");
    let told = plan(&engine, &backup, &[]).warnings.join("\n");
    assert!(
        told.contains("no before_restore hook is configured that stops node-2"),
        "{told}"
    );
    drop(engine);
    // One of the instance is for all of them.
    house.hooks.before_restore = stops;
    let engine = house.engine();
    assert_eq!(sessions(&engine).0, Verdict::Ok);
    let told = plan(&engine, &backup, &[]).warnings.join("\n");
    assert!(!told.contains("before_restore hook is configured"), "{told}");
}
