//! The part of a check that says which rights in a database are missing, with the statement that gives each and where it is
//! typed.

use super::within;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::layout::Layout;
use crate::content::postgres::rights;
use crate::content::postgres::session::Session;
use crate::domain::check::Findings;

pub(super) fn check(
    connector: &Connector,
    session: &mut Session,
    layout: &Layout,
    findings: &mut Findings<'_>,
) {
    let for_backup = within(connector, session, |transaction| {
        rights::for_backup(connector, transaction, layout)
    });
    let for_restore = if connector.settings().backups_only {
        findings.ok(
            "rights to restore",
            "not needed: backups_only is set, and restores into it are refused",
        );
        None
    } else {
        Some(within(connector, session, |transaction| {
            let mut missing = rights::for_staging(connector, transaction, layout)?;
            missing.extend(rights::for_exchange(connector, transaction, layout)?);
            Ok(missing)
        }))
    };
    for (about, missing) in [
        ("rights to back up", Some(for_backup)),
        ("rights to restore", for_restore),
    ] {
        match missing {
            None => {}
            Some(Err(error)) => findings.failed(about, error.to_string()),
            Some(Ok(missing)) if missing.is_empty() => findings.ok(about, "none is missing"),
            Some(Ok(missing)) => {
                // The same statement in another database succeeds and gives nothing.
                let place = connector.place();
                for missing in missing {
                    let sentence = missing.sentence();
                    findings.failed(
                        about,
                        format!("{sentence}, typed in the database of this instance, {place}"),
                    );
                }
            }
        }
    }
}
