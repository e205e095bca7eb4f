//! What happened to a node over all backups and Live: the events, the newest first, then what each source has of it.

use super::linked::Linked;
use super::{others_words, reading_words};
use crate::domain::explore::{NodeHistory, NotRead, Occurrence, Readable, Sight, Source, SourceAt, Turn};
use crate::domain::{columns, measure};
use crate::tui::model::Model;
use crate::tui::model::explore::{Explorer, Known};
use crate::tui::theme::Meaning;
use crate::tui::view::canvas::{piece, wide};

/// The text of the history's column.
pub fn text(model: &Model, explorer: &Explorer, width: u16) -> Linked {
    let mut linked = Linked::new(width);
    let Some(node) = explorer.node.as_ref().filter(|node| node.has_history()) else {
        let words = "Nodes and files have a history: choose one.";
        linked.text.paragraph(words, Meaning::Quiet);
        return linked;
    };
    if !explorer.follows_history {
        let words = "H tells what happened to the node. It looks into every backup, and reads those that nobody has looked into yet.";
        linked.text.paragraph(words, Meaning::Quiet);
        return linked;
    }
    match &node.history {
        Known::NotYet => linked.text.paragraph(model.still_to_come(), Meaning::Quiet),
        Known::Reading(look) => {
            let (what, then) = (reading_words(look), others_words(look));
            let words = format!("{what}: {} %{then}", look.percent());
            linked
                .text
                .paragraph(&format!("{words}. Esc stops it."), Meaning::Text);
        }
        Known::Failed(why) => linked.text.paragraph(why, Meaning::Warning),
        Known::Here(history) => known(&mut linked, model, history),
    }
    linked
}

fn known(linked: &mut Linked, model: &Model, history: &NodeHistory) {
    for event in history.occurrences.iter().rev() {
        happened(linked, model, history, event);
    }
    if history.is_unchanged() {
        let words = format!(
            "It is the same in all of {}.",
            measure::count(history.sights.len() as u64)
        );
        linked.text.paragraph(&words, Meaning::Good);
    }
    for remark in &history.remarks {
        linked.text.paragraph(remark, Meaning::Warning);
    }
    linked.text.heading("In each of them");
    let names = history
        .sights
        .iter()
        .map(|sight| columns::count(&seen_words_in_column(model, &sight.seen)));
    let width = names.max().unwrap_or(0);
    for sight in history.sights.iter().rev() {
        seen_there(linked, model, width, sight, history);
    }
}

/// An event: what, then between which two sources.
fn happened(linked: &mut Linked, model: &Model, history: &NodeHistory, event: &Occurrence) {
    let meaning = match &event.turn {
        _ if matches!(event.readable, Some(Readable::Not(_))) => Meaning::Warning,
        Turn::FirstSeen { .. } if event.after.is_none() => Meaning::Text,
        Turn::FirstSeen { .. } | Turn::Back { .. } => Meaning::Added,
        Turn::Changed | Turn::ChildrenChanged | Turn::Moved { .. } | Turn::Other => Meaning::Changed,
        Turn::Deleted { .. } => Meaning::Removed,
    };
    let place = event.place();
    let mark = piece(format!("{} ", event.words()), meaning);
    if wide(std::slice::from_ref(&mark)) + columns::count(&place) <= linked.text.width() {
        linked.text.marked(&[mark], &place, Meaning::Text);
    } else {
        // Behind the words it would be broken into narrow pieces, and a line that ends in the middle of a sentence is not understood.
        linked.text.line(vec![mark]);
        linked
            .text
            .marked(&[piece("  ", Meaning::Text)], &place, Meaning::Text);
    }
    // What the oldest backup has may be older than that.
    let between = match &event.after {
        Some(after) => format!(
            "after {}, before {}",
            seen_words(model, after),
            seen_words(model, &event.before)
        ),
        None => format!("in {}", seen_words(model, &event.before)),
    };
    moments(linked, history, event, &between);
}

/// The two sources that an event is between, on one line. It leads to what the newer one has of the node, or else the
/// older one; every other source has a line of its own below.
fn moments(linked: &mut Linked, history: &NodeHistory, event: &Occurrence, between: &str) {
    let has = |seen: &SourceAt| {
        let sight = history.sights.iter().find(|sight| sight.seen == *seen)?;
        let not_read = sight.not_read.as_ref().map(|not_read| &not_read.file);
        let path = sight.path.as_ref().or(not_read)?;
        Some((sight.seen.source.clone(), path.clone()))
    };
    let mark = [piece("  ", Meaning::Quiet)];
    match has(&event.before).or_else(|| has(event.after.as_ref()?)) {
        Some((source, path)) => linked.leading(&source, &path, |text| {
            text.marked(&mark, between, Meaning::Information);
        }),
        None => linked.text.marked(&mark, between, Meaning::Text),
    }
}

fn seen_words(model: &Model, seen: &SourceAt) -> String {
    match seen.source {
        Source::Live => format!("Live, as of {}", model.when().in_narrow_column(seen.at)),
        Source::Backup(_) => format!(
            "{} {}",
            model.when().in_narrow_column(seen.at),
            seen.source.short()
        ),
    }
}

/// The same, where each of them has a line: what stands behind it is not to be broken.
fn seen_words_in_column(model: &Model, seen: &SourceAt) -> String {
    match seen.source {
        Source::Live => format!("{} Live", model.when().in_narrow_column(seen.at)),
        Source::Backup(_) => seen_words(model, seen),
    }
}

/// What a source has of the node, beside what the one before it had. Names of sources take so many columns.
fn seen_there(linked: &mut Linked, model: &Model, width: usize, sight: &Sight, history: &NodeHistory) {
    let name = columns::fill(&seen_words_in_column(model, &sight.seen), width);
    let mark = [piece(format!("{name}  "), Meaning::Quiet)];
    // Why is said where that began.
    if let Some(NotRead { file, .. }) = &sight.not_read {
        linked.leading(&sight.seen.source, file, |text| {
            text.marked(&mark, "cannot be read", Meaning::Warning);
        });
        return;
    }
    let Some(path) = &sight.path else {
        linked.text.marked(&mark, "not there", Meaning::Quiet);
        return;
    };
    // The same words as above: whoever reads both must not take them for two things.
    let is_oldest = history.sights.first() == Some(sight);
    let (words, meaning) = match history.happened_in(&sight.seen) {
        Some(words) => (words, Meaning::Changed),
        None if is_oldest => ("there".to_owned(), Meaning::Text),
        None => ("no change".to_owned(), Meaning::Text),
    };
    linked.leading(&sight.seen.source, path, |text| {
        text.marked(&mark, &words, meaning);
    });
}
