//! What cockpits ask for again and again, kept until the engine says that it has changed: the list of all environments,
//! and the details of those that somebody looks at.
//!
//! Whoever asks reads the engine's news first, so that an answer is never older than what this node has done itself.
//! What only time changes, or another node, is made anew beside, while the former answer is still given.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use crate::backend::BackendError;
use crate::backend::serves::Serves;
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::job::Job;
use crate::domain::state::{EnvironmentDetails, EnvironmentSummary};
use crate::domain::token::TokenRecord;

/// After so long the list is made anew: a slot falls due, a window closes.
const LIST_KEPT: Duration = Duration::from_secs(20);
/// After so long the details are made anew: an instance answers or falls silent, a release is deployed.
const DETAILS_KEPT: Duration = Duration::from_secs(5);

/// The list and the details.
pub(super) struct Overview {
    engine: Arc<dyn Serves>,
    list: Mutex<List>,
    details: Mutex<HashMap<EnvironmentName, Arc<Mutex<Option<Made>>>>>,
}

struct List {
    news: Receiver<Event>,
    entries: BTreeMap<EnvironmentName, Entry>,
    /// When all of it was made; `None` when all of it has to be made before it is shown again.
    made: Option<Monotonic>,
    /// Environments that have to be looked at before they are shown again.
    changed: BTreeSet<EnvironmentName>,
    /// While all of it is made anew beside: what has changed since that began.
    renewing: Option<BTreeSet<EnvironmentName>>,
    /// Counts changes, for the details.
    versions: HashMap<EnvironmentName, u64>,
    /// Counts what changes everything.
    version: u64,
    whole: Option<Bytes>,
}

struct Entry {
    summary: EnvironmentSummary,
    json: String,
}

struct Made {
    version: (u64, u64),
    at: Monotonic,
    details: EnvironmentDetails,
}

impl Entry {
    fn new(summary: EnvironmentSummary) -> Result<Self, BackendError> {
        Ok(Self {
            json: serde_json::to_string(&summary).map_err(|error| {
                BackendError::Failed(format!("an environment cannot be written: {error}"))
            })?,
            summary,
        })
    }

    /// Takes over what a job tells about itself, without asking the engine four times a second.
    fn learn(&mut self, job: &Job) {
        self.summary.job = (!job.state.has_ended()).then(|| job.clone());
        if let Ok(json) = serde_json::to_string(&self.summary) {
            self.json = json;
        }
    }
}

impl Overview {
    /// Nothing is asked yet.
    pub(super) fn new(engine: Arc<dyn Serves>) -> Arc<Self> {
        let news = engine.events().0;
        Arc::new(Self {
            engine,
            list: Mutex::new(List {
                news,
                entries: BTreeMap::new(),
                made: None,
                changed: BTreeSet::new(),
                renewing: None,
                versions: HashMap::new(),
                version: 0,
                whole: None,
            }),
            details: Mutex::default(),
        })
    }

    /// The list as JSON, as far as the token sees it.
    ///
    /// # Errors
    /// What the engine said.
    pub(super) async fn list(self: &Arc<Self>, token: &TokenRecord) -> Result<Bytes, BackendError> {
        let mut list = self.list.lock().await;
        self.freshen(&mut list).await?;
        if !token.projects.is_empty() {
            return Ok(joined(
                list.entries
                    .iter()
                    .filter(|(name, _)| token.sees(name))
                    .map(|(_, entry)| entry),
            ));
        }
        if let Some(whole) = &list.whole {
            return Ok(whole.clone());
        }
        let whole = joined(list.entries.values());
        list.whole = Some(whole.clone());
        Ok(whole)
    }

    /// Every environment at a glance.
    ///
    /// # Errors
    /// What the engine said.
    pub(super) async fn summaries(self: &Arc<Self>) -> Result<Vec<EnvironmentSummary>, BackendError> {
        let mut list = self.list.lock().await;
        self.freshen(&mut list).await?;
        Ok(list.entries.values().map(|entry| entry.summary.clone()).collect())
    }

    /// The names of the environments that the token sees.
    ///
    /// # Errors
    /// What the engine said.
    pub(super) async fn names(
        self: &Arc<Self>,
        token: &TokenRecord,
    ) -> Result<Vec<EnvironmentName>, BackendError> {
        // Not from the list: one repository that does not answer must not keep everybody from everything.
        let mut names = self.engine.environment_names().await?;
        names.retain(|name| token.sees(name));
        Ok(names)
    }

