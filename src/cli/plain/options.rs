//! One or some of several that are numbered, and what may be typed for them: a number, the beginning of words, and for a backup
//! its id and the words that verbs take. Not in here: how they are asked for.

use super::answering::said_again;
use crate::domain::backup::{Backup, choose};
use crate::domain::choice::{self, ChoiceError};
use crate::domain::measure;

/// What one of is chosen.
#[derive(Clone, Copy)]
pub(super) struct Options<'o> {
    /// What is said of each.
    labels: &'o [String],
    /// The backups that the first of them are; each can be chosen by its id as well.
    backups: &'o [&'o Backup],
    /// Those of them among which a verb looks for a slot's name or another of its words.
    named: &'o [Backup],
}

impl<'o> Options<'o> {
    /// Of which none is a backup.
    pub(super) fn of(labels: &'o [String]) -> Self {
        Self {
            labels,
            backups: &[],
            named: &[],
        }
    }

    /// Of which the first are backups, and some of these what verbs mean by `latest` and their other words.
    pub(super) fn with(labels: &'o [String], backups: &'o [&'o Backup], named: &'o [Backup]) -> Self {
        Self {
            labels,
            backups,
            named,
        }
    }

    /// What is said of each.
    pub(super) fn labels(&self) -> &'o [String] {
        self.labels
    }

    /// Whether there are backups among them.
    pub(super) fn are_backups(&self) -> bool {
        !self.backups.is_empty()
    }

    /// The place, from 0, of what is meant: by its number, a word that verbs take, the beginning of its words, or its id.
    pub(super) fn place(&self, typed: &str) -> Result<usize, String> {
        let word = typed.to_lowercase();
        // While the first repository is lost there is none but copies, and the words are about those.
        let copies: Vec<Backup> = match self.named {
            [] => self.backups.iter().map(|backup| (*backup).clone()).collect(),
            _ => Vec::new(),
        };
        let named = if copies.is_empty() { self.named } else { &copies };
        let by_word = (self.are_backups() && choice::is_word(&word)).then(|| choose(named, &word));
        match &by_word {
            Some(Ok(meant)) => {
                if let Some(place) = self.backups.iter().position(|backup| backup.id == meant.id) {
                    return Ok(place);
                }
            }
            // It may begin the words of one all the same.
            None | Some(Err(ChoiceError::Unknown { .. } | ChoiceError::EmptySlot { .. })) => {}
            // A verb would refuse it, and says how it is meant in spite of that.
            Some(Err(why)) => return Err(why.to_string()),
        }
        match place(typed, self.labels) {
            Ok(place) => Ok(place),
            Err(why) => match (by_id(typed, self.backups)?, by_word) {
                (Some(place), _) => Ok(place),
                // It was understood, and there is none.
                (None, Some(Err(none))) => Err(none.to_string()),
                (None, _) => Err(why),
            },
        }
    }
}

/// From so many digits on they may be the beginning of an id. Fewer are a number that was mistyped.
const NO_NUMBER: usize = 4;

/// The place of the backup that has an id which begins so, or had one before it was pinned or extended.
fn by_id(typed: &str, backups: &[&Backup]) -> Result<Option<usize>, String> {
    let typed = typed.to_lowercase();
    let is_number = typed.chars().all(|one| one.is_ascii_digit());
    if typed.is_empty() || is_number && typed.len() < NO_NUMBER {
        return Ok(None);
    }
    let has_it = |backup: &Backup| {
        let ids = std::iter::once(&backup.id).chain(&backup.manifest.earlier);
        ids.into_iter().any(|id| id.0.starts_with(&typed))
    };
    let fit: Vec<usize> = (0..)
        .zip(backups)
        .filter(|(_, backup)| has_it(backup))
        .map(|(place, _)| place)
        .collect();
    match fit.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        several => {
            let numbers: Vec<String> = several.iter().map(|place| (place + 1).to_string()).collect();
            Err(format!(
                "{} begins the ids of {} of these: type more of one, or its number ({})",
                said_again(&typed),
                several.len(),
                measure::listed(&numbers)
            ))
        }
    }
}

/// The places of several, each once, in the order in which they were typed.
pub(super) fn places(typed: &str, labels: &[String]) -> Result<Vec<usize>, String> {
    let mut places = Vec::new();
    for word in typed.split([' ', ',']).filter(|word| !word.is_empty()) {
        let place = place(word, labels)?;
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
}

/// The place in a list, from 0, of what is meant: by its number, or by the beginning of its words where that is unique. Else why it is
/// not clear.
fn place(typed: &str, labels: &[String]) -> Result<usize, String> {
    let count = labels.len();
    if let Ok(number) = typed.parse::<usize>() {
        let place = number.checked_sub(1).filter(|place| *place < count);
        return place.ok_or_else(|| format!("{} is no number from 1 to {count}", said_again(typed)));
    }
    let words = typed.to_lowercase();
    let labels = labels.iter().map(|label| label.to_lowercase());
    let fit: Vec<(usize, String)> = labels
        .enumerate()
        .filter(|(_, label)| label.starts_with(&words))
        .collect();
    match fit.as_slice() {
        [(only, _)] => Ok(*only),
        [] => Err(format!(
            "{} is no number from 1 to {count}, and none of these begins with it",
            said_again(typed)
        )),
        // What is all of one of them is that one, though another goes on from there.
        several => several
            .iter()
            .find(|(_, label)| *label == words)
            .map(|(place, _)| *place)
            .ok_or_else(|| {
                let numbers: Vec<String> = several.iter().map(|(place, _)| (place + 1).to_string()).collect();
                format!(
                    "{} begins {} of these: type more of one, or its number ({})",
                    said_again(typed),
                    several.len(),
                    measure::listed(&numbers)
                )
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_twice_is_chosen_once() {
        let labels = ["author", "public-1", "public-2"].map(str::to_owned);
        assert_eq!(places("1, 1", &labels), Ok(vec![0]));
        assert_eq!(places("3 author 1,3", &labels), Ok(vec![2, 0]));
        assert_eq!(places("", &labels), Ok(Vec::new()));
        assert!(places("1 4", &labels).is_err());
    }

    #[test]
    fn a_number_or_the_beginning_of_the_words_is_meant() {
        let labels = [
            "restore it",
            "restore it without a safety backup",
            "only some paths",
            "Manual, taken",
        ]
        .map(str::to_owned);
        assert_eq!(place("3", &labels), Ok(2));
        assert_eq!(place("restore it", &labels), Ok(0));
        assert_eq!(place("restore it w", &labels), Ok(1));
        assert_eq!(place("manual", &labels), Ok(3));
        for (typed, told) in [
            ("0", "no number from 1 to 4"),
            ("5", "no number from 1 to 4"),
            ("daily", "none of these begins with it"),
            ("rest", "begins 2 of these"),
        ] {
            let why = place(typed, &labels).unwrap_err();
            assert!(why.contains(told), "{why}");
        }
        let why = place(&"é".repeat(5_000_000), &labels).unwrap_err();
        assert!(why.chars().count() < 150, "{}", why.len());
    }
}
