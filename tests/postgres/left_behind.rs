//! What restores leave in a database: the tables that they replaced, and what another Lifeboat has staged. Undo goes back
//! to all of it or to none, and what is dropped takes nothing along that is not Lifeboat's.

use chrono::Duration;
use lifeboat::domain::caller::Caller;
use lifeboat::domain::check::Verdict;
use lifeboat::domain::job::{Job, Phase};
use lifeboat::domain::state::UndoWay;
use lifeboat::engine::{Engine, check, details};
use lifeboat::watch::Unwatched;

use crate::gate::Gate;
use crate::house::{House, back_up, done, failed, fill, request, restore, start_restore, undo};

fn prune(engine: &Engine) {
    let job = engine.live(&House::live()).unwrap().start_prune().unwrap();
    done(engine, job);
}

#[test]
fn replaced_tables_of_some_instances_are_no_way_back() {
    let house = House::with(&["author", "public-1"]);
    let engine = house.engine();
    let backup = back_up(&engine).0;
    for instance in ["author", "public-1"] {
        fill(&mut house.client(instance), "public.pm_website_refs", 40, "later");
    }
    let live = || ["author", "public-1"].map(|instance| house.rows(instance, "public"));
    let before = live();
    house.pass(Duration::minutes(1));
    let job = restore(&engine, &backup, &[]);
    let safety = job.outcome.unwrap().safety.unwrap();
    let way = details(&engine, &House::live()).unwrap().undo_way;
    assert!(matches!(way, Some(UndoWay::Exchange { .. })), "{way:?}");

    // Somebody drops what one of the databases has kept. The other one alone would leave Live mixed.
    let schema = house.left("public-1").remove(0);
    house
        .client("public-1")
        .batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))
        .unwrap();
    house.pass(Duration::minutes(1));
    let undone = undo(&engine);
    assert!(undone.title.contains(safety.short()), "{}", undone.title);
    assert!(left_out(&undone).is_empty(), "{undone:?}");
    assert_eq!(live(), before);
}

/// The phases that a job left out although they could have been. Neither hooks nor health are configured here, and every
/// job says so.
fn left_out(job: &Job) -> Vec<Phase> {
    let unconfigured = [Phase::HooksBefore, Phase::Hooks, Phase::Health];
    assert!(
        unconfigured.iter().all(|phase| job.left_out.contains(phase)),
        "{job:?}"
    );
    let others = job.left_out.iter().filter(|phase| !unconfigured.contains(phase));
    others.copied().collect()
}

#[test]
fn an_undo_without_its_own_safety_backup_goes_to_no_older_one() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    fill(&mut house.client("author"), "public.pm_website_refs", 40, "first");
    house.pass(Duration::minutes(1));
    restore(&engine, &backup, &[]);
    fill(
        &mut house.client("author"),
        "public.pm_website_refs",
        40,
        "second",
    );
    let second = house.rows("author", "public");
    house.pass(Duration::minutes(1));
    let mut hurried = request(&backup, &[]);
    hurried.without_safety = true;
    let plan = engine
        .live(&House::live())
        .unwrap()
        .plan_restore(&hurried, &Unwatched)
        .unwrap();
    let job = done(
        &engine,
        lifeboat::engine::start_restore(&engine, &plan.id, "acme/live").unwrap(),
    );
    assert_eq!(left_out(&job), [Phase::SafetyBackup]);

    // The exchange takes back what this restore did, and says that it neither copies nor stages.
    house.pass(Duration::minutes(1));
    let exchange = undo(&engine);
    assert_eq!(
        left_out(&exchange),
        [Phase::SafetyBackup, Phase::Staging, Phase::VerifyingStaged]
    );
    assert_eq!(house.rows("author", "public"), second);
    house.pass(Duration::minutes(1));
    undo(&engine);
    let restored = house.rows("author", "public");

    // Once the replaced tables are gone there is no way back: the first restore's safety backup is another one's.
    house.pass(Duration::minutes(1));
    let confirmed = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    done(&engine, confirmed);
    assert_eq!(details(&engine, &House::live()).unwrap().undo_way, None);
    let refused = engine.live(&House::live()).unwrap().start_undo("acme/live");
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("nothing to undo"), "{refused}");
    assert_eq!(house.rows("author", "public"), restored);
}

#[test]
fn what_others_have_hung_on_replaced_tables_keeps_them() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    house.pass(Duration::minutes(1));
    restore(&engine, &backup, &[]);
    let schema = house.left("author").remove(0);
    let mut client = house.client("author");
    client
        .batch_execute(&format!(
            "CREATE VIEW public.report AS SELECT count(*) AS nodes FROM {schema}.pm_website_bundle"
        ))
        .unwrap();
    let nodes = |client: &mut postgres::Client| -> i64 {
        client
            .query_one("SELECT nodes FROM public.report", &[])
            .unwrap()
            .get(0)
    };
    assert_eq!(nodes(&mut client), 300);

    house.pass(Duration::minutes(1));
    let confirmed = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    let why = failed(&engine, confirmed);
    assert!(why.contains("report"), "{why}");
    assert_eq!(nodes(&mut client), 300);
    assert_eq!(house.left("author"), [schema]);

    client.batch_execute("DROP VIEW public.report").unwrap();
    house.pass(Duration::minutes(1));
    let confirmed = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    done(&engine, confirmed);
    assert_eq!(house.left("author"), Vec::<String>::new());
}

