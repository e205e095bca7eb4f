//! The fleet at a glance: a row for each environment of every context that is reached, the worst first.

use ratatui::layout::Rect;

use super::canvas::{Canvas, Piece, piece, shorten_middle, wrap};
use super::words;
use crate::domain::proof::DrillOutcome;
use crate::domain::state::Hold;
use crate::domain::target::Standing;
use crate::domain::{columns, measure, printable};
use crate::tui::model::Model;
use crate::tui::model::overview::{self, Overview, Row, State};
use crate::tui::theme::{Meaning, Symbols};

/// The title, with how many need a look.
pub fn title(model: &Model, overview: &Overview) -> String {
    let rows = overview::rows(model, overview);
    if rows.is_empty() && !model.fleet.is_loaded() {
        return "Fleet".to_owned();
    }
    let how_many = match overview::worrying(&rows) {
        0 => "none needs a look".to_owned(),
        1 => "1 needs a look".to_owned(),
        many => format!("{many} need a look"),
    };
    let filter = model.fleet.filter();
    let filter = if filter.is_empty() {
        String::new()
    } else {
        format!(", /{filter}")
    };
    format!(
        "Fleet: {}, {how_many}, {}{filter}",
        measure::so_many(rows.len() as u64, "environment", "environments"),
        overview.order.label()
    )
}

/// Where the columns begin, and how wide they are.
struct Columns {
    context: Option<(u16, u16)>,
    name: (u16, u16),
    state: Option<(u16, u16)>,
    age: (u16, u16),
    target: (u16, u16),
    proven: (u16, u16),
    /// Whether what is said of proof is in few words.
    briefly: bool,
    why: Option<(u16, u16)>,
}

/// What is wrong is told where it has at least so much room.
const WHY: u16 = 24;
/// Names that are longer may be shortened for what stands in words beside its sign.
const NAMES: u16 = 16;
/// How many columns age, targets and proof take, with what keeps them apart.
const MEASURED: (u16, u16) = (38, 48);
/// How many columns the state takes in words.
const STATE: u16 = 17;

impl Columns {
    /// The columns for a width, where names need so many columns. How old the newest backup is, how its targets stand, and when it was
    /// proven are there always. Then come, as long as there is room: the state in words, which has its sign before the
    /// name; all that is said of proof; and what is wrong.
    fn of(width: u16, with_contexts: bool, names: u16) -> Self {
        let context = with_contexts.then_some((4, 12));
        let name_x = if with_contexts { 17 } else { 4 };
        let briefly = width < name_x + 82;
        let measured = if briefly { MEASURED.0 } else { MEASURED.1 };
        let room = width.saturating_sub(name_x + measured);
        let has_state = room > STATE + names.min(NAMES);
        // Names get what they need, so that one reads on without looking for the row.
        let room = room.saturating_sub(if has_state { STATE } else { 0 });
        let behind = name_x + room.min(names.max(20) + 2);
        let age = if has_state { behind + STATE } else { behind };
        let why = age + 49;
        Self {
            context,
            name: (name_x, behind.saturating_sub(name_x + 1)),
            state: has_state.then_some((behind, STATE - 1)),
            age: (age, 7),
            target: (age + 9, 15),
            proven: (age + 25, if briefly { 13 } else { 23 }),
            briefly,
            why: (!briefly && why + WHY <= width).then(|| (why, width - why)),
        }
    }
}

/// Draws the rows, and below them the contexts that are not there.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, overview: &Overview, area: Rect) {
    let rows = overview::rows(model, overview);
    let with_contexts = !overview.elsewhere.is_empty();
    let names = rows
        .iter()
        .map(|row| columns::count(&row.summary.name.to_string()));
    let names = u16::try_from(names.max().unwrap_or(0)).unwrap_or(u16::MAX);
    let columns = Columns::of(area.width, with_contexts, names.min(area.width));
    let heads = [
        (columns.context, "Context"),
        (Some(columns.name), "Environment"),
        (columns.state, "State"),
        (Some(columns.target), "RPO and RTO"),
        (
            Some(columns.proven),
            if columns.briefly { "Proven" } else { "Last proven" },
        ),
        (columns.why, "Why"),
    ];
    for (place, head) in heads {
        if let Some((x, width)) = place {
            canvas.text(area.x + x, area.y, width, head, Meaning::Column);
        }
    }
    let (x, width) = columns.age;
    canvas.right(area.x + x, area.y, width, "Newest", Meaning::Column);
    if rows.is_empty() {
        let words = if model.fleet.is_loaded() {
            if model.fleet.filter().is_empty() {
                "No environment yet: `lifeboat init` writes a configuration with one."
            } else {
                "Nothing fits the filter. / changes it, Esc goes back."
            }
        } else {
            model.still_to_come()
        };
        canvas.text(area.x + 2, area.y + 1, area.width - 2, words, Meaning::Quiet);
    }
    let away = away(canvas, overview, area);
    let reason = reason(
        canvas,
        &rows,
        overview,
        &columns,
        Rect {
            height: area.height - away,
            ..area
        },
    );
    let rest = away + reason;
    let visible = usize::from(area.height.saturating_sub(1 + rest));
    // What is told of the selected row must not hide it.
    let below = (overview.cursor.selected + 1).saturating_sub(overview.cursor.offset + visible);
    let offset = overview.cursor.offset + below.min(usize::from(rest));
    let shown = rows.iter().enumerate().skip(offset).take(visible);
    for ((number, row), y) in shown.zip(area.y + 1..) {
        let selected = number == overview.cursor.selected;
        one(canvas, model, row, &columns, (area, y, selected));
    }
    let symbols = canvas.symbols();
    if offset > 0 {
        canvas.text(area.right(), area.y + 1, 1, symbols.up, Meaning::Key);
    }
    if rows.len() > offset + visible {
        canvas.text(
            area.right(),
            area.bottom() - 1 - rest,
            1,
            symbols.below,
            Meaning::Key,
        );
    }
}

