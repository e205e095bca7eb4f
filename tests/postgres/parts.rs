//! Nodes that come back into tables without the rest of their workspace.

use std::collections::BTreeMap;

use lifeboat::domain::job::Job;
use lifeboat::domain::plan::{ItemChange, RestorePlan, Selection};
use lifeboat::domain::request::RestoreRequest;
use lifeboat::engine::Engine;
use lifeboat::watch::Unwatched;

use crate::house::{House, back_up, done, failed, make_workspace, request, restore, undo};
use crate::pages::{Page, look, put};

const SITE: &[Page<'static>] = &[
    ("/home", 1, "home", &[]),
    ("/home/about", 2, "about", &[]),
    ("/home/news", 3, "news", &[2]),
    ("/home/news/first", 4, "first", &[3, 8]),
    ("/home/news/second", 5, "binary second", &[]),
    ("/home/contact", 6, "contact", &[3]),
    ("/home/contact/map", 7, "binary map", &[]),
    ("/shop", 8, "shop", &[]),
    ("/shop/item", 9, "item one", &[]),
    ("/shop/item[2]", 10, "item two", &[]),
    ("/shop/item[3]", 11, "item three", &[]),
];

/// A house of these instances with a site in its website, and nothing else that is read.
pub fn house(instances: &[&'static str]) -> House {
    let house = House::empty(instances, 0, &[]);
    for instance in instances {
        let mut client = house.client(instance);
        for workspace in ["website", "dam"] {
            make_workspace(&mut client, "public", &format!("pm_{workspace}_"));
            put(&mut client, &format!("pm_{workspace}_"), SITE);
        }
        make_workspace(&mut client, "public", "version_");
        house.bundles(instance, "public.version_bundle", 5);
    }
    house
}

fn of(backup: &str, paths: &[&str]) -> RestoreRequest {
    let paths = paths.iter().map(|path| path.parse().unwrap()).collect();
    RestoreRequest {
        selection: Selection::of_paths(Vec::new(), paths).unwrap(),
        ..request(backup, &[])
    }
}

fn plan(engine: &Engine, backup: &str, paths: &[&str]) -> RestorePlan {
    let live = engine.live(&House::live()).unwrap();
    live.plan_restore(&of(backup, paths), &Unwatched).unwrap()
}

pub fn bring_back(engine: &Engine, backup: &str, paths: &[&str]) -> Job {
    let plan = plan(engine, backup, paths);
    assert_eq!(plan.obstacles, Vec::<String>::new());
    done(
        engine,
        lifeboat::engine::start_restore(engine, &plan.id, "acme/live").unwrap(),
    )
}

fn site(house: &House) -> Vec<String> {
    look(&mut house.client("author"), "pm_website_")
}

/// What the plan says changes in the website: what comes, what changes, what goes.
fn counts(plan: &RestorePlan) -> (u64, u64, u64) {
    assert_eq!(plan.obstacles, Vec::<String>::new());
    let change = plan
        .changes
        .iter()
        .find(|change| change.workspace == "website")
        .unwrap();
    (change.added, change.changed, change.removed)
}

/// Live is this, then these paths come back and Live is that; an undo gives back every row.
fn comes_back(live: &[Page<'_>], paths: &[&str], then: &[&str], expected: (u64, u64, u64)) -> RestorePlan {
    let house = house(&["author"]);
    let engine = house.engine();
    let backup = back_up(&engine);
    put(&mut house.client("author"), "pm_website_", live);
    let before = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    let plan = plan(&engine, &backup.0, paths);
    assert_eq!(counts(&plan), expected, "{plan:#?}");
    bring_back(&engine, &backup.0, paths);
    assert_eq!(site(&house), then);
    let after = house.rows("author", "public");
    let changed: Vec<_> = before
        .iter()
        .filter(|(table, rows)| after.get(*table) != Some(rows))
        .collect();
    assert!(
        changed.iter().all(|(table, _)| table.starts_with("pm_website_")),
        "{changed:?}"
    );
    // As Live has them: they are no part of what comes back.
    assert_eq!(before["pm_website_names"], after["pm_website_names"]);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.rows("author", "public"), before);
    plan
}

#[test]
fn a_deleted_page_comes_back_to_its_place_and_all_else_stays() {
    let plan = comes_back(
        &[
            ("/home", 1, "home, edited", &[]),
            ("/home/about", 2, "about", &[]),
            ("/home/new", 20, "new", &[2]),
            ("/home/contact", 6, "contact, edited", &[]),
            ("/home/contact/map", 7, "binary map, edited", &[]),
            ("/shop", 8, "shop", &[1]),
        ],
        &["/website/home/news"],
        &[
            "/home 1 home, edited",
            "/home/about 2 about",
            "/home/news 3 news",
            "/home/news/first 4 first",
            "/home/news/second 5 binary second",
            "/home/new 20 new",
            "/home/contact 6 contact, edited",
            "/home/contact/map 7 binary map, edited",
            "/shop 8 shop",
        ],
        (3, 0, 0),
    );
    // Nothing that Live has is lost, whatever time has passed.
    let lost = plan.work_lost();
    assert!(
        !lost.is_any && lost.words.starts_with("none: no item"),
        "{lost:?}"
    );
    assert_eq!(plan.changes[0].examples, ["/home/news"]);
    assert_eq!(plan.changes[0].example_changes, [ItemChange::Added]);
    assert_eq!(plan.changes[0].example_below, [2]);
}

#[test]
fn a_changed_page_goes_back_with_what_is_below_it_and_newer_pages_go() {
    let plan = comes_back(
        &[
            ("/home", 1, "home", &[]),
            ("/home/contact", 6, "contact", &[3, 21]),
            ("/home/news", 3, "news, edited", &[]),
            ("/home/news/second", 5, "binary second, edited", &[1]),
            ("/home/news/third", 21, "binary third", &[6]),
            ("/home/about", 2, "about", &[]),
        ],
        &["/website/home/news"],
        // It stands between what it stood between, as far as that is possible.
        &[
            "/home 1 home",
            "/home/contact 6 contact",
            "/home/about 2 about",
            "/home/news 3 news",
            "/home/news/first 4 first",
            "/home/news/second 5 binary second",
        ],
        (1, 2, 1),
    );
    // Rows do not say when they were changed.
    let lost = plan.work_lost();
    assert!(
        lost.is_any
            && lost
                .words
                .contains("what was chosen since the backup, and nobody can tell"),
        "{lost:?}"
    );
    let told = plan.warnings.join("\n");
    assert!(
        told.contains("1 node that stays refers to nodes that go: /home/contact"),
        "{told}"
    );
    assert!(told.contains("/home/news/third"), "{told}");
    assert!(
        told.contains("1 of the nodes that come back refers to nodes that are not in Live: /home/news/first"),
        "{told}"
    );
}

#[test]
fn what_has_moved_is_taken_from_where_it_is() {
    let plan = comes_back(
        &[
            ("/home", 1, "home", &[]),
            ("/home/about", 2, "about", &[]),
            ("/home/contact", 6, "contact", &[]),
            ("/shop", 8, "shop", &[]),
            ("/shop/archive", 3, "news in the archive", &[]),
            ("/shop/archive/first", 4, "first", &[3, 8]),
            ("/shop/archive/new", 22, "made there", &[]),
            ("/shop/item", 5, "second as an item", &[]),
        ],
        &["/website/home/news"],
        &[
            "/home 1 home",
            "/home/about 2 about",
            "/home/news 3 news",
            "/home/news/first 4 first",
            "/home/news/second 5 binary second",
            "/home/contact 6 contact",
            "/shop 8 shop",
        ],
        (0, 2, 1),
    );
    let told = plan.warnings.join("\n");
    assert!(told.contains("/home/news is at /shop/archive in Live"), "{told}");
    assert!(
        told.contains("/home/news/second is at /shop/item in Live"),
        "{told}"
    );
    assert!(
        told.contains("1 node was made below what has moved since, and goes with it: /shop/archive/new"),
        "{told}"
    );
}

#[test]
fn of_several_of_one_name_the_same_one_comes_back() {
    // The second one is the first by now, and a new one is the third.
    comes_back(
        &[
            ("/shop", 8, "shop", &[]),
            ("/shop/item", 10, "item two, edited", &[]),
            ("/shop/item[2]", 11, "item three", &[]),
            ("/shop/item[3]", 23, "item four", &[]),
        ],
        &["/website/shop/item[2]"],
        &[
            "/shop 8 shop",
            "/shop/item 10 item two",
            "/shop/item[2] 11 item three",
            "/shop/item[3] 23 item four",
        ],
        (0, 1, 0),
    );
    comes_back(
        &[
            ("/shop", 8, "shop", &[]),
            ("/shop/item", 10, "item two", &[]),
            ("/shop/item[2]", 11, "item three", &[]),
        ],
        &["/website/shop/item"],
        &[
            "/shop 8 shop",
            "/shop/item 9 item one",
            "/shop/item[2] 10 item two",
            "/shop/item[3] 11 item three",
        ],
        (1, 0, 0),
    );
}

#[test]
fn several_paths_come_back_at_once() {
    // News and the map have changed places.
    comes_back(
        &[
            ("/home", 1, "home", &[]),
            ("/home/about", 2, "about", &[]),
            ("/home/contact", 6, "contact", &[]),
            ("/home/contact/map", 3, "news in the wrong place", &[]),
            ("/home/news", 7, "binary map in the wrong place", &[]),
        ],
        &["/website/home/news", "/website/home/contact/map"],
        &[
            "/home 1 home",
            "/home/about 2 about",
            "/home/news 3 news",
            "/home/news/first 4 first",
            "/home/news/second 5 binary second",
            "/home/contact 6 contact",
            "/home/contact/map 7 binary map",
        ],
        (2, 2, 0),
    );
}

#[test]
fn what_cannot_come_back_alone_is_refused_with_the_way() {
    let house = house(&["author"]);
    let engine = house.engine();
    let backup = back_up(&engine).0;
    put(
        &mut house.client("author"),
        "pm_website_",
        &[
            ("/shop", 8, "shop", &[]),
            ("/shop/new", 24, "new", &[]),
            // What was below it is above it now.
            ("/contact", 7, "map", &[]),
            ("/contact/home", 25, "another home", &[]),
        ],
    );
    let before = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    for (path, told) in [
        ("/website/home/news", "Live has no /home. Restore /home instead"),
        (
            "/website/shop/new",
            "the backup has no /shop/new: a restore would only remove",
        ),
        ("/website/nowhere", "neither the backup nor Live has /nowhere"),
        ("/website/contact/home", "the backup has no /contact/home"),
        ("/images/a", "no workspace \"images\""),
    ] {
        let plan = plan(&engine, &backup, &[path]);
        let obstacles = plan.obstacles.join("\n");
        assert!(obstacles.contains(told), "{path}: {obstacles}");
        assert!(!plan.changes_nothing && !plan.loses_nothing(), "{path}");
        assert!(plan.work_lost().words.starts_with("not known"), "{path}");
        let refused = lifeboat::engine::start_restore(&engine, &plan.id, "acme/live");
        assert!(refused.is_err(), "{path}");
    }
    let mixed = RestoreRequest {
        selection: Selection {
            workspaces: Vec::new(),
            ..of(&backup, &["/website/home"]).selection
        },
        ..of(&backup, &["/website/home"])
    };
    let live = engine.live(&House::live()).unwrap();
    let obstacles = live
        .plan_restore(&mixed, &Unwatched)
        .unwrap()
        .obstacles
        .join("\n");
    assert!(obstacles.contains("workspaces or paths"), "{obstacles}");
    assert_eq!(house.rows("author", "public"), before);
}

#[test]
fn a_page_that_has_changed_places_is_not_lost() {
    let house = house(&["author"]);
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let swapped: Vec<Page<'_>> = SITE
        .iter()
        .map(|(path, id, text, refers)| match *path {
            "/home/about" => (*path, 6, "contact", *refers),
            "/home/contact" => (*path, 2, "about", *refers),
            path => (path, *id, *text, *refers),
        })
        .collect();
    put(&mut house.client("author"), "pm_website_", &swapped);
    let before = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    let alone = plan(&engine, &backup, &["/website/home/about"]);
    let told = alone.obstacles.join("\n");
    assert!(
        told.contains("/home/about in Live is /home/contact of the backup, moved there since: choose /home/contact as well"),
        "{told}"
    );
    assert!(lifeboat::engine::start_restore(&engine, &alone.id, "acme/live").is_err());
    assert_eq!(house.rows("author", "public"), before);
    bring_back(
        &engine,
        &backup,
        &["/website/home/about", "/website/home/contact"],
    );
    let pages = site(&house);
    for page in ["/home/about 2 about", "/home/contact 6 contact"] {
        assert!(pages.iter().any(|found| found == page), "{pages:?}");
    }
}

#[test]
fn a_node_that_cannot_be_read_is_named_and_in_the_way() {
    let house = house(&["author"]);
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let mut client = house.client("author");
    client
        .batch_execute("INSERT INTO pm_website_bundle VALUES (1, 2, '\\xff')")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    let plan = plan(&engine, &backup, &["/website/home/news"]);
    let told = plan.obstacles.join("\n");
    assert!(
        told.contains("the node 00000000-0000-0001-0000-000000000002 in the table pm_website_bundle of Live cannot be read"),
        "{told}"
    );
    assert!(lifeboat::engine::start_restore(&engine, &plan.id, "acme/live").is_err());
}

#[test]
fn what_is_put_below_what_comes_back_is_in_its_own_way() {
    let house = house(&["author"]);
    let engine = house.engine();
    let backup = back_up(&engine).0;
    put(
        &mut house.client("author"),
        "pm_website_",
        // The first news item is what home is now, and news were made below it.
        &[("/home", 4, "first", &[]), ("/home/news", 26, "other news", &[])],
    );
    house.pass(chrono::Duration::minutes(1));
    let plan = plan(&engine, &backup, &["/website/home/news"]);
    assert!(
        plan.obstacles.join("\n").contains("is itself in what comes back"),
        "{plan:#?}"
    );
}

#[test]
fn what_somebody_writes_before_the_switch_is_kept_or_stops_it() {
    let house = house(&["author"]);
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let mut client = house.client("author");
    put(&mut client, "pm_website_", &[("/home", 1, "home", &[])]);
    house.pass(chrono::Duration::minutes(1));
    // While it is put together, with the restore's own rights: nothing else could get past its locks.
    client
        .batch_execute(
            "CREATE FUNCTION public.meddle() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO public.pm_website_bundle VALUES (1, 1, '\\x00') ON CONFLICT DO NOTHING; END $$; \
             CREATE EVENT TRIGGER meddle ON sql_drop EXECUTE FUNCTION public.meddle()",
        )
        .unwrap();
    let plan = plan(&engine, &backup, &["/website/home/news"]);
    assert_eq!(plan.obstacles, Vec::<String>::new());
    let job = lifeboat::engine::start_restore(&engine, &plan.id, "acme/live").unwrap();
    let why = failed(&engine, job);
    assert!(why.contains("somebody has written to Live"), "{why}");
    client
        .batch_execute("DROP EVENT TRIGGER meddle; DELETE FROM pm_website_bundle WHERE node_id_hi = 1")
        .unwrap();
    assert_eq!(site(&house), ["/home 1 home"]);
    assert_eq!(house.left("author"), Vec::<String>::new());
    bring_back(&engine, &backup, &["/website/home/news"]);
    assert_eq!(site(&house).len(), 4);
}

#[test]
fn chosen_instances_are_all_that_changes() {
    let house = house(&["author", "public"]);
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let mut rows = BTreeMap::new();
    for instance in ["author", "public"] {
        put(
            &mut house.client(instance),
            "pm_website_",
            &[("/home", 1, "home", &[])],
        );
        rows.insert(instance, house.rows(instance, "public"));
    }
    house.pass(chrono::Duration::minutes(1));
    bring_back(
        &engine,
        &backup,
        &["public:/website/home/news", "public:/website/home/about"],
    );
    assert_eq!(house.rows("author", "public"), rows["author"]);
    assert_eq!(
        look(&mut house.client("public"), "pm_website_"),
        [
            "/home 1 home",
            "/home/about 2 about",
            "/home/news 3 news",
            "/home/news/first 4 first",
            "/home/news/second 5 binary second"
        ]
    );
    // A whole restore after it finds nothing in its way.
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(site(&house).len(), SITE.len());
}
