//! Asks instances whether they are up: again and again after a restore, and once for whoever looks on.
//!
//! Magnolia's `/.rest/health` answers 200 with `"status":"UP"`. An address that answers 200 with something that is no
//! such JSON counts as up: not every installation has the health module.
//!
//! What a cockpit shows is what was answered last. Looking at it never waits for an instance, and has it asked anew in
//! the background, at most every 30 seconds and only as long as somebody looks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::certificates::Distrust;
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::environment::{Answer, InstanceName, MemberName};
use crate::domain::event::Event;
use crate::domain::job::InstanceHealth;
use crate::domain::settings::InstanceSettings;
use crate::engine::hooks::Say;
use crate::engine::live::Known;
use crate::engine::{Engine, Live};

/// Between two questions to an instance that is not up yet.
const PAUSE: Duration = Duration::from_secs(2);
/// An instance that starts may be slow to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Somebody waits for the answer.
const QUICK_LIMIT: Duration = Duration::from_secs(2);
/// An answer that is older than this is asked for anew.
const GOOD_FOR: TimeDelta = TimeDelta::seconds(30);
/// More of an answer is not read: a health address says little.
const MOST_READ: usize = 64 * 1024;

/// What is known of the instances of one environment.
#[derive(Debug, Default)]
pub(in crate::engine) struct Answered {
    asked: Option<Instant>,
    is_asking: bool,
    answers: BTreeMap<MemberName, Answer>,
}

/// One instance, or one of its nodes, to be asked.
#[derive(Debug, Clone)]
struct Question {
    member: MemberName,
    url: String,
    /// How long to go on asking. `None`: it is asked once.
    limit: Option<Duration>,
}

impl Live {
    /// Asks those of the instances and their nodes that have a health address until each is up or its time limit has passed, all at the
    /// same time, and says what came of it. `longer` is what those of some instances get beside their limit. Gives the answers, and how
    /// long each took.
    pub(in crate::engine) fn wait_until_up(
        &self,
        instances: &[&InstanceSettings],
        longer: &BTreeMap<InstanceName, Duration>,
        say: &Say<'_>,
    ) -> Vec<(InstanceHealth, Duration)> {
        let members = instances.iter().flat_map(|instance| instance.members());
        let questions = members.filter_map(|member| {
            let health = member.health()?;
            Some(Question {
                member: member.name(),
                url: health.url.clone(),
                limit: Some(
                    health.limit.duration() + longer.get(&member.instance.name).copied().unwrap_or_default(),
                ),
            })
        });
        let answers = self.engine().runtime().block_on(ask_all(questions.collect()));
        for (health, _) in &answers {
            let severity = if health.up {
                Severity::Information
            } else {
                Severity::Warning
            };
            say(severity, &format!("{}: {}", health.who(), health.detail));
        }
        answers
    }

    /// Asks every instance and every node that has a health address once, all at the same time, and waits two seconds at most.
    #[must_use]
    pub fn ask_health(&self) -> Vec<InstanceHealth> {
        let questions = once(&self.settings().instances);
        let answers = self.engine().runtime().block_on(ask_all(questions));
        answers.into_iter().map(|(health, _)| health).collect()
    }
}

impl Known {
    /// What the instances of an environment and their nodes answered last. Does not wait: what is not known or old is asked for in the
    /// background, and an event tells when that has changed something.
    pub(in crate::engine) fn last_answers(self: &Arc<Self>, engine: &Engine) -> BTreeMap<MemberName, Answer> {
        let questions = once(&self.settings.instances);
        if questions.is_empty() {
            return BTreeMap::new();
        }
        let now = engine.now();
        let mut answered = self.health.lock();
        // A clock that was set back makes an answer old, not good for longer.
        let is_good = answered
            .asked
            .is_some_and(|asked| (asked..asked + GOOD_FOR).contains(&now));
        if !is_good && !answered.is_asking {
            answered.is_asking = true;
            // Answers that nobody waits for any more do not keep the engine.
            let (weak, known) = (engine.downgrade(), Arc::clone(self));
            engine.runtime().spawn(async move {
                let answers = ask_all(questions).await;
                if let Some(engine) = weak.upgrade() {
                    known.keep_answers(&engine, now, answers);
                }
            });
        }
        answered.answers.clone()
    }

