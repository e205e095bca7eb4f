//! Several nodes share the database: a switch settles what they tell each other of, in its own transaction, whoever made the
//! tables and whatever hangs on them, and a plan and a check say which nodes there are.

use std::collections::BTreeMap;

use lifeboat::domain::check::Verdict;
use lifeboat::domain::job::JobState;
use lifeboat::engine::{Engine, check};
use postgres::Client;

use crate::gate::Gate;
use crate::house::{
    House, back_up, done, ended, failed, log, make_workspace, plan, restore, start_restore, undo,
};

/// The tables of a cluster as Jackrabbit makes them, with a revision that counts, one for each node, and a journal from 1 to
/// the first. Names are written as they are given.
pub fn make_cluster(
    client: &mut Client,
    [journal, global, local]: [&str; 3],
    revision: i64,
    nodes: &[(&str, i64)],
) {
    client
        .batch_execute(&format!(
            "CREATE TABLE {journal} (REVISION_ID BIGINT NOT NULL, JOURNAL_ID varchar(255), PRODUCER_ID varchar(255), \
             REVISION_DATA bytea); CREATE UNIQUE INDEX ON {journal} (REVISION_ID); \
             CREATE TABLE {global} (REVISION_ID BIGINT NOT NULL); CREATE UNIQUE INDEX ON {global} (REVISION_ID); \
             CREATE TABLE {local} (JOURNAL_ID varchar(255) NOT NULL, REVISION_ID BIGINT NOT NULL); \
             INSERT INTO {global} VALUES ({revision})"
        ))
        .unwrap();
    save(client, journal, 1, revision);
    for (node, at) in nodes {
        client
            .execute(&format!("INSERT INTO {local} VALUES ($1, $2)"), &[node, at])
            .unwrap();
    }
}

/// What nodes have written into a journal from one revision to another.
fn save(client: &mut Client, journal: &str, from: i64, to: i64) {
    client
        .execute(
            &format!(
                "INSERT INTO {journal} SELECT n, 'node-1', 'JR', '\\x01'::bytea FROM generate_series($1::bigint, $2::bigint) n"
            ),
            &[&from, &to],
        )
        .unwrap();
}

pub const PLAIN: [&str; 3] = ["journal", "global_revision", "local_revisions"];

/// A house whose nodes have come to 39 and 29.
pub fn house() -> House {
    let house = House::new();
    make_cluster(
        &mut house.client("author"),
        PLAIN,
        39,
        &[("node-1", 39), ("node-2", 29)],
    );
    house
}

/// How a cluster stands: the revision that counts, those of the nodes, and how many records its journal has.
pub fn stands(house: &House, [journal, global, local]: [&str; 3]) -> (i64, BTreeMap<String, i64>, i64) {
    let mut client = house.client("author");
    let global = client.query_one(&format!("SELECT revision_id FROM {global}"), &[]);
    let rows = client
        .query(&format!("SELECT journal_id, revision_id FROM {local}"), &[])
        .unwrap();
    let records = client.query_one(&format!("SELECT count(*) FROM {journal}"), &[]);
    (
        global.unwrap().get(0),
        rows.iter().map(|row| (row.get(0), row.get(1))).collect(),
        records.unwrap().get(0),
    )
}

pub fn settled(revision: i64) -> (i64, BTreeMap<String, i64>, i64) {
    let nodes = ["node-1", "node-2"].map(|node| (node.to_owned(), revision));
    (revision, nodes.into(), 0)
}

/// A change that a restore takes back.
pub fn change(house: &House) {
    house
        .client("author")
        .batch_execute("DELETE FROM pm_website_bundle WHERE node_id_hi > 10")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
}

pub fn findings(engine: &Engine) -> Vec<(Verdict, String)> {
    let report = check(engine, Some(&House::live())).unwrap();
    let about = report.findings.into_iter();
    about
        .filter(|finding| finding.about == "cluster")
        .map(|finding| (finding.verdict, finding.detail))
        .collect()
}

