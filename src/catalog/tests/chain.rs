//! The activity log as a chain.

use super::*;

fn write(catalog: &Catalog, entries: i64) {
    for number in 0..entries {
        catalog
            .add_activity(
                at(number),
                &ann(),
                Some(&name("acme/live")),
                "took a backup",
                Some(JobId(3)),
                Severity::Information,
            )
            .unwrap();
    }
}

fn broken(catalog: &Catalog) -> Option<u64> {
    catalog.verify_activity().unwrap().broken.map(|link| link.number)
}

pub(super) fn a_whole_chain_is_found_whole_and_says_how_long_it_is(place: &Place) {
    let (one, other) = (place.open(), place.open());
    let report = one.verify_activity().unwrap();
    assert_eq!((report.entries, report.broken), (0, None));
    write(&one, 2);
    write(&other, 2);
    write(&one, 1);
    let report = other.verify_activity().unwrap();
    assert_eq!((report.entries, report.broken), (5, None));
}

pub(super) fn whatever_is_changed_later_breaks_the_chain_there(place: &Place) {
    let catalog = place.open();
    write(&catalog, 6);
    for (change, undo, at) in [
        (
            "UPDATE activity SET what = 'took none' WHERE number = 3",
            "UPDATE activity SET what = 'took a backup' WHERE number = 3",
            3,
        ),
        (
            "UPDATE activity SET request = 'another' WHERE number = 1",
            "UPDATE activity SET request = NULL WHERE number = 1",
            1,
        ),
        (
            "UPDATE activity SET severity = 'no such' WHERE number = 6",
            "UPDATE activity SET severity = 'information' WHERE number = 6",
            6,
        ),
    ] {
        catalog.write(|session| session.run(change)).unwrap();
        assert_eq!(broken(&catalog), Some(at), "{change}");
        catalog.write(|session| session.run(undo)).unwrap();
        assert_eq!(broken(&catalog), None);
    }
    catalog
        .write(|session| session.run("DELETE FROM activity WHERE number = 6"))
        .unwrap();
    assert_eq!(broken(&catalog), Some(6), "the newest was taken away");
    catalog
        .write(|session| session.run("DELETE FROM activity WHERE number = 4"))
        .unwrap();
    assert_eq!(
        broken(&catalog),
        Some(5),
        "what followed the missing one shows it"
    );
    catalog
        .write(|session| session.run("DELETE FROM activity WHERE number = 1"))
        .unwrap();
    assert_eq!(broken(&catalog), Some(2), "the oldest was taken away");
}

pub(super) fn pruning_leaves_a_chain_that_can_be_checked(place: &Place) {
    let catalog = place.open();
    write(&catalog, 6);
    let prune = || catalog.write(|session| activity::prune(session, 2)).unwrap();
    prune();
    prune();
    let report = catalog.verify_activity().unwrap();
    assert_eq!((report.entries, report.broken), (2, None));
    write(&catalog, 3);
    let report = catalog.verify_activity().unwrap();
    assert_eq!((report.entries, report.broken), (5, None));
    catalog
        .write(|session| session.run("DELETE FROM activity WHERE number = 5"))
        .unwrap();
    assert_eq!(broken(&catalog), Some(6));
}

pub(super) fn entries_keep_where_they_came_from(place: &Place) {
    let catalog = place.open();
    let caller = Caller {
        who: "night\0shift".into(),
        person: None,
        from: Some("192.0.2.7".into()),
        key: None,
        request: Some("r-1".into()),
    };
    let written = catalog
        .add_activity(at(0), &caller, None, "a\0b", None, Severity::Warning)
        .unwrap();
    assert_eq!(written.from.as_deref(), Some("192.0.2.7"));
    assert_eq!(catalog.activity(1).unwrap(), [written]);
    assert_eq!(broken(&catalog), None);
}
