//! What a restore of whole folders keeps besides content.

use std::fs;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{XattrFlags, setxattr};

use super::house::{House, back_up, everything, only, restore};

fn note(path: &std::path::Path) -> Option<Vec<u8>> {
    let mut value = [0; 64];
    let length = rustix::fs::getxattr(path, "user.note", &mut value[..]).ok()?;
    Some(value[..length].to_vec())
}

#[test]
fn attributes_and_names_come_back_and_the_content_folder_keeps_its_own() {
    let house = House::new();
    let (root, page) = (
        house.root("author"),
        house.root("author").join("website/page-0.xml"),
    );
    fs::hard_link(&page, root.join("website/page-9.xml")).unwrap();
    let has = [&root, &page]
        .iter()
        .all(|path| setxattr(path.as_path(), "user.note", b"important", XattrFlags::empty()).is_ok());
    let engine = house.engine();
    back_up(&engine);
    for selection in [everything(), only(&["author"], &["website"])] {
        house.remove("author", "website");
        house.write("author", "website/page-0.xml", "broken");
        restore(&engine, "manual", selection);
        assert_eq!(fs::read_to_string(&page).unwrap(), "author 0");
        assert_eq!(fs::metadata(&page).unwrap().nlink(), 2);
        let expected = has.then(|| b"important".to_vec());
        assert_eq!((note(&root), note(&page)), (expected.clone(), expected));
    }
}

#[test]
fn what_is_immutable_is_said_before_and_stays_beside_live() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let chattr = |flag: &str, path: &std::path::Path| {
        let mut command = std::process::Command::new("chattr");
        let done = command
            .arg(flag)
            .arg(path)
            .stderr(std::process::Stdio::null())
            .status();
        done.is_ok_and(|status| status.success())
    };
    let page = house.root("author").join("website/page-0.xml");
    // Only root may set it, and not on every file system: `restore::fixed` has the rest of the rule.
    if !chattr("+i", &page) {
        return;
    }
    let plan = engine
        .plan_restore(
            &super::house::request("manual", everything()),
            &crate::watch::Unwatched,
        )
        .unwrap();
    let report = engine.check(None).unwrap();
    let job = engine.start_restore(&plan.id, "acme/live", "maria").unwrap();
    let outcome = super::house::done(&engine, job).outcome.unwrap();
    let left = house.beside("author");
    for left in &left {
        chattr("-i", &left.join("content/website/page-0.xml"));
    }
    assert!(
        plan.warnings
            .iter()
            .any(|told| told.contains("website/page-0.xml is immutable")),
        "{plan:?}"
    );
    assert!(
        report
            .findings
            .iter()
            .any(|found| found.detail.contains("is immutable"))
    );
    assert!(
        outcome
            .warnings
            .iter()
            .any(|told| told.contains("could not be removed")),
        "{outcome:?}"
    );
    assert_eq!(left.len(), 1);
    back_up(&engine);
    assert_eq!(fs::read_to_string(&page).unwrap(), "author 0");
}
