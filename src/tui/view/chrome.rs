//! What frames every screen: the header, the line above the footer, and the footer with the keys that apply now.

use ratatui::layout::{Position, Rect};

use super::canvas::{Canvas, Piece, piece, shorten_middle, wide};
use super::{aside, field, layout, lists, seek, words};
use crate::domain::activity::Severity;
use crate::domain::columns;
use crate::domain::job::JobKind;
use crate::domain::settings::RepositoryChoice;
use crate::tui::action::{Action, Place, Row, TABLE};
use crate::tui::model::overview;
use crate::tui::model::screens::{Dialog, Screen};
use crate::tui::model::{Connection, Model};
use crate::tui::theme::Meaning;
use crate::tui::update::allowed;

/// The first row: what this is, on which context, and how fresh the data is.
pub fn header(canvas: &mut Canvas<'_>, model: &Model) {
    let width = model.size.width;
    let mut pieces = vec![piece(" Lifeboat ", Meaning::Title)];
    pieces.push(piece(format!(" {} ", model.settings.context), Meaning::Context));
    if model.is_demo() {
        pieces.push(piece(" ", Meaning::Text));
        pieces.push(piece(" DEMO ", Meaning::Mark));
    }
    if model.settings.read_only {
        pieces.push(piece(" ", Meaning::Text));
        pieces.push(piece(" READ-ONLY ", Meaning::Mark));
    }
    // The message about it was closed long ago: the file is as it is until somebody mends it.
    if model.wrong_configuration.is_some() && !model.locked {
        let words = format!(" {} configuration", canvas.symbols().warning);
        pieces.push(piece(words, Meaning::Warning));
    }
    let room = usize::from(width).saturating_sub(wide(&pieces) + 1);
    // The context stays readable whatever there is to say about the link.
    let states = connection(canvas, model);
    // While everything is hidden, not even that something has happened is to be seen.
    let fits = states.iter().find(|state| wide(state) <= room && !model.locked);
    let state = fits.or(states.last()).cloned().unwrap_or_default();
    let room = u16::try_from(wide(&state)).unwrap_or(width).min(width);
    canvas.pieces(0, 0, width.saturating_sub(room + 1), &pieces);
    canvas.pieces(width - room, 0, room, &state);
}

/// How the backend is reached and how old what is shown is, the longest way to say it first.
fn connection(canvas: &Canvas<'_>, model: &Model) -> Vec<Vec<Piece>> {
    let symbols = canvas.symbols();
    let from = words::data_from(model);
    match &model.connection {
        Connection::Connecting => vec![vec![
            piece(format!("{} ", symbols.empty), Meaning::Quiet),
            piece("loading ", Meaning::Quiet),
        ]],
        Connection::Failing { .. } => {
            let words = format!("{} cannot work ", symbols.critical);
            vec![vec![piece(words, Meaning::Critical)]]
        }
        Connection::Connected => {
            let dot = piece(format!("{} ", symbols.full), Meaning::Good);
            let short = vec![dot.clone(), piece("connected ", Meaning::Quiet)];
            // What is new is shown as it happens: only what nothing has been heard of for long may have changed meanwhile.
            match from.filter(|_| is_old(model)) {
                Some(from) => {
                    let words = format!("connected {} {from} ", symbols.dot);
                    vec![vec![dot, piece(words, Meaning::Quiet)], short]
                }
                None => vec![short],
            }
        }
        Connection::Lost {
            attempt, next_try, ..
        } => {
            let seconds = next_try.map(|at| (at - model.now).num_seconds());
            let next = match (attempt, seconds.filter(|seconds| *seconds > 0)) {
                (0, _) => String::new(),
                (_, Some(seconds)) => format!(", try {} in {seconds} s", attempt + 1),
                (_, None) => format!(", try {} now", attempt + 1),
            };
            let old = model.data_from.map(|at| words::age(at, model.now));
            let old = old.map_or_else(
                || "no data yet".to_owned(),
                |age| {
                    if age == "just now" {
                        "data from just now".to_owned()
                    } else {
                        format!("data {age} old")
                    }
                },
            );
            let lost = |words: &str| piece(format!("{} {words}", symbols.critical), Meaning::Critical);
            let age = piece(format!(" {} {old} ", symbols.dot), Meaning::Quiet);
            vec![
                vec![lost(&format!("disconnected{next}")), age.clone()],
                vec![lost("disconnected"), age],
                vec![lost("disconnected ")],
            ]
        }
    }
}

