//! Whether tables can be made from their descriptions in a database: tried before anything is staged, on empty tables in
//! a transaction that is taken back.
//!
//! What the server refuses is told in its own words: as an obstacle where a table cannot do without it, and else as
//! something that does not come back.

use std::collections::{BTreeMap, BTreeSet};

use postgres::{GenericClient, Transaction};

use super::blueprint::{Blueprint, Blueprints, Part, functions};
use super::connect::{Connector, sentence};
use super::describe::set_search_path;
use super::dress::Dress;
use super::layout::Layout;
use super::names::quoted;
use super::stage::Owner;
use super::tables::Table;
use crate::content::ContentError;

/// What the tables are made in for a moment. Nobody ever sees it.
const SCHEMA: &str = "lifeboat_rehearsal";

/// Functions that are not the same at every call and do nothing else.
const CLOCKS_AND_DICE: [&str; 8] = [
    "clock_timestamp",
    "gen_random_uuid",
    "random",
    "timeofday",
    "uuid_generate_v1",
    "uuid_generate_v4",
    "uuidv4",
    "uuidv7",
];

/// What has to be known of a database to make tables in it.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    harmless: BTreeSet<String>,
    roles: BTreeSet<String>,
    tablespaces: BTreeSet<String>,
    /// Definitions of live tables, which the database runs anyway.
    live: BTreeMap<String, BTreeSet<String>>,
    /// What is set on live tables, for backups of versions that did not look at it.
    dresses: BTreeMap<String, Dress>,
    /// Whether what is made has to do without everything that stays Live's.
    pub(super) is_apart: bool,
}

impl Facts {
    /// Looks at a database.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub fn find(
        connector: &Connector,
        client: &mut impl GenericClient,
        owner: &Owner,
        tables: &[Table],
        live: &[Table],
    ) -> Result<Self, ContentError> {
        let failed = connector.failed("looking what tables are made with");
        let called: Vec<String> = functions(tables).into_iter().collect();
        let mut names = |statement: &str, parameters: &[&(dyn postgres::types::ToSql + Sync)]| {
            let rows = client.query(statement, parameters).map_err(&failed)?;
            Ok::<BTreeSet<String>, ContentError>(rows.iter().map(|row| row.get(0)).collect())
        };
        let dice: Vec<&str> = CLOCKS_AND_DICE.to_vec();
        let harmless = names(
            "SELECT p.proname::text FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.proname = ANY($1) \
             GROUP BY p.proname HAVING bool_and((l.lanname IN ('internal', 'c') OR p.pronamespace = 'pg_catalog'::regnamespace) \
             AND (p.provolatile <> 'v' OR p.proname = ANY($2)))",
            &[&called, &dice],
        )?;
        let roles = names("SELECT rolname::text FROM pg_roles", &[])?;
        let tablespaces = names(
            "SELECT spcname::text FROM pg_tablespace WHERE spcname <> 'pg_global' \
             AND has_tablespace_privilege(coalesce($1, current_user::text), oid, 'CREATE')",
            &[&owner.role],
        )?;
        Ok(Self {
            harmless,
            roles,
            tablespaces,
            live: live
                .iter()
                .map(|table| (table.name.clone(), texts(table)))
                .collect(),
            dresses: live
                .iter()
                .filter_map(|table| Some((table.name.clone(), table.dress.clone()?)))
                .collect(),
            is_apart: false,
        })
    }

    pub(super) fn is_harmless(&self, function: &str) -> bool {
        self.harmless.contains(function)
    }

    pub(super) fn has_role(&self, role: &str) -> bool {
        self.roles.contains(role)
    }

    pub(super) fn has_tablespace(&self, tablespace: &str) -> bool {
        self.tablespaces.contains(tablespace)
    }

    /// Whether the live table of this name has this very definition.
    pub(super) fn is_live(&self, table: &str, text: &str) -> bool {
        self.live.get(table).is_some_and(|texts| texts.contains(text))
    }

    /// What is to be set on a table: what the backup says, or, where it is of a version that did not look, what is set on
    /// the live one.
    pub(super) fn dress_of<'a>(&'a self, table: &'a Table) -> Option<&'a Dress> {
        table.dress.as_ref().or_else(|| self.dresses.get(&table.name))
    }
}

/// Every definition of a table that may call a function.
fn texts(table: &Table) -> BTreeSet<String> {
    let columns = table.all_columns();
    let defaults = columns.iter().filter_map(|(column, _)| column.default.clone());
    let policies = table.dress.iter().flat_map(|dress| &dress.policies);
    let statistics = table.dress.iter().flat_map(|dress| &dress.statistics);
    defaults
        .chain(table.constraints.iter().map(|(_, text)| text.clone()))
        .chain(table.indexes.iter().cloned())
        .chain(policies.flat_map(|policy| [policy.using.clone(), policy.check.clone()].into_iter().flatten()))
        .chain(statistics.flat_map(|one| one.expressions.clone()))
        .collect()
}

/// What is tried.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'a> {
    /// The tables that are made.
    pub tables: &'a [Table],
    /// Those that are there.
    pub live: &'a [Table],
    /// The schema that they are meant for.
    pub schema: &'a str,
    /// Of which tables it is looked at what they are made of then.
    pub suspects: &'a BTreeSet<String>,
    /// Whether they have to do without everything that stays Live's, as in a drill.
    pub is_apart: bool,
}

