//! Lifeboat is killed (`kill -9`) at random instants of backups and restores. After each restart Live is exactly the old
//! or the new content, no slot has lost a good backup, and the next backup works.
//!
//! `LIFEBOAT_CRASH_ROUNDS` sets the number of rounds (8), `LIFEBOAT_CRASH_SEED` the instants. A round that fails prints
//! both, so that it can be played again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use lifeboat::demo::content::{Place, Site, evolve, fingerprint};
use lifeboat::domain::environment::Role;
use serde_json::Value;

const LIVE: &str = "acme/live";
/// How many starts are enough to remove what a restore replaced.
const STARTS: u32 = 50;

/// A sandbox of the demo, and the real program on it.
struct House {
    config: PathBuf,
    places: Vec<Place>,
    step: u32,
}

impl House {
    fn new(folder: &Path) -> Self {
        let made = Command::new(env!("CARGO_BIN_EXE_lifeboat"))
            .args(["demo", "--json", "--at"])
            .arg(folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let told: Value = serde_json::from_slice(&made.stdout).unwrap();
        let content = told["content"].as_object().unwrap();
        let places = content.iter().map(|(name, path)| Place {
            role: if name == "author" {
                Role::Author
            } else {
                Role::Public
            },
            root: path.as_str().unwrap().into(),
        });
        Self {
            config: told["config"].as_str().unwrap().into(),
            places: places.collect(),
            step: 100,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
        command.arg("--config").arg(&self.config).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?} ended with {}: {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.run(arguments).stdout).unwrap()
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn content(&self) -> Vec<String> {
        self.places
            .iter()
            .map(|place| fingerprint(&place.root).unwrap())
            .collect()
    }

    /// A part of the website that every instance has.
    fn section(&self) -> String {
        let website = |place: &Place| place.root.join("website");
        let entries = std::fs::read_dir(website(&self.places[0])).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let is_everywhere =
            |name: &std::ffi::OsString| self.places.iter().all(|place| website(place).join(name).is_dir());
        names.retain(is_everywhere);
        names.first().unwrap().to_str().unwrap().to_owned()
    }

    /// What each instance has of that part, and what it has besides.
    fn part_and_rest(&self, section: &str) -> (Vec<String>, Vec<(PathBuf, String)>) {
        let part = |place: &Place| {
            let folder = place.root.join("website").join(section);
            folder.exists().then(|| fingerprint(&folder).unwrap())
        };
        let parts = self.places.iter().map(|place| part(place).unwrap_or_default());
        let mut rest = Vec::new();
        for place in &self.places {
            for folder in [place.root.clone(), place.root.join("website")] {
                for entry in std::fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    if path.ends_with("website") || path.ends_with(format!("website/{section}")) {
                        continue;
                    }
                    let held = if path.is_dir() {
                        fingerprint(&path).unwrap()
                    } else {
                        format!("{:?}", std::fs::read(&path).unwrap())
                    };
                    rest.push((path, held));
                }
            }
        }
        rest.sort();
        (parts.collect(), rest)
    }

    /// Editors work: Live differs from every backup afterwards.
    fn edit(&mut self) {
        self.step += 1;
        let now = DateTime::<Utc>::from_timestamp(1_700_000_000 + i64::from(self.step) * 60, 0).unwrap();
        evolve(&self.places, &Site::of_project("acme"), self.step, now).unwrap();
    }

    /// The newest good backup of each slot: its id and when it was taken.
    fn slots(&self) -> BTreeMap<String, (String, String)> {
        let told = self.json(&["backups", LIVE, "--json"]);
        let mut newest = BTreeMap::new();
        for backup in told["backups"].as_array().unwrap() {
            if backup["verification"]["state"] != "verified" {
                continue;
            }
            let text = |field: &str| backup[field].as_str().unwrap().to_owned();
            let known = (text("id"), text("taken"));
            for slot in backup["slots"].as_array().unwrap() {
                let held = newest
                    .entry(slot.as_str().unwrap().to_owned())
                    .or_insert_with(|| known.clone());
                if known.1 > held.1 {
                    *held = known.clone();
                }
            }
        }
        newest
    }

    /// What stands beside the content folders: nothing, once everything is settled. What a restore replaced is removed
    /// for as long as somebody only looks at something, and then by whoever comes next.
    fn beside(&self) -> Vec<String> {
        let notes = self.config.parent().unwrap().join("state/clearing");
        let is_noted = || std::fs::read_dir(&notes).is_ok_and(|mut notes| notes.next().is_some());
        for _ in 0..STARTS {
            if !is_noted() {
                break;
            }
            self.run(&["environments"]);
        }
        let parents = self.places.iter().map(|place| place.root.parent().unwrap());
        parents
            .flat_map(|parent| std::fs::read_dir(parent).unwrap())
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name != "content")
            .collect()
    }
}

