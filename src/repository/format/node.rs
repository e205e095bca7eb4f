//! Items as the repository's format has them, and back.
//!
//! The format is restic's: permissions are those of the Go language, names are quoted, times are text.

use std::path::Path;

use rustic_core::jiff::Timestamp;
use rustic_core::repofile::{Metadata, Node, NodeType};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::content::files::attributes::is_kept;
use crate::content::{Attribute, FileTime, Item, ItemKind, Names, Rare};

const GO_FOLDER: u32 = 1 << 31;
const GO_LINK: u32 = 1 << 27;
const GO_SETUID: u32 = 1 << 23;
const GO_SETGID: u32 = 1 << 22;
const GO_STICKY: u32 = 1 << 20;

/// Which bit of a mode is which in Go.
const BITS: [(u32, u32); 3] = [(0o4000, GO_SETUID), (0o2000, GO_SETGID), (0o1000, GO_STICKY)];

/// An item as the format has it, without content. `None` if it has no name, or a time that does not exist.
pub(in crate::repository) fn from_item(item: &Item) -> Option<Node> {
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
    let names = item.rare.as_ref().and_then(|rare| rare.names);
    let meta = Metadata {
        mode: Some(mode),
        mtime: Some(timestamp(item.modified)?),
        ctime: Some(timestamp(item.changed)?),
        uid: Some(item.owner.0),
        gid: Some(item.owner.1),
        inode: item.inode,
        size: size(item),
        links: names.map_or(0, |names| names.count),
        device_id: names.map_or(0, |names| names.device),
        extended_attributes: to_stored(item.attributes())?,
        ..Metadata::default()
    };
    Some(Node::new_node(item.path.file_name()?, node_type, meta))
}

/// A stored item in the folder `parent`; `None` for what content never is, such as a device.
pub(in crate::repository) fn to_item(node: &Node, parent: &Path) -> Option<Item> {
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
    let names = (node.is_file() && node.meta.links > 1).then_some(Names {
        count: node.meta.links,
        device: node.meta.device_id,
    });
    // What content never brings along is not taken from a backup either: a made-up one could give a program more rights
    // than whoever starts it.
    let stored = node.meta.extended_attributes.iter();
    let kept = stored.filter(|stored| is_kept(&stored.name));
    let mut attributes: Vec<_> = kept
        .map(|stored| Attribute {
            name: stored.name.clone(),
            value: stored.value.clone().unwrap_or_default(),
        })
        .collect();
    attributes.sort();
    let is_rare = names.is_some() || !attributes.is_empty();
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
        rare: is_rare.then(|| Box::new(Rare { attributes, names })),
    })
}

/// Attributes as the format has them. The library does not let anybody name their type, but reads it from text.
fn to_stored<T: DeserializeOwned>(attributes: &[Attribute]) -> Option<Vec<T>> {
    if attributes.is_empty() {
        return Some(Vec::new());
    }
    let text = attributes.iter().map(|attribute| {
        json!({
            "name": attribute.name,
            "value": base64(&attribute.value),
        })
    });
    serde_json::from_value(Value::Array(text.collect())).ok()
}

const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > three.len() {
                '='
            } else {
                char::from(sign)
            });
        }
    }
    text
}

/// Bytes of content; zero for folders and links.
pub(in crate::repository) fn size(item: &Item) -> u64 {
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
                    rare: Some(Box::new(Rare {
                        attributes: vec![
                            Attribute {
                                name: "system.posix_acl_access".to_owned(),
                                value: vec![2, 0, 0xff],
                            },
                            Attribute {
                                name: "user.empty".to_owned(),
                                value: Vec::new(),
                            },
                        ],
                        names: matches!(kind, ItemKind::File { .. }).then_some(Names { count: 3, device: 9 }),
                    })),
                };
                let node = from_item(&item).unwrap();
                assert_eq!(to_item(&node, Path::new("website")).unwrap(), item);
            }
        }
    }

    #[test]
    fn a_made_up_backup_brings_no_attribute_that_gives_rights_to_programs() {
        let mut item = Item {
            path: "website/tool".into(),
            kind: ItemKind::File { size: 1 },
            mode: 0o755,
            owner: (0, 0),
            modified: FileTime::default(),
            changed: FileTime::default(),
            inode: 1,
            held: None,
            rare: None,
        };
        let mut node = from_item(&item).unwrap();
        let made_up =
            ["security.capability", "trusted.overlay.redirect", "user.note"].map(|name| Attribute {
                name: name.to_owned(),
                value: vec![1],
            });
        node.meta.extended_attributes = to_stored(&made_up).unwrap();
        item.rare = Some(Box::new(Rare {
            attributes: vec![Attribute {
                name: "user.note".to_owned(),
                value: vec![1],
            }],
            names: None,
        }));
        assert_eq!(to_item(&node, Path::new("website")).unwrap(), item);
    }

    #[test]
    fn every_length_of_a_value_is_written_so_that_the_library_reads_it() {
        for length in 0..20_u8 {
            let attributes = vec![Attribute {
                name: "user.note".to_owned(),
                value: (0..length).map(|byte| byte.wrapping_mul(37)).collect(),
            }];
            let mut node = Node::new_node(OsStr::new("a"), NodeType::File, Metadata::default());
            node.meta.extended_attributes = to_stored(&attributes).unwrap();
            assert_eq!(to_item(&node, Path::new("")).unwrap().attributes(), attributes);
        }
    }
}
