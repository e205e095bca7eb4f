//! A Lifeboat that dies at each step of a restore, and the next start.
//!
//! The real `kill -9` at random instants is in `tests/crashes.rs`. Here every stage of the journal is met for certain.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::house::{House, INSTANCES, OfHouse, back_up, everything, manual, restore};
use crate::catalog::NewJob;
use crate::content::files::beside::FolderRecord;
use crate::content::files::exchange::Identity;
use crate::content::files::exchange::tests::between;
use crate::content::files::layout::Layout;
use crate::content::kinds::Beside;
use crate::domain::activity::Severity;
use crate::domain::backup::BackupId;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{JobId, JobKind, JobState};
use crate::engine::details;
use crate::engine::restore::journal::{InstanceRecord, Journal, Stage};

/// A restore of both instances in the middle: new content is staged, and `switched` instances have it already.
pub(super) fn interrupted(house: &House, stage: Stage, switched: usize) -> Journal {
    let safety = back_up(&house.engine());
    house.pass(chrono::Duration::hours(1));
    interrupted_after(house, safety, stage, switched)
}

/// The same, when this safety backup had been taken.
pub(super) fn interrupted_after(house: &House, safety: BackupId, stage: Stage, switched: usize) -> Journal {
    let mut journal = Journal {
        environment: House::live(),
        job: JobId(100),
        backup: BackupId("ab".repeat(32)),
        safety: Some(safety),
        safety_taken: None,
        brought: None,
        stage,
        instances: Vec::new(),
        indexes_removed: false,
        settled: Vec::new(),
    };
    for (index, instance) in INSTANCES.iter().enumerate() {
        let staging = house.path(instance).join(".content.lifeboat-100");
        let staged = staging.join("content");
        fs::create_dir_all(staged.join("website")).unwrap();
        fs::set_permissions(&staging, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(staged.join("website/page-0.xml"), "restored").unwrap();
        let step = between(house.root(instance), staged).unwrap();
        if index < switched {
            step.forward().unwrap();
        }
        let steps = if stage == Stage::Staging {
            Vec::new()
        } else {
            vec![step]
        };
        journal.instances.push(InstanceRecord {
            instance: instance.parse().unwrap(),
            beside: Beside::Folder(FolderRecord {
                layout: Layout::default(),
                made: Identity::of(&staging).unwrap(),
                staging,
                steps,
            }),
        });
    }
    journal.write(&house.path("state")).unwrap();
    journal
}

pub(super) fn texts(house: &House) -> Vec<String> {
    let page = |instance: &&str| fs::read_to_string(house.root(instance).join("website/page-0.xml")).unwrap();
    INSTANCES.iter().map(page).collect()
}

pub(super) fn nothing_is_left(house: &House) {
    assert_eq!(
        INSTANCES.map(|instance| house.beside(instance)),
        [Vec::<PathBuf>::new(), Vec::new()]
    );
    assert_eq!(Journal::read(&house.path("state"), &House::live()).unwrap(), None);
}

#[test]
fn before_the_switch_live_keeps_its_old_content() {
    let house = House::new();
    interrupted(&house, Stage::Staging, 0);
    let engine = house.engine();
    assert_eq!(texts(&house), ["author 0", "public-1 0"]);
    nothing_is_left(&house);
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    assert!(told.text.contains("old content, whole"), "{}", told.text);
}

#[test]
fn from_the_switch_on_live_gets_its_new_content() {
    for switched in 0..=2 {
        let house = House::new();
        interrupted(&house, Stage::Switching, switched);
        let engine = house.engine();
        assert_eq!(
            texts(&house),
            ["restored", "restored"],
            "{switched} were switched"
        );
        nothing_is_left(&house);
        let told = engine.catalog().notifications(1).unwrap().remove(0);
        assert!(told.text.contains("restored content, whole"), "{}", told.text);
    }
}

#[test]
fn after_the_switch_only_cleaning_up_is_left() {
    for stage in [Stage::Switched, Stage::Clearing] {
        let house = House::new();
        interrupted(&house, stage, 2);
        if stage == Stage::Clearing {
            // Part of it had been removed already.
            fs::remove_dir_all(house.path(INSTANCES[0]).join(".content.lifeboat-100")).unwrap();
        }
        house.engine();
        assert_eq!(texts(&house), ["restored", "restored"]);
        nothing_is_left(&house);
    }
}

#[test]
fn what_somebody_else_put_in_the_place_of_live_is_not_touched() {
    let house = House::new();
    interrupted(&house, Stage::Switching, 1);
    fs::rename(house.root("public-1"), house.path("away")).unwrap();
    house.write("public-1", "website/page-0.xml", "a stranger");
    let engine = house.engine();
    let trouble = details(&engine, &House::live()).unwrap().summary.trouble.unwrap();
    assert!(trouble.contains("half switched"), "{trouble}");
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    assert_eq!(told.severity, Severity::Critical);
    let error = engine.of_house().start_backup(&manual()).unwrap_err();
    assert!(
        error.to_string().contains("half switched"),
        "no job works on mixed content: {error}"
    );
    assert_eq!(texts(&house), ["restored", "a stranger"]);

    // Once the cause is mended, the next action finishes it first.
    fs::remove_dir_all(house.root("public-1")).unwrap();
    fs::rename(house.path("away"), house.root("public-1")).unwrap();
    back_up(&engine);
    assert_eq!(texts(&house), ["restored", "restored"]);
    nothing_is_left(&house);
}

#[test]
fn an_unreadable_journal_is_said_and_stops_every_job() {
    let house = House::new();
    fs::create_dir_all(house.path("state/journal")).unwrap();
    fs::write(house.path("state/journal/acme+live.json"), "{").unwrap();
    let engine = house.engine();
    let trouble = details(&engine, &House::live()).unwrap().summary.trouble.unwrap();
    assert!(trouble.contains("journal"), "{trouble}");
    assert!(engine.of_house().start_backup(&manual()).is_err());
}

#[test]
fn a_settled_environment_works_as_before() {
    let house = House::new();
    interrupted(&house, Stage::Switching, 1);
    let engine = house.engine();
    back_up(&engine);
    house.remove("author", "website");
    restore(&engine, "manual", everything());
    assert_eq!(texts(&house), ["restored", "restored"]);
}

#[test]
fn a_drill_that_died_is_settled_after_a_live_that_is_half_switched() {
    let house = House::new();
    let engine = house.engine();
    let safety = back_up(&engine);
    let died = |environment: EnvironmentName, kind: JobKind| {
        let new = NewJob {
            environment: &environment,
            kind,
            title: kind.label(),
            by: &"maria".into(),
            due: None,
        };
        let began = engine.catalog().create_job(new, engine.now(), &JobState::Running);
        began.unwrap().0.id
    };
    // The drill is the older one, of another environment.
    let drill = died(House::uat(), JobKind::Drill);
    let restore = died(House::live(), JobKind::Restore);
    drop(engine);
    interrupted_after(&house, safety, Stage::Switching, 1);
    let engine = house.engine();
    assert_eq!(texts(&house), ["restored", "restored"]);
    let told = engine.catalog().notifications(2).unwrap();
    let jobs: Vec<_> = told.iter().map(|told| told.job).collect();
    assert_eq!(jobs, [Some(drill), Some(restore)], "the newest first: {told:?}");
}
