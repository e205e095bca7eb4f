//! Sequences in odd places: at their end, and in somebody else's schema.

use crate::house::{House, back_up, done, restore};
use crate::structure::planned;

#[test]
fn a_sequence_that_has_come_to_its_end_comes_back_at_it() {
    let house = House::new();
    let mut client = house.client("author");
    client
        .batch_execute(
            "SELECT setval('pm_website_names_id_seq', 2); ALTER SEQUENCE pm_website_names_id_seq MAXVALUE 2",
        )
        .unwrap();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let drill = engine.live(&House::live()).unwrap().start_drill(None).unwrap();
    done(&engine, drill);
    assert!(planned(&engine, &backup, &[]).changes_nothing);
    client
        .batch_execute("SELECT setval('pm_website_names_id_seq', 1, false)")
        .unwrap();
    assert!(!planned(&engine, &backup, &[]).changes_nothing);
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    let row = client
        .query_one("SELECT last_value, is_called FROM pm_website_names_id_seq", &[])
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, bool>(1)), (2, true));
    assert!(planned(&engine, &backup, &[]).changes_nothing);
}
