//! One Magnolia instance as far as Lifeboat sees it: a repository of Jackrabbit in a database and a home directory, and
//! an engine that knows of both.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use lifeboat::demo::cluster::SUPERUSER;
use postgres::Client;

use crate::house::House;
use crate::java;
use crate::made_once::MadeOnce;

/// What `tests/jackrabbit/run` ends with when Java or Maven is missing.
pub const MISSING: i32 = 77;

/// Where Jackrabbit keeps large binaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataStore {
    Folder,
    Table,
}

/// A repository that was filled once and is copied by every test that wants one: to fill it is most of what a test does.
struct Filled {
    /// Its tables, and its home without what a running repository has there.
    folder: tempfile::TempDir,
}

impl Filled {
    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn tables(&self) -> PathBuf {
        self.folder.path().join("tables.sql")
    }
}

/// What repositories that are filled differ by: the second is the version of Jackrabbit.
type Kind = (DataStore, Option<&'static str>);

/// See the module.
pub struct Magnolia {
    pub house: House,
    pub data_store: DataStore,
    database: &'static str,
    home: PathBuf,
    version: Option<&'static str>,
    filled: Option<Arc<Filled>>,
}

impl Magnolia {
    /// A repository with content. `None` when there is no Java or no Maven here.
    pub fn filled(data_store: DataStore) -> Option<Self> {
        Self::filled_by(data_store, None)
    }

    /// The same, made by another version of Jackrabbit.
    pub fn filled_by(data_store: DataStore, version: Option<&'static str>) -> Option<Self> {
        static FILLED: Mutex<BTreeMap<Kind, Arc<MadeOnce<Filled>>>> = Mutex::new(BTreeMap::new());
        let kinds = FILLED.lock().map(|mut kinds| {
            let kind = kinds.entry((data_store, version));
            Arc::clone(kind.or_insert_with(|| Arc::new(MadeOnce::new())))
        });
        let filled = kinds.unwrap().get(|| Self::empty(data_store, version).fill())?;
        let mut magnolia = Self::empty(data_store, version);
        magnolia.copy(filled);
        Some(magnolia)
    }

    /// An empty database and a home that is not there yet.
    fn empty(data_store: DataStore, version: Option<&'static str>) -> Self {
        // JDBC knows no sockets of the file system. Who takes the port in between fails the test, and says so.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let house = House::empty(&["author"], port, &[]);
        let home = house.path("home");
        let mut magnolia = Self {
            house,
            data_store,
            database: "author",
            home: home.clone(),
            version,
            filled: None,
        };
        magnolia.settle(home);
        magnolia
    }

    /// Has Jackrabbit make content, and puts it aside. `None` when there is no Java or no Maven here.
    fn fill(&self) -> Option<Filled> {
        let filled = self.java("fill", &[]);
        if filled.status.code() == Some(MISSING) {
            println!("{}", String::from_utf8_lossy(&filled.stderr));
            return None;
        }
        assert!(filled.status.success(), "{filled:?}");
        Some(self.keep())
    }

    /// Puts a copy of this repository aside.
    fn keep(&self) -> Filled {
        let folder = tempfile::tempdir().unwrap();
        let filled = Filled { folder };
        copy_all(&self.home, &filled.home());
        self.postgres("pg_dump", &["--file", filled.tables().to_str().unwrap()]);
        filled
    }

    /// Takes a copy of one that was put aside.
    fn copy(&mut self, filled: Arc<Filled>) {
        copy_all(&filled.home(), &self.home);
        let tables = filled.tables();
        let options = ["--quiet", "--output", "/dev/null", "--set", "ON_ERROR_STOP=1"];
        self.postgres(
            "psql",
            &[&options[..], &["--file", tables.to_str().unwrap()]].concat(),
        );
        self.filled = Some(filled);
    }

    fn postgres(&self, program: &str, options: &[&str]) {
        let cluster = &self.house.cluster;
        let ended = Command::new(cluster.binaries().join(program))
            .args(options)
            .args(["--dbname", &cluster.connect(self.database, SUPERUSER)])
            .output()
            .unwrap();
        assert!(ended.status.success(), "{program}: {ended:?}");
    }

    fn settle(&mut self, home: PathBuf) {
        let (connect, data_store) = (
            self.house.cluster.connect(self.database, SUPERUSER),
            self.data_store,
        );
        self.house.settle = Box::new(move |_, database| {
            database.connect.clone_from(&connect);
            database.data_store =
                (data_store == DataStore::Folder).then(|| home.join("repository/datastore"));
            database.home = Some(home.clone());
            database.search_indexes = vec![
                home.join("workspaces/{workspace}/index"),
                home.join("repository/index"),
            ];
        });
    }

    /// From here on the instance is another one, with an empty database and a home directory that has nothing but the
    /// small files in which Jackrabbit keeps its node types, namespaces and workspaces.
    pub fn move_to_a_new_machine(&mut self) {
        let home = self.house.path("another-home");
        copy_small_files(&self.home, &home);
        self.move_to(home);
    }

    /// The same with a home directory that has nothing but an empty data store.
    pub fn move_and_lose_the_home(&mut self) {
        self.move_to(self.house.path("another-home"));
    }

    fn move_to(&mut self, home: PathBuf) {
        self.house
            .client("postgres")
            .batch_execute("CREATE DATABASE another")
            .unwrap();
        self.database = "another";
        fs::create_dir_all(home.join("repository/datastore")).unwrap();
        self.settle(home.clone());
        self.home = home;
    }

    /// The small files of the home directory, by path.
    pub fn small_files(&self) -> BTreeMap<PathBuf, String> {
        let mut found = Vec::new();
        for folder in ["repository/namespaces", "repository/nodetypes", "repository/meta"] {
            collect(&self.home.join(folder), &mut found);
        }
        for workspace in fs::read_dir(self.home.join("workspaces")).unwrap() {
            found.push(workspace.unwrap().path().join("workspace.xml"));
        }
        let texts = found.into_iter().filter_map(|path| {
            let text = fs::read_to_string(&path).ok()?;
            Some((path.strip_prefix(&self.home).unwrap().to_owned(), text))
        });
        texts.collect()
    }

    pub fn client(&self) -> Client {
        self.house.client(self.database)
    }

    /// Every row, as digests by table.
    pub fn rows(&self) -> BTreeMap<String, String> {
        let mut rows = self.house.rows(self.database, "public");
        // A data store only ever grows, and Jackrabbit writes down when somebody last looked at a record.
        rows.remove("ds_datastore");
        rows
    }

    /// The files of the data store.
    pub fn records(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.home.join("repository/datastore"), &mut found);
        found.sort();
        found
    }

    fn java(&self, command: &str, options: &[&str]) -> Output {
        let url = format!(
            "jdbc:postgresql://127.0.0.1:{}/{}",
            self.house.cluster.port(),
            self.database
        );
        let data_store = match self.data_store {
            DataStore::Folder => "file",
            DataStore::Table => "db",
        };
        java::does_on(self.version, command, (&url, data_store, &self.home), options)
    }

    /// Runs a command of the Java side that has to succeed.
    pub fn run(&self, command: &str, options: &[&str]) {
        let output = self.java(command, options);
        assert!(
            output.status.success(),
            "{command} {options:?} ended with {}:\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Everything in the repository as text. Equal texts are equal repositories.
    pub fn dump(&self) -> String {
        let dump = self.dump_file();
        self.run("dump", &["--out", dump.to_str().unwrap()]);
        fs::read_to_string(dump).unwrap()
    }

    /// The same from the process that has just run all checks, which have to be clean.
    pub fn dump_when_sound(&self) -> String {
        let dump = self.dump_file();
        let found = self.check(&["--out", dump.to_str().unwrap()]);
        assert_eq!(found, "");
        fs::read_to_string(dump).unwrap()
    }

    /// Where the next dump goes; the first one is kept.
    fn dump_file(&self) -> PathBuf {
        let (last, before) = (self.house.path("dump"), self.house.path("dump-before"));
        if last.exists() && !before.exists() {
            fs::rename(&last, &before).unwrap();
        }
        last
    }

    /// How the last dump differs from the first one, shortened.
    pub fn differences(&self) -> String {
        let told = Command::new("diff")
            .args([self.house.path("dump-before"), self.house.path("dump")])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        told.lines().take(40).collect::<Vec<_>>().join("\n")
    }

    /// What Jackrabbit's own checks find, or why it does not even open.
    pub fn finds(&self) -> String {
        self.check(&[])
    }

    fn check(&self, options: &[&str]) -> String {
        let output = self.java("check", options);
        if output.status.success() {
            return String::new();
        }
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    }

    /// Fails unless Jackrabbit opens the repository and all its checks are clean.
    pub fn is_sound(&self) {
        assert_eq!(self.finds(), "");
    }
}

/// The parts of a dump by their first lines: a workspace, or the history of one node.
pub fn parts(dump: &str) -> BTreeMap<&str, &str> {
    dump.split("\n\n")
        .map(|part| part.split_once('\n').unwrap_or((part, "")))
        .collect()
}

/// A workspace's part of a dump.
pub fn part<'d>(dump: &'d str, workspace: &str) -> &'d str {
    parts(dump)[format!("workspace {workspace}").as_str()]
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Copies all but what says that a repository is running.
pub fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() {
            copy_all(&path, &to.join(name));
        } else if name != ".lock" {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

pub fn copy_small_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() && name != "index" && name != "datastore" {
            copy_small_files(&path, &to.join(name));
        } else if path.is_file() && name != ".lock" {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}
