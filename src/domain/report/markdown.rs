//! Text from outside as one line of Markdown: read raw it is as close to itself as can be, and rendered it is itself.
//!
//! A backslash stands only where a character would be mark-up otherwise, by the rules of `CommonMark`, and of the tables and the
//! strikethrough that readers of Markdown add to them. Not in here: what is not seen, or acted on by a terminal ([`crate::domain::printable`]).

/// Where a line stands: what is mark-up differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// At the beginning of a paragraph or of an item of a list, where it could begin something else.
    Block,
    /// In a heading, behind its signs.
    Heading,
    /// In a cell of a table.
    Cell,
}

/// The line, in which nothing is mark-up.
pub(super) fn escaped(line: &str, at: At) -> String {
    // Blanks around it are nowhere shown, and four of them would begin code.
    let letters: Vec<char> = line.trim_matches(' ').chars().collect();
    let mut marks: Vec<bool> = (0..letters.len())
        .map(|index| is_mark(&letters, index, at))
        .collect();
    let special = match at {
        At::Block => beginning(&letters),
        At::Heading => closing(&letters),
        At::Cell => None,
    };
    for index in special.into_iter().chain(spoilt_addresses(&letters, &marks)) {
        marks[index] = true;
    }
    let mut plain = String::with_capacity(line.len());
    for (c, is_mark) in letters.iter().zip(marks) {
        if is_mark {
            plain.push('\\');
        }
        plain.push(*c);
    }
    plain
}

/// Where an address on the web would be made a link of, in which a backslash is no mark but a part of the address: what keeps it from
/// being one. Addresses without any are left as they are.
fn spoilt_addresses(letters: &[char], marks: &[bool]) -> Vec<usize> {
    let is_spoilt = |from: usize| {
        let mut word = letters[from..]
            .iter()
            .zip(&marks[from..])
            .take_while(|(c, _)| **c != ' ');
        word.any(|(_, is_mark)| *is_mark)
    };
    let begins = |at: usize, with: &str| {
        let mut with = with.chars();
        let mut there = letters[at..].iter();
        with.all(|c| there.next().is_some_and(|there| there.eq_ignore_ascii_case(&c)))
    };
    let sign = |index: usize| {
        if begins(index, "://") {
            Some(index)
        } else if begins(index, "www.") {
            Some(index + 3)
        } else {
            None
        }
    };
    let signs = (0..letters.len()).filter_map(|index| Some((index, sign(index)?)));
    let spoilt = signs.filter(|(index, _)| is_spoilt(*index));
    spoilt.map(|(_, sign)| sign).collect()
}

/// Whether a character would be mark-up wherever in a line it stands.
fn is_mark(letters: &[char], index: usize, at: At) -> bool {
    let (c, after) = (letters[index], letters.get(index + 1).copied());
    match c {
        // A link, a note or an image begins with the one, code with the other.
        '[' | '`' => true,
        '|' => at == At::Cell,
        // It would take away the meaning, or itself, before any of these: what follows may get one as well.
        '\\' => after.is_none_or(|after| after.is_ascii_punctuation()),
        '<' => after.is_some_and(|after| after.is_ascii_alphabetic() || matches!(after, '/' | '!' | '?')),
        '&' => is_reference(letters, index),
        '*' | '~' => !stands_alone(letters, index),
        // Inside a word it is a letter as others.
        '_' => {
            let (before, after) = around(letters, index);
            let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            !(stands_alone(letters, index) || in_word(before) && in_word(after))
        }
        _ => false,
    }
}

/// What stands around a run of the same character.
fn around(letters: &[char], index: usize) -> (Option<char>, Option<char>) {
    let c = letters[index];
    let before = letters[..index].iter().rev().find(|other| **other != c);
    let after = letters[index..].iter().find(|other| **other != c);
    (before.copied(), after.copied())
}

/// Whether a run of a character has a blank on both sides, so that it neither opens nor closes anything. At the beginning of a line it
/// could be a list or a rule.
fn stands_alone(letters: &[char], index: usize) -> bool {
    let (before, after) = around(letters, index);
    before.is_some_and(char::is_whitespace) && after.is_none_or(char::is_whitespace)
}

