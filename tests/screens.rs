//! Every screen of the cockpit at 80×24 and 120×36, text and styles. Each is reached by keys through the whole
//! program, over a backend in memory, in this process and through a real service: the stored screens are the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[cfg(feature = "engine")]
mod service;
mod screens {
    pub mod data;
    pub mod fixture;
    pub mod picture;
    pub mod runner;
    #[cfg(feature = "engine")]
    mod told;
}

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::Duration;
use lifeboat::backend::BackendError;
use lifeboat::backend::link::Link;
use lifeboat::domain::backup::Verification;
use lifeboat::domain::copies::{CopiedBackup, Copies};
use lifeboat::domain::environment::{EnvironmentKind, WorkspaceKind};
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{JobId, JobKind, JobState, Outcome, Phase};
use lifeboat::domain::plan::{ExpectedTime, PlanId};
use lifeboat::domain::proof::DrillOutcome;
use lifeboat::domain::refusal::Refusal;
use lifeboat::domain::slot::Slot;
use lifeboat::domain::staleness::Stale;
use lifeboat::domain::state::EnvironmentSummary;
use lifeboat::domain::turn::Place;
use lifeboat::tui::action::TABLE;
use lifeboat::tui::key::Input;
use lifeboat::tui::theme::{Accent, Meaning, Theme, ThemeChoice};
use lifeboat::tui::{CockpitSettings, ContextChoice, action};
use screens::fixture::{self, Fixture, State, name};
use screens::picture::picture;
use screens::runner::{Runner, alike, settings};

/// The two sizes that every screen is looked at in.
const SIZES: [(u16, u16); 2] = [(80, 24), (120, 36)];

fn keep(cockpit: &Runner, settings: &CockpitSettings, screen: &str, (width, height): (u16, u16)) {
    let theme = Theme::new(settings.theme, settings.accent, settings.ascii);
    let picture = picture(&cockpit.frame(), &theme);
    insta::assert_snapshot!(format!("{screen}-{width}x{height}"), picture);
}

/// Presses keys and keeps what is then on the screen, in both sizes. Each step of the keys is followed by the text to
/// wait for.
async fn look(screen: &str, change: impl Fn(&mut State), steps: &[(&str, &str)]) {
    look_with(screen, &settings(), &SIZES, change, steps).await;
}

async fn look_with(
    screen: &str,
    settings: &CockpitSettings,
    sizes: &[(u16, u16)],
    change: impl Fn(&mut State),
    steps: &[(&str, &str)],
) {
    for size in sizes {
        let cockpit = Runner::start_with(*size, Fixture::with(&change), settings.clone()).await;
        cockpit.see("connected").await;
        for (keys, text) in steps {
            cockpit.press(keys).await.see(text).await;
        }
        keep(&cockpit, settings, screen, *size);
    }
}

fn unchanged(_: &mut State) {}

alike!(the_main_screen);
async fn the_main_screen() {
    look("main", unchanged, &[("", "daily")]).await;
}

alike!(before_the_backend_has_answered);
async fn before_the_backend_has_answered() {
    for size in SIZES {
        let cockpit = Runner::start(size, Fixture::silent()).await;
        cockpit.see("loading").await;
        keep(&cockpit, &settings(), "loading", size);
    }
}

alike!(an_environment_without_backups_says_why);
async fn an_environment_without_backups_says_why() {
    look("uat", unchanged, &[("<Tab>j", "only Live is backed up")]).await;
}

alike!(an_environment_in_trouble);
async fn an_environment_in_trouble() {
    let change = |state: &mut State| {
        let globex = state.environments.get_mut(&name("globex/live")).unwrap();
        let summary = &mut globex.summary;
        summary.trouble =
            Some("public-1 is half switched since 05:12: run the restore again, or undo it".to_owned());
        summary.maintenance = Some(fixture::hold("moving to the new data centre"));
        summary.protection = Some(fixture::hold("audit until Friday"));
        globex.versions = None;
        globex.versions_problem = Some("/srv/globex/RELEASE could not be read (no such file)".to_owned());
        for backup in &mut globex.backups {
            backup.manifest.environment = name("globex/live");
        }
        globex.backups[2].verification = Verification::Damaged {
            at: fixture::ago(30),
            why: "the digest of author/dam differs".to_owned(),
        };
        globex.backups[3].verification = Verification::Unverified;
    };
    look("trouble", change, &[("<Tab>G<Up>", "half switched")]).await;
    look(
        "about",
        change,
        &[("<Tab>G<Up>", "half switched"), ("i", "kept in")],
    )
    .await;
}

