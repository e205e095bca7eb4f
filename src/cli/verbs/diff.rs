//! `lifeboat diff ENV OLDER NEWER [PATH]`: how two backups, or a backup and Live, differ, down to properties.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::browse::text;
use super::looking::Waiting;
use crate::backend::Backend;
use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{
    Change, Diff, DiffLine, DiffRequest, MOST_LINES, NodeDiff, NodeDiffRequest, NodePath, PropertyFacts,
    Source, ValueFacts,
};
use crate::domain::measure;

/// What `lifeboat diff --help` says first.
pub const LONG_ABOUT: &str = "\
Shows how two backups, or a backup and Live, differ: nodes that were added, changed, removed or moved. With \
--properties, also which properties of those that changed, with both values. The first look at a workspace \
reads all of it once; Ctrl-C cancels. The version storage is compared only where PATH names it.";

/// The characters of a value that are shown: of a longer one those around the first difference.
const SHOWN: usize = 200;
/// The characters of a value that are compared for that.
const COMPARED: u32 = 20_000;
/// The characters before a difference that are shown with it, at least.
const BEFORE: usize = 40;

/// So many lines are said in the cockpit in lines.
const HEARD: usize = 30;

/// What `lifeboat diff` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DiffArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// What was before: "live", or a backup: an id, a unique beginning of one, or a slot's name
    #[arg(value_name = "OLDER")]
    pub older: Source,
    /// What came after it
    #[arg(value_name = "NEWER")]
    pub newer: Source,
    /// The path.
    #[arg(
        value_name = "PATH",
        help = "Only in this instance, workspace or node: INSTANCE:/WORKSPACE/NODE/…"
    )]
    pub path: Option<NodePath>,
    /// Show which properties have changed, with both values
    #[arg(long)]
    pub properties: bool,
    /// Pass over so many lines
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub from: u64,
    /// Show at most so many lines
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_LINES)))]
    pub limit: u32,
}

pub(super) async fn run(arguments: DiffArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    let request = DiffRequest {
        environment: arguments.environment,
        older: arguments.older,
        newer: arguments.newer,
        below: arguments.path.unwrap_or_default(),
        from: arguments.from,
        limit: arguments.limit,
    };
    let diff = Waiting::default()
        .for_answer(call, || backend.diff(request.clone()))
        .await?;
    let mut changes = Vec::new();
    if arguments.properties {
        for line in &diff.lines {
            let has_changed = matches!(line.change, Change::Changed | Change::MovedAndChanged);
            if has_changed && !line.is_unknown() {
                changes.push(of_node(&request, line, &diff, &backend, call).await?);
            }
        }
    }
    if call.globals.json {
        return call.json(&json!({ "diff": diff, "nodes": changes }));
    }
    print(&diff, &changes, call)
}

async fn of_node(
    request: &DiffRequest,
    line: &DiffLine,
    diff: &Diff,
    backend: &Arc<dyn Backend>,
    call: &mut Call<'_>,
) -> Result<NodeDiff, CliError> {
    let request = NodeDiffRequest {
        environment: request.environment.clone(),
        older: (diff.older.source.clone(), line.older.clone()),
        newer: (diff.newer.source.clone(), line.newer.clone()),
        characters: COMPARED,
    };
    Waiting::default()
        .for_answer(call, || backend.node_diff(request.clone()))
        .await
}

