//! `lifeboat check`: goes through the configuration and says what works and what does not, before a night on which it
//! has to. Everything is looked at and nothing is changed: what is tried is taken back.
//!
//! Each look ends in a finding and none in an error: what cannot be looked at has failed, and says why.

mod doubts;
mod repository;
mod same_place;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::openness::open_state;
use crate::content::restoring::Checked;
use crate::domain::address::Address;
use crate::domain::backup::{Backup, InstanceCopy};
use crate::domain::check::{CONFIGURATION, Finding, Findings, Report, Verdict, in_use_still};
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::job::InstanceHealth;
use crate::domain::settings::{
    HookPoint, InstanceSettings, Member, RepositoryChoice, SecretSource, StorageOptions, Variables,
};
use crate::engine::backup::versions;
use crate::engine::configured;
use crate::engine::overview::summary;
use crate::engine::{Engine, EngineError, Live};
use crate::repository::{Key, Repository, RepositoryError, Storage};
use crate::secret::command;

pub use crate::content::home::pointed::look_at_folder;
pub use crate::content::postgres::check::look_at_database;
pub use crate::content::postgres::home::is_usable as look_at_home;

/// Tries a place for backups that is not configured yet. Gives whether backups of the environment are there.
///
/// # Errors
/// A sentence that says why it cannot be reached.
pub fn look_at_storage(
    root: &Address,
    options: &StorageOptions,
    environment: &EnvironmentName,
    variables: &Variables,
) -> Result<bool, String> {
    storage_of(root, options, environment, variables)
        .and_then(|storage| storage.holds_repository())
        .map_err(|error| error.to_string())
}

/// Tries a key in a file on the backups of the environment, which are there, before a configuration names both.
///
/// # Errors
/// A sentence that says that it does not open them, or why it cannot be tried.
pub fn try_key(
    root: &Address,
    options: &StorageOptions,
    environment: &EnvironmentName,
    key: &Path,
    variables: &Variables,
) -> Result<(), String> {
    let source = SecretSource::PasswordFile(key.to_owned());
    storage_of(root, options, environment, variables)
        .and_then(|storage| {
            let key = Key::read(&source, Path::new("/"), &|name| variables(name))?;
            Repository::open(storage, &key).map(|_| ())
        })
        .map_err(|error| error.to_string())
}

