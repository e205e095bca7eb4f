//! Some of what changes, by name: what is gone first, then what says most. Of a subtree that comes or goes as a whole its top
//! is named, with how much is below it.
//!
//! Not in here: what changes.

use std::cmp::Reverse;
use std::collections::BTreeMap;

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
        let mut left = self.most;
        let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
        while left > 0 {
            let before = left;
            for (rank, kind) in &self.kinds {
                let count = counts.entry(*rank).or_default();
                if left > 0 && *count < kind.len() {
                    *count += 1;
                    left -= 1;
                }
            }
            if left == before {
                break;
            }
        }
        let kinds = self.kinds.into_iter();
        kinds
            .flat_map(|(rank, kind)| kind.into_iter().take(counts.get(&rank).copied().unwrap_or(0)))
            .collect()
    }

    /// Gives them to a change.
    pub fn give(self, change: &mut WorkspaceChange) {
        let chosen = self.chosen();
        change.example_changes = chosen.iter().map(|example| example.change).collect();
        change.example_below = chosen.iter().map(|example| example.below).collect();
        change.examples = chosen.into_iter().map(|example| example.path).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
