//! Receivers as an operator writes them, and what is wrong with them.
//!
//! Not in here: reading their secrets, and reaching them (`engine::notify`).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Pattern, Topic};
use crate::domain::activity::Severity;
use crate::domain::limit::TimeLimit;
use crate::domain::schedule::Window;
use crate::domain::settings::{SecretPlaces, SecretSource};

/// How a receiver is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverKind {
    /// JSON, posted to an address, signed if there is a secret.
    Webhook,
    /// A message as Slack takes it, and Mattermost and Rocket.Chat.
    Slack,
    /// A card as the workflows of Microsoft Teams take it.
    Teams,
    /// A topic of ntfy.
    Ntfy,
    /// E-mail through a server.
    Email,
    /// A command, with the event as JSON on its standard input.
    Command,
    /// A dead man's switch: an address that is called at the beginning and the end of backups. Written as `[[alive]]`.
    #[serde(skip)]
    Alive,
}

impl ReceiverKind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Ntfy => "ntfy",
            Self::Email => "email",
            Self::Command => "command",
            Self::Alive => "alive",
        }
    }

    /// The keys that mean something for this kind, beside those that all have.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Webhook => &["url", "secret", "token", "ca_file"],
            Self::Slack | Self::Teams | Self::Alive => &["url", "ca_file"],
            Self::Ntfy => &["url", "token", "ca_file"],
            Self::Email => &[
                "server", "port", "tls", "user", "password", "from", "to", "ca_file",
            ],
            Self::Command => &["command"],
        }
    }
}

/// How the connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// It begins in clear and is encrypted before anything is said: port 587.
    #[default]
    Starttls,
    /// It is encrypted from the beginning: port 465.
    Tls,
    /// It is not encrypted: port 25. Only for a server on this machine.
    None,
}

impl MailTls {
    /// The port where none is written.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// One receiver, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverSettings {
    /// What it is called in lists and messages.
    pub name: String,
    /// How it is reached.
    pub kind: ReceiverKind,
    /// What it is told of. Left out: everything that is serious enough.
    #[serde(default)]
    pub events: Vec<Topic>,
    /// The environments it is told of. Left out: all.
    #[serde(default)]
    pub environments: Vec<Pattern>,
    /// The least severity that it is told of. Left out: `warning`, or `information` where `events` are named.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// The hours, in UTC, in which only what is critical is told; the rest comes afterwards as a digest.
    #[serde(default)]
    pub quiet: Option<Window>,
    /// Within this time the same is told once, and then how often it has happened again.
    #[serde(default = "an_hour")]
    pub fold: TimeLimit,
    /// After this time a message that was not taken is given up.
    #[serde(default = "a_day")]
    pub give_up: TimeLimit,
    /// How long one attempt may take.
    #[serde(default = "seconds")]
    pub limit: TimeLimit,
    /// The address.
    #[serde(default)]
    pub url: Option<String>,
    /// The address is the first line of this file.
    #[serde(default)]
    pub url_file: Option<PathBuf>,
    /// The address is the first line that this command prints.
    #[serde(default)]
    pub url_command: Option<Vec<String>>,
    /// The address is in this environment variable.
    #[serde(default)]
    pub url_env: Option<String>,
    /// What a webhook is signed with is the first line of this file.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// What a webhook is signed with is the first line that this command prints.
    #[serde(default)]
    pub secret_command: Option<Vec<String>>,
    /// What a webhook is signed with is in this environment variable.
    #[serde(default)]
    pub secret_env: Option<String>,
    /// The token for the receiver is the first line of this file.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// The token for the receiver is the first line that this command prints.
    #[serde(default)]
    pub token_command: Option<Vec<String>>,
    /// The token for the receiver is in this environment variable.
    #[serde(default)]
    pub token_env: Option<String>,
    /// Certificates that are believed beside the system's, in PEM form.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The mail server.
    #[serde(default)]
    pub server: Option<String>,
    /// Its port. Left out: the usual one.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection to it is encrypted.
    #[serde(default)]
    pub tls: Option<MailTls>,
    /// The account there. Left out: none is needed.
    #[serde(default)]
    pub user: Option<String>,
    /// The account's password is the first line of this file.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The account's password is the first line that this command prints.
    #[serde(default)]
    pub password_command: Option<Vec<String>>,
    /// The account's password is in this environment variable.
    #[serde(default)]
    pub password_env: Option<String>,
    /// Who the mail is from.
    #[serde(default)]
    pub from: Option<String>,
    /// Who the mail goes to.
    #[serde(default)]
    pub to: Vec<String>,
    /// The program and its arguments.
    #[serde(default)]
    pub command: Vec<String>,
}

fn an_hour() -> TimeLimit {
    TimeLimit::minutes(60)
}

fn a_day() -> TimeLimit {
    TimeLimit::minutes(24 * 60)
}

pub(super) fn seconds() -> TimeLimit {
    TimeLimit::seconds(10)
}

