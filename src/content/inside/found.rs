//! What an index keeps of a node or a file.

use twox_hash::XxHash3_128;

use super::{At, NodeRead};
use crate::domain::explore::Kind;
use crate::jcr::bundle::{
    self, BorrowedBinary, BorrowedName, BorrowedValue, BundleError, Outline, PropertyHead, Told,
};
use crate::jcr::namespaces::{JCR, MIX, Namespaces};
use crate::jcr::{Name, Node, NodeId, Property};

/// What tells content from other content.
pub type Digest = [u8; 16];

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A node.
    Node,
    /// A node whose bundle cannot be read.
    Unreadable,
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A symbolic link.
    Link,
}

impl What {
    /// The number that stands for it in an index.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::Node => 0,
            Self::Unreadable => 1,
            Self::Folder => 2,
            Self::File => 3,
            Self::Link => 4,
        }
    }

    /// What a number stands for.
    #[must_use]
    pub fn of(number: i64) -> Self {
        match number {
            0 => Self::Node,
            2 => Self::Folder,
            3 => Self::File,
            4 => Self::Link,
            _ => Self::Unreadable,
        }
    }

    /// The word for it in answers.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Node => Kind::Node,
            Self::Unreadable => Kind::Unreadable,
            Self::Folder => Kind::Folder,
            Self::File => Kind::File,
            Self::Link => Kind::Link,
        }
    }
}

/// A node or a file, as an index keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is kept by: its id. That of a file is a digest of its path, and so is that of a node in a file that has none of
    /// its own.
    pub id: NodeId,
    /// The id that it has to those who ask: none for a file.
    pub own: Option<NodeId>,
    /// What it says that it is below; `None` for a root.
    pub parent: Option<NodeId>,
    /// What it is.
    pub what: What,
    /// The primary type of a node.
    pub primary_type: String,
    /// Of its types and properties, or of a file's size and time. What is below it and how often it was saved do not count.
    pub digest: Digest,
    /// Bytes of itself.
    pub size: u64,
    /// When a file was changed, in seconds since 1970.
    pub modified: i64,
    /// Whether there is a version history of it.
    pub is_versionable: bool,
    /// Its children, in order: names and ids.
    pub children: Vec<(String, NodeId)>,
    /// Where it stands.
    pub at: At,
    /// What should be known of it, as a sentence.
    pub remark: Option<String>,
}

impl Found {
    /// What is kept of a node that was read.
    #[must_use]
    pub fn of(read: &NodeRead, names: &Namespaces) -> Self {
        let node = match &read.node {
            Ok(node) => node,
            Err(why) => {
                return Self {
                    id: read.id,
                    own: read.own,
                    parent: None,
                    what: What::Unreadable,
                    primary_type: String::new(),
                    digest: Digest::default(),
                    size: read.size,
                    modified: 0,
                    is_versionable: false,
                    children: Vec::new(),
                    at: read.at,
                    remark: Some(why.to_string()),
                };
            }
        };
        let mut of_node = Self::of_outline(read.id, &node.outline(), names);
        of_node.own = read.own;
        of_node.digest = digest(node);
        of_node.size = read.size;
        of_node.at = read.at;
        let has_history = |property: &Property| is_history(borrowed(&property.name));
        of_node.is_versionable |= node.properties.iter().any(has_history);
        of_node
    }

    /// What is kept of the bundle of a node, without making a node of it.
    ///
    /// # Errors
    /// [`BundleError`] when the bytes are not the whole of a bundle of version 3.
    pub fn of_bundle(
        id: NodeId,
        bundle: &[u8],
        at: At,
        names: &Namespaces,
        room: &mut Room,
    ) -> Result<Self, BundleError> {
        room.0.0.clear();
        let mut digesting = Digesting {
            bytes: &mut room.0,
            properties: Vec::with_capacity(16),
            has_history: false,
        };
        let outline = bundle::outline_telling(bundle, &mut digesting)?;
        let (has_history, properties) = (digesting.has_history, digesting.properties);
        Ok(Self {
            digest: digest_of_told(&outline, &mut room.0, &properties, &mut room.1),
            size: bundle.len() as u64,
            at,
            is_versionable: has_history || is_versionable(&outline),
            ..Self::of_outline(id, &outline, names)
        })
    }

