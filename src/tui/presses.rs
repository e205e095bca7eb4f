//! Whether keys were pressed by a hand, one by one: what starts, deletes or confirms something wants to know. Pure: the
//! time comes with the keys.
//!
//! Text that is pasted where the terminal does not mark it, keys that were held down, and keys that were typed ahead all
//! come as keys. None of them is an answer to a question that somebody has read.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::decode::Decoded;
use super::key::{Behind, How, Input, Key, Pasted, Press};

/// Keys that come closer to each other than this were not pressed one by one, except when it is the same key, held.
const GAP: Duration = Duration::from_millis(45);
/// The same key again within this time is the key held down (keyboards wait up to 660 ms before they repeat), or pressed
/// twice by a hand that meant once.
const HELD: Duration = Duration::from_millis(700);
/// So many letters in one go are text. Blanks and line ends alone are none.
const TEXT: usize = 3;
/// What comes this soon after such a text is more of it: a line brings a long one in pieces.
const MORE_TEXT: Duration = Duration::from_millis(90);
/// How many pauses in a row say how fast keys come.
const PAUSES: usize = 4;

/// Tells keys that were pressed one by one from others.
#[derive(Debug, Default)]
pub struct Presses {
    last: Option<(Key, Instant)>,
    /// When anything came last.
    before: Option<Instant>,
    /// How long nothing had come before what is sorted now.
    quiet: Duration,
    /// The last pauses, the newest last.
    pauses: VecDeque<Duration>,
    /// Whether what is sorted now came in one go with something else.
    in_one_go: bool,
    /// What came last.
    behind: Behind,
    /// How many keys came by themselves since the last text that nobody typed; none where there was none.
    since_text: Option<usize>,
}

impl Presses {
    /// What was read at one moment, as inputs.
    pub fn sort(&mut self, at: Instant, mut decoded: Vec<Decoded>) -> Vec<Input> {
        // What the terminal says of itself was pressed by nobody, and makes no key one that came together with others.
        let mut told = Vec::new();
        decoded.retain(|one| match one {
            Decoded::Background(background) => {
                told.push(Input::Background(*background));
                false
            }
            Decoded::Focus(has_it) => {
                told.push(Input::Focus(*has_it));
                false
            }
            _ => true,
        });
        if decoded.is_empty() {
            return told;
        }
        self.quiet = self
            .before
            .map_or(Duration::MAX, |before| at.saturating_duration_since(before));
        self.pauses.push_back(self.quiet);
        if self.pauses.len() > PAUSES {
            self.pauses.pop_front();
        }
        self.in_one_go = decoded.len() > 1;
        let together = self.quiet < GAP || self.in_one_go;
        self.before = Some(at);
        let mut inputs: Vec<Input> = Vec::new();
        let mut run = Vec::new();
        for one in decoded {
            let input = match one {
                Decoded::Key(key) => {
                    run.push(key);
                    None
                }
                Decoded::Alt(key) => Some(Input::Alt(key)),
                Decoded::Paste { text, left_out } => Some(Input::Paste(Pasted {
                    text,
                    left_out,
                    marked: true,
                })),
                Decoded::Wheel { up } => Some(Input::Wheel { up }),
                Decoded::Click { column, row } => Some(Input::Click { column, row }),
                Decoded::Corner(size) => Some(Input::Corner(size)),
                Decoded::Focus(has_it) => Some(Input::Focus(has_it)),
                Decoded::Background(background) => Some(Input::Background(background)),
                Decoded::Nothing => None,
            };
            if let Some(input) = input {
                self.keys(at, &std::mem::take(&mut run), together, &mut inputs);
                // Enter that was pasted is inside the marks. Behind them comes what was pressed, or what a program that
                // pastes sends as well, and no hand is as fast as that.
                self.behind = match input {
                    Input::Paste(_) => Behind::Keys,
                    _ => Behind::Hand,
                };
                inputs.push(input);
            }
        }
        self.keys(at, &run, together, &mut inputs);
        inputs.extend(told);
        inputs
    }

    /// Keys that came in one go.
    fn keys(&mut self, at: Instant, run: &[Key], together: bool, inputs: &mut Vec<Input>) {
        let all_the_same = run.windows(2).all(|pair| pair[0] == pair[1]);
        let mut text = Vec::new();
        for key in run.iter().copied().map(Some).chain([None]) {
            if let Some(key) = key
                && letter(key).is_some()
                && !all_the_same
            {
                text.push(key);
                continue;
            }
            self.letters(at, std::mem::take(&mut text), inputs);
            if let Some(key) = key {
                let repeated = run.len() > 1 && all_the_same;
                self.press(at, key, together, repeated, inputs);
            }
        }
    }

