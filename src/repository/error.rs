//! Why the repository could not do something, as sentences: what happened, where, why, and what to do.
//!
//! The library's own errors are long reports for its developers. They are judged here once: is something damaged, is
//! the disk full, or did the system say no?

use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustic_core::RusticError;

use super::guard::Untold;
#[cfg(feature = "object-storage")]
use super::storage::StorageRefusal;
use crate::content::ContentError;
use crate::domain::address::Address;
use crate::domain::environment::InstanceName;

/// Why the repository could not do something.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The key file, command or variable gave none.
    #[error("the repository's key cannot be read: {0}")]
    NoKey(String),
    /// The key opens nothing here.
    #[error(
        "the key does not open the repository in {place}: check which key belongs to it (nothing was changed)"
    )]
    WrongKey {
        /// Where the repository is.
        place: Address,
    },
    /// There is nothing there.
    #[error("there is no repository in {place}: check the path, or take a first backup, which creates it")]
    Missing {
        /// The place.
        place: Address,
    },
    /// There is something else there.
    #[error("{place} is not a repository: {why} (nothing was changed)")]
    NotARepository {
        /// The place.
        place: Address,
        /// What was found, and what to do.
        why: String,
    },
    /// Something that was stored is not what it was.
    #[error(
        "the repository in {place} is damaged: {what}. Nothing was changed. `restic -r {} check --read-data` tells more",
        for_restic(place)
    )]
    Damaged {
        /// Where the repository is.
        place: Address,
        /// What is damaged.
        what: String,
    },
    /// No backup has this id.
    #[error("there is no backup {id} in {place}: it may have been dropped meanwhile")]
    UnknownBackup {
        /// Where the repository is.
        place: Address,
        /// What was asked for.
        id: String,
    },
    /// A backup's record cannot be read, or was not made by Lifeboat.
    #[error("backup {id} in {place} has no record that this version can read: {why}")]
    Unreadable {
        /// Where the repository is.
        place: Address,
        /// The backup.
        id: String,
        /// What is wrong with its record.
        why: String,
    },
    /// The content moved while it was copied. Worth another try.
    #[error("the content of {instance} changed while it was copied: {what}. Nothing was kept; try again")]
    ContentChanged {
        /// The instance.
        instance: InstanceName,
        /// The workspace or file, and what happened to it.
        what: String,
    },
    /// The content could not be read or written.
    #[error("{instance}: {source}")]
    Content {
        /// The instance.
        instance: InstanceName,
        /// Why.
        source: ContentError,
    },
    /// A person stopped it.
    #[error("it was cancelled")]
    Cancelled,
    /// A disk is full.
    #[error("there is no room left {where_}: make room and try again (nothing was lost)")]
    NoRoom {
        /// `for the repository in …`, `in …`.
        where_: String,
    },
    /// Object storage cannot be used at all.
    #[error("the object storage at {place} cannot be used: {why}")]
    NoAccess {
        /// Where the repository is.
        place: Address,
        /// Why, and what to do.
        why: String,
    },
    /// Somebody else is at work on it.
    #[error("{place} is in use: {holder}. Wait until it has ended")]
    Locked {
        /// Where the repository is.
        place: Address,
        /// Who holds it and since when, and what to do if that is not so.
        holder: String,
    },
    /// The bucket keeps something that was to be removed.
    #[error("{doing} in the repository in {place} has to wait: the bucket keeps it until {}, and nobody can remove it before", crate::domain::measure::moment_exact(*.until))]
    Kept {
        /// `dropping a backup`.
        doing: String,
        /// Where the repository is.
        place: Address,
        /// Until when.
        until: crate::domain::Instant,
    },
    /// The operating system, or the object storage, said no.
    #[error("{doing} in the repository in {place} failed: {why}")]
    Io {
        /// `reading data/ab/ab12…`.
        doing: String,
        /// Where the repository is.
        place: Address,
        /// What the system said.
        why: String,
    },
}

