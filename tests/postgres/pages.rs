//! A small site in the tables of a workspace, as bundles that Jackrabbit could read: put there from lines of text, and read
//! back as such.

use std::collections::{BTreeMap, HashMap};

use lifeboat::jcr::bundle;
use lifeboat::jcr::ids::{self, ROOT};
use lifeboat::jcr::namespaces::MGNL;
use lifeboat::jcr::{Binary, Child, Name, Node, NodeId, Property, PropertyType, Value};
use postgres::Client;

/// One page: its path, its number, its text, and the numbers of the pages that it refers to. In the order of a tree.
pub type Page<'p> = (&'p str, u8, &'p str, &'p [u8]);

pub fn id(number: u8) -> NodeId {
    let mut id = [number; 16];
    id[6] = 0x40 | number & 0x0f;
    id
}

fn name(local: &str) -> Name {
    Name {
        namespace: "".into(),
        local: local.to_owned().into(),
    }
}

fn property(local: &str, kind: PropertyType, values: Vec<Value>) -> Property {
    Property {
        name: name(local),
        kind,
        is_multiple: kind == PropertyType::Reference,
        values,
        modified_count: 0,
    }
}

fn node(id: NodeId, parent: Option<NodeId>, properties: Vec<Property>) -> Node {
    Node {
        id,
        parent,
        primary_type: Name {
            namespace: MGNL.into(),
            local: "page".into(),
        },
        mixin_types: Vec::new(),
        properties,
        children: Vec::new(),
        shared_set: Vec::new(),
        is_referenceable: true,
        modified_count: 1,
    }
}

/// The rows of a site. A text of a page that begins with `binary` is one that has a row of its own.
fn nodes(pages: &[Page<'_>]) -> BTreeMap<NodeId, Node> {
    let mut nodes = BTreeMap::from([(ROOT, node(ROOT, None, Vec::new()))]);
    let mut at: HashMap<String, NodeId> = HashMap::from([(String::new(), ROOT)]);
    for (path, number, text, refers) in pages {
        let (above, last) = path.rsplit_once('/').unwrap();
        let parent = at[above];
        let mut properties = vec![property(
            "title",
            PropertyType::String,
            vec![Value::String((*text).to_owned())],
        )];
        if text.starts_with("binary") {
            let beside = Binary::Beside(binary_of(*number));
            properties.push(property(
                "data",
                PropertyType::Binary,
                vec![Value::Binary(beside)],
            ));
            properties.last_mut().unwrap().is_multiple = false;
        }
        if !refers.is_empty() {
            let values = refers
                .iter()
                .map(|number| Value::Reference(id(*number)))
                .collect();
            properties.push(property("refers", PropertyType::Reference, values));
        }
        nodes.insert(id(*number), node(id(*number), Some(parent), properties));
        let local = last.split('[').next().unwrap();
        nodes.get_mut(&parent).unwrap().children.push(Child {
            name: name(local),
            id: id(*number),
        });
        at.insert((*path).to_owned(), id(*number));
    }
    nodes
}

fn binary_of(number: u8) -> String {
    format!("{}.data.0", ids::show(&id(number)))
}

fn halves(id: &NodeId) -> (i64, i64) {
    let half = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().unwrap());
    (half(&id[..8]), half(&id[8..]))
}

