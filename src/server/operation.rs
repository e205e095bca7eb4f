//! One operation of the interface: what is asked, by whom it may be asked, and what is answered. The routes and the
//! published description are both made from the same table (`operations`), so that they cannot part.

use std::future::Future;
use std::pin::Pin;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::routing::MethodFilter;
use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::ask::Ask;
use super::problem::Problem;
use crate::domain::token::Role;

/// Describes a type for the published description.
pub(super) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// An answer on its way.
pub(super) type Answering = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// What is done with what was asked.
pub(super) type Run = fn(Ask) -> Answering;

/// How an operation is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

impl Verb {
    /// For the routes. What can be read can be asked for its head alone.
    pub(super) fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// One operation.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    pub(super) verb: Verb,
    /// Below `/api/v1`, with the names of its parameters in braces.
    pub(super) path: &'static str,
    /// Its name in the description, and in the metrics and logs.
    pub(super) id: &'static str,
    /// What it does, in a few words that begin with a verb.
    pub(super) summary: &'static str,
    /// The smallest role that may ask for it.
    pub(super) role: Role,
    pub(super) effect: Effect,
    pub(super) query: Option<Describe>,
    pub(super) body: Option<Describe>,
    pub(super) answer: Answer,
    pub(super) run: Run,
}

/// The description of a type.
pub(super) const fn of<T: JsonSchema>() -> Describe {
    SchemaGenerator::subschema_for::<T>
}

impl Operation {
    /// An operation that only looks, for whoever has a token.
    pub(super) const fn looks(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        answer: Answer,
        run: Run,
    ) -> Self {
        Self {
            verb: Verb::Get,
            path,
            id,
            summary,
            role: Role::Viewer,
            effect: Effect::None,
            query: None,
            body: None,
            answer,
            run,
        }
    }

    /// An operation that only looks, and shows content: more than everybody with a token is to see.
    pub(super) const fn shows_content(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        answer: Answer,
        run: Run,
    ) -> Self {
        Self {
            role: Role::Operator,
            ..Self::looks(path, id, summary, answer, run)
        }
    }

    /// An operation that changes something at once.
    pub(super) const fn changes(
        verb: Verb,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        role: Role,
        run: Run,
    ) -> Self {
        Self {
            verb,
            role,
            effect: Effect::Changes,
            ..Self::looks(path, id, summary, Answer::Nothing, run)
        }
    }

    /// An operation that starts a job.
    pub(super) const fn starts(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        role: Role,
        answer: Answer,
        run: Run,
    ) -> Self {
        Self {
            verb: Verb::Post,
            role,
            effect: Effect::Starts,
            ..Self::looks(path, id, summary, answer, run)
        }
    }

    /// With a query.
    pub(super) const fn with_query(self, query: Describe) -> Self {
        Self {
            query: Some(query),
            ..self
        }
    }

    /// With an answer of its own.
    pub(super) const fn with_answer(self, answer: Answer) -> Self {
        Self { answer, ..self }
    }

    /// With a body.
    pub(super) const fn with_body(self, body: Describe) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }
}

/// What an operation does beyond answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// It changes something at once.
    Changes,
    /// It starts a job: the same key again gives the same answer, and nothing is started a second time.
    Starts,
}

/// What is answered when all is well.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// 204 and nothing.
    Nothing,
    /// JSON.
    Json(StatusCode, Describe),
    /// A stream of events.
    Events,
    /// A document of this media type, as a stream.
    Document(&'static str),
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content: Content,
    pub(super) location: Option<String>,
}

/// What an answer holds.
pub(super) enum Content {
    Nothing,
    Json(Bytes),
    /// A stream of this media type.
    Stream(&'static str, Body),
    /// What happens, until whoever listens to it goes.
    Events(Body),
}

/// Stands in the extensions of an answer that has no end of its own: whoever listens to it ends it by going.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endless;

impl Reply {
    /// 204.
    pub(super) fn nothing() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            content: Content::Nothing,
            location: None,
        }
    }

    /// JSON that is written already.
    pub(super) fn written(status: StatusCode, json: impl Into<Bytes>) -> Self {
        Self {
            status,
            content: Content::Json(json.into()),
            location: None,
        }
    }

    /// A value as JSON.
    pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Result<Self, Problem> {
        let json = serde_json::to_vec(value).map_err(|error| {
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "failed",
                format!("the answer cannot be written as JSON: {error}"),
            )
        })?;
        Ok(Self::written(status, json))
    }

    /// A value as JSON, with 200.
    pub(super) fn ok(value: &impl Serialize) -> Result<Self, Problem> {
        Self::json(StatusCode::OK, value)
    }

    /// Says where what was made is found.
    pub(super) fn at(self, location: String) -> Self {
        Self {
            location: Some(location),
            ..self
        }
    }

    /// As it is sent.
    pub(super) fn into_answer(self) -> axum::response::Response {
        let is_endless = matches!(self.content, Content::Events(_));
        let (body, media_type) = match self.content {
            Content::Nothing => (Body::empty(), None),
            Content::Json(json) => (Body::from(json), Some("application/json")),
            Content::Stream(media_type, body) => (body, Some(media_type)),
            Content::Events(body) => (body, Some("text/event-stream")),
        };
        let mut answer = axum::response::Response::new(body);
        *answer.status_mut() = self.status;
        if is_endless {
            answer.extensions_mut().insert(Endless);
        }
        if let Some(media_type) = media_type {
            answer
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        if let Some(location) = self.location.and_then(|location| location.parse().ok()) {
            answer.headers_mut().insert(header::LOCATION, location);
        }
        answer
    }
}
