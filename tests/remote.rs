//! The client of a service: what it makes of good answers and of bad networks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "remote/login.rs"]
mod login;
mod made_up;
mod service;
#[path = "remote/streams.rs"]
mod streams;
#[path = "service/tls.rs"]
mod tls;

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use lifeboat::backend::link::Link;
use lifeboat::backend::remote::{Pace, Remote, RemoteSettings};
use lifeboat::backend::{Backend, BackendError, EventStream};
use lifeboat::domain::backup::ChoiceError;
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{JobId, JobKind};
use lifeboat::domain::nearest::Missing;
use lifeboat::domain::refusal::Refusal;
use lifeboat::domain::request::{BackupRequest, JobQuery, RestoreRequest};
use lifeboat::domain::settings::SecretSource;
use lifeboat::domain::slot::Slot;
use made_up::{Fixture, name, two_projects};
use service::{Fault, Service, quick, settings};

/// How long a test waits for something that does not come. Never waited for in a test that passes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn house() -> (Arc<Fixture>, Service) {
    let fixture = Arc::new(Fixture::new());
    let service = Service::over(Arc::clone(&fixture) as _).await;
    (fixture, service)
}

fn backup() -> BackupRequest {
    BackupRequest {
        environment: name("acme/live"),
        note: Some("before the fair".to_owned()),
        upgrade_to: None,
    }
}

async fn next(events: &mut EventStream) -> Event {
    tokio::time::timeout(PATIENCE, events.next())
        .await
        .expect("no event came")
        .unwrap()
}

async fn until(remote: &Remote, is_so: impl FnMut(&Link) -> bool) -> Link {
    let mut link = remote.link();
    let found = tokio::time::timeout(PATIENCE, link.wait_for(is_so)).await;
    found.expect("the link never stood so").unwrap().clone()
}

