//! What is written as a system view is read as it was; what is no view, or is meant to do harm, is told for what it is.

use std::io::{self, BufReader, Read};

use bytes::Bytes;

use super::super::namespaces::{JCR, MIX, NT, Namespaces};
use super::super::{Binary, Child, Name, Node, NodeId, Property, PropertyType, Value, ids};
use super::read::{Limits, Placed, ReadError, read};
use super::write::{Binaries, SystemView, WriteError};

fn name(namespace: &'static str, local: &'static str) -> Name {
    Name {
        namespace: namespace.into(),
        local: local.into(),
    }
}

fn property(local: &'static str, kind: PropertyType, values: Vec<Value>) -> Property {
    Property {
        name: name("", local),
        kind,
        is_multiple: values.len() != 1,
        values,
        modified_count: 0,
    }
}

fn node(id: u8, properties: Vec<Property>) -> Node {
    Node {
        id: [id; 16],
        parent: None,
        primary_type: name(NT, "unstructured"),
        mixin_types: vec![name(MIX, "referenceable"), name("urn:nobody:knows&<\">", "mixin")],
        properties,
        children: Vec::new(),
        shared_set: Vec::new(),
        is_referenceable: true,
        modified_count: 0,
    }
}

/// Binaries that are held with their nodes.
struct Held;

impl Binaries for Held {
    fn open(&self, binary: &Binary) -> io::Result<Box<dyn Read + '_>> {
        match binary {
            Binary::Held(bytes) => Ok(Box::new(io::Cursor::new(bytes.clone()))),
            Binary::Record(size) => Ok(Box::new(io::repeat(7).take(size.parse().unwrap()))),
            Binary::Beside(_) => Err(io::Error::other("it is gone")),
        }
    }
}

fn found(xml: &[u8], limits: Limits) -> Result<Vec<Placed>, ReadError> {
    let mut found = Vec::new();
    // In small pieces, so that every part of it comes cut somewhere.
    read(BufReader::with_capacity(7, xml), limits, &mut |placed| {
        found.push(placed);
    })?;
    Ok(found)
}

fn wrong(xml: &str) -> String {
    found(xml.as_bytes(), Limits::default()).unwrap_err().to_string()
}

fn every_type() -> Vec<Property> {
    let id: NodeId = [9; 16];
    vec![
        property(
            "text",
            PropertyType::String,
            vec![Value::String(" a <b> & \"c\"\r\n\tд🛟 ".into())],
        ),
        property(
            "control",
            PropertyType::String,
            vec![Value::String("a\u{1b}[31m\0".into())],
        ),
        property(
            "binary",
            PropertyType::Binary,
            vec![Value::Binary(Binary::Held(Bytes::from_static(b"\0\xff<&")))],
        ),
        property("none", PropertyType::Long, Vec::new()),
        property(
            "numbers",
            PropertyType::Double,
            [0.5, -0.0, 1e300, f64::INFINITY, f64::NEG_INFINITY]
                .map(Value::Double)
                .to_vec(),
        ),
        property("long", PropertyType::Long, vec![Value::Long(i64::MIN)]),
        property(
            "date",
            PropertyType::Date,
            vec![Value::Date("-9999-01-01T00:00:00.000Z".into())],
        ),
        property("yes", PropertyType::Boolean, vec![Value::Boolean(true)]),
        property(
            "name",
            PropertyType::Name,
            vec![Value::Name(name("urn:x", "a b"))],
        ),
        property(
            "paths",
            PropertyType::Path,
            ["{}", "{}\t{urn:y}a\t{}b[2]", "{}..\t{}c", "{}."]
                .map(|path| Value::Path(path.into()))
                .to_vec(),
        ),
        property("reference", PropertyType::Reference, vec![Value::Reference(id)]),
        property(
            "weak",
            PropertyType::WeakReference,
            vec![Value::WeakReference(id)],
        ),
        property(
            "address",
            PropertyType::Uri,
            vec![Value::Uri("http://a/?b&c".into())],
        ),
        property(
            "decimal",
            PropertyType::Decimal,
            vec![Value::Decimal(Some("1.50".into()))],
        ),
    ]
}

