//! What the actions inside a backup are about: the node that is chosen on the screen, the sources beside this one, and what
//! can be compared.

use super::Column;
use super::differences::Differences;
use super::marks::Mark;
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{NodePath, Source};
use crate::domain::state::EnvironmentDetails;
use crate::tui::action::Place;
use crate::tui::model::Model;
use crate::tui::model::screens::Screen;

/// A node somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// The environment.
    pub environment: EnvironmentName,
    /// The backup, or Live.
    pub source: Source,
    /// Where it is in that.
    pub path: NodePath,
}

/// What would be compared: what was before, what is now, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The environment.
    pub environment: EnvironmentName,
    /// What was before.
    pub older: Source,
    /// What is now.
    pub newer: Source,
    /// Only in here.
    pub below: NodePath,
}

/// Every backup by its age, and Live at the end.
#[must_use]
pub fn sources(details: &EnvironmentDetails) -> Vec<Source> {
    let mut backups: Vec<_> = details.all_backups().collect();
    backups.sort_by_key(|backup| backup.manifest.taken);
    let mut sources: Vec<Source> = backups.iter().map(|backup| Source::from(&backup.id)).collect();
    sources.dedup();
    sources.push(Source::Live);
    sources
}

impl Model {
    /// The node that is chosen on the screen.
    #[must_use]
    pub fn chosen_node(&self) -> Option<There> {
        match self.screens.last()? {
            Screen::Explorer(explorer) => Some(There {
                environment: explorer.environment.clone(),
                source: explorer.source.clone(),
                path: explorer.chosen()?,
            }),
            Screen::Search(search) => {
                let find = search.finds.selected()?;
                Some(There {
                    environment: search.environment.clone(),
                    source: find.seen.source.clone(),
                    path: find.path.clone(),
                })
            }
            Screen::Differences(differences) => {
                let (source, path) = differences.place()?;
                Some(There {
                    environment: differences.environment.clone(),
                    source,
                    path,
                })
            }
            _ => None,
        }
    }

    /// The node that a mark would be on. Only what a backup has can be marked; of a file that nodes were read out of, all of it.
    ///
    /// # Errors
    /// The sentence that says why nothing can be marked.
    pub fn markable(&self) -> Result<There, String> {
        let there = match self.screens.last() {
            Some(Screen::Differences(differences)) => in_backup(differences),
            _ => self.chosen_node().map(|there| There {
                path: self.file_around_chosen().cloned().unwrap_or(there.path),
                ..there
            }),
        };
        let there = there.ok_or("no node is chosen that a backup has")?;
        let there = in_a_backup(there)?;
        if there.path.workspace.is_none() {
            return Err(
                "nodes, files and workspaces are marked: go into the instance, or r on the main screen restores all of it"
                    .to_owned(),
            );
        }
        Ok(there)
    }

    /// The backup on the screen, in which something may be marked, whatever is chosen there.
    ///
    /// # Errors
    /// The sentence that says why there is none.
    pub fn marked_in(&self) -> Result<(EnvironmentName, Source), String> {
        let (environment, source) = match self.screens.last() {
            Some(Screen::Explorer(explorer)) => (&explorer.environment, &explorer.source),
            Some(Screen::Differences(differences)) => (&differences.environment, backup_of(differences)),
            Some(Screen::Search(search)) => {
                let find = search
                    .finds
                    .selected()
                    .ok_or("no node is chosen that a backup has")?;
                (&search.environment, &find.seen.source)
            }
            _ => return Err("no backup is on the screen".to_owned()),
        };
        if *source == Source::Live {
            return Err(IS_LIVE.to_owned());
        }
        Ok((environment.clone(), source.clone()))
    }

    /// The workspace that the chosen node is in, of which all would be marked. A comparison lists nodes alone, also those that only
    /// Live has.
    ///
    /// # Errors
    /// The sentence that says why none can be marked.
    pub fn markable_workspace(&self) -> Result<There, String> {
        let mut there = match self.screens.last() {
            Some(Screen::Differences(differences)) => {
                let line = differences.lines.selected();
                let path = line.and_then(|line| line.path()).cloned();
                path.map(|path| There {
                    environment: differences.environment.clone(),
                    source: backup_of(differences).clone(),
                    path,
                })
            }
            _ => self.chosen_node(),
        }
        .ok_or("no node is chosen")?;
        there.path.steps.clear();
        if there.path.workspace.is_none() {
            return Err("no workspace is chosen: go into the instance".to_owned());
        }
        in_a_backup(there)
    }

