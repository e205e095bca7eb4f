//! The cockpit in lines, for screen readers and for terminals that show nothing but text: numbered choices, one question at a
//! time, and what changes is told as it happens. No line is ever drawn over.
//!
//! Every choice is a verb, and says which: what one does here can be typed in a shell as well. A verb that is typed here instead
//! of a number runs too, so that whatever the command line can do is within reach.
//!
//! Not in here: what verbs do and print, and how jobs are followed.

mod choices;
mod kept;
mod lines;
mod restoring;

use std::ffi::OsString;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use self::choices::{Choice, Does};
use self::kept::Kept;
use self::lines::Lines;
use super::clearing::Left;
use super::outside::interrupted;
use super::{Call, CliError, ErrorKind, Interrupt, Interrupts, verbs};
use crate::backend::{Backend, EventStream};
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::job::{Job, JobId, JobState};
use crate::domain::{measure, printable, shell};

pub use self::kept::{Closing, Stay, Why};

/// So long it is waited for a repository that is being read, before a menu is shown without what is in it.
const MOMENT: Duration = Duration::from_secs(2);

const HELP: &str = "\
Type the number of a choice and Enter, or the beginning of its words. Enter alone says the choices again. \"back\" goes back, \
\"quit\" leaves; inside a question, both leave the question alone. Ctrl-C ends what runs at its next safe point. A verb runs as well, as in a shell: \"backups acme/live\", \"find acme/live news\"; \
\"help\" and a verb say what it takes.";

/// The most characters of a line that are taken: more is no choice and no verb, but something that was pasted.
const LONGEST: usize = 4_000;
/// So much of what was typed is said again, in characters.
const SAID_AGAIN: usize = 60;

/// Where the person is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// The list of environments.
    Environments,
    /// One of them.
    Environment(EnvironmentName),
}

/// What was answered.
enum Answer {
    /// A line.
    Line(String),
    /// There is nobody any more.
    Over(Why),
}

/// Runs until it is left.
///
/// # Errors
/// [`CliError`] when the backend cannot be opened, or nothing can be printed.
pub(super) async fn run(call: &mut Call<'_>) -> Result<(), CliError> {
    if call.globals.json {
        return Err(CliError::usage(
            "the cockpit in lines prints no JSON: add a verb, for example `lifeboat environments --json`",
        ));
    }
    let stay = call.house.stay(&call.globals).await?;
    on(stay, call).await
}

/// Runs on a backend that is open.
pub(super) async fn on(stay: Stay<'_>, call: &mut Call<'_>) -> Result<(), CliError> {
    let Stay {
        connection,
        is_here,
        close,
    } = stay;
    let backend = Arc::clone(&connection.backend);
    let lines = Lines::read(std::mem::replace(
        &mut call.outside.input,
        Box::new(std::io::empty()),
    ));
    call.outside.input = Box::new(lines.input());
    let kept = Kept::new(call.house, connection, is_here);
    let interrupts = (call.outside.interrupts)();
    let mut session = Session {
        call,
        kept: &kept,
        events: backend.events(),
        backend,
        is_here,
        lines,
        interrupts,
        place: Place::Environments,
        has_asked_to_leave: false,
        has_lost_the_backend: false,
    };
    let left = session.run().await;
    let why = match &left {
        Ok(why) => *why,
        // Whoever cannot be told anything has gone.
        Err(_) => Why::Gone,
    };
    let interrupts = session.interrupts;
    close(why, interrupts).await;
    match left {
        Err(error) if error.kind == ErrorKind::ReaderGone => Ok(()),
        left => left.map(drop),
    }
}

/// One stay.
struct Session<'s, 'c> {
    call: &'s mut Call<'c>,
    kept: &'s Kept<'s>,
    backend: Arc<dyn Backend>,
    events: EventStream,
    /// Whether jobs run in this process.
    is_here: bool,
    lines: Lines,
    interrupts: Interrupts,
    place: Place,
    has_asked_to_leave: bool,
    /// Whether there will be no events any more.
    has_lost_the_backend: bool,
}

