//! What is wrong with the nodes that have been seen, once all have.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::super::NodeId;
use super::super::ids::{ACTIVITIES, CONFIGURATIONS, ROOT, SYSTEM, VERSION_STORAGE, show};
use super::super::namespaces::Namespaces;
use super::{About, Beside, Check, ELSEWHERE, Entry, Pending, Row, Whose};
use crate::domain::integrity::{Fault, FaultKind, Integrity};

/// So many of each kind are told, the first ones by path.
const TOLD: usize = 20;
/// Longer paths are told from further down.
const LONGEST_PATH: usize = 4096;

/// In place of a row where there is none.
const NO_ROW: u32 = u32::MAX;

impl<B: Beside> Check<B> {
    /// What is wrong.
    #[must_use]
    pub fn finish(mut self, namespaces: &Namespaces) -> Integrity {
        self.entries
            .sort_unstable_by_key(|entry| (number(&entry.child), entry.parent));
        let rows = self.rows.iter();
        let mut by_id: Vec<(NodeId, u32)> = rows.zip(0..).map(|(row, at)| (row.id, at)).collect();
        by_id.sort_unstable_by_key(|(id, at)| (number(id), *at));
        let mut judging = Judging {
            by_id,
            above: Vec::new(),
            check: &self,
            namespaces,
            counts: BTreeMap::new(),
            first: BTreeMap::new(),
        };
        judging.ids();
        let odd = judging.odd();
        judging.entries(&odd.entries);
        judging.parents(&odd.rows);
        judging.circles();
        for wrong in &self.wrong {
            let about = match &wrong.about {
                About::Binary(id) => self.names.show(*id, namespaces),
                About::Why(why) => why.to_string(),
            };
            judging.found_at(wrong.kind, wrong.row, about);
        }
        for pending in &self.pending {
            judging.target(pending);
        }
        Integrity {
            nodes: u64::try_from(self.rows.len()).unwrap_or(u64::MAX),
            counts: judging.counts,
            first: judging.first.into_values().flatten().collect(),
        }
    }
}

/// An id as a number, which is compared in less time than bytes are.
fn number(id: &NodeId) -> u128 {
    u128::from_be_bytes(*id)
}

fn row_at(rows: &[Row], at: u32) -> Option<&Row> {
    rows.get(usize::try_from(at).ok()?)
}

/// What has to be looked at more closely: nearly every node is listed once, by its parent, and is none of these.
#[derive(Default)]
struct Odd {
    rows: Vec<u32>,
    /// Stretches of entries, each of one child.
    entries: Vec<Range<usize>>,
}

impl Odd {
    /// Adds a stretch of entries, which may be of several children.
    fn add_entries(&mut self, of: &[Entry], mut stretch: Range<usize>) {
        let entries = of.get(stretch.clone()).unwrap_or_default();
        for group in entries.chunk_by(|one, other| one.child == other.child) {
            stretch.end = stretch.start + group.len();
            self.entries.push(stretch.clone());
            stretch.start = stretch.end;
        }
    }
}

struct Judging<'c, B> {
    check: &'c Check<B>,
    namespaces: &'c Namespaces,
    /// The places of rows, by their ids.
    by_id: Vec<(NodeId, u32)>,
    /// For each row the place of its parent, or [`NO_ROW`].
    above: Vec<u32>,
    counts: BTreeMap<FaultKind, u64>,
    first: BTreeMap<FaultKind, BTreeSet<Fault>>,
}

