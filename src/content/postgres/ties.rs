//! What hinders tables from being moved with all that belongs to them: statistics and sequences that are somebody else's,
//! and sequences that something else counts with as well. Looks only; what is found comes as sentences with what to type.

use postgres::GenericClient;

use super::connect::Connector;
use super::names::{in_schema, quoted};
use super::stage::Owner;
use crate::content::ContentError;

/// Statistics over several columns go with their table, and have to belong to its owner.
const STATISTICS: &str = "\
SELECT s.stxname::text, c.relname::text, pg_get_userbyid(s.stxowner)::text, coalesce($2, current_user::text) \
FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid AND c.relnamespace = s.stxnamespace \
WHERE c.oid = ANY($1) AND NOT pg_has_role(coalesce($2, current_user::text)::name, s.stxowner, 'USAGE') ORDER BY 1";

/// Sequences that no column owns and that a table counts with: their names, their owners, and whether they may be moved.
const SEQUENCES: &str = "\
SELECT DISTINCT s.relname::text, c.relname::text, pg_get_userbyid(s.relowner)::text, coalesce($2, current_user::text) \
FROM pg_class c JOIN pg_attrdef f ON f.adrelid = c.oid \
JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass \
JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S' AND s.relnamespace = c.relnamespace \
WHERE c.oid = ANY($1) AND NOT pg_has_role(coalesce($2, current_user::text)::name, s.relowner, 'USAGE') \
AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = s.oid \
                AND o.refclassid = 'pg_class'::regclass AND o.deptype IN ('a', 'i')) ORDER BY 1, 2";

/// What counts with a sequence that goes with tables, and does not go with it.
const SHARED: &str = "\
SELECT DISTINCT s.relname::text, t.relname::text, pg_describe_object(x.classid, x.objid, x.objsubid) \
FROM (SELECT d.refobjid AS relid, d.objid AS seq FROM pg_depend d \
      WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') \
      AND d.refobjid = ANY($1) \
      UNION SELECT f.adrelid, d.refobjid FROM pg_attrdef f \
      JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass \
      WHERE f.adrelid = ANY($1) AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass \
            AND o.objid = d.refobjid AND o.refclassid = 'pg_class'::regclass AND o.deptype IN ('a', 'i'))) u \
JOIN pg_class t ON t.oid = u.relid \
JOIN pg_class s ON s.oid = u.seq AND s.relkind = 'S' AND s.relnamespace = t.relnamespace \
JOIN pg_depend x ON x.refclassid = 'pg_class'::regclass AND x.refobjid = s.oid AND x.deptype = 'n' \
WHERE NOT (x.classid = 'pg_attrdef'::regclass \
           AND EXISTS (SELECT FROM pg_attrdef f WHERE f.oid = x.objid AND f.adrelid = ANY($1))) ORDER BY 1, 2, 3";

/// What hinders these tables of a schema, by their numbers, from being moved by their owner.
///
/// # Errors
/// [`ContentError::Database`].
pub fn find(
    connector: &Connector,
    client: &mut impl GenericClient,
    owner: &Owner,
    tables: &[u32],
) -> Result<Vec<String>, ContentError> {
    let failed = connector.failed("looking at what goes with the tables");
    let schema = &connector.settings().schema;
    let mut found = Vec::new();
    let mut foreign = |statement: &str, kind: &str, what: &str| {
        let rows = client
            .query(statement, &[&tables, &owner.role])
            .map_err(&failed)?;
        for row in rows {
            let (name, table): (&str, &str) = (row.get(0), row.get(1));
            let (theirs, acting): (&str, &str) = (row.get(2), row.get(3));
            found.push(format!(
                "the {what} {name} of the table {table} belong{} to {theirs}, and {acting} may not move {} with the table: \
                 `ALTER {kind} {} OWNER TO {}`",
                if kind == "SEQUENCE" { "s" } else { "" },
                if kind == "SEQUENCE" { "it" } else { "them" },
                in_schema(schema, name),
                quoted(acting)
            ));
        }
        Ok::<(), ContentError>(())
    };
    foreign(STATISTICS, "STATISTICS", "statistics")?;
    foreign(SEQUENCES, "SEQUENCE", "sequence")?;
    for row in client.query(SHARED, &[&tables]).map_err(&failed)? {
        let (name, table, other): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        found.push(format!(
            "the sequence {name} goes with the table {table}, and something that stays counts with it as well ({other}): give \
             that a sequence of its own with `CREATE SEQUENCE …` and `ALTER TABLE … ALTER COLUMN … SET DEFAULT nextval('…')`"
        ));
    }
    Ok(found)
}
