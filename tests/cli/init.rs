//! `lifeboat init`: what it asks, what it refuses, and that what it writes works.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use lifeboat::config::Config;
use lifeboat::demo::cluster::{Cluster, SUPERUSER};
use lifeboat::domain::settings::{ContentSettings, PostgresSettings, StorageOptions};
use tempfile::TempDir;

use crate::harness::{Ended, lifeboat};
use crate::object_storage::Store;

/// A folder with content for an author and a public.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for folder in [
            "author/config",
            "author/website",
            "author/dam",
            "public-1/website",
        ] {
            fs::create_dir_all(place.path(folder)).unwrap();
        }
        fs::write(place.path("author/loose.txt"), "not a workspace").unwrap();
        fs::write(place.path("RELEASE"), "v12\n").unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The folder's own name differs in each run.
    fn stable(&self, text: &str) -> String {
        text.replace(&self.0.path().display().to_string(), "/PLACE")
    }

    /// Everything answered by arguments.
    fn scripted(&self, more: &[&str]) -> Ended {
        let arguments = [
            "init".to_owned(),
            "--yes".to_owned(),
            "--project=acme".to_owned(),
            format!("--instance=author={}", self.text("author")),
            format!("--instance=public-1={}", self.text("public-1")),
            format!("--release-version=@{}", self.text("RELEASE")),
            "--magnolia-version=6.3.4".to_owned(),
            "--uat=uat".to_owned(),
            format!("--config={}", self.text("etc/lifeboat.toml")),
        ];
        let arguments: Vec<&str> = arguments
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .collect();
        lifeboat(&arguments).ends()
    }

    fn repository_flag(&self) -> String {
        format!("--repository={}", self.text("repository"))
    }
}