fn print(diff: &Diff, changes: &[NodeDiff], call: &mut Call<'_>) -> Result<(), CliError> {
    call.tell(&format!(
        "From {}, as of {}, to {}, as of {}:",
        diff.older.source.short(),
        measure::moment(diff.older.at),
        diff.newer.source.short(),
        measure::moment(diff.newer.at)
    ))?;
    let totals = &diff.totals;
    if totals.is_none() {
        call.say(if diff.is_in_part() {
            "There is no difference in what could be compared; below stands what could not."
        } else {
            "There is no difference."
        })?;
    } else {
        // Before the others: what is in there may be gone or not.
        if totals.unreadable > 0 {
            call.tell(&format!(
                "{} cannot be read, so that nobody knows what of it is gone or has changed: each is named below, with the reason",
                measure::so_many(totals.unreadable, "file or node", "files or nodes"),
            ))?;
        }
        call.tell(&format!(
            "{} added, {} changed, {} removed, {} moved, {} in another order",
            measure::count(totals.added),
            measure::count(totals.known_to_have_changed()),
            measure::count(totals.removed),
            measure::count(totals.moved),
            measure::count(totals.reordered)
        ))?;
        call.say("")?;
    }
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
    let lines = heard(&diff.lines, call.globals.plain);
    // Nobody passes over what they hear: it is asked for a path behind that.
    let said = if call.in_lines.is_some() {
        HEARD
    } else {
        usize::MAX
    };
    for line in lines.iter().take(said) {
        table.row([line.label().to_owned(), place(line)]);
        for reason in reasons(line, diff) {
            table.row([String::new(), format!("  cannot be read {reason}")]);
        }
        let is_of_line =
            |change: &&NodeDiff| change.newer_path == line.newer && change.older_path == line.older;
        for property in changes
            .iter()
            .filter(is_of_line)
            .flat_map(|change| &change.properties)
        {
            table.row([String::new(), format!("  {}", property.name)]);
            let sides = [
                ('-', &property.older, &property.newer),
                ('+', &property.newer, &property.older),
            ];
            for (sign, side, other) in sides {
                for value in values(side.as_ref(), other.as_ref()) {
                    table.row([String::new(), format!("  {sign} {value}")]);
                }
            }
        }
    }
    if !table.is_empty() {
        call.table(&table)?;
    }
    let shown = diff.lines.len().min(said) as u64;
    if call.in_lines.is_some() && shown < diff.total {
        call.say(&format!(
            "{} of {}: what is gone or cannot be read first, of that what has the most below it; a path says those below it",
            measure::so_many(shown, "line", "lines"),
            measure::count(diff.total)
        ))?;
    } else if shown < diff.total {
        call.say(&format!(
            "{} of {}; --from NUMBER shows others",
            measure::so_many(shown, "line", "lines"),
            measure::count(diff.total)
        ))?;
    }
    if diff.is_cut {
        call.say("There are more lines than are kept; the numbers above count all.")?;
    }
    for remark in &diff.remarks {
        call.tell(&format!("note: {remark}"))?;
    }
    if let Some(not_read) = &diff.not_read {
        call.tell(&format!("note: {}", not_read.in_words()))?;
    }
    Ok(())
}

/// The lines in the order in which they are shown: for whoever hears them, what is gone or cannot be read first, and what has the most below it before
/// that.
fn heard(lines: &[DiffLine], are_heard: bool) -> Vec<&DiffLine> {
    let mut lines: Vec<&DiffLine> = lines.iter().collect();
    if are_heard {
        let is_less = |line: &DiffLine| line.change != Change::Removed && !line.is_unknown();
        lines.sort_by_key(|line| (is_less(line), std::cmp::Reverse(line.below)));
    }
    lines
}

fn place(line: &DiffLine) -> String {
    let mut text = line.path().map(ToString::to_string).unwrap_or_default();
    if let (Change::Moved | Change::MovedAndChanged, Some(older)) = (line.change, &line.older) {
        let _ = write!(text, " (was {older})");
    }
    text.push_str(&line.below_words());
    text
}

/// Where and why it cannot be read.
fn reasons(line: &DiffLine, diff: &Diff) -> Vec<String> {
    let unreadable = line.unreadable.as_ref();
    unreadable.map_or_else(Vec::new, |why| {
        why.reasons(&diff.older.source, &diff.newer.source)
    })
}

