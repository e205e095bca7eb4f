//! The events of this node, numbered and kept for a while, so that a client that was cut off goes on where it left off.
//!
//! Every event is turned into text once, whoever listens. A stream holds no queue of its own: it has a place in the
//! ring and reads from there at its own pace, so a thousand slow readers take no more memory than a thousand quick ones.
//! Who falls out of the ring is told that events were missed. The numbers count for one run of one node; the epoch in
//! every id says which.

use std::collections::VecDeque;
use std::fmt::Write as _;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::domain::event::Event;

/// How many events are kept for those who fall behind.
const KEPT: usize = 2_048;
/// How many are taken from the ring at once: a stream holds at most so many.
const AT_ONCE: usize = 16;

/// The events of this node.
pub(super) struct Events {
    epoch: String,
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Ring {
    /// The number of the newest event; events count from 1.
    newest: u64,
    kept: VecDeque<Kept>,
}

struct Kept {
    audience: Audience,
    text: Bytes,
}

/// Who may see an event.
enum Audience {
    Everybody,
    /// Those who may see the project.
    Project(String),
    /// Those who may see every project.
    Unlimited,
}

impl Audience {
    fn has(&self, projects: &[String]) -> bool {
        match self {
            Self::Everybody => true,
            Self::Project(project) => projects.is_empty() || projects.contains(project),
            Self::Unlimited => projects.is_empty(),
        }
    }

    fn of(event: &Event) -> Self {
        let environment = match event {
            Event::Job(job) => Some(&job.environment),
            Event::Environment { name } => Some(name),
            Event::Summary(summary) => Some(&summary.name),
            Event::Notification(notification) => notification.environment.as_ref(),
            Event::Missed => return Self::Everybody,
        };
        environment.map_or(Self::Unlimited, |name| Self::Project(name.project().to_owned()))
    }
}

/// A stream's place in the ring: the number of the last event that it has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u64);

impl Events {
    /// An empty ring. `epoch` has to be another one in every run and on every node.
    pub(super) fn new(epoch: String) -> Self {
        Self {
            epoch,
            ring: Mutex::default(),
            newest: watch::Sender::new(0),
        }
    }

    /// Adds an event and wakes the streams.
    pub(super) fn add(&self, event: &Event) {
        let mut ring = self.ring.lock();
        ring.newest += 1;
        let number = ring.newest;
        let text = self.text(event, number);
        ring.kept.push_back(Kept {
            audience: Audience::of(event),
            text,
        });
        if ring.kept.len() > KEPT {
            ring.kept.pop_front();
        }
        drop(ring);
        self.newest.send_replace(number);
    }

    /// Tells the number of the newest event whenever there is a new one.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Where a stream begins: after the event that the client has had last, or with what comes from now on. The text is
    /// what to send first; it says so when events in between are lost.
    pub(super) fn begin(&self, last_event_id: Option<&str>) -> (Place, Bytes) {
        let ring = self.ring.lock();
        let mut greeting = "retry: 1000\n".to_owned();
        let resumed = last_event_id.map(|id| self.number(id).filter(|number| ring.still_has(*number)));
        let place = match resumed {
            Some(Some(number)) => number,
            Some(None) => {
                greeting.push_str(&missed());
                ring.newest
            }
            None => ring.newest,
        };
        // Writing to a String does not fail.
        let _ = write!(greeting, "id: {}-{place}\n\n", self.epoch);
        (Place(place), greeting.into())
    }

    /// Takes the next events for somebody who may see these projects (none: all of them). After this `place` is behind
    /// them.
    pub(super) fn take(&self, place: &mut Place, projects: &[String], into: &mut VecDeque<Bytes>) {
        let ring = self.ring.lock();
        if !ring.still_has(place.0) {
            place.0 = ring.newest;
            into.push_back(format!("{}id: {}-{}\n\n", missed(), self.epoch, ring.newest).into());
            return;
        }
        let behind = usize::try_from(ring.newest - place.0).unwrap_or(usize::MAX);
        let from = ring.kept.len().saturating_sub(behind);
        for kept in ring.kept.iter().skip(from) {
            if into.len() >= AT_ONCE {
                return;
            }
            place.0 += 1;
            if kept.audience.has(projects) {
                into.push_back(kept.text.clone());
            }
        }
    }

