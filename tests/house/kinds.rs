//! Where the kind of an instance's content may be asked for, and who may name one.

use std::collections::BTreeSet;

use super::{code, files, room};

/// How the kind of an instance's content is asked for.
const KINDS: &[&str] = &[
    "ContentSettings::Files",
    "ContentSettings::Home",
    "ContentSettings::Postgres",
    "Beside::Folder",
    "Beside::Schema",
];

/// Where it has to be known, from the bottom up. A new kind of content is a folder in `content`, which may name its own
/// kind, and a line in these.
const ASK_FOR_KINDS: &[&str] = &[
    // What is configured.
    "config/file.rs",
    "domain/settings.rs",
    "domain/settings/apart.rs",
    // Content is made from settings, and a journal's record is of the same kind.
    "content/kinds.rs",
    // The demo makes both, and `init` asks which it is.
    "demo/sandbox.rs",
    "cli/verbs/init/answers.rs",
    "cli/verbs/init/checks.rs",
    "cli/verbs/init/homes.rs",
    "cli/verbs/init/write.rs",
];

/// The folders of the kinds, which nobody outside of `content` names.
const KIND_ROOMS: &[(&str, &str)] = &[
    ("content::files", "content/files/"),
    ("content::home", "content/home/"),
    ("content::postgres", "content/postgres/"),
];

/// Who does, and what for.
const NAME_A_KIND: &[(&str, &str)] = &[
    // A catalog that machines share is in a database, and connects as content does.
    ("catalog/mod.rs", "content::postgres"),
    ("catalog/error.rs", "content::postgres"),
    ("catalog/presence/node.rs", "content::postgres"),
    ("catalog/store/postgres.rs", "content::postgres"),
    ("engine/opening.rs", "content::postgres"),
    // What `init` asks before there is an instance.
    ("engine/check.rs", "content::postgres"),
    ("engine/check.rs", "content::home"),
    // A home is a folder with a layout of its own, and a plain folder must not be one.
    ("content/home/chosen.rs", "content::files"),
    ("content/home/repository.rs", "content::files"),
    ("content/home/persistence.rs", "content::files"),
    ("content/home/place.rs", "content::files"),
    ("content/home/pointed.rs", "content::files"),
    ("content/home/rest.rs", "content::files"),
    // The small files of a home beside tables are files.
    ("content/postgres/home/mod.rs", "content::files"),
    ("content/postgres/home/place.rs", "content::files"),
    ("content/postgres/home/staging.rs", "content::files"),
    ("content/files/beside.rs", "content::home"),
    ("content/files/place.rs", "content::home"),
    // Which attributes of files are kept in a backup.
    ("repository/format/node.rs", "content::files"),
];

#[test]
fn the_kind_of_content_is_asked_for_only_where_it_has_to_be_known() {
    let mut wrong = Vec::new();
    for (name, text) in files() {
        let (work, _) = code(&text);
        let is_test = name.contains("/tests") || name.ends_with("tests.rs");
        // A kind's own folder may name its own.
        let is_own = KIND_ROOMS.iter().any(|(_, own)| name.starts_with(own));
        let asks = !is_own && KINDS.iter().any(|kind| work.contains(kind));
        if asks && !is_test && !ASK_FOR_KINDS.contains(&name.as_str()) {
            wrong.push(format!("{name} asks what kind of content there is"));
        }
        if !asks && ASK_FOR_KINDS.contains(&name.as_str()) {
            wrong.push(format!(
                "{name} does not ask for it any more: take it out of the list"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_kind_of_content_is_named_outside_of_its_room() {
    let mut wrong = Vec::new();
    let mut named = BTreeSet::new();
    for (name, text) in files() {
        let (work, _) = code(&text);
        let is_test = name.contains("/tests") || name.ends_with("tests.rs");
        if is_test || room(&name) == "content" && !KIND_ROOMS.iter().any(|(_, own)| name.starts_with(own)) {
            continue;
        }
        for (kind, own) in KIND_ROOMS {
            if work.contains(kind) && !name.starts_with(own) {
                named.insert((name.clone(), *kind));
            }
        }
    }
    for (name, kind) in &named {
        if !NAME_A_KIND.contains(&(name.as_str(), kind)) {
            wrong.push(format!("{name} names {kind}"));
        }
    }
    for (name, kind) in NAME_A_KIND {
        if !named.contains(&((*name).to_owned(), *kind)) {
            wrong.push(format!(
                "{name} does not name {kind} any more: take it out of the list"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
