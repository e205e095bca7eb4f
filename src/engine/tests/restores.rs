//! What restores and undos do to Live, to its neighbours, and to late changes.

use std::fs;

use super::house::{
    House, OfHouse, back_up, backups, done, everything, only, request, restore, start_restore, undo,
};
use crate::domain::activity::Severity;
use crate::domain::job::{Job, JobId, Phase};
use crate::domain::request::RestoreRequest;
use crate::engine::{Engine, details};
use crate::watch::Unwatched;

fn log(engine: &Engine, job: JobId) -> String {
    let lines = engine.catalog().log_after(job, 0).unwrap();
    lines.into_iter().map(|line| line.text + "\n").collect()
}

fn damage(house: &House) {
    house.remove("author", "website");
    house.write("author", "dam/page-1.xml", "garbled");
    house.write("public-1", "website/late.xml", "written later");
    house.write("public-1", "tours/new.xml", "a workspace that came later");
}

#[test]
pub(super) fn a_restore_brings_everything_back_and_undo_takes_it_back() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let good = house.content();
    damage(&house);
    let broken = house.content();

    let plan = engine
        .of_house()
        .plan_restore(&request("manual", everything()), &Unwatched)
        .unwrap();
    assert_eq!(plan.obstacles, Vec::<String>::new());
    let (added, changed, removed) = plan.totals();
    // The website's folder and its four pages come back, one page changes, a page and a whole workspace of one page go.
    assert_eq!((added, changed, removed), (5, 1, 3), "{:#?}", plan.changes);

    let job = restore(&engine, "manual", everything());
    assert_eq!(house.content(), good);
    let outcome = job.outcome.unwrap();
    assert_eq!(outcome.warnings, Vec::<String>::new());
    assert!(outcome.safety.is_some());

    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.content(), broken);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.content(), good, "an undo can be undone");
    assert!(house.beside("author").is_empty() && house.beside("public-1").is_empty());
}

#[test]
fn the_log_of_a_restore_says_each_phase_once() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    damage(&house);
    let job = restore(&engine, "manual", everything());
    let log = log(&engine, job.id);
    for phase in [
        Phase::Preparing,
        Phase::SafetyBackup,
        Phase::Staging,
        Phase::Switching,
    ] {
        let times = log.lines().filter(|line| *line == phase.label()).count();
        assert_eq!(times, 1, "{}:\n{log}", phase.label());
    }
}

#[test]
pub(super) fn a_restore_of_one_workspace_leaves_later_work_elsewhere_alone() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let good = house.content();
    damage(&house);
    let broken = house.content();

    restore(&engine, "manual", only(&["author"], &["website"]));
    let mut expected = broken.clone();
    expected.extend(
        good.into_iter()
            .filter(|(path, _)| path.starts_with("author/content/website")),
    );
    assert_eq!(house.content(), expected);

    // Work in another workspace after the restore outlives the undo.
    house.write("author", "dam/after.xml", "after the restore");
    undo(&engine);
    let mut expected = broken;
    expected.insert("author/content/dam/after.xml".into(), "after the restore".into());
    assert_eq!(house.content(), expected);
}

#[test]
fn what_stands_beside_the_workspaces_is_left_alone() {
    let house = House::new();
    house.write("author", ".mounted", "not content");
    let engine = house.engine();
    back_up(&engine);
    damage(&house);
    house.write("author", ".mounted", "changed later");
    restore(&engine, "manual", everything());
    let content = house.content();
    assert_eq!(
        content["author/content/.mounted".as_ref() as &std::path::Path],
        "changed later"
    );
    assert!(content.contains_key("author/content/website/page-0.xml".as_ref() as &std::path::Path));
    assert!(!content.contains_key("public-1/content/tours".as_ref() as &std::path::Path));
}

