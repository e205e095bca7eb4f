//! What kinds of things there are to be told of.

use serde::{Deserialize, Serialize};

use crate::domain::activity::Severity;
use crate::domain::job::{Job, JobKind, JobState};

/// What a message is about.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// A backup has begun.
    BackupBegun,
    /// A backup was taken and read back.
    BackupDone,
    /// A backup failed, was cancelled, or could not be begun.
    BackupFailed,
    /// The window of a scheduled backup has closed, and the backup has not begun.
    BackupLate,
    /// A restore or an undo has begun.
    RestoreBegun,
    /// A restore or an undo has ended well.
    RestoreDone,
    /// A restore or an undo failed or was cancelled.
    RestoreFailed,
    /// Backups were read back, and are what they were.
    VerifyDone,
    /// Reading backups back failed, or found damage.
    VerifyFailed,
    /// A backup was restored into a scratch place and compared there.
    DrillDone,
    /// A drill failed: that a backup can be restored is not proven.
    DrillFailed,
    /// The content of the newest backup has faults that the one before had not, as Live had.
    IntegrityWorse,
    /// A target of an environment, for how much may be lost or how long a restore may take, is missed.
    TargetMissed,
    /// A job of a Lifeboat that is gone was taken over.
    TookOver,
    /// Something else that needs a person.
    Attention,
    /// Something else that is good to know.
    News,
    /// A receiver was not reached for too long, and what was for it was given up.
    Undelivered,
    /// Somebody tries whether a receiver is reached.
    Test,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 18] = [
        Self::BackupBegun,
        Self::BackupDone,
        Self::BackupFailed,
        Self::BackupLate,
        Self::RestoreBegun,
        Self::RestoreDone,
        Self::RestoreFailed,
        Self::VerifyDone,
        Self::VerifyFailed,
        Self::DrillDone,
        Self::DrillFailed,
        Self::IntegrityWorse,
        Self::TargetMissed,
        Self::TookOver,
        Self::Attention,
        Self::News,
        Self::Undelivered,
        Self::Test,
    ];

    /// Its word in the configuration and in what is sent.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BackupBegun => "backup_begun",
            Self::BackupDone => "backup_done",
            Self::BackupFailed => "backup_failed",
            Self::BackupLate => "backup_late",
            Self::RestoreBegun => "restore_begun",
            Self::RestoreDone => "restore_done",
            Self::RestoreFailed => "restore_failed",
            Self::VerifyDone => "verify_done",
            Self::VerifyFailed => "verify_failed",
            Self::DrillDone => "drill_done",
            Self::DrillFailed => "drill_failed",
            Self::IntegrityWorse => "integrity_worse",
            Self::TargetMissed => "target_missed",
            Self::TookOver => "took_over",
            Self::Attention => "attention",
            Self::News => "news",
            Self::Undelivered => "undelivered",
            Self::Test => "test",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::BackupBegun => "backup begun",
            Self::BackupDone => "backup done",
            Self::BackupFailed => "backup failed",
            Self::BackupLate => "backup late",
            Self::RestoreBegun => "restore begun",
            Self::RestoreDone => "restore done",
            Self::RestoreFailed => "restore failed",
            Self::VerifyDone => "verification done",
            Self::VerifyFailed => "verification failed",
            Self::DrillDone => "drill done",
            Self::DrillFailed => "drill failed",
            Self::IntegrityWorse => "content has new faults",
            Self::TargetMissed => "target missed",
            Self::TookOver => "job taken over",
            Self::Attention => "needs attention",
            Self::News => "news",
            Self::Undelivered => "not delivered",
            Self::Test => "test",
        }
    }

    /// What the end of a job is about.
    #[must_use]
    pub fn of_end(job: &Job) -> Self {
        let is_done = job.state == JobState::Done;
        match (job.kind, is_done) {
            (JobKind::Backup, true) => Self::BackupDone,
            (JobKind::Backup, false) => Self::BackupFailed,
            (JobKind::Restore | JobKind::Undo, true) => Self::RestoreDone,
            (JobKind::Restore | JobKind::Undo, false) => Self::RestoreFailed,
            (JobKind::Verify, true) => Self::VerifyDone,
            (JobKind::Verify, false) => Self::VerifyFailed,
            (JobKind::Drill, true) => Self::DrillDone,
            (JobKind::Drill, false) => Self::DrillFailed,
            (JobKind::Extract | JobKind::Prune, true) => Self::News,
            (JobKind::Extract | JobKind::Prune, false) => Self::Attention,
        }
    }

    /// What the beginning of a job is about. `None` for those whose beginning nobody waits for.
    #[must_use]
    pub fn of_beginning(kind: JobKind) -> Option<Self> {
        match kind {
            JobKind::Backup => Some(Self::BackupBegun),
            JobKind::Restore | JobKind::Undo => Some(Self::RestoreBegun),
            _ => None,
        }
    }

    /// What something is about that has no topic of its own.
    #[must_use]
    pub fn other(severity: Severity) -> Self {
        if severity >= Severity::Warning {
            Self::Attention
        } else {
            Self::News
        }
    }
}
