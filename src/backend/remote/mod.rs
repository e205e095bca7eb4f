//! The backend that is a Lifeboat service elsewhere, asked over HTTP.
//!
//! - [`RemoteSettings`] and `access`: how the service is reached.
//! - `call`: one question and its answer; `problem`: errors.
//! - `listen` and `feed`: events, and how the link stands.
//! - [`Pace`]: how long things may take.
//!
//! Not in here: what is shown while the link is down (`tui`), and whether a change is allowed at all
//! ([`super::read_only`] on this side, the rules on the other).

mod access;
mod bodies;
mod call;
mod explore;
mod feed;
mod greeting;
mod listen;
mod pace;
mod problem;
mod restores;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use reqwest::Url;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinHandle;

use self::access::Access;
use self::bodies::{Broken, Started};
use self::call::Call;
pub use self::pace::Pace;
use super::link::Link;
use super::{Backend, BackendError, BackendInfo, EventStream};
use crate::domain::Instant;
use crate::domain::activity::{Activity, Notification};
use crate::domain::backup::BackupId;
use crate::domain::check::Report;
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::job::{Job, JobId, LogLine};
use crate::domain::lifeboat_node::LifeboatNode;
use crate::domain::notify::{ReceiverStanding, ReceiverTest};
use crate::domain::plan::{PlanId, RestorePlan};
use crate::domain::request::{
    BackupRequest, ExtractRequest, HoldKind, HoldRequest, JobQuery, PinRequest, RestoreRequest,
};
use crate::domain::settings::{SecretSource, Variables};
use crate::domain::state::{BeforeUndo, EnvironmentDetails, EnvironmentSummary};

/// Events that a listener may fall behind before it is told that it has missed some.
const EVENTS_KEPT: usize = 256;
/// The most entries of a list that a service gives at once.
const MOST_ENTRIES: u32 = 20_000;

/// How a service is reached, and what the backend gets from outside.
pub struct RemoteSettings {
    /// The name of the context, for sentences.
    pub context: String,
    /// The address of the service.
    pub address: String,
    /// Where the token is.
    pub token: Option<SecretSource>,
    /// Certificates that are believed beside the system's, in PEM form.
    pub ca_file: Option<PathBuf>,
    /// Whether the token may be sent over an unencrypted connection to another machine.
    pub plain_http: bool,
    /// Environment variables.
    pub variables: Variables,
    /// Random numbers: for keys of requests, and to spread attempts.
    pub random: fn(&mut [u8]) -> io::Result<()>,
    /// The time.
    pub clock: Arc<dyn Fn() -> Instant + Send + Sync>,
    /// How long things may take.
    pub pace: Pace,
}

/// A service, as a backend.
pub struct Remote {
    shared: Arc<Shared>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

/// What the backend and its listener share.
struct Shared {
    access: Access,
    random: fn(&mut [u8]) -> io::Result<()>,
    clock: Arc<dyn Fn() -> Instant + Send + Sync>,
    pace: Pace,
    link: watch::Sender<Link>,
    events: broadcast::Sender<Event>,
    /// The environments of the plans that were made through this backend.
    plans: Mutex<HashMap<PlanId, EnvironmentName>>,
    /// Whether it is known that a Lifeboat of a fitting version is on the other side.
    greeted: tokio::sync::Mutex<bool>,
    /// Something was asked and did not get through, although the link counts as up.
    suspected: Notify,
    /// Something was answered, although the link counts as down.
    answered: Notify,
    listening: std::sync::atomic::AtomicBool,
}

impl Remote {
    /// A backend over the service. Nothing is sent before something is asked.
    ///
    /// # Errors
    /// A sentence when the address is none, or would send the token in the open.
    pub fn new(settings: RemoteSettings) -> Result<Self, String> {
        Self::over(settings, |access| access)
    }

