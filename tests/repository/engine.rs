//! The engine as a whole with its repositories in buckets: backups, restores, copies, and two machines on one bucket.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lifeboat::clock::{Clock, SystemClock};
use lifeboat::domain::caller::Caller;
use lifeboat::domain::check::Verdict;
use lifeboat::domain::environment::{EnvironmentKind, EnvironmentName, Role};
use lifeboat::domain::job::{Job, JobId, JobState};
use lifeboat::domain::plan::Selection;
use lifeboat::domain::proof::{DrillSettings, Every, VerifySettings};
use lifeboat::domain::request::{BackupRequest, RestoreRequest};
use lifeboat::domain::schedule::Schedule;
use lifeboat::domain::settings::{
    ContentSettings, CopySettings, EnvironmentSettings, Hooks, InstanceSettings, RepositoryChoice,
    RepositorySettings, SecretSource, StorageOptions, VersionSource,
};
use lifeboat::domain::slot::{Keep, Slot};
use lifeboat::domain::waiting_line::EngineLimits;
use lifeboat::engine::{Engine, EngineError, EngineSettings, Surroundings, details, start_restore};
use lifeboat::repository::{Key, Repository};
use lifeboat::watch::Unwatched;

use crate::object_storage::{Fault, Line, Store, variables};
use crate::support::{below, fill};

/// An installation with one instance, whose repositories are in two buckets.
pub struct Installation {
    folder: tempfile::TempDir,
    pub first: Store,
    pub second: Store,
    runtime: tokio::runtime::Runtime,
}

impl Installation {
    fn new() -> Self {
        Self::in_buckets(Store::new(), Store::new())
    }

    pub fn in_buckets(first: Store, second: Store) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "open sesame\n").unwrap();
        fill(&folder.path().join("author/content"), 1);
        Self {
            folder,
            first,
            second,
            runtime: tokio::runtime::Runtime::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn content(&self) -> PathBuf {
        self.path("author/content")
    }

    /// A machine with a state folder of its own.
    fn machine(&self, state: &str, options: StorageOptions) -> Engine {
        let second = self.second.options();
        self.machine_at(state, Arc::new(SystemClock), Keep::default(), options, second)
    }

    /// The same with another clock and other settings.
    pub fn machine_at(
        &self,
        state: &str,
        clock: Arc<dyn Clock>,
        keep: Keep,
        options: StorageOptions,
        second: StorageOptions,
    ) -> Engine {
        let environment = EnvironmentSettings {
            project: "acme".into(),
            name: "live".into(),
            kind: EnvironmentKind::Live,
            release_version: Some(VersionSource::Text("v12".into())),
            magnolia_version: Some(VersionSource::Text("6.3.4".into())),
            schedule: Schedule::default(),
            keep,
            rpo: None,
            rto: None,
            approve: false,
            verify: VerifySettings { every: Every::NEVER },
            drill: DrillSettings {
                every: Every::NEVER,
                ..DrillSettings::default()
            },
            instances: vec![InstanceSettings {
                name: "author".parse().unwrap(),
                role: Role::Author,
                content: ContentSettings::Files { path: self.content() },
                health: None,
                hooks: Hooks::default(),
                nodes: Vec::new(),
            }],
        };
        let settings = EngineSettings {
            cache: None,
            state: self.path(state),
            catalog: None,
            repository: Some(RepositorySettings {
                root: self.first.address("boats"),
                key: SecretSource::PasswordFile(self.path("key")),
                options,
                copy: Some(CopySettings {
                    root: self.second.address("copies"),
                    key: None,
                    options: second,
                    slots: vec![Slot::Manual],
                }),
            }),
            limits: EngineLimits::default(),
            receivers: Vec::new(),
            environments: vec![environment],
        };
        let surroundings = Surroundings {
            clock,
            runtime: self.runtime.handle().clone(),
            events: tokio::sync::broadcast::channel(1024).0,
            random: lifeboat::random::system(),
            variables: Arc::new(variables),
        };
        let engine = Engine::open(settings, surroundings).unwrap();
        engine.acting_for(Caller::here(&"maria".into()))
    }
}

pub fn live() -> EnvironmentName {
    "acme/live".parse().unwrap()
}

pub fn ended(engine: &Engine, id: JobId) -> Job {
    engine.jobs().wait_for(id);
    engine.jobs().job(id).unwrap()
}

pub fn backup(engine: &Engine) -> Job {
    let request = BackupRequest {
        environment: live(),
        note: None,
        upgrade_to: None,
    };
    ended(
        engine,
        engine.live(&live()).unwrap().start_backup(&request).unwrap(),
    )
}

fn restore(from: RepositoryChoice) -> RestoreRequest {
    RestoreRequest {
        environment: live(),
        backup: "manual".to_owned(),
        selection: Selection::default(),
        without_safety: false,
        even_if_unchanged: true,
        from,
    }
}

