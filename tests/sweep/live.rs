//! What Live holds: made, edited, and looked at. Marks of writers are left out of what is compared and counted apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use postgres::Client;
use sha2::{Digest, Sha256};

use crate::house::{DATABASES, FOLDER, House, INSTANCES};
use crate::pages::{Page, put_nodes};

pub const WORKSPACES: [&str; 3] = ["config", "dam", "website"];
/// Rows from here on are marks of writers.
pub const FIRST_MARK: i64 = 9_000_000_000;
/// The part of the website that comes back alone: a folder, or a node with all that is below it.
pub const PART: &str = "press";
/// The folder of the marks of writers, in a workspace.
pub const MARKS: &str = "marks";

/// A digest for each `instance/workspace`.
pub type Parts = BTreeMap<String, String>;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl House {
    /// The first content of Live.
    pub fn furnish(&self) {
        for database in DATABASES {
            let mut client = self.client(database);
            for workspace in WORKSPACES {
                tables(&mut client, &format!("pm_{workspace}_"));
                bundles(&mut client, &format!("pm_{workspace}_bundle"), 0, 1500);
            }
            tables(&mut client, "version_");
            bundles(&mut client, "version_bundle", 0, 50);
            press(&mut client, 0);
            self.record(database, "one");
            self.register(database, 0);
        }
        for workspace in WORKSPACES {
            let folder = self.content().join(workspace);
            fs::create_dir_all(&folder).unwrap();
            for number in 0..60 {
                fs::write(
                    folder.join(format!("page-{number}.xml")),
                    format!("{workspace} {number}"),
                )
                .unwrap();
            }
            fs::write(folder.join("large.bin"), bytes(workspace, 300_000)).unwrap();
        }
        self.press(0);
    }

    /// Editors work on every instance: Live differs from every backup afterwards.
    pub fn edit(&self, step: u64) {
        for database in DATABASES {
            let mut client = self.client(database);
            let first = i64::try_from(step).unwrap() * 10_000;
            for workspace in WORKSPACES {
                client
                    .batch_execute(&format!(
                        "DELETE FROM pm_{workspace}_bundle WHERE node_id_hi BETWEEN 0 AND {FIRST_MARK} - 1 AND node_id_hi % 5 = {}",
                        step % 5
                    ))
                    .unwrap();
                bundles(&mut client, &format!("pm_{workspace}_bundle"), first, 400);
            }
            client
                .batch_execute(&format!(
                    "DELETE FROM pm_dam_binval WHERE left(binval_id, 1) = '{}'; \
                     INSERT INTO pm_dam_binval SELECT md5('{database}-{step}-' || n), \
                     convert_to(repeat(md5('{step}-' || n), 100), 'UTF8') FROM generate_series(1, 60) n",
                    step % 10
                ))
                .unwrap();
            press(&mut client, step);
            self.record(database, &format!("{database} {step}"));
            self.register(database, step);
        }
        for workspace in WORKSPACES {
            let folder = self.content().join(workspace);
            fs::create_dir_all(&folder).unwrap();
            for number in 0..10 {
                let page = folder.join(format!("page-{}.xml", (step * 7 + number) % 80));
                fs::write(page, format!("{workspace} {number} of {step}")).unwrap();
            }
            let _ = fs::remove_file(folder.join(format!("page-{}.xml", step % 60)));
            fs::write(
                folder.join("large.bin"),
                bytes(&format!("{workspace} {step}"), 300_000),
            )
            .unwrap();
        }
        self.press(step);
    }

    /// The part of the website in the folder, as it is at this step.
    fn press(&self, step: u64) {
        let folder = self.content().join("website").join(PART);
        let _ = fs::remove_dir_all(folder.join((step % 2).to_string()));
        let below = folder.join(((step + 1) % 2).to_string());
        fs::create_dir_all(&below).unwrap();
        for number in 0..5 {
            fs::write(
                below.join(format!("page-{}.xml", (step + number) % 9)),
                format!("{number} of {step}"),
            )
            .unwrap();
        }
        fs::write(folder.join("large.bin"), bytes(&format!("press {step}"), 100_000)).unwrap();
    }

    /// Node types, namespaces and workspaces as they are at this step: each lasts for some steps.
    fn register(&self, instance: &str, step: u64) {
        let home = self.home(instance);
        let write = |path: &str, text: String| {
            let path = home.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "repository/namespaces/ns_reg.properties",
            format!("#\ns{step}=urn\\:{step}\n"),
        );
        write(
            "repository/nodetypes/custom_nodetypes.xml",
            format!("<nodeTypes>\n<nodeType name=\"s{step}:page\"/>\n</nodeTypes>\n"),
        );
        for number in 0..12 {
            let text = format!(
                "<Workspace name=\"w{number}\" at=\"{}\"></Workspace>\n",
                step / (number + 1)
            );
            write(&format!("workspaces/w{number}/workspace.xml"), text);
        }
        let privileges = home.join("repository/privileges/custom_privileges.xml");
        if step.is_multiple_of(2) {
            let _ = fs::remove_file(privileges);
        } else {
            write(
                "repository/privileges/custom_privileges.xml",
                "<privileges></privileges>\n".to_owned(),
            );
        }
    }

    /// Puts a record into a data store, as Jackrabbit names it.
    fn record(&self, instance: &str, text: &str) {
        let content = text.repeat(500);
        let name = hex(&Sha256::digest(content.as_bytes()));
        let folder = self
            .data_store(instance)
            .join(&name[..2])
            .join(&name[2..4])
            .join(&name[4..6]);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), content).unwrap();
    }

    /// The names of all records of the data stores. None ever goes.
    pub fn records(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        walk(&self.path("stores"), &mut |path, _| {
            all.insert(path.to_owned());
        });
        all
    }

    /// What Live holds, but for marks.
    pub fn parts(&self) -> Parts {
        let mut parts = Parts::new();
        for database in DATABASES {
            let mut client = self.client(database);
            for (table, digest) in rows(&mut client, "public") {
                let workspace = table.strip_prefix("pm_").unwrap_or(&table);
                let workspace = workspace.split('_').next().unwrap();
                let part = parts.entry(format!("{database}/{workspace}")).or_default();
                let _ = write!(part, "{table} {digest};");
            }
            parts.insert(format!("{database}/{PART}"), pages(&mut client));
            let mut hash = Sha256::new();
            for part in ["repository", "workspaces"] {
                walk(&self.home(database).join(part), &mut |path, content| {
                    // An empty folder is nothing to Jackrabbit.
                    if !content.starts_with(b"folder ") {
                        hash.update(path.as_bytes());
                        hash.update(content);
                    }
                });
            }
            parts.insert(format!("{database}/home"), hex(&hash.finalize()));
        }
        for entry in fs::read_dir(self.content()).into_iter().flatten() {
            let entry = entry.unwrap();
            let workspace = entry.file_name().to_string_lossy().into_owned();
            let mut hash = Sha256::new();
            walk(&entry.path(), &mut |path, content| {
                let is_part = workspace == "website" && path.split('/').next() == Some(PART);
                if !is_part && path.split('/').all(|name| name != MARKS) {
                    hash.update(path.as_bytes());
                    hash.update(content);
                }
            });
            parts.insert(format!("{FOLDER}/{workspace}"), hex(&hash.finalize()));
        }
        let press = self.content().join("website").join(PART);
        if press.exists() {
            let mut hash = Sha256::new();
            walk(&press, &mut |path, content| {
                hash.update(path.as_bytes());
                hash.update(content);
            });
            parts.insert(format!("{FOLDER}/{PART}"), hex(&hash.finalize()));
        }
        parts
    }

    /// Everything that is Live's or stands beside it, marks and all: what must not change while Live is critical.
    pub fn untouched(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for database in DATABASES {
            let mut client = self.client(database);
            for schema in schemas(&mut client) {
                for (table, digest) in every_row(&mut client, &schema, false) {
                    all.insert(format!("{database} {schema}.{table}"), digest);
                }
                all.insert(format!("{database} {schema}"), String::new());
            }
        }
        walk(&self.path("homes"), &mut |path, content| {
            all.insert(format!("homes {path}"), hex(&Sha256::digest(content)));
        });
        walk(self.content().parent().unwrap(), &mut |path, content| {
            all.insert(path.to_owned(), hex(&Sha256::digest(content)));
        });
        for snapshot in fs::read_dir(self.repository().join("acme/live/snapshots")).unwrap() {
            all.insert(
                snapshot.unwrap().file_name().to_string_lossy().into_owned(),
                String::new(),
            );
        }
        all
    }

    /// The marks that stand in an instance's Live.
    pub fn marks(&self, instance: &str) -> BTreeSet<i64> {
        if instance == FOLDER {
            let mut all = BTreeSet::new();
            collect_marks(&self.content(), &mut all);
            return all;
        }
        let mut client = self.client(instance);
        marks_in(&mut client, "public.pm_website_bundle")
    }

    /// The marks that stand beside an instance's Live: in replaced tables, and in folders that were kept.
    pub fn marks_beside(&self, instance: &str) -> BTreeSet<i64> {
        let mut all = BTreeSet::new();
        if instance == FOLDER {
            for beside in self.beside() {
                collect_marks(&self.content().with_file_name(beside), &mut all);
            }
            return all;
        }
        let mut client = self.client(instance);
        for schema in schemas(&mut client) {
            let tables = client
                .query(
                    "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 AND tablename LIKE 'pm_website_bundle%'",
                    &[&schema],
                )
                .unwrap();
            for table in tables {
                let table: String = table.get(0);
                all.extend(marks_in(&mut client, &format!("\"{schema}\".\"{table}\"")));
            }
        }
        all
    }

    /// What stands beside the content folder.
    pub fn beside(&self) -> Vec<String> {
        let entries = fs::read_dir(self.content().parent().unwrap()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name != "content")
            .collect()
    }

    /// The schemas in the databases that no restore needs once it has ended.
    pub fn staged(&self) -> Vec<String> {
        let of = |database: &&str| schemas(&mut self.client(database));
        let all = DATABASES.iter().flat_map(of);
        all.filter(|schema| schema.starts_with("lifeboat_new")).collect()
    }

    /// What was stopped for a restore and is not started again.
    pub fn stopped(&self) -> Vec<&'static str> {
        let is_stopped = |instance: &&str| self.sign("stopped", instance).exists();
        INSTANCES.into_iter().filter(is_stopped).collect()
    }
}

