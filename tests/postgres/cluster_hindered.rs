//! What would keep a cluster from being settled is named by check and plan before anything is switched, with what to type, and
//! nobody says at the same time that all is well.

use lifeboat::domain::check::Verdict;
use lifeboat::engine::{Engine, check};

use crate::clustered::{PLAIN, change, findings, house, settled, stands};
use crate::house::{House, back_up, plan, restore};

/// The finding that names what is in the way, which is the only one about the cluster.
fn only_failure(engine: &Engine) -> String {
    let found = findings(engine);
    assert!(found.len() == 1 && found[0].0 == Verdict::Failed, "{found:#?}");
    found[0].1.clone()
}

#[test]
fn a_foreign_key_that_keeps_rows_of_the_journal_is_in_the_way_until_it_is_taken_away() {
    let house = house();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let mut client = house.client("author");
    client
        .batch_execute(
            "CREATE TABLE seen (at bigint CONSTRAINT \"at journal\" REFERENCES journal (revision_id))",
        )
        .unwrap();
    change(&house);
    let way = "ALTER TABLE \"public\".\"seen\" DROP CONSTRAINT \"at journal\"";
    let told = plan(&engine, &backup, &[]).obstacles;
    assert!(told.len() == 1 && told[0].contains(way), "{told:#?}");
    let found = findings(&engine);
    let failed: Vec<_> = found
        .iter()
        .filter(|(verdict, _)| *verdict == Verdict::Failed)
        .collect();
    assert!(failed.len() == 1 && failed[0].1 == told[0], "{found:#?}");
    client.batch_execute(way).unwrap();
    restore(&engine, &backup, &[]);
    assert_eq!(stands(&house, PLAIN), settled(39));
}

/// Lifeboat's user may do with the tables what is needed, and does not see all rows.
#[test]
fn row_level_security_on_the_tables_of_a_cluster_is_named_and_what_helps_is_enough() {
    let mut house = house();
    let mut client = house.client("author");
    client
        .batch_execute(
            "CREATE ROLE lifeboat LOGIN; GRANT CREATE ON DATABASE author TO lifeboat; \
             GRANT USAGE, CREATE ON SCHEMA public TO lifeboat; \
             DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' \
             AND tablename NOT IN ('journal', 'global_revision', 'local_revisions') LOOP \
             EXECUTE format('ALTER TABLE public.%I OWNER TO lifeboat', t); END LOOP; END $$; \
             GRANT SELECT, UPDATE, DELETE ON journal, global_revision, local_revisions TO lifeboat; \
             ALTER TABLE local_revisions ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY own ON local_revisions USING (journal_id = 'node-1')",
        )
        .unwrap();
    let connect = house.cluster.connect("author", "lifeboat");
    house.settle = Box::new(move |_, database| database.connect.clone_from(&connect));
    let engine = house.engine();
    let backup = back_up(&engine).0;
    change(&house);
    let way = "ALTER ROLE \"lifeboat\" BYPASSRLS";
    let told = plan(&engine, &backup, &[]).obstacles;
    assert!(
        told.len() == 1 && told[0].contains(way) && told[0].contains("local_revisions"),
        "{told:#?}"
    );
    assert_eq!(only_failure(&engine), told[0]);
    client.batch_execute(way).unwrap();
    restore(&engine, &backup, &[]);
    assert_eq!(stands(&house, PLAIN), settled(39));
}

/// The tables of the cluster are somebody else's, and may not even be read.
#[test]
fn what_may_not_be_read_is_not_told_as_nothing() {
    let mut house = house();
    let mut client = house.client("author");
    client
        .batch_execute(
            "CREATE ROLE lifeboat LOGIN; GRANT CREATE ON DATABASE author TO lifeboat; \
             GRANT USAGE, CREATE ON SCHEMA public TO lifeboat; \
             DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' \
             AND tablename NOT IN ('journal', 'global_revision', 'local_revisions') LOOP \
             EXECUTE format('ALTER TABLE public.%I OWNER TO lifeboat', t); END LOOP; END $$",
        )
        .unwrap();
    let connect = house.cluster.connect("author", "lifeboat");
    house.settle = Box::new(move |_, database| database.connect.clone_from(&connect));
    let engine = house.engine();
    let why = only_failure(&engine);
    assert!(
        why.contains("GRANT SELECT, DELETE ON \"public\".\"journal\""),
        "{why}"
    );
    let report = check(&engine, Some(&House::live())).unwrap();
    let journal: Vec<_> = report
        .findings
        .iter()
        .filter(|found| found.about == "cluster journal")
        .collect();
    assert!(
        journal.len() == 1
            && journal[0].detail.contains("may not be counted")
            && !journal[0].detail.contains("about 0"),
        "{journal:#?}"
    );
}
