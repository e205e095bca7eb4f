//! What a node of a Java Content Repository is (JCR 2.0, JSR 283, section 3), wherever it is kept.
//!
//! [`Node`] is one node as its repository holds it: with ids where a person sees paths, and with names whose namespace is
//! an address where a person sees a prefix. It is read out of rows of a database, and out of what lies in a folder.
//!
//! Not in here: where nodes come from, what is looked up in them, and what is shown of them.

pub mod bundle;
pub mod document;
pub mod graft;
#[cfg(test)]
mod graft_tests;
pub mod ids;
pub mod integrity;
pub mod namespaces;
pub mod references;
pub mod registry;
pub mod tree;
pub mod values;
pub mod xml;
pub mod yaml;

use std::borrow::Cow;

use bytes::Bytes;

/// The id of a node: the sixteen bytes of its UUID.
pub type NodeId = [u8; 16];

/// A name: the address of its namespace, and the local part.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// `http://www.jcp.org/jcr/1.0`; empty for a name without a prefix.
    pub namespace: Cow<'static, str>,
    /// Without prefix: `primaryType`.
    pub local: Cow<'static, str>,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its own id.
    pub id: NodeId,
    /// The node that it is below; `None` for a root.
    pub parent: Option<NodeId>,
    /// `jcr:primaryType`.
    pub primary_type: Name,
    /// `jcr:mixinTypes`, in their order.
    pub mixin_types: Vec<Name>,
    /// All others of its properties, in the order in which they are kept. Of some nodes Jackrabbit keeps `jcr:mixinTypes` here
    /// once more; what is here is then what it shows.
    pub properties: Vec<Property>,
    /// The nodes below it, in their order. Those of one name are told apart by where they stand among their like.
    pub children: Vec<Child>,
    /// The parents of a node that several nodes share (`mix:shareable`).
    pub shared_set: Vec<NodeId>,
    /// Whether its id is a property too (`mix:referenceable`).
    pub is_referenceable: bool,
    /// How often it was saved, as far as Jackrabbit counts it.
    pub modified_count: u16,
}

/// An entry in a node's list of children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its name; its parent knows it, not the node itself.
    pub name: Name,
    /// Its id.
    pub id: NodeId,
}

/// A property of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Its name.
    pub name: Name,
    /// The type of each of its values, known where there is none too.
    pub kind: PropertyType,
    /// Whether it is a list, which one value does not tell.
    pub is_multiple: bool,
    /// Its values: exactly one where it is no list.
    pub values: Vec<Value>,
    /// How often it was saved, as far as Jackrabbit counts it.
    pub modified_count: u16,
}

/// The types of JCR's properties; their numbers are those of `javax.jcr.PropertyType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are called what the specification calls them")]
pub enum PropertyType {
    /// Only a list without values can be of it.
    Undefined = 0,
    String = 1,
    Binary = 2,
    Long = 3,
    Double = 4,
    Date = 5,
    Boolean = 6,
    Name = 7,
    Path = 8,
    Reference = 9,
    WeakReference = 10,
    Uri = 11,
    Decimal = 12,
}

/// One value of a property.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    String(String),
    /// Bytes, or where they are.
    Binary(Binary),
    /// A whole number.
    Long(i64),
    /// A number.
    Double(f64),
    /// A moment with its time zone, as ISO 8601 writes it: `2026-11-29T23:30:00.000+01:00`. JCR allows years that no
    /// library of dates holds.
    Date(String),
    /// Yes or no.
    Boolean(bool),
    /// A name.
    Name(Name),
    /// A path in the form in which it is kept: names with their namespace's address in braces, parted by tabs.
    Path(String),
    /// The id of a node that has to be there.
    Reference(NodeId),
    /// The id of a node that may be gone.
    WeakReference(NodeId),
    /// An address.
    Uri(String),
    /// A decimal number of any length, as text; `None` is kept as such by Jackrabbit.
    Decimal(Option<String>),
}

/// Where the bytes of a binary are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binary {
    /// With the node itself.
    Held(Bytes),
    /// In the data store, under this id: the digest of the bytes.
    Record(String),
    /// In a row of the workspace's `binval` table, or a file of its own, under this id.
    Beside(String),
}
