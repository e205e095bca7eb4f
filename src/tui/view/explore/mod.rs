//! Inside a backup or Live: the tree, the node and its history beside each other where there is room, one of them where
//! there is not.
//!
//! - here: where the columns are, the breadcrumbs and the tree. `node`, `history`: the other columns.
//! - `search`, `differences`: the other two screens. `apart`: paths that are cut. `linked`: lines of which some lead somewhere.

mod apart;
mod differences;
mod history;
mod linked;
mod node;
mod search;

use ratatui::layout::Rect;

pub use self::differences::{draw as draw_differences, rows as differing};
use self::linked::Linked;
pub use self::search::draw as draw_search;
use super::canvas::{Canvas, Piece, piece, shorten, wide, wrap};
use super::layout;
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{FirstLook, Kind, Line, NodePath, Source, Step};
use crate::domain::measure;
use crate::tui::model::Model;
use crate::tui::model::explore::marks::Mark;
use crate::tui::model::explore::{Column, Explorer, Known};
use crate::tui::model::screens::Screen;
use crate::tui::theme::Meaning;

/// From this width on, in columns of the terminal, there is room for all columns of a screen.
const ROOMY: u16 = 120;
/// From this width on a line has room for the type and the size.
const WIDE_LINE: u16 = 64;

/// Where the columns of the explorer are; one of them where there is room for one.
struct Columns {
    tree: Option<Rect>,
    node: Option<Rect>,
    history: Option<Rect>,
}

/// Whether all columns of a screen are beside each other. The one that has the keys may fill the screen.
fn is_roomy(model: &Model) -> bool {
    model.size.width >= ROOMY && !model.looks.zoomed
}

/// The columns, each with its title in its first row.
fn columns(model: &Model, explorer: &Explorer) -> Columns {
    let area = layout::screen(model.size);
    let body = Rect::new(area.x, area.y + 1, area.width, area.height.saturating_sub(1));
    let only = |column| (explorer.column == column).then_some(body);
    if !is_roomy(model) {
        return Columns {
            tree: only(Column::Tree),
            node: only(Column::Node),
            history: only(Column::History),
        };
    }
    let (tree, node) = (body.width * 32 / 100, body.width * 35 / 100);
    let part = |x, width| Some(Rect::new(x, body.y, width, body.height));
    let second = body.x + tree + 3;
    let third = second + node + 3;
    Columns {
        tree: part(body.x, tree),
        node: part(second, node),
        history: part(third, body.right().saturating_sub(third)),
    }
}

/// How many rows of a list or a text are on the screen on top.
pub fn rows(model: &Model) -> usize {
    let height = layout::screen(model.size).height;
    let around = match model.screens.last() {
        Some(Screen::Explorer(explorer)) => {
            let remarks = explorer.folder.as_ref().map_or(0, |folder| folder.remarks.len());
            2 + u16::from(remarks > 0)
        }
        Some(Screen::Search(_)) => search::AROUND,
        Some(Screen::Differences(differences)) => differences::around(differences),
        _ => 0,
    };
    usize::from(height.saturating_sub(around)).max(1)
}

/// How many lines the text has that keys go to.
pub fn text_lines(model: &Model) -> usize {
    let text = match model.screens.last() {
        Some(Screen::Explorer(explorer)) => text(model, explorer),
        Some(Screen::Differences(differences)) if differences.in_node => {
            Some(differences::text(model, differences))
        }
        _ => None,
    };
    text.map_or(0, |text| text.len())
}

/// The lines of the column that keys go to, if it is one that is read, as long as they are: for a file, which is no column.
pub fn plain(model: &Model) -> Option<Vec<String>> {
    match model.screens.last() {
        Some(Screen::Explorer(explorer)) => match explorer.column {
            Column::Tree => None,
            Column::Node => Some(node::text(model, explorer, u16::MAX).text.plain()),
            Column::History => Some(history::text(model, explorer, u16::MAX).text.plain()),
        },
        Some(Screen::Differences(shown)) if shown.in_node => {
            Some(differences::text_of(model, shown, u16::MAX).text.plain())
        }
        _ => None,
    }
}

/// The text of the column that keys go to, if it is one that is read.
fn text(model: &Model, explorer: &Explorer) -> Option<Linked> {
    let columns = columns(model, explorer);
    match explorer.column {
        Column::Tree => None,
        Column::Node => Some(node::text(model, explorer, columns.node?.width)),
        Column::History => Some(history::text(model, explorer, columns.history?.width)),
    }
}