alike!(running_jobs);
async fn running_jobs() {
    let change = |state: &mut State| {
        let mut first = fixture::job(40, "acme/live", JobKind::Backup, "manual backup");
        first.progress = Some(fixture::progress(Phase::Copying, 43));
        let mut second = fixture::job(41, "globex/live", JobKind::Backup, "scheduled backup: daily");
        second.state = JobState::waiting("maintenance: moving to the new data centre");
        for job in [first, second] {
            let environment = state.environments.get_mut(&job.environment).unwrap();
            environment.summary.job = Some(job.clone());
            state.jobs.insert(0, job);
        }
    };
    look("running", change, &[("", "Running jobs")]).await;
}

alike!(what_waits_and_what_is_not_read_yet_is_shown_as_that);
async fn what_waits_and_what_is_not_read_yet_is_shown_as_that() {
    let change = |state: &mut State| {
        let mut waits = fixture::job(40, "acme/live", JobKind::Backup, "manual backup");
        waits.state = JobState::in_line(Place { number: 3, of: 12 });
        let environment = state.environments.get_mut(&waits.environment).unwrap();
        environment.summary.job = Some(waits.clone());
        state.jobs.insert(0, waits);
        let unread = state.environments.get_mut(&name("globex/live")).unwrap();
        unread.summary = EnvironmentSummary::unread(name("globex/live"), EnvironmentKind::Live);
    };
    let cockpit = Runner::start((120, 36), Fixture::with(change)).await;
    cockpit
        .see("waiting for its turn: 3rd of 12")
        .await
        .see("…")
        .await;
    // Its repository is read.
    let mut read = EnvironmentSummary::unread(name("globex/live"), EnvironmentKind::Live);
    read.unread = false;
    read.newest = Some(fixture::now() - Duration::hours(7));
    cockpit.backend.tell(Event::Summary(Box::new(read)));
    cockpit.see("6 h").await;
}

alike!(empty_states);
async fn empty_states() {
    let nothing = |state: &mut State| {
        state.environments.clear();
        state.notifications.clear();
        state.jobs.clear();
        state.activity.clear();
    };
    let small = &SIZES[..1];
    look_with("empty-fleet", &settings(), small, nothing, &[("", "There is no")]).await;
    look_with("empty-jobs", &settings(), small, nothing, &[("J", "no job yet")]).await;
    look_with("empty-news", &settings(), small, nothing, &[("n", "nothing new")]).await;
    let first_day = |state: &mut State| {
        let mut details = fixture::live("acme/live", Vec::new());
        details.last_scheduled = None;
        state.environments.insert(name("acme/live"), details);
    };
    look("empty-slots", first_day, &[("", "b takes one")]).await;
}

alike!(the_filter);
async fn the_filter() {
    look_with(
        "filter",
        &settings(),
        &SIZES[..1],
        unchanged,
        &[("/late", "globex")],
    )
    .await;
    look_with(
        "filter-nothing",
        &settings(),
        &SIZES[..1],
        unchanged,
        &[("/xyz", "nothing fits")],
    )
    .await;
}

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

