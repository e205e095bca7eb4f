//! Pages whose files cannot be read: they are told as that, wherever somebody looks, and never as gone or new.

use chrono::Duration;

use super::documents::{answer, children, diff, facts, history, house, news, path};
use super::house::{House, OfHouse, back_up, request};
use super::parts::parts;
use crate::domain::explore::{
    By, Change, Diff, DiffRequest, FindRequest, HistoryRequest, NodeDiffRequest, NodeRequest, NotRead,
    Readable, Source, Turn,
};
use crate::domain::slot::Keep;
use crate::engine::{Engine, EngineError};
use crate::watch::Unwatched;

const FILE: &str = "website/website.home.news.xml";

/// The page, cut off in the middle.
fn cut() -> String {
    let page = news("News");
    page[..page.len() - 20].to_owned()
}

/// What the only line says: the word, the path, how much is not compared, and why in the older and in the newer one.
fn only_line(diff: &Diff) -> (&'static str, String, u64, Option<&str>, Option<&str>) {
    let [line] = diff.lines.as_slice() else {
        panic!("{:?}", diff.lines)
    };
    let unreadable = line.unreadable.as_ref().unwrap();
    (
        line.label(),
        line.path().unwrap().within_workspace(),
        line.below,
        unreadable.older.as_deref(),
        unreadable.newer.as_deref(),
    )
}

fn compared(engine: &Engine, older: Source, newer: Source, below: &str) -> Result<Diff, EngineError> {
    let request = DiffRequest {
        environment: House::live(),
        older,
        newer,
        below: path(below),
        from: 0,
        limit: 100,
    };
    loop {
        if let crate::domain::explore::Looked::Ready(diff) = engine.of_house().diff(&request)? {
            return Ok(diff);
        }
    }
}

#[test]
fn a_page_whose_file_a_full_disk_or_a_loss_of_power_has_spoilt_is_not_told_as_removed() {
    for (spoilt, why) in [
        (String::new(), "it is empty"),
        ("\0".repeat(4096), "it begins with nothing but zeroes"),
    ] {
        let house = house();
        let engine = house.engine();
        let backup = Source::from(&back_up(&engine));
        house.write("author", FILE, &spoilt);
        let differs = diff(&engine, &backup, "author:/website");
        let told = only_line(&differs);
        assert_eq!((told.0, told.2, told.4), ("cannot be read", 2, Some(why)));
        assert_eq!(differs.totals.removed, 0);
    }
}

#[test]
fn a_page_whose_file_cannot_be_read_in_live_is_not_told_as_removed() {
    let house = house();
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    house.write("author", FILE, &cut());
    for below in [
        "author:/website",
        "author:/website/home/news",
        "/website/home/news",
        "author:/website/website.home.news.xml",
    ] {
        let differs = diff(&engine, &backup, below);
        let (label, at, not_compared, older, newer) = only_line(&differs);
        assert_eq!(
            (label, at.as_str(), not_compared),
            ("cannot be read", "/website.home.news.xml", 2)
        );
        assert_eq!(older, None);
        assert!(newer.unwrap().contains("ends in the middle"), "{newer:?}");
        assert_eq!(
            differs.lines[0].change,
            Change::Changed,
            "for those who know no other word"
        );
        let totals = differs.totals;
        assert_eq!(
            (totals.unreadable, totals.changed, totals.removed, totals.added),
            (1, 1, 0, 0)
        );
        assert_eq!(totals.known_to_have_changed(), 0, "it is told once");
        // A mark on the line is one on the file, which comes back as a whole.
        let file = path("author:/website/website.home.news.xml");
        assert_eq!(differs.lines[0].older.as_ref(), Some(&file));
    }
    // So what a mark on the line is planned with can be done.
    let file = "author:/website/website.home.news.xml";
    let live = engine.of_house();
    let plan = live.plan_restore(&request("manual", parts(&[file])), &Unwatched);
    let plan = plan.unwrap();
    assert!(plan.obstacles.is_empty(), "{:?}", plan.obstacles);
    // The other way round, as a plan is looked at.
    let planned = compared(&engine, Source::Live, backup.clone(), "author:/website").unwrap();
    let (label, _, not_compared, older, newer) = only_line(&planned);
    assert_eq!((label, not_compared), ("cannot be read", 2));
    assert!(older.is_some() && newer.is_none());
    assert_eq!(planned.totals.added, 0);
    // What differs in it says why as well.
    let request = NodeDiffRequest {
        environment: House::live(),
        older: (backup, differs_older(&planned)),
        newer: (Source::Live, differs_older(&planned)),
        characters: 100,
    };
    let of_file = answer(|| engine.of_house().node_diff(&request));
    let why = "author:/website/website.home.news.xml cannot be read in Live: ";
    assert!(
        of_file.remarks.iter().any(|remark| remark.starts_with(why)),
        "{:?}",
        of_file.remarks
    );
}

