//! Whether a place to restore into is nobody's: neither content of any environment, whatever its kind, nor what Lifeboat
//! keeps. Places are compared by what they are, and not by how they are written: a folder by its number on its device and
//! those above it, a schema by the server and the database that it is in.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Part;
use crate::content::kinds;
use crate::domain::address::Address;
use crate::domain::request::ExtractRequest;
use crate::engine::{EngineError, Live};

/// Why the place may not be restored into, as sentences.
pub(super) fn why_not(
    live: &Live,
    parts: &[Part<'_>],
    request: &ExtractRequest,
) -> Result<Vec<String>, EngineError> {
    let mut why: Vec<String> = request
        .into
        .folder
        .as_deref()
        .and_then(|folder| whose_folder(live, folder))
        .into_iter()
        .collect();
    let databases = parts.iter().filter(|part| part.place.keeps_what_it_replaces());
    let mut met = BTreeMap::new();
    for part in databases {
        let Some(identity) = part.place.identity()? else {
            continue;
        };
        why.extend(whose_schema(live, &identity));
        let name = &part.copy.name;
        if let Some(other) = met.insert(identity, name) {
            why.push(format!(
                "{other} and {name} would go into one and the same schema: choose one of them, and restore the other into \
                 another schema"
            ));
        }
    }
    Ok(why)
}

/// Whose a folder is, or one above or below it, as a sentence.
fn whose_folder(live: &Live, folder: &Path) -> Option<String> {
    let engine = live.engine();
    let mut kept: Vec<(String, PathBuf)> = vec![("Lifeboat's state".to_owned(), engine.state().to_owned())];
    let caches = engine.explorer().folders().into_iter();
    kept.extend(caches.map(|folder| {
        (
            "Lifeboat's cache, which may be deleted at any time,".to_owned(),
            folder,
        )
    }));
    for (name, settings) in engine.environments() {
        for instance in &settings.instances {
            let folders = instance.content.folders().into_iter();
            let whose = |what: &str| format!("{what} of {} of {name}", instance.name);
            kept.extend(folders.map(|(what, path)| (whose(what), path.to_owned())));
        }
        let scratch = settings.drill.scratch.iter();
        kept.extend(scratch.map(|path| (format!("the scratch place of {name}"), path.clone())));
    }
    let repository = engine.repository_settings();
    let copy = repository.and_then(|settings| settings.copy.as_ref());
    let roots = [
        ("the repository", repository.map(|settings| &settings.root)),
        ("the second repository", copy.map(|settings| &settings.root)),
    ];
    for (what, root) in roots {
        if let Some(Address::Folder(root)) = root {
            kept.push((what.to_owned(), root.clone()));
        }
    }
    let (real, above) = (real(folder), identities(&real(folder)));
    kept.into_iter().find_map(|(whose, path)| {
        let its = self::real(&path);
        let is_at_or_in = real.starts_with(&its) || id(&its).is_some_and(|id| above.contains(&id));
        // One that is not there yet may be below.
        let holds = its.starts_with(&real) || identities(&its).iter().any(|id| Some(*id) == self::id(&real));
        (is_at_or_in || holds).then(|| {
            format!(
                "the folder {} is or holds {whose}, or lies in it ({}): what is restored to be looked at goes to a place that is \
                 nobody's",
                folder.display(),
                path.display()
            )
        })
    })
}

/// The path that a folder really has; that of one that is not there goes by the nearest one above it.
fn real(folder: &Path) -> PathBuf {
    let found = folder.ancestors().find_map(|above| {
        let real = above.canonicalize().ok()?;
        let below = folder.strip_prefix(above).ok()?;
        Some(real.join(below))
    });
    found.unwrap_or_else(|| folder.to_owned())
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

/// Whose content is in the schema of this identity, as a sentence. What cannot be asked is somebody's as long as its schema
/// is called the same.
fn whose_schema(live: &Live, identity: &str) -> Option<String> {
    let schema = identity.rsplit('\n').next().unwrap_or_default();
    for (name, settings) in live.engine().environments() {
        for instance in &settings.instances {
            let place = kinds::place(&instance.content, live.world());
            if !place.keeps_what_it_replaces() {
                continue;
            }
            let whose = format!("the content of {} of {name}", instance.name);
            match place.identity() {
                Ok(Some(known)) if known == identity => {
                    return Some(format!(
                        "the schema {schema} of that database has {whose}: what is restored to be looked at goes to a place that \
                         is nobody's, so name another schema or another database"
                    ));
                }
                Err(error) if instance.content.schema() == Some(schema) => {
                    return Some(format!(
                        "nobody can tell whether the schema {schema} of that database has {whose}, since that cannot be asked \
                         ({error}): name a schema that is called otherwise"
                    ));
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
    None
}
