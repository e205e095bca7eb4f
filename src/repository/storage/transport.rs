//! HTTP to object storage: gives up a connection on which nothing moves, and keeps to a bandwidth.
//!
//! A time limit for a whole request would have to be long enough for the slowest line; a storage that is dead would
//! then hold a backup up for minutes. So it is not the request that has a limit but the silence in it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport};
use parking_lot::Mutex;
use tokio::time::{sleep, timeout};

use crate::certificates::Distrust;

/// How much is handed to the connection at a time.
const PORTION: usize = 64 << 10;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    client: reqwest::Client,
    silence: Duration,
    pace: Arc<Pace>,
}

impl Transport {
    pub(super) fn new(client: reqwest::Client, silence: Duration, bandwidth: Option<u64>) -> Self {
        Self {
            client,
            silence,
            pace: Arc::new(Pace {
                bandwidth,
                free_at: Mutex::new(Instant::now()),
            }),
        }
    }

    async fn ask(&self, request: Request<Buffer>) -> Result<Response<HttpBody>, Error> {
        let (parts, body) = request.into_parts();
        let moved = Arc::new(Moved(Mutex::new(Instant::now())));
        let mut asked = self
            .client
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers);
        if !body.is_empty() {
            asked = asked.body(reqwest::Body::wrap_stream(self.portions(body, &moved)));
        }
        let mut answer = self.while_it_moves(&moved, asked.send()).await?;
        let mut response = Response::builder()
            .status(answer.status())
            // The service looks up what it had asked for in here.
            .extension(parts.uri);
        if let Some(headers) = response.headers_mut() {
            *headers = answer.headers().clone();
        }
        let mut content = Vec::new();
        while let Some(portion) = self.while_it_moves(&moved, answer.chunk()).await? {
            self.pace.keep(portion.len(), &moved).await;
            moved.now();
            content.push(portion);
        }
        let content = Buffer::from(content);
        let length = content.len() as u64;
        response
            .body(HttpBody::new(
                stream::iter([Ok::<_, Error>(content)]),
                Some(length),
            ))
            .map_err(|error| Error::new(ErrorKind::Unexpected, "the answer is not one").set_source(error))
    }

    /// A body in portions, each at its time.
    fn portions(
        &self,
        body: Buffer,
        moved: &Arc<Moved>,
    ) -> impl stream::Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
        let (pace, moved) = (Arc::clone(&self.pace), Arc::clone(moved));
        stream::unfold((body, pace, moved), |(mut body, pace, moved)| async move {
            if body.is_empty() {
                return None;
            }
            let rest = body.split_off(PORTION.min(body.len()));
            let portion = body.to_bytes();
            pace.keep(portion.len(), &moved).await;
            moved.now();
            Some((Ok(portion), (rest, pace, moved)))
        })
    }

    /// Waits for something for as long as bytes move.
    async fn while_it_moves<T>(
        &self,
        moved: &Moved,
        what: impl Future<Output = reqwest::Result<T>>,
    ) -> Result<T, Error> {
        moved.now();
        let mut what = pin!(what);
        loop {
            let left = self.silence.saturating_sub(moved.last().elapsed());
            match timeout(left, &mut what).await {
                Ok(result) => return result.map_err(|error| unanswered(&error)),
                Err(_) if moved.last().elapsed() >= self.silence => {
                    let text = format!("nothing moved on the connection for {} s", self.silence.as_secs());
                    return Err(Error::new(ErrorKind::Unexpected, text).set_temporary());
                }
                Err(_) => {}
            }
        }
    }
}

impl HttpTransport for Transport {
    async fn fetch(&self, request: Request<Buffer>) -> Result<Response<HttpBody>, Error> {
        self.ask(request).await
    }
}

/// Why there was no answer, with the innermost cause: reqwest's own text leaves it out.
fn unanswered(error: &reqwest::Error) -> Error {
    let host = error
        .url()
        .and_then(reqwest::Url::host_str)
        .unwrap_or("its address");
    let trust = "name the certificate of its issuer as ca_file in [repository.options]";
    if let Some(distrust) = Distrust::of(error, &format!("the object storage at {host}"), trust) {
        // No better the next time, and told by its type further up.
        return Error::new(ErrorKind::Unexpected, distrust.to_string()).set_source(distrust);
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = if error.is_connect() {
        format!("no connection: {cause}")
    } else {
        format!("the connection broke: {cause}")
    };
    // What cannot be sent at all (an address that is none) is no better the next time.
    Error::new(ErrorKind::Unexpected, text).with_temporary(!error.is_builder())
}

/// When bytes last moved.
#[derive(Debug)]
struct Moved(Mutex<Instant>);

impl Moved {
    fn now(&self) {
        *self.0.lock() = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock()
    }
}

/// The bandwidth, shared by all connections: each portion books the time that it takes.
#[derive(Debug)]
struct Pace {
    bandwidth: Option<u64>,
    free_at: Mutex<Instant>,
}

impl Pace {
    async fn keep(&self, bytes: usize, moved: &Moved) {
        let Some(bandwidth) = self.bandwidth else { return };
        let nanos = bytes as u128 * 1_000_000_000 / u128::from(bandwidth.max(1));
        let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let mut wait = {
            let mut free_at = self.free_at.lock();
            let now = Instant::now();
            *free_at = now.max(*free_at) + takes;
            *free_at - now
        };
        // Waiting for one's turn is no silence.
        while !wait.is_zero() {
            let slice = wait.min(Duration::from_secs(1));
            sleep(slice).await;
            moved.now();
            wait -= slice;
        }
    }
}
