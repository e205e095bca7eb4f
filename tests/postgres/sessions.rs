//! Nobody else is connected to a database while its tables are exchanged: a restore that finds somebody stops with Live
//! untouched and says who; what may stay is a setting.

use std::fs;

use lifeboat::demo::cluster::SUPERUSER;
use lifeboat::domain::check::Report;
use lifeboat::domain::limit::TimeLimit;
use lifeboat::domain::settings::{CatalogSettings, SessionSettings};
use lifeboat::engine::Engine;

use crate::gate::wait_for;
use crate::house::{House, OUTSIDER, back_up, done, failed, log, plan, restore, start_restore, undo, warned};
use crate::pool::Pool;

/// What Magnolia calls itself, as the driver does it that it uses.
const MAGNOLIA: &str = "PostgreSQL JDBC Driver";

/// A house whose restores do not wait long, and whose others may stay as these settings say.
fn house(settings: &SessionSettings) -> House {
    let mut house = House::new();
    allow(&mut house, settings);
    house
}

fn allow(house: &mut House, settings: &SessionSettings) {
    let settings = SessionSettings {
        wait: TimeLimit::seconds(1),
        programs: [settings.programs.clone(), vec![OUTSIDER.to_owned()]].concat(),
        ..settings.clone()
    };
    house.settle = Box::new(move |_, database| database.sessions = settings.clone());
}

fn none() -> SessionSettings {
    SessionSettings::default()
}

/// Live is not what it was when the backup was made. Gives both.
fn broken(house: &House, engine: &Engine) -> (String, Rows, Rows) {
    let good = house.rows("author", "public");
    let backup = back_up(engine).0;
    house
        .client("author")
        .batch_execute("DELETE FROM pm_website_bundle WHERE node_id_hi > 10")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    (backup, good, house.rows("author", "public"))
}

type Rows = std::collections::BTreeMap<String, String>;

fn about(engine: &Engine) -> Vec<String> {
    let report: Report = lifeboat::engine::check(engine, Some(&House::live())).unwrap();
    assert!(report.works(), "{report:#?}");
    let findings = report.findings.into_iter();
    findings
        .filter(|finding| finding.about == "sessions")
        .map(|finding| format!("{}: {}", finding.verdict.label(), finding.detail))
        .collect()
}

fn process_of(client: &mut postgres::Client) -> i32 {
    client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0)
}

#[test]
fn a_session_left_open_stops_a_restore_and_an_undo_with_live_untouched_and_says_who() {
    let mut house = house(&none());
    let (before, after) = (house.path("before"), house.path("after"));
    house.hooks.before_restore = vec!["touch".to_owned(), before.display().to_string()];
    house.hooks.after_restore = vec!["touch".to_owned(), after.display().to_string()];
    let engine = house.engine();
    let (backup, good, bad) = broken(&house, &engine);
    let mut magnolia = house.client_called(MAGNOLIA, "author");
    let process = process_of(&mut magnolia);

    let why = failed(&engine, start_restore(&engine, &backup, &[]));
    let since: String = magnolia
        .query_one(
            "SELECT to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS UTC') FROM pg_stat_activity \
             WHERE pid = pg_backend_pid()",
            &[],
        )
        .unwrap()
        .get(0);
    let who = format!("{MAGNOLIA} as {SUPERUSER} over the server's socket since {since} (process {process})");
    assert!(
        why.contains(&format!("to author {who}. Live was not touched")),
        "{why}"
    );
    assert_eq!(house.rows("author", "public"), bad);
    assert_eq!(house.left("author"), Vec::<String>::new());
    // What was stopped for the switch is started again.
    assert!(before.exists() && after.exists());
    fs::remove_file(&after).unwrap();

    // Somebody in another database, and whoever only looks at this one, is in nobody's way.
    let _elsewhere = house.client_called(MAGNOLIA, "postgres");
    drop(magnolia);
    restore(&engine, &backup, &[]);
    assert_eq!(house.rows("author", "public"), good);
    house.pass(chrono::Duration::minutes(1));

    let magnolia = house.client_called(MAGNOLIA, "author");
    let live = engine.live(&House::live()).unwrap();
    let why = failed(&engine, live.start_undo("acme/live").unwrap());
    assert!(
        why.contains(MAGNOLIA) && why.contains("Live was not touched"),
        "{why}"
    );
    assert_eq!(house.rows("author", "public"), good);
    drop(magnolia);
    undo(&engine);
    assert_eq!(house.rows("author", "public"), bad);
}

