//! Opens the cockpit on a backend.

use std::sync::Arc;

use chrono::Utc;

use super::CliError;
use crate::backend::Backend;
use crate::config::NamedContext;
use crate::domain::settings::Variables;
use crate::tui::theme::{ThemeChoice, ThemeError};
use crate::tui::{self, CockpitError, CockpitSettings};

/// Runs the cockpit until it is left.
///
/// # Errors
/// [`CliError`] when the context names a colour or theme that there is not, or the terminal cannot be used.
pub(super) async fn open(
    backend: Arc<dyn Backend>,
    context: &NamedContext,
    is_demo: bool,
    variables: &Variables,
) -> Result<(), CliError> {
    let wrong = |error: ThemeError| CliError::usage(format!("the context \"{}\": {error}", context.name));
    let set = |name: &str| variables(name).filter(|value| !value.is_empty());
    let look = &context.context;
    let theme = match &look.theme {
        Some(theme) => theme.parse().map_err(wrong)?,
        None if set("NO_COLOR").is_some() => ThemeChoice::Monochrome,
        None => ThemeChoice::default(),
    };
    // The first of these that is set decides what the terminal's characters are.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(set)
        .unwrap_or_default()
        .to_lowercase();
    let settings = CockpitSettings {
        context: context.name.clone(),
        read_only: look.read_only,
        accent: look
            .accent
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(wrong)?,
        theme,
        ascii: !(locale.ends_with("utf-8") || locale.ends_with("utf8")),
        mouse: look.mouse,
        demo: is_demo,
        clock: Arc::new(Utc::now),
    };
    Ok(tui::run(backend, settings).await?)
}

impl From<CockpitError> for CliError {
    fn from(error: CockpitError) -> Self {
        Self::failed(error.to_string())
    }
}
