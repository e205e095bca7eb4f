//! Tables in a schema that nobody finds without its name: they come back with all that belongs to them, wherever they are
//! put, and leave nothing behind that hangs on what they replaced.

use chrono::Duration;
use lifeboat::domain::check::{Report, Verdict};
use lifeboat::engine::Engine;
use postgres::Client;

use crate::house::{House, back_up, done, make_workspace, plan, restore};

/// A name that needs its quotes.
const SCHEMA: &str = "Magnolia \"live\"";
const QUOTED: &str = "\"Magnolia \"\"live\"\"\"";

const NAMES: [&str; 4] = [
    "pm_config_names",
    "pm_dam_names",
    "pm_website_names",
    "version_names",
];

/// A house whose tables stand in a schema of their own, and whose databases look for names elsewhere.
fn house() -> House {
    let mut house = House::new();
    let mut client = house.client("author");
    client
        .batch_execute(&format!(
            "CREATE SCHEMA {QUOTED}; ALTER DATABASE author SET search_path = nowhere; \
             DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
             EXECUTE format('ALTER TABLE public.%I SET SCHEMA {QUOTED}', t); END LOOP; END $$"
        ))
        .unwrap();
    house.settle = Box::new(|_, database| SCHEMA.clone_into(&mut database.schema));
    house
}

/// The same engine's settings, with another database.
fn move_to(house: &mut House, database: &'static str) {
    house
        .client("postgres")
        .batch_execute(&format!("CREATE DATABASE {database}"))
        .unwrap();
    house
        .client(database)
        .batch_execute(&format!("CREATE SCHEMA {QUOTED}"))
        .unwrap();
    let connect = house
        .cluster
        .connect(database, lifeboat::demo::cluster::SUPERUSER);
    house.settle = Box::new(move |_, settings| {
        SCHEMA.clone_into(&mut settings.schema);
        settings.connect.clone_from(&connect);
    });
}