    fn keep_answers(&self, engine: &Engine, asked: Instant, answers: Vec<(InstanceHealth, Duration)>) {
        let answers: BTreeMap<_, _> = answers
            .into_iter()
            .map(|(health, _)| {
                let who = health.who();
                let answer = Answer {
                    at: asked,
                    up: health.up,
                    detail: health.detail,
                };
                (who, answer)
            })
            .collect();
        let news = {
            let mut answered = self.health.lock();
            answered.asked = Some(asked);
            answered.is_asking = false;
            let before = std::mem::replace(&mut answered.answers, answers);
            let says = |answers: &BTreeMap<MemberName, Answer>| {
                let says = answers
                    .iter()
                    .map(|(name, answer)| (name.clone(), answer.up, answer.detail.clone()));
                says.collect::<Vec<_>>()
            };
            says(&before) != says(&answered.answers)
        };
        if news {
            let name = self.name.clone();
            engine.tell(Event::Environment { name });
        }
    }
}

/// The questions to those that have an address, each to be asked once.
fn once(instances: &[InstanceSettings]) -> Vec<Question> {
    let members = instances.iter().flat_map(InstanceSettings::members);
    let questions = members.filter_map(|member| {
        Some(Question {
            member: member.name(),
            url: member.health()?.url.clone(),
            limit: None,
        })
    });
    questions.collect()
}

/// Asks all at the same time; the answers are in the order of the questions, with the time that each took.
async fn ask_all(questions: Vec<Question>) -> Vec<(InstanceHealth, Duration)> {
    let began = Stopwatch::now();
    // Only the first call does something; a provider that somebody else has installed is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = match reqwest::Client::builder().build() {
        Ok(client) => client,
        Err(error) => {
            let detail = format!("it could not be asked: {}", sentence(&error));
            return questions
                .into_iter()
                .map(|question| (question.answered(Err(detail.clone())), began.elapsed()))
                .collect();
        }
    };
    let mut asked = JoinSet::new();
    for (index, question) in questions.into_iter().enumerate() {
        let client = client.clone();
        asked.spawn(async move {
            let answer = match question.limit {
                Some(limit) => ask_until_up(&client, &question.url, limit).await,
                None => ask(&client, &question.url, QUICK_LIMIT)
                    .await
                    .map_err(|why| format!("{}: {why}", question.url)),
            };
            (index, (question.answered(answer), began.elapsed()))
        });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answered)| answered).collect()
}

impl Question {
    fn answered(self, answer: Result<String, String>) -> InstanceHealth {
        InstanceHealth {
            instance: self.member.instance,
            node: self.member.node,
            up: answer.is_ok(),
            detail: answer.unwrap_or_else(|why| why),
        }
    }
}

async fn ask_until_up(client: &reqwest::Client, url: &str, limit: Duration) -> Result<String, String> {
    let mut last = String::from("nothing yet");
    let asking = async {
        loop {
            match ask(client, url, ANSWER_LIMIT).await {
                Ok(answer) => return answer,
                Err(why) => last = why,
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(limit, asking).await.map_err(|_| {
        let limit = crate::domain::measure::millis(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        format!("not up after {limit}, {url} says: {last}")
    })
}

async fn ask(client: &reqwest::Client, url: &str, limit: Duration) -> Result<String, String> {
    let asking = async {
        let mut answer = client.get(url).send().await?;
        let mut body = Vec::new();
        while body.len() < MOST_READ
            && let Some(part) = answer.chunk().await?
        {
            body.extend_from_slice(&part);
        }
        Ok::<_, reqwest::Error>((answer.status(), body))
    };
    let (status, body) = match tokio::time::timeout(limit, asking).await {
        Ok(answer) => answer.map_err(|error| sentence(&error))?,
        Err(_) => return Err(format!("no answer within {} s", limit.as_secs())),
    };
    let told = serde_json::from_slice::<serde_json::Value>(&body).ok();
    let told = told
        .as_ref()
        .and_then(|json| json.get("status"))
        .and_then(|status| status.as_str());
    match (status, told) {
        // A Magnolia that is down may say so with another status than 200.
        (_, Some(told)) if told != "UP" => Err(format!("status {told}")),
        (reqwest::StatusCode::OK, _) => Ok("up".to_owned()),
        (status, _) => Err(format!("status {status}")),
    }
}

/// An error with its causes: reqwest's own text leaves out why.
fn sentence(error: &reqwest::Error) -> String {
    let whose = error.url().and_then(reqwest::Url::host_str).unwrap_or("it");
    let trust = "add the certificate of its issuer to those that this machine trusts";
    if let Some(distrust) = Distrust::of(error, whose, trust) {
        return distrust.to_string();
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
