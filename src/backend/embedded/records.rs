//! A service's tokens and answers in the catalog.

use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::BackendError;
use crate::backend::serves::ServiceRecords;
use crate::catalog::{Catalog, CatalogError};
use crate::domain::Instant;
use crate::domain::answer::{Reserved, StoredAnswer};
use crate::domain::environment::EnvironmentName;
use crate::domain::plan::PlanId;
use crate::domain::token::TokenRecord;
use crate::engine::EngineError;

/// What a service keeps, in a catalog.
#[derive(Debug)]
pub struct CatalogRecords(Arc<Catalog>);

impl CatalogRecords {
    /// Those of this catalog.
    #[must_use]
    pub fn of(catalog: Arc<Catalog>) -> Self {
        Self(catalog)
    }

    /// Does something with the catalog on a thread where it may block.
    async fn with<T, F>(&self, call: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce(&Catalog) -> Result<T, CatalogError> + Send + 'static,
    {
        let catalog = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || call(&catalog))
            .await
            .map_err(|error| BackendError::lost(&error))?
            .map_err(|error| EngineError::from(error).into())
    }
}

#[async_trait]
impl ServiceRecords for CatalogRecords {
    async fn add_token(&self, token: TokenRecord, hash: [u8; 32]) -> Result<(), BackendError> {
        self.with(move |catalog| catalog.add_token(&token, &hash)).await
    }

    async fn token_shown(&self, hash: [u8; 32], now: Instant) -> Result<Option<TokenRecord>, BackendError> {
        self.with(move |catalog| {
            let found = catalog.token_by_hash(&hash)?.filter(|token| token.is_valid(now));
            if let Some(token) = &found {
                catalog.token_used(&token.name, now)?;
            }
            Ok(found)
        })
        .await
    }

    async fn reserve_answer(
        &self,
        who: &str,
        key: &str,
        digest: [u8; 32],
        now: Instant,
    ) -> Result<Reserved, BackendError> {
        let (who, key) = (who.to_owned(), key.to_owned());
        self.with(move |catalog| catalog.reserve_answer(&who, &key, &digest, now))
            .await
    }

    async fn store_answer(&self, who: &str, key: &str, answer: StoredAnswer) -> Result<(), BackendError> {
        let (who, key) = (who.to_owned(), key.to_owned());
        self.with(move |catalog| catalog.store_answer(&who, &key, &answer))
            .await
    }

    async fn release_answer(&self, who: &str, key: &str) -> Result<(), BackendError> {
        let (who, key) = (who.to_owned(), key.to_owned());
        self.with(move |catalog| catalog.release_answer(&who, &key)).await
    }

    async fn environment_of_plan(
        &self,
        plan: &PlanId,
        now: Instant,
    ) -> Result<Option<EnvironmentName>, BackendError> {
        let plan = plan.clone();
        self.with(move |catalog| Ok(catalog.plan(&plan, now)?.map(|stored| stored.plan.environment)))
            .await
    }
}
