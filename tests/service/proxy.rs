//! The network between a client and a service: it can be cut, it answers badly when it is told to, and it remembers
//! what was asked through it. Everything else it passes on as it is.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lifeboat::backend::link::Link;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::http::{Connection, Message};

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
    /// A download comes but for its end, which never does.
    Endless,
}

/// What a request had that matters here.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub key: Option<String>,
    pub last_event_id: Option<String>,
}

/// The network.
pub struct Proxy {
    pub address: String,
    way: Arc<Way>,
    task: tokio::task::JoinHandle<()>,
}

/// What all connections share.
struct Way {
    target: String,
    open: watch::Sender<bool>,
    /// How the link stands where the service itself is out of reach.
    link: Option<watch::Receiver<Link>>,
    faults: Mutex<VecDeque<(&'static str, Fault)>>,
    seen: watch::Sender<Vec<Seen>>,
    /// How many streams of events have been answered.
    streams: watch::Sender<usize>,
    in_flight: AtomicUsize,
    /// How long a request is on its way.
    delay: watch::Sender<Duration>,
    /// Whether requests stay on their way.
    holds: watch::Sender<bool>,
}

/// One request that is being answered.
struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Passes everything on to the address of a service.
    pub async fn to(service: &str) -> Self {
        Self::while_up(service, None).await
    }

    /// The same, for as long as the link is up: while it is not, connections are cut and none is let through.
    pub async fn while_up(service: &str, link: Option<watch::Receiver<Link>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let way = Arc::new(Way {
            target: service.strip_prefix("http://").unwrap().to_owned(),
            open: watch::Sender::new(true),
            link,
            faults: Mutex::default(),
            seen: watch::Sender::default(),
            streams: watch::Sender::new(0),
            in_flight: AtomicUsize::new(0),
            delay: watch::Sender::new(Duration::ZERO),
            holds: watch::Sender::new(false),
        });
        let shared = Arc::clone(&way);
        let task = tokio::spawn(async move {
            // Connections end with the task.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                if !shared.is_open() {
                    continue;
                }
                let way = Arc::clone(&shared);
                connections.spawn(async move {
                    tokio::select! {
                        _ = way.carry(Connection::new(client)) => {}
                        () = way.cut() => {}
                    }
                });
            }
        });
        Self { address, way, task }
    }

    /// Cuts every connection, and lets none through.
    pub fn cut(&self) {
        self.way.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.way.open.send_replace(true);
    }

    /// Lets each request and its answer be on their way for so long, together.
    pub fn is_slow(&self, delay: Duration) {
        self.way.delay.send_replace(delay);
    }

    /// Keeps every request on its way until this is said again.
    pub fn holds(&self, holds: bool) {
        self.way.holds.send_replace(holds);
    }

    /// Answers the next request whose path ends so badly.
    pub fn fail_next(&self, path: &'static str, fault: Fault) {
        self.way.faults.lock().unwrap().push_back((path, fault));
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.way.seen.borrow().clone()
    }

    /// Waits until what was asked so far is enough.
    pub async fn has_seen(&self, is_enough: impl Fn(&[Seen]) -> bool) {
        let mut seen = self.way.seen.subscribe();
        // The sender is held by this.
        let _ = seen.wait_for(|seen| is_enough(seen)).await;
    }

    /// Waits until a stream of events stands.
    pub async fn streams(&self) {
        let mut streams = self.way.streams.subscribe();
        // The sender is held by this.
        let _ = streams.wait_for(|streams| *streams > 0).await;
    }

    /// Whether nothing is being answered right now.
    pub fn is_idle(&self) -> bool {
        self.way.in_flight.load(Ordering::SeqCst) == 0
    }
}

impl Way {
    fn is_open(&self) -> bool {
        let is_up = self.link.as_ref().is_none_or(|link| *link.borrow() == Link::Up);
        is_up && *self.open.borrow()
    }

    /// Waits until the network is cut.
    async fn cut(&self) {
        let mut open = self.open.subscribe();
        let closed = async {
            // The sender is held by the one that waits.
            let _ = open.wait_for(|open| !open).await;
        };
        let Some(link) = &self.link else {
            return closed.await;
        };
        let mut link = link.clone();
        let down = async {
            // Without anybody who could cut it, it is not cut.
            if link.wait_for(|link| *link != Link::Up).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = closed => {}
            () = down => {}
        }
    }

    fn fault(&self, path: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        match faults.front() {
            Some((end, _)) if path.ends_with(end) => faults.pop_front().map(|(_, fault)| fault),
            _ => None,
        }
    }

    /// Carries requests and answers until one of the two sides has gone.
    async fn carry(&self, mut client: Connection) -> Option<()> {
        let mut service = None;
        loop {
            let asked = client.next().await?;
            let (method, path) = asked.asked();
            let seen = Seen {
                method,
                path: path.clone(),
                key: asked.header("idempotency-key"),
                last_event_id: asked.header("last-event-id"),
            };
            self.seen.send_modify(|all| all.push(seen));
            let fault = self.fault(&path);
            match &fault {
                Some(Fault::Closed) => return None,
                Some(Fault::Silence) => std::future::pending().await,
                Some(Fault::Bytes(bytes)) => {
                    client.write(bytes.as_bytes()).await?;
                    return None;
                }
                Some(Fault::ClosedAfter | Fault::Endless) | None => {}
            }
            // The sender is held by this.
            let _ = self.holds.subscribe().wait_for(|holds| !holds).await;
            let delay = *self.delay.borrow();
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let service = match &mut service {
                Some(service) => service,
                none => none.insert(Connection::new(TcpStream::connect(&self.target).await.ok()?)),
            };
            if path.ends_with("/events") {
                service.write(asked.bytes()).await?;
                service.begins().await?;
                self.streams.send_modify(|streams| *streams += 1);
                return client.join(service).await;
            }
            // What is downloaded comes in pieces and says by its end that it is whole: the end is passed on as it is.
            if path
                .split('?')
                .next()
                .is_some_and(|path| path.contains("/explore/export") && path.contains('.'))
            {
                service.write(asked.bytes()).await?;
                if matches!(fault, Some(Fault::Endless)) {
                    return client.gets_all_but_the_end(service).await;
                }
                return client.join(service).await;
            }
            let answering = InFlight::new(&self.in_flight);
            service.write(asked.bytes()).await?;
            let answer: Message = service.next().await?;
            if matches!(fault, Some(Fault::ClosedAfter)) {
                return None;
            }
            client.write(answer.bytes()).await?;
            drop(answering);
        }
    }
}
