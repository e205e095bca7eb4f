//! Object storage that is reached over TLS, with a certificate of an authority of the operator's own.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use lifeboat::domain::settings::StorageOptions;
use lifeboat::repository::Repository;
use lifeboat::watch::Unwatched;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::object_storage::{Store, head_of, server};
use crate::support::{Sandbox, key};

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openssl {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Two authorities, and a certificate for `localhost` that the first has signed.
fn make_certificates(folder: &Path) {
    const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for name in ["ours", "theirs"] {
        openssl(
            folder,
            &format!("req -x509 {KEY} -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"),
        );
    }
    openssl(
        folder,
        &format!("req {KEY} -subj /CN=localhost -keyout server.key -out server.csr"),
    );
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(
        folder,
        "x509 -req -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 2 -extfile names -out server.crt",
    );
}

/// A front of the S3 server that speaks TLS alone. Gives its port.
fn front(folder: &Path) -> u16 {
    // Another test may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = CertificateDer::pem_file_iter(folder.join("server.crt"))
        .unwrap()
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), config) = (client, Arc::clone(&config)) else {
                return;
            };
            thread::spawn(move || pass_on(client, config));
        }
    });
    port
}

/// One request of a connection. An error ends the connection, as it would on a real line.
fn pass_on(client: TcpStream, config: Arc<ServerConfig>) -> Option<()> {
    let mut line = StreamOwned::new(ServerConnection::new(config).ok()?, client);
    let (head, body) = {
        let mut from = BufReader::new(&mut line);
        let (head, length) = head_of(&mut from)?;
        let mut body = vec![0; length];
        from.read_exact(&mut body).ok()?;
        (head.replacen("HTTP/1.1", "HTTP/1.0", 1), body)
    };
    let mut there = TcpStream::connect(("127.0.0.1", server())).ok()?;
    there.write_all(head.as_bytes()).ok()?;
    there.write_all(&body).ok()?;
    let mut answer = Vec::new();
    there.read_to_end(&mut answer).ok()?;
    line.write_all(&answer).ok()?;
    line.conn.send_close_notify();
    line.flush().ok()
}

#[test]
fn a_bucket_is_reached_over_tls_and_its_service_has_to_be_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    make_certificates(folder.path());
    let port = front(folder.path());
    let store = Store::new();
    let over = |host: &str, authority: Option<&str>| {
        let options = StorageOptions {
            endpoint: Some(format!("https://{host}:{port}")),
            ca_file: authority.map(|name| folder.path().join(name)),
            retry_seconds: 300,
            ..store.options()
        };
        store.storage_over("boats/acme/live", &options)
    };
    let sandbox = Sandbox::in_bucket(store.clone(), over("localhost", Some("ours.pem")));
    let id = sandbox.back_up();
    sandbox.reopened().verify(&id, &Unwatched).unwrap();
    sandbox.restic(&["check", "--read-data"]);
    let unknown = "signed by nobody who is known here. If it is the right one, name the certificate of its issuer as ca_file";
    for (host, authority, expected) in [
        ("localhost", Some("theirs.pem"), unknown),
        ("localhost", None, unknown),
        ("127.0.0.1", Some("ours.pem"), ", not for 127.0.0.1"),
    ] {
        let began = std::time::Instant::now();
        let why = Repository::open(over(host, authority), &key())
            .unwrap_err()
            .to_string();
        let whose = format!("the certificate of the object storage at {host} is ");
        assert!(
            why.contains(&whose) && why.contains(expected),
            "{host} {authority:?}: {why}"
        );
        assert!(!why.contains("does not answer"), "{why}");
        // Nothing is gained by asking again.
        assert!(
            began.elapsed() < std::time::Duration::from_secs(100),
            "{:?}",
            began.elapsed()
        );
    }
}
