//! Lifeboat against `restic` on the same tree in the same run: a first backup, an unchanged one, and a restore.
//!
//! `cargo bench --bench speed` makes 1 GiB in 20,000 files, half of which can be compressed, and prints a table. Each
//! step runs in a process of its own, so that its memory is its own. Settings, from the environment:
//!
//! | variable | default | meaning |
//! | --- | --- | --- |
//! | `SPEED_MIB` | 1024 | size of the tree |
//! | `SPEED_FILES` | 20000 | files in it |
//! | `SPEED_ROUNDS` | 3 | rounds; the table shows the median |
//! | `SPEED_DIR` | a temporary one | where to work |
//! | `RESTIC` | `restic` | the program to compare with; its version is printed |
//!
//! Both programs read a tree that is in memory already, and write to the same disk, which is quiet at the beginning of
//! each step. Opening the repository (hardened against guessing, half a second) counts for both. What Lifeboat compares after a
//! restore, `restic` does with `--verify`; both are shown with and without it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark fails by panicking"
)]

#[path = "measure.rs"]
mod measure;
#[path = "noise.rs"]
mod noise;
#[path = "tree.rs"]
mod tree;

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use lifeboat::clock::{Clock, SystemClock};
use lifeboat::content::files::{Files, FilesSink};
use lifeboat::domain::backup::{Manifest, Trigger};
use lifeboat::domain::environment::{InstanceName, Role};
use lifeboat::domain::plan::Selection;
use lifeboat::domain::version::{MagnoliaVersion, ReleaseVersion, Versions};
use lifeboat::repository::{
    Depth, FrozenSources, Key, Known, Readings, Repository, Source, UnrecordedBackup,
};
use lifeboat::watch::Unwatched;
use measure::{Taken, measured, size, ticks};

const SECRET: &str = "not a secret";
const STEP: &str = "SPEED_STEP";
/// What a round makes.
const MADE: [&str; 5] = [
    "restic",
    "lifeboat",
    "by-restic",
    "by-restic-verified",
    "by-lifeboat",
];

fn main() {
    let setting = |name: &str, default: u64| env::var(name).map_or(default, |text| text.parse().unwrap());
    if let Ok(step) = env::var(STEP) {
        return lifeboat_step(&step, Path::new(&env::var("SPEED_DIR").unwrap()));
    }
    let temporary;
    let dir = if let Some(dir) = env::var_os("SPEED_DIR") {
        PathBuf::from(dir)
    } else {
        temporary = tempfile::tempdir().unwrap();
        temporary.path().to_owned()
    };
    let (mib, files) = (setting("SPEED_MIB", 1024), setting("SPEED_FILES", 20_000));
    eprintln!("making {mib} MiB in {files} files in {}", dir.display());
    tree::make(&dir.join("content"), mib << 20, files);

    let said = Command::new(restic_program()).arg("version").output();
    let said =
        said.unwrap_or_else(|error| panic!("{}: {error}: is it installed?", restic_program().display()));
    println!("{}", String::from_utf8_lossy(&said.stdout).trim());
    let mut figures = Figures::default();
    let rounds = setting("SPEED_ROUNDS", 3);
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for made in MADE {
            set_aside(&dir, made, round);
        }
        play(&dir, &mut figures);
    }
    for round in 1..=rounds {
        for made in MADE {
            let _ = fs::remove_dir_all(dir.join(format!("{made}-{round}")));
        }
    }
    figures.print();
    figures.print_parts();
}

/// Moves what an earlier round has made out of the way. It is removed at the end: ext4 looks past inodes that were freed in
/// the last minutes one by one, and whoever makes many files then pays for what another has removed.
fn set_aside(dir: &Path, made: &str, round: u64) {
    let _ = fs::rename(dir.join(made), dir.join(format!("{made}-{round}")));
}

