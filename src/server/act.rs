//! What can be done: every operation that changes something or starts a job.

use axum::http::StatusCode;

use super::ask::Ask;
use super::bodies::{
    Broken, Confirmed, NewApproval, NewBackup, NewExtract, NewHold, NewPin, NewRejection, NewRestore, Seen,
    Started, WhichBackup, WhichReceiver,
};
use super::operation::Reply;
use super::problem::Problem;
use crate::backend::BackendError;
use crate::domain::job::{JobId, JobKind};
use crate::domain::refusal::{Refusal, confirmed};
use crate::domain::request::{BackupRequest, ExtractRequest, HoldKind, HoldRequest, PinRequest};
use crate::domain::staleness::Stale;
use crate::domain::token::Role;

/// A job was started: its number, and where it is found.
pub(super) fn started(job: JobId) -> Result<Reply, Problem> {
    Ok(Reply::json(StatusCode::ACCEPTED, &Started { job })?.at(format!("/api/v1/jobs/{job}")))
}

/// Tries whether receivers are reached.
pub(super) async fn test_receivers(ask: Ask) -> Result<Reply, Problem> {
    let which: WhichReceiver = ask.read()?;
    if !ask.token.projects.is_empty() {
        return Err(Problem::forbidden(
            "receivers are told of all projects, and this token is limited to some",
        ));
    }
    Reply::ok(&ask.engine().test_receivers(which.name).await?)
}

/// Takes a backup.
pub(super) async fn backup(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let new: NewBackup = ask.read()?;
    let request = BackupRequest {
        environment,
        note: new.note,
        upgrade_to: new.upgrade_to,
    };
    started(ask.engine().start_backup(request).await?)
}

/// Restores.
pub(super) async fn restore(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let new: NewRestore = ask.read()?;
    // The engine compares with the environment of the plan. This one keeps a plan of one environment from being used
    // under the name of another.
    confirmed(&environment, &new.confirm).map_err(BackendError::from)?;
    // The engine names the environment of the plan: one that the token does not see looks as if it were not there.
    let planned = ask
        .engine()
        .records()
        .await?
        .environment_of_plan(&new.plan, ask.service.clock.now())
        .await?;
    if planned.is_some_and(|environment| !ask.token.sees(&environment)) {
        let unknown = Refusal::StalePlan {
            plan: new.plan,
            why: Stale::Unknown,
        };
        return Err(BackendError::Refused(unknown).into());
    }
    let engine = ask.engine();
    started(match new.break_glass {
        Some(reason) => engine.start_restore_alone(new.plan, new.confirm, reason).await?,
        None => engine.start_restore(new.plan, new.confirm).await?,
    })
}

/// Agrees to a restore that waits.
pub(super) async fn approve(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let new: NewApproval = ask.read()?;
    started(
        ask.engine()
            .approve_restore(environment, new.plan, new.confirm)
            .await?,
    )
}

/// Does not agree to it.
pub(super) async fn reject(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let new: NewRejection = ask.read()?;
    ask.engine()
        .reject_restore(environment, new.plan, new.reason)
        .await?;
    Ok(Reply::nothing())
}

/// Goes back.
pub(super) async fn undo(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let typed: Confirmed = ask.read()?;
    started(ask.engine().start_undo(environment, typed.confirm).await?)
}

/// Drops replaced tables.
pub(super) async fn confirm(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    started(ask.engine().start_confirm(environment).await?)
}

/// Reads backups back.
pub(super) async fn verify(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let which: WhichBackup = ask.read()?;
    started(ask.engine().start_verify(environment, which.backup).await?)
}

/// Drills a backup.
pub(super) async fn drill(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let which: WhichBackup = ask.read()?;
    started(ask.engine().start_drill(environment, which.backup).await?)
}

/// Restores elsewhere.
pub(super) async fn extract(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let new: NewExtract = ask.read()?;
    let request = ExtractRequest {
        environment,
        backup: new.backup,
        selection: new.selection.into(),
        from: new.from,
        into: new.into,
    };
    started(ask.engine().start_extract(request).await?)
}

/// Asks a job to stop. What only an owner may start, only an owner may stop.
pub(super) async fn cancel(ask: Ask) -> Result<Reply, Problem> {
    let job = ask.job().await?;
    ask.needs(needed_to_start(job.kind))?;
    ask.engine().cancel(job.id).await?;
    Ok(Reply::nothing())
}

/// The smallest role that may start a job of this kind.
fn needed_to_start(kind: JobKind) -> Role {
    match kind {
        // What prunes is a confirmation, or follows a deletion.
        JobKind::Restore | JobKind::Undo | JobKind::Prune => Role::Owner,
        JobKind::Backup | JobKind::Verify | JobKind::Drill | JobKind::Extract => Role::Operator,
    }
}

/// Deletes an upgrade or safety backup.
pub(super) async fn delete(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    ask.engine().delete_backup(environment, ask.backup()?).await?;
    Ok(Reply::nothing())
}

/// Keeps an upgrade or safety backup for longer.
pub(super) async fn extend(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    ask.engine().extend_backup(environment, ask.backup()?).await?;
    Ok(Reply::nothing())
}

/// Keeps a backup on purpose.
pub(super) async fn pin(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let new: NewPin = ask.read()?;
    let request = PinRequest {
        environment,
        backup: ask.backup()?,
        until: new.until,
        note: new.note,
    };
    ask.engine().pin_backup(request).await?;
    Ok(Reply::nothing())
}

/// Takes a pin away.
pub(super) async fn unpin(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    ask.engine().unpin_backup(environment, ask.backup()?).await?;
    Ok(Reply::nothing())
}

/// Sets or lifts a hold.
pub(super) async fn hold(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let hold = match ask.hold() {
        "maintenance" => HoldKind::Maintenance,
        "protection" => HoldKind::Protection,
        other => {
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                "unknown_hold",
                format!("there is no hold \"{other}\": write maintenance or protection"),
            ));
        }
    };
    let new: NewHold = ask.read()?;
    let request = HoldRequest {
        environment,
        hold,
        on: new.on,
        reason: new.reason,
    };
    ask.engine().hold(request).await?;
    Ok(Reply::nothing())
}

/// Marks notifications as seen, for everybody.
pub(super) async fn seen(ask: Ask) -> Result<Reply, Problem> {
    let seen: Seen = ask.read()?;
    if !ask.token.projects.is_empty() {
        return Err(Problem::forbidden(
            "marking notifications as seen is for everybody, and this token is limited to some projects",
        ));
    }
    ask.engine().notifications_seen(seen.up_to).await?;
    Ok(Reply::nothing())
}

/// Breaks Live, in the demo.
pub(super) async fn break_live(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    if !ask.service.engine.info().await?.demo {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not_a_demo",
            "Live is broken on purpose only in the sandbox of `lifeboat demo`",
        ));
    }
    let broken = ask.engine().break_live(environment).await?;
    Reply::ok(&Broken { broken })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::operations::OPERATIONS;

    #[test]
    fn who_may_not_start_a_job_may_not_cancel_it() {
        for (id, kind) in [
            ("start_backup", JobKind::Backup),
            ("start_verify", JobKind::Verify),
            ("start_drill", JobKind::Drill),
            ("start_extract", JobKind::Extract),
            ("start_restore", JobKind::Restore),
            ("start_undo", JobKind::Undo),
            ("start_confirm", JobKind::Prune),
        ] {
            let operation = OPERATIONS.iter().find(|operation| operation.id == id).unwrap();
            assert_eq!(needed_to_start(kind), operation.role, "{id}");
        }
    }
}