/// What is wrong with the selected environment, whole, where its row has no room for that. Gives how many lines it took.
fn reason(
    canvas: &mut Canvas<'_>,
    rows: &[Row<'_>],
    overview: &Overview,
    places: &Columns,
    area: Rect,
) -> u16 {
    let why = rows.get(overview.cursor.selected).map(why).unwrap_or_default();
    let room = places.why.map_or(0, |(_, width)| usize::from(width));
    if columns::count(&printable::line(&why)) <= room {
        return 0;
    }
    let mut lines = wrap(&why, usize::from(area.width - 4));
    lines.truncate(usize::from(area.height / 4));
    let taken = u16::try_from(lines.len()).unwrap_or(0) + 1;
    let y = area.bottom() - taken;
    canvas.across(area.x, y, area.width, Meaning::Rule);
    for (line, y) in lines.iter().zip(y + 1..) {
        canvas.text(area.x + 2, y, area.width - 2, line, Meaning::Text);
    }
    taken
}

/// The contexts that have not answered, a line each at the bottom. Gives how many lines that took.
fn away(canvas: &mut Canvas<'_>, overview: &Overview, area: Rect) -> u16 {
    let mut lines = Vec::new();
    for (context, known) in &overview.elsewhere {
        match known {
            None => lines.push((format!("{context}: asked, no answer yet"), Meaning::Quiet)),
            Some(Err(why)) => lines.push((format!("{context}: {why}"), Meaning::Critical)),
            Some(Ok(_)) => {}
        }
    }
    let most = usize::from(area.height / 3);
    lines.truncate(most);
    let count = u16::try_from(lines.len()).unwrap_or(0);
    for ((words, meaning), y) in lines.iter().zip(area.bottom() - count..) {
        canvas.text(area.x + 2, y, area.width - 2, words, *meaning);
    }
    count
}

/// How bad a state is, as a sign.
fn sign(state: State, symbols: &Symbols) -> (&'static str, Meaning) {
    match state {
        State::Trouble | State::Failed | State::NotProven => (symbols.critical, Meaning::Critical),
        State::NoBackup | State::Late | State::TooSlow | State::Unmeasured => {
            (symbols.warning, Meaning::Warning)
        }
        State::Maintenance => (symbols.maintenance, Meaning::Warning),
        State::Protected => (symbols.protected, Meaning::Good),
        State::Good => (symbols.full, Meaning::Good),
        State::Unread => (symbols.more, Meaning::Quiet),
        State::NotBackedUp => (symbols.none, Meaning::Quiet),
    }
}

fn one(
    canvas: &mut Canvas<'_>,
    model: &Model,
    row: &Row<'_>,
    columns: &Columns,
    (area, y, selected): (Rect, u16, bool),
) {
    let summary = row.summary;
    let meaning = if selected {
        Meaning::Selected
    } else {
        Meaning::Text
    };
    if selected {
        canvas.text(area.x, y, 1, canvas.symbols().marker, meaning);
    }
    let (symbol, of_state) = sign(row.state, canvas.symbols());
    canvas.text(area.x + 2, y, 1, symbol, of_state);
    if let Some((x, width)) = columns.context {
        let context = row.context.unwrap_or(&model.settings.context);
        canvas.text(area.x + x, y, width, context, Meaning::Quiet);
    }
    let (x, width) = columns.name;
    let name = summary.name.to_string();
    let name = shorten_middle(&name, usize::from(width), canvas.symbols().more);
    canvas.text(area.x + x, y, width, &name, meaning);
    if let Some((x, width)) = columns.state {
        let job = summary.job.as_ref();
        let state = job.map_or_else(
            || row.state.label().to_owned(),
            |job| format!("{} runs", job.kind.label()),
        );
        let of_state = if job.is_some() {
            Meaning::Information
        } else {
            of_state
        };
        canvas.text(area.x + x, y, width, &state, of_state);
    }
    if summary.kind.is_recoverable() {
        let (x, width) = columns.age;
        let age = summary
            .newest
            .map_or_else(|| "none".to_owned(), |at| words::short_age(at, model.now));
        canvas.right(area.x + x, y, width, &age, Meaning::Text);
        let (x, width) = columns.target;
        let (words, of_target) = targets(model, row);
        canvas.text(area.x + x, y, width, &words, of_target);
        let (x, width) = columns.proven;
        let pieces = proven(model, row, columns.briefly);
        canvas.pieces(area.x + x, y, width, &pieces);
    }
    if let Some((x, width)) = columns.why {
        canvas.text(area.x + x, y, width, &why(row), Meaning::Text);
    }
    if selected {
        canvas.select(area.x, y, area.width, true);
    }
}

/// When a drill has last brought a backup back, and whether that was the newest. How long it took says less of the newest, and has
/// no room beside that.
fn proven(model: &Model, row: &Row<'_>, briefly: bool) -> Vec<Piece> {
    let summary = row.summary;
    let Some(drill) = &summary.last_proven else {
        return vec![piece("not yet", Meaning::Quiet)];
    };
    let which = match (summary.has_proven_the_newest(), briefly) {
        (true, true) => " ago".to_owned(),
        (false, true) => ", older".to_owned(),
        (true, false) => format!(" ago, in {}", measure::millis(drill.millis)),
        (false, false) => " ago, older one".to_owned(),
    };
    vec![
        piece(words::short_age(drill.at, model.now), Meaning::Text),
        piece(which, Meaning::Quiet),
    ]
}

/// How its targets stand: which is missed, and by how much. Where it has none, the schedule is what it is held to.
fn targets(model: &Model, row: &Row<'_>) -> (String, Meaning) {
    let summary = row.summary;
    let (known, unknown): (Vec<&Standing>, Vec<_>) = summary
        .targets
        .iter()
        .filter(|one| !one.met)
        .partition(|one| one.is_known());
    let words = match (row.state, summary.targets.as_slice(), known.as_slice()) {
        (State::Unread | State::Trouble, ..) => return ("not known".to_owned(), Meaning::Quiet),
        (_, [], _) if summary.late => return ("schedule missed".to_owned(), Meaning::Warning),
        (_, [], _) => return ("schedule kept".to_owned(), Meaning::Good),
        // Only of how long a restore takes can that be.
        (_, _, []) if !unknown.is_empty() => "RTO not known".to_owned(),
        (_, [one], []) => return (format!("{} {} met", one.aim.label(), one.target), Meaning::Good),
        (_, _, []) => return ("both met".to_owned(), Meaning::Good),
        (_, _, [one]) => {
            let over = one.measured(model.now);
            let over = over
                .and_then(|is| is.checked_sub(one.target.seconds()))
                .filter(|over| *over > 0);
            let by = over.map_or_else(
                || "missed".to_owned(),
                |over| format!("{} over", words::for_short(over)),
            );
            format!("{} {by}", one.aim.label())
        }
        _ => "both missed".to_owned(),
    };
    (words, Meaning::Warning)
}

/// What is behind a state, where somebody has said it.
fn why(row: &Row<'_>) -> String {
    let summary = row.summary;
    let said = |hold: Option<&Hold>| hold.and_then(|hold| hold.reason.clone());
    let missed = || summary.targets.iter().find(|target| !target.met)?.cause.clone();
    match row.state {
        State::Trouble => summary.trouble.clone(),
        State::Failed => summary.failed.clone(),
        State::Late | State::TooSlow | State::Unmeasured => missed(),
        State::Maintenance => said(summary.maintenance.as_ref()),
        State::Protected => said(summary.protection.as_ref()),
        State::NotProven => summary
            .last_drill
            .as_ref()
            .and_then(|drill| match &drill.outcome {
                DrillOutcome::Failed { why } => Some(why.clone()),
                _ => None,
            }),
        // There may be none because none could be taken.
        State::NoBackup => summary.failed.clone().or_else(missed),
        State::Unread | State::Good | State::NotBackedUp => None,
    }
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_target_and_proof_have_room_in_every_width() {
        for width in 78..240 {
            for (with_contexts, names) in [(false, 9), (false, 40), (true, 9), (true, 40)] {
                let columns = Columns::of(width, with_contexts, names);
                let proven = columns.proven;
                assert!(proven.0 + proven.1 <= width, "{width} {with_contexts} {names}");
                assert!(columns.target.0 + columns.target.1 < proven.0);
                assert!(
                    columns.name.1 >= names.min(NAMES),
                    "{width} {with_contexts} {names}"
                );
                assert!(columns.state.is_some() || with_contexts);
            }
        }
        assert!(Columns::of(160, false, 20).why.is_some());
    }
}
