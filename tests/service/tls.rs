//! A server that speaks TLS with a certificate that was made for a test, and never gets beyond that.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

const CA: &str = "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = .\n\
                  certificate = ours.pem\nprivate_key = ours.key\ndefault_md = sha256\npolicy = any\n\
                  unique_subject = no\n[any]\ncommonName = supplied\n";

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

/// Makes two authorities, `ours.pem` and `theirs.pem`.
pub fn make_authorities(folder: &Path) {
    for name in ["ours", "theirs"] {
        openssl(
            folder,
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} -keyout \
                 {name}.key -out {name}.pem"
            ),
        );
    }
    fs::write(folder.join("ca.cnf"), CA).unwrap();
    fs::write(folder.join("index.txt"), "").unwrap();
    fs::write(folder.join("serial"), "01\n").unwrap();
}

/// Makes a certificate of ours for `localhost`, valid for so long (as in `20260101000000Z`), and serves with it. Gives
/// the port.
pub fn serve(folder: &Path, from: &str, until: &str) -> u16 {
    openssl(
        folder,
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
    );
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(
        folder,
        &format!(
            "ca -batch -notext -config ca.cnf -startdate {from} -enddate {until} -extfile names -in server.csr -out \
             server.crt"
        ),
    );
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
        for socket in listener.incoming() {
            let (mut socket, config) = (socket.unwrap(), Arc::clone(&config));
            thread::spawn(move || {
                let mut connection = ServerConnection::new(config).unwrap();
                // Whoever does not accept the certificate says so, and goes.
                let _ = Stream::new(&mut connection, &mut socket).read(&mut [0; 1]);
            });
        }
    });
    port
}
