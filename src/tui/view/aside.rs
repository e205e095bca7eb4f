//! Where there is room to spare: the last jobs, the news, and how the backups of the environment grow.

use ratatui::layout::Rect;
use ratatui::symbols::bar;
use ratatui::widgets::Sparkline;

use super::canvas::{Canvas, piece, wrap};
use super::{lists, words};
use crate::domain::activity::Notification;
use crate::domain::backup::Backup;
use crate::domain::state::EnvironmentDetails;
use crate::domain::{columns, measure};
use crate::tui::model::Model;
use crate::tui::theme::Meaning;

/// How many rows the picture of the backups takes, with its title.
const GROWTH: u16 = 9;
/// How many jobs are shown at most.
const JOBS: usize = 8;
/// The most rows that one piece of news takes.
const LINES: usize = 3;
/// How many columns a backup has in the picture, with the gap behind it.
const BAR: usize = 3;

/// The eighths of a row, for terminals that show ASCII only.
const ASCII_BARS: bar::Set<'static> = bar::Set {
    full: "#",
    seven_eighths: "#",
    three_quarters: "=",
    five_eighths: "=",
    half: "-",
    three_eighths: "-",
    one_quarter: "_",
    one_eighth: "_",
    empty: " ",
};

/// Where its parts are, each with its rule in its first row.
struct Parts {
    jobs: Rect,
    news: Rect,
    growth: Rect,
}

impl Parts {
    /// One below the other where it is high, beside each other where it is wide.
    fn of(model: &Model, area: Rect) -> Self {
        if area.height > GROWTH + 8 {
            let jobs = u16::try_from(model.jobs.len().clamp(1, JOBS)).unwrap_or(1) + 1;
            return Self {
                jobs: Rect { height: jobs, ..area },
                news: Rect::new(area.x, area.y + jobs, area.width, area.height - jobs - GROWTH),
                growth: Rect::new(area.x, area.bottom() - GROWTH, area.width, GROWTH),
            };
        }
        let half = area.width / 2;
        let jobs = area.height / 2;
        Self {
            jobs: Rect::new(area.x, area.y, half, jobs),
            news: Rect::new(area.x, area.y + jobs, half, area.height - jobs),
            growth: Rect::new(area.x + half + 1, area.y, area.width - half - 1, area.height),
        }
    }
}

/// Draws the pane.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    let parts = Parts::of(model, area);
    recent(canvas, model, parts.jobs);
    told(canvas, model, parts.news);
    grown(canvas, model, parts.growth);
    if parts.growth.x > area.x {
        let line = parts.growth.x - 1;
        let symbols = canvas.symbols();
        canvas.text(line, area.y, 1, symbols.tee_down, Meaning::Rule);
        canvas.down(line, area.y + 1, area.height - 1);
        canvas.text(line, parts.news.y, 1, symbols.tee_left, Meaning::Rule);
    }
}

/// The rows in which a rule of the pane, but for the one at its top, meets the line on its left.
pub fn rules(model: &Model, area: Rect) -> Vec<u16> {
    let parts = Parts::of(model, area);
    let rows = [parts.news.y, parts.growth.y];
    rows.into_iter().filter(|y| *y > area.y).collect()
}

/// The column of the line inside the pane, where its parts are beside each other.
pub fn inner_line(model: &Model, area: Rect) -> Option<u16> {
    let growth = Parts::of(model, area).growth;
    (growth.x > area.x).then(|| growth.x - 1)
}

/// Whether the newest news that nobody has seen stands in the pane.
pub fn shows_the_newest_unseen(model: &Model, area: Rect) -> bool {
    let news = Parts::of(model, area).news;
    let rows = usize::from(news.height.saturating_sub(1));
    let mut taken = 0;
    for one in model.notifications.iter().flatten() {
        taken += news_lines(model, one, news.width).len().min(LINES);
        if !one.seen {
            return taken <= rows;
        }
    }
    false
}

/// The last jobs of all environments.
fn recent(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    canvas.titled_rule(area.x, area.y, area.width, "Last jobs (J: all)", false);
    let width = area.width.saturating_sub(2);
    if model.jobs.is_empty() {
        let words = if model.jobs_loaded {
            "none yet"
        } else {
            model.still_to_come()
        };
        canvas.text(area.x + 1, area.y + 1, width, words, Meaning::Quiet);
    }
    for (job, y) in model.jobs_newest_first().zip(area.y + 1..area.bottom()) {
        let (symbol, meaning) = words::job_symbol(&job.state, canvas.symbols());
        let took = job.ended.and_then(|ended| job.took_millis(ended));
        let took = took.map_or_else(|| job.state.label().to_owned(), measure::millis);
        let taken = u16::try_from(columns::count(&took)).unwrap_or(width).min(width);
        let room = usize::from(width.saturating_sub(taken + 1));
        let age = words::short_age(job.created, model.now);
        let what = words::on(
            &job.environment,
            job.kind.label(),
            room.saturating_sub(9),
            canvas.symbols().more,
        );
        let pieces = [
            piece(format!("{symbol} "), meaning),
            piece(format!("{age:>6} "), Meaning::Quiet),
            piece(what, Meaning::Text),
        ];
        canvas.pieces(area.x + 1, y, width.saturating_sub(taken + 1), &pieces);
        canvas.right(area.x + 1, y, width, &took, Meaning::Quiet);
    }
}

