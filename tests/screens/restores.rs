//! Restores: the wizard, undo with its plan, a restore on its way and at its end, without a safety backup, and one
//! that failed.

use chrono::Duration;
use lifeboat::backend::BackendError;
use lifeboat::domain::backup::Trigger;
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{JobId, JobKind, JobState, Outcome, Phase, Progress};
use lifeboat::domain::milestone::{Milestone, Reached};
use lifeboat::domain::plan::{PlanId, Selection};
use lifeboat::domain::refusal::Refusal;
use lifeboat::domain::staleness::Stale;
use lifeboat::domain::state::UndoWay;
use lifeboat::domain::undoing::UndoOf;

use crate::made_up::{Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, keep, look, look_with, unchanged};

alike!(the_restore_wizard);
async fn the_restore_wizard() {
    let choose = ("r", "choose a backup");
    let scope = ("<Enter>", "Everything will be restored");
    let plan = ("<Enter>", "come back");
    let confirm = ("<Enter>", "and press Enter");
    look("wizard-choose", unchanged, &[("", "daily"), choose]).await;
    let part = ("jj jjj ", "Only what is marked");
    look("wizard-scope", unchanged, &[("", "daily"), choose, scope, part]).await;
    look("wizard-plan", unchanged, &[("", "daily"), choose, scope, plan]).await;
    let wrong = ("acme/uat<Enter>", "nothing was done");
    look(
        "wizard-name",
        unchanged,
        &[("", "daily"), choose, scope, plan, confirm, wrong],
    )
    .await;
    let small = &SIZES[..1];
    let limited = [("", "daily"), choose, scope, part, ("<Enter>", "only a part")];
    look("wizard-plan-part", unchanged, &limited).await;
    let scrolled = [("", "daily"), choose, scope, plan, ("G", "in all")];
    look_with("wizard-plan-below", &settings(), small, unchanged, &scrolled).await;
    let blocked = |state: &mut State| {
        if let Ok(plan) = &mut state.plan {
            plan.obstacles = vec![
                "there is not enough room beside author: 200 MiB are needed and 12 MiB are free in /srv/magnolia/author; free some, or restore fewer workspaces".to_owned(),
            ];
            plan.room[0].free = 12 << 20;
        }
    };
    let steps = [("", "daily"), choose, scope, ("<Enter>", "in the way")];
    look("wizard-obstacle", blocked, &steps).await;
    let failing = |state: &mut State| {
        state.plan = Err(BackendError::Failed(
            "the repository of acme/live could not be opened: the key is wrong; check repository.password_file".to_owned(),
        ));
    };
    // A plan that does not hold any more is made anew, and shown with the reason.
    let stale = |state: &mut State| {
        state.refuses = Some(BackendError::Refused(Refusal::StalePlan {
            plan: PlanId::of_random([7; 16]),
            why: Stale::Changed {
                job: JobId(31),
                kind: JobKind::Restore,
            },
        }));
    };
    let again = ("acme/live<Enter>", "has changed Live");
    let steps = [("", "daily"), choose, scope, plan, confirm, again];
    look_with("wizard-stale", &settings(), small, stale, &steps).await;
    let steps = [("", "daily"), choose, scope, ("<Enter>", "there is no plan")];
    look_with("wizard-no-plan", &settings(), small, failing, &steps).await;
}

alike!(one_key_takes_one_workspace_and_another_takes_all_or_none);
async fn one_key_takes_one_workspace_and_another_takes_all_or_none() {
    let cockpit = Runner::start(SIZES[0], Fixture::new()).await;
    cockpit.see("daily").await;
    cockpit
        .press("r<Enter>")
        .await
        .see("Everything will be restored")
        .await;
    let taken = |mark: &str, what: &str| {
        let text = cockpit.text();
        let lines = text
            .lines()
            .filter(|line| line.contains(&format!("{mark} {what} ")));
        lines.count()
    };
    cockpit.press("G=").await.see("Only what is marked").await;
    cockpit.see("✓ workspace  website").await;
    assert_eq!((taken("✓", "instance"), taken("✓", "workspace")), (3, 1));
    cockpit.press("*").await.see("Everything will be restored").await;
    cockpit.press("*").await.see("· workspace  website").await;
    assert_eq!((taken("✓", "instance"), taken("✓", "workspace")), (3, 0));
    assert!(!cockpit.text().contains("Everything will be restored"));
    cockpit.press("Y").await.see("no workspace is taken").await;
    cockpit.press("<Enter>").await.see("no workspace is taken").await;
    // On an instance they are about the instances.
    cockpit.press("*gj=").await.see("· instance   author").await;
    assert_eq!((taken("✓", "instance"), taken("·", "workspace")), (1, 0));
}

