//! Homes that are not whole: no backup takes one for whole, a restore and its undo are possible all the same, and whoever looks
//! is told what to do.

use std::fs;

use super::homes::house;
use super::house::{
    House, OfHouse, back_up, backups, ended, everything, manual, only, request, restore, undo,
};
use crate::domain::check::Verdict;
use crate::domain::job::JobState;
use crate::engine::{Engine, check};
use crate::watch::Unwatched;

/// Why a backup was not made.
fn refused(engine: &Engine) -> String {
    let before = backups(engine).len();
    let job = engine.of_house().start_backup(&manual()).unwrap();
    let JobState::Failed { why } = ended(engine, job).state else {
        panic!("it was copied");
    };
    assert_eq!(backups(engine).len(), before);
    why
}

/// What a check finds wrong with the content.
fn failed(engine: &Engine) -> Vec<String> {
    let report = check(engine, Some(&House::live())).unwrap();
    let failed = report.findings.into_iter();
    let failed = failed.filter(|found| found.verdict == Verdict::Failed && found.about == "content");
    failed.map(|found| found.detail).collect()
}

#[test]
fn a_restore_of_a_workspace_that_had_lost_its_database_can_be_taken_back() {
    for (lost, left) in [("website/db", true), ("website", false)] {
        let house = house();
        let home = house.root("author");
        let engine = house.engine();
        back_up(&engine);
        let (lost, website) = (
            home.join("workspaces").join(lost),
            home.join("workspaces/website"),
        );
        fs::remove_dir_all(&lost).unwrap();
        house.pass(chrono::Duration::minutes(1));
        restore(&engine, "manual", only(&[], &["website"]));
        assert!(website.join("db/itemState.mv.db").exists());
        // The server has run since: its version storage and more were written to.
        fs::write(home.join("version/db.mv.db"), "more versions").unwrap();
        fs::write(
            home.join("repository/namespaces/ns_idx.properties"),
            "mgnl=7\nshop=8\n",
        )
        .unwrap();
        house.pass(chrono::Duration::minutes(1));
        undo(&engine);
        assert_eq!((lost.exists(), website.exists()), (false, left));
        assert_eq!(
            fs::read_to_string(home.join("version/db.mv.db")).unwrap(),
            "more versions"
        );
    }
}

#[test]
fn a_workspace_that_was_never_opened_is_backed_up_as_it_is_and_said() {
    let house = house();
    let home = house.root("author");
    let definition = fs::read_to_string(home.join("workspaces/dam/workspace.xml")).unwrap();
    fs::create_dir_all(home.join("workspaces/shop")).unwrap();
    fs::write(home.join("workspaces/shop/workspace.xml"), &definition).unwrap();
    let engine = house.engine();
    back_up(&engine);
    assert_eq!(failed(&engine), Vec::<String>::new());
    let report = check(&engine, Some(&House::live())).unwrap();
    let told = report.findings.iter().any(|found| {
        found.verdict == Verdict::Warning && found.detail.contains("shop: nobody has opened them")
    });
    assert!(told, "{:#?}", report.findings);
    fs::remove_dir_all(home.join("workspaces/shop")).unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, "manual", only(&[], &["shop"]));
    assert_eq!(
        fs::read_to_string(home.join("workspaces/shop/workspace.xml")).unwrap(),
        definition
    );
}

#[test]
fn a_home_that_is_not_whole_is_in_no_backup_and_check_names_the_way_back() {
    for lost in ["version", "repository", "workspaces/dam/db"] {
        let house = house();
        let home = house.root("author");
        let engine = house.engine();
        back_up(&engine);
        fs::remove_dir_all(home.join(lost)).unwrap();
        let name = if lost.starts_with("workspaces") {
            "dam"
        } else {
            lost
        };
        let why = refused(&engine);
        assert!(
            why.contains(name) && why.contains("a restore of the whole instance"),
            "{why}"
        );
        let told = failed(&engine);
        assert!(
            told.len() == 1 && told[0].contains(name) && told[0].contains("a restore of the whole instance"),
            "{told:?}"
        );
        house.pass(chrono::Duration::minutes(1));
        let plan = engine
            .of_house()
            .plan_restore(&request("manual", everything()), &Unwatched);
        assert_eq!(plan.unwrap().obstacles, Vec::<String>::new());
        restore(&engine, "manual", everything());
        assert!(home.join(lost).exists());
        back_up(&engine);
    }
}

#[test]
fn what_the_definition_of_the_repository_has_elsewhere_keeps_a_backup_from_being_made() {
    let house = house();
    let home = house.root("author");
    let engine = house.engine();
    let file = home.join("repository.xml");
    let store = |path: &str| {
        format!(
            "<Repository><DataStore class=\"a.FileDataStore\"><param name=\"path\" value=\"{path}\"/></DataStore></Repository>"
        )
    };
    fs::write(&file, store("/data/store")).unwrap();
    let why = refused(&engine);
    assert!(
        why.contains("/data/store") && why.contains("repository/datastore"),
        "{why}"
    );
    assert!(failed(&engine)[0].contains("/data/store"));
    // Beside the home as well.
    let beside = home.parent().unwrap().join("repository.xml");
    fs::rename(&file, &beside).unwrap();
    assert!(refused(&engine).contains("/data/store"));
    fs::write(&beside, store("${rep.home}/repository/datastore")).unwrap();
    back_up(&engine);
}
