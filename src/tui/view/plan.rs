//! The restore plan as text: what would change, what would be lost, what stands in the way (rule 12).

use std::cmp::Reverse;

use super::canvas::{Piece, piece, shorten_middle};
use super::chrome::moment_and_age;
use super::text::Text;
use super::undo_plan;
use crate::domain::environment::{WorkspaceKind, workspace_label};
use crate::domain::newer::{Newer, newer_than};
use crate::domain::plan::{RestorePlan, WorkspaceChange};
use crate::domain::settings::RepositoryChoice;
use crate::domain::{columns, measure, printable};
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
        PlanState::Ready(plan) => ready(&mut text, model, wizard, plan, symbols),
        PlanState::Exchange(tables) => {
            undo_plan::exchange(&mut text, model, wizard, tables, symbols);
        }
    }
    text
}

/// What the plan, and the step after it, say of a restore without a safety backup.
pub const NO_SAFETY: &str = "NO SAFETY BACKUP is taken: only what the restore replaces beside Live can undo it, as long as that stays";

fn ready(text: &mut Text, model: &Model, wizard: &Wizard, plan: &RestorePlan, symbols: &Symbols) {
    // What happens comes first, then what stands in the way of it or should be known: on the smallest screen as well.
    text.fact_as("changes", &changed(plan), Meaning::Title);
    lost(text, wizard.purpose, plan);
    time(text, plan);
    newer(text, model, wizard.purpose, plan);
    text.blank();
    if wizard.purpose == Purpose::Undo {
        undo_plan::puts_back(text, model, wizard);
    }
    warned(text, wizard.purpose, plan, symbols);
    text.blank();
    let manifest = &plan.backup.manifest;
    text.fact(
        "backup",
        &format!(
            "{} ({}), taken {}",
            plan.backup.id,
            manifest.called(),
            moment_and_age(manifest.taken, model)
        ),
    );
    if let Some(words) = super::wizard::taken_from(model, plan.from, true) {
        let meaning = match plan.from {
            RepositoryChoice::First => Meaning::Text,
            RepositoryChoice::Copy => Meaning::Title,
        };
        text.fact_as("from", &words, meaning);
    }
    if plan.selection.is_everything() {
        text.fact("takes", "everything");
    }
    versions(text, plan);
    room(text, plan);
    if !plan.changes.is_empty() {
        text.blank();
        changes(text, plan, symbols);
        examples(text, plan);
    }
    // Nobody has to do anything for it: what has to be done is said above.
    if !plan.stopping.by_hooks.is_empty() {
        text.blank();
    }
    for told in &plan.stopping.by_hooks {
        text.fact("stopping", told);
    }
}

/// What stands in the way, and what should be known, each once.
fn warned(text: &mut Text, purpose: Purpose, plan: &RestorePlan, symbols: &Symbols) {
    for obstacle in &plan.obstacles {
        let mark = [piece(format!("{} ", symbols.critical), Meaning::Critical)];
        text.marked(&mark, &format!("in the way: {obstacle}"), Meaning::Critical);
    }
    let mut warning = |words: &str, meaning| {
        let mark = [piece(format!("{} ", symbols.warning), Meaning::Warning)];
        text.marked(&mark, words, meaning);
    };
    if plan.without_safety {
        warning(NO_SAFETY, Meaning::Warning);
    }
    for told in &plan.warnings {
        let is_by_hand = plan.stopping.by_hand.contains(told);
        warning(
            told,
            if is_by_hand {
                Meaning::Warning
            } else {
                Meaning::Text
            },
        );
    }
    if !plan.selection.is_everything() {
        warning(&only_a_part(plan), Meaning::Warning);
    }
    if plan.changes_nothing && purpose == Purpose::Restore {
        let compared = plan.how_compared().map(|sentence| format!(" {sentence}"));
        let compared = compared.unwrap_or_default();
        let words = if plan.even_if_unchanged {
            "Nothing would change, and everything is put back all the same.".to_owned()
        } else {
            format!(
                "Nothing would change, and a restore would say so and end.{compared} Enter asks whether everything is to \
                 be put back all the same."
            )
        };
        warning(&words, Meaning::Warning);
    }
}

/// What would come, change and go, in a sentence.
fn changed(plan: &RestorePlan) -> String {
    let (added, changed, removed) = plan.totals();
    if added + changed + removed > 0 {
        return plan.changed_in_words();
    }
    let words = if !plan.obstacles.is_empty() {
        "not all of it could be compared, since something is in the way"
    } else if plan.changes.is_empty() {
        "there is nothing to compare: the backup holds nothing of what was chosen"
    } else if plan.changes_nothing {
        "nothing: Live is as it is in the backup"
    } else {
        "no item; what else is not as in the backup, and comes back, stands below"
    };
    words.to_owned()
}