/// What the selected line of the explorer's text leads to.
pub fn link(model: &Model, explorer: &Explorer) -> Option<(Source, NodePath)> {
    let node = explorer.node.as_ref()?;
    let cursor = match explorer.column {
        Column::Tree => return None,
        Column::Node => node.facts_cursor,
        Column::History => node.history_cursor,
    };
    text(model, explorer)?.link(cursor.selected)
}

/// A source in words: Live, or a backup with the time when it was taken.
fn source_words(model: &Model, environment: &EnvironmentName, source: &Source) -> String {
    let details = model.details.get(environment);
    let backup = details.and_then(|details| {
        let mut all = details.all_backups();
        all.find(|backup| Source::from(&backup.id) == *source)
    });
    match (source, backup) {
        (Source::Live, _) => "Live".to_owned(),
        (_, None) => format!("backup {}", source.short()),
        (_, Some(backup)) => {
            format!(
                "backup {}, {}",
                source.short(),
                model.when().moment(backup.manifest.taken)
            )
        }
    }
}

/// The title: where one looks, and how much is marked there.
pub fn title(model: &Model, explorer: &Explorer) -> String {
    let source = source_words(model, &explorer.environment, &explorer.source);
    let marked = model.marks.of(&explorer.environment, &explorer.source).len();
    let marked = match marked {
        0 => String::new(),
        count => format!(", {} marked", measure::count(count as u64)),
    };
    format!("{}: {source}{marked}", explorer.environment)
}

/// Draws the explorer.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, explorer: &Explorer, area: Rect) {
    breadcrumbs(canvas, explorer, area);
    let columns = columns(model, explorer);
    let symbols = canvas.symbols();
    let remark = explorer.folder.as_ref().and_then(|folder| folder.remarks.first());
    let below = u16::from(remark.is_some());
    canvas.across(0, area.y + 1, area.right() + 2, Meaning::Rule);
    for rect in [columns.node, columns.history].into_iter().flatten() {
        if is_roomy(model) {
            canvas.text(rect.x - 2, rect.y, 1, symbols.tee_down, Meaning::Rule);
            canvas.down(rect.x - 2, rect.y + 1, rect.height - 1 - below);
        }
    }
    let body = |rect: Rect| {
        Rect::new(
            rect.x,
            rect.y + 1,
            rect.width,
            rect.height.saturating_sub(1 + below),
        )
    };
    if let Some(rect) = columns.tree {
        head(
            canvas,
            rect,
            &tree_title(explorer),
            explorer.column == Column::Tree,
        );
        tree(canvas, model, explorer, body(rect));
    }
    if let Some(rect) = columns.node {
        let name = explorer.node.as_ref().map(|node| node.path.name());
        let title = name
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "Node".to_owned());
        head(canvas, rect, &title, explorer.column == Column::Node);
        let cursor = explorer.node.as_ref().map(|node| node.facts_cursor);
        let text = node::text(model, explorer, rect.width);
        text.draw(
            canvas,
            body(rect),
            cursor.unwrap_or_default(),
            explorer.column == Column::Node,
        );
    }
    if let Some(rect) = columns.history {
        let name = explorer.node.as_ref().map(|node| node.path.name());
        let title = match name.filter(|name| !name.is_empty()) {
            // The node's own column is not beside it.
            // Its lines say when, and have no room for the zone.
            Some(name) if !is_roomy(model) => model.when().head(&format!("History of {name}")),
            _ => model.when().head("History"),
        };
        head(canvas, rect, &title, explorer.column == Column::History);
        let cursor = explorer.node.as_ref().map(|node| node.history_cursor);
        let text = history::text(model, explorer, rect.width);
        text.draw(
            canvas,
            body(rect),
            cursor.unwrap_or_default(),
            explorer.column == Column::History,
        );
    }
    if let Some(remark) = remark {
        let mark = piece(format!("{} ", symbols.warning), Meaning::Warning);
        let remark = piece(remark, Meaning::Warning);
        canvas.pieces(area.x, area.bottom() - 1, area.width, &[mark, remark]);
    }
}

/// The title of a column, on the rule that is there.
fn head(canvas: &mut Canvas<'_>, rect: Rect, title: &str, focused: bool) {
    let meaning = if focused {
        Meaning::FocusedTitle
    } else {
        Meaning::Title
    };
    let title = shorten(
        title,
        usize::from(rect.width.saturating_sub(2)),
        canvas.symbols().more,
    );
    canvas.text(rect.x, rect.y, rect.width, &format!(" {title} "), meaning);
}

