//! Restores elsewhere, of databases: into a schema that is new or empty and nobody's, with the records and the home beside.

use std::fs;

use lifeboat::demo::cluster::SUPERUSER;
use lifeboat::domain::backup::BackupId;
use lifeboat::domain::elsewhere::Elsewhere;
use lifeboat::domain::environment::EnvironmentKind;
use lifeboat::domain::job::{Job, JobId, JobState};
use lifeboat::domain::plan::Selection;
use lifeboat::domain::request::ExtractRequest;
use lifeboat::domain::settings::{ContentSettings, RepositoryChoice};
use lifeboat::engine::{Engine, EngineError};

use crate::gate::{self, Gate};
use crate::home_files;
use crate::house::{House, back_up, done, ended};

fn request(house: &House, backup: &BackupId, database: &str, schema: &str) -> ExtractRequest {
    ExtractRequest {
        environment: House::live(),
        backup: backup.0.clone(),
        selection: Selection::default(),
        from: RepositoryChoice::First,
        into: Elsewhere {
            folder: Some(house.path("look")),
            database: Some(house.cluster.connect(database, SUPERUSER)),
            schema: Some(schema.to_owned()),
        },
    }
}

fn start(engine: &Engine, request: &ExtractRequest) -> Result<JobId, EngineError> {
    engine.live(&House::live()).unwrap().start_extract(request)
}

fn extracted(engine: &Engine, request: &ExtractRequest) -> Job {
    done(engine, start(engine, request).unwrap())
}

fn refused(engine: &Engine, request: &ExtractRequest) -> String {
    match start(engine, request) {
        Err(EngineError::Refused(refusal)) => refusal.to_string(),
        other => panic!("it was not refused: {other:?}"),
    }
}

fn comment(house: &House, database: &str, schema: &str) -> Option<String> {
    let mut client = house.client(database);
    let statement = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1";
    client.query_one(statement, &[&schema]).unwrap().get(0)
}

#[test]
fn everything_comes_into_another_database_and_nothing_of_live_is_touched() {
    let house = House::new();
    house.cluster.create("look").unwrap();
    let engine = house.engine();
    let saved = house.rows("author", "public");
    let backup = back_up(&engine);
    house
        .client("author")
        .batch_execute("TRUNCATE pm_website_bundle")
        .unwrap();
    let live = house.rows("author", "public");
    let before = comment(&house, "look", "public");
    // The schema that every new database has is empty, and as good as a new one.
    extracted(&engine, &request(&house, &backup, "look", "public"));
    assert_eq!(house.rows("look", "public"), saved);
    assert_eq!(
        comment(&house, "look", "public"),
        before,
        "it says nothing of Lifeboat"
    );
    assert_eq!(house.rows("author", "public"), live);
    let store = house.path("look/author/datastore");
    let record = house.store("author", "one");
    let below = record.strip_prefix(house.data_store("author")).unwrap();
    assert_eq!(fs::read(store.join(below)).unwrap(), fs::read(&record).unwrap());
    for database in ["author", "look"] {
        assert_eq!(house.left(database), Vec::<String>::new());
    }
    // What somebody adds to the copy is nothing to Live, and Live's sequences are its own.
    house
        .client("look")
        .batch_execute("INSERT INTO pm_website_names (name) VALUES ('new'); DROP TABLE pm_dam_bundle")
        .unwrap();
    assert_eq!(house.rows("author", "public"), live);
}

#[test]
fn a_schema_that_is_made_for_it_takes_chosen_workspaces_with_what_they_share() {
    let house = House::new();
    let engine = house.engine();
    let saved = house.rows("author", "public");
    let backup = back_up(&engine);
    // In Live's own database: another schema of it is nobody's.
    let mut request = request(&house, &backup, "author", "look");
    request.selection.workspaces = vec!["website".to_owned()];
    extracted(&engine, &request);
    let copy = house.rows("author", "look");
    let tables: Vec<&str> = copy.keys().map(String::as_str).collect();
    assert_eq!(
        tables,
        [
            "pm_website_binval",
            "pm_website_bundle",
            "pm_website_names",
            "pm_website_refs",
            "version_binval",
            "version_bundle",
            "version_names",
            "version_refs"
        ]
    );
    assert!(copy.iter().all(|(table, digest)| saved[table] == *digest));
    assert_eq!(comment(&house, "author", "look"), None);
    assert_eq!(house.rows("author", "public"), saved);
}

#[test]
fn content_of_any_environment_and_what_is_not_empty_is_refused() {
    let house = House::new();
    house.cluster.create("uat").unwrap();
    house.cluster.create("look").unwrap();
    let mut settings = house.engine_settings();
    let mut uat = settings.environments[0].clone();
    uat.name = "uat".into();
    uat.kind = EnvironmentKind::Uat;
    if let ContentSettings::Postgres(database) = &mut uat.instances[0].content {
        database.connect = house.cluster.connect("uat", SUPERUSER);
        database.data_store = None;
    }
    settings.environments.push(uat);
    let engine = house.engine_with(settings);
    let backup = back_up(&engine);
    let live = house.rows("author", "public");

    let why = refused(&engine, &request(&house, &backup, "author", "public"));
    assert!(why.contains("the content of author of acme/live"), "{why}");
    // UAT is empty, and by another name it is UAT all the same.
    let mut by_network = request(&house, &backup, "uat", "public");
    let why = refused(&engine, &by_network);
    assert!(why.contains("the content of author of acme/uat"), "{why}");
    by_network.into.database = by_network
        .into
        .database
        .map(|connect| format!("{connect} application_name=other"));
    let why = refused(&engine, &by_network);
    assert!(why.contains("the content of author of acme/uat"), "{why}");

    for something in [
        "CREATE VIEW mine AS SELECT 1",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TYPE mine AS ENUM ('a')",
        "CREATE SEQUENCE mine",
    ] {
        let mut client = house.client("look");
        client
            .batch_execute(&format!(
                "DROP SCHEMA public CASCADE; CREATE SCHEMA public; {something}"
            ))
            .unwrap();
        let why = refused(&engine, &request(&house, &backup, "look", "public"));
        assert!(why.contains("is not empty") && why.contains("mine"), "{why}");
    }
    assert_eq!(house.rows("author", "public"), live);
    assert!(!house.path("look").exists());
}

