//! Who else is connected to a database.
//!
//! Lifeboat's own sessions are told by the name that all of them give themselves (`application_name`), `pg_dump`'s
//! included: of this process, which may have several, and of other machines, whose numbers nobody here knows. The session
//! that asks is left out by its number, whatever it is called. Behind a pooler the server sees the pooler's address instead of
//! ours, and the name all the same: a pooler hands it on with each transaction, and may add where it came from. Who else uses
//! that pooler, nobody can tell from here: its sessions have the name of whoever had them last, which may be Lifeboat.
//!
//! The server shows everybody who is connected as whom. Since when, and from where, it shows of the sessions of roles that one
//! is a member of, and of all others to members of `pg_read_all_stats`.

use chrono::DateTime;
use postgres::GenericClient;

use super::connect::{Connector, PROGRAM};
use super::names::quoted;
use super::session::Between;
use crate::content::ContentError;
use crate::content::connected::Connected;
use crate::domain::measure;
use crate::domain::settings::SessionSettings;

/// Sessions of clients. What is none of those, the server's own workers and those who carry its log away, says so, or is
/// known by where else it is listed, or has no user.
const SESSIONS: &str = "\
SELECT a.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), \
       coalesce(host(a.client_addr), ''), extract(epoch FROM a.backend_start)::float8, a.backend_type IS NULL, \
       coalesce(a.application_name = ANY($2), false) OR coalesce(a.usename::text = ANY($3), false) \
       OR coalesce(a.client_addr <<= ANY($4::text[]::inet[]), false) \
       OR $5 AND a.backend_type IS NOT NULL AND a.client_addr IS NULL, \
       current_user::text \
FROM pg_stat_activity a \
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.usesysid IS NOT NULL \
AND coalesce(a.backend_type, 'client backend') = 'client backend' \
AND a.application_name <> $1 AND NOT starts_with(a.application_name, $1 || ' - ') \
AND NOT EXISTS (SELECT FROM pg_stat_replication r WHERE r.pid = a.pid) \
AND NOT EXISTS (SELECT FROM pg_stat_subscription s WHERE s.pid = a.pid) \
ORDER BY a.backend_start, a.pid";

/// Looks who else is connected.
pub(super) fn connected(
    connector: &Connector,
    client: &mut impl GenericClient,
) -> Result<Connected, ContentError> {
    let settings = &connector.settings().sessions;
    let (sockets, addresses): (Vec<_>, Vec<_>) = settings
        .addresses
        .iter()
        .partition(|address| *address == SessionSettings::SOCKET);
    let rows = client
        .query(
            SESSIONS,
            &[
                &PROGRAM,
                &settings.programs,
                &settings.users,
                &addresses,
                &!sockets.is_empty(),
            ],
        )
        .map_err(connector.failed("looking who is connected"))?;
    let mut connected = Connected {
        wait: settings.wait.duration(),
        is_behind_a_pooler: connector.between() == Some(Between::Pooler),
        ..Connected::default()
    };
    for row in rows {
        let session = Session {
            process: row.get(0),
            program: row.get(1),
            user: row.get(2),
            address: row.get(3),
            began: row.get(4),
            is_hidden: row.get(5),
        };
        if session.is_hidden {
            let user: &str = row.get(7);
            connected.hidden = Some(format!(
                "From where and since when sessions of other roles are connected is hidden from {user}: \
                 `GRANT pg_read_all_stats TO {}` shows it",
                quoted(user)
            ));
        }
        if settings.all || row.get(6) {
            connected.allowed.push(session.described());
        } else {
            connected.in_the_way.push(session.described());
        }
    }
    Ok(connected)
}

/// One session, as the server tells of it.
struct Session {
    process: i32,
    program: String,
    user: String,
    /// Empty for one over the server's socket.
    address: String,
    /// In seconds since 1970.
    began: Option<f64>,
    is_hidden: bool,
}

impl Session {
    fn described(&self) -> String {
        let program = match self.program.as_str() {
            "" => "a program without a name",
            name => name,
        };
        let (user, process) = (&self.user, self.process);
        if self.is_hidden {
            return format!("{program} as {user} (process {process})");
        }
        let from = match self.address.as_str() {
            "" => "over the server's socket".to_owned(),
            address => format!("from {address}"),
        };
        #[expect(clippy::cast_possible_truncation, reason = "a moment in whole seconds")]
        let began = self.began.map(|seconds| seconds as i64);
        let since = match began.and_then(|seconds| DateTime::from_timestamp(seconds, 0)) {
            Some(moment) => format!(" since {}", measure::moment_exact(moment)),
            None => String::new(),
        };
        format!("{program} as {user} {from}{since} (process {process})")
    }
}
