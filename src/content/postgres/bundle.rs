//! Bundles: a node with its properties in the form in which Jackrabbit 2.2 and newer write it (version 3). Only as much of
//! it is read as tells where a node stands and which versions it refers to, and only lists of children are written.
//!
//! The form is that of Jackrabbit's `BundleWriter`: names that are common in every repository are one byte, other names
//! carry their namespace until it has a place in a small table, counts that are small share a byte.

/// The id of a node.
pub type NodeId = [u8; 16];

/// No parent.
const NOBODY: NodeId = *b"\xbb\x4e\x9d\x10\xd8\x57\x11\xdf\x93\x7b\x08\x00\x20\x0c\x9a\x66";

/// The common names that matter here, by their numbers.
const PREDECESSORS: u8 = 55;
const VERSION_HISTORY: u8 = 58;
const BASE_VERSION: u8 = 62;
const VERSION_STORAGE: u8 = 92;

/// What is known of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    /// Its parent; `None` for a root.
    pub parent: Option<NodeId>,
    /// Whether it is one of the folders that version histories are sorted into.
    pub is_version_folder: bool,
    /// Its children: names and ids, in their order.
    pub children: Vec<(Name, NodeId)>,
    /// The version histories that it refers to.
    pub histories: Vec<NodeId>,
    /// The versions that it refers to as its base or as predecessors.
    pub versions: Vec<NodeId>,
    /// Where the byte is that counts the children, if they are few.
    counts_at: usize,
    /// Where the list of children begins, its own count included, and ends.
    children_at: (usize, usize),
}

/// A name: namespace and local part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Name {
    /// One of the names that have a number.
    Common(u8),
    /// Any other.
    Written {
        /// The namespace's address.
        namespace: String,
        /// The local part.
        local: String,
    },
}

/// Reads a bundle.
///
/// # Errors
/// A sentence when it is of another version, or makes no sense.
pub fn read(bytes: &[u8]) -> Result<Bundle, String> {
    let mut reader = Reader {
        bytes,
        at: 0,
        namespaces: [Some(String::new()), None, None, None, None, None, None],
    };
    reader.bundle().ok_or_else(|| match bytes.first() {
        Some(3) => "a node in the version storage or a workspace cannot be read".to_owned(),
        Some(version) => format!("its nodes were written by a Jackrabbit older than 2.2 (form {version})"),
        None => "a node is empty".to_owned(),
    })
}

/// The same bundle with another list of children.
///
/// # Errors
/// A sentence when it cannot be read.
pub fn with_children(bytes: &[u8], children: &[(Name, NodeId)]) -> Result<Vec<u8>, String> {
    let bundle = read(bytes)?;
    let (begin, end) = bundle.children_at;
    let mut fresh = bytes.get(..begin).unwrap_or_default().to_vec();
    let few = u8::try_from(children.len()).unwrap_or(3).min(3);
    if let Some(counts) = fresh.get_mut(bundle.counts_at) {
        *counts = (*counts & !0b0000_1100) | (few << 2);
    }
    if few == 3 {
        write_number(&mut fresh, children.len() - 3);
    }
    for (name, id) in children {
        write_name(&mut fresh, name);
        fresh.extend_from_slice(id);
    }
    fresh.extend_from_slice(bytes.get(end..).unwrap_or_default());
    Ok(fresh)
}

fn write_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or(0));
}

