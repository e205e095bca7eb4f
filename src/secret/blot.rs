//! Blots secrets out of what somebody else has said, before any of it is quoted.
//!
//! Whoever is sent a secret may say it back: as it came, percent-encoded or decoded, escaped for HTML or JSON, or cut where
//! the answer had no more room. Not in here: which secrets somebody has.

/// Stands for what was blotted out.
const BLOT: char = '…';
/// A shorter value is blotted out only where it stands alone: it would be found within ordinary words.
const LONG: usize = 8;
/// Shorter values are letters, and not secrets.
const SHORTEST: usize = 2;
/// So much of a value's beginning, where the text was cut behind it, is taken for the value.
const CUT: usize = 4;
/// So often one escape is looked for within another.
const DEEPEST: usize = 3;
/// No escape is longer.
const LONGEST_ESCAPE: usize = 10;

/// What is to be blotted out. It is not printed, and has no `Debug`.
#[derive(Default)]
pub(crate) struct Blots {
    values: Vec<Vec<u8>>,
}

impl Blots {
    /// Blots this out too, however it is escaped.
    pub(crate) fn keep(&mut self, value: &str) {
        let value: Vec<u8> = bare(value.trim()).iter().map(|piece| alike(piece.byte)).collect();
        if value.len() >= SHORTEST && !self.values.contains(&value) {
            self.values.push(value);
        }
    }

    /// The text without what is to be blotted out.
    pub(crate) fn out(&self, text: &str) -> String {
        let pieces = bare(text);
        let said: Vec<u8> = pieces.iter().map(|piece| alike(piece.byte)).collect();
        let mut blotted = vec![false; text.len()];
        for value in &self.values {
            for at in 0..said.len() {
                let same = found(&said, at, value);
                for piece in pieces.iter().skip(at).take(same) {
                    let of_piece = blotted.iter_mut().take(piece.to).skip(piece.from);
                    of_piece.for_each(|blotted| *blotted = true);
                }
            }
        }
        let mut left = String::with_capacity(text.len());
        let mut was_blotted = false;
        for (at, c) in text.char_indices() {
            let bytes = blotted.iter().skip(at).take(c.len_utf8());
            let is_blotted = bytes.into_iter().any(|blotted| *blotted);
            match (is_blotted, was_blotted) {
                (true, false) => left.push(BLOT),
                (true, true) => {}
                (false, _) => left.push(c),
            }
            was_blotted = is_blotted;
        }
        left
    }
}

/// A text as it was before anybody escaped it, byte by byte.
#[cfg(feature = "engine")]
pub(crate) fn plain(text: &str) -> Vec<u8> {
    bare(text).iter().map(|piece| piece.byte).collect()
}

/// How much of what was said from there on is the value: all of it, its beginning where it was cut, or nothing.
fn found(said: &[u8], at: usize, value: &[u8]) -> usize {
    let rest = said.get(at..).unwrap_or_default();
    let same = rest
        .iter()
        .zip(value)
        .take_while(|(one, other)| one == other)
        .count();
    let after = rest.get(same..).unwrap_or_default();
    let begins = at
        .checked_sub(1)
        .and_then(|before| said.get(before))
        .is_none_or(|before| !before.is_ascii_alphanumeric());
    let ends = after.first().is_none_or(|after| !after.is_ascii_alphanumeric());
    let is_whole = same == value.len() && (same >= LONG || (begins && ends));
    let is_cut = same >= CUT && begins && is_end(after);
    if is_whole || is_cut { same } else { 0 }
}

/// Whether a text that goes on like this was cut here: nothing is left of it but signs, or an escape that was cut as well; or
/// something stands here for what was left out.
fn is_end(after: &[u8]) -> bool {
    let was_escape = matches!(after, [b'%' | b'&' | b'\\', left @ ..] if left.len() < LONGEST_ESCAPE);
    let is_left_out = [&b"..."[..], "…".as_bytes()]
        .iter()
        .any(|sign| after.starts_with(sign));
    was_escape || is_left_out || !after.iter().any(u8::is_ascii_alphanumeric)
}

/// What counts as the same: capitals, which some change, and both ways of writing a blank in an address.
fn alike(byte: u8) -> u8 {
    match byte {
        b'+' => b' ',
        other => other.to_ascii_lowercase(),
    }
}

/// A byte of what was meant, and where in the text it is written.
#[derive(Clone, Copy)]
struct Piece {
    byte: u8,
    from: usize,
    to: usize,
}

/// What was meant by a text, escapes within escapes as well.
fn bare(text: &str) -> Vec<Piece> {
    let written = text.bytes().enumerate();
    let mut pieces: Vec<_> = written
        .map(|(from, byte)| Piece {
            byte,
            from,
            to: from + 1,
        })
        .collect();
    for _ in 0..DEEPEST {
        let before = pieces.len();
        pieces = unescaped(&pieces);
        if pieces.len() == before {
            break;
        }
    }
    pieces
}

