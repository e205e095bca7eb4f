//! When a backup is said to hold less than one before it, and in which words.

use chrono::Datelike;

use super::*;
use crate::domain::backup::{TableCopy, WorkspaceCopy};
use crate::domain::environment::{Role, WorkspaceKind};
use crate::domain::histories;

fn manifest(workspaces: &[(&str, u64, u64)], tables: &[(&str, u64)]) -> Manifest {
    let at = Instant::UNIX_EPOCH;
    let copy = InstanceCopy {
        name: "author".parse().unwrap(),
        role: Role::Author,
        began: at,
        ended: at,
        workspaces: workspaces
            .iter()
            .map(|(name, items, bytes)| WorkspaceCopy {
                name: (*name).to_owned(),
                kind: WorkspaceKind::Content,
                items: *items,
                bytes: *bytes,
                digest: String::new(),
            })
            .collect(),
        tables: tables
            .iter()
            .map(|(name, rows)| TableCopy {
                name: (*name).to_owned(),
                workspace: "website".to_owned(),
                rows: *rows,
                bytes: rows * 10,
                digest: String::new(),
            })
            .collect(),
        left_alone: Vec::new(),
        left_out: Vec::new(),
        doubts: Vec::new(),
    };
    Manifest {
        instances: vec![copy],
        ..histories::backup(1, at, Trigger::Person, &[], Vec::new()).manifest
    }
}

fn told(earlier: &Manifest, later: &Manifest) -> String {
    in_words(&shrunk(earlier, later))
}

#[test]
fn files_that_are_all_empty_now_are_seen_though_none_is_gone() {
    let before = manifest(&[("website", 6, 50), ("config", 5, 50)], &[]);
    let after = manifest(&[("website", 6, 0), ("config", 5, 0)], &[]);
    assert_eq!(told(&before, &after), "author: 0 B now, 100 B before");
    let grown = manifest(&[("website", 6, 30), ("config", 5, 10)], &[]);
    assert_eq!(told(&before, &grown), "", "a hundred bytes come and go");
}

#[test]
fn one_workspace_that_is_emptied_is_seen_among_large_ones() {
    let before = manifest(&[("dam", 9_000, 900_000), ("website", 300, 9_000)], &[]);
    let after = manifest(&[("dam", 9_000, 900_000), ("website", 1, 0)], &[]);
    let seen = told(&before, &after);
    assert!(
        seen.contains("website of author: 1 item now, 300 items before"),
        "{seen}"
    );
    let gone = manifest(&[("dam", 9_000, 900_000)], &[]);
    assert!(told(&before, &gone).contains("website of author: 0 items now"));
    let half = manifest(&[("dam", 9_000, 900_000), ("website", 150, 4_500)], &[]);
    assert_eq!(told(&before, &half), "", "half is not less than half");
    let lighter = manifest(&[("dam", 9_000, 900_000), ("website", 300, 4_000)], &[]);
    assert!(told(&before, &lighter).contains("website of author"));
}

#[test]
fn one_file_of_a_home_that_is_gone_is_seen_beside_tables_and_what_comes_and_goes_in_a_whole_home_is_not() {
    let tables = [("pm_website_bundle", 300)];
    let before = manifest(&[(HOME, 12, 4_000), ("website", 300, 9_000)], &tables);
    let after = manifest(&[(HOME, 11, 3_900), ("website", 300, 9_000)], &tables);
    assert_eq!(
        told(&before, &after),
        ".home of author: 11 files and folders now, 12 files and folders before"
    );
    assert_eq!(told(&after, &before), "");
    let whole = |items| manifest(&[(HOME, items, 4_000), ("website", 300, 9_000)], &[]);
    assert_eq!(told(&whole(60), &whole(50)), "");
}

#[test]
fn bundles_that_are_gone_are_seen_though_versions_remain() {
    let before = manifest(
        &[("website", 602, 0)],
        &[("PM_WEBSITE_BUNDLE", 300), ("version_bundle", 302)],
    );
    let after = manifest(
        &[("website", 302, 0)],
        &[("PM_WEBSITE_BUNDLE", 0), ("version_bundle", 302)],
    );
    assert_eq!(
        told(&before, &after),
        "PM_WEBSITE_BUNDLE of author: 0 rows now, 300 rows before"
    );
}

/// Those of one day after the other with so many items: which say that they hold less, and less than that of which day.
fn days(items: &[u64]) -> Vec<Option<u32>> {
    let mut backups: Vec<_> = (1_u32..)
        .zip(items)
        .map(|(day, items)| of_day(day, manifest(&[("website", *items, 0)], &[])))
        .collect();
    mark(backups.iter_mut());
    let than = |backup: &Backup| backup.less.as_ref().map(|less| less.than.day());
    backups.iter().map(than).collect()
}