/// How long it should take.
fn time(text: &mut Text, plan: &RestorePlan) {
    let Some(expected) = &plan.expected else {
        return text.fact("time", "not known yet: no past job to judge by");
    };
    text.fact("time", &expected.in_words(plan.without_safety, plan.made));
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
    let paths: Vec<_> = plan.selection.paths.iter().map(ToString::to_string).collect();
    let what = if paths.is_empty() {
        all_or(&plan.selection.workspaces, "workspaces")
    } else {
        paths.join(", ")
    };
    format!(
        "only a part is restored: {what} on {}; everything else in Live stays as it is",
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
        let safety = if plan.without_safety {
            String::new()
        } else {
            format!(", at most {} for safety", needed(false))
        };
        let words = format!(
            "enough, {} free: {} to stage{safety}",
            measure::bytes(free),
            needed(true),
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

/// That there is a newer backup to go back to: the main screen says when Live can be brought back to, and means that one.
fn newer(text: &mut Text, model: &Model, purpose: Purpose, plan: &RestorePlan) {
    let Some(details) = model.table_details().filter(|_| purpose == Purpose::Restore) else {
        return;
    };
    let mut newer = newer_than(details.all_backups(), &plan.backup).into_iter();
    // Whoever brings a part back may have gone back so far because the newer ones lack it.
    let (newest, held) = if plan.selection.is_everything() {
        (newer.next(), None)
    } else {
        let held = plan.newer.as_ref();
        (
            held.and_then(|held| newer.find(|backup| backup.answers_to(held.backup()))),
            held,
        )
    };
    if let Some(newest) = newest {
        let when = moment_and_age(newest.manifest.taken, model);
        let what = newest.manifest.trigger.names();
        let less = newest.less.as_ref().map(|less| format!(", {}", less.in_short()));
        let less = less.unwrap_or_default();
        let meaning = match held {
            None | Some(Newer::Holds(_)) => Meaning::Warning,
            Some(Newer::NotLooked(_)) => Meaning::Text,
        };
        let held = held
            .map(|held| format!("; {}", held.in_words()))
            .unwrap_or_default();
        text.fact_as(
            "newer",
            &format!("{what} {}, verified{less}, of {when}{held}", newest.id),
            meaning,
        );
    }
}

fn lost(text: &mut Text, purpose: Purpose, plan: &RestorePlan) {
    let lost = plan.work_lost();
    if !lost.is_any {
        // What comes back by it, and what goes, was the restore's doing.
        let is_its_own = purpose == Purpose::Undo && plan.compares_all() && !plan.loses_nothing();
        let words = if is_its_own {
            "none: nothing was changed in Live since the restore that this takes back"
        } else {
            &lost.words
        };
        return text.fact("loses", words);
    }
    let kept = if plan.without_safety {
        "no safety backup keeps it"
    } else {
        "a safety backup keeps it"
    };
    text.fact_as("loses", &format!("{}; {kept}", lost.words), Meaning::Warning);
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
            text.fact_as(
                label,
                &format!("{then} in the backup, {now} runs now"),
                Meaning::Warning,
            );
        } else {
            text.fact(label, &format!("{now}, as in the backup"));
        }
    }
}

/// How wide the names of workspaces are in the table of changes.
const WORKSPACE: usize = 15;

/// The table of changes: the workspaces that change, the one that changes most first, and how many do not.
fn changes(text: &mut Text, plan: &RestorePlan, symbols: &Symbols) {
    let names = plan
        .changes
        .iter()
        .map(|change| columns::count(change.instance.as_str()));
    // As wide as the longest, where the numbers leave it so much.
    let least = if text.width() > 90 { 24 } else { 12 };
    let room = text.width().saturating_sub(WORKSPACE + 1 + 4 * 11);
    let name = names.max().unwrap_or(0).clamp(least, room.max(least));
    let head = format!(
        "{:<name$} {:<WORKSPACE$} {:>10} {:>10} {:>10} {:>10}",
        "instance", "workspace", "added", "changed", "removed", "same"
    );
    text.line(vec![piece(head, Meaning::Column)]);
    let (same, mut differ): (Vec<_>, Vec<_>) = plan.changes.iter().partition(|change| change.is_unchanged());
    differ.sort_by_key(|change| (change.kind == WorkspaceKind::Shared, Reverse(change.size())));
    let mut above = None;
    for change in &differ {
        let label = if above == Some(&change.instance) {
            ""
        } else {
            change.instance.as_str()
        };
        above = Some(&change.instance);
        differing(text, name, label, change, symbols);
    }
    if !same.is_empty() {
        let words = format!(
            "{}{}",
            if differ.is_empty() { "" } else { "+ " },
            unchanged(&same)
        );
        text.line(vec![
            // As wide as the instance, the workspace and the three numbers that are not there.
            piece(format!("{:<name$} {words:<48}", ""), Meaning::Quiet),
            number(same.iter().map(|change| change.unchanged).sum(), Meaning::Quiet),
        ]);
    }
    let (added, changed, removed) = plan.totals();
    text.line(vec![
        piece(format!("{:<name$} {:<WORKSPACE$}", "in all", ""), Meaning::Title),
        number(added, Meaning::Added),
        number(changed, Meaning::Changed),
        number(removed, Meaning::Removed),
    ]);
}

/// A workspace that changes. `label` is its instance where that is not said yet, in `name` columns.
fn differing(text: &mut Text, name: usize, label: &str, change: &WorkspaceChange, symbols: &Symbols) {
    let workspace = workspace_label(&change.workspace);
    text.line(vec![
        piece(fitted(label, name, symbols), Meaning::Title),
        piece(
            format!(" {}", fitted(workspace, WORKSPACE, symbols)),
            Meaning::Text,
        ),
        number(change.added, Meaning::Added),
        number(change.changed, Meaning::Changed),
        number(change.removed, Meaning::Removed),
        number(change.unchanged, Meaning::Quiet),
    ]);
    let is_cut = |text: &str, width| columns::count(&printable::line(text)) > width;
    if is_cut(label, name) || is_cut(workspace, WORKSPACE) {
        let indent = [piece(" ".repeat(name + 1), Meaning::Text)];
        let whole = format!("{}/{workspace}", change.instance);
        text.marked(&indent, &whole, Meaning::Quiet);
    }
}

/// How many workspaces, and parts that they share, stay as they are.
fn unchanged(same: &[&WorkspaceChange]) -> String {
    let shared = same
        .iter()
        .filter(|change| change.kind == WorkspaceKind::Shared)
        .count();
    let mut words = Vec::new();
    for (count, one) in [
        (same.len() - shared, "unchanged workspace"),
        (shared, "shared part"),
    ] {
        match count {
            0 => {}
            1 => words.push(format!("1 {one}")),
            count => words.push(format!("{count} {one}s")),
        }
    }
    words.join(", ")
}

/// A number in a column of the table; nothing changed catches no eye.
fn number(count: u64, meaning: Meaning) -> Piece {
    let meaning = if count == 0 { Meaning::Quiet } else { meaning };
    piece(format!(" {:>10}", measure::count(count)), meaning)
}

/// A name in exactly so many columns: names are told apart by how they begin and how they end.
fn fitted(text: &str, width: usize, symbols: &Symbols) -> String {
    columns::fill(&shorten_middle(text, width, symbols.more), width)
}

fn examples(text: &mut Text, plan: &RestorePlan) {
    let with_examples = |change: &&WorkspaceChange| !change.examples.is_empty();
    if plan.changes.iter().any(|change| with_examples(&change)) {
        text.heading("Some of what changes");
    }
    for change in plan.changes.iter().filter(with_examples) {
        let place = format!("{}/{}: ", change.instance, workspace_label(&change.workspace));
        text.marked(
            &[piece(place, Meaning::Quiet)],
            &change.named_in_words().join(", "),
            Meaning::Text,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::UNICODE;

    #[test]
    fn names_that_are_cut_stand_whole_below() {
        let lines = |instance: &str, workspace: &str| {
            let change = WorkspaceChange {
                instance: instance.parse().unwrap(),
                workspace: workspace.to_owned(),
                kind: WorkspaceKind::Content,
                added: 1,
                changed: 0,
                removed: 0,
                unchanged: 7,
                bytes: 0,
                examples: Vec::new(),
                example_changes: Vec::new(),
                example_below: Vec::new(),
            };
            let mut text = Text::new(76);
            differing(&mut text, 12, instance, &change, &UNICODE);
            text.plain()
        };
        let numbers = "          1          0          0          7";
        assert_eq!(
            lines("author", "website"),
            [format!("author       website        {numbers}")]
        );
        assert_eq!(
            lines("public-frankfurt-1", "日本語の画像と文書"),
            [
                format!("public…urt-1 日本語…と文書  {numbers}"),
                "             public-frankfurt-1/日本語の画像と文書".to_owned(),
            ]
        );
    }
}
