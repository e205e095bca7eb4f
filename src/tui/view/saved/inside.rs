//! Lists inside a backup or Live as tables: what is in a place, what was found, what differs.

use super::Table;
use crate::domain::explore::{DiffLine, Find, Line, NodePath};
use crate::tui::collecting::Rows;

/// All of a list as a table.
pub fn table(rows: &Rows) -> Table {
    match rows {
        Rows::Differences(lines) => Table {
            heads: vec!["change", "before", "after", "below_it", "type", "id"],
            rows: lines.iter().map(differs).collect(),
        },
        Rows::Children(lines) => Table {
            heads: vec!["name", "kind", "type", "id", "in_it", "bytes"],
            rows: lines.iter().map(child).collect(),
        },
        Rows::Finds(finds) => Table {
            heads: vec!["source", "path", "kind", "type", "id", "property", "excerpt"],
            rows: finds.iter().map(found).collect(),
        },
    }
}

fn differs(line: &DiffLine) -> Vec<String> {
    let path = |path: &Option<NodePath>| path.as_ref().map_or_else(String::new, ToString::to_string);
    vec![
        line.label().to_owned(),
        path(&line.older),
        path(&line.newer),
        line.below.to_string(),
        told(line.primary_type.as_ref()),
        told(line.id.as_ref()),
    ]
}

fn child(line: &Line) -> Vec<String> {
    // Siblings of one name are told apart by their number.
    let name = match line.index {
        0 | 1 => line.name.clone(),
        index => format!("{}[{index}]", line.name),
    };
    vec![
        name,
        line.kind.label().to_owned(),
        told(line.primary_type.as_ref()),
        told(line.id.as_ref()),
        line.children.to_string(),
        line.size.to_string(),
    ]
}

fn found(find: &Find) -> Vec<String> {
    vec![
        find.seen.source.to_string(),
        find.path.to_string(),
        find.kind.label().to_owned(),
        told(find.primary_type.as_ref()),
        told(find.id.as_ref()),
        told(find.property.as_ref()),
        told(find.excerpt.as_ref()),
    ]
}

fn told(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}
