//! The service: an HTTP interface to the engine, or to any backend that can be served ([`Serves`]), for cockpits and programs on other machines.
//!
//! [`Server`] is one that runs. What it offers is one table (`operations`); how a request goes from its head to its
//! answer is in `service`; what happens is told to many at once by `events` and `streams`. Answers are the domain's types
//! as JSON, errors are problem details ([`problem`]).
//!
//! Not in here: what the rules are, and doing the work. The engine does both, whoever asks it.

pub mod log;
pub mod problem;
pub mod tokens;

mod act;
mod answers;
mod ask;
mod bodies;
mod connections;
mod deeds;
mod document;
mod events;
mod explore;
mod head;
mod health;
mod metrics;
mod operation;
mod operations;
mod overview;
mod rate;
mod read;
mod room;
mod service;
mod streams;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use crate::backend::serves::Serves;
use crate::clock::Clock;
use crate::domain::os_error::in_words;
use crate::domain::settings::ServerSettings;
use crate::domain::stop::StopReason;
use connections::Connections;
use events::Events;
use log::{Level, Log};
use metrics::Metrics;
use overview::Overview;
use rate::Rates;
use room::Room;
use service::Service;
use tls::Certificate;
use tokens::Tokens;

pub use document::document;

/// How often the tokens of open streams, and the files of the certificate, are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long requests that are being answered may take when the service ends.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// How many tokens are looked up at once for addresses that have shown too many wrong ones.
const LOOKED_UP_AT_ONCE: usize = 4;

/// What the service needs from the world around it.
pub struct ServerSurroundings {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fills a buffer with random bytes.
    pub random: fn(&mut [u8]) -> io::Result<()>,
    /// Where it says what it does.
    pub log: Log,
}

/// A service that runs.
pub struct Server {
    service: Arc<Service>,
    address: SocketAddr,
    closing: watch::Sender<bool>,
    gone: mpsc::Receiver<()>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Begins to listen.
    ///
    /// # Errors
    /// A sentence: settings that are refused, a certificate that cannot be used, an address that cannot be listened on.
    pub async fn start(
        engine: Arc<dyn Serves>,
        settings: ServerSettings,
        surroundings: ServerSurroundings,
    ) -> Result<Self, String> {
        if let Some(wrong) = settings.wrong() {
            return Err(wrong);
        }
        let mut epoch = [0; 6];
        (surroundings.random)(&mut epoch)
            .map_err(|error| format!("the system gave no random numbers: {error}"))?;
        let epoch = epoch
            .iter()
            .fold(0_u64, |epoch, byte| epoch << 8 | u64::from(*byte));
        let epoch = format!("{epoch:012x}");
        let certificate = settings.tls.as_ref().map(Certificate::read).transpose()?;
        let tls = certificate.as_ref().map(Certificate::config).transpose()?;
        let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
            format!(
                "{} cannot be listened on: {error}. Choose another with listen in [server]",
                settings.listen,
                error = in_words(&error),
            )
        })?;
        let address = listener.local_addr().map_err(|error| {
            format!(
                "the system does not say which address is listened on: {error}",
                error = in_words(&error)
            )
        })?;
        let limits = settings.limits;
        let service = Arc::new(Service {
            overview: Overview::new(Arc::clone(&engine)),
            events: Arc::new(Events::new(epoch.clone())),
            streams: Arc::default(),
            tokens: Tokens::default(),
            metrics: Metrics::default(),
            document: document().to_string(),
            per_token: Rates::new(limits.per_token.get()),
            per_address: Rates::new(limits.per_address.get()),
            turns: Semaphore::new(LOOKED_UP_AT_ONCE),
            refusals: Rates::one_in(Duration::from_mins(1)),
            stopping: AtomicBool::new(false),
            epoch,
            requests: AtomicU64::new(1),
            underway: answers::Underway::default(),
            clock: surroundings.clock,
            log: surroundings.log,
            engine,
            settings,
        });
        let (closing, is_closing) = watch::channel(false);
        let (held, gone) = mpsc::channel(1);
        let at_most = usize::try_from(limits.connections.get()).unwrap_or(usize::MAX);
        let connections = Connections {
            routes: service::routes(Arc::clone(&service)),
            tls,
            log: service.log.clone(),
            room: Room::new(at_most, service.settings.proxies.clone()),
            told: Arc::new(Rates::one_in(Duration::from_mins(1))),
            closing: is_closing,
            held,
        };
        let tasks = vec![
            tokio::spawn(tell(Arc::clone(&service))),
            tokio::spawn(look_after(Arc::clone(&service), certificate)),
            tokio::spawn(connections.accept(listener)),
        ];
        service.log.line(
            Level::Info,
            "listening",
            json!({ "address": address, "tls": service.settings.tls.is_some(), "version": env!("CARGO_PKG_VERSION") }),
        );
        Ok(Self {
            service,
            address,
            closing,
            gone,
            tasks,
        })
    }

    /// The address that is listened on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many event streams are open.
    #[must_use]
    pub fn open_streams(&self) -> u64 {
        self.service.streams.count()
    }

    /// Ends in order: nothing new is started and streams end at once; jobs may end by themselves for as long as the
    /// settings say, and are then asked to stop at their next safe point; requests are answered until then.
    pub async fn stop(mut self) {
        let service = &self.service;
        service.stopping.store(true, Ordering::Relaxed);
        service.engine.stop_schedule();
        service.streams.end_all();
        let running = service.engine.jobs_at_work().len();
        service
            .log
            .line(Level::Info, "stopping", json!({ "jobs_running": running }));
        let within = service.settings.stop_within.duration();
        if tokio::time::timeout(within, service.engine.jobs_ended())
            .await
            .is_err()
        {
            let left = service.engine.jobs_at_work().len();
            service.log.line(
                Level::Warn,
                "jobs are asked to stop at their next safe point",
                json!({ "jobs_running": left }),
            );
        }
        service.engine.close(StopReason::ServiceStopped).await;
        // Streams that were opened while jobs ended.
        service.streams.end_all();
        self.closing.send_replace(true);
        // Connections that do not end by themselves are cut: nothing is being changed through them any more.
        let _ = tokio::time::timeout(LAST_REQUESTS, self.gone.recv()).await;
        for task in &self.tasks {
            task.abort();
        }
        service.log.line(Level::Info, "stopped", json!({}));
    }
}

/// Gives the engine's events to those who listen.
async fn tell(service: Arc<Service>) {
    let mut news = service.engine.events();
    while let Some(event) = news.next().await {
        service.events.add(&event);
    }
}

/// Ends the streams of tokens that let nobody in any more, and shows a new certificate when there is one.
async fn look_after(service: Arc<Service>, certificate: Option<Arc<Certificate>>) {
    let mut turn = tokio::time::interval(LOOK_EVERY);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        for token in service.streams.tokens() {
            let now = service.clock.now();
            // A catalog that cannot be read for a moment is no reason to cut anybody off.
            if let Ok(None) = service.tokens.look_up(&*service.engine, token, now).await {
                service.streams.end(&token);
            }
        }
        match certificate.as_ref().and_then(|certificate| certificate.renew()) {
            None => {}
            Some(Ok(())) => service
                .log
                .line(Level::Info, "a new certificate is shown", json!({})),
            Some(Err(why)) => service.log.line(
                Level::Error,
                "the new certificate is not shown, the one before still is",
                json!({ "why": why }),
            ),
        }
    }
}
