//! Files of content in folders that hold nodes: they are told by how they begin, and read as what they are.
//!
//! The nodes of a file are below it: those that are topmost in the document are its children. A node is kept by the id that is
//! written in it, so that it is found wherever its file goes. One that has none, or whose id was met before in the same
//! workspace (two exports may hold the same page), is kept by where it is: the path of its file, and its own in it. So whatever
//! ids a document writes, nodes make a tree.
//!
//! A file is looked at before anything of it is given: one that cannot be read to its end has no nodes, and it is said why.
//! What can be held is read once, the rest twice; nothing of a file is held but what its nodes are called.
//!
//! Not in here: how documents are read (`jcr::document`), and where the bytes come from.

use std::collections::HashSet;
use std::io::{self, BufReader, Read};

use super::found::id_of_path;
use super::{At, ENDINGS, NodeRead};
use crate::content::restoring::RestoreError;
use crate::jcr::document::{self, BEGINNING, Limits, Placed, ReadError};
use crate::jcr::namespaces::Namespaces;
use crate::jcr::{Binary, Node, NodeId, Value};
use crate::watch::Watch;

/// A document that is larger is a file.
const LARGEST: u64 = 512 << 20;
/// One that is no larger is held while it is read.
const HELD: u64 = 8 << 20;
/// One that is no larger is held by whoever reads many nodes of it.
const HELD_FOR_MANY: u64 = 64 << 20;
/// How the names of files end that hold something else, and a lot of it: they are not looked into.
const OTHERS: [&str; 40] = [
    "7z", "avi", "avif", "bin", "bmp", "bz2", "css", "doc", "docx", "eot", "gif", "gz", "heic", "ico", "jar",
    "jpeg", "jpg", "js", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "ogg", "otf", "pdf", "png", "ppt", "pptx",
    "tar", "tif", "tiff", "ttf", "war", "wav", "webm", "webp", "woff2", "zip",
];

/// Opens a file from its beginning.
pub(super) type Opening<'o> = dyn Fn() -> Result<Box<dyn Read + 'o>, RestoreError> + 'o;

/// A file that may hold nodes.
#[derive(Clone, Copy)]
pub(super) struct Document<'d, 'o> {
    /// From the workspace on.
    pub(super) names: &'d [String],
    /// In bytes.
    pub(super) size: u64,
    /// Opens it.
    pub(super) open: &'d Opening<'o>,
}

/// What came of looking into a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It holds something else.
    NoNodes,
    /// It holds nodes; these are the topmost ones, by name and by what they are kept by.
    Nodes(Vec<(String, NodeId)>),
    /// It looks as if it held nodes, and cannot be read: why, as a sentence.
    Unreadable(String),
}

/// A node of a document, by itself.
#[derive(Debug, Clone)]
pub(super) struct Own {
    /// The id that is written in it.
    written: Option<NodeId>,
    /// The one that is made of where it is.
    made: NodeId,
    /// Its children are by the ids that are written in them, or are made.
    node: Node,
}

/// What is remembered of a node until all of its document was read.
struct Outline {
    written: Option<NodeId>,
    made: NodeId,
    children: usize,
    /// What it is called, if it is a topmost one.
    top: Option<String>,
}

/// The documents of one workspace.
#[derive(Default)]
pub(super) struct Documents {
    names: Namespaces,
    /// The ids that were met.
    taken: HashSet<NodeId>,
}

