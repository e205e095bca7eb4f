//! Text that compresses as the text of a site does: words as often as the words of a language are, and none in a row
//! that comes again for long.
//!
//! Text of a dozen words in turn would be no text: what looks for repetitions finds one everywhere, and `gzip`, which
//! spends its time looking, takes half the time that it takes for real content.

use crate::noise::Noise;

/// Words of the language.
const WORDS: u32 = 50_000;
/// A word's share falls with its rank as 1 / (rank + SHIFT) ^ FALL: Zipf's law, as Mandelbrot wrote it.
const SHIFT: f64 = 2.7;
const FALL: f64 = 0.95;

const BEGINNINGS: [&str; 26] = [
    "b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "st", "tr", "ch", "sch",
    "br", "pl", "gr", "sp", "kl", "",
];
const VOWELS: [&str; 12] = ["a", "e", "i", "o", "u", "e", "e", "ei", "au", "ie", "a", "i"];
const ENDINGS: [&str; 15] = [
    "", "n", "r", "s", "t", "l", "ch", "ng", "m", "nd", "rt", "st", "n", "", "",
];
/// How many syllables words have.
const SYLLABLES: [u64; 8] = [1, 1, 2, 2, 2, 3, 3, 4];

/// The words, the most frequent first.
pub struct Language {
    words: Vec<String>,
    /// The shares of all words up to each.
    shares: Vec<f64>,
}

impl Language {
    /// The same one every time.
    pub fn new() -> Self {
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let words = (0..WORDS).map(|_| word(&mut noise)).collect();
        let shares = (0..WORDS)
            .scan(0.0, |sum, rank| {
                *sum += (f64::from(rank) + SHIFT).powf(-FALL);
                Some(*sum)
            })
            .collect();
        Self { words, shares }
    }

    /// A text of so many bytes.
    pub fn text(&self, noise: &mut Noise, size: usize) -> Vec<u8> {
        let all = self.shares[self.shares.len() - 1];
        let mut text = Vec::with_capacity(size + 32);
        while text.len() < size {
            let part = f64::from(u32::try_from(noise.next() >> 32).unwrap()) / f64::from(u32::MAX);
            let rank = self.shares.partition_point(|share| *share < part * all);
            text.extend_from_slice(self.words[rank.min(self.words.len() - 1)].as_bytes());
            text.push(b' ');
        }
        text.truncate(size);
        text
    }
}

fn word(noise: &mut Noise) -> String {
    let mut word = String::new();
    for _ in 0..SYLLABLES[below(noise, SYLLABLES.len())] {
        for parts in [&BEGINNINGS[..], &VOWELS, &ENDINGS] {
            word.push_str(parts[below(noise, parts.len())]);
        }
    }
    // One in five as nouns and names are written.
    if noise.below(5) == 0
        && let Some(first) = word.get_mut(..1)
    {
        first.make_ascii_uppercase();
    }
    word
}

fn below(noise: &mut Noise, count: usize) -> usize {
    usize::try_from(noise.below(count as u64)).unwrap()
}
