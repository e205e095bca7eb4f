//! Backups that a clock which was years ahead has dated.

use chrono::Duration;

use super::house::{House, OfHouse, back_up, backups, done, everything, request, restore};
use crate::clock::Clock as _;
use crate::domain::backup::choose;
use crate::domain::proof::{Drill, DrillOutcome};
use crate::engine::details;
use crate::watch::Unwatched;

/// A house whose only backups were taken while the clock was ten years ahead, and which is right again.
fn house() -> House {
    let house = House::new();
    let right = house.clock.now();
    house.write(
        "author",
        "website/page-0.xml",
        "of the time when the clock was wrong",
    );
    house.pass(Duration::days(3_650));
    back_up(&house.engine());
    house.clock.set(right);
    house
}

#[test]
fn it_is_told_holds_nothing_and_can_be_deleted() {
    let house = house();
    let live = House::live();
    let engine = house.engine();
    let ahead = backups(&engine)[0].id.clone();
    assert!(choose(&backups(&engine), "manual").is_err());
    let shown = details(&engine, &live).unwrap();
    assert_eq!(shown.summary.newest, None);
    assert!(shown.summary.slots.iter().all(|slot| slot.taken.is_none()));
    assert!(shown.slot_schedules.iter().all(|slot| slot.due));
    let trouble = shown.summary.trouble.unwrap();
    assert!(
        trouble.contains("clock") && trouble.contains(ahead.short()),
        "{trouble}"
    );

    house.write("author", "website/page-0.xml", "right");
    let first = back_up(&engine);
    house.pass(Duration::minutes(5));
    let job = engine.of_house().start_backup(&super::house::manual()).unwrap();
    let outcome = done(&engine, job).outcome.unwrap();
    let second = outcome.backup.unwrap();
    assert!(
        outcome.warnings.iter().any(|warning| warning.contains("clock")),
        "{:?}",
        outcome.warnings
    );
    let listed: Vec<_> = backups(&engine).into_iter().map(|backup| backup.id).collect();
    assert_eq!(
        listed,
        [ahead.clone(), second.clone()],
        "{first} was replaced by the second"
    );

    house.write("author", "website/page-0.xml", "lost");
    let plan = engine
        .of_house()
        .plan_restore(&request(&ahead.0, everything()), &Unwatched)
        .unwrap();
    assert_eq!(plan.work_lost_millis(), None);
    assert!(plan.newest_change.is_some(), "what came after it is not known");
    assert!(
        plan.warnings.iter().any(|warning| warning.contains("clock")),
        "{:?}",
        plan.warnings
    );
    restore(&engine, "manual", everything());
    let page = house.root("author").join("website/page-0.xml");
    assert_eq!(std::fs::read_to_string(page).unwrap(), "right");

    engine.live(&live).unwrap().delete(&ahead).unwrap();
    engine
        .jobs()
        .at_work()
        .into_iter()
        .for_each(|job| engine.jobs().wait_for(job));
    assert!(backups(&engine).iter().all(|backup| backup.id != ahead));
    assert_eq!(details(&engine, &live).unwrap().summary.trouble, None);
}

#[test]
fn what_it_has_noted_beside_backups_does_not_count_either() {
    let house = house();
    let engine = house.engine();
    let live = House::live();
    let now = house.clock.now();
    assert_eq!(
        engine.catalog().met(&live, now).unwrap(),
        now,
        "or no drill would be due for ten years"
    );
    let drill = |at| Drill {
        at,
        backup: backups(&engine)[0].id.clone(),
        millis: 1,
        bytes: 1,
        newest: true,
        outcome: DrillOutcome::Proven,
    };
    engine
        .catalog()
        .record_drill(&live, &drill(now + Duration::days(3_650)))
        .unwrap();
    engine.catalog().record_drill(&live, &drill(now)).unwrap();
    assert_eq!(engine.catalog().drills(&live).unwrap()[0].at, now);
}

#[test]
fn one_backup_by_a_clock_that_is_days_ahead_takes_neither_the_way_back_nor_the_last_good_one() {
    let house = House::new();
    let engine = house.engine();
    let good = back_up(&engine);
    house.pass(Duration::minutes(5));
    house.write("author", "website/page-0.xml", "of today");
    restore(&engine, "manual", everything());
    let right = house.clock.now();
    house.pass(Duration::days(10));
    back_up(&engine);
    house.pass(Duration::hours(1));
    let last = back_up(&engine);
    house.clock.set(right + Duration::minutes(30));
    let listed: Vec<_> = backups(&engine).into_iter().map(|backup| backup.id).collect();
    assert!(listed.contains(&good) && listed.contains(&last), "{listed:?}");
    let job = engine.of_house().start_undo("acme/live").unwrap();
    done(&engine, job);
    let page = house.root("author").join("website/page-0.xml");
    assert_eq!(std::fs::read_to_string(page).unwrap(), "of today");
}

#[test]
fn a_machine_that_was_off_for_days_frees_room_with_the_next_backup_but_one() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    house.pass(Duration::minutes(5));
    restore(&engine, "manual", everything());
    house.pass(Duration::days(10));
    back_up(&engine);
    assert_eq!(backups(&engine).len(), 3, "nothing went");
    house.pass(Duration::days(1));
    let newest = back_up(&engine);
    let listed: Vec<_> = backups(&engine).into_iter().map(|backup| backup.id).collect();
    assert_eq!(listed, [newest]);
}

#[test]
fn a_backup_of_emptied_files_is_told_until_somebody_has_looked() {
    let house = House::new();
    let engine = house.engine();
    let good = back_up(&engine);
    assert_eq!(details(&engine, &House::live()).unwrap().summary.trouble, None);
    for entry in walk(&house.root("author")) {
        std::fs::write(entry, "").unwrap();
    }
    house.pass(Duration::minutes(5));
    let job = engine.of_house().start_backup(&super::house::manual()).unwrap();
    let outcome = done(&engine, job).outcome.unwrap();
    assert!(
        outcome
            .warnings
            .iter()
            .any(|told| told.contains("much less") && told.contains("0 B now")),
        "{outcome:?}"
    );
    assert!(backups(&engine).iter().any(|backup| backup.id == good));
    let trouble = details(&engine, &House::live()).unwrap().summary.trouble.unwrap();
    assert!(trouble.contains("lifeboat delete acme/live"), "{trouble}");
    let report = crate::engine::check(&engine, None).unwrap();
    assert!(
        report
            .findings
            .iter()
            .any(|found| found.detail.contains("holds much less"))
    );
    // Whoever chooses the new one to go back to is told in its plan.
    let plan = |backup: &str| {
        let request = request(backup, everything());
        engine.of_house().plan_restore(&request, &Unwatched).unwrap()
    };
    let emptied = outcome.backup.unwrap();
    let warns = |warning: &String| warning.contains("whether Live was whole when it was taken");
    let warned = plan(&emptied.0).warnings;
    let warning = warned.iter().find(|warning| warns(warning)).unwrap();
    assert!(
        warning.contains(&format!("than half of the one before it is {good}, ")),
        "{warning}"
    );
    // So is whoever takes the newest, which it is, though the first line does not mean it.
    assert_eq!(plan("latest").backup.id, emptied);
    assert!(!plan(&good.0).warnings.iter().any(warns));
    engine.of_house().delete(&good).unwrap();
    engine.jobs().wait_for_all();
    assert_eq!(details(&engine, &House::live()).unwrap().summary.trouble, None);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path) } else { vec![path] }
        })
        .collect()
}
