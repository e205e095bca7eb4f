//! Looking inside backups of tables, and inside Live: real bundles, a real repository, an engine.

use lifeboat::domain::explore::{
    BinaryPlace, By, Change, ChildrenRequest, DiffRequest, FindRequest, Finds, HistoryRequest, Kind, Looked,
    NodeDiffRequest, NodePath, NodeRequest, Source, Turn,
};
use lifeboat::engine::{Engine, EngineError, Live};
use lifeboat::jcr::namespaces::{JCR, MGNL, MIX, NT};
use lifeboat::jcr::{Binary, Child, Name, Node, NodeId, Property, PropertyType, Value, bundle, ids};

use crate::house::{House, back_up, make_workspace};

const PAGE: Name = Name::known(MGNL, "page");

pub fn name(local: &str) -> Name {
    Name {
        namespace: "".into(),
        local: local.to_owned().into(),
    }
}

pub fn id(number: u8) -> NodeId {
    if number == 0 { ids::ROOT } else { [number; 16] }
}

pub fn path(text: &str) -> NodePath {
    text.parse().unwrap()
}

/// A page with a title, below another one.
pub fn page(number: u8, parent: Option<u8>, title: &str, children: &[(&str, u8)]) -> Node {
    let text = |local: &str, values: Vec<Value>, kind| Property {
        name: name(local),
        kind,
        is_multiple: values.len() > 1,
        values,
        modified_count: 0,
    };
    Node {
        id: id(number),
        parent: parent.map(id),
        primary_type: PAGE,
        mixin_types: vec![Name::known(MIX, "lockable")],
        properties: vec![
            text(
                "title",
                vec![Value::String(title.to_owned())],
                PropertyType::String,
            ),
            text(
                "home",
                vec![Value::WeakReference(id(1))],
                PropertyType::WeakReference,
            ),
        ],
        children: children
            .iter()
            .map(|(local, child)| Child {
                name: name(local),
                id: id(*child),
            })
            .collect(),
        shared_set: Vec::new(),
        is_referenceable: true,
        modified_count: 0,
    }
}

/// Writes nodes into the website of an instance, in place of what is there of their ids.
pub fn write(house: &House, nodes: &[Node]) {
    let mut client = house.client("author");
    for node in nodes {
        let (high, low) = node.id.split_at(8);
        let half = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().unwrap());
        client
            .execute(
                "INSERT INTO pm_website_bundle VALUES ($1, $2, $3) ON CONFLICT (node_id_hi, node_id_lo) DO UPDATE SET \
                 bundle_data = EXCLUDED.bundle_data",
                &[&half(high), &half(low), &bundle::write(node).unwrap()],
            )
            .unwrap();
    }
}

/// A website: home with news and about, and what is in them.
pub fn house() -> House {
    let mut house = House::empty(&["author"], 0, &[]);
    house.keep.manual = 3;
    let mut client = house.client("author");
    make_workspace(&mut client, "public", "pm_website_");
    make_workspace(&mut client, "public", "version_");
    let mut picture = page(5, Some(1), "Picture", &[]);
    picture.primary_type = Name::known(NT, "resource");
    picture.properties.push(Property {
        name: Name::known(JCR, "data"),
        kind: PropertyType::Binary,
        is_multiple: false,
        values: vec![Value::Binary(Binary::Held(b"GIF89a\x05\0\x07\0"[..].into()))],
        modified_count: 0,
    });
    write(
        &house,
        &[
            page(0, None, "Root", &[("home", 1)]),
            page(1, Some(0), "Home", &[("news", 2), ("about", 3), ("picture", 5)]),
            page(2, Some(1), "News of the day", &[("item", 4), ("item", 6)]),
            page(3, Some(1), "About us", &[]),
            page(4, Some(2), "First \u{1b}[2J item", &[]),
            page(6, Some(2), "Second item", &[]),
            picture,
        ],
    );
    house
}

/// Asks until there is an answer.
pub fn answer<T>(mut ask: impl FnMut() -> Result<Looked<T>, EngineError>) -> T {
    for _ in 0..600 {
        match ask().unwrap() {
            Looked::Ready(answer) => return answer,
            Looked::Reading(_) => std::thread::yield_now(),
        }
    }
    panic!("there was no answer")
}

fn found(engine: &Engine, request: &FindRequest) -> Finds {
    let live = engine.live(&House::live()).unwrap();
    for _ in 0..600 {
        let finds = live.find(request).unwrap();
        if finds.is_over {
            return finds;
        }
    }
    panic!("the search did not end")
}

