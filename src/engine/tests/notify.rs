//! Being told while nobody looks: real receivers on loopback, a queue that outlives the engine, and a clock that is set.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use chrono::Duration;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::house::{House, back_up, done, ended, everything, restore, share};
use super::receivers::Listener;
use crate::domain::activity::Severity;
use crate::domain::notify::{Receiver, ReceiverKind, ReceiverSettings, Topic};
use crate::domain::principal::Principal;
use crate::engine::Engine;

pub(super) fn receiver(
    name: &str,
    kind: ReceiverKind,
    change: impl FnOnce(&mut ReceiverSettings),
) -> Receiver {
    let mut settings = ReceiverSettings::of(name, kind);
    change(&mut settings);
    assert_eq!(settings.wrong(), None);
    Receiver {
        settings,
        rounds: false,
    }
}

fn webhook(listener: &Listener) -> Receiver {
    receiver("ops", ReceiverKind::Webhook, |it| {
        it.url = Some(listener.url("/hook"));
    })
}

pub(super) fn house(receivers: Vec<Receiver>) -> House {
    let mut house = House::new();
    house.receivers = receivers;
    house
}

pub(super) fn warn(engine: &Engine, text: &str) {
    let live = engine.live(&House::live()).unwrap();
    live.remember_warning(&Principal::Lifeboat, text);
}

pub(super) fn private(house: &House, name: &str, text: &str) -> std::path::PathBuf {
    let file = house.path(name);
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

#[test]
fn a_webhook_is_told_once_and_can_check_who_tells_it() {
    let listener = Listener::new();
    let mut house = house(Vec::new());
    let secret = private(&house, "secret", "sesame\n");
    house.receivers = vec![receiver("ops", ReceiverKind::Webhook, |it| {
        it.url = Some(listener.url("/hook?x=1"));
        it.secret_file = Some(secret);
    })];
    let engine = house.engine();
    warn(&engine, "the disk is nearly full");
    assert_eq!(engine.notifier().deliver_due(), 1);
    assert_eq!(engine.notifier().deliver_due(), 0);
    let [told] = listener.heard().try_into().unwrap();
    assert_eq!(told.path, "/hook?x=1");
    let event = told.json();
    assert_eq!(
        (
            &event["event"],
            &event["environment"],
            &event["text"],
            &event["severity"]
        ),
        (
            &"attention".into(),
            &"acme/live".into(),
            &"the disk is nearly full".into(),
            &"warning".into()
        )
    );
    assert_eq!(
        event["id"].as_str(),
        told.headers.get("lifeboat-id").map(String::as_str)
    );
    let (time, digest) = told.headers["lifeboat-signature"].split_once(",v1=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"sesame").unwrap();
    mac.update(format!("{}.{}", time.strip_prefix("t=").unwrap(), told.body).as_bytes());
    let expected = mac
        .finalize()
        .into_bytes()
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        });
    assert_eq!(digest, expected);
    assert_eq!(time, format!("t={}", house.clock_now().timestamp()));
}

#[test]
fn what_a_receiver_does_not_take_waits_through_a_restart_and_is_tried_later_and_later() {
    let listener = Listener::new();
    let house = house(vec![webhook(&listener)]);
    listener.answers(503);
    let engine = house.engine();
    warn(&engine, "first");
    warn(&engine, "second");
    assert_eq!(engine.notifier().deliver_due(), 0);
    assert_eq!(
        listener.heard().len(),
        1,
        "the second is not tried where the first was not taken"
    );
    assert_eq!(engine.notifier().deliver_due(), 0);
    assert_eq!(listener.heard().len(), 0, "it is not tried again at once");
    let [stands] = engine.notifier().standings().unwrap().try_into().unwrap();
    assert_eq!(
        (stands.waiting, stands.failing_since),
        (2, Some(house.clock_now()))
    );
    assert!(stands.why.as_ref().unwrap().contains("503"), "{stands:?}");
    assert!(stands.next_try.is_some_and(|next| next > house.clock_now()));
    drop(engine);

    let engine = house.engine();
    house.pass(Duration::seconds(15));
    assert_eq!(engine.notifier().deliver_due(), 0);
    assert_eq!(listener.heard().len(), 1);
    house.pass(Duration::seconds(15));
    engine.notifier().deliver_due();
    assert_eq!(listener.heard().len(), 0, "the second pause is twice as long");
    house.pass(Duration::seconds(30));
    listener.answers(204);
    assert_eq!(engine.notifier().deliver_due(), 2);
    let texts: Vec<_> = listener
        .heard()
        .iter()
        .map(|told| told.json()["text"].clone())
        .collect();
    assert_eq!(texts, ["first", "second"]);
    let [stands] = engine.notifier().standings().unwrap().try_into().unwrap();
    assert_eq!(
        (stands.waiting, stands.failing_since, stands.why),
        (0, None, None)
    );
    assert_eq!(stands.delivered, Some(house.clock_now()));
}

