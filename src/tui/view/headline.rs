//! The moment that counts, while its job still clears up: that Live has the restored content, that a backup is complete.
//! It is known seconds or minutes before the job ends, and whoever watches waits for nothing else.

use super::canvas::piece;
use super::text::Text;
use crate::domain::columns;
use crate::domain::job::Job;
use crate::domain::milestone::Milestone;
use crate::tui::theme::{Meaning, Symbols};

/// Says it over the whole width of the job's page, with the way back beside it.
pub fn draw(text: &mut Text, job: &Job, symbols: &Symbols) {
    let Some(reached) = job.reached_so_far() else {
        return;
    };
    let width = text.width();
    let bar = |words: &str| vec![piece(columns::fill(words, width), Meaning::Headline)];
    text.line(bar(""));
    text.line(bar(&columns::shorten(
        &format!("  {}  {}", symbols.good, sentence(job).unwrap_or_default()),
        width,
        symbols.more,
    )));
    text.line(bar(""));
    text.blank();
    match reached.what {
        Milestone::ContentLive => {
            let mark = [piece("u", Meaning::Key), piece(" ", Meaning::Text)];
            text.marked(
                &mark,
                "goes back to what was there before, as soon as this job has cleared up",
                Meaning::Text,
            );
        }
        Milestone::BackupComplete => {
            text.paragraph(
                "It can be restored from now on. What follows is clearing up.",
                Meaning::Text,
            );
        }
    }
}

/// The same in a sentence, its beginning in upper case.
pub fn sentence(job: &Job) -> Option<String> {
    let words = job.reached_so_far()?.sentence();
    let mut letters = words.chars();
    let first = letters.next()?;
    Some(first.to_uppercase().chain(letters).collect())
}
