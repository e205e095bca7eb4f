//! What is said of an undo, beforehand and when it is done; and what a plan says first, and of Magnolia.

use std::fs;

use chrono::Duration;

use super::house::{House, OfHouse, back_up, backups, everything, only, request, restore, undo};
use super::parts::{self, parts, plan};
use crate::domain::backup::{Manifest, Trigger};
use crate::domain::job::{Job, JobKind};
use crate::domain::report::{RestoreFacts, RestoreReport};
use crate::engine::{Engine, NO_MAGNOLIA, details};
use crate::watch::Unwatched;

#[test]
fn an_undo_of_a_part_says_before_and_after_what_it_puts_back_and_which_restore_it_undoes() {
    let house = parts::house();
    let engine = house.engine();
    back_up(&engine);
    house.remove("author", "website/home/news");
    let restored = restore(&engine, "manual", parts(&["author:/website/home/news"]));
    house.write("author", "website/home/news/first.xml", "work since");

    let before = engine.of_house().before_undo().unwrap();
    let of = before.undo_of.clone().unwrap();
    assert_eq!((of.kind, of.job), (Some(JobKind::Restore), Some(restored.id)));
    let said = before.puts_back.join("; ");
    assert!(
        said.starts_with(&format!("It undoes the restore of job {} (", restored.id)),
        "{said}"
    );
    // The folder goes with its two pages.
    assert!(
        said.contains("puts back /website/home/news on author, and nothing else (3 items are taken away)"),
        "{said}"
    );
    assert!(
        said.contains("What was changed in it since that restore is set aside"),
        "{said}"
    );
    assert!(
        before.written.join("; ").contains("1 file or folder was changed"),
        "{before:?}"
    );
    assert!(
        before.stopping.by_hand[0].starts_with("Stop Magnolia on author before"),
        "{before:?}"
    );

    let undone = undo(&engine);
    assert!(
        undone
            .title
            .starts_with(&format!("undo of the restore of job {}: ", restored.id))
            && undone.title.ends_with(", only /website/home/news on author"),
        "{}",
        undone.title
    );
    let summary = undone.outcome.as_ref().unwrap().summary.clone();
    assert!(
        summary.starts_with(&format!("the restore of job {} (", restored.id))
            && summary.contains(
                ") is undone: acme/live, only /website/home/news on author, is back as it was at 2026-11-23 12:00 UTC, before it \
                 (safety backup "
            )
            && summary.ends_with(" can undo this undo"),
        "{summary}"
    );
    let activity = engine.catalog().activity(10).unwrap();
    let of = |job| {
        activity
            .iter()
            .find(|entry| entry.job == Some(job))
            .unwrap()
            .what
            .clone()
    };
    assert!(of(undone.id).contains("is undone") && !of(restored.id).contains("undone"));
    // What takes back an undo says so.
    let before = engine.of_house().before_undo().unwrap();
    let of = before.undo_of.unwrap();
    assert_eq!((of.kind, of.job), (Some(JobKind::Undo), Some(undone.id)));
    assert_eq!(details(&engine, &House::live()).unwrap().undo_of, Some(of));
    let again = before.puts_back.join("; ");
    assert!(
        again.starts_with(&format!("It undoes the undo of job {} (", undone.id)),
        "{again}"
    );

    let facts = RestoreFacts {
        job: undone.clone(),
        log: Vec::new(),
        activity,
        backups: Vec::new(),
    };
    let report = RestoreReport::of(facts, house.clock_now()).document().markdown();
    assert!(
        report.contains("is undone: acme/live, only /website/home/news"),
        "{report}"
    );
    assert!(
        report.contains(&format!("undo of the restore of job {}", restored.id)),
        "{report}"
    );
}

