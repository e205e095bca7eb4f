//! What a node is: its types, properties and values, what is known of binaries, and its versions.

use super::linked::{Linked, flow};
use super::reading_words;
use crate::domain::explore::{
    BinaryFacts, BinaryPlace, Children, Kind, Line, NodeFacts, PropertyFacts, Source, Step, ValueFacts,
    ValueType, VersionList,
};
use crate::domain::{columns, measure, printable};
use crate::tui::model::Model;
use crate::tui::model::explore::{Explorer, Known};
use crate::tui::theme::{Meaning, Theme};
use crate::tui::view::canvas::{Piece, piece};
use crate::tui::view::text::Text;

/// The text of the node's column.
pub fn text(model: &Model, explorer: &Explorer, width: u16) -> Linked {
    let mut linked = Linked::new(width);
    let Some(node) = &explorer.node else {
        return linked;
    };
    let chosen = explorer.chosen().filter(|path| *path == node.path);
    match &node.facts {
        Known::Here(facts) => {
            of_facts(&mut linked, model, &explorer.source, facts);
            let ahead = explorer.ahead.as_ref().filter(|(path, _)| *path == node.path);
            // A node has properties of its own to show; of a folder nothing else is known.
            if let (Kind::Folder, Some((_, children))) = (facts.kind, ahead) {
                within(&mut linked.text, children);
            }
            versions(&mut linked, &explorer.source, &node.versions);
        }
        other => {
            linked.text.fact("path", &node.path.to_string());
            if let Some(line) = explorer.chosen_line().filter(|_| chosen.is_some()) {
                of_line(&mut linked.text, line);
            }
            linked.text.blank();
            match other {
                Known::Reading(look) => {
                    let words = format!("{}: {} %. Esc stops it.", reading_words(look), look.percent());
                    linked.text.paragraph(&words, Meaning::Quiet);
                }
                Known::Failed(why) => linked.text.paragraph(why, Meaning::Warning),
                _ if node.is_asked => linked.text.paragraph(model.still_to_come(), Meaning::Quiet),
                _ => {}
            }
        }
    }
    linked
}

/// So many lines of a folder are shown beside it: whoever wants more opens it.
const WITHIN: usize = 50;

/// What is in a folder that nobody has opened.
fn within(text: &mut Text, children: &Children) {
    text.heading(&format!("In it ({})", measure::count(children.total)));
    for line in children.lines.iter().take(WITHIN) {
        let kind = line.primary_type.as_deref().unwrap_or_else(|| line.kind.label());
        let step = Step {
            name: line.name.clone(),
            index: line.index,
        };
        let inside = match line.children {
            0 => String::new(),
            count => format!(", with {} in it", measure::count(count)),
        };
        text.fact(kind, &format!("{step}{inside}"));
    }
    let shown = children.lines.len().min(WITHIN) as u64;
    let more = children.total.saturating_sub(shown);
    if more > 0 {
        text.paragraph(&format!("and {} more", measure::count(more)), Meaning::Quiet);
    }
}

/// What the line says of it.
fn of_line(text: &mut Text, line: &Line) {
    let kind = line.primary_type.as_deref().unwrap_or_else(|| line.kind.label());
    text.fact("type", kind);
    if let Some(id) = &line.id {
        text.fact("id", id);
    }
    if line.children > 0 {
        let word = match line.kind {
            Kind::Instance => "workspaces",
            Kind::Workspace => "items",
            _ => "children",
        };
        text.fact(word, &measure::count(line.children));
    }
    if line.size > 0 {
        text.fact("size", &measure::bytes(line.size));
    }
}

fn of_facts(linked: &mut Linked, model: &Model, source: &Source, facts: &NodeFacts) {
    let settings = &model.settings;
    let symbols = Theme::new(settings.theme, settings.accent, settings.ascii).symbols;
    let text = &mut linked.text;
    text.fact("path", &facts.path.to_string());
    text.fact(
        "type",
        facts
            .primary_type
            .as_deref()
            .unwrap_or_else(|| facts.kind.label()),
    );
    if !facts.mixin_types.is_empty() {
        text.fact("mixins", &facts.mixin_types.join(", "));
    }
    if let Some(id) = &facts.id {
        text.fact("id", id);
    }
    if facts.children > 0 {
        text.fact("children", &measure::count(facts.children));
    }
    text.fact("size", &measure::bytes(facts.size));
    if let Some(modified) = facts.modified {
        text.fact("modified", &model.when().moment_exact(modified));
    }
    for remark in &facts.remarks {
        // Where a link leads is nothing to be warned of.
        if facts.kind == Kind::Link {
            text.paragraph(remark, Meaning::Text);
            continue;
        }
        let mark = [piece(format!("{} ", symbols.warning), Meaning::Warning)];
        text.marked(&mark, remark, Meaning::Warning);
    }
    if let Some(content) = &facts.content {
        text.heading("Content");
        text.paragraph(&binary_words(content), Meaning::Text);
        preview(text, "", content);
    }
    if facts.property_count > 0 {
        let count = measure::count(facts.property_count);
        text.heading(&format!("Properties ({count})"));
        for property in &facts.properties {
            of_property(linked, source, property, symbols.next);
        }
        let more = facts.property_count.saturating_sub(facts.properties.len() as u64);
        if more > 0 {
            let words = format!(
                "{} not shown",
                measure::so_many(more, "more property is", "more properties are")
            );
            linked.text.paragraph(&words, Meaning::Quiet);
        }
    }
}

/// How wide the names of properties are.
fn name_width(text: &Text) -> usize {
    (text.width() / 3).clamp(10, 24)
}

