//! What an undo does, as text: the exchange with replaced tables, and which restore it takes back.

use super::chrome::moment_and_age;
use super::text::Text;
use crate::domain::earlier::Earlier;
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;
use crate::domain::state::ReplacedTables;
use crate::tui::action::Action;
use crate::tui::model::Model;
use crate::tui::model::wizard::Wizard;
use crate::tui::theme::{Meaning, Symbols};
use crate::tui::view::canvas::piece;

/// Undo without a plan: Live and the replaced tables change places.
pub fn exchange(
    text: &mut Text,
    model: &Model,
    wizard: &Wizard,
    tables: &[ReplacedTables],
    symbols: &Symbols,
) {
    text.paragraph(
        &format!(
            "Live is exchanged with the tables that {} replaced. That takes a moment and needs no safety backup: what is live now is set aside in the same way, so that this undo can be undone too.",
            wizard.taken_back()
        ),
        Meaning::Title,
    );
    text.blank();
    let since = tables.iter().map(|tables| tables.at).min();
    if let Some(since) = since {
        text.fact(
            "back to",
            &format!("what was live until {}", moment_and_age(since, model)),
        );
        text.fact_as(
            "loses",
            "what was changed in Live since then, until the exchange is undone",
            Meaning::Warning,
        );
    }
    for tables in tables {
        text.fact(
            tables.instance.as_str(),
            &format!(
                "{} in the schema {}, until {} ({})",
                measure::bytes(tables.bytes),
                tables.schema,
                model.when().moment(tables.expires),
                super::words::countdown(tables.expires, model.now)
            ),
        );
    }
    text.blank();
    puts_back(text, model, wizard);
    for told in &wizard.stopping.by_hand {
        let mark = [piece(format!("{} ", symbols.warning), Meaning::Warning)];
        text.marked(&mark, told, Meaning::Warning);
    }
    for told in &wizard.stopping.by_hooks {
        text.fact("stopping", told);
    }
    written(text, wizard, tables, symbols);
}

/// Which restore it undoes, what it puts back, and what becomes of what was changed since.
pub fn puts_back(text: &mut Text, model: &Model, wizard: &Wizard) {
    for told in &wizard.puts_back {
        text.paragraph(&format!("{told}."), Meaning::Text);
    }
    let earlier = earlier(model, &wizard.environment);
    if let Some(earlier) = &earlier {
        let (stays, how) = earlier;
        let leave = model.settings.keys.first(Action::Back);
        text.paragraph(&format!("{stays}: {leave}, then {how}."), Meaning::Title);
    }
    if earlier.is_some() || !wizard.puts_back.is_empty() {
        text.blank();
    }
}

/// Where an undo takes back an undo: which restore before it stays and what takes that back, and how, in the table of backups.
pub fn earlier(model: &Model, environment: &EnvironmentName) -> Option<(String, String)> {
    let details = model.details.get(environment)?;
    let earlier = Earlier::of(details, model.jobs_newest_first())?;
    let restore = model.settings.keys.first(Action::Restore);
    let how = if earlier.part.is_everything() {
        format!("{restore} on it")
    } else {
        format!("{restore} on it, where only that is marked")
    };
    Some((earlier.in_words(|at| model.when().moment(at)), how))
}

/// What was written since into a workspace of which nodes were brought back.
fn written(text: &mut Text, wizard: &Wizard, tables: &[ReplacedTables], symbols: &Symbols) {
    let is_of_parts = tables.iter().any(|tables| tables.selection.has_paths());
    match wizard.written.as_deref() {
        // That it cannot be told is said of everything as well.
        None | Some([]) if !is_of_parts => {}
        None => text.fact("written", "what was written since is being counted"),
        Some([]) => text.fact("written", "no node was added or changed since the restore"),
        Some(told) => {
            for told in told {
                let mark = [piece(format!("{} ", symbols.warning), Meaning::Warning)];
                text.marked(&mark, told, Meaning::Warning);
            }
        }
    }
}