alike!(the_restore_wizard);
async fn the_restore_wizard() {
    let choose = ("r", "choose a backup");
    let scope = ("<Enter>", "Everything is restored");
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
            job.progress = Some(fixture::progress(Phase::Staging, 43));
        });
        cockpit.see("43 %").await;
        keep(&cockpit, &settings(), "restore-running", size);
        cockpit.backend.move_on(32, |job| {
            job.ended = Some(job.created + Duration::seconds(24));
            job.state = JobState::Done;
            job.outcome = Some(Outcome {
                summary: "acme/live is back at 2026-11-23 00:17: 246 items came back, 674 were turned back, 8 were taken away".to_owned(),
                backup: Some(fixture::id(2)),
                safety: Some(fixture::id(5)),
                warnings: vec!["the hook of public-2 took 48 s".to_owned()],
                health: fixture::health(),
            });
        });
        cockpit.see("goes back to what was there").await;
        keep(&cockpit, &settings(), "restore-done", size);
    }
}

fn with_databases(state: &mut State) {
    fixture::has_replaced(state.environments.get_mut(&name("acme/live")).unwrap(), 31);
    if let Ok(plan) = &mut state.plan {
        for (number, workspace) in [(37, ".versions"), (4, ".datastore")] {
            let mut change = plan.changes[0].clone();
            workspace.clone_into(&mut change.workspace);
            change.kind = WorkspaceKind::of(workspace);
            (change.added, change.changed, change.removed) = (number, 0, 0);
            change.examples.clear();
            plan.changes.insert(0, change);
        }
    }
}

alike!(replaced_tables_beside_live);
async fn replaced_tables_beside_live() {
    look("replaced", with_databases, &[("", "replaced tables")]).await;
    look(
        "replaced-about",
        with_databases,
        &[("", "replaced tables"), ("i", "kept in")],
    )
    .await;
    look(
        "replaced-backup-page",
        with_databases,
        &[
            ("", "replaced tables"),
            ("<Enter>", "asked by"),
            ("G", "data store"),
        ],
    )
    .await;
    look(
        "confirm-question",
        with_databases,
        &[("", "replaced tables"), ("C", "drop the replaced")],
    )
    .await;
    let exchange = [("", "replaced tables"), ("u", "is exchanged with")];
    look("undo-exchange", with_databases, &exchange).await;
    let name = [exchange[0], exchange[1], ("<Enter>", "and press Enter")];
    look("undo-exchange-name", with_databases, &name).await;
    let plan = [
        ("", "replaced tables"),
        ("r", "choose a backup"),
        ("<Enter>", "Everything"),
        ("<Enter>", "come back"),
    ];
    look("wizard-plan-shared", with_databases, &plan).await;
}

alike!(confirming_a_restore);
async fn confirming_a_restore() {
    let cockpit = Runner::start((80, 24), Fixture::with(with_databases)).await;
    cockpit.see("replaced tables").await;
    cockpit.press("C").await.see("drop the replaced").await;
    cockpit.press("y").await.see("job 32").await;
    let calls = cockpit.backend.state().calls.clone();
    assert!(calls.contains(&"confirm acme/live".to_owned()), "{calls:?}");
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    cockpit.see("daily").await;
    cockpit.press("C").await.see("nothing to confirm").await;
}

alike!(a_restore_without_a_safety_backup_is_a_choice_that_is_seen);
async fn a_restore_without_a_safety_backup_is_a_choice_that_is_seen() {
    let plan = [
        ("", "daily"),
        ("r", "choose a backup"),
        ("<Enter>", "Everything is restored"),
        ("<Enter>", "safety backup included"),
        ("!", "undo is impossible afterwards"),
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
            job.progress = Some(fixture::progress(Phase::Staging, 43));
        });
        cockpit.see("43 %").await;
        keep(&cockpit, &settings(), "unsafe-running", size);
        cockpit.backend.move_on(32, |job| {
            job.ended = Some(job.created + Duration::seconds(24));
            job.state = JobState::Done;
            job.outcome = Some(Outcome {
                summary: "acme/live is back as it was at 2026-11-23 00:17 (backup 3b90aa17)".to_owned(),
                backup: Some(fixture::id(2)),
                warnings: vec!["no safety backup was taken, by choice".to_owned()],
                ..Outcome::default()
            });
        });
        cockpit.see("is back as it was").await;
        keep(&cockpit, &settings(), "unsafe-done", size);
    }
}

