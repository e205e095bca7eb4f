//! A second person: a restore that waits until another owner agrees.

use chrono::Duration;

use super::house::{
    House, OfHouse, back_up, backups, done, everything, request, restore, start_restore, undo,
};
use crate::domain::activity::Severity;
use crate::domain::approval::{Asked, Person};
use crate::domain::caller::Caller;
use crate::domain::plan::PlanId;
use crate::domain::refusal::Refusal;
use crate::domain::request::PinRequest;
use crate::engine::{Engine, EngineError, details, start_restore_alone};
use crate::watch::Unwatched;

fn house() -> House {
    let mut house = House::new();
    house.approve = true;
    house.keep.manual = 2;
    house.write("author", "website/page.xml", "whole");
    house
}

fn jonas(engine: &Engine) -> Engine {
    engine.acting_for(Caller::here(&"jonas".into()))
}

/// Somebody who shows a token.
fn with_token(engine: &Engine, token: &str, account: Option<&str>) -> Engine {
    engine.acting_for(Caller {
        person: account.map(|account| Person {
            account: account.into(),
            made_by: Some("root".into()),
        }),
        ..Caller::here(&token.into())
    })
}

fn refusal<T>(result: Result<T, EngineError>) -> Refusal {
    match result.err() {
        Some(EngineError::Refused(refusal)) => refusal,
        other => panic!("not a refusal: {other:?}"),
    }
}

/// Asks for a restore, and gives the plan that waits.
fn ask(engine: &Engine) -> PlanId {
    match refusal(start_restore(engine, &request("manual", everything()))) {
        Refusal::AwaitsApproval { plan, .. } => plan,
        other => panic!("{other}"),
    }
}

fn waiting(engine: &Engine) -> Option<Asked> {
    let summary = details(engine, &House::live()).unwrap().summary;
    summary.asked.map(|asked| *asked)
}

#[test]
pub(super) fn a_restore_waits_until_another_owner_agrees() {
    let house = house();
    let engine = house.engine();
    back_up(&engine);
    house.write("author", "website/page.xml", "spoilt");
    let spoilt = house.content();
    let plan = ask(&engine);
    assert_eq!(house.content(), spoilt, "nothing was done yet");
    // Backups go on, and a restart changes nothing.
    house.pass(Duration::minutes(5));
    back_up(&engine);
    let engine = house.engine();
    let asked = waiting(&engine).unwrap();
    assert_eq!((asked.by.as_str(), &asked.plan), ("maria", &plan));
    for same in [
        engine.clone(),
        with_token(&engine, "laptop", Some("maria")),
        with_token(&engine, "laptop", Some("Maria")),
    ] {
        let said = refusal(same.of_house().approve(&plan, "acme/live"));
        assert!(matches!(said, Refusal::SamePerson { .. }), "{said}");
    }
    let nobody = refusal(
        with_token(&engine, "robot", None)
            .of_house()
            .approve(&plan, "acme/live"),
    );
    assert!(matches!(nobody, Refusal::UnknownPerson { .. }), "{nobody}");
    let unmeant = refusal(jonas(&engine).of_house().approve(&plan, "acme"));
    assert!(matches!(unmeant, Refusal::NotConfirmed { .. }), "{unmeant}");
    let job = jonas(&engine).of_house().approve(&plan, "acme/live").unwrap();
    let job = done(&engine, job);
    assert!(
        job.title.ends_with("(approved by jonas)") && job.by.as_str() == "maria",
        "{}",
        job.title
    );
    assert_ne!(house.content(), spoilt);
    assert_eq!(waiting(&engine), None);
    let again = refusal(jonas(&engine).of_house().approve(&plan, "acme/live"));
    assert!(matches!(again, Refusal::NothingToApprove { .. }), "{again}");
}

