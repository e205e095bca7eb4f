//! Verbs that run inside the cockpit in lines, and what interrupts them. Not in here: what they do and print.

use std::ffi::OsString;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use super::answering::{out_of_step, said_again};
use super::asking::Asking;
use super::{Ended, Place, Session, Why, breaking};
use crate::cli::clearing::Left;
use crate::cli::outside::interrupted;
use crate::cli::{Call, CliError, ErrorKind, Globals, Interrupt, Interrupts, parse, verbs};
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::job::JobId;
use crate::domain::nearest::nearest;
use crate::domain::shell;

/// Something that is run as a verb is.
enum Doing {
    /// A verb.
    Verb(Box<Option<verbs::Verb>>),
    /// Breaking Live of a demo.
    Breaking(EnvironmentName),
}

type Running<'r> = Pin<Box<dyn Future<Output = Result<(), CliError>> + 'r>>;

impl Session<'_, '_> {
    /// Runs what was typed as a verb.
    pub(super) async fn typed_verb(&mut self, typed: &str) -> Result<Option<Why>, CliError> {
        let mut arguments = match shell::words(typed) {
            Ok(words) => words,
            Err(why) => {
                self.does_not_fit(&why)?;
                return Ok(None);
            }
        };
        if asks_for_help(&arguments) {
            arguments.remove(0);
            arguments.push("--help".to_owned());
        }
        let is_verb = arguments.first().is_some_and(|first| verbs::is_one(first));
        if !is_verb {
            self.does_not_fit(&format!(
                "{} is none of the choices and no verb; \"help\" explains",
                said_again(typed)
            ))?;
            return Ok(None);
        }
        let arguments = self.with_environment(arguments).await?;
        self.verb(&arguments).await
    }

    /// Whether that asks, inside a question about something else, what a verb takes: that is said, and the question stays.
    pub(super) async fn helps_with_a_verb(&mut self, typed: &str) -> Result<bool, CliError> {
        let mut arguments = shell::words(typed).unwrap_or_default();
        if !asks_for_help(&arguments) || !arguments.get(1).is_some_and(|verb| verbs::is_one(verb)) {
            return Ok(false);
        }
        arguments.remove(0);
        arguments.push("--help".to_owned());
        self.verb(&arguments).await?;
        Ok(true)
    }

    /// The words of a verb that wants an environment, with the one that one is in where they name none. Where the first word behind
    /// the verb is an environment, that one is meant.
    async fn with_environment(&mut self, arguments: Vec<String>) -> Result<Vec<String>, CliError> {
        let Place::Environment(here) = &self.place else {
            return Ok(arguments);
        };
        let wants_one = arguments
            .first()
            .is_some_and(|verb| verbs::wants_environment(verb));
        if !wants_one {
            return Ok(arguments);
        }
        let with_it: Vec<String> = arguments
            .iter()
            .take(1)
            .cloned()
            .chain([here.to_string()])
            .chain(arguments.iter().skip(1).cloned())
            .collect();
        let environments = self.backend.environments().await?;
        let names_one = arguments.iter().skip(1).any(|word| {
            let mut known = environments.iter();
            known.any(|environment| environment.name.to_string() == *word)
        });
        // One that is spelled badly is told as that, and taken for nothing else.
        let nearly_names_one = arguments.get(1).is_some_and(|word| {
            let known: Vec<String> = environments.iter().map(|known| known.name.to_string()).collect();
            word.parse::<EnvironmentName>().is_ok()
                && !nearest(word, known.iter().map(String::as_str)).is_empty()
        });
        let is_meant = !names_one && !nearly_names_one && !verbs::can_be_read(&arguments);
        Ok(if is_meant && verbs::can_be_read(&with_it) {
            with_it
        } else {
            arguments
        })
    }

