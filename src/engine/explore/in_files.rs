//! Nodes in files of a folder, by the paths that people know them by.
//!
//! A node in a file is below that file: `/website/home/news.xml/news`. In Magnolia it is `/home/news`, and that leads to it as
//! well, wherever nothing else is there:
//!
//! - the name of the file may be left out: `/website/home/news`;
//! - so may that of a node that is called as the folder which its file is in: `/website/home/news/main` for what is in
//!   `/website/home/news/page.xml/news/main`;
//! - a file that is called as Magnolia calls an export (`website.home.news.xml`) is where that says, whatever folder it is in.

use super::Answer;
use super::index::{Pages, Row};
use super::source::WorkspaceOpen;
use crate::content::inside::{ENDINGS, What};
use crate::domain::explore::{ExportForm, NodePath, NotRead, Step, file_name};

/// What a root is called in a document.
const ROOT: &str = "jcr:root";
/// So many files are asked for by their names at most.
const MOST_NAMES: usize = 600;

impl WorkspaceOpen {
    /// The node that a path means.
    pub(super) fn resolve(&self, pages: &Pages, steps: &[Step]) -> Answer<Option<Row>> {
        if let Some(row) = pages.resolve(steps)? {
            return Ok(Some(row));
        }
        let Some(root) = pages.root()?.filter(|root| root.what == What::Folder) else {
            return Ok(None);
        };
        match through_files(pages, root, steps)? {
            Some(row) => Ok(Some(row)),
            None => self.in_exports(pages, steps),
        }
    }

    /// The path of the node that a path means, as it is told: the same one where it leads there, or nowhere.
    pub(super) fn meant(&self, pages: &Pages, path: &NodePath) -> Answer<NodePath> {
        if path.steps.is_empty() || pages.resolve(&path.steps)?.is_some() {
            return Ok(path.clone());
        }
        let steps = match self.resolve(pages, &path.steps)? {
            Some(row) => pages.path_of(&row.id)?,
            None => None,
        };
        Ok(NodePath {
            steps: steps.unwrap_or_else(|| path.steps.clone()),
            ..path.clone()
        })
    }

    /// The path by which Magnolia knows a node that is in a file; `None` for anything else.
    pub(super) fn known_as(&self, pages: &Pages, row: &Row, steps: &[Step]) -> Answer<Option<NodePath>> {
        let depth = depth_in_file(pages, row, steps.len())?.filter(|depth| *depth > 0);
        let Some(at) = depth.and_then(|depth| steps.len().checked_sub(depth + 1)) else {
            return Ok(None);
        };
        let (folders, inner) = (&steps[..at], &steps[at + 1..]);
        let name = &steps[at].name;
        let named = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending));
        let exported = named.and_then(|name| self.parts(name));
        let above: Vec<Step> = match exported {
            Some(mut parts) if parts.last().map(|part| &part.name) == inner.first().map(|top| &top.name) => {
                parts.pop();
                parts
            }
            _ => folders.to_vec(),
        };
        let inner = inner.iter().filter(|step| step.name != ROOT).cloned();
        Ok(Some(NodePath {
            steps: above.into_iter().chain(inner).collect(),
            ..self.path()
        }))
    }

    /// The names in that of an export: `home` and `news` in `website.home.news`. Dots of a name are doubled in it.
    fn parts(&self, name: &str) -> Option<Vec<Step>> {
        let rest = name.strip_prefix(&self.workspace)?.strip_prefix('.')?;
        let whole = rest.replace("..", "\0");
        Some(
            whole
                .split('.')
                .map(|part| Step::new(part.replace('\0', ".")))
                .collect(),
        )
    }

    /// The file that cannot be read and that has, or may have, what no path leads to: one that the path leads through, that is called
    /// as it, that lies in the folder which is the deepest on its way, or that is called as its export.
    pub(super) fn not_read_on_the_way(&self, pages: &Pages, steps: &[Step]) -> Answer<Option<MayBeIn>> {
        let Some(mut folder) = pages.root()?.filter(|root| root.what == What::Folder) else {
            return Ok(None);
        };
        let mut nearest = None;
        for (at, step) in steps.iter().enumerate() {
            let child = pages.child(&folder, step)?;
            if let Some(file) = child.as_ref().filter(|child| child.what == What::File) {
                return self.may_be_in(pages, file, true);
            }
            for ending in ENDINGS {
                let called = Step::new(format!("{}{ending}", step.name));
                let file = pages.child(&folder, &called)?;
                let file = file.filter(|file| file.why_not_read().is_some());
                nearest = file.or(nearest);
            }
            match child {
                Some(child) if child.what == What::Folder => folder = child,
                _ if at == 0 => break,
                // The folder may be called as the node, and have it in a file that is called otherwise.
                _ => {
                    nearest = nearest.or(pages.not_read_in(&folder)?);
                    break;
                }
            }
        }
        if nearest.is_none() {
            let names: Vec<String> = self.exports(steps).into_iter().map(|(name, _)| name).collect();
            let mut files = pages.called(&names)?.into_iter().map(|(_, file)| file);
            nearest = files.find(|file| file.why_not_read().is_some());
        }
        match nearest {
            Some(file) => self.may_be_in(pages, &file, false),
            None => Ok(None),
        }
    }

    fn may_be_in(&self, pages: &Pages, file: &Row, is_certain: bool) -> Answer<Option<MayBeIn>> {
        let not_read = self.not_read(pages, file)?;
        Ok(not_read.map(|not_read| MayBeIn { not_read, is_certain }))
    }

    /// What is said of a file that cannot be read; `None` of any other.
    pub(super) fn not_read(&self, pages: &Pages, file: &Row) -> Answer<Option<NotRead>> {
        let Some(why) = file.why_not_read() else {
            return Ok(None);
        };
        let steps = pages.path_of(&file.id)?;
        Ok(steps.map(|steps| NotRead {
            file: NodePath { steps, ..self.path() },
            why: why.to_owned(),
        }))
    }

    /// How files would be called that are exports of a node, or of what it is in, with how much of its path each name has.
    fn exports(&self, steps: &[Step]) -> Vec<(String, usize)> {
        let mut wanted = Vec::new();
        for count in (0..=steps.len().min(MOST_NAMES / ENDINGS.len())).rev() {
            let path = NodePath {
                steps: steps[..count].to_vec(),
                ..self.path()
            };
            let name = file_name(&path, ExportForm::Xml);
            let name = name.strip_suffix(ENDINGS[0]).unwrap_or(&name);
            wanted.extend(ENDINGS.iter().map(|ending| (format!("{name}{ending}"), count)));
        }
        wanted
    }

    /// A node in a file that is called as Magnolia calls the export of a node on its way. The one that is nearest to it is taken.
    fn in_exports(&self, pages: &Pages, steps: &[Step]) -> Answer<Option<Row>> {
        let wanted = self.exports(steps);
        let names: Vec<String> = wanted.iter().map(|(name, _)| name.clone()).collect();
        let files = pages.called(&names)?;
        for (name, count) in wanted {
            let top = match count.checked_sub(1).and_then(|last| steps.get(last)) {
                Some(last) => Step::new(last.name.clone()),
                None => Step::new(ROOT),
            };
            for (_, file) in files.iter().filter(|(called, _)| *called == name) {
                let Some(top) = pages.child(file, &top)? else {
                    continue;
                };
                if let Some(row) = pages.resolve_from(top, steps.get(count..).unwrap_or_default())? {
                    return Ok(Some(row));
                }
            }
        }
        Ok(None)
    }
}

