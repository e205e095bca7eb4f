//! Properties of schedule and retention over made-up histories: what a user relies on, whatever happens on the way.
//!
//! A history is played minute by minute in coarse steps: Lifeboat runs or not, backups succeed, fail or are found
//! damaged later, people take backups by hand, and after every backup retention drops what it may.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Duration, Timelike, Weekday};
use proptest::prelude::*;

use super::Instant;
use super::ahead::{self, Look, SKEW};
use super::backup::{
    Backup, BackupId, ChoiceError, InstanceCopy, Manifest, Served, Trigger, Verification, WorkspaceCopy,
    choose,
};
use super::environment::{EnvironmentName, Role, WorkspaceKind};
use super::proof::{Drill, DrillOutcome, last_verified, to_drill, to_verify};
use super::retention::{doubt, droppable, holders, replaced_by_next, standing_upgrade, undo_target};
use super::schedule::{Schedule, Window};
use super::slot::{Keep, Slot};
use super::version::{MagnoliaVersion, ReleaseVersion, Versions};

fn at(text: &str) -> Instant {
    chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M")
        .unwrap()
        .and_utc()
}

fn live() -> EnvironmentName {
    "acme/live".parse().unwrap()
}

fn backup(number: u64, taken: Instant, trigger: Trigger, slots: &[Slot], serves: Vec<Served>) -> Backup {
    Backup {
        id: BackupId(format!("{number:064x}")),
        manifest: Manifest {
            format: Manifest::FORMAT,
            environment: live(),
            taken,
            copy_millis: 0,
            verify_millis: 0,
            trigger,
            by: "schedule".into(),
            note: None,
            versions: Versions {
                release: ReleaseVersion::numbered(1),
                magnolia: MagnoliaVersion("6.3.4".into()),
            },
            slots: slots.to_vec(),
            serves,
            expires: None,
            replaced: None,
            added_bytes: 0,
            read_since: None,
            instances: Vec::new(),
        },
        verification: Verification::Verified { at: taken },
        drill: None,
        dated_ahead: false,
    }
}

/// A look by a clock that has not jumped.
fn believed(now: Instant) -> Look {
    Look { now, settled: now }
}

fn manual(number: u64, taken: Instant) -> Backup {
    backup(number, taken, Trigger::Person, &[Slot::Manual], Vec::new())
}

fn damage(backup: &mut Backup) {
    backup.verification = Verification::Damaged {
        at: backup.manifest.taken,
        why: "a pack is gone".into(),
    };
}

fn fail_drill(backup: &mut Backup) {
    backup.drill = Some(Drill {
        at: backup.manifest.taken,
        backup: backup.id.clone(),
        millis: 0,
        bytes: 0,
        newest: true,
        outcome: DrillOutcome::Failed {
            why: "a row is missing".into(),
        },
    });
}

/// What happens at one step of a history.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// Lifeboat looks, and what is due is taken.
    Look,
    /// Lifeboat looks, and taking what is due fails.
    LookAndFail,
    /// Lifeboat is not running.
    Off,
    /// A person takes a backup.
    ByHand,
    /// The newest backup turns out to be damaged.
    Rot,
    /// A drill of the newest backup fails.
    FailDrill,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => Just(Happening::Look),
        2 => Just(Happening::LookAndFail),
        3 => Just(Happening::Off),
        1 => Just(Happening::ByHand),
        1 => Just(Happening::Rot),
        1 => Just(Happening::FailDrill),
    ]
}

fn schedule() -> impl Strategy<Value = Schedule> {
    (0_u16..1440, 1_u16..1440, 0_u8..7, 1_u8..32).prop_map(|(start, length, weekday, day)| {
        let end = (start + length) % 1440;
        let window = format!(
            "{:02}:{:02}-{:02}:{:02}",
            start / 60,
            start % 60,
            end / 60,
            end % 60
        );
        Schedule {
            window: window.parse().unwrap(),
            weekly_on: Weekday::try_from(weekday).unwrap(),
            monthly_on: day,
            enabled: true,
        }
    })
}

