//! The cockpit on a real engine with real content: in its own process, and through a real service on loopback, whose
//! network is cut in the middle of a restore.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod made_up;
mod service;
mod screens {
    pub mod runner;
    mod told;
}

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lifeboat::backend::Backend;
use lifeboat::backend::embedded::{Embedded, EmbeddedOptions};
use lifeboat::backend::remote::{Remote, RemoteSettings};
use lifeboat::clock::{Clock, SystemClock};
use lifeboat::config::Config;
use lifeboat::domain::settings::SecretSource;
use lifeboat::domain::token::{Role, TokenRecord};
use lifeboat::engine::{EngineSettings, Surroundings};
use lifeboat::server::log::Log;
use lifeboat::server::{Server, ServerSurroundings, tokens};
use lifeboat::tui::CockpitSettings;
use screens::runner::{Runner, Way, settings};
use service::proxy::Proxy;
use tempfile::TempDir;
use tokio::sync::broadcast;

const WIDE: (u16, u16) = (120, 36);

fn random(bytes: &mut [u8]) -> std::io::Result<()> {
    lifeboat::random::system()(bytes).map_err(std::io::Error::other)
}

/// An engine on content of its own, and the way to it.
struct House {
    folder: TempDir,
    engine: Embedded,
    backend: Arc<dyn Backend>,
    server: Option<(Server, Proxy)>,
}

impl House {
    async fn new(way: Way, role: Role) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::load(&lay_out(folder.path())).unwrap();
        let surroundings = Surroundings {
            clock: Arc::new(SystemClock),
            runtime: tokio::runtime::Handle::current(),
            events: broadcast::channel(1024).0,
            random: lifeboat::random::system(),
            variables: Arc::new(|_| None),
        };
        let engine = Embedded::start(
            EngineSettings {
                cache: None,
                state: config.state.clone().unwrap(),
                catalog: None,
                repository: config.repository.clone(),
                limits: config.limits,
                receivers: config.receivers.clone(),
                environments: config.environments.clone(),
            },
            surroundings,
            EmbeddedOptions {
                user: "kim".to_owned(),
                keep_schedule: false,
                break_live: None,
            },
        );
        let mut house = Self {
            folder,
            backend: Arc::new(engine.clone()),
            engine,
            server: None,
        };
        if way == Way::Elsewhere {
            house.serve(config, role).await;
        }
        house
    }

    async fn serve(&mut self, config: Config, role: Role) {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (log, _) = Log::new(Arc::clone(&clock));
        let surroundings = ServerSurroundings { clock, random, log };
        let server = Server::start(Arc::new(self.engine.clone()), config.server, surroundings)
            .await
            .unwrap();
        let token = tokens::new_text(random).unwrap();
        let hash = tokens::hash_of(&token);
        let record = TokenRecord {
            name: "olga".to_owned(),
            account: None,
            role,
            projects: Vec::new(),
            created: SystemClock.now(),
            created_by: "kim".to_owned(),
            expires: None,
            revoked: None,
            last_used: None,
        };
        self.engine
            .on_catalog(move |catalog| catalog.add_token(&record, &hash))
            .await
            .unwrap();
        let network = Proxy::to(&format!("http://{}", server.address())).await;
        let client = Remote::new(RemoteSettings {
            token: Some(SecretSource::PasswordEnv("TOKEN".to_owned())),
            variables: Arc::new(move |_| Some(token.clone())),
            random,
            ..service::settings(&network.address)
        });
        self.backend = Arc::new(client.unwrap());
        self.server = Some((server, network));
    }

    async fn cockpit(&self) -> Runner {
        let settings = CockpitSettings {
            clock: Arc::new(chrono::Utc::now),
            ..settings()
        };
        let cockpit = Runner::over(WIDE, Arc::clone(&self.backend), settings).await;
        cockpit.see("● connected").await.see("no backup yet").await;
        cockpit
    }

    fn page(&self) -> PathBuf {
        self.folder.path().join("content/website/home.yaml")
    }

    fn network(&self) -> &Proxy {
        let (_, network) = self.server.as_ref().unwrap();
        network
    }
}

