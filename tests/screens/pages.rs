//! Lists and pages: backups, jobs, activity, notifications, help, drills and checks.

use chrono::Duration;
use lifeboat::domain::plan::ExpectedTime;
use lifeboat::domain::proof::DrillOutcome;

use crate::made_up::{Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, look, look_with, unchanged};

alike!(lists);
async fn lists() {
    look("jobs", unchanged, &[("J", "Asked (UTC)")]).await;
    look("activity", unchanged, &[("a", "When (UTC)"), ("j", "read it")]).await;
    look("news", unchanged, &[("n", "permission denied")]).await;
    look(
        "log",
        unchanged,
        &[("", "daily"), ("o", "done"), ("L", "every digest")],
    )
    .await;
}

alike!(pages);
async fn pages() {
    look("help", unchanged, &[("?", "On the main screen: each asks first")]).await;
    look("recovery", unchanged, &[("w", "Light modules")]).await;
    look(
        "backup-page",
        unchanged,
        &[("", "daily"), ("<Enter>", "asked by")],
    )
    .await;
    look(
        "palette",
        unchanged,
        &[("", "daily"), (":", "Actions"), ("ver", "verify")],
    )
    .await;
}

alike!(drills_and_what_they_have_shown);
async fn drills_and_what_they_have_shown() {
    let proven = |state: &mut State| {
        let drill = two_projects::drill(DrillOutcome::Proven);
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        live.backups[0].drill = Some(drill.clone());
        live.summary.last_drill = Some(drill.clone());
        live.summary.last_proven = Some(drill.clone());
        live.next_verify = Some(two_projects::now() + Duration::days(3));
        live.next_drill = Some(two_projects::now() + Duration::days(19));
        if let Ok(plan) = &mut state.plan {
            plan.expected = Some(ExpectedTime {
                millis: 192_000,
                past_jobs: 0,
                drill: Some(drill.at),
            });
        }
    };
    look("drill-proven", proven, &[("", ", proven")]).await;
    let another = |state: &mut State| {
        proven(state);
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        if let Some(drill) = &mut live.summary.last_proven {
            drill.backup = two_projects::id(3);
        }
    };
    look("drill-proven-another", another, &[("", "proven 25 h ago")]).await;
    let small = &SIZES[..1];
    let page = [("", "daily"), ("<Enter>", "proven restorable: brought back")];
    look_with("drill-proven-page", &settings(), small, proven, &page).await;
    let about = [("", "daily"), ("i", "drilled in")];
    look_with("drill-about", &settings(), small, proven, &about).await;
    let plan = [
        ("", "daily"),
        ("r", "choose a backup"),
        ("<Enter>", "Everything will be restored"),
        ("<Enter>", "measured by a drill"),
    ];
    look_with("drill-plan", &settings(), small, proven, &plan).await;
    let failed = |state: &mut State| {
        let why = "the table pm_dam_bundle has 1,999 rows and is not what the backup holds (2,000 rows)";
        let drill = two_projects::drill(DrillOutcome::Failed { why: why.to_owned() });
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        live.backups[0].drill = Some(drill.clone());
        live.summary.last_drill = Some(drill);
    };
    look("drill-failed", failed, &[("", "last drill failed")]).await;
    let in_part = |state: &mut State| {
        let left_out = vec!["public-2".parse().unwrap()];
        let drill = two_projects::drill(DrillOutcome::ProvenInPart { left_out });
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        live.backups[0].drill = Some(drill.clone());
        live.summary.last_drill = Some(drill);
    };
    let steps = [("", "proven in part only")];
    look_with("drill-in-part", &settings(), small, in_part, &steps).await;
    let page = [("", "daily"), ("<Enter>", "in part only, without")];
    look_with("drill-in-part-page", &settings(), small, in_part, &page).await;
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    cockpit.see("daily").await;
    cockpit.press("D<Enter>").await.see("has begun").await;
    let state = cockpit.backend.state();
    assert!(
        state.calls.iter().any(|call| call.starts_with("drill acme/live")),
        "{:?}",
        state.calls
    );
}

alike!(a_check_says_what_works);
async fn a_check_says_what_works() {
    look("check", unchanged, &[("", "daily"), ("K", "checks failed")]).await;
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    cockpit.see("daily").await;
    cockpit.press("K").await.see("checks failed").await;
    cockpit.press("K").await.see("checks failed").await;
    let checked = || {
        let state = cockpit.backend.state();
        state
            .calls
            .iter()
            .filter(|call| *call == "check acme/live")
            .count()
    };
    assert_eq!(checked(), 2);
    cockpit.press("<Esc>").await.see("daily").await;
}