#[test]
pub(super) fn a_live_that_is_gone_comes_back() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let good = house.content();
    for instance in super::house::INSTANCES {
        fs::remove_dir_all(house.root(instance)).unwrap();
    }
    let live = engine.of_house();
    let plan = live
        .plan_restore(&request("manual", everything()), &Unwatched)
        .unwrap();
    let told = plan.warnings.join("\n");
    assert!(
        told.contains("the content of author is gone: all of it comes back"),
        "{told}"
    );
    let job = restore(&engine, "manual", everything());
    assert_eq!(house.content(), good);
    let outcome = job.outcome.unwrap();
    assert_eq!(outcome.safety, None, "there was nothing to keep");
    let told = outcome.warnings.join("\n");
    assert!(!told.contains("is gone"), "that was before: {told}");
    assert!(
        log(&engine, job.id).contains("the content of author is gone"),
        "the log keeps it"
    );
}

#[test]
fn a_backup_of_a_live_that_is_gone_fails_and_replaces_nothing() {
    let house = House::new();
    let engine = house.engine();
    let good = back_up(&engine);
    fs::rename(house.root("public-1"), house.path("away")).unwrap();
    let job = engine.of_house().start_backup(&super::house::manual()).unwrap();
    let job = super::house::ended(&engine, job);
    assert_eq!(job.state.label(), "failed");
    assert_eq!(
        backups(&engine)
            .iter()
            .map(|backup| &backup.id)
            .collect::<Vec<_>>(),
        [&good]
    );
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    assert_eq!(told.severity, Severity::Critical);
    assert!(told.text.contains("public-1"), "{}", told.text);
}

#[test]
fn what_changed_after_the_safety_backup_is_kept_aside() {
    let mut house = House::new();
    // A hook runs between the switch and the cleaning up: what it writes into the displaced folder is what a Magnolia
    // with an open file would have written there.
    let script = format!(
        "echo late > {}/$LIFEBOAT_INSTANCE/.content.lifeboat-$LIFEBOAT_JOB/content/website/late.xml",
        house.folder.path().display()
    );
    house.hooks.after_restore = vec!["sh".into(), "-c".into(), script];
    let engine = house.engine();
    back_up(&engine);
    let good = house.content();
    damage(&house);
    let job = restore(&engine, "manual", everything());
    assert_eq!(house.content(), good);
    let kept = house.beside("public-1");
    assert_eq!(
        fs::read_to_string(kept[0].join("content/website/late.xml")).unwrap(),
        "late\n"
    );
    let warnings = job.outcome.unwrap().warnings;
    assert!(
        warnings.iter().any(|warning| warning.contains("kept in")),
        "{warnings:?}"
    );
}

#[test]
fn a_second_manual_backup_replaces_the_first() {
    let house = House::new();
    let engine = house.engine();
    let first = back_up(&engine);
    house.pass(chrono::Duration::hours(1));
    let second = back_up(&engine);
    assert_eq!(
        backups(&engine)
            .iter()
            .map(|backup| &backup.id)
            .collect::<Vec<_>>(),
        [&second]
    );
    assert_ne!(first, second);
}

#[test]
fn a_new_machine_with_repository_and_key_shows_the_same_backups() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    engine.of_house().start_if_due();
    for id in engine.jobs().at_work() {
        super::house::done(&engine, id);
    }
    let elsewhere = house.engine_with_state("another-state");
    assert_eq!(backups(&elsewhere), backups(&engine));
    assert_eq!(backups(&elsewhere).len(), 2);
}

#[test]
fn a_plan_says_what_stands_in_the_way() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let plan = engine
        .of_house()
        .plan_restore(&request("manual", only(&[], &["no-such-workspace"])), &Unwatched)
        .unwrap();
    assert_eq!(plan.obstacles.len(), 1, "{:?}", plan.obstacles);
    let refused = crate::engine::start_restore(&engine, &plan.id, "acme/live").unwrap_err();
    assert!(refused.to_string().contains("config, dam, website"), "{refused}");
    assert_eq!(backups(&engine).len(), 1, "not even a safety backup was taken");
}

