//! What becomes of what is handed over: to receivers that take their time, that take a part, and that nobody has heard
//! the answer of.

use std::time::{Duration as Wait, Instant as Monotonic};

use super::notify::{house, receiver};
use crate::domain::limit::TimeLimit;
use crate::domain::notify::{Receiver, ReceiverKind};

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
