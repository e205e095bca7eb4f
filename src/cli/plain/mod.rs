//! The cockpit in lines, for screen readers and for terminals that show nothing but text: numbered choices, one question at a
//! time, and what changes is told as it happens. No line is ever drawn over.
//!
//! Every choice is a verb, and says which: what one does here can be typed in a shell as well. A verb that is typed here instead
//! of a number runs too, so that whatever the command line can do is within reach.
//!
//! Not in here: what verbs do and print, and how jobs are followed.

mod anew;
mod answering;
pub(super) mod asking;
mod breaking;
mod choices;
mod configured;
mod kept;
mod lines;
mod looking;
mod options;
mod parts;
mod restoring;
mod running;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use self::answering::{Answer, said_again};
use self::asking::{Asking, Care, Question};
use self::choices::{Again, Choice, Chosen, Does, Offers, Title};
use self::configured::Configuration;
use self::kept::Kept;
use self::lines::Lines;
use self::looking::Looks;
use super::{Call, CliError, ErrorKind, Interrupts, verbs};
use crate::backend::{Backend, EventStream};
use crate::domain::environment::EnvironmentName;
use crate::domain::printable;

pub use self::configured::Follows;
pub use self::kept::{Closing, Stay, Why};

/// So long it is waited for a repository that is being read, before a menu is shown without what is in it, or a backup is taken in a
/// shell without a word of which one goes for it.
pub(super) const MOMENT: Duration = Duration::from_secs(2);

const HELP: &str = "\
Type the number of a choice and Enter, or the beginning of its words. Enter alone says the choices again. What can be done with an \
environment keeps its number: 3 is always a restore, and what cannot be taken now says why. \"back\" goes back, \"quit\" leaves; inside \
a question, both leave the question alone, and \"help\" helps with it. What was typed before a question that something is begun or \
confirmed by does not answer it. Ctrl-C ends what runs at its next safe point; where something is asked, it says what the second one does, which is to leave. A verb \
runs as well, as in a shell: \"backups acme/live\", \"find acme/live news\". One that wants an environment takes the one that you are in, \
where you name none: \"find news\". \"help\" and a verb say what it takes. \"anew\" opens the context anew, once the configuration has \
changed.";

/// Where the person is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// The list of environments.
    Environments,
    /// One of them.
    Environment(EnvironmentName),
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
    let mut place = None;
    let asking = heard_by(call);
    loop {
        let stay = match opened(place.is_some(), call).await {
            Ok(stay) => stay,
            Err(error) if place.is_some() && error.kind != ErrorKind::ReaderGone => {
                anew::waits(&error, &asking, call).await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let (why, left_at) = on_for(stay, Rc::clone(&asking), place, call).await?;
        if why != Why::Anew {
            return Ok(());
        }
        place = Some(left_at);
    }
}

/// Opens the context. Where it is opened anew, it has to answer as well: whoever has been in it does not leave it for one that does
/// not.
async fn opened<'h>(anew: bool, call: &mut Call<'h>) -> Result<Stay<'h>, CliError> {
    let house = call.house;
    let mut stay = house.stay(&call.globals).await?;
    if let Some(opening) = stay.connection.opening.take() {
        opening.wait(&stay.connection.backend, call.outside).await;
    }
    if anew && let Err(error) = stay.connection.backend.environments().await {
        let interrupts = (call.outside.interrupts)();
        (stay.close)(Why::Asked, interrupts).await;
        return Err(error.into());
    }
    Ok(stay)
}

/// Runs on a backend that is open: that of a demo.
#[cfg(feature = "engine")]
pub(super) async fn on(stay: Stay<'_>, call: &mut Call<'_>) -> Result<(), CliError> {
    let asking = heard_by(call);
    on_for(stay, asking, None, call).await.map(drop)
}

/// What is typed from here on, line by line.
fn heard_by(call: &mut Call<'_>) -> Rc<Asking> {
    let outside = &mut *call.outside;
    let input = std::mem::replace(&mut outside.input, Box::new(std::io::empty()));
    let meant_after = outside.input_is_terminal.then_some(outside.meant_after);
    Rc::new(Asking::new(
        Lines::read(input),
        meant_after,
        std::time::Instant::now,
    ))
}

/// Runs on a backend that is open, from a place on. Gives why it was left, and where.
async fn on_for(
    stay: Stay<'_>,
    asking: Rc<Asking>,
    place: Option<Place>,
    call: &mut Call<'_>,
) -> Result<(Why, Place), CliError> {
    let Stay {
        connection,
        is_here,
        follows,
        close,
    } = stay;
    let backend = Arc::clone(&connection.backend);
    // Without an answer it is no demo: one answers from this process.
    let is_demo = backend.info().await.is_ok_and(|info| info.demo);
    let kept = Kept::new(call.house, connection, is_here, is_demo);
    let interrupts = (call.outside.interrupts)();
    let mut session = Session {
        call,
        kept: &kept,
        events: backend.events(),
        backend,
        configuration: Configuration::new(follows),
        asking,
        interrupts,
        place: Place::Environments,
        ended: Ended::Well,
        has_asked_to_leave: false,
        has_lost_the_backend: false,
    };
    let left = session.run(place).await;
    let why = match &left {
        Ok(why) => *why,
        // Whoever cannot be told anything has gone.
        Err(_) => Why::Gone,
    };
    let (interrupts, place) = (session.interrupts, session.place);
    close(why, interrupts).await;
    match left {
        Err(error) if error.kind == ErrorKind::ReaderGone => Ok((Why::Gone, place)),
        left => left.map(|why| (why, place)),
    }
}

