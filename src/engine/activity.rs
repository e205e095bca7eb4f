//! What the engine writes into the activity log, and what of it people are notified of.
//!
//! How the log is kept, and that nothing in it can be changed unnoticed, is up to the catalog.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant as Monotonic};

use super::Engine;
use crate::catalog::CatalogError;
use crate::domain::activity::{Notification, Severity};
use crate::domain::deed::Deed;
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::job::JobId;
use crate::domain::notify::Topic;
use crate::domain::principal::Principal;
use crate::domain::printable;

/// How often whoever looks on is told that the catalog cannot be written.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// The activity log and the notifications of one engine.
#[derive(Clone, Copy)]
pub struct ActivityLog<'e>(pub(super) &'e Engine);

impl ActivityLog<'_> {
    /// Adds to the activity log and notifies.
    pub(super) fn remember(
        &self,
        by: &Principal,
        environment: Option<&EnvironmentName>,
        text: &str,
        job: Option<JobId>,
        severity: Severity,
    ) {
        self.remember_as(Topic::other(severity), by, environment, text, job, severity);
    }

    /// The same, of something that has a topic of its own for those who are told while nobody looks.
    pub(super) fn remember_as(
        &self,
        topic: Topic,
        by: &Principal,
        environment: Option<&EnvironmentName>,
        text: &str,
        job: Option<JobId>,
        severity: Severity,
    ) {
        self.note(by, environment, text, job, severity);
        self.0
            .notifier()
            .announce(topic, severity, environment, text, job);
    }

    /// The same as [`ActivityLog::remember`], of something that is told each time: a deed of somebody, or a change.
    pub(super) fn remember_each(
        &self,
        by: &Principal,
        environment: &EnvironmentName,
        text: &str,
        job: Option<JobId>,
        severity: Severity,
    ) {
        self.note(by, Some(environment), text, job, severity);
        self.0.notifier().announce_each(severity, environment, text, job);
    }

    /// Adds to the activity log and notifies whoever looks at a cockpit, and nobody else.
    pub(super) fn note(
        &self,
        by: &Principal,
        environment: Option<&EnvironmentName>,
        text: &str,
        job: Option<JobId>,
        severity: Severity,
    ) {
        self.add(by, environment, text, job, severity);
        let told = match environment {
            Some(environment) => format!("{environment}: {text}"),
            None => text.to_owned(),
        };
        let told = printable::line(&told);
        match self
            .0
            .catalog()
            .notify(self.0.now(), severity, environment, &told, job)
        {
            Ok(notification) => self.notified(notification),
            Err(error) => self.report_catalog(&error),
        }
    }

    /// Adds to the activity log what was done, or tried, beside the engine's own actions: a token that was made, a
    /// request that was refused.
    pub fn write_down(
        &self,
        by: &Principal,
        environment: Option<&EnvironmentName>,
        text: &str,
        severity: Severity,
    ) {
        self.add(by, environment, text, None, severity);
    }

    /// Adds to the activity log.
    pub(super) fn add(
        &self,
        by: &Principal,
        environment: Option<&EnvironmentName>,
        what: &str,
        job: Option<JobId>,
        severity: Severity,
    ) {
        let caller = self.0.caller(by);
        let added = self
            .0
            .catalog()
            .add_activity(self.0.now(), &caller, environment, what, job, severity);
        if let Err(error) = added {
            self.report_catalog(&error);
        }
    }

    /// Tells once, not every minute, that something is wrong.
    pub(super) fn remember_once(&self, name: Option<&EnvironmentName>, text: &str) {
        self.remember_once_as(Topic::Attention, name, text);
    }

    /// The same, of something that has a topic of its own.
    pub(super) fn remember_once_as(&self, topic: Topic, name: Option<&EnvironmentName>, text: &str) {
        let recent = self.0.catalog().notifications(50).unwrap_or_default();
        let known = recent.iter().any(|notification| {
            notification.environment.as_ref() == name && notification.text.ends_with(text)
        });
        if !known {
            self.remember_as(topic, &Principal::Lifeboat, name, text, None, Severity::Critical);
        }
    }

    /// Does what comes again and again on a thread that has to go on: an error of Lifeboat in one round is told, and does
    /// not end all rounds.
    pub fn whatever_happens(&self, doing: &str, round: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(round)).is_err() {
            self.remember_once(
                None,
                &format!("{doing} was broken off by an error of Lifeboat; its message is on standard error"),
            );
        }
    }

    /// The catalog failed while a job was at work. The job goes on: content matters more than its records. Whoever
    /// looks on is told by an event, since the catalog itself cannot be written.
    pub(super) fn report_catalog(&self, error: &CatalogError) {
        {
            // Every step of every job would tell it.
            let mut reported = self.0.0.reported.lock();
            if reported.is_some_and(|at| at.elapsed() < REPORT_EVERY) {
                return;
            }
            *reported = Some(Monotonic::now());
        }
        let notification = Notification {
            number: 0,
            at: self.0.now(),
            severity: Severity::Critical,
            environment: None,
            text: format!("the records of jobs cannot be written: {error}"),
            job: None,
            seen: false,
        };
        self.notified(notification);
    }

    fn notified(&self, notification: Notification) {
        self.0.did(Deed::Notified(notification.clone()));
        self.0.tell(Event::Notification(notification));
    }
}
