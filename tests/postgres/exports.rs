//! Exports of nodes out of backups of tables, and out of Live: what is in the XML, and what is refused.

use std::fs;

use lifeboat::domain::explore::{ExportFacts, ExportRequest, Looked, Source};
use lifeboat::engine::Engine;
use lifeboat::jcr::namespaces::JCR;
use lifeboat::jcr::xml::read::{Limits, Placed, read};
use lifeboat::jcr::{Binary, Name, Node, Property, PropertyType, Value};

use crate::house::{House, back_up};
use crate::inside::{answer, house, id, page, path, write};

fn request(source: &Source, of: &str) -> ExportRequest {
    ExportRequest {
        environment: House::live(),
        source: source.clone(),
        path: path(of),
    }
}

/// What is told of an export, and what is written.
fn export(engine: &Engine, source: &Source, of: &str) -> (ExportFacts, Vec<u8>) {
    let live = engine.live(&House::live()).unwrap();
    let request = request(source, of);
    let facts = answer(|| live.export_facts(&request));
    let mut xml = Vec::new();
    live.export(&request).unwrap().write(&mut xml).unwrap();
    (facts, xml)
}

/// Why there is none.
fn refused(engine: &Engine, source: &Source, of: &str) -> String {
    let live = engine.live(&House::live()).unwrap();
    let request = request(source, of);
    for _ in 0..600 {
        match live.export_facts(&request) {
            Ok(looked) => assert!(matches!(looked, Looked::Reading(_))),
            Err(error) => return error.to_string(),
        }
    }
    panic!("it was not refused")
}

fn placed(xml: &[u8]) -> Vec<Placed> {
    let mut placed = Vec::new();
    read(xml, Limits::default(), &mut |one| placed.push(one)).unwrap();
    placed
}

fn node(placed: &[Placed], number: u8) -> &Node {
    let mut nodes = placed.iter().map(|placed| &placed.node);
    nodes.find(|node| node.id == id(number)).unwrap()
}

/// A page with a binary in the data store.
fn with_record(house: &House, number: u8, parent: u8) -> Node {
    let record = house.store("author", "a picture of the harbour");
    let record = record.file_name().unwrap().to_str().unwrap().to_owned();
    let mut node = page(number, Some(parent), "Harbour", &[]);
    node.properties.push(Property {
        name: Name::known(JCR, "data"),
        kind: PropertyType::Binary,
        is_multiple: false,
        values: vec![Value::Binary(Binary::Record(record))],
        modified_count: 0,
    });
    node
}

#[test]
fn a_node_is_exported_with_all_that_is_below_it_and_keeps_its_ids() {
    let house = house();
    let harbour = with_record(&house, 7, 2);
    let news = page(2, Some(1), "News", &[("item", 4), ("item", 6), ("harbour", 7)]);
    write(&house, &[news.clone(), harbour]);
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    for source in [backup, Source::Live] {
        let (facts, xml) = export(&engine, &source, "author:/website/home/news");
        assert_eq!(facts.file, "website.home.news.xml");
        assert_eq!((facts.nodes, facts.remarks.len()), (4, 0));
        assert_eq!(facts.bytes, xml.len() as u64);
        assert_eq!(facts.seen.source, source);
        let placed = placed(&xml);
        let paths: Vec<_> = placed
            .iter()
            .map(|one| {
                let steps = one.path.iter();
                let steps: Vec<_> = steps
                    .map(|(name, nth)| format!("/{}[{nth}]", name.local))
                    .collect();
                steps.concat()
            })
            .collect();
        assert_eq!(
            paths,
            [
                "/news[1]/item[1]",
                "/news[1]/item[2]",
                "/news[1]/harbour[1]",
                "/news[1]"
            ]
        );
        let top = node(&placed, 2);
        assert_eq!(
            (&top.primary_type, &top.children),
            (&news.primary_type, &news.children)
        );
        assert_eq!(top.mixin_types, news.mixin_types);
        for property in &news.properties {
            let found = top.properties.iter().find(|found| found.name == property.name);
            assert_eq!(found.unwrap().values, property.values);
        }
        let data = node(&placed, 7)
            .properties
            .iter()
            .find(|found| found.kind == PropertyType::Binary);
        let expected = "a picture of the harbour".repeat(500).into_bytes();
        assert_eq!(
            data.unwrap().values,
            [Value::Binary(Binary::Held(expected.into()))]
        );
        // The second of two of one name.
        let (facts, xml) = export(&engine, &source, "/website/home/news/item[2]");
        assert_eq!(
            (facts.nodes, facts.file.as_str()),
            (1, "website.home.news.item[2].xml")
        );
        assert_eq!(self::placed(&xml)[0].node.id, id(6));
    }
}

#[test]
fn what_is_missing_is_told_and_what_cannot_be_exported_is_refused() {
    let house = house();
    let harbour = with_record(&house, 7, 3);
    write(
        &house,
        &[
            page(2, Some(1), "News", &[("item", 4), ("gone", 99), ("item", 6)]),
            page(3, Some(1), "About", &[("harbour", 7)]),
            harbour,
        ],
    );
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    let (facts, xml) = export(&engine, &backup, "/website/home/news");
    assert_eq!(facts.nodes, 3);
    assert_eq!(
        facts.remarks,
        ["/home/news/gone is listed by its parent, and is not there"]
    );
    assert_eq!(placed(&xml).len(), 3);
    let why = refused(&engine, &backup, "/website");
    assert!(why.contains("root of a workspace"), "{why}");
    let why = refused(&engine, &backup, "/website/home/nowhere");
    assert!(why.contains("there is no"), "{why}");
    let why = refused(&engine, &backup, "author");
    assert!(why.contains("name a workspace"), "{why}");
    // Nobody gets a page without its picture and takes it for whole.
    fs::remove_dir_all(house.data_store("author")).unwrap();
    let why = refused(&engine, &Source::Live, "/website/home/about");
    assert!(
        why.contains("/home/about/harbour") && why.contains("jcr:data"),
        "{why}"
    );
    assert!(why.contains("the data store has no file"), "{why}");
    assert_eq!(export(&engine, &backup, "/website/home/about").0.nodes, 2);
}
