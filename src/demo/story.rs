//! `lifeboat demo --headless`: the whole story in plain text. A backup is taken, Live is broken, what is gone is found inside the
//! backup and brought back alone, then all of Live is restored, the restore undone and done again, and after each step the content is compared with what it has to be, byte for byte or row by row.

mod inside;

use std::io::Write;
use std::time::Instant as Monotonic;

use serde::Serialize;

use super::DemoError;
use super::live::Instance;
use super::sandbox::{Sandbox, Whereabouts};
use crate::backend::Backend;
use crate::domain::backup::{Backup, BackupId};
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{Job, JobId, JobState};
use crate::domain::request::{BackupRequest, RestoreRequest};
use crate::domain::retention::holders;
use crate::domain::slot::Slot;
use crate::domain::state::UndoWay;
use crate::domain::{measure, printable};

/// How the story went.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where everything is; gone again unless the sandbox was kept.
    #[serde(flatten)]
    pub whereabouts: Whereabouts,
    /// Whether the sandbox is still there.
    pub kept: bool,
    /// Whether the content was identical after every step that it had to be.
    pub identical: bool,
    /// Items of Live.
    pub items: u64,
    /// Bytes of Live.
    pub bytes: u64,
    /// Milliseconds for making the sandbox with its past.
    pub sandbox_millis: u64,
    /// Milliseconds for the manual backup, verification and retention included.
    pub backup_millis: u64,
    /// Milliseconds for finding out what is gone, finding it in the backup, and its history.
    pub look_millis: u64,
    /// Milliseconds for the restore of what was found alone, its safety backup included.
    pub part_millis: u64,
    /// Milliseconds for working out the restore plan of all of Live.
    pub plan_millis: u64,
    /// Milliseconds for the restore, its safety backup included.
    pub restore_millis: u64,
    /// Milliseconds for the undo, its own safety backup included where it takes one.
    pub undo_millis: u64,
    /// Whether the undo was an exchange with the replaced tables, which takes no safety backup.
    pub undo_exchanges: bool,
    /// Milliseconds for reading every backup back.
    pub verify_millis: u64,
}

/// Plays the story on a sandbox. `out` gets its lines.
pub(super) async fn play(
    sandbox: &Sandbox,
    backend: &dyn Backend,
    sandbox_millis: u64,
    kept: bool,
    out: &mut (dyn Write + Send),
) -> Result<Report, DemoError> {
    let live = Sandbox::star()?;
    let mut story = Story {
        sandbox,
        backend,
        out,
        identical: true,
    };
    story.backups(&live).await?;

    let original = story.content(Instance::fingerprint).await?;
    let (backup, backup_millis) = story.back_up(&live).await?;
    story
        .expect("after the backup, Live is as it was", &original)
        .await?;

    let what = backend.break_live(live.clone()).await?;
    story.say(&format!("Live is broken: {}", printable::line(&what)))?;
    let broken = story.content(Instance::fingerprint).await?;
    if broken == original {
        story.identical = false;
        story.say("  FAILED: Live was not changed by breaking it")?;
    }
    let inside = story.inside(&live, &backup).await?;
    // What was exchanged and taken back has left another time on the folder that it is in.
    let broken = story.content(Instance::fingerprint).await?;

    let request = RestoreRequest {
        environment: live.clone(),
        backup: backup.0.clone(),
        selection: crate::domain::plan::Selection::default(),
        without_safety: false,
        even_if_unchanged: false,
        from: crate::domain::settings::RepositoryChoice::First,
    };
    let plan_began = Monotonic::now();
    let plan = backend.plan_restore(request.clone()).await?;
    let plan_millis = elapsed(plan_began);
    let (added, changed, removed) = plan.totals();
    story.say(&format!(
        "the plan: {} to bring back, {} to change, {} to remove",
        measure::items(added),
        measure::count(changed),
        measure::count(removed)
    ))?;

    let restore = backend.start_restore(plan.id, live.to_string()).await?;
    let restore_millis = story.follow(restore).await?;
    story
        .expect("after the restore, Live is as it was before it broke", &original)
        .await?;
    let (undo_millis, undo_exchanges) = story.undo(&live).await?;
    story
        .expect("after the undo, Live is as broken as it was", &broken)
        .await?;
    let plan = backend.plan_restore(request).await?;
    let again = backend.start_restore(plan.id, live.to_string()).await?;
    story.follow(again).await?;
    story
        .expect("restored once more, Live is as it was before it broke", &original)
        .await?;
    let verify = backend.start_verify(live.clone(), None).await?;
    let verify_millis = story.follow(verify).await?;

    let details = backend.environment(&live).await?;
    let manifest = details
        .backups
        .iter()
        .find(|known| known.id == backup)
        .map(|known| &known.manifest);
    let report = Report {
        whereabouts: sandbox.whereabouts()?,
        kept,
        identical: story.identical,
        items: manifest.map_or(0, crate::domain::backup::Manifest::items),
        bytes: manifest.map_or(0, crate::domain::backup::Manifest::bytes),
        sandbox_millis,
        backup_millis,
        look_millis: inside.look_millis,
        part_millis: inside.part_millis,
        plan_millis,
        restore_millis,
        undo_millis,
        undo_exchanges,
        verify_millis,
    };
    story.figures(&report)?;
    Ok(report)
}

struct Story<'a> {
    sandbox: &'a Sandbox,
    backend: &'a dyn Backend,
    out: &'a mut (dyn Write + Send),
    identical: bool,
}

