//! The database fails a restore at each of its steps: one connection is ended, or the whole server is. Live is old or
//! new, and exactly that; the next restore works, and nothing is left behind.

use std::collections::BTreeMap;

use lifeboat::domain::job::{Job, JobState};
use lifeboat::engine::{Engine, details};

use crate::gate::{self, Gate};
use crate::house::{House, back_up, but_indexes, done, ended, fill, log, restore, start_restore};

type Rows = BTreeMap<String, String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Connection,
    Server,
}

struct Scene {
    house: House,
    engine: Engine,
    backup: String,
    good: Rows,
    bad: Rows,
}

impl Scene {
    fn set() -> Self {
        let house = House::new();
        let engine = house.engine();
        let good = house.rows("author", "public");
        let backup = back_up(&engine).0;
        let mut client = house.client("author");
        client
            .batch_execute("DELETE FROM pm_website_bundle; TRUNCATE version_bundle")
            .unwrap();
        fill(&mut client, "pm_website_bundle", 70, "later");
        let bad = house.rows("author", "public");
        Self {
            house,
            engine,
            backup,
            good,
            bad,
        }
    }

    fn live(&self) -> Rows {
        self.house.rows("author", "public")
    }

    /// Lets a restore come to a gate, and strikes.
    fn strike(&self, mut gate: Gate, victim: Victim) -> Job {
        self.house.pass(chrono::Duration::minutes(1));
        let job = start_restore(&self.engine, &self.backup, &[]);
        let process = gate.wait();
        match victim {
            Victim::Connection => {
                self.house
                    .client("postgres")
                    .execute("SELECT pg_terminate_backend($1)", &[&process])
                    .unwrap();
                gate.open();
            }
            Victim::Server => self.house.cluster.kill().unwrap(),
        }
        let job = ended(&self.engine, job);
        if victim == Victim::Server {
            self.house.cluster.up().unwrap();
            gate::remove(&self.house, "author");
        }
        job
    }

    /// Brings the old content back by hand, so that the next strike begins where this one did.
    fn is_repairable(&self) {
        self.house.pass(chrono::Duration::minutes(1));
        let job = restore(&self.engine, &self.backup, &[]);
        assert_eq!(self.live(), self.good, "{:#?}", log(&self.engine, job.id));
        self.house.pass(chrono::Duration::minutes(1));
        crate::house::undo(&self.engine);
        self.house.pass(chrono::Duration::minutes(1));
        let confirmed = self.engine.live(&House::live()).unwrap().start_confirm().unwrap();
        done(&self.engine, confirmed);
        assert_eq!(self.house.left("author"), Vec::<String>::new());
        assert_eq!(
            details(&self.engine, &House::live()).unwrap().summary.trouble,
            None
        );
    }
}

#[test]
fn until_the_switch_is_committed_live_is_as_it_was() {
    let scene = Scene::set();
    let steps = [
        ("CREATE SCHEMA", "lifeboat_old%"),
        ("CREATE TABLE", "lifeboat_new%pm_website_bundle"),
        ("ALTER TABLE", "lifeboat_new%pm_config_names"),
        ("ALTER TABLE", "lifeboat_old%.pm_config_names"),
        ("ALTER TABLE", "public.version_refs"),
    ];
    for (tag, pattern) in steps {
        let gate = Gate::after(&scene.house, "author", tag, pattern);
        let state = scene.strike(gate, Victim::Connection).state;
        let JobState::Failed { why } = state else {
            panic!("{tag} {pattern}: {state:?}");
        };
        assert!(
            why.contains("administrator command") || why.contains("the server ended the connection"),
            "{why}"
        );
        assert_eq!(scene.live(), scene.bad, "{tag} {pattern}");
        assert_eq!(
            scene.house.left("author"),
            Vec::<String>::new(),
            "{tag} {pattern}"
        );
        scene.is_repairable();
        assert_eq!(scene.live(), scene.bad);
    }
}

#[test]
fn a_server_that_stops_before_the_switch_leaves_live_as_it_was() {
    let scene = Scene::set();
    for (tag, pattern) in [
        ("CREATE TABLE", "lifeboat_new%pm_website_bundle"),
        ("ALTER TABLE", "lifeboat_new%pm_website_bundle"),
    ] {
        let gate = Gate::after(&scene.house, "author", tag, pattern);
        let state = scene.strike(gate, Victim::Server).state;
        assert!(matches!(state, JobState::Failed { .. }), "{state:?}");
        assert_eq!(scene.live(), scene.bad, "{tag} {pattern}");
        // What could not be dropped while the server was down goes with the next job.
        scene.house.pass(chrono::Duration::minutes(1));
        let pruned = scene.engine.live(&House::live()).unwrap().start_prune().unwrap();
        done(&scene.engine, pruned);
        assert_eq!(
            scene.house.left("author"),
            Vec::<String>::new(),
            "{tag} {pattern}"
        );
    }
    scene.is_repairable();
}

