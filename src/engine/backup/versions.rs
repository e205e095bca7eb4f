//! Reads the versions that run in an environment from where the operator says: a string, a file or a command.

use std::path::Path;

use crate::domain::os_error::in_words;
use crate::domain::settings::{EnvironmentSettings, VersionSource};
use crate::domain::version::{MagnoliaVersion, ReleaseVersion, Versions};
use crate::secret::command;

/// What stands in the place of a version that nobody can say.
const UNKNOWN: &str = "unknown";

/// Reads both versions of an environment.
///
/// # Errors
/// A sentence that says which version could not be read, from where, and why.
pub fn read(settings: &EnvironmentSettings) -> Result<Versions, String> {
    Ok(Versions {
        release: ReleaseVersion(release(settings)?),
        magnolia: MagnoliaVersion(magnolia(settings)?),
    })
}

/// Reads those versions that can be read; the others are `unknown`, with a sentence for each.
pub fn read_or_unknown(settings: &EnvironmentSettings) -> (Versions, Vec<String>) {
    let mut problems = Vec::new();
    let mut or_unknown = |read: Result<String, String>| {
        read.unwrap_or_else(|why| {
            problems.push(why);
            UNKNOWN.to_owned()
        })
    };
    let versions = Versions {
        release: ReleaseVersion(or_unknown(release(settings))),
        magnolia: MagnoliaVersion(or_unknown(magnolia(settings))),
    };
    (versions, problems)
}

/// Both versions, with `unknown` and a warning for one that cannot be read: content is worth keeping even while nobody can
/// say which release runs.
pub fn with_warnings(settings: &EnvironmentSettings, warnings: &mut Vec<String>) -> Versions {
    let (versions, problems) = read_or_unknown(settings);
    for why in problems {
        warnings.push(format!("the backup says \"unknown\" for a version: {why}"));
    }
    versions
}

/// A version, if it is known.
pub fn known(version: &str) -> Option<&str> {
    (version != UNKNOWN).then_some(version)
}

fn release(settings: &EnvironmentSettings) -> Result<String, String> {
    read_named("release version", settings.release_version.as_ref())
}

fn magnolia(settings: &EnvironmentSettings) -> Result<String, String> {
    read_named("Magnolia version", settings.magnolia_version.as_ref())
}

fn read_named(what: &str, source: Option<&VersionSource>) -> Result<String, String> {
    match source {
        Some(source) => read_one(source).map_err(|why| format!("the {what} cannot be read: {why}")),
        None => Err(format!("no {what} is configured for this environment")),
    }
}

fn read_one(source: &VersionSource) -> Result<String, String> {
    match source {
        VersionSource::Text(text) => first_line(text.as_bytes(), "the configured text"),
        VersionSource::File { file } => read_file(file),
        VersionSource::Command { command } => run(command),
    }
}

fn read_file(file: &Path) -> Result<String, String> {
    let bytes = std::fs::read(file)
        .map_err(|error| format!("{}: {error}", file.display(), error = in_words(&error)))?;
    first_line(&bytes, &file.display().to_string())
}

fn run(command: &[String]) -> Result<String, String> {
    let printed = command::output(command, Path::new("/"))?;
    first_line(&printed, "what the command printed")
}

fn first_line(bytes: &[u8], place: &str) -> Result<String, String> {
    let text = String::from_utf8_lossy(bytes);
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(format!("{place} is empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_comes_from_a_text_a_file_or_a_command() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("RELEASE");
        std::fs::write(&file, "v12\nbuilt on a Monday\n").unwrap();
        let command = ["sh", "-c", "echo 6.3.4"].map(str::to_owned).to_vec();
        assert_eq!(read_one(&VersionSource::Text("v7".into())).unwrap(), "v7");
        assert_eq!(read_one(&VersionSource::File { file }).unwrap(), "v12");
        assert_eq!(read_one(&VersionSource::Command { command }).unwrap(), "6.3.4");
    }

    #[test]
    fn one_that_cannot_be_read_does_not_hide_the_other() {
        let settings = EnvironmentSettings {
            project: "acme".into(),
            name: "live".into(),
            kind: crate::domain::environment::EnvironmentKind::Live,
            release_version: Some(VersionSource::File {
                file: "/nonexistent/RELEASE".into(),
            }),
            magnolia_version: Some(VersionSource::Text("6.3.4".into())),
            schedule: crate::domain::schedule::Schedule::default(),
            keep: crate::domain::slot::Keep::default(),
            rpo: None,
            rto: None,
            approve: false,
            verify: crate::domain::proof::VerifySettings::default(),
            drill: crate::domain::proof::DrillSettings::default(),
            instances: Vec::new(),
        };
        assert!(read(&settings).is_err());
        let (versions, problems) = read_or_unknown(&settings);
        assert_eq!(
            (known(&versions.release.0), known(&versions.magnolia.0)),
            (None, Some("6.3.4"))
        );
        assert_eq!(problems.len(), 1, "{problems:?}");
    }

    #[test]
    fn a_version_that_cannot_be_read_says_where_it_was_looked_for() {
        let missing = VersionSource::File {
            file: "/nonexistent/RELEASE".into(),
        };
        assert!(read_one(&missing).unwrap_err().contains("/nonexistent/RELEASE"));
        let command = ["sh", "-c", "echo no such release >&2; exit 3"]
            .map(str::to_owned)
            .to_vec();
        let why = read_one(&VersionSource::Command { command }).unwrap_err();
        assert!(why.contains("no such release") && why.contains('3'), "{why}");
        assert!(
            read_one(&VersionSource::Text("  \n".into()))
                .unwrap_err()
                .contains("empty")
        );
    }
}
