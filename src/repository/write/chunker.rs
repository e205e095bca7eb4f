//! Cuts files into pieces where their content says so, as `restic` and the library do: a change in the middle of a file
//! makes other pieces around it, and leaves those before and after it as they are.
//!
//! A rolling hash goes over the file with a window of 64 bytes. Where its last bits are zero, a piece ends, unless it
//! would be too short. The polynomial of the hash is drawn by lot for each repository and stands in its configuration,
//! with the lengths. To go another way here than an earlier backup went would store everything once more.

use rustic_cdc::{Polynom, Polynom64, Rabin64};
use rustic_core::repofile::{Chunker, ConfigFile};

/// How many bytes the hash is about.
const WINDOW: usize = 64;
/// How far each of the lanes looks in one go.
const LANE: usize = 4096;
/// In how many places is looked at the same time: one alone waits for itself with every byte.
const LANES: usize = 4;
/// So much is read at a time of what is longer than the shortest piece.
const STEP: usize = 512 * 1024;

/// How a repository cuts files.
pub(super) struct FileChunker {
    least: usize,
    most: usize,
    mask: Polynom64,
    shift: u32,
    /// What a byte adds to the hash that is about to leave the window.
    leaving: [Polynom64; 256],
    /// What keeps the hash below the polynomial, by the byte that would stand above it.
    above: [Polynom64; 256],
}

impl FileChunker {
    /// As a repository's configuration says.
    ///
    /// # Errors
    /// A sentence when it says nothing that files can be cut by.
    pub(in crate::repository) fn of(config: &ConfigFile) -> Result<Self, String> {
        match config.chunker() {
            Chunker::FixedSize => Ok(Self::evenly(config.chunk_size())),
            Chunker::Rabin => {
                let polynomial = config.poly().map_err(|_| {
                    format!(
                        "its configuration has \"{}\" as the polynomial that files are cut by, which is no hexadecimal \
                         number: restore the file config of the repository from a copy",
                        config.chunker_polynomial
                    )
                })?;
                let lengths = (
                    config.chunk_min_size(),
                    config.chunk_size(),
                    config.chunk_max_size(),
                );
                Self::by(polynomial, lengths)
            }
        }
    }

    /// By a polynomial, into pieces of at least, on average and at most so many bytes.
    fn by(polynomial: Polynom64, (least, average, most): (usize, usize, usize)) -> Result<Self, String> {
        let shift = u32::try_from(polynomial.degree() - 8).ok();
        let mask = u64::try_from(average).ok().filter(|_| average.is_power_of_two());
        match (shift, mask) {
            (Some(shift), Some(average)) if WINDOW <= least && least <= most => Ok(Self {
                least,
                most,
                mask: average - 1,
                shift,
                leaving: Rabin64::calculate_out_table(WINDOW, &polynomial),
                above: Rabin64::calculate_mod_table(&polynomial),
            }),
            _ => Err(format!(
                "its configuration has files cut by the polynomial {polynomial:x} into pieces of {least}, {average} and \
                 {most} bytes, which nobody can do: restore the file config of the repository from a copy"
            )),
        }
    }

    /// Into pieces of the same length, whatever is in them.
    pub(super) fn evenly(length: usize) -> Self {
        Self {
            least: length.max(1),
            most: length.max(1),
            mask: 0,
            shift: 0,
            leaving: [0; 256],
            above: [0; 256],
        }
    }

    /// Reads a file to its end and tells `each` every piece of it. `fill` has to fill what it is given, unless the file
    /// ends, and says how much of it that is.
    ///
    /// # Errors
    /// What `fill` or `each` says.
    pub(in crate::repository) fn cut<E>(
        &self,
        buffer: &mut Vec<u8>,
        fill: &mut dyn FnMut(&mut [u8]) -> Result<usize, E>,
        each: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        // What was read and is not cut yet stands at the beginning of the buffer.
        let (mut filled, mut looked) = (0, 0);
        loop {
            let wanted = if filled < self.least {
                self.least
            } else {
                (filled + STEP).min(self.most.max(self.least + WINDOW))
            };
            if buffer.len() < wanted {
                buffer.resize(wanted, 0);
            }
            filled += fill(&mut buffer[filled..wanted])?;
            let is_over = filled < wanted;
            let mut begin = 0;
            while let Some(length) = self.first(&buffer[begin..filled], is_over, &mut looked) {
                each(&buffer[begin..begin + length])?;
                begin += length;
                looked = 0;
            }
            if is_over {
                if begin < filled {
                    each(&buffer[begin..filled])?;
                }
                return Ok(());
            }
            buffer.copy_within(begin..filled, 0);
            filled -= begin;
        }
    }

