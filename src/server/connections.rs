//! Connections: accepted, made safe by TLS, and served, with limits on how many there are and how slow they may be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;

use super::log::{Level, Log};
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

/// What all connections share.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) routes: Router,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) log: Log,
    /// Turns true when connections have to end after what they are at.
    pub(super) closing: watch::Receiver<bool>,
    /// Held by every connection: when all of them are gone, its other end hears it.
    #[expect(dead_code, reason = "it is held, not used")]
    pub(super) held: mpsc::Sender<()>,
}

impl Connections {
    /// Accepts connections until they are to end.
    pub(super) async fn accept(self, listener: TcpListener, at_most: usize) {
        let room = Arc::new(Semaphore::new(at_most));
        let mut closing = self.closing.clone();
        loop {
            let next = async {
                let permit = Arc::clone(&room).acquire_owned().await;
                (permit, listener.accept().await)
            };
            tokio::select! {
                (permit, accepted) = next => match (permit, accepted) {
                    (Ok(permit), Ok((stream, peer))) => self.spawn(stream, peer, permit),
                    (_, Err(error)) => {
                        self.log.line(
                            Level::Error,
                            "a connection could not be accepted",
                            json!({ "why": error.to_string() }),
                        );
                        tokio::time::sleep(NO_ROOM).await;
                    }
                    // Nobody closes the semaphore.
                    (Err(_), _) => return,
                },
                () = turned(&mut closing) => return,
            }
        }
    }

    fn spawn(&self, stream: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit) {
        let connections = self.clone();
        tokio::spawn(async move {
            connections.serve(stream, peer).await;
            drop(permit);
        });
    }

    async fn serve(self, stream: TcpStream, peer: SocketAddr) {
        // All of these only make things better: a connection works without.
        let _ = stream.set_nodelay(true);
        #[cfg(target_os = "linux")]
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, UNHEARD_MILLIS);
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&stream, SENT_BYTES);
        let result = match self.tls.clone() {
            None => self.speak(stream, peer).await,
            Some(config) => {
                match tokio::time::timeout(HEAD_TIME, TlsAcceptor::from(config).accept(stream)).await {
                    Ok(Ok(stream)) => self.speak(stream, peer).await,
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err("it did not speak TLS in time".to_owned()),
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

    async fn speak<S>(&self, stream: S, peer: SocketAddr) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let routes = TowerToHyperService::new(self.routes.clone());
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer.ip()));
            routes.call(request)
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(HEAD_BYTES);
        let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut closing = self.closing.clone();
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = turned(&mut closing) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        ended.map_err(|error| error.to_string())
    }
}

/// Waits until it is true, or nobody is left who could make it so.
async fn turned(flag: &mut watch::Receiver<bool>) {
    // Either way it is time to end.
    drop(flag.wait_for(|flag| *flag).await);
}
