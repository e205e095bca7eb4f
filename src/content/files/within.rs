//! Chosen paths that a backup of a folder does not have, and that nodes in one of its files have instead: of content in folders
//! nothing smaller than a file comes back, so that whoever chose one is told which file to choose.
//!
//! What is in a file is not read here: the names say where it would be. Not in here: looking into files (`engine::explore`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::parts::first;
use crate::content::ItemKind;
use crate::content::backed_up::BackedUpFiles;
use crate::content::inside::ENDINGS;
use crate::content::restoring::RestoreError;
use crate::domain::explore::{ExportForm, NodePath, Step, file_name};

/// Why what the backup does not have at a path cannot come back alone, if a file of it has that in it: the path leads on from
/// the file, or is the one that the node has in Magnolia.
pub(super) fn on_the_way(
    files: &dyn BackedUpFiles,
    path: &Path,
    shown: &NodePath,
) -> Result<Option<String>, RestoreError> {
    let kind = |path: &Path| -> Result<Option<ItemKind>, RestoreError> {
        Ok(files.item(path)?.map(|item| item.kind))
    };
    let so_far = |names: usize| NodePath {
        steps: shown
            .steps
            .iter()
            .take(names.saturating_sub(1))
            .cloned()
            .collect(),
        ..shown.clone()
    };
    for names in (2..=path.iter().count()).rev() {
        let (above, file) = (first(path, names), so_far(names));
        match kind(&above)? {
            Some(ItemKind::File { .. }) => {
                return Ok(Some(format!(
                    "{shown} is in the file {file}, and of content in folders nothing smaller than a file comes back. Name {file} \
                     instead: all that is in it comes back with it, and `lifeboat diff` says what of that differs"
                )));
            }
            // What would be in it is not there.
            Some(_) => return Ok(None),
            None => {}
        }
        for ending in ENDINGS {
            let mut called = above.clone().into_os_string();
            called.push(ending);
            if matches!(kind(Path::new(&called))?, Some(ItemKind::File { .. })) {
                let mut file = file.clone();
                if let Some(step) = file.steps.last_mut() {
                    step.name.push_str(ending);
                }
                return Ok(Some(in_file_if_anywhere(shown, &file)));
            }
        }
    }
    Ok(None)
}

/// For names of files, which paths they would hold, by their number, and how much of each path the name has.
type Called = BTreeMap<String, Vec<(usize, usize)>>;

/// Why paths that neither the backup nor Live has cannot come back, each as a sentence: a file that is called as Magnolia calls the
/// export of what they name, or of what that is in, holds it, whatever folder the file is in. The backup is walked once for all.
pub(super) fn exports(files: &dyn BackedUpFiles, paths: &[&NodePath]) -> Result<Vec<String>, RestoreError> {
    // The workspaces, and in each how a file would be called for which path, with how much of the path its name has.
    let mut wanted: BTreeMap<&str, Called> = BTreeMap::new();
    for (at, path) in paths.iter().enumerate() {
        let Some(workspace) = path.workspace.as_deref() else {
            continue;
        };
        let names = wanted.entry(workspace).or_default();
        for count in 0..=path.steps.len() {
            let part = NodePath {
                steps: path.steps.iter().take(count).cloned().collect(),
                ..(*path).clone()
            };
            let name = file_name(&part, ExportForm::Xml);
            let name = name.strip_suffix(ENDINGS[0]).unwrap_or(&name);
            for ending in ENDINGS {
                let meant = names.entry(format!("{name}{ending}")).or_default();
                meant.push((at, count));
            }
        }
    }
    // The file whose name says the most of a path is the nearest to it.
    let mut nearest: BTreeMap<usize, (usize, PathBuf)> = BTreeMap::new();
    for (workspace, names) in &wanted {
        files.walk(Path::new(workspace), &mut |file| {
            let called = file.item.path.file_name().and_then(|name| name.to_str());
            let meant = called.and_then(|name| names.get(name));
            if matches!(file.item.kind, ItemKind::File { .. }) {
                for (at, count) in meant.into_iter().flatten() {
                    let is_nearer = nearest.get(at).is_none_or(|(other, _)| other < count);
                    if is_nearer {
                        nearest.insert(*at, (*count, file.item.path.clone()));
                    }
                }
            }
            Ok(())
        })?;
    }
    let why = paths.iter().enumerate().map(|(at, shown)| {
        let Some((_, file)) = nearest.get(&at) else {
            return format!(
                "neither the backup nor Live has {shown} as a file or a folder. If it is a node in a file, `lifeboat browse` says in \
                 which: choose that file"
            );
        };
        let steps = file.iter().map(|name| Step::new(name.to_string_lossy()));
        let file = NodePath {
            steps: steps.collect(),
            ..(*shown).clone()
        };
        in_file_if_anywhere(shown, &file)
    });
    Ok(why.collect())
}

fn in_file_if_anywhere(shown: &NodePath, file: &NodePath) -> String {
    format!(
        "the backup has no folder or file {shown}. A node of that path is in the file {file}, if anywhere, and of content in \
         folders nothing smaller than a file comes back. Name {file} instead: all that is in it comes back with it, and `lifeboat \
         diff` says what of that differs"
    )
}
