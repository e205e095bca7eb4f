//! A node with all that is below it, as XML that Magnolia's own import takes.
//!
//! All of it is gone through twice: once to find out how large it is, what would be left out and whether every binary is
//! there, so that whoever asks hears it before anything is written; and once to write it. Both times the same is done.
//!
//! Nodes are read one by one. A backup stays as it is; of Live each node is as it is when it is read.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::io::{self, BufWriter, Cursor, Read, Write};
use std::vec;

use super::background::Work;
use super::browse::Found;
use super::index::Pages;
use super::source::WorkspaceOpen;
use super::{Answer, Trouble, ready};
use crate::content::inside::{Nodes, StoredFile, What};
use crate::domain::environment::VERSIONS;
use crate::domain::explore::{ExportFacts, ExportRequest, FirstLook, Looked, NodePath, Source, file_name};
use crate::engine::{EngineError, Live};
use crate::jcr::bundle::BundleError;
use crate::jcr::namespaces::indexes;
use crate::jcr::xml::write::{Binaries, SystemView, WriteError};
use crate::jcr::{Binary, Child, Node, NodeId, ids};
use crate::watch::Watch as _;

/// So many things that are left out are told one by one.
const TOLD: usize = 100;
/// After so many nodes it is told how far it is.
const STEP: u64 = 100;
/// So much is written together.
const TOGETHER: usize = 64 << 10;

/// What was found so far by going through what is to be exported.
#[derive(Debug, Default, Clone)]
pub(super) struct Survey {
    nodes: u64,
    /// Nodes of the workspace: there are no more.
    most: u64,
    bytes: u64,
    remarks: Vec<String>,
}

/// An export that can be written.
pub struct Export {
    open: WorkspaceOpen,
    path: NodePath,
}

impl Live {
    pub(super) fn facts_of_export(&self, request: &ExportRequest) -> Answer<Looked<ExportFacts>> {
        let export = ready!(self.export_of(request)?);
        let (seen, path) = (export.open.seen.clone(), export.path.clone());
        let question = format!("{} {} {path}", self.name(), seen.source);
        let look = FirstLook {
            source: seen.source.clone(),
            instance: export.open.instance.clone(),
            workspace: export.open.workspace.clone(),
            done: 0,
            total: 0,
            others: 0,
        };
        let explorer = self.engine().explorer();
        let work = explorer
            .surveys
            .work(question, move |work| Ok(export.survey(work)?))?;
        let standing = work.standing(Survey::clone);
        if standing.as_ref().is_ok_and(|standing| standing.is_over) && seen.source == Source::Live {
            // Live may be another one by the next question.
            explorer.surveys.forget(&work);
        }
        let standing = standing.map_err(|why| {
            explorer.surveys.forget(&work);
            EngineError::Failed(why)
        })?;
        let survey = standing.answer;
        if !standing.is_over {
            return Ok(Looked::Reading(FirstLook {
                done: survey.nodes,
                total: survey.most,
                ..look
            }));
        }
        Ok(Looked::Ready(ExportFacts {
            seen,
            file: file_name(&path),
            path,
            nodes: survey.nodes,
            bytes: survey.bytes,
            remarks: survey.remarks,
        }))
    }

    /// What is to be exported, once its workspace can be looked into.
    pub(super) fn export_of(&self, request: &ExportRequest) -> Answer<Looked<Export>> {
        let source = self.source(&request.source)?;
        if request.path.workspace.is_none() {
            return Err(Trouble::not_there(format!(
                "{} is no node: name a workspace and a node in it, as author:/website/home",
                request.path
            )));
        }
        let open = ready!(self.workspace(&source, &request.path)?);
        let pages = open.pages()?;
        let Found { row, path } = open.find(&pages, &request.path)?;
        let way = match row.what {
            What::Node if open.workspace == VERSIONS || row.id == ids::SYSTEM => {
                "is made by the repository itself, and no import takes it"
            }
            What::Node if path.steps.is_empty() => {
                "is the root of a workspace, which no import replaces: name a node in it. A whole workspace comes back \
                 with `lifeboat restore`, or beside Live with --into"
            }
            What::Node => return Ok(Looked::Ready(Export { open, path })),
            What::Unreadable => "cannot be read, so it cannot be exported",
            What::Folder | What::File | What::Link => {
                "is no node of a repository, and only those can be written as XML: `lifeboat restore` with --into DIR \
                 brings files out of a backup"
            }
        };
        let remark = open.inside.remark().map(|remark| format!(" ({remark})"));
        Err(Trouble::not_there(format!(
            "{path} {way}{}",
            remark.unwrap_or_default()
        )))
    }
}

