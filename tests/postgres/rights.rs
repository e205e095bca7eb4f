//! Rights: how few a backup needs, what a restore says when it lacks one, and what is as it was afterwards.

use lifeboat::domain::refusal::Refusal;
use lifeboat::engine::{Engine, EngineError, check, start_restore};

use crate::house::{House, back_up, done, failed, plan, restore};

/// Live belongs to `magnolia`; `app` may write it, `reader` may read it, and `operator` may act for `magnolia`.
fn house() -> House {
    let house = House::new();
    let mut client = house.client("author");
    client
        .batch_execute(
            "CREATE ROLE magnolia; CREATE ROLE app LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE operator LOGIN; \
             DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
             EXECUTE format('ALTER TABLE public.%I OWNER TO magnolia', t); END LOOP; END $$; \
             GRANT USAGE, CREATE ON SCHEMA public TO magnolia; \
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app; \
             GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app; \
             GRANT UPDATE (name) ON pm_website_names TO reader; \
             GRANT SELECT (id), INSERT (id, name) ON pm_dam_names TO PUBLIC; \
             GRANT UPDATE (name) ON pm_dam_names TO app WITH GRANT OPTION; \
             GRANT DELETE ON pm_website_bundle TO app WITH GRANT OPTION; \
             GRANT USAGE ON SEQUENCE pm_website_names_id_seq TO app WITH GRANT OPTION",
        )
        .unwrap();
    house
}

fn acting_as(house: &mut House, user: &'static str) {
    let connect = house.cluster.connect("author", user);
    house.settle = Box::new(move |_, database| database.connect.clone_from(&connect));
}

fn owners_and_rights(house: &House) -> Vec<(String, String, String)> {
    house
        .client("author")
        .query(
            "SELECT c.relname::text, c.relowner::regrole::text, \
             coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(c.relacl) a), '') || \
             coalesce((SELECT string_agg(' ' || k.attname || ':' || a::text, '' ORDER BY k.attname, a::text) \
                       FROM pg_attribute k, unnest(k.attacl) a WHERE k.attrelid = c.oid), '') \
             FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'S') ORDER BY 1",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect()
}

#[test]
fn who_may_only_read_can_back_up_and_is_told_what_a_restore_needs() {
    let mut house = house();
    acting_as(&mut house, "reader");
    let engine = house.engine();
    let original = house.rows("author", "public");
    let backup = back_up(&engine);
    house
        .client("author")
        .batch_execute("TRUNCATE pm_dam_bundle")
        .unwrap();
    let plan = plan(&engine, &backup.0, &[]);
    let obstacles = plan.obstacles.join("\n");
    assert!(
        obstacles.contains("GRANT \"magnolia\" TO \"reader\""),
        "{obstacles}"
    );
    assert!(
        obstacles.contains("GRANT CREATE ON DATABASE \"author\" TO \"reader\""),
        "{obstacles}"
    );
    house.pass(chrono::Duration::minutes(1));
    let refused = start_restore(&engine, &plan.id, "acme/live");
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("GRANT"), "{why}");
    assert_eq!(house.left("author"), Vec::<String>::new());
    assert_ne!(house.rows("author", "public"), original);

    // Whoever wants backups alone says so: nothing is missed then, and nothing is restored.
    let checks = |engine: &Engine| check(engine, None).unwrap();
    assert!(!checks(&engine).works(), "rights to restore are missing");
    let connect = house.cluster.connect("author", "reader");
    house.settle = Box::new(move |_, database| {
        database.connect.clone_from(&connect);
        database.backups_only = true;
    });
    let declared = house.engine();
    assert!(checks(&declared).works(), "{:#?}", checks(&declared));
    let refused = crate::house::plan(&declared, &backup.0, &[]).obstacles.join("\n");
    assert!(refused.contains("backups_only is set for author"), "{refused}");
    drop(declared);
    acting_as(&mut house, "reader");
    let engine = house.engine();

    // What it says to type is enough.
    house
        .client("author")
        .batch_execute("GRANT magnolia TO reader; GRANT CREATE ON DATABASE author TO reader")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    assert_eq!(house.rows("author", "public"), original);
}

