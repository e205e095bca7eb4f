//! One job: its phases with the one it is in, its progress, and once it has ended what came of it.

use super::canvas::piece;
use super::chrome::moment_and_age;
use super::text::Text;
use super::{headline, undo_plan, words};
use crate::domain::job::{Job, JobId, JobKind, JobState, Phase};
use crate::domain::measure;
use crate::domain::state::{ReplacedTables, UndoWay};
use crate::domain::undoing::takes_back;
use crate::tui::action::Action;
use crate::tui::model::Model;
use crate::tui::theme::{Meaning, Symbols, Theme};
use crate::tui::update::allowed;

/// The screen's title.
pub fn title(model: &Model, id: JobId) -> String {
    model.jobs.get(&id).map_or_else(
        || format!("Job {id}"),
        |job| format!("Job {id}: {} of {}", job.title, job.environment),
    )
}

/// The screen's text.
pub fn text(model: &Model, id: JobId, width: u16) -> Text {
    let mut text = Text::new(width);
    let settings = &model.settings;
    let symbols = Theme::new(settings.theme, settings.accent, settings.ascii).symbols;
    let Some(job) = model.jobs.get(&id) else {
        text.paragraph(model.still_to_come(), Meaning::Quiet);
        return text;
    };
    if model.is_lost() && !job.state.has_ended() {
        let words = if model.runs_jobs_itself() {
            "how it stands now is not known"
        } else {
            "the job goes on there. This is how it stood when the link went down"
        };
        text.marked(
            &[piece(format!("{} ", symbols.critical), Meaning::Critical)],
            &format!("the link is down: {words}"),
            Meaning::Critical,
        );
    }
    headline::draw(&mut text, job, symbols);
    ending(&mut text, model, job, symbols);
    phases(&mut text, job, symbols);
    text.blank();
    text.fact("asked by", job.by.as_str());
    text.fact("asked at", &moment_and_age(job.created, model));
    if job.ended.is_some()
        && let Some(took) = job.took_in_words(model.now)
    {
        text.fact("took", &took);
    }
    text
}

/// What came of the job, or what it waits for, first.
fn ending(text: &mut Text, model: &Model, job: &Job, symbols: &Symbols) {
    let (symbol, meaning) = words::job_symbol(&job.state, symbols);
    let mark = [piece(format!("{symbol} "), meaning)];
    match &job.state {
        JobState::Waiting { .. } => {
            let waiting = job.state.waits_for().unwrap_or_default();
            text.marked(&mark, &waiting, Meaning::Text);
            ways_out(text, model, job);
        }
        JobState::Running if job.reached.is_some() => {
            text.marked(
                &mark,
                "clearing up; Esc leaves it to go on by itself",
                Meaning::Text,
            );
        }
        JobState::Running if job.past_stopping().is_some() => {
            let why = job.past_stopping().unwrap_or_default();
            let words = format!(
                "running, {why}: it is finished rather than stopped; Esc leaves it to go on by itself"
            );
            text.marked(&mark, &words, Meaning::Text);
        }
        JobState::Running if job.cancel_asked => {
            text.marked(&mark, "stopping at the next safe point", Meaning::Text);
        }
        JobState::Running => text.marked(&mark, "running; Esc leaves it to go on by itself", Meaning::Text),
        JobState::Cancelled => {
            let words = format!("{}: Live is as it was", job.was_cancelled());
            text.marked(&mark, &words, Meaning::Text);
        }
        JobState::Failed { why } => text.marked(&mark, &format!("failed: {why}"), Meaning::Critical),
        JobState::Done => {
            let summary = job.outcome.as_ref().map(|outcome| outcome.summary.as_str());
            let summary = summary.filter(|summary| !summary.is_empty());
            text.marked(&mark, summary.unwrap_or("done"), Meaning::Title);
        }
    }
    let Some(outcome) = &job.outcome else {
        text.blank();
        return;
    };
    text.blank();
    if let Some(backup) = &outcome.backup {
        text.fact("backup", backup.short());
    }
    for health in &outcome.health {
        let (symbol, meaning) = if health.up {
            (symbols.good, Meaning::Good)
        } else {
            (symbols.critical, Meaning::Critical)
        };
        let label = piece(format!("{:<11} ", health.who()), Meaning::Quiet);
        text.marked(
            &[label, piece(format!("{symbol} "), meaning)],
            &health.detail,
            Meaning::Text,
        );
    }
    for warning in &outcome.warnings {
        let mark = [piece(format!("{} ", symbols.warning), Meaning::Warning)];
        text.marked(&mark, warning, Meaning::Text);
    }
    if let Some(safety) = &outcome.safety {
        text.fact("safety", &format!("backup {safety} holds what was replaced"));
    }
    if !matches!(job.kind, JobKind::Restore | JobKind::Undo) || !job.state.has_ended() {
        text.blank();
        return;
    }
    let details = model.target_details();
    let of_job = |tables: &&ReplacedTables| tables.job == job.id;
    for tables in details
        .iter()
        .flat_map(|details| &details.replaced)
        .filter(of_job)
    {
        text.fact(
            "replaced",
            &format!(
                "the tables of {}, {}, stay beside Live until {} ({})",
                tables.instance,
                measure::bytes(tables.bytes),
                model.when().moment(tables.expires),
                words::countdown(tables.expires, model.now)
            ),
        );
    }
    let details = details.filter(|details| takes_back(job, details));
    way_back(text, model, details.and_then(|details| details.undo_way.as_ref()));
    let earlier = details.and_then(|_| undo_plan::earlier(model, &job.environment));
    if let Some((stays, how)) = earlier {
        text.paragraph(
            &format!("{stays}: in the table of backups, {how}."),
            Meaning::Text,
        );
    }
    text.blank();
}

