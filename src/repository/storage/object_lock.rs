//! What a bucket does whose objects are kept for a while: until when each is, keeping it for longer, removing it for good
//! when its time is over, and finding what somebody has hidden.
//!
//! Such a bucket has versions. To delete an object there without naming a version puts a marker on top that hides it: it
//! cannot be read any more, and is still there beneath. Lifeboat never hides what a backup needs; what it removes it removes
//! by its versions, which the bucket refuses as long as they are kept. So whatever is found hidden was hidden by somebody
//! else. The one exception are files of the index which a later one has replaced: they are hidden at once, since a wrong
//! index would be worse than a missing one, and removed when their time is over.

use std::collections::BTreeMap;

use opendal::Entry;
use opendal::options::{DeleteOptions, ListOptions};

use super::bucket::{Bucket, LOCKS};
use super::refusal::StorageRefusal;
use super::signed::LockLook;
use crate::domain::Instant;
use crate::domain::settings::Immutable;
use crate::repository::error::RepositoryError;

/// What a repository consists of, beside its config and its locks.
const PARTS: [&str; 4] = ["data/", "index/", "keys/", "snapshots/"];

/// An object that is there and cannot be read: somebody has put a marker on top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::repository) struct Hidden {
    /// Its name in the bucket.
    pub(in crate::repository) key: String,
    /// The marker's version.
    pub(in crate::repository) marker: String,
    /// Until when what is beneath is kept.
    pub(in crate::repository) until: Instant,
}

/// All versions of one object.
#[derive(Default)]
struct Versions {
    /// Of its content, and whether each is the current one.
    content: Vec<(String, bool)>,
    /// Markers, and whether each is the current one.
    markers: Vec<(String, bool)>,
}

impl Bucket {
    /// The names of all objects that a backup may need, counted from where the repository is.
    pub(in crate::repository) fn kept_objects(&self) -> Result<Vec<String>, RepositoryError> {
        let begin = self.beginning();
        let entries = self.entries("", None)?;
        Ok(entries
            .iter()
            .filter_map(|entry| entry.path().strip_prefix(&begin))
            .filter(|name| *name == "config" || PARTS.iter().any(|part| name.starts_with(part)))
            .map(str::to_owned)
            .collect())
    }

    /// For how long objects are kept that are written, and the time now.
    pub(in crate::repository) fn kept_for(&self) -> Option<(Immutable, Instant)> {
        let keeping = self.keeping.as_ref()?;
        Some((keeping.time, keeping.clock.now()))
    }

    /// Until when an object is kept. `None` where it is not.
    pub(in crate::repository) fn kept_until(&self, name: &str) -> Result<Option<Instant>, RepositoryError> {
        self.version_kept_until(name, None)
            .map_err(|refusal| self.failed(&format!("asking until when {name} is kept"), &refusal))
    }

    fn version_kept_until(
        &self,
        name: &str,
        version: Option<String>,
    ) -> Result<Option<Instant>, StorageRefusal> {
        let path = self.path(name);
        self.connection.ask_signed(move |signing| {
            let (path, version) = (path.clone(), version.clone());
            async move { signing.kept_until(&path, version.as_deref()).await }
        })
    }

    /// Keeps an object until then.
    pub(in crate::repository) fn keep(&self, name: &str, until: Instant) -> Result<(), RepositoryError> {
        let path = self.path(name);
        self.connection
            .ask_signed(move |signing| {
                let path = path.clone();
                async move { signing.keep(&path, until).await }
            })
            .map_err(|refusal| self.failed(&format!("keeping {name} for longer"), &refusal))
    }

    /// Whether objects can be kept in the bucket at all.
    pub(in crate::repository) fn look_at_lock(&self) -> Result<LockLook, RepositoryError> {
        self.connection
            .ask_signed(|signing| async move { signing.look().await })
            .map_err(|refusal| self.failed("asking for its object lock", &refusal))
    }

    /// Tries whether the key for backing up may delete, on an object that is not there. What that leaves, it removes.
    pub(in crate::repository) fn deletes_needlessly(&self) -> Result<bool, RepositoryError> {
        let path = self.path(&format!("{LOCKS}/lifeboat-tries-to-delete"));
        let tried = self.connection.ask({
            let path = path.clone();
            move |operator| {
                let path = path.clone();
                async move { operator.delete(&path).await }
            }
        });
        match tried {
            Ok(()) => {}
            Err(StorageRefusal::Said(_) | StorageRefusal::Unsupported(_)) => return Ok(false),
            Err(refusal) => return Err(self.failed("trying whether the key may delete", &refusal)),
        }
        // In a bucket with versions this has left a marker, in the way of nobody.
        if let Ok(versions) = self.versions_below(&path) {
            for (version, _) in versions.into_values().flat_map(|all| all.markers) {
                let _ = self.connection.ask({
                    let path = path.clone();
                    move |operator| delete_version(operator, path.clone(), version.clone())
                });
            }
        }
        Ok(true)
    }

    /// Whether there is a key that may delete.
    pub(in crate::repository) fn may_delete(&self) -> bool {
        self.connection.may_delete()
    }

