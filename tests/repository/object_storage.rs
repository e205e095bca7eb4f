//! An S3 server on loopback, and a line to it that can be disturbed.
//!
//! The server is moto's, from Python: it checks what clients send, lists in pages and knows conditional writes. It
//! ends when the tests do, however they end: its input is a pipe from them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use lifeboat::domain::address::Address;
use lifeboat::domain::settings::StorageOptions;
use lifeboat::repository::{RepositoryError, Storage};

const SERVE: &str = "
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
";

/// The server's port. It is started once for all tests.
pub fn server() -> u16 {
    static SERVER: OnceLock<(Mutex<Child>, u16)> = OnceLock::new();
    SERVER
        .get_or_init(|| {
            let python = std::env::var("LIFEBOAT_S3_PYTHON").unwrap_or_else(|_| "python3".to_owned());
            let mut child = Command::new(&python)
                .args(["-c", SERVE])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("these tests need Python");
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap())
                .read_line(&mut line)
                .unwrap();
            let port = line.trim().parse().unwrap_or_else(|_| {
                panic!(
                    "these tests need an S3 server: {python} -m pip install 'moto[server]', or run tests/run"
                )
            });
            (Mutex::new(child), port)
        })
        .1
}

/// A bucket of its own.
#[derive(Debug, Clone)]
pub struct Store {
    pub port: u16,
    pub bucket: String,
}

impl Store {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let store = Self {
            port: server(),
            bucket: format!("store-{}", COUNT.fetch_add(1, Ordering::Relaxed)),
        };
        assert_eq!(store.ask("PUT", "", b"").0, 200);
        store
    }

    /// A bucket that keeps objects as long as it is told to, and with that has versions.
    pub fn with_object_lock() -> Self {
        let store = Self::new();
        let store = Self {
            bucket: format!("{}-kept", store.bucket),
            ..store
        };
        let lock = "x-amz-bucket-object-lock-enabled: true\r\n";
        assert_eq!(store.ask_with("PUT", "", lock, b"").0, 200);
        store
    }

    /// Until when an object is kept, as the server tells it.
    pub fn kept_until(&self, name: &str) -> Option<String> {
        let (status, head, _) = self.ask_with("GET", &format!("/{name}"), "", b"");
        assert_eq!(status, 200, "{name}");
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(name, _)| name.eq_ignore_ascii_case("x-amz-object-lock-retain-until-date"))
            .map(|(_, until)| until.trim().to_owned())
    }

    /// The names and versions of all markers that hide objects whose names begin like this.
    pub fn markers(&self, prefix: &str) -> Vec<(String, String)> {
        let (_, listed) = self.ask("GET", &format!("?versions&prefix={prefix}"), b"");
        let listed = String::from_utf8(listed).unwrap();
        let inside = |text: &str, name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        let markers = listed.split("<DeleteMarker>").skip(1);
        markers
            .map(|marker| (inside(marker, "Key"), inside(marker, "VersionId")))
            .collect()
    }

    /// How many versions there are of objects whose names begin like this, markers aside.
    pub fn versions(&self, prefix: &str) -> usize {
        let (_, listed) = self.ask("GET", &format!("?versions&prefix={prefix}"), b"");
        String::from_utf8(listed).unwrap().matches("<Version>").count()
    }

    /// Removes one version of an object.
    pub fn delete_version(&self, name: &str, version: &str) {
        let (status, _) = self.ask("DELETE", &format!("/{name}?versionId={version}"), b"");
        assert_eq!(status, 204, "{name}");
    }

    pub fn address(&self, prefix: &str) -> Address {
        Address::parse(&format!("s3://{}/{prefix}", self.bucket)).unwrap()
    }

    pub fn options(&self) -> StorageOptions {
        options(self.port)
    }

    /// A place in the bucket, reached over a port.
    pub fn storage_over(&self, prefix: &str, options: &StorageOptions) -> Storage {
        reach(&self.address(prefix), options).unwrap()
    }

    pub fn storage(&self, prefix: &str) -> Storage {
        self.storage_over(prefix, &self.options())
    }

    /// The names of all objects that begin like this.
    pub fn objects(&self, prefix: &str) -> Vec<String> {
        let (_, listed) = self.ask("GET", &format!("?list-type=2&prefix={prefix}"), b"");
        let listed = String::from_utf8(listed).unwrap();
        let keys = listed.split("<Key>").skip(1);
        keys.map(|rest| rest.split_once("</Key>").unwrap().0.to_owned())
            .collect()
    }

    pub fn get(&self, name: &str) -> Vec<u8> {
        let (status, content) = self.ask("GET", &format!("/{name}"), b"");
        assert_eq!(status, 200, "{name}");
        content
    }

    pub fn put(&self, name: &str, content: &[u8]) {
        assert_eq!(self.ask("PUT", &format!("/{name}"), content).0, 200, "{name}");
    }

    pub fn delete(&self, name: &str) {
        assert_eq!(self.ask("DELETE", &format!("/{name}"), b"").0, 204, "{name}");
    }

    /// Asks the server past Lifeboat.
    fn ask(&self, method: &str, rest: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let (status, _, content) = self.ask_with(method, rest, "", body);
        (status, content)
    }

    fn ask_with(&self, method: &str, rest: &str, headers: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
        let mut line = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        // Any signature will do: it only says which service is meant.
        let head = format!(
            "{method} /{}{rest} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=key/20261123/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n{headers}\r\n",
            self.bucket,
            body.len()
        );
        line.write_all(head.as_bytes()).unwrap();
        line.write_all(body).unwrap();
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head, answer[end + 4..].to_vec())
    }
}