    /// The number in an id of this run of this node.
    fn number(&self, id: &str) -> Option<u64> {
        let (epoch, number) = id.rsplit_once('-')?;
        (epoch == self.epoch).then(|| number.parse().ok())?
    }

    fn text(&self, event: &Event, number: u64) -> Bytes {
        let name = match event {
            Event::Job(_) => "job",
            Event::Environment { .. } => "environment",
            Event::Summary(_) => "summary",
            Event::Notification(_) => "notification",
            Event::Missed => "missed",
        };
        let data = serde_json::to_string(event).unwrap_or_else(|_| r#"{"event":"missed"}"#.to_owned());
        format!("id: {}-{number}\nevent: {name}\ndata: {data}\n\n", self.epoch).into()
    }
}

impl Ring {
    /// Whether everything after this event is still there.
    fn still_has(&self, number: u64) -> bool {
        let oldest = self.newest
            - u64::try_from(self.kept.len())
                .unwrap_or(u64::MAX)
                .min(self.newest);
        (oldest..=self.newest).contains(&number)
    }
}

/// The lines of an event that says that others are lost, without its id and its end.
fn missed() -> String {
    "event: missed\ndata: {\"event\":\"missed\"}\n".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::environment::EnvironmentName;

    fn changed(project: &str) -> Event {
        Event::Environment {
            name: EnvironmentName::new(project, "live").unwrap(),
        }
    }

    fn taken(events: &Events, place: &mut Place, projects: &[String]) -> Vec<String> {
        let mut texts = VecDeque::new();
        events.take(place, projects, &mut texts);
        texts
            .iter()
            .map(|text| String::from_utf8(text.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn a_stream_goes_on_where_it_left_off() {
        let events = Events::new("e1".to_owned());
        events.add(&changed("acme"));
        events.add(&changed("globex"));
        let (mut place, greeting) = events.begin(Some("e1-1"));
        assert!(!greeting.windows(6).any(|part| part == b"missed"));
        assert_eq!(
            taken(&events, &mut place, &[]),
            ["id: e1-2\nevent: environment\ndata: {\"event\":\"environment\",\"name\":\"globex/live\"}\n\n"]
        );
        assert!(taken(&events, &mut place, &[]).is_empty());
    }

    #[test]
    fn what_is_lost_is_told() {
        let events = Events::new("e1".to_owned());
        events.add(&changed("acme"));
        for id in ["e0-1", "e1-7", "e1-", "nonsense", ""] {
            let (place, greeting) = events.begin(Some(id));
            assert_eq!(place, Place(1), "{id}");
            assert!(greeting.starts_with(b"retry: 1000\nevent: missed\n"), "{id}");
        }
        let (mut slow, _) = events.begin(None);
        for _ in 0..KEPT {
            events.add(&changed("acme"));
        }
        assert_eq!(taken(&events, &mut slow, &[]).len(), AT_ONCE);
        let mut slow = Place(1);
        events.add(&changed("acme"));
        let told = taken(&events, &mut slow, &[]);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("event: missed"), "{told:?}");
        assert!(taken(&events, &mut slow, &[]).is_empty());
    }

    #[test]
    fn projects_are_kept_apart() {
        let events = Events::new("e1".to_owned());
        let (mut place, _) = events.begin(None);
        for project in ["acme", "globex", "acme"] {
            events.add(&changed(project));
        }
        events.add(&Event::Missed);
        let seen = taken(&events, &mut place, &["globex".to_owned()]);
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert!(seen[0].contains("globex/live") && seen[1].contains("event: missed"));
    }
}