fn find(engine: &Engine, source: Option<Source>, by: By, text: &str) -> Vec<String> {
    let finds = found(
        engine,
        &FindRequest {
            environment: House::live(),
            source,
            by,
            text: text.to_owned(),
            below: NodePath::default(),
            from: 0,
            limit: 100,
        },
    );
    assert_eq!(finds.remarks, [""; 0]);
    let mut paths: Vec<_> = finds.finds.iter().map(|find| find.path.to_string()).collect();
    paths.sort();
    paths
}

fn children(engine: &Engine, source: &Source, of: &str) -> Vec<(String, Kind, u64)> {
    let live = engine.live(&House::live()).unwrap();
    let request = ChildrenRequest {
        environment: House::live(),
        source: source.clone(),
        path: path(of),
        from: 0,
        limit: 100,
    };
    let page = answer(|| live.children(&request));
    page.lines
        .into_iter()
        .map(|line| (format!("{}[{}]", line.name, line.index), line.kind, line.children))
        .collect()
}

#[test]
fn a_page_is_found_in_a_backup_and_in_live() {
    let house = house();
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    for source in [backup.clone(), Source::Live] {
        assert_eq!(
            children(&engine, &source, "/"),
            [("author[1]".to_owned(), Kind::Instance, 2)]
        );
        let workspaces = children(&engine, &source, "author");
        assert_eq!(workspaces.len(), 2);
        assert_eq!(workspaces[1].0, "website[1]");
        assert_eq!(
            children(&engine, &source, "/website/home"),
            [("news[1]", 2), ("about[1]", 0), ("picture[1]", 0)].map(|(name, count)| (
                name.to_owned(),
                Kind::Node,
                count
            ))
        );
        let items = children(&engine, &source, "author:/website/home/news");
        assert_eq!([&items[0].0, &items[1].0], ["item[1]", "item[2]"]);

        let live = engine.live(&House::live()).unwrap();
        let node = |of: &str, characters| {
            let request = NodeRequest {
                environment: House::live(),
                source: source.clone(),
                path: path(of),
                characters,
            };
            answer(|| live.node(&request))
        };
        let news = node("/website/home/news", 4);
        assert_eq!(news.id.as_deref(), Some("02020202-0202-0202-0202-020202020202"));
        assert_eq!(news.primary_type.as_deref(), Some("mgnl:page"));
        assert_eq!(news.mixin_types, ["mix:lockable"]);
        let title = &news.properties[1];
        assert_eq!(
            (title.name.as_str(), title.values[0].text.as_str()),
            ("title", "News")
        );
        assert!(title.values[0].is_cut() && title.values[0].length == 15);
        assert_eq!(
            news.properties[0].values[0].target,
            Some(path("author:/website/home"))
        );
        assert_eq!(
            node("/website/home/news/item[2]", 99).properties[1].values[0].text,
            "Second item"
        );
        let picture = node("/website/home/picture", 99);
        let data = picture.properties[1].values[0]
            .binary
            .clone()
            .or(picture.properties[0].values[0].binary.clone());
        let data = data.unwrap();
        assert_eq!(data.place, BinaryPlace::Node);
        assert_eq!(data.facts.as_deref(), Some("5 × 7 pixels"));

        assert_eq!(
            find(&engine, Some(source.clone()), By::Name, "NEW"),
            ["author:/website/home/news"]
        );
        assert_eq!(
            find(&engine, Some(source.clone()), By::Path, "home/ab"),
            ["author:/website/home/about"]
        );
        let by_id = find(
            &engine,
            Some(source.clone()),
            By::Id,
            "06060606-0606-0606-0606-060606060606",
        );
        assert_eq!(by_id, ["author:/website/home/news/item[2]"]);
        let by_text = find(&engine, Some(source.clone()), By::Text, "first \u{1b}");
        assert_eq!(by_text, ["author:/website/home/news/item"]);
        let request = ChildrenRequest {
            environment: House::live(),
            source: source.clone(),
            path: path("/website/nowhere"),
            from: 0,
            limit: 1,
        };
        let error = live.children(&request).unwrap_err();
        assert!(matches!(error, EngineError::NotThere(_)), "{error}");
        assert!(children(&engine, &source, "author:/.versions").is_empty());
    }
}

