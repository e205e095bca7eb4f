//! Taking content out: a node with all that is below it, as XML or YAML that Magnolia's own import takes, or as files; files of
//! a folder; and all that a backup holds, as a tar.
//!
//! Nodes and files are gone through twice: once to find out how large it is, what would be left out and whether every binary
//! is there, so that whoever asks hears it before anything is written; and once to write it. Both times the same is done.
//!
//! Things are read one by one. A backup stays as it is; of Live each is as it is when it is read.
//!
//! - `view`: the forms that nodes are written in; `readable` and `names`: as files; `archive`: a tar.
//! - `folders`: files of a folder; `whole`: all that a backup holds.

mod archive;
mod folders;
mod names;
mod readable;
mod view;
mod whole;

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::vec;

use self::archive::{Archive, Tally};
use self::folders::Subtree;
use self::readable::Readable;
use self::view::{Looks, Opens, Reads, View};
use self::whole::Whole;
use super::background::Work;
use super::browse::Found;
use super::index::Pages;
use super::source::WorkspaceOpen;
use super::{Answer, Trouble, ready};
use crate::content::inside::{Nodes, StoredFile, What};
use crate::domain::environment::VERSIONS;
use crate::domain::explore::{
    ExportFacts, ExportForm, ExportRequest, FirstLook, Looked, NodePath, Source, file_name,
};
use crate::engine::{EngineError, Live};
use crate::jcr::bundle::BundleError;
use crate::jcr::namespaces::indexes;
use crate::jcr::xml::write::{SystemView, WriteError};
use crate::jcr::yaml::write::Yaml;
use crate::jcr::{Child, Node, NodeId, ids};
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
pub struct Export(Of);

/// What it is of.
enum Of {
    Nodes(OfNodes),
    Files(Subtree),
    Backup(Whole),
}

/// A node with all that is below it.
struct OfNodes {
    open: WorkspaceOpen,
    path: NodePath,
    form: ExportForm,
}

