//! What only a database that is shared does: leases, and a server that goes away.

use super::*;
use crate::domain::lifeboat_node::NodeStanding;

impl Place {
    /// How to connect to its database.
    fn connect(&self) -> String {
        match self {
            Self::Database(database) => database.connect(),
            Self::File(_) => unreachable!(),
        }
    }
}

fn number(catalog: &Catalog) -> u64 {
    catalog.presence.number()
}

#[test]
fn a_node_that_was_declared_gone_never_writes_again() {
    let place = Place::database();
    let (paused, other) = (place.open(), place.open());
    let (job, claim) = start(&paused, "acme/live").unwrap();
    paused
        .note_due(
            "backup",
            &[Due {
                environment: name("acme/live"),
                period: at(0),
            }],
        )
        .unwrap();
    let due = paused.claim_due(at(0), 1).unwrap().remove(0);
    place.run_out(number(&paused));
    let adopted = other.adopt(job.id).unwrap().unwrap();
    assert_eq!(other.free_due_of_the_gone().unwrap(), 1);

    // It wakes up.
    assert!(matches!(
        paused.check_claim(&claim),
        Err(CatalogError::NotOwned(_))
    ));
    assert!(matches!(
        paused.update_job(&claim, &job),
        Err(CatalogError::NotOwned(_))
    ));
    assert!(matches!(
        start(&paused, "beta/live"),
        Err(CatalogError::TakenForDead)
    ));
    assert!(matches!(
        paused.claim_due(at(0), 1),
        Err(CatalogError::TakenForDead)
    ));
    assert!(!paused.serve_due(&due, at(0)).unwrap());
    other.update_job(&adopted, &job).unwrap();
    assert_eq!(other.claim_due(at(0), 1).unwrap().len(), 1);
}

/// Something that is due, claimed by a Lifeboat.
fn claimed(catalog: &Catalog) -> DueClaim {
    let due = Due {
        environment: name("acme/live"),
        period: at(0),
    };
    catalog.note_due("backup", &[due]).unwrap();
    catalog.claim_due(at(0), 1).unwrap().remove(0)
}

#[test]
fn what_a_node_had_claimed_starts_no_job_under_its_next_number() {
    let place = Place::database();
    let (paused, other) = (place.open(), place.open());
    let due = claimed(&paused);
    let (job, _) = start(&paused, "beta/live").unwrap();
    place.run_out(number(&paused));
    // It is gone, and what it had claimed is not free yet when it goes on.
    other.adopt(job.id).unwrap().unwrap();
    let again = place.open();
    let by = "schedule".into();
    let new = NewJob {
        due: Some(&due),
        ..new(&due.environment, &by)
    };
    let started = again.create_job(new, at(0), &JobState::Running);
    assert!(matches!(started, Err(CatalogError::NotDue(_))), "{started:?}");
    assert_eq!(other.free_due_of_the_gone().unwrap(), 1);
    assert_eq!(other.claim_due(at(0), 1).unwrap().len(), 1);
}

#[test]
fn what_a_job_stands_for_that_is_just_being_made_is_not_freed() {
    let place = Place::database();
    let (paused, other) = (place.open(), place.open());
    claimed(&paused);
    place.run_out(number(&paused));
    let mut client = postgres::Client::connect(&place.connect(), postgres::NoTls).unwrap();
    let mut making = client.transaction().unwrap();
    making
        .batch_execute(&format!(
            "INSERT INTO lifeboat.jobs (environment, kind, asked_by, state, process, record)
                 VALUES ('acme/live', 'backup', 'schedule', 'running', {}, '{{}}');
             UPDATE lifeboat.due SET job = (SELECT max(id) FROM lifeboat.jobs)",
            number(&other)
        ))
        .unwrap();
    let mut look = postgres::Client::connect(&place.connect(), postgres::NoTls).unwrap();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let freed = std::thread::scope(|scope| {
        let freeing = scope.spawn(|| other.free_due_of_the_gone().unwrap());
        while look.query_one(waits, &[]).unwrap().get::<_, i64>(0) == 0 {
            std::thread::yield_now();
        }
        making.commit().unwrap();
        freeing.join().unwrap()
    });
    assert_eq!(freed, 0, "its end says how it goes on");
    assert_eq!(other.claim_due(at(0), 1).unwrap(), []);
}

