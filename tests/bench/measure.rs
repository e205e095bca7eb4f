//! What a program takes: seconds, CPU seconds and memory of a process of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a step took.
#[derive(Debug, Clone)]
pub struct Taken {
    pub seconds: f64,
    pub cpu: f64,
    pub peak_kib: u64,
    /// Seconds and CPU seconds of parts that are told apart; 0 CPU seconds where they are not known.
    pub parts: BTreeMap<String, (f64, f64)>,
}

/// Runs a command in a process of its own, with a quiet disk at its beginning.
pub fn measured(command: &mut Command) -> Taken {
    rustix::fs::sync();
    let (start, cpu) = (Instant::now(), ticks(3));
    let mut child = command
        .stdin(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}: is it installed?"));
    let mut peak_kib = 0;
    let status = loop {
        peak_kib = peak_kib.max(peak_of(&child));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{command:?}: {status}");
    Taken {
        seconds: start.elapsed().as_secs_f64(),
        cpu: ticks(3) - cpu,
        peak_kib,
        parts: BTreeMap::new(),
    }
}

/// The most memory that a process has had so far, in KiB; 0 when it has gone.
fn peak_of(child: &Child) -> u64 {
    fs::read_to_string(format!("/proc/{}/status", child.id()))
        .unwrap_or_default()
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .unwrap_or(0)
}

/// CPU seconds from the kernel's account of this process: from field 1 of its own, from field 3 of its children.
pub fn ticks(field: usize) -> f64 {
    ticks_of("self", field)
}

/// The same of any process, by its number.
pub fn ticks_of(process: &str, field: usize) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |index: usize| fields[10 + index].parse::<f64>().unwrap();
    (ticks(field) + ticks(field + 1)) / 100.0
}

/// The bytes of all files in a folder.
pub fn size(folder: &Path) -> u64 {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let about = entry.metadata().unwrap();
            if about.is_dir() {
                size(&entry.path())
            } else {
                about.len()
            }
        })
        .sum()
}
