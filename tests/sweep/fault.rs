//! What else goes wrong in a third of the rounds.

use std::fs;
use std::process::{Command, Output};

use postgres::Client;

use crate::house::{DATABASES, DISKS, House};
use crate::random::Random;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Only so many bytes are free on a disk, from before Lifeboat begins; until after the next start, or only until before.
    Full {
        disk: &'static str,
        free: u64,
        stays: bool,
    },
    /// This part of the state folder is gone at the next start.
    Lost(&'static str),
    /// The content folder, with all that stands beside it, has other inodes at the next start.
    Moved,
    /// Another session holds a table; until somebody waits for it at the next start, or only until before.
    Locked {
        database: &'static str,
        mode: &'static str,
        stays: bool,
    },
}

impl Fault {
    pub fn any(random: &mut Random, house: &House) -> Self {
        let first = u64::from(!house.has_disks) * 2;
        match first + random.below(8 - first) {
            0 | 1 => Self::Full {
                disk: random.one_of(&DISKS),
                free: [0, 8 << 10, 64 << 10, 400 << 10][usize::try_from(random.below(4)).unwrap()],
                stays: random.once_in(2),
            },
            2 => Self::Lost(""),
            3 => Self::Lost("journal"),
            4 => Self::Lost("catalog.sqlite"),
            5 | 6 => Self::Moved,
            _ => Self::Locked {
                database: random.one_of(&DATABASES),
                mode: random.one_of(&["ACCESS SHARE", "ROW EXCLUSIVE"]),
                stays: random.once_in(2),
            },
        }
    }

    pub fn name(&self) -> String {
        match self {
            Self::Full { disk, .. } => format!("{disk} full"),
            Self::Lost("") => "state lost".to_owned(),
            Self::Lost(what) => format!("{what} lost"),
            Self::Moved => "moved".to_owned(),
            Self::Locked { .. } => "locked".to_owned(),
        }
    }

    /// Whether nobody can tell any more what Live is, should it have been in the middle of a switch.
    pub fn may_be_critical(&self) -> bool {
        matches!(self, Self::Lost("" | "journal") | Self::Moved)
    }

    /// Whether what was staged may stay, since nobody knows of it, or somebody holds it.
    pub fn may_leave(&self) -> bool {
        !matches!(self, Self::Moved)
    }

    /// Before Lifeboat begins. What is given is held.
    pub fn before(&self, house: &House) -> Option<Client> {
        match self {
            Self::Full { disk, free, .. } => {
                house.fill(disk, *free);
                None
            }
            Self::Locked { database, mode, .. } => {
                let mut client = house.client(database);
                client
                    .batch_execute(&format!("BEGIN; LOCK TABLE public.pm_dam_bundle IN {mode} MODE"))
                    .unwrap();
                Some(client)
            }
            _ => None,
        }
    }

    /// Between Lifeboat's end and the next start.
    pub fn between(&self, house: &House, held: &mut Option<Client>) {
        match self {
            Self::Full {
                disk, stays: false, ..
            } => house.free(disk),
            Self::Locked { stays: false, .. } => *held = None,
            Self::Lost("") => {
                let _ = fs::remove_dir_all(house.state());
            }
            Self::Lost("journal") => {
                let _ = fs::remove_dir_all(house.state().join("journal"));
            }
            Self::Lost(name) => {
                for entry in fs::read_dir(house.state()).into_iter().flatten() {
                    let path = entry.unwrap().path();
                    if path.file_name().unwrap().to_string_lossy().starts_with(name) {
                        fs::remove_file(path).unwrap();
                    }
                }
            }
            Self::Moved => {
                let instance = house.content().parent().unwrap().to_owned();
                let before = instance.with_extension("before");
                fs::rename(&instance, &before).unwrap();
                let copied = Command::new("cp").arg("-a").arg(&before).arg(&instance).status();
                assert!(copied.unwrap().success());
                fs::remove_dir_all(before).unwrap();
            }
            Self::Full { .. } | Self::Locked { .. } => {}
        }
    }

    /// The next start, while a table is held: until somebody waits for it.
    pub fn start_under_lock(
        house: &House,
        database: &str,
        held: &mut Option<Client>,
        arguments: &[&str],
    ) -> Output {
        let mut client = house.client(database);
        let child = house
            .command(arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let waits = std::thread::spawn(move || child.wait_with_output().unwrap());
        while !waits.is_finished() {
            let waiting = client
                .query_opt(
                    "SELECT FROM pg_locks WHERE locktype = 'relation' AND NOT granted LIMIT 1",
                    &[],
                )
                .unwrap();
            if waiting.is_some() {
                *held = None;
            }
        }
        *held = None;
        waits.join().unwrap()
    }
}
