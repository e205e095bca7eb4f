//! Bytes of binaries in Live's tables, and in files beside them: each is read piece by piece, and between two pieces nothing
//! is held in the database, so that a reader who is slow is in nobody's way.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use postgres::types::ToSql;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};

use super::connect::Connector;
use super::names;
use super::session::Session;
use super::tables::{Holds, Table};
use crate::content::inside::Bytes;
use crate::content::restoring::RestoreError;
use crate::domain::environment::VERSIONS;

/// So many bytes are read together. The database puts a value together each time that it is asked for a part of it.
const TOGETHER: i32 = 8 << 20;

/// A row of bytes in Live.
struct RowInLive {
    session: Session,
    connector: Connector,
    question: String,
    id: String,
    /// Its length, and which version of it is read.
    size: i32,
    version: String,
    at: i32,
    piece: Cursor<Vec<u8>>,
}

/// A part of a row, with the whole length and the version of the row.
type Part = (Option<Vec<u8>>, Option<i32>, String);

/// The bytes of a row of a table of binaries or records; `None` where there is none of that id.
pub(super) fn open(
    connector: &Connector,
    table: &Table,
    id: &str,
) -> Result<Option<Bytes<'static>>, RestoreError> {
    let (key, data) = match table.holds {
        Holds::DataStore => ("id", "data"),
        _ => ("binval_id", "binval_data"),
    };
    let column = |name: &str| {
        let column = table.place_of(name).and_then(|place| table.columns.get(place));
        column.map(|column| names::quoted(&column.name))
    };
    let (Some(key), Some(data)) = (column(key), column(data)) else {
        return Ok(None);
    };
    let (session, connector) = connector.connect_to_one()?;
    let name = names::in_schema(&connector.settings().schema, &table.name);
    let mut row = RowInLive {
        question: format!(
            "SELECT substring({data} FROM $2 FOR $3), octet_length({data}), xmin::text FROM ONLY {name} WHERE {key} = $1"
        ),
        session,
        connector,
        id: id.to_owned(),
        size: 0,
        version: String::new(),
        at: 0,
        piece: Cursor::default(),
    };
    let Some((bytes, size, version)) = row.ask()? else {
        return Ok(None);
    };
    row.size = size.unwrap_or(0);
    row.version = version;
    row.took(bytes);
    Ok(Some(Bytes {
        size: u64::try_from(row.size).unwrap_or(0),
        bytes: Box::new(row),
    }))
}

impl RowInLive {
    fn ask(&mut self) -> Result<Option<Part>, RestoreError> {
        let failed = self.connector.failed("reading a binary");
        let mut transaction = self.session.begin().map_err(&failed)?;
        let from = self.at.saturating_add(1);
        let asked: [&(dyn ToSql + Sync); 3] = [&self.id, &from, &TOGETHER];
        let row = transaction.query_opt(&self.question, &asked).map_err(&failed)?;
        Ok(row.map(|row| (row.get(0), row.get(1), row.get(2))))
    }

    fn took(&mut self, bytes: Option<Vec<u8>>) {
        let bytes = bytes.unwrap_or_default();
        self.at = self
            .at
            .saturating_add(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
        self.piece = Cursor::new(bytes);
    }
}

impl Read for RowInLive {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.piece.read(into)?;
        if read > 0 || into.is_empty() || self.at >= self.size {
            return Ok(read);
        }
        match self.ask().map_err(io::Error::other)? {
            Some((bytes, Some(size), version)) if (size, &version) == (self.size, &self.version) => {
                self.took(bytes)
            }
            _ => {
                return Err(io::Error::other(
                    "it was changed in the database while it was read: try again",
                ));
            }
        }
        self.piece.read(into)
    }
}

/// The bytes of a file of a workspace's folder of binaries; `None` where there is none. No link leads out of that folder.
pub(super) fn file(home: &Path, workspace: &str, path: &str) -> Result<Option<Bytes<'static>>, RestoreError> {
    let of_workspace = if workspace == VERSIONS {
        home.join("version")
    } else {
        home.join("workspaces").join(workspace)
    };
    let folder = of_workspace.join("blobs");
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(at) = openat(CWD, &folder, flags, Mode::empty()) else {
        return Ok(None);
    };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let Ok(file) = openat2(&at, path, flags, Mode::empty(), beneath) else {
        return Ok(None);
    };
    let file = File::from(file);
    let about = file
        .metadata()
        .map_err(RestoreError::io("reading", &folder.join(path)))?;
    Ok(about.is_file().then(|| Bytes {
        size: about.len(),
        bytes: Box::new(file),
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_of_a_workspace_is_read_and_nothing_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("workspaces/dam/blobs/ca/fe");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("data.0.bin"), "harbour").unwrap();
        fs::write(home.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(home.path().join("secret"), folder.join("link")).unwrap();
        let mut found = file(home.path(), "dam", "ca/fe/data.0.bin").unwrap().unwrap();
        let mut bytes = String::new();
        found.bytes.read_to_string(&mut bytes).unwrap();
        assert_eq!((found.size, bytes.as_str()), (7, "harbour"));
        for path in ["ca/fe/link", "../../../secret", "ca/fe", "gone"] {
            assert!(file(home.path(), "dam", path).unwrap().is_none(), "{path}");
        }
        assert!(
            file(home.path(), "website", "ca/fe/data.0.bin")
                .unwrap()
                .is_none()
        );
    }
}