/// A small generator of instants, so that a failing round can be played again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

#[test]
fn so_it_is_while_only_the_second_repository_is_left() {
    let seed = setting("LIFEBOAT_CRASH_SEED", 1);
    let mut random = Random(seed);
    let folder = tempfile::tempdir().unwrap();
    let sandbox = folder.path().join("sandbox");
    let mut house = House::new(&sandbox);
    let config = std::fs::read_to_string(&house.config).unwrap();
    let config = format!(
        "{config}\n[repository.copy]\nroot = \"{}\"\nslots = [\"manual\"]\n",
        folder.path().join("copies").display()
    );
    std::fs::write(&house.config, config).unwrap();
    house.run(&["backup", LIVE]);
    let backed_up = house.content();
    let repositories = sandbox.join("repository");
    std::fs::rename(&repositories, folder.path().join("away")).unwrap();

    // What is left is shown, and marked.
    let shown = house.command(&["backups", LIVE]).output().unwrap();
    assert!(!shown.status.success(), "that the first one is away is told");
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("verified, second repository only"), "{text}");
    assert!(
        !text.contains("empty"),
        "nobody knows what the first one holds: {text}"
    );
    let shown = house.command(&["backups", LIVE, "--json"]).output().unwrap();
    let told: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(told["second_repository_only"][0]["slots"][0], "manual");

    let restore = ["restore", LIVE, "manual", "--from", "copy", "--confirm", LIVE];
    house.edit();
    let began = Instant::now();
    house.run(&restore);
    let takes = millis(began.elapsed());
    assert_eq!(house.content(), backed_up);
    for round in 1..=setting("LIFEBOAT_CRASH_ROUNDS", 8).div_ceil(2) {
        house.edit();
        let before = house.content();
        let instant = random.below(takes + takes / 20);
        let place = format!("round {round} of seed {seed}: killed after {instant} ms");
        let mut child = house.start(&restore);
        // The instant is what the test is about; nothing is waited for.
        std::thread::sleep(Duration::from_millis(instant));
        child.kill().unwrap();
        child.wait().unwrap();

        // The next start settles whatever was left, and the first repository is still away.
        house.run(&["environments"]);
        let after = house.content();
        assert!(after == before || after == backed_up, "{place}: Live is mixed");
        assert_eq!(house.beside(), Vec::<String>::new(), "{place}");
        if after == backed_up {
            house.run(&["undo", LIVE, "--confirm", LIVE]);
            assert_eq!(house.content(), before, "{place}: undo");
        }
        house.run(&restore);
        assert_eq!(house.content(), backed_up, "{place}");
    }
    assert!(!repositories.exists());
}

