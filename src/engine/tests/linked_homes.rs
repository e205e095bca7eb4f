//! Something of a home that is a link to elsewhere: no backup would hold what it leads to.

use std::fs;

use super::homes::house;
use super::house::{OfHouse as _, back_up, ended, manual};
use crate::domain::job::JobState;

#[test]
fn what_is_linked_into_a_home_from_elsewhere_fails_the_backup_however_deep_it_is() {
    let house = house();
    let home = house.root("author");
    let engine = house.engine();
    back_up(&engine);
    let elsewhere = house.path("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    for path in [
        "version/db.mv.db",
        "repository/datastore/ab/cd/abcd",
        "repository/index",
    ] {
        let (real, link) = (elsewhere.join("real"), home.join(path));
        fs::rename(&link, &real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let job = engine.of_house().start_backup(&manual()).unwrap();
        let JobState::Failed { why } = ended(&engine, job).state else {
            panic!("{path} was copied");
        };
        assert!(why.contains("symbolic link"), "{path}: {why}");
        fs::remove_file(&link).unwrap();
        fs::rename(&real, &link).unwrap();
    }
    back_up(&engine);
}
