//! The part of a restore plan that is about an instance in a database: what would change, whether there is room, and what
//! stands in the way.

use super::room::{room_for_parts, room_for_records, room_for_tables};
use super::staging::{described, is_staged};
use super::{making, nodes, parts, records};
use crate::content::ContentError;
use crate::content::backed_up::{BackedUp, BackedUpFiles};
use crate::content::postgres::cluster;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::data_store::{self, Standing};
use crate::content::postgres::layout::{Layout, look};
use crate::content::postgres::limits::{self, Hinders, Limit};
use crate::content::postgres::rights::{self, Missing};
use crate::content::postgres::stage::Owner;
use crate::content::postgres::tables::{Holds, Table};
use crate::content::restoring::{Found, RestoreError, Wanted};
use crate::domain::backup::InstanceCopy;
use crate::domain::environment::{DATA_STORE, VERSIONS, WorkspaceKind};
use crate::domain::plan::{Selection, WorkspaceChange};
use crate::watch::Watch;

/// Plans the restore of one instance.
pub(in crate::content::postgres) fn plan(
    connector: &Connector,
    backup: &dyn BackedUp,
    wanted: &Wanted<'_>,
    watch: &dyn Watch,
) -> Result<Found, RestoreError> {
    let (selection, copy) = (wanted.selection, backup.copy());
    let mut found = before_any_look(connector, copy);
    let files = backup.files()?;
    let described = described(&*files, &copy.name)?;
    let has_store = copy
        .workspaces
        .iter()
        .any(|workspace| workspace.name == DATA_STORE);
    let store_is_table = described.iter().any(|table| table.workspace == DATA_STORE);
    let has_folder = has_store && !store_is_table;
    if has_folder && connector.settings().data_store.is_none() {
        found.obstacles.push(format!(
            "the backup of {} holds a data store in a folder, and none is configured: name its folder as data_store",
            copy.name
        ));
        return Ok(found);
    }
    let (layout, mut session, connector) = look(connector)?;
    let (connector, failed) = (&connector, connector.failed("looking at the database"));
    if !layout.unreadable.is_empty() {
        found.obstacles.extend(layout.unreadable);
        return Ok(found);
    }
    tell_lacking(&layout.lacking, wanted, &mut found);
    found.warnings.extend(layout.suspect.iter().cloned());
    found
        .obstacles
        .extend(several_version_storages(&layout, selection));
    let sides = (layout.tables.is_empty(), described.as_slice());
    if !changes(connector, backup, &*files, sides, wanted, &mut found, watch)? {
        return Ok(found);
    }
    if has_folder {
        look_at_records(&mut found, connector, &*files)?;
    }
    let mut staged: Vec<Table> = described
        .into_iter()
        .filter(|table| is_staged(selection, table))
        .collect();
    if selection.has_paths() {
        match parts::tables::to_make(selection, staged, &layout.tables) {
            Ok(tables) => staged = tables,
            Err(_) => return Ok(found),
        }
    }
    // Each has a transaction of its own: one that cannot be done leaves the others as they are, and none is open while the
    // tables are read.
    let owner = Owner::find(
        connector,
        &mut session.begin().map_err(&failed)?,
        &layout.tables,
        &staged,
    );
    cluster::tell(
        connector,
        &mut session.begin().map_err(&failed)?,
        owner.as_ref().ok(),
        (&copy.name, selection),
        &mut found,
    )?;
    let missing = rights::for_staging(connector, &mut session.begin().map_err(&failed)?, &layout)?;
    let mut takes_changes = missing.is_empty();
    let limits = limits::find(connector, &mut session.begin().map_err(&failed)?, &layout)?;
    takes_changes &= tell_limits(limits, &mut found);
    let owner = owner
        .map_err(|error| found.obstacles.push(error.to_string()))
        .ok();
    let sides = (staged.as_slice(), layout.tables.as_slice());
    let owner = owner.filter(|_| takes_changes);
    making::look(
        &mut found,
        connector,
        &mut session,
        owner.as_ref(),
        (copy, selection),
        sides,
    )?;
    found.obstacles.extend(missing.iter().map(Missing::sentence));
    found.changes_more |= !layout.lacking.is_empty() || layout.tables.is_empty();
    let mut transaction = session.begin().map_err(&failed)?;
    found
        .warnings
        .extend(clinging(connector, &mut transaction, &layout, selection)?);
    room_for_tables(&mut found, connector, &mut transaction, copy, &staged);
    if selection.has_paths() {
        room_for_parts(&mut found, connector, &mut transaction, copy, &layout, selection);
    }
    room_for_records(&mut found, connector, copy);
    found.warnings.extend(only_chosen(&layout, copy, selection));
    Ok(found)
}