#[test]
fn what_happened_to_a_page_is_told_by_backups_and_live() {
    let house = house();
    let engine = house.engine();
    let first = Source::from(&back_up(&engine));
    house.pass(chrono::Duration::days(1));
    // The title changes, and a page is moved.
    write(
        &house,
        &[
            page(1, Some(0), "Home", &[("news", 2), ("picture", 5)]),
            page(
                2,
                Some(1),
                "Yesterday's news",
                &[("item", 4), ("item", 6), ("about-us", 3)],
            ),
            page(3, Some(2), "About us", &[]),
        ],
    );
    let engine = house.engine();
    let second = Source::from(&back_up(&engine));
    house.pass(chrono::Duration::days(1));
    // Everything of the news is deleted.
    write(&house, &[page(1, Some(0), "Home", &[("picture", 5)])]);
    let mut client = house.client("author");
    for gone in [2_u8, 3, 4, 6] {
        let half = i64::from_be_bytes([gone; 8]);
        client
            .execute("DELETE FROM pm_website_bundle WHERE node_id_hi = $1", &[&half])
            .unwrap();
    }
    let engine = house.engine();
    let live = engine.live(&House::live()).unwrap();
    let request = HistoryRequest {
        environment: House::live(),
        source: Some(first.clone()),
        path: path("author:/website/home/about"),
    };
    let history = answer(|| live.history(&request));
    let turns: Vec<_> = history.occurrences.iter().map(|what| what.turn.clone()).collect();
    assert_eq!(
        turns,
        [
            Turn::FirstSeen {
                path: path("author:/website/home/about")
            },
            Turn::Moved {
                from: path("author:/website/home/about"),
                to: path("author:/website/home/news/about-us"),
            },
            Turn::Deleted {
                from: path("author:/website/home/news/about-us")
            },
        ]
    );
    assert_eq!(history.first().unwrap().seen.source, first);
    assert_eq!(history.last().unwrap().seen.source, second);
    assert_eq!(history.occurrences[2].before.source, Source::Live);

    is_told_by_comparing(&live, first, second);
    // What was deleted is found in the backups that have it, the newest first.
    let finds = found(
        &engine,
        &FindRequest {
            environment: House::live(),
            source: None,
            by: By::Name,
            text: "about".to_owned(),
            below: NodePath::default(),
            from: 0,
            limit: 100,
        },
    );
    let paths: Vec<_> = finds.finds.iter().map(|find| find.path.to_string()).collect();
    assert_eq!(
        paths,
        ["author:/website/home/news/about-us", "author:/website/home/about"]
    );
}

fn is_told_by_comparing(live: &Live, first: Source, second: Source) {
    let request = DiffRequest {
        environment: House::live(),
        older: first.clone(),
        newer: second.clone(),
        below: NodePath::default(),
        from: 0,
        limit: 100,
    };
    let diff = answer(|| live.diff(&request));
    let lines: Vec<_> = diff
        .lines
        .iter()
        .map(|line| (line.change, line.path().unwrap().to_string()))
        .collect();
    assert_eq!(
        lines,
        [
            (Change::Changed, "author:/website/home/news".to_owned()),
            (Change::Moved, "author:/website/home/news/about-us".to_owned()),
        ]
    );
    let request = NodeDiffRequest {
        environment: House::live(),
        older: (first, diff.lines[0].older.clone()),
        newer: (second.clone(), diff.lines[0].newer.clone()),
        characters: 100,
    };
    let node = answer(|| live.node_diff(&request));
    assert_eq!(node.properties.len(), 1);
    assert_eq!(node.properties[0].name, "title");
    assert_eq!(
        node.properties[0].newer.as_ref().unwrap().values[0].text,
        "Yesterday's news"
    );
    let request = DiffRequest {
        environment: House::live(),
        older: second,
        newer: Source::Live,
        below: path("/website"),
        from: 0,
        limit: 100,
    };
    let diff = answer(|| live.diff(&request));
    assert_eq!((diff.totals.removed, diff.lines.len()), (4, 1));
    assert_eq!(diff.lines[0].below, 3);
}

#[test]
fn an_index_outlives_the_process_and_is_made_again_when_it_is_spoilt() {
    let house = house();
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    assert_eq!(children(&engine, &backup, "/website/home").len(), 3);
    let folder = house
        .path("state/cache/explore/acme/live")
        .join(backup.to_string());
    let indexes = || -> Vec<_> {
        let entries = std::fs::read_dir(&folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let made = indexes();
    assert_eq!(made.len(), 1);
    let since = std::fs::metadata(&made[0]).unwrap().len();
    let again = house.engine();
    assert_eq!(children(&again, &backup, "/website/home").len(), 3);
    assert_eq!(indexes(), made, "it was used, and not made again");
    // Cut short while nobody looks, damaged while it is in use, removed.
    let file = std::fs::OpenOptions::new().write(true).open(&made[0]).unwrap();
    file.set_len(since / 2).unwrap();
    assert_eq!(children(&house.engine(), &backup, "/website/home").len(), 3);
    assert_eq!(children(&again, &backup, "/website/home").len(), 3);
    std::fs::remove_dir_all(house.path("state/cache")).unwrap();
    assert_eq!(children(&again, &backup, "/website/home").len(), 3);
}