alike!(after_an_undo_the_restore_before_is_named_with_its_safety_backup);
async fn after_an_undo_the_restore_before_is_named_with_its_safety_backup() {
    let change = |state: &mut State| {
        let kinds = [JobKind::Restore, JobKind::Restore, JobKind::Undo];
        for ((number, kind), safety) in (41..).zip(kinds).zip([6, 5, 5]) {
            let mut job = two_projects::job(number, "acme/live", kind, "restore of 3b90aa17 (daily)");
            job.state = JobState::Done;
            job.ended = Some(job.created);
            job.outcome = Some(Outcome {
                summary: "it went well".to_owned(),
                safety: Some(two_projects::id(safety)),
                ..Outcome::default()
            });
            state.jobs.insert(0, job);
        }
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        let at = two_projects::ago(40);
        let mut safety = two_projects::backup(6, at, Trigger::Restore, &[]);
        safety.manifest.replaced = Some(Selection {
            instances: vec!["author".parse().unwrap()],
            workspaces: vec!["website".to_owned()],
            paths: Vec::new(),
        });
        live.backups.retain(|backup| backup.id != safety.id);
        live.backups.insert(0, safety);
        let back = two_projects::id(5);
        live.undo = Some(back.clone());
        live.undo_way = Some(UndoWay::Safety { backup: back });
        live.undo_of = Some(UndoOf {
            kind: Some(JobKind::Undo),
            job: Some(JobId(43)),
            at: Some(at),
        });
    };
    let undo = [("", "daily"), ("u", "The restore of job 41")];
    look("undo-earlier", change, &undo).await;
    // The page of the undo says it as well.
    let page = [("", "daily"), ("o", "The restore of job 41")];
    look_with("undo-earlier-page", &settings(), &SIZES[..1], change, &page).await;
}

alike!(a_restore_that_would_change_nothing_goes_on_by_choice_only);
async fn a_restore_that_would_change_nothing_goes_on_by_choice_only() {
    let same = |state: &mut State| {
        if let Ok(plan) = &mut state.plan {
            for change in &mut plan.changes {
                change.unchanged += change.changed + change.added;
                (change.added, change.changed, change.removed) = (0, 0, 0);
                change.examples.clear();
            }
            plan.changes_nothing = true;
            plan.newest_change = None;
        }
    };
    let steps = [
        ("", "daily"),
        ("r", "choose a backup"),
        ("<Enter>", "Everything will be restored"),
        ("<Enter>", "would say so and end"),
    ];
    look("wizard-unchanged", same, &steps).await;
    let fixture = Fixture::new();
    same(&mut fixture.state());
    let cockpit = Runner::start((80, 24), fixture).await;
    cockpit.see("daily").await;
    cockpit
        .press("r<Enter><Enter>")
        .await
        .see("would say so and end")
        .await;
    cockpit
        .press("<Enter>")
        .await
        .see("although nothing would change")
        .await;
    cockpit.press("<Esc>").await.see("would say so and end").await;
    cockpit
        .press("<Enter>y")
        .await
        .see("put back all the same.")
        .await;
    cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
    let calls = cockpit.backend.state().calls.clone();
    let last = calls.iter().find(|call| call.starts_with("restore")).unwrap();
    assert!(last.ends_with("although nothing would change"), "{last}");
}

alike!(undo_shows_its_plan_first);
async fn undo_shows_its_plan_first() {
    look_with(
        "undo-plan",
        &settings(),
        &SIZES[..1],
        unchanged,
        &[("", "daily"), ("u", "come back")],
    )
    .await;
}

alike!(a_restore_on_its_way_and_at_its_end);
async fn a_restore_on_its_way_and_at_its_end() {
    for size in SIZES {
        let cockpit = Runner::start(size, Fixture::new()).await;
        cockpit.see("daily").await;
        cockpit.press("r<Enter><Enter>").await.see("come back").await;
        cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
        cockpit.backend.move_on(32, |job| {
            job.progress = Some(two_projects::progress(Phase::Staging, 43));
        });
        cockpit.see("43 %").await;
        keep(&cockpit, &settings(), "restore-running", size);
        // The moment that counts comes before the job's end, and is told at once.
        cockpit.backend.move_on(32, |job| {
            job.progress = Some(Progress::start(Phase::CleaningUp));
            job.reached = Some(Reached {
                what: Milestone::ContentLive,
                at: two_projects::now(),
                content_of: "2026-11-23T00:17:12Z".parse().ok(),
            });
        });
        cockpit.see("Live has the restored content").await;
        keep(&cockpit, &settings(), "restore-live", size);
        cockpit.press("<Esc>").await.see("Running jobs").await;
        keep(&cockpit, &settings(), "restore-live-main", size);
        cockpit
            .press("o")
            .await
            .see("Live has the restored content")
            .await;
        cockpit.backend.move_on(32, |job| {
            job.ended = Some(job.created + Duration::seconds(24));
            job.state = JobState::Done;
            job.outcome = Some(Outcome {
                summary: "acme/live is back at 2026-11-23 00:17: 246 items came back, 674 were turned back, 8 were taken away".to_owned(),
                backup: Some(two_projects::id(2)),
                safety: Some(two_projects::id(5)),
                warnings: vec!["the hook of public-2 took 48 s".to_owned()],
                health: two_projects::health(),
                not_proven: Vec::new(),
            });
        });
        // What an undo takes back is this job from then on.
        if let Some(live) = cockpit.backend.state().environments.get_mut(&name("acme/live"))
            && let Some(of) = &mut live.undo_of
        {
            of.job = Some(JobId(32));
        }
        cockpit.backend.tell(Event::Environment {
            name: name("acme/live"),
        });
        cockpit.see("goes back to what was there before this job").await;
        keep(&cockpit, &settings(), "restore-done", size);
    }
}

