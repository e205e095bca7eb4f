//! Receivers on loopback: an HTTP server that can fail and come back, and a mail server with encryption.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What somebody has sent.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// In the place of a status: hangs up without an answer.
pub(super) const HANGS_UP: u16 = 0;
/// Never answers.
pub(super) const STALLS: u16 = 1;
/// Answers with what is not HTTP.
pub(super) const BABBLES: u16 = 2;

/// An HTTP server that answers with the status it is told to.
pub(super) struct Listener {
    pub(super) port: u16,
    status: Arc<AtomicU16>,
    heard: Arc<(Mutex<Vec<Request>>, Condvar)>,
}

impl Listener {
    pub(super) fn new() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let listener = Self {
            port: socket.local_addr().unwrap().port(),
            status: Arc::new(AtomicU16::new(200)),
            heard: Arc::default(),
        };
        let (status, heard) = (Arc::clone(&listener.status), Arc::clone(&listener.heard));
        thread::spawn(move || {
            for stream in socket.incoming() {
                let (status, heard) = (Arc::clone(&status), Arc::clone(&heard));
                thread::spawn(move || serve(stream.unwrap(), &status, &heard));
            }
        });
        listener
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(super) fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What came so far, and is forgotten now.
    pub(super) fn heard(&self) -> Vec<Request> {
        std::mem::take(&mut *self.heard.0.lock())
    }

    /// Waits until something came, and forgets it.
    pub(super) fn hears(&self) -> Request {
        let mut heard = self.heard.0.lock();
        let until = Instant::now() + Duration::from_mins(1);
        while heard.is_empty() {
            let waited = self.heard.1.wait_until(&mut heard, until);
            assert!(!waited.timed_out(), "nothing came");
        }
        heard.remove(0)
    }
}

fn serve(stream: TcpStream, status: &AtomicU16, heard: &(Mutex<Vec<Request>>, Condvar)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let path = first.split(' ').nth(1).unwrap().to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers
            .get("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let request = Request {
            path: path.clone(),
            headers,
            body: String::from_utf8(body).unwrap(),
        };
        let status = status.load(Ordering::SeqCst);
        heard.0.lock().push(request);
        heard.1.notify_all();
        match status {
            HANGS_UP => return,
            STALLS => thread::sleep(Duration::from_mins(10)),
            BABBLES => {
                let _ = writer.write_all(b"\x00\xff\xfe what?\r\n\r\n");
                return;
            }
            _ => {}
        }
        // As Express does it.
        let said = if path.starts_with("/services/") {
            format!("<pre>Cannot POST {}</pre>", path.replace('/', "&#x2F;"))
        } else {
            "no".to_owned()
        };
        let length = said.len();
        let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\n\r\n{said}");
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// A mail that a server has taken.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) was_encrypted: bool,
    pub(super) account: Option<String>,
    pub(super) to: Vec<String>,
    pub(super) text: String,
}

/// A mail server that speaks STARTTLS, or TLS from the beginning, with a certificate of its own authority.
pub(super) struct MailServer {
    pub(super) port: u16,
    taken: Arc<Mutex<Vec<Taken>>>,
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

impl MailServer {
    /// Its authority is `authority.pem` in the folder.
    pub(super) fn new(folder: &Path, is_encrypted_at_once: bool) -> Self {
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        openssl(
            folder,
            &format!("req -x509 {key} -days 2 -subj /CN=authority -keyout authority.key -out authority.pem"),
        );
        openssl(
            folder,
            &format!("req {key} -subj /CN=localhost -keyout mail.key -out mail.csr"),
        );
        fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
        openssl(
            folder,
            "x509 -req -in mail.csr -CA authority.pem -CAkey authority.key -days 1 -extfile names -out mail.pem",
        );
        let _ = rustls::crypto::ring::default_provider().install_default();
        let chain = CertificateDer::from_pem_file(folder.join("mail.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.join("mail.key")).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .unwrap();
        let config = Arc::new(config);
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: socket.local_addr().unwrap().port(),
            taken: Arc::default(),
        };
        let taken = Arc::clone(&server.taken);
        thread::spawn(move || {
            for stream in socket.incoming() {
                let (stream, config, taken) = (stream.unwrap(), Arc::clone(&config), Arc::clone(&taken));
                thread::spawn(move || {
                    let encrypted = |stream| StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                    if is_encrypted_at_once {
                        let _ = converse(encrypted(stream), true, true, &taken);
                        return;
                    }
                    if let Ok(Some(stream)) = converse(stream, false, true, &taken) {
                        let _ = converse(encrypted(stream), true, false, &taken);
                    }
                });
            }
        });
        server
    }

    pub(super) fn taken(&self) -> Vec<Taken> {
        std::mem::take(&mut *self.taken.lock())
    }
}

/// One line at a time, without reading further: what follows may be encrypted.
fn line(stream: &mut impl Read) -> std::io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// Gives the stream back where the client wants it encrypted.
fn converse<S: Read + Write>(
    mut stream: S,
    was_encrypted: bool,
    greets: bool,
    taken: &Mutex<Vec<Taken>>,
) -> std::io::Result<Option<S>> {
    if greets {
        stream.write_all(b"220 localhost ESMTP\r\n")?;
        stream.flush()?;
    }
    let (mut account, mut to) = (None, Vec::new());
    loop {
        let said = line(&mut stream)?;
        let word = said.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match word.as_str() {
            "EHLO" if was_encrypted => "250-localhost\r\n250 AUTH PLAIN\r\n".to_owned(),
            "EHLO" => "250-localhost\r\n250 STARTTLS\r\n".to_owned(),
            "STARTTLS" => {
                stream.write_all(b"220 go on\r\n")?;
                stream.flush()?;
                return Ok(Some(stream));
            }
            "AUTH" => {
                account = said.split(' ').nth(2).map(str::to_owned);
                "235 welcome\r\n".to_owned()
            }
            "RCPT" if said.contains("nobody@") => "550 5.1.1 no such user here\r\n".to_owned(),
            "RCPT" if said.contains("later@") => "451 4.2.0 come again later\r\n".to_owned(),
            "RCPT" => {
                to.push(said);
                "250 ok\r\n".to_owned()
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                stream.flush()?;
                let mut text = String::new();
                loop {
                    let said = line(&mut stream)?;
                    if said == "." {
                        break;
                    }
                    text.push_str(&said);
                    text.push('\n');
                }
                taken.lock().push(Taken {
                    was_encrypted,
                    account: account.clone(),
                    to: std::mem::take(&mut to),
                    text,
                });
                "250 taken\r\n".to_owned()
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n")?;
                stream.flush()?;
                return Ok(None);
            }
            _ => "250 ok\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes())?;
        stream.flush()?;
    }
}