#[test]
fn a_slow_node_that_nobody_declared_gone_goes_on() {
    let place = Place::database();
    let (slow, other) = (place.open(), place.open());
    let (job, claim) = start(&slow, "acme/live").unwrap();
    place.run_out(number(&slow));
    assert_eq!(other.abandoned().unwrap().len(), 1);
    slow.check_claim(&claim).unwrap();
    slow.update_job(&claim, &job).unwrap();
}

#[test]
fn whoever_is_not_steady_declares_nobody_gone() {
    let place = Place::database();
    let lease = Lease {
        steady_after: Duration::from_hours(1),
        ..LEASE
    };
    let fresh = Catalog::share(connector(&place.connect()), "fresh", lease).unwrap();
    let doomed = place.open();
    let (job, _) = start(&doomed, "acme/live").unwrap();
    place.kill(doomed);
    assert!(fresh.abandoned().unwrap().is_empty());
    assert_eq!(fresh.adopt(job.id).unwrap(), None);
    assert!(matches!(
        start(&fresh, "acme/live"),
        Err(CatalogError::Busy { .. })
    ));
    assert!(place.open().adopt(job.id).unwrap().is_some());
}

#[test]
fn a_node_that_ends_in_order_is_gone_at_once() {
    let place = Place::database();
    let (ending, other) = (place.open(), place.open());
    let (job, _) = start(&ending, "acme/live").unwrap();
    drop(ending);
    assert!(other.adopt(job.id).unwrap().is_some());
}

#[test]
fn whoever_signs_off_is_gone_at_once_and_is_told_from_a_service_that_is_late() {
    let place = Place::database();
    let (other, service, verb, killed) = (place.open(), place.open(), place.open(), place.open());
    service.keeps_schedule().unwrap();
    let standing = || {
        let nodes = other.nodes().unwrap();
        let stands = nodes
            .iter()
            .map(|node| (node.number, (node.standing, node.keeps_schedule)));
        stands.collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(standing()[&number(&verb)], (NodeStanding::Alive, Some(false)));
    // Something still holds the catalog of a process that is about to end.
    verb.sign_off();
    assert!(!standing().contains_key(&number(&verb)), "it has ended in order");
    // A job that it has left is what somebody looks for, with whoever had it.
    let left = place.open();
    start(&left, "acme/live").unwrap();
    left.sign_off();
    assert_eq!(standing()[&number(&left)], (NodeStanding::Gone, Some(false)));

    let numbers = [number(&service), number(&killed)];
    for catalog in [service, killed] {
        place.kill(catalog);
    }
    assert_eq!(standing()[&numbers[0]], (NodeStanding::Late, Some(true)));
    assert_eq!(standing()[&numbers[1]], (NodeStanding::Late, Some(false)));
    let long_ago = format!(
        "UPDATE nodes SET lease = clock_timestamp() - interval '2 days' WHERE number IN ({}, {})",
        numbers[0], numbers[1]
    );
    other.write(|session| session.run(&long_ago)).unwrap();
    assert_eq!(
        standing()[&numbers[0]],
        (NodeStanding::Late, Some(true)),
        "a service is missed"
    );
    assert!(!standing().contains_key(&numbers[1]), "a verb is not");
}

#[test]
fn tables_of_a_newer_form_are_refused() {
    let place = Place::database();
    place
        .open()
        .write(|session| session.run("UPDATE form SET version = 99"))
        .unwrap();
    let error = Catalog::share(connector(&place.connect()), "older", LEASE).unwrap_err();
    assert!(
        matches!(error, CatalogError::DatabaseNewer { found: 99, .. }),
        "{error:?}"
    );
}

#[test]
fn many_open_an_empty_database_at_the_same_time() {
    let place = Place::database();
    let numbers: std::collections::HashSet<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| number(&place.open()))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(numbers.len(), 8);
}

