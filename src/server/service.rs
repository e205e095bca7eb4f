//! The service: one way that every request goes, from its head to its answer.
//!
//! In order: an id and the address it came from; who asks (401), how often (429), and whether they may (403); the body,
//! within its limits (408, 413, 415); the key that keeps a job from being started twice; and only then the operation
//! itself. An operation that has begun is done to its end, also when whoever asked has gone.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant as Monotonic;

use axum::body::Body;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{DefaultBodyLimit, FromRequest as _, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodRouter, on};
use axum::{Extension, Router};
use serde_json::json;
use tokio::sync::Semaphore;

use super::answers;
use super::ask::Ask;
use super::events::Events;
use super::head::{REQUEST_ID, address, refused_unread, request_id};
use super::log::{Level, Log};
use super::metrics::Metrics;
use super::operation::{Effect, Operation};
use super::operations::OPERATIONS;
use super::overview::Overview;
use super::problem::Problem;
use super::rate::Rates;
use super::room::client_of;
use super::streams::Streams;
use super::tokens::{self, Tokens};
use super::{health, metrics};
use crate::backend::serves::Serves;
use crate::clock::Clock;
use crate::domain::activity::Severity;
use crate::domain::caller::Caller;
use crate::domain::environment::EnvironmentName;
use crate::domain::principal::Principal;
use crate::domain::settings::{MetricsAccess, ServerSettings};
use crate::domain::token::TokenRecord;

/// Where the interface begins.
pub(super) const ROOT: &str = "/api/v1";

/// The service, as all its connections share it.
pub(super) struct Service {
    pub(super) engine: Arc<dyn Serves>,
    pub(super) settings: ServerSettings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) log: Log,
    pub(super) overview: Arc<Overview>,
    pub(super) events: Arc<Events>,
    pub(super) streams: Arc<Streams>,
    pub(super) tokens: Tokens,
    pub(super) metrics: Metrics,
    /// The published description, as text.
    pub(super) document: String,
    pub(super) per_token: Rates<String>,
    pub(super) per_address: Rates<IpAddr>,
    /// Turns of those whose address has shown too many tokens that nobody has.
    pub(super) turns: Semaphore,
    /// How many refusals of one token for one operation are written down.
    pub(super) refusals: Rates<(String, &'static str)>,
    pub(super) stopping: AtomicBool,
    /// Begins the ids of requests that bring none: another text in every run.
    pub(super) epoch: String,
    pub(super) requests: AtomicU64,
    /// The requests under keys that are being worked on here.
    pub(super) underway: answers::Underway,
}

/// The address at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// From where, and under which id, something was asked.
#[derive(Debug, Clone)]
struct Origin {
    address: IpAddr,
    request: String,
}

/// What an answer was about, for the log and the metrics.
#[derive(Debug, Clone)]
pub(super) struct About {
    /// The operation's name.
    pub(super) operation: &'static str,
    /// The token's name.
    pub(super) who: Option<String>,
}

/// Everything that the service answers.
pub(super) fn routes(service: Arc<Service>) -> Router {
    let mut routes = Router::new();
    // Operations of one path need not stand side by side.
    let mut paths: Vec<&str> = OPERATIONS.iter().map(|operation| operation.path).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let mut methods = MethodRouter::new();
        for operation in OPERATIONS.iter().filter(|operation| operation.path == path) {
            methods = methods.merge(on(
                operation.verb.filter(),
                move |service, origin, params, request| run(operation, service, origin, params, request),
            ));
        }
        routes = routes.route(&format!("{ROOT}{path}"), methods);
    }
    routes
        .route(
            &format!("{ROOT}/openapi.json"),
            on(axum::routing::MethodFilter::GET, document),
        )
        .route("/livez", on(axum::routing::MethodFilter::GET, health::live))
        .route("/readyz", on(axum::routing::MethodFilter::GET, health::ready))
        .route("/metrics", on(axum::routing::MethodFilter::GET, numbers))
        .fallback(nowhere)
        .method_not_allowed_fallback(not_allowed)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&service), around))
        .with_state(service)
}

