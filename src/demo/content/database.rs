//! An instance's content in a database: tables as Jackrabbit makes them, and a data store in a folder beside it.
//!
//! Whoever works on content works on folders, whatever the content is kept in: [`Database::export`] writes the database
//! out as folders, and [`Database::import`] changes the rows that differ from folders. What was not touched stays the
//! same row.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use postgres::{Client, NoTls, Transaction};
use sha2::{Digest, Sha256};

use super::DemoContentError;
use super::bundle::{Holds, Node, ROOT};
use super::random;
use super::tree::{self, Tree};

/// The database of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// How to connect to it, in libpq's words.
    pub connect: String,
    /// The folder of its data store.
    pub data_store: PathBuf,
}

/// Binaries that are longer go into the data store, as Magnolia configures it.
const LONGEST_IN_A_ROW: usize = 1024;

/// The tables of a workspace; `{}` is what their names begin with.
const TABLES: &str = "\
CREATE TABLE \"{}bundle\" (node_id_hi bigint NOT NULL, node_id_lo bigint NOT NULL, bundle_data bytea NOT NULL, \
CONSTRAINT \"{}bundle_pkey\" PRIMARY KEY (node_id_hi, node_id_lo));
CREATE TABLE \"{}refs\" (node_id_hi bigint NOT NULL, node_id_lo bigint NOT NULL, refs_data bytea NOT NULL, \
CONSTRAINT \"{}refs_pkey\" PRIMARY KEY (node_id_hi, node_id_lo));
CREATE TABLE \"{}binval\" (binval_id varchar(64) NOT NULL, binval_data bytea NOT NULL);
CREATE UNIQUE INDEX \"{}binval_idx\" ON \"{}binval\" (binval_id);
CREATE TABLE \"{}names\" (id serial, name varchar(255) NOT NULL, CONSTRAINT \"{}names_pkey\" PRIMARY KEY (id));
INSERT INTO \"{}names\" (name) VALUES ('mode'), ('modified'), ('target');";

/// Rows by their ids.
type Rows = BTreeMap<u128, Vec<u8>>;

impl Database {
    fn client(&self) -> Result<Client, DemoContentError> {
        Client::connect(&self.connect, NoTls).map_err(wrong("reaching", &self.connect))
    }

    /// Makes the tables of the workspaces that are folders in `root`, and of the version storage.
    ///
    /// # Errors
    /// [`DemoContentError`] with what the server said.
    pub fn make(&self, root: &Path) -> Result<(), DemoContentError> {
        fs::create_dir_all(&self.data_store).map_err(DemoContentError::when("creating", &self.data_store))?;
        let mut statements = TABLES.replace("{}", "version_");
        for workspace in workspaces(root)? {
            statements += &TABLES.replace("{}", &format!("pm_{workspace}_"));
        }
        self.client()?
            .batch_execute(&statements)
            .map_err(wrong("making the tables of", &self.connect))
    }

    /// Makes the rows what the folders in `root` are.
    ///
    /// # Errors
    /// [`DemoContentError`] when a folder cannot be read or the server fails; then nothing has changed.
    pub fn import(&self, root: &Path) -> Result<(), DemoContentError> {
        let mut client = self.client()?;
        let mut transaction = client.transaction().map_err(wrong("changing", &self.connect))?;
        for workspace in workspaces(root)? {
            let wanted = self.rows_of(&root.join(&workspace), &workspace)?;
            change(&mut transaction, &table(&workspace), &wanted)?;
        }
        transaction.commit().map_err(wrong("changing", &self.connect))
    }

    /// Makes the folders in `root` what the rows are. Workspaces that are so already stay as they are: to make thousands of
    /// files where as many have just been removed takes a file system seconds.
    ///
    /// # Errors
    /// [`DemoContentError`] when it cannot be read or written, or a row is none of the demo's.
    pub fn export(&self, root: &Path) -> Result<(), DemoContentError> {
        let mut client = self.client()?;
        let mut tree = Tree::in_folder(root)?;
        for table in tables(&mut client)? {
            let Some(workspace) = table
                .strip_prefix("pm_")
                .and_then(|name| name.strip_suffix("_bundle"))
            else {
                continue;
            };
            let found = rows(&mut client, &table)?;
            let folder = root.join(workspace);
            if folder.is_dir() {
                if self
                    .rows_of(&folder, workspace)?
                    .into_iter()
                    .eq(found.iter().cloned())
                {
                    continue;
                }
                fs::remove_dir_all(&folder).map_err(DemoContentError::when("removing", &folder))?;
            }
            let mut nodes = HashMap::new();
            for (id, bundle) in found {
                let node = Node::read(&bundle).ok_or_else(|| not_ours(&table))?;
                nodes.insert(id, node);
            }
            self.write_out(&mut tree, &nodes, ROOT, workspace)?;
        }
        tree.finish().map(drop)
    }

