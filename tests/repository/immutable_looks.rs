//! What `check` and `verify` say of a bucket that keeps its objects: whether it can, what the keys may, how long everything is
//! kept, and what somebody has hidden.

use lifeboat::domain::check::Verdict;
use lifeboat::domain::job::JobState;
use lifeboat::domain::settings::StorageOptions;
use lifeboat::domain::slot::Keep;
use lifeboat::engine::{Engine, check};

use crate::engine::{Installation, backup, ended, live};
use crate::immutable::{AHEAD, House, clock_at, done, failed, options};
use crate::object_storage::{Fault, Line, Store};

#[test]
fn what_somebody_has_hidden_is_found_and_comes_back() {
    let house = House::at(AHEAD);
    let engine = house.machine(1, options(&house.line));
    done(backup(&engine));
    let packs = house.first().objects("boats/acme/live/data/");
    // Without a version: that puts a marker on top.
    house.first().delete(&packs[0]);
    let verify = || ended(&engine, engine.live(&live()).unwrap().start_verify(None).unwrap());
    let why = failed(verify());
    let (name, marker) = house.first().markers("boats/").remove(0);
    assert_eq!(name, packs[0]);
    let way_back = format!("--key {name} --version-id {marker}");
    assert!(
        why.contains("1 object is hidden by a delete marker that Lifeboat did not set")
            && why.contains(&way_back),
        "{why}"
    );
    assert!(why.contains("kept until 2099-12-01"), "{why}");
    let found = findings(&engine);
    assert!(
        found
            .iter()
            .any(|(verdict, detail)| *verdict == Verdict::Failed && detail.contains(&way_back)),
        "{found:?}"
    );
    house.first().delete_version(&name, &marker);
    done(verify());
    // Of the index only where something is missing from it: Lifeboat itself hides what it has replaced there.
    let index = house.first().objects("boats/acme/live/index/").remove(0);
    house.first().delete(&index);
    let why = failed(verify());
    assert!(why.contains(&format!("--key {index} ")), "{why}");
}

fn findings(engine: &Engine) -> Vec<(Verdict, String)> {
    let report = check(engine, Some(&live())).unwrap();
    let about = report.findings.into_iter();
    about
        .filter(|finding| finding.about.ends_with("immutable"))
        .map(|finding| (finding.verdict, finding.detail))
        .collect()
}

#[test]
fn check_says_what_is_wrong_with_the_bucket_and_the_keys() {
    let house = House::at(AHEAD);
    let engine = house.machine(1, options(&house.line));
    done(backup(&engine));
    let has = |verdict: Verdict, part: &str| {
        let found = findings(&engine);
        assert!(
            found
                .iter()
                .any(|(of, detail)| *of == verdict && detail.contains(part)),
            "{part}: {found:?}"
        );
    };
    has(
        Verdict::Ok,
        "nobody can remove what the backups need before 2099-12-01",
    );
    has(Verdict::Ok, "no key is named that may delete");
    // The server's clock shows another century.
    has(Verdict::Warning, "its clock and this machine's are");
    let found = findings(&engine);
    assert!(
        found.iter().all(|(verdict, _)| *verdict != Verdict::Failed),
        "{found:?}"
    );
    house.line.disturb(|request| {
        if request.starts_with("PUT") && request.contains("?retention") {
            Fault::Answer(403, "AccessDenied")
        } else {
            Fault::Pass
        }
    });
    has(Verdict::Failed, "s3:PutObjectRetention on what is in it");
    house.later(16);
    let job = backup(&engine);
    let warnings = job.outcome.unwrap().warnings;
    assert!(
        job.state == JobState::Done
            && warnings
                .iter()
                .any(|text| text.contains("could not be kept for longer")),
        "{warnings:?}"
    );
}

#[test]
fn check_says_that_a_key_may_delete_needlessly_and_leaves_nothing() {
    let house = House::at(AHEAD);
    let engine = house.machine(
        1,
        StorageOptions {
            access_key_id_env: None,
            ..options(&house.line)
        },
    );
    done(backup(&engine));
    let found = findings(&engine);
    assert!(
        found.iter().any(|(verdict, detail)| *verdict == Verdict::Warning
            && detail.contains("may delete, which it need not")),
        "{found:?}"
    );
    assert_eq!(house.first().markers("boats/"), Vec::new());
}

#[test]
fn a_bucket_that_cannot_keep_anything_takes_no_backup_and_check_says_why() {
    let line = Line::new();
    let store = Store::new();
    let place = Installation::in_buckets(store.clone(), Store::new());
    let engine = place.machine_at(
        "state",
        clock_at(AHEAD),
        Keep::default(),
        options(&line),
        options(&line),
    );
    let found = findings(&engine);
    assert!(
        found.iter().any(|(verdict, detail)| *verdict == Verdict::Failed
            && detail.contains("the bucket has no object lock")),
        "{found:?}"
    );
    let why = failed(backup(&engine));
    assert!(
        why.contains("the bucket has no object lock") && why.contains("leave immutable out"),
        "{why}"
    );
    let names = store.objects("");
    assert!(
        names.iter().all(|name| !name.contains("data/")),
        "it is said before anything is copied: {names:?}"
    );
    assert_eq!(engine.live(&live()).unwrap().backups().unwrap().len(), 0);
}
