//! The part of a check that is about the home beside a database.

use crate::content::left::Left;
use crate::content::postgres::home;
use crate::content::postgres::layout::Layout;
use crate::content::postgres::tables::Holds;
use crate::content::restoring::{Checked, World};
use crate::domain::check::Findings;
use crate::domain::settings::PostgresSettings;

/// Looks at it. `left` is what restores have left in the database, whose files in the home are known.
pub(super) fn check(
    settings: &PostgresSettings,
    world: &World,
    layout: &Layout,
    left: &[Left],
    about: &Checked<'_>,
    findings: &mut Findings<'_>,
) {
    let in_tables = layout
        .tables
        .iter()
        .find(|table| table.holds == Holds::FileSystem);
    let known: Vec<_> = left
        .iter()
        .filter_map(|left| Some(left.note.beside.as_ref()?.staging.clone()))
        .collect();
    // What a job that runs has made is its business.
    let place = settings.home.as_deref().filter(|_| !about.is_at_work);
    let left = place
        .map(|home| home::staging::left(home, &known))
        .unwrap_or_default();
    home::check(
        settings.home.as_deref(),
        in_tables.map(|table| table.name.as_str()),
        &left,
        world,
        findings,
    );
}
