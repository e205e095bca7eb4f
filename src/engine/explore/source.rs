//! Where it is looked: a source that is found, its instances, and an index of one of their workspaces.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant as Monotonic, SystemTime};

use super::first_look::Wanted;
use super::index::{Index, Pages};
use super::shelf::Key;
use super::{Answer, Trouble};
use crate::content::inside::{self, Inside, WorkspaceInside};
use crate::domain::Instant;
use crate::domain::backup::{Backup, choose};
use crate::domain::environment::InstanceName;
use crate::domain::explore::{Looked, NodePath, Source, SourceAt};
use crate::domain::job::JobId;
use crate::domain::measure::listed;
use crate::domain::nearest::{Missing, nearest, question};
use crate::engine::{EngineError, Live};

/// What is open of Live is looked at again after this.
const LIVE_LASTS: Duration = Duration::from_mins(1);
/// So many instances are kept open.
const MOST_OPEN: usize = 16;

/// A source that was found.
#[derive(Clone)]
pub(super) struct Opened {
    pub(super) seen: SourceAt,
    backup: Option<Arc<Backup>>,
    /// Of Live alone.
    pub(super) after: Option<After>,
}

/// After which jobs Live is looked at. After another one what was seen of it is no more what it is: nothing is worse at night
/// than a restore that seems to have changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct After {
    /// The last one that has ended.
    ended: Option<JobId>,
    /// The one at work, where the moment that counts has come.
    switched: Option<JobId>,
}

/// An instance that is open.
#[derive(Clone)]
pub(super) struct InstanceInside {
    pub(super) inside: Arc<dyn Inside>,
    counted: Arc<OnceLock<Vec<WorkspaceInside>>>,
}

impl InstanceInside {
    /// Its workspaces, with what is in them counted. In a folder of Live that goes through all of it, once.
    pub(super) fn workspaces(&self) -> Result<&[WorkspaceInside], EngineError> {
        if let Some(counted) = self.counted.get() {
            return Ok(counted);
        }
        let counted = self.inside.workspaces()?;
        Ok(self.counted.get_or_init(|| counted))
    }

    /// One of them, whose content need not have been counted.
    pub(super) fn workspace(&self, name: &str) -> Result<Option<WorkspaceInside>, EngineError> {
        match self.counted.get() {
            Some(counted) => Ok(counted.iter().find(|known| known.name == name).cloned()),
            None => Ok(self.inside.workspace(name)?),
        }
    }
}

/// Instances that are open, the one that was opened last at the end.
pub(super) type KeptOpen = Vec<(Source, String, Monotonic, InstanceInside)>;

/// A workspace whose index is there.
pub(super) struct WorkspaceOpen {
    pub(super) seen: SourceAt,
    pub(super) instance: InstanceName,
    pub(super) workspace: String,
    pub(super) inside: Arc<dyn Inside>,
    pub(super) index: Index,
}

impl WorkspaceOpen {
    /// Opens its index, for the length of a call.
    pub(super) fn pages(&self) -> Answer<Pages> {
        Ok(self.index.open()?)
    }

    /// A path as one in its instance.
    pub(super) fn within(&self, path: NodePath) -> NodePath {
        NodePath {
            instance: Some(self.instance.clone()),
            ..path
        }
    }

    /// The path of the workspace itself.
    pub(super) fn path(&self) -> NodePath {
        NodePath {
            instance: Some(self.instance.clone()),
            workspace: Some(self.workspace.clone()),
            steps: Vec::new(),
        }
    }
}

impl Opened {
    /// The backup; `None` where it is Live.
    pub(super) fn backup(&self) -> Option<&Backup> {
        self.backup.as_deref()
    }

    /// The instances, in the order of the configuration, or of the record.
    pub(super) fn instances(&self, live: &Live) -> Vec<InstanceName> {
        match &self.backup {
            Some(backup) => backup
                .manifest
                .instances
                .iter()
                .map(|copy| copy.name.clone())
                .collect(),
            None => live
                .settings()
                .instances
                .iter()
                .map(|known| known.name.clone())
                .collect(),
        }
    }

    /// The instance of a path.
    pub(super) fn instance_of(&self, live: &Live, path: &NodePath) -> Answer<InstanceName> {
        let known = self.instances(live);
        match (&path.instance, known.as_slice()) {
            (Some(name), _) if known.contains(name) => Ok(name.clone()),
            (None, [only]) => Ok(only.clone()),
            (Some(name), _) => Err(Trouble::not_there(format!(
                "{} has no instance {name}: it has {}",
                self.seen.source.short(),
                named(&known)
            ))),
            (None, _) => Err(Trouble::not_there(which_instance(path, &known))),
        }
    }
}

fn named(known: &[InstanceName]) -> String {
    let names: Vec<_> = known.iter().map(ToString::to_string).collect();
    listed(&names)
}

/// That a path has to say in which instance it is meant, and how.
pub(super) fn which_instance(path: &NodePath, known: &[InstanceName]) -> String {
    let Some(first) = known.first() else {
        return format!("there is no instance that {path} could be in");
    };
    let typed = NodePath {
        instance: Some(first.clone()),
        ..path.clone()
    };
    format!(
        "{path} may be in any of {}: say in which, and write {typed} for example",
        named(known)
    )
}

impl Live {
    /// Finds a source.
    pub(super) fn source(&self, source: &Source) -> Result<Opened, EngineError> {
        let Source::Backup(text) = source else {
            return Ok(Opened {
                seen: SourceAt {
                    source: Source::Live,
                    at: self.now(),
                },
                backup: None,
                after: Some(self.after()?),
            });
        };
        let backups = self.backups()?;
        Ok(of_backup(choose(&backups, text)?))
    }

