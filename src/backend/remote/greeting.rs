//! The first word with a service: whether a Lifeboat of a fitting version is on the other side.

use super::Shared;
use super::call::Call;
use crate::backend::{BackendError, BackendInfo};

/// The oldest version of a service that this Lifeboat understands.
const OLDEST: (u64, u64) = (0, 1);

impl Shared {
    /// Makes sure, before anything else is asked, that a Lifeboat of a fitting version is on the other side.
    pub(super) async fn greet(&self) -> Result<(), BackendError> {
        let mut greeted = self.greeted.lock().await;
        if *greeted {
            return Ok(());
        }
        let answer = self.ask_patiently(&Call::get(&["info"])).await?;
        let address = self.access.address();
        let info: BackendInfo = serde_json::from_slice(&answer).map_err(|error| {
            BackendError::OutOfReach(format!(
                "{address} is no Lifeboat service: it does not say what it is ({error}); check the address"
            ))
        })?;
        if version(&info.version).is_none_or(|version| version < OLDEST) {
            return Err(BackendError::OutOfReach(format!(
                "the service {address} is Lifeboat {}, and this Lifeboat, version {}, understands {}.{} and newer: update the service",
                info.version,
                env!("CARGO_PKG_VERSION"),
                OLDEST.0,
                OLDEST.1
            )));
        }
        *greeted = true;
        Ok(())
    }

    pub(super) async fn forget_greeting(&self) {
        *self.greeted.lock().await = false;
    }
}

fn version(text: &str) -> Option<(u64, u64)> {
    let mut numbers = text.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
