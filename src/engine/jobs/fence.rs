//! The fence around an environment's repository: what a job may still change there is what its claim in the catalog says.
//!
//! A machine can stand still for as long as it likes and then go on in the middle of a job that others have taken over.
//! So the repository asks this before it changes anything. That a backup is about to appear is told to the catalog before it
//! does, so that whoever takes the job over knows what may still come: see `catalog::recording`. And a lock in object
//! storage is told what it is held for, so that whoever takes the job over knows it for one of the dead: see
//! `catalog::holders`.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant as Monotonic};

use parking_lot::Mutex;

use crate::catalog::{Catalog, CatalogError, Claim};
use crate::clock::Clock;
use crate::domain::environment::EnvironmentName;
#[cfg(feature = "object-storage")]
use crate::repository::LeaseState;
use crate::repository::WriteLease;

/// How long a catalog that is out of reach is waited for before a finished copy is given up.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often it is asked meanwhile.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The fence around one environment.
pub(in crate::engine) struct Fence {
    catalog: Arc<Catalog>,
    clock: Arc<dyn Clock>,
    environment: EnvironmentName,
    claim: Mutex<Option<Claim>>,
    /// Why it could not be told at last whether the claim stands.
    untold: Mutex<Option<String>>,
}

/// A job at work behind the fence, until this is dropped.
#[derive(Debug)]
pub(in crate::engine) struct Behind(Arc<Fence>);

impl Drop for Behind {
    fn drop(&mut self) {
        *self.0.claim.lock() = None;
    }
}

impl Fence {
    /// The fence around an environment, with nobody behind it.
    pub(in crate::engine) fn new(
        catalog: Arc<Catalog>,
        clock: Arc<dyn Clock>,
        environment: EnvironmentName,
    ) -> Self {
        Self {
            catalog,
            clock,
            environment,
            claim: Mutex::default(),
            untold: Mutex::default(),
        }
    }

    /// From now on what is changed is changed by this claim, until what is returned is dropped.
    pub(in crate::engine) fn put_behind(fence: &Arc<Self>, claim: Claim) -> Behind {
        *fence.claim.lock() = Some(claim);
        Behind(Arc::clone(fence))
    }

    /// The claim of the job at work, if there is one.
    pub(in crate::engine) fn claim(&self) -> Option<Claim> {
        *self.claim.lock()
    }

    /// Asks until the catalog answers, for a while: whether the claim stands.
    fn surely(&self, ask: impl Fn(&Claim) -> Result<(), CatalogError>) -> bool {
        let Some(claim) = self.claim() else { return true };
        let began = Monotonic::now();
        loop {
            match ask(&claim) {
                Ok(()) => return true,
                Err(CatalogError::NotOwned(_)) => return false,
                // A disk that is full is not so for a moment only.
                Err(error) if matches!(error, CatalogError::Full { .. }) || began.elapsed() >= PATIENCE => {
                    *self.untold.lock() = Some(error.to_string());
                    return false;
                }
                Err(_) => thread::sleep(ASK_AGAIN),
            }
        }
    }
}

impl WriteLease for Fence {
    fn is_lost(&self) -> bool {
        self.claim()
            .is_some_and(|claim| matches!(self.catalog.check_claim(&claim), Err(CatalogError::NotOwned(_))))
    }

    fn is_surely_held(&self) -> bool {
        self.surely(|claim| self.catalog.check_claim(claim))
    }

    fn may_record(&self, id: &str) -> bool {
        self.surely(|claim| self.catalog.begin_record(claim, id, self.clock.now()))
    }

    fn untold(&self) -> Option<String> {
        self.untold.lock().take()
    }

    fn is_void(&self, id: &str) -> bool {
        // Nobody has taken over what is still held. A catalog that is away says nothing, and the record stands.
        self.is_lost()
            && self
                .catalog
                .void_records(&self.environment)
                .is_ok_and(|void| void.iter().any(|void| void == id))
    }

    #[cfg(feature = "object-storage")]
    fn holder(&self) -> Option<String> {
        self.catalog.holder(self.claim().as_ref())
    }

    #[cfg(feature = "object-storage")]
    fn standing(&self, holder: &str) -> LeaseState {
        // A catalog that is away says nothing, and the lock counts by its age.
        match self.catalog.holder_stands(holder) {
            Ok(Some(true)) => LeaseState::Valid,
            Ok(Some(false)) => LeaseState::Lost,
            Ok(None) | Err(_) => LeaseState::Unknown,
        }
    }
}

impl std::fmt::Debug for Fence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fence")
            .field("environment", &self.environment)
            .field("claim", &self.claim())
            .finish_non_exhaustive()
    }
}
