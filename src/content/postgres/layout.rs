//! Which tables a schema has, and which of them are Jackrabbit's.
//!
//! Workspaces are found from the tables, not from a list. What is no table of Jackrabbit's is left alone and said so. What
//! is named and made like one of Jackrabbit's and cannot be read whole is never left out in silence: it is an obstacle.

use std::collections::{BTreeMap, BTreeSet};

use postgres::GenericClient;

use super::cluster;
use super::connect::Connector;
use super::describe;
use super::names;
use super::session::Session;
use super::strangers::{strangers, suspects};
use super::tables::{Column, Found, Holds, Table};
use super::version;
use crate::content::ContentError;
use crate::domain::environment::{DATA_STORE, FILE_SYSTEM, VERSIONS, workspace_label};

/// What a schema holds.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// Jackrabbit's tables, in the order in which a backup has them: by the folders that they become.
    pub tables: Vec<Table>,
    /// What is left alone, as sentences.
    pub left_out: Vec<String>,
    /// What is left alone and may be a repository's, as sentences.
    pub suspect: Vec<String>,
    /// What is Jackrabbit's and can neither be read whole nor exchanged, as sentences.
    pub unreadable: Vec<String>,
    /// Workspaces that have tables and not the one with their nodes, as sentences. There is nothing to back up of them,
    /// and a restore brings them back.
    pub lacking: Vec<String>,
}

impl Layout {
    /// Looks at the schema of a connection.
    ///
    /// # Errors
    /// [`ContentError::Database`] when it cannot be read.
    pub fn read(connector: &Connector, client: &mut impl GenericClient) -> Result<Self, ContentError> {
        Self::read_schema(connector, client, &connector.settings().schema, None)
    }

    /// Looks at another schema, such as one that a restore has staged. What is in the schema `beside` is told without its name
    /// as well.
    ///
    /// # Errors
    /// [`ContentError::Database`] when it cannot be read.
    pub fn read_schema(
        connector: &Connector,
        client: &mut impl GenericClient,
        schema: &str,
        beside: Option<&str>,
    ) -> Result<Self, ContentError> {
        let failed = connector.failed("looking at the tables");
        let path: Vec<&str> = std::iter::once(schema).chain(beside).collect();
        let mut layout = Self::default();
        let mut others = Vec::new();
        let mut odd_workspaces = BTreeSet::new();
        let any_bytes = has_any_bytes(client).map_err(&failed)?;
        let mut columns = describe::all_columns(client, schema, &path).map_err(&failed)?;
        for row in client.query(&*tables(), &[&schema]).map_err(&failed)? {
            let (oid, name): (u32, String) = (row.get(0), row.get(1));
            let (columns, generated) = columns.remove(&oid).unwrap_or_default();
            let odd = Oddity::of(row.get(7), row.get(8), &row.get::<_, Vec<String>>(9));
            // A table that is dropped while it is looked at has no size any more.
            let is_gone = row.get::<_, Option<i64>>(3).is_none();
            match classify(connector, &name, &columns) {
                Kind::Ours { .. } if is_gone => {
                    return Err(connector.wrong(
                        "looking at the tables",
                        format!("the table {name} was dropped meanwhile: look who did that, and try again"),
                    ));
                }
                Kind::Ours { workspace, .. } if odd.is_none() && points_elsewhere(&columns).is_some() => {
                    odd_workspaces.insert(workspace);
                    layout
                        .unreadable
                        .extend(points_elsewhere(&columns).map(|column| elsewhere(schema, &name, column)));
                }
                Kind::Ours { workspace, holds } if odd.is_none() => layout.tables.push(Table {
                    name,
                    workspace,
                    holds,
                    columns,
                    generated,
                    key: Vec::new(),
                    constraints: Vec::new(),
                    indexes: Vec::new(),
                    sequences: Vec::new(),
                    owner: row.get(2),
                    grants: Vec::new(),
                    own_rights: None,
                    special_grants: Vec::new(),
                    dress: None,
                    any_bytes,
                    found: Found {
                        oid,
                        blocks: unsigned(row.get(3)),
                        bytes: unsigned(row.get(4)),
                        total_bytes: unsigned(row.get(5)),
                        rows: unsigned(row.get(6)),
                        is_read_whole: row.get(10),
                    },
                }),
                Kind::Ours { workspace, .. } => {
                    odd_workspaces.insert(workspace);
                    let what = odd.map_or_else(String::new, |odd| odd.sentence(&name));
                    layout.unreadable.push(what);
                }
                Kind::Cluster => layout.left_out.push(format!(
                    "the table {name} is of a cluster's journal: it is not in the backup"
                )),
                Kind::Other if row.get::<_, String>(7) == "r" && !row.get::<_, bool>(8) => {
                    others.push((name, columns));
                }
                Kind::Other => {}
            }
        }
        let strangers = strangers(connector, &layout.tables, &others);
        layout.suspect = suspects(connector, schema, &others, &strangers);
        // What stops the backup is not left alone.
        let is_stranger = |name: &String| strangers.iter().any(|(stranger, _)| stranger == name);
        let others = others.into_iter().map(|(name, _)| name);
        let others: Vec<String> = others.filter(|name| !is_stranger(name)).collect();
        let sentences = strangers.into_iter().map(|(_, sentence)| sentence);
        layout.unreadable.extend(sentences);
        if !others.is_empty() {
            let names = others.join(", ");
            layout.left_out.push(if others.len() == 1 {
                format!("a table in the schema {schema} that is not Jackrabbit's is left alone: {names}")
            } else {
                let count = others.len();
                format!(
                    "{count} tables in the schema {schema} that are not Jackrabbit's are left alone: {names}"
                )
            });
        }
        layout.lacking = lacking(connector, &layout.tables, &odd_workspaces);
        tell_repositories_apart(connector, &mut layout.tables);
        tell_apart(&mut layout.tables);
        describe::describe(client, &path, &mut layout.tables).map_err(&failed)?;
        layout
            .tables
            .sort_by_cached_key(|table| (table.workspace.clone(), names::as_folder(&table.name)));
        Ok(layout)
    }

