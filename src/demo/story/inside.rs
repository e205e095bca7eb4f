//! The part of the story that looks inside: what is gone is found out without being told, found in the backup, and it alone is
//! brought back and taken away again.

use std::time::{Duration, Instant as Monotonic};

use super::{Story, elapsed};
use crate::backend::BackendError;
use crate::demo::DemoError;
use crate::demo::live::Instance;
use crate::domain::backup::BackupId;
use crate::domain::environment::{EnvironmentName, Role};
use crate::domain::explore::{
    By, DiffRequest, FindRequest, HistoryRequest, Looked, NodePath, Source, Turn, USUAL_LINES, largest_loss,
};
use crate::domain::measure;
use crate::domain::plan::Selection;
use crate::domain::request::RestoreRequest;

/// The workspace that editors miss first.
const MISSED: &str = "website";
/// How long it takes until what is being read is asked for again.
const AGAIN: Duration = Duration::from_millis(100);

/// How that went.
pub(super) struct Inside {
    /// Milliseconds for finding out what is gone, finding it in the backup, and its history.
    pub look_millis: u64,
    /// Milliseconds for the restore of it alone.
    pub part_millis: u64,
}

impl Story<'_> {
    /// Tells it. Live is as broken afterwards as it was before.
    pub(super) async fn inside(
        &mut self,
        live: &EnvironmentName,
        backup: &BackupId,
    ) -> Result<Inside, DemoError> {
        let broken = self
            .content(Instance::fingerprint_without_times_of_folders)
            .await?;
        let began = Monotonic::now();
        let lost = self.lost(live, backup).await?;
        self.find(live, backup, &lost).await?;
        self.history(live, backup, &lost).await?;
        let look_millis = elapsed(began);

        let request = RestoreRequest {
            environment: live.clone(),
            backup: backup.0.clone(),
            selection: Selection::of_paths(Vec::new(), vec![lost.clone()])
                .map_err(|error| DemoError::Past(error.to_string()))?,
            without_safety: false,
            even_if_unchanged: false,
            from: crate::domain::settings::RepositoryChoice::First,
        };
        let plan = self.backend.plan_restore(request).await?;
        let (added, changed, removed) = plan.totals();
        self.say(&format!(
            "the plan for it alone: {} to bring back, {} to change, {} to remove",
            measure::items(added),
            measure::count(changed),
            measure::count(removed)
        ))?;
        let restore = self.backend.start_restore(plan.id, live.to_string()).await?;
        let part_millis = self.follow(restore).await?;
        let still_differs = self.differences(live, backup, &lost).await?.0;
        if still_differs == 0 {
            self.say(&format!(
                "  compared node by node: {lost} is as it is in the backup"
            ))?;
        } else {
            self.identical = false;
            self.say(&format!(
                "  FAILED: {lost} is not as it is in the backup: {}",
                measure::so_many(still_differs, "difference", "differences")
            ))?;
        }
        self.undo(live).await?;
        let undone = self
            .content(Instance::fingerprint_without_times_of_folders)
            .await?;
        self.tell_of(
            "after the undo of that, Live is as broken as it was",
            undone == broken,
        )?;
        Ok(Inside {
            look_millis,
            part_millis,
        })
    }

    /// What is gone, by comparing the backup with Live.
    async fn lost(&mut self, live: &EnvironmentName, backup: &BackupId) -> Result<NodePath, DemoError> {
        let details = self.backend.environment(live).await?;
        let author = details
            .instances
            .iter()
            .find(|instance| instance.role == Role::Author)
            .map(|instance| instance.name.clone());
        let website = NodePath {
            instance: author,
            workspace: Some(MISSED.to_owned()),
            steps: Vec::new(),
        };
        let (count, lost) = self.differences(live, backup, &website).await?;
        let lost = lost.ok_or(DemoError::Text)?;
        self.say(&format!(
            "compared with the backup, {} in {website}; the largest loss is {lost}",
            measure::so_many(count, "node differs", "nodes differ")
        ))?;
        Ok(lost)
    }

    /// How many nodes differ in a place, and the largest loss among them.
    async fn differences(
        &self,
        live: &EnvironmentName,
        backup: &BackupId,
        below: &NodePath,
    ) -> Result<(u64, Option<NodePath>), DemoError> {
        let request = DiffRequest {
            environment: live.clone(),
            older: Source::from(backup),
            newer: Source::Live,
            below: below.clone(),
            from: 0,
            limit: USUAL_LINES,
        };
        let diff = ready(|| self.backend.diff(request.clone())).await?;
        let totals = diff.totals;
        let count = totals.added + totals.changed + totals.removed + totals.moved + totals.reordered;
        Ok((count, largest_loss(&diff.lines, MISSED).cloned()))
    }

    /// Finds it in the backup, by its name.
    async fn find(
        &mut self,
        live: &EnvironmentName,
        backup: &BackupId,
        lost: &NodePath,
    ) -> Result<(), DemoError> {
        let name = lost.steps.last().ok_or(DemoError::Text)?.name.clone();
        let request = FindRequest {
            environment: live.clone(),
            source: Some(Source::from(backup)),
            by: By::Name,
            text: name.clone(),
            below: NodePath {
                steps: Vec::new(),
                ..lost.clone()
            },
            from: 0,
            limit: USUAL_LINES,
        };
        let found = loop {
            let finds = self.backend.find(request.clone()).await?;
            if finds.is_over {
                break finds;
            }
            tokio::time::sleep(AGAIN).await;
        };
        if !found.finds.iter().any(|find| find.path == *lost) {
            self.identical = false;
            return self.say(&format!("  FAILED: {lost} was not found in backup {backup}"));
        }
        self.say(&format!(
            "looking for \"{name}\" in backup {backup}: {} found, {lost} among them",
            measure::count(found.total)
        ))
    }

    /// Since when it is gone.
    async fn history(
        &mut self,
        live: &EnvironmentName,
        backup: &BackupId,
        lost: &NodePath,
    ) -> Result<(), DemoError> {
        let request = HistoryRequest {
            environment: live.clone(),
            source: Some(Source::from(backup)),
            path: lost.clone(),
        };
        let history = ready(|| self.backend.history(request.clone())).await?;
        let deleted = history
            .occurrences
            .iter()
            .rfind(|occurrence| matches!(occurrence.turn, Turn::Deleted { .. }));
        let Some(deleted) = deleted else {
            self.identical = false;
            return self.say("  FAILED: its history does not know that it was deleted");
        };
        let has = history.sights.iter().filter(|sight| sight.path.is_some()).count();
        let after = deleted.after.as_ref().map_or("-", |seen| seen.source.short());
        self.say(&format!(
            "its history: it is in {} of {}; it was deleted after backup {after}",
            measure::count(has as u64),
            measure::so_many(history.sights.len() as u64, "source", "sources")
        ))
    }
}

/// Asks until what has to be read first has been.
async fn ready<T, F>(ask: impl Fn() -> F) -> Result<T, DemoError>
where
    F: Future<Output = Result<Looked<T>, BackendError>>,
{
    loop {
        match ask().await? {
            Looked::Ready(answer) => return Ok(answer),
            Looked::Reading(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}
