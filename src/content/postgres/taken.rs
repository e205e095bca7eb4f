//! Names that tables bring into the live schema, and what has taken one there meanwhile and stays. Looks only; what is found
//! comes as sentences with what to type.
//!
//! A sequence that no column owns and that nothing counts with is what was left of a table: it goes with what is replaced.

use std::collections::BTreeSet;

use postgres::GenericClient;

use super::connect::Connector;
use super::constraint::Constraint;
use super::definition::Index;
use super::names::{in_schema, quoted};
use super::stage::Owner;
use super::tables::Table;
use crate::content::ContentError;

/// What a name is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    Sequence,
    Index,
    Statistics,
}

/// A name that a table brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    name: String,
    kind: Kind,
    /// What has it, as in `the index i of the table t`.
    pub(super) what: String,
    /// The table that it comes with.
    table: String,
}

/// The names that tables bring.
pub(super) fn arrivals(tables: &[Table]) -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    for table in tables {
        let mut bring = |name: &str, kind: Kind, what: &str| {
            arrivals.push(Arrival {
                name: name.to_owned(),
                kind,
                what: match kind {
                    Kind::Table => format!("the table {name}"),
                    _ => format!("{what} {name} of the table {}", table.name),
                },
                table: table.name.clone(),
            });
        };
        bring(&table.name, Kind::Table, "");
        for sequence in &table.sequences {
            bring(&sequence.name, Kind::Sequence, "the sequence");
        }
        for (name, text) in &table.constraints {
            if let Ok(Constraint::Own { indexed: true, .. }) = Constraint::read(text) {
                bring(name, Kind::Index, "the constraint");
            }
        }
        for index in table.indexes.iter().filter_map(|text| Index::read(text).ok()) {
            bring(&index.name, Kind::Index, "the index");
        }
        for one in table.dress.iter().flat_map(|dress| &dress.statistics) {
            bring(&one.name, Kind::Statistics, "the statistics");
        }
    }
    arrivals
}

/// The names of tables of which nothing but that is known.
pub(super) fn arrivals_of(tables: &BTreeSet<String>) -> Vec<Arrival> {
    let each = tables.iter().map(|name| Arrival {
        name: name.clone(),
        kind: Kind::Table,
        what: format!("the table {name}"),
        table: name.clone(),
    });
    each.collect()
}

/// What has some names of a schema and is no part of some tables of it: what it is, whose it is, and of sequences that nothing
/// owns and that nothing else counts with, that they are that, and whether the owner of the tables may move them.
const RELATIONS: &str = "\
SELECT c.relname::text, c.relkind::text, coalesce(t.relname, w.relname)::text, pg_get_userbyid(c.relowner)::text, \
       c.relkind = 'S' AND w.oid IS NULL AND NOT EXISTS (SELECT FROM pg_depend x \
           WHERE x.refclassid = 'pg_class'::regclass AND x.refobjid = c.oid AND x.deptype = 'n' \
           AND NOT (x.classid = 'pg_attrdef'::regclass \
                    AND EXISTS (SELECT FROM pg_attrdef f WHERE f.oid = x.objid AND f.adrelid = ANY($3)))), \
       pg_has_role(coalesce($4, current_user::text)::name, c.relowner, 'USAGE'), coalesce($4, current_user::text), \
       EXISTS (SELECT FROM pg_depend x WHERE x.refclassid = 'pg_class'::regclass AND x.refobjid = c.oid AND x.deptype = 'n') \
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = i.indrelid \
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND c.relkind = 'S' \
          AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') \
LEFT JOIN pg_class w ON w.oid = d.refobjid \
WHERE n.nspname = $1 AND c.relname = ANY($2) AND c.oid <> ALL($3) \
AND (i.indrelid IS NULL OR i.indrelid <> ALL($3)) AND (w.oid IS NULL OR w.oid <> ALL($3)) ORDER BY 1";

const STATISTICS: &str = "\
SELECT s.stxname::text, c.relname::text FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace \
JOIN pg_class c ON c.oid = s.stxrelid WHERE n.nspname = $1 AND s.stxname = ANY($2) AND s.stxrelid <> ALL($3) ORDER BY 1";

/// A table has a type of its name.
const TYPES: &str = "\
SELECT t.typname::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
WHERE n.nspname = $1 AND t.typname = ANY($2) AND t.typrelid = 0 ORDER BY 1";

