//! Settling a cluster in the transaction of a switch.

use postgres::error::SqlState;
use postgres::{GenericClient, Transaction};

use super::{Acts, Cluster, Table, as_user, find};
use crate::content::left::Settled;
use crate::content::postgres::names::{in_schema, quoted};
use crate::domain::measure::listed;
use crate::domain::settings::PostgresSettings;

/// Why a cluster could not be settled.
pub(in crate::content::postgres) enum Unsettled {
    /// What the server said.
    Server(postgres::Error),
    /// What keeps it from being settled, as a sentence.
    Kept(String),
}

impl From<postgres::Error> for Unsettled {
    fn from(error: postgres::Error) -> Self {
        Self::Server(error)
    }
}

/// Settles every cluster in a schema, and keeps its nodes from saving until the transaction ends. `wait` is how long it
/// waits for those that are saving just now. The transaction acts for nobody before and after; `owner` is the role that it
/// may act for.
///
/// The clusters' tables are locked before any other: a node that saves holds them first, so that one which is in the middle of
/// it can end, and none begins.
pub(in crate::content::postgres) fn settle(
    transaction: &mut Transaction<'_>,
    schema: &str,
    settings: &PostgresSettings,
    owner: Option<&String>,
    wait: &str,
) -> Result<Vec<Settled>, Unsettled> {
    let mut settled = Vec::new();
    for cluster in find(transaction, schema, settings)? {
        if let Some(kept) = cluster.kept(transaction)?.into_iter().next() {
            return Err(Unsettled::Kept(kept));
        }
        if cluster.acts(transaction, owner)? == Acts::Owner
            && let Some(role) = owner
        {
            transaction.batch_execute(&format!("SET LOCAL ROLE {}", quoted(role)))?;
        }
        settled.push(cluster.settle(transaction, wait)?);
        as_user(transaction)?;
    }
    Ok(settled)
}

/// The triggers that are set on tables and run, with whether they do so even where changes come from elsewhere.
const TRIGGERS: &str = "\
SELECT c.relname::text, g.tgname::text, g.tgenabled = 'A' FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid \
WHERE g.tgrelid = ANY($1) AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A') \
AND pg_has_role(current_user, c.relowner, 'USAGE') ORDER BY 1, 2";

/// Whether the user may truncate a table, and nobody refers to it.
const MAY_TRUNCATE: &str = "\
SELECT has_table_privilege(c.oid, 'TRUNCATE') \
AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = c.oid AND k.conrelid <> c.oid) \
FROM pg_class c WHERE c.oid = $1";

/// What refers to a row of a table by a foreign key that keeps the row: the constraint, and the table that has it.
const REFERS: &str = "\
SELECT k.conname::text, n.nspname::text, c.relname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
JOIN pg_namespace n ON n.oid = c.relnamespace \
WHERE k.contype = 'f' AND k.confrelid = $1 AND k.conrelid <> $1 AND k.confdeltype IN ('a', 'r') ORDER BY 2, 3, 1";

impl Cluster {
    /// What keeps it from being settled by whoever may do so, as sentences.
    pub(super) fn kept(&self, client: &mut impl GenericClient) -> Result<Vec<String>, postgres::Error> {
        let mut kept: Vec<_> = self.odd().into_iter().collect();
        if let Some(journal) = &self.journal {
            let rows = client.query(REFERS, &[&journal.oid])?;
            kept.extend(rows.iter().map(|row| {
                let (key, schema, table): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
                format!(
                    "the table {table} refers to the journal {} of the cluster by the foreign key {key}, which keeps its rows: a restore \
                     has to empty it, and with rows of before in it a node that is new cannot open its repository. Take the key \
                     away: `ALTER TABLE {} DROP CONSTRAINT {}`",
                    journal.name,
                    in_schema(schema, table),
                    quoted(key)
                )
            }));
        }
        Ok(kept)
    }