/// One round.
fn play(dir: &Path, figures: &mut Figures) {
    restic(dir, &["init"]);
    lifeboat(dir, "init");
    for what in ["first backup", "unchanged backup"] {
        let by_restic = restic(dir, &["backup", "content"]);
        figures.add(what, "restic", &by_restic, size(&dir.join("restic")));
        let by_lifeboat = lifeboat(dir, "backup");
        let kept = size(&dir.join("lifeboat"));
        figures.add(what, "Lifeboat", &without(&by_lifeboat, "read back"), kept);
        figures.add(what, "Lifeboat, read back", &by_lifeboat, kept);
    }
    let by_restic = restic(dir, &["restore", "latest", "--target", "by-restic"]);
    figures.add("restore", "restic", &by_restic, size(&dir.join("restic")));
    let verified = restic(
        dir,
        &["restore", "latest", "--target", "by-restic-verified", "--verify"],
    );
    figures.add(
        "restore",
        "restic, verified",
        &verified,
        size(&dir.join("restic")),
    );
    let by_lifeboat = lifeboat(dir, "restore");
    let kept = size(&dir.join("lifeboat"));
    let synced = without(&by_lifeboat, "safety");
    let compared = without(&synced, "settle");
    figures.add("restore", "Lifeboat", &without(&compared, "compare"), kept);
    figures.add("restore", "Lifeboat, compared", &compared, kept);
    figures.add("restore", "Lifeboat, compared and synced", &synced, kept);
    figures.add(
        "restore",
        "Lifeboat, all with its safety backup",
        &by_lifeboat,
        kept,
    );
}

/// The same without one of its parts.
fn without(taken: &Taken, part: &str) -> Taken {
    let (seconds, cpu) = taken.parts.get(part).copied().unwrap_or_default();
    Taken {
        seconds: taken.seconds - seconds,
        cpu: taken.cpu - cpu,
        ..taken.clone()
    }
}

/// The program that Lifeboat is compared with.
fn restic_program() -> PathBuf {
    env::var_os("RESTIC").map_or_else(|| "restic".into(), PathBuf::from)
}

/// Runs restic in a process of its own.
fn restic(dir: &Path, arguments: &[&str]) -> Taken {
    let mut command = Command::new(restic_program());
    command
        .args(["--quiet", "--no-cache", "--repo", "restic"])
        .args(arguments)
        .env("RESTIC_PASSWORD", SECRET)
        .current_dir(dir);
    measured(&mut command)
}

/// Runs a step of Lifeboat in a process of its own: this program again.
fn lifeboat(dir: &Path, step: &str) -> Taken {
    let parts = dir.join("parts");
    let _ = fs::remove_file(&parts);
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(STEP, step).env("SPEED_DIR", dir);
    let mut taken = measured(&mut command);
    for line in fs::read_to_string(&parts).unwrap_or_default().lines() {
        let mut words = line.split('\t');
        let mut next = || words.next().unwrap();
        taken.parts.insert(
            next().to_owned(),
            (next().parse().unwrap(), next().parse().unwrap()),
        );
    }
    taken
}

/// A step of Lifeboat, in this process.
fn lifeboat_step(step: &str, dir: &Path) {
    let key = Key::new(SECRET.to_owned());
    let place = dir.join("lifeboat");
    if step == "init" {
        Repository::open_or_create(&place, &key).unwrap();
        return;
    }
    let mut parts = String::new();
    let mut part = |name: &str, work: &mut dyn FnMut()| {
        let (start, cpu) = (Instant::now(), ticks(1));
        work();
        let (seconds, cpu) = (start.elapsed().as_secs_f64(), ticks(1) - cpu);
        writeln!(parts, "{name}	{seconds}	{cpu}").unwrap();
    };
    let author: InstanceName = "author".parse().unwrap();
    let source = Source {
        name: author.clone(),
        role: Role::Author,
        content: Arc::new(Files::new(&dir.join("content"))),
    };
    let held = || FrozenSources::take(slice::from_ref(&source), &SystemClock).unwrap();
    let mut opened = None;
    // As the engine does it: for a backup the content is walked meanwhile.
    part("open", &mut || {
        let is_opening = AtomicBool::new(true);
        let is_waiting = || is_opening.load(Ordering::Relaxed);
        opened = Some(thread::scope(|scope| {
            let walked =
                (step == "backup").then(|| scope.spawn(|| held().walk_ahead(&is_waiting, &Unwatched)));
            let repository = Repository::open(&place, &key).unwrap();
            is_opening.store(false, Ordering::Relaxed);
            (repository, walked.map(|walked| walked.join().unwrap()))
        }));
    });
    let (repository, mut walked) = opened.unwrap();
    let newest = repository
        .list()
        .unwrap()
        .into_iter()
        .next()
        .map(|backup| backup.id);
    if step == "backup" {
        let mut copied = None;
        part("copy", &mut || {
            let walked = walked.take().unwrap();
            copied = Some(repository.copy(walked, newest.as_ref(), &Unwatched).unwrap());
        });
        let copy = copied.unwrap();
        part("read back", &mut || {
            read_back(dir, &repository, &copy);
        });
        let manifest = manifest(&copy);
        repository.record(copy, &manifest).unwrap();
    } else {
        let (id, all) = (newest.unwrap(), Selection::default());
        // Live is as it was at the last backup here. Where everything in it has changed, its safety backup takes as
        // long as a first one.
        part("safety", &mut || {
            let copy = repository.copy(held(), Some(&id), &Unwatched).unwrap();
            read_back(dir, &repository, &copy);
            let manifest = manifest(&copy);
            repository.record(copy, &manifest).unwrap();
        });
        let to = dir.join("by-lifeboat");
        let sink = FilesSink::create(&to).unwrap();
        repository.extract(&id, &author, &all, &sink, &Unwatched).unwrap();
        part("compare", &mut || {
            let staged = Files::new(&to);
            let compared = repository
                .compare(&id, &author, &all, &staged, Depth::Whole, &Unwatched)
                .unwrap();
            assert!(compared.is_same(), "{compared:?}");
        });
        part("settle", &mut || sink.settle().unwrap());
    }
    fs::write(dir.join("parts"), parts).unwrap();
}