fn tables(client: &mut Client, prefix: &str) {
    client
        .batch_execute(&format!(
            "CREATE TABLE {prefix}bundle (node_id_hi bigint NOT NULL, node_id_lo bigint NOT NULL, bundle_data bytea NOT NULL, \
             PRIMARY KEY (node_id_hi, node_id_lo)); \
             CREATE TABLE {prefix}refs (node_id_hi bigint NOT NULL, node_id_lo bigint NOT NULL, refs_data bytea NOT NULL, \
             PRIMARY KEY (node_id_hi, node_id_lo)); \
             CREATE TABLE {prefix}binval (binval_id varchar(64) NOT NULL, binval_data bytea NOT NULL); \
             CREATE UNIQUE INDEX {prefix}binval_idx ON {prefix}binval (binval_id); \
             CREATE TABLE {prefix}names (id serial PRIMARY KEY, name varchar(255) NOT NULL); \
             INSERT INTO {prefix}names (name) VALUES ('title')"
        ))
        .unwrap();
}

/// A node without properties below a root, as Jackrabbit writes it.
pub const BUNDLE: &str = "'\\x0300'::bytea || decode(repeat('07', 16), 'hex') || '\\x0000'::bytea";

fn bundles(client: &mut Client, table: &str, first: i64, count: i64) {
    client
        .batch_execute(&format!(
            "INSERT INTO {table} SELECT {first} + n, n * 7919, {BUNDLE} FROM generate_series(1, {count}) n"
        ))
        .unwrap();
}

