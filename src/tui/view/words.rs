//! Ages, countdowns and states in words, the same on every screen. Ages count whole minutes, so that a screen on which
//! nothing happens changes once a minute at most.

use chrono::Timelike as _;

use super::canvas::{Piece, piece, shorten_middle};
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::ahead::is_ahead;
use crate::domain::backup::{Backup, Verification};
use crate::domain::columns;
use crate::domain::environment::{Asked, EnvironmentName, Instance};
use crate::domain::job::{Job, JobState, Progress};
use crate::domain::measure;
use crate::domain::printable;
use crate::domain::state::EnvironmentSummary;
use crate::tui::model::Model;
use crate::tui::theme::{Meaning, Symbols};

/// An environment and what is done there, in so many columns. Where that is not enough, the name gives up its middle first:
/// what is done, and the end of a name, are what tells one line from the next.
pub fn on(environment: &EnvironmentName, what: &str, width: usize, more: &str) -> String {
    let name = environment.to_string();
    let least = columns::count(&name).min(12);
    let room = width.saturating_sub(columns::count(what) + 1).max(least);
    format!("{} {what}", shorten_middle(&name, room, more))
}

/// A backup with the time when it was taken, in so many columns: `backup 3b90aa17 (daily) of 2026-11-23 00:17 UTC`. Where that is
/// too much, the time loses its year first and then goes as a whole: which backup it is, and of which kind, stays.
pub fn taken(model: &Model, backup: &Backup, width: usize) -> String {
    let named = backup.named();
    let when = model.when();
    let at = backup.manifest.taken;
    let moments = [when.moment(at), when.narrow(at)];
    moments
        .into_iter()
        .map(|moment| format!("{named} of {moment}"))
        .find(|words| columns::count(words) <= width)
        .unwrap_or(named)
}

/// The beginning of the minute: what ages are counted to.
#[must_use]
pub fn minute(now: Instant) -> Instant {
    let seconds = i64::from(now.second());
    now - chrono::Duration::seconds(seconds) - chrono::Duration::nanoseconds(i64::from(now.nanosecond()))
}

/// How long ago something was: `5 h 02 min`.
#[must_use]
pub fn age(at: Instant, now: Instant) -> String {
    let now = minute(now);
    if is_ahead(at, now) {
        return "ahead".to_owned();
    }
    if now - at < chrono::Duration::minutes(1) {
        "just now".to_owned()
    } else {
        measure::between(at, now)
    }
}

/// How long ago something was, in its largest unit and few columns: `23 d`, `5 h`, `12 min`, `now`.
#[must_use]
pub fn short_age(at: Instant, now: Instant) -> String {
    if is_ahead(at, minute(now)) {
        return "ahead".to_owned();
    }
    let minutes = (minute(now) - at).num_minutes();
    match minutes {
        ..=0 => "now".to_owned(),
        1..=59 => format!("{minutes} min"),
        60..=2879 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1440),
    }
}

/// So many seconds in one unit, rounded up: that something is over is never said as nothing.
#[must_use]
pub fn for_short(seconds: u64) -> String {
    match seconds.div_ceil(60) {
        minutes @ ..=59 => format!("{minutes} min"),
        minutes @ 60..=2879 => format!("{} h", minutes.div_ceil(60)),
        minutes => format!("{} d", minutes.div_ceil(1440)),
    }
}

/// How long it is until something: `in 5 h 02 min`.
#[must_use]
pub fn countdown(at: Instant, now: Instant) -> String {
    let now = minute(now);
    if at <= now {
        "now".to_owned()
    } else {
        format!("in {}", measure::between(now, at))
    }
}

/// What colour and symbol go with a severity.
#[must_use]
pub fn severity(severity: Severity, symbols: &Symbols) -> (&'static str, Meaning) {
    match severity {
        Severity::Information => (symbols.information, Meaning::Information),
        Severity::Warning => (symbols.warning, Meaning::Warning),
        Severity::Critical => (symbols.critical, Meaning::Critical),
    }
}