impl Session<'_, '_> {
    async fn run(&mut self) -> Result<Why, CliError> {
        let context = printable::line(self.kept.context()).into_owned();
        let read_only = if self.kept.is_read_only() {
            ", read only"
        } else {
            ""
        };
        self.call.tell(&format!(
            "Lifeboat in lines, context {context}{read_only}. Type a number and Enter; \"help\" explains, \"quit\" leaves."
        ))?;
        let environments = self.backend.environments().await?;
        if let [only] = environments.as_slice() {
            self.place = Place::Environment(only.name.clone());
        }
        // Said once, choices are known until there are others: whoever listens need not hear them after each answer.
        let mut known: Vec<Does> = Vec::new();
        loop {
            let (title, choices) = self.menu().await?;
            let does: Vec<Does> = choices.iter().map(|choice| choice.does.clone()).collect();
            self.call.say("")?;
            if does == known {
                self.call.tell(&format!("{title} Enter says the choices."))?;
            } else {
                self.call.tell(&title)?;
                for (number, choice) in (1..).zip(&choices) {
                    self.call.tell(&format!("{number:>3}  {}", choice.label))?;
                }
                known = does;
            }
            let place = match &self.place {
                Place::Environments => "choose".to_owned(),
                Place::Environment(name) => name.to_string(),
            };
            let typed = match self.answer(&format!("{place}> ")).await? {
                Answer::Line(line) => line,
                Answer::Over(why) => return Ok(why),
            };
            if typed.is_empty() {
                known.clear();
            }
            if let Some(why) = self.does(&typed, choices).await? {
                return Ok(why);
            }
        }
    }

    /// The choices, and a sentence above them.
    async fn menu(&mut self) -> Result<(String, Vec<Choice>), CliError> {
        let backend = self.backend.as_ref();
        match &self.place {
            Place::Environments => {
                let read = tokio::time::timeout(MOMENT, verbs::environments::all(backend)).await;
                let environments = match read {
                    Ok(environments) => environments?,
                    Err(_) => backend.environments().await?,
                };
                Ok(choices::of_environments(&environments, self.call.now()))
            }
            Place::Environment(name) => {
                let details = backend.environment(name).await?;
                Ok(choices::of_environment(&details, self.call.now()))
            }
        }
    }

    /// Does what was typed. Gives why to leave, if that was it.
    async fn does(&mut self, typed: &str, choices: Vec<Choice>) -> Result<Option<Why>, CliError> {
        let words = typed.to_lowercase();
        if !matches!(words.as_str(), "q" | "quit" | "exit") {
            self.has_asked_to_leave = false;
        }
        match words.as_str() {
            "" => {}
            "q" | "quit" | "exit" => return self.leaves().await,
            "?" | "help" => self.call.tell(HELP)?,
            "b" | "back" => self.place = Place::Environments,
            _ => match choices::chosen(&words, choices) {
                Some(Does::Verb(arguments)) => return self.verb(&arguments).await,
                Some(Does::Go(place)) => self.place = place,
                Some(Does::Restore(name)) => return self.restore(&name).await,
                Some(Does::Ask(question)) => return self.question(question).await,
                Some(Does::Leave) => return self.leaves().await,
                None => return self.typed_verb(typed).await,
            },
        }
        Ok(None)
    }

    /// Runs what was typed as a verb.
    async fn typed_verb(&mut self, typed: &str) -> Result<Option<Why>, CliError> {
        let mut arguments = match shell::words(typed) {
            Ok(words) => words,
            Err(why) => {
                self.call.remark(&format!("lifeboat: {why}"))?;
                return Ok(None);
            }
        };
        if arguments.len() > 1 && arguments.first().is_some_and(|first| first == "help") {
            arguments.remove(0);
            arguments.push("--help".to_owned());
        }
        let is_verb = arguments.first().is_some_and(|first| verbs::is_one(first));
        if !is_verb {
            self.call.remark(&format!(
                "{} is none of the choices and no verb; \"help\" explains",
                said_again(typed)
            ))?;
            return Ok(None);
        }
        self.verb(&arguments).await
    }