/// A property: its name, and its values beside it, each on a line of its own.
fn of_property(linked: &mut Linked, source: &Source, property: &PropertyFacts, next: &str) {
    let width = name_width(&linked.text);
    let name = printable::line(&property.name).into_owned();
    let mut mark = if columns::count(&name) < width {
        piece(columns::fill(&name, width), Meaning::Key)
    } else {
        linked.text.paragraph(&name, Meaning::Key);
        piece(" ".repeat(width), Meaning::Text)
    };
    let kind = match (property.kind, property.is_multiple) {
        (ValueType::String, false) => String::new(),
        (kind, false) => kind.label().to_owned(),
        (kind, true) => format!("{} list, {}", kind.label(), measure::count(property.count)),
    };
    if property.is_multiple {
        linked.text.line(vec![mark, piece(&kind, Meaning::Quiet)]);
        mark = piece(" ".repeat(width), Meaning::Text);
    } else if property.values.is_empty() {
        linked.text.line(vec![mark.clone(), piece(&kind, Meaning::Quiet)]);
    }
    for value in &property.values {
        let shown = if property.is_multiple { "" } else { &kind };
        of_value(linked, source, value, &[mark], shown, next);
        mark = piece(" ".repeat(width), Meaning::Text);
    }
    let more = property.count.saturating_sub(property.values.len() as u64);
    if more > 0 {
        let words = format!(
            "{} not shown",
            measure::so_many(more, "more value is", "more values are")
        );
        linked.text.marked(&[mark], &words, Meaning::Quiet);
    }
}

/// A value behind a mark, with its type where that says something.
fn of_value(
    linked: &mut Linked,
    source: &Source,
    value: &ValueFacts,
    mark: &[Piece],
    kind: &str,
    next: &str,
) {
    let indent: String = " ".repeat(crate::tui::view::canvas::wide(mark));
    let behind = [piece(indent.clone(), Meaning::Text)];
    if let Some(binary) = &value.binary {
        linked.text.marked(mark, &binary_words(binary), Meaning::Text);
        preview(&mut linked.text, &indent, binary);
        return;
    }
    let write = |text: &mut Text| {
        let mut mark = mark;
        // Line ends in a value are line ends to a reader.
        let mut lines = value.text.lines().peekable();
        while let Some(line) = lines.next() {
            let words = line
                .split_whitespace()
                .map(|word| (word.to_owned(), Meaning::Text));
            let kind = lines.peek().is_none().then(|| (kind.to_owned(), Meaning::Quiet));
            flow(text, mark, words.chain(kind));
            mark = &behind;
        }
        if value.text.is_empty() {
            let kind = (kind.to_owned(), Meaning::Quiet);
            flow(text, mark, [("empty".to_owned(), Meaning::Quiet), kind]);
        }
        if value.is_cut() {
            let words = format!("cut here: it has {} characters", measure::count(value.length));
            text.marked(&behind, &words, Meaning::Quiet);
        }
    };
    match &value.target {
        Some(target) => linked.leading(source, target, |text| {
            write(text);
            text.marked(&behind, &format!("{next} {target}"), Meaning::Information);
        }),
        None => write(&mut linked.text),
    }
}

/// What is known of bytes, in words.
pub fn binary_words(binary: &BinaryFacts) -> String {
    let size = binary
        .size
        .map_or_else(|| "bytes that are not there".to_owned(), measure::bytes);
    let place = match &binary.place {
        BinaryPlace::Node => "with the node".to_owned(),
        BinaryPlace::DataStore(id) => format!("in the data store as {id}"),
        BinaryPlace::Workspace(id) => format!("beside the nodes as {id}"),
        BinaryPlace::File => String::new(),
    };
    let facts = [binary.media_type.clone(), binary.facts.clone(), Some(place)];
    let facts = facts.into_iter().flatten().filter(|fact| !fact.is_empty());
    std::iter::once(size).chain(facts).collect::<Vec<_>>().join(", ")
}

/// How a text begins.
fn preview(text: &mut Text, indent: &str, binary: &BinaryFacts) {
    let Some(preview) = &binary.preview else {
        return;
    };
    for line in preview.lines() {
        // How far a line is indented says in YAML, JSON and XML what it belongs to.
        let further = line.chars().take_while(|c| c.is_whitespace());
        let further: usize = further.map(|c| if c == '\t' { 4 } else { 1 }).sum();
        let further = " ".repeat(further.min(text.width() / 3));
        let mark = [piece(format!("{indent}{further}"), Meaning::Text)];
        text.marked(&mark, line, Meaning::Quiet);
    }
}

fn versions(linked: &mut Linked, source: &Source, versions: &Known<VersionList>) {
    match versions {
        Known::NotYet => {}
        Known::Reading(look) => {
            let words = format!("{}: {} %", reading_words(look), look.percent());
            linked.text.heading("Versions");
            linked.text.paragraph(&words, Meaning::Quiet);
        }
        Known::Failed(why) => {
            linked.text.heading("Versions");
            linked.text.paragraph(why, Meaning::Warning);
        }
        Known::Here(versions) => {
            let count = measure::count(versions.total);
            linked.text.heading(&format!("Versions ({count})"));
            if let Some(remark) = &versions.remark {
                linked.text.paragraph(remark, Meaning::Warning);
            }
            let width = name_width(&linked.text);
            // The newest one is what somebody looks for first.
            for version in versions.versions.iter().rev() {
                linked.leading(source, &version.path, |text| {
                    let name = columns::fill(&printable::line(&version.name), width);
                    let created = version.created.as_deref().unwrap_or("no date");
                    text.marked(&[piece(name, Meaning::Information)], created, Meaning::Text);
                });
            }
        }
    }
}
