//! The program itself, as a process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::tempdir;

use crate::changes::Changes;

/// Runs the program with a home of its own, so that nobody's configuration is used.
pub fn program(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lifeboat"))
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn version_help_and_completions_go_to_standard_output() {
    let home = tempdir().unwrap();
    for (arguments, start) in [
        (&["--version"][..], "lifeboat 0."),
        (&["--help"], "Backs up and recovers"),
        (&["completions", "bash"], "_lifeboat_verbs()"),
        (&["man"], ".ie"),
    ] {
        let output = program(home.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(
            text(&output.stdout).starts_with(start),
            "{}",
            text(&output.stdout)
        );
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn an_unknown_verb_is_wrong_usage() {
    let home = tempdir().unwrap();
    let output = program(home.path(), &["snapshots"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("there is no verb 'snapshots'"));
    assert!(output.stdout.is_empty());
}

#[test]
fn without_a_configuration_it_says_where_one_belongs() {
    let home = tempdir().unwrap();
    let output = program(home.path(), &["environments"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("lifeboat init") && said.contains("lifeboat demo"),
        "{said}"
    );
    assert!(
        said.replace('\n', "").contains(".config/lifeboat/lifeboat.toml"),
        "{said}"
    );

    let info = program(home.path(), &["info", "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    let expected = home.path().join(".config/lifeboat/lifeboat.toml");
    assert_eq!(value["config"], expected.display().to_string());
}

#[test]
fn a_remote_context_is_out_of_reach_of_this_version() {
    let home = tempdir().unwrap();
    let config = home.path().join("lifeboat.toml");
    std::fs::write(
        &config,
        "[contexts.prod]\nbackend = \"https://backups.example.com\"\n",
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_lifeboat"))
        .arg("environments")
        .env_clear()
        .env("HOME", home.path())
        .env("LIFEBOAT_CONFIG", &config)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("https://backups.example.com"));
}

/// Has `init` write a configuration of `acme/live` in `home`, with its content in `author`.
pub fn configured(home: &Path) {
    configured_with(home, &[]);
}

/// The same, with more that it is told.
fn configured_with(home: &Path, more: &[&str]) {
    let instance = format!("author={}", home.join("author").display());
    let usual = [
        "init",
        "--project=acme",
        "--instance",
        &instance,
        "--release-version=v12",
        "--magnolia-version=6.3.4",
    ];
    answer(home, &[&usual, more].concat());
}

/// Runs the program on a configuration that `init` has written in `home`, and returns what it printed as JSON.
pub fn answer(home: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = program(home, &[arguments, &["--json"]].concat());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn from_init_over_a_backup_and_a_restore_to_undo() {
    let home = tempdir().unwrap();
    let page = home.path().join("author/website/home.yaml");
    std::fs::create_dir_all(page.parent().unwrap()).unwrap();
    std::fs::write(&page, "title: Welcome").unwrap();
    configured(home.path());

    let backup = answer(home.path(), &["backup", "acme/live", "--note", "first"]);
    assert_eq!(backup["job"]["state"], "done");
    let second = program(home.path(), &["backup", "acme/live"]);
    assert!(
        !text(&second.stderr).contains("waiting"),
        "{}",
        text(&second.stderr)
    );
    answer(
        home.path(),
        &["backup", "acme/live", "--trigger=upgrade", "--to=6.3.5"],
    );
    let all = program(home.path(), &["verify", "acme/live"]);
    assert!(
        text(&all.stdout).contains("all 2 backups"),
        "{}",
        text(&all.stdout)
    );
    assert!(!text(&all.stdout).contains("backup:"), "{}", text(&all.stdout));
    // What there is not is told before anybody is asked whether they are sure.
    let nothing = program(home.path(), &["undo", "acme/live"]);
    assert_eq!(nothing.status.code(), Some(3));
    let said = text(&nothing.stderr).replace('\n', " ");
    assert!(
        said.contains("there is nothing to undo in acme/live") && !said.contains("type the environment"),
        "{said}"
    );
    std::fs::write(&page, "title: Broken").unwrap();
    let plan = answer(home.path(), &["plan", "acme/live", "manual"]);
    assert_eq!(plan["plan"]["changes"][0]["changed"], 1);

    let refused = program(home.path(), &["restore", "acme/live", "manual"]);
    assert_eq!(refused.status.code(), Some(3));
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "title: Broken");
    let confirmed = ["restore", "acme/live", "manual", "--confirm", "acme/live"];
    assert_eq!(answer(home.path(), &confirmed)["job"]["state"], "done");
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "title: Welcome");
    answer(home.path(), &["undo", "acme/live", "--confirm", "acme/live"]);
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "title: Broken");

    // The job that frees the room ends before the process does.
    answer(home.path(), &["delete", "acme/live", "upgrade"]);
    let jobs = answer(home.path(), &["jobs"]);
    let newest = &jobs["jobs"][0];
    assert_eq!(
        (&newest["kind"], &newest["state"]),
        (&serde_json::json!("prune"), &serde_json::json!("done")),
        "{jobs}"
    );

    // Another key: the backups are there and cannot be read, and that is said.
    std::fs::write(home.path().join(".config/lifeboat/repository.key"), "another\n").unwrap();
    let listed = program(home.path(), &["backups", "acme/live"]);
    assert_eq!(listed.status.code(), Some(1));
    assert!(
        text(&listed.stderr).contains("the key does not open"),
        "{}",
        text(&listed.stderr)
    );
}

#[test]
fn a_detached_backup_goes_on_without_the_process_that_started_it() {
    let home = tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("author/website")).unwrap();
    configured_with(home.path(), &["--uat=uat"]);
    let id = answer(home.path(), &["backup", "acme/live", "--detach"])["job"]["id"].to_string();
    let ended = (0..10_000)
        .map(|_| answer(home.path(), &["jobs", &id]))
        .find(|answer| answer["job"]["ended"].is_string())
        .expect("the job ends");
    assert_eq!(ended["job"]["state"], "done");

    // Whoever has the repository and guesses at its secret needs a fifth of a second and 32 MiB for each guess.
    let keys = home
        .path()
        .join(".local/share/lifeboat/repository/acme/live/keys");
    let key = std::fs::read_dir(keys).unwrap().next().unwrap().unwrap();
    let key: serde_json::Value = serde_json::from_slice(&std::fs::read(key.path()).unwrap()).unwrap();
    assert_eq!(
        (&key["N"], &key["r"], &key["p"]),
        (&(1 << 15).into(), &8.into(), &3.into())
    );

    let refused = program(home.path(), &["backup", "acme/uat", "--detach"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        text(&refused.stderr).contains("only Live is backed up"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn a_demo_that_is_asked_to_end_while_it_makes_its_sandbox_removes_it() {
    let home = tempdir().unwrap();
    let temporary = home.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let made = Changes::in_folder(&temporary);
    let child = Command::new(env!("CARGO_BIN_EXE_lifeboat"))
        .args(["demo", "--headless"])
        .env_clear()
        .env("HOME", home.path())
        .env("TMPDIR", &temporary)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let entries = || std::fs::read_dir(&temporary).unwrap().count();
    made.until(60, || (entries() > 0).then_some(()));
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("the demo was asked to end by a signal"));
    assert_eq!(entries(), 0);
}

#[test]
fn what_a_killed_demo_has_left_goes_with_the_next_one() {
    let home = tempdir().unwrap();
    let temporary = home.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let made = Changes::in_folder(&temporary);
    let demo = || {
        Command::new(env!("CARGO_BIN_EXE_lifeboat"))
            .args(["demo", "--headless"])
            .env_clear()
            .env("HOME", home.path())
            .env("TMPDIR", &temporary)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let sandboxes = || -> Vec<_> {
        let entries = std::fs::read_dir(&temporary).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let mut killed = demo();
    let left = made.until(60, || sandboxes().pop());
    let marked = Changes::in_folder(&left);
    marked.until(60, || left.join("demo.lock").exists().then_some(()));
    // One that is in use is none of another's business.
    let mut beside = demo();
    made.until(60, || (sandboxes().len() == 2).then_some(()));
    assert!(left.exists());
    killed.kill().unwrap();
    killed.wait().unwrap();
    let mut next = demo();
    let mut said = BufReader::new(next.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let told = said.find(|line| line.contains("a demo that was killed has left"));
    assert!(told.is_some_and(|line| line.contains(left.to_str().unwrap())));
    assert!(!left.exists());
    for demo in [&mut next, &mut beside] {
        let id = rustix::process::Pid::from_child(demo);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        demo.wait().unwrap();
    }
    assert_eq!(sandboxes(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let home = tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_lifeboat"))
        .arg("man")
        .env_clear()
        .env("HOME", home.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_hook_sees_its_facts_and_none_of_the_secrets() {
    let home = tempdir().unwrap();
    let content = home.path().join("author");
    std::fs::create_dir_all(content.join("website")).unwrap();
    std::fs::write(content.join("website/home.yaml"), "title: Welcome").unwrap();
    let config = home.path().join("lifeboat.toml");
    let seen = home.path().join("seen");
    std::fs::write(
        &config,
        format!(
            "[repository]\nroot = \"{home}/repository\"\npassword_env = \"KEY_OF_ACME\"\n\
             [[environment]]\nproject = \"acme\"\nname = \"live\"\nkind = \"live\"\n\
             release_version = \"v12\"\nmagnolia_version = \"6.3.4\"\n\
             [[environment.instance]]\nname = \"author\"\nrole = \"author\"\n\
             content = {{ type = \"files\", path = \"{content}\" }}\n\
             hooks = {{ before_backup = [\"sh\", \"-c\", \"env > '{seen}'\"] }}\n",
            home = home.path().display(),
            content = content.display(),
            seen = seen.display(),
        ),
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_lifeboat"))
        .args(["backup", "acme/live"])
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LIFEBOAT_CONFIG", &config)
        .env("KEY_OF_ACME", "the key itself")
        .env("AWS_SECRET_ACCESS_KEY", "the key of a bucket")
        .env("NO_SECRET", "of the operator's")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let seen = std::fs::read_to_string(&seen).unwrap();
    assert!(seen.contains("LIFEBOAT_ENVIRONMENT=acme/live"), "{seen}");
    assert!(seen.contains("NO_SECRET=of the operator's"), "{seen}");
    assert!(!seen.contains("the key"), "{seen}");
    for told in [&output.stdout, &output.stderr] {
        assert!(!text(told).contains("the key itself"));
    }
}

/// A configuration with a receiver that writes down what it is told and what it sees, and one that is not there.
fn with_receivers(home: &Path) -> PathBuf {
    let content = home.join("author");
    let config = home.join("lifeboat.toml");
    let (told, seen) = (home.join("told"), home.join("seen"));
    std::fs::write(
        &config,
        format!(
            "[repository]\nroot = \"{home}/repository\"\npassword_env = \"KEY_OF_ACME\"\n\
             [[environment]]\nproject = \"acme\"\nname = \"live\"\nkind = \"live\"\n\
             release_version = \"v12\"\nmagnolia_version = \"6.3.4\"\n\
             [[environment.instance]]\nname = \"author\"\nrole = \"author\"\n\
             content = {{ type = \"files\", path = \"{content}\" }}\n\
             [[notify]]\nname = \"page\"\nkind = \"command\"\nevents = [\"backup_done\"]\n\
             command = [\"sh\", \"-c\", \"cat >> '{told}'; env > '{seen}'\"]\n\
             [[notify]]\nname = \"dead\"\nkind = \"webhook\"\nurl_env = \"HOOK\"\nevents = [\"backup_done\"]\n",
            home = home.display(),
            content = content.display(),
            told = told.display(),
            seen = seen.display(),
        ),
    )
    .unwrap();
    config
}

#[test]
fn a_verb_tells_receivers_what_it_has_done_before_it_ends() {
    let home = tempdir().unwrap();
    let content = home.path().join("author");
    std::fs::create_dir_all(content.join("website")).unwrap();
    std::fs::write(content.join("website/home.yaml"), "title: Welcome").unwrap();
    let config = with_receivers(home.path());
    let (told, seen) = (home.path().join("told"), home.path().join("seen"));
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_lifeboat"))
            .args(arguments)
            .env_clear()
            .env("HOME", home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LIFEBOAT_CONFIG", &config)
            .env("KEY_OF_ACME", "the key itself")
            // A port that nobody listens on.
            .env("HOOK", "http://127.0.0.1:1/of-the-hook")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let backup = run(&["backup", "acme/live"]);
    assert_eq!(backup.status.code(), Some(0), "{}", text(&backup.stderr));
    let told: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&told).unwrap()).unwrap();
    assert_eq!(
        (&told["event"], &told["environment"]),
        (&"backup_done".into(), &"acme/live".into())
    );
    let seen = std::fs::read_to_string(&seen).unwrap();
    assert!(
        !seen.contains("the key") && !seen.contains("of-the-hook"),
        "{seen}"
    );

    let list = run(&["notify", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let [page, dead] = [&list["receivers"][0], &list["receivers"][1]];
    assert_eq!((&page["name"], &page["waiting"]), (&"page".into(), &0.into()));
    assert_eq!((&dead["name"], &dead["waiting"]), (&"dead".into(), &1.into()));
    assert!(
        dead["why"]
            .as_str()
            .unwrap()
            .contains("127.0.0.1:1 was not reached"),
        "{list}"
    );
    let test = run(&["notify", "test"]);
    assert_eq!(test.status.code(), Some(1));
    assert!(
        text(&test.stderr).contains("1 receiver did not take"),
        "{}",
        text(&test.stderr)
    );
    assert!(
        !text(&test.stdout).contains("of-the-hook"),
        "{}",
        text(&test.stdout)
    );
    assert_eq!(run(&["notify", "test", "page"]).status.code(), Some(0));
    assert_eq!(run(&["notify", "test", "nobody"]).status.code(), Some(2));

    std::fs::write(content.join("website/home.yaml"), "title: Broken <b>").unwrap();
    let restore = run(&[
        "restore",
        "acme/live",
        "manual",
        "--confirm",
        "acme/live",
        "--json",
    ]);
    let restore: serde_json::Value = serde_json::from_slice(&restore.stdout).unwrap();
    let job = restore["job"]["id"].to_string();
    let report = run(&["report", "restore", &job, "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    let phases = report["phases"].as_array().unwrap();
    assert!(
        phases.iter().any(|phase| phase["phase"] == "switching"),
        "{report}"
    );
    assert!(
        report["live_after_millis"].is_u64() && report["work"]["millis"].is_u64(),
        "{report}"
    );
    assert_eq!(report["safety"]["stands"], true);
    let proof = text(&run(&["report", "proof", "--since", "1d"]).stdout);
    assert!(proof.contains("| acme/live | 1 | 0 |"), "{proof}");
}
