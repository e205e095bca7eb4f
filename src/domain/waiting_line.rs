//! The line of waiting jobs: how many work at the same time in one process, and which of those that wait goes first.
//!
//! Restores go before everything, then what people ask for, then the drills that people ask for, and last what the
//! schedule does by itself; within a rank, whoever came first. A restore has one place more than there are: it does not
//! wait behind scheduled jobs, however long those take or whatever they wait for themselves. So at most one job more than
//! the limit is at work, and then one of them is a restore.
//!
//! Not in here: threads, and what keeps a job from beginning apart from others (`engine::jobs::queue`).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::job::JobKind;
use super::principal::Principal;

/// `[engine]` in the configuration: how much is done at the same time.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineLimits {
    /// How many jobs work at the same time in one process. `None`: by the machine's cores and memory.
    #[serde(default)]
    pub jobs: Option<u16>,
}

impl EngineLimits {
    /// The most jobs that are begun at the same time because of the machine alone: beyond that, disks and databases are
    /// what they wait for.
    const MOST: usize = 8;
    /// The memory that a job is to find: twice of what a backup uses, since something else runs on the machine.
    const MEMORY_OF_A_JOB: u64 = 512 << 20;

    /// What is wrong with it, as a sentence.
    #[must_use]
    pub fn wrong(self) -> Option<String> {
        (self.jobs == Some(0)).then(|| {
            "jobs in [engine] is 0: write how many jobs may work at the same time, 1 or more".to_owned()
        })
    }

    /// How many jobs work at the same time, on a machine with so many cores and so much memory, where that is known.
    #[must_use]
    pub fn jobs_at_once(self, cores: usize, memory: Option<u64>) -> usize {
        if let Some(jobs) = self.jobs {
            return usize::from(jobs).max(1);
        }
        let by_memory = memory.map_or(usize::MAX, |bytes| {
            usize::try_from(bytes / Self::MEMORY_OF_A_JOB).unwrap_or(usize::MAX)
        });
        cores.min(by_memory).clamp(1, Self::MOST)
    }
}

/// What goes before what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rank {
    /// Restores, and undo.
    Restore,
    /// What people ask for.
    Asked,
    /// Drills that people ask for: they take long, and nobody waits for Live to come back.
    Rehearsal,
    /// What the schedule does, or Lifeboat by itself.
    Scheduled,
}

impl Rank {
    /// The rank of a job.
    #[must_use]
    pub fn of(kind: JobKind, by: &Principal) -> Self {
        match (kind, by) {
            (JobKind::Restore | JobKind::Undo, _) => Self::Restore,
            (_, Principal::Schedule | Principal::Lifeboat) => Self::Scheduled,
            (JobKind::Drill | JobKind::Extract, _) => Self::Rehearsal,
            _ => Self::Asked,
        }
    }
}

/// Where somebody stands in a queue, counted from 1.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its number: 1 goes next.
    pub number: u32,
    /// How many wait.
    pub of: u32,
}

impl fmt::Display for Place {
    /// `3rd of 12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = match (self.number % 10, self.number % 100) {
            (_, 11..=13) => "th",
            (1, _) => "st",
            (2, _) => "nd",
            (3, _) => "rd",
            _ => "th",
        };
        write!(f, "{}{ending} of {}", self.number, self.of)
    }
}

/// Who works and who waits.
#[derive(Debug)]
pub struct Line<K> {
    limit: usize,
    working: BTreeMap<K, Rank>,
    waiting: BTreeMap<(Rank, u64), K>,
    tickets: BTreeMap<K, (Rank, u64)>,
    last: u64,
}

