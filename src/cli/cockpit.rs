//! What the cockpit is opened with: how a context wants it to look, and what the terminal can show.

use std::sync::Arc;

use chrono::Utc;

use super::{CliError, Globals, cockpit_beyond};
use crate::config::{BackendAddress, Config, NamedContext};
use crate::domain::os_error::in_words;
use crate::domain::settings::Variables;
use crate::tui::action::Keymap;
use crate::tui::clipboard::Clipboard;
use crate::tui::terminal_call::{Calling, NoCalling};
use crate::tui::theme::{Accent, Background, ThemeChoice, ThemeError};
use crate::tui::{Care, CockpitError, CockpitSettings, ContextChoice, Showing};

/// The settings of a cockpit on a context. `config` has the other ones.
///
/// # Errors
/// [`CliError`] when the context names a colour or theme that there is not.
pub(super) fn settings(
    context: &NamedContext,
    config: Option<&Config>,
    variables: &Variables,
) -> Result<CockpitSettings, CliError> {
    let set = |name: &str| variables(name).filter(|value| !value.is_empty());
    let terminal = terminal(variables)?;
    let look = &context.context;
    let chosen = chosen(context)?;
    let theme = match chosen.theme {
        Some(theme) => theme,
        None if set("NO_COLOR").is_some() || has_no_colours(&terminal) => ThemeChoice::Monochrome,
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
        accent: chosen.accent,
        theme,
        background: set("COLORFGBG")
            .and_then(|value| Background::of_variable(&value))
            .unwrap_or_default(),
        asks_background: knows_the_question(&terminal),
        ascii: !(locale.ends_with("utf-8") || locale.ends_with("utf8")),
        mouse: look.mouse,
        demo: false,
        contexts: config.map(choices).unwrap_or_default(),
        elsewhere: None,
        idle_lock: look.idle_lock.limit(),
        notice: None,
        keys: Arc::new(config.map_or_else(|| Ok(Keymap::default()), keys)?),
        command: Vec::new(),
        calling: chosen.calling,
        last_view: None,
        beyond: cockpit_beyond::without_configuration(variables),
        showing: Showing::default(),
        clipboard: Clipboard::of(|name| set(name).is_some()),
        care: Care::default(),
        clock: Arc::new(Utc::now),
    })
}

/// What a context says of how its cockpit looks and sounds.
struct Chosen {
    theme: Option<ThemeChoice>,
    accent: Option<Accent>,
    calling: Calling,
}

/// Reads what a context says.
///
/// # Errors
/// [`CliError`] when it names a theme, a colour or a way to call that there is not.
fn chosen(context: &NamedContext) -> Result<Chosen, CliError> {
    let said = |why: String| CliError::usage(format!("the context \"{}\": {why}", context.name));
    let of_theme = |error: ThemeError| said(error.to_string());
    let look = &context.context;
    let theme = look.theme.as_deref().map(str::parse).transpose();
    let calling = look.call.as_deref().map(str::parse).transpose();
    Ok(Chosen {
        theme: theme.map_err(of_theme)?,
        accent: accent(look.accent.as_deref()).map_err(of_theme)?,
        calling: calling
            .map_err(|error: NoCalling| said(error.to_string()))?
            .unwrap_or_default(),
    })
}

/// What of a configuration keeps the cockpit from opening, in whichever context, as sentences.
pub(super) fn problems(config: &Config) -> Vec<String> {
    let contexts = config.contexts.iter().map(|(name, context)| NamedContext {
        name: name.clone(),
        context: context.clone(),
    });
    let looks = contexts.filter_map(|context| chosen(&context).err());
    let keys = keys(config).err();
    keys.into_iter().chain(looks).map(|error| error.message).collect()
}

/// The cockpit's keys, with those of the configuration.
///
/// # Errors
/// [`CliError`] when there is no such action or key, or a key would do two things.
pub(super) fn keys(config: &Config) -> Result<Keymap, CliError> {
    let own = config
        .keys
        .iter()
        .map(|(action, keys)| (action.as_str(), keys.as_slice()));
    Keymap::with(own)
        .map_err(|error| CliError::usage(format!("[keys] in {}: {error}", config.file.display())))
}

