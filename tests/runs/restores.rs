//! Restoring and undoing: the steps of the wizard, what is typed in them, and the job that follows.

use lifeboat::domain::job::{JobState, Outcome, Phase, Progress};
use lifeboat::tui::theme::Theme;

use crate::made_up::records::instance;
use crate::made_up::two_projects;
use crate::screens::runner::{alike, settings};
use crate::{called, cockpit, unchanged};

alike!(a_restore_takes_the_typed_name_and_nothing_less);
async fn a_restore_takes_the_typed_name_and_nothing_less() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("r").await.see("1 choose a backup").await;
    cockpit
        .press("<Enter>")
        .await
        .see("Everything will be restored")
        .await;
    cockpit.press("<Enter>").await.see("come back").await;
    assert!(called(
        &cockpit,
        "plan acme/live 3b90aa17 instances=0 workspaces=0"
    ));
    cockpit.press("<Enter>").await.see("and press Enter").await;
    for wrong in ["", "acme", "acme/LIVE", "acme/uat"] {
        cockpit
            .press(&format!("<C-u>{wrong}<Enter>"))
            .await
            .see("nothing was done")
            .await;
    }
    assert!(!called(&cockpit, "restore acme/live 3b90aa17"));
    cockpit.press("<C-u>acme/live<Enter>").await.see("Job 32").await;
    assert!(called(&cockpit, "restore acme/live 3b90aa17"));
}

alike!(a_name_typed_too_early_leads_nowhere);
async fn a_name_typed_too_early_leads_nowhere() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("r").await.see("1 choose a backup").await;
    for (step, next) in [
        ("by schedule", "Everything will be restored"),
        ("Everything will be restored", "come back"),
    ] {
        for letter in "aclmnotqwJLRV:/i".chars() {
            cockpit
                .press(&letter.to_string())
                .await
                .see("press Enter to go on")
                .await;
            assert!(cockpit.has(step), "{letter} left the step");
        }
        cockpit.press("<Enter>").await.see(next).await;
    }
    cockpit
        .press("acme/live")
        .await
        .see("press Enter, then type the name")
        .await;
    assert!(cockpit.has("come back") && cockpit.has("3 see the plan"));
    for word in ["q quit", "J jobs", "n news", "n: whole", ": actions"] {
        assert!(!cockpit.has(word), "{word} is not to be had here");
    }
    cockpit.press("?").await.see("─ Help").await;
    cockpit.press("<Esc>").await.see("come back").await;
    cockpit
        .press("<Esc>")
        .await
        .see("Everything will be restored")
        .await;
    cockpit
        .press("<Enter><Enter>acme/live<Enter>")
        .await
        .see("Job 32")
        .await;
}

alike!(a_part_can_be_restored);
async fn a_part_can_be_restored() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit
        .press("r<Enter>")
        .await
        .see("Everything will be restored")
        .await;
    // Leaves the author out, and the last workspace.
    cockpit.press(" G <Enter>").await.see("come back").await;
    assert!(called(
        &cockpit,
        "plan acme/live 3b90aa17 instances=2 workspaces=7"
    ));
    cockpit.see("only a part is restored: config").await;
    cockpit.press("<Enter>").await.see("4 type the name").await;
    assert!(cockpit.has("only a part is restored"));
    cockpit.press("<Esc>").await.see("come back").await;
    cockpit.press("<Esc>").await.see("Only what is marked").await;
    cockpit
        .press("gj j <Enter>")
        .await
        .see("no instance is taken")
        .await;
}

alike!(a_plan_shows_what_changes_and_condenses_the_rest);
async fn a_plan_shows_what_changes_and_condenses_the_rest() {
    let cockpit = cockpit((80, 24), |state| {
        if let Ok(plan) = &mut state.plan {
            plan.warnings.clear();
            plan.changes.retain(|change| change.instance.as_str() == "author");
        }
    })
    .await;
    cockpit.press("r<Enter><Enter>").await.see("come back").await;
    cockpit.see("enough, 45 GiB free: 200 MiB to stage").await;
    assert!(cockpit.has("+ 6 unchanged workspaces") && cockpit.has("dam"));
    assert!(!cockpit.has("usergroups") && !cockpit.has("/srv/magnolia"));
}

alike!(a_plan_of_nothing_does_not_say_that_nothing_differs);
async fn a_plan_of_nothing_does_not_say_that_nothing_differs() {
    let cockpit = cockpit((80, 24), |state| {
        if let Ok(plan) = &mut state.plan {
            plan.changes.clear();
        }
    })
    .await;
    cockpit
        .press("r<Enter><Enter>")
        .await
        .see("there is nothing to compare")
        .await;
    assert!(!cockpit.has("Live is as it is in the backup") && !cockpit.has("in all"));
}

alike!(a_restore_can_be_undone_from_its_end);
async fn a_restore_can_be_undone_from_its_end() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("r<Enter><Enter>").await.see("come back").await;
    cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
    cockpit.backend.move_on(32, |job| {
        job.state = JobState::Done;
        job.ended = Some(two_projects::now());
        job.outcome = Some(Outcome {
            summary: "acme/live is back".to_owned(),
            safety: Some(two_projects::id(5)),
            ..Outcome::default()
        });
    });
    cockpit.see("u undo").await;
    cockpit
        .press("u")
        .await
        .see("Undo the last restore of acme/live")
        .await;
    cockpit.see("come back").await;
    assert!(called(
        &cockpit,
        "plan acme/live c4479e01 instances=0 workspaces=0"
    ));
    cockpit.press("<Enter>acme/live<Enter>").await.see("Job 33").await;
    assert!(called(&cockpit, "undo acme/live"));
}

alike!(a_phase_that_counts_nothing_shows_no_bar);
async fn a_phase_that_counts_nothing_shows_no_bar() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("r<Enter><Enter>").await.see("come back").await;
    cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
    cockpit.backend.move_on(32, |job| {
        job.progress = Some(two_projects::progress(Phase::Staging, 10));
    });
    let symbols = Theme::new(settings().theme, None, false).symbols;
    cockpit.see("10 %").await;
    assert!(cockpit.has(symbols.bar_left) && cockpit.has("items"));
    for phase in [Phase::Hooks, Phase::Health, Phase::CleaningUp] {
        cockpit.backend.move_on(32, |job| {
            job.progress = Some(Progress {
                instance: Some(instance("author")),
                items_total: Some(0),
                ..Progress::start(phase)
            });
        });
        let running = format!("{} {}", symbols.running, phase.label());
        cockpit.see(&running).await.see("  author").await;
        for word in [symbols.bar_left, "items", "0 B"] {
            assert!(!cockpit.has(word), "{word} in {phase:?}");
        }
        cockpit.press("<Esc>").await.see("Running jobs").await;
        assert!(cockpit.has(phase.label()) && !cockpit.has(symbols.bar_left));
        cockpit.press("o").await.see("Job 32").await;
    }
}

alike!(pasted_text_confirms_nothing);
async fn pasted_text_confirms_nothing() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("r<Enter><Enter>").await.see("come back").await;
    cockpit.press("<Enter>").await;
    cockpit.paste("acme/live\r\n").await;
    assert!(!called(&cockpit, "restore acme/live 3b90aa17"));
    cockpit.press("<Enter>").await.see("Job 32").await;
    cockpit.press("<Esc>").await;
    cockpit.paste("q").await;
    cockpit.see("pasted where nothing is typed").await;
}
