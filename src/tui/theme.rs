//! Colours by meaning, and the symbols that say the same without colour.
//!
//! Views ask for a meaning ([`Meaning`]) and get a style; which one depends on the theme and on the terminal's background.
//! No meaning rests on colour alone: each has a symbol or a word beside it. The colours themselves are in `colours`.

mod colours;

use std::fmt;
use std::str::FromStr;

use ratatui::style::{Modifier, Style};

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
    /// The moment that counts has come: it stands over the whole width.
    Headline,
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
    pub const ALL: [Self; 22] = [
        Self::Text,
        Self::Quiet,
        Self::Title,
        Self::FocusedTitle,
        Self::Rule,
        Self::Column,
        Self::Selected,
        Self::SelectedElsewhere,
        Self::Good,
        Self::Headline,
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
    /// Dark or light, as the terminal's background is.
    #[default]
    Auto,
    /// For terminals with a dark background.
    Dark,
    /// For terminals with a light background.
    Light,
    /// Blue and orange instead of green and red, for the background that the terminal has.
    ColourBlind,
    /// No colour at all: bold, underlined, reversed.
    Monochrome,
}

/// The name of a theme or an accent that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// Not a theme.
    #[error("\"{0}\" is not a theme: choose auto, dark, light, colour-blind or monochrome")]
    NotATheme(String),
    /// Not an accent.
    #[error("\"{0}\" is not an accent: choose red, yellow, green, blue, magenta or cyan")]
    NotAnAccent(String),
}

impl ThemeChoice {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Auto,
        Self::Dark,
        Self::Light,
        Self::ColourBlind,
        Self::Monochrome,
    ];

    /// Whether it looks different on a dark and on a light background.
    #[must_use]
    pub fn follows_the_background(self) -> bool {
        matches!(self, Self::Auto | Self::ColourBlind)
    }

    /// The word for it, in configuration files and on the command line.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Auto => "auto",
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

impl Accent {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Red,
        Self::Yellow,
        Self::Green,
        Self::Blue,
        Self::Magenta,
        Self::Cyan,
    ];
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

/// What a terminal writes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Background {
    /// Light text on it can be read.
    #[default]
    Dark,
    /// Dark text on it can be read.
    Light,
}

impl Background {
    /// What a colour is, given as the parts of it from 0 to 65,535.
    #[must_use]
    pub fn of_colour(red: u16, green: u16, blue: u16) -> Self {
        // How bright a colour looks, in thousandths: green counts for most.
        let brightness = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
        if brightness / 1000 > u32::from(u16::MAX) / 2 {
            Self::Light
        } else {
            Self::Dark
        }
    }

    /// What the variable `COLORFGBG` says, which some terminals set: `15;0`, or `0;default;15`. The last number is the
    /// background's in the palette of sixteen colours.
    #[must_use]
    pub fn of_variable(value: &str) -> Option<Self> {
        let number: u8 = value.rsplit(';').next()?.trim().parse().ok()?;
        match number {
            7 | 9..=15 => Some(Self::Light),
            0..=6 | 8 => Some(Self::Dark),
            _ => None,
        }
    }
}

/// A theme as views use it.
#[derive(Debug, Clone)]
pub struct Theme {
    choice: ThemeChoice,
    accent: Option<Accent>,
    background: Background,
    /// The symbols to draw with.
    pub symbols: &'static Symbols,
}

impl Theme {
    /// A theme, with the context's accent, in Unicode or in ASCII only, on a dark background.
    #[must_use]
    pub fn new(choice: ThemeChoice, accent: Option<Accent>, ascii: bool) -> Self {
        Self {
            choice,
            accent,
            background: Background::Dark,
            symbols: if ascii { &ASCII } else { &UNICODE },
        }
    }

    /// The same on a background. A theme that was made for one of them stays as it is.
    #[must_use]
    pub fn on(self, background: Background) -> Self {
        Self { background, ..self }
    }

    /// The same with the accent of another context.
    #[must_use]
    pub fn with_accent(&self, accent: Option<Accent>) -> Self {
        Self {
            accent,
            ..self.clone()
        }
    }

    /// The colours; `None` for a theme without any.
    fn palette(&self) -> Option<&'static colours::Palette> {
        Some(match (self.choice, self.background) {
            (ThemeChoice::Dark, _) | (ThemeChoice::Auto, Background::Dark) => &colours::DARK,
            (ThemeChoice::Light, _) | (ThemeChoice::Auto, Background::Light) => &colours::LIGHT,
            (ThemeChoice::ColourBlind, Background::Dark) => &colours::COLOUR_BLIND_DARK,
            (ThemeChoice::ColourBlind, Background::Light) => &colours::COLOUR_BLIND_LIGHT,
            (ThemeChoice::Monochrome, _) => return None,
        })
    }

    /// The style that shows a meaning.
    #[must_use]
    pub fn style(&self, meaning: Meaning) -> Style {
        match self.palette() {
            Some(palette) => palette.style(meaning, self.accent),
            None => colours::monochrome(meaning),
        }
    }

    /// How something looks on a selected row, in the pane that has the keys or in another one.
    #[must_use]
    pub fn selected(&self, style: Style, focused: bool) -> Style {
        match self.palette() {
            Some(palette) => style.patch(palette.selected(style.fg.unwrap_or_default(), focused)),
            None if focused => style.add_modifier(Modifier::REVERSED),
            None => style,
        }
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
    /// Where a line across ends at a line down.
    pub tee_left: &'static str,
    /// Where both cross.
    pub cross: &'static str,
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
    tee_left: "┤",
    cross: "┼",
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
    tee_left: "+",
    cross: "+",
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
    fn what_terminals_say_of_their_background_is_understood() {
        use Background::{Dark, Light};
        for (colour, background) in [
            ((0, 0, 0), Dark),
            ((0xffff, 0xffff, 0xffff), Light),
            ((0x2828, 0x2c2c, 0x3434), Dark),
            ((0xfdfd, 0xf6f6, 0xe3e3), Light),
        ] {
            let (red, green, blue) = colour;
            assert_eq!(Background::of_colour(red, green, blue), background, "{colour:?}");
        }
        for (value, background) in [
            ("15;0", Some(Dark)),
            ("0;15", Some(Light)),
            ("0;default;15", Some(Light)),
            ("7;8", Some(Dark)),
            ("0;7", Some(Light)),
            ("default;default", None),
            ("", None),
        ] {
            assert_eq!(Background::of_variable(value), background, "{value}");
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
