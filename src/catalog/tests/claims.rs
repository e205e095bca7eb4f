//! Jobs and the claims on them, on every store: one at a time on an environment, and what becomes of those whose Lifeboat
//! is dead.

use std::sync::Barrier;
use std::thread;

use super::*;
use crate::domain::stop::StopReason;

pub(super) fn a_job_reads_back_as_it_was_stored(place: &Place) {
    let catalog = place.open();
    let (mut job, claim) = start(&catalog, "acme/live").unwrap();
    assert_eq!(job.began, Some(at(0)));
    job.progress = Some(Progress::start(Phase::Copying));
    catalog.update_job(&claim, &job).unwrap();
    catalog.check_claim(&claim).unwrap();
    assert_eq!(catalog.job(job.id).unwrap(), job);
    assert_eq!(catalog.running(&name("acme/live")).unwrap(), Some(job.clone()));
    assert!(matches!(
        catalog.job(JobId(99)),
        Err(CatalogError::UnknownJob(JobId(99)))
    ));
    end(&catalog, (job, claim), JobState::Done, at(5));
    assert_eq!(catalog.running(&name("acme/live")).unwrap(), None);
}

pub(super) fn one_job_at_a_time_on_an_environment_for_all_lifeboats(place: &Place) {
    let (one, other) = (place.open(), place.open());
    let (job, claim) = start(&one, "acme/live").unwrap();
    for catalog in [&one, &other] {
        let refused = start(catalog, "acme/live");
        assert!(
            matches!(&refused, Err(CatalogError::Busy { job: standing, .. }) if *standing == job.id),
            "{refused:?}"
        );
        assert_eq!(
            catalog.running(&name("acme/live")).unwrap().map(|job| job.id),
            Some(job.id)
        );
    }
    start(&other, "beta/live").unwrap();
    end(&one, (job, claim), JobState::Cancelled, at(1));
    start(&other, "acme/live").unwrap();
}

pub(super) fn of_many_that_start_at_the_same_time_one_wins(place: &Place) {
    // Nobody lets go before everybody has tried: a catalog that is dropped leaves its job behind.
    let tried = Barrier::new(6);
    let won = thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let catalog = place.open();
                    let won = start(&catalog, "acme/live").is_ok();
                    tried.wait();
                    won
                })
            })
            .collect();
        let won: Vec<bool> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        won.into_iter().filter(|won| *won).count()
    });
    assert_eq!(won, 1);
}

