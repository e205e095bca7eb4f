//! A throw-away PostgreSQL cluster: made from the binaries that are installed, in a folder of its own, reached over a
//! socket in that folder (and, if asked for, a loopback port), stopped when it is dropped, and gone with its folder unless
//! it is to be kept.
//!
//! PostgreSQL refuses to run as root; then it runs as its own user, or as nobody.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use postgres::{Client, NoTls};

use super::DemoError;
use crate::domain::os_error::in_words;

/// A cluster that runs.
#[derive(Debug)]
pub struct Cluster {
    binaries: PathBuf,
    folder: PathBuf,
    account: Option<(u32, u32)>,
    port: u16,
    is_kept: bool,
}

/// The superuser of every cluster.
pub const SUPERUSER: &str = "postgres";

impl Cluster {
    /// Makes a cluster in a folder that does not exist yet and starts it. `port`: a loopback port that is free; 0 for
    /// none, the socket alone. `settings` go to the server as they are (`name = value`).
    ///
    /// # Errors
    /// [`DemoError::Cluster`] with what to install, or what the server said.
    pub fn start(folder: &Path, port: u16, settings: &[&str]) -> Result<Self, DemoError> {
        let cluster = Self::make(folder, port)?;
        cluster.configure(settings)?;
        cluster.up()?;
        Ok(cluster)
    }

