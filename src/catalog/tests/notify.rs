//! What waits for receivers: put in by whoever does something, taken out by one at a time.

use chrono::Duration as Span;

use super::*;

fn outgoing(receiver: &str, text: &str, seconds: i64) -> Outgoing {
    Outgoing {
        receiver: receiver.to_owned(),
        folds: text.to_owned(),
        happened: at(seconds),
        not_before: at(seconds),
        held: false,
        fold: Span::hours(1),
        gives_up: at(seconds) + Span::days(1),
        record: format!("\"{text}\""),
    }
}

fn texts(bag: &Bag) -> Vec<(&str, u64, bool)> {
    let rows = bag.waiting.iter();
    rows.map(|row| (row.record.as_str(), row.times, row.follows))
        .collect()
}

fn take(catalog: &Catalog, seconds: i64) -> Vec<Bag> {
    catalog.take_bags(&["ops", "mail"], at(seconds)).unwrap()
}

fn taken(catalog: &Catalog, bag: &Bag, seconds: i64) {
    let fates: Vec<_> = bag.waiting.iter().map(|row| (row, Fate::Taken)).collect();
    let again = at(seconds) + Span::hours(1);
    catalog.settle_bag(bag, &fates, None, again, at(seconds)).unwrap();
}

pub(super) fn a_receiver_is_in_the_hands_of_one_at_a_time(place: &Place) {
    let (one, other) = (place.open(), place.open());
    one.post(&[outgoing("ops", "a", 0), outgoing("mail", "a", 0)])
        .unwrap();
    one.post(&[outgoing("ops", "b", 1)]).unwrap();
    let bags = take(&one, 5);
    assert_eq!(bags.len(), 2);
    assert_eq!(texts(&bags[0]), [("\"a\"", 1, false), ("\"b\"", 1, false)]);
    assert_eq!(take(&other, 5), [], "they are in the hands of the first");
    taken(&one, &bags[0], 6);
    assert_eq!(
        take(&other, 6),
        [],
        "nothing is left for one, and the other is still in its hands"
    );
    taken(&one, &bags[1], 6);
    let rows = other.receivers(&["ops", "mail", "new"]).unwrap();
    assert_eq!(rows[0].taken, Some(at(6)));
    assert_eq!((rows[1].waiting, rows[2].waiting), (0, 0));
}

pub(super) fn what_a_dead_lifeboat_had_in_its_hands_is_delivered_by_another(place: &Place) {
    let (one, other) = (place.open(), place.open());
    one.post(&[outgoing("ops", "a", 0)]).unwrap();
    let number = take(&one, 1)[0].waiting[0].number;
    assert_eq!(take(&other, 1), []);
    place.kill(one);
    let bags = take(&other, 1);
    assert_eq!(bags[0].waiting[0].number, number, "under the same number");
}

pub(super) fn a_receiver_that_takes_nothing_is_left_alone_until_its_time(place: &Place) {
    let one = place.open();
    one.post(&[outgoing("ops", "a", 0)]).unwrap();
    let bags = take(&one, 1);
    let fates = [(&bags[0].waiting[0], Fate::Tried)];
    one.settle_bag(&bags[0], &fates, Some(("it is down", at(20))), at(9), at(2))
        .unwrap();
    assert_eq!(take(&one, 19), []);
    assert_eq!(one.next_mail(&["ops"]).unwrap(), Some(at(20)));
    assert_eq!(one.next_mail(&["mail"]).unwrap(), None);
    let row = &one.receivers(&["ops"]).unwrap()[0];
    assert_eq!(
        (row.since, row.not_before, row.waiting),
        (Some(at(2)), Some(at(20)), 1)
    );
    assert_eq!(row.why.as_deref(), Some("it is down"));
    drop(one);
    let bags = take(&place.open(), 20);
    assert_eq!((bags[0].failures, bags[0].waiting[0].tries), (1, 1));
}

