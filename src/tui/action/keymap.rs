//! Which keys do what: the table's own, with those of the configuration in their place.
//!
//! Whatever shows a key asks here, so that a key of one's own is shown wherever the usual one would be. What a key of
//! one's own may not be is checked when the map is made: it would be pressed at night.

use std::collections::BTreeMap;

use super::{Action, EVERYWHERE, Place, Row, TABLE};
use crate::tui::key::{Key, NotAKey};

/// The keys of all actions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    own: BTreeMap<Action, Vec<Key>>,
}

/// Why keys of one's own cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// There is no such action.
    #[error("there is no action \"{name}\"{near}; `lifeboat info --keys` lists them")]
    NoAction {
        /// What was written.
        name: String,
        /// The action whose name is most like it, in words; nothing where none is.
        near: String,
    },
    /// There is no such key.
    #[error("{action}: {wrong}")]
    NoKey {
        /// The action.
        action: &'static str,
        /// What is wrong.
        wrong: NotAKey,
    },
    /// An action would have no key.
    #[error("{0} has no key: write one, or leave the line out to keep the usual ones")]
    None(&'static str),
    /// The keys of this action are always the same.
    #[error("the keys of {0} cannot be changed: answers to questions are the same in every cockpit")]
    Fixed(&'static str),
    /// Two actions at one place.
    #[error("{key} would do two things {place}: {first} and {second}; give one of them another key")]
    Clash {
        /// The key.
        key: String,
        /// Where, in words.
        place: &'static str,
        /// The one.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A character where somebody types.
    #[error(
        "{action} is there where text is typed, so {key} would be typed: choose a key with Ctrl, or one without a character"
    )]
    Typed {
        /// The action.
        action: &'static str,
        /// The key.
        key: String,
    },
    /// A letter where whoever types the name too early would press it.
    #[error(
        "{action} is there in the restore wizard, where the name of the environment is typed next: choose a key that is no letter instead of {key}"
    )]
    InWizard {
        /// The action.
        action: &'static str,
        /// The key.
        key: String,
    },
}