#[test]
fn what_is_given_up_is_said_and_told_to_the_others() {
    let (dead, alive) = (Listener::new(), Listener::new());
    let other = receiver("other", ReceiverKind::Webhook, |it| {
        it.url = Some(alive.url("/"));
        it.events = vec![Topic::Undelivered];
    });
    let house = house(vec![webhook(&dead), other]);
    dead.answers(500);
    let engine = house.engine();
    warn(&engine, "the disk is nearly full");
    for _ in 0..3 {
        engine.notifier().deliver_due();
        house.pass(Duration::hours(1));
    }
    engine.notifier().deliver_due();
    let told = alive.hears().json();
    assert_eq!(told["event"], "undelivered");
    assert!(
        told["text"].as_str().unwrap().contains("\"ops\" takes nothing"),
        "{told}"
    );
    house.pass(Duration::hours(24));
    engine.notifier().deliver_due();
    let [stands, _] = engine.notifier().standings().unwrap().try_into().unwrap();
    assert_eq!(stands.waiting, 0, "it is given up");
    let newest = &engine.catalog().notifications(1).unwrap()[0];
    assert!(
        newest
            .text
            .contains("gave up telling the receiver \"ops\" of 1 event"),
        "{}",
        newest.text
    );
    assert!(newest.text.contains("500"));
    let activity = &engine.catalog().activity(1).unwrap()[0];
    assert!(activity.what.contains("gave up telling"), "{}", activity.what);
    // Where backups can be seen it can be seen that nobody is told.
    let summary = crate::engine::summary(&engine, &House::live()).unwrap();
    assert!(
        summary
            .trouble
            .unwrap()
            .contains("nothing has reached the receiver \"ops\"")
    );
    let report = crate::engine::check(&engine, None).unwrap();
    let finding = report
        .findings
        .iter()
        .find(|finding| finding.about == "receiver ops")
        .unwrap();
    assert!(finding.detail.contains("500"), "{}", finding.detail);
}