/// The monthly backup has a copy; the weekly one is damaged and has one; the daily one has none.
fn with_copies(state: &mut State) {
    let details = state.environments.get_mut(&name("acme/live")).unwrap();
    let slot = |slot| {
        details
            .backups
            .iter()
            .position(|backup| backup.is_for(slot))
            .unwrap()
    };
    let (weekly, monthly) = (slot(Slot::Weekly), slot(Slot::Monthly));
    let copies = [(weekly, 21), (monthly, 22)].map(|(index, number)| {
        let mut backup = details.backups[index].clone();
        let of = std::mem::replace(&mut backup.id, fixture::id(number));
        CopiedBackup { of, backup }
    });
    details.copies = Some(Copies {
        repository: "s3://acme-backups/second/acme/live".to_owned(),
        slots: vec![Slot::Monthly, Slot::Weekly],
        backups: copies.to_vec(),
        missing: Vec::new(),
        trouble: None,
    });
    details.backups[weekly].verification = Verification::Damaged {
        at: fixture::ago(30),
        why: "the digest of author/dam differs".to_owned(),
    };
}

/// The first repository is out of reach, and the second one has copies of two backups.
fn with_the_first_lost(state: &mut State) {
    with_copies(state);
    let details = state.environments.get_mut(&name("acme/live")).unwrap();
    details.backups.clear();
    details
        .summary
        .slots
        .iter_mut()
        .for_each(|slot| slot.taken = None);
    details.summary.newest = None;
    details.summary.trouble = Some(
        "the repository of acme/live, which held backups, is not in /backups/acme/live: is its disk mounted?"
            .to_owned(),
    );
    details.undo = None;
    details.undo_way = None;
}

alike!(what_only_the_second_repository_has_is_shown_and_restored_from_there);
async fn what_only_the_second_repository_has_is_shown_and_restored_from_there() {
    let table = [("", "second repository only")];
    look("second-only", with_the_first_lost, &table).await;
    let choose = [
        ("", "second repository only"),
        ("r", "choose a backup"),
        ("gg", "which alone has it"),
    ];
    look("second-only-choose", with_the_first_lost, &choose).await;

    let cockpit = Runner::start((80, 24), Fixture::with(with_the_first_lost)).await;
    cockpit.see("second repository only").await;
    cockpit
        .press("<Tab>v")
        .await
        .see("only the second repository")
        .await;
    cockpit.press("<Esc>r").await.see("choose a backup").await;
    // There is no first one to choose.
    cockpit.press("<Tab>").await.see("it is taken from there").await;
    cockpit.press("gg<Enter><Enter>").await.see("come back").await;
    cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
    let calls = cockpit.backend.state().calls.clone();
    let last = calls.iter().find(|call| call.starts_with("restore")).unwrap();
    assert!(last.ends_with("from the copy"), "{last}");

    // One whose original is gone stands beside those of the first.
    let cockpit = Runner::start(
        (120, 36),
        Fixture::with(|state: &mut State| {
            with_copies(state);
            let details = state.environments.get_mut(&name("acme/live")).unwrap();
            details.backups.retain(|backup| !backup.is_for(Slot::Monthly));
        }),
    )
    .await;
    cockpit.see("empty: next").await;
    cockpit.see("2nd only").await;
}

