//! The part of a check that is about an instance in a database: the server, rights in it, room on its disk, and what
//! stands beside it. Also the look at a database that is not configured yet.

mod cluster;
mod granted;
mod home;
mod journal;
mod leftovers;
mod pooler;
mod sessions;
mod taken;

use std::collections::BTreeSet;
use std::path::Path;

use postgres::Transaction;
use rustix::fs::{Access, access};

use crate::content::ContentError;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::counted;
use crate::content::postgres::data_store::items;
use crate::content::postgres::layout::Layout;
use crate::content::postgres::limits::{self, Hinders};
use crate::content::postgres::rehearsal::{Tried, rehearse};
use crate::content::postgres::restore::plan::moved;
use crate::content::postgres::restore::room::disk;
use crate::content::postgres::rights::{self, Server};
use crate::content::postgres::session::{Between, Session};
use crate::content::postgres::stage::Owner;
use crate::content::postgres::ties;
use crate::content::postgres::version;
use crate::content::restoring::{Checked, World};
use crate::content::search_indexes::places;
use crate::disk::room::free_bytes;
use crate::domain::check::{DatabaseFound, Findings, NotLookedAt};
use crate::domain::environment::{DATA_STORE, WorkspaceKind, workspace_label};
use crate::domain::measure;
use crate::domain::os_error::in_words;
use crate::domain::plan::Selection;
use crate::domain::settings::{NodeSettings, PostgresSettings, Variables};
use crate::secret::command;

pub(super) fn check(connector: &Connector, world: &World, about: &Checked<'_>, findings: &mut Findings<'_>) {
    let settings = connector.settings();
    let connected = connector.connect_to_one().and_then(|(mut session, connector)| {
        let server = within(&connector, &mut session, |transaction| {
            Server::ask(&connector, transaction)
        })?;
        Ok((session, connector, server))
    });
    let (mut session, connector, server) = match connected {
        Ok(connected) => connected,
        Err(error) => return findings.failed("database", error.to_string()),
    };
    let session = &mut session;
    about_server(&connector, &server, findings);
    if version::why_not(server.number).is_some() {
        return;
    }
    if connector.between() == Some(Between::Pooler) {
        pooler::check(&connector, findings);
    } else {
        findings.told("pg_dump", dump_program(settings, &server));
    }
    let layout = match within(&connector, session, |transaction| {
        Layout::read(&connector, transaction)
    }) {
        Ok(layout) => layout,
        Err(error) => return findings.failed("workspaces", error.to_string()),
    };
    workspaces(settings, &layout, findings);
    let is_standby = server.is_standby;
    granted::check(&connector, session, &layout, findings);
    cluster::check(&connector, session, &layout, about.nodes, findings);
    limits(&connector, session, &layout, findings);
    if !is_standby && !settings.backups_only {
        makeable(&connector, session, &layout, findings);
        taken::check(&connector, session, &layout, about, findings);
    }
    tied(&connector, session, &layout, findings);
    journal::check(&connector, session, findings);
    sessions::check(about, &connector, session, findings);
    room(&connector, session, &layout, findings);
    data_store(settings, &layout, findings);
    if let Some(doubts) = &about.doubts {
        findings.warning("data store", doubts.clone());
    }
    search_indexes(settings, about.nodes, &layout, findings);
    let left = leftovers::check(about, &connector, session, findings);
    home::check(settings, world, &layout, &left, about, findings);
}

/// Looks what is in a database that is not configured yet. `base` is where a command that gives the password would run.
///
/// # Errors
/// A sentence that says why it cannot be looked at.
pub fn look_at_database(
    settings: &PostgresSettings,
    base: &Path,
    variables: Variables,
) -> Result<DatabaseFound, NotLookedAt> {
    let connector = Connector::new(settings, base.to_owned(), variables);
    let look = || {
        let mut session = connector.connect()?;
        within(&connector, &mut session, |transaction| {
            let server = Server::ask(&connector, transaction)?;
            Ok((server, Layout::read(&connector, transaction)?))
        })
    };
    let (server, layout) = look().map_err(|error: ContentError| NotLookedAt {
        why: error.to_string(),
        wants_ca_file: matches!(
            error,
            ContentError::Unconnected {
                wants_ca_file: true,
                ..
            }
        ),
    })?;
    let (shared, workspaces): (Vec<_>, Vec<_>) = sizes(&layout)
        .into_iter()
        .partition(|(workspace, _)| WorkspaceKind::of(workspace) == WorkspaceKind::Shared);
    Ok(DatabaseFound {
        place: connector.place(),
        version: server.version,
        has_data_store_table: shared.iter().any(|(part, _)| part == DATA_STORE),
        workspaces,
        shared: shared
            .into_iter()
            .map(|(part, bytes)| (workspace_label(&part).to_owned(), bytes))
            .collect(),
    })
}

