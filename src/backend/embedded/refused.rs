//! What the engine's errors are to whoever asks a backend.

use crate::backend::BackendError;
use crate::catalog::CatalogError;
use crate::domain::refusal::Refusal;
use crate::engine::EngineError;

impl From<EngineError> for BackendError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => Self::Refused(refusal),
            EngineError::UnknownEnvironment { name, known, near } => {
                Self::UnknownEnvironment { name, known, near }
            }
            EngineError::UnknownBackup(choice) => Self::UnknownBackup(choice),
            EngineError::UnknownJob(id) => Self::UnknownJob(id),
            EngineError::NotThere(what) => Self::NotThere(what),
            EngineError::Catalog(error @ CatalogError::OutOfReach { .. }) => {
                Self::OutOfReach(error.to_string())
            }
            EngineError::Catalog(error @ CatalogError::TokenExists(_)) => {
                Self::Refused(Refusal::NotNeeded(error.to_string()))
            }
            other => Self::Failed(other.to_string()),
        }
    }
}
