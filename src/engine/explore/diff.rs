//! How two sources differ: by the digests of two indexes, whose nodes are met in the order of their ids.
//!
//! Nothing is read of what is the same. A node that is in both with another parent, or by another name, was moved. What is
//! below something that was added or removed is counted with it and has no line of its own.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::background::Work;
use super::differing::{Differing, is_another, tops};
use super::find::Remarked;
use super::how_far::{At, how_far};
use super::index::{Pages, Row};
use super::source::{Opened, WorkspaceOpen};
use super::unread::{Unread, in_neither, unreadable};
use super::{Answer, Trouble};
use crate::domain::explore::{
    Change, Diff, DiffLine, DiffRequest, Looked, MOST_DIFFERENCES, MOST_LINES, NodePath, NotCompared, Step,
    Totals,
};
use crate::domain::measure;
use crate::engine::{EngineError, Live};
use crate::jcr::{NodeId, ids};
use crate::watch::Watch;

/// What came of a comparison.
#[derive(Default)]
pub(super) struct Compared {
    totals: Totals,
    lines: Vec<DiffLine>,
    is_cut: bool,
    remarks: Vec<String>,
    not_read: Option<NotCompared>,
    /// When Live was read, where it is one of the two.
    live: Option<crate::domain::Instant>,
    /// The workspace that is being compared.
    at: Option<At>,
    /// Whether anything is where it is looked.
    is_anything_there: bool,
    /// Where it may be that it is looked, in files that cannot be read: ends of sentences.
    unread: Vec<String>,
}

impl Remarked for Compared {
    fn remark(&mut self, what: String) {
        self.remarks.push(what);
    }
}

impl Live {
    pub(super) fn difference(&self, request: &DiffRequest) -> Answer<Looked<Diff>> {
        let (older, newer) = (self.source(&request.older)?, self.source(&request.newer)?);
        let question = format!(
            "{} {} {:?} {} {:?} {:?}",
            self.name(),
            older.seen.source,
            older.after,
            newer.seen.source,
            newer.after,
            request.below
        );
        let comparing = Comparing {
            live: self.clone(),
            older: older.clone(),
            newer: newer.clone(),
            below: request.below.clone(),
        };
        let explorer = self.engine().explorer();
        let work = explorer
            .comparisons
            .work(question, move |work| comparing.compare(work))?;
        let from = usize::try_from(request.from).unwrap_or(usize::MAX);
        let limit = usize::try_from(request.limit.min(MOST_LINES)).unwrap_or(0);
        let standing = work.standing(|compared| {
            let at_its_time = |opened: &Opened| {
                let mut seen = opened.seen.clone();
                if let (crate::domain::explore::Source::Live, Some(at)) = (&seen.source, compared.live) {
                    seen.at = at;
                }
                seen
            };
            let diff = Diff {
                older: at_its_time(&older),
                newer: at_its_time(&newer),
                totals: compared.totals,
                total: compared.lines.len() as u64,
                from: request.from,
                lines: compared.lines.iter().skip(from).take(limit).cloned().collect(),
                is_cut: compared.is_cut,
                remarks: compared.remarks.clone(),
                not_read: compared.not_read.clone(),
            };
            (diff, compared.at.clone())
        });
        match standing.map(|standing| (standing.is_over, standing.reading, standing.answer)) {
            Ok((true, _, (diff, _))) => Ok(Looked::Ready(diff)),
            Ok((false, Some(look), _)) => Ok(Looked::Reading(look)),
            // Both are there, and are being compared.
            Ok((false, None, (_, at))) => {
                let instances = [&newer, &older].into_iter().flat_map(|of| of.instances(self));
                let look = how_far(newer.seen.source.clone(), instances, at, work.progress.so_far());
                let look = look.ok_or_else(|| Trouble::not_there("there is no instance".to_owned()))?;
                Ok(Looked::Reading(look))
            }
            Err(why) => {
                explorer.comparisons.forget(&work);
                Err(EngineError::Failed(why).into())
            }
        }
    }
}

/// A comparison.
struct Comparing {
    live: Live,
    older: Opened,
    newer: Opened,
    below: NodePath,
}

