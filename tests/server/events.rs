//! Event streams: what they tell, where they go on, and when they end.

use std::time::Duration;

use lifeboat::domain::token::Role;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::house::{House, Token, answered};

/// Nothing here takes longer, unless something is wrong.
const LONG: Duration = Duration::from_mins(1);

/// A stream, read event by event.
struct Listener {
    answer: reqwest::Response,
    text: String,
}

#[derive(Debug)]
struct Heard {
    id: String,
    event: String,
    data: Value,
}

impl Listener {
    async fn open(house: &House, token: &Token, last: Option<&str>) -> Self {
        let mut request = house.request(Method::GET, "/events", Some(token));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut listener = Self {
            answer,
            text: String::new(),
        };
        // The greeting comes at once, so from here on nothing is missed.
        listener.block().await.unwrap();
        listener
    }

    /// The lines up to the next empty one; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = tokio::time::timeout(LONG, self.answer.chunk())
                .await
                .unwrap()
                .ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn next(&mut self) -> Option<Heard> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let mut lines = block.lines();
                lines
                    .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                    .map(str::to_owned)
            };
            if let Some(data) = field("data") {
                return Some(Heard {
                    id: field("id").unwrap(),
                    event: field("event").unwrap(),
                    data: serde_json::from_str(&data).unwrap(),
                });
            }
        }
    }

    async fn until(&mut self, wanted: impl Fn(&Heard) -> bool) -> Heard {
        loop {
            let heard = self.next().await.expect("the stream ended");
            if wanted(&heard) {
                return heard;
            }
        }
    }
}

fn hold(heard: &Heard) -> bool {
    heard.event == "environment" && heard.data["name"] == "acme/live"
}