impl Export {
    /// Goes through all of it.
    fn survey(&self, work: &Work<Survey>) -> Answer<()> {
        let pages = self.open.pages()?;
        let most = pages.count()?;
        work.change(|survey| survey.most = most);
        let looks = Looks {
            open: &self.open,
            bytes: Cell::default(),
        };
        let told = |nodes: u64| {
            if nodes.is_multiple_of(STEP) {
                work.change(|survey| survey.nodes = nodes);
            }
            work.progress.is_cancelled()
        };
        let (sink, done) = self.pass(&pages, Count(0), &looks, &told)?;
        work.change(|survey| {
            survey.nodes = done.nodes;
            survey.bytes = sink.0 + looks.bytes.get();
            survey.remarks = done.remarks;
        });
        Ok(())
    }

    /// Writes it. What `out` says ends it.
    ///
    /// # Errors
    /// [`EngineError`] when something cannot be read, or nobody takes it.
    pub fn write(&self, out: &mut dyn Write) -> Result<(), EngineError> {
        let pages = self.open.pages()?;
        let out = BufWriter::with_capacity(TOGETHER, out);
        self.pass(&pages, out, &Opens(&self.open), &|_| false)?;
        Ok(())
    }

    /// Writes all of it, and gives back what it was written to. `told` hears how many nodes were written, and says whether to
    /// stop.
    fn pass<W: Write>(
        &self,
        pages: &Pages,
        out: W,
        binaries: &dyn Binaries,
        told: &dyn Fn(u64) -> bool,
    ) -> Answer<(W, Done)> {
        let names = self.open.inside.namespaces();
        let Found { row, .. } = self.open.find(pages, &self.path)?;
        let name = self.path.steps.last().and_then(|step| names.name(&step.name));
        let name = name.ok_or_else(|| Trouble::not_there(format!("{} has no name", self.path)))?;
        let at = RefCell::new(String::new());
        let mut passing = Passing {
            open: &self.open,
            pages,
            nodes: self.open.inside.nodes(&self.open.workspace)?,
            seen: HashSet::new(),
            done: Done::default(),
            more: 0,
        };
        let wrong = |error: WriteError| {
            Trouble::Engine(EngineError::Failed(format!(
                "{} cannot be exported: {error}",
                at.borrow()
            )))
        };
        let mut view = SystemView::begin(out, &names).map_err(wrong)?;
        let mut way: Vec<(String, vec::IntoIter<(Child, usize)>)> = Vec::new();
        let mut next = Some((name, row.id, self.path.within_workspace()));
        loop {
            if let Some((name, id, path)) = next.take() {
                path.clone_into(&mut at.borrow_mut());
                if let Some(node) = passing.read(&id, &path)? {
                    view.node(&name, &node, binaries).map_err(wrong)?;
                    passing.done.nodes += 1;
                    let numbers: Vec<_> = indexes(&node.children).collect();
                    let children: Vec<_> = node.children.into_iter().zip(numbers).collect();
                    way.push((path, children.into_iter()));
                }
                if told(passing.done.nodes) {
                    return Err(EngineError::Cancelled.into());
                }
            }
            let Some((path, children)) = way.last_mut() else {
                break;
            };
            if let Some((child, index)) = children.next() {
                let path = format!("{path}/{}", names.step(&child.name, index));
                next = Some((child.name, child.id, path));
            } else {
                way.pop();
                view.end().map_err(wrong)?;
            }
        }
        if passing.done.nodes == 0 {
            let why = passing.done.remarks.pop().unwrap_or_default();
            return Err(EngineError::Failed(format!("nothing can be exported: {why}")).into());
        }
        let (out, left_out) = view.finish().map_err(wrong)?;
        for what in left_out {
            passing.leave_out(what);
        }
        Ok((out, passing.done()))
    }
}

