//! `lifeboat serve`: keeps the schedule, and serves the engine of this machine to cockpits and programs elsewhere.

mod again;

use std::io;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use self::again::Configuration;
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
notifications, and what becomes of leases and of jobs that other nodes have left. The configuration is read again when its file changes and on \
SIGHUP: environments and receivers are taken over by what begins from then on, and what needs a new start is named in a line. Asked to end \
(SIGTERM, Ctrl-C), or left by the terminal that it was started from, it starts nothing any more, lets running jobs end, \
asks what is left after a while to stop at the next safe point, and ends; asked again, it ends at once. `nohup lifeboat \
serve` outlives its terminal.";

pub(super) async fn run(call: &mut Call<'_>) -> Result<(), CliError> {
    let (log, mut lines) = Log::new(Arc::new(SystemClock));
    let mut configuration = Configuration::read(call.house, &call.globals)?;
    let has_terminal = call.outside.has_terminal;
    let (engine, settings) = call.house.engine_here(&call.globals, true, log.deeds())?;
    let mut interrupts = (call.outside.interrupts)();
    let told = call.house.variable("NOTIFY_SOCKET");
    let mut asked = Asked {
        interrupts: &mut interrupts,
        configuration: &mut configuration,
        has_terminal,
        had_terminal: has_terminal(),
    };
    let served = serve(
        engine,
        settings,
        call.outside.random,
        log,
        told.as_deref(),
        &mut asked,
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

/// What a service is asked while it runs.
struct Asked<'s, 'h> {
    interrupts: &'s mut Interrupts,
    configuration: &'s mut Configuration<'h>,
    has_terminal: fn() -> bool,
    /// Whether it was started from a terminal.
    had_terminal: bool,
}

impl Asked<'_, '_> {
    /// Whether a terminal that it was started from is gone. Without one, and as long as it is there, the same signal asks for
    /// the configuration to be read again.
    fn has_lost_its_terminal(&self) -> bool {
        self.had_terminal && !(self.has_terminal)()
    }

    /// Waits until the service is asked to end while it opens. It has just read its configuration.
    async fn wait_to_break_off(&mut self) {
        while interrupted(self.interrupts).await == Interrupt::HungUp && !self.has_lost_its_terminal() {}
    }

    /// Reads the configuration again as often as there is a reason to, until the service is asked to end. Gives by what.
    async fn wait_to_end(&mut self, engine: &Embedded, log: &Log) -> Interrupt {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                interrupt = interrupted(self.interrupts) => match interrupt {
                    Interrupt::HungUp if !self.has_lost_its_terminal() => {
                        self.configuration.take_over(engine, log).await;
                    }
                    interrupt => return interrupt,
                },
                _ = looks.tick() => self.configuration.look(engine, log).await,
            }
        }
    }
}

/// How often it is looked whether the file of the configuration has changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Serves until it is asked to end.
async fn serve(
    engine: Embedded,
    settings: ServerSettings,
    random: fn(&mut [u8]) -> io::Result<()>,
    log: Log,
    notify: Option<&str>,
    asked: &mut Asked<'_, '_>,
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
        () = asked.wait_to_break_off() => return Err(CliError::failed("the service was ended before its engine was open")),
    };
    if let Err(error) = opened {
        server.stop().await;
        return Err(error.into());
    }
    log.line(Level::Info, "ready", json!({}));
    tell(notify, "READY=1", &log);
    let why = match asked.wait_to_end(&engine, &log).await {
        Interrupt::CtrlC => "Ctrl-C",
        Interrupt::Terminate => "asked to end by a signal",
        Interrupt::HungUp => "the terminal that it was started from went away",
    };
    log.line(Level::Info, "ending", json!({ "why": why }));
    tell(notify, "STOPPING=1", &log);
    tokio::select! {
        () = server.stop() => Ok(()),
        () = asked_to_end(asked.interrupts) => Err(CliError::failed(
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