fn key(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn what_it_writes_works_at_once() {
    let place = Place::new();
    let ended = place.scripted(&[&place.repository_flag()]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("init_scripted", place.stable(&ended.transcript()));

    let file = place.path("etc/lifeboat.toml");
    insta::assert_snapshot!("init_config", place.stable(&fs::read_to_string(&file).unwrap()));
    let config = Config::load(&file).unwrap();
    assert_eq!(config.context(None).unwrap().name, "local");
    assert_eq!(config.environments.len(), 2);
    assert_eq!(
        config.repository.unwrap().root.folder(),
        Some(&*place.path("repository"))
    );

    let key_file = place.path("etc/repository.key");
    assert_eq!(key(&key_file), "a5".repeat(32) + "\n");
    assert_eq!(
        fs::metadata(&key_file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn nothing_that_exists_is_overwritten() {
    let place = Place::new();
    fs::create_dir(place.path("etc")).unwrap();
    fs::write(place.path("etc/repository.key"), "an older key\n").unwrap();
    let ended = place.scripted(&[&place.repository_flag()]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(key(&place.path("etc/repository.key")), "an older key\n");
    assert!(ended.out.contains("was there before, and is used"));

    let before = fs::read_to_string(place.path("etc/lifeboat.toml")).unwrap();
    let again = place.scripted(&[&place.repository_flag()]);
    assert_eq!(again.code, 2);
    assert!(
        again.err.replace('\n', " ").contains("is not overwritten"),
        "{}",
        again.err
    );
    assert_eq!(
        fs::read_to_string(place.path("etc/lifeboat.toml")).unwrap(),
        before
    );
}

#[test]
fn an_empty_file_is_no_key() {
    let place = Place::new();
    fs::create_dir(place.path("etc")).unwrap();
    fs::write(place.path("etc/repository.key"), "").unwrap();
    let ended = place.scripted(&[&place.repository_flag()]);
    assert_eq!(ended.code, 2);
    assert!(!place.path("etc/lifeboat.toml").exists());
}

#[test]
fn places_inside_one_another_are_refused_before_anything_is_written() {
    let place = Place::new();
    let flags = [
        format!("--repository={}", place.text("author/backups")),
        format!("--repository={}", place.text("")),
        format!("--repository={}", place.text("etc")),
        format!("--key={}", place.text("author/key")),
        format!("--instance=public-2={}", place.text("missing")),
        format!("--instance=public-2={}", place.text("author/dam")),
    ];
    for flag in flags {
        let ended = place.scripted(&[&flag]);
        assert_eq!(ended.code, 2, "{flag}: {}", ended.err);
        assert!(!place.path("etc").exists(), "{flag}");
    }
}

#[test]
fn without_a_terminal_missing_answers_are_named() {
    let ended = lifeboat(&["init", "--yes"]).ends();
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("--project is missing"), "{}", ended.err);
    let ended = lifeboat(&["init", "--project=acme", "--instance=author"]).ends();
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("NAME=DIR"), "{}", ended.err);
}

#[test]
fn on_a_terminal_it_asks() {
    let place = Place::new();
    let answers = format!(
        "acme\n\n{missing}\n{author}\n{public}\n\nv12\n6.3.4\n{repository}\n\nuat\n\n",
        missing = place.text("missing"),
        author = place.text("author"),
        public = place.text("public-1"),
        repository = place.text("repository"),
    );
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["init", &config]).typing(&answers).ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("init_asked", place.stable(&ended.err));
    assert!(
        place
            .stable(&ended.out)
            .contains("3 workspaces: config, dam, website"),
        "{}",
        ended.out
    );
    let config = Config::load(&place.path("etc/lifeboat.toml")).unwrap();
    let names: Vec<_> = config
        .environments
        .iter()
        .map(|environment| environment.name.as_str())
        .collect();
    assert_eq!(names, ["live", "uat"]);
}

#[test]
fn an_answer_that_cannot_be_used_is_asked_for_again() {
    let place = Place::new();
    let answers = format!(
        "\nac me\nacme\nli/ve\n\n\n{author}\n\n@{missing}\nv12\n\n6.3.4\n{inside}\n{repository}\n{locked}\n\nlive\nuat\n\n",
        author = place.text("author"),
        missing = place.text("missing"),
        inside = place.text("author/backups"),
        repository = place.text("repository"),
        locked = place.text("repository/key"),
    );
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["init", &config]).typing(&answers).ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("init_asked_again", place.stable(&ended.err));
}

#[test]
fn answers_that_end_too_early_write_nothing() {
    let place = Place::new();
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["init", &config]).typing("acme\n").ends();
    assert_eq!(ended.code, 1);
    assert!(!place.path("etc").exists());
}

/// The home of a repository whose nodes are where this class keeps them.
fn make_home(home: &Path, class: &str) {
    for workspace in ["dam", "website"] {
        let folder = home.join("workspaces").join(workspace);
        fs::create_dir_all(folder.join("db")).unwrap();
        let text = format!("<Workspace name=\"a\"><PersistenceManager class=\"{class}\"/></Workspace>");
        fs::write(folder.join("workspace.xml"), text).unwrap();
        fs::write(folder.join("db/itemState.mv.db"), "nodes").unwrap();
    }
    for folder in ["repository/meta", "version"] {
        fs::create_dir_all(home.join(folder)).unwrap();
    }
}

#[test]
fn the_home_of_a_repository_is_recognised_wherever_it_is_pointed_at() {
    let place = Place::new();
    let home = place.path("repositories/magnolia");
    make_home(
        &home,
        "org.apache.jackrabbit.core.persistence.pool.H2PersistenceManager",
    );
    let arguments = |pointed: &str, more: &[&str]| {
        let _ = fs::remove_dir_all(place.path("etc"));
        let instance = format!("--instance=author={}", place.text(pointed));
        let config = format!("--config={}", place.text("etc/lifeboat.toml"));
        let repository = place.repository_flag();
        let given = [
            "init",
            "--yes",
            "--project=acme",
            "--release-version=v12",
            "--magnolia-version=6.3.4",
        ];
        let all: Vec<&str> = given
            .into_iter()
            .chain([&*instance, &*config, &*repository])
            .chain(more.iter().copied())
            .collect();
        lifeboat(&all).ends()
    };
    for pointed in [
        "repositories",
        "repositories/magnolia",
        "repositories/magnolia/workspaces/dam",
    ] {
        let more = [
            "--stop=author=systemctl stop magnolia",
            "--start=author=systemctl start magnolia",
        ];
        let ended = arguments(pointed, &more);
        assert_eq!(ended.code, 0, "{}", ended.err);
        let told = ended.out.replace('\n', " ");
        assert!(told.contains("2 workspaces: dam, website"), "{told}");
        let config = Config::load(&place.path("etc/lifeboat.toml")).unwrap();
        let author = &config.environments[0].instances[0];
        let ContentSettings::Home { path } = &author.content else {
            panic!("{:?}", author.content);
        };
        assert_eq!(path, &home.canonicalize().unwrap());
        assert_eq!(author.hooks.before_backup, ["systemctl", "stop", "magnolia"]);
        assert_eq!(author.hooks.after_restore, ["systemctl", "start", "magnolia"]);
    }
    let ended = arguments("author", &["--stop=author=systemctl stop magnolia"]);
    assert_eq!(ended.code, 2, "{}", ended.out);
    assert!(ended.err.contains("--stop"), "{}", ended.err);
    // Half of what is needed, and what would have to be read as a shell reads it.
    for (given, missing) in [
        (&["--stop=author=systemctl stop magnolia"][..], "--start=author"),
        (&["--start=author=systemctl start magnolia"], "--stop=author"),
        (
            &[
                "--stop=author=su magnolia -c 'bin/stop now'",
                "--start=author=bin/start",
            ],
            "without a shell",
        ),
        (
            &[
                "--stop=author=bin/stop",
                "--stop=author=bin/halt",
                "--start=author=bin/start",
            ],
            "twice",
        ),
        (
            &["--stop=author= ", "--start=author=bin/start"],
            "names no command",
        ),
    ] {
        let ended = arguments("repositories/magnolia", given);
        assert_eq!(ended.code, 2, "{}", ended.out);
        let told = ended.err.replace('\n', " ");
        assert!(told.contains(missing), "{given:?}: {told}");
        assert!(!place.path("etc").exists());
    }
    // Two of them: which one is meant?
    make_home(
        &place.path("repositories/magnolia-public"),
        "a.H2PersistenceManager",
    );
    let ended = arguments("repositories", &[]);
    assert_eq!(ended.code, 2, "{}", ended.out);
    let told = ended.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("the homes of 2 Jackrabbit repositories") && told.contains("magnolia-public"),
        "{told}"
    );

    make_home(
        &home,
        "org.apache.jackrabbit.core.persistence.pool.PostgreSQLPersistenceManager",
    );
    let ended = arguments("repositories/magnolia/workspaces", &[]);
    assert_eq!(ended.code, 2, "{}", ended.out);
    let told = ended.err.replace('\n', " ");
    assert!(told.contains("PostgreSQL database"), "{told}");
    assert!(!place.path("etc").exists());
}

