//! Colours by meaning, and the symbols that say the same without colour.
//!
//! This is the only file of the cockpit that names a colour. Views ask for a meaning ([`Meaning`]) and get a style;
//! which one depends on the theme. The named colours are the terminal's own, so the cockpit follows the palette that
//! its user has chosen. No meaning rests on colour alone: each has a symbol or a word beside it.

use std::fmt;
use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// Ordinary text.
    Text,
    /// Text that matters less: labels, units, hints.
    Quiet,
    /// The title of a pane.
    Title,
    /// The title of the pane that keys go to.
    FocusedTitle,
    /// Lines between panes, and frames.
    Rule,
    /// The head of a table's column.
    Column,
    /// The name of the selected row.
    Selected,
    /// The name of the row that would be selected if its pane had the keys.
    SelectedElsewhere,
    /// Something is as it should be.
    Good,
    /// Look at it soon: warnings, what is late.
    Warning,
    /// Act now: failures, damage.
    Critical,
    /// Good to know; work that goes on.
    Information,
    /// The context's name.
    Context,
    /// That this is the demo, or that nothing can be changed.
    Mark,
    /// A key that can be pressed.
    Key,
    /// Text that somebody types.
    Input,
    /// The finished part of a progress bar.
    BarDone,
    /// The rest of a progress bar.
    BarLeft,
    /// Content that a restore brings back.
    Added,
    /// Content that a restore turns back.
    Changed,
    /// Content that a restore takes away.
    Removed,
}

impl Meaning {
    /// All of them, in the order they are documented in.
    pub const ALL: [Self; 21] = [
        Self::Text,
        Self::Quiet,
        Self::Title,
        Self::FocusedTitle,
        Self::Rule,
        Self::Column,
        Self::Selected,
        Self::SelectedElsewhere,
        Self::Good,
        Self::Warning,
        Self::Critical,
        Self::Information,
        Self::Context,
        Self::Mark,
        Self::Key,
        Self::Input,
        Self::BarDone,
        Self::BarLeft,
        Self::Added,
        Self::Changed,
        Self::Removed,
    ];
}

/// Which set of colours is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ThemeChoice {
    /// For terminals with a dark background.
    #[default]
    Dark,
    /// For terminals with a light background.
    Light,
    /// Blue and orange instead of green and red, on either background.
    ColourBlind,
    /// No colour at all: bold, underlined, reversed.
    Monochrome,
}

/// The name of a theme or an accent that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// Not a theme.
    #[error("\"{0}\" is not a theme: choose dark, light, colour-blind or monochrome")]
    NotATheme(String),
    /// Not an accent.
    #[error("\"{0}\" is not an accent: choose red, yellow, green, blue, magenta or cyan")]
    NotAnAccent(String),
}

impl ThemeChoice {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Dark, Self::Light, Self::ColourBlind, Self::Monochrome];

    /// The word for it, in configuration files and on the command line.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::ColourBlind => "colour-blind",
            Self::Monochrome => "monochrome",
        }
    }
}

impl FromStr for ThemeChoice {
    type Err = ThemeError;

    fn from_str(text: &str) -> Result<Self, ThemeError> {
        Self::ALL
            .into_iter()
            .find(|choice| choice.label() == text)
            .ok_or_else(|| ThemeError::NotATheme(text.to_owned()))
    }
}

impl fmt::Display for ThemeChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// The colour of a context's name, so that production does not look like a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Accent {
    /// Red.
    Red,
    /// Yellow.
    Yellow,
    /// Green.
    Green,
    /// Blue.
    Blue,
    /// Magenta.
    Magenta,
    /// Cyan.
    Cyan,
}

impl FromStr for Accent {
    type Err = ThemeError;

    fn from_str(text: &str) -> Result<Self, ThemeError> {
        Ok(match text {
            "red" => Self::Red,
            "yellow" => Self::Yellow,
            "green" => Self::Green,
            "blue" => Self::Blue,
            "magenta" => Self::Magenta,
            "cyan" => Self::Cyan,
            other => return Err(ThemeError::NotAnAccent(other.to_owned())),
        })
    }
}