/// Makes a plan and follows it.
pub fn start(engine: &Engine, from: RepositoryChoice) -> Result<JobId, EngineError> {
    let plan = engine
        .live(&live())
        .unwrap()
        .plan_restore(&restore(from), &Unwatched)?;
    start_restore(engine, &plan.id, "acme/live")
}

fn pictures(content: &Path) -> usize {
    below(content).len()
}

#[test]
fn live_comes_back_from_either_bucket() {
    let place = Installation::new();
    let engine = place.machine("state", place.first.options());
    let before = below(&place.content());
    let job = backup(&engine);
    assert_eq!(job.state, JobState::Done, "{job:?}");
    assert_eq!(job.outcome.unwrap().warnings, Vec::<String>::new());
    let details = details(&engine, &live()).unwrap();
    assert!(
        details.repository.ends_with("/boats/acme/live"),
        "{}",
        details.repository
    );
    let copies = details.copies.unwrap();
    assert!(copies.of(&details.backups[0].id).is_some(), "{copies:?}");

    for from in [RepositoryChoice::First, RepositoryChoice::Copy] {
        fs::remove_dir_all(place.content().join("dam")).unwrap();
        let broken = pictures(&place.content());
        let job = ended(&engine, start(&engine, from).unwrap());
        assert_eq!(job.state, JobState::Done, "{job:?}");
        assert_eq!(below(&place.content()), before);
        let undone = ended(
            &engine,
            engine.live(&live()).unwrap().start_undo("acme/live").unwrap(),
        );
        assert_eq!(undone.state, JobState::Done, "{undone:?}");
        assert_eq!(pictures(&place.content()), broken);
        let again = start(&engine, from).unwrap();
        assert_eq!(ended(&engine, again).state, JobState::Done);
    }
    let verified = ended(&engine, engine.live(&live()).unwrap().start_verify(None).unwrap());
    assert_eq!(verified.state, JobState::Done, "{verified:?}");
    // Whoever is done holds no lock.
    assert!(place.first.objects("boats/acme/live/locks/").is_empty());
    assert!(place.second.objects("copies/acme/live/locks/").is_empty());
}

#[test]
fn of_two_machines_one_is_refused_and_told_who_works() {
    let place = Installation::new();
    let (one, other) = (
        place.machine("one", place.first.options()),
        place.machine("other", place.first.options()),
    );
    assert_eq!(backup(&one).state, JobState::Done);
    // As the first machine holds it while it works.
    let storage = place.first.storage("boats/acme/live");
    let repository = Repository::open(&storage, &Key::new("open sesame".to_owned())).unwrap();
    let held = repository.lock(&(Arc::new(SystemClock) as Arc<_>)).unwrap();
    for job in [
        backup(&other),
        ended(&other, other.live(&live()).unwrap().start_prune().unwrap()),
    ] {
        let JobState::Failed { why } = job.state else {
            panic!("{job:?}")
        };
        assert!(
            why.contains("another Lifeboat is at work on it (process"),
            "{why}"
        );
    }
    drop(held);
    assert_eq!(backup(&other).state, JobState::Done);
    assert_eq!(other.live(&live()).unwrap().backups().unwrap().len(), 1);
}

#[test]
fn a_storage_that_goes_away_fails_the_job_with_a_sentence() {
    let place = Installation::new();
    let line = Line::new();
    let engine = place.machine("state", line.options());
    assert_eq!(backup(&engine).state, JobState::Done);
    fs::write(place.content().join("dam/new"), crate::support::noise(3, 400_000)).unwrap();
    line.disturb(|request| {
        if request.starts_with("PUT") && request.contains("/data/") {
            Fault::Silence
        } else {
            Fault::Pass
        }
    });
    let job = backup(&engine);
    let JobState::Failed { why } = &job.state else {
        panic!("{job:?}")
    };
    assert!(
        why.contains("writing to data") && why.contains("try again later"),
        "{why}"
    );
    assert_eq!(engine.live(&live()).unwrap().backups().unwrap().len(), 1);
    line.disturb(|_| Fault::Answer(403, "AccessDenied"));
    engine.refresh();
    let trouble = details(&engine, &live()).unwrap().summary.trouble.unwrap();
    assert!(trouble.contains("access is denied"), "{trouble}");
    let said = start(&engine, RepositoryChoice::First).unwrap_err().to_string();
    assert!(
        said.contains("has 1 good backup: ") && said.contains("--from copy"),
        "{said}"
    );
    line.disturb(|_| Fault::Pass);
    assert_eq!(backup(&engine).state, JobState::Done);
}