#[test]
fn tables_and_sequences_belong_to_whom_they_did_and_others_may_what_they_might() {
    let mut house = house();
    house
        .client("author")
        .batch_execute("GRANT magnolia TO operator; GRANT CREATE ON DATABASE author TO operator")
        .unwrap();
    let before = owners_and_rights(&house);
    acting_as(&mut house, "reader");
    let backup = back_up(&house.engine());
    acting_as(&mut house, "operator");
    house
        .client("author")
        .batch_execute("DELETE FROM pm_website_bundle WHERE node_id_hi > 10")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&house.engine(), &backup.0, &[]);
    assert_eq!(owners_and_rights(&house), before);

    // Magnolia goes on writing, and the next backup needs no more rights than the one before.
    let mut app =
        postgres::Client::connect(&house.cluster.connect("author", "app"), postgres::NoTls).unwrap();
    app.batch_execute("INSERT INTO pm_website_names (name) VALUES ('new')")
        .unwrap();
    acting_as(&mut house, "reader");
    house.pass(chrono::Duration::minutes(1));
    back_up(&house.engine());
}

#[test]
fn a_right_that_is_missing_fails_the_backup_with_its_name() {
    let mut house = house();
    acting_as(&mut house, "reader");
    house
        .client("author")
        .batch_execute("REVOKE SELECT ON pm_dam_bundle FROM reader")
        .unwrap();
    let engine = house.engine();
    let job = crate::house::start_backup(&engine);
    let why = failed(&engine, job);
    assert!(why.contains("pm_dam_bundle") && why.contains("right"), "{why}");
    assert!(crate::house::backups(&engine).is_empty());
    let refused = engine
        .live(&House::live())
        .unwrap()
        .start_undo("acme/live")
        .unwrap_err();
    assert!(
        matches!(refused, EngineError::Refused(Refusal::NothingToUndo { .. })),
        "{refused}"
    );
}

#[test]
fn tables_of_several_owners_are_in_the_way_of_a_restore_before_it_begins() {
    let mut house = house();
    house
        .client("author")
        .batch_execute("ALTER TABLE pm_dam_bundle OWNER TO app")
        .unwrap();
    acting_as(&mut house, "reader");
    let engine = house.engine();
    let backup = back_up(&engine);
    let plan = plan(&engine, &backup.0, &[]);
    let obstacles = plan.obstacles.join("\n");
    assert!(
        obstacles.contains("several roles (app, magnolia)") && obstacles.contains("OWNER TO"),
        "{obstacles}"
    );
    let refused = start_restore(&engine, &plan.id, "acme/live");
    assert!(refused.unwrap_err().to_string().contains("several roles"));
    assert_eq!(house.left("author"), Vec::<String>::new());
}

