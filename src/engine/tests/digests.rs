//! What is told of much at once.

use chrono::Duration;

use super::house::OfHouse as _;
use super::notify::{house, receiver, warn};
use super::receivers::Listener;
use crate::domain::activity::Severity;
use crate::domain::notify::ReceiverKind;
use crate::domain::principal::Principal;
use crate::engine::Engine;

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
