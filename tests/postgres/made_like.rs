//! Tables that are made like Jackrabbit's and are none that Lifeboat would read: no backup leaves them out in silence.

use lifeboat::domain::check::Verdict;
use lifeboat::domain::plan::WorkspaceChange;
use lifeboat::engine::Engine;

use crate::house::{House, back_up, failed, plan, start_backup};

/// What a check says is wrong.
fn wrong(engine: &Engine) -> String {
    let report = lifeboat::engine::check(engine, Some(&House::live())).unwrap();
    let failed = report
        .findings
        .into_iter()
        .filter(|finding| finding.verdict == Verdict::Failed);
    failed
        .map(|finding| finding.detail)
        .collect::<Vec<_>>()
        .join("\n")
}

/// What a backup and a check say of a database in which that was done.
fn told_after(house: &House, statements: &str) -> [String; 2] {
    house.client("author").batch_execute(statements).unwrap();
    let engine = house.engine();
    let job = start_backup(&engine);
    [failed(&engine, job), wrong(&engine)]
}

#[test]
fn binaries_that_are_large_objects_fail_the_backup_and_what_it_says_to_type_is_enough() {
    let house = House::new();
    let told = told_after(
        &house,
        "INSERT INTO pm_dam_binval VALUES ('one', 'content'); \
         ALTER TABLE pm_dam_binval ALTER COLUMN binval_data TYPE oid USING lo_from_bytea(0, binval_data)",
    );
    for told in &told {
        assert!(
            told.contains("the column binval_data of the table pm_dam_binval only has the numbers"),
            "{told}"
        );
    }
    let statement = told[0].split('`').nth(1).unwrap();
    house.client("author").batch_execute(statement).unwrap();
    let engine = house.engine();
    assert_eq!(wrong(&engine), "");
    back_up(&engine);
}

#[test]
fn tables_of_jackrabbits_columns_under_another_name_fail_the_backup_unless_they_are_somebody_elses() {
    let mut house = House::new();
    let told = told_after(
        &house,
        "CREATE TABLE other_stock_bundle (LIKE pm_dam_bundle INCLUDING ALL); \
         CREATE TABLE other_stock_names (id serial PRIMARY KEY, name text); \
         CREATE TABLE pm_big_bundle (node_id bytea PRIMARY KEY, bundle_data bytea); \
         CREATE TABLE pm_customer_names (customer text)",
    );
    for told in &told {
        assert!(
            told.contains("the table other_stock_bundle is made like"),
            "{told}"
        );
        assert!(told.contains("the table pm_big_bundle is named like"), "{told}");
        assert!(
            !told.contains("other_stock_names") && !told.contains("pm_customer_names"),
            "{told}"
        );
    }
    house.settle = Box::new(|_, database| {
        database.leave_alone = vec!["OTHER_".to_owned(), "pm_big_bundle".to_owned()];
    });
    let engine = house.engine();
    assert_eq!(wrong(&engine), "");
    back_up(&engine);
}

#[test]
fn a_plan_names_every_table_that_is_not_what_it_was() {
    let house = House::new();
    let mut client = house.client("author");
    client
        .batch_execute("INSERT INTO pm_dam_binval VALUES ('one', 'content'), ('two', 'content')")
        .unwrap();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    assert!(
        plan(&engine, &backup, &[])
            .changes
            .iter()
            .all(WorkspaceChange::is_unchanged)
    );
    client
        .batch_execute(
            "DELETE FROM pm_dam_binval WHERE binval_id = 'one'; TRUNCATE pm_website_names; \
             UPDATE version_names SET name = 'another' WHERE id = 1; \
             INSERT INTO pm_config_refs VALUES (1, 1, 'later')",
        )
        .unwrap();
    let changes = plan(&engine, &backup, &[]).changes;
    let of = |workspace: &str| {
        let change = changes
            .iter()
            .find(|change| change.workspace == workspace)
            .unwrap();
        let numbers = (change.added, change.changed, change.removed);
        (numbers, change.unchanged, change.examples.join(" "))
    };
    assert_eq!(of("dam"), ((1, 0, 0), 300, "the table pm_dam_binval".to_owned()));
    assert_eq!(
        of("website"),
        ((2, 0, 0), 300, "the table pm_website_names".to_owned())
    );
    assert_eq!(
        of("config"),
        ((0, 0, 1), 300, "the table pm_config_refs".to_owned())
    );
    let versions = lifeboat::domain::environment::VERSIONS;
    assert_eq!(
        of(versions),
        ((0, 1, 0), 50, "the table version_names".to_owned())
    );
}