impl Documents {
    /// Looks into a file, whose id is `id`, and gives its nodes: those that are in one come before it. Where each stands
    /// (`at.offset`) is its number in the document.
    ///
    /// # Errors
    /// What `give` says, and that it was cancelled. A file that cannot be read is an outcome.
    pub(super) fn look(
        &mut self,
        document: &Document<'_, '_>,
        id: NodeId,
        watch: &dyn Watch,
        give: &mut dyn FnMut(NodeRead) -> Result<(), RestoreError>,
    ) -> Result<Outcome, RestoreError> {
        let workspace = document.names.first().map_or("", String::as_str);
        let name = document.names.last().map_or("", String::as_str);
        if document.size == 0 && !is_own(workspace) && is_called_as_a_document(name) {
            return Ok(Outcome::Unreadable("it is empty".to_owned()));
        }
        if !may_hold_nodes(workspace, name, document.size) {
            return Ok(Outcome::NoNodes);
        }
        let mut held = Vec::new();
        let mut outlines = Vec::new();
        let is_held = document.size <= HELD;
        let read = read(document, &self.names, watch, &mut |top, own| {
            outlines.push(Outline {
                written: own.written,
                made: own.made,
                children: own.node.children.len(),
                top,
            });
            if is_held {
                held.push(own);
            }
        });
        if watch.is_cancelled() {
            return Err(RestoreError::Cancelled);
        }
        match read {
            Ok(true) => {}
            Ok(false) | Err(ReadError::NotAView(_)) => return Ok(Outcome::NoNodes),
            Err(error) => return Ok(Outcome::Unreadable(error.to_string())),
        }
        let mut placing = self.place(&outlines, id);
        let tops = std::mem::take(&mut placing.tops);
        if is_held {
            for own in held {
                give(placing.node(own))?;
            }
            return Ok(Outcome::Nodes(tops));
        }
        let mut done = Ok(());
        let again = self::read(document, &self.names, watch, &mut |_, own| {
            if done.is_ok() {
                done = give(placing.node(own));
            }
        });
        done?;
        if watch.is_cancelled() {
            return Err(RestoreError::Cancelled);
        }
        match again {
            Ok(true) if placing.next == placing.ids.len() => Ok(Outcome::Nodes(tops)),
            _ => Err(super::is_not_there(&document.names.join("/"))),
        }
    }

    /// What each node is kept by, and what it is below.
    fn place(&mut self, outlines: &[Outline], file: NodeId) -> Placing {
        let ids: Vec<NodeId> = outlines
            .iter()
            .map(|outline| match outline.written {
                Some(written) if self.taken.insert(written) => written,
                _ => outline.made,
            })
            .collect();
        let mut parents = vec![file; ids.len()];
        let mut above_is_to_come: Vec<usize> = Vec::new();
        for (at, outline) in outlines.iter().enumerate() {
            let from = above_is_to_come.len().saturating_sub(outline.children);
            for child in above_is_to_come.drain(from..) {
                parents[child] = ids[at];
            }
            above_is_to_come.push(at);
        }
        let tops = outlines.iter().zip(&ids);
        let tops = tops.filter_map(|(outline, id)| Some((outline.top.clone()?, *id)));
        Placing {
            tops: tops.collect(),
            ids,
            parents,
            next: 0,
            open: Vec::new(),
        }
    }
}

/// What the nodes of a document are kept by, and below, while they are given one after the other.
struct Placing {
    tops: Vec<(String, NodeId)>,
    ids: Vec<NodeId>,
    parents: Vec<NodeId>,
    next: usize,
    /// Those whose parent is to come.
    open: Vec<NodeId>,
}

impl Placing {
    fn node(&mut self, own: Own) -> NodeRead {
        let at = self.next;
        self.next += 1;
        // Of a file that became another one meanwhile, whoever gives these is told by their number.
        let id = self.ids.get(at).copied().unwrap_or(own.made);
        let mut node = own.node;
        node.parent = self.parents.get(at).copied();
        let from = self.open.len().saturating_sub(node.children.len());
        for (child, id) in node.children.iter_mut().zip(self.open.drain(from..)) {
            child.id = id;
        }
        self.open.push(id);
        NodeRead {
            id,
            own: own.written,
            size: size_of(&node),
            node: Ok(node),
            at: At {
                file: 0,
                offset: u32::try_from(at).unwrap_or(u32::MAX),
            },
        }
    }
}

/// Reads all nodes of a file, for whoever reads many of them; `None` where it holds none, or too many to be held.
pub(super) fn all(document: &Document<'_, '_>, watch: &dyn Watch) -> Option<Vec<Own>> {
    if document.size > HELD_FOR_MANY {
        return None;
    }
    let mut nodes = Vec::new();
    let read = read(document, &Namespaces::default(), watch, &mut |_, own| {
        nodes.push(own);
    });
    matches!(read, Ok(true)).then_some(nodes)
}

/// The node of an id among all of a file. `number` is where it was.
pub(super) fn of_all(nodes: &[Own], id: &NodeId, number: u32) -> Option<Node> {
    let is_it = |own: &&Own| own.written == Some(*id) || own.made == *id;
    let there = usize::try_from(number).ok().and_then(|number| nodes.get(number));
    let found = there.filter(is_it).or_else(|| nodes.iter().find(is_it))?;
    Some(found.node.clone())
}

/// Reads one node of a file; `None` where it is not in it.
pub(super) fn one(document: &Document<'_, '_>, id: &NodeId, number: u32, watch: &dyn Watch) -> Option<Node> {
    let (mut found, mut at, mut is_exact) = (None, 0, false);
    let read = read(document, &Namespaces::default(), watch, &mut |_, own| {
        let is_it = own.written == Some(*id) || own.made == *id;
        if is_it && !is_exact && (found.is_none() || at == number) {
            is_exact = at == number;
            found = Some(own.node);
        }
        at += 1;
    });
    found.filter(|_| matches!(read, Ok(true)))
}

