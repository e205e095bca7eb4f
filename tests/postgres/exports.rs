//! Exports of nodes out of backups of tables, and out of Live: what is in the XML, and what is refused.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;

use lifeboat::domain::explore::{
    BinaryPlace, ExportFacts, ExportForm, ExportRequest, Looked, NodeRequest, Source,
};
use lifeboat::engine::Engine;
use lifeboat::jcr::namespaces::JCR;
use lifeboat::jcr::xml::read::{Limits, Placed, read};
use lifeboat::jcr::{Binary, Name, Node, Property, PropertyType, Value};

use crate::house::{House, back_up};
use crate::inside::{answer, house, id, page, path, write};

fn request(source: &Source, of: &str) -> ExportRequest {
    request_as(source, of, ExportForm::Xml)
}

fn request_as(source: &Source, of: &str, form: ExportForm) -> ExportRequest {
    ExportRequest {
        environment: House::live(),
        source: source.clone(),
        path: path(of),
        form,
    }
}

/// What is told of an export, and what is written.
fn export(engine: &Engine, source: &Source, of: &str) -> (ExportFacts, Vec<u8>) {
    export_as(engine, &request(source, of))
}

fn export_as(engine: &Engine, request: &ExportRequest) -> (ExportFacts, Vec<u8>) {
    let live = engine.live(&House::live()).unwrap();
    let facts = answer(|| live.export_facts(request));
    let mut written = Vec::new();
    live.export(request).unwrap().write(&mut written).unwrap();
    (facts, written)
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

/// A property with binaries.
fn binaries(local: &'static str, values: &[Binary]) -> Property {
    Property {
        name: Name::known(JCR, local),
        kind: PropertyType::Binary,
        is_multiple: values.len() != 1,
        values: values.iter().cloned().map(Value::Binary).collect(),
        modified_count: 0,
    }
}

/// Bytes that are no text, of a length that no piece has.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let next = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 24) as u8
    };
    (0..length).map(|_| next(&mut state)).collect()
}

const ROW: &str = "07070707-0707-0707-0707-070707070707.data.0";
const RECORD: &str = "5a7be3a1ee2cd1c0d17a6cd1d9fe40ab81d09aaf";

/// A page whose binaries are in the table of the workspace, and in a data store that is a table.
fn with_rows() -> (House, Vec<u8>) {
    let mut house = House::empty(&["author"], 0, &[]);
    house.settle = Box::new(|_, database| database.data_store = None);
    let mut client = house.client("author");
    crate::house::make_workspace(&mut client, "public", "pm_website_");
    crate::house::make_workspace(&mut client, "public", "version_");
    client
        .batch_execute(
            "CREATE TABLE ds_datastore (id varchar(255) PRIMARY KEY, length bigint, last_modified bigint, data bytea)",
        )
        .unwrap();
    let large = noise(9_000_011);
    client
        .execute(
            "INSERT INTO pm_website_binval VALUES ($1, $2), ('other', 'no')",
            &[&ROW, &large],
        )
        .unwrap();
    client
        .execute(
            "INSERT INTO ds_datastore VALUES ($1, 7, 1, 'harbour'), ('aa01', 3, 1, 'one')",
            &[&RECORD],
        )
        .unwrap();
    let mut harbour = page(7, Some(1), "Harbour", &[]);
    harbour.properties.push(binaries(
        "data",
        &[Binary::Beside(ROW.to_owned()), Binary::Record(RECORD.to_owned())],
    ));
    write(
        &house,
        &[
            page(0, None, "Root", &[("home", 1)]),
            page(1, Some(0), "Home", &[("harbour", 7)]),
            harbour,
        ],
    );
    (house, large)
}

