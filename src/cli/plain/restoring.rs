//! A restore, question by question: which backup, what of it, what that would do, and the name to type.

use super::{Answer, Session, Why};
use crate::cli::CliError;
use crate::domain::backup::{Backup, Verification};
use crate::domain::environment::{EnvironmentName, workspace_label};
use crate::domain::{Instant, measure};

impl Session<'_, '_> {
    /// Leads through a restore. Gives why to leave, if that came of it.
    pub(super) async fn restore(&mut self, name: &EnvironmentName) -> Result<Option<Why>, CliError> {
        let details = self.backend.environment(name).await?;
        let mut backups: Vec<&Backup> = details.all_backups().collect();
        backups.sort_by_key(|backup| std::cmp::Reverse(backup.manifest.taken));
        if backups.is_empty() {
            self.call.tell(
                details
                    .summary
                    .trouble
                    .as_deref()
                    .unwrap_or("There is no backup yet."),
            )?;
            return Ok(None);
        }
        let now = self.call.now();
        let labels: Vec<String> = backups.iter().map(|backup| sentence(backup, now)).collect();
        let Some(place) = (match self
            .one_of("Backups, the newest first:", &labels, "which backup")
            .await?
        {
            Ok(place) => place,
            Err(why) => return Ok(Some(why)),
        }) else {
            return Ok(None);
        };
        let Some(backup) = backups.get(place) else {
            return Ok(None);
        };
        let mut arguments = vec![name.to_string(), backup.id.to_string()];
        if details.is_only_copied(&backup.id) {
            arguments.extend(["--from".to_owned(), "copy".to_owned()]);
        }
        loop {
            let plan = [vec!["plan".to_owned()], arguments.clone()].concat();
            if let Some(why) = self.verb(&plan).await? {
                return Ok(Some(why));
            }
            let labels = [
                "restore it",
                "restore it without a safety backup",
                "only some instances or workspaces",
                "only some paths",
                "leave it",
            ]
            .map(str::to_owned);
            let chosen = match self.one_of("What now?", &labels, "restore").await? {
                Ok(chosen) => chosen,
                Err(why) => return Ok(Some(why)),
            };
            match chosen {
                Some(0) => return self.begin(&arguments, &[]).await,
                Some(1) => return self.begin(&arguments, &["--without-safety-backup"]).await,
                Some(2) => {
                    arguments.truncate(2);
                    match self.parts(backup).await? {
                        Ok(parts) => arguments.extend(parts),
                        Err(why) => return Ok(Some(why)),
                    }
                }
                Some(3) => {
                    arguments.truncate(2);
                    match self.paths().await? {
                        Ok(paths) => arguments.extend(paths),
                        Err(why) => return Ok(Some(why)),
                    }
                }
                _ => return Ok(None),
            }
        }
    }

    async fn begin(&mut self, arguments: &[String], more: &[&str]) -> Result<Option<Why>, CliError> {
        let mut restore = vec!["restore".to_owned()];
        restore.extend_from_slice(arguments);
        restore.extend(more.iter().map(ToString::to_string));
        self.verb(&restore).await
    }

    /// Which instances and workspaces, as options.
    async fn parts(&mut self, backup: &Backup) -> Result<Result<Vec<String>, Why>, CliError> {
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
            match self.some_of(what, &labels).await? {
                Ok(chosen) => {
                    let chosen = chosen.into_iter().filter_map(|place| names.get(place));
                    options.extend(chosen.flat_map(|name| [option.to_owned(), name.clone()]));
                }
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(options))
    }

    /// Which paths, as options.
    async fn paths(&mut self) -> Result<Result<Vec<String>, Why>, CliError> {
        let mut options = Vec::new();
        loop {
            match self
                .answer("a path, such as author:/website/home/news, or nothing: ")
                .await?
            {
                Answer::Over(why) => return Ok(Err(why)),
                Answer::Line(line) if line.is_empty() => return Ok(Ok(options)),
                Answer::Line(line) => options.extend(["--path".to_owned(), line]),
            }
        }
    }

    /// One of some; `None` for none of them.
    async fn one_of(
        &mut self,
        title: &str,
        labels: &[String],
        question: &str,
    ) -> Result<Result<Option<usize>, Why>, CliError> {
        self.call.say("")?;
        self.call.tell(title)?;
        self.numbered(labels)?;
        loop {
            match self
                .answer(&format!("{question} (1 to {}, or back)> ", labels.len()))
                .await?
            {
                Answer::Over(why) => return Ok(Err(why)),
                Answer::Line(line) if matches!(line.as_str(), "" | "b" | "back") => return Ok(Ok(None)),
                Answer::Line(line) => match place(&line, labels.len()) {
                    Some(place) => return Ok(Ok(Some(place))),
                    None => self
                        .call
                        .remark(&format!("\"{line}\" is no number from 1 to {}", labels.len()))?,
                },
            }
        }
    }

    /// Some of them, or all where nothing is typed.
    async fn some_of(&mut self, what: &str, labels: &[String]) -> Result<Result<Vec<usize>, Why>, CliError> {
        self.call.say("")?;
        self.call.tell(&format!("Which {what}?"))?;
        self.numbered(labels)?;
        loop {
            let line = match self
                .answer(&format!(
                    "{what}, numbers with spaces between them, or nothing for all> "
                ))
                .await?
            {
                Answer::Over(why) => return Ok(Err(why)),
                Answer::Line(line) => line,
            };
            let chosen: Option<Vec<usize>> = line
                .split([' ', ','])
                .filter(|word| !word.is_empty())
                .map(|word| place(word, labels.len()))
                .collect();
            match chosen {
                Some(chosen) => return Ok(Ok(chosen)),
                None => self
                    .call
                    .remark(&format!("type numbers from 1 to {}", labels.len()))?,
            }
        }
    }

    fn numbered(&mut self, labels: &[String]) -> Result<(), CliError> {
        for (number, label) in (1..).zip(labels) {
            self.call.tell(&format!("{number:>3}  {label}"))?;
        }
        Ok(())
    }
}

/// The place of a number in a list, from 0.
fn place(word: &str, count: usize) -> Option<usize> {
    let number: usize = word.trim().parse().ok()?;
    number.checked_sub(1).filter(|place| *place < count)
}

/// What there is to say of a backup, the most important first.
fn sentence(backup: &Backup, now: Instant) -> String {
    let manifest = &backup.manifest;
    let slots: Vec<&str> = manifest.slots.iter().map(|slot| slot.label()).collect();
    let kind = if slots.is_empty() {
        manifest.trigger.names().to_owned()
    } else {
        slots.join(" and ")
    };
    let mut parts = vec![
        kind,
        format!(
            "taken {}, {} ago",
            measure::moment(manifest.taken),
            measure::between(manifest.taken, now)
        ),
        match &backup.verification {
            Verification::Verified { .. } => "verified".to_owned(),
            Verification::Unverified => "not verified".to_owned(),
            Verification::Damaged { .. } => "DAMAGED".to_owned(),
        },
        format!("release {}", manifest.versions.release),
        measure::bytes(manifest.bytes()),
        format!("id {}", backup.id),
    ];
    if let Some(note) = &manifest.note {
        parts.push(format!("note by {}: {note}", manifest.by));
    }
    parts.join(", ")
}