alike!(a_restore_can_come_from_the_second_repository);
async fn a_restore_can_come_from_the_second_repository() {
    let choose = [
        ("", "daily"),
        ("r", "choose a backup"),
        ("gg", "first repository"),
    ];
    look("copy-choose", with_copies, &choose).await;
    let taken = [choose[0], choose[1], choose[2], ("<Tab>", "its copy in")];
    look("copy-chosen", with_copies, &taken).await;
    let scope = [taken[0], taken[1], taken[2], taken[3], ("<Enter>", "Everything")];
    look("copy-scope", with_copies, &scope).await;
    let plan = [
        scope[0],
        scope[1],
        scope[2],
        scope[3],
        scope[4],
        ("<Enter>", "come back"),
    ];
    look("copy-plan", with_copies, &plan).await;
    let first = [
        plan[0],
        plan[1],
        plan[2],
        plan[3],
        plan[4],
        plan[5],
        ("<Tab>", "first repository"),
    ];
    look("copy-plan-first", with_copies, &first).await;
    let confirm = [
        plan[0],
        plan[1],
        plan[2],
        plan[3],
        plan[4],
        plan[5],
        ("<Enter>", "and press Enter"),
    ];
    look("copy-name", with_copies, &confirm).await;

    let cockpit = Runner::start((80, 24), Fixture::with(with_copies)).await;
    cockpit.see("daily").await;
    cockpit.press("r").await.see("choose a backup").await;
    cockpit.press("<Tab>").await.see("no copy in the second").await;
    // One that is damaged comes only from its copy.
    cockpit
        .press("G<Enter>")
        .await
        .see("Tab takes its copy instead")
        .await;
    cockpit.press("<Tab>").await.see("its copy in").await;
    cockpit.press("<Enter><Enter>").await.see("come back").await;
    cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
    let calls = cockpit.backend.state().calls.clone();
    let last = calls.iter().find(|call| call.starts_with("restore")).unwrap();
    assert!(last.ends_with("from the copy"), "{last}");

    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    cockpit.see("daily").await;
    cockpit.press("r").await.see("choose a backup").await;
    cockpit
        .press("<Tab>")
        .await
        .see("there is no second repository")
        .await;
}

alike!(a_job_says_which_table_it_is_on);
async fn a_job_says_which_table_it_is_on() {
    let change = |state: &mut State| {
        let mut first = fixture::job(40, "acme/live", JobKind::Restore, "restore of 3b90aa17 (daily)");
        let mut progress = fixture::progress(Phase::Staging, 43);
        progress.part = Some("pm_website_bundle".to_owned());
        first.progress = Some(progress);
        let environment = state.environments.get_mut(&first.environment).unwrap();
        environment.summary.job = Some(first.clone());
        state.jobs.insert(0, first);
    };
    look("table-running", change, &[("", "Running jobs")]).await;
    look(
        "table-progress",
        change,
        &[("", "Running jobs"), ("o", "pm_website_bundle: ")],
    )
    .await;
}

alike!(a_restore_of_databases_at_its_end);
async fn a_restore_of_databases_at_its_end() {
    for size in SIZES {
        let cockpit = Runner::start(size, Fixture::with(with_databases)).await;
        cockpit.see("replaced tables").await;
        cockpit.press("r<Enter><Enter>").await.see("come back").await;
        cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
        fixture::has_replaced(
            cockpit
                .backend
                .state()
                .environments
                .get_mut(&name("acme/live"))
                .unwrap(),
            32,
        );
        cockpit.backend.move_on(32, |job| {
            job.ended = Some(job.created + Duration::seconds(24));
            job.state = JobState::Done;
            job.outcome = Some(Outcome {
                summary: "acme/live is back as it was at 2026-11-23 00:17".to_owned(),
                backup: Some(fixture::id(2)),
                warnings: vec!["no safety backup was taken, by choice: only what the restore replaced beside Live can bring the old content back".to_owned()],
                health: fixture::health(),
                ..Outcome::default()
            });
        });
        cockpit.backend.tell(Event::Environment {
            name: name("acme/live"),
        });
        cockpit.see("an exchange, it takes a moment").await;
        keep(&cockpit, &settings(), "restore-tables-done", size);
    }
}

