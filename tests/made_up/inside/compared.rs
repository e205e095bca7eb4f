//! What was found, what happened to a node, and what differs.

use lifeboat::domain::explore::{
    By, Change, Diff, DiffLine, DiffRequest, Find, FindRequest, Finds, Kind, NodeDiff, NodeDiffRequest,
    NodeHistory, NodePath, NotCompared, NotRead, Occurrence, PropertyChange, PropertyFacts, Readable, Sight,
    SourceAt, Totals, Turn, Unreadable, ValueFacts, ValueType,
};

use super::{Inside, first_look};

fn path(text: &str) -> NodePath {
    text.parse().unwrap()
}

/// What is found of a text: everything with "news" in its name, and what differs as gone; nothing else.
pub fn finds(inside: &Inside, request: &FindRequest, seen: &SourceAt) -> Finds {
    let by_text = request.by == By::Text;
    let find = |at: &str| Find {
        seen: seen.clone(),
        path: path(at),
        kind: Kind::Node,
        id: Some("000001b7-91e4-4b0f-8d50-2f6d0d5e7a11".to_owned()),
        primary_type: Some("mgnl:page".to_owned()),
        property: by_text.then(|| "abstract".to_owned()),
        excerpt: by_text.then(|| "what is news in \u{1b}[31mspring".to_owned()),
    };
    let mut all = vec![
        find("author:/website/home/news"),
        find("author:/website/archive/old news"),
        find(
            "author:/website/a-place-that-is-rather-deep/in-the-tree-of-pages/and-has-long-names/news-of-日本",
        ),
    ];
    if request.text == "products" {
        all = vec![
            find("author:/website/home/products of others"),
            find("author:/website/products"),
        ];
    } else if !"news".contains(request.text.as_str()) {
        all.clear();
    }
    let from = usize::try_from(request.from).unwrap();
    Finds {
        from: request.from,
        total: all.len() as u64,
        finds: all.into_iter().skip(from).collect(),
        is_over: !inside.searches_on,
        is_cut: false,
        reading: inside.searches_on.then(|| first_look(seen.source.clone(), 43)),
        remarks: Vec::new(),
        not_read: None,
    }
}

/// It was made, changed, moved, and deleted from Live.
pub fn history(seen: &[SourceAt], path: &NodePath) -> NodeHistory {
    let parent = path.parent().unwrap();
    let before = parent.child(lifeboat::domain::explore::Step::new("draft"));
    let places = [
        Some(before.clone()),
        Some(before.clone()),
        Some(path.clone()),
        None,
    ];
    let sights = seen
        .iter()
        .zip(places)
        .zip(["aa", "bb", "bb", "cc"])
        .map(|((seen, path), digest)| Sight {
            seen: seen.clone(),
            digest: path.as_ref().map(|_| digest.to_owned()),
            path,
            children: 4,
            not_read: None,
        })
        .collect();
    let between = |turn, number: usize| Occurrence {
        turn,
        after: number.checked_sub(1).map(|number| seen[number].clone()),
        before: seen[number].clone(),
        below: None,
        readable: None,
    };
    NodeHistory {
        path: path.clone(),
        id: None,
        sights,
        occurrences: vec![
            between(Turn::FirstSeen { path: before.clone() }, 0),
            between(Turn::Changed, 1),
            between(
                Turn::Moved {
                    from: before,
                    to: path.clone(),
                },
                2,
            ),
            between(Turn::Deleted { from: path.clone() }, 3),
        ],
        remarks: vec!["backup 90fe12d8 is damaged and was left out".to_owned()],
        below_not_compared: false,
    }
}

/// Whether it was deleted from Live nobody knows: its file cannot be read there.
pub fn cannot_be_read(history: &mut NodeHistory, why: &str) {
    let not_read = NotRead {
        file: path("author:/website/website.archive.xml"),
        why: why.to_owned(),
    };
    if let Some(live) = history.sights.last_mut() {
        live.not_read = Some(not_read.clone());
    }
    if let Some(event) = history.occurrences.last_mut() {
        event.turn = Turn::Changed;
        event.readable = Some(Readable::Not(not_read));
    }
}