    fn of_outline(id: NodeId, outline: &Outline<'_>, names: &Namespaces) -> Self {
        let show = |name: &BorrowedName<'_>| names.qualified(name.namespace, name.local);
        let children = outline.children.iter();
        Self {
            id,
            own: Some(id),
            parent: outline.parent,
            what: What::Node,
            primary_type: show(&outline.primary_type),
            digest: Digest::default(),
            size: 0,
            modified: 0,
            is_versionable: is_versionable(outline),
            children: children.map(|(name, child)| (show(name), *child)).collect(),
            at: At::default(),
            remark: None,
        }
    }

    /// What tells its list of children from others: names, ids and order. Nothing of one that is empty.
    #[must_use]
    pub fn list(&self) -> Digest {
        if self.children.is_empty() {
            return Digest::default();
        }
        let mut hasher = Hasher::new();
        for (name, id) in &self.children {
            text(&mut hasher, name);
            hasher.write(id);
        }
        hasher.finish()
    }
}

/// The id of a file: of its names, from the workspace on.
#[must_use]
pub fn id_of_path<'a>(names: impl IntoIterator<Item = &'a str>) -> NodeId {
    let mut hasher = Hasher::new();
    for name in names {
        text(&mut hasher, name);
    }
    hasher.finish()
}

/// What tells a file from another one in its place, as far as can be seen without reading it.
#[must_use]
pub fn digest_of_file(what: What, size: u64, modified: (i64, u32), target: &[u8]) -> Digest {
    let mut bytes = Vec::with_capacity(32 + target.len());
    bytes.extend(what.number().to_be_bytes());
    if what == What::File {
        bytes.extend(size.to_be_bytes());
        bytes.extend(modified.0.to_be_bytes());
        bytes.extend(modified.1.to_be_bytes());
    }
    bytes.extend(target);
    XxHash3_128::oneshot(&bytes).to_be_bytes()
}

fn is_versionable(outline: &Outline<'_>) -> bool {
    let mut mixins = outline.mixin_types.iter();
    mixins.any(|mixin| (mixin.namespace, mixin.local) == (MIX, "versionable"))
}

/// Whether a property says that there is a version history.
fn is_history(property: BorrowedName<'_>) -> bool {
    (property.namespace, property.local) == (JCR, "versionHistory")
}

/// Room to work digests out in, which need not be made for each node.
#[derive(Default)]
pub struct Room(Hasher, Hasher);

/// Puts together what is told of the properties of a bundle.
struct Digesting<'b, 'r> {
    bytes: &'r mut Hasher,
    /// Names, and where what there is of each begins.
    properties: Vec<(BorrowedName<'b>, usize)>,
    has_history: bool,
}

impl<'b> Told<'b> for Digesting<'b, '_> {
    fn property(&mut self, of_node: PropertyHead<'b>) {
        self.properties.push((of_node.name, self.bytes.0.len()));
        self.has_history |= is_history(of_node.name);
        head(self.bytes, &of_node);
    }

