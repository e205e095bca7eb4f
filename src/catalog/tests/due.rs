//! What the schedule asks for, noted by all and claimed by one.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use super::*;
use crate::domain::proof::{Drill, DrillOutcome};

fn due(environment: &str, seconds: i64) -> Due {
    Due {
        environment: name(environment),
        period: at(seconds),
    }
}

fn claimed(catalog: &Catalog, seconds: i64) -> Option<DueClaim> {
    let mut claims = catalog.claim_due(at(seconds), 1).unwrap();
    claims.pop()
}

fn start_for(catalog: &Catalog, claim: &DueClaim) -> Result<(Job, Claim), CatalogError> {
    let job = NewJob {
        due: Some(claim),
        ..new(&claim.environment, "schedule")
    };
    catalog.create_job(job, at(0), &JobState::Running)
}

pub(super) fn what_is_due_is_noted_once_and_claimed_once(place: &Place) {
    let (one, other) = (place.open(), place.open());
    let rows = [due("acme/live", 0), due("beta/live", 5)];
    assert_eq!(one.note_due("backup", &rows).unwrap(), 2);
    assert_eq!(other.note_due("backup", &rows).unwrap(), 0);
    assert_eq!(other.note_due("drill", &rows[..1]).unwrap(), 1);
    let first = one.claim_due(at(4), 9).unwrap();
    assert_eq!(first.len(), 2, "what is not due yet is not claimed");
    assert!(first.iter().all(|claim| claim.environment == name("acme/live")));
    assert_eq!(other.claim_due(at(4), 9).unwrap(), []);
    let second = claimed(&other, 5).unwrap();
    assert_eq!(
        (second.environment.clone(), second.kind.as_str(), second.period),
        (name("beta/live"), "backup", at(5))
    );
    assert!(other.serve_due(&second, at(6)).unwrap());
    assert!(!other.serve_due(&second, at(6)).unwrap());
    assert_eq!(
        other.note_due("backup", &rows).unwrap(),
        0,
        "what was served stays served"
    );
    assert_eq!(one.due_open().unwrap(), 2);
}

pub(super) fn a_claim_that_no_job_stands_for_is_freed_by_whoever_has_it(place: &Place) {
    let (one, other) = (place.open(), place.open());
    let rows = [due("acme/live", 0), due("beta/live", 0)];
    one.note_due("backup", &rows).unwrap();
    let lost = claimed(&one, 1).unwrap();
    let started = claimed(&one, 1).unwrap();
    start_for(&one, &started).unwrap();
    assert_eq!(claimed(&other, 1), None);
    assert_eq!(other.free_own_due().unwrap(), 0, "it is not its own");
    assert_eq!(one.free_own_due().unwrap(), 1, "a job stands for the other");
    assert_eq!(claimed(&other, 1).unwrap().environment, lost.environment);
    assert!(!one.serve_due(&lost, at(2)).unwrap());
}

pub(super) fn a_drill_that_fails_makes_its_period_due_again(place: &Place) {
    let catalog = place.open();
    catalog.note_due("backup", &[due("acme/live", 0)]).unwrap();
    let claim = claimed(&catalog, 1).unwrap();
    catalog.serve_due(&claim, at(1)).unwrap();
    let drill = |outcome| Drill {
        at: at(2),
        backup: BackupId("a".repeat(64)),
        millis: 7,
        bytes: 8,
        newest: true,
        outcome,
    };
    let live = name("acme/live");
    catalog.record_drill(&live, &drill(DrillOutcome::Proven)).unwrap();
    assert_eq!(claimed(&catalog, 3), None);
    let why = "a row is missing".to_owned();
    catalog
        .record_drill(&live, &drill(DrillOutcome::Failed { why }))
        .unwrap();
    assert_eq!(claimed(&catalog, 3).unwrap().environment, live);
}

