//! How many columns a text takes on a terminal, and how it is cut and filled up to a number of them.
//!
//! Counted are the characters one by one, as terminals do it, of text that is safe to print (see
//! [`super::printable`]): the width of whole strings takes some letters together that most terminals show apart.

use unicode_width::UnicodeWidthChar as _;

/// How many columns the text takes.
#[must_use]
pub fn count(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// The characters, each with the marks that stand on it: what must not be parted.
#[must_use]
pub fn clusters(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    let mut starts: Vec<usize> = text
        .char_indices()
        .filter(|(at, c)| *at == 0 || c.width() != Some(0))
        .map(|(at, _)| at)
        .collect();
    starts.push(text.len());
    (1..starts.len()).map(move |index| &text[starts[index - 1]..starts[index]])
}

/// The text in at most `width` columns, its end replaced by `more` where it is longer.
#[must_use]
pub fn shorten(text: &str, width: usize, more: &str) -> String {
    if count(text) <= width {
        return text.to_owned();
    }
    let more = if count(more) <= width { more } else { "" };
    let mut left = width - count(more);
    let kept = clusters(text).take_while(|cluster| fits(cluster, &mut left));
    kept.chain([more]).collect()
}

/// The text in at most `width` columns, its middle replaced by `more` where it is longer: for names that are told apart
/// by how they begin and how they end.
#[must_use]
pub fn shorten_middle(text: &str, width: usize, more: &str) -> String {
    if count(text) <= width {
        return text.to_owned();
    }
    let more = if count(more) <= width { more } else { "" };
    let room = width - count(more);
    let mut left = room / 2;
    let end: Vec<&str> = clusters(text)
        .rev()
        .take_while(|cluster| fits(cluster, &mut left))
        .collect();
    let start = shorten(text, room.div_ceil(2), "");
    [start.as_str(), more]
        .into_iter()
        .chain(end.into_iter().rev())
        .collect()
}

/// Whether it fits into what is left, which then is less.
fn fits(cluster: &str, left: &mut usize) -> bool {
    match left.checked_sub(count(cluster)) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}

/// The text with spaces behind it, up to `width` columns.
#[must_use]
pub fn fill(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(count(text))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::printable;

    #[test]
    fn columns_are_counted_not_characters() {
        assert_eq!(count("日本"), 4);
        assert_eq!(count("e\u{301}"), 1);
        assert_eq!(count("لا"), 2, "terminals do not draw these two as one");
    }

    #[test]
    fn marks_stay_with_their_letter() {
        let parts: Vec<_> = clusters("ae\u{301}\u{302}日").collect();
        assert_eq!(parts, ["a", "e\u{301}\u{302}", "日"]);
        assert_eq!(clusters("").count(), 0);
        assert_eq!(shorten("ae\u{301}bc", 3, "…"), "ae\u{301}…");
        assert_eq!(
            shorten_middle("e\u{301}abcde\u{301}", 3, "…"),
            "e\u{301}…e\u{301}"
        );
    }

    #[test]
    fn a_wide_character_that_does_not_fit_is_left_out_whole() {
        assert_eq!(shorten("日本語", 4, "…"), "日…");
        assert_eq!(shorten("日本語", 1, "…"), "…");
        assert_eq!(shorten("日本語", 0, "…"), "");
        assert_eq!(fill("日本", 6), "日本  ");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_cut_never_parts_and_never_exceeds(text in any::<String>(), width in 0_usize..20) {
            let text = printable::line(&text).replace('…', "");
            let parts: Vec<&str> = clusters(&text).collect();
            prop_assert_eq!(parts.concat(), text.clone());
            for short in [shorten(&text, width, "…"), shorten_middle(&text, width, "…")] {
                prop_assert!(count(&short) <= width);
                // A wide character that does not fit is the only reason for which room stays free, on either side.
                prop_assert!(count(&short) + 2 >= width.min(count(&text)));
                if short == text || width == 0 {
                    continue;
                }
                let (start, end) = short.split_once('…').unwrap();
                let (first, last) = (clusters(start).count(), clusters(end).count());
                prop_assert_eq!(start, parts[..first].concat());
                prop_assert_eq!(end, parts[parts.len() - last..].concat());
            }
        }
    }
}