#[test]
fn on_a_terminal_it_asks_how_the_server_of_a_home_is_stopped() {
    let place = Place::new();
    make_home(&place.path("magnolia"), "a.H2PersistenceManager");
    let answers = format!(
        "acme\n\n{home}\nsh -c 'stop it'\nsystemctl stop magnolia\nsystemctl start magnolia\n\nv12\n6.3.4\n{repository}\n\n\n\n",
        home = place.text("magnolia/workspaces"),
        repository = place.text("repository"),
    );
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["init", &config]).typing(&answers).ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.err.contains("Command that stops the server of author"),
        "{}",
        ended.err
    );
    let config = Config::load(&place.path("etc/lifeboat.toml")).unwrap();
    let author = &config.environments[0].instances[0];
    assert!(matches!(author.content, ContentSettings::Home { .. }));
    assert_eq!(author.hooks.before_restore, ["systemctl", "stop", "magnolia"]);
    assert_eq!(author.hooks.after_backup, ["systemctl", "start", "magnolia"]);
}

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
        "acme\n\ndatabase\nhost=/nonexistent dbname=magnolia\njcr\n\n{connect}\n\n{missing}\n\n{missing}\n{store}\n{home}/repository\n{home}\n\n\nv12\n6.3.4\n{repository}\n\n\n\n",
        missing = place.text("missing"),
        store = place.text("store"),
        home = place.text("magnolia"),
        repository = place.text("repository"),
    );
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["init", &config]).typing(&answers).ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    let said = place.stable(&ended.err);
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

/// Files with the keys of the S3 server.
fn keys(place: &Place) -> [String; 2] {
    [("id", "key"), ("secret", "secret")].map(|(name, text)| {
        fs::write(place.path(name), format!("{text}\n")).unwrap();
        place.text(name)
    })
}