#[test]
pub(super) fn what_waits_ends_after_an_hour_or_is_rejected() {
    let house = house();
    let engine = house.engine();
    back_up(&engine);
    let plan = ask(&engine);
    house.pass(Duration::minutes(61));
    assert_eq!(waiting(&engine), None);
    let late = refusal(jonas(&engine).of_house().approve(&plan, "acme/live"));
    assert!(
        matches!(late, Refusal::NothingToApprove { waits: None, .. }),
        "{late}"
    );
    assert!(
        late.to_string()
            .contains("`lifeboat environments` shows where one waits"),
        "{late}"
    );
    let first = ask(&engine);
    let second = ask(&engine);
    let replaced = refusal(jonas(&engine).of_house().approve(&first, "acme/live"));
    assert!(
        matches!(replaced, Refusal::NothingToApprove { waits: Some(_), .. }),
        "{replaced}"
    );
    let said = replaced.to_string();
    assert!(
        said.contains("asked by maria") && said.contains("`lifeboat approve acme/live` shows it"),
        "{said}"
    );
    jonas(&engine)
        .of_house()
        .reject(&second, Some("not today"))
        .unwrap();
    assert_eq!(waiting(&engine), None);
    let activity = engine.catalog().activity(10).unwrap();
    assert!(activity.iter().any(|entry| entry.what.contains("not today")));
}

#[test]
pub(super) fn glass_is_broken_loudly_and_what_was_approved_has_to_hold_still() {
    let house = house();
    let engine = house.engine();
    back_up(&engine);
    let plan = ask(&engine);
    let alone = engine
        .of_house()
        .plan_restore(&request("manual", everything()), &Unwatched)
        .unwrap();
    for silent in [" ", "\u{200b}", "\u{2800}\u{feff}", "two\nlines"] {
        let refused = refusal(start_restore_alone(&engine, &alone.id, "acme/live", silent));
        assert!(matches!(refused, Refusal::NotAText(_)), "{silent:?}: {refused}");
    }
    let job = start_restore_alone(&engine, &alone.id, "acme/live", "the site is down").unwrap();
    let job = done(&engine, job);
    let warnings = job.outcome.unwrap().warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("the site is down")),
        "{warnings:?}"
    );
    let news = engine.catalog().notifications(20).unwrap();
    let loud = news.iter().find(|one| one.text.contains("BROKE GLASS")).unwrap();
    assert_eq!(loud.severity, Severity::Critical);
    // Live is another one than the one that maria has asked about.
    let stale = refusal(jonas(&engine).of_house().approve(&plan, "acme/live"));
    assert!(matches!(stale, Refusal::NothingToApprove { .. }), "{stale}");
    // It is undone by nobody else, as long as it is fresh.
    undo(&engine);
    house.pass(Duration::hours(25));
    let late = refusal(engine.of_house().start_undo("acme/live"));
    assert!(matches!(late, Refusal::UndoTooLate { .. }), "{late}");
}

#[test]
pub(super) fn a_plan_that_does_not_hold_any_more_is_asked_for_anew() {
    let house = house();
    let engine = house.engine();
    back_up(&engine);
    let plan = ask(&engine);
    super::rules::hold(&engine, crate::domain::request::HoldKind::Maintenance, true);
    let stale = refusal(jonas(&engine).of_house().approve(&plan, "acme/live"));
    assert!(matches!(stale, Refusal::StalePlan { .. }), "{stale}");
    assert_eq!(waiting(&engine), None);
}

#[test]
pub(super) fn what_waits_follows_its_backup_through_a_pin() {
    let house = house();
    let engine = house.engine();
    let backup = back_up(&engine);
    let whole = house.content();
    house.write("author", "website/page.xml", "spoilt");
    let plan = ask(&engine);
    let pin = |backup: &crate::domain::backup::BackupId| {
        let request = PinRequest {
            environment: House::live(),
            backup: backup.clone(),
            until: None,
            note: None,
        };
        engine.of_house().pin(&request).unwrap()
    };
    // Each gives it another id, and each of them leads to it.
    let pinned = pin(&backup);
    let again = pin(&backup);
    let free = engine.of_house().unpin(&pinned).unwrap();
    assert_eq!(backups(&engine)[0].id, free);
    assert!(
        [&backup, &pinned, &again]
            .iter()
            .all(|id| backups(&engine)[0].answers_to(id))
    );
    // A second backup takes its slot, and leaves it: it is waited with.
    house.pass(Duration::minutes(1));
    for _ in 0..2 {
        back_up(&engine);
        house.pass(Duration::minutes(1));
    }
    assert!(
        backups(&engine).iter().any(|backup| backup.id == free),
        "dropped while it was asked for"
    );
    let job = jonas(&engine).of_house().approve(&plan, "acme/live").unwrap();
    done(&engine, job);
    assert_eq!(house.content(), whole);
}

