//! What reports say, and that nothing in a name is mark-up.

use super::*;
use crate::domain::Instant;
use crate::domain::activity::{Activity, Severity};
use crate::domain::backup::{BackupId, Trigger, Verification};
use crate::domain::environment::EnvironmentKind;
use crate::domain::histories;
use crate::domain::job::{Job, JobId, JobKind, JobState, LogLine, Outcome, Phase};
use crate::domain::proof::{Drill, DrillOutcome};
use crate::domain::state::{EnvironmentDetails, EnvironmentSummary};
use crate::domain::target::{Aim, Standing};

fn at(minute: u32, second: u32) -> Instant {
    format!("2026-11-30T02:{minute:02}:{second:02}Z").parse().unwrap()
}

fn job(kind: JobKind, id: u64, minute: u32, state: JobState) -> Job {
    Job {
        id: JobId(id),
        environment: "acme/live".parse().unwrap(),
        kind,
        title: format!("{} <b>|x</b>", kind.label()),
        by: "maria".into(),
        created: at(minute, 0),
        began: Some(at(minute, 1)),
        ended: Some(at(minute + 3, 1)),
        state,
        progress: None,
        left_out: vec![Phase::Health],
        cancel_asked: false,
        stop_reason: None,
        reached: None,
        outcome: Some(Outcome {
            summary: "Live is back".into(),
            ..Outcome::default()
        }),
    }
}

fn line(number: u64, at: Instant, severity: Severity, text: &str) -> LogLine {
    LogLine {
        number,
        at,
        severity,
        text: text.into(),
    }
}

fn report() -> RestoreReport {
    let job = job(JobKind::Restore, 7, 10, JobState::Done);
    let log = vec![
        line(1, at(10, 1), Severity::Information, "preparing"),
        line(1, at(10, 2), Severity::Information, "preparing"),
        line(2, at(10, 5), Severity::Information, "staging beside Live"),
        line(3, at(11, 5), Severity::Information, "switching"),
        line(
            4,
            at(11, 6),
            Severity::Warning,
            "a hook said <script>alert(1)</script>\r\n# not a heading",
        ),
        line(5, at(11, 7), Severity::Information, "cleaning up"),
    ];
    let entry = |job: u64, number: u64| Activity {
        number,
        at: at(13, 1),
        by: "maria".into(),
        environment: None,
        what: format!("entry {number}"),
        job: Some(JobId(job)),
        severity: Severity::Information,
        from: Some("10.0.0.7".into()),
        request: None,
    };
    let facts = RestoreFacts {
        job,
        log,
        activity: vec![entry(8, 3), entry(7, 2), entry(7, 1)],
        backups: Vec::new(),
    };
    RestoreReport::of(facts, at(20, 0))
}

#[test]
fn a_report_on_a_restore_has_its_phases_with_how_long_they_took() {
    let report = report();
    let took: Vec<_> = report.phases.iter().map(|it| (it.phase, it.millis)).collect();
    assert_eq!(
        took,
        [
            (Phase::Preparing, 4_000),
            (Phase::Staging, 60_000),
            (Phase::Switching, 2_000),
            (Phase::CleaningUp, 114_000)
        ]
    );
    assert_eq!(report.live_after_millis, Some(66_000));
    assert_eq!(report.took_millis, Some(180_000));
    let numbers: Vec<_> = report.activity.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(report.warnings.len(), 1);
}

#[test]
fn nothing_in_a_report_is_mark_up_that_was_in_a_name() {
    let document = report().document();
    let html = document.html();
    assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("src="));
    let markdown = document.markdown();
    assert!(!markdown.contains("\n# not a heading"), "{markdown}");
    assert!(markdown.contains("restore \\<b>\\|x\\</b>"), "{markdown}");
    assert!(
        markdown.contains("a hook said \\<script>alert(1)\\</script>  # not a heading"),
        "{markdown}"
    );
    assert!(
        markdown.contains("| switching | 2026-11-30 02:11:05 UTC | 2.0 s |"),
        "{markdown}"
    );
}

#[test]
fn a_report_as_markdown_reads_raw_as_what_it_says() {
    let mut report = report();
    report.job.title = "restore of after_restore.xml in C:\\temp, R&D, 5 < 6!".into();
    let markdown = report.document().markdown();
    assert!(
        markdown.contains("| what | restore of after_restore.xml in C:\\temp, R&D, 5 < 6! |"),
        "{markdown}"
    );
    assert!(
        markdown.contains("lifeboat undo acme/live") || markdown.contains("No safety backup"),
        "{markdown}"
    );
}

