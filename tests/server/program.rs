//! The program itself: `lifeboat serve` as it is started by a system, and `lifeboat token` beside it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::house::{client, lay_out};

fn lifeboat(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
    command.arg("--config").arg(config).env_remove("LIFEBOAT_STATE");
    command
}

fn token(config: &Path, arguments: &[&str]) -> Output {
    lifeboat(config).arg("token").args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .trim()
        .to_owned()
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn it_is_started_told_about_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let config = lay_out(folder.path(), "", "");
    let made = token(
        &config,
        &["create", "olga", "--role", "owner", "--expires", "30d"],
    );
    let unknown = token(
        &config,
        &["create", "nina", "--role", "viewer", "--project", "acmee"],
    );
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    assert!(
        String::from_utf8_lossy(&unknown.stderr).contains("acme, globex"),
        "{unknown:?}"
    );
    let secret = text(&made);
    assert!(secret.starts_with("lb_") && secret.len() == 46, "{made:?}");
    let again = token(&config, &["create", "olga", "--role", "viewer"]);
    assert_eq!(again.status.code(), Some(3), "{again:?}");
    assert!(again.stdout.is_empty(), "{again:?}");
    let notify = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    let mut service = lifeboat(&config)
        .arg("serve")
        .env("NOTIFY_SOCKET", folder.path().join("notify"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(service.stderr.take().unwrap())
        .lines()
        .map(|line| {
            let line = line.unwrap();
            serde_json::from_str::<Value>(&line).unwrap_or_else(|_| panic!("{line}"))
        });
    let listening = lines.find(|line| line["message"] == "listening").unwrap();
    let address = listening["address"].as_str().unwrap().to_owned();
    let told = || {
        let mut buffer = [0; 64];
        let length = notify.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    assert_eq!(told(), "READY=1");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ask = |secret: &str| {
        let request = client()
            .get(format!("http://{address}/api/v1/environments"))
            .header("authorization", format!("Bearer {secret}"));
        runtime.block_on(request.send()).unwrap().status().as_u16()
    };
    assert_eq!(ask(&secret), 200);
    let rotated = text(&token(&config, &["rotate", "olga"]));
    assert_eq!(ask(&rotated), 200);
    let list = lifeboat(&config)
        .args(["--json", "token", "list"])
        .output()
        .unwrap();
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(
        (&list["tokens"][0]["name"], &list["tokens"][0]["role"]),
        (&json!("olga"), &json!("owner"))
    );
    assert!(!list.to_string().contains(&rotated[3..]), "{list}");
    assert!(token(&config, &["revoke", "olga"]).status.success());
    assert_eq!(token(&config, &["revoke", "olga"]).status.code(), Some(2));

    signal(&service, "TERM");
    assert_eq!(told(), "STOPPING=1");
    assert!(lines.any(|line| line["message"] == "stopped"));
    assert!(service.wait().unwrap().success());

    let verified = lifeboat(&config).args(["activity", "--verify"]).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
    assert!(text(&verified).contains("All 3 entries"), "{verified:?}");
}

/// A program that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_writes_down_what_jobs_do() {
    let folder = tempfile::tempdir().unwrap();
    let hook = "hooks = { before_backup = [\"false\"] }";
    let config = lay_out(folder.path(), "", hook);
    let made = token(&config, &["create", "olga", "--role", "owner"]);
    let secret = text(&made);
    let mut service = Ended(
        lifeboat(&config)
            .arg("serve")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(service.0.stderr.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let listening = lines.find(|line| line["message"] == "listening").unwrap();
    let address = listening["address"].as_str().unwrap().to_owned();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (project, state, level) in [("globex", "done", "info"), ("acme", "failed", "error")] {
        let request = client()
            .post(format!(
                "http://{address}/api/v1/environments/{project}/live/backups"
            ))
            .header("authorization", format!("Bearer {secret}"))
            .header("content-type", "application/json")
            .header("idempotency-key", project)
            .body("{}");
        let answer = runtime.block_on(request.send()).unwrap();
        assert_eq!(
            answer.status().as_u16(),
            202,
            "{:?}",
            runtime.block_on(answer.text())
        );
        let mut next = |message: &str| lines.find(|line| line["message"] == message).unwrap();
        let (began, ended) = (next("job began"), next("job ended"));
        for line in [&began, &ended] {
            assert_eq!(
                (&line["environment"], &line["kind"], &line["by"]),
                (
                    &json!(format!("{project}/live")),
                    &json!("backup"),
                    &json!("olga")
                ),
                "{line}"
            );
        }
        assert_eq!((&ended["level"], &ended["state"]), (&json!(level), &json!(state)));
        assert!(ended["took_millis"].is_u64(), "{ended}");
        assert_eq!(ended["summary"].is_string(), state == "done", "{ended}");
        assert_eq!(ended["why"].is_string(), state == "failed", "{ended}");
        let told = next("notification");
        assert_eq!(
            (&told["job"], &told["level"]),
            (&began["job"], &json!(level)),
            "{told}"
        );
    }
    signal(&service.0, "TERM");
    assert!(lines.any(|line| line["message"] == "stopped"));
    assert!(service.0.wait().unwrap().success());
}

#[test]
fn a_configuration_that_changes_is_taken_over_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let config = lay_out(folder.path(), "", "");
    let secret = text(&token(&config, &["create", "olga", "--role", "owner"]));
    let mut service = Ended(
        lifeboat(&config)
            .arg("serve")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(service.0.stderr.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let mut next = |message: &str| lines.find(|line| line["message"] == message).unwrap();
    let address = next("listening")["address"].as_str().unwrap().to_owned();
    next("ready");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let asked = |what: &str| -> Value {
        let request = client()
            .get(format!("http://{address}/api/v1/{what}"))
            .header("authorization", format!("Bearer {secret}"));
        let answer = runtime.block_on(async { request.send().await.unwrap().text().await.unwrap() });
        serde_json::from_str(&answer).unwrap()
    };
    // What a check says of the service's own file, as soon as it says that.
    let said_of_the_file = |verdict: &str| {
        for _ in 0..600 {
            let report = asked("check");
            let finding = &report["findings"][0];
            assert_eq!(finding["about"], "configuration", "{report}");
            if finding["verdict"] == verdict {
                return finding["detail"].as_str().unwrap().to_owned();
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("a check never says {verdict}");
    };
    let environments = || {
        let answer = asked("environments");
        let all = answer.as_array().unwrap_or_else(|| panic!("{answer}"));
        all.iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(environments(), ["acme/live", "acme/uat", "globex/live"]);
    let written = std::fs::read_to_string(&config).unwrap();

    // The file has changed: what can be taken over is, and the rest is told.
    let more = format!(
        "{}[[environment]]\nproject = \"acme\"\nname = \"integration\"\nkind = \"integration\"\n",
        written
            .replace("127.0.0.1:0", "127.0.0.1:1")
            .replace("globex", "globex2")
    );
    std::fs::rename(folder.path().join("globex"), folder.path().join("globex2")).unwrap();
    std::fs::write(&config, &more).unwrap();
    let read = next("the configuration was read again");
    assert_eq!(
        read["taken_over"],
        json!([
            "acme/integration is new",
            "globex2/live is new",
            "globex/live is gone"
        ])
    );
    let waits = next("part of the configuration is used after a new start only");
    assert_eq!(
        (&waits["waits"], &waits["level"]),
        (&json!(["listen of [server]"]), &json!("warn"))
    );
    assert_eq!(
        environments(),
        ["acme/integration", "acme/live", "acme/uat", "globex2/live"]
    );

    // A mistake is told, and changes nothing.
    std::fs::write(&config, more.replace("kind = \"uat\"", "kind = \"uta\"")).unwrap();
    let wrong = next("the configuration is not used");
    assert!(wrong["why"].as_str().unwrap().contains("uta"), "{wrong}");
    let told = said_of_the_file("failed");
    assert!(told.contains("uta") && told.contains("stays in use"), "{told}");
    assert_eq!(
        environments(),
        ["acme/integration", "acme/live", "acme/uat", "globex2/live"]
    );

    // A signal does the same at once.
    std::fs::write(&config, more.replace("name = \"uat\"", "name = \"test\"")).unwrap();
    signal(&service.0, "HUP");
    let read = next("the configuration was read again");
    assert_eq!(
        read["taken_over"],
        json!(["acme/test is new", "acme/uat is gone"])
    );
    said_of_the_file("ok");
    signal(&service.0, "TERM");
    next("stopped");
    assert!(service.0.wait().unwrap().success());
}

#[test]
fn a_log_that_was_changed_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let config = lay_out(folder.path(), "", "");
    for name in ["a", "b", "c"] {
        assert!(
            token(&config, &["create", name, "--role", "viewer"])
                .status
                .success()
        );
    }
    let catalog = rusqlite::Connection::open(folder.path().join("state/catalog.sqlite")).unwrap();
    catalog
        .execute("UPDATE activity SET asked_by = 'nobody' WHERE number = 2", [])
        .unwrap();
    let verified = lifeboat(&config)
        .args(["--json", "activity", "--verify"])
        .output()
        .unwrap();
    assert_eq!(verified.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(report["broken"]["number"], 2);
    assert!(String::from_utf8_lossy(&verified.stderr).contains("entry 2"));
}