#[test]
pub(super) fn what_is_agreed_to_is_what_is_done() {
    let house = house();
    let engine = house.engine();
    back_up(&engine);
    let whole = house.content();
    house.write("author", "website/page.xml", "spoilt");
    let plan = ask(&engine);
    assert_eq!(waiting(&engine).unwrap().totals, (0, 1, 0));
    // Whoever asked looks at many others meanwhile: this one is not forgotten.
    for _ in 0..25 {
        let request = request("manual", everything());
        engine.of_house().plan_restore(&request, &Unwatched).unwrap();
    }
    house.write("author", "website/new.xml", "new");
    let spoilt = house.content();
    let moved = refusal(jonas(&engine).of_house().approve(&plan, "acme/live"));
    let Refusal::PlanMoved {
        plan: fresh,
        differences,
        ..
    } = &moved
    else {
        panic!("{moved}");
    };
    assert_eq!(
        differences,
        &["author website: 0 items to add, 1 to change, 1 to remove, and no longer 0, 1 and 0"]
    );
    assert_eq!(house.content(), spoilt, "nothing was done");
    let asked = waiting(&engine).unwrap();
    assert_eq!((&asked.plan, asked.totals), (fresh, (0, 1, 1)));
    assert_eq!((&asked.moved, asked.by.as_str()), (differences, "maria"));
    let old = refusal(jonas(&engine).of_house().approve(&plan, "acme/live"));
    assert!(matches!(old, Refusal::NothingToApprove { .. }), "{old}");
    let same = refusal(engine.of_house().approve(fresh, "acme/live"));
    assert!(matches!(same, Refusal::SamePerson { .. }), "{same}");
    // What jonas reads he agrees to, though people go on working meanwhile.
    house.write("author", "website/newer.xml", "newer");
    house.pass(Duration::minutes(5));
    let job = jonas(&engine).of_house().approve(fresh, "acme/live").unwrap();
    done(&engine, job);
    assert_eq!(house.content(), whole);
    let told = engine.catalog().activity(20).unwrap();
    assert!(told.iter().any(|entry| {
        entry
            .what
            .contains("would not do any more what maria has asked for")
    }));
}

#[test]
pub(super) fn a_plan_that_was_read_for_too_long_is_made_once_more() {
    let house = house();
    let engine = house.engine();
    back_up(&engine);
    let plan = ask(&engine);
    house.write("author", "website/page.xml", "spoilt");
    let moved = refusal(jonas(&engine).of_house().approve(&plan, "acme/live"));
    assert!(matches!(moved, Refusal::PlanMoved { .. }), "{moved}");
    let fresh = waiting(&engine).unwrap().plan;
    house.pass(Duration::minutes(11));
    // As many items as before, and another one of them.
    house.write("author", "website/page.xml", "whole");
    house.write("author", "website/page-1.xml", "spoilt");
    let moved = refusal(jonas(&engine).of_house().approve(&fresh, "acme/live"));
    assert!(
        matches!(&moved, Refusal::PlanMoved { differences, .. } if differences[0].contains("author website")),
        "{moved}"
    );
}

#[test]
pub(super) fn without_the_setting_nobody_is_asked() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    restore(&engine, "manual", everything());
}

#[test]
pub(super) fn a_question_that_the_configuration_does_not_ask_any_more_is_refused_with_that_reason() {
    let mut house = house();
    let engine = house.engine();
    back_up(&engine);
    let plan = ask(&engine);
    drop(engine);
    house.approve = false;
    let engine = house.engine();
    let told = details(&engine, &House::live()).unwrap();
    assert!(!told.approve && told.summary.asked.is_none());
    for said in [
        refusal(jonas(&engine).of_house().approve(&plan, "acme/live")),
        refusal(jonas(&engine).of_house().reject(&plan, None)),
    ] {
        assert!(matches!(said, Refusal::NobodyHasToAgree { .. }), "{said}");
        assert!(said.to_string().contains("asks for no second person"), "{said}");
    }
    // It is asked again, and the question with it, for as long as that is good.
    drop(engine);
    house.approve = true;
    let engine = house.engine();
    assert_eq!(waiting(&engine).map(|asked| asked.plan), Some(plan));
}
