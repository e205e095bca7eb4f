//! Verbs that run inside the cockpit in lines, and what interrupts them. Not in here: what they do and print.

use std::ffi::OsString;

use super::answering::said_again;
use super::{Session, Why};
use crate::cli::clearing::Left;
use crate::cli::outside::interrupted;
use crate::cli::{Call, CliError, ErrorKind, Globals, Interrupt, Interrupts, parse, verbs};
use crate::domain::event::Event;
use crate::domain::job::JobId;
use crate::domain::shell;

impl Session<'_, '_> {
    /// Runs what was typed as a verb.
    pub(super) async fn typed_verb(&mut self, typed: &str) -> Result<Option<Why>, CliError> {
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
        let left = Left::default();
        let (is_following, followed) = (left.following(), left.followed());
        let globals = Globals {
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