/// One difference of each kind.
pub fn diff(inside: &Inside, request: &DiffRequest, older: SourceAt, newer: SourceAt) -> Diff {
    let line = |change, older: Option<&str>, newer: Option<&str>, below| DiffLine {
        change,
        older: older.map(path),
        newer: newer.map(path),
        id: None,
        primary_type: Some("mgnl:page".to_owned()),
        below,
        unreadable: None,
    };
    let at = |name: &str| format!("author:/website/{name}");
    let both = |change, name: &str| line(change, Some(&at(name)), Some(&at(name)), 0);
    let cut = DiffLine {
        unreadable: Some(Unreadable {
            older: None,
            newer: inside.unreadable.map(str::to_owned),
        }),
        primary_type: None,
        ..line(
            Change::Changed,
            Some(&at("website.jobs.xml")),
            Some(&at("website.jobs.xml")),
            42,
        )
    };
    let mut lines = if inside.nothing_differs {
        Vec::new()
    } else {
        vec![
            line(Change::Added, None, Some(&at("campaign")), 11),
            both(Change::Changed, "home"),
            both(Change::Reordered, "home/jobs"),
            line(
                Change::Moved,
                Some(&at("old news")),
                Some(&at("archive/old news")),
                0,
            ),
            line(
                Change::MovedAndChanged,
                Some(&at("team")),
                Some(&at("about us/team")),
                0,
            ),
            line(Change::Removed, Some(&at("products")), None, 1_204),
            line(
                Change::Removed,
                Some(&at(
                    "Produkte für 日本/\u{1b}[2Jgone, in a place with a name that is long",
                )),
                None,
                0,
            ),
        ]
    };
    if inside.unreadable.is_some() {
        lines.insert(0, cut);
    }
    let total = lines.len() as u64;
    let from = usize::try_from(request.from).unwrap();
    let totals = Totals {
        added: 12,
        changed: 2 + u64::from(inside.unreadable.is_some()),
        removed: 1_206,
        moved: 2,
        reordered: 1,
        unreadable: u64::from(inside.unreadable.is_some()),
    };
    Diff {
        older,
        newer,
        totals: if total == 0 { Totals::default() } else { totals },
        total,
        from: request.from,
        lines: lines.into_iter().skip(from).collect(),
        is_cut: false,
        remarks: inside.remarks.clone(),
        not_read: inside.unreadable_in_both.map(|files| NotCompared {
            files,
            nodes: 0,
            first: NotRead {
                file: path(&at("website.about.xml")),
                why: "it begins with nothing but zeroes".to_owned(),
            },
        }),
    }
}

fn text(name: &str, values: &[&str]) -> PropertyFacts {
    PropertyFacts {
        name: name.to_owned(),
        kind: ValueType::String,
        is_multiple: values.len() != 1,
        count: values.len() as u64,
        values: values
            .iter()
            .map(|text| ValueFacts {
                text: (*text).to_owned(),
                length: text.chars().count() as u64,
                target: None,
                binary: None,
            })
            .collect(),
    }
}

/// A title, a long text, a list, and a property that came.
pub fn node_diff(request: &NodeDiffRequest, older: SourceAt, newer: SourceAt) -> NodeDiff {
    let change = |name: &str, older: Option<&[&str]>, newer: Option<&[&str]>| PropertyChange {
        name: name.to_owned(),
        older: older.map(|values| text(name, values)),
        newer: newer.map(|values| text(name, values)),
    };
    if request.older.1.is_none() || request.newer.1.is_none() {
        let title: &[&str] = &["Summer"];
        let was = request.older.1.is_some().then_some(title);
        let is = request.newer.1.is_some().then_some(title);
        return NodeDiff {
            older,
            newer,
            older_path: request.older.1.clone(),
            newer_path: request.newer.1.clone(),
            properties: vec![change("title", was, is)],
            remarks: Vec::new(),
        };
    }
    NodeDiff {
        older,
        newer,
        older_path: request.older.1.clone(),
        newer_path: request.newer.1.clone(),
        properties: vec![
            change("title", Some(&["Welcome"]), Some(&["Closed"])),
            change(
                "abstract",
                Some(&[
                    "We are open from nine to five on every day but Sunday, and welcome everybody who comes.",
                ]),
                Some(&[
                    "We are open from ten to four on every day but Sunday, and welcome \u{1b}[31meverybody.",
                ]),
            ),
            change("tags", Some(&["spring", "日本"]), Some(&["spring"])),
            change("hideInNav", None, Some(&["true"])),
        ],
        remarks: Vec::new(),
    }
}
