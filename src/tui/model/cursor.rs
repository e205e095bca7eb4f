//! A selected row in a list, and which part of the list is on the screen.

/// The selected row and the first visible one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The selected row, counted from 0.
    pub selected: usize,
    /// The first row on the screen.
    pub offset: usize,
}

/// A movement in a list or a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
}

impl Motion {
    /// Where the movement leads from a position in `length` rows, `page` of them on the screen.
    #[must_use]
    pub fn from(self, position: usize, length: usize, page: usize) -> usize {
        let last = length.saturating_sub(1);
        let page = page.saturating_sub(1).max(1);
        match self {
            Self::Up => position.saturating_sub(1),
            Self::Down => position + 1,
            Self::PageUp => position.saturating_sub(page),
            Self::PageDown => position + page,
            Self::Top => 0,
            Self::Bottom => last,
        }
        .min(last)
    }
}

impl Cursor {
    /// Moves the selection.
    pub fn go(&mut self, motion: Motion, length: usize, page: usize) {
        self.selected = motion.from(self.selected, length, page);
        self.keep_visible(length, page);
    }

    /// Brings the selection into the list and onto the screen. When it has left the screen, the screen moves by half
    /// a page: most moves then change two rows only, which matters over a slow line.
    pub fn keep_visible(&mut self, length: usize, page: usize) {
        self.selected = self.selected.min(length.saturating_sub(1));
        let page = page.max(1);
        let half = page / 2;
        if self.selected < self.offset {
            self.offset = self.selected.saturating_sub(half);
        } else if self.selected >= self.offset + page {
            self.offset = self.selected + 1 + half - page.min(self.selected + 1 + half);
            self.offset = self.offset.min(self.selected);
        }
        self.offset = self.offset.min(length.saturating_sub(page));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn motions() -> impl Strategy<Value = Vec<Motion>> {
        proptest::collection::vec(
            prop_oneof![
                Just(Motion::Up),
                Just(Motion::Down),
                Just(Motion::PageUp),
                Just(Motion::PageDown),
                Just(Motion::Top),
                Just(Motion::Bottom),
            ],
            0..60,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_selection_is_always_on_the_screen(motions in motions(), length in 1_usize..100, page in 1_usize..30) {
            let mut cursor = Cursor::default();
            for motion in motions {
                cursor.go(motion, length, page);
                prop_assert!(cursor.selected < length);
                prop_assert!(cursor.offset <= cursor.selected);
                prop_assert!(cursor.selected < cursor.offset + page);
                prop_assert!(cursor.offset <= length.saturating_sub(page));
            }
        }
    }
}
