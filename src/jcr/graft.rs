//! A part of a workspace in place of what Live has there: which nodes come back, which go, and which lists of children change.
//!
//! A node is the same node wherever it is, by its id. So what comes back is taken from where it is in Live now, and what was
//! made below it there since goes with it. The parent of what comes back stays Live's, and so do all its other children: what
//! comes back stands among them where it stood in the backup, as far as those are the same.
//!
//! What is decided here is carried out on rows elsewhere. Nothing may be decided that leaves a tree with a fault that Live's
//! does not have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::namespaces::Namespaces;
use super::tree::{Entry, Found, Names, Tree};
use super::{NodeId, ids};
use crate::domain::explore::Step;
use crate::domain::measure;

/// How many nodes are named in a sentence.
const NAMED: usize = 3;

/// Both sides, and how names are shown.
pub struct Sides<'t> {
    /// The workspace in the backup.
    pub backup: &'t Tree,
    /// The same in Live.
    pub live: &'t Tree,
    /// Their names.
    pub names: &'t Names,
    /// The prefixes of namespaces.
    pub namespaces: &'t Namespaces,
}

/// What is to be done to Live's nodes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Graft {
    /// The nodes that come from the backup, whether Live has them or not.
    pub comes: BTreeSet<NodeId>,
    /// The nodes of Live that go, and do not come back.
    pub goes: BTreeSet<NodeId>,
    /// Nodes that stay as they are in Live but for their lists of children.
    pub lists: BTreeMap<NodeId, Vec<Entry>>,
    /// Nodes that come, and are below another parent than in the backup: what stands at its path now.
    pub parents: BTreeMap<NodeId, NodeId>,
    /// The node at each path in the backup, in the order of the paths.
    pub tops: Vec<NodeId>,
    /// What moved since. What is below it is not told by itself.
    pub moved: Vec<Moved>,
    /// Of the nodes that go, those that were made below what moved.
    pub gone_elsewhere: BTreeSet<NodeId>,
}

/// A node that comes back and is elsewhere in Live.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moved {
    /// The path that it comes back to, in the backup.
    pub to: String,
    /// Its path in Live. `None` where it hangs nowhere: what was above it is gone.
    pub from: Option<String>,
}

/// One of the chosen nodes.
struct Top<'p> {
    path: &'p [Step],
    node: NodeId,
    /// Its parent in the backup, and what stands at that path in Live.
    parents: (NodeId, NodeId),
    entry: Entry,
    /// What Live has in its place.
    instead: Option<NodeId>,
}

fn shown(steps: &[Step]) -> String {
    super::tree::shown(steps.iter())
}

/// Works out what is to be done for nodes of these paths to be as in the backup.
///
/// # Errors
/// Why it cannot be done, as sentences.
pub fn graft(sides: &Sides<'_>, paths: &[&[Step]]) -> Result<Graft, Vec<String>> {
    let mut obstacles = Vec::new();
    let mut tops = Vec::new();
    for path in paths {
        match sides.top(path) {
            Ok(top) => tops.push(top),
            Err(why) => obstacles.push(why),
        }
    }
    if obstacles.is_empty() {
        sides.of_tops(&tops).map_err(|why| vec![why])
    } else {
        Err(obstacles)
    }
}