#[test]
fn what_was_read_back_before_the_backup_was_taken_is_what_it_shares_with_earlier_ones() {
    let told = |read: Instant| {
        let mut backup = histories::backup(1, at(10, 0), Trigger::Person, &[], Vec::new());
        backup.verification = Verification::Verified { at: read };
        let mut job = job(JobKind::Restore, 5, 38, JobState::Done);
        job.outcome.as_mut().unwrap().backup = Some(backup.id.clone());
        let facts = RestoreFacts {
            job,
            log: Vec::new(),
            activity: Vec::new(),
            backups: vec![backup],
        };
        RestoreReport::of(facts, at(45, 0)).document().markdown()
    };
    let shares = told(at(2, 0));
    assert!(
        shares.contains(
            "| taken | 2026-11-30 02:10:00 UTC |\n| versions then | "
        ) && shares.contains(
            "| read back | when it was taken; what it shares with earlier backups last at 2026-11-30 02:02:00 UTC or after that |"
        ),
        "{shares}"
    );
    let anew = told(at(12, 0));
    assert!(anew.contains("| read back | 2026-11-30 02:12:00 UTC |"), "{anew}");
}

fn details() -> EnvironmentDetails {
    let summary = EnvironmentSummary::unread("acme/live".parse().unwrap(), EnvironmentKind::Live);
    EnvironmentDetails {
        summary,
        instances: Vec::new(),
        versions: None,
        versions_problem: None,
        schedule: crate::domain::schedule::Schedule::default(),
        minute_in_window: 0,
        keep: crate::domain::slot::Keep::default(),
        approve: false,
        slot_schedules: Vec::new(),
        recent: None,
        last_scheduled: None,
        next_verify: None,
        next_drill: None,
        backups: Vec::new(),
        undo: None,
        replaced: Vec::new(),
        undo_way: None,
        undo_of: None,
        repository: String::new(),
        copies: None,
    }
}

#[test]
fn proof_counts_what_was_taken_and_names_what_was_not() {
    let details = details();
    let failed = JobState::Failed {
        why: "no room".into(),
    };
    let jobs = vec![
        job(JobKind::Drill, 5, 40, JobState::Done),
        job(JobKind::Backup, 4, 30, JobState::Done),
        job(JobKind::Backup, 3, 20, failed),
        job(JobKind::Backup, 2, 10, JobState::Done),
        job(JobKind::Backup, 1, 0, JobState::Done),
    ];
    let facts = |most_jobs| ProofFacts {
        since: at(5, 0),
        environments: vec![(details.clone(), jobs.clone())],
        most_jobs,
    };
    let report = ProofReport::of(facts(100), at(45, 0));
    let of = &report.environments[0];
    assert_eq!((of.backups_taken, of.backups_failed, of.drills.len()), (2, 1, 1));
    assert_eq!(of.longest_gap_millis, Some(20 * 60_000));
    assert_eq!(of.known_since, at(5, 0));
    assert_eq!(of.failures[0].said, "no room");
    let text = report.document().markdown();
    assert!(text.contains("| backup that was not taken, job 3 |"), "{text}");
    assert!(text.contains("No backup was read back in the period."), "{text}");
    let cut = ProofReport::of(facts(5), at(45, 0));
    assert_eq!(
        cut.environments[0].known_since,
        at(5, 0),
        "the oldest is older than the period"
    );
}

/// A report of a period from minute 5 to 45, with these targets as they stand at its end.
fn of_targets(targets: &[(Aim, &str, bool)], jobs: Vec<Job>) -> ProofReport {
    let mut details = details();
    details.summary.targets = targets
        .iter()
        .map(|(aim, target, met)| Standing {
            aim: *aim,
            target: target.parse().unwrap(),
            met: *met,
            since: None,
            // A restore takes three minutes.
            seconds: (*aim == Aim::Rto).then_some(180),
            drill_failed: false,
            cause: None,
        })
        .collect();
    let facts = ProofFacts {
        since: at(5, 0),
        environments: vec![(details, jobs)],
        most_jobs: 100,
    };
    ProofReport::of(facts, at(45, 0))
}