/// A theme as views use it.
#[derive(Debug, Clone)]
pub struct Theme {
    choice: ThemeChoice,
    accent: Option<Accent>,
    /// The symbols to draw with.
    pub symbols: &'static Symbols,
}

impl Theme {
    /// A theme, with the context's accent, in Unicode or in ASCII only.
    #[must_use]
    pub fn new(choice: ThemeChoice, accent: Option<Accent>, ascii: bool) -> Self {
        Self {
            choice,
            accent,
            symbols: if ascii { &ASCII } else { &UNICODE },
        }
    }

    /// The style that shows a meaning.
    #[must_use]
    pub fn style(&self, meaning: Meaning) -> Style {
        if meaning == Meaning::Context
            && self.choice != ThemeChoice::Monochrome
            && let Some(accent) = self.accent
        {
            let colour = match accent {
                Accent::Red => Color::Red,
                Accent::Yellow => Color::Yellow,
                Accent::Green => Color::Green,
                Accent::Blue => Color::Blue,
                Accent::Magenta => Color::Magenta,
                Accent::Cyan => Color::Cyan,
            };
            return Style::new()
                .fg(colour)
                .add_modifier(Modifier::REVERSED | Modifier::BOLD);
        }
        match self.choice {
            ThemeChoice::Dark => coloured(meaning, &DARK),
            ThemeChoice::Light => coloured(meaning, &LIGHT),
            ThemeChoice::ColourBlind => coloured(meaning, &COLOUR_BLIND),
            ThemeChoice::Monochrome => monochrome(meaning),
        }
    }
}

/// The colours of one theme.
struct Palette {
    quiet: Color,
    rule: Color,
    focus: Color,
    good: Color,
    warning: Color,
    critical: Color,
    information: Color,
    key: Color,
}

const DARK: Palette = Palette {
    quiet: Color::Indexed(246),
    rule: Color::DarkGray,
    focus: Color::LightCyan,
    good: Color::Green,
    warning: Color::Yellow,
    critical: Color::LightRed,
    information: Color::LightBlue,
    key: Color::LightCyan,
};

const LIGHT: Palette = Palette {
    quiet: Color::Indexed(241),
    rule: Color::Gray,
    focus: Color::Blue,
    good: Color::Indexed(28),
    warning: Color::Indexed(130),
    critical: Color::Red,
    information: Color::Blue,
    key: Color::Blue,
};

/// After Okabe and Ito: blue for good and orange for warnings stay apart in every kind of colour blindness.
const COLOUR_BLIND: Palette = Palette {
    quiet: Color::Indexed(244),
    rule: Color::Indexed(240),
    focus: Color::Indexed(39),
    good: Color::Indexed(33),
    warning: Color::Indexed(214),
    critical: Color::Indexed(166),
    information: Color::Indexed(74),
    key: Color::Indexed(39),
};

fn coloured(meaning: Meaning, palette: &Palette) -> Style {
    let plain = Style::new();
    match meaning {
        Meaning::Text | Meaning::Input => plain,
        Meaning::Title | Meaning::SelectedElsewhere => plain.add_modifier(Modifier::BOLD),
        Meaning::Quiet | Meaning::Column => plain.fg(palette.quiet),
        Meaning::Rule | Meaning::BarLeft => plain.fg(palette.rule),
        Meaning::FocusedTitle | Meaning::Selected => plain.fg(palette.focus).add_modifier(Modifier::BOLD),
        Meaning::Good | Meaning::Added => plain.fg(palette.good),
        Meaning::Warning | Meaning::Changed => plain.fg(palette.warning),
        Meaning::Critical | Meaning::Removed => plain.fg(palette.critical),
        Meaning::Information | Meaning::BarDone => plain.fg(palette.information),
        Meaning::Context => plain.fg(palette.information).add_modifier(Modifier::BOLD),
        Meaning::Mark => plain
            .fg(palette.warning)
            .add_modifier(Modifier::BOLD | Modifier::REVERSED),
        Meaning::Key => plain.fg(palette.key),
    }
}