#[test]
fn what_is_written_is_read_as_it_was() {
    let namespaces = Namespaces::with([("ns1".to_owned(), "urn:x".to_owned())]);
    let mut view = SystemView::begin(Vec::new(), &namespaces).unwrap();
    let (top, first, second) = (node(1, every_type()), node(2, Vec::new()), node(3, Vec::new()));
    let twin = name("urn:twins", "a b\"<&>");
    view.node(&name("", "home"), &top, &Held).unwrap();
    for child in [&first, &second] {
        view.node(&twin, child, &Held).unwrap();
        view.end().unwrap();
    }
    view.share(&twin, &[2; 16]).unwrap();
    view.end().unwrap();
    let (xml, left_out) = view.finish().unwrap();
    assert!(
        left_out.len() == 1 && left_out[0].contains("shared node 02020202"),
        "{left_out:?}"
    );
    let found = found(&xml, Limits::default()).unwrap();
    let placed: Vec<_> = found.iter().map(|placed| placed.path.last().unwrap().1).collect();
    assert_eq!(
        placed,
        [1, 2, 1],
        "those of one name are told apart by their numbers"
    );
    let parent = Some([1; 16]);
    assert_eq!(found[0].node, Node { parent, ..first });
    assert_eq!(found[1].node, Node { parent, ..second });
    let child = |id| Child {
        name: twin.clone(),
        id: [id; 16],
    };
    let children = vec![child(2), child(3)];
    assert_eq!(found[2].node, Node { children, ..top });
}

#[test]
fn values_do_not_depend_on_prefixes_that_were_made_for_the_view() {
    let namespaces = Namespaces::with([("shop".to_owned(), "urn:shop".to_owned())]);
    let values = [
        ("urn:shop", "price"),
        ("http://nobody.example/1.0", "a b"),
        ("", "{plain}"),
    ]
    .map(|(namespace, local)| Value::Name(name(namespace, local)));
    let paths = ["{}\t{http://nobody.example/1.0}a\t{urn:shop}b[2]"].map(|path| Value::Path(path.into()));
    let mut top = node(
        1,
        vec![
            property("names", PropertyType::Name, values.to_vec()),
            property("paths", PropertyType::Path, paths.to_vec()),
        ],
    );
    // Nothing says this to Jackrabbit.
    let numbered = ["{}a", "{http://nobody.example/1.0}a[2]"].map(|path| Value::Path(path.into()));
    let mut told = top.clone();
    told.properties
        .push(property("numbered", PropertyType::Path, numbered.to_vec()));
    let mut view = SystemView::begin(Vec::new(), &namespaces).unwrap();
    view.node(&name("", "home"), &told, &Held).unwrap();
    view.end().unwrap();
    let (xml, left_out) = view.finish().unwrap();
    assert!(
        left_out.len() == 1
            && left_out[0].starts_with("numbered of the node")
            && left_out[0].contains("a[2]"),
        "{left_out:?}"
    );
    top.parent = None;
    let text = String::from_utf8(xml.clone()).unwrap();
    for value in [
        "shop:price",
        "{http://nobody.example/1.0}a b",
        "{plain}",
        "/{http://nobody.example/1.0}a/shop:b[2]",
    ] {
        assert!(text.contains(&format!(":value>{value}</")), "{value} in {text}");
    }
    assert!(
        text.contains("=\"http://nobody.example/1.0\""),
        "an import registers what is declared: {text}"
    );
    assert_eq!(found(&xml, Limits::default()).unwrap()[0].node, top);
}

#[test]
fn what_an_import_makes_by_itself_is_not_written() {
    let namespaces = Namespaces::default();
    let mut view = SystemView::begin(Vec::new(), &namespaces).unwrap();
    let mut version = property("x", PropertyType::Boolean, vec![Value::Boolean(true)]);
    version.name = name(JCR, "isCheckedOut");
    let lost = property("lost", PropertyType::Decimal, vec![Value::Decimal(None)]);
    view.node(&name("", "a"), &node(1, vec![version, lost]), &Held)
        .unwrap();
    view.end().unwrap();
    let (xml, left_out) = view.finish().unwrap();
    assert!(
        left_out.len() == 1 && left_out[0].contains("lost"),
        "{left_out:?}"
    );
    assert_eq!(found(&xml, Limits::default()).unwrap()[0].node.properties, []);
}