/// The news, each whole as far as there is room.
fn told(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    canvas.titled_rule(area.x, area.y, area.width, "News (n: all)", false);
    let mut y = area.y + 1;
    let width = area.width.saturating_sub(4);
    let news = model.notifications.as_deref().unwrap_or_default();
    if news.is_empty() {
        canvas.text(area.x + 1, y, width, "nothing new", Meaning::Quiet);
    }
    for one in news {
        let (symbol, meaning) = words::severity(one.severity, canvas.symbols());
        let lines = news_lines(model, one, area.width);
        for (number, line) in lines.iter().take(LINES).enumerate() {
            if y >= area.bottom() {
                return;
            }
            if number == 0 {
                canvas.text(area.x + 1, y, 1, symbol, meaning);
            }
            let as_new = if one.seen { Meaning::Quiet } else { Meaning::Text };
            let taken = canvas.text(area.x + 3, y, width, line, as_new);
            if number + 1 == LINES && lines.len() > LINES {
                let more = canvas.symbols().more;
                canvas.text(area.x + 3 + taken.min(width - 1), y, 1, more, Meaning::Quiet);
            }
            y += 1;
        }
    }
}

/// A piece of news in the lines of a pane of this width, however many they are.
fn news_lines(model: &Model, one: &Notification, width: u16) -> Vec<String> {
    let text = lists::named(&one.text, one.environment.as_ref());
    let at = model.when().short_time(one.at, model.now);
    wrap(&format!("{at} {text}"), usize::from(width.saturating_sub(4)))
}

/// How large each backup is, and how much each has added to the repository, the oldest first.
fn grown(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    let title = model.shown.as_ref().map_or_else(
        || "Backups over time".to_owned(),
        |name| format!("Backups of {name} over time"),
    );
    canvas.titled_rule(area.x, area.y, area.width, &title, false);
    let Some(details) = model.shown_details() else {
        return;
    };
    let backups = oldest_first(details, usize::from(area.width.saturating_sub(2)) / BAR);
    if backups.is_empty() {
        canvas.text(area.x + 1, area.y + 1, area.width - 2, "none yet", Meaning::Quiet);
        return;
    }
    let height = area.height.saturating_sub(1) / 2;
    for (number, (label, meaning, measured)) in [
        (
            "size",
            Meaning::Information,
            &(|backup: &Backup| backup.manifest.bytes()) as &dyn Fn(&Backup) -> u64,
        ),
        ("added", Meaning::Good, &|backup: &Backup| {
            backup.manifest.added_bytes
        }),
    ]
    .into_iter()
    .enumerate()
    {
        let values: Vec<u64> = backups.iter().map(|backup| measured(backup)).collect();
        let y = area.y + 1 + height * u16::try_from(number).unwrap_or(0);
        let most = values.iter().copied().max().unwrap_or(0);
        let newest = values.last().copied().unwrap_or(0);
        let pieces = [
            piece(format!("{label:<6}"), Meaning::Quiet),
            piece(measure::bytes(newest), Meaning::Text),
            piece(format!(" newest, {} most", measure::bytes(most)), Meaning::Quiet),
        ];
        canvas.pieces(area.x + 1, y, area.width - 2, &pieces);
        // Two columns each, and a gap.
        // What is little beside the largest is seen all the same: nothing at all is something else.
        let least = most.div_ceil(8 * u64::from(height.saturating_sub(1).max(1)));
        let seen = |value: u64| if value == 0 { 0 } else { value.max(least) };
        let bars = values
            .iter()
            .flat_map(|value| [Some(seen(*value)), Some(seen(*value)), None]);
        let bar_set = if canvas.symbols().is_ascii() {
            ASCII_BARS
        } else {
            bar::NINE_LEVELS
        };
        let line = Sparkline::default()
            .data(bars)
            .max(most.max(1))
            .bar_set(bar_set)
            .absent_value_symbol(" ")
            .style(canvas.theme().style(meaning));
        let place = Rect::new(area.x + 1, y + 1, area.width - 2, height.saturating_sub(1));
        canvas.widget(place, line);
    }
}

/// The newest backups of Live, as many as there is room for, the oldest of them first.
fn oldest_first(details: &EnvironmentDetails, most: usize) -> Vec<&Backup> {
    let mut backups: Vec<&Backup> = details
        .backups
        .iter()
        .filter(|backup| !backup.dated_ahead)
        .collect();
    backups.sort_by_key(|backup| std::cmp::Reverse(backup.manifest.taken));
    backups.truncate(most);
    backups.reverse();
    backups
}
