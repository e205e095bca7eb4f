//! The part of a check that is about an instance's home.

use std::path::Path;

use super::place::{covered, in_the_way, stands_in};
use super::{content, items};
use crate::content::restoring::World;
use crate::domain::check::Findings;
use crate::domain::environment::HOME;
use crate::domain::measure;

const ABOUT: &str = "home";

/// Looks at a home. `in_tables` is the table that the repository's file system is kept in, if it is.
pub(crate) fn check(
    home: Option<&Path>,
    in_tables: Option<&str>,
    left: &[std::path::PathBuf],
    world: &World,
    findings: &mut Findings<'_>,
) {
    for folder in left {
        findings.warning(
            ABOUT,
            format!(
                "{} was left by a restore that was interrupted, or whose replaced tables are gone: it may hold files that were \
                 live in the home before. Look at it, and remove it when nobody needs it",
                folder.display()
            ),
        );
    }
    let Some(home) = home else {
        return match in_tables {
            Some(table) => findings.ok(
                ABOUT,
                format!(
                    "none is configured: namespaces and node types are in the table {table}, which is backed up, and definitions \
                     of workspaces (workspaces/*/workspace.xml) are in no backup"
                ),
            ),
            None => findings.warning(
                ABOUT,
                "none is configured: namespaces, node types and definitions of workspaces are in no backup, and when they are \
                 lost, nodes of types that were registered at run time cannot be saved. Name the folder as home",
            ),
        };
    };
    if let Some(why) = covered(home) {
        return findings.failed(ABOUT, why);
    }
    let items = match items(home) {
        Ok(items) => items,
        Err(error) => return findings.failed(ABOUT, format!("{error}. No backup is made without it")),
    };
    let files: Vec<_> = items.iter().filter_map(content).collect();
    let bytes = files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    let paths: Vec<_> = files
        .iter()
        .filter_map(|(path, _)| Some(path.strip_prefix(HOME).ok()?.to_owned()))
        .collect();
    let in_the_way = in_the_way(home, &paths, world);
    if in_the_way.is_empty() {
        let staged = stands_in(home).unwrap_or(home).display();
        findings.ok(
            ABOUT,
            format!(
                "{}: {}, {}; what a restore brings back is staged in {staged} and exchanged there file by file",
                home.display(),
                measure::so_many(files.len() as u64, "file", "files"),
                measure::bytes(bytes)
            ),
        );
    }
    for why in in_the_way {
        findings.warning(
            ABOUT,
            format!("a restore that has to change the home will not be possible: {why}"),
        );
    }
    if in_tables.is_none() && !paths.iter().any(|path| path == Path::new(super::text::REGISTRY)) {
        findings.warning(
            ABOUT,
            format!(
                "{} has no repository/namespaces/ns_reg.properties, and no table of a file system is in the schema: look whether \
                 Jackrabbit keeps its file system somewhere else",
                home.display()
            ),
        );
    }
}
