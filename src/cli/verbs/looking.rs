//! What the verbs share that look inside: asking again while something is read for the first time, and how far that is.

use std::io::Write as _;
use std::time::Duration;

use crate::cli::table::cut;
use crate::cli::{Call, CliError};
use crate::domain::explore::{FirstLook, Looked};
use crate::domain::{columns, measure, printable};

/// How long to wait before it is asked again. The backend has waited a moment by itself.
const AGAIN: Duration = Duration::from_millis(200);

/// So often it is asked again before it is said that something is read, where no line is drawn over: ten seconds each time.
const SAID_EVERY: u32 = 50;

/// What is shown while something is read: a line on a terminal that is drawn over itself, a line now and then where lines are heard,
/// and nothing elsewhere.
#[derive(Default)]
pub(super) struct Waiting {
    shown: String,
    /// How often it was asked again.
    asked: u32,
}

impl Waiting {
    /// Asks until there is an answer.
    pub(super) async fn for_answer<T, F>(
        &mut self,
        call: &mut Call<'_>,
        mut ask: impl FnMut() -> F,
    ) -> Result<T, CliError>
    where
        F: Future<Output = Result<Looked<T>, crate::backend::BackendError>>,
    {
        loop {
            match ask().await {
                Ok(Looked::Ready(answer)) => {
                    self.clear(call)?;
                    return Ok(answer);
                }
                Ok(Looked::Reading(look)) => self.show(Some(&look), call).await?,
                Err(error) => {
                    self.clear(call)?;
                    return Err(error.into());
                }
            }
        }
    }

    /// Shows what is read, and waits a moment.
    pub(super) async fn show(
        &mut self,
        look: Option<&FirstLook>,
        call: &mut Call<'_>,
    ) -> Result<(), CliError> {
        if call.globals.plain && !call.globals.json {
            self.say(|| look.map_or_else(|| "searching".to_owned(), line), call)?;
        } else if call.outside.err_is_terminal && !call.globals.json {
            let line = look.map_or_else(|| "searching".to_owned(), line);
            // The last column stays free: some terminals wrap as soon as it is written.
            let line = cut(&line, call.outside.columns.unwrap_or(80).saturating_sub(1));
            self.draw(line, call)?;
        }
        tokio::time::sleep(AGAIN).await;
        Ok(())
    }

    /// Shows how far something is while it goes on.
    pub(super) async fn meanwhile<T>(
        &mut self,
        call: &mut Call<'_>,
        doing: impl Future<Output = T>,
        line: impl Fn() -> String,
    ) -> Result<T, CliError> {
        tokio::pin!(doing);
        loop {
            tokio::select! {
                done = &mut doing => {
                    self.clear(call)?;
                    return Ok(done);
                }
                () = tokio::time::sleep(AGAIN) => {
                    if call.globals.plain && !call.globals.json {
                        self.say(&line, call)?;
                    } else if call.outside.err_is_terminal && !call.globals.json {
                        self.draw(line(), call)?;
                    }
                }
            }
        }
    }

    /// Says how far it is, after a while and then now and then: what takes a moment is not spoken of.
    fn say(&mut self, line: impl FnOnce() -> String, call: &mut Call<'_>) -> Result<(), CliError> {
        self.asked += 1;
        if self.asked.is_multiple_of(SAID_EVERY) {
            call.remark(&line())?;
        }
        Ok(())
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self, call: &mut Call<'_>) -> Result<(), CliError> {
        if self.shown.is_empty() {
            return Ok(());
        }
        self.draw(String::new(), call)?;
        write!(call.outside.err, "\r")?;
        Ok(call.outside.err.flush()?)
    }

    /// Spaces instead of a control sequence erase what is left of the line before.
    fn draw(&mut self, line: String, call: &mut Call<'_>) -> Result<(), CliError> {
        if line != self.shown {
            let rest = columns::count(&self.shown).saturating_sub(columns::count(&line));
            write!(call.outside.err, "\r{line}{}", " ".repeat(rest))?;
            call.outside.err.flush()?;
            self.shown = line;
        }
        Ok(())
    }
}

fn line(look: &FirstLook) -> String {
    if look.comparing {
        return compared(look);
    }
    let others = match look.others {
        0 => String::new(),
        others => format!(", {others} more to read"),
    };
    let far = if look.total == 0 && look.done > 0 {
        measure::bytes(look.done)
    } else {
        format!("{} %", look.percent())
    };
    let line = format!(
        "reading {} of {} in {}: {far}{others}",
        look.workspace,
        look.instance,
        look.source.short()
    );
    printable::line(&line).into_owned()
}

/// How far a comparison is.
fn compared(look: &FirstLook) -> String {
    let others = match look.others {
        0 => String::new(),
        others => format!(
            ", {}",
            measure::so_many(others, "more workspace", "more workspaces")
        ),
    };
    let far = match look.total {
        0 => String::new(),
        total => format!(
            ": {} of {}",
            measure::count(look.done.min(total)),
            measure::nodes(total)
        ),
    };
    let what = match look.workspace.as_str() {
        "" => String::new(),
        workspace => format!(" {workspace} of {}", look.instance),
    };
    let line = format!("comparing{what}{far}{others}");
    printable::line(&line).into_owned()
}

/// How much something takes, or nothing.
pub(super) fn size(bytes: u64) -> String {
    if bytes == 0 {
        String::new()
    } else {
        measure::bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::explore::Source;

    #[test]
    fn a_line_says_what_is_read_and_how_far_it_is() {
        let mut look = FirstLook {
            source: Source::Live,
            instance: "author".parse().unwrap(),
            workspace: "web\u{1b}site".to_owned(),
            done: 45,
            total: 100,
            others: 0,
            comparing: false,
        };
        assert_eq!(line(&look), "reading web\u{fffd}site of author in Live: 45 %");
        (look.done, look.total) = (3 << 20, 0);
        assert!(line(&look).ends_with("in Live: 3.0 MiB"), "{}", line(&look));
        (look.done, look.total) = (45, 100);
        look.others = 2;
        assert!(line(&look).ends_with("45 %, 2 more to read"));
        (look.done, look.total, look.comparing) = (4_500, 10_000, true);
        assert_eq!(
            line(&look),
            "comparing web\u{fffd}site of author: 4,500 of 10,000 nodes, 2 more workspaces"
        );
        (look.workspace, look.total, look.others) = (String::new(), 0, 0);
        assert_eq!(line(&look), "comparing");
    }
}
