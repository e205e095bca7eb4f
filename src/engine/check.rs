//! `lifeboat check`: goes through the configuration and says what works and what does not, before a night on which it
//! has to. Everything is looked at and nothing is changed.
//!
//! Each look ends in a finding and none in an error: what cannot be looked at has failed, and says why.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::content::ContentError;
use super::content::postgres::connect::Connector;
use super::content::postgres::names::quoted;
use super::content::postgres::replaced::{self, Left};
use super::content::postgres::rights::{self, Missing, Server};
use super::content::postgres::tables::Layout;
use super::restore::{database, plan, undo};
use super::{Engine, EngineError, Variables, command, versions};
use crate::domain::address::Address;
use crate::domain::check::{DatabaseFound, Finding, Report, Verdict};
use crate::domain::environment::{DATA_STORE, EnvironmentName, InstanceName, WorkspaceKind, workspace_label};
use crate::domain::job::InstanceHealth;
use crate::domain::measure;
use crate::domain::settings::{
    ContentSettings, EnvironmentSettings, HookPoint, InstanceSettings, PostgresSettings, RepositoryChoice,
};

/// Collects findings about one environment or one instance of it.
struct Findings<'a> {
    report: &'a mut Report,
    environment: &'a EnvironmentName,
    instance: Option<&'a InstanceName>,
}

impl Findings<'_> {
    fn push(&mut self, about: &str, verdict: Verdict, detail: impl Into<String>) {
        self.report.findings.push(Finding {
            environment: Some(self.environment.clone()),
            instance: self.instance.cloned(),
            about: about.to_owned(),
            verdict,
            detail: detail.into(),
        });
    }

    fn ok(&mut self, about: &str, detail: impl Into<String>) {
        self.push(about, Verdict::Ok, detail);
    }

    fn warning(&mut self, about: &str, detail: impl Into<String>) {
        self.push(about, Verdict::Warning, detail);
    }

    fn failed(&mut self, about: &str, detail: impl Into<String>) {
        self.push(about, Verdict::Failed, detail);
    }

    fn told(&mut self, about: &str, told: Result<String, String>) {
        match told {
            Ok(detail) => self.ok(about, detail),
            Err(why) => self.failed(about, why),
        }
    }
}

impl Engine {
    /// Looks at what works and what does not, of one environment or of all.
    ///
    /// # Errors
    /// [`EngineError::UnknownEnvironment`]. What does not work is a finding, and no error.
    pub fn check(&self, only: Option<&EnvironmentName>) -> Result<Report, EngineError> {
        if let Some(name) = only {
            self.settings(name)?;
        }
        let mut report = Report::default();
        let count = self.environments().count();
        report.findings.push(Finding {
            environment: None,
            instance: None,
            about: "configuration".to_owned(),
            verdict: if count == 0 { Verdict::Failed } else { Verdict::Ok },
            detail: match count {
                0 => "it names no environment: add one, or let `lifeboat init` write it".to_owned(),
                1 => "it can be read and holds together: 1 environment".to_owned(),
                count => format!("it can be read and holds together: {count} environments"),
            },
        });
        for (name, settings) in self.environments() {
            if only.is_none_or(|only| only == name) {
                self.check_environment(name, settings, &mut report);
            }
        }
        Ok(report)
    }

    fn check_environment(&self, name: &EnvironmentName, settings: &EnvironmentSettings, report: &mut Report) {
        let mut findings = Findings {
            report,
            environment: name,
            instance: None,
        };
        if !settings.kind.is_recoverable() {
            let detail = format!(
                "{} is listed and never backed up: only Live is",
                settings.kind.label()
            );
            findings.ok("kind", detail);
            return;
        }
        for which in [RepositoryChoice::First, RepositoryChoice::Copy] {
            self.check_repository(name, which, &mut findings);
        }
        let answers = self.ask_health(name).unwrap_or_default();
        let told = versions::read(settings)
            .map(|versions| format!("release {}, Magnolia {}", versions.release, versions.magnolia));
        findings.told("versions", told);
        for instance in &settings.instances {
            let mut findings = Findings {
                report: &mut *findings.report,
                environment: name,
                instance: Some(&instance.name),
            };
            match &instance.content {
                ContentSettings::Files { path } => self.check_folder(name, instance, path, &mut findings),
                ContentSettings::Postgres(database) => {
                    self.check_database(name, instance, database, &mut findings);
                }
            }
            self.check_hooks(instance, &mut findings);
            check_health(instance, &answers, &mut findings);
        }
    }

