//! Files and folders as nodes of a repository: what the demo's content is in a database.
//!
//! A folder is a node with an entry for each child; a file is a node whose bytes are a binary property, in the row itself
//! or as a record of the data store. How a node is written into its row is Jackrabbit's matter, and not in here.

use std::path::PathBuf;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::jcr::bundle;
use crate::jcr::namespaces::{JCR, NT, REP};
use crate::jcr::{self, Binary, Child, Name, Property, Value};

/// What the bundle of a workspace's root is called, in every workspace.
pub(super) const ROOT: u128 = 0xcafe_babe_cafe_babe_cafe_babe_cafe_babe;

const ROOT_TYPE: Name = Name::known(REP, "root");
const FOLDER: Name = Name::known(NT, "folder");
const FILE: Name = Name::known(NT, "file");
const DATA: Name = Name::known(JCR, "data");
const MODE: Name = Name::known("", "mode");
const MODIFIED: Name = Name::known("", "modified");
const TARGET: Name = Name::known("", "target");

/// What a node stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holds {
    /// A folder: the names and ids of what is in it.
    Children(Vec<(String, u128)>),
    /// A file whose bytes are in the row.
    Bytes(Vec<u8>),
    /// A file whose bytes are a record of the data store.
    Record(String),
    /// A link, and where it leads.
    Link(PathBuf),
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// The node that it is below; `None` for a root.
    pub parent: Option<u128>,
    /// Its permissions.
    pub mode: u32,
    /// When it was changed last.
    pub modified: DateTime<Utc>,
    /// What it stands for.
    pub holds: Holds,
}

impl Node {
    /// The bundle of the node with this id. `None` for a name that cannot be written.
    pub(super) fn write(&self, id: u128) -> Option<Vec<u8>> {
        let mut properties = vec![
            text(MODE, format!("{:o}", self.mode)),
            text(
                MODIFIED,
                format!(
                    "{}.{:09}",
                    self.modified.timestamp(),
                    self.modified.timestamp_subsec_nanos()
                ),
            ),
        ];
        let mut children = Vec::new();
        let primary_type = match &self.holds {
            Holds::Children(_) if self.parent.is_none() => ROOT_TYPE,
            Holds::Children(_) => FOLDER,
            _ => FILE,
        };
        match &self.holds {
            Holds::Children(entries) => {
                children.extend(entries.iter().map(|(name, id)| Child {
                    name: Name {
                        namespace: "".into(),
                        local: name.clone().into(),
                    },
                    id: id.to_be_bytes(),
                }));
            }
            Holds::Bytes(bytes) => {
                properties.push(property(
                    DATA,
                    Value::Binary(Binary::Held(Bytes::copy_from_slice(bytes))),
                ));
            }
            Holds::Record(name) => {
                properties.push(property(DATA, Value::Binary(Binary::Record(name.clone()))));
            }
            Holds::Link(target) => properties.push(text(TARGET, target.to_string_lossy().into_owned())),
        }
        bundle::write(&jcr::Node {
            id: id.to_be_bytes(),
            parent: self.parent.map(u128::to_be_bytes),
            primary_type,
            mixin_types: Vec::new(),
            properties,
            children,
            shared_set: Vec::new(),
            is_referenceable: false,
            // It was never changed by Jackrabbit.
            modified_count: 0,
        })
        .ok()
    }

    /// The node of a bundle. `None` for one that the demo did not write.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let node = bundle::read(ROOT.to_be_bytes(), bytes).ok()?;
        let (mut mode, mut modified, mut found) = (None, None, None);
        for property in node.properties {
            let value = property.values.into_iter().next()?;
            let name = &property.name;
            match value {
                Value::Binary(Binary::Held(bytes)) if *name == DATA => {
                    found = Some(Holds::Bytes(bytes.into()));
                }
                Value::Binary(Binary::Record(id)) if *name == DATA => found = Some(Holds::Record(id)),
                Value::String(text) if *name == MODE => mode = u32::from_str_radix(&text, 8).ok(),
                Value::String(text) if *name == MODIFIED => modified = moment(&text),
                Value::String(text) if *name == TARGET => found = Some(Holds::Link(text.into())),
                _ => return None,
            }
        }
        let children = node.children.into_iter();
        let children = children.map(|child| (child.name.local.into_owned(), u128::from_be_bytes(child.id)));
        Some(Self {
            parent: node.parent.map(u128::from_be_bytes),
            mode: mode?,
            modified: modified?,
            holds: found.unwrap_or_else(|| Holds::Children(children.collect())),
        })
    }
}

fn property(name: Name, value: Value) -> Property {
    Property {
        name,
        kind: value.kind(),
        is_multiple: false,
        values: vec![value],
        modified_count: 0,
    }
}

fn text(name: Name, text: String) -> Property {
    property(name, Value::String(text))
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = text.split_once('.')?;
    DateTime::from_timestamp(seconds.parse().ok()?, nanos.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else_is() {
        let node = |holds| Node {
            parent: Some(7),
            mode: 0o640,
            modified: DateTime::from_timestamp(1_795_000_000, 123_456_789).unwrap(),
            holds,
        };
        let children = |count: usize| {
            (0..count)
                .map(|number| (format!("{}{number}", "ä".repeat(number)), ROOT - number as u128))
                .collect()
        };
        for holds in [
            Holds::Children(children(0)),
            Holds::Children(children(2)),
            Holds::Children(children(3)),
            Holds::Children(children(130)),
            Holds::Bytes(Vec::new()),
            Holds::Bytes(vec![0xff; 70_000]),
            Holds::Record("00ff".repeat(16)),
            Holds::Link("../elsewhere".into()),
        ] {
            let node = node(holds);
            let bundle = node.write(ROOT).unwrap();
            assert_eq!(Node::read(&bundle), Some(node));
            assert_eq!(Node::read(&bundle[..bundle.len() - 1]), None);
        }
        assert_eq!(Node::read(b"opaque"), None);
    }
}
