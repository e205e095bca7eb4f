//! One test for each trap of the library that was met and measured; each would fail without its rule.
//!
//! That a dead endpoint hangs for minutes (6) is with the other tests of object storage, in `buckets`; how much that
//! costs (12) is nothing that a test could say. That a new file's folder is brought to disk (part of 7) shows only after
//! a loss of power.

use std::fs;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lifeboat::clock::SystemClock;
use lifeboat::content::files::Files;
use lifeboat::domain::plan::Selection;
use lifeboat::repository::{FrozenSources, RepositoryError};
use lifeboat::watch::Unwatched;

use crate::meddling::{FullDisk, Impatient, MadeUp, Meddling};
use crate::support::{Sandbox, manifest, name, noise, on_each_storage, source};

on_each_storage!(
    trap_5_a_restore_and_a_verification_can_be_cancelled,
    trap_10_exactly_the_given_backups_are_dropped,
);

/// No backup is to be seen, neither by Lifeboat nor by `restic`, and the next one works.
fn assert_nothing_was_kept(sandbox: &Sandbox) {
    assert_eq!(sandbox.files("snapshots").len(), 0);
    sandbox.back_up();
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn trap_1_a_reader_that_fails_in_the_middle_leaves_no_backup() {
    struct Failing(Box<dyn Read + Send>);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::from_raw_os_error(5)),
                count => Ok(count),
            }
        }
    }
    let sandbox = Sandbox::new();
    let failing = MadeUp {
        size: 2_000_000,
        reader: |_| Box::new(Failing(Box::new(io::repeat(7).take(1_000_000)))),
        reads: Arc::default(),
    };
    let error = sandbox
        .copy_of(&[source("author", Arc::new(failing))])
        .unwrap_err();
    assert!(matches!(error, RepositoryError::Content { .. }), "{error:?}");
    assert!(
        error.to_string().starts_with("author: reading dam/file failed: "),
        "{error}"
    );
    assert!(!error.is_worth_a_retry());
    assert_nothing_was_kept(&sandbox);
}

#[test]
fn trap_2_a_source_that_ends_early_without_an_error_leaves_no_backup() {
    let sandbox = Sandbox::new();
    let truncated = MadeUp {
        size: 2_000_000,
        reader: |_| Box::new(io::repeat(7).take(1_000_000)),
        reads: Arc::default(),
    };
    let error = sandbox
        .copy_of(&[source("author", Arc::new(truncated))])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("dam/file has 1000000 bytes where 2000000 belong"),
        "{error}"
    );
    assert_nothing_was_kept(&sandbox);
}

#[test]
fn trap_3_a_short_read_does_not_slow_the_rest_down() {
    struct Stuttering(Arc<AtomicU64>, u64);
    impl Read for Stuttering {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            // Past the smallest size of a piece, where the library looks for the piece's end through a buffer.
            let read = self.0.fetch_add(1, Ordering::Relaxed);
            let end = if self.1 >= 600_000 && read.is_multiple_of(50) {
                1
            } else {
                buffer.len()
            };
            let end = end.min(usize::try_from(4_000_000 - self.1).unwrap());
            let bytes = noise(self.1, end);
            buffer[..end].copy_from_slice(&bytes);
            self.1 += end as u64;
            Ok(end)
        }
    }
    let sandbox = Sandbox::new();
    let reads = Arc::new(AtomicU64::new(0));
    let stuttering = MadeUp {
        size: 4_000_000,
        reader: |reads| Box::new(Stuttering(Arc::clone(reads), 0)),
        reads: Arc::clone(&reads),
    };
    sandbox
        .copy_of(&[source("author", Arc::new(stuttering))])
        .unwrap();
    // One read of a byte at a time would make millions of them.
    let reads = reads.load(Ordering::Relaxed);
    assert!(reads < 10_000, "{reads} reads");
}

#[test]
fn trap_4_a_full_disk_under_a_restore_is_an_error_and_no_panic() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    let error = sandbox
        .repository
        .extract(&id, &name("author"), &Selection::default(), &FullDisk, &Unwatched)
        .unwrap_err();
    assert!(matches!(error, RepositoryError::NoRoom { .. }), "{error:?}");
    assert!(
        error.to_string().starts_with("there is no room left for "),
        "{error}"
    );
}

#[test]
fn trap_5_a_copy_can_be_cancelled() {
    let sandbox = Sandbox::new();
    // Reading this to its end would take hours.
    let endless = MadeUp {
        size: 1 << 50,
        reader: |_| Box::new(io::repeat(7)),
        reads: Arc::default(),
    };
    let error = sandbox
        .repository
        .copy(
            FrozenSources::take(&[source("author", Arc::new(endless))], &SystemClock).unwrap(),
            None,
            &Impatient::default(),
        )
        .unwrap_err();
    assert!(matches!(error, RepositoryError::Cancelled), "{error:?}");
    assert_nothing_was_kept(&sandbox);
}

fn trap_5_a_restore_and_a_verification_can_be_cancelled(sandbox: &Sandbox) {
    let id = sandbox.back_up();
    let sink = lifeboat::content::files::FilesSink::create(&sandbox.path().join("to")).unwrap();
    let all = Selection::default();
    let extracted = sandbox
        .repository
        .extract(&id, &name("author"), &all, &sink, &Impatient::default());
    assert!(matches!(extracted, Err(RepositoryError::Cancelled)));
    let verified = sandbox.repository.verify(&id, &Impatient::default());
    assert!(matches!(verified, Err(RepositoryError::Cancelled)));
}