fn of_day(day: u32, mut manifest: Manifest) -> Backup {
    let at = format!("2026-11-{day:02}T02:00:00Z").parse().unwrap();
    let mut backup = histories::backup(u64::from(day), at, Trigger::Person, &[], Vec::new());
    manifest.taken = at;
    backup.manifest = manifest;
    backup
}

#[test]
fn three_in_a_row_that_agree_are_what_live_is_from_then_on() {
    let cleared_up = [400, 300, 302, 298, 301, 200];
    let first = Some(1);
    assert_eq!(days(&cleared_up), [None, first, first, first, None, Some(5)]);
    // A row has no other between, and all of it within the tenth; nothing at all is no row.
    assert_eq!(
        days(&[400, 200, 100, 200, 200]),
        [None, first, first, first, first]
    );
    assert_eq!(
        days(&[400, 100, 107, 114, 107, 107]),
        [None, first, first, first, first, None]
    );
    assert_eq!(days(&[400, 0, 0, 0, 0]), [None, first, first, first, first]);
    // One that holds as much as before begins anew.
    assert_eq!(
        days(&[400, 30, 30, 400, 30, 30]),
        [None, first, first, None, Some(4), Some(4)]
    );
}

#[test]
fn an_instance_that_is_not_configured_any_more_is_no_loss() {
    let both = |author, public| {
        let mut manifest = manifest(&[("website", author, 9_000)], &[]);
        let mut copy = manifest.instances[0].clone();
        copy.name = "public".parse().unwrap();
        copy.workspaces[0].items = public;
        manifest.instances.push(copy);
        manifest
    };
    let alone = |author| manifest(&[("website", author, 9_000)], &[]);
    assert_eq!(Less::of(&both(400, 400), &alone(400)), None);
    let less = Less::of(&both(400, 400), &alone(300)).unwrap();
    assert_eq!((less.percent, less.part), (25, None));
    // Nor does a new one make up for what is gone.
    assert_eq!(Less::of(&alone(400), &both(300, 400)).unwrap().percent, 25);
}

#[test]
fn a_backup_of_a_broken_live_says_how_much_less_it_holds_and_so_does_the_next_one() {
    let of = |day: u32, items: u64| {
        let at = format!("2026-11-{day:02}T02:00:00Z").parse().unwrap();
        let mut backup = histories::backup(u64::from(day), at, Trigger::Person, &[], Vec::new());
        backup.manifest = manifest(&[("website", items, 900_000), ("config", 100, 9_000)], &[]);
        backup.manifest.taken = at;
        backup
    };
    let mut backups = [of(4, 30), of(3, 26), of(2, 412), of(1, 400), of(5, 410)];
    mark(backups.iter_mut());
    let said = backups
        .each_ref()
        .map(|backup| backup.less.as_ref().map(Less::in_words));
    let than = "than the backup of 2026-11-02 02:00 UTC";
    assert_eq!(
        said,
        [
            Some(format!("74 % fewer items {than}")),
            Some(format!("75 % fewer items {than}")),
            None,
            None,
            None
        ]
    );
    // A part that is empty is named where it is little of all.
    let before = manifest(&[("dam", 9_000, 900_000), ("website", 300, 9_000)], &[]);
    let after = manifest(&[("dam", 9_000, 900_000), ("website", 1, 0)], &[]);
    assert_eq!(
        Less::of(&before, &after).unwrap().in_short(),
        "100 % fewer bytes in website of author"
    );
    // What has no items of its own is counted in rows.
    let bundles = |rows: u64| manifest(&[("website", 300, 9_000)], &[("pm_website_bundle", rows)]);
    assert_eq!(
        Less::of(&bundles(200), &bundles(20)).unwrap().in_short(),
        "90 % fewer rows in pm_website_bundle of author"
    );
}

#[test]
fn small_workspaces_come_and_go_without_a_word() {
    let before = manifest(&[("dam", 100, 90_000), ("tasks", 9, 4_000)], &[]);
    let after = manifest(&[("dam", 100, 90_000), ("tasks", 0, 0)], &[]);
    assert_eq!(told(&before, &after), "");
}

#[test]
fn one_file_of_many_that_is_missing_is_not_said_to_be_no_percent() {
    let tables = [("pm_website_bundle", 200)];
    let before = manifest(&[(HOME, 120, 4_000), ("website", 300, 9_000)], &tables);
    let after = manifest(&[(HOME, 119, 3_990), ("website", 300, 9_000)], &tables);
    let less = Less::of(&before, &after).unwrap();
    assert!(less.in_short().starts_with("1 % fewer"), "{}", less.in_short());
}