/// What every request has around it: an id, a line in the log, and its count in the metrics.
async fn around(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: axum::middleware::Next,
) -> Response {
    let began = Monotonic::now();
    let peer = request
        .extensions()
        .get::<Peer>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
    let origin = Origin {
        address: address(request.headers(), peer, &service.settings.proxies),
        request: request_id(request.headers()).unwrap_or_else(|| service.next_request()),
    };
    let method = request.method().clone();
    request.extensions_mut().insert(origin.clone());
    let mut answer = match refused_unread(&request) {
        Some(problem) => problem.into_answer(),
        None => next.run(request).await,
    };
    let about = answer.extensions_mut().remove::<About>();
    if let Some(mut problem) = answer.extensions_mut().remove::<Problem>() {
        problem.request.clone_from(&origin.request);
        let allow = answer.headers_mut().remove(header::ALLOW);
        answer = problem.rendered();
        if let Some(allow) = allow {
            answer.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let headers = answer.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&origin.request) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    finish(&service, &method, &origin, about, answer.status(), began);
    answer
}

/// Counts the answer, and writes it down.
fn finish(
    service: &Service,
    method: &Method,
    origin: &Origin,
    about: Option<About>,
    status: StatusCode,
    began: Monotonic,
) {
    let operation = about.as_ref().map_or("none", |about| about.operation);
    let took = began.elapsed();
    service.metrics.answered(operation, status.as_u16(), took);
    let level = match status.as_u16() {
        500.. => Level::Error,
        401 | 403 | 429 => Level::Warn,
        _ => Level::Info,
    };
    service.log.line(
        level,
        "answered",
        json!({
            "request": origin.request,
            "from": origin.address,
            "who": about.and_then(|about| about.who),
            "method": method.as_str(),
            "operation": operation,
            "status": status.as_u16(),
            "micros": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        }),
    );
}

/// Runs an operation for whoever may ask for it.
async fn run(
    operation: &'static Operation,
    State(service): State<Arc<Service>>,
    Extension(origin): Extension<Origin>,
    params: Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
    request: Request,
) -> Response {
    let mut about = About {
        operation: operation.id,
        who: None,
    };
    let answer = match service.admitted(request.headers(), &origin).await {
        Ok((token, hash)) => {
            about.who = Some(token.name.clone());
            let path = params
                .map(|params| {
                    let pairs = params.iter();
                    pairs
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .collect()
                })
                .map_err(|_| Problem::bad_request("the address is not UTF-8 behind its percent signs"));
            match path {
                Ok(path) => {
                    let caller = Caller {
                        who: Principal::token(&token.name),
                        from: Some(origin.address.to_string()),
                        request: Some(origin.request.clone()),
                        person: token.person(),
                        key: None,
                    };
                    let (parts, body) = request.into_parts();
                    let ask = Ask {
                        service: Arc::clone(&service),
                        token,
                        hash,
                        caller,
                        path,
                        uri: parts.uri,
                        headers: parts.headers,
                        body: bytes::Bytes::new(),
                    };
                    perform(operation, ask, body).await
                }
                Err(problem) => Err(problem),
            }
        }
        Err(problem) => Err(problem),
    };
    let mut answer = answer.unwrap_or_else(Problem::into_answer);
    answer.extensions_mut().insert(about);
    answer
}

/// Reads the body and does the operation, on a task of its own: what has begun is done to its end.
async fn perform(operation: &'static Operation, mut ask: Ask, body: Body) -> Result<Response, Problem> {
    let limit = ask.service.settings.limits.request_time.duration();
    let (caller, service, environment) = (ask.caller.clone(), Arc::clone(&ask.service), ask.named());
    let done = async {
        ask.needs(operation.role)?;
        if operation.body.is_some() {
            ask.body = read_body(&ask, body).await?;
        }
        if operation.effect != Effect::None && service.is_stopping() {
            return Err(Problem::stopping());
        }
        let task = tokio::spawn(async move {
            if operation.effect == Effect::Starts {
                answers::once(ask, operation).await
            } else {
                (operation.run)(ask).await
            }
        });
        match tokio::time::timeout(limit, task).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "failed",
                "the request met a fault in Lifeboat itself; the service's log has more under its id",
            )),
            Err(_) => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_slow",
                "the answer takes too long. What was asked for may still be done: look before you ask again",
            )),
        }
    };
    let result = done.await;
    if let Err(problem) = &result
        && operation.effect != Effect::None
        && matches!(problem.status, 403 | 409)
    {
        service
            .remember_refused(operation, caller, environment, problem)
            .await;
    }
    result.map(super::operation::Reply::into_answer)
}

