//! What one client may ask for: size, time, rate; and the certificate.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lifeboat::domain::token::Role;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::{House, Token, answered, lay_out, with_json};

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_json_and_not_too_large() {
    let house = House::with("limits = { body_bytes = 200 }", "").await;
    let owner = house.owner().await;
    let path = "/environments/acme/live/backups";
    let request = || {
        house
            .request(Method::POST, path, Some(&owner))
            .header("idempotency-key", "k")
    };
    let text = answered(request().header("content-type", "text/plain").body("{}")).await;
    assert_eq!((text.status, text.kind().as_str()), (415, "not_json"));
    let large = answered(with_json(request(), &json!({ "note": "x".repeat(200) }))).await;
    assert_eq!((large.status, large.kind().as_str()), (413, "too_large"));
    for body in [
        "",
        "{",
        "[]",
        "{\"notes\":1}",
        "{\"note\":\"a\\u0007\"}",
        "\u{ff}",
    ] {
        let odd = answered(request().header("content-type", "application/json").body(body)).await;
        assert_eq!((odd.status, odd.kind().as_str()), (400, "bad_request"), "{body}");
    }
    assert_eq!(house.get("/jobs", &owner).await.json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let house = House::with("limits = { request_time = \"1s\" }", "").await;
    let owner = house.owner().await;
    let address = house.server.as_ref().unwrap().address();
    let mut slow = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/v1/notifications/seen HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{{",
        owner.0
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("\"too_late\""),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_waits() {
    let house = House::with("limits = { per_token = 2, per_address = 2 }", "").await;
    let owner = house.owner().await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let answer = house.get("/jobs", &owner).await;
        if answer.status == 429 {
            assert_eq!(
                (answer.kind().as_str(), &answer.headers["retry-after"]),
                ("too_many_requests", &"1".parse().unwrap())
            );
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses[..4], [200; 4]);
    assert!(statuses.contains(&429), "{statuses:?}");
    let mut strangers = Vec::new();
    for _ in 0..6 {
        strangers.push(answered(house.request(Method::GET, "/jobs", None)).await.status);
    }
    assert!(
        strangers[..4] == [401; 4] && strangers.contains(&429),
        "{strangers:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_token_is_let_in_whatever_else_comes_from_its_address() {
    let house = House::with("limits = { per_address = 1 }", "").await;
    let owner = house.owner().await;
    let wrong = Token(format!("lb_{}", "A".repeat(43)));
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(house.get("/jobs", &wrong).await.status);
    }
    assert_eq!(statuses[..2], [401; 2]);
    assert!(statuses.contains(&429), "{statuses:?}");
    // It was never seen before, as after a restart of the service.
    assert_eq!(house.get("/jobs", &owner).await.status, 200);
    assert_eq!(house.get("/jobs", &wrong).await.status, 429);
}

/// The status with which the service answers what is sent on a connection of its own.
async fn status_of(house: &House, request: &str) -> String {
    let address = house.server.as_ref().unwrap().address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_many_connections_and_asks_nothing_keeps_nobody_out() {
    let house = House::with("limits = { connections = 4 }", "").await;
    let address = house.server.as_ref().unwrap().address();
    let mut idle = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\n").await.unwrap();
        idle.push(stream);
    }
    let ask = "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for _ in 0..5 {
        assert_eq!(status_of(&house, ask).await, "200");
    }
    // The oldest had to go long ago.
    let mut rest = Vec::new();
    let ended = idle[0].read_to_end(&mut rest);
    let ended = tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap();
    assert!(ended.is_err() || rest.is_empty(), "{rest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_connections_are_at_work_health_is_told() {
    let house = House::with("limits = { connections = 1 }", "").await;
    let owner = house.owner().await;
    let mut stream = house
        .request(Method::GET, "/events", Some(&owner))
        .send()
        .await
        .unwrap();
    assert_eq!(stream.status(), 200);
    assert!(stream.chunk().await.unwrap().is_some());
    for path in ["/livez", "/readyz"] {
        let answer = answered(house.request(Method::GET, path, None)).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.headers["connection"], "close");
    }
    let refused = house.get("/jobs", &owner).await;
    assert_eq!(
        (refused.status, refused.kind().as_str()),
        (503, "too_many_connections")
    );
    drop(stream);
    let asked = async {
        // Each is answered, and the one after it meets what has changed meanwhile.
        while house.get("/jobs", &owner).await.status != 200 {}
    };
    tokio::time::timeout(Duration::from_secs(30), asked)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_says_once_for_whom_it_is() {
    let house = House::new().await;
    for (version, hosts, status) in [
        ("1.1", "host: backups.example.com:8443\r\n", "200"),
        ("1.1", "host: [::1]:8443\r\n", "200"),
        ("1.0", "", "200"),
        ("1.1", "", "400"),
        ("1.1", "host: \r\n", "400"),
        ("1.1", "host: a b\r\n", "400"),
        ("1.1", "host: kim@a\r\n", "400"),
        ("1.1", "host: a\r\nhost: a\r\n", "400"),
        ("1.0", "host: a\r\nhost: b\r\n", "400"),
    ] {
        let request = format!("GET /livez HTTP/{version}\r\n{hosts}connection: close\r\n\r\n");
        assert_eq!(status_of(&house, &request).await, status, "{request:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_do_not_fill_the_catalog() {
    let house = House::with("limits = { per_token = 1000 }", "").await;
    let owner = house.owner().await;
    house.backup(&owner).await;
    let viewer = house.token("vera", Role::Viewer, &[]).await;
    let path = "/environments/acme/live/plans";
    let ofs = |workspaces: serde_json::Value| json!({ "backup": "manual", "selection": { "workspaces": workspaces } });
    for odd in [
        json!(["x".repeat(256)]),
        json!(["a\u{1b}b"]),
        json!(vec!["website"; 501]),
    ] {
        let refused = house.post(path, &viewer, ofs(odd)).await;
        assert_eq!((refused.status, refused.kind().as_str()), (400, "bad_request"));
    }
    let unknown: Vec<String> = (0..100).map(|number| format!("w{number}")).collect();
    let plan = house.post(path, &viewer, ofs(json!(unknown))).await.json();
    let obstacles = plan["obstacles"].as_array().unwrap();
    assert!(
        obstacles
            .iter()
            .any(|line| line == "80 more of what was chosen is not in the backup"),
        "{obstacles:?}"
    );
    let theirs = house.post(path, &owner, ofs(json!([]))).await.json();
    for _ in 0..30 {
        assert_eq!(house.post(path, &viewer, ofs(json!([]))).await.status, 201);
    }
    let kept = house
        .engine
        .on_catalog(|catalog| catalog.notes("plan"))
        .await
        .unwrap();
    assert_eq!(kept.len(), 21);
    // Nobody drops the plans of others.
    assert!(
        kept.contains(&theirs["id"].as_str().unwrap().to_owned()),
        "{kept:?}"
    );
}

/// Makes a certificate for localhost with this serial number.
fn certificate(folder: &Path, serial: &str) {
    let settings = "[req]\ndistinguished_name = dn\nx509_extensions = ext\nprompt = no\n[dn]\nCN = localhost\n\
                    [ext]\nsubjectAltName = IP:127.0.0.1\nbasicConstraints = CA:FALSE\n";
    std::fs::write(folder.join("openssl.cnf"), settings).unwrap();
    let made = Command::new("openssl")
        .args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -config openssl.cnf"
                .split(' '),
        )
        .args(["-set_serial", serial, "-keyout", "new.key", "-out", "new.pem"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    for name in ["key", "pem"] {
        std::fs::rename(
            folder.join(format!("new.{name}")),
            folder.join(format!("tls.{name}")),
        )
        .unwrap();
    }
}

fn client_that_trusts(folder: &Path) -> reqwest::Client {
    let pem = std::fs::read(folder.join("tls.pem")).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_without_a_restart() {
    let files = tempfile::tempdir().unwrap();
    let folder = files.path();
    certificate(folder, "1");
    let tls = format!(
        "tls = {{ certificate_file = \"{0}/tls.pem\", key_file = \"{0}/tls.key\" }}",
        folder.display()
    );
    let mut house = House::with(&tls, "").await;
    let owner = house.owner().await;
    house.client = client_that_trusts(folder);
    assert_eq!(house.get("/jobs", &owner).await.json(), json!([]));
    // A key that does not fit the certificate is not taken over.
    let good = std::fs::read(folder.join("tls.key")).unwrap();
    std::fs::write(folder.join("tls.key"), "nonsense").unwrap();
    assert_eq!(house.get("/jobs", &owner).await.status, 200);
    std::fs::write(folder.join("tls.key"), good).unwrap();
    certificate(folder, "2");
    house.client = client_that_trusts(folder);
    // Each connection is shown a certificate, and the one after it what has changed meanwhile.
    let shown = async {
        while house
            .request(Method::GET, "/jobs", Some(&owner))
            .send()
            .await
            .is_err()
        {}
    };
    tokio::time::timeout(Duration::from_secs(30), shown)
        .await
        .unwrap();
}

#[test]
fn plain_http_for_everybody_has_to_be_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let file = lay_out(folder.path(), "", "");
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace("127.0.0.1:0", "0.0.0.0:0");
    let error = lifeboat::config::Config::parse(&text, &file)
        .unwrap_err()
        .to_string();
    assert!(error.contains("plain_http = true"), "{error}");
}