pub(super) fn repeats_are_counted_where_one_like_them_waits_or_was_told(place: &Place) {
    let one = place.open();
    for seconds in 0..3 {
        one.post(&[outgoing("ops", "a", seconds)]).unwrap();
    }
    let bags = take(&one, 5);
    assert_eq!(texts(&bags[0]), [("\"a\"", 3, false)]);
    // What happens while it is told is not lost.
    one.post(&[outgoing("ops", "a", 6)]).unwrap();
    taken(&one, &bags[0], 7);
    assert_eq!(take(&one, 8), []);
    let bags = take(&one, 7 + 3600);
    assert_eq!(texts(&bags[0]), [("\"a\"", 1, true)]);
    taken(&one, &bags[0], 7 + 3600);
    one.post(&[outgoing("ops", "a", 4000), outgoing("ops", "b", 4000)])
        .unwrap();
    assert_eq!(
        texts(&take(&one, 4001)[0]),
        [("\"b\"", 1, false)],
        "the first was told less than an hour ago"
    );
}

pub(super) fn what_everybody_sees_is_told_by_one(place: &Place) {
    let (one, other) = (place.open(), place.open());
    let late = [outgoing("ops", "late", 0)];
    assert!(one.post_once("late|acme/live|0", at(0), &late).unwrap());
    assert!(!other.post_once("late|acme/live|0", at(1), &late).unwrap());
    assert_eq!(texts(&take(&other, 2)[0]), [("\"late\"", 1, false)]);
}

pub(super) fn what_was_begun_is_told_again_in_the_same_parcel(place: &Place) {
    let (one, other) = (place.open(), place.open());
    one.post(&[outgoing("ops", "a", 0), outgoing("ops", "b", 0)])
        .unwrap();
    let bag = take(&one, 1).remove(0);
    assert_eq!(bag.begun, None);
    let begun = Begun {
        id: "parcel".into(),
        waiting: bag.waiting.clone(),
        had: vec!["olga@example.com".into()],
    };
    one.begin_parcel(&bag, &begun, at(1)).unwrap();
    other
        .post(&[outgoing("ops", "a", 2), outgoing("ops", "c", 2)])
        .unwrap();
    place.kill(one);
    let bag = take(&other, 3).remove(0);
    assert_eq!(bag.begun.as_ref(), Some(&begun), "without what came after");
    let fates: Vec<_> = begun.waiting.iter().map(|row| (row, Fate::Unknown)).collect();
    other
        .settle_bag(&bag, &fates, Some(("it is down", at(20))), at(9), at(4))
        .unwrap();
    let bag = take(&other, 20).remove(0);
    let again = bag.begun.clone().unwrap();
    assert_eq!((again.id.as_str(), again.waiting.len()), ("parcel", 2));
    assert_eq!((again.waiting[0].times, again.waiting[0].tries), (1, 1));
    let fates: Vec<_> = again.waiting.iter().map(|row| (row, Fate::Taken)).collect();
    other.settle_bag(&bag, &fates, None, at(3600), at(20)).unwrap();
    let bag = take(&other, 21).remove(0);
    assert_eq!(bag.begun, None);
    assert_eq!(texts(&bag), [("\"c\"", 1, false)]);
    let rest = take(&other, 3600).remove(0);
    assert_eq!(texts(&rest)[0], ("\"a\"", 1, true), "what came after is a repeat");
}

