//! The content of the demo's instances: written, edited, broken and compared, for real, in folders on disk, which
//! `database` turns into rows of tables and back.
//!
//! One folder per workspace, as a Magnolia exports it: pages, components and assets as JCR system view XML,
//! configuration as YAML, binaries beside their descriptions. Everything follows from the project's name and the times
//! that are passed in, so that two runs make the same bytes, the same names and the same times.
//!
//! The publics of a site hold what has been published of the author's content: most pages and assets, no drafts, few
//! users.

mod binary;
mod breakage;
mod bundle;
mod compare;
mod database;
mod document;
mod editorial;
mod random;
mod site;
#[cfg(test)]
mod tests;
mod tree;
mod words;

use std::path::{Path, PathBuf};

use crate::domain::environment::Role;
use crate::domain::os_error::in_words;

pub use breakage::{Breakage, break_live};
pub use compare::{fingerprint, fingerprint_without_times_of_folders, first_difference};
pub use database::Database;
pub use editorial::{Edits, evolve};
pub use site::{write, write_all};
pub use tree::Written;

/// The site whose content is made. Two projects have different content; the same project has the same, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    name: String,
    seed: u64,
    percent: usize,
}

impl Site {
    /// The site of a project, by its name.
    #[must_use]
    pub fn of_project(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            seed: random::hash(0, name),
            percent: 100,
        }
    }

    /// The same site with so many per cent of its pages, assets and items; at least one of each kind. A small site is
    /// made, backed up and brought back many times in the time of a whole one.
    #[must_use]
    pub fn at_scale(self, percent: usize) -> Self {
        Self { percent, ..self }
    }

    /// How many of something that a site of full size has `count` of.
    fn scaled(&self, count: usize) -> usize {
        (count * self.percent / 100).max(1)
    }

    /// The project's name as people write it: `acme` becomes `Acme`.
    fn title(&self) -> String {
        words::capitalised(&self.name)
    }
}

/// Where one instance's content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What the instance does; decides what it holds.
    pub role: Role,
    /// The folder that holds a folder for each workspace.
    pub root: PathBuf,
}

/// A file or folder of the demo could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{action} {} in the demo's content failed: {}", path.display(), in_words(source))]
pub struct DemoContentError {
    action: &'static str,
    path: PathBuf,
    source: std::io::Error,
}

impl DemoContentError {
    /// For `map_err`: what was being done to which path.
    pub(super) fn when(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }
}
