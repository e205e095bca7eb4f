//! What the library's errors mean: is something damaged, is the disk full, or did the system say no?
//!
//! They are long reports for its developers. The guard's own signals go through the library, and come out here again.

use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustic_core::RusticError;
use rustix::io::Errno;

use super::error::{RepositoryError, is_full};
#[cfg(feature = "object-storage")]
use super::storage::StorageRefusal;
use crate::disk::failing;
use crate::domain::address::Address;
use crate::domain::os_error::in_words;

/// That nobody could be asked whether a right is still held, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct LeaseUnknown(pub(super) String);

/// That the right to change the repository may have gone to somebody else.
#[derive(Debug, thiserror::Error)]
#[error("the lock is lost")]
pub(super) struct LockLost;

/// What the library said, classified. `doing` begins a sentence: `reading data/ab/ab12…`.
pub(super) fn classified(error: &RusticError, doing: &str, place: &Address) -> RepositoryError {
    #[cfg(feature = "object-storage")]
    if let Some(refusal) = refusal_in(error) {
        return refusal.told(doing, place);
    }
    let failed = |why| RepositoryError::io(doing, place, why);
    let damaged = |why: &str| RepositoryError::damaged(place, format!("{doing} failed: {why}"));
    if let Some(LeaseUnknown(why)) = found_in(error) {
        return failed(format!(
            "it could not be noted first that it is about to be done: {why}"
        ));
    }
    if let Some(LockLost) = found_in(error) {
        return failed(
            "its lock could not be kept for too long, and another Lifeboat may be at work on it. Start it again"
                .to_owned(),
        );
    }
    let Some(system) = system_error(error) else {
        return damaged(&cause(error));
    };
    if is_full(system) {
        return RepositoryError::NoRoom {
            where_: format!("for the repository in {place}"),
        };
    }
    match system.kind() {
        io::ErrorKind::NotFound => damaged("the file is missing"),
        io::ErrorKind::UnexpectedEof => damaged("the file is too short"),
        _ if Errno::from_io_error(system) == Some(Errno::IO) => failed(format!(
            "{system}. It is the disk, or the line to it, that failed; whether what is stored there is damaged is not known: \
             look at the system's log"
        )),
        _ => failed(system.to_string()),
    }
}

/// The same of reading a pack. What the system cannot give of one counts as damaged, whether it is or not: nobody gets it
/// back as it is, and what needs it is not to be relied on. What passes by itself does not: a network that is down, a limit
/// that was met. `path` is that of the pack in the repository.
pub(super) fn of_pack(error: &RusticError, path: &str, place: &Address) -> RepositoryError {
    let not_that = || classified(error, &format!("reading {path}"), place);
    #[cfg(feature = "object-storage")]
    if refusal_in(error).is_some() {
        return not_that();
    }
    let Some((system, number)) =
        system_error(error).and_then(|system| Some((system, Errno::from_io_error(system)?)))
    else {
        return not_that();
    };
    let words = in_words(system);
    match number {
        Errno::ISDIR | Errno::NOTDIR | Errno::LOOP | Errno::SPIPE => RepositoryError::damaged(
            place,
            format!("{path} cannot be read ({words}): something else stands in its place"),
        ),
        // Also where the disk gives the rest of the repository: the storage has asked.
        _ if failing::is_of_the_disk(system) => RepositoryError::damaged(
            place,
            format!(
                "{path} cannot be read ({words}): it is the disk, or the line to it, that fails; look at the system's log"
            ),
        ),
        Errno::ACCESS | Errno::PERM => RepositoryError::Withheld {
            place: place.clone(),
            what: format!(
                "{path} cannot be read ({words}): give the account that Lifeboat runs as the right to read it, and verify \
                 again"
            ),
        },
        _ => not_that(),
    }
}

/// What the library does, with its panics as errors: it unwraps what a system that has run out of open files or threads
/// gives it.
pub(super) fn caught<T>(
    doing: &str,
    place: &Address,
    work: impl FnOnce() -> Result<T, RepositoryError>,
) -> Result<T, RepositoryError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let why = "the repository's library gave up; its message is on standard error. A limit of the system may be too \
                   low (ulimit -a): open files, threads, memory";
        Err(RepositoryError::io(doing, place, why))
    })
}

/// What object storage said behind the library's error, if that is where it comes from.
#[cfg(feature = "object-storage")]
pub(super) fn refusal_in(error: &RusticError) -> Option<&StorageRefusal> {
    found_in(error)
}

/// An error of this type behind the library's, if there is one.
fn found_in<E: Error + 'static>(error: &RusticError) -> Option<&E> {
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = next {
        if let Some(refusal) = error.downcast_ref() {
            return Some(refusal);
        }
        next = error.source();
    }
    None
}

/// The system's error behind the library's, if there is one. Decompression reports its errors in the same type but
/// without a system's number: those mean damage.
fn system_error(error: &RusticError) -> Option<&io::Error> {
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && (io.raw_os_error().is_some() || io.kind() == io::ErrorKind::UnexpectedEof)
        {
            return Some(io);
        }
        next = error.source();
    }
    None
}

