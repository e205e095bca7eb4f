//! The engine as a whole, on real folders and real repositories, under a clock that the tests set.

#[path = "../../../tests/changes/mod.rs"]
mod changes;
mod checks;
mod clearing;
mod clocks;
mod copies;
mod copy_alone;
mod copy_unseen;
mod damage;
mod damaged_homes;
mod drills;
mod elsewhere;
mod endings;
mod glances;
mod health;
mod homes;
mod hooks;
mod house;
mod ill_will;
mod inside;
mod kept;
mod linked_homes;
mod lost;
mod members;
mod mounts;
mod moving;
mod older;
mod plans;
mod queue;
mod readings;
mod recovery;
mod restores;
mod rules;
mod schedule;
mod shared;
mod unchanged;
