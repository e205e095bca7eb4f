//! Live with the same rows and other tables: a restore has something to do, the plan says what, and afterwards Jackrabbit can
//! save again.

use lifeboat::domain::plan::{RestorePlan, WorkspaceChange};
use lifeboat::domain::request::RestoreRequest;
use lifeboat::engine::{Engine, start_restore};
use lifeboat::watch::Unwatched;

use crate::administered::look;
use crate::house::{House, back_up, done, request, restore, undo};

/// A plan that ends at once where there is nothing to do.
pub fn planned(engine: &Engine, backup: &str, workspaces: &[&str]) -> RestorePlan {
    let request = RestoreRequest {
        even_if_unchanged: false,
        ..request(backup, workspaces)
    };
    let live = engine.live(&House::live()).unwrap();
    live.plan_restore(&request, &Unwatched).unwrap()
}

/// What somebody does to Live, and what the plan says of it.
const BREAKS: [(&str, &str); 12] = [
    (
        "DROP TABLE pm_website_refs",
        "the table pm_website_refs is missing in the database of author, and comes back",
    ),
    (
        "DROP TABLE pm_website_binval, version_binval",
        "the tables pm_website_binval and version_binval are missing",
    ),
    (
        "DROP INDEX pm_website_binval_idx",
        "pm_website_binval was changed since the backup was taken, and comes back as it was then: the index pm_website_binval_idx is missing",
    ),
    (
        "ALTER TABLE pm_website_bundle DROP CONSTRAINT pm_website_bundle_pkey",
        "the constraint pm_website_bundle_pkey is missing",
    ),
    (
        "ALTER TABLE pm_website_names ALTER id DROP DEFAULT",
        "the default of the column id is missing",
    ),
    (
        "DROP SEQUENCE pm_website_names_id_seq CASCADE",
        "the sequence pm_website_names_id_seq is missing",
    ),
    (
        "SELECT setval('pm_website_names_id_seq', 1, false)",
        "the sequence pm_website_names_id_seq of the table pm_website_names would give 1 next, and comes back at 3",
    ),
    (
        "ALTER TABLE pm_website_refs ALTER refs_data DROP NOT NULL",
        "NOT NULL of the column refs_data is missing",
    ),
    (
        "ALTER TABLE pm_website_binval ALTER binval_id TYPE text",
        "the column binval_id is another one",
    ),
    (
        "ALTER TABLE pm_website_bundle SET UNLOGGED",
        "that its rows are lost in a crash (UNLOGGED) was added",
    ),
    (
        "CREATE TABLE pm_later_refs (LIKE pm_website_refs INCLUDING ALL); CREATE TABLE pm_later_bundle (LIKE pm_website_bundle \
         INCLUDING ALL)",
        "pm_later_bundle and pm_later_refs are in the database of author and not in the backup",
    ),
    (
        "ALTER SEQUENCE pm_website_names_id_seq INCREMENT 5",
        "the sequence pm_website_names_id_seq is another one",
    ),
];

#[test]
fn what_tables_are_made_of_is_put_right_though_no_row_differs() {
    let house = House::new();
    let engine = house.engine();
    let good = look(&house, "author");
    let backup = back_up(&engine).0;
    let same = planned(&engine, &backup, &[]);
    assert!(same.changes_nothing, "{:#?}", same.warnings);
    for (does, says) in BREAKS {
        house.client("author").batch_execute(does).unwrap();
        let broken = planned(&engine, &backup, &[]);
        assert!(!broken.changes_nothing, "{does}");
        assert!(
            broken.warnings.iter().any(|told| told.contains(says)),
            "{does}: {:#?}",
            broken.warnings
        );
        assert_eq!(broken.obstacles, Vec::<String>::new(), "{does}");
        house.pass(chrono::Duration::minutes(1));
        let job = start_restore(&engine, &broken.id, "acme/live").unwrap();
        done(&engine, job);
        assert_eq!(look(&house, "author"), good, "{does}");
        let added = "INSERT INTO pm_website_names (name) VALUES (gen_random_uuid()::text) RETURNING id";
        let mut client = house.client("author");
        let id: i32 = client.query_one(added, &[]).unwrap().get(0);
        assert_eq!(id, 3, "{does}");
        client
            .batch_execute("DELETE FROM pm_website_names WHERE id > 2")
            .unwrap();
        // What was put right is not put right once more.
        let same = planned(&engine, &backup, &[]);
        assert!(same.changes_nothing, "{does}: {:#?}", same.warnings);
    }
    // An undo puts back what was there, broken as it was.
    house
        .client("author")
        .batch_execute("DROP TABLE pm_website_refs")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(look(&house, "author"), good);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_ne!(look(&house, "author"), good);
}

#[test]
fn of_chosen_workspaces_only_their_own_tables_count() {
    let house = House::new();
    for table in [
        "pm_config_bundle",
        "pm_dam_bundle",
        "pm_website_bundle",
        "version_bundle",
    ] {
        house
            .client("author")
            .batch_execute(&format!("TRUNCATE {table}"))
            .unwrap();
        house.bundles("author", table, 20);
    }
    let engine = house.engine();
    let good = look(&house, "author");
    let backup = back_up(&engine).0;
    let mut client = house.client("author");
    client
        .batch_execute("DROP INDEX pm_dam_binval_idx; DROP TABLE version_refs")
        .unwrap();
    let website = planned(&engine, &backup, &["website"]);
    assert!(website.changes_nothing, "{:#?}", website.warnings);
    let dam = planned(&engine, &backup, &["dam"]);
    assert!(!dam.changes_nothing);
    assert!(dam.changes.iter().all(WorkspaceChange::is_unchanged));
    client
        .batch_execute("CREATE TABLE version_refs (LIKE pm_dam_refs INCLUDING ALL)")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &["dam"]);
    assert!(look(&house, "author").contains("pm_dam_binval_idx"));
    drop(client);
    restore(&engine, &backup, &[]);
    assert_eq!(look(&house, "author"), good);
}

#[test]
fn what_does_not_come_back_is_no_reason_to_restore() {
    let house = House::new();
    let mut client = house.client("author");
    client
        .batch_execute(
            "CREATE ROLE reader; ALTER TABLE pm_website_refs ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY seen ON pm_website_refs TO reader USING (true)",
        )
        .unwrap();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    assert!(planned(&engine, &backup, &[]).changes_nothing);
    client
        .batch_execute("DROP POLICY seen ON pm_website_refs; DROP ROLE reader")
        .unwrap();
    let without = planned(&engine, &backup, &[]);
    assert!(without.changes_nothing, "{:#?}", without.warnings);
    assert!(
        without
            .warnings
            .iter()
            .any(|told| told.contains("the policy seen"))
    );
}
