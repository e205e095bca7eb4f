//! How far a job is, as one changing line on a terminal or as a line per phase elsewhere.

use std::io::Write as _;

use crate::cli::table::cut;
use crate::cli::{Call, CliError};
use crate::domain::job::{Job, JobState, Phase, Progress};
use crate::domain::milestone::Milestone;
use crate::domain::{columns, measure, printable};

/// Columns of a table's name.
const PART: usize = 24;
/// Cells of the bar.
const BAR: u16 = 16;

/// Shows how far a job is.
pub(super) enum Display {
    /// One line on a terminal, drawn over itself.
    Line {
        /// What stands there now.
        shown: String,
        /// Whether it was said how to end the wait for what it waits for.
        waited: bool,
        /// Whether it was said that the moment has come that counts.
        reached: bool,
    },
    /// A line per phase.
    Phases {
        /// The last thing that was said.
        said: Option<Step>,
    },
    /// Nothing, for programs.
    Silent,
}

/// What a line per phase tells apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The job waits, and for what, in words.
    Waiting(String),
    /// The job is in this phase.
    In(Phase),
}

impl Display {
    /// The display that fits where the call's remarks go.
    pub(super) fn new(call: &Call<'_>) -> Self {
        if call.globals.json {
            Self::Silent
        } else if call.outside.err_is_terminal && !call.globals.plain {
            Self::Line {
                shown: String::new(),
                waited: false,
                reached: false,
            }
        } else {
            Self::Phases { said: None }
        }
    }

    /// The job has changed.
    pub(super) fn job(&mut self, job: &Job, call: &mut Call<'_>) -> Result<(), CliError> {
        let said = match self {
            Self::Line { reached, .. } if !*reached && job.reached_so_far().is_some() => {
                *reached = true;
                return self.reached(job, call);
            }
            Self::Line { shown, waited, .. } if !*waited && !job.state.is_about_to_begin() => {
                let Some(ways) = ways_out(job, call) else {
                    return Ok(());
                };
                *waited = true;
                draw(shown, String::new(), call)?;
                write!(call.outside.err, "\r")?;
                return call.remark(&ways);
            }
            Self::Phases { said } => said,
            Self::Line { .. } | Self::Silent => return Ok(()),
        };
        let step = match (&job.state, &job.progress) {
            (state, _) if state.is_about_to_begin() => return Ok(()),
            (state @ JobState::Waiting { .. }, _) => Step::Waiting(state.waits_for().unwrap_or_default()),
            (JobState::Running, Some(progress)) => Step::In(progress.phase),
            _ => return Ok(()),
        };
        if said.as_ref() == Some(&step) {
            return Ok(());
        }
        let what = match &step {
            Step::Waiting(waiting) => waiting.clone(),
            Step::In(phase) => phase.label().to_owned(),
        };
        let is_first = said.is_none();
        // What it waits for in line changes with each place.
        let has_waited = matches!(said, Some(Step::Waiting(_)));
        let ways = ways_out(job, call).filter(|_| !has_waited);
        *said = Some(step);
        if call.in_lines.is_some() {
            // Whoever hears it hears when, and of which job they have just begun.
            call.remark(&if is_first {
                format!("{what}, job {}", job.id)
            } else {
                what
            })?;
        } else {
            let at = measure::moment_exact(call.now());
            call.remark(&format!("{at}  job {}  {what}", job.id))?;
        }
        ways.map_or(Ok(()), |ways| call.remark(&ways))
    }

    /// The moment that counts, on a line that stays, with the way back.
    fn reached(&mut self, job: &Job, call: &mut Call<'_>) -> Result<(), CliError> {
        let Some(reached) = job.reached_so_far() else {
            return Ok(());
        };
        self.clear(call)?;
        let way_back = match reached.what {
            Milestone::BackupComplete => String::new(),
            Milestone::ContentLive => {
                let undo = call.command(&format!("undo {0} --confirm {0}", job.environment));
                format!("; `{undo}` goes back once the job has cleared up")
            }
        };
        call.remark(&format!("{}{way_back}", reached.sentence()))
    }