impl<K: Copy + Ord> Line<K> {
    /// Nobody works and nobody waits. At least one may work.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            working: BTreeMap::new(),
            waiting: BTreeMap::new(),
            tickets: BTreeMap::new(),
            last: 0,
        }
    }

    /// The number of those that may work at the same time, without the one more that a restore may be.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Somebody waits from now on. Gives the ticket with which the same place is taken again: see [`Line::wait_again`].
    pub fn wait(&mut self, who: K, rank: Rank) -> u64 {
        self.last += 1;
        self.wait_again(who, rank, self.last);
        self.last
    }

    /// Somebody waits again who had given the place up for a while: where those stand that came with them.
    pub fn wait_again(&mut self, who: K, rank: Rank, ticket: u64) {
        self.leave(who);
        self.waiting.insert((rank, ticket), who);
        self.tickets.insert(who, (rank, ticket));
    }

    /// Whose turn it is now, if there is room: they work from here on.
    pub fn begin_next(&mut self) -> Option<K> {
        let ((rank, ticket), who) = self.waiting.iter().next().map(|(key, who)| (*key, *who))?;
        let room = match rank {
            Rank::Restore => self.limit + 1,
            _ => self.limit,
        };
        if self.working.len() >= room {
            return None;
        }
        self.waiting.remove(&(rank, ticket));
        self.tickets.remove(&who);
        self.working.insert(who, rank);
        Some(who)
    }

    /// Somebody neither works nor waits any more.
    pub fn leave(&mut self, who: K) {
        self.working.remove(&who);
        if let Some(key) = self.tickets.remove(&who) {
            self.waiting.remove(&key);
        }
    }

    /// Those that wait, the next one first, with their places.
    pub fn places(&self) -> impl Iterator<Item = (K, Place)> {
        let of = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        (1..)
            .zip(self.waiting.values())
            .map(move |(number, who)| (*who, Place { number, of }))
    }

    /// How many work.
    #[must_use]
    pub fn at_work(&self) -> usize {
        self.working.len()
    }

    /// How many more could begin at once that are no restores.
    #[must_use]
    pub fn room(&self) -> usize {
        self.limit.saturating_sub(self.working.len() + self.waiting.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RANKS: [Rank; 4] = [Rank::Restore, Rank::Asked, Rank::Rehearsal, Rank::Scheduled];

    fn waiting(line: &Line<u32>) -> Vec<u32> {
        line.places().map(|(who, _)| who).collect()
    }

    #[test]
    fn restores_go_first_then_people_then_drills_then_the_schedule() {
        let maria = Principal::account("maria");
        let rank = |kind, by: &Principal| Rank::of(kind, by);
        assert!(rank(JobKind::Undo, &maria) == rank(JobKind::Restore, &maria));
        assert!(rank(JobKind::Restore, &maria) < rank(JobKind::Backup, &maria));
        assert!(rank(JobKind::Verify, &maria) < rank(JobKind::Drill, &maria));
        assert!(rank(JobKind::Drill, &maria) < rank(JobKind::Backup, &Principal::Schedule));
        assert!(rank(JobKind::Drill, &Principal::Schedule) == rank(JobKind::Prune, &Principal::Lifeboat));
    }

    #[test]
    fn a_restore_does_not_wait_for_scheduled_jobs_that_never_end() {
        let mut line = Line::new(2);
        for who in 0..5 {
            line.wait(who, Rank::Scheduled);
        }
        assert_eq!(
            (line.begin_next(), line.begin_next(), line.begin_next()),
            (Some(0), Some(1), None)
        );
        line.wait(9, Rank::Restore);
        assert_eq!((line.begin_next(), line.begin_next()), (Some(9), None));
        // The place beyond the limit is nobody else's.
        line.wait(10, Rank::Asked);
        line.leave(0);
        assert_eq!(line.begin_next(), None);
        line.leave(9);
        assert_eq!(line.begin_next(), Some(10));
    }

    #[test]
    fn whoever_gave_a_place_up_for_a_while_stands_where_it_was() {
        let mut line = Line::new(1);
        line.wait(1, Rank::Asked);
        let ticket = line.wait(2, Rank::Asked);
        line.wait(3, Rank::Asked);
        line.leave(2);
        assert_eq!(waiting(&line), [1, 3]);
        line.wait_again(2, Rank::Asked, ticket);
        assert_eq!(waiting(&line), [1, 2, 3]);
    }

    #[test]
    fn places_are_told_in_words() {
        let told = |number, of| Place { number, of }.to_string();
        assert_eq!(told(3, 12), "3rd of 12");
        assert_eq!(
            [1, 2, 4, 11, 12, 13, 21, 112].map(|number| told(number, 200)),
            ["1st", "2nd", "4th", "11th", "12th", "13th", "21st", "112th"]
                .map(|place| format!("{place} of 200"))
        );
    }

    #[test]
    fn the_default_goes_by_cores_and_memory() {
        let jobs = |cores, memory| EngineLimits::default().jobs_at_once(cores, memory);
        assert_eq!(jobs(2, Some(8 << 30)), 2);
        assert_eq!(jobs(4, Some(1 << 30)), 2);
        assert_eq!(jobs(4, Some(100 << 20)), 1);
        assert_eq!(jobs(64, None), 8);
        assert_eq!(EngineLimits { jobs: Some(20) }.jobs_at_once(1, Some(0)), 20);
        assert!(EngineLimits { jobs: Some(0) }.wrong().is_some());
    }

    /// What happens in a queue.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Comes(usize),
        Begins,
        Ends(usize),
        GivesUp(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0..RANKS.len()).prop_map(Step::Comes),
            Just(Step::Begins),
            any::<usize>().prop_map(Step::Ends),
            any::<usize>().prop_map(Step::GivesUp),
        ];
        proptest::collection::vec(step, 0..200)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_limit_holds_and_everybody_goes_in_order(limit in 1_usize..5, steps in steps()) {
            let mut line = Line::new(limit);
            let mut ranks = Vec::new();
            let mut working: Vec<u32> = Vec::new();
            for step in steps {
                match step {
                    Step::Comes(rank) => {
                        let who = u32::try_from(ranks.len()).unwrap();
                        ranks.push(RANKS[rank]);
                        line.wait(who, RANKS[rank]);
                    }
                    Step::Begins => {
                        let before = waiting(&line);
                        let begun = line.begin_next();
                        if let Some(who) = begun {
                            prop_assert_eq!(before.first(), Some(&who));
                            working.push(who);
                        } else if let Some(first) = before.first() {
                            let may_go_beyond = ranks[*first as usize] == Rank::Restore;
                            prop_assert!(working.len() >= limit + usize::from(may_go_beyond));
                        }
                    }
                    Step::Ends(which) if !working.is_empty() => {
                        let who = working.remove(which % working.len());
                        line.leave(who);
                    }
                    Step::GivesUp(which) => {
                        let all = waiting(&line);
                        if !all.is_empty() {
                            line.leave(all[which % all.len()]);
                        }
                    }
                    Step::Ends(_) => {}
                }
                prop_assert_eq!(line.at_work(), working.len());
                prop_assert!(working.len() <= limit + 1);
                let is_restore = |who: &u32| ranks[*who as usize] == Rank::Restore;
                prop_assert!(working.len() <= limit || working.iter().any(is_restore));
                // By rank, and within a rank as they came.
                let all = waiting(&line);
                prop_assert!(all.is_sorted_by_key(|who| (ranks[*who as usize], *who)));
                let of = u32::try_from(all.len()).unwrap();
                for (number, (_, place)) in (1..).zip(line.places()) {
                    prop_assert_eq!(place, Place { number, of });
                }
            }
        }
    }
}
