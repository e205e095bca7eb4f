//! What has to hold of the table of actions.

use super::*;

#[test]
fn no_key_means_two_things_at_one_place() {
    for place in EVERYWHERE {
        for searches in [false, true] {
            let mut seen = std::collections::BTreeMap::new();
            let here = TABLE.iter().filter(|row| row.places.contains(place));
            for row in here.filter(|row| row.action.goes_on() == searches) {
                for key in row.keys {
                    let other = seen.insert(*key, row.action);
                    assert_eq!(other, None, "{key:?} at {place:?}");
                }
            }
        }
    }
}

#[test]
fn every_action_has_one_row() {
    let mut actions: Vec<_> = TABLE.iter().map(|row| row.action).collect();
    actions.sort();
    let count = actions.len();
    actions.dedup();
    assert_eq!(actions.len(), count);
    assert_eq!(Action::QuitAnywhere.row().action, Action::QuitAnywhere);
}

#[test]
fn no_letter_leads_out_of_the_wizard() {
    let moves = [Action::Up, Action::Down, Action::Top, Action::Bottom];
    for place in [Choose, Scope, Plan] {
        for letter in ('a'..='z').chain('A'..='Z') {
            let action = Action::of(Key::Char(letter), place);
            assert!(
                action.is_none_or(|action| moves.contains(&action) || action.only_copies()),
                "{letter} at {place:?}"
            );
        }
    }
}

#[test]
fn no_letter_acts_while_somebody_types() {
    for row in TABLE.iter().filter(|row| row.places.contains(&Typing)) {
        assert!(
            row.keys.iter().all(|key| !matches!(key, Key::Char(_))),
            "{:?}",
            row.action
        );
    }
}
