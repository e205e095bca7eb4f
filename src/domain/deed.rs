//! What one process of Lifeboat does, told as it happens to whoever keeps a log of it.
//!
//! Not in here: events, which tell whoever looks on what has changed, wherever that was done ([`super::event`]); how a line
//! of the log is written.

use std::fmt;
use std::sync::Arc;

use super::activity::Notification;
use super::approval::Asked;
use super::environment::EnvironmentName;
use super::job::{Job, JobId, Phase};
use super::principal::Principal;
use super::target::Standing;

/// Something that this process has done, or that has happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A job has begun to work.
    JobBegan(Box<Job>),
    /// A job has ended, however it did.
    JobEnded(Box<Job>),
    /// A job that was begun elsewhere, by a Lifeboat that is gone, was taken over to be settled.
    TookOver {
        /// The job, as it was left.
        job: Box<Job>,
        /// The node that had it; `None` where it was another process of this machine.
        from: Option<String>,
    },
    /// What an interrupted job has left is being settled, and this is where that is. Nothing begins on the environment before.
    Settling {
        /// The environment.
        environment: EnvironmentName,
        /// The step of the job that is caught up on.
        step: Phase,
    },
    /// A job of this process is another Lifeboat's by now: whatever it still does counts no more.
    LostJob(Box<Job>),
    /// Somebody was notified.
    Notified(Notification),
    /// A target of an environment is missed, or met again: told once, by one of the Lifeboats that share a catalog.
    Target {
        /// The environment.
        environment: EnvironmentName,
        /// How the target stands now, and why.
        standing: Standing,
    },
    /// A restore that needs a second person was asked for, approved, rejected, or begun without one.
    Approval(ApprovalNews),
    /// How this process stands among those that share its catalog.
    Lease(LeaseNews),
}

/// What has become of a restore that needs a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovalNews {
    /// It was asked for, and waits.
    Asked(Asked),
    /// Somebody has agreed, and it begins.
    Approved {
        /// What waited.
        asked: Asked,
        /// Who has agreed.
        by: Principal,
        /// The restore.
        job: JobId,
    },
    /// Somebody has not agreed, or whoever asked has taken it back.
    Rejected {
        /// What waited.
        asked: Asked,
        /// Who.
        by: Principal,
        /// Why.
        reason: Option<String>,
    },
    /// It was begun without a second person. Somebody should look at once.
    BrokeGlass {
        /// The environment.
        environment: EnvironmentName,
        /// Who.
        by: Principal,
        /// Why.
        reason: String,
        /// The restore.
        job: JobId,
    },
}

/// What has become of the lease by which the others know that this process lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseNews {
    /// It was taken for the first time.
    Taken {
        /// What this node is called.
        node: String,
        /// Its number among all that have ever shared the catalog.
        number: u64,
    },
    /// It could not be renewed. When it has run out, the others may take over what this process has.
    NotRenewed {
        /// Why.
        why: String,
    },
    /// It could not be renewed for a while, and is again.
    Renewed,
    /// The others have declared this node gone. It goes on under a new number; its jobs are theirs.
    DeclaredGone {
        /// The new number.
        number: u64,
    },
    /// It was given back at the end.
    GivenBack,
}

/// Whom deeds are told to: nobody, unless somebody was named. Cheap to clone.
#[derive(Clone, Default)]
pub struct Deeds(Option<Arc<dyn Fn(Deed) + Send + Sync>>);

impl Deeds {
    /// They are told to this. It is called in the middle of work and must not block.
    #[must_use]
    pub fn told_to(listener: impl Fn(Deed) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    /// Tells of one.
    pub fn tell(&self, deed: Deed) {
        if let Some(listener) = &self.0 {
            listener(deed);
        }
    }
}

impl fmt::Debug for Deeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deeds")
    }
}
