//! How two texts differ, word by word.

/// The most steps that a comparison may take: the words of one text times those of the other. What is longer is shown as
/// replaced from its first difference to its last.
const MOST_STEPS: usize = 1_000_000;

/// A word of one of two texts. Blanks do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word<'a> {
    /// It is in both.
    Same(&'a str),
    /// It is in the older one alone.
    Removed(&'a str),
    /// It is in the newer one alone.
    Added(&'a str),
}

/// The words of two texts in their order: what both have once, what only one has beside it.
#[must_use]
pub fn by_words<'a>(older: &'a str, newer: &'a str) -> Vec<Word<'a>> {
    let older: Vec<&str> = older.split_whitespace().collect();
    let newer: Vec<&str> = newer.split_whitespace().collect();
    let first = same_from(older.iter(), newer.iter());
    let last = same_from(older[first..].iter().rev(), newer[first..].iter().rev());
    let (old_end, new_end) = (older.len() - last, newer.len() - last);
    let mut words: Vec<Word<'a>> = older[..first].iter().map(|word| Word::Same(word)).collect();
    differ(&older[first..old_end], &newer[first..new_end], &mut words);
    words.extend(newer[new_end..].iter().map(|word| Word::Same(word)));
    words
}

fn same_from<'b>(
    older: impl Iterator<Item = &'b &'b str>,
    newer: impl Iterator<Item = &'b &'b str>,
) -> usize {
    older
        .zip(newer)
        .take_while(|(older, newer)| older == newer)
        .count()
}

/// The longest common sequence, by the table of the lengths of those of all ends.
fn differ<'a>(older: &[&'a str], newer: &[&'a str], words: &mut Vec<Word<'a>>) {
    if older.len().saturating_mul(newer.len()) > MOST_STEPS {
        words.extend(older.iter().map(|word| Word::Removed(word)));
        words.extend(newer.iter().map(|word| Word::Added(word)));
        return;
    }
    let wide = newer.len() + 1;
    let mut lengths = vec![0_u32; (older.len() + 1) * wide];
    for (row, old) in older.iter().enumerate().rev() {
        for (column, new) in newer.iter().enumerate().rev() {
            let at = row * wide + column;
            lengths[at] = if old == new {
                lengths[at + wide + 1] + 1
            } else {
                lengths[at + wide].max(lengths[at + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    while let (Some(old), Some(new)) = (older.get(row), newer.get(column)) {
        let at = row * wide + column;
        if old == new {
            words.push(Word::Same(new));
            row += 1;
            column += 1;
        } else if lengths[at + wide] >= lengths[at + 1] {
            words.push(Word::Removed(old));
            row += 1;
        } else {
            words.push(Word::Added(new));
            column += 1;
        }
    }
    words.extend(older[row..].iter().map(|word| Word::Removed(word)));
    words.extend(newer[column..].iter().map(|word| Word::Added(word)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(older: &str, newer: &str) -> String {
        let words = by_words(older, newer).into_iter().map(|word| match word {
            Word::Same(word) => word.to_owned(),
            Word::Removed(word) => format!("-{word}"),
            Word::Added(word) => format!("+{word}"),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_stayed_is_there_once() {
        assert_eq!(
            written("we open at nine", "we open at ten"),
            "we open at -nine +ten"
        );
        assert_eq!(written("a b c d", "a c d e"), "a -b c d +e");
        assert_eq!(written("", "new"), "+new");
        assert_eq!(written("same  blanks", "same blanks"), "same blanks");
    }

    #[test]
    fn long_texts_that_have_nothing_in_common_take_no_time() {
        let older = "a ".repeat(100_000);
        let newer = "b ".repeat(100_000);
        assert_eq!(by_words(&older, &newer).len(), 200_000);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_from_it(older in "[abc ]{0,60}", newer in "[abc ]{0,60}") {
            let words = by_words(&older, &newer);
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            let only = |keep: fn(&Word) -> bool| -> String {
                let kept = words.iter().filter(|word| keep(word));
                kept.map(|word| match word {
                    Word::Same(word) | Word::Removed(word) | Word::Added(word) => *word,
                }).collect()
            };
            prop_assert_eq!(only(|word| !matches!(word, Word::Added(_))), letters(&older));
            prop_assert_eq!(only(|word| !matches!(word, Word::Removed(_))), letters(&newer));
        }
    }
}
