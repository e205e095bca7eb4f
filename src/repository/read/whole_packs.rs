//! Reads packs whole, on all cores: every piece that the list at a pack's end tells of, and the list itself.
//!
//! Whoever wants some pieces of a pack has all of it read: so what is known of a pack holds for every backup that shares
//! it. What is wrong with a piece matters to those who want it, and what is wrong with a list to everybody.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::slice;

use rustic_core::{Id, NoProgressBars};

use super::damage::Damage;
use super::files::bytes_of;
use super::runs::{Check, RunReader, runs};
use crate::concurrency::machine::cores;
use crate::concurrency::workers;
use crate::content::backed_up::SeesPieces;
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::format::piece::PieceLocation;
use crate::repository::guard::{Access, Guard};
use crate::repository::library::classified;
use crate::watch::Watch;

/// How many threads there are beyond one for each core: while some wait for the disk, the others check.
const WAITING: usize = 2;

/// A pack that is to be read.
pub(super) struct WantedPack<'w> {
    pub(in crate::repository) pack: Id,
    /// Its length, as it was listed. `None` when it was not.
    pub(in crate::repository) length: Option<u32>,
    /// What is wanted of it, in the order in which it lies.
    pub(in crate::repository) pieces: Vec<&'w PieceLocation>,
    /// Bytes of the content among that, unpacked: folders aside.
    pub(in crate::repository) bytes: u64,
}

/// What is wanted, content and folders, by the packs that it lies in.
pub(super) fn by_pack<'w>(
    content: &'w [PieceLocation],
    folders: &'w [PieceLocation],
    lengths: &HashMap<Id, u32>,
) -> Vec<WantedPack<'w>> {
    let mut packs: BTreeMap<Id, (Vec<&PieceLocation>, u64)> = BTreeMap::new();
    for piece in content {
        let (pieces, bytes) = packs.entry(piece.pack).or_default();
        pieces.push(piece);
        *bytes += u64::from(piece.length);
    }
    for folder in folders {
        packs.entry(folder.pack).or_default().0.push(folder);
    }
    let packs = packs.into_iter();
    packs
        .map(|(pack, (mut pieces, bytes))| {
            pieces.sort_unstable();
            WantedPack {
                pack,
                length: lengths.get(&pack).copied(),
                pieces,
                bytes,
            }
        })
        .collect()
}

/// What reading a pack has shown.
#[derive(Debug, Default)]
pub(super) struct PackReport {
    /// The pieces that are not what was stored, and what is wrong with each.
    bad: BTreeMap<PieceLocation, String>,
    /// What is wrong with its list.
    list: Option<String>,
    /// What the list tells of: a number for each piece, in order. `None` for a pack without a length, whose list cannot be
    /// read.
    listed: Option<Vec<u64>>,
}

impl PackReport {
    /// Whether nothing at all is wrong with it.
    pub(in crate::repository) fn is_whole(&self) -> bool {
        self.bad.is_empty() && self.list.is_none() && self.listed.is_some()
    }

    /// The first of these pieces that is not what was stored, and what is wrong with it.
    pub(super) fn bad_among<'w>(&self, pieces: &[&'w PieceLocation]) -> Option<(&'w PieceLocation, &str)> {
        pieces
            .iter()
            .find_map(|piece| Some((*piece, self.bad.get(*piece)?.as_str())))
    }

    /// What is wrong with its list for whoever wants these pieces.
    pub(super) fn list_for(&self, pack: Id, pieces: &[&PieceLocation]) -> Option<String> {
        if self.list.is_some() {
            return self.list.clone();
        }
        let listed = self.listed.as_ref()?;
        let tells = |piece: &&PieceLocation| listed.binary_search(&number(piece)).is_ok();
        (!pieces.iter().all(tells)).then(|| RunReader::wrong_list(pack))
    }

    /// Notes what of these pieces is damaged, and the list if it is, to be stored anew by the next copy.
    pub(in crate::repository) fn note(&self, pack: Id, pieces: &[&PieceLocation], damage: &Damage) {
        for piece in pieces.iter().filter(|piece| self.bad.contains_key(**piece)) {
            damage.note(piece);
        }
        if self.list_for(pack, pieces).is_some() {
            damage.note_list(pack);
        }
    }
}

/// A number that tells a piece and where it lies from all others in its pack.
fn number(piece: &PieceLocation) -> u64 {
    let mut hasher = DefaultHasher::new();
    piece.hash(&mut hasher);
    hasher.finish()
}

impl Repository {
    /// The packs that are there, with their lengths.
    pub(super) fn pack_lengths(&self) -> Result<HashMap<Id, u32>, RepositoryError> {
        self.handle(Access::Read, NoProgressBars)
            .and_then(|(_, guard)| guard.pack_sizes())
            .map_err(|error| classified(&error, "listing the packs", self.place()))
    }

