//! Hooks around backups and restores: what they are told, what follows when one fails, and what is made up for after a
//! crash.
//!
//! The hooks of these tests write a line into a file, `hooks.log`: the test reads from it what ran, when, and with which
//! facts.

use std::fs;

use super::house::{
    House, OfHouse, back_up, backups, done, ended, everything, manual, request, restore, start_restore,
};
use super::recovery::interrupted;
use crate::domain::activity::Severity;
use crate::domain::job::{Job, JobId, Phase};
use crate::engine::Engine;
use crate::engine::hooks::owed::Owed;
use crate::engine::hooks::{Around, Occasion};
use crate::engine::restore::journal::{Journal, Stage};

/// A script that notes that it ran, with its outcome and the page that is live then, and ends as `rest` says.
pub(super) fn noting(house: &House, rest: &str) -> Vec<String> {
    let (log, page) = (house.path("hooks.log"), "content/website/page-0.xml");
    let script = format!(
        "echo \"$LIFEBOAT_HOOK $LIFEBOAT_INSTANCE ${{LIFEBOAT_OUTCOME-none}} $(cat '{}'/$LIFEBOAT_INSTANCE/{page})\" \
         >> '{}'; {rest}",
        house.folder.path().display(),
        log.display()
    );
    vec!["sh".into(), "-c".into(), script]
}

/// A house in which every hook notes that it ran.
fn house() -> House {
    let mut house = House::new();
    house.hooks.before_backup = noting(&house, "");
    house.hooks.after_backup = noting(&house, "");
    house.hooks.before_restore = noting(&house, "");
    house.hooks.after_restore = noting(&house, "");
    house
}

/// The lines of `hooks.log` since it was last read.
pub(super) fn ran(house: &House) -> Vec<String> {
    let text = fs::read_to_string(house.path("hooks.log")).unwrap_or_default();
    let _ = fs::remove_file(house.path("hooks.log"));
    text.lines().map(str::to_owned).collect()
}

/// A pipe with a name: who reads from it waits until a hook writes, and the other way round.
pub(super) fn fifo(house: &House, name: &str) -> std::path::PathBuf {
    let path = house.path(name);
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    path
}

pub(super) fn why(job: &Job) -> String {
    match &job.state {
        crate::domain::job::JobState::Failed { why } => why.clone(),
        other => panic!("{other:?}"),
    }
}

fn failed_backup(engine: &Engine) -> Job {
    let job = engine.of_house().start_backup(&manual()).unwrap();
    ended(engine, job)
}

pub(super) fn failed_restore(engine: &Engine) -> Job {
    let job = start_restore(engine, &request("manual", everything())).unwrap();
    ended(engine, job)
}

pub(super) fn nothing_is_owed(house: &House) {
    let left = fs::read_dir(house.path("state/hooks")).map_or(0, Iterator::count);
    assert_eq!(left, 0);
}

#[test]
fn a_backup_has_its_hooks_around_it_and_they_know_the_facts() {
    let mut house = house();
    let facts = "echo $LIFEBOAT_ENVIRONMENT $LIFEBOAT_ROLE $LIFEBOAT_JOB $LIFEBOAT_TRIGGER ${LIFEBOAT_BACKUP-none} \
                 $LIFEBOAT_RELEASE_VERSION $LIFEBOAT_MAGNOLIA_VERSION";
    house.hooks.before_backup = noting(&house, facts);
    house.hooks.after_backup = noting(&house, facts);
    let engine = house.engine();
    let job = engine.of_house().start_backup(&manual()).unwrap();
    let job = done(&engine, job);
    assert_eq!(
        ran(&house),
        [
            "before_backup author none author 0",
            "before_backup public-1 none public-1 0",
            "after_backup author done author 0",
            "after_backup public-1 done public-1 0",
        ]
    );
    let log = engine.catalog().log_after(job.id, 0).unwrap();
    let has = |line: &str| log.iter().any(|logged| logged.text == line);
    let id = &job.outcome.unwrap().backup.unwrap().0;
    assert!(
        has("author: acme/live author 1 person none v12 6.3.4"),
        "{log:#?}"
    );
    assert!(
        has(&format!("public-1: acme/live public 1 person {id} v12 6.3.4")),
        "{log:#?}"
    );
    nothing_is_owed(&house);
}

