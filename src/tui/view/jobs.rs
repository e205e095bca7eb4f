//! Jobs: the strip of running ones on the main screen, and the list of all.

use super::canvas::{Canvas, piece, shorten_middle, wide, wrap};
use super::headline;
use super::layout::Main;
use super::{lists, words};
use crate::domain::job::{Job, JobState};
use crate::domain::{columns, measure, printable};
use crate::tui::model::Model;
use crate::tui::model::cursor::Cursor;
use crate::tui::model::looks::ListKind;
use crate::tui::theme::Meaning;
use ratatui::layout::Rect;

/// How wide the bar of the strip is.
const BAR: usize = 8;
/// How wide the pace beside it is at most.
const PACE: u16 = 28;

/// Draws the running jobs, one line each.
pub fn strip(canvas: &mut Canvas<'_>, model: &Model, panes: &Main) {
    let area = panes.jobs;
    if area.height == 0 {
        return;
    }
    let count = model.unfinished_jobs().count();
    let visible = usize::from(area.height - 1);
    let title = if count > visible {
        format!("Running jobs, {visible} of {count} (J: all)")
    } else {
        "Running jobs".to_owned()
    };
    canvas.titled_rule(area.x, area.y, area.width, &title, false);
    for (job, y) in model.unfinished_jobs().take(visible).zip(area.y + 1..) {
        running(canvas, job, Rect::new(1, y, area.width - 2, 1));
    }
}

fn running(canvas: &mut Canvas<'_>, job: &Job, area: Rect) {
    let (symbol, meaning) = words::job_symbol(&job.state, canvas.symbols());
    canvas.text(area.x, area.y, 1, symbol, meaning);
    let (what, name_width) = if area.width < 95 {
        (job.kind.label(), 24)
    } else {
        let is_on_a_table = job
            .progress
            .as_ref()
            .is_some_and(|progress| progress.part.is_some());
        // What is left of wide lines is for names and titles.
        let width = if is_on_a_table { 40 } else { 48 } + area.width.saturating_sub(118) / 2;
        (job.title.as_str(), width)
    };
    let room = usize::from(name_width) - 3;
    let what = words::on(&job.environment, what, room, canvas.symbols().more);
    canvas.text(area.x + 2, area.y, name_width - 3, &what, Meaning::Text);
    let x = area.x + name_width;
    let width = area.width - name_width;
    let Some(progress) = &job.progress else {
        let text = job.state.waits_for().unwrap_or_else(|| "beginning".to_owned());
        canvas.text(x, area.y, width, &text, Meaning::Quiet);
        return;
    };
    if let Some(waiting) = job.state.waits_for() {
        canvas.text(x, area.y, width, &waiting, Meaning::Quiet);
        return;
    }
    if let Some(reached) = headline::sentence(job) {
        let good = canvas.symbols().good;
        let goes_on = format!("; still running: {}", progress.phase.label());
        let in_full = [
            piece(format!("{good} {reached}"), Meaning::Good),
            piece(&goes_on, Meaning::Information),
        ];
        // That it goes on must not be what is cut off.
        let in_short = job.reached_so_far().map_or("", |reached| reached.what.in_short());
        let in_short = [
            piece(format!("{good} {in_short}"), Meaning::Good),
            piece(goes_on, Meaning::Information),
        ];
        let fits = wide(&in_full) <= usize::from(width);
        canvas.pieces(x, area.y, width, if fits { &in_full } else { &in_short });
        return;
    }
    // What is counted beside it is of all instances together.
    let place = words::whereabouts(progress).map(|place| format!("now {place}"));
    let phase_width = 15.min(width);
    if let (Some(place), true) = (
        place
            .as_ref()
            .filter(|_| progress.part.is_some() && !job.cancel_asked),
        area.width < 95,
    ) {
        // There is no room for all of it: the table tells more than the phase and a bar beside its percentage.
        let room = phase_width + 1 + 8;
        let place = shorten_middle(place, usize::from(room), canvas.symbols().more);
        canvas.text(x, area.y, room, &place, Meaning::Information);
        let speed = words::pace(progress);
        canvas.text(
            x + room,
            area.y,
            width.saturating_sub(room),
            speed.trim_end(),
            Meaning::Text,
        );
        return;
    }
    let phase = if job.cancel_asked && job.past_stopping().is_none() {
        "stopping"
    } else {
        progress.phase.label()
    };
    canvas.text(x, area.y, phase_width, phase, Meaning::Information);
    let bar = words::bar(progress, BAR, canvas.symbols());
    canvas.pieces(
        x + phase_width + 1,
        area.y,
        width.saturating_sub(phase_width + 1),
        &bar,
    );
    let rest = phase_width + 1 + 8;
    let speed = words::pace(progress);
    canvas.text(
        x + rest,
        area.y,
        width.saturating_sub(rest),
        speed.trim_end(),
        Meaning::Text,
    );
    // Where it is takes what is left of the line, behind the widest pace, so that it stands still.
    let rest = rest + PACE;
    if let Some(place) = place.filter(|_| width > rest + 8) {
        let room = width - rest;
        let place = shorten_middle(&place, usize::from(room), canvas.symbols().more);
        canvas.text(x + rest, area.y, room, &place, Meaning::Quiet);
    }
}

