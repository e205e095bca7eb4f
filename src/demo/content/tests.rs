//! The demo's content from outside: the same every time, of the promised size, and really broken when it is broken.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use chrono::{TimeDelta, TimeZone, Utc};
use tempfile::TempDir;

use super::*;
use crate::domain::Instant;

fn date() -> Instant {
    Utc.with_ymd_and_hms(2026, 11, 1, 0, 0, 0).unwrap()
}

/// Something done to a tree.
type Change<'a> = &'a dyn Fn(&Path);

/// A site on disk: an author and a public.
struct Disk {
    _dir: TempDir,
    site: Site,
    places: Vec<Place>,
    written: Vec<Written>,
}

fn disk(site: Site) -> Disk {
    let dir = tempfile::tempdir().unwrap();
    let places: Vec<Place> = [(Role::Author, "author"), (Role::Public, "public")]
        .into_iter()
        .map(|(role, name)| Place {
            role,
            root: dir.path().join(name),
        })
        .collect();
    let written = write_all(&places, &site, date()).unwrap();
    Disk {
        _dir: dir,
        site,
        places,
        written,
    }
}

/// A small site, since most of what matters does not depend on the size.
fn small(project: &str) -> Disk {
    disk(Site::of_project(project).at_scale(12))
}

fn fingerprints(disk: &Disk) -> Vec<String> {
    disk.places
        .iter()
        .map(|place| fingerprint(&place.root).unwrap())
        .collect()
}

#[test]
fn the_same_project_has_the_same_content_and_another_has_not() {
    let (one, same, other) = (small("acme"), small("acme"), small("nordwind"));
    assert_eq!(fingerprints(&one), fingerprints(&same));
    assert_ne!(fingerprints(&one)[0], fingerprints(&other)[0]);
    assert_ne!(fingerprints(&one)[0], fingerprints(&one)[1]);
    assert_eq!(
        first_difference(&one.places[0].root, &same.places[0].root).unwrap(),
        None
    );
}

#[test]
fn there_are_thousands_of_items_and_some_megabytes() {
    let disk = disk(Site::of_project("acme"));
    let [author, public] = disk.written[..] else {
        panic!("two instances")
    };
    assert!((2_400..2_900).contains(&author.items), "{author:?}");
    assert!((1_700..2_100).contains(&public.items), "{public:?}");
    let environment = author.bytes + 2 * public.bytes;
    assert!((8 << 20..12 << 20).contains(&environment), "{environment}");
    let on_disk = tree::walk(&disk.places[0].root).unwrap();
    assert_eq!(on_disk.len() as u64, author.items);
}

#[test]
fn every_workspace_is_there_and_so_is_what_is_hard_to_back_up() {
    let disk = small("acme");
    for place in &disk.places {
        for workspace in [
            "website",
            "config",
            "users",
            "userroles",
            "usergroups",
            "dam",
            "category",
            "contacts",
            "tours",
            "marketing-tags",
            "forms",
        ] {
            assert!(place.root.join(workspace).is_dir(), "{workspace}");
        }
    }
    let entries = tree::walk(&disk.places[0].root).unwrap();
    assert!(entries.iter().any(|(_, metadata)| metadata.is_symlink()));
    assert!(
        entries
            .iter()
            .any(|(path, _)| path.file_name().unwrap().len() == 255)
    );
    assert!(entries.iter().any(|(path, _)| !path.to_str().unwrap().is_ascii()));
    assert!(
        entries
            .iter()
            .any(|(_, metadata)| metadata.mode() & 0o777 == 0o600)
    );
    assert!(
        entries
            .iter()
            .any(|(_, metadata)| metadata.is_file() && metadata.len() == 0)
    );
    assert!(
        entries
            .iter()
            .all(|(_, metadata)| metadata.mtime() < date().timestamp()),
        "everything is older than the date that was given"
    );
}

