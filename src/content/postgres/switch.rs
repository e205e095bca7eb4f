//! The switch: all staged tables become live and all that they replace go aside, in one short transaction. What tells the
//! nodes of a cluster of changes is settled in the same (`cluster`).
//!
//! Whether it was done can be seen in the database itself, whatever happened to whoever did it: the note of the schema
//! that takes the replaced tables changes in the same transaction. It waits for no standby, and `standby` says why.

use std::time::{Duration, Instant as Stopwatch};

use postgres::GenericClient;
use postgres::error::SqlState;
use serde::{Deserialize, Serialize};

use super::cluster::{self, Unsettled};
use super::connect::Connector;
use super::holders::holders;
use super::names::{in_schema, quoted};
use super::note;
use super::replaced::PREFIX;
use super::session::Session;
use super::stage::Owner;
use crate::content::ContentError;
use crate::content::left::{Note, NoteState};
use crate::content::switching::Switched;

/// How long the switch waits for its locks, all together. Whoever comes after it waits as long, so this is short, and
/// tried again.
const LOCK_WAIT: &str = "60ms";
/// How long what comes before it waits for a lock.
const BEFORE_WAIT: &str = "5s";
/// How long it is tried in all.
const LOCK_LIMIT: Duration = Duration::from_secs(90);
/// Between two tries others get their turn.
const LOCK_PAUSE: Duration = Duration::from_millis(250);

/// One exchange of tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The live schema.
    pub live: String,
    /// Where the tables are that come.
    pub fresh: String,
    /// Where those go that are replaced.
    pub replaced: String,
    /// The tables that come.
    pub comes: Vec<String>,
    /// The tables that go.
    pub goes: Vec<String>,
    /// Those of `goes` that nothing of the same name replaces. They get another name: Jackrabbit looks for its tables in
    /// every schema, and would not make one that it finds in another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<String>,
    /// Those of `comes` that an earlier switch has given another name for that reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed: Vec<String>,
    /// Statements that make sure that Live is still what the exchange was worked out for. They come first, and fail where it
    /// is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<String>,
    /// Statements that belong to the same moment, run before any lock is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// Statements that take those back, run before an exchange back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before_back: Vec<String>,
}

/// Where an exchange stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The old tables are live.
    Pending,
    /// The new tables are live.
    Done,
    /// Somebody else has been at work: the schema is gone, or its note is.
    Unknown,
}

