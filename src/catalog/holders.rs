//! Who holds something outside the catalog, told in a few words that are left with it: so that whoever meets it later can
//! ask here whether it is still held, and need not wait until it is old.
//!
//! Only where several machines share a catalog. Such words name the catalog as well: what another catalog says of its nodes
//! is nothing that this one knows. A catalog that was copied together with its whole server is the same one to whoever
//! reads them.

use serde::{Deserialize, Serialize};

use super::jobs::Claim;
use super::store::values;
use super::{Catalog, CatalogError};
use crate::domain::job::JobId;

/// A node, and what it works on.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    catalog: String,
    node: u64,
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    claim: Option<Held>,
}

/// The claim of a job.
#[derive(Debug, Serialize, Deserialize)]
struct Held {
    job: JobId,
    fence: u64,
}

impl Catalog {
    /// The words for what is held under this claim, or by this Lifeboat as such. `None` where no other machine has this
    /// catalog.
    #[must_use]
    pub fn holder(&self, claim: Option<&Claim>) -> Option<String> {
        let holder = Holder {
            catalog: self.presence.installation()?.to_owned(),
            node: claim.map_or_else(|| self.presence.number(), |claim| claim.process),
            claim: claim.map(|claim| Held {
                job: claim.job,
                fence: claim.fence,
            }),
        };
        serde_json::to_string(&holder).ok()
    }

    /// Whether a holder whose words were found still has what it held: its node was not declared gone, which is done here
    /// if it may be, and its claim stands. `None` when that is not known here.
    pub fn holder_stands(&self, words: &str) -> Result<Option<bool>, CatalogError> {
        let Ok(holder) = serde_json::from_str::<Holder>(words) else {
            return Ok(None);
        };
        if self.presence.installation() != Some(holder.catalog.as_str()) {
            return Ok(None);
        }
        self.write(|session| {
            // A database that was brought back from an earlier time gives numbers again.
            let node = session.row("SELECT gone FROM nodes WHERE number = ?1", values![holder.node])?;
            let Some(node) = node else { return Ok(None) };
            if node.truth(0)? || self.presence.declare_gone(session, holder.node)? {
                return Ok(Some(false));
            }
            let Some(claim) = &holder.claim else {
                return Ok(Some(true));
            };
            let stands = session.row(
                "SELECT 1 FROM jobs WHERE id = ?1 AND process = ?2 AND fence = ?3 AND ended IS NULL",
                values![claim.job.0, holder.node, claim.fence],
            )?;
            Ok(Some(stands.is_some()))
        })
    }
}
