//! Plans are followed only as long as they hold.

use std::fs;

use chrono::Duration;

use super::house::{House, OfHouse, back_up, done, everything, request, restore};
use crate::domain::plan::PlanId;
use crate::domain::refusal::Refusal;
use crate::domain::request::{HoldKind, HoldRequest};
use crate::domain::staleness::Stale;
use crate::engine::{Engine, EngineError, start_restore};
use crate::watch::Unwatched;

fn plan(engine: &Engine) -> PlanId {
    let request = request("manual", everything());
    engine.of_house().plan_restore(&request, &Unwatched).unwrap().id
}

/// Why the plan is not followed.
fn why(engine: &Engine, plan: &PlanId) -> Stale {
    match start_restore(engine, plan, "acme/live") {
        Err(EngineError::Refused(Refusal::StalePlan { plan: refused, why })) => {
            assert_eq!(refused, *plan);
            why
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plan_is_followed_within_the_hour_and_by_any_lifeboat_of_the_catalog() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let before = house.content();
    house.remove("author", "website");
    let plan = plan(&engine);
    // Editors go on working: that is no reason to refuse.
    fs::write(house.root("author").join("dam/new.jpg"), "new").unwrap();
    house.pass(Duration::minutes(59));
    let other = house.engine();
    let job = start_restore(&other, &plan, "acme/live").unwrap();
    done(&other, job);
    assert_eq!(house.content(), before);
}

#[test]
fn a_plan_that_is_old_or_was_never_made_is_refused() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    assert_eq!(why(&engine, &PlanId("no such plan".to_owned())), Stale::Unknown);
    let plan = plan(&engine);
    house.pass(Duration::minutes(61));
    assert!(matches!(why(&engine, &plan), Stale::TooOld { .. }));
    house.pass(Duration::days(2));
    assert_eq!(why(&engine, &plan), Stale::Unknown);
}

#[test]
fn a_plan_from_before_another_restore_is_refused() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let plan = plan(&engine);
    let other = restore(&engine, "manual", everything());
    let Stale::Changed { job, .. } = why(&engine, &plan) else {
        panic!("another reason");
    };
    assert_eq!(job, other.id);
}

#[test]
fn a_plan_whose_backup_is_gone_is_refused() {
    let house = House::new();
    let engine = house.engine();
    let first = back_up(&engine);
    let plan = plan(&engine);
    house.pass(Duration::minutes(1));
    back_up(&engine);
    assert_eq!(why(&engine, &plan), Stale::BackupGone { backup: first });
}

#[test]
fn a_plan_from_before_a_hold_was_lifted_is_refused() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let hold = |on| {
        let request = HoldRequest {
            environment: House::live(),
            hold: HoldKind::Protection,
            on,
            reason: None,
        };
        engine.of_house().hold(&request).unwrap();
    };
    hold(true);
    let plan = plan(&engine);
    hold(false);
    assert_eq!(why(&engine, &plan), Stale::Holds);
}

#[test]
fn a_plan_of_another_configuration_or_another_content_folder_is_refused() {
    let mut house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let first = plan(&engine);
    let root = house.root("author");
    let aside = house.path("aside");
    fs::rename(&root, &aside).unwrap();
    fs::create_dir(&root).unwrap();
    let refused = why(&engine, &first);
    assert_eq!(
        refused,
        Stale::Content {
            instance: "author".parse().unwrap()
        }
    );
    assert!(refused.to_string().contains("author"), "{refused}");
    fs::remove_dir(&root).unwrap();
    fs::rename(&aside, &root).unwrap();
    house.hooks.after_restore = vec!["true".to_owned()];
    assert_eq!(why(&house.engine(), &first), Stale::Settings);
}
