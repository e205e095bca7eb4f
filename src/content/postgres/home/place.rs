//! Whether a folder is a home of Jackrabbit, which one is meant where it is not, and what stands in the way of exchanging
//! files in it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, StatxAttributes, StatxFlags, access, statx};

use crate::content::ContentError;
use crate::content::files::probe;
use crate::content::files::staging::resolve;
use crate::content::restoring::World;
use crate::disk::mounts;
use crate::domain::os_error::in_words;

/// What a folder is that is configured as a home.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A home.
    Home,
    /// None, but another folder is one. A sentence.
    Other(String),
    /// None. A sentence.
    Nothing(String),
}

/// Looks what a folder is.
pub(super) fn kind(home: &Path) -> Kind {
    if is_home(home) {
        return Kind::Home;
    }
    let place = home.display();
    let other = |other: &Path, what: &str| {
        Kind::Other(format!(
            "{place} is {what}, and not the home itself: name {} as home",
            other.display()
        ))
    };
    if let Some(above) = home.parent().filter(|above| is_home(above)) {
        let name = home.file_name().unwrap_or_default();
        if name == "repository" || name == "workspaces" || name == "version" {
            return other(above, &format!("the folder {} of a home", name.display()));
        }
        if above.file_name().is_some_and(|name| name == "workspaces") {
            return other(above.parent().unwrap_or(above), "a workspace of a home");
        }
    }
    if let Some(above) = home.ancestors().skip(1).take(3).find(|above| is_home(above)) {
        return other(above, "a folder in a home");
    }
    let mut below: Vec<PathBuf> = fs::read_dir(home)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_home(path))
        .collect();
    below.sort();
    if let Some(first) = below.first() {
        return other(first, "the folder that holds the home");
    }
    Kind::Nothing(format!(
        "{place} is no home of Jackrabbit: there are no repository/namespaces and no workspaces/*/workspace.xml in it. Name the \
         folder that magnolia.repositories.home leads to and that has repository and workspaces in it, or take home out of \
         the configuration"
    ))
}

/// Whether what Jackrabbit makes in a home is there.
fn is_home(folder: &Path) -> bool {
    let made = ["namespaces", "nodetypes", "meta"];
    if made
        .iter()
        .any(|name| folder.join("repository").join(name).is_dir())
    {
        return true;
    }
    // A file system that is kept in tables leaves only these.
    let workspaces = fs::read_dir(folder.join("workspaces"));
    workspaces
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.path().join(super::WORKSPACE).is_file())
}

/// Makes sure that a folder is a home that can be backed up.
pub(super) fn is_one(home: &Path) -> Result<(), ContentError> {
    if let Err(source) = fs::read_dir(home) {
        return Err(ContentError::Io {
            action: "opening the home",
            path: home.to_owned(),
            source,
        });
    }
    match kind(home) {
        Kind::Home => Ok(()),
        Kind::Other(why) | Kind::Nothing(why) => Err(ContentError::NotAllowed {
            path: home.to_owned(),
            why,
        }),
    }
}

/// Whether a folder can be named as home, for whoever asks for one.
///
/// # Errors
/// Which one to name, as a sentence.
pub fn is_usable(home: &Path) -> Result<(), String> {
    match is_one(home) {
        Err(ContentError::NotAllowed { why, .. }) => Err(why),
        looked => looked.map_err(|error| error.to_string()),
    }
}

/// What stands in the way of exchanging these files of a home, which are below it. Nothing of Live is changed by the look.
pub(super) fn in_the_way(home: &Path, files: &[PathBuf], world: &World) -> Vec<String> {
    let place = match resolve(home) {
        Ok(place) => place,
        Err(error) => return vec![error.to_string()],
    };
    let Some(beside) = stands_in(&place) else {
        return vec![format!(
            "there is no folder that could hold the home {}: make it, as the user that runs Magnolia",
            place.display()
        )];
    };
    let mut found = Vec::new();
    match mounts::at_or_below(&place) {
        Ok(mounts) => found.extend(mounts.iter().filter_map(|mount| mounted(mount, &place, files))),
        Err(error) => found.push(error.to_string()),
    }
    found.extend(files.iter().filter_map(|file| fixed(&place.join(file))));
    let mut owners = std::iter::once(beside.to_owned()).chain(files.iter().map(|file| place.join(file)));
    if let Some(owner) = owners.find_map(|path| foreign(&path)) {
        found.push(format!(
            "the home {} belongs to user {owner}, and Lifeboat runs as user {}: what it restores would belong to the wrong one. \
             Run the restore as root or as that user",
            place.display(),
            rustix::process::geteuid().as_raw()
        ));
    }
    let mut folders: Vec<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    folders.sort_unstable();
    folders.dedup();
    for folder in folders.into_iter().map(|folder| place.join(folder)) {
        if folder.is_dir()
            && let Err(error) = access(&folder, Access::WRITE_OK | Access::EXEC_OK)
        {
            found.push(format!(
                "{} cannot be written to ({error}): let the user of Lifeboat write to it",
                folder.display(),
                error = in_words(&error.into()),
            ));
        }
    }
    let tried = (world.token)()
        .map_err(|error| vec![error])
        .and_then(|token| probe::probe(&world.state, beside, &token, &[]));
    found.extend(tried.err().into_iter().flatten());
    found
}

