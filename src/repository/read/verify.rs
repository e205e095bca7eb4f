//! Reads back what is stored: every folder, and every pack that was not read whole within its time, from disk, on all
//! cores.
//!
//! A piece is sound when it decrypts and its SHA-256 is its name; a pack, when all its pieces are and the list at its end
//! tells where they lie; a backup is, when all its pieces and packs are and the digests worked out from what is stored are
//! those of its manifest. Checking without reading the data would miss a flipped bit.
//!
//! What is written is read back by whoever writes it. Of everything else a backup makes sure that it is there, as long as
//! it was, and that it was read back not too long ago ([`Readings`]); what was not is read now.

use std::collections::{HashMap, HashSet};
use std::time::Instant as Stopwatch;

use parking_lot::Mutex;
use rustic_core::{DataId, Id, TreeId};

use super::readings::{Known, PackName, Readings};
use super::store::Store;
use super::tree::{self, Holding, TreeWalk};
use super::whole_packs::{PackReport, WantedPack, by_pack};
use crate::content::backed_up::SeesPieces;
use crate::domain::Instant;
use crate::domain::backup::{BackupId, InstanceCopy};
use crate::domain::measure;
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::format::piece::PieceLocation;
use crate::watch::Watch;

/// What was read back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// Files, links and folders in the backup.
    pub items: u64,
    /// Bytes of content that were read: what several files share is stored, and read, once.
    pub bytes: u64,
    /// Bytes of content that were not, since they had been read not too long ago.
    pub spared: u64,
    /// Pieces of content that were read.
    pub pieces: u64,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// A job that knows nothing reads everything.
