//! Search indexes of what was restored: Jackrabbit builds one only where there is none, so the old ones have to go.

use std::fs;
use std::path::PathBuf;

use super::journal::Journal;
use super::staging::{longest_name, name_beside};
use crate::disk::removal;
use crate::domain::activity::Severity;
use crate::engine::Live;

impl Live {
    /// Removes the folders of search indexes of what was restored: Jackrabbit builds one only where there is none.
    pub(super) fn remove_search_indexes(
        &self,
        journal: &Journal,
        say: &dyn Fn(Severity, &str),
    ) -> Vec<String> {
        if journal.indexes_removed {
            return Vec::new();
        }
        let mut warnings = Vec::new();
        for record in &journal.instances {
            let Some(schema) = record.beside.schema() else {
                continue;
            };
            let Ok(connector) = self.connector_of(&record.instance) else {
                continue;
            };
            for pattern in &connector.settings().search_indexes {
                for folder in folders(pattern, &schema.workspaces) {
                    match remove_index(&folder) {
                        Ok(true) => say(
                            Severity::Information,
                            &format!("{}: the search index in {} is removed", record.instance, folder.display()),
                        ),
                        Ok(false) => {}
                        Err(why) => warnings.push(format!(
                            "the search index of {} in {} is still there ({why}): remove it before Magnolia starts, or \
                             its searches are wrong",
                            record.instance,
                            folder.display()
                        )),
                    }
                }
            }
        }
        let removed = Journal {
            indexes_removed: true,
            ..journal.clone()
        };
        // Without it, a crash before the end has the indexes removed once more.
        if let Err(error) = self.write_journal(&removed) {
            warnings.push(error.to_string());
        }
        warnings
    }
}

/// The folders that a pattern stands for. Workspaces are folders in the case that Jackrabbit knows them in, and tables
/// have lost it: `{workspace}` matches in any case.
pub(in crate::engine) fn folders(pattern: &std::path::Path, workspaces: &[String]) -> Vec<PathBuf> {
    let text = pattern.to_string_lossy();
    let Some((before, after)) = text.split_once("{workspace}") else {
        return vec![pattern.to_owned()];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let (suffix, below) = after
        .split_once('/')
        .map_or((after, ""), |(suffix, below)| (suffix, below));
    let wanted: Vec<String> = workspaces
        .iter()
        .map(|name| format!("{prefix}{name}{suffix}").to_lowercase())
        .collect();
    let entries = fs::read_dir(if parent.is_empty() { "/" } else { parent });
    entries
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| wanted.contains(&entry.file_name().to_string_lossy().to_lowercase()))
        .map(|entry| entry.path().join(below))
        .collect()
}

/// Removes a folder, if it is there and is a search index. Renamed first, so that Jackrabbit never finds half of one.
fn remove_index(folder: &std::path::Path) -> Result<bool, String> {
    match is_index(folder)? {
        None => return Ok(false),
        Some(false) => {
            return Err("it does not look like one of Jackrabbit's, so it was left alone".to_owned());
        }
        Some(true) => {}
    }
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err("there is no place beside it".to_owned());
    };
    let aside = parent.join(name_beside(name, ".lifeboat-removed", longest_name(parent)));
    // Of an index that is kept elsewhere and linked to, only the link goes.
    let remove = || match aside.symlink_metadata() {
        Ok(found) if found.is_symlink() => fs::remove_file(&aside),
        _ => removal::remove(&aside),
    };
    // What an interrupted removal left goes first.
    remove().map_err(|error| error.to_string())?;
    fs::rename(folder, &aside).map_err(|error| error.to_string())?;
    remove().map_err(|error| error.to_string())?;
    Ok(true)
}

/// Whether a folder is one of Jackrabbit's search indexes; `None` when there is none.
pub(in crate::engine) fn is_index(folder: &std::path::Path) -> Result<Option<bool>, String> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        entries => entries.map_err(|error| error.to_string())?,
    };
    let names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    // Jackrabbit lists the parts of an index in files of this name; without one it is something else's folder.
    Ok(Some(
        names.is_empty() || names.iter().any(|name| name.starts_with("indexes")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_indexes_are_found_in_any_case_and_nothing_else_is_removed() {
        let home = tempfile::tempdir().unwrap();
        for workspace in ["website", "mgnlVersion", "dam"] {
            let index = home.path().join("workspaces").join(workspace).join("index");
            fs::create_dir_all(index.join("_0")).unwrap();
            fs::write(index.join("indexes_2"), "").unwrap();
        }
        let pattern = home.path().join("workspaces/{workspace}/index");
        let found = folders(&pattern, &["mgnlversion".to_owned(), "website".to_owned()]);
        assert_eq!(found.len(), 2);
        for folder in &found {
            assert_eq!(remove_index(folder), Ok(true));
            assert_eq!(remove_index(folder), Ok(false));
        }
        assert!(home.path().join("workspaces/dam/index/indexes_2").exists());
        let other = home.path().join("workspaces");
        assert!(remove_index(&other).is_err());
        assert!(other.exists());
    }
}