/// The folder that what is staged stands in: the home itself, which may be a mount of its own, or, where it is gone, the one
/// that holds it.
pub(super) fn stands_in(home: &Path) -> Option<&Path> {
    if home.is_dir() {
        return Some(home);
    }
    home.parent().filter(|above| above.is_dir())
}

/// What Magnolia may have in the place of files of a home, where Lifeboat cannot see it. A sentence.
pub(crate) fn covered(home: &Path) -> Option<String> {
    let place = resolve(home).ok()?;
    // Of a workspace only what is the content's counts, and not its search index.
    let is_ours = |part: &Path| {
        let mut names = part.iter().map(|name| name.to_string_lossy());
        match names.next().as_deref() {
            None => true,
            Some("repository") => names
                .next()
                .is_none_or(|name| ["meta", "namespaces", "nodetypes", "privileges"].contains(&&*name)),
            Some("workspaces") => names.nth(1).is_none_or(|name| name == super::WORKSPACE),
            Some(_) => false,
        }
    };
    let covered = mounts::covered(&place)
        .into_iter()
        .find(|part| is_ours(&part.part))?;
    Some(format!(
        "process {}, which has mounts of its own (as in a container), has something else mounted on {}: the files of the home that \
         it has there are not in {}, so no backup would hold them and no restore bring them back. Name the folder that is mounted \
         there as home, or run Lifeboat where it sees the same mounts",
        covered.process,
        covered.point.display(),
        place.display()
    ))
}

fn mounted(mount: &Path, home: &Path, files: &[PathBuf]) -> Option<String> {
    let below = mount.strip_prefix(home).ok()?;
    if below == Path::new("") || !files.iter().any(|file| file.starts_with(below)) {
        return None;
    }
    Some(format!(
        "{} is a mount point, and files of the home that are in it cannot be exchanged with what is staged in {}: mount that \
         file system on the folder that holds all of the home, or stop Magnolia and move what is on it into the home itself, \
         for good",
        mount.display(),
        home.display()
    ))
}

/// That a file may not be moved until a flag is taken away.
fn fixed(file: &Path) -> Option<String> {
    let told = statx(CWD, file, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE).ok()?;
    let flags = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    told.stx_attributes.intersects(flags).then(|| {
        format!(
            "{} is immutable or append-only, and cannot be exchanged: `chattr -ia` takes the flag away",
            file.display()
        )
    })
}

/// Who a file belongs to, if not to the user that Lifeboat runs as; `None` for root, who may give files to anybody.
fn foreign(file: &Path) -> Option<u32> {
    let me = rustix::process::geteuid();
    let owner = fs::symlink_metadata(file).ok()?.uid();
    (!me.is_root() && owner != me.as_raw()).then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::super::tests::made;
    use super::*;

    #[test]
    fn the_right_folder_is_named_wherever_home_leads_to() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("magnolia");
        made(&home);
        assert_eq!(kind(&home), Kind::Home);
        let right = format!("name {} as home", home.display());
        let wrong = [
            "",
            "magnolia/repository",
            "magnolia/workspaces",
            "magnolia/workspaces/website",
            "magnolia/repository/namespaces",
        ];
        for wrong in wrong {
            let wrong = root.path().join(wrong);
            match kind(&wrong) {
                Kind::Other(why) => assert!(why.ends_with(&right), "{why}"),
                other => panic!("{}: {other:?}", wrong.display()),
            }
            assert!(is_usable(&wrong).unwrap_err().ends_with(&right));
        }
        fs::remove_dir_all(home.join("repository")).unwrap();
        assert_eq!(kind(&home), Kind::Home, "its file system may be kept in tables");
        fs::remove_dir_all(home.join("workspaces")).unwrap();
        assert!(matches!(kind(&home), Kind::Nothing(why) if why.contains("magnolia.repositories.home")));
    }
}
