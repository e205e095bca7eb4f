//! What becomes of what is handed over: to receivers that take their time, that take a part, and that nobody has heard
//! the answer of.

use std::fs;
use std::time::{Duration as Wait, Instant as Monotonic};

use chrono::Duration;

use super::notify::{house, receiver, warn};
use super::receivers::{BABBLES, HANGS_UP, Listener, MailServer, STALLS};
use super::told::alive;
use crate::domain::limit::TimeLimit;
use crate::domain::notify::{MailTls, Receiver, ReceiverKind};
use crate::engine::{Engine, take_over};

fn hook(name: &str, listener: &Listener) -> Receiver {
    receiver(name, ReceiverKind::Webhook, |it| it.url = Some(listener.url("/")))
}

fn shell(name: &str, script: String) -> Receiver {
    receiver(name, ReceiverKind::Command, |it| {
        it.command = vec!["sh".into(), "-c".into(), script];
        it.limit = TimeLimit::seconds(8);
    })
}

#[test]
fn what_does_not_answer_while_a_verb_waits_is_written_down_and_costs_nobody_else_anything() {
    let (stalls, works) = (Listener::new(), Listener::new());
    stalls.answers(STALLS);
    let house = house(vec![hook("hole", &stalls), hook("chat", &works)]);
    let engine = house.engine();
    warn(&engine, "first");
    warn(&engine, "second");
    engine.notifier().send_before_the_end(Wait::from_secs(1));
    assert_eq!(works.heard().len(), 2);
    let [hole, chat] = engine.notifier().standings().unwrap().try_into().unwrap();
    assert_eq!(
        (chat.waiting, chat.delivered, chat.failing_since),
        (0, Some(house.clock_now()), None)
    );
    assert_eq!((hole.waiting, hole.failing_since), (2, Some(house.clock_now())));
    assert!(hole.next_try.is_some_and(|next| next > house.clock_now()));
    let why = hole.why.unwrap();
    assert_eq!(
        why,
        "it had not taken it when Lifeboat ended, which waits no longer than 1 second for that"
    );
    warn(&engine, "third");
    engine.notifier().send_before_the_end(Wait::from_secs(1));
    assert_eq!(works.heard()[0].json()["text"], "third", "and nothing twice");
    assert_eq!(stalls.heard().len(), 1, "its pause has begun");
}

#[test]
fn a_command_that_takes_longer_than_a_verb_waits_is_not_begun_by_each_verb() {
    let mut house = house(Vec::new());
    let starts = house.path("starts");
    let script = format!("echo x >> {}; exec sleep 7", starts.display());
    house.receivers = vec![shell("slow", script)];
    for text in ["one", "two"] {
        let engine = house.engine();
        warn(&engine, text);
        engine.notifier().send_before_the_end(Wait::from_secs(1));
        assert!(engine.notifier().standings().unwrap()[0].failing_since.is_some());
    }
    assert_eq!(fs::read_to_string(&starts).unwrap(), "x\n");
}

/// As a verb ends: how long it waits for receivers.
fn ends(verb: &Engine) -> Wait {
    let began = Monotonic::now();
    verb.notifier().send_before_the_end(Wait::from_secs(5));
    began.elapsed()
}

#[test]
fn a_verb_beside_a_service_leaves_what_it_tells_to_it_and_ends_at_once() {
    let listener = Listener::new();
    listener.answers(STALLS);
    let house = house(vec![hook("ops", &listener)]);
    let (service, verb) = (house.engine(), house.engine());
    let courier = service.notifier().keep();
    let until = Monotonic::now() + Wait::from_secs(30);
    let others = || verb.catalog().delivered_by_another(&["ops"], house.clock_now());
    while others().unwrap() != ["ops"] {
        assert!(
            Monotonic::now() < until,
            "the service does not say that it delivers"
        );
        std::thread::sleep(Wait::from_millis(20));
    }
    warn(&verb, "the disk is nearly full");
    assert!(ends(&verb) < Wait::from_secs(3));
    drop(verb);
    assert_eq!(listener.hears().json()["text"], "the disk is nearly full");
    assert_eq!(listener.heard().len(), 0, "and not twice");
    drop(courier);
}

#[test]
fn what_was_left_to_a_service_that_died_is_delivered_by_the_next_verb() {
    let listener = Listener::new();
    let house = house(vec![hook("ops", &listener)]);
    let service = house.engine();
    service.notifier().put_out_sign();
    let verb = house.engine();
    warn(&verb, "left to it");
    ends(&verb);
    assert_eq!(listener.heard().len(), 0);
    // As after a kill: what it has said stays, and its lock is gone.
    drop(service);
    let next = house.engine();
    warn(&next, "told after it");
    ends(&next);
    assert_eq!(listener.heard().len(), 2);
}