/// As the engine does it: what was read back before, in an earlier step, is not read again.
fn read_back(dir: &Path, repository: &Repository, copy: &UnrecordedBackup) {
    let (kept, place) = (dir.join("readings"), repository.place().to_string());
    let mut readings = Readings::of(&place, fs::read_to_string(&kept).ok().as_deref());
    let mut known = Known {
        readings: &mut readings,
        now: SystemClock.now(),
        counts: &|_, _| true,
    };
    repository.read_back_unless(copy, &mut known, &Unwatched).unwrap();
    fs::write(kept, readings.text()).unwrap();
}

fn manifest(copy: &UnrecordedBackup) -> Manifest {
    Manifest {
        format: Manifest::FORMAT,
        environment: "speed/live".parse().unwrap(),
        taken: SystemClock.now(),
        copy_millis: copy.copy_millis,
        verify_millis: 0,
        trigger: Trigger::Person,
        by: "speed".into(),
        note: None,
        versions: Versions {
            release: ReleaseVersion::numbered(1),
            magnolia: MagnoliaVersion("6.3.4".to_owned()),
        },
        slots: Vec::new(),
        serves: Vec::new(),
        expires: None,
        pin: None,
        added_bytes: copy.added_bytes,
        read_since: None,
        ran: None,
        came_from: None,
        earlier: Vec::new(),
        instances: copy.instances.clone(),
        replaced: None,
    }
}

/// What was measured, in the order in which it is shown.
#[derive(Default)]
struct Figures(Vec<Figure>);

/// One line of the table: what was done by whom, with what each round took and the bytes kept after it.
struct Figure {
    what: String,
    by: String,
    rounds: Vec<(Taken, u64)>,
}

impl Figures {
    fn add(&mut self, what: &str, by: &str, taken: &Taken, kept: u64) {
        let round = (taken.clone(), kept);
        match self
            .0
            .iter_mut()
            .find(|figure| figure.what == what && figure.by == by)
        {
            Some(figure) => figure.rounds.push(round),
            None => self.0.push(Figure {
                what: what.to_owned(),
                by: by.to_owned(),
                rounds: vec![round],
            }),
        }
    }

    /// Where Lifeboat's seconds go.
    fn print_parts(&self) {
        println!("\n| what | part | seconds | CPU s |");
        println!("| --- | --- | --- | --- |");
        for Figure { what, by, rounds } in &self.0 {
            if matches!(
                by.as_str(),
                "Lifeboat, read back" | "Lifeboat, compared and synced"
            ) {
                for (part, (seconds, cpu)) in &rounds[rounds.len() / 2].0.parts {
                    println!("| {what} | {part} | {seconds:.2} | {cpu:.2} |");
                }
            }
        }
    }

    fn print(&mut self) {
        println!("| what | by | seconds | CPU s | peak MiB | MiB kept |");
        println!("| --- | --- | --- | --- | --- | --- |");
        for Figure { what, by, rounds } in &mut self.0 {
            rounds.sort_by(|(a, _), (b, _)| a.seconds.total_cmp(&b.seconds));
            let (taken, kept) = &rounds[rounds.len() / 2];
            let peak = rounds.iter().map(|(taken, _)| taken.peak_kib).max().unwrap_or(0);
            println!(
                "| {what} | {by} | {:.2} | {:.2} | {} | {} |",
                taken.seconds,
                taken.cpu,
                peak >> 10,
                kept >> 20
            );
        }
    }
}
