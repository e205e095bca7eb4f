//! What keeps chosen workspaces of a home from coming back without the rest of it.
//!
//! Each workspace refers to what all of them share: by numbers to namespaces, by names to node types and privileges, by ids to
//! versions and binaries. None of that is brought back with it, so Live has to have all of it as the backup has it. What was
//! registered since does no harm.
//!
//! An undo goes back to what was there when the restore began, and the restore has left what is shared alone. Since then
//! versions are only added, as a rule, by a server that has to run again: that keeps nobody from going back, and is told.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::definition::{self, Element, WORKSPACE};
use super::persistence::{Keeps, Seen, is_of_a_database};
use super::repository::Definition;
use crate::content::Content;
use crate::content::backed_up::{BackedUp, BackedUpFiles, Depth};
use crate::content::files::layout::REPOSITORY;
use crate::content::restoring::{RestoreError, TakenBack, Wanted};
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

/// What is told of chosen workspaces, as sentences.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Why they cannot come back alone.
    pub(super) obstacles: Vec<String>,
    /// What should be known before they do.
    pub(super) warnings: Vec<String>,
}

/// Looks at the chosen workspaces. Nothing is told where everything is chosen.
///
/// # Errors
/// [`RestoreError`] when the backup or Live cannot be read, or it was cancelled.
pub(super) fn look(
    home: &Path,
    content: &dyn Content,
    backup: &dyn BackedUp,
    wanted: &Wanted<'_>,
    watch: &dyn Watch,
) -> Result<Told, RestoreError> {
    let mut told = Told::default();
    let copy = backup.copy();
    let held = |workspace: &&String| copy.workspaces.iter().any(|held| held.name == **workspace);
    let chosen: Vec<_> = wanted.selection.workspaces.iter().filter(held).collect();
    if chosen.is_empty() {
        return Ok(told);
    }
    let files = backup.files()?;
    for workspace in chosen {
        match kept(home, &*files, workspace)? {
            Some(Keeps::InTheHome(_)) => {
                told.obstacles.push(format!(
                    "the nodes of {workspace} are not in its folder but in a database that other workspaces share: {WHOLE}"
                ));
                return Ok(told);
            }
            Some(Keeps::InItsFolder(_) | Keeps::Nothing) => {}
            _ => told.warnings.push(format!(
                "the backup holds nothing of the nodes of {workspace}, as it was when the backup was taken: the workspace is \
                 then as damaged as it was"
            )),
        }
    }
    for (folder, what) in REGISTRIES {
        if !has_all(&registered(home, folder)?, &registered_in(&*files, folder)?) {
            told.obstacles.push(format!(
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
        let mut changes = compared.changes.iter();
        if !changes.any(|change| differs(change.added, change.changed, change.removed)) {
            continue;
        }
        let what = format!("the {} of {}", workspace_label(shared), copy.name);
        if wanted.takes_back == Some(TakenBack::Last) && shared == VERSIONS {
            told.warnings.push(format!(
                "{what} is not what it was before the restore (a server that starts is enough for that), and stays as it is: of \
                 what goes back, only versions that somebody has deleted since are missing"
            ));
        } else {
            told.obstacles.push(format!(
                "{what} is not what it was when the backup was taken (a server that starts is enough for that), and workspaces \
                 that refer to it are not whole without it: {WHOLE}"
            ));
        }
    }
    Ok(told)
}

/// Where a workspace kept its nodes when a backup was taken. `None` where it has no definition.
fn kept(home: &Path, files: &dyn BackedUpFiles, workspace: &str) -> Result<Option<Keeps>, RestoreError> {
    let folder = Path::new(workspace);
    let text = files.read(&folder.join(WORKSPACE))?;
    let Some(says) = text.and_then(|text| definition::of_workspace_in(&text)) else {
        return Ok(None);
    };
    let is_database = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        is_of_a_database(&name.to_string_lossy())
    };
    let below = files.below(folder)?;
    let mut beside = files.below(Path::new(HOME))?.into_iter();
    let seen = Seen {
        has_database: below.iter().any(|file| is_database(&file.item.path)),
        has_shared: beside.any(|file| is_database(&file.item.path)),
        is_bare: below.iter().all(|file| file.item.path == Path::new(WORKSPACE)),
    };
    let repository = Definition::of(home);
    let repository = repository.as_ref().map(|definition| &definition.says);
    Ok(Some(Keeps::told(&says, repository, home, seen)))
}

/// What a registry says, by file: each entry by itself.
type Registered = BTreeMap<PathBuf, Vec<Entry>>;

/// What is registered: a node type, say.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Element(Element),
    Line(Vec<u8>),
}

/// Whether there is all in one registry that is in the other.
fn has_all(registry: &Registered, other: &Registered) -> bool {
    let none = Vec::new();
    other.iter().all(|(file, entries)| {
        let known = registry.get(file).unwrap_or(&none);
        entries.iter().all(|entry| known.contains(entry))
    })
}

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
            found.insert(entry.file_name().into(), entries_of(&text));
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
            found.insert(file.item.path, entries_of(&text));
        }
    }
    Ok(found)
}

/// What a file of a registry says: the elements of XML, and the lines of Java's properties but those with a date in them. The
/// order means nothing, as Java has none for either.
fn entries_of(text: &[u8]) -> Vec<Entry> {
    if let Some(all) = Element::read(text) {
        return all.elements().cloned().map(Entry::Element).collect();
    }
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    lines.map(|line| Entry::Line(line.to_vec())).collect()
}
