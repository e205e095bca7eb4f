//! Works out what a restore would do (rule 12): reads Live and the repository, changes nothing in either.

use std::cmp::Reverse;
use std::path::Path;

use super::Way;
use super::chosen::unknown_parts;
use super::outcome::each_once;
use crate::catalog::StoredPlan;
use crate::content::restoring::{Found, Place, TakenBack};
use crate::disk::room::{free_bytes, same_disk};
use crate::domain::Instant;
use crate::domain::backup::{Backup, Verification};
use crate::domain::environment::{InstanceName, WorkspaceKind};
use crate::domain::os_error::in_words;
use crate::domain::plan::{RestorePlan, Room, Selection, WorkspaceChange};
use crate::domain::proof::{Drill, DrillOutcome};
use crate::domain::request::RestoreRequest;
use crate::domain::settings::InstanceSettings;
use crate::domain::target::newest_whole;
use crate::domain::version::Versions;
use crate::domain::{limited, measure};
use crate::engine::backup::versions;
use crate::engine::{EngineError, Live};
use crate::repository::Repository;
use crate::watch::Watch;

/// What has to be known where the restore that is taken back is not the last one. Of all of Live nothing has to be said: all of it
/// goes.
fn not_the_last(part: &Selection) -> Option<String> {
    (!part.is_everything()).then(|| {
        format!(
            "this takes back a restore that is not the last one: what was changed since in {} goes with it, also what later restores \
             brought, and what was not there before it goes as well",
            limited::part(part)
        )
    })
}

/// A plan, and its warnings by when they matter. It names both kinds together.
pub(super) struct Planned {
    pub(super) plan: RestorePlan,
    /// What concerns only the time before the restore.
    pub(super) beforehand: Vec<String>,
    /// What is still so when it has ended well.
    pub(super) still_so: Vec<String>,
    /// Of these, what was written since into what an undo takes back.
    pub(super) written: Vec<String>,
}

impl Live {
    /// Works out what a restore would do.
    ///
    /// # Errors
    /// A refusal (rule 5); a backup that does not exist; Live or the repository out of reach. What merely stands in
    /// the way of the restore itself is in the plan's obstacles.
    pub fn plan_restore(
        &self,
        request: &RestoreRequest,
        watch: &dyn Watch,
    ) -> Result<RestorePlan, EngineError> {
        let name = &request.environment;
        // Of a Live that is half switched, what cannot be reached is not the news.
        let told = |error| match self.half_switched() {
            Some(half) => EngineError::Failed(half),
            None => error,
        };
        // Looked at before the plan is made, so that what changes meanwhile counts as changed.
        let basis = self.basis().map_err(told)?;
        let backup = self.choose_from(request.from, &request.backup)?;
        let mut way = Way {
            selection: request.selection.clone(),
            without_safety: request.without_safety,
            even_if_unchanged: request.even_if_unchanged,
            from: request.from,
            ..Way::default()
        };
        way.first_lost = self.first_lost(&way)?;
        let Planned { mut plan, .. } = self.plan(backup.clone(), &way, watch).map_err(|error| {
            // Of one that is damaged not everything that a plan looks at may be readable.
            self.not_damaged(&backup)
                .map_or_else(EngineError::from, |()| told(error))
        })?;
        plan.newer = self.newer_that_holds(&plan);
        // A job that is at work is in the way of the restore by itself, and its switch is none that was left.
        if self.catalog().running(name)?.is_none() {
            self.look_for_halves()?;
            plan.obstacles.extend(self.half_switched());
        }
        let stored = StoredPlan { plan, basis };
        self.catalog().add_plan(&stored, self.who())?;
        Ok(stored.plan)
    }