    /// Letters that came in one go: text where they are many, keys where they are few.
    fn letters(&mut self, at: Instant, keys: Vec<Key>, inputs: &mut Vec<Input>) {
        let seen = keys
            .iter()
            .filter(|key| matches!(key, Key::Char(c) if !c.is_whitespace()));
        if seen.count() < TEXT {
            for key in keys {
                self.press(at, key, true, false, inputs);
            }
            return;
        }
        self.last = keys.last().map(|key| (*key, at));
        self.behind = Behind::Text;
        self.since_text = Some(0);
        inputs.push(Input::Paste(Pasted {
            text: keys.into_iter().filter_map(letter).collect(),
            left_out: 0,
            marked: false,
        }));
    }

    /// The longest of the last pauses; without end where nothing had come before.
    fn pace(&self) -> Duration {
        let longest = self.pauses.iter().max().filter(|_| self.pauses.len() == PAUSES);
        longest.copied().unwrap_or(Duration::MAX)
    }

    fn press(&mut self, at: Instant, key: Key, together: bool, repeated: bool, inputs: &mut Vec<Input>) {
        let again = self
            .last
            .is_some_and(|(last, before)| last == key && at.saturating_duration_since(before) < HELD);
        self.last = Some((key, at));
        let how = if again || repeated {
            How::Again
        } else if together {
            How::Together
        } else {
            How::Alone
        };
        let this = match self.behind {
            Behind::Text if self.quiet < MORE_TEXT => Behind::Text,
            // A few letters behind a text may be the end of it that a line has held up: they have no pace yet.
            _ if self.in_one_go || self.since_text.is_some_and(|keys| keys < PAUSES) => Behind::Keys,
            _ => Behind::Hand,
        };
        self.since_text = self.since_text.map(|keys| keys.saturating_add(1));
        inputs.push(Input::Key(Press {
            key,
            how,
            quiet: self.quiet,
            pace: self.pace(),
            behind: std::mem::replace(&mut self.behind, this),
        }));
    }
}

