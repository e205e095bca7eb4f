//! Turns the problem details of a service back into the error that its backend gave.

use serde::Deserialize;
use serde_json::Value;

use crate::backend::BackendError;
use crate::domain::backup::ChoiceError;
use crate::domain::job::JobId;
use crate::domain::nearest::Missing;
use crate::domain::refusal::Refusal;

/// The media type of problem details.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// Problem details, as far as they are read here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    pub(super) detail: String,
    #[serde(default)]
    pub(super) kind: String,
    /// Read loosely: a newer service may refuse for a reason that this cockpit does not know.
    #[serde(default)]
    refusal: Option<Value>,
    #[serde(default)]
    facts: Option<Value>,
    /// In seconds.
    #[serde(default)]
    pub(super) retry_after: Option<u32>,
}

#[derive(Deserialize)]
struct Unknown {
    name: String,
    known: String,
    #[serde(default)]
    near: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Near {
    near: Vec<String>,
}

#[derive(Deserialize)]
struct UnknownJob {
    id: JobId,
}

impl Problem {
    /// Whether the service has nothing at this address, or nothing that is asked for in this way.
    pub(super) fn is_of_no_route(&self) -> bool {
        matches!(self.kind.as_str(), "nowhere" | "method_not_allowed")
    }

    /// The error that it stands for. What is not understood keeps its sentence.
    pub(super) fn into_error(self) -> BackendError {
        if let Some(refusal) = self.refusal {
            return match serde_json::from_value::<Refusal>(refusal) {
                Ok(refusal) => refusal.into(),
                Err(_) => Refusal::ByService(self.detail).into(),
            };
        }
        let facts = self.facts.unwrap_or_default();
        match self.kind.as_str() {
            "unknown_environment" => match serde_json::from_value::<Unknown>(facts) {
                Ok(Unknown { name, known, near }) => BackendError::UnknownEnvironment { name, known, near },
                Err(_) => BackendError::Failed(self.detail),
            },
            "unknown_backup" => match serde_json::from_value::<ChoiceError>(facts) {
                Ok(choice) => BackendError::UnknownBackup(choice),
                Err(_) => BackendError::Failed(self.detail),
            },
            "unknown_job" => match serde_json::from_value::<UnknownJob>(facts) {
                Ok(UnknownJob { id }) => BackendError::UnknownJob(id),
                Err(_) => BackendError::Failed(self.detail),
            },
            "not_there" => BackendError::NotThere(Missing {
                sentence: self.detail,
                near: serde_json::from_value::<Near>(facts).unwrap_or_default().near,
            }),
            "forbidden" => Refusal::ByService(self.detail).into(),
            "out_of_reach" | "unauthorized" => BackendError::OutOfReach(self.detail),
            _ => BackendError::Failed(self.detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_service_without_the_route_is_too_old_for_a_question() {
        let is_no_route = |kind: &str| {
            let problem: Problem = serde_json::from_value(serde_json::json!({ "kind": kind })).unwrap();
            problem.is_of_no_route()
        };
        assert!(is_no_route("nowhere") && is_no_route("method_not_allowed"));
        for kind in ["unknown_environment", "out_of_reach", "failed", "forbidden"] {
            assert!(!is_no_route(kind), "{kind}");
        }
    }
}
