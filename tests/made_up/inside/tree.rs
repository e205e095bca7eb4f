//! What is where: the same in every instance and source.

use chrono::{TimeZone as _, Utc};
use lifeboat::backend::BackendError;
use lifeboat::domain::explore::{
    BinaryFacts, BinaryPlace, ChildrenRequest, Kind, Line, NodeFacts, NodePath, PropertyFacts, SourceAt,
    Step, ValueFacts, ValueType, Version, VersionList,
};

use super::kind_of;

/// How many nodes the archive has.
pub const ARCHIVED: u64 = 100_000;

/// A name that would clear the screen and end the line, if a terminal got to see it.
const EVIL: &str = "\u{1b}[2Jgone\u{7}\u{202e}desrever";
const LONG: &str =
    "a-name-that-is-much-longer-than-any-column-of-this-screen-has-room-for-and-goes-on-and-on";

fn line(name: &str, kind: Kind, children: u64) -> Line {
    let has_id = matches!(kind, Kind::Node | Kind::Unreadable | Kind::Missing);
    let number = name.bytes().map(u32::from).sum::<u32>();
    Line {
        name: name.to_owned(),
        index: 1,
        kind,
        id: has_id.then(|| format!("{number:08x}-91e4-4b0f-8d50-2f6d0d5e7a11")),
        primary_type: (kind == Kind::Node).then(|| "mgnl:page".to_owned()),
        children,
        size: 1_240 + u64::from(number),
        is_versionable: false,
    }
}

fn website() -> Vec<Line> {
    let mut second = line("teaser", Kind::Node, 2);
    second.index = 2;
    second.primary_type = Some("mgnl:component".to_owned());
    let mut home = line("home", Kind::Node, 4);
    home.is_versionable = true;
    vec![
        home,
        line("archive", Kind::Node, ARCHIVED),
        line("Produkte für 日本 🚤", Kind::Node, 12),
        line(LONG, Kind::Node, 1),
        line(EVIL, Kind::Node, 0),
        line("teaser", Kind::Node, 2),
        second,
        line("a/b%2F", Kind::Node, 0),
        line("broken", Kind::Unreadable, 0),
        line("ghost", Kind::Missing, 0),
        line("empty", Kind::Folder, 0),
        line("read me.txt", Kind::File, 0),
        line("latest", Kind::Link, 0),
    ]
}

/// A page of what is in something.
pub fn children(request: &ChildrenRequest) -> Result<(Kind, u64, Vec<Line>), BackendError> {
    let from = usize::try_from(request.from).unwrap();
    let limit = request.limit as usize;
    let names: Vec<&str> = request.path.steps.iter().map(|step| step.name.as_str()).collect();
    let all = match (
        &request.path.instance,
        request.path.workspace.as_deref(),
        names.as_slice(),
    ) {
        (None, ..) => ["author", "public-1", "public-2"]
            .map(|name| line(name, Kind::Instance, 8))
            .to_vec(),
        (_, None, _) => crate::made_up::two_projects::WORKSPACES
            .iter()
            .map(|(name, items, bytes)| Line {
                size: *bytes,
                ..line(name, Kind::Workspace, *items)
            })
            .collect(),
        (_, Some("website"), []) => website(),
        (_, _, ["archive"]) => {
            let lines = (request.from..ARCHIVED)
                .take(limit)
                .map(|number| line(&format!("page-{number:06}"), Kind::Node, 0));
            return Ok((Kind::Node, ARCHIVED, lines.collect()));
        }
        (_, _, ["home"]) => ["news", "jobs", "contact", "about us"]
            .map(|name| line(name, Kind::Node, 0))
            .to_vec(),
        (_, _, ["empty"]) => Vec::new(),
        (_, _, ["gone", ..]) => {
            return Err(BackendError::Failed(format!(
                "there is no {} in {}",
                request.path,
                request.source.short()
            )));
        }
        _ => vec![line("main", Kind::Node, 0), line("extras", Kind::Node, 0)],
    };
    let total = all.len() as u64;
    let page = all.into_iter().skip(from).take(limit).collect();
    Ok((kind_of(&request.path), total, page))
}

fn text(text: &str) -> ValueFacts {
    ValueFacts {
        text: text.to_owned(),
        length: text.chars().count() as u64,
        target: None,
        binary: None,
    }
}

fn binary(place: BinaryPlace, media_type: &str) -> BinaryFacts {
    BinaryFacts {
        place,
        size: Some(48_213),
        media_type: Some(media_type.to_owned()),
        facts: None,
        preview: None,
    }
}

fn property(name: &str, kind: ValueType, values: Vec<ValueFacts>) -> PropertyFacts {
    PropertyFacts {
        name: name.to_owned(),
        kind,
        is_multiple: false,
        count: values.len() as u64,
        values,
    }
}

