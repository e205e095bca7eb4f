//! The page about one backup: when and by whom it was taken, what it holds, whether it is good.

use super::canvas::{piece, shorten_middle};
use super::chrome::moment_and_age;
use super::metadata::trigger;
use super::text::Text;
use super::words;
use crate::domain::backup::{Backup, InstanceCopy, Manifest, Verification};
use crate::domain::environment::{WorkspaceKind, workspace_label};
use crate::domain::proof::DrillOutcome;
use crate::domain::{columns, measure, printable};
use crate::tui::model::Model;
use crate::tui::theme::{Meaning, Symbols, Theme};

/// How wide the names of workspaces are in their table.
const NAME: usize = 16;

fn drilled(text: &mut Text, model: &Model, backup: &Backup) {
    match &backup.drill {
        None => text.fact(
            "drill",
            "none yet: D restores it into a scratch place and compares it",
        ),
        Some(drill) => match &drill.outcome {
            DrillOutcome::Proven => {
                let words = format!(
                    "proven restorable: brought back and read in {}, without what its job did around that; {}",
                    measure::millis(drill.millis),
                    moment_and_age(drill.at, model)
                );
                text.fact_as("drill", &words, Meaning::Good);
            }
            DrillOutcome::ProvenInPart { .. } => {
                let words = format!(
                    "proven restorable in part only, {}: brought back and read in {}, without what its job did around that; {}",
                    drill.in_part().unwrap_or_default(),
                    measure::millis(drill.millis),
                    moment_and_age(drill.at, model)
                );
                text.fact_as("drill", &words, Meaning::Warning);
            }
            DrillOutcome::Failed { why } => {
                let words = format!(
                    "failed {}: {why}. It holds no slot until a drill of it succeeds",
                    model.when().moment(drill.at)
                );
                text.fact_as("drill", &words, Meaning::Critical);
            }
        },
    }
}

/// The page about a backup.
pub(super) fn text(model: &Model, backup: &Backup, width: u16) -> Text {
    let mut text = Text::new(width);
    let settings = &model.settings;
    let symbols = Theme::new(settings.theme, settings.accent, settings.ascii).symbols;
    let manifest = &backup.manifest;
    text.fact("id", &backup.id.0);
    text.fact("taken", &moment_and_age(manifest.taken, model));
    text.fact("trigger", &trigger(&manifest.trigger));
    text.fact("asked by", manifest.by.as_str());
    if let Some(note) = &manifest.note {
        text.fact("note", note);
    }
    if let Some(job) = model.job_of_safety(backup) {
        text.fact("taken by", &format!("job {}, {}", job.id, job.title));
    }
    let slots: Vec<_> = manifest.slots.iter().map(|slot| slot.label()).collect();
    text.fact(
        "slots",
        &if slots.is_empty() {
            if manifest.is_recent() {
                "none: it is one of the recent ones".to_owned()
            } else {
                "none: it expires".to_owned()
            }
        } else {
            slots.join(", ")
        },
    );
    for served in &manifest.serves {
        let words = format!(
            "the {} backup due {}",
            served.slot,
            model.when().moment(served.due)
        );
        if served.late {
            text.fact_as("serves", &format!("{words}, late"), Meaning::Warning);
        } else {
            text.fact("serves", &words);
        }
    }
    if let Some(less) = &backup.less {
        let words = format!("{}: look whether Live was whole", less.in_words());
        text.fact_as("holds less", &words, Meaning::Warning);
    }
    verified(&mut text, model, backup);
    drilled(&mut text, model, backup);
    if let Some(expires) = manifest.expires {
        let words = format!(
            "{} ({}); x keeps it for another 48 hours",
            model.when().moment(expires),
            words::countdown(expires, model.now)
        );
        text.fact_as("expires", &words, Meaning::Warning);
    }
    if let Some(pin) = &manifest.pin {
        let over = if pin.holds(model.now) {
            ""
        } else {
            "; that is over"
        };
        text.fact("pinned", &format!("{}{over}; P lets it go", pin.in_words()));
    }
    text.fact("release", &manifest.versions.release.to_string());
    text.fact("Magnolia", &manifest.versions.magnolia.to_string());
    came_from(&mut text, manifest);
    text.fact(
        "holds",
        &format!(
            "{}, {}",
            measure::items(manifest.items()),
            measure::bytes(manifest.bytes())
        ),
    );
    text.fact(
        "added",
        &format!("{} to the repository", measure::bytes(manifest.added_bytes)),
    );
    text.fact(
        "took",
        &format!(
            "{} to copy, {} to read back; its job takes longer by hooks and retention",
            measure::millis(manifest.copy_millis),
            measure::millis(manifest.verify_millis)
        ),
    );
    text.fact(
        "instances",
        &format!(
            "their copies were begun {} apart; what changed in between is in the later ones only",
            measure::millis(manifest.spread_millis())
        ),
    );
    for instance in &manifest.instances {
        copied(&mut text, model, instance, symbols);
    }
    text
}

