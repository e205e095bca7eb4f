//! Whose a folder of this machine is: content of any environment, whatever its kind, or what Lifeboat keeps. What is taken out
//! to be looked at goes to a place that is nobody's.
//!
//! Places are compared by what they are, and not by how they are written: a folder by its number on its device and those
//! above it, so that neither a link nor a mount hides whose it is.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::opening::real;
use super::{Engine, EngineError};
use crate::domain::address::Address;
use crate::domain::os_error::in_words;

/// A folder that is somebody's.
struct Folder {
    /// Whose, as a part of a sentence.
    whose: String,
    path: PathBuf,
}

/// Whose a folder is, or one above it, with the path of that: what is written into it would become a part of it. `None`
/// of one that is nobody's.
///
/// # Errors
/// [`EngineError`] when there is no such folder.
pub fn whose_folder(engine: &Engine, folder: &Path) -> Result<Option<String>, EngineError> {
    let place = fs::canonicalize(folder).map_err(|error| {
        EngineError::Failed(format!(
            "the folder {} cannot be found: {error}",
            folder.display(),
            error = in_words(&error),
        ))
    })?;
    let above = identities(&place);
    let found = somebodys(engine)
        .into_iter()
        .find(|known| is_in(&place, &above, known));
    Ok(found.map(|known| known.told()))
}

/// The same of a folder that may not be there yet, and also whose it holds.
pub(super) fn whose_around(engine: &Engine, folder: &Path) -> Option<String> {
    let place = real(folder);
    let above = identities(&place);
    let holds = |known: &Folder| {
        let its = real(&known.path);
        // One that is not there yet may be below.
        its.starts_with(&place) || identities(&its).iter().any(|found| Some(*found) == id(&place))
    };
    let mut all = somebodys(engine).into_iter();
    let found = all.find(|known| is_in(&place, &above, known) || holds(known));
    found.map(|known| known.told())
}

/// All folders that are somebody's.
fn somebodys(engine: &Engine) -> Vec<Folder> {
    let mut all = Vec::new();
    let mut add = |whose: String, path: &Path| {
        all.push(Folder {
            whose,
            path: path.to_owned(),
        });
    };
    add("Lifeboat's state".to_owned(), engine.state());
    for folder in engine.explorer().folders() {
        add(
            "Lifeboat's cache, which may be deleted at any time,".to_owned(),
            &folder,
        );
    }
    for (name, settings) in engine.environments() {
        for instance in &settings.instances {
            for (what, path) in instance.content.folders() {
                add(format!("{what} of {} of {name}", instance.name), path);
            }
        }
        if let Some(scratch) = &settings.drill.scratch {
            add(format!("the scratch place of {name}"), scratch);
        }
    }
    let repository = engine.repository_settings();
    let copy = repository.and_then(|settings| settings.copy.as_ref());
    let roots = [
        ("the repository", repository.map(|settings| &settings.root)),
        ("the second repository", copy.map(|settings| &settings.root)),
    ];
    for (what, root) in roots {
        if let Some(Address::Folder(root)) = root {
            add(what.to_owned(), root);
        }
    }
    all
}

impl Folder {
    fn told(&self) -> String {
        format!("{} ({})", self.whose, self.path.display())
    }
}

/// Whether a folder, with those above it, is one that is somebody's, or in it.
fn is_in(folder: &Path, above: &[(u64, u64)], known: &Folder) -> bool {
    let its = real(&known.path);
    folder.starts_with(&its) || id(&its).is_some_and(|id| above.contains(&id))
}

/// What tells a folder from every other one on this machine, by whatever path it is reached.
fn id(folder: &Path) -> Option<(u64, u64)> {
    let about = fs::metadata(folder).ok()?;
    Some((about.dev(), about.ino()))
}

/// The same of a folder and of all above it but the topmost, which holds everything.
fn identities(folder: &Path) -> Vec<(u64, u64)> {
    let above = folder.ancestors().filter(|above| above.parent().is_some());
    above.filter_map(id).collect()
}
