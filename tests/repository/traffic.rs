//! What goes over the line to a bucket: as much as has changed, and not as much as there is.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use lifeboat::clock::SetClock;
use lifeboat::domain::environment::InstanceName;
use lifeboat::domain::job::JobState;
use lifeboat::domain::request::BackupRequest;
use lifeboat::domain::settings::RepositoryChoice;
use lifeboat::domain::slot::Keep;
use lifeboat::domain::version::MagnoliaVersion;
use lifeboat::engine::Engine;
use lifeboat::repository::{Known, Readings, RepositoryError};
use lifeboat::watch::{Unwatched, Watch};

use crate::damage::flip_a_bit_of_content;
use crate::engine::{Installation, backup, ended, live, start};
use crate::object_storage::{Line, Store};
use crate::support::{Sandbox, below, moment, noise, on_each_storage};

on_each_storage!(what_was_not_read_to_its_end_is_not_noted_as_read,);

const FILES: u64 = 400;
const FILE: usize = 64 * 1024;
const SIZE: u64 = FILES * FILE as u64;

/// An installation with some content, and a machine that reaches each of the two buckets over a line of its own.
struct Wired {
    place: Installation,
    lines: [Line; 2],
    clock: Arc<SetClock>,
    engine: Engine,
}

impl Wired {
    fn new() -> Self {
        let place = Installation::in_buckets(Store::new(), Store::new());
        for number in 0..FILES {
            let folder = place.content().join(format!("dam/{}", number % 10));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(number.to_string()), noise(number, FILE)).unwrap();
        }
        let lines = [Line::new(), Line::new()];
        let clock = Arc::new(SetClock::at(moment("2026-11-23T12:00:00Z")));
        let engine = machine(&place, &lines, &clock, "state");
        Self {
            place,
            lines,
            clock,
            engine,
        }
    }

    /// Another machine, or this one with nothing in its state folder.
    fn machine(&self, state: &str) -> Engine {
        machine(&self.place, &self.lines, &self.clock, state)
    }

    fn pass(&self, time: chrono::Duration) {
        use lifeboat::clock::Clock;
        self.clock.set(self.clock.now() + time);
    }

    /// What a job moves over each line.
    fn moved<T>(&self, job: impl FnOnce() -> T) -> (T, [u64; 2]) {
        let before = self.lines.each_ref().map(Line::moved);
        let done = job();
        let mut moved = self.lines.each_ref().map(Line::moved);
        for (moved, before) in moved.iter_mut().zip(before) {
            *moved -= before;
        }
        (done, moved)
    }

    /// How often each pack of the first bucket's content was asked for since, listed by its name.
    fn asked_for(&self, since: usize) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for head in &self.lines[0].heads()[since..] {
            let line = head.lines().next().unwrap();
            let name = line.split_once("/data/").and_then(|(_, rest)| rest.get(3..67));
            if let Some(name) = name.filter(|_| line.starts_with("GET ")) {
                *asked.entry(name.to_owned()).or_default() += 1;
            }
        }
        asked
    }
}

fn machine(place: &Installation, lines: &[Line; 2], clock: &Arc<SetClock>, state: &str) -> Engine {
    let keep = Keep {
        manual: 2,
        ..Keep::default()
    };
    place.machine_at(
        state,
        Arc::clone(clock) as Arc<_>,
        keep,
        lines[0].options(),
        lines[1].options(),
    )
}

fn backed_up(engine: &Engine) {
    let job = backup(engine);
    assert_eq!(job.state, JobState::Done, "{job:?}");
    assert_eq!(job.outcome.unwrap().warnings, Vec::<String>::new());
}

#[test]
fn what_a_backup_moves_follows_what_has_changed() {
    let wired = Wired::new();
    let ((), first) = wired.moved(|| backed_up(&wired.engine));
    wired.pass(chrono::Duration::days(1));
    let ((), unchanged) = wired.moved(|| backed_up(&wired.engine));
    for number in 0..FILES / 100 {
        let file = wired.place.content().join(format!("dam/{number}/{number}"));
        fs::write(file, noise(1_000 + number, FILE)).unwrap();
    }
    wired.pass(chrono::Duration::days(1));
    let ((), changed) = wired.moved(|| backed_up(&wired.engine));
    // A machine that knows nothing of what was read reads it once more, once.
    let other = wired.machine("other");
    wired.pass(chrono::Duration::minutes(5));
    let ((), lost) = wired.moved(|| backed_up(&other));
    wired.pass(chrono::Duration::minutes(5));
    let ((), known) = wired.moved(|| backed_up(&other));
    // And once it was last read long ago, it is read again.
    wired.pass(chrono::Duration::days(40));
    let ((), late) = wired.moved(|| backed_up(&other));
    println!(
        "of {SIZE} bytes, in the first bucket and the second: first {first:?}, unchanged {unchanged:?}, 1 % changed \
         {changed:?}, state folder lost {lost:?}, known again {known:?}, late {late:?}"
    );
    for line in 0..2 {
        assert!(first[line] > 2 * SIZE, "it is read back");
        assert!(unchanged[line] < SIZE / 50, "{unchanged:?}");
        // Written, read back, and read to be copied.
        assert!(changed[line] < SIZE / 15, "{changed:?}");
        assert!(lost[line] > SIZE, "{lost:?}");
        assert!(known[line] < SIZE / 50, "{known:?}");
        assert!(late[line] > SIZE, "{late:?}");
    }
}

