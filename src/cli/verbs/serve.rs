//! `lifeboat serve`: keeps the schedule, and serves the engine of this machine to cockpits and programs elsewhere.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;

use serde_json::json;

use crate::backend::Backend;
use crate::backend::embedded::Embedded;
use crate::cli::outside::{asked_to_end, interrupted};
use crate::cli::{Call, CliError, Interrupt, Interrupts};
use crate::clock::SystemClock;
use crate::domain::settings::ServerSettings;
use crate::server::log::{Level, Log};
use crate::server::{Server, ServerSurroundings};

/// What `lifeboat serve --help` says first.
pub const LONG_ABOUT: &str = "\
Keep the schedule day and night, and serve this machine's engine over HTTP to cockpits and programs elsewhere.

[server] in the configuration says where it listens, with which certificate and within which limits; `lifeboat token \
create` makes the tokens that it lets in. It writes what it does to standard error, one JSON object a line: requests, the beginning and the end of each job, \
notifications, and what becomes of leases and of jobs that other nodes have left. Asked to end \
(SIGTERM, Ctrl-C), or left by the terminal that it was started from, it starts nothing any more, lets running jobs end, \
asks what is left after a while to stop at the next safe point, and ends; asked again, it ends at once. `nohup lifeboat \
serve` outlives its terminal.";

pub(super) async fn run(call: &mut Call<'_>) -> Result<(), CliError> {
    let (log, mut lines) = Log::new(Arc::new(SystemClock));
    let (engine, settings) = call.house.engine_here(&call.globals, true, log.deeds())?;
    let mut interrupts = (call.outside.interrupts)();
    let told = call.house.variable("NOTIFY_SOCKET");
    let served = serve(
        engine,
        settings,
        call.outside.random,
        log,
        told.as_deref(),
        &mut interrupts,
    );
    let mut served = std::pin::pin!(served);
    let result = loop {
        tokio::select! {
            result = &mut served => break result,
            Some(line) = lines.recv() => put(&line, call),
        }
    };
    while let Ok(line) = lines.try_recv() {
        put(&line, call);
    }
    result
}

/// Writes a line of the log. A log that cannot be written, to a terminal that has gone or to a full disk, ends no service
/// with jobs at work; the next line is tried again.
fn put(line: &str, call: &mut Call<'_>) {
    let _ = writeln!(call.outside.err, "{line}");
}

/// Serves until it is asked to end.
async fn serve(
    engine: Embedded,
    settings: ServerSettings,
    random: fn(&mut [u8]) -> io::Result<()>,
    log: Log,
    notify: Option<&str>,
    interrupts: &mut Interrupts,
) -> Result<(), CliError> {
    let surroundings = ServerSurroundings {
        clock: Arc::new(SystemClock),
        random,
        log: log.clone(),
    };
    let server = Server::start(Arc::new(engine.clone()), settings, surroundings)
        .await
        .map_err(CliError::failed)?;
    let opened = tokio::select! {
        opened = engine.info() => opened.map(|_| ()),
        // It opens on its own thread, which cannot be broken off; what it settles is safe at any instant.
        _ = interrupted(interrupts) => return Err(CliError::failed("the service was ended before its engine was open")),
    };
    if let Err(error) = opened {
        server.stop().await;
        return Err(error.into());
    }
    log.line(Level::Info, "ready", json!({}));
    tell(notify, "READY=1", &log);
    let why = match interrupted(interrupts).await {
        Interrupt::CtrlC => "Ctrl-C",
        Interrupt::Terminate => "asked to end by a signal",
        Interrupt::HungUp => "the terminal that it was started from went away",
    };
    log.line(Level::Info, "ending", json!({ "why": why }));
    tell(notify, "STOPPING=1", &log);
    tokio::select! {
        () = server.stop() => Ok(()),
        () = asked_to_end(interrupts) => Err(CliError::failed(
            "the service was ended at once, with jobs at work: the next start settles what they left",
        )),
    }
}

/// Tells whoever started the service, if they want to know.
fn tell(socket: Option<&str>, what: &str, log: &Log) {
    let Some(socket) = socket else { return };
    if let Err(error) = send(socket, what) {
        log.line(
            Level::Warn,
            "whoever started the service could not be told",
            json!({ "what": what, "why": error.to_string() }),
        );
    }
}

fn send(socket: &str, what: &str) -> io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.strip_prefix('@') {
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        return sender.send_to_addr(what.as_bytes(), &address).map(|_| ());
    }
    sender.send_to(what.as_bytes(), socket).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_started_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let receiver = UnixDatagram::bind(&path).unwrap();
        send(path.to_str().unwrap(), "READY=1").unwrap();
        let mut buffer = [0; 32];
        let length = receiver.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
    }
}
