//! What the check of integrity says of Jackrabbit's repositories: nothing of a sound one, and each fault that is planted.

use std::collections::{BTreeMap, HashSet};

use lifeboat::domain::integrity::{FaultKind, Integrity};
use lifeboat::jcr::bundle;
use lifeboat::jcr::integrity::{Beside, Check, Whose};
use lifeboat::jcr::namespaces::Namespaces;
use lifeboat::jcr::{Node, NodeId};
use postgres::{GenericClient, Transaction};

use crate::bundles::Repository;

/// What is there besides nodes.
struct Besides {
    versions: HashSet<NodeId>,
    records: HashSet<String>,
    binaries: HashSet<String>,
}

impl Beside for Besides {
    fn has_version(&self, id: &NodeId) -> bool {
        self.versions.contains(id)
    }

    fn has_record(&self, id: &str) -> bool {
        self.records.contains(id)
    }

    fn has_binary(&self, id: &str) -> bool {
        self.binaries.contains(id)
    }
}

fn texts(client: &mut impl GenericClient, query: &str) -> HashSet<String> {
    let rows = client.query(query, &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// What is wrong in each workspace and in the version storage; what is sound is left out.
fn wrong(client: &mut impl GenericClient, namespaces: &Namespaces) -> BTreeMap<String, Integrity> {
    let all = Repository::bundles(client);
    let tables = texts(client, "SELECT tablename::text FROM pg_tables");
    let records = if tables.contains("ds_datastore") {
        texts(client, "SELECT id::text FROM ds_datastore")
    } else {
        HashSet::new()
    };
    let mut besides = Besides {
        versions: all["version"].keys().copied().collect(),
        records,
        binaries: HashSet::new(),
    };
    let mut wrong = BTreeMap::new();
    for (workspace, bundles) in &all {
        let (whose, prefix) = match workspace.as_str() {
            "version" => (Whose::Versions, "version".to_owned()),
            _ => (Whose::Workspace, format!("pm_{workspace}")),
        };
        besides.binaries = texts(client, &format!("SELECT binval_id::text FROM {prefix}_binval"));
        let mut check = Check::new(whose, &besides);
        for (id, bytes) in bundles {
            match bundle::outline(bytes) {
                Ok(outline) => check.node(*id, &outline),
                Err(why) => check.unreadable(*id, why),
            }
        }
        let found = check.finish(namespaces);
        assert_eq!(found.nodes, bundles.len() as u64);
        if !found.is_sound() {
            wrong.insert(workspace.clone(), found);
        }
    }
    wrong
}

/// What plants a fault.
type Plant = fn(&mut Transaction<'_>);

fn run(transaction: &mut Transaction<'_>, statement: &str) {
    assert!(transaction.execute(statement, &[]).unwrap() > 0, "{statement}");
}

/// Changes a node that has a child, and whose parent is not the root.
fn change(transaction: &mut Transaction<'_>, change: fn(&mut Node)) {
    let bundles = Repository::bundles(transaction).remove("website").unwrap();
    let nodes = bundles
        .iter()
        .map(|(id, bytes)| bundle::read(*id, bytes).unwrap());
    let mut nodes: Vec<Node> = nodes
        .filter(|node| node.children.len() > 1 && node.shared_set.is_empty())
        .filter(|node| node.parent.is_some() && node.primary_type.local == "page")
        .collect();
    let node = nodes.first_mut().unwrap();
    change(node);
    let (high, low) = node.id.split_at(8);
    let half = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().unwrap());
    let changed = transaction
        .execute(
            "UPDATE pm_website_bundle SET bundle_data = $1 WHERE node_id_hi = $2 AND node_id_lo = $3",
            &[&bundle::write(node).unwrap(), &half(high), &half(low)],
        )
        .unwrap();
    assert_eq!(changed, 1);
}

const PLANTS: &[(&str, FaultKind, Plant)] = &[
    ("website", FaultKind::MissingChild, |transaction| {
        run(
            transaction,
            "DELETE FROM pm_website_bundle WHERE node_id_hi % 5 = 0",
        );
    }),
    ("website", FaultKind::NotListed, |transaction| {
        run(
            transaction,
            "DELETE FROM pm_website_bundle WHERE node_id_hi % 5 = 0",
        );
    }),
    ("website", FaultKind::NotListed, |transaction| {
        change(transaction, |node| drop(node.children.pop()));
    }),
    ("website", FaultKind::MissingTarget, |transaction| {
        run(
            transaction,
            "DELETE FROM pm_website_bundle WHERE node_id_hi % 5 = 0",
        );
    }),
    ("website", FaultKind::MissingVersion, |transaction| {
        run(transaction, "DELETE FROM version_bundle WHERE node_id_hi % 3 = 0");
    }),
    ("version", FaultKind::MissingVersion, |transaction| {
        run(transaction, "DELETE FROM version_bundle WHERE node_id_hi % 3 = 0");
    }),
    ("website", FaultKind::MissingBinary, |transaction| {
        run(transaction, "DELETE FROM ds_datastore WHERE ascii(id) % 2 = 0");
    }),
    ("website", FaultKind::Unreadable, |transaction| {
        run(
            transaction,
            "UPDATE pm_website_bundle SET bundle_data = substr(bundle_data, 1, octet_length(bundle_data) - 1) \
             WHERE node_id_hi % 7 = 0",
        );
    }),
    ("website", FaultKind::Twice, |transaction| {
        change(transaction, |node| {
            let again = node.children[0].clone();
            node.children.push(again);
        });
    }),
    ("website", FaultKind::Cycle, |transaction| {
        change(transaction, |node| node.parent = Some(node.children[0].id));
    }),
];

#[test]
fn nothing_is_wrong_with_a_sound_repository_and_each_planted_fault_is_found() {
    let options = ["--count", "1500", "--seed", "4"];
    let Some(repository) = Repository::made("db", "assorted", &options) else {
        return;
    };
    let namespaces = repository.namespaces();
    let mut client = repository.client();
    assert_eq!(wrong(&mut client, &namespaces), BTreeMap::new());
    for (number, (workspace, kind, plant)) in PLANTS.iter().enumerate() {
        let mut transaction = client.transaction().unwrap();
        plant(&mut transaction);
        let wrong = wrong(&mut transaction, &namespaces);
        let found = wrong.get(*workspace).map(|found| &found.counts);
        assert!(
            found.is_some_and(|counts| counts.contains_key(kind)),
            "{number}: {kind:?} in {wrong:#?}"
        );
        transaction.rollback().unwrap();
    }
}

#[test]
fn nothing_is_wrong_with_what_a_magnolia_keeps_and_deletes() {
    let Some(repository) = Repository::made("db", "fill", &[]) else {
        return;
    };
    let namespaces = repository.namespaces();
    assert_eq!(wrong(&mut repository.client(), &namespaces), BTreeMap::new());
    repository.run("damage", &[]);
    assert_eq!(wrong(&mut repository.client(), &namespaces), BTreeMap::new());
}

#[test]
fn nothing_is_wrong_with_binaries_in_no_data_store() {
    let options = ["--count", "400", "--seed", "5"];
    let Some(repository) = Repository::made("none", "assorted", &options) else {
        return;
    };
    let namespaces = repository.namespaces();
    let mut client = repository.client();
    assert_eq!(wrong(&mut client, &namespaces), BTreeMap::new());
    let gone = client.execute("DELETE FROM pm_website_binval", &[]).unwrap();
    let wrong = wrong(&mut client, &namespaces);
    let found = &wrong["website"].counts;
    assert!(
        gone >= 5 && *found == [(FaultKind::MissingBinary, gone)].into(),
        "{gone}: {found:?}"
    );
}