    /// The names of the workspaces and of the parts that they share, in order.
    #[must_use]
    pub fn workspaces(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.tables.iter().map(|table| table.workspace.as_str()).collect();
        names.dedup();
        names
    }
}

/// What a schema has that can be read like a table, with sizes. The schema is looked up by its name as it is.
fn tables() -> String {
    format!(
        "{TABLES}, current_setting('server_version_num')::integer < {} {FROM}",
        version::READS_BY_PLACE
    )
}

const TABLES: &str = "\
SELECT c.oid, c.relname::text, pg_get_userbyid(c.relowner)::text, \
       CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) / current_setting('block_size')::bigint ELSE 0 END, \
       pg_table_size(c.oid), pg_total_relation_size(c.oid), greatest(c.reltuples, 0)::bigint, \
       c.relkind::text, c.relispartition, \
       ARRAY(SELECT i.inhrelid::regclass::text FROM pg_inherits i WHERE i.inhparent = c.oid ORDER BY 1 LIMIT 5)";

const FROM: &str = "\
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY c.relname::text COLLATE \"C\"";

fn has_any_bytes(client: &mut impl GenericClient) -> Result<bool, postgres::Error> {
    let row = client.query_one("SELECT current_setting('server_encoding') = 'SQL_ASCII'", &[])?;
    Ok(row.get(0))
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Why something that is named and made like a table of Jackrabbit's is no plain table.
enum Oddity {
    Partitioned,
    Partition,
    Parent(Vec<String>),
    View,
    Materialized,
    Foreign,
}

impl Oddity {
    fn of(kind: &str, is_partition: bool, children: &[String]) -> Option<Self> {
        match kind {
            "p" => Some(Self::Partitioned),
            "v" => Some(Self::View),
            "m" => Some(Self::Materialized),
            "f" => Some(Self::Foreign),
            _ if is_partition => Some(Self::Partition),
            _ if !children.is_empty() => Some(Self::Parent(children.to_vec())),
            _ => None,
        }
    }

    fn sentence(&self, name: &str) -> String {
        let (what, then) = match self {
            Self::Partitioned => (
                "is partitioned".to_owned(),
                "put its rows into a plain table of that name",
            ),
            Self::Partition => (
                "is a partition of another table".to_owned(),
                "put its rows into a plain table of that name",
            ),
            Self::Parent(children) => (
                format!("has tables that inherit from it ({})", children.join(", ")),
                "put their rows into it and end that with ALTER TABLE … NO INHERIT",
            ),
            Self::View => (
                "is a view".to_owned(),
                "put its rows into a table of that name, or give it another name if it is not Jackrabbit's",
            ),
            Self::Materialized => (
                "is a materialized view".to_owned(),
                "put its rows into a table of that name, or give it another name if it is not Jackrabbit's",
            ),
            Self::Foreign => (
                "is a foreign table".to_owned(),
                "put its rows into a table of that name, or name the server that has it as connect",
            ),
        };
        format!(
            "{name} {what}: Lifeboat reads and exchanges plain tables, and what is in this one would be missing from backups; \
             {then}"
        )
    }
}

/// A column whose values only say where something is that no row holds: the server's large objects.
fn points_elsewhere(columns: &[Column]) -> Option<&Column> {
    let is_number = |column: &&Column| {
        let kind = column.data_type.as_str();
        ["oid", "lo"].contains(&kind.rsplit('.').next().unwrap_or(kind))
    };
    columns.iter().find(is_number)
}

fn elsewhere(schema: &str, table: &str, column: &Column) -> String {
    let (table_name, quoted) = (names::in_schema(schema, table), names::quoted(&column.name));
    format!(
        "the column {} of the table {table} only has the numbers of large objects ({}), and those would be missing from \
         backups: keep the data in the table, with `ALTER TABLE {table_name} ALTER COLUMN {quoted} TYPE bytea USING \
         lo_get({quoted})` while Magnolia is stopped",
        column.name, column.data_type
    )
}

/// Whether a name without its end is that of a version storage.
pub(super) fn is_version_storage(connector: &Connector, stem: &str) -> bool {
    let name = format!("{stem}_").to_lowercase();
    let mut prefixes = connector.settings().version_prefix.iter();
    prefixes.any(|prefix| prefix.to_lowercase() == name)
}

/// What stands behind the prefix of workspaces in a name without its end, if anything does.
pub(super) fn in_workspace<'n>(connector: &Connector, stem: &'n str) -> Option<&'n str> {
    let (_, prefix) = connector.settings().workspace_prefix.of(stem)?;
    stem.get(prefix.len()..).filter(|middle| !middle.is_empty())
}