/// Whether `&` begins a character's name or number: `&amp;`, `&#38;`.
fn is_reference(letters: &[char], index: usize) -> bool {
    let mut name = letters[index + 1..].iter();
    let end = name.find(|c| !c.is_ascii_alphanumeric() && **c != '#');
    end == Some(&';')
}

/// The character at the beginning that makes a line something else than a paragraph: a heading, a quotation, a list, a rule.
fn beginning(letters: &[char]) -> Option<usize> {
    let ends = |index: usize| letters.get(index).is_none_or(|c| *c == ' ');
    match letters.first()? {
        '>' => Some(0),
        '#' => {
            let signs = letters.iter().take_while(|c| **c == '#').count();
            ends(signs).then_some(0)
        }
        '+' => ends(1).then_some(0),
        // A list; or a rule, which may have blanks in it.
        '-' => (ends(1) || letters.iter().all(|c| matches!(c, '-' | ' '))).then_some(0),
        '0'..='9' => {
            let digits = letters.iter().take_while(|c| c.is_ascii_digit()).count();
            let is_item = matches!(letters.get(digits), Some('.' | ')')) && ends(digits + 1);
            is_item.then_some(digits)
        }
        _ => None,
    }
}

/// The sign at the end of a heading that would close it.
fn closing(letters: &[char]) -> Option<usize> {
    let signs = letters.iter().rev().take_while(|c| **c == '#').count();
    let first = letters.len() - signs;
    let stands_apart = first == 0 || letters.get(first - 1) == Some(&' ');
    (signs > 0 && stands_apart).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_mark_up_is_left_as_it_is() {
        for plain in [
            "acme/live: job 7",
            "after_restore, release_version and a__b",
            "author:/website/de/über_uns",
            "R&D, a & b; AT&T",
            "5 < 6 > 4, a <- b",
            "NOT up!",
            "C:\\temp\\x",
            "job #7, see #8",
            "2 * 3, a ~ b, a _ b",
            "https://example.com/a_b?c=d&e=f and www.example.com",
            "kim@example.com",
            "-5 °C, +49 170, 1.5 s, 2026-11-23 and --note",
            "f(x), {y}, ]",
        ] {
            for at in [At::Block, At::Heading, At::Cell] {
                assert_eq!(escaped(plain, at), plain, "{at:?}");
            }
        }
        assert_eq!(escaped("a|b", At::Block), "a|b");
    }

    #[test]
    fn what_would_be_mark_up_is_none() {
        for (text, at, expected) in [
            ("a|b", At::Cell, r"a\|b"),
            ("a\\|b", At::Cell, r"a\\\|b"),
            (
                "*bold* _it_ `code` ~~gone~~",
                At::Cell,
                r"\*bold\* \_it\_ \`code\` \~\~gone\~\~",
            ),
            ("_a_b_", At::Cell, r"\_a_b\_"),
            ("[x](y) ![z](y)", At::Cell, r"\[x](y) !\[z](y)"),
            ("<b>x</b> <!-- -->", At::Cell, r"\<b>x\</b> \<!-- -->"),
            ("&lt; &#60;", At::Cell, r"\&lt; \&#60;"),
            ("\\_", At::Cell, r"\\\_"),
            ("ends with \\", At::Cell, r"ends with \\"),
            ("https://example.com/*", At::Cell, r"https\://example.com/\*"),
            ("www.example.com/</b>", At::Cell, r"www\.example.com/\</b>"),
            ("# one", At::Block, r"\# one"),
            ("# one #", At::Heading, r"# one \#"),
            ("> one", At::Block, r"\> one"),
            ("- one", At::Block, r"\- one"),
            ("+", At::Block, r"\+"),
            ("* one", At::Block, r"\* one"),
            ("12. one", At::Block, r"12\. one"),
            ("1) one", At::Block, r"1\) one"),
            ("- - -", At::Block, r"\- - -"),
            ("    one", At::Block, "one"),
        ] {
            assert_eq!(escaped(text, at), expected, "{text:?}");
        }
    }
}