    /// Reads packs whole, and tells of each as soon as that is done what it has shown. `onlooker` sees what is in them, whoever
    /// wants it.
    ///
    /// # Errors
    /// [`RepositoryError`] when one could not be read, which says nothing about it, or it was cancelled. What was told of
    /// others until then holds.
    pub(super) fn read_whole_packs(
        &self,
        packs: &[WantedPack<'_>],
        onlooker: Option<&dyn SeesPieces>,
        watch: &dyn Watch,
        each: &(dyn Fn(&WantedPack<'_>, PackReport) + Sync),
    ) -> Result<(), RepositoryError> {
        if packs.is_empty() {
            return Ok(());
        }
        let (_, guard) = self
            .handle(Access::Read, NoProgressBars)
            .map_err(|error| classified(&error, "reading the content", self.place()))?;
        workers::each(WAITING + cores(), packs, |packs| {
            let mut reader = PackReader::new(self, &guard)?;
            while let Some(wanted) = packs.next() {
                let report = reader
                    .report(wanted, onlooker, &|| watch.is_cancelled() || packs.is_stopped())
                    .inspect_err(|error| {
                        if !matches!(error, RepositoryError::Cancelled) {
                            self.damage.note_unread(wanted.pack);
                        }
                    })?;
                each(wanted, report);
                watch.advance(0, wanted.bytes);
            }
            Ok(())
        })
        .map(drop)
    }
}

/// One thread's means to read packs.
struct PackReader<'a> {
    reader: RunReader<'a>,
    /// What this reader has found in the pack that it reads: not everything in there is wanted.
    found: Damage,
}

impl<'a> PackReader<'a> {
    fn new(repository: &'a Repository, guard: &'a Guard) -> Result<Self, RepositoryError> {
        let found = Damage::default();
        Ok(Self {
            reader: RunReader::new(repository.place(), &repository.key, guard, &found)?,
            found,
        })
    }

    fn report(
        &mut self,
        wanted: &WantedPack<'_>,
        onlooker: Option<&dyn SeesPieces>,
        is_over: &dyn Fn() -> bool,
    ) -> Result<PackReport, RepositoryError> {
        let mut report = PackReport::default();
        let listed = wanted
            .length
            .map(|length| self.reader.list_of(wanted.pack, length, &wanted.pieces));
        let mut pieces = Vec::new();
        match listed {
            Some(Ok(listed)) => {
                let mut numbers: Vec<_> = listed.iter().map(|(piece, _)| number(piece)).collect();
                numbers.sort_unstable();
                report.listed = Some(numbers);
                for (piece, is_within) in listed {
                    if is_within {
                        pieces.push(piece);
                    } else {
                        // It is made up: what is longer than anything that is ever stored is not unpacked.
                        let what = RunReader::wrong_piece(&piece);
                        report.bad.insert(piece, what);
                    }
                }
            }
            Some(Err(RepositoryError::Damaged { what, .. })) => report.list = Some(what),
            Some(Err(error)) => return Err(error),
            // What is not there has no list either, which reading what is wanted tells.
            None => {}
        }
        if report.listed.is_none() {
            pieces.extend(wanted.pieces.iter().map(|piece| (*piece).clone()));
        }
        for run in runs(&pieces) {
            if is_over() {
                return Err(RepositoryError::Cancelled);
            }
            let shown = &mut |piece: &PieceLocation, text: &[u8]| {
                if let Some(onlooker) = onlooker {
                    onlooker.piece(bytes_of(*piece.id), text);
                }
            };
            match self.reader.read(&run, &pieces, Check::Name, shown) {
                Ok(()) => {}
                Err(failed) => match failed.0 {
                    RepositoryError::Damaged { .. } => self.tell_of_each(&mut report)?,
                    error => return Err(error),
                },
            }
        }
        Ok(report)
    }

    /// What is wrong with each of the pieces that were just found damaged.
    fn tell_of_each(&mut self, report: &mut PackReport) -> Result<(), RepositoryError> {
        for piece in self.found.take_pieces() {
            let alone = slice::from_ref(&piece);
            for run in runs(alone) {
                match self.reader.read(&run, alone, Check::Name, &mut |_, _| {}) {
                    // A disk that gave something else before is not to be relied on.
                    Ok(()) => {
                        let what = RunReader::wrong_piece(&piece);
                        report.bad.insert(piece.clone(), what);
                    }
                    Err(failed) => match failed.0 {
                        RepositoryError::Damaged { what, .. } => {
                            report.bad.insert(piece.clone(), what);
                        }
                        error => return Err(error),
                    },
                }
            }
        }
        self.found.take_pieces();
        Ok(())
    }
}
