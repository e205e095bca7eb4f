//! How much room a restore into a database takes, and on which disk.

use std::os::unix::fs::MetadataExt;

use super::staging::is_staged;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::layout::Layout;
use crate::content::postgres::tables::Table;
use crate::content::restoring::Found;
use crate::domain::backup::InstanceCopy;
use crate::domain::environment::{DATA_STORE, VERSIONS};
use crate::domain::measure;
use crate::domain::plan::Selection;

/// A folder on the disk that the database is on: the configured one, or the server's own on this machine.
pub(in crate::content::postgres) fn disk(
    connector: &Connector,
    client: &mut postgres::Transaction<'_>,
) -> Option<std::path::PathBuf> {
    if let Some(folder) = &connector.settings().room {
        return Some(folder.clone());
    }
    if !connector.is_local() {
        return None;
    }
    // Only told to those who may read all settings. Whoever may not, names a folder.
    let row = client.query_one(
        "SELECT setting FROM pg_settings WHERE name = 'data_directory'",
        &[],
    );
    let folder: Option<String> = row.ok().and_then(|row| row.get(0));
    folder.map(std::path::PathBuf::from)
}

/// Who a folder belongs to, if not to the user that Lifeboat runs as; `None` for root, who may give files to anybody.
fn foreign(folder: &std::path::Path) -> Option<u32> {
    let me = rustix::process::geteuid();
    let owner = std::fs::metadata(folder).ok()?.uid();
    (!me.is_root() && owner != me.as_raw()).then_some(owner)
}

/// Room for a second copy of the tables.
pub(in crate::content::postgres) fn room_for_tables(
    found: &mut Found,
    connector: &Connector,
    client: &mut postgres::Transaction<'_>,
    copy: &InstanceCopy,
    staged: &[Table],
) {
    let bytes: u64 = copy
        .tables
        .iter()
        .filter(|copied| staged.iter().any(|table| table.name == copied.name))
        .map(|copied| copied.bytes)
        .sum();
    // Rows have a head each, and indexes come on top; the log of the server takes as much again for a while.
    let rows: u64 = copy
        .tables
        .iter()
        .filter(|copied| staged.iter().any(|table| table.name == copied.name))
        .map(|copied| copied.rows)
        .sum();
    let log: Option<String> = client
        .query_one("SELECT setting FROM pg_settings WHERE name = 'max_wal_size'", &[])
        .ok()
        .and_then(|row| row.get(0));
    let log = log.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) * 1024 * 1024;
    let tables = bytes + rows * 96;
    let needed = tables + log.min(tables);
    let Some(place) = disk(connector, client) else {
        found.beforehand.push(format!(
            "{} are needed in {}, and how much is free there cannot be told from here: name a folder on its disk as \
             room, or look yourself",
            measure::bytes(needed),
            connector.place()
        ));
        return;
    };
    found.push_room(
        format!("staging in the database of {}", copy.name),
        &place,
        needed,
    );
}

/// Room for Live's tables once more, beside what is staged of the backup: the ones are put together out of the others.
pub(super) fn room_for_parts(
    found: &mut Found,
    connector: &Connector,
    client: &mut postgres::Transaction<'_>,
    copy: &InstanceCopy,
    layout: &Layout,
    selection: &Selection,
) {
    let is_exchanged = |table: &&Table| table.workspace != VERSIONS && is_staged(selection, table);
    let exchanged = layout.tables.iter().filter(is_exchanged);
    let needed = exchanged.map(|table| table.found.total_bytes);
    let Some(place) = disk(connector, client) else {
        return;
    };
    let purpose = format!("staging all else of the workspaces of {}", copy.name);
    found.push_room(purpose, &place, needed.sum());
}

/// Room for records that the data store lacks.
pub(super) fn room_for_records(found: &mut Found, connector: &Connector, copy: &InstanceCopy) {
    if let Some(store) = &connector.settings().data_store {
        let missing = found
            .changes
            .iter()
            .any(|change| change.workspace == DATA_STORE && change.added + change.changed > 0);
        let needed = if missing {
            found
                .changes
                .iter()
                .filter(|change| change.workspace == DATA_STORE)
                .map(|change| {
                    let comes = change.added + change.changed;
                    change.bytes * comes / (comes + change.unchanged).max(1)
                })
                .sum()
        } else {
            0
        };
        if missing && let Some(owner) = foreign(store) {
            found.obstacles.push(format!(
                "the data store of {} belongs to user {owner}, and Lifeboat runs as another: Magnolia could not use what \
                 it adds there. Run the restore as root or as that user",
                copy.name
            ));
        }
        found.push_room(format!("data store of {}", copy.name), store, needed);
    }
}