#[test]
fn a_failing_before_backup_fails_the_backup_and_what_it_paused_is_resumed() {
    let mut house = house();
    house.hooks.before_backup = noting(&house, "[ $LIFEBOAT_INSTANCE = author ] || exit 3");
    let engine = house.engine();
    let job = failed_backup(&engine);
    assert!(why(&job).contains("the before_backup hook of public-1, sh, ended with exit status: 3"));
    assert!(why(&job).contains("No backup was recorded"));
    assert!(backups(&engine).is_empty());
    assert_eq!(
        ran(&house)[2..],
        [
            "after_backup author failed author 0",
            "after_backup public-1 failed public-1 0"
        ]
    );

    // Where the first one fails, the turn of the second does not come.
    house.hooks.before_backup = noting(&house, "exit 3");
    failed_backup(&house.engine());
    assert_eq!(
        ran(&house),
        [
            "before_backup author none author 0",
            "after_backup author failed author 0"
        ]
    );
    nothing_is_owed(&house);
}

#[test]
fn a_copy_that_fails_runs_after_backup_too_and_says_that_it_failed() {
    let mut house = house();
    // The content goes away once the hook has run.
    let away = format!(
        "mv '{}' '{}'",
        house.root("author").display(),
        house.path("away").display()
    );
    house.hooks.before_backup = noting(&house, &format!("[ $LIFEBOAT_INSTANCE = public-1 ] || {away}"));
    let engine = house.engine();
    failed_backup(&engine);
    assert!(backups(&engine).is_empty());
    assert_eq!(
        ran(&house)[2..],
        [
            "after_backup author failed ",
            "after_backup public-1 failed public-1 0"
        ]
    );
}

#[test]
fn a_failing_after_backup_is_a_warning() {
    let mut house = house();
    house.hooks.after_backup = noting(&house, "exit 3");
    let engine = house.engine();
    let job = engine.of_house().start_backup(&manual()).unwrap();
    let warnings = done(&engine, job).outcome.unwrap().warnings;
    assert_eq!(warnings.len(), 2);
    assert!(
        warnings[1].contains("after_backup hook of public-1"),
        "{warnings:?}"
    );
    assert_eq!(backups(&engine).len(), 1);
}

#[test]
fn a_hook_that_takes_too_long_is_ended() {
    let mut house = house();
    house.hooks.before_backup = noting(&house, "exec sleep 600");
    house.hooks.limit = "1s".parse().unwrap();
    let engine = house.engine();
    let job = failed_backup(&engine);
    assert!(
        why(&job).contains("ended after its time limit of 1"),
        "{}",
        why(&job)
    );
    assert!(backups(&engine).is_empty());
    assert_eq!(ran(&house)[1], "after_backup author failed author 0");
}

#[test]
fn a_job_is_cancelled_while_its_before_hook_runs() {
    let mut house = house();
    let begun = fifo(&house, "begun");
    let wait = format!("echo begun > '{}'; exec sleep 600", begun.display());
    house.hooks.before_backup = noting(&house, &wait);
    let engine = house.engine();
    let job = engine.of_house().start_backup(&manual()).unwrap();
    // Reading waits until the hook writes.
    assert_eq!(fs::read_to_string(&begun).unwrap(), "begun\n");
    engine.jobs().cancel(job).unwrap();
    assert_eq!(ended(&engine, job).state.label(), "cancelled");
    assert_eq!(ran(&house)[1], "after_backup author cancelled author 0");
    nothing_is_owed(&house);
}

