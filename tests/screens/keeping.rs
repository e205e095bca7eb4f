//! What is kept beside the slots, and what waits for another owner: recent backups, pins, targets, approvals.

use chrono::Duration;
use lifeboat::domain::approval::Asked;
use lifeboat::domain::backup::{BackupId, Trigger};
use lifeboat::domain::pin::Pin;
use lifeboat::domain::plan::PlanId;
use lifeboat::domain::recent::Recent;
use lifeboat::domain::target::{Aim, Standing};

use crate::made_up::{Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, look, look_with, unchanged};

/// Five backups between the daily ones, an hour apart.
fn hourly(state: &mut State) {
    let live = state.environments.get_mut(&name("acme/live")).unwrap();
    let now = two_projects::now();
    live.recent = Some(Recent {
        every: "1h".parse().unwrap(),
        keep: 24,
        next: Some(now + Duration::minutes(48)),
        due: false,
    });
    for hours in 0..5 {
        let mut recent = live.backups[0].clone();
        recent.id = BackupId(format!("{hours}4c8e2d6").repeat(8));
        recent.manifest.taken = now - Duration::minutes(12 + 60 * hours);
        recent.manifest.trigger = Trigger::Schedule;
        recent.manifest.slots.clear();
        recent.manifest.serves.clear();
        recent.manifest.expires = None;
        recent.manifest.note = None;
        recent.drill = None;
        live.backups.push(recent);
    }
    live.backups
        .sort_by_key(|backup| std::cmp::Reverse(backup.manifest.taken));
}

fn waits(state: &mut State) {
    let live = state.environments.get_mut(&name("acme/live")).unwrap();
    let now = two_projects::now();
    live.summary.asked = Some(Box::new(Asked {
        moved: Vec::new(),
        plan: PlanId("5d".repeat(16)),
        environment: name("acme/live"),
        backup: two_projects::id(1),
        title: "restore of e2d4415c (daily)".into(),
        by: "ann".into(),
        at: now - Duration::minutes(4),
        until: now + Duration::minutes(56),
        totals: (12, 3, 40),
        warnings: vec!["Live runs release v15, and the backup is of v14".into()],
    }));
    live.summary.targets = vec![Standing {
        aim: Aim::Rpo,
        target: "4h".parse().unwrap(),
        met: false,
        since: Some(now - Duration::hours(5)),
        seconds: None,
        drill_failed: false,
        cause: Some("no good backup since 23 November 2026, 00:30 UTC".into()),
    }];
}

alike!(recent_backups_are_one_line_that_opens);
async fn recent_backups_are_one_line_that_opens() {
    look("recent-folded", hourly, &[("", "5 recent")]).await;
    look(
        "recent-open",
        hourly,
        &[
            ("", "5 recent"),
            ("k", "between the daily"),
            ("<Enter>", "Enter folds"),
        ],
    )
    .await;
}

alike!(a_backup_is_pinned_by_a_form_and_let_go_by_a_question);
async fn a_backup_is_pinned_by_a_form_and_let_go_by_a_question() {
    look("pin-form", unchanged, &[("", "daily"), ("P", "Until")]).await;
    let pinned = |state: &mut State| {
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        for backup in &mut live.backups {
            backup.manifest.set_pin(Some(Pin {
                by: "ann".into(),
                at: two_projects::now() - Duration::days(1),
                until: None,
                note: Some("before the relaunch".into()),
            }));
        }
    };
    look(
        "unpin-question",
        pinned,
        &[("", "daily"), ("P", "take the pin away")],
    )
    .await;
}

alike!(what_waits_for_another_owner_is_said_and_agreed_to_by_name);
async fn what_waits_for_another_owner_is_said_and_agreed_to_by_name() {
    look(
        "approve-form",
        waits,
        &[("", "waits for another owner"), ("A", "to agree")],
    )
    .await;
    look("approve-waits", waits, &[("", "waits for another owner")]).await;
    // What the line has no room for is on the page that it leads to.
    let about = [("", "waits for another owner"), ("i", "A agrees, O rejects")];
    look_with("approve-about", &settings(), &SIZES[..1], waits, &about).await;
}

#[tokio::test]
async fn where_nobody_has_to_agree_the_keys_for_it_say_why() {
    // Wide enough for what does not apply now.
    let size = (300, 50);
    let cockpit = Runner::start(size, Fixture::new()).await;
    cockpit.see("A approve").await.see("b backup").await;
    let frame = cockpit.frame();
    let key = |words: &str| {
        let footer = cockpit.text().lines().last().unwrap().to_owned();
        let at = footer[..footer.find(words).unwrap()].chars().count();
        frame.buffer[(u16::try_from(at).unwrap(), size.1 - 1)].fg
    };
    assert_ne!(
        key("A approve"),
        key("b backup"),
        "it is as bright as what applies"
    );
    for answer in ["A", "O"] {
        let cockpit = Runner::start(size, Fixture::new()).await;
        cockpit.see("A approve").await.press(answer).await;
        cockpit.see("nobody has to agree to a restore of acme/live").await;
    }
    let some = Fixture::with(|state: &mut State| {
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        live.approve = true;
    });
    let cockpit = Runner::start(size, some).await;
    cockpit.see("A approve").await.press("A").await;
    cockpit.see("no restore waits for another owner").await;
    assert_eq!(
        cockpit
            .calls()
            .iter()
            .filter(|call| call.starts_with("approve"))
            .count(),
        0
    );
}
