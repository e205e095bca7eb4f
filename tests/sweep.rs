//! A sweep over what can go wrong: Lifeboat is killed (`kill -9`) at random instants and at named points of backups,
//! restores, undos, confirmations and deletions, on an author and two publics, of which two are in databases and one is in
//! a folder, while others write. In a third of the rounds something else goes wrong as well: a disk is full, the journal or
//! the catalog is lost, the content is moved to other inodes, or somebody holds a table.
//!
//! After each round Live is old or new in all instances alike, or it is critical, named, and untouched.
//!
//! `LIFEBOAT_CRASH_ROUNDS` sets the number of rounds (5), `LIFEBOAT_CRASH_SEED` what happens in them, and
//! `LIFEBOAT_CRASH_WORKERS` how many houses are swept at the same time (2). Each house lives for ten rounds and has a seed
//! of its own, which a round that fails prints: with it as the seed and its number as the count of rounds it is played again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "sweep/act.rs"]
mod act;
#[path = "sweep/before.rs"]
mod before;
#[path = "sweep/fault.rs"]
mod fault;
#[allow(dead_code, reason = "tests of databases alone use the rest")]
#[path = "postgres/gate.rs"]
mod gate;
#[path = "sweep/house.rs"]
mod house;
#[path = "sweep/kill.rs"]
mod kill;
#[path = "sweep/live.rs"]
mod live;
#[allow(dead_code, reason = "tests of databases alone use the rest")]
#[path = "postgres/pages.rs"]
mod pages;
#[path = "sweep/plan.rs"]
mod plan;
#[path = "sweep/random.rs"]
mod random;
#[path = "sweep/round.rs"]
mod round;
#[path = "sweep/writer.rs"]
mod writer;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use house::House;
use round::Sweep;

/// A house lives for so many rounds: what rounds leave to those after them is a part of what is tried.
const ROUNDS_OF_A_HOUSE: u64 = 10;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn live_is_old_or_new_or_critical_and_untouched_whatever_goes_wrong() {
    let rounds = setting("LIFEBOAT_CRASH_ROUNDS", 5);
    let seed = setting("LIFEBOAT_CRASH_SEED", 1);
    let houses = rounds.div_ceil(ROUNDS_OF_A_HOUSE);
    let workers = setting("LIFEBOAT_CRASH_WORKERS", 2).min(houses);
    let next = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    let counted = Mutex::new(BTreeMap::<String, u64>::new());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let house = House::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= houses {
                        break;
                    }
                    let count = ROUNDS_OF_A_HOUSE.min(rounds - number * ROUNDS_OF_A_HOUSE);
                    let swept = catch_unwind(AssertUnwindSafe(|| {
                        let mut sweep = Sweep::begin(&house, seed + number);
                        for round in 1..=count {
                            let told = sweep.round(round);
                            *counted.lock().unwrap().entry(told).or_default() += 1;
                        }
                        sweep.end();
                    }));
                    if let Err(why) = swept {
                        let why = why
                            .downcast_ref::<String>()
                            .cloned()
                            .or_else(|| why.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                        let why = why.unwrap_or_else(|| "a panic without words".to_owned());
                        println!("FAILED, seed {}: {why}", seed + number);
                        failures.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    for (what, count) in counted.lock().unwrap().iter() {
        println!("{count:4} rounds: {what}");
    }
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
