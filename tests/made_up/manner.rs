//! How jobs go that are started on the backend in memory.

use lifeboat::domain::environment::EnvironmentName;
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{Job, JobId, JobKind, JobState, Outcome, Phase, Progress};

use super::Fixture;

/// How a job that is started goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// It runs until the test says otherwise.
    Stays,
    /// Through its phases to a good end.
    Succeeds,
    /// It fails while it copies.
    Fails,
    /// It waits, copies, and goes on until it is cancelled.
    StopsWhenAsked,
    /// It copies, and does not stop when it is asked to.
    GoesOn,
    /// It copies until it is told that nobody looks on, and ends well then.
    EndsUnseen,
    /// The same, and fails then.
    FailsUnseen,
    /// It copies already when it is asked for, and what came before that is told afterwards.
    EventsComeLate,
}

/// How jobs go, and what is told of them.
#[derive(Clone)]
pub struct Manner {
    pub script: Script,
    /// A job that runs.
    pub job: Job,
    /// What a job is called, by what it is about.
    pub title: fn(JobKind, Option<&str>) -> String,
    pub progress: fn(Phase) -> Option<Progress>,
    /// What comes of a job of this kind and title.
    pub outcome: fn(JobKind, &str) -> Outcome,
    /// Why jobs fail that do.
    pub failure: &'static str,
    /// What a restore without a safety backup leaves out.
    pub left_out: &'static [Phase],
}

impl Manner {
    fn failed(&self) -> JobState {
        JobState::Failed {
            why: self.failure.to_owned(),
        }
    }

    /// All that is told of a job, in order.
    fn steps(&self, job: &Job) -> Vec<Job> {
        let state = |state: JobState| Job {
            ended: state
                .has_ended()
                .then(|| job.created + chrono::Duration::minutes(2)),
            state,
            ..job.clone()
        };
        let phase = |phase: &Phase| Job {
            progress: (self.progress)(*phase),
            ..job.clone()
        };
        let phases = || Phase::of(job.kind).iter().map(phase);
        let done = || Job {
            outcome: Some((self.outcome)(job.kind, &job.title)),
            ..state(JobState::Done)
        };
        let copies = || phase(&Phase::Copying);
        match self.script {
            Script::Stays => vec![job.clone()],
            Script::Succeeds => phases().chain([done()]).collect(),
            Script::Fails => vec![copies(), state(self.failed())],
            Script::StopsWhenAsked => {
                let waits = JobState::in_maintenance("maintenance (disk is replaced)");
                vec![state(waits), copies()]
            }
            Script::GoesOn | Script::EndsUnseen | Script::FailsUnseen => vec![copies()],
            Script::EventsComeLate => {
                let begins = JobState::waiting(JobState::ABOUT_TO_BEGIN);
                [state(begins), job.clone()]
                    .into_iter()
                    .chain(phases())
                    .chain([done()])
                    .collect()
            }
        }
    }

    /// The state in which a job is found that is asked for.
    fn found(&self, steps: &[Job]) -> Job {
        match self.script {
            Script::EventsComeLate => Job {
                progress: (self.progress)(Phase::Copying),
                ..self.job.clone()
            },
            _ => steps[0].clone(),
        }
    }

    /// How a job ends of which it was told that nobody looks on.
    pub(super) fn end_unseen(&self) -> JobState {
        match self.script {
            Script::EndsUnseen => JobState::Done,
            _ => self.failed(),
        }
    }
}

impl Fixture {
    /// Starts a job: all that happens to it by itself is told when the caller begins to listen.
    pub(super) fn begin(&self, environment: &EnvironmentName, kind: JobKind, about: Option<&str>) -> JobId {
        let mut state = self.state();
        let id = JobId(state.jobs.iter().map(|job| job.id.0).max().unwrap_or(0) + 1);
        state.manner.job = Job {
            id,
            environment: environment.clone(),
            kind,
            title: (state.manner.title)(kind, about),
            ..state.manner.job.clone()
        };
        let steps = state.manner.steps(&state.manner.job);
        let found = state.manner.found(&steps);
        state.jobs.insert(0, found.clone());
        if let Some(details) = state.environments.get_mut(environment) {
            details.summary.job = Some(found);
        }
        drop(state);
        for step in steps {
            self.tell(Event::Job(Box::new(step)));
        }
        id
    }
}
