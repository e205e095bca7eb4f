//! Parts of content in folders beside what could lead out of them or stand in their way: links, mounts, names, a home; and a
//! Lifeboat that dies while it exchanges them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::house::{House, INSTANCES, OfHouse, back_up, ended, request, restore, start_restore, undo};
use super::parts::{house, parts, plan};
use super::recovery::nothing_is_left;
use crate::content::files::beside::FolderRecord;
use crate::content::files::exchange::{Identity, Step};
use crate::content::files::layout::Layout;
use crate::content::kinds::Beside;
use crate::disk::mounts::tests::Bound;
use crate::domain::job::{JobId, JobState};
use crate::engine::restore::journal::{InstanceRecord, Journal, Stage};

#[test]
fn no_link_is_followed_and_links_come_back_as_links() {
    let house = house();
    let website = house.root("author").join("website");
    symlink("home.xml", website.join("start")).unwrap();
    let engine = house.engine();
    back_up(&engine);
    let outside = house.path("outside");
    fs::create_dir_all(outside.join("news")).unwrap();
    fs::write(outside.join("news/first.xml"), "somebody else's").unwrap();
    fs::rename(website.join("home"), house.path("moved")).unwrap();
    symlink(&outside, website.join("home")).unwrap();
    let told = plan(&engine, parts(&["author:/website/home/news"]))
        .obstacles
        .join("; ");
    assert!(
        told.contains("website/home is a file or a symbolic link in Live"),
        "{told}"
    );

    // The link itself can be exchanged, and so can what takes the place of one.
    fs::remove_file(website.join("start")).unwrap();
    fs::create_dir(website.join("start")).unwrap();
    fs::write(website.join("start/page.xml"), "page").unwrap();
    restore(
        &engine,
        "manual",
        parts(&["author:/website/home", "author:/website/start"]),
    );
    assert!(website.join("home").symlink_metadata().unwrap().is_dir());
    assert_eq!(
        fs::read_to_string(website.join("home/news/first.xml")).unwrap(),
        "first"
    );
    assert_eq!(
        fs::read_link(website.join("start")).unwrap(),
        Path::new("home.xml")
    );
    assert_eq!(
        fs::read_to_string(outside.join("news/first.xml")).unwrap(),
        "somebody else's"
    );
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(fs::read_link(website.join("home")).unwrap(), outside);
    assert_eq!(
        fs::read_to_string(website.join("start/page.xml")).unwrap(),
        "page"
    );
    nothing_is_left(&house);
}

#[test]
fn hard_links_and_hostile_names_inside_are_no_way_out() {
    let house = house();
    let website = house.root("author").join("website");
    fs::hard_link(website.join("home.xml"), website.join("home/news/same.xml")).unwrap();
    fs::hard_link(
        website.join("home/news/first.xml"),
        website.join("home/news/again.xml"),
    )
    .unwrap();
    let odd = [&b"\xff\xfe"[..], b"new\nline", b"\x1b[2J", b"-rf", b"a:b\\c"];
    for name in odd {
        fs::write(website.join("home/news").join(OsStr::from_bytes(name)), name).unwrap();
    }
    let engine = house.engine();
    back_up(&engine);
    for name in odd {
        fs::remove_file(website.join("home/news").join(OsStr::from_bytes(name))).unwrap();
    }
    fs::write(website.join("home.xml"), "written through both names").unwrap();
    restore(&engine, "manual", parts(&["author:/website/home/news"]));
    for name in odd {
        let path = website.join("home/news").join(OsStr::from_bytes(name));
        assert_eq!(fs::read(path).unwrap(), name);
    }
    assert_eq!(
        fs::read_to_string(website.join("home.xml")).unwrap(),
        "written through both names"
    );
    assert_eq!(
        fs::read_to_string(website.join("home/news/same.xml")).unwrap(),
        "home"
    );
    let number = |path: &str| fs::metadata(website.join(path)).unwrap().ino();
    assert_eq!(number("home/news/first.xml"), number("home/news/again.xml"));
    assert_ne!(number("home.xml"), number("home/news/same.xml"));
    nothing_is_left(&house);
}

