//! Servers, databases and users that an administrator has hardened, or that an accident has made narrow: it works all the
//! same, or check and plan find it before a job does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lifeboat::content::postgres::{Connector, standby};
use lifeboat::demo::cluster::SUPERUSER;
use lifeboat::domain::check::Verdict;
use lifeboat::domain::settings::PostgresSettings;
use lifeboat::engine::{Engine, check, start_restore};
use rustix::process::{Pid, Signal, kill_process};

use crate::gate::wait_for;
use crate::house::{House, back_up, done, failed, plan, restore, start_backup};

/// A house in which Lifeboat is a user of its own, who may act for the owner of the tables.
fn house(settings: &[&str]) -> House {
    let mut house = House::filled(&["author"], 0, settings);
    house
        .client("author")
        .batch_execute(
            "CREATE ROLE magnolia; CREATE ROLE lifeboat LOGIN; GRANT magnolia TO lifeboat; \
             GRANT CREATE ON DATABASE author TO lifeboat; GRANT USAGE, CREATE ON SCHEMA public TO magnolia; \
             DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
             EXECUTE format('ALTER TABLE public.%I OWNER TO magnolia', t); END LOOP; END $$",
        )
        .unwrap();
    let connect = house.cluster.connect("author", "lifeboat");
    house.settle = Box::new(move |_, database| database.connect.clone_from(&connect));
    house
}

fn failures(engine: &Engine) -> String {
    let report = check(engine, Some(&House::live())).unwrap();
    let failed = report
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Failed);
    let lines: Vec<_> = failed
        .map(|finding| format!("{}: {}", finding.about, finding.detail))
        .collect();
    lines.join(
        "
",
    )
}

#[test]
fn limits_of_time_and_other_settings_of_the_user_are_no_hindrance() {
    let house = house(&[]);
    house
        .client("author")
        .batch_execute(
            "ALTER ROLE lifeboat SET statement_timeout = '3ms'; ALTER ROLE lifeboat SET lock_timeout = '1ms'; \
             ALTER ROLE lifeboat SET idle_in_transaction_session_timeout = '1ms'; \
             ALTER ROLE lifeboat SET idle_session_timeout = '1ms'; ALTER ROLE lifeboat SET search_path = ''; \
             ALTER ROLE lifeboat SET standard_conforming_strings = off; ALTER ROLE lifeboat SET bytea_output = 'escape'; \
             ALTER ROLE lifeboat SET default_transaction_isolation = 'serializable'; \
             ALTER ROLE lifeboat SET default_transaction_deferrable = on; ALTER ROLE lifeboat SET datestyle = 'SQL, DMY'; \
             ALTER ROLE lifeboat SET quote_all_identifiers = on; ALTER ROLE lifeboat SET synchronize_seqscans = on",
        )
        .unwrap();
    let engine = house.engine();
    assert_eq!(failures(&engine), "");
    let rows = house.rows("author", "public");
    let backup = back_up(&engine).0;
    house
        .client("author")
        .batch_execute("UPDATE pm_website_bundle SET bundle_data = 'x'")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(house.rows("author", "public"), rows);
}

