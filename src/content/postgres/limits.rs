//! What an administrator, or an accident, has set on the server, the database or the user that keeps a backup or a restore
//! from being done. Looks only, and says what to type.

use postgres::GenericClient;

use super::connect::Connector;
use super::holders;
use super::layout::Layout;
use super::names::quoted;
use super::session::Between;

use crate::content::ContentError;

/// What cannot be done because of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hinders {
    /// Backups, and restores with them.
    Everything,
    /// Restores.
    Restores,
    /// Nothing yet.
    Nothing,
}

/// Something that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// What it is about, in two words.
    pub about: &'static str,
    /// What cannot be done.
    pub hinders: Hinders,
    /// What it is and what to do, as a sentence.
    pub sentence: String,
}

impl Limit {
    fn new(about: &'static str, hinders: Hinders, sentence: String) -> Self {
        Self {
            about,
            hinders,
            sentence,
        }
    }
}

/// Looks for everything that stands in the way.
///
/// # Errors
/// [`ContentError::Database`].
pub fn find(
    connector: &Connector,
    client: &mut impl GenericClient,
    layout: &Layout,
) -> Result<Vec<Limit>, ContentError> {
    let failed = connector.failed("looking at limits");
    let mut limits = Vec::new();
    limits.extend(read_only(client).map_err(&failed)?);
    if connector.between() != Some(Between::Pooler) {
        // Those of a pooler are open anyway, whoever uses them.
        limits.extend(connections(connector, client).map_err(&failed)?);
    }
    limits.extend(locks(client, layout).map_err(&failed)?);
    limits.extend(standbys(client).map_err(&failed)?);
    limits.extend(order_of_texts(client).map_err(&failed)?);
    let schema = &connector.settings().schema;
    for prepared in holders::prepared(client, schema, Some(&names(layout))).map_err(&failed)? {
        limits.push(Limit::new(
            "prepared transactions",
            Hinders::Restores,
            format!(
                "the prepared transaction {} of {} since {} holds {}, and nobody is connected for it: the tables could not be \
                 exchanged. End it with {}, whichever is right",
                prepared.name,
                prepared.owner,
                prepared.since,
                prepared.tables.join(", "),
                prepared.ending()
            ),
        ));
    }
    Ok(limits)
}

fn names(layout: &Layout) -> Vec<String> {
    layout.tables.iter().map(|table| table.name.clone()).collect()
}

/// Indexes on texts that were sorted in another order than the machine's now: rows are not found in them, and come in twice.
fn order_of_texts(client: &mut impl GenericClient) -> Result<Option<Limit>, postgres::Error> {
    let knows: bool = client
        .query_one(
            "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'pg_database'::regclass AND attname = 'datcollversion')",
            &[],
        )?
        .get(0);
    if !knows {
        return Ok(None);
    }
    let changed = client.query_opt(
        "SELECT datname::text, datcollversion, pg_database_collation_actual_version(oid) FROM pg_database \
         WHERE datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid)",
        &[],
    )?;
    Ok(changed.map(|row| {
        let (name, then, now): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        let database = quoted(name);
        Limit::new(
            "order of texts",
            Hinders::Nothing,
            format!(
                "the indexes of {name} were made with version {then} of its collation, and the machine has {now}: they may be \
                 corrupt, and rows that are there twice by that cannot be restored. Type `REINDEX DATABASE {database}`, then \
                 `ALTER DATABASE {database} REFRESH COLLATION VERSION`"
            ),
        )
    }))
}

/// Whether every transaction begins read-only, and who has set that.
fn read_only(client: &mut impl GenericClient) -> Result<Option<Limit>, postgres::Error> {
    let row = client.query_one(
        "SELECT setting = 'on', source, current_user::text, current_database()::text, pg_is_in_recovery() FROM pg_settings \
         WHERE name = 'default_transaction_read_only'",
        &[],
    )?;
    let (is_on, is_standby): (bool, bool) = (row.get(0), row.get(4));
    if !is_on || is_standby {
        return Ok(None);
    }
    let (source, user, database): (&str, String, String) =
        (row.get(1), quoted(row.get(2)), quoted(row.get(3)));
    let reset = "RESET default_transaction_read_only";
    let (who, statement) = match source {
        "user" => ("the user".to_owned(), format!("`ALTER ROLE {user} {reset}`")),
        "database" => (
            "the database".to_owned(),
            format!(
                "look why (some services do it when the disk is full), and then `ALTER DATABASE {database} {reset}`"
            ),
        ),
        "database user" => (
            "the user in this database".to_owned(),
            format!("`ALTER ROLE {user} IN DATABASE {database} {reset}`"),
        ),
        other => (
            format!("all ({other})"),
            format!("`ALTER SYSTEM {reset}`, or take it out of postgresql.conf or of connect"),
        ),
    };
    Ok(Some(Limit::new(
        "read-only",
        Hinders::Restores,
        format!(
            "default_transaction_read_only is set for {who}: backups work, and nothing can be restored. Before a restore: \
             {statement}"
        ),
    )))
}

