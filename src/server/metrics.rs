//! The metrics, in Prometheus' text form: how every environment's backups stand, how jobs ended, and what the service
//! itself is doing.
//!
//! Seconds and bytes are the units, ages count to the moment of the answer. What a name means stands in its HELP line.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use parking_lot::Mutex;

use super::problem::Problem;
use super::service::Service;
use crate::backend::BackendError;
use crate::domain::Instant;
use crate::domain::backup::{Backup, Verification};
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{Job, JobState};
use crate::domain::notify::ReceiverStanding;
use crate::domain::request::JobQuery;
use crate::domain::slot::Slot;
use crate::domain::state::EnvironmentSummary;
use crate::domain::target::{Aim, Standing};

/// The upper ends of the request times' buckets, in seconds.
const BUCKETS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
/// How many of the newest jobs are looked at for how each kind ended last.
const JOBS: u32 = 1_000;

/// What the service counts about itself, and the last job of each kind of every environment.
#[derive(Default)]
pub(super) struct Metrics {
    answered: Mutex<BTreeMap<(&'static str, u16), u64>>,
    times: Mutex<BTreeMap<&'static str, Times>>,
    last_jobs: Mutex<BTreeMap<(EnvironmentName, &'static str), Job>>,
}

#[derive(Default)]
struct Times {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    /// A request was answered.
    pub(super) fn answered(&self, operation: &'static str, status: u16, took: Duration) {
        let mut answered = self.answered.lock();
        *answered.entry((operation, status)).or_default() += 1;
        drop(answered);
        let seconds = took.as_secs_f64();
        let mut times = self.times.lock();
        let times = times.entry(operation).or_default();
        for (bucket, end) in times.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= end);
        }
        times.count += 1;
        times.sum += seconds;
    }

    /// A job moved on: the newest one of each kind that has ended is remembered.
    fn learn(&self, job: Job) {
        if !job.state.has_ended() {
            return;
        }
        let mut last = self.last_jobs.lock();
        let key = (job.environment.clone(), job.kind.label());
        if last.get(&key).is_none_or(|known| known.id <= job.id) {
            last.insert(key, job);
        }
    }
}

/// The metrics as an answer.
pub(super) async fn answer(service: &Arc<Service>) -> Response {
    match text(service).await {
        Ok(text) => {
            let mut answer = Response::new(Body::from(text));
            answer.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
            );
            answer
        }
        Err(error) => Problem::from(error).into_answer(),
    }
}

async fn text(service: &Arc<Service>) -> Result<String, BackendError> {
    let query = JobQuery {
        limit: JOBS,
        ..JobQuery::default()
    };
    for job in service.engine.jobs(query).await? {
        service.metrics.learn(job);
    }
    let mut summaries = service.overview.summaries().await?;
    // Of those there is nothing to tell yet.
    summaries.retain(|environment| !environment.unread);
    let backups = service.engine.all_backups().await?;
    let now = service.clock.now();
    let mut page = Page::default();
    page.family("lifeboat_build_info", "gauge", "The version that runs. Always 1.");
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    environments(&mut page, &summaries);
    copies(&mut page, &backups, now);
    proofs(&mut page, &summaries, now);
    targets(&mut page, &summaries, now);
    jobs(&mut page, &service.metrics, &summaries, now);
    receivers(&mut page, &service.engine.receivers().await?, now);
    requests(&mut page, &service.metrics);
    page.family(
        "lifeboat_event_streams_open",
        "gauge",
        "Event streams that are open.",
    );
    page.sample(&[], service.streams.count());
    Ok(page.0)
}

fn targets(page: &mut Page, summaries: &[EnvironmentSummary], now: Instant) {
    let all = || {
        summaries.iter().flat_map(|environment| {
            let standing = environment.targets.iter();
            standing.map(move |one| (&environment.name, [("target", aim(one))], one))
        })
    };
    page.family(
        "lifeboat_target_met",
        "gauge",
        "Whether the target (rpo, rto) of the environment is met.",
    );
    for (name, labels, standing) in all() {
        page.of(name, &labels, u8::from(standing.met));
    }
    page.family(
        "lifeboat_target_seconds",
        "gauge",
        "The target: how much work may be lost (rpo), or how long a restore may take (rto).",
    );
    for (name, labels, standing) in all() {
        page.of(name, &labels, standing.target.seconds());
    }
    page.family(
        "lifeboat_target_measured_seconds",
        "gauge",
        "What it is now. Missing where nobody knows.",
    );
    for (name, labels, standing) in all() {
        if let Some(seconds) = standing.measured(now) {
            page.of(name, &labels, seconds);
        }
    }
}

fn aim(standing: &Standing) -> &'static str {
    match standing.aim {
        Aim::Rpo => "rpo",
        Aim::Rto => "rto",
    }
}