/// Nodes that hang in a tree have numbers below zero: a site, and in it the part that comes back alone.
fn press(client: &mut Client, step: u64) {
    let text = format!("page of {step}");
    let all: Vec<String> = (0..3)
        .map(|number| format!("/{PART}/page-{}", (step + number) % 7))
        .collect();
    let top: Page<'_> = ("/press", 200, "press", &[]);
    let mut site = vec![top];
    for (number, path) in (201..).zip(&all) {
        let number = u8::try_from((number + 3 * step) % 40 + 201).unwrap();
        site.push((path, number, &text, &[]));
    }
    site.sort_by_key(|page| page.0);
    put_nodes(client, "pm_website_", &site);
}

/// A digest of that part.
fn pages(client: &mut Client) -> String {
    let row = client.query_one(
        "SELECT coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM public.pm_website_bundle t \
         WHERE node_id_hi < 0 AND encode(int8send(node_id_hi), 'hex') NOT LIKE 'cafebabe%'",
        &[],
    );
    row.unwrap().get(0)
}

/// Bytes that no compression makes smaller.
fn bytes(text: &str, count: usize) -> Vec<u8> {
    let mut all = Vec::with_capacity(count + 32);
    let mut block = Sha256::digest(text.as_bytes());
    while all.len() < count {
        all.extend_from_slice(&block);
        block = Sha256::digest(block);
    }
    all
}

