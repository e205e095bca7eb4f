//! The lock on a repository in object storage, in `restic`'s own form and place.
//!
//! Several may hold a lock of `restic`'s at a time, as long as none of them is exclusive. Lifeboat's are not: they keep
//! out `restic prune` and whatever else wants a repository for itself, and let `restic snapshots` through. That of two
//! Lifeboats only one works on a repository is on top of that: whoever finds a lock that another Lifeboat has written
//! steps back.
//!
//! A lock is taken by writing it and then looking who else has one, so that of two who begin together at least one sees
//! the other. It is written anew every few minutes, and counts no more when that has not happened for half an hour:
//! then its holder is dead. Ages are told by the storage's clock alone. A holder that could not write its lock anew for
//! too long, say on a machine that was asleep, takes it for lost and changes nothing any more.
//!
//! A repository in a folder is locked by the system, which also sees when a holder dies: see `engine::lock`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use rustic_core::Id;
use rustic_core::repofile::MasterKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Repository;
use super::cipher::Cipher;
use super::error::RepositoryError;
use super::guard::Loseable;
use super::storage::{Bucket, Storage};
use crate::domain::Instant;
use crate::engine::clock::Clock;

/// A lock that was not written anew for so long is that of a dead holder, for `restic` as for Lifeboat.
const STALE: Duration = Duration::from_mins(30);
/// How often a lock is written anew.
const RENEW: Duration = Duration::from_mins(5);
/// How soon that is tried again when it failed.
const RENEW_AGAIN: Duration = Duration::from_secs(30);
/// A lock that could not be written anew for so long counts as lost. Others take it for stale a while later.
const LOST: chrono::Duration = chrono::Duration::minutes(20);
/// What the user's name in a lock of Lifeboat's begins with.
const OURS: &str = "lifeboat ";

/// A lock as it is written: `restic`'s fields, and what Lifeboat adds to them.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Written {
    time: Instant,
    exclusive: bool,
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    pid: i64,
    #[serde(default)]
    uid: u32,
    #[serde(default)]
    gid: u32,
    /// Only in Lifeboat's: which machine, since which start, and which processes it sees. Where this is the same, a
    /// process that is not there is dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lifeboat: Option<String>,
}

impl Written {
    fn by_this_process(now: Instant) -> Self {
        let user = rustix::process::getuid().as_raw();
        Self {
            time: now,
            exclusive: false,
            hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            username: format!("{OURS}{user}"),
            pid: i64::from(std::process::id()),
            uid: user,
            gid: rustix::process::getgid().as_raw(),
            lifeboat: Some(machine()),
        }
    }

    /// Whether the process that wrote it is known to be dead.
    fn is_of_the_dead(&self) -> bool {
        let here = machine();
        if here.is_empty() || self.lifeboat.as_deref() != Some(here.as_str()) {
            return false;
        }
        let process = i32::try_from(self.pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        process.is_some_and(|process| {
            rustix::process::test_kill_process(process) == Err(rustix::io::Errno::SRCH)
        })
    }

    /// Who holds it, for people.
    fn holder(&self) -> String {
        let who = if self.lifeboat.is_some() {
            "another Lifeboat"
        } else {
            "restic"
        };
        let host = crate::domain::printable::line(&self.hostname);
        format!(
            "{who} is at work on it (process {} on {host}, seen last at {} UTC). If that one is dead, this ends by itself \
             half an hour later, or with `restic unlock --remove-all`",
            self.pid,
            crate::domain::measure::moment_exact(self.time)
        )
    }
}

/// This machine since its last start, as this process sees it. Empty where the system does not tell.
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let processes = std::fs::read_link("/proc/self/ns/pid");
    match (boot, processes) {
        (Ok(boot), Ok(processes)) => format!("{} {}", boot.trim(), processes.display()),
        _ => String::new(),
    }
}