#[test]
fn what_is_secret_of_a_receiver_is_not_quoted_of_its_answer() {
    let (listener, other) = (Listener::new(), Listener::new());
    let mut house = House::new();
    let path = "/services/T0SECRET/B0/XYZSECRET?key=QSECRET";
    let file = private(&house, "slack.url", &listener.url(path));
    let alive = receiver("alive", ReceiverKind::Alive, |it| {
        it.url_file = Some(file.clone());
    });
    let slack = receiver("slack", ReceiverKind::Slack, |it| {
        it.url_file = Some(file.clone());
    });
    let command = receiver("command", ReceiverKind::Command, |it| {
        let script = format!("echo 'curl: {} says no' >&2; exit 1", listener.url(path));
        it.command = ["sh", "-c", script.as_str()].map(str::to_owned).to_vec();
    });
    let told = receiver("other", ReceiverKind::Webhook, |it| {
        it.url = Some(other.url("/"));
        it.events = vec![Topic::Undelivered];
    });
    house.receivers = vec![slack, alive, command, told];
    listener.answers(500);
    let engine = house.engine();
    let tests = engine.notifier().test(None).unwrap();
    let said: Vec<_> = tests.iter().map(|test| test.detail.as_str()).collect();
    assert!(said[0].ends_with(": <pre>Cannot POST &#x2F;…</pre>"), "{said:?}");
    assert!(
        said[1].ends_with(": <pre>Cannot POST &#x2F;…&#x2F;log?…</pre>"),
        "a dead man's switch has a secret too: {said:?}"
    );
    assert!(
        said[2].contains("curl: http://127.0.0.1:") && said[2].ends_with("/… says no"),
        "{said:?}"
    );
    warn(&engine, "the disk is nearly full");
    for _ in 0..3 {
        engine.notifier().deliver_due();
        house.pass(Duration::hours(1));
    }
    engine.notifier().deliver_due();
    let mut everything = said.join("\n");
    writeln!(everything, "{}", other.hears().body).unwrap();
    writeln!(everything, "{:?}", engine.notifier().standings().unwrap()).unwrap();
    writeln!(everything, "{:?}", engine.catalog().activity(100).unwrap()).unwrap();
    writeln!(everything, "{:?}", engine.catalog().notifications(100).unwrap()).unwrap();
    writeln!(everything, "{:?}", crate::engine::check(&engine, None).unwrap()).unwrap();
    assert!(everything.contains("Cannot POST"), "{everything}");
    assert!(
        !everything.contains("SECRET") && !everything.contains("B0"),
        "{everything}"
    );
}

#[test]
fn a_message_that_is_refused_does_not_keep_the_others() {
    let listener = Listener::new();
    let house = house(vec![webhook(&listener)]);
    listener.answers(400);
    let engine = house.engine();
    warn(&engine, "bad");
    for _ in 0..3 {
        engine.notifier().deliver_due();
        house.pass(Duration::hours(1));
    }
    assert_eq!(listener.heard().len(), 3);
    listener.answers(200);
    warn(&engine, "good");
    assert_eq!(engine.notifier().deliver_due(), 1);
    assert_eq!(listener.heard()[0].json()["text"], "good");
}

#[test]
fn repeats_are_counted_and_told_later() {
    let listener = Listener::new();
    let house = house(vec![webhook(&listener)]);
    let engine = house.engine();
    warn(&engine, "job 1 failed");
    assert_eq!(engine.notifier().deliver_due(), 1);
    house.pass(Duration::minutes(10));
    for job in 2..5 {
        warn(&engine, &format!("job {job} failed"));
    }
    assert_eq!(engine.notifier().deliver_due(), 0);
    house.pass(Duration::minutes(51));
    assert_eq!(engine.notifier().deliver_due(), 1);
    let [first, again] = listener.heard().try_into().unwrap();
    assert_eq!(
        (&first.json()["times"], &first.json()["repeats"]),
        (&1.into(), &false.into())
    );
    assert_eq!(
        (&again.json()["times"], &again.json()["repeats"]),
        (&3.into(), &true.into())
    );
    house.pass(Duration::hours(2));
    warn(&engine, "job 6 failed");
    assert_eq!(engine.notifier().deliver_due(), 1, "long after, it is news again");
}