/// Whether a backup was read back and whether it was late, in a word or two.
#[must_use]
pub fn verified(backup: &Backup, symbols: &Symbols, wide: bool) -> Vec<Piece> {
    let (symbol, word, short, meaning) = match &backup.verification {
        Verification::Verified { .. } => match &backup.drill {
            None => (symbols.good, "verified", "", Meaning::Good),
            Some(drill) if drill.is_proven() => (symbols.good, "proven", "", Meaning::Good),
            Some(drill) if !drill.has_failed() => (symbols.good, "proven in part", "", Meaning::Warning),
            Some(_) => (symbols.critical, "drill failed", "bad", Meaning::Critical),
        },
        Verification::Unverified => (symbols.empty, "not verified", "no", Meaning::Warning),
        Verification::Damaged { .. } => (symbols.critical, "damaged", "bad", Meaning::Critical),
    };
    let word = if wide { word } else { short };
    let gap = if word.is_empty() { "" } else { " " };
    let mut pieces = vec![piece(format!("{symbol}{gap}{word}"), meaning)];
    if backup.is_late() {
        pieces.push(piece(if wide { ", late" } else { " late" }, Meaning::Warning));
    }
    pieces
}

/// The most important thing about an environment as a symbol.
#[must_use]
pub fn environment_symbol(
    summary: &EnvironmentSummary,
    job: Option<&Job>,
    symbols: &Symbols,
) -> (&'static str, Meaning) {
    if !summary.kind.is_recoverable() {
        (symbols.none, Meaning::Quiet)
    } else if summary.trouble.is_some() {
        (symbols.critical, Meaning::Critical)
    } else if job.is_some() || summary.job.is_some() {
        (symbols.running, Meaning::Information)
    } else if summary.failed.is_some() {
        (symbols.critical, Meaning::Critical)
    } else if summary.late {
        (symbols.warning, Meaning::Warning)
    } else if summary.newest.is_none() {
        (symbols.empty, Meaning::Quiet)
    } else {
        (symbols.full, Meaning::Good)
    }
}

/// How a job stands, as a symbol.
#[must_use]
pub fn job_symbol(state: &JobState, symbols: &Symbols) -> (&'static str, Meaning) {
    match state {
        JobState::Waiting { .. } => (symbols.empty, Meaning::Warning),
        JobState::Running => (symbols.running, Meaning::Information),
        JobState::Done => (symbols.good, Meaning::Good),
        JobState::Failed { .. } => (symbols.critical, Meaning::Critical),
        JobState::Cancelled => (symbols.none, Meaning::Warning),
    }
}

/// Whether an instance is up, as far as it is known, with a symbol.
#[must_use]
pub fn health(instance: Option<&Instance>, symbols: &Symbols) -> (String, Meaning) {
    let asked: Vec<_> = instance.into_iter().flat_map(Instance::asked).collect();
    let is_down = |asked: &&Asked<'_>| asked.answer.is_some_and(|answer| !answer.up);
    if let Some(down) = asked.iter().find(is_down) {
        let node = down.node.map_or_else(String::new, |node| format!(" {node}"));
        return (format!("{} DOWN{node}", symbols.critical), Meaning::Critical);
    }
    if !asked.is_empty() && asked.iter().all(|asked| asked.answer.is_some()) {
        return (format!("{} UP", symbols.good), Meaning::Good);
    }
    (format!("{} not asked", symbols.empty), Meaning::Quiet)
}

/// How far a phase is, in per cent.
#[must_use]
pub fn percent(progress: &Progress) -> Option<u16> {
    progress.per_mille().map(|part| part / 10)
}

/// A progress bar; none for a phase of which it is not known how much there is to do.
#[must_use]
pub fn bar(progress: &Progress, width: usize, symbols: &Symbols) -> Vec<Piece> {
    let Some(part) = progress.per_mille().map(usize::from) else {
        return Vec::new();
    };
    let done = part * width / 1000;
    vec![
        piece(symbols.bar_done.repeat(done), Meaning::BarDone),
        piece(symbols.bar_left.repeat(width - done), Meaning::BarLeft),
    ]
}