    pub(super) fn plan(&self, backup: Backup, way: &Way, watch: &dyn Watch) -> Result<Planned, EngineError> {
        let name = self.name();
        let selection = &way.selection;
        let settings = self.settings();
        let mut found = Found::default();
        // Undo: what the safety backup does not hold was not there, and goes again.
        let (mut written, mut nothing_written) = (Vec::new(), false);
        match self.taken_back(way, &backup) {
            Some(TakenBack::Last) => {
                let since = self.written_since(&backup, watch);
                nothing_written = since.is_nothing();
                written = since.told;
                found.warnings.extend_from_slice(&written);
            }
            Some(TakenBack::Earlier) => {
                found.warnings.extend(self.holds_less(&backup));
                found.warnings.extend(not_the_last(selection));
            }
            None => {
                found.obstacles.extend(unknown_parts(&backup, selection));
                found.warnings.extend(self.holds_less(&backup));
            }
        }
        found.obstacles.extend(self.damage_of(&backup));
        found.obstacles.extend(self.of_two_kinds(&backup, selection));
        self.plan_each(&backup, way, &mut found, watch)?;
        found.warnings.extend(dated_ahead(&backup, self.now()));
        found.warnings.extend(self.integrity_in_plan(&backup, selection)?);
        found.beforehand.extend(self.nobody_stops(selection));
        found.beforehand.extend(self.says_no_instance(&backup, selection));
        found.beforehand.extend(failed_drill(&backup));
        let changes_nothing = found.changes_nothing() && found.obstacles.is_empty();
        let Found {
            mut changes,
            mut room,
            mut obstacles,
            warnings: mut still_so,
            mut beforehand,
            newest_change,
            clusters,
            ..
        } = found;
        still_so.extend(self.told_of_nodes(selection, &clusters));
        obstacles.extend(too_little_in_all(&room));
        still_so.extend(not_held(&settings.instances, &backup, selection));
        // That it is left out is said by the plan itself.
        if !way.without_safety {
            let takes_it = self.repository_of(way.safety_goes_to(), false)?;
            repository_room(takes_it.as_deref(), &backup, &changes, &mut room, &mut beforehand);
        }
        beforehand.extend(self.being_freed(&room));
        beforehand.extend(way.first_lost.clone());
        let versions_now = versions::read(settings).unwrap_or_else(|why| {
            still_so.push(format!("it cannot be told which versions run in {name}: {why}"));
            backup.manifest.versions.clone()
        });
        let expected = self.expected_time(&backup, way)?;
        self.largest_first(&mut changes);
        let stopping = self.stopping(&self.chosen(&backup, selection));
        // Of a backup whose date is wrong, nobody can say what came after it.
        let newest_change = newest_change.filter(|at| *at > backup.manifest.taken || backup.dated_ahead);
        let mut plan = RestorePlan {
            id: self.new_plan_id()?,
            environment: name.clone(),
            backup,
            selection: selection.clone(),
            without_safety: way.without_safety,
            even_if_unchanged: way.even_if_unchanged,
            changes_nothing,
            from: way.from,
            made: self.now(),
            changes,
            newest_change,
            nothing_written,
            newer: None,
            versions_now,
            expected,
            room,
            obstacles,
            // A client that does not know `stopping` shows the warnings, and so does whoever is asked to agree.
            warnings: [stopping.by_hand.as_slice(), &beforehand].concat(),
            stopping,
        };
        still_so.extend(version_warnings(
            &plan.backup.manifest.versions,
            &plan.versions_now,
        ));
        plan.warnings.extend_from_slice(&still_so);
        plan.warnings = each_once(plan.warnings);
        Ok(Planned {
            plan,
            beforehand,
            still_so,
            written,
        })
    }

    /// What would be done with each instance that the backup and the selection have.
    fn plan_each(
        &self,
        backup: &Backup,
        way: &Way,
        found: &mut Found,
        watch: &dyn Watch,
    ) -> Result<(), EngineError> {
        let (selection, settings) = (&way.selection, self.settings());
        let repository = self.repository_holding(&backup.id)?;
        for copy in backup
            .manifest
            .instances
            .iter()
            .filter(|copy| selection.has_instance(&copy.name))
        {
            match settings
                .instances
                .iter()
                .find(|instance| instance.name == copy.name)
            {
                Some(instance) => {
                    let place = self.place(instance);
                    if let Some(why) = why_no_parts(&*place, selection) {
                        found.obstacles.push(format!("{}: {why}", copy.name));
                        continue;
                    }
                    let backed_up = repository.instance(&backup.id, copy);
                    place.plan(
                        &backed_up,
                        &way.wanted(self.taken_back(way, backup)),
                        found,
                        watch,
                    )?;
                    found.beforehand.extend(self.connected_now(instance)?);
                    found.warnings.extend(self.indexing_of(instance, copy, selection));
                    found.warnings.extend(self.unnamed_indexes(instance));
                }
                None => found.warnings.push(format!(
                    "the backup holds an instance {} that this environment does not have: it is left out",
                    copy.name
                )),
            }
        }
        Ok(())
    }