#[test]
fn records_need_a_folder_and_a_folder_does_not_take_tables() {
    let house = House::new();
    house.cluster.create("look").unwrap();
    let engine = house.engine();
    let backup = back_up(&engine);
    let mut request = request(&house, &backup, "look", "public");
    let folder = request.into.folder.take();
    let why = refused(&engine, &request);
    assert!(why.contains("no folder is named"), "{why}");
    request.into = Elsewhere {
        folder,
        ..Elsewhere::default()
    };
    let why = refused(&engine, &request);
    assert!(why.contains("taken from a database, and goes into one"), "{why}");
}

#[test]
fn instances_that_would_share_a_schema_are_refused() {
    let house = House::with(&["author", "public-1"]);
    house.cluster.create("look").unwrap();
    let engine = house.engine();
    let backup = back_up(&engine);
    let mut request = request(&house, &backup, "look", "public");
    let why = refused(&engine, &request);
    assert!(why.contains("one and the same schema"), "{why}");
    request.selection.instances = vec!["public-1".parse().unwrap()];
    extracted(&engine, &request);
    assert_eq!(house.rows("look", "public"), house.rows("public-1", "public"));
}

#[test]
fn a_cancelled_one_leaves_nothing() {
    let house = House::new();
    house.cluster.create("look").unwrap();
    let engine = house.engine();
    let backup = back_up(&engine);
    for schema in ["public", "new"] {
        let before = house.rows("look", "public");
        let mut gate = Gate::after(&house, "look", "CREATE TABLE", &format!("{schema}.pm_dam_bundle"));
        // The gate's own function is in the schema of every database.
        house
            .client("look")
            .batch_execute("CREATE SCHEMA IF NOT EXISTS tests; ALTER FUNCTION public.gate() SET SCHEMA tests")
            .unwrap();
        let job = start(&engine, &request(&house, &backup, "look", schema)).unwrap();
        gate.wait();
        engine.jobs().cancel(job).unwrap();
        gate.open();
        assert_eq!(ended(&engine, job).state, JobState::Cancelled);
        assert_eq!(house.rows("look", "public"), before);
        assert!(!house.path("look").exists());
        house
            .client("look")
            .batch_execute("DROP EVENT TRIGGER IF EXISTS gate; DROP SCHEMA tests CASCADE")
            .unwrap();
    }
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'new'";
    let made: i64 = house.client("look").query_one(schemas, &[]).unwrap().get(0);
    assert_eq!(made, 0, "the job had made it");
    extracted(&engine, &request(&house, &backup, "look", "public"));
}

#[test]
fn what_a_killed_one_has_left_says_what_it_is_and_what_to_do() {
    let house = House::new();
    house.cluster.create("look").unwrap();
    let engine = house.engine();
    let backup = back_up(&engine);
    let mut gate = Gate::after(&house, "look", "CREATE TABLE", "new.pm_dam_bundle");
    let request = request(&house, &backup, "look", "new");
    let job = start(&engine, &request).unwrap();
    gate.wait();
    // Whoever asks meanwhile, with another catalog and another folder, finds the same as after a crash.
    let other = house.engine_elsewhere();
    let mut again = request.clone();
    again.into.folder = Some(house.path("look-again"));
    let why = refused(&other, &again);
    assert!(
        why.contains(&format!("job {job}")) && why.contains("DROP SCHEMA") && why.contains("CASCADE"),
        "{why}"
    );
    again.into.folder.clone_from(&request.into.folder);
    again.into.schema = Some("another".to_owned());
    let why = refused(&other, &again);
    assert!(
        why.contains(&format!("job {job}")) && why.contains("remove it"),
        "{why}"
    );
    gate.open();
    done(&engine, job);
    gate::remove(&house, "look");
    assert_eq!(house.rows("look", "new"), house.rows("author", "public"));
}

#[test]
fn the_files_of_a_home_come_with_the_tables() {
    let mut house = House::new();
    house.cluster.create("look").unwrap();
    home_files::settle(&mut house);
    let engine = house.engine();
    let backup = back_up(&engine);
    let saved = home_files::files(&home_files::home_of(&house, "author"));
    home_files::change(&home_files::home_of(&house, "author"));
    extracted(&engine, &request(&house, &backup, "look", "public"));
    let found = home_files::files(&house.path("look/author/home/content/.home"));
    assert!(!found.is_empty());
    for (path, text) in &found {
        assert_eq!(saved.get(path), Some(text), "{path:?}");
    }
}
