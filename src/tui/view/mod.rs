//! How the model looks. Pure: a model and a theme give a frame, and nothing else happens.
//!
//! One file per pane or screen. All of them draw on a [`canvas::Canvas`]; longer texts are laid out as
//! [`text::Text`] first, so that `update` knows how far they can be scrolled.

mod answer;
mod aside;
mod backup_page;
mod backup_table;
mod backups;
pub mod canvas;
mod chrome;
mod contexts;
mod dialogs;
mod environments;
pub mod explore;
mod field;
mod headline;
mod help;
mod job;
mod jobs;
pub mod layout;
mod lists;
mod lock;
mod log;
mod metadata;
mod overview;
mod pages;
mod plan;
pub mod saved;
mod schedule;
pub mod seek;
mod text;
mod tour;
mod undo_plan;
mod when;
mod wizard;
mod words;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use self::canvas::{Canvas, wrap};
use self::text::Text;
use super::model::screens::Screen;
use super::model::wizard::Step;
use super::model::{Model, Pane, SMALLEST};
use super::paint::Frame;
use super::theme::{Meaning, Theme};

/// Whether a frame shows what waits for an answer. In a terminal that is too small, nobody sees it.
#[must_use]
pub fn shows_what_is_asked(model: &Model) -> bool {
    !model.is_too_small() && !model.locked
}

/// Draws the model.
#[must_use]
pub fn view(model: &Model, theme: &Theme) -> Frame {
    let area = Rect::new(0, 0, model.terminal.width, model.terminal.height);
    let mut buffer = Buffer::empty(area);
    let mut canvas = Canvas::new(&mut buffer, theme);
    let cursor = if model.is_too_small() {
        too_small(&mut canvas, area, model);
        None
    } else {
        draw(&mut canvas, model)
    };
    Frame { buffer, cursor }
}

fn draw(canvas: &mut Canvas<'_>, model: &Model) -> Option<Position> {
    chrome::header(canvas, model);
    if model.locked {
        lock::draw(canvas, model);
        return None;
    }
    tour::draw(canvas, model);
    chrome::line(canvas, model);
    let filter_cursor = chrome::footer(canvas, model);
    let screen_cursor = match model.screens.last() {
        None => {
            main(canvas, model);
            filter_cursor
        }
        Some(screen) => draw_screen(canvas, model, screen, filter_cursor).or(filter_cursor),
    };
    match &model.dialog {
        Some(dialog) => dialogs::draw(canvas, model, dialog),
        None => screen_cursor,
    }
}

fn main(canvas: &mut Canvas<'_>, model: &Model) {
    let panes = layout::main(model);
    if model.looks.zoomed {
        match model.pane {
            Pane::Environments => environments::draw(canvas, model, &panes, true),
            Pane::Backups => backups::draw(canvas, model, &panes, true),
        }
        return;
    }
    environments::draw(canvas, model, &panes, model.pane == Pane::Environments);
    backups::draw(canvas, model, &panes, model.pane == Pane::Backups);
    let symbols = canvas.symbols();
    let divide = panes.environments.right();
    canvas.text(divide, 1, 1, symbols.tee_down, Meaning::Rule);
    canvas.down(divide, 2, panes.environments.height - 1);
    let is_live = model
        .shown_details()
        .is_some_and(|details| details.summary.kind.is_recoverable());
    if is_live {
        schedule::draw(canvas, model, &panes);
        metadata::draw(canvas, model, &panes);
        canvas.text(divide, panes.schedule.y, 1, symbols.tee_right, Meaning::Rule);
        let second = panes.metadata.x - 1;
        canvas.text(second, panes.schedule.y, 1, symbols.tee_down, Meaning::Rule);
        canvas.down(
            second,
            panes.schedule.y + 1,
            panes.schedule.height.saturating_sub(1),
        );
    }
    if let Some(area) = panes.aside {
        aside::draw(canvas, model, area);
        if area.x > 0 {
            canvas.text(area.x - 1, 1, 1, symbols.tee_down, Meaning::Rule);
            canvas.down(area.x - 1, 2, area.height - 1);
        }
    }
    jobs::strip(canvas, model, &panes);
    joints(canvas, model, &panes, is_live);
}

