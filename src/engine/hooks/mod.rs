//! Hooks: the commands that an operator wants run around the backups and restores of an instance, and what it means
//! when one fails.
//!
//! | point | runs | a failure |
//! | --- | --- | --- |
//! | `before_backup` | right before the content is copied | fails the backup; in a safety backup it is a warning |
//! | `after_backup` | once the copy is recorded, or has failed | is a warning |
//! | `before_restore` | when all is staged and verified, right before the switch | stops the restore, Live untouched |
//! | `after_restore` | after the switch, or when the restore stopped after `before_restore` | is a warning |
//!
//! An instance that several nodes share has hooks of its own and those of each node, one after the other: the instance's
//! first, then the nodes' in the order of the configuration.
//!
//! Whatever a `before_` hook has paused or stopped, its `after_` hook starts again, so that one is owed from the moment
//! the first begins, across a crash too (`owed`). After a crash a hook may run a second time.
//!
//! A safety backup is taken while Live runs and needs its hooks as much as any other. But it is taken when something is
//! wrong, often with a Magnolia that no longer answers its hooks, and that must not keep anybody from a restore: what
//! is copied is compared with Live before the switch anyway.
//!
//! Not in here: running one command (`process`), and what a backup or a restore does between its hooks.

pub(super) mod owed;
pub(super) mod process;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) use owed::KIND as OWED;
use owed::Owed;
use process::Stopped;
use serde::{Deserialize, Serialize};

use crate::domain::activity::Severity;
use crate::domain::backup::BackupId;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobId;
use crate::domain::settings::{HookPoint, InstanceSettings, Member};
use crate::domain::version::Versions;
use crate::engine::backup::versions;
use crate::engine::{EngineError, Live, Work, secrets};
use crate::watch::Watch as _;

/// Told what goes into a job's log.
pub(super) type Say<'a> = dyn Fn(Severity, &str) + Send + Sync + 'a;

/// So many lines of one hook go into the log: a program that talks without end must not fill the disk.
const MOST_LINES: usize = 5_000;

/// What hooks run around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    Backup,
    Restore,
}

impl Around {
    const ALL: [Self; 2] = [Self::Backup, Self::Restore];

    fn before(self) -> HookPoint {
        match self {
            Self::Backup => HookPoint::BeforeBackup,
            Self::Restore => HookPoint::BeforeRestore,
        }
    }

    fn after(self) -> HookPoint {
        match self {
            Self::Backup => HookPoint::AfterBackup,
            Self::Restore => HookPoint::AfterRestore,
        }
    }

    /// Whether somebody whose turn has come has to have the `after_` hook run. A backup's also tells others how the
    /// backup went; a restore that never touched Live has nothing to tell but where something was stopped for it.
    fn owes(self, member: &Member<'_>) -> bool {
        let has = |point| !member.hooks().at(point).is_empty();
        has(self.after()) && (self == Self::Backup || has(self.before()))
    }
}

/// How what a hook follows has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Done,
    Failed,
    Cancelled,
}