impl Comparing {
    fn compare(&self, work: &Work<Compared>) -> Result<(), EngineError> {
        let paths: BTreeSet<NodePath> = [&self.older, &self.newer]
            .into_iter()
            .flat_map(|source| self.live.workspaces_below(source, &self.below, work))
            .collect();
        if paths.is_empty() {
            return Err(EngineError::NotThere(
                format!("there is no {}", self.below).into(),
            ));
        }
        let count = paths.len() as u64;
        for (number, path) in (1..).zip(paths) {
            let at = At {
                path: path.clone(),
                others: count - number,
                begun: work.progress.so_far(),
            };
            work.change(|compared| compared.at = Some(at));
            match self.workspace(&path, work) {
                Ok(()) => {}
                Err(Trouble::Engine(error)) if error.is_cancelled() => return Err(error),
                Err(trouble) => {
                    work.change(|compared| compared.remark(format!("{path}: {}", String::from(trouble))));
                }
            }
        }
        let is_anywhere = work.change(|compared| {
            compared.lines.sort_by(DiffLine::by_size);
            compared.is_cut = compared.lines.len() > MOST_DIFFERENCES;
            compared.lines.truncate(MOST_DIFFERENCES);
            compared.is_anything_there || !compared.remarks.is_empty()
        });
        if is_anywhere {
            return Ok(());
        }
        // "No difference" would be taken for a page that is as it was.
        let sides = [&self.older, &self.newer].map(|side| side.seen.source.short());
        let unread = work.change(|compared| std::mem::take(&mut compared.unread));
        Err(EngineError::NotThere(
            format!(
                "there is no {} in {}, nor in {}{}",
                self.below,
                sides[0],
                sides[1],
                unread.first().map_or("", String::as_str)
            )
            .into(),
        ))
    }

