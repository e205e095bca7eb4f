//! How two sources differ: the nodes that do, and what differs in the chosen one, long texts word by word.

use std::fmt::Write as _;

use ratatui::layout::Rect;

use super::apart::apart;
use super::linked::{Linked, flow};
use super::node::binary_words;
use super::{head, is_roomy, paragraph, reading, reading_words, source_words};
use crate::domain::explore::{
    Change, DiffLine, NodeDiff, NotCompared, PropertyChange, PropertyFacts, Source, Word, by_words,
};
use crate::domain::measure;
use crate::tui::model::Model;
use crate::tui::model::explore::Known;
use crate::tui::model::explore::differences::{Changed, Differences, Summary};
use crate::tui::model::explore::marks::Mark;
use crate::tui::theme::Meaning;
use crate::tui::view::canvas::{Canvas, Piece, piece};
use crate::tui::view::layout;

/// From so many characters on a text is compared word by word.
const LONG: usize = 24;
/// How wide the word for a change is.
const CHANGE: u16 = 15;

/// The rows around the list: what is compared, how much differs, the titles, and what could not be compared.
pub fn around(differences: &Differences) -> u16 {
    3 + room_for(&remarks(differences))
}

/// What has to be known of the list as a whole, a row for each.
fn remarks(differences: &Differences) -> Vec<String> {
    let Some(summary) = &differences.summary else {
        return Vec::new();
    };
    let first = if summary.is_cut {
        Some("there are more differences than are listed; the totals count them all".to_owned())
    } else {
        summary.remarks.first().cloned()
    };
    let not_read = summary.not_read.as_ref().map(NotCompared::in_words);
    first.into_iter().chain(not_read).collect()
}

fn room_for(remarks: &[String]) -> u16 {
    u16::try_from(remarks.len()).unwrap_or(0)
}

fn columns(model: &Model, differences: &Differences) -> (Option<Rect>, Option<Rect>) {
    let area = layout::screen(model.size);
    let below = room_for(&remarks(differences));
    let body = Rect::new(
        area.x,
        area.y + 2,
        area.width,
        area.height.saturating_sub(2 + below),
    );
    if !is_roomy(model) {
        return if differences.in_node {
            (None, Some(body))
        } else {
            (Some(body), None)
        };
    }
    let list = body.width / 2;
    let second = body.x + list + 3;
    let node = Rect {
        x: second,
        width: body.right().saturating_sub(second),
        ..body
    };
    (Some(Rect { width: list, ..body }), Some(node))
}

/// Draws what differs.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, differences: &Differences, area: Rect) {
    let symbols = canvas.symbols();
    let words = |source: &Source| source_words(model, &differences.environment, source);
    let compared = [
        piece(words(&differences.older), Meaning::Title),
        piece(format!(" {} ", symbols.next), Meaning::Quiet),
        piece(words(&differences.newer), Meaning::Title),
        piece(format!(", in {}", differences.below), Meaning::Quiet),
    ];
    canvas.pieces(area.x, area.y, area.width, &compared);
    let totals = differences.summary.as_ref().map(totals);
    canvas.pieces(area.x, area.y + 1, area.width, &totals.unwrap_or_default());
    canvas.across(0, area.y + 2, area.right() + 2, Meaning::Rule);
    let (list, node) = columns(model, differences);
    let body = |rect: Rect| Rect::new(rect.x, rect.y + 1, rect.width, rect.height.saturating_sub(1));
    if let Some(rect) = list {
        head(canvas, rect, "What differs", !differences.in_node);
        draw_list(canvas, model, differences, body(rect));
    }
    if let Some(rect) = node {
        if list.is_some() {
            canvas.text(rect.x - 2, rect.y, 1, symbols.tee_down, Meaning::Rule);
            canvas.down(rect.x - 2, rect.y + 1, rect.height.saturating_sub(1));
        }
        let path = differences.node.as_ref().and_then(|node| node.line.path());
        let title = path.map_or_else(|| "Node".to_owned(), crate::domain::explore::NodePath::name);
        head(canvas, rect, &title, differences.in_node);
        let cursor = differences.node.as_ref().map(|node| node.cursor);
        let text = text(model, differences);
        text.draw(
            canvas,
            body(rect),
            cursor.unwrap_or_default(),
            differences.in_node,
        );
    }
    let remarks = remarks(differences);
    let first = area.bottom().saturating_sub(room_for(&remarks));
    for (remark, y) in remarks.into_iter().zip(first..) {
        let mark = piece(format!("{} ", symbols.warning), Meaning::Warning);
        let remark = piece(remark, Meaning::Warning);
        canvas.pieces(area.x, y, area.width, &[mark, remark]);
    }
}

