//! Exporting a node with all that is below it, as XML that Magnolia's own import takes.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{NodePath, Source, SourceAt};
use crate::domain::environment::EnvironmentName;

/// Asks for the export of a node with all that is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRequest {
    /// The environment.
    pub environment: EnvironmentName,
    /// Where the node is taken from.
    pub source: Source,
    /// The node.
    pub path: NodePath,
}

/// What an export holds, as it was found by going through all of it.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFacts {
    /// Where it is taken from, and when that was so.
    pub seen: SourceAt,
    /// The node.
    pub path: NodePath,
    /// What Magnolia calls the file.
    pub file: String,
    /// How many nodes are in it.
    pub nodes: u64,
    /// How many bytes it has. Of Live it may have become others since.
    pub bytes: u64,
    /// What is left out of it, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// The name of the file that Magnolia gives the export of a node: the workspace, and the path with dots for its slashes. Dots
/// of the path are doubled. What cannot be in the name of a file is written as a percent sign and two digits.
#[must_use]
pub fn file_name(path: &NodePath) -> String {
    let mut name = String::new();
    let workspace = path.workspace.as_deref().unwrap_or_default();
    add(&mut name, workspace, false);
    for step in &path.steps {
        name.push('.');
        add(&mut name, &step.name, true);
        if step.index > 1 {
            // Writing into memory cannot fail.
            let _ = write!(name, "[{}]", step.index);
        }
    }
    name.push_str(".xml");
    name
}

fn add(name: &mut String, part: &str, doubles_dots: bool) {
    for letter in part.chars() {
        match letter {
            '.' if doubles_dots => name.push_str(".."),
            letter if letter.is_control() || letter == '/' => {
                let _ = write!(name, "%{:02X}", u32::from(letter));
            }
            letter => name.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_called_as_magnolia_calls_it() {
        for (path, expected) in [
            ("author:/website/home/news", "website.home.news.xml"),
            ("/dam/a.b/c", "dam.a..b.c.xml"),
            ("/website/home/item[2]", "website.home.item[2].xml"),
            ("/website/a%1B%2Fb", "website.a%1B%2Fb.xml"),
            ("/..%2F..%2Fetc/x", "..%2F..%2Fetc.x.xml"),
        ] {
            assert_eq!(file_name(&path.parse().unwrap()), expected);
        }
    }
}
