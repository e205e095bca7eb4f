//! The engine on a catalog that several machines share: what it does on a file, and what happens to a job whose machine is
//! taken for dead.

use std::fs;
use std::sync::mpsc::channel;

use postgres::{Client, NoTls};

use super::house::{self, House, INSTANCES, Shared, back_up, backups, ended};
use crate::catalog::NewJob;
use crate::content::files::beside::FolderRecord;
use crate::content::files::exchange::Identity;
use crate::content::files::exchange::tests::between;
use crate::content::files::layout::Layout;
use crate::content::kinds::Beside;
use crate::domain::backup::{BackupId, Manifest, Trigger};
use crate::domain::histories;
use crate::domain::job::{JobId, JobKind, JobState, Outcome};
use crate::domain::slot::Slot;
use crate::engine::restore::journal::{InstanceRecord, Journal, Stage};
use crate::engine::{Engine, EngineError, Live, look_for_the_dead};
use crate::repository::{FrozenSources, Source};
use crate::watch::Unwatched;

/// Runs each of these tests once more, with the catalog in a database.
macro_rules! on_a_shared_catalog {
    ($($room:ident :: $test:ident),* $(,)?) => {
        mod on_a_shared_catalog {
            $(#[test] fn $test() {
                let _shared = super::super::house::share();
                super::super::$room::$test();
            })*
        }
    };
}

on_a_shared_catalog!(
    schedule::what_is_due_is_taken_once_and_again_the_next_day,
    schedule::two_lifeboats_serve_a_period_once,
    schedule::a_failed_backup_is_tried_again_after_a_while,
    schedule::maintenance_and_running_jobs_are_passed_over,
    schedule::the_details_tell_how_the_schedule_stands,
    rules::only_live_is_backed_up_and_restored,
    rules::a_restore_needs_the_name_typed_and_no_protection,
    rules::without_a_restore_there_is_nothing_to_undo,
    rules::in_maintenance_jobs_wait_with_the_reason_and_one_at_a_time,
    endings::whatever_stops_a_job_is_told_in_the_job_its_log_and_the_activity,
    rules::a_waiting_job_can_be_cancelled_from_another_lifeboat,
    rules::one_upgrade_backup_stands_at_a_time,
    rules::a_backup_in_a_slot_is_not_deleted_by_hand,
    rules::every_action_is_in_the_activity_log_with_who_did_it,
    restores::a_restore_brings_everything_back_and_undo_takes_it_back,
    restores::a_restore_of_one_workspace_leaves_later_work_elsewhere_alone,
    restores::a_live_that_is_gone_comes_back,
    drills::proofs_begin_by_themselves_once_a_period_and_outside_the_window,
    readings::by_schedule_each_pack_is_read_once_a_period_and_nothing_begins_in_between,
    readings::bits_that_rot_are_found_when_their_turn_comes_and_damage_every_backup_that_needs_them,
    drills::what_a_drill_has_left_in_a_folder_waits_for_its_machine,
    drills::a_drill_that_cannot_be_done_is_tried_again_only_later,
);

impl Shared {
    /// Declares every machine gone that has the catalog open, as the others do when they have not heard of it for too
    /// long.
    fn declare_all_gone(&self) {
        let sql = "UPDATE lifeboat.nodes SET gone = TRUE, lease = clock_timestamp()";
        Client::connect(&self.connect(), NoTls)
            .and_then(|mut client| client.batch_execute(sql))
            .unwrap();
    }
}

/// A copy of Live that is read back and ready to be recorded, and then a while in which `meanwhile` happens.
fn backup_with_a_pause(engine: &Engine, meanwhile: impl FnOnce(JobId)) -> JobId {
    let (paused, pause) = channel::<()>();
    let (resume, resumed) = channel::<()>();
    let body = move |live: &Live, _: &crate::engine::Work| {
        let repository = live.repository(true)?.unwrap();
        let sources: Vec<_> = live
            .settings()
            .instances
            .iter()
            .map(|instance| Source {
                name: instance.name.clone(),
                role: instance.role,
                content: live.place(instance).content(),
            })
            .collect();
        let copy = repository.copy(
            FrozenSources::take(&sources, live.engine().clock())?,
            None,
            &Unwatched,
        )?;
        let verify_millis = repository.read_back(&copy, &Unwatched)?;
        paused.send(()).unwrap();
        resumed.recv().unwrap();
        let manifest = Manifest {
            copy_millis: copy.copy_millis,
            verify_millis,
            added_bytes: copy.added_bytes,
            instances: copy.instances.clone(),
            ..histories::backup(1, live.now(), Trigger::Person, &[Slot::Manual], Vec::new()).manifest
        };
        repository.record(copy, &manifest)?;
        Ok(Outcome::default())
    };
    let live = engine.live(&House::live()).unwrap();
    let id = live.start(JobKind::Backup, "manual backup", body).unwrap();
    pause.recv().unwrap();
    meanwhile(id);
    resume.send(()).unwrap();
    engine.jobs().wait_for(id);
    id
}