fn totals(summary: &Summary) -> Vec<Piece> {
    let totals = &summary.totals;
    if totals.is_none() && summary.is_in_part {
        return vec![piece(
            "nothing differs in what could be compared",
            Meaning::Warning,
        )];
    }
    if totals.is_none() {
        return vec![piece("nothing differs", Meaning::Good)];
    }
    let counts = [
        (totals.added, Change::Added),
        (totals.known_to_have_changed(), Change::Changed),
        (totals.removed, Change::Removed),
        (totals.moved, Change::Moved),
        (totals.reordered, Change::Reordered),
    ];
    let counts = counts.map(|(count, change)| (count, change.label(), meaning_of(change)));
    // Before the others: what is in there may be gone or not.
    let unreadable = (totals.unreadable, "cannot be read", Meaning::Warning);
    let mut pieces = Vec::new();
    for (count, label, meaning) in [unreadable].into_iter().chain(counts) {
        if count == 0 {
            continue;
        }
        if !pieces.is_empty() {
            pieces.push(piece(", ", Meaning::Quiet));
        }
        pieces.push(piece(format!("{} {label}", measure::count(count)), meaning));
    }
    pieces
}

fn meaning(line: &DiffLine) -> Meaning {
    if line.is_unknown() {
        return Meaning::Warning;
    }
    meaning_of(line.change)
}

fn meaning_of(change: Change) -> Meaning {
    match change {
        Change::Added => Meaning::Added,
        Change::Removed => Meaning::Removed,
        Change::Changed | Change::MovedAndChanged | Change::Moved | Change::Reordered => Meaning::Changed,
    }
}

fn draw_list(canvas: &mut Canvas<'_>, model: &Model, differences: &Differences, area: Rect) {
    let length = match differences.lines.length() {
        Known::NotYet => {
            canvas.text(area.x, area.y, area.width, model.still_to_come(), Meaning::Quiet);
            return;
        }
        Known::Reading(look) => return reading(canvas, look, area),
        Known::Failed(why) => return paragraph(canvas, why, Meaning::Warning, area),
        Known::Here(0) => {
            let is_in_part = |summary: &&Summary| summary.is_in_part;
            let Some(summary) = differences.summary.as_ref().filter(is_in_part) else {
                let words = "Nothing differs here. Esc goes back.";
                return paragraph(canvas, words, Meaning::Good, area);
            };
            // Below the list it may be cut.
            let not_read = summary.not_read.as_ref().map(NotCompared::in_words);
            let not_read = not_read.map_or_else(|| "Not everything could.".to_owned(), |words| words + ".");
            let words = format!("Nothing differs here in what could be compared. {not_read} Esc goes back.");
            return paragraph(canvas, &words, Meaning::Warning, area);
        }
        Known::Here(length) => *length,
    };
    let cursor = differences.lines.cursor;
    let symbols = canvas.symbols();
    let rows = || (cursor.offset..length).zip(area.y..area.bottom());
    // Some of them may look alike where their names are cut.
    let beside: Vec<String> = rows()
        .filter_map(|(row, _)| Some(within(differences, differences.lines.get(row)?)))
        .collect();
    for (row, y) in rows() {
        let is_selected = row == cursor.selected;
        let selected = match (is_selected, differences.in_node) {
            (true, false) => Meaning::Selected,
            (true, true) => Meaning::SelectedElsewhere,
            (false, _) => Meaning::Text,
        };
        if is_selected {
            canvas.text(area.x, y, 1, symbols.marker, selected);
        }
        match differences.lines.get(row) {
            Some(line) => one(canvas, model, differences, (line, &beside), (selected, y), area),
            None => {
                canvas.text(area.x + 4, y, area.width - 4, symbols.more, Meaning::Quiet);
            }
        }
        if is_selected {
            canvas.select(area.x, y, area.width, !differences.in_node);
        }
    }
    if cursor.offset > 0 {
        canvas.text(area.right(), area.y, 1, symbols.up, Meaning::Key);
    }
    if length > cursor.offset + usize::from(area.height) {
        canvas.text(area.right(), area.bottom() - 1, 1, symbols.below, Meaning::Key);
    }
}

