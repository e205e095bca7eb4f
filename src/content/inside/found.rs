//! What an index keeps of a node or a file.

use twox_hash::XxHash3_128;

use super::{At, NodeRead};
use crate::domain::explore::Kind;
use crate::jcr::namespaces::{JCR, MIX, Namespaces};
use crate::jcr::{Binary, Name, Node, NodeId, Property, Value};

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
        let Ok(node) = &read.node else {
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
                remark: None,
            };
        };
        let is =
            |name: &Name, namespace: &str, local: &str| name.namespace == namespace && name.local == local;
        let children = node.children.iter();
        Self {
            id: read.id,
            own: read.own,
            parent: node.parent,
            what: What::Node,
            primary_type: names.show(&node.primary_type),
            digest: digest(node),
            size: read.size,
            modified: 0,
            is_versionable: node.mixin_types.iter().any(|mixin| is(mixin, MIX, "versionable"))
                || node
                    .properties
                    .iter()
                    .any(|property| is(&property.name, JCR, "versionHistory")),
            children: children
                .map(|child| (names.show(&child.name), child.id))
                .collect(),
            at: read.at,
            remark: None,
        }
    }

    /// What tells its list of children from others: names, ids and order.
    #[must_use]
    pub fn list(&self) -> Digest {
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

/// What tells a node's types and properties from others, whatever order they are kept in.
#[must_use]
pub fn digest(node: &Node) -> Digest {
    let mut hasher = Hasher::new();
    name(&mut hasher, &node.primary_type);
    let mut mixins: Vec<_> = node.mixin_types.iter().collect();
    mixins.sort();
    for mixin in mixins {
        name(&mut hasher, mixin);
    }
    hasher.write(&[u8::from(node.is_referenceable)]);
    let mut properties: Vec<_> = node.properties.iter().collect();
    properties.sort_by(|one, other| one.name.cmp(&other.name));
    for of_node in properties {
        property(&mut hasher, of_node);
    }
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

fn name(hasher: &mut Hasher, of: &Name) {
    text(hasher, &of.namespace);
    text(hasher, &of.local);
}

fn property(hasher: &mut Hasher, of_node: &Property) {
    name(hasher, &of_node.name);
    hasher.write(&[of_node.kind as u8, u8::from(of_node.is_multiple)]);
    hasher.write(&of_node.values.len().to_be_bytes());
    for of_property in &of_node.values {
        value(hasher, of_property);
    }
}

fn value(hasher: &mut Hasher, of_property: &Value) {
    match of_property {
        Value::String(of) | Value::Date(of) | Value::Path(of) | Value::Uri(of) => text(hasher, of),
        Value::Binary(Binary::Held(bytes)) => {
            hasher.write(&[0]);
            hasher.write(&bytes.len().to_be_bytes());
            hasher.write(bytes);
        }
        Value::Binary(Binary::Record(id)) => {
            hasher.write(&[1]);
            text(hasher, id);
        }
        Value::Binary(Binary::Beside(id)) => {
            hasher.write(&[2]);
            text(hasher, id);
        }
        Value::Long(number) => hasher.write(&number.to_be_bytes()),
        Value::Double(number) => hasher.write(&number.to_bits().to_be_bytes()),
        Value::Boolean(is_set) => hasher.write(&[u8::from(*is_set)]),
        Value::Name(of) => name(hasher, of),
        Value::Reference(id) | Value::WeakReference(id) => hasher.write(id),
        Value::Decimal(number) => match number {
            Some(number) => text(hasher, number),
            None => hasher.write(&[0xff]),
        },
    }
}