#[test]
fn a_restore_reads_in_the_bucket_what_is_not_right_in_live() {
    let wired = Wired::new();
    backed_up(&wired.engine);
    let good = below(&wired.place.content());
    let restored = || {
        wired.pass(chrono::Duration::minutes(5));
        let job = start(&wired.engine, RepositoryChoice::First).unwrap();
        let job = ended(&wired.engine, job);
        assert_eq!(job.state, JobState::Done, "{job:?}");
    };
    let ((), unchanged) = wired.moved(restored);
    for number in 0..FILES / 100 {
        let file = wired.place.content().join(format!("dam/{number}/{number}"));
        fs::write(file, noise(1_000 + number, FILE)).unwrap();
    }
    let ((), changed) = wired.moved(restored);
    assert_eq!(below(&wired.place.content()), good);
    fs::remove_dir_all(wired.place.content().join("dam")).unwrap();
    let ((), gone) = wired.moved(restored);
    assert_eq!(below(&wired.place.content()), good);
    // A drill proves what is in the bucket.
    let (job, drilled) = wired.moved(|| {
        let job = wired
            .engine
            .live(&live())
            .unwrap()
            .start_drill(Some("manual"))
            .unwrap();
        ended(&wired.engine, job)
    });
    assert_eq!(job.state, JobState::Done, "{job:?}");
    println!(
        "of {SIZE} bytes: unchanged {unchanged:?}, 1 % changed {changed:?}, gone {gone:?}, drilled {drilled:?}"
    );
    assert!(unchanged[0] < SIZE / 30, "{unchanged:?}");
    // The safety backup is written and read back, and the rest is read once.
    assert!(changed[0] < SIZE / 10, "{changed:?}");
    assert!(gone[0] > SIZE, "{gone:?}");
    assert!(drilled[0] > SIZE, "{drilled:?}");
}

/// Has had enough from the beginning.
struct Stopped;

impl Watch for Stopped {
    fn total(&self, _items: u64, _bytes: u64) {}
    fn instance(&self, _name: &InstanceName) {}
    fn advance(&self, _items: u64, _bytes: u64) {}
    fn is_cancelled(&self) -> bool {
        true
    }
}

fn what_was_not_read_to_its_end_is_not_noted_as_read(sandbox: &Sandbox) {
    drop(sandbox.copy().unwrap());
    let copy = sandbox.copy().unwrap();
    let mut readings = Readings::of("here", None);
    let mut read_back = |watch: &dyn Watch| {
        let mut known = Known {
            readings: &mut readings,
            now: moment("2026-11-23T00:17:00Z"),
            counts: &|_, _| true,
        };
        let read = sandbox.repository.read_back_unless(&copy, &mut known, watch);
        (read.map(|read| read.again), readings.len())
    };
    let (cancelled, known) = read_back(&Stopped);
    assert!(
        matches!(cancelled, Err(RepositoryError::Cancelled)),
        "{cancelled:?}"
    );
    assert_eq!(known, 0);
    let (read, known) = read_back(&Unwatched);
    assert!(read.unwrap() > 6_000_000 && known > 1);
    let (read, again) = read_back(&Unwatched);
    assert_eq!((read.unwrap(), again), (0, known));
}

#[test]
fn what_is_damaged_is_not_noted_as_read() {
    let sandbox = Sandbox::new();
    drop(sandbox.copy().unwrap());
    let copy = sandbox.copy().unwrap();
    flip_a_bit_of_content(&sandbox);
    let mut readings = Readings::of("here", None);
    for _ in 0..2 {
        let mut known = Known {
            readings: &mut readings,
            now: moment("2026-11-23T00:17:00Z"),
            counts: &|_, _| true,
        };
        let read = sandbox.repository.read_back_unless(&copy, &mut known, &Unwatched);
        assert!(matches!(read, Err(RepositoryError::Damaged { .. })), "{read:?}");
        assert_eq!(readings.len(), sandbox.files("data").len() - 1);
    }
}

#[test]
fn a_pack_is_read_once_by_a_verification_whatever_number_of_backups_share_it() {
    let wired = Wired::new();
    backed_up(&wired.engine);
    wired.pass(chrono::Duration::minutes(5));
    let upgrade = BackupRequest {
        environment: live(),
        note: None,
        upgrade_to: Some(MagnoliaVersion("6.4".to_owned())),
    };
    let job = wired
        .engine
        .live(&live())
        .unwrap()
        .start_backup(&upgrade)
        .unwrap();
    assert_eq!(ended(&wired.engine, job).state, JobState::Done);
    assert_eq!(wired.engine.live(&live()).unwrap().backups().unwrap().len(), 2);
    let seen = wired.lines[0].heads().len();
    let (job, moved) = wired.moved(|| {
        let job = wired.engine.live(&live()).unwrap().start_verify(None).unwrap();
        ended(&wired.engine, job)
    });
    assert_eq!(job.state, JobState::Done, "{job:?}");
    println!("of {SIZE} bytes in two backups {moved:?}");
    assert!((SIZE..SIZE * 5 / 4).contains(&moved[0]), "{moved:?}");
    // A pack is read in runs of two mebibytes, and its list; how much is in which depends on who packs quicker. One has
    // the folders, which are looked at for each backup.
    let asked = wired.asked_for(seen);
    let once = usize::try_from(SIZE / (2 << 20)).unwrap() + 2;
    let often = asked.values().filter(|times| **times > once).count();
    assert!(asked.len() > 2 && often <= 1, "{asked:?}");
}
