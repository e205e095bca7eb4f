//! When which pack of a repository is read back by schedule: each once in every period, whatever number of backups share
//! it, and a large repository not all in one night.
//!
//! The packs are dealt out into shares by their names, and each share has a day of its own in the period. A small
//! repository is one share, and is read on the environment's own day. Pure, as all of the schedule: nothing has to be
//! remembered but when each pack was read last.

use chrono::Duration;

use super::Instant;
use super::proof::ProofTimes;

/// A share has as many packs as this at least: a gibibyte of full ones, which take some seconds.
const PACKS_A_SHARE: usize = 64;

/// The turns of a repository's packs, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Turns<'t> {
    times: ProofTimes<'t>,
    every: u16,
    shares: u16,
    now: Instant,
}

impl<'t> Turns<'t> {
    /// The turns of so many packs. `None` when nothing is read back by schedule.
    #[must_use]
    pub fn new(times: ProofTimes<'t>, packs: usize, now: Instant) -> Option<Self> {
        let every = times.every.in_days()?;
        let shares = u16::try_from(packs / PACKS_A_SHARE).unwrap_or(u16::MAX);
        Some(Self {
            times,
            every,
            shares: shares.clamp(1, every),
            now,
        })
    }

    /// So many days after the environment's own day a share comes.
    fn day(&self, share: u16) -> u16 {
        let days = u32::from(share) * u32::from(self.every) / u32::from(self.shares);
        u16::try_from(days).unwrap_or(0)
    }

    /// When the share's turn was last.
    fn last(&self, share: u16) -> Option<Instant> {
        self.times.last_after(self.day(share), self.now)
    }

    /// The share of a pack, by the beginning of its name: a digest, so that all shares are about as large.
    fn share(&self, name: &[u8]) -> u16 {
        let number = name
            .iter()
            .take(4)
            .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        u16::try_from(number % u32::from(self.shares)).unwrap_or(0)
    }

    /// Whether a pack of this name that was read at this time need not be read now. What a clock that was wrong has noted
    /// counts for nothing.
    #[must_use]
    pub fn is_served(&self, name: &[u8], read: Instant) -> bool {
        let turn = self.last(self.share(name));
        // A repository that has grown is dealt out in another way, and a pack's day is another one.
        let is_overdue = self.now - read > Duration::days(i64::from(self.every));
        read <= self.now && !is_overdue && turn.is_none_or(|turn| read >= turn)
    }

    /// What is all read at this time or later has had all its turns; what was read before it has missed one.
    #[must_use]
    pub fn oldest(&self) -> Option<Instant> {
        (0..self.shares).filter_map(|share| self.last(share)).min()
    }

    /// When the turn of the next share comes.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        let period = Duration::days(i64::from(self.every));
        self.oldest().map(|oldest| oldest + period)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::environment::EnvironmentName;
    use crate::domain::proof::{Every, Proof};

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn times(environment: &EnvironmentName, every: u16) -> ProofTimes<'_> {
        ProofTimes {
            environment,
            proof: Proof::Verify,
            every: Every::days(every),
            window: "00:00-01:00".parse().unwrap(),
        }
    }

    /// Names as packs have them: about as many of each beginning.
    fn names(count: u32) -> Vec<[u8; 12]> {
        (0..count)
            .map(|number| {
                let mut name = [0; 12];
                name[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
                name
            })
            .collect()
    }

    /// Looks once a day, reads what has its turn, and gives how many were read each day.
    fn nights(packs: u32, every: u16, days: i64) -> Vec<usize> {
        let environment: EnvironmentName = "acme/live".parse().unwrap();
        let start = at("2026-11-23T23:30:00Z");
        let mut read: BTreeMap<[u8; 12], Instant> =
            names(packs).into_iter().map(|name| (name, start)).collect();
        (1..=days)
            .map(|day| {
                let now = start + Duration::days(day);
                let turns = Turns::new(times(&environment, every), read.len(), now).unwrap();
                let mut count = 0;
                for (name, read) in &mut read {
                    // Never is one longer unread than it may be, but for the hours to the next look.
                    assert!(now - *read <= Duration::days(i64::from(every)), "{day}");
                    if !turns.is_served(name, *read) {
                        *read = now;
                        count += 1;
                    }
                }
                count
            })
            .collect()
    }

    #[test]
    fn a_large_repository_is_read_once_a_period_and_a_part_of_it_each_night() {
        let nights = nights(6_400, 7, 28);
        for week in nights.chunks(7) {
            assert_eq!(week.iter().sum::<usize>(), 6_400);
            assert!(week.iter().all(|night| (700..1_200).contains(night)), "{week:?}");
        }
    }

    #[test]
    fn a_small_one_is_read_in_one_night_a_period() {
        let nights = nights(100, 7, 28);
        for week in nights.chunks(7) {
            assert_eq!(week.iter().filter(|night| **night > 0).count(), 1, "{week:?}");
            assert_eq!(week.iter().sum::<usize>(), 100);
        }
        assert!(self::nights(3, 1, 5).iter().all(|night| *night == 3));
    }

    #[test]
    fn one_that_has_grown_has_nothing_longer_unread_than_it_may() {
        let environment: EnvironmentName = "acme/live".parse().unwrap();
        let start = at("2026-11-23T23:30:00Z");
        let read: Vec<_> = names(1_000);
        for (packs, later) in [(10, 1_000), (1_000, 10), (130, 600)] {
            for day in 0..7 {
                let now = start + Duration::days(day);
                let before = Turns::new(times(&environment, 7), packs, now).unwrap();
                let after = Turns::new(times(&environment, 7), later, now + Duration::days(7)).unwrap();
                for name in &read {
                    assert!(before.is_served(name, now));
                    assert!(!after.is_served(name, now - Duration::minutes(1)));
                }
            }
        }
    }

    #[test]
    fn what_a_clock_that_was_wrong_has_noted_counts_for_nothing() {
        let environment: EnvironmentName = "acme/live".parse().unwrap();
        let now = at("2026-11-23T12:00:00Z");
        let turns = Turns::new(times(&environment, 7), 10, now).unwrap();
        assert!(turns.is_served(b"pack", now));
        assert!(!turns.is_served(b"pack", now + Duration::seconds(1)));
    }

    #[test]
    fn the_next_turn_is_that_of_the_next_share() {
        let environment: EnvironmentName = "acme/live".parse().unwrap();
        let now = at("2026-11-23T12:00:00Z");
        let next = |packs| {
            let turns = Turns::new(times(&environment, 7), packs, now).unwrap();
            (turns.next().unwrap(), turns.oldest().unwrap())
        };
        assert_eq!(Some(next(1).0), times(&environment, 7).next(now));
        let (next, oldest) = next(10_000);
        assert!(next > now && next - now <= Duration::days(1));
        assert_eq!(next - oldest, Duration::days(7));
        let never = ProofTimes {
            every: Every::NEVER,
            ..times(&environment, 7)
        };
        assert!(Turns::new(never, 10, now).is_none());
    }
}
