//! Nodes in files of folders: seen, found, followed and compared, in backups and in Live; what cannot be read is a file.

use std::fs;

use super::house::{House, OfHouse, back_up};
use crate::domain::explore::{
    By, Change, Children, ChildrenRequest, Diff, DiffRequest, ExportForm, ExportRequest, Find, FindRequest,
    HistoryRequest, Kind, Line, Looked, NodeDiffRequest, NodeFacts, NodeHistory, NodePath, NodeRequest,
    Source, Turn, VersionsRequest,
};
use crate::engine::{Engine, EngineError};
use crate::jcr::document::{Limits, Placed};
use crate::jcr::xml::read::read;

const HOME_ID: &str = "11111111-0000-4000-8000-000000000001";
const NEWS_ID: &str = "11111111-0000-4000-8000-000000000002";
const TEXT_ID: &str = "11111111-0000-4000-8000-000000000003";

pub(super) fn path(text: &str) -> NodePath {
    text.parse().unwrap()
}

/// Asks until there is an answer.
pub(super) fn answer<T>(mut ask: impl FnMut() -> Result<Looked<T>, EngineError>) -> T {
    loop {
        if let Looked::Ready(answer) = ask().unwrap() {
            return answer;
        }
    }
}

fn property(name: &str, kind: &str, value: &str) -> String {
    format!("<sv:property sv:name=\"{name}\" sv:type=\"{kind}\"><sv:value>{value}</sv:value></sv:property>")
}

/// A node of a system view, with everything in it.
fn node(name: &str, id: &str, kind: &str, inner: &str) -> String {
    format!(
        "<sv:node sv:name=\"{name}\" xmlns:sv=\"http://www.jcp.org/jcr/sv/1.0\" xmlns:jcr=\"http://www.jcp.org/jcr/1.0\" \
         xmlns:mgnl=\"http://www.magnolia.info/jcr/mgnl\">{}{}{inner}</sv:node>",
        property("jcr:primaryType", "Name", kind),
        property("jcr:uuid", "String", id),
    )
}

/// The page `news`, as Magnolia exports it.
pub(super) fn news(title: &str) -> String {
    let text = node(
        "00",
        TEXT_ID,
        "mgnl:component",
        &(property("text", "String", "Ahoy in the harbour") + &property("image", "Binary", "AAEC/w==")),
    );
    let inner = property("title", "String", title) + &property("order", "Long", "7") + &text;
    node("news", NEWS_ID, "mgnl:page", &inner)
}

const CONFIG: &str = "\
'server':
  'jcr:primaryType': 'mgnl:content'
  'filters':
    'jcr:primaryType': 'mgnl:contentNode'
    'enabled': true
    'class': 'info.magnolia.Filter'
    'order': 12
";

/// Content with a file of each kind.
pub(super) fn house() -> House {
    let house = House::new();
    for (file, text) in [
        ("website/website.home.news.xml", news("News")),
        ("website/home/about.xml", "<about xmlns:jcr=\"http://www.jcp.org/jcr/1.0\" \
            xmlns:mgnl=\"http://www.magnolia.info/jcr/mgnl\" jcr:primaryType=\"mgnl:page\" title=\"Über uns\"/>".to_owned()),
        ("website/contact/page.xml", node("contact", HOME_ID, "mgnl:page", &property("title", "String", "Write to us"))),
        ("config/config.server.yaml", CONFIG.to_owned()),
        ("config/app.yaml", "class: info.magnolia.App\nicon: icon\n".to_owned()),
    ] {
        house.write("author", file, &text);
    }
    house
}

pub(super) fn children(engine: &Engine, source: &Source, of: &str) -> Children {
    let request = ChildrenRequest {
        environment: House::live(),
        source: source.clone(),
        path: path(of),
        from: 0,
        limit: 100,
    };
    answer(|| engine.of_house().children(&request))
}

fn line<'l>(children: &'l Children, name: &str) -> &'l Line {
    let mut lines = children.lines.iter();
    lines
        .find(|line| line.name == name)
        .unwrap_or_else(|| panic!("no {name} in {children:?}"))
}

pub(super) fn facts(engine: &Engine, source: &Source, of: &str) -> NodeFacts {
    let request = NodeRequest {
        environment: House::live(),
        source: source.clone(),
        path: path(of),
        characters: 100,
    };
    answer(|| engine.of_house().node(&request))
}

fn find(engine: &Engine, source: &Source, by: By, text: &str) -> Vec<Find> {
    let request = FindRequest {
        environment: House::live(),
        source: Some(source.clone()),
        by,
        text: text.to_owned(),
        below: path("author:/"),
        from: 0,
        limit: 100,
    };
    loop {
        let finds = engine.of_house().find(&request).unwrap();
        if finds.is_over {
            assert!(finds.remarks.is_empty(), "{:?}", finds.remarks);
            return finds.finds;
        }
    }
}