    fn check_repository(&self, name: &EnvironmentName, which: RepositoryChoice, findings: &mut Findings<'_>) {
        let label = match which {
            RepositoryChoice::First => "repository",
            RepositoryChoice::Copy => "second repository",
        };
        let place = match self.storage(name, which) {
            Ok(Some(storage)) => storage.address(),
            Ok(None) => return,
            Err(error) => return findings.failed(label, error.to_string()),
        };
        match self.repository_of(name, which, false) {
            Err(error) => findings.failed(label, error.to_string()),
            Ok(Some(repository)) => match repository.list() {
                Err(error) => findings.failed(label, error.to_string()),
                Ok(backups) => {
                    let held = match backups.len() {
                        1 => "1 backup".to_owned(),
                        count => format!("{count} backups"),
                    };
                    let free = match &place {
                        Address::Folder(folder) => plan::free_bytes(folder)
                            .map(|free| format!(", {} free", measure::bytes(free)))
                            .unwrap_or_default(),
                        Address::Bucket { .. } => String::new(),
                    };
                    findings.ok(label, format!("{place}: the key opens it, {held}{free}"));
                    if which == RepositoryChoice::First
                        && let Some(unreadable) = self.unreadable_backups(name)
                    {
                        findings.warning("records", unreadable);
                    }
                }
            },
            Ok(None) => {
                if let Err(error) = self.key_of(which) {
                    return findings.failed(label, error.to_string());
                }
                let made = format!("{place}: it is made at the first backup, and the key is there");
                let Address::Folder(folder) = &place else {
                    // That it could be asked whether there is one shows that it is reached.
                    return findings.ok(label, made);
                };
                let above = existing(folder);
                match access(&above, Access::WRITE_OK | Access::EXEC_OK) {
                    Ok(()) => findings.ok(label, made),
                    Err(error) => findings.failed(
                        label,
                        format!(
                            "{place} cannot be made, because {} cannot be written: {error}. Let the user of Lifeboat write \
                             there, or name another root in [repository]",
                            above.display()
                        ),
                    ),
                }
            }
        }
    }

