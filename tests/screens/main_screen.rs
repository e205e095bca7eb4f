//! The main screen: the list of environments and what is selected in it, while it loads, in trouble, empty,
//! filtered, and with jobs that run.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::Duration;
use lifeboat::domain::backup::Verification;
use lifeboat::domain::environment::EnvironmentKind;
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{JobKind, JobState, Phase};
use lifeboat::domain::milestone::{Milestone, Reached};
use lifeboat::domain::state::EnvironmentSummary;
use lifeboat::domain::waiting_line::Place;
use lifeboat::tui::CockpitSettings;

use crate::made_up::{Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, keep, look, look_with, unchanged};

alike!(the_main_screen);
async fn the_main_screen() {
    look("main", unchanged, &[("", "daily")]).await;
}

alike!(with_room_to_spare);
async fn with_room_to_spare() {
    let sizes = [(160, 50), (100, 46)];
    look_with("main-wide", &settings(), &sizes, unchanged, &[("", "over time")]).await;
}

alike!(before_the_backend_has_answered);
async fn before_the_backend_has_answered() {
    for size in SIZES {
        let cockpit = Runner::start(size, Fixture::silent()).await;
        cockpit.see("loading").await;
        keep(&cockpit, &settings(), "loading", size);
    }
}

alike!(what_takes_long_to_open_says_why);
async fn what_takes_long_to_open_says_why() {
    for size in SIZES {
        let time = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&time);
        let settings = CockpitSettings {
            clock: Arc::new(move || two_projects::now() + Duration::seconds(clock.load(Ordering::SeqCst))),
            ..settings()
        };
        let cockpit = Runner::start_with(size, Fixture::silent(), settings.clone()).await;
        cockpit.see("loading").await;
        time.store(4, Ordering::SeqCst);
        cockpit.press("j").await.see("still loading").await;
        keep(&cockpit, &settings, "opening", size);
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
        summary.maintenance = Some(two_projects::hold("moving to the new data centre"));
        summary.protection = Some(two_projects::hold("audit until Friday"));
        globex.versions = None;
        globex.versions_problem = Some("/srv/globex/RELEASE could not be read (no such file)".to_owned());
        for backup in &mut globex.backups {
            backup.manifest.environment = name("globex/live");
        }
        globex.backups[2].verification = Verification::Damaged {
            at: two_projects::ago(30),
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
        let mut first = two_projects::job(40, "acme/live", JobKind::Backup, "manual backup");
        first.progress = Some(two_projects::progress(Phase::Copying, 43));
        let mut second = two_projects::job(41, "globex/live", JobKind::Backup, "scheduled backup: daily");
        second.state = JobState::in_maintenance("maintenance: moving to the new data centre");
        for job in [first, second] {
            let environment = state.environments.get_mut(&job.environment).unwrap();
            environment.summary.job = Some(job.clone());
            state.jobs.insert(0, job);
        }
    };
    look("running", change, &[("", "Running jobs")]).await;
    let change = |state: &mut State| {
        let mut job = two_projects::job(41, "acme/live", JobKind::Backup, "manual backup");
        job.state = JobState::in_maintenance("acme/live is in maintenance mode: moving");
        let environment = state.environments.get_mut(&job.environment).unwrap();
        environment.summary.job = Some(job.clone());
        state.jobs.insert(0, job);
    };
    look(
        "waits-for-maintenance",
        change,
        &[("", "Running jobs"), ("o", "cancels the job")],
    )
    .await;
}

alike!(a_backup_is_told_as_soon_as_it_is_complete);
async fn a_backup_is_told_as_soon_as_it_is_complete() {
    let change = |state: &mut State| {
        let mut job = two_projects::job(40, "acme/live", JobKind::Backup, "manual backup");
        job.progress = Some(two_projects::progress(Phase::Retention, 43));
        let environment = state.environments.get_mut(&job.environment).unwrap();
        environment.summary.job = Some(job.clone());
        state.jobs.insert(0, job);
    };
    let cockpit = Runner::start((80, 24), Fixture::with(change)).await;
    cockpit.see("Running jobs").await;
    cockpit.backend.move_on(40, |job| {
        job.reached = Some(Reached {
            what: Milestone::BackupComplete,
            at: two_projects::now(),
            content_of: None,
        });
    });
    cockpit
        .see("acme/live: the backup is complete and verified")
        .await;
    cockpit
        .press("o")
        .await
        .see("It can be restored from now on")
        .await;
    keep(&cockpit, &settings(), "backup-complete", (80, 24));
}

alike!(what_waits_and_what_is_not_read_yet_is_shown_as_that);
async fn what_waits_and_what_is_not_read_yet_is_shown_as_that() {
    let change = |state: &mut State| {
        let mut waits = two_projects::job(40, "acme/live", JobKind::Backup, "manual backup");
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
        .see("····     …")
        .await;
    // Its repository is read.
    let mut read = EnvironmentSummary::unread(name("globex/live"), EnvironmentKind::Live);
    read.unread = false;
    read.newest = Some(two_projects::now() - Duration::hours(7));
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
    let cockpit = Runner::start((80, 24), Fixture::with(nothing)).await;
    cockpit.see("There is no").await;
    cockpit
        .press("r")
        .await
        .see("! no environment yet: `lifeboat init`")
        .await;
    look_with("empty-jobs", &settings(), small, nothing, &[("J", "no job yet")]).await;
    look_with(
        "empty-overview",
        &settings(),
        small,
        nothing,
        &[("F", "worst first")],
    )
    .await;
    look_with("empty-news", &settings(), small, nothing, &[("n", "nothing new")]).await;
    let first_day = |state: &mut State| {
        let mut details = two_projects::live("acme/live", Vec::new());
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