#[test]
fn publics_hold_nothing_that_the_author_does_not() {
    let disk = small("acme");
    let paths = |index: usize| -> HashSet<PathBuf> {
        let entries = tree::walk(&disk.places[index].root).unwrap();
        entries.into_iter().map(|(path, _)| path).collect()
    };
    let (author, public) = (paths(0), paths(1));
    assert!(public.is_subset(&author));
    for path in public {
        let [here, there] = [0, 1].map(|index| disk.places[index].root.join(&path));
        if here.is_file() {
            assert_eq!(
                fs::read(here).unwrap(),
                fs::read(there).unwrap(),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn editors_do_the_same_work_in_the_same_step_and_other_work_in_another() {
    let (one, same) = (small("acme"), small("acme"));
    let mut seen = vec![fingerprints(&one)];
    for step in 1..=3 {
        let now = date() + TimeDelta::days(i64::from(step));
        let edits = evolve(&one.places, &one.site, step, now).unwrap();
        assert_eq!(edits, evolve(&same.places, &same.site, step, now).unwrap());
        assert_eq!((edits.changed, edits.added, edits.deleted), (7, 4, 1));
        assert_eq!(fingerprints(&one), fingerprints(&same));
        seen.push(fingerprints(&one));
    }
    for instance in 0..2 {
        let distinct: HashSet<_> = seen.iter().map(|prints| &prints[instance]).collect();
        assert_eq!(
            distinct.len(),
            4,
            "each step leaves its marks on instance {instance}"
        );
    }
}

#[test]
fn breaking_deletes_and_changes_on_every_instance_and_says_so() {
    let (sound, broken) = (small("acme"), small("acme"));
    let breakage = break_live(&broken.places, &broken.site, date()).unwrap();
    let mut deleted = 0;
    for (before, after) in sound.places.iter().zip(&broken.places) {
        assert!(first_difference(&before.root, &after.root).unwrap().is_some());
        deleted += tree::walk(&before.root).unwrap().len() - tree::walk(&after.root).unwrap().len();
    }
    assert_eq!(breakage.deleted, deleted as u64);
    assert!(breakage.deleted > 20, "{breakage:?}");
    assert!(breakage.changed > 10, "{breakage:?}");
    assert!(
        breakage
            .what
            .starts_with("Acme is broken on all 2 instances: website/"),
        "{breakage:?}"
    );

    let again = break_live(&broken.places, &broken.site, date()).unwrap();
    assert!(again.deleted > 10 && again.what != breakage.what, "{again:?}");
}

#[test]
fn breaking_what_is_gone_altogether_fails_nothing() {
    let empty = tempfile::tempdir().unwrap();
    let places = [Place {
        role: Role::Author,
        root: empty.path().to_owned(),
    }];
    let site = Site::of_project("acme");
    assert_eq!(break_live(&places, &site, date()).unwrap().deleted, 0);
    assert_eq!(break_live(&[], &site, date()).unwrap().changed, 0);
    assert_eq!(evolve(&[], &site, 1, date()).unwrap(), Edits::default());
}

#[test]
fn any_difference_is_found_and_named() {
    use std::os::unix::fs::PermissionsExt;
    let change = |what: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        let roots = ["one", "other"].map(|name| dir.path().join(name));
        for root in &roots {
            fs::create_dir_all(root.join("website")).unwrap();
            for name in ["a", "b"] {
                tree::put(&root.join("website").join(name), b"text", date()).unwrap();
            }
            std::os::unix::fs::symlink("a", root.join("website/link")).unwrap();
            tree::set_time(&root.join("website/link"), date()).unwrap();
        }
        what(&roots[1]);
        tree::set_time(&roots[0].join("website"), date()).unwrap();
        tree::set_time(&roots[1].join("website"), date()).unwrap();
        let prints = [&roots[0], &roots[1]].map(|root| fingerprint(root).unwrap());
        let difference = first_difference(&roots[0], &roots[1]).unwrap();
        assert_eq!(prints[0] == prints[1], difference.is_none());
        difference.unwrap_or_default()
    };
    assert_eq!(change(&|_| ()), "");
    let cases: [(Change, &str); 7] = [
        (
            &|root| tree::put(&root.join("website/a"), b"tezt", date()).unwrap(),
            "website/a: its content differs",
        ),
        (
            &|root| tree::put(&root.join("website/b"), b"text+", date()).unwrap(),
            "website/b: its length",
        ),
        (
            &|root| tree::set_time(&root.join("website/b"), date() + TimeDelta::nanoseconds(1)).unwrap(),
            "website/b: its time",
        ),
        (
            &|root| fs::set_permissions(root.join("website/a"), fs::Permissions::from_mode(0o600)).unwrap(),
            "website/a: its permissions",
        ),
        (
            &|root| fs::remove_file(root.join("website/a")).unwrap(),
            "website/a is missing in",
        ),
        (
            &|root| fs::write(root.join("website/z"), "").unwrap(),
            "website/z is missing in",
        ),
        (
            &|root| {
                let link = root.join("website/link");
                fs::remove_file(&link).unwrap();
                std::os::unix::fs::symlink("b", &link).unwrap();
                tree::set_time(&link, date()).unwrap();
            },
            "website/link: its content differs",
        ),
    ];
    for (what, expected) in cases {
        let found = change(what);
        assert!(found.starts_with(expected), "{found:?} is not {expected:?}");
    }
}

#[test]
fn what_the_system_says_is_said_in_words() {
    let missing = std::io::Error::from_raw_os_error(2);
    let told = DemoContentError::when("writing", Path::new("/srv/a"))(missing).to_string();
    assert_eq!(
        told,
        "writing /srv/a in the demo's content failed: No such file or directory"
    );
}
