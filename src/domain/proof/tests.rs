//! When backups are verified and drilled, and what is said of it.

use proptest::prelude::*;

use super::*;
use crate::domain::backup::Trigger;
use crate::domain::histories::backup;

fn times<'a>(environment: &'a EnvironmentName, every: u16, window: &str) -> ProofTimes<'a> {
    ProofTimes {
        environment,
        proof: Proof::Drill,
        every: Every::days(every),
        window: window.parse().unwrap(),
    }
}

fn at(minutes: i64) -> Instant {
    Utc.timestamp_opt(1_795_000_000 - 1_795_000_000 % 60 + minutes * 60, 0)
        .unwrap()
}

fn window() -> impl Strategy<Value = Window> {
    (0_u16..1440, 1_u16..1440).prop_map(|(start, length)| {
        let end = (start + length) % 1440;
        let text = format!(
            "{:02}:{:02}-{:02}:{:02}",
            start / 60,
            start % 60,
            end / 60,
            end % 60
        );
        text.parse().unwrap()
    })
}

fn in_window(window: Window, at: Instant) -> bool {
    let minute = at.hour() * 60 + at.minute();
    let since = (minute + MINUTES_A_DAY - u32::from(window.start_minute())) % MINUTES_A_DAY;
    since < u32::from(window.length_minutes())
}

proptest! {
    #[test]
    fn what_is_due_comes_once_a_period_and_never_in_the_window(
        name in "[a-z]{1,8}/[a-z]{1,8}",
        every in 1_u16..400,
        window in window(),
        minutes in 0_i64..5_000_000,
    ) {
        let environment: EnvironmentName = name.parse().unwrap();
        let times = ProofTimes { window, ..times(&environment, every, "00:00-01:00") };
        let now = at(minutes);
        let (last, next) = (times.last(now).unwrap(), times.next(now).unwrap());
        prop_assert!(last <= now && now < next);
        prop_assert_eq!(next - last, Duration::days(i64::from(every)));
        prop_assert_eq!(times.last(next), Some(next));
        prop_assert_eq!(times.last(next - Duration::seconds(1)), Some(last));
        prop_assert!(!in_window(window, last));
        prop_assert!(may_begin(window, 0, last));
    }

    #[test]
    fn nothing_begins_in_the_window_and_something_may_every_day(
        window in window(),
        millis in 0_u64..20_000_000,
        minutes in 0_i64..5_000_000,
    ) {
        let now = at(minutes);
        prop_assert!(!(may_begin(window, millis, now) && in_window(window, now)));
        prop_assert!((0..1440).any(|later| may_begin(window, millis, now + Duration::minutes(later))));
    }
}

#[test]
fn a_long_drill_begins_long_before_the_window() {
    let window: Window = "00:00-01:00".parse().unwrap();
    let evening: Instant = "2026-11-23T21:30:00Z".parse().unwrap();
    assert!(may_begin(window, 60_000, evening));
    assert!(!may_begin(window, 2 * 60 * 60_000, evening));
}

#[test]
fn many_environments_spread_over_days_and_minutes() {
    let mut days = std::collections::BTreeMap::<_, u32>::new();
    let mut minutes = std::collections::BTreeSet::new();
    for number in 0..3_000 {
        let environment: EnvironmentName = format!("project-{number}/live").parse().unwrap();
        let next = times(&environment, 30, "00:00-01:00").next(at(0)).unwrap();
        *days.entry(next.date_naive()).or_default() += 1;
        minutes.insert((next.hour(), next.minute()));
    }
    // The first and the last day are shared by those before and after this minute.
    assert!((30..=31).contains(&days.len()), "{days:?}");
    assert!(days.values().all(|count| *count < 200), "{days:?}");
    assert!(minutes.len() > 1_000, "{}", minutes.len());
}

