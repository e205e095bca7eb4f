//! What `update` wants done, and the part of the cockpit that does it: calls to the [`Backend`], each in a task of its
//! own, and timers. Answers come back as messages through a channel; nothing is shared with drawing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::beyond::{Found, Look, Reread, Save};
use super::clipboard::Clipboard;
use super::collecting;
use super::display::Stop;
use super::exporting::{self, Order};
use super::message::{Answer, Message, More, Start};
use super::model::listing::PAGE;
use super::model::looks::ListKind;
use super::model::screens::Deed;
use super::question::{self, Question};
use super::settings::{Elsewhere, Ended};
use crate::backend::Backend;
use crate::domain::backup::BackupId;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobId;
use crate::domain::plan::PlanId;
use crate::domain::request::{BackupRequest, HoldKind, HoldRequest, JobQuery, PinRequest, RestoreRequest};

/// How many jobs, activities and notifications are asked for at first.
const NEWEST: u32 = PAGE;

/// Something to be done outside of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask for something; the answer is a message of the same name.
    Fetch(Fetch),
    /// Ask about what is inside a backup or Live.
    Ask(Box<Question>),
    /// Write content on this machine.
    Export(Box<Order>),
    /// Stop that.
    StopExport,
    /// Listen to the backend's events.
    Listen,
    /// Send a message after a while.
    After(Duration, Timer),
    /// Mark notifications as seen, up to this number.
    Seen(u64),
    /// Take a backup.
    Backup(BackupRequest),
    /// Work out a restore plan, as the answer to question number so-and-so.
    Plan(u64, RestoreRequest),
    /// Follow a restore plan, with the name that was typed.
    Restore(PlanId, String),
    /// Agree to a restore that waits, with the name that was typed.
    Approve(EnvironmentName, PlanId, String),
    /// Not agree to it.
    Reject(EnvironmentName, PlanId, Option<String>),
    /// Undo the last restore, with the name that was typed.
    Undo(EnvironmentName, String),
    /// Drop the tables that restores have replaced.
    Confirm(EnvironmentName),
    /// Read back one backup or all.
    Verify(EnvironmentName, Option<BackupId>),
    /// Restore a backup into a scratch place and compare it there.
    Drill(EnvironmentName, BackupId),
    /// Cancel a job.
    Cancel(JobId),
    /// Delete an upgrade or safety backup.
    Delete(EnvironmentName, BackupId),
    /// Keep one for longer.
    Extend(EnvironmentName, BackupId),
    /// Keep a backup on purpose.
    Pin(PinRequest),
    /// Let it go again.
    Unpin(EnvironmentName, BackupId),
    /// Set or lift maintenance or protection.
    Hold(HoldRequest),
    /// Break Live of the demo.
    Break(EnvironmentName),
    /// Do something for several environments, one after the other.
    Many(Deed, Vec<EnvironmentName>),
    /// Write a file of this name with this text.
    Save(String, String),
    /// Read all of a list of which some pages are here, for a file of this name.
    Collect(Box<Question>, String),
    /// Read the configuration as it is now.
    Reread,
    /// For the terminal: call somebody who looks elsewhere, with a sentence.
    Call(String),
    /// Put text on the clipboard; the first is what the text is, in words.
    Copy(String, String),
    /// For the terminal: draw everything again.
    Redraw,
    /// For the terminal: give it back and stop the process until it is continued.
    Suspend(Stop),
    /// Go over to another context.
    Switch(String),
    /// Go over to another context, and there to an environment.
    SwitchTo(String, EnvironmentName),
    /// Ask another context for its environments.
    LookElsewhere(String),
    /// End the cockpit.
    Quit,
    /// End the cockpit although nobody chose to.
    End(Ended),
}