    fn check_folder(
        &self,
        name: &EnvironmentName,
        instance: &InstanceSettings,
        path: &Path,
        findings: &mut Findings<'_>,
    ) {
        match std::fs::read_dir(path) {
            Err(error) => findings.failed(
                "content",
                format!(
                    "{} cannot be read: {error}. Name the folder that holds one folder per workspace, and let the user of \
                     Lifeboat read it",
                    path.display()
                ),
            ),
            Ok(entries) => {
                let mut workspaces = Vec::new();
                let mut closed = Vec::new();
                for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
                    let workspace = entry.file_name().to_string_lossy().into_owned();
                    if access(entry.path(), Access::READ_OK | Access::EXEC_OK).is_err() {
                        closed.push(workspace.clone());
                    }
                    workspaces.push(workspace);
                }
                workspaces.sort();
                if !closed.is_empty() {
                    findings.failed(
                        "content",
                        format!(
                            "{} of {} cannot be read: let the user of Lifeboat read them",
                            closed.join(", "),
                            path.display()
                        ),
                    );
                } else if workspaces.is_empty() {
                    findings.warning(
                        "content",
                        format!(
                            "{} holds no workspace: name the folder that holds one folder per workspace",
                            path.display()
                        ),
                    );
                } else {
                    let detail = format!("{}: {}", path.display(), workspaces.join(", "));
                    findings.ok("content", detail);
                }
            }
        }
        // What a second copy takes is known from the last backup; before there is one, only the way is looked at.
        let backups = self.backups(name).unwrap_or_default();
        let bytes = backups
            .first()
            .and_then(|backup| {
                backup
                    .manifest
                    .instances
                    .iter()
                    .find(|copy| copy.name == instance.name)
            })
            .map_or(0, |copy| {
                copy.workspaces.iter().map(|workspace| workspace.bytes).sum()
            });
        let (mut room, mut obstacles) = (Vec::new(), Vec::new());
        plan::staging_room(instance, bytes, &mut room, &mut obstacles);
        for room in room.iter().filter(|room| room.is_enough()) {
            let needed = match room.needed {
                0 => "how much a restore needs is known after the first backup".to_owned(),
                needed => format!("{} needed for a second copy", measure::bytes(needed)),
            };
            findings.ok(
                "room",
                format!("{} free in {}, {needed}", measure::bytes(room.free), room.folder),
            );
        }
        if obstacles.is_empty() {
            findings.ok("exchange", "folders can be exchanged here in one step");
        }
        for obstacle in obstacles {
            findings.failed("restore", obstacle);
        }
    }

    fn check_database(
        &self,
        name: &EnvironmentName,
        instance: &InstanceSettings,
        settings: &PostgresSettings,
        findings: &mut Findings<'_>,
    ) {
        let connector = self.connector(settings);
        let connected = connector.connect().and_then(|mut client| {
            let server = Server::ask(&connector, &mut client)?;
            Ok((client, server))
        });
        let (mut client, server) = match connected {
            Ok(connected) => connected,
            Err(error) => return findings.failed("database", error.to_string()),
        };
        about_server(&connector, &server, findings);
        findings.told("pg_dump", dump_program(settings, &server));
        let layout = match Layout::read(&connector, &mut client) {
            Ok(layout) => layout,
            Err(error) => return findings.failed("workspaces", error.to_string()),
        };
        workspaces(settings, &layout, findings);
        all_rights(&connector, &mut client, &layout, findings);
        room(&connector, &mut client, &layout, findings);
        data_store(settings, &layout, findings);
        search_indexes(settings, &layout, findings);
        self.check_leftovers(name, instance, &connector, &mut client, findings);
    }

    fn check_leftovers(
        &self,
        name: &EnvironmentName,
        instance: &InstanceSettings,
        connector: &Connector,
        client: &mut postgres::Client,
        findings: &mut Findings<'_>,
    ) {
        let found = replaced::find(connector, name, &instance.name);
        let all = client.query(
            "SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname, $1) ORDER BY 1",
            &[&replaced::PREFIX],
        );
        let (left, all) = match (found, all) {
            (Ok(left), Ok(all)) => (left, all),
            (Err(error), _) => return findings.failed("leftovers", error.to_string()),
            (_, Err(error)) => {
                let error = connector.failed("looking for what restores have left")(error);
                return findings.failed("leftovers", error.to_string());
            }
        };
        let is_at_work = self.catalog().running(name).is_ok_and(|job| job.is_some());
        for left in &left {
            leftover(left, is_at_work, findings);
        }
        let mut count = left.len();
        for row in all {
            let schema: String = row.get(0);
            if !left.iter().any(|left| left.schema == schema) {
                count += 1;
                findings.warning(
                    "leftovers",
                    format!(
                        "the schema {schema} is named like one of Lifeboat's and belongs to another environment or instance, \
                         or to nobody: Lifeboat leaves it alone here"
                    ),
                );
            }
        }
        if count == 0 {
            findings.ok("leftovers", "no restore has left anything in the database");
        }
    }

    fn check_hooks(&self, instance: &InstanceSettings, findings: &mut Findings<'_>) {
        for point in HookPoint::ALL {
            let Some(program) = instance.hooks.at(point).first() else {
                continue;
            };
            let path = self.variables()("PATH").unwrap_or_default();
            let told = command::find(program, &path)
                .map(|found| format!("{} is there", found.display()))
                .map_err(|why| format!("{why}: name its whole path, or install it"));
            findings.told(&format!("{} hook", point.label()), told);
        }
    }
}

fn check_health(instance: &InstanceSettings, answers: &[InstanceHealth], findings: &mut Findings<'_>) {
    let Some(health) = &instance.health else {
        return findings.warning(
            "health",
            "no address is configured: after a restore nobody asks whether the instance is up",
        );
    };
    let address = &health.url;
    let told = match answers.iter().find(|answer| answer.instance == instance.name) {
        Some(answer) if answer.up => Ok(format!("{address}: {}", answer.detail)),
        Some(answer) => Err(format!("{address} does not say that it is up: {}", answer.detail)),
        None => Err(format!("{address} could not be asked")),
    };
    findings.told("health", told);
}

