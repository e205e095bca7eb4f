//! What a plan says of search indexes that are built anew: a guess, and once an instance was seen to come up, what was seen.

use std::io::{Read, Write};
use std::net::TcpListener;

use lifeboat::domain::activity::Severity;
use lifeboat::domain::settings::HealthSettings;

use crate::house::{House, back_up, log, plan, restore};

/// An address that says to everybody that it is up.
fn health() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { return };
            let _ = connection.read(&mut [0; 4096]);
            let _ =
                connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    format!("http://{address}/health")
}

#[test]
fn indexes_that_nobody_has_named_are_told_by_plan_log_and_outcome() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    house
        .client("author")
        .batch_execute("DELETE FROM pm_website_bundle WHERE node_id_hi < 9")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    let unnamed = |texts: &[String]| {
        let about = texts
            .iter()
            .filter(|text| text.contains("search_indexes of author is not set"));
        about.count()
    };
    assert_eq!(unnamed(&plan(&engine, &backup, &[]).warnings), 1);
    let job = restore(&engine, &backup, &[]);
    assert_eq!(unnamed(&log(&engine, job.id)), 1);
    assert_eq!(unnamed(&job.outcome.unwrap().warnings), 1);
    // It was known before the restore, and does not make its end a doubtful one.
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    assert_eq!((told.job, told.severity), (Some(job.id), Severity::Information));
}

#[test]
fn a_plan_guesses_how_long_indexes_take_until_it_was_seen() {
    let mut house = House::new();
    let indexes = house.path("workspaces/{workspace}/index");
    house.settle = Box::new(move |_, database| database.search_indexes = vec![indexes.clone()]);
    let mut settings = house.engine_settings();
    settings.environments[0].instances[0].health = Some(HealthSettings::at(&health()));
    let engine = house.engine_with(settings);
    let backup = back_up(&engine).0;
    let told = |workspaces: &[&str]| {
        let warnings = plan(&engine, &backup, workspaces).warnings;
        let mut about = warnings
            .into_iter()
            .filter(|one| one.contains("search indexes of author are built anew"));
        about.next().unwrap()
    };
    let guess = told(&[]);
    assert!(guess.contains("for 900 nodes (a guess"), "{guess}");
    house
        .client("author")
        .batch_execute("DELETE FROM pm_website_bundle WHERE node_id_hi < 9")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    let seen_at = "2026-11-23 12:01 UTC";
    restore(&engine, &backup, &[]);
    let seen = told(&[]);
    assert!(
        seen.contains(&format!("(as was seen at {seen_at}: 900 nodes took")),
        "{seen}"
    );
}