fn monochrome(meaning: Meaning) -> Style {
    let plain = Style::new();
    match meaning {
        Meaning::Text
        | Meaning::Quiet
        | Meaning::Rule
        | Meaning::Good
        | Meaning::Information
        | Meaning::Added
        | Meaning::BarDone
        | Meaning::BarLeft
        | Meaning::Input => plain,
        Meaning::Column => plain.add_modifier(Modifier::UNDERLINED),
        Meaning::Title
        | Meaning::SelectedElsewhere
        | Meaning::Warning
        | Meaning::Changed
        | Meaning::Context
        | Meaning::Key => plain.add_modifier(Modifier::BOLD),
        Meaning::FocusedTitle => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        Meaning::Selected => plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
        Meaning::Critical | Meaning::Removed | Meaning::Mark => plain.add_modifier(Modifier::REVERSED),
    }
}

/// The symbols of the screen. Each takes one column in every font and locale that the set is for.
#[derive(Debug)]
pub struct Symbols {
    /// Marks the selected row.
    pub marker: &'static str,
    /// All is well; verified; done.
    pub good: &'static str,
    /// Late; a warning.
    pub warning: &'static str,
    /// Failed; damaged.
    pub critical: &'static str,
    /// Good to know.
    pub information: &'static str,
    /// Work goes on.
    pub running: &'static str,
    /// Waiting, still to come, nothing there.
    pub empty: &'static str,
    /// Filled; connected.
    pub full: &'static str,
    /// Maintenance mode.
    pub maintenance: &'static str,
    /// Protected.
    pub protected: &'static str,
    /// Nothing to fill.
    pub none: &'static str,
    /// The rest of a text that did not fit.
    pub more: &'static str,
    /// Between steps.
    pub next: &'static str,
    /// Between facts on one line.
    pub dot: &'static str,
    /// A line across, down, and where they meet.
    pub across: &'static str,
    /// A line down.
    pub down: &'static str,
    /// Where a line down begins under a line across.
    pub tee_down: &'static str,
    /// Where a line down ends at a line across.
    pub tee_up: &'static str,
    /// Where a line across begins at a line down.
    pub tee_right: &'static str,
    /// The corners of a frame: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
    /// The finished part of a bar.
    pub bar_done: &'static str,
    /// The rest of it.
    pub bar_left: &'static str,
    /// There is more above.
    pub up: &'static str,
    /// There is more below.
    pub below: &'static str,
}

impl Symbols {
    /// Whether they are for terminals that show ASCII only.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.more.is_ascii()
    }
}

/// For terminals in a UTF-8 locale.
pub static UNICODE: Symbols = Symbols {
    marker: "▸",
    good: "✓",
    warning: "!",
    critical: "✗",
    information: "i",
    running: "▶",
    empty: "○",
    full: "●",
    maintenance: "‖",
    protected: "◆",
    none: "·",
    more: "…",
    next: "›",
    dot: "·",
    across: "─",
    down: "│",
    tee_down: "┬",
    tee_up: "┴",
    tee_right: "├",
    corners: ["╭", "╮", "╰", "╯"],
    bar_done: "█",
    bar_left: "░",
    up: "↑",
    below: "↓",
};

/// For every other terminal.
pub static ASCII: Symbols = Symbols {
    marker: ">",
    good: "+",
    warning: "!",
    critical: "x",
    information: "i",
    running: "*",
    empty: "o",
    full: "@",
    maintenance: "=",
    protected: "#",
    none: ".",
    more: "~",
    next: ">",
    dot: "-",
    across: "-",
    down: "|",
    tee_down: "+",
    tee_up: "+",
    tee_right: "+",
    corners: ["+", "+", "+", "+"],
    bar_done: "#",
    bar_left: ".",
    up: "^",
    below: "v",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monochrome_uses_no_colour_whatever_the_accent() {
        let theme = Theme::new(ThemeChoice::Monochrome, Some(Accent::Red), false);
        for meaning in Meaning::ALL {
            let style = theme.style(meaning);
            assert_eq!((style.fg, style.bg), (None, None), "{meaning:?}");
        }
    }

    #[test]
    fn themes_are_found_by_their_names() {
        for choice in ThemeChoice::ALL {
            assert_eq!(choice.label().parse(), Ok(choice));
        }
        assert!("pink".parse::<ThemeChoice>().is_err());
    }
}
