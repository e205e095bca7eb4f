//! What keeps chosen workspaces of a home from coming back without the rest of it.
//!
//! Each workspace refers to what all of them share: by numbers to namespaces, by names to node types and privileges, by ids to
//! versions and binaries. None of that is brought back with it, so in Live it has to be what the backup has.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::persistence::is_of_a_database;
use crate::content::Content;
use crate::content::backed_up::{BackedUp, BackedUpFiles, Depth};
use crate::content::files::layout::REPOSITORY;
use crate::content::restoring::RestoreError;
use crate::domain::environment::{DATA_STORE, HOME, VERSIONS, workspace_label};
use crate::domain::plan::Selection;
use crate::watch::Watch;

/// The folders of a home's `repository` that say what names and types stand for.
const REGISTRIES: [(&str, &str); 3] = [
    ("namespaces", "namespaces"),
    ("nodetypes", "node types"),
    ("privileges", "privileges"),
];

/// What to do instead.
const WHOLE: &str = "bring back the whole instance, with all its workspaces";

/// Why the chosen workspaces cannot come back alone, as sentences. None where everything is chosen.
///
/// # Errors
/// [`RestoreError`] when the backup or Live cannot be read, or it was cancelled.
pub(super) fn in_the_way(
    home: &Path,
    content: &dyn Content,
    backup: &dyn BackedUp,
    selection: &Selection,
    watch: &dyn Watch,
) -> Result<Vec<String>, RestoreError> {
    let copy = backup.copy();
    let held = |workspace: &&String| copy.workspaces.iter().any(|held| held.name == **workspace);
    let chosen: Vec<_> = selection.workspaces.iter().filter(held).collect();
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let files = backup.files()?;
    for workspace in chosen {
        let below = files.below(Path::new(workspace))?;
        let has_database = below.iter().any(|file| {
            let name = file.item.path.file_name().unwrap_or_default();
            is_of_a_database(&name.to_string_lossy())
        });
        if !has_database {
            return Ok(vec![format!(
                "the nodes of {workspace} are not in its folder but in a database that other workspaces share: {WHOLE}"
            )]);
        }
    }
    let mut obstacles = Vec::new();
    for (folder, what) in REGISTRIES {
        if registered(home, folder)? != registered_in(&*files, folder)? {
            obstacles.push(format!(
                "the {what} of {} are not what they were when the backup was taken, and each workspace refers to them: {WHOLE}",
                copy.name
            ));
        }
    }
    for shared in [VERSIONS, DATA_STORE] {
        let part = Selection {
            workspaces: vec![shared.to_owned()],
            ..Selection::default()
        };
        let compared = backup.compare(&part, content, Depth::Quick, watch)?;
        // Binaries are never changed, and more of them do no harm.
        let differs = |added, changed, removed| added + changed > 0 || shared == VERSIONS && removed > 0;
        if compared
            .changes
            .iter()
            .any(|change| differs(change.added, change.changed, change.removed))
        {
            obstacles.push(format!(
                "the {} of {} is not what it was when the backup was taken (a server that starts is enough for that), and \
                 workspaces that refer to it are not whole without it: {WHOLE}",
                workspace_label(shared),
                copy.name
            ));
        }
    }
    Ok(obstacles)
}

/// What a registry says, by file.
type Registered = BTreeMap<PathBuf, Vec<u8>>;

/// The registry of a home as it is now. They are a few files of a few KiB.
fn registered(home: &Path, registry: &str) -> Result<Registered, RestoreError> {
    let folder = home.join(REPOSITORY).join(registry);
    let failed = |error| RestoreError::io("reading", &folder)(error);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Registered::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Registered::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_file() {
            let text = fs::read(entry.path()).map_err(failed)?;
            found.insert(entry.file_name().into(), meant(&text));
        }
    }
    Ok(found)
}

/// The same in a backup.
fn registered_in(files: &dyn BackedUpFiles, registry: &str) -> Result<Registered, RestoreError> {
    let folder = Path::new(HOME).join(REPOSITORY).join(registry);
    let mut found = Registered::new();
    for file in files.below(&folder)? {
        if let Some(text) = files.read(&folder.join(&file.item.path))? {
            found.insert(file.item.path, meant(&text));
        }
    }
    Ok(found)
}

/// A text without the lines of it that Java writes a date into, and in no order, as Java has none for properties.
fn meant(text: &[u8]) -> Vec<u8> {
    let mut lines: Vec<_> = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(b"#"))
        .collect();
    lines.sort_unstable();
    lines.join(&b'\n')
}