pub(super) fn diff(engine: &Engine, older: &Source, below: &str) -> Diff {
    let request = DiffRequest {
        environment: House::live(),
        older: older.clone(),
        newer: Source::Live,
        below: path(below),
        from: 0,
        limit: 100,
    };
    answer(|| engine.of_house().diff(&request))
}

fn lines(diff: &Diff) -> Vec<(Change, String)> {
    let lines = diff.lines.iter();
    lines
        .map(|line| (line.change, line.path().unwrap().within_workspace()))
        .collect()
}

pub(super) fn history(engine: &Engine, of: &str) -> NodeHistory {
    let request = HistoryRequest {
        environment: House::live(),
        source: None,
        path: path(of),
    };
    answer(|| engine.of_house().history(&request))
}

/// The values of a property, as texts.
fn values(facts: &NodeFacts, name: &str) -> Vec<String> {
    let mut properties = facts.properties.iter();
    let property = properties.find(|property| property.name == name).unwrap();
    property.values.iter().map(|value| value.text.clone()).collect()
}

#[test]
fn nodes_are_below_their_files_in_backups_and_in_live() {
    let house = house();
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    for source in [backup, Source::Live] {
        let website = children(&engine, &source, "author:/website");
        let file = line(&website, "website.home.news.xml");
        assert_eq!((file.kind, file.children, &file.id), (Kind::File, 1, &None));
        let of_file = facts(&engine, &source, "author:/website/website.home.news.xml");
        assert_eq!(of_file.content.unwrap().size, Some(news("News").len() as u64));
        assert!(of_file.remarks.is_empty());

        let inside = children(&engine, &source, "author:/website/website.home.news.xml");
        let page = line(&inside, "news");
        assert_eq!((page.kind, page.id.as_deref()), (Kind::Node, Some(NEWS_ID)));
        assert_eq!(page.primary_type.as_deref(), Some("mgnl:page"));
        let page = facts(&engine, &source, "author:/website/website.home.news.xml/news");
        assert_eq!(values(&page, "title"), ["News"]);
        assert_eq!(values(&page, "order"), ["7"]);
        assert_eq!(page.id.as_deref(), Some(NEWS_ID));
        let text = facts(&engine, &source, "author:/website/website.home.news.xml/news/00");
        let image = text
            .properties
            .iter()
            .find(|property| property.name == "image")
            .unwrap();
        assert_eq!(image.values[0].binary.as_ref().unwrap().size, Some(4));

        // A document view, without an id, and YAML.
        let about = facts(&engine, &source, "author:/website/home/about.xml/about");
        assert_eq!(
            (about.id.as_deref(), values(&about, "title")),
            (None, vec!["Über uns".to_owned()])
        );
        let filters = facts(
            &engine,
            &source,
            "author:/config/config.server.yaml/server/filters",
        );
        assert_eq!(values(&filters, "enabled"), ["true"]);
        assert_eq!(filters.primary_type.as_deref(), Some("mgnl:contentNode"));
        let other = facts(&engine, &source, "author:/config/app.yaml");
        assert_eq!(
            (other.kind, other.children, other.remarks.len()),
            (Kind::File, 0, 0)
        );

        let versions = VersionsRequest {
            environment: House::live(),
            source,
            path: path("author:/website/website.home.news.xml/news"),
        };
        assert!(answer(|| engine.of_house().versions(&versions)).remark.is_some());
    }
}

#[test]
fn the_path_that_a_node_has_in_magnolia_leads_to_it() {
    let house = house();
    // A page that is a folder too, and one that is in the export of what it is in.
    house.write(
        "author",
        "website/home.xml",
        &node(
            "home",
            HOME_ID,
            "mgnl:page",
            &node("main", TEXT_ID, "mgnl:area", ""),
        ),
    );
    let engine = house.engine();
    for (asked, told) in [
        ("author:/website/home/news", "/website.home.news.xml/news"),
        ("author:/website/home/news/00", "/website.home.news.xml/news/00"),
        ("author:/website/home/about", "/home/about.xml/about"),
        ("author:/website/home/main", "/home.xml/home/main"),
        ("author:/website/home", "/home"),
        (
            "author:/config/server/filters",
            "/config.server.yaml/server/filters",
        ),
    ] {
        let facts = facts(&engine, &Source::Live, asked);
        assert_eq!(facts.path.within_workspace(), told, "{asked}");
        let children = children(&engine, &Source::Live, asked);
        assert_eq!(children.path.within_workspace(), told, "{asked}");
    }
    // What is called as the folder that it is in.
    house.write(
        "author",
        "website/contact/more/page.xml",
        &node(
            "more",
            NEWS_ID,
            "mgnl:page",
            &node("main", TEXT_ID, "mgnl:area", ""),
        ),
    );
    let engine = house.engine_with_state("other");
    let main = facts(&engine, &Source::Live, "author:/website/contact/more/main");
    assert_eq!(main.path.within_workspace(), "/contact/more/page.xml/more/main");
    let request = NodeRequest {
        environment: House::live(),
        source: Source::Live,
        path: path("author:/website/home/nowhere"),
        characters: 1,
    };
    assert!(matches!(
        engine.of_house().node(&request),
        Err(EngineError::NotThere(_))
    ));
}