    /// How long the first piece of a text is; `None` if its end is not there. From the beginning of the text to `looked`
    /// was looked before.
    fn first(&self, text: &[u8], is_over: bool, looked: &mut usize) -> Option<usize> {
        if text.len() >= self.least && self.least == self.most {
            return Some(self.least);
        }
        if *looked == 0 {
            if text.len() < self.least || (text.len() < self.least + WINDOW && !is_over) {
                return None;
            }
            if let Some(end) = self.begin(text) {
                return Some(end);
            }
            *looked = (self.least + WINDOW).min(self.most).min(text.len());
        }
        let end = text.len().min(self.most);
        let found = self.find(text, *looked, end);
        *looked = end;
        found.or_else(|| (end == self.most).then_some(end))
    }

    /// The end of a piece that is as short as it may be, or a little longer. Where the library begins to look, it has
    /// filled the window with all but its last byte.
    fn begin(&self, text: &[u8]) -> Option<usize> {
        let (least, end) = (self.least, text.len().min(self.most).min(self.least + WINDOW));
        let window = &text[least - WINDOW..least - 1];
        let mut hash = window.iter().fold(0, |hash, byte| self.slid(hash, 0, *byte));
        for at in least..end {
            if hash & self.mask == 0 {
                return Some(at);
            }
            let leaving = if at == least { 0 } else { text[at - WINDOW - 1] };
            hash = self.slid(hash, leaving, text[at]);
        }
        (hash & self.mask == 0).then_some(end)
    }

    /// The first place after `from` and not after `to` where a piece may end.
    fn find(&self, text: &[u8], mut from: usize, to: usize) -> Option<usize> {
        while from + LANES * LANE <= to {
            if let Some(found) = self.find_in_lanes(&text[from - WINDOW..from + LANES * LANE]) {
                return Some(from + found);
            }
            from += LANES * LANE;
        }
        let mut hash = self.hash(text.get(from.checked_sub(WINDOW)?..from)?);
        let window = text[from - WINDOW..to].iter().zip(&text[from..to]);
        for (index, (leaving, byte)) in window.enumerate() {
            hash = self.slid(hash, *leaving, *byte);
            if hash & self.mask == 0 {
                return Some(from + index + 1);
            }
        }
        None
    }

    /// The same in a text that begins with a window, and is then as long as all lanes.
    fn find_in_lanes(&self, text: &[u8]) -> Option<usize> {
        let lane = |number: usize| {
            let text = text.get(number * LANE..)?;
            Some((
                text.first_chunk::<LANE>()?,
                text.get(WINDOW..)?.first_chunk::<LANE>()?,
            ))
        };
        let lanes: [_; LANES] = [lane(0)?, lane(1)?, lane(2)?, lane(3)?];
        let mut hashes = lanes.map(|(window, _)| self.hash(&window[..WINDOW]));
        let mut found = [usize::MAX; LANES];
        for at in 0..LANE {
            for ((hash, (leaving, bytes)), found) in hashes.iter_mut().zip(&lanes).zip(&mut found) {
                *hash = self.slid(*hash, leaving[at], bytes[at]);
                if *hash & self.mask == 0 {
                    *found = at.min(*found);
                }
            }
        }
        let found = found.iter().enumerate().find(|(_, found)| **found < LANE);
        found.map(|(lane, at)| lane * LANE + at + 1)
    }

    /// The hash of a window.
    fn hash(&self, window: &[u8]) -> Polynom64 {
        window.iter().fold(0, |hash, byte| self.slid(hash, 0, *byte))
    }

