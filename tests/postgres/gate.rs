//! A gate in a database: the server stops at a chosen statement and waits until the test has done what it is about.
//!
//! It is an event trigger of PostgreSQL's own, so that whoever sends the statement knows nothing of it.

use std::time::{Duration, Instant};

use postgres::Client;

use crate::house::House;

/// What the waiting and the holding agree on.
const KEY: i64 = 4711;
/// A test that waits longer has failed.
const LIMIT: Duration = Duration::from_mins(2);

/// A closed gate. It opens when it is dropped or its server is killed.
pub struct Gate {
    holder: Client,
}

impl Gate {
    /// Stops whoever has run a statement of this kind (`ALTER TABLE`) on an object whose name is like the pattern, before
    /// its transaction goes on.
    pub fn after(house: &House, database: &str, tag: &str, pattern: &str) -> Self {
        // The server does not tell what a GRANT was about.
        if pattern == "%" {
            return Self::close(house, database, "ddl_command_end", tag, "true");
        }
        let condition = format!(
            "EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '{pattern}')"
        );
        Self::close(house, database, "ddl_command_end", tag, &condition)
    }

    /// Stops whoever is about to run a statement of this kind.
    pub fn before(house: &House, database: &str, tag: &str) -> Self {
        Self::close(house, database, "ddl_command_start", tag, "true")
    }

    /// [`Gate::after`]; without a pattern, [`Gate::before`].
    pub fn at(house: &House, database: &str, tag: &str, pattern: &str) -> Self {
        if pattern.is_empty() {
            Self::before(house, database, tag)
        } else {
            Self::after(house, database, tag, pattern)
        }
    }

    fn close(house: &House, database: &str, event: &str, tag: &str, condition: &str) -> Self {
        let mut holder = house.client(database);
        holder
            .batch_execute(&format!(
                "DROP EVENT TRIGGER IF EXISTS gate; SELECT pg_advisory_lock({KEY}); \
                 CREATE OR REPLACE FUNCTION public.gate() RETURNS event_trigger LANGUAGE plpgsql \
                 SET lock_timeout = 0 AS $$ BEGIN IF {condition} THEN PERFORM pg_advisory_xact_lock_shared({KEY}); \
                 END IF; END $$; \
                 CREATE EVENT TRIGGER gate ON {event} WHEN TAG IN ('{tag}') EXECUTE FUNCTION public.gate()"
            ))
            .unwrap();
        Self { holder }
    }

    /// Waits until somebody stands at the gate, and gives the number of its server process; of one, if there are several.
    pub fn wait(&mut self) -> i32 {
        wait_for(|| self.met())
    }

    /// The number of the server process that stands at the gate, if one does.
    pub fn met(&mut self) -> Option<i32> {
        let row = self
            .holder
            .query_opt(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid::bigint = $1 AND NOT granted \
                 ORDER BY pid LIMIT 1",
                &[&KEY],
            )
            .unwrap();
        row.map(|row| row.get(0))
    }

    /// Opens it for good.
    pub fn open(mut self) {
        self.holder
            .batch_execute(&format!(
                "DROP EVENT TRIGGER gate; SELECT pg_advisory_unlock({KEY})"
            ))
            .unwrap();
    }
}

/// Takes away what is left of a gate whose server was killed.
pub fn remove(house: &House, database: &str) {
    house
        .client(database)
        .batch_execute("DROP EVENT TRIGGER IF EXISTS gate")
        .unwrap();
}

/// Asks again and again until there is an answer. Each question is one to a server, which is waited for.
pub fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < LIMIT, "what was waited for did not come");
    }
}

/// Waits until somebody waits for a lock on a table.
pub fn wait_for_blocked(client: &mut Client) -> i32 {
    wait_for(|| {
        let row = client
            .query_opt(
                "SELECT pid FROM pg_locks WHERE locktype = 'relation' AND NOT granted LIMIT 1",
                &[],
            )
            .unwrap();
        row.map(|row| row.get(0))
    })
}
