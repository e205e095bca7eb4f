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
    By, Children, ChildrenRequest, DiffRequest, FindRequest, Finds, HistoryRequest, Looked, NodePath,
    NodeRequest, Source, Turn,
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
fn a_path_without_an_instance_is_asked_for_by_every_look() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let history = |of: &str| {
        let request = HistoryRequest {
            environment: House::live(),
            source: None,
            path: path(of),
        };
        answer(|| engine.of_house().history(&request))
    };
    let asked = history("/website/home.xml").unwrap_err().to_string();
    assert!(
        asked.contains("author and public-1") && asked.contains("write author:/website/home.xml"),
        "{asked}"
    );
    assert_eq!(
        children(&engine, "/website/home.xml").unwrap_err().to_string(),
        asked
    );
    let why = history("nosuch:/website/home.xml").unwrap_err().to_string();
    assert!(
        why.contains("no instance nosuch") && why.contains("author and public-1"),
        "{why}"
    );
    // Where there is one instance, it need not be said.
    let mut house = House::new();
    house.instances = vec!["author"];
    let engine = house.engine();
    back_up(&engine);
    let known = children(&engine, "/website").unwrap();
    assert_eq!(known.path.to_string(), "author:/website");
    let name = known.lines[0].name.clone();
    let request = HistoryRequest {
        environment: House::live(),
        source: None,
        path: path(&format!("/website/{name}")),
    };
    let history = answer(|| engine.of_house().history(&request)).unwrap();
    assert_eq!(history.path.to_string(), format!("author:/website/{name}"));
}

#[test]
fn nothing_that_is_nowhere_is_told_as_the_same() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let diff = |below: &str| {
        let request = DiffRequest {
            environment: House::live(),
            older: Source::Backup("manual".to_owned()),
            newer: Source::Live,
            below: path(below),
            from: 0,
            limit: 10,
        };
        answer(|| engine.of_house().diff(&request))
    };
    assert!(diff("author:/website").unwrap().totals.is_none());
    let why = diff("/website/nosuch").unwrap_err().to_string();
    assert!(why.contains("there is no /website/nosuch in"), "{why}");
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
fn a_folder_has_changed_when_a_file_below_it_has() {
    let house = parts::house();
    let engine = house.engine();
    back_up(&engine);
    let turns = || {
        let request = HistoryRequest {
            environment: House::live(),
            source: None,
            path: path("author:/website/home"),
        };
        let history = answer(|| engine.of_house().history(&request)).unwrap();
        (history.is_unchanged(), history.occurrences)
    };
    house.write("author", "website/home/news/first.xml", "another text");
    house.write("author", "website/home/news/third.xml", "third");
    house.remove("author", "website/home/about.xml");
    let (is_unchanged, turns) = turns();
    assert!(!is_unchanged && turns.len() == 2, "{turns:?}");
    assert_eq!(turns[1].turn, Turn::ChildrenChanged);
    let below = turns[1].below.clone().unwrap();
    assert_eq!(below.count, 3);
    // What is gone comes first.
    assert_eq!(below.names, ["about.xml", "news/first.xml", "news/third.xml"]);
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