/// A node that differs: whether it is marked, what happened, and where it is below the place that is compared.
fn one(
    canvas: &mut Canvas<'_>,
    model: &Model,
    differences: &Differences,
    (line, beside): (&DiffLine, &[String]),
    (selected, y): (Meaning, u16),
    area: Rect,
) {
    let symbols = canvas.symbols();
    // What only Live has goes with what is marked around its place in the backup.
    let paths = [line.older.as_ref(), line.newer.as_ref()];
    let marked = paths.into_iter().flatten().any(|path| {
        [&differences.older, &differences.newer]
            .into_iter()
            .any(|source| {
                let mark = model.marks.mark(&differences.environment, source, path);
                matches!(mark, Mark::Marked | Mark::Within)
            })
    });
    if marked {
        canvas.text(area.x + 2, y, 1, symbols.good, Meaning::Good);
    }
    canvas.text(area.x + 4, y, CHANGE - 1, line.label(), meaning(line));
    let below = match line.below {
        // That they are not compared is said beside the list.
        below if below > 0 && line.is_unknown() => format!(", {}", measure::nodes(below)),
        _ => line.below_words(),
    };
    let x = area.x + 4 + CHANGE;
    let width = area.right().saturating_sub(x);
    let room = usize::from(width).saturating_sub(below.len());
    let others = beside.iter().map(String::as_str);
    let path = apart(&within(differences, line), others, room, symbols.more);
    canvas.pieces(
        x,
        y,
        width,
        &[piece(path, selected), piece(below, Meaning::Quiet)],
    );
}

/// Where a line is below the place that is compared: what all of them are in is said above the list.
fn within(differences: &Differences, line: &DiffLine) -> String {
    let path = line.path().map(ToString::to_string).unwrap_or_default();
    let place = differences.below.to_string();
    match path
        .strip_prefix(&place)
        .filter(|_| differences.below.workspace.is_some())
    {
        Some("") => "(the node itself)".to_owned(),
        Some(rest) => rest.trim_start_matches('/').to_owned(),
        None => path,
    }
}

/// The rows that keys go to, as texts: of the list, as far as they have been read.
pub fn rows(model: &Model, differences: &Differences) -> Vec<String> {
    if differences.in_node {
        return text(model, differences).text.plain();
    }
    let told = |row: usize| {
        differences.lines.get(row).map_or_else(String::new, |line| {
            let path = line.path().map(ToString::to_string).unwrap_or_default();
            let mut told = format!("{} {path}", line.label());
            for reason in reasons(line, differences) {
                let _ = write!(told, ", cannot be read {reason}");
            }
            told
        })
    };
    (0..differences.lines.len()).map(told).collect()
}

/// What differs in the chosen node.
pub fn text(model: &Model, differences: &Differences) -> Linked {
    let width = columns(model, differences).1.map_or(0, |rect| rect.width);
    text_of(model, differences, width)
}

/// The same in lines of a width.
pub fn text_of(model: &Model, differences: &Differences, width: u16) -> Linked {
    let mut linked = Linked::new(width);
    let Some(node) = &differences.node else {
        return linked;
    };
    moved(&mut linked, differences, node);
    if node.line.is_unknown() {
        // It was said why nothing more is known.
        return linked;
    }
    match &node.diff {
        Known::NotYet => linked.text.paragraph(model.still_to_come(), Meaning::Quiet),
        Known::Reading(look) => {
            let words = format!("{}: {} %", reading_words(look), look.percent());
            linked.text.paragraph(&words, Meaning::Quiet);
        }
        Known::Failed(why) => linked.text.paragraph(why, Meaning::Warning),
        Known::Here(diff) => properties(&mut linked, diff),
    }
    linked
}

