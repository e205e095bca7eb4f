//! Random trees, in which random things happen, and nodes that come back into them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;

use super::graft::{Graft, Moved, Sides, graft};
use super::namespaces::Namespaces;
use super::tree::{Entry, Found, Names, Tree, TreeNode};
use super::{Name, NodeId, ids};
use crate::domain::explore::Step;

fn id(number: u8) -> NodeId {
    if number == 0 { ids::ROOT } else { [number; 16] }
}

/// What happens to a tree. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Happening {
    Add {
        parent: usize,
        name: u8,
        at: usize,
    },
    Remove {
        node: usize,
    },
    Move {
        node: usize,
        parent: usize,
        name: u8,
        at: usize,
    },
    Change {
        node: usize,
    },
}

fn happening() -> impl Strategy<Value = Happening> {
    let any = || 0..64_usize;
    prop_oneof![
        3 => (any(), 0..4_u8, any()).prop_map(|(parent, name, at)| Happening::Add { parent, name, at }),
        1 => any().prop_map(|node| Happening::Remove { node }),
        2 => (any(), any(), 0..4_u8, any())
            .prop_map(|(node, parent, name, at)| Happening::Move { node, parent, name, at }),
        1 => any().prop_map(|node| Happening::Change { node }),
    ]
}

/// A tree that things happen to.
struct Grown {
    tree: Tree,
    names: Names,
    last: u8,
}

impl Grown {
    fn new() -> Self {
        let mut tree = Tree::default();
        tree.nodes.insert(ids::ROOT, node(None));
        Self {
            tree,
            names: Names::default(),
            last: 0,
        }
    }

    fn all(&self) -> Vec<NodeId> {
        let mut all: Vec<NodeId> = self.tree.nodes.keys().copied().collect();
        all.sort_unstable();
        all
    }

    fn chosen(&self, number: usize) -> NodeId {
        let all = self.all();
        all[number % all.len()]
    }

    fn entry(&mut self, name: u8, id: NodeId) -> Entry {
        let name = Name {
            namespace: "".into(),
            local: format!("n{name}").into(),
        };
        Entry {
            name: self.names.number(name),
            id,
        }
    }

    fn put(&mut self, parent: NodeId, entry: Entry, at: usize) {
        let children = &mut self.tree.nodes.get_mut(&parent).unwrap().children;
        children.insert(at % (children.len() + 1), entry);
        self.tree.nodes.get_mut(&entry.id).unwrap().parent = Some(parent);
    }

    fn take_out(&mut self, id: NodeId) {
        let parent = self.tree.nodes[&id].parent.unwrap();
        let parent = self.tree.nodes.get_mut(&parent).unwrap();
        parent.children.retain(|entry| entry.id != id);
    }

    fn happens(&mut self, what: &Happening) {
        match *what {
            Happening::Add { parent, name, at } => {
                let parent = self.chosen(parent);
                self.last += 1;
                let id = id(self.last);
                self.tree.nodes.insert(id, node(None));
                let entry = self.entry(name, id);
                self.put(parent, entry, at);
            }
            Happening::Remove { node } => {
                let top = self.chosen(node);
                if top != ids::ROOT {
                    self.take_out(top);
                    for id in self.tree.below(top) {
                        self.tree.nodes.remove(&id);
                    }
                }
            }
            Happening::Move {
                node,
                parent,
                name,
                at,
            } => {
                let (node, parent) = (self.chosen(node), self.chosen(parent));
                if node != ids::ROOT && !self.tree.below(node).contains(&parent) {
                    self.take_out(node);
                    let entry = self.entry(name, node);
                    self.put(parent, entry, at);
                }
            }
            Happening::Change { node } => {
                let id = self.chosen(node);
                self.tree.nodes.get_mut(&id).unwrap().mark[0] += 1;
            }
        }
    }
}

fn node(parent: Option<NodeId>) -> TreeNode {
    TreeNode {
        parent,
        children: Vec::new(),
        targets: Vec::new(),
        binaries: Vec::new(),
        is_shared: false,
        mark: [0; 16],
    }
}

fn copy(tree: &Tree) -> Tree {
    Tree {
        nodes: tree.nodes.clone(),
    }
}

