//! What a table of Jackrabbit's is made of, as one that stands in a database or as a backup describes it.
//!
//! [`Table`] is the description that travels in a backup, so that a table can be made again where none is. What reads
//! it from a database is `layout`.

use serde::{Deserialize, Serialize};

use super::dress::Dress;
use super::names;

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
    /// The order that its texts have, if it is not its type's own: schema and name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<(String, String)>,
    /// How it gets its value if it is one of SQL's identity columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

/// When an identity column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// Whatever somebody gives.
    Always,
    /// Where nobody gives a value.
    ByDefault,
}

/// A column that the server works out from others. Rows in a backup do not have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    /// How many of the other columns stand before it.
    pub place: usize,
    /// The column. Its default is what it is worked out from.
    pub column: Column,
    /// Whether it is worked out when it is read, and stored nowhere.
    #[serde(default)]
    pub is_virtual: bool,
}

/// How a sequence counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counting {
    /// Its first number.
    pub start: i64,
    /// From one number to the next.
    pub step: i64,
    /// The smallest.
    pub least: i64,
    /// The largest.
    pub most: i64,
    /// How many numbers a session takes at once.
    pub cache: i64,
    /// Whether it begins anew after the largest.
    pub cycles: bool,
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
    /// Whether the column owns it, so that both come and go together.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub owned: bool,
    /// How it counts. `None` in a backup of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counting: Option<Counting>,
    /// The comment on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Rights of others on it, as on a table.
    #[serde(default)]
    pub grants: Vec<(String, String)>,
    /// Those of them that may be passed on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub special_grants: Vec<SpecialGrant>,
}

fn yes() -> bool {
    true
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
    /// Its columns, in their order, without those that the server works out.
    pub columns: Vec<Column>,
    /// The columns that the server works out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generated: Vec<Generated>,
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
    /// The owner's own rights, where they are not what an owner has by itself. `None` in a backup of an earlier version too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_rights: Option<Vec<String>>,
    /// Rights on single columns of it, and rights that may be passed on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub special_grants: Vec<SpecialGrant>,
    /// What an administrator can set on it. `None` in a backup of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dress: Option<Dress>,
    /// Whether its texts are bytes that need be no UTF-8: the database's encoding is `SQL_ASCII`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_bytes: bool,
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
    /// Whether the server would read all of it to give a part.
    pub is_read_whole: bool,
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

    /// Where the columns of the key stand in a row. Empty where the rows of a backup do not have all of them.
    #[must_use]
    pub fn key_places(&self) -> Vec<usize> {
        let place = |key: &String| self.columns.iter().position(|column| column.name == *key);
        self.key
            .iter()
            .map(place)
            .collect::<Option<_>>()
            .unwrap_or_default()
    }

    /// All its columns, in the order that they have in the database.
    #[must_use]
    pub fn all_columns(&self) -> Vec<(&Column, Option<&Generated>)> {
        let mut all = Vec::new();
        for place in 0..=self.columns.len() {
            let worked_out = self.generated.iter().filter(|generated| generated.place == place);
            all.extend(worked_out.map(|generated| (&generated.column, Some(generated))));
            all.extend(self.columns.get(place).map(|column| (column, None)));
        }
        all
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