pub(super) fn what_was_settled_in_part_is_never_counted_below_nothing(place: &Place) {
    let one = place.open();
    let post = |folds: &str| one.post(&[outgoing("ops", folds, 0)]).unwrap();
    ["a", "a", "a", "b"].into_iter().for_each(post);
    let bag = take(&one, 1).remove(0);
    let begun = Begun {
        id: "parcel".into(),
        waiting: bag.waiting.clone(),
        had: Vec::new(),
    };
    one.begin_parcel(&bag, &begun, at(1)).unwrap();
    post("a");
    let fates = [
        (&begun.waiting[0], Fate::GivenUp),
        (&begun.waiting[1], Fate::Unknown),
    ];
    one.settle_bag(&bag, &fates, Some(("it is down", at(20))), at(9), at(2))
        .unwrap();
    let bag = take(&one, 20).remove(0);
    let again = bag.begun.clone().unwrap();
    let times: Vec<_> = again.waiting.iter().map(|row| row.times).collect();
    assert_eq!(times, [1, 1]);
    let fates: Vec<_> = again.waiting.iter().map(|row| (row, Fate::Taken)).collect();
    one.settle_bag(&bag, &fates, None, at(3600), at(20)).unwrap();
    assert_eq!(take(&one, 7200), []);
    assert_eq!(one.receivers(&["ops"]).unwrap()[0].waiting, 0);
}

pub(super) fn what_has_changed_in_between_is_no_repeat(place: &Place) {
    let one = place.open();
    let failed = |seconds| {
        one.post(&[outgoing("ops", "backup_failed|acme/live|x", seconds)])
            .unwrap();
    };
    let texts = |bags: &[Bag]| -> Vec<(u64, bool)> {
        let rows = bags.iter().flat_map(|bag| &bag.waiting);
        rows.map(|row| (row.times, row.follows)).collect()
    };
    failed(0);
    let bags = take(&one, 1);
    taken(&one, &bags[0], 1);
    failed(10);
    assert_eq!(take(&one, 11), [], "it is a repeat, and waits");
    // Neither another environment's nor another topic's.
    let other = [
        "backup_failed|acme_live|".to_owned(),
        "backup_done|acme/live|".to_owned(),
    ];
    one.end_folding(&other, at(12)).unwrap();
    assert_eq!(take(&one, 12), []);
    let these = ["backup_failed|acme/live|".to_owned()];
    one.end_folding(&these, at(20)).unwrap();
    let bags = take(&one, 20);
    assert_eq!(texts(&bags), [(1, true)], "it is told before what has ended it");
    failed(21);
    taken(&one, &bags[0], 22);
    let bags = take(&one, 22);
    assert_eq!(texts(&bags), [(1, false)], "a new failure is told at once");
    // One that comes and ends while the one before is told does not wait.
    failed(23);
    one.end_folding(&these, at(24)).unwrap();
    taken(&one, &bags[0], 25);
    assert_eq!(texts(&take(&one, 25)), [(1, true)]);
}

pub(super) fn a_clock_that_was_ahead_keeps_nothing_back(place: &Place) {
    const MONTH: i64 = 30 * 24 * 3600;
    let one = place.open();
    // What was not taken then, and what was left by one that was killed then.
    one.post(&[outgoing("ops", "a", MONTH)]).unwrap();
    let bags = take(&one, MONTH);
    let fates = [(&bags[0].waiting[0], Fate::Tried)];
    let next = at(MONTH) + Span::minutes(1);
    one.settle_bag(&bags[0], &fates, Some(("it is down", next)), at(9), at(MONTH))
        .unwrap();
    one.post(&[outgoing("mail", "b", MONTH)]).unwrap();
    let bags = take(&one, 5);
    assert_eq!(bags.len(), 2);
    assert!(
        bags.iter()
            .all(|bag| bag.waiting[0].gives_up == at(5) + Span::days(1)),
        "{bags:?}"
    );
    assert_eq!(one.receivers(&["ops"]).unwrap()[0].since, Some(at(5)));
    for bag in &bags {
        taken(&one, bag, 6);
    }
    // What was told then hides no repeat of now.
    one.post(&[outgoing("ops", "c", MONTH)]).unwrap();
    let bags = take(&one, MONTH);
    taken(&one, &bags[0], MONTH);
    one.post(&[outgoing("ops", "c", 100)]).unwrap();
    let bags = take(&one, 100);
    taken(&one, &bags[0], 100);
    one.post(&[outgoing("ops", "c", 110)]).unwrap();
    assert_eq!(take(&one, 110), []);
    // Of a time that has not come nothing was told for good.
    let late = [outgoing("ops", "late", 0)];
    assert!(one.post_once("late", at(MONTH), &late).unwrap());
    assert!(one.post_once("late", at(200), &late).unwrap());
    assert!(!one.post_once("late", at(201), &late).unwrap());
}

