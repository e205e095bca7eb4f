//! Takes backups: copies Live into the repository, reads back what was not read before, records it, and lets retention
//! drop what it replaces. In that order: nothing is recorded before all of it was read back, and nothing is dropped before its successor
//! is recorded.

pub(super) mod copies;
mod doubts;
#[cfg(feature = "object-storage")]
pub(super) mod immutable;
mod pins;
pub(super) mod retention;
pub(super) mod storing;
pub(super) mod versions;

use std::sync::Arc;

use chrono::Duration;
use doubts::{doubt, tell_of_copies};

use crate::catalog::DueClaim;
use crate::concurrency::beside_while;
use crate::domain::activity::Severity;
use crate::domain::ahead;
use crate::domain::backup::{Backup, BackupId, Manifest, Served, Trigger, choose};
use crate::domain::environment::InstanceName;
use crate::domain::free_text;
use crate::domain::job::{JobId, JobKind, Outcome, Phase};
use crate::domain::measure;
use crate::domain::milestone::Milestone;
use crate::domain::plan::Selection;
use crate::domain::principal::Principal;
use crate::domain::refusal::{Refusal, upgrade_allowed};
use crate::domain::request::BackupRequest;
use crate::domain::retention::{holders, standing_upgrade};
use crate::domain::schedule::Due;
use crate::domain::settings::{HookPoint, InstanceSettings, RepositoryChoice};
use crate::domain::slot::Slot;
use crate::domain::version::Versions;
use crate::engine::hooks::{Around, Ending, Occasion};
use crate::engine::jobs::start::Beginning;
use crate::engine::{EngineError, Live, Work};
use crate::repository::{FrozenSources, Repository, Source};

/// An upgrade backup stands this long (rule 6).
pub(in crate::engine) const UPGRADE_STANDS: Duration = Duration::hours(48);
/// A safety backup stands this long, so that a restore made on a Friday can be undone the week after.
pub(in crate::engine) const SAFETY_STANDS: Duration = Duration::days(7);
/// What an extension adds to either (rule 6).
const EXTENSION: Duration = Duration::hours(48);
/// What a copy of Live is for.
pub(in crate::engine) struct Purpose {
    pub trigger: Trigger,
    pub by: Principal,
    pub note: Option<String>,
    pub slots: Vec<Slot>,
    pub serves: Vec<Served>,
    pub stands: Option<Duration>,
    pub replaces: Option<Selection>,
    /// Instances that a restore has brought to rest already: their hooks around a backup are not run, since `after_backup`
    /// would start what has to stand still.
    pub at_rest: Vec<InstanceName>,
    /// Which repository it goes to: the first, unless that one is lost and Live is to be saved before a restore.
    pub into: RepositoryChoice,
    /// The phases that preparing, copying and reading back are shown as.
    pub phases: (Phase, Phase, Phase),
}

impl Live {
    /// Starts a manual or an upgrade backup.
    ///
    /// # Errors
    /// A refusal (rules 5, 6, 8); a repository or catalog out of reach.
    pub fn start_backup(&self, request: &BackupRequest) -> Result<JobId, EngineError> {
        let name = self.name();
        let (trigger, title) = match &request.upgrade_to {
            Some(to) => (
                Trigger::Upgrade { to: to.clone() },
                format!("upgrade backup before Magnolia {to}"),
            ),
            None => (Trigger::Person, "manual backup".to_owned()),
        };
        if let Some(version) = &request.upgrade_to {
            free_text::needed(&version.0)?;
            upgrade_allowed(name, &trigger, &self.backups()?, self.now())?;
        }
        let purpose = Purpose {
            slots: if request.upgrade_to.is_some() {
                Vec::new()
            } else {
                vec![Slot::Manual]
            },
            stands: request.upgrade_to.is_some().then_some(UPGRADE_STANDS),
            trigger,
            by: self.who().clone(),
            note: free_text::if_any(request.note.as_deref())?,
            serves: Vec::new(),
            replaces: None,
            at_rest: Vec::new(),
            into: RepositoryChoice::First,
            phases: (Phase::Preparing, Phase::Copying, Phase::Verifying),
        };
        self.start(JobKind::Backup, &title, move |live, work| {
            live.back_up(work, purpose)
        })
    }

