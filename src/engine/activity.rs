//! What the engine writes into the activity log, and what of it people are notified of.
//!
//! How the log is kept, and that nothing in it can be changed unnoticed, is up to the catalog.

use super::Engine;
use crate::domain::activity::Severity;
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::job::JobId;
use crate::domain::principal::Principal;
use crate::domain::printable;

impl Engine {
    /// Adds to the activity log and notifies.
    pub(super) fn remember(
        &self,
        by: &Principal,
        environment: Option<&EnvironmentName>,
        text: &str,
        job: Option<JobId>,
        severity: Severity,
    ) {
        self.record_activity(by, environment, text, job, severity);
        let told = match environment {
            Some(environment) => format!("{environment}: {text}"),
            None => text.to_owned(),
        };
        let told = printable::line(&told);
        match self
            .catalog()
            .notify(self.now(), severity, environment, &told, job)
        {
            Ok(notification) => self.tell(Event::Notification(notification)),
            Err(error) => self.report_catalog(&error),
        }
    }

    /// Adds a warning to the activity log and notifies.
    pub fn remember_warning(&self, by: &Principal, environment: &EnvironmentName, text: &str) {
        self.remember(by, Some(environment), text, None, Severity::Warning);
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
        self.record_activity(by, environment, text, None, severity);
    }

    /// Adds to the activity log.
    pub(super) fn record_activity(
        &self,
        by: &Principal,
        environment: Option<&EnvironmentName>,
        what: &str,
        job: Option<JobId>,
        severity: Severity,
    ) {
        let caller = self.caller(by);
        let added = self
            .catalog()
            .add_activity(self.now(), &caller, environment, what, job, severity);
        if let Err(error) = added {
            self.report_catalog(&error);
        }
    }
}