/// Data of which nothing has been heard for so long is old.
const OLD: chrono::Duration = chrono::Duration::minutes(10);

fn is_old(model: &Model) -> bool {
    model.data_from.is_some_and(|at| model.now - at >= OLD)
}

/// How many columns the name of an environment takes at most on the line above the footer.
const NAME: usize = 24;

/// The line above the footer: what was last said, or the newest notification that nobody has seen.
pub fn line(canvas: &mut Canvas<'_>, model: &Model) {
    let y = model.size.height - 2;
    let width = model.size.width - 2;
    let symbols = canvas.symbols();
    if let Some(line) = &model.line {
        let (symbol, meaning) = words::severity(line.severity, symbols);
        let pieces = [
            piece(format!("{symbol} "), meaning),
            piece(&line.text, urgency(line.severity)),
        ];
        canvas.pieces(1, y, width, &pieces);
        return;
    }
    if let Connection::Lost { why, .. } | Connection::Failing { why } = &model.connection {
        let pieces = [
            piece(format!("{} ", symbols.critical), Meaning::Critical),
            piece(why, Meaning::Critical),
        ];
        canvas.pieces(1, y, width, &pieces);
        return;
    }
    let Some(news) = model.newest_unseen() else {
        return;
    };
    let unseen = model
        .notifications
        .iter()
        .flatten()
        .filter(|news| !news.seen)
        .count();
    let can_be_read = Action::Notifications.row().places.contains(&model.place())
        && model.is_reached(Action::Notifications);
    let more = match unseen {
        _ if !can_be_read => String::new(),
        2.. => format!(
            " {}: {unseen} new",
            model.settings.keys.first(Action::Notifications)
        ),
        _ => format!(" {}: whole", model.settings.keys.first(Action::Notifications)),
    };
    let more_width = u16::try_from(columns::count(&more)).unwrap_or(0);
    canvas.right(1, y, width, &more, Meaning::Quiet);
    if stands_beside(model) {
        return;
    }
    let (symbol, meaning) = words::severity(news.severity, symbols);
    let at = model.when().time(news.at, model.now);
    let text = lists::named(&news.text, news.environment.as_ref());
    // A long name leaves room for what is said of it.
    let name = news.environment.as_ref().map(ToString::to_string);
    let text = match name {
        Some(name) => text.replacen(&name, &shorten_middle(&name, NAME, symbols.more), 1),
        None => text.to_owned(),
    };
    let pieces = [
        piece(format!("{symbol} "), meaning),
        piece(format!("{at} "), Meaning::Quiet),
        piece(text, urgency(news.severity)),
    ];
    canvas.pieces(1, y, width - more_width, &pieces);
}

/// Whether the newest news that nobody has seen is on the main screen already, in the pane of the news.
fn stands_beside(model: &Model) -> bool {
    let pane = layout::main(model).aside;
    model.screens.is_empty() && pane.is_some_and(|area| aside::shows_the_newest_unseen(model, area))
}

/// What failed is red as a whole: a symbol alone is easily overlooked.
fn urgency(severity: Severity) -> Meaning {
    match severity {
        Severity::Critical => Meaning::Critical,
        _ => Meaning::Text,
    }
}