/// The values of one side, each in one line.
fn values(side: Option<&PropertyFacts>, other: Option<&PropertyFacts>) -> Vec<String> {
    let Some(side) = side else { return Vec::new() };
    let others = other.map_or(&[][..], |other| &other.values);
    let values = side.values.iter().enumerate();
    values
        .map(|(at, value)| text(&shortened(value, others.get(at))))
        .collect()
}

/// A value of which a long text is cut to what stands around its first difference from the other side's.
fn shortened(value: &ValueFacts, other: Option<&ValueFacts>) -> ValueFacts {
    let preview = |value: &ValueFacts| value.binary.as_ref().and_then(|binary| binary.preview.clone());
    let mut short = value.clone();
    let against = other.map_or("", |other| other.text.as_str());
    short.text = around(&value.text, against, Some(value.length));
    if short.text != value.text {
        // What it says of itself from here on is what is shown.
        short.length = short.text.chars().count() as u64;
    }
    let of_other = other.and_then(preview).unwrap_or_default();
    if let Some(binary) = &mut short.binary {
        binary.preview = binary.preview.as_ref().map(|text| around(text, &of_other, None));
    }
    short
}

/// The text, or what of it stands around the first word that another does not have there. `whole` is how long the text is of
/// which this is the beginning.
fn around(text: &str, other: &str, whole: Option<u64>) -> String {
    let length = text.chars().count();
    if length <= SHOWN {
        return text.to_owned();
    }
    let same = text
        .chars()
        .zip(other.chars())
        .take_while(|(one, other)| one == other)
        .count();
    // From the beginning of a word on.
    let earliest = same.saturating_sub(BEFORE);
    let before: Vec<char> = text.chars().take(earliest).collect();
    let word = before.iter().rev().take(BEFORE).position(|c| c.is_whitespace());
    let start = word.map_or(earliest, |back| earliest - back);
    let shown: String = text.chars().skip(start).take(SHOWN).collect();
    let first = if start > 0 { "… " } else { "" };
    let last = if start + SHOWN < length { " …" } else { "" };
    let count = whole.map_or_else(String::new, |whole| {
        format!(" ({} characters)", measure::count(whole))
    });
    format!("{first}{shown}{last}{count}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_heard_first_and_the_most_of_it_before_the_rest() {
        let line = |change: Change, path: &str, below| DiffLine {
            change,
            older: Some(path.parse().unwrap()),
            newer: Some(path.parse().unwrap()),
            id: None,
            primary_type: None,
            below,
            unreadable: None,
        };
        let lines = [
            line(Change::Added, "author:/dam/new", 900),
            line(Change::Removed, "author:/dam/one", 0),
            line(Change::Changed, "author:/website/home", 0),
            line(Change::Removed, "author:/website/destinations", 545),
        ];
        let said = |are_heard| {
            heard(&lines, are_heard)
                .into_iter()
                .map(place)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            said(true),
            [
                "author:/website/destinations and 545 below it",
                "author:/dam/one",
                "author:/dam/new and 900 below it",
                "author:/website/home",
            ]
        );
        assert_eq!(said(false)[0], "author:/dam/new and 900 below it");
    }

    #[test]
    fn what_is_shown_of_a_long_text_has_its_first_difference() {
        let around = |text: &str, other: &str| around(text, other, Some(text.chars().count() as u64));
        let begin = "the same words ".repeat(100);
        let end = " and so on".repeat(100);
        let (older, newer) = (format!("{begin}nine{end}"), format!("{begin}ten{end}"));
        let shown = around(&older, &newer);
        assert!(
            shown.starts_with("… ") && shown.contains("words nine and so"),
            "{shown}"
        );
        assert!(shown.ends_with(" … (2,504 characters)"), "{shown}");
        assert!(around(&newer, &older).contains("words ten and so"));
        assert!(around(&newer, "").starts_with("the same words"));
        assert_eq!(around("short", "other"), "short");
        let grown = format!("{older} more");
        assert!(
            around(&grown, &older).contains("on more ("),
            "{}",
            around(&grown, &older)
        );
    }
}
