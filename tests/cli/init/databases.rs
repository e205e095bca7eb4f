//! Databases: looked at before anything is written.

use std::fs;
use std::path::Path;

use lifeboat::config::Config;
use lifeboat::demo::cluster::{Cluster, SUPERUSER};
use lifeboat::domain::settings::{ContentSettings, PostgresSettings};

use super::{Place, flowing};
use crate::harness::lifeboat;

/// A server with a database as Jackrabbit has one, and how it is reached.
fn cluster(name: &str) -> (Cluster, String) {
    let place = std::env::temp_dir().join(format!("lifeboat-init-{name}-{}", std::process::id()));
    let cluster = Cluster::start(&place, 0, &[]).unwrap();
    let connect = cluster.connect("postgres", SUPERUSER);
    let mut client = postgres::Client::connect(&connect, postgres::NoTls).unwrap();
    client.batch_execute("CREATE SCHEMA jcr").unwrap();
    for stem in ["jcr.pm_config", "jcr.pm_website", "jcr.version"] {
        let statement = format!(
            "CREATE TABLE {stem}_bundle (node_id_hi bigint NOT NULL, node_id_lo bigint NOT NULL, \
             bundle_data bytea NOT NULL, PRIMARY KEY (node_id_hi, node_id_lo))"
        );
        client.batch_execute(&statement).unwrap();
    }
    (cluster, connect)
}

/// The one database of a configuration.
fn database(file: &Path) -> PostgresSettings {
    let config = Config::load(file).unwrap();
    match &config.environments[0].instances[0].content {
        ContentSettings::Postgres(database) => (**database).clone(),
        ContentSettings::Files { path } | ContentSettings::Home { path } => {
            panic!("it is in {}", path.display())
        }
    }
}

#[test]
fn a_database_is_looked_at_before_anything_is_written() {
    let place = Place::new();
    let (cluster, connect) = cluster("scripted");
    fs::create_dir(place.path("store")).unwrap();
    fs::write(place.path("password"), "unused\n").unwrap();
    fs::create_dir_all(place.path("magnolia/repository/namespaces")).unwrap();
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let author = format!("--postgres=author={connect}");
    let more = [
        "--schema=author=jcr".to_owned(),
        format!("--data-store=author={}", place.text("store")),
        format!("--password-file=author={}", place.text("password")),
        format!("--home=author={}", place.text("magnolia")),
        "--search-index=author=/srv/magnolia/repositories/{workspace}/index".to_owned(),
    ];
    let scripted = |flags: &[&str]| {
        let fixed = [
            "init",
            "--yes",
            "--project=acme",
            "--release-version=v12",
            "--magnolia-version=6.3.4",
            config.as_str(),
        ];
        let repository = place.repository_flag();
        let all: Vec<&str> = fixed
            .into_iter()
            .chain([repository.as_str()])
            .chain(flags.iter().copied())
            .collect();
        lifeboat(&all).ends()
    };
    let gone = connect.replace("lifeboat-init", "lifeboat-gone");
    for wrong in [
        format!("--postgres=author={gone}"),
        format!("--postgres=author={connect} password=secret"),
    ] {
        let ended = scripted(&[&wrong]);
        assert_eq!(ended.code, 2, "{}", ended.err);
        let said: Vec<_> = ended.err.split_whitespace().collect();
        assert!(said.join(" ").contains("Nothing was written"), "{}", ended.err);
        assert!(!place.path("etc").exists());
    }
    let wrong = format!("--home=author={}", place.text("magnolia/repository"));
    let ended = scripted(&[&author, &wrong]);
    let said: Vec<_> = ended.err.split_whitespace().collect();
    let right = format!("name {} as home. Nothing was written", place.text("magnolia"));
    assert!(said.join(" ").contains(&right), "{}", ended.err);
    assert_eq!(ended.code, 2);
    let ended = scripted(&[&author, "--schema=public=jcr"]);
    assert!(ended.err.contains("has no --postgres"), "{}", ended.err);
    assert_eq!(ended.code, 2);

    let flags: Vec<&str> = [author.as_str()]
        .into_iter()
        .chain(more.iter().map(String::as_str))
        .collect();
    let ended = scripted(&flags);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let said: Vec<_> = ended.out.split_whitespace().collect();
    let said = said.join(" ");
    assert!(said.contains("2 workspaces: config "), "{said}");
    assert!(said.contains("shared: version storage "), "{said}");
    let file = place.path("etc/lifeboat.toml");
    let text = place.stable(&fs::read_to_string(&file).unwrap());
    let text = text.replace(&cluster.socket().display().to_string(), "/SOCKET");
    insta::assert_snapshot!("init_database_config", text);
    let mut expected = PostgresSettings::at(&connect);
    expected.schema = "jcr".to_owned();
    expected.data_store = Some(place.path("store"));
    expected.password_file = Some(place.path("password"));
    expected.home = Some(place.path("magnolia"));
    expected.search_indexes = vec!["/srv/magnolia/repositories/{workspace}/index".into()];
    assert_eq!(database(&file), expected);
}

#[test]
fn on_a_terminal_it_asks_for_a_database_until_it_answers() {
    let place = Place::new();
    let (cluster, connect) = cluster("asked");
    fs::create_dir(place.path("store")).unwrap();
    fs::create_dir_all(place.path("magnolia/repository/namespaces")).unwrap();
    let answers = format!(
        "acme\n\ndatabase\nhost=/nonexistent dbname=magnolia\njcr\n\n{connect} sslmode=require\n\n\n{missing}\n\n{connect}\n\n{missing}\n\n{missing}\n{store}\n{home}/repository\n{home}\n\n\nv12\n6.3.4\n{repository}\n\n\n\n",
        missing = place.text("missing"),
        store = place.text("store"),
        home = place.text("magnolia"),
        repository = place.text("repository"),
    );
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["init", &config]).typing(&answers).ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    let said = place.stable(&flowing(&ended.err));
    let said = said.replace(&cluster.socket().display().to_string(), "/SOCKET");
    // How much an empty table takes is the server's affair.
    let said = without_sizes(&said);
    insta::assert_snapshot!("init_asked_database", said);
    let mut expected = PostgresSettings::at(&connect);
    expected.schema = "jcr".to_owned();
    expected.data_store = Some(place.path("store"));
    expected.home = Some(place.path("magnolia"));
    assert_eq!(database(&place.path("etc/lifeboat.toml")), expected);
}

/// Sizes in a text, each as `SIZE`.
fn without_sizes(text: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    let mut index = 0;
    while index + 1 < words.len() {
        let is_number = words[index].parse::<f64>().is_ok();
        if is_number && words[index + 1].starts_with("KiB") {
            words[index] = "SIZE";
        }
        index += 1;
    }
    words.join(" ")
}
