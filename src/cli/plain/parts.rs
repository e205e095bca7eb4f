//! Which part of a backup comes back: what a restore had replaced, instances and workspaces, or paths.

use super::answering::{Answer, said_again};
use super::asking::Question;
use super::options::Options;
use super::restoring::PATH_HELP;
use super::{Session, Why};
use crate::cli::CliError;
use crate::domain::backup::Backup;
use crate::domain::environment::workspace_label;
use crate::domain::limited;

/// What is said to whoever asks for help where a safety backup would bring back more than the restore replaced.
const REPLACED_HELP: &str = "A safety backup is of all of Live, and has all that was there before that restore. The part alone \
    takes that restore back: what was changed in it since goes with that, and everything else stays as it is. Type the number of a choice, or the beginning of its words. \
    Nothing is restored by that: the plan is made and said. \"back\" leaves the restore.";

impl Session<'_, '_> {
    /// Of a safety backup of a restore of a part: whether only that part is to come back, as options; `None` where the question was
    /// left. Of any other backup nothing is asked.
    pub(super) async fn replaced(
        &mut self,
        backup: &Backup,
    ) -> Result<Result<Option<Vec<String>>, Why>, CliError> {
        let manifest = &backup.manifest;
        let (Some(part), Some(sentence)) = (manifest.replaced_part(), manifest.replaced_in_words()) else {
            return Ok(Ok(Some(Vec::new())));
        };
        let title = format!("{sentence}. What is to come back of {}?", backup.named());
        let labels = ["only that part", "everything"].map(str::to_owned);
        let chosen = self
            .one_of(&title, Options::of(&labels), "what", REPLACED_HELP)
            .await?;
        Ok(chosen.map(|place| {
            place.map(|place| match place {
                0 => limited::options(part).into_iter().flatten().collect(),
                _ => Vec::new(),
            })
        }))
    }

    /// Which instances and workspaces, as options; `None` where the question was left.
    pub(super) async fn parts(
        &mut self,
        backup: &Backup,
    ) -> Result<Result<Option<Vec<String>>, Why>, CliError> {
        let copies = &backup.manifest.instances;
        let instances: Vec<String> = copies.iter().map(|copy| copy.name.to_string()).collect();
        let mut workspaces: Vec<String> = copies
            .iter()
            .flat_map(|copy| &copy.workspaces)
            .map(|workspace| workspace.name.clone())
            .collect();
        workspaces.sort();
        workspaces.dedup();
        let mut options = Vec::new();
        for (what, option, names) in [
            ("instances", "--instance", instances),
            ("workspaces", "--workspace", workspaces),
        ] {
            let labels: Vec<String> = names
                .iter()
                .map(|name| workspace_label(name).to_owned())
                .collect();
            match self.some_of(what, backup, &labels).await? {
                Ok(None) => return Ok(Ok(None)),
                Ok(Some(chosen)) => {
                    let chosen = chosen.into_iter().filter_map(|place| names.get(place));
                    options.extend(chosen.flat_map(|name| [option.to_owned(), name.clone()]));
                }
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(Some(options)))
    }

    /// Which paths, as options; `None` where the question was left.
    pub(super) async fn paths(
        &mut self,
        backup: &Backup,
    ) -> Result<Result<Option<Vec<String>>, Why>, CliError> {
        let mut options = Vec::new();
        self.call.say("")?;
        self.call.tell(&format!("Which paths of {}?", backup.named()))?;
        loop {
            let question = if options.is_empty() {
                "a path, such as author:/website/home/news, or nothing for the whole backup: "
            } else {
                "one more path, or nothing to go on: "
            };
            match self.answer(&Question::open(question, PATH_HELP)).await? {
                Answer::Over(why) => return Ok(Err(why)),
                Answer::Line(line) if line.is_empty() => return Ok(Ok(Some(options))),
                Answer::Line(line) if self.leaves_the_question(&line)? => return Ok(Ok(None)),
                Answer::Line(line) if self.helps_with_a_verb(&line).await? => {}
                Answer::Line(line) if !line.contains('/') => self.does_not_fit(&format!(
                    "{} is no path: one has a slash, such as /website/home",
                    said_again(&line)
                ))?,
                Answer::Line(line) => options.extend(["--path".to_owned(), line]),
            }
        }
    }
}
