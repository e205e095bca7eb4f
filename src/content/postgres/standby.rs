//! Standbys that are to confirm what is written (`synchronous_standby_names`): after a switch, whether they have it too.
//!
//! The switch itself waits for none. A transaction that waits keeps its locks, so that one frozen standby would hold
//! Magnolia and the restore for as long as it is frozen; and a wait that is cut short from this side leaves the question
//! open whether the transaction took place. So the switch is one of this server alone: it is known at once whether it was
//! done, and whatever others write and have confirmed afterwards confirms it as well. What that leaves is a failover in
//! between, to a standby that still has the old content, whole: the job therefore asks for a confirmation of its own, for
//! a short time, and says so if there is none.
//!
//! Not in here: a standby that is waited for and not connected, which is told before anything happens (`limits`).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use postgres::GenericClient;

use super::connect::Connector;
use super::session::LOCAL;
use crate::content::ContentError;

/// How long a standby has to confirm a switch. One that follows does in less than a second; Magnolia waits meanwhile.
pub const LIMIT: Duration = Duration::from_secs(5);
/// How often it is tried to end a wait.
const AGAIN: Duration = Duration::from_secs(1);
const DOING: &str = "asking whether a standby has the switch too";

/// Waits until the standbys that are to confirm what is written have all that was written until now, for `limit` at most.
/// Gives the names of those that have not, as the server's settings have them; `None` where all have, or none is asked or
/// connected.
///
/// # Errors
/// [`ContentError::Database`] when the server cannot be asked.
pub fn missing(connector: &Connector, limit: Duration) -> Result<Option<String>, ContentError> {
    let failed = connector.failed(DOING);
    let (mut session, connector) = connector.connect_to_one()?;
    let mut look = session.begin().map_err(&failed)?;
    let Some(names) = asked(&mut look).map_err(&failed)? else {
        return Ok(None);
    };
    look.commit().map_err(&failed)?;
    let mut client = session.into_client();
    let token = client.cancel_token();
    let (ended, end) = channel::<()>();
    let is_late = AtomicBool::new(false);
    let end_it = || {
        is_late.store(true, Ordering::SeqCst);
        // One that does not arrive is sent once more.
        let _ = connector.cancel(&token);
    };
    let waited = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut wait = limit;
            while end.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                end_it();
                wait = AGAIN;
            }
        });
        // Committed with what it writes: a transaction that writes nothing waits for nobody.
        let waited = client.transaction().and_then(|mut transaction| {
            transaction.batch_execute(LOCAL)?;
            transaction.batch_execute(
                "SET LOCAL synchronous_commit = on; SELECT pg_logical_emit_message(true, 'lifeboat', 'switched')",
            )?;
            transaction.commit()
        });
        drop(ended);
        waited
    });
    if is_late.into_inner() {
        // A wait that is ended is no error to the server, unless it had not come to it yet.
        return Ok(Some(names));
    }
    waited.map_err(failed).map(|()| None)
}

/// The standbys that have to confirm what is written, where any standby is connected.
fn asked(client: &mut impl GenericClient) -> Result<Option<String>, postgres::Error> {
    let row = client.query_one(
        "SELECT current_setting('synchronous_standby_names'), EXISTS (SELECT FROM pg_stat_replication)",
        &[],
    )?;
    let (names, is_followed): (String, bool) = (row.get(0), row.get(1));
    Ok((is_followed && !names.is_empty()).then_some(names))
}
