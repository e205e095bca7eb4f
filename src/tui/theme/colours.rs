//! The colours of the themes. The only file of the cockpit that names one.
//!
//! All of them are of the 240 that look the same in every terminal, so that how well they can be read is known and can be
//! tested: the sixteen named ones are whatever the terminal's palette makes of them. The background is the terminal's own,
//! and so is ordinary text.

use ratatui::style::{Color, Modifier, Style};

use super::{Accent, Meaning};

/// The colours of one theme on one background.
pub(super) struct Palette {
    quiet: Color,
    rule: Color,
    focus: Color,
    good: Color,
    warning: Color,
    critical: Color,
    information: Color,
    key: Color,
    accents: &'static Accents,
    /// Ordinary text on a selected row, whose background is the theme's and not the terminal's.
    text: Color,
    /// Behind the selected row of the pane that has the keys.
    selected: Color,
    /// Behind that of another pane.
    selected_elsewhere: Color,
}

/// The colours of contexts.
struct Accents {
    red: Color,
    yellow: Color,
    green: Color,
    blue: Color,
    magenta: Color,
    cyan: Color,
}

const ON_DARK: Accents = Accents {
    red: Color::Indexed(210),
    yellow: Color::Indexed(221),
    green: Color::Indexed(78),
    blue: Color::Indexed(75),
    magenta: Color::Indexed(213),
    cyan: Color::Indexed(87),
};

const ON_LIGHT: Accents = Accents {
    red: Color::Indexed(124),
    yellow: Color::Indexed(94),
    green: Color::Indexed(22),
    blue: Color::Indexed(25),
    magenta: Color::Indexed(90),
    cyan: Color::Indexed(23),
};

pub(super) const DARK: Palette = Palette {
    quiet: Color::Indexed(248),
    rule: Color::Indexed(240),
    focus: Color::Indexed(87),
    good: Color::Indexed(78),
    warning: Color::Indexed(221),
    critical: Color::Indexed(210),
    information: Color::Indexed(117),
    key: Color::Indexed(87),
    accents: &ON_DARK,
    text: Color::Indexed(255),
    selected: Color::Indexed(237),
    selected_elsewhere: Color::Indexed(235),
};

pub(super) const LIGHT: Palette = Palette {
    quiet: Color::Indexed(240),
    rule: Color::Indexed(248),
    focus: Color::Indexed(26),
    good: Color::Indexed(22),
    warning: Color::Indexed(94),
    critical: Color::Indexed(124),
    information: Color::Indexed(25),
    key: Color::Indexed(26),
    accents: &ON_LIGHT,
    text: Color::Indexed(16),
    selected: Color::Indexed(254),
    selected_elsewhere: Color::Indexed(255),
};

/// After Okabe and Ito: blue for good and orange for warnings stay apart in every kind of colour blindness.
pub(super) const COLOUR_BLIND_DARK: Palette = Palette {
    good: Color::Indexed(75),
    warning: Color::Indexed(214),
    critical: Color::Indexed(209),
    ..DARK
};

/// The same on a light background, where only the dark shades of them can be read.
pub(super) const COLOUR_BLIND_LIGHT: Palette = Palette {
    good: Color::Indexed(25),
    warning: Color::Indexed(94),
    critical: Color::Indexed(124),
    information: Color::Indexed(19),
    ..LIGHT
};

impl Palette {
    /// The style that shows a meaning; `accent` is the colour of the context.
    pub(super) fn style(&self, meaning: Meaning, accent: Option<Accent>) -> Style {
        let plain = Style::new();
        match meaning {
            Meaning::Text | Meaning::Input => plain,
            Meaning::Title | Meaning::SelectedElsewhere => plain.add_modifier(Modifier::BOLD),
            Meaning::Quiet | Meaning::Column => plain.fg(self.quiet),
            Meaning::Rule | Meaning::BarLeft => plain.fg(self.rule),
            Meaning::FocusedTitle | Meaning::Selected => plain.fg(self.focus).add_modifier(Modifier::BOLD),
            Meaning::Good | Meaning::Added => plain.fg(self.good),
            Meaning::Headline => plain
                .fg(self.good)
                .add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Meaning::Warning | Meaning::Changed => plain.fg(self.warning),
            Meaning::Critical | Meaning::Removed => plain.fg(self.critical),
            Meaning::Information | Meaning::BarDone => plain.fg(self.information),
            Meaning::Context => match accent {
                Some(accent) => plain
                    .fg(self.accents.of(accent))
                    .add_modifier(Modifier::REVERSED | Modifier::BOLD),
                None => plain.fg(self.information).add_modifier(Modifier::BOLD),
            },
            Meaning::Mark => plain
                .fg(self.warning)
                .add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Meaning::Key => plain.fg(self.key),
        }
    }

