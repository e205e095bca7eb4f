//! Properties of schedule and retention over made-up histories: what a user relies on, whatever happens on the way.
//!
//! A history is played minute by minute in coarse steps: Lifeboat runs or not, backups succeed, fail or are found
//! damaged later, people take backups by hand, and after every backup retention drops what it may.

mod examples;
mod together;

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
use super::pin::Pin;
use super::proof::{Drill, DrillOutcome, last_verified, to_drill, to_verify};
use super::retention::{
    doubt, droppable, holders, kept_for_holding_more, replaced_by_next, standing_upgrade, undo_target,
};
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

pub(crate) fn backup(
    number: u64,
    taken: Instant,
    trigger: Trigger,
    slots: &[Slot],
    serves: Vec<Served>,
) -> Backup {
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
            pin: None,
            replaced: None,
            added_bytes: 0,
            read_since: None,
            ran: None,
            came_from: None,
            earlier: Vec::new(),
            instances: Vec::new(),
        },
        verification: Verification::Verified { at: taken },
        drill: None,
        dated_ahead: false,
        less: None,
    }
}

/// A look by a clock that has not jumped.
fn believed(now: Instant) -> Look {
    Look { now, settled: now }
}

fn manual(number: u64, taken: Instant) -> Backup {
    backup(number, taken, Trigger::Person, &[Slot::Manual], Vec::new())
}

fn recent(number: u64, taken: Instant) -> Backup {
    backup(number, taken, Trigger::Schedule, &[], Vec::new())
}

fn pinned(number: u64, taken: Instant, until: Option<Instant>) -> Backup {
    let mut backup = manual(number, taken);
    backup.manifest.set_pin(Some(Pin {
        by: "ann".into(),
        at: taken,
        until,
        note: None,
    }));
    backup
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
            every: None,
        }
    })
}

fn keep() -> impl Strategy<Value = Keep> {
    (0_u16..3, 0_u16..3, 0_u16..3, 0_u16..3).prop_map(|(monthly, weekly, daily, manual)| Keep {
        monthly,
        weekly,
        daily,
        manual,
        recent: 24,
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
        kinds in prop::collection::vec(0_u8..6, 12),
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
                3 => recent(number, now),
                4 => pinned(number, now, Some(now + Duration::days(3))),
                _ => backup(number, now, Trigger::Restore, &[], vec![]),
            };
            taken.manifest.expires = (*kind > 4).then_some(now + Duration::days(7));
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
            backups.push(recent(number + 200, at));
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
    fn no_pin_is_lost_by_a_clock_that_jumps_ahead_and_back(
        jumps in prop::collection::vec((1_i64..10_000, 0_i64..1_190, any::<bool>()), 1..6),
        hours_left in 1_i64..400,
        keep in keep(),
    ) {
        let start = at("2026-11-01 12:00");
        let until = start + Duration::hours(hours_left);
        let mut now = start;
        let mut backups = vec![pinned(1, start, Some(until)), manual(2, start + Duration::minutes(1))];
        let none = BTreeSet::new();
        for ((number, (ahead_by, stays, by_days)), day) in (10_u64..).step_by(2).zip(&jumps).zip(1..) {
            // It runs as it should for a while, then is ahead, by any time, for less than a day, and is set right.
            now = (start + Duration::hours(day * 20)).max(now);
            if now >= until {
                break;
            }
            let ahead = if *by_days { Duration::hours(*ahead_by) } else { Duration::minutes(*ahead_by) };
            for (number, minutes) in [(number, 0), (number + 1, *stays)] {
                let wrong = now + ahead + Duration::minutes(minutes);
                backups.push(manual(number, wrong));
                let look = Look::at(wrong, backups.iter().map(|b| b.manifest.taken));
                let goes = droppable(&backups, &keep, &none, &look);
                prop_assert!(goes.iter().all(|b| b.id != backups[0].id), "lost {} early", until - now);
            }
            ahead::mark(&mut backups, now);
            backups.retain(|backup| !backup.dated_ahead);
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
