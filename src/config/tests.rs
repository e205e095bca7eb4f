//! What a configuration may say, and what is said about one that is wrong.

use std::path::Path;

use super::*;
use crate::domain::settings::{ContentSettings, HookPoint, Hooks, Immutable, SecretSource, VersionSource};
use crate::domain::slot::Slot;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/etc/lifeboat/lifeboat.toml"))
}

fn complaint(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

const REPOSITORY: &str = "[repository]\nroot = \"/srv/repository\"\npassword_file = \"repository.key\"\n";

const LIVE: &str = r#"
[[environment]]
project = "acme"
name = "live"
kind = "live"
release_version = { file = "RELEASE" }
magnolia_version = "6.3.4"
[[environment.instance]]
name = "author"
role = "author"
content = { type = "files", path = "/srv/author" }
"#;

#[test]
fn the_sample_is_a_valid_configuration() {
    let config = parse(SAMPLE).unwrap();
    let names: Vec<_> = config
        .environments
        .iter()
        .map(|environment| environment.environment_name().unwrap().to_string())
        .collect();
    assert_eq!(names, ["acme/live", "acme/uat"]);
    assert_eq!(config.context(None).unwrap().name, "local");
}

#[test]
fn what_the_sample_calls_a_default_is_one() {
    let config = parse(SAMPLE).unwrap();
    let live = &config.environments[0];
    assert_eq!(live.schedule, crate::domain::schedule::Schedule::default());
    assert_eq!(live.keep, crate::domain::slot::Keep::default());
}

#[test]
fn a_shared_catalog_is_an_address_or_a_table() {
    let config = parse("catalog = \"postgres://lifeboat@db.internal/lifeboat\"\n").unwrap();
    let catalog = config.catalog.unwrap();
    assert_eq!(catalog.connect, "postgres://lifeboat@db.internal/lifeboat");
    assert_eq!(catalog.password(), None);
    let table = "catalog = { connect = \"host=db dbname=l\", password_file = \"catalog.password\", ca_file = \"/ca.pem\", node = \"one\" }";
    let catalog = parse(table).unwrap().catalog.unwrap();
    assert_eq!(
        catalog.password(),
        Some(SecretSource::PasswordFile(
            "/etc/lifeboat/catalog.password".into()
        ))
    );
    assert_eq!(catalog.ca_file.as_deref(), Some(Path::new("/ca.pem")));
    assert_eq!(catalog.node.as_deref(), Some("one"));
    for (wrong, why) in [
        ("catalog = \"\"", "has no address"),
        (
            "catalog = { connect = \"host=db\", password_env = \"A\", password_file = \"b\" }",
            "more than one source",
        ),
        (
            "catalog = { connect = \"host=db\", password = \"b\" }",
            "unknown setting",
        ),
        ("catalog = 5", "the address of a database, or a table"),
    ] {
        let error = parse(wrong).unwrap_err().to_string();
        assert!(error.contains(why), "{wrong}: {error}");
    }
}

#[test]
fn relative_paths_count_from_the_folder_of_the_file() {
    let config = parse(&format!("{REPOSITORY}{LIVE}")).unwrap();
    let repository = config.repository.unwrap();
    assert_eq!(
        repository.key,
        SecretSource::PasswordFile("/etc/lifeboat/repository.key".into())
    );
    assert_eq!(repository.root.folder(), Some(Path::new("/srv/repository")));
    assert_eq!(
        config.environments[0].release_version,
        Some(VersionSource::File {
            file: "/etc/lifeboat/RELEASE".into()
        })
    );
    let ContentSettings::Files { path } = &config.environments[0].instances[0].content else {
        panic!("the content is a folder");
    };
    assert_eq!(path, Path::new("/srv/author"));
}

#[test]
fn hooks_and_health_are_read_with_their_limits() {
    let instance = |lines: &str| {
        let config = parse(&format!("{REPOSITORY}{LIVE}{lines}\n"));
        config.map(|mut config| config.environments.remove(0).instances.remove(0))
    };
    let plain = instance("health = \"http://author:8080/.rest/health\"").unwrap();
    assert_eq!(plain.health.unwrap().limit.to_string(), "3m");
    assert_eq!(plain.hooks, Hooks::default());
    assert_eq!(plain.hooks.limit.to_string(), "5m");

    let full = instance(
        "health = { url = \"https://author/health\", limit = \"90s\" }\n\
         hooks = { limit = \"10m\", before_backup = [\"hold\", \"on\"], after_backup = [\"./go\"], \
         before_restore = [\"/bin/stop\"], after_restore = [\"start\"] }",
    )
    .unwrap();
    let health = full.health.unwrap();
    assert_eq!(
        (health.url.as_str(), health.limit.to_string().as_str()),
        ("https://author/health", "90s")
    );
    assert_eq!(full.hooks.limit.to_string(), "10m");
    let programs: Vec<_> = HookPoint::ALL
        .into_iter()
        .map(|point| full.hooks.at(point)[0].as_str())
        .collect();
    // Only a program with a slash in it is a path, and a relative one counts from the folder of the file.
    assert_eq!(programs, ["hold", "/etc/lifeboat/./go", "/bin/stop", "start"]);

    let shared = instance(
        "[[environment.instance.node]]\nname = \"one\"\nhealth = \"http://one/health\"\n\
         hooks = { before_restore = [\"./stop\"] }\n\
         [[environment.instance.node]]\nname = \"two\"\ncluster_id = \"mgnl-2\"\nsearch_indexes = [\"/net/two/{workspace}/index\"]",
    )
    .unwrap();
    let [one, two] = &shared.nodes[..] else {
        panic!("{:?}", shared.nodes);
    };
    assert_eq!((one.cluster_id(), two.cluster_id()), ("one", "mgnl-2"));
    assert_eq!(one.health.as_ref().unwrap().limit.to_string(), "3m");
    assert_eq!(one.hooks.before_restore, ["/etc/lifeboat/./stop"]);

    for (lines, complaint) in [
        ("health = \"author:8080\"", "begins with http:// or https://"),
        (
            "[[environment.instance.node]]\nname = \"one\"\nhealth = \"one:8080\"",
            "the health address of author/one is",
        ),
        (
            "[[environment.instance.node]]\nname = \"a node\"",
            "is not a usable name",
        ),
        (
            "[[environment.instance.node]]\nname = \"one\"\n[[environment.instance.node]]\nname = \"one\"",
            "two nodes of author are called one",
        ),
        (
            "health = { url = \"http://a\", limit = \"soon\" }",
            "health has to be an address",
        ),
        ("hooks = { limit = \"0s\" }", "is not a time limit"),
        (
            "hooks = { before_backup = [\"\"] }",
            "the before_backup hook of author names no program",
        ),
        ("hooks = { during_backup = [\"x\"] }", "unknown setting"),
    ] {
        let why = instance(lines).unwrap_err().to_string();
        assert!(why.contains(complaint), "{lines}: {why}");
    }
}

#[test]
fn every_source_of_the_key_is_understood() {
    let key = |line: &str| {
        let config = parse(&format!("[repository]\nroot = \"/r\"\n{line}\n{LIVE}")).unwrap();
        config.repository.unwrap().key
    };
    assert_eq!(
        key("password_command = [\"pass\", \"show\"]"),
        SecretSource::PasswordCommand(vec!["pass".into(), "show".into()])
    );
    assert_eq!(
        key("password_env = \"KEY\""),
        SecretSource::PasswordEnv("KEY".into())
    );
}

#[test]
fn a_bucket_its_options_and_a_second_repository_are_understood() {
    let text = format!(
        "[repository]\nroot = \"s3://store/life\"\npassword_env = \"KEY\"\n[repository.options]\n\
         endpoint = \"https://s3.example.com\"\nca_file = \"ca.pem\"\nbandwidth = \"10 MiB\"\n\
         secret_access_key_file = \"secret\"\n[repository.copy]\nroot = \"../copies\"\n{LIVE}"
    );
    let repository = parse(&text).unwrap().repository.unwrap();
    assert_eq!(repository.root.to_string(), "s3://store/life");
    assert_eq!(repository.options.bandwidth, Some(10 << 20));
    assert_eq!(
        repository.options.secret_access_key_file.as_deref(),
        Some(Path::new("/etc/lifeboat/secret"))
    );
    assert_eq!(
        repository.options.ca_file.as_deref(),
        Some(Path::new("/etc/lifeboat/ca.pem"))
    );
    let copy = repository.copy.unwrap();
    assert_eq!(copy.root.folder(), Some(Path::new("/etc/lifeboat/../copies")));
    assert_eq!((copy.key, copy.slots), (None, vec![Slot::Monthly]));
}

#[test]
fn a_bucket_whose_objects_are_kept_and_the_key_that_deletes_are_understood() {
    let text = format!(
        "[repository]\nroot = \"s3://store/life\"\npassword_env = \"KEY\"\nimmutable = \"30d\"\n\
         [repository.options.deletions]\naccess_key_id_file = \"delete.id\"\n\
         secret_access_key_env = \"DELETE\"\n[repository.copy]\nroot = \"s3://other/life\"\n\
         immutable = \"4w\"\n{LIVE}"
    );
    let repository = parse(&text).unwrap().repository.unwrap();
    assert_eq!(repository.options.immutable, Some(Immutable::days(30)));
    let deletions = repository.options.deletions.unwrap();
    assert_eq!(
        deletions.access_key_id_file.as_deref(),
        Some(Path::new("/etc/lifeboat/delete.id"))
    );
    assert_eq!(deletions.secret_access_key_env.as_deref(), Some("DELETE"));
    let copy = repository.copy.unwrap().options;
    assert_eq!(
        (copy.immutable, copy.deletions),
        (Some(Immutable::days(28)), None)
    );
}

#[test]
fn what_is_wrong_about_a_repository_is_said() {
    let told = |root: &str, rest: &str| {
        let text = format!("[repository]\nroot = \"{root}\"\npassword_env = \"KEY\"\n{rest}\n{LIVE}");
        parse(&text).unwrap_err().to_string()
    };
    let options = |line: &str| told("s3://store/x", &format!("[repository.options]\n{line}"));
    for (said, part) in [
        (told("gs://store/x", ""), "write a folder, or s3://BUCKET/PREFIX"),
        (
            told("/srv/r", "[repository.options]\nregion = \"eu-1\""),
            "the root is a folder",
        ),
        (
            options("secret_access_key = \"x\""),
            "unknown setting `secret_access_key`",
        ),
        (options("endpoint = \"s3.example.com\""), "begins with https://"),
        (options("bandwidth = \"fast\""), "for example \"10 MiB\""),
        (options("connections = 0"), "connections is 0"),
        (
            options("access_key_id_env = \"A\"\naccess_key_id_file = \"b\""),
            "only one of access_key_id_env and access_key_id_file",
        ),
        (
            options("credentials = \"aws\"\naccess_key_id_env = \"A\""),
            "as Amazon's tools find them",
        ),
        (
            told("/srv/r", "immutable = \"30d\""),
            "immutable is for a root in a bucket",
        ),
        (
            told("s3://store/x", "immutable = \"30\""),
            "from \"1d\" to \"366d\"",
        ),
        (
            options("deletions = { access_key_id_env = \"A\", secret_access_key_env = \"B\" }"),
            "without it the first key deletes",
        ),
        (
            told(
                "s3://store/x",
                "immutable = \"30d\"\n[repository.options.deletions]\naccess_key_id_env = \"A\"",
            ),
            "lacks secret_access_key_file or secret_access_key_env",
        ),
        (
            told("/srv/r", "[repository.copy]\nroot = \"/srv/r\""),
            "a copy in the same place is no copy",
        ),
        (
            told("/srv/r", "[repository.copy]\nroot = \"/srv/c\"\nslots = []"),
            "slots is empty",
        ),
    ] {
        assert!(said.contains(part) && said.contains("line "), "{said}");
    }
}

#[test]
fn the_context_is_the_named_one_the_default_one_or_the_only_one() {
    let name = |text: &str, named| parse(text).unwrap().context(named).map(|context| context.name);
    let implicit = format!("{REPOSITORY}{LIVE}");
    assert_eq!(name(&implicit, None).unwrap(), "local");
    assert_eq!(name(&implicit, Some("local")).unwrap(), "local");
    assert!(
        name(&implicit, Some("prod"))
            .unwrap_err()
            .to_string()
            .contains("it has only local")
    );

    let only = "[contexts.prod]\nbackend = \"https://backups.example.com\"\nread_only = true\n";
    assert_eq!(name(only, None).unwrap(), "prod");
    let context = parse(only).unwrap().context(None).unwrap().context;
    assert_eq!(
        context.backend,
        BackendAddress::Remote("https://backups.example.com".into())
    );
    assert!(context.read_only);

    let two = format!("{only}[contexts.test]\nbackend = \"embedded\"\n");
    assert!(name(&two, None).unwrap_err().to_string().contains("(prod, test)"));
    assert_eq!(name(&two, Some("test")).unwrap(), "test");
    assert_eq!(
        name(&format!("default_context = \"test\"\n{two}"), None).unwrap(),
        "test"
    );
    assert!(matches!(
        parse("").unwrap().context(None),
        Err(ConfigError::Empty { .. })
    ));
}

#[test]
fn a_missing_file_leads_to_init_and_demo() {
    let error = Config::load(Path::new("/nonexistent/lifeboat.toml")).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ConfigError::Missing { .. }));
    assert!(
        text.contains("lifeboat init") && text.contains("lifeboat demo"),
        "{text}"
    );
}