impl ReceiverSettings {
    /// One with nothing but a name.
    #[must_use]
    pub fn of(name: &str, kind: ReceiverKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            events: Vec::new(),
            environments: Vec::new(),
            severity: None,
            quiet: None,
            fold: an_hour(),
            give_up: a_day(),
            limit: seconds(),
            url: None,
            url_file: None,
            url_command: None,
            url_env: None,
            secret_file: None,
            secret_command: None,
            secret_env: None,
            token_file: None,
            token_command: None,
            token_env: None,
            ca_file: None,
            server: None,
            port: None,
            tls: None,
            user: None,
            password_file: None,
            password_command: None,
            password_env: None,
            from: None,
            to: Vec::new(),
            command: Vec::new(),
        }
    }

    /// The files that it names.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [
            &mut self.url_file,
            &mut self.secret_file,
            &mut self.token_file,
            &mut self.password_file,
            &mut self.ca_file,
        ]
        .into_iter()
        .flatten()
    }

    /// Where the address is written, unless it is written itself.
    fn url_places(&self) -> SecretPlaces<'_> {
        SecretPlaces {
            key: "url",
            file: &self.url_file,
            command: &self.url_command,
            variable: &self.url_env,
        }
    }

    fn secret_places(&self) -> SecretPlaces<'_> {
        SecretPlaces {
            key: "secret",
            file: &self.secret_file,
            command: &self.secret_command,
            variable: &self.secret_env,
        }
    }

    fn token_places(&self) -> SecretPlaces<'_> {
        SecretPlaces {
            key: "token",
            file: &self.token_file,
            command: &self.token_command,
            variable: &self.token_env,
        }
    }

    fn password_places(&self) -> SecretPlaces<'_> {
        SecretPlaces {
            key: "password",
            file: &self.password_file,
            command: &self.password_command,
            variable: &self.password_env,
        }
    }

    fn all_places(&self) -> [SecretPlaces<'_>; 4] {
        [
            self.url_places(),
            self.secret_places(),
            self.token_places(),
            self.password_places(),
        ]
    }

    /// Where the address is kept, unless it is written.
    #[must_use]
    pub fn url_source(&self) -> Option<SecretSource> {
        self.url_places().source()
    }

    /// Where the secret that a webhook is signed with is kept.
    #[must_use]
    pub fn secret(&self) -> Option<SecretSource> {
        self.secret_places().source()
    }

    /// Where the token is kept.
    #[must_use]
    pub fn token(&self) -> Option<SecretSource> {
        self.token_places().source()
    }

    /// Where the password of the mail account is kept.
    #[must_use]
    pub fn password(&self) -> Option<SecretSource> {
        self.password_places().source()
    }

    /// The environment variables that hold its secrets.
    pub fn variables(&self) -> impl Iterator<Item = &String> {
        let places = self.all_places().into_iter();
        places.filter_map(|places| places.variable.as_ref())
    }

    /// What is written, by the key in front of `_file`, `_command` and `_env`, and how often.
    fn written(&self) -> [(&'static str, usize); 12] {
        let one = |is_there: bool| usize::from(is_there);
        [
            ("url", one(self.url.is_some()) + self.url_places().count()),
            ("secret", self.secret_places().count()),
            ("token", self.token_places().count()),
            ("password", self.password_places().count()),
            ("ca_file", one(self.ca_file.is_some())),
            ("server", one(self.server.is_some())),
            ("port", one(self.port.is_some())),
            ("tls", one(self.tls.is_some())),
            ("user", one(self.user.is_some())),
            ("from", one(self.from.is_some())),
            ("to", one(!self.to.is_empty())),
            ("command", one(!self.command.is_empty())),
        ]
    }

    /// What is wrong with it, as a sentence; `None` when it holds together.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        let kind = self.kind.word();
        let wrong = |what: String| Some(format!("the receiver \"{}\" {what}", self.name));
        if !is_a_name(&self.name) {
            return wrong(
                "has no usable name: write 1 to 63 letters, digits, '-', '_' or '.' as its name".to_owned(),
            );
        }
        let keys = self.kind.keys();
        for (key, times) in self.written() {
            if times > 0 && !keys.contains(&key) {
                return wrong(format!(
                    "is of the kind {kind}, for which {key} means nothing: take it out"
                ));
            }
            if times > 1 {
                return wrong(format!(
                    "has its {key} from several places: write only one of {key}_file, {key}_command and {key}_env{}",
                    if key == "url" { ", or url itself" } else { "" }
                ));
            }
        }
        let missing = |key: &str| keys.contains(&key) && self.written().contains(&(key_of(key), 0));
        for (key, how) in [
            (
                "url",
                "url = \"https://…\", or url_file, url_command or url_env where the address is a secret",
            ),
            ("server", "server = \"mail.example.com\""),
            ("from", "from = \"lifeboat@example.com\""),
            ("to", "to = [\"ops@example.com\"]"),
            ("command", "command = [\"PROGRAM\", \"ARGUMENT\", …]"),
        ] {
            if missing(key) {
                return wrong(format!("is of the kind {kind} and has no {key}: write {how}"));
            }
        }
        if let Some(url) = &self.url
            && !is_address(url)
        {
            return wrong(format!(
                "has \"{url}\" as its url: write an address that begins with https:// or http://"
            ));
        }
        if self.kind == ReceiverKind::Email && self.user.is_some() != self.password().is_some() {
            return wrong(
                "has one of user and password and not the other: write both, or neither".to_owned(),
            );
        }
        if self.tls == Some(MailTls::None) && self.password().is_some() {
            return wrong(
                "would send its password without encryption: write tls = \"starttls\" or tls = \"tls\""
                    .to_owned(),
            );
        }
        if self.all_places().iter().any(SecretPlaces::has_empty_command)
            || self
                .command
                .first()
                .is_some_and(|program| program.trim().is_empty())
        {
            return wrong(
                "has a command that names no program: write [\"PROGRAM\", \"ARGUMENT\", …]".to_owned(),
            );
        }
        None
    }
}

/// The same word, for as long as the program runs.
fn key_of(key: &str) -> &'static str {
    match key {
        "url" => "url",
        "server" => "server",
        "from" => "from",
        "to" => "to",
        _ => "command",
    }
}

fn is_a_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn is_address(text: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}