/// The innermost error in one line.
fn cause(error: &RusticError) -> String {
    let mut innermost: &(dyn Error + 'static) = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if innermost.is::<aes256ctr_poly1305aes::aead::Error>() {
        return "what is stored there cannot be decrypted with the repository's key: it is damaged, or something else was put \
                in its place. Bring it back from a copy of the repository"
            .to_owned();
    }
    let text = match innermost.downcast_ref::<RusticError>() {
        Some(error) => error.display_log(),
        None => match innermost.downcast_ref::<Box<RusticError>>() {
            Some(error) => error.display_log(),
            None => innermost.to_string(),
        },
    };
    let text = text.strip_prefix("Error: ").unwrap_or(&text);
    let text = text.split(" (kind: ").next().unwrap_or(text);
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .trim_end_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rustic_core::ErrorKind;

    use super::*;

    fn told(source: io::Error) -> RepositoryError {
        let inner = RusticError::with_source(ErrorKind::InputOutput, "deep down", source);
        let outer = RusticError::with_source(ErrorKind::Internal, "on top", inner);
        classified(
            &outer,
            "reading data/ab/ab12",
            &Address::from(Path::new("/backups")),
        )
    }

    #[test]
    fn what_the_system_said_decides() {
        let full = told(io::Error::from_raw_os_error(
            rustix::io::Errno::NOSPC.raw_os_error(),
        ));
        assert_eq!(
            full.to_string(),
            "there is no room left for the repository in /backups: make room and try again (nothing was lost)"
        );
        let quota = told(io::Error::from_raw_os_error(
            rustix::io::Errno::DQUOT.raw_os_error(),
        ));
        assert!(matches!(quota, RepositoryError::NoRoom { .. }));
        let broken = told(io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error()));
        assert!(
            broken
                .to_string()
                .starts_with("reading data/ab/ab12 in the repository in /backups failed: ")
        );
        assert!(matches!(broken, RepositoryError::Io { .. }), "it may be sound");
        assert!(
            broken
                .to_string()
                .contains("whether what is stored there is damaged is not known"),
            "{broken}"
        );
        let gone = told(io::Error::from_raw_os_error(
            rustix::io::Errno::NOENT.raw_os_error(),
        ));
        assert!(matches!(gone, RepositoryError::Damaged { .. }));
        let short = told(io::ErrorKind::UnexpectedEof.into());
        assert!(short.to_string().contains("the file is too short"));
    }

    #[test]
    fn what_the_system_cannot_give_of_a_pack_counts_as_damaged_unless_it_passes() {
        let place = Address::from(Path::new("/backups"));
        let told = |number: Errno| {
            let error = RusticError::with_source(ErrorKind::Backend, "deep down", io::Error::from(number));
            of_pack(&error, "data/07/0707", &place)
        };
        for number in [
            Errno::IO,
            Errno::UCLEAN,
            Errno::BADMSG,
            Errno::NODATA,
            Errno::ISDIR,
        ] {
            let told = told(number);
            assert!(matches!(told, RepositoryError::Damaged { .. }), "{told}");
            assert!(told.to_string().contains("data/07/0707"), "{told}");
        }
        for number in [Errno::ACCESS, Errno::PERM] {
            let told = told(number);
            assert!(matches!(told, RepositoryError::Withheld { .. }), "{told}");
            assert!(told.to_string().contains("the right to read it"), "{told}");
        }
        for number in [
            Errno::TIMEDOUT,
            Errno::STALE,
            Errno::NOTCONN,
            Errno::MFILE,
            Errno::NOMEM,
        ] {
            let told = told(number);
            assert!(matches!(told, RepositoryError::Io { .. }), "{told}");
        }
    }

    #[test]
    fn a_panic_of_the_library_is_an_error() {
        let place = Address::from(Path::new("/backups"));
        let told = caught("pruning", &place, || -> Result<(), RepositoryError> {
            panic!("too many open files")
        });
        let told = told.unwrap_err().to_string();
        assert!(
            told.starts_with(
                "pruning in the repository in /backups failed: the repository's library gave up"
            ),
            "{told}"
        );
        assert!(caught("pruning", &place, || Ok(7)).is_ok_and(|seven| seven == 7));
    }

    #[test]
    fn what_could_not_be_noted_first_is_told_as_such() {
        let why = "there is no room left for the catalog /state/catalog.sqlite";
        let error = RusticError::with_source(
            ErrorKind::Backend,
            "It cannot be told.",
            LeaseUnknown(why.to_owned()),
        );
        let place = Address::from(Path::new("/backups"));
        let told = classified(&error, "writing the record of a backup", &place).to_string();
        assert!(told.contains(why) && !told.contains("another Lifeboat"), "{told}");
    }

    #[test]
    fn a_stale_handle_of_a_network_disk_is_no_lost_lock() {
        let stale = told(rustix::io::Errno::STALE.into()).to_string();
        assert!(!stale.contains("lock"), "{stale}");
        let lost = RusticError::with_source(ErrorKind::Backend, "The lock is lost.", LockLost);
        let lost = classified(&lost, "pruning", &Address::from(Path::new("/backups")));
        assert!(lost.to_string().contains("its lock could not be kept"), "{lost}");
    }

    #[test]
    fn an_error_without_the_system_means_damage() {
        let undecodable = told(io::Error::other("Data corruption detected"));
        assert!(matches!(undecodable, RepositoryError::Damaged { .. }));
        assert!(
            undecodable.to_string().contains("Data corruption detected"),
            "{undecodable}"
        );
        let plain = RusticError::new(ErrorKind::Cryptography, "Data decryption failed, `{what}`.")
            .attach_context("what", "wrong MAC");
        let plain = classified(&plain, "reading index/12", &Address::from(Path::new("/backups"))).to_string();
        assert!(
            plain.contains("reading index/12 failed: Data decryption failed, `wrong MAC`"),
            "{plain}"
        );
    }
}