#[test]
fn a_restore_and_its_undo_settle_the_cluster_and_say_so() {
    let house = house();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    assert_eq!(stands(&house, PLAIN).2, 39, "a backup only looks");
    change(&house);

    let known = "2 nodes: node-1 (has seen everything) and node-2 (behind by 10)";
    let plan = plan(&engine, &backup, &[]);
    let said = plan
        .warnings
        .iter()
        .filter(|warning| warning.contains(known))
        .count();
    assert_eq!(said, 1, "{:#?}", plan.warnings);
    assert_eq!(plan.obstacles, Vec::<String>::new());
    let checked = findings(&engine);
    assert_eq!(checked.len(), 1);
    assert!(
        checked[0].0 == Verdict::Ok && checked[0].1.contains(known),
        "{checked:?}"
    );
    assert_eq!(stands(&house, PLAIN).1["node-2"], 29, "a plan only looks");

    let job = restore(&engine, &backup, &[]);
    assert_eq!(stands(&house, PLAIN), settled(39));
    let what = "the cluster in journal, global_revision and local_revisions is settled: its 2 nodes node-1 and node-2 are \
                set to revision 39, and its journal is emptied";
    let summary = job.outcome.unwrap().summary;
    assert!(summary.contains(what), "{summary}");
    assert!(log(&engine, job.id).iter().any(|line| line.contains(what)));

    // Nodes go on; the exchange back overtakes what they have told since.
    let mut client = house.client("author");
    client
        .batch_execute(
            "UPDATE global_revision SET revision_id = 45; UPDATE local_revisions SET revision_id = 45 WHERE journal_id = 'node-1'",
        )
        .unwrap();
    save(&mut client, "journal", 40, 45);
    house.pass(chrono::Duration::minutes(1));
    let job = undo(&engine);
    assert_eq!(stands(&house, PLAIN), settled(45));
    assert!(job.outcome.unwrap().summary.contains("set to revision 45"));
}

#[test]
fn clusters_are_known_by_their_tables_whatever_their_names_begin_with() {
    let mut house = house();
    let mut client = house.client("author");
    let prefixed = [
        "journal_JOURNAL",
        "journal_GLOBAL_REVISION",
        "journal_LOCAL_REVISIONS",
    ];
    make_cluster(&mut client, prefixed, 7, &[("node-1", 7), ("node-2", 0)]);
    let upper = ["\"C_JOURNAL\"", "\"C_GLOBAL_REVISION\"", "\"C_LOCAL_REVISIONS\""];
    make_cluster(&mut client, upper, 9, &[("node-1", 2), ("node-2", 2)]);
    // Of another Magnolia in the same schema, and of something that is none.
    let other = ["other_journal", "other_global_revision", "other_local_revisions"];
    make_cluster(&mut client, other, 5, &[("node-1", 1)]);
    client
        .batch_execute(
            "CREATE TABLE ships_journal (revision_id int, journal_id int, producer_id int); \
             INSERT INTO ships_journal VALUES (1, 2, 3)",
        )
        .unwrap();
    house.settle = Box::new(|_, database| database.leave_alone = vec!["other_".to_owned()]);
    client
        .batch_execute("TRUNCATE pm_website_bundle, version_bundle")
        .unwrap();
    house.bundles("author", "pm_website_bundle", 60);
    house.bundles("author", "version_bundle", 9);
    let engine = house.engine();
    let backup = back_up(&engine).0;
    change(&house);
    restore(&engine, &backup, &["website"]);
    assert_eq!(stands(&house, PLAIN), settled(39));
    assert_eq!(stands(&house, prefixed), settled(7));
    assert_eq!(stands(&house, upper), settled(9));
    assert_eq!(stands(&house, other), (5, [("node-1".to_owned(), 1)].into(), 5));
    let ships = client
        .query_one("SELECT count(*) FROM ships_journal", &[])
        .unwrap();
    assert_eq!(ships.get::<_, i64>(0), 1);
}