#[test]
fn one_that_before_restore_ends_or_that_goes_by_itself_is_in_nobodys_way() {
    let mut house = house(&none());
    house.settle = Box::new(|_, database| {
        database.sessions.programs = vec![OUTSIDER.to_owned()];
        database.sessions.wait = TimeLimit::minutes(2);
    });
    let psql = house.cluster.binaries().join("psql");
    house.hooks.before_restore = [
        &*psql.to_string_lossy(),
        "--no-psqlrc",
        "--dbname",
        &house.cluster.connect("author", SUPERUSER),
        "--command",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stopped'",
    ]
    .map(str::to_owned)
    .into();
    let engine = house.engine();
    let (backup, good, _) = broken(&house, &engine);
    let _stopped = house.client_called("stopped", "author");
    let leaving = house.client_called("leaving", "author");
    let job = start_restore(&engine, &backup, &[]);
    let told = wait_for(|| {
        let lines = log(&engine, job).into_iter();
        lines.clone().find(|line| line.contains("are waited for"))
    });
    assert!(
        told.contains("leaving as postgres") && !told.contains("stopped"),
        "{told}"
    );
    drop(leaving);
    done(&engine, job);
    assert_eq!(house.rows("author", "public"), good);
}

#[test]
fn who_may_stay_is_a_setting_and_the_plan_says_so() {
    let settings = |change: fn(&mut SessionSettings)| {
        let mut settings = none();
        change(&mut settings);
        settings
    };
    for allowed in [
        settings(|sessions| sessions.all = true),
        settings(|sessions| sessions.programs = vec![MAGNOLIA.to_owned()]),
        settings(|sessions| sessions.users = vec![SUPERUSER.to_owned()]),
        settings(|sessions| sessions.addresses = vec!["10.0.0.0/8".to_owned(), "socket".to_owned()]),
    ] {
        let house = house(&allowed);
        let engine = house.engine();
        let (backup, good, _) = broken(&house, &engine);
        let _magnolia = house.client_called(MAGNOLIA, "author");
        let warnings = plan(&engine, &backup, &[]).warnings;
        assert!(
            warnings.iter().any(
                |warning| warning.contains("1 session may stay connected to author")
                    && warning.contains(MAGNOLIA)
            ),
            "{warnings:?}"
        );
        assert!(
            about(&engine)[0].starts_with("ok: 1 session may stay"),
            "{:?}",
            about(&engine)
        );
        restore(&engine, &backup, &[]);
        assert_eq!(house.rows("author", "public"), good);
    }
    let house = house(&settings(|sessions| {
        sessions.programs = vec!["another".to_owned()];
        sessions.addresses = vec!["10.0.0.0/8".to_owned()];
        sessions.users = vec!["another".to_owned()];
    }));
    let engine = house.engine();
    let (backup, ..) = broken(&house, &engine);
    let _magnolia = house.client_called(MAGNOLIA, "author");
    failed(&engine, start_restore(&engine, &backup, &[]));
}

#[test]
fn check_and_the_plan_warn_where_nothing_stops_those_who_are_connected() {
    let mut house = house(&none());
    let engine = house.engine();
    let (backup, ..) = broken(&house, &engine);
    assert_eq!(about(&engine), ["ok: nobody else is connected"]);
    assert_eq!(warned(plan(&engine, &backup, &[])), Vec::<String>::new());

    let _magnolia = house.client_called(MAGNOLIA, "author");
    let found = about(&engine);
    assert!(
        found[0].starts_with("warning: 1 session of others, and no before_restore hook")
            && found[0].contains(MAGNOLIA),
        "{found:?}"
    );
    let warnings = warned(plan(&engine, &backup, &[]));
    assert!(
        warnings[0].contains("no before_restore hook is configured") && warnings[0].contains(MAGNOLIA),
        "{warnings:?}"
    );

    house.hooks.before_restore = vec!["/bin/true".to_owned()];
    let engine = house.engine();
    let found = about(&engine);
    assert!(
        found[0].starts_with("ok: 1 session of others, which before_restore has to end"),
        "{found:?}"
    );
    assert_eq!(warned(plan(&engine, &backup, &[])), Vec::<String>::new());
}

#[test]
fn which_right_shows_the_sessions_of_others_is_said() {
    let mut house = house(&none());
    let connect = house.cluster.connect("author", "lifeboat");
    house
        .client("author")
        .batch_execute(
            "CREATE ROLE magnolia LOGIN; CREATE ROLE lifeboat LOGIN IN ROLE magnolia; CREATE ROLE other LOGIN; \
             GRANT CREATE ON DATABASE author TO lifeboat; GRANT ALL ON SCHEMA public TO magnolia; \
             DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
             EXECUTE format('ALTER TABLE %I OWNER TO magnolia', t); END LOOP; END $$",
        )
        .unwrap();
    house.settle = Box::new(move |_, database| {
        database.connect.clone_from(&connect);
        database.sessions.wait = TimeLimit::seconds(1);
        database.sessions.programs = vec![OUTSIDER.to_owned()];
    });
    let engine = house.engine();
    let (backup, ..) = broken(&house, &engine);
    let connected = |user: &str| {
        let connect = house.cluster.connect("author", user);
        postgres::Client::connect(&format!("{connect} application_name=app"), postgres::NoTls).unwrap()
    };
    // Of a role that it is a member of, everything is to be seen.
    let same = connected("magnolia");
    let why = failed(&engine, start_restore(&engine, &backup, &[]));
    assert!(
        why.contains("app as magnolia over the server's socket since 2"),
        "{why}"
    );
    assert!(!why.contains("GRANT"), "{why}");
    drop(same);
    let mut other = connected("other");
    let process = process_of(&mut other);
    let grant = "`GRANT pg_read_all_stats TO \"lifeboat\"`";
    let why = failed(&engine, start_restore(&engine, &backup, &[]));
    assert!(
        why.contains(&format!("app as other (process {process})")) && why.contains(grant),
        "{why}"
    );
    assert!(about(&engine)[0].contains(grant), "{:?}", about(&engine));
    house
        .client("author")
        .batch_execute("GRANT pg_read_all_stats TO lifeboat")
        .unwrap();
    let why = failed(&engine, start_restore(&engine, &backup, &[]));
    assert!(
        why.contains("app as other over the server's socket since 2") && !why.contains("GRANT"),
        "{why}"
    );
}