#[test]
fn to_take_back_a_restore_before_the_last_says_that_more_goes_than_it_brought() {
    let house = parts::house();
    let engine = house.engine();
    back_up(&engine);
    let safeties = || {
        let mut safeties = backups(&engine);
        safeties.retain(|backup| backup.manifest.trigger == Trigger::Restore);
        safeties.sort_by_key(|backup| backup.manifest.taken);
        safeties
    };
    house.remove("author", "website/home/news");
    house.pass(Duration::minutes(5));
    restore(&engine, "manual", parts(&["author:/website/home/news"]));
    house.write("author", "website/home/about.xml", "about something else");
    house.pass(Duration::minutes(5));
    restore(&engine, "manual", parts(&["author:/website/home/about.xml"]));
    house.write("author", "website/home/news/third.xml", "work since");

    let not_the_last = "this takes back a restore that is not the last one: what was changed since in ";
    let [first, last] = safeties().try_into().unwrap();
    for (safety, what) in [
        (&first, Some("/website/home/news on author goes with it")),
        (&last, None),
    ] {
        let part = safety.manifest.replaced_part().unwrap().clone();
        let plan = engine
            .of_house()
            .plan_restore(&request(&safety.id.0, part), &Unwatched)
            .unwrap();
        assert_eq!(plan.obstacles, Vec::<String>::new());
        let mut said = plan
            .warnings
            .iter()
            .filter_map(|one| one.strip_prefix(not_the_last));
        match what {
            Some(what) => assert!(said.any(|said| said.starts_with(what)), "{:?}", plan.warnings),
            None => assert_eq!(said.next(), None),
        }
    }
    restore(&engine, &first.id.0, first.manifest.replaced.clone().unwrap());
    // It was not there before the first of the restores. The other one stays.
    assert!(!house.root("author").join("website/home/news").exists());
    let about = house.root("author").join("website/home/about.xml");
    assert_eq!(fs::read_to_string(about).unwrap(), "about");
}

#[test]
fn a_safety_backup_says_the_versions_that_its_content_came_from() {
    let mut house = House::new();
    house.magnolia = "6.2.40";
    let engine = house.engine();
    let old = back_up(&engine);
    drop(engine);
    house.magnolia = "6.3.4";
    let engine = house.engine();
    house.pass(Duration::hours(1));
    house.write("author", "website/page-0.xml", "of 6.3.4");
    let safety = |engine: &Engine, job: &Job| {
        let id = job.outcome.as_ref().unwrap().safety.clone().unwrap();
        let mut all = backups(engine).into_iter();
        all.find(|backup| backup.id == id).unwrap().manifest
    };
    let says = |told: &[String]| {
        let told = told.join("; ");
        told.contains("written by Magnolia 6.2.40 and 6.3.4 runs now")
    };
    let restored = restore(&engine, &old.0, everything());
    assert!(says(&restored.outcome.as_ref().unwrap().warnings));
    let first = safety(&engine, &restored);
    let of = |manifest: &Manifest| manifest.versions.magnolia.0.clone();
    assert_eq!(
        (of(&first), first.ran.clone(), first.came_from.clone()),
        ("6.3.4".to_owned(), None, None)
    );

    house.pass(Duration::hours(1));
    assert!(!says(&engine.of_house().before_undo().unwrap().written));
    let undone = undo(&engine);
    // Live is what it was when that was taken, and of no backup.
    let summary = |job: &Job| job.outcome.as_ref().unwrap().summary.clone();
    assert!(
        summary(&undone)
            .contains("acme/live is back as it was at 2026-11-23 13:00 UTC, before it (safety backup "),
        "{}",
        summary(&undone)
    );
    assert_eq!(undone.reached.unwrap().content_of, Some(first.taken));
    assert!(!says(&undone.outcome.as_ref().unwrap().warnings));
    let second = safety(&engine, &undone);
    let came_from = second.came_from.clone().unwrap();
    assert_eq!(
        (of(&second), came_from.backup),
        ("6.2.40".to_owned(), old.clone())
    );
    assert_eq!(second.ran.as_ref().unwrap().magnolia.0, "6.3.4");

    house.pass(Duration::hours(1));
    assert!(says(&engine.of_house().before_undo().unwrap().written));
    let again = undo(&engine);
    assert!(says(&again.outcome.as_ref().unwrap().warnings), "{again:?}");
    assert!(
        summary(&again).contains(&format!(
            "is back as it was at 2026-11-23 14:00 UTC, before it, with the content of backup {old} of 2026-11-23 12:00 UTC and \
             what was changed since (safety backup "
        )),
        "{}",
        summary(&again)
    );
    assert_eq!(again.reached.unwrap().content_of, Some(second.taken));
    let third = safety(&engine, &again);
    assert_eq!(
        (of(&third), third.came_from.unwrap().taken),
        ("6.3.4".to_owned(), first.taken)
    );

    // What has been exchanged since has made the content its own.
    drop(engine);
    house.magnolia = "6.3.5";
    let engine = house.engine();
    let last = undo(&engine);
    assert_eq!(of(&safety(&engine, &last)), "6.3.5");
}