/// The body, if it is JSON, not too large and there in time.
async fn read_body(ask: &Ask, body: Body) -> Result<bytes::Bytes, Problem> {
    let media_type = ask.header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "the body has to be JSON: send it with Content-Type: application/json",
        ));
    }
    let limits = &ask.service.settings.limits;
    let most = usize::try_from(limits.body_bytes).unwrap_or(usize::MAX);
    let mut request = Request::new(body);
    DefaultBodyLimit::max(most).apply(&mut request);
    let read = bytes::Bytes::from_request(request, &());
    match tokio::time::timeout(limits.request_time.duration(), read).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)))) => {
            Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                format!("the body is larger than {most} bytes, which is all that is accepted here"),
            ))
        }
        Ok(Err(error)) => {
            let why =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            Err(Problem::bad_request(format!(
                "the body did not arrive whole: {why}"
            )))
        }
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_late",
            "the body did not arrive in time: send it faster, or less of it",
        )),
    }
}

/// The published description. It says nothing of what is kept here, so it is for everybody.
async fn document(State(service): State<Arc<Service>>) -> Response {
    let reply = super::operation::Reply::written(StatusCode::OK, service.document.clone());
    let mut answer = reply.into_answer();
    answer.extensions_mut().insert(About {
        operation: "openapi",
        who: None,
    });
    answer
}

/// The metrics.
async fn numbers(
    State(service): State<Arc<Service>>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
) -> Response {
    let mut about = About {
        operation: "metrics",
        who: None,
    };
    let mut answer = if service.settings.metrics == MetricsAccess::Open {
        metrics::answer(&service).await
    } else {
        match service.admitted(&headers, &origin).await {
            // They are about every project.
            Ok((token, _)) if !token.projects.is_empty() => {
                Problem::forbidden("the metrics are about every project, and this token is limited to some")
                    .into_answer()
            }
            Ok((token, _)) => {
                about.who = Some(token.name);
                metrics::answer(&service).await
            }
            Err(problem) => problem.into_answer(),
        }
    };
    answer.extensions_mut().insert(about);
    answer
}

async fn nowhere() -> Response {
    Problem::new(
        StatusCode::NOT_FOUND,
        "nowhere",
        format!("there is nothing at this address: {ROOT}/openapi.json says what there is"),
    )
    .into_answer()
}

async fn not_allowed() -> Response {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this address is not asked like that: the header Allow says how",
    )
    .into_answer()
}

impl Service {
    /// Whether it is about to end.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn next_request(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number:x}", self.epoch)
    }

    /// Who asks, if they are let in.
    async fn admitted(
        &self,
        headers: &HeaderMap,
        origin: &Origin,
    ) -> Result<(TokenRecord, tokens::Hash), Problem> {
        let now = Monotonic::now();
        let client = client_of(origin.address);
        let too_many = || {
            Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "too many requests came in a short time: wait a moment, and ask less often",
            )
            .after(1)
        };
        let found = match tokens::shown(headers) {
            Some(hash) => {
                // A good token is let in whatever else comes from its address, which it may share with others; so each is
                // looked up. Where many wrong ones come from they take turns: that is work for the catalog, and jobs
                // need it too.
                let in_turn = !self.tokens.knows(&hash) && !self.per_address.has_room(&client, now);
                let _turn = if in_turn {
                    // Nobody closes the semaphore.
                    self.turns.acquire().await.ok()
                } else {
                    None
                };
                let token = self.tokens.find(&*self.engine, hash, self.clock.now()).await?;
                token.map(|token| (token, hash))
            }
            None => None,
        };
        let Some((token, hash)) = found else {
            return Err(if self.per_address.allows(client, now) {
                Problem::unauthorized()
            } else {
                too_many()
            });
        };
        if self.per_token.allows(token.name.clone(), now) {
            Ok((token, hash))
        } else {
            Err(too_many())
        }
    }

    /// Writes down that somebody tried something and was refused.
    async fn remember_refused(
        &self,
        operation: &Operation,
        caller: Caller,
        environment: Option<EnvironmentName>,
        problem: &Problem,
    ) {
        // One of a kind in a minute: whoever is refused again and again must not push what was done out of the log. Each is
        // in the service's own log.
        let kind = (caller.who.to_string(), operation.id);
        if !self.refusals.allows(kind, Monotonic::now()) {
            return;
        }
        let what = format!("refused: {}: {}", operation.id.replace('_', " "), problem.detail);
        let engine = Arc::clone(&self.engine).acting_for(caller);
        if let Err(error) = engine.write_down(environment, what, Severity::Warning).await {
            self.log.line(
                Level::Error,
                "a refused try could not be written down",
                json!({ "why": error.to_string() }),
            );
        }
    }
}
