//! One call of a verb: what was asked besides its own arguments, and how it prints.

use std::ffi::OsString;
use std::io::Write as _;
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use super::clearing::Left;
#[cfg(feature = "engine")]
use super::opening::Opening;
use super::plain::asking::{self, Asking, Care, Heard, ONCE_MORE, Question, Typed, Wanted, came_early};
use super::table::Table;
use super::wrap::wrap;
use super::{CliError, Connection, ErrorKind, Globals, House, Outside};
use crate::backend::Backend;
#[cfg(feature = "engine")]
use crate::backend::embedded::Embedded;
use crate::domain::os_error::in_words;
use crate::domain::{Instant, printable, shell};

/// One call of a verb.
pub struct Call<'a> {
    /// Streams, clock and signals.
    pub outside: &'a mut Outside,
    /// Where backends come from.
    pub house: &'a dyn House,
    /// The arguments that every verb takes.
    pub globals: Globals,
    /// The whole command line, to start it again in the background.
    pub arguments: Vec<OsString>,
    /// Whether this is the process that was started again.
    pub in_background: bool,
    /// What it leaves behind in this process.
    pub left: Left,
    /// The stay in lines that it runs in, where it does.
    pub(super) in_lines: Option<Rc<Asking>>,
}

impl Call<'_> {
    /// The backend of the context.
    pub(super) async fn backend(&mut self) -> Result<Arc<dyn Backend>, CliError> {
        let mut connection = self.house.connect(&self.globals).await?;
        self.is_opened(&mut connection).await;
        Ok(connection.backend)
    }

    /// A backend was opened: waits until it is open, and says what for where that takes a while.
    pub(super) async fn is_opened(&mut self, connection: &mut Connection) {
        self.left.opened(&connection.backend);
        if let Some(opening) = connection.opening.take() {
            opening.wait(&connection.backend, self.outside).await;
        }
    }

    /// The engine on this machine's content, for what no service does for others. It keeps no schedule.
    #[cfg(feature = "engine")]
    pub(super) async fn engine_here(&mut self) -> Result<Embedded, CliError> {
        let (deeds, opening) = Opening::heard();
        let (engine, _) = self.house.engine_here(&self.globals, false, deeds)?;
        let backend: Arc<dyn Backend> = Arc::new(engine.clone());
        self.left.opened(&backend);
        opening.wait(&backend, self.outside).await;
        Ok(engine)
    }

    /// The time now.
    pub(super) fn now(&self) -> Instant {
        (self.outside.now)()
    }

    /// A command to copy, `lifeboat` and what follows it (nothing for the cockpit): it leads to the same configuration and context as this call.
    pub(super) fn command(&self, rest: &str) -> String {
        let mut command = format!("lifeboat {rest}").trim_end().to_owned();
        if let Some(given) = &self.globals.config {
            // In full where that is possible: it may be copied to a shell that is in another folder.
            let file = self.house.config_file(&self.globals);
            let file = file.unwrap_or_else(|_| given.clone());
            command.extend([" --config ", &shell::quoted(&file.to_string_lossy())]);
        }
        if let Some(context) = &self.globals.context {
            command.extend([" --context ", &shell::quoted(context)]);
        }
        command
    }

    /// Prints one object for programs.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| CliError::failed(format!("writing the result as JSON failed: {error}")))?;
        writeln!(self.outside.out, "{}", printable::json(text))?;
        Ok(())
    }

    /// Prints one line for people, made safe.
    pub(super) fn say(&mut self, line: &str) -> Result<(), CliError> {
        writeln!(self.outside.out, "{}", printable::line(line))?;
        Ok(())
    }

    /// Prints sentences for people, made safe and wrapped. Leading spaces indent all of it.
    pub(super) fn tell(&mut self, text: &str) -> Result<(), CliError> {
        for line in wrap(&printable::line(text), self.outside.error_width()) {
            writeln!(self.outside.out, "{line}")?;
        }
        Ok(())
    }

    /// Prints a line about what goes on, beside the result, made safe. A terminal would break it within words.
    pub(super) fn remark(&mut self, line: &str) -> Result<(), CliError> {
        for line in wrap(&printable::line(line), self.outside.remark_width()) {
            writeln!(self.outside.err, "{line}")?;
        }
        Ok(())
    }

    /// Prints a question, made safe, and stays in its last line.
    pub(super) fn prompt(&mut self, question: &str) -> Result<(), CliError> {
        // What is typed stands behind the blank at its end, which fits even where the last line is full.
        let words = question.trim_end_matches(' ');
        let mut lines = wrap(&printable::line(words), self.outside.remark_width()).join("\n");
        lines.push_str(&question[words.len()..]);
        write!(self.outside.err, "{lines}")?;
        self.outside.err.flush()?;
        Ok(())
    }

    /// Whether somebody can be asked: there is a person at a terminal who sees the question, or one who talks with Lifeboat in lines,
    /// wherever these come from.
    pub(super) fn can_ask(&self) -> bool {
        let outside = &self.outside;
        let somebody = self.in_lines.is_some() || (outside.input_is_terminal && outside.err_is_terminal);
        somebody && !self.globals.json && !self.in_background
    }

    /// Asks for one line, and gives it without the blanks around it; nothing where the input has ended. Whoever asks for help gets
    /// it, and the question once more.
    pub(super) async fn ask(&mut self, question: &Question<'_>) -> Result<Option<String>, CliError> {
        loop {
            let heard = match self.in_lines.clone() {
                Some(asking) => {
                    self.outside.out.flush()?;
                    let from = asking.answers_from(question.care);
                    self.drops_what_was_typed(question.care);
                    self.prompt(question.text)?;
                    asking.heard(from).await
                }
                None => self.read(question)?,
            };
            match heard {
                Heard::Line(line) => match question.helps(&line) {
                    Some(help) => self.remark(help)?,
                    None => return Ok(Some(line)),
                },
                Heard::Early(lines) => self.remark(&came_early(lines))?,
                Heard::Nobody => return Ok(None),
                Heard::CtrlC => {
                    self.remark("")?;
                    self.remark(&format!("{ONCE_MORE}; nothing has begun"))?;
                }
            }
        }
    }

    /// Where an answer has to be meant, a terminal throws away what was typed before it is asked for: also the beginning of a
    /// line, which would become the answer with the next Enter.
    pub(super) fn drops_what_was_typed(&mut self, care: Care) {
        if care == Care::Meant && self.outside.input_is_terminal {
            // A terminal that cannot has gone, and that shows where the answer is read.
            let _ = (self.outside.echo)(true);
        }
    }

    /// Reads a line where a shell is.
    fn read(&mut self, question: &Question<'_>) -> Result<Heard, CliError> {
        if question.care == Care::Meant && self.outside.input_is_terminal {
            let early = (self.outside.typed_ahead)();
            if early > 0 {
                self.remark(&came_early(early))?;
            }
        }
        self.drops_what_was_typed(question.care);
        self.prompt(question.text)?;
        let mut line = String::new();
        let read = self.outside.input.read_line(&mut line);
        let read = read.map_err(|error| {
            CliError::failed(format!(
                "the answer could not be read: {error}",
                error = in_words(&error)
            ))
        })?;
        if read == 0 {
            return Ok(Heard::Nobody);
        }
        Ok(Heard::Line(line.trim().to_owned()))
    }

    /// Asks for the name of an environment, or for a yes, so that nothing is done by reflex. Gives what was typed. In lines it is
    /// asked for until it is typed: whoever hears letters one by one mistypes, and would have to begin again.
    pub(super) async fn ask_for(&mut self, wanted: Wanted<'_>, question: &str) -> Result<String, CliError> {
        let help = wanted.help();
        let question = Question::careful(question, &help);
        loop {
            let line = self.ask(&question).await?.unwrap_or_default();
            let Some(lines) = self.in_lines.clone() else {
                return Ok(line);
            };
            match asking::typed(wanted, &line) {
                Typed::Wanted => return Ok(line),
                Typed::Left(told) => {
                    self.remark(told)?;
                    // It has been said.
                    return Err(CliError::failed(""));
                }
                Typed::Other(told) if !self.outside.input_is_terminal => {
                    lines.falls_out_of_step();
                    return Err(CliError::usage(told));
                }
                Typed::Other(told) => self.remark(&told)?,
            }
        }
    }

    /// Prints a warning beside the result, unless it was said already in these lines.
    pub(super) fn warn(&mut self, warning: &str) -> Result<(), CliError> {
        if self.has_told(warning) {
            return Ok(());
        }
        self.remark(&format!("warning: {warning}"))
    }

    /// Whether these lines have said something already, which is noted as said from now on: it need not be said again.
    pub(super) fn has_told(&self, text: &str) -> bool {
        let lines = self.in_lines.as_ref();
        lines.is_some_and(|lines| lines.has_said(text))
    }

    /// Prints a table; a sentence for each row where no pictures are wanted, since columns cannot be heard.
    pub(super) fn table(&mut self, table: &Table) -> Result<(), CliError> {
        if self.globals.plain {
            return table.spoken().iter().try_for_each(|row| self.tell(row));
        }
        for line in table.lines(self.outside.table_width()) {
            writeln!(self.outside.out, "{line}")?;
        }
        Ok(())
    }
}

/// What was said before something begins: that nobody reads it any more keeps nothing from beginning, as it ends nothing.
pub(super) fn heard(said: Result<(), CliError>) -> Result<(), CliError> {
    match said {
        Err(error) if error.kind == ErrorKind::ReaderGone => Ok(()),
        said => said,
    }
}
