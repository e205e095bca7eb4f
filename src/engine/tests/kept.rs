//! What a restore of whole folders keeps besides content.

use crate::engine::{check, start_restore, summaries};
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
    // Only root may set it, and not on every file system: `content::files::fixed` has the rest of the rule.
    if !chattr("+i", &page) {
        return;
    }
    let plan = engine
        .live(&House::live())
        .unwrap()
        .plan_restore(
            &super::house::request("manual", everything()),
            &crate::watch::Unwatched,
        )
        .unwrap();
    let report = check(&engine, None).unwrap();
    let job = start_restore(&engine, &plan.id, "acme/live").unwrap();
    let outcome = super::house::done(&engine, job).outcome.unwrap();
    let left = house.beside("author");
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    let trouble = summaries(&engine).unwrap().remove(0).trouble;
    let report_after = check(&engine, None).unwrap();
    // The next start tries it again, and says nothing new.
    drop(engine);
    let engine = house.engine();
    let told_again = engine.catalog().notifications(1).unwrap().remove(0);
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
    // What is to be done before a restore is done by then.
    let known: Vec<_> = plan
        .warnings
        .iter()
        .filter(|told| !plan.stopping.by_hand.contains(told))
        .cloned()
        .collect();
    assert_eq!(
        outcome.warnings, known,
        "the restore itself is over, and says what was known before"
    );
    let says_why = |text: &str| text.contains("could not all be removed") && text.contains("page-0.xml");
    assert!(says_why(&told.text) && told.job == Some(job), "{told:?}");
    assert_eq!(told, told_again);
    assert!(trouble.is_some_and(|trouble| says_why(&trouble)));
    let finding = report_after
        .findings
        .iter()
        .find(|found| found.about == "restore");
    assert!(
        finding.is_some_and(|found| says_why(&found.detail)),
        "{report_after:?}"
    );
    assert_eq!(left.len(), 1);
    // Once it may go, the next start removes it.
    drop(engine);
    let engine = house.engine();
    assert!(house.beside("author").is_empty());
    back_up(&engine);
    assert_eq!(fs::read_to_string(&page).unwrap(), "author 0");
}

#[test]
fn a_state_folder_that_others_can_write_to_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    let engine = house.engine();
    let state = engine.state().to_owned();
    let told = || {
        let report = check(&engine, None).unwrap();
        let found = report.findings.into_iter().find(|found| found.about == "state");
        let summary = summaries(&engine).unwrap().remove(0);
        (found.map(|found| found.detail), summary.trouble)
    };
    assert_eq!(told(), (None, None));
    let set = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    set(&house.path(""), 0o711);
    set(&state, 0o777);
    let (found, trouble) = told();
    let detail = found.unwrap();
    assert!(
        detail.contains(&format!("Type chmod -R o-w {}", state.display())),
        "{detail}"
    );
    assert_eq!(trouble, Some(detail));
    set(&state, 0o700);
    assert_eq!(told(), (None, None));
}

#[test]
fn a_folder_whose_name_no_restore_could_note_is_told_before_one() {
    use std::os::unix::ffi::OsStrExt;
    let house = House::new();
    let engine = house.engine();
    let odd = house
        .root("author")
        .join(std::ffi::OsStr::from_bytes(b"site\xff"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("page.xml"), "odd").unwrap();
    // As long as all folders are exchanged at once its name does not matter.
    back_up(&engine);
    fs::remove_dir_all(&odd).unwrap();
    restore(&engine, "manual", everything());
    assert!(odd.join("page.xml").exists());

    house.write("author", "notes.txt", "beside the workspaces");
    let report = check(&engine, None).unwrap();
    assert!(
        report
            .findings
            .iter()
            .any(|found| found.detail.contains("is not UTF-8")),
        "{report:?}"
    );
    let job = engine
        .live(&House::live())
        .unwrap()
        .start_backup(&super::house::manual())
        .unwrap();
    let outcome = super::house::done(&engine, job).outcome.unwrap();
    assert!(
        outcome.warnings.iter().any(|told| told.contains("is not UTF-8")),
        "{outcome:?}"
    );
    let plan = engine
        .live(&House::live())
        .unwrap()
        .plan_restore(
            &super::house::request("manual", everything()),
            &crate::watch::Unwatched,
        )
        .unwrap();
    assert!(
        plan.obstacles.iter().any(|told| told.contains("is not UTF-8")),
        "{plan:?}"
    );
}