impl Ending {
    /// What an error is the end of.
    pub(super) fn of(error: &EngineError) -> Self {
        if error.is_cancelled() {
            Self::Cancelled
        } else {
            Self::Failed
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a hook is told about the job that it runs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Occasion {
    pub environment: EnvironmentName,
    pub job: JobId,
    /// What made the backup (`schedule`, `person`, `upgrade`, `restore`); for a restore `restore` or `undo`.
    pub trigger: String,
    /// The backup that is restored, or that was made.
    pub backup: Option<BackupId>,
    /// The versions that go into the backup, or that the restored one holds.
    pub versions: Option<Versions>,
}

impl Occasion {
    /// The facts as environment variables; `None` for those that are not known.
    fn facts(
        &self,
        point: HookPoint,
        member: &Member<'_>,
        ending: Option<Ending>,
    ) -> Vec<(&'static str, Option<String>)> {
        let instance = member.instance;
        let known = |version: &str| versions::known(version).map(str::to_owned);
        let both = self.versions.as_ref();
        vec![
            ("LIFEBOAT_HOOK", Some(point.label().to_owned())),
            ("LIFEBOAT_ENVIRONMENT", Some(self.environment.to_string())),
            ("LIFEBOAT_INSTANCE", Some(instance.name.to_string())),
            ("LIFEBOAT_NODE", member.node.map(|node| node.name.to_string())),
            ("LIFEBOAT_ROLE", Some(instance.role.label().to_owned())),
            ("LIFEBOAT_JOB", Some(self.job.to_string())),
            ("LIFEBOAT_TRIGGER", Some(self.trigger.clone())),
            ("LIFEBOAT_BACKUP", self.backup.as_ref().map(|id| id.0.clone())),
            ("LIFEBOAT_OUTCOME", ending.map(|ending| ending.label().to_owned())),
            (
                "LIFEBOAT_RELEASE_VERSION",
                both.and_then(|both| known(&both.release.0)),
            ),
            (
                "LIFEBOAT_MAGNOLIA_VERSION",
                both.and_then(|both| known(&both.magnolia.0)),
            ),
        ]
    }
}

/// Tells what a program prints, line by line, into a job's log: up to so much.
pub(super) fn to_the_log<'s>(
    name: &'s (dyn fmt::Display + Sync),
    program: &'s str,
    say: &'s Say<'_>,
) -> impl Fn(&str) + Send + Sync + 's {
    let lines = AtomicUsize::new(0);
    move |line| match lines.fetch_add(1, Ordering::Relaxed) {
        count if count < MOST_LINES => say(Severity::Information, &format!("{name}: {line}")),
        MOST_LINES => say(
            Severity::Warning,
            &format!("{name}: {program} prints more than {MOST_LINES} lines; the rest is left out"),
        ),
        _ => {}
    }
}

impl Live {
    /// Runs the `before_` hook of each instance and of each of its nodes, one after the other, up to the first that fails. What that owes is
    /// noted before each begins.
    ///
    /// # Errors
    /// What a hook failed with; that a debt could not be noted, so that its hook was not begun; cancellation.
    pub(super) fn run_before(
        &self,
        around: Around,
        occasion: &Occasion,
        instances: &[&InstanceSettings],
        work: &Work,
    ) -> Result<(), EngineError> {
        let say = |severity: Severity, text: &str| work.log(severity, text);
        let mut owed = Owed {
            occasion: occasion.clone(),
            instances: Vec::new(),
            nodes: Vec::new(),
        };
        for member in instances.iter().flat_map(|instance| instance.members()) {
            if around.owes(&member) {
                owed.add(member.name());
                owed.write(self.papers(), around)
                    .map_err(self.paper_failed("noting the hooks to be run later in", owed::KIND))?;
            }
            if member.hooks().at(around.before()).is_empty() {
                continue;
            }
            work.instance(&member.instance.name);
            let ended = self.run_hook(around.before(), occasion, &member, None, &say, &|| {
                work.is_cancelled_now()
            });
            match ended {
                Ok(()) => {}
                Err(Stopped::Cancelled) => return Err(EngineError::Cancelled),
                Err(Stopped::Failed(why) | Stopped::Refused(why)) => return Err(EngineError::Failed(why)),
            }
        }
        Ok(())
    }

    /// Runs the `after_` hook of each instance and of each of its nodes. Returns what went wrong.
    pub(super) fn run_after(
        &self,
        around: Around,
        occasion: &Occasion,
        instances: &[&InstanceSettings],
        ending: Ending,
        say: &Say<'_>,
    ) -> Vec<String> {
        let members: Vec<_> = instances.iter().flat_map(|instance| instance.members()).collect();
        self.run_after_of(around, occasion, &members, ending, say)
    }