    /// That parts of content in folders and of tables are to come back at once, as a sentence: one is taken back alone, and the
    /// other with the rest of its workspace, and both at once would take back too much of the first.
    fn of_two_kinds(&self, backup: &Backup, selection: &Selection) -> Option<String> {
        if !selection.has_paths() {
            return None;
        }
        let chosen = self.chosen(backup, selection).into_iter();
        let (tables, folders): (Vec<_>, Vec<_>) =
            chosen.partition(|instance| self.place(instance).keeps_what_it_replaces());
        let (tables, folders) = (tables.first()?, folders.first()?);
        Some(format!(
            "{} is in a database and {} in a folder: bring parts of them back one after the other (--instance)",
            tables.name, folders.name
        ))
    }

    /// That paths are taken for all instances, as a sentence: nobody has said in which they are meant.
    fn says_no_instance(&self, backup: &Backup, selection: &Selection) -> Option<String> {
        if !selection.has_paths() || !selection.instances.is_empty() {
            return None;
        }
        let chosen = self.chosen(backup, selection);
        let (first, path) = (chosen.first()?, selection.paths.first()?);
        let names: Vec<_> = chosen.iter().map(|instance| instance.name.to_string()).collect();
        (names.len() > 1).then(|| {
            format!(
                "no instance is said, so that what was chosen comes back on {}: for one of them alone write {}:{path}",
                measure::listed(&names),
                first.name
            )
        })
    }

    /// Puts what changes most first, whichever instance it is in; what all workspaces of an instance share comes last.
    fn largest_first(&self, changes: &mut [WorkspaceChange]) {
        let instances = &self.settings().instances;
        let place = |name: &InstanceName| instances.iter().position(|known| known.name == *name);
        changes.sort_by(|one, other| {
            let key = |change: &WorkspaceChange| {
                (
                    change.kind == WorkspaceKind::Shared,
                    Reverse(change.size()),
                    place(&change.instance),
                )
            };
            key(one)
                .cmp(&key(other))
                .then_with(|| one.workspace.cmp(&other.workspace))
        });
    }

    /// That the backup was found damaged, as a sentence.
    fn damage_of(&self, backup: &Backup) -> Option<String> {
        let Verification::Damaged { why, .. } = &backup.verification else {
            return None;
        };
        let instead = self.copy_instead(&backup.id);
        Some(format!(
            "the backup is damaged: {why}; choose another one{instead}"
        ))
    }
}

/// Why no nodes can come back alone, if they are to.
fn why_no_parts(place: &dyn Place, selection: &Selection) -> Option<String> {
    if !selection.has_paths() {
        return None;
    }
    // A selection that is none would be followed as what it is not.
    let checked = selection.checked().map_err(|error| error.to_string());
    checked.and_then(|()| place.takes_parts(selection)).err()
}

/// Which of the instances stay as they are, since the backup holds nothing of them.
fn not_held<'a>(
    instances: &'a [InstanceSettings],
    backup: &'a Backup,
    selection: &'a Selection,
) -> impl Iterator<Item = String> + 'a {
    let is_held = |name: &InstanceName| backup.manifest.instances.iter().any(|copy| copy.name == *name);
    let names = instances.iter().map(|instance| &instance.name);
    let stay = names.filter(move |name| selection.has_instance(name) && !is_held(name));
    stay.map(|name| format!("the backup holds nothing of {name}: it stays as it is"))
}