    /// Asks for what a verb needs besides, and runs it.
    async fn question(&mut self, question: choices::Question) -> Result<Option<Why>, CliError> {
        let mut arguments = question.verb;
        for ask in question.asks {
            match self.answer(&format!("{}: ", ask.what)).await? {
                Answer::Over(why) => return Ok(Some(why)),
                Answer::Line(line) if self.leaves_the_question(&line)? => return Ok(None),
                Answer::Line(line) if line.is_empty() && ask.is_needed => {
                    self.call.remark("nothing was typed: left as it is")?;
                    return Ok(None);
                }
                Answer::Line(line) if line.is_empty() => {}
                Answer::Line(line) => {
                    arguments.extend(ask.option.map(str::to_owned));
                    arguments.push(line);
                }
            }
        }
        self.verb(&arguments).await
    }

    /// Runs a verb to its end. What is wrong with it is told, and ends nothing.
    async fn verb(&mut self, arguments: &[String]) -> Result<Option<Why>, CliError> {
        let command: Vec<_> = arguments.iter().map(|word| shell::quoted(word)).collect();
        self.call.say("")?;
        self.call.say(&format!("lifeboat {}", command.join(" ")))?;
        // It is heard before what the verb says of its way.
        self.call.outside.out.flush()?;
        let mut whole: Vec<OsString> = vec!["lifeboat".into()];
        whole.extend(arguments.iter().map(OsString::from));
        let parsed = match super::parse(&whole, false, self.call.outside) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => return Ok(None),
            Err(error) => {
                error.print(self.call.outside, false)?;
                return Ok(None);
            }
        };
        if !parsed.verb.as_ref().is_some_and(verbs::Verb::works_in_lines) {
            self.call
                .remark("lifeboat: this verb takes the whole terminal or never ends: type it in a shell")?;
            return Ok(None);
        }
        let left = Left::default();
        let (is_following, followed) = (left.following(), left.followed());
        let globals = super::Globals {
            config: self.call.globals.config.clone(),
            context: parsed
                .globals
                .context
                .or_else(|| self.call.globals.context.clone()),
            plain: true,
            ..parsed.globals
        };
        let result = {
            let mut inner = Call {
                outside: &mut *self.call.outside,
                house: self.kept,
                globals,
                arguments: whole,
                in_background: false,
                left,
            };
            let running = Box::pin(verbs::run(parsed.verb, &mut inner));
            until_interrupted(running, &mut self.interrupts, &is_following).await
        };
        let result = result.and_then(|()| Ok(self.call.outside.out.flush()?));
        if let Err(error) = result {
            if matches!(error.kind, ErrorKind::ReaderGone | ErrorKind::NotPrinted) {
                return Err(error);
            }
            error.print(self.call.outside, false)?;
        }
        self.news_meanwhile(followed.get())?;
        Ok(self.interrupted_meanwhile())
    }

    /// What happened while a verb ran, but for the job that it followed.
    fn news_meanwhile(&mut self, followed: Option<JobId>) -> Result<(), CliError> {
        while let Some(event) = self.events.waiting() {
            let is_of = match &event {
                Event::Job(job) => Some(job.id),
                Event::Notification(told) => told.job,
                _ => None,
            };
            if is_of.is_none() || is_of != followed {
                self.tell(&event)?;
            }
        }
        Ok(())
    }

    /// Whether the process was asked to end, or its terminal went away, while a verb ran.
    fn interrupted_meanwhile(&mut self) -> Option<Why> {
        let mut why = None;
        while let Ok(interrupt) = self.interrupts.try_recv() {
            match interrupt {
                // That was the verb's.
                Interrupt::CtrlC => {}
                Interrupt::Terminate => why = Some(Why::Signal),
                Interrupt::HungUp => why = Some(Why::Gone),
            }
        }
        why
    }

    /// One line, however long that takes. What happens meanwhile is told.
    async fn answer(&mut self, question: &str) -> Result<Answer, CliError> {
        self.ask(question)?;
        let mut has_interrupted = false;
        loop {
            tokio::select! {
                // What was typed ahead is taken before there is news.
                biased;
                interrupt = interrupted(&mut self.interrupts) => match interrupt {
                    Interrupt::CtrlC if !has_interrupted => {
                        has_interrupted = true;
                        self.call.remark("\nCtrl-C once more leaves")?;
                        self.ask(question)?;
                    }
                    Interrupt::CtrlC => return Ok(Answer::Over(Why::Asked)),
                    Interrupt::Terminate => return Ok(Answer::Over(Why::Signal)),
                    Interrupt::HungUp => return Ok(Answer::Over(Why::Gone)),
                },
                line = self.lines.next() => {
                    let Some(line) = line else { return Ok(Answer::Over(Why::Gone)) };
                    let line = line.trim();
                    let length = line.chars().count();
                    if length <= LONGEST {
                        return Ok(Answer::Line(line.to_owned()));
                    }
                    self.call.remark(&format!(
                        "{} is not taken: the line has {} characters, and {} at most are read",
                        said_again(line),
                        measure::count(length as u64),
                        measure::count(LONGEST as u64)
                    ))?;
                    self.ask(question)?;
                }
                event = self.events.next(), if !self.has_lost_the_backend => match event {
                    Some(event) => {
                        if self.tell(&event)? {
                            self.ask(question)?;
                        }
                    }
                    None => self.has_lost_the_backend = true,
                },
            }
        }
    }

    /// Whether that leaves a question instead of answering it, which is said.
    fn leaves_the_question(&mut self, line: &str) -> Result<bool, CliError> {
        let leaves = match line.to_lowercase().as_str() {
            "back" => true,
            "quit" => {
                let told = "the question is left, and nothing was done; \"quit\" once more leaves Lifeboat";
                self.call.remark(told)?;
                true
            }
            _ => false,
        };
        Ok(leaves)
    }

    fn ask(&mut self, question: &str) -> Result<(), CliError> {
        self.call.outside.out.flush()?;
        write!(self.call.outside.err, "{}", printable::line(question))?;
        Ok(self.call.outside.err.flush()?)
    }

    /// Tells what happened, if that is something to tell.
    fn tell(&mut self, event: &Event) -> Result<bool, CliError> {
        let text = match event {
            Event::Job(job) if job.state.has_ended() => ended(job),
            Event::Notification(told) if told.job.is_none() => told.text.clone(),
            _ => return Ok(false),
        };
        let at = measure::moment_exact(self.call.now());
        self.call.remark("")?;
        self.call.remark(&format!("news, {at}: {text}"))?;
        Ok(true)
    }

    /// Whether to leave: jobs of this process would end with it.
    async fn leaves(&mut self) -> Result<Option<Why>, CliError> {
        if !self.is_here || self.has_asked_to_leave {
            return Ok(Some(Why::Asked));
        }
        let environments = self.backend.environments().await?;
        let running: Vec<_> = environments
            .iter()
            .filter_map(|environment| environment.job.as_ref())
            .filter(|job| !job.state.has_ended())
            .map(|job| format!("job {} ({} of {})", job.id, job.kind.label(), job.environment))
            .collect();
        if running.is_empty() {
            return Ok(Some(Why::Asked));
        }
        self.has_asked_to_leave = true;
        self.call.remark(&format!(
            "{} would end at the next safe point; \"quit\" once more leaves all the same",
            running.join(", ")
        ))?;
        Ok(None)
    }
}

/// What was typed, in quotation marks, as far as one wants to hear it again.
fn said_again(typed: &str) -> String {
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

/// Runs a verb. Ctrl-C ends what it does, unless that is a job, which it asks to stop by itself.
async fn until_interrupted(
    running: impl Future<Output = Result<(), CliError>> + Unpin,
    interrupts: &mut Interrupts,
    is_following: &std::rc::Rc<std::cell::Cell<bool>>,
) -> Result<(), CliError> {
    let mut running = running;
    loop {
        tokio::select! {
            ended = &mut running => return ended,
            interrupt = interrupted(interrupts) => {
                if !is_following.get() && interrupt == Interrupt::CtrlC {
                    return Err(CliError::failed("left off: nothing had begun"));
                }
            }
        }
    }
}
