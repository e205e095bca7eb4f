//! What a backup adds to the repository: next to nothing when next to nothing has changed.

use crate::house::{House, back_up, backups, fill};

fn added(house: &House, engine: &lifeboat::engine::Engine) -> u64 {
    house.pass(chrono::Duration::minutes(1));
    back_up(engine);
    backups(engine).remove(0).manifest.added_bytes
}

#[test]
fn a_backup_adds_what_has_changed_and_little_more() {
    let house = House::new();
    let mut client = house.client("author");
    client.batch_execute("TRUNCATE pm_dam_bundle").unwrap();
    // Bytes that no compression makes smaller: 12 MiB of them.
    client
        .batch_execute(
            "CREATE EXTENSION IF NOT EXISTS pgcrypto; \
             INSERT INTO pm_dam_bundle SELECT n, n, gen_random_bytes(1024) || gen_random_bytes(1024) || gen_random_bytes(1024) \
             FROM generate_series(1, 4096) n",
        )
        .unwrap();
    let engine = house.engine();
    let first = added(&house, &engine);
    assert!(first > 12 << 20, "{first}");
    let nothing = added(&house, &engine);
    assert!(
        nothing < 64 << 10,
        "nothing has changed, and {nothing} bytes were added"
    );

    client
        .batch_execute(
            "UPDATE pm_dam_bundle SET bundle_data = gen_random_bytes(1000) WHERE node_id_hi = 2000",
        )
        .unwrap();
    let one = added(&house, &engine);
    assert!(one < 320 << 10, "one row has changed, and {one} bytes were added");

    fill(&mut client, "pm_config_refs", 3, "three");
    let three = added(&house, &engine);
    assert!(
        three < 128 << 10,
        "three short rows are new, and {three} bytes were added"
    );
}

#[test]
fn a_row_that_is_larger_than_all_that_may_be_under_way_goes_through() {
    // Two instances are read at once, and each has a row of 40 MiB.
    let house = House::with(&["author", "public-1"]);
    let rows = || ["author", "public-1"].map(|instance| house.rows(instance, "public"));
    for instance in ["author", "public-1"] {
        house
            .client(instance)
            .batch_execute(
                "INSERT INTO pm_dam_bundle VALUES (7, 7, decode(repeat(md5('a large binary'), 2621440 / 2), 'hex') \
                 || decode(repeat(md5('and more'), 2621440 / 2), 'hex'))",
            )
            .unwrap();
    }
    let good = rows();
    let engine = house.engine();
    let backup = back_up(&engine);
    for instance in ["author", "public-1"] {
        house
            .client(instance)
            .batch_execute("TRUNCATE pm_dam_bundle")
            .unwrap();
    }
    house.pass(chrono::Duration::minutes(1));
    crate::house::restore(&engine, &backup.0, &[]);
    assert_eq!(rows(), good);
}