/// How to end the wait of a job: what it waits for, where somebody can do that, or the job.
fn ways_out(text: &mut Text, model: &Model, job: &Job) {
    if model.settings.read_only || job.state.is_about_to_begin() {
        return;
    }
    text.blank();
    let mut way = |action: Action, what: &str| {
        let mark = [
            piece(action.row().keys_label(), Meaning::Key),
            piece(" ", Meaning::Text),
        ];
        text.marked(&mark, what, Meaning::Text);
    };
    if job.state.waits_for_maintenance() {
        way(
            Action::Maintenance,
            &format!(
                "on {}, on the main screen, ends the maintenance mode",
                job.environment
            ),
        );
    }
    if job.can_cancel() {
        way(Action::CancelJob, "cancels the job");
    }
}

/// What takes the job back, where that makes sense now.
fn way_back(text: &mut Text, model: &Model, way: Option<&UndoWay>) {
    if let Some(way) = way.filter(|_| allowed::check(model, Action::Undo).is_ok()) {
        let how = match way {
            UndoWay::Exchange { .. } => {
                "goes back to what was there before this job: an exchange, it takes a moment"
            }
            UndoWay::Safety { .. } => "goes back to what was there before this job",
        };
        let mark = [piece("u", Meaning::Key), piece(" ", Meaning::Text)];
        text.marked(&mark, how, Meaning::Text);
        if matches!(way, UndoWay::Exchange { .. }) {
            let mark = [piece("C", Meaning::Key), piece(" ", Meaning::Text)];
            text.marked(
                &mark,
                "confirms that all is well: the replaced tables are dropped",
                Meaning::Text,
            );
        }
    }
}

fn phases(text: &mut Text, job: &Job, symbols: &Symbols) {
    let current = job.progress.as_ref().map(|progress| progress.phase);
    let is_done = job.state == JobState::Done;
    let has_ended = job.state.has_ended();
    // A backup that is copied into the second repository goes through one phase more than its kind has.
    let further = current.filter(|current| !Phase::of(job.kind).contains(current));
    for phase in Phase::of(job.kind).iter().chain(&further) {
        if let Some(why) = not_done(job, *phase) {
            left_out(text, *phase, &why, symbols);
            continue;
        }
        let passed = is_done || current.is_some_and(|current| *phase < current);
        let is_current = !is_done && current == Some(*phase);
        let (symbol, meaning, label) = match (passed, is_current, has_ended) {
            (true, ..) => (symbols.good, Meaning::Good, Meaning::Text),
            (_, true, true) => (symbols.critical, Meaning::Critical, Meaning::Text),
            (_, true, false) => (symbols.running, Meaning::Information, Meaning::Title),
            _ => (symbols.none, Meaning::Quiet, Meaning::Quiet),
        };
        let mut line = vec![
            piece(format!("{symbol} "), meaning),
            piece(format!("{:<20}", phase.label()), label),
        ];
        if is_current
            && !has_ended
            && let Some(progress) = &job.progress
        {
            let bar = (text.width().saturating_sub(60)).clamp(10, 30);
            line.extend(words::bar(progress, bar, symbols));
            let left = if progress.left_millis.is_some() {
                " left"
            } else {
                ""
            };
            line.push(piece(words::pace(progress) + left, Meaning::Text));
        }
        text.line(line);
        if is_current
            && !has_ended
            && let Some(counts) = job.progress.as_ref().and_then(words::counts)
        {
            text.line(vec![piece("  ", Meaning::Text), piece(counts, Meaning::Quiet)]);
        }
    }
}

