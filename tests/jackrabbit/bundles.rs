//! Lifeboat's reading of nodes against Jackrabbit's: every node and property of a repository with everything that JCR allows.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Output;

use lifeboat::jcr::bundle::{self, BorrowedBinary};
use lifeboat::jcr::namespaces::{Namespaces, indexes};
use lifeboat::jcr::{Binary, Node, NodeId, Property, Value, ids, registry, values};
use postgres::{Client, GenericClient};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};

use crate::house::House;
use crate::java;
use crate::magnolia::MISSING;

/// A repository in the database `author`, and where it keeps large binaries.
pub struct Repository {
    pub house: House,
    pub store: &'static str,
}

/// The nodes of one table of bundles.
pub type Bundles = HashMap<NodeId, Vec<u8>>;

impl Repository {
    /// A repository that `command` has made. `None` when there is no Java or no Maven here.
    pub fn made(store: &'static str, command: &str, options: &[&str]) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut house = House::empty(&["author"], port, &[]);
        let records = house.path("home/repository/datastore");
        house.settle = Box::new(move |_, database| {
            database.data_store = (store == "file").then(|| records.clone());
        });
        let repository = Self { house, store };
        let made = repository.java(command, options);
        if made.status.code() == Some(MISSING) {
            println!("{}", String::from_utf8_lossy(&made.stderr));
            return None;
        }
        assert!(made.status.success(), "{made:?}");
        Some(repository)
    }

    pub fn java(&self, command: &str, options: &[&str]) -> Output {
        let port = self.house.cluster.port();
        let url = format!("jdbc:postgresql://127.0.0.1:{port}/author");
        java::does_on(None, command, (&url, self.store, &self.home()), options)
    }

    /// Runs a command of the Java side that has to succeed.
    pub fn run(&self, command: &str, options: &[&str]) {
        let output = self.java(command, options);
        assert!(output.status.success(), "{output:?}");
    }

    pub fn home(&self) -> PathBuf {
        self.house.path("home")
    }

    pub fn client(&self) -> Client {
        self.house.client("author")
    }

    pub fn namespaces(&self) -> Namespaces {
        registry::namespaces(&fs::read(self.home().join(registry::PREFIXES)).unwrap())
    }

    /// The bundles of each workspace, and of the version storage under `version`.
    pub fn bundles(client: &mut impl GenericClient) -> BTreeMap<String, Bundles> {
        let tables = client
            .query(
                "SELECT tablename::text FROM pg_tables WHERE tablename LIKE '%\\_bundle'",
                &[],
            )
            .unwrap();
        let mut all = BTreeMap::new();
        for table in tables {
            let table: String = table.get(0);
            let workspace = table.strip_suffix("_bundle").unwrap();
            let workspace = workspace.strip_prefix("pm_").unwrap_or(workspace).to_owned();
            let rows = client
                .query(
                    &format!("SELECT node_id_hi, node_id_lo, bundle_data FROM {table}"),
                    &[],
                )
                .unwrap();
            let bundles = rows.iter().map(|row| {
                let halves = [row.get::<_, i64>(0), row.get(1)].map(i64::to_be_bytes);
                (halves.concat().try_into().unwrap(), row.get(2))
            });
            all.insert(workspace, bundles.collect());
        }
        all
    }

    /// The digest of a binary's bytes, wherever they are.
    fn digest(&self, client: &mut Client, workspace: &str, binary: &Binary) -> String {
        let bytes = match values::place(binary) {
            values::Place::Held(bytes) => bytes.to_vec(),
            values::Place::Record { id, path } if self.store == "file" => {
                let bytes = fs::read(self.home().join("repository/datastore").join(path)).unwrap();
                assert!(id.len() >= 40);
                bytes
            }
            values::Place::Record { id, .. } => client
                .query_one("SELECT data FROM ds_datastore WHERE id = $1", &[&id])
                .unwrap()
                .get(0),
            values::Place::Row(id) => {
                let table = if workspace == "version" {
                    "version_binval".to_owned()
                } else {
                    format!("pm_{workspace}_binval")
                };
                client
                    .query_one(
                        &format!("SELECT binval_data FROM {table} WHERE binval_id = $1"),
                        &[&id],
                    )
                    .unwrap()
                    .get(0)
            }
            place => panic!("{place:?}"),
        };
        Sha256::digest(bytes)
            .iter()
            .fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").unwrap();
                text
            })
    }
}