fn differs_older(diff: &Diff) -> Option<crate::domain::explore::NodePath> {
    diff.lines[0].older.clone()
}

#[test]
fn a_page_that_cannot_be_read_in_the_backup_is_not_told_as_new() {
    let house = house();
    house.write("author", FILE, &cut());
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    house.write("author", FILE, &news("News"));
    // Another page is gone, and told as that.
    house.remove("author", "website/home/about.xml");
    let differs = diff(&engine, &backup, "author:/website");
    let told: Vec<_> = differs
        .lines
        .iter()
        .map(|line| (line.label(), line.path().unwrap().within_workspace(), line.below))
        .collect();
    assert_eq!(
        told,
        [
            ("cannot be read", "/website.home.news.xml".to_owned(), 2),
            ("removed", "/home/about.xml".to_owned(), 1),
        ]
    );
    assert!(differs.lines[0].unreadable.as_ref().unwrap().older.is_some());
    assert_eq!((differs.totals.added, differs.totals.unreadable), (0, 1));
}

#[test]
fn what_cannot_be_read_in_either_is_not_said_to_be_the_same() {
    let mut house = house();
    house.keep = Keep {
        manual: 3,
        ..Keep::default()
    };
    house.write("author", FILE, &cut());
    house.write("author", "website/contact/page.xml", &"\0".repeat(4096));
    let engine = house.engine();
    let first = Source::from(&back_up(&engine));
    house.pass(Duration::minutes(1));
    let second = Source::from(&back_up(&engine));
    for newer in [Source::Live, second] {
        for (below, files) in [
            ("author:/", 2),
            ("author:/website", 2),
            ("author:/website/contact", 1),
            ("author:/dam", 0),
        ] {
            let differs = compared(&engine, first.clone(), newer.clone(), below);
            let Ok(differs) = differs else {
                assert_eq!(files, 0, "{below}");
                continue;
            };
            assert!(differs.totals.is_none() && differs.lines.is_empty());
            assert_eq!(differs.is_in_part(), files > 0);
            assert_eq!(
                differs.not_read.as_ref().map_or(0, |not_read| not_read.files),
                files
            );
        }
    }
    let differs = diff(&engine, &first, "author:/website/contact");
    assert_eq!(
        differs.not_read.unwrap().in_words(),
        "1 file cannot be read in either of the two, and was not compared: author:/website/contact/page.xml, \
         it begins with nothing but zeroes"
    );
    // One that differs has a line, and is counted there.
    house.write("author", FILE, "");
    house.pass(Duration::minutes(1));
    let third = Source::from(&back_up(&engine));
    let differs = compared(&engine, first, third, "author:/website").unwrap();
    let (label, _, _, older, newer) = only_line(&differs);
    assert_eq!(label, "cannot be read");
    assert!(older.is_some() && newer.is_some());
    assert_eq!(differs.not_read.unwrap().files, 1);
}

#[test]
fn a_history_says_that_nobody_can_tell_whether_the_page_is_there() {
    let mut house = house();
    house.keep = Keep {
        manual: 4,
        ..Keep::default()
    };
    let engine = house.engine();
    let back_up = || {
        house.pass(Duration::minutes(1));
        back_up(&engine)
    };
    let whole = back_up();
    house.write("author", FILE, &cut());
    let (first, second) = (back_up(), back_up());
    house.write("author", FILE, &news("Other news"));
    let again = back_up();
    let file = path("author:/website/website.home.news.xml");
    for (of, is_file) in [
        ("author:/website/home/news", false),
        ("author:/website/website.home.news.xml", true),
    ] {
        let told = history(&engine, of);
        let events: Vec<_> = told
            .occurrences
            .iter()
            .map(|event| (event.before.source.clone(), event.words()))
            .collect();
        let source = |id| Source::from(id);
        let mut expected = vec![
            (source(&whole), "in the oldest backup already"),
            (source(&first), "cannot be read"),
            (source(&again), "can be read again"),
            (source(&again), "changed"),
        ];
        if is_file {
            expected.push((source(&again), "changed below"));
        }
        assert_eq!(events, expected, "{of}");
        for event in &told.occurrences {
            assert!(
                !matches!(event.turn, Turn::Deleted { .. } | Turn::Back { .. }),
                "{event:?}"
            );
        }
        let Some(Readable::Not(NotRead { file: at, why })) = &told.occurrences[1].readable else {
            panic!("{:?}", told.occurrences[1])
        };
        assert_eq!(*at, file);
        assert!(why.contains("ends in the middle"), "{why}");
        let not_read: Vec<_> = told
            .sights
            .iter()
            .filter(|sight| sight.not_read.is_some())
            .map(|sight| sight.seen.source.clone())
            .collect();
        assert_eq!(not_read, [source(&first), source(&second)]);
        assert!(!told.is_unchanged());
    }
}