#[test]
fn a_target_is_told_of_the_period_and_of_now() {
    let jobs = vec![
        job(JobKind::Restore, 5, 38, JobState::Done),
        job(JobKind::Backup, 4, 37, JobState::Done),
        job(JobKind::Drill, 3, 20, JobState::Done),
        job(JobKind::Backup, 2, 10, JobState::Done),
        job(JobKind::Backup, 1, 0, JobState::Done),
    ];
    let report = of_targets(&[(Aim::Rpo, "12m", true), (Aim::Rto, "2m", false)], jobs);
    let [rpo, rto] = report.environments[0].targets.as_slice() else {
        panic!("{report:?}");
    };
    // The backup of 00:01 was too old from 12:01 on until the one of 10:01 was there at 13:01, and that one from 22:01 on until
    // 40:01.
    assert_eq!((rpo.met, rpo.known_since), (Some(false), Some(at(5, 0))));
    assert_eq!(rpo.first_missed, Some(at(12, 1)));
    assert_eq!(rpo.missed_millis, (60 + 18 * 60) * 1_000);
    assert_eq!(rpo.worst_millis, Some(30 * 60_000));
    // Each took three minutes, and the first of them ended at 23:01.
    assert_eq!((rto.met, rto.known_since), (Some(false), Some(at(23, 1))));
    assert_eq!(rto.first_missed, Some(at(23, 1)));
    assert_eq!(rto.missed_millis, (21 * 60 + 59) * 1_000);
    let document = report.document();
    for text in [document.markdown(), document.html()] {
        assert!(
            text.contains(
                "RPO 12m missed in the period: first at 2026-11-30 02:12 UTC, for 19 min 00 s in all (the newest backup was \
                 30 min 00 s old at most). Now: RPO 12m met"
            ),
            "{text}"
        );
        assert!(text.contains("Now: RTO 2m missed"), "{text}");
    }
    let json = serde_json::to_value(&report).unwrap();
    let target = &json["environments"][0]["targets"][0];
    assert_eq!(
        (&target["met"], &target["now"]["met"]),
        (&false.into(), &true.into())
    );
}

#[test]
fn a_drill_of_a_part_is_told_as_that_and_meets_no_target() {
    let in_part = || {
        let mut drill = job(JobKind::Drill, 2, 20, JobState::Done);
        drill.outcome.as_mut().unwrap().not_proven = vec!["public-1".parse().unwrap()];
        drill
    };
    let told = |target: &str, jobs: Vec<Job>| {
        let report = of_targets(&[(Aim::Rto, target, false)], jobs);
        let drill = report.environments[0].drills.last().unwrap();
        assert_eq!(drill.not_proven, ["public-1".parse().unwrap()]);
        let text = report.document().markdown();
        assert!(
            text.contains("| done, in part only, without public-1 |"),
            "{text}"
        );
        report.environments[0].targets[0].clone()
    };
    let alone = told("3m", vec![in_part()]);
    assert_eq!((alone.met, alone.known_since), (None, None));
    assert_eq!(
        alone.said,
        "RTO 3m: not known whether it was met, no drill and no restore of all of it up to the end of the period is known; a \
         drill of the period proved a part only, without public-1, and does not count for all of it; a drill makes it known"
    );
    // Beside one of all of it, which counts.
    let whole = job(JobKind::Drill, 1, 10, JobState::Done);
    let beside = told("3m", vec![in_part(), whole]);
    assert_eq!(beside.met, Some(true));
    assert!(
        beside.said.ends_with("and does not count for all of it"),
        "{}",
        beside.said
    );
    // All of it does not take less than a part of it.
    assert_eq!(told("2m", vec![in_part()]).met, Some(false));
}

#[test]
fn what_was_proven_last_says_what_of_it_was_not() {
    let mut details = details();
    let left_out = vec!["public-1".parse().unwrap()];
    details.summary.last_drill = Some(Drill {
        at: at(20, 0),
        backup: BackupId("b".to_owned()),
        millis: 1_000,
        bytes: 1,
        newest: true,
        outcome: DrillOutcome::ProvenInPart { left_out },
    });
    let facts = ProofFacts {
        since: at(5, 0),
        environments: vec![(details, Vec::new())],
        most_jobs: 100,
    };
    let text = ProofReport::of(facts, at(45, 0)).document().markdown();
    let told = "never as a whole; in part only at 2026-11-30 02:20 UTC, without public-1";
    assert!(text.contains(told), "{text}");
}

#[test]
fn a_target_that_was_kept_is_met_and_what_is_not_known_is_said() {
    let jobs = vec![
        job(JobKind::Restore, 3, 38, JobState::Done),
        job(JobKind::Drill, 2, 20, JobState::Done),
        job(JobKind::Backup, 1, 10, JobState::Done),
    ];
    let both = [(Aim::Rpo, "40m", true), (Aim::Rto, "3m", true)];
    let report = of_targets(&both, jobs);
    let [rpo, rto] = report.environments[0].targets.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!((rpo.met, rpo.known_since), (Some(true), Some(at(13, 1))));
    assert!(
        rpo.said.starts_with("RPO 40m met over the period") && rpo.said.contains("of the time before"),
        "{}",
        rpo.said
    );
    assert_eq!(rto.met, Some(true));
    let nothing = of_targets(&both, Vec::new());
    for target in &nothing.environments[0].targets {
        assert_eq!(target.met, None);
        assert!(
            target.said.contains("not known whether it was met"),
            "{}",
            target.said
        );
        let by_a_drill = target.said.ends_with("a drill makes it known");
        assert_eq!(by_a_drill, target.aim == Aim::Rto, "{}", target.said);
    }
}