/// The last row: the keys that apply now, the most useful ones first, or the filter while it is typed. Returns where
/// the cursor stands in the filter.
pub fn footer(canvas: &mut Canvas<'_>, model: &Model) -> Option<Position> {
    if let Some(cursor) = seek::footer(canvas, model) {
        return Some(cursor);
    }
    let y = model.size.height - 1;
    if let Some(input) = &model.filtering
        && model.dialog.is_none()
        && matches!(model.screens.last(), None | Some(Screen::Fleet(_)))
    {
        let found = match model.screens.last() {
            Some(Screen::Fleet(shown)) => overview::rows(model, shown).len(),
            _ => model.fleet.rows().len(),
        };
        canvas.text(1, y, 1, "/", Meaning::Key);
        let hint = if found == 0 {
            "nothing fits   Enter keep   Esc all"
        } else {
            "Enter keep   Esc all"
        };
        let taken = u16::try_from(columns::count(hint)).unwrap_or(0);
        let room = model.size.width - 3;
        let area = Rect::new(2, y, room.saturating_sub(taken + 1), 1);
        let cursor = field::draw(canvas, input, area);
        canvas.right(2, y, room, hint, Meaning::Quiet);
        return Some(cursor);
    }
    // The key of what does not apply now is dim: pressed all the same, it says why.
    // What is the same everywhere stands at the right, so that it stays in its place while the rest comes and goes.
    let rows = shown(model);
    let (mut general, local): (Vec<Shown>, Vec<Shown>) =
        rows.into_iter().partition(|shown| is_general(shown.row.action));
    // The least useful one stands leftmost: when it has to go, the others stay where they are.
    general.sort_by_key(|shown| std::cmp::Reverse(shown.row.footer));
    let mut x = 1;
    for shown in local {
        if x > 1 {
            part(canvas, x, y);
        }
        x += draw_row(canvas, model, shown, x, y) + GAP;
    }
    let width: u16 = general.iter().map(|shown| shown.width(model) + GAP).sum();
    // No gap behind the last one, and one column free at the edge.
    let begin = (model.size.width + GAP - 1).saturating_sub(width);
    let mut at = begin;
    for shown in general {
        // Where there is a wide gap before them, that parts them.
        if at > begin || (x > 1 && at < x + GAP) {
            part(canvas, at, y);
        }
        at += draw_row(canvas, model, shown, at, y) + GAP;
    }
    None
}

/// Parts what begins at a column from what stands before it.
fn part(canvas: &mut Canvas<'_>, x: u16, y: u16) {
    let line = canvas.symbols().down;
    canvas.text(x - 2, y, 1, line, Meaning::Rule);
}

fn draw_row(canvas: &mut Canvas<'_>, model: &Model, shown: Shown, x: u16, y: u16) -> u16 {
    let key = model.settings.keys.first(shown.row.action);
    // A key that wakes up or goes to sleep as one moves about costs a letter over the line, and not its word as well.
    let of_key = if shown.applies {
        Meaning::Key
    } else {
        Meaning::Quiet
    };
    let label = piece(format!(" {}", shown.label), Meaning::Text);
    canvas.pieces(x, y, shown.width(model), &[piece(&key, of_key), label])
}

/// Whether an action is about the cockpit rather than about what is on the screen.
fn is_general(action: Action) -> bool {
    matches!(
        action,
        Action::Filter
            | Action::Search
            | Action::Notifications
            | Action::Activity
            | Action::Jobs
            | Action::About
            | Action::Recovery
            | Action::Palette
            | Action::Fleet
            | Action::Contexts
            | Action::Help
            | Action::NextPane
            | Action::Back
            | Action::Quit
    )
}

/// Between two keys: a line with a blank on either side. Words of two keys would run into each other otherwise.
const GAP: u16 = 3;

/// A key in the footer.
#[derive(Clone, Copy)]
struct Shown {
    row: &'static Row,
    label: &'static str,
    /// Whether it makes sense here and now.
    applies: bool,
}

impl Shown {
    fn width(self, model: &Model) -> u16 {
        let key = columns::count(&model.settings.keys.first(self.row.action));
        u16::try_from(key + 1 + columns::count(self.label)).unwrap_or(0)
    }
}

/// What keeps its place in the footer whether it applies or not.
fn is_lasting(model: &Model, action: Action) -> bool {
    matches!(action, Action::Backup | Action::Restore | Action::Undo) || is_of_few(model, action)
}

/// Whether an action is for few of the rows that one moves over on the main screen. There it is last in the footer, and its
/// place does not come and go with the selection.
fn is_of_few(model: &Model, action: Action) -> bool {
    matches!(action, Action::Extend | Action::Delete)
        && model.place() == Place::Backups
        && model.target_details().is_some_and(|details| {
            details
                .backups
                .iter()
                .any(|backup| backup.manifest.expires.is_some())
        })
}