alike!(a_restore_that_failed);
async fn a_restore_that_failed() {
    let change = |state: &mut State| {
        let mut job = fixture::job(40, "acme/live", JobKind::Restore, "restore of 3b90aa17 (daily)");
        job.progress = Some(fixture::progress(Phase::VerifyingStaged, 71));
        let why = "the staged copy of author/dam differs from the backup in 3 items, so Live was not touched; verify the backup with v, and look at the disk under /srv/magnolia/author";
        let job = fixture::ended(job, JobState::Failed { why: why.to_owned() }, None);
        state.jobs.insert(0, job);
    };
    look("restore-failed", change, &[("", "daily"), ("o", "failed:")]).await;
}

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
    look("help", unchanged, &[("?", "On the main screen")]).await;
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
        let drill = fixture::drill(DrillOutcome::Proven);
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        live.backups[0].drill = Some(drill.clone());
        live.summary.last_drill = Some(drill.clone());
        live.summary.last_proven = Some(drill.clone());
        live.next_verify = Some(fixture::now() + Duration::days(3));
        live.next_drill = Some(fixture::now() + Duration::days(19));
        if let Ok(plan) = &mut state.plan {
            plan.expected = Some(ExpectedTime {
                millis: 192_000,
                past_jobs: 0,
                drill: Some(drill.at),
            });
        }
    };
    look("drill-proven", proven, &[("", "last proven restorable")]).await;
    let small = &SIZES[..1];
    let page = [("", "daily"), ("<Enter>", "proven restorable in")];
    look_with("drill-proven-page", &settings(), small, proven, &page).await;
    let about = [("", "daily"), ("i", "drilled in")];
    look_with("drill-about", &settings(), small, proven, &about).await;
    let plan = [
        ("", "daily"),
        ("r", "choose a backup"),
        ("<Enter>", "Everything is restored"),
        ("<Enter>", "measured by a drill"),
    ];
    look_with("drill-plan", &settings(), small, proven, &plan).await;
    let failed = |state: &mut State| {
        let why = "the table pm_dam_bundle has 1,999 rows and is not what the backup holds (2,000 rows)";
        let drill = fixture::drill(DrillOutcome::Failed { why: why.to_owned() });
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        live.backups[0].drill = Some(drill.clone());
        live.summary.last_drill = Some(drill);
    };
    look("drill-failed", failed, &[("", "last drill failed")]).await;
    let in_part = |state: &mut State| {
        let left_out = vec!["public-2".parse().unwrap()];
        let drill = fixture::drill(DrillOutcome::ProvenInPart { left_out });
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

alike!(questions_and_messages);
async fn questions_and_messages() {
    let demo = |state: &mut State| state.demo = true;
    look("demo-break", demo, &[("", "DEMO"), ("B", "for real")]).await;
    let small = &SIZES[..1];
    look_with("demo-main", &settings(), small, demo, &[("", "break Live")]).await;
    let refuses = |state: &mut State| state.refuses = Some(fixture::busy());
    look(
        "refused",
        refuses,
        &[("", "daily"), ("b", "Replaces"), ("<Enter>", "one job at a")],
    )
    .await;
    look_with(
        "protect-form",
        &settings(),
        small,
        unchanged,
        &[("", "daily"), ("p", "Reason")],
    )
    .await;
    look_with(
        "delete-question",
        &settings(),
        small,
        unchanged,
        &[("", "daily"), ("jj", "expires"), ("d", "cannot be brought back")],
    )
    .await;
}

alike!(what_takes_long_or_changes_something_asks);
async fn what_takes_long_or_changes_something_asks() {
    let undoes = |state: &mut State| {
        let acme = state.environments.get_mut(&name("acme/live")).unwrap();
        acme.undo = Some(fixture::id(4));
    };
    for (screen, keys, text) in [
        ("delete-undo-question", "jjd", "undo is impossible"),
        ("verify-question", "v", "read back"),
        ("verify-all-question", "V", "All of"),
        ("drill-question", "D", "scratch place"),
        ("extend-question", "jjx", "another 48 hours"),
    ] {
        look(screen, undoes, &[("", "daily"), (keys, text)]).await;
    }
}

// Only jobs that run in the cockpit's own process stand still or end with it.
#[tokio::test]
async fn what_would_hold_jobs_up_asks() {
    for (screen, keys, text) in [
        ("stop-question", "<C-z>", "stand still"),
        ("quit-question", "q", "Quitting stops them"),
    ] {
        let steps = [
            ("", "daily"),
            ("b", "Replaces"),
            ("<Enter>", "Running jobs"),
            (keys, text),
        ];
        look(screen, unchanged, &steps).await;
    }
}

// A service that cannot work is out of reach; that is another test.
#[tokio::test]
async fn a_backend_that_cannot_work_says_so_everywhere() {
    for size in SIZES {
        let broken = |state: &mut State| state.broken = Some("the state folder cannot be written".to_owned());
        let cockpit = Runner::start(size, Fixture::with(broken)).await;
        cockpit.see("cannot work").await;
        keep(&cockpit, &settings(), "cannot-work", size);
        cockpit.press("<Enter>").await.see("R asks again").await;
        assert!(!cockpit.has("loading"));
        keep(&cockpit, &settings(), "cannot-work-below", size);
        cockpit.backend.state().broken = None;
        cockpit.press("R").await.see("connected").await;
        cockpit.see("daily").await;
    }
}

alike!(out_of_reach);
async fn out_of_reach() {
    for size in SIZES {
        let cockpit = Runner::start_told(size, Fixture::with(elsewhere), settings()).await;
        cockpit.see("daily").await;
        cockpit.backend.reachable(false);
        cockpit.see("disconnected").await;
        keep(&cockpit, &settings(), "disconnected", size);
    }
}

/// Only a service can be out of reach.
fn elsewhere(state: &mut State) {
    "https://backups.example.com".clone_into(&mut state.kind);
}

alike!(a_followed_restore_while_the_link_is_down);
async fn a_followed_restore_while_the_link_is_down() {
    for size in SIZES {
        let time = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&time);
        let settings = CockpitSettings {
            context: "prod".to_owned(),
            accent: Some(Accent::Red),
            clock: Arc::new(move || fixture::now() + chrono::Duration::minutes(clock.load(Ordering::SeqCst))),
            ..settings()
        };
        let cockpit = Runner::start_told(size, Fixture::with(elsewhere), settings.clone()).await;
        cockpit.see("daily").await;
        cockpit.press("r<Enter><Enter>").await.see("come back").await;
        cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
        cockpit.backend.move_on(32, |job| {
            job.progress = Some(fixture::progress(Phase::Staging, 43));
        });
        cockpit.see("43 %").await;
        let since = fixture::now();
        time.store(12, Ordering::SeqCst);
        cockpit.backend.set_link(Link::Down {
            since,
            attempt: 27,
            next_try: Some(since + chrono::Duration::minutes(12) + chrono::Duration::seconds(28)),
            why: fixture::OUT_OF_REACH.to_owned(),
        });
        cockpit.see("disconnected").await;
        keep(&cockpit, &settings, "link-down", size);
    }
}