    fn run_after_of(
        &self,
        around: Around,
        occasion: &Occasion,
        members: &[Member<'_>],
        ending: Ending,
        say: &Say<'_>,
    ) -> Vec<String> {
        let point = around.after();
        let with_hook = members
            .iter()
            .filter(|member| !member.hooks().at(point).is_empty());
        let failed = with_hook.filter_map(|member| {
            // Whatever it starts again has to be started: it is not cancelled with its job.
            match self.run_hook(point, occasion, member, Some(ending), say, &|| false) {
                Err(Stopped::Failed(why) | Stopped::Refused(why)) => Some(why),
                Ok(()) | Err(Stopped::Cancelled) => None,
            }
        });
        let mut warnings: Vec<_> = failed.collect();
        if let Err(error) = Owed::remove(self.papers(), around, &occasion.environment) {
            warnings.push(format!(
                "that the {} hooks were run could not be noted ({error}): the next start runs them again",
                point.label()
            ));
        }
        warnings
    }

    /// Runs the `after_` hooks that are owed, if any are. `backup` is the backup that was made meanwhile. Returns what
    /// went wrong.
    pub(super) fn run_owed(
        &self,
        around: Around,
        ending: Ending,
        backup: Option<&BackupId>,
        say: &Say<'_>,
    ) -> Vec<String> {
        let name = self.name();
        let mut owed = match Owed::read(self.papers(), around, name) {
            Ok(Some(owed)) => owed,
            Ok(None) => return Vec::new(),
            Err(error) => {
                return vec![format!(
                    "which {} hooks of {name} are still to be run cannot be read in {} ({error}): start by hand what is \
                     paused or stopped, and remove that record",
                    around.after().label(),
                    Owed::place(&self.papers(), around, name)
                )];
            }
        };
        if let Some(backup) = backup {
            owed.occasion.backup = Some(backup.clone());
        }
        // Whoever is no longer configured has no hook any more.
        let instances = self.settings().instances.iter();
        let members: Vec<_> = instances
            .flat_map(InstanceSettings::members)
            .filter(|member| owed.has(&member.name()))
            .collect();
        self.run_after_of(around, &owed.occasion, &members, ending, say)
    }

    /// Whether a job that was interrupted has left hooks to be run.
    pub(super) fn owes_hooks(&self) -> bool {
        let name = self.name();
        Around::ALL
            .iter()
            .any(|around| Owed::stands(&self.papers(), *around, name))
    }

    /// Runs what an interrupted job has left to be run, with what it had begun as failed. Returns what went wrong.
    pub(super) fn run_left_over(&self) -> Vec<String> {
        let name = self.name();
        let mut warnings = Vec::new();
        for around in Around::ALL {
            let job = Owed::read(self.papers(), around, name)
                .ok()
                .flatten()
                .map(|owed| owed.occasion.job);
            let say = |severity: Severity, text: &str| {
                if let Some(job) = job {
                    // A log that cannot be written does not stop the recovery.
                    let _ = self.catalog().log(job, self.now(), severity, text);
                }
            };
            let told = self.run_owed(around, Ending::Failed, None, &say);
            for warning in &told {
                say(Severity::Warning, warning);
            }
            warnings.extend(told);
        }
        warnings
    }

    fn run_hook(
        &self,
        point: HookPoint,
        occasion: &Occasion,
        name: &Member<'_>,
        ending: Option<Ending>,
        say: &Say<'_>,
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), Stopped> {
        let command = name.hooks().at(point);
        let program = command.first().map_or("", String::as_str);
        let point_label = point.label();
        say(
            Severity::Information,
            &format!("{name}: the {point_label} hook is run"),
        );
        let tell = to_the_log(name, "the hook", say);
        let mut variables = occasion.facts(point, name, ending);
        // A hook has no business with any of Lifeboat's secrets.
        let secrets = secrets::variables(self.engine());
        variables.extend(secrets.iter().map(|name| (name.as_str(), None)));
        let run = process::run(
            command,
            &variables,
            name.hooks().limit.duration(),
            is_cancelled,
            &tell,
        );
        self.engine()
            .runtime()
            .block_on(run)
            .map_err(|stopped| match stopped {
                Stopped::Failed(why) | Stopped::Refused(why) => {
                    Stopped::Failed(format!("the {point_label} hook of {name}, {program}, {why}"))
                }
                Stopped::Cancelled => Stopped::Cancelled,
            })
    }
}
