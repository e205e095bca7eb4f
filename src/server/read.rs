//! What can be looked at: every operation that changes nothing.

use std::cmp::Reverse;
use std::future::Future;

use axum::http::StatusCode;

use super::ask::Ask;
use super::bodies::{HowMany, LIST_LIMIT, NewPlan, OnlyOne, WhichJobs, WhichLines};
use super::operation::{Content, Reply};
use super::problem::Problem;
use super::streams::Stream;
use crate::backend::BackendError;
use crate::backend::serves::Serves;
use crate::domain::activity::{Activity, Notification};
use crate::domain::check::{CONFIGURATION, Report, Verdict, in_use_still};
use crate::domain::environment::EnvironmentName;
use crate::domain::job::Job;
use crate::domain::notify::ReceiverStanding;
use crate::domain::request::{JobQuery, RestoreRequest};

/// What the service is.
pub(super) async fn info(ask: Ask) -> Result<Reply, Problem> {
    let mut info = ask.engine().info().await?;
    if !ask.token.projects.is_empty() {
        // Where things are on the service's machine is for those who look after all of it.
        info.places.clear();
    }
    Reply::ok(&info)
}

/// Every environment at a glance.
pub(super) async fn environments(ask: Ask) -> Result<Reply, Problem> {
    let list = ask.service.overview.list(&ask.token).await?;
    Ok(Reply::written(StatusCode::OK, list))
}

/// One environment in full.
pub(super) async fn environment(ask: Ask) -> Result<Reply, Problem> {
    let name = ask.environment().await?;
    Reply::ok(&ask.service.overview.details(&name).await?)
}

/// What an undo would set aside.
pub(super) async fn before_undo(ask: Ask) -> Result<Reply, Problem> {
    let name = ask.environment().await?;
    Reply::ok(&ask.service.engine.before_undo(&name).await?)
}

/// What works and what does not.
pub(super) async fn check(ask: Ask) -> Result<Reply, Problem> {
    let only: OnlyOne = ask.query()?;
    let sees_all = ask.token.projects.is_empty();
    if let Some(name) = only.environment {
        let name = ask.seen(name).await?;
        let report = ask.service.engine.check(Some(name)).await?;
        return Reply::ok(&if sees_all { report } else { discreet(report) });
    }
    if sees_all {
        return Reply::ok(&ask.service.engine.check(None).await?);
    }
    let mut report = Report::default();
    for name in ask.names().await? {
        let found = ask.service.engine.check(Some(name)).await?;
        for finding in discreet(found).findings {
            if !report.findings.contains(&finding) {
                report.findings.push(finding);
            }
        }
    }
    Reply::ok(&report)
}

/// The report for whoever sees some projects only: what is wrong in the file of the configuration may be about the others.
fn discreet(mut report: Report) -> Report {
    let mut findings = report.findings.iter_mut();
    let of_the_file = findings.find(|finding| {
        finding.environment.is_none() && finding.about == CONFIGURATION && finding.verdict == Verdict::Failed
    });
    if let Some(finding) = of_the_file {
        finding.detail = in_use_still("its file cannot be used as it is by now: the service's log says why");
    }
    report
}

/// Jobs, newest first.
pub(super) async fn jobs(ask: Ask) -> Result<Reply, Problem> {
    let which: WhichJobs = ask.query()?;
    let environment = match which.environment {
        Some(name) => Some(ask.seen(name).await?),
        None => None,
    };
    if environment.is_some() || ask.token.projects.is_empty() {
        return Reply::ok(&jobs_of(&ask, environment, which.limit).await?);
    }
    let mut jobs = Vec::new();
    for name in ask.names().await? {
        jobs.extend(jobs_of(&ask, Some(name), which.limit).await?);
    }
    jobs.sort_by_key(|job| Reverse(job.id));
    jobs.truncate(usize::try_from(which.limit).unwrap_or(usize::MAX));
    Reply::ok(&jobs)
}

async fn jobs_of(ask: &Ask, environment: Option<EnvironmentName>, limit: u32) -> Result<Vec<Job>, Problem> {
    let query = JobQuery {
        environment,
        id: None,
        limit,
    };
    Ok(ask.service.engine.jobs(query).await?)
}

/// One job.
pub(super) async fn job(ask: Ask) -> Result<Reply, Problem> {
    Reply::ok(&ask.job().await?)
}

/// A job's log.
pub(super) async fn job_log(ask: Ask) -> Result<Reply, Problem> {
    let which: WhichLines = ask.query()?;
    let job = ask.job().await?;
    Reply::ok(&ask.service.engine.job_log(job.id, which.after).await?)
}

/// Who did what.
pub(super) async fn activity(ask: Ask) -> Result<Reply, Problem> {
    let many: HowMany = ask.query()?;
    Reply::ok(&newest::<Activity>(&ask, many.limit).await?)
}

