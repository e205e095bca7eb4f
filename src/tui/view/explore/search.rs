//! Finding: what is looked for, where, how far that is, and what was found so far.

use ratatui::layout::{Position, Rect};

use super::{reading_words, source_words};
use crate::domain::explore::{By, Find, NodePath, Source};
use crate::domain::measure;
use crate::tui::model::Model;
use crate::tui::model::explore::Known;
use crate::tui::model::explore::search::{Scope, Search};
use crate::tui::theme::Meaning;
use crate::tui::view::canvas::{Canvas, piece, shorten_middle, wrap};
use crate::tui::view::field;

/// The rows around the list: what is looked for, where, how far it is; and below it the chosen one whole.
pub const AROUND: u16 = HEAD + WHOLE;
const HEAD: u16 = 4;
const WHOLE: u16 = 4;

/// Draws the search. Returns where the cursor stands while it is typed.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, search: &Search, area: Rect) -> Option<Position> {
    let symbols = canvas.symbols();
    canvas.text(area.x, area.y, 2, symbols.next, Meaning::Key);
    let input = Rect::new(area.x + 2, area.y, area.width.saturating_sub(2), 1);
    let cursor = field::draw(canvas, &search.input, input);
    let by = [
        piece("by ", Meaning::Quiet),
        piece(by_words(search.by), Meaning::Title),
        piece(" (Tab)  in ", Meaning::Quiet),
        piece(scope_words(model, search), Meaning::Title),
        piece(" (Shift-Tab)", Meaning::Quiet),
    ];
    canvas.pieces(area.x, area.y + 1, area.width, &by);
    let (words, meaning) = state(model, search);
    canvas.text(area.x, area.y + 2, area.width, &words, meaning);
    canvas.across(0, area.y + 3, area.right() + 2, Meaning::Rule);
    let list = Rect::new(
        area.x,
        area.y + HEAD,
        area.width,
        area.height.saturating_sub(HEAD + WHOLE),
    );
    finds(canvas, model, search, list);
    if let Some(find) = search.finds.selected() {
        let y = list.bottom();
        canvas.across(0, y, area.right() + 2, Meaning::Rule);
        for (line, y) in whole(find, area.width).iter().zip(y + 1..area.bottom()) {
            canvas.text(area.x, y, area.width, line, Meaning::Text);
        }
    }
    search.is_typed.then_some(cursor)
}

fn by_words(by: By) -> &'static str {
    match by {
        By::Name => "name",
        By::Path => "path",
        By::Id => "id",
        By::Text => "text in a property",
    }
}

fn scope_words(model: &Model, search: &Search) -> String {
    let place = match (&search.place.workspace, &search.place.instance) {
        (Some(workspace), Some(instance)) => format!("{workspace} of {instance}"),
        (Some(workspace), None) => workspace.clone(),
        (None, Some(instance)) => instance.to_string(),
        (None, None) => "everything".to_owned(),
    };
    let source = source_words(model, &search.environment, &search.source);
    let source = source.split(',').next().unwrap_or_default().to_owned();
    match search.scope {
        Scope::Place => format!("{place}, {source}"),
        Scope::Source => format!("all of {source}"),
        Scope::Backups => format!("{place}, every backup"),
    }
}

/// How far the search is, in a sentence.
fn state(model: &Model, search: &Search) -> (String, Meaning) {
    if let Known::Failed(why) = search.finds.length() {
        return (why.clone(), Meaning::Warning);
    }
    if search.text.is_none() {
        let words = match search.by {
            By::Text => "type, and press Enter: all of the content is read for it",
            _ => "type what to look for",
        };
        return (words.to_owned(), Meaning::Quiet);
    }
    let found = match search.finds.len() {
        0 => "nothing".to_owned(),
        count => measure::count(count as u64),
    };
    if let Some(remark) = search.remarks.first() {
        return (format!("{found} found. {remark}"), Meaning::Warning);
    }
    if let Some(look) = &search.reading {
        let words = format!(
            "{found} found so far. {}: {} %",
            reading_words(look),
            look.percent()
        );
        return (words, Meaning::Quiet);
    }
    if let (Some(not_read), true, false) = (&search.not_read, search.is_over, search.is_cut) {
        return (
            format!("{found} found. {}", not_read.in_words()),
            Meaning::Warning,
        );
    }
    match (search.finds.length(), search.is_over) {
        (Known::NotYet | Known::Reading(_), _) => (model.still_to_come().to_owned(), Meaning::Quiet),
        (_, false) => (format!("{found} found so far"), Meaning::Quiet),
        (_, true) if search.is_cut => (
            format!("{found} found, and there is more: say more of what you look for"),
            Meaning::Warning,
        ),
        // What backup a find is in, its row says by when that was taken.
        (_, true) if search.scope == Scope::Backups => (
            format!("{found} found, times in {}", model.when().zone(model.now)),
            Meaning::Text,
        ),
        (_, true) => (format!("{found} found"), Meaning::Text),
    }
}

