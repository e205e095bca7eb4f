//! Loads rows into a schema beside the live one, completes its tables, and reads them back. Live is not touched.
//!
//! A restore makes two schemas: one that is filled here and emptied by the switch, and one that takes what the switch
//! replaces. Both carry a [`Note`] as their comment.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use postgres::{GenericClient, Transaction};

use super::bare;
use super::blueprint::{Blueprints, Part};
use super::connect::Connector;
use super::describe::set_search_path;
use super::layout;
use super::names::{in_schema, quoted};
use super::note;
use super::read::{Piece, Reader, extents};
use super::rehearsal::run;
use super::rows::{RowDigest, Sum};
use super::schema;
use super::session::Session;
use super::tables::Table;
use crate::concurrency::workers;
use crate::content::ContentError;
use crate::content::left::Note;
use crate::domain::backup::TableCopy;
use crate::domain::measure;
use crate::watch::Watch;

/// The role that the live tables belong to. Everything that is staged has to belong to it as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The role, if Lifeboat's user has to become it.
    pub role: Option<String>,
}

impl Owner {
    /// Finds the role: the owner of most live tables, or of those in the backup if it exists here.
    ///
    /// # Errors
    /// [`ContentError::Database`] when the user may not become it.
    pub fn find(
        connector: &Connector,
        client: &mut impl GenericClient,
        live: &[Table],
        staged: &[Table],
    ) -> Result<Self, ContentError> {
        let failed = connector.failed("looking who owns the tables");
        let of = |tables: &[Table]| {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for table in tables {
                *counts.entry(table.owner.clone()).or_default() += 1;
            }
            counts
                .into_iter()
                .max_by_key(|(_, count)| *count)
                .map(|(owner, _)| owner)
        };
        let owners: std::collections::BTreeSet<_> = live.iter().map(|table| table.owner.as_str()).collect();
        if owners.len() > 1 {
            let names: Vec<_> = owners.into_iter().collect();
            return Err(connector.wrong(
                "preparing a restore",
                format!(
                    "the tables belong to several roles ({}): give them all to one with ALTER TABLE … OWNER TO",
                    names.join(", ")
                ),
            ));
        }
        let is_live = !live.is_empty();
        let Some(owner) = of(live).or_else(|| of(staged)) else {
            return Ok(Self { role: None });
        };
        let row = client
            .query_one(
                "SELECT current_user::text, EXISTS (SELECT FROM pg_roles WHERE rolname = $1), \
                 coalesce((SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = $1), false)",
                &[&owner],
            )
            .map_err(failed)?;
        let (user, exists, is_member): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
        if user == owner || (!exists && !is_live) {
            return Ok(Self { role: None });
        }
        if !is_member {
            return Err(connector.wrong(
                "preparing a restore",
                format!(
                    "the tables belong to {owner} and {user} may not act for it: GRANT {} TO {}",
                    quoted(&owner),
                    quoted(&user)
                ),
            ));
        }
        Ok(Self { role: Some(owner) })
    }

    /// From here on the transaction acts for the owner, until it ends.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub fn act(&self, connector: &Connector, transaction: &mut Transaction<'_>) -> Result<(), ContentError> {
        if let Some(role) = &self.role {
            transaction
                .batch_execute(&format!("SET LOCAL ROLE {}", quoted(role)))
                .map_err(connector.failed("acting for the owner of the tables"))?;
        }
        Ok(())
    }
}

/// Whoever tells the rows of a table, in PostgreSQL's binary COPY form.
pub type RowSource<'a, E> =
    dyn Fn(&Table, &mut dyn FnMut(&[u8]) -> Result<(), ContentError>) -> Result<(), E> + Sync + 'a;

/// The two schemas of a restore.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The database.
    pub connector: Connector,
    /// What is filled.
    pub fresh: String,
    /// What takes the replaced tables.
    pub replaced: String,
    /// Who the tables belong to.
    pub owner: Owner,
}