#[test]
fn the_revision_that_counts_is_never_lowered() {
    let house = house();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    change(&house);
    let mut client = house.client("author");
    // As a counter leaves it that was set back: a node that goes on would pass over what others save.
    client
        .batch_execute(
            "UPDATE local_revisions SET revision_id = 44 WHERE journal_id = 'node-2'; UPDATE journal SET revision_id = 50 \
             WHERE revision_id = 39",
        )
        .unwrap();
    let plan = plan(&engine, &backup, &[]);
    let warnings = plan.warnings.join("\n");
    assert!(warnings.contains("node-2 (ahead by 5)"), "{warnings}");
    restore(&engine, &backup, &[]);
    assert_eq!(stands(&house, PLAIN), settled(50));
}

#[test]
fn a_switch_that_fails_leaves_the_cluster_as_it_was_and_one_that_goes_back_settles_it_again() {
    let house = House::with(&["author", "public"]);
    make_cluster(
        &mut house.client("author"),
        PLAIN,
        39,
        &[("node-1", 39), ("node-2", 29)],
    );
    make_cluster(&mut house.client("public"), PLAIN, 12, &[("p-1", 3)]);
    let engine = house.engine();
    let backup = back_up(&engine).0;
    change(&house);
    let (author, public) = (house.rows("author", "public"), house.rows("public", "public"));
    let refuse = "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
                  IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE 'lifeboat_old%website%') \
                  THEN RAISE EXCEPTION 'not today'; END IF; END $$; \
                  CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION refuse()";
    house.client("public").batch_execute(refuse).unwrap();
    let job = start_restore(&engine, &backup, &[]);
    let why = failed(&engine, job);
    assert!(why.contains("not today") && why.contains("old content"), "{why}");
    // Its journal would have told it of what others have changed.
    let told = log(&engine, job).join("\n");
    assert!(
        told.contains("node-2 of the cluster of author had not seen every change"),
        "{told}"
    );
    // What the first has exchanged and exchanged back is overtaken twice; the second was never touched.
    assert_eq!(stands(&house, PLAIN), settled(39));
    let of_cluster = |rows: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        let mut rows = rows.clone();
        rows.retain(|table, _| !PLAIN.contains(&table.as_str()));
        rows
    };
    assert_eq!(of_cluster(&house.rows("author", "public")), of_cluster(&author));
    assert_eq!(house.rows("public", "public"), public);
}

#[test]
fn what_is_settled_is_seen_with_the_exchange_and_not_before() {
    let house = house();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    change(&house);
    // A node that saves in the middle waits until the exchange is over, and goes on from where it led.
    let mut gate = Gate::after(&house, "author", "ALTER TABLE", "lifeboat_old%pm_website_bundle%");
    let job = start_restore(&engine, &backup, &[]);
    let process = gate.wait();
    let mut saving = house.client("author");
    saving.batch_execute("SET lock_timeout = '200ms'").unwrap();
    let waits = saving.batch_execute("UPDATE global_revision SET revision_id = revision_id + 1");
    assert!(waits.is_err(), "a node must not save in between");
    // The connection is lost: nothing of it was done, and it is done again.
    house
        .client("postgres")
        .execute("SELECT pg_terminate_backend($1)", &[&process])
        .unwrap();
    gate.open();
    let job = ended(&engine, job);
    assert_ne!(job.state, JobState::Done, "{:#?}", log(&engine, job.id));
    assert_eq!(stands(&house, PLAIN).1["node-2"], 29);
    assert_eq!(stands(&house, PLAIN).2, 39);
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(stands(&house, PLAIN), settled(39));
}

