//! What the engine of this process does, as lines of the service's log: one for the beginning and one for the end of each
//! job, one for each notification, and one for whatever becomes of leases and of jobs that others have left.
//!
//! Not in here: what requests do (`service`).

use serde_json::{Value, json};

use super::log::{Level, Log};
use crate::domain::activity::Severity;
use crate::domain::deed::{ApprovalNews, Deed, Deeds, LeaseNews};
use crate::domain::job::{Job, JobState};

impl Log {
    /// Whoever is given these has what it does written into the log.
    #[must_use]
    pub fn deeds(&self) -> Deeds {
        let log = self.clone();
        Deeds::told_to(move |deed| {
            let (level, message, facts) = line(&deed);
            log.line(level, message, facts);
        })
    }
}

/// The line for something that was done.
fn line(deed: &Deed) -> (Level, &'static str, Value) {
    match deed {
        Deed::JobBegan(job) => (Level::Info, "job began", about(job)),
        Deed::JobEnded(job) => ended(job),
        Deed::TookOver { job, from } => {
            let mut facts = about(job);
            if let Some(from) = from {
                facts["from_node"] = json!(from);
            }
            (Level::Warn, "job taken over", facts)
        }
        Deed::Settling { environment, step } => (
            Level::Info,
            "interrupted job is being settled",
            json!({ "environment": environment, "step": step }),
        ),
        Deed::LostJob(job) => (Level::Warn, "job lost to another Lifeboat", about(job)),
        Deed::Notified(notification) => (
            level(notification.severity),
            "notification",
            json!({
                "notification": notification.number,
                "environment": notification.environment,
                "job": notification.job,
                "text": notification.text,
            }),
        ),
        Deed::Approval(news) => approval(news),
        Deed::Target {
            environment,
            standing,
        } => (
            if standing.met { Level::Info } else { Level::Warn },
            "target",
            json!({ "environment": environment, "target": standing }),
        ),
        Deed::Lease(LeaseNews::Taken { node, number }) => (
            Level::Info,
            "lease taken",
            json!({ "node": node, "number": number }),
        ),
        Deed::Lease(LeaseNews::NotRenewed { why }) => {
            (Level::Warn, "lease not renewed", json!({ "why": why }))
        }
        Deed::Lease(LeaseNews::Renewed) => (Level::Info, "lease renewed again", json!({})),
        Deed::Lease(LeaseNews::DeclaredGone { number }) => (
            Level::Error,
            "declared gone by the other nodes: its jobs are theirs, and it goes on under a new number",
            json!({ "number": number }),
        ),
        Deed::Lease(LeaseNews::GivenBack) => (Level::Info, "lease given back", json!({})),
    }
}

fn approval(news: &ApprovalNews) -> (Level, &'static str, Value) {
    match news {
        ApprovalNews::Asked(asked) => (
            Level::Warn,
            "restore waits for approval",
            json!({ "asked": asked }),
        ),
        ApprovalNews::Approved { asked, by, job } => (
            Level::Info,
            "restore approved",
            json!({ "asked": asked, "by": by, "job": job }),
        ),
        ApprovalNews::Rejected { asked, by, reason } => (
            Level::Warn,
            "restore rejected",
            json!({ "asked": asked, "by": by, "reason": reason }),
        ),
        ApprovalNews::BrokeGlass {
            environment,
            by,
            reason,
            job,
        } => (
            Level::Error,
            "restore begun without a second person",
            json!({ "environment": environment, "by": by, "reason": reason, "job": job }),
        ),
    }
}

fn about(job: &Job) -> Value {
    json!({
        "job": job.id,
        "environment": job.environment,
        "kind": job.kind,
        "title": job.title,
        "by": job.by,
    })
}

fn ended(job: &Job) -> (Level, &'static str, Value) {
    let mut facts = about(job);
    facts["state"] = json!(job.state.label());
    if let Some(took) = job.ended.and_then(|ended| job.took_millis(ended)) {
        facts["took_millis"] = json!(took);
    }
    if let Some(outcome) = &job.outcome {
        facts["summary"] = json!(outcome.summary);
        facts["warnings"] = json!(outcome.warnings);
    }
    let level = match &job.state {
        JobState::Failed { why } => {
            facts["why"] = json!(why);
            Level::Error
        }
        JobState::Cancelled => {
            facts["why"] = json!(job.was_cancelled());
            Level::Warn
        }
        _ => Level::Info,
    };
    (level, "job ended", facts)
}

fn level(severity: Severity) -> Level {
    match severity {
        Severity::Information => Level::Info,
        Severity::Warning => Level::Warn,
        Severity::Critical => Level::Error,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn whatever_becomes_of_a_lease_is_one_line() {
        let (log, mut lines) = Log::new(Arc::new(SystemClock));
        let deeds = log.deeds();
        deeds.tell(Deed::Lease(LeaseNews::Taken {
            node: "one".into(),
            number: 3,
        }));
        deeds.tell(Deed::Lease(LeaseNews::NotRenewed { why: "a\nb".into() }));
        let mut next = || serde_json::from_str::<Value>(&lines.try_recv().unwrap()).unwrap();
        let taken = next();
        assert_eq!(
            (&taken["message"], &taken["node"], &taken["number"]),
            (&json!("lease taken"), &json!("one"), &json!(3))
        );
        let missed = next();
        assert_eq!(
            (&missed["level"], &missed["why"]),
            (&json!("warn"), &json!("a\nb"))
        );
    }
}
