//! How many cockpits one service carries: `cargo bench --bench service`.
//!
//! Starts `lifeboat serve` with a hundred environments, opens a thousand event streams, lets events flow, and asks for the
//! state of all environments meanwhile, as cockpits do. Reports how long an answer takes and how much memory a stream
//! takes, and fails when either is over its budget. Both sides share the machine.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Event streams that are open.
const STREAMS: usize = 1_000;
/// Environments in the list.
const ENVIRONMENTS: usize = 100;
/// How long events flow.
const FOR: Duration = Duration::from_secs(20);
/// The time between two changes, each of which is two events for every stream.
const CHANGE_EVERY: Duration = Duration::from_millis(200);
/// The time between two questions of one asker.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// How many ask at the same time.
const ASKERS: usize = 2;
/// The budgets: the 99th percentile of an answer, and the memory of a stream.
const P99: Duration = Duration::from_millis(100);
const KIB_PER_STREAM: u64 = 64;

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    // `cargo test --benches` only wants to know whether it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    match tokio::runtime::Runtime::new()
        .map_err(Failed::from)
        .and_then(|runtime| runtime.block_on(measure()))
    {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("service: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The service, which ends with this.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // It has no job at work, and its folder goes.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Service {
    /// Its memory, in KiB.
    fn resident(&self) -> Result<u64, Failed> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number
            .ok_or("the system does not tell how much memory the service has")?
            .parse()?)
    }

    /// The processor time that it has had, in seconds.
    fn cpu(&self) -> Result<f64, Failed> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<f64>().ok())
                .unwrap_or(0.0)
        };
        // In hundredths of a second on every Linux.
        Ok((ticks(11) + ticks(12)) / 100.0)
    }
}

fn configure(folder: &Path) -> Result<std::path::PathBuf, Failed> {
    std::fs::write(folder.join("key"), "open sesame\n")?;
    let mut config =
        "state = \"state\"\n[repository]\nroot = \"repository\"\npassword_file = \"key\"\n[server]\n\
                      listen = \"127.0.0.1:0\"\nlimits = { per_token = 10000, streams_per_token = 2000 }\n"
            .to_owned();
    for number in 0..ENVIRONMENTS {
        let content = folder.join(format!("content-{number}"));
        std::fs::create_dir_all(content.join("website"))?;
        write!(
            config,
            "[[environment]]\nproject = \"p{number:03}\"\nname = \"live\"\nkind = \"live\"\nrelease_version = \"v1\"\n\
             magnolia_version = \"6.3.4\"\nschedule = {{ enabled = false }}\n[[environment.instance]]\nname = \"author\"\n\
             role = \"author\"\ncontent = {{ type = \"files\", path = \"{}\" }}\n",
            content.display()
        )?;
    }
    let file = folder.join("lifeboat.toml");
    std::fs::write(&file, config)?;
    Ok(file)
}

fn lifeboat(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
    command.arg("--config").arg(config).env_remove("LIFEBOAT_STATE");
    command
}

/// Starts the service and returns it with its address.
fn start(config: &Path) -> Result<(Service, String), Failed> {
    let mut child = lifeboat(config).arg("serve").stderr(Stdio::piped()).spawn()?;
    let log = child.stderr.take().ok_or("the service has no log")?;
    let service = Service(child);
    let mut lines = BufReader::new(log).lines();
    let mut address = None;
    for line in lines.by_ref() {
        let line: Value = serde_json::from_str(&line?)?;
        if line["message"] == "listening" {
            address = line["address"].as_str().map(str::to_owned);
        }
        if line["message"] == "ready" {
            break;
        }
    }
    // Its log is read on, so that it does not fill up.
    std::thread::spawn(move || lines.for_each(drop));
    Ok((
        service,
        address.ok_or("the service does not say where it listens")?,
    ))
}

/// Asks on an open connection, and reads the answer to its end.
async fn ask(stream: &mut TcpStream, head: &str, body: &str) -> Result<usize, Failed> {
    let length = body.len();
    stream
        .write_all(
            format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
                .as_bytes(),
        )
        .await?;
    let mut read = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Err("the service has hung up".into());
        }
        read.extend_from_slice(&buffer[..count]);
        let Some(end) = read.windows(4).position(|part| part == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(&read[..end])?.to_ascii_lowercase();
        if !head.starts_with("http/1.1 20") {
            return Err(format!("the service answers {head}").into());
        }
        let wanted: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(Ok(0), str::parse)?;
        if read.len() >= end + 4 + wanted {
            return Ok(wanted);
        }
    }
}

fn head(method: &str, path: &str, token: &str) -> String {
    format!("{method} /api/v1{path} HTTP/1.1\r\nhost: service\r\nauthorization: Bearer {token}\r\n")
}

