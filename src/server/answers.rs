//! Starting a job once: whoever did not hear the answer asks again with the same key, and gets the first answer.
//!
//! Only an answer that says that a job was started is kept. A question that was refused or has failed started nothing,
//! so its key is free again.

use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::ask::Ask;
use super::log::Level;
use super::operation::{Content, Operation, Reply};
use super::problem::Problem;
use crate::engine::catalog::{Reserved, StoredAnswer};

/// The header that carries the key.
pub(super) const KEY: &str = "idempotency-key";
/// What a key has to look like.
pub(super) const PATTERN: &str = "^[!-~]{1,128}$";
/// The most characters of a key.
const LONGEST: usize = 128;

/// Does the operation, unless it was done before under the same key.
pub(super) async fn once(ask: Ask, operation: &'static Operation) -> Result<Reply, Problem> {
    let key = key_of(&ask)?;
    let (service, who) = (ask.service.clone(), ask.token.name.clone());
    let digest = digest_of(operation, &ask);
    let now = service.clock.now();
    let (asked_by, asked_key) = (who.clone(), key.clone());
    let reserved = service
        .engine
        .on_catalog(move |catalog| catalog.reserve_answer(&asked_by, &asked_key, &digest, now))
        .await?;
    match reserved {
        Reserved::New => {}
        Reserved::Answered(answer) => return Ok(again(answer)),
        Reserved::Running => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "still_running",
                "the same request with this Idempotency-Key is still being worked on: ask again in a moment",
            )
            .after(1));
        }
        Reserved::Different => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "key_used",
                "this Idempotency-Key was used for another request within the last 24 hours: use a new one",
            ));
        }
    }
    let result = (operation.run)(ask).await;
    let kept = match &result {
        Ok(reply) => {
            let answer = stored(reply);
            service
                .engine
                .on_catalog(move |catalog| catalog.store_answer(&who, &key, &answer))
                .await
        }
        Err(_) => {
            service
                .engine
                .on_catalog(move |catalog| catalog.release_answer(&who, &key))
                .await
        }
    };
    if let Err(error) = kept {
        // The answer itself is good; only asking again with the same key is not.
        service.log.line(
            Level::Error,
            "an answer could not be kept",
            json!({ "operation": operation.id, "why": error.to_string() }),
        );
    }
    result
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
        Content::Nothing | Content::Events(_) => String::new(),
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