impl Stage {
    /// Makes both schemas with their notes.
    ///
    /// # Errors
    /// [`ContentError::Database`] with the right that is missing.
    pub fn make(&self, note: &Note) -> Result<(), ContentError> {
        self.make_schemas(&[&self.fresh, &self.replaced], note)
    }

    /// Makes only the schema that is filled, for a drill.
    ///
    /// # Errors
    /// As [`Stage::make`].
    pub fn make_fresh(&self, note: &Note) -> Result<(), ContentError> {
        self.make_schemas(&[&self.fresh], note)
    }

    /// Makes only the schema that takes the replaced tables.
    ///
    /// # Errors
    /// As [`Stage::make`].
    pub fn make_replaced(&self, note: &Note) -> Result<(), ContentError> {
        self.make_schemas(&[&self.replaced], note)
    }

    fn make_schemas(&self, schemas: &[&str], note: &Note) -> Result<(), ContentError> {
        let failed = self.connector.failed("making a schema beside the live one");
        let mut session = self.connector.connect()?;
        let mut transaction = session.begin().map_err(&failed)?;
        for schema in schemas {
            self.make_schema(&mut transaction, schema, note)?;
        }
        transaction.commit().map_err(failed)
    }

    fn make_schema(
        &self,
        client: &mut impl GenericClient,
        schema: &str,
        note: &Note,
    ) -> Result<(), ContentError> {
        let failed = self.connector.failed("making a schema beside the live one");
        let name = quoted(schema);
        client
            .batch_execute(&format!("CREATE SCHEMA {name}"))
            .map_err(&failed)?;
        bare::strip_schema(client, schema).map_err(&failed)?;
        let mut statements = Vec::new();
        if let Some(role) = &self.owner.role {
            statements.push(format!(
                "GRANT USAGE, CREATE ON SCHEMA {name} TO {}",
                quoted(role)
            ));
        }
        statements.push(note::statement(note, &self.connector, schema)?);
        client.batch_execute(&statements.join(";\n")).map_err(failed)
    }

    /// Loads the tables, the largest first, over several connections. Rows come frozen, as the server calls it: whoever
    /// began to read before they were loaded sees them all the same once they are live.
    ///
    /// # Errors
    /// What `source` says; [`ContentError::Database`] when the server fails. What was loaded until then stays.
    pub fn load<E: From<ContentError> + Send>(
        &self,
        tables: &[Table],
        drawn: &Blueprints,
        copies: &[TableCopy],
        source: &RowSource<'_, E>,
        cancelled: &(dyn Fn() -> Result<(), E> + Sync),
        watch: &dyn Watch,
    ) -> Result<(), E> {
        let size = |table: &Table| {
            copies
                .iter()
                .find(|copy| copy.name == table.name)
                .map_or(0, |copy| copy.bytes)
        };
        if !drawn.sequences.is_empty() {
            let failed = self.connector.failed("making sequences");
            let mut session = self.connector.connect()?;
            let mut transaction = session.begin().map_err(&failed)?;
            self.owner.act(&self.connector, &mut transaction)?;
            self.run(&mut transaction, &drawn.sequences)?;
            bare::strip(&mut transaction, &self.fresh).map_err(&failed)?;
            transaction.commit().map_err(failed)?;
        }
        let mut order: Vec<&Table> = tables.iter().collect();
        order.sort_by_key(|table| std::cmp::Reverse(size(table)));
        let workers = self.connector.at_a_time(order.len())?;
        workers::each(workers, &order, |tables| {
            let mut session = self.connector.connect()?;
            while let Some(table) = tables.next() {
                let go_on = || {
                    if tables.is_stopped() {
                        return Err(self.connector.wrong("loading", "another table failed").into());
                    }
                    cancelled()
                };
                self.load_table(&mut session, table, drawn, source, &go_on, watch)?;
            }
            Ok(())
        })
        .map(drop)
    }

