//! Starting a job and following it to its end.
//!
//! On a terminal one line shows how far the job is, redrawn at most four times a second. Elsewhere each phase prints a
//! line. With `--json` nothing is printed until the end. Ctrl-C asks the job to stop at its next safe point; a second
//! one leaves at once.
//!
//! A job of this process goes on to its end where nobody looks on any more: the terminal went away, or whoever read what is
//! printed. That is noted on the job. What runs elsewhere goes on there, and following it ends.

mod progress;

use std::io::{self, Write as _};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::progress::Display;
pub(super) use self::progress::ways_out;
use super::detach;
use super::outside::interrupted;
use super::{Call, CliError, ErrorKind, Interrupt, Interrupts};
use crate::backend::{Backend, BackendError, EventStream};
use crate::domain::event::Event;
use crate::domain::job::{Job, JobId, JobKind, JobState};
use crate::domain::measure;
use crate::domain::state::{EnvironmentDetails, UndoWay};
use crate::domain::stop::{StopReason, Unseen};

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

/// A job that was started.
pub(super) struct Begun {
    /// The job.
    pub id: JobId,
    /// What is to be said about it.
    pub remark: Option<String>,
    /// Warnings that were told before it began: its end does not repeat them.
    pub told: Vec<String>,
}

/// Starts a job by calling `begin`, and follows it as the arguments say.
pub(super) async fn start<B>(arguments: &JobArguments, call: &mut Call<'_>, begin: B) -> Result<(), CliError>
where
    B: AsyncFnOnce(&dyn Backend) -> Result<JobId, BackendError>,
{
    let telling = async |backend: &dyn Backend, _: &mut Call<'_>| {
        Ok(Begun {
            id: begin(backend).await?,
            remark: None,
            told: Vec::new(),
        })
    };
    start_telling(arguments, call, telling).await
}