/// What there is to tell.
pub(super) async fn notifications(ask: Ask) -> Result<Reply, Problem> {
    let many: HowMany = ask.query()?;
    Reply::ok(&newest::<Notification>(&ask, many.limit).await?)
}

/// Who is told while nobody looks. They are told of all projects, and are shown to those who see all.
pub(super) async fn receivers(ask: Ask) -> Result<Reply, Problem> {
    if !ask.token.projects.is_empty() {
        return Reply::ok(&Vec::<ReceiverStanding>::new());
    }
    Reply::ok(&ask.service.engine.receivers().await?)
}

/// Who shares the catalog, with the jobs that the token sees.
pub(super) async fn nodes(ask: Ask) -> Result<Reply, Problem> {
    let mut nodes = ask.service.engine.nodes().await?;
    for node in &mut nodes {
        node.jobs.retain(|job| ask.token.sees(&job.environment));
    }
    Reply::ok(&nodes)
}

/// A list that is kept for all projects together.
trait Kept: Sized + Send {
    /// The newest of it.
    fn newest(
        engine: &dyn Serves,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Self>, BackendError>> + Send;
    /// The environment that an entry is about.
    fn environment(&self) -> Option<&EnvironmentName>;
}

impl Kept for Activity {
    async fn newest(engine: &dyn Serves, limit: u32) -> Result<Vec<Self>, BackendError> {
        engine.activity(limit).await
    }

    fn environment(&self) -> Option<&EnvironmentName> {
        self.environment.as_ref()
    }
}

impl Kept for Notification {
    async fn newest(engine: &dyn Serves, limit: u32) -> Result<Vec<Self>, BackendError> {
        engine.notifications(limit).await
    }

    fn environment(&self) -> Option<&EnvironmentName> {
        self.environment.as_ref()
    }
}

/// The newest entries of a list that the token sees. More of it is read until there are enough.
async fn newest<T: Kept>(ask: &Ask, limit: u32) -> Result<Vec<T>, Problem> {
    let engine = &*ask.service.engine;
    if ask.token.projects.is_empty() {
        return Ok(T::newest(engine, limit).await?);
    }
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut depth = limit.saturating_mul(4).max(1_000);
    loop {
        let all = T::newest(engine, depth).await?;
        let is_all = all.len() < usize::try_from(depth).unwrap_or(usize::MAX) || depth > LIST_LIMIT;
        let mut seen: Vec<T> = all
            .into_iter()
            .filter(|entry| entry.environment().is_some_and(|name| ask.token.sees(name)))
            .collect();
        if is_all || seen.len() >= wanted {
            seen.truncate(wanted);
            return Ok(seen);
        }
        depth = depth.saturating_mul(4);
    }
}

/// What a restore would do.
pub(super) async fn plan(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let new: NewPlan = ask.read()?;
    let request = RestoreRequest {
        environment,
        backup: new.backup,
        selection: new.selection.into(),
        without_safety: new.without_safety,
        even_if_unchanged: new.even_if_unchanged,
        from: new.from,
    };
    let plan = ask.engine().plan_restore(request).await?;
    Reply::json(StatusCode::CREATED, &plan)
}

/// What happens from now on.
pub(super) fn events(ask: &Ask) -> Result<Reply, Problem> {
    let service = &ask.service;
    if service.is_stopping() {
        return Err(Problem::stopping());
    }
    let at_most = service.settings.limits.streams_per_token.get();
    let Some(opened) = service.streams.open(ask.hash, at_most) else {
        return Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_streams",
            format!("this token has {at_most} event streams open, and no more are allowed: close some"),
        )
        .after(15));
    };
    let last = ask.header("last-event-id");
    let stream = Stream::new(
        opened,
        std::sync::Arc::clone(&service.events),
        ask.token.projects.clone(),
        last,
    );
    Ok(Reply {
        status: StatusCode::OK,
        content: Content::Events(stream.into_body()),
        location: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::check::Finding;

    #[test]
    fn what_is_wrong_in_the_file_is_not_told_to_those_who_do_not_see_all_of_it() {
        let finding = |about: &str, verdict| Finding {
            environment: None,
            instance: None,
            about: about.to_owned(),
            verdict,
            detail: "globex/live has no instance".to_owned(),
        };
        let report = |verdict| Report {
            findings: vec![finding(CONFIGURATION, verdict), finding("state", Verdict::Failed)],
        };
        let told = discreet(report(Verdict::Failed)).findings;
        assert!(!told[0].detail.contains("globex"), "{told:?}");
        assert_eq!(told[0].verdict, Verdict::Failed);
        assert_eq!(told[1], finding("state", Verdict::Failed));
        assert_eq!(discreet(report(Verdict::Ok)), report(Verdict::Ok));
    }
}