#[test]
fn a_bucket_is_tried_before_anything_is_written() {
    let place = Place::new();
    let store = Store::new();
    let [id, secret] = keys(&place);
    let endpoint = format!("--endpoint=http://127.0.0.1:{}", store.port);
    let root = format!("--repository=s3://{}/lifeboat", store.bucket);
    let files = [
        format!("--access-key-id-file={id}"),
        format!("--secret-access-key-file={secret}"),
    ];
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let elsewhere = format!("--endpoint=http://{gone}");
    let folder = place.repository_flag();
    for (flags, expected) in [
        (
            [
                &endpoint,
                "--repository=s3://nowhere/at/all",
                &files[0],
                &files[1],
            ],
            "nowhere",
        ),
        ([&elsewhere, &root, &files[0], &files[1]], "no connection"),
        (
            [&endpoint, &root, "--region=us-east-1", &files[1]],
            "AWS_ACCESS_KEY_ID",
        ),
        (
            [&endpoint, &folder, &files[0], &files[1]],
            "are about object storage",
        ),
        (
            ["--endpoint=s3.example.com", &root, &files[0], &files[1]],
            "is no address of a service",
        ),
        (
            [&endpoint, "--repository=gs://bucket", &files[0], &files[1]],
            "is not a place for a repository",
        ),
    ] {
        let flags: [&str; 4] = flags;
        let ended = place.scripted(&flags);
        let said: Vec<_> = ended.err.split_whitespace().collect();
        assert_eq!(ended.code, 2, "{flags:?}: {}", ended.err);
        assert!(said.join(" ").contains(expected), "{flags:?}: {}", ended.err);
        assert!(!place.path("etc").exists(), "{flags:?}");
    }

    let ended = place.scripted(&[&endpoint, &root, "--region=eu-central-1", &files[0], &files[1]]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let file = place.path("etc/lifeboat.toml");
    let repository = Config::load(&file).unwrap().repository.unwrap();
    assert_eq!(repository.root, store.address("lifeboat"));
    let expected = StorageOptions {
        endpoint: Some(format!("http://127.0.0.1:{}", store.port)),
        region: "eu-central-1".to_owned(),
        access_key_id_file: Some(id.into()),
        secret_access_key_file: Some(secret.into()),
        ..StorageOptions::default()
    };
    assert_eq!(repository.options, expected);
    // Trying it has left nothing there.
    assert_eq!(store.objects("lifeboat"), Vec::<String>::new());
}

#[test]
fn backups_that_are_in_a_bucket_already_are_told_of() {
    let place = Place::new();
    let store = Store::new();
    let [id, secret] = keys(&place);
    store.put("lifeboat/acme/live/config", b"as a repository has it");
    let ended = place.scripted(&[
        &format!("--endpoint=http://127.0.0.1:{}", store.port),
        &format!("--repository=s3://{}/lifeboat", store.bucket),
        &format!("--access-key-id-file={id}"),
        &format!("--secret-access-key-file={secret}"),
    ]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let said: Vec<_> = ended.out.split_whitespace().collect();
    assert!(
        said.join(" ")
            .contains("backups of Live are there already: the key has to be theirs"),
        "{}",
        ended.out
    );
}

#[test]
fn on_a_terminal_it_asks_for_a_bucket_until_it_answers() {
    let place = Place::new();
    let store = Store::new();
    let [id, secret] = keys(&place);
    let endpoint = format!("http://127.0.0.1:{}", store.port);
    let answers = format!(
        "acme\n\n{author}\n\nv12\n6.3.4\n\
         gs://bucket\ns3://nowhere\n127.0.0.1\n{endpoint}\n\nfolders\nfiles\n{missing}\n{id}\n{secret}\n\
         s3://{bucket}/lifeboat\n{endpoint}\n\nfiles\n{id}\n{secret}\n\n\n\n",
        author = place.text("author"),
        missing = place.text("missing"),
        bucket = store.bucket,
    );
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["init", &config]).typing(&answers).ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    let stable = |text: &str| {
        let text = place.stable(text).replace(&endpoint, "http://ENDPOINT");
        text.replace(&store.bucket, "BUCKET")
    };
    insta::assert_snapshot!("init_asked_bucket", stable(&ended.err));
    let file = place.path("etc/lifeboat.toml");
    let text = fs::read_to_string(&file).unwrap();
    insta::assert_snapshot!("init_bucket_config", stable(&text));
    let repository = Config::load(&file).unwrap().repository.unwrap();
    assert_eq!(repository.root, store.address("lifeboat"));
}

#[test]
fn programs_get_what_was_written() {
    let place = Place::new();
    let ended = place.scripted(&[&place.repository_flag(), "--json"]);
    let value: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(value["config"], place.text("etc/lifeboat.toml"));
    assert_eq!(value["password_file"], place.text("etc/repository.key"));
    assert_eq!(value["environments"][0], "acme/live");
    assert_eq!(value["instances"][1]["workspaces"][0], "website");
}

#[test]
fn the_sample_is_printed_and_nothing_is_written() {
    let ended = lifeboat(&["init", "--sample"]).ends();
    assert_eq!(ended.out, lifeboat::config::SAMPLE);
}