/// As [`start`], where `begin` has something to say beforehand, or to ask, and about the job as well.
pub(super) async fn start_telling<B>(
    arguments: &JobArguments,
    call: &mut Call<'_>,
    begin: B,
) -> Result<(), CliError>
where
    B: AsyncFnOnce(&dyn Backend, &mut Call<'_>) -> Result<Begun, CliError>,
{
    if arguments.detach && call.house.jobs_run_here(&call.globals)? {
        let id = detach::start_in_background(call)?;
        return started(id, call);
    }
    if call.in_background {
        (call.outside.leave_terminal)()?;
    }
    let is_here = call.house.jobs_run_here(&call.globals)?;
    let backend = call.backend().await?;
    // Listening begins before the job does, so that no event of it is missed.
    let events = backend.events();
    let Begun { id, remark, told } = begin(backend.as_ref(), call).await?;
    // Up to here whatever interrupts this ends the process: nothing had begun.
    let interrupts = (call.outside.interrupts)();
    call.left.is_following_a_job();
    if arguments.detach {
        return started(id, call);
    }
    if call.in_background {
        detach::announce(id, call);
    }
    let mut watched = Watched {
        id,
        backend: backend.as_ref(),
        is_here,
        interrupts,
        display: Display::new(call),
    };
    if let Some(remark) = remark.filter(|_| !call.globals.json && !call.in_background) {
        let shown = call.remark(&remark);
        watched.shown(shown, call).await?;
    }
    let job = watched.follow(events, call).await?;
    call.left.has_followed_a_job(id);
    let restores = matches!(job.kind, JobKind::Restore | JobKind::Undo) && job.state == JobState::Done;
    // Only what the way back is depends on it.
    let details = if restores && !call.globals.json {
        backend.environment(&job.environment).await.ok()
    } else {
        None
    };
    finish(&job, details.as_ref(), &told, call)
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

/// A job that is followed.
struct Watched<'b> {
    id: JobId,
    backend: &'b dyn Backend,
    /// Whether it runs in this process, and ends with it.
    is_here: bool,
    interrupts: Interrupts,
    display: Display,
}

impl Watched<'_> {
    /// Waits until the job has ended, and shows how far it is until then.
    async fn follow(&mut self, mut events: EventStream, call: &mut Call<'_>) -> Result<Job, CliError> {
        let (id, backend) = (self.id, self.backend);
        let mut frames = interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut frame = 0;
        let mut asked_to_stop = false;
        let mut backend_is_there = true;
        let mut gap = Gap {
            is_here: self.is_here,
            since: None,
        };
        let mut job = backend.job(id).await?;
        loop {
            let shown = self.display.job(&job, call);
            self.shown(shown, call).await?;
            if job.state.has_ended() {
                let shown = self.display.clear(call);
                self.shown(shown, call).await?;
                return Ok(job);
            }
            tokio::select! {
                event = events.next(), if backend_is_there => match event {
                    Some(Event::Job(changed)) if changed.id == id => newer(*changed, &mut job),
                    Some(Event::Missed) => {
                        let shown = gap.look(id, backend, &mut job, call).await;
                        self.shown(shown, call).await?;
                    }
                    Some(_) => {}
                    None => backend_is_there = false,
                },
                interrupt = interrupted(&mut self.interrupts) => {
                    let shown = self.display.clear(call);
                    self.shown(shown, call).await?;
                    if interrupt == Interrupt::HungUp {
                        self.unseen(Unseen::TerminalGone, call).await?;
                        continue;
                    }
                    if asked_to_stop {
                        let look = call.command(&format!("jobs {id}"));
                        if call.in_lines.is_some() {
                            // Nobody has left: Lifeboat goes on, and the job in it.
                            return Err(CliError::of_job(
                                id,
                                format!("not waiting for job {id} any more: it still ends by itself, which is news then; `{look}` shows how it stands"),
                            ));
                        }
                        return Err(CliError::of_job(id, format!(
                            "left job {id} before its end, asked for the second time. What it had begun is finished or rolled back when Lifeboat is started the next time; `{look}` shows how it stands"
                        )));
                    }
                    asked_to_stop = true;
                    let shown = ask_to_stop(&job, interrupt, backend, call).await;
                    self.shown(shown, call).await?;
                },
                _ = frames.tick() => {
                    frame += 1;
                    if frame % FRAMES_PER_LOOK == 0 {
                        let shown = gap.look(id, backend, &mut job, call).await;
                        self.shown(shown, call).await?;
                    }
                    let shown = self.display.frame(&job, call);
                    self.shown(shown, call).await?;
                }
            }
        }
    }

    /// What came of showing something. A job of this process does not end with whoever looked on.
    async fn shown(&mut self, shown: Result<(), CliError>, call: &mut Call<'_>) -> Result<(), CliError> {
        let Err(error) = shown else { return Ok(()) };
        if !self.is_here {
            return Err(error);
        }
        match error.kind {
            ErrorKind::ReaderGone => self.unseen(Unseen::ReaderGone, call).await,
            ErrorKind::NotPrinted if call.outside.err_is_terminal => {
                self.unseen(Unseen::TerminalGone, call).await
            }
            // A disk that is full, for example. What comes of the job is told all the same, where that is possible.
            ErrorKind::NotPrinted => {
                self.say_no_more(call);
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Nobody looks on any more. A job of this process goes on.
    async fn unseen(&mut self, why: Unseen, call: &mut Call<'_>) -> Result<(), CliError> {
        let id = self.id;
        if !self.is_here {
            return Err(CliError::of_job(
                id,
                format!("the terminal went away; job {id} goes on in the service"),
            ));
        }
        if call.outside.err_is_terminal || why == Unseen::ReaderGone {
            self.say_no_more(call);
        }
        if call.outside.out_is_terminal && why == Unseen::TerminalGone {
            call.outside.out = Box::new(io::sink());
            call.outside.out_is_terminal = false;
        }
        // What cannot be noted goes on all the same.
        let _ = self.backend.go_on_unseen(why).await;
        Ok(())
    }

    /// From here on only the result is printed.
    fn say_no_more(&mut self, call: &mut Call<'_>) {
        call.outside.err = Box::new(io::sink());
        call.outside.err_is_terminal = false;
        self.display = Display::Silent;
    }
}

/// How long a service that a job is followed on may be out of reach. The job goes on there without anybody who looks.
const LONGEST_GAP: Duration = Duration::from_mins(5);

/// The time in which a followed job cannot be seen.
struct Gap {
    /// Whether the job runs in this process: then events tell of it, whatever can be looked up.
    is_here: bool,
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
            (Err(error), since) if self.is_here => {
                self.since = since.or_else(|| Some(Instant::now()));
                return match since {
                    Some(_) => Ok(()),
                    None => call.remark(&format!(
                        "{error}; job {id} goes on, and is looked for again and again"
                    )),
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

async fn ask_to_stop(
    job: &Job,
    interrupt: Interrupt,
    backend: &dyn Backend,
    call: &mut Call<'_>,
) -> Result<(), CliError> {
    let id = job.id;
    let asked = match interrupt {
        Interrupt::CtrlC => backend.cancel(id).await,
        Interrupt::Terminate | Interrupt::HungUp => backend.stop(id, StopReason::Signal).await,
    };
    let once_more = if call.in_lines.is_some() {
        "does not wait for that"
    } else {
        "leaves at once"
    };
    match asked {
        Ok(()) if job.can_cancel() => call.remark(&format!(
            "job {id} stops at its next safe point; Ctrl-C once more {once_more}"
        )),
        Ok(()) => call.remark(&format!(
            "job {id} cannot stop any more and is finishing; Ctrl-C once more {once_more}"
        )),
        Err(error) => call.remark(&format!("job {id} goes on: {error}")),
    }
}

/// Prints how the job ended.
fn finish(
    job: &Job,
    details: Option<&EnvironmentDetails>,
    told: &[String],
    call: &mut Call<'_>,
) -> Result<(), CliError> {
    // What cannot be printed does not hide that the job did not end well.
    let printed = if call.globals.json {
        call.json(&json!({ "job": job }))
    } else if job.state == JobState::Done {
        outcome(job, details, told, call)
    } else {
        Ok(())
    };
    let printed = match printed.and_then(|()| Ok(call.outside.out.flush()?)) {
        // A terminal that went away unnoticed. Nobody waits for the result there.
        Err(error) if error.kind == ErrorKind::NotPrinted && call.outside.out_is_terminal => {
            call.outside.out = Box::new(io::sink());
            Ok(())
        }
        printed => printed,
    };
    let what = format!("job {} ({} of {})", job.id, job.title, job.environment);
    match &job.state {
        JobState::Failed { why } => Err(CliError::of_job(job.id, format!("{what} failed: {why}"))),
        JobState::Cancelled => Err(CliError::of_job(
            job.id,
            match &job.stop_reason {
                Some(reason) => {
                    format!("{what} was cancelled at a safe point, since {reason}. Live is as it was before")
                }
                None => format!("{what} was cancelled at a safe point, and Live is as it was before"),
            },
        )),
        JobState::Waiting { .. } | JobState::Running | JobState::Done => printed,
    }
}

fn outcome(
    job: &Job,
    details: Option<&EnvironmentDetails>,
    told: &[String],
    call: &mut Call<'_>,
) -> Result<(), CliError> {
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
    call.tell(&format!("{} ({took} in all)", outcome.summary))?;
    let restores = matches!(job.kind, JobKind::Restore | JobKind::Undo);
    // The sentence has both; to copy them from a line of their own is for whoever sees them.
    let names = call.in_lines.is_none() || !(restores || job.kind == JobKind::Backup);
    if let Some(backup) = outcome.backup.as_ref().filter(|_| names) {
        call.say(&format!("backup: {backup}"))?;
    }
    if let Some(safety) = outcome.safety.as_ref().filter(|_| names) {
        call.say(&format!("safety backup: {safety}"))?;
    }
    for health in &outcome.health {
        call.tell(&format!("{} is {}", health.who(), health.state_in_words()))?;
    }
    for warning in outcome.warnings.iter().filter(|warning| !told.contains(warning)) {
        call.tell(&format!("warning: {warning}"))?;
    }
    if !restores {
        return Ok(());
    }
    let name = &job.environment;
    let replaced = details.map_or(&[][..], |details| &details.replaced);
    let exchange = match details.and_then(|details| details.undo_way.as_ref()) {
        Some(UndoWay::Exchange { job: of, until, .. }) if *of == job.id => Some(*until),
        _ => None,
    };
    if call.in_lines.is_some() && (outcome.safety.is_some() || exchange.is_some()) {
        call.say(match job.kind {
            JobKind::Undo => "to undo this undo: undo",
            _ => "to go back: undo",
        })?;
    } else if outcome.safety.is_some() || exchange.is_some() {
        let undo = call.command(&format!("undo {name} --confirm {name}"));
        call.say(&format!("to go back: {undo}"))?;
    }
    if let Some(until) = exchange {
        let bytes: u64 = replaced.iter().map(|tables| tables.bytes).sum();
        let confirm = if call.in_lines.is_some() {
            "confirm".to_owned()
        } else {
            call.command(&format!("confirm {name}"))
        };
        call.say(&format!("when all is well: {confirm}"))?;
        call.tell(&format!(
            "Until then, or until {}, the replaced tables stay in the database: {}.",
            measure::moment(until),
            measure::bytes(bytes)
        ))?;
    }
    Ok(())
}