/// Something to ask for, without an argument that changes from time to time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fetch {
    /// What the backend is.
    Info,
    /// All environments.
    Environments,
    /// One environment.
    Details(EnvironmentName),
    /// The newest jobs.
    Jobs,
    /// One job.
    Job(JobId),
    /// The lines of a job's log after a line.
    Log(JobId, u64),
    /// The activity log.
    Activity,
    /// Notifications.
    Notifications,
    /// What works in an environment and what does not.
    Check(EnvironmentName),
    /// More of a list: so many of the newest.
    More(ListKind, u32),
    /// What an undo would set aside.
    BeforeUndo(EnvironmentName),
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// See [`Message::Rested`].
    Rested(u64),
    /// See [`Message::Read`].
    Read(u64),
    /// See [`Message::Alone`].
    Alone(u64),
    /// See [`Message::AskAgain`].
    AskAgain(u64),
    /// See [`Message::Tour`].
    Tour(u64),
}

/// Runs effects against a backend.
pub struct Effects {
    backend: Arc<dyn Backend>,
    messages: UnboundedSender<Message>,
    /// Ends the export that goes on when it goes, or is told to.
    stop: watch::Sender<u64>,
    /// The last look at the configuration.
    looking: Option<JoinHandle<()>>,
}

impl Effects {
    /// A runner whose answers go into the channel.
    pub fn new(backend: Arc<dyn Backend>, messages: UnboundedSender<Message>) -> Self {
        Self {
            backend,
            messages,
            stop: watch::Sender::new(0),
            looking: None,
        }
    }

    /// Puts text on the clipboard; `what` is what it is, in words.
    pub fn copy(&self, clipboard: Clipboard, what: String, text: String) {
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let (copied, bytes) = clipboard.copy(&text).await;
            let _ = messages.send(Message::Copied(copied.sentence(&what), bytes));
        });
    }

    /// Writes a file.
    pub fn save(&self, save: Save, name: String, text: String) {
        self.aside(move || Some(Message::Saved(save(&name, &text))));
    }

    /// Reads the configuration as it is now.
    pub fn reread(&self, reread: Reread) {
        self.aside(move || Some(Message::Reread(reread(Look::Now))));
    }

    /// Looks whether the configuration has changed, unless it still does. Nothing is told where nothing has.
    pub fn look_at_configuration(&mut self, reread: Reread) {
        // A file on a server that does not answer is waited for once.
        if self.looking.as_ref().is_none_or(JoinHandle::is_finished) {
            let look = self.aside(move || match reread(Look::OnceSettled) {
                Found::Same => None,
                found => Some(Message::Reread(found)),
            });
            self.looking = Some(look);
        }
    }

    /// Does something that may wait for a disk, beside everything else.
    fn aside(&self, work: impl FnOnce() -> Option<Message> + Send + 'static) -> JoinHandle<()> {
        let messages = self.messages.clone();
        tokio::task::spawn_blocking(move || {
            if let Some(message) = work() {
                let _ = messages.send(message);
            }
        })
    }

    /// Asks another context for its environments.
    pub fn look_elsewhere(&self, elsewhere: Arc<dyn Elsewhere>, context: String) {
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let answer = elsewhere.environments(&context).await;
            let _ = messages.send(Message::Elsewhere(context, answer));
        });
    }

    /// Starts the effect and returns at once. Effects for the terminal are the loop's, and nothing here.
    pub fn start(&self, effect: Effect) {
        let backend = Arc::clone(&self.backend);
        let messages = self.messages.clone();
        if effect == Effect::StopExport {
            self.stop.send_modify(|times| *times += 1);
            return;
        }
        let stop = self.stop.subscribe();
        tokio::spawn(async move {
            if effect == Effect::Listen {
                listen(backend.as_ref(), &messages).await;
            } else if let Effect::Export(order) = effect {
                let ended = exporting::export(backend.as_ref(), &order, &messages, stop).await;
                let _ = messages.send(Message::Exported(ended));
            } else if let Some(message) = run(backend.as_ref(), effect).await {
                // The loop has gone when nobody receives: then nobody needs the answer either.
                let _ = messages.send(message);
            }
        });
    }
}