/// What a graft makes of Live.
fn carried_out(sides: &Sides<'_>, graft: &Graft) -> Tree {
    let mut tree = copy(sides.live);
    tree.nodes.retain(|id, _| !graft.goes.contains(id));
    for (id, list) in &graft.lists {
        tree.nodes.get_mut(id).unwrap().children.clone_from(list);
    }
    for id in &graft.comes {
        let mut node = sides.backup.nodes[id].clone();
        if let Some(parent) = graft.parents.get(id) {
            node.parent = Some(*parent);
        }
        tree.nodes.insert(*id, node);
    }
    tree
}

fn is_whole(tree: &Tree) -> bool {
    let mut listed = BTreeMap::new();
    for (id, node) in &tree.nodes {
        for entry in &node.children {
            if listed.insert(entry.id, *id).is_some() {
                return false;
            }
        }
    }
    let is_right = |(id, node): (&NodeId, &TreeNode)| listed.get(id).copied() == node.parent;
    tree.nodes.iter().all(is_right)
        && listed.keys().all(|id| tree.nodes.contains_key(id))
        && tree.below(ids::ROOT).len() == tree.nodes.len()
}

fn steps(path: &str) -> Vec<Step> {
    let path: crate::domain::explore::NodePath = format!("/website{path}").parse().unwrap();
    path.steps
}

/// Where a parent is not there any more, or is in what comes back or in what that replaces: nothing else may be in the way.
fn is_in_the_way(sides: &Sides<'_>, path: &[Step], tops: &[NodeId], paths: &[&[Step]]) -> bool {
    let (backup, live) = (sides.backup, sides.live);
    let find = |steps: &[Step]| live.find(sides.names, sides.namespaces, steps);
    let (_, above) = path.split_last().unwrap();
    let Found::There(way) = find(above) else {
        return true;
    };
    let moves = |id: &NodeId| {
        let mut comes = tops.iter().flat_map(|top| backup.below(*top));
        comes.any(|below| below == *id || live.below(below).contains(id))
    };
    let is_replaced = |id: &NodeId| {
        paths.iter().any(|path| match find(path) {
            Found::There(other) => live.below(*other.last().unwrap()).contains(id),
            Found::Missing(_) => false,
        })
    };
    way.iter().any(|id| moves(id) || is_replaced(id))
}