impl<'c, B: Beside> Judging<'c, B> {
    fn row(&self, at: u32) -> Option<&'c Row> {
        row_at(&self.check.rows, at)
    }

    /// The first row with this id.
    fn place(&self, id: &NodeId) -> Option<u32> {
        let wanted = number(id);
        let at = self.by_id.partition_point(|(id, _)| number(id) < wanted);
        self.by_id
            .get(at)
            .filter(|(found, _)| found == id)
            .map(|(_, at)| *at)
    }

    /// Where this node stands in lists.
    fn entries_of(&self, child: &NodeId) -> &'c [Entry] {
        let entries = &self.check.entries;
        let wanted = number(child);
        let from = entries.partition_point(|entry| number(&entry.child) < wanted);
        let count = entries
            .get(from..)
            .unwrap_or_default()
            .partition_point(|entry| entry.child == *child);
        entries.get(from..from + count).unwrap_or_default()
    }

    fn lister(&self, entry: &Entry) -> NodeId {
        self.row(entry.parent).map_or([0; 16], |row| row.id)
    }

    fn found(&mut self, kind: FaultKind, path: String, id: &NodeId, about: String) {
        *self.counts.entry(kind).or_default() += 1;
        let first = self.first.entry(kind).or_default();
        first.insert(Fault {
            kind,
            path,
            id: show(id),
            about,
        });
        if first.len() > TOLD {
            first.pop_last();
        }
    }

    fn found_at(&mut self, kind: FaultKind, at: u32, about: String) {
        if let Some(row) = self.row(at) {
            let path = self.path(&row.id);
            self.found(kind, path, &row.id, about);
        }
    }

    /// Rows whose ids others before them have.
    fn again(&self) -> impl Iterator<Item = u32> {
        self.by_id.windows(2).filter_map(|pair| match pair {
            [(one, _), (other, at)] if one == other => Some(*at),
            _ => None,
        })
    }

    /// Ids that more than one row has.
    fn ids(&mut self) {
        let again: Vec<u32> = self.again().collect();
        for row in again {
            self.found_at(FaultKind::Twice, row, String::new());
        }
    }

    /// Goes through rows and lists side by side, in the order of ids, and finds each row's parent on the way.
    fn odd(&mut self) -> Odd {
        let check = self.check;
        let mut odd = Odd::default();
        let mut above = vec![NO_ROW; check.rows.len()];
        let has_twice = self.again().next().is_some();
        let mut from = 0;
        let mut next = |is_it: &dyn Fn(&NodeId) -> bool| {
            let rest = check.entries.get(from..).unwrap_or_default();
            let count = rest.iter().take_while(|entry| is_it(&entry.child)).count();
            let found = from..from + count;
            from = found.end;
            found
        };
        for same in self.by_id.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((id, _)) = same.first() else { continue };
            // Nobody has the ids of those before.
            odd.add_entries(&check.entries, next(&|child| number(child) < number(id)));
            let stretch = next(&|child| child == id);
            let lister = match check.entries.get(stretch.clone()) {
                Some([entry]) => self.row(entry.parent).map(|row| (row.id, entry.parent)),
                _ => None,
            };
            let mut fits = true;
            for (_, at) in same {
                let Some(row) = self.row(*at) else { continue };
                let by_parent = lister.filter(|(by, _)| row.parent == Some(*by));
                let is_even = row.is_readable && by_parent.is_some() && !self.is_shared(*at);
                if !is_even {
                    odd.rows.push(*at);
                }
                fits &= is_even;
                let Some(slot) = usize::try_from(*at).ok().and_then(|at| above.get_mut(at)) else {
                    continue;
                };
                // In the version storage Jackrabbit keeps a node for `/jcr:system` that is its own.
                let is_top = check.whose == Whose::Versions && row.id == SYSTEM;
                *slot = match (by_parent, row.parent) {
                    (_, None) => NO_ROW,
                    _ if is_top => NO_ROW,
                    // The only row of that id, or else the first one counts.
                    (Some((_, by)), _) if !has_twice => by,
                    (_, Some(parent)) => self.place(&parent).unwrap_or(NO_ROW),
                };
            }
            if !fits {
                odd.add_entries(&check.entries, stretch);
            }
        }
        odd.add_entries(&check.entries, next(&|_| true));
        self.above = above;
        odd
    }

    fn is_shared(&self, at: u32) -> bool {
        self.check
            .shared
            .binary_search_by_key(&at, |(row, _)| *row)
            .is_ok()
    }

    /// Children that are not there, or that are listed by others than their parents.
    fn entries(&mut self, odd: &[Range<usize>]) {
        let check = self.check;
        let groups = odd
            .iter()
            .filter_map(|stretch| check.entries.get(stretch.clone()));
        for group in groups {
            let Some(child) = group.first().map(|entry| entry.child) else {
                continue;
            };
            let Some(at) = self.place(&child) else {
                if !ELSEWHERE.contains(&child) {
                    for entry in group {
                        self.found(
                            FaultKind::MissingChild,
                            self.path_by(entry),
                            &child,
                            String::new(),
                        );
                    }
                }
                continue;
            };
            let Some(row) = self.row(at).filter(|row| row.is_readable) else {
                continue;
            };
            let parents = self.parents_of(at, row);
            let mut before = None;
            for entry in group {
                // One list after the other. That of a node which occurs twice is told with that node.
                let is_twice = before.replace(entry.parent) == Some(entry.parent);
                if is_twice || !parents.contains(&self.lister(entry)) {
                    self.found(FaultKind::Twice, self.path_by(entry), &child, String::new());
                }
            }
        }
    }

    /// The nodes whose lists a node has to be in.
    fn parents_of(&self, at: u32, row: &Row) -> BTreeSet<NodeId> {
        let shared = &self.check.shared;
        // Rows came one after the other, and with each of them those that it is shared by.
        let from = shared.partition_point(|(row, _)| *row < at);
        let shared = shared.iter().skip(from).take_while(|(row, _)| *row == at);
        row.parent
            .into_iter()
            .chain(shared.map(|(_, parent)| *parent))
            .collect()
    }

    /// Nodes that their parents do not list.
    fn parents(&mut self, odd: &[u32]) {
        let check = self.check;
        let has_root = self.place(&ROOT).is_some();
        for at in odd.iter().copied() {
            let Some(row) = self.row(at).filter(|row| row.is_readable) else {
                continue;
            };
            let listers: Vec<NodeId> = self
                .entries_of(&row.id)
                .iter()
                .map(|entry| self.lister(entry))
                .collect();
            let parents = self.parents_of(at, row);
            let is_lost = parents.iter().any(|parent| {
                let is_outside = check.whose == Whose::Versions && *parent == SYSTEM;
                let cannot_tell = self
                    .place(parent)
                    .and_then(|at| self.row(at))
                    .is_some_and(|row| !row.is_readable);
                !is_outside && !cannot_tell && !listers.contains(parent)
            });
            let is_second_root = parents.is_empty() && has_root && row.id != ROOT;
            if is_lost || is_second_root {
                self.found_at(FaultKind::NotListed, at, String::new());
            }
        }
    }

    /// Nodes that are below themselves, once a circle.
    fn circles(&mut self) {
        let rows = &self.check.rows;
        let mut seen: Vec<u32> = vec![0; rows.len()];
        let mut circles = Vec::new();
        for start in 0..u32::try_from(rows.len()).unwrap_or(u32::MAX) {
            // The walks are told apart by where they began, from 1.
            let walk = start + 1;
            let mut next = Some(start);
            while let Some(at) = next {
                let Some(mark) = usize::try_from(at).ok().and_then(|at| seen.get_mut(at)) else {
                    break;
                };
                if *mark == walk {
                    circles.push(self.smallest_on_circle(at));
                }
                if *mark != 0 {
                    break;
                }
                *mark = walk;
                next = self.above(at);
            }
        }
        for at in circles {
            self.found_at(FaultKind::Cycle, at, String::new());
        }
    }

    /// The place of a node's parent.
    fn above(&self, at: u32) -> Option<u32> {
        let above = self.above.get(usize::try_from(at).ok()?)?;
        Some(*above).filter(|above| *above != NO_ROW)
    }

    /// The place of the node with the smallest id on a circle, wherever the walk came onto it.
    fn smallest_on_circle(&self, at: u32) -> u32 {
        let mut smallest = at;
        let mut next = self.above(at);
        while let Some(here) = next.filter(|here| *here != at) {
            let is_smaller = self.row(here).map(|row| row.id) < self.row(smallest).map(|row| row.id);
            if is_smaller {
                smallest = here;
            }
            next = self.above(here);
        }
        smallest
    }

    fn target(&mut self, pending: &Pending) {
        let target = &pending.target;
        let is_there = match self.check.whose {
            Whose::Workspace if pending.is_version => self.check.beside.has_version(target),
            Whose::Workspace => self.place(target).is_some() || self.check.beside.has_version(target),
            Whose::Versions => self.place(target).is_some(),
        };
        if !is_there {
            let kind = match self.check.whose {
                Whose::Workspace if !pending.is_version => FaultKind::MissingTarget,
                Whose::Workspace | Whose::Versions => FaultKind::MissingVersion,
            };
            let about = self.reference(pending.property, &pending.target);
            self.found_at(kind, pending.source, about);
        }
    }

    fn reference(&self, property: super::NameAt, target: &NodeId) -> String {
        let property = self.check.names.show(property, self.namespaces);
        format!("{property} = {}", show(target))
    }

    /// The path of what an entry leads to.
    fn path_by(&self, entry: &Entry) -> String {
        let above = self.path(&self.lister(entry));
        joined(&above, &self.step(entry))
    }

    fn step(&self, entry: &Entry) -> String {
        let name = self.check.names.show(entry.name, self.namespaces);
        if entry.index > 1 {
            format!("{name}[{}]", entry.index)
        } else {
            name
        }
    }

    /// The path of a node, as far up as lists lead, and no further than anybody reads.
    fn path(&self, id: &NodeId) -> String {
        let mut steps = Vec::new();
        let mut length = 0;
        let mut id = *id;
        let mut parent = self.place(&id).and_then(|at| self.row(at)?.parent);
        let top = loop {
            if let Some(top) = top(self.check.whose, &id) {
                break top.to_owned();
            }
            let entries = self.entries_of(&id);
            let by_parent = entries.iter().find(|entry| Some(self.lister(entry)) == parent);
            let Some(entry) = by_parent.or(entries.first()) else {
                // Somebody may have configured another root.
                let is_root =
                    parent.is_none() && self.check.whose == Whose::Workspace && self.place(&ROOT).is_none();
                break if is_root {
                    String::new()
                } else {
                    format!("[{}]", show(&id))
                };
            };
            let step = self.step(entry);
            length += step.len() + 1;
            steps.push(step);
            if length > LONGEST_PATH {
                break format!("[{}]", show(&self.lister(entry)));
            }
            id = self.lister(entry);
            parent = self.row(entry.parent).and_then(|row| row.parent);
        };
        steps.push(top);
        steps.reverse();
        let path = steps.join("/");
        if path.is_empty() { "/".to_owned() } else { path }
    }
}

/// The path of a node from which others are found.
fn top(whose: Whose, id: &NodeId) -> Option<&'static str> {
    match (whose, *id) {
        (Whose::Workspace, ROOT) => Some(""),
        (_, SYSTEM) => Some("/jcr:system"),
        (Whose::Versions, VERSION_STORAGE) => Some("/jcr:system/jcr:versionStorage"),
        (Whose::Versions, ACTIVITIES) => Some("/jcr:system/jcr:activities"),
        (Whose::Versions, CONFIGURATIONS) => Some("/jcr:system/jcr:configurations"),
        _ => None,
    }
}

fn joined(above: &str, step: &str) -> String {
    format!("{}/{step}", above.trim_end_matches('/'))
}
