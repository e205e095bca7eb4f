//! A PgBouncer in front of a cluster, and what others find in its pool.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use postgres::{Client, NoTls, SimpleQueryMessage};

use crate::house::{House, OUTSIDER};

/// What PgBouncer itself sets on a connection, for each client what that has asked for.
const FOLLOWED: &str = "'application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings', \
     'IntervalStyle'";

/// See the module. Ends with it.
pub struct Pool {
    folder: PathBuf,
    size: usize,
    process: Child,
    /// Takes what it says, so that it is never held up, and keeps it.
    listening: Option<JoinHandle<String>>,
}

impl Pool {
    /// Starts one that hands out `size` connections to the database `author` as the role `lifeboat`, which may do what
    /// the owner of the tables may.
    pub fn start(house: &House, mode: &str, size: usize, settings: &[&str]) -> Self {
        house
            .client("author")
            .batch_execute(
                "CREATE ROLE lifeboat LOGIN; GRANT postgres TO lifeboat; GRANT CREATE ON DATABASE author TO lifeboat; \
                 CREATE ROLE stranger; GRANT stranger TO lifeboat",
            )
            .unwrap();
        let folder = house.cluster.socket().join("pool");
        fs::create_dir(&folder).unwrap();
        let owner = fs::metadata(house.cluster.data()).unwrap();
        chown(&folder, Some(owner.uid()), Some(owner.gid())).unwrap();
        let file = folder.join("pgbouncer.ini");
        let text = format!(
            "[databases]\nauthor = host={} port=5432 dbname=author user=lifeboat\n[pgbouncer]\nlisten_addr =\n\
             unix_socket_dir = {}\nauth_type = any\npool_mode = {mode}\ndefault_pool_size = {size}\nlog_connections = 0\n\
             log_disconnections = 0\n{}\n",
            house.cluster.socket().display(),
            folder.display(),
            settings.join("\n")
        );
        fs::write(&file, text).unwrap();
        let mut command = Command::new(program());
        command.arg(&file).stdin(Stdio::null()).stderr(Stdio::piped());
        if rustix::process::geteuid().is_root() {
            // It refuses to run as root, as the server does.
            command.uid(owner.uid()).gid(owner.gid());
        }
        let mut process = command
            .spawn()
            .expect("PgBouncer is installed (Debian: pgbouncer)");
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut beginning = String::new();
        while !beginning.contains("process up") {
            match said.next() {
                Some(line) => beginning += &line.unwrap(),
                None => panic!("PgBouncer ended: {beginning}"),
            }
        }
        let listening = std::thread::spawn(move || said.map_while(Result::ok).collect::<Vec<_>>().join("\n"));
        Self {
            folder,
            size,
            process,
            listening: Some(listening),
        }
    }

    /// How it is reached, in libpq's words.
    pub fn connect(&self) -> String {
        format!(
            "host={} port=6432 dbname=author user=lifeboat",
            self.folder.display()
        )
    }

    pub fn client(&self) -> Client {
        self.client_called(OUTSIDER)
    }

    /// A program of that name that is connected to it.
    pub fn client_called(&self, program: &str) -> Client {
        Client::connect(&format!("{} application_name='{program}'", self.connect()), NoTls).unwrap()
    }

    /// Lets the engines of a house go through it, with so many connections at a time.
    pub fn used_by(&self, house: &mut House, connections: usize) {
        let connect = self.connect();
        house.settle = Box::new(move |_, database| {
            database.connect.clone_from(&connect);
            database.connections = connections;
            // Whatever is called is not there.
            database.pg_dump = "/nowhere/pg_dump".into();
        });
    }

    /// Has every connection of the pool say something, each in a transaction that is open while the others are asked.
    pub fn ask(&self, statements: &str) -> Vec<String> {
        let mut clients: Vec<_> = (0..self.size).map(|_| self.client()).collect();
        for client in &mut clients {
            client.batch_execute("BEGIN").unwrap();
        }
        let answers = clients.iter_mut().map(|client| answer(client, statements));
        let answers = answers.collect();
        for client in &mut clients {
            client.batch_execute("COMMIT").unwrap();
        }
        answers
    }

    /// What others find in each of its connections: who they are, what is set, and what is left from statements.
    pub fn found(&self) -> Vec<String> {
        self.ask(&format!(
            "SELECT concat_ws(' ', current_user, current_setting('search_path'), \
             (SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings \
              WHERE source = 'session' AND name NOT IN ({FOLLOWED})), \
             'prepared:', (SELECT count(*) FROM pg_prepared_statements), \
             'locks:', (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'), \
             'tables:', (SELECT count(*) FROM pg_class WHERE relpersistence = 't'), \
             'channels:', (SELECT count(*) FROM pg_listening_channels()))"
        ))
    }
}

/// What others should find.
pub const NOTHING: &str = "lifeboat \"$user\", public prepared: 0 locks: 0 tables: 0 channels: 0";

pub fn answer(client: &mut Client, statement: &str) -> String {
    let told = client.simple_query(statement).unwrap();
    let rows = told.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// Debian keeps it off the path of those who are not root.
fn program() -> PathBuf {
    let known = Path::new("/usr/sbin/pgbouncer");
    if known.exists() {
        known.to_owned()
    } else {
        "pgbouncer".into()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let said = self.listening.take().map(JoinHandle::join);
        if std::thread::panicking() {
            println!("PgBouncer said: {said:?}");
        }
    }
}