impl Story<'_> {
    fn say(&mut self, line: &str) -> Result<(), DemoError> {
        writeln!(self.out, "{line}").map_err(DemoError::Output)
    }

    /// Tells which backups there are.
    async fn backups(&mut self, live: &EnvironmentName) -> Result<(), DemoError> {
        let details = self.backend.environment(live).await?;
        self.say(&format!("{live} has these backups:"))?;
        for slot in Slot::ALL {
            let holder = holders(&details.backups, &details.keep, slot).first().copied();
            self.say(&format!(
                "  {:<8}  {}",
                slot.label(),
                holder.map_or("empty".to_owned(), describe)
            ))?;
        }
        for backup in details
            .backups
            .iter()
            .filter(|backup| backup.manifest.slots.is_empty())
        {
            self.say(&format!(
                "  {:<8}  {}",
                backup.manifest.trigger.label(),
                describe(backup)
            ))?;
        }
        Ok(())
    }

    /// Fingerprints of every instance's content.
    async fn content(
        &self,
        fingerprint: fn(&Instance) -> Result<String, DemoError>,
    ) -> Result<Vec<String>, DemoError> {
        let star = Sandbox::star()?;
        let instances = self.sandbox.instances(star.project());
        tokio::task::spawn_blocking(move || instances.iter().map(fingerprint).collect())
            .await
            .map_err(|error| DemoError::Past(error.to_string()))?
    }

    async fn expect(&mut self, what: &str, content: &[String]) -> Result<(), DemoError> {
        let is_so = self.content(Instance::fingerprint).await? == content;
        self.tell_of(what, is_so)
    }

    fn tell_of(&mut self, what: &str, is_so: bool) -> Result<(), DemoError> {
        if is_so {
            let how = self.how();
            self.say(&format!("  compared {how}: {what}"))
        } else {
            self.identical = false;
            self.say(&format!("  FAILED: not so: {what}"))
        }
    }

    /// How content is compared.
    fn how(&self) -> &'static str {
        if self.sandbox.cluster().is_some() {
            "row by row"
        } else {
            "byte for byte"
        }
    }

    async fn back_up(&mut self, live: &EnvironmentName) -> Result<(BackupId, u64), DemoError> {
        let request = BackupRequest {
            environment: live.clone(),
            note: Some("Before the demo breaks Live".to_owned()),
            upgrade_to: None,
        };
        let job = self.backend.start_backup(request).await?;
        let millis = self.follow(job).await?;
        let backup = self
            .backend
            .job(job)
            .await?
            .outcome
            .and_then(|outcome| outcome.backup);
        Ok((backup.ok_or(DemoError::Text)?, millis))
    }

    /// Waits for a job to end, by its events, and tells how it did.
    async fn follow(&mut self, id: JobId) -> Result<u64, DemoError> {
        let mut events = self.backend.events();
        let mut job = self.backend.job(id).await?;
        while !job.state.has_ended() {
            if events.next().await.is_none() {
                return Err(DemoError::Text);
            }
            job = self.backend.job(id).await?;
        }
        self.tell(&job)?;
        match &job.state {
            JobState::Done => Ok(job.ended.and_then(|ended| job.took_millis(ended)).unwrap_or(0)),
            JobState::Failed { why } => Err(DemoError::Past(why.clone())),
            _ => Err(DemoError::Past(format!("job {id} was {}", job.state.label()))),
        }
    }

    fn tell(&mut self, job: &Job) -> Result<(), DemoError> {
        let took = job
            .ended
            .and_then(|ended| job.took_millis(ended))
            .map(measure::millis)
            .unwrap_or_default();
        let summary = job
            .outcome
            .as_ref()
            .map_or(job.state.label(), |outcome| &outcome.summary);
        self.say(&format!(
            "{}: {} ({took})",
            job.kind.label(),
            printable::line(summary)
        ))?;
        for warning in job.outcome.iter().flat_map(|outcome| &outcome.warnings) {
            self.say(&format!("  warning: {}", printable::line(warning)))?;
        }
        Ok(())
    }

    /// Undoes the last restore. Gives how long that took, and whether it was an exchange with the replaced tables.
    async fn undo(&mut self, live: &EnvironmentName) -> Result<(u64, bool), DemoError> {
        let way = self.backend.environment(live).await?.undo_way;
        let exchanges = matches!(way, Some(UndoWay::Exchange { .. }));
        let job = self.backend.start_undo(live.clone(), live.to_string()).await?;
        Ok((self.follow(job).await?, exchanges))
    }

    fn figures(&mut self, report: &Report) -> Result<(), DemoError> {
        self.say("")?;
        self.say(&format!(
            "Live holds {}, {}, in three instances.",
            measure::items(report.items),
            measure::bytes(report.bytes)
        ))?;
        let undo = if report.undo_exchanges {
            "undo, by an exchange"
        } else {
            "undo, with safety backup"
        };
        for (what, millis) in [
            ("sandbox with its past", report.sandbox_millis),
            ("backup, verified", report.backup_millis),
            ("found what is gone", report.look_millis),
            ("restore of that alone", report.part_millis),
            ("restore plan", report.plan_millis),
            ("restore, with safety backup", report.restore_millis),
            (undo, report.undo_millis),
            ("verification of all backups", report.verify_millis),
        ] {
            self.say(&format!("  {what:<28} {:>9}", measure::millis(millis)))?;
        }
        let how = self.how();
        if report.identical {
            self.say(&format!("The recovered content is identical, {how}."))
        } else {
            self.say("FAILED: the recovered content is not identical.")
        }
    }
}

fn describe(backup: &Backup) -> String {
    let manifest = &backup.manifest;
    format!(
        "{}  {}  {}  Magnolia {}  {:>9}{}",
        backup.id,
        measure::moment(manifest.taken),
        manifest.versions.release,
        manifest.versions.magnolia,
        measure::bytes(manifest.bytes()),
        if backup.is_late() { "  late" } else { "" }
    )
}

fn elapsed(began: Monotonic) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
