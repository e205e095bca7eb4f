//! Records of a data store in a folder, on their way back: what is missing is added, and what is there is read, because by
//! name and size nobody can tell whether it is still what its name says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::content::Item;
use crate::content::backed_up::{BackedUpFile, BackedUpFiles};
use crate::content::postgres::data_store::{self, Added, Standing};
use crate::content::restoring::RestoreError;
use crate::domain::environment::DATA_STORE;
use crate::domain::measure;
use crate::watch::Watch;

/// So many records are named.
const NAMED: usize = 5;
/// A plan reads so much of what is missing in Live. The rest is read while it is staged.
const LOOKED_AT: u64 = 256 * 1024 * 1024;

/// A record of a backup as an item of the instance.
pub(super) fn item_of(file: &BackedUpFile) -> Item {
    Item {
        path: Path::new(DATA_STORE).join(&file.item.path),
        ..file.item.clone()
    }
}

/// Adds the records that are missing, and puts the backup's in the place of those that are not what their names say. They
/// harm nobody if the restore comes to nothing. Gives those of the backup that are not what their names say: they stay away.
pub(super) fn add(
    root: &Path,
    files: &dyn BackedUpFiles,
    watch: &dyn Watch,
) -> Result<BTreeSet<PathBuf>, RestoreError> {
    watch.part(DATA_STORE);
    let (mut wrong, mut replaced) = (BTreeSet::new(), Vec::new());
    for file in files.below(Path::new(DATA_STORE))? {
        if watch.is_cancelled() {
            return Err(RestoreError::Cancelled);
        }
        let item = item_of(&file);
        let standing = data_store::standing(root, &item)?;
        if standing == Standing::There && data_store::is_whole(root, &item)? {
            data_store::touch(root, &item);
            continue;
        }
        let over = standing != Standing::Missing;
        match data_store::add(root, &item, &mut files.reader(&file), over)? {
            Added::Wrong => drop(wrong.insert(file.item.path.clone())),
            Added::Whole if over => replaced.push(file.item.path.display().to_string()),
            Added::Whole => {}
        }
    }
    if !replaced.is_empty() {
        watch.notice(&format!(
            "{} of the data store in {} was not what its name says, and was replaced by the backup's: look at the disk",
            named(&replaced),
            root.display()
        ));
    }
    let names: Vec<_> = wrong.iter().map(|path| path.display().to_string()).collect();
    notice_wrong(&names, watch);
    Ok(wrong)
}

/// Says which records of a backup do not come back.
pub(super) fn notice_wrong(wrong: &[String], watch: &dyn Watch) {
    if !wrong.is_empty() {
        watch.notice(&does_not_come_back(wrong));
    }
}

fn does_not_come_back(wrong: &[String]) -> String {
    format!(
        "what the backup has of {} of the data store is not what its name says, so it was not brought back: look for it in an \
         older backup, or in another copy of the data store",
        named(wrong)
    )
}

/// Of records that Live lacks, those whose copy in the backup is not what its name says, as a sentence for a plan.
pub(super) fn look(
    root: &Path,
    files: &dyn BackedUpFiles,
    missing: &[BackedUpFile],
) -> Result<Option<String>, RestoreError> {
    let mut wrong = Vec::new();
    let mut read = 0_u64;
    for file in missing {
        if let crate::content::ItemKind::File { size } = file.item.kind {
            read = read.saturating_add(size);
        }
        if read > LOOKED_AT {
            break;
        }
        if !data_store::is_right(root, &item_of(file), &mut files.reader(file))? {
            wrong.push(file.item.path.display().to_string());
        }
    }
    Ok((!wrong.is_empty()).then(|| {
        format!(
            "what the backup has of {} of the data store is not what its name says: everything else comes back, and this does \
             not. Look for it in an older backup, or in another copy of the data store",
            named(&wrong)
        )
    }))
}

fn named(paths: &[String]) -> String {
    let first = paths.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match paths.len() {
        1 => format!("the record {first}"),
        count if count > NAMED => format!("{} records ({first}, \u{2026})", measure::count(count as u64)),
        count => format!("{count} records ({first})"),
    }
}
