//! When Lifeboat is killed: at an instant, as soon as the journal says something, at a statement in a database, or in a hook.

use std::fs;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use crate::gate::Gate;
use crate::house::{House, INSTANCES};
use crate::random::Random;

/// Nothing takes longer, not even a switch that gives up.
const LIMIT: Duration = Duration::from_mins(4);

/// Statements in databases after which (or before which: without a pattern) it is killed, in the order of a restore.
const STATEMENTS: [(&str, &str, &str); 8] = [
    ("author", "CREATE SCHEMA", "lifeboat_old%"),
    ("public-2", "CREATE TABLE", "lifeboat_new%pm_dam_bundle"),
    ("public-2", "ALTER TABLE", "lifeboat_new%pm_website_names"),
    ("author", "ALTER TABLE", "public.pm_website_bundle"),
    ("public-2", "ALTER TABLE", "lifeboat_old%pm_website_bundle"),
    ("public-2", "ALTER TABLE", "public.pm_website_bundle"),
    ("public-2", "COMMENT", "lifeboat_old%"),
    ("author", "DROP SCHEMA", ""),
];

/// See the module.
#[derive(Debug, Clone)]
pub enum Point {
    Instant(Duration),
    Journal {
        stage: &'static str,
        then: Duration,
    },
    Statement {
        database: &'static str,
        tag: &'static str,
        pattern: &'static str,
    },
    Hook {
        when: &'static str,
        instance: &'static str,
    },
    Never,
}

impl Point {
    /// Any point of something that takes so long. Only what switches has named ones.
    pub fn any(random: &mut Random, takes: Duration, switches: bool, has_hooks: bool) -> Self {
        let limit = u64::try_from(takes.as_micros()).unwrap();
        let instant = Duration::from_micros(random.below(limit + limit / 10));
        if !switches {
            return Self::Instant(instant);
        }
        match random.below(10) {
            0..=2 => {
                let stage = random.one_of(&["staging", "switching", "switching", "switched", "clearing"]);
                let longest = if stage == "staging" { limit / 3 } else { 30_000 };
                Self::Journal {
                    stage,
                    then: Duration::from_micros(random.below(longest)),
                }
            }
            3..=5 => {
                let (database, tag, pattern) = random.one_of(&STATEMENTS);
                Self::Statement {
                    database,
                    tag,
                    pattern,
                }
            }
            6 if has_hooks => Self::Hook {
                when: random.one_of(&["kill-before", "kill-after"]),
                instance: random.one_of(&INSTANCES),
            },
            7 => Self::Never,
            _ => Self::Instant(instant),
        }
    }

    /// Starts the program and kills it there; or it ends before.
    pub fn run(&self, house: &House, arguments: &[String]) -> ExitStatus {
        let mut gate = None;
        match self {
            Self::Statement {
                database,
                tag,
                pattern: "",
            } => gate = Some(Gate::before(house, database, tag)),
            Self::Statement {
                database,
                tag,
                pattern,
            } => {
                gate = Some(Gate::after(house, database, tag, pattern));
            }
            Self::Hook { when, instance } => fs::write(house.sign(when, instance), "").unwrap(),
            _ => {}
        }
        let began = Instant::now();
        let mut child = house.start(arguments);
        let ended = self.wait(house, &mut child, gate.as_mut(), began);
        if let Some(gate) = gate {
            gate.open();
        }
        for instance in INSTANCES {
            for when in ["kill-before", "kill-after"] {
                let _ = fs::remove_file(house.sign(when, instance));
            }
        }
        ended
    }

    fn wait(
        &self,
        house: &House,
        child: &mut Child,
        mut gate: Option<&mut Gate>,
        began: Instant,
    ) -> ExitStatus {
        if let Self::Instant(instant) = self {
            // The instant is what the test is about; nothing is waited for.
            std::thread::sleep(*instant);
            child.kill().unwrap();
            return child.wait().unwrap();
        }
        if matches!(self, Self::Never | Self::Hook { .. }) {
            return child.wait().unwrap();
        }
        loop {
            if let Some(ended) = child.try_wait().unwrap() {
                return ended;
            }
            let is_there = match self {
                Self::Journal { stage, then } => {
                    let says = format!("\"{stage}\"");
                    let is_there = fs::read_to_string(house.journal()).is_ok_and(|text| text.contains(&says));
                    if is_there {
                        std::thread::sleep(*then);
                    }
                    is_there
                }
                _ => gate.as_mut().is_some_and(|gate| gate.met().is_some()),
            };
            if is_there || began.elapsed() > LIMIT {
                child.kill().unwrap();
                let ended = child.wait().unwrap();
                assert!(is_there, "after {LIMIT:?} it still ran: {}", house.said());
                return ended;
            }
            std::thread::yield_now();
        }
    }
}