/// Options for a service on a port of this machine, which soon give up what fails, and have patience with a machine that
/// is busy with other things.
pub fn options(port: u16) -> StorageOptions {
    StorageOptions {
        endpoint: Some(format!("http://127.0.0.1:{port}")),
        timeout_seconds: 8,
        retry_seconds: 2,
        ..StorageOptions::default()
    }
}

/// The environment's variables: the key for backing up in the usual ones, and one that may delete in others.
pub fn variables(name: &str) -> Option<String> {
    let value = match name {
        "AWS_ACCESS_KEY_ID" => "key",
        "AWS_SECRET_ACCESS_KEY" => "secret",
        "WRITING_ID" => NO_DELETIONS,
        "DELETING_ID" => "deleting",
        "DELETING_SECRET" => "another secret",
        _ => return None,
    };
    Some(value.to_owned())
}

/// With keys in the variables.
pub fn reach(address: &Address, options: &StorageOptions) -> Result<Storage, RepositoryError> {
    Storage::new(address, options, std::path::Path::new("/"), &variables)
}

/// The id of a key that may not delete: whatever it deletes over a line is refused.
pub const NO_DELETIONS: &str = "writing";

/// What a line does to a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nothing: it is passed on.
    Pass,
    /// Answers with this status and code itself.
    Answer(u16, &'static str),
    /// Passes the request on and cuts the answer after so many bytes.
    Cut(usize),
    /// Passes the request on and turns the last bit of the answer.
    Flip,
    /// Closes the connection in the middle of the request.
    Break,
    /// Takes the request and never answers.
    Silence,
    /// Passes the request on and tells another time, of this length, at which the object of this name was written.
    Dated(String, String),
}

/// A line to the server that a test can disturb: decides by each request's first line.
pub struct Line {
    pub port: u16,
    decide: Arc<Mutex<Decide>>,
    heads: Arc<Mutex<Vec<String>>>,
    moved: Arc<AtomicU64>,
}

/// Whether a request was signed by this key.
pub fn is_signed_by(head: &str, key: &str) -> bool {
    head.contains(&format!("Credential={key}/"))
}

type Decide = Box<dyn FnMut(&str) -> Fault + Send>;

