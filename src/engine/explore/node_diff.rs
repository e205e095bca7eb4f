//! How one node differs between two sources, down to its properties.

use std::collections::BTreeMap;

use super::browse::Found;
use super::facts::Reader;
use super::index::Pages;
use super::source::{Opened, WorkspaceOpen};
use super::{Answer, Trouble, ready};
use crate::content::inside::found::{Digest, digest_of_property};
use crate::domain::explore::{
    Looked, MOST_CHARACTERS, MOST_PROPERTIES, NodeDiff, NodeDiffRequest, NodePath, PropertyChange,
    PropertyFacts, SourceAt,
};
use crate::engine::Live;
use crate::jcr::namespaces::JCR;
use crate::jcr::{Name, Node, Property, PropertyType, Value};

/// One side of the difference.
struct Side {
    seen: SourceAt,
    path: Option<NodePath>,
    open: Option<(WorkspaceOpen, Pages)>,
    node: Option<Node>,
    remark: Option<String>,
}

impl Live {
    pub(super) fn difference_of_node(&self, request: &NodeDiffRequest) -> Answer<Looked<NodeDiff>> {
        let (older, newer) = (self.source(&request.older.0)?, self.source(&request.newer.0)?);
        if request.older.1.is_none() && request.newer.1.is_none() {
            return Err(Trouble::not_there(
                "nothing can be compared: say where the node is in one of the two at least".to_owned(),
            ));
        }
        let older = ready!(self.side(&older, request.older.1.as_ref())?);
        let newer = ready!(self.side(&newer, request.newer.1.as_ref())?);
        let characters = request.characters.clamp(1, MOST_CHARACTERS);
        Ok(Looked::Ready(NodeDiff {
            properties: changes(&older, &newer, characters)?,
            remarks: [&older, &newer]
                .into_iter()
                .filter_map(|side| side.remark.clone())
                .collect(),
            older: older.seen,
            newer: newer.seen,
            older_path: older.path,
            newer_path: newer.path,
        }))
    }

    fn side(&self, source: &Opened, path: Option<&NodePath>) -> Answer<Looked<Side>> {
        let mut side = Side {
            seen: source.seen.clone(),
            path: None,
            open: None,
            node: None,
            remark: None,
        };
        let Some(path) = path else {
            return Ok(Looked::Ready(side));
        };
        let open = ready!(self.workspace(source, path)?);
        let pages = open.pages()?;
        let Found { row, path } = open.find(&pages, path)?;
        side.seen = open.seen.clone();
        match open.read(&pages, &row)? {
            Some(Ok(node)) => side.node = Some(node),
            Some(Err(error)) => side.remark = Some(format!("{path} cannot be read: {error}")),
            None => {
                side.remark = Some(match row.why_not_read() {
                    Some(why) => format!("{path} cannot be read in {}: {why}", open.seen.source.short()),
                    None => format!("{path} has no properties of its own"),
                });
            }
        }
        side.path = Some(path);
        side.open = Some((open, pages));
        Ok(Looked::Ready(side))
    }
}

/// Types as properties, and all others: by name, with what tells them from others.
fn properties(side: &Side) -> BTreeMap<(u8, String), (Property, Digest)> {
    let (Some((open, _)), Some(node)) = (&side.open, &side.node) else {
        return BTreeMap::new();
    };
    let names = open.inside.namespaces();
    let types = [
        of_names("primaryType", std::slice::from_ref(&node.primary_type), false),
        of_names("mixinTypes", &node.mixin_types, true),
    ];
    let of_types = types.into_iter().filter(|property| !property.values.is_empty());
    of_types
        .map(|property| (0, property))
        .chain(node.properties.iter().cloned().map(|property| (1, property)))
        .map(|(rank, property)| {
            let digest = digest_of_property(&property);
            ((rank, names.show(&property.name)), (property, digest))
        })
        .collect()
}

fn of_names(local: &'static str, names: &[Name], is_multiple: bool) -> Property {
    Property {
        name: Name {
            namespace: JCR.into(),
            local: local.into(),
        },
        kind: PropertyType::Name,
        is_multiple,
        values: names.iter().cloned().map(Value::Name).collect(),
        modified_count: 0,
    }
}

fn changes(older: &Side, newer: &Side, characters: u32) -> Answer<Vec<PropertyChange>> {
    let (before, now) = (properties(older), properties(newer));
    let mut keys: Vec<_> = before.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    let mut changes = Vec::new();
    for key in keys {
        let (was, is) = (before.get(key), now.get(key));
        if was.map(|(_, digest)| digest) == is.map(|(_, digest)| digest) {
            continue;
        }
        changes.push(PropertyChange {
            name: key.1.clone(),
            older: facts(older, was, &key.1, characters)?,
            newer: facts(newer, is, &key.1, characters)?,
        });
        if changes.len() == MOST_PROPERTIES {
            break;
        }
    }
    Ok(changes)
}

fn facts(
    side: &Side,
    property: Option<&(Property, Digest)>,
    name: &str,
    characters: u32,
) -> Answer<Option<PropertyFacts>> {
    let (Some((open, pages)), Some((property, _))) = (&side.open, property) else {
        return Ok(None);
    };
    let reader = Reader {
        open,
        pages,
        characters,
    };
    let names = open.inside.namespaces();
    reader.property(name.to_owned(), property, &names).map(Some)
}