#[test]
fn trap_7_what_a_kill_leaves_behind_does_no_harm() {
    let sandbox = Sandbox::new();
    // A copy that never became a backup, a pack that no index knows, half a pack, half a record.
    drop(sandbox.copy().unwrap());
    for index in sandbox.files("index") {
        fs::remove_file(index).unwrap();
    }
    let pack = &sandbox.files("data")[0];
    fs::write(pack.with_extension("-tmp-"), "half").unwrap();
    let temporary = format!("{}-tmp-", "ab".repeat(32));
    fs::write(sandbox.place().join("snapshots").join(&temporary), "half").unwrap();

    let id = sandbox.back_up();
    sandbox.repository.verify(&id, &Unwatched).unwrap();
    assert_eq!(sandbox.repository.list().unwrap().len(), 1);
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn trap_8_a_flipped_bit_is_found_by_reading_and_only_by_that() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    crate::damage::flip_a_bit_of_content(&sandbox);
    sandbox.restic(&["check"]);
    let error = sandbox.repository.verify(&id, &Unwatched).unwrap_err();
    assert!(matches!(error, RepositoryError::Damaged { .. }), "{error:?}");
}

#[test]
fn trap_9_pruning_marks_first_and_deletes_nothing_at_once() {
    let sandbox = Sandbox::new();
    let going = sandbox.back_up();
    fs::remove_dir_all(sandbox.content("author").join("dam")).unwrap();
    let staying = sandbox.back_up();
    let packs = sandbox.files("data");

    sandbox.repository.forget(&[going]).unwrap();
    let report = sandbox.repository.prune(&Unwatched).unwrap();
    assert!(report.marked > 1_000_000, "{report:?}");
    let again = sandbox.repository.prune(&Unwatched).unwrap();
    assert_eq!(again.freed, 0);
    for pack in packs {
        assert!(pack.exists(), "{} was deleted at once", pack.display());
    }
    sandbox.repository.verify(&staying, &Unwatched).unwrap();
    assert_eq!(sandbox.repository.list().unwrap().len(), 1);

    // What is marked is stored again when it is needed again.
    fs::remove_dir_all(sandbox.content("author")).unwrap();
    crate::support::fill(&sandbox.content("author"), 1);
    let back = sandbox.back_up();
    sandbox.repository.verify(&back, &Unwatched).unwrap();
}

fn trap_10_exactly_the_given_backups_are_dropped(sandbox: &Sandbox) {
    let ids: Vec<_> = (0..4).map(|_| sandbox.back_up()).collect();
    sandbox
        .repository
        .forget(&[ids[1].clone(), ids[3].clone()])
        .unwrap();
    let mut left: Vec<_> = sandbox
        .repository
        .list()
        .unwrap()
        .into_iter()
        .map(|backup| backup.id)
        .collect();
    let mut expected = vec![ids[0].clone(), ids[2].clone()];
    left.sort();
    expected.sort();
    assert_eq!(left, expected);
}

#[test]
fn trap_11_the_key_is_worked_out_once() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    // Without the files of the keys, whoever would want to open the repository once more could not.
    fs::remove_dir_all(sandbox.place().join("keys")).unwrap();
    let copy = sandbox.copy().unwrap();
    sandbox.repository.read_back(&copy, &Unwatched).unwrap();
    let written = manifest(&copy);
    sandbox.repository.record(copy, &written).unwrap();
    sandbox.repository.verify(&id, &Unwatched).unwrap();
    sandbox.repository.forget(&[id]).unwrap();
    sandbox.repository.prune(&Unwatched).unwrap();
}

#[test]
fn a_failure_stops_the_copy_before_the_rest_is_read() {
    let sandbox = Sandbox::new();
    let dam = sandbox.content("author").join("dam");
    for number in 0..2000 {
        fs::write(dam.join(format!("z-{number}")), [0; 100]).unwrap();
    }
    let gone = dam.join("same-1");
    let meddling = Meddling::on_open(Files::new(&sandbox.content("author")), "dam/same-1", move || {
        fs::remove_file(&gone).unwrap();
    });
    let content: Arc<Meddling> = Arc::clone(&meddling);
    sandbox.copy_of(&[source("author", content)]).unwrap_err();
    let opened = meddling.opened();
    assert!(opened < 1000, "{opened} files were opened after the failure");
}

#[test]
fn a_failed_copy_takes_no_room() {
    struct Failing(u64);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 12_000 {
                return Err(io::Error::from_raw_os_error(5));
            }
            let bytes = noise(self.0, buffer.len().min(10_000));
            buffer[..bytes.len()].copy_from_slice(&bytes);
            Ok(bytes.len())
        }
    }
    let sandbox = Sandbox::new();
    let failing = MadeUp {
        size: 200_000_000,
        reader: |_| Box::new(Failing(0)),
        reads: Arc::default(),
    };
    sandbox
        .copy_of(&[source("author", Arc::new(failing))])
        .unwrap_err();
    assert!(sandbox.files("data").is_empty(), "{:?}", sandbox.files("data"));
    assert_nothing_was_kept(&sandbox);
}