/// Whether there are as many connections as are needed at a time.
fn connections(
    connector: &Connector,
    client: &mut impl GenericClient,
) -> Result<Vec<Limit>, postgres::Error> {
    // One holds the moment, some read or load, and pg_dump has one.
    let needed = i64::try_from(connector.settings().connections)
        .unwrap_or(i64::MAX)
        .saturating_add(2);
    let row = client.query_one(
        "SELECT r.rolsuper, r.rolconnlimit::bigint, d.datconnlimit::bigint, \
         (SELECT count(*) FROM pg_stat_activity a WHERE a.usename = current_user AND a.application_name <> 'lifeboat'), \
         (SELECT count(*) FROM pg_stat_activity a WHERE a.datname = current_database() AND a.application_name <> 'lifeboat' \
          AND a.backend_type = 'client backend'), \
         current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint \
         - coalesce(current_setting('reserved_connections', true), '0')::bigint, \
         (SELECT count(*) FROM pg_stat_activity a WHERE a.application_name <> 'lifeboat' \
          AND a.backend_type = 'client backend'), \
         current_user::text, current_database()::text \
         FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()",
        &[],
    )?;
    let (is_super, role, database): (bool, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let (of_role, of_database): (i64, i64) = (row.get(3), row.get(4));
    let (server, of_server): (i64, i64) = (row.get(5), row.get(6));
    let (user, name): (String, String) = (quoted(row.get(7)), quoted(row.get(8)));
    let mut limits = Vec::new();
    let mut look = |limit: i64, used: i64, who: &str, statement: String, hinders| {
        if limit >= 0 && limit - used < needed {
            limits.push(Limit::new(
                "connections",
                hinders,
                format!(
                    "{who} may have {limit} connections, others have {used} of them, and Lifeboat needs {needed} at a time: \
                     {statement}"
                ),
            ));
        }
    };
    if !is_super {
        look(
            role,
            of_role,
            &format!("the user {user}"),
            format!("`ALTER ROLE {user} CONNECTION LIMIT {}`", of_role + needed),
            Hinders::Everything,
        );
        look(
            database,
            of_database,
            &format!("the database {name}"),
            format!(
                "`ALTER DATABASE {name} CONNECTION LIMIT {}`",
                of_database + needed
            ),
            Hinders::Everything,
        );
    }
    look(
        server,
        of_server,
        "the server",
        "raise max_connections, or look who has so many open".to_owned(),
        Hinders::Nothing,
    );
    Ok(limits)
}

/// Whether one transaction can lock all tables and those that take their places.
fn locks(client: &mut impl GenericClient, layout: &Layout) -> Result<Option<Limit>, postgres::Error> {
    let row = client.query_one(
        "SELECT current_setting('max_locks_per_transaction')::bigint, current_setting('max_connections')::bigint \
         + current_setting('max_prepared_transactions')::bigint",
        &[],
    )?;
    let (each, sessions): (i64, i64) = (row.get(0), row.get(1));
    let objects: usize = layout.tables.iter().map(|table| 1 + table.sequences.len()).sum();
    let needed = i64::try_from(2 * objects).unwrap_or(i64::MAX).saturating_add(40);
    Ok((each.saturating_mul(sessions) < needed).then(|| {
        Limit::new(
            "locks",
            Hinders::Restores,
            format!(
                "the server has room for {} locks, and {needed} are needed to exchange all tables at once: set \
                 max_locks_per_transaction to {} or more, and restart it",
                each * sessions,
                (needed / sessions.max(1) + 1).max(64)
            ),
        )
    }))
}

/// Whether a standby is waited for that is not there.
fn standbys(client: &mut impl GenericClient) -> Result<Option<Limit>, postgres::Error> {
    let row = client.query_one(
        "SELECT current_setting('synchronous_standby_names'), \
         EXISTS (SELECT FROM pg_stat_replication) OR pg_is_in_recovery()",
        &[],
    )?;
    let (names, is_followed): (String, bool) = (row.get(0), row.get(1));
    Ok((!names.is_empty() && !is_followed).then(|| {
        Limit::new(
            "standby",
            Hinders::Nothing,
            format!(
                "whoever writes waits for a standby ({names}), and none is connected: Magnolia hangs at every save. Lifeboat \
                 itself does not wait for it. Start the standby, or empty synchronous_standby_names"
            ),
        )
    }))
}