fn out_of_reach<T: std::fmt::Debug>(answer: Result<T, BackendError>) -> String {
    match answer.unwrap_err() {
        BackendError::OutOfReach(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_question_has_the_answer_of_the_backend_behind() {
    let (fixture, service) = house().await;
    let remote = service.client();
    let acme = name("acme/live");
    assert_eq!(remote.environments().await, fixture.environments().await);
    assert_eq!(remote.environment(&acme).await, fixture.environment(&acme).await);
    let query = JobQuery {
        environment: Some(acme.clone()),
        limit: 3,
        ..JobQuery::default()
    };
    assert_eq!(remote.jobs(query.clone()).await, fixture.jobs(query).await);
    assert_eq!(remote.job(JobId(31)).await, fixture.job(JobId(31)).await);
    assert_eq!(
        remote.job_log(JobId(31), 1).await,
        fixture.job_log(JobId(31), 1).await
    );
    assert_eq!(remote.activity(5).await, fixture.activity(5).await);
    assert_eq!(remote.notifications(5).await, fixture.notifications(5).await);
    assert_eq!(
        remote.check(Some(acme.clone())).await,
        fixture.check(Some(acme.clone())).await
    );
    let info = remote.info().await.unwrap();
    assert_eq!((info.kind, info.demo), (service.address.clone(), false));

    let job = remote.start_backup(backup()).await.unwrap();
    assert_eq!(job, JobId(32));
    assert_eq!(remote.start_verify(acme.clone(), None).await, Ok(JobId(33)));
    assert_eq!(remote.start_confirm(acme.clone()).await, Ok(JobId(34)));
    remote.cancel(job).await.unwrap();
    remote.notifications_seen(13).await.unwrap();
    let request = RestoreRequest {
        environment: acme.clone(),
        backup: two_projects::id(2).0,
        selection: lifeboat::domain::plan::Selection::default(),
        without_safety: true,
        even_if_unchanged: true,
        from: lifeboat::domain::settings::RepositoryChoice::default(),
    };
    let plan = remote.plan_restore(request).await.unwrap();
    let wrong = remote.start_restore(plan.id.clone(), "acme/uat".to_owned()).await;
    assert_eq!(
        wrong,
        Err(Refusal::NotConfirmed {
            environment: acme.clone()
        }
        .into())
    );
    assert_eq!(
        remote.start_restore(plan.id, "acme/live".to_owned()).await,
        Ok(JobId(35))
    );
    assert_eq!(
        remote.start_undo(acme, "acme/live".to_owned()).await,
        Ok(JobId(36))
    );
    // Whatever starts a job carries a key, and each its own.
    let seen = service.seen();
    let mut keys: Vec<_> = seen.iter().filter_map(|seen| seen.key.clone()).collect();
    assert_eq!(keys.len(), 6);
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 6);
}

#[tokio::test]
async fn every_error_arrives_as_the_one_that_it_was() {
    let (fixture, service) = house().await;
    let remote = service.client();
    let environment = name("acme/live");
    let now = two_projects::now();
    let refusals = [
        Refusal::NotLive {
            environment: environment.clone(),
            kind: lifeboat::domain::environment::EnvironmentKind::Uat,
        },
        Refusal::UpgradeStands {
            environment: environment.clone(),
            expires: now,
        },
        Refusal::Busy {
            environment: environment.clone(),
            job: JobId(7),
            kind: JobKind::Restore,
        },
        Refusal::Protected {
            environment: environment.clone(),
            reason: Some("audit".to_owned()),
        },
        Refusal::NotConfirmed {
            environment: environment.clone(),
        },
        Refusal::NothingToUndo {
            environment: environment.clone(),
        },
        Refusal::NothingToConfirm {
            environment: environment.clone(),
        },
        Refusal::BackupHeld {
            backup: "3b90aa17".to_owned(),
            why: "the daily slot".to_owned(),
        },
        Refusal::Damaged {
            backup: "3b90aa17".to_owned(),
            why: "a digest".to_owned(),
        },
        Refusal::Obstacle("no room".to_owned()),
        Refusal::ReadOnly("prod".to_owned()),
        Refusal::ByService("the role viewer only looks".to_owned()),
    ];
    let mut errors: Vec<BackendError> = refusals.into_iter().map(BackendError::from).collect();
    errors.extend([
        BackendError::UnknownEnvironment {
            name: "acme/live".to_owned(),
            known: "acme/uat".to_owned(),
            near: vec!["acme/uat".to_owned()],
        },
        BackendError::UnknownBackup(ChoiceError::Unknown {
            text: "weekl".to_owned(),
            near: vec!["weekly".to_owned()],
        }),
        BackendError::UnknownBackup(ChoiceError::Ambiguous {
            text: "3b".to_owned(),
            near: Vec::new(),
        }),
        BackendError::UnknownBackup(ChoiceError::EmptySlot { slot: Slot::Weekly }),
        BackendError::NotThere(Missing {
            sentence: "there is no workspace".to_owned(),
            near: vec!["website".to_owned()],
        }),
        BackendError::UnknownJob(JobId(99)),
        BackendError::OutOfReach("the node is gone".to_owned()),
        BackendError::Failed("the disk is full".to_owned()),
    ]);
    for error in errors {
        fixture.state().refuses = Some(error.clone());
        assert_eq!(remote.start_backup(backup()).await, Err(error));
    }
}

#[tokio::test]
async fn what_a_newer_service_refuses_keeps_its_sentence() {
    let (_, service) = house().await;
    let remote = service.client();
    let body = r#"{"kind":"moon","detail":"not at full moon","refusal":{"rule":"moon","facts":{}}}"#;
    service.fail_next(
        "backups",
        Fault::Bytes(answer("409 Conflict", "application/problem+json", body)),
    );
    let refused = remote.start_backup(backup()).await;
    assert_eq!(
        refused,
        Err(Refusal::ByService("not at full moon".to_owned()).into())
    );
    let body = r#"{"kind":"forbidden","detail":"the role viewer only looks"}"#;
    service.fail_next(
        "backups",
        Fault::Bytes(answer("403 Forbidden", "application/problem+json", body)),
    );
    let refused = remote.start_backup(backup()).await;
    assert_eq!(
        refused,
        Err(Refusal::ByService("the role viewer only looks".to_owned()).into())
    );
}

fn answer(status: &str, media_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_question_is_asked_again_and_an_answer_is_not() {
    let (_, service) = house().await;
    let remote = service.client();
    for fault in [
        Fault::Closed,
        Fault::ClosedAfter,
        Fault::Bytes(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n[".to_owned(),
        ),
        Fault::Bytes(answer("502 Bad Gateway", "text/html", "<h1>nginx</h1>")),
        Fault::Bytes(answer(
            "429 Too Many Requests",
            "application/problem+json",
            r#"{"detail":"slower","kind":"rate","retry_after":0}"#,
        )),
    ] {
        let before = service.count("GET", "/environments");
        service.fail_next("/environments", fault.clone());
        assert_eq!(remote.environments().await.unwrap().len(), 5, "{fault:?}");
        assert_eq!(service.count("GET", "/environments"), before + 2, "{fault:?}");
    }
    for (status, part) in [("500 Oh", "without saying why"), ("301 Moved", "leads on to")] {
        let before = service.count("GET", "/environments");
        service.fail_next("/environments", Fault::Bytes(answer(status, "text/plain", "")));
        let error = remote.environments().await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert_eq!(service.count("GET", "/environments"), before + 1, "{status}");
    }
}

#[tokio::test]
async fn a_job_is_started_once_however_often_it_is_asked_for() {
    let (fixture, service) = house().await;
    let remote = service.client();
    service.fail_next("/backups", Fault::ClosedAfter);
    service.fail_next("/backups", Fault::Closed);
    assert_eq!(remote.start_backup(backup()).await, Ok(JobId(32)));
    let calls = fixture.state().calls.clone();
    let started = calls
        .iter()
        .filter(|call| call.starts_with("backup acme"))
        .count();
    assert_eq!(started, 1, "{calls:?}");
    let seen = service.seen();
    let keys: Vec<_> = seen.iter().filter(|seen| seen.key.is_some()).collect();
    assert!(keys.len() == 3 && keys.iter().all(|seen| seen.key == keys[0].key));

    // When it stays unanswered, nobody claims that it was not done.
    for _ in 0..quick().attempts {
        service.fail_next("/backups", Fault::ClosedAfter);
    }
    let why = out_of_reach(remote.start_backup(backup()).await);
    assert!(why.contains("whether a job was started is not known"), "{why}");
    // What carries no key is never sent twice.
    service.fail_next("/cancel", Fault::ClosedAfter);
    let why = out_of_reach(remote.cancel(JobId(32)).await);
    assert!(why.contains("look before you do it again"), "{why}");
    assert_eq!(service.count("POST", "/cancel"), 1);
}

#[tokio::test]
async fn silence_has_a_limit() {
    let (_, service) = house().await;
    let pace = Pace {
        answer: Duration::from_secs(1),
        attempts: 2,
        ..quick()
    };
    let remote = Remote::new(RemoteSettings {
        pace,
        ..service.settings()
    })
    .unwrap();
    remote.info().await.unwrap();
    service.fail_next("/environments", Fault::Silence);
    service.fail_next("/environments", Fault::Silence);
    let why = out_of_reach(remote.environments().await);
    assert!(why.contains("did not answer within"), "{why}");
}

#[tokio::test]
async fn what_is_no_lifeboat_is_told_so() {
    for (bytes, part) in [
        (
            answer("200 OK", "text/html", "<h1>It works!</h1>"),
            "no Lifeboat service",
        ),
        (answer("404 Not Found", "text/html", ""), "no Lifeboat service"),
        (
            answer("200 OK", "application/json", r#"{"name":"else"}"#),
            "does not say what it is",
        ),
        (
            answer(
                "200 OK",
                "application/json",
                r#"{"kind":"embedded","version":"0.0.9","places":[],"demo":false}"#,
            ),
            "update the service",
        ),
    ] {
        let (_, service) = house().await;
        service.fail_next("/info", Fault::Bytes(bytes));
        let why = out_of_reach(service.client().environments().await);
        assert!(why.contains(part), "{why}");
        assert_eq!(service.count("GET", "/environments"), 0, "nothing is asked of it");
    }
    let why = out_of_reach(Remote::new(settings("http://127.0.0.1:1")).unwrap().info().await);
    assert!(
        why.contains("does not answer") && why.contains("check the address"),
        "{why}"
    );
}

#[tokio::test]
async fn addresses_that_would_tell_the_token_are_refused() {
    let wrong = |address: &str| Remote::new(settings(address)).err().unwrap_or_default();
    assert!(wrong("http://backups.example.com").contains("plain_http = true"));
    assert!(wrong("https://kim:secret@backups.example.com").contains("leave them out"));
    assert!(wrong("ftp://backups.example.com").contains("https://"));
    assert!(wrong("backups").contains("not the address"));
    for good in [
        "https://backups.example.com/below",
        "http://[::1]:8700",
        "http://localhost:8700",
    ] {
        assert_eq!(wrong(good), "");
    }
}

#[tokio::test]
async fn a_token_is_read_where_it_is_kept_and_told_nowhere() {
    let (_, service) = house().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prod.token");
    let with = |source: SecretSource| {
        Remote::new(RemoteSettings {
            token: Some(source),
            ..service.settings()
        })
        .unwrap()
    };
    let from_file = || with(SecretSource::PasswordFile(file.clone()));
    let why = out_of_reach(from_file().info().await);
    assert!(
        why.contains("prod.token") && why.contains("lifeboat login prod"),
        "{why}"
    );
    std::fs::write(&file, service::TOKEN).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let why = out_of_reach(from_file().info().await);
    assert!(why.contains("chmod 600"), "{why}");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    from_file().info().await.unwrap();
    let command = ["printf", "%s", service::TOKEN].map(str::to_owned);
    with(SecretSource::PasswordCommand(command.to_vec()))
        .info()
        .await
        .unwrap();

    // One that is not accepted is read again once it has been renewed.
    let remote = from_file();
    std::fs::write(&file, "lb_revoked").unwrap();
    let why = out_of_reach(remote.info().await);
    assert!(
        why.contains("does not accept the token") && !why.contains("lb_revoked"),
        "{why}"
    );
    std::fs::write(&file, service::TOKEN).unwrap();
    remote.info().await.unwrap();
    let none = Remote::new(RemoteSettings {
        token: None,
        ..service.settings()
    });
    let why = out_of_reach(none.unwrap().info().await);
    assert!(why.contains("wants a token"), "{why}");
}
