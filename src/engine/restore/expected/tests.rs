//! What a plan expects is what was measured, of as much as was chosen.

use serde_json::json;

use super::*;
use crate::domain::backup::{InstanceCopy, Manifest, Trigger, Verification, WorkspaceCopy};
use crate::domain::environment::{Role, WorkspaceKind};
use crate::domain::histories;
use crate::domain::job::Progress;
use crate::domain::milestone::Reached;
use crate::domain::proof::DrillOutcome;

fn backup(digit: char, copy_millis: u64, replaced: Option<Selection>) -> Backup {
    let at = crate::domain::Instant::UNIX_EPOCH;
    let workspace = |name: &str, bytes| WorkspaceCopy {
        name: name.to_owned(),
        kind: WorkspaceKind::Content,
        items: 1,
        bytes,
        digest: String::new(),
    };
    Backup {
        id: BackupId(digit.to_string().repeat(64)),
        manifest: Manifest {
            copy_millis,
            verify_millis: 1_000,
            replaced,
            instances: vec![InstanceCopy {
                name: "author".parse().unwrap(),
                role: Role::Author,
                began: at,
                ended: at,
                workspaces: vec![workspace("website", 100), workspace("dam", 900)],
                tables: Vec::new(),
                left_alone: Vec::new(),
                left_out: Vec::new(),
                doubts: Vec::new(),
            }],
            ..histories::backup(1, at, Trigger::Person, &[], Vec::new()).manifest
        },
        verification: Verification::Verified { at },
        drill: None,
        dated_ahead: false,
        less: None,
    }
}

/// A restore of the backup `a` with this safety backup, after which Live had the content 60 seconds after it began. It ended
/// a long while later.
fn job(kind: JobKind, safety: Option<char>, left_out: &[Phase]) -> Job {
    serde_json::from_value(json!({
        "id": 7, "environment": "acme/live", "kind": kind, "title": "restore", "by": "kim",
        "created": "2026-12-01T04:00:00Z", "began": "2026-12-01T05:00:00Z", "ended": "2026-12-01T05:30:00Z",
        "state": "done", "left_out": left_out, "cancel_asked": false,
        "progress": Progress { bytes_done: 1_000, ..Progress::start(Phase::CleaningUp) },
        "reached": Reached { what: Milestone::ContentLive, at: "2026-12-01T05:01:00Z".parse().unwrap(), content_of: None },
        "outcome": {
            "summary": "done", "backup": "a".repeat(64), "safety": safety.map(|digit| digit.to_string().repeat(64)),
            "warnings": [], "health": [],
        },
    }))
    .unwrap()
}

fn website() -> Selection {
    Selection {
        workspaces: vec!["website".to_owned()],
        ..Selection::default()
    }
}

/// Milliseconds and past restores that are expected of the backup `a`, of which copying took 9 + 1 seconds.
fn told(jobs: &[Job], safeties: &[Backup], selection: &Selection, without_safety: bool) -> (u64, u64) {
    let chosen = backup('a', 9_000, None);
    let mut backups = vec![chosen.clone()];
    backups.extend_from_slice(safeties);
    let known = Known {
        drill: None,
        jobs,
        backups: &backups,
    };
    let expected = known.expected(&chosen, selection, without_safety).unwrap();
    assert_eq!(expected.drill, None);
    (expected.millis, expected.past_jobs)
}

#[test]
fn before_any_restore_it_is_judged_by_the_backup_and_claims_no_past_restore() {
    let everything = Selection::default();
    assert_eq!(told(&[], &[], &everything, false), (20_000, 0));
    assert_eq!(told(&[], &[], &everything, true), (10_000, 0));
    assert_eq!(
        told(&[], &[], &website(), false),
        (11_000, 0),
        "a tenth is staged"
    );
    let mut unknown = backup('a', 0, None);
    unknown.manifest.verify_millis = 0;
    let known = Known {
        drill: None,
        jobs: &[],
        backups: &[],
    };
    assert_eq!(known.expected(&unknown, &everything, false), None);
}

#[test]
fn a_past_restore_counts_until_live_had_the_content_without_its_safety_backup() {
    let everything = Selection::default();
    // Copying Live took 19 + 1 of the 60 seconds, and ten times as much is in the backup as in its website.
    let whole = backup('b', 19_000, Some(everything.clone()));
    let past = [job(JobKind::Restore, Some('b'), &[])];
    let known = [whole];
    assert_eq!(told(&past, &known, &everything, true), (40_000, 1));
    assert_eq!(told(&past, &known, &website(), true), (4_000, 1));
    assert_eq!(told(&past, &known, &everything, false), (60_000, 1));
    // One of a part is one of a part, though all of Live went through its safety backup.
    let of_website = [backup('b', 19_000, Some(website()))];
    assert_eq!(told(&past, &of_website, &website(), true), (40_000, 1));
    assert_eq!(told(&past, &of_website, &everything, true), (400_000, 1));
    let without = [job(JobKind::Restore, None, &[Phase::SafetyBackup])];
    assert_eq!(told(&without, &[], &everything, true), (60_000, 1));
}

#[test]
fn what_has_measured_no_restore_is_left_out() {
    let exchange = job(JobKind::Undo, None, &[Phase::SafetyBackup, Phase::Staging]);
    let unknown = job(JobKind::Restore, Some('c'), &[]);
    let backing_up = job(JobKind::Backup, None, &[Phase::SafetyBackup]);
    let mut unreached = job(JobKind::Restore, None, &[Phase::SafetyBackup]);
    unreached.reached = None;
    let past = [exchange, unknown, backing_up, unreached];
    assert_eq!(told(&past, &[], &Selection::default(), true), (10_000, 0));
}

#[test]
fn a_drill_counts_for_more_than_past_restores() {
    let chosen = backup('a', 9_000, None);
    let drill = Drill {
        at: chosen.manifest.taken,
        backup: chosen.id.clone(),
        millis: 5_000,
        bytes: 1_000,
        newest: true,
        outcome: DrillOutcome::Proven,
    };
    let known = Known {
        drill: Some(&drill),
        jobs: &[job(JobKind::Restore, None, &[Phase::SafetyBackup])],
        backups: &[],
    };
    let expected = |without| known.expected(&chosen, &website(), without).unwrap();
    assert_eq!((expected(true).millis, expected(true).past_jobs), (500, 0));
    // Where no copy counts, the chosen one was one as well.
    assert_eq!(expected(false).millis, 10_500);
    assert_eq!(expected(false).drill, Some(drill.at));
}