/// The letter of a text that a key may stand for.
fn letter(key: Key) -> Option<char> {
    match key {
        Key::Char(c) => Some(c),
        Key::Enter | Key::Ctrl('j') => Some('\n'),
        Key::Tab => Some('\t'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::decode::Decoder;

    /// What comes of bytes, each piece so many milliseconds after the one before. How quiet it was is left out.
    fn inputs(pieces: &[(u64, &str)]) -> Vec<Input> {
        let (mut decoder, mut presses) = (Decoder::default(), Presses::default());
        let mut at = Instant::now();
        let mut inputs = Vec::new();
        for (after, bytes) in pieces {
            at += Duration::from_millis(*after);
            inputs.extend(presses.sort(at, decoder.feed(bytes.as_bytes())));
        }
        for input in &mut inputs {
            if let Input::Key(press) = input {
                *press = Press {
                    how: press.how,
                    ..Press::alone(press.key)
                };
            }
        }
        inputs
    }

    fn press(key: Key, how: How) -> Input {
        Input::Key(Press {
            how,
            ..Press::alone(key)
        })
    }

    fn text(text: &str) -> Input {
        Input::Paste(Pasted {
            text: text.to_owned(),
            left_out: 0,
            marked: false,
        })
    }

    #[test]
    fn keys_one_by_one_are_alone() {
        let typed = inputs(&[(0, "d"), (400, "y"), (200, "\x1b[A")]);
        let alone = [Key::Char('d'), Key::Char('y'), Key::Up].map(|key| press(key, How::Alone));
        assert_eq!(typed, alone);
    }

    #[test]
    fn keys_in_one_go_are_not() {
        for pieces in [&[(0, "dy")][..], &[(0, "d"), (5, "y")]] {
            let typed = inputs(pieces);
            assert!(typed.contains(&press(Key::Char('y'), How::Together)), "{typed:?}");
        }
        assert_eq!(
            inputs(&[(0, "d\r")]),
            [
                press(Key::Char('d'), How::Together),
                press(Key::Enter, How::Together)
            ]
        );
    }

    /// A question is not answered by the rest of a text in another encoding, nor by what a key sends that nothing is known of.
    #[test]
    fn a_key_that_comes_with_something_unknown_is_not_alone() {
        for before in [
            &b"\xc3"[..],
            b"\0",
            b"\xff",
            b"\x1b\xe9",
            b"\x1b[25~",
            b"\x1b[99z",
            b"\x1bOP",
            b"\x1b[<35;40;15M",
            b"\x1b[12\x80",
        ] {
            let (mut decoder, mut sorting) = (Decoder::default(), Presses::default());
            let inputs = sorting.sort(Instant::now(), decoder.feed(&[before, b"y"].concat()));
            let [Input::Key(pressed)] = inputs.as_slice() else {
                panic!("{before:?}: {inputs:?}")
            };
            assert_eq!(
                (pressed.key, pressed.how),
                (Key::Char('y'), How::Together),
                "{before:?}"
            );
        }
        // Text stays text where one letter of it is none here.
        let mut decoder = Decoder::default();
        let inputs = Presses::default().sort(Instant::now(), decoder.feed(b"f\xfcr yes"));
        assert_eq!(inputs, [text("fr yes")]);
    }

    #[test]
    fn a_key_that_is_held_is_said_to_be() {
        let held = inputs(&[(0, "\r"), (660, "\r"), (33, "\r"), (33, "\r")]);
        let hows: Vec<How> = held
            .into_iter()
            .filter_map(|input| match input {
                Input::Key(press) => Some(press.how),
                _ => None,
            })
            .collect();
        assert_eq!(hows, [How::Alone, How::Again, How::Again, How::Again]);
        assert_eq!(
            inputs(&[(0, "\r\r")]),
            [press(Key::Enter, How::Again), press(Key::Enter, How::Again)]
        );
        assert_eq!(
            inputs(&[(0, "jjjj")]),
            [(); 4].map(|()| press(Key::Char('j'), How::Again))
        );
    }

    #[test]
    fn letters_that_nobody_types_are_text() {
        assert_eq!(
            inputs(&[(0, "Deploy done: v12.4 is live\r")]),
            [text("Deploy done: v12.4 is live\n")]
        );
        assert_eq!(
            inputs(&[(0, "D"), (500, "eploy\ny\r")]),
            [press(Key::Char('D'), How::Alone), text("eploy\ny\n")]
        );
    }

    #[test]
    fn how_quiet_it_was_is_known_whatever_came_before() {
        let (mut decoder, mut presses) = (Decoder::default(), Presses::default());
        let at = Instant::now();
        let mut how_quiet = |after: u64, bytes: &[u8]| {
            let at = at + Duration::from_millis(after);
            match presses.sort(at, decoder.feed(bytes)).last() {
                Some(Input::Key(press)) => (press.quiet, press.behind),
                _ => (Duration::ZERO, Behind::Hand),
            }
        };
        assert_eq!(how_quiet(0, b"y"), (Duration::MAX, Behind::Hand));
        how_quiet(1000, b"deploy toda");
        assert_eq!(how_quiet(1060, b"y"), (Duration::from_millis(60), Behind::Text));
        how_quiet(2000, b"\x1b[<65;3;3M");
        assert_eq!(how_quiet(2300, b"y"), (Duration::from_millis(300), Behind::Hand));
    }

    /// The presses that come of pieces, each so many milliseconds after the one before.
    fn presses(pieces: &[(u64, &str)]) -> Vec<Press> {
        let (mut decoder, mut sorting) = (Decoder::default(), Presses::default());
        let mut at = Instant::now();
        let mut pressed = Vec::new();
        for (after, bytes) in pieces {
            at += Duration::from_millis(*after);
            let inputs = sorting.sort(at, decoder.feed(bytes.as_bytes()));
            pressed.extend(inputs.into_iter().filter_map(|input| match input {
                Input::Key(press) => Some(press),
                _ => None,
            }));
        }
        pressed
    }

    #[test]
    fn how_fast_keys_come_is_the_longest_of_the_last_pauses() {
        let typed = [(0, "a"), (120, "c"), (60, "m"), (70, "e"), (120, "\r")];
        let paces: Vec<_> = presses(&typed).iter().map(|press| press.pace).collect();
        assert_eq!(paces[3], Duration::MAX);
        assert_eq!(paces[4], Duration::from_millis(120));
        let sent = [(0, "a"), (80, "c"), (80, "m"), (80, "e"), (80, "\r")];
        assert_eq!(presses(&sent)[4].pace, Duration::from_millis(80));
    }

    #[test]
    fn text_that_a_line_cuts_into_pieces_is_text_to_its_end() {
        let after_text = |pieces: &[(u64, &str)]| presses(pieces).last().unwrap().behind == Behind::Text;
        assert!(after_text(&[(0, "acme/li"), (60, "ve"), (60, "\r")]));
        assert!(after_text(&[(0, "acme/liv"), (60, "e"), (60, "\r")]));
        // Whoever goes on typing has typed.
        assert!(!after_text(&[
            (0, "acme/li"),
            (120, "v"),
            (120, "e"),
            (120, "\r")
        ]));
        // What is pasted and marked is whole.
        assert!(!after_text(&[(0, "\x1b[200~acme/live\x1b[201~"), (120, "\r")]));
    }

    #[test]
    fn what_is_marked_as_pasted_stays_marked() {
        let pasted = inputs(&[(0, "\x1b[200~dy\x1b[201~")]);
        let marked = Input::Paste(Pasted {
            text: "dy".to_owned(),
            left_out: 0,
            marked: true,
        });
        assert_eq!(pasted, [marked]);
    }
}