/// Whether a node that goes stood at one of the paths, or below what comes back, or below such a one.
fn goes_rightly(sides: &Sides<'_>, id: NodeId, comes: &BTreeSet<NodeId>, paths: &[&[Step]]) -> bool {
    let mut at = Some(id);
    while let Some(id) = at {
        let in_place = paths.iter().any(
            |path| match sides.live.find(sides.names, sides.namespaces, path) {
                Found::There(way) => way.last() == Some(&id),
                Found::Missing(_) => false,
            },
        );
        if in_place || comes.contains(&id) {
            return true;
        }
        at = sides.live.nodes[&id].parent;
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]
    #[test]
    fn what_comes_back_is_as_it_was_and_all_else_as_it_is(
        before in proptest::collection::vec(happening(), 1..20),
        after in proptest::collection::vec(happening(), 0..20),
        chosen in proptest::collection::vec(0..64_usize, 1..3),
    ) {
        let mut grown = Grown::new();
        for what in &before {
            grown.happens(what);
        }
        let backup = copy(&grown.tree);
        for what in &after {
            grown.happens(what);
        }
        let Grown { tree: live, names, .. } = grown;
        prop_assert!(is_whole(&backup) && is_whole(&live));
        let namespaces = Namespaces::default();
        let sides = Sides { backup: &backup, live: &live, names: &names, namespaces: &namespaces };
        let mut all: Vec<NodeId> = backup.nodes.keys().copied().filter(|id| *id != ids::ROOT).collect();
        all.sort_unstable();
        prop_assume!(!all.is_empty());
        let mut tops: Vec<NodeId> = Vec::new();
        for number in chosen {
            let top = all[number % all.len()];
            let is_apart = |other: &NodeId| !backup.below(*other).contains(&top) && !backup.below(top).contains(other);
            if tops.iter().all(is_apart) {
                tops.push(top);
            }
        }
        let paths: Vec<Vec<Step>> = tops
            .iter()
            .map(|top| steps(&backup.path(&names, &namespaces, *top).unwrap()))
            .collect();
        let paths: Vec<&[Step]> = paths.iter().map(Vec::as_slice).collect();
        let Ok(graft) = graft(&sides, &paths) else {
            let is_explained = paths.iter().any(|path| is_in_the_way(&sides, path, &tops, &paths));
            // Or a node would go that the backup has elsewhere.
            let comes: BTreeSet<NodeId> = tops.iter().flat_map(|top| backup.below(*top)).collect();
            let in_place = paths.iter().filter_map(|path| match live.find(&names, &namespaces, path) {
                Found::There(way) => way.last().copied(),
                Found::Missing(_) => None,
            });
            let is_lost = in_place.chain(comes.iter().copied()).any(|id| {
                let below = live.below(id);
                below.iter().any(|id| backup.nodes.contains_key(id) && !comes.contains(id))
            });
            prop_assert!(is_explained || is_lost);
            return Ok(());
        };
        // Nothing goes that the backup has.
        prop_assert!(graft.goes.iter().all(|id| !backup.nodes.contains_key(id)));
        let result = carried_out(&sides, &graft);
        prop_assert!(is_whole(&result));
        prop_assert_eq!(&graft.tops, &tops);
        let mut comes = BTreeSet::new();
        for (top, path) in tops.iter().zip(&paths) {
            for id in backup.below(*top) {
                let (then, now) = (&backup.nodes[&id], &result.nodes[&id]);
                prop_assert_eq!(&then.children, &now.children);
                prop_assert_eq!(then.mark, now.mark);
                comes.insert(id);
            }
            // Its parent is what stands at the path of its parent, and it has its name.
            let (last, above) = path.split_last().unwrap();
            let Found::There(way) = live.find(&names, &namespaces, above) else {
                panic!("it was refused");
            };
            let parent = *way.last().unwrap();
            prop_assert_eq!(result.nodes[top].parent, Some(parent));
            let entry = result.nodes[&parent].children.iter().find(|entry| entry.id == *top).unwrap();
            prop_assert_eq!(names.get(entry.name).unwrap().local.as_ref(), last.name.as_str());
        }
        prop_assert_eq!(&graft.comes, &comes);
        // All other nodes are Live's: their parents, what is in them, and the order of what stays below them.
        for (id, node) in &live.nodes {
            if comes.contains(id) || graft.goes.contains(id) {
                continue;
            }
            let now = &result.nodes[id];
            prop_assert_eq!((now.parent, now.mark), (node.parent, node.mark));
            let staying = |children: &[Entry]| -> Vec<Entry> {
                let stays = |entry: &&Entry| !comes.contains(&entry.id) && !graft.goes.contains(&entry.id);
                children.iter().filter(stays).copied().collect()
            };
            prop_assert_eq!(staying(&now.children), staying(&node.children));
        }
        // What goes stood below one of the paths, or below what comes back.
        for id in &graft.goes {
            prop_assert!(goes_rightly(&sides, *id, &comes, &paths));
        }
    }
}

/// A tree out of paths with numbers, and another one.
fn of(pages: &[(&str, u8)], names: Grown) -> Grown {
    let mut grown = Grown {
        tree: Grown::new().tree,
        ..names
    };
    for (path, number) in pages {
        let all = steps(path);
        let (last, above) = all.split_last().unwrap();
        let namespaces = Namespaces::default();
        let Found::There(way) = grown.tree.find(&grown.names, &namespaces, above) else {
            panic!("{path} has no parent");
        };
        grown.tree.nodes.insert(id(*number), node(None));
        let entry = Entry {
            name: grown.names.number(Name {
                namespace: "".into(),
                local: last.name.clone().into(),
            }),
            id: id(*number),
        };
        grown.put(*way.last().unwrap(), entry, usize::MAX - 1);
        let children = &mut grown.tree.nodes.get_mut(way.last().unwrap()).unwrap().children;
        children.retain(|other| other.id != id(*number));
        children.push(entry);
    }
    grown
}

/// A backup and the Live that was made of it.
fn sides<'s>(backup: &'s Tree, live: &'s Grown) -> Sides<'s> {
    static NAMESPACES: LazyLock<Namespaces> = LazyLock::new(Namespaces::default);
    Sides {
        backup,
        live: &live.tree,
        names: &live.names,
        namespaces: &NAMESPACES,
    }
}

