//! One round: something is begun, Lifeboat is killed in it, something else may go wrong, and the next start has to leave
//! Live old or new, or name what it cannot tell and touch nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitStatus;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::act::{Action, Chosen, Last};
use crate::before::{Before, has_slot, id};
use crate::fault::Fault;
use crate::house::{FOLDER, House, INSTANCES, LIVE, told};
use crate::kill::Point;
use crate::live::{FIRST_MARK, MARKS, Parts, mark_of};
use crate::plan::Plan;
use crate::random::Random;
use crate::writer::{Who, Writers};

/// How long each action takes, as last measured: instants are spread over that.
static TAKES: Mutex<BTreeMap<&'static str, Duration>> = Mutex::new(BTreeMap::new());

/// The rounds of one life of a house.
pub struct Sweep<'h> {
    house: &'h House,
    seed: u64,
    random: Random,
    step: u64,
    /// The backups, as last listed.
    listed: Vec<Value>,
    /// What Live held when each backup was taken.
    known: BTreeMap<String, Parts>,
    last: Option<Last>,
    mark: i64,
    /// Whether an earlier round has left something that nobody knows of any more.
    has_orphans: bool,
}

impl<'h> Sweep<'h> {
    pub fn begin(house: &'h House, seed: u64) -> Self {
        let mut sweep = Self {
            house,
            seed,
            random: Random::of(seed),
            step: 0,
            listed: Vec::new(),
            known: BTreeMap::new(),
            last: None,
            mark: FIRST_MARK,
            has_orphans: false,
        };
        sweep.move_in();
        sweep
    }

    /// A new Live, with a first backup.
    fn move_in(&mut self) {
        self.house.clear();
        self.house.furnish();
        self.known.clear();
        self.last = None;
        self.has_orphans = false;
        self.timed("backup", &["backup", LIVE]);
        let live = self.house.parts();
        self.list();
        self.learn(&live);
        if TAKES.lock().unwrap().contains_key("restore") {
            return;
        }
        self.step += 1;
        self.house.edit(self.step);
        let before = self.house.parts();
        self.timed(
            "restore",
            &[
                "restore",
                LIVE,
                "manual",
                "--even-if-unchanged",
                "--confirm",
                LIVE,
            ],
        );
        assert_eq!(self.house.parts(), live, "a restore that nobody disturbs");
        self.list();
        self.learn(&before);
        self.timed("undo", &["undo", LIVE, "--confirm", LIVE]);
        assert_eq!(self.house.parts(), before, "an undo that nobody disturbs");
        self.list();
        self.learn(&live);
        self.last = Some(Last {
            was: live,
            chosen: Chosen::default(),
        });
    }

    fn timed(&self, name: &'static str, arguments: &[&str]) {
        let began = Instant::now();
        self.house.run(arguments).unwrap();
        TAKES.lock().unwrap().insert(name, began.elapsed());
    }

    /// Backups that were not known until now hold this.
    fn learn(&mut self, live: &Parts) {
        for backup in &self.listed {
            self.known.entry(id(backup)).or_insert_with(|| live.clone());
        }
    }

