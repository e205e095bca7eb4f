//! What is told of much at once, of the same again, and by a clock that was wrong.

use chrono::Duration;

use super::house::{House, OfHouse as _, back_up, done, ended, everything, manual, request, start_restore};
use super::notify::{house, receiver, warn};
use super::receivers::{Listener, Request};
use crate::clock::Clock as _;
use crate::domain::activity::Severity;
use crate::domain::check::Verdict;
use crate::domain::notify::{Receiver, ReceiverKind, Topic};
use crate::domain::principal::Principal;
use crate::engine::{Engine, check, start_restore_alone};
use crate::watch::Unwatched;

fn hook(listener: &Listener) -> Receiver {
    receiver("ops", ReceiverKind::Webhook, |it| {
        it.url = Some(listener.url("/hook"));
    })
}

fn all(listener: &Listener) -> Receiver {
    let mut all = hook(listener);
    all.settings.events = Topic::ALL.to_vec();
    all
}

/// The events that came so far.
fn events(engine: &Engine, listener: &Listener) -> Vec<String> {
    deliver(engine);
    let heard = listener.heard();
    let told = heard.iter().map(Request::json);
    told.map(|told| told["event"].as_str().unwrap().to_owned())
        .collect()
}

fn deliver(engine: &Engine) {
    while engine.notifier().deliver_due() > 0 {}
}

#[test]
fn a_chat_shows_what_is_critical_among_much_else_and_before_it() {
    let listener = Listener::new();
    // It is noon in the house.
    let house = house(vec![receiver("chat", ReceiverKind::Slack, |it| {
        it.url = Some(listener.url("/chat"));
        it.quiet = Some("11:00-14:00".parse().unwrap());
    })]);
    let engine = house.engine();
    for letter in "abcdefghijklmnopqrstuvwxyz".chars() {
        warn(&engine, &format!("look at {letter}"));
    }
    house.pass(Duration::hours(3));
    engine
        .of_house()
        .remember(&Principal::Lifeboat, "no room", None, Severity::Critical);
    deliver(&engine);
    let heard = listener.heard();
    let texts: Vec<_> = heard.iter().map(|it| it.json()["text"].clone()).collect();
    assert_eq!(
        texts,
        [
            "critical: 20 events: 1 critical, 19 warnings",
            "warning: 7 events: 7 warnings"
        ]
    );
    let first = heard[0].json();
    assert_eq!(first["attachments"][0]["text"], "no room");
    let shown: usize = heard
        .iter()
        .map(|it| it.json()["attachments"].as_array().unwrap().len())
        .sum();
    assert_eq!(shown, 27, "none is only counted");
}

#[test]
fn a_failure_after_a_success_is_told_at_once_to_whoever_hears_of_failures_alone_too() {
    let (listener, failures) = (Listener::new(), Listener::new());
    let mut other = hook(&failures);
    other.settings.name = "failures".to_owned();
    let house = house(vec![all(&listener), other]);
    let engine = house.engine();
    let mut told = Vec::new();
    for _ in 0..2 {
        let content = house.root("author");
        let aside = house.path("aside");
        std::fs::rename(&content, &aside).unwrap();
        let job = engine.of_house().start_backup(&manual()).unwrap();
        ended(&engine, job);
        told.extend(events(&engine, &listener));
        std::fs::rename(&aside, &content).unwrap();
        house.pass(Duration::minutes(1));
        back_up(&engine);
        told.extend(events(&engine, &listener));
        house.pass(Duration::minutes(1));
    }
    told.retain(|event| event != "backup_begun");
    assert_eq!(
        told,
        ["backup_failed", "backup_done", "backup_failed", "backup_done"]
    );
    assert_eq!(failures.heard().len(), 2, "each of the two is told");
}

#[test]
fn breaking_glass_and_asking_are_told_each_time() {
    let listener = Listener::new();
    let mut house = house(vec![all(&listener)]);
    house.approve = true;
    house.write("author", "website/page.xml", "whole");
    let engine = house.engine();
    back_up(&engine);
    events(&engine, &listener);
    let jonas = engine.acting_for(crate::domain::caller::Caller::here(&"jonas".into()));
    for _ in 0..2 {
        assert!(start_restore(&engine, &request("manual", everything())).is_err());
        let shown = crate::engine::details(&engine, &House::live()).unwrap();
        jonas
            .of_house()
            .reject(&shown.summary.asked.unwrap().plan, None)
            .unwrap();
        house.pass(Duration::minutes(1));
        let told = events(&engine, &listener);
        assert_eq!(told, ["attention", "attention"], "it is asked for, and rejected");
    }
    for _ in 0..2 {
        let plan = engine
            .of_house()
            .plan_restore(&request("manual", everything()), &Unwatched)
            .unwrap();
        let job = start_restore_alone(&engine, &plan.id, "acme/live", "nobody answers").unwrap();
        done(&engine, job);
        house.pass(Duration::minutes(1));
        let mut told = events(&engine, &listener);
        told.sort();
        assert_eq!(told, ["attention", "restore_begun", "restore_done"]);
    }
}

#[test]
fn a_receiver_is_not_silent_until_the_date_of_a_clock_that_was_ahead() {
    let listener = Listener::new();
    let house = house(vec![hook(&listener)]);
    let right = house.clock.now();
    house.pass(Duration::days(30));
    listener.answers(503);
    {
        let engine = house.engine();
        warn(&engine, "of the wrong time");
        deliver(&engine);
        assert_eq!(listener.heard().len(), 1);
    }
    house.clock.set(right);
    listener.answers(200);
    let engine = house.engine();
    let [stands] = engine.notifier().standings().unwrap().try_into().unwrap();
    assert_eq!(stands.next_try, Some(right), "it is due");
    warn(&engine, "of now");
    assert_eq!(engine.notifier().deliver_due(), 2);
}

#[test]
fn check_names_a_receiver_that_would_be_told_of_nothing() {
    let listener = Listener::new();
    let named = |name: &str, patterns: &[&str]| {
        receiver(name, ReceiverKind::Webhook, |it| {
            it.url = Some(listener.url("/hook"));
            it.environments = patterns.iter().map(|it| it.parse().unwrap()).collect();
        })
    };
    let house = house(vec![
        named("typo", &["acem/live"]),
        named("half", &["acme/live", "later/*"]),
        named("good", &["acme/*"]),
        named("all", &[]),
    ]);
    let report = check(&house.engine(), None).unwrap();
    let found = |name: &str| {
        let about = format!("receiver {name}");
        let mut all = report.findings.iter().filter(|finding| finding.about == about);
        let finding = all.next().unwrap();
        assert!(all.next().is_none());
        (finding.verdict, finding.detail.clone())
    };
    let (verdict, detail) = found("typo");
    assert_eq!(verdict, Verdict::Warning);
    assert_eq!(
        detail,
        "it is told of no environment: no environment of this configuration fits \"acem/live\": did you mean acme/live?"
    );
    let (verdict, detail) = found("half");
    assert_eq!(verdict, Verdict::Warning);
    assert!(detail.contains("later/*"), "{detail}");
    assert_eq!((found("good").0, found("all").0), (Verdict::Ok, Verdict::Ok));
}