/// Puts a site without references and binaries in place of the one that a workspace has, beside rows that hang in no tree:
/// the numbers of its pages are from 128 on, and the first halves of their ids below zero.
#[allow(dead_code, reason = "the sweep alone has such a workspace")]
pub fn put_nodes(client: &mut Client, prefix: &str, pages: &[Page<'_>]) {
    let mut transaction = client.transaction().unwrap();
    transaction
        .execute(&format!("DELETE FROM {prefix}bundle WHERE node_id_hi < 0"), &[])
        .unwrap();
    for (id, node) in nodes(pages) {
        let (high, low) = halves(&id);
        let row = format!("INSERT INTO {prefix}bundle VALUES ($1, $2, $3)");
        transaction
            .execute(&row, &[&high, &low, &bundle::write(&node).unwrap()])
            .unwrap();
    }
    transaction.commit().unwrap();
}

/// Makes a workspace this site, with the rows of references and binaries that belong to it.
pub fn put(client: &mut Client, prefix: &str, pages: &[Page<'_>]) {
    let mut transaction = client.transaction().unwrap();
    for table in ["bundle", "refs", "binval"] {
        transaction
            .execute(&format!("DELETE FROM {prefix}{table}"), &[])
            .unwrap();
    }
    let mut references: BTreeMap<NodeId, Vec<String>> = BTreeMap::new();
    for (id, node) in nodes(pages) {
        let (high, low) = halves(&id);
        let bytes = bundle::write(&node).unwrap();
        transaction
            .execute(
                &format!("INSERT INTO {prefix}bundle VALUES ($1, $2, $3)"),
                &[&high, &low, &bytes],
            )
            .unwrap();
        for value in node.properties.iter().flat_map(|property| &property.values) {
            match value {
                Value::Reference(target) => {
                    let text = format!("{}/{{}}refers", ids::show(&id));
                    references.entry(*target).or_default().push(text);
                }
                Value::Binary(Binary::Beside(binary)) => {
                    let text = node.properties[0].values[0].clone();
                    let Value::String(text) = text else {
                        panic!("{text:?}")
                    };
                    transaction
                        .execute(
                            &format!("INSERT INTO {prefix}binval VALUES ($1, $2)"),
                            &[binary, &text.into_bytes()],
                        )
                        .unwrap();
                }
                _ => {}
            }
        }
    }
    for (target, properties) in references {
        let (high, low) = halves(&target);
        let mut row = u32::try_from(properties.len()).unwrap().to_be_bytes().to_vec();
        for text in properties {
            row.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            row.extend(text.into_bytes());
        }
        transaction
            .execute(
                &format!("INSERT INTO {prefix}refs VALUES ($1, $2, $3)"),
                &[&high, &low, &row],
            )
            .unwrap();
    }
    transaction.commit().unwrap();
}

/// What a workspace holds, as lines in the order of its tree: `PATH NUMBER TEXT`. Every row has to be in the tree, every binary
/// has to belong to a page, and the rows of references have to be those of the pages.
pub fn look(client: &mut Client, prefix: &str) -> Vec<String> {
    let of = |high: i64, low: i64| -> NodeId {
        [high.to_be_bytes(), low.to_be_bytes()]
            .concat()
            .try_into()
            .unwrap()
    };
    let mut nodes: BTreeMap<NodeId, Node> = BTreeMap::new();
    for row in client
        .query(&format!("SELECT * FROM {prefix}bundle"), &[])
        .unwrap()
    {
        let id = of(row.get(0), row.get(1));
        nodes.insert(id, bundle::read(id, row.get(2)).unwrap());
    }
    let mut lines = Vec::new();
    let mut seen = 1;
    let mut binaries = BTreeMap::new();
    let mut references: BTreeMap<NodeId, usize> = BTreeMap::new();
    let mut open = vec![(ROOT, String::new())];
    while let Some((parent, path)) = open.pop() {
        let mut counts: HashMap<&Name, usize> = HashMap::new();
        let mut below = Vec::new();
        for child in &nodes[&parent].children {
            let node = &nodes[&child.id];
            assert_eq!(node.parent, Some(parent), "{path}");
            let count = counts.entry(&child.name).or_default();
            *count += 1;
            let index = if *count > 1 {
                format!("[{count}]")
            } else {
                String::new()
            };
            below.push((child.id, format!("{path}/{}{index}", child.name.local)));
        }
        if parent != ROOT {
            let node = &nodes[&parent];
            seen += 1;
            let mut text = String::new();
            for value in node.properties.iter().flat_map(|property| &property.values) {
                match value {
                    Value::String(title) => text.clone_from(title),
                    Value::Reference(target) => *references.entry(*target).or_default() += 1,
                    Value::Binary(Binary::Beside(binary)) => {
                        drop(binaries.insert(binary.clone(), text.clone()));
                    }
                    other => panic!("{other:?}"),
                }
            }
            lines.push(format!("{path} {} {text}", parent[0]));
        }
        open.extend(below.into_iter().rev());
    }
    assert_eq!(seen, nodes.len(), "every row is in the tree: {lines:#?}");
    let mut kept = BTreeMap::new();
    for row in client
        .query(&format!("SELECT * FROM {prefix}binval"), &[])
        .unwrap()
    {
        let data: Vec<u8> = row.get(1);
        kept.insert(row.get::<_, String>(0), String::from_utf8(data).unwrap());
    }
    assert_eq!(kept, binaries);
    let mut counted = BTreeMap::new();
    for row in client.query(&format!("SELECT * FROM {prefix}refs"), &[]).unwrap() {
        let data: Vec<u8> = row.get(2);
        let count = u32::from_be_bytes(data[..4].try_into().unwrap());
        counted.insert(of(row.get(0), row.get(1)), usize::try_from(count).unwrap());
    }
    assert_eq!(counted, references);
    lines
}