#[test]
fn a_record_that_cannot_be_read_is_said_and_hides_no_other() {
    let house = House::new();
    let engine = house.engine();
    let good = back_up(&engine);
    house.pass(chrono::Duration::hours(1));
    engine.of_house().start_if_due();
    for id in engine.jobs().at_work() {
        super::house::done(&engine, id);
    }
    let damaged = backups(&engine).remove(0).id;
    let record = house.path("repository/acme/live/snapshots").join(&damaged.0);
    fs::set_permissions(&record, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    fs::write(&record, "not what was written").unwrap();

    engine.refresh();
    assert_eq!(
        backups(&engine)
            .iter()
            .map(|backup| &backup.id)
            .collect::<Vec<_>>(),
        [&good]
    );
    let trouble = details(&engine, &House::live()).unwrap().summary.trouble.unwrap();
    assert!(trouble.contains(damaged.short()), "{trouble}");
}

#[test]
fn a_backup_that_is_found_damaged_holds_no_slot_and_is_not_restored() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let job = engine.of_house().start_verify(None).unwrap();
    super::house::done(&engine, job);
    for pack in packs(&house.path("repository/acme/live/data")) {
        let mut bytes = fs::read(&pack).unwrap();
        bytes[20] ^= 1;
        fs::set_permissions(&pack, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        fs::write(&pack, bytes).unwrap();
    }
    let job = engine.of_house().start_verify(None).unwrap();
    let job = super::house::ended(&engine, job);
    assert_eq!(job.state.label(), "failed");
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    assert_eq!(told.severity, Severity::Critical);
    let slots = details(&engine, &House::live()).unwrap().summary.slots;
    assert!(slots.iter().all(|slot| slot.taken.is_none()), "{slots:?}");
    let id = backups(&engine).remove(0).id;
    let refused = start_restore(&engine, &request(&id.0, everything()));
    assert!(refused.unwrap_err().to_string().contains("found damage"));
}

fn packs(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { packs(&path) } else { vec![path] })
        .collect()
}

#[test]
fn a_backup_of_an_emptied_live_does_not_push_out_the_one_before() {
    let house = House::new();
    let engine = house.engine();
    let good = back_up(&engine);
    for workspace in ["config", "website", "dam"] {
        house.remove("author", workspace);
    }
    house.pass(chrono::Duration::hours(1));
    let job = engine.of_house().start_backup(&super::house::manual()).unwrap();
    let outcome = super::house::done(&engine, job).outcome.unwrap();
    assert!(
        outcome.warnings[0].contains("look whether it is whole"),
        "{:?}",
        outcome.warnings
    );
    assert!(
        backups(&engine).iter().any(|backup| backup.id == good),
        "it is kept"
    );

    // Once somebody has looked, it can be deleted by hand.
    engine.of_house().delete(&good).unwrap();
    for id in engine.jobs().at_work() {
        super::house::done(&engine, id);
    }
    assert_eq!(backups(&engine).len(), 1);
}

#[test]
fn a_clock_that_ran_ahead_costs_no_backup_and_stops_no_schedule() {
    let house = House::new();
    let engine = house.engine();
    house.pass(chrono::Duration::days(365));
    engine.of_house().start_if_due();
    for id in engine.jobs().at_work() {
        super::house::done(&engine, id);
    }
    let future = backups(&engine).remove(0).id;
    house.pass(chrono::Duration::days(-365));
    let manual = back_up(&engine);
    engine.of_house().start_if_due();
    for id in engine.jobs().at_work() {
        super::house::done(&engine, id);
    }
    let ids: Vec<_> = backups(&engine).into_iter().map(|backup| backup.id).collect();
    assert!(
        ids.contains(&future) && ids.contains(&manual) && ids.len() == 3,
        "{ids:?}"
    );
}