    /// Runs a verb to its end. What is wrong with it is told, and ends nothing.
    pub(super) async fn verb(&mut self, arguments: &[String]) -> Result<Option<Why>, CliError> {
        let command: Vec<_> = arguments.iter().map(|word| shell::quoted(word)).collect();
        self.call.say("")?;
        self.call.say(&format!("lifeboat {}", command.join(" ")))?;
        // It is heard before what the verb says of its way.
        self.call.outside.out.flush()?;
        let mut whole: Vec<OsString> = vec!["lifeboat".into()];
        whole.extend(arguments.iter().map(OsString::from));
        let parsed = match parse(&whole, false, self.call.outside) {
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
        let globals = Globals {
            config: self.call.globals.config.clone(),
            context: parsed
                .globals
                .context
                .or_else(|| self.call.globals.context.clone()),
            plain: true,
            ..parsed.globals
        };
        self.runs(Doing::Verb(Box::new(parsed.verb)), globals, whole)
            .await
    }

    /// Breaks Live of a demo, once that is confirmed.
    pub(super) async fn break_live(&mut self, name: EnvironmentName) -> Result<Option<Why>, CliError> {
        let (globals, arguments) = (self.call.globals.clone(), self.call.arguments.clone());
        self.runs(Doing::Breaking(name), globals, arguments).await
    }

    /// Runs something as a verb is run, to its end, and tells what was wrong with it.
    async fn runs(
        &mut self,
        doing: Doing,
        globals: Globals,
        arguments: Vec<OsString>,
    ) -> Result<Option<Why>, CliError> {
        let left = Left::default();
        let (is_following, followed) = (left.following(), left.followed());
        let asking = Rc::clone(&self.asking);
        asking.begins();
        let backend = Arc::clone(&self.backend);
        let broken = match &doing {
            Doing::Breaking(name) => Some(name.clone()),
            Doing::Verb(_) => None,
        };
        let (result, why) = {
            let mut inner = Call {
                outside: &mut *self.call.outside,
                house: self.kept,
                globals,
                arguments,
                in_background: false,
                left,
                in_lines: Some(Rc::clone(&asking)),
            };
            let running: Running<'_> = match doing {
                Doing::Verb(verb) => Box::pin(verbs::run(*verb, &mut inner)),
                Doing::Breaking(name) => {
                    let backend = backend.as_ref();
                    let inner = &mut inner;
                    Box::pin(async move { breaking::run(&name, backend, inner).await })
                }
            };
            until_interrupted(running, &mut self.interrupts, &is_following, &asking).await
        };
        if why.is_some() && self.call.outside.input_is_terminal {
            // A question that was left may have hidden what is typed.
            let _ = (self.call.outside.echo)(true);
        }
        // What was printed before an error is heard before it.
        let flushed = self.call.outside.out.flush().map_err(CliError::from);
        let result = result.and(flushed);
        self.ended = match &result {
            Ok(()) => Ended::Well,
            Err(error) if error.job.is_some() => Ended::Failed,
            Err(error) if error.kind == ErrorKind::OutOfReach => Ended::Untold,
            Err(_) => Ended::Refused,
        };
        if let Err(error) = result {
            if matches!(error.kind, ErrorKind::ReaderGone | ErrorKind::NotPrinted) {
                return Err(error);
            }
            if asking.was_out_of_step() {
                return Err(out_of_step(&error.message));
            }
            error.print(self.call.outside, false)?;
            asking.refuses();
        }
        self.news_meanwhile(followed.get(), broken.as_ref())?;
        Ok(why.or(self.interrupted_meanwhile()))
    }

    /// What happened while a verb ran, but for the job that it followed, and that Live was broken here.
    fn news_meanwhile(
        &mut self,
        followed: Option<JobId>,
        broken: Option<&EnvironmentName>,
    ) -> Result<(), CliError> {
        while let Some(event) = self.events.waiting() {
            let is_of = match &event {
                Event::Job(job) => Some(job.id),
                Event::Notification(told) => told.job,
                _ => None,
            };
            let is_said = match &event {
                Event::Notification(told) => {
                    told.job.is_none() && broken.is_some() && told.environment.as_ref() == broken
                }
                _ => false,
            };
            if !is_said && (is_of.is_none() || is_of != followed) {
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
}

/// Whether words are `help` and something that it is wanted for.
fn asks_for_help(words: &[String]) -> bool {
    words.len() > 1
        && words
            .first()
            .is_some_and(|first| first.eq_ignore_ascii_case("help"))
}

/// Runs a verb. Ctrl-C ends what it does, unless that is a job, which it asks to stop by itself, or a question, which says what the
/// second one does. Gives why to leave besides, if it came to that.
async fn until_interrupted(
    running: impl Future<Output = Result<(), CliError>> + Unpin,
    interrupts: &mut Interrupts,
    is_following: &std::rc::Rc<std::cell::Cell<bool>>,
    asking: &Asking,
) -> (Result<(), CliError>, Option<Why>) {
    let mut running = running;
    let mut why = None;
    loop {
        let interrupt = tokio::select! {
            ended = &mut running => return (ended, why),
            interrupt = interrupted(interrupts) => interrupt,
        };
        let is_asking = asking.is_asking();
        match interrupt {
            Interrupt::CtrlC if is_following.get() || asking.takes_ctrl_c() => {}
            Interrupt::CtrlC => {
                let leaves = is_asking.then_some(Why::Asked);
                return (Err(CliError::failed("left off: nothing had begun")), leaves);
            }
            Interrupt::Terminate => why = Some(Why::Signal),
            Interrupt::HungUp => why = Some(Why::Gone),
        }
        // A job that is followed ends by itself, and is told.
        if why.is_some() && !is_following.get() {
            return (Ok(()), why);
        }
    }
}
