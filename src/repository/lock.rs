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
//! Where several machines share a catalog, a lock also says for which of their claims it is held, in words that only the
//! fence understands ([`WriteLease::holder`]). Whoever the catalog knows to have lost that claim counts no more, however
//! young its lock is. Its lock is removed, and by that it finds out even where it cannot ask the catalog: before it changes
//! anything, a holder looks every few seconds whether its lock still lies there, and it writes no lock anew that was taken
//! from it. Locks of another catalog, of older Lifeboats and of `restic` say nothing of a claim, and count as above.
//!
//! A repository in a folder is locked by the system, which also sees when a holder dies: see `engine::jobs::lock`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use parking_lot::{Condvar, Mutex};
use rustic_core::Id;
use rustic_core::repofile::MasterKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Repository;
use super::error::RepositoryError;
use super::format::cipher::Cipher;
use super::guard::{LeaseState, WriteLease};
use super::storage::{Bucket, Storage};
use crate::clock::Clock;
use crate::domain::Instant;
use crate::domain::os_error::in_words;

/// A lock that was not written anew for so long is that of a dead holder, for `restic` as for Lifeboat.
const STALE: Duration = Duration::from_mins(30);
/// How often a lock is written anew.
const RENEW: chrono::Duration = chrono::Duration::minutes(5);
/// How often it is looked whether that is due, which is also how soon it is tried again when it failed.
const LOOK_WHETHER_DUE: Duration = Duration::from_secs(30);
/// For how long a holder relies on its lock lying where it has seen it.
const LOOK: chrono::Duration = chrono::Duration::seconds(10);
/// How often locks of the dead are looked for that have come while others were removed.
const ROUNDS: u32 = 5;
/// A lock that could not be written anew for so long counts as lost. Others take it for stale a while later.
const LOST: chrono::Duration = chrono::Duration::minutes(20);
/// What the user's name in a lock of Lifeboat's begins with.
const OURS: &str = "lifeboat ";

/// A lock as it is written: `restic`'s fields, and what Lifeboat adds to them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LockFile {
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
    /// Only in Lifeboat's, where several share a catalog: what it is held for, in the fence's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_for: Option<String>,
}