alike!(contexts_to_choose_from);
async fn contexts_to_choose_from() {
    let choice = |name: &str, leads_to: &str, read_only, accent| ContextChoice {
        name: name.to_owned(),
        leads_to: leads_to.to_owned(),
        read_only,
        accent,
    };
    let settings = CockpitSettings {
        context: "prod".to_owned(),
        accent: Some(Accent::Red),
        contexts: vec![
            choice(
                "audit",
                "https://backups.example.com",
                true,
                Some(Accent::Magenta),
            ),
            choice("local", "this machine", false, None),
            choice("prod", "https://backups.example.com", false, Some(Accent::Red)),
            choice(
                "test",
                "https://backups.test.example.com",
                false,
                Some(Accent::Green),
            ),
        ],
        ..settings()
    };
    let steps = [("X", "this machine")];
    look_with("contexts", &settings, &SIZES, unchanged, &steps).await;
}

alike!(locked);
async fn locked() {
    for size in SIZES {
        let time = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&time);
        let settings = CockpitSettings {
            context: "prod".to_owned(),
            accent: Some(Accent::Red),
            idle_lock: Some(std::time::Duration::from_mins(30)),
            clock: Arc::new(move || fixture::now() + chrono::Duration::minutes(clock.load(Ordering::SeqCst))),
            ..settings()
        };
        let cockpit = Runner::start_with(size, Fixture::new(), settings.clone()).await;
        cockpit.see("daily").await;
        time.store(30, Ordering::SeqCst);
        cockpit.send(Input::Resized).await;
        cockpit.see("Locked").await;
        keep(&cockpit, &settings, "locked", size);
    }
}

