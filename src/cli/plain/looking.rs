//! A look inside, question by question: a backup or Live, then one path after another.

use super::answering::Answer;
use super::restoring::sentence;
use super::{Session, Why};
use crate::cli::CliError;
use crate::domain::backup::Backup;
use crate::domain::environment::EnvironmentName;

impl Session<'_, '_> {
    /// Leads through a look inside. Gives why to leave, if that came of it.
    pub(super) async fn look(&mut self, name: &EnvironmentName) -> Result<Option<Why>, CliError> {
        let details = self.backend.environment(name).await?;
        let mut backups: Vec<&Backup> = details.backups.iter().collect();
        backups.sort_by_key(|backup| std::cmp::Reverse(backup.manifest.taken));
        let now = self.call.now();
        // The backups first: they have the numbers that they have for a restore.
        let mut labels: Vec<String> = backups.iter().map(|backup| sentence(backup, now)).collect();
        labels.push("Live, as it is now".to_owned());
        let chosen = self
            .one_of(
                "Backups, the newest first, and Live behind them:",
                &labels,
                "look inside which",
            )
            .await?;
        let place = match chosen {
            Ok(Some(place)) => place,
            Ok(None) => return Ok(None),
            Err(why) => return Ok(Some(why)),
        };
        let source = backups
            .get(place)
            .map_or_else(|| "live".to_owned(), |backup| backup.id.to_string());
        let mut question = "the path, such as author:/website/home, or nothing for all instances: ";
        let mut is_first = true;
        loop {
            let mut verb = vec!["browse".to_owned(), name.to_string(), source.clone()];
            match self.answer(question).await? {
                Answer::Over(why) => return Ok(Some(why)),
                Answer::Line(line) if self.leaves_the_question(&line)? => return Ok(None),
                Answer::Line(line) if line.is_empty() && is_first => {}
                Answer::Line(line) if line.is_empty() => return Ok(None),
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
