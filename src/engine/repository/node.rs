//! Items as the repository's format has them, and back.
//!
//! The format is restic's: permissions are those of the Go language, names are quoted, times are text.

use std::path::Path;

use rustic_core::jiff::Timestamp;
use rustic_core::repofile::{Metadata, Node, NodeType};

use crate::engine::content::{FileTime, Item, ItemKind};

const GO_FOLDER: u32 = 1 << 31;
const GO_LINK: u32 = 1 << 27;
const GO_SETUID: u32 = 1 << 23;
const GO_SETGID: u32 = 1 << 22;
const GO_STICKY: u32 = 1 << 20;

/// Which bit of a mode is which in Go.
const BITS: [(u32, u32); 3] = [(0o4000, GO_SETUID), (0o2000, GO_SETGID), (0o1000, GO_STICKY)];

/// An item as the format has it, without content. `None` if it has no name, or a time that does not exist.
pub(super) fn from_item(item: &Item) -> Option<Node> {
    let (node_type, go_kind) = match &item.kind {
        ItemKind::Folder => (NodeType::Dir, GO_FOLDER),
        ItemKind::File { .. } => (NodeType::File, 0),
        ItemKind::Link { target } => (NodeType::from_link(target), GO_LINK),
    };
    let mut mode = (item.mode & 0o777) | go_kind;
    for (bit, go_bit) in BITS {
        if item.mode & bit != 0 {
            mode |= go_bit;
        }
    }
    let meta = Metadata {
        mode: Some(mode),
        mtime: Some(timestamp(item.modified)?),
        ctime: Some(timestamp(item.changed)?),
        uid: Some(item.owner.0),
        gid: Some(item.owner.1),
        inode: item.inode,
        size: size(item),
        ..Metadata::default()
    };
    Some(Node::new_node(item.path.file_name()?, node_type, meta))
}

/// A stored item in the folder `parent`; `None` for what content never is, such as a device.
pub(super) fn to_item(node: &Node, parent: &Path) -> Option<Item> {
    let kind = match &node.node_type {
        NodeType::Dir => ItemKind::Folder,
        NodeType::File => ItemKind::File { size: node.meta.size },
        link @ NodeType::Symlink { .. } => ItemKind::Link {
            target: link.to_link().to_owned(),
        },
        _ => return None,
    };
    let go_mode = node.meta.mode.unwrap_or(0);
    let mut mode = go_mode & 0o777;
    for (bit, go_bit) in BITS {
        if go_mode & go_bit != 0 {
            mode |= bit;
        }
    }
    Some(Item {
        path: parent.join(&*node.name()),
        kind,
        mode,
        owner: (
            node.meta.uid.unwrap_or(u32::MAX),
            node.meta.gid.unwrap_or(u32::MAX),
        ),
        modified: node.meta.mtime.map(file_time).unwrap_or_default(),
        changed: node.meta.ctime.map(file_time).unwrap_or_default(),
        inode: node.meta.inode,
        held: None,
    })
}

/// Bytes of content; zero for folders and links.
pub(super) fn size(item: &Item) -> u64 {
    match item.kind {
        ItemKind::File { size } => size,
        ItemKind::Folder | ItemKind::Link { .. } => 0,
    }
}

const NANOS: i128 = 1_000_000_000;

fn timestamp(time: FileTime) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(time.seconds) * NANOS + i128::from(time.nanos)).ok()
}

fn file_time(time: Timestamp) -> FileTime {
    let nanos = time.as_nanosecond();
    FileTime {
        seconds: i64::try_from(nanos.div_euclid(NANOS)).unwrap_or(0),
        nanos: u32::try_from(nanos.rem_euclid(NANOS)).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn items_come_back_as_they_were() {
        let odd = OsStr::from_bytes(b"d\xff\xfe\n\"\\\x1b e\xcc\x81");
        let kinds = [
            ItemKind::Folder,
            ItemKind::File { size: 7 },
            ItemKind::Link {
                target: Path::new("../x").join(odd),
            },
        ];
        for kind in kinds {
            for (mode, modified) in [
                (0o7777, FileTime { seconds: 0, nanos: 1 }),
                (
                    0o4755,
                    FileTime {
                        seconds: -2,
                        nanos: 999_999_999,
                    },
                ),
                (
                    0,
                    FileTime {
                        seconds: 253_402_207_200,
                        nanos: 0,
                    },
                ),
            ] {
                let item = Item {
                    path: Path::new("website").join(odd),
                    kind: kind.clone(),
                    mode,
                    owner: (12, 34),
                    modified,
                    changed: FileTime { seconds: 3, nanos: 4 },
                    inode: 56,
                    held: None,
                };
                let node = from_item(&item).unwrap();
                assert_eq!(to_item(&node, Path::new("website")).unwrap(), item);
            }
        }
    }
}
