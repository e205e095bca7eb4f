//! Whether the service lives, and whether it can be asked something: for whatever starts it again or sends it requests.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::operation::Reply;
use super::problem::Problem;
use super::service::{About, Service};

/// It lives as long as it answers.
pub(super) async fn live() -> Response {
    told("livez", &json!({ "status": "ok" }))
}

/// It is ready when the engine is open, the catalog answers, and nobody has asked it to end.
pub(super) async fn ready(State(service): State<Arc<Service>>) -> Response {
    let why = if service.is_stopping() {
        Some("the service is being stopped".to_owned())
    } else {
        let ready = service.engine.is_ready().await;
        ready.err().map(|error| error.to_string())
    };
    let Some(why) = why else {
        return told("readyz", &json!({ "status": "ok" }));
    };
    // Whoever asks here has no token: the reason goes into the log, not over the line.
    let mut answer = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "not_ready",
        "the service is not ready: its log says why",
    )
    .into_answer();
    service
        .log
        .line(super::log::Level::Warn, "not ready", json!({ "why": why }));
    answer.extensions_mut().insert(About {
        operation: "readyz",
        who: None,
    });
    answer
}

fn told(operation: &'static str, value: &serde_json::Value) -> Response {
    let mut answer = Reply::written(StatusCode::OK, value.to_string()).into_answer();
    answer.extensions_mut().insert(About { operation, who: None });
    answer
}