    /// What is to be known of the chosen difference, once it is marked, where nobody can read it in the backup: that comes back as well.
    #[must_use]
    pub fn marked_as_it_is(&self) -> Option<String> {
        let Some(Screen::Differences(differences)) = self.screens.last() else {
            return None;
        };
        let there = in_backup(differences)?;
        let unreadable = differences.lines.selected()?.unreadable.as_ref()?;
        let why = if differences.older == Source::Live {
            unreadable.newer.as_ref()?
        } else {
            unreadable.older.as_ref()?
        };
        let mark = self.marks.mark(&there.environment, &there.source, &there.path);
        (mark == Mark::Marked).then(|| {
            format!(
                "{} cannot be read in this backup: {why}. It would come back as it is there, which Live may not read",
                there.path.name()
            )
        })
    }

    /// The file that the chosen node lies in, where the explorer knows of one.
    #[must_use]
    pub fn file_around_chosen(&self) -> Option<&NodePath> {
        match self.screens.last()? {
            Screen::Explorer(explorer) => explorer.file_around(),
            _ => None,
        }
    }

    /// The source before the explored one, or the one after it.
    #[must_use]
    pub fn source_beside(&self, newer: bool) -> Option<Source> {
        let Some(Screen::Explorer(explorer)) = self.screens.last() else {
            return None;
        };
        let all = sources(self.details.get(&explorer.environment)?);
        // A backup that was dropped meanwhile has no place: what comes before Live is before it too.
        let here = all.iter().position(|source| *source == explorer.source);
        let here = here.unwrap_or(all.len() - 1);
        let beside = if newer { here + 1 } else { here.checked_sub(1)? };
        all.get(beside).cloned()
    }

    /// What would be compared from here.
    ///
    /// # Errors
    /// The sentence that says why nothing can be.
    pub fn comparable(&self) -> Result<Compared, String> {
        let no_backup = || "no backup is chosen that Live could be compared with".to_owned();
        match self.screens.last() {
            Some(Screen::Explorer(explorer)) => {
                if explorer.source == Source::Live {
                    return Err(
                        "this is Live: [ goes to a backup, and = compares that one with Live".to_owned(),
                    );
                }
                let below = match explorer.column {
                    Column::Tree => explorer.path.clone(),
                    Column::Node | Column::History => explorer.chosen().ok_or_else(no_backup)?,
                };
                Ok(Compared {
                    environment: explorer.environment.clone(),
                    older: explorer.source.clone(),
                    newer: Source::Live,
                    below,
                })
            }
            Some(Screen::Wizard(wizard)) if self.place_below() == Place::Plan => {
                let backup = wizard.backup.as_ref().ok_or_else(no_backup)?;
                let selection = wizard.selection();
                let only = |names: &[String]| match names {
                    [name] => Some(name.clone()),
                    _ => None,
                };
                Ok(Compared {
                    environment: wizard.environment.clone(),
                    older: Source::Live,
                    newer: Source::from(backup),
                    below: NodePath {
                        instance: match selection.instances.as_slice() {
                            [instance] => Some(instance.clone()),
                            _ => None,
                        },
                        workspace: only(&selection.workspaces),
                        steps: match selection.paths.as_slice() {
                            [path] => path.steps.clone(),
                            _ => Vec::new(),
                        },
                    },
                })
            }
            _ => {
                let backup = self.chosen_backup().ok_or_else(no_backup)?;
                Ok(Compared {
                    environment: self.target_name().cloned().ok_or_else(no_backup)?,
                    older: Source::from(&backup.id),
                    newer: Source::Live,
                    below: NodePath::default(),
                })
            }
        }
    }
}

const IS_LIVE: &str = "this is Live: what is to be brought back is marked in a backup, and [ goes to one";

/// What is to be marked, where it is in a backup.
fn in_a_backup(there: There) -> Result<There, String> {
    if there.source == Source::Live {
        return Err(IS_LIVE.to_owned());
    }
    Ok(there)
}

/// The backup of what is compared, from which something would be brought back.
fn backup_of(differences: &Differences) -> &Source {
    if differences.older == Source::Live {
        &differences.newer
    } else {
        &differences.older
    }
}

/// The chosen node as the backup has it: the older one of the two, or the other where a plan is looked at.
fn in_backup(differences: &Differences) -> Option<There> {
    let line = differences.lines.selected()?;
    let (source, path) = if differences.older == Source::Live {
        (&differences.newer, line.newer.as_ref()?)
    } else {
        (&differences.older, line.older.as_ref()?)
    };
    Some(There {
        environment: differences.environment.clone(),
        source: source.clone(),
        path: path.clone(),
    })
}