impl Sides<'_> {
    /// The path of a node of one of the sides, for people; its id where it hangs nowhere.
    #[must_use]
    pub fn path_in(&self, tree: &Tree, id: NodeId) -> String {
        tree.path(self.names, self.namespaces, id)
            .unwrap_or_else(|| format!("the node {} (it hangs nowhere)", ids::show(&id)))
    }

    fn top<'p>(&self, path: &'p [Step]) -> Result<Top<'p>, String> {
        let Some((_, above)) = path.split_last() else {
            return Err("the root of a workspace is all of it: choose the workspace".to_owned());
        };
        let find = |tree: &Tree, steps: &[Step]| tree.find(self.names, self.namespaces, steps);
        let way = match find(self.backup, path) {
            Found::There(way) => way,
            Found::Missing(_) => return Err(self.not_in_backup(path)),
        };
        let parent = match find(self.live, above) {
            Found::There(way) => way.last().copied().unwrap_or(ids::ROOT),
            Found::Missing(found) => {
                let first = &path[..=found];
                return Err(format!(
                    "{} cannot come back alone: Live has no {}. Restore {} instead, which brings it back with all that is \
                     below it",
                    shown(path),
                    shown(first),
                    shown(first)
                ));
            }
        };
        let [.., parent_then, node] = way.as_slice() else {
            return Err(self.not_in_backup(path));
        };
        let is_it = |entry: &&Entry| entry.id == *node;
        let children = self.backup.nodes.get(parent_then).map(|node| &node.children);
        let entry = children.and_then(|children| children.iter().find(is_it));
        let entry = *entry.ok_or_else(|| self.not_in_backup(path))?;
        let mut top = Top {
            path,
            node: *node,
            parents: (*parent_then, parent),
            entry,
            instead: None,
        };
        top.instead = self.instead_of(&top);
        Ok(top)
    }

    fn not_in_backup(&self, path: &[Step]) -> String {
        let in_live = matches!(self.live.find(self.names, self.namespaces, path), Found::There(_));
        let path = shown(path);
        if in_live {
            format!(
                "the backup has no {path}: a restore would only remove what Live has there. Delete it in Magnolia if that is meant"
            )
        } else {
            format!("neither the backup nor Live has {path}")
        }
    }

    fn children(tree: &Tree, id: NodeId) -> &[Entry] {
        tree.nodes.get(&id).map_or(&[], |node| node.children.as_slice())
    }

    /// What Live has in place of a chosen node. Of several of one name it is the same node, or the one at its number if the
    /// backup does not know that as another one of them.
    fn instead_of(&self, top: &Top<'_>) -> Option<NodeId> {
        let (then, now) = top.parents;
        let alike = |tree, parent| {
            Self::children(tree, parent)
                .iter()
                .filter(|entry| entry.name == top.entry.name)
                .map(|entry| entry.id)
        };
        if alike(self.live, now).any(|id| id == top.node) {
            return Some(top.node);
        }
        let index = top.path.last().map_or(1, |step| step.index);
        let nth = usize::try_from(index).unwrap_or(usize::MAX).saturating_sub(1);
        let there = alike(self.live, now).nth(nth)?;
        let is_another = alike(self.backup, then).any(|id| id == there);
        (!is_another).then_some(there)
    }

    fn of_tops(&self, tops: &[Top<'_>]) -> Result<Graft, String> {
        let mut graft = Graft {
            tops: tops.iter().map(|top| top.node).collect(),
            ..Graft::default()
        };
        for top in tops {
            self.take_whole(top, &mut graft.comes)?;
        }
        let mut taken: BTreeSet<NodeId> = tops
            .iter()
            .filter_map(|top| top.instead)
            .flat_map(|id| self.live.below(id))
            .collect();
        let is_in_live = |id: &&NodeId| self.live.nodes.contains_key(*id);
        let moved: Vec<NodeId> = graft
            .comes
            .iter()
            .filter(is_in_live)
            .filter(|id| !taken.contains(*id))
            .copied()
            .collect();
        let mut elsewhere = BTreeSet::new();
        for id in &moved {
            elsewhere.extend(self.live.below(*id));
        }
        elsewhere.retain(|id| !taken.contains(id));
        taken.extend(elsewhere.iter().copied());
        graft.goes = taken.difference(&graft.comes).copied().collect();
        graft.gone_elsewhere = elsewhere.difference(&graft.comes).copied().collect();
        self.nothing_is_lost(tops, &graft)?;
        self.nothing_is_shared(&graft, &taken)?;
        for top in tops {
            if taken.contains(&top.parents.1) || graft.comes.contains(&top.parents.1) {
                return Err(format!(
                    "{} cannot come back alone: what it comes back into has moved since, and is itself in what comes back. \
                     Restore what is further up, or the workspace",
                    shown(top.path)
                ));
            }
        }
        self.relist(tops, &moved, &taken, &mut graft);
        for top in tops {
            let (then, now) = top.parents;
            if then != now {
                graft.parents.insert(top.node, now);
            }
        }
        self.tell_moved(&moved, &taken, &mut graft);
        self.stays_whole(&graft)?;
        Ok(graft)
    }

    /// Adds a chosen node of the backup and all that is below it, which has to be whole: every node that is listed is there,
    /// says so itself, and is listed once.
    fn take_whole(&self, top: &Top<'_>, comes: &mut BTreeSet<NodeId>) -> Result<(), String> {
        let mut open = vec![(top.node, top.parents.0)];
        while let Some((id, parent)) = open.pop() {
            let node = self.backup.nodes.get(&id);
            let is_sound = node.is_some_and(|node| node.parent == Some(parent)) && comes.insert(id);
            let Some(node) = node.filter(|_| is_sound) else {
                return Err(format!(
                    "{} is not whole in the backup: the node {} below {} is missing there, is below another one, or is there \
                     twice. Restore the workspace, or choose another backup",
                    shown(top.path),
                    ids::show(&id),
                    self.path_in(self.backup, parent)
                ));
            };
            open.extend(node.children.iter().map(|entry| (entry.id, id)));
        }
        Ok(())
    }

    /// Makes sure that no node goes that the backup has elsewhere: it was not made since, and nothing would bring it back.
    fn nothing_is_lost(&self, tops: &[Top<'_>], graft: &Graft) -> Result<(), String> {
        let path_then = |id: &NodeId| self.backup.path(self.names, self.namespaces, *id);
        let lost: BTreeMap<NodeId, String> = graft
            .goes
            .iter()
            .filter_map(|id| Some((*id, path_then(id)?)))
            .collect();
        let above = |id: NodeId| self.backup.nodes.get(&id).and_then(|node| node.parent);
        // What has a path has parents that end. What comes with another one is not told by itself.
        let is_outermost =
            |id: NodeId| !std::iter::successors(above(id), |id| above(*id)).any(|id| lost.contains_key(&id));
        let holds_a_top = |then: &str| {
            let mut paths = tops.iter().map(|top| shown(top.path));
            paths.any(|path| path.strip_prefix(then).is_some_and(|rest| rest.starts_with('/')))
        };
        let mut told: Vec<String> = lost
            .iter()
            .filter(|(id, _)| is_outermost(**id))
            .map(|(id, then)| {
                let how = if holds_a_top(then) { "instead" } else { "as well" };
                let now = self.path_in(self.live, *id);
                format!("{now} in Live is {then} of the backup, moved there since: choose {then} {how}")
            })
            .collect();
        if told.is_empty() {
            return Ok(());
        }
        told.sort();
        let more = told.len().saturating_sub(NAMED);
        told.truncate(NAMED);
        if more > 0 {
            told.push(format!(
                "and {} moved",
                measure::so_many(more as u64, "more that has", "more that have")
            ));
        }
        Err(format!(
            "what the backup has elsewhere would be removed, and come back nowhere: {}",
            told.join("; ")
        ))
    }

    fn nothing_is_shared(&self, graft: &Graft, taken: &BTreeSet<NodeId>) -> Result<(), String> {
        let is_shared = |tree: &Tree, id: &NodeId| tree.nodes.get(id).is_some_and(|node| node.is_shared);
        let then = graft.comes.iter().find(|id| is_shared(self.backup, id));
        let now = taken.iter().find(|id| is_shared(self.live, id));
        let path = match (then, now) {
            (Some(id), _) => self.path_in(self.backup, *id),
            (None, Some(id)) => self.path_in(self.live, *id),
            (None, None) => return Ok(()),
        };
        Err(format!(
            "{path} is shared by several parents, and comes back only with the whole workspace"
        ))
    }

    /// The lists of children that change: of the parents of what comes back, and of those that it is taken from.
    fn relist(&self, tops: &[Top<'_>], moved: &[NodeId], taken: &BTreeSet<NodeId>, graft: &mut Graft) {
        let mut lists: BTreeMap<NodeId, Vec<Entry>> = BTreeMap::new();
        let of_live = |parent: NodeId| Self::children(self.live, parent).to_vec();
        for id in moved {
            let parent = self.live.nodes.get(id).and_then(|node| node.parent);
            let stays = |parent: &NodeId| !taken.contains(parent) && !graft.comes.contains(parent);
            if let Some(parent) = parent.filter(stays) {
                let list = lists.entry(parent).or_insert_with(|| of_live(parent));
                list.retain(|entry| entry.id != *id);
            }
        }
        // All at once: a node that takes the place of another one may stand in the way of a third by its old name.
        for parent in tops.iter().map(|top| top.parents.1).collect::<BTreeSet<_>>() {
            let list = lists.entry(parent).or_insert_with(|| of_live(parent));
            let mut placed = BTreeSet::new();
            for entry in list {
                let comes_here = |top: &&Top<'_>| top.parents.1 == parent && top.instead == Some(entry.id);
                if let Some(top) = tops.iter().find(comes_here)
                    && placed.insert(top.node)
                {
                    *entry = top.entry;
                }
            }
        }
        for top in tops {
            let Some(list) = lists.get_mut(&top.parents.1) else {
                continue;
            };
            let at = list.iter().position(|entry| entry.id == top.node);
            let order = Self::children(self.backup, top.parents.0);
            let (before, behind) = between(order, list, top.node);
            match at {
                Some(at)
                    if before.is_none_or(|before| before < at) && behind.is_none_or(|behind| at < behind) =>
                {
                    continue;
                }
                Some(at) => drop(list.remove(at)),
                None => {}
            }
            let (before, behind) = between(order, list, top.node);
            let place = match (before, behind) {
                (Some(before), _) => before + 1,
                (None, Some(behind)) => behind,
                (None, None) => list.len(),
            };
            list.insert(place, top.entry);
        }
        lists.retain(|parent, list| Self::children(self.live, *parent) != list.as_slice());
        graft.lists = lists;
    }

    fn tell_moved(&self, moved: &[NodeId], taken: &BTreeSet<NodeId>, graft: &mut Graft) {
        let is_first = |id: &&NodeId| {
            let parent = self.live.nodes.get(*id).and_then(|node| node.parent);
            parent.is_none_or(|parent| !taken.contains(&parent))
        };
        graft.moved = moved
            .iter()
            .filter(is_first)
            .map(|id| Moved {
                to: self.path_in(self.backup, *id),
                from: self.live.path(self.names, self.namespaces, *id),
            })
            .collect();
        graft.moved.sort();
    }

    /// Makes sure that no list and no parent is wrong afterwards that is right in Live.
    fn stays_whole(&self, graft: &Graft) -> Result<(), String> {
        let after = After { sides: self, graft };
        let in_live = |id: &NodeId| {
            let node = self.live.nodes.get(id)?;
            Some((node.parent, node.children.as_slice()))
        };
        let live: Vec<&NodeId> = self.live.nodes.keys().collect();
        let mut all = live.clone();
        all.extend(graft.comes.iter().filter(|id| !self.live.nodes.contains_key(*id)));
        let was = listed(&live, &in_live);
        let is = listed(&all, &|id| after.node(id));
        let is_wrong = |pair: &(NodeId, NodeId), times: u32, found: Option<Option<NodeId>>| {
            times > 1 || found != Some(Some(pair.0))
        };
        for (pair, times) in &is {
            let now = after.node(&pair.1).map(|(parent, _)| parent);
            let before = was
                .get(pair)
                .is_some_and(|times| is_wrong(pair, *times, in_live(&pair.1).map(|(parent, _)| parent)));
            if is_wrong(pair, *times, now) && !before {
                return Err(self.not_whole(graft, pair.0, pair.1));
            }
        }
        for id in all {
            let Some((Some(parent), _)) = after.node(id) else {
                continue;
            };
            let was_listed = in_live(id)
                .and_then(|(parent, _)| parent)
                .is_some_and(|parent| was.contains_key(&(parent, *id)));
            let has_to_be = was_listed || graft.comes.contains(id);
            if has_to_be && !is.contains_key(&(parent, *id)) {
                return Err(self.not_whole(graft, parent, *id));
            }
        }
        Ok(())
    }

    fn not_whole(&self, graft: &Graft, parent: NodeId, child: NodeId) -> String {
        let paths: Vec<_> = graft
            .tops
            .iter()
            .take(NAMED)
            .map(|id| self.path_in(self.backup, *id))
            .collect();
        format!(
            "{} cannot come back alone: {} and {} would not fit together afterwards. Restore the workspace",
            paths.join(", "),
            self.path_in(self.live, parent),
            ids::show(&child)
        )
    }
}

/// Between which of the nodes that both lists have a node belongs: the places of the nearest one before it and of the nearest
/// one behind it.
fn between(order: &[Entry], list: &[Entry], node: NodeId) -> (Option<usize>, Option<usize>) {
    let Some(at) = order.iter().position(|entry| entry.id == node) else {
        return (None, None);
    };
    let place = |entry: &Entry| list.iter().position(|other| other.id == entry.id);
    let (before, behind) = order.split_at(at);
    (
        before.iter().rev().find_map(place),
        behind.iter().skip(1).find_map(place),
    )
}

/// A node's parent and its list of children, where there is such a node.
type Look<'l> = dyn Fn(&NodeId) -> Option<(Option<NodeId>, &'l [Entry])> + 'l;

/// How often each node lists each other one.
fn listed(nodes: &[&NodeId], look: &Look<'_>) -> HashMap<(NodeId, NodeId), u32> {
    let mut listed = HashMap::new();
    for id in nodes {
        for entry in look(id).map_or(&[][..], |(_, children)| children) {
            *listed.entry((**id, entry.id)).or_default() += 1;
        }
    }
    listed
}

/// The tree as it will be.
struct After<'s> {
    sides: &'s Sides<'s>,
    graft: &'s Graft,
}

impl After<'_> {
    /// A node's parent and list.
    fn node(&self, id: &NodeId) -> Option<(Option<NodeId>, &[Entry])> {
        if self.graft.comes.contains(id) {
            let node = self.sides.backup.nodes.get(id)?;
            let parent = self.graft.parents.get(id).copied().or(node.parent);
            return Some((parent, &node.children));
        }
        if self.graft.goes.contains(id) {
            return None;
        }
        let node = self.sides.live.nodes.get(id)?;
        let children = self.graft.lists.get(id).unwrap_or(&node.children);
        Some((node.parent, children))
    }
}
