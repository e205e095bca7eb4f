//! The rules of retention and of the schedule by example: what a calendar and a clock can do to them.

use super::*;

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
            left_alone: Vec::new(),
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
            && told.contains("website of author: 1 item now, 300 items before"),
        "{told}"
    );
    assert!(told.contains("this is the one to restore"), "{told}");
    // Whoever takes the next one is told which one may go for it, besides the one that leaves the slot.
    let kept = kept_for_holding_more(&backups, &keep, Slot::Manual, &believed(now));
    assert_eq!(kept, [&backups[2]]);
    assert!(kept_for_holding_more(&backups, &keep, Slot::Daily, &believed(now)).is_empty());
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
        Err(ChoiceError::Unknown {
            text: "upgrade".into(),
            near: vec!["upgrade".into()]
        })
    );
    let said = |text: &str| choose(&backups, text).unwrap_err().to_string();
    assert_eq!(said("upgrade"), "there is no upgrade backup");
    assert!(said("whatever").starts_with("there is no backup \"whatever\": give an id"));
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
