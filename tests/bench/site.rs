//! Makes a workspace of a site in tables, as bundles of nodes that fit together, the same ones every time.
//!
//! The tree: below the root areas of 1,000 folders of pages each, and one folder that has 100,000 children (or a fifth of all nodes,
//! where that is less).

use std::io::Write;

use lifeboat::demo::cluster::{Cluster, SUPERUSER};
use lifeboat::jcr::namespaces::{MGNL, MIX, NT, REP};
use lifeboat::jcr::{Child, Name, Node, NodeId, Property, Value, bundle, ids};
use postgres::{Client, NoTls};

use crate::language::Language;
use crate::noise::Noise;

const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const PAGES_OF_A_FOLDER: u64 = 50;
const FOLDERS_OF_AN_AREA: u64 = 1_000;
/// The path of the large folder.
pub const MANY: &str = "/many";

/// What is made.
pub struct Site {
    nodes: u64,
    /// Characters of text of each node.
    text: usize,
    /// Children of the one large folder.
    many: u64,
}

impl Site {
    pub fn new(nodes: u64, bytes: u64) -> Self {
        Self {
            nodes,
            text: usize::try_from((bytes / nodes).saturating_sub(150)).unwrap(),
            many: (nodes / 5).min(100_000),
        }
    }

    /// How many folders of pages.
    fn folders(&self) -> u64 {
        (self.nodes - self.many) / (PAGES_OF_A_FOLDER + 1)
    }

    /// The path of a folder in the workspace.
    pub fn folder(&self, number: u64) -> String {
        let folder = number.wrapping_mul(7_919) % self.folders();
        format!("/area-{}/folder-{folder}", folder / FOLDERS_OF_AN_AREA)
    }

    /// A part of a name that some nodes have.
    pub fn name(&self, number: u64) -> String {
        format!(
            "page-{}",
            number.wrapping_mul(104_729) % (self.folders() * PAGES_OF_A_FOLDER)
        )
    }

    /// Makes the database.
    pub fn make(&self, cluster: &Cluster, database: &str) {
        client(cluster, "postgres")
            .batch_execute(&format!("CREATE DATABASE {database}"))
            .unwrap();
        let mut client = client(cluster, database);
        for prefix in ["pm_website_", "version_"] {
            client.batch_execute(&definition(prefix)).unwrap();
        }
        let mut rows = client
            .copy_in("COPY pm_website_bundle FROM STDIN (FORMAT binary)")
            .unwrap();
        rows.write_all(&HEADER).unwrap();
        let language = Language::new();
        let mut noise = Noise(0x2545_f491_4f6c_dd1d);
        self.each(&mut |node| {
            rows.write_all(&row(&self.filled(node, &language, &mut noise)))
                .unwrap();
        });
        rows.write_all(&[0xff, 0xff]).unwrap();
        rows.finish().unwrap();
        client.batch_execute("VACUUM ANALYZE").unwrap();
    }

    /// Changes the text of one node in a hundred, and says how many.
    pub fn change(&self, cluster: &Cluster, database: &str) -> u64 {
        let mut client = client(cluster, database);
        let statement = client
            .prepare(
                "UPDATE pm_website_bundle SET bundle_data = $3 WHERE node_id_hi = $1 AND node_id_lo = $2",
            )
            .unwrap();
        let language = Language::new();
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let (mut seen, mut changed) = (0_u64, 0);
        let mut transaction = client.transaction().unwrap();
        self.each(&mut |node| {
            seen += 1;
            if seen % 100 != 7 || !node.children.is_empty() {
                return;
            }
            let (high, low) = halves(&node.id);
            let bytes = bundle::write(&self.filled(node, &language, &mut noise)).unwrap();
            transaction.execute(&statement, &[&high, &low, &bytes]).unwrap();
            changed += 1;
        });
        transaction.commit().unwrap();
        client.batch_execute("VACUUM pm_website_bundle").unwrap();
        changed
    }

    /// The node with its text.
    fn filled(&self, mut node: Node, language: &Language, noise: &mut Noise) -> Node {
        let text = String::from_utf8(language.text(noise, self.text)).unwrap();
        node.properties = [("title", text.get(..20).unwrap_or("").to_owned()), ("text", text)]
            .into_iter()
            .map(|(name, text)| property(Name::known("", name), Value::String(text)))
            .collect();
        node
    }

