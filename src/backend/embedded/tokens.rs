//! What only somebody at the service's own machine may do, and no service answers: list, renew and end tokens, check the
//! chain of the activity log, and leave a repository behind.

use super::Embedded;
use crate::backend::BackendError;
use crate::catalog::Catalog;
use crate::domain::Instant;
use crate::domain::activity::ChainReport;
use crate::domain::environment::EnvironmentName;
use crate::domain::token::TokenRecord;

impl Embedded {
    /// Every token, by name, those that were revoked or have expired included.
    ///
    /// # Errors
    /// An engine that is not open; a catalog that cannot be read.
    pub async fn tokens(&self) -> Result<Vec<TokenRecord>, BackendError> {
        self.on_catalog(Catalog::tokens).await
    }

    /// Gives a token another text, and returns the token. `None` when there is none or it was revoked.
    ///
    /// # Errors
    /// As [`Embedded::tokens`].
    pub async fn rotate_token(
        &self,
        name: String,
        hash: [u8; 32],
        by: String,
        at: Instant,
    ) -> Result<Option<TokenRecord>, BackendError> {
        self.on_catalog(move |catalog| {
            let rotated = catalog.rotate_token(&name, &hash, &by, at)?;
            let all = catalog.tokens()?;
            Ok(all
                .into_iter()
                .find(|token| token.name == name)
                .filter(|_| rotated))
        })
        .await
    }

    /// Ends a token. Returns whether that changed anything.
    ///
    /// # Errors
    /// As [`Embedded::tokens`].
    pub async fn revoke_token(&self, name: String, at: Instant) -> Result<bool, BackendError> {
        self.on_catalog(move |catalog| catalog.revoke_token(&name, at))
            .await
    }

    /// Lets the next backup of an environment begin a new repository in the configured place, and gives that place.
    ///
    /// # Errors
    /// An engine that is not open; a repository that is there, or that held no backups; a refusal (rule 5).
    pub async fn relocate(&self, environment: EnvironmentName) -> Result<String, BackendError> {
        self.change(move |engine| engine.live(&environment)?.relocate())
            .await
    }

    /// Checks that the activity log is what was written.
    ///
    /// # Errors
    /// As [`Embedded::tokens`].
    pub async fn verify_activity(&self) -> Result<ChainReport, BackendError> {
        self.on_catalog(Catalog::verify_activity).await
    }
}
