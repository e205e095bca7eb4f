//! Finds what an administrator has set on tables besides their columns, keys and rights.

use std::collections::BTreeMap;

use postgres::GenericClient;

use super::dress::{ColumnDress, Comment, CommentOn, Dress, IndexDress, Policy, ReplicaIdentity, Statistics};
use super::tables::Table;

const TABLES: &str = "\
SELECT c.oid, c.relpersistence = 'u', coalesce(c.reloptions, '{}'), coalesce(t.reloptions, '{}'), s.spcname::text, \
       c.relreplident::text, c.relrowsecurity, c.relforcerowsecurity, \
       (SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid \
        WHERE i.indrelid = c.oid AND i.indisreplident), \
       (SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid \
        WHERE i.indrelid = c.oid AND i.indisclustered), \
       obj_description(c.oid, 'pg_class') \
FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace \
WHERE c.oid = ANY($1)";

/// Servers before 14 know no compression of a column.
const COLUMNS: &str = "\
SELECT a.attrelid, a.attname::text, nullif(a.attstattarget, -1)::integer, nullif(to_jsonb(a) ->> 'attcompression', ''), \
       coalesce(a.attoptions, '{}'), col_description(a.attrelid, a.attnum) \
FROM pg_attribute a WHERE a.attrelid = ANY($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum";

const INDEXES: &str = "\
SELECT i.indrelid, x.relname::text, coalesce(x.reloptions, '{}'), s.spcname::text, obj_description(x.oid, 'pg_class'), \
       EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x')), \
       ARRAY(SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = x.oid AND a.attstattarget >= 0 ORDER BY a.attnum), \
       ARRAY(SELECT a.attstattarget::integer FROM pg_attribute a \
             WHERE a.attrelid = x.oid AND a.attstattarget >= 0 ORDER BY a.attnum) \
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace \
WHERE i.indrelid = ANY($1) AND i.indisvalid ORDER BY x.relname::text COLLATE \"C\"";

const POLICIES: &str = "\
SELECT p.polrelid, p.polname::text, p.polpermissive, p.polcmd::text, \
       ARRAY(SELECT CASE WHEN r = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r)::text END FROM unnest(p.polroles) r ORDER BY 1), \
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy') \
FROM pg_policy p WHERE p.polrelid = ANY($1) ORDER BY p.polname";

/// With what the server knows of statistics on expressions in the place of a word. Servers before 13 know no target of them.
const STATISTICS: &str = "\
SELECT s.stxrelid, s.stxname::text, ARRAY(SELECT k::text FROM unnest(s.stxkind) k WHERE k <> 'e'), \
       ARRAY(SELECT a.attname::text FROM unnest(s.stxkeys::int2[]) WITH ORDINALITY k(n, o) \
             JOIN pg_attribute a ON a.attrelid = s.stxrelid AND a.attnum = k.n ORDER BY k.o), \
       coalesce(EXPRESSIONS, '{}'::text[]), nullif((to_jsonb(s) ->> 'stxstattarget')::integer, -1), \
       obj_description(s.oid, 'pg_statistic_ext') \
FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid AND c.relnamespace = s.stxnamespace \
WHERE s.stxrelid = ANY($1) ORDER BY s.stxname";

/// Servers before 14 have no statistics on expressions, and so no function that tells them.
fn statistics(client: &mut impl GenericClient) -> Result<String, postgres::Error> {
    const TELLS: &str = "pg_get_statisticsobjdef_expressions";
    let knows = client.query_one("SELECT to_regproc($1) IS NOT NULL", &[&TELLS])?;
    let expressions = if knows.get(0) {
        format!("{TELLS}(s.oid)")
    } else {
        "NULL".to_owned()
    };
    Ok(STATISTICS.replace("EXPRESSIONS", &expressions))
}

const CONSTRAINTS: &str = "\
SELECT k.conrelid, k.conname::text, obj_description(k.oid, 'pg_constraint'), \
       CASE WHEN k.contype = 'f' AND k.conparentid = 0 THEN pg_get_constraintdef(k.oid) END \
FROM pg_constraint k WHERE k.conrelid = ANY($1) AND k.contype IN ('p', 'u', 'c', 'x', 'f') ORDER BY k.conname";

