//! Some of what changes, by name: what is gone first, then what says most. Of a subtree that comes or goes as a whole its top
//! is named, with how much is below it.
//!
//! Not in here: what changes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::plan::{ItemChange, WorkspaceChange};

/// One example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What becomes of it.
    pub change: ItemChange,
    /// Its path.
    pub path: String,
    /// How much below it comes or goes with it.
    pub below: u64,
}

impl Example {
    /// Its place among those of its kind.
    fn key(&self) -> (Reverse<u64>, &str) {
        (Reverse(self.below), &self.path)
    }
}

/// Examples of one workspace while they are found.
#[derive(Debug, Clone)]
pub struct Examples {
    most: usize,
    /// By what becomes of them.
    kinds: BTreeMap<u8, Vec<Example>>,
    /// What came last of what comes, and of what goes: more below it may follow.
    open: BTreeMap<u8, Example>,
}

/// What goes is told before what comes, and that before what changes.
fn rank(change: ItemChange) -> u8 {
    match change {
        ItemChange::Removed => 0,
        ItemChange::Added => 1,
        ItemChange::Changed => 2,
    }
}

impl Examples {
    /// None yet, of which so many are given.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            kinds: BTreeMap::new(),
            open: BTreeMap::new(),
        }
    }

    /// Adds an item. What comes and what goes is told with what is above before what is below it.
    pub fn add(&mut self, change: ItemChange, path: String) {
        let fresh = Example {
            change,
            path,
            below: 0,
        };
        if change == ItemChange::Changed {
            return self.add_whole(fresh);
        }
        if let Some(open) = self.open.get_mut(&rank(change)) {
            let rest = fresh.path.strip_prefix(&open.path);
            if rest.is_some_and(|rest| rest.starts_with('/')) {
                open.below += 1;
                return;
            }
        }
        if let Some(whole) = self.open.insert(rank(change), fresh) {
            self.add_whole(whole);
        }
    }

    /// Adds one of which it is known how much is below it.
    pub fn add_whole(&mut self, example: Example) {
        let kind = self.kinds.entry(rank(example.change)).or_default();
        let at = kind.partition_point(|known| known.key() <= example.key());
        if at < self.most {
            kind.insert(at, example);
            kind.truncate(self.most);
        }
    }

    /// The examples: of each kind some, if there is any.
    #[must_use]
    pub fn chosen(mut self) -> Vec<Example> {
        for whole in std::mem::take(&mut self.open).into_values() {
            self.add_whole(whole);
        }
        let all: Vec<Example> = self.kinds.into_values().flatten().collect();
        of_each(all, self.most, |example| rank(example.change))
    }

    /// Gives them to a change.
    pub fn give(self, change: &mut WorkspaceChange) {
        write(self.chosen(), change);
    }
}

/// So many out of a list: the first of each kind, then the second of each, as far as there is room; in their order.
pub fn of_each<T, K: Ord>(list: Vec<T>, most: usize, kind: impl Fn(&T) -> K) -> Vec<T> {
    let mut met: BTreeMap<K, usize> = BTreeMap::new();
    let mut turns: Vec<(usize, usize)> = Vec::with_capacity(list.len());
    for (at, one) in list.iter().enumerate() {
        let count = met.entry(kind(one)).or_default();
        turns.push((*count, at));
        *count += 1;
    }
    turns.sort_unstable();
    turns.truncate(most);
    let kept: BTreeSet<usize> = turns.into_iter().map(|(_, at)| at).collect();
    let list = list.into_iter().enumerate();
    list.filter(|(at, _)| kept.contains(at))
        .map(|(_, one)| one)
        .collect()
}

/// Leaves so many of the examples of a change that were put together: of each kind some, what is gone first.
pub fn cut(change: &mut WorkspaceChange, most: usize) {
    let below = std::mem::take(&mut change.example_below);
    let becomes = std::mem::take(&mut change.example_changes);
    let paths = std::mem::take(&mut change.examples);
    let mut all: Vec<Example> = paths
        .into_iter()
        .zip(becomes)
        .zip(below.into_iter().chain(std::iter::repeat(0)))
        .map(|((path, change), below)| Example { change, path, below })
        .collect();
    all.sort_by_key(|example| rank(example.change));
    write(of_each(all, most, |example| rank(example.change)), change);
}

fn write(examples: Vec<Example>, change: &mut WorkspaceChange) {
    change.example_changes = examples.iter().map(|example| example.change).collect();
    change.example_below = examples.iter().map(|example| example.below).collect();
    change.examples = examples.into_iter().map(|example| example.path).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_little_room_each_kind_is_told_before_the_second_of_one() {
        let list = vec![('r', 1), ('r', 2), ('r', 3), ('a', 1), ('a', 2), ('c', 1)];
        let told = |most| of_each(list.clone(), most, |(kind, _)| *kind);
        assert_eq!(told(1), [('r', 1)]);
        assert_eq!(told(3), [('r', 1), ('a', 1), ('c', 1)]);
        assert_eq!(told(4), [('r', 1), ('r', 2), ('a', 1), ('c', 1)]);
        assert_eq!(told(9), list);
    }

    #[test]
    fn what_was_put_together_is_cut_and_told_by_its_kinds() {
        let mut change = WorkspaceChange {
            instance: "author".parse().unwrap(),
            workspace: "website".to_owned(),
            kind: crate::domain::environment::WorkspaceKind::Content,
            added: 1,
            changed: 1,
            removed: 300,
            unchanged: 0,
            bytes: 0,
            examples: ["r1", "r2", "r3", "r4", "a1", "the table c1"]
                .map(str::to_owned)
                .to_vec(),
            example_changes: [ItemChange::Removed; 4]
                .into_iter()
                .chain([ItemChange::Added, ItemChange::Changed])
                .collect(),
            example_below: vec![280, 9, 3, 0, 0, 0],
        };
        let told = |change: &WorkspaceChange, most| -> Vec<String> {
            let told = change.named_at_most(most).into_iter();
            told.map(|(_, example)| example).collect()
        };
        // Where it is heard, there is room for few.
        assert_eq!(told(&change, 3), ["r1 and 280 below it", "a1", "the table c1"]);
        assert_eq!(told(&change, 1), ["r1 and 280 below it"]);
        cut(&mut change, 5);
        assert_eq!(
            told(&change, 9),
            [
                "r1 and 280 below it",
                "r2 and 9 below it",
                "r3 and 3 below it",
                "a1",
                "the table c1"
            ]
        );
        assert_eq!(change.example_changes.len(), 5);
    }

    #[test]
    fn what_is_gone_is_first_and_a_subtree_is_told_by_its_top() {
        let mut examples = Examples::new(5);
        for path in ["a.xml", "b.xml", "c.xml", "d.xml", "e.xml", "f.xml"] {
            examples.add(ItemChange::Changed, path.to_owned());
        }
        for path in [
            "about.xml",
            "home/news",
            "home/news/first.xml",
            "home/news/old",
            "home/news/old/x",
            "home/newsletter",
        ] {
            examples.add(ItemChange::Removed, path.to_owned());
        }
        examples.add(ItemChange::Added, "contact.xml".to_owned());
        let chosen: Vec<_> = examples
            .chosen()
            .into_iter()
            .map(|example| (example.change.label(), example.path, example.below))
            .collect();
        assert_eq!(
            chosen,
            [
                ("removed", "home/news".to_owned(), 3),
                ("removed", "about.xml".to_owned(), 0),
                ("added", "contact.xml".to_owned(), 0),
                ("changed", "a.xml".to_owned(), 0),
                ("changed", "b.xml".to_owned(), 0),
            ]
        );
    }
}