/// Adds a name to every workspace. Gives what their columns count with, with schemas.
fn count_on(client: &mut Client) -> Vec<String> {
    for table in NAMES {
        client
            .execute(
                &format!("INSERT INTO {QUOTED}.{table} (name) VALUES (gen_random_uuid()::text)"),
                &[],
            )
            .unwrap();
    }
    client.batch_execute("SET search_path TO nowhere").unwrap();
    let rows = client
        .query(
            "SELECT pg_get_expr(f.adbin, f.adrelid) FROM pg_attrdef f JOIN pg_class c ON c.oid = f.adrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 ORDER BY c.relname",
            &[&SCHEMA],
        )
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn own() -> Vec<String> {
    let own = |table| format!("nextval('{QUOTED}.{table}_id_seq'::regclass)");
    NAMES.map(own).to_vec()
}

fn tables_found(engine: &Engine) -> Vec<(Verdict, String)> {
    let report: Report = lifeboat::engine::check(engine, Some(&House::live())).unwrap();
    let found = report
        .findings
        .into_iter()
        .filter(|finding| finding.about == "tables");
    found.map(|finding| (finding.verdict, finding.detail)).collect()
}

#[test]
fn tables_in_a_schema_off_the_path_come_back_everywhere_and_hang_on_nothing() {
    let mut house = house();
    let engine = house.engine();
    let rows = house.rows("author", SCHEMA);
    let backup = back_up(&engine).0;
    let mut client = house.client("author");
    let drill = engine.live(&House::live()).unwrap().start_drill(None).unwrap();
    done(&engine, drill);

    for is_confirmed in [true, false] {
        client
            .batch_execute(&format!("DELETE FROM {QUOTED}.pm_website_names"))
            .unwrap();
        house.pass(Duration::minutes(1));
        restore(&engine, &backup, &[]);
        assert_eq!(house.rows("author", SCHEMA), rows);
        assert_eq!(count_on(&mut client), own());
        if is_confirmed {
            let confirm = engine.live(&House::live()).unwrap().start_confirm().unwrap();
            done(&engine, confirm);
        } else {
            house.pass(Duration::hours(49));
            let prune = engine.live(&House::live()).unwrap().start_prune().unwrap();
            done(&engine, prune);
        }
        assert_eq!(house.left("author"), Vec::<String>::new());
        assert_eq!(count_on(&mut client), own());
    }
    drop((client, engine));

    // Where there is nothing, and where a fresh installation counts already.
    for (database, is_fresh) in [("elsewhere", false), ("installed", true)] {
        move_to(&mut house, database);
        let mut client = house.client(database);
        if is_fresh {
            for prefix in ["pm_config_", "pm_dam_", "pm_website_", "version_"] {
                make_workspace(&mut client, SCHEMA, prefix);
            }
        }
        let engine = house.engine();
        let planned = plan(&engine, &backup, &[]);
        assert_eq!(planned.obstacles, Vec::<String>::new());
        house.pass(Duration::minutes(1));
        restore_without_safety(&engine, &backup);
        assert_eq!(house.rows(database, SCHEMA), rows);
        assert_eq!(count_on(&mut client), own());
    }
}

fn restore_without_safety(engine: &Engine, backup: &str) {
    let mut request = crate::house::request(backup, &[]);
    request.without_safety = true;
    let live = engine.live(&House::live()).unwrap();
    let plan = live.plan_restore(&request, &lifeboat::watch::Unwatched).unwrap();
    let job = lifeboat::engine::start_restore(engine, &plan.id, "acme/live").unwrap();
    done(engine, job);
}

#[test]
fn what_an_earlier_version_has_left_counting_with_replaced_tables_is_named_and_comes_back_right() {
    let mut house = house();
    let mut client = house.client("author");
    client
        .batch_execute(&format!(
            "CREATE SCHEMA lifeboat_old_2; CREATE SEQUENCE lifeboat_old_2.pm_website_names_id_seq START WITH 100; \
             ALTER TABLE {QUOTED}.pm_website_names ALTER COLUMN id \
             SET DEFAULT nextval('lifeboat_old_2.pm_website_names_id_seq'::regclass)"
        ))
        .unwrap();
    let engine = house.engine();
    let rows = house.rows("author", SCHEMA);
    let backup = back_up(&engine).0;
    let found = tables_found(&engine);
    let (verdict, sentence) = found
        .iter()
        .find(|(_, detail)| detail.contains("lifeboat_old_2"))
        .unwrap();
    assert_eq!(*verdict, Verdict::Failed, "{found:?}");
    let statement = sentence.split('`').nth(1).unwrap().to_owned();

    // A restore counts with its own sequence, here and elsewhere.
    house.pass(Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(count_on(&mut client), own());
    let undone = engine
        .live(&House::live())
        .unwrap()
        .start_undo("acme/live")
        .unwrap();
    done(&engine, undone);
    assert_ne!(count_on(&mut client), own());
    client.batch_execute(&statement).unwrap();
    assert_eq!(count_on(&mut client), own());
    assert!(
        tables_found(&engine)
            .iter()
            .all(|(verdict, _)| *verdict == Verdict::Ok),
        "{:?}",
        tables_found(&engine)
    );
    drop(engine);
    move_to(&mut house, "elsewhere");
    let engine = house.engine();
    house.pass(Duration::minutes(1));
    restore_without_safety(&engine, &backup);
    assert_eq!(house.rows("elsewhere", SCHEMA), rows);
    assert_eq!(count_on(&mut house.client("elsewhere")), own());
}

#[test]
fn a_drill_of_tables_that_count_with_what_is_in_no_backup_says_so_and_proves_the_rest() {
    let house = house();
    let mut client = house.client("author");
    client
        .batch_execute(&format!(
            "CREATE SCHEMA app; CREATE SEQUENCE app.numbers START WITH 100; \
             ALTER TABLE {QUOTED}.pm_dam_names ALTER COLUMN id SET DEFAULT nextval('app.numbers'::regclass)"
        ))
        .unwrap();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let drill = engine.live(&House::live()).unwrap().start_drill(None).unwrap();
    done(&engine, drill);
    let told = crate::house::log(&engine, drill).join("\n");
    assert!(
        told.contains(
            "the column id of the table pm_dam_names was tried with a sequence of its own: app.numbers"
        ),
        "{told}"
    );
    assert!(engine.catalog().drills(&House::live()).unwrap()[0].is_proven());
    let numbers = client
        .query_one("SELECT is_called FROM app.numbers", &[])
        .unwrap();
    assert!(!numbers.get::<_, bool>(0), "a drill takes no numbers of Live's");
    let warned = tables_found(&engine);
    assert!(
        warned
            .iter()
            .any(|(verdict, told)| *verdict == Verdict::Warning && told.contains("app.numbers")),
        "{warned:?}"
    );
    // In Live itself others may count with it on purpose.
    house.pass(Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert!(count_on(&mut client)[1].contains("app.numbers"));
}

#[test]
fn a_table_that_counts_with_the_sequence_of_another_gets_one_of_its_own() {
    let house = House::new();
    let mut client = house.client("author");
    client
        .batch_execute(
            "DROP TABLE pm_dam_names; CREATE TABLE pm_dam_names (LIKE pm_website_names INCLUDING ALL); \
             INSERT INTO pm_dam_names SELECT * FROM pm_website_names",
        )
        .unwrap();
    let engine = house.engine();
    let rows = house.rows("author", "public");
    let backup = back_up(&engine).0;
    let planned = plan(&engine, &backup, &[]);
    assert_eq!(planned.obstacles, Vec::<String>::new());
    let warnings = planned.warnings.join("\n");
    assert!(
        warnings.contains("pm_dam_names comes back with a sequence of its own"),
        "{warnings}"
    );
    house.pass(Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(house.rows("author", "public"), rows);
    for table in ["pm_dam_names", "pm_website_names"] {
        let id: i32 = client
            .query_one(
                &format!("INSERT INTO {table} (name) VALUES ('a new name') RETURNING id"),
                &[],
            )
            .unwrap()
            .get(0);
        assert_eq!(id, 3);
    }
    let confirm = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    done(&engine, confirm);
    assert_eq!(house.left("author"), Vec::<String>::new());
}