/// What has names that come.
#[derive(Debug, Default)]
pub struct Taken {
    /// What stays, as sentences with what to type.
    pub obstacles: Vec<String>,
    /// What goes, as sentences.
    pub leftovers: Vec<String>,
}

/// What has the names that some tables bring, while others go, by their numbers.
///
/// # Errors
/// [`ContentError::Database`].
pub fn find(
    connector: &Connector,
    client: &mut impl GenericClient,
    owner: &Owner,
    (arrivals, comes): (&[Arrival], &BTreeSet<String>),
    goes: &[u32],
) -> Result<Taken, ContentError> {
    let failed = connector.failed("looking whether names are taken");
    let schema = &connector.settings().schema;
    let come: Vec<&Arrival> = arrivals
        .iter()
        .filter(|arrival| comes.contains(&arrival.table))
        .collect();
    let named = |wanted: &dyn Fn(Kind) -> bool| -> Vec<&str> {
        let come = come.iter().filter(|arrival| wanted(arrival.kind));
        come.map(|arrival| arrival.name.as_str()).collect()
    };
    let arrival = |name: &str, is_statistics: bool| {
        let mut come = come.iter();
        come.find(|arrival| arrival.name == name && (arrival.kind == Kind::Statistics) == is_statistics)
    };
    let mut taken = Taken::default();
    let obstacle = |name: &str, is_statistics: bool, what: &str, alter: &str| {
        let arrival = arrival(name, is_statistics)?;
        Some(format!(
            "{} cannot come back: its name is taken in the schema {schema} by {what}. Give that another one: \
             `ALTER {alter} {} RENAME TO {}`",
            arrival.what,
            in_schema(schema, name),
            quoted(&other(name))
        ))
    };
    let relations = named(&|kind| kind != Kind::Statistics);
    let rows = client
        .query(RELATIONS, &[&schema, &relations, &goes, &owner.role])
        .map_err(&failed)?;
    for row in rows {
        let (name, kind, of): (&str, &str, Option<&str>) = (row.get(0), row.get(1), row.get(2));
        let (theirs, is_leftover, may): (&str, bool, bool) = (row.get(3), row.get(4), row.get(5));
        let (what, alter) = match kind {
            "i" | "I" => ("the index", "INDEX"),
            "S" => ("the sequence", "SEQUENCE"),
            "v" => ("a view", "VIEW"),
            "m" => ("a materialized view", "MATERIALIZED VIEW"),
            "f" => ("a foreign table", "FOREIGN TABLE"),
            "c" => ("a type", "TYPE"),
            _ => ("a table", "TABLE"),
        };
        let is_counted_with: bool = row.get(7);
        if is_leftover && is_counted_with {
            // It goes with the table that counts with it (`ties`).
            continue;
        }
        let is_sequence = arrival(name, false).is_some_and(|arrival| arrival.kind == Kind::Sequence);
        if is_leftover && is_sequence && may {
            taken.leftovers.push(format!(
                "the sequence {name} in the schema {schema}, which no column owns and nothing else counts with, goes with what is \
                 replaced: one of that name comes with a table"
            ));
        } else if is_leftover && is_sequence {
            let acting: &str = row.get(6);
            taken.obstacles.push(format!(
                "the sequence {name}, which would go with what is replaced, belongs to {theirs}, and {acting} may not move it: \
                 `ALTER SEQUENCE {} OWNER TO {}`",
                in_schema(schema, name),
                quoted(acting)
            ));
        } else {
            let whose = of.map_or(String::new(), |table| format!(" of the table {table}"));
            let found = obstacle(name, false, &format!("{what}{whose}"), alter);
            taken.obstacles.extend(found);
        }
    }
    let statistics = named(&|kind| kind == Kind::Statistics);
    for row in client
        .query(STATISTICS, &[&schema, &statistics, &goes])
        .map_err(&failed)?
    {
        let (name, table): (&str, &str) = (row.get(0), row.get(1));
        let what = format!("statistics of the table {table}");
        taken.obstacles.extend(obstacle(name, true, &what, "STATISTICS"));
    }
    let tables = named(&|kind| kind == Kind::Table);
    for row in client.query(TYPES, &[&schema, &tables]).map_err(&failed)? {
        let found = obstacle(row.get(0), false, "a type", "TYPE");
        taken.obstacles.extend(found);
    }
    Ok(taken)
}

/// A name that is as good, and fits.
fn other(name: &str) -> String {
    const END: &str = "_other";
    let mut name = name.to_owned();
    while name.len() + END.len() > 63 {
        name.pop();
    }
    name + END
}
