//! A small service on loopback that answers for any backend as `lifeboat serve` does, and can be made to answer badly:
//! what a client meets when a network or a proxy is in the way.
#![allow(dead_code, reason = "each test program uses a part of it")]

mod http;
pub mod proxy;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::{Asked, Connection};
use lifeboat::backend::link::Link;
use lifeboat::backend::remote::{Pace, Remote, RemoteSettings};
use lifeboat::backend::{Backend, BackendError};
use lifeboat::domain::backup::BackupId;
use lifeboat::domain::environment::EnvironmentName;
use lifeboat::domain::event::Event;
use lifeboat::domain::job::JobId;
use lifeboat::domain::plan::PlanId;
use lifeboat::domain::refusal::Refusal;
use lifeboat::domain::request::{BackupRequest, HoldKind, HoldRequest, JobQuery, RestoreRequest};
use lifeboat::domain::settings::SecretSource;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The token that the service accepts.
pub const TOKEN: &str = "lb_a-token-for-tests";

/// A bad answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The connection is closed before anything is done.
    Closed,
    /// It is done, and the connection is closed before the answer.
    ClosedAfter,
    /// Nothing is answered, ever.
    Silence,
    /// These bytes are answered, and the connection is closed.
    Bytes(String),
}

/// What a request had that matters here.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub key: Option<String>,
    pub last_event_id: Option<String>,
}

/// The events so far, and how many there are.
struct Told {
    events: Mutex<Vec<String>>,
    count: watch::Sender<usize>,
}

struct Shared {
    backend: Arc<dyn Backend>,
    told: Told,
    faults: Mutex<VecDeque<(&'static str, Fault)>>,
    seen: Mutex<Vec<Seen>>,
    answered: Mutex<Vec<(String, u16, Value)>>,
    in_flight: AtomicUsize,
    network: watch::Receiver<Link>,
}

/// A running service.
pub struct Service {
    pub address: String,
    shared: Arc<Shared>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl Service {
    /// Serves a backend. While the backend's link is down, connections are cut and none is taken.
    pub async fn over(backend: Arc<dyn Backend>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mut events = backend.events();
        let shared = Arc::new(Shared {
            network: backend.link(),
            backend,
            told: Told {
                events: Mutex::default(),
                count: watch::Sender::new(0),
            },
            faults: Mutex::default(),
            seen: Mutex::default(),
            answered: Mutex::default(),
            in_flight: AtomicUsize::new(0),
        });
        let told = Arc::clone(&shared);
        let collecting = tokio::spawn(async move {
            while let Some(event) = events.next().await {
                told.told.add(&event);
            }
        });
        let serving = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if *serving.network.borrow() != Link::Up {
                    continue;
                }
                let (shared, mut network) = (Arc::clone(&serving), serving.network.clone());
                tokio::spawn(async move {
                    let mut connection = Connection::new(stream);
                    let cut = async move {
                        // Without anybody who could cut it, it is not cut.
                        if network.wait_for(|link| *link != Link::Up).await.is_err() {
                            std::future::pending::<()>().await;
                        }
                    };
                    tokio::select! {
                        () = serve(&shared, &mut connection) => {}
                        () = cut => {}
                    }
                });
            }
        });
        Self {
            address,
            shared,
            tasks: vec![collecting, accepting],
        }
    }

    /// Answers the next request whose path ends so badly.
    pub fn fail_next(&self, path: &'static str, fault: Fault) {
        self.shared.faults.lock().unwrap().push_back((path, fault));
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// How often something was asked for.
    pub fn count(&self, method: &str, path: &str) -> usize {
        let seen = self.seen();
        seen.iter()
            .filter(|seen| seen.method == method && seen.path.ends_with(path))
            .count()
    }

    /// Whether nothing is being answered right now.
    pub fn is_idle(&self) -> bool {
        self.shared.in_flight.load(Ordering::SeqCst) == 0
    }

    /// What leads to it, with short waits.
    pub fn settings(&self) -> RemoteSettings {
        settings(&self.address)
    }

    /// A client of it.
    pub fn client(&self) -> Remote {
        Remote::new(self.settings()).unwrap()
    }
}

/// What leads to a service, with short waits.
pub fn settings(address: &str) -> RemoteSettings {
    RemoteSettings {
        context: "prod".to_owned(),
        address: address.to_owned(),
        token: Some(SecretSource::PasswordEnv("TOKEN".to_owned())),
        ca_file: None,
        plain_http: false,
        variables: Arc::new(|name| (name == "TOKEN").then(|| TOKEN.to_owned())),
        random: |buffer| {
            static COUNT: AtomicUsize = AtomicUsize::new(0);
            let count = COUNT.fetch_add(1, Ordering::SeqCst).to_le_bytes();
            for (byte, number) in buffer.iter_mut().zip(count.iter().cycle()) {
                *byte = *number;
            }
            Ok(())
        },
        clock: Arc::new(chrono::Utc::now),
        pace: quick(),
    }
}

