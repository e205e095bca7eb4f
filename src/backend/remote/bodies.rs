//! What is sent to a service and what it answers, where that is of no other use.

use serde::{Deserialize, Serialize};

use crate::domain::job::JobId;

/// What is answered to a request that starts a job.
#[derive(Deserialize)]
pub(super) struct Started {
    pub(super) job: JobId,
}

#[derive(Deserialize)]
pub(super) struct Broken {
    pub(super) broken: String,
}

#[derive(Serialize)]
pub(super) struct NewPlan<'a> {
    pub(super) backup: &'a str,
    pub(super) selection: &'a crate::domain::plan::Selection,
    pub(super) without_safety: bool,
    // An older service does not know it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) even_if_unchanged: bool,
    pub(super) from: crate::domain::settings::RepositoryChoice,
}
