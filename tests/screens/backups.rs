//! Taking a backup: what a manual one replaces, the version that an upgrade backup wants, and what tells safety backups apart.

use chrono::Duration;
use lifeboat::domain::backup::{BackupId, Trigger};
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{JobKind, JobState, Outcome};
use lifeboat::domain::slot::Slot;

use crate::made_up::{Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, look, look_with, unchanged};

alike!(a_manual_backup_says_what_it_replaces);
async fn a_manual_backup_says_what_it_replaces() {
    let note = "before the press release goes out";
    look(
        "backup-form",
        unchanged,
        &[("", "daily"), ("b", "Replaces"), (note, note)],
    )
    .await;
}

alike!(an_upgrade_backup_wants_a_version);
async fn an_upgrade_backup_wants_a_version() {
    let change = |state: &mut State| {
        let acme = state.environments.get_mut(&name("acme/live")).unwrap();
        acme.backups.remove(1);
    };
    look_with(
        "upgrade-form",
        &settings(),
        &SIZES[..1],
        change,
        &[("", "daily"), ("U", "48 hours"), ("<Enter>", "write the version")],
    )
    .await;
}

alike!(the_selection_goes_to_the_backup_that_was_just_made);
async fn the_selection_goes_to_the_backup_that_was_just_made() {
    for (moves, planned) in [("", "plan acme/live 99999999"), ("k", "plan acme/live e2d4415c")] {
        let cockpit = Runner::start(SIZES[0], Fixture::new()).await;
        cockpit.see("daily").await;
        cockpit.press("b").await.see("Replaces").await;
        cockpit.press("<Enter>").await.see("job 32").await;
        cockpit.press(moves).await.settle().await;
        let made = BackupId("9".repeat(64));
        {
            let mut state = cockpit.backend.state();
            let live = state.environments.get_mut(&name("acme/live")).unwrap();
            let is_replaced = |slots: &[Slot]| slots.contains(&Slot::Manual);
            live.backups.retain(|backup| !is_replaced(&backup.manifest.slots));
            let mut new = live.backups[0].clone();
            new.id = made.clone();
            new.manifest.taken = two_projects::now();
            new.manifest.trigger = Trigger::Person;
            new.manifest.slots = vec![Slot::Manual];
            live.backups.insert(0, new);
        }
        cockpit.backend.move_on(32, |job| {
            job.ended = Some(job.created + Duration::seconds(11));
            job.state = JobState::Done;
            job.outcome = Some(Outcome {
                summary: "acme/live is backed up".to_owned(),
                backup: Some(made),
                ..Outcome::default()
            });
        });
        cockpit.backend.tell(Event::Environment {
            name: name("acme/live"),
        });
        cockpit.see("is done").await;
        cockpit.settle().await;
        cockpit.press("r<Enter><Enter>").await.see("come back").await;
        let calls = cockpit.backend.state().calls.clone();
        let plan = calls.iter().rfind(|call| call.starts_with("plan ")).unwrap();
        assert!(plan.starts_with(planned), "{moves:?}: {plan}");
    }
}

alike!(where_the_chosen_backup_goes_the_selection_is_on_the_one_that_is_meant);
async fn where_the_chosen_backup_goes_the_selection_is_on_the_one_that_is_meant() {
    // On the main screen, and where one is chosen for a restore.
    for keys in ["", "r"] {
        let cockpit = Runner::start(SIZES[1], Fixture::new()).await;
        cockpit.see("daily").await;
        cockpit.press(keys).await.see("▸ daily").await;
        cockpit.press("jj").await.see("▸ upgrade").await;
        {
            let mut state = cockpit.backend.state();
            let live = state.environments.get_mut(&name("acme/live")).unwrap();
            live.backups
                .retain(|backup| !matches!(backup.manifest.trigger, Trigger::Upgrade { .. }));
        }
        cockpit.backend.tell(Event::Environment {
            name: name("acme/live"),
        });
        cockpit.see("▸ daily").await;
        assert!(!cockpit.has("before 6.3.5"), "{}", cockpit.text());
    }
}

alike!(backups_that_cannot_be_listed_for_a_moment_change_no_selection);
async fn backups_that_cannot_be_listed_for_a_moment_change_no_selection() {
    let live = || name("acme/live");
    let again = || Event::Environment { name: live() };
    // On the main screen, and where one is chosen for a restore; the summary may have been read a moment before.
    for (keys, trouble) in [("", true), ("", false), ("r", true), ("r", false)] {
        let cockpit = Runner::start(SIZES[1], Fixture::new()).await;
        cockpit.see("daily").await;
        cockpit.press(keys).await.see("▸ daily").await;
        cockpit.press("G").await.see("▸ safety").await;
        let before = {
            let mut state = cockpit.backend.state();
            let details = state.environments.get_mut(&live()).unwrap();
            let before = details.clone();
            details.backups.clear();
            details.summary.trouble = trouble.then(|| "is the disk mounted?".to_owned());
            before
        };
        cockpit.backend.tell(again());
        cockpit.settle().await;
        assert!(!cockpit.has("safety"), "{}", cockpit.text());
        // Whatever else comes meanwhile changes nothing of it.
        cockpit.backend.tell(again());
        cockpit.settle().await;
        cockpit.backend.state().environments.insert(live(), before);
        cockpit.backend.tell(again());
        cockpit.see("▸ safety").await;
    }
}

alike!(safety_backups_of_one_minute_are_told_apart);
async fn safety_backups_of_one_minute_are_told_apart() {
    let change = |state: &mut State| {
        for (number, second, kind) in [(6, 7, JobKind::Restore), (4, 41, JobKind::Undo)] {
            let at = two_projects::ago(40) + Duration::seconds(second);
            let mut safety = two_projects::backup(number, at, Trigger::Restore, &[]);
            safety.manifest.note = Some("safety backup before the restore of 3b90aa17".to_owned());
            let mut job = two_projects::job(u64::from(number) + 30, "acme/live", kind, "restore of 3b90aa17");
            job.state = JobState::Done;
            job.ended = Some(at);
            job.outcome = Some(Outcome {
                summary: "it went well".to_owned(),
                safety: Some(safety.id.clone()),
                ..Outcome::default()
            });
            state.jobs.insert(0, job);
            let live = state.environments.get_mut(&name("acme/live")).unwrap();
            live.backups.retain(|backup| backup.id != safety.id);
            live.backups.insert(0, safety);
        }
    };
    look("safety-alike", change, &[("", "job 36"), ("G", "▸ safety")]).await;
    let cockpit = Runner::start((160, 50), Fixture::with(change)).await;
    cockpit.see("04:50:19").await.see("04:50:53").await;
    cockpit.see("job 34, before an undo").await;
    cockpit.see("job 36, before the rest").await;
    // What shares its minute with none needs no seconds.
    assert!(!cockpit.has("11-21 09:30:"), "{}", cockpit.text());
}
