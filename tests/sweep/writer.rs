//! Who works on Live meanwhile: a writer for each instance, who leaves one numbered mark after the other, and knows which
//! of them Live has taken.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use lifeboat::demo::cluster::SUPERUSER;
use postgres::{Client, NoTls};
use rustix::fs::{FlockOperation, flock};

use crate::house::{FOLDER, House, INSTANCES};
use crate::live::{BUNDLE, MARKS};

/// How many marks a second are enough.
const PACE: Duration = Duration::from_millis(15);
/// The same of somebody who changes a folder under the hands of a backup, which can only fail then.
const SLOW_PACE: Duration = Duration::from_millis(900);

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Nobody,
    /// Into databases, all the time.
    Databases,
    /// Into everything, whatever Lifeboat does.
    Everywhere,
    /// Into everything, and stops for a restore as a Magnolia does; on a folder for a backup as well.
    Heeding,
}

/// The writers of all instances.
pub struct Writers(Vec<Running>);

struct Running {
    instance: &'static str,
    stop: Sender<()>,
    thread: JoinHandle<Vec<i64>>,
}

impl Writers {
    /// They begin with this mark.
    pub fn start(house: &House, first: i64, who: Who) -> Self {
        let writes = |instance: &&str| match who {
            Who::Nobody => false,
            Who::Databases => *instance != FOLDER,
            Who::Everywhere | Who::Heeding => true,
        };
        let running = INSTANCES.into_iter().filter(writes).map(|instance| {
            let (stop, stopped) = channel();
            let mut one = Writer::of(house, instance, who);
            let thread = std::thread::spawn(move || one.write(first, &stopped));
            Running {
                instance,
                stop,
                thread,
            }
        });
        Self(running.collect())
    }

    /// Stops them, and gives the marks that each knows to be in Live.
    pub fn stop(self) -> BTreeMap<&'static str, Vec<i64>> {
        for running in &self.0 {
            let _ = running.stop.send(());
        }
        let marks = self.0.into_iter();
        marks
            .map(|running| (running.instance, running.thread.join().unwrap()))
            .collect()
    }
}

struct Writer {
    connect: Option<String>,
    client: Option<Client>,
    folder: std::path::PathBuf,
    writing: File,
    stopped: std::path::PathBuf,
    heed: bool,
    pace: Duration,
}

impl Writer {
    fn of(house: &House, instance: &str, who: Who) -> Self {
        Self {
            heed: who == Who::Heeding,
            pace: if instance == FOLDER && who == Who::Everywhere {
                SLOW_PACE
            } else {
                PACE
            },
            connect: (instance != FOLDER).then(|| house.cluster.connect(instance, SUPERUSER)),
            client: None,
            folder: house.content().join("website").join(MARKS),
            writing: File::create(house.sign("writing", instance)).unwrap(),
            stopped: house.sign("stopped", instance),
        }
    }

    fn write(&mut self, first: i64, stopped: &Receiver<()>) -> Vec<i64> {
        let mut known = Vec::new();
        let mut mark = first;
        while stopped.recv_timeout(self.pace) == Err(RecvTimeoutError::Timeout) {
            if self.heed {
                flock(&self.writing, FlockOperation::LockShared).unwrap();
            }
            if !(self.heed && self.stopped.exists()) && self.leave(mark) {
                known.push(mark);
            }
            flock(&self.writing, FlockOperation::Unlock).unwrap();
            mark += 1;
        }
        known
    }

    /// Whether Live has certainly taken the mark.
    fn leave(&mut self, mark: i64) -> bool {
        let Some(connect) = &self.connect else {
            let (beside, path) = (self.folder.join(".new"), self.folder.join(format!("mark-{mark}")));
            let _ = fs::create_dir(&self.folder);
            return fs::write(&beside, mark.to_string()).is_ok() && fs::rename(beside, path).is_ok();
        };
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.client = Client::connect(connect, NoTls).ok();
        }
        let Some(client) = &mut self.client else {
            return false;
        };
        let statement = format!(
            "SET lock_timeout = '1s'; INSERT INTO public.pm_website_bundle SELECT {mark}, 1, {BUNDLE}"
        );
        client.batch_execute(&statement).is_ok()
    }
}