#[test]
fn a_server_that_stops_in_the_switch_is_shown_and_the_switch_is_finished_when_it_is_back() {
    let scene = Scene::set();
    let gate = Gate::after(&scene.house, "author", "ALTER TABLE", "public.pm_website_bundle");
    let JobState::Failed { why } = scene.strike(gate, Victim::Server).state else {
        panic!("it cannot be done");
    };
    assert!(
        why.contains("half switched") && why.contains("start Lifeboat again"),
        "{why}"
    );
    assert_eq!(scene.live(), scene.bad);
    let trouble = details(&scene.engine, &House::live())
        .unwrap()
        .summary
        .trouble
        .unwrap();
    assert!(trouble.contains("half switched"), "{trouble}");
    let critical = scene.engine.catalog().notifications(1).unwrap().remove(0);
    assert!(critical.text.contains("half switched"), "{critical:?}");
    let engine = scene.house.engine();
    assert_eq!(scene.live(), scene.good, "the next start finishes it");
    assert_eq!(details(&engine, &House::live()).unwrap().summary.trouble, None);
    drop(engine);
    scene.is_repairable();
}

#[test]
fn after_the_switch_nothing_takes_the_new_content_away() {
    for victim in [Victim::Connection, Victim::Server] {
        let scene = Scene::set();
        let gate = Gate::before(&scene.house, "author", "DROP SCHEMA");
        let job = scene.strike(gate, victim);
        assert_eq!(job.state, JobState::Done, "{victim:?}");
        assert_eq!(scene.live(), scene.good, "{victim:?}");
        assert_ne!(
            but_indexes(job.outcome.unwrap().warnings),
            Vec::<String>::new(),
            "what could not be removed is said"
        );
        scene.is_repairable();
        assert_eq!(scene.live(), scene.good);
    }
}

#[test]
fn a_connection_that_is_ended_while_what_was_staged_is_read_back_stops_the_restore() {
    let scene = Scene::set();
    let (mut holder, mut client) = (scene.house.client("author"), scene.house.client("author"));
    // Rights are given table by table after loading, so at the last one's turn all others are done with.
    client
        .batch_execute("CREATE ROLE reader; GRANT SELECT ON pm_website_refs TO reader")
        .unwrap();
    let mut gate = Gate::after(&scene.house, "author", "GRANT", "%");
    scene.house.pass(chrono::Duration::minutes(1));
    let job = start_restore(&scene.engine, &scene.backup, &[]);
    gate.wait();
    let schema = scene
        .house
        .left("author")
        .into_iter()
        .find(|name| name.starts_with("lifeboat_new"))
        .unwrap();
    let mut transaction = holder.transaction().unwrap();
    transaction
        .batch_execute(&format!(
            "LOCK TABLE {schema}.pm_dam_refs IN ACCESS EXCLUSIVE MODE"
        ))
        .unwrap();
    gate.open();
    let process = gate::wait_for_blocked(&mut client);
    client
        .execute("SELECT pg_terminate_backend($1)", &[&process])
        .unwrap();
    transaction.rollback().unwrap();
    let state = ended(&scene.engine, job).state;
    assert!(matches!(state, JobState::Failed { .. }), "{state:?}");
    assert_eq!(scene.live(), scene.bad);
    assert_eq!(scene.house.left("author"), Vec::<String>::new());
    scene.is_repairable();
}

#[test]
fn an_undo_of_a_half_switched_environment_takes_all_of_it_back() {
    let house = House::with(&["author", "public-1"]);
    let engine = house.engine();
    let live = || ["author", "public-1"].map(|name| house.rows(name, "public"));
    let good = live();
    let backup = back_up(&engine).0;
    for name in ["author", "public-1"] {
        house
            .client(name)
            .batch_execute("TRUNCATE pm_website_bundle")
            .unwrap();
    }
    let bad = live();
    let mut gate = Gate::after(&house, "public-1", "ALTER TABLE", "public.pm_dam_bundle");
    house.pass(chrono::Duration::minutes(1));
    let job = start_restore(&engine, &backup, &[]);
    gate.wait();
    house.cluster.kill().unwrap();
    let state = ended(&engine, job).state;
    assert!(matches!(state, JobState::Failed { .. }), "{state:?}");
    house.cluster.up().unwrap();
    gate::remove(&house, "public-1");
    assert_eq!(live(), [good[0].clone(), bad[1].clone()], "half switched, really");
    house.pass(chrono::Duration::minutes(1));
    crate::house::undo(&engine);
    assert_eq!(live(), bad);
    house.pass(chrono::Duration::minutes(1));
    crate::house::undo(&engine);
    assert_eq!(live(), good);
}
