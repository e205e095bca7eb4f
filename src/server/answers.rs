//! Starting a job once: whoever did not hear the answer asks again with the same key, and gets the first answer.
//!
//! Only an answer that says that a job was started is kept. A question that was refused or has failed started nothing,
//! so its key is free again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::act;
use super::ask::Ask;
use super::log::Level;
use super::operation::{Content, Operation, Reply};
use super::problem::Problem;
use super::service::Service;
use crate::backend::BackendError;
use crate::domain::answer::{Reserved, StoredAnswer};

/// The header that carries the key.
pub(super) const KEY: &str = "idempotency-key";
/// What a key has to look like.
pub(super) const PATTERN: &str = "^[!-~]{1,128}$";
/// The most characters of a key.
const LONGEST: usize = 128;

/// How soon an answer that could not be kept is kept again, and how long that is waited with at most.
const KEEP_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// The requests under keys that are being worked on in this process, by who asks and under which key.
#[derive(Clone, Default)]
pub(super) struct Underway(Arc<Mutex<HashSet<(String, String)>>>);

/// One of them, until this is dropped.
struct Mine {
    underway: Underway,
    of: (String, String),
}

impl Underway {
    fn locked(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        self.0.lock()
    }

    /// `None` when it is being worked on already.
    fn begin(&self, who: &str, key: &str) -> Option<Mine> {
        let of = (who.to_owned(), key.to_owned());
        self.locked().insert(of.clone()).then(|| Mine {
            underway: self.clone(),
            of,
        })
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        self.underway.locked().remove(&self.of);
    }
}

/// Does the operation, unless it was done before under the same key.
pub(super) async fn once(mut ask: Ask, operation: &'static Operation) -> Result<Reply, Problem> {
    let key = key_of(&ask)?;
    let service = Arc::clone(&ask.service);
    let who = ask.caller.who.to_string();
    let digest = digest_of(operation, &ask);
    let mine = service.underway.begin(&who, &key);
    let mut reserved = reserve(&service, &who, &key, digest).await?;
    if reserved == Reserved::RunningHere && mine.is_some() {
        // Whoever worked on it has ended without an answer, and has started nothing.
        release(&service, &who, &key).await?;
        reserved = reserve(&service, &who, &key, digest).await?;
    }
    let mine = match (reserved, mine) {
        (Reserved::New, Some(mine)) => mine,
        (Reserved::Answered(answer), _) => return Ok(again(answer)),
        (Reserved::Started(job), _) => return act::started(job),
        (Reserved::Different, _) => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "key_used",
                "this Idempotency-Key was used for another request within the last 24 hours: use a new one",
            ));
        }
        // Also where another request with this key is at work here, or about to end: the key is left as it is, and the next
        // asking finds out what came of it.
        _ => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "still_running",
                "the same request with this Idempotency-Key is still being worked on: ask again in a moment",
            )
            .after(1));
        }
    };
    // The job that is started carries it.
    ask.caller.key = Some(key);
    let result = (operation.run)(ask).await;
    let answer = result.as_ref().ok().map(stored);
    if let Err(error) = keep(&service, &mine, answer.clone()).await {
        // The answer itself is good, and a job that was started is found by its key. What is missing is made up for.
        service.log.line(
            Level::Error,
            "an answer could not be kept",
            json!({ "operation": operation.id, "why": error.to_string() }),
        );
        tokio::spawn(async move {
            let [mut pause, longest] = KEEP_AGAIN;
            loop {
                tokio::time::sleep(pause).await;
                if service.is_stopping() || keep(&service, &mine, answer.clone()).await.is_ok() {
                    return;
                }
                pause = longest.min(pause * 2);
            }
        });
    }
    result
}

async fn reserve(
    service: &Service,
    who: &str,
    key: &str,
    digest: [u8; 32],
) -> Result<Reserved, BackendError> {
    service
        .engine
        .records()
        .await?
        .reserve_answer(who, key, digest, service.clock.now())
        .await
}

async fn release(service: &Service, who: &str, key: &str) -> Result<(), BackendError> {
    service.engine.records().await?.release_answer(who, key).await
}

/// Keeps an answer, or gives its key back when there is none.
async fn keep(service: &Service, mine: &Mine, answer: Option<StoredAnswer>) -> Result<(), BackendError> {
    let (who, key) = &mine.of;
    match answer {
        Some(answer) => {
            service
                .engine
                .records()
                .await?
                .store_answer(who, key, answer)
                .await
        }
        None => release(service, who, key).await,
    }
}

fn key_of(ask: &Ask) -> Result<String, Problem> {
    let key = ask.header(KEY).unwrap_or_default();
    let is_plain = key.bytes().all(|byte| byte.is_ascii_graphic());
    if !key.is_empty() && key.len() <= LONGEST && is_plain {
        return Ok(key.to_owned());
    }
    Err(Problem::new(
        StatusCode::BAD_REQUEST,
        "no_key",
        format!(
            "this starts a job, so it needs a header Idempotency-Key of 1 to {LONGEST} visible ASCII characters: a random \
             text, the same one when the same request is sent again"
        ),
    ))
}

/// What was asked, in 32 bytes. The path has the environment in it.
fn digest_of(operation: &Operation, ask: &Ask) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in [operation.id.as_bytes(), ask.uri.path().as_bytes(), &ask.body] {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn stored(reply: &Reply) -> StoredAnswer {
    let body = match &reply.content {
        Content::Json(json) => String::from_utf8_lossy(json).into_owned(),
        Content::Nothing | Content::Stream(..) | Content::Events(_) => String::new(),
    };
    StoredAnswer {
        status: reply.status.as_u16(),
        body,
        location: reply.location.clone(),
    }
}

fn again(answer: StoredAnswer) -> Reply {
    Reply {
        status: StatusCode::from_u16(answer.status).unwrap_or(StatusCode::ACCEPTED),
        content: Content::Json(Bytes::from(answer.body)),
        location: answer.location,
    }
}
