//! Which Lifeboats have the catalog open, and what each works on, for those who look after several machines.
//!
//! Not in here: how a Lifeboat shows that it lives, and when it may be declared gone (`presence`).

use std::collections::BTreeMap;

use super::store::values;
use super::{Catalog, CatalogError, jobs};
use crate::domain::job::JobId;
use crate::domain::lifeboat_node::{LifeboatNode, NodeJob, NodeStanding};

impl Catalog {
    /// The Lifeboats that have the catalog open, those that were declared gone within a day, services that have ended within
    /// one, and whoever has left a job unfinished, by number.
    pub fn nodes(&self) -> Result<Vec<LifeboatNode>, CatalogError> {
        self.read(|session| {
            let listed = self.presence.list(session)?.into_iter();
            let mut nodes: BTreeMap<u64, LifeboatNode> = listed.map(|node| (node.number, node)).collect();
            let sql = format!(
                "SELECT {} FROM jobs WHERE ended IS NULL ORDER BY id",
                jobs::COLUMNS
            );
            for row in session.rows(&sql, &[])? {
                let (job, number) = (jobs::job(&row)?, row.count(2)?);
                // A process that has died is in no list of this machine.
                let node = nodes.entry(number).or_insert_with(|| LifeboatNode {
                    number,
                    name: None,
                    started: None,
                    lease: None,
                    keeps_schedule: None,
                    standing: NodeStanding::Gone,
                    is_this: false,
                    jobs: Vec::new(),
                });
                node.jobs.push(NodeJob {
                    id: job.id,
                    environment: job.environment,
                    kind: job.kind,
                    title: job.title,
                });
            }
            Ok(nodes.into_values().collect())
        })
    }

    /// What the node is called that a job belongs to. `None` where one machine has the catalog for itself.
    ///
    /// # Errors
    /// [`CatalogError::UnknownJob`] when there is none.
    pub fn node_of(&self, job: JobId) -> Result<Option<String>, CatalogError> {
        if !self.is_shared() {
            return Ok(None);
        }
        self.read(|session| {
            let (number, _) = jobs::owner(session, job)?;
            let row = session.row("SELECT name FROM nodes WHERE number = ?1", values![number])?;
            row.map(|row| row.text(0)).transpose()
        })
    }
}