alike!(a_restore_without_a_safety_backup_is_a_choice_that_is_seen);
async fn a_restore_without_a_safety_backup_is_a_choice_that_is_seen() {
    let plan = [
        ("", "daily"),
        ("r", "choose a backup"),
        ("<Enter>", "Everything will be restored"),
        ("<Enter>", "safety backup included"),
        ("!", "No backup keeps"),
        ("y", "NO SAFETY BACKUP"),
    ];
    look("wizard-unsafe-plan", unchanged, &plan).await;
    let confirm = [
        plan[0],
        plan[1],
        plan[2],
        plan[3],
        plan[4],
        plan[5],
        ("<Enter>", "and press Enter"),
    ];
    look("wizard-unsafe-name", unchanged, &confirm).await;
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    cockpit.see("daily").await;
    cockpit
        .press("r<Enter><Enter>")
        .await
        .see("safety backup included")
        .await;
    cockpit.press(" ").await.see("safety backup included").await;
    cockpit.press("!<Esc>").await.see("safety backup included").await;
    cockpit.press("!<Enter>").await.see("Enter is not enough").await;
    cockpit.press("y").await.see("NO SAFETY BACKUP").await;
    cockpit.press("!").await.see("safety backup included").await;
    cockpit.press("!y").await.see("NO SAFETY BACKUP").await;
    cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
    let calls = cockpit.backend.state().calls.clone();
    let last = calls.iter().find(|call| call.starts_with("restore")).unwrap();
    assert!(last.ends_with("without a safety backup"), "{last}");
}

alike!(a_step_that_was_left_out_has_no_tick);
async fn a_step_that_was_left_out_has_no_tick() {
    for size in SIZES {
        let cockpit = Runner::start(size, Fixture::new()).await;
        cockpit.see("daily").await;
        cockpit.press("r<Enter><Enter>").await.see("come back").await;
        cockpit.press("!y").await.see("NO SAFETY BACKUP").await;
        cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
        cockpit.backend.move_on(32, |job| {
            job.progress = Some(two_projects::progress(Phase::Staging, 43));
        });
        cockpit.see("43 %").await;
        keep(&cockpit, &settings(), "unsafe-running", size);
        cockpit.backend.move_on(32, |job| {
            job.ended = Some(job.created + Duration::seconds(24));
            job.state = JobState::Done;
            job.outcome = Some(Outcome {
                summary: "acme/live is back as it was at 2026-11-23 00:17 (backup 3b90aa17)".to_owned(),
                backup: Some(two_projects::id(2)),
                warnings: vec!["no safety backup was taken, by choice".to_owned()],
                ..Outcome::default()
            });
        });
        cockpit.see("is back as it was").await;
        keep(&cockpit, &settings(), "unsafe-done", size);
    }
}

alike!(a_restore_that_failed);
async fn a_restore_that_failed() {
    let change = |state: &mut State| {
        let mut job = two_projects::job(40, "acme/live", JobKind::Restore, "restore of 3b90aa17 (daily)");
        job.progress = Some(two_projects::progress(Phase::VerifyingStaged, 71));
        let why = "the staged copy of author/dam differs from the backup in 3 items, so Live was not touched; verify the backup with v, and look at the disk under /srv/magnolia/author";
        let job = two_projects::ended(job, JobState::Failed { why: why.to_owned() }, None);
        state.jobs.insert(0, job);
    };
    look("restore-failed", change, &[("", "daily"), ("o", "failed:")]).await;
}

#[test]
fn what_none_is_said_of_is_left_out_of_what_changes() {
    let mut plan = two_projects::plan();
    plan.changes.truncate(1);
    let mut said = |added, changed, removed| {
        let change = &mut plan.changes[0];
        (change.added, change.changed, change.removed) = (added, changed, removed);
        plan.changed_in_words()
    };
    assert_eq!(
        said(246, 674, 8),
        "246 items come back, 674 are turned back, 8 are taken away"
    );
    assert_eq!(said(1, 0, 1), "1 item comes back, 1 is taken away");
    assert_eq!(said(0, 1, 0), "1 item is turned back");
    assert_eq!(said(0, 0, 0), "no item changes");
}
