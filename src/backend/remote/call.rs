//! One question to a service and its answer: time limits, what may be asked again, and what an answer means.
//!
//! A question is asked again only where that is safe: when it changes nothing, or carries a key by which the service
//! knows it again. And never after a definite answer, whatever that says.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Shared;
use super::problem::{self, Problem};
use crate::backend::BackendError;
use crate::certificates::Distrust;

/// The header with the key of a request that starts a job.
const KEY: &str = "Idempotency-Key";
/// No answer of the service is nearly as large; it would not fit into a small machine either.
const MOST: usize = 128 << 20;

/// A question.
#[derive(Debug)]
pub(super) struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
    key: Option<String>,
    takes_long: bool,
    may_be_unknown: bool,
    is_harmless: bool,
}

impl Call {
    fn new(method: Method, path: &[&str]) -> Self {
        let method_is_get = method == Method::GET;
        Self {
            method,
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            query: Vec::new(),
            body: None,
            key: None,
            takes_long: false,
            may_be_unknown: false,
            is_harmless: method_is_get,
        }
    }

    pub(super) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: &[&str]) -> Self {
        Self::new(Method::POST, path)
    }

    pub(super) fn put(path: &[&str]) -> Self {
        Self::new(Method::PUT, path)
    }

    pub(super) fn delete(path: &[&str]) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub(super) fn with(mut self, name: &'static str, value: &impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub(super) fn body(mut self, body: &impl Serialize) -> Result<Self, BackendError> {
        let json = serde_json::to_vec(body).map_err(|error| {
            BackendError::Failed(format!("the request cannot be written as JSON: {error}"))
        })?;
        self.body = Some(json);
        Ok(self)
    }

    /// The key by which the service knows the request again.
    pub(super) fn key(mut self, key: String) -> Self {
        self.key = Some(key);
        self
    }

    /// The service reads content before it answers.
    pub(super) fn takes_long(mut self) -> Self {
        self.takes_long = true;
        self
    }

    /// A service may be older than the question: it then answers with `null`.
    pub(super) fn may_be_unknown(mut self) -> Self {
        self.may_be_unknown = true;
        self
    }

    /// Asking a second time does no harm: a plan changes nothing.
    pub(super) fn harmless(mut self) -> Self {
        self.is_harmless = true;
        self
    }

    fn may_be_asked_again(&self) -> bool {
        self.is_harmless || self.key.is_some()
    }
}

/// Why there is no answer to work with.
enum Trouble {
    /// The answer is an error, and definite.
    Answer(BackendError),
    /// The service knows no such question: it is older, or newer.
    NoRoute(BackendError),
    /// There was none. `sent` says whether the question may have arrived.
    Silence { why: String, sent: bool },
    /// There is no connection, and there will be none before somebody has done something.
    Distrust(String),
    /// The service asks for patience: it has not done anything yet.
    Later { why: String, wait: Option<Duration> },
}

impl Shared {
    /// Asks, as often as is safe and sensible, and reads the answer as JSON.
    pub(super) async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, BackendError> {
        let answer = self.ask_for_bytes(&call).await?;
        serde_json::from_slice(&answer).map_err(|error| {
            BackendError::Failed(format!(
                "{} answered something that this Lifeboat, version {}, does not understand ({error}): bring both to the same version",
                self.access.address(),
                env!("CARGO_PKG_VERSION")
            ))
        })
    }

    /// Asks where nothing is answered but that it is done.
    pub(super) async fn tell(&self, call: Call) -> Result<(), BackendError> {
        self.ask_for_bytes(&call).await.map(|_| ())
    }

    async fn ask_for_bytes(&self, call: &Call) -> Result<Vec<u8>, BackendError> {
        self.greet().await?;
        self.ask_patiently(call).await
    }

    pub(super) async fn ask_patiently(&self, call: &Call) -> Result<Vec<u8>, BackendError> {
        let pace = &self.pace;
        // Whoever listens to events asks for everything again once the service is back.
        let attempts = match call.key {
            None if self.is_listening() => 1,
            _ => pace.attempts,
        };
        let mut failures = 0;
        loop {
            let trouble = match self.once(call).await {
                Ok(answer) => {
                    self.heard();
                    return Ok(answer);
                }
                Err(Trouble::Answer(error) | Trouble::NoRoute(error)) => {
                    self.heard();
                    return Err(error);
                }
                Err(trouble) => trouble,
            };
            failures += 1;
            let (why, wait) = match trouble {
                Trouble::Later { why, wait } => (why, wait),
                Trouble::Distrust(why) => {
                    self.suspect();
                    return Err(BackendError::OutOfReach(why));
                }
                Trouble::Silence { why, sent } => {
                    self.suspect();
                    if sent && !call.may_be_asked_again() {
                        return Err(BackendError::OutOfReach(format!(
                            "{why}; whether that was done is not known: look before you do it again"
                        )));
                    }
                    (why, None)
                }
                // Told above.
                Trouble::Answer(error) | Trouble::NoRoute(error) => return Err(error),
            };
            if failures >= attempts || !call.may_be_asked_again() {
                return Err(BackendError::OutOfReach(match call.key {
                    Some(_) => format!(
                        "{why}; whether a job was started is not known: the list of jobs says it once the service is reached"
                    ),
                    None => why,
                }));
            }
            let wait = wait.unwrap_or_else(|| pace.wait(failures, self.chance()));
            tokio::time::sleep(wait.min(pace.longest_wait)).await;
        }
    }