#[test]
fn news_is_told_once_while_an_older_transaction_is_open() {
    let place = Place::database();
    let (one, other) = (place.open(), place.open());
    let mut seen = one.seen_so_far().unwrap();
    let mut look = || {
        let (changes, now) = one.changes_since(&seen).unwrap();
        seen = now;
        changes
    };
    let mut client = postgres::Client::connect(&place.connect(), postgres::NoTls).unwrap();
    let mut open = client.transaction().unwrap();
    open.batch_execute(
        "INSERT INTO lifeboat.notifications (at, severity, text) VALUES (1764000000000000, 'warning', 'late')",
    )
    .unwrap();
    let (job, claim) = start(&other, "acme/live").unwrap();
    assert_eq!(look(), [Change::Job(Box::new(job.clone()))]);
    assert_eq!(look(), [], "told before");
    // More than are told at once: from then on every look would say that everything is to be asked again.
    for number in 0..250 {
        other
            .notify(
                at(number),
                Severity::Warning,
                None,
                &format!("number {number}"),
                None,
            )
            .unwrap();
    }
    assert_eq!(look(), [Change::Anything]);
    assert_eq!(look(), []);
    let ended = end(&other, (job, claim), JobState::Done, at(9));
    assert_eq!(
        look(),
        [Change::Job(Box::new(ended))],
        "a job that changes again is told again"
    );
    open.commit().unwrap();
    let late = look();
    assert!(
        matches!(&late[..], [Change::Notification(told)] if told.text == "late"),
        "{late:?}"
    );
    assert_eq!(look(), []);
}

#[test]
fn whoever_holds_something_is_known_as_long_as_it_may() {
    let place = Place::database();
    let (holding, other) = (place.open(), place.open());
    let (job, claim) = start(&holding, "acme/live").unwrap();
    let (for_job, as_such) = (
        holding.holder(Some(&claim)).unwrap(),
        holding.holder(None).unwrap(),
    );
    for words in [&for_job, &as_such] {
        assert_eq!(other.holder_stands(words).unwrap(), Some(true));
        assert_eq!(holding.holder_stands(words).unwrap(), Some(true));
    }
    // Another catalog, a node that nobody knows, and words that nobody here has written.
    let elsewhere = for_job.replace("\"catalog\":\"", "\"catalog\":\"7");
    let unknown = as_such.replace(&format!("\"node\":{}", number(&holding)), "\"node\":4711");
    for words in [elsewhere.as_str(), unknown.as_str(), "", "{}"] {
        assert_eq!(other.holder_stands(words).unwrap(), None, "{words}");
    }
    // Its job goes on under another claim, then its lease runs out.
    holding.adopt_own(job.id).unwrap().unwrap();
    assert_eq!(other.holder_stands(&for_job).unwrap(), Some(false));
    assert_eq!(other.holder_stands(&as_such).unwrap(), Some(true));
    place.run_out(number(&holding));
    assert_eq!(other.holder_stands(&as_such).unwrap(), Some(false));
    // That was for good.
    assert!(matches!(
        start(&holding, "beta/live"),
        Err(CatalogError::TakenForDead)
    ));
}

#[test]
fn the_server_goes_away_and_comes_back() {
    let database = Database::alone();
    let cluster = database.server();
    let place = Place::Database(database);
    let catalog = place.open();
    let (job, claim) = start(&catalog, "acme/live").unwrap();
    cluster.kill().unwrap();
    let error = catalog.update_job(&claim, &job).unwrap_err();
    assert!(matches!(error, CatalogError::OutOfReach { .. }), "{error:?}");
    assert!(
        error.to_string().contains("look whether the server runs"),
        "{error}"
    );
    cluster.up().unwrap();
    catalog.update_job(&claim, &job).unwrap();
    catalog.check_claim(&claim).unwrap();
    // A session that the server ends between two calls is not noticed by whoever calls.
    catalog.job(job.id).unwrap();
    cluster.stop().unwrap();
    cluster.up().unwrap();
    catalog.update_job(&claim, &job).unwrap();
}