/// Tries everything that blueprints would do. Gives them for the schema that they are meant for, without what cannot be;
/// what does not come back and what stands in the way is in them, and of the `suspects` what they are made of then.
///
/// # Errors
/// [`ContentError::Database`] when nothing can be tried at all: a right is missing, or the database takes no changes.
pub fn rehearse(
    connector: &Connector,
    transaction: &mut Transaction<'_>,
    owner: &Owner,
    tried: Tried<'_>,
) -> Result<Blueprints, ContentError> {
    let Tried {
        tables,
        live,
        schema,
        suspects,
        is_apart,
    } = tried;
    let facts = Facts {
        is_apart,
        ..Facts::find(connector, transaction, owner, tables, live)?
    };
    let mut drawn = Blueprints::draw(tables, &facts, schema);
    let tried = Blueprints::draw(tables, &facts, SCHEMA);
    let failed = connector.failed("trying how the tables are made");
    let mut transaction = transaction.transaction().map_err(&failed)?;
    let name = quoted(SCHEMA);
    let mut begin = vec![format!("CREATE SCHEMA {name}")];
    if let Some(role) = &owner.role {
        begin.push(format!(
            "GRANT USAGE, CREATE ON SCHEMA {name} TO {}",
            quoted(role)
        ));
        begin.push(format!("SET LOCAL ROLE {}", quoted(role)));
    }
    begin.push("SET LOCAL lock_timeout = '5s'".to_owned());
    for statement in begin {
        run(&mut transaction, &statement).map_err(&failed)?;
    }
    set_search_path(&mut transaction, &[SCHEMA, &connector.settings().schema]).map_err(&failed)?;
    let mut trial = Trial {
        connector,
        refused: BTreeSet::new(),
        told: Vec::new(),
        obstacles: Vec::new(),
    };
    let mut has_foreign_keys = false;
    for part in &tried.sequences {
        trial.take(&mut transaction, part)?;
    }
    for table in &tried.tables {
        let mut savepoint = transaction.transaction().map_err(&failed)?;
        let mut is_made = true;
        for part in table.create.iter().chain(&table.complete) {
            if is_made || !part.essential {
                is_made &= trial.take(&mut savepoint, part)? || !part.essential;
            }
        }
        has_foreign_keys |= is_made && has_end(table);
        // Those that others may refer to stay until the end; the locks of all others go at once.
        if is_made && tried.tables.iter().any(has_end) {
            savepoint.commit().map_err(&failed)?;
        } else {
            if is_made && suspects.contains(&table.table) {
                drawn.made.extend(made(connector, &mut savepoint)?);
            }
            savepoint.rollback().map_err(&failed)?;
        }
    }
    if has_foreign_keys && trial.obstacles.is_empty() {
        for part in tried
            .tables
            .iter()
            .flat_map(|table| table.finish.iter().chain(&table.close))
        {
            trial.take(&mut transaction, part)?;
        }
        if !suspects.is_empty() {
            let made = made(connector, &mut transaction)?.into_iter();
            drawn
                .made
                .extend(made.filter(|table| suspects.contains(&table.name)));
        }
    }
    transaction.rollback().map_err(&failed)?;
    drawn.leave_out(&trial.refused);
    drawn.left_out.extend(trial.told);
    drawn.obstacles.extend(trial.obstacles);
    Ok(drawn)
}

fn has_end(table: &Blueprint) -> bool {
    !table.finish.is_empty() || !table.close.is_empty()
}

/// What the tables are made of that were made for a moment. What stands in the live schema is named as there.
fn made(connector: &Connector, client: &mut impl GenericClient) -> Result<Vec<Table>, ContentError> {
    let live = &connector.settings().schema;
    Ok(Layout::read_schema(connector, client, SCHEMA, Some(live))?.tables)
}

/// What has come out until now.
struct Trial<'a> {
    connector: &'a Connector,
    refused: BTreeSet<String>,
    told: Vec<String>,
    obstacles: Vec<String>,
}

impl Trial<'_> {
    /// Tries one statement. Whether it can be done.
    fn take(
        &mut self,
        transaction: &mut postgres::Transaction<'_>,
        part: &Part,
    ) -> Result<bool, ContentError> {
        let failed = self.connector.failed("trying how the tables are made");
        let mut savepoint = transaction.transaction().map_err(&failed)?;
        match run(&mut savepoint, &part.statement) {
            Ok(()) => {
                savepoint.commit().map_err(&failed)?;
                Ok(true)
            }
            Err(error) if error.as_db_error().is_some() => {
                savepoint.rollback().map_err(&failed)?;
                let why = sentence(&error);
                if part.essential {
                    self.obstacles
                        .push(format!("{} cannot be made: {why}", part.what));
                } else if self.refused.insert(part.what.clone()) {
                    self.told.push(format!("{} does not come back: {why}", part.what));
                }
                Ok(false)
            }
            Err(error) => Err(failed(error)),
        }
    }
}

/// Runs one statement, and never more: whatever stands in it, the server takes no second one.
///
/// # Errors
/// What the server says.
pub(super) fn run(client: &mut impl GenericClient, statement: &str) -> Result<(), postgres::Error> {
    client.execute_typed(statement, &[]).map(drop)
}
