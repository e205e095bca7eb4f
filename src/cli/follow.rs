//! Starting a job and following it to its end.
//!
//! On a terminal one line shows how far the job is, redrawn at most four times a second. Elsewhere each phase prints a
//! line. With `--json` nothing is printed until the end. Ctrl-C asks the job to stop at its next safe point; a second
//! one leaves at once.

mod progress;

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::progress::Display;
use super::detach;
use super::{Call, CliError, ErrorKind};
use crate::backend::{Backend, BackendError, EventStream};
use crate::domain::event::Event;
use crate::domain::job::{Job, JobId, JobKind, JobState};
use crate::domain::measure;
use crate::domain::state::{EnvironmentDetails, UndoWay};

/// How often the line on a terminal may change.
const FRAME: Duration = Duration::from_millis(250);

/// How many frames pass before the job is asked for, should an event have been lost.
const FRAMES_PER_LOOK: u32 = 4;

/// How a job is followed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct JobArguments {
    /// Print the job's number and return; the job goes on in the background
    #[arg(long)]
    pub detach: bool,
}

/// Starts a job by calling `begin`, and follows it as the arguments say.
pub(super) async fn start<B>(arguments: &JobArguments, call: &mut Call<'_>, begin: B) -> Result<(), CliError>
where
    B: AsyncFnOnce(&dyn Backend) -> Result<JobId, BackendError>,
{
    let telling = async |backend: &dyn Backend| Ok((begin(backend).await?, None));
    start_telling(arguments, call, telling).await
}

/// As [`start`], where `begin` has something to say about the job as well.
pub(super) async fn start_telling<B>(
    arguments: &JobArguments,
    call: &mut Call<'_>,
    begin: B,
) -> Result<(), CliError>
where
    B: AsyncFnOnce(&dyn Backend) -> Result<(JobId, Option<String>), BackendError>,
{
    if arguments.detach && call.house.jobs_run_here(&call.globals)? {
        let id = detach::start_in_background(call)?;
        return started(id, call);
    }
    if call.in_background {
        (call.outside.leave_terminal)()?;
    }
    let backend = call.backend().await?;
    // Listening begins before the job does, so that no event of it is missed.
    let events = backend.events();
    let (id, remark) = begin(backend.as_ref()).await?;
    if arguments.detach {
        return started(id, call);
    }
    if call.in_background {
        detach::announce(id, call)?;
    }
    if let Some(remark) = remark.filter(|_| !call.globals.json && !call.in_background) {
        call.remark(&remark)?;
    }
    let job = watch(id, backend.as_ref(), events, call).await?;
    let restores = matches!(job.kind, JobKind::Restore | JobKind::Undo) && job.state == JobState::Done;
    // Only what the way back is depends on it.
    let details = if restores && !call.globals.json {
        backend.environment(&job.environment).await.ok()
    } else {
        None
    };
    finish(&job, details.as_ref(), call)
}

/// Says that a job goes on in the background.
fn started(id: JobId, call: &mut Call<'_>) -> Result<(), CliError> {
    if call.globals.json {
        return call.json(&json!({ "job": { "id": id } }));
    }
    call.say(&id.to_string())?;
    let look = call.command(&format!("jobs {id}"));
    call.remark(&format!(
        "job {id} goes on in the background; `{look}` shows how it stands"
    ))
}

/// Waits until the job has ended, and shows how far it is until then.
async fn watch(
    id: JobId,
    backend: &dyn Backend,
    mut events: EventStream,
    call: &mut Call<'_>,
) -> Result<Job, CliError> {
    let mut display = Display::new(call);
    let mut interrupts = (call.outside.interrupts)();
    let mut frames = interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut frame = 0;
    let mut asked_to_stop = false;
    let mut backend_is_there = true;
    let mut gap = Gap::default();
    let mut job = backend.job(id).await?;
    loop {
        display.job(&job, call)?;
        if job.state.has_ended() {
            display.clear(call)?;
            return Ok(job);
        }
        tokio::select! {
            event = events.next(), if backend_is_there => match event {
                Some(Event::Job(changed)) if changed.id == id => newer(*changed, &mut job),
                Some(Event::Missed) => gap.look(id, backend, &mut job, call).await?,
                Some(_) => {}
                None => backend_is_there = false,
            },
            () = interrupted(&mut interrupts) => {
                display.clear(call)?;
                if asked_to_stop {
                    let look = call.command(&format!("jobs {id}"));
                    return Err(CliError::of_job(id, format!(
                        "left job {id} before its end, on a second Ctrl-C. What it had begun is finished or rolled back when Lifeboat is started the next time; `{look}` shows how it stands"
                    )));
                }
                asked_to_stop = true;
                ask_to_stop(&job, backend, call).await?;
            },
            _ = frames.tick() => {
                frame += 1;
                if frame % FRAMES_PER_LOOK == 0 {
                    gap.look(id, backend, &mut job, call).await?;
                }
                display.frame(&job, call)?;
            }
        }
    }
}

/// How long a service that a job is followed on may be out of reach. The job goes on there without anybody who looks.
const LONGEST_GAP: Duration = Duration::from_mins(5);

/// The time in which a followed job cannot be seen.
#[derive(Default)]
struct Gap {
    since: Option<Instant>,
}

impl Gap {
    /// Looks how the job stands. That the service is out of reach is told once, and again when it is back.
    async fn look(
        &mut self,
        id: JobId,
        backend: &dyn Backend,
        job: &mut Job,
        call: &mut Call<'_>,
    ) -> Result<(), CliError> {
        let (why, since) = match (backend.job(id).await, self.since) {
            (Ok(seen), since) => {
                newer(seen, job);
                self.since = None;
                return match since {
                    Some(_) => call.remark(&format!("job {id} is seen again")),
                    None => Ok(()),
                };
            }
            (Err(BackendError::OutOfReach(why)), since) => (why, since),
            (Err(error), _) => return Err(error.into()),
        };
        let Some(since) = since else {
            self.since = Some(Instant::now());
            return call.remark(&format!(
                "{why}; job {id} goes on there, and is looked for again and again"
            ));
        };
        if since.elapsed() < LONGEST_GAP {
            return Ok(());
        }
        let look = call.command(&format!("jobs {id}"));
        Err(CliError {
            job: Some(id),
            ..CliError::new(
                ErrorKind::OutOfReach,
                format!(
                    "{why}; job {id} goes on there, and `{look}` shows how it stands once the service is reached"
                ),
            )
        })
    }
}

/// Takes what was seen of the job, unless more was known of it already: an answer that was asked for can be newer than
/// events that are still in the queue.
fn newer(seen: Job, job: &mut Job) {
    let stage = |job: &Job| {
        let state = match job.state {
            JobState::Waiting { .. } => 0,
            JobState::Running => 1,
            JobState::Done | JobState::Failed { .. } | JobState::Cancelled => 2,
        };
        (state, job.progress.as_ref().map(|progress| progress.phase))
    };
    if stage(&seen) >= stage(job) {
        *job = seen;
    }
}

/// Waits for the next interrupt; for ever when nothing listens to them any more.
async fn interrupted(interrupts: &mut mpsc::UnboundedReceiver<()>) {
    if interrupts.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}

async fn ask_to_stop(job: &Job, backend: &dyn Backend, call: &mut Call<'_>) -> Result<(), CliError> {
    let id = job.id;
    match backend.cancel(id).await {
        Ok(()) if job.can_cancel() => call.remark(&format!(
            "job {id} stops at its next safe point; Ctrl-C once more leaves at once"
        )),
        Ok(()) => call.remark(&format!(
            "job {id} cannot stop any more and is finishing; Ctrl-C once more leaves at once"
        )),
        Err(error) => call.remark(&format!("job {id} goes on: {error}")),
    }
}

/// Prints how the job ended.
fn finish(job: &Job, details: Option<&EnvironmentDetails>, call: &mut Call<'_>) -> Result<(), CliError> {
    if call.globals.json {
        call.json(&json!({ "job": job }))?;
    } else if job.state == JobState::Done {
        outcome(job, details, call)?;
    }
    let what = format!("job {} ({} of {})", job.id, job.title, job.environment);
    match &job.state {
        JobState::Failed { why } => Err(CliError::of_job(job.id, format!("{what} failed: {why}"))),
        JobState::Cancelled => Err(CliError::of_job(
            job.id,
            format!("{what} was cancelled at a safe point, and Live is as it was before"),
        )),
        JobState::Waiting { .. } | JobState::Running | JobState::Done => Ok(()),
    }
}

fn outcome(job: &Job, details: Option<&EnvironmentDetails>, call: &mut Call<'_>) -> Result<(), CliError> {
    let took = job
        .took_millis(call.now())
        .map(measure::millis)
        .unwrap_or_default();
    let Some(outcome) = &job.outcome else {
        return call.tell(&format!(
            "{} of {} is done in {took}.",
            job.title, job.environment
        ));
    };
    call.tell(&format!("{} ({took})", outcome.summary))?;
    if let Some(backup) = &outcome.backup {
        call.say(&format!("backup: {backup}"))?;
    }
    if let Some(safety) = &outcome.safety {
        call.say(&format!("safety backup: {safety}"))?;
    }
    for health in &outcome.health {
        let state = if health.up { "up" } else { "NOT up" };
        call.tell(&format!("{} is {state}: {}", health.instance, health.detail))?;
    }
    for warning in &outcome.warnings {
        call.tell(&format!("warning: {warning}"))?;
    }
    if !matches!(job.kind, JobKind::Restore | JobKind::Undo) {
        return Ok(());
    }
    let name = &job.environment;
    let replaced = details.map_or(&[][..], |details| &details.replaced);
    let exchange = match details.and_then(|details| details.undo_way.as_ref()) {
        Some(UndoWay::Exchange { job: of, until, .. }) if *of == job.id => Some(*until),
        _ => None,
    };
    if outcome.safety.is_some() || exchange.is_some() {
        let undo = call.command(&format!("undo {name} --confirm {name}"));
        call.say(&format!("to go back: {undo}"))?;
    }
    if let Some(until) = exchange {
        let bytes: u64 = replaced.iter().map(|tables| tables.bytes).sum();
        let confirm = call.command(&format!("confirm {name}"));
        call.say(&format!("when all is well: {confirm}"))?;
        call.tell(&format!(
            "Until then, or until {}, the replaced tables stay in the database: {}.",
            measure::moment(until),
            measure::bytes(bytes)
        ))?;
    }
    Ok(())
}