/// Reads the note of a schema. `None` when there is no such schema, or it has no note of Lifeboat's.
pub(super) fn note(client: &mut impl GenericClient, schema: &str) -> Result<Option<Note>, postgres::Error> {
    let row = client.query_opt(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1",
        &[&schema],
    )?;
    let text: Option<String> = row.and_then(|row| row.get(0));
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

impl Exchange {
    /// Where it stands.
    ///
    /// # Errors
    /// [`ContentError::Database`] when the database cannot be asked.
    pub fn standing(&self, connector: &Connector) -> Result<Standing, ContentError> {
        let failed = connector.failed("looking how far the switch is");
        let mut session = connector.connect()?;
        let mut transaction = session.begin().map_err(&failed)?;
        self.stands(&mut transaction).map_err(failed)
    }

    /// Makes sure that it can be told whether it was done.
    ///
    /// # Errors
    /// [`ContentError::Database`] when the database cannot be asked, or does not know it any more.
    pub fn is_known(&self, connector: &Connector, owner: &Owner) -> Result<(), ContentError> {
        match self.standing(connector)? {
            Standing::Unknown => Err(self.unknown(connector)),
            Standing::Pending if !self.guards.is_empty() => self.is_guarded(connector, owner),
            Standing::Pending | Standing::Done => Ok(()),
        }
    }

    /// Looks whether it would be stopped by its guards, before the first of several exchanges is made.
    fn is_guarded(&self, connector: &Connector, owner: &Owner) -> Result<(), ContentError> {
        let failed = connector.failed("looking whether Live is at rest");
        let mut session = connector.connect()?;
        let mut transaction = session.begin().map_err(&failed)?;
        owner.act(connector, &mut transaction)?;
        for guard in &self.guards {
            transaction.batch_execute(guard).map_err(&failed)?;
        }
        transaction.rollback().map_err(failed)
    }

    fn unknown(&self, connector: &Connector) -> ContentError {
        connector.wrong(
            "switching the tables",
            format!(
                "the schema {} is gone or has lost its comment: somebody else has been at work",
                self.replaced
            ),
        )
    }

    fn stands(&self, client: &mut impl GenericClient) -> Result<Standing, postgres::Error> {
        Ok(match note(client, &self.replaced)? {
            Some(note) if note.state == NoteState::Replaced => Standing::Done,
            Some(_) => Standing::Pending,
            None => Standing::Unknown,
        })
    }

    /// Makes the new tables live. Does nothing when they are. Gives how long the locks were held, and what was settled.
    ///
    /// # Errors
    /// [`ContentError::Database`]; then the old tables are live.
    pub fn forward(
        &self,
        connector: &Connector,
        owner: &Owner,
        note: &Note,
    ) -> Result<Switched, ContentError> {
        let note = Note {
            state: NoteState::Replaced,
            came: self.comes.clone(),
            merged_versions: !self.before.is_empty(),
            ..note.clone()
        };
        let mut goes = Moves::new(&self.live, &self.goes, &self.replaced);
        for table in &self.goes {
            goes.statements.push(moved(&self.live, table, &self.replaced));
            if self.aside.contains(table) {
                goes.statements
                    .push(renamed(&self.replaced, table, &other_name(table)));
            }
        }
        let mut comes = Moves::new(&self.fresh, &Self::named(&self.comes, &self.renamed), &self.live);
        for table in &self.comes {
            if self.renamed.contains(table) {
                comes
                    .statements
                    .push(renamed(&self.fresh, &other_name(table), table));
            }
            comes.statements.push(moved(&self.fresh, table, &self.live));
        }
        let moves = [goes, comes];
        self.exchange(
            connector,
            owner,
            &note,
            Standing::Pending,
            &moves,
            &self.goes,
            &[self.guards.as_slice(), self.before.as_slice()].concat(),
        )
    }

    /// Makes the old tables live again. Does nothing when they are.
    ///
    /// # Errors
    /// [`ContentError::Database`]; then the new tables are live.
    pub fn back(&self, connector: &Connector, owner: &Owner, note: &Note) -> Result<Switched, ContentError> {
        let note = Note {
            state: NoteState::Staged,
            came: Vec::new(),
            merged_versions: false,
            ..note.clone()
        };
        let mut comes = Moves::new(&self.live, &self.comes, &self.fresh);
        for table in &self.comes {
            comes.statements.push(moved(&self.live, table, &self.fresh));
            if self.renamed.contains(table) {
                comes
                    .statements
                    .push(renamed(&self.fresh, table, &other_name(table)));
            }
        }
        let mut goes = Moves::new(&self.replaced, &Self::named(&self.goes, &self.aside), &self.live);
        for table in &self.goes {
            if self.aside.contains(table) {
                goes.statements
                    .push(renamed(&self.replaced, &other_name(table), table));
            }
            goes.statements.push(moved(&self.replaced, table, &self.live));
        }
        let moves = [comes, goes];
        self.exchange(
            connector,
            owner,
            &note,
            Standing::Done,
            &moves,
            &self.comes,
            &self.before_back,
        )
    }

    /// Tables by the names that they have while they stand aside.
    fn named(tables: &[String], others: &[String]) -> Vec<String> {
        let name = |table: &String| {
            if others.contains(table) {
                other_name(table)
            } else {
                table.clone()
            }
        };
        tables.iter().map(name).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "both directions differ in nothing else")]
    fn exchange(
        &self,
        connector: &Connector,
        owner: &Owner,
        note: &Note,
        from: Standing,
        moves: &[Moves; 2],
        locks: &[String],
        before: &[String],
    ) -> Result<Switched, ContentError> {
        let failed = connector.failed("switching the tables");
        let lock = (!locks.is_empty()).then(|| {
            let names: Vec<_> = locks.iter().map(|table| in_schema(&self.live, table)).collect();
            format!(
                "LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE",
                names.join(", ONLY ")
            )
        });
        let mut session = connector.connect()?;
        let began = Stopwatch::now();
        loop {
            match attempt(
                connector,
                &mut session,
                self,
                owner,
                from,
                before,
                lock.as_deref(),
                moves,
                note,
            ) {
                Ok(switched) => return Ok(switched),
                Err(Trouble::Unknown) => return Err(self.unknown(connector)),
                Err(Trouble::Content(error)) => return Err(error),
                Err(Trouble::Server(error)) if is_worth_a_retry(&error) && began.elapsed() < LOCK_LIMIT => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(Trouble::Server(error)) if is_worth_a_retry(&error) => {
                    let holders = session
                        .begin()
                        .and_then(|mut transaction| {
                            let settings = connector.settings();
                            let mut held = cluster::tables(&mut transaction, &self.live, settings)?;
                            held.extend_from_slice(locks);
                            holders(&mut transaction, &self.live, &held)
                        })
                        .unwrap_or_default();
                    return Err(connector.wrong(
                        "switching the tables",
                        format!(
                            "others held them for {} seconds{holders}: stop Magnolia, or end sessions with \
                             pg_terminate_backend, and try again",
                            LOCK_LIMIT.as_secs()
                        ),
                    ));
                }
                Err(Trouble::Server(error)) => return Err(failed(error)),
            }
        }
    }
}

