//! All of a list of which the screen has a few pages only: for whoever saves it.

use std::time::Duration;

use super::message::Answer;
use super::question::{self, Question, Told};
use crate::backend::{Backend, BackendError};
use crate::domain::explore::{DiffLine, Find, Line, MOST_LINES};

/// How long it takes until it is asked again for what is being read.
const AGAIN: Duration = Duration::from_millis(400);
/// How often it is begun anew where the list has become another one on the way.
const ATTEMPTS: usize = 3;

/// All of a list.
#[derive(Debug)]
pub struct Collected {
    /// Its rows.
    pub rows: Rows,
    /// Whether there is more, which is only counted.
    pub is_cut: bool,
}

/// The rows of a list.
#[derive(Debug)]
pub enum Rows {
    /// How two sources differ.
    Differences(Vec<DiffLine>),
    /// What is in a place.
    Children(Vec<Line>),
    /// What was found.
    Finds(Vec<Find>),
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Self::Differences(rows) => rows.len(),
            Self::Children(rows) => rows.len(),
            Self::Finds(rows) => rows.len(),
        }
    }
}

/// Asks for page after page, from the first row on, whatever page the question is about.
pub async fn collect(backend: &dyn Backend, question: &Question) -> Answer<Collected> {
    for _ in 0..ATTEMPTS {
        if let Some(collected) = once(backend, question).await? {
            return Ok(collected);
        }
    }
    Err(BackendError::Failed(
        "the list changes while it is read: save it once Live is at rest".to_owned(),
    ))
}

/// Nothing where it has become another list on the way: rows of both would be no list.
async fn once(backend: &dyn Backend, question: &Question) -> Answer<Option<Collected>> {
    let mut whole: Option<(u64, Collected)> = None;
    loop {
        let from = whole.as_ref().map_or(0, |(_, whole)| whole.rows.len());
        let told = question::ask(backend, page(question, from as u64)).await?;
        let Some((total, next)) = read(told) else {
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        let got = next.rows.len();
        match &mut whole {
            None => whole = Some((total, next)),
            Some((before, _)) if *before != total => return Ok(None),
            Some((_, whole)) => append(whole, next),
        }
        if got == 0 || (from + got) as u64 >= total {
            return Ok(whole.map(|(_, whole)| whole));
        }
    }
}

/// The same question about the rows from one on.
fn page(question: &Question, from: u64) -> Question {
    let mut question = question.clone();
    match &mut question {
        Question::Diff(request) => (request.from, request.limit) = (from, MOST_LINES),
        Question::Children(request) => (request.from, request.limit) = (from, MOST_LINES),
        Question::Find(request) => (request.from, request.limit) = (from, MOST_LINES),
        Question::Node(_) | Question::Versions(_) | Question::History(_) | Question::NodeDiff(_) => {}
    }
    question
}

/// The rows of an answer, and how many there are in all. Nothing while it is being read.
fn read(told: Told) -> Option<(u64, Collected)> {
    let (total, rows, is_cut) = match told {
        Told::Diff(diff) => (diff.total, Rows::Differences(diff.lines), diff.is_cut),
        Told::Children(children) => (children.total, Rows::Children(children.lines), false),
        Told::Finds(finds) => (finds.total, Rows::Finds(finds.finds), finds.is_cut),
        Told::Reading(_) | Told::Node(_) | Told::Versions(_) | Told::History(_) | Told::NodeDiff(_) => {
            return None;
        }
    };
    Some((total, Collected { rows, is_cut }))
}

fn append(whole: &mut Collected, next: Collected) {
    whole.is_cut |= next.is_cut;
    match (&mut whole.rows, next.rows) {
        (Rows::Differences(whole), Rows::Differences(next)) => whole.extend(next),
        (Rows::Children(whole), Rows::Children(next)) => whole.extend(next),
        (Rows::Finds(whole), Rows::Finds(next)) => whole.extend(next),
        _ => {}
    }
}
