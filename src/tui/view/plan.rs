//! The restore plan as text: what would change, what would be lost, what stands in the way (rule 12).

use super::canvas::{Piece, piece};
use super::chrome::moment_and_age;
use super::text::Text;
use crate::domain::measure;
use crate::domain::plan::{RestorePlan, WorkspaceChange};
use crate::tui::model::Model;
use crate::tui::model::wizard::{PlanState, Purpose, Wizard};
use crate::tui::theme::{Meaning, Symbols, Theme};

/// The text of the wizard's plan step.
pub fn text(model: &Model, wizard: &Wizard, width: u16) -> Text {
    let mut text = Text::new(width);
    let settings = &model.settings;
    let symbols = Theme::new(settings.theme, settings.accent, settings.ascii).symbols;
    match &wizard.plan {
        PlanState::None | PlanState::Loading(_) => {
            text.paragraph(
                "The plan is being worked out: Live and the backup are compared, nothing is changed. Large environments take a while.",
                Meaning::Quiet,
            );
        }
        PlanState::Failed(why) => {
            let mark = [piece(format!("{} ", symbols.critical), Meaning::Critical)];
            text.marked(&mark, &format!("there is no plan: {why}"), Meaning::Text);
            text.blank();
            text.paragraph("Nothing was changed. Esc goes back.", Meaning::Quiet);
        }
        PlanState::Ready(plan) => ready(&mut text, model, wizard.purpose, plan, symbols),
    }
    text
}

fn ready(text: &mut Text, model: &Model, purpose: Purpose, plan: &RestorePlan, symbols: &Symbols) {
    for obstacle in &plan.obstacles {
        let mark = [piece(format!("{} ", symbols.critical), Meaning::Critical)];
        text.marked(&mark, &format!("in the way: {obstacle}"), Meaning::Critical);
    }
    for warning in &plan.warnings {
        let mark = [piece(format!("{} ", symbols.warning), Meaning::Warning)];
        text.marked(&mark, warning, Meaning::Text);
    }
    if !plan.selection.is_everything() {
        let mark = [piece(format!("{} ", symbols.warning), Meaning::Warning)];
        text.marked(&mark, &only_a_part(plan), Meaning::Warning);
    }
    text.blank();
    let manifest = &plan.backup.manifest;
    text.fact(
        "backup",
        &format!(
            "{}, taken {}",
            plan.backup.id,
            moment_and_age(manifest.taken, model.now)
        ),
    );
    if plan.selection.is_everything() {
        text.fact("takes", "everything");
    }
    let (added, changed, removed) = plan.totals();
    let words = if plan.changes.is_empty() {
        "there is nothing to compare: the backup holds nothing of what was chosen".to_owned()
    } else if added + changed + removed == 0 {
        "nothing: Live is as it is in the backup".to_owned()
    } else {
        format!(
            "{} items come back, {} are turned back, {} are taken away",
            measure::count(added),
            measure::count(changed),
            measure::count(removed)
        )
    };
    text.fact_as("changes", &words, Meaning::Title);
    lost(text, plan, purpose);
    versions(text, plan);
    match &plan.expected {
        Some(expected) => {
            let jobs = if expected.past_jobs == 1 { "job" } else { "jobs" };
            text.fact(
                "time",
                &format!(
                    "about {}, safety backup included (from {} past {jobs})",
                    measure::millis(expected.millis),
                    expected.past_jobs
                ),
            );
        }
        None => text.fact("time", "not known yet: no past job to judge by"),
    }
    room(text, plan);
    if !plan.changes.is_empty() {
        text.blank();
        changes(text, plan);
        examples(text, plan);
    }
}

/// What a plan that leaves something out is limited to, as a sentence.
pub fn only_a_part(plan: &RestorePlan) -> String {
    let instances: Vec<_> = plan.selection.instances.iter().map(ToString::to_string).collect();
    let all_or = |names: &[String], what: &str| {
        if names.is_empty() {
            format!("all {what}")
        } else {
            names.join(", ")
        }
    };
    format!(
        "only a part is restored: {} on {}; everything else in Live stays as it is",
        all_or(&plan.selection.workspaces, "workspaces"),
        all_or(&instances, "instances")
    )
}

/// One line when there is room everywhere; otherwise a line for each place that is short of it.
fn room(text: &mut Text, plan: &RestorePlan) {
    let short: Vec<_> = plan.room.iter().filter(|room| !room.is_enough()).collect();
    let least_free = plan.room.iter().map(|room| room.free).min();
    if let (true, true, Some(free)) = (short.is_empty(), plan.obstacles.is_empty(), least_free) {
        let needed = |for_staging: bool| {
            let rooms = plan.room.iter();
            let rooms = rooms.filter(|room| room.purpose.starts_with("staging") == for_staging);
            measure::bytes(rooms.map(|room| room.needed).sum())
        };
        let words = format!(
            "enough, {} free: {} to stage, at most {} for safety",
            measure::bytes(free),
            needed(true),
            needed(false)
        );
        text.fact("room", &words);
        return;
    }
    // Places that are enough each can be too little together, on one disk: then all of them are to be seen.
    let shown = if short.is_empty() {
        plan.room.iter().collect()
    } else {
        short
    };
    for room in shown {
        let words = format!(
            "{}: {} needed, {} free in {}",
            room.purpose,
            measure::bytes(room.needed),
            measure::bytes(room.free),
            room.folder
        );
        let meaning = if room.is_enough() {
            Meaning::Text
        } else {
            Meaning::Critical
        };
        text.fact_as("room", &words, meaning);
    }
}