#[test]
fn a_pipe_or_a_device_in_its_place_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("lifeboat.toml");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    for (place, told) in [
        (pipe.as_path(), "no regular file"),
        (Path::new("/dev/zero"), "no regular file"),
        (folder.path(), "a folder"),
    ] {
        let error = Config::load(place).unwrap_err();
        assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(told) && text.contains(&place.display().to_string()),
            "{text}"
        );
    }
}

#[test]
fn complaints_name_the_file_the_line_and_what_to_write() {
    let cases = [
        ("unknown_setting", "colour = \"red\"\n".to_owned()),
        ("not_toml", "[contexts.local]\nbackend = embedded\n".to_owned()),
        ("backend", "[contexts.local]\nbackend = \"enbedded\"\n".to_owned()),
        (
            "default_context",
            format!("default_context = \"prod\"\n{REPOSITORY}{LIVE}"),
        ),
        ("no_key", format!("[repository]\nroot = \"/r\"\n{LIVE}")),
        ("two_keys", format!("{REPOSITORY}password_env = \"KEY\"\n{LIVE}")),
        (
            "repository_slip",
            format!("{REPOSITORY}pasword = \"KEY\"\n{LIVE}"),
        ),
        ("no_repository", LIVE.to_owned()),
        (
            "no_version",
            format!(
                "{REPOSITORY}{}",
                LIVE.replace("magnolia_version = \"6.3.4\"\n", "")
            ),
        ),
        (
            "bad_version",
            format!("{REPOSITORY}{}", LIVE.replace("\"6.3.4\"", "6.3")),
        ),
        (
            "version_slip",
            format!("{REPOSITORY}{}", LIVE.replace("{ file", "{ path")),
        ),
        (
            "kind",
            format!("{REPOSITORY}{}", LIVE.replace("\"live\"\nrel", "\"prod\"\nrel")),
        ),
        (
            "bad_name",
            format!("{REPOSITORY}{}", LIVE.replace("\"acme\"", "\"ac me\"")),
        ),
        (
            "relative_content",
            format!("{REPOSITORY}{}", LIVE.replace("/srv/author", "author")),
        ),
        (
            "content_type",
            format!("{REPOSITORY}{}", LIVE.replace("\"files\"", "\"folder\"")),
        ),
        ("no_jobs", format!("{REPOSITORY}{LIVE}[engine]\njobs = 0\n")),
        ("twice", format!("{REPOSITORY}{LIVE}{LIVE}")),
        (
            "window",
            format!(
                "{REPOSITORY}{}",
                LIVE.replace("magnolia", "schedule = { window = \"0-1\" }\nmagnolia")
            ),
        ),
        (
            "month_day",
            format!(
                "{REPOSITORY}{}",
                LIVE.replace("magnolia", "schedule = { monthly_on = 32 }\nmagnolia")
            ),
        ),
        (
            "weekday",
            format!(
                "{REPOSITORY}{}",
                LIVE.replace("magnolia", "schedule = { weekly_on = \"funday\" }\nmagnolia")
            ),
        ),
    ];
    let complaints: Vec<_> = cases
        .into_iter()
        .map(|(name, text)| format!("{name}: {}", complaint(&text)))
        .collect();
    insta::assert_snapshot!(complaints.join("\n"));
}