#[test]
fn a_repository_that_is_gone_is_said_and_no_other_takes_its_place() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    fs::rename(house.path("repository"), house.path("unmounted")).unwrap();
    let later = house.engine();
    let trouble = details(&later, &House::live()).unwrap().summary.trouble.unwrap();
    assert!(trouble.contains("is its disk mounted?"), "{trouble}");
    let job = later.of_house().start_backup(&super::house::manual()).unwrap();
    assert_eq!(super::house::ended(&later, job).state.label(), "failed");
    assert!(!house.path("repository/acme/live").exists());
}

#[test]
fn undo_goes_back_to_the_last_restore_that_changed_something() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    damage(&house);
    let broken = house.content();
    restore(&engine, "manual", everything());
    // A restore that fails while it stages leaves no safety backup of its own.
    house.pass(chrono::Duration::hours(1));
    for pack in packs(&house.path("repository/acme/live/data")) {
        fs::rename(&pack, pack.with_extension("away")).unwrap();
    }
    let job = start_restore(&engine, &request("manual", everything())).unwrap();
    assert_eq!(super::house::ended(&engine, job).state.label(), "failed");
    for pack in packs(&house.path("repository/acme/live/data")) {
        fs::rename(&pack, pack.with_extension("")).unwrap();
    }
    house.pass(chrono::Duration::hours(1));
    undo(&engine);
    assert_eq!(house.content(), broken);
}

#[test]
fn a_workspace_that_is_a_link_fails_the_backup() {
    let house = House::new();
    fs::rename(house.root("author").join("dam"), house.path("dam-elsewhere")).unwrap();
    std::os::unix::fs::symlink(house.path("dam-elsewhere"), house.root("author").join("dam")).unwrap();
    let engine = house.engine();
    let job = engine.of_house().start_backup(&super::house::manual()).unwrap();
    let job = super::house::ended(&engine, job);
    assert!(
        format!("{:?}", job.state).contains("symbolic link"),
        "{:?}",
        job.state
    );
}

#[test]
fn two_state_folders_do_not_work_on_one_live_at_the_same_time() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let held = engine.of_house().lock().unwrap();
    let other = house.engine_with_state("another-state");
    let job = other.of_house().start_backup(&super::house::manual()).unwrap();
    let job = super::house::ended(&other, job);
    assert!(
        format!("{:?}", job.state).contains("another Lifeboat"),
        "{:?}",
        job.state
    );
    drop(held);
    super::house::back_up(&other);
}

#[test]
fn undo_never_goes_back_further_than_the_last_restore() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    damage(&house);
    let first = restore(&engine, "manual", everything());
    let around = [Phase::HooksBefore, Phase::Hooks, Phase::Health];
    assert_eq!(first.left_out, around, "nothing is configured for these");
    let took = |job: &Job| job.took_in_words(house.clock_now()).unwrap();
    assert!(
        took(&first).ends_with(" in all, clearing up included"),
        "{}",
        took(&first)
    );
    let backup = engine.jobs().job(JobId(1)).unwrap();
    assert!(
        took(&backup).ends_with(" in all, retention included"),
        "{}",
        took(&backup)
    );
    house.pass(chrono::Duration::minutes(1));
    house.write(
        "author",
        "dam/page-1.xml",
        "work that came after the first restore",
    );

    // Its safety backup was left out: the one of the restore before holds what nobody wants back.
    let unsafe_request = RestoreRequest {
        without_safety: true,
        ..request("manual", everything())
    };
    let second = done(&engine, start_restore(&engine, &unsafe_request).unwrap());
    let left_out = [&[Phase::SafetyBackup], &around[..]].concat();
    assert_eq!(second.left_out, left_out);
    assert_eq!(engine.jobs().job(second.id).unwrap().left_out, left_out);
    let content = house.content();
    let details = details(&engine, &House::live()).unwrap();
    assert_eq!(details.undo_way, None);
    let refused = engine.of_house().start_undo("acme/live");
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("nothing to undo"), "{refused}");
    assert_eq!(house.content(), content);
}