#[test]
fn a_page_that_was_deleted_is_told_as_that_once_and_as_back_whatever_cannot_be_read_in_between() {
    let mut house = house();
    house.keep = Keep {
        manual: 5,
        ..Keep::default()
    };
    let engine = house.engine();
    let back_up = || {
        house.pass(Duration::minutes(1));
        Source::from(&back_up(&engine))
    };
    let whole = back_up();
    house.remove("author", FILE);
    let gone = back_up();
    house.write("author", FILE, &cut());
    let unread = back_up();
    house.remove("author", FILE);
    back_up();
    house.write("author", FILE, &news("News"));
    let back = back_up();
    let told = history(&engine, "author:/website/home/news");
    let events: Vec<_> = told
        .occurrences
        .iter()
        .map(|event| (event.before.source.clone(), event.words()))
        .collect();
    assert_eq!(
        events,
        [
            (whole, "in the oldest backup already"),
            (gone, "deleted"),
            (unread, "cannot be read"),
            (back, "there again"),
        ]
    );
}

#[test]
fn where_a_page_would_be_is_said_with_why_it_is_not_found() {
    let house = house();
    house.write("author", FILE, &cut());
    house.write("author", "website/contact/page.xml", &cut());
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    let why = |of: &str| {
        let request = NodeRequest {
            environment: House::live(),
            source: backup.clone(),
            path: path(of),
            characters: 100,
        };
        loop {
            match engine.of_house().node(&request) {
                Ok(crate::domain::explore::Looked::Reading(_)) => {}
                Ok(found) => panic!("{found:?}"),
                Err(error) => return error.to_string(),
            }
        }
    };
    for (of, told) in [
        (
            "author:/website/home/news",
            "if it is anywhere, in author:/website/website.home.news.xml",
        ),
        (
            "author:/website/website.home.news.xml/news",
            "It may be in author:/website/website.home.news.xml",
        ),
        (
            "author:/website/contact/main",
            "if it is anywhere, in author:/website/contact/page.xml",
        ),
    ] {
        let why = why(of);
        assert!(
            why.contains(told) && why.contains("ends in the middle"),
            "{of}: {why}"
        );
    }
    let nowhere = why("author:/website/home/nowhere");
    assert!(!nowhere.contains("may be"), "{nowhere}");
    // The same where all of the sources are looked through.
    let request = HistoryRequest {
        environment: House::live(),
        source: None,
        path: path("author:/website/home/news"),
    };
    let told = loop {
        match engine.of_house().history(&request) {
            Ok(crate::domain::explore::Looked::Reading(_)) => {}
            Ok(found) => panic!("{found:?}"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(told.contains("cannot be read in Live: "), "{told}");
    let told = compared(&engine, backup.clone(), Source::Live, "author:/website/home/news").unwrap_err();
    assert!(told.to_string().contains("cannot be read in"), "{told}");
    // What can be read is found as ever, and a file that is only a file is told by its path.
    assert_eq!(
        facts(&engine, &backup, "author:/website/home/about").property_count,
        1
    );
    assert_eq!(children(&engine, &backup, "author:/website/contact").total, 1);
}

#[test]
fn whoever_searches_a_page_in_a_file_that_cannot_be_read_is_told_of_that() {
    let house = house();
    house.write("author", FILE, &cut());
    house.write("author", "website/contact/page.xml", &cut());
    let engine = house.engine();
    back_up(&engine);
    let found = |by: By, text: &str, source: Option<Source>, below: Option<&str>| {
        let request = FindRequest {
            environment: House::live(),
            source,
            by,
            text: text.to_owned(),
            below: below.map(path).unwrap_or_default(),
            from: 0,
            limit: 100,
        };
        loop {
            let finds = engine.of_house().find(&request).unwrap();
            if finds.is_over {
                return finds;
            }
        }
    };
    // The same files cannot be read in the backup and in Live: they are two.
    for source in [Some(Source::Live), None] {
        for (by, text) in [(By::Name, "news"), (By::Text, "Ahoy"), (By::Path, "/home/news")] {
            let finds = found(by, text, source.clone(), None);
            assert!(
                finds.remarks.is_empty(),
                "the rest was searched: {:?}",
                finds.remarks
            );
            let not_read = finds.not_read.unwrap();
            assert_eq!(not_read.files, 2);
            assert!(not_read.first.why.contains("ends in the middle"));
            let words = not_read.in_words();
            assert!(
                words.starts_with(
                    "2 files cannot be read, and nothing in them is found; the first is author:/website/"
                ),
                "{words}"
            );
        }
    }
    let below = found(
        By::Name,
        "main",
        Some(Source::Live),
        Some("author:/website/contact"),
    );
    let words = below.not_read.unwrap().in_words();
    assert!(
        words.starts_with(
            "1 file cannot be read, and nothing in it is found: author:/website/contact/page.xml in Live, "
        ),
        "{words}"
    );
    let elsewhere = found(By::Name, "page", Some(Source::Live), Some("author:/dam"));
    assert_eq!(elsewhere.not_read, None);
}
