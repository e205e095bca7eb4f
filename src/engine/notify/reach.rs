//! Reaching one receiver: its secrets, read when they are needed, and the way that its kind takes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::{command, http, mail};
use crate::domain::measure;
use crate::domain::notify::{Parcel, Receiver, ReceiverKind, ReceiverSettings};
use crate::domain::os_error::in_words;
use crate::domain::settings::SecretSource;
use crate::engine::{Engine, WeakEngine, secrets};
use crate::secret;

/// Why a receiver did not take something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// As a sentence. Never a secret.
    pub(super) why: String,
    /// Whether it was this message that was refused, and would be again.
    pub(super) is_about_message: bool,
    /// Whether the receiver may have it all the same: no answer came, or none that says.
    pub(super) may_have_it: bool,
}

/// Which of several recipients have a parcel, as far as is known while it is handed over.
pub(super) type Had = Arc<Mutex<Vec<String>>>;

impl Refused {
    /// It was not reached, or refuses whatever comes.
    pub(super) fn now(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_about_message: false,
            may_have_it: false,
        }
    }

    /// Nobody knows whether the receiver has it.
    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Self {
            may_have_it: true,
            ..Self::now(why)
        }
    }

    /// Nobody knows what became of it.
    pub(super) fn lost() -> Self {
        Self::unknown("the attempt was broken off by an error of Lifeboat")
    }

    /// Whoever tells it ends, and has waited for so long before that.
    pub(super) fn broken_off(waited: Duration) -> Self {
        let waited = measure::so_many(waited.as_secs(), "second", "seconds");
        Self::unknown(format!(
            "it had not taken it when Lifeboat ended, which waits no longer than {waited} for that"
        ))
    }
}

/// A receiver with all that is needed to reach it.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) settings: ReceiverSettings,
    /// The address; empty for kinds that have none.
    pub(super) url: String,
    pub(super) secret: Option<String>,
    pub(super) token: Option<String>,
    pub(super) password: Option<String>,
    /// Certificates that are believed beside the system's, in PEM form.
    pub(super) authorities: Option<Vec<u8>>,
    /// The variables that hold secrets: nothing that is started sees them.
    pub(super) hidden: Arc<Vec<String>>,
    /// What is in them: not quoted, whoever says it.
    pub(super) kept: Arc<Vec<String>>,
    pub(super) folder: PathBuf,
}

impl Ready {
    /// Reads what is needed. It may run commands, and blocks.
    ///
    /// # Errors
    /// A sentence that names what cannot be read.
    pub(super) fn of(receiver: &Receiver, engine: &Engine) -> Result<Self, String> {
        let settings = receiver.settings.clone();
        let variables = engine.variables();
        let read = |what: &str, source: Option<SecretSource>| {
            let Some(source) = source else { return Ok(None) };
            if let SecretSource::PasswordFile(file) = &source {
                secret::owner_only(file)?;
            }
            let found = secret::read(&source, engine.state(), &|name| variables(name));
            found
                .map(Some)
                .map_err(|why| format!("its {what} cannot be read: {why}"))
        };
        let url = match &settings.url {
            Some(url) => url.clone(),
            None => read("url", settings.url_source())?
                .unwrap_or_default()
                .trim()
                .to_owned(),
        };
        let hidden = secrets::variables(engine);
        let kept = hidden.iter().filter_map(|name| variables(name)).collect();
        let authorities = settings.ca_file.as_ref().map(|file| {
            std::fs::read(file).map_err(|error| {
                format!(
                    "its ca_file {} cannot be read: {error}",
                    file.display(),
                    error = in_words(&error)
                )
            })
        });
        Ok(Self {
            url,
            secret: read("secret", settings.secret())?,
            token: read("token", settings.token())?,
            password: read("password", settings.password())?,
            authorities: authorities.transpose()?,
            hidden: Arc::new(hidden),
            kept: Arc::new(kept),
            folder: engine.state().to_owned(),
            settings,
        })
    }

    /// Hands a parcel over. Gives what the receiver said.
    pub(super) async fn hand_over(&self, parcel: &Parcel, had: &Had) -> Result<String, Refused> {
        let limit = self.settings.limit.duration();
        let handing = async {
            match self.settings.kind {
                ReceiverKind::Webhook => http::webhook(self, parcel).await,
                ReceiverKind::Slack => http::slack(self, parcel).await,
                ReceiverKind::Teams => http::teams(self, parcel).await,
                ReceiverKind::Ntfy => http::ntfy(self, parcel).await,
                ReceiverKind::Alive => http::alive(self, parcel).await,
                ReceiverKind::Email => mail::send(self, parcel, had).await,
                ReceiverKind::Command => command::run(self, parcel).await,
            }
        };
        tokio::time::timeout(limit, handing).await.unwrap_or_else(|_| {
            Err(Refused::unknown(format!(
                "it did not take it within {}",
                self.settings.limit
            )))
        })
    }
}

/// One attempt to reach a receiver, on a task of its own: what breaks it breaks nothing else, and it ends with whoever waits
/// for it.
pub(super) async fn attempt(
    engine: WeakEngine,
    receiver: String,
    parcel: Parcel,
    had: Had,
) -> Result<String, Refused> {
    // Secrets may be printed by commands, which block.
    let getting_ready = move || {
        let engine = engine.upgrade()?;
        let receiver = engine.notifier().receiver(&receiver).cloned()?;
        Some(Ready::of(&receiver, &engine).map_err(Refused::now))
    };
    let mut task = JoinSet::new();
    task.spawn(async move {
        let ready = tokio::task::spawn_blocking(getting_ready).await.ok().flatten();
        let ready = ready.unwrap_or_else(|| Err(Refused::lost()))?;
        ready.hand_over(&parcel, &had).await
    });
    let answer = task.join_next().await;
    answer
        .and_then(Result::ok)
        .unwrap_or_else(|| Err(Refused::lost()))
}

/// Where a receiver is, for people. An address may hold a secret: only its machine is told.
pub(super) fn place(receiver: &Receiver) -> String {
    let settings = &receiver.settings;
    match settings.kind {
        ReceiverKind::Email => format!("{} through {}", settings.to.join(", "), mail::server(settings)),
        ReceiverKind::Command => settings.command.first().cloned().unwrap_or_default(),
        _ => match (&settings.url, settings.url_source()) {
            (Some(url), _) => machine(url),
            (None, Some(SecretSource::PasswordFile(file))) => format!("the address in {}", file.display()),
            (None, Some(SecretSource::PasswordEnv(name))) => format!("the address in the variable {name}"),
            (None, _) => "the address that its command prints".to_owned(),
        },
    }
}

/// The machine of an address, with how it is reached.
fn machine(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "an address that cannot be read".to_owned();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

/// Whether the program of a receiver can be started.
pub(super) fn find_command(receiver: &Receiver, engine: &Engine) -> Result<(), String> {
    let program = receiver.settings.command.first().map_or("", String::as_str);
    let path = engine.variables()("PATH").unwrap_or_default();
    let found = secret::command::find(program, &path);
    found
        .map(|_| ())
        .map_err(|why| format!("{why}: name its whole path, or install it"))
}

#[cfg(test)]
mod tests {
    use super::machine;

    #[test]
    fn an_address_is_told_without_what_may_be_secret_in_it() {
        assert_eq!(
            machine("https://hooks.slack.com/services/T0/B0/XYZ"),
            "https://hooks.slack.com"
        );
        assert_eq!(
            machine("https://olga:secret@ntfy.example.com:8443?x=1"),
            "https://ntfy.example.com:8443"
        );
    }
}