    /// What was hidden by somebody else: objects under a marker whose content the bucket was told to keep. Of the index only
    /// `with_index`: a later file may have replaced what is hidden of it.
    pub(in crate::repository) fn hidden(&self, with_index: bool) -> Result<Vec<Hidden>, RepositoryError> {
        let begin = self.beginning();
        let failed = |refusal| self.failed("listing versions of what is there", &refusal);
        let mut hidden = Vec::new();
        for (key, versions) in self.versions_below(&begin).map_err(failed)? {
            let Some(name) = key.strip_prefix(&begin) else {
                continue;
            };
            let Some((marker, _)) = versions.markers.iter().find(|(_, is_current)| *is_current) else {
                continue;
            };
            if is_lock(name) || (!with_index && name.starts_with("index/")) {
                continue;
            }
            let kept = |(version, _): &(String, bool)| {
                self.version_kept_until(name, Some(version.clone())).transpose()
            };
            let until = versions
                .content
                .iter()
                .filter_map(kept)
                .collect::<Result<Vec<_>, _>>()
                .map_err(failed)?
                .into_iter()
                .max();
            // What was removed before objects were kept here is under a marker too, and nobody misses it.
            if let Some(until) = until {
                hidden.push(Hidden {
                    marker: marker.clone(),
                    until,
                    key,
                });
            }
        }
        Ok(hidden)
    }

    /// Removes all versions of an object, as far as they are kept no more.
    pub(super) fn remove_for_good(&self, name: &str, now: Instant) -> Result<(), StorageRefusal> {
        if !self.may_delete() {
            return Err(StorageRefusal::no_key_for_deletions());
        }
        let path = self.path(name);
        let versions = self.versions_below(&path)?.remove(&path).unwrap_or_default();
        let mut kept = None;
        for (version, _) in versions.content {
            let removed = self.connection.ask_to_delete({
                let (path, version) = (path.clone(), version.clone());
                move |operator| delete_version(operator, path.clone(), version.clone())
            });
            match removed {
                Ok(()) => {}
                // The words for it are others everywhere: whether it is still kept says it.
                Err(said @ (StorageRefusal::Said(_) | StorageRefusal::Unsupported(_))) => {
                    match self.version_kept_until(name, Some(version))? {
                        Some(until) if until > now => kept = kept.max(Some(until)),
                        _ => return Err(said),
                    }
                }
                Err(refusal) => return Err(refusal),
            }
        }
        if let Some(until) = kept {
            return Err(StorageRefusal::Kept(until));
        }
        for (version, _) in versions.markers {
            let path = path.clone();
            self.connection
                .ask_to_delete(move |operator| delete_version(operator, path.clone(), version.clone()))?;
        }
        Ok(())
    }

    /// Puts a marker on top of an object.
    pub(super) fn hide(&self, name: &str) -> Result<(), StorageRefusal> {
        let path = self.path(name);
        self.connection.ask_to_delete(move |operator| {
            let path = path.clone();
            async move { operator.delete(&path).await }
        })
    }

    /// Removes what is hidden of the index, as far as it is kept no more, and locks that were given back.
    pub(in crate::repository) fn remove_leftovers(&self, now: Instant) -> Result<(), RepositoryError> {
        let failed = |refusal| self.failed("removing what was replaced", &refusal);
        for below in ["index/", "locks/"] {
            let begin = self.path(below);
            for (key, versions) in self.versions_below(&begin).map_err(failed)? {
                let is_hidden = versions.markers.iter().any(|(_, is_current)| *is_current);
                if below == "index/" && !is_hidden {
                    continue;
                }
                let name = format!("{below}{}", key.strip_prefix(&begin).unwrap_or_default());
                if below == "locks/" && !is_hidden && !self.is_given_back(&name)? {
                    continue;
                }
                match self.remove_for_good(&name, now) {
                    Ok(()) | Err(StorageRefusal::Kept(_)) => {}
                    Err(refusal) => return Err(failed(refusal)),
                }
            }
        }
        Ok(())
    }

    /// Whether a lock is the empty object that one is replaced by.
    fn is_given_back(&self, name: &str) -> Result<bool, RepositoryError> {
        let name = name.strip_prefix("locks/").unwrap_or(name);
        Ok(self.read_lock(name)?.is_none())
    }

    /// What the names of all objects of the repository begin with.
    fn beginning(&self) -> String {
        match self.path("") {
            empty if empty == "/" || empty.is_empty() => String::new(),
            path if path.ends_with('/') => path,
            path => format!("{path}/"),
        }
    }

    /// All versions of all objects whose names begin like this.
    fn versions_below(&self, begin: &str) -> Result<BTreeMap<String, Versions>, StorageRefusal> {
        let options = ListOptions {
            recursive: true,
            versions: true,
            deleted: true,
            ..ListOptions::default()
        };
        let begin = begin.to_owned();
        let entries: Vec<Entry> = self.connection.ask(move |operator| {
            let (begin, options) = (begin.clone(), options.clone());
            async move { operator.list_options(&begin, options).await }
        })?;
        let mut all = BTreeMap::<String, Versions>::new();
        for entry in entries {
            let about = entry.metadata();
            let Some(version) = about.version() else {
                continue;
            };
            let is_current = about.is_current() == Some(true);
            let versions = all.entry(entry.path().to_owned()).or_default();
            let of = if about.is_deleted() {
                &mut versions.markers
            } else {
                &mut versions.content
            };
            of.push((version.to_owned(), is_current));
        }
        Ok(all)
    }
}

async fn delete_version(operator: opendal::Operator, path: String, version: String) -> opendal::Result<()> {
    let options = DeleteOptions {
        version: Some(version),
        ..DeleteOptions::default()
    };
    operator.delete_options(&path, options).await
}

fn is_lock(name: &str) -> bool {
    name.starts_with(LOCKS) && name[LOCKS.len()..].starts_with('/')
}