    fn write_out(
        &self,
        tree: &mut Tree<'_>,
        nodes: &HashMap<u128, Node>,
        id: u128,
        path: &str,
    ) -> Result<(), DemoContentError> {
        // What a broken Live refers to and does not have is not there.
        let Some(node) = nodes.get(&id) else {
            return Ok(());
        };
        match &node.holds {
            Holds::Children(children) => {
                tree.folder(path, node.modified)?;
                for (name, child) in children {
                    self.write_out(tree, nodes, *child, &format!("{path}/{name}"))?;
                }
            }
            Holds::Link(target) => tree.link(path, &target.to_string_lossy(), node.modified)?,
            Holds::Bytes(bytes) => {
                tree.file(path, bytes, node.modified)?;
                tree.permissions(path, node.mode)?;
            }
            Holds::Record(name) => {
                let record = self.record(name);
                let bytes = fs::read(&record).map_err(DemoContentError::when("reading", &record))?;
                tree.file(path, &bytes, node.modified)?;
                tree.permissions(path, node.mode)?;
            }
        }
        Ok(())
    }

    /// A text that is the same for two states exactly if all rows of all tables are the same, and all records that they
    /// name.
    ///
    /// # Errors
    /// [`DemoContentError`] when something cannot be read.
    pub fn fingerprint(&self) -> Result<String, DemoContentError> {
        let mut client = self.client()?;
        let mut whole = Sha256::new();
        for table in tables(&mut client)? {
            whole.update(table.as_bytes());
            for (id, bundle) in rows(&mut client, &table)? {
                whole.update(id.to_be_bytes());
                whole.update(Sha256::digest(&bundle));
                if let Some(Holds::Record(name)) = Node::read(&bundle).map(|node| node.holds) {
                    // A record that is missing is a difference as well.
                    whole.update(Sha256::digest(fs::read(self.record(&name)).unwrap_or_default()));
                }
            }
        }
        Ok(hexadecimal(&whole.finalize()))
    }

    /// The rows of a workspace's folder.
    fn rows_of(&self, folder: &Path, workspace: &str) -> Result<Rows, DemoContentError> {
        let mut entries = vec![(PathBuf::new(), about(folder)?)];
        entries.extend(tree::walk(folder)?);
        let mut children: HashMap<PathBuf, Vec<(String, u128)>> = HashMap::new();
        for (path, _) in &entries {
            if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
                let child = (name.to_string_lossy().into_owned(), id_of(workspace, path));
                children.entry(parent.to_owned()).or_default().push(child);
            }
        }
        let mut wanted = Rows::new();
        for (path, metadata) in &entries {
            let full = folder.join(path);
            let holds = if metadata.is_dir() {
                Holds::Children(children.remove(path).unwrap_or_default())
            } else if metadata.is_symlink() {
                Holds::Link(fs::read_link(&full).map_err(DemoContentError::when("reading", &full))?)
            } else {
                self.bytes_of(&full)?
            };
            let node = Node {
                parent: path.parent().map(|parent| id_of(workspace, parent)),
                mode: metadata.mode() & 0o7777,
                modified: DateTime::from_timestamp(
                    metadata.mtime(),
                    u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
                )
                .unwrap_or_default(),
                holds,
            };
            let id = id_of(workspace, path);
            let bundle = node.write(id).ok_or_else(|| cannot_be_a_node(&full))?;
            wanted.insert(id, bundle);
        }
        Ok(wanted)
    }

    /// What is in a file. Documents stand for the properties of nodes and are kept in rows, whatever their length.
    fn bytes_of(&self, file: &Path) -> Result<Holds, DemoContentError> {
        let bytes = fs::read(file).map_err(DemoContentError::when("reading", file))?;
        let is_document = file
            .extension()
            .is_some_and(|ending| ending == "xml" || ending == "yaml");
        if is_document || bytes.len() <= LONGEST_IN_A_ROW {
            return Ok(Holds::Bytes(bytes));
        }
        let name = hexadecimal(&Sha256::digest(&bytes));
        let record = self.record(&name);
        if !record.exists() {
            let folder = record.parent().unwrap_or(&self.data_store);
            fs::create_dir_all(folder).map_err(DemoContentError::when("creating", folder))?;
            fs::write(&record, bytes).map_err(DemoContentError::when("writing", &record))?;
        }
        Ok(Holds::Record(name))
    }

    /// Where a record of the data store is.
    fn record(&self, name: &str) -> PathBuf {
        let level = |from: usize| name.get(from..from + 2).unwrap_or("00");
        self.data_store
            .join(level(0))
            .join(level(2))
            .join(level(4))
            .join(name)
    }
}

