//! Buckets: tried before anything is written.

use std::fs;
use std::net::TcpListener;

use lifeboat::config::Config;
use lifeboat::domain::settings::StorageOptions;

use super::{Place, flowing};
use crate::harness::lifeboat;
use crate::object_storage::Store;

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
    assert_eq!(ended.code, 2, "{}", ended.err);
    let said: Vec<_> = ended.err.split_whitespace().collect();
    assert!(
        said.join(" ").contains("already, and") && said.join(" ").contains("a new key opens none of them"),
        "{}",
        ended.err
    );
    assert!(!place.path("etc").exists());
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
    insta::assert_snapshot!("init_asked_bucket", stable(&flowing(&ended.err)));
    let file = place.path("etc/lifeboat.toml");
    let text = fs::read_to_string(&file).unwrap();
    insta::assert_snapshot!("init_bucket_config", stable(&text));
    let repository = Config::load(&file).unwrap().repository.unwrap();
    assert_eq!(repository.root, store.address("lifeboat"));
}

#[test]
fn a_private_authority_is_named_before_the_bucket_is_tried() {
    let place = Place::new();
    let [id, secret] = keys(&place);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // The files with the keys hold no certificates, and are there.
    let ended = place.scripted(&[
        &format!("--endpoint=https://{gone}"),
        "--repository=s3://bucket/lifeboat",
        &format!("--ca-file={id}"),
        &format!("--access-key-id-file={id}"),
        &format!("--secret-access-key-file={secret}"),
    ]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(flowing(&ended.err).contains(&id), "{}", ended.err);
    assert!(!place.path("etc").exists());

    let answers = format!(
        "acme\n\n{author}\n\nv12\n6.3.4\ns3://bucket/lifeboat\nhttps://{gone}\n{missing}\n{id}\n\nfiles\n{id}\n{secret}\n",
        author = place.text("author"),
        missing = place.text("missing"),
    );
    let config = format!("--config={}", place.text("etc/lifeboat.toml"));
    let ended = lifeboat(&["init", &config]).typing(&answers).ends();
    let said = flowing(&ended.err);
    let question = "File with the certificates of a private authority that vouch for it";
    assert_eq!(said.matches(question).count(), 2, "{said}");
    assert!(
        said.contains(&format!("{} cannot be read", place.text("missing"))),
        "{said}"
    );
    assert!(!place.path("etc/lifeboat.toml").exists());
}