    /// A moment at which the line on a terminal may change.
    pub(super) fn frame(&mut self, job: &Job, call: &mut Call<'_>) -> Result<(), CliError> {
        let Self::Line { shown, .. } = self else {
            return Ok(());
        };
        if job.state.is_about_to_begin() {
            return Ok(());
        }
        // The last column stays free: some terminals wrap as soon as it is written.
        let line = cut(&line(job), call.outside.columns.unwrap_or(80).saturating_sub(1));
        if *shown != line {
            draw(shown, line, call)?;
        }
        Ok(())
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self, call: &mut Call<'_>) -> Result<(), CliError> {
        match self {
            Self::Line { shown, .. } if !shown.is_empty() => {
                draw(shown, String::new(), call)?;
                write!(call.outside.err, "\r")?;
                Ok(call.outside.err.flush()?)
            }
            _ => Ok(()),
        }
    }
}

/// How to end the wait of a job: what it waits for, where somebody can do that, or the job. As a sentence; `None` of one that does not
/// wait.
pub(in crate::cli) fn ways_out(job: &Job, call: &Call<'_>) -> Option<String> {
    if !matches!(job.state, JobState::Waiting { .. }) || job.state.is_about_to_begin() {
        return None;
    }
    // In lines both are verbs as they stand here.
    let command = |verb: String| match call.in_lines {
        Some(_) => format!("`{verb}`"),
        None => format!("`{}`", call.command(&verb)),
    };
    let cancel = format!("{} cancels the job", command(format!("cancel {}", job.id)));
    Some(if job.state.waits_for_maintenance() {
        let lift = command(format!("maintenance {} --off", job.environment));
        format!("{lift} ends the maintenance mode, {cancel}.")
    } else {
        format!("{cancel}.")
    })
}

/// Draws a line over the one that is shown. Spaces instead of a control sequence erase what is left of it.
fn draw(shown: &mut String, line: String, call: &mut Call<'_>) -> Result<(), CliError> {
    let rest = " ".repeat(columns::count(shown).saturating_sub(columns::count(&line)));
    write!(call.outside.err, "\r{line}{rest}")?;
    call.outside.err.flush()?;
    *shown = line;
    Ok(())
}

/// How far the job is, in one line.
fn line(job: &Job) -> String {
    let text = match (&job.state, &job.progress) {
        (state @ JobState::Waiting { .. }, _) => state.waits_for().unwrap_or_default(),
        (_, Some(progress)) => running(progress),
        (state, None) => state.label().to_owned(),
    };
    printable::line(&text).into_owned()
}

fn running(progress: &Progress) -> String {
    let mut parts = vec![progress.phase.label().to_owned()];
    if let Some(part) = progress.per_mille() {
        let filled = part.min(1000) * BAR / 1000;
        let bar = "#".repeat(usize::from(filled)) + &"-".repeat(usize::from(BAR - filled));
        parts.push(format!("[{bar}] {:>3} %", part / 10));
    }
    // The most telling first: what does not fit on the line is cut off at its end.
    let (left, rate) = (progress.left_millis, progress.bytes_per_second);
    parts.extend(left.map(|left| format!("{} left", measure::millis(left))));
    parts.extend(rate.map(|rate| format!("{}/s", measure::bytes(rate))));
    match (progress.bytes_done, progress.bytes_total) {
        (0, None) => {}
        (done, None) => parts.push(measure::bytes(done)),
        (done, Some(total)) => parts.push(format!("{} of {}", measure::bytes(done), measure::bytes(total))),
    }
    // Behind the figures: these are of all instances together.
    let mut place: Vec<_> = progress.instance.iter().map(ToString::to_string).collect();
    // Tables are told apart by how their names begin and end.
    let part = progress.part.as_deref().map(printable::line);
    place.extend(part.map(|part| columns::shorten_middle(&part, PART, "…")));
    if !place.is_empty() {
        let now = if parts.len() > 1 { "now " } else { "" };
        parts.push(format!("{now}{}", place.join(" ")));
    }
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_phase_part_rate_and_time_left() {
        let mut progress = Progress::start(Phase::Copying);
        assert_eq!(running(&progress), "copying Live");
        progress.instance = Some("author".parse().unwrap());
        progress.bytes_done = 3 << 20;
        progress.bytes_total = Some(4 << 20);
        progress.bytes_per_second = Some(1 << 20);
        progress.left_millis = Some(1_000);
        assert_eq!(
            running(&progress),
            "copying Live  [############----]  75 %  1.0 s left  1.0 MiB/s  3.0 MiB of 4.0 MiB  now author"
        );
        progress.part = Some("pm_a_workspace_of_a_long_name_bundle".to_owned());
        assert!(running(&progress).ends_with("  now author pm_a_workspa…name_bundle"));
    }
}
