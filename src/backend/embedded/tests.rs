//! An engine that cannot be opened, or is closed while it opens.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

use super::{Backend, BackendError, Embedded, EmbeddedOptions};
use crate::backend::serves::Serves as _;
use crate::clock::SystemClock;
use crate::domain::backup::BackupId;
use crate::domain::environment::{EnvironmentKind, EnvironmentName, Role};
use crate::domain::job::JobId;
use crate::domain::notify::{Receiver, ReceiverKind, ReceiverSettings};
use crate::domain::plan::{PlanId, Selection};
use crate::domain::principal::Principal;
use crate::domain::request::{BackupRequest, HoldKind, HoldRequest, JobQuery, RestoreRequest};
use crate::domain::settings::{
    ContentSettings, EnvironmentSettings, Hooks, InstanceSettings, RepositoryChoice, RepositorySettings,
    SecretSource, VersionSource,
};
use crate::domain::stop::{StopReason, Unseen};
use crate::domain::waiting_line::EngineLimits;
use crate::engine::{EngineSettings, Surroundings, take_over};

/// Longer than any answer takes on a machine that is busy with other things.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

fn live() -> EnvironmentName {
    "acme/live".parse().unwrap()
}

fn settings(folder: &Path, state: &str) -> EngineSettings {
    std::fs::create_dir_all(folder.join("content/website")).unwrap();
    std::fs::write(folder.join("key"), "a key for tests").unwrap();
    EngineSettings {
        cache: None,
        state: folder.join(state),
        catalog: None,
        repository: Some(RepositorySettings::in_folder(
            folder.join("repository"),
            SecretSource::PasswordFile(folder.join("key")),
        )),
        limits: EngineLimits::default(),
        receivers: Vec::new(),
        environments: vec![EnvironmentSettings {
            project: "acme".into(),
            name: "live".into(),
            kind: EnvironmentKind::Live,
            release_version: Some(VersionSource::Text("v12".into())),
            magnolia_version: Some(VersionSource::Text("6.3.4".into())),
            schedule: crate::domain::schedule::Schedule::default(),
            keep: crate::domain::slot::Keep::default(),
            rpo: None,
            rto: None,
            approve: false,
            verify: crate::domain::proof::VerifySettings::default(),
            drill: crate::domain::proof::DrillSettings::default(),
            instances: vec![InstanceSettings {
                name: "author".parse().unwrap(),
                role: Role::Author,
                content: ContentSettings::Files {
                    path: folder.join("content"),
                },
                health: None,
                hooks: Hooks::default(),
                nodes: Vec::new(),
            }],
        }],
    }
}

fn start(folder: &Path, state: &str) -> Embedded {
    start_keeping(true, settings(folder, state))
}

fn start_keeping(keep_schedule: bool, settings: EngineSettings) -> Embedded {
    let surroundings = Surroundings {
        clock: Arc::new(SystemClock),
        runtime: tokio::runtime::Handle::current(),
        events: broadcast::channel(64).0,
        variables: Arc::new(|_| None),
        random: crate::random::system(),
    };
    let options = EmbeddedOptions {
        user: "kim".into(),
        keep_schedule,
        break_live: Some(Arc::new(|_| Ok("a page".into()))),
    };
    Embedded::start(settings, surroundings, options)
}