async fn listen(backend: &dyn Backend, messages: &UnboundedSender<Message>) {
    let mut events = backend.events();
    let mut link = backend.link();
    // How it stood before anybody looked counts as well.
    link.mark_changed();
    let mut link_may_change = true;
    loop {
        let message = tokio::select! {
            changed = link.changed(), if link_may_change => {
                if changed.is_err() {
                    link_may_change = false;
                    continue;
                }
                Message::Link(link.borrow_and_update().clone())
            }
            event = events.next() => match event {
                Some(event) => Message::Event(event),
                None => break,
            },
        };
        if messages.send(message).is_err() {
            return;
        }
    }
    let _ = messages.send(Message::EventsEnded);
}

/// What is said of a backup that was pinned.
fn pinned(request: &PinRequest) -> String {
    format!(
        "backup {} of {} is pinned: it is kept {}",
        request.backup,
        request.environment,
        crate::domain::pin::how_long(request.until)
    )
}

/// What a timer says.
fn rung(timer: Timer) -> Message {
    match timer {
        Timer::Rested(move_number) => Message::Rested(move_number),
        Timer::Read(number) => Message::Read(number),
        Timer::Alone(number) => Message::Alone(number),
        Timer::AskAgain(number) => Message::AskAgain(number),
        Timer::Tour(number) => Message::Tour(number),
    }
}

async fn run(backend: &dyn Backend, effect: Effect) -> Option<Message> {
    let started = |start, result| Some(Message::Started(start, result));
    match effect {
        Effect::Fetch(fetch) => Some(ask(backend, fetch).await),
        Effect::Ask(question) => {
            let answer = question::ask(backend, (*question).clone()).await;
            Some(Message::Told(question, answer))
        }
        Effect::Collect(question, name) => {
            let collected = collecting::collect(backend, &question).await;
            Some(Message::Collected(name, collected))
        }
        Effect::After(delay, timer) => {
            tokio::time::sleep(delay).await;
            Some(rung(timer))
        }
        Effect::Seen(number) => backend
            .notifications_seen(number)
            .await
            .err()
            .map(|error| Message::Done(String::new(), Err(error))),
        Effect::Backup(request) => started(Start::Filled, backend.start_backup(request).await),
        Effect::Plan(number, request) => {
            let plan = backend.plan_restore(request).await;
            Some(Message::Plan(number, Box::new(plan)))
        }
        Effect::Restore(plan, typed) => started(Start::Watched, backend.start_restore(plan, typed).await),
        Effect::Approve(environment, plan, typed) => started(
            Start::Watched,
            backend.approve_restore(environment, plan, typed).await,
        ),
        Effect::Reject(environment, plan, reason) => {
            let done = format!("the restore that waited in {environment} is rejected: nothing was done");
            Some(Message::Held(
                done,
                backend.reject_restore(environment, plan, reason).await,
            ))
        }
        Effect::Undo(environment, typed) => {
            started(Start::Watched, backend.start_undo(environment, typed).await)
        }
        Effect::Confirm(environment) => started(Start::Aside, backend.start_confirm(environment).await),
        Effect::Verify(environment, backup) => {
            let backup = backup.map(|id| id.0);
            started(Start::Aside, backend.start_verify(environment, backup).await)
        }
        Effect::Drill(environment, backup) => started(
            Start::Aside,
            backend.start_drill(environment, Some(backup.0)).await,
        ),
        Effect::Cancel(id) => {
            let done = format!("job {id} was asked to stop: it ends at its next safe point");
            Some(Message::Done(done, backend.cancel(id).await))
        }
        Effect::Delete(environment, backup) => {
            let done = format!("backup {backup} of {environment} is deleted");
            Some(Message::Done(
                done,
                backend.delete_backup(environment, backup).await,
            ))
        }
        Effect::Extend(environment, backup) => {
            let done = format!("backup {backup} of {environment} is kept for another 48 hours");
            Some(Message::Done(
                done,
                backend.extend_backup(environment, backup).await,
            ))
        }
        Effect::Pin(request) => {
            let done = pinned(&request);
            Some(Message::Held(done, backend.pin_backup(request).await))
        }
        Effect::Unpin(environment, backup) => {
            let done = format!("backup {backup} of {environment} is not pinned any more");
            Some(Message::Done(
                done,
                backend.unpin_backup(environment, backup).await,
            ))
        }
        Effect::Hold(request) => Some(hold(backend, request).await),
        Effect::Many(deed, names) => Some(for_each(backend, deed, names).await),
        Effect::Break(environment) => Some(Message::Broke(backend.break_live(environment).await)),
        Effect::Listen
        | Effect::Save(..)
        | Effect::Reread
        | Effect::Call(_)
        | Effect::Export(_)
        | Effect::StopExport
        | Effect::Copy(..)
        | Effect::Redraw
        | Effect::Suspend(_)
        | Effect::Switch(_)
        | Effect::SwitchTo(..)
        | Effect::LookElsewhere(_)
        | Effect::Quit
        | Effect::End(_) => None,
    }
}