/// What happened to it, and where it was and is.
fn moved(linked: &mut Linked, differences: &Differences, node: &Changed) {
    let line = &node.line;
    linked.text.paragraph(line.label(), meaning(line));
    let places = [
        ("was", &differences.older, line.older.as_ref()),
        ("is", &differences.newer, line.newer.as_ref()),
    ];
    for (label, source, path) in places {
        if let Some(path) = path {
            linked.leading(source, path, |text| text.fact(label, &path.to_string()));
        }
    }
    if let Some(kind) = &line.primary_type {
        linked.text.fact("type", kind);
    }
    for reason in reasons(line, differences) {
        let words = format!("It cannot be read {reason}.");
        linked.text.paragraph(&words, Meaning::Warning);
    }
    if line.is_unknown() {
        let words = "Whether anything of what is in it is gone or has changed, nobody can tell.";
        linked.text.paragraph(words, Meaning::Text);
        if line.below > 0 {
            let count = measure::nodes(line.below);
            linked.text.fact("in the other", &count);
        }
    } else if line.below > 0 {
        let count = measure::nodes(line.below);
        linked
            .text
            .fact("below it", &format!("{count}, {} with it", line.change.label()));
    }
    linked.text.blank();
}

/// Where and why it cannot be read.
fn reasons(line: &DiffLine, differences: &Differences) -> Vec<String> {
    let unreadable = line.unreadable.as_ref();
    unreadable.map_or_else(Vec::new, |why| {
        why.reasons(&differences.older, &differences.newer)
    })
}

fn properties(linked: &mut Linked, diff: &NodeDiff) {
    // Both sides may have the same to say.
    let mut remarks = diff.remarks.clone();
    remarks.dedup();
    for remark in &remarks {
        linked.text.paragraph(remark, Meaning::Warning);
    }
    if diff.properties.is_empty() && diff.remarks.is_empty() {
        let words = "Its types and properties are the same.";
        linked.text.paragraph(words, Meaning::Quiet);
    }
    for change in &diff.properties {
        linked.text.blank();
        linked.text.paragraph(&change.name, Meaning::Key);
        property(linked, change);
    }
}

fn property(linked: &mut Linked, change: &PropertyChange) {
    if let (Some(older), Some(newer)) = (&change.older, &change.newer)
        && let (Some(before), Some(after)) = (long_text(older), long_text(newer))
        && (before.chars().count() > LONG || after.chars().count() > LONG)
    {
        let words = by_words(before, after).into_iter().map(|word| match word {
            Word::Same(word) => (word.to_owned(), Meaning::Text),
            Word::Removed(word) => (marked('-', word), Meaning::Removed),
            Word::Added(word) => (marked('+', word), Meaning::Added),
        });
        flow(&mut linked.text, &[piece("  ", Meaning::Text)], words);
        return;
    }
    let mut side = |sign: &str, facts: &Option<PropertyFacts>, meaning: Meaning| {
        for value in facts.iter().flat_map(values) {
            let mark = [piece(format!("{sign} "), meaning)];
            linked.text.marked(&mark, &value, meaning);
        }
    };
    side("-", &change.older, Meaning::Removed);
    side("+", &change.newer, Meaning::Added);
}

/// A word that only one of two texts has, with a sign that says so without colour.
fn marked(sign: char, word: &str) -> String {
    format!("{sign}{}", word.trim())
}

/// The text of a property that has one.
fn long_text(facts: &PropertyFacts) -> Option<&str> {
    match facts.values.as_slice() {
        [value] if value.binary.is_none() && !facts.is_multiple => Some(&value.text),
        _ => None,
    }
}

/// The values of a property, as lines.
fn values(facts: &PropertyFacts) -> Vec<String> {
    let mut lines: Vec<String> = facts
        .values
        .iter()
        .map(|value| match &value.binary {
            Some(binary) => binary_words(binary),
            None if value.text.is_empty() => "(empty)".to_owned(),
            None if value.is_cut() => format!("{} (cut)", value.text),
            None => value.text.clone(),
        })
        .collect();
    if facts.is_multiple && facts.values.is_empty() {
        lines.push("(no values)".to_owned());
    }
    let more = facts.count.saturating_sub(facts.values.len() as u64);
    if more > 0 {
        lines.push(format!("and {} more", measure::count(more)));
    }
    lines
}