impl RepositoryError {
    /// Whether copying once more could work: something moved under the reader.
    #[must_use]
    pub fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::ContentChanged { .. } => true,
            Self::Content { source, .. } => source.is_worth_a_retry(),
            _ => false,
        }
    }

    /// Whether it is the repository that failed, and not what was to be kept in it, nor somebody who stopped it.
    #[must_use]
    pub fn is_of_the_repository(&self) -> bool {
        !matches!(
            self,
            Self::ContentChanged { .. } | Self::Content { .. } | Self::Cancelled | Self::Locked { .. }
        )
    }

    /// A content error of an instance; a change under the reader and a full disk are told as such.
    pub(super) fn content(instance: &InstanceName, source: ContentError) -> Self {
        match source {
            ContentError::Changed { path, what } => Self::ContentChanged {
                instance: instance.clone(),
                what: format!("{} {what}", path.display()),
            },
            ContentError::Io { path, source, .. } if is_full(&source) => Self::NoRoom {
                where_: format!("for {}", path.display()),
            },
            source => Self::Content {
                instance: instance.clone(),
                source,
            },
        }
    }
}

/// What the library said, judged. `doing` begins a sentence: `reading data/ab/ab12…`.
pub(super) fn judged(error: &RusticError, doing: &str, place: &Address) -> RepositoryError {
    #[cfg(feature = "object-storage")]
    if let Some(refusal) = refusal_in(error) {
        return refused_by_storage(refusal, doing, place);
    }
    let place = place.clone();
    if let Some(Untold(why)) = found_in(error) {
        return RepositoryError::Io {
            doing: doing.to_owned(),
            place,
            why: format!("it could not be noted first that it is about to be done: {why}"),
        };
    }
    let Some(system) = system_error(error) else {
        return RepositoryError::Damaged {
            place,
            what: format!("{doing} failed: {}", cause(error)),
        };
    };
    if is_full(system) {
        return RepositoryError::NoRoom {
            where_: format!("for the repository in {place}"),
        };
    }
    match system.kind() {
        io::ErrorKind::NotFound => RepositoryError::Damaged {
            place,
            what: format!("{doing} failed: the file is missing"),
        },
        // The guard says it so.
        io::ErrorKind::StaleNetworkFileHandle => RepositoryError::Io {
            doing: doing.to_owned(),
            place,
            why: "its lock could not be kept for too long, and another Lifeboat may be at work on it. Start it again"
                .to_owned(),
        },
        io::ErrorKind::UnexpectedEof => RepositoryError::Damaged {
            place,
            what: format!("{doing} failed: the file is too short"),
        },
        _ => RepositoryError::Io {
            doing: doing.to_owned(),
            place,
            why: if system.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) {
                format!(
                    "{system}. It is the disk, or the line to it, that failed; whether what is stored there is damaged is not \
                     known: look at the system's log"
                )
            } else {
                system.to_string()
            },
        },
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
        Err(RepositoryError::Io {
            doing: doing.to_owned(),
            place: place.clone(),
            why: "the repository's library gave up; its message is on standard error. A limit of the system may be too \
                  low (ulimit -a): open files, threads, memory"
                .to_owned(),
        })
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

/// What object storage said, as an error of a repository.
#[cfg(feature = "object-storage")]
pub(super) fn refused_by_storage(refusal: &StorageRefusal, doing: &str, place: &Address) -> RepositoryError {
    match refusal {
        StorageRefusal::Missing => RepositoryError::Damaged {
            place: place.clone(),
            what: format!("{doing} failed: the object is missing or too short"),
        },
        StorageRefusal::Full(remark) => RepositoryError::NoRoom {
            where_: format!("for the repository in {place}{remark}"),
        },
        StorageRefusal::Kept(until) => RepositoryError::Kept {
            doing: doing.to_owned(),
            place: place.clone(),
            until: *until,
        },
        refusal => RepositoryError::Io {
            doing: doing.to_owned(),
            place: place.clone(),
            why: refusal.to_string(),
        },
    }
}

/// A place as `restic` takes it.
pub(super) fn for_restic(place: &Address) -> String {
    match place {
        Address::Folder(folder) => folder.display().to_string(),
        Address::Bucket { bucket, prefix } => format!("s3:ENDPOINT/{bucket}/{prefix}"),
    }
}

/// Whether the disk, or what the user may use of it, is full.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
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
        judged(
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
        let error =
            RusticError::with_source(ErrorKind::Backend, "It cannot be told.", Untold(why.to_owned()));
        let place = Address::from(Path::new("/backups"));
        let told = judged(&error, "writing the record of a backup", &place).to_string();
        assert!(told.contains(why) && !told.contains("another Lifeboat"), "{told}");
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
        let plain = judged(&plain, "reading index/12", &Address::from(Path::new("/backups"))).to_string();
        assert!(
            plain.contains("reading index/12 failed: Data decryption failed, `wrong MAC`"),
            "{plain}"
        );
    }
}