async fn protect(house: &House, token: &Token, on: bool) {
    let path = "/environments/acme/live/holds/protection";
    assert_eq!(
        house
            .send(Method::PUT, path, token, &json!({ "on": on }))
            .await
            .status,
        204
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_followed_and_a_stream_goes_on_where_it_was_cut() {
    let house = House::new().await;
    let owner = house.owner().await;
    let mut first = Listener::open(&house, &owner, None).await;
    house.backup(&owner).await;
    let begun = first.until(|heard| heard.event == "job").await;
    assert_eq!(begun.data["environment"], "acme/live");
    let ended = first
        .until(|heard| heard.event == "job" && heard.data["state"] == "done")
        .await;
    drop(first);
    // What happens while nobody listens is heard afterwards, from the last event on.
    protect(&house, &owner, true).await;
    let mut second = Listener::open(&house, &owner, Some(&ended.id)).await;
    let told = second.until(|heard| heard.event != "environment").await;
    assert_eq!(told.event, "notification");
    second.until(hold).await;
    // From before the job: all of it again.
    let mut third = Listener::open(&house, &owner, Some(&begun.id)).await;
    let again = third
        .until(|heard| heard.event == "job" && heard.data["state"] == "done")
        .await;
    assert_eq!(again.id, ended.id);
    for lost in ["000000000000-1", "nonsense"] {
        let mut stream = house
            .request(Method::GET, "/events", Some(&owner))
            .header("last-event-id", lost)
            .send()
            .await
            .unwrap();
        let chunk = stream.chunk().await.unwrap().unwrap();
        assert!(
            std::str::from_utf8(&chunk).unwrap().contains("event: missed"),
            "{lost}: {chunk:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_token_hears_of_its_project_only() {
    let house = House::new().await;
    let owner = house.owner().await;
    let globex = house.token("gina", Role::Viewer, &["globex"]).await;
    let mut theirs = Listener::open(&house, &globex, None).await;
    protect(&house, &owner, true).await;
    let path = "/environments/globex/live/holds/protection";
    house
        .send(Method::PUT, path, &owner, &json!({ "on": true }))
        .await;
    let heard = theirs.until(|heard| heard.event != "missed").await;
    assert!(
        heard.data.to_string().contains("globex") && !heard.data.to_string().contains("acme"),
        "{heard:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_token_does() {
    let house = House::new().await;
    let owner = house.owner().await;
    let viewer = house.token("vera", Role::Viewer, &[]).await;
    let mut theirs = Listener::open(&house, &viewer, None).await;
    let mut mine = Listener::open(&house, &owner, None).await;
    assert_eq!(house.server.as_ref().unwrap().open_streams(), 2);
    let now = chrono::Utc::now();
    assert!(
        house
            .engine
            .on_catalog(move |catalog| catalog.revoke_token("vera", now))
            .await
            .unwrap()
    );
    while theirs.next().await.is_some() {}
    let refused = answered(house.request(Method::GET, "/events", Some(&viewer))).await;
    assert_eq!(refused.status, 401);
    protect(&house, &owner, true).await;
    mine.until(hold).await;
    assert_eq!(house.server.as_ref().unwrap().open_streams(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_has_as_many_streams_as_it_may() {
    let house = House::with("limits = { streams_per_token = 1 }", "").await;
    let owner = house.owner().await;
    let mine = Listener::open(&house, &owner, None).await;
    let second = answered(house.request(Method::GET, "/events", Some(&owner))).await;
    assert_eq!((second.status, second.kind().as_str()), (429, "too_many_streams"));
    drop(mine);
}

/// Somebody who opens a stream and does not read it holds up nobody, and is told what was missed.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_told_that_events_are_lost() {
    let house = House::new().await;
    let owner = house.owner().await;
    let address = house.server.as_ref().unwrap().address();
    let socket = TcpSocket::new_v4().unwrap();
    // Little room on this side, so that the service meets the end of it soon.
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut slow = socket.connect(address).await.unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        owner.0
    );
    slow.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 64];
    slow.read_exact(&mut head).await.unwrap();
    let mut quick = Listener::open(&house, &owner, None).await;
    let listening = tokio::spawn(async move {
        let last = |heard: &Heard| {
            heard.data["text"]
                .as_str()
                .is_some_and(|text| text.contains("no longer"))
        };
        let mut missed = 0;
        loop {
            let told = quick.next().await.expect("the stream ended");
            missed += u32::from(told.event == "missed");
            if last(&told) {
                return missed;
            }
        }
    });
    // More than the ring and the system's buffers hold.
    let reason = "x".repeat(900);
    let path = "/environments/acme/live/holds/protection";
    let engine = house.engine.clone();
    for _ in 0..1_500 {
        use lifeboat::backend::Backend;
        let request = lifeboat::domain::request::HoldRequest {
            environment: "acme/live".parse().unwrap(),
            hold: lifeboat::domain::request::HoldKind::Protection,
            on: true,
            reason: Some(reason.clone()),
        };
        engine.hold(request).await.unwrap();
    }
    house
        .send(Method::PUT, path, &owner, &json!({ "on": false }))
        .await;
    assert_eq!(listening.await.unwrap(), 0);
    let mut text = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    while !String::from_utf8_lossy(&text).contains("event: missed") {
        let read = tokio::time::timeout(LONG, slow.read(&mut buffer))
            .await
            .unwrap()
            .unwrap();
        assert!(read > 0);
        text.drain(..text.len().saturating_sub(64));
        text.extend_from_slice(&buffer[..read]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_and_goes_has_not_ended_early() {
    let house = House::new().await;
    let owner = house.owner().await;
    let address = house.server.as_ref().unwrap().address();
    let open = async |head: String| {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    };
    let ask = |what: &str| {
        format!(
            "{what} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n",
            owner.0
        )
    };

    // As a verb that follows a job: it listens until it has heard enough.
    let mut listens = open(ask("GET /api/v1/events") + "\r\n").await;
    let mut heard = String::new();
    while !heard.contains("\n\n") || !heard.contains("text/event-stream") {
        let mut buffer = [0; 1024];
        let read = listens.read(&mut buffer).await.unwrap();
        assert!(read > 0, "{heard}");
        heard.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    drop(listens);
    // The service knows that it has gone, and has nothing to say of that.
    let gone = tokio::time::timeout(LONG, async {
        loop {
            let metrics = answered(house.request(Method::GET, "/metrics", Some(&owner))).await;
            while let Ok(line) = house.lines.lock().await.try_recv() {
                assert!(!line.contains("ended early"), "{line}");
            }
            if metrics.text.contains("lifeboat_event_streams_open 0") {
                return;
            }
        }
    });
    gone.await.unwrap();
}
