//! Folders and nodes: what is in something, and what it is.

use super::facts::{self, Reader};
use super::in_files::file_around;
use super::index::{Entry, Pages, Row};
use super::source::{Opened, WorkspaceOpen};
use super::{Answer, Trouble, ready};
use crate::content::inside::What;
use crate::domain::Instant;
use crate::domain::explore::{
    BinaryFacts, BinaryPlace, Children, ChildrenRequest, Kind, Line, Looked, MOST_CHARACTERS, MOST_LINES,
    NodeFacts, NodePath, NodeRequest,
};
use crate::engine::{EngineError, Live};
use crate::jcr::bundle::BundleError;
use crate::jcr::{Node, ids};

/// A node that is open with its workspace.
pub(super) struct Found {
    pub(super) row: Row,
    pub(super) path: NodePath,
}

impl WorkspaceOpen {
    /// The node at a path of this workspace.
    pub(super) fn find(&self, pages: &Pages, path: &NodePath) -> Answer<Found> {
        let row = match self.resolve(pages, &path.steps)? {
            Some(row) => row,
            // A workspace that nothing was ever written to has no root, and is there all the same.
            None if path.steps.is_empty() && pages.count()? == 0 => Row::of_nothing(self.index.root),
            None => {
                let place = self.seen.source.short();
                let may_be = self.not_read_on_the_way(pages, &path.steps)?;
                let may_be = may_be.map_or_else(String::new, |may_be| may_be.in_words(place));
                return Err(Trouble::not_there(format!(
                    "there is no {path} in {place}{may_be}"
                )));
            }
        };
        let path = NodePath {
            instance: Some(self.instance.clone()),
            ..self.meant(pages, path)?
        };
        Ok(Found { row, path })
    }

    /// The node of a row, read again.
    pub(super) fn read(&self, pages: &Pages, row: &Row) -> Answer<Option<Result<Node, BundleError>>> {
        if !matches!(row.what, What::Node | What::Unreadable) {
            return Ok(None);
        }
        let file = pages.file(row)?;
        Ok(self.inside.node(&self.workspace, &row.id, &file, row.offset)?)
    }
}

impl Live {
    pub(super) fn children_of(&self, request: &ChildrenRequest) -> Answer<Looked<Children>> {
        let source = self.source(&request.source)?;
        let limit = request.limit.min(MOST_LINES);
        let path = &request.path;
        if path.workspace.is_none() {
            return self.above_workspaces(&source, request).map(Looked::Ready);
        }
        let open = ready!(self.workspace(&source, path)?);
        let pages = open.pages()?;
        let Found { row, path } = open.find(&pages, path)?;
        let entries = pages.children(&row, request.from, limit)?;
        let kind = if path.steps.is_empty() {
            Kind::Workspace
        } else {
            row.what.kind()
        };
        let in_file = file_around(&pages, &row, &path)?;
        Ok(Looked::Ready(Children {
            seen: open.seen.clone(),
            path,
            in_file,
            kind,
            total: row.children,
            from: request.from,
            lines: entries.into_iter().map(line).collect(),
            remarks: open
                .inside
                .remark()
                .into_iter()
                .chain(row.remark.filter(|_| row.what == What::Folder))
                .collect(),
        }))
    }

    /// The instances of an environment, or the workspaces of an instance. There are few of them.
    fn above_workspaces(&self, source: &Opened, request: &ChildrenRequest) -> Answer<Children> {
        let mut remarks = Vec::new();
        let (kind, path, lines) = if request.path.instance.is_none() {
            let mut lines = Vec::new();
            for instance in source.instances(self) {
                let mut of_instance = empty(instance.to_string(), Kind::Instance);
                let counted = self.instance_inside(source, &instance).and_then(|open| {
                    let workspaces = open.workspaces()?;
                    let bytes = workspaces.iter().map(|workspace| workspace.bytes).sum();
                    Ok((workspaces.len() as u64, bytes))
                });
                match counted {
                    Ok((count, bytes)) => (of_instance.children, of_instance.size) = (count, bytes),
                    Err(error) => remarks.push(format!("{instance} cannot be looked into: {error}")),
                }
                lines.push(of_instance);
            }
            (Kind::Environment, NodePath::default(), lines)
        } else {
            let instance = source.instance_of(self, &request.path)?;
            let open = self.instance_inside(source, &instance)?;
            remarks.extend(open.inside.remark());
            let workspaces = open.workspaces()?.iter();
            let lines = workspaces.map(|workspace| Line {
                children: workspace.items,
                size: workspace.bytes,
                ..empty(workspace.name.clone(), Kind::Workspace)
            });
            (
                Kind::Instance,
                NodePath {
                    instance: Some(instance),
                    ..NodePath::default()
                },
                lines.collect(),
            )
        };
        let from = usize::try_from(request.from).unwrap_or(usize::MAX);
        let limit = usize::try_from(request.limit.min(MOST_LINES)).unwrap_or(0);
        Ok(Children {
            seen: source.seen.clone(),
            path,
            kind,
            total: lines.len() as u64,
            in_file: None,
            from: request.from,
            lines: lines.into_iter().skip(from).take(limit).collect(),
            remarks,
        })
    }

