//! A frame as a snapshot: its text, and below it a map of its styles, since text alone would not show a lost colour.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lifeboat::tui::paint::Frame;
use lifeboat::tui::theme::{Accent, Meaning, Theme, ThemeChoice};
use ratatui::style::{Color, Modifier};

use super::runner::text_of;

/// The colours that contexts have.
const ACCENTS: [Option<Accent>; 7] = [
    None,
    Some(Accent::Red),
    Some(Accent::Yellow),
    Some(Accent::Green),
    Some(Accent::Blue),
    Some(Accent::Magenta),
    Some(Accent::Cyan),
];

/// A style as a cell has it.
type Look = (Color, Color, Modifier);

/// The frame's text and, for each row, which columns have which style: `3: B0-7 C12-20` says that in row 3 the columns
/// 0 to 7 look like B. The legend says which meanings of the theme look like that.
pub fn picture(frame: &Frame, theme: &Theme) -> String {
    let mut letters: BTreeMap<String, char> = BTreeMap::new();
    let mut order = Vec::new();
    let mut map = String::new();
    let area = frame.buffer.area;
    for y in 0..area.height {
        let mut runs: Vec<(char, u16, u16)> = Vec::new();
        for x in 0..area.width {
            let cell = &frame.buffer[(x, y)];
            let look = (cell.fg, cell.bg, cell.modifier);
            if look == (Color::Reset, Color::Reset, Modifier::empty()) {
                continue;
            }
            let words = described(look, theme);
            let next = char::from(b'A' + u8::try_from(letters.len()).unwrap());
            let letter = *letters.entry(words.clone()).or_insert_with(|| {
                order.push((next, words));
                next
            });
            match runs.last_mut() {
                Some((last, _, end)) if *last == letter && *end + 1 == x => *end = x,
                _ => runs.push((letter, x, x)),
            }
        }
        if !runs.is_empty() {
            let runs: Vec<_> = runs
                .into_iter()
                .map(|(letter, from, to)| format!("{letter}{from}-{to}"))
                .collect();
            writeln!(map, "{y}: {}", runs.join(" ")).unwrap();
        }
    }
    let mut picture = text_of(frame);
    picture.push_str("--- styles\n");
    picture.push_str(&map);
    for (letter, words) in order {
        writeln!(picture, "{letter} = {words}").unwrap();
    }
    if let Some(cursor) = frame.cursor {
        writeln!(picture, "cursor at {},{}", cursor.x, cursor.y).unwrap();
    }
    picture
}

/// The meanings that look like this, and how it looks.
fn described((fg, bg, modifier): Look, theme: &Theme) -> String {
    let meanings: Vec<_> = Meaning::ALL
        .into_iter()
        .filter(|meaning| {
            let style = theme.style(*meaning);
            style.fg.unwrap_or_default() == fg
                && style.bg.unwrap_or_default() == bg
                && style.add_modifier == modifier
        })
        .map(|meaning| format!("{meaning:?}"))
        .collect();
    let selected = |focused: bool| -> Vec<String> {
        let looks_so = |meaning: &Meaning| {
            let style = theme.selected(theme.style(*meaning), focused);
            style.fg.unwrap_or_default() == fg
                && style.bg.unwrap_or_default() == bg
                && style.add_modifier == modifier
        };
        let meanings = Meaning::ALL.into_iter().filter(looks_so);
        meanings.map(|meaning| format!("{meaning:?}")).collect()
    };
    for (focused, words) in [(true, "selected"), (false, "selected elsewhere")] {
        let of_row = selected(focused);
        if meanings.is_empty() && !of_row.is_empty() {
            return format!("{} {words} ({fg:?} on {bg:?} {modifier:?})", of_row.join("/"));
        }
    }
    let looks_so = |accent: &Option<Accent>| {
        let style = Theme::new(ThemeChoice::Dark, *accent, false).style(Meaning::Context);
        style.fg == Some(fg) && style.add_modifier == modifier
    };
    if meanings.is_empty() && ACCENTS.iter().any(looks_so) {
        return format!("another context ({fg:?} {modifier:?})");
    }
    assert!(
        !meanings.is_empty(),
        "a style that the theme does not have: {fg:?} {bg:?} {modifier:?}"
    );
    format!("{} ({fg:?} {modifier:?})", meanings.join("/"))
}
