//! `lifeboat check`: goes through the configuration and says what works and what does not, before a night on which it
//! has to. Everything is looked at and nothing is changed: what is tried is taken back.
//!
//! Each look ends in a finding and none in an error: what cannot be looked at has failed, and says why.

mod database;
mod doubts;
mod leftovers;
mod pooler;
mod repository;
mod same_place;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Access, access};

use super::openness::open_state;
use super::restore::plan;
use super::{Engine, EngineError, Live, versions};
use crate::domain::address::Address;
use crate::domain::check::{Finding, Report, Verdict};
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::job::InstanceHealth;
use crate::domain::measure;
use crate::domain::plan::Selection;
use crate::domain::settings::{
    ContentSettings, HookPoint, InstanceSettings, RepositoryChoice, StorageOptions, Variables,
};
use crate::repository::Storage;
use crate::secret::command;

pub use database::look_at_database;

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

/// Tries object storage that is not configured yet, for as long as somebody waits at a question. Gives whether backups of
/// the environment are there.
///
/// # Errors
/// A sentence that says why it cannot be reached.
pub fn look_at_storage(
    root: &Address,
    options: &StorageOptions,
    environment: &EnvironmentName,
    variables: &Variables,
) -> Result<bool, String> {
    let options = StorageOptions {
        retry_seconds: 2,
        ..options.clone()
    };
    let variables = Arc::clone(variables);
    // Paths are absolute: there is no folder of a configuration yet that they could count from.
    Storage::new(root, &options, Path::new("/"), &|name| variables(name))
        .and_then(|storage| {
            storage
                .join(environment.project())
                .join(environment.environment())
                .holds_repository()
        })
        .map_err(|error| error.to_string())
}

/// Looks at what works and what does not, of one environment or of all.
///
/// # Errors
/// [`EngineError::UnknownEnvironment`]. What does not work is a finding, and no error.
pub fn check(engine: &Engine, only: Option<&EnvironmentName>) -> Result<Report, EngineError> {
    if let Some(name) = only {
        engine.settings(name)?;
    }
    let mut report = Report::default();
    let count = engine.environments().count();
    // Whoever asks for one may not know how many others there are.
    let count = if only.is_some() { count.min(1) } else { count };
    report.findings.push(Finding {
        environment: None,
        instance: None,
        about: "configuration".to_owned(),
        verdict: if count == 0 { Verdict::Failed } else { Verdict::Ok },
        detail: match count {
            0 => "it names no environment: add one, or let `lifeboat init` write it".to_owned(),
            _ if only.is_some() => "it can be read and holds together".to_owned(),
            1 => "it can be read and holds together: 1 environment".to_owned(),
            count => format!("it can be read and holds together: {count} environments"),
        },
    });
    report
        .findings
        .extend(open_state(engine.state()).map(|detail| Finding {
            environment: None,
            instance: None,
            about: "state".to_owned(),
            verdict: Verdict::Warning,
            detail,
        }));
    for (name, settings) in engine.environments() {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        if settings.kind.is_recoverable() {
            engine.live(name)?.check(&mut report);
        } else {
            let mut findings = Findings {
                report: &mut report,
                environment: name,
                instance: None,
            };
            let detail = format!(
                "{} is listed and never backed up: only Live is",
                settings.kind.label()
            );
            findings.ok("kind", detail);
        }
    }
    same_place::databases(engine, only, &mut report)?;
    Ok(report)
}

impl Live {
    fn check(&self, report: &mut Report) {
        let (name, settings) = (self.name(), self.settings());
        let mut findings = Findings {
            report,
            environment: name,
            instance: None,
        };
        for which in [RepositoryChoice::First, RepositoryChoice::Copy] {
            self.check_repository(which, &mut findings);
            #[cfg(feature = "object-storage")]
            findings.report.findings.extend(self.check_kept(which));
        }
        if self.catalog().running(name).is_ok_and(|job| job.is_none()) {
            if let Err(error) = self.look_for_halves() {
                findings.failed("switch", error.to_string());
            }
            if let Some(half) = self.half_switched() {
                findings.failed("switch", half);
            }
        }
        let answers = self.ask_health();
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
                ContentSettings::Files { path } => {
                    self.check_folder(instance, path, &mut findings);
                    for left in self.left_beside(instance) {
                        findings.warning("restore", left);
                    }
                }
                ContentSettings::Postgres(database) => {
                    self.check_database(instance, database, &mut findings);
                }
            }
            self.check_hooks(instance, &mut findings);
            check_health(instance, &answers, &mut findings);
        }
    }

    fn check_folder(&self, instance: &InstanceSettings, path: &Path, findings: &mut Findings<'_>) {
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
                let mut linked = Vec::new();
                for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
                    let workspace = entry.file_name().to_string_lossy().into_owned();
                    if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                        linked.push(workspace);
                        continue;
                    }
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
                } else if !linked.is_empty() {
                    linked.sort();
                    findings.failed(
                        "content",
                        format!(
                            "{} of {} are symbolic links to folders, and links are not followed: no backup is made without \
                             them. Put the folders themselves there",
                            linked.join(", "),
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
        let backups = self.backups().unwrap_or_default();
        let needs = backups
            .first()
            .and_then(|backup| {
                backup
                    .manifest
                    .instances
                    .iter()
                    .find(|copy| copy.name == instance.name)
            })
            .map_or_else(plan::StagingSize::default, |copy| plan::StagingSize {
                bytes: copy.bytes(),
                items: copy.items(),
            });
        let mut found = plan::InTheWay::default();
        self.look_beside(instance, &Selection::default(), needs, &mut found);
        let plan::InTheWay {
            room,
            obstacles,
            warnings,
            ..
        } = found;
        for warning in warnings {
            findings.warning("restore", warning);
        }
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

    fn check_hooks(&self, instance: &InstanceSettings, findings: &mut Findings<'_>) {
        for point in HookPoint::ALL {
            let Some(program) = instance.hooks.at(point).first() else {
                continue;
            };
            let path = self.engine().variables()("PATH").unwrap_or_default();
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

/// The nearest folder on the way to a place that is there.
pub(super) fn existing(place: &Path) -> PathBuf {
    place
        .ancestors()
        .find(|folder| folder.exists())
        .map_or_else(|| PathBuf::from("/"), Path::to_owned)
}