/// Does something in a transaction of its own: one that cannot be done leaves the others as they are.
fn within<T>(
    connector: &Connector,
    session: &mut Session,
    look: impl FnOnce(&mut Transaction<'_>) -> Result<T, ContentError>,
) -> Result<T, ContentError> {
    let failed = connector.failed("looking at the database");
    look(&mut session.begin().map_err(failed)?)
}

fn about_server(connector: &Connector, server: &Server, findings: &mut Findings<'_>) {
    let detail = format!(
        "{}: PostgreSQL {}, as {}",
        connector.place(),
        server.version,
        server.user
    );
    if let Some(why) = version::why_not(server.number) {
        findings.failed("database", format!("{detail}; {why}"));
    } else if server.is_standby {
        findings.failed(
            "database",
            format!(
                "{detail}; it only follows another server, and nothing can be restored into it: name that one"
            ),
        );
    } else {
        findings.ok("database", detail);
    }
    if let Some(doubt) = version::doubt(server.number) {
        findings.warning("database", doubt);
    }
    match &server.encrypted {
        Some(protocol) => findings.ok("encryption", format!("{protocol}, and the server's name is checked")),
        None if connector.is_local() => findings.ok("encryption", "none, and the server is on this machine"),
        None => findings.warning(
            "encryption",
            "the connection is not encrypted: all content crosses the network in the clear. Name the certificates that \
             the server's is signed by as ca_file",
        ),
    }
}

/// Whether the program that writes down the schema is there and not older than the server.
fn dump_program(settings: &PostgresSettings, server: &Server) -> Result<String, String> {
    let program = settings.pg_dump.display().to_string();
    let printed = command::output(&[program.clone(), "--version".to_owned()], Path::new("/")).map_err(|why| {
        format!(
            "{why}. It comes with PostgreSQL's client programs (Debian: postgresql-client); pg_dump names another path"
        )
    })?;
    let text = String::from_utf8_lossy(&printed).trim().to_owned();
    let major: Option<u32> = text
        .split(|c: char| !c.is_ascii_digit())
        .find_map(|number| number.parse().ok());
    match major {
        Some(major) if major >= server.major() => Ok(text),
        Some(_) => Err(format!(
            "{program} is {text}, older than the server, whose schema it cannot write down: install the client programs of \
             PostgreSQL {}, and name them with pg_dump",
            server.major()
        )),
        None => Err(format!(
            "{program} does not tell its version: it prints \"{text}\""
        )),
    }
}

/// The workspaces of a layout with what they take on the database's disk: workspaces first, then what they share.
fn sizes(layout: &Layout) -> Vec<(String, u64)> {
    let mut sizes: Vec<(String, u64)> = Vec::new();
    for table in &layout.tables {
        match sizes.last_mut() {
            Some((workspace, bytes)) if *workspace == table.workspace => *bytes += table.found.total_bytes,
            _ => sizes.push((table.workspace.clone(), table.found.total_bytes)),
        }
    }
    sizes.sort_by_key(|(workspace, _)| WorkspaceKind::of(workspace) == WorkspaceKind::Shared);
    sizes
}

fn workspaces(settings: &PostgresSettings, layout: &Layout, findings: &mut Findings<'_>) {
    for missing in layout.unreadable.iter().chain(&layout.lacking) {
        findings.failed("workspaces", missing.clone());
    }
    if layout.tables.is_empty() {
        findings.failed(
            "workspaces",
            format!(
                "the schema {} has no table of Jackrabbit's that begins with {} or {}: look at schema, workspace_prefix and \
                 version_prefix",
                settings.schema, settings.workspace_prefix, settings.version_prefix
            ),
        );
        return;
    }
    let sizes: Vec<_> = sizes(layout)
        .into_iter()
        .map(|(workspace, bytes)| format!("{} {}", workspace_label(&workspace), measure::bytes(bytes)))
        .collect();
    findings.ok("workspaces", sizes.join(", "));
    for left_out in &layout.left_out {
        findings.ok("left out", left_out.clone());
    }
    for suspect in &layout.suspect {
        findings.warning("left out", suspect.clone());
    }
}

/// What is set on the server, the database or the user and stands in the way.
fn limits(connector: &Connector, session: &mut Session, layout: &Layout, findings: &mut Findings<'_>) {
    match within(connector, session, |transaction| {
        limits::find(connector, transaction, layout)
    }) {
        Err(error) => findings.failed("limits", error.to_string()),
        Ok(limits) if limits.is_empty() => findings.ok("limits", "nothing is set that stands in the way"),
        Ok(limits) => {
            for limit in limits {
                match limit.hinders {
                    Hinders::Everything | Hinders::Restores => findings.failed(limit.about, limit.sentence),
                    Hinders::Nothing => findings.warning(limit.about, limit.sentence),
                }
            }
        }
    }
}

/// Whether the tables can be made anew as they are. Tried on empty ones, in a transaction that is taken back; where a right
/// is missing for that, or a limit stands in the way, it has been said.
fn makeable(connector: &Connector, session: &mut Session, layout: &Layout, findings: &mut Findings<'_>) {
    let missing = within(connector, session, |transaction| {
        rights::for_staging(connector, transaction, layout)
    });
    let may = missing.is_ok_and(|missing| missing.is_empty());
    let limits = within(connector, session, |transaction| {
        limits::find(connector, transaction, layout)
    });
    let takes_changes =
        limits.is_ok_and(|limits| limits.iter().all(|limit| limit.hinders == Hinders::Nothing));
    if layout.tables.is_empty() || !may || !takes_changes {
        return;
    }
    let tried = within(connector, session, |transaction| {
        let owner = Owner::find(connector, transaction, &layout.tables, &layout.tables)?;
        rehearse(
            connector,
            transaction,
            &owner,
            Tried {
                tables: &layout.tables,
                live: &layout.tables,
                schema: &connector.settings().schema,
                suspects: &BTreeSet::new(),
                is_apart: false,
            },
        )
    });
    match tried {
        Err(error) => findings.failed("tables", error.to_string()),
        Ok(drawn) => {
            let is_whole = drawn.obstacles.is_empty() && drawn.left_out.is_empty();
            for obstacle in drawn.obstacles {
                findings.failed("tables", format!("they cannot be restored: {obstacle}"));
            }
            for left_out in drawn.left_out {
                findings.warning("tables", left_out);
            }
            if is_whole {
                findings.ok("tables", "they can be made anew with all that is set on them");
            }
        }
    }
}

/// What hinders the tables from being exchanged, and what an exchange by an earlier version has left wrong.
fn tied(connector: &Connector, session: &mut Session, layout: &Layout, findings: &mut Findings<'_>) {
    let schema = &connector.settings().schema;
    let found = within(connector, session, |transaction| {
        let names: Vec<String> = layout.tables.iter().map(|table| table.name.clone()).collect();
        let failed = connector.failed("looking what is counted with");
        let outside = counted::outside(transaction, schema, &names).map_err(failed)?;
        // That several roles own the tables has been said.
        let owner = Owner::find(connector, transaction, &layout.tables, &layout.tables).ok();
        let moved = moved(&layout.tables, &Selection::default());
        let tied = owner.map(|owner| ties::find(connector, transaction, &owner, &moved));
        Ok((outside, tied.transpose()?.unwrap_or_default()))
    });
    let (outside, tied) = match found {
        Ok(found) => found,
        Err(error) => return findings.failed("tables", error.to_string()),
    };
    for sentence in tied {
        findings.failed("tables", format!("they cannot be exchanged: {sentence}"));
    }
    for outside in outside {
        let (what, statements) = (outside.sentence(), outside.statements(schema));
        if outside.is_left() {
            findings.failed(
                "tables",
                format!("{what}, which goes with the tables that a restore has replaced: `{statements}`"),
            );
        } else {
            findings.warning(
                "tables",
                format!(
                    "{what}, which is in no backup, and which a restore has to find there: to give it one of its own, \
                     `{statements}`"
                ),
            );
        }
    }
}

/// Whether a second copy of the tables has room.
fn room(connector: &Connector, session: &mut Session, layout: &Layout, findings: &mut Findings<'_>) {
    let needed = layout.tables.iter().map(|table| table.found.total_bytes).sum();
    let needed_text = format!(
        "{} needed for a second copy of the tables",
        measure::bytes(needed)
    );
    let disk = within(connector, session, |transaction| Ok(disk(connector, transaction)));
    let Some(disk) = disk.ok().flatten() else {
        findings.warning(
            "room",
            format!(
                "{needed_text}, and how much is free cannot be told from here: name a folder on the database's disk as room, \
                 or look yourself"
            ),
        );
        return;
    };
    match free_bytes(&disk).map_err(|why| in_words(&why)) {
        Ok(free) if free >= needed => {
            findings.ok(
                "room",
                format!(
                    "{} free in {}, {needed_text}",
                    measure::bytes(free),
                    disk.display()
                ),
            );
        }
        Ok(free) => findings.failed(
            "room",
            format!(
                "{} free in {}, {needed_text}: make room before a restore is needed",
                measure::bytes(free),
                disk.display()
            ),
        ),
        Err(why) => findings.warning("room", format!("{why}. {needed_text}")),
    }
}

fn data_store(settings: &PostgresSettings, layout: &Layout, findings: &mut Findings<'_>) {
    let in_table = layout.tables.iter().find(|table| table.workspace == DATA_STORE);
    match (&settings.data_store, in_table) {
        (None, Some(table)) => findings.ok("data store", format!("in the table {}", table.name)),
        (None, None) => findings.warning(
            "data store",
            "neither a folder is configured nor is there a table: if Jackrabbit has one, its binaries are not backed up. \
             Name its folder as data_store",
        ),
        (Some(folder), Some(table)) => findings.failed(
            "data store",
            format!(
                "the table {} is one, and the folder {} is configured too: take data_store out of the configuration, or name \
                 the schema that belongs to that folder",
                table.name,
                folder.display()
            ),
        ),
        (Some(folder), None) => {
            let readable = std::fs::read_dir(folder).map(drop);
            let writable = access(folder, Access::WRITE_OK | Access::EXEC_OK);
            match (readable, writable) {
                (Err(error), _) => findings.failed(
                    "data store",
                    format!(
                        "{} cannot be read: {error}. Name the folder of Jackrabbit's data store, and let the user of Lifeboat \
                         read it",
                        folder.display(),
                        error = in_words(&error),
                    ),
                ),
                (Ok(()), Err(error)) => findings.failed(
                    "data store",
                    format!(
                        "{} can be read and not be written ({error}): a backup works, a restore that has to add to it does not",
                        folder.display(),
                        error = in_words(&error.into()),
                    ),
                ),
                (Ok(()), Ok(())) => match items(folder).find_map(Result::err) {
                    Some(error) => findings.failed("data store", format!("{error}. No backup is made without it")),
                    None => findings.ok("data store", format!("{}: readable and writable", folder.display())),
                },
            }
        }
    }
}

fn search_indexes(
    settings: &PostgresSettings,
    nodes: &[NodeSettings],
    layout: &Layout,
    findings: &mut Findings<'_>,
) {
    let is_nowhere = settings.search_indexes.is_empty();
    if is_nowhere && nodes.is_empty() {
        findings.warning(
            "search indexes",
            "no folder is configured: after a restore they have to be removed by hand before Magnolia starts, or its \
             searches are wrong. Name them as search_indexes",
        );
    }
    for node in nodes.iter().filter(|node| node.search_indexes.is_empty()) {
        findings.warning(
            "search indexes",
            format!(
                "{}: no folder is configured: after a restore they have to be removed on its machine before it starts, by a \
                 hook or by hand, or its searches are wrong. Where they are reached from here, name them as search_indexes of \
                 the node",
                node.name
            ),
        );
    }
    let workspaces: Vec<String> = layout.workspaces().into_iter().map(str::to_owned).collect();
    let of_nodes = nodes.iter().flat_map(|node| {
        let patterns = node.search_indexes.iter();
        patterns.map(|pattern| (format!("{}: ", node.name), pattern))
    });
    let own = settings.search_indexes.iter();
    for (whose, pattern) in own.map(|pattern| (String::new(), pattern)).chain(of_nodes) {
        let (mut found, mut strange) = (0, Vec::new());
        for place in places(pattern, &workspaces) {
            let folder = place.path.display();
            match place.is_index() {
                Ok(Some(true)) => found += 1,
                Ok(Some(false)) => strange.push(format!("{folder} does not look like one")),
                Ok(None) => {}
                Err(why) => strange.push(format!("{folder} cannot be read: {why}")),
            }
        }
        let pattern = pattern.display();
        match (found, strange.is_empty()) {
            (0, true) => findings.warning(
                "search indexes",
                format!("{whose}no folder fits {pattern} now: look whether the path is right"),
            ),
            (found, true) => {
                let fit = measure::so_many(found, "folder fits", "folders fit");
                findings.ok("search indexes", format!("{whose}{fit} {pattern}"));
            }
            (_, false) => findings.warning(
                "search indexes",
                format!(
                    "{whose}{}: a restore leaves that alone, so look whether {pattern} is right",
                    strange.join(", ")
                ),
            ),
        }
    }
}
