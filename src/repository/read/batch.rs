//! Files that are handed from the walk to one thread together: to hand over each by itself costs more than to read or write a
//! small one.

use std::mem::take;

/// A batch has as many bytes, or as many files, as this.
const BYTES: u64 = 4 * 1024 * 1024;
const FILES: usize = 256;

/// Files while they are brought together.
pub(super) struct Batch<T> {
    files: Vec<T>,
    bytes: u64,
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            bytes: 0,
        }
    }
}

impl<T> Batch<T> {
    /// Adds a file of so many bytes, and gives all of them when they are enough.
    pub(super) fn add(&mut self, file: T, bytes: u64) -> Option<Vec<T>> {
        self.bytes = self.bytes.saturating_add(bytes);
        self.files.push(file);
        (self.bytes >= BYTES || self.files.len() >= FILES).then(|| self.take())
    }

    /// Gives those that there are.
    pub(super) fn take(&mut self) -> Vec<T> {
        self.bytes = 0;
        take(&mut self.files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_given_when_it_has_many_bytes_or_many_files() {
        let mut batch = Batch::default();
        assert_eq!(batch.add("a", BYTES - 1), None);
        assert_eq!(batch.add("b", 1), Some(vec!["a", "b"]));
        assert_eq!(batch.add("c", u64::MAX), Some(vec!["c"]));
        let given: Vec<_> = (0..FILES).filter_map(|_| batch.add("d", 0)).collect();
        assert_eq!(given, [vec!["d"; FILES]]);
        assert_eq!(batch.add("e", 5), None);
        assert_eq!(batch.take(), ["e"]);
        assert!(batch.take().is_empty());
    }
}
