//! Why the repository could not do something, as sentences: what happened, where, why, and what to do.
//!
//! Not in here: what an error of the library means (`library`), and an answer of object storage (`storage`).

use std::io;

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
    /// Something that was stored may not be read. It may well be sound: a person has to give the right.
    #[error("{what}. That is in the repository in {place}, and nothing was changed")]
    Withheld {
        /// Where the repository is.
        place: Address,
        /// What may not be read, and what to do.
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

    /// That the system, or the storage, said no.
    pub(super) fn io(doing: &str, place: &Address, why: impl Into<String>) -> Self {
        Self::Io {
            doing: doing.to_owned(),
            place: place.clone(),
            why: why.into(),
        }
    }

    /// That something is not what was stored.
    pub(super) fn damaged(place: &Address, what: impl Into<String>) -> Self {
        Self::Damaged {
            place: place.clone(),
            what: what.into(),
        }
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
