//! The help: the table of actions, grouped by what they are for, and what the symbols mean. In two columns where there is
//! room.

use super::canvas::piece;
use super::environments::MARKED;
use super::text::Text;
use crate::domain::columns;
use crate::tui::action::{Action, Place, Row, TABLE};
use crate::tui::model::Model;
use crate::tui::theme::{Meaning, Symbols, Theme};

/// From this width on the help has two columns.
const TWO_COLUMNS: u16 = 132;
/// Between them.
const GAP: u16 = 3;
/// How wide the keys of an action are at least, without the blank behind them.
const KEYS: usize = 13;

/// The text of the help.
pub(super) fn text(model: &Model, width: u16) -> Text {
    if width < TWO_COLUMNS {
        let mut text = Text::new(width);
        for group in groups(model, width) {
            text.append(group);
        }
        return text;
    }
    let column = (width - GAP) / 2;
    let groups = groups(model, column);
    let lines: usize = groups.iter().map(Text::len).sum();
    let (mut left, mut right) = (Text::new(column), Text::new(column));
    for group in groups {
        // The left column is filled first, and no group is torn apart.
        if right.len() == 0 && left.len() + group.len() / 2 <= lines / 2 {
            left.append(group);
        } else {
            right.append(group);
        }
    }
    Text::beside(left, right, usize::from(GAP))
}

/// What an action is for.
fn heading(row: &Row) -> &'static str {
    const ON_LISTS: [Place; 5] = [Place::Job, Place::Jobs, Place::Log, Place::List, Place::Fleet];
    const INSIDE: [Place; 5] = [
        Place::Tree,
        Place::Node,
        Place::History,
        Place::Found,
        Place::Differences,
    ];
    let only = |places: &[Place]| row.places.iter().all(|place| places.contains(place));
    let on_main = row.places.contains(&Place::Backups) || row.places.contains(&Place::Environments);
    if row.action.moves() {
        "Moving about"
    } else if only(&[Place::Choose, Place::Scope, Place::Plan]) {
        "In the restore wizard"
    } else if only(&INSIDE) {
        "Inside a backup or Live"
    } else if only(&ON_LISTS) {
        "On jobs and lists"
    } else if row.changes && on_main {
        "On the main screen: each asks first"
    } else if on_main && (!row.places.contains(&Place::Log) || row.action == Action::Check) {
        "Look closer"
    } else if matches!(
        row.action,
        Action::Notifications | Action::Activity | Action::Jobs | Action::Recovery | Action::Help
    ) {
        "Other screens"
    } else if only(&[
        Place::Question,
        Place::Grave,
        Place::Contexts,
        Place::Notice,
        Place::Typing,
    ]) {
        "In dialogs"
    } else {
        "The cockpit itself"
    }
}

/// The groups, that of the screen one comes from first: what can be done there is what one looks for.
fn groups(model: &Model, width: u16) -> Vec<Text> {
    const ORDER: [&str; 9] = [
        "On the main screen: each asks first",
        "Look closer",
        "Other screens",
        "Moving about",
        "On jobs and lists",
        "In the restore wizard",
        "Inside a backup or Live",
        "In dialogs",
        "The cockpit itself",
    ];
    let behind = model.place_behind_pages();
    let is_main = matches!(behind, Place::Environments | Place::Backups);
    let mut order = ORDER;
    if !is_main {
        let here = |name: &&str| {
            let rows = TABLE.iter().filter(|row| heading(row) == *name);
            rows.clone().count() > 0 && rows.clone().all(|row| !row.action.moves()) && {
                let of_here = rows.clone().filter(|row| row.places.contains(&behind)).count();
                of_here * 2 >= rows.count()
            }
        };
        let general = |name: &&str| matches!(*name, "Other screens" | "The cockpit itself");
        order.sort_by_key(|name| !here(name) || general(name));
    }
    let mut groups: Vec<Text> = order
        .iter()
        .filter_map(|name| {
            let rows: Vec<&Row> = TABLE
                .iter()
                .filter(|row| heading(row) == *name)
                .filter(|row| model.is_demo() || row.action != Action::BreakLive)
                .filter(|row| model.tour.is_some() || !row.action.is_of_tour())
                .collect();
            (!rows.is_empty()).then(|| group(model, name, &rows, width))
        })
        .collect();
    let settings = &model.settings;
    let drawn_with = Theme::new(settings.theme, settings.accent, settings.ascii).symbols;
    groups.insert(groups.len().min(3), symbols(drawn_with, width));
    groups
}

