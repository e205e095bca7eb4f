//! What is known of when packs were last read whole: every piece in them and the list at their end.
//!
//! It is a memory and no proof. It says something only of the repository that it was made for, of packs that are as long
//! as they were then, and never of a time that is still to come; what it does not say is read once more. So it may be lost
//! at any time, and it may come late: whoever reads a pack notes it afterwards.
//!
//! A repository of 100 GiB has 6,400 packs. Each takes 32 letters here, and what was read together shares its time.
//!
//! Not in here: reading packs (`whole_packs`), how long a reading counts, and where this is kept (`engine`).

use std::collections::{BTreeMap, HashSet};

use rustic_core::Id;
use serde::{Deserialize, Serialize};

use crate::domain::Instant;

/// Bytes of a pack's name that tell it from all others: the name is a SHA-256.
const NAME: usize = 12;
/// Bytes of an entry: the name, and the length of the pack.
const ENTRY: usize = NAME + 4;

/// The beginning of a pack's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::repository) struct PackName([u8; NAME]);

impl From<&Id> for PackName {
    fn from(id: &Id) -> Self {
        let hex = id.to_hex();
        let mut digits = hex.as_str().chars().map(|digit| digit.to_digit(16));
        let mut digit = || digits.next().flatten().and_then(|digit| u8::try_from(digit).ok());
        Self([(); NAME].map(|()| digit().unwrap_or(0) << 4 | digit().unwrap_or(0)))
    }
}

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reading {
    length: u32,
    /// In seconds since 1970.
    at: i64,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Readings {
    place: String,
    packs: BTreeMap<PackName, Reading>,
    is_changed: bool,
}

/// As it is kept: the packs by when they were read.
#[derive(Serialize, Deserialize)]
struct Kept {
    place: String,
    read: BTreeMap<i64, String>,
}

impl Readings {
    /// What was kept, if it is of the repository in this place. What cannot be read, or is of another one, says nothing.
    #[must_use]
    pub fn of(place: &str, kept: Option<&str>) -> Self {
        let read = kept.and_then(|text| serde_json::from_str::<Kept>(text).ok());
        let packs = read
            .filter(|kept| kept.place == place)
            .and_then(|kept| packs(&kept.read));
        Self {
            place: place.to_owned(),
            // What says nothing is not kept any longer.
            is_changed: kept.is_some() && packs.is_none(),
            packs: packs.unwrap_or_default(),
        }
    }

    /// What was kept, of whatever repository.
    #[must_use]
    pub fn of_any(kept: &str) -> Self {
        let place = serde_json::from_str::<Kept>(kept).map(|kept| kept.place);
        Self::of(&place.unwrap_or_default(), Some(kept))
    }

    /// To be kept.
    #[must_use]
    pub fn text(&self) -> String {
        let mut read: BTreeMap<i64, String> = BTreeMap::new();
        for (name, reading) in &self.packs {
            let entry = read.entry(reading.at).or_default();
            for byte in name.0.iter().chain(&reading.length.to_be_bytes()) {
                entry.extend([byte >> 4, byte & 15].map(|digit| char::from(HEXADECIMAL[usize::from(digit)])));
            }
        }
        let place = &self.place;
        serde_json::json!({ "place": place, "read": read }).to_string()
    }

    /// Whether anything has changed since it was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// How many packs it knows of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packs.len()
    }

    /// Whether it knows of none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packs.is_empty()
    }

    /// The beginnings of the packs' names, and when each was read.
    pub fn packs(&self) -> impl Iterator<Item = (&[u8], Instant)> {
        let packs = self.packs.iter();
        packs.filter_map(|(name, reading)| Some((&name.0[..], Instant::from_timestamp(reading.at, 0)?)))
    }

    /// When a pack that is so long now was last read whole.
    pub(in crate::repository) fn last(&self, pack: &Id, length: u32) -> Option<Instant> {
        let reading = self.packs.get(&PackName::from(pack))?;
        Instant::from_timestamp(reading.at, 0).filter(|_| reading.length == length)
    }

    /// Notes that a pack of this length was read whole. A time that is not a whole second counts as the one before.
    pub(in crate::repository) fn note(&mut self, pack: &Id, length: u32, at: Instant) {
        let reading = Reading {
            length,
            at: at.timestamp(),
        };
        self.is_changed |= self.packs.insert(pack.into(), reading) != Some(reading);
    }

    /// Forgets a pack: it counts as never read.
    pub(super) fn forget(&mut self, pack: &Id) {
        self.is_changed |= self.packs.remove(&pack.into()).is_some();
    }

    /// Forgets all packs but these.
    pub(in crate::repository) fn retain(&mut self, packs: &HashSet<PackName>) {
        let before = self.packs.len();
        self.packs.retain(|name, _| packs.contains(name));
        self.is_changed |= self.packs.len() < before;
    }
}

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

