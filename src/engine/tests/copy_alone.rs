//! The night that the second repository is for: the first one cannot be used, and Live comes back from the copy.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::Duration;

use super::house::{
    House, OfHouse, back_up, backups, done, ended, everything, only, request, start_restore, undo,
};
use super::recovery::{interrupted_after, nothing_is_left, texts};
use crate::clock::{Clock, SetClock};
use crate::domain::Instant;
use crate::domain::backup::{Backup, BackupId, Trigger};
use crate::domain::job::{Job, JobState};
use crate::domain::plan::RestorePlan;
use crate::domain::refusal::Refusal;
use crate::domain::request::RestoreRequest;
use crate::domain::settings::RepositoryChoice;
use crate::domain::slot::Slot;
use crate::engine::restore::journal::{Journal, Stage};
use crate::engine::{Engine, EngineError, details};
use crate::watch::Unwatched;

pub(super) fn from_copy() -> RestoreRequest {
    RestoreRequest {
        from: RepositoryChoice::Copy,
        ..request("manual", everything())
    }
}

fn plan(engine: &Engine) -> RestorePlan {
    engine.of_house().plan_restore(&from_copy(), &Unwatched).unwrap()
}

pub(super) fn restore(engine: &Engine) -> Job {
    done(engine, start_restore(engine, &from_copy()).unwrap())
}

pub(super) fn restore_from_first(engine: &Engine, id: &BackupId) -> Job {
    done(
        engine,
        start_restore(engine, &request(&id.0, everything())).unwrap(),
    )
}

/// A house with a backup in both repositories, and a Live that broke since.
pub(super) fn broken() -> (House, BackupId) {
    let house = House::new().with_copy(&[Slot::Manual]);
    let id = back_up(&house.engine());
    house.pass(Duration::hours(1));
    house.remove("author", "website");
    house.write("public-1", "dam/late.xml", "written later");
    (house, id)
}

pub(super) fn take_away(house: &House) {
    fs::rename(house.path("repository"), house.path("away")).unwrap();
}

pub(super) fn bring_back(house: &House) {
    assert!(
        !house.path("repository").exists(),
        "nothing was made in its place"
    );
    fs::rename(house.path("away"), house.path("repository")).unwrap();
}

/// The safety backups in the second repository, newest first.
pub(super) fn safeties(engine: &Engine) -> Vec<Backup> {
    let copies = details(engine, &House::live()).unwrap().copies.unwrap();
    let backups = copies.backups.into_iter().map(|copy| copy.backup);
    backups
        .filter(|backup| backup.manifest.trigger == Trigger::Restore)
        .collect()
}

#[test]
fn live_comes_back_from_the_copy_while_the_first_is_away_and_undo_works() {
    let (house, id) = broken();
    let bad = house.content();
    // One process that had the first repository open, as the service has.
    let engine = house.engine();
    assert_eq!(backups(&engine).len(), 1);
    take_away(&house);
    engine.refresh();

    let said = engine
        .of_house()
        .plan_restore(&request("manual", everything()), &Unwatched)
        .unwrap_err()
        .to_string();
    assert!(said.contains("--from copy"), "{said}");
    let plan = plan(&engine);
    assert_eq!(plan.obstacles, Vec::<String>::new());
    let told = plan.warnings.join("\n");
    assert!(
        told.contains("is out of reach: the safety backup goes to the second"),
        "{told}"
    );
    let room = plan
        .room
        .iter()
        .find(|room| room.purpose.starts_with("safety"))
        .unwrap();
    assert!(room.folder.ends_with("copies/acme/live"), "{room:?}");

    let job = restore(&engine);
    assert!(house.content() != bad && texts(&house) == ["author 0", "public-1 0"]);
    let outcome = job.outcome.unwrap();
    let safety = outcome.safety.unwrap();
    assert!(
        outcome.summary.contains("in the second repository can undo it"),
        "{}",
        outcome.summary
    );
    assert!(
        outcome.warnings.iter().any(|text| text.contains("out of reach")),
        "{:?}",
        outcome.warnings
    );
    let activity = engine.catalog().activity(5).unwrap();
    assert!(
        activity
            .iter()
            .any(|entry| entry.what.contains("the safety backup goes to the second")),
        "{activity:?}"
    );
    assert_eq!(
        safeties(&engine)
            .iter()
            .map(|backup| &backup.id)
            .collect::<Vec<_>>(),
        [&safety]
    );
    assert!(house.beside("author").is_empty() && house.beside("public-1").is_empty());

    let details = details(&engine, &House::live()).unwrap();
    assert_eq!(details.undo.as_ref(), Some(&safety));
    assert!(details.summary.trouble.is_some());
    let good = house.content();
    house.pass(Duration::minutes(1));
    let job = undo(&engine);
    assert!(job.title.contains("in the second repository"), "{}", job.title);
    assert_eq!(house.content(), bad);
    house.pass(Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.content(), good, "an undo can be undone");

    // The first is back: everything goes on as before, and the way back still stands.
    bring_back(&house);
    let engine = house.engine();
    assert_eq!(backups(&engine).remove(0).id, id);
    house.pass(Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.content(), bad);
    assert_eq!(
        backups(&engine)[0].manifest.trigger,
        Trigger::Restore,
        "the new safety backup is in the first one"
    );
    house.pass(Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.content(), good);
}

