//! Passwords where libpq's programs look for them: `~/.pgpass`, or the file that `PGPASSFILE` names. A file that others can
//! read is not read, as libpq does it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a password is looked up by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// The host's name or address, or the folder of the server's socket.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The user.
    pub user: String,
}

/// Folders of sockets that count as `localhost`: where PostgreSQL puts them by itself, and where Debian does.
const USUAL_SOCKETS: [&str; 3] = ["/tmp", "/var/run/postgresql", "/run/postgresql"];

/// The file, whether it is there or not.
pub(super) fn place(variables: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let named = |name: &str| variables(name).filter(|text| !text.is_empty());
    named("PGPASSFILE")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&named("HOME")?).join(".pgpass")))
}

/// Whether others can read the file, which is why it is not read.
pub(super) fn is_open(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

/// The password for a key, if the file has one.
pub(super) fn find(variables: &dyn Fn(&str) -> Option<String>, key: &Key) -> Option<String> {
    let file = place(variables)?;
    let is_file = fs::metadata(&file).is_ok_and(|found| found.is_file());
    if !is_file || is_open(&file) {
        return None;
    }
    let text = fs::read(&file).ok()?;
    String::from_utf8_lossy(&text)
        .lines()
        .find_map(|line| password(line, key))
}

/// The password of a line, if it is about the key. A colon or a backslash in a field has a backslash before it.
fn password(line: &str, key: &Key) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut characters = line.trim_end_matches('\r').chars();
    while let Some(character) = characters.next() {
        let character = match character {
            '\\' => characters.next()?,
            // Only the first four end a field: what comes then is the password, whatever is in it.
            ':' if fields.len() < 5 => {
                fields.push(String::new());
                continue;
            }
            other => other,
        };
        fields.last_mut()?.push(character);
    }
    let host = if USUAL_SOCKETS.contains(&key.host.as_str()) {
        "localhost"
    } else {
        &key.host
    };
    let wanted = [host, &key.port.to_string(), &key.database, &key.user];
    let (known, password) = (fields.get(..4)?, fields.get(4)?);
    let fits = known
        .iter()
        .zip(wanted)
        .all(|(known, wanted)| known == "*" || known == wanted);
    (fits && !password.is_empty()).then(|| password.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            host: "db.internal".to_owned(),
            port: 5432,
            database: "a:b".to_owned(),
            user: "lifeboat".to_owned(),
        }
    }

    #[test]
    fn lines_are_read_as_libpq_reads_them() {
        let read = |line: &str| password(line, &key());
        assert_eq!(
            read("db.internal:5432:a\\:b:lifeboat:se:cr\\\\et").as_deref(),
            Some("se:cr\\et")
        );
        assert_eq!(read("*:*:*:*:any\r").as_deref(), Some("any"));
        assert_eq!(read("#*:*:*:*:any"), None);
        assert_eq!(read("db.internal:5433:*:*:x"), None);
        assert_eq!(read("localhost:*:*:*:x"), None);
        assert_eq!(read("*:*:*:*:"), None);
        assert_eq!(read("*:*:*"), None);
        let socket = Key {
            host: "/run/postgresql".to_owned(),
            ..key()
        };
        assert_eq!(password("localhost:*:*:*:x", &socket).as_deref(), Some("x"));
    }

    #[test]
    fn a_file_that_others_can_read_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".pgpass");
        fs::write(&file, "# mine\n*:*:*:lifeboat:secret\n").unwrap();
        let home = folder.path().display().to_string();
        let variables = |name: &str| (name == "HOME").then(|| home.clone());
        for (mode, expected) in [(0o600, Some("secret")), (0o640, None)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(find(&variables, &key()).as_deref(), expected);
        }
        let other = folder.path().join("other").display().to_string();
        let named = |name: &str| (name == "PGPASSFILE").then(|| other.clone());
        assert_eq!(find(&named, &key()), None);
    }
}