/// The lock, held until this is dropped.
#[derive(Debug)]
pub struct RepositoryLock {
    held: Arc<Held>,
    renewing: Option<JoinHandle<()>>,
}

/// A lock that is held.
pub(super) struct Held {
    bucket: Bucket,
    key: MasterKey,
    clock: Arc<dyn Clock>,
    name: Mutex<String>,
    renewed: Mutex<Instant>,
    ended: Mutex<bool>,
    ending: Condvar,
    lost: AtomicBool,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held")
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Repository {
    /// Takes the lock on a repository in object storage. `None` for one in a folder, which the system locks.
    ///
    /// # Errors
    /// [`RepositoryError::Locked`] while somebody else holds one that excludes this.
    pub fn lock(&self, clock: &Arc<dyn Clock>) -> Result<Option<RepositoryLock>, RepositoryError> {
        let Storage::Bucket(bucket) = &self.storage else {
            return Ok(None);
        };
        let now = clock.now();
        let name = write(bucket, &self.key, now)?;
        let held = Arc::new(Held {
            bucket: bucket.clone(),
            key: self.key.clone(),
            clock: Arc::clone(clock),
            name: Mutex::new(name.clone()),
            renewed: Mutex::new(now),
            ended: Mutex::new(false),
            ending: Condvar::new(),
            lost: AtomicBool::new(false),
        });
        let mut lock = RepositoryLock {
            held: Arc::clone(&held),
            renewing: None,
        };
        self.refuse_beside_others(bucket, &name)?;
        *locked(&self.held) = Arc::downgrade(&held);
        lock.renewing = thread::Builder::new()
            .name("repository-lock".to_owned())
            .spawn(move || held.keep_renewing())
            .map(Some)
            .map_err(|error| RepositoryError::NoAccess {
                place: self.place.clone(),
                why: format!("no thread could be started that keeps its lock: {error}"),
            })?;
        Ok(Some(lock))
    }

    /// Looks at all locks but one's own, and removes those that dead Lifeboats have left.
    fn refuse_beside_others(&self, bucket: &Bucket, own: &str) -> Result<(), RepositoryError> {
        let locks = bucket.locks()?;
        // The storage's clock has just been written down there.
        let now = locks
            .iter()
            .find(|lock| lock.name == own)
            .and_then(|lock| lock.written);
        for lock in locks.iter().filter(|lock| lock.name != own) {
            let Some(content) = bucket.read_lock(&lock.name)? else {
                continue;
            };
            let written = decrypt(&self.key, &content);
            let ours = written.as_ref().is_some_and(|written| written.lifeboat.is_some());
            let is_stale =
                is_stale(lock.written, now) || written.as_ref().is_some_and(Written::is_of_the_dead);
            match written {
                _ if is_stale && ours => bucket.remove_lock(&lock.name)?,
                _ if is_stale => {}
                Some(written) if ours || written.exclusive => {
                    return Err(RepositoryError::Locked {
                        place: self.place.clone(),
                        holder: written.holder(),
                    });
                }
                Some(_) => {}
                None => {
                    return Err(RepositoryError::Locked {
                        place: self.place.clone(),
                        holder: format!(
                            "there is a lock {} that cannot be read. If nobody is at work on it, remove it with `restic \
                             unlock --remove-all`",
                            lock.name
                        ),
                    });
                }
            }
        }
        Ok(())
    }
}

fn is_stale(written: Option<SystemTime>, now: Option<SystemTime>) -> bool {
    match (written, now) {
        (Some(written), Some(now)) => now.duration_since(written).is_ok_and(|age| age > STALE),
        _ => false,
    }
}

impl Loseable for Held {
    fn is_lost(&self) -> bool {
        if self.clock.now() - *locked(&self.renewed) > LOST {
            self.lost.store(true, Ordering::Release);
        }
        self.lost.load(Ordering::Acquire)
    }
}

impl Held {
    fn keep_renewing(&self) {
        let mut pause = RENEW;
        loop {
            let ended = locked(&self.ended);
            let (ended, _) = self
                .ending
                .wait_timeout_while(ended, pause, |ended| !*ended)
                .unwrap_or_else(PoisonError::into_inner);
            if *ended {
                return;
            }
            drop(ended);
            pause = if self.renew().is_ok() { RENEW } else { RENEW_AGAIN };
        }
    }

