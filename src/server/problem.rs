//! Errors as the service answers them: problem details by RFC 9457.
//!
//! A client that knows Lifeboat builds the backend's error again from `kind`, `refusal` and `facts`; any other client
//! reads `title` and `detail`.

use std::ops::{Deref, DerefMut};

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::backend::BackendError;
use crate::domain::nearest::Missing;
use crate::domain::refusal::Refusal;

/// The media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct Details {
    /// What kind of problem it is, as a URI: `urn:lifeboat:problem:` and the kind.
    #[serde(rename = "type")]
    pub about: String,
    /// The same for every problem of this kind.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What happened, why, and what to do, as sentences.
    pub detail: String,
    /// The kind in one stable word.
    pub kind: String,
    /// The number of the rule that refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<u8>,
    /// The refusal with its facts, where a rule refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// What the problem is about, where that can be named: the name that is not known, the number of a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Value>,
    /// The id of the request, to be found in the service's log.
    #[serde(default)]
    pub request: String,
    /// How many seconds to wait before trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

/// A problem. The details are kept apart, so that a result with one stays small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(Box<Details>);

impl Deref for Problem {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

impl Problem {
    /// A problem of a kind. The word is stable; the title follows from the status.
    #[must_use]
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self(Box::new(Details {
            about: format!("urn:lifeboat:problem:{kind}"),
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            kind: kind.to_owned(),
            rule: None,
            refusal: None,
            facts: None,
            request: String::new(),
            retry_after: None,
        }))
    }

    /// What was sent cannot be understood.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// There is no token, or none that is accepted. Which of the two is not told.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "a token is needed: send one that is neither expired nor revoked in the header Authorization, as Bearer \
             TOKEN; `lifeboat token create` makes one",
        )
    }

    /// The token is accepted, and may not do this.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// The service is about to end.
    #[must_use]
    pub fn stopping() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "the service is being stopped and starts nothing any more: try again when it is back",
        )
        .after(5)
    }

    /// So many seconds should pass before it is tried again.
    #[must_use]
    pub fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    fn about(mut self, facts: Option<Value>) -> Self {
        self.facts = facts;
        self
    }

    /// As an answer that has no body yet: it is written when the request's id is known.
    #[must_use]
    pub fn into_answer(self) -> Response {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = self.status();
        answer.extensions_mut().insert(self);
        answer
    }

    /// As it is sent.
    #[must_use]
    pub fn rendered(&self) -> Response {
        let body = serde_json::to_vec(&**self).unwrap_or_default();
        let mut answer = Response::new(Body::from(body));
        *answer.status_mut() = self.status();
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<BackendError> for Problem {
    fn from(error: BackendError) -> Self {
        let detail = error.to_string();
        match error {
            BackendError::Refused(refusal) => {
                let status = match refusal {
                    Refusal::ReadOnly(_) => StatusCode::FORBIDDEN,
                    _ => StatusCode::CONFLICT,
                };
                let mut problem = Self::new(status, &word_of(&refusal), detail);
                problem.rule = refusal.rule();
                problem.refusal = Some(refusal);
                problem
            }
            BackendError::UnknownEnvironment { name, known, near } => {
                let facts = json!({ "name": name, "known": known, "near": near });
                Self::new(StatusCode::NOT_FOUND, "unknown_environment", detail).about(Some(facts))
            }
            BackendError::UnknownBackup(choice) => {
                let facts = serde_json::to_value(choice).ok();
                Self::new(StatusCode::NOT_FOUND, "unknown_backup", detail).about(facts)
            }
            BackendError::UnknownJob(id) => {
                let facts = json!({ "id": id });
                Self::new(StatusCode::NOT_FOUND, "unknown_job", detail).about(Some(facts))
            }
            BackendError::NotThere(Missing { near, .. }) => {
                let facts = (!near.is_empty()).then(|| json!({ "near": near }));
                Self::new(StatusCode::NOT_FOUND, "not_there", detail).about(facts)
            }
            BackendError::OutOfReach(_) => Self::new(StatusCode::BAD_GATEWAY, "out_of_reach", detail),
            BackendError::Failed(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", detail),
        }
    }
}

/// The stable word of a refusal: what its JSON calls it.
fn word_of(refusal: &Refusal) -> String {
    let json = serde_json::to_value(refusal).ok();
    let word = json.as_ref().and_then(|json| json.get("rule")?.as_str());
    word.unwrap_or("refused").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::environment::EnvironmentName;
    use crate::domain::job::{JobId, JobKind};

    #[test]
    fn a_refusal_names_its_rule_and_can_be_built_again() {
        let refusal = Refusal::Busy {
            environment: EnvironmentName::new("acme", "live").unwrap(),
            job: JobId(7),
            kind: JobKind::Backup,
        };
        let problem = Problem::from(BackendError::Refused(refusal.clone()));
        assert_eq!((problem.status, problem.rule), (409, Some(8)));
        assert_eq!(problem.kind, "busy");
        let json = serde_json::to_string(&*problem).unwrap();
        let again: Details = serde_json::from_str(&json).unwrap();
        assert_eq!(again.refusal, Some(refusal));
        assert!(json.contains("\"type\":\"urn:lifeboat:problem:busy\""), "{json}");
    }

    #[test]
    fn what_is_not_known_is_named() {
        let unknown = BackendError::UnknownJob(JobId(7));
        let problem = Problem::from(unknown);
        assert_eq!((problem.status, problem.kind.as_str()), (404, "unknown_job"));
        assert_eq!(problem.facts, Some(json!({ "id": 7 })));
    }
}