    fn list(&mut self) {
        // That Live holds less than an older backup is trouble, after a restore of a smaller one as well.
        let output = self.house.output(&["backups", LIVE, "--json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        self.listed.clone_from(told["backups"].as_array().unwrap());
    }

    /// One round. Gives how it ended, in a few words.
    pub fn round(&mut self, round: u64) -> String {
        if !self.random.once_in(6) {
            self.step += 1;
            self.house.edit(self.step);
        }
        let (plan, before) = self.plan();
        let place = format!("round {round} of seed {}: {plan:?}", self.seed);
        match self.play(&plan, &before) {
            Ok(told) => {
                let fault = plan
                    .fault
                    .as_ref()
                    .map_or_else(|| "no fault".to_owned(), Fault::name);
                println!("{place}: {told}");
                format!("{}, {fault}, {told}", plan.action.name())
            }
            Err(why) => panic!("{place}: {why}"),
        }
    }

    fn plan(&mut self) -> (Plan, Before) {
        let backups = self.listed.clone();
        let ids: Vec<_> = backups
            .iter()
            .map(id)
            .filter(|id| self.known.contains_key(id))
            .collect();
        let random = &mut self.random;
        let fault = random.once_in(3).then(|| Fault::any(random, self.house));
        let writers = random.one_of(&[
            Who::Nobody,
            Who::Databases,
            Who::Databases,
            Who::Everywhere,
            Who::Heeding,
            Who::Heeding,
        ]);
        let action = Action::any(random, &ids, self.last.is_some()).among(writers);
        let takes = TAKES.lock().unwrap();
        let takes = match action {
            Action::Restore { .. } => takes["restore"],
            Action::Undo => takes["undo"],
            _ => takes["backup"],
        };
        // A gate would itself be held up where somebody holds a table.
        let is_locked = matches!(fault, Some(Fault::Locked { .. }));
        let mut point = Point::any(random, takes, action.switches(), writers == Who::Heeding);
        while is_locked && matches!(point, Point::Statement { .. } | Point::Never | Point::Hook { .. }) {
            point = Point::any(random, takes, action.switches(), false);
        }
        let live = self.house.parts();
        let goal = match &action {
            Action::Restore { backup, chosen } => {
                let manual = || {
                    backups
                        .iter()
                        .find(|backup| has_slot(backup, "manual"))
                        .map(id)
                        .unwrap()
                };
                let backup = if backup == "manual" {
                    manual()
                } else {
                    backup.clone()
                };
                chosen.brought_back(&live, &self.known[&backup])
            }
            Action::Undo => {
                let last = self.last.as_ref().unwrap();
                last.chosen.brought_back(&live, &last.was)
            }
            _ => live.clone(),
        };
        let before = Before {
            records: self.house.records(),
            live,
            goal,
            backups,
        };
        let plan = Plan {
            action,
            point,
            fault,
            writers,
        };
        (plan, before)
    }

    fn play(&mut self, plan: &Plan, before: &Before) -> Result<String, String> {
        let house = self.house;
        house.configure(plan.writers == Who::Heeding);
        self.mark += 1_000_000;
        let writers = Writers::start(house, self.mark, plan.writers);
        let mut held = plan.fault.as_ref().and_then(|fault| fault.before(house));
        let began = Instant::now();
        let ended = plan.point.run(house, &plan.action.arguments());
        let said = house.said();
        if ended.success() && plan.fault.is_none() {
            TAKES.lock().unwrap().insert(plan.action.name(), began.elapsed());
        }
        let marks = writers.stop();
        if let Some(fault) = &plan.fault {
            fault.between(house, &mut held);
        }
        let may_be_critical =
            plan.action.switches() && plan.fault.as_ref().is_some_and(Fault::may_be_critical);
        let untouched = may_be_critical.then(|| house.untouched());
        let environment = self.next_start(plan, &mut held)?;
        if environment["job"] != Value::Null {
            return Err(format!("a job still runs: {environment}"));
        }
        // What a writer left after the safety backup stays beside Live, and what holds more than Live is kept: both are told.
        let is_kept = |trouble: &&str| {
            let is_told =
                trouble.contains("was left beside the content") || trouble.contains("holds much less");
            is_told && !trouble.contains("half switched") && !trouble.contains("left in the middle")
        };
        let trouble = environment["trouble"].as_str();
        if let Some(trouble) = trouble.filter(|trouble| !is_kept(trouble)) {
            let Some(untouched) = untouched else {
                return Err(format!("it is critical: {trouble}; it had said: {said}"));
            };
            self.is_critical_and_untouched(trouble, &untouched)?;
            self.move_in();
            return Ok("critical and untouched".to_owned());
        }
        let live = house.parts();
        let is_new = live == before.goal;
        if !is_new && live != before.live {
            return Err(format!(
                "Live is neither old nor new: {}; it had said: {said}",
                before.differences(&live)
            ));
        }
        Self::ended_as_it_says(plan, &ended, &said, is_new)?;
        self.nothing_else_is_lost(plan, before, &marks, is_new)?;
        self.remember(plan, before, is_new);
        self.works_again(&live)?;
        Ok(match (ended.code(), live == before.live) {
            (None, true) => "killed, old",
            (None, false) => "killed, new",
            (Some(0), _) => "done",
            (Some(_), true) => "failed, old",
            (Some(_), false) => "failed, new",
        }
        .to_owned())
    }

    /// The next start settles whatever was left. Gives what it says of the environment.
    fn next_start(&self, plan: &Plan, held: &mut Option<postgres::Client>) -> Result<Value, String> {
        let house = self.house;
        let look = ["environments", "--json"];
        match &plan.fault {
            Some(Fault::Locked { database, .. }) if held.is_some() => {
                let output = Fault::start_under_lock(house, database, held, &look);
                if !output.status.success() {
                    return Err(format!("the next start, with a table held: {}", told(&output)));
                }
            }
            Some(Fault::Full {
                disk, stays: true, ..
            }) => {
                // On a full disk it may fail, and must not lose anything.
                let _ = house.output(&look);
                house.free(disk);
            }
            _ => {}
        }
        let mut told = house.json(&look)?;
        // What a restore replaced is removed as long as somebody only looks at something, and then by whoever comes next.
        let mut starts = 0;
        while house.is_clearing() && starts < 50 {
            told = house.json(&look)?;
            starts += 1;
        }
        Ok(told["environments"][0].clone())
    }

    /// No job starts, everything says why, and nothing has changed.
    fn is_critical_and_untouched(
        &self,
        trouble: &str,
        untouched: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        let house = self.house;
        if !trouble.contains("half switched") && !trouble.contains("left in the middle") {
            return Err(format!("it does not say what is wrong: {trouble}"));
        }
        for arguments in [
            &["backup", LIVE][..],
            &["restore", LIVE, "manual", "--confirm", LIVE],
            &["undo", LIVE, "--confirm", LIVE],
            &["confirm", LIVE],
            &["delete", LIVE, "safety", "--yes"],
        ] {
            let output = house.output(arguments);
            if output.status.success() {
                return Err(format!(
                    "{arguments:?} was done while Live is critical ({trouble}): {}",
                    told(&output)
                ));
            }
        }
        let activity = house.run(&["activity", "--json"])?;
        if !String::from_utf8_lossy(&activity.stdout).contains("critical") {
            return Err(format!("nobody was told: {trouble}"));
        }
        let now = house.untouched();
        let mut changed: Vec<_> = untouched
            .iter()
            .filter(|(what, digest)| now.get(*what) != Some(digest))
            .map(|(what, _)| what)
            .collect();
        changed.extend(now.keys().filter(|what| !untouched.contains_key(*what)));
        if changed.is_empty() {
            return Ok(());
        }
        Err(format!(
            "it is critical ({trouble}), and this was touched: {changed:?}"
        ))
    }

    /// A job that says that it was done has done it, and one fails only where there is a reason.
    fn ended_as_it_says(plan: &Plan, ended: &ExitStatus, said: &str, is_new: bool) -> Result<(), String> {
        match ended.code() {
            Some(0) if !is_new => Err(format!("it said that it was done, and Live is old: {said}")),
            Some(2 | 3) if plan.action.may_be_refused() => Ok(()),
            // Whoever changes a folder while it is copied is told so.
            Some(1) if plan.writers == Who::Everywhere && said.contains("changed while it was copied") => {
                Ok(())
            }
            // What was written to tables is kept, and a part of them is not exchanged then.
            Some(1) if plan.writes_into_a_part() && said.contains("somebody has written to Live") => Ok(()),
            Some(code) if code != 0 && plan.fault.is_none() => Err(format!("it failed ({code}): {said}")),
            _ => Ok(()),
        }
    }

    fn nothing_else_is_lost(
        &mut self,
        plan: &Plan,
        before: &Before,
        marks: &BTreeMap<&'static str, Vec<i64>>,
        is_new: bool,
    ) -> Result<(), String> {
        let house = self.house;
        let is_lost = matches!(plan.fault, Some(Fault::Lost("" | "journal")));
        let may_leave = plan.fault.as_ref().is_some_and(Fault::may_leave);
        self.has_orphans |= is_lost;
        let stopped = house.stopped();
        if !stopped.is_empty() && !is_lost {
            return Err(format!(
                "{stopped:?} were stopped for a restore and not started again"
            ));
        }
        for instance in INSTANCES {
            let _ = std::fs::remove_file(house.sign("stopped", instance));
        }
        let records = house.records();
        if let Some(record) = before.records.iter().find(|record| !records.contains(*record)) {
            return Err(format!("the data stores have lost {record}"));
        }
        self.list();
        before.backups_stand(&self.listed, matches!(plan.action, Action::Delete { .. }))?;
        self.marks_stand(marks, plan.action.switches() && is_new)?;

        // What a writer left after the safety backup is kept beside Live; a person removes it.
        let beside = house.beside();
        let may_be_kept =
            plan.writers != Who::Nobody && plan.action.switches() || may_leave || self.has_orphans;
        if !beside.is_empty() && !may_be_kept {
            return Err(format!("{beside:?} is left beside Live"));
        }
        for left in beside {
            std::fs::remove_dir_all(house.content().with_file_name(left)).unwrap();
        }
        let staged = house.staged();
        if !staged.is_empty() && !may_leave && !self.has_orphans {
            return Err(format!("{staged:?} are left in the databases"));
        }
        Ok(())
    }

    /// What writers have left meanwhile is in Live; where Live may have been replaced, it is there or beside it or in the
    /// safety backup. A part that looks the same before and after was replaced all the same.
    fn marks_stand(&self, marks: &BTreeMap<&'static str, Vec<i64>>, is_replaced: bool) -> Result<(), String> {
        let house = self.house;
        for (instance, marks) in marks {
            let live = house.marks(instance);
            let mut missing: BTreeSet<i64> = marks
                .iter()
                .copied()
                .filter(|mark| !live.contains(mark))
                .collect();
            if is_replaced {
                let beside = house.marks_beside(instance);
                missing.retain(|mark| !beside.contains(mark));
                for backup in &self.listed {
                    // Of a database, the replaced tables hold them.
                    if missing.is_empty() || *instance != FOLDER || self.known.contains_key(&id(backup)) {
                        continue;
                    }
                    // Only what is in the folder itself is listed.
                    let held = house.restic(&["ls", &id(backup), &format!("/{FOLDER}/website/{MARKS}")]);
                    let held = String::from_utf8_lossy(&held.stdout).into_owned();
                    let held: BTreeSet<i64> = held.lines().filter_map(mark_of).collect();
                    missing.retain(|mark| !held.contains(mark));
                }
            }
            if let Some(first) = missing.first() {
                return Err(format!(
                    "{} of {} marks of the writer on {instance} are lost, the first is {first}",
                    missing.len(),
                    marks.len()
                ));
            }
        }
        Ok(())
    }

    fn remember(&mut self, plan: &Plan, before: &Before, is_new: bool) {
        self.learn(&before.live);
        let is_lost = matches!(plan.fault, Some(Fault::Lost("")));
        match &plan.action {
            // Nothing differs, so nobody can tell what undo would go back to.
            action if action.switches() && (is_lost || before.live == before.goal) => self.last = None,
            Action::Restore { chosen, .. } if is_new => {
                self.last = Some(Last {
                    was: before.live.clone(),
                    chosen: chosen.taken_back(),
                });
            }
            Action::Undo if is_new => {
                if let Some(last) = &mut self.last {
                    last.was.clone_from(&before.live);
                }
            }
            Action::Confirm | Action::Delete { .. } => self.last = None,
            _ if is_lost => self.last = None,
            _ => {}
        }
    }

    /// A new backup and its verification succeed.
    fn works_again(&mut self, live: &Parts) -> Result<(), String> {
        self.house.run(&["backup", LIVE])?;
        if self.house.parts() != *live {
            return Err("a backup has changed Live".to_owned());
        }
        self.list();
        self.learn(live);
        if self.random.once_in(5) {
            self.house.run(&["verify", LIVE])?;
        }
        Ok(())
    }

    /// At the end of a house: the repository is whole, and a backup brings back what Live was when it was taken.
    pub fn end(&mut self) {
        let seed = self.seed;
        let checked = self.house.restic(&["check", "--read-data"]);
        assert!(checked.status.success(), "seed {seed}: {}", told(&checked));
        let ids: Vec<_> = self.listed.iter().map(id).collect();
        let backup = self.random.one_of(&ids);
        let restore = self
            .house
            .run(&["restore", LIVE, &backup, "--even-if-unchanged", "--confirm", LIVE]);
        assert!(restore.is_ok(), "seed {seed}: {restore:?}");
        assert_eq!(self.house.parts(), self.known[&backup], "seed {seed}: {backup}");
    }
}
