//! A real service on loopback over any backend that can be served, and the network in front of it, which can be cut and
//! made to answer badly: what a client meets.
#![allow(dead_code, reason = "each test program uses a part of it")]

mod http;
pub mod proxy;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lifeboat::backend::remote::{Pace, Remote, RemoteSettings};
use lifeboat::backend::serves::Serves;
use lifeboat::clock::{Clock, SystemClock};
use lifeboat::domain::settings::{RequestLimits, SecretSource, ServerSettings};
use lifeboat::domain::token::{Role, TokenRecord};
use lifeboat::server::log::Log;
use lifeboat::server::{Server, ServerSurroundings, tokens};
pub use proxy::{Fault, Proxy, Seen};

/// The token that the service accepts.
pub const TOKEN: &str = "lb_a-token-for-the-tests-and-nothing-else-at-0";

/// A running service, and the network in front of it.
pub struct Service {
    /// The address of the network.
    pub address: String,
    pub network: Proxy,
    server: Server,
}

impl Service {
    /// Serves a backend. While the backend's link is down, connections are cut and none is let through.
    pub async fn over(backend: Arc<dyn Serves>) -> Self {
        let record = TokenRecord {
            name: "olga".to_owned(),
            account: None,
            role: Role::Owner,
            projects: Vec::new(),
            created: SystemClock.now(),
            created_by: "kim".to_owned(),
            expires: None,
            revoked: None,
            last_used: None,
        };
        backend
            .records()
            .await
            .unwrap()
            .add_token(record, tokens::hash_of(TOKEN))
            .await
            .unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (log, _) = Log::new(Arc::clone(&clock));
        let link = backend.link();
        // Tests ask more quickly than people do.
        let limits = RequestLimits {
            per_token: NonZeroU32::MAX,
            per_address: NonZeroU32::MAX,
            ..RequestLimits::default()
        };
        let settings = ServerSettings {
            listen: ([127, 0, 0, 1], 0).into(),
            limits,
            ..ServerSettings::default()
        };
        let surroundings = ServerSurroundings { clock, random, log };
        let server = Server::start(backend, settings, surroundings).await.unwrap();
        let network = Proxy::while_up(&format!("http://{}", server.address()), Some(link)).await;
        Self {
            address: network.address.clone(),
            network,
            server,
        }
    }

    /// Answers the next request whose path ends so badly.
    pub fn fail_next(&self, path: &'static str, fault: Fault) {
        self.network.fail_next(path, fault);
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.network.seen()
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
        self.network.is_idle()
    }

    /// Lets the network pass everything, or nothing.
    pub fn pass(&self, is_up: bool) {
        if is_up {
            self.network.mend();
        } else {
            self.network.cut();
        }
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

fn random(bytes: &mut [u8]) -> std::io::Result<()> {
    lifeboat::random::system()(bytes).map_err(std::io::Error::other)
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