impl Keymap {
    /// The table's own keys, with these in their place: names of actions, as [`Action::name`] has them, and of keys, as
    /// [`Key::label`] has them.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn with<'a>(changes: impl IntoIterator<Item = (&'a str, &'a [String])>) -> Result<Self, KeysError> {
        let mut own = BTreeMap::new();
        for (name, keys) in changes {
            let Some(row) = TABLE.iter().find(|row| row.action.name() == name) else {
                return Err(KeysError::NoAction {
                    name: name.to_owned(),
                    near: nearest(name).map_or_else(String::new, |near| format!(", but there is \"{near}\"")),
                });
            };
            let action = row.action.name();
            if is_fixed(row.action) {
                return Err(KeysError::Fixed(action));
            }
            let keys: Vec<Key> = keys
                .iter()
                .map(|key| key.parse::<Key>())
                .collect::<Result<_, _>>()
                .map_err(|wrong| KeysError::NoKey { action, wrong })?;
            if keys.is_empty() {
                return Err(KeysError::None(action));
            }
            own.insert(row.action, keys);
        }
        let map = Self { own };
        map.check()?;
        Ok(map)
    }

    /// Whether no key means two things at one place, and none leads where it should not.
    fn check(&self) -> Result<(), KeysError> {
        for place in EVERYWHERE {
            for goes_on in [false, true] {
                let mut seen: BTreeMap<Key, Action> = BTreeMap::new();
                let here = TABLE.iter().filter(|row| row.places.contains(place));
                for row in here.filter(|row| row.action.goes_on() == goes_on) {
                    for key in self.keys(row.action) {
                        self.check_key(row, *key, *place)?;
                        if let Some(other) = seen.insert(*key, row.action) {
                            return Err(KeysError::Clash {
                                key: key.label(),
                                place: place.words(),
                                first: other.name(),
                                second: row.action.name(),
                            });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn check_key(&self, row: &Row, key: Key, place: Place) -> Result<(), KeysError> {
        let Key::Char(letter) = key else {
            return Ok(());
        };
        if !self.own.contains_key(&row.action) {
            return Ok(());
        }
        let action = row.action.name();
        if place == Place::Typing {
            return Err(KeysError::Typed {
                action,
                key: key.label(),
            });
        }
        let harmless = row.action.moves() || row.action.only_copies();
        if matches!(place, Place::Choose | Place::Scope | Place::Plan)
            && letter.is_alphanumeric()
            && !harmless
        {
            return Err(KeysError::InWizard {
                action,
                key: key.label(),
            });
        }
        Ok(())
    }

    /// The keys of an action.
    #[must_use]
    pub fn keys(&self, action: Action) -> &[Key] {
        self.own.get(&action).map_or(action.row().keys, Vec::as_slice)
    }

    /// The keys as the help writes them.
    #[must_use]
    pub fn all(&self, action: Action) -> String {
        let labels: Vec<_> = self.keys(action).iter().map(|key| key.label()).collect();
        labels.join(" ")
    }

    /// The first of its keys, as the footer writes it.
    #[must_use]
    pub fn first(&self, action: Action) -> String {
        self.keys(action)
            .first()
            .map(|key| key.label())
            .unwrap_or_default()
    }

    /// Whether the configuration has given this action keys of its own.
    #[must_use]
    pub fn is_own(&self, action: Action) -> bool {
        self.own.contains_key(&action)
    }

    /// The action that a key stands for at a place. While something is searched for, what goes on with the search is first.
    #[must_use]
    pub fn action(&self, key: Key, place: Place, searches: bool) -> Option<Action> {
        let find = |goes_on: bool| {
            TABLE
                .iter()
                .filter(|row| row.action.goes_on() == goes_on && row.places.contains(&place))
                .find(|row| self.keys(row.action).contains(&key))
                .map(|row| row.action)
        };
        searches.then(|| find(true)).flatten().or_else(|| find(false))
    }
}

/// Whether an action's keys are the same in every cockpit: what answers a question, and the way out of everything.
fn is_fixed(action: Action) -> bool {
    matches!(
        action,
        Action::Yes
            | Action::YesForGood
            | Action::No
            | Action::Accept
            | Action::Dismiss
            | Action::QuitAnywhere
    )
}

/// The action whose name has most in common with what was written.
fn nearest(name: &str) -> Option<&'static str> {
    let wanted: Vec<&str> = name.split('-').collect();
    let shared = |other: &str| {
        let parts = other.split('-').filter(|part| wanted.contains(part)).count();
        let begins = name
            .chars()
            .zip(other.chars())
            .take_while(|(a, b)| a == b)
            .count();
        (parts, begins)
    };
    TABLE
        .iter()
        .map(|row| row.action.name())
        .max_by_key(|other| shared(other))
        .filter(|other| shared(other) >= (0, 3))
}

impl Place {
    /// Where that is, in words that follow a verb.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Environments => "in the list of environments",
            Self::Backups => "in the table of backups",
            Self::Choose | Self::Scope | Self::Plan => "in the restore wizard",
            Self::Job => "on a job",
            Self::Fleet => "in the fleet",
            Self::Jobs => "in the list of jobs",
            Self::Log => "in a job's log",
            Self::List => "in the activity and the notifications",
            Self::Page => "on a page",
            Self::Question | Self::Grave => "at a question",
            Self::Notice => "on a message",
            Self::Typing => "where text is typed",
            Self::Contexts => "in the list of contexts",
            Self::Tree => "in the tree of a backup",
            Self::Node => "on a node",
            Self::History => "in a node's history",
            Self::Found => "in what was found",
            Self::Differences => "in what differs",
            Self::Tour => "on the path of the tour",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(changes: &[(&str, &[&str])]) -> Result<Keymap, String> {
        let changes: Vec<(&str, Vec<String>)> = changes
            .iter()
            .map(|(name, keys)| (*name, keys.iter().map(|key| (*key).to_owned()).collect()))
            .collect();
        Keymap::with(changes.iter().map(|(name, keys)| (*name, keys.as_slice())))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_of_ones_own_takes_the_place_of_the_usual_ones() {
        let keys = map(&[("backup", &["Ctrl-B", "T"])]);
        // Ctrl-B is a page up there.
        assert!(
            keys.unwrap_err()
                .contains("Ctrl-B would do two things in the list of environments")
        );
        let keys = map(&[("backup", &["T", "Z"])]).unwrap();
        assert_eq!(keys.all(Action::Backup), "T Z");
        assert_eq!(
            keys.action(Key::Char('T'), Place::Backups, false),
            Some(Action::Backup)
        );
        assert_eq!(keys.action(Key::Char('b'), Place::Backups, false), None);
        assert_eq!(keys.first(Action::Restore), "r");
    }

    #[test]
    fn two_keys_can_be_exchanged() {
        let keys = map(&[("verify", &["V"]), ("verify-all", &["v"])]).unwrap();
        assert_eq!(
            keys.action(Key::Char('v'), Place::Backups, false),
            Some(Action::VerifyAll)
        );
    }

    #[test]
    fn what_is_wrong_is_said_in_a_sentence() {
        let wrong = |changes: &[(&str, &[&str])]| map(changes).unwrap_err();
        assert_eq!(
            wrong(&[("verify-al", &["F"])]),
            "there is no action \"verify-al\", but there is \"verify-all\"; `lifeboat info --keys` lists them"
        );
        assert!(wrong(&[("backup", &["F13"])]).contains("\"F13\" is not a key"));
        assert!(wrong(&[("backup", &[])]).contains("has no key"));
        assert!(wrong(&[("yes", &["Space"])]).contains("cannot be changed"));
        assert!(wrong(&[("backup", &["r"])]).contains("backup and restore"));
        assert!(wrong(&[("back", &["Z"])]).contains("restore wizard"));
        assert!(wrong(&[("copy-typed", &["Z"])]).contains("text is typed"));
    }

    #[test]
    fn going_on_with_a_search_comes_first_while_there_is_one() {
        let keys = Keymap::default();
        let n = |searches| keys.action(Key::Char('n'), Place::Jobs, searches);
        assert_eq!(n(false), Some(Action::Notifications));
        assert_eq!(n(true), Some(Action::NextMatch));
    }

    #[test]
    fn every_action_has_a_name_and_every_key_is_read_as_it_is_written() {
        let mut names: Vec<_> = TABLE.iter().map(|row| row.action.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
        assert_eq!(Action::UpgradeBackup.name(), "upgrade-backup");
        for key in TABLE.iter().flat_map(|row| row.keys) {
            assert_eq!(key.label().parse(), Ok(*key));
        }
    }
}