    fn value(&mut self, of_property: BorrowedValue<'b>) {
        value(self.bytes, &of_property);
    }
}

/// What tells a node's types and properties from others, whatever order they are kept in.
#[must_use]
pub fn digest(node: &Node) -> Digest {
    let (mut bytes, mut properties) = (Hasher::new(), Vec::new());
    for of_node in &node.properties {
        properties.push((borrowed(&of_node.name), bytes.0.len()));
        property(&mut bytes, of_node);
    }
    digest_of_told(&node.outline(), &mut bytes, &properties, &mut Hasher::new())
}

/// The same out of what there is of each property. What belongs to the node itself comes behind that, so that nothing has to be
/// moved where properties are in order.
fn digest_of_told(
    outline: &Outline<'_>,
    told: &mut Hasher,
    properties: &[(BorrowedName<'_>, usize)],
    sorted: &mut Hasher,
) -> Digest {
    let hasher = if properties.is_sorted_by(|(one, _), (other, _)| one <= other) {
        told
    } else {
        // Each goes on to where the next one that was told begins.
        let ends = properties.iter().skip(1).map(|(_, from)| *from);
        let ends = ends.chain([told.0.len()]);
        let mut stretches: Vec<_> = properties.iter().zip(ends).collect();
        stretches.sort_by_key(|((name, _), _)| *name);
        sorted.0.clear();
        for ((_, from), to) in stretches {
            sorted.write(told.0.get(*from..to).unwrap_or_default());
        }
        sorted
    };
    name(hasher, outline.primary_type);
    let mut mixins: Vec<_> = outline.mixin_types.iter().collect();
    mixins.sort_unstable();
    for mixin in mixins {
        name(hasher, *mixin);
    }
    hasher.write(&[u8::from(outline.is_referenceable)]);
    hasher.finish()
}

/// The same of a single property.
#[must_use]
pub fn digest_of_property(of_node: &Property) -> Digest {
    let mut hasher = Hasher::new();
    property(&mut hasher, of_node);
    hasher.finish()
}

/// What a digest is made of, put together before it is worked out: nodes are short.
#[derive(Default)]
struct Hasher(Vec<u8>);

impl Hasher {
    fn new() -> Self {
        Self::default()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> Digest {
        XxHash3_128::oneshot(&self.0).to_be_bytes()
    }
}

fn text(hasher: &mut Hasher, text: &str) {
    hasher.write(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
    hasher.write(text.as_bytes());
}

fn name(hasher: &mut Hasher, of: BorrowedName<'_>) {
    text(hasher, of.namespace);
    text(hasher, of.local);
}

fn borrowed(name: &Name) -> BorrowedName<'_> {
    BorrowedName {
        namespace: &name.namespace,
        local: &name.local,
    }
}

fn property(hasher: &mut Hasher, of_node: &Property) {
    head(
        hasher,
        &PropertyHead {
            name: borrowed(&of_node.name),
            kind: of_node.kind,
            is_multiple: of_node.is_multiple,
            count: of_node.values.len(),
        },
    );
    for of_property in &of_node.values {
        value(hasher, &of_property.borrowed());
    }
}

fn head(hasher: &mut Hasher, of_property: &PropertyHead<'_>) {
    name(hasher, of_property.name);
    hasher.write(&[of_property.kind as u8, u8::from(of_property.is_multiple)]);
    hasher.write(&of_property.count.to_be_bytes());
}

fn value(hasher: &mut Hasher, of_property: &BorrowedValue<'_>) {
    match of_property {
        BorrowedValue::Text(of) => text(hasher, of),
        BorrowedValue::Date(of) => text(hasher, &of.text()),
        BorrowedValue::Held(bytes) => {
            hasher.write(&[0]);
            hasher.write(&bytes.len().to_be_bytes());
            hasher.write(bytes);
        }
        BorrowedValue::Elsewhere(BorrowedBinary::Record(id)) => {
            hasher.write(&[1]);
            text(hasher, id);
        }
        BorrowedValue::Elsewhere(BorrowedBinary::Beside(id)) => {
            hasher.write(&[2]);
            text(hasher, id);
        }
        BorrowedValue::Long(number) => hasher.write(&number.to_be_bytes()),
        BorrowedValue::Double(number) => hasher.write(&number.to_bits().to_be_bytes()),
        BorrowedValue::Boolean(is_set) => hasher.write(&[u8::from(*is_set)]),
        BorrowedValue::Name(of) => name(hasher, *of),
        BorrowedValue::Id(id) => hasher.write(id),
        BorrowedValue::Decimal(number) => match number {
            Some(number) => text(hasher, number),
            None => hasher.write(&[0xff]),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jcr::bundle::tests::any_node;

    proptest! {
        #[test]
        fn a_bundle_tells_an_index_what_its_node_does(nodes in prop::collection::vec(any_node(), 1..4)) {
            let (names, at) = (Namespaces::default(), At { file: 1, offset: 2 });
            let mut room = Room::default();
            for node in nodes {
                let bundle = bundle::write(&node).unwrap();
                let read = NodeRead {
                    id: node.id,
                    own: Some(node.id),
                    size: bundle.len() as u64,
                    node: Ok(node.clone()),
                    at,
                };
                let found = Found::of_bundle(node.id, &bundle, at, &names, &mut room).unwrap();
                prop_assert_eq!(&found, &Found::of(&read, &names));
                // In whatever order properties are kept.
                let mut other = node.clone();
                other.properties.sort_by(|one, other| other.name.local.cmp(&one.name.local));
                let is_one_of_a_name = |of: &Property| node.properties.iter().filter(|property| property.name == of.name).count() == 1;
                if node.properties.iter().all(is_one_of_a_name) {
                    prop_assert_eq!(digest(&other), found.digest);
                }
            }
        }
    }
}