/// The choices that were said.
#[derive(Default)]
struct Known {
    /// Where; none where they are to be said again.
    place: Option<Place>,
    choices: Vec<Told>,
    /// What was said above them, of an environment that needs somebody.
    title: Option<Again>,
}

/// A choice that was said. Of an environment the words count as well: an undo is one by the same number, whatever it would do.
#[derive(PartialEq)]
struct Told {
    number: usize,
    does: Does,
    label: Option<String>,
}

impl Told {
    fn of(choice: &Choice, place: &Place) -> Self {
        Self {
            number: choice.number,
            does: choice.does.clone(),
            label: matches!(place, Place::Environment(_)).then(|| choice.label.clone()),
        }
    }
}

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// It did what was asked.
    Well,
    /// It did not, and had begun no job.
    Refused,
    /// Whether it has begun a job is not known.
    Untold,
    /// It did not.
    Failed,
}

/// One stay.
struct Session<'s, 'c> {
    call: &'s mut Call<'c>,
    kept: &'s Kept<'s>,
    backend: Arc<dyn Backend>,
    events: EventStream,
    configuration: Configuration,
    /// What is typed, for the cockpit and for verbs.
    asking: Rc<Asking>,
    interrupts: Interrupts,
    place: Place,
    /// How the last verb ended.
    ended: Ended,
    has_asked_to_leave: bool,
    /// Whether there will be no events any more.
    has_lost_the_backend: bool,
}

impl Session<'_, '_> {
    async fn run(&mut self, place: Option<Place>) -> Result<Why, CliError> {
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
        let is_there = |place: &Place| match place {
            Place::Environments => true,
            Place::Environment(name) => environments.iter().any(|known| known.name == *name),
        };
        if let Some(place) = place.filter(is_there) {
            self.place = place;
        } else if let [only] = environments.as_slice() {
            self.place = Place::Environment(only.name.clone());
        }
        // Said once, choices are known until there are others: whoever listens need not hear them after each answer.
        let mut known = Known::default();
        loop {
            let (title, choices) = self.menu().await?;
            self.asking.forgets();
            self.call.say("")?;
            self.say_choices(title, &choices, &mut known)?;
            let place = match &self.place {
                Place::Environments => "choose".to_owned(),
                Place::Environment(name) => name.to_string(),
            };
            let choose = Question {
                text: &format!("{place}> "),
                help: None,
                care: Care::TypedAhead,
            };
            let typed = match self.answer(&choose).await? {
                Answer::Line(line) => line,
                Answer::Over(why) => return Ok(why),
            };
            if typed.is_empty() {
                known = Known::default();
            }
            if let Some(why) = self.does(&typed, choices).await? {
                return Ok(why);
            }
        }
    }

    /// Says what can be chosen: all of it where one has come from somewhere else or asks for it, and what is new elsewhere.
    fn say_choices(&mut self, title: Title, choices: &[Choice], known: &mut Known) -> Result<(), CliError> {
        let is_known = known.place.as_ref() == Some(&self.place);
        let said = title.after(known.title.as_ref().filter(|_| is_known));
        let place = self.place.clone();
        let is_said = |choice: &&Choice| {
            !is_known
                || !(matches!(choice.does, Does::Not(_)) || known.choices.contains(&Told::of(choice, &place)))
        };
        let new: Vec<&Choice> = choices.iter().filter(is_said).collect();
        self.call.tell(&match (is_known, new.as_slice()) {
            (false, _) => said.to_owned(),
            (true, []) => format!("{said} Enter says the choices."),
            (true, [_]) => format!("{said} Enter says the choices; this one is new:"),
            (true, _) => format!("{said} Enter says the choices; these are new:"),
        })?;
        for line in choices::said(&new) {
            self.call.tell(&line)?;
        }
        *known = Known {
            choices: choices.iter().map(|choice| Told::of(choice, &place)).collect(),
            place: Some(place),
            title: title.into_said(),
        };
        Ok(())
    }