/// Whether the job on the screen is of a kind that replaces what is live.
fn can_have_replaced(model: &Model) -> bool {
    let job = model.chosen_job().and_then(|id| model.jobs.get(&id));
    job.is_none_or(|job| matches!(job.kind, JobKind::Restore | JobKind::Undo))
}

/// The rows of the table that go into the footer, in its order, as far as there is room: what makes sense here and now, and
/// then what does not at this moment. What never does here is left out.
fn shown(model: &Model) -> Vec<Shown> {
    let place = model.place();
    let never = |row: &Row| {
        (row.changes && model.settings.read_only)
            || (row.action == Action::BreakLive && !model.is_demo())
            // What is done with a backup is done on its page: no other page ever has one.
            || (row.changes && place == Place::Page && model.chosen_backup().is_none())
            // Only what has replaced something can be undone.
            || (row.action == Action::Undo && place == Place::Job && !can_have_replaced(model))
            || (row.action == Action::Confirm
                && model
                    .target_details()
                    .is_none_or(|details| details.replaced.is_empty()))
    };
    let mut rows: Vec<Shown> = TABLE
        .iter()
        .filter(|row| row.footer > 0 && row.places.contains(&place) && !never(row))
        .filter(|row| !is_taken_by_the_tour(model, row.action))
        .map(|row| Shown {
            row,
            label: label(model, row),
            applies: allowed::check(model, row.action).is_ok() && model.is_reached(row.action),
        })
        .filter(|shown| shown.applies || shown.row.changes)
        .collect();
    rows.sort_by_key(|shown| {
        let action = shown.row.action;
        let is_idle = !shown.applies && !is_lasting(model, action);
        (is_idle, is_of_few(model, action), shown.row.footer)
    });
    // A column free at either edge, and no gap behind the last.
    let mut room = model.size.width + GAP - 2;
    rows.retain(|shown| {
        let wanted = shown.width(model) + GAP;
        let fits = wanted <= room;
        if fits {
            room = room.saturating_sub(wanted);
        }
        fits
    });
    rows.sort_by_key(|shown| TABLE.iter().position(|other| other.action == shown.row.action));
    rows
}

/// Whether the key of an action does something else as long as one is on the path of the tour.
fn is_taken_by_the_tour(model: &Model, action: Action) -> bool {
    let keys = &model.settings.keys;
    let is_on_path = model.tour.as_ref().is_some_and(|tour| tour.on_path);
    let key = keys.keys(action).first().copied();
    is_on_path && key.is_some_and(|key| keys.action(key, Place::Tour, false).is_some())
}

/// What the key that leaves the path of the tour does once it was left.
pub const BACK_TO_THE_TOUR: &str = "back to the tour";

/// The word for an action; what Enter does in the palette is more than confirming, and forms have fields and no panes.
pub fn label(model: &Model, row: &'static Row) -> &'static str {
    match (&model.dialog, row.action) {
        (_, Action::Tour) if model.tour.as_ref().is_some_and(|tour| !tour.on_path) => BACK_TO_THE_TOUR,
        (_, Action::OtherRepository) if model.wizard_source() == RepositoryChoice::Copy => "use first",
        (_, Action::OtherRepository) => "use copy",
        (Some(Dialog::Palette(_)), Action::Accept) => "run",
        (Some(Dialog::Form(_)), Action::NextPane) => "field",
        (None, Action::NextPane) if searches(model) => "by",
        (None, Action::Accept) if searches(model) => "find",
        _ => row.label,
    }
}

/// Whether what to find inside a backup is being typed.
fn searches(model: &Model) -> bool {
    model.place() == Place::Typing && matches!(model.screens.last(), Some(Screen::Search(_)))
}

/// The moment and the age of something, as in `2026-11-23 00:17 UTC (5 h 02 min ago)`.
#[must_use]
pub fn moment_and_age(at: crate::domain::Instant, model: &Model) -> String {
    let age = words::age(at, model.now);
    let moment = model.when().moment(at);
    if age == "just now" {
        format!("{moment} (just now)")
    } else {
        format!("{moment} ({age} ago)")
    }
}