    /// Starts a scheduled backup of whatever is due. What is due is worked out again once the job holds the
    /// environment, so that of two Lifeboats only one serves a period.
    pub(in crate::engine) fn start_scheduled_backup(
        &self,
        due: &Due,
        claim: Option<&DueClaim>,
    ) -> Result<JobId, EngineError> {
        let title = match due {
            Due::Slots(serves) => {
                let slots: Vec<_> = serves.iter().map(|served| served.slot.label()).collect();
                format!("scheduled backup ({})", slots.join(", "))
            }
            Due::Nothing | Due::Recent(_) => "scheduled backup (recent)".to_owned(),
        };
        let beginning = Beginning {
            due: claim,
            ..Beginning::of(JobKind::Backup, &title)
        };
        self.by_schedule().begin(&beginning, move |live, work| {
            let serves = match live.due(true)? {
                Due::Slots(serves) => serves,
                Due::Recent(_) => Vec::new(),
                Due::Nothing => {
                    return Ok(Outcome {
                        summary: "nothing was due any more: another Lifeboat has taken the backup".to_owned(),
                        ..Outcome::default()
                    });
                }
            };
            let purpose = Purpose {
                trigger: Trigger::Schedule,
                by: Principal::Schedule,
                note: None,
                slots: serves.iter().map(|served| served.slot).collect(),
                serves,
                stands: None,
                replaces: None,
                at_rest: Vec::new(),
                into: RepositoryChoice::First,
                phases: (Phase::Preparing, Phase::Copying, Phase::Verifying),
            };
            live.back_up(work, purpose)
        })
    }

    fn back_up(&self, work: &Work, purpose: Purpose) -> Result<Outcome, EngineError> {
        let kind = match (&purpose.trigger, &purpose.slots[..]) {
            (Trigger::Upgrade { to }, _) => format!("upgrade backup before Magnolia {to}"),
            (_, []) => "recent backup".to_owned(),
            (_, slots) => {
                let slots: Vec<_> = slots.iter().map(|slot| slot.label()).collect();
                format!("{} backup", slots.join(", "))
            }
        };
        let (backup, mut warnings) = self.copy_live(work, purpose, &[])?;
        work.reached(Milestone::BackupComplete, None);
        work.phase(Phase::Retention).or_else(|error| {
            // The backup is complete: what is left is housekeeping, which the next backup does as well.
            if error.is_cancelled() { Ok(()) } else { Err(error) }
        })?;
        let dropped = match self.apply_retention(work, &backup) {
            Ok(dropped) => dropped,
            Err(error) => {
                warnings.push(format!(
                    "what the new backup replaces could not be dropped: {}",
                    work.told(&error)
                ));
                Vec::new()
            }
        };
        warnings.extend(self.make_up_copies(work));
        #[cfg(feature = "object-storage")]
        warnings.extend(self.keep_for_longer(work));
        let late = if backup.is_late() { ", late" } else { "" };
        let mut summary = format!(
            "backup {} is complete and verified: {kind}{late}, {}, {}",
            backup.id,
            measure::items(backup.manifest.items()),
            measure::bytes(backup.manifest.bytes())
        );
        if !dropped.is_empty() {
            let dropped: Vec<_> = dropped.iter().map(BackupId::short).collect();
            summary = format!("{summary}, in place of {}", dropped.join(", "));
        }
        Ok(Outcome {
            summary,
            backup: Some(backup.id),
            warnings,
            ..Outcome::default()
        })
    }

