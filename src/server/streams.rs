//! Event streams that are open: how many each token has, when they end, and what they send.
//!
//! A stream ends when its token is revoked or expires, and when the service stops. What it sends comes out of
//! [`super::events`]; a comment now and then keeps the connection alive and finds out that the other side has gone.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant as Monotonic;

use super::events::{Events, Place};
use super::tokens::Hash;

/// How long a stream is silent at most.
const BEAT: Duration = Duration::from_secs(15);

/// The streams that are open.
#[derive(Default)]
pub(super) struct Streams {
    sessions: Mutex<HashMap<Hash, Session>>,
    open: AtomicU64,
}

struct Session {
    streams: u32,
    end: watch::Sender<bool>,
}

/// One stream's place in the books. It is free again when this is dropped.
pub(super) struct Opened {
    streams: Arc<Streams>,
    token: Hash,
    end: watch::Receiver<bool>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.streams.open.fetch_sub(1, Ordering::Relaxed);
        let mut sessions = self.streams.sessions.lock();
        if let Some(session) = sessions.get_mut(&self.token) {
            session.streams -= 1;
            if session.streams == 0 {
                sessions.remove(&self.token);
            }
        }
    }
}

impl Streams {
    /// Opens a stream for a token. `None` when it has as many as it may.
    pub(super) fn open(self: &Arc<Self>, token: Hash, at_most: u32) -> Option<Opened> {
        let mut sessions = self.sessions.lock();
        let session = sessions.entry(token).or_insert_with(|| Session {
            streams: 0,
            end: watch::Sender::new(false),
        });
        if session.streams >= at_most {
            return None;
        }
        session.streams += 1;
        self.open.fetch_add(1, Ordering::Relaxed);
        Some(Opened {
            streams: Arc::clone(self),
            token,
            end: session.end.subscribe(),
        })
    }

    /// How many are open.
    pub(super) fn count(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// The tokens that have streams open.
    pub(super) fn tokens(&self) -> Vec<Hash> {
        let sessions = self.sessions.lock();
        sessions.keys().copied().collect()
    }

    /// Ends the streams of a token.
    pub(super) fn end(&self, token: &Hash) {
        let sessions = self.sessions.lock();
        if let Some(session) = sessions.get(token) {
            session.end.send_replace(true);
        }
    }

    /// Ends all of them.
    pub(super) fn end_all(&self) {
        for token in self.tokens() {
            self.end(&token);
        }
    }
}

/// One stream, as it is sent.
pub(super) struct Stream {
    opened: Opened,
    events: Arc<Events>,
    newest: watch::Receiver<u64>,
    place: Place,
    projects: Vec<String>,
    waiting: VecDeque<Bytes>,
    beat: Monotonic,
    has_ended: bool,
}

impl Stream {
    /// A stream for somebody who may see these projects (none: all of them), from the event after `last_event_id` on.
    pub(super) fn new(
        opened: Opened,
        events: Arc<Events>,
        projects: Vec<String>,
        last_event_id: Option<&str>,
    ) -> Self {
        let newest = events.watch();
        let (place, greeting) = events.begin(last_event_id);
        Self {
            opened,
            newest,
            place,
            projects,
            waiting: VecDeque::from([greeting]),
            beat: Monotonic::now() + BEAT,
            has_ended: false,
            events,
        }
    }

    /// As the body of an answer.
    pub(super) fn into_body(self) -> Body {
        Body::from_stream(futures_util::stream::unfold(self, Self::next))
    }

    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            if let Some(text) = self.waiting.pop_front() {
                return Some((Ok(text), self));
            }
            if self.has_ended {
                return None;
            }
            self.newest.borrow_and_update();
            self.events
                .take(&mut self.place, &self.projects, &mut self.waiting);
            if !self.waiting.is_empty() {
                self.beat = Monotonic::now() + BEAT;
                continue;
            }
            tokio::select! {
                changed = self.newest.changed() => self.has_ended = changed.is_err(),
                _ = self.opened.end.wait_for(|end| *end) => {
                    self.has_ended = true;
                    self.waiting.push_back(Bytes::from_static(b": this stream ends here, connect again\n\n"));
                }
                () = tokio::time::sleep_until(self.beat) => {
                    self.beat = Monotonic::now() + BEAT;
                    self.waiting.push_back(Bytes::from_static(b": still here\n\n"));
                }
            }
        }
    }
}