fn group(model: &Model, heading: &str, rows: &[&Row], width: u16) -> Text {
    let mut text = Text::new(width);
    text.heading(heading);
    // Keys of one's own may be many, and some have three anyway.
    let keys = rows
        .iter()
        .map(|row| columns::count(&model.settings.keys.all(row.action)));
    let keys = keys.max().unwrap_or(0).clamp(KEYS, 24) + 1;
    for row in rows {
        let mut words = row.help.to_owned();
        if row.changes && model.settings.read_only {
            words.push_str(" (not in this read-only context)");
        }
        let mark = [
            piece(
                columns::fill(&model.settings.keys.all(row.action), keys),
                Meaning::Key,
            ),
            piece(format!("{:<16}", row.label), Meaning::Title),
        ];
        text.marked(&mark, &words, Meaning::Text);
    }
    text
}

/// What each symbol means that something is told by.
fn legend(symbols: &Symbols) -> [(&'static str, Meaning, &'static str); 18] {
    [
        (
            symbols.full,
            Meaning::Good,
            "of an environment: it has a good backup, and none is overdue; of the link: connected",
        ),
        (symbols.running, Meaning::Information, "a job is running"),
        (
            symbols.warning,
            Meaning::Warning,
            "a scheduled backup is overdue; something to look at soon; above: the configuration's file cannot be used, K says why",
        ),
        (
            symbols.critical,
            Meaning::Critical,
            "the last job failed, or something is wrong: i says what",
        ),
        (symbols.information, Meaning::Information, "good to know"),
        (
            symbols.empty,
            Meaning::Quiet,
            "nothing yet: no backup, not verified, an instance not asked, a job that waits",
        ),
        (
            symbols.none,
            Meaning::Quiet,
            "nothing to come: UAT and Integration are never backed up, a slot is empty, a step is left out; inside a backup: something in it is marked",
        ),
        (
            symbols.maintenance,
            Meaning::Warning,
            "maintenance mode: jobs wait",
        ),
        (
            symbols.protected,
            Meaning::Warning,
            "protected: restores are refused",
        ),
        (
            symbols.good,
            Meaning::Good,
            "verified or proven; done; up; inside a backup: marked",
        ),
        (symbols.marker, Meaning::Selected, "the selected row"),
        (
            MARKED,
            Meaning::Key,
            "marked: an action is done for all marked ones",
        ),
        (
            symbols.more,
            Meaning::Quiet,
            "a text goes on where there is no room; still being read",
        ),
        (
            symbols.next,
            Meaning::Quiet,
            "from one to the next: where one looks, what is compared",
        ),
        (symbols.bar_done, Meaning::BarDone, "how much of a step is done"),
        (symbols.bar_left, Meaning::BarLeft, "how much of it is left"),
        (
            symbols.up,
            Meaning::Key,
            "there is more above; a list is sorted upwards",
        ),
        (
            symbols.below,
            Meaning::Key,
            "there is more below; a list is sorted downwards",
        ),
    ]
}

/// The legend of the symbols.
fn symbols(symbols: &Symbols, width: u16) -> Text {
    let mut text = Text::new(width);
    text.heading("Symbols");
    for (symbol, meaning, words) in legend(symbols) {
        text.marked(&[piece(format!("{symbol:<14}"), meaning)], words, Meaning::Text);
    }
    text.marked(
        &[piece(format!("{:<14}", "MWDm"), Meaning::Good)],
        "the slots that are filled: monthly, weekly, daily, manual",
        Meaning::Text,
    );
    text.marked(
        &[piece(format!("{:<14}", "grey keys"), Meaning::Quiet)],
        "do not apply now: pressed all the same, they say why",
        Meaning::Text,
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::{ASCII, UNICODE};

    #[test]
    fn every_symbol_that_something_is_told_by_is_in_the_legend() {
        for symbols in [&UNICODE, &ASCII] {
            // A new one has to be sorted in here: what is named, and what only draws.
            let Symbols {
                marker,
                good,
                warning,
                critical,
                information,
                running,
                empty,
                full,
                maintenance,
                protected,
                none,
                more,
                next,
                bar_done,
                bar_left,
                up,
                below,
                dot: _,
                across: _,
                down: _,
                tee_down: _,
                tee_up: _,
                tee_right: _,
                tee_left: _,
                cross: _,
                corners: _,
            } = symbols;
            let told: Vec<&str> = legend(symbols).iter().map(|(symbol, ..)| *symbol).collect();
            for symbol in [
                marker,
                good,
                warning,
                critical,
                information,
                running,
                empty,
                full,
                maintenance,
                protected,
                none,
                more,
                next,
                bar_done,
                bar_left,
                up,
                below,
            ] {
                assert!(told.contains(symbol), "{symbol} has no entry in {told:?}");
            }
            assert!(told.contains(&MARKED));
        }
    }
}
