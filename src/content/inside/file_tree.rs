//! Makes a tree out of what a walk tells, folders and files, and the nodes that are in files.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::documents::{Document, Documents, Opening, Outcome};
use super::found::{digest_of_file, id_of_path};
use super::{At, Chunk, Found, NodeRead, StoredFile, Take, What};
use crate::content::restoring::RestoreError;
use crate::content::{Item, ItemKind};
use crate::jcr::NodeId;
use crate::watch::Watch;

/// So many files are handed on together.
const TOGETHER: usize = 1_000;
/// So many things that are no files are noted one by one.
const MOST_NOTED: usize = 20;
/// Nodes are handed on when they have so many bytes.
const MOST_BYTES: u64 = 16 << 20;

/// The text of a name, which may be any bytes: those that are no text are written as a percent sign and two digits.
pub(crate) fn name_of(path: &Path) -> String {
    let bytes = path.file_name().unwrap_or_default().as_bytes();
    let mut name = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        name.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing into memory cannot fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

pub(super) fn bytes_of(item: &Item) -> u64 {
    match item.kind {
        ItemKind::File { size } => size,
        ItemKind::Folder | ItemKind::Link { .. } => 0,
    }
}

/// Makes a tree out of items that come parents before children, and hands it on.
pub(super) struct Tree<'t> {
    take: &'t Take<'t>,
    watch: &'t dyn Watch,
    /// The folders that are open: their names from the workspace on, and what they are.
    open: Vec<(Vec<String>, Found)>,
    documents: Documents,
    chunk: Chunk,
    /// Bytes of the nodes in it.
    bytes: u64,
    /// Where in the chunk the file is whose nodes are being given.
    file: Option<u32>,
}

impl<'t> Tree<'t> {
    /// Begins with the workspace itself.
    pub(super) fn new(workspace: &str, take: &'t Take<'t>, watch: &'t dyn Watch) -> Self {
        let names = vec![workspace.to_owned()];
        let root = found(&names, None, What::Folder, (0, (0, 0)), b"");
        Self {
            take,
            watch,
            open: vec![(names, root)],
            documents: Documents::default(),
            chunk: Chunk::default(),
            bytes: 0,
            file: None,
        }
    }

    /// Notes what is in the workspace and is neither folder, file nor link.
    pub(super) fn note(&mut self, met: &[String]) {
        let Some((_, root)) = self.open.first_mut() else {
            return;
        };
        if let Some((last, others)) = met.split_last() {
            let more = others.len().saturating_sub(MOST_NOTED - 1);
            let mut told: Vec<_> = others
                .iter()
                .take(MOST_NOTED - 1)
                .chain([last])
                .cloned()
                .collect();
            if more > 0 {
                told.push(format!("and {more} more"));
            }
            root.remark = Some(told.join("; "));
        }
    }

    /// Takes the next item, at so many names below the workspace, with what it takes to read it again, if it is a file.
    pub(super) fn add(
        &mut self,
        item: &Item,
        depth: usize,
        file: Option<StoredFile>,
        open: &Opening<'_>,
    ) -> Result<(), RestoreError> {
        while self.open.len() > depth.max(1) {
            self.close()?;
        }
        let Some((above, parent)) = self.open.last_mut() else {
            return Ok(());
        };
        let mut names = above.clone();
        names.push(name_of(&item.path));
        let modified = (item.modified.seconds, item.modified.nanos);
        let (what, size, target) = match &item.kind {
            ItemKind::Folder => (What::Folder, 0, &b""[..]),
            ItemKind::File { size } => (What::File, *size, &b""[..]),
            ItemKind::Link { target } => (What::Link, 0, target.as_os_str().as_bytes()),
        };
        let mut of_item = found(&names, Some(parent.id), what, (size, modified), target);
        parent
            .children
            .push((names.last().cloned().unwrap_or_default(), of_item.id));
        match what {
            What::Folder => {
                self.open.push((names, of_item));
                return Ok(());
            }
            What::File => self.look_into(&mut of_item, &names, file, open)?,
            _ => of_item.remark = Some(format!("it leads to {}", String::from_utf8_lossy(target))),
        }
        self.give(of_item)
    }

    /// Looks into a file, and gives its nodes.
    fn look_into(
        &mut self,
        of_file: &mut Found,
        names: &[String],
        stored: Option<StoredFile>,
        open: &Opening<'_>,
    ) -> Result<(), RestoreError> {
        let document = Document {
            names,
            size: of_file.size,
            open,
        };
        let of_nodes = StoredFile {
            size: of_file.size,
            place: names.join("/"),
            ..stored.clone().unwrap_or_default()
        };
        self.file = None;
        let mut documents = std::mem::take(&mut self.documents);
        let (id, watch) = (of_file.id, self.watch);
        let outcome = documents.look(&document, id, watch, &mut |read| self.give_node(read, &of_nodes));
        self.documents = documents;
        match outcome? {
            Outcome::NoNodes => {}
            Outcome::Unreadable(why) => of_file.remark = Some(why),
            Outcome::Nodes(tops) => {
                of_file.children = tops;
                of_file.at.file = self.place_of(&of_nodes);
                return Ok(());
            }
        }
        if let Some(stored) = stored {
            of_file.at.file = self.place_of(&stored);
        }
        Ok(())
    }

    /// Where in the chunk a file is: it is put there once.
    fn place_of(&mut self, file: &StoredFile) -> u32 {
        if let Some(place) = self.file {
            return place;
        }
        let place = u32::try_from(self.chunk.files.len()).unwrap_or(u32::MAX);
        self.chunk.files.push(file.clone());
        self.file = Some(place);
        place
    }

    fn give_node(&mut self, mut read: NodeRead, file: &StoredFile) -> Result<(), RestoreError> {
        if self.chunk.nodes.len() >= TOGETHER || self.bytes > MOST_BYTES {
            self.hand_on()?;
        }
        read.at.file = self.place_of(file);
        self.bytes += read.size;
        self.chunk.nodes.push(read);
        Ok(())
    }

    fn close(&mut self) -> Result<(), RestoreError> {
        match self.open.pop() {
            Some((_, folder)) => self.give(folder),
            None => Ok(()),
        }
    }

    fn give(&mut self, item: Found) -> Result<(), RestoreError> {
        self.chunk.items.push(item);
        if self.chunk.items.len() < TOGETHER {
            return Ok(());
        }
        self.hand_on()
    }

    fn hand_on(&mut self) -> Result<(), RestoreError> {
        (self.bytes, self.file) = (0, None);
        (self.take)(std::mem::take(&mut self.chunk))
    }

    pub(super) fn end(mut self) -> Result<(), RestoreError> {
        while !self.open.is_empty() {
            self.close()?;
        }
        self.hand_on()
    }
}

fn found(
    names: &[String],
    parent: Option<NodeId>,
    what: What,
    (size, modified): (u64, (i64, u32)),
    target: &[u8],
) -> Found {
    Found {
        id: id_of_path(names.iter().map(String::as_str)),
        parent,
        what,
        own: None,
        primary_type: String::new(),
        digest: digest_of_file(what, size, modified, target),
        size,
        modified: modified.0,
        is_versionable: false,
        children: Vec::new(),
        at: At::default(),
        remark: None,
    }
}