/// Workspaces without the table that has their nodes, as sentences. Those of which it is known why are left out.
fn lacking(connector: &Connector, tables: &[Table], odd: &BTreeSet<String>) -> Vec<String> {
    let mut workspaces: BTreeMap<&str, Vec<&Table>> = BTreeMap::new();
    for table in tables {
        let is_other = matches!(table.holds, Holds::DataStore | Holds::FileSystem);
        if !is_other && !odd.contains(&table.workspace) {
            workspaces.entry(&table.workspace).or_default().push(table);
        }
    }
    let without = workspaces
        .into_values()
        .filter(|tables| tables.iter().all(|table| table.holds != Holds::Bundles));
    without
        .filter_map(|tables| {
            let first = tables.first()?;
            let stem = first.name.rsplit_once('_').map_or(first.name.as_str(), |(stem, _)| stem);
            Some(format!(
                "the table {stem}_bundle with the nodes of {} is missing, and {} of the same is there: look whether it was \
                 dropped or renamed, and whether workspace_prefix and version_prefix are right ({} and {})",
                workspace_label(&first.workspace),
                first.name,
                connector.settings().workspace_prefix,
                connector.settings().version_prefix
            ))
        })
        .collect()
}

enum Kind {
    Ours { workspace: String, holds: Holds },
    Cluster,
    Other,
}

/// What the names of a workspace's tables end with, what such a table holds, and the columns that it has.
pub(super) const SUFFIXES: [(&str, Holds, &[&str]); 4] = [
    (
        "_bundle",
        Holds::Bundles,
        &["node_id_hi", "node_id_lo", "bundle_data"],
    ),
    (
        "_refs",
        Holds::References,
        &["node_id_hi", "node_id_lo", "refs_data"],
    ),
    ("_names", Holds::Names, &["id", "name"]),
    ("_binval", Holds::Binaries, &["binval_id", "binval_data"]),
];

pub(super) fn has(columns: &[Column], wanted: &[&str]) -> bool {
    let is_there = |name: &&str| {
        let mut columns = columns.iter();
        columns.any(|column| column.name.eq_ignore_ascii_case(name))
    };
    wanted.iter().all(is_there)
}