#[test]
fn what_is_kept_lies_apart_from_the_content() {
    for (written, part) in [
        (
            REPOSITORY.replace("/srv/repository", "/srv/author/backups"),
            "the repository in /srv/author/backups lies in the content of author, in /srv/author",
        ),
        (
            REPOSITORY.replace("/srv/repository", "/srv/author"),
            "the repository",
        ),
        (
            REPOSITORY.replace("/srv/repository", "../../srv/other/../author/x"),
            "the repository",
        ),
        (
            format!("{REPOSITORY}[repository.copy]\nroot = \"/srv/author/copies\"\n"),
            "the second repository",
        ),
        (
            format!("state = \"/srv/author/state\"\n{REPOSITORY}"),
            "the state folder",
        ),
    ] {
        let said = complaint(&format!("{written}{LIVE}"));
        assert!(said.contains(part) && said.contains("line "), "{said}");
    }
    let scratch = LIVE.replace(
        "[[environment.instance]]",
        "drill = { scratch = \"/srv/author/scratch\" }\n[[environment.instance]]",
    );
    let said = complaint(&format!("{REPOSITORY}{scratch}"));
    assert!(said.contains("the scratch folder of drills"), "{said}");
    // Beside it is apart, whatever the names begin with, and so is what lies above.
    for root in ["/srv/author-backups", "/srv", "s3://author/backups"] {
        parse(&format!("{}{LIVE}", REPOSITORY.replace("/srv/repository", root))).unwrap();
    }
}