    /// How a cell of a selected row looks. What is ordinary or quiet elsewhere is ordinary text in it: what has a colour
    /// keeps it.
    pub(super) fn selected(&self, fg: Color, focused: bool) -> Style {
        let (text, behind) = if focused {
            (self.text, self.selected)
        } else {
            (self.text, self.selected_elsewhere)
        };
        let is_ordinary = fg == Color::Reset || fg == self.quiet || fg == self.rule;
        Style::new().fg(if is_ordinary { text } else { fg }).bg(behind)
    }
}

impl Accents {
    fn of(&self, accent: Accent) -> Color {
        match accent {
            Accent::Red => self.red,
            Accent::Yellow => self.yellow,
            Accent::Green => self.green,
            Accent::Blue => self.blue,
            Accent::Magenta => self.magenta,
            Accent::Cyan => self.cyan,
        }
    }
}

/// Without any colour.
pub(super) fn monochrome(meaning: Meaning) -> Style {
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
        Meaning::Selected | Meaning::Headline => plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
        Meaning::Critical | Meaning::Removed | Meaning::Mark => plain.add_modifier(Modifier::REVERSED),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Background, Theme, ThemeChoice};
    use super::*;

    /// Backgrounds that terminals have: black, and those of well-known schemes.
    const DARK_ONES: [(u8, u8, u8); 4] = [(0, 0, 0), (0x1e, 0x1e, 0x1e), (0x28, 0x2c, 0x34), (0, 0x2b, 0x36)];
    const LIGHT_ONES: [(u8, u8, u8); 4] = [
        (0xff, 0xff, 0xff),
        (0xfd, 0xf6, 0xe3),
        (0xef, 0xf1, 0xf5),
        (0xee, 0xee, 0xee),
    ];

    /// The colour of a number, as every terminal that has 256 of them shows it.
    fn shown(colour: Color) -> (u8, u8, u8) {
        const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        let Color::Indexed(number @ 16..) = colour else {
            panic!("{colour:?} looks different in each terminal");
        };
        if number >= 232 {
            let grey = 8 + 10 * (number - 232);
            return (grey, grey, grey);
        }
        let step = |by: u8| STEPS[usize::from((number - 16) / by % 6)];
        (step(36), step(6), step(1))
    }

    fn luminance((red, green, blue): (u8, u8, u8)) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(one: (u8, u8, u8), other: (u8, u8, u8)) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// WCAG 2, level AA, for text of ordinary size.
    const READABLE: f64 = 4.5;

    #[test]
    fn every_text_of_every_theme_can_be_read_on_its_background() {
        for (background, behind) in [(Background::Dark, DARK_ONES), (Background::Light, LIGHT_ONES)] {
            for choice in [ThemeChoice::Auto, ThemeChoice::ColourBlind] {
                for accent in [None].into_iter().chain(Accent::ALL.map(Some)) {
                    let theme = Theme::new(choice, accent, false).on(background);
                    // Lines and the empty part of a bar say nothing that is not said beside them.
                    let carries_text =
                        |meaning: &Meaning| !matches!(meaning, Meaning::Rule | Meaning::BarLeft);
                    for meaning in Meaning::ALL.into_iter().filter(carries_text) {
                        let style = theme.style(meaning);
                        // Ordinary text is the terminal's own on its own. Reversed is as readable as not reversed.
                        if let Some(fg) = style.fg {
                            for behind in behind {
                                let contrast = contrast(shown(fg), behind);
                                assert!(
                                    contrast >= READABLE,
                                    "{choice} {meaning:?} on {behind:?}: {contrast:.2}"
                                );
                            }
                        }
                        for focused in [true, false] {
                            let style = theme.selected(style, focused);
                            let (fg, bg) = (shown(style.fg.unwrap()), shown(style.bg.unwrap()));
                            let contrast = contrast(fg, bg);
                            assert!(
                                contrast >= READABLE,
                                "{choice} {meaning:?} selected: {contrast:.2}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn dark_and_light_are_what_they_are_whatever_the_terminal_says() {
        for background in [Background::Dark, Background::Light] {
            let of = |choice, background| {
                let theme = Theme::new(choice, None, false).on(background);
                Meaning::ALL.map(|meaning| theme.style(meaning))
            };
            assert_eq!(
                of(ThemeChoice::Dark, background),
                of(ThemeChoice::Auto, Background::Dark)
            );
            assert_eq!(
                of(ThemeChoice::Light, background),
                of(ThemeChoice::Auto, Background::Light)
            );
        }
    }
}
