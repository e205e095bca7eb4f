//! What a whole control sequence stands for: a key, a click, a size, or nothing.

use ratatui::layout::Size;

use super::Decoded;
use crate::tui::key::Key;
use crate::tui::theme::Background;

/// The key of a sequence that ends with this letter.
pub(super) fn letter_key(letter: u8) -> Option<Key> {
    Some(match letter {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        _ => return None,
    })
}

/// What a whole control sequence stands for.
pub(super) fn whole(bytes: &[u8], last: u8) -> Option<Decoded> {
    if let Some(mouse) = bytes.strip_prefix(b"<") {
        return (last == b'M').then(|| clicked(mouse)).flatten();
    }
    let numbers = numbers(bytes)?;
    let first = numbers.first().copied().unwrap_or(0);
    let second = numbers.get(1).copied();
    let key = match last {
        b'R' => return corner(first, second?),
        b'I' | b'O' if bytes.is_empty() => return Some(Decoded::Focus(last == b'I')),
        b'Z' => Key::BackTab,
        b'~' => match first {
            1 | 7 => Key::Home,
            4 | 8 => Key::End,
            3 => Key::Delete,
            5 => Key::PageUp,
            6 => Key::PageDown,
            _ => return None,
        },
        letter => letter_key(letter)?,
    };
    // One more than a sum: 1 for Shift, 2 for Alt, 4 for Ctrl, 8 for Meta.
    let with = second.unwrap_or(1).saturating_sub(1);
    Some(if with & (2 | 8) == 0 {
        Decoded::Key(key)
    } else {
        Decoded::Alt(key)
    })
}

/// What a whole text stands for that a terminal has sent by itself; its first byte says of which kind it is.
pub(super) fn told(text: &[u8]) -> Option<Decoded> {
    let colour = text.strip_prefix(b"]11;")?;
    let colour = std::str::from_utf8(colour).ok()?;
    let (_, parts) = colour
        .split_once(':')
        .filter(|(form, _)| matches!(*form, "rgb" | "rgba"))?;
    let mut parts = parts.split('/').map(part_of_colour);
    let (red, green, blue) = (parts.next()??, parts.next()??, parts.next()??);
    Some(Decoded::Background(Background::of_colour(red, green, blue)))
}

/// One to four hexadecimal digits, as a part of 65,535.
fn part_of_colour(digits: &str) -> Option<u16> {
    let most = match digits.len() {
        1 => 0xf,
        2 => 0xff,
        3 => 0xfff,
        4 => 0xffff,
        _ => return None,
    };
    let value = u32::from_str_radix(digits, 16).ok()?;
    u16::try_from(value * 0xffff / most).ok()
}

/// The numbers of a sequence; `None` where there is something else in it.
fn numbers(bytes: &[u8]) -> Option<Vec<u16>> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split(';')
        .map(|number| if number.is_empty() { Ok(0) } else { number.parse() })
        .collect::<Result<_, _>>()
        .ok()
}

fn corner(rows: u16, columns: u16) -> Option<Decoded> {
    (rows > 0 && columns > 0).then_some(Decoded::Corner(Size {
        width: columns,
        height: rows,
    }))
}

/// The button and the place of a mouse report.
fn clicked(bytes: &[u8]) -> Option<Decoded> {
    let [button, column, row] = numbers(bytes)?.try_into().ok()?;
    // Shift, Alt and Ctrl are added to the button's number.
    match button & !(4 | 8 | 16) {
        0 => Some(Decoded::Click {
            column: column.checked_sub(1)?,
            row: row.checked_sub(1)?,
        }),
        64 => Some(Decoded::Wheel { up: true }),
        65 => Some(Decoded::Wheel { up: false }),
        _ => None,
    }
}
