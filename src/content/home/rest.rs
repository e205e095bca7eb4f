//! Whether a server is at work on a home: it holds a lock on a file of it.
//!
//! Jackrabbit locks `.lock` as long as it runs, or writes `lock.properties` where it is configured so; H2 and Derby lock files
//! of their databases. All of these but the second are locks of the system's, which end with their process, whatever is left
//! lying there. Nothing is locked here: a server that starts meanwhile is not kept from it, and found at the next look.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::process::{Flock, FlockType, Pid, fcntl_getlk};

use super::persistence::each_database_file;
use crate::content::files::layout::LOCKS;
use crate::domain::os_error::in_words;

/// How far below a home the files of a database may be: `workspaces/website/db/itemState.mv.db`.
const DEEPEST: u32 = 5;

/// Makes sure that no server is at work on a home. Gives what is another text after one was: `.lock` comes and goes with it.
///
/// # Errors
/// Who is at work there, or why nobody can tell. The beginning of a sentence.
pub(crate) fn at_rest(home: &Path) -> Result<String, String> {
    let unknown = |path: &Path, error: &io::Error| {
        format!(
            "whether a server is at work on the home {} cannot be told ({}: {error})",
            home.display(),
            path.display(),
            error = in_words(error),
        )
    };
    let about = match fs::metadata(home) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        told => told.map_err(|error| unknown(home, &error))?,
    };
    let [lock, cooperative] = LOCKS.map(|name| home.join(name));
    let mut locked = vec![lock];
    each_database_file(home, DEEPEST, &mut |path| locked.push(path.to_owned()));
    for path in locked {
        if let Some(who) = holder(&path).map_err(|error| unknown(&path, &error))? {
            return Err(format!(
                "a server is at work on the home {}: {who} has {} locked",
                home.display(),
                named(&path, home).display()
            ));
        }
    }
    let is_cooperative = match fs::read(&cooperative) {
        Ok(text) => text.starts_with(b"#CooperativeFileLock"),
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(unknown(&cooperative, &error)),
    };
    if is_cooperative {
        return Err(format!(
            "a server is at work on the home {}, or has died there: its {} is there (remove it when there is none)",
            home.display(),
            named(&cooperative, home).display()
        ));
    }
    Ok(format!(
        "{} {} {}.{} {}.{}",
        about.dev(),
        about.ino(),
        about.mtime(),
        about.mtime_nsec(),
        about.ctime(),
        about.ctime_nsec()
    ))
}

fn named(path: &Path, home: &Path) -> PathBuf {
    path.strip_prefix(home).unwrap_or(path).to_owned()
}

/// Who has locked a file, in words; `None` when nobody has, or there is none.
fn holder(path: &Path) -> io::Result<Option<String>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(CWD, path, flags, Mode::empty()).map_err(io::Error::from) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => File::from(opened?),
    };
    let Some(held) = fcntl_getlk(&file, &Flock::from(FlockType::WriteLock))? else {
        return Ok(None);
    };
    let number = held.pid.map_or(0, Pid::as_raw_pid);
    // Of one in another container or on another machine, its number says nothing here.
    let name = fs::read_to_string(format!("/proc/{number}/comm")).ok();
    Ok(Some(match name {
        Some(name) if number > 0 => format!("process {number} ({})", name.trim()),
        _ => "a process of another container or machine".to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_comes_and_goes_leaves_another_text_and_a_lock_that_nobody_holds_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("magnolia");
        assert_eq!(at_rest(&home), Ok(String::new()));
        fs::create_dir_all(home.join("workspaces/website/db")).unwrap();
        fs::write(home.join("workspaces/website/db/itemState.mv.db"), "nodes").unwrap();
        // What happens within one tick of the file system's clock would look like one change.
        let long_ago = || {
            let home = File::open(&home).unwrap();
            home.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        };
        long_ago();
        let before = at_rest(&home).unwrap();
        assert_eq!(at_rest(&home).unwrap(), before);
        fs::write(home.join(".lock"), "").unwrap();
        assert_ne!(at_rest(&home).unwrap(), before);
        long_ago();
        let locked = at_rest(&home).unwrap();
        fs::remove_file(home.join(".lock")).unwrap();
        assert_ne!(at_rest(&home).unwrap(), locked);
        fs::write(home.join("lock.properties"), "#CooperativeFileLock\nid=1\n").unwrap();
        assert!(at_rest(&home).unwrap_err().contains("lock.properties"));
        std::os::unix::fs::symlink("/dev/null", home.join(".lock")).unwrap();
        assert!(at_rest(&home).unwrap_err().contains("cannot be told"));
    }
}