/// Tells what is set for the database or the user. Gives whether a restore can be tried all the same.
fn tell_limits(limits: Vec<Limit>, found: &mut Found) -> bool {
    let mut takes_changes = true;
    for limit in limits {
        match limit.hinders {
            Hinders::Everything | Hinders::Restores => {
                takes_changes = false;
                found.obstacles.push(limit.sentence);
            }
            Hinders::Nothing => found.warnings.push(limit.sentence),
        }
    }
    takes_changes
}

/// Finds out what would change. Gives whether there is any use in looking further.
fn changes(
    connector: &Connector,
    backup: &dyn BackedUp,
    files: &dyn BackedUpFiles,
    (is_empty, described): (bool, &[Table]),
    wanted: &Wanted<'_>,
    found: &mut Found,
    watch: &dyn Watch,
) -> Result<bool, RestoreError> {
    let (selection, copy) = (wanted.selection, backup.copy());
    if selection.has_paths() {
        if is_empty {
            found.obstacles.push(format!(
                "the database of {} holds nothing that nodes could come back into: restore everything",
                copy.name
            ));
            return Ok(false);
        }
        parts::plan::changes(connector, files, described, copy, selection, found, watch)?;
        let records = nodes::compare_data_store(connector, files, copy)?;
        found.changes.extend(records);
        return Ok(true);
    }
    found.changes = if is_empty {
        found.beforehand.push(format!(
            "the database of {} holds nothing: all of it comes back",
            copy.name
        ));
        nothing_in_live(copy, selection)
    } else if let Some(known) = wanted.known_of(&copy.name) {
        known
    } else {
        nodes::compare(connector, files, described, copy, selection, watch)?
    };
    Ok(true)
}

/// What a restore of chosen workspaces does to what they share with others.
fn only_chosen(layout: &Layout, copy: &InstanceCopy, selection: &Selection) -> Option<String> {
    let has_versions = layout.workspaces().contains(&VERSIONS);
    (has_versions && !selection.workspaces.is_empty()).then(|| {
        let what = if selection.has_paths() { "nodes" } else { "workspaces" };
        format!(
            "only chosen {what} of {} come back: the version histories of their nodes come back with them as they \
             were, and all other histories stay as they are in Live",
            copy.name
        )
    })
}

/// What is found before anything was looked at: whether the settings say that nothing is restored into this database.
fn before_any_look(connector: &Connector, copy: &InstanceCopy) -> Found {
    let mut found = Found::default();
    if connector.settings().backups_only {
        found.obstacles.push(format!(
            "backups_only is set for {}: nothing is restored into its database. Remove the setting, and give the rights that \
             `lifeboat check` names then",
            copy.name
        ));
    }
    found
}

/// What Live lacks of what a backup needs.
fn tell_lacking(lacking: &[String], wanted: &Wanted<'_>, found: &mut Found) {
    for lacking in lacking {
        if wanted.without_safety {
            found.beforehand.push(lacking.clone());
        } else {
            found.obstacles.push(format!(
                "{lacking}. As it is, no backup can be taken of Live: restore without a safety backup, which brings it back"
            ));
        }
    }
}

/// That nobody can tell which version storage the histories of chosen workspaces belong to.
fn several_version_storages(layout: &Layout, selection: &Selection) -> Option<String> {
    let is_one = |table: &&Table| table.workspace == VERSIONS && table.holds == Holds::Bundles;
    let count = layout.tables.iter().filter(is_one).count();
    (count > 1 && !selection.workspaces.is_empty()).then(|| {
        format!(
            "there are {count} version storages, one of each repository, and chosen workspaces come back with the histories of \
             one: restore everything"
        )
    })
}

/// The changes of a restore into an empty database.
fn nothing_in_live(copy: &InstanceCopy, selection: &Selection) -> Vec<WorkspaceChange> {
    copy.workspaces
        .iter()
        .filter(|workspace| nodes::is_compared(selection, &workspace.name))
        .map(|workspace| WorkspaceChange {
            instance: copy.name.clone(),
            workspace: workspace.name.clone(),
            kind: WorkspaceKind::of(&workspace.name),
            added: workspace.items,
            changed: 0,
            removed: 0,
            unchanged: 0,
            bytes: workspace.bytes,
            examples: Vec::new(),
            example_changes: Vec::new(),
            example_below: Vec::new(),
        })
        .collect()
}