#[test]
fn a_large_binary_goes_through_in_pieces() {
    /// Counts what is written, and never sees much of it at once.
    struct Counting(u64);
    impl io::Write for Counting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(bytes.len() < 1 << 20);
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let namespaces = Namespaces::default();
    let mut view = SystemView::begin(Counting(0), &namespaces).unwrap();
    let size = 64u64 << 20;
    let binary = Value::Binary(Binary::Record(size.to_string()));
    let large = property("data", PropertyType::Binary, vec![binary]);
    view.node(&name("", "a"), &node(1, vec![large]), &Held).unwrap();
    view.end().unwrap();
    let (counted, _) = view.finish().unwrap();
    assert!(counted.0 > size.div_ceil(3) * 4, "{}", counted.0);
}

#[test]
fn what_cannot_be_written_is_told() {
    let namespaces = Namespaces::default();
    let mut view = SystemView::begin(Vec::new(), &namespaces).unwrap();
    let gone = property(
        "data",
        PropertyType::Binary,
        vec![Value::Binary(Binary::Beside("1".into()))],
    );
    let error = view
        .node(&name("", "a"), &node(1, vec![gone]), &Held)
        .unwrap_err();
    assert!(
        error.to_string().contains("data cannot be read: it is gone"),
        "{error}"
    );
    let error = view
        .node(&name("", "a\u{1}"), &node(1, Vec::new()), &Held)
        .unwrap_err();
    assert!(matches!(error, WriteError::Name(_)), "{error}");
}

#[test]
fn a_document_view_is_read_with_its_names() {
    let xml = "<?xml version=\"1.0\"?><my_x0020_page xmlns:jcr=\"http://www.jcp.org/jcr/1.0\" \
               xmlns:mix=\"http://www.jcp.org/jcr/mix/1.0\" xmlns:nt=\"http://www.jcp.org/jcr/nt/1.0\" \
               jcr:primaryType=\"nt:unstructured\" jcr:mixinTypes=\"mix:title mix:language\" a_x003a_b=\"1 &lt; 2\">\n \
               <text jcr:primaryType=\"nt:unstructured\" \
               jcr:uuid=\"cafebabe-cafe-babe-cafe-babecafebabe\">so <![CDATA[<it>]]></text></my_x0020_page>";
    let found = found(xml.as_bytes(), Limits::default()).unwrap();
    let top = found.last().unwrap();
    assert_eq!(top.path, [(name("", "my page"), 1)]);
    assert_eq!(top.node.mixin_types, [name(MIX, "title"), name(MIX, "language")]);
    assert_eq!(top.node.properties[0].name, name("", "a:b"));
    assert_eq!(top.node.properties[0].values, [Value::String("1 < 2".into())]);
    assert_eq!(top.node.children.len(), 1);
    assert_eq!(top.node.children[0].id, ids::ROOT);
    let texts = found
        .iter()
        .filter(|placed| placed.node.parent == Some(ids::ROOT));
    let texts: Vec<_> = texts
        .flat_map(|placed| &placed.node.properties[0].values)
        .collect();
    assert_eq!(
        texts,
        [&Value::String("so ".into()), &Value::String("<it>".into())],
        "text is a node of its own there"
    );
}

