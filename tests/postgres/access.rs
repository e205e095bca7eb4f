//! How a database is reached: with a password from outside, and encrypted, signed by an authority of the operator's own.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use lifeboat::domain::settings::{CatalogSettings, PostgresSettings};

use crate::house::{House, back_up, failed, restore, start_backup};

const PASSWORD: &str = "p'ss \\wörd";

/// A house whose server lets `lifeboat` in over TCP, encrypted or not, with its password alone.
fn house() -> House {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let house = House::filled(&["author"], port, &["password_encryption = 'scram-sha-256'"]);
    let data = house.cluster.data();
    let rules = fs::read_to_string(data.join("pg_hba.conf")).unwrap();
    fs::write(
        data.join("pg_hba.conf"),
        format!("host author lifeboat 127.0.0.1/32 scram-sha-256\n{rules}"),
    )
    .unwrap();
    house
        .client("author")
        .batch_execute(&format!(
            "CREATE ROLE lifeboat SUPERUSER LOGIN PASSWORD E'{}'; SELECT pg_reload_conf()",
            PASSWORD.replace('\\', "\\\\").replace('\'', "''")
        ))
        .unwrap();
    house
}

fn connect(house: &House, host: &str) -> String {
    format!(
        "host={host} port={} dbname=author user=lifeboat",
        house.cluster.port()
    )
}