pub(super) fn a_job_serves_what_is_due_when_it_ends_well_and_frees_it_when_not(place: &Place) {
    let catalog = place.open();
    catalog.note_due("backup", &[due("acme/live", 0)]).unwrap();
    for state in [failed(), JobState::Cancelled] {
        let claim = claimed(&catalog, 1).unwrap();
        let job = start_for(&catalog, &claim).unwrap();
        assert_eq!(claimed(&catalog, 1), None);
        end(&catalog, job, state, at(2));
    }
    let claim = claimed(&catalog, 1).unwrap();
    let job = start_for(&catalog, &claim).unwrap();
    end(&catalog, job, JobState::Done, at(2));
    assert_eq!(claimed(&catalog, 9), None);
    assert_eq!(catalog.due_open().unwrap(), 0);
}

pub(super) fn what_a_dead_lifeboat_had_claimed_is_free_again(place: &Place) {
    let (doomed, other) = (place.open(), place.open());
    let rows = [due("acme/live", 0), due("beta/live", 1)];
    doomed.note_due("backup", &rows).unwrap();
    let begun = claimed(&doomed, 0).unwrap();
    let (job, _) = start_for(&doomed, &begun).unwrap();
    let claim = claimed(&doomed, 1).unwrap();
    assert_eq!(other.free_due_of_the_gone().unwrap(), 0);
    place.kill(doomed);
    assert_eq!(
        other.free_due_of_the_gone().unwrap(),
        1,
        "what a job stands for waits for that job"
    );
    let again = claimed(&other, 9).unwrap();
    assert_eq!(again.environment, claim.environment);
    assert!(!other.serve_due(&claim, at(9)).unwrap(), "the old claim is lost");
    let adopted = other.adopt(job.id).unwrap().unwrap();
    end(&other, (job, adopted), failed(), at(9));
    assert_eq!(claimed(&other, 9).unwrap().environment, begun.environment);
}

pub(super) fn what_is_put_back_waits(place: &Place) {
    let catalog = place.open();
    catalog.note_due("backup", &[due("acme/live", 0)]).unwrap();
    let claim = claimed(&catalog, 0).unwrap();
    assert!(catalog.put_back_due(&claim, at(60)).unwrap());
    assert!(
        !catalog.put_back_due(&claim, at(0)).unwrap(),
        "a claim is given back once"
    );
    assert_eq!(claimed(&catalog, 59), None);
    let again = claimed(&catalog, 60).unwrap();
    assert_ne!(again, claim);
    assert_eq!(again.period, claim.period);
}

pub(super) fn of_many_that_claim_at_the_same_time_each_gets_its_own(place: &Place) {
    const LIFEBOATS: usize = 4;
    let rows: Vec<_> = (0..60)
        .map(|number| due(&format!("acme/live-{number}"), number))
        .collect();
    place.open().note_due("backup", &rows).unwrap();
    let ready = Barrier::new(LIFEBOATS);
    // Nobody lets go before everybody has claimed: what a Lifeboat had that is gone is free again.
    let over = Barrier::new(LIFEBOATS);
    let claims: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..LIFEBOATS)
            .map(|_| {
                scope.spawn(|| {
                    let catalog = place.open();
                    ready.wait();
                    let mut claims = Vec::new();
                    loop {
                        let more = catalog.claim_due(at(99), 3).unwrap();
                        if more.is_empty() {
                            break;
                        }
                        claims.extend(more);
                    }
                    over.wait();
                    claims
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let different: HashSet<_> = claims.iter().map(|claim| claim.environment.clone()).collect();
    assert_eq!((claims.len(), different.len()), (60, 60));
}

pub(super) fn a_lost_claim_starts_no_job(place: &Place) {
    let (doomed, other) = (place.open(), place.open());
    doomed.note_due("backup", &[due("acme/live", 0)]).unwrap();
    let claim = claimed(&doomed, 0).unwrap();
    place.kill(doomed);
    other.free_due_of_the_gone().unwrap();
    assert!(matches!(start_for(&other, &claim), Err(CatalogError::NotDue(_))));
    assert_eq!(
        other.running(&name("acme/live")).unwrap(),
        None,
        "and leaves none behind"
    );
    let again = claimed(&other, 0).unwrap();
    start_for(&other, &again).unwrap();
}
