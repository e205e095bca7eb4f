//! The part of a check that is about who else is connected to a database, and whether anybody ends that before a restore.

use super::within;
use crate::content::connected::{BEHIND_A_POOLER, sessions};
use crate::content::postgres::connect::Connector;
use crate::content::postgres::session::Session;
use crate::content::postgres::sessions::connected;
use crate::content::restoring::Checked;
use crate::domain::check::Findings;
use crate::domain::measure::listed;
use crate::domain::settings::HookPoint;

pub(super) fn check(
    about: &Checked<'_>,
    connector: &Connector,
    session: &mut Session,
    findings: &mut Findings<'_>,
) {
    const ABOUT: &str = "sessions";
    let is_stopped = about.has_hook(HookPoint::BeforeRestore);
    let found = match within(connector, session, |transaction| {
        connected(connector, transaction)
    }) {
        Ok(found) => found,
        Err(error) => return findings.failed(ABOUT, error.to_string()),
    };
    if !found.allowed.is_empty() {
        findings.ok(
            ABOUT,
            format!(
                "{} may stay connected while a restore exchanges the tables: {}",
                sessions(found.allowed.len()),
                found.who_may_stay()
            ),
        );
    }
    if found.is_behind_a_pooler && !is_stopped {
        findings.warning(
            ABOUT,
            format!("{BEHIND_A_POOLER}. No before_restore hook is configured for that"),
        );
    }
    let count = sessions(found.in_the_way.len());
    let who = format!("{}{}", found.who_is_in_the_way(), found.what_is_hidden());
    match (found.in_the_way.is_empty(), is_stopped) {
        (true, _) if found.allowed.is_empty() => findings.ok(ABOUT, "nobody else is connected"),
        (true, _) => {}
        (false, true) if !about.unstopped.is_empty() => findings.warning(
            ABOUT,
            format!(
                "{count} of others, and no before_restore hook that ends those of {}: a restore stops before it touches Live as long \
                 as anybody else is connected. Let a hook of each node, or one of the instance for all of them, stop it, or name \
                 who may stay as sessions: {who}",
                listed(&about.unstopped)
            ),
        ),
        (false, true) if found.hidden.is_none() => findings.ok(
            ABOUT,
            format!("{count} of others, which before_restore has to end before a restore: {who}"),
        ),
        (false, true) => findings.warning(
            ABOUT,
            format!("{count} of others, which before_restore has to end before a restore: {who}"),
        ),
        (false, false) => findings.warning(
            ABOUT,
            format!(
                "{count} of others, and no before_restore hook that ends them: a restore stops before it touches Live as long \
                 as anybody else is connected. Let a before_restore hook stop Magnolia, or name who may stay as sessions: {who}"
            ),
        ),
    }
}
