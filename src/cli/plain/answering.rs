//! One question and what is typed as its answer, while what happens meanwhile is told. Not in here: questions of verbs.

use std::io::Write as _;
use std::rc::Rc;

use super::asking::{ONCE_MORE, Question, came_early};
use super::{Session, Why};
use crate::cli::outside::interrupted;
use crate::cli::{CliError, Interrupt};
use crate::domain::event::Event;
use crate::domain::job::{Job, JobState};
use crate::domain::{measure, printable};

/// The most characters of a line that are taken: more is no choice and no verb, but something that was pasted.
const LONGEST: usize = 4_000;
/// So much of what was typed is said again, in characters.
const SAID_AGAIN: usize = 60;

/// What is said where a question is left by this word.
pub(super) const QUIT: &str =
    "the question is left, and nothing was done; \"quit\" once more leaves Lifeboat";

/// What was answered.
pub(super) enum Answer {
    /// A line.
    Line(String),
    /// There is nobody any more.
    Over(Why),
}

impl Session<'_, '_> {
    /// One line, however long that takes. What happens meanwhile is told, and help is given.
    pub(super) async fn answer(&mut self, question: &Question<'_>) -> Result<Answer, CliError> {
        let mut from = self.asking.answers_from(question.care);
        self.call.drops_what_was_typed(question.care);
        self.ask(question.text)?;
        let mut has_interrupted = false;
        let asking = Rc::clone(&self.asking);
        loop {
            tokio::select! {
                // What was typed ahead is taken before there is news.
                biased;
                interrupt = interrupted(&mut self.interrupts) => match interrupt {
                    Interrupt::CtrlC if !has_interrupted => {
                        has_interrupted = true;
                        self.call.remark("")?;
                        self.call.remark(ONCE_MORE)?;
                        self.ask(question.text)?;
                    }
                    Interrupt::CtrlC => return Ok(Answer::Over(Why::Asked)),
                    Interrupt::Terminate => return Ok(Answer::Over(Why::Signal)),
                    Interrupt::HungUp => return Ok(Answer::Over(Why::Gone)),
                },
                line = asking.line(from) => {
                    let Some(line) = line else { return Ok(Answer::Over(Why::Gone)) };
                    let told = match line {
                        Ok(line) => match question.helps(&line) {
                            Some(help) => help.to_owned(),
                            None => match too_long(&line) {
                                Some(told) => told,
                                None => return Ok(Answer::Line(line)),
                            },
                        },
                        Err(early) => came_early(asking.passes_over(early).await),
                    };
                    self.call.remark(&told)?;
                    from = asking.answers_from(question.care);
                    self.call.drops_what_was_typed(question.care);
                    self.ask(question.text)?;
                }
                () = self.configuration.is_due() => {
                    if self.tell_of_configuration()? {
                        self.ask(question.text)?;
                    }
                }
                event = self.events.next(), if !self.has_lost_the_backend => match event {
                    Some(event) => {
                        if self.tell(&event)? {
                            self.ask(question.text)?;
                        }
                    }
                    None => self.has_lost_the_backend = true,
                },
            }
        }
    }

    /// Whether that leaves a question instead of answering it, which is said.
    pub(super) fn leaves_the_question(&mut self, line: &str) -> Result<bool, CliError> {
        let leaves = match line.to_lowercase().as_str() {
            "back" => true,
            "quit" => {
                self.call.remark(QUIT)?;
                true
            }
            _ => false,
        };
        Ok(leaves)
    }

    /// Says why a line is no answer. Through a pipe that ends the stay: the lines behind it were written before anything was asked,
    /// and each of them would answer something else than it was meant for.
    pub(super) fn does_not_fit(&mut self, why: &str) -> Result<(), CliError> {
        if !self.call.outside.input_is_terminal {
            return Err(out_of_step(why));
        }
        self.call.remark(why)?;
        self.asking.refuses();
        Ok(())
    }

    fn ask(&mut self, question: &str) -> Result<(), CliError> {
        self.call.outside.out.flush()?;
        write!(self.call.outside.err, "{}", printable::line(question))?;
        Ok(self.call.outside.err.flush()?)
    }

    /// Tells what happened, if that is something to tell.
    pub(super) fn tell(&mut self, event: &Event) -> Result<bool, CliError> {
        let text = match event {
            Event::Job(job) if job.state.has_ended() => ended(job),
            Event::Notification(told) if told.job.is_none() => told.text.clone(),
            _ => return Ok(false),
        };
        self.news(&text)?;
        Ok(true)
    }

    /// Tells something that has happened by itself.
    pub(super) fn news(&mut self, text: &str) -> Result<(), CliError> {
        let at = measure::moment_exact(self.call.now());
        self.call.remark("")?;
        self.call.remark(&format!("news, {at}: {text}"))
    }
}

/// What is said of a line that is too long to be meant.
fn too_long(line: &str) -> Option<String> {
    let length = line.chars().count();
    (length > LONGEST).then(|| {
        format!(
            "{} is not taken: the line has {} characters, and {} at most are read",
            said_again(line),
            measure::count(length as u64),
            measure::count(LONGEST as u64)
        )
    })
}

/// Why the stay ends.
pub(super) fn out_of_step(why: &str) -> CliError {
    CliError::usage(format!(
        "{why}. It came through a pipe: it and what is behind it was not done"
    ))
}

/// What was typed, in quotation marks, as far as one wants to hear it again.
pub(super) fn said_again(typed: &str) -> String {
    match typed.char_indices().nth(SAID_AGAIN) {
        None => format!("\"{typed}\""),
        Some((end, _)) => format!("\"{}…\"", typed.get(..end).unwrap_or_default()),
    }
}

/// How a job has ended, in a sentence.
fn ended(job: &Job) -> String {
    let what = format!("job {}, {} of {}", job.id, job.title, job.environment);
    match &job.state {
        JobState::Failed { why } => format!("{what}, failed: {why}"),
        JobState::Cancelled => format!("{what}, was cancelled"),
        _ => match &job.outcome {
            Some(outcome) => format!("{what}, is done: {}", outcome.summary),
            None => format!("{what}, is done"),
        },
    }
}