/// Where rules meet the lines between the panes.
fn joints(canvas: &mut Canvas<'_>, model: &Model, panes: &layout::Main, is_live: bool) {
    let symbols = canvas.symbols();
    let mut lines = vec![panes.environments.right()];
    lines.extend(is_live.then(|| panes.metadata.x - 1));
    let beside = panes.aside.filter(|area| area.x > 0);
    if let Some(area) = beside {
        let line = area.x - 1;
        let rules = aside::rules(model, area);
        for y in &rules {
            canvas.joint(line, *y, symbols.tee_right);
        }
        if is_live {
            let crosses = rules.contains(&panes.schedule.y);
            let symbol = if crosses { symbols.cross } else { symbols.tee_left };
            canvas.joint(line, panes.schedule.y, symbol);
        }
        lines.push(line);
        lines.extend(aside::inner_line(model, area));
    }
    let below = panes.aside.filter(|area| area.x == 0);
    if let Some(area) = below {
        let inner = aside::inner_line(model, area);
        for line in std::mem::take(&mut lines) {
            let symbol = if inner == Some(line) {
                symbols.cross
            } else {
                symbols.tee_up
            };
            canvas.joint(line, area.y, symbol);
        }
        lines.extend(inner);
    }
    if panes.jobs.height > 0 {
        for line in lines {
            canvas.joint(line, panes.jobs.y, symbols.tee_up);
        }
    }
}

fn draw_screen(
    canvas: &mut Canvas<'_>,
    model: &Model,
    screen: &Screen,
    filter_cursor: Option<Position>,
) -> Option<Position> {
    let title = title(model, screen, canvas.symbols().more);
    canvas.titled_rule(0, 1, model.size.width, &title, true);
    let area = layout::screen(model.size);
    match screen {
        Screen::Wizard(wizard) => return wizard::draw(canvas, model, wizard, area),
        Screen::Fleet(overview) => {
            overview::draw(canvas, model, overview, area);
            return filter_cursor;
        }
        Screen::Jobs(cursor) => jobs::list(canvas, model, cursor, area),
        Screen::Activity(cursor) => lists::activity(canvas, model, cursor, area),
        Screen::Notifications(news) => lists::notifications(canvas, model, news, area),
        Screen::Job { scroll, .. } | Screen::Page { scroll, .. } => draw_text(canvas, model, area, *scroll),
        Screen::Log(log) => draw_text(canvas, model, area, log.scroll),
        Screen::Explorer(explorer) => explore::draw(canvas, model, explorer, area),
        Screen::Search(search) => return explore::draw_search(canvas, model, search, area),
        Screen::Differences(differences) => explore::draw_differences(canvas, model, differences, area),
    }
    None
}

fn draw_text(canvas: &mut Canvas<'_>, model: &Model, area: Rect, scroll: usize) {
    if let Some(text) = screen_text(model) {
        text.draw(canvas, area, scroll);
        seek::mark(canvas, model, &text, area, scroll);
    }
}

fn title(model: &Model, screen: &Screen, more: &str) -> String {
    match screen {
        Screen::Wizard(wizard) => wizard::title(model, wizard, canvas::title_room(model.size.width), more),
        Screen::Job { id, .. } => job::title(model, *id),
        Screen::Jobs(_) => list_title(model, "Jobs"),
        Screen::Log(shown) => log::title(model, shown),
        Screen::Activity(_) => list_title(model, "Activity"),
        Screen::Notifications(_) => list_title(model, "Notifications"),
        Screen::Fleet(overview) => overview::title(model, overview),
        Screen::Page { page, .. } => pages::title(page),
        Screen::Explorer(explorer) => explore::title(model, explorer),
        Screen::Search(search) => format!("Find in {}", search.environment),
        Screen::Differences(differences) => format!("What differs in {}", differences.environment),
    }
}

/// The title of a list. Where it has more than is here, that is said.
fn list_title(model: &Model, word: &str) -> String {
    match model.list_on_screen().filter(|list| model.has_more(*list)) {
        Some(list) => format!("{word}: the newest {}, more as you scroll", model.length_of(list)),
        None => word.to_owned(),
    }
}

/// The text of the screen on top, if it is one that is read and scrolled.
#[must_use]
pub fn screen_text(model: &Model) -> Option<Text> {
    let width = layout::screen(model.size).width;
    match model.screens.last()? {
        Screen::Page { page, .. } => Some(pages::text(model, page, width)),
        Screen::Job { id, .. } => Some(job::text(model, *id, width)),
        Screen::Log(shown) => Some(log::text(model, shown, width)),
        Screen::Wizard(wizard) if wizard.step == Step::Plan => Some(plan::text(model, wizard, width)),
        _ => None,
    }
}

/// Says which size is needed, in whatever room there is.
fn too_small(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    let asks = if model.asks().is_some() {
        " Something waits for an answer."
    } else {
        ""
    };
    let quit = if model.runs_jobs_itself() && model.unfinished_jobs().next().is_some() {
        " Jobs run in it, so quitting asks first, which has no room here."
    } else {
        " Ctrl-C quits."
    };
    let text = format!(
        "The cockpit needs {} columns and {} rows. This terminal has {} and {}: make it larger.{quit}{asks}",
        SMALLEST.width, SMALLEST.height, area.width, area.height
    );
    for (line, y) in wrap(&text, usize::from(area.width)).iter().zip(0..area.height) {
        canvas.text(0, y, area.width, line, Meaning::Text);
    }
}
