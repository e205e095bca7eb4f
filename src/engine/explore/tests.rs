//! Indexes and differences against a model in memory, and content that is not as it should be.

mod below;
mod held;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use proptest::prelude::*;

use super::diff::compare_all;
use super::first_look::fill;
use super::index::{Index, Pages};
use super::source::WorkspaceOpen;
use crate::content::inside::{At, Beginning, Chunk, Inside, NodeRead, StoredFile, Take, WorkspaceInside};
use crate::content::restoring::RestoreError;
use crate::domain::explore::{Change, NodePath, Source, SourceAt, Step};
use crate::jcr::bundle::BundleError;
use crate::jcr::namespaces::{NT, Namespaces};
use crate::jcr::{Child, Name, Node, NodeId, Property, PropertyType, Value, ids};
use crate::watch::{Unwatched, Watch};

const TYPE: Name = Name::known(NT, "folder");

fn name(local: &str) -> Name {
    Name {
        namespace: "".into(),
        local: local.to_owned().into(),
    }
}

fn id(number: u8) -> NodeId {
    if number == 0 { ids::ROOT } else { [number; 16] }
}

/// Nodes in memory.
#[derive(Debug, Clone, Default)]
struct Model(BTreeMap<u8, ModelNode>);

/// Parent, text, and children with their names.
type ModelNode = (Option<u8>, String, Vec<(String, u8)>);

impl Model {
    fn root() -> Self {
        Self(BTreeMap::from([(0, (None, String::new(), Vec::new()))]))
    }

    /// Puts a node below another, if both can be.
    fn add(&mut self, parent: u8, of: u8, name: &str) {
        if !self.0.contains_key(&of)
            && let Some((_, _, children)) = self.0.get_mut(&parent)
        {
            children.push((name.to_owned(), of));
            self.0.insert(of, (Some(parent), String::new(), Vec::new()));
        }
    }

    fn remove(&mut self, of: u8) {
        let Some((Some(parent), _, children)) = self.0.remove(&of) else {
            return;
        };
        for (_, child) in children {
            self.remove(child);
        }
        if let Some((_, _, children)) = self.0.get_mut(&parent) {
            children.retain(|(_, child)| *child != of);
        }
    }

    fn is_below(&self, of: u8, top: u8) -> bool {
        let mut current = Some(of);
        while let Some(at) = current {
            if at == top {
                return true;
            }
            current = self.0.get(&at).and_then(|(parent, ..)| *parent);
        }
        false
    }

    /// Takes a node elsewhere, with everything below it.
    fn shift(&mut self, of: u8, to: u8, name: &str) {
        let is_possible = of != 0 && self.0.contains_key(&of) && self.0.contains_key(&to);
        if !is_possible || self.is_below(to, of) {
            return;
        }
        let Some((Some(from), ..)) = self.0.get(&of).cloned() else {
            return;
        };
        if let Some((_, _, children)) = self.0.get_mut(&from) {
            children.retain(|(_, child)| *child != of);
        }
        if let Some((_, _, children)) = self.0.get_mut(&to) {
            children.push((name.to_owned(), of));
        }
        if let Some((parent, ..)) = self.0.get_mut(&of) {
            *parent = Some(to);
        }
    }

    fn path(&self, of: u8) -> Vec<Step> {
        let Some((Some(parent), ..)) = self.0.get(&of) else {
            return Vec::new();
        };
        let (_, _, siblings) = &self.0[parent];
        let at = siblings.iter().position(|(_, child)| *child == of).unwrap();
        let own = &siblings[at].0;
        let index = siblings[..=at].iter().filter(|(name, _)| name == own).count();
        let mut path = self.path(*parent);
        path.push(Step {
            name: own.clone(),
            index: u32::try_from(index).unwrap(),
        });
        path
    }

    /// The name of a node and where it is, whatever number it has among its like.
    fn place(&self, of: u8) -> (Option<u8>, String) {
        let parent = self.0[&of].0;
        let siblings = parent.map(|parent| &self.0[&parent].2);
        let own = siblings.and_then(|siblings| siblings.iter().find(|(_, child)| *child == of));
        (parent, own.map(|(name, _)| name.clone()).unwrap_or_default())
    }