#[test]
fn what_another_lifeboat_has_staged_stands_for_a_day_and_goes_then() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let live = house.rows("author", "public");
    // Another one, with another state folder, stands in the middle of a restore.
    let mut gate = Gate::after(
        &house,
        "author",
        "CREATE TABLE",
        "lifeboat_new%.pm_website_bundle",
    );
    let other = house.engine_elsewhere();
    house.pass(Duration::minutes(1));
    let theirs = start_restore(&other, &backup, &[]);
    gate.wait();
    other
        .acting_for(Caller::here(&"jonas".into()))
        .jobs()
        .cancel(theirs)
        .unwrap();
    // What it has staged by then is what a Lifeboat that was killed would leave.
    let mut client = house.client("author");
    let staged: Vec<String> = house.left("author");
    let notes: Vec<Option<String>> = staged
        .iter()
        .map(|schema| {
            client
                .query_one(
                    "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1",
                    &[schema],
                )
                .unwrap()
                .get(0)
        })
        .collect();
    gate.open();
    crate::house::ended(&other, theirs);
    assert_eq!(house.left("author"), Vec::<String>::new());
    for (schema, note) in staged.iter().zip(&notes) {
        let note = note.as_deref().unwrap().replace('\'', "''");
        client
            .batch_execute(&format!(
                "CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS '{note}'; \
                 CREATE TABLE {schema}.pm_website_bundle (LIKE public.pm_website_bundle)"
            ))
            .unwrap();
    }
    assert_eq!(staged.len(), 2);

    house.pass(Duration::hours(23));
    prune(&engine);
    assert_eq!(house.left("author"), staged);
    house.pass(Duration::hours(2));
    prune(&engine);
    assert_eq!(house.left("author"), Vec::<String>::new());
    assert_eq!(house.rows("author", "public"), live);
}

#[test]
fn what_somebody_holds_is_left_behind_and_stops_nothing() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let live = house.rows("author", "public");
    house
        .client("author")
        .batch_execute("CREATE ROLE reader; GRANT SELECT ON pm_website_refs TO reader")
        .unwrap();
    let mut gate = Gate::after(&house, "author", "GRANT", "%");
    house.pass(Duration::minutes(1));
    let job = start_restore(&engine, &backup, &[]);
    gate.wait();
    let schema = house.left("author").remove(0);
    let mut holder = house.client("author");
    let mut held = holder.transaction().unwrap();
    held.batch_execute(&format!("LOCK TABLE {schema}.pm_dam_refs IN ACCESS SHARE MODE"))
        .unwrap();
    engine.jobs().cancel(job).unwrap();
    gate.open();
    crate::house::ended(&engine, job);
    assert_eq!(house.left("author"), std::slice::from_ref(&schema));

    // Another start and another job go on, and say what is there.
    drop(engine);
    let engine = house.engine();
    house.pass(Duration::minutes(1));
    back_up(&engine);
    let report = check(&engine, Some(&House::live())).unwrap();
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.about == "leftovers" && finding.detail.contains(&schema)),
        "{report:#?}"
    );
    assert_eq!(house.left("author"), [schema]);
    held.rollback().unwrap();
    house.pass(Duration::minutes(1));
    back_up(&engine);
    assert_eq!(house.left("author"), Vec::<String>::new());
    assert_eq!(house.rows("author", "public"), live);
}

#[test]
fn a_switch_that_is_taken_back_is_told_as_that_and_no_more() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let mut client = house.client("author");
    client
        .batch_execute(
            "CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE 'lifeboat_old%') THEN \
             RAISE EXCEPTION 'tables stay where they are'; END IF; END $$; \
             CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.refuse(); \
             UPDATE pm_website_bundle SET bundle_data = 'x'",
        )
        .unwrap();
    let live = house.rows("author", "public");
    house.pass(Duration::minutes(1));
    let job = start_restore(&engine, &backup, &[]);
    let why = failed(&engine, job);
    assert!(
        why.contains("Live has its old content") && why.contains("tables stay where they are"),
        "{why}"
    );
    assert!(
        !why.contains("half switched") && !why.contains("start Lifeboat again"),
        "{why}"
    );
    assert_eq!(house.rows("author", "public"), live);
    assert_eq!(house.left("author"), Vec::<String>::new());
    assert_eq!(details(&engine, &House::live()).unwrap().summary.trouble, None);
}

#[test]
fn replaced_tables_that_cannot_be_dropped_after_their_time_are_trouble_until_they_are() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    house
        .client("author")
        .batch_execute(
            "CREATE TABLE tickets (hi bigint, lo bigint, FOREIGN KEY (hi, lo) REFERENCES pm_website_bundle); \
             INSERT INTO pm_website_refs VALUES (1, 1, 'later')",
        )
        .unwrap();
    house.pass(Duration::minutes(1));
    restore(&engine, &backup, &[]);
    let trouble = || details(&engine, &House::live()).unwrap().summary.trouble;
    let leftovers = || {
        let report = check(&engine, Some(&House::live())).unwrap();
        let found = report
            .findings
            .into_iter()
            .filter(|finding| finding.about == "leftovers");
        found
            .map(|finding| (finding.verdict, finding.detail))
            .collect::<Vec<_>>()
    };
    assert_eq!(trouble(), None);
    house.pass(Duration::hours(49));
    prune(&engine);
    let told = trouble().unwrap();
    let found = leftovers();
    assert_eq!(found[0].0, Verdict::Failed, "{found:?}");
    for told in [&told, &found[0].1] {
        assert!(
            told.contains("still there after their time") && told.contains("on table tickets"),
            "{told}"
        );
        assert!(!told.contains("CASCADE"), "{told}");
    }
    house
        .client("author")
        .batch_execute("DROP TABLE tickets")
        .unwrap();
    let confirm = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    done(&engine, confirm);
    assert_eq!(trouble(), None);
    assert_eq!(leftovers()[0].0, Verdict::Ok);
    assert_eq!(house.left("author"), Vec::<String>::new());
}
