//! What happened to a node: it is looked for by its id in every backup and in Live, so that it is found wherever it was moved.

use super::below::{Below, MOST_BELOW, Place, Told, below};
use super::in_files::file_around;
use super::index::{Pages, Row};
use super::source::{Opened, WorkspaceOpen};
use super::{Answer, Trouble};
use crate::domain::explore::{
    ChangedBelow, FirstLook, HistoryRequest, Looked, NodeHistory, NodePath, Occurrence, Readable, Sight,
    Source, Turn,
};
use crate::domain::measure;
use crate::engine::{EngineError, Live};
use crate::jcr::{NodeId, ids};

/// A source whose index is there.
struct Seen {
    open: WorkspaceOpen,
    pages: Pages,
}

impl Live {
    pub(super) fn history_of(&self, request: &HistoryRequest) -> Answer<Looked<NodeHistory>> {
        if request.path.workspace.is_none() {
            return Err(Trouble::not_there(format!(
                "{} is no node: name a workspace as well",
                request.path
            )));
        }
        let mut sources = self.all_sources()?;
        sources.push(self.source(&Source::Live)?);
        let request = &HistoryRequest {
            path: self.in_an_instance(&sources, &request.path)?,
            ..request.clone()
        };
        let mut remarks = Vec::new();
        let mut seen = Vec::new();
        let mut reading: Option<FirstLook> = None;
        for source in &sources {
            match self.workspace(source, &request.path) {
                Ok(Looked::Ready(open)) => {
                    let pages = open.pages()?;
                    seen.push(Seen { open, pages });
                }
                // Every source that has to be read is begun or counted; the first of them is told.
                Ok(Looked::Reading(look)) => match &mut reading {
                    Some(first) => first.others += 1,
                    None => reading = Some(look),
                },
                Err(Trouble::Engine(EngineError::NotThere(_))) => {}
                Err(Trouble::Engine(error)) => {
                    remarks.push(format!(
                        "{} cannot be looked into: {error}",
                        source.seen.source.short()
                    ));
                }
                Err(spoilt) => return Err(spoilt),
            }
        }
        if let Some(look) = reading {
            return Ok(Looked::Reading(look));
        }
        let id = self.id_at(&seen, request)?;
        let mut sights = Vec::new();
        let mut of_nodes = Vec::new();
        for of_source in &seen {
            let row = of_source.pages.row(&id)?;
            let path = match &row {
                Some(row) => of_source.path_of(row)?,
                None => None,
            };
            of_nodes.push(row.clone().filter(|_| path.is_some()));
            sights.push(Sight {
                seen: of_source.open.seen.clone(),
                digest: row
                    .as_ref()
                    .filter(|_| path.is_some())
                    .map(|row| format!("{:032x}", u128::from_be_bytes(row.digest))),
                not_read: match &row {
                    Some(row) => of_source.open.not_read(&of_source.pages, row)?,
                    None => None,
                },
                children: row.map_or(0, |row| row.children),
                path,
            });
        }
        not_read(&mut sights, &of_nodes, &seen)?;
        let last = sights.iter().rev().find_map(|sight| sight.path.clone());
        let path = last.ok_or_else(|| not_there(request, ""))?;
        let own = of_nodes.iter().flatten().rev().find_map(|row| row.own);
        let happened = occurrences(&sights, &of_nodes, &seen)?;
        if happened.below_not_compared {
            remarks.push(too_much(&path));
        }
        Ok(Looked::Ready(NodeHistory {
            path,
            id: own.as_ref().map(ids::show),
            occurrences: happened.occurrences,
            sights,
            remarks,
            below_not_compared: happened.below_not_compared,
        }))
    }

    /// The id of what a path means.
    fn id_at(&self, seen: &[Seen], request: &HistoryRequest) -> Answer<NodeId> {
        let wanted: Option<Opened> = request
            .source
            .as_ref()
            .map(|source| self.source(source))
            .transpose()?;
        let mut unread = String::new();
        // The newest first.
        for of_source in seen.iter().rev() {
            let source = &of_source.open.seen.source;
            if wanted
                .as_ref()
                .is_some_and(|wanted| wanted.seen.source != *source)
            {
                continue;
            }
            if let Some(row) = of_source.open.resolve(&of_source.pages, &request.path.steps)? {
                return Ok(row.id);
            }
            let steps = &request.path.steps;
            if let Some(may_be) = of_source.open.not_read_on_the_way(&of_source.pages, steps)?
                && unread.is_empty()
            {
                unread = may_be.in_words(source.short());
            }
        }
        Err(not_there(request, &unread))
    }
}

/// Says of the sources that do not have the node whether the file that has it elsewhere cannot be read there: then nobody can tell.
/// Of its files that of the source before is asked for first, then that of the one behind.
fn not_read(sights: &mut [Sight], rows: &[Option<Row>], seen: &[Seen]) -> Answer<()> {
    let mut files: Vec<(usize, NodeId)> = Vec::new();
    for (at, ((sight, row), of_source)) in sights.iter().zip(rows).zip(seen).enumerate() {
        let Some((path, row)) = sight.path.as_ref().zip(row.as_ref()) else {
            continue;
        };
        if let Some(file) = file_around(&of_source.pages, row, path)?
            && let Some(file) = of_source.pages.resolve(&file.steps)?
        {
            files.push((at, file.id));
        }
    }
    for (at, (sight, of_source)) in sights.iter_mut().zip(seen).enumerate() {
        if sight.path.is_some() {
            continue;
        }
        let before = files.iter().rev().filter(|(of, _)| *of < at);
        let behind = files.iter().filter(|(of, _)| *of > at);
        for (_, file) in before.chain(behind) {
            if let Some(row) = of_source.pages.row(file)?
                && let Some(not_read) = of_source.open.not_read(&of_source.pages, &row)?
            {
                sight.not_read = Some(not_read);
                break;
            }
        }
    }
    Ok(())
}

