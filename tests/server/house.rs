//! A service on loopback over an engine in a temporary folder, and whoever asks it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lifeboat::backend::embedded::{Embedded, EmbeddedOptions};
use lifeboat::backend::serves::Serves as _;
use lifeboat::clock::{Clock, SystemClock};
use lifeboat::config::Config;
use lifeboat::domain::token::{Role, TokenRecord};
use lifeboat::engine::{EngineSettings, Surroundings};
use lifeboat::server::log::Log;
use lifeboat::server::{Server, ServerSurroundings, tokens};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Mutex, broadcast, mpsc};

/// A token that is in the catalog.
#[derive(Debug, Clone)]
pub struct Token(pub String);

/// The house: acme/live and globex/live with one instance each, and acme/uat.
pub struct House {
    pub folder: tempfile::TempDir,
    pub server: Option<Server>,
    pub engine: Embedded,
    pub client: reqwest::Client,
    pub base: String,
    /// What the service has logged and nobody has read yet.
    pub lines: Mutex<mpsc::Receiver<String>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answered {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The problem, whose form every problem has to have.
    #[track_caller]
    pub fn problem(&self) -> Value {
        let kind = self
            .headers
            .get("content-type")
            .and_then(|kind| kind.to_str().ok());
        assert_eq!(kind, Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        let word = problem["kind"].as_str().unwrap();
        assert_eq!(problem["type"], format!("urn:lifeboat:problem:{word}"));
        assert_eq!(
            problem["request"].as_str(),
            self.headers.get("x-request-id").map(|id| id.to_str().unwrap())
        );
        problem
    }

    /// The kind of the problem.
    #[track_caller]
    pub fn kind(&self) -> String {
        self.problem()["kind"].as_str().unwrap().to_owned()
    }
}

pub fn random(bytes: &mut [u8]) -> std::io::Result<()> {
    lifeboat::random::system()(bytes).map_err(std::io::Error::other)
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Writes the configuration and the content.
pub fn lay_out(folder: &Path, server: &str, hook: &str) -> PathBuf {
    let mut config = format!(
        "state = \"state\"\n[repository]\nroot = \"repository\"\npassword_file = \"key\"\n[server]\nlisten = \"127.0.0.1:0\"\n{server}\n"
    );
    for project in ["acme", "globex"] {
        let content = folder.join(project).join("content");
        write(&content.join("website/home.yaml"), "title: Home\n");
        write(&content.join("config/server.yaml"), "admin: true\n");
        let hooks = if project == "acme" { hook } else { "" };
        write!(config, "[[environment]]\nproject = \"{project}\"\nname = \"live\"\nkind = \"live\"\nrelease_version = \"v3\"\n\
             magnolia_version = \"6.3.4\"\nschedule = {{ enabled = false }}\n[[environment.instance]]\nname = \"author\"\nrole = \"author\"\n\
             content = {{ type = \"files\", path = \"{}\" }}\n{hooks}\n",
            content.display()).unwrap();
    }
    config.push_str("[[environment]]\nproject = \"acme\"\nname = \"uat\"\nkind = \"uat\"\n");
    write(&folder.join("key"), "open sesame\n");
    let file = folder.join("lifeboat.toml");
    write(&file, &config);
    file
}

impl House {
    pub async fn new() -> Self {
        Self::with("", "").await
    }

    /// With these lines in `[server]`, and this `hooks` of acme's author.
    pub async fn with(server: &str, hook: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = lay_out(folder.path(), server, hook);
        let config = Config::load(&file).unwrap();
        let settings = EngineSettings {
            cache: None,
            state: config.state.clone().unwrap(),
            catalog: None,
            repository: config.repository.clone(),
            limits: config.limits,
            receivers: config.receivers,
            environments: config.environments.clone(),
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let surroundings = Surroundings {
            clock: Arc::clone(&clock),
            runtime: tokio::runtime::Handle::current(),
            events: broadcast::channel(1024).0,
            random: lifeboat::random::system(),
            variables: Arc::new(|_| None),
        };
        let options = EmbeddedOptions {
            user: "kim".to_owned(),
            keep_schedule: false,
            break_live: None,
        };
        let engine = Embedded::start(settings, surroundings, options);
        let (log, lines) = Log::new(Arc::clone(&clock));
        let started = Server::start(
            Arc::new(engine.clone()),
            config.server,
            ServerSurroundings { clock, random, log },
        )
        .await;
        let server = started.unwrap();
        let scheme = if server_speaks_tls(server.address(), &file) {
            "https"
        } else {
            "http"
        };
        let base = format!("{scheme}://{}", server.address());
        Self {
            folder,
            server: Some(server),
            engine,
            client: client(),
            base,
            lines: Mutex::new(lines),
        }
    }

    /// Adds a token to the catalog.
    pub async fn token(&self, name: &str, role: Role, projects: &[&str]) -> Token {
        self.token_with(name, role, projects, |_| {}).await
    }

    pub async fn token_with(
        &self,
        name: &str,
        role: Role,
        projects: &[&str],
        change: impl FnOnce(&mut TokenRecord),
    ) -> Token {
        let text = tokens::new_text(random).unwrap();
        let hash = tokens::hash_of(&text);
        let mut record = TokenRecord {
            name: name.to_owned(),
            account: None,
            role,
            projects: projects.iter().map(|project| (*project).to_owned()).collect(),
            created: SystemClock.now(),
            created_by: "kim".to_owned(),
            expires: None,
            revoked: None,
            last_used: None,
        };
        change(&mut record);
        self.engine
            .on_catalog(move |catalog| catalog.add_token(&record, &hash))
            .await
            .unwrap();
        Token(text)
    }

    pub async fn owner(&self) -> Token {
        self.token("olga", Role::Owner, &[]).await
    }

    pub fn request(&self, method: Method, path: &str, token: Option<&Token>) -> reqwest::RequestBuilder {
        let path = if path.starts_with("/api") || path.ends_with('z') || path == "/metrics" {
            path.to_owned()
        } else {
            format!("/api/v1{path}")
        };
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {}", token.0));
        }
        request
    }

    pub async fn get(&self, path: &str, token: &Token) -> Answered {
        answered(self.request(Method::GET, path, Some(token))).await
    }

    /// Sends a body, with a key of its own.
    pub async fn send(&self, method: Method, path: &str, token: &Token, body: &Value) -> Answered {
        let mut key = [0; 8];
        random(&mut key).unwrap();
        let request = self
            .request(method, path, Some(token))
            .header("idempotency-key", format!("{:x}", u64::from_be_bytes(key)));
        answered(with_json(request, body)).await
    }

    pub async fn post(&self, path: &str, token: &Token, body: Value) -> Answered {
        self.send(Method::POST, path, token, &body).await
    }

    /// Waits until a job has ended, and returns it.
    pub async fn ended(&self, started: &Answered, token: &Token) -> Value {
        assert_eq!(started.status, 202, "{started:?}");
        let job = started.json()["job"].as_u64().unwrap();
        let path = format!("/jobs/{job}");
        assert_eq!(started.headers["location"], format!("/api/v1{path}"));
        loop {
            self.engine.jobs_ended().await.unwrap();
            let job = self.get(&path, token).await.json();
            if !matches!(job["state"].as_str(), Some("running" | "waiting")) {
                return job;
            }
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The packs in the repository of acme/live.
    pub fn packs(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.path("repository/acme/live/data")).unwrap();
        let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
        files.map(|file| file.unwrap().path()).collect()
    }

    /// Takes a backup of acme/live and waits for it.
    pub async fn backup(&self, token: &Token) -> Value {
        let started = self
            .post("/environments/acme/live/backups", token, json!({}))
            .await;
        let job = self.ended(&started, token).await;
        assert_eq!(job["state"], "done", "{job}");
        job
    }
}

fn server_speaks_tls(_: std::net::SocketAddr, config: &Path) -> bool {
    fs::read_to_string(config).unwrap().contains("certificate_file")
}

pub fn client() -> reqwest::Client {
    // Another test may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub fn with_json(request: reqwest::RequestBuilder, body: &Value) -> reqwest::RequestBuilder {
    request
        .header("content-type", "application/json")
        .body(body.to_string())
}

pub async fn answered(request: reqwest::RequestBuilder) -> Answered {
    let answer = request.send().await.unwrap();
    Answered {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        text: answer.text().await.unwrap(),
    }
}
