//! Each kind of fault, planted in a small repository.

use super::super::bundle::BundleError;
use super::super::ids::{ACTIVITIES, NODE_TYPES, ROOT, SYSTEM, VERSION_STORAGE, show};
use super::super::namespaces::{JCR, NT, Namespaces, REP};
use super::super::{Binary, Child, Name, Node, NodeId, Property, PropertyType, Value};
use super::{Beside, Check, Whose};
use crate::domain::integrity::{Fault, FaultKind, Integrity};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const HISTORY: NodeId = [201; 16];
const VERSION: NodeId = [202; 16];

/// What is there besides the nodes.
struct There;

impl Beside for There {
    fn has_version(&self, id: &NodeId) -> bool {
        [HISTORY, VERSION].contains(id)
    }

    fn has_record(&self, id: &str) -> bool {
        id == "abcdef01"
    }

    fn has_binary(&self, id: &str) -> bool {
        id == "row"
    }
}

fn node(id: NodeId, parent: Option<NodeId>, kind: Name) -> Node {
    Node {
        id,
        parent,
        primary_type: kind,
        mixin_types: Vec::new(),
        properties: Vec::new(),
        children: Vec::new(),
        shared_set: Vec::new(),
        is_referenceable: true,
        modified_count: 0,
    }
}

fn child(local: &'static str, id: NodeId) -> Child {
    Child {
        name: Name::known("", local),
        id,
    }
}

fn property(name: Name, kind: PropertyType, values: Vec<Value>) -> Property {
    Property {
        name,
        kind,
        is_multiple: true,
        values,
        modified_count: 0,
    }
}

fn id(number: u8) -> NodeId {
    [number; 16]
}

/// The root, `/jcr:system`, and `/a` with two children of the same name; one is shared with `/b`.
fn sound() -> Vec<Node> {
    let plain = || Name::known(NT, "unstructured");
    let mut root = node(ROOT, None, Name::known(REP, "root"));
    let mut system = node(SYSTEM, Some(ROOT), Name::known(REP, "system"));
    root.children = vec![
        Child {
            name: Name::known(JCR, "system"),
            id: SYSTEM,
        },
        child("a", id(1)),
        child("b", id(2)),
    ];
    system.children = vec![
        child("versions", VERSION_STORAGE),
        child("activities", ACTIVITIES),
        child("types", NODE_TYPES),
    ];
    let (mut a, mut b) = (node(id(1), Some(ROOT), plain()), node(id(2), Some(ROOT), plain()));
    a.children = vec![child("text", id(3)), child("text", id(4)), child("deep", id(5))];
    b.children = vec![child("again", id(4))];
    a.properties = vec![
        property(
            Name::known("", "refers"),
            PropertyType::Reference,
            vec![
                Value::Reference(id(5)),
                Value::Reference(VERSION),
                Value::Reference(SYSTEM),
            ],
        ),
        property(
            Name::known("", "may be gone"),
            PropertyType::WeakReference,
            vec![Value::WeakReference(id(99))],
        ),
        property(
            Name::known(JCR, "versionHistory"),
            PropertyType::Reference,
            vec![Value::Reference(HISTORY)],
        ),
        property(
            Name::known(JCR, "data"),
            PropertyType::Binary,
            vec![
                Value::Binary(Binary::Record("abcdef01".to_owned())),
                Value::Binary(Binary::Beside("row".to_owned())),
            ],
        ),
    ];
    let mut shared = node(id(4), Some(id(1)), plain());
    shared.shared_set = vec![id(1), id(2)];
    let mut deep = node(id(5), Some(id(1)), plain());
    deep.children = vec![child("below", id(6))];
    vec![
        deep,
        shared,
        node(id(6), Some(id(5)), plain()),
        b,
        root,
        node(id(3), Some(id(1)), plain()),
        a,
        system,
    ]
}

fn checked(nodes: &[Node]) -> Integrity {
    checked_of(Whose::Workspace, nodes)
}

fn checked_of(whose: Whose, nodes: &[Node]) -> Integrity {
    let mut check = Check::new(whose, &There);
    for node in nodes {
        check.node(node.id, &node.outline());
    }
    check.finish(&Namespaces::default())
}

