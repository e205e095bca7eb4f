//! Tokens, answers that are given again, and notes.

use super::*;
use crate::domain::answer::{Reserved, StoredAnswer};
use crate::domain::token::{Role, TokenRecord};

fn token(name: &str) -> TokenRecord {
    TokenRecord {
        name: name.into(),
        account: None,
        role: Role::Operator,
        projects: vec!["acme".into(), "beta".into()],
        created: at(0),
        created_by: "ann".into(),
        expires: Some(at(3_600)),
        revoked: None,
        last_used: None,
    }
}

pub(super) fn a_token_is_found_by_the_hash_of_its_text_alone(place: &Place) {
    let (one, other) = (place.open(), place.open());
    let night = token("night shift");
    one.add_token(&night, &[1; 32]).unwrap();
    let day = TokenRecord {
        projects: Vec::new(),
        expires: None,
        role: Role::Owner,
        ..token("day shift")
    };
    one.add_token(&day, &[2; 32]).unwrap();
    assert!(matches!(
        one.add_token(&night, &[3; 32]),
        Err(CatalogError::TokenExists(_))
    ));
    assert_eq!(other.token_by_hash(&[1; 32]).unwrap(), Some(night.clone()));
    assert_eq!(other.token_by_hash(&[3; 32]).unwrap(), None);
    assert_eq!(other.tokens().unwrap(), [day, night]);
}

pub(super) fn a_token_is_rotated_and_revoked(place: &Place) {
    let catalog = place.open();
    catalog.add_token(&token("night shift"), &[1; 32]).unwrap();
    let last_used = || catalog.tokens().unwrap().remove(0).last_used;
    catalog.token_used("night shift", at(5)).unwrap();
    catalog.token_used("night shift", at(20)).unwrap();
    assert_eq!(last_used(), Some(at(5)), "not every use is written down");
    catalog.token_used("night shift", at(66)).unwrap();
    assert_eq!(last_used(), Some(at(66)));

    assert!(catalog.rotate_token("night shift", &[2; 32], at(70)).unwrap());
    assert_eq!(catalog.token_by_hash(&[1; 32]).unwrap(), None);
    let rotated = catalog.token_by_hash(&[2; 32]).unwrap().unwrap();
    assert_eq!((rotated.created, rotated.last_used), (at(70), None));

    assert!(catalog.revoke_token("night shift", at(80)).unwrap());
    assert!(!catalog.revoke_token("night shift", at(90)).unwrap());
    assert!(!catalog.revoke_token("no such", at(90)).unwrap());
    assert!(!catalog.rotate_token("night shift", &[3; 32], at(90)).unwrap());
    assert_eq!(
        catalog.token_by_hash(&[2; 32]).unwrap().unwrap().revoked,
        Some(at(80))
    );
}

pub(super) fn the_same_question_gets_the_same_answer(place: &Place) {
    let (one, other) = (place.open(), place.open());
    let ask = |catalog: &Catalog, digest: u8, seconds| {
        catalog
            .reserve_answer("ann", "key", &[digest; 32], at(seconds))
            .unwrap()
    };
    assert_eq!(ask(&one, 1, 0), Reserved::New);
    assert_eq!(ask(&other, 1, 1), Reserved::Running);
    assert_eq!(ask(&other, 2, 1), Reserved::Different);
    one.release_answer("ann", "key").unwrap();
    assert_eq!(ask(&other, 2, 2), Reserved::New);
    let answer = StoredAnswer {
        status: 202,
        body: "{\"job\":7}".into(),
        location: Some("/api/v1/jobs/7".into()),
    };
    other.store_answer("ann", "key", &answer).unwrap();
    one.release_answer("ann", "key").unwrap();
    assert_eq!(
        ask(&one, 2, 3),
        Reserved::Answered(answer),
        "an answer is not released"
    );
    assert_eq!(
        one.reserve_answer("bob", "key", &[2; 32], at(3)).unwrap(),
        Reserved::New
    );
    assert_eq!(
        ask(&one, 1, 3 + 24 * 3_600),
        Reserved::New,
        "a day later it is forgotten"
    );
}

pub(super) fn a_reservation_of_a_dead_lifeboat_is_free_again(place: &Place) {
    let (doomed, other) = (place.open(), place.open());
    let ask = |catalog: &Catalog| catalog.reserve_answer("ann", "key", &[1; 32], at(0)).unwrap();
    assert_eq!(ask(&doomed), Reserved::New);
    assert_eq!(ask(&other), Reserved::Running);
    assert_eq!(ask(&doomed), Reserved::RunningHere);
    place.kill(doomed);
    assert_eq!(ask(&other), Reserved::New);
    assert_eq!(ask(&other), Reserved::RunningHere);
}

pub(super) fn a_key_leads_to_the_job_that_was_started_under_it(place: &Place) {
    let (doomed, other) = (place.open(), place.open());
    let ask = |catalog: &Catalog, key: &str| catalog.reserve_answer("ann", key, &[1; 32], at(0)).unwrap();
    for key in ["key", "another"] {
        assert_eq!(ask(&doomed, key), Reserved::New);
    }
    let caller = Caller {
        key: Some("key".into()),
        ..ann()
    };
    let live = name("acme/live");
    let create = |catalog: &Catalog| {
        catalog.create_job_for(&caller, new(&live, &"ann".into()), at(0), &JobState::Running)
    };
    let (job, _) = create(&doomed).unwrap();
    // Whatever becomes of the answer, and of whoever worked on it.
    assert_eq!(ask(&doomed, "key"), Reserved::Started(job.id));
    assert_eq!(ask(&other, "key"), Reserved::Started(job.id));
    assert_eq!(ask(&other, "another"), Reserved::Running);
    place.kill(doomed);
    assert_eq!(ask(&other, "key"), Reserved::Started(job.id));
    assert_eq!(ask(&other, "another"), Reserved::New);
    // One that was not created is not bound.
    other.release_answer("ann", "key").unwrap();
    assert_eq!(ask(&other, "key"), Reserved::New);
    create(&other).unwrap_err();
    assert_eq!(ask(&other, "key"), Reserved::RunningHere);
}

pub(super) fn notes_are_kept_by_kind_and_name(place: &Place) {
    let (one, other) = (place.open(), place.open());
    one.set_note("journal", "acme/live", "{}", at(0)).unwrap();
    one.set_note("journal", "acme/live", "{\"a\":1}", at(5)).unwrap();
    one.set_note("plan", "acme/live", "{}", at(9)).unwrap();
    assert_eq!(
        other.note("journal", "acme/live").unwrap().as_deref(),
        Some("{\"a\":1}")
    );
    assert_eq!(other.note("journal", "beta/live").unwrap(), None);
    assert_eq!(other.notes("journal").unwrap(), ["acme/live"]);
    other.drop_note("journal", "acme/live").unwrap();
    other.drop_note("journal", "acme/live").unwrap();
    assert_eq!(one.notes("journal").unwrap(), Vec::<String>::new());
    one.drop_notes_before("plan", at(9)).unwrap();
    assert_eq!(one.notes("plan").unwrap(), ["acme/live"]);
    one.drop_notes_before("plan", at(10)).unwrap();
    assert_eq!(one.notes("plan").unwrap(), Vec::<String>::new());
}