/// Fills in the dress of the tables.
pub(super) fn fill(
    client: &mut impl GenericClient,
    oids: &[u32],
    tables: &mut BTreeMap<u32, &mut Table>,
) -> Result<(), postgres::Error> {
    let oids = oids.to_vec();
    let mut found: BTreeMap<u32, Dress> = BTreeMap::new();
    for row in client.query(TABLES, &[&oids])? {
        let dress = found.entry(row.get(0)).or_default();
        dress.unlogged = row.get(1);
        dress.options = pairs(row.get(2));
        dress.toast_options = pairs(row.get(3));
        dress.tablespace = row.get(4);
        dress.replica_identity = match (row.get::<_, &str>(5), row.get::<_, Option<String>>(8)) {
            ("f", _) => Some(ReplicaIdentity::Full),
            ("n", _) => Some(ReplicaIdentity::Nothing),
            ("i", Some(index)) => Some(ReplicaIdentity::Index(index)),
            _ => None,
        };
        dress.row_security = row.get(6);
        dress.forced_row_security = row.get(7);
        dress.clustered_on = row.get(9);
        dress.comment(CommentOn::Table, "", row.get(10));
    }
    for row in client.query(COLUMNS, &[&oids])? {
        let dress = found.entry(row.get(0)).or_default();
        let column = ColumnDress {
            name: row.get(1),
            statistics: row.get(2),
            compression: row.get(3),
            options: pairs(row.get(4)),
        };
        dress.comment(CommentOn::Column, &column.name, row.get(5));
        if column.statistics.is_some() || column.compression.is_some() || !column.options.is_empty() {
            dress.columns.push(column);
        }
    }
    for row in client.query(INDEXES, &[&oids])? {
        let dress = found.entry(row.get(0)).or_default();
        let mut index = IndexDress {
            name: row.get(1),
            options: pairs(row.get(2)),
            tablespace: row.get(3),
            statistics: std::iter::zip(row.get::<_, Vec<i16>>(6), row.get::<_, Vec<i32>>(7)).collect(),
        };
        dress.comment(CommentOn::Index, &index.name, row.get(4));
        if !row.get::<_, bool>(5) {
            // Those of any other index stand in its definition.
            index.options.clear();
        }
        if !index.options.is_empty() || index.tablespace.is_some() || !index.statistics.is_empty() {
            dress.indexes.push(index);
        }
    }
    for row in client.query(POLICIES, &[&oids])? {
        found.entry(row.get(0)).or_default().policies.push(Policy {
            name: row.get(1),
            permissive: row.get(2),
            command: row.get(3),
            roles: row.get(4),
            using: row.get(5),
            check: row.get(6),
            comment: row.get(7),
        });
    }
    let statistics = statistics(client)?;
    for row in client.query(&*statistics, &[&oids])? {
        found.entry(row.get(0)).or_default().statistics.push(Statistics {
            name: row.get(1),
            kinds: row.get(2),
            columns: row.get(3),
            expressions: row.get(4),
            target: row.get(5),
            comment: row.get(6),
        });
    }
    for row in client.query(CONSTRAINTS, &[&oids])? {
        let dress = found.entry(row.get(0)).or_default();
        let name: String = row.get(1);
        dress.comment(CommentOn::Constraint, &name, row.get(2));
        if let Some(definition) = row.get(3) {
            dress.foreign_keys.push((name, definition));
        }
    }
    for (oid, table) in tables {
        table.dress = Some(found.remove(oid).unwrap_or_default());
    }
    Ok(())
}

impl Dress {
    fn comment(&mut self, on: CommentOn, name: &str, text: Option<String>) {
        self.comments.extend(text.map(|text| Comment {
            on,
            name: name.to_owned(),
            text,
        }));
    }
}

/// Options as the server keeps them: `name=value`.
fn pairs(options: Vec<String>) -> Vec<(String, String)> {
    let pair = |option: String| {
        option
            .split_once('=')
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    options.into_iter().filter_map(pair).collect()
}