/// That nobody has looked at what is below a node.
fn too_much(path: &NodePath) -> String {
    format!(
        "more than {} nodes, or files and folders, are below {path}: they are too many to be compared here; a \
         comparison of two sources (`diff`) tells what changed there",
        measure::count(MOST_BELOW as u64)
    )
}

/// That it is nowhere. `unread` is behind the sentence: where it may be all the same.
fn not_there(request: &HistoryRequest, unread: &str) -> Trouble {
    Trouble::not_there(match &request.source {
        Some(source) => format!("there is no {} in {}{unread}", request.path, source.short()),
        None => format!(
            "there is no {} in Live, nor in any backup that stands{unread}",
            request.path
        ),
    })
}

impl Seen {
    fn path_of(&self, row: &Row) -> Answer<Option<NodePath>> {
        let steps = self.pages.path_of(&row.id)?;
        Ok(steps.map(|steps| NodePath {
            steps,
            ..self.open.path()
        }))
    }
}

/// A node where it was seen.
#[derive(Clone, Copy)]
struct There<'t> {
    path: &'t NodePath,
    row: &'t Row,
    seen: &'t Seen,
}

impl There<'_> {
    fn place(&self) -> Place<'_> {
        Place {
            open: &self.seen.open,
            pages: &self.seen.pages,
            row: self.row,
            path: self.path,
        }
    }
}

/// What happened between sights.
#[derive(Default)]
struct Happened {
    occurrences: Vec<Occurrence>,
    below_not_compared: bool,
}

/// What happened between two of them that follow each other.
#[derive(Default)]
struct Between {
    /// Whether it can be read, where that is another thing than before. Then this comes first.
    readable: Option<Readable>,
    turns: Vec<Turn>,
    /// What changed below, where the last turn is that something did.
    below: Option<ChangedBelow>,
    below_not_compared: bool,
}

impl Between {
    fn only(turn: Turn) -> Self {
        Self {
            turns: vec![turn],
            ..Self::default()
        }
    }
}

/// What happened between the sights, which are in the order of their time.
fn occurrences(sights: &[Sight], rows: &[Option<Row>], seen: &[Seen]) -> Answer<Happened> {
    let mut found = Happened::default();
    let mut was_there: Option<There<'_>> = None;
    let mut before: Option<&Sight> = None;
    // By the last one that could be read: what could not be says neither.
    let mut is_gone = false;
    for ((sight, row), seen) in sights.iter().zip(rows).zip(seen) {
        let not_read = sight.not_read.as_ref();
        let was_not_read = before.and_then(|before| before.not_read.as_ref());
        // What cannot be read is compared with nothing.
        let there = sight
            .path
            .as_ref()
            .zip(row.as_ref())
            .filter(|_| not_read.is_none());
        let there = there.map(|(path, row)| There { path, row, seen });
        let mut between = match (there, was_there) {
            (None, _) if not_read.is_some() => Between {
                readable: not_read
                    .filter(|_| not_read != was_not_read)
                    .map(|not_read| Readable::Not(not_read.clone())),
                ..Between::default()
            },
            (Some(_), None) if was_not_read.is_some() => Between::default(),
            (Some(there), None) => Between::only(Turn::FirstSeen {
                path: there.path.clone(),
            }),
            (Some(there), Some(last)) => between(last, there, is_gone)?,
            (None, Some(last)) if !is_gone => Between::only(Turn::Deleted {
                from: last.path.clone(),
            }),
            (None, _) => Between::default(),
        };
        if there.is_some() && was_not_read.is_some() {
            between.readable = Some(Readable::Again);
        }
        found.below_not_compared |= between.below_not_compared;
        let turns = between.turns.into_iter().map(|turn| (turn, None));
        let readable = between.readable.map(|readable| (Turn::Changed, Some(readable)));
        found.occurrences.extend(
            readable
                .into_iter()
                .chain(turns)
                .map(|(turn, readable)| Occurrence {
                    below: between.below.take_if(|_| turn == Turn::ChildrenChanged),
                    turn,
                    after: before.map(|before| before.seen.clone()),
                    before: sight.seen.clone(),
                    readable,
                }),
        );
        was_there = there.or(was_there);
        if not_read.is_none() {
            is_gone = there.is_none();
        }
        before = Some(sight);
    }
    Ok(found)
}

/// What happened to a node from where it was last seen to where it is.
fn between(last: There<'_>, there: There<'_>, was_gone: bool) -> Answer<Between> {
    let mut found = Between::default();
    let turns = &mut found.turns;
    if was_gone {
        turns.push(Turn::Back {
            path: there.path.clone(),
        });
    }
    if last.path != there.path {
        turns.push(Turn::Moved {
            from: last.path.clone(),
            to: there.path.clone(),
        });
    }
    if last.row.digest != there.row.digest {
        turns.push(Turn::Changed);
    }
    let told = below(&last.place(), &there.place(), MOST_BELOW)?;
    found.below_not_compared = matches!(told, Told::TooMuch | Told::Somehow);
    match told {
        Told::Changed(Below { count, names }) => {
            turns.push(Turn::ChildrenChanged);
            found.below = Some(ChangedBelow { count, names });
        }
        Told::Somehow => turns.push(Turn::ChildrenChanged),
        Told::Same | Told::TooMuch if last.row.list != there.row.list => turns.push(Turn::ChildrenChanged),
        Told::Same | Told::TooMuch => {}
    }
    Ok(found)
}
