//! Whether a backup holds so much less than an earlier one that it may well be a copy of a broken Live: an empty folder
//! where a disk should be mounted, files that a full disk has emptied, a website deleted by mistake.
//!
//! Not in here: what follows from it for what is dropped (`retention`).

use serde::{Deserialize, Serialize};

use super::Instant;
use super::backup::{Backup, InstanceCopy, Manifest, Trigger};
use super::environment::{HOME, InstanceName};
use super::measure;

/// One workspace or table counts by itself from so many items or rows on: of the few in a small one, half come and go.
const ITEMS: u64 = 10;
/// And from so many bytes on.
const BYTES: u64 = 4096;
/// So many are named in a sentence.
const NAMED: usize = 3;

/// What has become less than half, or less at all where that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Files, links and folders, or nodes.
    Items,
    /// Bytes of content.
    Bytes,
    /// Rows of a table of bundles.
    Rows,
    /// Files of a repository's home beside its tables, of which none may be missing.
    Files,
}

/// A part of an instance of which less than half is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    /// The instance.
    pub instance: InstanceName,
    /// The workspace or table. `None` for the instance as a whole.
    pub part: Option<String>,
    /// What was counted.
    pub measure: Measure,
    /// How much there was.
    pub before: u64,
    /// How much there is.
    pub after: u64,
}

impl Shrunk {
    fn in_words(&self) -> String {
        let told = |amount: u64| match self.measure {
            Measure::Items => measure::items(amount),
            Measure::Bytes => measure::bytes(amount),
            Measure::Rows => measure::so_many(amount, "row", "rows"),
            Measure::Files => measure::so_many(amount, "file or folder", "files and folders"),
        };
        let what = match &self.part {
            Some(part) => format!("{part} of {}", self.instance),
            None => self.instance.to_string(),
        };
        format!("{what}: {} now, {} before", told(self.after), told(self.before))
    }
}

/// Of what the later backup holds less than half as much as the earlier one. Looked at are the items and the bytes of
/// every instance as a whole; those of every workspace that had at least [`ITEMS`] items, or [`BYTES`] bytes; and rows and
/// bytes of every table of bundles that had as many, so that versions which are still there hide no content that is not. Of the
/// files of a home beside tables, none may be missing.
#[must_use]
pub fn shrunk(earlier: &Manifest, later: &Manifest) -> Vec<Shrunk> {
    let mut found = Vec::new();
    for copy in &earlier.instances {
        let after = later.instances.iter().find(|after| after.name == copy.name);
        look(copy, after, &mut found);
    }
    found
}

fn look(copy: &InstanceCopy, later: Option<&InstanceCopy>, found: &mut Vec<Shrunk>) {
    let mut compare = |part: Option<&str>, measure, before: u64, after: u64, least: u64| {
        let is_less = match measure {
            Measure::Files => after < before,
            _ => after.saturating_mul(2) < before,
        };
        if before >= least.max(1) && is_less {
            found.push(Shrunk {
                instance: copy.name.clone(),
                part: part.map(str::to_owned),
                measure,
                before,
                after,
            });
        }
    };
    let (items, bytes) = later.map_or((0, 0), |later| (later.items(), later.bytes()));
    compare(None, Measure::Items, copy.items(), items, 0);
    // Few bytes are an instance of next to nothing, unless none at all are left.
    compare(
        None,
        Measure::Bytes,
        copy.bytes(),
        bytes,
        if bytes == 0 { 0 } else { BYTES },
    );
    for workspace in &copy.workspaces {
        let after = later.and_then(|later| {
            let mut workspaces = later.workspaces.iter();
            workspaces.find(|after| after.name == workspace.name)
        });
        let (items, bytes) = after.map_or((0, 0), |after| (after.items, after.bytes));
        let name = Some(workspace.name.as_str());
        compare(name, Measure::Items, workspace.items, items, ITEMS);
        compare(name, Measure::Bytes, workspace.bytes, bytes, BYTES);
        // The few small files of a home are each as good as nothing without the others.
        if workspace.name == HOME && !copy.tables.is_empty() {
            compare(name, Measure::Files, workspace.items, items, 0);
        }
    }
    let of_bundles = |name: &str| name.to_ascii_lowercase().ends_with("bundle");
    for table in copy.tables.iter().filter(|table| of_bundles(&table.name)) {
        let after = later.and_then(|later| later.tables.iter().find(|after| after.name == table.name));
        let (rows, bytes) = after.map_or((0, 0), |after| (after.rows, after.bytes));
        let name = Some(table.name.as_str());
        compare(name, Measure::Rows, table.rows, rows, ITEMS);
        compare(name, Measure::Bytes, table.bytes, bytes, BYTES);
    }
}

/// From so many percent fewer items on, in all, it is said of a backup.
const PERCENT: u64 = 10;

/// So many in a row that hold about as much as each other are what Live is from then on.
const IN_A_ROW: usize = 3;

