//! Which tables a schema has, which of them are Jackrabbit's, and what each is made of.
//!
//! Workspaces are found from the tables, not from a list. What is no table of Jackrabbit's is left alone and said so.
//! [`Table`] also is the description that travels in a backup, so that a table can be made again where none is.

use std::collections::BTreeMap;

use postgres::{Client, GenericClient};
use serde::{Deserialize, Serialize};

use super::connect::Connector;
use super::names;
use crate::domain::environment::{DATA_STORE, FILE_SYSTEM, VERSIONS};
use crate::engine::content::ContentError;

/// What a table of Jackrabbit's holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// Nodes with their properties, one in each row.
    Bundles,
    /// Which properties refer to a node.
    References,
    /// The names that bundles are written with.
    Names,
    /// Binaries that are too large for a bundle and kept in no data store.
    Binaries,
    /// Records of the data store.
    DataStore,
    /// Files of a file system.
    FileSystem,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as the server writes it.
    pub data_type: String,
    /// Whether it has to have a value.
    pub not_null: bool,
    /// Its default, as the server writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// How large values are stored, as one letter of the server's: `p`, `e`, `m`, `x`.
    pub storage: String,
}

/// A sequence that a column counts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its name.
    pub name: String,
    /// The column that it belongs to.
    pub column: String,
    /// The type of its numbers.
    pub data_type: String,
    /// Rights of others on it, as on a table.
    #[serde(default)]
    pub grants: Vec<(String, String)>,
    /// Those of them that may be passed on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub special_grants: Vec<SpecialGrant>,
}

/// A right on a single column, or one that its holder may pass on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecialGrant {
    /// Who has it; `PUBLIC` for everybody.
    pub role: String,
    /// The right.
    pub right: String,
    /// The column that it is limited to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Whether its holder may pass it on.
    pub grantable: bool,
}

/// One table: what it is called, what it holds and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name, as the database has it.
    pub name: String,
    /// The workspace, or the part of the whole, that it belongs to.
    pub workspace: String,
    /// What it holds.
    pub holds: Holds,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// The names of the columns that tell one row from every other.
    pub key: Vec<String>,
    /// Its constraints: name and definition, without the schema.
    pub constraints: Vec<(String, String)>,
    /// Its indexes that no constraint made: definitions without the schema.
    pub indexes: Vec<String>,
    /// The sequences that its columns count with.
    pub sequences: Vec<Sequence>,
    /// The role that owns it.
    pub owner: String,
    /// Rights of others on it: role and right; `PUBLIC` for everybody.
    pub grants: Vec<(String, String)>,
    /// Rights on single columns of it, and rights that may be passed on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub special_grants: Vec<SpecialGrant>,
    /// What was found in the database itself; nothing of it goes into a backup.
    #[serde(skip)]
    pub found: Found,
}

/// What is known of a table that stands in a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Its number in the database.
    pub oid: u32,
    /// How many blocks it has, without what is stored out of line.
    pub blocks: u64,
    /// Its bytes on disk, with what is stored out of line and without indexes.
    pub bytes: u64,
    /// Its bytes on disk, with indexes.
    pub total_bytes: u64,
    /// About how many rows it has.
    pub rows: u64,
}

impl Table {
    /// The columns' names as SQL takes them.
    #[must_use]
    pub fn column_list(&self) -> String {
        let names: Vec<_> = self
            .columns
            .iter()
            .map(|column| names::quoted(&column.name))
            .collect();
        names.join(", ")
    }

    /// Where the columns of the key stand in a row.
    #[must_use]
    pub fn key_places(&self) -> Vec<usize> {
        self.key
            .iter()
            .filter_map(|key| self.columns.iter().position(|column| column.name == *key))
            .collect()
    }