/// What a table is, by its name and its columns.
fn classify(connector: &Connector, name: &str, columns: &[Column]) -> Kind {
    let lower = name.to_lowercase();
    let has = |wanted: &[&str]| has(columns, wanted);
    for (suffix, holds, wanted) in &SUFFIXES {
        let holds = *holds;
        let Some(stem) = lower.strip_suffix(suffix) else {
            continue;
        };
        if !has(wanted) {
            continue;
        }
        if is_version_storage(connector, stem) {
            return Kind::Ours {
                workspace: VERSIONS.to_owned(),
                holds,
            };
        }
        if let Some(middle) = in_workspace(connector, stem) {
            return Kind::Ours {
                workspace: names::workspace(middle),
                holds,
            };
        }
    }
    if lower.ends_with("datastore") && has(&["id", "length", "last_modified", "data"]) {
        return Kind::Ours {
            workspace: DATA_STORE.to_owned(),
            holds: Holds::DataStore,
        };
    }
    if lower.ends_with("fsentry") && has(&["fsentry_path", "fsentry_name", "fsentry_data"]) {
        return Kind::Ours {
            workspace: FILE_SYSTEM.to_owned(),
            holds: Holds::FileSystem,
        };
    }
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    if cluster::Part::of(name, &names).is_some() {
        return Kind::Cluster;
    }
    Kind::Other
}

/// Of two repositories that have a workspace of the same name each, the one whose prefix is written first has it under that
/// name, and the others' begin with their prefixes.
fn tell_repositories_apart(connector: &Connector, tables: &mut [Table]) {
    let prefixes = &connector.settings().workspace_prefix;
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    let place = |table: &Table| prefixes.of(&table.name).map_or(0, |(place, _)| place);
    for table in tables.iter() {
        let place = place(table);
        let known = first.entry(table.workspace.clone()).or_insert(place);
        *known = (*known).min(place);
    }
    for table in tables
        .iter_mut()
        .filter(|table| !table.workspace.starts_with('.'))
    {
        let is_later = first
            .get(&table.workspace)
            .is_some_and(|first| place(table) > *first);
        if is_later && let Some((_, prefix)) = prefixes.of(&table.name) {
            table.workspace = names::as_folder(&format!("{prefix}{}", table.workspace));
        }
    }
}

/// Two workspaces whose tables differ only in capitals keep what tells them apart.
fn tell_apart(tables: &mut [Table]) {
    let mut seen: BTreeMap<(String, Holds), usize> = BTreeMap::new();
    for table in tables.iter().filter(|table| !table.workspace.starts_with('.')) {
        *seen.entry((table.workspace.clone(), table.holds)).or_default() += 1;
    }
    let doubled: Vec<String> = seen
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .map(|((workspace, _), _)| workspace)
        .collect();
    for table in tables
        .iter_mut()
        .filter(|table| doubled.contains(&table.workspace))
    {
        let length = table.name.len();
        let suffix = table.name.rfind('_').unwrap_or(length);
        let stem = table.name.get(..suffix).unwrap_or(&table.name);
        let start = stem.len() - table.workspace.len().min(stem.len());
        if let Some(exact) = stem.get(start..) {
            table.workspace = names::workspace(exact);
        }
    }
}

/// Reads the layout on a connection of its own, for whoever only wants to look. Gives the connection, on which no
/// transaction is open, and the connector to the server that it leads to.
///
/// # Errors
/// [`ContentError::Database`].
pub fn look(connector: &Connector) -> Result<(Layout, Session, Connector), ContentError> {
    let (mut session, connector) = connector.connect_to_one()?;
    let layout = within(&connector, &mut session, &connector.settings().schema)?;
    Ok((layout, session, connector))
}

/// Reads the layout of another schema, such as one that a restore has staged, on a connection of its own.
///
/// # Errors
/// [`ContentError::Database`].
pub fn look_at(connector: &Connector, schema: &str) -> Result<Layout, ContentError> {
    within(connector, &mut connector.connect()?, schema)
}

fn within(connector: &Connector, session: &mut Session, schema: &str) -> Result<Layout, ContentError> {
    let mut transaction = session
        .begin()
        .map_err(connector.failed("looking at the tables"))?;
    Layout::read_schema(connector, &mut transaction, schema, None)
}