    pub(super) fn node_facts(&self, request: &NodeRequest) -> Answer<Looked<NodeFacts>> {
        let source = self.source(&request.source)?;
        if request.path.workspace.is_none() {
            return Err(Trouble::not_there(format!(
                "{} is no node: name a workspace as well",
                request.path
            )));
        }
        let open = ready!(self.workspace(&source, &request.path)?);
        let pages = open.pages()?;
        let found = open.find(&pages, &request.path)?;
        let characters = request.characters.clamp(1, MOST_CHARACTERS);
        facts_of(&open, &pages, found, characters).map(Looked::Ready)
    }
}

/// What a node or a file is.
fn facts_of(open: &WorkspaceOpen, pages: &Pages, found: Found, characters: u32) -> Answer<NodeFacts> {
    let Found { row, path } = found;
    let mut of_node = NodeFacts {
        seen: open.seen.clone(),
        path,
        kind: row.what.kind(),
        id: row.own.as_ref().map(ids::show),
        primary_type: (!row.primary_type.is_empty()).then(|| row.primary_type.clone()),
        mixin_types: Vec::new(),
        properties: Vec::new(),
        property_count: 0,
        children: row.children,
        size: row.size,
        modified: None,
        content: None,
        is_versionable: row.is_versionable,
        remarks: row
            .remark
            .iter()
            // Of a bundle that cannot be read it is said below, once it was tried again.
            .filter(|_| row.what != What::Unreadable)
            .map(|remark| match row.what {
                What::File => format!("it is shown as a file: {remark}"),
                _ => remark.clone(),
            })
            .collect(),
    };
    match row.what {
        What::Node | What::Unreadable => {
            let reader = Reader {
                open,
                pages,
                characters,
            };
            match open.read(pages, &row)? {
                Some(Ok(node)) => reader.fill(&mut of_node, &node)?,
                Some(Err(error)) => of_node.remarks.push(format!("it cannot be read: {error}")),
                None => of_node
                    .remarks
                    .push(format!("it is not in {} any more", open.seen.source.short())),
            }
        }
        What::File => {
            of_node.modified = Instant::from_timestamp(row.modified, 0);
            let names: Vec<_> = of_node.path.steps.iter().map(|step| step.name.clone()).collect();
            let file = pages.file(&row)?;
            let most = facts::bytes_for(characters);
            let beginning = open.inside.file(&open.workspace, &names, &file, most)?;
            of_node.content = Some(match &beginning {
                Some(beginning) => {
                    facts::of_bytes(BinaryPlace::File, beginning.size, &beginning.bytes, characters)
                }
                None => BinaryFacts {
                    place: BinaryPlace::File,
                    size: None,
                    media_type: None,
                    facts: None,
                    preview: None,
                },
            });
        }
        What::Folder | What::Link => {}
    }
    Ok(of_node)
}

/// The line of an entry.
fn line(entry: Entry) -> Line {
    let Some(row) = entry.row else {
        return Line {
            index: entry.nth,
            id: Some(ids::show(&entry.child)),
            ..empty(entry.name, Kind::Missing)
        };
    };
    Line {
        index: entry.nth,
        id: row.own.as_ref().map(ids::show),
        primary_type: (!row.primary_type.is_empty()).then_some(row.primary_type),
        children: row.children,
        size: row.size,
        is_versionable: row.is_versionable,
        ..empty(entry.name, row.what.kind())
    }
}

fn empty(name: String, kind: Kind) -> Line {
    Line {
        name,
        index: 1,
        kind,
        id: None,
        primary_type: None,
        children: 0,
        size: 0,
        is_versionable: false,
    }
}

impl From<Trouble> for String {
    fn from(trouble: Trouble) -> Self {
        EngineError::from(trouble).to_string()
    }
}