    fn after(&self) -> Result<After, EngineError> {
        let catalog = self.engine().catalog();
        let running = catalog.running(self.name())?;
        Ok(After {
            switched: running.filter(|job| job.reached.is_some()).map(|job| job.id),
            ended: catalog.last_ended(self.name())?.map(|job| job.id),
        })
    }

    /// A path with the instance that it is meant in, where several sources are looked into: it may be left out where all of them
    /// together have one.
    pub(super) fn in_an_instance(&self, sources: &[Opened], path: &NodePath) -> Answer<NodePath> {
        let mut known: Vec<InstanceName> = Vec::new();
        for name in sources.iter().flat_map(|source| source.instances(self)) {
            if !known.contains(&name) {
                known.push(name);
            }
        }
        match (&path.instance, known.as_slice()) {
            (Some(name), _) if known.contains(name) => Ok(path.clone()),
            (Some(name), _) => Err(Trouble::not_there(format!(
                "there is no instance {name}, in Live nor in any backup that stands: there is {}",
                named(&known)
            ))),
            (None, [only]) => Ok(NodePath {
                instance: Some(only.clone()),
                ..path.clone()
            }),
            (None, _) => Err(Trouble::not_there(which_instance(path, &known))),
        }
    }

    /// All backups that stand, the oldest first.
    pub(super) fn all_sources(&self) -> Result<Vec<Opened>, EngineError> {
        let mut backups = self.backups()?;
        backups.reverse();
        Ok(backups.iter().map(of_backup).collect())
    }

    /// Opens an instance of a source, or gives the one that is open.
    pub(super) fn instance_inside(
        &self,
        source: &Opened,
        instance: &InstanceName,
    ) -> Result<InstanceInside, EngineError> {
        let explorer = self.engine().explorer();
        let place = format!("{}:{instance} {:?}", self.name(), source.after);
        {
            let mut kept = explorer.kept.lock();
            kept.retain(|(of, _, since, _)| *of != Source::Live || since.elapsed() < LIVE_LASTS);
            let found = kept
                .iter()
                .find(|(of, at, ..)| *of == source.seen.source && *at == place);
            if let Some((.., open)) = found {
                return Ok(open.clone());
            }
        }
        let inside = self.open_inside(source, instance)?;
        let open = InstanceInside {
            counted: Arc::default(),
            inside,
        };
        let mut kept = explorer.kept.lock();
        if kept.len() >= MOST_OPEN {
            kept.remove(0);
        }
        kept.push((source.seen.source.clone(), place, Monotonic::now(), open.clone()));
        Ok(open)
    }

    fn open_inside(&self, source: &Opened, instance: &InstanceName) -> Result<Arc<dyn Inside>, EngineError> {
        let not_there = || {
            let known = source.instances(self);
            let near = nearest(instance.as_str(), known.iter().map(InstanceName::as_str));
            EngineError::NotThere(Missing {
                sentence: format!("there is no instance {instance}{}", question(&near)),
                near,
            })
        };
        let Some(backup) = &source.backup else {
            let place = self.place_of(instance).ok_or_else(not_there)?;
            return Ok(place.inside()?);
        };
        let mut copies = backup.manifest.instances.iter();
        let copy = copies.find(|copy| copy.name == *instance).ok_or_else(not_there)?;
        let repository = self.repository(false)?.ok_or_else(not_there)?;
        Ok(inside::in_backup(&repository.instance(&backup.id, copy))?)
    }

    /// The workspace of a path with its index, or how far its reading is.
    pub(super) fn workspace(&self, source: &Opened, path: &NodePath) -> Answer<Looked<WorkspaceOpen>> {
        let instance = source.instance_of(self, path)?;
        let open = self.instance_inside(source, &instance)?;
        let name = path.workspace.clone().unwrap_or_default();
        let Some(workspace) = open.workspace(&name)? else {
            let known = open.workspaces()?.iter();
            let names: Vec<_> = known.map(|known| known.name.as_str()).collect();
            let near = nearest(&name, names.iter().copied());
            let instead = if near.is_empty() {
                format!(": it has {}", names.join(", "))
            } else {
                question(&near)
            };
            return Err(Trouble::not_there(Missing {
                sentence: format!(
                    "{} has no workspace \"{name}\" in {instance}{instead}",
                    source.seen.source.short()
                ),
                near,
            }));
        };
        let key = Key {
            environment: self.name().clone(),
            source: source.seen.source.clone(),
            instance: instance.clone(),
            workspace: name.clone(),
            after: source.after,
        };
        let mut token = [0; 8];
        self.engine().fill_at_random(&mut token)?;
        let looked = self.engine().explorer().looks.index(&Wanted {
            key,
            inside: Arc::clone(&open.inside),
            workspace,
            token: format!("{:016x}", u64::from_be_bytes(token)),
            now: SystemTime::from(self.now()),
        })?;
        let index = match looked {
            Looked::Reading(look) => return Ok(Looked::Reading(look)),
            Looked::Ready(index) => index,
        };
        let at = match source.seen.source {
            Source::Live => Instant::from(index.read),
            Source::Backup(_) => source.seen.at,
        };
        Ok(Looked::Ready(WorkspaceOpen {
            seen: SourceAt {
                source: source.seen.source.clone(),
                at,
            },
            instance,
            workspace: name,
            inside: open.inside,
            index,
        }))
    }
}

fn of_backup(backup: &Backup) -> Opened {
    Opened {
        seen: SourceAt {
            source: Source::from(&backup.id),
            at: backup.manifest.taken,
        },
        backup: Some(Arc::new(backup.clone())),
        after: None,
    }
}
