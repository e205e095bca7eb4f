//! What Jackrabbit's definitions say: `workspace.xml` of a workspace, and `repository.xml` of a repository. They are read as XML,
//! so that nothing is decided by words in a comment.
//!
//! Not in here: what follows from it ([`super::persistence`], [`super::repository`]).

use std::fs;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Longer ones are none.
const LONGEST: u64 = 1 << 20;
/// So deep no definition goes.
const DEEPEST: usize = 64;
/// The file by which Jackrabbit knows a workspace.
pub(super) const WORKSPACE: &str = "workspace.xml";
/// The element that says where nodes are kept.
pub(super) const MANAGER: &str = "PersistenceManager";

/// An element of a definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    elements: Vec<Element>,
    /// The text right in it, without what is before and behind it.
    text: Vec<u8>,
}

impl Element {
    /// The outermost element of a text; `None` when the text is no whole XML.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::from_reader(bytes);
        // The first of them holds what is outermost.
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) if open.len() < DEEPEST => open.push(Self::begun(&start)?),
                Event::Start(_) => return None,
                Event::Empty(start) => open.last_mut()?.elements.push(Self::begun(&start)?),
                Event::End(_) => {
                    let mut done = open.pop()?;
                    done.text = done.text.trim_ascii().to_vec();
                    open.last_mut()?.elements.push(done);
                }
                Event::Text(text) => open.last_mut()?.text.extend_from_slice(&text),
                Event::CData(text) => open.last_mut()?.text.extend_from_slice(&text),
                Event::GeneralRef(name) => {
                    let text = &mut open.last_mut()?.text;
                    text.push(b'&');
                    text.extend_from_slice(&name);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let outermost = open.pop()?;
        open.is_empty().then(|| outermost.elements.into_iter().next())?
    }

    /// The same of a file. `None` of one that is no such file, or cannot be read.
    pub(super) fn of_file(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok()?;
        if !about.is_file() || about.len() > LONGEST {
            return None;
        }
        Self::read(&fs::read(path).ok()?)
    }

    fn begun(start: &BytesStart<'_>) -> Option<Self> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let value = text(&attribute.value);
            let value =
                quick_xml::escape::unescape(&value).map_or(value.clone(), std::borrow::Cow::into_owned);
            attributes.push((text(attribute.key.as_ref()), value));
        }
        Some(Self {
            name: text(start.name().as_ref()),
            attributes,
            elements: Vec::new(),
            text: Vec::new(),
        })
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The first element of this name right in it.
    pub(super) fn element(&self, name: &str) -> Option<&Self> {
        self.elements().find(|element| element.name == name)
    }

    /// The elements right in it.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.elements.iter()
    }

    /// An attribute of it.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(key, _)| key == name)?;
        Some(value)
    }

    /// The Java class that it names, without its package. Empty where it names none.
    pub(super) fn class(&self) -> &str {
        let class = self.attribute("class").unwrap_or_default();
        class.rsplit('.').next().unwrap_or_default()
    }

    /// One of its parameters.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.params()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Its parameters: their names, and their values.
    pub(super) fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        let params = self.elements().filter(|element| element.name == "param");
        params.filter_map(|param| Some((param.attribute("name")?, param.attribute("value")?)))
    }
}

/// The definition of a workspace in its folder. `None` of a folder that is no workspace of Jackrabbit's.
pub(super) fn of_workspace(folder: &Path) -> Option<Element> {
    workspace(Element::of_file(&folder.join(WORKSPACE))?)
}

/// The same of a text.
pub(super) fn of_workspace_in(bytes: &[u8]) -> Option<Element> {
    workspace(Element::read(bytes)?)
}

fn workspace(element: Element) -> Option<Element> {
    (element.name == "Workspace" && element.element(MANAGER).is_some()).then_some(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_known_by_its_elements_and_by_nothing_in_a_comment() {
        let manager = "<PersistenceManager class=\"a.b.H2PersistenceManager\"><param name=\"url\" \
                       value=\"jdbc:h2:/a&amp;b\"/></PersistenceManager>";
        let whole =
            format!("<?xml version=\"1.0\"?>\n<!-- <a> -->\n<Workspace name=\"dam\">{manager}</Workspace>\n");
        let read = of_workspace_in(whole.as_bytes()).unwrap();
        let found = read.element(MANAGER).unwrap();
        assert_eq!(found.class(), "H2PersistenceManager");
        assert_eq!(found.param("url"), Some("jdbc:h2:/a&b"));
        let types = |name: &str| Element::read(format!("<t>\n<s>{name}</s> </t>").as_bytes()).unwrap();
        assert_eq!(types("nt:base"), types(" nt:base\n"));
        for other in ["nt:file", "nt:base&amp;", "<![CDATA[a]]>"] {
            assert_ne!(types("nt:base"), types(other));
        }
        for other in [
            format!("<page><!-- <Workspace>{manager}</Workspace> --></page>"),
            format!("<Workspace><!-- {manager} --></Workspace>"),
            format!("<Workspace>{manager}"),
            "<Workspace><PersistenceManager/></Other>".to_owned(),
            "<a>".repeat(DEEPEST * 2),
            String::new(),
        ] {
            assert_eq!(of_workspace_in(other.as_bytes()), None, "{other}");
        }
    }
}