/// Tables that go from one schema to another.
struct Moves {
    from: String,
    tables: Vec<String>,
    to: String,
    statements: Vec<String>,
}

impl Moves {
    /// Tables with the names that they have in `from`.
    fn new(from: &str, tables: &[String], to: &str) -> Self {
        Self {
            from: from.to_owned(),
            tables: tables.to_vec(),
            to: to.to_owned(),
            statements: Vec::new(),
        }
    }
}

/// Statements that move what belongs to tables and does not go with them by itself: statistics over several columns, and
/// sequences that no column owns. Of those that nothing counts with, the ones go whose names come from the other side, and
/// come back whenever what they went with does (`taken`).
fn companions(
    client: &mut impl GenericClient,
    moves: &Moves,
    other: &Moves,
) -> Result<Vec<String>, postgres::Error> {
    let rows = client.query(
        "SELECT 'STATISTICS', s.stxname::text FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace AND n.oid = s.stxnamespace \
         WHERE n.nspname = $1 AND c.relname = ANY($2) \
         UNION SELECT 'SEQUENCE', s.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_attrdef f ON f.adrelid = c.oid \
         JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass \
         JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S' AND s.relnamespace = n.oid \
         WHERE n.nspname = $1 AND c.relname = ANY($2) AND NOT EXISTS (SELECT FROM pg_depend o \
               WHERE o.classid = 'pg_class'::regclass AND o.objid = s.oid AND o.refclassid = 'pg_class'::regclass \
               AND o.deptype IN ('a', 'i')) \
         UNION SELECT 'SEQUENCE', s.relname::text FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace \
         WHERE n.nspname = $1 AND s.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend o \
               WHERE o.classid = 'pg_class'::regclass AND o.objid = s.oid AND o.refclassid = 'pg_class'::regclass \
               AND o.deptype IN ('a', 'i')) \
         AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.refclassid = 'pg_class'::regclass AND x.refobjid = s.oid \
                         AND x.deptype = 'n') \
         AND (starts_with(n.nspname, $5) OR EXISTS (SELECT FROM pg_class f JOIN pg_namespace m ON m.oid = f.relnamespace \
              WHERE m.nspname = $3 AND f.relkind = 'S' AND f.relname = s.relname AND NOT EXISTS (SELECT FROM pg_depend o \
                    JOIN pg_class t ON t.oid = o.refobjid \
                    WHERE o.classid = 'pg_class'::regclass AND o.objid = f.oid AND o.refclassid = 'pg_class'::regclass \
                    AND o.deptype IN ('a', 'i') AND t.relname <> ALL($4)))) ORDER BY 1, 2",
        &[&moves.from, &moves.tables, &other.from, &other.tables, &PREFIX],
    )?;
    Ok(rows
        .iter()
        .map(|row| {
            let (kind, name): (&str, &str) = (row.get(0), row.get(1));
            format!(
                "ALTER {kind} {} SET SCHEMA {}",
                in_schema(&moves.from, name),
                quoted(&moves.to)
            )
        })
        .collect())
}

fn moved(from: &str, table: &str, to: &str) -> String {
    format!("ALTER TABLE {} SET SCHEMA {}", in_schema(from, table), quoted(to))
}

fn renamed(schema: &str, table: &str, name: &str) -> String {
    format!(
        "ALTER TABLE {} RENAME TO {}",
        in_schema(schema, table),
        quoted(name)
    )
}