fn unescaped(pieces: &[Piece]) -> Vec<Piece> {
    let mut meant = Vec::with_capacity(pieces.len());
    let mut rest = pieces;
    while let Some((first, behind)) = rest.split_first() {
        let Some((bytes, length)) = escape(rest) else {
            meant.push(*first);
            rest = behind;
            continue;
        };
        let to = rest.get(length - 1).map_or(first.to, |last| last.to);
        meant.extend(bytes.into_iter().map(|byte| Piece {
            byte,
            from: first.from,
            to,
        }));
        rest = rest.get(length..).unwrap_or_default();
    }
    meant
}

/// What an escape at the beginning of this means, and how long it is. At least one byte, and fewer than it is long.
fn escape(rest: &[Piece]) -> Option<(Vec<u8>, usize)> {
    let mut ahead = [0; LONGEST_ESCAPE];
    for (place, piece) in ahead.iter_mut().zip(rest) {
        *place = piece.byte;
    }
    match ahead {
        [b'%', high, low, ..] => Some((vec![byte_of(high, low)?], 3)),
        [b'\\', b'x', high, low, ..] => Some((vec![byte_of(high, low)?], 4)),
        [b'\\', b'u', a, b, c, d, ..] => {
            let code = u32::from(byte_of(a, b)?) << 8 | u32::from(byte_of(c, d)?);
            Some((encoded(char::from_u32(code)?), 6))
        }
        [b'\\', meant @ (b'/' | b'"' | b'\'' | b'\\'), ..] => Some((vec![meant], 2)),
        [b'&', named @ ..] => {
            let end = named.iter().position(|byte| *byte == b';')?;
            let name = std::str::from_utf8(named.get(..end)?).ok()?;
            Some((encoded(entity(name)?), end + 2))
        }
        _ => None,
    }
}

fn byte_of(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

fn encoded(c: char) -> Vec<u8> {
    c.encode_utf8(&mut [0; 4]).as_bytes().to_vec()
}

/// The character that HTML has this name for.
fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "sol" => '/',
        "quest" => '?',
        "equals" => '=',
        "colon" => ':',
        "commat" => '@',
        numbered => {
            let number = numbered.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn left(values: &[&str], text: &str) -> String {
        let mut blots = Blots::default();
        for value in values {
            blots.keep(value);
        }
        blots.out(text)
    }

    #[test]
    fn a_secret_is_found_however_it_is_escaped() {
        let secret = "T0/B0/a&b=ü\"x";
        for said in [
            "T0/B0/a&b=ü\"x",
            "T0%2FB0%2fa%26b%3D%C3%BC%22x",
            "T0%252FB0%252Fa%2526b=ü%22x",
            "T0&#x2F;B0&#47;a&amp;b&equals;&#xfc;&quot;x",
            "T0&amp;#x2F;B0/a&amp;amp;b=ü\"x",
            "T0\\/B0\\/a\\u0026b=\\u00fc\\\"x",
            "t0/b0/A&B=ü\"X",
        ] {
            assert_eq!(left(&[secret], &format!("at {said}: no")), "at …: no", "{said}");
        }
        let encoded = "T0%2FB0%2Fa%26b%3D%C3%BC%22x";
        assert_eq!(left(&[encoded], &format!("at {secret}: no")), "at …: no");
        assert_eq!(left(&["a b c d e"], "q=a+b%20c d+e"), "q=…");
    }

    #[test]
    fn a_secret_that_was_cut_is_found() {
        let secret = "services/T0/B0/XYZSECRET";
        for said in [
            "services/T0/B0/XYZSEC",
            "services/T0/B0/XYZ...",
            "services/T0/B0/XY… (too long)",
            "services%2FT0%2FB0%2",
            "services&#x2F;T0&#x2",
        ] {
            let left = left(&[secret], &format!("Cannot POST /{said}"));
            assert!(left.starts_with("Cannot POST /…"), "{said}: {left}");
            assert!(!left.contains("T0") && !left.contains("XY"), "{said}: {left}");
        }
    }

    #[test]
    fn what_is_short_is_found_where_it_stands_alone_and_words_stay() {
        assert_eq!(
            left(&["T0", "api"], "no /api/T0 in capital T01"),
            "no /…/… in capital T01"
        );
        assert_eq!(left(&["x", "", " "], "x is no secret"), "x is no secret");
        assert_eq!(left(&[], "50 % of <all> & more"), "50 % of <all> & more");
        assert_eq!(left(&["longsecret"], "xlongsecretx"), "x…x");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_comes_through_and_no_secret_does(before in ".{0,20}", secret in "[a-z0-9/%&+ü-]{8,20}", after in ".{0,20}") {
            let mut blots = Blots::default();
            blots.keep(&secret);
            let left = blots.out(&format!("{before}|{secret}|{after}"));
            prop_assert!(!left.contains(&secret), "{left}");
        }
    }
}