/// Writes the configuration and the content. Restores wait before they switch until there is a file `go`.
fn lay_out(folder: &Path) -> PathBuf {
    let at = |name: &str| folder.join(name).display().to_string();
    fs::create_dir_all(folder.join("content/website")).unwrap();
    fs::write(folder.join("content/website/home.yaml"), "title: Home\n").unwrap();
    fs::write(folder.join("key"), "open sesame\n").unwrap();
    let file = folder.join("lifeboat.toml");
    let config = format!(
        r#"state = "state"
[repository]
root = "repository"
password_file = "key"
[server]
listen = "127.0.0.1:0"
[[environment]]
project = "acme"
name = "live"
kind = "live"
release_version = "v3"
magnolia_version = "6.3.4"
schedule = {{ enabled = false }}
[[environment.instance]]
name = "author"
role = "author"
content = {{ type = "files", path = "{}" }}
hooks = {{ before_restore = ["sh", "-c", "until [ -e '{}' ]; do sleep 0.02; done"] }}
"#,
        at("content"),
        at("go")
    );
    fs::write(&file, config).unwrap();
    file
}

/// Takes a backup, changes Live, and comes to where a restore has been started.
async fn restoring(house: &House, cockpit: &Runner) {
    cockpit.press("b").await.see("Replaces").await;
    cockpit.press("<Enter>").await.see("is done").await;
    fs::write(house.page(), "title: Broken\n").unwrap();
    cockpit.see("✓ verified").await;
    cockpit.press("r").await.see("1 choose a backup").await;
    cockpit
        .press("G<Enter>")
        .await
        .see("Everything will be restored")
        .await;
    cockpit.press("<Enter>").await.see("is turned back").await;
    cockpit.press("<Enter>").await.see("and press Enter").await;
    cockpit
        .press("acme/live<Enter>")
        .await
        .see("▶ hooks before")
        .await;
}

async fn a_restore_and_its_undo(way: Way) {
    let house = House::new(way, Role::Owner).await;
    let cockpit = house.cockpit().await;
    restoring(&house, &cockpit).await;
    fs::write(house.folder.path().join("go"), "").unwrap();
    cockpit.see("✓ cleaning up").await;
    assert_eq!(fs::read_to_string(house.page()).unwrap(), "title: Home\n");
    cockpit.press("u").await.see("is turned back").await;
    cockpit.press("<Enter>").await.see("and press Enter").await;
    cockpit
        .press("acme/live<Enter>")
        .await
        .see("undo of the restore")
        .await;
    cockpit.see("✓ cleaning up").await;
    assert_eq!(fs::read_to_string(house.page()).unwrap(), "title: Broken\n");
    cockpit.press("<Esc>a").await.see("Activity").await;
    let who = match way {
        Way::Here => "kim",
        Way::Elsewhere => "olga",
    };
    cockpit.see(&format!("{who} acme/live")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_and_its_undo_here() {
    a_restore_and_its_undo(Way::Here).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_and_its_undo_elsewhere() {
    a_restore_and_its_undo(Way::Elsewhere).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_is_found_where_it_is_after_the_network_was_cut() {
    let house = House::new(Way::Elsewhere, Role::Owner).await;
    let cockpit = house.cockpit().await;
    restoring(&house, &cockpit).await;
    house.network().cut();
    cockpit
        .see("disconnected, try")
        .await
        .see("the job goes on there")
        .await;
    assert!(cockpit.has("▶ hooks before"), "{}", cockpit.text());
    cockpit.press("<Esc>b").await.see("nothing can be changed").await;
    cockpit.press("<Esc>o").await.see("the link is down").await;
    fs::write(house.folder.path().join("go"), "").unwrap();
    // The engine itself says when it is done: nobody who looks on is needed for that.
    let mut events = house.engine.events();
    while !is_restored(&house).await {
        tokio::time::timeout(std::time::Duration::from_secs(20), events.next())
            .await
            .expect("the restore has not ended");
    }
    assert!(cockpit.has("▶ hooks before"), "the cockpit does not know yet");
    house.network().mend();
    cockpit.see("● connected").await.see("✓ cleaning up").await;
    assert!(!cockpit.has("the link is down"));
    cockpit.see("u undo").await;
}

async fn is_restored(house: &House) -> bool {
    let query = lifeboat::domain::request::JobQuery {
        limit: 1,
        ..Default::default()
    };
    house.engine.jobs(query).await.unwrap()[0].state.has_ended()
        && fs::read_to_string(house.page()).unwrap() == "title: Home\n"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_role_may_not_do_is_said_and_not_done() {
    let house = House::new(Way::Elsewhere, Role::Viewer).await;
    let cockpit = house.cockpit().await;
    cockpit.press("b").await.see("Replaces").await;
    cockpit.press("<Enter>").await.see("operator").await;
    assert!(!cockpit.has("Running jobs"));
    cockpit.press("<Esc>J").await.see("no job").await;
}
