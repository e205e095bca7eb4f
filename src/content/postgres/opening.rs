//! One connection, opened: what it takes on this machine, and how the server is made sure of.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use postgres::{Client, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::runtime;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::domain::os_error::in_words;

/// What goes on between a connection and the server, for a task of its own. Over when the client is dropped and the
/// server has answered, or when the connection is lost.
pub type Driving = Pin<Box<dyn Future<Output = Result<(), postgres::Error>> + Send>>;

/// Why there is no connection.
pub(super) enum Unopened {
    /// The server, or the way to it.
    Server(postgres::Error),
    /// This machine has no room for one.
    Machine(io::Error),
}

pub(super) fn open(config: &Config, tls: Option<&MakeRustlsConnect>) -> Result<Client, Unopened> {
    let config = postgres::Config::from(config.clone());
    room_for_a_runtime().map_err(Unopened::Machine)?;
    let opened = match tls {
        Some(tls) => config.connect(tls.clone()),
        None => config.connect(NoTls),
    };
    opened.map_err(Unopened::Server)
}

/// The library makes a runtime for each connection and takes it for granted that there is room for one. Looks that there is,
/// and for another one that somebody else may take meanwhile.
pub(super) fn room_for_a_runtime() -> io::Result<()> {
    let make = || runtime::Builder::new_current_thread().enable_all().build();
    let _tried = (make()?, make()?, File::open("/")?, File::open("/")?);
    Ok(())
}

pub(super) async fn open_within(
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

/// How the server is made sure of: by a certificate that one of those in the file has signed.
pub(super) fn tls(file: &std::path::Path) -> Result<MakeRustlsConnect, String> {
    let unreadable = |why: String| format!("the certificates in {} cannot be used: {why}", file.display());
    let mut roots = rustls::RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file)
        .map_err(|error| unreadable(in_words(&std::io::Error::other(error))))?;
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
