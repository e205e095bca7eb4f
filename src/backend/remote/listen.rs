//! Listens to the events of a service for as long as the backend is held: through cut connections, silence and
//! restarts, and tells how the link stands meanwhile.

use std::sync::Arc;

use super::Shared;
use super::feed::Feed;
use crate::backend::link::Link;
use crate::domain::Instant;
use crate::domain::event::Event;

/// The attempts since the link went down.
struct Down {
    since: Instant,
    attempt: u32,
}

/// Listens until the task is ended.
pub(super) async fn listen(shared: Arc<Shared>) {
    let mut listener = Listener {
        shared,
        last_id: None,
        has_heard: false,
        down: None,
    };
    loop {
        let why = listener.follow().await;
        listener.wait(why).await;
    }
}

struct Listener {
    shared: Arc<Shared>,
    /// The id of the last event that came whole.
    last_id: Option<String>,
    /// Whether a stream has been open before.
    has_heard: bool,
    down: Option<Down>,
}

impl Listener {
    /// Opens a stream and passes its events on. Returns why it has ended.
    async fn follow(&mut self) -> String {
        if let Err(error) = self.shared.greet().await {
            return error.to_string();
        }
        let limit = self.shared.pace.silence;
        let opening = self.shared.stream(self.last_id.as_deref());
        let mut response = match tokio::time::timeout(limit, opening).await {
            Ok(Ok(response)) => response,
            Ok(Err(why)) => return why,
            Err(_) => return self.silence(),
        };
        // A suspicion from before is settled now.
        let suspected = self.shared.suspected.notified();
        tokio::pin!(suspected);
        self.down = None;
        self.shared.link.send_replace(Link::Up);
        if self.has_heard && self.last_id.is_none() {
            // Without a place to go on from, nobody knows what has happened meanwhile.
            self.tell(Event::Missed);
        }
        self.has_heard = true;
        let mut feed = Feed::after(self.last_id.take());
        let why = loop {
            let chunk = tokio::select! {
                chunk = tokio::time::timeout(limit, response.chunk()) => chunk,
                () = &mut suspected => break format!("{} does not answer", self.shared.access.address()),
            };
            match chunk {
                Err(_) => break self.silence(),
                Ok(Ok(Some(bytes))) => match feed.push(&bytes) {
                    Ok(events) => events.into_iter().for_each(|event| self.tell(event)),
                    Err(_) => break "an event of the service has no end".to_owned(),
                },
                Ok(Ok(None)) => break format!("{} has ended the connection", self.shared.access.address()),
                Ok(Err(error)) => break self.shared.broke(&error),
            }
        };
        self.last_id = feed.last_id;
        // What is on the other side after a break may be another version.
        self.shared.forget_greeting().await;
        why
    }

    fn silence(&self) -> String {
        format!(
            "nothing has come from {} for {} seconds",
            self.shared.access.address(),
            self.shared.pace.silence.as_secs()
        )
    }

    /// Nobody listening is no error.
    fn tell(&self, event: Event) {
        let _ = self.shared.events.send(event);
    }

    /// Waits until it is time for the next attempt, or until something else has been answered.
    async fn wait(&mut self, why: String) {
        let now = (self.shared.clock)();
        let down = self.down.get_or_insert(Down {
            since: now,
            attempt: 0,
        });
        down.attempt = down.attempt.saturating_add(1);
        let wait = self.shared.pace.wait(down.attempt, self.shared.chance());
        let tell = |next_try| {
            self.shared.link.send_replace(Link::Down {
                since: down.since,
                attempt: down.attempt,
                next_try,
                why: why.clone(),
            });
        };
        let until = chrono::Duration::from_std(wait).unwrap_or_default();
        tell(Some(now + until));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.shared.answered.notified() => {}
        }
        tell(None);
    }
}