#[test]
fn nodes_in_files_are_found_by_all_that_nodes_are_found_by() {
    let house = house();
    // The same page in a second export: both are found by its id.
    house.write("author", "website/copies/news.xml", &news("News"));
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    for source in [backup, Source::Live] {
        let names = |by, text: &str| -> Vec<String> {
            let finds = find(&engine, &source, by, text);
            let mut names: Vec<_> = finds.iter().map(|find| find.path.within_workspace()).collect();
            names.sort();
            names
        };
        let both = ["/copies/news.xml/news", "/website.home.news.xml/news"];
        assert_eq!(names(By::Id, NEWS_ID), both);
        assert_eq!(names(By::Name, "filters"), ["/config.server.yaml/server/filters"]);
        assert_eq!(names(By::Path, "/home/news"), ["/website.home.news.xml/news"]);
        assert_eq!(
            names(By::Path, "home/about"),
            ["/home/about.xml", "/home/about.xml/about"]
        );
        assert_eq!(names(By::Text, "in the harb").len(), 2);
        let found = find(&engine, &source, By::Text, "info.magnolia.filter");
        assert_eq!(found[0].property.as_deref(), Some("class"));
        assert_eq!(found[0].excerpt.as_deref(), Some("info.magnolia.Filter"));
    }
}

#[test]
fn what_changed_in_a_file_is_told_down_to_the_property() {
    let house = house();
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    house.write("author", "website/website.home.news.xml", &news("Old news"));
    house.remove("author", "website/home/about.xml");
    // It goes into another file, with its id.
    house.remove("author", "website/contact");
    house.write(
        "author",
        "website/home/contact.xml",
        &node(
            "contact",
            HOME_ID,
            "mgnl:page",
            &property("title", "String", "Write to us"),
        ),
    );
    let differs = diff(&engine, &backup, "author:/website");
    let expected = [
        (Change::Removed, "/contact"),
        (Change::Removed, "/home/about.xml"),
        (Change::Added, "/home/contact.xml"),
        (Change::Moved, "/home/contact.xml/contact"),
        (Change::Changed, "/website.home.news.xml"),
        (Change::Changed, "/website.home.news.xml/news"),
    ];
    assert_eq!(
        lines(&differs),
        expected.map(|(change, path)| (change, path.to_owned()))
    );
    let only = diff(&engine, &backup, "author:/website/home/news");
    assert_eq!(
        lines(&only),
        [(Change::Changed, "/website.home.news.xml/news".to_owned())]
    );

    let news = path("author:/website/home/news");
    let request = NodeDiffRequest {
        environment: House::live(),
        older: (backup, Some(news.clone())),
        newer: (Source::Live, Some(news)),
        characters: 100,
    };
    let of_node = answer(|| engine.of_house().node_diff(&request));
    let changes: Vec<_> = of_node
        .properties
        .iter()
        .map(|change| {
            let text = |facts: &Option<crate::domain::explore::PropertyFacts>| {
                facts.as_ref().unwrap().values[0].text.clone()
            };
            (change.name.as_str(), text(&change.older), text(&change.newer))
        })
        .collect();
    assert_eq!(changes, [("title", "News".to_owned(), "Old news".to_owned())]);

    let page = history(&engine, "author:/website/home/news");
    let turns: Vec<_> = page.occurrences.iter().map(|one| &one.turn).collect();
    assert!(
        matches!(turns[..], [Turn::FirstSeen { .. }, Turn::Changed]),
        "{turns:?}"
    );
    assert_eq!(page.id.as_deref(), Some(NEWS_ID));
    let moved = history(&engine, "author:/website/home/contact");
    let turns: Vec<_> = moved.occurrences.iter().map(|one| &one.turn).collect();
    assert!(
        matches!(turns[..], [Turn::FirstSeen { .. }, Turn::Moved { .. }]),
        "{turns:?}"
    );
}

