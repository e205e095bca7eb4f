//! What the system is told to mount and has not: an empty folder where a disk should be.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::mounts::{at_or_below, unescaped};

/// The list of what is to be mounted where.
const LIST: &str = "/etc/fstab";

/// The places at or below a folder where something is to be mounted at every start, and nothing is. The path has to be one
/// without links in it. None where nobody can tell.
pub(crate) fn missing(folder: &Path) -> Vec<PathBuf> {
    let Ok(list) = std::fs::read(LIST) else {
        return Vec::new();
    };
    missing_of(&list, folder, &at_or_below(folder).unwrap_or_default())
}

fn missing_of(list: &[u8], folder: &Path, mounted: &[PathBuf]) -> Vec<PathBuf> {
    let lines = list.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| {
            let mut fields = line
                .split(u8::is_ascii_whitespace)
                .filter(|field| !field.is_empty());
            fields.next().filter(|what| !what.starts_with(b"#"))?;
            let point = PathBuf::from(OsString::from_vec(unescaped(fields.next()?)));
            fields.next()?;
            let options = fields.next().unwrap_or_default();
            let is_by_hand = options
                .split(|byte| *byte == b',')
                .any(|option| option == b"noauto");
            (!is_by_hand && point.starts_with(folder) && !mounted.contains(&point)).then_some(point)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_and_not_mounted_is_missing() {
        let list = b"# a comment /srv/home/a ext4 defaults 0 0\n\
            /dev/vda / ext4 defaults 0 1\n\
            /dev/vdb\t/srv/home/repository/datastore ext4 defaults,nofail 0 2\n\
            /dev/vdc /srv/home/with\\040space ext4 defaults 0 2\n\
            /dev/vdd /srv/home/by-hand ext4 noauto 0 2\n\
            /dev/vde /srv/home2 ext4 defaults 0 2\n\
            /dev/vdf none swap sw 0 0\n\nbroken\n";
        let home = Path::new("/srv/home");
        let (store, spaced) = (home.join("repository/datastore"), home.join("with space"));
        assert_eq!(missing_of(list, home, &[]), [store.clone(), spaced.clone()]);
        assert_eq!(missing_of(list, home, &[store]), [spaced]);
        assert_eq!(
            missing_of(list, Path::new("/srv/other"), &[]),
            Vec::<PathBuf>::new()
        );
    }
}