async fn measure() -> Result<bool, Failed> {
    let folder = tempfile::tempdir()?;
    let config = configure(folder.path())?;
    let made = lifeboat(&config)
        .args(["token", "create", "bench", "--role", "owner"])
        .output()?;
    let token = String::from_utf8(made.stdout)?.trim().to_owned();
    let (service, address) = start(&config)?;
    let mut connection = TcpStream::connect(&address).await?;
    let bytes = ask(&mut connection, &head("GET", "/environments", &token), "").await?;
    let before = service.resident()?;

    let events = Arc::new(AtomicU64::new(0));
    for _ in 0..STREAMS {
        let mut stream = TcpStream::connect(&address).await?;
        stream
            .write_all(format!("{}\r\n", head("GET", "/events", &token)).as_bytes())
            .await?;
        let events = Arc::clone(&events);
        tokio::spawn(async move {
            let mut buffer = vec![0; 4 << 10];
            while let Ok(count) = stream.read(&mut buffer).await {
                if count == 0 {
                    break;
                }
                // Every event has one such line.
                let found = buffer[..count]
                    .windows(7)
                    .filter(|part| *part == b"\nevent:")
                    .count();
                events.fetch_add(u64::try_from(found).unwrap_or(0), Ordering::Relaxed);
            }
        });
    }
    // All streams have had their greeting once a question that came after them is answered.
    ask(&mut connection, &head("GET", "/environments", &token), "").await?;

    let (began, cpu) = (Instant::now(), service.cpu()?);
    let changing = tokio::spawn(change(address.clone(), token.clone(), began));
    let askers: Vec<_> = (0..ASKERS)
        .map(|_| tokio::spawn(ask_again(address.clone(), token.clone(), began)))
        .collect();
    let changes = changing.await??;
    let mut times = Vec::new();
    for asker in askers {
        times.extend(asker.await??);
    }
    let (after, cpu) = (service.resident()?, service.cpu()? - cpu);
    times.sort_unstable();
    let at = |per_mille: usize| {
        times
            .get(times.len() * per_mille / 1000)
            .or(times.last())
            .copied()
            .unwrap_or_default()
    };
    let per_stream = after.saturating_sub(before) / u64::try_from(STREAMS)?;
    let heard = events.load(Ordering::Relaxed);
    println!(
        "{STREAMS} event streams, {ENVIRONMENTS} environments ({bytes} bytes), {changes} changes in {} s",
        FOR.as_secs()
    );
    println!(
        "events delivered       {heard} ({} a second)",
        heard / FOR.as_secs()
    );
    println!("state requests         {}", times.len());
    println!("  median               {:.1?}", at(500));
    println!("  99th percentile      {:.1?} (budget {P99:?})", at(990));
    println!("  slowest              {:.1?}", at(1000));
    println!(
        "memory for a stream    {per_stream} KiB (budget {KIB_PER_STREAM} KiB); {before} KiB before, {after} KiB after"
    );
    println!(
        "processor time         {cpu:.1} s of {} s on each core",
        FOR.as_secs()
    );
    let expected = u64::try_from(STREAMS)? * changes;
    if heard < expected {
        println!("too few events were delivered: at least {expected} were to be");
    }
    Ok(at(990) <= P99 && per_stream <= KIB_PER_STREAM && heard >= expected)
}

/// Changes something again and again, so that events flow. Returns how often.
async fn change(address: String, token: String, began: Instant) -> Result<u64, Failed> {
    let mut connection = TcpStream::connect(&address).await?;
    let mut turn = tokio::time::interval(CHANGE_EVERY);
    let mut changes = 0;
    while began.elapsed() < FOR {
        turn.tick().await;
        let number = usize::try_from(changes)? % ENVIRONMENTS;
        let path = format!("/environments/p{number:03}/live/holds/protection");
        let body = format!("{{\"on\":{}}}", changes % 2 == 0);
        ask(&mut connection, &head("PUT", &path, &token), &body).await?;
        changes += 1;
    }
    Ok(changes)
}

/// Asks for the state of all environments again and again. Returns how long each answer took.
async fn ask_again(address: String, token: String, began: Instant) -> Result<Vec<Duration>, Failed> {
    let mut connection = TcpStream::connect(&address).await?;
    let mut turn = tokio::time::interval(ASK_EVERY);
    let mut times = Vec::new();
    while began.elapsed() < FOR {
        turn.tick().await;
        let asked = Instant::now();
        ask(&mut connection, &head("GET", "/environments", &token), "").await?;
        times.push(asked.elapsed());
    }
    Ok(times)
}
