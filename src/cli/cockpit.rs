//! What the cockpit is opened with: how a context wants it to look, and what the terminal can show.

use std::sync::Arc;

use chrono::Utc;

use super::CliError;
use crate::config::{Config, NamedContext};
use crate::domain::settings::Variables;
use crate::tui::theme::{Accent, ThemeChoice, ThemeError};
use crate::tui::{CockpitError, CockpitSettings, ContextChoice};

/// The settings of a cockpit on a context. `config` has the other ones.
///
/// # Errors
/// [`CliError`] when the context names a colour or theme that there is not.
pub(super) fn settings(
    context: &NamedContext,
    config: Option<&Config>,
    variables: &Variables,
) -> Result<CockpitSettings, CliError> {
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
    Ok(CockpitSettings {
        context: context.name.clone(),
        read_only: look.read_only,
        accent: accent(look.accent.as_deref()).map_err(wrong)?,
        theme,
        ascii: !(locale.ends_with("utf-8") || locale.ends_with("utf8")),
        mouse: look.mouse,
        demo: false,
        contexts: config.map(choices).unwrap_or_default(),
        idle_lock: look.idle_lock.limit(),
        notice: None,
        clock: Arc::new(Utc::now),
    })
}

fn accent(name: Option<&str>) -> Result<Option<Accent>, ThemeError> {
    name.map(str::parse).transpose()
}

/// The contexts that can be gone over to.
fn choices(config: &Config) -> Vec<ContextChoice> {
    config
        .contexts
        .iter()
        .map(|(name, context)| ContextChoice {
            name: name.clone(),
            leads_to: context.backend.to_string(),
            read_only: context.read_only,
            // A colour that there is not is told when somebody goes there.
            accent: accent(context.accent.as_deref()).ok().flatten(),
        })
        .collect()
}

impl From<CockpitError> for CliError {
    fn from(error: CockpitError) -> Self {
        Self::failed(error.to_string())
    }
}
