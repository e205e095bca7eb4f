//! Whether the database's user may do what a backup and a restore need, and what the server says of itself. Looks only;
//! what is missing comes as data, with the statement that gives it.

use postgres::GenericClient;

use super::connect::Connector;
use super::layout::Layout;
use super::names::{in_schema, quoted};
use super::version;
use crate::content::ContentError;

/// A right that somebody lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Who lacks it.
    pub who: String,
    /// What cannot be done without it, as in `may not make a schema in the database`.
    pub lacks: String,
    /// The statement that gives it, for whoever may.
    pub grant: String,
}

impl Missing {
    /// What is missing, as a sentence with what to type.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{} {}: `{}`", self.who, self.lacks, self.grant)
    }
}

/// What the server says of itself and of this connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its version, as it writes it.
    pub version: String,
    /// The version as a number that can be compared: 150004 for 15.4.
    pub number: u32,
    /// Who Lifeboat is there.
    pub user: String,
    /// The name of the database.
    pub database: String,
    /// The protocol of the encrypted connection; `None` when it is not encrypted.
    pub encrypted: Option<String>,
    /// Whether the server only follows another one.
    pub is_standby: bool,
}

impl Server {
    /// Asks the server.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub fn ask(connector: &Connector, client: &mut impl GenericClient) -> Result<Self, ContentError> {
        let row = client
            .query_one(
                "SELECT current_setting('server_version'), current_setting('server_version_num')::integer, \
                 current_user::text, current_database()::text, \
                 (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl), pg_is_in_recovery()",
                &[],
            )
            .map_err(connector.failed("asking the server about itself"))?;
        Ok(Self {
            version: row.get(0),
            number: u32::try_from(row.get::<_, i32>(1)).unwrap_or(0),
            user: row.get(2),
            database: row.get(3),
            encrypted: row.get(4),
            is_standby: row.get(5),
        })
    }

    /// The first part of the version, which `pg_dump` must not be older than.
    #[must_use]
    pub fn major(&self) -> u32 {
        version::major(self.number)
    }
}

/// What is missing for a backup: the schema has to be entered and every table of Jackrabbit's read.
///
/// # Errors
/// [`ContentError::Database`].
pub fn for_backup(
    connector: &Connector,
    client: &mut impl GenericClient,
    layout: &Layout,
) -> Result<Vec<Missing>, ContentError> {
    let failed = connector.failed("looking at rights");
    let schema = &connector.settings().schema;
    let row = client
        .query_one(
            "SELECT current_user::text, \
             coalesce((SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1), true)",
            &[schema],
        )
        .map_err(&failed)?;
    let (user, may_enter): (String, bool) = (row.get(0), row.get(1));
    let mut missing = Vec::new();
    if !may_enter {
        missing.push(Missing {
            who: user.clone(),
            lacks: format!("may not look into the schema {schema}"),
            grant: format!("GRANT USAGE ON SCHEMA {} TO {}", quoted(schema), quoted(&user)),
        });
    }
    let oids: Vec<u32> = layout.tables.iter().map(|table| table.found.oid).collect();
    let veiled: Vec<String> = client
        .query(
            "SELECT c.relname::text FROM pg_class c WHERE c.oid = ANY($1) \
             AND c.relrowsecurity AND row_security_active(c.oid) ORDER BY c.relname::text COLLATE \"C\"",
            &[&oids],
        )
        .map_err(&failed)?
        .iter()
        .map(|row| row.get(0))
        .collect();
    if !veiled.is_empty() {
        missing.push(Missing {
            who: user.clone(),
            lacks: format!(
                "sees only those rows of {} that policies of row-level security show",
                veiled.join(", ")
            ),
            grant: format!("ALTER ROLE {} BYPASSRLS", quoted(&user)),
        });
    }
    let closed: Vec<String> = client
        .query(
            "SELECT c.relname::text FROM pg_class c WHERE c.oid = ANY($1) \
             AND NOT has_table_privilege(c.oid, 'SELECT') ORDER BY c.relname::text COLLATE \"C\"",
            &[&oids],
        )
        .map_err(&failed)?
        .iter()
        .map(|row| row.get(0))
        .collect();
    if !closed.is_empty() {
        let all = closed.len() == layout.tables.len();
        let tables: Vec<_> = closed.iter().map(|table| in_schema(schema, table)).collect();
        missing.push(Missing {
            who: user.clone(),
            lacks: if all {
                "may read none of the tables".to_owned()
            } else {
                format!("may not read {}", closed.join(", "))
            },
            grant: if all {
                // Those of a workspace that is added later as well.
                format!(
                    "GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}",
                    quoted(schema),
                    quoted(&user)
                )
            } else {
                format!("GRANT SELECT ON {} TO {}", tables.join(", "), quoted(&user))
            },
        });
    }
    Ok(missing)
}