/// The numbers of the live tables that a restore of a selection replaces.
pub(in crate::content::postgres) fn moved(live: &[Table], selection: &Selection) -> Vec<u32> {
    let goes = |table: &&Table| {
        table.holds != Holds::DataStore
            && is_staged(selection, table)
            && (selection.workspaces.is_empty() || table.workspace != VERSIONS)
    };
    live.iter().filter(goes).map(|table| table.found.oid).collect()
}

/// What refers to live tables and would go on referring to the old ones: views, foreign keys, triggers, publications.
fn clinging(
    connector: &Connector,
    client: &mut postgres::Transaction<'_>,
    layout: &Layout,
    selection: &Selection,
) -> Result<Vec<String>, RestoreError> {
    let oids = moved(&layout.tables, selection);
    let rows = client
        .query(
            "SELECT DISTINCT 'the view ' || v.relname || ' shows', t.relname::text FROM pg_depend d \
             JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass \
             JOIN pg_class v ON v.oid = r.ev_class JOIN pg_class t ON t.oid = d.refobjid \
             WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY($1) AND v.oid <> t.oid \
             UNION ALL SELECT 'the foreign key ' || k.conname || ' refers to', t.relname::text FROM pg_constraint k \
             JOIN pg_class t ON t.oid = k.confrelid WHERE k.contype = 'f' AND k.confrelid = ANY($1) AND k.conrelid <> ALL($1) \
             UNION ALL SELECT 'the ' || pg_describe_object(d.classid, d.objid, d.objsubid) || ' uses the rows of', t.relname::text \
             FROM pg_class t JOIN pg_type y ON y.oid = t.reltype \
             JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid IN (y.oid, y.typarray) AND d.deptype = 'n' \
             WHERE t.oid = ANY($1) \
             UNION ALL SELECT 'the ' || pg_describe_object(d.classid, d.objid, 0) || ' reads or writes', t.relname::text \
             FROM pg_class t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid \
             AND d.classid = 'pg_proc'::regclass AND d.deptype = 'n' WHERE t.oid = ANY($1) \
             UNION ALL SELECT 'the rule ' || r.rulename || ' stands on', t.relname::text FROM pg_rewrite r \
             JOIN pg_class t ON t.oid = r.ev_class WHERE r.ev_class = ANY($1) \
             UNION ALL SELECT 'the inheritance from ' || p.relname || ' is that of', t.relname::text FROM pg_inherits i \
             JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class t ON t.oid = i.inhrelid WHERE i.inhrelid = ANY($1) \
             UNION ALL SELECT 'the trigger ' || g.tgname || ' stands on', t.relname::text FROM pg_trigger g \
             JOIN pg_class t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal AND g.tgrelid = ANY($1) \
             UNION ALL SELECT 'the publication ' || p.pubname || ' carries', t.relname::text FROM pg_publication_rel l \
             JOIN pg_publication p ON p.oid = l.prpubid JOIN pg_class t ON t.oid = l.prrelid WHERE l.prrelid = ANY($1)",
            &[&oids],
        )
        .map_err(connector.failed("looking at what refers to the tables"))?;
    let mut told: Vec<String> = rows
        .iter()
        .map(|row| {
            let (what, table): (String, String) = (row.get(0), row.get(1));
            format!(
                "{what} the table {table}, and goes on with the old one after the restore: make it anew then"
            )
        })
        .collect();
    told.dedup();
    let typed = client
        .query(
            "SELECT c.relname::text, c.reloftype::regtype::text FROM pg_class c WHERE c.oid = ANY($1) AND c.reloftype <> 0 \
             ORDER BY 1",
            &[&oids],
        )
        .map_err(connector.failed("looking at what the tables are of"))?;
    told.extend(typed.iter().map(|row| {
        let (table, of): (&str, &str) = (row.get(0), row.get(1));
        format!(
            "the table {table} is one of the type {of} (OF), and comes back as a plain one with the same columns: \
             `ALTER TABLE … OF {of}` makes it one again"
        )
    }));
    Ok(told)
}

/// Reads what Live lacks of the records, so that one of the backup's that is not what its name says is told before.
fn look_at_records(
    found: &mut Found,
    connector: &Connector,
    files: &dyn BackedUpFiles,
) -> Result<(), RestoreError> {
    let Some(root) = &connector.settings().data_store else {
        return Ok(());
    };
    let mut missing = Vec::new();
    for file in files.below(std::path::Path::new(DATA_STORE))? {
        match data_store::standing(root, &records::item_of(&file)) {
            Ok(Standing::There) => {}
            Ok(_) => missing.push(file),
            Err(error @ ContentError::NotAllowed { .. }) => found.obstacles.push(error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    found.warnings.extend(records::look(root, files, &missing)?);
    Ok(())
}