    /// Where the column of this name stands, in whatever case it is written.
    #[must_use]
    pub fn place_of(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The folder that its rows are kept in, in a backup.
    #[must_use]
    pub fn folder(&self) -> std::path::PathBuf {
        std::path::Path::new(&self.workspace).join(names::as_folder(&self.name))
    }
}

/// What a schema holds.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// Jackrabbit's tables, in the order in which a backup has them: by the folders that they become.
    pub tables: Vec<Table>,
    /// What is left alone, as sentences.
    pub left_out: Vec<String>,
}

impl Layout {
    /// Looks at the schema of a connection.
    ///
    /// # Errors
    /// [`ContentError::Database`] when it cannot be read.
    pub fn read(connector: &Connector, client: &mut impl GenericClient) -> Result<Self, ContentError> {
        Self::read_schema(connector, client, &connector.settings().schema)
    }

    /// Looks at another schema, such as one that a restore has staged.
    ///
    /// # Errors
    /// [`ContentError::Database`] when it cannot be read.
    pub fn read_schema(
        connector: &Connector,
        client: &mut impl GenericClient,
        schema: &str,
    ) -> Result<Self, ContentError> {
        let failed = connector.failed("looking at the tables");
        let mut layout = Self::default();
        let mut others = Vec::new();
        let mut columns = all_columns(client, schema).map_err(&failed)?;
        for row in client.query(TABLES, &[&schema]).map_err(&failed)? {
            let (oid, name): (u32, String) = (row.get(0), row.get(1));
            let columns = columns.remove(&oid).unwrap_or_default();
            // A table that is dropped while it is looked at has no size any more.
            let is_gone = row.get::<_, Option<i64>>(3).is_none();
            match classify(connector, &name, &columns) {
                Kind::Ours { .. } if is_gone => {
                    return Err(connector.wrong(
                        "looking at the tables",
                        format!("the table {name} was dropped meanwhile: look who did that, and try again"),
                    ));
                }
                Kind::Ours { workspace, holds } => layout.tables.push(Table {
                    name,
                    workspace,
                    holds,
                    columns,
                    key: Vec::new(),
                    constraints: Vec::new(),
                    indexes: Vec::new(),
                    sequences: Vec::new(),
                    owner: row.get(2),
                    grants: Vec::new(),
                    special_grants: Vec::new(),
                    found: Found {
                        oid,
                        blocks: unsigned(row.get(3)),
                        bytes: unsigned(row.get(4)),
                        total_bytes: unsigned(row.get(5)),
                        rows: unsigned(row.get(6)),
                    },
                }),
                Kind::Cluster => layout.left_out.push(format!(
                    "the table {name} keeps the cluster's journal, which Jackrabbit makes anew: it is not in the backup"
                )),
                Kind::Other => others.push(name),
            }
        }
        if !others.is_empty() {
            layout.left_out.push(format!(
                "{} in the schema {schema} that are not Jackrabbit's are left alone: {}",
                if others.len() == 1 {
                    "a table".to_owned()
                } else {
                    format!("{} tables", others.len())
                },
                others.join(", ")
            ));
        }
        tell_apart(&mut layout.tables);
        describe(client, schema, &mut layout.tables).map_err(&failed)?;
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

/// Tables of a schema with their sizes. Partitions and foreign tables are never Jackrabbit's. The schema is looked up by
/// its name as it is.
const TABLES: &str = "\
SELECT c.oid, c.relname::text, pg_get_userbyid(c.relowner)::text, \
       pg_relation_size(c.oid) / current_setting('block_size')::bigint, \
       pg_table_size(c.oid), pg_total_relation_size(c.oid), greatest(c.reltuples, 0)::bigint \
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname = $1 AND c.relkind = 'r' AND NOT c.relispartition ORDER BY c.relname COLLATE \"C\"";

const COLUMNS: &str = "\
SELECT a.attrelid, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
       pg_get_expr(d.adbin, d.adrelid), a.attstorage::text \
FROM pg_attribute a \
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
WHERE n.nspname = $1 AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped \
ORDER BY a.attrelid, a.attnum";

const CONSTRAINTS: &str = "\
SELECT conrelid, conname::text, pg_get_constraintdef(oid), contype::text, \
       ARRAY(SELECT a.attname::text FROM unnest(conkey) WITH ORDINALITY k(n, o) \
             JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.n ORDER BY k.o) \
FROM pg_constraint WHERE conrelid = ANY($1) AND contype IN ('p', 'u', 'c') ORDER BY contype, conname";

/// The pretty form leaves out the schema of a table that is found without it.
const INDEXES: &str = "\
SELECT i.indrelid, pg_get_indexdef(i.indexrelid, 0, true), i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL, \
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k(n, o) \
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n WHERE k.o <= i.indnkeyatts ORDER BY k.o) \
FROM pg_index i WHERE i.indrelid = ANY($1) AND i.indisvalid \
AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) \
ORDER BY i.indexrelid::regclass::text COLLATE \"C\"";

const SEQUENCES: &str = "\
SELECT d.refobjid, s.relname::text, a.attname::text, format_type(q.seqtypid, NULL), \
       ARRAY(SELECT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee)::text END \
             FROM aclexplode(s.relacl) x WHERE x.grantee <> s.relowner ORDER BY x.grantee, x.privilege_type), \
       ARRAY(SELECT x.privilege_type::text \
             FROM aclexplode(s.relacl) x WHERE x.grantee <> s.relowner ORDER BY x.grantee, x.privilege_type), \
       ARRAY(SELECT x.is_grantable \
             FROM aclexplode(s.relacl) x WHERE x.grantee <> s.relowner ORDER BY x.grantee, x.privilege_type) \
FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' \
JOIN pg_sequence q ON q.seqrelid = s.oid \
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid \
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') \
AND d.refobjid = ANY($1) ORDER BY s.relname";

const GRANTS: &str = "\
SELECT c.oid, CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee)::text END, x.privilege_type::text, \
       NULL::text, x.is_grantable \
FROM pg_class c, aclexplode(c.relacl) x \
WHERE c.oid = ANY($1) AND x.grantee <> c.relowner \
UNION ALL \
SELECT c.oid, CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee)::text END, x.privilege_type::text, \
       a.attname::text, x.is_grantable \
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped, aclexplode(a.attacl) x \
WHERE c.oid = ANY($1) AND x.grantee <> c.relowner ORDER BY 2, 3, 4";

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn all_columns(
    client: &mut impl GenericClient,
    schema: &str,
) -> Result<BTreeMap<u32, Vec<Column>>, postgres::Error> {
    let mut columns: BTreeMap<u32, Vec<Column>> = BTreeMap::new();
    for row in client.query(COLUMNS, &[&schema])? {
        columns.entry(row.get(0)).or_default().push(Column {
            name: row.get(1),
            data_type: row.get(2),
            not_null: row.get(3),
            default: row.get(4),
            storage: row.get(5),
        });
    }
    Ok(columns)
}

/// Fills in what the tables are made of. The search path has to be the schema, so that definitions come without it.
fn describe(
    client: &mut impl GenericClient,
    schema: &str,
    tables: &mut [Table],
) -> Result<(), postgres::Error> {
    let oids: Vec<u32> = tables.iter().map(|table| table.found.oid).collect();
    set_search_path(client, schema)?;
    let mut by_oid: BTreeMap<u32, &mut Table> =
        tables.iter_mut().map(|table| (table.found.oid, table)).collect();
    for row in client.query(CONSTRAINTS, &[&oids])? {
        let Some(table) = by_oid.get_mut(&row.get(0)) else {
            continue;
        };
        table.constraints.push((row.get(1), row.get(2)));
        if row.get::<_, String>(3) == "p" || table.key.is_empty() && row.get::<_, String>(3) == "u" {
            table.key = row.get(4);
        }
    }
    for row in client.query(INDEXES, &[&oids])? {
        let Some(table) = by_oid.get_mut(&row.get(0)) else {
            continue;
        };
        table.indexes.push(row.get(1));
        if table.key.is_empty() && row.get(2) {
            table.key = row.get(3);
        }
    }
    for row in client.query(SEQUENCES, &[&oids])? {
        let Some(table) = by_oid.get_mut(&row.get(0)) else {
            continue;
        };
        let (roles, rights, grantable): (Vec<String>, Vec<String>, Vec<bool>) =
            (row.get(4), row.get(5), row.get(6));
        let grants: Vec<_> = roles.into_iter().zip(rights).collect();
        let special = grants.iter().zip(grantable).filter(|(_, grantable)| *grantable);
        table.sequences.push(Sequence {
            name: row.get(1),
            column: row.get(2),
            data_type: row.get(3),
            special_grants: special
                .map(|((role, right), grantable)| SpecialGrant {
                    role: role.clone(),
                    right: right.clone(),
                    column: None,
                    grantable,
                })
                .collect(),
            grants,
        });
    }
    for row in client.query(GRANTS, &[&oids])? {
        let Some(table) = by_oid.get_mut(&row.get(0)) else {
            continue;
        };
        let grant = SpecialGrant {
            role: row.get(1),
            right: row.get(2),
            column: row.get(3),
            grantable: row.get(4),
        };
        if grant.column.is_none() {
            table.grants.push((grant.role.clone(), grant.right.clone()));
        }
        if grant.column.is_some() || grant.grantable {
            table.special_grants.push(grant);
        }
    }
    Ok(())
}

/// Makes a schema the one that unqualified names are looked up in, until the transaction or the connection ends.
pub(super) fn set_search_path(client: &mut impl GenericClient, schema: &str) -> Result<(), postgres::Error> {
    client.execute(
        "SELECT set_config('search_path', $1, false)",
        &[&names::quoted(schema)],
    )?;
    Ok(())
}

enum Kind {
    Ours { workspace: String, holds: Holds },
    Cluster,
    Other,
}

/// What a table is, by its name and its columns.
fn classify(connector: &Connector, name: &str, columns: &[Column]) -> Kind {
    let settings = connector.settings();
    let lower = name.to_lowercase();
    let has = |wanted: &[&str]| {
        wanted.iter().all(|name| {
            columns
                .iter()
                .any(|column| column.name.eq_ignore_ascii_case(name))
        })
    };
    let suffixes = [
        (
            "_bundle",
            Holds::Bundles,
            &["node_id_hi", "node_id_lo", "bundle_data"][..],
        ),
        (
            "_refs",
            Holds::References,
            &["node_id_hi", "node_id_lo", "refs_data"][..],
        ),
        ("_names", Holds::Names, &["id", "name"][..]),
        ("_binval", Holds::Binaries, &["binval_id", "binval_data"][..]),
    ];
    for (suffix, holds, wanted) in suffixes {
        let Some(stem) = lower.strip_suffix(suffix) else {
            continue;
        };
        if !has(wanted) {
            continue;
        }
        let versions = settings.version_prefix.to_lowercase();
        if format!("{stem}_") == versions {
            return Kind::Ours {
                workspace: VERSIONS.to_owned(),
                holds,
            };
        }
        let prefix = settings.workspace_prefix.to_lowercase();
        match stem.strip_prefix(&prefix) {
            Some(middle) if !middle.is_empty() => {
                return Kind::Ours {
                    workspace: names::workspace(middle),
                    holds,
                };
            }
            _ => {}
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
    let is_journal = lower.ends_with("journal") && has(&["revision_id", "journal_id"]);
    let is_revision =
        (lower.ends_with("global_revision") || lower.ends_with("local_revisions")) && has(&["revision_id"]);
    if is_journal || is_revision {
        return Kind::Cluster;
    }
    Kind::Other
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

/// Reads the layout on a connection of its own, for whoever only wants to look.
///
/// # Errors
/// [`ContentError::Database`].
pub fn look(connector: &Connector) -> Result<(Layout, Client), ContentError> {
    let mut client = connector.connect()?;
    let layout = Layout::read(connector, &mut client)?;
    Ok((layout, client))
}
