//! The context could not be opened anew: what was open is closed, and whoever is there stays, and says when to try again.

use super::answering::{out_of_step, said_again};
use super::asking::{Asking, Care, ONCE_MORE};
use crate::cli::outside::interrupted;
use crate::cli::{Call, CliError, Interrupt};

/// What is asked.
const QUESTION: &str = "anew, or quit> ";

/// What is said to whoever asks for help there.
const HELP: &str = "Nothing is open now, and no job runs in this process. \"anew\", or Enter alone, tries to open the context once more; \
    \"quit\" leaves.";

/// Says why it is not open, and waits until it is to be tried again.
///
/// # Errors
/// [`CliError`] that ends the stay: whoever is there leaves, or there is nobody.
pub(super) async fn waits(why: &CliError, asking: &Asking, call: &mut Call<'_>) -> Result<(), CliError> {
    call.outside.out.flush()?;
    call.remark(&format!(
        "the context could not be opened anew: {}. Nothing is open now; \"anew\" tries once more, \"quit\" leaves.",
        why.message.trim_end_matches('.')
    ))?;
    // What was typed behind it was meant for a context that is open.
    asking.refuses();
    let mut interrupts = (call.outside.interrupts)();
    let mut has_interrupted = false;
    loop {
        let from = asking.answers_from(Care::TypedAhead);
        call.prompt(QUESTION)?;
        let line = tokio::select! {
            biased;
            interrupt = interrupted(&mut interrupts) => match interrupt {
                Interrupt::CtrlC if !has_interrupted => {
                    has_interrupted = true;
                    call.remark("")?;
                    call.remark(ONCE_MORE)?;
                    continue;
                }
                Interrupt::CtrlC | Interrupt::Terminate | Interrupt::HungUp => return Err(left(why)),
            },
            line = asking.line(from) => line,
        };
        let line = match line {
            None => return Err(left(why)),
            Some(Ok(line)) => line,
            Some(Err(early)) => {
                let told = super::asking::came_early(asking.passes_over(early).await);
                call.remark(&told)?;
                continue;
            }
        };
        match line.to_lowercase().as_str() {
            "" | "anew" => return Ok(()),
            "q" | "quit" | "exit" | "b" | "back" => return Err(left(why)),
            "help" | "?" => call.remark(HELP)?,
            _ => {
                let why = format!("{} is neither \"anew\" nor \"quit\"", said_again(&line));
                // The lines behind it were written for a context that is open.
                if !call.outside.input_is_terminal {
                    return Err(out_of_step(&why));
                }
                call.remark(&why)?;
                asking.refuses();
            }
        }
    }
}

/// It is left while nothing is open, which was said already: only the exit code says so again.
fn left(why: &CliError) -> CliError {
    CliError {
        message: String::new(),
        ..why.clone()
    }
}
