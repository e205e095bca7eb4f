//! What a restore makes begins with no rights of others: what default privileges of the owner, or of Lifeboat's user,
//! give on everything new is taken away before anybody can use it, and what they take from the owner itself is given back.
//! Then come the rights that are meant.

use std::collections::BTreeSet;

use postgres::GenericClient;

use super::names::{in_schema, quoted};

const ON_TABLES: &str = "\
SELECT DISTINCT c.relkind = 'S', c.relname::text, \
       CASE WHEN x.grantee = 0 THEN NULL ELSE pg_get_userbyid(x.grantee)::text END \
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) x \
WHERE n.nspname = $1 AND c.relkind IN ('r', 'S') AND x.grantee <> c.relowner";

const LACKING: &str = "\
SELECT c.relkind = 'S', c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname = $1 AND c.relkind IN ('r', 'S') AND c.relacl IS NOT NULL \
AND EXISTS (SELECT FROM aclexplode(acldefault(CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r' END, c.relowner)) d \
            WHERE NOT EXISTS (SELECT FROM aclexplode(c.relacl) x \
                              WHERE x.grantee = c.relowner AND x.privilege_type = d.privilege_type))";

const ON_SCHEMA: &str = "\
SELECT DISTINCT CASE WHEN x.grantee = 0 THEN NULL ELSE pg_get_userbyid(x.grantee)::text END \
FROM pg_namespace n, aclexplode(n.nspacl) x WHERE n.nspname = $1 AND x.grantee <> n.nspowner";

/// Takes every right of others on the tables and sequences of a schema away, and gives their owner all of its own. The
/// transaction acts for the owner.
pub(super) fn strip(client: &mut impl GenericClient, schema: &str) -> Result<(), postgres::Error> {
    let object = |row: &postgres::Row| {
        let kind = if row.get(0) { "SEQUENCE" } else { "TABLE" };
        format!("{kind} {}", in_schema(schema, row.get(1)))
    };
    let lacking = client.query(LACKING, &[&schema])?;
    let others = client.query(ON_TABLES, &[&schema])?;
    let mut statements: BTreeSet<String> = others
        .iter()
        .map(|row| format!("REVOKE ALL ON {} FROM {} CASCADE", object(row), role(row.get(2))))
        .collect();
    statements.extend(
        lacking
            .iter()
            .map(|row| format!("GRANT ALL ON {} TO CURRENT_USER", object(row))),
    );
    client.batch_execute(&statements.into_iter().collect::<Vec<_>>().join(";\n"))
}

/// The same for a schema itself.
pub(super) fn strip_schema(client: &mut impl GenericClient, schema: &str) -> Result<(), postgres::Error> {
    let rows = client.query(ON_SCHEMA, &[&schema])?;
    let statements: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "REVOKE ALL ON SCHEMA {} FROM {} CASCADE",
                quoted(schema),
                role(row.get(0))
            )
        })
        .collect();
    client.batch_execute(&statements.join(";\n"))
}

fn role(name: Option<&str>) -> String {
    name.map_or_else(|| "PUBLIC".to_owned(), quoted)
}
