//! Nodes as Jackrabbit writes them into a row: its bundles of version 3, as far as the demo's content needs them.
//!
//! A folder is a node with an entry for each child; a file is a node whose bytes are a binary property, in the row itself
//! or as the name of a record in the data store.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

/// What the bundle of a workspace's root is called, in every workspace.
pub(super) const ROOT: u128 = 0xcafe_babe_cafe_babe_cafe_babe_cafe_babe;
/// The parent of a root.
const NOWHERE: u128 = 0xbb4e_9d10_d857_11df_937b_0800_200c_9a66;

const VERSION: u8 = 3;
/// Names that Jackrabbit writes as one byte.
const NT_FILE: u8 = 2;
const NT_FOLDER: u8 = 3;
const REP_ROOT: u8 = 17;
const JCR_DATA: u8 = 12;
/// Types of properties.
const STRING: u8 = 1;
const BINARY: u8 = 2;
/// In place of a length: what follows is the name of a record.
const IN_THE_STORE: i32 = -2;

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
    /// Its bundle.
    pub(super) fn write(&self) -> Vec<u8> {
        let (kind, more) = match &self.holds {
            Holds::Children(_) if self.parent.is_none() => (REP_ROOT, 0),
            Holds::Children(_) => (NT_FOLDER, 0),
            _ => (NT_FILE, 1),
        };
        let mut out = Writer(vec![VERSION, kind]);
        out.id(self.parent.unwrap_or(NOWHERE));
        // It was never changed by Jackrabbit.
        out.number(0);
        let children = match &self.holds {
            Holds::Children(children) => children.as_slice(),
            _ => &[],
        };
        let few = u8::try_from(children.len().min(3)).unwrap_or(3);
        out.byte((2 + more) << 4 | few << 2);
        out.text("mode", &format!("{:o}", self.mode));
        out.text(
            "modified",
            &format!(
                "{}.{:09}",
                self.modified.timestamp(),
                self.modified.timestamp_subsec_nanos()
            ),
        );
        match &self.holds {
            Holds::Children(_) => {}
            Holds::Bytes(bytes) => {
                out.binary(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
                out.0.extend_from_slice(bytes);
            }
            Holds::Record(name) => {
                out.binary(IN_THE_STORE);
                out.counted(name.as_bytes());
            }
            Holds::Link(target) => out.text("target", &target.to_string_lossy()),
        }
        if few == 3 {
            out.number(children.len() - 3);
        }
        for (name, id) in children {
            out.name(name);
            out.id(*id);
        }
        out.0
    }

    /// The node of a bundle. `None` for one that the demo did not write.
    pub(super) fn read(bundle: &[u8]) -> Option<Self> {
        let mut from = Reader(bundle);
        let (version, _kind) = (from.byte()?, from.byte()?);
        if version != VERSION {
            return None;
        }
        let parent = Some(from.id()?).filter(|parent| *parent != NOWHERE);
        from.number()?;
        let flags = from.byte()?;
        let (mut mode, mut modified, mut found) = (None, None, None);
        for _ in 0..(flags >> 4) & 7 {
            let name = from.name()?;
            let kind = from.byte()?;
            from.number()?;
            match (name.as_deref(), kind) {
                (None, BINARY) => {
                    found = Some(match from.length()? {
                        IN_THE_STORE => Holds::Record(from.string()?),
                        length => Holds::Bytes(from.take(usize::try_from(length).ok()?)?.to_vec()),
                    });
                }
                (Some("mode"), STRING) => mode = u32::from_str_radix(&from.string()?, 8).ok(),
                (Some("modified"), STRING) => modified = moment(&from.string()?),
                (Some("target"), STRING) => found = Some(Holds::Link(from.string()?.into())),
                _ => return None,
            }
        }
        let mut count = usize::from((flags >> 2) & 3);
        if count == 3 {
            count += from.number()?;
        }
        let mut children = Vec::new();
        for _ in 0..count {
            children.push((from.name()??, from.id()?));
        }
        Some(Self {
            parent,
            mode: mode?,
            modified: modified?,
            holds: found.unwrap_or(Holds::Children(children)),
        })
    }
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = text.split_once('.')?;
    DateTime::from_timestamp(seconds.parse().ok()?, nanos.parse().ok()?)
}

struct Writer(Vec<u8>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn id(&mut self, id: u128) {
        self.0.extend_from_slice(&id.to_be_bytes());
    }

    /// Seven bits in each byte, the lowest first.
    fn number(&mut self, mut number: usize) {
        while number >= 0x80 {
            self.byte(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
            number >>= 7;
        }
        self.byte(u8::try_from(number).unwrap_or(0));
    }

    fn counted(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// A name without a namespace.
    fn name(&mut self, name: &str) {
        let length = name.len().max(1);
        self.byte(0x80 | u8::try_from(length.min(16) - 1).unwrap_or(15));
        if length >= 16 {
            self.number(length - 16);
        }
        self.0.extend_from_slice(name.as_bytes());
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.byte(STRING);
        self.number(0);
        self.counted(value.as_bytes());
    }

    fn binary(&mut self, length: i32) {
        self.byte(JCR_DATA);
        self.byte(BINARY);
        self.number(0);
        self.0.extend_from_slice(&length.to_be_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn id(&mut self) -> Option<u128> {
        Some(u128::from_be_bytes(self.take(16)?.try_into().ok()?))
    }

    fn length(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn string(&mut self) -> Option<String> {
        let count = self.number()?;
        String::from_utf8(self.take(count)?.to_vec()).ok()
    }

    /// A name without a namespace; inside, `None` for one of those that are written as one byte.
    #[expect(clippy::option_option, reason = "the outer one is the end of the bundle")]
    fn name(&mut self) -> Option<Option<String>> {
        let first = self.byte()?;
        if first & 0x80 == 0 {
            return Some(None);
        }
        let mut length = usize::from(first & 15) + 1;
        if length == 16 {
            length += self.number()?;
        }
        Some(Some(String::from_utf8(self.take(length)?.to_vec()).ok()?))
    }
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
            let bundle = node.write();
            assert_eq!(Node::read(&bundle), Some(node));
            assert_eq!(Node::read(&bundle[..bundle.len() - 1]), None);
        }
        assert_eq!(Node::read(b"opaque"), None);
    }
}
