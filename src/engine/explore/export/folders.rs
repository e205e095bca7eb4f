//! A folder or a file of content in folders with all that is below it, as it is: out of a backup, or out of Live.
//!
//! Owners and permissions are not taken along: whoever exports it gets it as his own. A link stays a link.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::{About, Archive, Takes, Tally};
use super::{STEP, Survey};
use crate::content::backed_up::{BackedUpFile, BackedUpFiles};
use crate::content::inside::file_tree::name_of;
use crate::content::inside::folder::bytes_named;
use crate::content::inside::{StoredFile, What, tables::backed_up};
use crate::content::restoring::RestoreError;
use crate::content::{Content, Item, ItemKind};
use crate::domain::explore::{ExportForm, NodePath, file_name};
use crate::domain::os_error::in_words;
use crate::engine::explore::background::Work;
use crate::engine::explore::index::{Pages, Row};
use crate::engine::explore::source::{Opened, WorkspaceOpen};
use crate::engine::explore::{Answer, Trouble};
use crate::engine::{EngineError, Live};
use crate::watch::Watch as _;

/// A folder or a file.
pub(super) struct Subtree {
    pub(super) open: WorkspaceOpen,
    pub(super) path: NodePath,
    is_file: bool,
    modified: i64,
    from: From,
}

/// Where it is.
enum From {
    Backup(Arc<dyn BackedUpFiles>, StoredFile),
    Live(Arc<dyn Content>),
}

impl Live {
    /// A folder or a file of a workspace.
    pub(super) fn subtree(
        &self,
        source: &Opened,
        open: WorkspaceOpen,
        pages: &Pages,
        row: &Row,
        path: NodePath,
    ) -> Answer<Subtree> {
        let from = if let Some(files) = self.files_of(source, &open.instance)? {
            From::Backup(Arc::new(files), pages.file(row)?)
        } else {
            let place = self.place_of(&open.instance);
            let place = place.ok_or_else(|| Trouble::not_there(format!("there is no {path} in Live")))?;
            From::Live(place.content())
        };
        Ok(Subtree {
            open,
            path,
            is_file: row.what == What::File,
            modified: row.modified,
            from,
        })
    }
}

impl Subtree {
    /// Goes through all of it.
    pub(super) fn survey(&self, work: &Work<Survey>) -> Answer<()> {
        let mut tally = Tally::default();
        let most = self.open.pages()?.count()?;
        work.change(|survey| survey.most = most);
        let mut items = 0;
        let told = &mut || {
            items += 1;
            if items % STEP == 0 {
                work.change(|survey| survey.nodes = items);
            }
            work.progress.is_cancelled()
        };
        self.pass(&mut tally, false, told)?;
        work.change(|survey| {
            survey.nodes = items;
            survey.bytes = tally.bytes;
        });
        Ok(())
    }

    pub(super) fn write(&self, out: impl Write) -> Answer<()> {
        let mut archive = Archive::begin(out);
        self.pass(&mut archive, true, &mut || false)?;
        archive.finish().map_err(|error| wrong(&error))?;
        Ok(())
    }

    /// Hands on each item, with what is in it if that is wanted.
    fn pass(&self, takes: &mut dyn Takes, reads: bool, told: &mut dyn FnMut() -> bool) -> Answer<()> {
        let top = PathBuf::from(file_name(&self.path, ExportForm::Files));
        match &self.from {
            From::Backup(files, stored) if self.is_file => {
                let file = backed_up(stored);
                let mut about = about(&file.item);
                about.modified.seconds = self.modified;
                told();
                let mut reader = files.reader(&file);
                takes
                    .file(&top, &about, file.size(), &mut *reader)
                    .map_err(|error| wrong(&error))?;
            }
            From::Backup(files, _) => self.out_of_backup(&**files, &top, takes, reads, told)?,
            From::Live(content) => self.out_of_live(&**content, &top, takes, reads, told)?,
        }
        Ok(())
    }

    fn out_of_backup(
        &self,
        files: &dyn BackedUpFiles,
        top: &Path,
        takes: &mut dyn Takes,
        reads: bool,
        told: &mut dyn FnMut() -> bool,
    ) -> Answer<()> {
        told();
        takes
            .folder(
                top,
                &About {
                    mode: 0o755,
                    ..About::default()
                },
            )
            .map_err(|error| wrong(&error))?;
        let names = std::iter::once(self.open.workspace.as_str())
            .chain(self.path.steps.iter().map(|step| step.name.as_str()));
        let folder: PathBuf = names
            .map(|name| bytes_named(name).map_or_else(|| name.into(), OsString::from_vec))
            .collect();
        files.walk(&folder, &mut |file: BackedUpFile| {
            if told() {
                return Err(RestoreError::Cancelled);
            }
            let mut reader: Box<dyn Read + '_> = if reads {
                files.reader(&file)
            } else {
                Box::new(io::empty())
            };
            hand_on(takes, &top.join(&file.item.path), &file.item, &mut *reader)
                .map_err(|error| failed(&error))
        })?;
        Ok(())
    }

    fn out_of_live(
        &self,
        content: &dyn Content,
        top: &Path,
        takes: &mut dyn Takes,
        reads: bool,
        told: &mut dyn FnMut() -> bool,
    ) -> Answer<()> {
        let steps: Vec<&str> = self.path.steps.iter().map(|step| step.name.as_str()).collect();
        let is_chosen = |path: &Path| name_of(path) == self.open.workspace;
        let mut left_out = |_| {};
        for item in content.walk_in(&is_chosen, &mut left_out) {
            let item = item.map_err(RestoreError::from)?;
            let names: Vec<String> = item
                .path
                .iter()
                .skip(1)
                .map(|name| name_of(Path::new(name)))
                .collect();
            let is_in =
                names.len() >= steps.len() && names.iter().zip(&steps).all(|(name, step)| name == step);
            if !is_in {
                continue;
            }
            if told() {
                return Err(EngineError::Cancelled.into());
            }
            let below: PathBuf = item.path.iter().skip(1 + steps.len()).collect();
            let path = if below.as_os_str().is_empty() {
                top.to_owned()
            } else {
                top.join(below)
            };
            let is_read = reads && matches!(item.kind, ItemKind::File { .. });
            let mut reader: Box<dyn Read + Send> = if is_read {
                content.open(&item).map_err(RestoreError::from)?
            } else {
                Box::new(io::empty())
            };
            hand_on(takes, &path, &item, &mut *reader).map_err(|error| wrong(&error))?;
        }
        Ok(())
    }
}

fn hand_on(takes: &mut dyn Takes, path: &Path, item: &Item, bytes: &mut dyn Read) -> io::Result<()> {
    let about = about(item);
    match &item.kind {
        ItemKind::Folder => takes.folder(path, &about),
        ItemKind::File { size } => takes.file(path, &about, *size, bytes),
        ItemKind::Link { target } => takes.link(path, &about, target),
    }
}

/// What is told of an item to whoever gets it as his own.
fn about(item: &Item) -> About {
    About {
        mode: if item.kind == ItemKind::Folder {
            0o755
        } else {
            0o644
        },
        modified: item.modified,
        ..About::default()
    }
}

fn failed(error: &io::Error) -> RestoreError {
    RestoreError::Failed(format!("it cannot be exported: {error}", error = in_words(error)))
}

fn wrong(error: &io::Error) -> Trouble {
    failed(error).into()
}