/// That many nodes of a file cannot be read one after the other.
pub(super) fn too_large(place: &str) -> RestoreError {
    RestoreError::Failed(format!(
        "{place} is not there any more as it was, or is too large for its nodes to be taken out one by one: take the file itself"
    ))
}

/// Whether a file of this name and size, in a workspace, is looked into.
pub(super) fn may_hold_nodes(workspace: &str, name: &str, size: u64) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_other = OTHERS.iter().any(|other| other.eq_ignore_ascii_case(ending));
    size > 0 && !is_own(workspace) && !is_other
}

/// Whether a workspace is what belongs to the repository itself, or files of a database.
fn is_own(workspace: &str) -> bool {
    workspace.starts_with('.')
}

/// Whether a file is called as those that hold nodes: it has to begin as one of them. A disk that is full leaves it empty, and a loss
/// of power full of zeroes; what was in it is then neither removed nor of another kind.
fn is_called_as_a_document(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Reads a file if it holds nodes, which is told, and gives each with its name if it is a topmost one.
fn read(
    document: &Document<'_, '_>,
    names: &Namespaces,
    watch: &dyn Watch,
    take: &mut dyn FnMut(Option<String>, Own),
) -> Result<bool, ReadError> {
    let failed = |error: RestoreError| ReadError::Input(io::Error::other(error));
    let mut input = Stoppable {
        inner: (document.open)().map_err(failed)?,
        watch,
    };
    let mut beginning = Vec::new();
    let first = (&mut input).take(BEGINNING as u64).read_to_end(&mut beginning);
    first.map_err(ReadError::Input)?;
    let Some(form) = document::form_of(&beginning) else {
        let name = document.names.last().map_or("", String::as_str);
        if is_called_as_a_document(name) && beginning.iter().all(|byte| *byte == 0) {
            return Err(ReadError::Zeroes);
        }
        return Ok(false);
    };
    if document.size > LARGEST {
        return Err(ReadError::TooMuch(format!(
            "it has more than {} MiB, of which no nodes are read",
            LARGEST >> 20
        )));
    }
    let bytes = beginning.as_slice().chain(input);
    let mut open: Vec<NodeId> = Vec::new();
    document::read(
        form,
        BufReader::new(bytes),
        Limits::default(),
        &mut |placed: Placed| {
            let Placed { path, mut node } = placed;
            let steps: Vec<String> = path
                .iter()
                .map(|(name, index)| format!("{}[{index}]", names.show(name)))
                .collect();
            let made = id_of_path(document.names.iter().chain(&steps).map(String::as_str));
            let written = node.is_referenceable.then_some(node.id);
            node.id = written.unwrap_or(made);
            node.parent = None;
            let from = open.len().saturating_sub(node.children.len());
            for (child, id) in node.children.iter_mut().zip(open.drain(from..)) {
                child.id = id;
            }
            open.push(node.id);
            let top = match path.as_slice() {
                [(name, _)] => Some(names.show(name)),
                _ => None,
            };
            take(top, Own { written, made, node });
        },
    )?;
    Ok(true)
}

/// Bytes of a node: of its names and values.
fn size_of(node: &Node) -> u64 {
    let of_value = |value: &Value| match value {
        Value::String(text) | Value::Date(text) | Value::Path(text) | Value::Uri(text) => text.len(),
        Value::Binary(Binary::Held(bytes)) => bytes.len(),
        Value::Binary(Binary::Record(id) | Binary::Beside(id)) => id.len(),
        Value::Long(_) | Value::Double(_) => 8,
        Value::Boolean(_) => 1,
        Value::Name(name) => name.local.len(),
        Value::Reference(_) | Value::WeakReference(_) => 16,
        Value::Decimal(number) => number.as_ref().map_or(0, String::len),
    };
    let properties = node.properties.iter();
    let sizes = properties.map(|one| one.name.local.len() + one.values.iter().map(of_value).sum::<usize>());
    sizes.sum::<usize>() as u64
}

/// A file whose reading ends when somebody has it stopped.
struct Stoppable<'s> {
    inner: Box<dyn Read + 's>,
    watch: &'s dyn Watch,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.watch.is_cancelled() {
            return Err(io::Error::other(RestoreError::Cancelled));
        }
        self.inner.read(buffer)
    }
}
