//! What an earlier backup holds in the folder that a walk is in, so that a file which is the same is not read again.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use rustic_core::repofile::Node;
use rustic_core::{DataId, TreeId};

use crate::content::Item;
use crate::repository::format::node;
use crate::repository::read::store::Store;

/// The folders from the top to the one that the walk is in. One is read when it is first asked for something: a walk that
/// brings everything along asks for nothing.
pub(super) struct ParentTree<'a> {
    store: &'a Store,
    top: Option<TreeId>,
    names: Vec<OsString>,
    /// Those that were read, from the top down: one more than names at most.
    levels: Vec<Level>,
}

/// One folder of the earlier backup; empty if it had none there.
#[derive(Default)]
struct Level {
    folders: HashMap<OsString, TreeId>,
    files: HashMap<OsString, Node>,
}

impl<'a> ParentTree<'a> {
    /// Begins at the top. Without a backup nothing is known.
    pub(in crate::repository) fn new(store: &'a Store, top: Option<TreeId>) -> Self {
        Self {
            store,
            top,
            names: Vec::new(),
            levels: Vec::new(),
        }
    }

    /// Into a folder of the one that it is in.
    pub(in crate::repository) fn enter(&mut self, name: &OsStr) {
        self.names.push(name.to_owned());
    }

    /// Out of it.
    pub(super) fn leave(&mut self) {
        self.names.pop();
        self.levels.truncate(self.names.len() + 1);
    }

    /// The pieces of a file that has not changed since: its name and all that is known of it are the same. A file whose
    /// walk brings its content along is not looked for: the names of its pieces tell what is in it, and cost no reading.
    pub(in crate::repository) fn content(&mut self, item: &Item) -> Option<Vec<DataId>> {
        if item.held.is_some() {
            return None;
        }
        while self.levels.len() <= self.names.len() {
            let tree = match self.levels.last() {
                None => self.top,
                Some(level) => {
                    let name = self.names.get(self.levels.len() - 1)?;
                    level.folders.get(name).copied()
                }
            };
            let level = self.level(tree);
            self.levels.push(level);
        }
        let node = self.levels.last()?.files.get(item.path.file_name()?)?;
        let before = node::to_item(node, Path::new(""))?;
        let is_same = before.kind == item.kind
            && before.inode == item.inode
            && before.modified == item.modified
            && before.changed == item.changed;
        is_same.then(|| node.content.clone().unwrap_or_default())
    }

    /// A folder that cannot be read is as one that is not there: everything in it is packed again, and the damage is
    /// found by whoever verifies that backup.
    fn level(&self, tree: Option<TreeId>) -> Level {
        let mut level = Level::default();
        let Some(tree) = tree.and_then(|tree| self.store.folder(tree).ok()) else {
            return level;
        };
        for node in tree.nodes {
            if let Some(tree) = node.subtree {
                level.folders.insert(node.name().into_owned(), tree);
            } else if node.is_file() && self.is_whole(&node) {
                level.files.insert(node.name().into_owned(), node);
            }
        }
        level
    }

    /// Whether all pieces of a file are in the repository.
    fn is_whole(&self, node: &Node) -> bool {
        let content = node.content.as_deref().unwrap_or_default();
        content.iter().all(|piece| self.store.has(piece))
    }
}