alike!(read_only_and_accented);
async fn read_only_and_accented() {
    let settings = CockpitSettings {
        context: "prod".to_owned(),
        read_only: true,
        accent: Some(Accent::Red),
        ..settings()
    };
    look_with("read-only", &settings, &SIZES, unchanged, &[("", "daily")]).await;
}

alike!(without_colours);
async fn without_colours() {
    let settings = CockpitSettings {
        theme: ThemeChoice::Monochrome,
        ..settings()
    };
    look_with("monochrome-main", &settings, &SIZES, unchanged, &[("", "daily")]).await;
    let plan = [("", "daily"), ("r<Enter><Enter>", "come back")];
    look_with("monochrome-plan", &settings, &SIZES[..1], unchanged, &plan).await;
}

alike!(in_ascii);
async fn in_ascii() {
    let settings = CockpitSettings {
        ascii: true,
        ..settings()
    };
    look_with("ascii", &settings, &SIZES[..1], unchanged, &[("", "daily")]).await;
}

alike!(odd_sizes);
async fn odd_sizes() {
    let odd = [(79, 24), (40, 5), (80, 25), (200, 60)];
    for size in odd {
        let cockpit = Runner::start(size, Fixture::new()).await;
        let text = if size.0 < 80 { "needs 80" } else { "daily" };
        cockpit.see(text).await;
        keep(&cockpit, &settings(), "odd", size);
    }
}

alike!(names_and_notes_from_outside_are_harmless);
async fn names_and_notes_from_outside_are_harmless() {
    let change = |state: &mut State| {
        let long = format!("a{}", "-very-long".repeat(6));
        let mut details = fixture::live(&format!("{long}/{long}"), fixture::backups());
        details.backups[0].manifest.note = Some("\u{1b}[2Jgone\u{7} \u{202e}desrever\nnext line".to_owned());
        details.backups[0].manifest.by = "\u{9b}31mmallory".into();
        details.summary.failed = Some("\u{1b}]0;title\u{7}failed".to_owned());
        details.summary.kind = EnvironmentKind::Live;
        state.environments.clear();
        state.environments.insert(details.summary.name.clone(), details);
        "\u{1b}[31mred\r\nsecond".clone_into(&mut state.notifications[0].text);
    };
    look("harmless", change, &[("", "daily")]).await;
}

alike!(news_come_while_one_looks_on);
async fn news_come_while_one_looks_on() {
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    cockpit.see("daily").await;
    let mut news = cockpit.backend.state().notifications[0].clone();
    news.number = 13;
    "the manual backup of acme/live is complete and verified".clone_into(&mut news.text);
    cockpit.backend.tell(Event::Notification(news));
    cockpit.see("n: 2 new").await;
    assert!(cockpit.has("the manual backup of acme/live"));
}

#[test]
fn the_table_of_actions() {
    let mut text = String::new();
    for row in TABLE {
        let places: Vec<_> = row.places.iter().map(|place| format!("{place:?}")).collect();
        writeln!(
            text,
            "{:<16} {:<12} {:<15} {} {}\n    {}",
            format!("{:?}", row.action),
            row.keys_label(),
            row.label,
            if row.changes { "changes" } else { "looks  " },
            places.join(" "),
            row.help,
        )
        .unwrap();
    }
    insta::assert_snapshot!("actions", text);
    assert_eq!(
        action::Action::of(lifeboat::tui::key::Key::Esc, action::Place::Backups),
        None
    );
}

#[test]
fn the_items_of_the_themes() {
    let mut text = String::new();
    for meaning in Meaning::ALL {
        write!(text, "{:<18}", format!("{meaning:?}")).unwrap();
        for choice in ThemeChoice::ALL {
            let style = Theme::new(choice, None, false).style(meaning);
            let colour = style.fg.map_or_else(String::new, |colour| format!("{colour:?}"));
            let look = format!("{colour} {:?}", style.add_modifier);
            let look = look.replace("NONE", "").replace("Modifier(0x0)", "");
            write!(text, " {choice}: {:<28}", look.trim()).unwrap();
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    insta::assert_snapshot!("themes", text);
}