#[test]
fn a_verb_beside_a_service_that_stands_still_tells_at_once_by_itself() {
    let listener = Listener::new();
    let house = house(vec![hook("ops", &listener)]);
    let (service, verb) = (house.engine(), house.engine());
    service.notifier().put_out_sign();
    // As after Ctrl-Z: it has its lock, and says no more that it moves.
    house.pass(Duration::seconds(21));
    warn(&verb, "told by itself");
    ends(&verb);
    assert_eq!(listener.heard().len(), 1);
    // It goes on.
    service.notifier().put_out_sign();
    warn(&verb, "left to it");
    ends(&verb);
    assert_eq!(listener.heard().len(), 0);
    assert_eq!(service.notifier().deliver_due(), 1);
}

#[test]
fn a_service_that_ends_waits_for_nobody_who_is_putting_out_its_sign() {
    let house = house(vec![hook("ops", &Listener::new())]);
    let service = house.engine();
    let began = Monotonic::now();
    service
        .notifier()
        .with_sign_in_hand(|| service.notifier().send_before_the_end(Wait::from_millis(100)));
    assert!(began.elapsed() < Wait::from_secs(10));
}

#[test]
fn a_sign_is_taken_in_also_where_no_receiver_is_configured_any_more() {
    let listener = Listener::new();
    let house = house(vec![hook("ops", &listener)]);
    let (service, verb) = (house.engine(), house.engine());
    service.notifier().put_out_sign();
    take_over(&service, house.environments(), Vec::new()).unwrap();
    ends(&service.current());
    warn(&verb, "told by itself");
    ends(&verb);
    assert_eq!(listener.heard().len(), 1);
}

#[test]
fn what_was_left_to_a_service_is_delivered_before_it_ends() {
    let listener = Listener::new();
    let house = house(vec![hook("ops", &listener)]);
    let (service, verb) = (house.engine(), house.engine());
    service.notifier().put_out_sign();
    warn(&verb, "left to it");
    ends(&verb);
    ends(&service);
    assert_eq!(listener.heard().len(), 1);
    // It still has its catalog open, and puts out no sign any more.
    service.notifier().put_out_sign();
    warn(&verb, "told by itself");
    ends(&verb);
    assert_eq!(listener.heard().len(), 1);
}

#[test]
fn a_verb_tells_whoever_the_service_does_not_know() {
    let (known, unknown) = (Listener::new(), Listener::new());
    let mut house = house(vec![hook("known", &known)]);
    let service = house.engine();
    service.notifier().put_out_sign();
    house.receivers.push(hook("unknown", &unknown));
    let verb = house.engine();
    warn(&verb, "the disk is nearly full");
    ends(&verb);
    assert_eq!((known.heard().len(), unknown.heard().len()), (0, 1));
    drop(service);
}

#[test]
fn a_receiver_that_takes_its_time_holds_up_no_other_and_is_begun_once() {
    let listener = Listener::new();
    let mut house = house(Vec::new());
    let starts = house.path("starts");
    let script = format!("echo x >> {}; exec sleep 600", starts.display());
    let mut slow = shell("slow", script);
    slow.settings.limit = TimeLimit::seconds(600);
    house.receivers = vec![slow, hook("pager", &listener)];
    let engine = house.engine();
    let courier = engine.notifier().keep();
    for text in ["one", "two", "three"] {
        warn(&engine, text);
        assert_eq!(listener.hears().json()["text"], text);
    }
    engine.notifier().send_before_the_end(Wait::from_secs(1));
    drop(courier);
    assert_eq!(fs::read_to_string(&starts).unwrap(), "x\n");
    let [slow, _] = engine.notifier().standings().unwrap().try_into().unwrap();
    assert_eq!((slow.waiting, slow.failing_since), (3, Some(house.clock_now())));
}

#[test]
fn calls_after_rounds_do_not_wait_for_each_other() {
    let (stalls, works) = (Listener::new(), Listener::new());
    stalls.answers(STALLS);
    let mut other = alive(&works, true);
    other.settings.name = "other".into();
    let house = house(vec![alive(&stalls, true), other]);
    let engine = house.engine();
    let until = Monotonic::now() + Wait::from_secs(8);
    let mut heard = 0;
    while heard < 2 {
        engine.notifier().round_ended();
        heard += works.heard().len();
        assert!(Monotonic::now() < until, "the other one is waited for");
        std::thread::sleep(Wait::from_millis(20));
    }
    assert_eq!(stalls.heard().len(), 1);
}