/// A file that cannot be read, and that has, or may have, what is asked for.
pub(super) struct MayBeIn {
    not_read: NotRead,
    is_certain: bool,
}

impl MayBeIn {
    /// The end of a sentence which says that it is not there.
    pub(super) fn in_words(&self, source: &str) -> String {
        let NotRead { file, why } = &self.not_read;
        let may = if self.is_certain {
            "may be"
        } else {
            "may be, if it is anywhere,"
        };
        format!(" that can be read. It {may} in {file}, which cannot be read in {source}: {why}")
    }
}

/// The file that is at a path, or that the node there is in; `None` where nothing is in a file.
pub(super) fn file_around(pages: &Pages, row: &Row, path: &NodePath) -> Answer<Option<NodePath>> {
    let depth = depth_in_file(pages, row, path.steps.len())?;
    let steps = |depth: usize| path.steps.iter().take(path.steps.len().saturating_sub(depth));
    Ok(depth.map(|depth| NodePath {
        steps: steps(depth).cloned().collect(),
        ..path.clone()
    }))
}

/// How many steps of a path of so many lead from a file to what is in it; none to the file itself.
fn depth_in_file(pages: &Pages, row: &Row, steps: usize) -> Answer<Option<usize>> {
    let (mut current, mut depth) = (row.clone(), 0);
    while current.what == What::Node && depth < steps {
        let above = match current.parent {
            Some(parent) => pages.row(&parent)?,
            None => None,
        };
        let Some(above) = above else { return Ok(None) };
        (current, depth) = (above, depth + 1);
    }
    Ok((current.what == What::File).then_some(depth))
}

/// A node in a file whose name, or whose own, is left out. The one that is deepest in the folders is taken.
fn through_files(pages: &Pages, root: Row, steps: &[Step]) -> Answer<Option<Row>> {
    let (mut found, mut folder, mut called) = (None, root, None);
    for (at, step) in steps.iter().enumerate() {
        let rest = &steps[at..];
        // The folder is called as the node.
        if let Some(called) = called
            && let Some(top) = pages.topmost(&folder, &Step::new(called))?
        {
            found = pages.resolve_from(top, rest)?.or(found);
        }
        if let Some(top) = pages.topmost(&folder, step)? {
            found = pages.resolve_from(top, &rest[1..])?.or(found);
        }
        match pages.child(&folder, step)? {
            Some(child) if child.what == What::Folder => {
                (folder, called) = (child, Some(step.name.clone()));
            }
            _ => break,
        }
    }
    Ok(found)
}