/// The options that lead a command to the same context: `--config` where the file is not the usual one, `--context` where
/// there are others.
pub(super) fn options(config: &Config, is_named: bool, context: &str) -> Vec<String> {
    let mut options = Vec::new();
    if is_named {
        options.extend(["--config".to_owned(), config.file.display().to_string()]);
    }
    if config.contexts.len() > 1 {
        options.extend(["--context".to_owned(), context.to_owned()]);
    }
    options
}

/// How what is shown is shown to others.
///
/// # Errors
/// [`CliError`] where the file of a recording has no path.
pub(super) fn showing(globals: &Globals) -> Result<Showing, CliError> {
    let record = globals.record.as_deref().map(std::path::absolute).transpose();
    Ok(Showing {
        record: record.map_err(|error| {
            CliError::usage(format!(
                "--record names no file: {error}",
                error = in_words(&error)
            ))
        })?,
        mask: globals.mask,
        tour: None,
        is_kept: false,
    })
}

/// The name of the terminal that the cockpit would be in.
///
/// # Errors
/// [`CliError`] when it has no name, or the one of those that cannot move their cursor.
pub(super) fn terminal(variables: &Variables) -> Result<String, CliError> {
    let name = variables("TERM").unwrap_or_default();
    if !matches!(name.as_str(), "" | "dumb" | "unknown") {
        return Ok(name);
    }
    let what = if name.is_empty() {
        "TERM is not set, so nothing is known of this terminal".to_owned()
    } else {
        format!("this terminal (TERM={name}) cannot show a full-screen program")
    };
    Err(CliError::usage(format!(
        "{what}: use `lifeboat --plain`, which works in lines, or the verbs, such as `lifeboat environments` and `lifeboat backups ENV` (`lifeboat --help` has all); or set TERM to what the terminal is, such as xterm"
    )))
}

/// Whether a terminal of this name shows no colours: the old ones of DEC, and those that say so.
fn has_no_colours(name: &str) -> bool {
    let is_dec = name
        .strip_prefix("vt")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_dec || name.ends_with("-m") || name.ends_with("-mono")
}

/// Whether a terminal of this name understands, or passes over, the question what it writes on. Consoles of systems, and
/// terminals of which only the old kind is known, may show it as text.
fn knows_the_question(name: &str) -> bool {
    let is_one_of = |names: &[&str]| names.iter().any(|known| name.starts_with(known));
    is_one_of(&[
        "xterm",
        "tmux",
        "screen",
        "vte",
        "gnome",
        "konsole",
        "foot",
        "alacritty",
        "kitty",
        "wezterm",
        "ghostty",
        "rxvt",
        "iterm",
        "contour",
        "st-",
        "mlterm",
        "mintty",
    ])
}

fn accent(name: Option<&str>) -> Result<Option<Accent>, ThemeError> {
    name.map(str::parse).transpose()
}

/// The contexts that can be gone over to.
pub(super) fn choices(config: &Config) -> Vec<ContextChoice> {
    config
        .contexts
        .iter()
        .map(|(name, context)| ContextChoice {
            name: name.clone(),
            leads_to: context.backend.to_string(),
            is_a_service: matches!(context.backend, BackendAddress::Remote(_)),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn in_terminal(name: Option<&'static str>) -> Result<CockpitSettings, CliError> {
        let context = NamedContext {
            name: "local".to_owned(),
            context: crate::config::Context::default(),
        };
        let variables: Variables = Arc::new(move |variable| match variable {
            "TERM" => name.map(str::to_owned),
            "LANG" => Some("C.UTF-8".to_owned()),
            _ => None,
        });
        settings(&context, None, &variables)
    }

    #[test]
    fn a_terminal_that_cannot_show_it_is_told_what_to_use_instead() {
        for name in [None, Some(""), Some("dumb"), Some("unknown")] {
            let error = in_terminal(name).err().unwrap();
            assert!(
                error.message.contains("`lifeboat environments`"),
                "{}",
                error.message
            );
        }
    }

    #[test]
    fn a_terminal_without_colours_gets_none() {
        for (name, theme) in [
            ("xterm-256color", ThemeChoice::default()),
            ("linux", ThemeChoice::default()),
            ("vte-256color", ThemeChoice::default()),
            ("vt100", ThemeChoice::Monochrome),
            ("vt220", ThemeChoice::Monochrome),
            ("linux-m", ThemeChoice::Monochrome),
            ("xterm-mono", ThemeChoice::Monochrome),
        ] {
            assert_eq!(in_terminal(Some(name)).unwrap().theme, theme, "{name}");
        }
    }
}