    fn nodes(&self) -> Vec<Node> {
        let nodes = self.0.iter();
        nodes
            .map(|(number, (parent, text, children))| Node {
                id: id(*number),
                parent: parent.map(id),
                primary_type: TYPE,
                mixin_types: Vec::new(),
                properties: vec![Property {
                    name: name("text"),
                    kind: PropertyType::String,
                    is_multiple: false,
                    values: vec![Value::String(text.clone())],
                    modified_count: 0,
                }],
                children: children
                    .iter()
                    .map(|(local, child)| Child {
                        name: name(local),
                        id: id(*child),
                    })
                    .collect(),
                shared_set: Vec::new(),
                is_referenceable: false,
                modified_count: 0,
            })
            .collect()
    }
}

/// A workspace of nodes in memory.
struct Memory(Vec<(NodeId, Result<Node, BundleError>)>);

impl Memory {
    fn of(nodes: Vec<Node>) -> Self {
        Self(nodes.into_iter().map(|node| (node.id, Ok(node))).collect())
    }
}

impl Inside for Memory {
    fn workspaces(&self) -> Result<Vec<WorkspaceInside>, RestoreError> {
        Ok(vec![workspace()])
    }

    fn namespaces(&self) -> Arc<Namespaces> {
        Arc::default()
    }

    fn read(&self, _: &str, take: &Take<'_>, _: &dyn Watch) -> Result<(), RestoreError> {
        for (id, node) in &self.0 {
            let read = NodeRead {
                id: *id,
                own: Some(*id),
                node: node.clone(),
                size: 1,
                at: At::default(),
            };
            take(Chunk {
                nodes: vec![read],
                ..Chunk::default()
            })?;
        }
        Ok(())
    }

    fn node(
        &self,
        _: &str,
        wanted: &NodeId,
        _: &StoredFile,
        _: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError> {
        let mut nodes = self.0.iter();
        Ok(nodes.find(|(id, _)| id == wanted).map(|(_, node)| node.clone()))
    }

    fn file(
        &self,
        _: &str,
        _: &[String],
        _: &StoredFile,
        _: usize,
    ) -> Result<Option<Beginning>, RestoreError> {
        Ok(None)
    }

    fn record(&self, _: &str, _: usize) -> Result<Option<Beginning>, RestoreError> {
        Ok(None)
    }
}

fn workspace() -> WorkspaceInside {
    WorkspaceInside {
        name: "website".to_owned(),
        items: 0,
        bytes: 0,
        root: ids::ROOT,
    }
}

/// A workspace whose index is made, and what it is in.
fn open(memory: Memory) -> (tempfile::TempDir, WorkspaceOpen) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    std::fs::write(&path, "").unwrap();
    fill(&path, &memory, &workspace(), &Unwatched).unwrap();
    let open = WorkspaceOpen {
        seen: SourceAt {
            source: Source::Live,
            at: SystemTime::UNIX_EPOCH.into(),
        },
        instance: "author".parse().unwrap(),
        workspace: "website".to_owned(),
        inside: Arc::new(memory),
        index: Index {
            path,
            root: ids::ROOT,
            read: SystemTime::UNIX_EPOCH,
        },
    };
    (folder, open)
}

fn pages(open: &WorkspaceOpen) -> Pages {
    open.index.open().unwrap()
}

#[derive(Debug, Clone)]
enum Deed {
    Add(u8, u8, String),
    Remove(u8),
    Change(u8, String),
    Shift(u8, u8, String),
}

fn deeds(most: usize) -> impl Strategy<Value = Vec<Deed>> {
    let number = 0..24_u8;
    let name = "[ab]";
    prop::collection::vec(
        prop_oneof![
            4 => (number.clone(), 1..24_u8, name).prop_map(|(to, of, name)| Deed::Add(to, of, name)),
            1 => (1..24_u8).prop_map(Deed::Remove),
            1 => (number.clone(), "[xyz]").prop_map(|(of, text)| Deed::Change(of, text)),
            1 => (1..24_u8, number, name).prop_map(|(of, to, name)| Deed::Shift(of, to, name)),
        ],
        0..most,
    )
}

