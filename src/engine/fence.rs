//! The fence around an environment's repository: what a job may still change there is what its claim in the catalog says.
//!
//! A machine can stand still for as long as it likes and then go on in the middle of a job that others have taken over.
//! So the repository asks this before it changes anything, and before and after it lets a backup through.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant as Monotonic};

use super::Engine;
use super::catalog::{Catalog, CatalogError, Claim};
use super::repository::Loseable;
use crate::domain::environment::EnvironmentName;

/// How long a catalog that is out of reach is waited for before a finished copy is given up.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often it is asked meanwhile.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The fence around one environment.
#[derive(Debug)]
pub(super) struct Fence {
    catalog: Arc<Catalog>,
    claim: Mutex<Option<Claim>>,
}

/// A job at work behind the fence, until this is dropped.
#[derive(Debug)]
pub(super) struct Behind(Arc<Fence>);

impl Drop for Behind {
    fn drop(&mut self) {
        *self.0.claim.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Fence {
    /// What the catalog says of the claim; `None` where no job is at work.
    fn asked(&self) -> Option<Result<(), CatalogError>> {
        let claim = (*self.claim.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(self.catalog.check_claim(&claim))
    }
}

impl Loseable for Fence {
    fn is_lost(&self) -> bool {
        matches!(self.asked(), Some(Err(CatalogError::NotOwned(_))))
    }

    fn is_surely_held(&self) -> bool {
        let began = Monotonic::now();
        loop {
            match self.asked() {
                None | Some(Ok(())) => return true,
                Some(Err(CatalogError::NotOwned(_))) => return false,
                Some(Err(_)) if began.elapsed() >= PATIENCE => return false,
                Some(Err(_)) => thread::sleep(ASK_AGAIN),
            }
        }
    }
}

impl Engine {
    /// The fence around an environment.
    pub(super) fn fence(&self, name: &EnvironmentName) -> Arc<Fence> {
        let mut fences = super::locked(&self.0.fences);
        let fence = fences.entry(name.clone()).or_insert_with(|| {
            Arc::new(Fence {
                catalog: Arc::clone(&self.0.catalog),
                claim: Mutex::default(),
            })
        });
        Arc::clone(fence)
    }

    /// From now on what is changed in the environment's repository is changed by this claim. The caller holds the
    /// environment's lock.
    pub(super) fn behind_fence(&self, name: &EnvironmentName, claim: Claim) -> Behind {
        let fence = self.fence(name);
        *fence.claim.lock().unwrap_or_else(PoisonError::into_inner) = Some(claim);
        Behind(fence)
    }
}