#[test]
fn binaries_that_are_rows_of_a_table_are_exported_and_shown() {
    let (house, large) = with_rows();
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    for source in [&backup, &Source::Live] {
        let (facts, xml) = export(&engine, source, "/website/home");
        assert_eq!((facts.nodes, facts.bytes), (2, xml.len() as u64), "{source}");
        let placed = placed(&xml);
        let data = node(&placed, 7)
            .properties
            .iter()
            .find(|one| one.kind == PropertyType::Binary);
        let expected =
            [&large[..], b"harbour"].map(|bytes| Value::Binary(Binary::Held(bytes.to_vec().into())));
        assert!(data.unwrap().values == expected, "{source}");
        let live = engine.live(&House::live()).unwrap();
        let request = NodeRequest {
            environment: House::live(),
            source: source.clone(),
            path: path("/website/home/harbour"),
            characters: 100,
        };
        let facts = answer(|| live.node(&request));
        let data = facts
            .properties
            .iter()
            .find(|one| one.name == "jcr:data")
            .unwrap();
        let shown: Vec<_> = data
            .values
            .iter()
            .map(|value| value.binary.as_ref().unwrap())
            .collect();
        assert_eq!(shown[0].place, BinaryPlace::Workspace(ROW.to_owned()));
        assert_eq!(shown[0].size, Some(large.len() as u64));
        assert_eq!(
            (shown[1].size, shown[1].preview.as_deref()),
            (Some(7), Some("harbour"))
        );
    }
    // What is not there is named.
    house
        .client("author")
        .batch_execute("DELETE FROM pm_website_binval")
        .unwrap();
    let why = refused(&engine, &Source::Live, "/website/home");
    assert!(
        why.contains("table of binaries has no row") && why.contains("jcr:data"),
        "{why}"
    );
}

