//! What a terminal shows of what was painted.

use proptest::prelude::*;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::*;
use crate::tui::theme::{Meaning, Theme, ThemeChoice};
use crate::tui::view::canvas::Canvas;

fn frame(lines: &[&str]) -> Frame {
    Frame {
        buffer: Buffer::with_lines(lines.iter().map(|line| (*line).to_owned())),
        cursor: None,
    }
}

#[test]
fn the_same_frame_twice_writes_nothing() {
    let mut painter = Painter::default();
    assert!(!painter.encode(frame(&["abc"])).is_empty());
    assert!(painter.encode(frame(&["abc"])).is_empty());
}

#[test]
fn small_gaps_are_written_over_and_blanks_erased() {
    let mut painter = Painter::default();
    painter.encode(frame(&["abcdef long text that goes"]));
    let bytes = painter.encode(frame(&["Abcdef                    "]));
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text, "\x1b[?2026h\x1b[1;1HA\x1b[6C\x1b[K\x1b[?2026l");
}

#[test]
fn blanks_are_written_where_that_is_shorter_than_erasing_them() {
    let between = |blanks: usize| {
        let mut painter = Painter::default();
        let before = format!("{}bc|", "x".repeat(blanks));
        let after = format!("{}BC|", " ".repeat(blanks));
        painter.encode(frame(&[&before]));
        let text = String::from_utf8(painter.encode(frame(&[&after]))).unwrap();
        let text = text.trim_start_matches("\x1b[?2026h\x1b[1;1H").to_owned();
        text.trim_end_matches("\x1b[?2026l").to_owned()
    };
    // Erasing leaves the cursor where it was.
    assert_eq!(between(8), "        BC");
    assert_eq!(between(9), "\x1b[9X\x1b[9CBC");
}

#[test]
fn a_row_stays_in_line_whatever_a_terminal_takes_its_emoji_for() {
    let mut painter = Painter::default();
    let text = String::from_utf8(painter.encode(frame(&["a👍b日c│d"]))).unwrap();
    assert!(text.contains("a👍\x1b[1;4Hb日c│d"), "{text:?}");
}

#[test]
fn named_colours_take_their_short_form() {
    let mut painter = Painter::default();
    painter.encode(frame(&["ab"]));
    let mut next = frame(&["ab"]);
    next.buffer
        .set_style(Rect::new(0, 0, 1, 1), Style::new().fg(Color::Red));
    let text = String::from_utf8(painter.encode(next)).unwrap();
    assert_eq!(text, "\x1b[?2026h\x1b[1;1H\x1b[31ma\x1b[m\x1b[?2026l");
}

/// What a terminal shows: each cell's text and whether it is bold, reversed and in which colour.
fn seen(parser: &vt100::Parser, area: Rect) -> Vec<(String, bool, bool, vt100::Color)> {
    area.positions()
        .filter_map(|at| parser.screen().cell(at.y, at.x))
        .map(|cell| {
            let text = if cell.contents().is_empty() {
                " "
            } else {
                cell.contents()
            };
            // The colour of a blank cannot be seen.
            let colour = if text == " " {
                vt100::Color::Default
            } else {
                cell.fgcolor()
            };
            let bold = text != " " && cell.bold();
            (text.to_owned(), bold, cell.inverse(), colour)
        })
        .collect()
}

fn any_frame() -> impl Strategy<Value = Buffer> {
    // One piece a row: buffers in which one wide character covers half of another are not well-formed.
    let piece = (0_u16..30, "[a-c 日é]{0,12}", 0_usize..5);
    proptest::collection::vec(piece, 0..7).prop_map(|pieces| {
        let styles = [
            Style::new(),
            Style::new().fg(Color::Red),
            Style::new().fg(Color::LightBlue).add_modifier(Modifier::BOLD),
            Style::new().add_modifier(Modifier::REVERSED),
            Style::new().fg(Color::Indexed(208)),
        ];
        let mut buffer = Buffer::empty(Rect::new(0, 0, 30, 6));
        for ((x, text, style), y) in pieces.into_iter().zip(0..6) {
            buffer.set_string(x, y, text, styles[style]);
        }
        buffer
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_stands_behind_any_text_is_in_its_column(
        texts in proptest::collection::vec(prop_oneof![any::<String>(), "[ﾞﾊ❤\u{fe0f}👍🏽👩\u{200d}💻🇩🇪1\u{20e3}لاក្日a\u{301} ]{0,40}"], 3),
        ascii in any::<bool>(),
    ) {
        let theme = Theme::new(ThemeChoice::Dark, None, ascii);
        let mut painter = Painter::default();
        let mut terminal = vt100::Parser::new(1, 40, 0);
        for text in texts {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 1));
            let mut canvas = Canvas::new(&mut buffer, &theme);
            let end = canvas.text(2, 0, 36, &text, Meaning::Text) + 2;
            canvas.text(38, 0, 1, "|", Meaning::Text);
            terminal.process(&painter.encode(Frame { buffer, cursor: None }));
            let shown = |x: u16| terminal.screen().cell(0, x).unwrap().contents().trim().to_owned();
            prop_assert_eq!(shown(38), "|");
            for x in (0..2).chain(end..38) {
                prop_assert_eq!(shown(x), "", "column {}", x);
            }
        }
    }

    #[test]
    fn a_terminal_shows_what_was_drawn(frames in proptest::collection::vec(any_frame(), 1..6)) {
        let mut painter = Painter::default();
        let mut stepwise = vt100::Parser::new(6, 30, 0);
        for buffer in frames {
            let area = buffer.area;
            stepwise.process(&painter.encode(Frame { buffer: buffer.clone(), cursor: None }));
            let mut whole = vt100::Parser::new(6, 30, 0);
            whole.process(&Painter::default().encode(Frame { buffer: buffer.clone(), cursor: None }));
            prop_assert_eq!(seen(&stepwise, area), seen(&whole, area));
            for at in area.positions() {
                let cell = &buffer[at];
                let shown = stepwise.screen().cell(at.y, at.x).map(|cell| cell.contents().to_owned());
                if cell.symbol() != " " {
                    prop_assert_eq!(shown, Some(cell.symbol().to_owned()));
                }
            }
        }
    }
}
