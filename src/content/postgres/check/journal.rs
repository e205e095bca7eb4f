//! The part of a check that is about the journal of a cluster of Jackrabbits: how large it is. What every node has seen stays
//! in it for ever unless Jackrabbit is told to remove it.

use super::within;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::names::in_schema;
use crate::content::postgres::session::Session;
use crate::domain::check::Findings;
use crate::domain::measure;

/// Found as the layout finds it: by the end of its name and its columns, in whatever case.
const JOURNALS: &str = "\
SELECT c.relname::text, pg_total_relation_size(c.oid), has_table_privilege(c.oid, 'SELECT'), \
       greatest(c.reltuples, 0)::bigint \
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname = $1 AND c.relkind = 'r' AND lower(c.relname::text) LIKE '%journal' \
AND 2 = (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         AND lower(a.attname::text) IN ('revision_id', 'journal_id')) ORDER BY 1";

/// How long counting may take: a large one is told as the server last counted it.
const LIMIT: &str = "SET LOCAL statement_timeout = '5s'";

pub(super) fn check(connector: &Connector, session: &mut Session, findings: &mut Findings<'_>) {
    const ABOUT: &str = "cluster journal";
    let schema = &connector.settings().schema;
    let failed = connector.failed("looking at the cluster's journal");
    let found = within(connector, session, |transaction| {
        transaction.query(JOURNALS, &[schema]).map_err(&failed)
    });
    let rows = match found {
        Ok(rows) => rows,
        Err(error) => return findings.failed(ABOUT, error.to_string()),
    };
    for row in rows {
        let (name, bytes, may_read, about): (String, i64, bool, i64) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let counted = may_read.then(|| {
            within(connector, session, |transaction| {
                transaction.batch_execute(LIMIT).map_err(&failed)?;
                let count = format!("SELECT count(*) FROM {}", in_schema(schema, &name));
                let row = transaction.query_one(&count, &[]).map_err(&failed)?;
                Ok(row.get::<_, i64>(0))
            })
        });
        let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
        let records = match counted {
            Some(Ok(count)) => measure::so_many(unsigned(count), "record", "records"),
            // One that takes too long to count.
            Some(Err(_)) => format!("about {}", measure::so_many(unsigned(about), "record", "records")),
            None => "records that may not be counted".to_owned(),
        };
        findings.ok(
            ABOUT,
            format!(
                "{name}: {records}, {}. What every node has seen is removed only where janitorEnabled is true in the \
                 Journal of Jackrabbit's configuration, and it grows without limit where it is not",
                measure::bytes(unsigned(bytes))
            ),
        );
    }
}