    fn load_table<E: From<ContentError>>(
        &self,
        session: &mut Session,
        table: &Table,
        drawn: &Blueprints,
        source: &RowSource<'_, E>,
        go_on: &dyn Fn() -> Result<(), E>,
        watch: &dyn Watch,
    ) -> Result<(), E> {
        watch.part(&table.name);
        go_on()?;
        let doing = format!("loading the table {}", table.name);
        let failed = self.connector.failed(&doing);
        let mut transaction = session.begin().map_err(&failed)?;
        self.owner.act(&self.connector, &mut transaction)?;
        self.find_names(&mut transaction).map_err(&failed)?;
        let Some(drawn) = drawn.of(&table.name) else {
            return Err(self.connector.wrong(&doing, "nobody has drawn it").into());
        };
        // What is staged is brought to disk with the switch at the latest.
        transaction
            .batch_execute("SET LOCAL synchronous_commit = off")
            .map_err(&failed)?;
        if table.any_bytes {
            transaction.batch_execute(ANY_BYTES).map_err(&failed)?;
        }
        self.run(&mut transaction, &drawn.create)?;
        bare::strip(&mut transaction, &self.fresh).map_err(&failed)?;
        let statement = format!(
            "COPY {} ({}) FROM STDIN (FORMAT binary, FREEZE)",
            in_schema(&self.fresh, &table.name),
            table.column_list()
        );
        let mut writer = transaction.copy_in(&statement).map_err(&failed)?;
        let mut stopped = None;
        let lost = |error: std::io::Error| match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(told) => self.connector.wrong(&doing, super::connect::sentence(told)),
            None => self.connector.wrong(&doing, error.to_string()),
        };
        let poured = source(table, &mut |bytes| {
            if let Err(error) = go_on() {
                stopped = Some(error);
                return Err(self.connector.wrong(&doing, "it was stopped"));
            }
            writer.write_all(bytes).map_err(lost)?;
            watch.advance(0, bytes.len() as u64);
            Ok(())
        });
        if let Some(error) = stopped {
            return Err(error);
        }
        poured?;
        let rows = writer.finish().map_err(&failed)?;
        self.run(&mut transaction, &drawn.complete)?;
        transaction.commit().map_err(&failed)?;
        watch.advance(rows, 0);
        Ok(())
    }

    /// Gives the staged tables the rights that others have on the live ones, or had when the backup was taken; and tells
    /// the server how much is in them.
    ///
    /// # Errors
    /// [`ContentError::Database`].
    pub fn dress(&self, tables: &[Table], drawn: &Blueprints, live: &[Table]) -> Result<(), ContentError> {
        let failed = self.connector.failed("granting rights on what is staged");
        let mut session = self.connector.connect()?;
        let mut transaction = session.begin().map_err(&failed)?;
        self.owner.act(&self.connector, &mut transaction)?;
        self.find_names(&mut transaction).map_err(&failed)?;
        for table in &drawn.tables {
            self.run(&mut transaction, &table.finish)?;
        }
        self.count(&mut transaction, drawn)?;
        let roles: Vec<String> = transaction
            .query("SELECT rolname::text FROM pg_roles", &[])
            .map_err(&failed)?
            .iter()
            .map(|row| row.get(0))
            .collect();
        for table in tables {
            let model = live.iter().find(|live| live.name == table.name).unwrap_or(table);
            for statement in schema::grants(table, model, &self.fresh, &|role| {
                roles.iter().any(|known| known == role)
            }) {
                run(&mut transaction, &statement).map_err(&failed)?;
            }
        }
        transaction.commit().map_err(&failed)?;
        for table in tables {
            let mut transaction = session.begin().map_err(&failed)?;
            self.owner.act(&self.connector, &mut transaction)?;
            let analyze = format!("ANALYZE {}", in_schema(&self.fresh, &table.name));
            transaction.batch_execute(&analyze).map_err(&failed)?;
            transaction.commit().map_err(&failed)?;
        }
        Ok(())
    }

    pub(super) fn run(&self, client: &mut impl GenericClient, parts: &[Part]) -> Result<(), ContentError> {
        for part in parts {
            let failed = self.connector.failed(&format!("making {}", part.what));
            run(client, &part.statement).map_err(failed)?;
        }
        Ok(())
    }

    pub(super) fn count(
        &self,
        client: &mut impl GenericClient,
        drawn: &Blueprints,
    ) -> Result<(), ContentError> {
        for counter in &drawn.counters {
            run(client, counter).map_err(self.connector.failed("setting a sequence"))?;
        }
        Ok(())
    }

    /// From here on names are looked up in what is staged, and then in the live schema, where types and operators of
    /// extensions may be.
    fn find_names(&self, client: &mut impl GenericClient) -> Result<(), postgres::Error> {
        set_search_path(client, &[&self.fresh, &self.connector.settings().schema])
    }

    /// Reads back what was staged and compares rows and digests with what the backup says. Gives the first table that is
    /// not what it should be, as the beginning of a sentence.
    ///
    /// # Errors
    /// [`ContentError::Database`] when it cannot be read.
    pub fn difference(
        &self,
        copies: &[TableCopy],
        watch: &dyn Watch,
    ) -> Result<Option<String>, ContentError> {
        let layout = layout::look_at(&self.connector, &self.fresh)?;
        let tables = Arc::new(layout.tables);
        let digest = RowDigest::of_record(copies);
        let sums = sums(&self.connector, &self.fresh, &tables, digest, watch)?;
        for copy in copies {
            let found = tables.iter().position(|table| table.name == copy.name);
            let sum = found
                .and_then(|index| sums.get(index))
                .copied()
                .unwrap_or_else(|| Sum::new(digest));
            if sum.rows != copy.rows || sum.digest() != copy.digest {
                return Ok(Some(format!(
                    "the table {} has {} and is not what the backup holds ({})",
                    copy.name,
                    measure::so_many(sum.rows, "row", "rows"),
                    measure::so_many(copy.rows, "row", "rows")
                )));
            }
        }
        Ok(None)
    }
}