#[test]
fn the_safety_backup_stays_in_the_copy_until_it_expires() {
    let (house, _) = broken();
    take_away(&house);
    let engine = house.engine();
    restore(&engine);
    let safety = safeties(&engine).remove(0);
    bring_back(&house);

    // Newer copies come and older ones go: this one stays.
    house.pass(Duration::days(6));
    back_up(&engine);
    assert_eq!(safeties(&engine), std::slice::from_ref(&safety));
    engine.of_house().extend(&safety.id).unwrap();
    let safety = safeties(&engine).remove(0);
    house.pass(Duration::days(2));
    back_up(&engine);
    assert_eq!(safeties(&engine), [safety], "it was extended, there where it is");
    for _ in 0..2 {
        house.pass(Duration::days(1));
        back_up(&engine);
    }
    assert_eq!(safeties(&engine), []);
    let copies = details(&engine, &House::live()).unwrap().copies.unwrap();
    assert_eq!(copies.backups.len(), 1);

    // And by hand.
    take_away(&house);
    let engine = house.engine();
    restore(&engine);
    let safety = safeties(&engine).remove(0);
    engine.of_house().delete(&safety.id).unwrap();
    assert_eq!(safeties(&engine), []);
    let copy = details(&engine, &House::live()).unwrap().copies.unwrap().backups[0].clone();
    let refused = engine.of_house().delete(&copy.backup.id).unwrap_err();
    assert!(refused.to_string().contains("manual slot"), "{refused}");
}

/// Leaves the first repository as one that lists its backups, and where no pack can be written.
fn take_no_pack(house: &House) {
    let packs = house.path("repository/acme/live/data");
    fs::remove_dir_all(&packs).unwrap();
    fs::write(&packs, "no folder").unwrap();
}

#[test]
fn whatever_is_wrong_with_the_first_the_copy_is_restored() {
    type Harm = fn(&House);
    let harms: [(&str, Harm); 4] = [
        ("its config is gone", |house| {
            fs::remove_file(house.path("repository/acme/live/config")).unwrap();
        }),
        ("its records cannot be listed", |house| {
            fs::remove_dir_all(house.path("repository/acme/live/snapshots")).unwrap();
        }),
        ("it has another key", |house| {
            fs::remove_dir_all(house.path("repository")).unwrap();
            let other = House::new();
            fs::write(other.path("key"), "another secret\n").unwrap();
            back_up(&other.engine());
            fs::rename(other.path("repository"), house.path("repository")).unwrap();
        }),
        ("it lists its backups, and takes none", take_no_pack),
    ];
    for (what, harm) in harms {
        let (house, _) = broken();
        let bad = house.content();
        harm(&house);
        let engine = house.engine();
        let job = restore(&engine);
        assert_eq!(texts(&house), ["author 0", "public-1 0"], "{what}");
        let outcome = job.outcome.unwrap();
        let told = outcome.warnings.join("\n");
        assert!(told.contains("the first repository"), "{what}: {told}");
        assert!(
            outcome.summary.contains("in the second repository can undo it"),
            "{what}: {}",
            outcome.summary
        );
        house.pass(Duration::minutes(1));
        undo(&engine);
        assert_eq!(house.content(), bad, "{what}");
    }
}

#[test]
fn a_part_of_the_copy_comes_back_and_so_does_everything_without_a_safety_backup() {
    let (house, _) = broken();
    take_away(&house);
    let engine = house.engine();
    let part = RestoreRequest {
        selection: only(&["author"], &["website"]),
        ..from_copy()
    };
    done(&engine, start_restore(&engine, &part).unwrap());
    assert_eq!(texts(&house)[0], "author 0");
    assert!(house.root("public-1").join("dam/late.xml").exists());
    house.pass(Duration::minutes(1));

    let without = RestoreRequest {
        without_safety: true,
        ..from_copy()
    };
    let plan = engine.of_house().plan_restore(&without, &Unwatched).unwrap();
    assert!(
        plan.warnings.iter().all(|text| !text.contains("safety backup")),
        "{:?}",
        plan.warnings
    );
    let job = done(&engine, start_restore(&engine, &without).unwrap());
    assert!(!house.root("public-1").join("dam/late.xml").exists());
    assert_eq!(job.outcome.unwrap().safety, None);
    assert_eq!(safeties(&engine).len(), 1);
    let said = engine.of_house().start_undo("acme/live").unwrap_err();
    assert!(
        matches!(said, EngineError::Refused(Refusal::NothingToUndo { .. })),
        "an older safety backup would take back more than the last restore: {said}"
    );
}

