//! Connections to an instance's database, as its operator has set them up: sockets or hosts, passwords from outside, TLS
//! with a certificate authority of their own. And what the server says, as sentences.
//!
//! Not in here: what is asked of it.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::certificates::Distrust;
use crate::domain::settings::PostgresSettings;
use crate::engine::Variables;
use crate::engine::content::ContentError;
use crate::secret;

/// A server that does not answer is given up after this long.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const CONNECTING: &str = "connecting";

/// What goes on between a connection and the server, for a task of its own. Over when the client is dropped and the
/// server has answered, or when the connection is lost.
pub type Driving = Pin<Box<dyn Future<Output = Result<(), postgres::Error>> + Send>>;

/// Opens connections to one database.
#[derive(Clone)]
pub struct Connector {
    settings: Arc<PostgresSettings>,
    base: PathBuf,
    variables: Variables,
    patience: Option<Duration>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("place", &self.place())
            .finish_non_exhaustive()
    }
}

impl Connector {
    /// For the database that the settings tell of. Commands that give a password run in `base`; `variables` answers for
    /// environment variables. Connects to nothing yet.
    #[must_use]
    pub fn new(settings: &PostgresSettings, base: PathBuf, variables: Variables) -> Self {
        Self {
            settings: Arc::new(settings.clone()),
            base,
            variables,
            patience: None,
        }
    }

    /// Gives a connection up on which the other side has said nothing to what was sent for so long.
    #[must_use]
    pub fn giving_up_after(self, patience: Duration) -> Self {
        Self {
            patience: Some(patience),
            ..self
        }
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &PostgresSettings {
        &self.settings
    }

    /// The database, for people.
    #[must_use]
    pub fn place(&self) -> String {
        match self.config() {
            Ok(config) => described(&config),
            Err(_) => "the database".to_owned(),
        }
    }

    /// How to connect, without the password.
    fn config(&self) -> Result<Config, ContentError> {
        let wrong = |why: String| ContentError::Database {
            place: "the configuration".to_owned(),
            doing: "reading \"connect\"".to_owned(),
            why,
        };
        let mut config: Config = self.settings.connect.parse().map_err(|error: postgres::Error| {
            wrong(format!(
                "{}: write it like \"host=/run/postgresql dbname=magnolia user=lifeboat\"",
                causes(&error)
            ))
        })?;
        if config.get_password().is_some() {
            return Err(wrong(
                "it holds a password: put that in a file of its own and name it as password_file".to_owned(),
            ));
        }
        if config.get_hosts().is_empty() {
            return Err(wrong(
                "it names no host: write a host, or the folder of the server's socket".to_owned(),
            ));
        }
        if config.get_ssl_mode() == SslMode::Require && self.settings.ca_file.is_none() {
            return Err(wrong(
                "it asks for encryption, and nothing says whom to trust: name the certificates that the server's is signed \
                 by as ca_file"
                    .to_owned(),
            ));
        }
        config.connect_timeout(CONNECT_LIMIT);
        config.application_name("lifeboat");
        config.keepalives_idle(self.patience.unwrap_or(Duration::from_mins(1)));
        if let Some(patience) = self.patience {
            config.tcp_user_timeout(patience);
        }
        Ok(config)
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// [`ContentError::Database`] with what to look at.
    pub fn connect(&self) -> Result<Client, ContentError> {
        let (config, tls) = self.ready()?;
        let config = postgres::Config::from(config);
        let connected = match tls {
            Some(tls) => config.connect(tls),
            None => config.connect(NoTls),
        };
        connected.map_err(|error| self.unconnected(&error))
    }

    /// The same for a thread that has a runtime of its own, which has to drive the connection.
    ///
    /// # Errors
    /// As [`Connector::connect`].
    pub async fn connect_within(&self) -> Result<(tokio_postgres::Client, Driving), ContentError> {
        let (config, tls) = self.ready()?;
        let connected = match tls {
            Some(tls) => config
                .connect(tls)
                .await
                .map(|(client, connection)| (client, Box::pin(connection) as Driving)),
            None => config
                .connect(NoTls)
                .await
                .map(|(client, connection)| (client, Box::pin(connection) as Driving)),
        };
        connected.map_err(|error| self.unconnected(&error))
    }

    /// How to connect, with all that it takes.
    fn ready(&self) -> Result<(Config, Option<MakeRustlsConnect>), ContentError> {
        let mut config = self.config()?;
        if let Some(password) = self.password()? {
            config.password(password);
        }
        let tls = match &self.settings.ca_file {
            Some(file) => Some(tls(file).map_err(|why| self.wrong(CONNECTING, why))?),
            None => None,
        };
        config.ssl_mode(if tls.is_some() {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        Ok((config, tls))
    }

    fn unconnected(&self, error: &postgres::Error) -> ContentError {
        let trust = "name the certificate of its issuer as ca_file";
        if let Some(distrust) = Distrust::of(error, "the server", trust) {
            return self.wrong(CONNECTING, distrust.to_string());
        }
        let hint = match error.code().map(postgres::error::SqlState::code) {
            Some("28000" | "28P01") => ": look at the user, its password and the server's pg_hba.conf",
            Some("3D000") => ": look at dbname",
            _ if error.as_db_error().is_none() => {
                ": look whether the server runs there and lets this machine in"
            }
            _ => "",
        };
        self.wrong(CONNECTING, format!("{}{hint}", sentence(error)))
    }

    /// The password, if one is configured.
    ///
    /// # Errors
    /// [`ContentError::Database`] when its source gives none.
    pub fn password(&self) -> Result<Option<String>, ContentError> {
        let Some(source) = self.settings.password() else {
            return Ok(None);
        };
        let variables = &self.variables;
        secret::read(&source, &self.base, &|name| variables(name))
            .map(Some)
            .map_err(|why| ContentError::Database {
                place: self.place(),
                doing: "reading the password".to_owned(),
                why,
            })
    }

    /// For `map_err` on what the server was asked to do.
    pub fn failed(&self, doing: &str) -> impl Fn(postgres::Error) -> ContentError + use<> {
        let (place, doing) = (self.place(), doing.to_owned());
        move |error| ContentError::Database {
            place: place.clone(),
            doing: doing.clone(),
            why: sentence(&error),
        }
    }

    /// Something that is wrong without the server having said so.
    pub fn wrong(&self, doing: &str, why: impl Into<String>) -> ContentError {
        ContentError::Database {
            place: self.place(),
            doing: doing.to_owned(),
            why: why.into(),
        }
    }

    /// The environment in which PostgreSQL's own programs reach the same database.
    ///
    /// # Errors
    /// As [`Connector::password`].
    pub fn variables_for_programs(&self) -> Result<Vec<(&'static str, String)>, ContentError> {
        let config = self.config()?;
        let mut variables = Vec::new();
        let mut hosts = Vec::new();
        for host in config.get_hosts() {
            hosts.push(match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(folder) => folder.display().to_string(),
            });
        }
        variables.push(("PGHOST", hosts.join(",")));
        if !config.get_ports().is_empty() {
            let ports: Vec<_> = config.get_ports().iter().map(u16::to_string).collect();
            variables.push(("PGPORT", ports.join(",")));
        }
        variables.extend(config.get_user().map(|user| ("PGUSER", user.to_owned())));
        variables.extend(config.get_dbname().map(|name| ("PGDATABASE", name.to_owned())));
        variables.extend(
            config
                .get_options()
                .map(|options| ("PGOPTIONS", options.to_owned())),
        );
        variables.extend(self.password()?.map(|password| ("PGPASSWORD", password)));
        match &self.settings.ca_file {
            Some(file) => {
                variables.push(("PGSSLMODE", "verify-full".to_owned()));
                variables.push(("PGSSLROOTCERT", file.display().to_string()));
            }
            None => variables.push(("PGSSLMODE", "disable".to_owned())),
        }
        variables.push(("PGCONNECT_TIMEOUT", CONNECT_LIMIT.as_secs().to_string()));
        Ok(variables)
    }

    /// Whether the server is reached over a socket of this machine or its loopback address, so that its files may be at
    /// hand.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.config().is_ok_and(|config| {
            config.get_hosts().iter().all(|host| match host {
                Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
                Host::Unix(_) => true,
            })
        })
    }
}

