//! What was asked, once it is known by whom: the parts of a request, read with care.

use std::sync::Arc;

use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, Uri};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::service::Service;
use super::tokens::Hash;
use crate::backend::BackendError;
use crate::backend::serves::Serves;
use crate::domain::backup::{BackupId, ChoiceError};
use crate::domain::caller::Caller;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{Job, JobId};
use crate::domain::nearest::nearest;
use crate::domain::token::{Role, TokenRecord};

/// What was asked, and by whom.
pub(super) struct Ask {
    pub(super) service: Arc<Service>,
    pub(super) token: TokenRecord,
    pub(super) hash: Hash,
    pub(super) caller: Caller,
    /// The parameters in the path, by name.
    pub(super) path: Vec<(String, String)>,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Ask {
    /// The engine, which writes down who asks.
    pub(super) fn engine(&self) -> Arc<dyn Serves> {
        Arc::clone(&self.service.engine).acting_for(self.caller.clone())
    }

    fn parameter(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value)
    }

    /// The environment that the path names, if the token may see one of that name, whether it is there or not.
    pub(super) fn named(&self) -> Option<EnvironmentName> {
        EnvironmentName::new(self.parameter("project"), self.parameter("environment"))
            .ok()
            .filter(|name| self.token.sees(name))
    }

    /// The environment in the path. One that the token does not see looks as if it were not there.
    pub(super) async fn environment(&self) -> Result<EnvironmentName, Problem> {
        let (project, environment) = (self.parameter("project"), self.parameter("environment"));
        match EnvironmentName::new(project, environment) {
            Ok(name) => self.seen(name).await,
            Err(_) => Err(self.unknown(&format!("{project}/{environment}")).await),
        }
    }

    /// The same name, if there is such an environment and the token sees it.
    pub(super) async fn seen(&self, name: EnvironmentName) -> Result<EnvironmentName, Problem> {
        let names = self.names().await?;
        if names.contains(&name) {
            Ok(name)
        } else {
            Err(self.unknown(&name.to_string()).await)
        }
    }

    /// The environments that the token sees.
    pub(super) async fn names(&self) -> Result<Vec<EnvironmentName>, Problem> {
        Ok(self.service.overview.names(&self.token).await?)
    }

    async fn unknown(&self, name: &str) -> Problem {
        let names = match self.names().await {
            Ok(names) => names,
            Err(problem) => return problem,
        };
        let known: Vec<_> = names.iter().map(ToString::to_string).collect();
        BackendError::UnknownEnvironment {
            near: nearest(name, known.iter().map(String::as_str)),
            name: name.to_owned(),
            known: if known.is_empty() {
                if self.token.projects.is_empty() {
                    "none yet".to_owned()
                } else {
                    "none that this token sees".to_owned()
                }
            } else {
                known.join(", ")
            },
        }
        .into()
    }

    /// The job in the path, if the token sees its environment.
    pub(super) async fn job(&self) -> Result<Job, Problem> {
        let text = self.parameter("id");
        let id: JobId = text.parse().map_err(|_| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "unknown_job",
                format!("there is no job \"{text}\": jobs have numbers"),
            )
        })?;
        let job = self.service.engine.job(id).await?;
        if self.token.sees(&job.environment) {
            Ok(job)
        } else {
            Err(BackendError::UnknownJob(id).into())
        }
    }

    /// The backup in the path, by its whole id: what is deleted is not found by the beginning of a name.
    pub(super) fn backup(&self) -> Result<BackupId, Problem> {
        let text = self.parameter("backup");
        let is_id = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_id {
            Ok(BackupId(text.to_owned()))
        } else {
            Err(BackendError::UnknownBackup(ChoiceError::unknown(text, [])).into())
        }
    }

    /// The hold in the path.
    pub(super) fn hold(&self) -> &str {
        self.parameter("hold")
    }

    /// Refuses whoever has a smaller role.
    pub(super) fn needs(&self, role: Role) -> Result<(), Problem> {
        if self.token.role >= role {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "the token \"{}\" has the role {}, and this needs {role}",
            self.token.name, self.token.role
        )))
    }

    /// What stands after the `?`.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        Query::try_from_uri(&self.uri)
            .map(|Query(query)| query)
            .map_err(|error| {
                Problem::bad_request(format!(
                    "the part of the address behind the question mark is not understood: {}",
                    error.body_text()
                ))
            })
    }

    /// The body, which has to be an object: a list of the same values in the right order is not taken for one.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let wrong = |why: &dyn std::fmt::Display| {
            Problem::bad_request(format!("the body is not what is expected here: {why}"))
        };
        if self.body.trim_ascii_start().first() != Some(&b'{') {
            return Err(wrong(&"it has to be a JSON object"));
        }
        serde_json::from_slice(&self.body).map_err(|error| wrong(&error))
    }

    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