/// Texts come and go as they are, whatever they are.
const ANY_BYTES: &str = "SELECT set_config('client_encoding', 'SQL_ASCII', true) WHERE current_setting('server_encoding') = 'SQL_ASCII'";

/// What the rows of each table of a schema come to.
///
/// # Errors
/// [`ContentError::Database`] when one cannot be read.
pub fn sums(
    connector: &Connector,
    schema: &str,
    tables: &Arc<Vec<Table>>,
    digest: RowDigest,
    watch: &dyn Watch,
) -> Result<Vec<Sum>, ContentError> {
    let cut = extents(tables, true);
    let count = cut.len();
    let reader = Reader::start(connector, schema, None, Arc::clone(tables), cut, digest)?;
    let mut sums = vec![Sum::new(digest); tables.len()];
    let mut done = 0;
    while let Some(mut reading) = reader.next() {
        let index = reading.extent.table;
        if let Some(table) = tables.get(index) {
            watch.part(&table.name);
        }
        loop {
            match reading.pieces.recv() {
                Ok(Piece::Rows(group)) => {
                    watch.advance(group.sum.rows, group.sum.bytes);
                    if let Some(sum) = sums.get_mut(index) {
                        sum.merge(&group.sum);
                    }
                }
                Ok(Piece::End) => break,
                Ok(Piece::Failed(error)) => return Err(error),
                Err(_) => return Err(connector.wrong("reading", "whoever read the tables has stopped")),
            }
        }
        done += 1;
    }
    if done < count {
        return Err(connector.wrong("reading", "whoever read the tables has stopped"));
    }
    Ok(sums)
}