#[test]
fn what_ran_unknown_when_a_backup_came_back_has_not_made_it_another_versions() {
    let mut house = House::new();
    house.magnolia = "6.2.40";
    let engine = house.engine();
    let old = back_up(&engine);
    house.pass(Duration::hours(1));
    house.write("author", "website/page-0.xml", "later");
    drop(engine);
    // Nobody can say what runs.
    house.magnolia = "";
    let engine = house.engine();
    restore(&engine, &old.0, everything());
    drop(engine);
    house.magnolia = "6.3.4";
    let engine = house.engine();
    house.pass(Duration::hours(1));
    let id = undo(&engine).outcome.unwrap().safety.unwrap();
    let mut all = backups(&engine).into_iter();
    let safety = all.find(|backup| backup.id == id).unwrap().manifest;
    // That it runs now does not say that it is another one than then.
    assert_eq!(safety.versions.magnolia.0, "6.2.40");
    assert_eq!(safety.came_from.map(|from| from.backup), Some(old));
    assert_eq!(safety.ran.map(|ran| ran.magnolia.0), Some("6.3.4".to_owned()));
}

#[test]
fn a_few_nodes_of_a_workspace_make_it_no_other_backups_content() {
    let mut house = parts::house();
    house.magnolia = "6.2.40";
    let engine = house.engine();
    let old = back_up(&engine);
    drop(engine);
    house.magnolia = "6.3.4";
    let engine = house.engine();
    house.pass(Duration::hours(1));
    let news = || parts(&["author:/website/home/news"]);
    let website = || only(&["author"], &["website"]);
    let versions_of_safety = |selection| {
        house.write("author", "website/home/news/first.xml", "another text");
        house.pass(Duration::hours(1));
        let id = restore(&engine, &old.0, selection)
            .outcome
            .unwrap()
            .safety
            .unwrap();
        let mut all = backups(&engine).into_iter();
        let safety = all.find(|backup| backup.id == id).unwrap().manifest;
        (
            safety.versions.magnolia.0,
            safety.came_from.map(|from| from.backup),
        )
    };
    assert_eq!(versions_of_safety(news()), ("6.3.4".to_owned(), None));
    let of_old = ("6.2.40".to_owned(), Some(old.clone()));
    assert_eq!(versions_of_safety(news()), of_old, "these nodes are of it");
    assert_eq!(versions_of_safety(website()), ("6.3.4".to_owned(), None));
    assert_eq!(versions_of_safety(website()), of_old);
}

#[test]
fn a_plan_of_a_part_says_what_of_that_part_is_lost() {
    let house = parts::house();
    let engine = house.engine();
    back_up(&engine);
    house.pass(Duration::hours(5));
    house.write("author", "config/modules.xml", "not in that part");
    let lost = |selection| plan(&engine, selection).work_lost();
    let news = || parts(&["author:/website/home/news"]);
    let website = || only(&["author"], &["website"]);
    for part in [news(), website()] {
        let lost = lost(part);
        assert!(!lost.is_any, "{lost:?}");
        assert_eq!(lost.words, "none: what was chosen is the same as the backup");
    }
    house.write(
        "author",
        "website/home/news/first.xml",
        "another text, which is longer",
    );
    house.write("author", "website/home/news/second.xml", "another");
    house.write("author", "website/home/news/third.xml", "new");
    for part in [news(), website()] {
        let lost = lost(part);
        assert!(lost.is_any, "{lost:?}");
        // Not that it is 5 hours of work: all else is left alone. The folder has another time.
        assert!(
            lost.words
                .contains(" changed and 1 item added in what was chosen since the backup, last 2"),
            "{lost:?}"
        );
    }
    assert!(
        lost(everything())
            .words
            .starts_with("5 h 00 min of work: Live last changed")
    );

    // What an undo takes back was brought by the restore: nobody has written it.
    let restored = restore(&engine, "manual", news());
    let safety = restored.outcome.unwrap().safety.unwrap();
    let undoes = || {
        let live = engine.of_house();
        live.plan_restore(&request(&safety.0, news()), &Unwatched)
            .unwrap()
    };
    let lost = undoes().work_lost();
    assert!(
        !lost.is_any && lost.words.starts_with("none: nothing was changed in Live since"),
        "{lost:?}"
    );
    house.write("author", "website/home/news/first.xml", "work since");
    assert!(undoes().work_lost().is_any);
}