    /// One environment in full. Those who ask at the same time wait for the same answer.
    ///
    /// # Errors
    /// What the engine said.
    pub(super) async fn details(
        self: &Arc<Self>,
        name: &EnvironmentName,
    ) -> Result<EnvironmentDetails, BackendError> {
        let (summary, version) = {
            let mut list = self.list.lock().await;
            self.freshen(&mut list).await?;
            let Some(entry) = list.entries.get(name) else {
                drop(list);
                // The engine says which there are.
                return self.engine.environment(name).await;
            };
            (entry.summary.clone(), list.version_of(name))
        };
        let cell = Arc::clone(self.details.lock().await.entry(name.clone()).or_default());
        let mut made = cell.lock().await;
        let is_fresh = made
            .as_ref()
            .is_some_and(|made| made.version == version && made.at.elapsed() < DETAILS_KEPT);
        if !is_fresh {
            *made = None;
        }
        if let Some(made) = &*made {
            return Ok(EnvironmentDetails {
                summary,
                ..made.details.clone()
            });
        }
        let details = self.engine.environment(name).await?;
        *made = Some(Made {
            version,
            at: Monotonic::now(),
            details: details.clone(),
        });
        Ok(details)
    }

    /// Reads the news, and makes anew what has to be.
    async fn freshen(self: &Arc<Self>, list: &mut List) -> Result<(), BackendError> {
        list.read_news();
        let Some(made) = list.made else {
            let summaries = self.engine.environments().await?;
            list.entries = entries(summaries)?;
            list.changed.clear();
            list.whole = None;
            list.made = Some(Monotonic::now());
            return Ok(());
        };
        while let Some(name) = list.changed.first().cloned() {
            // One that cannot be asked stays among those that have changed, and so do all after it.
            let summary = self.engine.summary(&name).await?;
            list.changed.remove(&name);
            list.entries.insert(name, Entry::new(summary)?);
            list.whole = None;
        }
        if made.elapsed() >= LIST_KEPT && list.renewing.is_none() {
            list.renewing = Some(BTreeSet::new());
            let overview = Arc::clone(self);
            tokio::spawn(async move { overview.renew().await });
        }
        Ok(())
    }

    /// Makes the whole list anew, without keeping anybody waiting.
    async fn renew(&self) {
        let summaries = self.engine.environments().await;
        let mut list = self.list.lock().await;
        list.read_news();
        let changed = list.renewing.take().unwrap_or_default();
        // An engine that cannot answer now is asked again in a while.
        list.made = list.made.map(|_| Monotonic::now());
        let Ok(Ok(entries)) = summaries.map(entries) else {
            return;
        };
        for (name, entry) in entries {
            if !changed.contains(&name) {
                list.entries.insert(name, entry);
            }
        }
        list.whole = None;
    }
}

impl List {
    fn version_of(&self, name: &EnvironmentName) -> (u64, u64) {
        (self.version, self.versions.get(name).copied().unwrap_or(0))
    }

    fn read_news(&mut self) {
        loop {
            match self.news.try_recv() {
                Ok(event) => self.learn(event),
                Err(TryRecvError::Lagged(_)) => {
                    self.made = None;
                    self.version += 1;
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn learn(&mut self, event: Event) {
        match event {
            Event::Job(job) => {
                self.whole = None;
                if let Some(renewing) = &mut self.renewing {
                    renewing.insert(job.environment.clone());
                }
                if let Some(entry) = self.entries.get_mut(&job.environment) {
                    entry.learn(&job);
                }
                if job.state.has_ended() {
                    self.look_again(job.environment);
                }
            }
            Event::Environment { name } => self.look_again(name),
            Event::Summary(summary) => self.take_in(*summary),
            Event::Missed => {
                // Another Lifeboat has changed something, which was so for a while already.
                self.version += 1;
                self.made = None;
            }
            Event::Notification(_) => {}
        }
    }

    /// Takes in how an environment stands. Its job is known better from what jobs tell themselves.
    fn take_in(&mut self, mut summary: EnvironmentSummary) {
        let Some(entry) = self.entries.get_mut(&summary.name) else {
            return;
        };
        summary.job = entry.summary.job.take();
        if let Ok(fresh) = Entry::new(summary) {
            *entry = fresh;
            self.whole = None;
        }
    }

    fn look_again(&mut self, name: EnvironmentName) {
        if let Some(renewing) = &mut self.renewing {
            renewing.insert(name.clone());
        }
        *self.versions.entry(name.clone()).or_default() += 1;
        if self.entries.contains_key(&name) {
            self.changed.insert(name);
        }
    }
}

fn entries(summaries: Vec<EnvironmentSummary>) -> Result<BTreeMap<EnvironmentName, Entry>, BackendError> {
    summaries
        .into_iter()
        .map(|summary| Ok((summary.name.clone(), Entry::new(summary)?)))
        .collect()
}

/// A JSON array of entries.
fn joined<'a>(entries: impl Iterator<Item = &'a Entry>) -> Bytes {
    let mut text = String::from("[");
    for (index, entry) in entries.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&entry.json);
    }
    text.push(']');
    text.into()
}
