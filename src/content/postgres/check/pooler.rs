//! The part of a check that is about a pooler between Lifeboat and a database: whether its pool has room.

use crate::content::postgres::connect::Connector;
use crate::domain::check::Findings;

/// What a pooler between Lifeboat and the server means.
pub(super) fn check(connector: &Connector, findings: &mut Findings<'_>) {
    findings.ok(
        "pg_dump",
        "not used through a pooler, where its settings would stay behind for others: Lifeboat writes the schema down itself",
    );
    // One holds the moment, some read or load, and one is for others.
    let wanted = connector.settings().connections.saturating_add(2);
    let stands = "a pooler such as PgBouncer stands between Lifeboat and the server";
    match connector.room(wanted) {
        Err(error) => findings.failed("pooler", error.to_string()),
        Ok(room) if room >= wanted => findings.ok(
            "pooler",
            format!(
                "{stands}; its pool has room for {wanted} connections at a time. Transactions last as long as a job reads or \
                 loads: idle_transaction_timeout and query_timeout must not end them there"
            ),
        ),
        Ok(room) if room >= 2 => findings.warning(
            "pooler",
            format!(
                "{stands}, and its pool has room for {room} connections at a time now; {wanted} are needed for connections = {} \
                 and one for others. Jobs read and load with fewer, and others may have to wait for them: raise pool_size, or \
                 give Lifeboat a user or an entry in [databases] of its own",
                connector.settings().connections
            ),
        ),
        Ok(room) => findings.failed(
            "pooler",
            format!(
                "{stands}, and its pool has room for {room} connections at a time now; backups and restores need 2 at least: \
                 raise pool_size, or give Lifeboat a user or an entry in [databases] of its own"
            ),
        ),
    }
}