impl Line {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let decide: Arc<Mutex<Decide>> = Arc::new(Mutex::new(Box::new(|_| Fault::Pass)));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let moved = Arc::new(AtomicU64::new(0));
        let line = Self {
            port,
            decide: Arc::clone(&decide),
            heads: Arc::clone(&heads),
            moved: Arc::clone(&moved),
        };
        let server = SocketAddr::from(([127, 0, 0, 1], server()));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), decide, heads) = (client, Arc::clone(&decide), Arc::clone(&heads)) else {
                    return;
                };
                let moved = Arc::clone(&moved);
                thread::spawn(move || pass_on(client, server, &decide, &heads, &moved));
            }
        });
        line
    }

    pub fn options(&self) -> StorageOptions {
        options(self.port)
    }

    /// The heads of all requests until now.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The bytes that went either way until now.
    pub fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// From now on this decides what happens to a request, by its first line.
    pub fn disturb(&self, decide: impl FnMut(&str) -> Fault + Send + 'static) {
        *self.decide.lock().unwrap() = Box::new(decide);
    }
}

/// Requests of one connection, one after the other. An error ends the connection, as it would on a real line.
fn pass_on(
    client: TcpStream,
    server: SocketAddr,
    decide: &Mutex<Decide>,
    heads: &Mutex<Vec<String>>,
    moved: &AtomicU64,
) -> Option<()> {
    let mut from = BufReader::new(client.try_clone().ok()?);
    let mut to = client;
    loop {
        let (head, length) = head_of(&mut from)?;
        heads.lock().unwrap().push(head.clone());
        moved.fetch_add((head.len() + length) as u64, Ordering::Relaxed);
        let line = head.lines().next()?;
        let fault = if line.starts_with("DELETE") && is_signed_by(&head, NO_DELETIONS) {
            Fault::Answer(403, "AccessDenied")
        } else {
            (decide.lock().unwrap())(line)
        };
        if matches!(fault, Fault::Break) {
            let mut some = vec![0; length.min(1000)];
            from.read_exact(&mut some).ok()?;
            to.shutdown(Shutdown::Both).ok()?;
            return None;
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body).ok()?;
        match fault {
            Fault::Silence => {
                // Until the client has had enough.
                from.read_to_end(&mut Vec::new()).ok()?;
                return None;
            }
            Fault::Answer(status, code) => {
                let text = format!(
                    "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>No.</Message></Error>"
                );
                let text = if head.starts_with("HEAD") {
                    String::new()
                } else {
                    text
                };
                write!(
                    to,
                    "HTTP/1.1 {status} No\r\nContent-Length: {}\r\nContent-Type: application/xml\r\n\r\n{text}",
                    text.len()
                )
                .ok()?;
            }
            Fault::Pass | Fault::Cut(_) | Fault::Flip | Fault::Break | Fault::Dated(..) => {
                let mut there = TcpStream::connect(server).ok()?;
                let head = head.replacen("HTTP/1.1", "HTTP/1.0", 1);
                there.write_all(head.as_bytes()).ok()?;
                there.write_all(&body).ok()?;
                let mut answer = Vec::new();
                there.read_to_end(&mut answer).ok()?;
                match &fault {
                    Fault::Cut(length) => answer.truncate(*length),
                    Fault::Dated(name, written) => answer = dated(answer, name, written)?,
                    Fault::Flip => {
                        if let Some(last) = answer.last_mut() {
                            *last ^= 1;
                        }
                    }
                    _ => {}
                }
                moved.fetch_add(answer.len() as u64, Ordering::Relaxed);
                to.write_all(&answer).ok()?;
                // The server speaks the older form here, in which each answer ends its connection.
                to.shutdown(Shutdown::Both).ok()?;
                return None;
            }
        }
    }
}

/// A listing in which an object was written at another time.
fn dated(listing: Vec<u8>, name: &str, written: &str) -> Option<Vec<u8>> {
    const TIME: &str = "<LastModified>";
    let mut listing = String::from_utf8(listing).ok()?;
    if let Some(key) = listing.find(&format!("{name}</Key>")) {
        let begin = key + listing[key..].find(TIME)? + TIME.len();
        let end = begin + listing[begin..].find('<')?;
        assert_eq!(end - begin, written.len(), "{}", &listing[begin..end]);
        listing.replace_range(begin..end, written);
    }
    Some(listing.into_bytes())
}

/// The head of a request with the empty line after it, and the length of what follows.
pub fn head_of(from: &mut impl BufRead) -> Option<(String, usize)> {
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
        if line == "\r\n" {
            return Some((head, length));
        }
    }
}