/// What has been done in a phase, of all instances together, and which of them it is at, as in `12 of 40 items, 3 MiB of 10 MiB; now
/// author`. `None` for a phase that counts nothing, as hooks do.
#[must_use]
pub fn counts(progress: &Progress) -> Option<String> {
    let counted =
        |done: u64, total: Option<u64>, say: fn(u64) -> String| match total.filter(|total| *total > 0) {
            Some(total) => Some(format!("{} of {}", say(done), say(total))),
            None => (done > 0).then(|| say(done)),
        };
    let items = counted(progress.items_done, progress.items_total, measure::count);
    let bytes = counted(progress.bytes_done, progress.bytes_total, measure::bytes);
    let parts: Vec<String> = items
        .map(|items| items + " items")
        .into_iter()
        .chain(bytes)
        .collect();
    let parts = parts.join(", ");
    match (whereabouts(progress), parts.is_empty()) {
        (Some(place), false) => Some(format!("{parts}; now {place}")),
        (Some(place), true) => Some(place),
        (None, false) => Some(parts),
        (None, true) => None,
    }
}

/// Which instance a job is on, and which part of it: `author/pm_website_bundle`.
#[must_use]
pub fn whereabouts(progress: &Progress) -> Option<String> {
    let instance = progress.instance.as_ref().map(ToString::to_string);
    let part = progress.part.as_ref().map(|part| printable::line(part));
    match (instance, part) {
        (Some(instance), Some(part)) => Some(format!("{instance}/{part}")),
        (Some(instance), None) => Some(instance),
        (None, Some(part)) => Some(part.into_owned()),
        (None, None) => None,
    }
}

/// How much, how fast and how long yet, in places of fixed width so that little changes from one tick to the next.
#[must_use]
pub fn pace(progress: &Progress) -> String {
    let percent = percent(progress).map_or_else(String::new, |percent| format!("{percent} %"));
    let rate = progress
        .bytes_per_second
        .map_or_else(String::new, |rate| format!("{}/s", measure::bytes(rate)));
    let left = progress.left_millis.map_or_else(String::new, seconds);
    format!("{percent:>5} {rate:>10}  {left}")
}

/// A duration without parts of a second: they would change with every tick and tell nothing.
fn seconds(millis: u64) -> String {
    if millis < 10_000 {
        format!("{} s", millis / 1000)
    } else {
        measure::millis(millis)
    }
}

/// What the newest data is from: a time of day, so that it stands still while the connection does.
#[must_use]
pub fn data_from(model: &Model) -> Option<String> {
    let at = model.data_from?;
    Some(format!("data from {}", model.when().time(at, model.now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::environment::{Answer, Node, Role};
    use crate::tui::theme::ASCII;

    fn node(name: &str, up: Option<bool>) -> Node {
        Node {
            name: name.parse().unwrap(),
            health: Some(format!("http://{name}.internal/")),
            answer: up.map(|up| Answer {
                at: chrono::DateTime::UNIX_EPOCH,
                up,
                detail: String::new(),
            }),
        }
    }

    fn shown(nodes: Vec<Node>) -> String {
        let instance = Instance {
            name: "author".parse().unwrap(),
            role: Role::Author,
            content: String::new(),
            health: None,
            answer: None,
            nodes,
        };
        health(Some(&instance), &ASCII).0
    }

    #[test]
    fn an_instance_of_several_nodes_is_up_when_all_are_and_else_names_one_that_is_not() {
        let (up, down) = (Some(true), Some(false));
        assert!(shown(vec![node("one", up), node("two", up)]).ends_with(" UP"));
        assert!(shown(vec![node("one", up), node("two", down)]).ends_with(" DOWN two"));
        assert!(shown(vec![node("one", up), node("two", None)]).ends_with(" not asked"));
        assert!(shown(Vec::new()).ends_with(" not asked"));
    }
}
