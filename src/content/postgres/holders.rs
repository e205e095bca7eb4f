//! Who holds tables that are to be exchanged or dropped: sessions, and prepared transactions.

use postgres::GenericClient;

use super::names::literal;

/// Who holds the tables, as the end of a sentence.
pub(super) fn holders(
    client: &mut impl GenericClient,
    schema: &str,
    tables: &[String],
) -> Result<String, postgres::Error> {
    Ok(match held_by(client, schema, Some(tables))?.as_slice() {
        [] => String::new(),
        list => format!(", among them {}", list.join(", ")),
    })
}

/// Who holds anything in a schema, as the end of a sentence.
pub(super) fn holders_of_schema(
    client: &mut impl GenericClient,
    schema: &str,
) -> Result<String, postgres::Error> {
    Ok(match held_by(client, schema, None)?.as_slice() {
        [] => String::new(),
        list => format!("; it is held by {}", list.join(", ")),
    })
}

/// Who holds tables of a schema, all or some: sessions, and prepared transactions, which have none that could be ended.
fn held_by(
    client: &mut impl GenericClient,
    schema: &str,
    tables: Option<&[String]>,
) -> Result<Vec<String>, postgres::Error> {
    let rows = client.query(
        "SELECT DISTINCT a.pid, coalesce(nullif(a.application_name, ''), a.usename::text, 'unknown'), \
         coalesce(a.state, 'unknown') \
         FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE n.nspname = $1 AND ($2::text[] IS NULL OR c.relname = ANY($2)) AND l.granted \
         AND l.pid <> pg_backend_pid() LIMIT 5",
        &[&schema, &tables],
    )?;
    let mut list: Vec<String> = rows
        .iter()
        .map(|row| {
            let (pid, name, state): (i32, String, String) = (row.get(0), row.get(1), row.get(2));
            format!("{name} (process {pid}, {state})")
        })
        .collect();
    list.extend(prepared(client, schema, tables)?.iter().map(Prepared::held));
    Ok(list)
}

/// Who has locked tables of a schema for itself alone, so that they cannot even be looked at, as a sentence with what to do.
///
/// # Errors
/// What the server says.
pub(super) fn locked_by(
    client: &mut impl GenericClient,
    schema: &str,
) -> Result<Option<String>, postgres::Error> {
    let rows = client.query(
        "SELECT a.pid, coalesce(a.usename::text, 'somebody'), nullif(a.application_name, ''), \
         to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), \
         array_agg(DISTINCT c.relname::text ORDER BY c.relname::text) \
         FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND n.nspname = $1 \
         AND c.relkind IN ('r', 'm', 'p') AND l.granted AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid() \
         GROUP BY 1, 2, 3, 4 ORDER BY 4, 1 LIMIT 5",
        &[&schema],
    )?;
    let mut told: Vec<String> = rows
        .iter()
        .map(|row| {
            let (pid, account): (i32, &str) = (row.get(0), row.get(1));
            let program = row
                .get::<_, Option<&str>>(2)
                .map_or(String::new(), |program| format!(" with {program}"));
            let since = row
                .get::<_, Option<&str>>(3)
                .map_or(String::new(), |since| format!(" since {since} UTC"));
            format!(
                "{account}{program} (process {pid}) has locked {} for itself alone{since}: wait until that ends, or end it with \
                 `SELECT pg_terminate_backend({pid})`",
                some_of(&row.get::<_, Vec<String>>(4))
            )
        })
        .collect();
    if told.is_empty() {
        told.extend(prepared(client, schema, None)?.iter().map(Prepared::held));
    }
    Ok((!told.is_empty()).then(|| format!("{}, and try again", told.join("; "))))
}

/// Tables, some of many.
fn some_of(tables: &[String]) -> String {
    const NAMED: usize = 3;
    let named: Vec<_> = tables.iter().take(NAMED).map(String::as_str).collect();
    match tables.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        rest => format!("{} and {rest} more", named.join(", ")),
    }
}

/// A prepared transaction that holds tables: nobody is connected for it, and only whoever ends it by its name frees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Its name.
    pub name: String,
    /// Who has made it.
    pub owner: String,
    /// When, as the server writes it.
    pub since: String,
    /// Some of the tables.
    pub tables: Vec<String>,
}

impl Prepared {
    /// What to type to end it.
    #[must_use]
    pub fn ending(&self) -> String {
        format!(
            "`ROLLBACK PREPARED {0}` or `COMMIT PREPARED {0}`",
            literal(&self.name)
        )
    }

    fn held(&self) -> String {
        format!(
            "the prepared transaction {} of {} since {} (nobody is connected for it: end it with {})",
            self.name,
            self.owner,
            self.since,
            self.ending()
        )
    }
}

/// The prepared transactions that hold tables of a schema, all or some.
///
/// # Errors
/// What the server says.
pub fn prepared(
    client: &mut impl GenericClient,
    schema: &str,
    tables: Option<&[String]>,
) -> Result<Vec<Prepared>, postgres::Error> {
    let rows = client.query(
        "SELECT p.gid, p.owner::text, to_char(p.prepared, 'YYYY-MM-DD HH24:MI'), \
         array_agg(DISTINCT c.relname::text ORDER BY c.relname::text) \
         FROM pg_prepared_xacts p \
         JOIN pg_locks x ON x.locktype = 'transactionid' AND x.pid IS NULL AND x.transactionid = p.transaction \
         JOIN pg_locks l ON l.locktype = 'relation' AND l.pid IS NULL AND l.virtualtransaction = x.virtualtransaction \
         JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE p.database = current_database() AND l.database = (SELECT oid FROM pg_database WHERE datname = p.database) \
         AND n.nspname = $1 AND c.relkind = 'r' AND ($2::text[] IS NULL OR c.relname = ANY($2)) \
         GROUP BY 1, 2, 3 ORDER BY 3, 1",
        &[&schema, &tables],
    )?;
    Ok(rows
        .iter()
        .map(|row| Prepared {
            name: row.get(0),
            owner: row.get(1),
            since: row.get(2),
            tables: row.get(3),
        })
        .collect())
}