/// What came of a pass.
#[derive(Debug, Default)]
struct Done {
    nodes: u64,
    remarks: Vec<String>,
}

/// One pass through what is exported.
struct Passing<'e> {
    open: &'e WorkspaceOpen,
    pages: &'e Pages,
    nodes: Box<dyn Nodes + 'e>,
    /// Each node is written once, wherever else it is listed: so a circle has an end.
    seen: HashSet<NodeId>,
    done: Done,
    /// What is left out and not told by itself.
    more: u64,
}

impl Passing<'_> {
    fn leave_out(&mut self, what: String) {
        if self.done.remarks.len() < TOLD {
            self.done.remarks.push(what);
        } else {
            self.more += 1;
        }
    }

    fn done(mut self) -> Done {
        if self.more > 0 {
            self.done.remarks.push(format!("and {} more", self.more));
        }
        self.done
    }

    /// A node that is to be written; what is not is told.
    fn read(&mut self, id: &NodeId, path: &str) -> Answer<Option<Node>> {
        if !self.seen.insert(*id) {
            self.leave_out(format!(
                "{path} is a further place of the node {}, which is written once: an import takes no node twice",
                ids::show(id)
            ));
            return Ok(None);
        }
        match self.node(id)? {
            Some(Ok(node)) => return Ok(Some(node)),
            Some(Err(error)) => self.leave_out(format!("{path} cannot be read: {error}")),
            None => self.leave_out(format!("{path} is listed by its parent, and is not there")),
        }
        Ok(None)
    }

    fn node(&mut self, id: &NodeId) -> Answer<Option<Result<Node, BundleError>>> {
        let row = self.pages.row(id)?;
        let file = match &row {
            Some(row) => self.pages.file(row)?,
            // What was made in Live after its index was is found by its id.
            None if self.open.seen.source == Source::Live => StoredFile::default(),
            None => return Ok(None),
        };
        let offset = row.map_or(0, |row| row.offset);
        Ok(self.nodes.node(id, &file, offset)?)
    }
}

/// Looks whether binaries are there, and how large they are.
struct Looks<'o> {
    open: &'o WorkspaceOpen,
    bytes: Cell<u64>,
}

impl Binaries for Looks<'_> {
    fn open(&self, binary: &Binary) -> io::Result<Box<dyn Read + '_>> {
        let Binary::Record(id) = binary else {
            return opened(self.open, binary);
        };
        let record = self.open.inside.record(id, 0).map_err(io::Error::other)?;
        let record = record.ok_or_else(|| is_missing(id))?;
        // As many as they are in base64.
        let bytes = record.size.div_ceil(3).saturating_mul(4);
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        Ok(Box::new(io::empty()))
    }
}

/// Reads binaries.
struct Opens<'o>(&'o WorkspaceOpen);

impl Binaries for Opens<'_> {
    fn open(&self, binary: &Binary) -> io::Result<Box<dyn Read + '_>> {
        opened(self.0, binary)
    }
}

fn opened<'o>(open: &'o WorkspaceOpen, binary: &Binary) -> io::Result<Box<dyn Read + 'o>> {
    match binary {
        Binary::Held(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
        Binary::Record(id) => {
            let record = open.inside.open_record(id).map_err(io::Error::other)?;
            record.ok_or_else(|| is_missing(id))
        }
        Binary::Beside(id) => Err(io::Error::other(format!(
            "it is kept outside of the nodes and of the data store, as {id}, where it is not read by itself. Restore the \
             backup elsewhere (--into), and export it there with Magnolia"
        ))),
    }
}

fn is_missing(id: &str) -> io::Error {
    io::Error::other(format!(
        "the data store has no file {id}. Where it is a table of the database, restore the backup elsewhere (--into), and \
         export it there with Magnolia"
    ))
}

/// Counts what is written.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
