//! A restore elsewhere: a backup, or a part of it, is restored into a folder or a database that is nobody's, for a person to
//! look at with a Magnolia of their own. Nothing of Live is touched, so nothing has to be typed.
//!
//! The way is that of a drill, and what was made stays. Rule 5 stands: [`apart`] refuses every place that is content of any
//! environment, and the kinds of content take only what is new or empty. What is not finished is removed again; what a
//! killed process has left says of itself what it is ([`folder`], and the note of a schema).

mod apart;
mod folder;

use std::path::Path;

use self::folder::Ground;
use super::chosen::unknown_parts;
use super::plan::too_little_in_all;
use super::staged::{Restored, StagedInstance};
use super::titles::{from_where, limited};
use crate::content::kinds;
use crate::content::restoring::{Found, Place};
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, InstanceCopy};
use crate::domain::job::{JobId, JobKind, Outcome, Phase};
use crate::domain::measure;
use crate::domain::refusal::Refusal;
use crate::domain::request::ExtractRequest;
use crate::engine::jobs::start::Beginning;
use crate::engine::{EngineError, Live, Work};
use crate::repository::Repository;
use crate::watch::Watch as _;

/// One instance of the backup, and where it goes.
struct Part<'b> {
    copy: &'b InstanceCopy,
    place: Box<dyn Place>,
}

impl Live {
    /// Starts a restore into a place that is nobody's.
    ///
    /// # Errors
    /// A refusal (rules 5, 8), also where the place is not free; a backup that does not exist or is damaged; a repository, a
    /// database or the catalog out of reach.
    pub fn start_extract(&self, request: &ExtractRequest) -> Result<JobId, EngineError> {
        let backup = self.choose_from(request.from, &request.backup)?;
        self.not_damaged(&backup)?;
        let mut obstacles: Vec<String> = request.into.wrong().into_iter().collect();
        if request.selection.has_paths() {
            obstacles.push(
                "what is restored to be looked at comes in whole workspaces: choose those of the nodes, or export the nodes"
                    .to_owned(),
            );
        }
        obstacles.extend(unknown_parts(&backup, &request.selection));
        if obstacles.is_empty() {
            let parts = self.parts_elsewhere(&backup, request)?;
            obstacles.extend(apart::why_not(self, &parts, request)?);
            if obstacles.is_empty() {
                let repository = self.repository_holding(&backup.id)?;
                obstacles.extend(look_elsewhere(&repository, &backup, &parts, request)?.obstacles);
            }
        }
        if let Some(obstacle) = obstacles.into_iter().next() {
            return Err(Refusal::Obstacle(obstacle).into());
        }
        let title = format!(
            "restore of {} into {}{}{}",
            backup.id,
            request.into,
            from_where(request.from),
            limited(&request.selection)
        );
        let beginning = Beginning {
            reads: request.from,
            ..Beginning::of(JobKind::Extract, &title)
        };
        let request = request.clone();
        self.begin(&beginning, move |live, work| {
            live.extract(work, &backup, &request)
        })
    }

