//! Connections to an instance's database, as its operator has set them up: sockets or hosts, passwords from outside, TLS
//! with a certificate authority of their own. And what the server says, as sentences.
//!
//! Not in here: what is asked of it.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::error::SqlState;
use postgres::{Client, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::session::{self, Answer};
use super::{address, passfile};
use crate::certificates::Distrust;
use crate::content::ContentError;
use crate::domain::settings::PostgresSettings;
use crate::domain::settings::Variables;
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
    /// Which of several servers, once one has answered.
    server: Option<usize>,
    /// Whether it has heard how a session is to be, so that other programs can say so as well.
    is_direct: bool,
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
            server: None,
            is_direct: false,
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
            Ok(config) => address::described(&config, self.server),
            Err(_) => "the database".to_owned(),
        }
    }

    /// How to connect, without the password, and with every server that is named.
    fn config(&self) -> Result<Config, ContentError> {
        let wrong = |why: String| ContentError::Database {
            place: "the configuration".to_owned(),
            doing: "reading \"connect\"".to_owned(),
            why,
        };
        let connect = address::understood(&self.settings.connect);
        let mut config: Config = connect.parse().map_err(|error: postgres::Error| {
            wrong(format!(
                "{}: write it like \"host=/run/postgresql dbname=magnolia user=lifeboat\"; certificates are named as \
                 ca_file, and a password as password_file",
                causes(&error)
            ))
        })?;
        if config.get_password().is_some() {
            return Err(wrong(
                "it holds a password: put that in a file of its own and name it as password_file".to_owned(),
            ));
        }
        if address::servers(&config) == 0 {
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
        self.connect_to_one().map(|(client, _)| client)
    }

    /// Opens a connection, and gives the connector to the same server: of several that are named, each has a database of
    /// its own as far as one moment of it is concerned.
    ///
    /// # Errors
    /// [`ContentError::Database`] with what to look at.
    pub fn connect_to_one(&self) -> Result<(Client, Self), ContentError> {
        let (config, tls) = self.ready()?;
        self.first(&config, |connector, config| {
            let open = |config: &Config| {
                let config = postgres::Config::from(config.clone());
                match &tls {
                    Some(tls) => config.connect(tls.clone()),
                    None => config.connect(NoTls),
                }
            };
            let (mut client, is_passed_on) = match open(&session::asked_for(config)) {
                Ok(mut client) => {
                    let told = client.simple_query(session::LOOK);
                    let answer = session::answer(&told.map_err(|error| connector.unconnected(&error))?);
                    match answer {
                        Answer::Settled => return Ok((client, connector.direct())),
                        Answer::Then(statement) => {
                            client
                                .batch_execute(statement)
                                .map_err(|error| connector.unconnected(&error))?;
                            return Ok((client, connector.direct()));
                        }
                        Answer::Unheard => (client, true),
                    }
                }
                Err(error) if session::is_refused(&error) => {
                    let client = open(config).map_err(|error| connector.unconnected(&error))?;
                    (client, session::is_pooler(&error))
                }
                Err(error) => return Err(connector.unconnected(&error)),
            };
            if is_passed_on {
                // Whoever passes it on may give the server's session to somebody else between two transactions.
                let mut other = open(config).map_err(|error| connector.unconnected(&error))?;
                let id =
                    |client: &mut Client| session::id(client).map_err(|error| connector.unconnected(&error));
                let (first, second, third) = (id(&mut client)?, id(&mut other)?, id(&mut client)?);
                if first == second || first != third {
                    return Err(connector.wrong(CONNECTING, session::POOLED));
                }
                client
                    .batch_execute(session::BY_HAND)
                    .map_err(|error| connector.unconnected(&error))?;
            }
            Ok((client, connector.clone()))
        })
    }

    /// The same for a thread that has a runtime of its own, which has to drive the connection. What stands in between was
    /// found out when the first connection was opened.
    ///
    /// # Errors
    /// As [`Connector::connect`].
    pub async fn connect_within(&self) -> Result<(tokio_postgres::Client, Driving), ContentError> {
        let (config, tls) = self.ready()?;
        let mut last = None;
        for (connector, config) in self.each(&config)? {
            let mut connected = connector.open(&session::asked_for(&config), tls.as_ref()).await;
            if connected.as_ref().is_err_and(session::is_refused) {
                connected = connector.open(&config, tls.as_ref()).await;
            }
            match connected {
                Ok(connected) => return Ok(connected),
                Err(error) => last = Some(connector.unconnected(&error)),
            }
        }
        Err(last.unwrap_or_else(|| self.wrong(CONNECTING, "no server is named")))
    }

    async fn open(
        &self,
        config: &Config,
        tls: Option<&MakeRustlsConnect>,
    ) -> Result<(tokio_postgres::Client, Driving), postgres::Error> {
        match tls {
            Some(tls) => config
                .connect(tls.clone())
                .await
                .map(|(client, connection)| (client, Box::pin(connection) as Driving)),
            None => config
                .connect(NoTls)
                .await
                .map(|(client, connection)| (client, Box::pin(connection) as Driving)),
        }
    }

    fn direct(&self) -> Self {
        Self {
            is_direct: true,
            ..self.clone()
        }
    }

    /// How to connect, with all that it takes but the password.
    fn ready(&self) -> Result<(Config, Option<MakeRustlsConnect>), ContentError> {
        let mut config = self.config()?;
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

    /// Each server that may be meant, in order: the connector to it, and how to connect.
    fn each(&self, config: &Config) -> Result<Vec<(Self, Config)>, ContentError> {
        let servers = match self.server {
            Some(server) => server..server + 1,
            None => 0..address::servers(config),
        };
        servers
            .map(|server| {
                let connector = Self {
                    server: Some(server),
                    ..self.clone()
                };
                let mut config = address::only(config, server);
                if let Some(password) = connector.password_for(&config)? {
                    config.password(password);
                }
                Ok((connector, config))
            })
            .collect()
    }

    /// What the first server gives that gives anything.
    fn first<T>(
        &self,
        config: &Config,
        connect: impl Fn(&Self, &Config) -> Result<T, ContentError>,
    ) -> Result<T, ContentError> {
        let mut last = None;
        for (connector, config) in self.each(config)? {
            match connect(&connector, &config) {
                Ok(connected) => return Ok(connected),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| self.wrong(CONNECTING, "no server is named")))
    }

    fn unconnected(&self, error: &postgres::Error) -> ContentError {
        let trust = "name the certificate of its issuer as ca_file";
        if let Some(distrust) = Distrust::of(error, "the server", trust) {
            return self.wrong(CONNECTING, distrust.to_string());
        }
        let system = system_error(error);
        let hint = match error.code().map(SqlState::code) {
            Some("28000" | "28P01") => {
                ": look at the user, its password and the server's pg_hba.conf".to_owned()
            }
            Some("3D000") => ": look at dbname".to_owned(),
            Some(_) => String::new(),
            None if system == Some(ErrorKind::PermissionDenied) => {
                ": the server only follows another one, or it takes no changes of this user".to_owned()
            }
            // The library asks for a password when the server does, and has no error of its own for that.
            None if system.is_none() && !was_lost(error) && !self.has_password() => self.no_password(),
            None => ": look whether the server runs there and lets this machine in".to_owned(),
        };
        self.wrong(CONNECTING, format!("{}{hint}", sentence(error)))
    }

    fn has_password(&self) -> bool {
        let config = self
            .config()
            .ok()
            .map(|config| address::only(&config, self.server.unwrap_or(0)));
        config.is_some_and(|config| {
            self.password_for(&config)
                .is_ok_and(|password| password.is_some())
        })
    }

    fn no_password(&self) -> String {
        let looked = match passfile::place(&*self.variables) {
            Some(file) if passfile::is_open(&file) => format!(
                "; {0} is not read because others can read it: type chmod 600 {0}",
                file.display()
            ),
            Some(file) => format!(", or write it into {}", file.display()),
            None => String::new(),
        };
        format!(
            ": the server asks for a password and there is none: name the password of this user as password_file, \
             password_command or password_env{looked}"
        )
    }

    /// The password for one server: the one that is configured, or the one that libpq's programs would use.
    fn password_for(&self, config: &Config) -> Result<Option<String>, ContentError> {
        let variables = &self.variables;
        match self.settings.password() {
            Some(source) => secret::read(&source, &self.base, &|name| variables(name))
                .map(Some)
                .map_err(|why| ContentError::Database {
                    place: self.place(),
                    doing: "reading the password".to_owned(),
                    why,
                }),
            None => Ok(passfile::find(&**variables, &address::key(config, &**variables))),
        }
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

    /// The environment in which PostgreSQL's own programs reach the same database: what is set, and what is taken away.
    /// Call it on a connector to one server.
    ///
    /// # Errors
    /// [`ContentError::Database`] when the source of the password gives none.
    pub fn variables_for_programs(&self) -> Result<Vec<(&'static str, String)>, ContentError> {
        let config = address::only(&self.config()?, self.server.unwrap_or(0));
        let config = if self.is_direct {
            session::kept_open(&config)
        } else {
            config
        };
        let mut variables = address::variables(&config);
        variables.extend(
            self.password_for(&config)?
                .map(|password| ("PGPASSWORD", password)),
        );
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
        self.config().is_ok_and(|config| address::is_local(&config))
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
        "53300" => format!(
            "{text}: Lifeboat opens several connections at a time; `lifeboat check` says how many, so raise the limit of the \
             user, the database or the server, or lower connections"
        ),
        "25006" => format!(
            "{text}: the database takes no changes now; look at default_transaction_read_only of the user and the database, and \
             whether the server is the one that takes writes"
        ),
        "40001" => format!(
            "{text}: if the server is a standby it ends what hinders it from following; name the server that takes writes, or \
             raise max_standby_streaming_delay"
        ),
        "57P05" | "25P03" | "25P04" => format!("{text}: the server ends sessions of this user too soon"),
        "26000" | "42P05" => format!("{text}: {}", session::POOLED),
        "42501" => format!("{text}: the user of Lifeboat lacks a right; `lifeboat check` names it"),
        "53100" => format!("{text}: the database's disk is full"),
        _ => text,
    }
}

/// Whether there was a connection, and the other side has ended it.
fn was_lost(error: &postgres::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    match system_error(error) {
        Some(kind) => matches!(kind, BrokenPipe | ConnectionReset | UnexpectedEof),
        None => error.is_closed(),
    }
}

/// What the operating system said, if the error is one of its.
fn system_error(error: &postgres::Error) -> Option<ErrorKind> {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(system) = inner.downcast_ref::<std::io::Error>() {
            return Some(system.kind());
        }
        cause = inner.source();
    }
    None
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
