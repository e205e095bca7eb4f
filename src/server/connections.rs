//! Connections: accepted, made safe by TLS, and served, with limits on how many there are and how slow they may be.

use std::error::Error as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant as Monotonic};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, Request, header};
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use super::head::Crowded;
use super::log::{Level, Log};
use super::operation::Endless;
use super::rate::Rates;
use super::room::{AtWork, Room, Seat, client_of};
use super::service::Peer;

/// How long a connection may take to speak TLS, and a request's head to arrive.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// The most bytes of a request's head that are held.
const HEAD_BYTES: usize = 16 << 10;
/// How long what was sent may stay unacknowledged before the connection is given up.
#[cfg(target_os = "linux")]
const UNHEARD_MILLIS: u32 = 60_000;
/// The most bytes that the system holds for one connection whose other side does not read: it would take megabytes.
const SENT_BYTES: usize = 128 << 10;
/// How long to wait before accepting again when the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);
/// How long a connection that has to go is still read from: its request may be there already.
const LAST_LOOK: Duration = Duration::from_millis(50);

/// What all connections share.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) routes: Router,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) log: Log,
    pub(super) room: Arc<Room>,
    /// How often it is told that there are too many of one client.
    pub(super) told: Arc<Rates<IpAddr>>,
    /// Turns true when connections have to end after what they are at.
    pub(super) closing: watch::Receiver<bool>,
    /// Held by every connection: when all of them are gone, its other end hears it.
    #[expect(dead_code, reason = "it is held, not used")]
    pub(super) held: mpsc::Sender<()>,
}

impl Connections {
    /// Accepts connections until they are to end.
    pub(super) async fn accept(self, listener: TcpListener) {
        let mut closing = self.closing.clone();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer),
                    Err(error) => {
                        self.log.line(
                            Level::Error,
                            "a connection could not be accepted",
                            json!({ "why": error.to_string() }),
                        );
                        tokio::time::sleep(NO_ROOM).await;
                    }
                },
                () = turned(&mut closing) => return,
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        let address = peer.ip().to_canonical();
        if self.room.is_crowded(address) && self.told.allows(client_of(address), Monotonic::now()) {
            self.log.line(
                Level::Warn,
                "there are too many connections: those that have waited for longest without a request are closed",
                json!({ "from": address }),
            );
        }
        // Without a seat it is closed at once.
        if let Some(seat) = self.room.enter(address) {
            let connections = self.clone();
            tokio::spawn(connections.serve(stream, peer, Arc::new(seat)));
        }
    }

    async fn serve(self, stream: TcpStream, peer: SocketAddr, seat: Arc<Seat>) {
        // All of these only make things better: a connection works without.
        let _ = stream.set_nodelay(true);
        #[cfg(target_os = "linux")]
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, UNHEARD_MILLIS);
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&stream, SENT_BYTES);
        let result = match self.tls.clone() {
            None => self.speak(stream, peer, &seat).await,
            Some(config) => {
                let agreed = tokio::time::timeout(HEAD_TIME, TlsAcceptor::from(config).accept(stream));
                tokio::select! {
                    agreed = agreed => match agreed {
                        Ok(Ok(stream)) => self.speak(stream, peer, &seat).await,
                        Ok(Err(error)) => Err(error.to_string()),
                        Err(_) => Err("it did not speak TLS in time".to_owned()),
                    },
                    () = has_to_go(&seat) => Ok(()),
                }
            }
        };
        if let Err(why) = result {
            self.log.line(
                Level::Info,
                "a connection ended early",
                json!({ "from": peer.ip().to_canonical(), "why": why }),
            );
        }
    }

    /// Answers what is asked on a connection. One that ends while nothing is under way, or while somebody only listens, has not
    /// ended early: that is how each verb that follows a job goes.
    async fn speak<S>(&self, stream: S, peer: SocketAddr, seat: &Arc<Seat>) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let routes = TowerToHyperService::new(self.routes.clone());
        let course = Arc::new(Course::default());
        let of_answers = Arc::clone(&course);
        let service = hyper::service::service_fn(|request: Request<Incoming>| {
            let at_work = seat.works();
            let is_spare = seat.is_spare;
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer.ip()));
            if is_spare {
                request.extensions_mut().insert(Crowded);
            }
            let answer = routes.call(request);
            let course = Arc::clone(&of_answers);
            course.begins();
            async move {
                let mut answer = answer.await?;
                if answer.extensions().get::<Endless>().is_some() {
                    course.listens();
                }
                if is_spare {
                    answer
                        .headers_mut()
                        .insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, std::convert::Infallible>(answer.map(|body| Answering {
                    body,
                    _at_work: at_work,
                }))
            }
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(HEAD_BYTES);
        let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut closing = self.closing.clone();
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = has_to_go(seat) => {
                if !seat.is_at_work() {
                    return Ok(());
                }
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = turned(&mut closing) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        match ended {
            Err(error) if !course.ends_by(&error, seat.is_at_work()) => Err(error.to_string()),
            _ => Ok(()),
        }
    }
}

/// How far a connection has come.
#[derive(Default)]
struct Course {
    /// Whether there was a request.
    has_asked: AtomicBool,
    /// Whether the last answer is one that has no end of its own.
    listens: AtomicBool,
}

impl Course {
    fn begins(&self) {
        self.has_asked.store(true, Ordering::Relaxed);
        self.listens.store(false, Ordering::Relaxed);
    }

    fn listens(&self) {
        self.listens.store(true, Ordering::Relaxed);
    }

    /// Whether this is how a connection ends that has done what it was for: whoever listened has gone, or nothing more was asked.
    fn ends_by(&self, error: &hyper::Error, is_at_work: bool) -> bool {
        let has_listened = self.listens.load(Ordering::Relaxed) && has_gone(error);
        let is_done = self.has_asked.load(Ordering::Relaxed) && !is_at_work && error.is_timeout();
        has_listened || is_done
    }
}

/// Whether an error is that the other side has gone.
fn has_gone(error: &hyper::Error) -> bool {
    let gone = [
        io::ErrorKind::BrokenPipe,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::NotConnected,
        io::ErrorKind::UnexpectedEof,
    ];
    if error.is_incomplete_message() {
        return true;
    }
    let mut cause = error.source();
    while let Some(this) = cause {
        let of_system = this.downcast_ref::<io::Error>();
        if of_system.is_some_and(|error| gone.contains(&error.kind())) {
            return true;
        }
        cause = this.source();
    }
    false
}

/// Waits until the connection has to go, and a moment longer.
async fn has_to_go(seat: &Seat) {
    seat.has_to_go().await;
    tokio::time::sleep(LAST_LOOK).await;
}

/// The body of an answer: the connection is at work until it was taken.
struct Answering {
    body: Body,
    _at_work: AtWork,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Waits until it is true, or nobody is left who could make it so.
async fn turned(flag: &mut watch::Receiver<bool>) {
    // Either way it is time to end.
    drop(flag.wait_for(|flag| *flag).await);
}