    /// Writes the lock anew, and removes its earlier form.
    fn renew(&self) -> Result<(), RepositoryError> {
        // A lock that is lost stays so: somebody else may have one by now.
        if self.is_lost() {
            return Ok(());
        }
        let now = self.clock.now();
        let name = write(&self.bucket, &self.key, now)?;
        let earlier = std::mem::replace(&mut *locked(&self.name), name);
        *locked(&self.renewed) = now;
        // If it stays, it is stale in half an hour.
        let _ = self.bucket.remove_lock(&earlier);
        Ok(())
    }
}

impl Drop for RepositoryLock {
    fn drop(&mut self) {
        *locked(&self.held.ended) = true;
        self.held.ending.notify_all();
        if let Some(renewing) = self.renewing.take() {
            // It has no way to fail.
            let _ = renewing.join();
        }
        // If it stays, it is stale in half an hour, and for this machine as soon as this process has ended.
        let _ = self.held.bucket.remove_lock(&locked(&self.held.name));
    }
}

/// Writes a lock of this process, and gives its name: the digest of what is written, as for all files of a repository.
fn write(bucket: &Bucket, key: &MasterKey, now: Instant) -> Result<String, RepositoryError> {
    let failed = |why: String| RepositoryError::Io {
        doing: "writing a lock".to_owned(),
        place: bucket.address(),
        why,
    };
    let text =
        serde_json::to_vec(&Written::by_this_process(now)).map_err(|error| failed(error.to_string()))?;
    let content = Cipher::new(key)
        .and_then(|cipher| cipher.seal(&text))
        .map_err(failed)?;
    let name = Id::new(Sha256::digest(&content).into()).to_hex();
    bucket.write_lock(name.as_str(), content)?;
    Ok(name.as_str().to_owned())
}

fn decrypt(key: &MasterKey, content: &[u8]) -> Option<Written> {
    let mut content = content.to_vec();
    let text = Cipher::new(key).ok()?.open_in_place(&mut content)?;
    // Compressed text begins with a 2; text of an older form is there as it is.
    let text = match text.strip_prefix(&[2]) {
        Some(packed) => &zstd::decode_all(packed).ok()?[..],
        None => text,
    };
    serde_json::from_slice(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_comes_back_under_the_same_key_only() {
        let (key, other) = (MasterKey::new(), MasterKey::new());
        let now: Instant = "2026-11-23T00:17:00Z".parse().unwrap();
        let written = Written::by_this_process(now);
        let text = serde_json::to_vec(&written).unwrap();
        let content = Cipher::new(&key).unwrap().seal(&text).unwrap();
        let back = decrypt(&key, &content).unwrap();
        assert_eq!(
            (back.time, back.pid, back.lifeboat),
            (now, written.pid, written.lifeboat)
        );
        assert!(decrypt(&other, &content).is_none());
        assert!(decrypt(&key, &content[..10]).is_none());
    }

    #[test]
    fn only_a_process_of_this_machine_is_known_to_be_dead() {
        let now: Instant = "2026-11-23T00:17:00Z".parse().unwrap();
        let here = Written::by_this_process(now);
        assert!(!here.is_of_the_dead());
        // No process has the highest number that there could be.
        let dead = Written {
            pid: i64::from(i32::MAX),
            ..here
        };
        assert!(dead.is_of_the_dead());
        let elsewhere = Written {
            lifeboat: Some("another machine".to_owned()),
            ..dead
        };
        assert!(!elsewhere.is_of_the_dead());
    }
}
