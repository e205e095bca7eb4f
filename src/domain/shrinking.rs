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
    /// Whether bytes were counted, and not items or rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bytes: bool,
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
        let told = |percent: u64, part: Option<String>, bytes: bool| Self {
            percent: u8::try_from(percent).unwrap_or(100),
            part,
            bytes,
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
            return Some(told(percent, None, false));
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
            most.measure == Measure::Bytes,
        ))
    }

    /// In a few words, for a table: `93 % fewer items`.
    #[must_use]
    pub fn in_short(&self) -> String {
        let what = if self.bytes { "bytes" } else { "items" };
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
mod tests {
    use chrono::Datelike;

    use super::*;
    use crate::domain::backup::{TableCopy, WorkspaceCopy};
    use crate::domain::environment::{Role, WorkspaceKind};
    use crate::domain::histories;
    use crate::domain::version::{MagnoliaVersion, ReleaseVersion, Versions};

    fn manifest(workspaces: &[(&str, u64, u64)], tables: &[(&str, u64)]) -> Manifest {
        let at = Instant::UNIX_EPOCH;
        let copy = InstanceCopy {
            name: "author".parse().unwrap(),
            role: Role::Author,
            began: at,
            ended: at,
            workspaces: workspaces
                .iter()
                .map(|(name, items, bytes)| WorkspaceCopy {
                    name: (*name).to_owned(),
                    kind: WorkspaceKind::Content,
                    items: *items,
                    bytes: *bytes,
                    digest: String::new(),
                })
                .collect(),
            tables: tables
                .iter()
                .map(|(name, rows)| TableCopy {
                    name: (*name).to_owned(),
                    workspace: "website".to_owned(),
                    rows: *rows,
                    bytes: rows * 10,
                    digest: String::new(),
                })
                .collect(),
            left_alone: Vec::new(),
            left_out: Vec::new(),
            doubts: Vec::new(),
        };
        Manifest {
            format: Manifest::FORMAT,
            environment: "acme/live".parse().unwrap(),
            taken: at,
            copy_millis: 0,
            verify_millis: 0,
            trigger: Trigger::Person,
            by: "maria".into(),
            note: None,
            versions: Versions {
                release: ReleaseVersion::numbered(1),
                magnolia: MagnoliaVersion("6.3.4".into()),
            },
            slots: Vec::new(),
            serves: Vec::new(),
            expires: None,
            pin: None,
            replaced: None,
            added_bytes: 0,
            read_since: None,
            ran: None,
            came_from: None,
            earlier: Vec::new(),
            instances: vec![copy],
        }
    }

    fn told(earlier: &Manifest, later: &Manifest) -> String {
        in_words(&shrunk(earlier, later))
    }

    #[test]
    fn files_that_are_all_empty_now_are_seen_though_none_is_gone() {
        let before = manifest(&[("website", 6, 50), ("config", 5, 50)], &[]);
        let after = manifest(&[("website", 6, 0), ("config", 5, 0)], &[]);
        assert_eq!(told(&before, &after), "author: 0 B now, 100 B before");
        let grown = manifest(&[("website", 6, 30), ("config", 5, 10)], &[]);
        assert_eq!(told(&before, &grown), "", "a hundred bytes come and go");
    }

    #[test]
    fn one_workspace_that_is_emptied_is_seen_among_large_ones() {
        let before = manifest(&[("dam", 9_000, 900_000), ("website", 300, 9_000)], &[]);
        let after = manifest(&[("dam", 9_000, 900_000), ("website", 1, 0)], &[]);
        let seen = told(&before, &after);
        assert!(
            seen.contains("website of author: 1 item now, 300 items before"),
            "{seen}"
        );
        let gone = manifest(&[("dam", 9_000, 900_000)], &[]);
        assert!(told(&before, &gone).contains("website of author: 0 items now"));
        let half = manifest(&[("dam", 9_000, 900_000), ("website", 150, 4_500)], &[]);
        assert_eq!(told(&before, &half), "", "half is not less than half");
        let lighter = manifest(&[("dam", 9_000, 900_000), ("website", 300, 4_000)], &[]);
        assert!(told(&before, &lighter).contains("website of author"));
    }

    #[test]
    fn one_file_of_a_home_that_is_gone_is_seen_beside_tables_and_what_comes_and_goes_in_a_whole_home_is_not()
    {
        let tables = [("pm_website_bundle", 300)];
        let before = manifest(&[(HOME, 12, 4_000), ("website", 300, 9_000)], &tables);
        let after = manifest(&[(HOME, 11, 3_900), ("website", 300, 9_000)], &tables);
        assert_eq!(
            told(&before, &after),
            ".home of author: 11 files and folders now, 12 files and folders before"
        );
        assert_eq!(told(&after, &before), "");
        let whole = |items| manifest(&[(HOME, items, 4_000), ("website", 300, 9_000)], &[]);
        assert_eq!(told(&whole(60), &whole(50)), "");
    }

    #[test]
    fn bundles_that_are_gone_are_seen_though_versions_remain() {
        let before = manifest(
            &[("website", 602, 0)],
            &[("PM_WEBSITE_BUNDLE", 300), ("version_bundle", 302)],
        );
        let after = manifest(
            &[("website", 302, 0)],
            &[("PM_WEBSITE_BUNDLE", 0), ("version_bundle", 302)],
        );
        assert_eq!(
            told(&before, &after),
            "PM_WEBSITE_BUNDLE of author: 0 rows now, 300 rows before"
        );
    }

    /// Those of one day after the other with so many items: which say that they hold less, and less than that of which day.
    fn days(items: &[u64]) -> Vec<Option<u32>> {
        let mut backups: Vec<_> = (1_u32..)
            .zip(items)
            .map(|(day, items)| of_day(day, manifest(&[("website", *items, 0)], &[])))
            .collect();
        mark(backups.iter_mut());
        let than = |backup: &Backup| backup.less.as_ref().map(|less| less.than.day());
        backups.iter().map(than).collect()
    }

    fn of_day(day: u32, mut manifest: Manifest) -> Backup {
        let at = format!("2026-11-{day:02}T02:00:00Z").parse().unwrap();
        let mut backup = histories::backup(u64::from(day), at, Trigger::Person, &[], Vec::new());
        manifest.taken = at;
        backup.manifest = manifest;
        backup
    }

    #[test]
    fn three_in_a_row_that_agree_are_what_live_is_from_then_on() {
        let cleared_up = [400, 300, 302, 298, 301, 200];
        let first = Some(1);
        assert_eq!(days(&cleared_up), [None, first, first, first, None, Some(5)]);
        // A row has no other between, and all of it within the tenth; nothing at all is no row.
        assert_eq!(
            days(&[400, 200, 100, 200, 200]),
            [None, first, first, first, first]
        );
        assert_eq!(
            days(&[400, 100, 107, 114, 107, 107]),
            [None, first, first, first, first, None]
        );
        assert_eq!(days(&[400, 0, 0, 0, 0]), [None, first, first, first, first]);
        // One that holds as much as before begins anew.
        assert_eq!(
            days(&[400, 30, 30, 400, 30, 30]),
            [None, first, first, None, Some(4), Some(4)]
        );
    }

    #[test]
    fn an_instance_that_is_not_configured_any_more_is_no_loss() {
        let both = |author, public| {
            let mut manifest = manifest(&[("website", author, 9_000)], &[]);
            let mut copy = manifest.instances[0].clone();
            copy.name = "public".parse().unwrap();
            copy.workspaces[0].items = public;
            manifest.instances.push(copy);
            manifest
        };
        let alone = |author| manifest(&[("website", author, 9_000)], &[]);
        assert_eq!(Less::of(&both(400, 400), &alone(400)), None);
        let less = Less::of(&both(400, 400), &alone(300)).unwrap();
        assert_eq!((less.percent, less.part), (25, None));
        // Nor does a new one make up for what is gone.
        assert_eq!(Less::of(&alone(400), &both(300, 400)).unwrap().percent, 25);
    }

    #[test]
    fn a_backup_of_a_broken_live_says_how_much_less_it_holds_and_so_does_the_next_one() {
        let of = |day: u32, items: u64| {
            let at = format!("2026-11-{day:02}T02:00:00Z").parse().unwrap();
            let mut backup = histories::backup(u64::from(day), at, Trigger::Person, &[], Vec::new());
            backup.manifest = manifest(&[("website", items, 900_000), ("config", 100, 9_000)], &[]);
            backup.manifest.taken = at;
            backup
        };
        let mut backups = [of(4, 30), of(3, 26), of(2, 412), of(1, 400), of(5, 410)];
        mark(backups.iter_mut());
        let said = backups
            .each_ref()
            .map(|backup| backup.less.as_ref().map(Less::in_words));
        let than = "than the backup of 2026-11-02 02:00 UTC";
        assert_eq!(
            said,
            [
                Some(format!("74 % fewer items {than}")),
                Some(format!("75 % fewer items {than}")),
                None,
                None,
                None
            ]
        );
        // A part that is empty is named where it is little of all.
        let before = manifest(&[("dam", 9_000, 900_000), ("website", 300, 9_000)], &[]);
        let after = manifest(&[("dam", 9_000, 900_000), ("website", 1, 0)], &[]);
        assert_eq!(
            Less::of(&before, &after).unwrap().in_short(),
            "100 % fewer bytes in website of author"
        );
    }

    #[test]
    fn small_workspaces_come_and_go_without_a_word() {
        let before = manifest(&[("dam", 100, 90_000), ("tasks", 9, 4_000)], &[]);
        let after = manifest(&[("dam", 100, 90_000), ("tasks", 0, 0)], &[]);
        assert_eq!(told(&before, &after), "");
    }

    #[test]
    fn one_file_of_many_that_is_missing_is_not_said_to_be_no_percent() {
        let tables = [("pm_website_bundle", 200)];
        let before = manifest(&[(HOME, 120, 4_000), ("website", 300, 9_000)], &tables);
        let after = manifest(&[(HOME, 119, 3_990), ("website", 300, 9_000)], &tables);
        let less = Less::of(&before, &after).unwrap();
        assert!(less.in_short().starts_with("1 % fewer"), "{}", less.in_short());
    }
}
