//! How a client comes by its token, and whom it trusts.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use lifeboat::backend::remote::{Pace, Remote, RemoteSettings};
use lifeboat::backend::{Backend, BackendError};

use crate::service::{self, quick, settings};
use crate::{PATIENCE, house, tls};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_logs_in_has_a_token_that_nobody_else_can_read() {
    let (_, service) = house().await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("lifeboat.toml");
    let lifeboat = |arguments: &[&str], typed: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lifeboat"))
            .args(arguments)
            .env("LIFEBOAT_CONFIG", &config)
            .env("LIFEBOAT_STATE", folder.path().join("state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let ended = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            ended.status.code().unwrap(),
            text(ended.stdout),
            text(ended.stderr),
        )
    };
    let address = service.address.clone();
    let (code, _, why) =
        tokio::task::block_in_place(|| lifeboat(&["login", &address, "--name", "prod"], "lb_wrong\n"));
    assert_eq!(code, 4, "{why}");
    let why = why.replace('\n', " ");
    assert!(
        why.contains("does not accept this token, and nothing was stored") && !why.contains("lb_wrong"),
        "{why}"
    );
    assert!(
        why.contains("`lifeboat token create`") && !why.contains("`lifeboat login"),
        "{why}"
    );
    assert!(!config.exists(), "what does not work is not stored");
    let typed = format!("{}\n", service::TOKEN);
    let (code, out, why) =
        tokio::task::block_in_place(|| lifeboat(&["login", &address, "--name", "prod"], &typed));
    assert_eq!(code, 0, "{why}");
    assert!(
        out.contains("prod.token") && !out.contains(service::TOKEN),
        "{out}"
    );
    let mode = std::fs::metadata(folder.path().join("prod.token"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let verb = |arguments: &[&str]| tokio::task::block_in_place(|| lifeboat(arguments, ""));
    let (code, out, _) = verb(&["environments"]);
    assert!(code == 0 && out.contains("globex/live"), "{out}");
    let (code, out, _) = verb(&["info"]);
    assert!(
        code == 0 && out.contains(&address) && out.contains("prod"),
        "{out}"
    );
    let here = format!("{} (on this machine)", config.display());
    assert!(out.contains(&here), "{out}");
    let (code, out, _) = verb(&["nodes"]);
    assert!(
        code == 0 && !out.contains("this one") && !out.contains("this machine"),
        "{out}"
    );
    let (code, out, why) = verb(&["backup", "acme/live", "--detach"]);
    assert_eq!((code, out.trim()), (0, "32"), "{why}");
    let (code, _, why) = verb(&["backups", "acme/nowhere"]);
    assert_eq!(code, 2, "{why}");
    // Logging in again renews the token, and changes nothing else.
    let before = std::fs::read_to_string(&config).unwrap();
    let (code, ..) = tokio::task::block_in_place(|| lifeboat(&["login", "prod"], &typed));
    assert_eq!((code, std::fs::read_to_string(&config).unwrap()), (0, before));
    drop(service);
    let (code, _, why) = verb(&["environments"]);
    assert_eq!(code, 4, "{why}");
    let (code, out, why) = verb(&["info"]);
    assert_eq!(code, 0, "{why}");
    assert!(
        out.contains("Not connected: ") && !out.contains("Needs you"),
        "{out}"
    );
}

/// What is said of a service with a certificate.
async fn distrusted(
    folder: &std::path::Path,
    from: &str,
    until: &str,
    host: &str,
    authority: &str,
) -> String {
    let port = tls::serve(folder, from, until);
    let remote = Remote::new(RemoteSettings {
        ca_file: Some(folder.join(authority)),
        // Asked once more only after this would be over.
        pace: Pace {
            first_wait: PATIENCE * 10,
            longest_wait: PATIENCE * 10,
            ..quick()
        },
        ..settings(&format!("https://{host}:{port}"))
    })
    .unwrap();
    let asked = tokio::time::timeout(PATIENCE, remote.environments()).await;
    match asked.expect("it was asked again") {
        Err(BackendError::OutOfReach(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_accepted_is_told_for_what_it_is_and_not_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tls::make_authorities(folder);
    let (past, future) = ("20200101000000Z", "20401231000000Z");
    for (from, until, host, authority, part) in [
        (
            past,
            "20200301123000Z",
            "localhost",
            "ours.pem",
            "has expired: it was valid until 2020-03-01 12:30 UTC, ",
        ),
        (
            "20391231000000Z",
            future,
            "localhost",
            "ours.pem",
            "is not valid yet: it is from 2039-12-31 00:00 UTC on, in ",
        ),
        (
            past,
            future,
            "127.0.0.1",
            "ours.pem",
            "is for localhost, not for 127.0.0.1: ",
        ),
        (
            past,
            future,
            "localhost",
            "theirs.pem",
            "is signed by nobody who is known here. If it is the right one, name the certificate of its issuer as ca_file \
             in the context \"prod\"",
        ),
    ] {
        let why = distrusted(folder, from, until, host, authority).await;
        let whose = format!("the certificate of https://{host}:");
        assert!(why.starts_with(&whose) && why.contains(part), "{why}");
        assert!(!why.contains("UNIX") && !why.contains("network"), "{why}");
    }
}

/// What `login` says that tries a token on an address, in a folder.
fn login(folder: &std::path::Path, address: &str, arguments: &[&str]) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lifeboat"))
        .args(["login", address, "--name", "prod"])
        .args(arguments)
        .current_dir(folder)
        .env("LIFEBOAT_CONFIG", folder.join("lifeboat.toml"))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"lb_any\n").unwrap();
    let ended = child.wait_with_output().unwrap();
    String::from_utf8(ended.stderr).unwrap().replace('\n', " ")
}

#[test]
fn a_private_authority_is_named_with_the_new_context() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tls::make_authorities(folder);
    let port = tls::serve(folder, "20200101000000Z", "20401231000000Z");
    let address = format!("https://localhost:{port}");
    let why = login(folder, &address, &[]);
    assert!(
        why.contains("signed by nobody") && why.contains("login --ca-file"),
        "{why}"
    );
    // What is behind that certificate is no service; it was spoken to.
    let why = login(folder, &address, &["--ca-file", "ours.pem"]);
    assert!(!why.contains("signed by nobody"), "{why}");
}

#[test]
fn plain_http_to_another_machine_is_for_whoever_says_so() {
    let folder = tempfile::tempdir().unwrap();
    // Not one of those that are this machine's for certain, and nobody listens there.
    let address = "http://0.0.0.0:1";
    let why = login(folder.path(), address, &[]);
    assert!(
        why.contains("everybody on the way could read the token") && why.contains("--plain-http"),
        "{why}"
    );
    let why = login(folder.path(), address, &["--plain-http"]);
    assert!(
        !why.contains("everybody on the way") && why.contains(address),
        "{why}"
    );
}