#[test]
fn a_journal_that_is_large_and_held_is_waited_for_as_the_tables_are() {
    let house = house();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    change(&house);
    // A node in the middle of a save holds the revision that counts.
    let mut node = house.client("author");
    let mut saving = node.transaction().unwrap();
    saving
        .batch_execute("UPDATE global_revision SET revision_id = revision_id + 1")
        .unwrap();
    let job = start_restore(&engine, &backup, &[]);
    let mut looking = house.client("author");
    crate::gate::wait_for_blocked(&mut looking);
    saving
        .batch_execute("INSERT INTO journal VALUES (40, 'node-1', 'JR', '\\x01')")
        .unwrap();
    saving.commit().unwrap();
    done(&engine, job);
    assert_eq!(stands(&house, PLAIN), settled(40));
}

#[test]
fn what_hangs_on_the_tables_does_not_keep_a_cluster_from_being_settled() {
    let hangs: [(&str, &str, bool); 4] = [
        (
            "an audit",
            "CREATE TABLE audit (what text); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO audit VALUES (TG_OP); RETURN NULL; END $$; \
             CREATE TRIGGER t AFTER UPDATE OR DELETE ON local_revisions FOR EACH ROW EXECUTE FUNCTION f()",
            false,
        ),
        (
            "a trigger that refuses",
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'append only'; END $$; \
             CREATE TRIGGER t BEFORE DELETE ON journal FOR EACH ROW EXECUTE FUNCTION f(); \
             CREATE TRIGGER u BEFORE TRUNCATE ON journal FOR EACH STATEMENT EXECUTE FUNCTION f(); \
             ALTER TABLE journal ENABLE ALWAYS TRIGGER t",
            true,
        ),
        (
            "a trigger that keeps what was",
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$; \
             CREATE TRIGGER t BEFORE UPDATE ON local_revisions FOR EACH ROW EXECUTE FUNCTION f()",
            true,
        ),
        (
            "a foreign key",
            "CREATE TABLE seen (at bigint REFERENCES journal (revision_id) ON DELETE CASCADE); INSERT INTO seen VALUES (3)",
            false,
        ),
    ];
    let house = house();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let mut client = house.client("author");
    for (what, statements, is_said) in hangs {
        client
            .batch_execute(
                "DROP TABLE IF EXISTS audit, seen; DROP FUNCTION IF EXISTS f CASCADE; DELETE FROM journal; \
                 UPDATE local_revisions SET revision_id = 1",
            )
            .unwrap();
        save(&mut client, "journal", 1, 39);
        client.batch_execute(statements).unwrap();
        let triggers = "SELECT coalesce(string_agg(tgname || tgenabled::text, ' ' ORDER BY tgname), '') FROM pg_trigger \
                        WHERE NOT tgisinternal AND tgrelid IN ('journal'::regclass, 'local_revisions'::regclass)";
        let before: String = client.query_one(triggers, &[]).unwrap().get(0);
        change(&house);
        let job = restore(&engine, &backup, &[]);
        assert_eq!(stands(&house, PLAIN), settled(39), "{what}");
        let after: String = client.query_one(triggers, &[]).unwrap().get(0);
        assert_eq!(before, after, "{what}");
        let summary = job.outcome.unwrap().summary;
        assert_eq!(summary.contains("did not run"), is_said, "{what}: {summary}");
    }
    client.batch_execute("DROP TABLE seen").unwrap();
}

