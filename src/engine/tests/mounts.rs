//! Things that are mounted in Live, and layers below it: said before anything is stopped, and never emptied.
//!
//! Where nothing may be mounted, the rules are tested on the list of mounts alone: see `disk::mounts`, `disk::removal`
//! and `content::files::in_the_way`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use super::house::{House, OfHouse, back_up, done, ended, everything, manual, only, request, start_restore};
use crate::disk::mounts::tests::Bound;
use crate::domain::job::JobState;
use crate::engine::check;
use crate::watch::Unwatched;

#[test]
fn a_mount_deep_inside_is_named_by_plan_and_check_and_never_emptied() {
    let mut house = House::new();
    let stopped = house.path("stopped");
    house.hooks.before_restore = vec!["/usr/bin/touch".to_owned(), stopped.display().to_string()];
    house.write("author", "website/assets/kept.bin", "in Live");
    let data = house.path("data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("kept.bin"), "behind the mount").unwrap();
    let engine = house.engine();
    back_up(&engine);
    let plan = engine
        .of_house()
        .plan_restore(&request("manual", everything()), &Unwatched)
        .unwrap();
    assert_eq!(plan.obstacles, Vec::<String>::new());
    let place = house.root("author").join("website/assets");
    let Some(bound) = Bound::on(&place, &data) else {
        return;
    };
    let planned = |selection| {
        engine
            .of_house()
            .plan_restore(&request("manual", selection), &Unwatched)
            .unwrap()
    };
    let told = planned(everything()).obstacles;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("website/assets is a mount point"), "{told:?}");
    assert_eq!(planned(only(&[], &["website"])).obstacles, told);
    assert_eq!(planned(only(&[], &["dam"])).obstacles, Vec::<String>::new());
    let report = check(&engine, None).unwrap();
    assert!(
        report.findings.iter().any(|finding| finding.detail == told[0]),
        "{report:?}"
    );
    // It was mounted after the plan had been made: the job looks for itself.
    assert!(
        crate::engine::start_restore(&engine, &plan.id, "acme/live")
            .map(|job| ended(&engine, job).state)
            .is_ok_and(|state| matches!(state, JobState::Failed { why } if why.contains("is a mount point")))
    );
    assert!(!stopped.exists(), "Magnolia was not stopped for it");
    assert_eq!(
        fs::read_to_string(data.join("kept.bin")).unwrap(),
        "behind the mount"
    );
    drop(bound);
    let job = start_restore(&engine, &request("manual", everything())).unwrap();
    done(&engine, job);
    assert!(stopped.exists());
}