fn by_id(nodes: &mut [Node], wanted: u8) -> &mut Node {
    nodes.iter_mut().find(|node| node.id == id(wanted)).unwrap()
}

/// What is found: kinds, paths and what there is to say.
fn told(found: &Integrity) -> Vec<(FaultKind, &str, &str)> {
    let told: Vec<_> = found
        .first
        .iter()
        .map(|fault| (fault.kind, fault.path.as_str(), fault.about.as_str()))
        .collect();
    assert_eq!(found.total(), told.len() as u64, "few enough to be told");
    told
}

#[test]
fn nothing_is_wrong_with_what_is_sound() {
    let found = checked(&sound());
    assert_eq!(
        found,
        Integrity {
            nodes: 8,
            ..Integrity::default()
        }
    );
}

#[test]
fn a_node_that_is_gone_is_missed_and_what_was_below_it_is_lost() {
    let mut nodes = sound();
    nodes.retain(|node| node.id != id(5));
    let target = format!("refers = {}", show(&id(5)));
    let lost = format!("[{}]", show(&id(6)));
    assert_eq!(
        told(&checked(&nodes)),
        [
            (FaultKind::MissingChild, "/a/deep", ""),
            (FaultKind::NotListed, lost.as_str(), ""),
            (FaultKind::MissingTarget, "/a", target.as_str()),
        ]
    );
}

#[test]
fn a_child_that_its_parent_does_not_list_is_found() {
    let mut nodes = sound();
    by_id(&mut nodes, 1).children.remove(0);
    let lost = format!("[{}]", show(&id(3)));
    assert_eq!(
        told(&checked(&nodes)),
        [(FaultKind::NotListed, lost.as_str(), "")]
    );

    let mut nodes = sound();
    // One of those who share it.
    by_id(&mut nodes, 2).children.clear();
    assert_eq!(told(&checked(&nodes)), [(FaultKind::NotListed, "/a/text[2]", "")]);
    by_id(&mut nodes, 4).shared_set.clear();
    assert!(checked(&nodes).is_sound());

    let mut nodes = sound();
    by_id(&mut nodes, 6).parent = None;
    assert_eq!(
        told(&checked(&nodes)),
        [
            (FaultKind::NotListed, "/a/deep/below", ""),
            (FaultKind::Twice, "/a/deep/below", ""),
        ]
    );
}

#[test]
fn ids_that_occur_twice_are_found() {
    let mut nodes = sound();
    by_id(&mut nodes, 5).children.push(child("again", id(6)));
    by_id(&mut nodes, 2).children.push(child("mine", id(3)));
    assert_eq!(
        told(&checked(&nodes)),
        [
            (FaultKind::Twice, "/a/deep/again", ""),
            (FaultKind::Twice, "/b/mine", "")
        ]
    );

    let mut nodes = sound();
    let again = by_id(&mut nodes, 5).clone();
    nodes.push(again);
    assert_eq!(told(&checked(&nodes)), [(FaultKind::Twice, "/a/deep", "")]);
}

#[test]
fn circles_are_found_once_each() {
    let mut nodes = sound();
    // `deep` is below what is below it.
    by_id(&mut nodes, 1).children.pop();
    by_id(&mut nodes, 5).parent = Some(id(6));
    by_id(&mut nodes, 6).children = vec![child("deep", id(5))];
    // And one is below itself.
    let mut own = node(id(9), Some(id(9)), Name::known(NT, "unstructured"));
    own.children = vec![child("me", id(9))];
    nodes.push(own);
    let found = checked(&nodes);
    assert_eq!(found.counts, [(FaultKind::Cycle, 2)].into());
    let mut ids: Vec<_> = found.first.iter().map(|fault| fault.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [show(&id(5)), show(&id(9))]);
    assert!(found.first.iter().all(|fault| fault.path.len() < 5000));
}

