//! Tables that an administrator has touched: what is set on them comes back with their rows, or the plan names it before
//! anything; and what stands in a backup is run as nothing but what it says it is.

use lifeboat::engine::{Engine, start_restore};

use crate::house::{House, back_up, done, failed, plan, restore, undo, warned};

/// Everything that can be set on a table or its columns and that Jackrabbit does not set, and some ways to count.
pub const TOUCH: &str = r#"
CREATE TABLESPACE shelf LOCATION '{shelf}';
CREATE FUNCTION public.text_order(text, text) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT bttextcmp($1, $2)';
CREATE OPERATOR CLASS public.plain_ops FOR TYPE text USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 public.text_order(text, text);
ALTER TABLE pm_website_bundle SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_enabled = false);
ALTER TABLE pm_website_bundle ADD COLUMN bytes integer GENERATED ALWAYS AS (octet_length(bundle_data)) STORED;
ALTER TABLE pm_website_bundle ADD COLUMN seen timestamp with time zone DEFAULT now();
ALTER TABLE pm_website_bundle ADD CONSTRAINT some_bytes CHECK (octet_length(bundle_data) > 0);
ALTER TABLE pm_website_bundle ALTER COLUMN bundle_data SET STATISTICS 500;
ALTER TABLE pm_website_bundle ALTER COLUMN node_id_hi SET (n_distinct = 300);
ALTER TABLE pm_website_bundle ALTER COLUMN bundle_data SET COMPRESSION pglz;
ALTER TABLE pm_website_bundle REPLICA IDENTITY FULL;
ALTER TABLE pm_website_bundle CLUSTER ON pm_website_bundle_pkey;
ALTER INDEX pm_website_bundle_pkey SET (fillfactor = 80);
ALTER INDEX pm_website_bundle_pkey SET TABLESPACE shelf;
ALTER TABLE pm_dam_refs SET TABLESPACE shelf;
CREATE INDEX big_ones ON pm_website_bundle USING btree (octet_length(bundle_data) DESC) INCLUDE (node_id_lo)
    WITH (fillfactor = 60) TABLESPACE shelf WHERE (node_id_hi > 10);
COMMENT ON TABLE pm_website_bundle IS 'ticket 4711; it''s "kept"';
COMMENT ON COLUMN pm_website_bundle.bundle_data IS 'nodes';
COMMENT ON INDEX big_ones IS 'for reports';
ALTER INDEX big_ones ALTER COLUMN 1 SET STATISTICS 700;
COMMENT ON CONSTRAINT some_bytes ON pm_website_bundle IS 'rule';
ALTER TABLE pm_website_names ALTER COLUMN name TYPE varchar(255) COLLATE "POSIX";
CREATE INDEX names_search ON pm_website_names USING btree ((name::text) plain_ops);
ALTER SEQUENCE pm_website_names_id_seq OWNED BY NONE;
ALTER SEQUENCE pm_website_names_id_seq INCREMENT BY 3 CACHE 5;
ALTER TABLE pm_dam_names ALTER COLUMN id DROP DEFAULT;
DROP SEQUENCE pm_dam_names_id_seq;
ALTER TABLE pm_dam_names ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (START WITH 100);
ALTER TABLE pm_website_refs ENABLE ROW LEVEL SECURITY;
ALTER TABLE pm_website_refs FORCE ROW LEVEL SECURITY;
CREATE POLICY everybody ON pm_website_refs AS RESTRICTIVE FOR UPDATE TO postgres USING (true) WITH CHECK (node_id_hi >= 0);
ALTER TABLE version_refs SET UNLOGGED;
COMMENT ON POLICY everybody ON pm_website_refs IS 'who may';
CREATE STATISTICS both_halves (ndistinct, mcv) ON node_id_hi, node_id_lo FROM pm_website_bundle;
ALTER STATISTICS both_halves SET STATISTICS 55;
COMMENT ON STATISTICS both_halves IS 'for joins';
ALTER TABLE pm_website_refs ADD CONSTRAINT of_a_node FOREIGN KEY (node_id_hi, node_id_lo) REFERENCES pm_website_bundle
    ON DELETE CASCADE DEFERRABLE;
"#;

/// The same, as the server tells it afterwards.
const LOOK: &str = r"
SELECT string_agg(line, E'\n' ORDER BY line) FROM (
SELECT concat_ws(' ', c.relname, c.relkind, c.relpersistence, c.reloptions, c.relreplident, c.relrowsecurity,
    c.relforcerowsecurity, t.reloptions, s.spcname, obj_description(c.oid, 'pg_class')) AS line
FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i', 'S')
UNION ALL SELECT concat_ws(' ', c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attstattarget, a.attcompression, a.attoptions,
    a.attstorage, o.collname, col_description(c.oid, a.attnum))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_collation o ON o.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT concat_ws(' ', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid),
    obj_description(k.oid, 'pg_constraint')) FROM pg_constraint k WHERE k.connamespace = 'public'::regnamespace