fn schemas(client: &mut Client) -> Vec<String> {
    let rows = client.query(
        "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'lifeboat%' OR nspname = 'public' ORDER BY 1",
        &[],
    );
    rows.unwrap().iter().map(|row| row.get(0)).collect()
}

/// A digest of the rows of every table of Jackrabbit's in a schema, but for marks.
fn rows(client: &mut Client, schema: &str) -> BTreeMap<String, String> {
    every_row(client, schema, true)
}

fn every_row(client: &mut Client, schema: &str, without_marks: bool) -> BTreeMap<String, String> {
    let names = client
        .query(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 ORDER BY 1",
            &[&schema],
        )
        .unwrap();
    let selects: Vec<_> = names
        .iter()
        .map(|row| {
            let table: String = row.get(0);
            let filter = if without_marks && table == "pm_website_bundle" && schema == "public" {
                format!(
                    "WHERE node_id_hi BETWEEN 0 AND {FIRST_MARK} - 1 OR encode(int8send(node_id_hi), 'hex') LIKE 'cafebabe%'"
                )
            } else if without_marks && table.ends_with("_bundle") {
                format!("WHERE node_id_hi < {FIRST_MARK}")
            } else {
                String::new()
            };
            format!(
                "SELECT '{table}', count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') \
                 FROM \"{schema}\".\"{table}\" t {filter}"
            )
        })
        .collect();
    if selects.is_empty() {
        return BTreeMap::new();
    }
    let rows = client.query(&selects.join(" UNION ALL "), &[]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn marks_in(client: &mut Client, table: &str) -> BTreeSet<i64> {
    let rows = client.query(
        &format!("SELECT node_id_hi FROM {table} WHERE node_id_hi >= {FIRST_MARK}"),
        &[],
    );
    rows.unwrap().iter().map(|row| row.get(0)).collect()
}

fn collect_marks(folder: &Path, all: &mut BTreeSet<i64>) {
    walk(folder, &mut |path, _| all.extend(mark_of(path)));
}

/// The mark that a file is, by its name.
pub fn mark_of(path: &str) -> Option<i64> {
    path.rsplit('/').next()?.strip_prefix("mark-")?.parse().ok()
}

/// Every file and folder below one, in order: its path and rights, and what it holds.
fn walk(folder: &Path, see: &mut dyn FnMut(&str, &[u8])) {
    fn below(root: &Path, folder: &Path, see: &mut dyn FnMut(&str, &[u8])) {
        let mut entries: Vec<_> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            let Ok(metadata) = path.symlink_metadata() else {
                continue;
            };
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if metadata.is_dir() {
                see(
                    &name,
                    format!("folder {:o}", metadata.permissions().mode()).as_bytes(),
                );
                below(root, &path, see);
            } else {
                see(&name, &fs::read(&path).unwrap_or_default());
            }
        }
    }
    below(folder, folder, see);
}
