//! Taking content out: a node with all that is below it, in a form that Magnolia's own import takes or as files; files of a
//! folder; or all that a backup holds, as a tar.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{NodePath, Source, SourceAt};
use crate::domain::backup::BackupId;
use crate::domain::environment::EnvironmentName;

/// As what content is written.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportForm {
    /// The system view of JCR, as Magnolia exports and imports it.
    #[default]
    Xml,
    /// YAML, as Magnolia exports and imports it. It knows fewer types than XML.
    Yaml,
    /// Folders and files that people can read: a folder for each node, its properties as JSON, its binaries as files.
    Files,
    /// All that a backup holds of a workspace, an instance, or everything, as a tar of what `restic restore` would give.
    Tar,
}

impl ExportForm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Xml, Self::Yaml, Self::Files, Self::Tar];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Yaml => "yaml",
            Self::Files => "files",
            Self::Tar => "tar",
        }
    }

    /// Whether it travels as a tar, of which folders and files are made where it arrives.
    #[must_use]
    pub const fn is_unpacked(self) -> bool {
        matches!(self, Self::Files)
    }
}

impl fmt::Display for ExportForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// That a word names no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no form of an export: write xml, yaml, files or tar")]
pub struct NoForm(String);

impl FromStr for ExportForm {
    type Err = NoForm;

    fn from_str(text: &str) -> Result<Self, NoForm> {
        let mut all = Self::ALL.into_iter();
        all.find(|form| form.word() == text)
            .ok_or_else(|| NoForm(text.to_owned()))
    }
}

/// Asks for an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRequest {
    /// The environment.
    pub environment: EnvironmentName,
    /// Where it is taken from.
    pub source: Source,
    /// The node, file or folder, with all that is below it. A tar may be of an instance, or of everything.
    pub path: NodePath,
    /// As what it is written.
    pub form: ExportForm,
}

/// What an export holds, as it was found by going through all of it.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFacts {
    /// Where it is taken from, and when that was so.
    pub seen: SourceAt,
    /// The node, or whatever else it is of.
    pub path: NodePath,
    /// As what it is written.
    #[serde(default)]
    pub form: ExportForm,
    /// What the file is called, as Magnolia calls it where Magnolia takes it; the folder where it is files.
    pub file: String,
    /// How many nodes are in it; of folders and of a tar, how many items.
    pub nodes: u64,
    /// How many bytes it has; of a tar, and of binaries in YAML, about. Of Live it may have become others since.
    pub bytes: u64,
    /// What is left out of it or changed by its form, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// The longest name of a file, in bytes, that every file system takes.
pub const LONGEST_NAME: usize = 255;

/// The name of the file that Magnolia gives the export of a node: the workspace, and the path with dots for its slashes. Dots
/// of the path are doubled. What cannot be in the name of a file is written as a percent sign and two digits. A name that is
/// too long loses its middle.
#[must_use]
pub fn file_name(path: &NodePath, form: ExportForm) -> String {
    let mut name = String::new();
    let workspace = path.workspace.as_deref().unwrap_or_default();
    add(&mut name, workspace, false);
    for step in &path.steps {
        name.push('.');
        add(&mut name, &step.name, true);
        if step.index > 1 {
            // Writing into memory cannot fail.
            let _ = write!(name, "[{}]", step.index);
        }
    }
    let ending = match form {
        ExportForm::Xml => ".xml",
        ExportForm::Yaml => ".yaml",
        ExportForm::Tar => ".tar",
        ExportForm::Files => "",
    };
    let name = shortened(name, ending.len());
    match format!("{name}{ending}") {
        name if matches!(name.as_str(), "" | "." | "..") => "export".to_owned(),
        name => name,
    }
}

/// The name of a tar of what a backup holds.
#[must_use]
pub fn tar_name(environment: &EnvironmentName, backup: &BackupId, path: &NodePath) -> String {
    let mut name = String::new();
    add(&mut name, &environment.to_string().replace('/', "-"), false);
    let _ = write!(name, "-{backup}");
    for part in [
        path.instance.as_ref().map(ToString::to_string),
        path.workspace.clone(),
    ] {
        if let Some(part) = part {
            name.push('-');
            add(&mut name, part.trim_start_matches('.'), false);
        }
    }
    format!("{}.tar", shortened(name, 4))
}

/// A name without its middle where it would be too long, with room for so many bytes more.
fn shortened(name: String, room: usize) -> String {
    let most = LONGEST_NAME.saturating_sub(room);
    if name.len() <= most {
        return name;
    }
    let half = most.saturating_sub(3) / 2;
    let before = (0..=half)
        .rev()
        .find(|at| name.is_char_boundary(*at))
        .unwrap_or(0);
    let after = (name.len() - half..name.len()).find(|at| name.is_char_boundary(*at));
    format!("{}...{}", &name[..before], &name[after.unwrap_or(name.len())..])
}

fn add(name: &mut String, part: &str, doubles_dots: bool) {
    for letter in part.chars() {
        match letter {
            '.' if doubles_dots => name.push_str(".."),
            letter if letter.is_control() || letter == '/' => {
                let _ = write!(name, "%{:02X}", u32::from(letter));
            }
            letter => name.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_called_as_magnolia_calls_it() {
        for (path, expected) in [
            ("author:/website/home/news", "website.home.news.xml"),
            ("/dam/a.b/c", "dam.a..b.c.xml"),
            ("/website/home/item[2]", "website.home.item[2].xml"),
            ("/website/a%1B%2Fb", "website.a%1B%2Fb.xml"),
            ("/..%2F..%2Fetc/x", "..%2F..%2Fetc.x.xml"),
        ] {
            assert_eq!(file_name(&path.parse().unwrap(), ExportForm::Xml), expected);
        }
    }

    #[test]
    fn each_form_has_its_ending_and_no_name_is_too_long() {
        let path: NodePath = "author:/website/home".parse().unwrap();
        let names = ExportForm::ALL.map(|form| file_name(&path, form));
        assert_eq!(
            names,
            [
                "website.home.xml",
                "website.home.yaml",
                "website.home",
                "website.home.tar"
            ]
        );
        let long: NodePath = format!("/website/{}", "ü".repeat(400)).parse().unwrap();
        for form in ExportForm::ALL {
            let name = file_name(&long, form);
            assert!(
                name.len() <= LONGEST_NAME && name.starts_with("website.ü"),
                "{name}"
            );
            assert_eq!(form.word().parse(), Ok(form));
        }
        assert_eq!(file_name(&"/..".parse().unwrap(), ExportForm::Files), "export");
        let (environment, backup) = ("acme/live".parse().unwrap(), BackupId("0a1b".to_owned()));
        assert_eq!(
            tar_name(&environment, &backup, &path),
            "acme-live-0a1b-author-website.tar"
        );
    }
}
