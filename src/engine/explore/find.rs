//! Finding: names, paths and ids out of the indexes, texts by reading everything; what is found can be asked for meanwhile.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use super::background::Work;
use super::facts::text_of;
use super::index::{Pages, Row};
use super::source::{Opened, WorkspaceOpen};
use super::{Answer, Trouble};
use crate::content::inside::{NodeRead, What};
use crate::content::restoring::RestoreError;
use crate::domain::environment::{InstanceName, VERSIONS};
use crate::domain::explore::{
    By, Find, FindRequest, Finds, LONGEST_NEEDLE, Looked, MOST_FINDS, MOST_LINES, NodePath, NotSearched,
};
use crate::engine::{EngineError, Live};
use crate::jcr::namespaces::Namespaces;
use crate::jcr::{NodeId, ids};
use crate::watch::Watch;

/// So many characters of a text are shown before and behind what was found in it.
const AROUND: usize = 30;

/// What was found so far.
#[derive(Default)]
pub(super) struct Hits {
    finds: Vec<Find>,
    is_cut: bool,
    remarks: Vec<String>,
    not_read: Option<NotSearched>,
    /// The files that cannot be read.
    files: BTreeSet<String>,
}

/// What stops a search that has found all it may.
const ENOUGH: &str = "enough was found";

impl Live {
    pub(super) fn found_so_far(&self, request: &FindRequest) -> Answer<Finds> {
        let text = request.text.trim();
        if text.is_empty() || text.chars().count() > LONGEST_NEEDLE {
            return Err(EngineError::Failed(format!(
                "what is looked for has to have 1 to {LONGEST_NEEDLE} characters"
            ))
            .into());
        }
        let id = match request.by {
            By::Id => Some(ids::parse(text).ok_or_else(|| {
                EngineError::Failed(format!(
                    "\"{text}\" is no id: one has 32 hexadecimal digits, as in cafebabe-cafe-babe-cafe-babecafebabe"
                ))
            })?),
            _ => None,
        };
        let mut sources = match &request.source {
            Some(source) => vec![self.source(source)?],
            None => self.all_sources()?,
        };
        sources.reverse();
        let which: Vec<_> = sources
            .iter()
            .map(|source| (source.seen.source.to_string(), source.after))
            .collect();
        let question = format!(
            "{:?} {id:?} {} {:?} {which:?} {}",
            request.by,
            self.name(),
            text,
            request.below
        );
        let searching = Searching {
            live: self.clone(),
            by: request.by,
            needle: text.to_lowercase(),
            id,
            below: request.below.clone(),
        };
        let explorer = self.engine().explorer();
        let work = explorer
            .searches
            .work(question, move |work| searching.search(&sources, work))?;
        let from = usize::try_from(request.from).unwrap_or(usize::MAX);
        let limit = usize::try_from(request.limit.min(MOST_LINES)).unwrap_or(0);
        let standing = work.standing(|hits| Finds {
            from: request.from,
            finds: hits.finds.iter().skip(from).take(limit).cloned().collect(),
            total: hits.finds.len() as u64,
            is_over: false,
            is_cut: hits.is_cut,
            reading: None,
            remarks: hits.remarks.clone(),
            not_read: hits.not_read.clone(),
        });
        match standing {
            Ok(standing) => Ok(Finds {
                is_over: standing.is_over,
                reading: standing.reading,
                ..standing.answer
            }),
            Err(why) => {
                explorer.searches.forget(&work);
                Err(EngineError::Failed(why).into())
            }
        }
    }
}

/// A search.
struct Searching {
    live: Live,
    by: By,
    /// In lower case.
    needle: String,
    id: Option<NodeId>,
    below: NodePath,
}

