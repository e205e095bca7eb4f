//! What somebody has hung on tables that a restore replaces: the plan names it, and it keeps the replaced ones until it is gone.

use crate::house::{House, back_up, done, failed, plan, restore};

#[test]
fn what_uses_the_rows_of_a_table_is_named_and_keeps_the_replaced_ones_until_it_is_gone() {
    let house = House::new();
    let mut client = house.client("author");
    client
        .batch_execute(
            "CREATE TABLE kept (r pm_website_bundle); \
             CREATE FUNCTION called(pm_website_names) RETURNS text LANGUAGE sql AS 'SELECT $1.name'; \
             CREATE FUNCTION many() RETURNS SETOF pm_dam_names LANGUAGE sql BEGIN ATOMIC SELECT * FROM pm_dam_names; END; \
             CREATE TYPE of_refs AS (node_id_hi bigint, node_id_lo bigint, refs_data bytea); DROP TABLE pm_website_refs; \
             CREATE TABLE pm_website_refs OF of_refs (PRIMARY KEY (node_id_hi, node_id_lo))",
        )
        .unwrap();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let warnings = plan(&engine, &backup, &[]).warnings.join("\n");
    for named in [
        "the column r of table kept uses the rows of the table pm_website_bundle",
        "the function called(pm_website_names) uses the rows of the table pm_website_names",
        "the function many() uses the rows of the table pm_dam_names",
        "the table pm_website_refs is one of the type of_refs (OF), and comes back as a plain one",
    ] {
        assert!(warnings.contains(named), "{named}: {warnings}");
    }
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    let confirm = || engine.live(&House::live()).unwrap().start_confirm().unwrap();
    let why = failed(&engine, confirm());
    assert!(
        why.contains("function called(")
            && why.contains("make each of these anew with the table of that name"),
        "{why}"
    );
    client
        .batch_execute("DROP TABLE kept; DROP FUNCTION called; DROP FUNCTION many")
        .unwrap();
    done(&engine, confirm());
    assert_eq!(house.left("author"), Vec::<String>::new());
}