    /// The choices, and a sentence above them.
    async fn menu(&mut self) -> Result<(Title, Vec<Choice>), CliError> {
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
                let undo = verbs::undo::would_do(backend, &details, None).await?;
                let offers = Offers {
                    undo: undo.map(|undo| undo.in_words),
                    goes: verbs::backup::Goes::of(&details, None, self.call.now()).map(|goes| goes.told),
                    is_demo: self.kept.is_demo(),
                };
                Ok(choices::of_environment(&details, offers, self.call.now()))
            }
        }
    }

    /// Does what was typed. Gives why to leave, if that was it.
    async fn does(&mut self, typed: &str, choices: Vec<Choice>) -> Result<Option<Why>, CliError> {
        let words = typed.to_lowercase();
        if !matches!(words.as_str(), "q" | "quit" | "exit" | "anew") {
            self.has_asked_to_leave = false;
        }
        match words.as_str() {
            "" => {}
            "q" | "quit" | "exit" => return self.leaves().await,
            "?" | "help" => self.call.tell(HELP)?,
            "b" | "back" => self.place = Place::Environments,
            "anew" => return self.opens_anew().await,
            _ => match choices::chosen(&words, choices) {
                Chosen::This(Does::Verb(arguments)) => return self.verb(&arguments).await,
                Chosen::This(Does::Go(place)) => self.place = place,
                Chosen::This(Does::Restore(name)) => return self.restore(&name).await,
                Chosen::This(Does::Look(name)) => return self.look(&name, Looks::Inside).await,
                Chosen::This(Does::Differ(name)) => return self.look(&name, Looks::Differences).await,
                Chosen::This(Does::Break(name)) => return self.break_live(name).await,
                Chosen::This(Does::Ask(question)) => return self.question(question).await,
                Chosen::This(Does::Leave) => return self.leaves().await,
                Chosen::This(Does::Not(why)) => {
                    self.does_not_fit(&format!("that cannot be done now: {why}"))?;
                }
                Chosen::NoNumber => self.does_not_fit(&format!(
                    "{} is the number of no choice now; Enter says the choices",
                    said_again(typed)
                ))?,
                Chosen::Nothing => return self.typed_verb(typed).await,
            },
        }
        Ok(None)
    }

    /// Asks for what a verb needs besides, and runs it.
    async fn question(&mut self, question: choices::Question) -> Result<Option<Why>, CliError> {
        let choices::Question {
            before,
            verb: mut arguments,
            asks,
        } = question;
        if let Some(before) = before {
            self.call.tell(&before)?;
            // The verb need not say it again.
            let _ = self.asking.has_said(&before);
        }
        let text = format!("{}: ", asks.what);
        let question = Question {
            text: &text,
            help: Some(asks.help),
            care: asks.care,
        };
        match self.answer(&question).await? {
            Answer::Over(why) => return Ok(Some(why)),
            Answer::Line(line) if self.leaves_the_question(&line)? => return Ok(None),
            Answer::Line(line) if line.is_empty() && asks.is_needed => {
                self.call.remark("nothing was typed: left as it is")?;
                return Ok(None);
            }
            Answer::Line(line) if line.is_empty() => {}
            Answer::Line(line) => {
                arguments.extend(asks.option.map(str::to_owned));
                arguments.push(line);
            }
        }
        self.verb(&arguments).await
    }

    /// Whether to leave: jobs of this process would end with it.
    async fn leaves(&mut self) -> Result<Option<Why>, CliError> {
        self.ends("quit", "leaves", Why::Asked).await
    }

    /// Whether to open the context anew, with what is new in the configuration: jobs of this process would end with it.
    async fn opens_anew(&mut self) -> Result<Option<Why>, CliError> {
        if let Some(why) = self.configuration.not_opened_anew() {
            self.does_not_fit(&why)?;
            return Ok(None);
        }
        self.ends("anew", "opens the context anew", Why::Anew).await
    }

    /// Whether this stay ends, for which this word was typed that does so.
    async fn ends(&mut self, word: &str, does: &str, why: Why) -> Result<Option<Why>, CliError> {
        if !self.kept.is_here() || self.has_asked_to_leave {
            return Ok(Some(why));
        }
        let environments = self.backend.environments().await?;
        let running: Vec<_> = environments
            .iter()
            .filter_map(|environment| environment.job.as_ref())
            .filter(|job| !job.state.has_ended())
            .map(|job| format!("job {} ({} of {})", job.id, job.kind.label(), job.environment))
            .collect();
        if running.is_empty() {
            return Ok(Some(why));
        }
        self.has_asked_to_leave = true;
        self.call.remark(&format!(
            "{} would end at the next safe point; \"{word}\" once more {does} all the same",
            running.join(", ")
        ))?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_that_says_something_else_by_now_is_another_one() {
        let undo = |label: &str| Choice {
            number: 17,
            label: label.to_owned(),
            does: Does::Verb(vec!["undo".to_owned(), "acme/live".to_owned()]),
        };
        let told = |label, place| Told::of(&undo(label), place);
        let here = Place::Environment("acme/live".parse().unwrap());
        assert!(told("undo the last restore", &here) != told("undo the undo", &here));
        assert!(told("undo the undo", &here) == told("undo the undo", &here));
        // How an environment stands is not news by itself: it says how long ago something was.
        let all = Place::Environments;
        assert!(told("1 h ago", &all) == told("2 h ago", &all));
    }
}