impl Searching {
    fn search(&self, sources: &[Opened], work: &Work<Hits>) -> Result<(), EngineError> {
        for source in sources {
            for path in self.live.workspaces_below(source, &self.below, work) {
                if work.progress.is_cancelled() {
                    return Err(EngineError::Cancelled);
                }
                let searched = self
                    .live
                    .wait_for_workspace(source, &path, work)
                    .and_then(|open| self.search_workspace(&open, work));
                match searched {
                    Ok(()) => {}
                    Err(Trouble::Engine(error)) if error.is_cancelled() => return Err(error),
                    Err(trouble) => work.change(|hits| {
                        hits.remarks.push(format!(
                            "{path} in {}: {}",
                            source.seen.source.short(),
                            String::from(trouble)
                        ));
                    }),
                }
                if work.change(|hits| hits.is_cut) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn search_workspace(&self, open: &WorkspaceOpen, work: &Work<Hits>) -> Answer<()> {
        let pages = open.pages()?;
        let below = open.meant(&pages, &self.below)?;
        let are_in_files = pages.root()?.is_some_and(|root| root.what == What::Folder);
        if are_in_files {
            note_what_is_not_read(open, &pages, &below, work)?;
        }
        let ids = match self.by {
            By::Text => return self.search_texts(open, pages, &below, work),
            By::Id => {
                let id = self.id.unwrap_or_default();
                let others = pages.others(&id)?;
                std::iter::once(id).chain(others).collect()
            }
            By::Name => pages.named(&self.needle, false, MOST_FINDS + 1)?,
            By::Path => {
                // What is looked for ends in the name of what is found: everything below that has it in its path as well.
                let last = self.needle.rsplit('/').next().unwrap_or_default();
                let begins = self.needle.contains('/');
                if last.is_empty() {
                    return Err(EngineError::Failed(
                        "a path that is looked for must not end with a slash".to_owned(),
                    )
                    .into());
                }
                pages.named(last, begins, usize::MAX)?
            }
        };
        for id in ids {
            if work.progress.is_cancelled() {
                return Err(EngineError::Cancelled.into());
            }
            let Some((find, row)) = find_of(open, &pages, &below, &id)? else {
                continue;
            };
            let has_it = |path: &NodePath| path.within_workspace().to_lowercase().contains(&self.needle);
            if self.by == By::Path && !has_it(&find.path) {
                let known_as = if are_in_files {
                    open.known_as(&pages, &row, &find.path.steps)?
                } else {
                    None
                };
                if !known_as.as_ref().is_some_and(has_it) {
                    continue;
                }
            }
            if !add(work, find) {
                break;
            }
        }
        Ok(())
    }

    fn search_texts(
        &self,
        open: &WorkspaceOpen,
        pages: Pages,
        below: &NodePath,
        work: &Work<Hits>,
    ) -> Answer<()> {
        let names = open.inside.namespaces();
        let pages = Mutex::new(pages);
        let take = |chunk: crate::content::inside::Chunk| {
            for read in &chunk.nodes {
                let Some((property, excerpt)) = self.text_in(read, &names) else {
                    continue;
                };
                let found = find_of(open, &pages.lock(), below, &read.id);
                let found = found.map_err(|trouble| RestoreError::Failed(trouble.into()))?;
                if let Some((find, _)) = found {
                    let find = Find {
                        property: Some(property),
                        excerpt: Some(excerpt),
                        ..find
                    };
                    if !add(work, find) {
                        return Err(RestoreError::Failed(ENOUGH.to_owned()));
                    }
                }
            }
            Ok(())
        };
        match open.inside.read(&open.workspace, &take, &Asked(work)) {
            // Whoever has found enough has said so.
            Err(_) if work.change(|hits| hits.is_cut) => Ok(()),
            done => Ok(done?),
        }
    }

    /// The first property of a node that has the text, and what stands around it.
    fn text_in(&self, read: &NodeRead, names: &Namespaces) -> Option<(String, String)> {
        let node = read.node.as_ref().ok()?;
        node.properties.iter().find_map(|property| {
            property.values.iter().find_map(|value| {
                let text = text_of(value, names);
                let lower = text.to_lowercase();
                let at = lower.find(&self.needle)?;
                // Where it is in lower case is about where it is, which is enough for people.
                let before = lower[..at].chars().count().saturating_sub(AROUND);
                let most = 2 * AROUND + self.needle.chars().count();
                let excerpt: String = text.chars().skip(before).take(most).collect();
                Some((names.show(&property.name), excerpt))
            })
        })
    }
}

/// Notes the files that cannot be read: what is looked for may be in one of them.
fn note_what_is_not_read(
    open: &WorkspaceOpen,
    pages: &Pages,
    below: &NodePath,
    work: &Work<Hits>,
) -> Answer<()> {
    for id in pages.not_read()? {
        let Some(row) = pages.row(&id)? else { continue };
        let Some(first) = open.not_read(pages, &row)? else {
            continue;
        };
        // What is looked below may itself be in the file.
        if !first.file.is_within(below) && !below.is_within(&first.file) {
            continue;
        }
        work.change(|hits| {
            hits.files.insert(first.file.to_string());
            let files = hits.files.len() as u64;
            let not_read = hits.not_read.get_or_insert_with(|| NotSearched {
                files,
                first,
                seen: open.seen.clone(),
            });
            not_read.files = files;
        });
    }
    Ok(())
}

/// What is found of an id, if it is where it is looked for.
fn find_of(
    open: &WorkspaceOpen,
    pages: &Pages,
    below: &NodePath,
    id: &NodeId,
) -> Answer<Option<(Find, Row)>> {
    let (Some(row), Some(steps)) = (pages.row(id)?, pages.path_of(id)?) else {
        return Ok(None);
    };
    let path = NodePath { steps, ..open.path() };
    if !path.is_within(below) {
        return Ok(None);
    }
    let find = Find {
        seen: open.seen.clone(),
        path,
        kind: row.what.kind(),
        id: row.own.as_ref().map(ids::show),
        primary_type: (!row.primary_type.is_empty()).then(|| row.primary_type.clone()),
        property: None,
        excerpt: None,
    };
    Ok(Some((find, row)))
}

/// Adds a find; `false` when no more is wanted.
fn add(work: &Work<Hits>, find: Find) -> bool {
    work.change(|hits| {
        hits.is_cut = hits.finds.len() >= MOST_FINDS;
        if !hits.is_cut {
            hits.finds.push(find);
        }
        !hits.is_cut
    })
}

/// Goes on while somebody asks how far it is.
pub(super) struct Asked<'w, T>(pub(super) &'w Work<T>);

impl<T: Send> Watch for Asked<'_, T> {
    fn total(&self, _: u64, _: u64) {}
    fn instance(&self, _: &crate::domain::environment::InstanceName) {}
    fn advance(&self, _: u64, _: u64) {}

    fn is_cancelled(&self) -> bool {
        self.0.progress.is_cancelled()
    }
}

impl Live {
    /// The workspaces of a source that a path leads to or into. The version storage is one only where it is named.
    pub(super) fn workspaces_below<T: Remarked>(
        &self,
        source: &Opened,
        below: &NodePath,
        work: &Work<T>,
    ) -> Vec<NodePath> {
        let instances = match &below.instance {
            Some(instance) => vec![instance.clone()],
            None => source.instances(self),
        };
        let mut paths = Vec::new();
        for instance in instances {
            let names = match self.names_in(source, &instance, below.workspace.as_deref()) {
                Ok(names) => names,
                Err(error) => {
                    let place = source.seen.source.short();
                    work.change(|answer| answer.remark(format!("{instance} in {place}: {error}")));
                    continue;
                }
            };
            paths.extend(names.into_iter().map(|name| NodePath {
                instance: Some(instance.clone()),
                workspace: Some(name),
                steps: Vec::new(),
            }));
        }
        paths
    }

