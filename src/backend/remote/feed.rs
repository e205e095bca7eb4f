//! Reads server-sent events out of the bytes of a stream, however they are cut. Pure.

use crate::domain::event::Event;

/// No event of the service is nearly as large. A stream that sends more without an end is not the service's.
const MOST: usize = 4 << 20;

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Feed {
    line: Vec<u8>,
    data: String,
    id: Option<String>,
    /// The id of the last event that came whole.
    pub(super) last_id: Option<String>,
}

/// The stream is longer than any event is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Feed {
    /// A feed that goes on after an event.
    pub(super) fn after(last_id: Option<String>) -> Self {
        Self {
            last_id,
            ..Self::default()
        }
    }

    /// Takes bytes in, and gives the events that are whole now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                let line = line.strip_suffix(b"\r").unwrap_or(&line);
                events.extend(self.taken(&String::from_utf8_lossy(line)));
            } else {
                self.line.push(*byte);
            }
            if self.line.len() + self.data.len() > MOST {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    fn taken(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            return self.ended();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "id" => self.id = Some(value.to_owned()),
            // A comment has no name; what else there is, is not needed: the data says what kind of event it is.
            _ => {}
        }
        None
    }

    /// An event is whole. Its id counts from now on, and not before: one that was cut is sent once more.
    fn ended(&mut self) -> Option<Event> {
        if let Some(id) = self.id.take() {
            self.last_id = Some(id);
        }
        if self.data.is_empty() {
            return None;
        }
        let data = std::mem::take(&mut self.data);
        // One that a newer service has and this cockpit does not know: something has changed all the same.
        Some(serde_json::from_str(&data).unwrap_or(Event::Missed))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::environment::EnvironmentName;

    const STREAM: &str = "retry: 1000\nid: e-1\n\n: still here\n\nid: e-2\r\nevent: environment\r\ndata: {\"event\":\"environment\",\r\ndata: \"name\":\"acme/live\"}\r\n\r\nid: e-3\nevent: soon\ndata: {\"event\":\"soon\"}\n\nid: e-4\nevent: missed\ndata: {\"event\":";

    fn changed() -> Event {
        Event::Environment {
            name: EnvironmentName::new("acme", "live").unwrap(),
        }
    }

    #[test]
    fn an_event_that_is_cut_does_not_count() {
        let mut feed = Feed::after(Some("e-0".to_owned()));
        let events = feed.push(STREAM.as_bytes()).unwrap();
        assert_eq!(events, [changed(), Event::Missed]);
        assert_eq!(feed.last_id.as_deref(), Some("e-3"));
    }

    #[test]
    fn a_stream_without_an_end_is_given_up() {
        let mut feed = Feed::default();
        let much = vec![b'x'; MOST];
        assert_eq!(feed.push(&much).unwrap(), []);
        assert_eq!(feed.push(b"xx"), Err(TooLong));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_does_not_matter_where_a_stream_is_cut(cuts in proptest::collection::vec(1_usize..40, 1..40)) {
            let mut feed = Feed::default();
            let mut rest = STREAM.as_bytes();
            let mut events = Vec::new();
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                events.extend(feed.push(now).unwrap());
                rest = later;
            }
            events.extend(feed.push(rest).unwrap());
            prop_assert_eq!(events, vec![changed(), Event::Missed]);
            prop_assert_eq!(feed.last_id.as_deref(), Some("e-3"));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
            let _ = Feed::default().push(&bytes);
        }
    }
}
