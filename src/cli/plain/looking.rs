//! A look inside, and what differs between a backup and Live, question by question: which backup, then one path after another.

use super::answering::Answer;
use super::asking::Question;
use super::options::Options;
use super::restoring::{PATH_HELP, WHICH_HELP, sentences};
use super::{Session, Why};
use crate::cli::CliError;
use crate::domain::backup::Backup;
use crate::domain::environment::EnvironmentName;

/// What is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Looks {
    /// What is in a backup or in Live.
    Inside,
    /// How a backup and Live differ.
    Differences,
}

impl Session<'_, '_> {
    /// Leads through a look. Gives why to leave, if that came of it.
    pub(super) async fn look(
        &mut self,
        name: &EnvironmentName,
        looks: Looks,
    ) -> Result<Option<Why>, CliError> {
        let details = self.backend.environment(name).await?;
        let mut backups: Vec<&Backup> = details.all_backups().collect();
        backups.sort_by_key(|backup| std::cmp::Reverse(backup.manifest.taken));
        let now = self.call.now();
        // The backups first: they have the numbers that they have for a restore.
        let mut labels = sentences(&backups, now);
        let (title, question) = match looks {
            Looks::Inside => {
                labels.push("Live, as it is now".to_owned());
                (
                    "Backups, the newest first, and Live behind them:",
                    "look inside which",
                )
            }
            Looks::Differences if labels.is_empty() => {
                self.call
                    .tell("There is no backup that Live could be compared with.")?;
                return Ok(None);
            }
            Looks::Differences => ("Backups, the newest first:", "compare Live with which"),
        };
        let options = Options::with(&labels, &backups, &details.backups);
        let chosen = self.one_of(title, options, question, WHICH_HELP).await?;
        let place = match chosen {
            Ok(Some(place)) => place,
            Ok(None) => return Ok(None),
            Err(why) => return Ok(Some(why)),
        };
        let chosen = backups.get(place);
        let source = chosen.map_or_else(|| "live".to_owned(), |backup| backup.id.to_string());
        let is_only_copied = chosen.is_some_and(|backup| details.is_only_copied(&backup.id));
        if is_only_copied {
            self.call.tell(
                "Only the second repository has this backup: it can be restored, and not looked into or compared before that.",
            )?;
            return Ok(None);
        }
        let mut question = match looks {
            Looks::Inside => "the path, such as author:/website/home, or nothing for all instances: ",
            Looks::Differences => {
                "only below a path, such as author:/website/home, or nothing to compare all instances: "
            }
        };
        let mut is_first = true;
        loop {
            let mut verb = match looks {
                Looks::Inside => vec!["browse".to_owned(), name.to_string(), source.clone()],
                // What has come since is new, and what is not there any more is gone.
                Looks::Differences => {
                    let live = "live".to_owned();
                    vec!["diff".to_owned(), name.to_string(), source.clone(), live]
                }
            };
            match self.answer(&Question::open(question, PATH_HELP)).await? {
                Answer::Over(why) => return Ok(Some(why)),
                Answer::Line(line) if self.leaves_the_question(&line)? => return Ok(None),
                Answer::Line(line) if line.is_empty() && is_first => {}
                Answer::Line(line) if line.is_empty() => return Ok(None),
                Answer::Line(line) if self.helps_with_a_verb(&line).await? => continue,
                Answer::Line(line) => verb.push(line),
            }
            if let Some(why) = self.verb(&verb).await? {
                return Ok(Some(why));
            }
            question = "the next path, or nothing to leave: ";
            is_first = false;
        }
    }
}
