//! All of a list of which the screen has a few pages only: for whoever saves it.

use std::time::Duration;

use async_trait::async_trait;

use super::message::Answer;
use super::question::{self, Question, Told};
use crate::backend::{Backend, BackendError};
use crate::domain::explore::{DiffLine, Find, FirstLook, Line, MOST_LINES, NodePath, SourceAt};

/// How long it takes until it is asked again for what is being read.
const AGAIN: Duration = Duration::from_millis(400);
/// How often it is begun anew where the list has become another one on the way.
const ATTEMPTS: usize = 3;
/// After so many answers without a step forward it is given up: two minutes.
const STILL: usize = 300;

/// All of a list.
#[derive(Debug)]
pub struct Collected {
    /// What was asked.
    pub question: Question,
    /// What was looked at, and as of when; of what was found, of each workspace.
    pub seen: Vec<SourceAt>,
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
    of(&backend, question).await
}

/// Whom the pages are asked of.
#[async_trait]
trait Pages: Sync {
    async fn page(&self, question: Question) -> Answer<Told>;
}

#[async_trait]
impl Pages for &dyn Backend {
    async fn page(&self, question: Question) -> Answer<Told> {
        question::ask(*self, question).await
    }
}

async fn of(pages: &dyn Pages, question: &Question) -> Answer<Collected> {
    for _ in 0..ATTEMPTS {
        if let Some(collected) = once(pages, question).await? {
            return Ok(collected);
        }
    }
    Err(BackendError::Failed(
        "the list changes while it is read: save it once Live is at rest".to_owned(),
    ))
}

