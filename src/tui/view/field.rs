//! One line in which something is typed. Where there is more than fits, the part around the cursor is shown.

use ratatui::layout::{Position, Rect};
use tui_input::Input;

use super::canvas::Canvas;
use crate::domain::{columns, printable};
use crate::tui::theme::Meaning;

/// Draws what has been typed. Returns where the cursor stands.
pub fn draw(canvas: &mut Canvas<'_>, input: &Input, area: Rect) -> Position {
    let (shown, before) = around_cursor(input, usize::from(area.width));
    canvas.text(area.x, area.y, area.width, &shown, Meaning::Input);
    let before = u16::try_from(before).unwrap_or(u16::MAX);
    let last = area.right().saturating_sub(1);
    Position::new(area.x.saturating_add(before).min(last), area.y)
}

/// The text from where it fits with the cursor inside, and how many columns are before the cursor. The cursor takes one
/// itself.
fn around_cursor(input: &Input, width: usize) -> (String, usize) {
    let before: String = input.value().chars().take(input.cursor()).collect();
    // What is shown of a text begins with what is shown of its beginning.
    let before = printable::line(&before);
    let whole = printable::line(input.value());
    let mut wide = columns::count(&before);
    let mut skipped = 0;
    for cluster in columns::clusters(&before) {
        if wide < width {
            break;
        }
        wide -= columns::count(cluster);
        skipped += cluster.len();
    }
    (whole.get(skipped..).unwrap_or_default().to_owned(), wide)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wide_text_scrolls_by_columns() {
        let input = Input::new("日本語日本語".to_owned());
        assert_eq!(around_cursor(&input, 7), ("日本語".to_owned(), 6));
        let input = Input::new("日本語".to_owned()).with_cursor(1);
        assert_eq!(around_cursor(&input, 7), ("日本語".to_owned(), 2));
        let input = Input::new("a\u{200b}b".to_owned());
        assert_eq!(around_cursor(&input, 7), ("a\u{fffd}b".to_owned(), 3));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_cursor_stands_behind_what_was_typed(text in any::<String>(), at in 0_usize..40, width in 1_usize..20) {
            let input = Input::new(text).with_cursor(at);
            let (shown, before) = around_cursor(&input, width);
            prop_assert!(before < width);
            prop_assert!(columns::count(&shown) >= before);
            let whole = printable::line(input.value());
            prop_assert!(whole.ends_with(&shown));
        }
    }
}