/// Draws the list of all jobs.
pub fn list(canvas: &mut Canvas<'_>, model: &Model, cursor: &Cursor, area: Rect) {
    if model.jobs.is_empty() {
        let text = if model.jobs_loaded {
            "There has been no job yet. b on the main screen takes a backup. Esc goes back."
        } else {
            model.still_to_come()
        };
        for (line, y) in wrap(text, usize::from(area.width))
            .iter()
            .zip(area.y..area.bottom())
        {
            canvas.text(area.x, y, area.width, line, Meaning::Quiet);
        }
        return;
    }
    let jobs = model.listed_jobs();
    let columns = Columns::of(area.width, &jobs);
    let heads = lists::Heads::of(canvas, model, ListKind::Jobs);
    for (number, word, x) in [
        (Some(0), "Job".to_owned(), 2),
        (None, model.when().head("Asked"), 8),
        (Some(1), "Environment".to_owned(), columns.environment),
        (Some(2), "What".to_owned(), columns.what),
        (Some(3), "State".to_owned(), columns.state.0),
    ] {
        let head = heads.head(number, &word);
        canvas.text(area.x + x, area.y, area.width - x, &head, Meaning::Column);
    }
    let took = heads.head(Some(4), "Took");
    let (x, width) = columns.took;
    canvas.right(area.x + x, area.y, width, &took, Meaning::Column);
    if let Some(x) = columns.ended {
        canvas.text(
            area.x + x,
            area.y,
            area.width - x,
            "How it ended",
            Meaning::Column,
        );
    }
    let visible = usize::from(area.height - 1);
    let rows = jobs.into_iter().enumerate();
    for ((number, job), y) in rows.skip(cursor.offset).take(visible).zip(area.y + 1..) {
        list_row(
            canvas,
            model,
            job,
            &columns,
            Rect { y, ..area },
            number == cursor.selected,
        );
    }
}

fn list_row(
    canvas: &mut Canvas<'_>,
    model: &Model,
    job: &Job,
    columns: &Columns,
    area: Rect,
    selected: bool,
) {
    let y = area.y;
    let meaning = if selected {
        Meaning::Selected
    } else {
        Meaning::Text
    };
    if selected {
        canvas.text(area.x, y, 1, canvas.symbols().marker, meaning);
    }
    canvas.text(area.x + 2, y, 5, &job.id.to_string(), meaning);
    let created = if columns.wide {
        model.when().in_column(job.created)
    } else {
        model.when().in_narrow_column(job.created)
    };
    canvas.text(area.x + 8, y, 16, &created, Meaning::Quiet);
    let place = |from: u16, to: u16| (area.x + from, to - from - 1);
    let (x, width) = place(columns.environment, columns.what);
    // Projects may share the beginning of their names, and environments of one share more.
    let name = job.environment.to_string();
    let name = shorten_middle(&name, usize::from(width), canvas.symbols().more);
    canvas.text(x, y, width, &name, Meaning::Text);
    let (x, width) = place(columns.what, columns.state.0);
    canvas.text(x, y, width, &job.title, Meaning::Text);
    let (symbol, meaning) = words::job_symbol(&job.state, canvas.symbols());
    let state = format!("{symbol} {}", job.state.label());
    canvas.text(area.x + columns.state.0, y, columns.state.1, &state, meaning);
    let (x, width) = columns.took;
    canvas.right(area.x + x, y, width, &took(job), Meaning::Quiet);
    if let Some(x) = columns.ended {
        let (ended, meaning) = match &job.state {
            JobState::Failed { why } => (why.as_str(), Meaning::Critical),
            _ => (
                job.outcome
                    .as_ref()
                    .map_or("", |outcome| outcome.summary.as_str()),
                Meaning::Quiet,
            ),
        };
        canvas.text(area.x + x, y, area.width - x, ended, meaning);
    }
    if selected {
        canvas.select(area.x, y, area.width, true);
    }
}

/// How long a job took, once it has ended: that is the same whenever it is asked.
fn took(job: &Job) -> String {
    let took = job.ended.and_then(|ended| job.took_millis(ended));
    took.map(measure::millis).unwrap_or_default()
}

/// How it ended is told where it has at least so much room.
const ENDED: u16 = 24;

/// Where the columns of the list begin. Each is as wide as what stands in it, and what is left tells how jobs ended.
struct Columns {
    environment: u16,
    what: u16,
    /// Where the state begins, and how wide it is.
    state: (u16, u16),
    /// The same of the time it took.
    took: (u16, u16),
    ended: Option<u16>,
    wide: bool,
}

impl Columns {
    fn of(width: u16, jobs: &[&Job]) -> Self {
        let wide = width >= 95;
        let longest = |texts: &mut dyn Iterator<Item = usize>| {
            u16::try_from(texts.max().unwrap_or(0)).unwrap_or(u16::MAX)
        };
        let names = longest(
            &mut jobs
                .iter()
                .map(|job| columns::count(&job.environment.to_string())),
        );
        // Behind a sign and a blank; and the heads have a mark where the list is sorted by them.
        let states = longest(&mut jobs.iter().map(|job| job.state.label().len() + 2)).max(7);
        let times = longest(&mut jobs.iter().map(|job| took(job).len())).max(6);
        let titles = longest(
            &mut jobs
                .iter()
                .map(|job| columns::count(&printable::line(&job.title))),
        );
        let environment = if wide { 26 } else { 20 };
        // A name that is longer is cut off rather than what was done.
        let what = environment + names.clamp(13, if wide { 30 } else { 16 }) + 1;
        let room = width.saturating_sub(what + states + 1 + times);
        let state = what + room.min(titles.saturating_add(1).max(20));
        let took = state + states + 1;
        let ended = took + times + 2;
        Self {
            environment,
            what,
            state: (state, states),
            took: (took, times),
            ended: (ended + ENDED <= width).then_some(ended),
            wide,
        }
    }
}