#[test]
fn a_restore_has_its_hooks_around_the_switch_and_its_safety_backup_has_its_own() {
    let house = house();
    let engine = house.engine();
    let backup = back_up(&engine);
    ran(&house);
    house.write("author", "website/page-0.xml", "broken");
    let job = restore(&engine, &backup.0, everything());
    assert_eq!(
        ran(&house),
        [
            "before_backup author none broken",
            "before_backup public-1 none public-1 0",
            "after_backup author done broken",
            "after_backup public-1 done public-1 0",
            "before_restore author none broken",
            "before_restore public-1 none public-1 0",
            "after_restore author done author 0",
            "after_restore public-1 done public-1 0",
        ]
    );
    assert_eq!(
        job.left_out,
        [Phase::Health],
        "hooks are configured, no health address is"
    );
    let took = |job: &Job| job.took_in_words(house.clock_now()).unwrap();
    assert!(
        took(&job).ends_with(" in all, hooks and clearing up included"),
        "{}",
        took(&job)
    );
    let backup = engine.jobs().job(JobId(1)).unwrap();
    assert!(
        took(&backup).ends_with(" in all, hooks and retention included"),
        "{}",
        took(&backup)
    );
    assert_eq!(job.outcome.unwrap().warnings, Vec::<String>::new());
    nothing_is_owed(&house);
}

#[test]
fn a_failing_before_restore_leaves_live_alone_and_starts_again_what_it_stopped() {
    let mut house = house();
    house.hooks.before_restore = noting(&house, "[ $LIFEBOAT_INSTANCE = author ] || exit 3");
    let engine = house.engine();
    back_up(&engine);
    house.write("author", "website/page-0.xml", "broken");
    let broken = house.content();
    ran(&house);
    let job = failed_restore(&engine);
    assert!(
        why(&job).contains("before_restore hook of public-1"),
        "{}",
        why(&job)
    );
    assert!(why(&job).contains("Live was not touched"), "{}", why(&job));
    assert_eq!(house.content(), broken);
    assert!(house.beside("author").is_empty() && house.beside("public-1").is_empty());
    assert_eq!(Journal::read(&house.path("state"), &House::live()).unwrap(), None);
    assert_eq!(backups(&engine).len(), 1, "the safety backup saved nothing");
    let log = engine.catalog().log_after(job.id, 0).unwrap();
    let recorded = log
        .iter()
        .position(|line| line.text.ends_with(" is recorded"))
        .unwrap();
    assert!(
        log[recorded..]
            .iter()
            .any(|line| line.text.contains(" is dropped: nobody needs it")),
        "the log does not end with a backup that is there: {log:?}"
    );
    assert_eq!(
        ran(&house)[6..],
        [
            "after_restore author failed broken",
            "after_restore public-1 failed public-1 0"
        ]
    );

    // An instance that was not stopped is not started.
    house.hooks.before_restore = noting(&house, "exit 3");
    failed_restore(&house.engine());
    assert_eq!(ran(&house)[5..], ["after_restore author failed broken"]);
    nothing_is_owed(&house);
}

#[test]
fn a_restore_that_is_cancelled_before_its_hooks_starts_nothing() {
    let mut house = house();
    back_up(&house.engine());
    let (begun, go) = (fifo(&house, "begun"), fifo(&house, "go"));
    let wait = format!("echo begun > '{}'; cat '{}'", begun.display(), go.display());
    let condition = "[ $LIFEBOAT_TRIGGER$LIFEBOAT_INSTANCE = restorepublic-1 ] || exit 0";
    house.hooks.after_backup = noting(&house, &format!("{condition}; {wait}"));
    ran(&house);
    let engine = house.engine();
    let job = start_restore(&engine, &request("manual", everything())).unwrap();
    assert_eq!(fs::read_to_string(&begun).unwrap(), "begun\n");
    engine.jobs().cancel(job).unwrap();
    fs::write(&go, "go").unwrap();
    assert_eq!(ended(&engine, job).state.label(), "cancelled");
    let ran = ran(&house);
    assert!(ran.iter().all(|line| !line.contains("_restore")), "{ran:?}");
}

#[test]
fn a_failing_after_restore_is_a_warning() {
    let mut house = House::new();
    let script = "echo restored $LIFEBOAT_BACKUP of $LIFEBOAT_ENVIRONMENT on $LIFEBOAT_INSTANCE, $LIFEBOAT_TRIGGER; exit 3";
    house.hooks.after_restore = ["sh", "-c", script].map(str::to_owned).to_vec();
    let engine = house.engine();
    let backup = back_up(&engine);
    let job = restore(&engine, "manual", everything());
    let log = engine.catalog().log_after(job.id, 0).unwrap();
    let line = format!("author: restored {} of acme/live on author, restore", backup.0);
    assert!(log.iter().any(|logged| logged.text == line), "{log:#?}");
    let warnings = job.outcome.unwrap().warnings;
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].contains("exit status: 3"), "{}", warnings[0]);
}

