//! Waits for what changes in a folder, as the system tells of it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};

/// What changes in a folder from when it was begun to be watched.
pub struct Changes(OwnedFd);

impl Changes {
    pub fn in_folder(folder: &Path) -> Self {
        let told = init(CreateFlags::CLOEXEC).unwrap();
        let what = WatchFlags::CREATE | WatchFlags::MODIFY | WatchFlags::MOVED_TO | WatchFlags::DELETE;
        add_watch(&told, folder, what).unwrap();
        Self(told)
    }

    /// Waits until something is so that a change in the folder can bring about, and fails when nothing changes for so
    /// many seconds before.
    pub fn until<T>(&self, seconds: i64, mut ask: impl FnMut() -> Option<T>) -> T {
        let limit = Timespec {
            tv_sec: seconds,
            tv_nsec: 0,
        };
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            let told = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&limit)).unwrap();
            assert!(told > 0, "nothing has changed for {seconds} s, and it is not so");
            // All that was told until now is one reason to look.
            let mut buffer = [MaybeUninit::uninit(); 4096];
            Reader::new(&self.0, &mut buffer).next().unwrap();
        }
    }
}
