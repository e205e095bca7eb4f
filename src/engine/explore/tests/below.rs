//! What changed below a node, compared by itself and by all of its workspace.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::{Memory, Model, deeds, done, id, open};
use crate::domain::explore::NodePath;
use crate::engine::explore::below::{Below, Place, Told, below, counted};
use crate::engine::explore::differing::Differing;
use crate::engine::explore::index::Index;
use crate::watch::{Unwatched, Watch};

/// What changed below a node that both have, where at most so many nodes are compared.
fn told(older: &Model, newer: &Model, of: u8, most: usize) -> Told {
    both(older, newer, of, |older, newer| below(older, newer, most))
}

/// The same out of all that differs in the whole workspace.
fn of_all(older: &Model, newer: &Model, of: u8) -> Told {
    let found = both(older, newer, of, |older, newer| {
        let differing = Differing::of((older.open, older.pages), (newer.open, newer.pages), &Unwatched)?;
        counted(older, newer, differing)
    });
    found.map_or(Told::Same, Told::Changed)
}

fn both<T>(
    older: &Model,
    newer: &Model,
    of: u8,
    compare: impl Fn(&Place<'_>, &Place<'_>) -> crate::engine::explore::Answer<T>,
) -> T {
    let (_one, was) = open(Memory::of(older.nodes()));
    let (_two, is) = open(Memory::of(newer.nodes()));
    let (before, now) = (super::pages(&was), super::pages(&is));
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
    let found = compare(&place(&was, &before, 0), &place(&is, &now, 1));
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
    for told in [told, |older: &_, newer: &_, of, _| of_all(older, newer, of)] {
        let expected = Below {
            count: 1,
            names: vec!["main/text".to_owned()],
        };
        assert_eq!(told(&older, &newer, 1, 100), Told::Changed(expected));
        assert_eq!(told(&older, &newer, 3, 100), Told::Same, "that is itself");
    }
}

#[test]
fn of_what_was_deleted_the_top_is_named_and_all_of_it_is_counted() {
    let older = page();
    let mut newer = page();
    newer.remove(2);
    newer.add(1, 5, "aside");
    let expected = || {
        Told::Changed(Below {
            count: 3,
            names: vec!["main".to_owned(), "aside".to_owned()],
        })
    };
    assert_eq!(told(&older, &newer, 1, 100), expected());
    assert_eq!(of_all(&older, &newer, 1), expected());
}

#[test]
fn what_is_too_much_to_be_compared_is_not_said_to_be_the_same() {
    let older = page();
    let mut newer = page();
    newer.0.insert(3, (Some(2), "new".to_owned(), Vec::new()));
    assert_eq!(told(&older, &newer, 1, 1), Told::TooMuch);
    assert_eq!(told(&older, &newer, 3, 1), Told::Same, "nothing is below it");
    // It was as much as can be compared, and is more.
    newer.add(1, 5, "aside");
    assert_eq!(told(&older, &newer, 1, 2), Told::Somehow);
}

#[test]
fn indexes_of_the_same_bytes_are_known_by_their_names() {
    let index = |path: &str| Index {
        path: path.into(),
        root: crate::jcr::ids::ROOT,
        read: std::time::SystemTime::UNIX_EPOCH,
    };
    let of_one = index("one/3~author~website~aa.index");
    assert!(of_one.is_same(&index("two/3~author~website~aa.index")));
    assert!(!of_one.is_same(&index("two/3~author~website~bb.index")));
    // Such a name says nothing of what is in it.
    assert!(!index("one/index").is_same(&index("two/index")));
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
            prop_assert_eq!(of_all(&older, &newer, **of), told(&older, &newer, **of, 100), "{}", of);
        }
    }
}
