//! Slots, backups between the daily ones and pins together: what retention promises over generated histories, with a clock
//! that may be wrong for a while.

use super::*;
use crate::domain::limit::TimeLimit;
use crate::domain::recent::kept;
use crate::domain::schedule::Due;

/// What happens at one step.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Lifeboat looks, and what is due is taken.
    Look,
    /// A person takes a backup.
    ByHand,
    /// One of the newest backups turns out to be damaged.
    Rot(usize),
    /// Somebody pins a backup, for so many days or for ever.
    Pin(usize, Option<i64>),
    /// Somebody takes a pin away.
    Unpin(usize),
    /// The clock is wrong by so many hours from now on.
    Wrong(i64),
    /// The clock is set right.
    Right,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => Just(Step::Look),
        2 => Just(Step::ByHand),
        1 => (0_usize..6).prop_map(Step::Rot),
        2 => (0_usize..30, prop::option::of(1_i64..40)).prop_map(|(which, days)| Step::Pin(which, days)),
        1 => (0_usize..30).prop_map(Step::Unpin),
        1 => (-300_i64..300).prop_map(Step::Wrong),
        2 => Just(Step::Right),
    ]
}

fn every() -> impl Strategy<Value = TimeLimit> {
    prop::sample::select(vec!["5m", "15m", "1h", "90m", "5h", "12h"])
        .prop_map(|text| text.parse::<TimeLimit>().unwrap())
}

