//! The address of a database in libpq's words: which servers it names, and how it is told to other programs.

use postgres::config::{Host, TargetSessionAttrs};
use tokio_postgres::Config;

use super::passfile::Key;

const PORT: u16 = 5432;

/// An address with words that the library does not know written as those that mean the same: the server's certificate is
/// always verified, with its name.
pub(super) fn understood(connect: &str) -> String {
    let mut text = connect.to_owned();
    for (name, value, known) in [
        ("sslmode", "verify-full", "require"),
        ("sslmode", "verify-ca", "require"),
        ("sslmode", "allow", "prefer"),
        ("target_session_attrs", "primary", "read-write"),
    ] {
        for quote in ["", "'"] {
            text = text.replace(
                &format!("{name}={quote}{value}{quote}"),
                &format!("{name}={known}"),
            );
        }
    }
    text
}

/// How many servers it names.
pub(super) fn servers(config: &Config) -> usize {
    config.get_hosts().len().max(config.get_hostaddrs().len())
}

fn port(config: &Config, server: usize) -> u16 {
    let ports = config.get_ports();
    ports
        .get(server)
        .or_else(|| ports.first())
        .copied()
        .unwrap_or(PORT)
}

/// The same for one of the servers alone.
pub(super) fn only(config: &Config, server: usize) -> Config {
    let mut one = Config::new();
    if let Some(user) = config.get_user() {
        one.user(user);
    }
    if let Some(name) = config.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = config.get_options() {
        one.options(options);
    }
    if let Some(name) = config.get_application_name() {
        one.application_name(name);
    }
    match config.get_hosts().get(server) {
        Some(Host::Tcp(name)) => drop(one.host(name)),
        Some(Host::Unix(folder)) => drop(one.host_path(folder)),
        None => {}
    }
    if let Some(address) = config.get_hostaddrs().get(server) {
        one.hostaddr(*address);
    }
    if let Some(limit) = config.get_connect_timeout() {
        one.connect_timeout(*limit);
    }
    if let Some(limit) = config.get_tcp_user_timeout() {
        one.tcp_user_timeout(*limit);
    }
    if let Some(interval) = config.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one.port(port(config, server))
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .channel_binding(config.get_channel_binding())
        .target_session_attrs(config.get_target_session_attrs());
    one
}

/// What the password for the first server is looked up by.
pub(super) fn key(config: &Config, variables: &dyn Fn(&str) -> Option<String>) -> Key {
    let user = config.get_user().map(str::to_owned).or_else(|| variables("USER"));
    let user = user.unwrap_or_default();
    Key {
        host: host(config, 0),
        port: port(config, 0),
        database: config.get_dbname().unwrap_or(&user).to_owned(),
        user,
    }
}

/// Whether two addresses name the very same servers by the same names. Of one that cannot be read nobody knows.
pub(super) fn is_same_server(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (understood(one).parse(), understood(other).parse()) else {
        return false;
    };
    let (one, other): (Config, Config) = (one, other);
    let ports = |config: &Config| -> Vec<u16> { (0..servers(config)).map(|at| port(config, at)).collect() };
    one.get_hosts() == other.get_hosts()
        && one.get_hostaddrs() == other.get_hostaddrs()
        && ports(&one) == ports(&other)
}

fn host(config: &Config, server: usize) -> String {
    match (config.get_hosts().get(server), config.get_hostaddrs().get(server)) {
        (Some(Host::Tcp(name)), _) => name.clone(),
        (Some(Host::Unix(folder)), _) => folder.display().to_string(),
        (None, Some(address)) => address.to_string(),
        (None, None) => "nowhere".to_owned(),
    }
}

/// The variables in which libpq's programs are told of the first server.
pub(super) fn variables(config: &Config) -> Vec<(&'static str, String)> {
    let mut variables = vec![("PGPORT", port(config, 0).to_string())];
    if !config.get_hosts().is_empty() {
        variables.push(("PGHOST", host(config, 0)));
    }
    variables.extend(
        config
            .get_hostaddrs()
            .first()
            .map(|address| ("PGHOSTADDR", address.to_string())),
    );
    variables.extend(config.get_user().map(|user| ("PGUSER", user.to_owned())));
    variables.extend(config.get_dbname().map(|name| ("PGDATABASE", name.to_owned())));
    variables.extend(
        config
            .get_options()
            .map(|options| ("PGOPTIONS", options.to_owned())),
    );
    match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => variables.push(("PGTARGETSESSIONATTRS", "read-write".to_owned())),
        TargetSessionAttrs::ReadOnly => variables.push(("PGTARGETSESSIONATTRS", "read-only".to_owned())),
        _ => {}
    }
    variables
}

/// Variables that would lead libpq's programs somewhere else where they are set for Lifeboat.
pub(super) const MISLEADING: [&str; 12] = [
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGUSER",
    "PGDATABASE",
    "PGOPTIONS",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGTARGETSESSIONATTRS",
    "PGLOADBALANCEHOSTS",
    "PGSSLROOTCERT",
    "PGCLIENTENCODING",
];

/// Whether every server is on this machine.
pub(super) fn is_local(config: &Config) -> bool {
    let named = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        Host::Unix(_) => true,
    });
    named && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
}

/// The database, for people: on one server, or on all that are named.
pub(super) fn described(config: &Config, server: Option<usize>) -> String {
    let name = config.get_dbname().or(config.get_user()).unwrap_or("postgres");
    let on = |server: usize| match port(config, server) {
        PORT => host(config, server),
        port => format!("{}:{port}", host(config, server)),
    };
    let places: Vec<_> = match server {
        Some(server) => vec![on(server)],
        None => (0..servers(config).max(1)).map(on).collect(),
    };
    format!("the database {name} on {}", places.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_several_servers_can_be_told_to_other_programs() {
        let text = "host=a,/run/b hostaddr=127.0.0.1,127.0.0.2 port=1,2 dbname=m user=u target_session_attrs=primary";
        let config: Config = understood(text).parse().unwrap();
        assert_eq!(servers(&config), 2);
        assert_eq!(described(&config, None), "the database m on a:1 or /run/b:2");
        let second = only(&config, 1);
        let told = variables(&second);
        for expected in [
            ("PGHOST", "/run/b"),
            ("PGHOSTADDR", "127.0.0.2"),
            ("PGPORT", "2"),
            ("PGTARGETSESSIONATTRS", "read-write"),
        ] {
            assert!(told.contains(&(expected.0, expected.1.to_owned())), "{told:?}");
        }
        assert!(!is_local(&config));
        let config: Config = "hostaddr=10.0.0.1 dbname=m".parse().unwrap();
        assert_eq!(described(&config, None), "the database m on 10.0.0.1");
        assert!(!is_local(&config));
    }

    #[test]
    fn encryption_is_asked_for_in_libpqs_words() {
        for text in [
            "host=a sslmode=verify-full",
            "host=a sslmode='verify-ca'",
            "postgres://a/m?sslmode=verify-full",
        ] {
            let config: Config = understood(text).parse().unwrap();
            assert_eq!(
                config.get_ssl_mode(),
                postgres::config::SslMode::Require,
                "{text}"
            );
        }
    }
}