/// Changes the rows of a table that are not as they should be.
fn change(transaction: &mut Transaction<'_>, table: &str, wanted: &Rows) -> Result<(), DemoContentError> {
    let failed = |error| wrong("changing", table)(error);
    let known: Rows = rows(transaction, table)?.into_iter().collect();
    let delete = transaction
        .prepare(&format!(
            "DELETE FROM \"{table}\" WHERE node_id_hi = $1 AND node_id_lo = $2"
        ))
        .map_err(failed)?;
    for id in known.keys().filter(|id| !wanted.contains_key(id)) {
        let (high, low) = halves(*id);
        transaction.execute(&delete, &[&high, &low]).map_err(failed)?;
    }
    let put = transaction
        .prepare(&format!(
            "INSERT INTO \"{table}\" VALUES ($1, $2, $3) \
             ON CONFLICT (node_id_hi, node_id_lo) DO UPDATE SET bundle_data = EXCLUDED.bundle_data"
        ))
        .map_err(failed)?;
    for (id, bundle) in wanted.iter().filter(|(id, bundle)| known.get(id) != Some(bundle)) {
        let (high, low) = halves(*id);
        transaction
            .execute(&put, &[&high, &low, bundle])
            .map_err(failed)?;
    }
    Ok(())
}

/// The rows of a table of bundles, in the order of their ids.
fn rows(
    client: &mut impl postgres::GenericClient,
    table: &str,
) -> Result<Vec<(u128, Vec<u8>)>, DemoContentError> {
    let found = client
        .query(
            &format!("SELECT node_id_hi, node_id_lo, bundle_data FROM \"{table}\""),
            &[],
        )
        .map_err(wrong("reading", table))?;
    let mut rows: Vec<(u128, Vec<u8>)> = found
        .iter()
        .map(|row| (whole(row.get(0), row.get(1)), row.get(2)))
        .collect();
    // As numbers without a sign, which the server does not have.
    rows.sort_unstable();
    Ok(rows)
}

/// The tables of bundles, in the order of their names.
fn tables(client: &mut Client) -> Result<Vec<String>, DemoContentError> {
    let found = client
        .query(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE '%\\_bundle' ORDER BY 1",
            &[],
        )
        .map_err(wrong("reading", "the list of tables"))?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}

fn table(workspace: &str) -> String {
    format!("pm_{workspace}_bundle")
}

/// The folders of workspaces, in order.
fn workspaces(root: &Path) -> Result<Vec<String>, DemoContentError> {
    let mut names = Vec::new();
    let failed = || DemoContentError::when("reading", root);
    for entry in fs::read_dir(root).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

fn about(path: &Path) -> Result<fs::Metadata, DemoContentError> {
    path.symlink_metadata()
        .map_err(DemoContentError::when("reading", path))
}

/// The id of the node that a path below a workspace stands for.
fn id_of(workspace: &str, path: &Path) -> u128 {
    if path.as_os_str().is_empty() {
        return ROOT;
    }
    let text = format!("{workspace}/{}", path.display());
    u128::from(random::hash(1, &text)) << 64 | u128::from(random::hash(2, &text))
}

/// An id as the two numbers that a row has it in.
fn halves(id: u128) -> (i64, i64) {
    let high = u64::try_from(id >> 64).unwrap_or(0);
    let low = u64::try_from(id & u128::from(u64::MAX)).unwrap_or(0);
    (high.cast_signed(), low.cast_signed())
}

fn whole(high: i64, low: i64) -> u128 {
    u128::from(high.cast_unsigned()) << 64 | u128::from(low.cast_unsigned())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn wrong<'a>(action: &'static str, what: &'a str) -> impl FnOnce(postgres::Error) -> DemoContentError + 'a {
    move |error| {
        let said = error
            .as_db_error()
            .map_or_else(|| error.to_string(), |told| told.message().to_owned());
        DemoContentError::when(action, Path::new(what))(io::Error::other(said))
    }
}

fn cannot_be_a_node(path: &Path) -> DemoContentError {
    DemoContentError::when("writing", path)(io::Error::other("it cannot be kept as a node"))
}

fn not_ours(table: &str) -> DemoContentError {
    DemoContentError::when("reading", Path::new(table))(io::Error::other(
        "it holds a row that the demo did not write",
    ))
}