#[test]
fn what_is_mounted_on_replaced_content_is_not_removed_with_it() {
    let mut house = House::new();
    let data = house.path("data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("kept.xml"), "behind the mount").unwrap();
    let engine = house.engine();
    back_up(&engine);
    drop(engine);
    // Somebody mounts it on the content that was replaced, before that is removed.
    let bind = format!(
        "cd {}/author && mount --bind {} .content.lifeboat-*/content/dam",
        house.folder.path().display(),
        data.display()
    );
    house.hooks.after_restore = vec!["/bin/sh".to_owned(), "-c".to_owned(), bind];
    house.instances = vec!["author"];
    let engine = house.engine();
    let job = start_restore(&engine, &request("manual", only(&["author"], &[]))).unwrap();
    let outcome = done(&engine, job).outcome.unwrap();
    assert_eq!(
        fs::read_to_string(data.join("kept.xml")).unwrap(),
        "behind the mount"
    );
    let beside = house.beside("author");
    let is_mounted = beside
        .iter()
        .any(|left| left.join("content/dam/kept.xml").exists());
    for left in &beside {
        let _ = Command::new("umount")
            .arg(left.join("content/dam"))
            .stderr(Stdio::null())
            .status();
    }
    // Nothing can be mounted here: the hook has failed, and all is as ever.
    if is_mounted {
        assert!(
            outcome
                .warnings
                .iter()
                .any(|told| told.contains("mounted on") || told.contains("is kept in")),
            "{:?}",
            outcome.warnings
        );
    } else {
        assert_eq!(beside, Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn content_in_a_lower_layer_is_named_before_magnolia_is_stopped() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    // The instance's folder becomes the lower layer of an overlay, as in a container whose image brings content along.
    let parent = house.path("author");
    let [upper, work] = ["upper", "work"].map(|name| house.path(name));
    // On a file system of its own: that of a container may be an overlay, which takes no layers of another one.
    fs::create_dir_all(&upper).unwrap();
    fs::create_dir_all(&work).unwrap();
    let options = format!(
        "lowerdir={},upperdir={},workdir={},redirect_dir=off",
        parent.display(),
        upper.display(),
        work.display()
    );
    let mounted = Command::new("mount")
        .args(["-t", "overlay", "overlay", "-o", &options])
        .arg(&parent)
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        return;
    }
    let plan = engine
        .of_house()
        .plan_restore(&request("manual", everything()), &Unwatched);
    let _ = Command::new("umount").arg(&parent).status();
    let told = plan.unwrap().obstacles;
    assert!(told.iter().any(|told| told.contains("layer below")), "{told:?}");
}

#[test]
fn content_that_is_mounted_elsewhere_is_named_and_never_emptied_there() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let elsewhere = house.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let planned = || {
        engine
            .of_house()
            .plan_restore(&request("manual", everything()), &Unwatched)
            .unwrap()
    };
    // By this process and all others: no restart of Magnolia helps.
    if let Some(_bound) = Bound::on(&elsewhere, &house.root("author")) {
        let told = planned().obstacles;
        assert!(told[0].contains("elsewhere as well"), "{told:?}");
    }
    assert_eq!(planned().obstacles, Vec::<String>::new());

    // By a process with mounts of its own, as in a container, which goes on with what was replaced.
    let script = format!(
        "mount --bind {} {} && echo mounted && read end; ls {}/website",
        house.root("author").display(),
        elsewhere.display(),
        elsewhere.display()
    );
    let container = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut container) = container else { return };
    let mut said = BufReader::new(container.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    if line.trim() != "mounted" {
        container.wait().unwrap();
        return;
    }
    let plan = planned();
    assert_eq!(plan.obstacles, Vec::<String>::new());
    assert!(
        plan.warnings
            .iter()
            .any(|told| told.contains("goes on with the replaced content")),
        "{:?}",
        plan.warnings
    );
    let job = start_restore(&engine, &request("manual", everything())).unwrap();
    let outcome = done(&engine, job).outcome.unwrap();
    assert!(
        outcome
            .warnings
            .iter()
            .any(|told| told.contains("would see it emptied")),
        "{:?}",
        outcome.warnings
    );
    drop(container.stdin.take());
    let mut seen = String::new();
    said.read_to_string(&mut seen).unwrap();
    container.wait().unwrap();
    assert!(
        seen.contains("page-0.xml"),
        "what the container saw is still there: {seen}"
    );
    assert_eq!(
        house.beside("author").len(),
        1,
        "and stays until somebody removes it"
    );
}

#[test]
fn what_a_container_has_mounted_on_a_part_of_live_fails_check_plan_and_backup() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let (volume, seen) = (house.path("volume"), house.path("seen"));
    fs::create_dir(&volume).unwrap();
    fs::create_dir(&seen).unwrap();
    let script = format!(
        "mount --bind {} {} && mount --bind {} {}/content/dam && echo mounted && read end",
        house.path("author").display(),
        seen.display(),
        volume.display(),
        seen.display(),
    );
    let container = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut container) = container else { return };
    let mut said = BufReader::new(container.stdout.take().unwrap());
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    if first.trim() != "mounted" {
        container.wait().unwrap();
        return;
    }
    let live = engine.of_house();
    let planned = |selection| {
        live.plan_restore(&request("manual", selection), &Unwatched)
            .unwrap()
    };
    let told = planned(everything()).obstacles;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("author/content/dam here"), "{told:?}");
    assert_eq!(planned(only(&[], &["website"])).obstacles, Vec::<String>::new());
    let report = check(&engine, None).unwrap();
    assert!(
        report.findings.iter().any(|finding| finding.detail == told[0]),
        "{report:?}"
    );
    let job = live.start_backup(&manual()).unwrap();
    let JobState::Failed { why } = ended(&engine, job).state else {
        panic!("the backup did not fail");
    };
    assert_eq!(why, told[0]);
    drop(container.stdin.take());
    container.wait().unwrap();
    back_up(&engine);
}