#[test]
fn a_mount_below_it_or_on_the_way_is_named_and_one_beside_it_is_not_in_the_way() {
    let house = house();
    house.write("author", "website/home/news/assets/kept.bin", "in Live");
    let data = house.path("data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("kept.bin"), "behind the mount").unwrap();
    let engine = house.engine();
    back_up(&engine);
    let planned = |path: &str| plan(&engine, parts(&[path])).obstacles;
    let place = house.root("author").join("website/home/news/assets");
    let Some(bound) = Bound::on(&place, &data) else {
        return;
    };
    for path in ["author:/website/home/news", "author:/website/home/news/assets"] {
        let told = planned(path).join("; ");
        assert!(told.contains("assets is a mount point"), "{path}: {told}");
    }
    // On the way to what is behind it.
    let told = planned("author:/website/home/news/assets/kept.bin").join("; ");
    assert!(told.contains("assets is a mount point"), "{told}");
    assert_eq!(planned("author:/website/home/about.xml"), Vec::<String>::new());
    house.write("author", "website/home/about.xml", "later");
    restore(&engine, "manual", parts(&["author:/website/home/about.xml"]));
    assert_eq!(
        fs::read_to_string(data.join("kept.bin")).unwrap(),
        "behind the mount"
    );
    drop(bound);
    nothing_is_left(&house);
}

#[test]
fn a_part_of_a_home_is_refused_with_the_way() {
    let mut house = house();
    house.homes = true;
    let engine = house.engine();
    let told = engine.of_house();
    let place = told.place(&told.settings().instances[0]);
    let why = place.takes_parts(&parts(&["/website/home"])).unwrap_err();
    assert!(
        why.contains("home of a repository") && why.contains("--workspace") && why.contains("--into"),
        "{why}"
    );
}

/// A restore of parts in the middle, on both instances: a folder is exchanged, a file comes and another one goes. So many of
/// the six exchanges are done.
fn interrupted(house: &House, stage: Stage, done: usize) {
    let engine = house.engine();
    back_up(&engine);
    // What a safety backup of these paths holds.
    let chosen = parts(&["/website/home/news", "/website/home/about.xml"]);
    let restored = restore(&engine, "manual", chosen).outcome;
    let safety = restored.unwrap().safety.unwrap();
    drop(engine);
    house.pass(chrono::Duration::hours(1));
    let mut journal = Journal {
        environment: House::live(),
        job: JobId(100),
        backup: safety.clone(),
        safety: Some(safety),
        safety_taken: None,
        brought: None,
        stage,
        instances: Vec::new(),
        indexes_removed: false,
        settled: Vec::new(),
    };
    let mut left = done;
    for instance in INSTANCES {
        let staging = house.path(instance).join(".content.lifeboat-100");
        let staged = staging.join("content/website/home");
        fs::create_dir_all(staged.join("news")).unwrap();
        fs::set_permissions(&staging, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(staged.join("news/first.xml"), "restored").unwrap();
        fs::write(staged.join("came.xml"), "restored").unwrap();
        let live = house.root(instance).join("website/home");
        let mut steps = Vec::new();
        for name in ["news", "came.xml", "about.xml"] {
            let (live, beside) = (live.join(name), staged.join(name));
            let step = Step {
                old: Identity::of_any(&live).unwrap(),
                new: Identity::of_any(&beside).unwrap(),
                live,
                beside,
            };
            if left > 0 {
                step.forward().unwrap();
                left -= 1;
            }
            steps.push(step);
        }
        journal.instances.push(InstanceRecord {
            instance: instance.parse().unwrap(),
            beside: Beside::Folder(FolderRecord {
                layout: Layout::default(),
                made: Identity::of(&staging).unwrap(),
                staging,
                steps: if stage == Stage::Staging {
                    Vec::new()
                } else {
                    steps
                },
            }),
        });
    }
    journal.write(&house.path("state")).unwrap();
}

#[test]
fn a_restore_of_parts_that_died_is_dropped_or_finished_and_never_half_done() {
    let (before, after) = {
        let (old, new) = (house(), house());
        let before = old.content();
        for instance in INSTANCES {
            new.remove(instance, "website/home/news");
            new.write(instance, "website/home/news/first.xml", "restored");
            new.write(instance, "website/home/came.xml", "restored");
            new.remove(instance, "website/home/about.xml");
        }
        (before, new.content())
    };
    let dropped = house();
    interrupted(&dropped, Stage::Staging, 0);
    dropped.engine();
    assert_eq!(dropped.content(), before);
    nothing_is_left(&dropped);
    for done in 0..=6 {
        let house = house();
        interrupted(&house, Stage::Switching, done);
        let engine = house.engine();
        assert_eq!(house.content(), after, "{done} exchanges were done");
        nothing_is_left(&house);
        back_up(&engine);
    }
}

#[test]
fn a_link_that_takes_the_place_of_a_folder_meanwhile_ends_the_restore_before_the_switch() {
    let mut house = house();
    let outside = house.path("outside");
    fs::create_dir_all(outside.join("news")).unwrap();
    let home = house.root("public-1").join("website/home");
    // The last moment before the switch.
    house.hooks.before_restore = vec![
        "sh".into(),
        "-c".into(),
        format!(
            "test $LIFEBOAT_INSTANCE = author || {{ mv {0} {1}/moved; ln -s {1} {0}; }}",
            home.display(),
            outside.display()
        ),
    ];
    let engine = house.engine();
    back_up(&engine);
    house.write("author", "website/home/news/first.xml", "later");
    let before = house.content();
    let job = start_restore(&engine, &request("manual", parts(&["/website/home/news"]))).unwrap();
    let JobState::Failed { why } = ended(&engine, job).state else {
        panic!("a link was followed");
    };
    assert!(why.contains("website/home is a file or a symbolic link"), "{why}");
    fs::remove_file(&home).unwrap();
    fs::rename(outside.join("moved"), &home).unwrap();
    assert_eq!(house.content(), before);
    assert_eq!(fs::read_dir(outside.join("news")).unwrap().count(), 0);
    nothing_is_left(&house);
}