/// Of each slot the newest good backup, as far as that is in the past.
fn newest_of_each(backups: &[Backup], settled: Instant) -> BTreeMap<Slot, BackupId> {
    let past: Vec<Backup> = backups
        .iter()
        .filter(|backup| backup.manifest.taken <= settled)
        .cloned()
        .collect();
    newest_good(&past)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn slots_recent_ones_and_pins_keep_their_promises_together(
        base in schedule(),
        slots in keep(),
        every in every(),
        recents in 1_u16..30,
        steps in prop::collection::vec((step(), 1_i64..400), 1..200),
    ) {
        let schedule = Schedule { every: Some(every), ..base };
        let keep = Keep { recent: recents, ..slots };
        let known_since = at("2026-03-01 12:00");
        let (mut now, mut wrong) = (known_since, Duration::zero());
        let mut backups: Vec<Backup> = Vec::new();
        let mut number = 0;
        for (step, minutes) in steps {
            now += Duration::minutes(minutes);
            let clock = now + wrong;
            ahead::mark(&mut backups, clock);
            number += 1;
            let count = backups.len().max(1);
            match step {
                Step::Wrong(hours) => {
                    wrong = Duration::hours(hours);
                    continue;
                }
                Step::Right => {
                    wrong = Duration::zero();
                    continue;
                }
                Step::ByHand => backups.push(manual(number, clock)),
                Step::Rot(which) => {
                    if let Some(backup) = backups.iter_mut().rev().nth(which) {
                        backup.verification = Verification::Damaged { at: clock, why: "a pack is gone".into() };
                    }
                }
                Step::Pin(which, days) => {
                    if let Some(backup) = backups.get_mut(which % count) {
                        backup.manifest.set_pin(Some(Pin {
                            by: "ann".into(),
                            at: clock,
                            until: days.map(|days| clock + Duration::days(days)),
                            note: None,
                        }));
                    }
                }
                Step::Unpin(which) => {
                    if let Some(backup) = backups.get_mut(which % count) {
                        backup.manifest.set_pin(None);
                    }
                }
                Step::Look => {
                    match schedule.due_now(&live(), &backups, known_since, clock) {
                        Due::Nothing => {}
                        Due::Slots(serves) => {
                            let slots: Vec<_> = serves.iter().map(|served| served.slot).collect();
                            backups.push(backup(number, clock, Trigger::Schedule, &slots, serves));
                        }
                        Due::Recent(step) => {
                            prop_assert!(step <= clock);
                            backups.push(recent(number, clock));
                        }
                    }
                    // One was taken, however much was missed.
                    prop_assert_eq!(schedule.due_now(&live(), &backups, known_since, clock), Due::Nothing);
                }
            }
            let look = Look::at(clock, backups.iter().map(|backup| backup.manifest.taken));
            let newest = newest_of_each(&backups, look.settled);
            let pins: BTreeSet<BackupId> = backups
                .iter()
                .filter(|backup| backup.is_left_for_its_pin(look.settled))
                .map(|backup| backup.id.clone())
                .collect();
            let going = |backups: &[Backup]| -> BTreeSet<BackupId> {
                let goes = droppable(backups, &keep, &BTreeSet::new(), &look);
                goes.iter().map(|backup| backup.id.clone()).collect()
            };
            let goes = going(&backups);
            let mut turned = backups.clone();
            turned.reverse();
            turned.rotate_left(usize::try_from(number).unwrap() % count);
            prop_assert_eq!(&going(&turned), &goes, "it depends on the order");
            backups.retain(|backup| !goes.contains(&backup.id));
            prop_assert_eq!(going(&backups), BTreeSet::new(), "what was left would go at the next look");
            prop_assert!(pins.iter().all(|pin| backups.iter().any(|backup| backup.id == *pin)), "a pin has gone");
            for (slot, id) in newest {
                prop_assert!(backups.iter().any(|backup| backup.id == id), "the {slot} slot lost its newest");
            }
            let just_damaged = backups.iter().any(|backup| matches!(
                backup.verification, Verification::Damaged { at, .. } if (clock - at).abs() < Duration::hours(25)
            ));
            if look.is_settled() && !just_damaged {
                let held = backups.iter().filter(|backup| {
                    backup.is_recent() && backup.is_good() && !backup.is_left_for_its_pin(clock)
                        && backup.manifest.taken <= clock
                });
                prop_assert!(held.count() <= usize::from(recents), "more than {recents} recent ones");
            }
        }
    }

    #[test]
    fn thinning_often_and_thinning_once_leave_the_same(
        gaps in prop::collection::vec(1_i64..300, 1..80),
        looks in prop::collection::vec(1_i64..2_000, 1..20),
    ) {
        let keep = Keep { recent: 10_000, ..Keep::default() };
        let mut now = at("2026-03-01 12:00");
        let mut all = Vec::new();
        for (number, minutes) in (0_u64..).zip(gaps) {
            now += Duration::minutes(minutes);
            all.push(recent(number, now));
        }
        let mut often = all.clone();
        for minutes in looks {
            now += Duration::minutes(minutes);
            let stays: BTreeSet<BackupId> = kept(&often, &keep, now).iter().map(|b| b.id.clone()).collect();
            often.retain(|backup| stays.contains(&backup.id));
        }
        let once: BTreeSet<BackupId> = kept(&all, &keep, now).iter().map(|b| b.id.clone()).collect();
        prop_assert_eq!(often.iter().map(|b| b.id.clone()).collect::<BTreeSet<_>>(), once);
    }

    #[test]
    fn copies_of_a_broken_live_push_the_last_whole_one_out_by_no_number(
        whole in 1_u64..40,
        broken in 1_u64..200,
        recents in 1_u16..12,
        minutes in 5_i64..200,
    ) {
        let keep = Keep { recent: recents, ..Keep::default() };
        let mut now = at("2026-03-01 12:00");
        let mut backups: Vec<Backup> = Vec::new();
        for number in 0..whole + broken {
            now += Duration::minutes(minutes);
            let mut taken = recent(number, now);
            let items = if number < whole { 10_000 } else { 100 };
            taken.manifest.instances = vec![instance_of(items)];
            backups.push(taken);
            let look = believed(now);
            let goes: BTreeSet<BackupId> = droppable(&backups, &keep, &BTreeSet::new(), &look)
                .iter()
                .map(|backup| backup.id.clone())
                .collect();
            backups.retain(|backup| !goes.contains(&backup.id));
        }
        let last_whole = BackupId(format!("{:064x}", whole - 1));
        prop_assert!(backups.iter().any(|backup| backup.id == last_whole));
        prop_assert!(backups.len() <= usize::from(recents) + 1);
    }

    #[test]
    fn steps_are_regular_and_keep_out_of_the_window(
        base in schedule(),
        every in every(),
        project in "[a-z][a-z0-9-]{0,20}",
        minutes in 0_i64..20_000,
    ) {
        let schedule = Schedule { every: Some(every), ..base };
        let name = EnvironmentName::new(&project, "live").unwrap();
        let now = at("2026-03-01 00:00") + Duration::minutes(minutes);
        let step = schedule.step_of(&name, now).unwrap();
        let next = schedule.next_step(&name, now).unwrap();
        prop_assert!(step <= now && next > now);
        let daily = schedule.period_of(&name, Slot::Daily, step).unwrap();
        let into = |at: Instant| {
            let minute = u16::try_from(at.hour() * 60 + at.minute()).unwrap();
            (minute + 1440 - schedule.window.start_minute()) % 1440
        };
        for one in [step, next] {
            let is_daily = schedule.period_of(&name, Slot::Daily, one) == Some(one);
            prop_assert!(is_daily || into(one) >= schedule.window.length_minutes(), "{one} is in the window");
        }
        let length = Duration::from_std(every.duration()).unwrap();
        prop_assert_eq!((step - daily).num_seconds() % length.num_seconds(), 0);
        // Until the next one begins it is the same step, and from then on another.
        prop_assert_eq!(schedule.step_of(&name, next - Duration::milliseconds(1)), Some(step));
        prop_assert_eq!(schedule.step_of(&name, next), Some(next));
    }
}

