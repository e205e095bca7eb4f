//! What becomes of what is handed over: to receivers that take their time, that take a part, and that nobody has heard
//! the answer of.

use std::time::{Duration as Wait, Instant as Monotonic};

use super::notify::{house, receiver};
use super::receivers::{BABBLES, HANGS_UP, Listener};
use crate::domain::limit::TimeLimit;
use crate::domain::notify::{Receiver, ReceiverKind};

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
