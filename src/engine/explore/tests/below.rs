//! What changed below a node, compared by itself and by all of its workspace.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::{Memory, Model, deeds, done, id, open};
use crate::domain::explore::NodePath;
use crate::engine::explore::below::{Below, Place, below_by};
use crate::engine::explore::differing::Differing;
use crate::watch::Watch;

/// What changed below a node that both have, where at most so many nodes are compared by themselves.
fn changed(older: &Model, newer: &Model, of: u8, most: usize) -> Option<Below> {
    let (_one, was) = open(Memory::of(older.nodes()));
    let (_two, is) = open(Memory::of(newer.nodes()));
    let (before, now) = (was.pages().ok()?, is.pages().ok()?);
    let rows = [&before, &now].map(|pages| pages.row(&id(of)).unwrap().unwrap());
    let paths = [older, newer].map(|model| NodePath {
        steps: model.path(of),
        ..was.path()
    });
    let place = |open, pages, at: usize| Place {
        open,
        pages,
        row: &rows[at],
        path: &paths[at],
    };
    let found = below_by(&place(&was, &before, 0), &place(&is, &now, 1), most);
    found.map_err(crate::engine::EngineError::from).unwrap()
}

/// A page with an area, and in that a component.
fn page() -> Model {
    let mut model = Model::root();
    for (parent, of, name) in [(0, 1, "home"), (1, 2, "main"), (2, 3, "text"), (0, 4, "other")] {
        model.add(parent, of, name);
    }
    model
}

#[test]
fn a_page_has_changed_below_when_only_a_component_in_its_area_has() {
    let older = page();
    let mut newer = page();
    newer.0.insert(3, (Some(2), "new".to_owned(), Vec::new()));
    newer.0.insert(4, (Some(0), "elsewhere".to_owned(), Vec::new()));
    for most in [0, 100] {
        let below = changed(&older, &newer, 1, most).unwrap();
        assert_eq!((below.count, below.names), (1, vec!["main/text".to_owned()]));
        assert_eq!(changed(&older, &newer, 3, most), None, "that is itself");
    }
}

#[test]
fn of_what_was_deleted_the_top_is_named_and_all_of_it_is_counted() {
    let older = page();
    let mut newer = page();
    newer.remove(2);
    newer.add(1, 5, "aside");
    for most in [0, 100] {
        let below = changed(&older, &newer, 1, most).unwrap();
        assert_eq!(below.count, 3);
        assert_eq!(below.names, ["main", "aside"]);
    }
}

#[test]
fn a_comparison_says_how_many_nodes_it_has_looked_at() {
    #[derive(Default)]
    struct Counted(AtomicU64, AtomicU64);
    impl Watch for Counted {
        fn total(&self, _: u64, nodes: u64) {
            self.0.fetch_add(nodes, Ordering::Relaxed);
        }
        fn instance(&self, _: &crate::domain::environment::InstanceName) {}
        fn advance(&self, _: u64, nodes: u64) {
            self.1.fetch_add(nodes, Ordering::Relaxed);
        }
        fn is_cancelled(&self) -> bool {
            false
        }
    }
    let (_one, was) = open(Memory::of(page().nodes()));
    let (_two, is) = open(Memory::of(Model::root().nodes()));
    let (before, now) = (super::pages(&was), super::pages(&is));
    let watch = Counted::default();
    let differing = Differing::of((&was, &before), (&is, &now), &watch);
    assert_eq!(
        differing
            .map_err(crate::engine::EngineError::from)
            .unwrap()
            .removed
            .len(),
        4
    );
    let counted = [&watch.0, &watch.1].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(counted, [6, 6]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_nodes_of_a_part_and_all_of_its_workspace_tell_the_same(before in deeds(40), after in deeds(10)) {
        let older = done(Model::root(), &before);
        let newer = done(older.clone(), &after);
        let both: BTreeMap<_, _> = older.0.iter().filter(|(of, _)| newer.0.contains_key(of)).collect();
        for of in both.keys() {
            prop_assert_eq!(changed(&older, &newer, **of, 0), changed(&older, &newer, **of, 100), "{}", of);
        }
    }
}