#[test]
#[allow(
    clippy::too_many_lines,
    reason = "one node after the other, all of one document"
)]
fn yaml_holds_what_another_reader_of_yaml_reads_out_of_it() {
    let (house, large) = with_rows();
    let mut odd = page(8, Some(7), "it's: # \u{1b}[2J\nand more", &[]);
    let values = [
        ("long", PropertyType::Long, Value::Long(-5)),
        ("double", PropertyType::Double, Value::Double(1e300)),
        ("whole", PropertyType::Double, Value::Double(2.0)),
        (
            "date",
            PropertyType::Date,
            Value::Date("2026-11-29T23:30:00.000+01:00".to_owned()),
        ),
        ("yes", PropertyType::Boolean, Value::Boolean(true)),
        ("word", PropertyType::String, Value::String("true".to_owned())),
        (
            "name",
            PropertyType::Name,
            Value::Name(Name::known(JCR, "content")),
        ),
        (
            "decimal",
            PropertyType::Decimal,
            Value::Decimal(Some("12345678901234567890.5".to_owned())),
        ),
    ];
    for (local, kind, value) in values {
        odd.properties.push(Property {
            name: crate::inside::name(local),
            kind,
            is_multiple: false,
            values: vec![value],
            modified_count: 0,
        });
    }
    for (local, values) in [("none", vec![]), ("two", vec!["a", "b: c"])] {
        odd.properties.push(Property {
            name: crate::inside::name(local),
            kind: PropertyType::String,
            is_multiple: true,
            values: values
                .iter()
                .map(|text| Value::String((*text).to_owned()))
                .collect(),
            modified_count: 0,
        });
    }
    odd.properties
        .push(binaries("empty", &[Binary::Held(bytes::Bytes::new())]));
    let mut harbour = page(7, Some(1), "Harbour", &[("it's", 8), ("item", 4), ("item", 6)]);
    harbour.properties.push(binaries(
        "data",
        &[Binary::Beside(ROW.to_owned()), Binary::Record(RECORD.to_owned())],
    ));
    write(
        &house,
        &[
            harbour,
            odd,
            page(4, Some(7), "First", &[]),
            page(6, Some(7), "Second", &[]),
        ],
    );
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    let request = request_as(&backup, "/website/home/harbour", ExportForm::Yaml);
    let (facts, yaml) = export_as(&engine, &request);
    assert_eq!(
        (facts.file.as_str(), facts.nodes),
        ("website.home.harbour.yaml", 3)
    );
    assert_eq!(facts.remarks.len(), 2, "{:?}", facts.remarks);
    assert!(
        facts.remarks[0].contains("one more that is named item"),
        "{:?}",
        facts.remarks
    );
    assert!(facts.remarks[1].contains("5 values"), "{:?}", facts.remarks);

    let text = std::str::from_utf8(&yaml).unwrap();
    assert!(
        text.starts_with("'harbour':\n  'jcr:primaryType': 'mgnl:page'\n"),
        "{}",
        &text[..200]
    );
    let read: serde_yaml_ng::Value = serde_yaml_ng::from_str(text).unwrap();
    let harbour = &read["harbour"];
    assert_eq!(
        harbour["jcr:uuid"].as_str(),
        Some("07070707-0707-0707-0707-070707070707")
    );
    assert_eq!(harbour["title"].as_str(), Some("Harbour"));
    let data: Vec<Vec<u8>> = harbour["jcr:data"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(binary)
        .collect();
    assert!(data == [large, b"harbour".to_vec()]);
    let odd = &harbour["it's"];
    assert_eq!(odd["title"].as_str(), Some("it's: # \u{1b}[2J\nand more"));
    assert_eq!(
        (odd["long"].as_i64(), odd["double"].as_f64()),
        (Some(-5), Some(1e300))
    );
    assert_eq!(
        (odd["whole"].as_f64(), odd["yes"].as_bool()),
        (Some(2.0), Some(true))
    );
    assert!(odd["whole"].as_i64().is_none());
    assert_eq!(odd["word"].as_str(), Some("true"));
    assert_eq!(odd["name"].as_str(), Some("jcr:content"));
    assert_eq!(odd["decimal"].as_str(), Some("12345678901234567890.5"));
    assert_eq!(odd["none"].as_sequence().map(Vec::len), Some(0));
    assert_eq!(odd["two"][1].as_str(), Some("b: c"));
    assert_eq!(binary(&odd["jcr:empty"]), b"");
    assert!(text.contains("'date': 2026-11-29T23:30:00.000+01:00\n"));
    assert_eq!(harbour["item"]["title"].as_str(), Some("First"));
}

/// The bytes of a value of YAML.
fn binary(value: &serde_yaml_ng::Value) -> Vec<u8> {
    let text = match value {
        serde_yaml_ng::Value::Tagged(tagged) => tagged.value.as_str(),
        value => value.as_str(),
    };
    let text: String = text.unwrap().split_whitespace().collect();
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap()
}

#[test]
fn as_files_each_node_is_a_folder_with_its_properties_and_binaries() {
    let (house, large) = with_rows();
    let names = [("..", 8), ("Harbour", 9), ("a/b", 4), ("jcr", 6)];
    let home = page(1, Some(0), "Home", &[&[("harbour", 7)][..], &names[..]].concat());
    let pages: Vec<_> = names
        .iter()
        .map(|(_, number)| page(*number, Some(1), "Page", &[]))
        .collect();
    write(&house, &[vec![home], pages].concat());
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    for source in [backup, Source::Live] {
        let (facts, bytes) = export_as(&engine, &request_as(&source, "/website/home", ExportForm::Files));
        assert_eq!((facts.file.as_str(), facts.nodes), ("website.home", 6));
        let mut files = BTreeMap::new();
        let mut archive = tar::Archive::new(bytes.as_slice());
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(path, content);
        }
        let folders: Vec<_> = files.keys().filter(|path| path.ends_with('/')).collect();
        assert_eq!(
            folders,
            [
                "website.home/",
                "website.home/%2E%2E/",
                "website.home/Harbour~2/",
                "website.home/a%2Fb/",
                "website.home/harbour/",
                "website.home/jcr/"
            ]
        );
        assert!(files["website.home/harbour/jcr:data.bin"] == large);
        assert_eq!(files["website.home/harbour/jcr:data~2.bin"], b"harbour");
        let size: usize = files.values().map(Vec::len).sum();
        assert_eq!(facts.bytes, size as u64);
        let facts: serde_json::Value =
            serde_json::from_slice(&files["website.home/harbour/properties.json"]).unwrap();
        assert_eq!(facts["path"], "/home/harbour");
        assert_eq!(facts["primary_type"], "mgnl:page");
        let data = facts["properties"].as_array().unwrap().last().unwrap();
        assert_eq!(data["type"], "Binary");
        assert_eq!(data["values"][1]["file"], "jcr:data~2.bin");
    }
}