fn others(catalog: &Catalog, seconds: i64) -> Vec<String> {
    catalog
        .delivered_by_another(&["ops", "mail"], at(seconds))
        .unwrap()
}

pub(super) fn who_delivers_is_known_for_as_long_as_it_lives(place: &Place) {
    let (service, verb) = (place.open(), place.open());
    assert_eq!(others(&verb, 0), [""; 0]);
    service.delivers_to(&["ops", "chat"], at(0)).unwrap();
    assert_eq!(others(&verb, 0), ["ops"]);
    assert_eq!(others(&service, 0), [""; 0], "it leaves nothing to itself");
    service.delivers_to(&["mail"], at(1)).unwrap();
    assert_eq!(others(&verb, 1), ["mail"], "it was configured anew");
    service.delivers_no_more().unwrap();
    assert_eq!(others(&verb, 1), [""; 0]);

    service.delivers_to(&["ops"], at(2)).unwrap();
    place.kill(service);
    assert_eq!(others(&verb, 2), [""; 0]);
    let next = place.open();
    next.delivers_to(&["mail"], at(3)).unwrap();
    assert_eq!(others(&verb, 3), ["mail"]);
    assert_eq!(
        verb.notes("courier").unwrap(),
        [next.presence.number().to_string()]
    );
}

pub(super) fn whoever_lives_and_leaves_things_lying_does_not_deliver(place: &Place) {
    let (service, verb) = (place.open(), place.open());
    service.delivers_to(&["ops", "mail"], at(0)).unwrap();
    verb.post(&[outgoing("ops", "a", 0)]).unwrap();
    let moves = |seconds| service.delivers_to(&["ops", "mail"], at(seconds)).unwrap();
    moves(50);
    assert_eq!(others(&verb, 59), ["ops", "mail"]);
    assert_eq!(others(&verb, 61), ["mail"]);
    // One that is in somebody's hands, or that has its pause, does not lie about.
    let bags = take(&service, 61);
    moves(199);
    assert_eq!(others(&verb, 200), ["ops", "mail"]);
    let fates = [(&bags[0].waiting[0], Fate::Tried)];
    service
        .settle_bag(&bags[0], &fates, Some(("it is down", at(300))), at(300), at(200))
        .unwrap();
    moves(350);
    assert_eq!(others(&verb, 359), ["ops", "mail"]);
    assert_eq!(others(&verb, 361), ["mail"]);
}

#[test]
fn a_process_that_has_not_moved_for_20_seconds_delivers_nothing() {
    let place = Place::file();
    let (service, verb) = (place.open(), place.open());
    let moves = |seconds| service.delivers_to(&["ops"], at(seconds)).unwrap();
    moves(0);
    assert_eq!(others(&verb, 20), ["ops"]);
    assert_eq!(others(&verb, 21), [""; 0]);
    // Said so often no more than it has to be, and without a change of the catalog.
    let seen = verb.seen_so_far().unwrap();
    moves(4);
    assert_eq!(others(&verb, 21), [""; 0]);
    moves(5);
    assert_eq!(others(&verb, 25), ["ops"]);
    assert_eq!(verb.seen_so_far().unwrap(), seen);
    // A clock that was ahead is set right.
    assert_eq!(others(&verb, -100), [""; 0]);
    moves(-100);
    assert_eq!(others(&verb, -100), ["ops"]);
    // What was cleared away while it stood still is said again.
    verb.delivers_to(&["mail"], at(0)).unwrap();
    assert_eq!(verb.notes("courier").unwrap().len(), 1);
    moves(1);
    assert_eq!(others(&verb, 1), ["ops"]);
}