/// Where one is, from the environment on. Where there is no room for all of it, the beginning is left out.
fn breadcrumbs(canvas: &mut Canvas<'_>, explorer: &Explorer, area: Rect) {
    let symbols = canvas.symbols();
    let mut names: Vec<String> = Vec::new();
    let mut path = explorer.path.clone();
    while !path.name().is_empty() {
        names.push(path.name());
        match path.parent() {
            Some(parent) => path = parent,
            None => break,
        }
    }
    let environment = explorer.environment.to_string();
    names.push(environment);
    names.reverse();
    let pieces = |from: usize| -> Vec<Piece> {
        let mut pieces = Vec::new();
        if from > 0 {
            pieces.push(piece(format!("{} ", symbols.more), Meaning::Quiet));
        }
        for (number, name) in names.iter().enumerate().skip(from) {
            if number > 0 {
                pieces.push(piece(format!("{} ", symbols.next), Meaning::Quiet));
            }
            let is_last = number + 1 == names.len();
            let meaning = if is_last { Meaning::Title } else { Meaning::Text };
            pieces.push(piece(format!("{name} "), meaning));
        }
        pieces
    };
    let fits = |from: &usize| wide(&pieces(*from)) <= usize::from(area.width);
    let from = (0..names.len()).find(fits).unwrap_or(names.len() - 1);
    canvas.pieces(area.x, area.y, area.width, &pieces(from));
}

fn tree_title(explorer: &Explorer) -> String {
    match explorer.lines.length() {
        Known::Here(length) => {
            let kind = explorer
                .folder
                .as_ref()
                .map_or("place", |folder| folder.kind.label());
            format!("In this {kind}: {}", measure::count(*length as u64))
        }
        _ => "In this place".to_owned(),
    }
}

/// The lines of a place, or why there are none.
fn tree(canvas: &mut Canvas<'_>, model: &Model, explorer: &Explorer, area: Rect) {
    match explorer.lines.length() {
        Known::NotYet => {
            canvas.text(area.x, area.y, area.width, model.still_to_come(), Meaning::Quiet);
        }
        Known::Reading(look) => reading(canvas, look, area),
        Known::Failed(why) => paragraph(canvas, why, Meaning::Warning, area),
        Known::Here(0) => {
            let words = match explorer.folder.as_ref().map(|folder| folder.kind) {
                Some(Kind::Environment) => "It has no instance.",
                Some(Kind::Instance) => "No workspace of this instance is here.",
                _ => "Nothing is in it.",
            };
            canvas.text(area.x, area.y, area.width, words, Meaning::Quiet);
        }
        Known::Here(length) => lines(canvas, model, explorer, *length, area),
    }
}

fn lines(canvas: &mut Canvas<'_>, model: &Model, explorer: &Explorer, length: usize, area: Rect) {
    let cursor = explorer.lines.cursor;
    let symbols = canvas.symbols();
    let shown = (cursor.offset..length).zip(area.y..area.bottom());
    for (row, y) in shown {
        let is_selected = row == cursor.selected && explorer.sought.is_none();
        let meaning = match (is_selected, explorer.column == Column::Tree) {
            (true, true) => Meaning::Selected,
            (true, false) => Meaning::SelectedElsewhere,
            (false, _) => Meaning::Text,
        };
        if is_selected {
            canvas.text(area.x, y, 1, symbols.marker, meaning);
        }
        match explorer.lines.get(row) {
            Some(line) => one_line(canvas, model, explorer, line, (meaning, y), area),
            // Its page is on the way: the list is as long as it is all the same.
            None => {
                canvas.text(area.x + 4, y, area.width - 4, symbols.more, Meaning::Quiet);
            }
        }
        if is_selected {
            canvas.select(area.x, y, area.width, explorer.column == Column::Tree);
        }
    }
    let height = usize::from(area.height);
    if cursor.offset > 0 {
        canvas.text(area.right(), area.y, 1, symbols.up, Meaning::Key);
    }
    if length > cursor.offset + height {
        canvas.text(area.right(), area.bottom() - 1, 1, symbols.below, Meaning::Key);
    }
}