    fn names_in(
        &self,
        source: &Opened,
        instance: &InstanceName,
        named: Option<&str>,
    ) -> Result<Vec<String>, EngineError> {
        let open = self.instance_inside(source, instance)?;
        if let Some(name) = named {
            return Ok(open
                .workspace(name)?
                .map(|known| known.name)
                .into_iter()
                .collect());
        }
        let known = open.workspaces()?.iter().map(|known| known.name.clone());
        Ok(known.filter(|name| name != VERSIONS).collect())
    }

    /// Waits for an index, as long as somebody asks for what needs it.
    pub(super) fn wait_for_workspace<T>(
        &self,
        source: &Opened,
        path: &NodePath,
        work: &Work<T>,
    ) -> Answer<WorkspaceOpen> {
        loop {
            if work.progress.is_cancelled() {
                return Err(EngineError::Cancelled.into());
            }
            match self.workspace(source, path)? {
                Looked::Ready(open) => {
                    work.waits_for(None);
                    return Ok(open);
                }
                Looked::Reading(look) => {
                    let waits_its_turn = look.total == 0 && look.done == 0;
                    work.waits_for(Some(look));
                    if waits_its_turn {
                        work.progress.rest();
                    }
                }
            }
        }
    }
}

/// An answer that tells what it lacks.
pub(super) trait Remarked {
    /// Adds a sentence.
    fn remark(&mut self, what: String);
}

impl Remarked for Hits {
    fn remark(&mut self, what: String) {
        self.remarks.push(what);
    }
}