/// How the server is made sure of: by a certificate that one of those in the file has signed.
fn tls(file: &std::path::Path) -> Result<MakeRustlsConnect, String> {
    let unreadable = |why: String| format!("the certificates in {} cannot be used: {why}", file.display());
    let mut roots = rustls::RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| unreadable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("there is none in it".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unreadable(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn described(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => "nowhere".to_owned(),
    };
    let name = config.get_dbname().or(config.get_user()).unwrap_or("postgres");
    match config.get_ports() {
        [port, ..] if *port != 5432 => format!("the database {name} on {host}:{port}"),
        _ => format!("the database {name} on {host}"),
    }
}

/// What the server said, in one sentence: its message, its detail and its hint.
#[must_use]
pub fn sentence(error: &postgres::Error) -> String {
    let Some(told) = error.as_db_error() else {
        // Its last words may be lost with the connection.
        return if was_lost(error) {
            "the server ended the connection: look at its log, and whether it still runs".to_owned()
        } else {
            causes(error)
        };
    };
    let mut text = told.message().to_owned();
    for more in [told.detail(), told.hint()].into_iter().flatten() {
        text = format!("{text}; {}", more.trim_end_matches('.'));
    }
    match told.code().code() {
        "57014" if text.contains("statement timeout") => format!(
            "{text}: the server ends statements of this user too soon, so raise statement_timeout for it"
        ),
        "42501" => format!("{text}: the user of Lifeboat lacks a right; `lifeboat check` names it"),
        "53100" => format!("{text}: the database's disk is full"),
        _ => text,
    }
}

/// Whether there was a connection, and the other side has ended it.
fn was_lost(error: &postgres::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(system) = inner.downcast_ref::<std::io::Error>() {
            return matches!(system.kind(), BrokenPipe | ConnectionReset | UnexpectedEof);
        }
        cause = inner.source();
    }
    error.is_closed()
}

/// An error with its causes: the library's own text often leaves out why.
fn causes(error: &postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}
