//! The part of a check that is about tables of the newest backup which Live lacks, and whose names something else has taken
//! meanwhile. Not in here: names of their indexes, sequences and statistics: a plan reads from the backup which those are.

use std::collections::BTreeSet;

use super::within;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::layout::Layout;
use crate::content::postgres::restore::plan::moved;
use crate::content::postgres::session::Session;
use crate::content::postgres::stage::Owner;
use crate::content::postgres::taken;
use crate::content::restoring::Checked;
use crate::domain::check::Findings;
use crate::domain::plan::Selection;

pub(super) fn check(
    connector: &Connector,
    session: &mut Session,
    layout: &Layout,
    about: &Checked<'_>,
    findings: &mut Findings<'_>,
) {
    let tables = about.last.iter().flat_map(|copy| &copy.tables);
    let lacking: BTreeSet<String> = tables
        .map(|table| &table.name)
        .filter(|name| layout.tables.iter().all(|live| live.name != **name))
        .cloned()
        .collect();
    if lacking.is_empty() {
        return;
    }
    let arrivals = taken::arrivals_of(&lacking);
    let found = within(connector, session, |transaction| {
        let owner = Owner::find(connector, transaction, &layout.tables, &layout.tables)?;
        let goes = moved(&layout.tables, &Selection::default());
        taken::find(connector, transaction, &owner, (&arrivals, &lacking), &goes)
    });
    // What keeps it from being looked at has been said of the tables already.
    for sentence in found.unwrap_or_default().obstacles {
        findings.failed(
            "tables",
            format!("the newest backup cannot be restored: {sentence}"),
        );
    }
}