#[test]
fn a_job_that_was_taken_over_makes_no_backup() {
    let shared = house::share();
    let house = House::new();
    let paused = house.engine();
    backup_with_a_pause(&paused, |_| ());
    assert_eq!(backups(&paused).len(), 1, "the pause alone does no harm");

    let id = backup_with_a_pause(&paused, |id| {
        shared.declare_all_gone();
        let other = house.engine_with_state("other-state");
        let taken_over = other.jobs().job(id).unwrap();
        assert!(
            matches!(taken_over.state, JobState::Failed { .. }),
            "{taken_over:?}"
        );
    });
    assert_eq!(backups(&house.engine_with_state("a-third")).len(), 1);
    assert!(matches!(
        paused.jobs().job(id).unwrap().state,
        JobState::Failed { .. }
    ));
}

#[test]
fn a_backup_that_was_written_in_between_is_taken_back() {
    // The moment between the look before the record and the record itself, made as long as the test likes: when the
    // machine goes on, what it was about to write is void.
    #[derive(Debug)]
    struct Overtaken;
    impl crate::repository::WriteLease for Overtaken {
        fn is_lost(&self) -> bool {
            false
        }
        fn is_void(&self, _id: &str) -> bool {
            true
        }
    }
    let _shared = house::share();
    let house = House::new();
    let engine = house.engine();
    let id = backup_with_a_pause(&engine, |_| {
        let repository = engine
            .live(&House::live())
            .unwrap()
            .repository(false)
            .unwrap()
            .unwrap();
        repository.under(std::sync::Arc::new(Overtaken));
    });
    assert!(matches!(ended(&engine, id).state, JobState::Failed { .. }));
    assert!(backups(&house.engine_with_state("other-state")).is_empty());
}

#[test]
fn whoever_takes_over_tells_a_backup_that_came_from_one_that_did_not() {
    let shared = house::share();
    let house = House::new();
    let kept = back_up(&house.engine());
    for (recorded, is_there) in [(kept.0.clone(), true), ("cd".repeat(32), false)] {
        let paused = house.engine();
        let id = backup_with_a_pause(&paused, |id| {
            paused
                .catalog()
                .set_note("recording", &id.to_string(), &recorded, paused.now())
                .unwrap();
            shared.declare_all_gone();
            drop(house.engine_with_state("other-state"));
        });
        assert!(matches!(
            paused.jobs().job(id).unwrap().state,
            JobState::Failed { .. }
        ));
        let void = paused.catalog().void_records(&House::live()).unwrap();
        assert_eq!(void.contains(&recorded), !is_there);
    }
    // A void one that came all the same is not listed, and goes with the next backup.
    let other = house.engine_with_state("other-state");
    other
        .catalog()
        .set_note("void acme/live", &kept.0, "", other.now())
        .unwrap();
    assert!(other.live(&House::live()).unwrap().backups().unwrap().is_empty());
    let next = back_up(&other);
    let repository = other
        .live(&House::live())
        .unwrap()
        .repository(false)
        .unwrap()
        .unwrap();
    let stored: Vec<_> = repository
        .list()
        .unwrap()
        .into_iter()
        .map(|stored| stored.id)
        .collect();
    assert_eq!(stored, [next]);
}

#[test]
fn a_job_that_was_taken_over_says_nothing_about_its_end() {
    let shared = house::share();
    let house = House::new();
    let paused = house.engine();
    let id = backup_with_a_pause(&paused, |_| {
        shared.declare_all_gone();
        drop(house.engine_with_state("other-state"));
    });
    let other = house.engine_with_state("other-state");
    let entries = other.catalog().activity(50).unwrap();
    let of_the_job: Vec<_> = entries.iter().filter(|entry| entry.job == Some(id)).collect();
    assert_eq!(of_the_job.len(), 1, "{of_the_job:?}");
    assert!(of_the_job[0].what.contains("was interrupted"), "{of_the_job:?}");
    assert_eq!(other.catalog().verify_activity().unwrap().broken, None);
    // The one that was taken for dead goes on under another number.
    house.pass(chrono::Duration::minutes(1));
    drop(other);
    back_up(&house.engine());
}