#[test]
fn a_bucket_that_takes_nothing_is_verified_drilled_and_restored_from() {
    let place = Installation::new();
    let line = Line::new();
    let engine = place.machine("state", line.options());
    assert_eq!(backup(&engine).state, JobState::Done);
    let before = below(&place.content());
    fs::remove_dir_all(place.content().join("dam")).unwrap();
    for refusal in [
        Fault::Answer(507, "XMinioStorageFull"),
        Fault::Answer(403, "AccessDenied"),
    ] {
        line.disturb(move |request| {
            if request.starts_with("PUT") || request.starts_with("DELETE") {
                refusal.clone()
            } else {
                Fault::Pass
            }
        });
        let verified = engine.live(&live()).unwrap().start_verify(None).unwrap();
        assert_eq!(ended(&engine, verified).state, JobState::Done);
        let drilled = engine.live(&live()).unwrap().start_drill(None).unwrap();
        assert_eq!(ended(&engine, drilled).state, JobState::Done);
        let job = ended(&engine, start(&engine, RepositoryChoice::First).unwrap());
        let JobState::Failed { why } = job.state else {
            panic!("{job:?}")
        };
        assert!(why.contains("--without-safety-backup"), "{why}");
        let request = RestoreRequest {
            without_safety: true,
            ..restore(RepositoryChoice::First)
        };
        let plan = engine
            .live(&live())
            .unwrap()
            .plan_restore(&request, &Unwatched)
            .unwrap();
        let restored = start_restore(&engine, &plan.id, "acme/live").unwrap();
        assert_eq!(ended(&engine, restored).state, JobState::Done);
        assert_eq!(below(&place.content()), before);
    }
    // Whoever only reads is kept out all the same by somebody who works on it.
    line.disturb(|_| Fault::Pass);
    let repository = Repository::open(
        place.first.storage("boats/acme/live"),
        &Key::new("open sesame".to_owned()),
    )
    .unwrap();
    let _held = repository.lock(&(Arc::new(SystemClock) as Arc<_>)).unwrap();
    line.disturb(|request| {
        if request.starts_with("PUT") {
            Fault::Answer(507, "XMinioStorageFull")
        } else {
            Fault::Pass
        }
    });
    let other = place.machine("other", line.options());
    let job = ended(&other, other.live(&live()).unwrap().start_verify(None).unwrap());
    let JobState::Failed { why } = job.state else {
        panic!("{job:?}")
    };
    assert!(why.contains("another Lifeboat is at work on it"), "{why}");
}

#[test]
fn a_full_bucket_gives_what_may_go_and_takes_the_backup() {
    let place = Installation::new();
    let line = Line::new();
    let engine = place.machine("state", line.options());
    assert_eq!(backup(&engine).state, JobState::Done);
    let name = "ab".repeat(32);
    let left = format!("boats/acme/live/data/ab/{name}");
    place.first.put(&left, &crate::support::noise(5, 1000));
    fs::write(place.content().join("dam/new"), crate::support::noise(3, 400_000)).unwrap();
    // It is full until that has gone, which a copy that was killed has left long ago.
    let mut has_gone = false;
    line.disturb(move |request| {
        has_gone |= request.starts_with("DELETE") && request.contains(&name);
        if request.starts_with("PUT") && request.contains("/data/") && !has_gone {
            Fault::Answer(507, "XMinioStorageFull")
        } else if request.contains("list-type") {
            Fault::Dated(name.clone(), "2020-01-01T00:00:00.000Z".to_owned())
        } else {
            Fault::Pass
        }
    });
    let job = backup(&engine);
    assert_eq!(job.state, JobState::Done, "{job:?}");
    assert!(place.first.objects(&left).is_empty());
}

#[test]
fn a_bucket_that_takes_nothing_is_told_by_check_and_nothing_stays_in_one_that_does() {
    let (installation, line) = (Installation::new(), Line::new());
    let engine = installation.machine("state", line.options());
    let said = || {
        let report = lifeboat::engine::check(&engine, Some(&live())).unwrap();
        let mut findings = report.findings.into_iter();
        let found = findings.find(|found| found.about == "repository").unwrap();
        (found.verdict, found.detail)
    };
    // Before there is a repository, and when there is one.
    for _ in 0..2 {
        assert_eq!(said().0, Verdict::Ok);
        assert!(
            installation
                .first
                .objects("")
                .iter()
                .all(|name| !name.contains("lifeboat-check"))
        );
        line.disturb(|request| {
            if request.starts_with("PUT") {
                Fault::Answer(403, "QuotaExceeded")
            } else {
                Fault::Pass
            }
        });
        let (verdict, detail) = said();
        assert_eq!(verdict, Verdict::Failed);
        assert!(
            detail.contains("takes nothing") && detail.contains("it says: No"),
            "{detail}"
        );
        line.disturb(|_| Fault::Pass);
        assert_eq!(backup(&engine).state, JobState::Done);
    }
    line.disturb(|request| {
        if request.starts_with("DELETE") {
            Fault::Answer(403, "AccessDenied")
        } else {
            Fault::Pass
        }
    });
    let (verdict, detail) = said();
    assert!(
        verdict == Verdict::Warning && detail.contains("s3:DeleteObject"),
        "{detail}"
    );
    assert_eq!(backup(&engine).state, JobState::Done);
}