fn keep() -> impl Strategy<Value = Keep> {
    (0_u16..3, 0_u16..3, 0_u16..3, 0_u16..3).prop_map(|(monthly, weekly, daily, manual)| Keep {
        monthly,
        weekly,
        daily,
        manual,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_played_history_keeps_the_promises(
        schedule in schedule(),
        keep in keep(),
        start in 0_i64..1_500,
        steps in prop::collection::vec((happening(), 1_i64..900), 1..160),
    ) {
        let known_since = at("2023-11-20 12:00") + Duration::days(start);
        let mut now = known_since;
        let mut backups: Vec<Backup> = Vec::new();
        let mut served: BTreeMap<(Slot, Instant), u32> = BTreeMap::new();
        let mut number = 0;
        for (happening, minutes) in steps {
            now += Duration::minutes(minutes);
            number += 1;
            let good_before: BTreeMap<Slot, BackupId> = newest_good(&backups);
            match happening {
                Happening::Off => continue,
                Happening::LookAndFail => {}
                Happening::ByHand => backups.push(manual(number, now)),
                Happening::Rot | Happening::FailDrill => {
                    if let Some(newest) = backups.iter_mut().max_by_key(|b| b.manifest.taken) {
                        match happening {
                            Happening::Rot => damage(newest),
                            _ => fail_drill(newest),
                        }
                        for lost in newest.manifest.serves.clone() {
                            served.remove(&(lost.slot, lost.due));
                        }
                    }
                    continue;
                }
                Happening::Look => {
                    let due = schedule.due(&live(), &backups, known_since, now);
                    if !due.is_empty() {
                        for period in &due {
                            *served.entry((period.slot, period.due)).or_default() += 1;
                            prop_assert!(period.due <= now);
                        }
                        let slots: Vec<_> = due.iter().map(|period| period.slot).collect();
                        backups.push(backup(number, now, Trigger::Schedule, &slots, due));
                    }
                    // Served means served: nothing is due right after.
                    prop_assert_eq!(schedule.due(&live(), &backups, known_since, now), vec![]);
                }
            }
            let dropped: Vec<BackupId> =
                droppable(&backups, &keep, &BTreeSet::new(), &believed(now)).iter().map(|b| b.id.clone()).collect();
            // A backup that was the newest good one of a slot goes only for a newer good one.
            backups.retain(|b| !dropped.contains(&b.id));
            for (slot, before) in good_before {
                let holder = holders(&backups, &keep, slot).first().map(|b| b.id.clone());
                prop_assert!(holder.is_some_and(|holder| holder >= before), "the {slot} slot lost its holder");
            }
            for slot in Slot::ALL {
                prop_assert!(holders(&backups, &keep, slot).len() <= keep.of(slot));
            }
        }
        // Each period that was served was served exactly once.
        prop_assert!(served.values().all(|times| *times == 1), "{served:?}");
    }

    #[test]
    fn the_minute_is_stable_and_inside_the_window(
        schedule in schedule(),
        project in "[a-z][a-z0-9-]{0,20}",
        day in 0_i64..2_000,
    ) {
        let name = EnvironmentName::new(&project, "live").unwrap();
        let minute = schedule.minute_in_window(&name);
        prop_assert!(minute < schedule.window.length_minutes());
        prop_assert_eq!(minute, schedule.minute_in_window(&name.clone()));
        let now = at("2024-01-01 00:00") + Duration::days(day);
        for slot in Slot::AUTOMATIC {
            let next = schedule.next_due(&name, slot, now).unwrap();
            prop_assert!(next > now);
            let minute_of_day = u16::try_from(next.hour() * 60 + next.minute()).unwrap();
            let into = (minute_of_day + 1440 - schedule.window.start_minute()) % 1440;
            prop_assert_eq!(into, minute);
            // The period that begins there is the current one from then on, and not a moment before.
            prop_assert_eq!(schedule.period_of(&name, slot, next), Some(next));
            prop_assert!(schedule.period_of(&name, slot, next - Duration::milliseconds(1)) < Some(next));
        }
    }

    #[test]
    fn one_round_by_a_clock_that_is_ahead_drops_nothing_that_a_right_one_keeps(
        gaps in prop::collection::vec(1_i64..50, 1..12),
        kinds in prop::collection::vec(0_u8..4, 12),
        ahead_by in 121_i64..10_000,
        minutes_ahead in prop::collection::vec(0_i64..1_200, 1..5),
        keep in keep(),
    ) {
        let mut now = at("2026-11-01 12:00");
        let mut backups = Vec::new();
        for ((number, hours), kind) in (0_u64..).zip(&gaps).zip(&kinds) {
            now += Duration::hours(*hours);
            let mut taken = match kind {
                0 | 1 => manual(number, now),
                2 => backup(number, now, Trigger::Schedule, &Slot::AUTOMATIC, vec![]),
                _ => backup(number, now, Trigger::Restore, &[], vec![]),
            };
            taken.manifest.expires = (*kind > 2).then_some(now + Duration::days(7));
            backups.push(taken);
        }
        let takens = |backups: &[Backup]| backups.iter().map(|b| b.manifest.taken).collect::<Vec<_>>();
        let none = BTreeSet::new();
        let right: BTreeSet<BackupId> =
            droppable(&backups, &keep, &none, &believed(now)).iter().map(|b| b.id.clone()).collect();
        // Any number of backups by the wrong clock, as long as it is not left so for a day.
        let wrong = now + Duration::hours(ahead_by);
        let before = backups.clone();
        for (number, minutes) in (100_u64..).zip(&minutes_ahead) {
            let at = wrong + Duration::minutes(*minutes);
            backups.push(manual(number, at));
            backups.push(backup(number + 100, at, Trigger::Schedule, &Slot::AUTOMATIC, vec![]));
            let latest = wrong + Duration::minutes(*minutes_ahead.iter().max().unwrap());
            let look = Look::at(latest.min(wrong + Duration::minutes(1_199)), takens(&backups));
            for dropped in droppable(&backups, &keep, &none, &look) {
                prop_assert!(right.contains(&dropped.id), "{} went by a wrong clock", dropped.id);
            }
        }
        // It is right again: everything stands as if it had not been wrong.
        ahead::mark(&mut backups, now);
        let undo = |backups: &[Backup]| undo_target(backups).map(|b| b.id.clone());
        prop_assert_eq!(undo(&backups), undo(&before));
        for slot in Slot::ALL {
            let ids = |backups: &[Backup]| -> Vec<BackupId> {
                holders(backups, &keep, slot).iter().map(|b| b.id.clone()).collect()
            };
            prop_assert_eq!(ids(&backups), ids(&before));
        }
    }

    #[test]
    fn a_machine_that_was_off_drops_what_may_go_one_round_later(days in 6_i64..400, hours in 20_i64..27) {
        let before = at("2026-11-01 12:00");
        let back = before + Duration::days(days);
        let mut backups = vec![manual(1, before - Duration::hours(1)), manual(2, back)];
        let keep = Keep::default();
        let none = BTreeSet::new();
        let drop = |backups: &[Backup], now: Instant| -> Vec<BackupId> {
            let look = Look::at(now, backups.iter().map(|b| b.manifest.taken));
            droppable(backups, &keep, &none, &look).iter().map(|b| b.id.clone()).collect()
        };
        prop_assert_eq!(drop(&backups, back), vec![]);
        let next = back + Duration::hours(hours);
        backups.push(manual(3, next));
        prop_assert_eq!(drop(&backups, next), vec![backups[0].id.clone(), backups[1].id.clone()]);
    }

    #[test]
    fn dropping_is_the_same_twice_and_never_takes_the_last_good_one(
        states in prop::collection::vec(0_u8..3, 1..12),
        keep in keep(),
    ) {
        let now = at("2026-11-23 12:00");
        let mut backups: Vec<Backup> = (0_i64..).zip(&states).map(|(day, state)| {
            let mut taken = manual(u64::try_from(day).unwrap(), now - Duration::days(day));
            match state {
                0 => {}
                1 => damage(&mut taken),
                _ => fail_drill(&mut taken),
            }
            taken
        }).collect();
        let had_good = backups.iter().any(Backup::is_good);
        let ids: BTreeSet<BackupId> =
            droppable(&backups, &keep, &BTreeSet::new(), &believed(now)).iter().map(|b| b.id.clone()).collect();
        backups.retain(|b| !ids.contains(&b.id));
        prop_assert_eq!(backups.iter().any(Backup::is_good), had_good);
        prop_assert!(droppable(&backups, &keep, &BTreeSet::new(), &believed(now)).is_empty());
    }
}

#[test]
fn a_failed_drill_never_pushes_out_a_good_backup() {
    let now = at("2026-11-23 12:00");
    let keep = Keep::default();
    let mut newest = manual(2, now);
    fail_drill(&mut newest);
    let good = manual(1, now - Duration::days(3));
    let older = manual(0, now - Duration::days(9));
    let backups = [newest, good.clone(), older.clone()];
    assert_eq!(holders(&backups, &keep, Slot::Manual), [&good]);
    assert_eq!(
        droppable(&backups, &keep, &BTreeSet::new(), &believed(now)),
        [&older],
        "neither the good one nor the doubtful one that is newer"
    );
}

#[test]
fn the_newest_and_the_longest_unproven_are_drilled_in_turns() {
    let now = at("2026-11-23 12:00");
    let mut backups = vec![
        manual(3, now),
        manual(2, now - Duration::days(5)),
        manual(1, now - Duration::days(30)),
    ];
    let mut last: Option<Drill> = None;
    let mut drilled = Vec::new();
    for day in 1..=5 {
        let chosen = to_drill(&backups, last.as_ref()).unwrap().id.clone();
        let drill = Drill {
            at: now + Duration::days(day),
            backup: chosen.clone(),
            millis: 1,
            bytes: 1,
            newest: chosen == backups[0].id,
            outcome: DrillOutcome::Proven,
        };
        for backup in &mut backups {
            if backup.id == chosen {
                backup.drill = Some(drill.clone());
            }
        }
        drilled.push(chosen);
        last = Some(drill);
    }
    let ids: Vec<_> = backups.iter().map(|backup| backup.id.clone()).collect();
    assert_eq!(
        drilled,
        [&ids[0], &ids[2], &ids[0], &ids[1], &ids[0]].map(Clone::clone)
    );
    backups.iter_mut().for_each(damage);
    assert_eq!(to_drill(&backups, None), None);
}

#[test]
fn what_was_not_read_back_since_it_was_due_is_read_back() {
    let due = at("2026-11-20 12:00");
    let now = at("2026-11-23 12:00");
    let mut backups = [
        manual(3, due + Duration::hours(1)),
        manual(2, due - Duration::hours(1)),
        manual(1, due - Duration::days(9)),
        manual(0, now + Duration::days(9)),
    ];
    let chosen: Vec<_> = to_verify(&backups, due, now)
        .iter()
        .map(|b| b.id.clone())
        .collect();
    assert_eq!(
        chosen,
        [&backups[1], &backups[2], &backups[3]].map(|backup| backup.id.clone())
    );
    assert_eq!(last_verified(&backups), Some(due - Duration::days(9)));
    backups[0].verification = Verification::Unverified;
    assert_eq!(last_verified(&backups), None);
}

fn newest_good(backups: &[Backup]) -> BTreeMap<Slot, BackupId> {
    Slot::ALL
        .into_iter()
        .filter_map(|slot| {
            let newest = backups
                .iter()
                .filter(|b| b.is_good() && b.is_for(slot))
                .max_by_key(|b| b.manifest.taken)?;
            Some((slot, newest.id.clone()))
        })
        .collect()
}

fn due_slots(schedule: &Schedule, backups: &[Backup], now: Instant) -> Vec<(Slot, bool)> {
    let long_ago = at("2020-01-01 00:00");
    schedule
        .due(&live(), backups, long_ago, now)
        .iter()
        .map(|served| (served.slot, served.late))
        .collect()
}

/// A schedule whose window is one minute, so that tests can name due moments.
fn at_midnight() -> Schedule {
    Schedule {
        window: "00:00-00:01".parse().unwrap(),
        ..Schedule::default()
    }
}

fn served_by(schedule: &Schedule, number: u64, now: Instant) -> Backup {
    let due = schedule.due(&live(), &[], now, now);
    let slots: Vec<_> = due.iter().map(|served| served.slot).collect();
    backup(number, now, Trigger::Schedule, &slots, due)
}

#[test]
fn one_backup_serves_every_slot_that_is_due() {
    // 2026-11-01 is a Sunday: all three slots fall on it.
    let schedule = at_midnight();
    let first = served_by(&schedule, 1, at("2026-11-01 00:00"));
    assert_eq!(first.manifest.slots, Slot::AUTOMATIC);
    assert_eq!(
        due_slots(&schedule, std::slice::from_ref(&first), at("2026-11-01 23:59")),
        []
    );
    assert_eq!(
        due_slots(&schedule, &[first], at("2026-11-02 00:00")),
        [(Slot::Daily, false)]
    );
}

#[test]
fn what_was_missed_is_made_up_at_once_and_late() {
    let schedule = at_midnight();
    let first = served_by(&schedule, 1, at("2026-11-01 00:00"));
    // Off from Saturday to Tuesday: the Sunday's weekly and Tuesday's daily are made up by one backup.
    assert_eq!(
        due_slots(&schedule, &[first], at("2026-11-10 09:30")),
        [(Slot::Weekly, true), (Slot::Daily, true)]
    );
}

#[test]
fn months_end_when_they_end() {
    let schedule = Schedule {
        monthly_on: 31,
        ..at_midnight()
    };
    let next = |from: &str| schedule.next_due(&live(), Slot::Monthly, at(from)).unwrap();
    assert_eq!(next("2027-01-31 00:00"), at("2027-02-28 00:00"));
    assert_eq!(next("2028-01-31 00:00"), at("2028-02-29 00:00"), "a leap year");
    assert_eq!(next("2028-02-29 00:00"), at("2028-03-31 00:00"));
    assert_eq!(
        next("2026-12-31 00:00"),
        at("2027-01-31 00:00"),
        "across the year's end"
    );
}

#[test]
fn weeks_go_on_across_the_years_end() {
    let schedule = Schedule {
        weekly_on: Weekday::Fri,
        ..at_midnight()
    };
    let mut due = schedule
        .next_due(&live(), Slot::Weekly, at("2026-12-01 00:00"))
        .unwrap();
    for _ in 0..10 {
        assert_eq!(due.weekday(), Weekday::Fri);
        let next = schedule.next_due(&live(), Slot::Weekly, due).unwrap();
        assert_eq!(next - due, Duration::days(7));
        due = next;
    }
}

#[test]
fn a_window_may_cross_midnight() {
    let window: Window = "23:30-00:30".parse().unwrap();
    assert_eq!(
        (window.start_minute(), window.length_minutes()),
        (23 * 60 + 30, 60)
    );
    assert_eq!(window.to_string(), "23:30-00:30");
    for bad in ["", "00:00", "00:00-00:00", "25:00-26:00", "0-1", "00:60-01:00"] {
        assert!(bad.parse::<Window>().is_err(), "{bad:?}");
    }
}

#[test]
fn environments_spread_over_the_window() {
    let schedule = Schedule::default();
    let mut minutes = BTreeMap::<u16, u32>::new();
    for number in 0..6_000 {
        let name = EnvironmentName::new(&format!("project-{number}"), "live").unwrap();
        *minutes.entry(schedule.minute_in_window(&name)).or_default() += 1;
    }
    assert_eq!(minutes.len(), 60);
    assert!(
        minutes.values().all(|count| (50..=150).contains(count)),
        "{minutes:?}"
    );
}

#[test]
fn the_minute_is_the_same_in_every_version() {
    assert_eq!(Schedule::default().minute_in_window(&live()), 33);
}

#[test]
fn a_schedule_that_is_off_is_never_due() {
    let schedule = Schedule {
        enabled: false,
        ..at_midnight()
    };
    assert_eq!(due_slots(&schedule, &[], at("2026-11-01 00:00")), []);
    assert_eq!(
        schedule.next_due(&live(), Slot::Daily, at("2026-11-01 00:00")),
        None
    );
}

#[test]
fn a_new_environment_is_backed_up_at_once_and_not_late() {
    let now = at("2026-11-10 15:00");
    let due = at_midnight().due(&live(), &[], now, now);
    assert_eq!(due.len(), 3);
    assert!(due.iter().all(|served| !served.late));
}

#[test]
fn a_damaged_backup_serves_no_period_and_holds_no_slot() {
    let schedule = at_midnight();
    let mut rotten = served_by(&schedule, 2, at("2026-11-02 00:00"));
    damage(&mut rotten);
    let good = served_by(&schedule, 1, at("2026-11-01 00:00"));
    let backups = [rotten, good];
    assert_eq!(
        due_slots(&schedule, &backups, at("2026-11-02 00:30")),
        [(Slot::Daily, true)]
    );
    let keep = Keep::default();
    assert_eq!(holders(&backups, &keep, Slot::Daily)[0].id, backups[1].id);
}

#[test]
fn a_backup_that_holds_much_less_pushes_nothing_out_and_is_told_until_that_is_settled() {
    let now = at("2026-11-23 12:00");
    let with_items = |mut backup: Backup, items: u64| {
        let name = "author".parse().unwrap();
        backup.manifest.instances.push(InstanceCopy {
            name,
            role: Role::Author,
            began: backup.manifest.taken,
            ended: backup.manifest.taken,
            workspaces: [("dam", 900), ("website", items)]
                .map(|(name, items)| WorkspaceCopy {
                    name: name.to_owned(),
                    kind: WorkspaceKind::Content,
                    items,
                    bytes: items,
                    digest: String::new(),
                })
                .into(),
            tables: Vec::new(),
            left_out: Vec::new(),
            doubts: Vec::new(),
        });
        backup
    };
    let keep = Keep::default();
    let none = BTreeSet::new();
    let good = with_items(manual(1, now - Duration::hours(2)), 300);
    let broken = with_items(manual(2, now - Duration::hours(1)), 1);
    let again = with_items(manual(3, now), 1);
    let mut backups = vec![again, broken, good];
    assert_eq!(droppable(&backups, &keep, &none, &believed(now)), [&backups[1]]);
    let told = doubt(&live(), &backups, &keep, &believed(now)).unwrap();
    let id = &backups[2].id;
    assert!(
        told.contains(&format!("lifeboat delete acme/live {id}"))
            && told.contains("website of author: 1 items now, 300 items before"),
        "{told}"
    );
    // As long as it still holds a slot, that the newest one is doubtful is told all the same.
    let two = Keep { manual: 2, ..keep };
    let told = doubt(&live(), &backups[1..], &two, &believed(now)).unwrap();
    assert!(told.contains("holds much less than"), "{told}");
    // Whole again.
    backups.insert(0, with_items(manual(4, now), 290));
    assert_eq!(doubt(&live(), &backups[..1], &keep, &believed(now)), None);
    assert_eq!(
        droppable(&backups, &keep, &none, &believed(now)).len(),
        3,
        "its equal has come"
    );
}

#[test]
fn expiry_and_running_jobs_hold_a_backup() {
    let now = at("2026-11-23 12:00");
    let newest = manual(9, now);
    let mut upgrade = backup(
        1,
        now - Duration::hours(10),
        Trigger::Upgrade {
            to: MagnoliaVersion("6.4".into()),
        },
        &[],
        vec![],
    );
    upgrade.manifest.expires = Some(now + Duration::hours(38));
    let mut safety = backup(2, now - Duration::days(9), Trigger::Restore, &[], vec![]);
    safety.manifest.expires = Some(now - Duration::days(2));
    let backups = [newest, upgrade.clone(), safety.clone()];
    let keep = Keep::default();
    let drop = |in_use: &BTreeSet<BackupId>, now| -> Vec<BackupId> {
        droppable(&backups, &keep, in_use, &believed(now))
            .iter()
            .map(|b| b.id.clone())
            .collect()
    };
    assert_eq!(drop(&BTreeSet::new(), now), std::slice::from_ref(&safety.id));
    assert_eq!(drop(&BTreeSet::from([safety.id.clone()]), now), []);
    assert_eq!(
        drop(&BTreeSet::new(), now + Duration::hours(39)),
        [safety.id.clone(), upgrade.id.clone()]
    );
    assert_eq!(standing_upgrade(&backups, now).map(|b| &b.id), Some(&upgrade.id));
    assert_eq!(standing_upgrade(&backups, now + Duration::hours(39)), None);
    assert_eq!(undo_target(&backups).map(|b| &b.id), Some(&safety.id));
}

#[test]
fn a_manual_backup_says_which_one_it_replaces() {
    let now = at("2026-11-23 12:00");
    let backups = [manual(2, now), manual(1, now - Duration::days(3))];
    let two = Keep {
        manual: 2,
        ..Keep::default()
    };
    assert_eq!(
        replaced_by_next(&backups, &Keep::default(), Slot::Manual),
        Some(&backups[0])
    );
    assert_eq!(replaced_by_next(&backups, &two, Slot::Manual), Some(&backups[1]));
    assert_eq!(replaced_by_next(&backups[..1], &two, Slot::Manual), None);
}

#[test]
fn a_backup_from_the_future_counts_for_nothing() {
    let now = at("2026-11-23 12:00");
    let years = Duration::days(3_650);
    let mut upgrade = backup(
        8,
        now + years,
        Trigger::Upgrade {
            to: MagnoliaVersion("6.4".into()),
        },
        &[],
        vec![],
    );
    upgrade.manifest.expires = Some(now + years + Duration::hours(48));
    let mut backups = [
        manual(9, now + years),
        upgrade,
        backup(7, now + years, Trigger::Restore, &[], vec![]),
        backup(6, now + years, Trigger::Schedule, &Slot::AUTOMATIC, vec![]),
        manual(5, now),
        backup(4, now - Duration::hours(1), Trigger::Restore, &[], vec![]),
    ];
    ahead::mark(&mut backups, now);
    let keep = Keep::default();
    assert_eq!(holders(&backups, &keep, Slot::Manual), [&backups[4]]);
    assert!(holders(&backups, &keep, Slot::Daily).is_empty());
    assert_eq!(replaced_by_next(&backups, &keep, Slot::Manual), Some(&backups[4]));
    assert_eq!(choose(&backups, "manual"), Ok(&backups[4]));
    assert_eq!(choose(&backups, "safety"), Ok(&backups[5]));
    assert_eq!(
        choose(&backups, "upgrade"),
        Err(ChoiceError::Unknown("upgrade".into()))
    );
    assert_eq!(choose(&backups, &backups[0].id.0), Ok(&backups[0]), "by its id");
    assert_eq!(undo_target(&backups), Some(&backups[5]));
    assert_eq!(standing_upgrade(&backups, now), None);
    assert_eq!(to_drill(&backups, None), Some(&backups[4]));
    assert_eq!(last_verified(&backups), Some(now - Duration::hours(1)));
    assert_eq!(
        due_slots(&at_midnight(), &backups, now).len(),
        3,
        "it serves no period"
    );
    assert_eq!(
        droppable(&backups, &keep, &BTreeSet::new(), &believed(now)),
        [&backups[5]],
        "only a person deletes it"
    );
    let told = ahead::trouble(&live(), &backups, now).unwrap();
    assert!(told.contains("4 backups") && told.contains("clock"), "{told}");
}

#[test]
fn clocks_may_differ_by_minutes() {
    let now = at("2026-11-23 12:00");
    let mut backups = [manual(2, now + SKEW), manual(1, now - Duration::days(1))];
    ahead::mark(&mut backups, now);
    assert_eq!(holders(&backups, &Keep::default(), Slot::Manual), [&backups[0]]);
    assert_eq!(ahead::trouble(&live(), &backups, now), None);
    ahead::mark(&mut backups, now - Duration::minutes(1));
    assert_eq!(holders(&backups, &Keep::default(), Slot::Manual), [&backups[1]]);
    // As soon as the time has come that it was taken at, it counts.
    ahead::mark(&mut backups, now);
    assert!(backups[0].is_good());
}

#[test]
fn nothing_is_dropped_on_the_day_that_damage_was_found() {
    let found = at("2026-11-23 12:00");
    let mut rotten = manual(2, found - Duration::hours(1));
    rotten.verification = Verification::Damaged {
        at: found,
        why: "a pack is gone".into(),
    };
    let older = manual(1, found - Duration::days(9));
    let backups = [
        manual(3, found + Duration::minutes(5)),
        rotten.clone(),
        older.clone(),
    ];
    let dropped = |hours: i64| {
        droppable(
            &backups,
            &Keep::default(),
            &BTreeSet::new(),
            &believed(found + Duration::hours(hours)),
        )
    };
    assert!(dropped(23).is_empty(), "somebody has to look at it as it is");
    assert_eq!(dropped(24), [&older, &rotten]);
}