#[test]
fn a_before_backup_that_fails_keeps_nobody_from_a_restore() {
    let mut house = house();
    let engine = house.engine();
    back_up(&engine);
    let good = house.content();
    house.remove("author", "website");
    // The Magnolia that should hold still is down: that is why Live is restored.
    house.hooks.before_backup = noting(&house, "exit 3");
    let job = restore(&house.engine(), "manual", everything());
    assert_eq!(house.content(), good);
    let outcome = job.outcome.unwrap();
    assert!(outcome.safety.is_some());
    assert!(
        outcome.warnings[0].contains("The safety backup was taken without it"),
        "{:?}",
        outcome.warnings
    );
}

/// Notes, as a job that was killed has, that the hooks of some instances are still to be run.
fn owe(house: &House, around: Around, instances: &[&str]) {
    let owed = Owed {
        occasion: Occasion {
            environment: House::live(),
            job: JobId(1),
            trigger: "restore".into(),
            backup: None,
            versions: None,
        },
        instances: instances.iter().map(|name| name.parse().unwrap()).collect(),
        nodes: Vec::new(),
    };
    owed.write(&house.path("state"), around).unwrap();
}

#[test]
fn a_crash_between_before_restore_and_the_switch_starts_again_what_was_stopped() {
    let house = house();
    interrupted(&house, Stage::Staging, 0);
    owe(&house, Around::Restore, &["author"]);
    ran(&house);
    house.engine();
    assert_eq!(ran(&house), ["after_restore author failed author 0"]);
    nothing_is_owed(&house);
    house.engine();
    assert!(ran(&house).is_empty(), "it is run once");
}

#[test]
fn a_crash_in_the_switch_runs_every_after_restore_once_the_switch_is_finished() {
    let house = house();
    interrupted(&house, Stage::Switching, 1);
    owe(&house, Around::Restore, &["author", "public-1"]);
    ran(&house);
    house.engine();
    assert_eq!(
        ran(&house),
        [
            "after_restore author done restored",
            "after_restore public-1 done restored"
        ]
    );
    nothing_is_owed(&house);
}

#[test]
fn nothing_is_started_on_content_that_is_half_switched() {
    let house = house();
    interrupted(&house, Stage::Switching, 1);
    owe(&house, Around::Restore, &["author", "public-1"]);
    fs::rename(house.root("public-1"), house.path("aside")).unwrap();
    house.write("public-1", "website/page-0.xml", "a stranger");
    ran(&house);
    let engine = house.engine();
    assert!(ran(&house).is_empty());

    fs::remove_dir_all(house.root("public-1")).unwrap();
    fs::rename(house.path("aside"), house.root("public-1")).unwrap();
    back_up(&engine);
    assert_eq!(ran(&house)[0], "after_restore author done restored");
}

#[test]
fn a_backup_that_was_killed_resumes_what_it_had_paused() {
    let mut house = house();
    house.hooks.after_backup = noting(&house, "exit 3");
    owe(&house, Around::Backup, &["public-1"]);
    let engine = house.engine();
    assert_eq!(ran(&house), ["after_backup public-1 failed public-1 0"]);
    nothing_is_owed(&house);
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    assert_eq!(told.severity, Severity::Warning);
    assert!(
        told.text.contains("after_backup hook of public-1"),
        "{}",
        told.text
    );
}

#[test]
fn a_note_that_cannot_be_read_is_told_with_what_to_do() {
    let house = house();
    fs::create_dir_all(house.path("state/hooks")).unwrap();
    fs::write(house.path("state/hooks/acme+live+after_backup.json"), "{").unwrap();
    let engine = house.engine();
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    assert!(told.text.contains("start by hand"), "{}", told.text);
}
