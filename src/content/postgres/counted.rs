//! What columns count with. A table that is made anew counts with sequences of its own, whatever schema a backup names:
//! the names in it may be those of the schema that it was taken from, or of one that an earlier restore has left.
//!
//! Only what stands in a schema of somebody else, and what Live counts with as well, stays what it is.

use std::collections::BTreeSet;

use postgres::GenericClient;

use super::definition::{next_of, path_of};
use super::names::{in_schema, literal, quoted};
use super::rehearsal::Facts;
use super::replaced::PREFIX;
use super::tables::{Column, Sequence, Table};

/// How long a name may be.
const LONGEST: usize = 63;

/// The tables with defaults that name sequences of their own, without a schema. Columns that count with what belongs to
/// another table get a sequence; sentences say so.
pub(super) fn with_own(tables: &[Table], facts: &Facts) -> (Vec<Table>, Vec<String>) {
    let mut taken: BTreeSet<String> = tables.iter().map(|table| table.name.clone()).collect();
    let sequences = tables.iter().flat_map(|table| &table.sequences);
    taken.extend(sequences.map(|sequence| sequence.name.clone()));
    let mut told = Vec::new();
    let own = tables.iter().map(|table| {
        let mut table = table.clone();
        for at in 0..table.columns.len() {
            let Some(column) = table.columns.get(at) else { continue };
            let Some(text) = &column.default else { continue };
            let Some(called) = next_of(text) else { continue };
            let Some((schema, name)) = path_of(&called) else { continue };
            let is_left = schema.as_ref().is_some_and(|schema| schema.starts_with(PREFIX));
            let is_theirs = schema.is_some() && !is_left && facts.is_live(&table.name, text);
            if is_theirs && !facts.is_apart {
                continue;
            }
            let mut theirs = table
                .sequences
                .iter()
                .filter(|sequence| sequence.column == column.name);
            let named = theirs.clone().find(|sequence| sequence.name == name);
            let known = named.or_else(|| theirs.find(|sequence| sequence.owned));
            if is_theirs {
                told.push(format!(
                    "the column {} of the table {} was tried with a sequence of its own: {called}, which it counts with in Live, is \
                     in no backup, and a restore has to find it there",
                    column.name, table.name
                ));
            }
            let sequence = if let Some(sequence) = known {
                sequence.name.clone()
            } else {
                if !is_theirs {
                    told.push(format!(
                        "the column {} of the table {} comes back with a sequence of its own: {called}, which it counts with, \
                         belongs to another table or schema",
                        column.name, table.name
                    ));
                }
                let sequence = new(&table, column, &mut taken);
                table.sequences.push(sequence.clone());
                sequence.name
            };
            let default = format!("nextval({}::regclass)", literal(&quoted(&sequence)));
            if let Some(column) = table.columns.get_mut(at) {
                column.default = Some(default);
            }
        }
        table
    });
    (own.collect(), told)
}

/// A sequence for a column that has none.
fn new(table: &Table, column: &Column, taken: &mut BTreeSet<String>) -> Sequence {
    let mut number = 0_u32;
    let name = loop {
        let end = match number {
            0 => "_seq".to_owned(),
            number => format!("_seq{number}"),
        };
        let mut name = format!("{}_{}", table.name, column.name);
        while name.len() + end.len() > LONGEST {
            name.pop();
        }
        name.push_str(&end);
        if taken.insert(name.clone()) {
            break name;
        }
        number += 1;
    };
    Sequence {
        name,
        column: column.name.clone(),
        data_type: column.data_type.clone(),
        owned: true,
        counting: None,
        comment: None,
        grants: Vec::new(),
        special_grants: Vec::new(),
    }
}

/// A column that counts with a sequence of another schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The schema of the sequence.
    pub schema: String,
    /// The sequence.
    pub sequence: String,
    /// The sequence that the column owns: its schema and its name.
    own: Option<(String, String)>,
}

impl Outside {
    /// Whether the sequence stands in a schema that a restore has made.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.schema.starts_with(PREFIX)
    }

    /// What the column counts with, as the beginning of a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "the column {} of the table {} counts with the sequence {}.{}",
            self.column, self.table, self.schema, self.sequence
        )
    }

    /// What to type so that the column counts with its own sequence.
    #[must_use]
    pub fn statements(&self, schema: &str) -> String {
        let table = in_schema(schema, &self.table);
        let column = quoted(&self.column);
        let (sequence, made) = if let Some((schema, name)) = &self.own {
            (in_schema(schema, name), String::new())
        } else {
            let sequence = in_schema(schema, &format!("{}_{}_own", self.table, self.column));
            let made = format!("CREATE SEQUENCE {sequence} OWNED BY {table}.{column}; ");
            (sequence, made)
        };
        let sequence = literal(&sequence);
        format!(
            "{made}SELECT setval({sequence}, (SELECT coalesce(max({column}), 0) + 1 FROM {table}), false); \
             ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval({sequence})"
        )
    }
}

/// The columns of some tables of a schema that count with sequences of other schemas.
///
/// # Errors
/// What the server says.
pub fn outside(
    client: &mut impl GenericClient,
    schema: &str,
    tables: &[String],
) -> Result<Vec<Outside>, postgres::Error> {
    let rows = client.query(OUTSIDE, &[&schema, &tables])?;
    let found = rows.iter().map(|row| Outside {
        table: row.get(0),
        column: row.get(1),
        schema: row.get(2),
        sequence: row.get(3),
        own: row.get::<_, Option<String>>(4).zip(row.get(5)),
    });
    Ok(found.collect())
}

const OUTSIDE: &str = "\
SELECT c.relname::text, a.attname::text, m.nspname::text, s.relname::text, o.nspname::text, o.relname::text \
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attrdef f ON f.adrelid = c.oid \
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.adnum \
JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass \
JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S' AND s.relnamespace <> n.oid \
JOIN pg_namespace m ON m.oid = s.relnamespace \
LEFT JOIN LATERAL (SELECT y.nspname, x.relname FROM pg_depend w JOIN pg_class x ON x.oid = w.objid AND x.relkind = 'S' \
    JOIN pg_namespace y ON y.oid = x.relnamespace WHERE w.classid = 'pg_class'::regclass \
    AND w.refclassid = 'pg_class'::regclass AND w.refobjid = c.oid AND w.refobjsubid = f.adnum \
    AND w.deptype = 'a' AND x.oid <> s.oid LIMIT 1) o ON true \
WHERE n.nspname = $1 AND c.relname = ANY($2) ORDER BY 1, 2";

#[cfg(test)]
#[path = "counted_tests.rs"]
mod tests;