/// The storage of an environment that is not configured yet, for as long as somebody waits at a question.
fn storage_of(
    root: &Address,
    options: &StorageOptions,
    environment: &EnvironmentName,
    variables: &Variables,
) -> Result<Storage, RepositoryError> {
    let options = StorageOptions {
        retry_seconds: 2,
        ..options.clone()
    };
    // Paths are absolute: there is no folder of a configuration yet that they could count from.
    let storage = Storage::new(root, &options, Path::new("/"), &|name| variables(name))?;
    Ok(storage
        .join(environment.project())
        .join(environment.environment()))
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
    // What was read before stays in use: the file may say something else by now.
    let doubt = configured::doubt(engine);
    report.findings.push(Finding {
        environment: None,
        instance: None,
        about: CONFIGURATION.to_owned(),
        verdict: if count == 0 || doubt.is_some() {
            Verdict::Failed
        } else {
            Verdict::Ok
        },
        detail: match (doubt, count) {
            (Some(why), _) => in_use_still(&why),
            (None, 0) => "it names no environment: add one, or let `lifeboat init` write it".to_owned(),
            (None, _) if only.is_some() => "it can be read and holds together".to_owned(),
            (None, 1) => "it can be read and holds together: 1 environment".to_owned(),
            (None, count) => format!("it can be read and holds together: {count} environments"),
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
    if only.is_none() {
        check_receivers(engine, &mut report);
    }
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

/// Whether whoever is told while nobody looks can be: nothing is sent, what is known of them is said.
fn check_receivers(engine: &Engine, report: &mut Report) {
    let unheard: BTreeMap<_, _> = engine.notifier().names_nothing().into_iter().collect();
    for (name, told) in engine.notifier().look_at() {
        let found = |verdict, detail| Finding {
            environment: None,
            instance: None,
            about: format!("receiver {name}"),
            verdict,
            detail,
        };
        let unheard = unheard.get(&name).cloned();
        let unheard = unheard.map(|detail| found(Verdict::Warning, detail));
        let told = match told {
            Ok(_) if unheard.is_some() => None,
            Ok(place) => Some(found(Verdict::Ok, place)),
            Err(why) => Some(found(Verdict::Failed, why)),
        };
        report.findings.extend(told.into_iter().chain(unheard));
    }
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
        let backups = self.backups().unwrap_or_default();
        for standing in summary(self.engine(), name).map_or_else(|_| Vec::new(), |summary| summary.targets) {
            let told = standing.in_words();
            if standing.met {
                findings.ok(standing.aim.label(), told);
            } else {
                findings.warning(standing.aim.label(), told);
            }
        }
        let is_at_work = self.catalog().running(name).is_ok_and(|job| job.is_some());
        for instance in &settings.instances {
            let mut findings = Findings {
                report: &mut *findings.report,
                environment: name,
                instance: Some(&instance.name),
            };
            let about = Checked {
                environment: name,
                instance: &instance.name,
                last: last(&backups, &instance.name),
                doubts: doubts::about(&backups, &instance.name),
                unhooked: HookPoint::ALL
                    .into_iter()
                    .filter(|point| !instance.has_hook(*point))
                    .collect(),
                unstopped: instance.unstopped(),
                is_at_work,
                undropped: self.undropped(),
                nodes: &instance.nodes,
                now: self.now(),
            };
            self.place(instance).check(&about, &mut findings);
            for left in self.left_beside(instance) {
                findings.warning("restore", left);
            }
            self.check_hooks(instance, &mut findings);
            check_health(instance, &answers, &mut findings);
        }
    }

    fn check_hooks(&self, instance: &InstanceSettings, findings: &mut Findings<'_>) {
        for member in instance.members() {
            let whose = whose(&member);
            for point in HookPoint::ALL {
                let Some(program) = member.hooks().at(point).first() else {
                    continue;
                };
                let path = self.engine().variables()("PATH").unwrap_or_default();
                let told = command::find(program, &path)
                    .map(|found| format!("{whose}{} is there", found.display()))
                    .map_err(|why| format!("{whose}{why}: name its whole path, or install it"));
                findings.told(&format!("{} hook", point.label()), told);
            }
        }
    }
}

/// Which node a finding is about, to stand before it. Empty for the instance itself.
fn whose(member: &Member<'_>) -> String {
    member
        .node
        .map_or_else(String::new, |node| format!("{}: ", node.name))
}

fn check_health(instance: &InstanceSettings, answers: &[InstanceHealth], findings: &mut Findings<'_>) {
    for member in instance.members() {
        let whose = whose(&member);
        let Some(health) = member.health() else {
            // Of several nodes each is asked by itself.
            if member.node.is_some() || instance.nodes.is_empty() {
                findings.warning(
                    "health",
                    format!(
                        "{whose}no address is configured: after a restore nobody asks whether the {} is up",
                        if member.node.is_some() { "node" } else { "instance" }
                    ),
                );
            }
            continue;
        };
        let address = &health.url;
        let told = match answers.iter().find(|answer| answer.who() == member.name()) {
            Some(answer) if answer.up => Ok(format!("{whose}{address}: {}", answer.detail)),
            Some(answer) => Err(format!(
                "{whose}{address} does not say that it is up: {}",
                answer.detail
            )),
            None => Err(format!("{whose}{address} could not be asked")),
        };
        findings.told("health", told);
    }
}

/// What the newest backup that Live would be brought back to holds of an instance.
fn last<'b>(backups: &'b [Backup], instance: &InstanceName) -> Option<&'b InstanceCopy> {
    let newest = backups.iter().find(|backup| backup.is_good_of_live())?;
    let mut copies = newest.manifest.instances.iter();
    copies.find(|copy| copy.name == *instance)
}

/// The nearest folder on the way to a place that is there.
pub(super) fn existing(place: &Path) -> PathBuf {
    place
        .ancestors()
        .find(|folder| folder.exists())
        .map_or_else(|| PathBuf::from("/"), Path::to_owned)
}