    /// Copies Live into the repository, reads the copy back, and records it. Returns the backup and what should be
    /// known about it. Instances in `without` are left out: there is nothing of them to copy.
    pub(in crate::engine) fn copy_live(
        &self,
        work: &Work,
        purpose: Purpose,
        without: &[&InstanceSettings],
    ) -> Result<(Backup, Vec<String>), EngineError> {
        let copied = self.copy_between_hooks(work, purpose, without);
        // Whoever has taken the job over has run what it owed.
        work.check_claim()?;
        let (ending, made) = match &copied {
            Ok((backup, _)) => (Ending::Done, Some(&backup.id)),
            Err(error) => (Ending::of(error), None),
        };
        let say = |severity: Severity, text: &str| work.log(severity, text);
        let told = self.run_owed(Around::Backup, ending, made, &say);
        match copied {
            Ok((backup, mut warnings)) => {
                warnings.extend(told);
                Ok((backup, warnings))
            }
            Err(error) => {
                // How the job ended is told by what made it fail.
                for warning in told {
                    work.log(Severity::Warning, &warning);
                }
                Err(error)
            }
        }
    }

    /// Runs the `before_backup` hooks. In a safety backup a failing one is a warning: see `hooks`.
    fn run_before_backup(
        &self,
        work: &Work,
        trigger: &Trigger,
        versions: &Versions,
        instances: &[&InstanceSettings],
        warnings: &mut Vec<String>,
    ) -> Result<(), EngineError> {
        let occasion = Occasion {
            environment: work.environment().clone(),
            job: work.id(),
            trigger: trigger.label().to_owned(),
            backup: None,
            versions: Some(versions.clone()),
        };
        match self.run_before(Around::Backup, &occasion, instances, work) {
            Err(error) if error.is_cancelled() => Err(error),
            Err(error) if *trigger == Trigger::Restore => {
                warnings.push(format!("{error}. The safety backup was taken without it"));
                Ok(())
            }
            Err(error) => Err(EngineError::Failed(format!("{error}. No backup was recorded"))),
            Ok(()) => Ok(()),
        }
    }

