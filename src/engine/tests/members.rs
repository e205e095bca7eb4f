//! Several nodes on one content: each has hooks and an address of its own, and is shown by name.

use super::health::{DOWN, UP, answering, server};
use super::hooks::{failed_restore, nothing_is_owed, noting, ran, why};
use super::house::{House, back_up, everything, restore};
use crate::domain::environment::MemberName;
use crate::domain::job::JobId;
use crate::domain::settings::{HealthSettings, Hooks, NodeSettings};
use crate::engine::hooks::owed::Owed;
use crate::engine::hooks::{Around, Occasion};
use crate::engine::{check, details};

fn node(name: &str) -> NodeSettings {
    NodeSettings {
        name: name.parse().unwrap(),
        cluster_id: None,
        health: None,
        hooks: Hooks::default(),
        search_indexes: Vec::new(),
    }
}

/// A house of one instance with nodes, whose hooks note that they ran, and end as `rest` says.
fn house(names: &[&str], rest: &str) -> House {
    let mut house = House::new();
    house.instances = vec!["author"];
    let script = |point: &str| {
        let script = format!(
            "echo \"{point} $LIFEBOAT_INSTANCE/$LIFEBOAT_NODE ${{LIFEBOAT_OUTCOME-none}}\" >> '{}'; {rest}",
            house.path("hooks.log").display()
        );
        vec!["sh".to_owned(), "-c".to_owned(), script]
    };
    let nodes = names.iter().map(|name| {
        let mut node = node(name);
        node.hooks.before_restore = script("before");
        node.hooks.after_restore = script("after");
        node
    });
    house.nodes = nodes.collect();
    house
}

#[test]
fn the_hooks_of_all_nodes_run_before_anything_goes_on() {
    let mut house = house(&["one", "two"], "");
    house.hooks.before_restore = noting(&house, "[ -z \"$LIFEBOAT_NODE\" ]");
    let engine = house.engine();
    back_up(&engine);
    house.write("author", "website/page-0.xml", "changed");
    let job = restore(&engine, "manual", everything());
    assert_eq!(
        ran(&house),
        [
            "before_restore author none changed",
            "before author/one none",
            "before author/two none",
            "after author/one done",
            "after author/two done",
        ]
    );
    let log = engine.catalog().log_after(job.id, 0).unwrap();
    let has = |line: &str| log.iter().any(|logged| logged.text == line);
    assert!(has("author/two: the before_restore hook is run"), "{log:#?}");
    nothing_is_owed(&house);
}

#[test]
fn a_hook_of_a_node_that_fails_names_the_node_and_those_before_it_go_on() {
    let house = house(&["one", "two", "three"], "[ $LIFEBOAT_NODE != two ] || exit 3");
    let engine = house.engine();
    back_up(&engine);
    let job = failed_restore(&engine);
    let why = why(&job);
    assert!(
        why.contains("the before_restore hook of author/two, sh, ended with exit status: 3"),
        "{why}"
    );
    assert_eq!(
        ran(&house),
        [
            "before author/one none",
            "before author/two none",
            "after author/one failed",
            "after author/two failed",
        ]
    );
    nothing_is_owed(&house);
}

#[test]
fn what_is_owed_to_a_node_is_kept_through_a_crash_and_records_without_nodes_are_read() {
    let mut house = house(&["one", "two"], "");
    house.hooks.after_restore = noting(&house, "");
    let occasion = Occasion {
        environment: House::live(),
        job: JobId(1),
        trigger: "restore".to_owned(),
        backup: None,
        versions: None,
    };
    let mut owed = Owed {
        occasion,
        instances: Vec::new(),
        nodes: Vec::new(),
    };
    owed.add(MemberName {
        instance: "author".parse().unwrap(),
        node: Some("two".parse().unwrap()),
    });
    owed.write(&house.path("state"), Around::Restore).unwrap();
    house.engine();
    assert_eq!(ran(&house), ["after author/two failed"]);
    nothing_is_owed(&house);

    // One of a version that knew no nodes is about the instance alone.
    let mut older = serde_json::to_value(&owed).unwrap();
    let fields = older.as_object_mut().unwrap();
    fields.remove("nodes");
    fields.insert("instances".to_owned(), serde_json::json!(["author"]));
    let older: Owed = serde_json::from_value(older).unwrap();
    older.write(&house.path("state"), Around::Restore).unwrap();
    house.engine();
    assert_eq!(ran(&house), ["after_restore author failed author 0"]);
    nothing_is_owed(&house);
}

#[test]
fn every_node_is_asked_whether_it_is_up_and_answers_by_name() {
    let (up, of_up) = server();
    let (down, of_down) = server();
    answering(of_up, vec![("200 OK", UP); 100]);
    answering(of_down, vec![("503 Service Unavailable", DOWN); 100]);
    let mut house = House::new();
    house.instances = vec!["author"];
    house.nodes = vec![node("one"), node("two"), node("three")];
    let health = |address| {
        let mut health = HealthSettings::at(&format!("http://{address}/.rest/health"));
        health.limit = "1s".parse().unwrap();
        Some(health)
    };
    house.nodes[0].health = health(up);
    house.nodes[1].health = health(down);
    let engine = house.engine();
    back_up(&engine);
    let outcome = restore(&engine, "manual", everything()).outcome.unwrap();
    let answers: Vec<_> = outcome
        .health
        .iter()
        .map(|health| (health.who().to_string(), health.up))
        .collect();
    assert_eq!(
        answers,
        [("author/one".to_owned(), true), ("author/two".to_owned(), false)]
    );
    assert!(
        outcome.warnings[0].contains("author/two is not up"),
        "{outcome:?}"
    );

    let report = check(&engine, Some(&House::live())).unwrap();
    let about: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.about == "health")
        .map(|finding| format!("{}: {}", finding.verdict.label(), finding.detail))
        .collect();
    assert_eq!(about.len(), 3, "{about:#?}");
    assert!(about[0].starts_with("ok: one: http://"), "{about:#?}");
    assert!(about[1].starts_with("failed: two: http://"), "{about:#?}");
    assert!(about[2].contains("three: no address is configured"), "{about:#?}");

    let shown = details(&engine, &House::live()).unwrap().instances.remove(0);
    let names: Vec<_> = shown.nodes.iter().map(|node| node.name.to_string()).collect();
    assert_eq!(names, ["one", "two", "three"]);
    assert_eq!(shown.asked().count(), 2);
}