    /// The same with a copy of one that was made and never started, which is done in a moment.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn start_copy(of: &Self, folder: &Path, port: u16, settings: &[&str]) -> Result<Self, DemoError> {
        let cluster = Self::in_folder(of.binaries.clone(), folder, port)?;
        let copied = Command::new("cp")
            .arg("-a")
            .args([of.data(), cluster.data()])
            .output();
        match copied {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                return Err(DemoError::Cluster(format!("it could not be copied: {said}")));
            }
            Err(error) => {
                return Err(DemoError::Cluster(format!(
                    "it could not be copied: {error}",
                    error = in_words(&error)
                )));
            }
        }
        cluster.configure(settings)?;
        cluster.up()?;
        Ok(cluster)
    }

    /// Makes a cluster in a folder that does not exist yet, and does not start it.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn make(folder: &Path, port: u16) -> Result<Self, DemoError> {
        Self::make_with(binaries()?, folder, port)
    }

    /// The same with PostgreSQL's programs from a folder.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn make_with(binaries: PathBuf, folder: &Path, port: u16) -> Result<Self, DemoError> {
        let cluster = Self::in_folder(binaries, folder, port)?;
        cluster.run(
            "initdb",
            &[
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--username",
                SUPERUSER,
                "--pgdata",
                &cluster.data().display().to_string(),
            ],
        )?;
        Ok(cluster)
    }

    /// A folder for a cluster, with nothing in it.
    fn in_folder(binaries: PathBuf, folder: &Path, port: u16) -> Result<Self, DemoError> {
        let failed = |source: io::Error| DemoError::Io {
            path: folder.to_owned(),
            source,
        };
        let cluster = Self {
            binaries,
            folder: folder.to_owned(),
            account: account(),
            port,
            is_kept: false,
        };
        fs::create_dir_all(folder).map_err(failed)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(failed)?;
        if let Some((user, group)) = cluster.account {
            chown(folder, Some(user), Some(group)).map_err(failed)?;
        }
        Ok(cluster)
    }

    /// Tells the server where it is reached, and these settings.
    fn configure(&self, settings: &[&str]) -> Result<(), DemoError> {
        let config = self.data().join("postgresql.conf");
        let failed = |source: io::Error| DemoError::Io {
            path: config.clone(),
            source,
        };
        let listen = if self.port == 0 { "''" } else { "'127.0.0.1'" };
        let mut text = fs::read_to_string(&config).map_err(failed)?;
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\nlisten_addresses = {listen}\nport = {}\nunix_socket_directories = '{}'\nfsync = off\nlogging_collector = off\n",
            if self.port == 0 { 5432 } else { self.port },
            self.folder.display(),
        );
        for setting in settings {
            text.push_str(setting);
            text.push('\n');
        }
        fs::write(&config, text).map_err(failed)
    }

    /// Whether there is a cluster in a folder.
    #[must_use]
    pub fn exists(folder: &Path) -> bool {
        folder.join("data/PG_VERSION").is_file()
    }

    /// Starts the cluster that an earlier one, which was kept, has left in a folder. It is kept again.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn open(folder: &Path) -> Result<Self, DemoError> {
        let cluster = Self {
            binaries: binaries()?,
            folder: folder.to_owned(),
            account: account(),
            port: 0,
            is_kept: true,
        };
        // Whoever opened it before and was killed has left it running.
        let _ = cluster.kill();
        cluster.up()?;
        Ok(cluster)
    }

    /// Stops the server of a cluster that somebody who was killed has left running, at once. Gives whether none runs.
    pub(super) fn end_abandoned(folder: &Path) -> bool {
        let Ok(binaries) = binaries() else {
            return false;
        };
        let cluster = Self {
            binaries,
            folder: folder.to_owned(),
            account: account(),
            port: 0,
            is_kept: true,
        };
        // It fails where none runs.
        let _ = cluster.kill();
        !cluster.data().join("postmaster.pid").exists()
    }

    /// From now on only the server goes when this is dropped, and the folder stays.
    pub fn keep(&mut self) {
        self.is_kept = true;
    }

    /// Starts the server of a cluster that is stopped.
    ///
    /// # Errors
    /// [`DemoError::Cluster`] with what the server said.
    pub fn up(&self) -> Result<(), DemoError> {
        let (data, log) = (
            self.data().display().to_string(),
            self.log().display().to_string(),
        );
        self.run("pg_ctl", &["start", "-w", "-s", "-D", &data, "-l", &log])
            .map_err(|error| {
                let said = fs::read_to_string(self.log()).unwrap_or_default();
                let last: Vec<_> = said.lines().rev().take(3).collect();
                DemoError::Cluster(format!("{error}; {}", last.join("; ")))
            })
    }

    /// Stops the server at once, as a loss of power would.
    ///
    /// # Errors
    /// [`DemoError::Cluster`].
    pub fn kill(&self) -> Result<(), DemoError> {
        self.end("immediate")
    }

    /// Makes a database.
    ///
    /// # Errors
    /// [`DemoError::Cluster`] with what the server said.
    pub fn create(&self, database: &str) -> Result<(), DemoError> {
        let told = |error: postgres::Error| DemoError::Cluster(error.to_string());
        Client::connect(&self.connect("postgres", SUPERUSER), NoTls)
            .and_then(|mut client| client.batch_execute(&format!("CREATE DATABASE \"{database}\"")))
            .map_err(told)
    }

    /// Ends all sessions and stops the server, which writes down what it has.
    ///
    /// # Errors
    /// [`DemoError::Cluster`].
    pub fn stop(&self) -> Result<(), DemoError> {
        self.end("fast")
    }

    fn end(&self, how: &str) -> Result<(), DemoError> {
        let data = self.data().display().to_string();
        self.run("pg_ctl", &["stop", "-s", "-w", "-m", how, "-D", &data])
    }

    /// The folder that the socket is in.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.folder
    }

    /// The loopback port; 0 for none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// The folder of the server's data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Where PostgreSQL's programs are.
    #[must_use]
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// How to connect to a database of it, in libpq's words.
    #[must_use]
    pub fn connect(&self, database: &str, user: &str) -> String {
        let word = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
        let port = if self.port == 0 {
            String::new()
        } else {
            format!(" port={}", self.port)
        };
        format!(
            "host={}{port} dbname={} user={}",
            word(&self.folder.display().to_string()),
            word(database),
            word(user)
        )
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), DemoError> {
        let path = self.binaries.join(program);
        let mut command = Command::new(&path);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        // A server that is started keeps its output open for as long as it lives, so nothing is read from it.
        if program == "pg_ctl" {
            command.stderr(Stdio::null());
        }
        let output = command.output().map_err(|error| {
            DemoError::Cluster(format!("{}: {error}", path.display(), error = in_words(&error)))
        })?;
        if output.status.success() {
            return Ok(());
        }
        Err(DemoError::Cluster(format!(
            "{} ended with {}: {}",
            path.display(),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        )))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A server that is stopped already is what this is for.
        if self.is_kept {
            let _ = self.stop();
            return;
        }
        let _ = self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The folder of the newest PostgreSQL that is installed: Debian's, or the one on the path.
fn binaries() -> Result<PathBuf, DemoError> {
    let is_there = |folder: &Path| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
    let mut installed: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_string_lossy().parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, folder)| is_there(folder))
        .collect();
    installed.sort();
    if let Some((_, newest)) = installed.pop() {
        return Ok(newest);
    }
    let told = Command::new("pg_config")
        .arg("--bindir")
        .stderr(Stdio::null())
        .output();
    let folder = told
        .ok()
        .map(|told| PathBuf::from(String::from_utf8_lossy(&told.stdout).trim()));
    folder.filter(|folder| is_there(folder)).ok_or_else(|| {
        DemoError::Cluster(
            "PostgreSQL's server is not installed here. On Debian type: sudo apt-get install postgresql"
                .to_owned(),
        )
    })
}

/// The account that the server runs as: `None` for our own.
fn account() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |wanted: &str| {
        accounts.lines().find_map(|line| {
            let fields: Vec<_> = line.split(':').collect();
            let is_it = fields.first() == Some(&wanted);
            is_it.then(|| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)))?
        })
    };
    of(SUPERUSER).or_else(|| of("nobody")).or(Some((65_534, 65_534)))
}
