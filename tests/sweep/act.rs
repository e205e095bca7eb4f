//! What Lifeboat is asked to do in a round, and what Live holds when it is done.

use crate::house::{FOLDER, LIVE};
use crate::live::{PART, Parts};
use crate::random::Random;

/// Which part of Live a restore is about; nothing chosen is everything.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    pub instances: Vec<&'static str>,
    pub workspaces: Vec<&'static str>,
    /// Whether it is the one part of the website that comes back alone.
    pub is_part: bool,
}

impl Chosen {
    fn any(random: &mut Random) -> Self {
        if random.once_in(2) {
            return Self::default();
        }
        if random.once_in(2) {
            let instances: &[&[&'static str]] = &[&[FOLDER], &[FOLDER], &["author"], &["author", "public-2"]];
            return Self {
                instances: random.one_of(instances).to_vec(),
                workspaces: Vec::new(),
                is_part: true,
            };
        }
        let instances: &[&[&'static str]] = &[
            &[],
            &["author"],
            &["public-1"],
            &["public-2"],
            &["author", "public-2"],
            &["author", "public-2"],
            &["author", "public-1"],
        ];
        let workspaces: &[&[&'static str]] = &[&[], &[], &["website"], &["website", "dam"]];
        Self {
            instances: random.one_of(instances).to_vec(),
            workspaces: random.one_of(workspaces).to_vec(),
            is_part: false,
        }
    }

    fn has(&self, part: &str) -> bool {
        let (instance, workspace) = part.split_once('/').unwrap();
        if self.is_part {
            return workspace == PART && self.instances.contains(&instance);
        }
        let workspace = if workspace == PART { "website" } else { workspace };
        (self.instances.is_empty() || self.instances.contains(&instance))
            && (self.workspaces.is_empty() || self.workspaces.contains(&workspace))
    }

    /// Whether it is a part of tables, into which nobody may write meanwhile.
    pub fn is_of_tables(&self) -> bool {
        self.is_part && !self.instances.contains(&FOLDER)
    }

    /// What an undo of it takes back: of tables all of the workspace.
    pub fn taken_back(&self) -> Self {
        if !self.is_of_tables() {
            return self.clone();
        }
        Self {
            instances: self.instances.clone(),
            workspaces: vec!["website"],
            is_part: false,
        }
    }

    /// What Live holds when this part of it is as it was.
    pub fn brought_back(&self, live: &Parts, was: &Parts) -> Parts {
        let mut parts: Parts = live.clone();
        parts.retain(|part, _| !self.has(part));
        let came = was.iter().filter(|(part, _)| self.has(part));
        parts.extend(came.map(|(part, digest)| (part.clone(), digest.clone())));
        parts
    }
}

/// What undo goes back to.
#[derive(Debug, Clone)]
pub struct Last {
    pub was: Parts,
    pub chosen: Chosen,
}

/// See the module.
#[derive(Debug, Clone)]
pub enum Action {
    Backup,
    Upgrade,
    Restore { backup: String, chosen: Chosen },
    Undo,
    Confirm,
    Delete { which: &'static str },
}

impl Action {
    /// Any; undo only where it is known what it goes back to.
    pub fn any(random: &mut Random, backups: &[String], can_undo: bool) -> Self {
        match random.below(12) {
            0 | 1 => Self::Backup,
            2 => Self::Upgrade,
            3 => Self::Confirm,
            4 => Self::Delete {
                which: random.one_of(&["safety", "upgrade"]),
            },
            5..=7 if can_undo => Self::Undo,
            _ => Self::Restore {
                backup: if random.once_in(2) {
                    "manual".to_owned()
                } else {
                    random.one_of(backups)
                },
                chosen: Chosen::any(random),
            },
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Upgrade => "upgrade",
            Self::Restore { .. } => "restore",
            Self::Undo => "undo",
            Self::Confirm => "confirm",
            Self::Delete { .. } => "delete",
        }
    }

    pub fn arguments(&self) -> Vec<String> {
        let mut all = vec![
            if matches!(self, Self::Upgrade) {
                "backup"
            } else {
                self.name()
            },
            LIVE,
        ];
        match self {
            Self::Backup | Self::Confirm => {}
            Self::Upgrade => all.extend(["--trigger", "upgrade", "--to", "6.4.0"]),
            Self::Undo => all.extend(["--confirm", LIVE]),
            Self::Delete { which } => all.push(which),
            Self::Restore { backup, chosen } => {
                all.extend([backup.as_str(), "--even-if-unchanged", "--confirm", LIVE]);
                all.extend(
                    chosen
                        .instances
                        .iter()
                        .flat_map(|instance| ["--instance", instance]),
                );
                all.extend(
                    chosen
                        .workspaces
                        .iter()
                        .flat_map(|workspace| ["--workspace", workspace]),
                );
                if chosen.is_part {
                    all.extend(["--path", "/website/press"]);
                }
            }
        }
        all.into_iter().map(str::to_owned).collect()
    }

    /// Whether it switches Live.
    pub fn switches(&self) -> bool {
        matches!(self, Self::Restore { .. } | Self::Undo)
    }

    /// Whether a rule may refuse it: nothing stands that it is about.
    pub fn may_be_refused(&self) -> bool {
        matches!(self, Self::Upgrade | Self::Confirm | Self::Delete { .. })
    }
}
