//! Tables that somebody has locked for itself alone: whoever waits for them in vain says who that is.

use crate::house::{House, failed, start_backup};

#[test]
fn whoever_has_locked_a_table_is_named_by_the_backup_that_fails_for_it() {
    let house = House::new();
    let mut client = house.client_called("a long migration", "author");
    client
        .batch_execute("BEGIN; LOCK TABLE pm_dam_bundle IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let engine = house.engine();
    let why = failed(&engine, start_backup(&engine));
    for named in [
        format!("postgres with a long migration (process {pid}) has locked pm_dam_bundle"),
        format!("`SELECT pg_terminate_backend({pid})`"),
    ] {
        assert!(why.contains(&named), "{named}: {why}");
    }
}