#[test]
fn default_privileges_widen_nothing_that_a_restore_makes() {
    let mut house = house();
    house
        .client("author")
        .batch_execute("GRANT magnolia TO operator; GRANT CREATE ON DATABASE author TO operator")
        .unwrap();
    acting_as(&mut house, "operator");
    let before = owners_and_rights(&house);
    let engine = house.engine();
    let backup = back_up(&engine);
    house
        .client("author")
        .batch_execute(
            "ALTER DEFAULT PRIVILEGES FOR ROLE magnolia GRANT ALL ON TABLES TO PUBLIC, reader; \
             ALTER DEFAULT PRIVILEGES FOR ROLE magnolia GRANT ALL ON SEQUENCES TO PUBLIC, app; \
             ALTER DEFAULT PRIVILEGES FOR ROLE magnolia REVOKE INSERT ON TABLES FROM magnolia; \
             ALTER DEFAULT PRIVILEGES FOR ROLE magnolia REVOKE UPDATE ON SEQUENCES FROM magnolia; \
             ALTER DEFAULT PRIVILEGES FOR ROLE operator GRANT ALL ON SCHEMAS TO PUBLIC; \
             DELETE FROM pm_website_bundle WHERE node_id_hi > 10; DROP TABLE pm_dam_names",
        )
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    assert_eq!(owners_and_rights(&house), before);
    let open: i64 = house
        .client("author")
        .query_one(
            "SELECT count(*) FROM pg_namespace n, aclexplode(n.nspacl) a \
             WHERE starts_with(n.nspname, 'lifeboat_') AND a.grantee = 0",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(open, 0);
}

#[test]
fn what_does_not_belong_to_the_owner_or_to_the_tables_alone_is_in_the_way_before_anything_is_stopped() {
    let mut house = house();
    let mut client = house.client("author");
    client
        .batch_execute(
            "GRANT magnolia TO operator; GRANT CREATE ON DATABASE author TO operator; \
             CREATE STATISTICS halves ON node_id_hi, node_id_lo FROM pm_website_bundle; \
             CREATE SEQUENCE numbers START WITH 50; GRANT USAGE ON SEQUENCE numbers TO magnolia, app; \
             ALTER TABLE pm_website_names ALTER COLUMN id SET DEFAULT nextval('numbers'); \
             CREATE TABLE tickets (id integer DEFAULT nextval('pm_dam_names_id_seq'))",
        )
        .unwrap();
    acting_as(&mut house, "operator");
    let engine = house.engine();
    let backup = back_up(&engine);
    let report = lifeboat::engine::check(&engine, Some(&House::live())).unwrap();
    let found: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.verdict == lifeboat::domain::check::Verdict::Failed)
        .map(|finding| finding.detail.clone())
        .collect();
    let planned = plan(&engine, &backup.0, &[]);
    for told in [found.join("\n"), planned.obstacles.join("\n")] {
        for part in [
            "ALTER STATISTICS \"public\".\"halves\" OWNER TO \"magnolia\"",
            "ALTER SEQUENCE \"public\".\"numbers\" OWNER TO \"magnolia\"",
            "the sequence pm_dam_names_id_seq goes with the table pm_dam_names",
            "column id of table tickets",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
    assert!(start_restore(&engine, &planned.id, "acme/live").is_err());
    // Other workspaces have nothing to do with it.
    assert_eq!(
        plan(&engine, &backup.0, &["config"]).obstacles,
        Vec::<String>::new()
    );

    client
        .batch_execute(
            "ALTER STATISTICS halves OWNER TO magnolia; ALTER SEQUENCE numbers OWNER TO magnolia; \
             CREATE SEQUENCE of_tickets; ALTER TABLE tickets ALTER COLUMN id SET DEFAULT nextval('of_tickets')",
        )
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    let confirm = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    done(&engine, confirm);
    assert_eq!(house.left("author"), Vec::<String>::new());
}

#[test]
fn what_an_owner_may_not_do_itself_and_comments_on_sequences_come_back() {
    let mut house = house();
    let mut client = house.client("author");
    client
        .batch_execute(
            "GRANT magnolia TO operator; GRANT CREATE ON DATABASE author TO operator; \
             REVOKE UPDATE, TRUNCATE ON pm_website_names FROM magnolia; \
             COMMENT ON SEQUENCE pm_website_names_id_seq IS 'counts names'",
        )
        .unwrap();
    acting_as(&mut house, "operator");
    let before = owners_and_rights(&house);
    let engine = house.engine();
    let backup = back_up(&engine);
    client
        .batch_execute("DELETE FROM pm_website_bundle WHERE node_id_hi > 10")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    assert_eq!(owners_and_rights(&house), before);
    let comment: Option<String> = client
        .query_one(
            "SELECT obj_description('pm_website_names_id_seq'::regclass, 'pg_class')",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(comment.as_deref(), Some("counts names"));
}

#[test]
fn a_default_tablespace_of_lifeboats_role_is_no_matter() {
    let mut house = house();
    let shelf = house.cluster.socket().join("shelf");
    std::fs::create_dir(&shelf).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(house.cluster.data()).unwrap());
    std::os::unix::fs::chown(&shelf, Some(owner), None).unwrap();
    let mut client = house.client("author");
    client
        .batch_execute(&format!("CREATE TABLESPACE shelf LOCATION '{}'", shelf.display()))
        .unwrap();
    client
        .batch_execute(
            "GRANT magnolia TO operator; GRANT CREATE ON DATABASE author TO operator; \
             ALTER ROLE operator SET default_tablespace = shelf",
        )
        .unwrap();
    acting_as(&mut house, "operator");
    let engine = house.engine();
    let original = house.rows("author", "public");
    let backup = back_up(&engine);
    client.batch_execute("TRUNCATE pm_dam_bundle").unwrap();
    assert_eq!(plan(&engine, &backup.0, &[]).obstacles, Vec::<String>::new());
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    assert_eq!(house.rows("author", "public"), original);
}
