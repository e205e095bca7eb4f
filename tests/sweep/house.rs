//! A Live of an author and two publics, the real program on it, and disks of its own that can be full.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use lifeboat::demo::cluster::{Cluster, SUPERUSER};
use postgres::{Client, NoTls};
use serde_json::Value;

pub const LIVE: &str = "acme/live";
/// The instances whose content is in databases. The third, `public-1`, has a folder and is switched between them.
pub const DATABASES: [&str; 2] = ["author", "public-2"];
pub const INSTANCES: [&str; 3] = ["author", "public-1", "public-2"];
pub const FOLDER: &str = "public-1";
/// The disks of the house.
pub const DISKS: [&str; 3] = ["state-disk", "repository-disk", "content-disk"];
const ROOM: u64 = 4 << 30;

/// See the module. One cluster and one set of disks serve several lives of it.
pub struct House {
    folder: tempfile::TempDir,
    pub cluster: Cluster,
    program: PathBuf,
    /// Whether the disks are file systems of their own. Without the right to mount they are folders, and never full.
    pub has_disks: bool,
}

impl House {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = std::env::temp_dir().join(format!(
            "lifeboat-sweep-{}",
            folder
                .path()
                .file_name()
                .unwrap()
                .to_string_lossy()
                .trim_start_matches('.')
        ));
        let cluster = Cluster::start(&place, 0, &["max_connections = 60"]).unwrap();
        // A build of another version meanwhile does not change what is tried.
        let program = folder.path().join("lifeboat");
        fs::copy(env!("CARGO_BIN_EXE_lifeboat"), &program).unwrap();
        fs::write(folder.path().join("key"), "secret\n").unwrap();
        let mut mounted = Vec::new();
        for disk in DISKS {
            let disk = folder.path().join(disk);
            fs::create_dir(&disk).unwrap();
            let mount = Command::new("mount")
                .args(["-t", "tmpfs", "-o", &format!("size={ROOM},mode=755"), "tmpfs"])
                .arg(&disk)
                .stderr(Stdio::null())
                .status();
            mounted.push(mount.is_ok_and(|status| status.success()));
        }
        Self {
            folder,
            cluster,
            program,
            has_disks: mounted.into_iter().all(|mounted| mounted),
        }
    }

    /// Everything of an earlier life goes; the databases are there, and empty.
    pub fn clear(&self) {
        for disk in DISKS {
            self.free(disk);
            for entry in fs::read_dir(self.path(disk)).unwrap() {
                fs::remove_dir_all(entry.unwrap().path()).unwrap();
            }
        }
        let mut client = self.client("postgres");
        for database in DATABASES {
            for statement in [
                format!("DROP DATABASE IF EXISTS \"{database}\" WITH (FORCE)"),
                format!("CREATE DATABASE \"{database}\""),
            ] {
                client.batch_execute(&statement).unwrap();
            }
        }
        let _ = fs::remove_dir_all(self.path("stores"));
        for database in DATABASES {
            fs::create_dir_all(self.data_store(database)).unwrap();
        }
        fs::create_dir_all(self.content()).unwrap();
        let _ = fs::remove_dir_all(self.path("signs"));
        fs::create_dir(self.path("signs")).unwrap();
        self.configure(false);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn state(&self) -> PathBuf {
        self.path("state-disk/state")
    }

    /// Whether what a restore has replaced is still to be removed.
    pub fn is_clearing(&self) -> bool {
        let notes = std::fs::read_dir(self.state().join("clearing"));
        notes.is_ok_and(|mut notes| notes.next().is_some())
    }

    pub fn journal(&self) -> PathBuf {
        self.state().join("journal/acme+live.json")
    }

    pub fn repository(&self) -> PathBuf {
        self.path("repository-disk/repository")
    }

    /// The content folder of the instance that has one.
    pub fn content(&self) -> PathBuf {
        self.path("content-disk/public-1/content")
    }

    /// The home of an instance in a database.
    pub fn home(&self, instance: &str) -> PathBuf {
        self.path("homes").join(instance)
    }

    pub fn data_store(&self, instance: &str) -> PathBuf {
        self.path("stores").join(instance)
    }

    /// A file that tells something to hooks and writers.
    pub fn sign(&self, what: &str, instance: &str) -> PathBuf {
        self.path("signs").join(format!("{what}-{instance}"))
    }

    pub fn client(&self, database: &str) -> Client {
        Client::connect(&self.cluster.connect(database, SUPERUSER), NoTls).unwrap()
    }

    /// Writes the configuration; with hooks, writers are stopped for a restore as a Magnolia is, and one on a folder for a
    /// backup as well.
    pub fn configure(&self, with_hooks: bool) {
        let quoted = |path: &Path| format!("'{}'", path.display());
        let mut text = format!(
            "state = '{}'\n[repository]\nroot = '{}'\npassword_file = '{}'\n[[environment]]\nproject = \"acme\"\n\
             name = \"live\"\nkind = \"live\"\nrelease_version = \"v12\"\nmagnolia_version = \"6.3.4\"\n\
             verify = {{ every = \"never\" }}\ndrill = {{ every = \"never\" }}\n",
            self.state().display(),
            self.repository().display(),
            self.path("key").display()
        );
        for instance in INSTANCES {
            let role = if instance == "author" { "author" } else { "public" };
            write!(
                text,
                "[[environment.instance]]\nname = \"{instance}\"\nrole = \"{role}\"\n"
            )
            .unwrap();
            if with_hooks {
                // Nobody is in the middle of a write when Live counts as stopped.
                let kill = |when: &str| {
                    let sign = quoted(&self.sign(when, instance));
                    format!("[ ! -e {sign} ] || {{ rm {sign}; kill -9 $PPID; }}")
                };
                let stopped = quoted(&self.sign("stopped", instance));
                let before = format!(
                    "flock {} touch {stopped}; {}",
                    quoted(&self.sign("writing", instance)),
                    kill("kill-before")
                );
                let after = format!("rm -f {stopped}; {}", kill("kill-after"));
                write!(text, "hooks = {{ before_restore = [\"sh\", \"-c\", {before:?}], after_restore = [\"sh\", \"-c\", {after:?}]").unwrap();
                if instance == FOLDER {
                    // A folder has to be still while it is copied.
                    let before = format!(
                        "flock {} touch {stopped}",
                        quoted(&self.sign("writing", instance))
                    );
                    write!(text, ", before_backup = [\"sh\", \"-c\", {before:?}], after_backup = [\"rm\", \"-f\", '{}']",
                        self.sign("stopped", instance).display()).unwrap();
                }
                text += " }\n";
            }
            if instance == FOLDER {
                writeln!(
                    text,
                    "content = {{ type = \"files\", path = '{}' }}",
                    self.content().display()
                )
                .unwrap();
            } else {
                write!(text, "[environment.instance.content]\ntype = \"postgres\"\nconnect = \"{}\"\ndata_store = '{}'\nhome = '{}'\npg_dump = '{}'\nsessions = \"allow\"\n",
                    self.cluster.connect(instance, SUPERUSER),
                    self.data_store(instance).display(),
                    self.home(instance).display(),
                    self.cluster.binaries().join("pg_dump").display()).unwrap();
            }
        }
        fs::write(self.path("lifeboat.toml"), text).unwrap();
    }

    /// The program with these arguments; what it says goes to a file.
    pub fn start(&self, arguments: &[String]) -> Child {
        let said = fs::File::create(self.path("said")).unwrap();
        self.command(arguments)
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .spawn()
            .unwrap()
    }

    /// What the program that was last started has said.
    pub fn said(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap()
    }

    pub fn command<A: AsRef<std::ffi::OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--config")
            .arg(self.path("lifeboat.toml"))
            .args(arguments);
        command.stdin(Stdio::null());
        command
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn run(&self, arguments: &[&str]) -> Result<Output, String> {
        let output = self.output(arguments);
        if output.status.success() {
            return Ok(output);
        }
        Err(format!("{arguments:?} ended: {}", told(&output)))
    }

    pub fn json(&self, arguments: &[&str]) -> Result<Value, String> {
        let output = self.run(arguments)?;
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{arguments:?}: {error}"))
    }

    /// Leaves only so many bytes free on a disk.
    pub fn fill(&self, disk: &str, free: u64) {
        let used = rustix::fs::statvfs(self.path(disk)).unwrap();
        let used = (used.f_blocks - used.f_bfree) * used.f_frsize;
        self.resize(disk, (used + free).max(4096));
    }

    pub fn free(&self, disk: &str) {
        if self.has_disks {
            self.resize(disk, ROOM);
        }
    }

    fn resize(&self, disk: &str, size: u64) {
        let done = Command::new("mount")
            .args(["-o", &format!("remount,size={size}")])
            .arg(self.path(disk))
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", told(&done));
    }

    pub fn restic(&self, arguments: &[&str]) -> Output {
        Command::new("restic")
            .arg("-r")
            .arg(self.repository().join(LIVE))
            .args(["--no-cache", "--no-lock", "--password-file"])
            .arg(self.path("key"))
            .args(arguments)
            .output()
            .unwrap()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for disk in DISKS {
            let _ = Command::new("umount")
                .arg("--lazy")
                .arg(self.path(disk))
                .stderr(Stdio::null())
                .status();
        }
    }
}

pub fn told(output: &Output) -> String {
    format!(
        "{}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