    /// That one of its tables is none, as a sentence.
    fn odd(&self) -> Option<String> {
        self.all().find_map(|table| {
            Some(format!(
                "{} of the cluster is {}, which a restore cannot settle together with the exchange of the tables: put its rows \
                 into a table of that name, or name what it begins with in leave_alone if it is somebody else's",
                table.name, table.odd?
            ))
        })
    }

    fn settle(&self, transaction: &mut Transaction<'_>, wait: &str) -> Result<Settled, Unsettled> {
        let names: Vec<_> = self.all().map(|table| self.in_schema(table)).collect();
        // Whoever only looks is let through.
        transaction.batch_execute(&format!("SET LOCAL statement_timeout = '{wait}'"))?;
        transaction.batch_execute(&format!("LOCK TABLE {} IN EXCLUSIVE MODE", names.join(", ")))?;
        transaction.batch_execute("SET LOCAL statement_timeout = 0")?;
        let with_all = self.try_to_settle(transaction, &[], wait);
        // What somebody has hung on the tables runs, unless it would keep the cluster from being settled.
        let why = match with_all {
            Ok(settled) => return Ok(settled),
            Err(Unsettled::Server(error)) if !is_refusal(&error) => return Err(error.into()),
            Err(why) => why,
        };
        let triggers = self.triggers(transaction)?;
        if !triggers.is_empty()
            && let Ok(settled) = self.try_to_settle(transaction, &triggers, wait)
        {
            return Ok(settled);
        }
        // No row of the journal may stay: a node that is new reads all of them.
        Err(why)
    }

    fn triggers(&self, transaction: &mut Transaction<'_>) -> Result<Vec<Trigger>, postgres::Error> {
        let oids: Vec<u32> = self.all().map(|table| table.oid).collect();
        let rows = transaction.query(TRIGGERS, &[&oids])?;
        let triggers = rows.iter().map(|row| Trigger {
            table: row.get(0),
            name: row.get(1),
            is_always: row.get(2),
        });
        Ok(triggers.collect())
    }