UNION ALL SELECT concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisclustered) FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT p::text FROM pg_policies p WHERE p.schemaname = 'public'
UNION ALL SELECT concat_ws(' ', p.polname, obj_description(p.oid, 'pg_policy')) FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = 'public'::regnamespace
UNION ALL SELECT concat_ws(' ', a.attrelid::regclass, a.attnum, a.attstattarget) FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'i'
UNION ALL SELECT concat_ws(' ', pg_get_statisticsobjdef(s.oid), s.stxstattarget, obj_description(s.oid, 'pg_statistic_ext'))
FROM pg_statistic_ext s WHERE s.stxnamespace = 'public'::regnamespace
UNION ALL SELECT concat_ws(' ', sequencename, data_type, start_value, min_value, max_value, increment_by, cycle, cache_size)
FROM pg_sequences WHERE schemaname = 'public') AS lines
";

pub fn look(house: &House, database: &str) -> String {
    house.client(database).query_one(LOOK, &[]).unwrap().get(0)
}

pub fn touched() -> House {
    let house = House::new();
    let shelf = house.cluster.socket().join("shelf");
    std::fs::create_dir(&shelf).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(house.cluster.data()).unwrap());
    std::os::unix::fs::chown(&shelf, Some(owner), None).unwrap();
    let touch = TOUCH.replace("{shelf}", &shelf.display().to_string());
    let mut client = house.client("author");
    for statement in touch.split(";\n") {
        client.batch_execute(statement).unwrap();
    }
    house
}

fn add_names(house: &House) -> Vec<i32> {
    let mut client = house.client("author");
    [
        "pm_config_names",
        "pm_dam_names",
        "pm_website_names",
        "version_names",
    ]
    .map(|table| {
        client
            .query_one(
                &format!("INSERT INTO {table} (name) VALUES ('a new name') RETURNING id"),
                &[],
            )
            .unwrap()
            .get(0)
    })
    .to_vec()
}

fn drill(engine: &Engine) {
    let job = engine.live(&House::live()).unwrap().start_drill(None).unwrap();
    done(engine, job);
}

#[test]
fn what_is_set_on_tables_comes_back_with_their_rows() {
    let house = touched();
    let engine = house.engine();
    let (set, rows) = (look(&house, "author"), house.rows("author", "public"));
    let backup = back_up(&engine).0;
    drill(&engine);
    let unchanged = plan(&engine, &backup, &[]);
    assert_eq!(unchanged.obstacles, Vec::<String>::new());
    // The rows are made up, and are no nodes: the drill has told so.
    let mut warnings = warned(unchanged);
    warnings.retain(|warning| !warning.starts_with("the content of the backup has"));
    assert_eq!(warnings, Vec::<String>::new());

    // All that was set is gone, and something new is there.
    let mut client = house.client("author");
    client
        .batch_execute(
            "ALTER TABLE pm_website_refs DROP CONSTRAINT of_a_node, DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY; \
             DROP POLICY everybody ON pm_website_refs; DROP STATISTICS both_halves; DROP INDEX big_ones, names_search; \
             ALTER TABLE pm_website_bundle DROP COLUMN bytes, DROP COLUMN seen, RESET (fillfactor), REPLICA IDENTITY NOTHING; \
             CREATE INDEX later ON pm_dam_bundle (node_id_lo); UPDATE pm_website_bundle SET bundle_data = 'x'",
        )
        .unwrap();
    let (stripped, later) = (look(&house, "author"), house.rows("author", "public"));
    let planned = plan(&engine, &backup, &[]);
    assert_eq!(planned.obstacles, Vec::<String>::new());
    let warnings = planned.warnings.join("\n");
    assert!(
        warnings.contains("pm_dam_bundle was changed since") && warnings.contains("INDEX later"),
        "{warnings}"
    );
    assert!(
        warnings.contains("the table pm_website_bundle was changed since"),
        "{warnings}"
    );

    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(look(&house, "author"), set);
    assert_eq!(house.rows("author", "public"), rows);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(look(&house, "author"), stripped);
    assert_eq!(house.rows("author", "public"), later);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(look(&house, "author"), set);
    assert_eq!(house.rows("author", "public"), rows);
    // What the sequences give comes behind what is there, and nothing was taken on the way.
    assert_eq!(add_names(&house), [3, 100, 5, 3]);
    house.pass(chrono::Duration::minutes(1));
    let confirmed = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    done(&engine, confirmed);
    assert_eq!(house.left("author"), Vec::<String>::new());
    assert_eq!(look(&house, "author"), set);
}

