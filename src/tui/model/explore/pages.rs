//! A long list of which only some pages are here: those around the selection. It is as long as it is, whatever was
//! read of it, so that moving in it never waits.

use std::collections::BTreeMap;

use super::Known;
use crate::domain::explore::{FirstLook, USUAL_LINES};
use crate::tui::model::cursor::{Cursor, Motion};

/// How many rows a page has.
pub const PAGE: usize = USUAL_LINES as usize;
/// How many pages are kept before the selected one, and behind it.
const KEPT: usize = 4;

/// The list.
#[derive(Debug, Clone)]
pub struct Pages<T> {
    held: BTreeMap<usize, Vec<T>>,
    length: Known<usize>,
    /// The selected row.
    pub cursor: Cursor,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self {
            held: BTreeMap::new(),
            length: Known::NotYet,
            cursor: Cursor::default(),
        }
    }
}

impl<T> Pages<T> {
    /// How many rows there are, as far as that is known.
    #[must_use]
    pub fn length(&self) -> &Known<usize> {
        &self.length
    }

    /// How many rows there are; none before that is known.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.length {
            Known::Here(length) => length,
            _ => 0,
        }
    }

    /// A row, if its page is here.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&T> {
        self.held.get(&(row / PAGE))?.get(row % PAGE)
    }

    /// The selected row, if its page is here.
    #[must_use]
    pub fn selected(&self) -> Option<&T> {
        self.get(self.cursor.selected)
    }

    /// Moves the selection. `rows` are on the screen.
    pub fn go(&mut self, motion: Motion, rows: usize) {
        let length = self.len();
        self.cursor.go(motion, length, rows);
    }

    /// The first rows of the pages to ask for, the most wanted one first: what is on the screen, then what comes next in
    /// either direction.
    #[must_use]
    pub fn wanted(&self, rows: usize) -> Vec<usize> {
        let length = match self.length {
            Known::Failed(_) => return Vec::new(),
            Known::Here(length) => length,
            // Nobody knows whether the list is that long; the first page tells.
            Known::NotYet | Known::Reading(_) => return vec![0],
        };
        let first = self.cursor.offset / PAGE;
        let last = (self.cursor.offset + rows.max(1) - 1) / PAGE;
        let before = first.checked_sub(1);
        (first..=last)
            .chain([last + 1])
            .chain(before)
            .filter(|page| page * PAGE < length && !self.held.contains_key(page))
            .map(|page| page * PAGE)
            .collect()
    }

    /// The first row of the page that is on the screen, to ask for again.
    #[must_use]
    pub fn in_view(&self) -> usize {
        self.cursor.offset / PAGE * PAGE
    }

    /// Takes a page that begins with row `from`, where it is near the selection. A list that has another length than
    /// before is another list, unless it `grows`.
    pub fn put(&mut self, from: usize, length: usize, rows: Vec<T>, grows: bool) {
        if let Known::Here(before) = self.length
            && before != length
            && !(grows && before < length)
        {
            self.held.clear();
        }
        self.length = Known::Here(length);
        self.cursor.selected = self.cursor.selected.min(length.saturating_sub(1));
        let here = self.cursor.selected / PAGE;
        let near = here.saturating_sub(KEPT)..=here + KEPT;
        if from.is_multiple_of(PAGE) {
            self.held.insert(from / PAGE, rows);
        }
        self.held.retain(|page, _| near.contains(page));
    }

    /// Keeps the pages right around the selection only.
    pub fn shrink(&mut self) {
        let here = self.cursor.selected / PAGE;
        self.held.retain(|page, _| page.abs_diff(here) <= 1);
    }

    /// It is read for the first time.
    pub fn reading(&mut self, look: FirstLook) {
        // What is here stays on the screen.
        if !matches!(self.length, Known::Here(_)) {
            self.length = Known::Reading(look);
        }
    }

    /// It cannot be read.
    pub fn failed(&mut self, why: String) {
        self.held.clear();
        self.length = Known::Failed(why);
    }

    /// How many rows are in memory.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.held.values().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(from: usize, length: usize) -> Vec<usize> {
        (from..length.min(from + PAGE)).collect()
    }

    fn answer(list: &mut Pages<usize>, length: usize, rows: usize) {
        for from in list.wanted(rows) {
            list.put(from, length, page(from, length), false);
        }
    }

    #[test]
    fn a_hundred_thousand_rows_scroll_like_ten() {
        let mut list = Pages::default();
        let (length, rows) = (100_000, 30);
        assert_eq!(list.wanted(rows), [0]);
        answer(&mut list, length, rows);
        // The next page is fetched ahead.
        assert_eq!(list.wanted(rows), [PAGE]);
        answer(&mut list, length, rows);
        assert_eq!(list.wanted(rows), Vec::<usize>::new());
        // Nothing is waited for: the selection is where it was sent, whatever is here.
        for _ in 0..500 {
            list.go(Motion::PageDown, rows);
        }
        assert_eq!(list.cursor.selected, 500 * (rows - 1));
        assert_eq!(list.selected(), None);
        answer(&mut list, length, rows);
        assert_eq!(list.selected(), Some(&list.cursor.selected));
        list.go(Motion::Bottom, rows);
        answer(&mut list, length, rows);
        assert_eq!(list.selected(), Some(&99_999));
        assert!(list.held() <= (2 * KEPT + 1) * PAGE);
    }

    #[test]
    fn a_page_that_comes_late_is_not_kept() {
        let mut list = Pages::default();
        list.put(0, 100_000, page(0, 100_000), false);
        list.go(Motion::Bottom, 20);
        list.put(PAGE, 100_000, page(PAGE, 100_000), false);
        assert_eq!(list.held(), 0);
    }

    #[test]
    fn a_list_of_another_length_is_another_list() {
        let mut list = Pages::default();
        list.put(0, 400, page(0, 400), false);
        list.put(PAGE, 401, page(PAGE, 401), false);
        assert_eq!(list.get(0), None);
        let mut found = Pages::default();
        found.put(0, 200, page(0, 200), true);
        found.put(PAGE, 401, page(PAGE, 401), true);
        assert_eq!(found.get(0), Some(&0));
        list.go(Motion::Bottom, 10);
        list.put(0, 3, page(0, 3), false);
        assert_eq!(list.cursor.selected, 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_on_the_screen_comes_and_memory_is_bounded(
            motions in proptest::collection::vec((0_usize..6, 1_usize..40), 1..60),
            length in 1_usize..5_000,
            rows in 1_usize..60,
        ) {
            let all = [
                Motion::Up, Motion::Down, Motion::PageUp, Motion::PageDown, Motion::Top, Motion::Bottom,
            ];
            let mut list = Pages::default();
            answer(&mut list, length, rows);
            for (motion, times) in motions {
                for _ in 0..times {
                    list.go(all[motion], rows);
                }
                answer(&mut list, length, rows);
                for row in list.cursor.offset..length.min(list.cursor.offset + rows) {
                    prop_assert_eq!(list.get(row), Some(&row));
                }
                prop_assert!(list.held() <= (2 * KEPT + 1) * PAGE);
            }
        }
    }
}