    fn copy_between_hooks(
        &self,
        work: &Work,
        purpose: Purpose,
        without: &[&InstanceSettings],
    ) -> Result<(Backup, Vec<String>), EngineError> {
        let name = self.name();
        let settings = self.settings();
        let mut warnings = Vec::new();
        let (preparing, copying, reading) = purpose.phases;
        work.phase(preparing)?;
        let of = self.versions_of_copy(&purpose, versions::with_warnings(settings, &mut warnings));
        if purpose.trigger != Trigger::Restore {
            self.has_all_workspaces()?;
        }
        let places: Vec<_> = settings.instances.iter().map(|one| self.place(one)).collect();
        if let Some(why) = places.iter().find_map(|place| place.why_no_backup_at_all()) {
            return Err(EngineError::Failed(why));
        }
        warnings.extend(places.iter().filter_map(|place| place.warning_of_backup()));
        let instances: Vec<_> = settings
            .instances
            .iter()
            .filter(|instance| !without.iter().any(|missing| missing.name == instance.name))
            .collect();
        let sources: Vec<Source> = instances
            .iter()
            .map(|instance| Source {
                name: instance.name.clone(),
                role: instance.role,
                content: self.place(instance).content(),
            })
            .collect();
        let hold_still = || FrozenSources::take(&sources, self.engine().clock());
        let mut hooked = instances.clone();
        hooked.retain(|instance| !purpose.at_rest.contains(&instance.name));
        let has_hook = |instance: &&InstanceSettings| instance.has_hook(HookPoint::BeforeBackup);
        work.leaves_out_hooks_of_backup(&hooked);
        let come_to_rest = || self.come_to_rest(&instances, HookPoint::BeforeBackup, work);
        // Where nothing is to be run first, databases are held still, and folders walked, while the repository is being opened.
        let (opened, early) = if hooked.iter().any(has_hook) {
            (self.open_to_copy(&purpose), None)
        } else {
            let rest = come_to_rest()?;
            let look = |opens: &dyn Fn() -> bool| hold_still().map(|still| still.walk_ahead(opens, work));
            let (opened, still) = beside_while(|| self.open_to_copy(&purpose), look);
            (opened, Some((still, rest)))
        };
        let (repository, before) = opened?;
        self.run_before_backup(work, &purpose.trigger, &of.versions, &hooked, &mut warnings)?;

        work.phase(copying)?;
        let rested = || come_to_rest().map(|rest| (hold_still(), rest));
        let (still, rest) = early.map_or_else(rested, Ok)?;
        let still = still?;
        let taken = still.start();
        let good = before.iter().find(|backup| backup.is_good());
        let parent = good.map(|backup| &backup.id);
        let mut still = Some(still);
        let (copy, verify_millis) = self.store(work, (copying, reading), &repository, &mut |watch| {
            let still = still.take().map_or_else(hold_still, Ok)?;
            repository.copy(still, parent, watch)
        })?;
        if work.is_cancelled_now() {
            return Err(EngineError::Cancelled);
        }
        self.is_still_at_rest(&rest, HookPoint::BeforeBackup)?;

        let expires = purpose.stands.map(|stands| taken + stands);
        let manifest = Manifest {
            format: Manifest::FORMAT,
            environment: name.clone(),
            taken,
            copy_millis: copy.copy_millis,
            verify_millis,
            trigger: purpose.trigger,
            by: purpose.by,
            note: purpose.note,
            versions: of.versions,
            ran: of.ran,
            came_from: of.came_from,
            slots: purpose.slots,
            serves: purpose.serves,
            expires,
            pin: None,
            replaced: purpose.replaces,
            added_bytes: copy.added_bytes,
            read_since: copy.read_since,
            earlier: Vec::new(),
            instances: copy.instances.clone(),
        };
        warnings.extend(doubt(&before, &manifest));
        warnings.extend(ahead::trouble(name, &before, self.now()));
        tell_of_copies(work, &manifest, &mut warnings);
        let id = repository.record(copy, &manifest)?;
        self.note_that_there_is_one();
        self.changed();
        let where_ = match purpose.into {
            RepositoryChoice::First => "",
            RepositoryChoice::Copy => " in the second repository",
        };
        work.log(Severity::Information, &format!("backup {id} is recorded{where_}"));
        Ok((self.recorded(&id, purpose.into)?, warnings))
    }

    /// The backup that was just recorded, as the repository lists it.
    fn recorded(&self, id: &BackupId, into: RepositoryChoice) -> Result<Backup, EngineError> {
        let mut listed = self.list_in(into)?.into_iter();
        let missing = || {
            EngineError::Failed(format!(
                "backup {id} was recorded and is not in the repository's list"
            ))
        };
        listed.find(|backup| backup.id == *id).ok_or_else(missing)
    }

    /// The repository that a copy goes to, made if there is none, and the backups that it holds.
    fn open_to_copy(&self, purpose: &Purpose) -> Result<(Arc<Repository>, Vec<Backup>), EngineError> {
        let name = self.name();
        #[cfg(feature = "object-storage")]
        self.can_be_kept(purpose.into)?;
        let repository = self
            .repository_of(purpose.into, true)?
            .ok_or_else(|| EngineError::Failed(format!("the repository of {name} could not be created")))?;
        let before = self.list_in(purpose.into)?;
        // Another Lifeboat may have taken an upgrade backup since this one was accepted.
        upgrade_allowed(name, &purpose.trigger, &before, self.now())?;
        Ok((repository, before))
    }