fn instance_of(items: u64) -> InstanceCopy {
    InstanceCopy {
        name: "author".parse().unwrap(),
        role: Role::Author,
        began: at("2026-03-01 00:00"),
        ended: at("2026-03-01 00:00"),
        workspaces: vec![WorkspaceCopy {
            name: "website".into(),
            kind: WorkspaceKind::Content,
            items,
            bytes: items * 100,
            digest: String::new(),
        }],
        tables: Vec::new(),
        left_out: Vec::new(),
        left_alone: Vec::new(),
        doubts: Vec::new(),
    }
}

#[test]
fn a_night_off_is_made_up_for_by_one_backup() {
    let schedule = Schedule {
        window: "00:00-01:00".parse().unwrap(),
        every: Some("1h".parse().unwrap()),
        ..Schedule::default()
    };
    let known = at("2026-03-01 00:00");
    let daily = schedule
        .period_of(&live(), Slot::Daily, at("2026-03-10 12:00"))
        .unwrap();
    let first = backup(
        1,
        daily,
        Trigger::Schedule,
        &Slot::AUTOMATIC,
        schedule.due(&live(), &[], known, daily),
    );
    let off = daily + Duration::hours(9) + Duration::minutes(20);
    let mut backups = vec![first];
    let due = schedule.due_now(&live(), &backups, known, off);
    assert_eq!(due, Due::Recent(daily + Duration::hours(9)));
    backups.push(recent(2, off));
    assert_eq!(schedule.due_now(&live(), &backups, known, off), Due::Nothing);
    // One that is made by hand counts as well, and a safety backup does not: it holds what was wrong.
    let later = daily + Duration::hours(10);
    let mut by_hand = backups.clone();
    by_hand.push(manual(3, later));
    assert_eq!(schedule.due_now(&live(), &by_hand, known, later), Due::Nothing);
    backups.push(backup(3, later, Trigger::Restore, &[], vec![]));
    assert_eq!(
        schedule.due_now(&live(), &backups, known, later),
        Due::Recent(later)
    );
}

#[test]
fn a_backup_that_takes_longer_than_a_step_is_not_followed_by_the_next_at_once() {
    let schedule = Schedule {
        every: Some("1h".parse().unwrap()),
        ..Schedule::default()
    };
    let known = at("2026-03-01 00:00");
    let daily = schedule
        .period_of(&live(), Slot::Daily, at("2026-03-10 12:00"))
        .unwrap();
    let mut slow = backup(
        1,
        daily,
        Trigger::Schedule,
        &Slot::AUTOMATIC,
        schedule.due(&live(), &[], known, daily),
    );
    slow.manifest.copy_millis = 90 * 60_000;
    let hours = |hours| daily + Duration::hours(hours);
    let due = |now| schedule.due_now(&live(), std::slice::from_ref(&slow), known, now);
    assert_eq!(due(hours(1) + Duration::minutes(31)), Due::Nothing);
    assert_eq!(due(hours(2)), Due::Recent(hours(2)));
}
