//! The part of a check that is about a cluster whose nodes share a database: which it knows, and whether a restore may settle
//! it.

use super::within;
use crate::content::postgres::cluster;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::layout::Layout;
use crate::content::postgres::rights::Missing;
use crate::content::postgres::session::Session;
use crate::content::postgres::stage::Owner;
use crate::domain::check::Findings;
use crate::domain::settings::NodeSettings;

/// What is there of clusters.
pub(super) fn check(
    connector: &Connector,
    session: &mut Session,
    layout: &Layout,
    nodes: &[NodeSettings],
    findings: &mut Findings<'_>,
) {
    let known = within(connector, session, |transaction| {
        // That several roles own the tables, or one that nobody may act for, has been said.
        let owner = Owner::find(connector, transaction, &layout.tables, &layout.tables).ok();
        cluster::look(connector, transaction, owner.as_ref())
    });
    let clusters = match known {
        Ok(clusters) => clusters,
        Err(error) => return findings.failed("cluster", error.to_string()),
    };
    if clusters.is_empty() && !nodes.is_empty() && !layout.tables.is_empty() {
        findings.warning(
            "cluster",
            "several nodes are configured, and the schema has no journal of a cluster: Magnolias that share tables without one \
             overwrite what the others save. Look at <Cluster> in their repository.xml, and at schema",
        );
    }
    for known in clusters {
        let is_needed = !connector.settings().backups_only;
        if known.is_read || !is_needed || known.missing.is_empty() && known.obstacles.is_empty() {
            findings.ok("cluster", known.sentence());
        }
        for missing in known.missing.iter().filter(|_| is_needed).map(Missing::sentence) {
            findings.failed("cluster", missing);
        }
        for obstacle in known.obstacles.into_iter().filter(|_| is_needed) {
            findings.failed("cluster", obstacle);
        }
    }
}
