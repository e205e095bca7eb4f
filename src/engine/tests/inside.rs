//! Looking inside folders: where indexes are kept, and what is read of Live.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::house::{House, OfHouse, back_up, restore, undo};
use super::parts;
use crate::content::Content as _;
use crate::content::files::Files;
use crate::domain::explore::{
    By, Children, ChildrenRequest, DiffRequest, FindRequest, Finds, Looked, NodePath, NodeRequest, Source,
};
use crate::engine::{Engine, EngineError};

fn path(text: &str) -> NodePath {
    text.parse().unwrap()
}

/// Asks until there is an answer.
fn answer<T>(mut ask: impl FnMut() -> Result<Looked<T>, EngineError>) -> Result<T, EngineError> {
    loop {
        if let Looked::Ready(answer) = ask()? {
            return Ok(answer);
        }
    }
}

fn children(engine: &Engine, of: &str) -> Result<Children, EngineError> {
    let request = ChildrenRequest {
        environment: House::live(),
        source: Source::Live,
        path: path(of),
        from: 0,
        limit: 100,
    };
    answer(|| engine.of_house().children(&request))
}

pub(super) fn find(engine: &Engine, text: &str) -> Finds {
    let request = FindRequest {
        environment: House::live(),
        source: Some(Source::Live),
        by: By::Name,
        text: text.to_owned(),
        below: NodePath::default(),
        from: 0,
        limit: 100,
    };
    loop {
        let finds = engine.of_house().find(&request).unwrap();
        if finds.is_over {
            return finds;
        }
    }
}

#[test]
fn indexes_go_below_the_state_where_the_cache_cannot_be_written() {
    let mut house = House::new();
    house.cache = Some(house.path("cache"));
    fs::write(house.path("cache"), "no folder").unwrap();
    let engine = house.engine();
    assert_eq!(children(&engine, "author:/website").unwrap().total, 4);
    let finds = find(&engine, "page-0");
    assert_eq!((finds.total, finds.remarks), (6, Vec::new()));
    assert!(house.path("state/cache/explore").is_dir());
}

#[test]
fn what_cannot_be_indexed_is_told_and_never_left_out_silently() {
    let mut house = House::new();
    house.cache = Some(house.path("cache"));
    for file in ["cache", "state/cache"] {
        fs::create_dir_all(house.path("state")).unwrap();
        fs::write(house.path(file), "no folder").unwrap();
    }
    let engine = house.engine();
    let why = children(&engine, "author:/website").unwrap_err().to_string();
    for said in [
        "cannot be kept",
        &house.path("cache").display().to_string(),
        "room",
    ] {
        assert!(why.contains(said), "{why}");
    }
    let finds = find(&engine, "page-0");
    assert_eq!((finds.total, finds.remarks.len()), (0, 6), "{:?}", finds.remarks);
}

#[test]
fn a_file_whose_name_is_no_text_can_be_opened() {
    let house = House::new();
    let folder = house.root("author").join("website");
    fs::write(folder.join(OsStr::from_bytes(b"gr\xfc\xdfe")), "hello").unwrap();
    fs::write(folder.join("100%25"), "percent").unwrap();
    let engine = house.engine();
    let lines = children(&engine, "author:/website").unwrap().lines;
    for (name, size) in [("gr%FC%DFe", 5), ("100%25", 7)] {
        assert!(lines.iter().any(|line| line.name == name), "{lines:?}");
        let request = NodeRequest {
            environment: House::live(),
            source: Source::Live,
            path: path("author:/website").child(crate::domain::explore::Step::new(name)),
            characters: 100,
        };
        let node = answer(|| engine.of_house().node(&request)).unwrap();
        assert_eq!(node.content.unwrap().size, Some(size), "{name}");
    }
}

#[test]
fn a_workspace_that_is_not_there_is_told_with_those_that_are() {
    let house = House::new();
    let why = children(&house.engine(), "author:/nosuch").unwrap_err();
    assert!(matches!(why, EngineError::NotThere(_)), "{why}");
    assert!(why.to_string().contains("config, dam, website"), "{why}");
}

#[test]
fn live_is_seen_as_it_is_after_a_restore_and_after_its_undo() {
    let house = parts::house();
    let engine = house.engine();
    back_up(&engine);
    house.remove("author", "website/home/news");
    let has_news = || {
        // It is in the other instance all the time.
        let has_news = find(&engine, "news").total == 2;
        let difference = answer(|| {
            engine.of_house().diff(&DiffRequest {
                environment: House::live(),
                older: Source::Backup("manual".to_owned()),
                newer: Source::Live,
                below: path("author:/website"),
                from: 0,
                limit: 100,
            })
        });
        assert_eq!(difference.unwrap().lines.is_empty(), has_news);
        has_news
    };
    assert!(!has_news());
    restore(&engine, "manual", parts::parts(&["author:/website/home/news"]));
    assert!(has_news());
    undo(&engine);
    assert!(!has_news());
}

#[test]
fn only_the_workspace_that_is_asked_for_is_gone_through() {
    let house = House::new();
    // Whoever looks into dam meets something that is told.
    let _socket = UnixListener::bind(house.root("author").join("dam/socket")).unwrap();
    let files = Files::new(&house.root("author"));
    let mut met = Vec::new();
    let mut left_out = |what: String| met.push(what);
    let is_wanted = |workspace: &Path| workspace == Path::new("website");
    let items: Vec<_> = files
        .walk_in(&is_wanted, &mut left_out)
        .map(Result::unwrap)
        .collect();
    assert_eq!(items.len(), 5, "the workspace and its four pages");
    assert!(items.iter().all(|item| item.path.starts_with("website")));
    assert!(met.is_empty(), "{met:?}");
    assert_eq!(files.walk(&mut |what| met.push(what)).count(), 15);
    assert_eq!(met.len(), 1);
}