impl LockFile {
    fn by_this_process(now: Instant, held_for: Option<String>) -> Self {
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
            held_for,
        }
    }

    /// Whether the process that wrote it is known to be dead.
    pub(super) fn is_of_the_dead(&self) -> bool {
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

    /// Whether it keeps a Lifeboat out.
    pub(super) fn excludes(&self) -> bool {
        self.exclusive || self.lifeboat.is_some()
    }

    /// Who holds it, for people.
    pub(super) fn holder(&self, standing: LeaseState) -> String {
        let who = if self.lifeboat.is_some() {
            "another Lifeboat"
        } else {
            "restic"
        };
        let host = crate::domain::printable::line(&self.hostname);
        let ends = match standing {
            LeaseState::Valid => "within a minute, when its lease has run out",
            LeaseState::Unknown | LeaseState::Lost => {
                "half an hour later, or with `restic unlock --remove-all`"
            }
        };
        format!(
            "{who} is at work on it (process {} on {host}, seen last at {}). If that one is dead, this ends by itself \
             {ends}",
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
    held: Arc<HeldLock>,
    renewing: Option<JoinHandle<()>>,
}

/// A lock that is held.
pub(super) struct HeldLock {
    bucket: Bucket,
    key: MasterKey,
    clock: Arc<dyn Clock>,
    /// The right of whoever works on the environment, and what the lock says of it.
    fence: Option<Arc<dyn WriteLease>>,
    claim: Option<String>,
    /// Held while it is exchanged for a new one.
    name: Mutex<String>,
    renewed: Mutex<Instant>,
    /// When it was last seen lying there.
    seen: Mutex<Instant>,
    ended: Mutex<bool>,
    ending: Condvar,
    lost: AtomicBool,
}

impl std::fmt::Debug for HeldLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldLock")
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
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
        let fence = self.fence.lock().clone();
        let held_for = fence.as_ref().and_then(|fence| fence.holder());
        let now = clock.now();
        let name = write(bucket, &self.key, now, held_for.clone())?;
        let held = Arc::new(HeldLock {
            bucket: bucket.clone(),
            key: self.key.clone(),
            clock: Arc::clone(clock),
            fence,
            claim: held_for,
            name: Mutex::new(name.clone()),
            renewed: Mutex::new(now),
            seen: Mutex::new(now),
            ended: Mutex::new(false),
            ending: Condvar::new(),
            lost: AtomicBool::new(false),
        });
        let mut lock = RepositoryLock {
            held: Arc::clone(&held),
            renewing: None,
        };
        self.refuse_beside_others(&held, &name)?;
        *self.held.lock() = Arc::downgrade(&held);
        lock.renewing = thread::Builder::new()
            .name("repository-lock".to_owned())
            .spawn(move || held.keep_renewing())
            .map(Some)
            .map_err(|error| RepositoryError::NoAccess {
                place: self.place.clone(),
                why: format!(
                    "no thread could be started that keeps its lock: {error}",
                    error = in_words(&error)
                ),
            })?;
        Ok(Some(lock))
    }

    /// Looks at all locks but one's own, and removes those that dead Lifeboats have left.
    fn refuse_beside_others(&self, held: &HeldLock, own: &str) -> Result<(), RepositoryError> {
        for _ in 0..ROUNDS {
            if !self.remove_the_dead(held, own)? {
                return Ok(());
            }
            // A holder that only seems dead may have written its lock anew just before that was taken from it. It looks
            // after that whether the earlier one still lies there; the new one is to be seen here.
        }
        Err(RepositoryError::Locked {
            place: self.place.clone(),
            holder: "another Lifeboat, which the others take for dead, goes on writing locks there. End it, and try again"
                .to_owned(),
        })
    }

    /// One look at all locks but one's own. Returns whether one was removed whose holder has lost its claim.
    fn remove_the_dead(&self, held: &HeldLock, own: &str) -> Result<bool, RepositoryError> {
        let bucket = &held.bucket;
        let locks = bucket.locks()?;
        // The storage's clock has just been written down there.
        let now = locks
            .iter()
            .find(|lock| lock.name == own)
            .and_then(|lock| lock.written);
        let mut removed = false;
        for lock in locks.iter().filter(|lock| lock.name != own) {
            let Some(content) = bucket.read_lock(&lock.name)? else {
                continue;
            };
            let written = decrypt(&self.key, &content);
            let ours = written.as_ref().is_some_and(|written| written.lifeboat.is_some());
            let standing = written
                .as_ref()
                .map_or(LeaseState::Unknown, |written| held.standing(written));
            let is_stale = is_stale(lock.written, now)
                || standing == LeaseState::Lost
                || written.as_ref().is_some_and(LockFile::is_of_the_dead);
            match written {
                _ if is_stale && ours => {
                    bucket.remove_lock(&lock.name)?;
                    removed |= standing == LeaseState::Lost;
                }
                _ if is_stale => {}
                Some(written) if written.excludes() => {
                    return Err(RepositoryError::Locked {
                        place: self.place.clone(),
                        holder: written.holder(standing),
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
        Ok(removed)
    }
}

pub(super) fn is_stale(written: Option<SystemTime>, now: Option<SystemTime>) -> bool {
    match (written, now) {
        (Some(written), Some(now)) => now.duration_since(written).is_ok_and(|age| age > STALE),
        _ => false,
    }
}

impl WriteLease for HeldLock {
    fn is_lost(&self) -> bool {
        self.is_too_old() || !self.lies_there(LOOK)
    }

    fn is_surely_held(&self) -> bool {
        !self.is_too_old() && self.lies_there(chrono::Duration::zero())
    }

    fn is_void(&self, _id: &str) -> bool {
        // Where several share a catalog, that one knows what counts: whoever has taken the lock away may have found the
        // record before.
        self.claim.is_none() && self.is_lost()
    }
}

impl HeldLock {
    /// Whether it was lost, or could not be written anew for too long.
    fn is_too_old(&self) -> bool {
        if self.clock.now() - *self.renewed.lock() > LOST {
            self.lost.store(true, Ordering::Release);
        }
        self.lost.load(Ordering::Acquire)
    }

    /// Whether the lock lies where it was written and its claim stands, as seen so long ago at most. One that has gone once
    /// is lost for good. That it cannot be looked at says nothing: whatever comes next meets the same storage.
    fn lies_there(&self, at_most: chrono::Duration) -> bool {
        let mut seen = self.seen.lock();
        let now = self.clock.now();
        // A clock that was set back says nothing either.
        let is_fresh = *seen <= now && now - *seen < at_most;
        if !is_fresh && !self.lost.load(Ordering::Acquire) {
            let name = self.name.lock();
            match self.bucket.read_lock(&name) {
                Ok(Some(_)) if self.has_lost_its_claim() => self.lost.store(true, Ordering::Release),
                Ok(Some(_)) => *seen = now,
                Ok(None) => self.lost.store(true, Ordering::Release),
                Err(_) => {}
            }
        }
        !self.lost.load(Ordering::Acquire)
    }

    fn has_lost_its_claim(&self) -> bool {
        match (&self.fence, &self.claim) {
            (Some(fence), Some(claim)) => fence.standing(claim) == LeaseState::Lost,
            _ => false,
        }
    }

    /// What is known of whoever has written a lock.
    fn standing(&self, written: &LockFile) -> LeaseState {
        match (&self.fence, &written.held_for) {
            (Some(fence), Some(held_for)) => fence.standing(held_for),
            _ => LeaseState::Unknown,
        }
    }

    fn keep_renewing(&self) {
        loop {
            let mut ended = self.ended.lock();
            self.ending
                .wait_while_for(&mut ended, |ended| !*ended, LOOK_WHETHER_DUE);
            if *ended {
                return;
            }
            drop(ended);
            // If that fails it is still due the next time.
            let _ = self.renew_if_due();
        }
    }

    fn renew_if_due(&self) -> Result<(), RepositoryError> {
        let since = self.clock.now() - *self.renewed.lock();
        if since >= chrono::Duration::zero() && since < RENEW {
            return Ok(());
        }
        self.renew()
    }

    /// Writes the lock anew, and removes its earlier form.
    fn renew(&self) -> Result<(), RepositoryError> {
        // A lock that is lost stays so: somebody else may have one by now.
        if self.is_too_old() || !self.lies_there(chrono::Duration::zero()) {
            return Ok(());
        }
        let mut name = self.name.lock();
        let now = self.clock.now();
        let new = write(&self.bucket, &self.key, now, self.claim.clone())?;
        // Whoever has taken the earlier one away by now may not have seen the new one.
        let earlier = self.bucket.read_lock(&name);
        if !matches!(earlier, Ok(Some(_))) {
            let removed = self.bucket.remove_lock(&new);
            if earlier?.is_none() {
                self.lost.store(true, Ordering::Release);
            }
            return removed;
        }
        let earlier = std::mem::replace(&mut *name, new);
        *self.renewed.lock() = now;
        // If it stays, it is stale in half an hour.
        let _ = self.bucket.remove_lock(&earlier);
        Ok(())
    }
}

impl RepositoryLock {
    /// Writes the lock anew if its clock says that it is time. A thread does this by itself every half minute.
    ///
    /// # Errors
    /// What kept it from being written. It is due again the next time.
    pub fn renew_if_due(&self) -> Result<(), RepositoryError> {
        self.held.renew_if_due()
    }
}

impl Drop for RepositoryLock {
    fn drop(&mut self) {
        *self.held.ended.lock() = true;
        self.held.ending.notify_all();
        if let Some(renewing) = self.renewing.take() {
            // It has no way to fail.
            let _ = renewing.join();
        }
        // If it stays, it is stale in half an hour, and for this machine as soon as this process has ended.
        let _ = self.held.bucket.remove_lock(&self.held.name.lock());
    }
}

/// Writes a lock of this process, and gives its name: the digest of what is written, as for all files of a repository.
fn write(
    bucket: &Bucket,
    key: &MasterKey,
    now: Instant,
    held_for: Option<String>,
) -> Result<String, RepositoryError> {
    let failed = |why: String| RepositoryError::io("writing a lock", &bucket.address(), why);
    let text = serde_json::to_vec(&LockFile::by_this_process(now, held_for))
        .map_err(|error| failed(error.to_string()))?;
    let content = Cipher::new(key)
        .and_then(|cipher| cipher.seal(&text))
        .map_err(failed)?;
    let name = Id::new(Sha256::digest(&content).into()).to_hex();
    bucket.write_lock(name.as_str(), content)?;
    Ok(name.as_str().to_owned())
}

pub(super) fn decrypt(key: &MasterKey, content: &[u8]) -> Option<LockFile> {
    let mut content = content.to_vec();
    let text = Cipher::new(key).ok()?.open_in_place(&mut content)?;
    // Compressed text begins with a 2; text of an older form is there as it is. No lock is longer than some 64 KiB.
    let text = match text.strip_prefix(&[2]) {
        Some(packed) => &zstd::bulk::decompress(packed, 64 * 1024).ok()?[..],
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
        let written = LockFile::by_this_process(now, None);
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
        let here = LockFile::by_this_process(now, None);
        assert!(!here.is_of_the_dead());
        // No process has the highest number that there could be.
        let dead = LockFile {
            pid: i64::from(i32::MAX),
            ..here
        };
        assert!(dead.is_of_the_dead());
        let elsewhere = LockFile {
            lifeboat: Some("another machine".to_owned()),
            ..dead
        };
        assert!(!elsewhere.is_of_the_dead());
    }
}