    /// Settles it, without these triggers. When that cannot be done, nothing of it is.
    fn try_to_settle(
        &self,
        transaction: &mut Transaction<'_>,
        without: &[Trigger],
        wait: &str,
    ) -> Result<Settled, Unsettled> {
        let mut savepoint = transaction.transaction()?;
        let alter = |what: &dyn Fn(&Trigger) -> &'static str| -> Vec<String> {
            let statements = without.iter().map(|trigger| {
                format!(
                    "ALTER TABLE {}.{} {} TRIGGER {}",
                    quoted(&self.schema),
                    quoted(&trigger.table),
                    what(trigger),
                    quoted(&trigger.name)
                )
            });
            statements.collect()
        };
        savepoint.batch_execute(&alter(&|_| "DISABLE").join(";"))?;
        let before = self.nodes(&mut savepoint)?;
        let revision = self.level(&mut savepoint)?;
        if let Some(journal) = &self.journal {
            self.empty(&mut savepoint, journal, wait)?;
        }
        let again = |trigger: &Trigger| {
            if trigger.is_always {
                "ENABLE ALWAYS"
            } else {
                "ENABLE"
            }
        };
        savepoint.batch_execute(&alter(&again).join(";"))?;
        let nodes = self.nodes(&mut savepoint)?;
        if let Some(revision) = revision
            && let Some((node, at)) = nodes.iter().find(|(_, at)| *at != revision)
        {
            return Err(Unsettled::Kept(format!(
                "the node {node} of the cluster stays at revision {at} though it was set to {revision}: a trigger, a rule or \
                 a policy stands on {}; take it away while the restore runs",
                listed(&self.tables())
            )));
        }
        savepoint.commit()?;
        Ok(Settled {
            tables: self.tables(),
            nodes: nodes.into_iter().map(|(node, _)| node).collect(),
            behind: before
                .into_iter()
                .filter(|(_, at)| revision.is_some_and(|revision| *at < revision))
                .map(|(node, _)| node)
                .collect(),
            revision,
            put_aside: without
                .iter()
                .map(|trigger| format!("the trigger {} of {}", trigger.name, trigger.table))
                .collect(),
        })
    }

    /// Sets every node to the revision that counts, which is raised where something is ahead of it. Gives it.
    fn level(&self, transaction: &mut Transaction<'_>) -> Result<Option<i64>, postgres::Error> {
        let row = transaction.query_one(
            &format!(
                "SELECT {}, {}, {}",
                self.highest(self.global.as_ref()),
                self.highest(self.local.as_ref()),
                self.highest(self.journal.as_ref())
            ),
            &[],
        )?;
        let (global, local, journal): (Option<i64>, Option<i64>, Option<i64>) =
            (row.get(0), row.get(1), row.get(2));
        // One that has no revision at all is none that a node could save in: there is nothing to set nodes to.
        let Some(global) = global else {
            return Ok(None);
        };
        let highest = global.max(local.unwrap_or(global)).max(journal.unwrap_or(global));
        for (table, is_needed) in [(&self.global, highest > global), (&self.local, true)] {
            let Some(table) = table.as_ref().filter(|_| is_needed) else {
                continue;
            };
            let Some(column) = table.column("revision_id") else {
                continue;
            };
            transaction.batch_execute(&format!(
                "UPDATE {} SET {column} = {highest} WHERE {column} IS DISTINCT FROM {highest}",
                self.in_schema(table)
            ))?;
        }
        Ok(Some(highest))
    }

    /// Empties the journal: at once where that may be done, since it may be large, else row by row.
    fn empty(&self, transaction: &mut Transaction<'_>, journal: &Table, wait: &str) -> Result<(), Unsettled> {
        let name = self.in_schema(journal);
        let is_settled = |transaction: &mut Transaction<'_>| {
            let row = transaction.query_one(&format!("SELECT NOT EXISTS (SELECT FROM {name})"), &[]);
            row.map(|row| row.get::<_, bool>(0))
        };
        if is_settled(transaction)? {
            return Ok(());
        }
        let mut ways = Vec::new();
        if transaction.query_one(MAY_TRUNCATE, &[&journal.oid])?.get(0) {
            // Somebody may be reading it: then row by row, which lets readers be.
            ways.push((wait, format!("TRUNCATE {name}")));
        }
        ways.push(("0", format!("DELETE FROM {name}")));
        let mut refused = None;
        for (limit, statement) in ways {
            let mut savepoint = transaction.transaction()?;
            let limit = format!("SET LOCAL statement_timeout = '{limit}'");
            let done = savepoint
                .batch_execute(&limit)
                .and_then(|()| savepoint.batch_execute(&statement))
                .and_then(|()| savepoint.batch_execute("SET LOCAL statement_timeout = 0"));
            match done {
                Ok(()) => savepoint.commit()?,
                Err(error) => {
                    savepoint.rollback()?;
                    refused = Some(error);
                    continue;
                }
            }
            if is_settled(transaction)? {
                return Ok(());
            }
        }
        Err(refused.map_or_else(
            || {
                Unsettled::Kept(format!(
                    "the journal {} of the cluster cannot be emptied: a trigger, a rule or a policy keeps its rows; take it \
                     away while the restore runs",
                    journal.name
                ))
            },
            Unsettled::Server,
        ))
    }
}

struct Trigger {
    table: String,
    name: String,
    is_always: bool,
}

/// Whether something that hangs on a table may have said no, and not the server for reasons of its own.
fn is_refusal(error: &postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        ![
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::QUERY_CANCELED,
            SqlState::ADMIN_SHUTDOWN,
            SqlState::READ_ONLY_SQL_TRANSACTION,
        ]
        .contains(code)
    })
}