/// The tables belong to `magnolia`, whom Lifeboat may act for, and those of the cluster to somebody else.
#[test]
fn who_may_not_settle_a_cluster_is_told_what_to_type_and_that_is_enough() {
    let mut house = house();
    let mut client = house.client("author");
    client
        .batch_execute(
            "CREATE ROLE magnolia; CREATE ROLE lifeboat LOGIN; GRANT magnolia TO lifeboat; \
             GRANT CREATE ON DATABASE author TO lifeboat; GRANT USAGE, CREATE ON SCHEMA public TO magnolia; \
             DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' \
             AND tablename LIKE '%\\_%' AND tablename NOT LIKE '%revision%' LOOP \
             EXECUTE format('ALTER TABLE public.%I OWNER TO magnolia', t); END LOOP; END $$",
        )
        .unwrap();
    let connect = house.cluster.connect("author", "lifeboat");
    house.settle = Box::new(move |_, database| database.connect.clone_from(&connect));
    let engine = house.engine();
    let backup = back_up(&engine).0;
    change(&house);

    let told = plan(&engine, &backup, &[]);
    assert_eq!(told.obstacles.len(), 1, "{:#?}", told.obstacles);
    let obstacle = &told.obstacles[0];
    let grants = "GRANT SELECT, DELETE ON \"public\".\"journal\" TO \"lifeboat\"; \
                  GRANT SELECT, UPDATE ON \"public\".\"global_revision\" TO \"lifeboat\"; \
                  GRANT SELECT, UPDATE ON \"public\".\"local_revisions\" TO \"lifeboat\"";
    assert!(obstacle.contains(grants), "{obstacle}");
    let found = findings(&engine);
    let failed: Vec<_> = found
        .iter()
        .filter(|(verdict, _)| *verdict == Verdict::Failed)
        .collect();
    assert!(failed.len() == 1 && failed[0].1.contains(grants), "{found:#?}");

    client.batch_execute(grants).unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(stands(&house, PLAIN), settled(39));
    assert!(
        findings(&engine)
            .iter()
            .all(|(verdict, _)| *verdict == Verdict::Ok)
    );

    // What the role may that the other tables belong to is enough as well.
    client
        .batch_execute(
            "REVOKE ALL ON journal, global_revision, local_revisions FROM lifeboat; ALTER ROLE lifeboat NOINHERIT; \
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO lifeboat; \
             ALTER TABLE journal OWNER TO magnolia; ALTER TABLE global_revision OWNER TO magnolia; \
             ALTER TABLE local_revisions OWNER TO magnolia; UPDATE local_revisions SET revision_id = 3",
        )
        .unwrap();
    save(&mut client, "journal", 4, 39);
    change(&house);
    restore(&engine, &backup, &[]);
    assert_eq!(stands(&house, PLAIN), settled(39));
}

#[test]
fn tables_of_a_cluster_that_are_views_are_in_the_way_of_a_restore() {
    let house = House::new();
    let mut client = house.client("author");
    make_workspace(&mut client, "public", "pm_more_");
    client
        .batch_execute("CREATE SCHEMA elsewhere; SET search_path = elsewhere")
        .unwrap();
    make_cluster(&mut client, PLAIN, 3, &[("node-1", 3)]);
    client
        .batch_execute(
            "CREATE VIEW public.journal AS SELECT * FROM elsewhere.journal; \
             CREATE VIEW public.global_revision AS SELECT * FROM elsewhere.global_revision; \
             CREATE VIEW public.local_revisions AS SELECT * FROM elsewhere.local_revisions",
        )
        .unwrap();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    change(&house);
    let obstacles = plan(&engine, &backup, &[]).obstacles.join("\n");
    assert!(
        obstacles.contains("journal of the cluster is a view"),
        "{obstacles}"
    );
}

#[test]
fn the_cluster_of_a_repository_that_is_left_alone_is_left_alone_with_it() {
    let mut house = house();
    let others = ["other_journal", "other_global_revision", "other_local_revisions"];
    make_cluster(
        &mut house.client("author"),
        others,
        50,
        &[("node-1", 50), ("node-2", 1)],
    );
    let before = stands(&house, others);
    house.settle = Box::new(|_, database| {
        database.leave_alone = vec!["other_pm_".to_owned(), "other_version_".to_owned()];
    });
    let engine = house.engine();
    let backup = back_up(&engine).0;
    change(&house);
    house.pass(chrono::Duration::minutes(1));
    let told = plan(&engine, &backup, &[]).warnings.join("\n");
    assert!(
        told.contains("node-2") && !told.contains("other_journal"),
        "{told}"
    );
    restore(&engine, &backup, &[]);
    assert_eq!(stands(&house, others), before);
    assert_eq!(stands(&house, PLAIN), settled(39));
}