    /// Asks for something that comes as a stream of bytes. It is asked once: whoever wants it again says so.
    pub(super) async fn download(&self, call: &Call, media_type: &str) -> Result<Response, BackendError> {
        self.greet().await?;
        let limit = self.pace.long_answer;
        let Ok(sent) = tokio::time::timeout(limit, self.send(call, media_type)).await else {
            self.suspect();
            return Err(BackendError::OutOfReach(format!(
                "{} did not answer within {} seconds",
                self.access.address(),
                limit.as_secs()
            )));
        };
        let response = match sent {
            Ok(response) => response,
            Err(Trouble::Answer(error) | Trouble::NoRoute(error)) => return Err(error),
            Err(Trouble::Silence { why, .. } | Trouble::Distrust(why)) => {
                self.suspect();
                return Err(BackendError::OutOfReach(why));
            }
            Err(Trouble::Later { why, .. }) => return Err(BackendError::OutOfReach(why)),
        };
        self.heard();
        if !is_of_type(&response, media_type) {
            return Err(self.no_lifeboat("it answers something else than what was asked for"));
        }
        Ok(response)
    }

    async fn once(&self, call: &Call) -> Result<Vec<u8>, Trouble> {
        let limit = if call.takes_long {
            self.pace.long_answer
        } else {
            self.pace.answer
        };
        let sent = async {
            match self.sent(call).await {
                Err(Trouble::NoRoute(_)) if call.may_be_unknown => Ok(b"null".to_vec()),
                answer => answer,
            }
        };
        let Ok(answer) = tokio::time::timeout(limit, sent).await else {
            return Err(Trouble::Silence {
                why: format!(
                    "{} did not answer within {} seconds",
                    self.access.address(),
                    limit.as_secs()
                ),
                sent: true,
            });
        };
        answer
    }