#[test]
fn what_may_have_been_heard_is_told_again_as_the_same() {
    let listener = Listener::new();
    let house = house(vec![hook("ops", &listener)]);
    let engine = house.engine();
    listener.answers(HANGS_UP);
    for text in ["a", "b", "c", "d", "e", "f"] {
        warn(&engine, text);
    }
    assert_eq!(engine.notifier().deliver_due(), 0);
    let first = listener.heard().remove(0);
    warn(&engine, "a");
    warn(&engine, "g");
    drop(engine);
    let engine = house.engine();
    house.pass(Duration::seconds(15));
    listener.answers(200);
    assert_eq!(engine.notifier().deliver_due(), 7);
    let [again, single] = listener.heard().try_into().unwrap();
    assert_eq!(again.headers["lifeboat-id"], first.headers["lifeboat-id"]);
    assert_eq!(again.json()["events"], first.json()["events"]);
    let events = again.json()["events"].as_array().unwrap().clone();
    let mut ids: Vec<_> = events.iter().map(|event| event["id"].to_string()).collect();
    ids.push(single.json()["id"].to_string());
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 7, "each has its own: {ids:?}");
    house.pass(Duration::hours(1));
    assert_eq!(
        engine.notifier().deliver_due(),
        1,
        "what came after is told as a repeat"
    );
    let repeat = listener.heard().remove(0).json();
    assert_eq!((&repeat["text"], &repeat["repeats"]), (&"a".into(), &true.into()));
    assert!(!ids.contains(&repeat["id"].to_string()), "{repeat}");
}

#[test]
fn one_recipient_who_is_refused_keeps_no_mail_from_the_others() {
    let mut house = house(Vec::new());
    let server = MailServer::new(house.folder.path(), true);
    let authority = house.path("authority.pem");
    house.receivers = vec![receiver("mail", ReceiverKind::Email, |it| {
        it.server = Some("localhost".into());
        it.port = Some(server.port);
        it.tls = Some(MailTls::Tls);
        it.ca_file = Some(authority);
        it.from = Some("lifeboat@example.com".into());
        it.to = vec!["olga@example.com".into(), "nobody@example.com".into()];
    })];
    let engine = house.engine();
    warn(&engine, "the disk is nearly full");
    engine.notifier().deliver_due();
    let [mail] = server.taken().try_into().unwrap();
    assert_eq!(mail.to, ["RCPT TO:<olga@example.com>"]);
    let [stands] = engine.notifier().standings().unwrap().try_into().unwrap();
    assert_eq!((stands.waiting, stands.delivered), (0, Some(house.clock_now())));
    let trouble = stands.trouble().unwrap();
    for part in [
        "not everything has reached",
        &format!("localhost:{}", server.port),
        "for nobody@example.com",
        "550",
        "the other recipients have it",
    ] {
        assert!(trouble.contains(part), "{part}: {trouble}");
    }
    drop(engine);

    house.receivers[0].settings.to[1] = "later@example.com".into();
    let engine = house.engine();
    house.pass(Duration::hours(2));
    warn(&engine, "the disk is full");
    for _ in 0..2 {
        engine.notifier().deliver_due();
        house.pass(Duration::minutes(10));
    }
    assert_eq!(server.taken().len(), 1, "who has it gets it once");
    let [stands] = engine.notifier().standings().unwrap().try_into().unwrap();
    assert_eq!(stands.waiting, 1);
    assert!(stands.why.unwrap().contains("later@example.com"));
    // What comes after it reaches those who take mail, in minutes and not after a day.
    warn(&engine, "the disk has failed");
    for _ in 0..5 {
        engine.notifier().deliver_due();
        house.pass(Duration::minutes(30));
    }
    let [mail] = server.taken().try_into().unwrap();
    assert_eq!(mail.to, ["RCPT TO:<olga@example.com>"]);
    assert!(mail.text.contains("the disk has failed"), "{}", mail.text);
}

#[test]
fn the_exit_code_of_a_command_counts_and_not_what_it_leaves_behind() {
    let house = house(vec![
        shell("well", "sleep 20 & exit 0".into()),
        shell("ill", "echo sorry >&2; sleep 20 & exit 3".into()),
        shell("loud", "head -c 300000 /dev/zero | tr '\\0' x >&2".into()),
    ]);
    let engine = house.engine();
    let began = Monotonic::now();
    let [well, ill, loud] = engine.notifier().test(None).unwrap().try_into().unwrap();
    assert!(began.elapsed() < Wait::from_secs(8));
    assert!(well.delivered, "{}", well.detail);
    assert!(!ill.delivered);
    assert!(ill.detail.contains("exit status: 3: sorry"), "{}", ill.detail);
    assert!(loud.delivered, "{}", loud.detail);
}

#[test]
fn what_was_reached_is_not_said_to_be_out_of_reach() {
    let (babbles, hangs_up) = (Listener::new(), Listener::new());
    babbles.answers(BABBLES);
    hangs_up.answers(HANGS_UP);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let gone = receiver("gone", ReceiverKind::Slack, |it| {
        it.url = Some(format!("http://127.0.0.1:{port}/"));
    });
    let house = house(vec![hook("one", &babbles), hook("two", &hangs_up), gone]);
    let engine = house.engine();
    let [one, two, gone] = engine.notifier().test(None).unwrap().try_into().unwrap();
    for (test, listener) in [(one, &babbles), (two, &hangs_up)] {
        let reached = format!("127.0.0.1:{} was reached", listener.port);
        assert!(test.detail.starts_with(&reached), "{}", test.detail);
    }
    let not = format!("127.0.0.1:{port} was not reached");
    assert!(gone.detail.starts_with(&not), "{}", gone.detail);
}
