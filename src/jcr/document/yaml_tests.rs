//! YAML is read as Magnolia's exporter means it; what is no such YAML, or is meant to do harm, is told for what it is.

use std::fmt::Write as _;
use std::io::{self, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::super::namespaces::{JCR, MGNL, Namespaces};
use super::super::xml::write::Binaries;
use super::super::yaml::write::Yaml;
use super::super::{Binary, Child, Name, Node, Property, PropertyType, Value, ids};
use super::yaml::read;
use super::{Limits, Placed, ReadError};

fn found(text: &str) -> Result<Vec<Placed>, ReadError> {
    let mut found = Vec::new();
    read(text, Limits::default(), &mut |placed| found.push(placed))?;
    Ok(found)
}

fn name(local: &'static str) -> Name {
    Name::known("", local)
}

const PAGE: &str = "\
'/home':
  'jcr:primaryType': mgnl:page
  'jcr:uuid': cafebabe-cafe-babe-cafe-babecafebabe
  'jcr:mixinTypes':
    - 'mix:versionable'
    - mgnl:publishable
  'mgnl:created': 2026-11-29T23:30:00.000+01:00
  'title': 'It''s home'
  'hideInNav': false
  'order': 12
  'ratio': -1.5
  'big': 123456789012345678901234567890
  'code': 0071
  'version': '12'
  'empty': []
  'tags': [a, 'b: c', \"d\\n\"]
  'text': |
    <p>Grüße</p>
      more
  'unknown:name': x
  'main':
    'jcr:primaryType': mgnl:area
    '00':
      'mgnl:template': 'mtk:components/text'
      'data': !!binary |
        AAH/
        AA==
";

#[test]
fn a_page_is_read_with_its_types_values_and_nodes() {
    let found = found(PAGE).unwrap();
    assert_eq!(found.len(), 3);
    let home = &found[2];
    assert_eq!(home.path, [(name("home"), 1)]);
    assert_eq!(home.node.id, ids::ROOT);
    assert!(home.node.is_referenceable);
    assert_eq!(home.node.primary_type, Name::known(MGNL, "page"));
    assert_eq!(home.node.mixin_types.len(), 2);
    let values: Vec<_> = home
        .node
        .properties
        .iter()
        .map(|property| {
            assert_eq!(
                property.is_multiple,
                ["empty", "tags"].contains(&&*property.name.local)
            );
            (property.name.local.as_ref(), property.values.as_slice())
        })
        .collect();
    let text = |text: &str| Value::String(text.to_owned());
    let expected: [(&str, Vec<Value>); 11] = [
        (
            "created",
            vec![Value::Date("2026-11-29T23:30:00.000+01:00".into())],
        ),
        ("title", vec![text("It's home")]),
        ("hideInNav", vec![Value::Boolean(false)]),
        ("order", vec![Value::Long(12)]),
        ("ratio", vec![Value::Double(-1.5)]),
        (
            "big",
            vec![Value::Decimal(Some("123456789012345678901234567890".into()))],
        ),
        ("code", vec![text("0071")]),
        ("version", vec![text("12")]),
        ("empty", vec![]),
        ("tags", vec![text("a"), text("b: c"), text("d\n")]),
        ("text", vec![text("<p>Grüße</p>\n  more\n")]),
    ];
    for (found, expected) in values.iter().zip(&expected) {
        assert_eq!(*found, (expected.0, expected.1.as_slice()));
    }
    assert_eq!(home.node.properties.last().unwrap().name, name("unknown:name"));
    assert_eq!(home.node.children[0].id, found[1].node.id);
    let component = &found[0];
    assert_eq!(component.node.primary_type, Name::known(MGNL, "contentNode"));
    assert!(!component.node.is_referenceable);
    assert_eq!(component.node.parent, Some(found[1].node.id));
    let bytes = bytes::Bytes::from_static(&[0, 1, 255, 0]);
    assert_eq!(component.node.properties[1].kind, PropertyType::Binary);
    assert_eq!(
        component.node.properties[1].values,
        [Value::Binary(Binary::Held(bytes))]
    );
}

#[test]
fn several_topmost_nodes_and_a_root_are_read() {
    let found = found("a:\n  jcr:primaryType: x\n/:\n  jcr:primaryType: rep:root\n  a:\n    b: c\n").unwrap();
    let paths: Vec<_> = found
        .iter()
        .map(|placed| placed.path.last().unwrap().0.clone())
        .collect();
    assert_eq!(paths, [name("a"), name("a"), Name::known(JCR, "root")]);
    assert_ne!(found[0].node.id, found[1].node.id);
}

#[test]
fn what_is_no_export_is_told_for_what_it_is() {
    let deep = (0..600).fold(String::from("a:\n jcr:primaryType: b\n"), |mut text, depth| {
        text.push_str(&" ".repeat(depth + 1));
        text.push_str("a:\n");
        text
    });
    let laughs = "a: &a\n  jcr:primaryType: b\n  b: &b [x, x]\n  c: *b\n";
    for (text, why) in [
        ("", "no view"),
        ("just text", "no view"),
        ("- a\n- b\n", "no view"),
        ("title: x\njcr:primaryType: y\n", "no view"),
        ("a:\n  title: x\n", "no view"),
        ("a:\n  jcr:primaryType: b\n  c: 'd", "it is no YAML"),
        ("a:\n  jcr:primaryType: b\n c: d\n", "it is no YAML"),
        ("a:\n  jcr:primaryType: [b]\n  c:\n    - - d\n", "a list of lists"),
        ("a:\n  jcr:primaryType: b\n  c:\n    - d: e\n", "a list of nodes"),
        ("a:\n  jcr:primaryType: b\n  jcr:uuid: c\n", "it is no id"),
        ("a:\n  jcr:primaryType: b\n  c: 1\n  c: 2\n", "it is there twice"),
        ("a:\n  jcr:primaryType: b\n  c: [1, d]\n", "several types"),
        ("a:\n  jcr:primaryType: b\n  c: !!binary '%%'\n", "base64"),
        (
            "a:\n  jcr:primaryType: b\n  c: !!java.util.Date x\n",
            "tag is not known",
        ),
        (
            "a:\n  jcr:primaryType: b\n---\nb:\n  jcr:primaryType: b\n",
            "several documents",
        ),
        (laughs, "alias"),
        (&deep, "more than 500 deep"),
    ] {
        let told = found(text).unwrap_err().to_string();
        assert!(told.contains(why), "{text}: {told}");
    }
    let limits = Limits {
        nodes: 2,
        piece: 30,
        ..Limits::default()
    };
    for (text, why) in [
        (
            "a:\n  jcr:primaryType: b\n  b: {}\n  c: {}\n".to_owned(),
            "more than 2 nodes",
        ),
        (
            format!("a:\n  jcr:primaryType: b\n  c: {}\n", "x".repeat(40)),
            "more than 30 bytes",
        ),
    ] {
        let told = read(&text, limits, &mut |_| {}).unwrap_err().to_string();
        assert!(told.contains(why), "{text}: {told}");
    }
}

/// Binaries that are held with their nodes.
struct Held;

impl Binaries for Held {
    fn open(&self, binary: &Binary) -> io::Result<Box<dyn Read + '_>> {
        match binary {
            Binary::Held(bytes) => Ok(Box::new(io::Cursor::new(bytes.clone()))),
            Binary::Record(_) | Binary::Beside(_) => Err(io::Error::other("it is elsewhere")),
        }
    }
}

#[test]
fn what_is_exported_is_read_again_as_the_same_nodes() {
    let texts = ["", "It's \"so\"", "a\n\tb\r\u{1b}[2J", "- 12", "Über 🛟"]
        .map(|text| Value::String(text.to_owned()));
    let bytes = |bytes: Vec<u8>| Value::Binary(Binary::Held(bytes.into()));
    let values: [(&'static str, Vec<Value>); 8] = [
        ("texts", texts.to_vec()),
        ("whole", vec![Value::Long(i64::MIN)]),
        (
            "numbers",
            [0.5, 1e300, -2e-9, f64::INFINITY].map(Value::Double).to_vec(),
        ),
        ("is it so", vec![Value::Boolean(true)]),
        (
            "moment",
            vec![Value::Date("2026-11-29T23:30:00.000+01:00".into())],
        ),
        ("bytes", vec![bytes((0..=255).cycle().take(5_000).collect())]),
        ("all bytes", vec![bytes(vec![1]), bytes(Vec::new())]),
        ("none", Vec::new()),
    ];
    let properties = values.into_iter().map(|(local, values)| Property {
        name: name(local),
        kind: values
            .first()
            .map_or(PropertyType::Undefined, |value| match value {
                Value::Long(_) => PropertyType::Long,
                Value::Double(_) => PropertyType::Double,
                Value::Boolean(_) => PropertyType::Boolean,
                Value::Date(_) => PropertyType::Date,
                Value::Binary(_) => PropertyType::Binary,
                _ => PropertyType::String,
            }),
        is_multiple: values.len() != 1,
        values,
        modified_count: 0,
    });
    let page = Node {
        id: ids::ROOT,
        parent: None,
        primary_type: Name::known(MGNL, "page"),
        mixin_types: vec![Name::known(MGNL, "publishable")],
        properties: properties.collect(),
        children: Vec::new(),
        shared_set: Vec::new(),
        is_referenceable: true,
        modified_count: 0,
    };
    let area = Node {
        id: [7; 16],
        parent: Some(ids::ROOT),
        properties: Vec::new(),
        ..page.clone()
    };
    let namespaces = Namespaces::default();
    let mut yaml = Yaml::begin(Vec::new(), &namespaces);
    assert!(yaml.node(&name("it's home"), &page, &Held).unwrap());
    assert!(yaml.node(&name("main: 1"), &area, &Held).unwrap());
    yaml.end().unwrap();
    yaml.end().unwrap();
    let (written, left_out) = yaml.finish().unwrap();
    assert!(left_out.is_empty(), "{left_out:?}");
    let found = found(std::str::from_utf8(&written).unwrap()).unwrap();
    let children = vec![Child {
        name: name("main: 1"),
        id: [7; 16],
    }];
    assert_eq!(found[0].node, area);
    assert_eq!(found[1].node, Node { children, ..page });
    assert_eq!(found[1].path, [(name("it's home"), 1)]);
}

/// A text in single quotes, as YAML writes it on one line.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What is written, and what it has to be read as.
fn values() -> impl Strategy<Value = (String, Value)> {
    prop_oneof![
        "[ -~äöü€🛟]{0,30}".prop_map(|text| (quoted(&text), Value::String(text))),
        any::<i64>().prop_map(|number| (number.to_string(), Value::Long(number))),
        any::<bool>().prop_map(|is_so| (is_so.to_string(), Value::Boolean(is_so))),
        (-1e9..1e9_f64).prop_map(|number| (format!("{number:?}"), Value::Double(number))),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| {
            let written = format!("!!binary '{}'", STANDARD.encode(&bytes));
            (written, Value::Binary(Binary::Held(bytes.into())))
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_it_was(
        // With nothing before the colon, a name is the same as without it.
        values in prop::collection::btree_map("[a-zA-Z0-9 .@äöü-][a-zA-Z0-9 :.@äöü-]{0,11}", values(), 0..8),
        names in prop::collection::btree_set("[a-z0-9 äöü-]{1,8}", 0..5),
    ) {
        let mut text = "'top':\n  'jcr:primaryType': 'mgnl:page'\n".to_owned();
        for (key, (written, _)) in &values {
            writeln!(text, "  {}: {written}", quoted(key)).unwrap();
        }
        for name in &names {
            writeln!(text, "  {}:\n    'jcr:primaryType': 'mgnl:area'", quoted(&format!("n {name}"))).unwrap();
        }
        let found = found(&text).unwrap();
        prop_assert_eq!(found.len(), names.len() + 1);
        let top = found.last().unwrap();
        prop_assert_eq!(top.node.properties.len(), values.len());
        for (property, (_, value)) in top.node.properties.iter().zip(values.values()) {
            prop_assert_eq!(property.values.as_slice(), std::slice::from_ref(value));
        }
        let children: Vec<_> = top.node.children.iter().map(|child| child.name.local.to_string()).collect();
        let expected: Vec<_> = names.iter().map(|name| format!("n {name}")).collect();
        prop_assert_eq!(children, expected);
    }

    #[test]
    fn no_text_stops_it(text in "[-a-z0-9 :'\"\\[\\]{}|>&*!?,#%@~\\n\\t]{0,200}") {
        let _ = found(&text);
        let _ = found(&format!("a:\n  jcr:primaryType: b\n  {text}"));
    }

    #[test]
    fn no_change_of_an_export_stops_it(at in 0..PAGE.len(), to in any::<char>()) {
        let mut text: String = PAGE.to_owned();
        if text.is_char_boundary(at) {
            text.insert(at, to);
        }
        let _ = found(&text);
        let _ = found(text.get(..at).unwrap_or_default());
    }
}
