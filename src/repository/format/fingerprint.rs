//! What a walk over content met and what a stored tree holds, per workspace, in a form that can be compared.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use rustic_core::{DataId, Id};
use sha2::{Digest, Sha256};

use super::node;
use crate::content::{Item, ItemKind};

/// One workspace's items in order.
#[derive(Debug, Clone, Default)]
pub(in crate::repository) struct Fingerprint {
    /// Items below the workspace.
    pub(in crate::repository) items: u64,
    /// Bytes of content.
    pub(in crate::repository) bytes: u64,
    /// Over everything that the file system told of each item, the number and the time of its last change included.
    identity: Sha256,
    /// Over what is restored of each item, and its content.
    content: Sha256,
}

impl Fingerprint {
    fn add(&mut self, item: &Item) {
        if !item.is_workspace() {
            self.items += 1;
        }
        self.bytes += node::size(item);
        feed(&mut self.identity, item);
        self.identity.update(item.changed.seconds.to_le_bytes());
        self.identity.update(item.changed.nanos.to_le_bytes());
        self.identity.update(item.inode.to_le_bytes());
    }

    fn add_content(&mut self, item: &Item, chunks: &[DataId]) {
        feed(&mut self.content, item);
        self.content.update((chunks.len() as u64).to_le_bytes());
        for chunk in chunks {
            self.content.update(chunk.to_hex().as_str());
        }
    }

    /// The digest of what is stored, in hexadecimal.
    pub(in crate::repository) fn digest(&self) -> String {
        Id::new(self.content.clone().finalize().into())
            .to_hex()
            .as_str()
            .to_owned()
    }

    fn is_same_as(&self, other: &Self) -> bool {
        self.items == other.items
            && self.bytes == other.bytes
            && self.identity.clone().finalize() == other.identity.clone().finalize()
    }
}

/// The fingerprints of one instance, by workspace.
#[derive(Debug, Clone, Default)]
pub(in crate::repository) struct Fingerprints(BTreeMap<OsString, Fingerprint>);

impl Fingerprints {
    /// Counts an item that a walk met.
    pub(in crate::repository) fn add(&mut self, item: &Item) {
        self.of(item).add(item);
    }

    /// Counts an item that is stored, with the ids of its pieces.
    pub(in crate::repository) fn add_stored(&mut self, item: &Item, chunks: &[DataId]) {
        let fingerprint = self.of(item);
        fingerprint.add(item);
        fingerprint.add_content(item, chunks);
    }

    /// Adds what was counted of other workspaces.
    pub(in crate::repository) fn merge(&mut self, other: &Self) {
        for (name, fingerprint) in &other.0 {
            self.0.insert(name.clone(), fingerprint.clone());
        }
    }

    fn of(&mut self, item: &Item) -> &mut Fingerprint {
        let workspace = item.path.iter().next().unwrap_or_default();
        self.0.entry(workspace.to_owned()).or_default()
    }

    /// Items below the workspaces.
    pub(in crate::repository) fn items(&self) -> u64 {
        self.0.values().map(|fingerprint| fingerprint.items).sum()
    }

    /// Bytes of content.
    pub(in crate::repository) fn bytes(&self) -> u64 {
        self.0.values().map(|fingerprint| fingerprint.bytes).sum()
    }

    /// The workspaces by name.
    pub(in crate::repository) fn iter(&self) -> impl Iterator<Item = (&OsStr, &Fingerprint)> {
        self.0
            .iter()
            .map(|(name, fingerprint)| (name.as_os_str(), fingerprint))
    }

    /// The first workspace in which the two differ.
    pub(in crate::repository) fn difference<'a>(&'a self, other: &'a Self) -> Option<&'a OsStr> {
        let mine = self.0.iter().find(|(name, fingerprint)| {
            other
                .0
                .get(*name)
                .is_none_or(|other| !fingerprint.is_same_as(other))
        });
        let theirs = || other.0.iter().find(|(name, _)| !self.0.contains_key(*name));
        mine.or_else(theirs).map(|(name, _)| name.as_os_str())
    }
}

/// Everything of an item that a restore brings back, apart from its content.
fn feed(hash: &mut Sha256, item: &Item) {
    let mut text = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    text(item.path.as_os_str().as_bytes());
    match &item.kind {
        ItemKind::Folder => text(b"folder"),
        ItemKind::File { size } => {
            text(b"file");
            text(&size.to_le_bytes());
        }
        ItemKind::Link { target } => {
            text(b"link");
            text(target.as_os_str().as_bytes());
        }
    }
    // Digests that were recorded before attributes were kept stay right: of none nothing is added.
    for attribute in item.attributes() {
        text(attribute.name.as_bytes());
        text(&attribute.value);
    }
    hash.update(item.mode.to_le_bytes());
    hash.update(item.owner.0.to_le_bytes());
    hash.update(item.owner.1.to_le_bytes());
    hash.update(item.modified.seconds.to_le_bytes());
    hash.update(item.modified.nanos.to_le_bytes());
}
