//! What was written since into a workspace of which nodes were brought back: an undo says how much of it goes.

use lifeboat::domain::job::Job;
use lifeboat::engine::Engine;

use crate::house::{House, back_up, undo};
use crate::parts::{bring_back, house};

/// What an undo has told of what was written.
fn written(job: Job) -> Vec<String> {
    let mut told = job.outcome.unwrap().warnings;
    told.retain(|text| text.contains("since the restore"));
    told
}

fn news(house: &House, engine: &Engine) {
    let backup = back_up(engine).0;
    house.pass(chrono::Duration::minutes(1));
    let mut client = house.client("author");
    // All that came is older than the switch, however often the server has put its rows in order since.
    bring_back(engine, &backup, &["/website/home/news"]);
    client.batch_execute("VACUUM (FREEZE) pm_website_bundle").unwrap();
    house.pass(chrono::Duration::minutes(1));
}

#[test]
fn an_undo_says_how_many_nodes_were_written_since() {
    let house = house(&["author"]);
    let engine = house.engine();
    news(&house, &engine);
    let before = house.rows("author", "public");
    assert_eq!(
        written(undo(&engine)),
        Vec::<String>::new(),
        "nothing was written"
    );
    house.pass(chrono::Duration::minutes(1));
    house
        .client("author")
        .batch_execute(
            "UPDATE pm_website_bundle SET bundle_data = bundle_data WHERE ctid IN \
             (SELECT ctid FROM pm_website_bundle LIMIT 2); \
             UPDATE pm_dam_bundle SET bundle_data = bundle_data",
        )
        .unwrap();
    // The undo of an undo tells it too, and nothing of what it leaves alone.
    let told = written(undo(&engine));
    assert_eq!(
        told,
        ["author: 2 nodes were added or changed since the restore in website, and an undo sets that aside"]
    );
    assert_eq!(house.rows("author", "public"), before);
}
