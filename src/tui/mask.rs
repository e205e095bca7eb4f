//! Hides names on the screen, for whoever shows it to others: projects, instances and their nodes, contexts, people, notes,
//! addresses, folders. What is left is what things are: live, author, public-1, website, figures and times.
//!
//! Letters become `x` and digits `0`, so that everything stays where it is. It is done on the finished frame: no screen can
//! forget it. What is told is gone through before ([`mod@told`]): reasons and answers are no names, and are broken into lines.

mod told;

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;

use super::model::screens::Screen;
use super::model::{Model, overview};
use crate::domain::principal::Principal;

pub(super) use told::mask as told;

/// Names that are shorter would be found everywhere.
const SHORTEST: usize = 3;

/// What things are called that say no more than what they are: kinds of environments, what instances do, and the contexts
/// of this machine and of the demo. A number behind them tells no more.
const PLAIN: [&str; 9] = [
    "live",
    "uat",
    "integration",
    "author",
    "public",
    "local",
    "demo",
    "node",
    "instance",
];

/// Whether a name says no more than what a thing is: `author`, `public-1`, `live`.
fn is_plain(name: &str) -> bool {
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let bare = bare.strip_suffix(['-', '_']).unwrap_or(bare).to_lowercase();
    PLAIN.contains(&bare.as_str())
}

/// The names on a model's screens that are nobody else's business, in lower case.
pub(super) fn names(model: &Model) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut add = |name: &str| {
        let name = name.trim().to_lowercase();
        if name.chars().count() >= SHORTEST {
            names.insert(name);
        }
    };
    for environment in (0..model.fleet.len()).filter_map(|index| model.fleet.at(index)) {
        add(environment.name.project());
    }
    // Jobs and news may be told before the environments are.
    for job in model.jobs.values() {
        add(job.environment.project());
    }
    let news = model.notifications.iter().flatten();
    let news = news.filter_map(|one| one.environment.as_ref());
    let done = model.activity.iter().flatten();
    let done = done.filter_map(|one| one.environment.as_ref());
    for environment in news.chain(done) {
        add(environment.project());
    }
    if let Some(Screen::Fleet(overview)) = model.screens.last() {
        for row in overview::rows(model, overview) {
            add(row.summary.name.project());
        }
    }
    let contexts = model.settings.contexts.iter().map(|choice| choice.name.as_str());
    for context in contexts.chain([model.settings.context.as_str()]) {
        add(unless_plain(context));
    }
    for details in model.details.values() {
        for instance in &details.instances {
            add(unless_plain(instance.name.as_str()));
            for node in &instance.nodes {
                add(unless_plain(node.name.as_str()));
            }
        }
        for backup in details.all_backups() {
            for copy in &backup.manifest.instances {
                add(unless_plain(copy.name.as_str()));
            }
            add(person(&backup.manifest.by));
            add(backup.manifest.note.as_deref().unwrap_or_default());
        }
    }
    for job in model.jobs.values() {
        add(person(&job.by));
        let at = job
            .progress
            .iter()
            .filter_map(|progress| progress.instance.as_ref());
        let asked = job.outcome.iter().flat_map(|outcome| &outcome.health);
        for instance in at.chain(asked.map(|health| &health.instance)) {
            add(unless_plain(instance.as_str()));
        }
    }
    for activity in model.activity.iter().flatten() {
        add(person(&activity.by));
    }
    if let Some(file) = &model.settings.beyond.configuration {
        add(&file.path);
    }
    add(model.settings.beyond.folder.as_deref().unwrap_or_default());
    if let Some(info) = &model.info {
        for (_, value) in &info.places {
            add(value);
        }
    }
    names
}

/// The name of a context, an instance or a node; nothing for one that says no more than what that is, and which would
/// be hidden in words as well.
fn unless_plain(name: &str) -> &str {
    if is_plain(name) { "" } else { name }
}

/// What a person or a token is called; nothing for whatever acts by itself.
fn person(by: &Principal) -> &str {
    match by {
        Principal::Named(name) => name,
        Principal::Schedule | Principal::Lifeboat => "",
    }
}

/// Hides these names in a frame, and what looks like an address, a folder or somebody's mail.
pub(super) fn hide(buffer: &mut Buffer, names: &BTreeSet<String>) {
    let area = buffer.area;
    for y in area.top()..area.bottom() {
        // One character for each cell, so that places in the text are columns.
        let row: Vec<char> = (area.left()..area.right())
            .map(|x| {
                buffer
                    .cell((x, y))
                    .and_then(|cell| cell.symbol().chars().next())
                    .unwrap_or(' ')
            })
            .collect();
        for (column, hides) in (area.left()..).zip(hidden(&row, names)) {
            if hides && let Some(cell) = buffer.cell_mut((column, y)) {
                let first = cell.symbol().chars().next().unwrap_or(' ');
                cell.set_char(sign(first));
            }
        }
    }
}

