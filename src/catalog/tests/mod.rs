//! The catalog from outside: several Lifeboats at once, the ones that die, and the same on every store.

mod chain;
mod claims;
mod database;
mod due;
mod file;
mod notify;
mod remembered;
mod tokens;

use std::time::Duration;

use chrono::DateTime;
use tempfile::TempDir;

use super::*;
use crate::demo::databases::Database;
use crate::domain::activity::Severity;
use crate::domain::backup::{BackupId, Verification};
use crate::domain::caller::Caller;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{Job, JobId, JobKind, JobState, Phase, Progress};
use crate::domain::principal::Principal;
use crate::domain::request::{HoldKind, JobQuery};
use crate::domain::state::Hold;

/// Where a test has its catalog.
pub(super) enum Place {
    /// In a state folder of its own.
    File(TempDir),
    /// In a database of its own.
    Database(Database),
}

/// Leases that run out only when a test says so.
const LEASE: Lease = Lease {
    lasts: Duration::from_mins(5),
    steady_after: Duration::ZERO,
};

impl Place {
    fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    fn database() -> Self {
        Self::Database(Database::new())
    }

    /// Another Lifeboat on it.
    fn open(&self) -> Catalog {
        match self {
            Self::File(folder) => Catalog::open(folder.path()).unwrap(),
            Self::Database(database) => {
                Catalog::share(connector(&database.connect()), "a node", LEASE).unwrap()
            }
        }
    }

    /// Ends a Lifeboat the way `kill -9` does.
    fn kill(&self, mut catalog: Catalog) {
        match (self, &mut catalog.presence) {
            (_, Presence::Process(process)) => {
                let path = process.path();
                drop(catalog);
                // The lock is gone, and its file stays.
                std::fs::write(path, "").unwrap();
            }
            (place, Presence::Node(node)) => {
                node.kill();
                place.run_out(node.number());
            }
        }
    }

    /// Lets the lease of a node run out.
    fn run_out(&self, number: u64) {
        if let Self::Database(database) = self {
            let sql = format!("UPDATE lifeboat.nodes SET lease = clock_timestamp() WHERE number = {number}");
            postgres::Client::connect(&database.connect(), postgres::NoTls)
                .and_then(|mut client| client.batch_execute(&sql))
                .unwrap();
        }
    }
}

fn connector(connect: &str) -> Connector {
    let settings = crate::domain::settings::PostgresSettings::at(connect);
    Connector::new(&settings, "/".into(), std::sync::Arc::new(|_| None))
}

/// Runs each of these tests on every store, as a test of its own.
macro_rules! on_every_store {
    ($($room:ident :: $test:ident),* $(,)?) => {
        mod on_a_file {
            $(#[test] fn $test() { super::$room::$test(&super::Place::file()); })*
        }

        mod on_a_database {
            $(#[test] fn $test() { super::$room::$test(&super::Place::database()); })*
        }
    };
}

on_every_store!(
    claims::a_job_reads_back_as_it_was_stored,
    claims::one_job_at_a_time_on_an_environment_for_all_lifeboats,
    claims::of_many_that_start_at_the_same_time_one_wins,
    claims::a_job_of_a_dead_process_is_settled_by_exactly_one,
    claims::what_is_about_to_be_recorded_is_known_to_whoever_takes_over,
    claims::a_job_that_nobody_works_on_is_claimed_anew_by_its_own_lifeboat,
    claims::one_scheduled_backup_that_was_taken_over_is_no_failure,
    claims::any_lifeboat_can_ask_a_job_to_stop,
    remembered::a_lifeboat_notices_what_another_writes,
    remembered::jobs_are_listed_newest_first_and_narrowed,
    remembered::past_runs_are_of_jobs_that_ended_well,
    remembered::failures_of_the_schedule_are_counted_from_its_last_success,
    remembered::a_log_counts_its_lines_and_keeps_the_newest,
    remembered::activity_and_notifications_come_newest_first,
    remembered::holds_verifications_and_first_meetings_are_remembered_for_each_environment,
    remembered::pruning_keeps_the_newest_and_whatever_has_not_ended,
    remembered::everything_is_still_there_after_opening_again,
    remembered::who_has_the_catalog_open_and_what_each_works_on_is_listed,
    chain::a_whole_chain_is_found_whole_and_says_how_long_it_is,
    chain::whatever_is_changed_later_breaks_the_chain_there,
    chain::pruning_leaves_a_chain_that_can_be_checked,
    chain::entries_keep_where_they_came_from,
    due::what_is_due_is_noted_once_and_claimed_once,
    due::a_job_serves_what_is_due_when_it_ends_well_and_frees_it_when_not,
    due::a_claim_that_no_job_stands_for_is_freed_by_whoever_has_it,
    due::a_drill_that_fails_makes_its_period_due_again,
    due::what_a_dead_lifeboat_had_claimed_is_free_again,
    due::what_is_put_back_waits,
    due::of_many_that_claim_at_the_same_time_each_gets_its_own,
    due::a_lost_claim_starts_no_job,
    notify::a_receiver_is_in_the_hands_of_one_at_a_time,
    notify::what_a_dead_lifeboat_had_in_its_hands_is_delivered_by_another,
    notify::a_receiver_that_takes_nothing_is_left_alone_until_its_time,
    notify::repeats_are_counted_where_one_like_them_waits_or_was_told,
    notify::what_everybody_sees_is_told_by_one,
    notify::what_was_begun_is_told_again_in_the_same_parcel,
    notify::what_was_settled_in_part_is_never_counted_below_nothing,
    notify::what_has_changed_in_between_is_no_repeat,
    notify::a_clock_that_was_ahead_keeps_nothing_back,
    notify::who_delivers_is_known_for_as_long_as_it_lives,
    notify::whoever_lives_and_leaves_things_lying_does_not_deliver,
    tokens::a_token_is_found_by_the_hash_of_its_text_alone,
    tokens::a_token_is_rotated_and_revoked,
    tokens::the_same_question_gets_the_same_answer,
    tokens::a_reservation_of_a_dead_lifeboat_is_free_again,
    tokens::a_key_leads_to_the_job_that_was_started_under_it,
    tokens::notes_are_kept_by_kind_and_name,
);

fn at(seconds: i64) -> Instant {
    DateTime::from_timestamp(1_764_000_000 + seconds, 123_456_000).unwrap()
}

fn name(text: &str) -> EnvironmentName {
    text.parse().unwrap()
}

fn state_dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn new<'n>(environment: &'n EnvironmentName, by: &'n Principal) -> NewJob<'n> {
    NewJob {
        environment,
        kind: JobKind::Backup,
        title: "manual backup",
        by,
        due: None,
    }
}

fn start(catalog: &Catalog, environment: &str) -> Result<(Job, Claim), CatalogError> {
    catalog.create_job(new(&name(environment), &"ann".into()), at(0), &JobState::Running)
}

fn end(catalog: &Catalog, (mut job, claim): (Job, Claim), state: JobState, ended: Instant) -> Job {
    job.state = state;
    job.ended = Some(ended);
    catalog.update_job(&claim, &job).unwrap();
    job
}

fn failed() -> JobState {
    JobState::Failed {
        why: "no room".into(),
    }
}

fn ann() -> Caller {
    Caller::here(&"ann".into())
}