#[test]
fn what_is_no_view_is_told_for_what_it_is() {
    const VIEW: &str = "xmlns:sv=\"http://www.jcp.org/jcr/sv/1.0\" xmlns:jcr=\"http://www.jcp.org/jcr/1.0\"";
    let value = |kind: &str, value: &str| {
        format!(
            "<sv:node {VIEW} sv:name=\"a\"><sv:property sv:name=\"p\" sv:type=\"{kind}\"><sv:value>{value}</sv:value>\
             </sv:property></sv:node>"
        )
    };
    for (xml, why) in [
        (String::new(), "nothing in it"),
        ("<html><p/></html>".to_owned(), "no view of a content repository"),
        ("just text".to_owned(), "nothing in it"),
        ("<a><b></a>".to_owned(), "no view"),
        (format!("<sv:node {VIEW} sv:name=\"a\">"), "ends in the middle"),
        (
            format!("<sv:node {VIEW} sv:name=\"a\"></sv:property>"),
            "it is no XML",
        ),
        (
            format!("<sv:node {VIEW} sv:name=\"a\"/>"),
            "the type of the node /",
        ),
        (format!("<sv:node {VIEW}/>"), "the name of the node"),
        (
            format!("<sv:node {VIEW} sv:name=\"x:a\"/>"),
            "its prefix is not declared",
        ),
        (
            "<sv:node sv:name=\"x:a\"/>".to_owned(),
            "its prefix is not declared",
        ),
        (value("Long", "many"), "it is no whole number"),
        (value("Binary", "%%"), "not written in base64"),
        (value("Reference", "me"), "it is no id"),
        (value("Name", "x:y"), "its prefix is not declared"),
        (value("Wish", "y"), "there is no type Wish"),
        (
            format!(
                "<!DOCTYPE a [<!ENTITY l \"lol\"><!ENTITY m \"&l;&l;&l;\">]><sv:node {VIEW} sv:name=\"a\"/>"
            ),
            "a document type",
        ),
        (value("String", "&m;"), "the entity &m;"),
    ] {
        let told = wrong(&xml);
        assert!(told.contains(why), "{xml}: {told}");
    }
    let latin = b"<sv:node xmlns:sv=\"http://www.jcp.org/jcr/sv/1.0\" sv:name=\"a\">\xe4</sv:node>";
    let told = found(latin, Limits::default()).unwrap_err().to_string();
    assert!(told.contains("UTF-8"), "{told}");
}

#[test]
fn what_is_too_much_is_not_read() {
    let node = |inner: &str| {
        format!(
            "<sv:node xmlns:sv=\"http://www.jcp.org/jcr/sv/1.0\" sv:name=\"a\"><sv:property \
             xmlns:jcr=\"http://www.jcp.org/jcr/1.0\" sv:name=\"jcr:primaryType\" sv:type=\"Name\"><sv:value>b</sv:value>\
             </sv:property>{inner}</sv:node>"
        )
    };
    let deep = (0..20).fold(String::new(), |inner, _| node(&inner));
    let wide = node(&node("").repeat(20));
    let long = node(&format!(
        "<sv:property sv:name=\"p\"><sv:value>{}</sv:value></sv:property>",
        "x".repeat(4_000)
    ));
    // Many small pieces make one long text too.
    let pieces = node(&format!(
        "<sv:property sv:name=\"p\"><sv:value>{}</sv:value></sv:property>",
        "x&amp;".repeat(4_000)
    ));
    let limits = Limits {
        depth: 10,
        nodes: 15,
        piece: 2_000,
        ..Limits::default()
    };
    for (xml, why) in [
        (&deep, "more than 10 deep"),
        (&wide, "more than 15 nodes"),
        (&long, "more than 2000 bytes"),
        (&pieces, "more than 2000 bytes"),
    ] {
        assert!(found(xml.as_bytes(), Limits::default()).is_ok());
        let told = found(xml.as_bytes(), limits).unwrap_err().to_string();
        assert!(told.contains(why), "{told}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_stop_it(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = found(&bytes, Limits::default());
    }

    #[test]
    fn no_change_of_a_view_stops_it(at in 0usize..900, byte in proptest::prelude::any::<u8>()) {
        let namespaces = Namespaces::default();
        let mut view = SystemView::begin(Vec::new(), &namespaces).unwrap();
        view.node(&name("", "home"), &node(1, every_type()), &Held).unwrap();
        view.end().unwrap();
        let (mut xml, _) = view.finish().unwrap();
        let at = at % xml.len();
        xml[at] = byte;
        let _ = found(&xml, Limits::default());
    }
}
