//! What a check of a configuration found: for every environment and instance what works, what does not, and what to do.
//!
//! Not in here: looking (`engine::check`).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::environment::{EnvironmentName, InstanceName};

/// What a finding about the configuration itself is about.
pub const CONFIGURATION: &str = "configuration";

/// Why a configuration is not used, and what is used instead.
#[must_use]
pub fn in_use_still(why: &str) -> String {
    format!("{why}. What was read before stays in use.")
}

/// How something stands.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It works.
    Ok,
    /// It works, and something should be known.
    Warning,
    /// It does not work.
    Failed,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// What was found in a database, before anything is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFound {
    /// The database, for people.
    pub place: String,
    /// The server's version.
    pub version: String,
    /// The workspaces, with the bytes that they take there.
    pub workspaces: Vec<(String, u64)>,
    /// What they share, in words, with the bytes that it takes.
    pub shared: Vec<(String, u64)>,
    /// Whether the data store is a table of it.
    pub has_data_store_table: bool,
}

/// Why a database cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NotLookedAt {
    /// A sentence.
    pub why: String,
    /// Whether another try with the certificates of who signs the server's may do.
    pub wants_ca_file: bool,
}

/// The home of a repository that a folder leads to, before anything is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeFound {
    /// The home.
    pub home: PathBuf,
    /// What of it was pointed at, in words.
    pub pointed: String,
    /// What its workspaces are kept in, in words.
    pub kind: String,
    /// Its workspaces.
    pub workspaces: Vec<String>,
    /// Why it cannot be taken as content: a copy would lack some of it, or nobody knows which home is meant. A sentence.
    pub refused: Option<String>,
}

/// One thing that was looked at.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The environment; `None` for what belongs to all of them.
    pub environment: Option<EnvironmentName>,
    /// The instance; `None` for what belongs to the whole environment.
    pub instance: Option<InstanceName>,
    /// What was looked at, in a word or two.
    pub about: String,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found, and what to do where something is to be done.
    pub detail: String,
}

/// Everything that was found, in the order of the configuration.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// One for each thing that was looked at.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing has failed.
    #[must_use]
    pub fn works(&self) -> bool {
        self.count(Verdict::Failed) == 0
    }

    /// How many stand like this.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.verdict == verdict)
            .count()
    }

    /// All of it in a sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let all = self.findings.len();
        let warnings = match self.count(Verdict::Warning) {
            0 => String::new(),
            1 => ", and there is 1 warning".to_owned(),
            count => format!(", and there are {count} warnings"),
        };
        match self.count(Verdict::Failed) {
            0 => format!("None of {all} checks failed{warnings}"),
            failed => format!("{failed} of {all} checks failed{warnings}"),
        }
    }
}

/// Collects findings about one environment or one instance of it.
pub struct Findings<'a> {
    /// Where they go.
    pub report: &'a mut Report,
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The instance, where they are about one.
    pub instance: Option<&'a InstanceName>,
}

impl Findings<'_> {
    fn push(&mut self, about: &str, verdict: Verdict, detail: impl Into<String>) {
        self.report.findings.push(Finding {
            environment: Some(self.environment.clone()),
            instance: self.instance.cloned(),
            about: about.to_owned(),
            verdict,
            detail: detail.into(),
        });
    }

    /// It works.
    pub fn ok(&mut self, about: &str, detail: impl Into<String>) {
        self.push(about, Verdict::Ok, detail);
    }

    /// It works, and something should be known.
    pub fn warning(&mut self, about: &str, detail: impl Into<String>) {
        self.push(about, Verdict::Warning, detail);
    }

    /// It does not work.
    pub fn failed(&mut self, about: &str, detail: impl Into<String>) {
        self.push(about, Verdict::Failed, detail);
    }

    /// It works, or it does not and this is why.
    pub fn told(&mut self, about: &str, told: Result<String, String>) {
        match told {
            Ok(detail) => self.ok(about, detail),
            Err(why) => self.failed(about, why),
        }
    }
}