/// A text that leaves the screen, such as a saved file, with these names hidden, and what looks like an address.
pub(super) fn text(text: &str, names: &BTreeSet<String>) -> String {
    let lines = text.split('\n').map(|line| {
        let row: Vec<char> = line.chars().collect();
        let hidden = hidden(&row, names);
        let shown = row.iter().zip(hidden);
        shown
            .map(|(c, hides)| if hides { sign(*c) } else { *c })
            .collect::<String>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// All letters and digits of a text hidden.
fn hidden_text(text: &str) -> String {
    let shown = text.chars();
    shown
        .map(|c| if c.is_alphanumeric() { sign(c) } else { c })
        .collect()
}

/// What is shown for a letter or a digit.
fn sign(c: char) -> char {
    if c.is_numeric() { '0' } else { 'x' }
}

/// Whether a word of a sentence is the name of a machine, with or without a port.
fn is_a_host(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let (host, port) = word.split_once(':').unwrap_or((word, ""));
    let is_named = |label: &str| label.chars().any(char::is_alphabetic);
    let is_plain = host
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
    let has_port = !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    let last = host.rsplit_once('.').map(|(_, last)| last);
    is_plain && is_named(host) && (has_port || last.is_some_and(is_named))
}

/// Which characters of a row are hidden.
fn hidden(row: &[char], names: &BTreeSet<String>) -> Vec<bool> {
    let mut hidden = vec![false; row.len()];
    let lower: Vec<char> = row
        .iter()
        .map(|c| c.to_lowercase().next().unwrap_or(*c))
        .collect();
    for name in names {
        let name: Vec<char> = name.chars().collect();
        for at in 0..lower.len() {
            let begins = at == 0 || !lower.get(at - 1).is_some_and(|c| c.is_alphanumeric());
            let shown = lower.get(at..).unwrap_or_default();
            let same = shown
                .iter()
                .zip(&name)
                .take_while(|(one, other)| one == other)
                .count();
            let after = shown.get(same).copied();
            // A name that was cut where there was no room ends with the sign for that.
            let is_cut = same > SHORTEST && after == Some('…');
            let is_whole = same == name.len() && !after.is_some_and(char::is_alphanumeric);
            if begins && (is_whole || is_cut) {
                hide_from(&mut hidden, row, at, same);
            }
            // Of a name that lost its middle the end stands behind that sign.
            if shown.first() == Some(&'…') {
                let rest = shown.get(1..).unwrap_or_default();
                let ends = (1..name.len()).rev().find(|left| {
                    let after = rest.get(*left);
                    rest.starts_with(&name[name.len() - left..])
                        && !after.is_some_and(|c| c.is_alphanumeric())
                });
                hide_from(&mut hidden, row, at + 1, ends.unwrap_or(0));
            }
        }
    }
    let mut at = 0;
    for word in row.split(|c| c.is_whitespace()) {
        if is_a_place(word) {
            hide_from(&mut hidden, row, at, word.len());
        }
        at += word.len() + 1;
    }
    hidden
}

fn hide_from(hidden: &mut [bool], row: &[char], from: usize, count: usize) {
    for (hides, c) in hidden.iter_mut().zip(row).skip(from).take(count) {
        *hides |= c.is_alphanumeric();
    }
}

/// Whether a word is an address, a folder of a machine or somebody's mail.
fn is_a_place(word: &[char]) -> bool {
    let text: String = word.iter().collect();
    let text = text.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '/' | '~'));
    let is_cut = word.last() == Some(&'…');
    let is_folder =
        text.starts_with(['/', '~']) && (text.matches('/').count() > 1 || (is_cut && text.len() > 1));
    let is_number = text.split('.').count() == 4 && text.split('.').all(|part| part.parse::<u8>().is_ok());
    text.contains("://") || text.contains('@') || is_folder || is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, names: &[&str]) -> String {
        let names = names.iter().map(ToString::to_string).collect();
        let width = u16::try_from(text.chars().count()).unwrap();
        let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, width, 1));
        buffer.set_string(0, 0, text, ratatui::style::Style::default());
        hide(&mut buffer, &names);
        (0..width).map(|x| buffer[(x, 0)].symbol().to_owned()).collect()
    }

    #[test]
    fn names_are_hidden_wherever_they_stand_and_nothing_else_is() {
        assert_eq!(shown("▸● acme/live  3 h", &["acme"]), "▸● xxxx/live  3 h");
        assert_eq!(
            shown("by Maria Nováková, 2 h", &["maria nováková"]),
            "by xxxxx xxxxxxxx, 2 h"
        );
        assert_eq!(shown("acmeist Acme", &["acme"]), "acmeist xxxx");
        assert_eq!(
            shown("globex-int… ok", &["globex-international"]),
            "xxxxxx-xxx… ok"
        );
        assert_eq!(
            shown("glob…ional/live, glo…nal, a…l", &["globex-international"]),
            "xxxx…xxxxx/live, glo…xxx, a…x"
        );
    }

    #[test]
    fn a_name_that_says_only_what_a_thing_is_stays() {
        for plain in ["author", "public-1", "Public_02", "live", "UAT", "local", "node3"] {
            assert!(is_plain(plain), "{plain}");
        }
        for name in ["acme-author-01", "prod", "public-frankfurt-1", "author-acme"] {
            assert!(!is_plain(name), "{name}");
        }
        assert_eq!(
            shown(
                "public-frankfurt-1 of prod: public-1",
                &["public-frankfurt-1", "prod"]
            ),
            "xxxxxx-xxxxxxxxx-0 of xxxx: public-1"
        );
    }

    #[test]
    fn addresses_folders_and_mail_are_hidden_by_how_they_look() {
        assert_eq!(
            shown("in /srv/live/author at 10.0.0.12", &[]),
            "in /xxx/xxxx/xxxxxx at 00.0.0.00"
        );
        assert_eq!(
            shown("https://a.example.com:8443", &[]),
            "xxxxx://x.xxxxxxx.xxx:0000"
        );
        assert_eq!(shown("folder /srv… is 1/2", &[]), "folder /xxx… is 1/2");
        assert_eq!(
            shown("kim@example.com 1/2 v6.3.5", &[]),
            "xxx@xxxxxxx.xxx 1/2 v6.3.5"
        );
    }
}