/// The journal of a restore that another machine was in the middle of: one of two instances is switched.
fn journal_of_the_dead(house: &House, engine: &Engine) -> Journal {
    let safety = back_up(engine);
    house.pass(chrono::Duration::hours(1));
    let mut journal = Journal {
        environment: House::live(),
        job: JobId(100),
        backup: BackupId("ab".repeat(32)),
        safety: Some(safety),
        safety_taken: None,
        brought: None,
        stage: Stage::Switching,
        instances: Vec::new(),
        indexes_removed: false,
        settled: Vec::new(),
    };
    for (index, instance) in INSTANCES.iter().enumerate() {
        let staging = house.path(instance).join(".content.lifeboat-100");
        let staged = staging.join("content");
        fs::create_dir_all(staged.join("website")).unwrap();
        fs::write(staged.join("website/page-0.xml"), "restored").unwrap();
        let step = between(house.root(instance), staged).unwrap();
        if index == 0 {
            step.forward().unwrap();
        }
        journal.instances.push(InstanceRecord {
            instance: instance.parse().unwrap(),
            beside: Beside::Folder(FolderRecord {
                layout: Layout::default(),
                made: Identity::of(&staging).unwrap(),
                staging,
                steps: vec![step],
            }),
        });
    }
    journal
        .write(engine.live(&House::live()).unwrap().papers())
        .unwrap();
    journal
}

fn texts(house: &House) -> [String; 2] {
    INSTANCES.map(|instance| fs::read_to_string(house.root(instance).join("website/page-0.xml")).unwrap())
}

#[test]
fn a_journal_is_changed_by_whoever_has_the_job_and_by_nobody_else() {
    let _shared = house::share();
    let house = House::new();
    let engine = house.engine();
    let live = House::live();
    let journal = journal_of_the_dead(&house, &engine);
    let new = NewJob {
        environment: &live,
        kind: JobKind::Restore,
        title: "restore",
        by: &"kim".into(),
        due: None,
    };
    let (job, claim) = engine
        .catalog()
        .create_job(new, engine.now(), &JobState::Running)
        .unwrap();
    let behind = engine.live(&live).unwrap().behind_fence(claim);
    journal.write(engine.live(&live).unwrap().papers()).unwrap();
    // Somebody takes the job over while this one stands still.
    let heir = engine.catalog().adopt_own(job.id).unwrap().unwrap();
    let mut switched = journal.clone();
    switched.stage = Stage::Switched;
    switched.write(engine.live(&live).unwrap().papers()).unwrap_err();
    journal.remove(engine.live(&live).unwrap().papers()).unwrap_err();
    let stage = |engine: &Engine| {
        Journal::read(engine.live(&House::live()).unwrap().papers(), &live)
            .unwrap()
            .map(|journal| journal.stage)
    };
    assert_eq!(stage(&engine), Some(Stage::Switching));
    drop(behind);
    let behind = engine.live(&live).unwrap().behind_fence(heir);
    journal.remove(engine.live(&live).unwrap().papers()).unwrap();
    assert_eq!(stage(&engine), None);
    drop(behind);
}

#[test]
fn a_switch_of_a_dead_machine_is_finished_by_another() {
    let _shared = house::share();
    let house = House::new();
    let (dead, other) = (house.engine(), house.engine_with_state("other-state"));
    journal_of_the_dead(&house, &dead);
    drop(dead);
    assert!(
        !house.path("state/journal").exists(),
        "nothing of it is on this machine's disk"
    );
    look_for_the_dead(&other);
    assert_eq!(texts(&house), ["restored", "restored"]);
    assert_eq!(
        Journal::read(other.live(&House::live()).unwrap().papers(), &House::live()).unwrap(),
        None
    );
    let told = other.catalog().notifications(1).unwrap().remove(0);
    assert!(told.text.contains("restored content, whole"), "{}", told.text);
}

#[test]
fn content_that_only_another_machine_has_is_left_alone() {
    let _shared = house::share();
    let house = House::new();
    let (dead, other) = (house.engine(), house.engine_with_state("other-state"));
    let journal = journal_of_the_dead(&house, &dead);
    drop(dead);
    // Another machine sees other folders at these paths.
    for instance in INSTANCES {
        fs::rename(house.path(instance), house.path(&format!("{instance}-elsewhere"))).unwrap();
        fs::create_dir_all(house.root(instance)).unwrap();
    }
    look_for_the_dead(&other);
    assert_eq!(
        Journal::read(other.live(&House::live()).unwrap().papers(), &House::live()).unwrap(),
        Some(journal)
    );
    let told = other.catalog().notifications(1).unwrap().remove(0);
    assert!(
        told.text.contains("start Lifeboat on the machine that has it"),
        "{}",
        told.text
    );
    assert!(matches!(
        other.live(&House::live()).unwrap().start_backup(&house::manual()),
        Err(EngineError::Failed(_))
    ));
    for instance in INSTANCES {
        fs::remove_dir_all(house.path(instance)).unwrap();
        fs::rename(house.path(&format!("{instance}-elsewhere")), house.path(instance)).unwrap();
    }
    look_for_the_dead(&other);
    assert_eq!(texts(&house), ["restored", "restored"]);
}