fn finds(canvas: &mut Canvas<'_>, model: &Model, search: &Search, area: Rect) {
    let cursor = search.finds.cursor;
    let length = search.finds.len();
    let symbols = canvas.symbols();
    for (row, y) in (cursor.offset..length).zip(area.y..area.bottom()) {
        let is_selected = row == cursor.selected;
        let meaning = match (is_selected, search.is_typed) {
            (true, false) => Meaning::Selected,
            (true, true) => Meaning::SelectedElsewhere,
            (false, _) => Meaning::Text,
        };
        if is_selected {
            canvas.text(area.x, y, 1, symbols.marker, meaning);
        }
        match search.finds.get(row) {
            Some(find) => one(canvas, model, search, find, (meaning, y), area),
            None => {
                canvas.text(area.x + 2, y, area.width - 2, symbols.more, Meaning::Quiet);
            }
        }
        if is_selected {
            canvas.select(area.x, y, area.width, !search.is_typed);
        }
    }
    if cursor.offset > 0 {
        canvas.text(area.right(), area.y, 1, symbols.up, Meaning::Key);
    }
    if length > cursor.offset + usize::from(area.height) && area.height > 0 {
        canvas.text(area.right(), area.bottom() - 1, 1, symbols.below, Meaning::Key);
    }
}

fn one(
    canvas: &mut Canvas<'_>,
    model: &Model,
    search: &Search,
    find: &Find,
    (meaning, y): (Meaning, u16),
    area: Rect,
) {
    let right = if search.scope == Scope::Backups { 21 } else { 18 };
    let width = area.width.saturating_sub(2 + right + 1);
    let words = match (&find.excerpt, search.by) {
        (Some(excerpt), By::Text) => excerpt.clone(),
        _ => shown_path(&find.path, search),
    };
    let words = shorten_middle(&words, usize::from(width), canvas.symbols().more);
    canvas.text(area.x + 2, y, width, &words, meaning);
    let x = area.right() - right;
    if search.scope == Scope::Backups {
        canvas.text(x, y, right, &place_words(model, find), Meaning::Quiet);
    } else {
        let kind = find.primary_type.as_deref().unwrap_or_else(|| find.kind.label());
        canvas.text(x, y, right, kind, Meaning::Quiet);
    }
}

/// The path, as far as it is not the same for all that can be found.
fn shown_path(path: &NodePath, search: &Search) -> String {
    let is_place = search.scope != Scope::Source;
    if is_place && search.place.workspace.is_some() {
        path.within_workspace()
    } else {
        path.to_string()
    }
}

fn place_words(model: &Model, find: &Find) -> String {
    let at = model.when().in_narrow_column(find.seen.at);
    match find.seen.source {
        Source::Live => format!("{at} Live"),
        Source::Backup(_) => format!("{at} {}", find.seen.source.short()),
    }
}

/// All of the chosen one, as far as it fits in the rows below the list.
fn whole(find: &Find, width: u16) -> Vec<String> {
    let mut lines = wrap(&find.path.to_string(), usize::from(width));
    let facts = [
        find.primary_type.clone(),
        find.id.clone(),
        find.property.as_ref().map(|name| format!("in {name}")),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    lines.truncate(2);
    lines.extend(wrap(&facts.join(", "), usize::from(width)));
    lines
}
