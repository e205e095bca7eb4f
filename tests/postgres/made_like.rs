//! Tables that are made like Jackrabbit's and are none that Lifeboat would read: no backup leaves them out in silence.

use lifeboat::domain::check::Verdict;
use lifeboat::domain::plan::WorkspaceChange;
use lifeboat::domain::settings::Prefixes;
use lifeboat::engine::Engine;

use crate::house::{
    House, back_up, backups, done, failed, fill, log, make_workspace, plan, restore, start_backup, undo,
};

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
            told.contains("the table other_stock_bundle is made like")
                && told.contains("workspace_prefix = [\"pm_\", \"other_\"]")
                && told.contains("leave_alone = [\"other_\"]"),
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

#[test]
fn nodes_under_another_prefix_are_warned_of_with_the_setting_to_write() {
    let mut house = House::new();
    house
        .client("author")
        .batch_execute("CREATE TABLE stock_main_bundle (node_id bytea PRIMARY KEY, bundle_data bytea)")
        .unwrap();
    let engine = house.engine();
    let warned = |engine: &Engine| -> Vec<String> {
        let report = lifeboat::engine::check(engine, Some(&House::live())).unwrap();
        let findings = report.findings.into_iter();
        findings
            .filter(|finding| finding.verdict == Verdict::Warning && finding.about == "left out")
            .map(|finding| finding.detail)
            .collect()
    };
    let job = start_backup(&engine);
    done(&engine, job);
    let backup = backups(&engine).remove(0).id.0;
    for told in [
        warned(&engine),
        log(&engine, job),
        plan(&engine, &backup, &[]).warnings,
    ] {
        assert!(
            told.iter()
                .any(|told| told.contains("the table stock_main_bundle")
                    && told.contains("workspace_prefix = [\"pm_\", \"stock_\"]")
                    && told.contains("leave_alone = [\"stock_\"]")),
            "{told:#?}"
        );
    }
    house.settle = Box::new(|_, database| database.leave_alone = vec!["stock_".to_owned()]);
    assert_eq!(warned(&house.engine()), Vec::<String>::new());
}

#[test]
fn several_repositories_in_one_schema_are_backed_up_and_come_back() {
    let mut house = House::new();
    let mut client = house.client("author");
    for prefix in ["pm_default_", "data_default_", "data_stock_", "data_version_"] {
        make_workspace(&mut client, "public", prefix);
        fill(&mut client, &format!("{prefix}bundle"), 30, prefix);
    }
    house.settle = Box::new(|_, database| {
        database.workspace_prefix = Prefixes::several(&["pm_", "data_"]);
        database.version_prefix = Prefixes::several(&["version_", "data_version_"]);
    });
    let engine = house.engine();
    let good = house.rows("author", "public");
    let backup = back_up(&engine).0;
    let copy = backups(&engine).remove(0).manifest.instances.remove(0);
    let names: Vec<_> = copy.workspaces.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(
        names[names.len() - 6..],
        ["config", "dam", "data_default", "default", "stock", "website"]
    );
    client
        .batch_execute(
            "DELETE FROM data_default_bundle; DELETE FROM data_version_bundle WHERE node_id_hi < 9; \
             DROP TABLE data_stock_refs; TRUNCATE pm_default_names",
        )
        .unwrap();
    client
        .batch_execute("CREATE TABLE data_stock_refs (LIKE pm_default_refs INCLUDING ALL)")
        .unwrap();
    let bad = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    let chosen = plan(&engine, &backup, &["stock"]).obstacles;
    assert!(
        chosen.iter().any(|why| why.contains("2 version storages")),
        "{chosen:?}"
    );
    restore(&engine, &backup, &[]);
    assert_eq!(house.rows("author", "public"), good);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.rows("author", "public"), bad);
}

#[test]
fn how_large_the_journal_of_a_cluster_is_is_told_with_what_keeps_it_small() {
    let house = House::new();
    house
        .client("author")
        .batch_execute(
            "CREATE TABLE journal_journal (revision_id bigint NOT NULL, journal_id varchar(255), producer_id varchar(255), \
             revision_data bytea); INSERT INTO journal_journal SELECT n, 'x', 'y', 'z' FROM generate_series(1, 1234) n",
        )
        .unwrap();
    let report = lifeboat::engine::check(&house.engine(), Some(&House::live())).unwrap();
    let mut findings = report.findings.into_iter();
    let found = findings
        .find(|finding| finding.about == "cluster journal")
        .unwrap()
        .detail;
    assert!(
        found.starts_with("journal_journal: 1,234 records, ") && found.contains("janitorEnabled"),
        "{found}"
    );
}