#[test]
fn what_cannot_come_back_is_named_before_anything() {
    let house = touched();
    let mut client = house.client("author");
    client
        .batch_execute(
            "CREATE DOMAIN public.title AS varchar(255); ALTER TABLE pm_config_names ALTER COLUMN name TYPE title",
        )
        .unwrap();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    client
        .batch_execute("DROP INDEX names_search; DROP OPERATOR FAMILY public.plain_ops USING btree; UPDATE pm_website_bundle SET bundle_data = 'x'")
        .unwrap();
    let planned = plan(&engine, &backup, &[]);
    assert_eq!(planned.obstacles, Vec::<String>::new());
    let named = "the index names_search of the table pm_website_names does not come back: operator class \"plain_ops\" does";
    assert!(
        planned.warnings.iter().any(|warning| warning.starts_with(named)),
        "{:?}",
        planned.warnings
    );
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    let is_there: bool = client
        .query_one("SELECT to_regclass('public.names_search') IS NOT NULL", &[])
        .unwrap()
        .get(0);
    assert!(!is_there);

    // A table can do without an index, and not without its columns.
    let live = house.rows("author", "public");
    client
        .batch_execute(
            "DROP SCHEMA IF EXISTS nothing; ALTER TABLE pm_config_names ALTER COLUMN name TYPE varchar(255)",
        )
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    let confirmed = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    done(&engine, confirmed);
    client.batch_execute("DROP DOMAIN public.title").unwrap();
    house.pass(chrono::Duration::minutes(1));
    let planned = plan(&engine, &backup, &[]);
    let obstacles = planned.obstacles.join("\n");
    assert!(
        obstacles.contains("the table pm_config_names cannot be made") && obstacles.contains("title"),
        "{obstacles}"
    );
    let refused = start_restore(&engine, &planned.id, "acme/live").unwrap_err();
    assert!(refused.to_string().contains("pm_config_names"), "{refused}");
    assert_eq!(house.rows("author", "public"), live);
}

#[test]
fn a_function_that_may_do_anything_is_not_called_by_what_a_backup_says() {
    let house = House::new();
    let mut client = house.client("author");
    client
        .batch_execute(
            "CREATE TABLE called (at timestamptz); \
             CREATE FUNCTION tell(bytea) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO called VALUES (now()); RETURN true; END $$; \
             ALTER TABLE pm_website_bundle ADD CONSTRAINT told CHECK (tell(bundle_data))",
        )
        .unwrap();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    // As if somebody had written it into the backup: Live knows nothing of the kind.
    client
        .batch_execute("ALTER TABLE pm_website_bundle DROP CONSTRAINT told; DELETE FROM called")
        .unwrap();
    let planned = plan(&engine, &backup, &[]);
    let named =
        "the constraint told of the table pm_website_bundle does not come back: it calls the function tell";
    assert!(
        planned.warnings.iter().any(|warning| warning.starts_with(named)),
        "{:?}",
        planned.warnings
    );
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    let calls = |client: &mut postgres::Client| -> i64 {
        client
            .query_one("SELECT count(*) FROM called", &[])
            .unwrap()
            .get(0)
    };
    assert_eq!(calls(&mut client), 0);

    // What Live has as well, it does anyway.
    client
        .batch_execute("ALTER TABLE pm_website_bundle ADD CONSTRAINT told CHECK (tell(bundle_data))")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert!(calls(&mut client) > 0);
    client
        .batch_execute("ALTER TABLE pm_website_bundle DROP CONSTRAINT told")
        .unwrap();
}

#[test]
fn a_name_that_cannot_be_added_fails_the_drill() {
    let house = House::new();
    house
        .client("author")
        .batch_execute(
            "ALTER TABLE pm_dam_names ALTER COLUMN id DROP DEFAULT; DROP SEQUENCE pm_dam_names_id_seq",
        )
        .unwrap();
    let engine = house.engine();
    back_up(&engine);
    let job = engine.live(&House::live()).unwrap().start_drill(None).unwrap();
    let why = failed(&engine, job);
    assert!(
        why.contains("nothing can be added to the table pm_dam_names") && why.contains("\"id\""),
        "{why}"
    );
}

#[test]
fn texts_that_are_no_text_come_back_as_they_were() {
    let mut house = House::new();
    house
        .client("postgres")
        .batch_execute("CREATE DATABASE old ENCODING 'SQL_ASCII' TEMPLATE template0")
        .unwrap();
    let mut client = house.client("old");
    crate::house::make_workspace(&mut client, "public", "pm_website_");
    client
        .batch_execute("INSERT INTO pm_website_names (name) VALUES (E'gr\\374n')")
        .unwrap();
    let connect = house.cluster.connect("old", "postgres");
    house.settle = Box::new(move |_, database| database.connect.clone_from(&connect));
    let engine = house.engine();
    let rows = house.rows("old", "public");
    let backup = back_up(&engine).0;
    drill(&engine);
    client.batch_execute("DELETE FROM pm_website_names").unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(house.rows("old", "public"), rows);
}