fn done(mut model: Model, deeds: &[Deed]) -> Model {
    for deed in deeds {
        match deed {
            Deed::Add(to, of, name) => model.add(*to, *of, name),
            Deed::Remove(of) => model.remove(*of),
            Deed::Change(of, text) => {
                if let Some((_, own, _)) = model.0.get_mut(of) {
                    own.clone_from(text);
                }
            }
            Deed::Shift(of, to, name) => model.shift(*of, *to, name),
        }
    }
    model
}

#[test]
fn a_workspace_that_nothing_was_written_to_opens_as_empty() {
    let (_folder, open) = open(Memory::of(Vec::new()));
    let pages = pages(&open);
    let found = open.find(&pages, &open.path()).ok().unwrap();
    assert_eq!(found.row.children, 0);
    assert!(pages.children(&found.row, 0, 10).unwrap().is_empty());
    assert!(open.find(&pages, &open.path().child(Step::new("a"))).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_index_answers_what_was_put_into_it(deeds in deeds(60)) {
        let model = done(Model::root(), &deeds);
        let (_folder, open) = open(Memory::of(model.nodes()));
        let pages = pages(&open);
        prop_assert_eq!(pages.count().unwrap(), model.0.len() as u64);
        for (number, (_, _, children)) in &model.0 {
            let path = model.path(*number);
            let row = pages.resolve(&path).unwrap().unwrap();
            prop_assert_eq!(row.id, id(*number));
            prop_assert_eq!(pages.path_of(&row.id).unwrap(), Some(path));
            prop_assert_eq!(row.children, children.len() as u64);
            for from in 0..=children.len() {
                let page = pages.children(&row, from as u64, 2).unwrap();
                let page: Vec<_> = page.iter().map(|entry| (entry.name.clone(), entry.child)).collect();
                let expected: Vec<_> = children.iter().skip(from).take(2)
                    .map(|(name, child)| (name.clone(), id(*child))).collect();
                prop_assert_eq!(page, expected);
            }
        }
        let named = pages.named("a", false, 100).unwrap().into_iter().collect::<BTreeSet<_>>();
        let expected = model.0.values().flat_map(|(_, _, children)| children)
            .filter(|(name, _)| name == "a").map(|(_, child)| id(*child)).collect::<BTreeSet<_>>();
        prop_assert_eq!(named, expected);
    }

    #[test]
    fn a_difference_is_what_was_done(before in deeds(50), after in deeds(12)) {
        let older = done(Model::root(), &before);
        let newer = done(older.clone(), &after);
        let (_one, was) = open(Memory::of(older.nodes()));
        let (_two, is) = open(Memory::of(newer.nodes()));
        let (totals, lines) = compare_all(&was, &is);

        let of_both: Vec<u8> = older.0.keys().filter(|of| newer.0.contains_key(of)).copied().collect();
        let added = newer.0.keys().filter(|of| !older.0.contains_key(of)).count() as u64;
        let removed = older.0.keys().filter(|of| !newer.0.contains_key(of)).count() as u64;
        let changed = of_both.iter().filter(|of| older.0[of].1 != newer.0[of].1).count() as u64;
        let moved = of_both.iter().filter(|of| older.place(**of) != newer.place(**of)).count() as u64;
        prop_assert_eq!((totals.added, totals.removed, totals.changed, totals.moved), (added, removed, changed, moved));
        // Each line tells of a node that differs so, by the path that it has.
        let path = |model: &Model, of: u8| NodePath { steps: model.path(of), ..was.path() };
        let mut counted = 0;
        for line in &lines {
            match line.change {
                Change::Added | Change::Removed => counted += 1 + line.below,
                Change::Changed => {
                    prop_assert!(of_both.iter().any(|of| line.newer == Some(path(&newer, *of))
                        && line.older == Some(path(&older, *of)) && older.0[of].1 != newer.0[of].1));
                }
                Change::Moved | Change::MovedAndChanged => {
                    prop_assert!(of_both.iter().any(|of| line.newer == Some(path(&newer, *of))
                        && line.older == Some(path(&older, *of)) && older.place(*of) != newer.place(*of)));
                }
                Change::Reordered => {}
            }
        }
        prop_assert_eq!(counted, added + removed);
        let same = compare_all(&is, &is);
        prop_assert!(same.0.is_none() && same.1.is_empty());
    }
}

fn node(number: u8, parent: Option<u8>, children: &[(&str, u8)]) -> Node {
    let children = children
        .iter()
        .map(|(name, child)| ((*name).to_owned(), *child))
        .collect();
    let model = Model(BTreeMap::from([(number, (parent, String::new(), children))]));
    model.nodes().remove(0)
}

#[test]
fn parents_in_a_circle_and_strays_have_no_path_and_nothing_hangs() {
    let nodes = vec![
        node(0, None, &[("a", 1), ("gone", 9)]),
        node(1, Some(0), &[]),
        // These two list each other, and nobody else does.
        node(2, Some(3), &[("three", 3)]),
        node(3, Some(2), &[("two", 2)]),
        // This one is listed nowhere.
        node(4, Some(1), &[]),
    ];
    let (_folder, circle) = open(Memory::of(nodes.clone()));
    let pages = pages(&circle);
    for stray in [2, 3, 4] {
        assert_eq!(pages.path_of(&id(stray)).unwrap(), None, "{stray}");
    }
    let root = pages.root().unwrap().unwrap();
    let page = pages.children(&root, 0, 10).unwrap();
    assert_eq!(page[1].name, "gone");
    assert!(page[1].row.is_none());
    let (_other, sound) = open(Memory::of(nodes[..2].to_vec()));
    let (totals, lines) = compare_all(&sound, &circle);
    // What no path leads to is not told as if one did.
    assert_eq!((totals.added, lines.len()), (0, 0));
}

#[test]
fn a_node_that_cannot_be_read_is_shown_as_such() {
    let mut memory = Memory::of(vec![
        node(0, None, &[("broken", 1), ("\u{1b}[2J", 2)]),
        node(2, Some(0), &[]),
    ]);
    memory.0.push((id(1), Err(BundleError::CutShort)));
    let (_folder, open) = open(memory);
    let pages = pages(&open);
    let root = pages.root().unwrap().unwrap();
    let page = pages.children(&root, 0, 10).unwrap();
    assert_eq!(
        page[0].row.as_ref().map(|row| row.what.kind()),
        Some(crate::domain::explore::Kind::Unreadable)
    );
    // A name that a terminal would obey is found, and written as what it is.
    let path = NodePath {
        steps: pages.path_of(&id(2)).unwrap().unwrap(),
        ..open.path()
    };
    assert_eq!(path.to_string(), "author:/website/%1B[2J");
}

#[test]
fn a_folder_of_a_million_opens_at_once_at_any_place() {
    let count = 100_000_u32;
    let child = |number: u32| {
        let mut id = [7; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        id
    };
    let mut root = node(0, None, &[]);
    root.children = (0..count)
        .map(|number| Child {
            name: name(&format!("page-{number}")),
            id: child(number),
        })
        .collect();
    let mut nodes = vec![root];
    nodes.extend((0..count).map(|number| Node {
        id: child(number),
        ..node(1, Some(0), &[])
    }));
    let (_folder, open) = open(Memory::of(nodes));
    let pages = pages(&open);
    let root = pages.root().unwrap().unwrap();
    assert_eq!(root.children, u64::from(count));
    let page = pages.children(&root, 99_990, 100).unwrap();
    assert_eq!(page.len(), 10);
    assert_eq!(page[9].name, "page-99999");
    let path = [Step::new("page-77777")];
    assert_eq!(pages.resolve(&path).unwrap().unwrap().id, child(77_777));
    assert_eq!(pages.named("page-7777", true, 100).unwrap().len(), 11);
}

#[test]
fn an_index_that_is_no_longer_whole_is_told_and_breaks_nothing() {
    let (folder, open) = open(Memory::of(vec![
        node(0, None, &[("a", 1)]),
        node(1, Some(0), &[]),
    ]));
    let whole = std::fs::read(&open.index.path).unwrap();
    for length in (0..whole.len()).step_by(509) {
        std::fs::write(&open.index.path, &whole[..length]).unwrap();
        let answer = open
            .index
            .open()
            .and_then(|pages| pages.resolve(&[Step::new("a")]));
        assert!(answer.is_err() || answer.is_ok_and(|row| row.is_none_or(|row| row.id == id(1))));
    }
    drop(folder);
    assert!(open.index.open().is_err());
}