/// One property of each type, and what is hard to show.
fn properties() -> Vec<PropertyFacts> {
    let one = |name, kind, value| property(name, kind, vec![text(value)]);
    let target = ValueFacts {
        target: Some("author:/website/home/news".parse().unwrap()),
        ..text("2f6d0d5e-91e4-4b0f-8d50-0000000001b7")
    };
    let image = ValueFacts {
        binary: Some(BinaryFacts {
            facts: Some("640 × 480 pixels".to_owned()),
            ..binary(BinaryPlace::DataStore("9ad1e0c7".repeat(5)), "image/png")
        }),
        ..text("")
    };
    let note = ValueFacts {
        binary: Some(BinaryFacts {
            preview: Some("Open from nine to five\nClosed on Sundays".to_owned()),
            ..binary(BinaryPlace::Node, "text/plain")
        }),
        ..text("")
    };
    let lost = ValueFacts {
        binary: Some(BinaryFacts {
            size: None,
            media_type: None,
            ..binary(BinaryPlace::Workspace("5f00".to_owned()), "")
        }),
        ..text("")
    };
    let cut = ValueFacts {
        length: 12_345,
        ..text("The first words of a text that is far too long to be shown whole")
    };
    let mut tags = property(
        "tags",
        ValueType::String,
        ["spring", "日本", ""].map(text).to_vec(),
    );
    tags.is_multiple = true;
    tags.count = 240;
    let mut no_numbers = property("nothing", ValueType::Long, Vec::new());
    no_numbers.is_multiple = true;
    vec![
        one("title", ValueType::String, "Welcome"),
        one(
            "evil",
            ValueType::String,
            "\u{1b}]0;title\u{7}\u{9b}31m \u{200b}hidden",
        ),
        one("text", ValueType::String, "First line\nSecond line"),
        property("abstract", ValueType::String, vec![cut]),
        tags,
        no_numbers,
        one("views", ValueType::Long, "48213"),
        one("ratio", ValueType::Double, "0.75"),
        one("price", ValueType::Decimal, "19.90"),
        one(
            "mgnl:lastModified",
            ValueType::Date,
            "2026-11-22T16:03:11.020+01:00",
        ),
        one("hideInNav", ValueType::Boolean, "false"),
        one("mgnl:template", ValueType::Name, "travel:pages/home"),
        one("start", ValueType::Path, "/home/news"),
        one("link", ValueType::Uri, "https://example.com/"),
        property("category", ValueType::Reference, vec![target]),
        one(
            "gone",
            ValueType::WeakReference,
            "00000000-0000-0000-0000-000000000000",
        ),
        property("image", ValueType::Binary, vec![image]),
        property("note", ValueType::Binary, vec![note]),
        property("lost", ValueType::Binary, vec![lost]),
        one(
            "a-property-whose-name-is-longer-than-its-column",
            ValueType::String,
            "value",
        ),
    ]
}

/// What a node is.
pub fn node(seen: SourceAt, path: &NodePath) -> NodeFacts {
    let name = path.steps.last().map(|step| step.name.as_str());
    let is_home = name == Some("home");
    let kind = kind_of(path);
    let properties = match (kind, is_home) {
        (Kind::File | Kind::Folder, _) => Vec::new(),
        (_, true) => properties(),
        (_, false) => vec![property("title", ValueType::String, vec![text("A page")])],
    };
    NodeFacts {
        seen,
        path: path.clone(),
        kind,
        id: (kind == Kind::Node).then(|| "000001ab-91e4-4b0f-8d50-2f6d0d5e7a11".to_owned()),
        primary_type: (kind == Kind::Node).then(|| "mgnl:page".to_owned()),
        mixin_types: if is_home {
            vec!["mix:versionable".to_owned(), "mgnl:hasVersion".to_owned()]
        } else {
            Vec::new()
        },
        property_count: properties.len() as u64,
        properties,
        children: if is_home { 4 } else { 0 },
        size: 3_311,
        modified: (kind == Kind::File).then(|| Utc.with_ymd_and_hms(2026, 11, 20, 8, 15, 0).unwrap()),
        content: (kind == Kind::File).then(|| BinaryFacts {
            preview: Some("How to read this\n\n  indented".to_owned()),
            ..binary(BinaryPlace::File, "text/plain")
        }),
        is_versionable: is_home,
        remarks: if name == Some("ghost") {
            vec!["its parent lists it, and it is not there".to_owned()]
        } else {
            Vec::new()
        },
    }
}

/// The versions of a node.
pub fn versions(seen: SourceAt, path: &NodePath) -> VersionList {
    let version = |name: &str, created: &str| Version {
        name: name.to_owned(),
        created: Some(created.to_owned()),
        path: NodePath {
            workspace: Some("version".to_owned()),
            steps: vec![Step::new(name)],
            ..path.clone()
        },
    };
    VersionList {
        seen,
        path: path.clone(),
        versions: vec![
            version("1.0", "2026-09-01T10:00:00.000Z"),
            version("1.1", "2026-11-02T14:31:09.000Z"),
        ],
        total: 2,
        remark: None,
    }
}