#[test]
fn quiet_hours_hold_back_what_is_not_critical_for_a_digest() {
    let listener = Listener::new();
    // It is noon in the house.
    let quiet = receiver("ops", ReceiverKind::Webhook, |it| {
        it.url = Some(listener.url("/"));
        it.quiet = Some("11:00-14:00".parse().unwrap());
    });
    let house = house(vec![quiet]);
    let engine = house.engine();
    warn(&engine, "one");
    warn(&engine, "two");
    let live = engine.live(&House::live()).unwrap();
    live.remember(
        &Principal::Lifeboat,
        "Live is half switched",
        None,
        Severity::Critical,
    );
    assert_eq!(engine.notifier().deliver_due(), 1);
    assert_eq!(listener.heard()[0].json()["text"], "Live is half switched");
    let quiet_until = || engine.notifier().standings().unwrap()[0].quiet_until;
    assert_eq!(quiet_until(), Some("2026-11-23T14:00:00Z".parse().unwrap()));
    house.pass(Duration::hours(2));
    assert_eq!(quiet_until(), None);
    assert_eq!(engine.notifier().deliver_due(), 2);
    let [digest] = listener.heard().try_into().unwrap();
    let digest = digest.json();
    assert_eq!(digest["event"], "digest");
    let texts: Vec<_> = digest["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["text"].clone())
        .collect();
    assert_eq!(texts, ["one", "two"]);
}

#[test]
fn of_several_lifeboats_one_tells() {
    let _shared = share();
    let listener = Listener::new();
    let house = house(vec![webhook(&listener)]);
    let (one, other) = (house.engine_with_state("one"), house.engine_with_state("other"));
    warn(&one, "once");
    let (here, there) = std::thread::scope(|threads| {
        let here = threads.spawn(|| one.notifier().deliver_due());
        let there = threads.spawn(|| other.notifier().deliver_due());
        (here.join().unwrap(), there.join().unwrap())
    });
    assert_eq!(here + there, 1);
    assert_eq!(listener.heard().len(), 1);
    // What one has put in is delivered by the other.
    warn(&one, "another");
    assert_eq!(other.notifier().deliver_due(), 1);
}

#[test]
fn a_backup_and_a_restore_are_told_as_what_they_are() {
    let listener = Listener::new();
    let all = receiver("ops", ReceiverKind::Webhook, |it| {
        it.url = Some(listener.url("/"));
        it.events = Topic::ALL.to_vec();
    });
    let mut house = house(vec![all]);
    let engine = house.engine();
    let events = || -> Vec<String> {
        while engine.notifier().deliver_due() > 0 {}
        let heard = listener.heard();
        let told = heard.iter().map(super::receivers::Request::json);
        told.map(|told| told["event"].as_str().unwrap().to_owned())
            .collect()
    };
    let backup = back_up(&engine);
    assert_eq!(events(), ["backup_begun", "backup_done"]);
    house.write("author", "website/page-1.xml", "changed");
    restore(&engine, &backup.to_string(), everything());
    assert_eq!(events(), ["restore_begun", "restore_done"]);
    let live = engine.live(&House::live()).unwrap();
    done(&engine, live.start_verify(None).unwrap());
    done(&engine, live.start_drill(None).unwrap());
    assert_eq!(events(), ["verify_done", "drill_done"]);
    drop(engine);
    house.instances = vec!["nowhere"];
    house.receivers[0].settings.events = vec![Topic::BackupFailed];
    let engine = house.engine();
    let job = engine
        .live(&House::live())
        .unwrap()
        .start_backup(&super::house::manual())
        .unwrap();
    ended(&engine, job);
    engine.notifier().deliver_due();
    let told = listener.hears().json();
    assert_eq!(
        (&told["event"], &told["job"]),
        (&"backup_failed".into(), &job.0.into())
    );
}

#[test]
fn a_backup_that_nobody_takes_is_late_and_that_is_told_once() {
    let listener = Listener::new();
    let late = receiver("ops", ReceiverKind::Webhook, |it| {
        it.url = Some(listener.url("/"));
        it.events = vec![Topic::BackupLate];
    });
    let house = house(vec![late]);
    let engine = house.engine();
    let live = engine.live(&House::live()).unwrap();
    back_up(&engine);
    let hold = crate::domain::request::HoldRequest {
        environment: House::live(),
        hold: crate::domain::request::HoldKind::Maintenance,
        on: true,
        reason: Some("upgrade".into()),
    };
    live.hold(&hold).unwrap();
    // The window closes at one o'clock.
    house.pass(Duration::minutes(12 * 60 + 59));
    engine.schedule().start_what_is_due();
    engine.notifier().deliver_due();
    assert_eq!(listener.heard().len(), 0);
    for _ in 0..3 {
        house.pass(Duration::minutes(5));
        engine.schedule().start_what_is_due();
        engine.notifier().deliver_due();
    }
    let [told] = listener.heard().try_into().unwrap();
    let told = told.json();
    assert_eq!(told["event"], "backup_late");
    assert!(
        told["text"].as_str().unwrap().contains("maintenance mode is on"),
        "{told}"
    );
}