#[test]
fn a_password_comes_from_a_file_or_a_command() {
    let mut house = house();
    let connect = connect(&house, "127.0.0.1");
    let file = house.path("password");
    fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let wrong = house.path("wrong-password");
    fs::write(&wrong, "wrong\n").unwrap();
    let program = house.path("ask");
    fs::write(&program, format!("#!/bin/sh\ncat '{}'\n", file.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();

    let (at, known) = (connect.clone(), file.clone());
    house.settle = Box::new(move |_, database| {
        database.connect.clone_from(&at);
        database.password_file = Some(known.clone());
    });
    let original = house.rows("author", "public");
    let backup = back_up(&house.engine());
    let at = connect.clone();
    house.settle = Box::new(move |_, database| {
        database.connect.clone_from(&at);
        database.password_command = Some(vec![program.display().to_string()]);
    });
    house
        .client("author")
        .batch_execute("TRUNCATE pm_dam_bundle")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&house.engine(), &backup.0, &[]);
    assert_eq!(house.rows("author", "public"), original);

    for (file, expected) in [
        (Some(wrong), "look at the user, its password"),
        (Some(house.path("nowhere")), "nowhere"),
        (None, "password"),
    ] {
        let at = connect.clone();
        house.settle = Box::new(move |_, database| {
            database.connect.clone_from(&at);
            database.password_file.clone_from(&file);
        });
        house.pass(chrono::Duration::minutes(1));
        let engine = house.engine();
        let why = failed(&engine, start_backup(&engine));
        assert!(why.contains(expected), "{why}");
        assert!(!why.contains(PASSWORD), "{why}");
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openssl {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn make_authority(folder: &Path, name: &str) {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} \
             -keyout {name}.key -out {name}.pem"
        ),
    );
}

/// Lets the server of the house take encrypted connections alone, with a certificate of the authority `ours`. There is
/// one called `theirs` as well.
fn encrypt(house: &House) {
    let folder = house.folder.path().to_owned();
    make_authority(&folder, "ours");
    make_authority(&folder, "theirs");
    openssl(
        &folder,
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
    );
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(
        &folder,
        "x509 -req -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 2 -extfile names -out server.crt",
    );
    let data = house.cluster.data();
    let owner = fs::metadata(&data).unwrap();
    for name in ["server.key", "server.crt"] {
        fs::copy(folder.join(name), data.join(name)).unwrap();
        chown(data.join(name), Some(owner.uid()), Some(owner.gid())).unwrap();
        fs::set_permissions(data.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let rules = fs::read_to_string(data.join("pg_hba.conf")).unwrap();
    let rules = rules.replacen("host author ", "hostssl author,catalog ", 1);
    fs::write(data.join("pg_hba.conf"), rules).unwrap();
    set_encryption(house, "on");
    fs::write(house.path("password"), PASSWORD).unwrap();
}

/// Turns encryption on or off, and waits until connections are taken that way.
fn set_encryption(house: &House, how: &str) {
    let mut client = house.client("author");
    client
        .batch_execute(&format!("ALTER SYSTEM SET ssl = {how}"))
        .unwrap();
    client.batch_execute("SELECT pg_reload_conf()").unwrap();
    crate::gate::wait_for(|| {
        let row = house.client("author").query_one("SHOW ssl", &[]).unwrap();
        (row.get::<_, &str>(0) == how).then_some(())
    });
}

#[test]
fn the_catalog_of_several_machines_is_reached_the_same_way() {
    let house = house();
    house.cluster.create("catalog").unwrap();
    encrypt(&house);
    let open = |host: &str, authority: &str| {
        let connect = connect(&house, host).replace("dbname=author", "dbname=catalog");
        let mut catalog = CatalogSettings::at(&connect);
        catalog.password_file = Some(house.path("password"));
        catalog.ca_file = Some(house.path(authority));
        let mut settings = house.engine_settings();
        settings.catalog = Some(catalog);
        house.try_engine_with(settings)
    };
    let engine = open("localhost", "ours.pem").unwrap();
    back_up(&engine);
    // All of its sessions, that of the lease among them.
    let sessions = house
        .client("catalog")
        .query_one(
            "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
             WHERE datname = 'catalog' AND usename = 'lifeboat'",
            &[],
        )
        .unwrap();
    let (all, encrypted): (i64, i64) = (sessions.get(0), sessions.get(1));
    assert!(all >= 2 && encrypted == all, "{encrypted} of {all}");
    for (host, authority, expected) in [
        ("localhost", "theirs.pem", "is signed by nobody who is known here"),
        ("127.0.0.1", "ours.pem", ", not for 127.0.0.1"),
    ] {
        let why = open(host, authority).err().unwrap().to_string();
        assert!(why.contains(expected), "{host} {authority}: {why}");
        assert!(why.contains("the certificate of the server"), "{why}");
        assert!(!why.contains(PASSWORD), "{why}");
    }
    // A server that speaks in the clear alone is not spoken to.
    let data = house.cluster.data();
    let rules = fs::read_to_string(data.join("pg_hba.conf")).unwrap();
    fs::write(data.join("pg_hba.conf"), rules.replacen("hostssl ", "host ", 1)).unwrap();
    set_encryption(&house, "off");
    let why = open("localhost", "ours.pem").err().unwrap().to_string();
    assert!(why.contains("TLS"), "{why}");
}

#[test]
fn a_connection_is_encrypted_and_the_server_has_to_be_the_right_one() {
    let mut house = house();
    encrypt(&house);
    let mut try_with = |host: &str, authority: Option<&str>| {
        let connect = connect(&house, host);
        let password = house.path("password");
        let authority = authority.map(|name| house.path(name));
        house.settle = Box::new(move |_, database| {
            database.connect.clone_from(&connect);
            database.password_file = Some(password.clone());
            database.ca_file.clone_from(&authority);
        });
        house.pass(chrono::Duration::minutes(1));
        let engine = house.engine();
        let job = start_backup(&engine);
        (engine, job)
    };
    let (engine, job) = try_with("localhost", Some("ours.pem"));
    crate::house::done(&engine, job);
    for (host, authority, expected) in [
        (
            "localhost",
            Some("theirs.pem"),
            "signed by nobody who is known here",
        ),
        ("127.0.0.1", Some("ours.pem"), ", not for 127.0.0.1"),
        ("localhost", Some("password"), "there is none in it"),
        ("localhost", Some("nowhere.pem"), "nowhere.pem"),
    ] {
        let (engine, job) = try_with(host, authority);
        let why = failed(&engine, job);
        assert!(why.contains(expected), "{host} {authority:?}: {why}");
    }
}

#[test]
fn encryption_that_is_asked_for_needs_to_know_whom_to_trust() {
    let mut house = house();
    let connect = format!("{} sslmode=require", connect(&house, "localhost"));
    let password = house.path("password");
    fs::write(&password, PASSWORD).unwrap();
    house.settle = Box::new(move |_, database| {
        database.connect.clone_from(&connect);
        database.password_file = Some(password.clone());
        database.ca_file = None;
    });
    let engine = house.engine();
    let why = failed(&engine, start_backup(&engine));
    assert!(
        why.contains("asks for encryption") && why.contains("ca_file"),
        "{why}"
    );
    assert!(crate::house::backups(&engine).is_empty());
}

#[test]
fn whoever_looks_at_a_database_is_told_that_it_may_be_the_authority_that_is_missing() {
    let house = house();
    let rules = house.cluster.data().join("pg_hba.conf");
    let text = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, format!("hostnossl all lifeboat all reject\n{text}")).unwrap();
    encrypt(&house);
    for (host, authority, wants_ca_file) in [
        ("localhost", Some("ours.pem"), None),
        // The server takes what is encrypted only, and says no more than no.
        ("localhost", None, Some(true)),
        ("localhost", Some("theirs.pem"), Some(true)),
        // It is the right authority, and another name.
        ("127.0.0.1", Some("ours.pem"), Some(false)),
        ("localhost", Some("nowhere.pem"), Some(false)),
    ] {
        let mut settings = PostgresSettings::at(&connect(&house, host));
        settings.password_file = Some(house.path("password"));
        settings.ca_file = authority.map(|name| house.path(name));
        let looked = lifeboat::engine::look_at_database(&settings, Path::new("/"), Arc::new(|_| None));
        let told = looked.err().map(|why| why.wants_ca_file);
        assert_eq!(told, wants_ca_file, "{host} {authority:?}");
    }
}