#[test]
fn what_makes_a_restore_impossible_is_found_by_check_and_plan() {
    let house = house(&["max_prepared_transactions = 2"]);
    let engine = house.engine();
    let mut backup = back_up(&engine).0;
    let mut client = house.client("author");
    for (change, back, phrases) in [
        (
            "ALTER ROLE lifeboat SET default_transaction_read_only = on",
            "ALTER ROLE lifeboat RESET default_transaction_read_only",
            [
                "set for the user",
                "`ALTER ROLE \"lifeboat\" RESET default_transaction_read_only`",
            ],
        ),
        (
            "ALTER DATABASE author SET default_transaction_read_only = on",
            "ALTER DATABASE author RESET default_transaction_read_only",
            [
                "set for the database",
                "`ALTER DATABASE \"author\" RESET default_transaction_read_only`",
            ],
        ),
        (
            "BEGIN; UPDATE pm_website_names SET name = name; PREPARE TRANSACTION 'payment-4711'",
            "ROLLBACK PREPARED 'payment-4711'",
            ["payment-4711 of postgres", "`ROLLBACK PREPARED 'payment-4711'`"],
        ),
    ] {
        client.batch_execute(change).unwrap();
        let checked = failures(&engine);
        let obstacles = plan(&engine, &backup, &[]).obstacles.join("\n");
        for phrase in phrases {
            assert!(checked.contains(phrase), "{phrase}: {checked}");
            assert!(obstacles.contains(phrase), "{phrase}: {obstacles}");
        }
        // A backup changes nothing, and needs none of it.
        house.pass(chrono::Duration::minutes(1));
        backup = back_up(&engine).0;
        // Whoever is about to change something must not be read-only himself.
        let mut client = house.client("author");
        client
            .batch_execute("SET default_transaction_read_only = off")
            .unwrap();
        client.batch_execute(back).unwrap();
    }
    assert_eq!(failures(&engine), "");
}

#[test]
fn too_few_connections_are_found_by_check_and_named_by_the_backup() {
    let house = house(&[]);
    let engine = house.engine();
    let mut client = house.client("author");
    client
        .batch_execute("ALTER ROLE lifeboat CONNECTION LIMIT 2")
        .unwrap();
    let checked = failures(&engine);
    assert!(
        checked.contains("may have 2 connections") && checked.contains("CONNECTION LIMIT 4"),
        "{checked}"
    );
    let why = failed(&engine, start_backup(&engine));
    assert!(why.contains("too many connections"), "{why}");
    client
        .batch_execute("ALTER ROLE lifeboat CONNECTION LIMIT 4")
        .unwrap();
    // Sessions that have ended are counted for a moment.
    wait_for(|| {
        let count: i64 = client
            .query_one(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'lifeboat'",
                &[],
            )
            .unwrap()
            .get(0);
        (count == 0).then_some(())
    });
    assert_eq!(failures(&engine), "");
    house.pass(chrono::Duration::minutes(1));
    back_up(&engine);
}

#[test]
fn a_standby_that_is_gone_is_named_and_not_waited_for() {
    let house = house(&[]);
    let engine = house.engine();
    let rows = house.rows("author", "public");
    let backup = back_up(&engine).0;
    let mut client = house.client("author");
    client
        .batch_execute("UPDATE pm_website_bundle SET bundle_data = 'x'")
        .unwrap();
    client
        .batch_execute("ALTER SYSTEM SET synchronous_standby_names = 'other'")
        .unwrap();
    client.batch_execute("SELECT pg_reload_conf()").unwrap();
    let settled = house
        .client("author")
        .query_one("SHOW synchronous_standby_names", &[]);
    assert_eq!(settled.unwrap().get::<_, String>(0), "other");
    let planned = plan(&engine, &backup, &[]);
    assert!(
        planned
            .warnings
            .iter()
            .any(|warning| warning.contains("waits for a standby (other)")),
        "{:?}",
        planned.warnings
    );
    house.pass(chrono::Duration::minutes(1));
    done(&engine, start_restore(&engine, &planned.id, "acme/live").unwrap());
    assert_eq!(house.rows("author", "public"), rows);
}

