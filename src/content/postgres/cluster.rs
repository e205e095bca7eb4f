//! The tables in which the nodes of a cluster tell each other what they have saved: a journal, a revision that counts for
//! all of them, and for each node the one that it has seen.
//!
//! They are in no backup, and a restore makes none of them anew. But what a journal tells is overtaken when the tables that
//! it tells of are exchanged: a node that goes on from an old revision would take changes into its search index that are not
//! in the tables any more. So a switch settles them in its own transaction: every node has seen everything, and there is
//! nothing left to be told. The revision that counts is never lowered, since nodes ahead of it would pass over what comes.
//!
//! Not in here: which nodes are configured, and their search indexes (`engine::restore`).

use std::collections::BTreeMap;

use postgres::{GenericClient, Transaction};

use super::names::{in_schema, quoted};
use crate::domain::settings::PostgresSettings;

mod settle;
mod standing;

pub(super) use settle::{Unsettled, settle};
pub(super) use standing::{look, tell};

/// What one of the tables is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// What nodes have saved, in order.
    Journal,
    /// The number of the last of that.
    Global,
    /// The number that each node has come to.
    Local,
}

impl Part {
    /// What their names end with, and the columns that they have.
    const ALL: [(Self, &str, &[&str]); 3] = [
        (Self::Journal, "journal", &["revision_id", "journal_id"]),
        (Self::Global, "global_revision", &["revision_id"]),
        (Self::Local, "local_revisions", &["revision_id"]),
    ];

    /// What a table of this name and these columns is for, and what its name begins with.
    pub(super) fn of(name: &str, columns: &[&str]) -> Option<(Self, String)> {
        let lower = name.to_lowercase();
        Self::ALL.into_iter().find_map(|(part, suffix, wanted)| {
            let is_there = |wanted: &&str| columns.iter().any(|column| column.eq_ignore_ascii_case(wanted));
            let prefix = lower.strip_suffix(suffix)?;
            (wanted.iter().all(is_there)).then(|| (part, prefix.to_owned()))
        })
    }
}

/// One of the tables.
#[derive(Debug, Clone)]
struct Table {
    oid: u32,
    name: String,
    /// What it is, if it is none that a statement changes together with others.
    odd: Option<&'static str>,
    columns: Vec<String>,
}

impl Table {
    /// One of its columns as statements have it.
    fn column(&self, name: &str) -> Option<String> {
        let mut columns = self.columns.iter();
        columns
            .find(|column| column.eq_ignore_ascii_case(name))
            .map(|column| quoted(column))
    }
}

/// The tables of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    schema: String,
    journal: Option<Table>,
    global: Option<Table>,
    local: Option<Table>,
}

/// What may be one of the tables, with its columns. Partitions are changed through what they are partitions of.
const FIND: &str = "\
SELECT c.oid, c.relname::text, c.relkind::text, array_agg(a.attname::text ORDER BY a.attnum) \
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition \
AND lower(c.relname::text COLLATE \"C\") ~ '(journal|global_revision|local_revisions)$' \
GROUP BY c.oid, c.relname, c.relkind ORDER BY c.relname::text COLLATE \"C\"";

/// The clusters that have tables in a schema, but for those that the settings say are to be left alone.
pub(super) fn find(
    client: &mut impl GenericClient,
    schema: &str,
    settings: &PostgresSettings,
) -> Result<Vec<Cluster>, postgres::Error> {
    let mut found: BTreeMap<(String, bool), Cluster> = BTreeMap::new();
    for row in client.query(FIND, &[&schema])? {
        let (name, columns): (String, Vec<String>) = (row.get(1), row.get(3));
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let Some((part, prefix)) = Part::of(&name, &names) else {
            continue;
        };
        if is_left_alone(settings, &name.to_lowercase(), &prefix) {
            continue;
        }
        let odd = match row.get(2) {
            "v" => Some("a view"),
            "m" => Some("a materialized view"),
            "f" => Some("a foreign table"),
            _ => None,
        };
        // Names that differ in nothing but their case are of two clusters.
        let is_upper = name.ends_with(|last: char| last.is_uppercase());
        let cluster = found.entry((prefix, is_upper)).or_insert_with(|| Cluster {
            schema: schema.to_owned(),
            journal: None,
            global: None,
            local: None,
        });
        let table = Some(Table {
            oid: row.get(0),
            name,
            odd,
            columns,
        });
        match part {
            Part::Journal => cluster.journal = table,
            Part::Global => cluster.global = table,
            Part::Local => cluster.local = table,
        }
    }
    // One alone may be anybody's.
    found.retain(|_, cluster| cluster.journal.is_some() && cluster.global.is_some());
    Ok(found.into_values().collect())
}

/// Whether a table of a cluster, and what its name begins with, is to be left alone: by its name, or because that of a
/// repository which is left alone begins in the same way and none of this instance's does. `other_journal` goes with
/// `other_pm_website_bundle`.
fn is_left_alone(settings: &PostgresSettings, name: &str, prefix: &str) -> bool {
    let begins = |text: &str| text.to_lowercase().starts_with(prefix);
    let mut alone = settings.leave_alone.iter();
    let mut ours = settings
        .workspace_prefix
        .iter()
        .chain(settings.version_prefix.iter());
    let of_others = !prefix.is_empty() && alone.clone().any(|begin| begins(begin)) && !ours.any(begins);
    of_others || alone.any(|begin| name.starts_with(&begin.to_lowercase()))
}