/// The packs that are kept. `None` when it is not what was written.
fn packs(read: &BTreeMap<i64, String>) -> Option<BTreeMap<PackName, Reading>> {
    let mut packs = BTreeMap::new();
    for (at, entries) in read {
        let digits = entries.chars().map(|digit| digit.to_digit(16));
        let digits: Vec<u8> = digits
            .map(|digit| u8::try_from(digit?).ok())
            .collect::<Option<_>>()?;
        let entries = digits.chunks_exact(2 * ENTRY);
        if !entries.remainder().is_empty() {
            return None;
        }
        for entry in entries {
            let bytes: Vec<u8> = entry.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
            let (name, length) = bytes.split_at(NAME);
            let name = PackName(name.try_into().ok()?);
            let length = u32::from_be_bytes(length.try_into().ok()?);
            packs.insert(name, Reading { length, at: *at });
        }
    }
    Some(packs)
}

/// By what a job goes that reads packs: what is known, and what of that counts.
pub struct Known<'k> {
    /// What is known. What is read is noted here, also by a job that comes to no good end.
    pub readings: &'k mut Readings,
    /// The time, at the latest, at which the job began to read. What is dated later counts for nothing.
    pub now: Instant,
    /// Whether a pack whose name begins so, and that was read at this time, need not be read now.
    pub counts: &'k (dyn Fn(&[u8], Instant) -> bool + Sync),
}

impl Known<'_> {
    /// When a pack that is so long now was read, if it need not be read again.
    pub(in crate::repository) fn counted(&self, pack: &Id, length: u32) -> Option<Instant> {
        self.readings
            .last(pack, length)
            .filter(|at| *at <= self.now && (self.counts)(&PackName::from(pack).0, *at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> Id {
        let mut id = [7; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        Id::new(id)
    }

    fn at(seconds: i64) -> Instant {
        Instant::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn what_was_kept_is_known_again_and_takes_little_room() {
        let mut readings = Readings::of("here", None);
        for number in 0..6_400 {
            readings.note(&id(number), 16_000_000 + number, at(i64::from(number % 7)));
        }
        assert!(readings.take_changed() && !readings.take_changed());
        let text = readings.text();
        assert!(text.len() < 6_400 * 33, "{}", text.len());
        let mut again = Readings::of("here", Some(&text));
        assert_eq!((again.len(), again.text()), (6_400, text));
        assert_eq!(again.last(&id(9), 16_000_009), Some(at(2)));
        // What is known already is not written once more.
        again.note(&id(9), 16_000_009, at(2));
        assert!(!again.take_changed());
        again.forget(&id(9));
        again.retain(&[1, 2, 9].map(|number| PackName::from(&id(number))).into());
        assert!(again.take_changed());
        assert_eq!(again.len(), 2);
    }

    #[test]
    fn what_is_of_another_place_or_makes_no_sense_says_nothing() {
        let mut readings = Readings::of("here", None);
        readings.note(&id(1), 5, at(0));
        let text = readings.text();
        assert!(Readings::of("there", Some(&text)).is_empty());
        assert_eq!(Readings::of_any(&text).len(), 1);
        for wrong in [
            "",
            "{}",
            &text[..text.len() / 2],
            &text.replace("07", "0"),
            &text.replace("07", "+7"),
        ] {
            assert!(Readings::of("here", Some(wrong)).is_empty(), "{wrong}");
        }
    }

    #[test]
    fn another_length_and_a_time_to_come_count_for_nothing() {
        let mut readings = Readings::of("here", None);
        readings.note(&id(1), 5, at(0));
        readings.note(&id(2), 5, at(100));
        let counted = |readings: &mut Readings, pack, length| {
            let known = Known {
                readings,
                now: at(50),
                counts: &|_, _| true,
            };
            known.counted(&id(pack), length)
        };
        assert_eq!(counted(&mut readings, 1, 5), Some(at(0)));
        assert_eq!(counted(&mut readings, 1, 6), None);
        assert_eq!(counted(&mut readings, 2, 5), None);
        assert_eq!(counted(&mut readings, 3, 5), None);
    }
}