#[test]
fn a_plan_of_everything_says_who_stops_magnolia() {
    let mut house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let stopping = |engine: &crate::engine::Engine| plan(engine, everything()).stopping;
    let told = stopping(&engine);
    assert!(told.by_hooks.is_empty(), "{told:?}");
    assert!(
        told.by_hand[0]
            .starts_with("Stop Magnolia on author and public-1 before the restore, and start it when"),
        "{told:?}"
    );
    // An older client shows the warnings alone.
    let of_part = plan(&engine, parts(&["author:/website/home.xml"]));
    let by_hand = &of_part.stopping.by_hand;
    assert!(
        !by_hand.is_empty() && of_part.warnings.starts_with(by_hand),
        "{of_part:?}"
    );
    let said = |told: &String| of_part.warnings.iter().filter(|said| *said == told).count();
    assert!(of_part.warnings.iter().all(|told| said(told) == 1));
    assert!(
        plan(&engine, parts(&["author:/website/home.xml"]))
            .stopping
            .by_hand[0]
            .contains("on author before")
    );
    drop(engine);
    house.hooks.before_restore = vec!["true".to_owned()];
    house.hooks.after_restore = vec!["true".to_owned()];
    let engine = house.engine();
    let told = stopping(&engine);
    assert!(told.by_hand.is_empty(), "{told:?}");
    assert!(
        told.by_hooks[0].starts_with("Lifeboat stops and starts Magnolia on author and public-1"),
        "{told:?}"
    );
    std::fs::write(engine.state().join(NO_MAGNOLIA), "").unwrap();
    assert!(stopping(&engine).by_hooks[0].contains("nothing has to be stopped"));
}

#[test]
fn what_changes_most_is_first_and_a_folder_that_is_gone_is_one_example() {
    let house = parts::house();
    let engine = house.engine();
    back_up(&engine);
    house.write("author", "config/modules.xml", "another");
    house.remove("author", "website/home");
    for number in 0..9 {
        house.write("public-1", &format!("website/new/page-{number}.xml"), "new");
    }
    let live = engine.of_house();
    let planned = live
        .plan_restore(&request("manual", everything()), &Unwatched)
        .unwrap();
    let first: Vec<_> = planned
        .changes
        .iter()
        .filter(|change| !change.is_unchanged())
        .map(|change| {
            (
                change.instance.to_string(),
                change.workspace.clone(),
                change.size(),
            )
        })
        .collect();
    assert_eq!(
        first,
        [
            ("public-1".to_owned(), "website".to_owned(), 10),
            ("author".to_owned(), "website".to_owned(), 5),
            ("author".to_owned(), "config".to_owned(), 1),
        ]
    );
    let examples = |at: usize| planned.changes[at].named_in_words();
    assert_eq!(examples(0), ["new and 9 below it (removed)"]);
    assert_eq!(examples(1), ["home and 4 below it (added)"]);
}

#[test]
fn a_path_without_an_instance_is_taken_for_all_and_the_plan_says_so() {
    let house = parts::house();
    let engine = house.engine();
    back_up(&engine);
    let says = |paths: &[&str]| {
        let warnings = plan(&engine, parts(paths)).warnings.join("; ");
        warnings.contains(
            "comes back on author and public-1: for one of them alone write author:/website/home/news",
        )
    };
    assert!(says(&["/website/home/news"]));
    assert!(!says(&["author:/website/home/news"]));
}
