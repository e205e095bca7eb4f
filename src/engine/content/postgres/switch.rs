//! The switch: all staged tables become live and all that they replace go aside, in one short transaction.
//!
//! Whether it was done can be seen in the database itself, whatever happened to whoever did it: the note of the schema
//! that takes the replaced tables changes in the same transaction.

use std::time::{Duration, Instant as Stopwatch};

use postgres::error::SqlState;
use postgres::{Client, GenericClient};
use serde::{Deserialize, Serialize};

use super::connect::Connector;
use super::names::{in_schema, quoted};
use super::stage::{Note, NoteState, Owner};
use crate::engine::content::ContentError;

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
        let mut client = connector.connect()?;
        self.stands(&mut client)
            .map_err(connector.failed("looking how far the switch is"))
    }

    fn stands(&self, client: &mut impl GenericClient) -> Result<Standing, postgres::Error> {
        Ok(match note(client, &self.replaced)? {
            Some(note) if note.state == NoteState::Replaced => Standing::Done,
            Some(_) => Standing::Pending,
            None => Standing::Unknown,
        })
    }

    /// Makes the new tables live. Does nothing when they are. Gives how long the locks were held.
    ///
    /// # Errors
    /// [`ContentError::Database`]; then the old tables are live.
    pub fn forward(
        &self,
        connector: &Connector,
        owner: &Owner,
        note: &Note,
    ) -> Result<Duration, ContentError> {
        let note = Note {
            state: NoteState::Replaced,
            came: self.comes.clone(),
            merged_versions: !self.before.is_empty(),
            ..note.clone()
        };
        let mut moves = Vec::new();
        for table in &self.goes {
            moves.push(moved(&self.live, table, &self.replaced));
            if self.aside.contains(table) {
                moves.push(renamed(&self.replaced, table, &other_name(table)));
            }
        }
        for table in &self.comes {
            if self.renamed.contains(table) {
                moves.push(renamed(&self.fresh, &other_name(table), table));
            }
            moves.push(moved(&self.fresh, table, &self.live));
        }
        self.exchange(
            connector,
            owner,
            &note,
            Standing::Pending,
            &moves,
            &self.goes,
            &self.before,
        )
    }

    /// Makes the old tables live again. Does nothing when they are.
    ///
    /// # Errors
    /// [`ContentError::Database`]; then the new tables are live.
    pub fn back(&self, connector: &Connector, owner: &Owner, note: &Note) -> Result<Duration, ContentError> {
        let note = Note {
            state: NoteState::Staged,
            came: Vec::new(),
            merged_versions: false,
            ..note.clone()
        };
        let mut moves = Vec::new();
        for table in &self.comes {
            moves.push(moved(&self.live, table, &self.fresh));
            if self.renamed.contains(table) {
                moves.push(renamed(&self.fresh, table, &other_name(table)));
            }
        }
        for table in &self.goes {
            if self.aside.contains(table) {
                moves.push(renamed(&self.replaced, &other_name(table), table));
            }
            moves.push(moved(&self.replaced, table, &self.live));
        }
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

    #[expect(clippy::too_many_arguments, reason = "both directions differ in nothing else")]
    fn exchange(
        &self,
        connector: &Connector,
        owner: &Owner,
        note: &Note,
        from: Standing,
        moves: &[String],
        locks: &[String],
        before: &[String],
    ) -> Result<Duration, ContentError> {
        let failed = connector.failed("switching the tables");
        let moving = moves.join(";\n");
        let lock = (!locks.is_empty()).then(|| {
            let names: Vec<_> = locks.iter().map(|table| in_schema(&self.live, table)).collect();
            format!(
                "LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE",
                names.join(", ONLY ")
            )
        });
        let note = note.statement(connector, &self.replaced)?;
        let mut client = connector.connect()?;
        let began = Stopwatch::now();
        loop {
            match attempt(
                &mut client,
                self,
                owner,
                from,
                before,
                lock.as_deref(),
                &moving,
                &note,
            ) {
                Ok(held) => return Ok(held),
                Err(Trouble::Unknown) => {
                    return Err(connector.wrong(
                        "switching the tables",
                        format!(
                            "the schema {} is gone or has lost its comment: somebody else has been at work",
                            self.replaced
                        ),
                    ));
                }
                Err(Trouble::Server(error)) if is_worth_a_retry(&error) && began.elapsed() < LOCK_LIMIT => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(Trouble::Server(error)) if is_worth_a_retry(&error) => {
                    let holders = holders(&mut client, &self.live, locks).unwrap_or_default();
                    return Err(connector.wrong(
                        "switching the tables",
                        format!(
                            "others held them for {} seconds{holders}: stop Magnolia, or end these sessions with \
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
    client: &mut Client,
    exchange: &Exchange,
    owner: &Owner,
    from: Standing,
    before: &[String],
    lock: Option<&str>,
    moving: &str,
    note: &str,
) -> Result<Duration, Trouble> {
    let mut transaction = client.transaction()?;
    // Of two that switch the same, one finds it done.
    transaction.batch_execute("SELECT pg_advisory_xact_lock(hashtext('lifeboat'))")?;
    match exchange.stands(&mut transaction)? {
        standing if standing == from => {}
        Standing::Unknown => return Err(Trouble::Unknown),
        _ => return Ok(Duration::ZERO),
    }
    if let Some(role) = &owner.role {
        transaction.batch_execute(&format!("SET LOCAL ROLE {}", quoted(role)))?;
    }
    // What is done to the version storage waits for those who write to it, and not for ever.
    transaction.batch_execute(&format!("SET LOCAL lock_timeout = '{BEFORE_WAIT}'"))?;
    for statement in before {
        transaction.batch_execute(statement)?;
    }
    let held = Stopwatch::now();
    if let Some(lock) = lock {
        // All locks together: a limit for each would add up over dozens of tables.
        transaction.batch_execute(&format!("SET LOCAL statement_timeout = '{LOCK_WAIT}'"))?;
        transaction.batch_execute(lock)?;
        transaction.batch_execute("SET LOCAL statement_timeout = 0")?;
    }
    transaction.batch_execute(&format!("{moving};\nRESET ROLE;\n{note}"))?;
    transaction.commit()?;
    Ok(held.elapsed())
}

/// Who holds the tables, as the end of a sentence.
fn holders(client: &mut Client, schema: &str, tables: &[String]) -> Result<String, postgres::Error> {
    let rows = client.query(
        "SELECT DISTINCT a.pid, coalesce(nullif(a.application_name, ''), a.usename::text, 'unknown'), \
         coalesce(a.state, 'unknown') \
         FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE n.nspname = $1 AND c.relname = ANY($2) AND l.granted AND l.pid <> pg_backend_pid() LIMIT 5",
        &[&schema, &tables],
    )?;
    let list: Vec<_> = rows
        .iter()
        .map(|row| {
            let (pid, name, state): (i32, String, String) = (row.get(0), row.get(1), row.get(2));
            format!("{name} (process {pid}, {state})")
        })
        .collect();
    Ok(if list.is_empty() {
        String::new()
    } else {
        format!(", among them {}", list.join(", "))
    })
}
