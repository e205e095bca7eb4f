//! Homes of repositories: recognised wherever they are pointed at, and how their server is stopped.

use std::fs;
use std::path::Path;

use lifeboat::config::Config;
use lifeboat::domain::settings::ContentSettings;

use super::Place;
use crate::harness::lifeboat;

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