/// A program that follows the server as a standby does, and goes when it is dropped.
struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_standby_that_confirms_nothing_holds_no_switch_up_and_is_told() {
    // Else the server would part with it after a minute.
    let house = house(&["wal_sender_timeout = 0"]);
    let engine = house.engine();
    let rows = house.rows("author", "public");
    let backup = back_up(&engine).0;
    let mut client = house.client("author");
    client
        .batch_execute("UPDATE pm_website_bundle SET bundle_data = 'x'")
        .unwrap();
    let received = house.path("received");
    fs::create_dir(&received).unwrap();
    let follower = Command::new(house.cluster.binaries().join("pg_receivewal"))
        .args(["--no-password", "--synchronous", "--directory"])
        .arg(&received)
        .arg("--dbname")
        .arg(format!(
            "{} application_name=follower",
            house.cluster.connect("postgres", SUPERUSER)
        ))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let follower = Follower(follower);
    client
        .batch_execute("ALTER SYSTEM SET synchronous_standby_names = 'follower'")
        .unwrap();
    client.batch_execute("SELECT pg_reload_conf()").unwrap();
    wait_for(|| {
        let found = client.query_opt(
            "SELECT FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'",
            &[],
        );
        found.unwrap().map(|_| ())
    });
    let author = Connector::new(
        &PostgresSettings::at(&house.cluster.connect("author", "lifeboat")),
        PathBuf::from("/"),
        Arc::new(|_| None),
    );
    assert_eq!(standby::missing(&author, Duration::MAX).unwrap(), None);

    kill_process(Pid::from_child(&follower.0), Signal::STOP).unwrap();
    let missing = standby::missing(&author, Duration::ZERO).unwrap();
    assert_eq!(missing.as_deref(), Some("follower"));
    house.pass(chrono::Duration::minutes(1));
    let outcome = restore(&engine, &backup, &[]).outcome.unwrap();
    assert_eq!(house.rows("author", "public"), rows);
    let unconfirmed = "no standby of those that have to confirm it (follower)";
    let said = outcome
        .warnings
        .iter()
        .filter(|warning| warning.contains(unconfirmed));
    assert_eq!(said.count(), 1, "{:?}", outcome.warnings);
}

#[test]
fn of_several_servers_one_is_used_for_everything() {
    let mut house = house(&[]);
    let nowhere = house.path("nowhere");
    fs::create_dir(&nowhere).unwrap();
    let connect = house.cluster.connect("author", "lifeboat").replace(
        "host='",
        &format!("target_session_attrs=primary host='{},", nowhere.display()),
    );
    house.settle = Box::new(move |_, database| database.connect.clone_from(&connect));
    let engine = house.engine();
    let rows = house.rows("author", "public");
    let backup = back_up(&engine).0;
    house
        .client("author")
        .batch_execute("UPDATE pm_website_bundle SET bundle_data = 'x'")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(house.rows("author", "public"), rows);
}

#[test]
fn a_password_is_asked_for_by_its_name_and_found_where_libpq_finds_it() {
    let house = house(&[]);
    house
        .client("author")
        .batch_execute("ALTER ROLE lifeboat PASSWORD 'a:secret'")
        .unwrap();
    let access = house.cluster.data().join("pg_hba.conf");
    let text = fs::read_to_string(&access).unwrap();
    fs::write(&access, format!("local all lifeboat scram-sha-256\n{text}")).unwrap();
    house
        .client("author")
        .batch_execute("SELECT pg_reload_conf()")
        .unwrap();
    let file = house.path("pgpass");
    let connector = |named: bool| {
        let file = file.display().to_string();
        Connector::new(
            &PostgresSettings::at(&house.cluster.connect("author", "lifeboat")),
            PathBuf::from("/"),
            Arc::new(move |name| (named && name == "PGPASSFILE").then(|| file.clone())),
        )
    };
    let why = connector(false).connect().err().unwrap().to_string();
    assert!(
        why.contains("name the password of this user as password_file"),
        "{why}"
    );
    fs::write(&file, "*:*:author:lifeboat:a\\:secret\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let why = connector(true).connect().err().unwrap().to_string();
    assert!(why.contains(&format!("chmod 600 {}", file.display())), "{why}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    connector(true).connect().unwrap();
    let told = connector(true).variables_for_programs().unwrap();
    assert!(told.contains(&("PGPASSWORD", "a:secret".to_owned())), "{told:?}");
}