    async fn sent(&self, call: &Call) -> Result<Vec<u8>, Trouble> {
        let mut response = self.send(call, "application/json").await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(b"null".to_vec());
        }
        if !is_of_type(&response, "application/json") {
            return Err(Trouble::Answer(
                self.no_lifeboat("it answers something else than JSON"),
            ));
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= MOST => body.extend_from_slice(&chunk),
                Ok(Some(_)) => {
                    return Err(Trouble::Answer(BackendError::Failed(format!(
                        "{} answered more than {} MiB: that is no answer of Lifeboat",
                        self.access.address(),
                        MOST >> 20
                    ))));
                }
                Ok(None) => return Ok(body),
                Err(error) => {
                    return Err(Trouble::Silence {
                        why: self.broke(&error),
                        sent: true,
                    });
                }
            }
        }
    }

    /// Sends a question, and gives the answer's head if it is a good one.
    async fn send(&self, call: &Call, accept: &str) -> Result<Response, Trouble> {
        let mut is_second = false;
        loop {
            let cannot = |why| Trouble::Answer(BackendError::OutOfReach(why));
            let client = self.access.client().await.map_err(cannot)?;
            let token = self.access.token().await.map_err(cannot)?;
            let path: Vec<_> = call.path.iter().map(String::as_str).collect();
            let mut request = client
                .request(call.method.clone(), self.access.url(&path, &call.query))
                .header(ACCEPT, accept);
            if let Some(token) = &token {
                request = request.header(AUTHORIZATION, token);
            }
            if let Some(key) = &call.key {
                request = request.header(KEY, key);
            }
            if let Some(body) = &call.body {
                request = request
                    .header(CONTENT_TYPE, "application/json")
                    .body(body.clone());
            }
            let response = request
                .send()
                .await
                .map_err(|error| match self.distrust(&error) {
                    Some(why) => Trouble::Distrust(why),
                    None => Trouble::Silence {
                        why: self.broke(&error),
                        sent: !error.is_connect(),
                    },
                })?;
            if response.status().is_success() {
                return Ok(response);
            }
            if response.status() == StatusCode::UNAUTHORIZED {
                let is_newer = self.access.refused(token.as_ref());
                // A token that somebody has renewed meanwhile is tried at once.
                if !is_second && (is_newer || token.is_some()) && self.has_other_token(token.as_ref()).await {
                    is_second = true;
                    continue;
                }
                return Err(Trouble::Answer(BackendError::OutOfReach(self.access.log_in())));
            }
            return Err(self.error_of(response).await);
        }
    }

    async fn has_other_token(&self, refused: Option<&reqwest::header::HeaderValue>) -> bool {
        matches!(self.access.token().await, Ok(token) if token.as_ref() != refused)
    }

    /// Opens the stream of events.
    pub(super) async fn stream(&self, last_id: Option<&str>) -> Result<Response, String> {
        let client = self.access.client().await?;
        let token = self.access.token().await?;
        let mut request = client
            .get(self.access.url(&["events"], &[]))
            .header(ACCEPT, "text/event-stream");
        if let Some(token) = &token {
            request = request.header(AUTHORIZATION, token);
        }
        if let Some(id) = last_id {
            request = request.header("Last-Event-ID", id);
        }
        let response = request.send().await.map_err(|error| self.broke(&error))?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.access.refused(token.as_ref());
            return Err(self.access.log_in());
        }
        if !response.status().is_success() {
            return Err(match self.error_of(response).await {
                Trouble::Answer(error) | Trouble::NoRoute(error) => error.to_string(),
                Trouble::Silence { why, .. } | Trouble::Later { why, .. } | Trouble::Distrust(why) => why,
            });
        }
        if !is_of_type(&response, "text/event-stream") {
            return Err(self.no_lifeboat("it tells of no events").to_string());
        }
        Ok(response)
    }

    /// What an answer that is no good one means.
    async fn error_of(&self, mut response: Response) -> Trouble {
        let status = response.status();
        let address = self.access.address();
        let after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        if is_of_type(&response, problem::MEDIA_TYPE) {
            let mut body = Vec::new();
            while let Ok(Some(chunk)) = response.chunk().await {
                body.extend_from_slice(&chunk);
                if body.len() > 1 << 20 {
                    break;
                }
            }
            let Ok(problem) = serde_json::from_slice::<Problem>(&body) else {
                return Trouble::Silence {
                    why: format!("{address} answered {status}, and what it said about it did not arrive"),
                    sent: true,
                };
            };
            let wait = problem
                .retry_after
                .map(|seconds| Duration::from_secs(seconds.into()))
                .or(after);
            let is_later = wait.is_some()
                || status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::SERVICE_UNAVAILABLE;
            return if is_later {
                Trouble::Later {
                    why: format!("{address} asks to wait: {}", problem.detail),
                    wait,
                }
            } else if problem.is_of_no_route() {
                Trouble::NoRoute(problem.into_error())
            } else {
                Trouble::Answer(problem.into_error())
            };
        }
        match status {
            // Something that stands before the service says that it does not reach it.
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Trouble::Silence {
                    why: format!(
                        "{address} answered {status}: what stands before the service does not reach it"
                    ),
                    sent: true,
                }
            }
            StatusCode::NOT_FOUND => {
                Trouble::Answer(self.no_lifeboat("it does not know what it was asked for"))
            }
            status if status.is_redirection() => {
                let to = response.headers().get(LOCATION);
                let to = to.and_then(|to| to.to_str().ok()).unwrap_or("somewhere else");
                Trouble::Answer(BackendError::OutOfReach(format!(
                    "{address} leads on to {to}: write the address of the service itself in the configuration"
                )))
            }
            status => Trouble::Answer(BackendError::Failed(format!(
                "{address} answered {status} without saying why: look at the log of the service"
            ))),
        }
    }

    fn no_lifeboat(&self, why: &str) -> BackendError {
        BackendError::OutOfReach(format!(
            "{} is no Lifeboat service, or one that is too old for this Lifeboat, version {} ({why}): check the address",
            self.access.address(),
            env!("CARGO_PKG_VERSION")
        ))
    }

    /// What is wrong with the service's certificate, where that is why there was no answer.
    fn distrust(&self, error: &reqwest::Error) -> Option<String> {
        let trust = format!(
            "name the certificate of its issuer as ca_file in the context \"{}\", or as `lifeboat login --ca-file` where \
             that is a new one",
            self.access.context()
        );
        Distrust::of(error, self.access.address(), &trust).map(|distrust| distrust.to_string())
    }

    /// Why there was no answer, with the innermost cause: reqwest's own text leaves it out.
    pub(super) fn broke(&self, error: &reqwest::Error) -> String {
        if let Some(why) = self.distrust(error) {
            return why;
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let address = self.access.address();
        if error.is_connect() && error.is_timeout() {
            format!(
                "{address} does not answer (no connection within {} seconds): check the address and the network",
                self.pace.connect.as_secs()
            )
        } else if error.is_connect() {
            format!("{address} does not answer ({cause}): check the address and the network")
        } else {
            format!("the connection to {address} broke ({cause})")
        }
    }
}

fn is_of_type(response: &Response, media_type: &str) -> bool {
    let given = response.headers().get(CONTENT_TYPE);
    let given = given.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = given.split(';').next().unwrap_or_default().trim();
    given.eq_ignore_ascii_case(media_type)
}