/// A node as the Java side writes it.
struct Shown<'r> {
    repository: &'r Repository,
    namespaces: Namespaces,
    client: Client,
}

impl Shown<'_> {
    fn node(&mut self, workspace: &str, path: &str, node: &Node) -> serde_json::Value {
        let name = |name| self.namespaces.show(name);
        let mixins: Vec<String> = node.mixin_types.iter().map(name).collect();
        let mut properties = Map::new();
        let own = json!({ "type": 7, "multiple": false, "values": [name(&node.primary_type)] });
        properties.insert("jcr:primaryType".to_owned(), own);
        if !mixins.is_empty() {
            let own = json!({ "type": 7, "multiple": true, "values": sorted(mixins.clone()) });
            properties.insert("jcr:mixinTypes".to_owned(), own);
        }
        if node.is_referenceable {
            let own = json!({ "type": 1, "multiple": false, "values": [ids::show(&node.id)] });
            properties.insert("jcr:uuid".to_owned(), own);
        }
        let kind = name(&node.primary_type);
        for property in &node.properties {
            let mut shown = self.property(workspace, property);
            let name = self.namespaces.show(&property.name);
            if name == "jcr:mixinTypes" {
                // Of some nodes it is kept as a property as well.
                shown["values"] = json!(sorted(serde_json::from_value(shown["values"].take()).unwrap()));
                properties.remove(&name);
            }
            assert_eq!(properties.insert(name, shown), None);
        }
        json!({
            "workspace": workspace,
            "path": path,
            "id": ids::show(&node.id),
            "type": kind,
            "mixins": sorted(mixins),
            "properties": properties,
        })
    }

    fn property(&mut self, workspace: &str, property: &Property) -> serde_json::Value {
        let values: Vec<String> = property
            .values
            .iter()
            .map(|value| self.value(workspace, value))
            .collect();
        json!({
            "type": property.kind as u8,
            "multiple": property.is_multiple,
            "values": values,
        })
    }

    fn value(&mut self, workspace: &str, value: &Value) -> String {
        match value {
            Value::String(text) | Value::Date(text) | Value::Uri(text) | Value::Decimal(Some(text)) => {
                text.clone()
            }
            Value::Decimal(None) => panic!("Jackrabbit was given a number"),
            Value::Binary(binary) => self.repository.digest(&mut self.client, workspace, binary),
            Value::Long(number) => number.to_string(),
            Value::Double(number) => format!("{:016x}", number.to_bits()),
            Value::Boolean(is_so) => is_so.to_string(),
            Value::Name(name) => self.namespaces.show(name),
            Value::Path(path) => self.namespaces.show_path(path),
            Value::Reference(id) | Value::WeakReference(id) => ids::show(id),
        }
    }
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

/// What stands in the lines of the Java side, by workspace and path; lists of mixins, which have no order there, sorted.
pub fn told(repository: &Repository) -> BTreeMap<(String, String), serde_json::Value> {
    let file = repository.house.path("nodes");
    repository.run("nodes", &["--out", file.to_str().unwrap()]);
    let text = fs::read_to_string(file).unwrap();
    let nodes = text.lines().map(|line| {
        let mut node: serde_json::Value = serde_json::from_str(line).unwrap();
        for pointer in ["/mixins", "/properties/jcr:mixinTypes/values"] {
            if let Some(list) = node.pointer_mut(pointer) {
                let mut texts: Vec<String> = serde_json::from_value(list.take()).unwrap();
                texts.sort();
                *list = json!(texts);
            }
        }
        let part = |name: &str| node[name].as_str().unwrap().to_owned();
        ((part("workspace"), part("path")), node)
    });
    nodes.collect()
}