/// Names of children are in the default namespace, which has its place from the beginning; any other carries its address.
fn write_name(bytes: &mut Vec<u8>, name: &Name) {
    match name {
        Name::Common(number) => bytes.push(*number),
        Name::Written { namespace, local } => {
            let place: u8 = if namespace.is_empty() { 0 } else { 7 };
            let length = local.len();
            let short = u8::try_from(length)
                .ok()
                .filter(|length| (1..16).contains(length));
            bytes.push(0x80 | (place << 4) | short.map_or(15, |length| length - 1));
            if place == 7 {
                write_number(bytes, namespace.len());
                bytes.extend_from_slice(namespace.as_bytes());
            }
            if short.is_none() {
                write_number(bytes, length.saturating_sub(16));
            }
            bytes.extend_from_slice(local.as_bytes());
        }
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    namespaces: [Option<String>; 7],
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn id(&mut self) -> Option<NodeId> {
        self.take(16)?.try_into().ok()
    }

    fn number(&mut self) -> Option<usize> {
        let mut number: u64 = 0;
        for shift in (0..).step_by(7).take(10) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return usize::try_from(number).ok();
            }
        }
        None
    }

    /// A count that shares a byte with others as long as it is small.
    fn count(&mut self, small: u8, base: u8) -> Option<usize> {
        if small < base {
            return Some(usize::from(small));
        }
        self.number()?.checked_add(usize::from(base))
    }

    fn text(&mut self) -> Option<String> {
        let length = self.number()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    fn name(&mut self) -> Option<Name> {
        let byte = self.byte()?;
        if byte < 0x80 {
            return Some(Name::Common(byte));
        }
        let place = usize::from((byte >> 4) & 7);
        let known = self.namespaces.get(place).cloned().flatten();
        let namespace = if let Some(known) = known {
            known
        } else {
            let written = self.text()?;
            if let Some(slot) = self.namespaces.get_mut(place) {
                *slot = Some(written.clone());
            }
            written
        };
        let length = self.count((byte & 15) + 1, 16)?;
        let local = String::from_utf8(self.take(length)?.to_vec()).ok()?;
        Some(Name::Written { namespace, local })
    }

    fn bundle(&mut self) -> Option<Bundle> {
        if self.byte()? != 3 {
            return None;
        }
        let mut bundle = Bundle {
            is_version_folder: self.name()? == Name::Common(VERSION_STORAGE),
            ..Bundle::default()
        };
        bundle.parent = Some(self.id()?).filter(|parent| *parent != NOBODY);
        self.number()?;
        bundle.counts_at = self.at;
        let counts = self.byte()?;
        for _ in 0..self.count(counts >> 7, 1)? {
            self.name()?;
        }
        for _ in 0..self.count((counts >> 4) & 7, 7)? {
            self.property(&mut bundle)?;
        }
        bundle.children_at.0 = self.at;
        for _ in 0..self.count((counts >> 2) & 3, 3)? {
            let name = self.name()?;
            bundle.children.push((name, self.id()?));
        }
        bundle.children_at.1 = self.at;
        for _ in 0..self.count((counts >> 1) & 1, 1)? {
            self.id()?;
        }
        (self.at == self.bytes.len()).then_some(bundle)
    }

    fn property(&mut self, bundle: &mut Bundle) -> Option<()> {
        let name = self.name()?;
        let kind = self.byte()?;
        let count = match kind >> 4 {
            0 => 1,
            15 => self.number()?.checked_add(14)?,
            many => usize::from(many - 1),
        };
        self.number()?;
        for _ in 0..count {
            match kind & 15 {
                1 | 8 | 11 => drop(self.text()?),
                2 => self.binary()?,
                3 | 5 => drop(self.number_of_any_size()?),
                4 => drop(self.take(8)?),
                6 => drop(self.byte()?),
                7 => drop(self.name()?),
                9 | 10 => {
                    let id = self.id()?;
                    match name {
                        Name::Common(VERSION_HISTORY) => bundle.histories.push(id),
                        Name::Common(BASE_VERSION | PREDECESSORS) => bundle.versions.push(id),
                        _ => {}
                    }
                }
                12 => {
                    if self.byte()? == 1 {
                        self.text()?;
                    }
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn binary(&mut self) -> Option<()> {
        let size = i32::from_be_bytes(self.take(4)?.try_into().ok()?);
        match usize::try_from(size) {
            Ok(size) => drop(self.take(size)?),
            // The id of a record in the data store, or of a row of its own.
            Err(_) if size == -1 || size == -2 => drop(self.text()?),
            Err(_) => return None,
        }
        Some(())
    }

    /// A number whose value does not matter, and which may take all of 64 bits.
    fn number_of_any_size(&mut self) -> Option<()> {
        for _ in 0..10 {
            if self.byte()? & 0x80 == 0 {
                return Some(());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(local: &str) -> Name {
        Name::Written {
            namespace: String::new(),
            local: local.to_owned(),
        }
    }

    /// A version folder with these children, as Jackrabbit writes it.
    fn folder(children: &[(Name, NodeId)]) -> Vec<u8> {
        let mut bytes = vec![3, VERSION_STORAGE];
        bytes.extend([7; 16]);
        bytes.extend([0, 0]);
        with_children(&bytes, children).unwrap()
    }

    #[test]
    fn children_are_written_as_they_are_read() {
        for count in [0, 1, 2, 3, 4, 200] {
            let children: Vec<_> = (0..count)
                .map(|number: u8| match number % 3 {
                    0 => (written(&format!("{number:02x}")), [number; 16]),
                    1 => (written(&"0123456789".repeat(usize::from(number))), [number; 16]),
                    _ => (
                        Name::Written {
                            namespace: "http://example.com/ns".to_owned(),
                            local: "größe".to_owned(),
                        },
                        [number; 16],
                    ),
                })
                .collect();
            let bundle = read(&folder(&children)).unwrap();
            assert!(bundle.is_version_folder);
            assert_eq!(bundle.parent, Some([7; 16]));
            assert_eq!(bundle.children, children);
        }
    }

    #[test]
    fn references_to_versions_are_found_among_other_properties() {
        let mut bytes = vec![3, 0];
        bytes.extend(NOBODY);
        // No changes; three properties, no children, referenceable.
        bytes.extend([0, 3 << 4 | 1]);
        bytes.extend([VERSION_HISTORY, 9, 0]);
        bytes.extend([1; 16]);
        bytes.extend([PREDECESSORS, 9 | 3 << 4, 0]);
        bytes.extend([2; 16]);
        bytes.extend([3; 16]);
        bytes.extend([0x80 | 4]);
        bytes.extend(b"title");
        bytes.extend([1, 0, 5]);
        bytes.extend(b"hello");
        let bundle = read(&bytes).unwrap();
        assert_eq!(bundle.parent, None);
        assert_eq!(bundle.histories, [[1; 16]]);
        assert_eq!(bundle.versions, [[2; 16], [3; 16]]);
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(read(&[2, 0, 0]).unwrap_err().contains("older than 2.2"));
    }
}