/// One line: whether it is marked, its name, and what else there is room for.
fn one_line(
    canvas: &mut Canvas<'_>,
    model: &Model,
    explorer: &Explorer,
    line: &Line,
    (meaning, y): (Meaning, u16),
    area: Rect,
) {
    let symbols = canvas.symbols();
    let step = Step {
        name: line.name.clone(),
        index: line.index,
    };
    if line.kind != Kind::Instance {
        let path = explorer.path.child(step.clone());
        let (mark, colour) = match model.marks.mark(&explorer.environment, &explorer.source, &path) {
            Mark::None => (" ", Meaning::Text),
            Mark::Marked => (symbols.good, Meaning::Good),
            Mark::Within => (symbols.good, Meaning::Quiet),
            Mark::Inside => (symbols.none, Meaning::Good),
        };
        canvas.text(area.x + 2, y, 1, mark, colour);
    }
    let (count, colour) = match line.kind {
        Kind::Unreadable => (line.kind.label().to_owned(), Meaning::Critical),
        Kind::Missing => (line.kind.label().to_owned(), Meaning::Warning),
        Kind::Link => (line.kind.label().to_owned(), Meaning::Quiet),
        Kind::File if line.children > 0 => (
            format!("{} {}", measure::bytes(line.size), symbols.next),
            Meaning::Quiet,
        ),
        Kind::File => (measure::bytes(line.size), Meaning::Quiet),
        _ if line.children > 0 => (
            format!("{} {}", measure::count(line.children), symbols.next),
            Meaning::Quiet,
        ),
        _ => (String::new(), Meaning::Quiet),
    };
    let is_wide = area.width >= WIDE_LINE;
    // The names get what is left.
    let right = if is_wide { 19 + 10 + 12 } else { 10 };
    let name_width = area.width.saturating_sub(4 + right + 1);
    canvas.text(area.x + 4, y, name_width, &step.to_string(), meaning);
    if is_wide {
        let x = area.right() - right;
        let kind = line.primary_type.as_deref().unwrap_or_else(|| line.kind.label());
        canvas.text(x, y, 18, kind, Meaning::Quiet);
        let has_size = !matches!(line.kind, Kind::File | Kind::Missing | Kind::Link);
        if has_size && line.size > 0 {
            canvas.right(x + 19, y, 9, &measure::bytes(line.size), Meaning::Quiet);
        }
        canvas.right(x + 29, y, 12, &count, colour);
    } else {
        canvas.right(area.right() - right, y, right, &count, colour);
    }
}

/// How far a first reading is.
fn reading(canvas: &mut Canvas<'_>, look: &FirstLook, area: Rect) {
    if !look.comparing && look.total > 0 && look.done >= look.total {
        let words = "All that this needs has been read: a moment more. Esc goes back.";
        return paragraph(canvas, words, Meaning::Text, area);
    }
    let symbols = canvas.symbols();
    let mut y = area.y;
    for line in wrap(&reading_words(look), usize::from(area.width)) {
        canvas.text(area.x, y, area.width, &line, Meaning::Text);
        y += 1;
    }
    let width = area.width.saturating_sub(6).min(40);
    let percent = u16::try_from(look.percent()).unwrap_or(0);
    let done = usize::from(percent * width / 100);
    let bar = [
        piece(symbols.bar_done.repeat(done), Meaning::BarDone),
        piece(
            symbols.bar_left.repeat(usize::from(width) - done),
            Meaning::BarLeft,
        ),
        piece(format!(" {percent} %"), Meaning::Text),
    ];
    canvas.pieces(area.x, y + 1, area.width, &bar);
    let read = if look.comparing && look.total == 0 {
        "begun".to_owned()
    } else if look.comparing {
        let done = measure::count(look.done.min(look.total));
        format!("{done} of {} looked at", measure::nodes(look.total))
    } else if look.total == 0 {
        format!("{} read", measure::bytes(look.done))
    } else {
        format!("{} of {}", measure::bytes(look.done), measure::bytes(look.total))
    };
    let facts = format!("{read}{}", others_words(look));
    canvas.text(area.x, y + 2, area.width, &facts, Meaning::Quiet);
    let rest = Rect::new(area.x, y + 4, area.width, area.bottom().saturating_sub(y + 4));
    paragraph(
        canvas,
        "Esc stops it. What has been read once opens at once from then on.",
        Meaning::Quiet,
        rest,
    );
}

/// What is to be read after it, if anything is.
fn others_words(look: &FirstLook) -> String {
    match look.others {
        0 => String::new(),
        count if look.comparing => {
            format!(
                ", then {}",
                measure::so_many(count, "more workspace", "more workspaces")
            )
        }
        count => format!(", then {} more to read", measure::count(count)),
    }
}

/// What is read for the first time.
fn reading_words(look: &FirstLook) -> String {
    if look.comparing {
        return match look.workspace.as_str() {
            "" => "Comparing".to_owned(),
            workspace => format!("Comparing {workspace} of {}", look.instance),
        };
    }
    let source = match &look.source {
        Source::Live => "Live".to_owned(),
        Source::Backup(_) => format!("backup {}", look.source.short()),
    };
    format!(
        "Reading {} of {} in {source} for the first time",
        look.workspace, look.instance
    )
}

/// A paragraph in an area.
fn paragraph(canvas: &mut Canvas<'_>, text: &str, meaning: Meaning, area: Rect) {
    for (line, y) in wrap(text, usize::from(area.width))
        .iter()
        .zip(area.y..area.bottom())
    {
        canvas.text(area.x, y, area.width, line, meaning);
    }
}
