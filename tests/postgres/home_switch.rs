//! The files of a home and the tables are exchanged as one: whatever fails or dies in between, both are old or both are new. And
//! what a drill does with a home.

use std::fs;
use std::path::PathBuf;

use lifeboat::domain::job::JobState;
use lifeboat::domain::proof::DrillOutcome;
use lifeboat::engine::{Engine, details};

use crate::gate::Gate;
use crate::home_files::{TYPES, With, files, home_of, left, settle, write};
use crate::house::{House, back_up, done, ended, failed, log, restore, start_restore};
use crate::scene::{LIVE, RESTORE, Scene};

#[test]
fn a_home_that_cannot_follow_its_tables_takes_them_back() {
    let with = With::home();
    with.edit();
    let bad = with.live();
    let mut gate = Gate::after(&with.house, "author", "ALTER TABLE", "public.pm_dam_bundle");
    let job = start_restore(&with.engine, &with.backup, &[]);
    gate.wait();
    // The tables are about to change places. What is to follow them is gone by then.
    let staged = left(&with.home)[0].join("content/.home").join(TYPES);
    fs::rename(&staged, with.house.path("moved")).unwrap();
    gate.open();
    let JobState::Failed { why } = ended(&with.engine, job).state else {
        panic!("{:#?}", log(&with.engine, job));
    };
    assert!(
        why.contains("Live has its old content") && why.contains("custom_nodetypes.xml"),
        "{why}"
    );
    crate::gate::remove(&with.house, "author");
    assert_eq!(with.live(), bad);
    assert_eq!(left(&with.home), Vec::<PathBuf>::new());
    assert_eq!(with.house.left("author"), Vec::<String>::new());
    with.house.pass(chrono::Duration::minutes(1));
    restore(&with.engine, &with.backup, &[]);
    assert_eq!(with.live(), (with.good.clone(), with.rows.clone()));
    assert_eq!(
        details(&with.engine, &House::live()).unwrap().summary.trouble,
        None
    );
}

#[test]
fn tables_without_their_files_are_told_where_no_journal_is_left() {
    let with = With::home();
    with.edit();
    restore(&with.engine, &with.backup, &[]);
    // As if it had been ended in between, and the state folder with its journal was lost.
    let (live, beside) = (
        with.home.join(TYPES),
        left(&with.home)[0].join("content/.home").join(TYPES),
    );
    let swap = || {
        let aside = with.house.path("aside");
        fs::rename(&live, &aside).unwrap();
        fs::rename(&beside, &live).unwrap();
        fs::rename(&aside, &beside).unwrap();
    };
    swap();
    let engine = with.house.engine_elsewhere();
    let trouble = details(&engine, &House::live()).unwrap().summary.trouble.unwrap();
    let exchange = format!("By hand, exchange {} with {}", live.display(), beside.display());
    assert!(trouble.contains(&exchange), "{trouble}");
    swap();
    with.house.pass(chrono::Duration::minutes(1));
    back_up(&engine);
    assert_eq!(details(&engine, &House::live()).unwrap().summary.trouble, None);
}

#[test]
fn what_is_killed_between_tables_and_files_is_finished_whole() {
    let mut scene = Scene::set_with(settle);
    let homes = ["author", "public-1"].map(|name| home_of(&scene.house, name));
    // Many files, so that there is a middle to be killed in.
    let many = |text: &str| {
        for (home, number) in homes
            .iter()
            .flat_map(|home| (0..80).map(move |number| (home, number)))
        {
            write(
                home,
                &format!("workspaces/w{number:03}/workspace.xml"),
                &format!("<W at=\"{text}\"></W>\n"),
            );
        }
    };
    many("then");
    scene.run(&["backup", LIVE]);
    let good = (scene.live(), homes.each_ref().map(|home| files(home)));
    let mut in_the_middle = 0;
    for round in 0..2 {
        scene.edit();
        many("now");
        let first = homes[round % 2].join("workspaces/w000/workspace.xml");
        let last = homes[1].join("workspaces/w079/workspace.xml");
        let mut child = scene.start(&RESTORE);
        while fs::read_to_string(&first).unwrap().contains("now") {
            assert!(
                child.try_wait().unwrap().is_none(),
                "it came to its end without a switch"
            );
        }
        child.kill().unwrap();
        child.wait().unwrap();
        in_the_middle += usize::from(fs::read_to_string(&last).unwrap().contains("now"));
        scene.is_settled("files");
        assert_eq!((scene.live(), homes.each_ref().map(|home| files(home))), good);
        assert_eq!(scene.left_over(), Vec::<String>::new());
        scene.run(&["undo", LIVE, "--confirm", LIVE]);
        for home in &homes {
            let text = fs::read_to_string(home.join("workspaces/w077/workspace.xml")).unwrap();
            assert!(text.contains("now"), "{text}");
        }
        scene.run(&["confirm", LIVE]);
        assert!(homes.iter().all(|home| left(home).is_empty()));
    }
    assert!(in_the_middle > 0, "no kill came in the middle");
}

#[test]
fn a_program_looks_at_what_a_drill_has_restored_and_decides() {
    let mut house = House::new();
    settle(&mut house);
    house.store("author", "one");
    let psql = house.cluster.binaries().join("psql");
    let script = format!(
        "grep -q mgnl:page \"$LIFEBOAT_DRILL_HOME/{TYPES}\" && test -d \"$LIFEBOAT_DRILL_DATA_STORE\" && \
         echo \"$LIFEBOAT_INSTANCE has $({} -tAc \"SELECT count(*) FROM $LIFEBOAT_DRILL_SCHEMA.pm_website_bundle\")\" && \
         echo \"$LIFEBOAT_DRILL_DATABASE\" | grep -q host",
        psql.display()
    );
    let command = |script: &str| ["sh", "-c", script].map(str::to_owned).to_vec();
    house.drill.command = command(&script);
    let engine = house.engine();
    back_up(&engine);
    let drill = |engine: &Engine| engine.live(&House::live()).unwrap().start_drill(None).unwrap();
    let job = done(&engine, drill(&engine));
    let told = log(&engine, job.id);
    assert!(
        told.iter().any(|line| line == "author: author has 300"),
        "{told:#?}"
    );
    assert!(engine.catalog().drills(&House::live()).unwrap()[0].is_proven());
    drop(engine);

    house.drill.command = command("(echo first; for n in 1 2 3 4 5; do echo line $n; done) >&2; exit 3");
    let engine = house.engine();
    house.pass(chrono::Duration::minutes(1));
    let why = failed(&engine, drill(&engine));
    assert!(
        why.contains("exit status: 3") && why.contains("line 1 / line 2 / line 3 / line 4 / line 5"),
        "{why}"
    );
    let outcome = engine.catalog().drills(&House::live()).unwrap().remove(0).outcome;
    assert!(matches!(outcome, DrillOutcome::Failed { .. }), "{outcome:?}");
    drop(engine);

    // One that cannot be started says nothing of the backup.
    house.drill.command = vec!["/nonexistent/program".to_owned()];
    let engine = house.engine();
    house.pass(chrono::Duration::minutes(1));
    back_up(&engine);
    let why = failed(&engine, drill(&engine));
    assert!(why.contains("could not be started"), "{why}");
    assert_eq!(engine.catalog().drills(&House::live()).unwrap().len(), 2);
    assert_eq!(house.left("author"), Vec::<String>::new());
}