/// That its content was brought back by a restore before, and what ran when it was copied where that is something else.
fn came_from(text: &mut Text, manifest: &Manifest) {
    let Some(came_from) = &manifest.came_from else {
        return;
    };
    let ran = manifest.ran.as_ref().map(|ran| {
        format!(
            "; {} and Magnolia {} ran when this was taken",
            ran.release, ran.magnolia
        )
    });
    let words = format!(
        "a restore had brought it from the {came_from}{}",
        ran.unwrap_or_default()
    );
    text.fact("content", &words);
}

/// Whether it was read back.
fn verified(text: &mut Text, model: &Model, backup: &Backup) {
    match &backup.verification {
        Verification::Verified { at } if *at < backup.manifest.taken => {
            let words = format!(
                "all of it was read back; the parts that it shares with older backups when those were read, the first on {}",
                moment_and_age(*at, model)
            );
            text.fact_as("verified", &words, Meaning::Good);
        }
        Verification::Verified { at } => {
            let words = format!("read back and compared {}", moment_and_age(*at, model));
            text.fact_as("verified", &words, Meaning::Good);
        }
        Verification::Unverified => text.fact_as("verified", "not yet: v reads it back", Meaning::Warning),
        Verification::Damaged { at, why } => {
            let words = format!("found damaged {}: {why}", model.when().moment(*at));
            text.fact_as("verified", &words, Meaning::Critical);
        }
    }
}

fn copied(text: &mut Text, model: &Model, instance: &InstanceCopy, symbols: &Symbols) {
    text.heading(&format!("{} ({})", instance.name, instance.role.label()));
    text.paragraph(
        &format!(
            "copied from {} to {}",
            model.when().moment_exact(instance.began),
            if instance.ended.date_naive() == instance.began.date_naive() {
                model.when().second(instance.ended)
            } else {
                model.when().moment_exact(instance.ended)
            }
        ),
        Meaning::Quiet,
    );
    let head = format!(
        "{:<NAME$} {:<14} {:>10} {:>10}  {}",
        "workspace",
        "kind",
        if instance.tables.is_empty() {
            "items"
        } else {
            "nodes"
        },
        "size",
        "digest"
    );
    text.line(vec![piece(head, Meaning::Column)]);
    let mut workspaces: Vec<_> = instance.workspaces.iter().collect();
    workspaces.sort_by_key(|workspace| workspace.kind == WorkspaceKind::Shared);
    for workspace in workspaces {
        let label = workspace_label(&workspace.name);
        let name = shorten_middle(label, NAME, symbols.more);
        let digest = workspace.digest.get(..12).unwrap_or(&workspace.digest);
        text.line(vec![
            piece(columns::fill(&name, NAME) + " ", Meaning::Text),
            piece(format!("{:<14} ", workspace.kind.label()), Meaning::Quiet),
            piece(
                format!(
                    "{:>10} {:>10}  ",
                    measure::count(workspace.items),
                    measure::bytes(workspace.bytes)
                ),
                Meaning::Text,
            ),
            piece(digest.to_owned(), Meaning::Quiet),
        ]);
        if name != printable::line(label) {
            text.fact("in full", &workspace.name);
        }
    }
    for left_alone in &instance.left_alone {
        text.fact("left alone", left_alone);
    }
    for left_out in &instance.left_out {
        text.fact_as("left out", left_out, Meaning::Warning);
    }
}