#[test]
fn what_cannot_be_read_is_a_file_and_says_why() {
    let house = house();
    let page = news("x");
    let latin: Vec<u8> = page
        .bytes()
        .map(|byte| if byte == b'A' { 0xe4 } else { byte })
        .collect();
    let bomb = format!("<!DOCTYPE a [<!ENTITY l \"lol\"><!ENTITY m \"&l;&l;&l;\">]>{page}");
    let open = "<sv:node sv:name=\"a\">".repeat(5_000);
    let deep = page.replacen("</sv:node>", &open, 1);
    for (file, text) in [
        ("cut.xml", page[..page.len() - 20].to_owned()),
        ("bomb.xml", bomb),
        ("entity.xml", page.replace("Ahoy", "&ahoy;")),
        ("deep.xml", deep),
        ("number.xml", page.replace(">7<", ">many<")),
        (
            "alias.yaml",
            "a: &a\n  jcr:primaryType: b\n  c: &c [d]\n  e: *c\n".to_owned(),
        ),
        ("cut.yaml", "a:\n  jcr:primaryType: b\n  c: 'd".to_owned()),
    ] {
        house.write("author", &format!("dam/{file}"), &text);
    }
    fs::write(house.root("author").join("dam/latin.xml"), latin).unwrap();
    house.write(
        "author",
        "dam/harmless.html",
        "<!DOCTYPE html><html>jcr:primaryType</html>",
    );
    house.write("author", "dam/picture.jpg", &page);
    // The same id for a node and for what is in it.
    house.write("author", "dam/twice.xml", &news("x").replace(TEXT_ID, NEWS_ID));
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    for source in [backup, Source::Live] {
        let dam = children(&engine, &source, "author:/dam");
        for (file, why) in [
            ("cut.xml", "ends in the middle"),
            ("bomb.xml", "document type"),
            ("entity.xml", "entity &ahoy;"),
            ("deep.xml", "more than 500 deep"),
            ("number.xml", "no whole number"),
            ("alias.yaml", "alias"),
            ("cut.yaml", "no YAML"),
            ("latin.xml", "not UTF-8"),
        ] {
            let of_file = line(&dam, file);
            assert_eq!((of_file.kind, of_file.children), (Kind::File, 0), "{file}");
            let told = facts(&engine, &source, &format!("author:/dam/{file}"));
            assert!(told.content.is_some());
            assert!(
                told.remarks.iter().any(|remark| remark.contains(why)),
                "{file}: {:?}",
                told.remarks
            );
        }
        for file in ["harmless.html", "picture.jpg"] {
            let told = facts(&engine, &source, &format!("author:/dam/{file}"));
            assert_eq!((told.children, told.remarks.len()), (0, 0), "{file}");
        }
        let twice = facts(&engine, &source, "author:/dam/twice.xml/news/00");
        assert_eq!(values(&twice, "text"), ["Ahoy in the harbour"]);
        assert_eq!(twice.id.as_deref(), Some(NEWS_ID));
    }
}

#[test]
fn what_is_exported_out_of_a_folder_is_read_again_as_the_same_nodes() {
    let house = house();
    let engine = house.engine();
    let request = ExportRequest {
        environment: House::live(),
        source: Source::from(&back_up(&engine)),
        path: path("author:/website/home/news"),
        form: ExportForm::Xml,
    };
    let live = engine.of_house();
    answer(|| live.export_facts(&request));
    let mut xml = Vec::new();
    live.export(&request).unwrap().write(&mut xml).unwrap();
    let placed = |xml: &[u8]| {
        let mut found: Vec<Placed> = Vec::new();
        read(xml, Limits::default(), &mut |one| found.push(one)).unwrap();
        found
    };
    assert_eq!(placed(&xml), placed(news("News").as_bytes()));
    // It is in the folder of a workspace, and compared with what it was taken from.
    house.write(
        "author",
        "website/website.home.news.xml",
        std::str::from_utf8(&xml).unwrap(),
    );
    let differs = diff(&engine, &request.source, "author:/website");
    assert_eq!(
        lines(&differs),
        [(Change::Changed, "/website.home.news.xml".to_owned())]
    );
}

#[test]
fn links_say_where_they_lead_and_what_is_no_file_is_noted() {
    let house = house();
    let dam = house.root("author").join("dam");
    std::os::unix::fs::symlink("../website/page-0.xml", dam.join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dam.join("socket")).unwrap();
    let engine = house.engine();
    let link = facts(&engine, &Source::Live, "author:/dam/link");
    assert_eq!(link.kind, Kind::Link);
    assert_eq!(link.remarks, ["it leads to ../website/page-0.xml"]);
    let remarks = children(&engine, &Source::Live, "author:/dam").remarks;
    assert!(
        remarks.len() == 1 && remarks[0].contains("dam/socket is a socket"),
        "{remarks:?}"
    );
}