fn environments(page: &mut Page, summaries: &[EnvironmentSummary]) {
    let live = || {
        summaries
            .iter()
            .filter(|environment| environment.kind.is_recoverable())
    };
    page.family(
        "lifeboat_environment_late",
        "gauge",
        "Whether an automatic backup is due and its window has closed.",
    );
    for environment in live() {
        page.of(&environment.name, &[], u8::from(environment.late));
    }
    page.family(
        "lifeboat_environment_trouble",
        "gauge",
        "Whether something needs a person now.",
    );
    for environment in live() {
        page.of(&environment.name, &[], u8::from(environment.trouble.is_some()));
    }
    page.family(
        "lifeboat_environment_protected",
        "gauge",
        "Whether restores are refused.",
    );
    for environment in live() {
        page.of(&environment.name, &[], u8::from(environment.protection.is_some()));
    }
    page.family(
        "lifeboat_environment_maintenance",
        "gauge",
        "Whether jobs wait for maintenance to be over.",
    );
    for environment in live() {
        page.of(
            &environment.name,
            &[],
            u8::from(environment.maintenance.is_some()),
        );
    }
}

fn copies(page: &mut Page, backups: &[(EnvironmentName, Vec<Backup>)], now: Instant) {
    let newest: Vec<(&EnvironmentName, Slot, &Backup)> = backups
        .iter()
        .flat_map(|(name, backups)| {
            Slot::ALL.into_iter().filter_map(move |slot| {
                let good = backups
                    .iter()
                    .filter(|backup| backup.is_good() && backup.is_for(slot));
                let newest = good.max_by_key(|backup| backup.manifest.taken)?;
                Some((name, slot, newest))
            })
        })
        .collect();
    let mut family = |name, help, value: &dyn Fn(&Backup) -> f64| {
        page.family(name, "gauge", help);
        for (environment, slot, backup) in &newest {
            page.of(environment, &[("slot", slot.label())], value(backup));
        }
    };
    family(
        "lifeboat_backup_age_seconds",
        "The age of the newest good backup in the slot.",
        &|backup| seconds_since(backup.manifest.taken, now),
    );
    family(
        "lifeboat_backup_duration_seconds",
        "How long copying and reading back took for the newest good backup in the slot.",
        &|backup| seconds(backup.manifest.copy_millis + backup.manifest.verify_millis),
    );
    family(
        "lifeboat_backup_size_bytes",
        "The content in the newest good backup in the slot.",
        &|backup| whole(backup.manifest.bytes()),
    );
    family(
        "lifeboat_backup_added_bytes",
        "What the newest good backup in the slot added to the repository.",
        &|backup| whole(backup.manifest.added_bytes),
    );
    family(
        "lifeboat_verification_age_seconds",
        "How long ago what the newest good backup in the slot needs was read back, the oldest reading of it.",
        &|backup| match backup.verification {
            Verification::Verified { at } | Verification::Damaged { at, .. } => seconds_since(at, now),
            Verification::Unverified => f64::NAN,
        },
    );
    page.family(
        "lifeboat_backups_damaged",
        "gauge",
        "Backups that were found damaged.",
    );
    for (environment, backups) in backups {
        let damaged = backups
            .iter()
            .filter(|backup| matches!(backup.verification, Verification::Damaged { .. }));
        page.of(environment, &[], damaged.count());
    }
}

/// What is known of whether backups can be restored, for environments of which there is something to say.
fn proofs(page: &mut Page, summaries: &[EnvironmentSummary], now: Instant) {
    let mut family = |name, help, value: &dyn Fn(&EnvironmentSummary) -> Option<f64>| {
        page.family(name, "gauge", help);
        for summary in summaries {
            if let Some(value) = value(summary) {
                page.of(&summary.name, &[], value);
            }
        }
    };
    family(
        "lifeboat_all_verified_age_seconds",
        "How long ago the backup was read back that has gone unverified the longest.",
        &|summary| summary.last_verified.map(|at| seconds_since(at, now)),
    );
    family(
        "lifeboat_drill_last_success",
        "Whether everything that the last drill restored came back as it was taken.",
        &|summary| {
            let last = summary.last_drill.as_ref()?;
            Some(f64::from(u8::from(!last.has_failed())))
        },
    );
    family(
        "lifeboat_proven_age_seconds",
        "How long ago a drill last proved a backup restorable.",
        &|summary| {
            let proven = summary.last_proven.as_ref()?;
            Some(seconds_since(proven.at, now))
        },
    );
    family(
        "lifeboat_proven_duration_seconds",
        "How long that drill took to restore and compare.",
        &|summary| summary.last_proven.as_ref().map(|drill| seconds(drill.millis)),
    );
}