impl Live {
    pub(super) fn facts_of_export(&self, request: &ExportRequest) -> Answer<Looked<ExportFacts>> {
        let of = ready!(self.export_of(request)?).0;
        let (open, path) = match &of {
            Of::Nodes(nodes) => (&nodes.open, nodes.path.clone()),
            Of::Files(files) => (&files.open, files.path.clone()),
            Of::Backup(whole) => return Ok(Looked::Ready(whole.facts())),
        };
        let seen = open.seen.clone();
        let question = format!("{} {} {path} {}", self.name(), seen.source, request.form);
        let look = FirstLook {
            source: seen.source.clone(),
            instance: open.instance.clone(),
            workspace: open.workspace.clone(),
            done: 0,
            total: 0,
            others: 0,
            comparing: false,
        };
        let explorer = self.engine().explorer();
        let work = explorer.surveys.work(question, move |work| {
            match of {
                Of::Nodes(nodes) => nodes.survey(work)?,
                Of::Files(files) => files.survey(work)?,
                Of::Backup(_) => {}
            }
            Ok(())
        })?;
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
            file: file_name(&path, request.form),
            path,
            form: request.form,
            nodes: survey.nodes,
            bytes: survey.bytes,
            remarks: survey.remarks,
        }))
    }

    /// What is to be exported, once its workspace can be looked into.
    pub(super) fn export_of(&self, request: &ExportRequest) -> Answer<Looked<Export>> {
        let source = self.source(&request.source)?;
        if request.form == ExportForm::Tar {
            let whole = self.whole(&source, &request.path)?;
            return Ok(Looked::Ready(Export(Of::Backup(whole))));
        }
        if request.path.workspace.is_none() {
            return Err(Trouble::not_there(format!(
                "{} is no node: name a workspace and a node in it, as author:/website/home. A whole instance or backup is \
                 exported as a tar",
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
            What::Node if path.steps.is_empty() && request.form != ExportForm::Files => {
                "is the root of a workspace, which no import replaces: name a node in it. A whole workspace comes back \
                 with `lifeboat restore`, beside Live with --into, or as files with --as files or --as tar"
            }
            What::Node => {
                let form = request.form;
                return Ok(Looked::Ready(Export(Of::Nodes(OfNodes { open, path, form }))));
            }
            What::Unreadable => "cannot be read, so it cannot be exported",
            What::Link => "is a link, of which nothing can be exported: name the folder that it is in",
            What::Folder | What::File if request.form == ExportForm::Files => {
                let files = self.subtree(&source, open, &pages, &row, path)?;
                return Ok(Looked::Ready(Export(Of::Files(files))));
            }
            What::Folder | What::File => {
                "is no node of a repository, and only those can be written as XML or YAML: export it as it is with --as files"
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
    /// Writes it. What `out` says ends it.
    ///
    /// # Errors
    /// [`EngineError`] when something cannot be read, or nobody takes it.
    pub fn write(&self, out: &mut dyn Write) -> Result<(), EngineError> {
        let out = BufWriter::with_capacity(TOGETHER, out);
        match &self.0 {
            Of::Nodes(nodes) => nodes.write(out)?,
            Of::Files(files) => files.write(out)?,
            Of::Backup(whole) => whole.write(out)?,
        }
        Ok(())
    }
}

impl OfNodes {
    /// Goes through all of it.
    fn survey(&self, work: &Work<Survey>) -> Answer<()> {
        let pages = self.open.pages()?;
        let most = pages.count()?;
        work.change(|survey| survey.most = most);
        let looks = Looks::new(&self.open);
        let told = |nodes: u64| {
            if nodes.is_multiple_of(STEP) {
                work.change(|survey| survey.nodes = nodes);
            }
            work.progress.is_cancelled()
        };
        let names = self.open.inside.namespaces();
        let (bytes, done) = match self.form {
            ExportForm::Yaml => {
                let mut view = Yaml::begin(Count(0), &names);
                let mut done = self.pass(&pages, &mut view, &looks, &told)?;
                let (sink, left_out) = view.finish().map_err(|error| ended(&error))?;
                done.leave_out_all(left_out);
                (sink.0 + looks.bytes.get(), done)
            }
            ExportForm::Files => {
                let mut view = Readable::begin(Tally::default(), &names, &self.top());
                let done = self.pass(&pages, &mut view, &looks, &told)?;
                (view.finish().bytes, done)
            }
            ExportForm::Xml | ExportForm::Tar => {
                let mut view = SystemView::begin(Count(0), &names).map_err(|error| ended(&error))?;
                let mut done = self.pass(&pages, &mut view, &looks, &told)?;
                let (sink, left_out) = view.finish().map_err(|error| ended(&error))?;
                done.leave_out_all(left_out);
                (sink.0 + looks.bytes.get(), done)
            }
        };
        work.change(|survey| {
            survey.nodes = done.nodes;
            survey.bytes = bytes;
            survey.remarks = done.told();
        });
        Ok(())
    }

    fn write(&self, out: impl Write) -> Answer<()> {
        let pages = self.open.pages()?;
        let names = self.open.inside.namespaces();
        let reads = Opens(&self.open);
        match self.form {
            ExportForm::Yaml => {
                let mut view = Yaml::begin(out, &names);
                self.pass(&pages, &mut view, &reads, &|_| false)?;
                view.finish().map_err(|error| ended(&error))?;
            }
            ExportForm::Files => {
                let mut view = Readable::begin(Archive::begin(out), &names, &self.top());
                self.pass(&pages, &mut view, &reads, &|_| false)?;
                view.finish()
                    .finish()
                    .map_err(|error| ended(&WriteError::from(error)))?;
            }
            ExportForm::Xml | ExportForm::Tar => {
                let mut view = SystemView::begin(out, &names).map_err(|error| ended(&error))?;
                self.pass(&pages, &mut view, &reads, &|_| false)?;
                view.finish().map_err(|error| ended(&error))?;
            }
        }
        Ok(())
    }

    /// What the folder of the first node is called.
    fn top(&self) -> String {
        file_name(&self.path, ExportForm::Files)
    }

    /// Goes through all of it. `told` hears how many nodes were written, and says whether to stop.
    fn pass(
        &self,
        pages: &Pages,
        view: &mut dyn View,
        reads: &dyn Reads,
        told: &dyn Fn(u64) -> bool,
    ) -> Answer<Done> {
        let names = self.open.inside.namespaces();
        let Found { row, .. } = self.open.find(pages, &self.path)?;
        let name = match self.path.steps.last() {
            Some(step) => names.name(&step.name),
            None => names.name("jcr:root"),
        };
        let name = name.ok_or_else(|| Trouble::not_there(format!("{} has no name", self.path)))?;
        let at = RefCell::new(String::new());
        let mut passing = Passing {
            open: &self.open,
            pages,
            nodes: self.open.inside.nodes(&self.open.workspace)?,
            seen: HashSet::new(),
            done: Done::default(),
        };
        let wrong = |error: WriteError| {
            Trouble::Engine(EngineError::Failed(format!(
                "{} cannot be exported: {error}",
                at.borrow()
            )))
        };
        let mut way: Vec<(String, vec::IntoIter<(Child, usize)>)> = Vec::new();
        let mut next = Some((name, row.id, self.path.within_workspace()));
        loop {
            if let Some((name, id, path)) = next.take() {
                path.clone_into(&mut at.borrow_mut());
                if let Some(node) = passing.read(&id, &path)?
                    && view.node(&name, &node, &path, reads).map_err(wrong)?
                {
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
                let above = if path == "/" { "" } else { path.as_str() };
                let path = format!("{above}/{}", names.step(&child.name, index));
                // What versions and the repository itself keep is in no export.
                if child.id != ids::SYSTEM {
                    next = Some((child.name, child.id, path));
                }
            } else {
                way.pop();
                view.end().map_err(wrong)?;
            }
        }
        if passing.done.nodes == 0 {
            let why = passing.done.remarks.pop().unwrap_or_default();
            return Err(EngineError::Failed(format!("nothing can be exported: {why}")).into());
        }
        Ok(passing.done)
    }
}

/// Why what was gone through cannot be ended.
fn ended(error: &WriteError) -> Trouble {
    Trouble::Engine(EngineError::Failed(format!("it cannot be exported: {error}")))
}

/// What came of a pass.
#[derive(Debug, Default)]
struct Done {
    nodes: u64,
    remarks: Vec<String>,
    /// What is left out and not told by itself.
    more: u64,
}

impl Done {
    fn leave_out(&mut self, what: String) {
        if self.remarks.len() < TOLD {
            self.remarks.push(what);
        } else {
            self.more += 1;
        }
    }

    fn leave_out_all(&mut self, all: Vec<String>) {
        for what in all {
            self.leave_out(what);
        }
    }

    fn told(mut self) -> Vec<String> {
        if self.more > 0 {
            self.remarks.push(format!("and {} more", self.more));
        }
        self.remarks
    }
}

/// One pass through what is exported.
struct Passing<'e> {
    open: &'e WorkspaceOpen,
    pages: &'e Pages,
    nodes: Box<dyn Nodes + 'e>,
    /// Each node is written once, wherever else it is listed: so a circle has an end.
    seen: HashSet<NodeId>,
    done: Done,
}

impl Passing<'_> {
    /// A node that is to be written; what is not is told.
    fn read(&mut self, id: &NodeId, path: &str) -> Answer<Option<Node>> {
        if !self.seen.insert(*id) {
            self.done.leave_out(format!(
                "{path} is a further place of the node {}, which is written once: an import takes no node twice",
                ids::show(id)
            ));
            return Ok(None);
        }
        match self.node(id)? {
            Some(Ok(node)) => return Ok(Some(node)),
            Some(Err(error)) => self.done.leave_out(format!("{path} cannot be read: {error}")),
            None => self
                .done
                .leave_out(format!("{path} is listed by its parent, and is not there")),
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
