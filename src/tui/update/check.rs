//! Looking at what works and what does not: what it is about on each screen, and its page.

use super::allowed;
use crate::domain::environment::EnvironmentName;
use crate::tui::action::Action;
use crate::tui::effects::{Effect, Fetch};
use crate::tui::model::Model;
use crate::tui::model::overview::rows;
use crate::tui::model::screens::{Page, Screen};

/// The environment that is looked at from the screen on top: that of the chosen line or the job, else the selected one.
///
/// # Errors
/// The sentence that says why none is.
pub fn about(model: &Model) -> Result<EnvironmentName, String> {
    let of_line = match model.screens.last() {
        Some(Screen::Fleet(shown)) => {
            let rows = rows(model, shown);
            let row = rows.get(shown.cursor.selected);
            if let Some((context, row)) = row.and_then(|row| Some((row.context?, row))) {
                let keys = &model.settings.keys;
                return Err(format!(
                    "{} is in the context {context}: {} goes there, and {} looks at it there",
                    row.summary.name,
                    keys.first(Action::GoToEnvironment),
                    keys.first(Action::Check),
                ));
            }
            row.map(|row| row.summary.name.clone())
        }
        Some(Screen::Log(log)) => model.jobs.get(&log.job).map(|job| job.environment.clone()),
        Some(Screen::Activity(cursor)) => {
            let listed = model.listed_activity();
            listed
                .get(cursor.selected)
                .and_then(|entry| entry.environment.clone())
        }
        Some(Screen::Notifications(news)) => {
            let listed = model.listed_news();
            listed
                .get(news.cursor.selected)
                .and_then(|told| told.environment.clone())
        }
        _ => None,
    };
    // What is listed may be about an environment that is configured no more.
    let of_line = of_line.filter(|name| model.fleet.get(name).is_some());
    let selected = || model.target().map(|summary| summary.name.clone());
    of_line
        .or_else(selected)
        .ok_or_else(|| allowed::no_environment(model))
}

/// Opens its page, or looks once more.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Ok(name) = about(model) else {
        return Vec::new();
    };
    // What was found before is no answer to the question how it stands now.
    model.checks.remove(&name);
    if is_open(model) {
        model.screens.pop();
    }
    model.screens.push(Screen::Page {
        page: Page::Check(name.clone()),
        scroll: 0,
    });
    // What the engine has is what was read when it began: the file may say something else by now.
    let fetch = model.fetch(Fetch::Check(name));
    fetch.into_iter().chain([Effect::Reread]).collect()
}

/// Whether its page is on the screen.
pub fn is_open(model: &Model) -> bool {
    let top = model.screens.last();
    matches!(
        top,
        Some(Screen::Page {
            page: Page::Check(_),
            ..
        })
    )
}
