//! Targets as they are written, and how they stand.

use super::*;
use crate::domain::backup::{InstanceCopy, WorkspaceCopy};
use crate::domain::environment::{Role, WorkspaceKind};
use crate::domain::{histories, shrinking};

const NOTHING: Known<'_> = Known {
    backups: &[],
    trouble: None,
    failed: None,
    waits: None,
    is_scheduled: true,
    last_drill: None,
    last_proven: None,
    last_restore: None,
    now: chrono::DateTime::UNIX_EPOCH,
};

#[test]
fn a_target_is_read_and_written_in_its_largest_whole_unit() {
    for (text, minutes, written) in [
        ("1m", 1, "1m"),
        ("90m", 90, "90m"),
        ("26h", 1560, "26h"),
        ("48h", 2880, "2d"),
    ] {
        let target: Target = text.parse().unwrap();
        assert_eq!(target.duration().num_minutes(), minutes);
        assert_eq!(target.to_string(), written);
    }
    for text in ["", "5", "0m", "1.5h", "367d", "5 m", "30s", "99999999999h"] {
        assert!(text.parse::<Target>().is_err(), "{text}");
    }
}

#[test]
fn what_nobody_knows_is_not_met_and_says_so() {
    let targets = Targets {
        rpo: Some("24h".parse().unwrap()),
        rto: Some("30m".parse().unwrap()),
    };
    let standing = targets.standing(&NOTHING);
    assert!(
        standing
            .iter()
            .all(|one| !one.met && one.measured(NOTHING.now).is_none())
    );
    assert_eq!(
        standing[0].in_words(),
        "RPO 1d missed: there is no backup that can be gone back to"
    );
    assert_eq!(
        standing[1].in_words(),
        "RTO 30m not known: no drill or restore of all of it yet; a drill makes it known"
    );
    let off = Known {
        is_scheduled: false,
        ..NOTHING
    };
    assert!(
        targets.standing(&off)[0]
            .in_words()
            .ends_with("the schedule is off")
    );
}

#[test]
fn an_rto_whose_only_drill_failed_is_missed() {
    let targets = Targets {
        rpo: None,
        rto: Some("30m".parse().unwrap()),
    };
    let drill = Drill {
        at: NOTHING.now,
        backup: crate::domain::backup::BackupId("0a".repeat(32)),
        millis: 0,
        bytes: 0,
        newest: true,
        outcome: DrillOutcome::Failed {
            why: "the disk is full".to_owned(),
        },
    };
    let known = Known {
        last_drill: Some(&drill),
        ..NOTHING
    };
    assert_eq!(
        targets.standing(&known)[0].in_words(),
        "RTO 30m missed: the last drill failed: the disk is full"
    );
}

#[test]
fn whoever_names_no_backup_goes_back_to_the_newest_of_a_live_that_was_whole() {
    let at = |hour: u32| format!("2026-11-29T{hour:02}:00:00Z").parse().unwrap();
    let taken = |number: u32, trigger, items: u64| {
        let mut backup = histories::backup(number.into(), at(number), trigger, &[], Vec::new());
        backup.manifest.instances = vec![InstanceCopy {
            name: "author".parse().unwrap(),
            role: Role::Author,
            began: at(number),
            ended: at(number),
            workspaces: vec![WorkspaceCopy {
                name: "website".to_owned(),
                kind: WorkspaceKind::Content,
                items,
                bytes: items,
                digest: String::new(),
            }],
            tables: Vec::new(),
            left_alone: Vec::new(),
            left_out: Vec::new(),
            doubts: Vec::new(),
        }];
        backup
    };
    let meant = |backups: &mut [Backup]| {
        shrinking::mark(backups.iter_mut());
        to_go_back_to(backups).map(|backup| backup.manifest.taken)
    };
    let whole = taken(1, Trigger::Person, 100);
    assert_eq!(meant(&mut []), None);
    // Whoever clears up a little still means the newest one.
    let cleared = taken(2, Trigger::Person, 60);
    assert_eq!(meant(&mut [cleared.clone(), whole.clone()]), Some(at(2)));
    let gutted = taken(3, Trigger::Person, 7);
    let safety = taken(4, Trigger::Restore, 100);
    let mut all = [safety, gutted.clone(), cleared, whole];
    assert_eq!(meant(&mut all), Some(at(2)));
    // There is nothing to compare the only one with.
    assert_eq!(meant(&mut [gutted]), Some(at(3)));
}

#[test]
fn the_longest_known_time_counts() {
    let targets = Targets {
        rpo: None,
        rto: Some("30m".parse().unwrap()),
    };
    let took = |millis| Known {
        last_restore: Some(millis),
        ..NOTHING
    };
    let met = targets.standing(&took(30 * 60_000)).remove(0);
    assert_eq!(
        met.in_words_at(NOTHING.now),
        "RTO 30m met: a restore takes 30 min 00 s"
    );
    let missed = targets.standing(&took(30 * 60_000 + 1)).remove(0);
    assert!(
        missed
            .in_words()
            .starts_with("RTO 30m missed: the last restore took")
    );
}
