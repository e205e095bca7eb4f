//! What the tables of a schema are made of, as the server's catalogs tell.

use std::collections::BTreeMap;

use postgres::GenericClient;

use super::names;
use super::tables::{Column, Counting, Generated, Identity, Sequence, SpecialGrant, Table};
use super::wardrobe as dress;

/// Servers before 12 know no generated columns.
const COLUMNS: &str = "\
SELECT a.attrelid, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
       pg_get_expr(d.adbin, d.adrelid), a.attstorage::text, a.attidentity::text, coalesce(to_jsonb(a) ->> 'attgenerated', ''), \
       o.nspname::text, l.collname::text \
FROM pg_attribute a \
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
JOIN pg_type t ON t.oid = a.atttypid \
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
LEFT JOIN pg_collation l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation \
LEFT JOIN pg_namespace o ON o.oid = l.collnamespace \
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped \
ORDER BY a.attrelid, a.attnum";

const CONSTRAINTS: &str = "\
SELECT conrelid, conname::text, pg_get_constraintdef(oid), contype::text, \
       ARRAY(SELECT a.attname::text FROM unnest(conkey) WITH ORDINALITY k(n, o) \
             JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.n ORDER BY k.o) \
FROM pg_constraint WHERE conrelid = ANY($1) AND contype IN ('p', 'u', 'c', 'x') ORDER BY contype, conname";

/// The pretty form leaves out the schema of a table that is found without it.
const INDEXES: &str = "\
SELECT i.indrelid, pg_get_indexdef(i.indexrelid, 0, true), i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL, \
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k(n, o) \
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n WHERE k.o <= i.indnkeyatts ORDER BY k.o) \
FROM pg_index i WHERE i.indrelid = ANY($1) AND i.indisvalid \
AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) \
ORDER BY i.indexrelid::regclass::text COLLATE \"C\"";

/// Those that a column owns, and those that its default counts with and nothing owns.
const SEQUENCES: &str = "\
SELECT u.relid, s.relname::text, a.attname::text, format_type(q.seqtypid, NULL), \
       ARRAY(SELECT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee)::text END \
             FROM aclexplode(s.relacl) x WHERE x.grantee <> s.relowner ORDER BY x.grantee, x.privilege_type), \
       ARRAY(SELECT x.privilege_type::text \
             FROM aclexplode(s.relacl) x WHERE x.grantee <> s.relowner ORDER BY x.grantee, x.privilege_type), \
       ARRAY(SELECT x.is_grantable \
             FROM aclexplode(s.relacl) x WHERE x.grantee <> s.relowner ORDER BY x.grantee, x.privilege_type), \
       u.owned, q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle, \
       obj_description(s.oid, 'pg_class') \
FROM (SELECT d.refobjid AS relid, d.refobjsubid AS attnum, d.objid AS seq, true AS owned FROM pg_depend d \
      WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') \
      AND d.refobjid = ANY($1) \
      UNION SELECT f.adrelid, f.adnum, d.refobjid, false FROM pg_attrdef f \
      JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass \
      WHERE f.adrelid = ANY($1) AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass \
            AND o.objid = d.refobjid AND o.refclassid = 'pg_class'::regclass AND o.deptype IN ('a', 'i'))) u \
JOIN pg_class s ON s.oid = u.seq AND s.relkind = 'S' JOIN pg_sequence q ON q.seqrelid = s.oid \
JOIN pg_class c ON c.oid = u.relid AND c.relnamespace = s.relnamespace \
JOIN pg_attribute a ON a.attrelid = u.relid AND a.attnum = u.attnum ORDER BY s.relname, u.attnum";

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

/// What an owner may do with its own table, where somebody has taken a right from it.
const OWN_RIGHTS: &str = "\
SELECT c.oid, ARRAY(SELECT x.privilege_type::text FROM aclexplode(c.relacl) x WHERE x.grantee = c.relowner ORDER BY 1) \
FROM pg_class c WHERE c.oid = ANY($1) AND c.relacl IS NOT NULL \
AND EXISTS (SELECT FROM aclexplode(acldefault('r', c.relowner)) d WHERE NOT EXISTS \
            (SELECT FROM aclexplode(c.relacl) x WHERE x.grantee = c.relowner AND x.privilege_type = d.privilege_type))";

/// The columns of one table: those that rows have, and those that the server works out.
pub(super) type Columns = (Vec<Column>, Vec<Generated>);

pub(super) fn all_columns(
    client: &mut impl GenericClient,
    schema: &str,
    schemas: &[&str],
) -> Result<BTreeMap<u32, Columns>, postgres::Error> {
    let path = search_path(client)?;
    set_search_path(client, schemas)?;
    let mut all: BTreeMap<u32, Columns> = BTreeMap::new();
    let rows = client.query(COLUMNS, &[&schema])?;
    client.execute(SEARCH_PATH, &[&path])?;
    for row in rows {
        let (columns, generated) = all.entry(row.get(0)).or_default();
        let (collation, schema): (Option<String>, Option<String>) = (row.get(9), row.get(8));
        let column = Column {
            name: row.get(1),
            data_type: row.get(2),
            not_null: row.get(3),
            default: row.get(4),
            storage: row.get(5),
            collation: schema.zip(collation),
            identity: match row.get::<_, &str>(6) {
                "a" => Some(Identity::Always),
                "d" => Some(Identity::ByDefault),
                _ => None,
            },
        };
        match row.get::<_, &str>(7) {
            "" => columns.push(column),
            how => generated.push(Generated {
                place: columns.len(),
                column,
                is_virtual: how == "v",
            }),
        }
    }
    Ok(all)
}

/// Fills in what the tables are made of. What is in these schemas is named without them.
pub(super) fn describe(
    client: &mut impl GenericClient,
    schemas: &[&str],
    tables: &mut [Table],
) -> Result<(), postgres::Error> {
    let oids: Vec<u32> = tables.iter().map(|table| table.found.oid).collect();
    let path = search_path(client)?;
    set_search_path(client, schemas)?;
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
            owned: row.get(7),
            counting: Some(Counting {
                start: row.get(8),
                step: row.get(9),
                least: row.get(10),
                most: row.get(11),
                cache: row.get(12),
                cycles: row.get(13),
            }),
            comment: row.get(14),
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
    for row in client.query(OWN_RIGHTS, &[&oids])? {
        if let Some(table) = by_oid.get_mut(&row.get(0)) {
            table.own_rights = Some(row.get(1));
        }
    }
    dress::fill(client, &oids, &mut by_oid)?;
    client.execute(SEARCH_PATH, &[&path])?;
    Ok(())
}

const SEARCH_PATH: &str = "SELECT set_config('search_path', $1, true)";

/// The path that there is. Definitions are read with another one, without the schema that they are in, and whoever looks
/// may have a use for this one.
fn search_path(client: &mut impl GenericClient) -> Result<String, postgres::Error> {
    let row = client.query_one("SELECT current_setting('search_path')", &[])?;
    Ok(row.get(0))
}

/// Makes these schemas the ones that unqualified names are looked up in, until the transaction ends.
pub(super) fn set_search_path(
    client: &mut impl GenericClient,
    schemas: &[&str],
) -> Result<(), postgres::Error> {
    let path: Vec<_> = schemas.iter().map(|schema| names::quoted(schema)).collect();
    client.execute(SEARCH_PATH, &[&path.join(", ")])?;
    Ok(())
}