    /// Keeps an upgrade or safety backup for another 48 hours. Its id changes with that.
    ///
    /// # Errors
    /// A sentence for a backup that no expiry holds; a repository out of reach.
    pub fn extend(&self, id: &BackupId) -> Result<(), EngineError> {
        let name = self.name();
        self.refuse_while_busy()?;
        let backup = self.find_backup(id)?;
        // It may have another id by now than the one that it was called by.
        let id = &backup.id;
        let Some(until) = backup.manifest.expires else {
            return Err(Refusal::BackupHeld {
                backup: id.to_string(),
                why: "a slot keeps it, and it does not expire".to_owned(),
            }
            .into());
        };
        let expires = until.max(self.now()) + EXTENSION;
        let changed = self.repository_holding(id)?.change_expiry(id, expires)?;
        self.catalog().is_called(name, id, &changed)?;
        self.changed();
        let text = format!(
            "the {} backup of {} is kept until {}",
            backup.manifest.trigger.names(),
            measure::moment(backup.manifest.taken),
            measure::moment(expires)
        );
        self.remember(self.who(), &text, None, Severity::Information);
        Ok(())
    }

    /// Deletes a backup that holds no slot: an upgrade or safety backup before it expires, or one that was kept because
    /// what replaced it holds much less.
    ///
    /// # Errors
    /// A refusal while a slot or a job holds it; a repository out of reach.
    pub fn delete(&self, id: &BackupId) -> Result<(), EngineError> {
        self.refuse_while_busy()?;
        self.is_whole()?;
        let backup = self.find_backup(id)?;
        let id = &backup.id;
        let which = self.which_holds(id);
        let backups = match which {
            RepositoryChoice::First => self.backups()?,
            RepositoryChoice::Copy => self.copies_for_retention()?,
        };
        if let Some(pin) = backup.pinned(self.now()) {
            return Err(Refusal::BackupHeld {
                backup: id.to_string(),
                why: format!("it is pinned {}. Take the pin away first", pin.in_words()),
            }
            .into());
        }
        let keep = self.settings().keep;
        let held = Slot::ALL.into_iter().find(|slot| {
            holders(&backups, &keep, *slot)
                .iter()
                .any(|holder| holder.id == *id)
        });
        if let Some(slot) = held {
            return Err(Refusal::BackupHeld {
                backup: id.to_string(),
                why: format!("it holds the {slot} slot, and goes only when a newer one has taken its place"),
            }
            .into());
        }
        self.repository_holding(id)?.forget(std::slice::from_ref(id))?;
        self.note_if_emptied();
        self.changed();
        let what = backup.manifest.trigger.names();
        let text = format!("the {what} backup {id} was deleted");
        self.remember(self.who(), &text, None, Severity::Information);
        // Its room is freed by a job of its own: that can take a while. In the second repository it is freed when the next
        // copy goes.
        if which == RepositoryChoice::First {
            self.start_prune()?;
        }
        Ok(())
    }

    /// The backup of this id: one of the first repository, or else one that the second holds.
    pub(in crate::engine) fn find_backup(&self, id: &BackupId) -> Result<Backup, EngineError> {
        let in_first = || Ok(choose(&self.backups()?, &id.0)?.clone());
        in_first().or_else(|error| self.known_copy(id).ok_or(error))
    }

    /// That no instance has a workspace which a backup would lack.
    fn has_all_workspaces(&self) -> Result<(), EngineError> {
        let mut instances = self.settings().instances.iter();
        let why = instances.find_map(|instance| self.place(instance).why_no_backup());
        why.map_or(Ok(()), |why| Err(EngineError::Failed(why)))
    }

    pub(in crate::engine) fn refuse_while_busy(&self) -> Result<(), EngineError> {
        let name = self.name();
        match self.catalog().running(name)? {
            Some(job) => Err(Refusal::Busy {
                environment: name.clone(),
                job: job.id,
                kind: job.kind,
            }
            .into()),
            None => Ok(()),
        }
    }

    /// Whether an upgrade backup of the environment stands now.
    #[must_use]
    pub fn has_standing_upgrade(&self, backups: &[Backup]) -> bool {
        standing_upgrade(backups, self.now()).is_some()
    }
}