/// That a backup holds less than one before it.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Less {
    /// How many percent fewer.
    pub percent: u8,
    /// The workspace or table that it is said of, with its instance. `None` for all that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Whether bytes were counted, and neither items nor rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bytes: bool,
    /// Whether all that is missing is rows of a table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rows: bool,
    /// When the one was taken that it is compared with: the last one before it that is not such a one itself, or the last
    /// of three such in a row that hold about as much as each other.
    pub than: Instant,
}

impl Less {
    /// Of what both hold: an instance that is not configured any more is no loss, and a new one makes up for none.
    fn of(earlier: &Manifest, later: &Manifest) -> Option<Self> {
        let less = |before: u64, after: u64| {
            let fewer = before
                .saturating_sub(after)
                .saturating_mul(100)
                .checked_div(before);
            fewer.unwrap_or(0)
        };
        let told = |percent: u64, part: Option<String>, measure: Measure| Self {
            percent: u8::try_from(percent).unwrap_or(100),
            part,
            bytes: measure == Measure::Bytes,
            rows: measure == Measure::Rows,
            than: earlier.taken,
        };
        let has = |manifest: &Manifest, name: &InstanceName| {
            manifest.instances.iter().any(|copy| copy.name == *name)
        };
        let in_both = |name: &InstanceName| has(earlier, name) && has(later, name);
        let items = |manifest: &Manifest| -> u64 {
            let copies = manifest.instances.iter();
            copies
                .filter(|copy| in_both(&copy.name))
                .map(InstanceCopy::items)
                .sum()
        };
        let (before, after) = (items(earlier), items(later));
        let percent = less(before, after);
        if percent >= PERCENT && before.saturating_sub(after) >= ITEMS {
            return Some(told(percent, None, Measure::Items));
        }
        let mut shrunk = shrunk(earlier, later);
        shrunk.retain(|one| in_both(&one.instance));
        let most = shrunk.iter().max_by_key(|one| less(one.before, one.after))?;
        let part = match &most.part {
            Some(part) => format!("{part} of {}", most.instance),
            None => most.instance.to_string(),
        };
        // Of many files one may be missing, which is less than a percent and still said.
        Some(told(
            less(most.before, most.after).max(1),
            Some(part),
            most.measure,
        ))
    }

    /// In a few words, for a table: `93 % fewer items`.
    #[must_use]
    pub fn in_short(&self) -> String {
        let what = match (self.bytes, self.rows) {
            (true, _) => "bytes",
            (_, true) => "rows",
            _ => "items",
        };
        let place = self.part.as_ref().map(|part| format!(" in {part}"));
        format!("{} % fewer {what}{}", self.percent, place.unwrap_or_default())
    }

    /// The same, with what it is compared with: `93 % fewer items than the backup of 2026-11-30 02:00 UTC`.
    #[must_use]
    pub fn in_words(&self) -> String {
        format!(
            "{} than the backup of {}",
            self.in_short(),
            measure::moment(self.than)
        )
    }
}

/// Says of each backup whether it holds less than the last one before it that does not. Safety backups are said of as well,
/// and compared with no others: whoever restores knows that Live is not what it was.
///
/// After somebody has cleared up on purpose, every backup would hold less for as long as an older one stands. So the third in
/// a row that holds less is the one that later ones are compared with, where none of the three holds less than another of them and
/// there is anything in them. These three are said to hold less, and go on to be.
pub fn mark<'b>(backups: impl Iterator<Item = &'b mut Backup>) {
    let mut all: Vec<&mut Backup> = backups.collect();
    all.sort_by(|one, other| (one.manifest.taken, &one.id).cmp(&(other.manifest.taken, &other.id)));
    let mut before: Option<Manifest> = None;
    let mut in_a_row: Vec<Manifest> = Vec::new();
    for backup in all {
        let earlier = before.as_ref().filter(|_| !backup.dated_ahead);
        backup.less = earlier.and_then(|earlier| Less::of(earlier, &backup.manifest));
        let counts = backup.is_good() && backup.manifest.trigger != Trigger::Restore;
        if !counts {
            continue;
        }
        if backup.less.is_some() {
            // Those before it that do not hold about as much as it are no part of the row.
            if let Some(other) = in_a_row.iter().rposition(|one| !agree(one, &backup.manifest)) {
                in_a_row.drain(..=other);
            }
            in_a_row.push(backup.manifest.clone());
            if in_a_row.len() < IN_A_ROW || backup.manifest.items() == 0 {
                continue;
            }
        }
        in_a_row.clear();
        before = Some(backup.manifest.clone());
    }
}

/// Whether neither of the two holds less than the other.
fn agree(one: &Manifest, other: &Manifest) -> bool {
    Less::of(one, other).is_none() && Less::of(other, one).is_none()
}

/// What has shrunk, for people: the first of it, and how much more there is.
#[must_use]
pub fn in_words(shrunk: &[Shrunk]) -> String {
    let mut told: Vec<_> = shrunk.iter().take(NAMED).map(Shrunk::in_words).collect();
    if let Some(more) = shrunk.len().checked_sub(NAMED).filter(|more| *more > 0) {
        told.push(format!("and {more} more"));
    }
    told.join("; ")
}

#[cfg(test)]
mod tests;
