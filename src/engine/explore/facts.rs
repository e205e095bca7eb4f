//! What a node's properties are, as answers tell it: texts are cut, binaries are looked at, references are followed.

use std::io::Read as _;

use super::Answer;
use super::index::Pages;
use super::source::WorkspaceOpen;
use crate::content::inside::media;
use crate::domain::explore::{
    BinaryFacts, BinaryPlace, MOST_PROPERTIES, MOST_VALUES, NodeFacts, NodePath, PropertyFacts, ValueFacts,
    ValueType,
};
use crate::domain::os_error::in_words;
use crate::engine::EngineError;
use crate::jcr::namespaces::Namespaces;
use crate::jcr::{Binary, Node, Property, PropertyType, Value, ids};

/// Enough bytes for so many characters, and for what a picture says of itself.
pub(super) fn bytes_for(characters: u32) -> usize {
    usize::try_from(characters)
        .unwrap_or(0)
        .saturating_mul(4)
        .max(64 * 1024)
}

/// The beginning of a text, and how long it is.
fn cut(text: &str, characters: u32) -> (String, u64) {
    let most = usize::try_from(characters).unwrap_or(usize::MAX);
    let length = text.chars().count() as u64;
    (text.chars().take(most).collect(), length)
}

/// What is known of bytes by how they begin.
pub(super) fn of_bytes(place: BinaryPlace, size: u64, bytes: &[u8], characters: u32) -> BinaryFacts {
    let seen = media::look(bytes);
    BinaryFacts {
        place,
        size: Some(size),
        media_type: seen.media_type.map(str::to_owned),
        facts: seen.facts,
        preview: seen.text.map(|text| cut(&text, characters).0),
    }
}

/// Tells what is in nodes of a workspace.
pub(super) struct Reader<'o> {
    pub(super) open: &'o WorkspaceOpen,
    pub(super) pages: &'o Pages,
    pub(super) characters: u32,
}

impl Reader<'_> {
    /// Adds what a node says of itself.
    pub(super) fn fill(&self, facts: &mut NodeFacts, node: &Node) -> Answer<()> {
        let names = self.open.inside.namespaces();
        facts.primary_type = Some(names.show(&node.primary_type));
        facts.mixin_types = node.mixin_types.iter().map(|mixin| names.show(mixin)).collect();
        facts.property_count = node.properties.len() as u64;
        let mut properties: Vec<_> = node
            .properties
            .iter()
            .map(|property| (names.show(&property.name), property))
            .collect();
        properties.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, property) in properties.into_iter().take(MOST_PROPERTIES) {
            facts.properties.push(self.property(name, property, &names)?);
        }
        Ok(())
    }

    /// What a property is.
    pub(super) fn property(
        &self,
        name: String,
        property: &Property,
        names: &Namespaces,
    ) -> Answer<PropertyFacts> {
        let values = property.values.iter().take(MOST_VALUES);
        Ok(PropertyFacts {
            name,
            kind: kind(property.kind),
            is_multiple: property.is_multiple,
            count: property.values.len() as u64,
            values: values
                .map(|value| self.value(value, names))
                .collect::<Answer<_>>()?,
        })
    }

    fn value(&self, value: &Value, names: &Namespaces) -> Answer<ValueFacts> {
        if let Value::Binary(binary) = value {
            return Ok(ValueFacts {
                text: String::new(),
                length: 0,
                target: None,
                binary: Some(self.binary(binary)?),
            });
        }
        let (text, length) = cut(&text_of(value, names), self.characters);
        let target = match value {
            Value::Reference(id) | Value::WeakReference(id) if self.pages.row(id)?.is_some() => {
                let steps = self.pages.path_of(id)?;
                steps.map(|steps| NodePath {
                    steps,
                    ..self.open.path()
                })
            }
            _ => None,
        };
        Ok(ValueFacts {
            text,
            length,
            target,
            binary: None,
        })
    }

    fn binary(&self, binary: &Binary) -> Answer<BinaryFacts> {
        let unknown = |place| BinaryFacts {
            place,
            size: None,
            media_type: None,
            facts: None,
            preview: None,
        };
        let place = match binary {
            Binary::Held(_) => BinaryPlace::Node,
            Binary::Record(id) => BinaryPlace::DataStore(id.clone()),
            Binary::Beside(id) => BinaryPlace::Workspace(id.clone()),
        };
        let (inside, workspace) = (&self.open.inside, &self.open.workspace);
        // A page does not wait until a large table was gone through; the next one knows where in it things are.
        if !inside.is_at_hand(workspace, binary) {
            return Ok(unknown(place));
        }
        let Some(found) = inside.open_binary(workspace, binary)? else {
            return Ok(unknown(place));
        };
        let mut bytes = Vec::new();
        let most = bytes_for(self.characters) as u64;
        let reading = found.bytes.take(most).read_to_end(&mut bytes);
        reading.map_err(|error| {
            EngineError::Failed(format!(
                "a binary cannot be read: {error}",
                error = in_words(&error)
            ))
        })?;
        Ok(of_bytes(place, found.size, &bytes, self.characters))
    }
}

/// A value as text; nothing for a binary.
pub(super) fn text_of(value: &Value, names: &Namespaces) -> String {
    match value {
        Value::String(text) | Value::Date(text) | Value::Uri(text) => text.clone(),
        Value::Path(kept) => names.show_path(kept),
        Value::Binary(_) => String::new(),
        Value::Long(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Boolean(is_set) => is_set.to_string(),
        Value::Name(name) => names.show(name),
        Value::Reference(id) | Value::WeakReference(id) => ids::show(id),
        Value::Decimal(number) => number.clone().unwrap_or_default(),
    }
}

fn kind(of: PropertyType) -> ValueType {
    match of {
        // A list of them is empty, and such a list is one of texts to whoever reads it.
        PropertyType::Undefined | PropertyType::String => ValueType::String,
        PropertyType::Binary => ValueType::Binary,
        PropertyType::Long => ValueType::Long,
        PropertyType::Double => ValueType::Double,
        PropertyType::Date => ValueType::Date,
        PropertyType::Boolean => ValueType::Boolean,
        PropertyType::Name => ValueType::Name,
        PropertyType::Path => ValueType::Path,
        PropertyType::Reference => ValueType::Reference,
        PropertyType::WeakReference => ValueType::WeakReference,
        PropertyType::Uri => ValueType::Uri,
        PropertyType::Decimal => ValueType::Decimal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("größer", 3), ("grö".to_owned(), 6));
        assert_eq!(cut("", 3), (String::new(), 0));
    }
}