    /// The index of a workspace on one side; `None` where that has no such workspace.
    fn side(&self, source: &Opened, path: &NodePath, work: &Work<Compared>) -> Answer<Option<WorkspaceOpen>> {
        match self.live.wait_for_workspace(source, path, work) {
            Ok(open) => {
                if source.seen.source == crate::domain::explore::Source::Live {
                    work.change(|compared| {
                        compared.live = Some(compared.live.map_or(open.seen.at, |at| at.min(open.seen.at)));
                    });
                }
                Ok(Some(open))
            }
            Err(Trouble::Engine(EngineError::NotThere(_))) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    fn workspace(&self, path: &NodePath, work: &Work<Compared>) -> Answer<()> {
        let older = self.side(&self.older, path, work)?;
        let newer = self.side(&self.newer, path, work)?;
        let (mut is_there, mut unread) = (false, Vec::new());
        for open in older.iter().chain(&newer) {
            let pages = open.pages()?;
            let there = self.below.steps.is_empty() || open.resolve(&pages, &self.below.steps)?.is_some();
            if !there && let Some(may_be) = open.not_read_on_the_way(&pages, &self.below.steps)? {
                unread.push(may_be.in_words(open.seen.source.short()));
            }
            is_there |= there;
        }
        let found = match (&older, &newer) {
            (Some(older), Some(newer)) => compare(older, newer, &self.below, &work.progress)?,
            (None, Some(only)) => whole(only, Change::Added)?,
            (Some(only), None) => whole(only, Change::Removed)?,
            (None, None) => return Ok(()),
        };
        work.change(|compared| {
            compared.is_anything_there |= is_there;
            compared.unread.extend(unread);
            let totals = &mut compared.totals;
            totals.added += found.totals.added;
            totals.changed += found.totals.changed;
            totals.removed += found.totals.removed;
            totals.moved += found.totals.moved;
            totals.reordered += found.totals.reordered;
            totals.unreadable += found.totals.unreadable;
            compared.lines.extend(found.lines);
            match (&mut compared.not_read, found.not_read) {
                (Some(all), Some(here)) => all.and(&here),
                (all, here) => *all = all.take().or(here),
            }
            if found.astray > 0 {
                compared.remark(format!(
                    "{} below {path} to which no path leads: no parent lists what is there",
                    measure::so_many(found.astray, "node differs", "nodes differ")
                ));
            }
        });
        Ok(())
    }
}

/// What was found in one workspace.
#[derive(Default)]
pub(super) struct Found {
    totals: Totals,
    pub(super) lines: Vec<DiffLine>,
    /// Nodes that no path leads to.
    astray: u64,
    not_read: Option<NotCompared>,
}

/// A workspace that only one side has.
fn whole(open: &WorkspaceOpen, change: Change) -> Answer<Found> {
    let pages = open.pages()?;
    let Some(root) = pages.root()? else {
        return Ok(Found::default());
    };
    let count = pages.count()?;
    let mut found = Found::default();
    match change {
        Change::Added => found.totals.added = count,
        _ => found.totals.removed = count,
    }
    let path = Some(open.path());
    found.lines.push(DiffLine {
        change,
        older: path.clone().filter(|_| change == Change::Removed),
        newer: path.filter(|_| change == Change::Added),
        id: root.own.as_ref().map(ids::show),
        primary_type: root.is_node().then(|| root.primary_type.clone()),
        below: count.saturating_sub(1),
        unreadable: None,
    });
    Ok(found)
}

/// Compares a workspace that both sides have.
fn compare(
    older: &WorkspaceOpen,
    newer: &WorkspaceOpen,
    below: &NodePath,
    watch: &dyn Watch,
) -> Answer<Found> {
    let (before, now) = (older.pages()?, newer.pages()?);
    // Where the path as it is written leads nowhere in one of them, it is taken for what it means in the other.
    let below = match newer.meant(&now, below)? {
        meant if meant == *below => older.meant(&before, below)?,
        meant => meant,
    };
    // Paths of nodes name their instance, and what is asked for may be within one of them.
    let below = newer.within(below);
    let differing = Differing::of((older, &before), (newer, &now), watch)?;
    let sides = Sides {
        older,
        newer,
        before: &before,
        now: &now,
        below: (&below, &below),
    };
    let mut found = Found {
        not_read: in_neither((newer, &now), &before, &differing.both, &below)?,
        ..Found::default()
    };
    sides.all(differing, &mut found)?;
    Ok(found)
}

/// All of the differences of a workspace, for tests.
#[cfg(test)]
pub(super) fn compare_all(older: &WorkspaceOpen, newer: &WorkspaceOpen) -> (Totals, Vec<DiffLine>) {
    let found =
        compare(older, newer, &NodePath::default(), &crate::watch::Unwatched).map_err(EngineError::from);
    found.map(|found| (found.totals, found.lines)).unwrap_or_default()
}

/// The two sides of a workspace.
pub(super) struct Sides<'s> {
    pub(super) older: &'s WorkspaceOpen,
    pub(super) newer: &'s WorkspaceOpen,
    pub(super) before: &'s Pages,
    pub(super) now: &'s Pages,
    /// Only in here: where that is in the older one, and where in the newer.
    pub(super) below: (&'s NodePath, &'s NodePath),
}

impl Sides<'_> {
    /// All that differs, as lines.
    pub(super) fn all(&self, mut differing: Differing, found: &mut Found) -> Answer<()> {
        let mut unread = Unread::take(&mut differing.both);
        self.kept(differing.both, found)?;
        self.alone(&differing.added, Change::Added, &mut unread, found)?;
        self.alone(&differing.removed, Change::Removed, &mut unread, found)?;
        for (was, is, below) in unread.0.into_values() {
            self.push(Change::Changed, Some(&was), Some(&is), below, found)?;
        }
        Ok(())
    }

    /// Nodes that both have.
    fn kept(&self, both: Vec<(Row, Row)>, found: &mut Found) -> Answer<()> {
        let mut moved: HashMap<NodeId, (Row, Row)> = HashMap::new();
        let mut reordered = HashSet::new();
        for (was, is) in &both {
            if was.list != is.list {
                let (renamed, has_other_order) = self.lists(was, is)?;
                if has_other_order {
                    reordered.insert(is.id);
                }
                for id in renamed {
                    if let (Some(was), Some(is)) = (self.before.row(&id)?, self.now.row(&id)?) {
                        moved.insert(id, (was, is));
                    }
                }
            }
        }
        let mut changed = HashMap::new();
        for (was, is) in both {
            if was.parent != is.parent {
                moved.insert(is.id, (was.clone(), is.clone()));
            }
            if is_another((self.before, &was), (self.now, &is))? {
                changed.insert(is.id, (was, is));
            } else if reordered.contains(&is.id) && !moved.contains_key(&is.id) {
                self.push(Change::Reordered, Some(&was), Some(&is), 0, found)?;
            }
        }
        for (id, (was, is)) in &moved {
            let change = if changed.remove(id).is_some() {
                Change::MovedAndChanged
            } else {
                Change::Moved
            };
            self.push(change, Some(was), Some(is), 0, found)?;
        }
        for (was, is) in changed.values() {
            self.push(Change::Changed, Some(was), Some(is), 0, found)?;
        }
        Ok(())
    }

