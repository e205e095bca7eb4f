//! A restore that would change nothing says so and ends, unless it is told to go on.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use super::house::{House, back_up, backups, done, everything, only, request, undo};
use crate::domain::job::{Job, Phase};
use crate::domain::plan::{RestorePlan, Selection};
use crate::domain::request::RestoreRequest;
use crate::engine::{Engine, start_restore};
use crate::watch::Unwatched;

fn plan(engine: &Engine, selection: Selection, even_if_unchanged: bool) -> RestorePlan {
    let request = RestoreRequest {
        even_if_unchanged,
        ..request("manual", selection)
    };
    let live = engine.live(&House::live()).unwrap();
    live.plan_restore(&request, &Unwatched).unwrap()
}

fn follow(engine: &Engine, plan: &RestorePlan) -> Job {
    let job = start_restore(engine, &plan.id, "acme/live").unwrap();
    done(engine, job)
}

/// A house whose hooks leave a trace.
fn traced() -> House {
    let mut house = House::new();
    let file = house.path("hooks.log").display().to_string();
    let trace = |what: &str| vec!["sh".to_owned(), "-c".to_owned(), format!("echo {what} >> {file}")];
    house.hooks.before_restore = trace("before");
    house.hooks.after_restore = trace("after");
    house
}

#[test]
fn it_takes_no_safety_backup_runs_no_hook_and_switches_nothing() {
    let house = traced();
    let engine = house.engine();
    let backup = back_up(&engine);
    let before = fs::metadata(house.root("author")).unwrap();
    let plan = plan(&engine, everything(), false);
    assert!(plan.changes_nothing && plan.ends_at_once());
    let job = follow(&engine, &plan);
    let outcome = job.outcome.clone().unwrap();
    assert!(outcome.summary.contains("nothing was changed"), "{outcome:?}");
    assert!(
        outcome.summary.contains("size, time and permissions"),
        "{outcome:?}"
    );
    assert!(outcome.summary.contains("--even-if-unchanged"), "{outcome:?}");
    assert_eq!((outcome.backup, outcome.safety), (Some(backup), None));
    assert_eq!(backups(&engine).len(), 1);
    assert!(!house.path("hooks.log").exists());
    assert!(house.beside("author").is_empty());
    let after = fs::metadata(house.root("author")).unwrap();
    assert_eq!(before.ino(), after.ino(), "Live is the very folder that it was");
    for step in [Phase::SafetyBackup, Phase::Staging, Phase::Switching] {
        assert!(job.left_out.contains(&step), "{step:?} was not done");
    }
    // It tells nothing of how long a restore takes.
    let kind = job.kind;
    assert!(
        engine
            .catalog()
            .past_durations(&House::live(), kind, 5)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn told_to_go_on_it_puts_back_what_only_looks_the_same() {
    let house = traced();
    let engine = house.engine();
    back_up(&engine);
    let page = house.root("author").join("website/page-0.xml");
    let (good, time) = (
        fs::read_to_string(&page).unwrap(),
        fs::metadata(&page).unwrap().modified().unwrap(),
    );
    fs::write(&page, good.replace('a', "x")).unwrap();
    let damaged = fs::File::options().write(true).open(&page).unwrap();
    damaged.set_modified(time).unwrap();
    assert!(plan(&engine, everything(), false).changes_nothing);
    let plan = plan(&engine, everything(), true);
    assert!(plan.changes_nothing && !plan.ends_at_once());
    let job = follow(&engine, &plan);
    assert_eq!(fs::read_to_string(&page).unwrap(), good);
    assert!(job.outcome.unwrap().safety.is_some());
    assert!(house.path("hooks.log").exists());
    // And is taken back as any other.
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_ne!(fs::read_to_string(&page).unwrap(), good);
}

#[test]
fn what_changed_after_the_plan_is_put_back_all_the_same() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let good = house.content();
    let plan = plan(&engine, everything(), false);
    house.remove("author", "website/page-1.xml");
    let job = follow(&engine, &plan);
    assert_eq!(house.content(), good);
    assert!(job.outcome.unwrap().safety.is_some());
}

#[test]
fn only_the_part_that_is_chosen_has_to_be_the_same() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    house.remove("author", "website/page-1.xml");
    let broken = house.content();
    assert!(!plan(&engine, everything(), false).changes_nothing);
    let plan = plan(&engine, only(&["author"], &["dam"]), false);
    let job = follow(&engine, &plan);
    assert!(job.outcome.unwrap().summary.contains("nothing was changed"));
    assert_eq!(house.content(), broken);
}

#[test]
fn an_instance_that_is_gone_is_no_instance_that_is_the_same() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let good = house.content();
    fs::remove_dir_all(house.root("author")).unwrap();
    let plan = plan(&engine, everything(), false);
    assert!(!plan.changes_nothing);
    follow(&engine, &plan);
    assert_eq!(house.content(), good);
}