pub(in crate::repository) fn knowing_nothing<T>(job: impl FnOnce(&mut Known<'_>) -> T) -> T {
    job(&mut Known {
        readings: &mut Readings::default(),
        now: Instant::UNIX_EPOCH,
        counts: &|_, _| false,
    })
}

impl Repository {
    /// Reads a whole backup back and compares it with the digests in its manifest, whatever was read before.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`] when something is not what was stored; [`RepositoryError::Io`] when it could not
    /// be read, which says nothing about the backup.
    pub fn verify(&self, id: &BackupId, watch: &dyn Watch) -> Result<VerifyReport, RepositoryError> {
        knowing_nothing(|known| Verifying::new(self).verify(id, known, None, watch))
            .map(|verified| verified.report)
    }

    /// Makes sure that the packs are there that these pieces and folders lie in, and reads those that were not `proven` and
    /// do not count by what is known. Gives since when all of them have been read, where that is not since the job began, and how many bytes of
    /// content were read.
    pub(in crate::repository) fn read(
        &self,
        (pieces, folders): (&[PieceLocation], &[PieceLocation]),
        proven: &HashMap<Id, u32>,
        root: TreeId,
        known: &mut Known<'_>,
        watch: &dyn Watch,
    ) -> Result<(Option<Instant>, u64), RepositoryError> {
        let store = self.store()?;
        let lengths = self.pack_lengths()?;
        self.forget_what_is_doubtful(known.readings);
        known
            .readings
            .retain(&lengths.keys().map(PackName::from).collect());
        for (pack, length) in proven {
            // One that is shorter now than it was written is read, as any other.
            if lengths.get(pack) == Some(length) {
                known.readings.note(pack, *length, known.now);
            }
        }
        let mut since: Option<Instant> = None;
        let mut left = Vec::new();
        for wanted in by_pack(pieces, folders, &lengths) {
            let is_proven = wanted.length.is_some() && proven.get(&wanted.pack).copied() == wanted.length;
            match wanted
                .length
                .and_then(|length| known.counted(&wanted.pack, length))
            {
                _ if is_proven => watch.advance(0, wanted.bytes),
                Some(at) => {
                    since = Some(since.map_or(at, |since| since.min(at)));
                    watch.advance(0, wanted.bytes);
                }
                None => left.push(wanted),
            }
        }
        let found = Mutex::new(Failure::default());
        self.read_and_note(&left, known, None, watch, &|wanted, report| {
            report.note(wanted.pack, &wanted.pieces, store.damage());
            let mut found = found.lock();
            found.add(wanted, &report);
        })?;
        let found = found.into_inner();
        let read = left.iter().map(|wanted| wanted.bytes).sum();
        found.told(&store, root).map_or(Ok((since, read)), Err)
    }

    /// Reads packs whole, notes which of them are, and tells of each.
    fn read_and_note(
        &self,
        packs: &[WantedPack<'_>],
        known: &mut Known<'_>,
        onlooker: Option<&dyn SeesPieces>,
        watch: &dyn Watch,
        each: &(dyn Fn(&WantedPack<'_>, PackReport) + Sync),
    ) -> Result<(), RepositoryError> {
        let now = known.now;
        let readings = Mutex::new(&mut *known.readings);
        let read = self.read_whole_packs(packs, onlooker, watch, &|wanted, report| {
            {
                let mut readings = readings.lock();
                match wanted.length {
                    Some(length) if report.is_whole() => readings.note(&wanted.pack, length, now),
                    _ => readings.forget(&wanted.pack),
                }
            }
            each(wanted, report);
        });
        // What could not be read now has to be read by whoever needs it next.
        self.forget_what_is_doubtful(known.readings);
        read
    }

    /// Whether anything was found damaged, or could not be read, in packs of which it is not forgotten yet that they were read.
    pub fn has_doubtful(&self) -> bool {
        self.damage.has_doubtful()
    }

    /// Forgets that packs were read in which anything was found damaged since, or that could not be read, by whomever.
    pub fn forget_what_is_doubtful(&self, readings: &mut Readings) {
        for pack in self.damage.take_doubtful() {
            readings.forget(&pack);
        }
    }
}

/// What was found damaged of what is wanted: the first piece, or else the first list.
#[derive(Default)]
struct Failure {
    piece: Option<(DataId, String)>,
    list: Option<String>,
}

impl Failure {
    fn add(&mut self, wanted: &WantedPack<'_>, report: &PackReport) {
        if self.piece.is_none() {
            let bad = report.bad_among(&wanted.pieces);
            self.piece = bad.map(|(piece, what)| (piece.id, what.to_owned()));
        }
        // Of a pack that is cut off, the list is not what it was either; what is in it matters more.
        if self.piece.is_none() && self.list.is_none() {
            self.list = report.list_for(wanted.pack, &wanted.pieces);
        }
    }

    /// The error that it is. `None` when nothing was found.
    fn told(self, store: &Store, root: TreeId) -> Option<RepositoryError> {
        let what = match self.piece {
            Some((piece, what)) => format!("{what}{}", needed_by(store, root, piece)),
            None => self.list?,
        };
        Some(store.damaged(what))
    }
}

/// Verifies backups one after the other, and reads each pack once, whatever number of them share it.
pub struct Verifying<'r> {
    repository: &'r Repository,
    /// What reading the packs has shown that were read for an earlier one.
    looked: HashMap<Id, PackReport>,
    lengths: Option<HashMap<Id, u32>>,
    needed: HashSet<PackName>,
}

/// A backup that is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What was read.
    pub report: VerifyReport,
    /// Since when all of it has been read, where that is not all since the job began.
    pub since: Option<Instant>,
}

impl<'r> Verifying<'r> {
    /// Begins with this repository.
    #[must_use]
    pub fn new(repository: &'r Repository) -> Self {
        Self {
            repository,
            looked: HashMap::new(),
            lengths: None,
            needed: HashSet::new(),
        }
    }

    /// Compares a backup with the digests in its manifest, and reads the packs back that were not read for an earlier one
    /// and do not count by what is known. `onlooker` sees what is read.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`] when something is not what was stored; [`RepositoryError::Io`] when it could not
    /// be read, which says nothing about the backup.
    pub fn verify(
        &mut self,
        id: &BackupId,
        known: &mut Known<'_>,
        onlooker: Option<&dyn SeesPieces>,
        watch: &dyn Watch,
    ) -> Result<Verified, RepositoryError> {
        let stopwatch = Stopwatch::now();
        let (manifest, root) = self.repository.find(id)?;
        let store = self.repository.store()?;
        let holding = Holding::read(&store, root, watch)?;
        compare(&store, &manifest.instances, &holding)?;
        let items = items(&manifest.instances);
        watch.total(items, bytes(&holding.pieces));
        watch.advance(items, 0);
        let lengths = match self.lengths.take() {
            Some(lengths) => lengths,
            None => self.repository.pack_lengths()?,
        };
        self.repository.forget_what_is_doubtful(known.readings);
        let wanted = by_pack(&holding.pieces, &holding.folders, &lengths);
        self.lengths = Some(lengths);
        self.needed
            .extend(wanted.iter().map(|wanted| PackName::from(&wanted.pack)));

        let mut since: Option<Instant> = None;
        let (mut left, mut read) = (Vec::new(), Vec::new());
        for wanted in wanted {
            if self.looked.contains_key(&wanted.pack) {
                watch.advance(0, wanted.bytes);
                read.push(wanted);
                continue;
            }
            match wanted
                .length
                .and_then(|length| known.counted(&wanted.pack, length))
            {
                Some(at) => {
                    since = Some(since.map_or(at, |since| since.min(at)));
                    watch.advance(0, wanted.bytes);
                }
                None => left.push(wanted),
            }
        }
        let looked = Mutex::new(&mut self.looked);
        self.repository
            .read_and_note(&left, known, onlooker, watch, &|wanted, report| {
                let mut looked = looked.lock();
                looked.insert(wanted.pack, report);
            })?;
        read.extend(left);
        read.sort_by_key(|wanted| wanted.pack);
        let mut failure = Failure::default();
        for wanted in &read {
            if let Some(report) = self.looked.get(&wanted.pack) {
                report.note(wanted.pack, &wanted.pieces, store.damage());
                failure.add(wanted, report);
            }
        }
        if let Some(error) = failure.told(&store, root) {
            return Err(error);
        }
        Ok(Verified {
            report: report(items, &holding, &read, millis(stopwatch)),
            since,
        })
    }

    /// Once every backup was verified: forgets what is known of packs that none of them needs.
    pub fn end(self, readings: &mut Readings) {
        readings.retain(&self.needed);
    }
}

fn report(items: u64, holding: &Holding, read: &[WantedPack<'_>], millis: u64) -> VerifyReport {
    let packs: HashSet<Id> = read.iter().map(|wanted| wanted.pack).collect();
    let mut report = VerifyReport {
        items,
        millis,
        ..VerifyReport::default()
    };
    for piece in &holding.pieces {
        if packs.contains(&piece.pack) {
            report.bytes += u64::from(piece.length);
            report.pieces += 1;
        } else {
            report.spared += u64::from(piece.length);
        }
    }
    report
}

/// Bytes of pieces, unpacked.
pub(in crate::repository) fn bytes(pieces: &[PieceLocation]) -> u64 {
    pieces.iter().map(|piece| u64::from(piece.length)).sum()
}

pub(in crate::repository) fn items(instances: &[InstanceCopy]) -> u64 {
    let workspaces = instances.iter().flat_map(|instance| &instance.workspaces);
    workspaces.map(|workspace| workspace.items).sum()
}

pub(in crate::repository) fn millis(stopwatch: Stopwatch) -> u64 {
    u64::try_from(stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Whether what is stored has the instances, workspaces and digests that it should have.
pub(in crate::repository) fn compare(
    store: &Store,
    expected: &[InstanceCopy],
    holding: &Holding,
) -> Result<(), RepositoryError> {
    let found = &holding.instances;
    if expected.len() != found.len() {
        return Err(store.damaged(format!(
            "it holds {} where its manifest names {}",
            measure::so_many(found.len() as u64, "instance", "instances"),
            expected.len()
        )));
    }
    for instance in expected {
        let name = &instance.name;
        let Some(fingerprints) = holding.instance(name) else {
            return Err(store.damaged(format!("{name} is missing in it")));
        };
        if fingerprints.iter().count() != instance.workspaces.len() {
            return Err(store.damaged(format!(
                "{name} has more or fewer workspaces than its manifest names"
            )));
        }
        for ((workspace, fingerprint), copy) in fingerprints.iter().zip(&instance.workspaces) {
            if workspace.to_string_lossy() != copy.name || fingerprint.digest() != copy.digest {
                return Err(store.damaged(format!(
                    "the workspace {} of {name} is not what its manifest says",
                    copy.name
                )));
            }
        }
    }
    Ok(())
}

/// Which files a damaged piece of content is part of: the first few, as the end of a sentence.
fn needed_by(store: &Store, root: TreeId, piece: DataId) -> String {
    const NAMED: usize = 3;
    let mut names = Vec::new();
    for (instance, tree) in tree::instances(store, root).unwrap_or_default() {
        let Ok(walk) = TreeWalk::new(store, tree, &|_| true) else {
            continue;
        };
        for stored in walk.filter_map(Result::ok) {
            if names.len() < NAMED && stored.chunks.contains(&piece) {
                names.push(format!("{instance}/{}", stored.item.path.display()));
            }
        }
    }
    if names.is_empty() {
        String::new()
    } else {
        format!(" (needed by {})", names.join(", "))
    }
}