pub(super) fn a_job_of_a_dead_process_is_settled_by_exactly_one(place: &Place) {
    let doomed = place.open();
    let (job, old) = start(&doomed, "acme/live").unwrap();
    place.kill(doomed);

    let catalogs: Vec<_> = (0..4).map(|_| place.open()).collect();
    assert!(
        matches!(start(&catalogs[0], "acme/live"), Err(CatalogError::Abandoned { job: left, .. }) if left == job.id)
    );
    assert_eq!(catalogs[0].running(&name("acme/live")).unwrap(), None);
    let adopted: Vec<Option<Claim>> = thread::scope(|scope| {
        let threads: Vec<_> = catalogs
            .iter()
            .map(|catalog| {
                scope.spawn(|| {
                    assert!(catalog.abandoned().unwrap().iter().all(|left| left.id == job.id));
                    catalog.adopt(job.id).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(adopted.iter().flatten().count(), 1);
    let position = adopted.iter().position(Option::is_some).unwrap();
    let (heir, claim) = (&catalogs[position], adopted[position].unwrap());
    // Whoever comes back with the old claim can do nothing any more.
    for catalog in &catalogs {
        assert!(matches!(catalog.check_claim(&old), Err(CatalogError::NotOwned(id)) if id == job.id));
        assert!(matches!(
            catalog.update_job(&old, &job),
            Err(CatalogError::NotOwned(_))
        ));
    }
    heir.check_claim(&claim).unwrap();
    assert!(heir.abandoned().unwrap().is_empty());
    end(
        heir,
        (job, claim),
        JobState::Failed {
            why: "its process was killed".into(),
        },
        at(9),
    );
    start(&catalogs[0], "acme/live").unwrap();
}

pub(super) fn any_lifeboat_can_ask_a_job_to_stop(place: &Place) {
    let (one, other) = (place.open(), place.open());
    let (job, claim) = start(&one, "acme/live").unwrap();
    let asked = StopReason::Asked { by: "olga".into() };
    let by = Caller::here(&"olga".into());
    let said = Said {
        by: &by,
        environment: Some(&job.environment),
        what: "asked for it to be cancelled",
        job: Some(job.id),
        severity: Severity::Information,
    };
    assert_eq!(one.cancel_requested(job.id).unwrap(), None);
    assert!(other.request_cancel(job.id, &asked, at(1), &said).unwrap());
    // The first reason is the one that stops it.
    assert!(
        !other
            .request_cancel(job.id, &StopReason::Signal, at(2), &said)
            .unwrap()
    );
    let request = one.cancel_requested(job.id).unwrap().unwrap();
    assert_eq!(request.reason, Some(asked.clone()));
    // What the job's own process stores next does not know of it, and does not undo it.
    one.update_job(&claim, &job).unwrap();
    let seen = one.job(job.id).unwrap();
    assert_eq!((seen.cancel_asked, seen.stop_reason), (true, Some(asked.clone())));
    let told = Job {
        stop_reason: Some(asked.clone()),
        ..job.clone()
    };
    end(&one, (told, claim), JobState::Cancelled, at(3));
    assert_eq!(other.job(job.id).unwrap().stop_reason, Some(asked));
    assert_eq!(
        other.note("stop", &job.id.to_string()).unwrap(),
        None,
        "the job tells it now"
    );
    assert!(
        !other
            .request_cancel(job.id, &StopReason::Signal, at(4), &said)
            .unwrap()
    );
    assert!(matches!(
        other.request_cancel(JobId(77), &StopReason::Signal, at(4), &said),
        Err(CatalogError::UnknownJob(_))
    ));
    let told = one.activity(10).unwrap();
    assert_eq!(told.len(), 1, "only the first one is told with it: {told:?}");
    assert_eq!((told[0].what.as_str(), told[0].job), (said.what, Some(job.id)));
}

pub(super) fn one_scheduled_backup_that_was_taken_over_is_no_failure(place: &Place) {
    let live = name("acme/live");
    let heir = place.open();
    let interrupt = || {
        let doomed = place.open();
        let (job, _) = doomed
            .create_job(new(&live, &Principal::Schedule), at(0), &JobState::Running)
            .unwrap();
        place.kill(doomed);
        let claim = heir.adopt(job.id).unwrap().unwrap();
        end(&heir, (job, claim), failed(), at(1));
        heir.scheduled_failures(&live, JobKind::Backup)
            .unwrap()
            .map(|failures| failures.count)
    };
    assert_eq!(interrupt(), None);
    assert_eq!(interrupt(), Some(2), "it may be what kills them");
}

pub(super) fn a_job_that_nobody_works_on_is_claimed_anew_by_its_own_lifeboat(place: &Place) {
    let (one, other) = (place.open(), place.open());
    let (job, claim) = start(&one, "acme/live").unwrap();
    assert_eq!(one.own_unended().unwrap(), std::slice::from_ref(&job));
    assert_eq!(other.own_unended().unwrap(), []);
    assert!(other.adopt_own(job.id).unwrap().is_none());
    let anew = one.adopt_own(job.id).unwrap().unwrap();
    // What the lost claim would still write counts no more.
    assert!(matches!(
        one.update_job(&claim, &job),
        Err(CatalogError::NotOwned(_))
    ));
    end(&one, (job.clone(), anew), failed(), at(1));
    assert!(one.adopt_own(job.id).unwrap().is_none());
    assert_eq!(one.own_unended().unwrap(), []);
}

pub(super) fn what_is_about_to_be_recorded_is_known_to_whoever_takes_over(place: &Place) {
    let (doomed, first, second) = (place.open(), place.open(), place.open());
    let (job, claim) = start(&doomed, "acme/live").unwrap();
    assert_eq!(second.recording(job.id).unwrap(), None);
    doomed.begin_record(&claim, "abc", at(1)).unwrap();
    assert_eq!(second.recording(job.id).unwrap().as_deref(), Some("abc"));
    place.kill(doomed);
    let early = first.adopt(job.id).unwrap().unwrap();
    assert!(matches!(
        first.begin_record(&claim, "abc", at(2)),
        Err(CatalogError::NotOwned(_))
    ));
    place.kill(first);
    let heir = second.adopt(job.id).unwrap().unwrap();
    // Only whoever has the job now says what counts.
    let live = name("acme/live");
    assert!(matches!(
        second.void_record(&early, &live, "abc", at(3)),
        Err(CatalogError::NotOwned(_))
    ));
    assert_eq!(second.void_records(&live).unwrap(), Vec::<String>::new());
    second.void_record(&heir, &live, "abc", at(3)).unwrap();
    end(&second, (job.clone(), heir), failed(), at(4));
    assert_eq!(second.recording(job.id).unwrap(), None);
    assert_eq!(second.void_records(&live).unwrap(), ["abc"]);
    assert_eq!(
        second.void_records(&name("acme/live-2")).unwrap(),
        Vec::<String>::new()
    );
}