#[test]
fn live_is_old_or_new_wherever_lifeboat_is_killed() {
    let rounds = setting("LIFEBOAT_CRASH_ROUNDS", 8);
    let seed = setting("LIFEBOAT_CRASH_SEED", 1);
    let mut random = Random(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::new(&folder.path().join("sandbox"));
    let restore = ["restore", LIVE, "manual", "--confirm", LIVE];

    // Whole runs first: the instants are spread over what each action takes.
    let began = Instant::now();
    house.run(&["backup", LIVE]);
    let backup_takes = millis(began.elapsed());
    let mut backed_up = house.content();
    house.edit();
    let began = Instant::now();
    house.run(&restore);
    let restore_takes = millis(began.elapsed());
    assert_eq!(house.content(), backed_up);

    let (mut old, mut new) = (0, 0);
    for round in 1..=rounds {
        let restoring = round % 3 != 0;
        house.edit();
        let before = house.content();
        let slots_before = house.slots();
        let (arguments, takes): (&[&str], u64) = if restoring {
            (&restore, restore_takes)
        } else {
            (&["backup", LIVE], backup_takes)
        };
        let instant = random.below(takes + takes / 20);
        let place = format!("round {round} of seed {seed}: {arguments:?} killed after {instant} ms");
        let mut child = house.start(arguments);
        // The instant is what the test is about; nothing is waited for.
        std::thread::sleep(Duration::from_millis(instant));
        child.kill().unwrap();
        child.wait().unwrap();

        // The next start settles whatever was left.
        let told = house.json(&["environments", "--json"]);
        let environments = told["environments"].as_array().unwrap();
        let live = environments
            .iter()
            .find(|environment| environment["name"] == LIVE)
            .unwrap();
        assert_eq!(live["trouble"], Value::Null, "{place}");
        assert_eq!(live["job"], Value::Null, "{place}");
        assert_eq!(house.beside(), Vec::<String>::new(), "{place}");
        let after = house.content();
        if restoring {
            assert!(
                after == before || after == backed_up,
                "{place}: Live is neither old nor new"
            );
            if after == before {
                old += 1;
            } else {
                new += 1;
            }
        } else {
            assert_eq!(after, before, "{place}: a backup changed Live");
        }
        let slots_after = house.slots();
        for (slot, (id, taken)) in &slots_before {
            let (id_now, taken_now) = &slots_after[slot];
            assert!(
                id_now == id || taken_now > taken,
                "{place}: the {slot} slot lost {id}"
            );
        }
        house.run(&["backup", LIVE]);
        backed_up = after;
    }
    house.run(&["verify", LIVE]);
    println!(
        "{rounds} rounds of seed {seed}: restores that were killed left the old content {old} times, the new {new} times"
    );
}

#[test]
fn a_part_of_live_is_old_or_new_and_the_rest_is_what_it_was() {
    let seed = setting("LIFEBOAT_CRASH_SEED", 1);
    let mut random = Random(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::new(&folder.path().join("sandbox"));
    house.run(&["backup", LIVE]);
    let section = house.section();
    let path = format!("/website/{section}");
    let restore = ["restore", LIVE, "manual", "--confirm", LIVE, "--path", &path];
    let (backed_up, _) = house.part_and_rest(&section);
    let edit = |house: &mut House| {
        house.edit();
        for place in &house.places {
            let late = place.root.join("website").join(&section).join("late");
            std::fs::create_dir_all(&late).unwrap();
            std::fs::write(late.join("page.xml"), house.step.to_string()).unwrap();
        }
    };
    edit(&mut house);
    let (_, rest) = house.part_and_rest(&section);
    let began = Instant::now();
    house.run(&restore);
    let takes = millis(began.elapsed());
    assert_eq!(house.part_and_rest(&section), (backed_up.clone(), rest));
    let (mut old, mut new) = (0, 0);
    for round in 1..=setting("LIFEBOAT_CRASH_ROUNDS", 8) {
        edit(&mut house);
        let (before, rest) = house.part_and_rest(&section);
        let instant = random.below(takes + takes / 20);
        let place = format!("round {round} of seed {seed}: a part, killed after {instant} ms");
        let mut child = house.start(&restore);
        // The instant is what the test is about; nothing is waited for.
        std::thread::sleep(Duration::from_millis(instant));
        child.kill().unwrap();
        child.wait().unwrap();

        house.run(&["environments"]);
        let (after, rest_after) = house.part_and_rest(&section);
        assert!(
            after == before || after == backed_up,
            "{place}: the part is mixed"
        );
        assert_eq!(rest_after, rest, "{place}: the rest was touched");
        assert_eq!(house.beside(), Vec::<String>::new(), "{place}");
        if after == backed_up {
            new += 1;
            house.run(&["undo", LIVE, "--confirm", LIVE]);
            assert_eq!(
                house.part_and_rest(&section),
                (before, rest.clone()),
                "{place}: undo"
            );
        } else {
            old += 1;
        }
        house.run(&restore);
        assert_eq!(
            house.part_and_rest(&section),
            (backed_up.clone(), rest),
            "{place}"
        );
    }
    println!("parts that were killed left the old content {old} times, the new {new} times");
}

/// A hook that kills the Lifeboat that runs it: the last instant before the switch, met for certain.
#[test]
fn what_a_killed_restore_had_stopped_is_started_again_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = House::new(&folder.path().join("sandbox"));
    house.run(&["backup", LIVE]);
    house.edit();
    let log = folder.path().join("hooks.log");
    let note = format!(
        "echo $LIFEBOAT_HOOK $LIFEBOAT_INSTANCE $LIFEBOAT_OUTCOME >> '{}'",
        log.display()
    );
    let hooks = format!(
        "hooks = {{ before_restore = [\"sh\", \"-c\", \"{note}; kill -9 $PPID\"], \
         after_restore = [\"sh\", \"-c\", \"{note}\"] }}\n"
    );
    let config = std::fs::read_to_string(&house.config).unwrap();
    let with_hooks = config.replace(
        "[[environment.instance]]\n",
        &format!("[[environment.instance]]\n{hooks}"),
    );
    assert_ne!(with_hooks, config);
    std::fs::write(&house.config, with_hooks).unwrap();
    let before = house.content();

    let mut restore = house.start(&["restore", LIVE, "manual", "--confirm", LIVE]);
    assert!(!restore.wait().unwrap().success());
    let ran = || std::fs::read_to_string(&log).unwrap();
    assert_eq!(ran().trim(), "before_restore author");
    house.run(&["environments"]);
    assert_eq!(
        ran().lines().collect::<Vec<_>>(),
        ["before_restore author", "after_restore author failed"]
    );
    assert_eq!(house.content(), before, "Live has its old content");
    assert!(house.beside().is_empty());
}