/// Why a step of its kind that the job has passed, or will pass, is not done, and whether that matters.
fn not_done(job: &Job, phase: Phase) -> Option<(&'static str, bool)> {
    if job.left_out.contains(&phase) {
        return Some(match phase {
            Phase::HooksBefore | Phase::Hooks | Phase::Health => ("none configured", false),
            // Whoever reads on may count on a safety backup.
            _ => ("left out", job.kind == JobKind::Restore),
        });
    }
    // An older Lifeboat does not say which steps it left out.
    let is_unknown = phase == Phase::Health
        && job.state == JobState::Done
        && job
            .outcome
            .as_ref()
            .is_none_or(|outcome| outcome.health.is_empty());
    is_unknown.then_some(("no answer of an instance is known", false))
}

/// A step that is not taken.
fn left_out(text: &mut Text, phase: Phase, (why, matters): &(&str, bool), symbols: &Symbols) {
    let (symbol, meaning) = if *matters {
        (symbols.warning, Meaning::Warning)
    } else {
        (symbols.none, Meaning::Quiet)
    };
    text.line(vec![
        piece(format!("{symbol} "), meaning),
        piece(format!("{:<20}", phase.label()), Meaning::Quiet),
        piece(*why, meaning),
    ]);
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::job::{InstanceHealth, Outcome, Progress};
    use crate::tui::theme::UNICODE;

    /// The lines of the phases of a job in a phase.
    fn shown(kind: JobKind, state: JobState, phase: Phase, change: impl FnOnce(&mut Job)) -> Vec<String> {
        let mut job = Job {
            id: JobId(1),
            environment: "acme/live".parse().unwrap(),
            kind,
            title: "a job".to_owned(),
            by: "maria".into(),
            created: DateTime::UNIX_EPOCH,
            began: None,
            ended: None,
            state,
            progress: Some(Progress::start(phase)),
            left_out: Vec::new(),
            cancel_asked: false,
            stop_reason: None,
            reached: None,
            outcome: Some(Outcome::default()),
        };
        change(&mut job);
        let mut text = Text::new(80);
        phases(&mut text, &job, &UNICODE);
        text.plain()
    }

    #[test]
    fn what_is_not_configured_has_no_tick() {
        let around = vec![Phase::HooksBefore, Phase::Hooks, Phase::Health];
        for (state, phase) in [
            (JobState::Running, Phase::Preparing),
            (JobState::Running, Phase::CleaningUp),
            (JobState::Done, Phase::CleaningUp),
            (JobState::Cancelled, Phase::Staging),
        ] {
            let lines = shown(JobKind::Undo, state, phase, |job| job.left_out = around.clone());
            for name in ["hooks before", "hooks after", "health check"] {
                let line = lines.iter().find(|line| line.contains(name)).unwrap();
                assert!(
                    line.starts_with('·') && line.ends_with("none configured"),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn a_health_check_of_which_no_answer_is_known_has_no_tick() {
        let done = |change: fn(&mut Job)| shown(JobKind::Restore, JobState::Done, Phase::CleaningUp, change);
        let lines = done(|_| ());
        assert!(lines.contains(&"· health check        no answer of an instance is known".to_owned()));
        let lines = done(|job| {
            let health = InstanceHealth {
                instance: "author".parse().unwrap(),
                node: None,
                up: true,
                detail: "UP".to_owned(),
            };
            job.outcome.get_or_insert_default().health.push(health);
        });
        assert!(lines.contains(&"✓ health check        ".to_owned()), "{lines:?}");
    }

    #[test]
    fn a_drill_that_clears_up_is_not_past_a_switch() {
        let why = |kind| {
            let mut found = None;
            shown(kind, JobState::Running, Phase::CleaningUp, |job| {
                found = job.past_stopping();
            });
            found
        };
        assert_eq!(why(JobKind::Restore), Some("past the switch"));
        assert_eq!(why(JobKind::Drill), Some("clearing up"));
    }

    #[test]
    fn a_copy_into_the_second_repository_is_a_phase_of_its_own() {
        let lines = shown(JobKind::Backup, JobState::Running, Phase::SecondCopy, |_| ());
        assert!(lines[4].starts_with("▶ second repository"), "{lines:?}");
        let lines = shown(JobKind::Backup, JobState::Done, Phase::Retention, |_| ());
        assert_eq!(lines.len(), 4);
    }
}
