//! Why the catalog said no.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::content::postgres::sentence;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{JobId, JobKind};
use crate::domain::os_error::in_words;

/// Why the catalog did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Rule 8: the environment has a job that has not ended.
    #[error("{environment} is busy: job {job} ({}) has not ended; wait for it or cancel it", kind.label())]
    Busy {
        /// The environment.
        environment: EnvironmentName,
        /// The job that runs or waits.
        job: JobId,
        /// What it does.
        kind: JobKind,
    },
    /// The environment has a job whose process is gone. It has to be settled before another one begins.
    #[error(
        "job {job} of {environment} was left behind by a Lifeboat that is gone: it is settled before another job begins; try again in a moment"
    )]
    Abandoned {
        /// The environment.
        environment: EnvironmentName,
        /// The job that was left behind.
        job: JobId,
    },
    /// There is no such job.
    #[error("there is no job {0} in the catalog: `lifeboat jobs` lists them")]
    UnknownJob(JobId),
    /// The job belongs to another Lifeboat, which alone may say how it goes on.
    #[error(
        "job {0} belongs to another Lifeboat, which alone goes on with it: it took the job over because this one had not \
         been heard of for too long"
    )]
    NotOwned(JobId),
    /// The environment was busy, and in this very moment is not any more.
    #[error("the job of {0} has just ended: try again")]
    JustEnded(EnvironmentName),
    /// What the job was to serve was claimed by somebody else meanwhile.
    #[error("what is due for {0} is served by another Lifeboat")]
    NotDue(EnvironmentName),
    /// The others have declared this Lifeboat gone, since its lease had run out.
    #[error(
        "this Lifeboat had not reached the catalog for too long, and the others have taken over what it was doing: it goes \
         on under a new number, so try again in a moment"
    )]
    TakenForDead,
    /// The catalog's database cannot be reached.
    #[error("the catalog is out of reach: {why}")]
    OutOfReach {
        /// What happened and what to do, as a sentence.
        why: String,
    },
    /// The catalog's database said no.
    #[error("the catalog in {place} could not be used: {why}")]
    Database {
        /// The database.
        place: String,
        /// What it said.
        why: String,
    },
    /// What is in the catalog's database is not what was written.
    #[error(
        "the catalog in {place} is damaged ({what}): bring that database back from its own backup, or name an empty one as \
         catalog; no backup is lost by that, only the list of past jobs and activity"
    )]
    DatabaseDamaged {
        /// The database.
        place: String,
        /// What was found.
        what: String,
    },
    /// The server of the database is too old for what the catalog asks of it.
    #[error(
        "the catalog in {place} needs PostgreSQL {oldest} or newer, and its server is {found}: name a database on a newer server as \
         catalog (the content may stay where it is), or leave catalog out, to keep it in a file of this machine's"
    )]
    DatabaseOld {
        /// The database.
        place: String,
        /// The first part of the server's version.
        found: u32,
        /// The oldest that will do.
        oldest: u32,
    },
    /// A newer Lifeboat has brought the tables in the database to a newer form.
    #[error(
        "the catalog in {place} has form {found} and this Lifeboat knows forms up to {known}: use the newer Lifeboat on \
         this machine, too"
    )]
    DatabaseNewer {
        /// The database.
        place: String,
        /// The form that the tables have.
        found: i64,
        /// The newest form known here.
        known: i64,
    },
    /// There is or was a token of this name.
    #[error(
        "there is a token \"{0}\" already, or was one that the activity log still tells of: rotate it, or choose another name"
    )]
    TokenExists(String),
    /// The file is not a catalog, or not a whole one.
    #[error(
        "the catalog {} is damaged ({what}): move it away and start again; no backup is lost by that, only the list of past jobs and activity", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A newer Lifeboat has written the file.
    #[error(
        "the catalog {} has form {found} and this Lifeboat knows forms up to {known}: use the newer Lifeboat that wrote it, or move the file away; no backup is lost by that, only the list of past jobs and activity", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The form it has.
        found: i64,
        /// The newest form known here.
        known: i64,
    },
    /// Another program holds the file.
    #[error("the catalog {} has been locked by another program for too long: end that program and try again", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The state folder cannot be used as it has to be.
    #[error(
        "the state folder {}, where jobs and activity are kept, cannot be used: {why}. Run Lifeboat as the account that the \
         folder belongs to, make room in it, or name another one with state in the configuration or LIFEBOAT_STATE",
        folder.display()
    )]
    StateFolder {
        /// The folder.
        folder: PathBuf,
        /// What was tried there, and what the system said.
        why: String,
    },
    /// The operating system said no.
    #[error("{action} {} failed: {}", path.display(), in_words(source))]
    Io {
        /// `making the directory`, `locking`, …
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The disk that the file is on is full.
    #[error("there is no room left for the catalog {}: make room on the disk of the state directory", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// SQLite said no, for a reason that is none of the above: a read-only disk.
    #[error("the catalog {} could not be used: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

impl CatalogError {
    /// For an error of opening the catalog in a state folder: what the system refuses there is about the folder.
    pub(crate) fn of_state(self, folder: &Path) -> Self {
        match &self {
            Self::Io { .. } | Self::Sqlite { .. } => Self::StateFolder {
                folder: folder.to_owned(),
                why: self.to_string(),
            },
            _ => self,
        }
    }

    pub(super) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// What goes wrong inside a call, before the catalog's path is put to it.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite said no.
    Sqlite(rusqlite::Error),
    /// PostgreSQL said no.
    Postgres(postgres::Error),
    /// A stored text is not what was written.
    Unreadable(String),
    /// The file has a form that is not known here.
    Newer { found: i64, known: i64 },
    /// A rule said no.
    Refused(CatalogError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<postgres::Error> for Fault {
    fn from(error: postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(format!("a record is unreadable: {error}"))
    }
}

impl From<CatalogError> for Fault {
    fn from(error: CatalogError) -> Self {
        Self::Refused(error)
    }
}

impl Fault {
    /// Whether the connection is gone on which it was asked.
    pub(super) fn is_lost_connection(&self) -> bool {
        match self {
            // 57P01 to 57P05: the server ends the session or starts; 25P03: it was idle in a transaction for too long.
            Self::Postgres(error) => match error.code() {
                Some(code) => code.code().starts_with("57P") || code.code() == "25P03",
                None => error.is_closed() || error.as_db_error().is_none(),
            },
            _ => false,
        }
    }

    /// Whether another session was in the way, so that the same may work in a moment.
    pub(super) fn is_in_the_way(&self) -> bool {
        matches!(self, Self::Postgres(error)
            if error.code().is_some_and(|code| matches!(code.code(), "40001" | "40P01")))
    }

    /// The error for whoever called, from a database.
    pub(super) fn on(self, place: &str) -> CatalogError {
        let place = place.to_owned();
        let is_lost = self.is_lost_connection();
        match self {
            Self::Refused(error) => error,
            Self::Unreadable(what) => CatalogError::DatabaseDamaged { place, what },
            Self::Newer { found, known } => CatalogError::DatabaseNewer { place, found, known },
            Self::Postgres(error) if is_lost => CatalogError::OutOfReach {
                why: format!("{place}: {}", sentence(&error)),
            },
            Self::Postgres(error) => CatalogError::Database {
                place,
                why: sentence(&error),
            },
            Self::Sqlite(error) => CatalogError::Database {
                place,
                why: error.to_string(),
            },
        }
    }

    /// The error for whoever called, from a file.
    pub(super) fn at(self, path: &Path) -> CatalogError {
        let path = path.to_owned();
        match self {
            Self::Refused(error) => error,
            Self::Unreadable(what) => CatalogError::Damaged { path, what },
            Self::Postgres(error) => CatalogError::Database {
                place: path.display().to_string(),
                why: sentence(&error),
            },
            Self::Newer { found, known } => CatalogError::Newer { path, found, known },
            Self::Sqlite(source) => match source.sqlite_error_code() {
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => CatalogError::Damaged {
                    path,
                    what: source.to_string(),
                },
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => CatalogError::Locked { path },
                Some(ErrorCode::DiskFull) => CatalogError::Full { path },
                _ if is_misfit(&source) => CatalogError::Damaged {
                    path,
                    what: source.to_string(),
                },
                _ => CatalogError::Sqlite { path, source },
            },
        }
    }
}

/// Whether a table or a column is not what the form of the file promises.
fn is_misfit(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    match error {
        Error::InvalidColumnType(..)
        | Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::Utf8Error(..)
        | Error::SqlInputError { .. } => true,
        Error::SqliteFailure(_, Some(message)) => message.starts_with("no such"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_as_one() {
        let full = rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL),
            Some("database or disk is full".to_owned()),
        );
        let told = Fault::from(full).at(Path::new("/state/catalog.sqlite"));
        assert!(matches!(told, CatalogError::Full { .. }), "{told:?}");
        assert!(
            told.to_string()
                .contains("make room on the disk of the state directory")
        );
    }
}