/// What Lifeboat reads of the same, each bundle of which it writes as it is.
fn read(repository: &Repository) -> BTreeMap<(String, String), serde_json::Value> {
    let mut shown = Shown {
        repository,
        namespaces: repository.namespaces(),
        client: repository.client(),
    };
    let mut all = BTreeMap::new();
    for (workspace, bundles) in Repository::bundles(&mut repository.client()) {
        let nodes: HashMap<NodeId, Node> = bundles
            .iter()
            .map(|(id, bytes)| (*id, read_exactly(*id, bytes)))
            .collect();
        let (root, top) = if workspace == "version" {
            (ids::VERSION_STORAGE, "/jcr:system/jcr:versionStorage")
        } else {
            (ids::ROOT, "")
        };
        let mut open = vec![(root, top.to_owned())];
        while let Some((id, path)) = open.pop() {
            let node = &nodes[&id];
            let whole = if path.is_empty() { "/" } else { &path };
            let line = shown.node(&workspace, whole, node);
            assert_eq!(all.insert((workspace.clone(), whole.to_owned()), line), None);
            for (child, index) in node.children.iter().zip(indexes(&node.children)) {
                if child.id != ids::SYSTEM {
                    let step = shown.namespaces.step(&child.name, index);
                    open.push((child.id, format!("{path}/{step}")));
                }
            }
        }
    }
    all
}

fn read_exactly(id: NodeId, bytes: &[u8]) -> Node {
    let node = bundle::read(id, bytes).unwrap();
    assert!(
        bundle::write(&node).unwrap() == bytes,
        "written otherwise: {node:#?}"
    );
    let outline = bundle::outline(bytes).unwrap();
    assert_eq!(outline.parent, node.parent);
    assert_eq!(outline.children.len(), node.children.len());
    assert!(outline.primary_type == node.primary_type);
    let elsewhere = node.properties.iter().flat_map(|property| &property.values);
    let elsewhere = elsewhere.filter_map(|value| match value {
        Value::Binary(Binary::Record(id)) => Some(BorrowedBinary::Record(id)),
        Value::Binary(Binary::Beside(id)) => Some(BorrowedBinary::Beside(id)),
        _ => None,
    });
    assert!(elsewhere.eq(outline.binaries));
    node
}

fn is_read_as_jackrabbit_tells_it(store: &'static str, seed: &str) {
    let options = ["--count", "1500", "--seed", seed];
    let Some(repository) = Repository::made(store, "assorted", &options) else {
        return;
    };
    // Jackrabbit makes the root of a workspace when it is opened first.
    let told = told(&repository);
    let read = read(&repository);
    assert!(told.len() > 2000, "{}", told.len());
    for (place, node) in &told {
        let found = read.get(place);
        assert!(found == Some(node), "{place:?}\n{node:#}\n{found:#?}");
    }
    let more: Vec<_> = read.keys().filter(|place| !told.contains_key(*place)).collect();
    assert_eq!(more, Vec::<&(String, String)>::new());
    let binaries = told
        .values()
        .flat_map(|node| node["properties"].as_object().unwrap().values());
    assert!(binaries.filter(|property| property["type"] == 2).count() > 100);
}

#[test]
fn every_node_is_read_as_jackrabbit_tells_it() {
    is_read_as_jackrabbit_tells_it("file", "1");
}

#[test]
fn every_node_is_read_with_its_binaries_in_a_table() {
    is_read_as_jackrabbit_tells_it("db", "2");
}

#[test]
fn every_node_is_read_with_its_binaries_in_no_data_store() {
    is_read_as_jackrabbit_tells_it("none", "3");
}
