//! Nodes as folders and files that people can read: a folder for each node, in it `properties.json` and its binaries, and the
//! folders of the nodes below it.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::archive::{About, Takes};
use super::names::Names;
use super::view::Reads;
use crate::engine::explore::facts::text_of;
use crate::jcr::namespaces::Namespaces;
use crate::jcr::xml::type_name;
use crate::jcr::{Binary, Name, Node, Property, Value, ids};

/// What is called so in every folder.
const PROPERTIES: &str = "properties.json";

/// Nodes while they are written.
pub(super) struct Readable<'n, T> {
    takes: T,
    namespaces: &'n Namespaces,
    top: String,
    /// The folders that are open, and the names that are taken in each.
    open: Vec<(PathBuf, Names)>,
}

impl<'n, T: Takes> Readable<'n, T> {
    /// `top` is what the first folder is called.
    pub(super) fn begin(takes: T, namespaces: &'n Namespaces, top: &str) -> Self {
        Self {
            takes,
            namespaces,
            top: top.to_owned(),
            open: Vec::new(),
        }
    }

    pub(super) fn end(&mut self) {
        self.open.pop();
    }

    pub(super) fn finish(self) -> T {
        self.takes
    }

    /// Begins a node. Where a binary cannot be read, the property is named.
    pub(super) fn node(
        &mut self,
        name: &Name,
        node: &Node,
        path: &str,
        reads: &dyn Reads,
    ) -> Result<(), (Option<String>, io::Error)> {
        let shown = self.namespaces.show(name);
        let folder = match self.open.last_mut() {
            Some((above, names)) => above.join(names.take(&shown, "")),
            None => PathBuf::from(&self.top),
        };
        let about = about(0o755);
        let out = |error| (None, error);
        self.takes.folder(&folder, &about).map_err(out)?;
        let mut names = Names::default();
        names.take(PROPERTIES, "");
        let mut binaries = VecDeque::new();
        let mut properties = Vec::new();
        for property in &node.properties {
            properties.push(self.property(property, &mut names, &mut binaries));
        }
        let namespaces = self.namespaces;
        let mixins: Vec<_> = node
            .mixin_types
            .iter()
            .map(|mixin| namespaces.show(mixin))
            .collect();
        let children: Vec<_> = node
            .children
            .iter()
            .map(|child| namespaces.show(&child.name))
            .collect();
        let facts = json!({
            "name": shown,
            "path": path,
            "id": ids::show(&node.id),
            "primary_type": namespaces.show(&node.primary_type),
            "mixin_types": mixins,
            "properties": properties,
            "children": children,
        });
        let mut text = format!("{facts:#}").into_bytes();
        text.push(b'\n');
        let about = self::about(0o644);
        let size = text.len() as u64;
        let file = folder.join(PROPERTIES);
        self.takes
            .file(&file, &about, size, &mut text.as_slice())
            .map_err(out)?;
        for (shown, file, binary) in binaries {
            let mut bytes = reads.sized(binary).map_err(|error| (Some(shown), error))?;
            let written = self
                .takes
                .file(&folder.join(file), &about, bytes.size, &mut bytes.bytes);
            written.map_err(out)?;
        }
        self.open.push((folder, names));
        Ok(())
    }

    /// A property as JSON; its binaries are files, which are to be written.
    fn property<'v>(
        &self,
        property: &'v Property,
        names: &mut Names,
        binaries: &mut VecDeque<(String, String, &'v Binary)>,
    ) -> Json {
        let shown = self.namespaces.show(&property.name);
        let mut values = Vec::new();
        for value in &property.values {
            values.push(match value {
                Value::Binary(binary) => {
                    let file = names.take(&shown, ".bin");
                    binaries.push_back((shown.clone(), file.clone(), binary));
                    json!({ "file": file })
                }
                Value::Long(number) => json!(number),
                Value::Boolean(is_so) => json!(is_so),
                Value::Decimal(None) => Json::Null,
                value => json!(text_of(value, self.namespaces)),
            });
        }
        let mut facts = json!({ "name": shown, "type": type_name(property.kind) });
        let value = if property.is_multiple {
            ("values", Json::Array(values))
        } else {
            ("value", values.pop().unwrap_or_default())
        };
        if let Some(facts) = facts.as_object_mut() {
            facts.insert(value.0.to_owned(), value.1);
        }
        facts
    }
}

fn about(mode: u32) -> About {
    About {
        mode,
        ..About::default()
    }
}