/// Nothing where it has become another list on the way: rows of both would be no list.
async fn once(pages: &dyn Pages, question: &Question) -> Answer<Option<Collected>> {
    let mut whole: Option<Page> = None;
    let mut waited = Waited::default();
    loop {
        let from = whole.as_ref().map_or(0, |whole| whole.rows.len());
        let told = pages.page(page(question, from as u64)).await?;
        let next = match read(told)? {
            Read::Here(next) => next,
            Read::NotYet(standing) => {
                waited.further(standing)?;
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        };
        let (got, total) = (next.rows.len(), next.total);
        match &mut whole {
            None => whole = Some(next),
            Some(whole) => {
                if !whole.goes_on_in(&next) {
                    return Ok(None);
                }
                append(whole, next);
            }
        }
        if (from + got) as u64 >= total {
            return Ok(whole.map(|whole| Collected {
                question: question.clone(),
                seen: whole.seen.into_iter().map(|(seen, _)| seen).collect(),
                rows: whole.rows,
                is_cut: whole.is_cut,
            }));
        }
        // There was to be more.
        if got == 0 {
            return Ok(None);
        }
    }
}

/// How far what is being read has come: what is read, and how much was found.
type Standing = (Option<FirstLook>, u64);

/// How long has been waited.
#[derive(Default)]
struct Waited {
    standing: Option<Standing>,
    /// For so many answers nothing has moved.
    still: usize,
}

impl Waited {
    /// It is not yet there.
    fn further(&mut self, standing: Standing) -> Answer<()> {
        if self.standing.as_ref() == Some(&standing) {
            self.still += 1;
        } else {
            *self = Self {
                standing: Some(standing),
                still: 0,
            };
        }
        if self.still < STILL {
            return Ok(());
        }
        Err(BackendError::Failed(
            "nothing was saved: what is to be saved is still being read, and does not get further. Save it again once the list \
             is whole"
                .to_owned(),
        ))
    }
}

/// A part of a list.
struct Page {
    rows: Rows,
    is_cut: bool,
    /// How many rows there are in all.
    total: u64,
    /// What was looked at, and as of when. Of what was found, each workspace says so by itself.
    seen: Vec<(SourceAt, Option<NodePath>)>,
}

impl Page {
    /// Whether a page behind it is of the same state; takes over what that has looked at.
    fn goes_on_in(&mut self, next: &Self) -> bool {
        for (seen, place) in &next.seen {
            let known = self
                .seen
                .iter()
                .find(|(known, at)| known.source == seen.source && at == place);
            match known {
                Some((known, _)) if known.at != seen.at => return false,
                Some(_) => {}
                None => self.seen.push((seen.clone(), place.clone())),
            }
        }
        self.total == next.total
    }
}

/// What an answer is.
enum Read {
    Here(Page),
    NotYet(Standing),
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

/// The rows of an answer, if they are there.
fn read(told: Told) -> Answer<Read> {
    let (total, seen, rows, is_cut) = match told {
        Told::Reading(look) => return Ok(Read::NotYet((Some(look), 0))),
        // What is found until then is not all.
        Told::Finds(finds) if !finds.is_over => return Ok(Read::NotYet((finds.reading, finds.total))),
        Told::Diff(diff) => (
            diff.total,
            vec![(diff.older, None), (diff.newer, None)],
            Rows::Differences(diff.lines),
            diff.is_cut,
        ),
        Told::Children(children) => (
            children.total,
            vec![(children.seen, None)],
            Rows::Children(children.lines),
            false,
        ),
        Told::Finds(finds) => (
            finds.total,
            seen_in(&finds.finds),
            Rows::Finds(finds.finds),
            finds.is_cut,
        ),
        Told::Node(_) | Told::Versions(_) | Told::History(_) | Told::NodeDiff(_) => {
            return Err(BackendError::Failed("that is no list that goes on".to_owned()));
        }
    };
    Ok(Read::Here(Page {
        rows,
        is_cut,
        total,
        seen,
    }))
}

/// Which workspaces something was found in, and as of when, each once.
fn seen_in(finds: &[Find]) -> Vec<(SourceAt, Option<NodePath>)> {
    let mut seen: Vec<(SourceAt, Option<NodePath>)> = Vec::new();
    for find in finds {
        let workspace = NodePath {
            steps: Vec::new(),
            ..find.path.clone()
        };
        let is_known = |(known, place): &(SourceAt, Option<NodePath>)| {
            *known == find.seen && place.as_ref() == Some(&workspace)
        };
        if !seen.iter().any(is_known) {
            seen.push((find.seen.clone(), Some(workspace)));
        }
    }
    seen
}

fn append(whole: &mut Page, next: Page) {
    whole.is_cut |= next.is_cut;
    match (&mut whole.rows, next.rows) {
        (Rows::Differences(whole), Rows::Differences(next)) => whole.extend(next),
        (Rows::Children(whole), Rows::Children(next)) => whole.extend(next),
        (Rows::Finds(whole), Rows::Finds(next)) => whole.extend(next),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use parking_lot::Mutex;

    use super::*;
    use crate::domain::explore::{By, FindRequest, Finds, Kind, Source};

    fn find(name: &str, minute: u8) -> Find {
        serde_json::from_value(serde_json::json!({
            "seen": { "source": "live", "at": format!("2026-11-23T04:{minute:02}:00Z") },
            "path": format!("author:/website/{name}"),
            "kind": Kind::Node,
        }))
        .unwrap()
    }

    fn finds(finds: &[Find], total: u64, is_over: bool) -> Told {
        Told::Finds(Finds {
            from: 0,
            finds: finds.to_vec(),
            total,
            is_over,
            is_cut: false,
            reading: None,
            remarks: Vec::new(),
            not_read: None,
        })
    }

    /// Answers one after the other, and then that nothing was found yet.
    struct Answers(Mutex<VecDeque<Told>>);

    #[async_trait]
    impl Pages for Answers {
        async fn page(&self, _: Question) -> Answer<Told> {
            let next = self.0.lock().pop_front();
            Ok(next.unwrap_or_else(|| finds(&[], 0, false)))
        }
    }

    /// What is collected of these answers.
    async fn collected(answers: impl IntoIterator<Item = Told>) -> Answer<usize> {
        let question = Question::Find(FindRequest {
            environment: "acme/live".parse().unwrap(),
            source: Some(Source::Live),
            below: "author:/website".parse().unwrap(),
            by: By::Name,
            text: "home".to_owned(),
            from: 0,
            limit: 10,
        });
        let answers = Answers(Mutex::new(answers.into_iter().collect()));
        Ok(of(&answers, &question).await?.rows.len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_that_begins_anew_is_waited_for() {
        let (one, two) = (find("one", 1), find("two", 1));
        let begun = || finds(&[], 0, false);
        let some = finds(std::slice::from_ref(&one), 1, false);
        let first = finds(std::slice::from_ref(&one), 2, true);
        let then = finds(std::slice::from_ref(&two), 2, true);
        // It may be begun anew on the way as well.
        let all = collected([begun(), some, first, begun(), then]).await;
        assert_eq!(all.unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn two_states_of_live_are_not_mixed() {
        let page = |name, minute| finds(&[find(name, minute)], 2, true);
        let mixed = [page("one", 1), page("two", 2), page("one", 2), page("two", 2)];
        assert_eq!(collected(mixed).await.unwrap(), 2, "it is begun anew");
        let always = (0..ATTEMPTS).flat_map(|_| [page("one", 1), page("two", 2)]);
        let why = collected(always).await.unwrap_err().to_string();
        assert!(why.contains("the list changes while it is read"), "{why}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_gets_further_is_not_waited_for_for_ever() {
        let why = collected([]).await.unwrap_err().to_string();
        assert!(why.contains("nothing was saved"), "{why}");
    }
}