/// The tables of those clusters.
pub(super) fn tables(
    client: &mut impl GenericClient,
    schema: &str,
    settings: &PostgresSettings,
) -> Result<Vec<String>, postgres::Error> {
    let clusters = find(client, schema, settings)?;
    Ok(clusters.iter().flat_map(Cluster::tables).collect())
}

impl Cluster {
    fn all(&self) -> impl Iterator<Item = &Table> {
        [&self.journal, &self.global, &self.local].into_iter().flatten()
    }

    /// The names of its tables.
    pub(super) fn tables(&self) -> Vec<String> {
        self.all().map(|table| table.name.clone()).collect()
    }

    fn in_schema(&self, table: &Table) -> String {
        in_schema(&self.schema, &table.name)
    }

    /// The highest revision in one of its tables.
    fn highest(&self, table: Option<&Table>) -> String {
        let highest = table.and_then(|table| Some((table.column("revision_id")?, self.in_schema(table))));
        highest.map_or_else(
            || "NULL::bigint".to_owned(),
            |(column, table)| format!("(SELECT max({column})::bigint FROM {table})"),
        )
    }

    /// The nodes that it knows, with the revision that each has come to.
    fn nodes(&self, client: &mut impl GenericClient) -> Result<Vec<(String, i64)>, postgres::Error> {
        let Some(local) = &self.local else {
            return Ok(Vec::new());
        };
        let (Some(id), Some(revision)) = (local.column("journal_id"), local.column("revision_id")) else {
            return Ok(Vec::new());
        };
        let rows = client.query(
            &format!(
                "SELECT {id}::text, {revision}::bigint FROM {} WHERE {id} IS NOT NULL ORDER BY 1",
                self.in_schema(local)
            ),
            &[],
        )?;
        Ok(rows
            .iter()
            .map(|row| (row.get(0), row.get::<_, Option<i64>>(1).unwrap_or(0)))
            .collect())
    }
}

/// Who may do what is needed for settling a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acts {
    /// Lifeboat's user.
    User,
    /// The role that the other tables belong to.
    Owner,
    /// Neither.
    Nobody,
}

/// What somebody lacks on a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// These rights.
    Rights(&'static str),
    /// All of its rows: row level security keeps some away.
    Rows,
}

/// Whether a role may read the tables, change revisions, and empty the journal, and whether row level security keeps rows from
/// it.
const MAY: &str = "\
SELECT has_table_privilege(r.name, c.oid, 'SELECT'), has_table_privilege(r.name, c.oid, 'UPDATE'), \
       has_table_privilege(r.name, c.oid, 'DELETE'), has_table_privilege(r.name, c.oid, 'TRUNCATE'), \
       c.relrowsecurity AND NOT o.rolsuper AND NOT o.rolbypassrls \
       AND (c.relforcerowsecurity OR NOT pg_has_role(r.name, c.relowner, 'USAGE')) \
FROM pg_class c, (SELECT coalesce($2, current_user::text)::name AS name) r JOIN pg_roles o ON o.rolname = r.name \
WHERE c.oid = $1";

impl Cluster {
    /// Who of the two may settle it. A transaction that acts for nobody yet.
    fn acts(&self, client: &mut impl GenericClient, owner: Option<&String>) -> Result<Acts, postgres::Error> {
        if self.lacks(client, None)?.is_empty() {
            return Ok(Acts::User);
        }
        if owner.is_some() && self.lacks(client, owner)?.is_empty() {
            return Ok(Acts::Owner);
        }
        Ok(Acts::Nobody)
    }

    /// What a role lacks for that: tables, with what is lacking on each.
    fn lacks(
        &self,
        client: &mut impl GenericClient,
        role: Option<&String>,
    ) -> Result<Vec<(String, Lack)>, postgres::Error> {
        let mut lacks = Vec::new();
        for (table, is_journal) in [(&self.journal, true), (&self.global, false), (&self.local, false)] {
            let Some(table) = table else { continue };
            let row = client.query_opt(MAY, &[&table.oid, &role])?;
            let right = |index| row.as_ref().is_some_and(|row| row.get::<_, bool>(index));
            let (reads, updates, deletes, truncates) = (right(0), right(1), right(2), right(3));
            if is_journal && !(reads && (deletes || truncates)) {
                lacks.push((self.in_schema(table), Lack::Rights("SELECT, DELETE")));
            } else if !(is_journal || reads && updates) {
                lacks.push((self.in_schema(table), Lack::Rights("SELECT, UPDATE")));
            } else if right(4) {
                lacks.push((self.in_schema(table), Lack::Rows));
            }
        }
        Ok(lacks)
    }
}

/// The transaction acts for nobody any more.
fn as_user(transaction: &mut Transaction<'_>) -> Result<(), postgres::Error> {
    transaction.batch_execute("SET LOCAL role TO DEFAULT")
}