fn lost(text: &mut Text, plan: &RestorePlan, purpose: Purpose) {
    let work = measure::between(plan.backup.manifest.taken, super::words::minute(plan.made));
    let words = match (plan.newest_change, purpose) {
        (Some(newest), _) => format!(
            "{work} of work: Live last changed {}; a safety backup keeps it",
            measure::moment(newest)
        ),
        (None, Purpose::Undo) => "nothing has been changed since".to_owned(),
        (None, Purpose::Restore) => format!("no change of the last {work} was found in Live"),
    };
    let meaning = if plan.newest_change.is_some() {
        Meaning::Warning
    } else {
        Meaning::Text
    };
    text.fact_as("loses", &words, meaning);
}

fn versions(text: &mut Text, plan: &RestorePlan) {
    let then = &plan.backup.manifest.versions;
    let now = &plan.versions_now;
    for (label, differs, then, now) in [
        (
            "release",
            plan.release_differs(),
            then.release.to_string(),
            now.release.to_string(),
        ),
        (
            "Magnolia",
            plan.magnolia_differs(),
            then.magnolia.to_string(),
            now.magnolia.to_string(),
        ),
    ] {
        if differs {
            let words = format!("{then} in the backup, {now} runs now: a restore brings back content only");
            text.fact_as(label, &words, Meaning::Warning);
        } else {
            text.fact(label, &format!("{now}, as in the backup"));
        }
    }
}

/// The table of changes: per instance the workspaces that change, and how many do not.
fn changes(text: &mut Text, plan: &RestorePlan) {
    let name = if text.width() > 90 { 24 } else { 13 };
    let head = format!(
        "{:<name$} {:<14} {:>10} {:>10} {:>10} {:>10}",
        "instance", "workspace", "added", "changed", "removed", "same"
    );
    text.line(vec![piece(head, Meaning::Column)]);
    for of_instance in plan.changes.chunk_by(|one, next| one.instance == next.instance) {
        let (same, differ): (Vec<_>, Vec<_>) = of_instance.iter().partition(|change| change.is_unchanged());
        let mut label = of_instance.first().map_or("", |change| change.instance.as_str());
        for change in &differ {
            text.line(vec![
                piece(fitted(std::mem::take(&mut label), name), Meaning::Title),
                piece(format!(" {}", fitted(&change.workspace, 14)), Meaning::Text),
                number(change.added, Meaning::Added),
                number(change.changed, Meaning::Changed),
                number(change.removed, Meaning::Removed),
                number(change.unchanged, Meaning::Quiet),
            ]);
        }
        if !same.is_empty() {
            let words = format!(
                "{}{} unchanged workspace{}",
                if differ.is_empty() { "" } else { "+ " },
                same.len(),
                if same.len() == 1 { "" } else { "s" }
            );
            text.line(vec![
                piece(fitted(label, name), Meaning::Title),
                // As wide as the workspace and the three numbers that are not there.
                piece(format!(" {words:<47}"), Meaning::Quiet),
                number(same.iter().map(|change| change.unchanged).sum(), Meaning::Quiet),
            ]);
        }
    }
    let (added, changed, removed) = plan.totals();
    text.line(vec![
        piece(format!("{:<name$} {:<14}", "in all", ""), Meaning::Title),
        number(added, Meaning::Added),
        number(changed, Meaning::Changed),
        number(removed, Meaning::Removed),
    ]);
}

/// A number in a column of the table; nothing changed catches no eye.
fn number(count: u64, meaning: Meaning) -> Piece {
    let meaning = if count == 0 { Meaning::Quiet } else { meaning };
    piece(format!(" {:>10}", measure::count(count)), meaning)
}

/// A text in exactly so many columns.
fn fitted(text: &str, width: usize) -> String {
    let short = super::canvas::shorten(&crate::domain::printable::line(text), width, "~");
    let gap = width.saturating_sub(unicode_width::UnicodeWidthStr::width(short.as_str()));
    short + &" ".repeat(gap)
}

fn examples(text: &mut Text, plan: &RestorePlan) {
    let with_examples = |change: &&WorkspaceChange| !change.examples.is_empty();
    if plan.changes.iter().any(|change| with_examples(&change)) {
        text.heading("Some of what changes");
    }
    for change in plan.changes.iter().filter(with_examples) {
        let place = format!("{}/{}: ", change.instance, change.workspace);
        text.marked(
            &[piece(place, Meaning::Quiet)],
            &change.examples.join(", "),
            Meaning::Text,
        );
    }
}