#[test]
fn versions_that_are_missing_are_told_apart_from_other_targets() {
    let mut nodes = sound();
    let gone = Value::Reference(id(77));
    by_id(&mut nodes, 1).properties.extend([
        property(
            Name::known(JCR, "baseVersion"),
            PropertyType::Reference,
            vec![gone.clone()],
        ),
        property(
            Name::known("", "baseVersion"),
            PropertyType::Reference,
            vec![gone.clone()],
        ),
    ]);
    let id_of_it = show(&id(77));
    let (version, target) = (
        format!("jcr:baseVersion = {id_of_it}"),
        format!("baseVersion = {id_of_it}"),
    );
    assert_eq!(
        told(&checked(&nodes)),
        [
            (FaultKind::MissingTarget, "/a", target.as_str()),
            (FaultKind::MissingVersion, "/a", version.as_str()),
        ]
    );

    let mut storage = node(VERSION_STORAGE, Some(SYSTEM), Name::known(REP, "versionStorage"));
    storage.children = vec![child("history", HISTORY)];
    let mut history = node(HISTORY, Some(VERSION_STORAGE), Name::known(NT, "versionHistory"));
    history.children = vec![child("1.0", VERSION)];
    history.properties = vec![property(
        Name::known(JCR, "rootVersion"),
        PropertyType::Reference,
        vec![gone.clone()],
    )];
    let mut version = node(VERSION, Some(HISTORY), Name::known(NT, "version"));
    version.children = vec![child("frozen", id(8))];
    // What it referred to then may be gone.
    let mut frozen = node(id(8), Some(VERSION), Name::known(NT, "frozenNode"));
    frozen.properties = vec![property(
        Name::known("", "refers"),
        PropertyType::Reference,
        vec![gone],
    )];
    let about = format!("jcr:rootVersion = {id_of_it}");
    // As Jackrabbit keeps it there: its own parent.
    let mut system = node(SYSTEM, Some(SYSTEM), Name::known(REP, "system"));
    system.children = vec![child("storage", VERSION_STORAGE)];
    let found = checked_of(Whose::Versions, &[frozen, version, history, storage, system]);
    assert_eq!(
        told(&found),
        [(
            FaultKind::MissingVersion,
            "/jcr:system/jcr:versionStorage/history",
            about.as_str()
        )]
    );
}

#[test]
fn binaries_that_are_missing_are_found() {
    let mut nodes = sound();
    by_id(&mut nodes, 6).properties = vec![property(
        Name::known(JCR, "data"),
        PropertyType::Binary,
        vec![
            Value::Binary(Binary::Record("0123".to_owned())),
            Value::Binary(Binary::Beside("other row".to_owned())),
        ],
    )];
    assert_eq!(
        told(&checked(&nodes)),
        [
            (FaultKind::MissingBinary, "/a/deep/below", "0123"),
            (FaultKind::MissingBinary, "/a/deep/below", "other row"),
        ]
    );
}

#[test]
fn what_cannot_be_read_is_told_and_what_is_below_it_is_left_alone() {
    let nodes = sound();
    let mut check = Check::new(Whose::Workspace, &There);
    for node in &nodes {
        if node.id == id(5) {
            check.unreadable(node.id, BundleError::CutShort);
        } else {
            check.node(node.id, &node.outline());
        }
    }
    let found = check.finish(&Namespaces::default());
    assert_eq!(
        told(&found),
        [(FaultKind::Unreadable, "/a/deep", "its bundle ends too early")]
    );
}

