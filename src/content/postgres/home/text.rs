//! What is in the small files of a home, as far as it is compared: namespaces and their numbers, node types by name, and
//! whether a file is whole.

use std::collections::BTreeMap;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::content;
use crate::content::Item;
use crate::jcr::registry;

/// Whether a file has an end: Jackrabbit empties files and writes them anew, and a reader may come in between.
pub(super) fn is_whole(item: &Item) -> bool {
    let Some((path, bytes)) = content(item) else {
        return true;
    };
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("xml") => elements(bytes, "").is_some(),
        Some("properties") => bytes.ends_with(b"\n") || bytes.is_empty() && path != Path::new(REGISTRY),
        _ => !bytes.is_empty(),
    }
}

/// Prefixes and addresses of namespaces.
pub(super) const REGISTRY: &str = registry::PREFIXES;
/// Addresses of namespaces, and their numbers.
pub(super) const NUMBERS: &str = registry::NUMBERS;
/// The node types that were registered.
pub(super) const NODE_TYPES: &str = "repository/nodetypes/custom_nodetypes.xml";
/// The privileges that were registered.
pub(super) const PRIVILEGES: &str = "repository/privileges/custom_privileges.xml";

/// The namespaces of a registry: address by prefix, or number by address.
pub(super) fn namespaces(bytes: &[u8]) -> BTreeMap<String, String> {
    registry::entries(bytes).collect()
}

/// The definitions of node types by their names, as they are written; `None` when that makes no sense.
pub(super) fn node_types(bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    elements(bytes, "nodeType")
}

/// The definitions of privileges by their names.
pub(super) fn privileges(bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    elements(bytes, "privilege")
}

/// The elements of this name by the attribute `name` of each, as they are written; `None` when the text is not whole.
fn elements(bytes: &[u8], wanted: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut reader = Reader::from_reader(bytes);
    let (mut depth, mut is_there) = (0_u32, false);
    let mut found = BTreeMap::new();
    let mut open: Option<(String, usize, u32)> = None;
    loop {
        let before = usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        let after = usize::try_from(reader.buffer_position()).ok()?;
        let written = |from: usize| bytes.get(from..after).unwrap_or_default().to_vec();
        match event {
            Event::Start(start) => {
                depth += 1;
                is_there = true;
                if start.name().as_ref() == wanted.as_bytes() && open.is_none() {
                    open = Some((named(&start)?, before, depth));
                }
            }
            Event::Empty(start) => {
                is_there = true;
                if start.name().as_ref() == wanted.as_bytes() && open.is_none() {
                    found.insert(named(&start)?, written(before));
                }
            }
            Event::End(_) => {
                if let Some((name, from, _)) = open.take_if(|(.., at)| *at == depth) {
                    found.insert(name, written(from));
                }
                depth = depth.checked_sub(1)?;
            }
            Event::Eof => return (depth == 0 && is_there).then_some(found),
            _ => {}
        }
    }
}

fn named(start: &quick_xml::events::BytesStart<'_>) -> Option<String> {
    let name = start.try_get_attribute("name").ok()??;
    Some(String::from_utf8_lossy(&name.value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_read_as_java_writes_them() {
        let text = b"#Mon Nov 23 12:00:00 UTC 2026\n.empty.key=\nmgnl=http\\://www.magnolia.info/jcr/mgnl\n\
            two\\ words : a\\\n   b\n! no\ngr\\u00f6\\u00dfe=\\ud83d\\ude00\nlatin=\xe4\nalone\n";
        let found = namespaces(text);
        let of = |key: &str| found.get(key).map(String::as_str);
        assert_eq!(of("mgnl"), Some("http://www.magnolia.info/jcr/mgnl"));
        assert_eq!(of("two words"), Some("ab"));
        assert_eq!(of("gr\u{f6}\u{df}e"), Some("\u{1f600}"));
        assert_eq!(of("latin"), Some("\u{e4}"));
        assert_eq!(of("alone"), Some(""));
        assert_eq!(found.len(), 6);
        assert_eq!(namespaces(text).get("").map(String::as_str), Some(""));
    }

    #[test]
    fn node_types_are_known_by_name_and_by_what_is_written_of_them() {
        let text = b"<?xml version=\"1.0\"?><!-- made -->\n<nodeTypes xmlns:mgnl=\"m\">\n<nodeType name=\"mgnl:page\">\
            <supertypes><supertype>nt:base</supertype></supertypes><propertyDefinition name=\"title\"/></nodeType>\n\
            <nodeType name=\"mgnl:area\" isMixin=\"false\"/>\n</nodeTypes>\n<!-- end -->\n";
        let types = node_types(text).unwrap();
        let names: Vec<_> = types.keys().collect();
        assert_eq!(names, ["mgnl:area", "mgnl:page"]);
        assert!(types["mgnl:page"].starts_with(b"<nodeType name=\"mgnl:page\">"));
        assert!(types["mgnl:page"].ends_with(b"</nodeType>"));
        for cut in [0, 30, 100, text.len() - 30] {
            assert_eq!(node_types(&text[..cut]), None, "{cut}");
        }
    }
}
