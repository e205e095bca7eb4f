//! Connections to an instance's database, as its operator has set them up: sockets or hosts, passwords from outside, TLS
//! with a certificate authority of their own. And what the server says, as sentences.
//!
//! Not in here: what is asked of it.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::error::SqlState;
use postgres::{CancelToken, Client, NoTls};
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

pub use super::opening::Driving;
use super::opening::{Unopened, open, open_within, room_for_a_runtime, tls};
use super::session::{self, Between, Session};
pub use super::trouble::sentence;
use super::trouble::{causes, system_error, was_lost};
use super::{address, passfile, version};
use crate::certificates::Distrust;
use crate::content::ContentError;
use crate::domain::os_error::in_words;
use crate::domain::settings::PostgresSettings;
use crate::domain::settings::Variables;
use crate::secret;

/// A server that does not answer is given up after this long.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// What every session of Lifeboat's says that it is, that of a catalog and of `pg_dump` included.
pub(super) const PROGRAM: &str = "lifeboat";

/// Opens connections to one database.
#[derive(Clone)]
pub struct Connector {
    settings: Arc<PostgresSettings>,
    base: PathBuf,
    variables: Variables,
    patience: Option<Duration>,
    /// Which of several servers, once one has answered.
    server: Option<usize>,
    /// What is between Lifeboat and the server, once that was found out.
    between: Option<Between>,
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
            between: None,
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
            return Err(ContentError::Unconnected {
                place: address::described(&config, self.server),
                why: "it asks for encryption, and nothing says whom to trust: name the certificates that the server's is \
                      signed by as ca_file"
                    .to_owned(),
                wants_ca_file: true,
            });
        }
        config.connect_timeout(CONNECT_LIMIT);
        config.application_name(PROGRAM);
        config.keepalives_idle(self.patience.unwrap_or(Duration::from_mins(1)));
        if let Some(patience) = self.patience {
            config.tcp_user_timeout(patience);
        }
        Ok(config)
    }

    /// What is between Lifeboat and the server. `None` until somebody has connected: ask the connector that
    /// [`Connector::connect_to_one`] gives.
    #[must_use]
    pub fn between(&self) -> Option<Between> {
        self.between
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// [`ContentError::Database`] with what to look at.
    pub fn connect(&self) -> Result<Session, ContentError> {
        self.connect_to_one().map(|(session, _)| session)
    }

    /// Opens a connection, and gives the connector to the same server: of several that are named, each has a database of
    /// its own as far as one moment of it is concerned.
    ///
    /// # Errors
    /// [`ContentError::Database`] with what to look at.
    pub fn connect_to_one(&self) -> Result<(Session, Self), ContentError> {
        let (config, tls) = self.ready()?;
        self.first(&config, |connector, config| {
            let failed = |error| connector.unconnected(&error);
            let (mut client, mut between) = connector.reach(config, tls.as_ref())?;
            if between == Between::Pooler
                && connector.between.is_none()
                && !session::takes_transactions(&mut client).map_err(failed)?
            {
                // Once may be an accident.
                (client, between) = connector.reach(config, tls.as_ref())?;
                if !session::takes_transactions(&mut client).map_err(failed)? {
                    return Err(connector.no_connection(session::BY_STATEMENT));
                }
            }
            if between == Between::Pooler && connector.between.is_none() {
                version::supported(connector, &mut client)?;
            }
            let connector = Self {
                between: Some(between),
                ..connector.clone()
            };
            Ok((Session::on(client), connector))
        })
    }

    /// Opens a connection whose session lasts from one transaction to the next.
    ///
    /// # Errors
    /// [`ContentError::Database`] with what to look at: also when a pooler gives the session to others meanwhile.
    pub fn connect_lasting(&self) -> Result<Client, ContentError> {
        let (config, tls) = self.ready()?;
        self.first(&config, |connector, config| {
            let failed = |error| connector.unconnected(&error);
            let (mut client, between) = connector.reach(config, tls.as_ref())?;
            if between == Between::Pooler {
                let mut other = connector.opened(open(config, tls.as_ref()))?;
                let id = |client: &mut Client| session::id(client).map_err(failed);
                let (first, second, third) = (id(&mut client)?, id(&mut other)?, id(&mut client)?);
                if first == second || first != third {
                    return Err(connector.no_connection(session::POOLED));
                }
                client.batch_execute(session::BY_HAND).map_err(failed)?;
            }
            Ok(client)
        })
    }

    /// Opens a connection, and tells what is in between.
    fn reach(
        &self,
        config: &Config,
        tls: Option<&MakeRustlsConnect>,
    ) -> Result<(Client, Between), ContentError> {
        let failed = |error| self.unconnected(&error);
        if self.between == Some(Between::Pooler) {
            return Ok((self.opened(open(config, tls))?, Between::Pooler));
        }
        match open(&session::asked_for(config), tls) {
            Ok(mut client) => {
                let between = session::heard(&mut client).map_err(failed)?;
                Ok((client, between))
            }
            Err(Unopened::Server(error)) => match session::refused_by(&error) {
                Some(Between::OlderServer) => {
                    let mut client = self.opened(open(config, tls))?;
                    version::supported(self, &mut client)?;
                    client.batch_execute(session::BY_HAND).map_err(failed)?;
                    Ok((client, Between::OlderServer))
                }
                Some(between) => Ok((self.opened(open(config, tls))?, between)),
                None => Err(failed(error)),
            },
            Err(unopened) => self
                .opened(Err(unopened))
                .map(|client| (client, Between::Nothing)),
        }
    }

    fn opened(&self, opened: Result<Client, Unopened>) -> Result<Client, ContentError> {
        opened.map_err(|unopened| match unopened {
            Unopened::Server(error) => self.unconnected(&error),
            Unopened::Machine(error) => self.no_room(&error),
        })
    }

    fn no_room(&self, error: &io::Error) -> ContentError {
        self.no_connection(
            format!(
                "this machine gives no more to work with ({}): raise the limit of open files of whoever runs Lifeboat \
                 (ulimit -n, LimitNOFILE), or lower connections",
                in_words(error)
            ),
        )
    }

    /// Asks the server to end what a session of it is at.
    ///
    /// # Errors
    /// [`ContentError::Database`] when the request does not get there.
    pub(super) fn cancel(&self, session: &CancelToken) -> Result<(), ContentError> {
        let tls = self.ready()?.1;
        room_for_a_runtime().map_err(|error| self.no_room(&error))?;
        let sent = match tls {
            Some(tls) => session.cancel_query(tls),
            None => session.cancel_query(NoTls),
        };
        sent.map_err(|error| self.unconnected(&error))
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
            let mut connected = match connector.between {
                Some(Between::Pooler) => open_within(&config, tls.as_ref()).await,
                _ => open_within(&session::asked_for(&config), tls.as_ref()).await,
            };
            if connected
                .as_ref()
                .is_err_and(|error| session::refused_by(error).is_some())
            {
                connected = open_within(&config, tls.as_ref()).await;
            }
            match connected {
                Ok(connected) => return Ok(connected),
                Err(error) => last = Some(connector.unconnected(&error)),
            }
        }
        Err(last.unwrap_or_else(|| self.no_connection("no server is named")))
    }

    /// How to connect, with all that it takes but the password.
    fn ready(&self) -> Result<(Config, Option<MakeRustlsConnect>), ContentError> {
        let mut config = self.config()?;
        let tls = match &self.settings.ca_file {
            Some(file) => Some(tls(file).map_err(|why| self.no_connection(why))?),
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
        Err(last.unwrap_or_else(|| self.no_connection("no server is named")))
    }

    fn unconnected(&self, error: &postgres::Error) -> ContentError {
        let trust = "name the certificate of its issuer as ca_file";
        if let Some(distrust) = Distrust::of(error, "the server", trust) {
            return ContentError::Unconnected {
                place: self.place(),
                why: distrust.to_string(),
                wants_ca_file: distrust.is_of_a_stranger,
            };
        }
        let system = system_error(error);
        let code = error.code().map(SqlState::code);
        // A server that takes encrypted connections only says no more than that it does not take this one.
        let wants_ca_file = code == Some("28000") && self.settings.ca_file.is_none();
        let hint = match code {
            Some("28000") if wants_ca_file => {
                ": look at the user, its password and the server's pg_hba.conf; where that wants encryption, name the \
                 certificates that the server's is signed by as ca_file"
                    .to_owned()
            }
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
        ContentError::Unconnected {
            place: self.place(),
            why: format!("{}{hint}", sentence(error)),
            wants_ca_file,
        }
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
        let is_behind = self.between == Some(Between::Pooler);
        move |error| {
            let (place, doing) = (place.clone(), doing.clone());
            let why = match error.as_db_error() {
                None if is_behind => format!("{}; {}", sentence(&error), session::CUT),
                _ => sentence(&error),
            };
            if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
                ContentError::Locked { place, doing, why }
            } else {
                ContentError::Database { place, doing, why }
            }
        }
    }

    /// Why there is no connection.
    fn no_connection(&self, why: impl Into<String>) -> ContentError {
        ContentError::Unconnected {
            place: self.place(),
            why: why.into(),
            wants_ca_file: false,
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
        let config = session::kept_open(&config, self.between);
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
        variables.push(("PGAPPNAME", PROGRAM.to_owned()));
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