    /// As [`Remote::new`], with a token that is tried before it is stored: what is said when it is not accepted is about
    /// that.
    ///
    /// # Errors
    /// As [`Remote::new`].
    pub fn trying_a_token(settings: RemoteSettings) -> Result<Self, String> {
        Self::over(settings, Access::on_trial)
    }

    fn over(settings: RemoteSettings, on: fn(Access) -> Access) -> Result<Self, String> {
        let address = &settings.address;
        let base: Url = address
            .parse()
            .map_err(|error| format!("\"{address}\" is not the address of a service: {error}"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(format!(
                "\"{address}\" is not the address of a service: write one that begins with https://"
            ));
        }
        if base.scheme() == "http" && !is_this_machine(&base) && !settings.plain_http {
            return Err(format!(
                "the context \"{}\" leads to {address}, and everybody on the way could read the token: use https://, or allow it if the way is protected otherwise, with plain_http = true there, or with --plain-http of `lifeboat login` for a new context",
                settings.context
            ));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(format!(
                "the address of the context \"{}\" has a name or a password in it: leave them out, and name a token with token_file",
                settings.context
            ));
        }
        let access = Access::new(
            base,
            settings.context,
            settings.token,
            settings.ca_file,
            settings.variables,
            settings.pace,
        );
        let shared = Shared {
            access: on(access),
            random: settings.random,
            clock: settings.clock,
            pace: settings.pace,
            link: watch::Sender::new(Link::Up),
            events: broadcast::channel(EVENTS_KEPT).0,
            plans: Mutex::default(),
            greeted: tokio::sync::Mutex::new(false),
            suspected: Notify::new(),
            answered: Notify::new(),
            listening: std::sync::atomic::AtomicBool::new(false),
        };
        Ok(Self {
            shared: Arc::new(shared),
            listener: Mutex::default(),
        })
    }

    /// A key by which the service knows a request again.
    fn key(&self) -> Result<String, BackendError> {
        let mut bytes = [0; 16];
        (self.shared.random)(&mut bytes).map_err(|error| {
            BackendError::Failed(format!(
                "the system gives no random numbers, so nothing was asked for: {error}"
            ))
        })?;
        let mut key = String::new();
        for byte in bytes {
            let _ = write!(key, "{byte:02x}");
        }
        Ok(key)
    }

    /// Starts a job.
    pub(super) async fn start(
        &self,
        environment: &EnvironmentName,
        what: &str,
        body: &impl Serialize,
    ) -> Result<JobId, BackendError> {
        let call = Call::post(&below(environment, &[what]))
            .body(body)?
            .key(self.key()?);
        let started: Started = self.shared.ask(call).await?;
        Ok(started.job)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let listener = self.listener.lock().take();
        if let Some(listener) = listener {
            listener.abort();
        }
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The path of something of an environment.
fn below<'a>(environment: &'a EnvironmentName, rest: &[&'a str]) -> Vec<&'a str> {
    let mut path = vec!["environments", environment.project(), environment.environment()];
    path.extend(rest);
    path
}

impl Shared {
    fn is_listening(&self) -> bool {
        self.listening.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// A random number. Without one, attempts are not spread, which is no reason to fail.
    fn chance(&self) -> u8 {
        let mut byte = [128];
        let _ = (self.random)(&mut byte);
        byte[0]
    }

    /// Something was answered.
    fn heard(&self) {
        if *self.link.borrow() != Link::Up {
            self.answered.notify_one();
        }
    }

    /// Something was not answered.
    fn suspect(&self) {
        self.suspected.notify_waiters();
    }
}

#[async_trait]
impl Backend for Remote {
    async fn check(&self, only: Option<EnvironmentName>) -> Result<Report, BackendError> {
        let call = Call::get(&["check"]).takes_long();
        let call = match only {
            Some(name) => call.with("environment", &name),
            None => call,
        };
        self.shared.ask(call).await
    }

    async fn info(&self) -> Result<BackendInfo, BackendError> {
        let info: BackendInfo = self.shared.ask(Call::get(&["info"])).await?;
        Ok(BackendInfo {
            kind: self.shared.access.address().to_owned(),
            ..info
        })
    }

    async fn environments(&self) -> Result<Vec<EnvironmentSummary>, BackendError> {
        self.shared.ask(Call::get(&["environments"])).await
    }

    async fn environment(&self, name: &EnvironmentName) -> Result<EnvironmentDetails, BackendError> {
        self.shared.ask(Call::get(&below(name, &[]))).await
    }

    async fn jobs(&self, query: JobQuery) -> Result<Vec<Job>, BackendError> {
        if let Some(id) = query.id {
            return match self.job(id).await {
                Ok(job) => Ok(vec![job]),
                Err(BackendError::UnknownJob(_)) => Ok(Vec::new()),
                Err(error) => Err(error),
            };
        }
        let call = Call::get(&["jobs"]).with("limit", &query.limit.clamp(1, MOST_ENTRIES));
        let call = match query.environment {
            Some(name) => call.with("environment", &name),
            None => call,
        };
        self.shared.ask(call).await
    }

    async fn job(&self, id: JobId) -> Result<Job, BackendError> {
        self.shared.ask(Call::get(&["jobs", &id.to_string()])).await
    }

    async fn job_log(&self, id: JobId, after: u64) -> Result<Vec<LogLine>, BackendError> {
        let call = Call::get(&["jobs", &id.to_string(), "log"]).with("after", &after);
        self.shared.ask(call).await
    }

    async fn activity(&self, limit: u32) -> Result<Vec<Activity>, BackendError> {
        let limit = limit.clamp(1, MOST_ENTRIES);
        self.shared
            .ask(Call::get(&["activity"]).with("limit", &limit))
            .await
    }

    async fn notifications(&self, limit: u32) -> Result<Vec<Notification>, BackendError> {
        let limit = limit.clamp(1, MOST_ENTRIES);
        self.shared
            .ask(Call::get(&["notifications"]).with("limit", &limit))
            .await
    }

    async fn receivers(&self) -> Result<Vec<ReceiverStanding>, BackendError> {
        self.shared.ask(Call::get(&["receivers"])).await
    }

    async fn test_receivers(&self, only: Option<String>) -> Result<Vec<ReceiverTest>, BackendError> {
        let call = Call::post(&["receivers", "test"]).body(&json!({ "name": only }))?;
        self.shared.ask(call.takes_long()).await
    }

    async fn before_undo(&self, environment: &EnvironmentName) -> Result<BeforeUndo, BackendError> {
        let call = Call::get(&below(environment, &["undo"]));
        // Of a part it is compared with Live.
        let told: Option<BeforeUndo> = self.shared.ask(call.takes_long().may_be_unknown()).await?;
        Ok(told.unwrap_or_default())
    }

    async fn nodes(&self) -> Result<Vec<LifeboatNode>, BackendError> {
        self.shared.ask(Call::get(&["nodes"])).await
    }

    async fn notifications_seen(&self, up_to: u64) -> Result<(), BackendError> {
        let call = Call::post(&["notifications", "seen"]).body(&json!({ "up_to": up_to }))?;
        self.shared.tell(call).await
    }

    async fn start_backup(&self, request: BackupRequest) -> Result<JobId, BackendError> {
        let body = json!({ "note": request.note, "upgrade_to": request.upgrade_to });
        self.start(&request.environment, "backups", &body).await
    }

    async fn plan_restore(&self, request: RestoreRequest) -> Result<RestorePlan, BackendError> {
        self.plan(request).await
    }

    async fn start_restore(&self, plan: PlanId, confirm: String) -> Result<JobId, BackendError> {
        self.restore(plan, confirm, None).await
    }

    async fn start_restore_alone(
        &self,
        plan: PlanId,
        confirm: String,
        reason: String,
    ) -> Result<JobId, BackendError> {
        self.restore(plan, confirm, Some(reason)).await
    }

    async fn approve_restore(
        &self,
        environment: EnvironmentName,
        plan: PlanId,
        confirm: String,
    ) -> Result<JobId, BackendError> {
        self.approve(&environment, plan, confirm).await
    }

    async fn reject_restore(
        &self,
        environment: EnvironmentName,
        plan: PlanId,
        reason: Option<String>,
    ) -> Result<(), BackendError> {
        self.reject(&environment, &plan, reason).await
    }

    async fn start_undo(&self, environment: EnvironmentName, confirm: String) -> Result<JobId, BackendError> {
        self.start(&environment, "undo", &json!({ "confirm": confirm }))
            .await
    }

    async fn start_confirm(&self, environment: EnvironmentName) -> Result<JobId, BackendError> {
        self.start(&environment, "confirmations", &json!({})).await
    }

    async fn start_verify(
        &self,
        environment: EnvironmentName,
        backup: Option<String>,
    ) -> Result<JobId, BackendError> {
        self.start(&environment, "verifications", &json!({ "backup": backup }))
            .await
    }

    async fn start_drill(
        &self,
        environment: EnvironmentName,
        backup: Option<String>,
    ) -> Result<JobId, BackendError> {
        self.start(&environment, "drills", &json!({ "backup": backup }))
            .await
    }

    async fn start_extract(&self, request: ExtractRequest) -> Result<JobId, BackendError> {
        let body = json!({
            "backup": request.backup,
            "selection": request.selection,
            "from": request.from,
            "into": request.into,
        });
        self.start(&request.environment, "extracts", &body).await
    }

    async fn cancel(&self, id: JobId) -> Result<(), BackendError> {
        let call = Call::post(&["jobs", &id.to_string(), "cancel"]).body(&json!({}))?;
        self.shared.tell(call).await
    }

    async fn delete_backup(
        &self,
        environment: EnvironmentName,
        backup: BackupId,
    ) -> Result<(), BackendError> {
        let call = Call::delete(&below(&environment, &["backups", &backup.0]));
        self.shared.tell(call).await
    }

    async fn extend_backup(
        &self,
        environment: EnvironmentName,
        backup: BackupId,
    ) -> Result<(), BackendError> {
        let call =
            Call::post(&below(&environment, &["backups", &backup.0, "extensions"])).body(&json!({}))?;
        self.shared.tell(call).await
    }

    async fn pin_backup(&self, request: PinRequest) -> Result<(), BackendError> {
        let body = json!({ "until": request.until, "note": request.note });
        let path = below(&request.environment, &["backups", &request.backup.0, "pin"]);
        self.shared.tell(Call::put(&path).body(&body)?).await
    }

    async fn unpin_backup(&self, environment: EnvironmentName, backup: BackupId) -> Result<(), BackendError> {
        let call = Call::delete(&below(&environment, &["backups", &backup.0, "pin"]));
        self.shared.tell(call).await
    }

    async fn hold(&self, request: HoldRequest) -> Result<(), BackendError> {
        let hold = match request.hold {
            HoldKind::Maintenance => "maintenance",
            HoldKind::Protection => "protection",
        };
        let body = json!({ "on": request.on, "reason": request.reason });
        let call = Call::put(&below(&request.environment, &["holds", hold])).body(&body)?;
        self.shared.tell(call).await
    }

    async fn break_live(&self, environment: EnvironmentName) -> Result<String, BackendError> {
        let call = Call::post(&below(&environment, &["breakages"])).body(&json!({}))?;
        let broken: Broken = self.shared.ask(call).await?;
        Ok(broken.broken)
    }

    fn events(&self) -> EventStream {
        let mut listener = self.listener.lock();
        // Subscribed before the first event can come.
        let events = self.shared.events.subscribe();
        if listener.is_none() {
            self.shared
                .listening
                .store(true, std::sync::atomic::Ordering::Relaxed);
            *listener = Some(tokio::spawn(listen::listen(Arc::clone(&self.shared))));
        }
        EventStream(events)
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.shared.link.subscribe()
    }
}
