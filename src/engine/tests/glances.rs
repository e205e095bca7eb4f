//! The list of all environments waits for no repository, and holds what was seen last until something changes.

use std::time::Duration;

use super::house::{House, OfHouse, back_up, backups};
use crate::domain::event::Event;
use crate::domain::settings::RepositoryChoice;
use crate::domain::state::EnvironmentSummary;
use crate::engine::overview::glance::glances_within;
use crate::engine::{Engine, summary};

/// Long enough for whatever is to come.
const LONG: Duration = Duration::from_mins(2);

fn glance(engine: &Engine, patience: Duration) -> EnvironmentSummary {
    let mut all = glances_within(engine, patience).unwrap();
    let position = all.iter().position(|one| one.name == House::live()).unwrap();
    all.swap_remove(position)
}

#[test]
fn what_is_not_read_yet_is_listed_as_that_and_told_when_it_is() {
    let house = House::new();
    back_up(&house.engine());
    let engine = house.engine();
    let mut events = engine.0.events.subscribe();
    // Somebody opens a repository, and that takes its time.
    let opened = engine.of_house();
    let opening = opened.turn_to_open();
    let all = glances_within(&engine, Duration::ZERO).unwrap();
    let unread: Vec<_> = all.iter().map(|one| (one.name.to_string(), one.unread)).collect();
    assert_eq!(unread, [("acme/live".into(), true), ("acme/uat".into(), false)]);
    assert!(all[0].newest.is_none() && all[0].trouble.is_none());
    drop(opening);
    let told = loop {
        if let Ok(Event::Summary(summary)) = events.blocking_recv() {
            break *summary;
        }
    };
    assert!(!told.unread && told.newest.is_some());
    assert_eq!(glance(&engine, Duration::ZERO), told);
}

#[test]
fn what_changes_is_in_the_next_list() {
    let house = House::new();
    let engine = house.engine();
    assert_eq!(glance(&engine, LONG).newest, None);
    back_up(&engine);
    let taken = backups(&engine)[0].manifest.taken;
    assert_eq!(glance(&engine, LONG).newest, Some(taken));
    // As a whole, it is what somebody is told who asks for it alone.
    assert_eq!(glance(&engine, LONG), summary(&engine, &House::live()).unwrap());
}

#[test]
fn what_another_lifeboat_on_the_machine_does_is_in_a_list_soon() {
    let house = House::new();
    let (engine, other) = (house.engine(), house.engine());
    let mut seen = engine.look_at_others(None);
    assert_eq!(glance(&engine, LONG).newest, None);
    back_up(&other);
    while glance(&engine, LONG).newest.is_none() {
        seen = engine.look_at_others(seen);
    }
}

#[test]
fn a_repository_is_closed_only_where_nobody_uses_it() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let live = engine.of_house();
    let used = live.repository(false).unwrap();
    assert!(!live.known().closes(RepositoryChoice::First));
    drop(used);
    assert!(live.known().closes(RepositoryChoice::First));
    assert_eq!(live.list_backups().unwrap().len(), 1, "it is opened again");
}
