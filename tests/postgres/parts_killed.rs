//! Lifeboat is killed (`kill -9`) at each step of a restore of nodes: Live is old or new afterwards, and everywhere the same.

use crate::gate::Gate;
use crate::house::House;
use crate::pages::{Page, look, put};
use crate::scene::{INSTANCES, LIVE, Scene};

const GOOD: &[Page<'static>] = &[
    ("/home", 1, "home", &[]),
    ("/home/news", 2, "news", &[1]),
    ("/home/news/first", 3, "binary first", &[2]),
    ("/shop", 4, "shop", &[2]),
];

const RESTORE: [&str; 7] = [
    "restore",
    LIVE,
    "manual",
    "--confirm",
    LIVE,
    "--path",
    "/website/home/news",
];

fn sites(house: &House) -> [Vec<String>; 2] {
    INSTANCES.map(|instance| look(&mut house.client(instance), "pm_website_"))
}

/// Editors work: what is below news is other than in any backup, and so is all else.
fn edit(house: &House, round: usize) {
    let home = format!("home {round}");
    let shop = format!("shop {round}");
    for instance in INSTANCES {
        let pages: &[Page<'_>] = &[
            ("/home", 1, &home, &[]),
            ("/shop", 4, &shop, &[]),
            ("/shop/news", 2, "news as an offer", &[4]),
            ("/shop/news/second", 5, "binary second", &[2]),
        ];
        put(&mut house.client(instance), "pm_website_", pages);
    }
}

#[test]
fn at_every_step_of_a_restore_of_nodes_live_is_old_or_new_in_all_instances() {
    let scene = Scene::set();
    for instance in INSTANCES {
        put(&mut scene.house.client(instance), "pm_website_", GOOD);
    }
    scene.run(&["backup", LIVE]);
    let steps = [
        ("author", "CREATE TABLE", "lifeboat_new%pm_website_bundle", false),
        ("author", "CREATE TABLE", "lifeboat_new%lifeboat_leaves", false),
        ("public-1", "CREATE TABLE", "lifeboat_new%lifeboat_comes", false),
        ("author", "ALTER TABLE", "public.pm_website_bundle", true),
        ("public-1", "ALTER TABLE", "lifeboat_old%pm_website_bundle", true),
        ("public-1", "ALTER TABLE", "public.pm_website_refs", true),
        ("author", "DROP SCHEMA", "", true),
    ];
    for (round, (database, tag, pattern, is_new)) in steps.into_iter().enumerate() {
        edit(&scene.house, round);
        let bad = scene.live();
        let old = sites(&scene.house);
        let place = format!("{tag} {pattern} in {database}");
        let gate = Gate::at(&scene.house, database, tag, pattern);
        scene.killed_at(gate, &RESTORE);
        scene.is_settled(&place);
        let now = sites(&scene.house);
        if is_new {
            let expected = [
                format!("/home 1 home {round}"),
                "/home/news 2 news".to_owned(),
                "/home/news/first 3 binary first".to_owned(),
                format!("/shop 4 shop {round}"),
            ];
            assert_eq!(now, [expected.to_vec(), expected.to_vec()], "{place}");
        } else {
            assert_eq!(now, old, "{place}");
            assert_eq!(scene.live(), bad, "{place}");
        }
        assert_eq!(scene.left_over(), Vec::<String>::new(), "{place}");
        if is_new {
            scene.run(&["undo", LIVE, "--confirm", LIVE]);
            assert_eq!(scene.live(), bad, "{place}");
        }
    }
}

#[test]
fn what_was_written_after_a_kill_in_the_switch_is_kept() {
    let scene = Scene::set();
    for instance in INSTANCES {
        put(&mut scene.house.client(instance), "pm_website_", GOOD);
    }
    scene.run(&["backup", LIVE]);
    edit(&scene.house, 1);
    // Nothing is exchanged yet, and the journal says that it will be.
    let mut gate = Gate::after(
        &scene.house,
        "author",
        "ALTER TABLE",
        "lifeboat_old%pm_website_bundle",
    );
    let mut child = scene.start(&RESTORE);
    let server = gate.wait();
    child.kill().unwrap();
    child.wait().unwrap();
    scene
        .house
        .client("author")
        .execute("SELECT pg_terminate_backend($1)", &[&server])
        .unwrap();
    gate.open();
    edit(&scene.house, 2);
    let written = scene.live();
    scene.is_settled("somebody has written");
    assert_eq!(scene.live(), written);
    assert_eq!(scene.left_over(), Vec::<String>::new());
}
