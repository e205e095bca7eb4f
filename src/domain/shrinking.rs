//! Whether a backup holds so much less than an earlier one that it may well be a copy of a broken Live: an empty folder
//! where a disk should be mounted, files that a full disk has emptied, a website deleted by mistake.
//!
//! Not in here: what follows from it for what is dropped (`retention`).

use super::backup::{InstanceCopy, Manifest};
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
    use super::*;
    use crate::domain::Instant;
    use crate::domain::backup::{TableCopy, Trigger, WorkspaceCopy};
    use crate::domain::environment::{Role, WorkspaceKind};
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

    #[test]
    fn small_workspaces_come_and_go_without_a_word() {
        let before = manifest(&[("dam", 100, 90_000), ("tasks", 9, 4_000)], &[]);
        let after = manifest(&[("dam", 100, 90_000), ("tasks", 0, 0)], &[]);
        assert_eq!(told(&before, &after), "");
    }
}