fn jobs(page: &mut Page, metrics: &Metrics, summaries: &[EnvironmentSummary], now: Instant) {
    page.family(
        "lifeboat_jobs_running",
        "gauge",
        "Jobs that have not ended, by whether they run or wait.",
    );
    for state in ["running", "waiting"] {
        let jobs = summaries
            .iter()
            .filter_map(|environment| environment.job.as_ref());
        let count = jobs.filter(|job| job.state.label() == state).count();
        page.sample(&[("state", state)], count);
    }
    let last = metrics.last_jobs.lock();
    let mut family = |name, help, value: &dyn Fn(&Job) -> Option<f64>| {
        page.family(name, "gauge", help);
        for ((environment, kind), job) in &*last {
            if let Some(value) = value(job) {
                page.of(environment, &[("kind", kind)], value);
            }
        }
    };
    family(
        "lifeboat_job_last_success",
        "Whether the last job of the kind ended well. A cancelled one did not.",
        &|job| Some(f64::from(u8::from(job.state == JobState::Done))),
    );
    family(
        "lifeboat_job_last_duration_seconds",
        "How long the last job of the kind took.",
        &|job| job.took_millis(now).map(seconds),
    );
    family(
        "lifeboat_job_last_end_age_seconds",
        "How long ago the last job of the kind ended.",
        &|job| job.ended.map(|ended| seconds_since(ended, now)),
    );
    family(
        "lifeboat_job_last_bytes",
        "The most bytes that a phase of the last job of the kind went through.",
        &|job| job.progress.as_ref().map(|progress| whole(progress.bytes_done)),
    );
}

fn receivers(page: &mut Page, standings: &[ReceiverStanding], now: Instant) {
    page.family(
        "lifeboat_receiver_failing",
        "gauge",
        "Whether a receiver of notifications has not taken what was sent last.",
    );
    for standing in standings {
        let is_failing = u8::from(standing.failing_since.is_some());
        page.sample(
            &[("receiver", &standing.name), ("kind", &standing.kind)],
            is_failing,
        );
    }
    page.family(
        "lifeboat_receiver_waiting",
        "gauge",
        "Notifications that wait for a receiver.",
    );
    for standing in standings {
        page.sample(
            &[("receiver", &standing.name), ("kind", &standing.kind)],
            standing.waiting,
        );
    }
    page.family(
        "lifeboat_receiver_oldest_waiting_seconds",
        "gauge",
        "How long ago the oldest of what waits for a receiver happened; absent where nothing waits.",
    );
    for standing in standings {
        if let Some(oldest) = standing.oldest {
            let labels = [("receiver", standing.name.as_str()), ("kind", &standing.kind)];
            page.sample(&labels, seconds_since(oldest, now));
        }
    }
}

fn requests(page: &mut Page, metrics: &Metrics) {
    page.family(
        "lifeboat_http_requests_total",
        "counter",
        "Requests that were answered, by operation and status.",
    );
    for ((operation, status), count) in &*metrics.answered.lock() {
        page.sample(
            &[("operation", operation), ("status", &status.to_string())],
            count,
        );
    }
    page.family(
        "lifeboat_http_request_duration_seconds",
        "histogram",
        "How long requests took to be answered, by operation; for event streams until their beginning.",
    );
    for (operation, times) in &*metrics.times.lock() {
        for (count, end) in times.buckets.iter().zip(BUCKETS) {
            page.part(
                "_bucket",
                &[("operation", operation), ("le", &end.to_string())],
                count,
            );
        }
        page.part(
            "_bucket",
            &[("operation", operation), ("le", "+Inf")],
            times.count,
        );
        page.part("_sum", &[("operation", operation)], times.sum);
        page.part("_count", &[("operation", operation)], times.count);
    }
}

/// The text as it grows: a family after the other.
#[derive(Default)]
struct Page(String, &'static str);

impl Page {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.1 = name;
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A sample about an environment.
    fn of(&mut self, name: &EnvironmentName, labels: &[(&str, &str)], value: impl fmt::Display) {
        let own = [("project", name.project()), ("environment", name.environment())];
        let labels: Vec<_> = own.iter().chain(labels).copied().collect();
        self.sample(&labels, value);
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: impl fmt::Display) {
        self.part("", labels, value);
    }

    fn part(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl fmt::Display) {
        let labels: Vec<_> = labels
            .iter()
            .map(|(name, value)| {
                let value = value
                    .replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('\n', "\\n");
                format!("{name}=\"{value}\"")
            })
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.0, "{}{suffix}{labels} {value}", self.1);
    }
}

fn seconds_since(then: Instant, now: Instant) -> f64 {
    seconds(u64::try_from((now - then).num_milliseconds()).unwrap_or(0))
}

fn seconds(millis: u64) -> f64 {
    Duration::from_millis(millis).as_secs_f64()
}

/// Prometheus has no other numbers; above 2^53 the last digits do not matter.
#[expect(
    clippy::cast_precision_loss,
    reason = "the last digits of so many bytes do not matter"
)]
fn whole(number: u64) -> f64 {
    number as f64
}
