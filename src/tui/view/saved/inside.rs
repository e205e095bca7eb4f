//! Lists inside a backup or Live as tables: what is in a place, what was found, what differs; and what all of them, and the texts
//! from there, are about.

use super::{Table, zoned};
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{By, DiffLine, Find, Line, NodePath, Source, SourceAt, Unreadable};
use crate::tui::collecting::{Collected, Rows};
use crate::tui::model::Model;
use crate::tui::model::explore::{Column, Explorer, Known};
use crate::tui::model::screens::Screen;
use crate::tui::question::Question;

/// What something is about, by name.
type About = Vec<(&'static str, String)>;

/// All of a list as a table.
pub fn table(collected: &Collected) -> Table {
    let table = of_rows(&collected.rows);
    Table {
        about: asked(&collected.question, &collected.seen),
        ..table
    }
}

/// What a question was about. `seen` is what was looked at for it.
fn asked(question: &Question, seen: &[SourceAt]) -> About {
    let source = |asked: &Source, name: &'static str, as_of: &'static str| {
        // Answers have the whole id, whatever the backup was called.
        let known = seen.iter().find(|seen| seen.source == *asked);
        let at = known.map_or_else(String::new, |seen| zoned(seen.at));
        [(name, asked.to_string()), (as_of, at)]
    };
    let mut about = Vec::new();
    match question {
        Question::Diff(request) => {
            about.push(of(&request.environment));
            about.extend(source(&request.older, "older", "older_as_of"));
            about.extend(source(&request.newer, "newer", "newer_as_of"));
            about.push(("within", request.below.to_string()));
        }
        Question::Children(request) => {
            about.push(of(&request.environment));
            about.extend(source(&request.source, "source", "as_of"));
            about.push(("within", request.path.to_string()));
        }
        Question::Find(request) => {
            about.push(of(&request.environment));
            about.push(("searched_for", request.text.clone()));
            let by = match request.by {
                By::Name => "name",
                By::Path => "path",
                By::Id => "id",
                By::Text => "text",
            };
            about.push(("searched_by", by.to_owned()));
            about.push(("within", request.below.to_string()));
        }
        Question::Node(_) | Question::Versions(_) | Question::History(_) | Question::NodeDiff(_) => {}
    }
    about
}

fn of(environment: &EnvironmentName) -> (&'static str, String) {
    ("environment", environment.to_string())
}

/// What the text on the screen is about, if it is one from inside a backup or Live.
pub fn about(model: &Model) -> About {
    match model.screens.last() {
        Some(Screen::Differences(shown)) => {
            let sides = shown.summary.as_ref();
            let sides = sides.map_or_else(Vec::new, |summary| {
                vec![summary.older.clone(), summary.newer.clone()]
            });
            let mut about = asked(&shown.question(0), &sides);
            let path = shown.node.as_ref().and_then(|node| node.line.path());
            about.extend(path.map(|path| ("node", path.to_string())));
            about
        }
        Some(Screen::Explorer(explorer)) => of_node(explorer),
        _ => Vec::new(),
    }
}

/// What the columns beside the tree are about: the node and where it is, or all that its history was looked for in.
fn of_node(explorer: &Explorer) -> About {
    let mut about = vec![of(&explorer.environment)];
    let Some(node) = &explorer.node else {
        return about;
    };
    about.push(("node", node.path.to_string()));
    match (explorer.column, &node.history, &node.facts) {
        (Column::History, Known::Here(history), _) => {
            let seen = history.sights.iter().rev().map(|sight| &sight.seen);
            about.extend(seen.map(|seen| ("looked_into", dated(seen))));
        }
        (Column::Node, _, Known::Here(facts)) => about.push(("source", dated(&facts.seen))),
        _ => about.push(("source", explorer.source.to_string())),
    }
    about
}

/// A source with the moment that it is of.
fn dated(seen: &SourceAt) -> String {
    format!("{}, as of {}", seen.source, zoned(seen.at))
}

fn of_rows(rows: &Rows) -> Table {
    let about = Vec::new();
    match rows {
        Rows::Differences(lines) => Table {
            about,
            heads: vec![
                "change",
                "before",
                "after",
                "below_it",
                "type",
                "id",
                "cannot_be_read_before",
                "cannot_be_read_after",
            ],
            rows: lines.iter().map(differs).collect(),
        },
        Rows::Children(lines) => Table {
            about,
            heads: vec!["name", "kind", "type", "id", "in_it", "bytes"],
            rows: lines.iter().map(child).collect(),
        },
        Rows::Finds(finds) => Table {
            about,
            heads: vec![
                "source", "path", "kind", "type", "id", "property", "excerpt", "as_of",
            ],
            rows: finds.iter().map(found).collect(),
        },
    }
}

fn differs(line: &DiffLine) -> Vec<String> {
    let path = |path: &Option<NodePath>| path.as_ref().map_or_else(String::new, ToString::to_string);
    let why = |side: fn(&Unreadable) -> Option<&String>| told(line.unreadable.as_ref().and_then(side));
    vec![
        line.label().to_owned(),
        path(&line.older),
        path(&line.newer),
        line.below.to_string(),
        told(line.primary_type.as_ref()),
        told(line.id.as_ref()),
        why(|unreadable| unreadable.older.as_ref()),
        why(|unreadable| unreadable.newer.as_ref()),
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
        zoned(find.seen.at),
    ]
}

fn told(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}