    /// The hash of the window that begins and ends a byte later.
    fn slid(&self, hash: Polynom64, leaving: u8, byte: u8) -> Polynom64 {
        let hash = hash ^ self.leaving[usize::from(leaving)];
        let [.., above] = (hash >> self.shift).to_be_bytes();
        ((hash << 8) | Polynom64::from(byte)) ^ self.above[usize::from(above)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustic_cdc::RollingHash64;

    use super::*;

    const POLYNOMIAL: Polynom64 = 0x003D_A335_8B4D_C173;

    /// Pieces as the library cuts them: a byte at a time.
    fn by_the_library(text: &[u8], (least, average, most): (usize, usize, usize)) -> Vec<Vec<u8>> {
        let mut hash = Rabin64::new_with_polynom(6, &POLYNOMIAL);
        let mut rest = text.iter().copied();
        let mut pieces = Vec::new();
        loop {
            let mut piece: Vec<u8> = rest.by_ref().take(least).collect();
            if piece.is_empty() {
                return pieces;
            }
            if piece.len() == least {
                let end = piece.len();
                let _ = hash.reset_and_prefill_window(&mut piece[end - WINDOW..].iter().copied());
                while piece.len() < most && hash.hash & (average as u64 - 1) != 0 {
                    let Some(byte) = rest.next() else { break };
                    piece.push(byte);
                    hash.slide(byte);
                }
            }
            pieces.push(piece);
        }
    }

    fn cut(chunker: &FileChunker, text: &[u8]) -> Vec<Vec<u8>> {
        let (mut rest, mut pieces) = (text, Vec::new());
        let mut fill = |buffer: &mut [u8]| {
            let (read, left) = rest.split_at(rest.len().min(buffer.len()));
            buffer[..read.len()].copy_from_slice(read);
            rest = left;
            Ok::<_, ()>(read.len())
        };
        let mut each = |piece: &[u8]| {
            pieces.push(piece.to_vec());
            Ok(())
        };
        chunker.cut(&mut Vec::new(), &mut fill, &mut each).unwrap();
        pieces
    }

    fn noise(seed: u64, length: usize) -> Vec<u8> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        (0..length).map(|_| next()).collect()
    }

    proptest! {
        #[test]
        fn pieces_are_those_of_the_library(
            seed in any::<u64>(),
            length in 0_usize..200_000,
            (least, average, most) in prop_oneof![
                Just((64, 64, 64)),
                Just((64, 64, 100)),
                Just((64, 256, 1_000)),
                Just((100, 128, 164)),
                Just((200, 4_096, 9_000)),
                Just((10_000, 32_768, 150_000)),
            ],
        ) {
            let chunker = FileChunker::by(POLYNOMIAL, (least, average, most)).unwrap();
            let text = noise(seed, length);
            prop_assert_eq!(cut(&chunker, &text), by_the_library(&text, (least, average, most)));
        }
    }

    #[test]
    fn what_is_the_same_everywhere_is_cut_as_short_or_as_long_as_may_be() {
        let lengths = (512, 1_024, 8_192);
        let chunker = FileChunker::by(POLYNOMIAL, lengths).unwrap();
        for (byte, longest) in [(0, 512), (b'a', 8_192)] {
            for length in [511, 512, 513, 575, 576, 577, 8_191, 8_192, 8_193, 20_000] {
                let text = vec![byte; length];
                let pieces = cut(&chunker, &text);
                assert_eq!(pieces, by_the_library(&text, lengths));
                assert_eq!(pieces[0].len(), longest.min(length));
            }
        }
    }

    #[test]
    fn pieces_of_the_same_length_are_that_whatever_is_in_them() {
        let text = noise(1, 2_500);
        let pieces = cut(&FileChunker::evenly(1_000), &text);
        assert_eq!(pieces.concat(), text);
        let lengths: Vec<_> = pieces.iter().map(Vec::len).collect();
        assert_eq!(lengths, [1_000, 1_000, 500]);
        assert!(cut(&FileChunker::evenly(1_000), b"").is_empty());
    }

    #[test]
    fn what_nobody_can_cut_by_is_refused() {
        for (polynomial, lengths) in [
            (0, (512, 1_024, 8_192)),
            (1, (512, 1_024, 8_192)),
            (POLYNOMIAL, (63, 1_024, 8_192)),
            (POLYNOMIAL, (512, 1_000, 8_192)),
            (POLYNOMIAL, (512, 0, 8_192)),
            (POLYNOMIAL, (512, 1_024, 511)),
        ] {
            assert!(
                FileChunker::by(polynomial, lengths).is_err(),
                "{polynomial:x} {lengths:?}"
            );
        }
    }
}