#[test]
fn a_crash_while_the_first_is_still_away_is_settled_at_the_next_start() {
    for (stage, switched) in [
        (Stage::Staging, 0),
        (Stage::Switching, 0),
        (Stage::Switching, 1),
        (Stage::Switched, 2),
    ] {
        let (house, _) = broken();
        take_away(&house);
        let engine = house.engine();
        restore(&engine);
        let safety = safeties(&engine).remove(0);
        drop(engine);
        // What Live has now is in that safety backup, as far as undo and the cleaning up can tell.
        house.pass(Duration::hours(1));
        undo(&house.engine());
        house.write("author", "website/page-0.xml", "author 0");
        let before = texts(&house);
        interrupted_after(&house, safety.id.clone(), stage, switched);

        let engine = house.engine();
        let told = engine.catalog().notifications(1).unwrap().remove(0);
        assert_eq!(Journal::read(&house.path("state"), &House::live()).unwrap(), None);
        if stage == Stage::Staging {
            assert!(told.text.contains("old content, whole"), "{}", told.text);
            assert_eq!(texts(&house), before);
            nothing_is_left(&house);
            assert!(
                safeties(&engine).iter().all(|other| other.id != safety.id),
                "it saved nothing, and is dropped where it is"
            );
        } else {
            assert!(told.text.contains("restored content, whole"), "{}", told.text);
            assert_eq!(texts(&house), ["restored", "restored"]);
            assert_eq!(
                details(&engine, &House::live()).unwrap().undo,
                Some(safety.id),
                "and can be undone from the second repository"
            );
            house.pass(Duration::minutes(1));
            undo(&engine);
            assert!(!house.root("author").join("website").exists());
            assert!(house.root("public-1").join("dam/late.xml").exists());
        }
        bring_back(&house);
    }
}

#[test]
fn while_another_lifeboat_is_at_work_on_the_copy_nothing_is_restored_from_it() {
    let (house, _) = broken();
    let bad = house.content();
    take_away(&house);
    let engine = house.engine();
    let held = engine.of_house().lock_of(RepositoryChoice::Copy, false).unwrap();
    let job = ended(&engine, start_restore(&engine, &from_copy()).unwrap());
    let JobState::Failed { why } = job.state else {
        panic!("{job:?}")
    };
    assert!(why.contains("another Lifeboat"), "{why}");
    assert_eq!(house.content(), bad);
    drop(held);
    restore(&engine);
}

/// A clock that is looked at while somebody works: as soon as a restore has staged something, a page is changed once.
#[derive(Debug)]
struct Editor {
    clock: Arc<SetClock>,
    staged: PathBuf,
    page: PathBuf,
    has_written: AtomicBool,
}

impl Clock for Editor {
    fn now(&self) -> Instant {
        let has_staged = fs::read_dir(&self.staged).unwrap().count() > 1;
        if has_staged && !self.has_written.swap(true, Ordering::Relaxed) {
            fs::write(&self.page, "written while everything was staged").unwrap();
        }
        self.clock.now()
    }
}

#[test]
fn a_first_repository_that_takes_nothing_is_tried_once_in_a_restore() {
    let (house, _) = broken();
    take_no_pack(&house);
    let editor = Editor {
        clock: Arc::clone(&house.clock),
        staged: house.path("author"),
        page: house.root("author").join("dam/page-1.xml"),
        has_written: AtomicBool::new(false),
    };
    let engine = house.try_engine_under(Arc::new(editor), "state").unwrap();
    let job = restore(&engine);
    let log = engine.catalog().log_after(job.id, 0).unwrap();
    let said = |what: &str| log.iter().filter(|line| line.text.contains(what)).count();
    assert_eq!(said("Live has changed since the safety backup"), 1, "{log:?}");
    // The log has it when it happens, and once more among the warnings at the end.
    assert_eq!(said("takes no safety backup"), 2, "{log:?}");
    assert_eq!(safeties(&engine).len(), 1);
    house.pass(Duration::minutes(1));
    undo(&engine);
    assert_eq!(
        fs::read_to_string(house.root("author").join("dam/page-1.xml")).unwrap(),
        "written while everything was staged"
    );
}