/// Waits that a test does not notice.
pub fn quick() -> Pace {
    let millis = std::time::Duration::from_millis;
    Pace {
        first_wait: millis(2),
        longest_wait: millis(20),
        ..Pace::default()
    }
}

impl Told {
    fn add(&self, event: &Event) {
        let data = serde_json::to_string(event).unwrap();
        let mut events = self.events.lock().unwrap();
        let number = events.len() + 1;
        events.push(format!("id: e-{number}\nevent: any\ndata: {data}\n\n"));
        drop(events);
        self.count.send_replace(number);
    }
}

async fn serve(shared: &Shared, connection: &mut Connection) {
    while let Some(asked) = connection.next().await {
        shared.seen.lock().unwrap().push(Seen {
            method: asked.method.clone(),
            path: asked.path.clone(),
            key: asked.header("idempotency-key"),
            last_event_id: asked.header("last-event-id"),
        });
        let fault = {
            let mut faults = shared.faults.lock().unwrap();
            match faults.front() {
                Some((path, _)) if asked.path.ends_with(path) => faults.pop_front().map(|(_, fault)| fault),
                _ => None,
            }
        };
        match &fault {
            Some(Fault::Closed) => return,
            Some(Fault::Silence) => std::future::pending().await,
            Some(Fault::Bytes(bytes)) => {
                connection.write(bytes.as_bytes()).await;
                return;
            }
            Some(Fault::ClosedAfter) | None => {}
        }
        if asked.path == "/api/v1/events" {
            return tell(shared, connection, asked.header("last-event-id")).await;
        }
        shared.in_flight.fetch_add(1, Ordering::SeqCst);
        let (status, body) = answer(shared, &asked).await;
        if matches!(fault, Some(Fault::ClosedAfter)) {
            shared.in_flight.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        connection.answer(status, &body).await;
        shared.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Tells of events until the connection is closed.
async fn tell(shared: &Shared, connection: &mut Connection, after: Option<String>) {
    let mut count = shared.told.count.subscribe();
    let place = after.and_then(|id| id.strip_prefix("e-")?.parse().ok());
    let mut place: usize = place.unwrap_or(*count.borrow_and_update());
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let greeting = format!("{head}retry: 1000\nid: e-{place}\n\n");
    if !connection.write(greeting.as_bytes()).await {
        return;
    }
    loop {
        let new = shared.told.events.lock().unwrap()[place..].concat();
        place = *count.borrow_and_update();
        if !connection.write(new.as_bytes()).await || count.changed().await.is_err() {
            return;
        }
    }
}

/// One answer. The same key again gives the first one.
async fn answer(shared: &Shared, asked: &Asked) -> (u16, Value) {
    if asked.header("authorization") != Some(format!("Bearer {TOKEN}")) {
        return (
            401,
            json!({ "kind": "unauthorized", "detail": "a token is needed" }),
        );
    }
    let key = asked.header("idempotency-key");
    if let Some(key) = &key {
        let answered = shared.answered.lock().unwrap();
        if let Some((_, status, body)) = answered.iter().find(|(other, ..)| other == key) {
            return (*status, body.clone());
        }
    }
    let answer = match routed(shared.backend.as_ref(), asked).await {
        Ok(answer) => answer,
        Err(error) => problem(error),
    };
    if let Some(key) = key {
        shared
            .answered
            .lock()
            .unwrap()
            .push((key, answer.0, answer.1.clone()));
    }
    answer
}

/// Problem details, as the service writes them.
pub fn problem(error: BackendError) -> (u16, Value) {
    let detail = error.to_string();
    match error {
        BackendError::Refused(refusal) => (
            409,
            json!({ "kind": "refused", "detail": detail, "refusal": refusal }),
        ),
        BackendError::UnknownEnvironment { name, known } => (
            404,
            json!({ "kind": "unknown_environment", "detail": detail, "facts": { "name": name, "known": known } }),
        ),
        BackendError::UnknownBackup(choice) => (
            404,
            json!({ "kind": "unknown_backup", "detail": detail, "facts": choice }),
        ),
        BackendError::UnknownJob(id) => (
            404,
            json!({ "kind": "unknown_job", "detail": detail, "facts": { "id": id } }),
        ),
        BackendError::OutOfReach(_) => (502, json!({ "kind": "out_of_reach", "detail": detail })),
        BackendError::Failed(_) => (500, json!({ "kind": "failed", "detail": detail })),
    }
}

/// What is only looked at.
async fn looked_at(backend: &dyn Backend, asked: &Asked) -> Result<(u16, Value), BackendError> {
    let parts: Vec<&str> = asked.path.split('/').skip(3).collect();
    let ok = |value: Value| Ok((200, value));
    let number = |name| asked.query(name).and_then(|text| text.parse().ok());
    match parts.as_slice() {
        ["info"] => ok(json!(backend.info().await?)),
        ["environments"] => ok(json!(backend.environments().await?)),
        ["environments", _, _] => ok(json!(
            backend
                .environment(&EnvironmentName::new(parts[1], parts[2]).unwrap())
                .await?
        )),
        ["check"] => {
            let only = asked.query("environment").map(|name| name.parse().unwrap());
            ok(json!(backend.check(only).await?))
        }
        ["jobs"] => {
            let query = JobQuery {
                environment: asked.query("environment").map(|name| name.parse().unwrap()),
                id: None,
                limit: number("limit").unwrap(),
            };
            ok(json!(backend.jobs(query).await?))
        }
        ["jobs", id] => ok(json!(backend.job(id.parse().unwrap()).await?)),
        ["jobs", id, "log"] => {
            let after = number("after").unwrap();
            ok(json!(
                backend.job_log(id.parse().unwrap(), u64::from(after)).await?
            ))
        }
        ["activity"] => ok(json!(backend.activity(number("limit").unwrap()).await?)),
        ["notifications"] => ok(json!(backend.notifications(number("limit").unwrap()).await?)),
        _ => Err(Refusal::Obstacle(format!("GET {}", asked.path)).into()),
    }
}

async fn routed(backend: &dyn Backend, asked: &Asked) -> Result<(u16, Value), BackendError> {
    if asked.method == "GET" {
        return looked_at(backend, asked).await;
    }
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let parts: Vec<&str> = asked.path.split('/').skip(3).collect();
    let ok = |value: Value| Ok((200, value));
    let started = |id: JobId| Ok((202, json!({ "job": id })));
    let done = Ok((204, Value::Null));
    let environment = || EnvironmentName::new(parts[1], parts[2]).unwrap();
    match (asked.method.as_str(), parts.as_slice()) {
        ("POST", ["jobs", id, "cancel"]) => {
            backend.cancel(id.parse().unwrap()).await?;
            done
        }
        ("POST", ["notifications", "seen"]) => {
            backend
                .notifications_seen(body["up_to"].as_u64().unwrap())
                .await?;
            done
        }
        ("POST", ["environments", _, _, "backups"]) => {
            let request = BackupRequest {
                environment: environment(),
                note: text("note"),
                upgrade_to: serde_json::from_value(body["upgrade_to"].clone()).unwrap(),
            };
            started(backend.start_backup(request).await?)
        }
        ("POST", ["environments", _, _, "plans"]) => {
            let request = RestoreRequest {
                environment: environment(),
                backup: text("backup").unwrap(),
                selection: serde_json::from_value(body["selection"].clone()).unwrap(),
                without_safety: body["without_safety"].as_bool().unwrap(),
                from: serde_json::from_value(body["from"].clone()).unwrap(),
            };
            Ok((201, json!(backend.plan_restore(request).await?)))
        }
        ("POST", ["environments", _, _, "restores"]) => {
            let plan = PlanId(text("plan").unwrap());
            started(backend.start_restore(plan, text("confirm").unwrap()).await?)
        }
        ("POST", ["environments", _, _, "undo"]) => started(
            backend
                .start_undo(environment(), text("confirm").unwrap())
                .await?,
        ),
        ("POST", ["environments", _, _, "confirmations"]) => {
            started(backend.start_confirm(environment()).await?)
        }
        ("POST", ["environments", _, _, "verifications"]) => {
            started(backend.start_verify(environment(), text("backup")).await?)
        }
        ("POST", ["environments", _, _, "drills"]) => {
            started(backend.start_drill(environment(), text("backup")).await?)
        }
        ("DELETE", ["environments", _, _, "backups", id]) => {
            backend
                .delete_backup(environment(), BackupId((*id).to_owned()))
                .await?;
            done
        }
        ("POST", ["environments", _, _, "backups", id, "extensions"]) => {
            backend
                .extend_backup(environment(), BackupId((*id).to_owned()))
                .await?;
            done
        }
        ("PUT", ["environments", _, _, "holds", hold]) => {
            let request = HoldRequest {
                environment: environment(),
                hold: match *hold {
                    "maintenance" => HoldKind::Maintenance,
                    _ => HoldKind::Protection,
                },
                on: body["on"].as_bool().unwrap(),
                reason: text("reason"),
            };
            backend.hold(request).await?;
            done
        }
        ("POST", ["environments", _, _, "breakages"]) => {
            ok(json!({ "broken": backend.break_live(environment()).await? }))
        }
        _ => Err(Refusal::Obstacle(format!("{} {}", asked.method, asked.path)).into()),
    }
}