#[test]
fn how_often_is_written_in_days_and_weeks() {
    for (text, days) in [
        ("1d", Some(1)),
        ("30d", Some(30)),
        ("4w", Some(28)),
        ("never", None),
    ] {
        let every: Every = text.parse().unwrap();
        assert_eq!(every.in_days(), days);
        assert_eq!(every.to_string().parse(), Ok(every));
    }
    for wrong in ["", "d", "0d", "367d", "7", "7h", "-1d", "often"] {
        assert!(wrong.parse::<Every>().is_err(), "{wrong}");
    }
}

#[test]
fn off_is_never_due() {
    let environment: EnvironmentName = "acme/live".parse().unwrap();
    let times = ProofTimes {
        every: Every::NEVER,
        ..times(&environment, 1, "00:00-01:00")
    };
    assert_eq!((times.last(at(0)), times.next(at(0))), (None, None));
}

#[test]
fn a_drill_tells_how_long_another_amount_takes() {
    let drill = Drill {
        at: at(0),
        backup: BackupId("ab".repeat(32)),
        millis: 1_000,
        bytes: 500,
        newest: true,
        outcome: DrillOutcome::Proven,
    };
    assert_eq!(drill.millis_for(250), 500);
    let json = serde_json::to_value(&drill).unwrap();
    assert_eq!(json["outcome"], "proven");
    assert_eq!(serde_json::from_value::<Drill>(json).unwrap(), drill);
}

#[test]
fn a_drill_of_a_part_says_which_and_counts_less_than_one_of_the_whole() {
    let backup = BackupId("ab".repeat(32));
    let drill = |outcome| Drill {
        at: at(0),
        backup: backup.clone(),
        millis: 1_000,
        bytes: 500,
        newest: true,
        outcome,
    };
    let part = drill(DrillOutcome::ProvenInPart {
        left_out: ["public-1", "public-2"].map(|name| name.parse().unwrap()).into(),
    });
    let whole = drill(DrillOutcome::Proven);
    let failed = drill(DrillOutcome::Failed { why: "no".to_owned() });
    assert!(!part.is_proven() && !part.has_failed());
    assert_eq!(part.in_part().unwrap(), "without public-1 and public-2");
    assert_eq!((whole.in_part(), failed.in_part()), (None, None));
    let lines = standing(None, Some(&part), at(60)).join("\n");
    assert!(
        lines.contains("in part only: without public-1 and public-2")
            && lines.contains("Not proven restorable yet"),
        "{lines}"
    );
    let json = serde_json::to_value(&part).unwrap();
    assert_eq!(json["outcome"], "proven_in_part");
    assert_eq!(json["left_out"], serde_json::json!(["public-1", "public-2"]));
    assert_eq!(serde_json::from_value::<Drill>(json).unwrap(), part);
    for counts in [whole, failed] {
        let drills = [part.clone(), counts.clone(), part.clone()];
        assert_eq!(Drill::of(&backup, &drills), Some(&counts));
    }
    assert_eq!(Drill::of(&backup, std::slice::from_ref(&part)), Some(&part));
    assert_eq!(Drill::of(&BackupId("cd".repeat(32)), &[part]), None);
}

#[test]
fn a_copy_that_does_not_count_says_nothing_of_how_long_the_next_takes() {
    let of = |number: u64, minutes, millis| {
        let mut backup = backup(number, at(minutes), Trigger::Schedule, &[], Vec::new());
        backup.manifest.copy_millis = millis;
        backup
    };
    let mut backups = [
        of(1, 0, 5_000),
        of(2, 1, 90_000),
        of(3, 2, 70_000),
        of(4, 3, 60_000),
    ];
    backups[1].verification = Verification::Unverified;
    backups[2].verification = Verification::Damaged {
        at: at(2),
        why: "a row is missing".to_owned(),
    };
    backups[3].dated_ahead = true;
    assert_eq!(last_copy(&backups), Some(5_000));
    assert_eq!(last_copy(&backups[1..]), None);
    let drill = Drill {
        at: at(0),
        backup: backups[0].id.clone(),
        millis: 1_000,
        bytes: 10,
        newest: true,
        outcome: DrillOutcome::Proven,
    };
    assert_eq!(until_live(&drill, 20, &backups), 7_000);
}