#[test]
fn what_the_backup_has_elsewhere_does_not_go_unless_it_comes_back_too() {
    let backup = of(
        &[("/a", 1), ("/a/b", 2), ("/c", 3), ("/c/d", 4), ("/c/d/e", 5)],
        Grown::new(),
    );
    let then = copy(&backup.tree);
    // D, with what is below it, is where B was, and B is where D was.
    let live = of(
        &[("/a", 1), ("/a/b", 4), ("/a/b/e", 5), ("/c", 3), ("/c/d", 2)],
        backup,
    );
    let sides = sides(&then, &live);
    let why = graft(&sides, &[&steps("/a/b")]).unwrap_err().join("; ");
    assert!(
        why.contains("/a/b in Live is /c/d of the backup, moved there since: choose /c/d as well"),
        "{why}"
    );
    assert!(!why.contains("/c/d/e"), "{why}");
    let both = graft(&sides, &[&steps("/a/b"), &steps("/c/d")]).unwrap();
    assert_eq!((both.goes.len(), both.comes.len()), (0, 3));
}

#[test]
fn a_page_whose_name_another_one_took_gets_it_back_beside_one_whose_name_it_took() {
    let backup = of(&[("/a", 1), ("/b", 2)], Grown::new());
    let then = copy(&backup.tree);
    // A is gone, B is called A, and there is another B, which stands first.
    let live = of(&[("/b", 3), ("/a", 2)], backup);
    let sides = sides(&then, &live);
    for paths in [["/a", "/b"], ["/b", "/a"]] {
        let paths = paths.map(steps);
        let graft = graft(&sides, &[&paths[0], &paths[1]]).unwrap();
        let list = &carried_out(&sides, &graft).nodes[&ids::ROOT].children;
        assert_eq!(list, &then.nodes[&ids::ROOT].children);
    }
}

#[test]
fn what_is_above_a_chosen_path_is_to_be_chosen_instead() {
    let backup = of(&[("/c", 1), ("/c/d", 2)], Grown::new());
    let then = copy(&backup.tree);
    let live = of(&[("/c", 2), ("/c/d", 1)], backup);
    let sides = sides(&then, &live);
    let why = graft(&sides, &[&steps("/c/d")]).unwrap_err().join("; ");
    assert!(why.contains("choose /c instead"), "{why}");
}

#[test]
fn what_hangs_nowhere_in_live_is_told_so() {
    let backup = of(&[("/a", 1), ("/b", 2), ("/b/c", 3)], Grown::new());
    let then = copy(&backup.tree);
    let mut live = backup;
    live.take_out(id(2));
    live.tree.nodes.remove(&id(2));
    let sides = sides(&then, &live);
    let graft = graft(&sides, &[&steps("/b")]).unwrap();
    let moved = Moved {
        to: "/b/c".to_owned(),
        from: None,
    };
    assert_eq!(graft.moved, [moved]);
}

#[test]
fn what_is_not_whole_or_shared_in_the_backup_does_not_come_back_alone() {
    let backup = of(&[("/a", 1), ("/a/b", 2), ("/a/b/c", 3)], Grown::new());
    let then = copy(&backup.tree);
    let live = of(&[("/a", 1)], backup);
    let namespaces = Namespaces::default();
    let told = |then: &Tree, now: &Tree| {
        let sides = Sides {
            backup: then,
            live: now,
            names: &live.names,
            namespaces: &namespaces,
        };
        graft(&sides, &[&steps("/a/b")]).map_err(|why| why.join("; "))
    };
    assert!(told(&then, &live.tree).is_ok());
    let mut missing = copy(&then);
    missing.nodes.remove(&id(3));
    assert!(told(&missing, &live.tree).unwrap_err().contains("not whole"));
    let mut circle = copy(&then);
    let entry = circle.nodes[&id(1)].children[0];
    circle.nodes.get_mut(&id(3)).unwrap().children.push(entry);
    assert!(told(&circle, &live.tree).unwrap_err().contains("not whole"));
    let mut shared = copy(&then);
    shared.nodes.get_mut(&id(3)).unwrap().is_shared = true;
    assert!(told(&shared, &live.tree).unwrap_err().contains("shared"));
    // What is wrong elsewhere in Live stays as wrong as it is.
    let mut rotten = copy(&live.tree);
    rotten.nodes.insert(id(9), node(Some(id(8))));
    let entry = Entry { id: id(7), ..entry };
    rotten.nodes.get_mut(&id(1)).unwrap().children.push(entry);
    assert!(told(&then, &rotten).is_ok());
}