    /// Which children have another name, and whether those that both have are in another order.
    fn lists(&self, was: &Row, is: &Row) -> Answer<(Vec<NodeId>, bool)> {
        let before = self.before.children(was, 0, u32::MAX)?;
        let now = self.now.children(is, 0, u32::MAX)?;
        let old: HashMap<NodeId, &str> = before
            .iter()
            .map(|entry| (entry.child, entry.name.as_str()))
            .collect();
        let new: HashSet<NodeId> = now.iter().map(|entry| entry.child).collect();
        let renamed = now
            .iter()
            .filter(|entry| old.get(&entry.child).is_some_and(|name| *name != entry.name))
            .map(|entry| entry.child)
            .collect();
        let kept_before = before
            .iter()
            .map(|entry| entry.child)
            .filter(|child| new.contains(child));
        let kept_now = now
            .iter()
            .map(|entry| entry.child)
            .filter(|child| old.contains_key(child));
        Ok((renamed, !kept_before.eq(kept_now)))
    }

    /// Nodes that only one side has.
    fn alone(
        &self,
        rows: &HashMap<NodeId, Row>,
        change: Change,
        unread: &mut Unread,
        found: &mut Found,
    ) -> Answer<()> {
        let pages = if change == Change::Added {
            self.now
        } else {
            self.before
        };
        let tops = tops(rows);
        for (id, below) in tops {
            let Some(row) = rows.get(&id) else { continue };
            if unread.has(pages, row, 1 + below)? {
                continue;
            }
            match change {
                Change::Added => self.push(change, None, Some(row), below, found)?,
                _ => self.push(change, Some(row), None, below, found)?,
            }
        }
        Ok(())
    }

    /// Adds a line, if it is where it is looked for.
    fn push(
        &self,
        change: Change,
        was: Option<&Row>,
        is: Option<&Row>,
        below: u64,
        found: &mut Found,
    ) -> Answer<()> {
        let path = |steps: Option<Vec<Step>>, open: &WorkspaceOpen| {
            steps.map(|steps| NodePath { steps, ..open.path() })
        };
        let older = match was {
            Some(row) => path(self.before.path_of(&row.id)?, self.older),
            None => None,
        };
        let newer = match is {
            Some(row) => path(self.now.path_of(&row.id)?, self.newer),
            None => None,
        };
        let Some(row) = is.or(was) else { return Ok(()) };
        if older.is_none() && newer.is_none() {
            found.astray += 1 + below;
            return Ok(());
        }
        let unreadable = unreadable(was, is);
        let is_in = |path: &Option<NodePath>, top: &NodePath| {
            // What is asked for may be in what cannot be read.
            let has_it = |path: &NodePath| unreadable.is_some() && top.is_within(path);
            path.as_ref()
                .is_some_and(|path| path.is_within(top) || has_it(path))
        };
        if !is_in(&older, self.below.0) && !is_in(&newer, self.below.1) {
            return Ok(());
        }
        let totals = &mut found.totals;
        match change {
            Change::Added => totals.added += 1 + below,
            Change::Removed => totals.removed += 1 + below,
            Change::Changed if unreadable.is_some() => {
                totals.unreadable += 1;
                totals.changed += 1;
            }
            Change::Changed => totals.changed += 1,
            Change::Moved => totals.moved += 1,
            Change::MovedAndChanged => {
                totals.moved += 1;
                totals.changed += 1;
            }
            Change::Reordered => totals.reordered += 1,
        }
        if found.lines.len() <= MOST_DIFFERENCES {
            found.lines.push(DiffLine {
                change,
                older,
                newer,
                id: row.own.as_ref().map(ids::show),
                primary_type: row.is_node().then(|| row.primary_type.clone()),
                below,
                unreadable,
            });
        }
        Ok(())
    }
}
