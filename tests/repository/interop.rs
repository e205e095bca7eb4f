//! `restic` itself reads what Lifeboat writes, and Lifeboat leaves alone what `restic` writes.

use std::fs;

use lifeboat::repository::Depth;
use lifeboat::watch::Unwatched;

use crate::support::{Sandbox, below, on_each_storage, set_mode};

on_each_storage!(
    restic_lists_checks_and_restores_it,
    what_restic_writes_is_left_alone,
    a_backup_beside_one_of_restic_shares_its_content,
    content_comes_back_as_it_was,
);

fn restic_lists_checks_and_restores_it(sandbox: &Sandbox) {
    let id = sandbox.back_up();

    let listed: serde_json::Value = serde_json::from_str(&sandbox.restic(&["snapshots", "--json"])).unwrap();
    let backup = &listed[0];
    assert_eq!(backup["id"], id.0.as_str());
    assert_eq!(backup["hostname"], "acme/live");
    assert_eq!(backup["username"], "schedule");
    assert_eq!(backup["time"], "2026-11-23T00:17:00Z");
    assert_eq!(backup["paths"], serde_json::json!(["/author", "/public-1"]));
    let tags = [
        "lifeboat:1",
        "magnolia:6.3.4",
        "release:v12",
        "slot:daily",
        "slot:weekly",
        "trigger:schedule",
    ];
    assert_eq!(backup["tags"], serde_json::json!(tags));

    sandbox.restic(&["check", "--read-data"]);

    let target = sandbox.path().join("by-restic");
    sandbox.restic(&["restore", "latest", "--target", target.to_str().unwrap()]);
    for instance in ["author", "public-1"] {
        assert_eq!(below(&target.join(instance)), below(&sandbox.content(instance)));
    }
}

#[test]
fn restic_makes_a_damaged_index_anew_as_the_message_says() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    let index = &sandbox.files("index")[0];
    let bytes = fs::read(index).unwrap();
    set_mode(index, 0o600);
    fs::write(index, &bytes[..bytes.len() / 2]).unwrap();
    let told = sandbox
        .reopened()
        .verify(&id, &Unwatched)
        .unwrap_err()
        .to_string();
    assert!(told.contains("`rebuild-index` before restic 0.16"), "{told}");
    // Newer ones still know the older name.
    sandbox.restic(&["rebuild-index"]);
    sandbox.reopened().verify(&id, &Unwatched).unwrap();
    sandbox.restic(&["check", "--read-data"]);
}

fn what_restic_writes_is_left_alone(sandbox: &Sandbox) {
    let ours = sandbox.back_up();
    let content = sandbox.content("author");
    sandbox.restic(&["backup", content.to_str().unwrap()]);

    let listed = sandbox.repository.list().unwrap();
    assert_eq!(listed.len(), 2);
    let foreign = listed.iter().find(|backup| backup.is_foreign).unwrap();
    assert!(foreign.manifest.is_err());
    assert!(
        listed
            .iter()
            .any(|backup| backup.id == ours && backup.manifest.is_ok())
    );

    let refused = sandbox
        .repository
        .forget(&[ours.clone(), foreign.id.clone()])
        .unwrap_err();
    assert!(
        refused.to_string().contains("another program made it"),
        "{refused}"
    );
    assert_eq!(sandbox.repository.list().unwrap().len(), 2);

    sandbox.repository.forget(&[ours]).unwrap();
    sandbox.repository.prune(&Unwatched).unwrap();
    assert_eq!(sandbox.repository.list().unwrap().len(), 1);
    sandbox.restic(&["check", "--read-data"]);
}

fn a_backup_beside_one_of_restic_shares_its_content(sandbox: &Sandbox) {
    let content = sandbox.content("author");
    sandbox.restic(&["backup", content.to_str().unwrap()]);
    let public = sandbox.content("public-1");
    sandbox.restic(&["backup", public.to_str().unwrap()]);
    let copy = sandbox.copy().unwrap();
    assert!(copy.added_bytes < 20_000, "{} bytes were added", copy.added_bytes);
}

fn content_comes_back_as_it_was(sandbox: &Sandbox) {
    let id = sandbox.back_up();
    let extracted = sandbox.extract(&id, "author");
    assert_eq!(below(&extracted), below(&sandbox.content("author")));
    assert!(
        sandbox
            .compare_folder(&id, "author", &extracted, Depth::Whole)
            .is_same()
    );
    fs::remove_dir_all(extracted).unwrap();
}
