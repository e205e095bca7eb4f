//! What is wrong with the nodes inside a backup is told by whoever verifies or drills it, and by a plan of its restore.

use lifeboat::domain::activity::Severity;
use lifeboat::domain::job::{Job, JobState};
use lifeboat::engine::Engine;
use lifeboat::jcr::namespaces::JCR;
use lifeboat::jcr::{Binary, Name, Node, Property, PropertyType, Value};

use crate::home_files;
use crate::house::{House, back_up, done, ended, log, plan};
use crate::inside::{house, page, write};

/// Says what a warning about content begins with.
const WRONG: &str = "the content of backup";

fn verify(engine: &Engine, backup: Option<&str>) -> Job {
    done(
        engine,
        engine.live(&House::live()).unwrap().start_verify(backup).unwrap(),
    )
}

/// What a verification warns of.
fn warned(job: Job) -> Vec<String> {
    job.outcome.unwrap().warnings
}

fn planned(engine: &Engine, backup: &str, workspaces: &[&str]) -> Vec<String> {
    let mut warnings = plan(engine, backup, workspaces).warnings;
    warnings.retain(|warning| warning.starts_with("the content of the backup"));
    warnings
}

/// A node of the website is gone, and its parent still lists it.
fn lose(house: &House, number: u8) {
    let half = i64::from_be_bytes([number; 8]);
    let mut client = house.client("author");
    let gone = client.execute("DELETE FROM pm_website_bundle WHERE node_id_hi = $1", &[&half]);
    assert_eq!(gone.unwrap(), 1);
}

/// The picture, with its bytes in the data store, and a reference that has to lead somewhere.
fn picture(record: &str) -> Node {
    let mut picture = page(5, Some(1), "Picture", &[]);
    let property = |name, kind, value| Property {
        name,
        kind,
        is_multiple: false,
        values: vec![value],
        modified_count: 0,
    };
    picture.properties.push(property(
        Name::known(JCR, "data"),
        PropertyType::Binary,
        Value::Binary(Binary::Record(record.to_owned())),
    ));
    picture.properties.push(property(
        Name::known("", "about"),
        PropertyType::Reference,
        Value::Reference([3; 16]),
    ));
    picture
}

#[test]
fn a_fault_is_told_with_its_path_and_whether_it_is_new() {
    let house = house();
    let record = house.store("author", "picture");
    write(&house, &[picture(record.file_name().unwrap().to_str().unwrap())]);
    let engine = house.engine();
    let sound = back_up(&engine);
    let job = verify(&engine, Some(&sound.0));
    let summary = &job.outcome.as_ref().unwrap().summary;
    assert!(summary.ends_with("was read back whole and is sound"), "{summary}");
    let lines = log(&engine, job.id);
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with("fit together: 7 were looked at")),
        "{lines:#?}"
    );
    assert_eq!(warned(job), [""; 0]);
    assert_eq!(planned(&engine, &sound.0, &[]), [""; 0]);

    // A page is lost, and what is below it leads nowhere any more.
    house.pass(chrono::Duration::days(1));
    lose(&house, 4);
    let first = back_up(&engine);
    assert_eq!(planned(&engine, &first.0, &[]), [""; 0], "nobody has looked yet");
    let job = verify(&engine, Some(&first.0));
    let summary = &job.outcome.as_ref().unwrap().summary;
    assert!(
        summary.ends_with("is sound; its content has 1 fault, as Live had"),
        "{summary}"
    );
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    assert_eq!(told.severity, Severity::Warning);
    let warnings = warned(job);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with(WRONG)
            && warnings[0].contains("author website: 1 child that is missing (first /home/news/item).")
            && warnings[0].contains("1 of them is new since the backup of 2026-11-23 12:00 UTC"),
        "{warnings:?}"
    );
    let said = planned(&engine, &first.0, &["website"]);
    assert!(said.len() == 1 && said[0].contains("/home/news/item"), "{said:?}");
    assert_eq!(
        planned(&engine, &first.0, &["dam"]),
        [""; 0],
        "nothing of it comes back"
    );

    // Nothing new, in another process, that has the first one's word for the backup before.
    house.pass(chrono::Duration::days(1));
    let engine = house.engine();
    let second = back_up(&engine);
    let warnings = warned(verify(&engine, Some(&second.0)));
    assert!(
        warnings.len() == 1 && warnings[0].contains("None of them is new since the backup of 2026-11-24"),
        "{warnings:?}"
    );

    // The record is lost, and the target of a reference, with its place in its parent's list.
    house.pass(chrono::Duration::days(1));
    std::fs::remove_file(&record).unwrap();
    lose(&house, 3);
    let third = back_up(&engine);
    let job = verify(&engine, Some(&third.0));
    let lines = log(&engine, job.id);
    for line in [
        "author website: 1 child that is missing: /home/about",
        "author website: 1 child that is missing: /home/news/item",
        "author website: 1 reference without a target: /home/picture (about = 03030303-0303-0303-0303-030303030303)",
    ] {
        assert!(lines.iter().any(|told| told == line), "{line}: {lines:#?}");
    }
    let warnings = warned(job);
    assert!(
        warnings[0].contains("has 4 faults")
            && warnings[0].contains("3 of them are new since the backup of 2026-11-25"),
        "{warnings:?}"
    );
    assert!(warnings[0].contains("1 binary that is missing"), "{warnings:?}");
    // All of them: those that were looked at are not read again, and are told again.
    let job = verify(&engine, None);
    assert!(
        job.outcome
            .as_ref()
            .unwrap()
            .summary
            .ends_with("the content of 3 of them has faults, as Live had")
    );
    assert_eq!(warned(job).len(), 3);
}

#[test]
fn a_drill_tells_it_too() {
    let house = house();
    lose(&house, 2);
    let engine = house.engine();
    back_up(&engine);
    let drill = engine.live(&House::live()).unwrap().start_drill(None).unwrap();
    let outcome = done(&engine, drill).outcome.unwrap();
    assert!(
        outcome.summary.contains("is proven restorable"),
        "{}",
        outcome.summary
    );
    assert_eq!(outcome.warnings.len(), 1, "{outcome:?}");
    // What was below the lost page has no parent any more.
    assert!(
        outcome.warnings[0].contains("1 child that is missing, 2 nodes that their parents do not list"),
        "{outcome:?}"
    );
    assert!(
        outcome.warnings[0].ends_with("No earlier backup was looked at in this way"),
        "{outcome:?}"
    );
}

#[test]
fn nodes_of_an_older_jackrabbit_are_no_fault() {
    let mut house = house();
    let home = house.path("home");
    home_files::make(&home);
    house.settle = Box::new(move |_, settings| settings.home = Some(home.clone()));
    // Form 2: a type by numbers, its parent, no mixins and properties, no children.
    let older = [
        &[2_u8, 0, 0, 0, 0, 0, 0, 1, 1][..],
        &[2; 16],
        &[0, 0],
        &[0xff; 8],
        &[1, 0, 0, 0, 0],
    ]
    .concat();
    let half = i64::from_be_bytes([6; 8]);
    let written = house.client("author").execute(
        "UPDATE pm_website_bundle SET bundle_data = $1 WHERE node_id_hi = $2",
        &[&older, &half],
    );
    assert_eq!(written.unwrap(), 1);
    let engine = house.engine();
    let backup = back_up(&engine);
    let job = engine
        .live(&House::live())
        .unwrap()
        .start_verify(Some(&backup.0))
        .unwrap();
    let job = ended(&engine, job);
    assert_eq!(job.state, JobState::Done);
    assert_eq!(warned(job), [""; 0]);
}