#[test]
fn lifeboats_own_sessions_are_none_of_others_wherever_they_are_from() {
    let mut house = house(&none());
    house
        .client("author")
        .batch_execute("CREATE ROLE other SUPERUSER LOGIN")
        .unwrap();
    // A catalog in the database of the instance, which keeps a session open all the time; and another machine on it.
    let engines: Vec<_> = ["one", "two"]
        .into_iter()
        .map(|node| {
            let mut settings = house.engine_settings();
            let connect = house.cluster.connect("author", "other");
            settings.catalog = Some(CatalogSettings {
                node: Some(node.parse().unwrap()),
                ..CatalogSettings::at(&connect)
            });
            settings.state = house.path(node);
            house.engine_with(settings)
        })
        .collect();
    let (backup, good, _) = broken(&house, &engines[0]);
    assert_eq!(about(&engines[1]), ["ok: nobody else is connected"]);
    restore(&engines[0], &backup, &[]);
    let rows = house.rows("author", "public");
    assert!(
        good.iter()
            .all(|(table, digest)| table.starts_with("lifeboat") || rows[table] == *digest)
    );
    house.settle = Box::new(|_, _| {});
}

#[test]
fn what_a_pool_keeps_open_has_to_be_allowed() {
    let mut house = house(&none());
    let engine = house.engine();
    let pool = Pool::start(&house, "transaction", 2, &[]);
    let (backup, good, bad) = broken(&house, &engine);
    // Magnolia has been there, and is stopped.
    drop(pool.client_called(MAGNOLIA).query("SELECT 1", &[]).unwrap());
    let why = failed(&engine, start_restore(&engine, &backup, &[]));
    assert!(
        why.contains(&format!("{MAGNOLIA} as lifeboat over the server's socket"))
            && why.contains("server_idle_timeout"),
        "{why}"
    );
    assert_eq!(house.rows("author", "public"), bad);
    allow(
        &mut house,
        &SessionSettings {
            users: vec!["lifeboat".to_owned()],
            ..none()
        },
    );
    let engine = house.engine();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(house.rows("author", "public"), good);
}

#[test]
fn through_a_pooler_it_is_said_that_others_behind_it_are_not_seen() {
    let mut house = house(&none());
    let pool = Pool::start(&house, "transaction", 6, &[]);
    pool.used_by(&mut house, 2);
    let engine = house.engine();
    let (backup, ..) = broken(&house, &engine);
    let told = "who else is connected to that cannot be seen from here";
    assert!(about(&engine)[0].contains(told), "{:?}", about(&engine));
    let warnings = plan(&engine, &backup, &[]).warnings;
    assert!(
        warnings.iter().any(|warning| warning.contains(told)),
        "{warnings:?}"
    );
    house.hooks.before_restore = vec!["/bin/true".to_owned()];
    let engine = house.engine();
    assert_eq!(about(&engine), ["ok: nobody else is connected"]);
    assert!(
        !plan(&engine, &backup, &[])
            .warnings
            .iter()
            .any(|warning| warning.contains(told))
    );
}

#[test]
fn who_connects_while_the_switch_waits_for_a_lock_is_named_afterwards() {
    let house = house(&SessionSettings {
        programs: vec!["reports".to_owned()],
        ..none()
    });
    let engine = house.engine();
    let (backup, good, _) = broken(&house, &engine);
    let mut reports = house.client_called("reports", "author");
    let mut held = reports.transaction().unwrap();
    held.batch_execute("LOCK TABLE pm_website_bundle IN ROW EXCLUSIVE MODE")
        .unwrap();
    let job = start_restore(&engine, &backup, &[]);
    wait_for(|| {
        let progress = engine.jobs().job(job).unwrap().progress?;
        (progress.phase == lifeboat::domain::job::Phase::Switching).then_some(())
    });
    let magnolia = house.client_called(MAGNOLIA, "author");
    held.rollback().unwrap();
    let outcome = done(&engine, job).outcome.unwrap();
    assert_eq!(house.rows("author", "public"), good);
    let told = outcome.warnings.join("\n");
    assert!(
        told.contains("others have connected while content was exchanged") && told.contains(MAGNOLIA),
        "{told}"
    );
    drop(magnolia);
}
