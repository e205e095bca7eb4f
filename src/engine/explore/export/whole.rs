//! All that a backup holds of a workspace, of an instance, or of everything, as a tar of what `restic restore` would give.
//!
//! Nothing is gone through before: how much it is says the backup's record.

use std::io::{self, Write};

use super::archive::Archive;
use crate::content::backed_up::BackedUpFiles as _;
use crate::content::restoring::RestoreError;
use crate::content::{Item, ItemKind};
use crate::domain::backup::Backup;
use crate::domain::environment::InstanceName;
use crate::domain::explore::{ExportFacts, ExportForm, NodePath, SourceAt, tar_name};
use crate::domain::os_error::in_words;
use crate::engine::Live;
use crate::engine::explore::source::Opened;
use crate::engine::explore::{Answer, Trouble};
use crate::repository::Files;

/// A part of a backup, or all of it.
pub(super) struct Whole {
    seen: SourceAt,
    path: NodePath,
    file: String,
    items: u64,
    bytes: u64,
    /// The folders of the instances, and what is in each.
    instances: Vec<(Item, Files)>,
}

impl Live {
    /// The files of an instance in a backup; `None` where the source is Live.
    pub(super) fn files_of(&self, source: &Opened, instance: &InstanceName) -> Answer<Option<Files>> {
        let Some(backup) = source.backup() else {
            return Ok(None);
        };
        let not_there = || Trouble::not_there(format!("there is no backup {}", backup.id));
        let repository = self.repository(false)?.ok_or_else(not_there)?;
        Ok(Some(
            repository
                .files(&backup.id, instance)
                .map_err(RestoreError::from)?,
        ))
    }

    pub(super) fn whole(&self, source: &Opened, path: &NodePath) -> Answer<Whole> {
        let Some(backup) = source.backup() else {
            return Err(Trouble::not_there(
                "a tar is made of a backup, and Live is none: name a backup, or take one first with `lifeboat backup`".to_owned(),
            ));
        };
        if !path.steps.is_empty() {
            return Err(Trouble::not_there(format!(
                "a tar is of a workspace, an instance or a whole backup, and {path} is in a workspace: leave the rest of the path \
                 away, or export it with --as files"
            )));
        }
        let wanted = match (&path.instance, &path.workspace) {
            (None, None) => None,
            _ => Some(source.instance_of(self, path)?),
        };
        let (items, bytes) = size(backup, wanted.as_ref(), path.workspace.as_deref()).ok_or_else(|| {
            Trouble::not_there(format!("there is no {path} in {}", source.seen.source.short()))
        })?;
        let not_there = || Trouble::not_there(format!("there is no backup {}", backup.id));
        let repository = self.repository(false)?.ok_or_else(not_there)?;
        let mut instances = Vec::new();
        for folder in repository
            .instance_folders(&backup.id)
            .map_err(RestoreError::from)?
        {
            let name = folder.path.to_string_lossy().parse::<InstanceName>();
            let Ok(name) = name else { continue };
            if wanted.as_ref().is_none_or(|wanted| *wanted == name) {
                let files = repository.files(&backup.id, &name).map_err(RestoreError::from)?;
                instances.push((folder, files));
            }
        }
        let path = NodePath {
            instance: wanted,
            ..path.clone()
        };
        Ok(Whole {
            seen: source.seen.clone(),
            file: tar_name(self.name(), &backup.id, &path),
            path,
            items,
            bytes,
            instances,
        })
    }
}

/// How much the record says that it is: items and bytes. `None` where there is no such workspace.
fn size(backup: &Backup, instance: Option<&InstanceName>, workspace: Option<&str>) -> Option<(u64, u64)> {
    let instances = backup.manifest.instances.iter();
    let wanted = instances.filter(|copy| instance.is_none_or(|name| copy.name == *name));
    let workspaces = wanted.flat_map(|copy| &copy.workspaces);
    let wanted: Vec<_> = workspaces
        .filter(|copy| workspace.is_none_or(|name| copy.name == name))
        .collect();
    let sizes = wanted.iter().fold((0, 0), |(items, bytes), copy| {
        (items + copy.items, bytes + copy.bytes)
    });
    (workspace.is_none() || !wanted.is_empty()).then_some(sizes)
}

impl Whole {
    pub(super) fn facts(&self) -> ExportFacts {
        ExportFacts {
            seen: self.seen.clone(),
            path: self.path.clone(),
            form: ExportForm::Tar,
            file: self.file.clone(),
            nodes: self.items,
            bytes: self.bytes,
            remarks: Vec::new(),
        }
    }

    pub(super) fn write(&self, out: impl Write) -> Answer<()> {
        let mut archive = Archive::begin(out);
        let wanted = self.path.workspace.as_deref();
        for (folder, files) in &self.instances {
            archive
                .item(folder, &mut io::empty())
                .map_err(|error| failed(&error))?;
            let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
            files.walk_workspaces(&is_wanted, &mut |mut file| {
                let path = std::mem::take(&mut file.item.path);
                file.item.path = folder.path.join(path);
                let done = match file.item.kind {
                    ItemKind::File { .. } => archive.item(&file.item, &mut *files.reader(&file)),
                    ItemKind::Folder | ItemKind::Link { .. } => archive.item(&file.item, &mut io::empty()),
                };
                done.map_err(|error| failed(&error))
            })?;
        }
        archive.finish().map_err(|error| failed(&error))?;
        Ok(())
    }
}

fn failed(error: &io::Error) -> RestoreError {
    RestoreError::Failed(format!(
        "the tar cannot be written: {error}",
        error = in_words(error)
    ))
}