async fn hold(backend: &dyn Backend, request: HoldRequest) -> Message {
    let done = super::update::hold_sentence(&request);
    let is_on = request.on;
    let answer = backend.hold(request).await;
    if is_on {
        Message::Held(done, answer)
    } else {
        Message::Done(done, answer)
    }
}

/// Does for each of several environments what is done for one.
async fn for_each(backend: &dyn Backend, deed: Deed, names: Vec<EnvironmentName>) -> Message {
    let mut answers = Vec::new();
    for name in names {
        let answer = for_one(backend, deed, name.clone()).await;
        answers.push((name, answer));
    }
    Message::Many(deed, answers)
}

/// Does for one environment what is done for several. Gives the job that it began, if it did.
async fn for_one(backend: &dyn Backend, deed: Deed, environment: EnvironmentName) -> Answer<Option<JobId>> {
    match deed {
        Deed::Backup => {
            let request = BackupRequest {
                environment,
                note: None,
                upgrade_to: None,
            };
            backend.start_backup(request).await.map(Some)
        }
        Deed::Verify => backend.start_verify(environment, None).await.map(Some),
        Deed::Drill => backend.start_drill(environment, None).await.map(Some),
        Deed::Maintenance(on) => {
            let request = HoldRequest {
                environment,
                hold: HoldKind::Maintenance,
                on,
                reason: None,
            };
            backend.hold(request).await.map(|()| None)
        }
    }
}

async fn more(backend: &dyn Backend, list: ListKind, limit: u32) -> Answer<More> {
    match list {
        ListKind::Jobs => {
            let query = JobQuery {
                limit,
                ..JobQuery::default()
            };
            backend.jobs(query).await.map(More::Jobs)
        }
        ListKind::Activity => backend.activity(limit).await.map(More::Activity),
        ListKind::News => backend.notifications(limit).await.map(More::News),
    }
}

async fn ask(backend: &dyn Backend, fetch: Fetch) -> Message {
    match fetch {
        Fetch::More(list, limit) => Message::More(list, limit, more(backend, list, limit).await),
        Fetch::Info => Message::Info(backend.info().await),
        Fetch::Environments => Message::Environments(backend.environments().await),
        Fetch::Details(name) => {
            let details = backend.environment(&name).await;
            Message::Details(name, Box::new(details))
        }
        Fetch::Jobs => {
            let query = JobQuery {
                limit: NEWEST,
                ..JobQuery::default()
            };
            Message::Jobs(backend.jobs(query).await)
        }
        Fetch::Job(id) => Message::Job(Box::new(backend.job(id).await)),
        Fetch::Log(id, after) => Message::Log(id, backend.job_log(id, after).await),
        Fetch::Activity => Message::Activity(backend.activity(NEWEST).await),
        Fetch::Notifications => Message::Notifications(backend.notifications(NEWEST).await),
        Fetch::BeforeUndo(name) => {
            let told = backend.before_undo(&name).await;
            Message::BeforeUndo(name, told)
        }
        Fetch::Check(name) => {
            let report = backend.check(Some(name.clone())).await;
            Message::Checked(name, report)
        }
    }
}