    /// Goes through all nodes.
    fn each(&self, take: &mut dyn FnMut(Node)) {
        let folders = self.folders();
        let areas = folders.div_ceil(FOLDERS_OF_AN_AREA);
        let mut below_root: Vec<Child> = (0..areas)
            .map(|area| child(format!("area-{area}"), id(1, area)))
            .collect();
        below_root.push(child("many".to_owned(), id(4, 0)));
        take(node(ids::ROOT, None, Name::known(REP, "root"), below_root));
        for area in 0..areas {
            let first = area * FOLDERS_OF_AN_AREA;
            let children = (first..folders.min(first + FOLDERS_OF_AN_AREA))
                .map(|folder| child(format!("folder-{folder}"), id(2, folder)));
            take(node(
                id(1, area),
                Some(ids::ROOT),
                Name::known(MGNL, "page"),
                children.collect(),
            ));
        }
        for folder in 0..folders {
            let pages = folder * PAGES_OF_A_FOLDER..(folder + 1) * PAGES_OF_A_FOLDER;
            let children = pages
                .clone()
                .map(|page| child(format!("page-{page}"), id(3, page)));
            let parent = id(1, folder / FOLDERS_OF_AN_AREA);
            take(node(
                id(2, folder),
                Some(parent),
                Name::known(MGNL, "page"),
                children.collect(),
            ));
            for page in pages {
                take(node(
                    id(3, page),
                    Some(id(2, folder)),
                    Name::known(MGNL, "page"),
                    Vec::new(),
                ));
            }
        }
        let children = (0..self.many).map(|number| child(format!("entry-{number}"), id(5, number)));
        take(node(
            id(4, 0),
            Some(ids::ROOT),
            Name::known(MGNL, "folder"),
            children.collect(),
        ));
        for number in 0..self.many {
            take(node(
                id(5, number),
                Some(id(4, 0)),
                Name::known(NT, "unstructured"),
                Vec::new(),
            ));
        }
    }
}

fn client(cluster: &Cluster, database: &str) -> Client {
    Client::connect(&cluster.connect(database, SUPERUSER), NoTls).unwrap()
}

fn definition(prefix: &str) -> String {
    format!(
        "CREATE TABLE {prefix}bundle (node_id_hi bigint NOT NULL, node_id_lo bigint NOT NULL, bundle_data bytea NOT NULL, \
         CONSTRAINT {prefix}bundle_pkey PRIMARY KEY (node_id_hi, node_id_lo));
         CREATE TABLE {prefix}refs (node_id_hi bigint NOT NULL, node_id_lo bigint NOT NULL, refs_data bytea NOT NULL, \
         CONSTRAINT {prefix}refs_pkey PRIMARY KEY (node_id_hi, node_id_lo));
         CREATE TABLE {prefix}binval (binval_id varchar(64) NOT NULL, binval_data bytea NOT NULL);
         CREATE UNIQUE INDEX {prefix}binval_idx ON {prefix}binval (binval_id);
         CREATE TABLE {prefix}names (id serial, name varchar(255) NOT NULL, \
         CONSTRAINT {prefix}names_pkey PRIMARY KEY (id));"
    )
}

/// An id that looks random and is that of one node alone.
fn id(kind: u64, number: u64) -> NodeId {
    let mut noise = Noise(
        (kind << 56 | number)
            .wrapping_add(1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15),
    );
    let high = noise.next();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&high.to_be_bytes());
    id[8..].copy_from_slice(&(kind << 56 | number).to_be_bytes());
    id
}

fn child(name: String, id: NodeId) -> Child {
    Child {
        name: Name {
            namespace: "".into(),
            local: name.into(),
        },
        id,
    }
}

fn node(id: NodeId, parent: Option<NodeId>, primary_type: Name, children: Vec<Child>) -> Node {
    Node {
        id,
        parent,
        primary_type,
        mixin_types: vec![Name::known(MIX, "created")],
        properties: Vec::new(),
        children,
        shared_set: Vec::new(),
        is_referenceable: true,
        modified_count: 1,
    }
}

fn property(name: Name, value: Value) -> Property {
    Property {
        name,
        kind: value.kind(),
        is_multiple: false,
        values: vec![value],
        modified_count: 0,
    }
}

fn halves(id: &NodeId) -> (i64, i64) {
    let number = u128::from_be_bytes(*id).to_be_bytes();
    let (high, low) = number.split_at(8);
    (
        i64::from_be_bytes(high.try_into().unwrap()),
        i64::from_be_bytes(low.try_into().unwrap()),
    )
}

/// A node as a row.
fn row(node: &Node) -> Vec<u8> {
    let data = bundle::write(node).unwrap();
    let mut row = Vec::with_capacity(data.len() + 40);
    row.extend(3_i16.to_be_bytes());
    for half in node.id.chunks(8) {
        row.extend(8_i32.to_be_bytes());
        row.extend(half);
    }
    row.extend(i32::try_from(data.len()).unwrap().to_be_bytes());
    row.extend(data);
    row
}