/// Room for the safety backup. What it adds is known only when it is made; at most it is what the changing
/// workspaces hold, so too little room is a warning and not an obstacle.
fn repository_room(
    repository: Option<&Repository>,
    backup: &Backup,
    changes: &[WorkspaceChange],
    room: &mut Vec<Room>,
    warnings: &mut Vec<String>,
) {
    let needed = changes
        .iter()
        .filter(|change| change.changed + change.removed > 0)
        .map(|change| change.bytes)
        .sum::<u64>()
        .min(backup.manifest.bytes());
    // A bucket has no end that could be told beforehand, and one that is not made yet no place.
    let Some(folder) = repository.and_then(|repository| repository.place().folder()) else {
        return;
    };
    match free_bytes(folder).map_err(|why| in_words(&why)) {
        Ok(free) => {
            let safety = Room {
                purpose: "safety backup, at most".to_owned(),
                folder: folder.display().to_string(),
                needed,
                free,
            };
            if !safety.is_enough() {
                warnings.push(
                    "the repository may be too full for the safety backup: the restore then stops before it \
                     touches Live"
                        .to_owned(),
                );
            }
            room.push(safety);
        }
        Err(why) => warnings.push(why),
    }
}

/// That the versions that belong to content are not those that run now, as sentences.
pub(super) fn version_warnings(then: &Versions, now: &Versions) -> Vec<String> {
    let mut warnings = Vec::new();
    if then.magnolia != now.magnolia {
        warnings.push(format!(
            "the content was written by Magnolia {} and {} runs now: going back may need that version's bundle too",
            then.magnolia, now.magnolia
        ));
    }
    if then.release != now.release {
        warnings.push(format!(
            "the content belongs to release {} and {} runs now: templates and light modules may not fit it",
            then.release, now.release
        ));
    }
    warnings
}

/// What several instances need together on one disk, where that is too much though each by itself is not.
pub(in crate::engine) fn too_little_in_all(room: &[Room]) -> Option<String> {
    room.iter().enumerate().find_map(|(index, first)| {
        let is_first = |other: &Room| same_disk(Path::new(&other.folder), Path::new(&first.folder));
        if room[..index].iter().any(is_first) {
            return None;
        }
        let together: Vec<&Room> = room.iter().filter(|other| is_first(other)).collect();
        let needed: u64 = together.iter().map(|room| room.needed).sum();
        let each_fits = together.iter().all(|room| room.is_enough());
        (together.len() > 1 && each_fits && needed > first.free).then(|| {
            format!(
                "{} are needed on the disk of {} for all instances together, and {} are free",
                measure::bytes(needed),
                first.folder,
                measure::bytes(first.free)
            )
        })
    })
}

/// A warning of a backup that did not come back as it was taken.
fn failed_drill(backup: &Backup) -> Option<String> {
    let Drill { at, outcome, .. } = backup.drill.as_ref()?;
    let DrillOutcome::Failed { why } = outcome else {
        return None;
    };
    Some(format!(
        "a drill of this backup failed at {}: {why}. Choose another one if there is any",
        measure::moment(*at)
    ))
}

/// A warning of a backup whose date is wrong.
fn dated_ahead(backup: &Backup, now: Instant) -> Option<String> {
    backup.dated_ahead.then(|| {
        format!(
            "the clock says {}, and this backup says that it was taken at {}: a clock is or was wrong, and nobody can tell \
             how old this content is. It may be older than every other backup",
            measure::moment(now),
            measure::moment(backup.manifest.taken)
        )
    })
}

impl Live {
    /// That it may be a backup of a broken Live, and which one is not likely to be, as a sentence. Whoever says `latest` means the
    /// newest, whatever it holds.
    fn holds_less(&self, backup: &Backup) -> Option<String> {
        let less = backup.less.as_ref()?;
        // As last listed: a plan of a copy does not wait for the first repository, which may be out of reach.
        let backups = self.known().listed.of(|listed| listed.backups.clone());
        let backups = backups.unwrap_or_default();
        let whole = newest_whole(&backups).filter(|whole| whole.id != backup.id);
        let whole = whole.map(|whole| {
            let taken = measure::moment(whole.manifest.taken);
            format!(
                ". The newest backup that does not hold less than half of the one before it is {}, taken {taken}",
                whole.id
            )
        });
        Some(format!(
            "this backup has {}: look whether Live was whole when it was taken{}",
            less.in_words(),
            whole.unwrap_or_default()
        ))
    }
}
