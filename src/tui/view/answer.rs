//! The first thing that the main screen says: whether Live can be brought back, to when, in how long (safety backup included,
//! as a plan says it), and when that was last proven, or which other backup was.
//! The table of backups begins on the backup that it means.

use super::backups::standing;
use super::canvas::{Piece, piece, wide};
use super::words;
use crate::domain::state::EnvironmentDetails;
use crate::domain::{Instant, measure};
use crate::tui::model::Model;
use crate::tui::theme::{Meaning, Theme};

/// The answer, in one line. None for an environment of which the backups are not known: its trouble says why.
pub fn lines(model: &Model, details: &EnvironmentDetails) -> Vec<Vec<Piece>> {
    // What is wrong with the environment itself comes before: no job may be able to begin.
    if details.summary.trouble.is_some() {
        return Vec::new();
    }
    let settings = &model.settings;
    let symbols = Theme::new(settings.theme, settings.accent, settings.ascii).symbols;
    let meant = details.to_go_back_to().map(|backup| backup.manifest.taken);
    let Some(meant) = meant.or(details.summary.newest) else {
        let words = standing(details).into_iter();
        let line = |(label, text): (&str, String)| {
            vec![
                piece(format!("{} {label}: ", symbols.warning), Meaning::Warning),
                piece(text, Meaning::Text),
            ]
        };
        return words.map(line).collect();
    };
    let room = usize::from(super::layout::main_width(model)).saturating_sub(2);
    // No head is above it that says the zone. Below it one does, where there is no room.
    let forms = [
        (Form::Full, true),
        (Form::Shorter, true),
        (Form::Shortest, true),
        (Form::WithoutAge, true),
        (Form::Shortest, false),
        (Form::WithoutAge, false),
        (Form::WithoutDay, false),
        (Form::WithoutTime, false),
    ];
    let mut said = forms
        .map(|form| said(model, details, meant, symbols.good, form))
        .into_iter();
    let fits = said.clone().find(|line| wide(line) <= room);
    fits.or_else(|| said.next_back()).into_iter().collect()
}

/// How much room there is for words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Full,
    Shorter,
    Shortest,
    /// The age of the newest backup stands in the table as well; when it was proven stands nowhere else.
    WithoutAge,
    /// Of another backup that was proven no more than what it is kept as: the table has its day.
    WithoutDay,
    /// Neither how long it takes: the backup that was proven has it beside it.
    WithoutTime,
}

fn said(
    model: &Model,
    details: &EnvironmentDetails,
    taken: Instant,
    good: &str,
    (form, with_zone): (Form, bool),
) -> Vec<Piece> {
    let now = model.now;
    let age = match words::short_age(taken, now).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    };
    let can = match form {
        Form::Full | Form::Shorter => "Live can be brought back to ",
        _ => "back to ",
    };
    let narrow = if with_zone {
        model.when().narrow(taken)
    } else {
        model.when().in_narrow_column(taken)
    };
    let to = match form {
        Form::Full => format!("{} ({age})", model.when().moment(taken)),
        Form::Shorter | Form::Shortest => format!("{narrow} ({age})"),
        _ => narrow,
    };
    let mut pieces = vec![
        piece(format!("{good} {can}"), Meaning::Good),
        piece(to, Meaning::Title),
    ];
    let Some((proven, of)) = details.last_proof() else {
        let not_yet = if form == Form::Full {
            ", not proven yet: D proves it"
        } else {
            ", not proven: D"
        };
        pieces.push(piece(not_yet, Meaning::Quiet));
        return pieces;
    };
    // It is an estimate, in however few words.
    let about = if form == Form::Full { "about " } else { "~" };
    if form != Form::WithoutTime {
        pieces.extend([
            piece(format!(" in {about}"), Meaning::Quiet),
            piece(
                measure::millis(details.until_live().unwrap_or(proven.millis)),
                Meaning::Good,
            ),
        ]);
    }
    let ago = match words::short_age(proven.at, now).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    };
    let another = match form {
        Form::Full => of.called(|at| model.when().form(at, "%Y-%m-%d")),
        Form::Shorter | Form::Shortest | Form::WithoutAge => of.called(|at| model.when().form(at, "%m-%d")),
        Form::WithoutDay | Form::WithoutTime => of.in_short().map(str::to_owned),
    };
    // A proof of another backup is none of this one.
    let said = match (another, form) {
        (None, _) => format!(", proven {ago}"),
        (Some(another), Form::Full) => format!("; proven {ago}: the {another}"),
        (Some(another), _) => format!("; {another} proven {ago}"),
    };
    pieces.push(piece(said, Meaning::Quiet));
    pieces
}