    /// The chosen instances of the backup, each with its place.
    fn parts_elsewhere<'b>(
        &self,
        backup: &'b Backup,
        request: &ExtractRequest,
    ) -> Result<Vec<Part<'b>>, EngineError> {
        let copies = backup.manifest.instances.iter();
        let chosen = copies.filter(|copy| request.selection.has_instance(&copy.name));
        let part = |copy: &'b InstanceCopy| {
            let mut instances = self.settings().instances.iter();
            let settings = instances.find(|known| known.name == copy.name);
            let settings = settings.map(|instance| &instance.content);
            let place = kinds::place_of_extracts(copy, settings, &request.into, self.world())
                .map_err(Refusal::Obstacle)?;
            Ok(Part { copy, place })
        };
        chosen.map(part).collect()
    }

    fn extract(
        &self,
        work: &Work,
        backup: &Backup,
        request: &ExtractRequest,
    ) -> Result<Outcome, EngineError> {
        work.phase(Phase::Preparing)?;
        let repository = self.repository_holding(&backup.id)?;
        let parts = self.parts_elsewhere(backup, request)?;
        let found = look_elsewhere(&repository, backup, &parts, request)?;
        for warning in &found.warnings {
            work.log(Severity::Warning, warning);
        }
        // Since it was asked for, somebody may have put something there.
        if let Some(obstacle) = found.obstacles.into_iter().next() {
            return Err(Refusal::Obstacle(obstacle).into());
        }
        let now = self.now();
        let about = |part: &Part<'_>| part.copy.name.clone();
        let folder = request.into.folder.as_deref();
        let ground = folder.map(|folder| Ground::take(folder, self.name(), work.id(), &backup.id, now));
        let ground = ground.transpose()?;
        let restored = Restored {
            repository: &repository,
            backup,
            selection: &request.selection,
        };
        let made = self
            .restore_parts(work, restored, &parts, ground.as_ref(), now)
            .and_then(|()| ground.as_ref().map_or(Ok(()), Ground::give));
        if let Err(error) = made {
            let mut left = Vec::new();
            for part in &parts {
                let name = about(part);
                let about = self.about(work, &name, Some(backup), &request.selection, now);
                left.extend(
                    part.place
                        .drop_unsettled(&about)
                        .err()
                        .map(|error| error.to_string()),
                );
            }
            left.extend(ground.and_then(|ground| ground.clear().err().map(|error| error.to_string())));
            for left in left {
                let text = format!("what was restored until then is not all removed: {left}");
                work.log(Severity::Warning, &text);
            }
            return Err(error);
        }
        let bytes = parts.iter().map(|part| part.copy.bytes()).sum();
        let names: Vec<_> = parts.iter().map(|part| part.copy.name.to_string()).collect();
        let part_of = if request.selection.workspaces.is_empty() {
            format!(", {}", measure::bytes(bytes))
        } else {
            format!(", only {}", request.selection.workspaces.join(" and "))
        };
        Ok(Outcome {
            summary: format!(
                "backup {} is restored into {} and was read back there: {}{part_of}. Live was not touched",
                backup.id,
                request.into,
                measure::listed(&names),
            ),
            backup: Some(backup.id.clone()),
            warnings: work.noticed(),
            ..Outcome::default()
        })
    }

    /// Restores each part, reads it back, and completes it.
    fn restore_parts(
        &self,
        work: &Work,
        restored: Restored<'_>,
        parts: &[Part<'_>],
        ground: Option<&Ground>,
        now: crate::domain::Instant,
    ) -> Result<(), EngineError> {
        let mut staged = Vec::new();
        for part in parts {
            let name = &part.copy.name;
            let about = self.about(work, name, Some(restored.backup), restored.selection, now);
            let backed_up = restored.instance(name)?;
            let scratch = ground.map_or_else(|| name.as_str().into(), |ground| ground.part(name));
            staged.push(StagedInstance {
                instance: name,
                staged: part.place.stage_in_scratch(&scratch, &backed_up, &about)?,
            });
        }
        for text in staged.iter().flat_map(|staged| staged.staged.left_out()) {
            work.notice(text);
        }
        work.phase(Phase::Extracting)?;
        for staged in &staged {
            staged.stage(restored, work)?;
        }
        work.phase(Phase::Comparing)?;
        for staged in &staged {
            if let Some(difference) = staged.difference(restored, work)? {
                return Err(EngineError::Failed(format!(
                    "what was restored of {} is not what the backup holds: {difference}. Look at the disk and the memory of {}, \
                     and read the backup back with `lifeboat verify`",
                    staged.instance,
                    staged.staged.machine()
                )));
            }
        }
        for staged in &staged {
            for left_out in staged.staged.settle()? {
                work.notice(&format!("{}: {left_out}", staged.instance));
            }
        }
        Ok(())
    }
}

/// Whether each place is free and has room.
fn look_elsewhere(
    repository: &Repository,
    backup: &Backup,
    parts: &[Part<'_>],
    request: &ExtractRequest,
) -> Result<Found, EngineError> {
    let mut found = Found::default();
    // Room is looked at in a folder that is there.
    let base = match &request.into.folder {
        Some(folder) => {
            found.obstacles.extend(Ground::why_not_free(folder));
            folder.ancestors().find(|above| above.is_dir()).unwrap_or(folder)
        }
        None => Path::new("/"),
    };
    if found.obstacles.is_empty() {
        for part in parts {
            let backed_up = repository.instance(&backup.id, part.copy);
            let selection = &request.selection;
            part.place
                .plan_in_scratch(base, &backed_up, selection, &mut found)?;
        }
    }
    let together = too_little_in_all(&found.room);
    found.obstacles.extend(together);
    Ok(found)
}
