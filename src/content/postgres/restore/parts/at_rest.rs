//! That Live's tables stay as they are from the first look to the exchange.
//!
//! Every row has a place in its table, and the number of the transaction that wrote it there. Both together change with every
//! row that is added, changed or removed, and never come back: so what they add up to tells whether anybody has written. It is
//! read without what the rows hold.

use postgres::GenericClient;

use crate::content::ContentError;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::names::{in_schema, literal};
use crate::content::postgres::tables::Table;

/// What some tables of Live add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AtRest {
    live: String,
    sums: Vec<(String, String)>,
}

const MOVED: &str = "somebody has written to Live while the restore was prepared, and nothing of that may be lost: stop \
                     Magnolia, and restore again";

fn sum(live: &str, table: &str) -> String {
    format!(
        "SELECT count(*)::text || ' ' || coalesce(sum(('x' || substr(md5(tableoid::text || ' ' || ctid::text || ' ' || \
         xmin::text), 1, 15))::bit(60)::bigint), 0)::text FROM {}",
        in_schema(live, table)
    )
}

impl AtRest {
    /// Looks at tables.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub(super) fn look<'t>(
        connector: &Connector,
        client: &mut impl GenericClient,
        tables: impl IntoIterator<Item = &'t Table>,
    ) -> Result<Self, ContentError> {
        let live = connector.settings().schema.clone();
        let mut sums = Vec::new();
        for table in tables {
            let row = client
                .query_one(&sum(&live, &table.name), &[])
                .map_err(connector.failed("looking whether Live is at rest"))?;
            sums.push((table.name.clone(), row.get(0)));
        }
        Ok(Self { live, sums })
    }

    /// Holds the tables, for as long as the transaction lasts, so that nobody writes to them, and makes sure that nobody has.
    ///
    /// # Errors
    /// [`ContentError::Database`], also when somebody has.
    pub(super) fn hold(
        &self,
        connector: &Connector,
        client: &mut impl GenericClient,
    ) -> Result<(), ContentError> {
        let failed = connector.failed("holding Live still");
        for statement in
            std::iter::once("SET LOCAL lock_timeout = '5s'".to_owned()).chain(self.statements("SHARE"))
        {
            client.batch_execute(&statement).map_err(&failed)?;
        }
        Ok(())
    }

    /// Statements that do the same in the transaction of the exchange.
    pub(super) fn guards(&self) -> Vec<String> {
        self.statements("SHARE ROW EXCLUSIVE")
    }

    fn statements(&self, mode: &str) -> Vec<String> {
        let mut statements = Vec::new();
        for (table, _) in &self.sums {
            statements.push(format!(
                "LOCK TABLE {} IN {mode} MODE",
                in_schema(&self.live, table)
            ));
        }
        for (table, known) in &self.sums {
            statements.push(format!(
                "DO $lifeboat$ BEGIN IF ({}) <> {} THEN RAISE EXCEPTION {}; END IF; END $lifeboat$",
                sum(&self.live, table),
                literal(known),
                literal(MOVED)
            ));
        }
        statements
    }
}