/// What a table is called that stands aside.
#[must_use]
pub fn other_name(table: &str) -> String {
    format!("{table}~")
}

/// The name that a table which stands aside had, and whether that is another one.
#[must_use]
pub fn own_name(table: &str) -> (&str, bool) {
    table
        .strip_suffix('~')
        .map_or((table, false), |name| (name, true))
}

enum Trouble {
    Server(postgres::Error),
    Content(ContentError),
    Unknown,
}

impl From<postgres::Error> for Trouble {
    fn from(error: postgres::Error) -> Self {
        Self::Server(error)
    }
}

fn is_worth_a_retry(error: &postgres::Error) -> bool {
    matches!(
        error.code(),
        Some(&SqlState::LOCK_NOT_AVAILABLE | &SqlState::T_R_DEADLOCK_DETECTED | &SqlState::QUERY_CANCELED)
    )
}

#[expect(
    clippy::too_many_arguments,
    reason = "it is the body of a loop, taken out to be read by itself"
)]
fn attempt(
    connector: &Connector,
    session: &mut Session,
    exchange: &Exchange,
    owner: &Owner,
    from: Standing,
    before: &[String],
    lock: Option<&str>,
    moves: &[Moves; 2],
    note: &Note,
) -> Result<Switched, Trouble> {
    let mut transaction = session.begin()?;
    // Of two that switch the same, one finds it done. A connection that is lost may hold it for a while.
    transaction.batch_execute(&format!(
        "SET LOCAL lock_timeout = '{BEFORE_WAIT}'; SELECT pg_advisory_xact_lock(hashtext('lifeboat'))"
    ))?;
    match exchange.stands(&mut transaction)? {
        standing if standing == from => {}
        Standing::Unknown => return Err(Trouble::Unknown),
        _ => {
            let done = self::note(&mut transaction, &exchange.replaced)?;
            return Ok(Switched {
                held: None,
                settled: done.map(|note| note.settled).unwrap_or_default(),
            });
        }
    }
    let mut settled = cluster::settle(
        &mut transaction,
        &exchange.live,
        connector.settings(),
        owner.role.as_ref(),
        LOCK_WAIT,
    )
    .map_err(|unsettled| match unsettled {
        Unsettled::Server(error) => Trouble::Server(error),
        Unsettled::Kept(why) => Trouble::Content(connector.wrong("settling the cluster", why)),
    })?;
    // One that is exchanged back and forth settles what is settled: who was behind is known from the first time.
    let earlier = self::note(&mut transaction, &exchange.replaced)?;
    for earlier in earlier.map(|note| note.settled).unwrap_or_default() {
        let same = settled.iter_mut().find(|now| now.tables == earlier.tables);
        if let Some(now) = same {
            now.behind.extend(earlier.behind);
            now.behind.sort();
            now.behind.dedup();
        }
    }
    let note = Note {
        settled: settled.clone(),
        ..note.clone()
    };
    let note = note::statement(&note, connector, &exchange.replaced).map_err(Trouble::Content)?;
    if let Some(role) = &owner.role {
        transaction.batch_execute(&format!("SET LOCAL ROLE {}", quoted(role)))?;
    }
    for statement in before {
        transaction.batch_execute(statement)?;
    }
    // Looked for before anything moves: where it stands tells whose it is.
    let companions = [
        companions(&mut transaction, &moves[0], &moves[1])?,
        companions(&mut transaction, &moves[1], &moves[0])?,
    ];
    let held = Stopwatch::now();
    if let Some(lock) = lock {
        // All locks together: a limit for each would add up over dozens of tables.
        transaction.batch_execute(&format!("SET LOCAL statement_timeout = '{LOCK_WAIT}'"))?;
        transaction.batch_execute(lock)?;
        transaction.batch_execute("SET LOCAL statement_timeout = 0")?;
    }
    let mut moving: Vec<&str> = Vec::new();
    for (moves, companions) in moves.iter().zip(&companions) {
        moving.extend(moves.statements.iter().chain(companions).map(String::as_str));
    }
    moving.extend(["SET LOCAL role TO DEFAULT", &note]);
    transaction.batch_execute(&moving.join(";\n"))?;
    transaction.commit()?;
    Ok(Switched {
        held: Some(held.elapsed()),
        settled,
    })
}