/// Looks what is in a database that is not configured yet. `base` is where a command that gives the password would run.
///
/// # Errors
/// A sentence that says why it cannot be looked at.
pub fn look_at_database(
    settings: &PostgresSettings,
    base: &Path,
    variables: Variables,
) -> Result<DatabaseFound, String> {
    let connector = Connector::new(settings, base.to_owned(), variables);
    let look = || {
        let mut client = connector.connect()?;
        let server = Server::ask(&connector, &mut client)?;
        Ok((server, Layout::read(&connector, &mut client)?))
    };
    let (server, layout) = look().map_err(|error: ContentError| error.to_string())?;
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

/// The nearest folder on the way to a place that is there.
fn existing(place: &Path) -> PathBuf {
    place
        .ancestors()
        .find(|folder| folder.exists())
        .map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

fn about_server(connector: &Connector, server: &Server, findings: &mut Findings<'_>) {
    let detail = format!(
        "{}: PostgreSQL {}, as {}",
        connector.place(),
        server.version,
        server.user
    );
    if server.is_standby {
        findings.failed(
            "database",
            format!(
                "{detail}; it only follows another server, and nothing can be restored into it: name that one"
            ),
        );
    } else {
        findings.ok("database", detail);
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
    if let Some(limit) = &server.statement_timeout {
        findings.warning(
            "statement_timeout",
            format!(
                "the server ends statements of {user} after {limit}, and reading a large table takes longer: \
                 `ALTER ROLE {user} SET statement_timeout = 0`",
                user = quoted(&server.user)
            ),
        );
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
}

fn all_rights(
    connector: &Connector,
    client: &mut postgres::Client,
    layout: &Layout,
    findings: &mut Findings<'_>,
) {
    let for_restore = |client: &mut postgres::Client| {
        let mut missing = rights::for_staging(connector, client, layout)?;
        missing.extend(rights::for_exchange(connector, client, layout)?);
        Ok(missing)
    };
    for (about, missing) in [
        ("rights to back up", rights::for_backup(connector, client, layout)),
        ("rights to restore", for_restore(client)),
    ] {
        match missing {
            Err(error) => findings.failed(about, error.to_string()),
            Ok(missing) if missing.is_empty() => findings.ok(about, "none is missing"),
            Ok(missing) => {
                for missing in missing.iter().map(Missing::sentence) {
                    findings.failed(about, missing);
                }
            }
        }
    }
}

/// Whether a second copy of the tables has room.
fn room(connector: &Connector, client: &mut postgres::Client, layout: &Layout, findings: &mut Findings<'_>) {
    let needed = layout.tables.iter().map(|table| table.found.total_bytes).sum();
    let needed_text = format!(
        "{} needed for a second copy of the tables",
        measure::bytes(needed)
    );
    let Some(disk) = database::disk(connector, client) else {
        findings.warning(
            "room",
            format!(
                "{needed_text}, and how much is free cannot be told from here: name a folder on the database's disk as room, \
                 or look yourself"
            ),
        );
        return;
    };
    match plan::free_bytes(&disk) {
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
                        folder.display()
                    ),
                ),
                (Ok(()), Err(error)) => findings.failed(
                    "data store",
                    format!(
                        "{} can be read and not be written ({error}): a backup works, a restore that has to add to it does not",
                        folder.display()
                    ),
                ),
                (Ok(()), Ok(())) => {
                    findings.ok("data store", format!("{}: readable and writable", folder.display()));
                }
            }
        }
    }
}

fn search_indexes(settings: &PostgresSettings, layout: &Layout, findings: &mut Findings<'_>) {
    if settings.search_indexes.is_empty() {
        findings.warning(
            "search indexes",
            "no folder is configured: after a restore they have to be removed by hand before Magnolia starts, or its \
             searches are wrong. Name them as search_indexes",
        );
    }
    let workspaces: Vec<String> = layout.workspaces().into_iter().map(str::to_owned).collect();
    for pattern in &settings.search_indexes {
        let (mut found, mut strange) = (0, Vec::new());
        for folder in undo::folders(pattern, &workspaces) {
            match undo::is_index(&folder) {
                Ok(Some(true)) => found += 1,
                Ok(Some(false)) => strange.push(format!("{} does not look like one", folder.display())),
                Ok(None) => {}
                Err(why) => strange.push(format!("{} cannot be read: {why}", folder.display())),
            }
        }
        let pattern = pattern.display();
        match (found, strange.is_empty()) {
            (0, true) => findings.warning(
                "search indexes",
                format!("no folder fits {pattern} now: look whether the path is right"),
            ),
            (found, true) => findings.ok("search indexes", format!("{found} folders fit {pattern}")),
            (_, false) => findings.warning(
                "search indexes",
                format!(
                    "{}: a restore leaves that alone, so look whether {pattern} is right",
                    strange.join(", ")
                ),
            ),
        }
    }
}

/// What a restore has left in the database.
fn leftover(left: &Left, is_at_work: bool, findings: &mut Findings<'_>) {
    let what = format!("the schema {}, {}", left.schema, measure::bytes(left.bytes));
    if left.is_replaced() {
        findings.ok(
            "leftovers",
            format!(
                "{what}: tables that job {} replaced, they stay until {}",
                left.note.job,
                measure::moment(left.note.expires)
            ),
        );
    } else if is_at_work {
        findings.ok("leftovers", format!("{what}: the job that runs is at work in it"));
    } else {
        findings.warning(
            "leftovers",
            format!("{what}: an interrupted restore has left it, and it goes with the next backup"),
        );
    }
}