#[test]
fn many_faults_are_counted_and_the_first_are_told_whatever_the_order() {
    let mut nodes = sound();
    for number in 0..500_u16 {
        let mut id = [77; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        by_id(&mut nodes, 5).children.push(child("gone", id));
    }
    let found = checked(&nodes);
    assert_eq!(found.counts, [(FaultKind::MissingChild, 500)].into());
    let paths: Vec<&Fault> = found.first.iter().collect();
    assert_eq!(paths.len(), 20);
    assert_eq!(paths[0].path, "/a/deep/gone");
    nodes.reverse();
    assert_eq!(checked(&nodes), found);
}

#[test]
fn a_chain_without_end_has_a_path_of_bounded_length() {
    let mut nodes = vec![node(ROOT, None, Name::known(REP, "root"))];
    let number = |number: u32| {
        let mut id = [7; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        id
    };
    nodes[0].children.push(child("a", number(0)));
    for at in 0..3000 {
        let parent = if at == 0 { ROOT } else { number(at - 1) };
        let mut link = node(number(at), Some(parent), Name::known(NT, "unstructured"));
        link.children.push(child("a", number(at + 1)));
        nodes.push(link);
    }
    let found = checked(&nodes);
    assert_eq!(found.counts, [(FaultKind::MissingChild, 1)].into());
    let path = &found.first[0].path;
    assert!(
        path.starts_with('[') && path.len() < 5000 && path.ends_with("/a/a"),
        "{path}"
    );
}

/// A node by numbers: its own, its parent's, those that it lists, and those that share it; `None` where it cannot be read.
type Row = (u8, Option<(Option<u8>, Vec<u8>, Vec<u8>)>);

/// The number 0 is the root's.
fn id_of(number: u8) -> NodeId {
    if number == 0 { ROOT } else { id(number) }
}

/// How often each fault of lists is in a few nodes, looked for as slowly as it is said.
fn faults(rows: &[Row]) -> BTreeMap<FaultKind, u64> {
    let first = |number: u8| rows.iter().position(|row| row.0 == number);
    let parents = |row: &Row| -> BTreeSet<u8> {
        let read = row.1.iter();
        read.flat_map(|(parent, _, shared)| parent.iter().chain(shared).copied())
            .collect()
    };
    let entries = rows.iter().enumerate().flat_map(|(at, row)| {
        let lists = row.1.iter().flat_map(|(_, children, _)| children.clone());
        lists.map(move |child| (child, at))
    });
    let entries: Vec<_> = entries.collect();
    let mut found = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        if first(row.0) != Some(at) {
            found.push(FaultKind::Twice);
        }
        let listers: Vec<u8> = entries
            .iter()
            .filter(|(child, _)| *child == row.0)
            .map(|(_, by)| rows[*by].0)
            .collect();
        let is_lost = parents(row).iter().any(|parent| {
            let is_read = first(*parent).is_none_or(|at| rows[at].1.is_some());
            is_read && !listers.contains(parent)
        });
        let is_second_root = parents(row).is_empty() && row.0 != 0 && first(0).is_some();
        if row.1.is_some() && (is_lost || is_second_root) {
            found.push(FaultKind::NotListed);
        }
        // Once a circle: at the one that comes first on it.
        let above = |at: usize| rows[at].1.as_ref().and_then(|(parent, ..)| first((*parent)?));
        let mut way = vec![at];
        while let Some(next) = above(way[way.len() - 1]) {
            if next == at && way.iter().all(|on_it| at <= *on_it) {
                found.push(FaultKind::Cycle);
            }
            if way.contains(&next) {
                break;
            }
            way.push(next);
        }
    }
    for (nr, (child, by)) in entries.iter().enumerate() {
        match first(*child).map(|at| &rows[at]) {
            None => found.push(FaultKind::MissingChild),
            Some(row) => {
                let is_again = entries[..nr].contains(&(*child, *by));
                if row.1.is_some() && (is_again || !parents(row).contains(&rows[*by].0)) {
                    found.push(FaultKind::Twice);
                }
            }
        }
    }
    let mut counts = BTreeMap::new();
    for kind in found {
        *counts.entry(kind).or_insert(0) += 1;
    }
    counts
}

proptest! {
    #[test]
    fn what_is_wrong_with_lists_is_counted_as_one_who_looks_at_each(rows in vec(
        (0..8_u8, prop::option::weighted(0.9, (any::<Option<u8>>().prop_map(|parent| parent.map(|parent| parent % 8)),
            vec(0..9_u8, 0..4), vec(0..8_u8, 0..2)))),
        0..9,
    )) {
        let mut check = Check::new(Whose::Workspace, &There);
        for (number, read) in &rows {
            let Some((parent, children, shared)) = read else {
                check.unreadable(id_of(*number), BundleError::CutShort);
                continue;
            };
            let mut node = node(id_of(*number), parent.map(id_of), Name::known(NT, "unstructured"));
            node.children = children.iter().map(|number| child("a", id_of(*number))).collect();
            node.shared_set = shared.iter().map(|number| id_of(*number)).collect();
            check.node(node.id, &node.outline());
        }
        let mut counts = check.finish(&Namespaces::default()).counts;
        counts.remove(&FaultKind::Unreadable);
        prop_assert_eq!(counts, faults(&rows));
    }
}