/// What every question is answered, one after the other.
async fn answers(backend: &Embedded) -> Vec<(&'static str, BackendError)> {
    let mut answers = Vec::new();
    macro_rules! ask {
        ($($name:ident($($argument:expr),*)),+ $(,)?) => {
            $(
                let answer = tokio::time::timeout(ANSWERED_WITHIN, backend.$name($($argument),*)).await;
                let answer = answer.expect(concat!(stringify!($name), " is not answered"));
                answers.push((stringify!($name), answer.map(|_| ()).expect_err(stringify!($name))));
            )+
        };
    }
    let backup = BackupRequest {
        environment: live(),
        note: None,
        upgrade_to: None,
    };
    let restore = RestoreRequest {
        environment: live(),
        backup: "daily".into(),
        selection: Selection::default(),
        without_safety: false,
        even_if_unchanged: true,
        from: RepositoryChoice::First,
    };
    let hold = HoldRequest {
        environment: live(),
        hold: HoldKind::Protection,
        on: true,
        reason: None,
    };
    let id = || BackupId("3b90aa17".repeat(8));
    ask!(
        check(None),
        info(),
        environments(),
        environment(&live()),
        jobs(JobQuery::default()),
        job(JobId(1)),
        job_log(JobId(1), 0),
        activity(10),
        notifications(10),
        notifications_seen(1),
        start_backup(backup),
        plan_restore(restore),
        start_restore(PlanId::of_random([7; 16]), "acme/live".into()),
        start_restore_alone(PlanId::of_random([7; 16]), "acme/live".into(), "fire".into()),
        approve_restore(live(), PlanId::of_random([7; 16]), "acme/live".into()),
        reject_restore(live(), PlanId::of_random([7; 16]), None),
        start_undo(live(), "acme/live".into()),
        start_confirm(live()),
        start_verify(live(), None),
        start_drill(live(), None),
        cancel(JobId(1)),
        stop(JobId(1), StopReason::Signal),
        go_on_unseen(Unseen::TerminalGone),
        delete_backup(live(), id()),
        extend_backup(live(), id()),
        unpin_backup(live(), id()),
        hold(hold),
        break_live(live()),
        is_ready(),
        jobs_ended(),
    );
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_folder_that_cannot_be_used_is_the_answer_to_every_question() {
    let folder = tempfile::tempdir().unwrap();
    // What belongs to another account looks the same; tests may run as the one that may do everything.
    std::fs::write(folder.path().join("state"), "a file").unwrap();
    let backend = start(folder.path(), "state");
    let state = folder.path().join("state").display().to_string();
    let answers = answers(&backend).await;
    for (question, answer) in &answers {
        assert_eq!(answer, &answers[0].1, "{question}");
        let BackendError::Failed(why) = answer else {
            panic!("{question}: {answer:?}");
        };
        for said in [
            state.as_str(),
            "the state folder",
            "Not a directory",
            "LIFEBOAT_STATE",
        ] {
            assert!(why.contains(said), "{question}: {why}");
        }
    }
    let closed = tokio::time::timeout(ANSWERED_WITHIN, backend.close(StopReason::Signal)).await;
    closed.expect("it does not close");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_closed_while_it_opens_keeps_no_schedule() {
    let folder = tempfile::tempdir().unwrap();
    // A new environment is due at once.
    let backend = start(folder.path(), "state");
    backend.close(StopReason::Signal).await;
    backend.info().await.unwrap();
    backend.jobs_ended().await.unwrap();
    // It may have been open before it was closed. Then what was begun has stopped, and nothing came after it.
    for job in backend.jobs(JobQuery::default()).await.unwrap() {
        assert!(job.state.has_ended(), "{job:?}");
    }
    let schedule = backend.schedule.lock();
    assert!(matches!(*schedule, super::Schedule::Stopped));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_was_configured_meanwhile_is_told_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    let settings = settings(folder.path(), "state");
    let environments = settings.environments.clone();
    // One that delivers nothing before its end.
    let backend = start_keeping(false, settings);
    let engine = backend.engine().await.unwrap();
    let mut receiver = ReceiverSettings::of("ops", ReceiverKind::Command);
    receiver.command = vec!["touch".into(), told.display().to_string()];
    let receivers = vec![Receiver {
        settings: receiver,
        rounds: false,
    }];
    let warned = tokio::task::spawn_blocking(move || {
        take_over(&engine, environments, receivers).unwrap();
        let live = engine.current().live(&live()).unwrap();
        live.remember_warning(&Principal::Lifeboat, "the disk is nearly full");
    });
    warned.await.unwrap();
    assert!(!told.exists());
    backend.close(StopReason::Signal).await;
    assert!(told.exists());
}