/// What is missing for staging a restore: a schema has to be made, and the owner of the tables has to be able to put
/// them into theirs.
///
/// # Errors
/// [`ContentError::Database`].
pub fn for_staging(
    connector: &Connector,
    client: &mut impl GenericClient,
    layout: &Layout,
) -> Result<Vec<Missing>, ContentError> {
    let failed = connector.failed("looking at rights");
    let row = client
        .query_one(
            "SELECT current_user::text, current_database()::text, \
             has_database_privilege(current_database(), 'CREATE')",
            &[],
        )
        .map_err(&failed)?;
    let (user, database, may_create): (String, String, bool) = (row.get(0), row.get(1), row.get(2));
    let mut missing = Vec::new();
    if !may_create {
        missing.push(Missing {
            who: user.clone(),
            lacks: format!("may not make a schema in {}", connector.place()),
            grant: format!(
                "GRANT CREATE ON DATABASE {} TO {}",
                quoted(&database),
                quoted(&user)
            ),
        });
    }
    let schema = &connector.settings().schema;
    let owner = layout.tables.first().map_or(&user, |table| &table.owner);
    let may: Option<bool> = client
        .query_opt(
            "SELECT has_schema_privilege($1, oid, 'CREATE') FROM pg_namespace WHERE nspname = $2",
            &[owner, schema],
        )
        .map_err(&failed)?
        .map(|row| row.get(0));
    match may {
        None => missing.push(Missing {
            who: connector.place(),
            lacks: format!("has no schema {schema}"),
            grant: format!("CREATE SCHEMA {}", quoted(schema)),
        }),
        Some(false) => missing.push(Missing {
            who: owner.clone(),
            lacks: format!(
                "may not put tables into the schema {schema} of {}",
                connector.place()
            ),
            grant: format!("GRANT CREATE ON SCHEMA {} TO {}", quoted(schema), quoted(owner)),
        }),
        Some(true) => {}
    }
    Ok(missing)
}

/// What is missing for the exchange: Lifeboat's user has to be able to act for every owner of the tables.
///
/// # Errors
/// [`ContentError::Database`].
pub fn for_exchange(
    connector: &Connector,
    client: &mut impl GenericClient,
    layout: &Layout,
) -> Result<Vec<Missing>, ContentError> {
    let mut owners: Vec<&str> = layout.tables.iter().map(|table| table.owner.as_str()).collect();
    owners.sort_unstable();
    owners.dedup();
    let rows = client
        .query(
            "SELECT current_user::text, rolname::text FROM pg_roles \
             WHERE rolname = ANY($1) AND NOT pg_has_role(current_user, oid, 'MEMBER') ORDER BY rolname",
            &[&owners],
        )
        .map_err(connector.failed("looking at rights"))?;
    Ok(rows
        .iter()
        .map(|row| {
            let (user, owner): (String, String) = (row.get(0), row.get(1));
            Missing {
                lacks: format!("may not act for {owner}, whom the tables belong to"),
                grant: format!("GRANT {} TO {}", quoted(&owner), quoted(&user)),
                who: user,
            }
        })
        .collect())
}
